//! What happens to a record through one of its facets happens to all of them (F1, F3): they are the
//! same record.

use std::collections::{BTreeMap, HashMap};

use lockstep_engine::keys::{hashes, rekey};
use lockstep_engine::observe::{mark_gone, read_as, retired_key};
use lockstep_engine::{Plan, confirm, facets};
use lockstep_model::detail::Wrote;
use lockstep_model::value::same;
use lockstep_model::{
    EntityId, Intent, IntentKind, IntentState, NumberMap, Presence, ReadRecord, RecordId,
    RecordState, Rule, RunId, TypeIx, Value,
};
use lockstep_store::{AgendaEntry, Commit, JournalEntry, JournalKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::outcome::Before;

/// Values by the places of their properties.
type Values = [(usize, Value)];

impl Ledger {
    /// Whether a record type is a facet beside others of its collection.
    pub(crate) fn has_facets(&self, ty: TypeIx) -> bool {
        !self.plan.ty(ty).facets.is_empty()
    }

    /// F1: remembers a record that was made with all its facets, each linked with the facet of the
    /// source record that it was made from.
    pub(crate) fn facets_made(
        &mut self,
        intent: &Intent,
        state: &RecordState,
        answer: &ReadRecord,
        sent: &[(usize, Value)],
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.clock.now();
        let known = self.other_facets(state)?;
        let partners = self.partners_of_facets(intent, commit)?;
        for ty in self.plan.ty(state.ty).facets.clone() {
            match known.iter().find(|facet| facet.ty == ty) {
                // It was read before the answer came: F2 links it.
                Some(facet) => self.facet_found(intent, facet, commit)?,
                None => {
                    let id = self.store.take_record_ids(1)?;
                    let entity = partners.get(&ty).copied().unwrap_or(EntityId(id.0));
                    let of_facet = Intent { ty, entity, ..intent.clone() };
                    let (facet, _) =
                        confirm::created(&self.plan, &of_facet, id, answer.clone(), sent, now);
                    self.add_facet(facet, commit);
                }
            }
        }
        Ok(())
    }

    /// C2, F1: a record that a creation made whose answer was lost, and that has been read as one
    /// of its facets, `found`: what was sent is nobody's edit in its other facets either, whether
    /// they have been read already or not.
    pub(crate) fn facets_found(
        &mut self,
        intent: &Intent,
        found: &RecordState,
        commit: &mut Commit,
    ) -> Result<()> {
        if !self.has_facets(intent.ty) {
            return Ok(());
        }
        let known = self.other_facets(found)?;
        let partners = self.partners_of_facets(intent, commit)?;
        for ty in self.plan.ty(found.ty).facets.clone() {
            match known.iter().find(|facet| facet.ty == ty) {
                Some(facet) => self.facet_found(intent, facet, commit)?,
                None => {
                    let id = self.store.take_record_ids(1)?;
                    let mut facet = self.found_again(intent, read_as(&self.plan, found, ty, id))?;
                    facet.entity = partners.get(&ty).copied().unwrap_or(facet.entity);
                    self.add_facet(facet, commit);
                }
            }
        }
        Ok(())
    }

    /// C2, F1: records that are read as a facet for the first time after Lockstep has made them by
    /// way of another: what it sent is nobody's edit.
    pub(crate) fn facets_made_before(&mut self, ty: TypeIx, new: &mut [RecordState]) -> Result<()> {
        if !self.has_facets(ty) {
            return Ok(());
        }
        for facet in new {
            for other in
                self.other_facets(facet)?.into_iter().filter(|other| other.written_at.is_some())
            {
                let made = |intent: &&Intent| {
                    intent.kind == IntentKind::Create
                        && intent.state == IntentState::Done
                        && intent.record == Some(other.id)
                };
                let intents = self.store.intents_of(&[other.id], usize::MAX >> 1)?;
                if let Some(intent) = intents.iter().find(made) {
                    *facet = self.found_again(intent, facet.clone())?;
                }
            }
        }
        Ok(())
    }

    /// A facet that has been read as a new record, and was made by a creation.
    fn facet_found(
        &mut self,
        intent: &Intent,
        facet: &RecordState,
        commit: &mut Commit,
    ) -> Result<()> {
        if facet.written_at.is_none() && facet.first_seen >= intent.decided_at {
            commit.changed_records.push(self.found_again(intent, facet.clone())?);
        }
        commit.agenda_added.push(AgendaEntry::new(self.plan.ty(facet.ty).decide_rank, facet.id));
        Ok(())
    }

    fn add_facet(&mut self, facet: RecordState, commit: &mut Commit) {
        if facet.is_live() {
            commit
                .keys_added
                .extend(hashes(&self.plan, &facet).into_iter().map(|hash| (hash, facet.id)));
            self.status[facet.ty.at()].records += 1;
        }
        commit.agenda_added.push(AgendaEntry::new(self.plan.ty(facet.ty).decide_rank, facet.id));
        commit.new_records.push(facet);
    }

    /// F2: the entities into which the other facets of a record come that is made by this creation:
    /// those of the other facets of its source, where they lack one.
    fn partners_of_facets(
        &mut self,
        intent: &Intent,
        commit: &mut Commit,
    ) -> Result<BTreeMap<TypeIx, EntityId>> {
        let mut partners = BTreeMap::new();
        let Some(source) = self.store.records(intent.source.record().as_slice())?.pop() else {
            return Ok(partners);
        };
        let all = self.plan.ty(intent.ty).facets.clone();
        for mine in self.other_facets(&source)?.into_iter().filter(RecordState::is_live) {
            let Some(theirs) =
                all.iter().find(|theirs| self.plan.facet_rule(mine.ty, **theirs).is_some())
            else {
                continue;
            };
            let taken = |member: &RecordState| member.ty == *theirs && member.is_live();
            if !self.store.members(&[mine.entity])?.iter().any(taken) {
                partners.insert(*theirs, mine.entity);
            }
            commit.agenda_added.push(AgendaEntry::new(self.plan.ty(mine.ty).decide_rank, mine.id));
        }
        Ok(partners)
    }

    /// F3: what was written through one facet is Lockstep's own in the others, too.
    pub(crate) fn facets_written(
        &mut self,
        run: RunId,
        intent: &Intent,
        state: &RecordState,
        answer: &ReadRecord,
        sent: &[(usize, Value)],
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.clock.now();
        self.facets_changed(run, intent, state, sent, commit, |plan, facet| {
            facets::written(plan, facet, intent, answer.clone(), sent, now);
        })
    }

    /// F3, C2: the same for a write whose answer was lost, by what the record shows.
    pub(crate) fn facets_landed(
        &mut self,
        run: RunId,
        intent: &Intent,
        state: &RecordState,
        shown: &[Option<Value>],
        (sent, own): (&Values, &Values),
        commit: &mut Commit,
    ) -> Result<()> {
        self.facets_changed(run, intent, state, own, commit, |plan, facet| {
            facets::landed(plan, facet, intent, shown, sent)
        })
    }

    fn facets_changed(
        &mut self,
        run: RunId,
        intent: &Intent,
        state: &RecordState,
        sent: &[(usize, Value)],
        commit: &mut Commit,
        change: impl Fn(&Plan, &mut RecordState),
    ) -> Result<()> {
        let now = self.clock.now();
        for mut facet in self.other_facets(state)?.into_iter().filter(RecordState::is_live) {
            let before = Before::of(&self.plan, &facet, intent);
            change(&self.plan, &mut facet);
            let after = Before::of(&self.plan, &facet, intent);
            rekey(
                &self.plan,
                &facet,
                &before.hashes,
                &mut commit.keys_added,
                &mut commit.keys_removed,
            );
            commit
                .agenda_added
                .push(AgendaEntry::new(self.plan.ty(facet.ty).decide_rank, facet.id));
            for ((change, before), after) in
                intent.changes.iter().zip(before.shown).zip(after.shown)
            {
                let prop = self.plan.prop(facet.ty, change.prop);
                if !prop.paired || !sent.iter().any(|(prop, _)| *prop == change.prop.at()) {
                    continue;
                }
                // P7: what it held is known of each facet that has rows about it.
                commit.journal.push(JournalEntry {
                    at: now,
                    run,
                    kind: JournalKind::Note,
                    about: facet.id.into(),
                    path: Some(prop.name.clone()),
                    before,
                    after,
                    rule: Some(Rule::F3),
                    other: Some(state.id),
                    intent: None,
                    detail: Wrote::Through { of: self.plan.ty(state.ty).name.to_string() }.into(),
                });
            }
            // Several writes of one batch may be about the same record.
            commit.changed_records.retain(|known| known.id != facet.id);
            commit.changed_records.push(facet);
        }
        Ok(())
    }

    /// P5a: the answer to a write through one facet was lost. What is read of the others meanwhile
    /// may be from before it, or be what it did.
    pub(crate) fn facets_not_known(
        &mut self,
        state: &RecordState,
        commit: &mut Commit,
    ) -> Result<()> {
        for mut facet in self.other_facets(state)?.into_iter().filter(RecordState::is_live) {
            facet.written_at = state.written_at;
            commit.changed_records.push(facet);
        }
        Ok(())
    }

    /// Of the writes whose answer was lost, those through other facets of records of this type, by
    /// the record's key.
    pub(crate) fn unanswered_beside(
        &mut self,
        ty: TypeIx,
        unanswered: &HashMap<RecordId, Vec<Intent>>,
    ) -> Result<HashMap<String, Vec<Intent>>> {
        let facets = &self.plan.ty(ty).facets;
        let theirs: Vec<_> =
            unanswered.iter().filter(|(_, intents)| facets.contains(&intents[0].ty)).collect();
        if theirs.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<RecordId> = theirs.iter().map(|(id, _)| **id).collect();
        let keys: NumberMap<RecordId, String> = self.store.keys_of(&ids)?.into_iter().collect();
        let mut found: HashMap<String, Vec<Intent>> = HashMap::new();
        for (id, intents) in theirs {
            if let Some(key) = keys.get(id) {
                found.entry(key.clone()).or_default().extend(intents.iter().cloned());
            }
        }
        Ok(found)
    }

    /// F1, F3: a record that is gone is gone with all its facets.
    pub(crate) fn facets_gone(
        &mut self,
        gone: Option<RecordId>,
        commit: &mut Commit,
    ) -> Result<()> {
        let Some(gone) = gone.filter(|_| self.plan.has_facets) else { return Ok(()) };
        let Some(state) = self.store.records(&[gone])?.pop() else { return Ok(()) };
        for facet in self.other_facets(&state)?.into_iter().filter(RecordState::is_live) {
            self.facet_gone(facet, None, commit);
        }
        Ok(())
    }

    /// F1: a record that was merged into another, or deleted by hand, is so with all its facets: no
    /// flow passes that on.
    pub(crate) fn facets_ended(&mut self, state: &RecordState, commit: &mut Commit) -> Result<()> {
        if !self.plan.has_facets {
            return Ok(());
        }
        for facet in self.other_facets(state)?.into_iter().filter(RecordState::is_live) {
            self.facet_gone(facet, Some(Presence::Gone), commit);
        }
        Ok(())
    }

    /// R9: a key that belongs to another record now does so for all facets. The key is the one that
    /// they had.
    pub(crate) fn facets_retired(
        &mut self,
        ty: TypeIx,
        key: &str,
        commit: &mut Commit,
    ) -> Result<()> {
        for ty in self.plan.ty(ty).facets.clone() {
            for facet in self.store.by_key(ty, &[key])? {
                commit.rekeyed.push((facet.id, retired_key(&facet)));
                if facet.is_live() {
                    self.facet_gone(facet, None, commit);
                }
            }
        }
        Ok(())
    }

    /// What is concluded of both facets at the same time is concluded once.
    fn facet_gone(
        &mut self,
        mut facet: RecordState,
        presence: Option<Presence>,
        commit: &mut Commit,
    ) {
        if commit.changed_records.iter().any(|told| told.id == facet.id && !told.is_live()) {
            return;
        }
        let seen = self.status[facet.ty.at()].read_from;
        commit.keys_removed.extend(mark_gone(&self.plan, &mut facet, seen));
        facet.presence = presence.unwrap_or(facet.presence);
        commit.agenda_added.push(AgendaEntry::new(self.plan.ty(facet.ty).decide_rank, facet.id));
        let status = &mut self.status[facet.ty.at()];
        status.records = status.records.saturating_sub(1);
        commit.changed_records.push(facet);
    }

    /// The version that a record has since Lockstep wrote to it through another facet, and an
    /// intent without what that write has done already: the decision on it did not know of that
    /// write.
    pub(crate) fn with_other_facets(
        &self,
        intent: &mut Intent,
        known: &NumberMap<RecordId, RecordState>,
    ) {
        let Some(state) = intent.record.and_then(|id| known.get(&id)) else { return };
        if intent.version() == state.version.as_ref() {
            return;
        }
        intent.base_version = state.version.clone().into();
        intent.changes.retain(|change| {
            let prop = self.plan.prop(state.ty, change.prop);
            change.counterpart_of.is_some()
                || !same(prop.terms(), &change.value, state.slot(change.prop).value(prop.whole))
        });
    }

    pub(crate) fn other_facets(&mut self, state: &RecordState) -> Result<Vec<RecordState>> {
        let mut found = Vec::new();
        for facet in self.plan.ty(state.ty).facets.clone() {
            found.extend(self.store.by_key(facet, &[&state.key])?);
        }
        Ok(found)
    }

    pub(crate) fn found_again(
        &mut self,
        intent: &Intent,
        mut record: RecordState,
    ) -> Result<RecordState> {
        let (sent, presence) = (self.sent(intent)?, record.presence);
        confirm::found_again(&self.plan, &mut record, intent, &sent);
        record.presence = presence;
        Ok(record)
    }
}
