//! Records with their keys, the agenda, and who is kept apart, as they are found.

use lockstep_model::{EntityId, IntentId, KeyOwner, RecordId, RecordState, TypeIx};
use rusqlite::Rows;

use super::agenda::Agenda;
use super::bound::Bound;
use super::database::Database;
use super::encode::{decode, text};
use super::fault::{Fallible, Fault};
use super::key_buffer::KeyBuffer;
use super::spans::Spans;
use super::statements as sql;
use crate::AgendaEntry;

/// A record that was not asked for costs a fifth of another look-up.
pub(super) const HOLE_IN_RECORDS: i64 = 2;

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
    pub(super) fn decode_of(
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
    pub(super) fn ids_of_keys(&mut self, ty: TypeIx, keys: &[&str]) -> Fallible<Vec<RecordId>> {
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

    pub(super) fn members_except_founder(
        &mut self,
        entities: &[EntityId],
    ) -> Fallible<Vec<RecordState>> {
        let spans = Spans::over(entities.iter().map(|id| id.0), HOLE_IN_RECORDS);
        let mut found = Vec::new();
        let mut joined = sql::MEMBERS.prepare(&self.conn)?;
        for span in &spans.ranges {
            self.decode_of(ENTITY, joined.query([span.low, span.high])?, &spans, &mut found)?;
        }
        remember(&mut self.bound, &found);
        Ok(found)
    }

    pub(super) fn by_hash(&mut self, hashes: &[u64]) -> Fallible<Vec<(u64, KeyOwner)>> {
        let mut sorted: Vec<i64> = hashes.iter().map(|&hash| hash as i64).collect();
        sorted.sort_unstable();
        sorted.dedup();
        if self.read_only {
            self.mirrors.coming = KeyBuffer::load(&self.conn)?;
        }
        let mut found = Vec::new();
        let mut statement = sql::BY_HASH.prepare(&self.conn)?;
        for hash in sorted {
            let first = found.len();
            let mut rows = statement.query([hash])?;
            while let Some(row) = rows.next()? {
                found.push((hash as u64, owner_of(row.get(0)?)));
            }
            if self.mirrors.coming.is_empty() {
                continue;
            }
            for (number, there) in self.mirrors.coming.of(hash) {
                let owner = owner_of(number);
                let place = found[first..].iter().position(|(_, known)| *known == owner);
                match (there, place) {
                    (true, None) => found.push((hash as u64, owner)),
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

    pub(super) fn agenda(&mut self, limit: usize) -> Fallible<Vec<AgendaEntry>> {
        self.look_at_agenda()?;
        Ok(self.mirrors.agenda.first(limit))
    }

    pub(super) fn on_agenda(&mut self, ids: &[RecordId]) -> Fallible<Vec<AgendaEntry>> {
        self.look_at_agenda()?;
        Ok(self.mirrors.agenda.of(ids))
    }

    /// Where another process writes, the agenda is looked at anew.
    pub(super) fn look_at_agenda(&mut self) -> Fallible<()> {
        if self.read_only {
            self.mirrors.agenda = Agenda::load(&self.conn)?;
        }
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
}

fn remember(bound: &mut Bound, found: &[RecordState]) {
    for record in found {
        bound.saw(record.id, record.ty);
    }
}

/// A key's owner by its number in the table: a promise has its intent's, negated.
fn owner_of(number: i64) -> KeyOwner {
    match number < 0 {
        true => KeyOwner::Promise(IntentId(-number)),
        false => KeyOwner::Record(RecordId(number)),
    }
}
