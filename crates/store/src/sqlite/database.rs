//! The connection, and what belongs to it; nothing of a failed transaction is kept.

use rusqlite::Connection;

use super::bound::Bound;
use super::encode::Encoded;
use super::fault::Fallible;
use super::identities::Identities;
use super::mirrors::Mirrors;
use super::statements;

/// The connection and what belongs to it; its functions are spread over the files beside this one.
pub(super) struct Database {
    pub conn: Connection,
    pub bound: Bound,
    pub encoded: Encoded,
    pub next: Counters,
    pub mirrors: Mirrors,
    pub identities: Identities,
    /// A great load is under way.
    pub bulk: bool,
    /// Nothing may be written.
    pub read_only: bool,
}

/// The numbers that come next. They are written with the commit that uses them: a number that was
/// handed out and never came into a commit is nowhere, and may be handed out again by the next
/// process.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub record: i64,
    pub intent: i64,
    pub changed: bool,
}

impl Database {
    pub(super) fn new(conn: Connection, read_only: bool) -> Fallible<Self> {
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
        let mirrors = match read_only {
            true => Mirrors::default(),
            false => Mirrors::load(&conn)?,
        };
        let mut identities = Identities::of(&conn)?;
        if !read_only {
            identities.index(&conn)?;
        }
        let (bound, encoded) = Default::default();
        Ok(Database { conn, bound, encoded, next, mirrors, identities, bulk: false, read_only })
    }

    /// Runs something in a transaction; nothing of it is kept if it fails.
    pub(super) fn within<T>(
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
                self.mirrors.reload(&self.conn);
                if matches!(self.identities, Identities::Indexed) {
                    // It may have been built in this very step.
                    self.identities = Identities::of(&self.conn).unwrap_or(Identities::Lost);
                }
            }
        }
        result
    }
}
