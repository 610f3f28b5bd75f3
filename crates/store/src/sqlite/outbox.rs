//! Intents: what is to be sent, what is under way, and what became of it.

use std::collections::BTreeSet;

use lockstep_model::change::{Intent, IntentKind, IntentState};
use lockstep_model::{EntityId, IntentId, RecordId, RunId, Source, Timestamp, TypeIx};
use rusqlite::Row;

use super::bound::Bound;
use super::changes::{base_version_in, changes_in};
use super::database::Database;
use super::encode::text;
use super::fault::{Fallible, Fault};
use super::open::{Open, parse};
use super::owners::source_in;
use super::spans::Spans;
use super::statements as sql;

impl Database {
    pub(super) fn open_intents(&mut self, entities: &[EntityId]) -> Fallible<Vec<Intent>> {
        self.look_at_open()?;
        let ids: Vec<i64> = self.mirrors.open.of_entities(entities).collect();
        self.intents(ids.into_iter())
    }

    pub(super) fn outbox(
        &mut self,
        now: Timestamp,
        types: &[TypeIx],
        limit: usize,
    ) -> Fallible<Vec<Intent>> {
        self.look_at_open()?;
        let types: BTreeSet<TypeIx> = types.iter().copied().collect();
        let rows = types
            .into_iter()
            .map(|ty| self.bound.ty(ty).map(|ty| ty.row))
            .collect::<Fallible<Vec<_>>>()?;
        let due = self.mirrors.open.due(now, rows.into_iter(), limit);
        let mut intents = self.intents(due.into_iter())?;
        intents.sort_by_key(|intent| (intent.rank, intent.kind == IntentKind::Create, intent.id));
        Ok(intents)
    }

    /// Intents by number, in rising order.
    pub(super) fn intents(&mut self, ids: impl Iterator<Item = i64>) -> Fallible<Vec<Intent>> {
        let spans = Spans::over(ids, 1);
        let mut found = Vec::with_capacity(spans.len());
        let mut statement = sql::INTENTS.prepare(&self.conn)?;
        for span in &spans.ranges {
            let mut rows = statement.query([span.low, span.high])?;
            while let Some(row) = rows.next()? {
                if spans.wants(row.get(0)?) {
                    found.extend(decode(&self.bound, &self.mirrors.open, row)?);
                }
            }
        }
        Ok(found)
    }

    pub(super) fn intents_in(&mut self, state: IntentState, limit: usize) -> Fallible<Vec<Intent>> {
        let mut found = Vec::new();
        if state.is_open() {
            self.look_at_open()?;
            let ids: Vec<i64> = self.mirrors.open.in_state(state).take(limit).collect();
            return self.intents(ids.into_iter());
        }
        let mut closed = sql::CLOSED_IN.prepare(&self.conn)?;
        let mut rows = closed.query((0, state.name(), limit as i64))?;
        while let Some(row) = rows.next()? {
            found.extend(decode(&self.bound, &self.mirrors.open, row)?);
        }
        Ok(found)
    }

    pub(super) fn tried(&mut self, limit: usize) -> Fallible<Vec<Intent>> {
        self.look_at_open()?;
        let ids: Vec<i64> = self.mirrors.open.tried().take(limit).collect();
        self.intents(ids.into_iter())
    }

    pub(super) fn intents_of(
        &mut self,
        records: &[RecordId],
        limit: usize,
    ) -> Fallible<Vec<Intent>> {
        let mut ids = BTreeSet::new();
        for statement in [sql::INTENTS_TO, sql::INTENTS_THAT_MADE, sql::INTENTS_FROM] {
            let mut statement = statement.prepare(&self.conn)?;
            for record in records {
                let mut rows = statement.query((record.0, limit as i64))?;
                while let Some(row) = rows.next()? {
                    ids.insert(row.get(0)?);
                }
            }
        }
        let mut found = self.intents(ids.into_iter())?;
        found.truncate(limit);
        Ok(found)
    }

    pub(super) fn intent_counts(&mut self) -> Fallible<Vec<(IntentState, u64)>> {
        self.look_at_open()?;
        Ok(self.mirrors.open.counts())
    }

    /// Where another process writes, what is open is looked at anew.
    pub(super) fn look_at_open(&mut self) -> Fallible<()> {
        if self.read_only {
            self.mirrors.open = Open::load(&self.conn)?;
        }
        Ok(())
    }
}

fn kind_in(name: &str) -> Option<IntentKind> {
    [IntentKind::Create, IntentKind::Update, IntentKind::Delete]
        .into_iter()
        .find(|kind| kind.name() == name)
}

/// Reads a row with the columns of the statements over `intents`; `None` where the plan does not
/// name its record type.
pub(super) fn decode(bound: &Bound, open: &Open, row: &Row<'_>) -> Fallible<Option<Intent>> {
    let id = IntentId(row.get(0)?);
    let Some((ty, target)) = bound.of_row(row.get(4)?) else { return Ok(None) };
    let damaged = |what: &str| Fault::Damaged(format!("the {what} of intent {id} can't be read"));
    let record = row.get::<_, Option<i64>>(5)?.map(RecordId);
    let source_number = row.get(7)?;
    let source_row: Option<i64> = row.get(8)?;
    let changes = text(row, 16)?
        .and_then(|changes| changes_in(bound, changes, ty, RecordId(source_number), source_row));
    let source = source_in(source_number, record);
    let kind = text(row, 2)?.and_then(kind_in).ok_or_else(|| damaged("kind"))?;
    if source == Source::Lack && (kind == IntentKind::Create || record.is_none()) {
        return Err(damaged("record"));
    }
    Ok(Some(Intent {
        id,
        run: RunId(row.get(1)?),
        kind,
        rank: row.get(3)?,
        ty,
        record,
        entity: EntityId(row.get(6)?),
        source,
        flow: target.flow(ty, source_row.and_then(|row| bound.of_row(row)).map(|(ix, _)| ix)),
        base_version: base_version_in(text(row, 9)?),
        changes: changes.ok_or_else(|| damaged("changes"))?,
        state: open.state(id.0).map_or_else(|| parse(text(row, 10)?.unwrap_or_default()), Ok)?,
        attempts: row.get::<_, Option<u32>>(11)?.unwrap_or_default(),
        not_before: row.get::<_, Option<i64>>(12)?.map(Timestamp),
        message: text(row, 13)?.map(str::to_string),
        decided_at: Timestamp(row.get(14)?),
        done_at: row.get::<_, Option<i64>>(15)?.map(Timestamp),
    }))
}
