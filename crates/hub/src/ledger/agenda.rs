//! The agenda: which records are to be decided on.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::Observed;
use lockstep_engine::keys::each_id;
use lockstep_model::matching::reference_hash;
use lockstep_model::{EntityId, RecordId, RecordState, TypeIx};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::ledger::Ledger;

impl Ledger {
    /// Whether something on the agenda is to be decided on before anything is read again.
    pub(crate) fn has_more_to_decide(&mut self) -> Result<bool> {
        Ok(self.store.agenda(1)?.first().is_some_and(|entry| !entry.held))
    }

    /// P8: what refers to records that have just been linked or created is decided on anew.
    pub(crate) fn wake(&mut self, hashes: &[u64], commit: &mut Commit) -> Result<()> {
        if hashes.is_empty() {
            return Ok(());
        }
        let mut ids: Vec<RecordId> =
            self.store.by_hash(hashes)?.into_iter().filter_map(|(_, of)| of.record()).collect();
        ids.sort_unstable();
        ids.dedup();
        let records = self.store.records(&ids)?;
        commit
            .agenda_added
            .extend(records.iter().map(|r| AgendaEntry::new(self.plan.ty(r.ty).decide_rank, r.id)));
        Ok(())
    }

    /// R9: what refers to records of which a person is asked whose they are, or to their
    /// counterparts, is decided on anew when the question arises and when it is answered.
    pub(crate) fn wake_referring(
        &mut self,
        records: &[RecordState],
        commit: &mut Commit,
    ) -> Result<()> {
        if !self.plan.has_references() || records.is_empty() {
            return Ok(());
        }
        let entities: Vec<EntityId> = records.iter().map(|record| record.entity).collect();
        let members = self.store.members(&entities)?;
        let hash =
            |record: &RecordState| reference_hash(&self.plan.ty(record.ty).name, &record.key);
        let hashes: Vec<u64> = members.iter().map(hash).collect();
        self.wake(&hashes, commit)
    }

    /// Puts records onto the agenda, what refers to them (P8), and what they refer to: it may be
    /// connected to something that is synchronized now (C5).
    pub(crate) fn decide_on<'a>(
        &mut self,
        records: impl Iterator<Item = &'a RecordState>,
        commit: &mut Commit,
    ) -> crate::error::Result<()> {
        let mut hashes = Vec::new();
        let mut referred: BTreeSet<(TypeIx, String)> = BTreeSet::new();
        for record in records {
            commit
                .agenda_added
                .push(AgendaEntry::new(self.plan.ty(record.ty).decide_rank, record.id));
            hashes.push(reference_hash(&self.plan.ty(record.ty).name, &record.key));
            for (prop, slot) in self.plan.ty(record.ty).props.iter().zip(&record.slots) {
                each_id(slot.shadow.as_ref(), &mut |id| {
                    referred.extend(prop.refers_to.iter().map(|ty| (*ty, id.to_string())))
                });
            }
        }
        if self.plan.has_references() {
            self.wake(&hashes, commit)?;
        }
        for (ty, key) in referred {
            let rank = self.plan.ty(ty).decide_rank;
            commit.agenda_added.extend(
                self.store
                    .by_key(ty, &[&key])?
                    .iter()
                    .map(|record| AgendaEntry::new(rank, record.id)),
            );
        }
        Ok(())
    }

    /// C5: what a moved reference leads to, and what it led to before, may qualify otherwise now.
    pub(crate) fn wake_referred(
        &mut self,
        ty: TypeIx,
        observed: &Observed,
        commit: &mut Commit,
    ) -> Result<()> {
        let moved = observed
            .edits
            .iter()
            .filter(|edit| !self.plan.prop(ty, edit.prop).refers_to.is_empty());
        let mut ids: BTreeMap<TypeIx, BTreeSet<String>> = BTreeMap::new();
        for edit in moved {
            for to in &self.plan.prop(ty, edit.prop).refers_to {
                for value in [&edit.before, &edit.after] {
                    each_id(Some(value), &mut |id| {
                        ids.entry(*to).or_default().insert(id.to_string());
                    });
                }
            }
        }
        self.wake_by_key(ids, commit)
    }

    /// Has records decided on that are named by their ids.
    pub(crate) fn wake_by_key(
        &mut self,
        ids: BTreeMap<TypeIx, BTreeSet<String>>,
        commit: &mut Commit,
    ) -> Result<()> {
        for (ty, keys) in ids {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let rank = self.plan.ty(ty).decide_rank;
            commit.agenda_added.extend(
                self.store
                    .by_key(ty, &keys)?
                    .iter()
                    .map(|record| AgendaEntry::new(rank, record.id)),
            );
        }
        Ok(())
    }

    /// Who shared a match key with a record that has lost it may be settled now.
    pub(crate) fn wake_old_rivals(
        &mut self,
        removed: &[(u64, RecordId)],
        rank: u16,
        commit: &mut Commit,
    ) -> Result<()> {
        if removed.is_empty() {
            return Ok(());
        }
        let mut hashes: Vec<u64> = removed.iter().map(|(hash, _)| *hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let rivals = self.store.by_hash(&hashes)?;
        commit.agenda_added.extend(
            rivals.into_iter().filter_map(|(_, of)| Some(AgendaEntry::new(rank, of.record()?))),
        );
        Ok(())
    }
}
