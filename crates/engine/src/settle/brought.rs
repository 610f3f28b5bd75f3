//! What a claim brings to a property: a value, the whole that a part belongs to (P1d), or a
//! default.

use lockstep_model::flow::Policy;
use lockstep_model::value::{as_stored, coerce, is_empty, same};
use lockstep_model::{
    Claim, ClaimStamp, PropIx, RecordState, Rule, Slot, Timestamp, TypeIx, Value,
};

use super::candidates::{Candidate, candidates, comes_one_way};
use super::entity::Entity;
use super::outcome::{Wanted, written};
use super::translate::{judged_equal, translate};
use crate::parts;
use crate::plan::{Bearing, Plan};
use crate::slice::Slice;

/// What a property is given where nobody has put anything into any of those that bear on it: what a
/// conversion gives for nothing. It is Lockstep's own, and travels nowhere.
pub fn default(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    (ty, prop): (TypeIx, PropIx),
    creating: bool,
) -> Wanted {
    for by in entity
        .bearings(plan, ty, prop)
        .iter()
        .filter(|by| by.defaults && by.open && entity.is_given(by, ty, creating))
    {
        let Some(record) =
            entity.records.iter().find(|record| record.ty == by.other && record.is_live())
        else {
            continue;
        };
        let claim = Claim { value: Value::Null, at: Timestamp::UNTOLD, goes: vec![] };
        let stamp = ClaimStamp { at: claim.at, record: record.id, prop: by.theirs };
        let nothing = Candidate {
            claim: &claim,
            stamp,
            from: record.ty,
            by: Some(by),
            record,
            row: 0,
            stands: true,
        };
        return translate(plan, slice, &nothing, by, plan.prop(ty, prop), &Value::Null);
    }
    Wanted::Nothing
}

/// Whether a property was given a default, and not what somebody has put in: the property that the
/// value came by has no claim.
pub(super) fn given_default(entity: &Entity<'_>, slot: &Slot) -> bool {
    let Some(carried) = slot.carries.filter(|carried| !carried.at.is_told()) else { return false };
    let source = entity.records.iter().find(|record| record.id == carried.record);
    source.is_some_and(|source| source.slot(carried.prop).claim.is_none())
}

/// What a claim brings to a property: its value in the property's terms, or the whole that a part
/// of it belongs to (P1d).
pub fn brought(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    best: &Candidate<'_>,
    by: &Bearing,
    (ty, prop): (TypeIx, PropIx),
    shown: &Value,
) -> Wanted {
    let described = plan.prop(ty, prop);
    let plain = || translate(plan, slice, best, by, described, shown);
    let Some(parts) = described.parts.iter().find(|parts| parts.other == by.other) else {
        return plain();
    };
    let held = |part: PropIx| held_by(plan, slice, entity, best.record, part);
    match parts::whole(parts, shown, held, slice.now) {
        Some(whole) => match coerce(&whole, described.ty) {
            Ok(value) => written(as_stored(value, described.stored_as), best.stamp, Rule::P1d),
            Err(message) => Wanted::Unconvertible { value: whole, claim: best.stamp, message },
        },
        // It is one of several forms of the same value, and leads back alone.
        None if by.judged_by.is_none() && by.conversion.is_ok() => plain(),
        None => Wanted::Unconvertible {
            value: best.claim.value.clone(),
            claim: best.stamp,
            message: format!(
                "no value of {} has {}",
                described.name,
                parts
                    .parts
                    .iter()
                    .map(|part| format!(
                        "{} as its {}",
                        lockstep_model::value::shown(&held(part.prop)),
                        plan.prop(by.other, part.prop).name
                    ))
                    .collect::<Vec<_>>()
                    .join(" and ")
            ),
        },
    }
}

/// What a property of a member should hold by the claims of now, whether it has been written yet or
/// not.
fn held_by(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Value {
    let described = plan.prop(record.ty, prop);
    let shown = record.slot(prop).value(described.whole);
    let all = candidates(plan, entity, record.ty, prop, Some(record.id));
    let given = all.first().and_then(|best| match best.by {
        None => Some(best.claim.value.clone()),
        Some(by) => match translate(plan, slice, best, by, described, shown) {
            Wanted::Write { value, .. } => Some(value),
            _ => None,
        },
    });
    given.unwrap_or_else(|| shown.clone())
}

/// P1: whether somebody has put in a value where only those of another system count, whose record
/// holds nothing.
fn does_not_count(plan: &Plan, entity: &Entity<'_>, record: &RecordState, prop: PropIx) -> bool {
    let Policy::OnlyFrom(system) = &plan.prop(record.ty, prop).policy else { return false };
    let is_theirs = |ty: TypeIx| plan.ty(ty).name.system == *system;
    let is_linked = |by: &Bearing| {
        let is_it = |other: &&RecordState| other.ty == by.other && other.is_live();
        by.open && is_theirs(by.other) && entity.records.iter().any(is_it)
    };
    // P12: what both hold has not drifted, whoever put it in.
    let shown = record.slot(prop).value(plan.prop(record.ty, prop).whole);
    let is_held = |by: &Bearing| {
        let holds = |other: &&RecordState| {
            let theirs = other.slot(by.theirs).value(plan.prop(other.ty, by.theirs).whole);
            other.ty == by.other && other.is_live() && same(by.terms, theirs, shown)
        };
        is_theirs(by.other) && entity.records.iter().any(|other| holds(&&**other))
    };
    let claim = record.slot(prop).claim.as_ref();
    !is_theirs(record.ty)
        && !entity.bearings(plan, record.ty, prop).iter().any(is_held)
        && claim.is_some_and(|claim| !is_empty(&claim.value))
        && entity.bearings(plan, record.ty, prop).iter().any(is_linked)
}

/// P12: what a property would hold if it went by the values that reach it alone, where it holds
/// another that does not travel back.
pub fn drifted(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Option<Value> {
    let described = plan.prop(record.ty, prop);
    // P11: a list whose elements come and go keeps what is its own.
    if described.create_only || described.read_only || !described.paired || described.each {
        return None;
    }
    let all = candidates(plan, entity, record.ty, prop, Some(record.id));
    if all.is_empty() && does_not_count(plan, entity, record, prop) {
        return Some(Value::Null);
    }
    let own = all.first().filter(|best| best.stamp.record == record.id)?;
    let shown = record.slot(prop).value(described.whole);
    let one_way = |one: &&Candidate<'_>| comes_one_way(plan, entity, (record.ty, prop), one);
    let (rival, by) = all.iter().find(one_way).and_then(|one| Some((one, one.by?)))?;
    if is_empty(&rival.claim.value) && !is_empty(&own.claim.value) && !by.clears {
        return None;
    }
    match translate(plan, slice, rival, by, described, shown) {
        Wanted::Write { value, .. } if same(by.terms, &value, shown) => None,
        Wanted::Write { .. } if judged_equal(slice.now, by, &rival.claim.value, shown) => None,
        Wanted::Write { value, .. } => Some(value),
        _ => None,
    }
}
