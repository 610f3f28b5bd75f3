//! Copies of a store: made while it is at work, and put in its place.
//!
//! A copy that is put back does not know what happened since it was made. What was to be sent then
//! may have been sent: all of it becomes *unknown*, and is found out about before anything else
//! (C2). Writes keep their numbers and the store its name, so that a system which takes idempotency
//! keys knows what it was sent; new writes are told from those since forgotten by their time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lockstep_model::{IntentKind, Timestamp};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::fault::{Fallible, Fault};
use super::handle::{open_to_read, settle};
use super::lock::{self, Lock, beside};
use super::{migrations, statements as sql};
use crate::{Result, StoreError};

/// A store that is being written to is waited for this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Said of each write that was open when the copy was made.
const MAY_HAVE_BEEN_SENT: &str =
    "it may have been sent after the backup was made from which this store was restored";

/// Writes that were open in a copy, of one record type and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWrites {
    pub ty: String,
    pub kind: IntentKind,
    pub count: u64,
}

/// A store that was put in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// What is found out about first.
    pub open: Vec<OpenWrites>,
    /// Where the store is that was there before.
    pub replaced: Option<PathBuf>,
}

/// Copies a store, also while it is at work, and checks the copy. A file that is there is replaced.
///
/// # Errors
/// There is no store, the copy can't be written, or it is damaged.
pub fn back_up(store: &Path, copy: &Path) -> Result<()> {
    if !store.exists() {
        return Err(StoreError::Empty { place: store.display().to_string() });
    }
    let part = beside(copy, ".part");
    let copied = copied(store, &part).and_then(|conn| {
        // One file, whole by itself.
        conn.pragma_update(None, "journal_mode", "DELETE").map_err(at(&part))?;
        whole(&conn, store)
    });
    let done = copied.and_then(|()| {
        File::open(&part)
            .and_then(|file| file.sync_all())
            .map_err(|error| unwritable(copy, &error))?;
        fs::rename(&part, copy).map_err(|error| unwritable(copy, &error))
    });
    if done.is_err() {
        remove(&part);
    }
    done
}

/// Puts a copy in the place of a store, in which nothing is sent before `not_before` that was open
/// when the copy was made. What was there is kept beside it.
///
/// # Errors
/// The store is in use, the copy is damaged or no store, or the place can't be written. The store
/// is as it was then.
pub fn put_back(copy: &Path, store: &Path, not_before: Timestamp) -> Result<PutBack> {
    if !copy.exists() {
        return Err(StoreError::Empty { place: copy.display().to_string() });
    }
    let _lock = Lock::take(store)?;
    let part = beside(store, ".restoring");
    let open = prepared(copy, &part, not_before).inspect_err(|_| remove(&part))?;
    let mut replaced = None;
    let moved =
        |from: &Path, to: &Path| fs::rename(from, to).map_err(|error| unwritable(store, &error));
    if store.exists() {
        let aside = beside(store, ".replaced");
        remove(&aside);
        moved(store, &aside)?;
        let log = beside(store, "-wal");
        if log.exists() {
            moved(&log, &beside(&aside, "-wal"))?;
        }
        replaced = Some(aside);
    }
    remove(store);
    moved(&part, store)?;
    Ok(PutBack { open, replaced })
}

/// The copy in a file of its own, brought to the form of today, all that was open in it unknown.
fn prepared(copy: &Path, part: &Path, not_before: Timestamp) -> Result<Vec<OpenWrites>> {
    let mut conn = copied(copy, part)?;
    whole(&conn, copy)?;
    settle(&conn).map_err(|fault| fault.at(&part.display().to_string()))?;
    migrations::migrate(&mut conn, &copy.display().to_string())?;
    let open =
        doubt(&mut conn, not_before).map_err(|fault| fault.at(&part.display().to_string()))?;
    // All of it is in the one file then.
    conn.pragma_update(None, "journal_mode", "DELETE").map_err(at(part))?;
    drop(conn);
    File::open(part).and_then(|file| file.sync_all()).map_err(|error| unwritable(part, &error))?;
    Ok(open)
}

/// Whatever is open may have been sent. Gives what that is.
fn doubt(conn: &mut Connection, not_before: Timestamp) -> Fallible<Vec<OpenWrites>> {
    let transaction = conn.transaction()?;
    let mut open = Vec::new();
    {
        let mut statement = sql::OPEN_BY_KIND.prepare(&transaction)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let kind: String = row.get(1)?;
            let kind = [IntentKind::Create, IntentKind::Update, IntentKind::Delete]
                .into_iter()
                .find(|one| one.name() == kind)
                .ok_or_else(|| Fault::Damaged(format!("“{kind}” is no kind of a write")))?;
            let count = row.get::<_, i64>(2)?.unsigned_abs();
            open.push(OpenWrites { ty: row.get(0)?, kind, count });
        }
    }
    sql::DOUBT_OPEN.prepare(&transaction)?.execute((not_before.0, MAY_HAVE_BEEN_SENT))?;
    sql::NO_SENDING.prepare(&transaction)?.execute([])?;
    transaction.commit()?;
    Ok(open)
}

/// One file copied into another by SQLite, which takes in what is in the log of the first.
fn copied(from: &Path, to: &Path) -> Result<Connection> {
    let place = from.display().to_string();
    let source = open_to_read(from).map_err(|fault| fault.at(&place))?;
    migrations::refuse_others(&source, &place)?;
    remove(to);
    lock::make_private(to);
    let mut target = Connection::open(to).map_err(|error| unwritable(to, &error))?;
    let until = Instant::now() + PATIENCE;
    {
        let backup = Backup::new(&source, &mut target).map_err(at(to))?;
        // In one step: a store that is written to meanwhile would have it begin anew each time.
        while !matches!(backup.step(-1).map_err(at(to))?, StepResult::Done) {
            if Instant::now() > until {
                let holder = "a program that has the file open and writes to it".into();
                return Err(StoreError::Locked { place, holder });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(target)
}

/// SQLite's own check of a copy; `of` is named where it fails.
fn whole(conn: &Connection, of: &Path) -> Result<()> {
    let check = "PRAGMA integrity_check(3)";
    let mut statement = conn.prepare(check).map_err(at(of))?;
    let found = statement.query_map([], |row| row.get::<_, String>(0)).map_err(at(of))?;
    let found: Vec<String> = found.collect::<rusqlite::Result<_>>().map_err(at(of))?;
    match found.iter().all(|line| line == "ok") {
        true => Ok(()),
        false => Err(StoreError::Damaged {
            place: of.display().to_string(),
            message: format!("the file is damaged: {}", found.join("; ")),
        }),
    }
}

fn at(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
    |error| Fault::Sqlite(error).at(&path.display().to_string())
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unwritable { place: path.display().to_string(), message: error.to_string() }
}

/// Removes a file of SQLite with what lies beside it.
fn remove(path: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(path, end));
    }
}
