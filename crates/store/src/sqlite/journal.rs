//! The journal and the runs that wrote it.

use lockstep_model::detail::Wrote;
use lockstep_model::{Detail, IntentId, RecordId, Rule, RunId, Timestamp, Value};
use rusqlite::Row;

use super::database::Database;
use super::encode::text;
use super::fault::{Fallible, Fault};
use super::json;
use super::owners::{about_in, about_out};
use super::statements as sql;
use crate::{JournalEntry, JournalKind, RunRow};

impl Database {
    pub(super) fn journal(
        &mut self,
        records: &[RecordId],
        limit: usize,
    ) -> Fallible<Vec<JournalEntry>> {
        let mut records = records.to_vec();
        records.sort_unstable();
        records.dedup();
        let mut found: Vec<(i64, JournalEntry)> = Vec::new();
        let mut statement = sql::JOURNAL.prepare(&self.conn)?;
        let mut created = Vec::new();
        for record in records {
            let mut rows = statement.query((record.0, limit as i64))?;
            while let Some(row) = rows.next()? {
                found.push((row.get(0)?, entry_in(row)?));
            }
            created.extend(self.creation_of(record)?);
        }
        found.sort_unstable_by_key(|(id, _)| *id);
        let mut found: Vec<JournalEntry> = found.into_iter().map(|(_, entry)| entry).collect();
        for entry in created {
            let at = entry.place_among(&found);
            found.insert(at, entry);
        }
        found.truncate(limit);
        Ok(found)
    }

    /// A creation is told by its intent, which has all that an entry would say: a first run makes a
    /// million of them.
    fn creation_of(&self, record: RecordId) -> Fallible<Option<JournalEntry>> {
        let mut statement = sql::CREATION_OF.prepare(&self.conn)?;
        let mut rows = statement.query([record.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (ty, key) = (text(row, 4)?.unwrap_or_default(), text(row, 5)?.unwrap_or_default());
        Ok(Some(JournalEntry {
            at: Timestamp(row.get(1)?),
            run: RunId(row.get(2)?),
            kind: JournalKind::Written,
            about: record.into(),
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::C1),
            other: Some(RecordId(row.get(3)?)),
            intent: Some(IntentId(row.get(0)?)),
            detail: Wrote::Created { record: format!("{ty}/{key}") }.into(),
        }))
    }

    pub(super) fn write_journal(&mut self, entries: &[JournalEntry]) -> Fallible<()> {
        let mut insert = sql::ADD_JOURNAL.prepare(&self.conn)?;
        for entry in entries {
            insert.raw_bind_parameter(1, entry.at.0)?;
            insert.raw_bind_parameter(2, entry.run.0)?;
            insert.raw_bind_parameter(3, entry.kind.name())?;
            insert.raw_bind_parameter(4, about_out(entry.about))?;
            insert.raw_bind_parameter(5, entry.path.as_deref())?;
            insert.raw_bind_parameter(6, value_out(&entry.before))?;
            insert.raw_bind_parameter(7, value_out(&entry.after))?;
            insert.raw_bind_parameter(8, entry.rule.map(|rule| rule.to_string()))?;
            insert.raw_bind_parameter(9, entry.other.map(|id| id.0))?;
            insert.raw_bind_parameter(10, entry.intent.map(|id| id.0))?;
            let (text, detail) = detail_out(&entry.detail)?;
            insert.raw_bind_parameter(11, text)?;
            insert.raw_bind_parameter(12, detail)?;
            insert.raw_execute()?;
        }
        Ok(())
    }

    pub(super) fn begin_run(&mut self, now: Timestamp) -> Fallible<RunId> {
        let id = sql::BEGIN_RUN.prepare(&self.conn)?.insert([now.0])?;
        Ok(RunId(id))
    }

    pub(super) fn end_run(&mut self, run: RunId, now: Timestamp, summary: &Value) -> Fallible<()> {
        match sql::END_RUN.prepare(&self.conn)?.execute((run.0, now.0, value_out(summary)))? {
            0 => Err(Fault::Damaged(format!("run {run} is to be ended and is not there"))),
            _ => Ok(()),
        }
    }

    pub(super) fn runs(&mut self, limit: usize) -> Fallible<Vec<RunRow>> {
        let mut found = Vec::new();
        let mut statement = sql::RUNS.prepare(&self.conn)?;
        let mut rows = statement.query([limit as i64])?;
        while let Some(row) = rows.next()? {
            found.push(run_in(row)?);
        }
        Ok(found)
    }
}

pub(super) fn run_in(row: &Row<'_>) -> Fallible<RunRow> {
    Ok(RunRow {
        id: RunId(row.get(0)?),
        started: Timestamp(row.get(1)?),
        ended: row.get::<_, Option<i64>>(2)?.map(Timestamp),
        summary: value_in(row, 3)?,
    })
}

pub(super) fn entry_in(row: &Row<'_>) -> Fallible<JournalEntry> {
    let damaged =
        |what: &str, word: &str| Fault::Damaged(format!("“{word}” in the journal is no {what}"));
    let kind = text(row, 3)?.unwrap_or_default();
    let rule = text(row, 8)?;
    Ok(JournalEntry {
        at: Timestamp(row.get(1)?),
        run: RunId(row.get(2)?),
        kind: JournalKind::parse(kind).ok_or_else(|| damaged("kind of entry", kind))?,
        about: about_in(row.get(4)?)?,
        path: text(row, 5)?.map(str::to_string),
        before: value_in(row, 6)?,
        after: value_in(row, 7)?,
        rule: rule
            .map(|rule| Rule::parse(rule).ok_or_else(|| damaged("rule", rule)))
            .transpose()?,
        other: row.get::<_, Option<i64>>(9)?.map(RecordId),
        intent: row.get::<_, Option<i64>>(10)?.map(IntentId),
        detail: detail_in(row)?,
    })
}

/// What an entry says, as it is stored: a text that somebody else has chosen, or a value.
fn detail_out(detail: &Detail) -> Fallible<(&str, Option<String>)> {
    match detail {
        Detail::Nothing => Ok(("", None)),
        Detail::Said(text) => Ok((text, None)),
        detail => {
            let detail =
                serde_json::to_string(detail).map_err(|error| Fault::Damaged(error.to_string()))?;
            Ok(("", Some(detail)))
        }
    }
}

fn detail_in(row: &Row<'_>) -> Fallible<Detail> {
    match text(row, 12)? {
        None => Ok(Detail::said(text(row, 11)?.unwrap_or_default())),
        Some(detail) => serde_json::from_str(detail).map_err(|error| {
            Fault::Damaged(format!("“{detail}” in the journal can't be read: {error}"))
        }),
    }
}

/// A value as text; nothing for `Null`.
pub(super) fn value_out(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

/// Reads a value; `Null` for nothing.
pub(super) fn value_in(row: &Row<'_>, column: usize) -> Fallible<Value> {
    let Some(text) = text(row, column)? else { return Ok(Value::Null) };
    json::parse(text)
        .map_err(|error| Fault::Damaged(format!("a stored value can't be read: {error}")))
}
