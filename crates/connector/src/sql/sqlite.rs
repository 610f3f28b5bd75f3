//! SQLite files, by way of `rusqlite`. Types are what the columns were declared with
//! (<https://sqlite.org/datatype3.html>, section 3.1), by the words that other databases' types
//! have: `BOOLEAN`, `DATETIME`, `DECIMAL` are numbers or texts to SQLite itself.

use std::path::Path;
use std::time::Duration;

use lockstep_model::PlainType;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use super::cell::{self, Cell};
use super::column::{Column, Stored};
use super::database::{Cause, Database, Fault};
use super::dialect::Dialect;
use super::table::Table;

/// So long a write waits for somebody else's, before it is told to come back later.
const PATIENCE: Duration = Duration::from_secs(5);
/// Significant digits that a floating-point number keeps for sure.
const KEPT_DIGITS: usize = 15;
/// Rows sampled to find out whether a column holds times.
const LOOKED_AT: usize = 1_000;

pub(super) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Sqlite, Fault> {
        if !path.is_file() {
            return Err(Fault::new(
                Cause::Unreachable,
                format!("there is no file {}: correct `url`", path.display()),
            ));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| fault(&error))?;
        connection.busy_timeout(PATIENCE).map_err(|error| fault(&error))?;
        connection.pragma_update(None, "foreign_keys", true).map_err(|error| fault(&error))?;
        Ok(Sqlite { connection })
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Cell::Null => ToSqlOutput::Owned(Owned::Null),
            Cell::Int(n) => ToSqlOutput::Owned(Owned::Integer(*n)),
            Cell::Real(f) => ToSqlOutput::Owned(Owned::Real(*f)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Cell::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(n) => Cell::Int(n),
        ValueRef::Real(f) => Cell::Real(f),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    }
}

impl Database for Sqlite {
    fn query(&mut self, sql: &str, params: &[Cell]) -> Result<Vec<Vec<Cell>>, Fault> {
        let all = || -> rusqlite::Result<Vec<Vec<Cell>>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let width = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(params))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(
                    (0..width)
                        .map(|at| row.get_ref(at).map(cell))
                        .collect::<rusqlite::Result<_>>()?,
                );
            }
            Ok(all)
        };
        all().map_err(|error| fault(&error))
    }

    fn execute(&mut self, sql: &str, params: &[Cell]) -> Result<u64, Fault> {
        let changed = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut s| s.execute(rusqlite::params_from_iter(params)));
        changed.map(|n| n as u64).map_err(|error| fault(&error))
    }

    fn run(&mut self, sql: &str) -> Result<(), Fault> {
        self.connection.execute_batch(sql).map_err(|error| fault(&error))
    }

    fn drawn(&mut self) -> Option<i64> {
        None
    }

    fn is_broken(&self) -> bool {
        false
    }

    fn tables(&mut self, _: Option<&str>) -> Result<Vec<Table>, Fault> {
        let mut tables = Vec::new();
        let listed = self.query(
            "SELECT name, type = 'view' FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             ORDER BY name",
            &[],
        )?;
        for row in listed {
            let name = row[0].text().unwrap_or_default();
            tables.push(self.table(name, row[1].is_true())?);
        }
        Ok(tables)
    }
}

impl Sqlite {
    fn table(&mut self, name: String, is_view: bool) -> Result<Table, Fault> {
        let this = [Cell::Text(name.clone())];
        let written =
            self.query("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", &this)?;
        let written =
            written.first().and_then(|row| row[0].text()).unwrap_or_default().to_ascii_uppercase();
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        let rows =
            self.query("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid", &this)?;
        let keys = rows.iter().filter(|row| row[4].is_true()).count();
        for row in rows {
            let (column, declared) =
                (row[0].text().unwrap_or_default(), row[1].text().unwrap_or_default());
            let hidden = row[5].text().unwrap_or_default();
            if hidden == "1" {
                continue;
            }
            let mut column = Column::new(column, plain_type(&declared), declared.clone());
            (column.nullable, column.has_default) = (!row[2].is_true(), row[3] != Cell::Null);
            column.read_only = hidden == "2" || hidden == "3";
            if row[4].is_true() {
                key.push(columns.len());
                // The only key of a table, an integer: SQLite draws it (section "rowid" of its page
                // on CREATE TABLE).
                column.draws = keys == 1 && declared.eq_ignore_ascii_case("integer");
                column.draws_again = column.draws && !written.contains("AUTOINCREMENT");
            }
            if declared.to_ascii_uppercase().contains("JSON") {
                column.stored = Stored::Json;
            }
            column.caseless = false;
            columns.push(column);
        }
        let mut constraints = Vec::new();
        for row in
            self.query("SELECT name FROM pragma_index_list(?) WHERE \"unique\" = 1", &this)?
        {
            let index = row[0].text().unwrap_or_default();
            let of = self.query(
                "SELECT name FROM pragma_index_info(?) ORDER BY seqno",
                &[Cell::Text(index.clone())],
            )?;
            constraints.push((index, of.iter().filter_map(|row| row[0].text()).collect()));
        }
        let foreign = self.query(
            "SELECT \"from\", \"table\", \"to\", id FROM pragma_foreign_key_list(?)",
            &this,
        )?;
        let alone = |id: &Cell| foreign.iter().filter(|row| row[3] == *id).count() == 1;
        let text = |cell: &Cell| cell.text().unwrap_or_default();
        let foreign = foreign
            .iter()
            .filter(|row| alone(&row[3]))
            .map(|row| (text(&row[0]), text(&row[1]), text(&row[2])));
        let foreign = foreign.collect();
        let mut table = Table {
            name,
            columns,
            key,
            is_view,
            shows_transactions: false,
            constraints,
            foreign,
            gone: false,
        };
        self.look_at_times(&mut table)?;
        Ok(table)
    }

    /// SQLite has no type for times: how a column keeps them is seen in what it holds; the form of
    /// SQLite's own functions if nothing. Where the declared type says nothing of times, all that
    /// it holds has to be times, for whom the settings name as a column of times.
    fn look_at_times(&mut self, table: &mut Table) -> Result<(), Fault> {
        let from = Dialect::Sqlite.quoted(&table.name);
        for column in &mut table.columns {
            let says_so = column.ty == PlainType::Datetime;
            let may_be = matches!(
                column.ty,
                PlainType::String | PlainType::Integer | PlainType::Float | PlainType::Decimal
            );
            if !says_so && !may_be {
                continue;
            }
            let name = Dialect::Sqlite.quoted(&column.name);
            let most = if says_so { 1 } else { LOOKED_AT };
            let held =
                self.query(&format!("SELECT {name} FROM {from} WHERE {name} IS NOT NULL AND {name} <> '' LIMIT {most}"), &[])?;
            if says_so {
                column.stored = held.first().map_or(Stored::SpacedTime, |row| form_of(&row[0]));
                continue;
            }
            let is_time = |row: &Vec<Cell>| match &row[0] {
                // A counter is no time: what lies before 1973 is not taken for one.
                Cell::Int(n) => *n > 100_000_000,
                Cell::Real(f) => *f > 100_000_000.0,
                other => cell::instant(column, other).is_some(),
            };
            column.times = match held.first() {
                Some(first) => held.iter().all(is_time).then(|| form_of(&first[0])),
                // A number does not tell whether it is to be seconds or milliseconds.
                None => (column.ty == PlainType::String).then_some(Stored::SpacedTime),
            };
        }
        Ok(())
    }
}

/// In which form a column keeps times that holds this one.
fn form_of(held: &Cell) -> Stored {
    match held {
        Cell::Int(n) if n.abs() < 100_000_000_000 => Stored::EpochSeconds,
        Cell::Int(_) => Stored::EpochMilliseconds,
        Cell::Real(_) => Stored::EpochSeconds,
        Cell::Text(text) if text.ends_with('Z') || text.contains('+') => Stored::Plain,
        Cell::Text(text) if text.contains('T') => Stored::ZonelessTime,
        _ => Stored::SpacedTime,
    }
}

fn plain_type(declared: &str) -> PlainType {
    let declared = declared.to_ascii_uppercase();
    let has = |word: &str| declared.contains(word);
    match () {
        () if has("BOOL") => PlainType::Boolean,
        () if has("JSON") => PlainType::Any,
        () if has("DATETIME") || has("TIMESTAMP") => PlainType::Datetime,
        () if has("DATE") => PlainType::Date,
        () if has("INT") => PlainType::Integer,
        () if has("CHAR") || has("CLOB") || has("TEXT") => PlainType::String,
        () if has("REAL") || has("FLOA") || has("DOUB") => PlainType::Float,
        () if has("DEC") || has("NUMERIC") || has("MONEY") => PlainType::Decimal,
        () => PlainType::String,
    }
}

/// R7: the number that SQLite would keep, where it has fewer digits than this cell: a text that is
/// put into a column of whole numbers or decimals becomes a floating-point number if 64 bits do not
/// hold it (<https://sqlite.org/datatype3.html>, sections 3 and 3.1).
pub(super) fn rounded(column: &Column, cell: &Cell) -> Option<f64> {
    let declared = column.native.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    let is_whole = has(&["INT"]);
    let converts = is_whole
        || !declared.is_empty() && !has(&["CHAR", "CLOB", "TEXT", "BLOB", "REAL", "FLOA", "DOUB"]);
    let Cell::Text(text) = cell else { return None };
    let number = lockstep_model::decimal::number(text.trim()).filter(|_| converts)?;
    let kept = text.trim().parse::<f64>().ok()?;
    let exact = number.as_i64().is_some() || digits(text) <= KEPT_DIGITS && kept.is_finite();
    (!exact).then_some(kept)
}

/// The number of significant digits of a number.
fn digits(text: &str) -> usize {
    let mantissa = text.trim().split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}

/// The meaning of SQLite's codes (<https://sqlite.org/rescode.html>); its messages name table and
/// column of what was refused.
fn fault(error: &rusqlite::Error) -> Fault {
    let rusqlite::Error::SqliteFailure(code, message) = error else {
        return Fault::new(Cause::Statement, error.to_string());
    };
    let message = message.clone().unwrap_or_else(|| error.to_string());
    let cause = match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Cause::Busy,
        ErrorCode::CannotOpen
        | ErrorCode::SystemIoFailure
        | ErrorCode::DiskFull
        | ErrorCode::DatabaseCorrupt => Cause::Unreachable,
        ErrorCode::NotADatabase => Cause::Unreachable,
        ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly
        | ErrorCode::AuthorizationForStatementDenied => Cause::Unauthorized,
        ErrorCode::TypeMismatch | ErrorCode::TooBig => Cause::Value,
        ErrorCode::ConstraintViolation => match code.extended_code {
            rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID => Cause::Unique,
            _ => Cause::Refused,
        },
        _ => Cause::Statement,
    };
    let mut fault = Fault::new(cause, message.clone());
    // `UNIQUE constraint failed: people.email, people.site`,
    // `cannot store TEXT value in INTEGER column people.age`.
    let named = message
        .split_once("failed: ")
        .or_else(|| message.split_once("column "))
        .map_or("", |(_, named)| named);
    for name in named.split(", ") {
        if let Some((_, column)) = name.split_once('.') {
            fault = fault.of_column(column);
        } else if !name.is_empty() {
            fault.constraint = Some(name.into());
        }
    }
    fault
}
