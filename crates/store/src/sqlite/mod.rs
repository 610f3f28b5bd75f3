//! The store in one SQLite file, for one machine.
//!
//! Plain tables, with text where a person looks at them with the `sqlite3` shell; `migrations/` has
//! them. What rests on measurement: the write-ahead log with `synchronous=NORMAL` (a power cut can
//! lose the last commits, never the file), `FULL` around a commit that must outlive one, and the
//! log flushed by who sends what a commit said would be sent (C2); match keys as 64-bit numbers in
//! a table of their own, inserted in its order; few and large transactions; no index row for a
//! record that stands alone.
//!
//! [`SqliteStore::open`] takes the lock that keeps a second run out;
//! [`SqliteStore::open_read_only`] looks on while a run is at work.

mod behind;
mod bound;
mod coming;
mod encode;
mod fault;
mod identities;
mod journal;
mod json;
mod lock;
mod look_back;
mod marks;
mod migrations;
mod open;
mod outbox;
mod ranges;
mod records;
mod rename;
mod reviews;
mod spans;
mod statements;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, RecordId, RecordState, Review, ReviewKind,
    RunId, Timestamp, TypeIx, Value,
};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use self::behind::Behind;
use self::bound::{Bound, KnownType};
use self::coming::Coming;
use self::encode::Encoded;
use self::fault::{Fallible, Fault};
use self::identities::Identities;
use self::lock::Lock;
use self::open::Open;
use self::ranges::Ranges;
use crate::{
    BoundType, Commit, Flush, JournalEntry, Renamed, Renaming, Result, RunRow, Store, StoreError,
    StoredType, TypeStatus, WrittenName,
};

/// The store in one file.
pub struct SqliteStore {
    /// While a great load is under way.
    behind: Option<Behind>,
    database: Database,
    /// For messages.
    place: String,
    /// The file; empty where there is none.
    path: PathBuf,
    /// It has a write-ahead log beside it. Those in memory have none, and those in places where
    /// there can be none.
    logged: bool,
    /// Held by who works on a file; not by who only looks, nor where there is no file.
    _lock: Option<Lock>,
}

/// The connection and what belongs to it; its functions are spread over the files beside this one.
struct Database {
    conn: Connection,
    bound: Bound,
    encoded: Encoded,
    next: Counters,
    /// What is to be decided and what is to be sent, as it is on disk. A store that only looks
    /// reads both anew each time.
    agenda: BTreeMap<u16, Ranges>,
    open: Open,
    /// Match keys that are not in their table yet.
    coming: Coming,
    identities: Identities,
    /// A great load is under way.
    bulk: bool,
    /// Nothing may be written.
    read_only: bool,
}

/// The numbers that come next. They are written with the commit that uses them: a number that was
/// handed out and never came into a commit is nowhere, and may be handed out again by the next
/// process.
#[derive(Clone, Copy)]
struct Counters {
    record: i64,
    intent: i64,
    changed: bool,
}

impl SqliteStore {
    /// Opens the store in this file for work, making it where there is none. Fails if another
    /// process works on it.
    pub fn open(path: impl AsRef<Path>) -> Result<SqliteStore> {
        let path = path.as_ref();
        let place = path.display().to_string();
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let message = |error: std::io::Error| StoreError::Unwritable {
                place: place.clone(),
                message: error.to_string(),
            };
            std::fs::create_dir_all(folder).map_err(message)?;
        }
        let lock = Lock::take(path)?;
        lock::make_private(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)
            .map_err(|error| Fault::Sqlite(error).at(&place))?;
        Self::prepared(conn, place, path.to_path_buf(), Some(lock))
    }

    /// A store in memory, gone when it is dropped.
    pub fn in_memory() -> Result<SqliteStore> {
        let place = "the store in memory".to_string();
        let conn = Connection::open_in_memory().map_err(|error| Fault::Sqlite(error).at(&place))?;
        Self::prepared(conn, place, PathBuf::new(), None)
    }

    /// Opens the store in this file to look at it, also while a run is at work on it. Whatever
    /// would write fails.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<SqliteStore> {
        let path = path.as_ref();
        let place = path.display().to_string();
        if !path.exists() {
            let message = "there is no store here yet: run `lockstep sync` first".into();
            return Err(StoreError::Damaged { place, message });
        }
        let result = (|| {
            let conn = open_to_read(path)?;
            conn.busy_timeout(Duration::from_secs(5))?;
            conn.set_prepared_statement_cache_capacity(statements::COUNT);
            conn.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
            Ok::<_, Fault>(conn)
        })();
        let conn = result.map_err(|fault| fault.at(&place))?;
        migrations::check(&conn, &place)?;
        let database = Database::new(conn, true).map_err(|fault| fault.at(&place))?;
        Ok(SqliteStore {
            behind: None,
            database,
            place,
            path: path.to_path_buf(),
            logged: false,
            _lock: None,
        })
    }

    fn prepared(
        mut conn: Connection,
        place: String,
        path: PathBuf,
        lock: Option<Lock>,
    ) -> Result<SqliteStore> {
        migrations::refuse_others(&conn, &place)?;
        settle(&conn).map_err(|fault| fault.at(&place))?;
        migrations::migrate(&mut conn, &place)?;
        let mode = conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
        let logged = mode.map_err(|error| Fault::Sqlite(error).at(&place))? == "wal";
        let database = Database::new(conn, false).map_err(|fault| fault.at(&place))?;
        Ok(SqliteStore { behind: None, database, place, path, logged, _lock: lock })
    }

    /// Reads in one transaction: one look at the locks instead of one for each statement, and one
    /// state of things.
    fn reading<T>(&mut self, read: impl FnOnce(&mut Database) -> Fallible<T>) -> Result<T> {
        self.database.within("BEGIN", read).map_err(|fault| fault.at(&self.place))
    }

    fn writing<T>(&mut self, write: impl FnOnce(&mut Database) -> Fallible<T>) -> Result<T> {
        if self.database.read_only {
            let message = "it was opened only to be looked at".to_string();
            return Err(StoreError::Unwritable { place: self.place.clone(), message });
        }
        self.database.within("BEGIN IMMEDIATE", write).map_err(|fault| fault.at(&self.place))
    }
}

/// The settings of a connection that writes, as measured on whole first runs: pages of 16 KiB take
/// 4 to 9 % less time than those of 8 KiB, those of 32 KiB a little less again, but a run in which
/// one record in a hundred has changed takes a fifth more by them. More cache than this gains
/// nothing (the system's own cache is behind it). The log is 32 MB long before it is written back.
fn settle(conn: &Connection) -> Fallible<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(statements::COUNT);
    conn.execute_batch(
        "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 2000;",
    )?;
    Ok(())
}

/// A connection that only reads. The log of a run at work is read along; in a folder that can't be
/// written, where there is no log, the file alone is all there is.
fn open_to_read(path: &Path) -> Fallible<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let tried = Connection::open_with_flags(path, flags).and_then(|conn| {
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map(|_| conn)
    });
    match tried {
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly)
            ) && !lock::beside(path, "-wal").exists() =>
        {
            let escaped = path
                .display()
                .to_string()
                .replace('%', "%25")
                .replace('?', "%3f")
                .replace('#', "%23");
            let uri = format!("file:{escaped}?immutable=1");
            Ok(Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?)
        }
        other => Ok(other?),
    }
}

impl Database {
    fn new(conn: Connection, read_only: bool) -> Fallible<Self> {
        let mut next = Counters { record: 1, intent: 1, changed: false };
        {
            let mut statement = statements::COUNTERS.prepare(&conn)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                match row.get_ref(0)?.as_str() {
                    Ok("record") => next.record = row.get(1)?,
                    Ok("intent") => next.intent = row.get(1)?,
                    _ => {}
                }
            }
        }
        let (agenda, open, coming) = match read_only {
            true => Default::default(),
            false => (records::load_agenda(&conn)?, Open::load(&conn)?, Coming::load(&conn)?),
        };
        let mut identities = Identities::of(&conn)?;
        if !read_only {
            identities.index(&conn)?;
        }
        let (bound, encoded) = Default::default();
        Ok(Database {
            conn,
            bound,
            encoded,
            next,
            agenda,
            open,
            coming,
            identities,
            bulk: false,
            read_only,
        })
    }

    /// Runs something in a transaction; nothing of it is kept if it fails.
    fn within<T>(
        &mut self,
        begin: &str,
        work: impl FnOnce(&mut Self) -> Fallible<T>,
    ) -> Fallible<T> {
        self.conn.execute_batch(begin)?;
        let result = work(self).and_then(|done| {
            self.conn.execute_batch("COMMIT")?;
            Ok(done)
        });
        if result.is_err() {
            // Where SQLite itself has ended the transaction (a full disk), there is nothing left to
            // roll back; and the first failure is the one to tell.
            if !self.conn.is_autocommit() {
                self.conn.execute_batch("ROLLBACK").ok();
            }
            self.bound.forget();
            if !self.read_only {
                // What memory holds of a step that was not kept is not true.
                self.agenda = records::load_agenda(&self.conn).unwrap_or_default();
                self.open = Open::load(&self.conn).unwrap_or_default();
                // Keys of records that were not kept lead nowhere; those of others must not be
                // forgotten.
                if let Ok(coming) = Coming::load(&self.conn) {
                    self.coming = coming;
                }
                if matches!(self.identities, Identities::Indexed) {
                    // It may have been built in this very step.
                    self.identities = Identities::of(&self.conn).unwrap_or(Identities::Lost);
                }
            }
        }
        result
    }

    fn bind(&mut self, types: &[BoundType]) -> Fallible<Vec<TypeStatus>> {
        let mut known = Vec::with_capacity(types.len());
        let mut status = Vec::with_capacity(types.len());
        for ty in types {
            let name = ty.name.to_string();
            let found = statements::TYPE_BY_NAME
                .prepare(&self.conn)?
                .query_row([&name], stored_type)
                .optional()?;
            let (row, stored) = match found {
                Some(found) => found,
                None => {
                    let row = match self.read_only {
                        true => 0,
                        false => statements::NEW_TYPE
                            .prepare(&self.conn)?
                            .insert((&name, ty.fingerprint as i64))?,
                    };
                    (row, TypeStatus { fingerprint: ty.fingerprint, ..TypeStatus::default() })
                }
            };
            known.push(KnownType::new(row, ty));
            status.push(stored);
        }
        self.bound = Bound::new(known);
        Ok(status)
    }

    fn commit(&mut self, mut commit: Commit) -> Fallible<()> {
        for (ty, status) in &commit.types {
            let (text, bytes) =
                status.checkpoint.as_ref().map(|(text, bytes)| (text, bytes)).unzip();
            statements::SET_TYPE.prepare(&self.conn)?.execute((
                self.bound.ty(*ty)?.row,
                text,
                bytes,
                status.complete,
                status.read_from.map(|at| at.0),
                status.reading_since.map(|at| at.0),
                status.fingerprint as i64,
            ))?;
        }
        let counts = commit
            .types
            .iter()
            .map(|(ty, status)| (*ty, status.records))
            .chain(commit.counts.iter().copied());
        for (ty, records) in counts {
            statements::SET_COUNT
                .prepare(&self.conn)?
                .execute((self.bound.ty(ty)?.row, records as i64))?;
        }
        self.write_records(&mut commit)?;
        self.write_intents(&commit)?;
        self.write_reviews(&commit)?;
        self.write_journal(&commit.journal)?;
        self.write_marks(&commit)?;
        if self.next.changed {
            let mut set = statements::SET_COUNTER.prepare(&self.conn)?;
            set.execute(("record", self.next.record))?;
            set.execute(("intent", self.next.intent))?;
        }
        Ok(())
    }
}

fn stored_type(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, TypeStatus)> {
    let text: Option<String> = row.get(1)?;
    let bytes: Option<Vec<u8>> = row.get(2)?;
    let status = TypeStatus {
        checkpoint: text.map(|text| (text, bytes.unwrap_or_default())),
        complete: row.get(3)?,
        read_from: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        reading_since: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        fingerprint: row.get::<_, i64>(6)? as u64,
        records: row.get::<_, Option<i64>>(7)?.unwrap_or(0) as u64,
    };
    Ok((row.get(0)?, status))
}

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
        match self.database.bulk && self.database.coming.is_worth_settling() {
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

impl SqliteStore {
    #[cfg(test)]
    fn connection(&self) -> &Connection {
        &self.database.conn
    }

    /// Runs something whose commit is on the disk when it returns. The sync of the log carries all
    /// commits before it there as well.
    fn as_durable<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.set("PRAGMA synchronous = FULL")?;
        let result = work(self);
        self.set("PRAGMA synchronous = NORMAL")?;
        result
    }

    fn set(&self, pragma: &str) -> Result<()> {
        self.database
            .conn
            .execute_batch(pragma)
            .map_err(|error| Fault::Sqlite(error).at(&self.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_so_and_keeps_nothing_of_the_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path().join("store.db")).unwrap();
        store.bind(&crate::contract::plan()).unwrap();
        let keys = |from: u64, to: u64| Commit {
            keys_added: (from..to).map(|n| (n, RecordId(1))).collect(),
            ..Commit::default()
        };
        store.commit(keys(0, 10)).unwrap();
        let limit = |store: &SqliteStore, pages: i64| {
            store.set(&format!("PRAGMA max_page_count = {pages}")).unwrap()
        };
        limit(&store, 40);
        for durable in [false, true] {
            let error = store.commit(Commit { durable, ..keys(5, 100_000) }).unwrap_err();
            assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
            assert_eq!(store.by_hash(&[9, 10, 99_999]).unwrap(), [(9, RecordId(1))]);
        }
        limit(&store, 1_000_000);
        store.commit(keys(5, 100_000)).unwrap();
        assert_eq!(store.by_hash(&[9, 10, 99_999]).unwrap().len(), 3);
    }

    #[test]
    fn what_a_great_load_notes_of_keys_goes_into_their_table_when_it_is_much() {
        let mut store = SqliteStore::in_memory().unwrap();
        store.bind(&crate::contract::plan()).unwrap();
        store.bulk(true).unwrap();
        let count = |store: &SqliteStore, table: &str| -> i64 {
            store
                .connection()
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
                .unwrap()
        };
        let mut add = |from: u64, to: u64| {
            let keys_added = (from..to).map(|n| (n, RecordId(1))).collect();
            store.commit(Commit { keys_added, ..Commit::default() }).unwrap();
            (count(&store, "keys"), count(&store, "keys_coming"))
        };
        assert_eq!(add(0, 999), (0, 1));
        assert_eq!(add(999, 1_001), (1_001, 0));
        assert_eq!(add(1_001, 1_003), (1_001, 1));
        store.meanwhile().unwrap();
        assert_eq!(
            (count(&store, "keys"), count(&store, "keys_coming")),
            (1_001, 1),
            "so few are not worth it"
        );
        let mut add = |from: u64, to: u64| {
            let keys_added = (from..to).map(|n| (n, RecordId(1))).collect();
            store.commit(Commit { keys_added, ..Commit::default() }).unwrap();
        };
        add(1_003, 1_600);
        store.meanwhile().unwrap();
        assert_eq!(
            (count(&store, "keys"), count(&store, "keys_coming")),
            (1_600, 0),
            "half of what must go in goes in meanwhile"
        );
        store
            .commit(Commit { keys_added: vec![(1_600, RecordId(1))], ..Commit::default() })
            .unwrap();
        store.bulk(false).unwrap();
        assert_eq!((count(&store, "keys"), count(&store, "keys_coming")), (1_601, 0));
    }

    #[test]
    fn a_commit_that_must_outlive_a_power_cut_is_synced() {
        // C2. What is looked at is the setting in force while the commit is made.
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path().join("store.db")).unwrap();
        let synchronous = |store: &SqliteStore| -> i64 {
            store.connection().pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
        };
        assert_eq!(synchronous(&store), 1);
        assert_eq!(store.as_durable(|store| Ok(synchronous(store))).unwrap(), 2);
        assert_eq!(synchronous(&store), 1);
        let failed = store.as_durable(|_| {
            Err::<(), _>(StoreError::Damaged { place: String::new(), message: String::new() })
        });
        assert!(failed.is_err());
        assert_eq!(synchronous(&store), 1);
    }
}
