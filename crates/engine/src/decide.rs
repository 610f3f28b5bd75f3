//! Deciding: from a slice of the store, what is to be remembered and what is to be written.
//!
//! First everything in focus is linked, then each entity is settled by itself: where fresh claims
//! go, what each record lacks of what it should hold, which counterparts are to be made. What was
//! decided before and is still open is compared with what is decided now: the same decision is left
//! alone, another one takes its place.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::matching::reference_hash;
use lockstep_model::value::{equal, is_empty};
use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, NumberMap, NumberSet, Presence, PropIx,
    RecordId, RecordState, Review, ReviewKind, TypeIx, Value,
};

use crate::confirm;
use crate::decision::Decision;
use crate::facets::siblings;
use crate::link::link;
use crate::one_entity::OneEntity;
use crate::pick::at_linking;
use crate::plan::Plan;
use crate::settle::{Entity, settle_goes};
use crate::slice::Slice;

/// Decides on the records in focus.
pub fn decide(plan: &Plan, slice: &mut Slice) -> Decision {
    let mut out = Decision::default();
    let links = link(plan, slice);
    let joined: BTreeSet<EntityId> = links.merged.iter().map(|(_, into)| *into).collect();
    slice.joined.clone_from(&joined);
    // Records in focus can free others for each other, which then are decided on as well.
    let focused = slice
        .focus
        .iter()
        .chain(&slice.beside)
        .filter_map(|id| slice.records.get(id))
        .map(|record| record.entity);
    let mut entities: BTreeSet<EntityId> = focused.chain(joined.iter().copied()).collect();
    let mut changed = BTreeSet::new();
    for entity in &entities {
        settle_claims(
            plan,
            slice,
            *entity,
            joined.contains(entity),
            &mut changed,
            &mut out.confirmed,
        );
    }
    for entity in &links.half_seen {
        entities.remove(entity);
        out.agenda.extend(slice.members(*entity));
    }
    let mut focus: NumberSet<RecordId> = slice.focus.iter().copied().collect();
    if !slice.waiting.is_empty() {
        let members = entities.iter().flat_map(|entity| slice.members(*entity));
        out.along = members.filter_map(|id| Some((*slice.waiting.get(id)?, *id))).collect();
        focus.extend(out.along.iter().map(|(_, id)| *id));
    }
    let mut linked_with: NumberMap<RecordId, Vec<RecordId>> = NumberMap::default();
    for linked in &links.made {
        linked_with.entry(linked.a).or_default().push(linked.b);
        linked_with.entry(linked.b).or_default().push(linked.a);
    }
    let mut made: NumberMap<u64, EntityId> = NumberMap::default();
    let mut creating = BTreeSet::new();
    let mut unsettled: BTreeMap<(RecordId, TypeIx), usize> = BTreeMap::new();
    let (mut reviews, mut picks, mut calmed) = (Vec::new(), Vec::new(), Vec::new());
    for (at, problem) in links.unsettled.iter().enumerate() {
        unsettled.entry((problem.record, problem.ty)).or_insert(at);
        if let Some(first) = problem.asked_of {
            // The question is asked there, with this one among the candidates.
            if !focus.contains(&first) {
                out.agenda.insert(first);
            }
            continue;
        }
        if entities.contains(&slice.records[&problem.record].entity) {
            reviews.push(Review {
                kind: problem.kind,
                record: problem.record,
                ty: if problem.alike { slice.records[&problem.record].ty } else { problem.ty },
                prop: None,
                rule: problem.rule(),
                candidates: problem.candidates.clone(),
                value: Value::Null,
                message: problem.message.clone(),
                opened_at: slice.now,
            });
        }
    }
    // L6: a question about records that are alike is another one when one of them has found a
    // counterpart.
    for review in slice.reviews.iter().filter(|review| review.kind == ReviewKind::AmbiguousMatch) {
        if !focus.contains(&review.record)
            && review.candidates.iter().any(|id| linked_with.contains_key(id))
        {
            out.agenda.insert(review.record);
        }
    }
    // Mostly each comes to one write, and growing a list of them moves them all.
    out.intents.reserve(entities.len());
    for entity in &entities {
        let mut one = OneEntity {
            plan,
            slice,
            links: &links,
            promised: &mut made,
            linked_with: &linked_with,
            unsettled: &unsettled,
            focus: &focus,
            creating: &mut creating,
            out: &mut out,
            reviews: &mut reviews,
            picks: &mut picks,
            calmed: &mut calmed,
        };
        one.decide(*entity);
    }
    for id in &out.settled {
        slice.records.get_mut(id).expect("what was decided on is in the slice").presence =
            Presence::Gone;
        changed.insert(*id);
    }
    for (id, prop, element) in picks {
        if let Some(record) = slice.records.get_mut(&id) {
            record.slots[prop.at()].pick = Some(Box::new(element));
            changed.insert(id);
        }
    }
    for (id, prop) in calmed {
        if let Some(record) = slice.records.get_mut(&id) {
            record.slots[prop.at()].flips = None;
            changed.insert(id);
        }
    }
    settle_reviews(slice, &entities, reviews, &mut out);
    out.relinked = links.moved.iter().filter(|(id, _)| !changed.contains(id)).copied().collect();
    for into in joined.iter().filter(|_| plan.has_references()) {
        for record in slice.members(*into).iter().map(|id| &slice.records[id]) {
            out.wake.insert(reference_hash(&plan.ty(record.ty).name, &record.key));
        }
    }
    for entity in &joined {
        out.moved.extend(
            slice
                .intents_of(*entity)
                .filter(|intent| intent.entity != *entity)
                .map(|intent| (intent.id, *entity)),
        );
    }
    out.relinked.sort_unstable();
    out.relinked.dedup();
    out.changed = changed.into_iter().map(|id| slice.records[&id].clone()).collect();
    out.linked = links.made;
    out.merged = links.merged;
    out
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

/// Settles where fresh claims of an entity go (P1a), and what two sides bring to a first link (P2).
fn settle_claims(
    plan: &Plan,
    slice: &mut Slice,
    entity: EntityId,
    joined: bool,
    changed: &mut BTreeSet<RecordId>,
    confirmed: &mut Vec<(IntentId, RecordId)>,
) {
    let members: Vec<RecordId> = slice.members(entity).to_vec();
    if joined {
        for (intent, id) in found_again(slice, entity, &members) {
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
        let records: Vec<&RecordState> = members.iter().map(|id| &slice.records[id]).collect();
        for (id, prop, element) in at_linking(plan, slice.now, &Entity::of(plan, records)) {
            let record = slice.records.get_mut(&id).expect("a member is in the slice");
            let whole = plan.prop(record.ty, prop).whole;
            let slot = &mut record.slots[prop.at()];
            // What was claimed of the list was claimed of its first element, before anything told
            // which one is meant.
            let first = slot.value(whole).clone();
            if let Some(claim) = slot.claim.as_mut().filter(|claim| equal(&claim.value, &first)) {
                claim.value = element.clone();
            }
            slot.pick = Some(Box::new(element));
            changed.insert(id);
        }
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
    let mut displaced: Vec<((RecordId, PropIx), Value)> = Vec::new();
    for id in members {
        let record = slice.records.get_mut(&id).expect("a member is in the slice");
        for (ix, slot) in record.slots.iter_mut().enumerate() {
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

/// Opens what is new, closes what is settled, leaves alone what is open for the same reason.
fn settle_reviews(
    slice: &Slice,
    entities: &BTreeSet<EntityId>,
    reviews: Vec<Review>,
    out: &mut Decision,
) {
    let decided_here = |kind: ReviewKind| {
        matches!(
            kind,
            ReviewKind::AmbiguousMatch
                | ReviewKind::DisputedEntity
                | ReviewKind::RejectedValue
                | ReviewKind::NotKept
                | ReviewKind::Unconvertible
                | ReviewKind::PendingDelete
                | ReviewKind::FlipFlop
                | ReviewKind::Unsettled
                | ReviewKind::WaitingReference
                | ReviewKind::Incomplete
        )
    };
    let same = |a: &Review, b: &Review| {
        a.kind == b.kind && a.record == b.record && a.ty == b.ty && a.prop == b.prop
    };
    // G4: a value of a record that is not there any more is not going to be written.
    let is_over = |review: &Review| {
        let of_value = matches!(
            review.kind,
            ReviewKind::RejectedValue | ReviewKind::NotKept | ReviewKind::Unconvertible
        );
        of_value && slice.records.get(&review.record).is_some_and(|record| !record.is_live())
    };
    let reviews: Vec<Review> = reviews.into_iter().filter(|review| !is_over(review)).collect();
    for open in &slice.reviews {
        let mine =
            slice.records.get(&open.record).is_some_and(|record| entities.contains(&record.entity));
        // R9: whose a key is that no record has any more need not be asked.
        let needless = open.kind == ReviewKind::AnotherRecord
            && slice.records.get(&open.record).is_some_and(|record| !record.is_live());
        // C2: whether two records are one need not be asked once they are linked.
        let linked = |id: &RecordId| {
            let entity = |id: &RecordId| slice.records.get(id).map(|record| record.entity);
            entity(id).is_some_and(|other| Some(other) == entity(&open.record))
        };
        let needless = needless
            || open.kind == ReviewKind::UnknownOutcome && open.candidates.iter().any(linked);
        if mine
            && (decided_here(open.kind) || needless)
            && !reviews.iter().any(|review| same(review, open))
        {
            out.reviews_closed.push(open.clone());
        }
    }
    for review in reviews {
        let known = slice.reviews.iter().find(|open| same(open, &review));
        let news = known.is_none_or(|open| {
            open.candidates != review.candidates || !equal(&open.value, &review.value)
        });
        if news {
            out.reviews_opened.push(review);
        }
    }
}
