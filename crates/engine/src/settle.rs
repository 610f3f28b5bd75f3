//! Settling: what every property of an entity should hold (P0–P3), as a pure function of the claims of its records.
//!
//! A property takes the latest claim among its own and those of the properties that bear on it in the other records. Lockstep's own
//! writes are no claims; so every settled state is a fixed point, in whatever order things were read.

use std::cmp::Ordering;

use lockstep_model::change::Counterpart;
use lockstep_model::flow::Policy;
use lockstep_model::value::{as_stored, coerce, effective, equal, equal_as, is_empty};
use lockstep_model::{Change, Claim, ClaimStamp, PlainType, PropIx, RecordId, RecordState, Rule, Timestamp, TypeIx, Value};

use crate::keys::each_id;
use crate::pick::holding;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::slice::Slice;

/// A claim and the way it comes: from the property itself, or by what bears on it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub claim: &'a Claim,
    pub stamp: ClaimStamp,
    pub from: TypeIx,
    /// `None` for a claim of the property itself, in this record or in one that stood in its place and is gone.
    pub by: Option<&'a Bearing>,
}

/// What a property should be given.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// It holds what it should.
    Nothing,
    /// P9: one of its list's elements is what it should hold, and shall stand for it from now on.
    Pick {
        element: Value,
    },
    Write {
        value: Value,
        counterpart_of: Option<Counterpart>,
        claim: ClaimStamp,
        rule: Rule,
    },
    /// P8: the record that it should refer to has no counterpart here.
    Waits {
        reference: Counterpart,
        claim: ClaimStamp,
    },
    /// The value can't be converted.
    Unconvertible {
        value: Value,
        claim: ClaimStamp,
        message: String,
    },
}

/// The members of an entity as values travel between them. `suspended` are pairs of record types that a condition keeps apart just
/// now (L9, unqualified).
pub struct Entity<'a> {
    pub records: Vec<&'a RecordState>,
    pub suspended: Vec<(TypeIx, TypeIx)>,
}

/// All claims that a property may take, the winner first. `me` is `None` for a record that does not exist yet.
pub fn candidates<'a>(plan: &'a Plan, entity: &Entity<'a>, ty: TypeIx, prop: PropIx, me: Option<RecordId>) -> Vec<Candidate<'a>> {
    let described = plan.prop(ty, prop);
    let mut found = Vec::new();
    let mut consider = |record: &'a RecordState, theirs: PropIx, by: Option<&'a Bearing>| {
        let Some(claim) = &record.slot(theirs).claim else { return };
        if let Policy::OnlyFrom(system) = &described.policy
            && plan.ty(record.ty).name.system != *system
        {
            return;
        }
        if let Some(bearing) = by {
            let goes = me.and_then(|_| claim.goes.iter().find(|(to, _)| *to == ty));
            if !bearing.open
                || goes.is_some_and(|(_, props)| !props.contains(&prop))
                || (!bearing.clears && is_empty(&claim.value))
            {
                return;
            }
        }
        let stamp = ClaimStamp { at: claim.at, record: record.id, prop: theirs };
        found.push(Candidate { claim, stamp, from: record.ty, by });
    };
    if let Some(own) = me.and_then(|me| entity.records.iter().find(|record| record.id == me)) {
        consider(own, prop, None);
        // D1, L6: a record of the same type that is gone has left its place in the entity to this one, with what was put in there.
        for record in entity.records.iter().filter(|record| record.ty == ty && !record.is_live() && record.id != own.id) {
            consider(record, prop, None);
        }
    }
    for bearing in &plan.ty(ty).bearings[prop.at()] {
        if entity.suspended.contains(&(ty, bearing.other)) {
            continue;
        }
        for record in &entity.records {
            if record.ty == bearing.other && Some(record.id) != me {
                consider(record, bearing.theirs, Some(bearing));
            }
        }
    }
    found.sort_by(|a, b| precedence(plan, described, a, b));
    found
}

/// P1: the latest first. On a tie the record type that was named first, then the record that was known first: so that both sides of a
/// tie agree. A policy of preference goes before time.
fn precedence(plan: &Plan, prop: &PlanProp, a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    let preference = |candidate: &Candidate<'_>| match &prop.policy {
        Policy::Prefer(systems) => {
            let system = &plan.ty(candidate.from).name.system;
            systems.iter().position(|s| s == system).unwrap_or(systems.len())
        }
        _ => 0,
    };
    preference(a)
        .cmp(&preference(b))
        .then_with(|| (b.stamp.at, a.from, a.stamp.record, a.stamp.prop).cmp(&(a.stamp.at, b.from, b.stamp.record, b.stamp.prop)))
}

/// What a property of a member should be given.
pub fn wanted(plan: &Plan, slice: &Slice, entity: &Entity<'_>, record: &RecordState, prop: PropIx) -> Wanted {
    let described = plan.prop(record.ty, prop);
    // P10; a policy may still let this record's claims travel.
    if !described.paired || described.read_only || described.create_only {
        return Wanted::Nothing;
    }
    let slot = record.slot(prop);
    let all = candidates(plan, entity, record.ty, prop, Some(record.id));
    let Some(best) = all.first() else { return Wanted::Nothing };
    if best.stamp.record == record.id || slot.carries == Some(best.stamp) {
        return Wanted::Nothing;
    }
    let shown = slot.value(described.whole);
    // A claim of emptiness on one that never was told asks for nothing.
    if is_empty(&best.claim.value) && is_empty(shown) {
        return Wanted::Nothing;
    }
    let rule = if all.iter().any(|other| other.stamp.record == record.id && !is_empty(&other.claim.value)) || !is_empty(shown) {
        Rule::P1
    } else {
        Rule::P2
    };
    let (translated, by) = match best.by {
        Some(by) => (translate(plan, slice, best, by, described, shown), Some(by)),
        // A place in a list is the other record's own.
        None if described.list && !described.whole => return Wanted::Nothing,
        None => {
            let value = best.claim.value.clone();
            (Wanted::Write { value, counterpart_of: None, claim: best.stamp, rule: Rule::P1 }, None)
        }
    };
    match translated {
        Wanted::Write { value, .. } if equal_as(described.ty, &value, shown) => Wanted::Nothing,
        // P3: it has been given this very value, and shows what the system made of it.
        Wanted::Write { ref value, .. } if slot.given.as_ref().is_some_and(|given| equal_as(described.ty, value, given)) => {
            Wanted::Nothing
        }
        Wanted::Write { value, .. } if described.stored_as.caseless && same_but_for_case(&value, shown) => Wanted::Nothing,
        Wanted::Write { .. } if by.is_some_and(|by| judged_equal(slice.now, by, &best.claim.value, shown)) => Wanted::Nothing,
        Wanted::Write { ref value, .. } if let Some(element) = in_list(described, slot.shadow.as_ref(), value) => {
            Wanted::Pick { element: element.clone() }
        }
        Wanted::Write { value, counterpart_of, claim, .. } => {
            let rule = if by.is_some_and(|by| by.reference) { Rule::P8 } else { rule };
            Wanted::Write { value, counterpart_of, claim, rule }
        }
        other => other,
    }
}

/// The element of a property's list that holds a value already.
fn in_list<'a>(described: &PlanProp, shadow: Option<&'a Value>, value: &Value) -> Option<&'a Value> {
    let list = shadow.filter(|shadow| shadow.is_array() && !is_empty(value))?;
    let same = |element: &Value| {
        equal_as(described.ty, value, element) || (described.stored_as.caseless && same_but_for_case(value, element))
    };
    holding(Some(list), described.whole, same)
}

/// P3 for what a system tells apart by its letters only, not by their case.
fn same_but_for_case(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::String(a), Value::String(b)) if a.trim().to_lowercase() == b.trim().to_lowercase())
}

/// P3 where the way to here has lost something: the two are equal if what is here, carried there, is what was claimed.
fn judged_equal(now: Timestamp, by: &Bearing, claimed: &Value, shown: &Value) -> bool {
    let Some(way) = &by.judged_by else { return false };
    let mut value = shown.clone();
    for conversion in way {
        match conversion.apply(&value, now) {
            Ok(converted) => value = converted,
            Err(_) => return false,
        }
    }
    equal(&value, claimed)
}

/// The claim in the target's terms. `shown` is what the target holds, by which an untyped property's JSON type is told.
pub fn translate(plan: &Plan, slice: &Slice, best: &Candidate<'_>, by: &Bearing, target: &PlanProp, shown: &Value) -> Wanted {
    let claim = best.stamp;
    let mut value = best.claim.value.clone();
    if by.reference {
        return reference(plan, slice, best, by, target, claim);
    }
    if is_empty(&value) {
        return Wanted::Write { value: Value::Null, counterpart_of: None, claim, rule: Rule::P1 };
    }
    let failed = |message: String| Wanted::Unconvertible { value: best.claim.value.clone(), claim, message };
    match &by.conversion {
        Err(why) => return failed(why.clone()),
        Ok(conversions) => {
            for conversion in conversions {
                match conversion.apply(&value, slice.now) {
                    Ok(converted) => value = converted,
                    Err(error) => return failed(error.to_string()),
                }
            }
        }
    }
    let value = match coerce(effective(&value, target.whole), target.ty) {
        Ok(value) => as_stored(like(value, target.ty, shown), target.stored_as),
        Err(message) => return failed(message),
    };
    Wanted::Write { value, counterpart_of: None, claim, rule: Rule::P1 }
}

/// An untyped property keeps the JSON type that it has: a number stays a number.
fn like(value: Value, ty: PlainType, shown: &Value) -> Value {
    match (ty, &value, shown) {
        (PlainType::Any, Value::String(text), Value::Number(_)) => text.trim().parse::<i64>().map_or(value, Value::from),
        (PlainType::Any, Value::Number(number), Value::String(_)) => Value::String(number.to_string()),
        _ => value,
    }
}

/// P8: the id of the counterpart, in the target's system, of the record that is referred to.
fn reference(plan: &Plan, slice: &Slice, best: &Candidate<'_>, by: &Bearing, target: &PlanProp, claim: ClaimStamp) -> Wanted {
    let source = plan.prop(by.other, by.theirs);
    let mut ids = Vec::new();
    each_id(Some(&best.claim.value), &mut |id| ids.push(id.to_string()));
    let Some(id) = ids.first() else {
        return Wanted::Write { value: Value::Null, counterpart_of: None, claim, rule: Rule::P8 };
    };
    let referred = source.refers_to.iter().find_map(|ty| slice.by_key(*ty, id));
    let Some(referred) = referred else {
        // Not read yet, or in no flow: nothing to wait for by number.
        let ty = target.refers_to.first().copied().unwrap_or(by.other);
        return Wanted::Waits { reference: Counterpart { of: RecordId(0), ty }, claim };
    };
    let members = slice.members(referred.entity).iter().filter_map(|id| slice.records.get(id));
    let counterpart = members.filter(|r| r.is_live()).find(|r| target.refers_to.contains(&r.ty));
    match counterpart {
        Some(record) => match coerce(&Value::String(record.key.clone()), target.ty) {
            Ok(value) => Wanted::Write { value, counterpart_of: None, claim, rule: Rule::P8 },
            Err(message) => Wanted::Unconvertible { value: Value::String(record.key.clone()), claim, message },
        },
        None => match target.refers_to.first() {
            Some(&ty) => Wanted::Waits { reference: Counterpart { of: referred.id, ty }, claim },
            None => Wanted::Waits { reference: Counterpart { of: RecordId(0), ty: by.other }, claim },
        },
    }
}

/// Where a claim goes, by record type.
pub type Goes = Vec<(TypeIx, Vec<PropIx>)>;

/// P1a: settles where fresh claims go, of several properties of a record type paired with theirs. Compares with what the others held
/// before this reading, so that the order of reading does not matter. `joined` tells that the entity has just been put together.
/// Gives for each record the claims that change.
pub fn settle_goes(plan: &Plan, now: Timestamp, records: &[&RecordState], joined: bool) -> Vec<(RecordId, PropIx, Goes)> {
    let mut out = Vec::new();
    for record in records {
        for (ix, prop) in plan.ty(record.ty).props.iter().enumerate().filter(|(_, prop)| prop.fans) {
            let slot = &record.slots[ix];
            let Some(claim) = &slot.claim else { continue };
            let fresh = slot.displaced.is_some();
            if !fresh && !joined {
                continue;
            }
            let prop_ix = PropIx(ix as u16);
            let mut goes = if fresh { vec![] } else { claim.goes.clone() };
            for other in records.iter().filter(|other| other.id != record.id) {
                let group: Vec<PropIx> = group_of(plan, record.ty, prop_ix, other.ty);
                if group.len() < 2 || goes.iter().any(|(ty, _)| *ty == other.ty) {
                    continue;
                }
                // A claim older than the link went nowhere yet: it goes to those that hold its own value already.
                let held = if fresh { slot.displaced.as_deref().unwrap_or(&Value::Null) } else { &claim.value };
                let chosen: Vec<PropIx> = group
                    .iter()
                    .copied()
                    .filter(|theirs| {
                        let described = plan.prop(other.ty, *theirs);
                        let before = match &other.slot(*theirs).displaced {
                            Some(displaced) => displaced,
                            None => other.slot(*theirs).value(described.whole),
                        };
                        let in_their_terms = carried_to(plan, now, record.ty, prop_ix, other.ty, *theirs, held, described);
                        in_their_terms.is_some_and(|held| equal_as(described.ty, &held, before))
                    })
                    .collect();
                goes.push((other.ty, if chosen.is_empty() { vec![group[0]] } else { chosen }));
            }
            goes.sort_by_key(|(ty, _)| *ty);
            if goes != claim.goes {
                out.push((record.id, prop_ix, goes));
            }
            let _ = prop;
        }
    }
    out
}

/// The properties of `other` that are paired with this one, in the order of the rows.
fn group_of(plan: &Plan, ty: TypeIx, prop: PropIx, other: TypeIx) -> Vec<PropIx> {
    plan.ty(ty).bearings[prop.at()].iter().filter(|b| b.other == other && b.other != ty).map(|b| b.theirs).collect()
}

/// A value of mine as it would stand in theirs.
#[allow(clippy::too_many_arguments)]
pub(crate) fn carried_to(
    plan: &Plan,
    now: Timestamp,
    ty: TypeIx,
    prop: PropIx,
    other: TypeIx,
    theirs: PropIx,
    value: &Value,
    described: &PlanProp,
) -> Option<Value> {
    let bearing = plan.ty(other).bearings[theirs.at()].iter().find(|b| b.other == ty && b.theirs == prop)?;
    let mut value = value.clone();
    if is_empty(&value) {
        return Some(Value::Null);
    }
    for conversion in bearing.conversion.as_ref().ok()? {
        value = conversion.apply(&value, now).ok()?;
    }
    coerce(&value, described.ty).ok().map(|value| as_stored(value, described.stored_as))
}

/// The change that gives a property what it should hold.
pub fn change(record: Option<&RecordState>, plan: &Plan, ty: TypeIx, prop: PropIx, wanted: Wanted) -> Option<Change> {
    let displaced = record.map_or(Value::Null, |record| record.slot(prop).value(plan.prop(ty, prop).whole).clone());
    match wanted {
        Wanted::Write { value, counterpart_of, claim, rule } => {
            Some(Change { prop, value, displaced: displaced.into(), counterpart_of, claim, rule })
        }
        Wanted::Nothing | Wanted::Pick { .. } | Wanted::Waits { .. } | Wanted::Unconvertible { .. } => None,
    }
}
