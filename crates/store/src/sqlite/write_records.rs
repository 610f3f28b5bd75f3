//! What a commit says of records, their links and keys, and of who is kept apart.

use std::collections::BTreeMap;

use lockstep_model::{EntityId, IntentId, NumberMap, RecordId, RecordState, TypeIx};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OptionalExtension, Statement};

use super::database::Database;
use super::encode::{Encoded, presence_out};
use super::fault::{Fallible, Fault};
use super::records::HOLE_IN_RECORDS;
use super::spans::Spans;
use super::statements as sql;
use crate::Commit;

impl Database {
    /// Writes what a commit says of records, keys, the agenda and who is kept apart. What is
    /// removed goes first.
    pub(super) fn write_records(&mut self, commit: &mut Commit) -> Fallible<()> {
        for record in &commit.new_records {
            self.bound.saw(record.id, record.ty);
        }
        if !commit.rekeyed.is_empty() {
            let mut rekey = sql::REKEY.prepare(&self.conn)?;
            for (record, key) in &commit.rekeyed {
                rekey.execute((record.0, key))?;
            }
        }
        let mut encoded = std::mem::take(&mut self.encoded);
        let mut counts = Counts::default();
        self.write_new(&commit.new_records, &mut encoded, &mut counts)?;
        self.write_changed(&commit.changed_records, &mut encoded, &mut counts)?;
        self.encoded = encoded;
        for (ty, more) in counts.0.into_iter().filter(|(_, more)| *more != 0) {
            sql::ADD_TO_COUNT.prepare(&self.conn)?.execute((self.bound.ty(ty)?.row, more))?;
        }
        self.write_links(commit)?;
        self.write_keys(commit)?;
        self.mirrors.agenda.write(&self.conn, commit)?;

        let both = |pairs: &[(RecordId, RecordId)]| {
            pairs.iter().flat_map(|(a, b)| [(a.0, b.0), (b.0, a.0)]).collect::<Vec<_>>()
        };
        each(sql::REMOVE_APART.prepare(&self.conn)?, both(&commit.apart_removed).into_iter())?;
        each(sql::ADD_APART.prepare(&self.conn)?, both(&commit.apart_added).into_iter())
    }

    /// In the order of the table: records that are linked together lie anywhere in it.
    fn write_links(&self, commit: &Commit) -> Fallible<()> {
        // A new record that begins an entity never had a row here; a known one that is written
        // whole most often stays where it is.
        let new = commit
            .new_records
            .iter()
            .map(|record| (record.id, record.entity))
            .filter(|(record, entity)| entity.0 != record.0);
        let linked = self.links_of(&commit.changed_records)?;
        let was = |record: RecordId| linked.get(&record).copied().unwrap_or(EntityId(record.0));
        let changed = commit.changed_records.iter().map(|record| (record.id, record.entity));
        let changed = changed.filter(|(record, entity)| was(*record) != *entity);
        let mut links: Vec<(RecordId, EntityId)> =
            new.chain(changed).chain(commit.relinked.iter().copied()).collect();
        links.sort_by_key(|(record, _)| *record);
        let (mut set, mut end) =
            (sql::SET_LINK.prepare(&self.conn)?, sql::END_LINK.prepare(&self.conn)?);
        for (record, entity) in links {
            if entity.0 == record.0 {
                end.raw_bind_parameter(1, record.0)?;
                end.raw_execute()?;
            } else {
                set.raw_bind_parameter(1, record.0)?;
                set.raw_bind_parameter(2, entity.0)?;
                set.raw_execute()?;
            }
        }
        Ok(())
    }

    /// The entities of those of these records that did not begin theirs, as the table has them.
    fn links_of(&self, records: &[RecordState]) -> Fallible<NumberMap<RecordId, EntityId>> {
        let spans = Spans::over(records.iter().map(|record| record.id.0), HOLE_IN_RECORDS);
        let mut found = NumberMap::default();
        let mut statement = sql::LINKS.prepare(&self.conn)?;
        for span in &spans.ranges {
            let mut rows = statement.query([span.low, span.high])?;
            while let Some(row) = rows.next()? {
                found.insert(RecordId(row.get(0)?), EntityId(row.get(1)?));
            }
        }
        Ok(found)
    }

    fn write_keys(&mut self, commit: &mut Commit) -> Fallible<()> {
        let removed = numbers(&commit.keys_removed, &commit.promises_removed);
        let mut added = numbers(&commit.keys_added, &commit.promises_added);
        if self.bulk {
            self.mirrors.coming.note(&self.conn, &removed, &added)?;
            return if self.mirrors.coming.is_much() { self.settle_keys() } else { Ok(()) };
        }
        self.settle_keys()?;
        each(sql::REMOVE_KEY.prepare(&self.conn)?, removed.into_iter())?;
        // In the order of the table: a random key would touch a page of its own, sorted ones share
        // them.
        added.sort_unstable();
        each(sql::ADD_KEY.prepare(&self.conn)?, added.into_iter())
    }

    /// Puts what a great load has noted of keys into their table; a load that was killed has left
    /// some.
    pub(super) fn settle_keys(&mut self) -> Fallible<()> {
        self.mirrors.coming.settle(&self.conn)
    }

    fn write_new(
        &mut self,
        records: &[RecordState],
        encoded: &mut Encoded,
        counts: &mut Counts,
    ) -> Fallible<()> {
        let mut insert = sql::NEW_RECORD.prepare(&self.conn)?;
        for record in records {
            encoded.fill(&self.conn, &mut self.bound, record)?;
            let row_of_type = self.bound.ty(record.ty)?.row;
            self.identities.adds(&self.conn, row_of_type, &record.key)?;
            insert.raw_bind_parameter(1, record.id.0)?;
            insert.raw_bind_parameter(2, row_of_type)?;
            insert.raw_bind_parameter(3, record.key.as_str())?;
            bind_rest(&mut insert, 4, record, encoded)?;
            insert.raw_execute()?;
            counts.becomes(record, false);
        }
        Ok(())
    }

    fn write_changed(
        &mut self,
        records: &[RecordState],
        encoded: &mut Encoded,
        counts: &mut Counts,
    ) -> Fallible<()> {
        let mut update = sql::CHANGE_RECORD.prepare(&self.conn)?;
        let mut was_live = sql::IS_LIVE.prepare(&self.conn)?;
        let mut in_order: Vec<&RecordState> = records.iter().collect();
        in_order.sort_by_key(|record| record.id);
        for record in in_order {
            encoded.fill(&self.conn, &mut self.bound, record)?;
            let before: Option<bool> =
                was_live.query_row([record.id.0], |row| row.get(0)).optional()?;
            let Some(before) = before else {
                return Err(Fault::Damaged(format!(
                    "record {} is to be changed and is not there",
                    record.id
                )));
            };
            update.raw_bind_parameter(1, record.id.0)?;
            bind_rest(&mut update, 2, record, encoded)?;
            update.raw_execute()?;
            counts.becomes(record, before);
        }
        Ok(())
    }
}

/// How many more live records of each type a commit makes.
#[derive(Default)]
struct Counts(BTreeMap<TypeIx, i64>);

impl Counts {
    fn becomes(&mut self, record: &RecordState, was_live: bool) {
        if record.is_live() != was_live {
            *self.0.entry(record.ty).or_default() += if was_live { -1 } else { 1 };
        }
    }
}

/// Binds what new and changed records have in common, from this parameter on.
fn bind_rest(
    statement: &mut Statement<'_>,
    first: usize,
    record: &RecordState,
    encoded: &Encoded,
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(first, record.version.as_deref())?;
    statement.raw_bind_parameter(first + 1, record.modified.map(|at| at.0))?;
    statement.raw_bind_parameter(first + 2, record.first_seen.0)?;
    statement.raw_bind_parameter(first + 3, presence_out(record.presence))?;
    statement.raw_bind_parameter(first + 4, record.written_at.map(|at| at.0))?;
    statement.raw_bind_parameter(first + 5, encoded.claimed_at)?;
    statement
        .raw_bind_parameter(first + 6, ToSqlOutput::Borrowed(ValueRef::Text(&encoded.shadow)))?;
    statement.raw_bind_parameter(first + 7, encoded.claims.as_deref())
}

/// Runs a statement of two parameters for each pair.
fn each(
    mut statement: CachedStatement<'_>,
    pairs: impl Iterator<Item = (i64, i64)>,
) -> Fallible<()> {
    for (a, b) in pairs {
        statement.raw_bind_parameter(1, a)?;
        statement.raw_bind_parameter(2, b)?;
        statement.raw_execute()?;
    }
    Ok(())
}

/// Keys as the table has them: a promise by its intent's number, negated.
fn numbers(keys: &[(u64, RecordId)], promises: &[(u64, IntentId)]) -> Vec<(i64, i64)> {
    let records = keys.iter().map(|&(hash, record)| (hash as i64, record.0));
    records.chain(promises.iter().map(|&(hash, intent)| (hash as i64, -intent.0))).collect()
}
