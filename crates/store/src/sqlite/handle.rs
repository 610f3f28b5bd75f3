//! A store in one file: opening it for work or to look at it, and its transactions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::checkpointer::Checkpointer;
use super::database::Database;
use super::fault::{Fallible, Fault};
use super::ids::{self, Numbered};
use super::lease;
use super::lock::Lock;
use super::{lock, migrations, statements};
use crate::{Lease, Result, StoreError};

/// The store in one file.
pub struct SqliteStore {
    /// While a great load is under way.
    pub(super) behind: Option<Checkpointer>,
    pub(super) database: Database,
    /// For messages.
    pub(super) place: String,
    /// The file; empty where there is none.
    pub(super) path: PathBuf,
    /// It has a write-ahead log beside it. Those in memory have none, and those in places where
    /// there can be none.
    pub(super) logged: bool,
    /// Held by who works on a file; not by who only looks, nor where there is no file.
    pub(super) _lock: Option<Lock>,
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
            return Err(StoreError::Empty { place });
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
        let mut store = SqliteStore { behind: None, database, place, path, logged, _lock: lock };
        store.take_over()?;
        Ok(store)
    }

    /// Reads in one transaction: one look at the locks instead of one for each statement, and one
    /// state of things.
    pub(super) fn reading<T>(
        &mut self,
        read: impl FnOnce(&mut Database) -> Fallible<T>,
    ) -> Result<T> {
        self.database.within("BEGIN", read).map_err(|fault| fault.at(&self.place))
    }

    pub(super) fn writing<T>(
        &mut self,
        write: impl FnOnce(&mut Database) -> Fallible<T>,
    ) -> Result<T> {
        self.writing_under(&self.database.lease.clone(), write)
    }

    /// Writes what was decided under a lease.
    pub(super) fn writing_under<T>(
        &mut self,
        lease: &Lease,
        write: impl FnOnce(&mut Database) -> Fallible<T>,
    ) -> Result<T> {
        if self.database.read_only {
            let message = "it was opened only to be looked at".to_string();
            return Err(StoreError::Unwritable { place: self.place.clone(), message });
        }
        let write = |database: &mut Database| {
            lease::check(&database.conn, lease)?;
            write(database)
        };
        self.database.within("BEGIN IMMEDIATE", write).map_err(|fault| fault.at(&self.place))
    }

    /// Takes the store over, from whoever has it.
    pub(super) fn take_over(&mut self) -> Result<Lease> {
        let drawn = |database: &mut Database| lease::draw(&database.conn);
        let drawn = self.database.within("BEGIN IMMEDIATE", drawn);
        let drawn = drawn.map_err(|fault| fault.at(&self.place))?;
        self.database.lease = drawn.clone();
        Ok(drawn)
    }

    /// Hands out numbers. A store that is only looked at hands them out for nothing that stays.
    pub(super) fn take(&mut self, what: Numbered, count: usize) -> Result<i64> {
        if let Some(end) = self.database.numbers.end_needed_for(what, count)
            && !self.database.read_only
        {
            self.writing(|database| ids::reserve(&database.conn, what, end))?;
            self.database.numbers.reserved(what, end);
        }
        Ok(self.database.numbers.take(what, count))
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.database.conn
    }

    /// Runs something whose commit is on the disk when it returns. The sync of the log carries all
    /// commits before it there as well.
    pub(super) fn as_durable<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.set("PRAGMA synchronous = FULL")?;
        let result = work(self);
        self.set("PRAGMA synchronous = NORMAL")?;
        result
    }

    pub(super) fn set(&self, pragma: &str) -> Result<()> {
        self.database
            .conn
            .execute_batch(pragma)
            .map_err(|error| Fault::Sqlite(error).at(&self.place))
    }
}

/// The settings of a connection that writes, as measured on whole first runs: pages of 16 KiB take
/// 4 to 9 % less time than those of 8 KiB, those of 32 KiB a little less again, but a run in which
/// one record in a hundred has changed takes a fifth more by them. More cache than this gains
/// nothing (the system's own cache is behind it). The log is 32 MB long before it is written back.
pub(super) fn settle(conn: &Connection) -> Fallible<()> {
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
pub(super) fn open_to_read(path: &Path) -> Fallible<Connection> {
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

#[cfg(test)]
mod tests {
    use lockstep_model::{RecordId, Timestamp};

    use super::*;
    use crate::{Catalogue, Commit, Commits, Slices, Upkeep};

    #[test]
    fn a_full_disk_says_so_and_keeps_nothing_of_the_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path().join("store.db")).unwrap();
        store.bind(&crate::contract::plan()).unwrap();
        let keys = |from: u64, to: u64| Commit {
            keys_added: (from..to).map(|n| (n, RecordId(1))).collect(),
            ..Commit::default()
        };
        store.commit(&store.lease(), keys(0, 10)).unwrap();
        let limit = |store: &SqliteStore, pages: i64| {
            store.set(&format!("PRAGMA max_page_count = {pages}")).unwrap()
        };
        limit(&store, 40);
        for durable in [false, true] {
            let error =
                store.commit(&store.lease(), Commit { durable, ..keys(5, 100_000) }).unwrap_err();
            assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
            assert_eq!(
                store.by_hash(&[9, 10, 99_999]).unwrap(),
                [(9, lockstep_model::KeyOwner::Record(RecordId(1)))]
            );
        }
        limit(&store, 1_000_000);
        store.commit(&store.lease(), keys(5, 100_000)).unwrap();
        assert_eq!(store.by_hash(&[9, 10, 99_999]).unwrap().len(), 3);
    }

    #[test]
    fn what_a_great_load_notes_of_keys_goes_into_their_table_when_it_is_much() {
        let mut store = SqliteStore::in_memory().unwrap();
        store.bind(&crate::contract::plan()).unwrap();
        store.bulk_load(true).unwrap();
        let count = |store: &SqliteStore, table: &str| -> i64 {
            store
                .connection()
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
                .unwrap()
        };
        let mut add = |from: u64, to: u64| {
            let keys_added = (from..to).map(|n| (n, RecordId(1))).collect();
            store.commit(&store.lease(), Commit { keys_added, ..Commit::default() }).unwrap();
            (count(&store, "keys"), count(&store, "keys_coming"))
        };
        assert_eq!(add(0, 999), (0, 1));
        assert_eq!(add(999, 1_001), (1_001, 0));
        assert_eq!(add(1_001, 1_003), (1_001, 1));
        store.idle_work().unwrap();
        assert_eq!(
            (count(&store, "keys"), count(&store, "keys_coming")),
            (1_001, 1),
            "so few are not worth it"
        );
        let mut add = |from: u64, to: u64| {
            let keys_added = (from..to).map(|n| (n, RecordId(1))).collect();
            store.commit(&store.lease(), Commit { keys_added, ..Commit::default() }).unwrap();
        };
        add(1_003, 1_600);
        store.idle_work().unwrap();
        assert_eq!(
            (count(&store, "keys"), count(&store, "keys_coming")),
            (1_600, 0),
            "half of what must go in goes in meanwhile"
        );
        store
            .commit(
                &store.lease(),
                Commit { keys_added: vec![(1_600, RecordId(1))], ..Commit::default() },
            )
            .unwrap();
        store.bulk_load(false).unwrap();
        assert_eq!((count(&store, "keys"), count(&store, "keys_coming")), (1_601, 0));
    }

    #[test]
    fn who_was_overtaken_where_locks_do_not_hold_writes_nothing_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut store = SqliteStore::open(&path).unwrap();
        store.bind(&crate::contract::plan()).unwrap();
        let keys = |hash| Commit { keys_added: vec![(hash, RecordId(1))], ..Commit::default() };
        store.commit(&store.lease(), keys(1)).unwrap();
        lease::draw(&Connection::open(&path).unwrap()).unwrap();
        for durable in [false, true] {
            let error = store.commit(&store.lease(), Commit { durable, ..keys(2) }).unwrap_err();
            assert!(matches!(error, StoreError::LostLease { .. }), "{error}");
        }
        assert!(matches!(store.begin_run(Timestamp(1)), Err(StoreError::LostLease { .. })));
        assert_eq!(
            store.by_hash(&[1, 2]).unwrap(),
            [(1, lockstep_model::KeyOwner::Record(RecordId(1)))]
        );
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
