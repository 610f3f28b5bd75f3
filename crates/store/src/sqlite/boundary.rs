//! The boundary of the store in one file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, RecordId, RecordState, Review, ReviewKind,
    RunId, Timestamp, TypeIx, Value,
};
use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::behind::Behind;
use super::database::Database;
use super::fault::Fault;
use super::handle::SqliteStore;
use super::{lock, statements};
use crate::{
    BoundType, Commit, Flush, JournalEntry, Renamed, Renaming, Result, RunRow, Store, StoreError,
    StoredType, TypeStatus, WrittenName,
};

impl Store for SqliteStore {
    fn bind(&mut self, types: &[BoundType]) -> Result<Vec<TypeStatus>> {
        match self.database.read_only {
            true => self.reading(|database| database.bind(types)),
            false => self.writing(|database| database.bind(types)),
        }
    }

    fn take_record_ids(&mut self, count: usize) -> Result<RecordId> {
        let next = &mut self.database.next;
        let first = next.record;
        (next.record, next.changed) = (first + count as i64, true);
        Ok(RecordId(first))
    }

    fn take_intent_ids(&mut self, count: usize) -> Result<IntentId> {
        let next = &mut self.database.next;
        let first = next.intent;
        (next.intent, next.changed) = (first + count as i64, true);
        Ok(IntentId(first))
    }

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

    fn joined(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>> {
        self.reading(|database| database.joined(entities))
    }

    fn by_hash(&mut self, hashes: &[u64]) -> Result<Vec<(u64, RecordId)>> {
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

    fn agenda(&mut self, limit: usize) -> Result<Vec<(u16, RecordId)>> {
        self.reading(|database| database.agenda(limit))
    }

    fn on_agenda(&mut self, ids: &[RecordId]) -> Result<Vec<(u16, RecordId)>> {
        self.database.on_agenda(ids).map_err(|fault| fault.at(&self.place))
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

    fn outbox(&mut self, now: Timestamp, types: &[TypeIx], limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.outbox(now, types, limit))
    }

    fn intents_in(&mut self, state: IntentState, limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.intents_in(state, limit))
    }

    fn intent(&mut self, id: IntentId) -> Result<Option<Intent>> {
        self.reading(|database| Ok(database.intents(std::iter::once(id.0))?.pop()))
    }

    fn commit(&mut self, commit: Commit) -> Result<()> {
        match commit.durable {
            true => self.as_durable(|store| store.writing(|database| database.commit(commit)))?,
            false => self.writing(|database| database.commit(commit))?,
        }
        self.database.next.changed = false;
        if let Some(behind) = &self.behind {
            behind.committed();
        }
        Ok(())
    }

    fn commit_unflushed(&mut self, commit: Commit) -> Result<Flush> {
        if !self.logged {
            self.commit(Commit { durable: true, ..commit })?;
            return Ok(Box::new(|| Ok(())));
        }
        self.commit(Commit { durable: false, ..commit })?;
        let (log, place) = (lock::beside(&self.path, "-wal"), self.place.clone());
        // What SQLite itself does after a commit with `synchronous=FULL`. Its locks are not on the
        // log, so that closing it ends none.
        let flush = move || {
            std::fs::OpenOptions::new().write(true).open(&log)?.sync_data()?;
            // The log may be new; where its folder can't be opened for that, SQLite lets it pass as
            // well.
            let folder = log
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            match std::fs::File::open(folder) {
                Ok(folder) if cfg!(unix) => folder.sync_all(),
                _ => Ok(()),
            }
        };
        Ok(Box::new(move || {
            flush().map_err(|error| StoreError::Unwritable {
                place,
                message: format!("its log: {error}"),
            })
        }))
    }

    fn tried(&mut self, limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.tried(limit))
    }

    fn identity(&mut self) -> Result<String> {
        self.reading(|database| database.identity())
    }

    fn marks(&mut self) -> Result<Vec<(String, Value)>> {
        self.reading(|database| database.marks())
    }

    fn queued(&mut self, ty: TypeIx, kind: IntentKind, after: IntentId) -> Result<u64> {
        self.reading(|database| database.queued(ty, kind, after))
    }

    fn begin_run(&mut self, now: Timestamp) -> Result<RunId> {
        self.writing(|database| database.begin_run(now))
    }

    fn end_run(&mut self, run: RunId, now: Timestamp, summary: &Value) -> Result<()> {
        self.writing(|database| database.end_run(run, now, summary))
    }

    fn runs(&mut self, limit: usize) -> Result<Vec<RunRow>> {
        self.reading(|database| database.runs(limit))
    }

    fn reviews(&mut self, limit: usize) -> Result<Vec<Review>> {
        self.reading(|database| database.reviews(limit))
    }

    fn review_counts(&mut self) -> Result<Vec<(ReviewKind, u64)>> {
        self.reading(|database| database.review_counts())
    }

    fn intent_counts(&mut self) -> Result<Vec<(IntentState, u64)>> {
        self.reading(|database| database.intent_counts())
    }

    fn journal(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<JournalEntry>> {
        self.reading(|database| database.journal(records, limit))
    }

    fn intents_of(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<Intent>> {
        self.reading(|database| database.intents_of(records, limit))
    }

    fn numbered_reviews(&mut self, limit: usize) -> Result<Vec<(i64, Review)>> {
        self.reading(|database| database.numbered_reviews(limit))
    }

    fn intents_of_runs(
        &mut self,
        runs: (RunId, RunId),
        after: Option<IntentId>,
        limit: usize,
    ) -> Result<Vec<Intent>> {
        self.reading(|database| database.intents_of_runs(runs, after, limit))
    }

    fn journal_of_runs(&mut self, runs: (RunId, RunId), limit: usize) -> Result<Vec<JournalEntry>> {
        self.reading(|database| database.journal_of_runs(runs, limit))
    }

    fn run(&mut self, id: RunId) -> Result<Option<RunRow>> {
        self.reading(|database| database.run(id))
    }

    fn written_names(&mut self, runs: (RunId, RunId)) -> Result<Vec<WrittenName>> {
        self.reading(|database| database.written_names(runs))
    }

    fn run_from(&mut self, since: Timestamp) -> Result<Option<RunId>> {
        self.reading(|database| database.run_from(since))
    }

    fn prune_journal(&mut self, before: RunId) -> Result<u64> {
        self.writing(|database| database.prune_journal(before))
    }

    fn linked_entities(&mut self, after: Option<EntityId>, limit: usize) -> Result<Vec<EntityId>> {
        self.reading(|database| database.linked_entities(after, limit))
    }

    fn record_types(&mut self) -> Result<Vec<StoredType>> {
        self.reading(Database::record_types)
    }

    fn shared_keys(&mut self, a: &str, b: &str) -> Result<u64> {
        self.reading(|database| database.shared_keys(a, b))
    }

    fn rename(&mut self, renaming: &Renaming) -> Result<std::result::Result<Renamed, String>> {
        self.writing(|database| database.rename(renaming))
    }

    fn bulk(&mut self, begins: bool) -> Result<()> {
        self.database.bulk = begins;
        if begins {
            self.writing(|database| database.identities.count(&database.conn))?;
            self.behind = self._lock.is_some().then(|| Behind::start(&self.path));
            // 1 GB, of which little is left to bring in when it comes to that.
            return self.set("PRAGMA wal_autocheckpoint = 65536");
        }
        self.behind = None;
        self.writing(Database::settle_keys)?;
        // Sorted on disk where it is much: a million keys would take some hundred megabytes.
        self.set("PRAGMA temp_store = FILE")?;
        let indexed = self.writing(|database| database.identities.index(&database.conn));
        self.set("PRAGMA temp_store = MEMORY")?;
        indexed?;
        // A long log slows every reading down.
        self.set("PRAGMA wal_autocheckpoint = 2000; PRAGMA wal_checkpoint(TRUNCATE)")
    }

    fn meanwhile(&mut self) -> Result<()> {
        match self.database.bulk && self.database.mirrors.coming.is_worth_settling() {
            true => self.writing(Database::settle_keys),
            false => Ok(()),
        }
    }

    fn scratch(&mut self) -> Result<Box<dyn Store>> {
        let place = format!("the copy of {}", self.place);
        let copy = || {
            // A database without a name stays in memory as far as the cache goes, then spills into
            // a file that nobody else sees.
            let mut conn = Connection::open("")?;
            Backup::new(&self.database.conn, &mut conn)?.run_to_completion(
                65_536,
                Duration::ZERO,
                None,
            )?;
            conn.set_prepared_statement_cache_capacity(statements::COUNT);
            conn.execute_batch("PRAGMA cache_size = -65536; PRAGMA synchronous = OFF;")?;
            let mut database = Database::new(conn, false)?;
            database.bound = self.database.bound.again();
            database.next = self.database.next;
            Ok(database)
        };
        let database = copy().map_err(|fault: Fault| fault.at(&place))?;
        Ok(Box::new(SqliteStore {
            behind: None,
            database,
            place,
            path: PathBuf::new(),
            logged: false,
            _lock: None,
        }))
    }
}
