//! The form of the file: numbered SQL files, each run once, in a transaction of its own.
//!
//! A store written by a newer program is left alone (`StoreError::Newer`): what it added could be
//! lost. A file that is not ours is known by SQLite's application id, and never written to.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::{Fallible, Fault};
use crate::{Result, StoreError};

/// In order; the first makes form 1. One that was released is never changed again.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_marks.sql"),
    include_str!("../../migrations/0003_flows.sql"),
    include_str!("../../migrations/0004_outcomes.sql"),
    include_str!("../../migrations/0005_counts.sql"),
    include_str!("../../migrations/0006_coming.sql"),
    include_str!("../../migrations/0007_links.sql"),
    include_str!("../../migrations/0008_identity.sql"),
    include_str!("../../migrations/0009_review_numbers.sql"),
    include_str!("../../migrations/0010_lease.sql"),
    include_str!("../../migrations/0011_counted.sql"),
    include_str!("../../migrations/0012_reasons.sql"),
    include_str!("../../migrations/0013_details.sql"),
];

/// "LkSt", as SQLite keeps it in the file's first page.
const APPLICATION: i64 = 0x4c6b_5374;

/// The form that this program reads and writes.
const KNOWN: u32 = MIGRATIONS.len() as u32;

/// Brings a file to the known form; a fresh one gets all of it.
pub(super) fn migrate(conn: &mut Connection, place: &str) -> Result<()> {
    let form = form_of(conn, place)?;
    for (from, text) in MIGRATIONS.iter().enumerate().skip(form as usize) {
        step(conn, from as u32 + 1, text).map_err(|fault| fault.at(place))?;
    }
    Ok(())
}

/// Fails on a file that is not ours or too new, before any setting is written into it.
pub(super) fn refuse_others(conn: &Connection, place: &str) -> Result<()> {
    form_of(conn, place).map(|_| ())
}

/// Makes sure that the file can be read as it is.
pub(super) fn check(conn: &Connection, place: &str) -> Result<()> {
    match form_of(conn, place)? {
        KNOWN => Ok(()),
        0 => Err(StoreError::Empty { place: place.into() }),
        found => Err(StoreError::Older { place: place.into(), found, known: KNOWN }),
    }
}

fn step(conn: &mut Connection, form: u32, text: &str) -> Fallible<()> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if form == 1 {
        transaction.execute_batch("CREATE TABLE schema_version (form INTEGER PRIMARY KEY);")?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    transaction.execute_batch(text)?;
    transaction.execute("INSERT INTO schema_version (form) VALUES (?1)", [form])?;
    Ok(transaction.commit()?)
}

/// The form of the file; 0 for a fresh one.
fn form_of(conn: &Connection, place: &str) -> Result<u32> {
    let (application, tables, form) = (|| {
        let application: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 =
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let form: u32 = match application {
            APPLICATION => {
                conn.query_row("SELECT max(form) FROM schema_version", [], |row| row.get(0))?
            }
            _ => 0,
        };
        Ok((application, tables, form))
    })()
    .map_err(|error: rusqlite::Error| Fault::Sqlite(error).at(place))?;
    if application != APPLICATION && (application != 0 || tables > 0) {
        let message =
            "this is a database of another program; name another file for the store".into();
        return Err(StoreError::Damaged { place: place.into(), message });
    }
    if form > KNOWN {
        return Err(StoreError::Newer { place: place.into(), found: form, known: KNOWN });
    }
    Ok(form)
}
