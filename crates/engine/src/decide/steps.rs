//! The steps of deciding on a slice.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::matching::reference_hash;
use lockstep_model::{
    EntityId, NumberMap, NumberSet, Presence, PropIx, RecordId, Review, TypeIx, Value,
};

use super::claims::settle_claims;
use super::reviews::{ask_about_matches, ask_anew_about_alike, settle_reviews};
use crate::decision::Decision;
use crate::follow::follow;
use crate::link::{Links, link};
use crate::one_entity::OneEntity;
use crate::plan::{Plan, PlanCreate};
use crate::slice::Slice;

/// Decides on the records in focus.
pub fn decide(plan: &Plan, slice: &mut Slice) -> Decision {
    debug_assert!(
        slice.records.values().all(|record| plan.fits(record)),
        "a record has other slots than its record type"
    );
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
    follow(plan, slice, &entities, &mut changed, &mut out);
    for entity in &entities {
        let joined = joined.contains(entity);
        settle_claims(plan, slice, *entity, joined, &mut changed, &mut out.confirmed);
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
    let Told { reviews, picks, calmed } =
        decide_each(plan, slice, &links, &entities, &focus, &mut out);
    remember(slice, picks, calmed, &out.settled, &mut changed);
    settle_reviews(plan, slice, &entities, reviews, &mut out);
    tell_links(plan, slice, &joined, &mut out);
    out.relinked = links.moved.iter().filter(|(id, _)| !changed.contains(id)).copied().collect();
    out.relinked.sort_unstable();
    out.relinked.dedup();
    out.changed = changed.into_iter().map(|id| slice.records[&id].clone()).collect();
    out.linked = links.made;
    out.merged = links.merged;
    out
}

/// What deciding on entities tells, besides the decision.
#[derive(Default)]
struct Told {
    reviews: Vec<Review>,
    /// P9: the element that stands for a property from now on.
    picks: Vec<(RecordId, PropIx, Value)>,
    /// P5: what flips no more.
    calmed: Vec<(RecordId, PropIx)>,
}

/// Decides on each entity by itself.
fn decide_each(
    plan: &Plan,
    slice: &Slice,
    links: &Links,
    entities: &BTreeSet<EntityId>,
    focus: &NumberSet<RecordId>,
    out: &mut Decision,
) -> Told {
    let mut linked_with: NumberMap<RecordId, Vec<RecordId>> = NumberMap::default();
    for linked in &links.made {
        linked_with.entry(linked.a).or_default().push(linked.b);
        linked_with.entry(linked.b).or_default().push(linked.a);
    }
    let mut unsettled: BTreeMap<(RecordId, TypeIx), usize> = BTreeMap::new();
    for (at, problem) in links.unsettled.iter().enumerate() {
        unsettled.entry((problem.record, problem.ty)).or_insert(at);
    }
    let mut told = Told::default();
    ask_about_matches(slice, links, entities, focus, &mut told.reviews, &mut out.agenda);
    ask_anew_about_alike(slice, links, &linked_with, focus, &mut out.agenda);
    let mut made: NumberMap<u64, EntityId> = NumberMap::default();
    let mut creating = BTreeSet::new();
    // Mostly each comes to one write, and growing a list of them moves them all.
    out.intents.reserve(entities.len());
    for entity in &in_order(plan, slice, entities) {
        let mut one = OneEntity {
            plan,
            slice,
            links,
            promised: &mut made,
            linked_with: &linked_with,
            unsettled: &unsettled,
            focus,
            creating: &mut creating,
            out,
            reviews: &mut told.reviews,
            picks: &mut told.picks,
            calmed: &mut told.calmed,
        };
        one.decide(*entity);
    }
    told
}

/// C1: where several record types create in one, that of the flow that is named first does,
/// whatever was read first.
fn in_order(plan: &Plan, slice: &Slice, entities: &BTreeSet<EntityId>) -> Vec<EntityId> {
    let mut order: Vec<EntityId> = entities.iter().copied().collect();
    if plan.creates_from_several {
        let live = |id: &RecordId| slice.records.get(id).filter(|record| record.is_live());
        let creates = |ty: TypeIx| {
            let mut out = plan.ty(ty).flows_out.iter().copied();
            out.find(|flow| !matches!(plan.flows[flow.at()].create, PlanCreate::Never))
        };
        let first = |entity: EntityId| {
            let members = slice.members(entity).iter().filter_map(live);
            members.filter_map(|record| creates(record.ty)).min()
        };
        order.sort_by_cached_key(|entity| first(*entity).map_or((1, None), |flow| (0, Some(flow))));
    }
    order
}

/// Leaves the slice with what has been decided about its records; they are added to `changed`.
fn remember(
    slice: &mut Slice,
    picks: Vec<(RecordId, PropIx, Value)>,
    calmed: Vec<(RecordId, PropIx)>,
    settled: &[RecordId],
    changed: &mut BTreeSet<RecordId>,
) {
    for id in settled {
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
}

/// P8: what refers to what has been linked is decided on anew; open intents go with their entities.
fn tell_links(plan: &Plan, slice: &Slice, joined: &BTreeSet<EntityId>, out: &mut Decision) {
    for into in joined.iter().filter(|_| plan.has_references()) {
        for record in slice.members(*into).iter().map(|id| &slice.records[id]) {
            out.wake.insert(reference_hash(&plan.ty(record.ty).name, &record.key));
        }
    }
    for entity in joined {
        out.moved.extend(
            slice
                .intents_of(*entity)
                .filter(|intent| intent.entity != *entity)
                .map(|intent| (intent.id, *entity)),
        );
    }
}
