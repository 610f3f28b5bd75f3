//! A decision of the engine, as a commit.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::keys::rekey;
use lockstep_engine::plan::PlanFlow;
use lockstep_engine::{Decision, Plan, Slice};
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::LinkedBy;
use lockstep_model::flow::Extra;
use lockstep_model::{
    EntityId, FlowIx, Intent, IntentId, IntentKind, NumberSet, RecordId, RecordState, Review,
    ReviewKind, Rule, Value,
};
use lockstep_store::{AgendaEntry, Commit, IntentUpdate, JournalEntry, JournalKind, ReviewKey};

use crate::deciding::decider::Decider;
use crate::error::{HubError, Result};
use crate::ledger::journal::step;
use crate::recover::unanswered;
use crate::remedies::of_review;
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
    /// One rank at a time: what decides whether others are created is decided and recorded first
    /// (C5). Whether this is to be recorded before what has that rank is decided on.
    pub(crate) fn comes_before(&self, rank: Option<u16>) -> bool {
        rank != Some(self.rank) || self.commit.agenda_added.iter().any(|entry| !entry.held)
    }

    /// Leaves out of a slice, loaded before this was recorded, and of its batch what it does not
    /// know rightly. Gives whether there is such a thing.
    pub(crate) fn leave_out_unknown(
        &self,
        slice: &mut Slice,
        batch: &mut Vec<AgendaEntry>,
    ) -> bool {
        let unknown = self.unknown_to(slice);
        if unknown.is_empty() {
            return false;
        }
        slice.focus.retain(|id| {
            slice.records.get(id).is_none_or(|record| !unknown.contains(&record.entity))
        });
        let left: NumberSet<RecordId> = slice.focus.iter().copied().collect();
        batch.retain(|entry| left.contains(&entry.record));
        true
    }

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

impl Decider<'_> {
    /// A decision of the engine, as what is to be recorded; tells what it decided.
    pub(crate) fn record_decision(
        &mut self,
        under_way: &mut Underway,
        batch: Vec<AgendaEntry>,
        mut decision: Decision,
        slice: &Slice,
    ) -> Result<Commit> {
        let mut commit = Commit::default();
        self.number_intents(&mut decision)?;
        // C2: the record that a creation will make is found by its match values before it exists.
        commit.promises_added =
            decision.promised.iter().map(|(hash, at)| (*hash, decision.intents[*at].id)).collect();
        for finding in &decision.findings {
            under_way.report.found(finding);
        }
        self.tell_links(under_way, &decision, slice, &mut commit);
        self.tell_reviews(under_way, &decision, slice);
        self.count_intents(under_way, &decision, slice);
        let name = |id: &RecordId| name_in(&self.ledger.plan, slice, id);
        let ceased = |id: &RecordId| slice.records.get(id).is_some_and(RecordState::is_live);
        self.ledger.tell_kept(under_way, &decision.kept, (name, ceased), &mut commit);
        settle_intents(&decision, slice, &mut commit)?;
        hold_back(under_way, &decision, slice);
        self.fill_agenda(batch, &decision, slice, &mut commit);
        // What has just been decided is not put back by its own neighbours, except as held.
        let wake: Vec<u64> = match self.ledger.plan.has_references() {
            true => decision.wake.iter().copied().collect(),
            false => vec![],
        };
        for (id, before) in &decision.followed {
            let (added, removed) = (&mut commit.keys_added, &mut commit.keys_removed);
            rekey(&self.ledger.plan, &slice.records[id], before, added, removed);
        }
        commit.changed_records = decision.changed;
        commit.relinked = decision.relinked;
        commit.intents_moved = decision.moved;
        under_way.reviews |= !decision.reviews_opened.is_empty();
        commit.intents_new = decision.intents;
        // Systems are read side by side; what is asked is numbered in the same order whichever
        // answered first.
        commit.reviews_opened = decision.reviews_opened;
        let place = |review: &Review| {
            let record = slice.asked_about(review);
            record.map(|record| (record.ty, record.key.len(), record.key.clone()))
        };
        commit.reviews_opened.sort_by_cached_key(place);
        self.ledger.wake(&wake, &mut commit)?;
        Ok(commit)
    }

    /// Gives the new intents their numbers.
    fn number_intents(&mut self, decision: &mut Decision) -> Result<()> {
        if decision.intents.is_empty() {
            return Ok(());
        }
        // What is sent together gets consecutive numbers: the store keeps ranges of them. Promises
        // tell intents by their places.
        if decision.promised.is_empty() {
            decision
                .intents
                .sort_by_key(|intent| (intent.ty, intent.rank, intent.kind == IntentKind::Create));
        }
        let first = self.ledger.store.take_intent_ids(decision.intents.len())?;
        for (n, intent) in decision.intents.iter_mut().enumerate() {
            intent.id = IntentId(first.0 + n as i64);
        }
        Ok(())
    }

    fn tell_links(
        &self,
        under_way: &mut Underway,
        decision: &Decision,
        slice: &Slice,
        commit: &mut Commit,
    ) {
        let plan = &self.ledger.plan;
        for linked in &decision.linked {
            let rule = &plan.rules[linked.rule];
            let flow = plan.flows.iter().position(|f| {
                (f.from, f.to) == (rule.a, rule.b) || (f.from, f.to) == (rule.b, rule.a)
            });
            if let Some(flow) = flow {
                under_way.report.flows[flow].linked += 1;
            }
            let by = LinkedBy::Match { by: rule.text.clone() };
            commit.journal.push(JournalEntry {
                at: slice.now,
                run: slice.run,
                kind: JournalKind::Link,
                about: linked.a.into(),
                path: None,
                before: Value::Null,
                after: Value::Null,
                rule: Some(Rule::L1),
                other: Some(linked.b),
                intent: None,
                detail: by.clone().into(),
            });
            under_way.report.event(|| Event::Linked {
                flow: flow_name(plan, flow),
                a: name_in(plan, slice, &linked.a),
                b: name_in(plan, slice, &linked.b),
                by,
            });
        }
    }

    /// What waits for a reading (L8) is read in a moment. What waits for a property (C4) or for
    /// another record (P8), which may come in this very run, is told at its end.
    fn tell_reviews(&self, under_way: &mut Underway, decision: &Decision, slice: &Slice) {
        let plan = &self.ledger.plan;
        for review in decision.reviews_opened.iter().filter(|review| review.kind.needs_a_person()) {
            let ty = slice.asked_about(review).map(|record| record.ty);
            let between = |f: &PlanFlow| {
                ty == Some(f.from) && review.ty == f.to || ty == Some(f.to) && review.ty == f.from
            };
            let flow = plan
                .flows
                .iter()
                .position(between)
                .or_else(|| {
                    let mirrors = |f: &PlanFlow| f.extra != Extra::Ignore && ty == Some(f.to);
                    plan.flows.iter().position(mirrors)
                })
                .or_else(|| plan.flows.iter().position(|f| ty == Some(f.to)));
            if let Some(flow) = flow {
                under_way.report.flows[flow].review += 1;
            }
            under_way.report.event(|| {
                let remedies = of_review(plan, review, |id| slice.records.get(&id));
                let record = review.about.record();
                let name = record
                    .map_or_else(|| RecordName(String::new()), |id| name_in(plan, slice, &id));
                Event::asked(flow_name(plan, flow), name, review, remedies)
            });
        }
    }

    /// Counts what is to be written for the guards (G2), and for a run that writes a part only.
    fn count_intents(&self, under_way: &mut Underway, decision: &Decision, slice: &Slice) {
        let dropped: Vec<&Intent> = match decision.dropped.is_empty() {
            true => vec![],
            false => {
                let dropped: BTreeSet<IntentId> = decision.dropped.iter().copied().collect();
                let all = slice.intents.values().flatten();
                all.filter(|intent| dropped.contains(&intent.id)).collect()
            }
        };
        let type_of = |id: RecordId| slice.records.get(&id).map(|record| record.ty);
        self.ledger.count_for_guards(under_way, &decision.intents, &dropped, type_of);
        under_way.part.count(&self.ledger.plan, &decision.intents, &dropped);
    }

    fn fill_agenda(
        &self,
        batch: Vec<AgendaEntry>,
        decision: &Decision,
        slice: &Slice,
        commit: &mut Commit,
    ) {
        let held = decision.held.iter().filter(|held| held.comes_by_itself());
        let held: BTreeSet<RecordId> = held.map(|held| held.record).collect();
        let held = batch.iter().filter(|entry| held.contains(&entry.record));
        commit.agenda_added.extend(held.map(|entry| entry.to_hold()));
        // Each run decides on these again before it sends anything.
        let tried = decision.held_back.iter().filter_map(|(_, id)| slice.records.get(id.as_ref()?));
        let entry = |record: &RecordState| {
            AgendaEntry::new(self.ledger.plan.ty(record.ty).decide_rank, record.id)
        };
        commit.agenda_added.extend(tried.map(|record| entry(record).to_hold()));
        let extra = decision.extra_held.iter().filter_map(|id| slice.records.get(id));
        commit.agenda_added.extend(extra.map(|record| entry(record).to_hold()));
        let anew = decision.agenda.iter().filter_map(|id| slice.records.get(id));
        commit.agenda_added.extend(anew.map(entry));
        commit.agenda_done = batch;
    }
}

/// What became of intents that were open: they had been done after all, or are not needed. Closes the
/// questions that are settled.
fn settle_intents(decision: &Decision, slice: &Slice, commit: &mut Commit) -> Result<()> {
    commit.reviews_closed.extend(decision.reviews_closed.iter().map(ReviewKey::of));
    if decision.confirmed.is_empty() && decision.dropped.is_empty() {
        return Ok(());
    }
    let open = slice.intents.values().flatten().map(|intent| (intent.id, intent));
    let open: BTreeMap<IntentId, &Intent> = open.collect();
    let find = |id: IntentId| {
        let why = || "it is not among the open writes that were decided on".to_string();
        open.get(&id).copied().ok_or_else(|| HubError::IllegalStep { intent: id, why: why() })
    };
    for (id, record) in &decision.confirmed {
        let intent = find(*id)?;
        // Which record it made need not be asked any more, whether a candidate or another.
        commit.reviews_closed.push(ReviewKey {
            kind: ReviewKind::UnknownOutcome,
            about: intent.subject().into(),
            ty: intent.ty,
            prop: None,
        });
        let message = format!("{}; it had been created", unanswered(intent));
        let done = step(intent, IntentEvent::Confirm, slice.now, Some(message))?;
        commit.intents_changed.push(IntentUpdate { record: Some(*record), attempts: 0, ..done });
    }
    for id in &decision.dropped {
        let message = "another decision took its place".to_string();
        let dropped = step(find(*id)?, IntentEvent::Drop, slice.now, Some(message))?;
        commit.intents_changed.push(IntentUpdate { record: None, attempts: 0, ..dropped });
    }
    Ok(())
}

fn name_in(plan: &Plan, slice: &Slice, id: &RecordId) -> RecordName {
    match slice.records.get(id) {
        Some(record) => RecordName::of(plan, record.ty, &record.key),
        None => RecordName(format!("record {id}")),
    }
}

fn flow_name(plan: &Plan, flow: Option<usize>) -> String {
    flow.map_or_else(String::new, |flow| plan.flow_name(FlowIx(flow as u16)))
}

/// G4: creations that were tried and are held now wait with what is known of their tries.
fn hold_back(under_way: &mut Underway, decision: &Decision, slice: &Slice) {
    if !under_way.held.is_empty() {
        for record in slice.focus.iter().filter_map(|id| slice.records.get(id)) {
            for intent in slice.intents_of(record.entity) {
                under_way.held.remove(&intent.id);
            }
        }
    }
    under_way.held.extend(decision.held_back.iter().map(|(id, _)| *id));
}

#[cfg(test)]
mod tests {
    use lockstep_model::{IntentState, RunId, Timestamp, TypeIx};

    use super::*;

    #[test]
    fn c2_which_record_a_creation_made_is_not_asked_once_it_is_linked_by_its_match_key() {
        let creation = Intent {
            id: IntentId(7),
            run: RunId(1),
            kind: IntentKind::Create,
            rank: 0,
            ty: TypeIx(1),
            record: None,
            entity: EntityId(3),
            source: RecordId(3).into(),
            flow: FlowIx(0),
            base_version: None.into(),
            changes: vec![],
            state: IntentState::Unknown,
            attempts: 1,
            not_before: None,
            message: None,
            decided_at: Timestamp(5),
            done_at: None,
        };
        let mut slice = Slice::new(Timestamp(9), RunId(2), vec![], Default::default(), vec![]);
        slice.intents.entry(creation.entity).or_default().push(creation);
        // It was asked about other records than the one that it is linked with now, so that the
        // engine closes no question by itself.
        let decision =
            Decision { confirmed: vec![(IntentId(7), RecordId(8))], ..Decision::default() };
        let mut commit = Commit::default();
        settle_intents(&decision, &slice, &mut commit).unwrap();
        let asked = ReviewKey {
            kind: ReviewKind::UnknownOutcome,
            about: RecordId(3).into(),
            ty: TypeIx(1),
            prop: None,
        };
        assert_eq!(commit.reviews_closed, [asked]);
        let update = &commit.intents_changed[0];
        assert_eq!((update.event, update.record), (IntentEvent::Confirm, Some(RecordId(8))));
    }
}
