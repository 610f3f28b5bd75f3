//! A part of a run: the writes of some flows, to some systems, or of the first records only
//! (`--flow`, `--only`, `--first`, `retry`).
//!
//! A part never knows less than a whole run where it decides: every record type on which the writes
//! in question can depend is read to its present end, and deciding sees whole entities, as ever.
//! Only what is sent is limited. What was decided and is not sent waits in the outbox, what was not
//! decided on waits on the agenda; both are in the store, and the next run without such a limit
//! goes on with them. Record types that are not read keep their checkpoints, and nothing is
//! concluded about their records.

use std::collections::{BTreeSet, HashSet};

use lockstep_engine::Plan;
use lockstep_engine::plan::PlanCreate;
use lockstep_model::{
    EntityId, FlowIx, Intent, IntentState, NumberSet, RecordId, Timestamp, TypeIx,
};
use lockstep_store::Commit;
use serde::Serialize;

use crate::decide::HELD;
use crate::run::{Hub, Result, Underway};

/// What of all that is to be written a run writes; all of it where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What these flows write.
    pub flows: Option<BTreeSet<FlowIx>>,
    /// What is written to these systems, by name.
    pub systems: Option<BTreeSet<String>>,
    /// The first records, this many.
    pub first: Option<usize>,
}

impl Part {
    /// Nothing is left out.
    pub fn is_whole(&self) -> bool {
        *self == Part::default()
    }
}

/// What a run was limited to, and what it left for a later one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PartReport {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<usize>,
    /// Writes that are decided and were left for a later run.
    pub writes_left: u64,
    /// Records that were not decided on yet.
    pub records_left: u64,
}

/// What a write is about: the record, or what is created from this source.
type Target = (TypeIx, RecordId, bool);

fn target(intent: &Intent) -> Target {
    (intent.ty, intent.record.unwrap_or(intent.source), intent.record.is_none())
}

/// The part of a run under way.
#[derive(Default)]
pub(crate) struct Portion {
    asked: Part,
    /// What concerns these records only, as a source or as a target.
    records: Option<NumberSet<RecordId>>,
    /// The records of `first` that something was sent for.
    begun: HashSet<Target>,
    /// Those for which something in question is decided and not sent.
    decided: HashSet<Target>,
    /// Records decided on together.
    batch: usize,
}

impl Portion {
    pub(crate) fn new(asked: Part) -> Self {
        let batch = asked.first.unwrap_or(0).max(1);
        Portion { asked, batch, ..Portion::default() }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.asked.is_whole() && self.records.is_none()
    }

    /// From here on only what concerns these records is sent.
    pub(crate) fn limit_to(&mut self, records: NumberSet<RecordId>) {
        self.records = Some(records);
    }

    /// Whether anything may be sent to this record type.
    pub(crate) fn may_write_to(&self, plan: &Plan, ty: TypeIx) -> bool {
        let of_flow = |flow: &FlowIx| {
            let flow = &plan.flows[flow.at()];
            flow.from == ty || flow.to == ty
        };
        self.asked.systems.as_ref().is_none_or(|systems| systems.contains(&plan.ty(ty).name.system))
            && self.asked.flows.as_ref().is_none_or(|flows| flows.iter().any(of_flow))
    }

    /// Whether a write is one of those in question, however many of them may be sent.
    fn is_of_it(&self, plan: &Plan, intent: &Intent) -> bool {
        let is_meant = |records: &NumberSet<RecordId>| {
            records.contains(&intent.source)
                || intent.record.is_some_and(|record| records.contains(&record))
        };
        self.asked.flows.as_ref().is_none_or(|flows| flows.contains(&intent.flow))
            && self
                .asked
                .systems
                .as_ref()
                .is_none_or(|systems| systems.contains(&plan.ty(intent.ty).name.system))
            && self.records.as_ref().is_none_or(is_meant)
    }

    /// Whether a write may be sent now.
    pub(crate) fn may_send(&self, plan: &Plan, intent: &Intent) -> bool {
        let begins =
            |first: usize| self.begun.len() < first || self.begun.contains(&target(intent));
        self.is_of_it(plan, intent) && self.asked.first.is_none_or(begins)
    }

    /// Of a batch that may be sent, the writes that may be sent together: not more records than
    /// asked for.
    pub(crate) fn truncate(&self, intents: &mut Vec<Intent>) {
        let Some(first) = self.asked.first else { return };
        let mut begun = self.begun.clone();
        intents.retain(|intent| {
            let may = begun.contains(&target(intent)) || begun.len() < first;
            if may {
                begun.insert(target(intent));
            }
            may
        });
    }

    /// A write is being sent.
    pub(crate) fn begin(&mut self, intent: &Intent) {
        if self.asked.first.is_some() {
            self.decided.remove(&target(intent));
            self.begun.insert(target(intent));
        }
    }

    /// As many records are decided on as may be written.
    pub(crate) fn has_enough(&self) -> bool {
        self.asked.first.is_some_and(|first| self.begun.union(&self.decided).count() >= first)
    }

    /// Counts what a batch decided.
    pub(crate) fn count(&mut self, plan: &Plan, new: &[Intent], dropped: &[&Intent]) {
        if self.asked.first.is_none() {
            return;
        }
        let before = self.decided.len();
        for intent in dropped {
            self.decided.remove(&target(intent));
        }
        let new: Vec<Target> =
            new.iter().filter(|intent| self.is_of_it(plan, intent)).map(target).collect();
        self.decided.extend(new);
        // Where nothing is found to be written, larger batches cost less.
        if self.decided.len() <= before {
            self.batch = self.batch.saturating_mul(2);
        }
    }

    /// How many records are decided on together, where usually it is `most`.
    pub(crate) fn batch(&self, most: usize) -> usize {
        match self.asked.first {
            None => most,
            Some(_) => self.batch.clamp(1, most),
        }
    }
}

/// The record types on which these depend in any way: what can be in one entity with their records,
/// what they refer to, what refers to them, and their other facets.
fn together_with(plan: &Plan, begin: BTreeSet<TypeIx>) -> BTreeSet<TypeIx> {
    let mut pairs: Vec<(TypeIx, TypeIx)> = Vec::new();
    for flow in &plan.flows {
        pairs.push((flow.from, flow.to));
        if let PlanCreate::ConnectedTo(types) = &flow.create {
            pairs.extend(types.iter().map(|ty| (flow.from, *ty)));
        }
    }
    for (at, ty) in plan.types.iter().enumerate() {
        let at = TypeIx(at as u16);
        pairs.extend(ty.facets.iter().map(|facet| (at, *facet)));
        pairs.extend(ty.props.iter().flat_map(|prop| &prop.refers_to).map(|to| (at, *to)));
    }
    let mut found = begin;
    loop {
        let before = found.len();
        for (a, b) in &pairs {
            if found.contains(a) || found.contains(b) {
                found.extend([*a, *b]);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

impl Hub {
    /// The record types that must be read for a part.
    pub(crate) fn types_for(&self, part: &Part) -> BTreeSet<TypeIx> {
        let portion = Portion::new(part.clone());
        together_with(
            &self.plan,
            self.types().filter(|ty| portion.may_write_to(&self.plan, *ty)).collect(),
        )
    }

    /// Whether a system has nothing to do with a part.
    pub(crate) fn leaves_out(&self, under_way: &Underway, system: usize) -> bool {
        let part = &under_way.part.asked;
        !part.is_whole() && !self.types_for(part).iter().any(|ty| self.system_of(*ty) == system)
    }

    /// Where not everything is decided on: records with writes that wait, and about which something
    /// new is known since, and what waits to be created. These are decided on first, so that
    /// nothing is sent that was decided on less than is known: a later edit wins (P1), and what
    /// somebody has created meanwhile is linked (L8).
    pub(crate) fn decided_on_less(
        &mut self,
        under_way: &mut Underway,
    ) -> Result<NumberSet<RecordId>> {
        if under_way.part.asked.first.is_none() {
            return Ok(NumberSet::default());
        }
        let queued = self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
        let now = self.clock.now();
        let is_due = |intent: &&Intent| intent.not_before.is_none_or(|due| due <= now);
        let of_it = queued
            .iter()
            .filter(|intent| under_way.part.is_of_it(&self.plan, intent))
            .filter(is_due)
            .map(target);
        let of_it: HashSet<Target> = of_it.collect();
        under_way.part.decided = of_it;
        let is_creation = |intent: &&Intent| {
            intent.record.is_none() && under_way.part.is_of_it(&self.plan, intent)
        };
        let sources: Vec<RecordId> =
            queued.iter().filter(is_creation).map(|intent| intent.source).collect();
        let sources = self.store.records(&sources)?;
        let mut commit = Commit::default();
        self.decide_on(sources.iter(), &mut commit)?;
        self.store.commit(commit)?;
        let mut entities: Vec<EntityId> = queued.iter().map(|intent| intent.entity).collect();
        entities.sort_unstable();
        entities.dedup();
        let mut found = NumberSet::default();
        for some in entities.chunks(10_000) {
            let members: Vec<RecordId> =
                self.store.members(some)?.iter().map(|member| member.id).collect();
            let open = self.store.on_agenda(&members)?;
            found.extend(open.into_iter().filter(|(rank, _)| *rank < HELD).map(|(_, id)| id));
        }
        Ok(found)
    }

    /// The head of the agenda: what is `urgent` first, as long as any of it is to be decided on.
    pub(crate) fn ahead(
        &mut self,
        urgent: &mut NumberSet<RecordId>,
        most: usize,
    ) -> Result<Vec<(u16, RecordId)>> {
        if !urgent.is_empty() {
            let mut batch = self.store.agenda(i32::MAX as usize)?;
            batch.retain(|(rank, id)| *rank < HELD && urgent.contains(id));
            batch.truncate(most);
            if !batch.is_empty() {
                return Ok(batch);
            }
            urgent.clear();
        }
        Ok(self.store.agenda(most)?)
    }

    /// The head of the outbox: up to `limit` writes that are due and may be sent in this run.
    pub(crate) fn may_be_sent(
        &mut self,
        under_way: &Underway,
        due: Timestamp,
        types: &[TypeIx],
        limit: usize,
    ) -> Result<Vec<Intent>> {
        let mut asked = limit + under_way.not_to_send();
        loop {
            let mut found = self.store.outbox(due, types, asked)?;
            let ends = found.len() < asked || under_way.part.is_whole();
            found.retain(|intent| {
                under_way.may_send(intent.id) && under_way.part.may_send(&self.plan, intent)
            });
            if ends || found.len() >= limit {
                return Ok(found);
            }
            asked = asked.saturating_mul(2);
        }
    }

    /// What a part was limited to, and what it leaves.
    pub(crate) fn tell_part(&mut self, under_way: &Underway) -> Result<Option<PartReport>> {
        let part = &under_way.part.asked;
        if part.is_whole() {
            return Ok(None);
        }
        let queued = self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
        let left =
            |intent: &&Intent| intent.attempts == 0 && !under_way.part.may_send(&self.plan, intent);
        let flows = part.flows.iter().flatten().map(|flow| self.plan.flow_name(*flow)).collect();
        Ok(Some(PartReport {
            flows,
            systems: part.systems.iter().flatten().cloned().collect(),
            first: part.first,
            writes_left: queued.iter().filter(left).count() as u64,
            records_left: self.not_decided()?.len() as u64,
        }))
    }

    /// Records that are known and not decided on yet.
    pub(crate) fn not_decided(&mut self) -> Result<Vec<RecordId>> {
        let mut agenda = self.store.agenda(i32::MAX as usize)?;
        agenda.retain(|(rank, _)| *rank < HELD);
        Ok(agenda.into_iter().map(|(_, id)| id).collect())
    }

    /// Record types that have not been through a whole run by this one: not read, or with something
    /// left to be decided or written.
    pub(crate) fn not_whole(&mut self, under_way: &Underway) -> Result<BTreeSet<TypeIx>> {
        if under_way.part.is_whole() {
            return Ok(BTreeSet::new());
        }
        let read = self.types_for(&under_way.part.asked);
        let mut not_whole: BTreeSet<TypeIx> =
            self.types().filter(|ty| !read.contains(ty)).collect();
        let mut sources = self.not_decided()?;
        for intent in self.store.intents_in(IntentState::Queued, usize::MAX >> 1)? {
            not_whole.insert(intent.ty);
            sources.push(intent.source);
        }
        sources.sort_unstable();
        sources.dedup();
        for some in sources.chunks(10_000) {
            not_whole.extend(self.store.records(some)?.iter().map(|record| record.ty));
        }
        Ok(not_whole)
    }
}
