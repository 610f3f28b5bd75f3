//! The answers that are taken in together, and recorded in one commit (G5).

use std::collections::{HashMap, HashSet};

use lockstep_connector::Outcome;
use lockstep_model::{Intent, IntentKind, NumberMap, RecordId, RecordState, Timestamp, TypeIx};
use lockstep_store::Commit;

use crate::error::Result;
use crate::ledger::Ledger;
use crate::recover::creations::Found;
use crate::report::timed;
use crate::sending::carry::Carried;
use crate::under_way::Underway;

/// Answers of one system while they are taken in.
pub(crate) struct AnswerBatch {
    pub(crate) system: usize,
    pub(crate) now: Timestamp,
    pub(crate) commit: Commit,
    /// The records that were written, and where something is to be said about them those that the
    /// writes came from.
    pub(crate) known: NumberMap<RecordId, RecordState>,
    /// Nothing else is looked for in `known` than each write's own record.
    pub(crate) once: bool,
    /// The records that are known by the keys that creations were answered with.
    pub(crate) there: HashMap<(TypeIx, String), RecordState>,
    /// What is answered in this very batch belongs to the first creation that it was the answer to.
    pub(crate) answered: HashSet<(TypeIx, String)>,
    /// The match values on which others wait.
    pub(crate) wake: Vec<u64>,
    /// Creations that have found a record instead of making it. They count as sent until what they
    /// found is settled: a killed run would leave them refused, and nobody asked.
    pub(crate) adopt: Vec<(Intent, Found, String)>,
    next_id: i64,
}

impl AnswerBatch {
    /// Loads what the answers are about.
    pub(crate) fn open(
        ledger: &mut Ledger,
        under_way: &mut Underway,
        system: usize,
        parcels: &[Carried],
    ) -> Result<AnswerBatch> {
        let now = ledger.clock.now();
        // What a write came from is only looked up where something is to be said about it, or
        // refers to it: not a million times.
        let all_done = parcels.iter().all(|(_, outcome, _)| matches!(outcome, Outcome::Done(_)));
        let sources = !all_done || under_way.report.has_room() || ledger.plan.has_references();
        let targets = targets(ledger, under_way, parcels, sources);
        let shares = &mut under_way.report.shares;
        let known = timed(&mut shares.loading_ms, || ledger.store.records(&targets))?;
        let known: NumberMap<RecordId, RecordState> =
            known.into_iter().map(|record| (record.id, record)).collect();
        let creations = parcels
            .iter()
            .filter(|(p, o, _)| {
                p.intent.kind == IntentKind::Create && matches!(o, Outcome::Done(_))
            })
            .count();
        let next_id = if creations > 0 { ledger.store.take_record_ids(creations)?.0 } else { 0 };
        let mut commit = Commit { durable: false, ..Commit::default() };
        commit.intents_changed.reserve(parcels.len());
        commit.new_records.reserve(creations);
        commit.keys_added.reserve(creations);
        commit.changed_records.reserve(known.len());
        Ok(AnswerBatch {
            system,
            now,
            commit,
            once: !sources && known.len() == targets.len(),
            known,
            there: ledger.known_already(parcels)?,
            answered: HashSet::new(),
            wake: Vec::new(),
            adopt: Vec::new(),
            next_id,
        })
    }

    /// The number of the next record that was created.
    pub(crate) fn next_record_id(&self) -> RecordId {
        RecordId(self.next_id)
    }

    pub(crate) fn take_record_id(&mut self) -> RecordId {
        let id = self.next_record_id();
        self.next_id += 1;
        id
    }

    /// Records what the answers came to, then settles what creations have found.
    pub(crate) fn record(mut self, ledger: &mut Ledger, under_way: &mut Underway) -> Result<()> {
        self.wake.sort_unstable();
        self.wake.dedup();
        ledger.wake(&self.wake, &mut self.commit)?;
        let mut commit = self.commit;
        ledger.to_be_looked_at_again(under_way, self.now, &mut commit);
        timed(&mut under_way.report.shares.storing_ms, || ledger.store.commit(commit))?;
        for (intent, found, message) in self.adopt {
            ledger.adopt(under_way, intent, found, message)?;
        }
        Ok(())
    }
}

/// The records that answers are about.
fn targets(
    ledger: &Ledger,
    under_way: &Underway,
    parcels: &[Carried],
    sources: bool,
) -> Vec<RecordId> {
    let ids = |intent: &Intent| {
        intent.record.into_iter().chain(intent.source.record().filter(|_| sources))
    };
    let mut targets: Vec<RecordId> =
        parcels.iter().flat_map(|(parcel, _, _)| ids(&parcel.intent)).collect();
    if under_way.report.has_room() && ledger.plan.has_references() {
        // What is told of a reference names the record that it stands for (P8).
        let changes = parcels.iter().flat_map(|(parcel, _, _)| &parcel.intent.changes);
        targets.extend(
            changes.filter_map(|change| change.counterpart_of.map(|counterpart| counterpart.of)),
        );
    }
    targets
}
