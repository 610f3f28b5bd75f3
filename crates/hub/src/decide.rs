//! Deciding on the agenda, batch by batch, and recording what was decided.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::slice::ReadThrough;
use lockstep_engine::{Decision, Slice, decide};
use lockstep_model::change::IntentEvent;
use lockstep_model::{
    EntityId, IntentId, IntentKind, IntentState, NumberMap, NumberSet, RecordId, RecordState,
    ReviewKind, Timestamp, TypeIx, Value,
};
use lockstep_store::{Commit, IntentUpdate, JournalEntry, JournalKind, ReviewKey};

use crate::load;
use crate::report::{Event, RecordName, timed};
use crate::run::{Hub, Progress, Result, Underway};

/// Records decided on together. Large batches write a page of the store once where small ones write
/// it often.
const BATCH: usize = 10_000;
/// Ranks from here on hold records that wait for another reading; they are taken up again after it.
pub(crate) const HELD: u16 = 0x4000;

/// A batch that has been decided on and is still to be recorded, and the entities that this is
/// about.
struct Decided {
    rank: u16,
    batch: NumberSet<RecordId>,
    commit: Commit,
    entities: NumberSet<EntityId>,
    /// What it was decided on; let go of beside the recording.
    slice: Slice,
}

impl Decided {
    /// The entities of a slice, loaded before this was recorded, of which the slice does not say
    /// what is true; with all those that share a match key with them.
    fn unknown_to(&self, slice: &Slice) -> NumberSet<EntityId> {
        let mut unknown: NumberSet<EntityId> = slice
            .records
            .values()
            .map(|record| record.entity)
            .filter(|entity| self.entities.contains(entity))
            .collect();
        let entity = |id: &RecordId| slice.records.get(id).map(|record| record.entity);
        let mut before = 0;
        while before != unknown.len() {
            before = unknown.len();
            for together in slice.by_hash.values().filter(|ids| ids.len() > 1) {
                if together.iter().filter_map(entity).any(|entity| unknown.contains(&entity)) {
                    unknown.extend(together.iter().filter_map(entity));
                }
            }
        }
        unknown
    }
}

/// Decisions that a run may take about one record before it counts as going round, once it has
/// taken many more than there are records.
const TURNS: u32 = 20;

/// G8: counts how often records are decided on, so that a run comes to its end whatever the flows
/// say.
///
/// Only what exceeds a budget that no settling project comes near is counted by record: the usual
/// run pays for one addition a batch.
struct Turns {
    decided: u64,
    budget: u64,
    times: NumberMap<RecordId, u32>,
}

impl Turns {
    fn new(records: u64) -> Self {
        Turns { decided: 0, budget: 10 * records + 1_000, times: NumberMap::default() }
    }

    /// Counts a batch. Gives the records in it that have just used up their turns.
    fn count(&mut self, batch: impl ExactSizeIterator<Item = RecordId>) -> Vec<RecordId> {
        self.decided += batch.len() as u64;
        if self.decided <= self.budget {
            return vec![];
        }
        let times = &mut self.times;
        let mut turn = |id: &RecordId| {
            let times = times.entry(*id).or_default();
            *times += 1;
            *times == TURNS
        };
        batch.filter(|id| turn(id)).collect()
    }

    fn used_up(&self, id: RecordId) -> bool {
        self.times.get(&id).is_some_and(|times| *times >= TURNS)
    }
}

impl Hub {
    /// Decides until nothing but what is held is left on the agenda. Gives the record types that
    /// must be read again for those.
    ///
    /// Recording a batch takes as long as deciding on the next, so both are done at once. What the
    /// next slice does not know rightly then is left for the batch after it; where records refer to
    /// each other it is not so easily told, and the one waits for the other.
    pub(crate) fn decide(&mut self, under_way: &mut Underway) -> Result<BTreeSet<TypeIx>> {
        under_way.undecided.clear();
        let mut reread = BTreeSet::new();
        let mut decided: Option<Decided> = None;
        let mut turns = Turns::new(self.status.iter().map(|status| status.records).sum());
        self.hold_what_may_be_made()?;
        let mut urgent = self.decided_on_less(under_way)?;
        loop {
            let most = under_way.part.batch(BATCH);
            let skip = decided.as_ref().map_or(0, |decided| decided.batch.len());
            let mut batch = self.ahead(&mut urgent, skip + most)?;
            if urgent.is_empty() && under_way.part.has_enough() {
                batch.clear();
            }
            if let Some(decided) = &decided {
                batch.retain(|(_, id)| !decided.batch.contains(id));
                batch.truncate(most);
            }
            let rank = batch.first().map(|(rank, _)| *rank).filter(|rank| *rank < HELD);
            let ends = |last: &mut Decided| {
                // One rank at a time: what decides whether others are created is decided and
                // recorded first (C5).
                rank != Some(last.rank)
                    || last.commit.agenda_added.iter().any(|(rank, _)| *rank < HELD)
            };
            if let Some(last) = decided.take_if(ends) {
                timed(&mut under_way.report.shares.storing_ms, || self.store.commit(last.commit))?;
                continue;
            }
            let Some(rank) = rank else { return Ok(reread) };
            batch.retain(|(r, _)| *r == rank);
            let mut slice = self.slice(under_way, &batch)?;
            if let Some(last) = &decided {
                let unknown = last.unknown_to(&slice);
                if !unknown.is_empty() {
                    slice.focus.retain(|id| {
                        slice.records.get(id).is_none_or(|record| !unknown.contains(&record.entity))
                    });
                    let left: NumberSet<RecordId> = slice.focus.iter().copied().collect();
                    batch.retain(|(_, id)| left.contains(id));
                }
                // Facets of one record are decided on together, in whatever entities they are (F2).
                let promises = !last.commit.keys_added.is_empty() || self.plan.has_facets;
                if promises
                    || !unknown.is_empty() && (batch.is_empty() || self.plan.has_references())
                {
                    let last = decided.take().expect("it has just been looked at");
                    timed(&mut under_way.report.shares.storing_ms, || {
                        self.store.commit(last.commit)
                    })?;
                    continue;
                }
            }
            under_way.progress.tell(Progress::Decided { records: batch.len() });
            let before: Vec<EntityId> = slice
                .focus
                .iter()
                .filter_map(|id| slice.records.get(id))
                .map(|r| r.entity)
                .collect();
            let decision = match decided.take() {
                None => timed(&mut under_way.report.shares.deciding_ms, || {
                    decide(&self.plan, &mut slice)
                }),
                Some(last) => {
                    let (plan, store, shares) =
                        (&self.plan, &mut self.store, &mut under_way.report.shares);
                    std::thread::scope(|scope| {
                        let (commit, decided_on) = (last.commit, last.slice);
                        let recording = scope.spawn(move || {
                            let recorded = store.commit(commit);
                            // Letting go of it takes a third of the time that deciding takes.
                            drop(decided_on);
                            recorded
                        });
                        let decision = timed(&mut shares.deciding_ms, || decide(plan, &mut slice));
                        let recorded = timed(&mut shares.storing_ms, || recording.join());
                        recorded
                            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                            .map(|()| decision)
                    })?
                }
            };
            reread.extend(&decision.reread);
            let entities = before
                .into_iter()
                .chain(decision.merged.iter().flat_map(|(gone, into)| [*gone, *into]))
                .collect();
            batch.extend(&decision.along);
            let in_batch: NumberSet<RecordId> = batch.iter().map(|(_, id)| *id).collect();
            urgent.retain(|id| !in_batch.contains(id));
            let circling = turns.count(batch.iter().map(|(_, id)| *id));
            let mut commit = self.record_decision(under_way, batch, decision, &slice)?;
            self.stop_circling(under_way, &turns, &circling, &slice, &mut commit);
            decided = Some(Decided { rank, batch: in_batch, commit, entities, slice });
        }
    }

    fn slice(&mut self, under_way: &mut Underway, batch: &[(u16, RecordId)]) -> Result<Slice> {
        let focus: Vec<RecordId> = batch.iter().map(|(_, id)| *id).collect();
        let through = self.through_now(under_way);
        let (now, run, reviews) = (self.clock.now(), under_way.report.run, under_way.reviews);
        let load =
            || load::slice(&self.plan, self.store.as_mut(), focus, through, reviews, now, run);
        let mut slice = timed(&mut under_way.report.shares.loading_ms, load)?;
        slice.waiting.retain(|_, rank| *rank < HELD);
        slice.reconsider = under_way.reconsider;
        if under_way.doubted {
            slice.doubted = self.doubted()?;
        }
        Ok(slice)
    }

    /// C2: a new record may be what a creation made whose answer is still unknown. Until that is
    /// known nothing is decided for it: it would be somebody's whom nobody else knows, and be
    /// passed on.
    fn hold_what_may_be_made(&mut self) -> Result<()> {
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        open.retain(|intent| intent.kind == IntentKind::Create);
        if open.is_empty() {
            return Ok(());
        }
        let mut since: BTreeMap<TypeIx, Timestamp> = BTreeMap::new();
        let mut asked: NumberSet<RecordId> = NumberSet::default();
        for intent in &open {
            let reviews = self.store.open_reviews(&[intent.source])?;
            match reviews
                .iter()
                .find(|review| review.kind == ReviewKind::UnknownOutcome && review.ty == intent.ty)
            {
                // A person has been asked, and is not to keep everything waiting.
                Some(review) => {
                    asked.extend(&review.candidates);
                    for candidate in self.store.records(&review.candidates)? {
                        asked.extend(self.other_facets(&candidate)?.iter().map(|facet| facet.id));
                    }
                }
                // F1: it was made with all its facets.
                None => {
                    for ty in std::iter::once(&intent.ty).chain(&self.plan.ty(intent.ty).facets) {
                        let earliest = since.entry(*ty).or_insert(intent.decided_at);
                        *earliest = (*earliest).min(intent.decided_at);
                    }
                }
            }
        }
        let mut agenda = self.store.agenda(i32::MAX as usize)?;
        agenda.retain(|(rank, _)| *rank < HELD);
        let ids: Vec<RecordId> = agenda.iter().map(|(_, id)| *id).collect();
        let may_be_made = |record: &RecordState| {
            let alone = record.entity.0 == record.id.0 && record.written_at.is_none();
            let new = since.get(&record.ty).is_some_and(|since| record.first_seen >= *since);
            alone && (new || asked.contains(&record.id))
        };
        let held: NumberSet<RecordId> =
            self.store.records(&ids)?.into_iter().filter(may_be_made).map(|r| r.id).collect();
        if held.is_empty() {
            return Ok(());
        }
        agenda.retain(|(_, id)| held.contains(id));
        let agenda_added = agenda.iter().map(|(rank, id)| (rank + HELD, *id)).collect();
        Ok(self.store.commit(Commit { agenda_done: agenda, agenda_added, ..Commit::default() })?)
    }

    /// What is held comes back onto the agenda.
    pub(crate) fn release_held(&mut self) -> Result<()> {
        let mut held = self.store.agenda(i32::MAX as usize)?;
        held.retain(|(rank, _)| *rank >= HELD);
        if held.is_empty() {
            return Ok(());
        }
        let agenda_added = held.iter().map(|(rank, id)| (rank - HELD, *id)).collect();
        Ok(self.store.commit(Commit { agenda_done: held, agenda_added, ..Commit::default() })?)
    }

    pub(crate) fn through(&self) -> Vec<ReadThrough> {
        self.status
            .iter()
            .map(|status| ReadThrough { complete: status.complete, from: status.read_from })
            .collect()
    }

    /// The same for a run under way: what can't be read of a record type may be what would be
    /// created there (L8, R8).
    fn through_now(&self, under_way: &Underway) -> Vec<ReadThrough> {
        let mut through = self.through();
        for (at, read) in through.iter_mut().enumerate() {
            read.from = read.from.filter(|_| !under_way.damages.hides_records(TypeIx(at as u16)));
        }
        through
    }

    fn record_decision(
        &mut self,
        under_way: &mut Underway,
        batch: Vec<(u16, RecordId)>,
        mut decision: Decision,
        slice: &Slice,
    ) -> Result<Commit> {
        let now = slice.now;
        let run = slice.run;
        let mut commit = Commit::default();
        if !decision.intents.is_empty() {
            // What is sent together gets consecutive numbers: the store keeps ranges of them.
            // Promises tell intents by their places.
            if decision.promised.is_empty() {
                decision.intents.sort_by_key(|intent| {
                    (intent.ty, intent.rank, intent.kind == IntentKind::Create)
                });
            }
            let first = self.store.take_intent_ids(decision.intents.len())?;
            for (n, intent) in decision.intents.iter_mut().enumerate() {
                intent.id = IntentId(first.0 + n as i64);
            }
        }
        // Found by its match values, as a number below none, until it is there: the record that a
        // creation will make (C2).
        commit.keys_added = decision
            .promised
            .iter()
            .map(|(hash, at)| (*hash, RecordId(-decision.intents[*at].id.0)))
            .collect();
        for finding in &decision.findings {
            under_way.report.found(finding);
        }
        let plan = &self.plan;
        let name = |id: &RecordId| {
            slice.records.get(id).map_or_else(
                || RecordName(format!("record {id}")),
                |r| RecordName::of(plan, r.ty, &r.key),
            )
        };
        for linked in &decision.linked {
            let rule = &plan.rules[linked.rule];
            let flow = plan.flows.iter().position(|f| {
                (f.from, f.to) == (rule.a, rule.b) || (f.from, f.to) == (rule.b, rule.a)
            });
            if let Some(flow) = flow {
                under_way.report.flows[flow].linked += 1;
            }
            commit.journal.push(JournalEntry {
                at: now,
                run,
                kind: JournalKind::Link,
                record: linked.a,
                path: None,
                before: Value::Null,
                after: Value::Null,
                rule: Some(lockstep_model::Rule::L1),
                other: Some(linked.b),
                intent: None,
                text: format!("they match by {}", rule.text),
            });
            let flow =
                flow.map_or_else(String::new, |f| plan.flow_name(lockstep_model::FlowIx(f as u16)));
            under_way.report.event(|| Event::Linked {
                flow,
                a: name(&linked.a),
                b: name(&linked.b),
                by: rule.text.clone(),
            });
        }
        let held: BTreeSet<RecordId> =
            decision.held.iter().filter(|h| comes_by_itself(h.rule)).map(|h| h.record).collect();
        // What waits for a reading (L8) is read in a moment. What waits for a property (C4) or for
        // another record (P8), which may come in this very run, is told at its end.
        for review in decision.reviews_opened.iter().filter(|review| review.kind.needs_a_person()) {
            let (kind, message, rule) =
                (review.kind.name().to_string(), review.message.clone(), review.rule.to_string());
            let ty = slice.records.get(&review.record).map(|record| record.ty);
            let between = |f: &lockstep_engine::plan::PlanFlow| {
                ty == Some(f.from) && review.ty == f.to || ty == Some(f.to) && review.ty == f.from
            };
            let flow = plan
                .flows
                .iter()
                .position(between)
                .or_else(|| plan.flows.iter().position(|f| ty == Some(f.to)));
            if let Some(flow) = flow {
                under_way.report.flows[flow].review += 1;
            }
            let flow =
                flow.map_or_else(String::new, |f| plan.flow_name(lockstep_model::FlowIx(f as u16)));
            under_way.report.event(|| Event::Review {
                flow,
                kind,
                record: name(&review.record),
                message,
                rule,
            });
        }
        let dropped: Vec<&lockstep_model::Intent> = match decision.dropped.is_empty() {
            true => vec![],
            false => {
                let dropped: BTreeSet<IntentId> = decision.dropped.iter().copied().collect();
                slice
                    .intents
                    .values()
                    .flatten()
                    .filter(|intent| dropped.contains(&intent.id))
                    .collect()
            }
        };
        let type_of = |id: RecordId| slice.records.get(&id).map(|record| record.ty);
        self.count_for_guards(under_way, &decision.intents, &dropped, type_of);
        under_way.part.count(plan, &decision.intents, &dropped);
        self.tell_kept(under_way, &decision.kept, name, &mut commit);
        for (id, record) in &decision.confirmed {
            if let Some(intent) = slice.intents.values().flatten().find(|intent| intent.id == *id) {
                let (record, ty) = (intent.source, intent.ty);
                commit.reviews_closed.push(ReviewKey {
                    kind: ReviewKind::UnknownOutcome,
                    record,
                    ty,
                    prop: None,
                });
            }
            commit.intents_changed.push(IntentUpdate {
                id: *id,
                event: IntentEvent::Confirm,
                record: Some(*record),
                attempts: 0,
                not_before: None,
                message: Some("its answer was lost; it had been created".into()),
                done_at: Some(now),
            });
        }
        for id in &decision.dropped {
            commit.intents_changed.push(IntentUpdate {
                id: *id,
                event: IntentEvent::Drop,
                record: None,
                attempts: 0,
                not_before: None,
                message: Some("another decision took its place".into()),
                done_at: Some(now),
            });
        }
        commit.agenda_added.extend(
            batch.iter().filter(|(_, id)| held.contains(id)).map(|(rank, id)| (rank + HELD, *id)),
        );
        commit.agenda_added.extend(
            decision
                .agenda
                .iter()
                .filter_map(|id| slice.records.get(id))
                .map(|r| (plan.ty(r.ty).decide_rank, r.id)),
        );
        commit.agenda_done = batch;
        // What has just been decided is not put back by its own neighbours, except as held.
        let wake: Vec<u64> =
            if plan.has_references() { decision.wake.iter().copied().collect() } else { vec![] };
        commit.changed_records = decision.changed;
        commit.relinked = decision.relinked;
        commit.intents_moved = decision.moved;
        under_way.reviews |= !decision.reviews_opened.is_empty();
        commit.intents_new = decision.intents;
        // Systems are read side by side; what is asked is numbered in the same order whichever
        // answered first.
        commit.reviews_opened = decision.reviews_opened;
        let place = |id: &RecordId| {
            slice.records.get(id).map(|record| (record.ty, record.key.len(), record.key.clone()))
        };
        commit.reviews_opened.sort_by_cached_key(|review| place(&review.record));
        commit.reviews_closed = decision.reviews_closed.iter().map(ReviewKey::of).collect();
        self.wake(&wake, &mut commit)?;
        Ok(commit)
    }

    /// G8: takes records off the agenda that decisions keep putting back, and asks a person about
    /// them: each run comes to an end.
    fn stop_circling(
        &self,
        under_way: &mut Underway,
        turns: &Turns,
        circling: &[RecordId],
        slice: &Slice,
        commit: &mut Commit,
    ) {
        if turns.times.is_empty() {
            return;
        }
        commit.agenda_added.retain(|(rank, id)| *rank >= HELD || !turns.used_up(*id));
        let plan = &self.plan;
        if circling.is_empty() {
            return;
        }
        let mut often: Vec<RecordId> = turns
            .times
            .iter()
            .filter(|(_, times)| **times > TURNS / 2)
            .map(|(id, _)| *id)
            .collect();
        often.sort_unstable();
        often.truncate(11);
        for record in circling.iter().filter_map(|id| slice.records.get(id)) {
            let others: Vec<RecordId> =
                often.iter().copied().filter(|id| *id != record.id).take(10).collect();
            let names: Vec<String> = others
                .iter()
                .filter_map(|id| slice.records.get(id))
                .map(|other| RecordName::of(plan, other.ty, &other.key).0)
                .collect();
            let flows = (0..plan.flows.len() as u16).map(lockstep_model::FlowIx);
            let touches = |flow: &lockstep_model::FlowIx| {
                let flow = &plan.flows[flow.at()];
                flow.from == record.ty || flow.to == record.ty
            };
            let flows: Vec<String> =
                flows.filter(touches).map(|flow| format!("`{}`", plan.flow_name(flow))).collect();
            let with = if names.is_empty() {
                String::new()
            } else {
                format!(", in turns with {}", names.join(", "))
            };
            let message = format!(
                "each decision about it calls for another one{with}. What was decided last stands, and no more is tried \
                 in this run. The cause lies in the flows {}: look for one that creates in dependence on what it creates itself",
                flows.join(", ")
            );
            let review = lockstep_model::Review {
                kind: ReviewKind::Unsettled,
                record: record.id,
                ty: record.ty,
                prop: None,
                rule: lockstep_model::Rule::G8,
                candidates: others,
                value: Value::Null,
                message,
                opened_at: slice.now,
            };
            under_way.reviews = true;
            under_way.report.event(|| Event::Review {
                flow: String::new(),
                kind: review.kind.name().into(),
                record: RecordName::of(plan, record.ty, &record.key),
                message: review.message.clone(),
                rule: review.rule.to_string(),
            });
            commit.reviews_closed.retain(|key| *key != ReviewKey::of(&review));
            commit.reviews_opened.push(review);
        }
    }

    /// P8: what refers to records that have just been linked or created is decided on anew.
    pub(crate) fn wake(&mut self, hashes: &[u64], commit: &mut Commit) -> Result<()> {
        if hashes.is_empty() {
            return Ok(());
        }
        let mut ids: Vec<RecordId> =
            self.store.by_hash(hashes)?.into_iter().map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        let records = self.store.records(&ids)?;
        commit.agenda_added.extend(records.iter().map(|r| (self.plan.ty(r.ty).decide_rank, r.id)));
        Ok(())
    }
}

/// What waits for this is decided by the next reading or the next answer; nobody need be told.
fn comes_by_itself(rule: lockstep_model::Rule) -> bool {
    matches!(rule, lockstep_model::Rule::L8 | lockstep_model::Rule::C2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_what_is_decided_on_without_end_is_stopped_and_what_is_decided_on_often_is_not() {
        // A project of a thousand records in which each is decided on ten times.
        let mut turns = Turns::new(1_000);
        for _ in 0..10 {
            assert!(turns.count((0..1_000_i32).map(|n| RecordId(n.into()))).is_empty());
        }
        assert!(turns.times.is_empty(), "nothing is counted by record in a run that settles");
        // Two records that call for each other, in a store of two.
        let mut turns = Turns::new(2);
        let mut decisions = 0;
        let stopped = loop {
            decisions += 2;
            let circling = turns.count([RecordId(1), RecordId(2)].into_iter());
            if !circling.is_empty() {
                break circling;
            }
            assert!(decisions < 2_000);
        };
        assert_eq!(stopped, [RecordId(1), RecordId(2)]);
        assert!(turns.used_up(RecordId(1)) && !turns.used_up(RecordId(3)));
    }
}
