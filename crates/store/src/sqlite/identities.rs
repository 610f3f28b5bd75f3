//! That a record key is there once in its record type, while a store is filled for the first time.
//!
//! Record keys come in any order, so that their index is as costly to keep through a great load as
//! match keys are (`coming`). While a store is filled for the first time there is none: hashes of
//! the keys, in memory, tell which were surely not there before. The index is built in one sweep at
//! the end; or at once, where a key comes that may be there; or when a store is opened whose load
//! was killed.

use lockstep_model::NumberSet;
use lockstep_model::matching::seed;
use rusqlite::Connection;

use super::fault::Fallible;

/// What keeps record keys apart.
#[derive(Default)]
pub(super) enum Identities {
    #[default]
    Indexed,
    /// Nothing but these hashes of all keys that are there.
    Counted(NumberSet<u64>),
    /// Nothing: the index must be built before anything is asked.
    Lost,
}

fn hash(row_of_type: i64, key: &str) -> u64 {
    seed(key).wrapping_add((row_of_type as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

impl Identities {
    /// What a connection finds.
    pub(super) fn of(conn: &Connection) -> Fallible<Identities> {
        let there = conn
            .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'records_key'")?
            .exists([])?;
        Ok(if there { Identities::Indexed } else { Identities::Lost })
    }

    /// Does without the index from now on, where there are no records yet.
    pub(super) fn count(&mut self, conn: &Connection) -> Fallible<()> {
        if matches!(self, Identities::Indexed)
            && !conn.prepare("SELECT 1 FROM records LIMIT 1")?.exists([])?
        {
            conn.execute_batch("DROP INDEX records_key")?;
            *self = Identities::Counted(NumberSet::default());
        }
        Ok(())
    }

    /// Builds the index where there is none.
    pub(super) fn index(&mut self, conn: &Connection) -> Fallible<()> {
        if !matches!(self, Identities::Indexed) {
            conn.execute_batch(
                "CREATE UNIQUE INDEX IF NOT EXISTS records_key ON records (type, key)",
            )?;
            *self = Identities::Indexed;
        }
        Ok(())
    }

    /// A record of this key is about to be added. Where there may be one already, the index is
    /// there when this returns, and tells.
    pub(super) fn adds(&mut self, conn: &Connection, row_of_type: i64, key: &str) -> Fallible<()> {
        if let Identities::Counted(there) = self
            && there.insert(hash(row_of_type, key))
        {
            return Ok(());
        }
        self.index(conn)
    }

    /// Whether any of these may be there. If so, the index is there when this returns.
    pub(super) fn may_have(
        &mut self,
        conn: &Connection,
        row_of_type: i64,
        keys: &[&str],
    ) -> Fallible<bool> {
        if let Identities::Counted(there) = self
            && !keys.iter().any(|key| there.contains(&hash(row_of_type, key)))
        {
            return Ok(false);
        }
        self.index(conn)?;
        Ok(!keys.is_empty())
    }
}
