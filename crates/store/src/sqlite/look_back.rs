//! Looking back by run: what a run decided, what happened in it, and forgetting what is older than
//! a project wants to keep.
//!
//! Runs follow one another, and so do the numbers of what they write: the first row of a run is
//! found by halving the range of numbers (Knuth, The Art of Computer Programming, volume 3, section
//! 6.2.1), so that no table needs an index by run or time, which a first run of a million records
//! would pay for. Rows that were pruned leave holes, which do not matter to that.

use std::collections::BTreeMap;

use lockstep_model::{Intent, IntentId, Review, RunId, Timestamp, Value};
use rusqlite::Connection;
use serde_json::Map;

use super::database::Database;
use super::fault::Fallible;
use super::journal::{entry_in, run_in};
use super::json;
use super::outbox::decode;
use super::reviews::review_in;
use super::statements as sql;
use crate::{JournalEntry, RunRow, WrittenName};

/// A table in which something rises with the rows' numbers: the run, or the time.
struct Rising {
    last: sql::Sql,
    /// What rises, of the first row of this number or a higher one.
    at: sql::Sql,
}

const INTENTS: Rising = Rising { last: sql::LAST_INTENT, at: sql::RUN_OF_INTENT };
const JOURNAL: Rising = Rising { last: sql::LAST_ENTRY, at: sql::RUN_OF_ENTRY };
const RUNS: Rising = Rising { last: sql::LAST_RUN, at: sql::STARTED };

impl Rising {
    /// The number from which on rows have this or more; behind the last row where none has.
    fn first(&self, conn: &Connection, wanted: i64) -> Fallible<i64> {
        let last: Option<i64> = self.last.prepare(conn)?.query_row([], |row| row.get(0))?;
        let mut at = self.at.prepare(conn)?;
        let (mut low, mut high) = (0, last.unwrap_or(0) + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut rows = at.query([middle])?;
            let earlier = match rows.next()? {
                Some(row) => row.get::<_, i64>(0)? < wanted,
                None => false,
            };
            if earlier {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

impl Database {
    pub(super) fn intents_of_runs(
        &mut self,
        (first, last): (RunId, RunId),
        after: Option<IntentId>,
        limit: usize,
    ) -> Fallible<Vec<Intent>> {
        let from = INTENTS.first(&self.conn, first.0)?.max(after.map_or(i64::MIN, |id| id.0 + 1));
        let to = INTENTS.first(&self.conn, last.0 + 1)?;
        let mut found = Vec::new();
        let mut statement = sql::INTENTS.prepare(&self.conn)?;
        let mut rows = statement.query([from, to - 1])?;
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            found.extend(decode(&self.bound, &self.mirrors.open, row)?);
        }
        Ok(found)
    }

    pub(super) fn written_names(
        &mut self,
        (first, last): (RunId, RunId),
    ) -> Fallible<Vec<WrittenName>> {
        let (from, to) =
            (INTENTS.first(&self.conn, first.0)?, INTENTS.first(&self.conn, last.0 + 1)?);
        let mut names: BTreeMap<(String, Option<String>), u64> = BTreeMap::new();
        let mut statement = sql::WRITTEN_NAMES.prepare(&self.conn)?;
        let mut rows = statement.query([from, to - 1])?;
        while let Some(row) = rows.next()? {
            let (ty, source): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let changes = json::parse::<Vec<Map<String, Value>>>(&row.get::<_, String>(2)?)
                .unwrap_or_default();
            if changes.is_empty() {
                *names.entry((ty.clone(), None)).or_default() += 1;
            }
            for change in &changes {
                let text = |member: &str| change.get(member).and_then(Value::as_str);
                let Some(path) = text("path") else { continue };
                *names.entry((ty.clone(), Some(path.to_string()))).or_default() += 1;
                if let Some(source) = text("type").or(source.as_deref()) {
                    names
                        .entry((source.to_string(), Some(text("from").unwrap_or(path).to_string())))
                        .or_default();
                }
            }
        }
        Ok(names.into_iter().map(|((ty, path), writes)| WrittenName { ty, path, writes }).collect())
    }

    pub(super) fn journal_of_runs(
        &mut self,
        (first, last): (RunId, RunId),
        limit: usize,
    ) -> Fallible<Vec<JournalEntry>> {
        let (from, to) =
            (JOURNAL.first(&self.conn, first.0)?, JOURNAL.first(&self.conn, last.0 + 1)?);
        let mut found = Vec::new();
        let mut statement = sql::JOURNAL_BETWEEN.prepare(&self.conn)?;
        let mut rows = statement.query((from, to - 1, i64::try_from(limit).unwrap_or(i64::MAX)))?;
        while let Some(row) = rows.next()? {
            found.push(entry_in(row)?);
        }
        Ok(found)
    }

    pub(super) fn run(&mut self, id: RunId) -> Fallible<Option<RunRow>> {
        let mut statement = sql::RUN.prepare(&self.conn)?;
        let mut rows = statement.query([id.0])?;
        rows.next()?.map(run_in).transpose()
    }

    pub(super) fn run_from(&mut self, since: Timestamp) -> Fallible<Option<RunId>> {
        let first = RUNS.first(&self.conn, since.0)?;
        let last: Option<i64> =
            sql::LAST_RUN.prepare(&self.conn)?.query_row([], |row| row.get(0))?;
        Ok(last.filter(|last| first <= *last).map(|_| RunId(first.max(1))))
    }

    pub(super) fn prune_journal(&mut self, before: RunId) -> Fallible<u64> {
        let from = JOURNAL.first(&self.conn, before.0)?;
        Ok(sql::PRUNE_JOURNAL.prepare(&self.conn)?.execute([from])? as u64)
    }

    pub(super) fn numbered_reviews(&mut self, limit: usize) -> Fallible<Vec<(i64, Review)>> {
        let mut found = Vec::new();
        let mut statement = sql::REVIEWS.prepare(&self.conn)?;
        let mut rows = statement.query([i64::MAX])?;
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            if let Some(review) = review_in(&self.bound, row)? {
                found.push((row.get(9)?, review));
            }
        }
        Ok(found)
    }
}
