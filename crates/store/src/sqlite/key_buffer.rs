//! Match keys on their way into their table, during a great load.
//!
//! A key is a hash, so of ten thousand keys nearly each falls on a page of its own, and each commit
//! would write most of the table's pages anew: at a million records a side that was several times
//! the store's size. So during a great load a commit only notes what happens to keys, in one row;
//! all that was noted is kept in memory as well, and goes into the table together, in the table's
//! order, when there is enough of it: a log-structured merge tree of two levels (O'Neil et al., The
//! Log-Structured Merge-Tree, 1996).

use std::collections::BTreeMap;

use lockstep_model::NumberMap;
use rusqlite::Connection;

use super::fault::{Fallible, Fault};
use super::statements as sql;

/// Maximum number of buffered keys before they are written to the table: some 10 MB of memory.
const MOST: usize = if cfg!(test) { 1_000 } else { 250_000 };
/// One of them on disk: the hash, the record, and whether it is added.
const WIDTH: usize = 17;

/// What was noted and is not in the table yet: whether the record is to be found under the hash.
#[derive(Default)]
pub(super) struct KeyBuffer {
    /// The first record of each hash; nearly always the only one.
    keys: NumberMap<i64, (i64, bool)>,
    more: BTreeMap<(i64, i64), bool>,
}

impl KeyBuffer {
    /// What is on disk of it.
    pub(super) fn load(conn: &Connection) -> Fallible<KeyBuffer> {
        let mut coming = KeyBuffer::default();
        let mut statement = sql::COMING.prepare(conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let noted = row
                .get_ref(0)?
                .as_blob()
                .map_err(|error| Fault::Damaged(format!("`keys_coming` can't be read: {error}")))?;
            for one in noted.chunks_exact(WIDTH) {
                let number = |at: usize| one[at..at + 8].try_into().map_or(0, i64::from_le_bytes);
                coming.keep(number(0), number(8), one[16] != 0);
            }
        }
        Ok(coming)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// There is enough of it to go into the table.
    pub(super) fn is_much(&self) -> bool {
        self.len() >= MOST
    }

    /// There is enough of it to go into the table while nothing else is to be done.
    pub(super) fn is_worth_settling(&self) -> bool {
        self.len() >= MOST / 2
    }

    fn len(&self) -> usize {
        self.keys.len() + self.more.len()
    }

    fn keep(&mut self, hash: i64, record: i64, there: bool) {
        let first = self.keys.entry(hash).or_insert((record, there));
        match first.0 == record {
            true => first.1 = there,
            false => drop(self.more.insert((hash, record), there)),
        }
    }

    /// Notes what is removed, then what is added: what is both is there afterwards.
    pub(super) fn note(
        &mut self,
        conn: &Connection,
        removed: &[(i64, i64)],
        added: &[(i64, i64)],
    ) -> Fallible<()> {
        let both =
            || removed.iter().map(|key| (key, false)).chain(added.iter().map(|key| (key, true)));
        let mut noted = Vec::with_capacity(WIDTH * (removed.len() + added.len()));
        for ((hash, record), there) in both() {
            noted.extend_from_slice(&hash.to_le_bytes());
            noted.extend_from_slice(&record.to_le_bytes());
            noted.push(u8::from(there));
            self.keep(*hash, *record, there);
        }
        if !noted.is_empty() {
            sql::NOTE_COMING.prepare(conn)?.execute([noted])?;
        }
        Ok(())
    }

    /// What was noted of a hash: the records, and whether they are to be found under it.
    pub(super) fn of(&self, hash: i64) -> impl Iterator<Item = (i64, bool)> {
        let more = self
            .more
            .range((hash, i64::MIN)..=(hash, i64::MAX))
            .map(|(&(_, record), &there)| (record, there));
        self.keys.get(&hash).copied().into_iter().chain(more)
    }

    /// Puts all of it into the table.
    pub(super) fn settle(&mut self, conn: &Connection) -> Fallible<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let (mut add, mut remove) = (sql::ADD_KEY.prepare(conn)?, sql::REMOVE_KEY.prepare(conn)?);
        let first = std::mem::take(&mut self.keys)
            .into_iter()
            .map(|(hash, (record, there))| (hash, record, there));
        let more = std::mem::take(&mut self.more)
            .into_iter()
            .map(|((hash, record), there)| (hash, record, there));
        let mut all: Vec<(i64, i64, bool)> = first.chain(more).collect();
        all.sort_unstable();
        for (hash, record, there) in all {
            let statement = if there { &mut add } else { &mut remove };
            statement.raw_bind_parameter(1, hash)?;
            statement.raw_bind_parameter(2, record)?;
            statement.raw_execute()?;
        }
        sql::NO_COMING.prepare(conn)?.execute([])?;
        Ok(())
    }
}
