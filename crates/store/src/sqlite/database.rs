//! The connection, and what belongs to it; nothing of a failed transaction is kept.

use rusqlite::Connection;

use super::bound::Bound;
use super::encode::Encoded;
use super::fault::Fallible;
use super::identities::Identities;
use super::ids::Numbers;
use super::lease;
use super::mirrors::Mirrors;
use crate::Lease;

/// The connection and what belongs to it; its functions are spread over the files beside this one.
pub(super) struct Database {
    pub conn: Connection,
    pub bound: Bound,
    pub encoded: Encoded,
    pub numbers: Numbers,
    /// The lease under which this one writes.
    pub lease: Lease,
    pub mirrors: Mirrors,
    pub identities: Identities,
    /// A great load is under way.
    pub bulk: bool,
    /// Nothing may be written.
    pub read_only: bool,
}

impl Database {
    pub(super) fn new(conn: Connection, read_only: bool) -> Fallible<Self> {
        let numbers = Numbers::load(&conn)?;
        let lease = lease::read(&conn)?;
        let mirrors = match read_only {
            true => Mirrors::default(),
            false => Mirrors::load(&conn)?,
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
            numbers,
            lease,
            mirrors,
            identities,
            bulk: false,
            read_only,
        })
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
