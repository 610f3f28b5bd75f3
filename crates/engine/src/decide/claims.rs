//! What the claims of an entity are before it is decided on: where fresh ones go (P1a), what a
//! first link brings (P2), what Lockstep itself has made (C2).

use std::collections::BTreeSet;

use lockstep_model::value::{equal, is_empty};
use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, PropIx, RecordId, RecordState, Value,
};

use crate::confirm;
use crate::facets::siblings;
use crate::pick::at_linking;
use crate::plan::Plan;
use crate::settle::{Entity, displaced_claims, settle_each, settle_goes};
use crate::slice::Slice;

/// Settles where fresh claims of an entity go (P1a), and what two sides bring to a first link (P2).
pub(super) fn settle_claims(
    plan: &Plan,
    slice: &mut Slice,
    entity: EntityId,
    joined: bool,
    changed: &mut BTreeSet<RecordId>,
    confirmed: &mut Vec<(IntentId, RecordId)>,
) {
    let members: Vec<RecordId> = slice.members(entity).to_vec();
    if joined {
        take_for_made(plan, slice, entity, &members, changed, confirmed);
        pick_elements(plan, slice, &members, changed);
    }
    if slice.reconsider {
        take_what_is_shown(plan, slice, &members, changed);
    }
    let settled = {
        let records: Vec<&RecordState> = members.iter().map(|id| &slice.records[id]).collect();
        settle_goes(plan, slice.now, &Entity::of(plan, records), joined)
    };
    for (id, prop, goes) in settled {
        if let Some(claim) =
            slice.records.get_mut(&id).and_then(|record| record.slots[prop.at()].claim.as_mut())
        {
            claim.goes = goes;
            changed.insert(id);
        }
    }
    if plan.has_each {
        settle_lists(plan, slice, &members, joined, changed);
    }
    let mut displaced: Vec<((RecordId, PropIx), Value)> = Vec::new();
    for id in members {
        let record = slice.records.get_mut(&id).expect("a member is in the slice");
        for (ix, slot) in record.slots.iter_mut().enumerate() {
            if plan.has_each && plan.prop(record.ty, PropIx(ix as u16)).each {
                continue;
            }
            if let Some(before) = slot.displaced.take() {
                changed.insert(id);
                if before.is_array() || plan.prop(record.ty, PropIx(ix as u16)).feeds_list {
                    displaced.push(((id, PropIx(ix as u16)), *before));
                }
            }
            // P2: when records are linked for the first time, a value beats an empty one; so the
            // emptiness of before claims nothing.
            if joined && slot.claim.as_ref().is_some_and(|claim| is_empty(&claim.value)) {
                slot.claim = None;
                changed.insert(id);
            }
        }
    }
    slice.displaced.extend(displaced);
}

/// P1: where the flows have changed, what records show takes the place of claims that were
/// displaced.
fn take_what_is_shown(
    plan: &Plan,
    slice: &mut Slice,
    members: &[RecordId],
    changed: &mut BTreeSet<RecordId>,
) {
    let records: Vec<&RecordState> = members.iter().map(|id| &slice.records[id]).collect();
    for (id, prop, claim) in displaced_claims(plan, &Entity::of(plan, records)) {
        let record = slice.records.get_mut(&id).expect("a member is in the slice");
        record.slots[prop.at()].claim = Some(claim);
        changed.insert(id);
    }
}

/// P11: settles what lists should hold whose elements come and go one by one.
fn settle_lists(
    plan: &Plan,
    slice: &mut Slice,
    members: &[RecordId],
    joined: bool,
    changed: &mut BTreeSet<RecordId>,
) {
    let records: Vec<&RecordState> = members.iter().map(|id| &slice.records[id]).collect();
    for (id, prop, slot) in settle_each(plan, slice, &Entity::of(plan, records), joined) {
        let record = slice.records.get_mut(&id).expect("a member is in the slice");
        record.slots[prop.at()] = slot;
        changed.insert(id);
    }
}

/// C2: what such a record holds is remembered as Lockstep's own.
fn take_for_made(
    plan: &Plan,
    slice: &mut Slice,
    entity: EntityId,
    members: &[RecordId],
    changed: &mut BTreeSet<RecordId>,
    confirmed: &mut Vec<(IntentId, RecordId)>,
) {
    for (intent, id) in found_again(slice, entity, members) {
        let record = slice.records.get_mut(&id).expect("a member is in the slice");
        let sent: Vec<(usize, Value)> = intent
            .changes
            .iter()
            .filter(|change| change.counterpart_of.is_none())
            .map(|change| (change.prop.at(), change.value.clone()))
            .collect();
        confirm::found_again(plan, record, &intent, &sent);
        changed.insert(id);
        // F1: it was made with all its facets.
        let record = &slice.records[&id];
        let fresh = |facet: &&RecordState| {
            facet.written_at.is_none() && facet.first_seen >= intent.decided_at
        };
        let facets: Vec<RecordId> =
            siblings(plan, slice, record).filter(fresh).map(|facet| facet.id).collect();
        for id in facets {
            let facet = slice.records.get_mut(&id).expect("it has just been found there");
            confirm::found_again(plan, facet, &intent, &sent);
            changed.insert(id);
        }
        if intent.state != IntentState::Queued {
            confirmed.push((intent.id, id));
        }
    }
}

/// P9: which elements of lists stand for properties of records that have just been put together.
fn pick_elements(
    plan: &Plan,
    slice: &mut Slice,
    members: &[RecordId],
    changed: &mut BTreeSet<RecordId>,
) {
    let records: Vec<&RecordState> = members.iter().map(|id| &slice.records[id]).collect();
    for (id, prop, element) in at_linking(plan, slice.now, &Entity::of(plan, records)) {
        let record = slice.records.get_mut(&id).expect("a member is in the slice");
        let whole = plan.prop(record.ty, prop).whole;
        let slot = &mut record.slots[prop.at()];
        // What was claimed of the list was claimed of its first element, before anything told which
        // one is meant.
        let first = slot.value(whole).clone();
        if let Some(claim) = slot.claim.as_mut().filter(|claim| equal(&claim.value, &first)) {
            claim.value = element.clone();
        }
        slot.pick = Some(Box::new(element));
        changed.insert(id);
    }
}

/// C2: records that were read as new ones, match, and are what a creation made whose answer was
/// lost. What they hold is nobody's claim. One that was sent before and was not found may have
/// landed all the same, and been edited since: what is there of it was put there by nobody either,
/// whoever made the record.
fn found_again(slice: &Slice, entity: EntityId, members: &[RecordId]) -> Vec<(Intent, RecordId)> {
    let unanswered = |intent: &&Intent| {
        let sent_before = intent.state == IntentState::Queued && intent.attempts > 0;
        intent.kind == IntentKind::Create
            && (sent_before || matches!(intent.state, IntentState::Sent | IntentState::Unknown))
    };
    let made_by = |intent: &Intent| {
        let it = |record: &&RecordState| {
            record.ty == intent.ty
                && record.is_live()
                && record.written_at.is_none()
                && record.first_seen >= intent.decided_at
        };
        members.iter().map(|id| &slice.records[id]).find(it).map(|record| record.id)
    };
    slice
        .intents_of(entity)
        .filter(unanswered)
        .filter_map(|intent| Some((intent.clone(), made_by(intent)?)))
        .collect()
}
