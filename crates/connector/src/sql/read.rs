//! Reading: pages in the order of the ids, each beginning after the last one's last id (keyset
//! paging), so that rows which come and go meanwhile shift nothing.
//!
//! Where there is a column with the time of a row's last change, a reading asks for what is not
//! older than the last reading's beginning, by the server's own clock, less an overlap: a
//! transaction notes its time before it can be seen (R1). Nor does it ask from later than the latest
//! time that the column ever showed: local times, days and clocks that are behind hide no edit.
//! Without such a column all rows are listed each time, and once where the columns or the settings
//! have changed, as then the same rows say something else.

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::OWN_ID;
use lockstep_model::{ReadRecord, Value};
use xxhash_rust::xxh3::Xxh3;

use super::cell::{self, Cell};
use super::column::{Column, Stored};
use super::connected::{SqlConnector, shown};
use super::database::{Cause, Fault};
use super::dialect::Dialect;
use super::progress::Mark;
use super::table::Kind;
use crate::{Checkpoint, Page, ReadRequest, Trouble};

/// Records with one value of a property: more than a match can be about.
const MOST_FOUND: usize = 100;

/// What is asked for of a row, and where it stands in the answer.
pub(super) struct Selection<'a> {
    pub(super) kind: &'a Kind,
    pub(super) columns: Vec<&'a Column>,
    /// For each watched property its column, and the column and value of its condition.
    slots: Vec<(usize, Option<(usize, &'a str)>)>,
}

impl<'a> Selection<'a> {
    pub(super) fn new(kind: &'a Kind, watch: &'a [PropertyRef]) -> Result<Selection<'a>, Trouble> {
        if kind.table.gone {
            return Err(Trouble::Malformed(format!(
                "there is no table {} any more: put it back, or take it out of the flows",
                kind.table.name
            )));
        }
        let mut selection = Selection { kind, columns: kind.key().collect(), slots: vec![] };
        for at in [kind.modified, kind.version, kind.mark.as_ref().map(|(at, _)| *at)]
            .into_iter()
            .flatten()
        {
            selection.place(&kind.table.columns[at]);
        }
        for property in watch {
            let named = |path: &str| {
                if path == OWN_ID {
                    return Ok(kind.id());
                }
                kind.table.column(path).map(|at| &kind.table.columns[at]).ok_or_else(|| {
                    Trouble::Misconfigured(format!(
                        "the table {} has no column `{path}`",
                        kind.table.name
                    ))
                })
            };
            let column = selection.place(named(property.path.as_str())?);
            let condition = match &property.when {
                Some(having) => {
                    Some((selection.place(named(having.path.as_str())?), having.value.as_str()))
                }
                None => None,
            };
            selection.slots.push((column, condition));
        }
        if let Some(gone) = selection.columns.iter().find(|column| column.gone) {
            return Err(Trouble::Malformed(format!(
                "the table {} has no column `{1}` any more, so its values are not taken for emptied: nothing of the table is taken or \
                 written. Put the column back, or take `{1}` out of the flows",
                kind.table.name, gone.name
            )));
        }
        Ok(selection)
    }

    fn place(&mut self, column: &'a Column) -> usize {
        self.columns.iter().position(|known| known.name == column.name).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }

    /// The column of the time of change, and where it stands in the answer.
    fn time_column(&self) -> Option<(&'a Column, usize)> {
        let column = &self.kind.table.columns[self.kind.modified?];
        Some((column, self.columns.iter().position(|known| known.name == column.name)?))
    }

    /// The column of the time of change and what it holds, where that is no time.
    fn unreadable_time(&self, row: &[Cell]) -> Option<(String, String)> {
        let (column, place) = self.time_column()?;
        let held = &row[place];
        let text = held.text().filter(|text| !text.trim().is_empty())?;
        cell::instant(column, held).is_none().then(|| (column.name.clone(), text))
    }

    /// The row as a record; `None` if it has no id.
    pub(super) fn record(&self, row: &[Cell]) -> Option<ReadRecord> {
        let id = self.kind.id_of(row)?;
        let of = |at: Option<usize>| {
            let column = &self.kind.table.columns[at?];
            let place = self.columns.iter().position(|known| known.name == column.name)?;
            Some((column, &row[place]))
        };
        let modified =
            of(self.kind.modified).and_then(|(column, held)| cell::instant(column, held));
        let version = match of(self.kind.version) {
            Some((_, held)) => held.text(),
            None => Some(fingerprint(row)),
        };
        let value = |&(at, condition): &(usize, Option<(usize, &str)>)| {
            if let Some((other, wanted)) = condition
                && row[other].text().unwrap_or_default().trim() != wanted.trim()
            {
                return None;
            }
            Some(cell::value(self.columns[at], &row[at]))
        };
        Some(ReadRecord {
            id,
            version,
            modified: modified.map(|at| lockstep_model::Timestamp(at.as_millisecond())),
            deleted: self.kind.mark.as_ref().is_some_and(|(at, mark)| {
                of(Some(*at)).is_some_and(|(column, held)| mark.fits(&cell::value(column, held)))
            }),
            values: self.slots.iter().map(value).collect(),
        })
    }
}

/// What tells two states of a row apart, as far as anything of it is asked for.
fn fingerprint(row: &[Cell]) -> String {
    let mut hasher = Xxh3::new();
    for cell in row {
        let (tag, bytes) = match cell {
            Cell::Null => (0u8, vec![]),
            Cell::Int(n) => (1, n.to_le_bytes().to_vec()),
            Cell::Real(f) => (2, f.to_le_bytes().to_vec()),
            Cell::Text(text) => (3, text.clone().into_bytes()),
            Cell::Blob(bytes) => (4, bytes.clone()),
        };
        hasher.update(&[tag]);
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    format!("{:016x}", hasher.digest())
}

/// The next page.
pub(super) fn page(
    connector: &SqlConnector,
    kind: &Kind,
    request: ReadRequest<'_>,
) -> Result<Page, Trouble> {
    let selection = Selection::new(kind, request.watch)?;
    let dialect = connector.dialect;
    let mark: Option<Mark> =
        request.checkpoint.and_then(|checkpoint| serde_json::from_str(&checkpoint.text).ok());
    // R1: where the same rows say something else now, all of them are news.
    let layout = Some(kind.layout());
    let mark = mark.filter(|mark| mark.layout.is_none() || mark.layout == layout);
    let what = format!("reading {}", kind.table.name);
    let limit = request.page_size.max(1);
    let (records, faults, mut next) = connector
        .with(|database| {
            let mut next = Mark::beginning(connector, kind, mark.as_ref(), database)?;
            next.layout = layout;
            let after = next.after.take();
            let (mut conditions, mut params) = next.conditions(connector, kind);
            if let Some(after) = &after {
                let Some(after) = kind.cells_of(after) else {
                    return Err(Fault::new(Cause::Statement, format!("`{after}` is no id of {}", kind.table.name)));
                };
                conditions.push(behind(dialect, kind, &after, &mut params));
            }
            let condition = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
            let sql = format!(
                "SELECT {} FROM {}{condition} ORDER BY {} LIMIT {}",
                shown(dialect, &selection.columns),
                dialect.quoted(&kind.table.name),
                kind.order(dialect),
                // One more, to see whether another row has the last one's id.
                limit + 1,
            );
            let rows = database.query(&sql, &params)?;
            let ids: Vec<Option<String>> = rows.iter().map(|row| kind.id_of(row)).collect();
            let rows = &rows[..rows.len().min(limit)];
            let last = (ids.len() > limit).then(|| ids[limit - 1].clone()).flatten();
            let (mut records, mut faults) = (Vec::with_capacity(rows.len()), Vec::new());
            let is_repeated = |at: usize| at > 0 && ids[at] == ids[at - 1] || ids.get(at + 1) == Some(&ids[at]);
            for (at, row) in rows.iter().enumerate() {
                match selection.record(row) {
                    // R1: what is no time tells nothing of the order of edits. It is not passed
                    // over as if the row told none.
                    Some(record) if selection.unreadable_time(row).is_some() => {
                        let (column, held) = selection.unreadable_time(row).unwrap_or_default();
                        faults.push(crate::RecordFault { part: false,
                            place: format!("{} {}", connector.settings.place(), kind.table.name),
                            message: format!("`{held}` in `{column}` is no time: the row is left alone until it is put right"),
                            id: Some(record.id),
                        });
                    }
                    // R8: a view, or a column that is no key. Which of the rows the record is can't
                    // be told.
                    Some(record) if is_repeated(at) => {
                        if at == 0 || ids[at] != ids[at - 1] {
                            faults.push(crate::RecordFault { part: false,
                                place: format!("{} {}", connector.settings.place(), kind.table.name),
                                message: format!(
                                    "the id {} is there more than once: none of its rows is taken; name another column as id",
                                    record.id
                                ),
                                id: Some(record.id),
                            });
                        }
                    }
                    Some(record) => records.push(record),
                    None => faults.push(crate::RecordFault { part: false,
                        place: format!("{} {}", connector.settings.place(), kind.table.name),
                        message: format!(
                            "a row without a value in `{}`: give it one, or name another column as id",
                            kind.key_names()
                        ),
                        id: None,
                    }),
                }
            }
            next.after = last;
            next.meet(selection.time_column(), rows);
            Ok((records, faults, next))
        })
        .map_err(|fault| connector.trouble(&what, &fault))?;
    let (more, everything) = (next.after.is_some(), next.asks_for_all());
    if !more {
        next.ends();
    }
    let text = serde_json::to_string(&next).unwrap_or_default();
    Ok(Page {
        records,
        faults,
        gone: vec![],
        below: vec![],
        checkpoint: Checkpoint { text, bytes: vec![] },
        more,
        everything,
    })
}

/// The condition that a row stands behind the one with this key: by its first column, or, where
/// that is the same, by the next.
fn behind(dialect: Dialect, kind: &Kind, after: &[Cell], params: &mut Vec<Cell>) -> String {
    let key: Vec<&Column> = kind.key().collect();
    let mut ways = Vec::new();
    for last in 0..key.len() {
        let mut terms = Vec::new();
        for (at, column) in key.iter().enumerate().take(last + 1) {
            params.push(after[at].clone());
            let sign = if at == last { ">" } else { "=" };
            terms.push(format!(
                "{} {sign} {}",
                dialect.quoted(&column.name),
                dialect.param(params.len(), column)
            ));
        }
        ways.push(terms.join(" AND "));
    }
    format!("({})", ways.join(" OR "))
}

/// One record.
pub(super) fn get(
    connector: &SqlConnector,
    kind: &Kind,
    watch: &[PropertyRef],
    id: &str,
) -> Result<Option<ReadRecord>, Trouble> {
    let selection = Selection::new(kind, watch)?;
    let Some(id) = kind.cells_of(id) else { return Ok(None) };
    let sql = by_id(connector, &selection, "");
    match connector.with(|database| database.query(&sql, &id)) {
        // D3: what is marked as deleted is not there.
        Ok(rows) => {
            Ok(rows.first().and_then(|row| selection.record(row)).filter(|record| !record.deleted))
        }
        // An id that the column can't hold is nobody's.
        Err(fault) if fault.cause == Cause::Value => Ok(None),
        Err(fault) => Err(connector.trouble(&format!("reading {}", kind.table.name), &fault)),
    }
}

/// The statement that asks for one row, locked where it is about to be written.
pub(super) fn by_id(connector: &SqlConnector, selection: &Selection<'_>, locking: &str) -> String {
    let (dialect, kind) = (connector.dialect, selection.kind);
    format!(
        "SELECT {} FROM {} WHERE {}{locking}",
        shown(dialect, &selection.columns),
        dialect.quoted(&kind.table.name),
        kind.is_it(dialect, 1)
    )
}

/// The records that hold this value.
pub(super) fn find(
    connector: &SqlConnector,
    kind: &Kind,
    watch: &[PropertyRef],
    prop: usize,
    value: &Value,
) -> Result<Option<Vec<ReadRecord>>, Trouble> {
    let selection = Selection::new(kind, watch)?;
    let dialect = connector.dialect;
    let column = selection.columns[selection.slots[prop].0];
    if column.stored == Stored::Json {
        return Ok(None);
    }
    let param = if column.stored == Stored::Array {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
        Cell::Text(serde_json::json!([text]).to_string())
    } else {
        match cell::cell(column, value) {
            Ok(cell) => cell,
            Err(_) => return Ok(Some(vec![])),
        }
    };
    let sql = format!(
        "SELECT {} FROM {} WHERE {} LIMIT {MOST_FOUND}",
        shown(dialect, &selection.columns),
        dialect.quoted(&kind.table.name),
        dialect.matches(1, column)
    );
    match connector.with(|database| database.query(&sql, std::slice::from_ref(&param))) {
        Ok(rows) => Ok(Some(
            rows.iter()
                .filter_map(|row| selection.record(row))
                .filter(|record| !record.deleted)
                .collect(),
        )),
        Err(fault) if fault.cause == Cause::Value => Ok(Some(vec![])),
        Err(fault) => Err(connector.trouble(&format!("looking into {}", kind.table.name), &fault)),
    }
}
