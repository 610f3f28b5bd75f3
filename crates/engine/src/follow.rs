//! Properties of what a record refers to (`company > name`): what the referred record shows is the
//! record's own value, claimed when either was edited. And several properties of a record together
//! (`first + last`), claimed when the last of them was edited.
//!
//! ```text
//! crm.Companies/7 name "Fjord"  ◀── company ── crm.People/1   company > name "Fjord" ──▶ shop.Customers/x
//! ```
//!
//! Each time a record is decided on, it takes what the reference leads to. What can't be looked at
//! (not read yet, deleted) changes nothing. Where several references follow each other, each record
//! on the way holds the value for the one before it.

use std::collections::BTreeSet;

use lockstep_model::matching::reference_hash;
use lockstep_model::value::{is_empty, same};
use lockstep_model::{
    Claim, EntityId, PropIx, RecordId, RecordState, Slot, Timestamp, TypeIx, Value,
};

use crate::decision::Decision;
use crate::keys::{each_id, hashes};
use crate::observe::Observed;
use crate::plan::{Follows, Plan, PlanProp, PlanType};
use crate::slice::Slice;

/// Brings the records of these entities up to date with what they refer to. Records that refer to
/// one that has changed so are decided on anew.
pub(crate) fn follow(
    plan: &Plan,
    slice: &mut Slice,
    entities: &BTreeSet<EntityId>,
    changed: &mut BTreeSet<RecordId>,
    out: &mut Decision,
) {
    for entity in entities.iter().filter(|_| plan.combines) {
        for id in slice.members(*entity).to_vec() {
            let record = &slice.records[&id];
            let found = record.is_live().then(|| combined(plan, record));
            for (prop, found) in found.into_iter().flatten() {
                take(plan, slice, (id, prop), found, changed, out);
            }
        }
    }
    // What is read of another record's own following comes first.
    for depth in 1..=plan.follow_depth {
        for entity in entities {
            for id in slice.members(*entity).to_vec() {
                let record = &slice.records[&id];
                let found = record.is_live().then(|| found(plan, slice, record, depth));
                for (prop, found) in found.into_iter().flatten() {
                    take(plan, slice, (id, prop), found, changed, out);
                }
            }
        }
    }
}

/// What several properties of a record make together, put in when the last of them was.
fn combined(plan: &Plan, record: &RecordState) -> Vec<(PropIx, Found)> {
    let props = plan.ty(record.ty).props.iter().enumerate();
    let of = |(at, prop): (usize, &PlanProp)| {
        let part = |part: &PropIx| (record.slot(*part), plan.prop(record.ty, *part).whole);
        let parts: Vec<(&Slot, bool)> = prop.combines.iter().map(part).collect();
        // R5: nothing is known where no part was ever told of.
        if parts.iter().all(|(slot, _)| slot.shadow.is_none()) {
            return None;
        }
        let values: Vec<Value> =
            parts.iter().map(|(slot, whole)| slot.value(*whole).clone()).collect();
        let value = if values.iter().all(is_empty) { Value::Null } else { Value::Array(values) };
        // P5: that Lockstep has created the record is nobody's edit.
        let is_created = |slot: &Slot| {
            record.written_at.is_some() && slot.claim.is_none() && slot.carries.is_none()
        };
        let put_in_at = |slot: &Slot| match is_created(slot) {
            true => Timestamp::UNTOLD,
            false => put_in(record, slot),
        };
        let at_last = parts.iter().map(|(slot, _)| put_in_at(slot)).max();
        let by_nobody = parts.iter().all(|(slot, _)| is_created(slot));
        let at_last = at_last.unwrap_or(Timestamp::UNTOLD);
        Some((PropIx(at as u16), Found { value, at: at_last, by_nobody }))
    };
    props.filter_map(of).collect()
}

/// What a reference leads to.
struct Found {
    value: Value,
    /// When either the reference or what it leads to was put in, as far as that is known.
    at: Timestamp,
    /// P5: Lockstep has put it in, and nobody since.
    by_nobody: bool,
}

/// What the references of a record lead to by so many steps.
fn found(plan: &Plan, slice: &Slice, record: &RecordState, depth: usize) -> Vec<(PropIx, Found)> {
    let props = plan.ty(record.ty).props.iter().enumerate();
    let follows = props.filter_map(|(at, prop)| Some((at, prop.follows.as_ref()?)));
    let of_depth = follows.filter(|(_, follows)| follows.depth == depth);
    of_depth
        .filter_map(|(at, follows)| {
            Some((PropIx(at as u16), leads_to(plan, slice, record, follows)?))
        })
        .collect()
}

/// The record that a reference of a property leads to, and what of it is meant; `None` where there
/// is none that could be looked at.
pub fn referred<'a>(
    plan: &Plan,
    slice: &'a Slice,
    record: &RecordState,
    follows: &Follows,
) -> Option<(&'a RecordState, PropIx)> {
    let id = referred_id(plan, record, follows)?;
    let mut of = follows.of.iter();
    of.find_map(|(ty, prop)| {
        Some((slice.by_key(*ty, &id).filter(|record| record.is_live())?, *prop))
    })
}

/// The id that the reference of a property holds.
pub fn referred_id(plan: &Plan, record: &RecordState, follows: &Follows) -> Option<String> {
    let whole = plan.prop(record.ty, follows.by).whole;
    let mut first = None;
    each_id(Some(record.slot(follows.by).value(whole)), &mut |id| {
        first.get_or_insert_with(|| id.to_string());
    });
    first
}

fn leads_to(plan: &Plan, slice: &Slice, record: &RecordState, follows: &Follows) -> Option<Found> {
    let reference = record.slot(follows.by);
    // R5: a reference that was never told leads nowhere that is known.
    reference.shadow.as_ref()?;
    let referring = put_in(record, reference);
    if referred_id(plan, record, follows).is_none() {
        return Some(Found { value: Value::Null, at: referring, by_nobody: false });
    }
    let (referred, prop) = referred(plan, slice, record, follows)?;
    let slot = referred.slot(prop);
    slot.shadow.as_ref()?;
    let value = slot.value(plan.prop(referred.ty, prop).whole).clone();
    let at = put_in(referred, slot);
    // Where only the other record was edited, this one's time tells nothing.
    let moved = reference.displaced.is_some() || reference.claim.is_some();
    let at = if moved { at.max(referring) } else { at };
    Some(Found { value, at, by_nobody: false })
}

/// When a property came to hold what it shows, as far as that is known.
fn put_in(record: &RecordState, slot: &Slot) -> Timestamp {
    let claimed = slot.claim.as_ref().map(|claim| claim.at);
    let known = claimed.max(slot.carries.map(|carried| carried.at));
    known.or(record.modified).unwrap_or(Timestamp::UNTOLD)
}

/// A property takes what its reference leads to.
fn take(
    plan: &Plan,
    slice: &mut Slice,
    (id, prop): (RecordId, PropIx),
    found: Found,
    changed: &mut BTreeSet<RecordId>,
    out: &mut Decision,
) {
    let now = slice.now;
    let record = slice.records.get_mut(&id).expect("a member is in the slice");
    if record.slot(prop).shadow.as_ref() == Some(&found.value) {
        return;
    }
    let (ty, described) = (plan.ty(record.ty), plan.prop(record.ty, prop));
    let before = described.reference_target.is_some().then(|| hashes(plan, record));
    let slot = &mut record.slots[prop.at()];
    let old = slot.shadow.replace(found.value.clone());
    changed.insert(id);
    let claim = match &old {
        None if is_empty(&found.value) => return,
        None => first_claim(ty, found, now),
        // R7: another form of the same is no edit.
        Some(old) if same(described.terms(), old, &found.value) => {
            if let Some(claim) = slot.claim.as_mut().filter(|claim| claim.value == *old) {
                claim.value = found.value;
            }
            return;
        }
        Some(_) => later_claim(slot, found, now),
    };
    slot.claim = Some(claim);
    slot.displaced = match old {
        None => described.fans.then(|| Box::new(Value::Null)),
        Some(old) => Some(Box::new(old)),
    };
    if described.followed {
        out.wake.insert(reference_hash(&ty.name, &record.key));
    }
    // P8: what it refers to now is looked at when it is decided on with that.
    if let Some(before) = before {
        out.agenda.insert(id);
        out.followed.push((id, before));
    }
}

/// The claim of a value that was there when it was first looked at.
fn first_claim(ty: &PlanType, found: Found, now: Timestamp) -> Claim {
    // P1: of an untold time, with `untold: wins`, it counts as put in now.
    let is_now = ty.untold_wins && !found.at.is_told() && !found.by_nobody;
    let at = if is_now { now } else { found.at };
    Claim { value: found.value, at: at.min(now), goes: vec![] }
}

/// The claim of a value that has come in the place of another. It is later than that one.
fn later_claim(slot: &Slot, found: Found, now: Timestamp) -> Claim {
    let before = slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at);
    // Where no time is told that fits, it counts as put in when it was first seen.
    let at = if found.at > before { found.at.min(now) } else { now };
    Claim { value: found.value, at: at.max(before.plus_ms(1)), goes: vec![] }
}

/// Hashes under which records are found that hold a value of what has been observed, where that may
/// have changed.
pub fn followers(plan: &Plan, ty: TypeIx, observed: &Observed) -> Vec<u64> {
    let described = plan.ty(ty);
    if plan.follow_depth == 0 || !described.props.iter().any(|prop| prop.followed) {
        return vec![];
    }
    let touched: BTreeSet<RecordId> = observed.touched.iter().copied().collect();
    let changed = observed.changed.iter().filter(|record| {
        let edited = |slot: &Slot| slot.displaced.is_some();
        let mut slots = record.slots.iter().zip(&described.props);
        touched.contains(&record.id)
            && (slots.any(|(slot, prop)| prop.followed && edited(slot))
                || !record.slots.iter().any(edited))
    });
    observed
        .new
        .iter()
        .chain(changed)
        .map(|record| reference_hash(&described.name, &record.key))
        .collect()
}
