//! Deciding: from a slice of the store, what is to be remembered and what is to be written.
//!
//! First everything in focus is linked, then each entity is settled by itself: where fresh claims go, what each record lacks of what
//! it should hold, which counterparts are to be made. What was decided before and is still open is compared with what is decided now:
//! the same decision is left alone, another one takes its place.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::matching::reference_hash;
use lockstep_model::value::{equal, is_empty, shown};
use lockstep_model::{
    Change, EntityId, FlowIx, Intent, IntentId, IntentKind, IntentState, NumberMap, Presence, PropIx, RecordId, RecordState,
    Review, ReviewKind, Rule, Situation, TypeIx, Value,
};

use crate::confirm;
use crate::create::{Creation, create, holds, neighbours, refused};
use crate::deletes::{Departure, Verdict, departures};
use crate::flips::{SAME_VALUE, flipping, keeps_flipping, together};
use crate::keys::{match_hashes, promised};
use crate::link::{Linked, Links, link};
use crate::pick::at_linking;
use crate::plan::{Plan, PlanCreate};
use crate::settle::{Entity, Wanted, change, settle_goes, wanted};
use crate::slice::Slice;

/// What was found for a record by a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub flow: FlowIx,
    pub record: RecordId,
    pub situation: Situation,
    /// Why, where the situation does not say it.
    pub why: Option<String>,
}

/// A record that waits for something that comes by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub flow: FlowIx,
    pub record: RecordId,
    pub rule: Rule,
    pub why: String,
}

/// The outcome of deciding on a slice.
#[derive(Debug, Default)]
pub struct Decision {
    /// Records whose state changed (claims settled); whole.
    pub changed: Vec<RecordState>,
    /// Records of which only the entity changed.
    pub relinked: Vec<(RecordId, EntityId)>,
    pub linked: Vec<Linked>,
    /// Entities that went into others: (gone, into).
    pub merged: Vec<(EntityId, EntityId)>,
    /// New intents; their numbers are still to be given.
    pub intents: Vec<Intent>,
    /// Under which hashes the records will be found that new creations make, with the place of the intent (C2).
    pub promised: Vec<(u64, usize)>,
    /// Creations whose answer was lost, with the record that each has made after all (C2).
    pub confirmed: Vec<(IntentId, RecordId)>,
    /// Open intents that are not needed any more.
    pub dropped: Vec<IntentId>,
    /// Open intents whose entity has become part of another.
    pub moved: Vec<(IntentId, EntityId)>,
    pub reviews_opened: Vec<Review>,
    pub reviews_closed: Vec<Review>,
    pub findings: Vec<Finding>,
    pub held: Vec<Held>,
    /// Record types that must be read again before what is held can be decided (L8).
    pub reread: BTreeSet<TypeIx>,
    /// Records to decide on anew: what they are connected to has changed (C5).
    pub agenda: BTreeSet<RecordId>,
    /// Hashes under which records are found that refer to what has been linked (P8).
    pub wake: BTreeSet<u64>,
    /// Records that were kept though a flow passes deletions on (D1).
    pub kept: Vec<Departure>,
    /// Deleted records about which nothing is left to do (D1); they are among `changed`.
    pub settled: Vec<RecordId>,
}

/// Decides on the records in focus.
pub fn decide(plan: &Plan, slice: &mut Slice) -> Decision {
    let mut out = Decision::default();
    let links = link(plan, slice);
    let joined: BTreeSet<EntityId> = links.merged.iter().map(|(_, into)| *into).collect();
    // Records in focus can free others for each other, which then are decided on as well.
    let focused = slice.focus.iter().filter_map(|id| slice.records.get(id)).map(|record| record.entity);
    let mut entities: BTreeSet<EntityId> = focused.chain(joined.iter().copied()).collect();
    let mut changed = BTreeSet::new();
    for entity in &entities {
        settle_claims(plan, slice, *entity, joined.contains(entity), &mut changed, &mut out.confirmed);
    }
    for entity in &links.half_seen {
        entities.remove(entity);
        out.agenda.extend(slice.members(*entity));
    }
    let focus: BTreeSet<RecordId> = slice.focus.iter().copied().collect();
    let mut linked_with: NumberMap<RecordId, Vec<RecordId>> = NumberMap::default();
    for linked in &links.made {
        linked_with.entry(linked.a).or_default().push(linked.b);
        linked_with.entry(linked.b).or_default().push(linked.a);
    }
    let mut made: NumberMap<u64, EntityId> = NumberMap::default();
    let mut unsettled: BTreeMap<(RecordId, TypeIx), usize> = BTreeMap::new();
    let (mut reviews, mut picks, mut calmed) = (Vec::new(), Vec::new(), Vec::new());
    for (at, problem) in links.unsettled.iter().enumerate() {
        unsettled.entry((problem.record, problem.ty)).or_insert(at);
        if entities.contains(&slice.records[&problem.record].entity) {
            reviews.push(Review {
                kind: problem.kind,
                record: problem.record,
                ty: problem.ty,
                prop: None,
                rule: problem.rule(),
                candidates: problem.candidates.clone(),
                value: Value::Null,
                message: problem.message.clone(),
                opened_at: slice.now,
            });
        }
    }
    for entity in &entities {
        let mut one = OneEntity {
            plan,
            slice,
            links: &links,
            promised: &mut made,
            linked_with: &linked_with,
            unsettled: &unsettled,
            focus: &focus,
            out: &mut out,
            reviews: &mut reviews,
            picks: &mut picks,
            calmed: &mut calmed,
        };
        one.decide(*entity);
    }
    for id in &out.settled {
        slice.records.get_mut(id).expect("what was decided on is in the slice").presence = Presence::Gone;
        changed.insert(*id);
    }
    for (id, prop, element) in picks {
        if let Some(record) = slice.records.get_mut(&id) {
            record.slots[prop.at()].pick = Some(element);
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
        out.moved.extend(slice.intents_of(*entity).filter(|intent| intent.entity != *entity).map(|intent| (intent.id, *entity)));
    }
    out.relinked.sort_unstable();
    out.relinked.dedup();
    out.changed = changed.into_iter().map(|id| slice.records[&id].clone()).collect();
    out.linked = links.made;
    out.merged = links.merged;
    out
}

/// C2: records that were read as new ones, match, and are what a creation made whose answer was lost. What they hold is nobody's claim.
/// One that was sent before and was not found may have landed all the same, and been edited since: what is there of it was put there by
/// nobody either, whoever made the record.
fn found_again(slice: &Slice, entity: EntityId, members: &[RecordId]) -> Vec<(Intent, RecordId)> {
    let unanswered = |intent: &&Intent| {
        let sent_before = intent.state == IntentState::Queued && intent.attempts > 0;
        intent.kind == IntentKind::Create && (sent_before || matches!(intent.state, IntentState::Sent | IntentState::Unknown))
    };
    let made_by = |intent: &Intent| {
        let it = |record: &&RecordState| {
            record.ty == intent.ty && record.is_live() && record.written_at.is_none() && record.first_seen >= intent.decided_at
        };
        members.iter().map(|id| &slice.records[id]).find(it).map(|record| record.id)
    };
    slice.intents_of(entity).filter(unanswered).filter_map(|intent| Some((intent.clone(), made_by(intent)?))).collect()
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
            if intent.state != IntentState::Queued {
                confirmed.push((intent.id, id));
            }
        }
        let records: Vec<&RecordState> = members.iter().map(|id| &slice.records[id]).collect();
        for (id, prop, element) in at_linking(plan, slice.now, &records) {
            let record = slice.records.get_mut(&id).expect("a member is in the slice");
            let whole = plan.prop(record.ty, prop).whole;
            let slot = &mut record.slots[prop.at()];
            // What was claimed of the list was claimed of its first element, before anything told which one is meant.
            let first = slot.value(whole).clone();
            if let Some(claim) = slot.claim.as_mut().filter(|claim| equal(&claim.value, &first)) {
                claim.value = element.clone();
            }
            slot.pick = Some(element);
            changed.insert(id);
        }
    }
    let settled = {
        let records: Vec<&RecordState> = members.iter().map(|id| &slice.records[id]).collect();
        settle_goes(plan, slice.now, &records, joined)
    };
    for (id, prop, goes) in settled {
        if let Some(claim) = slice.records.get_mut(&id).and_then(|record| record.slots[prop.at()].claim.as_mut()) {
            claim.goes = goes;
            changed.insert(id);
        }
    }
    for id in members {
        let record = slice.records.get_mut(&id).expect("a member is in the slice");
        for slot in &mut record.slots {
            if slot.displaced.take().is_some() {
                changed.insert(id);
            }
            // P2: when records are linked for the first time, a value beats an empty one; so the emptiness of before claims nothing.
            if joined && slot.claim.as_ref().is_some_and(|claim| is_empty(&claim.value)) {
                slot.claim = None;
                changed.insert(id);
            }
        }
    }
}

/// Opens what is new, closes what is settled, leaves alone what is open for the same reason.
fn settle_reviews(slice: &Slice, entities: &BTreeSet<EntityId>, reviews: Vec<Review>, out: &mut Decision) {
    let decided_here = |kind: ReviewKind| {
        matches!(
            kind,
            ReviewKind::AmbiguousMatch
                | ReviewKind::DisputedEntity
                | ReviewKind::RejectedValue
                | ReviewKind::Unconvertible
                | ReviewKind::PendingDelete
                | ReviewKind::FlipFlop
        )
    };
    let same = |a: &Review, b: &Review| a.kind == b.kind && a.record == b.record && a.ty == b.ty && a.prop == b.prop;
    for open in &slice.reviews {
        let mine = slice.records.get(&open.record).is_some_and(|record| entities.contains(&record.entity));
        if mine && decided_here(open.kind) && !reviews.iter().any(|review| same(review, open)) {
            out.reviews_closed.push(open.clone());
        }
    }
    for review in reviews {
        let known = slice.reviews.iter().find(|open| same(open, &review));
        let news = known.is_none_or(|open| open.candidates != review.candidates || !equal(&open.value, &review.value));
        if news {
            out.reviews_opened.push(review);
        }
    }
}

/// What refers to others is deleted before them, and all of it after everything else.
pub fn delete_rank(send_rank: u16) -> u16 {
    0x3fff - send_rank.min(0x1fff)
}

/// The pairs of record types that a condition keeps apart in an entity of these records just now (L9, unqualified).
pub fn suspended(plan: &Plan, records: &[&RecordState]) -> Vec<(TypeIx, TypeIx)> {
    let mut apart = Vec::new();
    for record in records {
        for flow in plan.ty(record.ty).flows_out.iter().map(|ix| &plan.flows[ix.at()]) {
            if flow.filter.is_some() && holds(plan, flow, record) == Ok(false) {
                apart.extend([(flow.from, flow.to), (flow.to, flow.from)]);
            }
        }
    }
    apart
}

struct OneEntity<'a> {
    plan: &'a Plan,
    slice: &'a Slice,
    links: &'a Links,
    /// Under which hashes the records will be found that this decision has created, with the entity.
    promised: &'a mut NumberMap<u64, EntityId>,
    /// Whom each record has just been linked with.
    linked_with: &'a NumberMap<RecordId, Vec<RecordId>>,
    /// The first match of a record in a record type that is not settled, by its place.
    unsettled: &'a BTreeMap<(RecordId, TypeIx), usize>,
    focus: &'a BTreeSet<RecordId>,
    out: &'a mut Decision,
    reviews: &'a mut Vec<Review>,
    picks: &'a mut Vec<(RecordId, PropIx, Value)>,
    calmed: &'a mut Vec<(RecordId, PropIx)>,
}

impl OneEntity<'_> {
    fn decide(&mut self, id: EntityId) {
        let slice = self.slice;
        let records: Vec<&RecordState> = slice.members(id).iter().map(|id| &slice.records[id]).collect();
        let mut entity = Entity { records, suspended: vec![] };
        self.suspend(&mut entity);
        let doomed = self.deletions(id, &entity);
        for record in entity.records.iter().filter(|record| record.is_live() && !doomed.contains(&record.id)) {
            self.update(id, &entity, record);
        }
        self.calm(&entity);
        let mut made: BTreeSet<TypeIx> = BTreeSet::new();
        for record in entity.records.iter().filter(|record| record.is_live() && !doomed.contains(&record.id)) {
            for flow in &self.plan.ty(record.ty).flows_out {
                self.flow(id, &entity, record, *flow, &mut made);
            }
        }
        self.drop_needless_creations(id, &made);
    }

    /// D1: what the deletions in the entity mean for its live records. Gives those that are to be deleted.
    fn deletions(&mut self, id: EntityId, entity: &Entity<'_>) -> BTreeSet<RecordId> {
        let (plan, slice) = (self.plan, self.slice);
        let mut doomed = BTreeSet::new();
        // What a person takes back is deleted whatever the flows say of it (G7).
        let open = || slice.intents_of(id).filter(|intent| intent.kind == IntentKind::Delete && !intent.takes_back());
        let leaving = |record: &&&RecordState| matches!(record.presence, Presence::Leaving { .. });
        if entity.records.iter().all(|record| record.is_live()) && open().next().is_none() {
            return doomed;
        }
        let mut unsettled = BTreeSet::new();
        for departure in departures(plan, slice, entity) {
            let other = &slice.records[&departure.other];
            let accepted = open().any(|intent| intent.record == Some(other.id));
            match departure.verdict {
                Verdict::Delete => {
                    doomed.insert(other.id);
                    self.delete(id, other, &departure);
                }
                Verdict::Ask if accepted => {
                    doomed.insert(other.id);
                    self.delete(id, other, &departure);
                }
                Verdict::Ask => {
                    let gone = &slice.records[&departure.gone];
                    let name = |record: &RecordState| format!("{}/{}", plan.ty(record.ty).name, record.key);
                    self.reviews.push(Review {
                        kind: ReviewKind::PendingDelete,
                        record: gone.id,
                        ty: other.ty,
                        prop: None,
                        rule: Rule::D1,
                        candidates: vec![other.id],
                        value: Value::Null,
                        message: format!("{} was deleted; accept to delete {} too, reject to keep it", name(gone), name(other)),
                        opened_at: slice.now,
                    });
                }
                Verdict::Keep(_) => {
                    self.out.kept.push(departure);
                    continue;
                }
            }
            unsettled.insert(departure.gone);
        }
        // What came back, was edited or is kept after all is not deleted. What is under way already can't be called back.
        for intent in open().filter(|intent| matches!(intent.state, IntentState::Queued | IntentState::Refused)) {
            if intent.record.is_some_and(|record| !doomed.contains(&record)) && !self.out.dropped.contains(&intent.id) {
                self.out.dropped.push(intent.id);
            }
        }
        // A creation that is under way may still bring a record that the deletion is about.
        let under_way = |intent: &Intent| matches!(intent.state, IntentState::Sent | IntentState::Unknown);
        if !slice.intents_of(id).any(|intent| intent.kind == IntentKind::Create && under_way(intent)) {
            let settled = entity.records.iter().filter(leaving).map(|record| record.id).filter(|id| !unsettled.contains(id));
            self.out.settled.extend(settled);
        }
        doomed
    }

    /// Intends the deletion of a record, where that is not intended already; its queued updates are not needed any more.
    fn delete(&mut self, id: EntityId, record: &RecordState, departure: &Departure) {
        let slice = self.slice;
        let mine = |kind| slice.intents_of(id).filter(move |intent| intent.kind == kind && intent.record == Some(record.id));
        let waits = |intent: &&Intent| matches!(intent.state, IntentState::Queued | IntentState::Refused);
        self.out.dropped.extend(mine(IntentKind::Update).filter(waits).map(|intent| intent.id));
        let mut due = true;
        for intent in mine(IntentKind::Delete) {
            match intent.state {
                // Decided on the state that the record has: it stays. What a person must see to stays in review.
                IntentState::Queued | IntentState::Refused if due && intent.base_version == record.version => {
                    due = false;
                    let same = |r: &&Review| r.kind == ReviewKind::RejectedValue && r.record == record.id && r.prop.is_none();
                    if intent.state == IntentState::Refused
                        && let Some(review) = slice.reviews.iter().find(same)
                    {
                        self.reviews.push(review.clone());
                    }
                }
                IntentState::Queued | IntentState::Refused => self.out.dropped.push(intent.id),
                _ => due = false,
            }
        }
        if due {
            self.intend(IntentKind::Delete, id, record.ty, Some(record), departure.gone, departure.flow, vec![]);
        }
    }

    /// L9, unqualified: a condition that does not hold any more stops its two record types from being kept equal.
    fn suspend(&self, entity: &mut Entity<'_>) {
        entity.suspended = suspended(self.plan, &entity.records);
    }

    /// P4: only what differs, all of a record's in one write, nothing where nothing differs.
    fn update(&mut self, id: EntityId, entity: &Entity<'_>, record: &RecordState) {
        let (plan, slice) = (self.plan, self.slice);
        let ty = plan.ty(record.ty);
        let mut changes = Vec::new();
        if entity.records.len() > 1 && ty.can.update {
            for prop in (0..ty.props.len() as u16).map(PropIx) {
                if ty.bearings[prop.at()].is_empty() {
                    continue;
                }
                match wanted(plan, slice, entity, record, prop) {
                    Wanted::Nothing | Wanted::Waits { .. } => {}
                    Wanted::Pick { element } => self.picks.push((record.id, prop, element)),
                    Wanted::Unconvertible { value, message, .. } => self.review(
                        ReviewKind::Unconvertible,
                        record.id,
                        record.ty,
                        Some(prop),
                        Rule::P3,
                        value,
                        format!("a value can't be brought to {}: {message}", ty.props[prop.at()].name),
                    ),
                    write => {
                        let Some(change) = change(Some(record), plan, record.ty, prop, write) else { continue };
                        if let Some(flips) = flipping(plan, entity, record, prop) {
                            self.stopped(entity, flips, &change, record);
                            continue;
                        }
                        // It may have been refused when the record was created from another of the entity.
                        match entity.records.iter().find_map(|member| refused(&slice.reviews, member, record.ty, prop)) {
                            // G4: the same value is not sent again; the review stays as it is.
                            Some(review) if equal(&review.value, &change.value) => self.reviews.push(review.clone()),
                            _ => changes.push(change),
                        }
                    }
                }
            }
        }
        let open = slice.intents_of(id).filter(|intent| intent.kind == IntentKind::Update && intent.record == Some(record.id));
        // What a person takes back stands, whatever the flows say of it (G7).
        let open: Vec<&Intent> = open.filter(|intent| !intent.takes_back()).collect();
        if !self.reconcile(&open, &changes, record) || changes.is_empty() {
            return;
        }
        let source = changes[0].claim.record;
        let from = self.slice.records.get(&source).map_or(record.ty, |source| source.ty);
        let flow = self.plan.flow_between(from, record.ty);
        self.intend(IntentKind::Update, id, record.ty, Some(record), source, flow, changes);
    }

    /// P5: a person must say which side is right; until then nothing is written there.
    fn stopped(&mut self, entity: &Entity<'_>, (record, prop): (&RecordState, PropIx), change: &Change, target: &RecordState) {
        let (plan, slice) = (self.plan, self.slice);
        let asked =
            |review: &Review| review.kind == ReviewKind::FlipFlop && review.record == record.id && review.prop == Some(prop);
        let Some(flips) = record.slot(prop).flips.as_ref().filter(|_| !self.reviews.iter().any(asked)) else { return };
        let name = |record: &RecordState| format!("{}/{}", plan.ty(record.ty).name, record.key);
        let rivals = together(plan, entity, record, prop).into_iter().map(|(id, _)| id).filter(|id| *id != record.id);
        let candidates: Vec<RecordId> = rivals.filter(|id| slice.records.get(id).is_some_and(RecordState::is_live)).collect();
        // The value against it: what it was to be given, or what the others were to get from it in place of theirs.
        let against = if target.id == record.id { &change.value } else { &change.displaced };
        let times = if flips.times >= SAME_VALUE { flips.times } else { flips.rounds };
        let others: Vec<String> = candidates.iter().map(|id| name(&slice.records[id])).collect();
        self.reviews.push(Review {
            kind: ReviewKind::FlipFlop,
            record: record.id,
            ty: record.ty,
            prop: Some(prop),
            rule: Rule::P5,
            candidates,
            value: flips.to.clone(),
            message: format!(
                "was put to {} {times} times, each time right after it had been written, against {} in {}; it is written no more until you \
                 say which side is right",
                shown(&flips.to),
                shown(against),
                others.join(", ")
            ),
            opened_at: slice.now,
        });
    }

    /// P5: what kept flipping and has come to hold the same everywhere flips no more.
    fn calm(&mut self, entity: &Entity<'_>) {
        for record in &entity.records {
            for ix in (0..record.slots.len()).filter(|ix| keeps_flipping(&record.slots[*ix])) {
                let prop = PropIx(ix as u16);
                let ours = together(self.plan, entity, record, prop);
                let asked = |review: &Review| {
                    review.kind == ReviewKind::FlipFlop && review.prop.is_some_and(|prop| ours.contains(&(review.record, prop)))
                };
                if !self.reviews.iter().any(asked) {
                    self.calmed.push((record.id, prop));
                }
            }
        }
    }

    /// Compares what is open with what is decided now. Gives whether a new intent is due.
    fn reconcile(&mut self, open: &[&Intent], changes: &[Change], subject: &RecordState) -> bool {
        let same = |intent: &Intent| {
            intent.changes.len() == changes.len()
                && intent
                    .changes
                    .iter()
                    .zip(changes)
                    .all(|(a, b)| a.prop == b.prop && equal(&a.value, &b.value) && a.counterpart_of == b.counterpart_of)
        };
        // Under way: its outcome brings the record back onto the agenda.
        if open.iter().any(|intent| matches!(intent.state, IntentState::Sent | IntentState::Unknown)) {
            return false;
        }
        let mut due = true;
        for intent in open {
            if due && same(intent) {
                due = false;
                if intent.state == IntentState::Refused
                    && let Some(review) = self.slice.reviews.iter().find(|r| {
                        r.kind == ReviewKind::RejectedValue && r.record == subject.id && r.ty == intent.ty && r.prop.is_none()
                    })
                {
                    self.reviews.push(review.clone());
                }
            } else {
                self.out.dropped.push(intent.id);
            }
        }
        due
    }

    #[allow(clippy::too_many_arguments)]
    fn intend(
        &mut self,
        kind: IntentKind,
        entity: EntityId,
        ty: TypeIx,
        record: Option<&RecordState>,
        source: RecordId,
        flow: FlowIx,
        changes: Vec<Change>,
    ) {
        self.out.intents.push(Intent {
            id: IntentId(0),
            run: self.slice.run,
            kind,
            rank: match kind {
                IntentKind::Delete => delete_rank(self.plan.ty(ty).send_rank),
                _ => self.plan.ty(ty).send_rank,
            },
            ty,
            record: record.map(|record| record.id),
            entity,
            source,
            flow,
            base_version: record.and_then(|record| record.version.clone()),
            changes,
            state: IntentState::Queued,
            attempts: 0,
            not_before: None,
            message: None,
            decided_at: self.slice.now,
            done_at: None,
        });
    }

    /// One row for each situation (L9); the comment tells the story.
    fn flow(&mut self, id: EntityId, entity: &Entity<'_>, record: &RecordState, flow_ix: FlowIx, made: &mut BTreeSet<TypeIx>) {
        let flow = &self.plan.flows[flow_ix.at()];
        let counterparts: Vec<&&RecordState> = entity.records.iter().filter(|r| r.ty == flow.to && r.id != record.id).collect();
        let live = counterparts.iter().any(|r| r.is_live());
        let just_linked = || {
            let with = self.linked_with.get(&record.id).map_or(&[][..], Vec::as_slice);
            counterparts.iter().any(|counterpart| with.contains(&counterpart.id))
        };
        let unsettled = self.unsettled.get(&(record.id, flow.to)).map(|at| &self.links.unsettled[*at]);
        let (situation, why) = if live && entity.suspended.contains(&(flow.from, flow.to)) {
            // Linked, but its condition does not hold any more: nothing is written, nothing deleted.
            (Situation::Unqualified, None)
        } else if live && just_linked() {
            // Nobody had linked them; a row of the match table did just now.
            (Situation::Found, None)
        } else if live {
            // Linked since earlier.
            (Situation::Confirmed, None)
        } else if !counterparts.is_empty() {
            // The other one was deleted: the link ends, nothing is created anew (D1).
            (Situation::Missing, None)
        } else if let Some(problem) = unsettled {
            // Somebody must say which one it is; until then nothing is written for it (L6).
            match problem.kind {
                ReviewKind::AmbiguousMatch => (Situation::Ambiguous, Some(problem.message.clone())),
                _ => (Situation::FoundLinked, Some(problem.message.clone())),
            }
        } else if made.contains(&flow.to) {
            // Another record of the entity gets the counterpart made.
            (Situation::Absent, Some("a counterpart is being created".into()))
        } else {
            // Nothing matches: perhaps one is made.
            self.absent(id, entity, record, flow_ix, made)
        };
        if self.focus.contains(&record.id) {
            self.out.findings.push(Finding { flow: flow_ix, record: record.id, situation, why });
        }
        if let PlanCreate::ConnectedTo(_) = flow.create {
            return;
        }
        self.wake_connected(record, flow.to);
    }

    fn absent(
        &mut self,
        id: EntityId,
        entity: &Entity<'_>,
        record: &RecordState,
        flow_ix: FlowIx,
        made: &mut BTreeSet<TypeIx>,
    ) -> (Situation, Option<String>) {
        let (plan, slice) = (self.plan, self.slice);
        let to = plan.flows[flow_ix.at()].to;
        // Something else of this entity is disputed in that very record type: a person's answer may bring the counterpart.
        if entity.records.iter().any(|member| self.unsettled.contains_key(&(member.id, to))) {
            return (Situation::Absent, Some("another record of the same entity waits for a person's answer there".into()));
        }
        match create(plan, slice, flow_ix, record, entity) {
            Creation::No { situation, why } => (situation, Some(why)),
            Creation::Hold { rule, why, reread } => {
                self.out.reread.extend(reread);
                self.out.held.push(Held { flow: flow_ix, record: record.id, rule, why: why.clone() });
                (Situation::Absent, Some(why))
            }
            Creation::Make { changes, .. } if self.promised_by_another(id, entity, to, &changes) => {
                let why = format!("a record of {} that matches it is being created", plan.ty(to).name);
                self.out.held.push(Held { flow: flow_ix, record: record.id, rule: Rule::C2, why: why.clone() });
                (Situation::Absent, Some(why))
            }
            Creation::Make { mut changes, unconvertible } => {
                for (prop, value, message) in unconvertible {
                    let text = format!("a value can't be brought to {}: {message}", plan.prop(to, prop).name);
                    self.review(ReviewKind::Unconvertible, record.id, to, Some(prop), Rule::P3, value, text);
                }
                changes.retain(|change| match refused(&slice.reviews, record, to, change.prop) {
                    Some(review) if equal(&review.value, &change.value) => {
                        self.reviews.push(review.clone());
                        false
                    }
                    _ => true,
                });
                made.insert(to);
                let open: Vec<&Intent> =
                    slice.intents_of(id).filter(|intent| intent.kind == IntentKind::Create && intent.ty == to).collect();
                if self.reconcile(&open, &changes, record) {
                    if plan.ty(to).contested {
                        for hash in promised(plan, to, &changes) {
                            self.promised.entry(hash).or_insert(id);
                            self.out.promised.push((hash, self.out.intents.len()));
                        }
                    }
                    self.intend(IntentKind::Create, id, to, None, record.id, flow_ix, changes);
                }
                self.wake_neighbours(record);
                (Situation::Absent, Some("a counterpart is being created".into()))
            }
        }
    }

    /// C2: two records that stand for the same thing, and of which nobody knows that yet, may both be about to get a counterpart in a
    /// record type where they would meet. One is made; the others wait, and are linked with it by their match values.
    fn promised_by_another(&self, id: EntityId, entity: &Entity<'_>, to: TypeIx, changes: &[Change]) -> bool {
        let mine = |intent: &Intent| intent.kind == IntentKind::Create && intent.ty == to;
        if !self.plan.ty(to).contested || self.slice.intents_of(id).any(mine) {
            return false;
        }
        let mut hashes = promised(self.plan, to, changes);
        for record in &entity.records {
            for side in self.plan.ty(record.ty).match_sides.iter().filter(|side| side.other == to) {
                match_hashes(self.plan, side, record, &mut hashes);
            }
        }
        let another = |hash: &u64| {
            self.promised.get(hash).is_some_and(|entity| *entity != id)
                || self.slice.promised.get(hash).is_some_and(|entities| entities.iter().any(|entity| *entity != id))
        };
        hashes.iter().any(another)
    }

    /// C5: when a record gets (or has) a counterpart in a system, those connected to it may qualify there now.
    fn wake_connected(&mut self, record: &RecordState, to: TypeIx) {
        let system = &self.plan.ty(to).name.system;
        let decides = self.plan.flows.iter().any(|flow| {
            matches!(&flow.create, PlanCreate::ConnectedTo(types) if types.contains(&record.ty))
                && self.plan.ty(flow.to).name.system == *system
        });
        let newly =
            self.out.intents.last().is_some_and(|intent| intent.source == record.id) || self.linked_with.contains_key(&record.id);
        if decides && newly {
            self.wake_neighbours(record);
        }
    }

    fn wake_neighbours(&mut self, record: &RecordState) {
        let waits = |other: &RecordState| {
            self.plan.flows.iter().any(|flow| {
                flow.from == other.ty && matches!(&flow.create, PlanCreate::ConnectedTo(types) if types.contains(&record.ty))
            })
        };
        let woken: Vec<RecordId> =
            neighbours(self.plan, self.slice, record).into_iter().filter(|other| waits(other)).map(|r| r.id).collect();
        self.out.agenda.extend(woken);
    }

    /// A queued creation that nothing asks for any more (its record was linked, deleted, or does not qualify).
    fn drop_needless_creations(&mut self, id: EntityId, made: &BTreeSet<TypeIx>) {
        for intent in self.slice.intents_of(id) {
            let needless = intent.kind == IntentKind::Create
                && matches!(intent.state, IntentState::Queued | IntentState::Refused)
                && !made.contains(&intent.ty)
                && !self.out.dropped.contains(&intent.id);
            if needless {
                self.out.dropped.push(intent.id);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn review(
        &mut self,
        kind: ReviewKind,
        record: RecordId,
        ty: TypeIx,
        prop: Option<PropIx>,
        rule: Rule,
        value: Value,
        message: String,
    ) {
        let opened_at = self.slice.now;
        self.reviews.push(Review { kind, record, ty, prop, rule, candidates: vec![], value, message, opened_at });
    }
}
