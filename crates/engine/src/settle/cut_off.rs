//! What a claim has given that does not reach its property any more stays there (L9).

use std::collections::BTreeSet;

use lockstep_model::value::{equal_as, is_empty, same};
use lockstep_model::{Claim, ClaimStamp, PropIx, RecordId, RecordState, Timestamp, TypeIx};

use super::brought::given_default;
use super::candidates::{Candidate, candidates};
use super::entity::Entity;
use super::goes::{Goes, group_of};
use super::translate::carried_to;
use crate::plan::{Bearing, Plan};

/// L9: whether a claim that a property was given does not reach it any more: a flow does not hold
/// just now, or is gone. What it gave stays, until somebody puts in another: an older value does
/// not come back.
pub(super) fn is_cut_off(
    plan: &Plan,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
    carried: ClaimStamp,
) -> bool {
    let Some(from) =
        entity.records.iter().find(|other| other.id == carried.record).map(|other| other.ty)
    else {
        return true;
    };
    !entity
        .bearings(plan, record.ty, prop)
        .iter()
        .any(|by| by.other == from && by.theirs == carried.prop)
}

/// L9: what the records were given by claims that do not reach them any more. A record shows such a
/// value until somebody puts in another; so it counts as put in there, when the claim was made, and
/// goes to those that the record is still kept equal with. Else they would differ for good, where a
/// flow stopped holding before all of them had been written.
pub(super) fn inherited(plan: &Plan, entity: &Entity<'_>) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for (ix, slot) in record.slots.iter().enumerate() {
            let prop = PropIx(ix as u16);
            let Some(at) = left_by(plan, entity, record, prop) else { continue };
            let shown = slot.value(plan.prop(record.ty, prop).whole);
            let value = slot.given.as_deref().unwrap_or(shown).clone();
            let goes = to_none_of_several(plan, entity, record.ty, prop);
            found.push((record.id, prop, Claim { value, at, goes }));
        }
    }
    found
}

/// P1a: which of several properties of a record type a value would go to that nobody has put in
/// here was not settled; to none of them.
fn to_none_of_several(plan: &Plan, entity: &Entity<'_>, ty: TypeIx, prop: PropIx) -> Goes {
    let others: BTreeSet<TypeIx> =
        entity.bearings(plan, ty, prop).iter().map(|by| by.other).collect();
    let several =
        others.into_iter().filter(|other| group_of(plan, entity, ty, prop, *other).len() > 1);
    several.map(|other| (other, vec![])).collect()
}

/// P1: what the records show in place of claims of their own that have lost to others. Where the
/// flows have changed, such a claim could win again, though its value stands nowhere any more: what
/// is shown takes its place, as put in when the claim was made that brought it.
///
/// ```text
///                crm                           shop
/// before   claim old@1, shows new@2 ◀─── claim new@2         v <-> v
/// after    claim new@2, shows new@2      claim new@2         v -> v, or only_from: crm
/// ```
pub(crate) fn displaced_claims(plan: &Plan, entity: &Entity<'_>) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for (ix, slot) in record.slots.iter().enumerate() {
            let prop = PropIx(ix as u16);
            let described = plan.prop(record.ty, prop);
            let others = slot.carries.filter(|carried| carried.record != record.id);
            let (Some(own), Some(carried)) = (&slot.claim, others) else { continue };
            if described.each
                || given_default(entity, slot)
                || lost_at_first_link(entity, record, own, carried)
            {
                continue;
            }
            let value = slot.given.as_deref().unwrap_or(slot.value(described.whole)).clone();
            // F3: what was emptied with a part that is gone was emptied by nobody.
            if value == own.value || is_empty(&value) && !is_of_emptiness(entity, carried) {
                continue;
            }
            let goes = to_none_of_several(plan, entity, record.ty, prop);
            found.push((record.id, prop, Claim { value, at: carried.at, goes }));
        }
    }
    found
}

/// P1: whether a record's own claim lost to another at the first link, and nobody has edited either
/// of them since: a policy that comes later decides on that once more.
pub(super) fn lost_at_first_link(
    entity: &Entity<'_>,
    record: &RecordState,
    own: &Claim,
    carried: ClaimStamp,
) -> bool {
    let source = entity.records.iter().find(|source| source.id == carried.record);
    let unchanged = |source: &&RecordState| {
        let claim = source.slot(carried.prop).claim.as_ref();
        carried.at <= source.first_seen && claim.is_some_and(|claim| claim.at == carried.at)
    };
    own.at <= record.first_seen && source.copied().as_ref().is_some_and(unchanged)
}

/// Whether a claim is known to be of emptiness.
fn is_of_emptiness(entity: &Entity<'_>, stamp: ClaimStamp) -> bool {
    let source = entity.records.iter().find(|record| record.id == stamp.record);
    let claim = source.and_then(|source| source.slot(stamp.prop).claim.as_ref());
    claim.is_some_and(|claim| claim.at == stamp.at && is_empty(&claim.value))
}

/// P2: what the records were given by claims that have been emptied since, where a row says that
/// emptying does not pass. It stays, and counts as put in there: what was there before does not
/// come back.
pub(super) fn kept_when_emptied(
    plan: &Plan,
    entity: &Entity<'_>,
) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for (ix, slot) in record.slots.iter().enumerate() {
            let prop = PropIx(ix as u16);
            let Some(carried) = slot.carries else { continue };
            if replaced_by(entity, carried).is_none_or(|claim| !is_empty(&claim.value))
                || bearing_of(plan, entity, record, prop, carried).is_none_or(|by| by.clears)
            {
                continue;
            }
            let shown = slot.value(plan.prop(record.ty, prop).whole);
            let value = slot.given.as_deref().unwrap_or(shown).clone();
            found.push((record.id, prop, Claim { value, at: carried.at, goes: vec![] }));
        }
    }
    found
}

/// The claim that has taken the place of one that was carried.
fn replaced_by<'e>(entity: &'e Entity<'_>, carried: ClaimStamp) -> Option<&'e Claim> {
    let source = entity.records.iter().find(|record| record.id == carried.record)?;
    let claim = source.slot(carried.prop).claim.as_ref();
    claim.filter(|claim| claim.at != carried.at)
}

/// How a claim that a property was given bears on it.
fn bearing_of<'e>(
    plan: &'e Plan,
    entity: &'e Entity<'e>,
    record: &RecordState,
    prop: PropIx,
    carried: ClaimStamp,
) -> Option<&'e Bearing> {
    let source = entity.records.iter().find(|other| other.id == carried.record)?;
    let mut bearings = entity.bearings(plan, record.ty, prop).iter();
    bearings.find(|by| by.other == source.ty && by.theirs == carried.prop && !by.fills)
}

/// When the claim was made by which a property was given what it shows, where that claim does not
/// reach it any more, and no later one takes its place now.
fn left_by(
    plan: &Plan,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Option<Timestamp> {
    let slot = record.slot(prop);
    let shown = slot.value(plan.prop(record.ty, prop).whole);
    let is_member = |id: RecordId| entity.records.iter().any(|other| other.id == id);
    // What only fills takes nothing's place (P1c).
    let is_later = |best: &Candidate<'_>, at: Timestamp| {
        best.stamp.at > at && !best.by.is_some_and(|by| by.fills)
    };
    let candidates = || candidates(plan, entity, record.ty, prop, Some(record.id));
    match slot.carries {
        Some(carried) => {
            let left = carried.record != record.id
                && is_member(carried.record)
                && is_cut_off(plan, entity, record, prop, carried);
            (left && !candidates().first().is_some_and(|best| is_later(best, carried.at)))
                .then_some(carried.at)
        }
        // What a creation brought is not remembered by its claim: it comes before whatever has a
        // time. One that shows here as this system keeps it (P3) reaches it still.
        None => {
            let written_at =
                record.written_at.filter(|_| slot.claim.is_none() && !is_empty(shown))?;
            let at = Timestamp::UNTOLD;
            let all = candidates();
            let later = all.first().is_some_and(|best| is_later(best, at));
            (!later && !all.iter().any(|one| shows(plan, written_at, record, prop, one)))
                .then_some(at)
        }
    }
}

/// Whether a property shows the value of a claim, as far as its system keeps it.
pub(crate) fn shows(
    plan: &Plan,
    now: Timestamp,
    record: &RecordState,
    prop: PropIx,
    candidate: &Candidate<'_>,
) -> bool {
    let slot = record.slot(prop);
    let described = plan.prop(record.ty, prop);
    let shown = slot.value(described.whole);
    let Some(by) = candidate.by else { return false };
    if slot.carries == Some(candidate.stamp) {
        return true;
    }
    if is_empty(&candidate.claim.value) || is_empty(shown) {
        return is_empty(&candidate.claim.value) == is_empty(shown);
    }
    // The id of a counterpart stands here under another id (P8). Where somebody has put in one, it
    // may be another's.
    if by.reference {
        return slot.claim.is_none() && slot.carries.is_none();
    }
    let (from, here) = ((candidate.from, candidate.stamp.prop), (record.ty, prop));
    let all_flows = Entity::unconditional(plan, vec![]);
    let here = carried_to(plan, now, &all_flows, from, here, &candidate.claim.value);
    here.is_some_and(|here| equal_as(described.ty, &here, shown) || same(by.terms, &here, shown))
}
