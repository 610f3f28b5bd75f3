//! What a write through one facet of a record means for its others (F1, F3): they are the same record.

use lockstep_engine::facets;
use lockstep_engine::keys::hashes;
use lockstep_engine::observe::mark_gone;
use lockstep_model::value::same;
use lockstep_model::{Change, EntityId, Intent, NumberMap, ReadRecord, RecordId, RecordState, Rule, RunId, TypeIx, Value};
use lockstep_store::{Commit, JournalEntry, JournalKind};

use crate::run::{Hub, Result};

impl Hub {
    /// Whether a record type is a facet beside others of its collection.
    pub(crate) fn has_facets(&self, ty: TypeIx) -> bool {
        !self.plan.ty(ty).facets.is_empty()
    }

    /// F1: remembers a record that was made with all its facets, each linked with the facet of the source record that it was made from.
    pub(crate) fn facets_made(&mut self, intent: &Intent, state: &RecordState, commit: &mut Commit) -> Result<()> {
        let all = self.plan.ty(state.ty).facets.clone();
        let known = self.other_facets(state)?;
        if !known.is_empty() {
            // They were read before the answer came: F2 links them.
            commit.agenda_added.extend(known.iter().map(|facet| (self.plan.ty(facet.ty).decide_rank, facet.id)));
            return Ok(());
        }
        let mut partners: Vec<(TypeIx, EntityId)> = Vec::new();
        if let Some(source) = self.store.records(&[intent.source])?.pop() {
            for mine in self.other_facets(&source)?.into_iter().filter(RecordState::is_live) {
                let Some(theirs) = all.iter().find(|theirs| self.plan.facet_rule(mine.ty, **theirs).is_some()) else { continue };
                let taken = |member: &RecordState| member.ty == *theirs && member.is_live();
                if !self.store.members(&[mine.entity])?.iter().any(taken) {
                    partners.push((*theirs, mine.entity));
                }
                commit.agenda_added.push((self.plan.ty(mine.ty).decide_rank, mine.id));
            }
        }
        let first = self.store.take_record_ids(all.len())?;
        for facet in facets::made(&self.plan, state, &partners, first) {
            commit.keys_added.extend(hashes(&self.plan, &facet).into_iter().map(|hash| (hash, facet.id)));
            commit.agenda_added.push((self.plan.ty(facet.ty).decide_rank, facet.id));
            self.status[facet.ty.at()].records += 1;
            commit.new_records.push(facet);
        }
        Ok(())
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
        for mut facet in self.other_facets(state)?.into_iter().filter(RecordState::is_live) {
            let before = hashes(&self.plan, &facet);
            let held = |facet: &RecordState, change: &Change| {
                facet.slot(change.prop).value(self.plan.prop(facet.ty, change.prop).whole).clone()
            };
            let shown: Vec<Value> = intent.changes.iter().map(|change| held(&facet, change)).collect();
            facets::written(&self.plan, &mut facet, intent, answer.clone(), sent, now);
            let after = hashes(&self.plan, &facet);
            commit.keys_added.extend(after.iter().filter(|h| before.binary_search(h).is_err()).map(|h| (*h, facet.id)));
            commit.keys_removed.extend(before.iter().filter(|h| after.binary_search(h).is_err()).map(|h| (*h, facet.id)));
            commit.agenda_added.push((self.plan.ty(facet.ty).decide_rank, facet.id));
            for (change, before) in intent.changes.iter().zip(shown) {
                let prop = self.plan.prop(facet.ty, change.prop);
                if !prop.paired || !sent.iter().any(|(prop, _)| *prop == change.prop.at()) {
                    continue;
                }
                // P7: what it held is known of each facet that has rows about it.
                commit.journal.push(JournalEntry {
                    at: now,
                    run,
                    kind: JournalKind::Note,
                    record: facet.id,
                    path: Some(prop.name.clone()),
                    before,
                    after: held(&facet, change),
                    rule: Some(Rule::F3),
                    other: Some(state.id),
                    intent: None,
                    text: format!("written through {}", self.plan.ty(state.ty).name),
                });
            }
            // Several writes of one batch may be about the same record.
            commit.changed_records.retain(|known| known.id != facet.id);
            commit.changed_records.push(facet);
        }
        Ok(())
    }

    /// F3: a record that was deleted is gone with all its facets.
    pub(crate) fn facets_deleted(&mut self, intent: &Intent, commit: &mut Commit) -> Result<()> {
        let Some(state) = intent.record.map(|id| self.store.records(&[id])).transpose()?.and_then(|mut found| found.pop()) else {
            return Ok(());
        };
        for mut facet in self.other_facets(&state)?.into_iter().filter(RecordState::is_live) {
            let seen = self.status[facet.ty.at()].read_from;
            commit.keys_removed.extend(mark_gone(&self.plan, &mut facet, seen));
            commit.agenda_added.push((self.plan.ty(facet.ty).decide_rank, facet.id));
            let status = &mut self.status[facet.ty.at()];
            status.records = status.records.saturating_sub(1);
            commit.changed_records.push(facet);
        }
        Ok(())
    }

    /// The version that a record has since Lockstep wrote to it through another facet, and an intent without what that write has done
    /// already: the decision on it did not know of that write.
    pub(crate) fn with_other_facets(&self, intent: &mut Intent, known: &NumberMap<RecordId, RecordState>) {
        let Some(state) = intent.record.and_then(|id| known.get(&id)) else { return };
        if intent.base_version == state.version {
            return;
        }
        intent.base_version = state.version.clone();
        intent.changes.retain(|change| {
            let prop = self.plan.prop(state.ty, change.prop);
            change.counterpart_of.is_some() || !same(prop.terms(), &change.value, state.slot(change.prop).value(prop.whole))
        });
    }

    pub(crate) fn other_facets(&mut self, state: &RecordState) -> Result<Vec<RecordState>> {
        let mut found = Vec::new();
        for facet in self.plan.ty(state.ty).facets.clone() {
            found.extend(self.store.by_key(facet, &[&state.key])?);
        }
        Ok(found)
    }
}
