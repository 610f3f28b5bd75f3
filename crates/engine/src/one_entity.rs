//! Deciding on one entity: what is deleted, updated, created and asked about, and what of it was
//! decided before and is still open.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::change::Counterpart;
use lockstep_model::value::{equal, is_empty, shown};
use lockstep_model::{
    Change, ClaimStamp, EntityId, FlowIx, Intent, IntentId, IntentKind, IntentState, NumberMap,
    NumberSet, Presence, PropIx, Reason, RecordId, RecordState, Review, ReviewKind, Rule,
    Situation, TypeIx, Value,
};

use crate::conditions::not_about;
use crate::create::{Creation, create, neighbours, refused};
use crate::deletes::{Departure, Kept, Verdict, departures, may_cease};
use crate::facets::{being_made, part, siblings, stands, still_to_be_read, unread, was_deleted};
use crate::flips::{SAME_VALUE, flipping, keeps_flipping, together};
use crate::groups::all_or_nothing;
use crate::keys::{match_hashes, promised};
use crate::link::Links;
use crate::plan::{Plan, PlanCreate};
use crate::settle::{Entity, Wanted, candidates, change, waits_for, wanted};
use crate::slice::Slice;

use crate::decision::{Decision, Finding, Held, delete_rank};

/// The decision on one entity, and what it adds to the batch's.
pub(crate) struct OneEntity<'a> {
    pub plan: &'a Plan,
    pub slice: &'a Slice,
    pub links: &'a Links,
    /// Under which hashes the records will be found that this decision has created, with the
    /// entity.
    pub promised: &'a mut NumberMap<u64, EntityId>,
    /// Whom each record has just been linked with.
    pub linked_with: &'a NumberMap<RecordId, Vec<RecordId>>,
    /// The first match of a record in a record type that is not settled, by its place.
    pub unsettled: &'a BTreeMap<(RecordId, TypeIx), usize>,
    pub focus: &'a NumberSet<RecordId>,
    /// The creations of this batch in collections with facets (F2).
    pub creating: &'a mut BTreeSet<(EntityId, TypeIx)>,
    pub out: &'a mut Decision,
    pub reviews: &'a mut Vec<Review>,
    pub picks: &'a mut Vec<(RecordId, PropIx, Value)>,
    pub calmed: &'a mut Vec<(RecordId, PropIx)>,
}

impl OneEntity<'_> {
    pub fn decide(&mut self, id: EntityId) {
        let slice = self.slice;
        let records: Vec<&RecordState> =
            slice.members(id).iter().map(|id| &slice.records[id]).collect();
        // L9, unqualified: a condition that does not hold any more stops its two record types from
        // being kept equal.
        let entity = Entity::of(self.plan, records);
        let doomed = self.deletions(id, &entity);
        for record in
            entity.records.iter().filter(|record| record.is_live() && !doomed.contains(&record.id))
        {
            if self.is_doubted(record) {
                self.drop_updates(id, record);
                continue;
            }
            self.update(id, &entity, record);
        }
        self.calm(&entity);
        let mut made: BTreeSet<TypeIx> = BTreeSet::new();
        for record in
            entity.records.iter().filter(|record| record.is_live() && !doomed.contains(&record.id))
        {
            if self.is_doubted(record) {
                continue;
            }
            for flow in &self.plan.ty(record.ty).flows_out {
                self.flow(id, &entity, record, *flow, &mut made);
            }
        }
        self.drop_needless_creations(id, &made);
    }

    /// R9: whether a person must say first whose record it is; nothing is written to it, deleted or
    /// created from it until then.
    fn is_doubted(&self, record: &RecordState) -> bool {
        self.slice
            .reviews
            .iter()
            .any(|review| review.kind == ReviewKind::AnotherRecord && review.record == record.id)
    }

    fn drop_updates(&mut self, id: EntityId, record: &RecordState) {
        let waits = |intent: &&Intent| {
            intent.kind == IntentKind::Update
                && intent.record == Some(record.id)
                && matches!(intent.state, IntentState::Queued | IntentState::Refused)
                && !intent.takes_back()
        };
        self.out.dropped.extend(self.slice.intents_of(id).filter(waits).map(|intent| intent.id));
    }

    /// D1: what the deletions in the entity mean for its live records. Gives those that are to be
    /// deleted.
    fn deletions(&mut self, id: EntityId, entity: &Entity<'_>) -> BTreeSet<RecordId> {
        let (plan, slice) = (self.plan, self.slice);
        let mut doomed = BTreeSet::new();
        // What a person takes back is deleted whatever the flows say of it (G7).
        let open = || {
            slice
                .intents_of(id)
                .filter(|intent| intent.kind == IntentKind::Delete && !intent.takes_back())
        };
        let leaving = |record: &&&RecordState| matches!(record.presence, Presence::Leaving { .. });
        if entity.records.iter().all(|record| record.is_live())
            && open().next().is_none()
            && !may_cease(plan)
        {
            return doomed;
        }
        let mut unsettled = BTreeSet::new();
        let mut kept_whole: BTreeMap<RecordId, Kept> = BTreeMap::new();
        for mut departure in departures(plan, slice, entity) {
            let other = &slice.records[&departure.other];
            // Who is kept passes nothing on.
            let kept = kept_whole.get(&departure.by).copied();
            if let Some(kept) = kept.or_else(|| self.kept_by_another_facet(other, &departure)) {
                departure.verdict = Verdict::Keep(kept);
                kept_whole.insert(other.id, kept);
            }
            let accepted = open().any(|intent| intent.record == Some(other.id));
            if self.is_doubted(other) {
                unsettled.insert(departure.gone);
                continue;
            }
            match departure.verdict {
                Verdict::Delete => {
                    if !self.delete_facet(id, entity, other, &departure) {
                        continue;
                    }
                    doomed.insert(other.id);
                }
                Verdict::Ask if accepted => {
                    if !self.delete_facet(id, entity, other, &departure) {
                        continue;
                    }
                    doomed.insert(other.id);
                }
                Verdict::Ask => {
                    let gone = &slice.records[&departure.gone];
                    let name = |record: &RecordState| {
                        format!("{}/{}", plan.ty(record.ty).name, record.key)
                    };
                    self.reviews.push(Review {
                        kind: ReviewKind::PendingDelete,
                        record: gone.id,
                        ty: other.ty,
                        prop: None,
                        rule: if gone.is_live() { Rule::L11 } else { Rule::D1 },
                        candidates: vec![other.id],
                        value: Value::Null,
                        message: match gone.is_live() {
                            false => {
                                format!("{} was deleted; accept to delete {} too, reject to keep it", name(gone), name(other))
                            }
                            true => format!(
                                "{} is not what its flow is about any more; accept to delete {}, reject to keep it",
                                name(gone),
                                name(other)
                            ),
                        },
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
        // What came back, was edited or is kept after all is not deleted. What is under way already
        // can't be called back.
        for intent in open()
            .filter(|intent| matches!(intent.state, IntentState::Queued | IntentState::Refused))
        {
            if intent.record.is_some_and(|record| !doomed.contains(&record))
                && !self.out.dropped.contains(&intent.id)
            {
                self.out.dropped.push(intent.id);
            }
        }
        // A creation that is under way may still bring a record that the deletion is about.
        let under_way =
            |intent: &Intent| matches!(intent.state, IntentState::Sent | IntentState::Unknown);
        if !slice
            .intents_of(id)
            .any(|intent| intent.kind == IntentKind::Create && under_way(intent))
        {
            let settled = entity
                .records
                .iter()
                .filter(leaving)
                .map(|record| record.id)
                .filter(|id| !unsettled.contains(id));
            self.out.settled.extend(settled);
        }
        doomed
    }

    /// F3: deletes what a record stands for through this facet: the record, if all its facets are
    /// to be deleted, else its part of it. Gives whether anything is to be done still.
    fn delete_facet(
        &mut self,
        id: EntityId,
        entity: &Entity<'_>,
        record: &RecordState,
        departure: &Departure,
    ) -> bool {
        let (plan, slice) = (self.plan, self.slice);
        let others: Vec<&RecordState> = match plan.ty(record.ty).facets.is_empty() {
            true => vec![],
            false => {
                siblings(plan, slice, record).filter(|facet| stands(plan, slice, facet)).collect()
            }
        };
        if others.iter().all(|facet| self.is_to_be_deleted(facet)) {
            // One of them does it for all.
            if others.iter().all(|facet| record.id < facet.id) {
                self.delete(id, record, departure);
            }
            return true;
        }
        let gone = &slice.records[&departure.gone];
        let mut changes = Vec::new();
        for prop in part(plan, record) {
            let by = entity
                .bearings(plan, record.ty, prop)
                .iter()
                .find(|by| by.other == gone.ty && by.open && !by.fills);
            let Some(by) = by else { continue };
            let displaced = record.slot(prop).value(plan.prop(record.ty, prop).whole).clone();
            // It carries the claim that it would take else, so that it is not given that again.
            let best = candidates(plan, entity, record.ty, prop, Some(record.id))
                .first()
                .map(|best| best.stamp);
            let claim =
                best.unwrap_or(ClaimStamp { at: slice.now, record: gone.id, prop: by.theirs });
            changes.push(Change {
                prop,
                value: Value::Null,
                displaced: displaced.into(),
                counterpart_of: None,
                claim,
                rule: Rule::F3,
                reason: Reason::Latest,
            });
        }
        if changes.is_empty() {
            self.out
                .kept
                .push(Departure { verdict: Verdict::Keep(Kept::Facets), ..departure.clone() });
            return false;
        }
        let mine = |intent: &&Intent| {
            intent.kind == IntentKind::Update
                && intent.record == Some(record.id)
                && !intent.takes_back()
        };
        let open: Vec<&Intent> = slice.intents_of(id).filter(mine).collect();
        if let Some(failed) = self.reconcile(&open, &changes, record) {
            self.intend(
                IntentKind::Update,
                id,
                record.ty,
                Some(record),
                gone.id,
                departure.flow,
                changes,
            );
            self.inherit_tries(failed);
        }
        true
    }

    /// F1, D1: the record that was deleted was the counterpart of several facets of another. What
    /// keeps that one as one of them keeps all of it: it is one record, and an edit of it beats the
    /// deletion.
    fn kept_by_another_facet(&self, record: &RecordState, departure: &Departure) -> Option<Kept> {
        let (plan, slice) = (self.plan, self.slice);
        let gone = &slice.records[&departure.gone];
        siblings(plan, slice, record).filter(|facet| facet.is_live()).find_map(|facet| {
            let members =
                slice.members(facet.entity).iter().filter_map(|id| slice.records.get(id)).collect();
            let of_it = |theirs: &Departure| {
                let also = &slice.records[&theirs.gone];
                theirs.other == facet.id
                    && also.key == gone.key
                    && plan.same_collection(also.ty, gone.ty)
            };
            departures(plan, slice, &Entity::of(plan, members)).into_iter().filter(of_it).find_map(
                |theirs| match theirs.verdict {
                    Verdict::Keep(kept) => Some(kept),
                    Verdict::Delete | Verdict::Ask => None,
                },
            )
        })
    }

    /// Whether another facet of a record is to be deleted as well, by what was deleted in its own
    /// entity.
    fn is_to_be_deleted(&self, facet: &RecordState) -> bool {
        let (plan, slice) = (self.plan, self.slice);
        let members =
            slice.members(facet.entity).iter().filter_map(|id| slice.records.get(id)).collect();
        let deleted = |departure: Departure| {
            let asked = slice.intents_of(facet.entity).any(|intent| {
                intent.kind == IntentKind::Delete
                    && intent.record == Some(facet.id)
                    && !intent.takes_back()
            });
            departure.other == facet.id
                && (departure.verdict == Verdict::Delete
                    || departure.verdict == Verdict::Ask && asked)
        };
        departures(plan, slice, &Entity::of(plan, members)).into_iter().any(deleted)
    }

    /// Intends the deletion of a record, where that is not intended already; its queued updates are
    /// not needed any more.
    fn delete(&mut self, id: EntityId, record: &RecordState, departure: &Departure) {
        let slice = self.slice;
        let mine = |kind| {
            slice
                .intents_of(id)
                .filter(move |intent| intent.kind == kind && intent.record == Some(record.id))
        };
        let waits =
            |intent: &&Intent| matches!(intent.state, IntentState::Queued | IntentState::Refused);
        self.out.dropped.extend(mine(IntentKind::Update).filter(waits).map(|intent| intent.id));
        let (mut due, mut failed) = (true, None);
        for intent in mine(IntentKind::Delete) {
            match intent.state {
                // Decided on the state that the record has: it stays. What a person must see to
                // stays in review.
                IntentState::Queued | IntentState::Refused
                    if due && intent.base_version == record.version =>
                {
                    due = false;
                    self.keep_told(intent, record);
                }
                IntentState::Queued | IntentState::Refused => {
                    failed = failed.or(Some(intent).filter(|intent| {
                        intent.attempts > 0 && intent.state == IntentState::Queued
                    }));
                    self.out.dropped.push(intent.id);
                }
                _ => due = false,
            }
        }
        if due {
            self.intend(
                IntentKind::Delete,
                id,
                record.ty,
                Some(record),
                departure.gone,
                departure.flow,
                vec![],
            );
            self.inherit_tries(failed);
            if let Some(failed) = failed {
                self.keep_told(failed, record);
            }
        }
    }

    /// P4: only what differs, all of a record's in one write, nothing where nothing differs.
    fn update(&mut self, id: EntityId, entity: &Entity<'_>, record: &RecordState) {
        let (plan, slice) = (self.plan, self.slice);
        let ty = plan.ty(record.ty);
        let (mut changes, mut stopped) = (Vec::new(), Vec::new());
        if entity.records.len() > 1 && ty.can.update {
            for prop in (0..ty.props.len() as u16).map(PropIx) {
                if entity.bearings(plan, record.ty, prop).is_empty() {
                    continue;
                }
                let due = changes.len();
                let wanted = wanted(plan, slice, entity, record, prop);
                let can_not = !matches!(wanted, Wanted::Nothing | Wanted::Pick { .. });
                match wanted {
                    Wanted::Nothing => {}
                    Wanted::Waits { reference, claim } => {
                        self.waits(record, prop, reference, claim)
                    }
                    Wanted::Pick { element } => self.picks.push((record.id, prop, element)),
                    Wanted::Unconvertible { value, message, .. } => self.review(
                        ReviewKind::Unconvertible,
                        record.id,
                        record.ty,
                        Some(prop),
                        Rule::P3,
                        value,
                        format!(
                            "a value can't be brought to {}: {message}",
                            ty.props[prop.at()].name
                        ),
                    ),
                    write => {
                        let Some(change) = change(plan, slice, record, prop, write) else {
                            continue;
                        };
                        if let Some(flips) = flipping(plan, entity, record, prop) {
                            self.stopped(entity, flips, &change, record);
                            stopped.push(prop);
                            continue;
                        }
                        // It may have been refused when the record was created from another of the
                        // entity.
                        match entity
                            .records
                            .iter()
                            .find_map(|member| refused(&slice.reviews, member, record.ty, prop))
                        {
                            // G4: the same value is not sent again; the review stays as it is.
                            Some(review) if equal(&review.value, &change.value) => {
                                self.reviews.push(review.clone())
                            }
                            _ => changes.push(change),
                        }
                    }
                }
                if can_not && changes.len() == due {
                    stopped.push(prop);
                }
            }
            all_or_nothing(plan, record.ty, &stopped, &mut changes);
        }
        let open = slice
            .intents_of(id)
            .filter(|intent| intent.kind == IntentKind::Update && intent.record == Some(record.id));
        // What a person takes back stands, whatever the flows say of it (G7).
        let open: Vec<&Intent> = open.filter(|intent| !intent.takes_back()).collect();
        let Some(failed) = self.reconcile(&open, &changes, record).filter(|_| !changes.is_empty())
        else {
            return;
        };
        // G7: no decision by the flows has the record itself as its source, also where it is given
        // back a value of its own.
        let others = changes
            .iter()
            .map(|change| change.claim.record)
            .chain(entity.records.iter().map(|other| other.id));
        let source = others.into_iter().find(|source| *source != record.id).unwrap_or(record.id);
        let from = self.slice.records.get(&source).map_or(record.ty, |source| source.ty);
        let flow = self.plan.flow_between(from, record.ty);
        self.intend(IntentKind::Update, id, record.ty, Some(record), source, flow, changes);
        self.inherit_tries(failed);
    }

    /// P8: a reference waits for the counterpart of the record that it names: that is told until it
    /// has come.
    fn waits(
        &mut self,
        record: &RecordState,
        prop: PropIx,
        reference: Counterpart,
        claim: ClaimStamp,
    ) {
        let (plan, slice) = (self.plan, self.slice);
        let (value, message) = waits_for(plan, slice, reference, claim);
        let described = plan.prop(record.ty, prop);
        self.reviews.push(Review {
            kind: ReviewKind::WaitingReference,
            record: record.id,
            ty: record.ty,
            prop: Some(prop),
            rule: Rule::P8,
            candidates: (reference.of.0 != 0).then_some(reference.of).into_iter().collect(),
            value,
            message: format!("{} {message}", described.name),
            opened_at: slice.now,
        });
    }

    /// P5: a person must say which side is right; until then nothing is written there.
    fn stopped(
        &mut self,
        entity: &Entity<'_>,
        (record, prop): (&RecordState, PropIx),
        change: &Change,
        target: &RecordState,
    ) {
        let (plan, slice) = (self.plan, self.slice);
        let asked = |review: &Review| {
            review.kind == ReviewKind::FlipFlop
                && review.record == record.id
                && review.prop == Some(prop)
        };
        let Some(flips) =
            record.slot(prop).flips.as_ref().filter(|_| !self.reviews.iter().any(asked))
        else {
            return;
        };
        let name = |record: &RecordState| format!("{}/{}", plan.ty(record.ty).name, record.key);
        let rivals = together(plan, entity, record, prop)
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| *id != record.id);
        let candidates: Vec<RecordId> =
            rivals.filter(|id| slice.records.get(id).is_some_and(RecordState::is_live)).collect();
        // The value against it: what it was to be given, or what the others were to get from it in
        // place of theirs.
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
                    review.kind == ReviewKind::FlipFlop
                        && review.prop.is_some_and(|prop| ours.contains(&(review.record, prop)))
                };
                if !self.reviews.iter().any(asked) {
                    self.calmed.push((record.id, prop));
                }
            }
        }
    }

    /// Compares what is open with what is decided now. Gives whether a new intent is due, and of
    /// which failed one it takes the place.
    fn reconcile<'i>(
        &mut self,
        open: &[&'i Intent],
        changes: &[Change],
        subject: &RecordState,
    ) -> Option<Option<&'i Intent>> {
        let same = |intent: &Intent| {
            intent.changes.len() == changes.len()
                && intent.changes.iter().zip(changes).all(|(a, b)| {
                    a.prop == b.prop
                        && equal(&a.value, &b.value)
                        && a.counterpart_of == b.counterpart_of
                })
        };
        // Under way: its outcome brings the record back onto the agenda.
        if open
            .iter()
            .any(|intent| matches!(intent.state, IntentState::Sent | IntentState::Unknown))
        {
            open.iter().for_each(|intent| self.keep_told(intent, subject));
            return None;
        }
        let mut due = Some(None);
        for &intent in open {
            // C2: a creation that was tried is tried again as it was, under the same key: if the
            // first try arrives late after all, its system knows both for one. What was edited
            // since is written after it.
            let tried = intent.kind == IntentKind::Create
                && intent.attempts > 0
                && intent.state == IntentState::Queued;
            // P6: a write that met another version is decided on the version that is known now.
            let over = |changes: &[Change]| {
                changes.iter().map(|change| change.displaced.clone()).collect::<Vec<_>>()
            };
            let moved = || {
                intent.version() != subject.version.as_ref()
                    || over(&intent.changes) != over(changes)
            };
            if due.is_none() || !(same(intent) || tried) {
                self.out.dropped.push(intent.id);
            } else if intent.kind == IntentKind::Update
                && intent.attempts > 0
                && intent.state == IntentState::Queued
                && moved()
            {
                self.out.dropped.push(intent.id);
                due = Some(Some(intent));
                self.keep_told(intent, subject);
            } else {
                due = None;
                self.keep_told(intent, subject);
            }
        }
        due
    }

    /// G4: what a person has been told of a write that was refused, or fails again and again, stays
    /// open while that write does.
    fn keep_told(&mut self, intent: &Intent, subject: &RecordState) {
        let told = |review: &&Review| {
            let of_it =
                review.record == subject.id && review.ty == intent.ty && review.prop.is_none();
            // C2: a creation that found what belongs to another stays a question, too.
            let disputed =
                review.kind == ReviewKind::DisputedEntity && intent.state == IntentState::Refused;
            (review.kind == ReviewKind::RejectedValue || disputed) && of_it
        };
        if (intent.state == IntentState::Refused || intent.attempts > 0)
            && let Some(review) = self.slice.reviews.iter().find(told)
        {
            self.reviews.push(review.clone());
        }
    }

    /// G4: the intent just made is tried again in the place of one that failed, and waits as long
    /// as that one would have.
    fn inherit_tries(&mut self, failed: Option<&Intent>) {
        if let (Some(failed), Some(new)) = (failed, self.out.intents.last_mut()) {
            (new.attempts, new.not_before) = (failed.attempts, failed.not_before);
            new.message.clone_from(&failed.message);
        }
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
            base_version: record.and_then(|record| match kind {
                IntentKind::Update => version_to_meet(self.plan, record),
                IntentKind::Create | IntentKind::Delete => record.version.clone(),
            }),
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
    fn flow(
        &mut self,
        id: EntityId,
        entity: &Entity<'_>,
        record: &RecordState,
        flow_ix: FlowIx,
        made: &mut BTreeSet<TypeIx>,
    ) {
        let flow = &self.plan.flows[flow_ix.at()];
        // D2: the place of one that was deleted after a record that is back is free.
        let counts = |r: &&&RecordState| {
            r.ty == flow.to && r.id != record.id && r.presence != Presence::Replaceable
        };
        let counterparts: Vec<&&RecordState> = entity.records.iter().filter(counts).collect();
        let live = counterparts.iter().any(|r| r.is_live());
        let just_linked = || {
            let with = self.linked_with.get(&record.id).map_or(&[][..], Vec::as_slice);
            counterparts.iter().any(|counterpart| with.contains(&counterpart.id))
        };
        let unsettled =
            self.unsettled.get(&(record.id, flow.to)).map(|at| &self.links.unsettled[*at]);
        let (situation, why) = if live && entity.is_suspended(flow.from, flow.to) {
            // Linked, but its condition does not hold any more: nothing is written, nothing
            // deleted.
            (Situation::Unqualified, not_about(self.plan, flow, record))
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
        // Something else of this entity is disputed in that very record type: a person's answer may
        // bring the counterpart.
        if entity.records.iter().any(|member| self.unsettled.contains_key(&(member.id, to))) {
            return (
                Situation::Absent,
                Some("another record of the same entity waits for a person's answer there".into()),
            );
        }
        if let Some(why) = self.facet_waits(record, to) {
            return (Situation::Absent, Some(why));
        }
        // C2: a person has been asked whether a creation has been made already; until then none is.
        let asked = |review: &&Review| {
            review.kind == ReviewKind::UnknownOutcome
                && review.ty == to
                && review.record == record.id
        };
        if let Some(review) = slice.reviews.iter().find(asked) {
            let under_way = |intent: &Intent| intent.kind == IntentKind::Create && intent.ty == to;
            if !slice.intents_of(id).any(under_way) {
                return (Situation::Ambiguous, Some(review.message.clone()));
            }
        }
        // F2: it will be linked with a facet of what is made for another facet of the same record.
        let made_now = |entity: EntityId, ty: TypeIx| self.creating.contains(&(entity, ty));
        if let Some(facet) = being_made(plan, slice, record, to, made_now) {
            let why = format!(
                "its counterpart is being created for {}/{}",
                plan.ty(facet.ty).name,
                facet.key
            );
            return (Situation::Absent, Some(why));
        }
        if let Some(other) = still_to_be_read(plan, slice, record, to) {
            let why = format!(
                "{}/{} is linked by another facet, and is still to be read",
                plan.ty(to).name,
                other.key
            );
            return (Situation::Absent, Some(why));
        }
        if was_deleted(plan, slice, record, to).is_some() {
            return (Situation::Missing, None);
        }
        if let Some(facet) = unread(plan, slice, record, to) {
            let why = format!("the record has not been read as {} yet", facet.name);
            self.out.held.push(Held {
                flow: flow_ix,
                record: record.id,
                rule: Rule::L8,
                why: why.clone(),
            });
            return (Situation::Absent, Some(why));
        }
        if self.is_promised_to_a_facet(record, to) {
            let why = format!(
                "a record of {} that matches another facet of it is being created",
                plan.ty(to).name
            );
            self.out.held.push(Held {
                flow: flow_ix,
                record: record.id,
                rule: Rule::C2,
                why: why.clone(),
            });
            return (Situation::Absent, Some(why));
        }
        match create(plan, slice, flow_ix, record, entity) {
            Creation::No { situation, why } => (situation, Some(why)),
            Creation::Hold { rule, why, reread } => {
                self.out.reread.extend(reread);
                if rule == Rule::C4 {
                    self.review(
                        ReviewKind::Incomplete,
                        record.id,
                        to,
                        None,
                        rule,
                        Value::Null,
                        format!("waits: {why}"),
                    );
                }
                self.out.held.push(Held {
                    flow: flow_ix,
                    record: record.id,
                    rule,
                    why: why.clone(),
                });
                (Situation::Absent, Some(why))
            }
            Creation::Make { changes, .. }
                if self.promised_by_another(id, entity, to, &changes) =>
            {
                let why =
                    format!("a record of {} that matches it is being created", plan.ty(to).name);
                self.out.held.push(Held {
                    flow: flow_ix,
                    record: record.id,
                    rule: Rule::C2,
                    why: why.clone(),
                });
                (Situation::Absent, Some(why))
            }
            // R9: it may be there already, under the key of another, and a person is asked whose
            // that is.
            Creation::Make { changes, .. } if self.is_shown_in_doubt(entity, to, &changes) => {
                let why = format!(
                    "a record of {} shows what would match it, and a person is asked whether it is another than it was",
                    plan.ty(to).name
                );
                self.out.held.push(Held {
                    flow: flow_ix,
                    record: record.id,
                    rule: Rule::R9,
                    why: why.clone(),
                });
                (Situation::Absent, Some(why))
            }
            Creation::Make { mut changes, unconvertible } => {
                for (prop, value, message) in unconvertible {
                    let text = format!(
                        "a value can't be brought to {}: {message}",
                        plan.prop(to, prop).name
                    );
                    self.review(
                        ReviewKind::Unconvertible,
                        record.id,
                        to,
                        Some(prop),
                        Rule::P3,
                        value,
                        text,
                    );
                }
                changes.retain(|change| match refused(&slice.reviews, record, to, change.prop) {
                    Some(review) if equal(&review.value, &change.value) => {
                        self.reviews.push(review.clone());
                        false
                    }
                    _ => true,
                });
                made.insert(to);
                if !plan.ty(to).facets.is_empty() {
                    self.creating.insert((id, to));
                }
                let open: Vec<&Intent> = slice
                    .intents_of(id)
                    .filter(|intent| intent.kind == IntentKind::Create && intent.ty == to)
                    .collect();
                if self.reconcile(&open, &changes, record).is_some() {
                    if plan.ty(to).contested {
                        for hash in promised(plan, to, &changes) {
                            self.promised.entry(hash).or_insert(id);
                            self.out.promised.push((hash, self.out.intents.len()));
                        }
                    }
                    self.intend(IntentKind::Create, id, to, None, record.id, flow_ix, changes);
                    // Once, when it is decided: two records of a type that is connected to itself
                    // would wake each other for ever (G8).
                    self.wake_neighbours(record);
                }
                (Situation::Absent, Some("a counterpart is being created".into()))
            }
        }
    }

    /// C2: two records that stand for the same thing, and of which nobody knows that yet, may both
    /// be about to get a counterpart in a record type where they would meet. One is made; the
    /// others wait, and are linked with it by their match values.
    fn promised_by_another(
        &self,
        id: EntityId,
        entity: &Entity<'_>,
        to: TypeIx,
        changes: &[Change],
    ) -> bool {
        let mine = |intent: &Intent| intent.kind == IntentKind::Create && intent.ty == to;
        if !self.plan.ty(to).contested || self.slice.intents_of(id).any(mine) {
            return false;
        }
        let hashes = self.would_be_found_under(entity, to, changes);
        let another = |hash: &u64| {
            self.promised.get(hash).is_some_and(|entity| *entity != id)
                || self
                    .slice
                    .promised
                    .get(hash)
                    .is_some_and(|entities| entities.iter().any(|entity| *entity != id))
        };
        hashes.iter().any(another)
    }

    /// Under which hashes the record would be found that is created with these changes, and what
    /// the entity's records match.
    fn would_be_found_under(
        &self,
        entity: &Entity<'_>,
        to: TypeIx,
        changes: &[Change],
    ) -> Vec<u64> {
        let mut hashes = promised(self.plan, to, changes);
        for record in &entity.records {
            for side in self.plan.ty(record.ty).match_sides.iter().filter(|side| side.other == to) {
                match_hashes(self.plan, side, record, &mut hashes);
            }
        }
        hashes
    }

    /// F1: a person's answer that another facet of the record waits for in this collection may
    /// bring the counterpart of this one, too.
    fn facet_waits(&self, record: &RecordState, to: TypeIx) -> Option<String> {
        let (plan, slice) = (self.plan, self.slice);
        let collection = &plan.ty(to).facets;
        if collection.is_empty() {
            return None;
        }
        let theirs = |ty: &TypeIx| *ty == to || collection.contains(ty);
        let waits = |facet: &&RecordState| {
            let unsettled = |id: &RecordId| {
                self.unsettled
                    .range((*id, TypeIx(0))..=(*id, TypeIx(u16::MAX)))
                    .any(|((_, ty), _)| theirs(ty))
            };
            let asked = |review: &Review| {
                review.kind == ReviewKind::UnknownOutcome
                    && review.record == facet.id
                    && theirs(&review.ty)
            };
            let asked = slice.members(facet.entity).iter().any(unsettled)
                || slice.reviews.iter().any(asked);
            facet.is_live() && (asked || self.is_doubted(facet))
        };
        let facet = siblings(plan, slice, record).find(waits)?;
        Some(format!("{}/{} waits for a person's answer there", plan.ty(facet.ty).name, facet.key))
    }

    /// F2, C2: whether a record is being created for another entity that another facet of this one
    /// will be linked with.
    fn is_promised_to_a_facet(&self, record: &RecordState, to: TypeIx) -> bool {
        let (plan, slice) = (self.plan, self.slice);
        let collection = &plan.ty(to).facets;
        let sibling_waits = |sibling: &RecordState| {
            let mut hashes = Vec::new();
            for member in
                slice.members(sibling.entity).iter().filter_map(|id| slice.records.get(id))
            {
                for side in plan
                    .ty(member.ty)
                    .match_sides
                    .iter()
                    .filter(|side| collection.contains(&side.other))
                {
                    match_hashes(plan, side, member, &mut hashes);
                }
            }
            let another = |entity: &EntityId| *entity != sibling.entity && *entity != record.entity;
            hashes.iter().any(|hash| {
                self.promised.get(hash).is_some_and(another)
                    || slice.promised.get(hash).is_some_and(|entities| entities.iter().any(another))
            })
        };
        !collection.is_empty()
            && siblings(plan, slice, record).filter(|sibling| sibling.is_live()).any(sibling_waits)
    }

    /// R9: whether what would be created, or what it would be created from, matches what is shown
    /// under the key of a record that a person is asked about.
    fn is_shown_in_doubt(&self, entity: &Entity<'_>, to: TypeIx, changes: &[Change]) -> bool {
        let doubted = &self.slice.doubted;
        !doubted.is_empty()
            && self
                .would_be_found_under(entity, to, changes)
                .iter()
                .any(|hash| doubted.contains_key(hash))
    }

    /// C5: when a record gets (or has) a counterpart in a system, those connected to it may qualify
    /// there now.
    fn wake_connected(&mut self, record: &RecordState, to: TypeIx) {
        let system = &self.plan.ty(to).name.system;
        let decides = self.plan.flows.iter().any(|flow| {
            matches!(&flow.create, PlanCreate::ConnectedTo(types) if types.contains(&record.ty))
                && self.plan.ty(flow.to).name.system == *system
        });
        let newly = self.out.intents.last().is_some_and(|intent| intent.source == record.id)
            || self.linked_with.contains_key(&record.id);
        if decides && newly {
            self.wake_neighbours(record);
        }
    }

    fn wake_neighbours(&mut self, record: &RecordState) {
        if !self.plan.has_references() {
            return;
        }
        let waits = |other: &RecordState| {
            self.plan.flows.iter().any(|flow| {
                flow.from == other.ty && matches!(&flow.create, PlanCreate::ConnectedTo(types) if types.contains(&record.ty))
            })
        };
        let woken: Vec<RecordId> = neighbours(self.plan, self.slice, record)
            .into_iter()
            .filter(|other| waits(other))
            .map(|r| r.id)
            .collect();
        self.out.agenda.extend(woken);
    }

    /// A queued creation that nothing asks for any more (its record was linked, deleted, or does
    /// not qualify).
    fn drop_needless_creations(&mut self, id: EntityId, made: &BTreeSet<TypeIx>) {
        for intent in self.slice.intents_of(id) {
            let needless = intent.kind == IntentKind::Create
                && matches!(intent.state, IntentState::Queued | IntentState::Refused)
                && !made.contains(&intent.ty)
                && !self.out.dropped.contains(&intent.id);
            if needless {
                self.out.dropped.push(intent.id);
                // F2: other facets may have waited for what it would have made.
                if let Some(source) =
                    self.slice.records.get(&intent.source).filter(|_| self.plan.has_facets)
                {
                    self.out
                        .agenda
                        .extend(siblings(self.plan, self.slice, source).map(|facet| facet.id));
                }
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
        self.reviews.push(Review {
            kind,
            record,
            ty,
            prop,
            rule,
            candidates: vec![],
            value,
            message,
            opened_at,
        });
    }
}

/// P6: the version that a record is to have still when it is written to. Where none is known, and
/// nothing has shown the record since Lockstep's own write, it is looked at first: a write over
/// what somebody has put in there meanwhile would meet no other version.
fn version_to_meet(plan: &Plan, record: &RecordState) -> Option<String> {
    let ty = plan.ty(record.ty);
    let is_unseen = || {
        let all = ty.props.iter().zip(&record.slots).enumerate();
        let told = all.filter(|(ix, (prop, slot))| {
            Some(*ix) != ty.own_id.map(PropIx::at) && !is_empty(slot.value(prop.whole))
        });
        let mut unseen = told.map(|(_, (prop, slot))| slot.is_unseen(prop.whole)).peekable();
        unseen.peek().is_some() && unseen.all(|unseen| unseen)
    };
    let looks = || record.written_at.is_some() && ty.can.get && is_unseen();
    record.version.clone().or_else(|| looks().then(|| Intent::UNSEEN.to_string()))
}
