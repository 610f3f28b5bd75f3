//! Records that were deleted on purpose, told at once instead of found missing later.
//!
//! Whoever adds records to try something and deletes them again says so here: what was read of them
//! is taken as gone, what waits for them is given up, and nothing is deleted elsewhere for it.
//! Without that, the next listing would lack them, and the guard on listings (G3) would ask a
//! person about records that nobody misses.

use std::collections::BTreeSet;

use lockstep_engine::observe::mark_gone;
use lockstep_model::change::IntentEvent;
use lockstep_model::{EntityId, IntentState, Presence, RecordState, Slot};
use lockstep_store::{AgendaEntry, Commit, ReviewKey};

use crate::error::ActResult;
use crate::hub::Hub;
use crate::ledger::journal::step;

impl Hub {
    /// Takes these records (`system.RecordType/ID`) as deleted in their systems. Those that are not
    /// known are passed over. Gives how many were.
    pub fn deleted_by_hand(&mut self, names: &[String]) -> ActResult<usize> {
        self.act("records that were deleted by hand", |hub, under_way| {
            let now = hub.ledger.clock.now();
            let mut commit = Commit { durable: true, ..Commit::default() };
            let mut ranks = Vec::new();
            let mut records: Vec<RecordState> = Vec::new();
            for name in names {
                let Ok(record) = hub.ledger.find(name) else { continue };
                // F1: with all its facets.
                records.extend(hub.ledger.other_facets(&record)?);
                records.push(record);
            }
            let mut told = BTreeSet::new();
            records.retain(|record| record.is_live() && told.insert(record.id));
            // P8: what refers to them, while it is known whose counterparts they are.
            hub.ledger.wake_referring(&records, &mut commit)?;
            for mut record in records {
                let keys = mark_gone(&hub.ledger.plan, &mut record, None);
                // D1: deleted here and everywhere already, whatever the flows say.
                record.presence = Presence::Gone;
                let rank = hub.ledger.plan.ty(record.ty).decide_rank;
                ranks.push((rank, keys.clone()));
                commit.keys_removed.extend(keys);
                commit.agenda_added.push(AgendaEntry::new(rank, record.id));
                commit
                    .reviews_closed
                    .extend(hub.ledger.store.open_reviews(&[record.id])?.iter().map(ReviewKey::of));
                for intent in hub.ledger.store.open_intents(&[record.entity])? {
                    let told = commit.intents_changed.iter().any(|update| update.id == intent.id);
                    if !told && matches!(intent.state, IntentState::Queued | IntentState::Refused) {
                        let why = "its record was deleted by hand";
                        commit.intents_changed.push(step(
                            &intent,
                            IntentEvent::Drop,
                            now,
                            Some(why.into()),
                        )?);
                    }
                }
                hub.ledger.tell_gone(under_way, &record, &mut commit);
                // A system that gives the id to another record later gives it to one that has
                // nothing to do with this one.
                record.entity = EntityId(record.id.0);
                record.slots.iter_mut().for_each(|slot| *slot = Slot::default());
                let status = &mut hub.ledger.status[record.ty.at()];
                status.records = status.records.saturating_sub(1);
                commit.types.retain(|(ty, _)| *ty != record.ty);
                commit.types.push((record.ty, status.clone()));
                commit.changed_records.push(record);
            }
            let gone = commit.changed_records.len();
            for (rank, keys) in ranks {
                hub.ledger.wake_old_rivals(&keys, rank, &mut commit)?;
            }
            hub.ledger.store.commit(commit)?;
            Ok(gone)
        })
    }
}
