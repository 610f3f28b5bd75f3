//! What a part of a run reads, decides on and sends.

use std::collections::{BTreeSet, HashSet};

use lockstep_model::{EntityId, Intent, IntentState, NumberSet, RecordId, Timestamp, TypeIx};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::part::{Part, PartReport, Portion, Target, target, together_with};
use crate::under_way::Underway;

impl Ledger {
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
            queued.iter().filter(is_creation).filter_map(|one| one.source.record()).collect();
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
            found.extend(open.into_iter().filter(|entry| !entry.held).map(|entry| entry.record));
        }
        Ok(found)
    }

    /// The head of the agenda: what is `urgent` first, as long as any of it is to be decided on.
    pub(crate) fn ahead(
        &mut self,
        urgent: &mut NumberSet<RecordId>,
        most: usize,
    ) -> Result<Vec<AgendaEntry>> {
        if !urgent.is_empty() {
            let mut batch = self.store.agenda(i32::MAX as usize)?;
            batch.retain(|entry| !entry.held && urgent.contains(&entry.record));
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
        agenda.retain(|entry| !entry.held);
        Ok(agenda.into_iter().map(|entry| entry.record).collect())
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
            sources.extend(intent.source.record());
        }
        sources.sort_unstable();
        sources.dedup();
        for some in sources.chunks(10_000) {
            not_whole.extend(self.store.records(some)?.iter().map(|record| record.ty));
        }
        Ok(not_whole)
    }
}
