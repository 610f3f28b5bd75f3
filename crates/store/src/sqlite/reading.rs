//! Reading from the store in one file: slices, the agenda, the outbox, reviews, history.

use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, KeyOwner, RecordId, RecordState, Review,
    ReviewKind, RunId, Timestamp, TypeIx,
};

use super::handle::SqliteStore;
use crate::boundary::{Agenda, History, Outbox, Reviews, Slices};
use crate::{AgendaEntry, JournalEntry, Result, RunRow, WrittenName};

impl Slices for SqliteStore {
    fn records(&mut self, ids: &[RecordId]) -> Result<Vec<RecordState>> {
        self.reading(|database| database.records(ids))
    }

    fn keys_of(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, String)>> {
        self.reading(|database| database.keys_of(ids))
    }

    fn by_key(&mut self, ty: TypeIx, keys: &[&str]) -> Result<Vec<RecordState>> {
        self.reading(|database| database.by_key(ty, keys))
    }

    fn members(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>> {
        self.reading(|database| database.members(entities))
    }

    fn members_except_founder(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>> {
        self.reading(|database| database.members_except_founder(entities))
    }

    fn by_hash(&mut self, hashes: &[u64]) -> Result<Vec<(u64, KeyOwner)>> {
        self.reading(|database| database.by_hash(hashes))
    }

    fn live_keys(
        &mut self,
        ty: TypeIx,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, RecordId)>> {
        self.reading(|database| database.live_keys(ty, after, limit))
    }

    fn linked_entities(&mut self, after: Option<EntityId>, limit: usize) -> Result<Vec<EntityId>> {
        self.reading(|database| database.linked_entities(after, limit))
    }

    fn apart(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, RecordId)>> {
        self.reading(|database| database.apart(ids))
    }

    fn open_intents(&mut self, entities: &[EntityId]) -> Result<Vec<Intent>> {
        self.reading(|database| database.open_intents(entities))
    }

    fn open_reviews(&mut self, records: &[RecordId]) -> Result<Vec<Review>> {
        self.reading(|database| database.open_reviews(records))
    }
}

impl Agenda for SqliteStore {
    fn agenda(&mut self, limit: usize) -> Result<Vec<AgendaEntry>> {
        self.reading(|database| database.agenda(limit))
    }

    fn on_agenda(&mut self, ids: &[RecordId]) -> Result<Vec<AgendaEntry>> {
        self.database.on_agenda(ids).map_err(|fault| fault.at(&self.place))
    }
}

impl Outbox for SqliteStore {
    fn outbox(&mut self, now: Timestamp, types: &[TypeIx], limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.outbox(now, types, limit))
    }

    fn intents_in(&mut self, state: IntentState, limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.intents_in(state, limit))
    }

    fn tried(&mut self, limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.tried(limit))
    }

    fn intent(&mut self, id: IntentId) -> Result<Option<Intent>> {
        self.reading(|database| Ok(database.intents(std::iter::once(id.0))?.pop()))
    }

    fn queued(&mut self, ty: TypeIx, kind: IntentKind, after: IntentId) -> Result<u64> {
        self.reading(|database| database.queued(ty, kind, after))
    }

    fn intent_counts(&mut self) -> Result<Vec<(IntentState, u64)>> {
        self.reading(|database| database.intent_counts())
    }
}

impl Reviews for SqliteStore {
    fn reviews(&mut self, limit: usize) -> Result<Vec<Review>> {
        self.reading(|database| database.reviews(limit))
    }

    fn review_counts(&mut self) -> Result<Vec<(ReviewKind, u64)>> {
        self.reading(|database| database.review_counts())
    }

    fn numbered_reviews(&mut self, limit: usize) -> Result<Vec<(i64, Review)>> {
        self.reading(|database| database.numbered_reviews(limit))
    }
}

impl History for SqliteStore {
    fn journal(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<JournalEntry>> {
        self.reading(|database| database.journal(records, limit))
    }

    fn journal_of_runs(&mut self, runs: (RunId, RunId), limit: usize) -> Result<Vec<JournalEntry>> {
        self.reading(|database| database.journal_of_runs(runs, limit))
    }

    fn intents_of(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.intents_of(records, limit))
    }

    fn intents_of_runs(
        &mut self,
        runs: (RunId, RunId),
        after: Option<IntentId>,
        limit: usize,
    ) -> Result<Vec<Intent>> {
        self.reading(|database| database.intents_of_runs(runs, after, limit))
    }

    fn written_names(&mut self, runs: (RunId, RunId)) -> Result<Vec<WrittenName>> {
        self.reading(|database| database.written_names(runs))
    }

    fn runs(&mut self, limit: usize) -> Result<Vec<RunRow>> {
        self.reading(|database| database.runs(limit))
    }

    fn run(&mut self, id: RunId) -> Result<Option<RunRow>> {
        self.reading(|database| database.run(id))
    }

    fn run_from(&mut self, since: Timestamp) -> Result<Option<RunId>> {
        self.reading(|database| database.run_from(since))
    }
}
