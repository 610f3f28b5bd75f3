//! Writing to the store in one file, and what is stored there by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockstep_model::{IntentId, RecordId, RunId, Timestamp, Value};
use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::checkpointer::Checkpointer;
use super::database::Database;
use super::fault::Fault;
use super::handle::SqliteStore;
use super::{lock, statements};
use crate::{
    BoundType, Commit, Flush, Renamed, Renaming, Result, Store, StoreError, StoredType, TypeStatus,
};

use super::ids::Numbered;
use crate::Lease;
use crate::boundary::{Catalogue, Commits, Upkeep};

impl Commits for SqliteStore {
    fn take_over(&mut self) -> Result<Lease> {
        SqliteStore::take_over(self)
    }

    fn take_record_ids(&mut self, count: usize) -> Result<RecordId> {
        self.take(Numbered::Record, count).map(RecordId)
    }

    fn take_intent_ids(&mut self, count: usize) -> Result<IntentId> {
        self.take(Numbered::Intent, count).map(IntentId)
    }

    fn lease(&self) -> Lease {
        self.database.lease.clone()
    }

    fn commit(&mut self, lease: &Lease, commit: Commit) -> Result<()> {
        let durable = commit.durable;
        let write = |database: &mut Database| database.commit(commit);
        match durable {
            true => self.as_durable(|store| store.writing_under(lease, write))?,
            false => self.writing_under(lease, write)?,
        }
        if let Some(behind) = &self.behind {
            behind.committed();
        }
        Ok(())
    }

    fn commit_unflushed(&mut self, lease: &Lease, commit: Commit) -> Result<Flush> {
        if !self.logged {
            self.commit(lease, Commit { durable: true, ..commit })?;
            return Ok(Box::new(|| Ok(())));
        }
        self.commit(lease, Commit { durable: false, ..commit })?;
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

    fn begin_run(&mut self, now: Timestamp) -> Result<RunId> {
        self.writing(|database| database.begin_run(now))
    }

    fn end_run(&mut self, run: RunId, now: Timestamp, summary: &Value) -> Result<()> {
        self.writing(|database| database.end_run(run, now, summary))
    }

    fn prune_journal(&mut self, before: RunId) -> Result<u64> {
        self.writing(|database| database.prune_journal(before))
    }
}

impl Catalogue for SqliteStore {
    fn bind(&mut self, types: &[BoundType]) -> Result<Vec<TypeStatus>> {
        match self.database.read_only {
            true => self.reading(|database| database.bind(types)),
            false => self.writing(|database| database.bind(types)),
        }
    }

    fn identity(&mut self) -> Result<String> {
        self.reading(|database| database.identity())
    }

    fn marks(&mut self) -> Result<Vec<(String, Value)>> {
        self.reading(|database| database.marks())
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
}

impl Upkeep for SqliteStore {
    fn bulk_load(&mut self, begins: bool) -> Result<()> {
        self.database.bulk = begins;
        if begins {
            self.writing(|database| database.identities.count(&database.conn))?;
            self.behind = self._lock.is_some().then(|| Checkpointer::start(&self.path));
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

    fn idle_work(&mut self) -> Result<()> {
        match self.database.bulk && self.database.mirrors.coming.is_worth_settling() {
            true => self.writing(Database::settle_keys),
            false => Ok(()),
        }
    }
}

impl Store for SqliteStore {
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
            database.numbers = self.database.numbers;
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
