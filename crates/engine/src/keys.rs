//! Under which hashes a record is to be found: its match keys (L1–L3), and the records it refers to (C5, P8).

use lockstep_model::id_text::number_text;
use lockstep_model::matching::{forms, key_hash, normalise, reference_hash};
use lockstep_model::value::effective;
use lockstep_model::{Change, RecordState, Slot, TypeIx, Value};

use crate::plan::{MatchProp, MatchSide, Plan};

/// A row with lists on both of several pairs has a key for each combination; more than this are not made.
const MOST_COMBINATIONS: usize = 64;

/// All hashes of a record, sorted, each once.
pub fn hashes(plan: &Plan, record: &RecordState) -> Vec<u64> {
    let ty = plan.ty(record.ty);
    let mut found = Vec::with_capacity(4);
    if record.is_live() {
        for side in &ty.match_sides {
            match_hashes(plan, side, record, &mut found);
        }
        for (prop, slot) in ty.props.iter().zip(&record.slots) {
            if let Some(target) = &prop.reference_target {
                each_id(slot.shadow.as_ref(), &mut |id| found.push(reference_hash(target, id)));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Under which hashes the record would be found that a creation with these changes makes.
pub fn promised(plan: &Plan, ty: TypeIx, changes: &[Change]) -> Vec<u64> {
    let described = plan.ty(ty);
    let mut slots = vec![Slot::default(); described.props.len()];
    for change in changes {
        slots[change.prop.at()].shadow = Some(change.value.clone());
    }
    let mut found = Vec::new();
    for side in &described.match_sides {
        slots_hashes(plan, side, &slots, &mut found);
    }
    found
}

/// The hashes of a record by one match rule.
pub fn match_hashes(plan: &Plan, side: &MatchSide, record: &RecordState, found: &mut Vec<u64>) {
    slots_hashes(plan, side, &record.slots, found);
}

/// The hashes of a record that holds this, by one match rule.
pub(crate) fn slots_match_hashes(plan: &Plan, side: &MatchSide, slots: &[Slot], found: &mut Vec<u64>) {
    slots_hashes(plan, side, slots, found);
}

fn slots_hashes(plan: &Plan, side: &MatchSide, slots: &[Slot], found: &mut Vec<u64>) {
    let seed = plan.rules[side.rule].seed;
    if let [one] = side.props[..] {
        let Some(value) = value_of(one, slots) else { return };
        match value {
            // The common case, without a list in between.
            Value::String(_) => found.extend(normalise(value, one.kind).map(|form| key_hash(seed, &[&form]))),
            _ => found.extend(forms(value, one.kind).iter().map(|form| key_hash(seed, &[form]))),
        }
        return;
    }
    for combination in combinations(side, slots) {
        let values: Vec<&str> = combination.iter().map(String::as_str).collect();
        found.push(key_hash(seed, &values));
    }
}

/// What a property of a match rule holds: all elements of a list, or the primary one where only that is meant.
fn value_of(one: MatchProp, slots: &[Slot]) -> Option<&Value> {
    let value = slots[one.prop.at()].shadow.as_ref()?;
    Some(if one.primary { effective(value, false) } else { value })
}

/// The normalised values of a record by one match rule, in the rule's order.
pub fn combinations(side: &MatchSide, slots: &[Slot]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![vec![]];
    for one in &side.props {
        let values = value_of(*one, slots).map_or(vec![], |value| forms(value, one.kind));
        all = all
            .into_iter()
            .flat_map(|so_far| {
                values.iter().map(move |value| {
                    let mut longer = so_far.clone();
                    longer.push(value.clone());
                    longer
                })
            })
            .take(MOST_COMBINATIONS)
            .collect();
    }
    all
}

/// Whether two records agree by a rule: the hash only found the candidate.
pub fn agree(plan: &Plan, rule: usize, a: &RecordState, b: &RecordState) -> bool {
    let sides = |of: TypeIx, other: TypeIx| {
        plan.ty(of).match_sides.iter().enumerate().filter(move |(_, side)| side.rule == rule && side.other == other)
    };
    sides(a.ty, b.ty).any(|(m, mine)| {
        let of_a = combinations(mine, &a.slots);
        sides(b.ty, a.ty).any(|(t, theirs)| {
            // Of a rule between a record type and itself, one side of a record meets the other side of another.
            let meets = a.ty != b.ty || m != t || sides(a.ty, b.ty).count() == 1;
            meets && combinations(theirs, &b.slots).iter().any(|combination| of_a.contains(combination))
        })
    })
}

/// Whether two records of one type agree by a rule.
pub fn alike(side: &MatchSide, a: &RecordState, b: &RecordState) -> bool {
    let of_b = combinations(side, &b.slots);
    combinations(side, &a.slots).iter().any(|combination| of_b.contains(combination))
}

/// The ids that a reference holds. `0` and empty mean none.
pub fn each_id(value: Option<&Value>, then: &mut dyn FnMut(&str)) {
    match value {
        Some(Value::String(id)) if !id.trim().is_empty() => then(id.trim()),
        Some(Value::Number(id)) => {
            let id = number_text(id);
            if id != "0" {
                then(&id);
            }
        }
        Some(Value::Array(ids)) => ids.iter().for_each(|id| each_id(Some(id), then)),
        _ => {}
    }
}
