//! Under which hashes a record is to be found: its match keys (L1–L3), and the records it refers to
//! (C5, P8).

use std::borrow::Cow;

use lockstep_model::id_text::number_text;
use lockstep_model::matching::{Compared, in_common, key_hash, lookup_forms, meet, reference_hash};
use lockstep_model::value::effective;
use lockstep_model::{Change, RecordId, RecordState, Slot, Timestamp, TypeIx, Value};

use crate::plan::{MatchProp, MatchSide, Plan};
use crate::slice::Slice;

/// A row with lists on both of several pairs has a key for each combination. No record has more
/// than this: two lists of two hundred and fifty elements each.
const MOST_COMBINATIONS: usize = 1 << 16;

/// All hashes of a record, sorted, each once.
pub fn hashes(plan: &Plan, record: &RecordState) -> Vec<u64> {
    let ty = plan.ty(record.ty);
    debug_assert!(plan.fits(record), "{} has other slots than its record type", record.id);
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

/// What changes of the match keys of a record that was found under `before` (sorted).
pub fn rekey(
    plan: &Plan,
    state: &RecordState,
    before: &[u64],
    added: &mut Vec<(u64, RecordId)>,
    removed: &mut Vec<(u64, RecordId)>,
) {
    let after = hashes(plan, state);
    debug_assert!(before.is_sorted() && after.is_sorted(), "keys are looked up by halves");
    added.extend(
        after
            .iter()
            .filter(|hash| before.binary_search(hash).is_err())
            .map(|hash| (*hash, state.id)),
    );
    removed.extend(
        before
            .iter()
            .filter(|hash| after.binary_search(hash).is_err())
            .map(|hash| (*hash, state.id)),
    );
}

/// Under which hashes the record would be found that a creation with these changes makes: it shows
/// as all facets of its collection (F1).
pub fn promised(plan: &Plan, ty: TypeIx, changes: &[Change]) -> Vec<u64> {
    let described = plan.ty(ty);
    let mut slots = vec![Slot::default(); described.props.len()];
    for change in changes {
        slots[change.prop.at()].shadow = Some(change.value.clone());
    }
    let mut found = Vec::new();
    for facet in described.facets.iter().chain([&ty]) {
        for side in &plan.ty(*facet).match_sides {
            slots_hashes(plan, side, *facet, &slots, &mut found);
        }
    }
    found
}

/// The hashes of a record by one match rule: those under which it is found.
pub fn match_hashes(plan: &Plan, side: &MatchSide, record: &RecordState, found: &mut Vec<u64>) {
    slots_hashes(plan, side, record.ty, &record.slots, found);
}

/// The hashes of a record that holds this, by one match rule.
pub(crate) fn slots_match_hashes(
    plan: &Plan,
    side: &MatchSide,
    ty: TypeIx,
    slots: &[Slot],
    found: &mut Vec<u64>,
) {
    slots_hashes(plan, side, ty, slots, found);
}

fn slots_hashes(plan: &Plan, side: &MatchSide, ty: TypeIx, slots: &[Slot], found: &mut Vec<u64>) {
    let seed = plan.rules[side.rule].seed;
    if let [one] = side.props[..]
        && !one.reference
        && one.converted.is_none()
    {
        let Some(value) = value_of(one, slots) else { return };
        let forms = lookup_forms(value, one.by, &plan.placeholders);
        found.extend(forms.iter().map(|form| key_hash(seed, &[form])));
        return;
    }
    let alternatives: Vec<Vec<String>> =
        side.props.iter().map(|one| alternatives(plan, ty, *one, slots)).collect();
    combine(seed, &alternatives, found);
}

/// The hashes under which the records are found that match this one by a rule. They differ from
/// those under which this one is found only where a reference is a part of the rule: it is looked
/// for by the id of the counterpart of what it refers to (L10). `counterparts` gives the ids, in
/// that record type, of what is linked with what a property of this record refers to.
pub fn lookup_hashes(
    plan: &Plan,
    side: &MatchSide,
    record: &RecordState,
    counterparts: &dyn Fn(&RecordState, MatchProp, TypeIx) -> Vec<String>,
    found: &mut Vec<u64>,
) {
    if !side.has_references() {
        return match_hashes(plan, side, record, found);
    }
    let seed = plan.rules[side.rule].seed;
    let theirs = plan
        .ty(side.other)
        .match_sides
        .iter()
        .find(|other| other.rule == side.rule && other.other == record.ty);
    let Some(theirs) = theirs else { return };
    let of = |(one, their): (&MatchProp, &MatchProp)| {
        if !one.reference {
            return alternatives(plan, record.ty, *one, &record.slots);
        }
        let target = plan.prop(side.other, their.prop);
        let mut ids: Vec<String> =
            target.refers_to.iter().flat_map(|ty| counterparts(record, *one, *ty)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.iter().filter_map(|id| token(plan, side.other, *their, id)).collect()
    };
    let alternatives: Vec<Vec<String>> = side.props.iter().zip(&theirs.props).map(of).collect();
    combine(seed, &alternatives, found);
}

/// What stands for a reference in a key: the id, with the record type that it is one of.
fn token(plan: &Plan, ty: TypeIx, one: MatchProp, id: &str) -> Option<String> {
    let target = plan.prop(ty, one.prop).reference_target.as_ref()?;
    Some(format!("{}\u{0}{}\u{0}{id}", target.system, target.kind))
}

/// The normalised values of one property of a rule; for a reference, the ids that it holds.
fn alternatives(plan: &Plan, ty: TypeIx, one: MatchProp, slots: &[Slot]) -> Vec<String> {
    let Some(value) = value_of(one, slots) else { return vec![] };
    if let Some(by) = one.converted {
        return converted(plan, by, value)
            .map(|value| lookup_forms(&value, one.by, &plan.placeholders))
            .unwrap_or_default();
    }
    if !one.reference {
        return lookup_forms(value, one.by, &plan.placeholders);
    }
    let mut found = Vec::new();
    each_id(Some(value), &mut |id| found.extend(token(plan, ty, one, id)));
    found
}

/// What a conversion of the plan makes of a value. What can't be converted matches nothing. No clock
/// bears on a match.
fn converted(plan: &Plan, by: u16, value: &Value) -> Option<Value> {
    plan.match_conversions[usize::from(by)].apply(value, Timestamp::UNTOLD).ok()
}

/// A hash for each combination of one value of each property.
fn combine(seed: u64, alternatives: &[Vec<String>], found: &mut Vec<u64>) {
    let many = alternatives
        .iter()
        .try_fold(1usize, |many, values| many.checked_mul(values.len()))
        .unwrap_or(usize::MAX);
    for mut at in 0..many.min(MOST_COMBINATIONS) {
        let combination: Vec<&str> = alternatives
            .iter()
            .map(|values| {
                let value = &values[at % values.len()];
                at /= values.len();
                value.as_str()
            })
            .collect();
        found.push(key_hash(seed, &combination));
    }
}

/// What a property of a match rule holds: all elements of a list, or the primary one where only
/// that is meant.
fn value_of(one: MatchProp, slots: &[Slot]) -> Option<&Value> {
    let value = slots[one.prop.at()].shadow.as_ref()?;
    Some(if one.primary { effective(value, false) } else { value })
}

/// Whether two records agree by a rule: the hash only found the candidate. All pairs of the row
/// must have a value in common.
pub fn agree(plan: &Plan, slice: &Slice, rule: usize, a: &RecordState, b: &RecordState) -> bool {
    let sides = |of: TypeIx, other: TypeIx| {
        plan.ty(of)
            .match_sides
            .iter()
            .enumerate()
            .filter(move |(_, side)| side.rule == rule && side.other == other)
    };
    let meet = |mine: &MatchSide, theirs: &MatchSide| {
        mine.props.iter().zip(&theirs.props).all(|(x, y)| {
            if x.reference {
                let (to_a, to_b) =
                    (referred_entities(plan, slice, a, *x), referred_entities(plan, slice, b, *y));
                return to_a.iter().any(|entity| to_b.contains(entity));
            }
            meet_in(plan, (a, *x), (b, *y))
        })
    };
    sides(a.ty, b.ty).any(|(m, mine)| {
        sides(b.ty, a.ty).any(|(t, theirs)| {
            // Of a rule between a record type and itself, one side of a record meets the other side
            // of another.
            let meets = || a.ty != b.ty || m != t || sides(a.ty, b.ty).count() == 1;
            meets() && meet(mine, theirs)
        })
    })
}

/// Whether two records of one type would match the same records by a rule (L6).
pub fn agree_alike(plan: &Plan, side: &MatchSide, a: &RecordState, b: &RecordState) -> bool {
    side.props.iter().all(|one| meet_in(plan, (a, *one), (b, *one)))
}

/// Whether two records have a value of a pair of a rule in common.
fn meet_in(
    plan: &Plan,
    (a, x): (&RecordState, MatchProp),
    (b, y): (&RecordState, MatchProp),
) -> bool {
    if x.reference || y.reference {
        return in_common(
            &alternatives(plan, a.ty, x, &a.slots),
            &alternatives(plan, b.ty, y, &b.slots),
        );
    }
    let made_comparable = |one: MatchProp, value| match one.converted {
        Some(by) => converted(plan, by, value).map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
    };
    let mine = value_of(x, &a.slots).and_then(|value| made_comparable(x, value));
    let theirs = value_of(y, &b.slots).and_then(|value| made_comparable(y, value));
    let (Some(mine), Some(theirs)) = (mine, theirs) else { return false };
    meet(compared(x, &mine), compared(y, &theirs), &plan.placeholders)
}

/// A value of a pair of a rule, for comparing. What a conversion makes has a JSON type of its own.
fn compared<'a>(one: MatchProp, value: &'a Value) -> Compared<'a> {
    Compared { value, by: one.by, numeric: one.numeric && one.converted.is_none() }
}

/// The entities of the records that a property of a rule refers to.
fn referred_entities(
    plan: &Plan,
    slice: &Slice,
    record: &RecordState,
    one: MatchProp,
) -> Vec<lockstep_model::EntityId> {
    let mut found = Vec::new();
    let prop = plan.prop(record.ty, one.prop);
    each_id(value_of(one, &record.slots), &mut |id| {
        found.extend(
            prop.refers_to
                .iter()
                .filter_map(|ty| slice.by_key(*ty, id))
                .map(|record| record.entity),
        );
    });
    found
}

/// The ids, in a record type, of what is linked with what a property of a record refers to, as a
/// slice has them.
pub fn counterparts(
    plan: &Plan,
    slice: &Slice,
    record: &RecordState,
    one: MatchProp,
    ty: TypeIx,
) -> Vec<String> {
    let entities = referred_entities(plan, slice, record, one);
    let members = entities
        .iter()
        .flat_map(|entity| slice.members(*entity))
        .filter_map(|id| slice.records.get(id));
    members
        .filter(|member| member.ty == ty && member.is_live())
        .map(|member| member.key.clone())
        .collect()
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
