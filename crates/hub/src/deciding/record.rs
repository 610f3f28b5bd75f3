//! A decision of the engine, as a commit.

use std::collections::BTreeSet;

use lockstep_engine::{Decision, Slice};
use lockstep_model::change::IntentEvent;
use lockstep_model::{
    EntityId, IntentId, IntentKind, NumberMap, NumberSet, RecordId, ReviewKind, Value,
};
use lockstep_store::{Commit, IntentUpdate, JournalEntry, JournalKind, ReviewKey};

use crate::deciding::Decider;
use crate::error::Result;
use crate::ledger::agenda::HELD;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

/// A batch that has been decided on and is still to be recorded, and the entities that this is
/// about.
pub(crate) struct Decided {
    pub(crate) rank: u16,
    pub(crate) batch: NumberSet<RecordId>,
    pub(crate) commit: Commit,
    pub(crate) entities: NumberSet<EntityId>,
    /// What it was decided on; let go of beside the recording.
    pub(crate) slice: Slice,
}

impl Decided {
    /// The entities of a slice, loaded before this was recorded, of which the slice does not say
    /// what is true; with all those that share a match key with them.
    pub(crate) fn unknown_to(&self, slice: &Slice) -> NumberSet<EntityId> {
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
pub(crate) struct Turns {
    pub(crate) decided: u64,
    pub(crate) budget: u64,
    pub(crate) times: NumberMap<RecordId, u32>,
}

impl Turns {
    pub(crate) fn new(records: u64) -> Self {
        Turns { decided: 0, budget: 10 * records + 1_000, times: NumberMap::default() }
    }

    /// Counts a batch. Gives the records in it that have just used up their turns.
    pub(crate) fn count(
        &mut self,
        batch: impl ExactSizeIterator<Item = RecordId>,
    ) -> Vec<RecordId> {
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

    pub(crate) fn used_up(&self, id: RecordId) -> bool {
        self.times.get(&id).is_some_and(|times| *times >= TURNS)
    }
}

impl Decider<'_> {
    pub(crate) fn record_decision(
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
            let first = self.ledger.store.take_intent_ids(decision.intents.len())?;
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
        let plan = &self.ledger.plan;
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
        self.ledger.count_for_guards(under_way, &decision.intents, &dropped, type_of);
        under_way.part.count(plan, &decision.intents, &dropped);
        self.ledger.tell_kept(under_way, &decision.kept, name, &mut commit);
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
        self.ledger.wake(&wake, &mut commit)?;
        Ok(commit)
    }

    /// G8: takes records off the agenda that decisions keep putting back, and asks a person about
    /// them: each run comes to an end.
    pub(crate) fn stop_circling(
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
        let plan = &self.ledger.plan;
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
