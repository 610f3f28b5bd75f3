//! Records with their keys, and what goes with them: the agenda, and who is kept apart.

use std::collections::BTreeMap;

use lockstep_model::{EntityId, NumberMap, RecordId, RecordState, TypeIx};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Rows, Statement};

use super::Database;
use super::coming::Coming;
use super::encode::{Encoded, decode, presence_out, text};
use super::fault::{Fallible, Fault};
use super::ranges::Ranges;
use super::spans::Spans;
use super::statements as sql;
use crate::Commit;

/// A record that was not asked for costs a fifth of another look-up.
const HOLE_IN_RECORDS: i64 = 2;

/// A step along an index costs a fifth of a look-up, too.
const STEPS_BEFORE_A_LOOK_UP: usize = 2;

/// The columns of the statements over `records` that ranges are asked for by.
const ID: usize = 0;
const ENTITY: usize = 3;

impl Database {
    pub(super) fn records(&mut self, ids: &[RecordId]) -> Fallible<Vec<RecordState>> {
        let spans = Spans::over(ids.iter().map(|id| id.0), HOLE_IN_RECORDS);
        let mut found = Vec::with_capacity(spans.len());
        let mut statement = sql::RECORDS.prepare(&self.conn)?;
        for span in &spans.ranges {
            self.decode_of(ID, statement.query([span.low, span.high])?, &spans, &mut found)?;
        }
        remember(&mut self.bound, &found);
        Ok(found)
    }

    pub(super) fn keys_of(&mut self, ids: &[RecordId]) -> Fallible<Vec<(RecordId, String)>> {
        let spans = Spans::over(ids.iter().map(|id| id.0), HOLE_IN_RECORDS);
        let mut found = Vec::with_capacity(spans.len());
        let mut statement = sql::KEYS_OF.prepare(&self.conn)?;
        for span in &spans.ranges {
            let mut rows = statement.query([span.low, span.high])?;
            while let Some(row) = rows.next()? {
                if spans.wants(row.get(0)?) {
                    found.push((RecordId(row.get(0)?), row.get(1)?));
                }
            }
        }
        Ok(found)
    }

    /// The records of these rows whose number in this column is wanted.
    fn decode_of(
        &self,
        column: usize,
        mut rows: Rows<'_>,
        spans: &Spans,
        found: &mut Vec<RecordState>,
    ) -> Fallible<()> {
        while let Some(row) = rows.next()? {
            if spans.wants(row.get(column)?) {
                found.extend(decode(&self.bound, row)?);
            }
        }
        Ok(())
    }

    pub(super) fn by_key(&mut self, ty: TypeIx, keys: &[&str]) -> Fallible<Vec<RecordState>> {
        let ids = self.ids_of_keys(ty, keys)?;
        // What was read together once lies together, in whatever order its keys are: so the records
        // come in ranges.
        self.records(&ids)
    }

    /// Walks the index of record keys beside the keys in their order: a page that a system gives in
    /// the order of its ids costs a step for each key, another one a look-up for each.
    fn ids_of_keys(&mut self, ty: TypeIx, keys: &[&str]) -> Fallible<Vec<RecordId>> {
        let row_of_type = self.bound.ty(ty)?.row;
        if !self.read_only && !self.identities.may_have(&self.conn, row_of_type, keys)? {
            return Ok(vec![]);
        }
        let mut sorted: Vec<&str> = keys.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut wanted = sorted.into_iter().peekable();
        let mut ids = Vec::with_capacity(wanted.len());
        let mut statement = sql::KEYS_FROM.prepare(&self.conn)?;
        while let Some(from) = wanted.peek() {
            let mut rows = statement.query((row_of_type, from))?;
            let mut unwanted = 0;
            while unwanted <= STEPS_BEFORE_A_LOOK_UP {
                // Behind the last key of the index nothing more is to be found.
                let Some(row) = rows.next()? else { return Ok(ids) };
                let key = text(row, 0)?.unwrap_or_default();
                while wanted.next_if(|next| *next < key).is_some() {}
                match wanted.next_if_eq(&key) {
                    Some(_) => {
                        ids.push(RecordId(row.get(1)?));
                        unwanted = 0;
                    }
                    None => unwanted += 1,
                }
                if wanted.peek().is_none() {
                    return Ok(ids);
                }
            }
        }
        Ok(ids)
    }

    pub(super) fn members(&mut self, entities: &[EntityId]) -> Fallible<Vec<RecordState>> {
        let spans = Spans::over(entities.iter().map(|id| id.0), HOLE_IN_RECORDS);
        let mut found = Vec::with_capacity(spans.len());
        // The record that an entity began with has its number; it may have gone to another entity
        // since.
        let mut began = sql::RECORDS.prepare(&self.conn)?;
        let mut joined = sql::MEMBERS.prepare(&self.conn)?;
        for span in &spans.ranges {
            let mut rows = began.query([span.low, span.high])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                if id == row.get::<_, i64>(3)? && spans.wants(id) {
                    found.extend(decode(&self.bound, row)?);
                }
            }
            self.decode_of(ENTITY, joined.query([span.low, span.high])?, &spans, &mut found)?;
        }
        remember(&mut self.bound, &found);
        Ok(found)
    }

    pub(super) fn joined(&mut self, entities: &[EntityId]) -> Fallible<Vec<RecordState>> {
        let spans = Spans::over(entities.iter().map(|id| id.0), HOLE_IN_RECORDS);
        let mut found = Vec::new();
        let mut joined = sql::MEMBERS.prepare(&self.conn)?;
        for span in &spans.ranges {
            self.decode_of(ENTITY, joined.query([span.low, span.high])?, &spans, &mut found)?;
        }
        remember(&mut self.bound, &found);
        Ok(found)
    }

    pub(super) fn by_hash(&mut self, hashes: &[u64]) -> Fallible<Vec<(u64, RecordId)>> {
        let mut sorted: Vec<i64> = hashes.iter().map(|&hash| hash as i64).collect();
        sorted.sort_unstable();
        sorted.dedup();
        if self.read_only {
            self.coming = Coming::load(&self.conn)?;
        }
        let mut found = Vec::new();
        let mut statement = sql::BY_HASH.prepare(&self.conn)?;
        for hash in sorted {
            let first = found.len();
            let mut rows = statement.query([hash])?;
            while let Some(row) = rows.next()? {
                found.push((hash as u64, RecordId(row.get(0)?)));
            }
            if self.coming.is_empty() {
                continue;
            }
            for (record, there) in self.coming.of(hash) {
                let place = found[first..].iter().position(|(_, known)| known.0 == record);
                match (there, place) {
                    (true, None) => found.push((hash as u64, RecordId(record))),
                    (false, Some(place)) => drop(found.remove(first + place)),
                    (true, Some(_)) | (false, None) => {}
                }
            }
        }
        Ok(found)
    }

    pub(super) fn live_keys(
        &mut self,
        ty: TypeIx,
        after: Option<&str>,
        limit: usize,
    ) -> Fallible<Vec<(String, RecordId)>> {
        let row_of_type = self.bound.ty(ty)?.row;
        if !self.read_only {
            self.identities.index(&self.conn)?;
        }
        let mut statement = match after {
            Some(_) => sql::LIVE_KEYS.prepare(&self.conn)?,
            None => sql::FIRST_LIVE_KEYS.prepare(&self.conn)?,
        };
        let mut rows = match after {
            Some(after) => statement.query((row_of_type, after, limit as i64))?,
            None => statement.query((row_of_type, limit as i64))?,
        };
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, RecordId(row.get(1)?)));
        }
        Ok(found)
    }

    pub(super) fn linked_entities(
        &mut self,
        after: Option<EntityId>,
        limit: usize,
    ) -> Fallible<Vec<EntityId>> {
        let mut linked = Vec::new();
        let mut began = sql::BEGAN_WITH.prepare(&self.conn)?;
        let mut statement = sql::LINKED.prepare(&self.conn)?;
        let mut rows = statement.query([after.map_or(i64::MIN, |entity| entity.0)])?;
        // The entity whose joined records are being counted; one of a type that the plan does not
        // name does not count.
        let mut counting: Option<(i64, usize)> = None;
        loop {
            let row = rows.next()?;
            let next = row
                .map(|row| Ok::<_, Fault>((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
                .transpose()?;
            if let Some((entity, mut members)) = counting
                && next.is_none_or(|(other, _)| other != entity)
            {
                let mut first = began.query([entity])?;
                if let Some(row) = first.next()? {
                    members += usize::from(self.bound.of_row(row.get(0)?).is_some());
                }
                if members > 1 {
                    linked.push(EntityId(entity));
                }
                counting = None;
            }
            let Some((entity, ty)) = next else { break };
            if linked.len() >= limit {
                break;
            }
            let counts = usize::from(self.bound.of_row(ty).is_some());
            counting = Some((entity, counting.map_or(0, |(_, members)| members) + counts));
        }
        Ok(linked)
    }

    pub(super) fn agenda(&mut self, limit: usize) -> Fallible<Vec<(u16, RecordId)>> {
        if self.read_only {
            self.agenda = load_agenda(&self.conn)?;
        }
        let all = self
            .agenda
            .iter()
            .flat_map(|(rank, ranges)| ranges.numbers().map(|id| (*rank, RecordId(id))));
        Ok(all.take(limit).collect())
    }

    pub(super) fn on_agenda(&mut self, ids: &[RecordId]) -> Fallible<Vec<(u16, RecordId)>> {
        if self.read_only {
            self.agenda = load_agenda(&self.conn)?;
        }
        let of_rank = |(rank, ranges): (&u16, &Ranges)| {
            ids.iter().filter(|id| ranges.contains(id.0)).map(|id| (*rank, *id)).collect::<Vec<_>>()
        };
        Ok(self.agenda.iter().flat_map(of_rank).collect())
    }

    fn write_agenda(&mut self, commit: &mut Commit) -> Fallible<()> {
        commit.agenda_done.sort_unstable();
        for done in commit.agenda_done.chunk_by(|(a, _), (b, _)| a == b) {
            if let Some(ranges) = self.agenda.get_mut(&done[0].0) {
                ranges.remove_all(done.iter().map(|(_, record)| record.0));
            }
        }
        commit.agenda_added.sort_unstable();
        for added in commit.agenda_added.chunk_by(|(a, _), (b, _)| a == b) {
            self.agenda
                .entry(added[0].0)
                .or_default()
                .insert_all(added.iter().map(|(_, record)| record.0));
        }
        for (rank, ranges) in &mut self.agenda {
            for (first, last) in ranges.changes() {
                match last {
                    Some(last) => {
                        sql::SET_AGENDA.prepare(&self.conn)?.execute((*rank, first, last))?
                    }
                    None => sql::END_AGENDA.prepare(&self.conn)?.execute((*rank, first))?,
                };
            }
        }
        self.agenda.retain(|_, ranges| !ranges.is_empty());
        Ok(())
    }

    pub(super) fn apart(&mut self, ids: &[RecordId]) -> Fallible<Vec<(RecordId, RecordId)>> {
        // Few pairs are kept apart: ranges as wide as they come.
        let spans = Spans::over(ids.iter().map(|id| id.0), 1_000);
        let mut found = Vec::new();
        let mut statement = sql::APART.prepare(&self.conn)?;
        for span in &spans.ranges {
            let mut rows = statement.query([span.low, span.high])?;
            while let Some(row) = rows.next()? {
                let (a, b): (i64, i64) = (row.get(0)?, row.get(1)?);
                if spans.wants(a) {
                    found.push((RecordId(a.min(b)), RecordId(a.max(b))));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

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
        self.write_new(&commit.new_records, &mut encoded)?;
        self.write_changed(&commit.changed_records, &mut encoded)?;
        self.encoded = encoded;
        self.write_links(commit)?;
        self.write_keys(commit)?;
        self.write_agenda(commit)?;

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
        if self.bulk {
            self.coming.note(&self.conn, &commit.keys_removed, &commit.keys_added)?;
            return if self.coming.is_much() { self.settle_keys() } else { Ok(()) };
        }
        self.settle_keys()?;
        let key = |&(hash, record): &(u64, RecordId)| (hash as i64, record.0);
        each(sql::REMOVE_KEY.prepare(&self.conn)?, commit.keys_removed.iter().map(key))?;
        // In the order of the table: a random key would touch a page of its own, sorted ones share
        // them.
        commit.keys_added.sort_unstable_by_key(key);
        each(sql::ADD_KEY.prepare(&self.conn)?, commit.keys_added.iter().map(key))
    }

    /// Puts what a great load has noted of keys into their table; a load that was killed has left
    /// some.
    pub(super) fn settle_keys(&mut self) -> Fallible<()> {
        self.coming.settle(&self.conn)
    }

    fn write_new(&mut self, records: &[RecordState], encoded: &mut Encoded) -> Fallible<()> {
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
        }
        Ok(())
    }

    fn write_changed(&mut self, records: &[RecordState], encoded: &mut Encoded) -> Fallible<()> {
        let mut update = sql::CHANGE_RECORD.prepare(&self.conn)?;
        let mut in_order: Vec<&RecordState> = records.iter().collect();
        in_order.sort_by_key(|record| record.id);
        for record in in_order {
            encoded.fill(&self.conn, &mut self.bound, record)?;
            update.raw_bind_parameter(1, record.id.0)?;
            bind_rest(&mut update, 2, record, encoded)?;
            if update.raw_execute()? == 0 {
                return Err(Fault::Damaged(format!(
                    "record {} is to be changed and is not there",
                    record.id
                )));
            }
        }
        Ok(())
    }
}

/// What is on disk of the agenda.
pub(super) fn load_agenda(conn: &Connection) -> Fallible<BTreeMap<u16, Ranges>> {
    let mut agenda: BTreeMap<u16, Ranges> = BTreeMap::new();
    let mut statement = sql::AGENDA.prepare(conn)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        agenda.entry(row.get(0)?).or_default().load(row.get(1)?, row.get(2)?);
    }
    Ok(agenda)
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

fn remember(bound: &mut super::bound::Bound, found: &[RecordState]) {
    for record in found {
        bound.saw(record.id, record.ty);
    }
}
