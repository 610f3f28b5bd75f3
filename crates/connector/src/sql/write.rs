//! Writing: a transaction for each write. A row that is to be changed is locked, compared with what
//! was decided on (P6), changed and read again, so that the answer shows what triggers and defaults
//! made of it. What fails before `COMMIT` was surely not done; an answer that is lost at `COMMIT`
//! is the only doubt there is (C2), and where the id is ours to choose, not even that.

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{PlainType, ReadRecord, Value};
use xxhash_rust::xxh3::xxh3_128;

use super::cell::{self, Cell, mark_cell, truth_cell};
use super::column::{Column, Stored};
use super::connected::{self, SqlConnector};
use super::database::{Cause, Database, Fault};
use super::dialect::Dialect;
use super::read::{Selection, by_id};
use super::sqlite;
use super::table::Kind;
use crate::numbers::Used;
use crate::{Action, Outcome, Trouble, Write, WriteValue};

/// Carries out writes of one table, in order.
pub(super) fn all(
    connector: &SqlConnector,
    kind: &Kind,
    watch: &[PropertyRef],
    writes: &[Write],
) -> Vec<Outcome> {
    let selection = match Selection::new(kind, watch) {
        Ok(selection) => selection,
        Err(trouble) => return writes.iter().map(|_| Outcome::Stopped(trouble.clone())).collect(),
    };
    let writer = Writer { connector, kind, watch, selection };
    let mut stopped: Option<Trouble> = None;
    let one = |write: &Write| {
        if let Some(trouble) = &stopped {
            return Outcome::Stopped(trouble.clone());
        }
        let outcome = connector
            .with(|database| writer.transaction(database, write))
            .unwrap_or_else(|fault| writer.meaning(write, &fault));
        if let Outcome::Stopped(trouble) = &outcome {
            stopped = Some(trouble.clone());
        }
        outcome
    };
    writes.iter().map(one).collect()
}

struct Writer<'a> {
    connector: &'a SqlConnector,
    kind: &'a Kind,
    watch: &'a [PropertyRef],
    selection: Selection<'a>,
}

/// What keeps a write from being done: what the database answered, or an outcome of our own.
enum Stop {
    Fault(Fault),
    Outcome(Outcome),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

/// A column, the SQL that stands for its new value, and the value where that is a parameter.
struct Set<'a> {
    column: &'a Column,
    cell: Option<Cell>,
}

impl Writer<'_> {
    fn dialect(&self) -> Dialect {
        self.connector.dialect
    }

    fn transaction(&self, database: &mut dyn Database, write: &Write) -> Result<Outcome, Fault> {
        database.run(self.dialect().begin())?;
        let attempt = match &write.action {
            Action::Create => self.create(database, write),
            Action::Update { id, version } => self.update(database, write, id, version.as_deref()),
            Action::Delete { id, version } => self.delete(database, id, version.as_deref()),
            Action::Restore { id } => self.restore(database, id),
        };
        let fault = match attempt {
            Ok(record) => match database.run("COMMIT") {
                Ok(()) => return Ok(Outcome::Done(record)),
                Err(fault) if fault.cause == Cause::Unreachable => {
                    return Ok(Outcome::Unknown {
                        message: format!("the answer to COMMIT was lost: {}", fault.message),
                    });
                }
                Err(fault) => fault,
            },
            Err(Stop::Outcome(outcome)) => {
                database.run("ROLLBACK")?;
                return Ok(outcome);
            }
            Err(Stop::Fault(fault)) if fault.cause == Cause::Unreachable => return Err(fault),
            Err(Stop::Fault(fault)) => fault,
        };
        // After some failures there is nothing left to roll back.
        if let Err(gone) = database.run("ROLLBACK")
            && gone.cause == Cause::Unreachable
        {
            return Err(gone);
        }
        if fault.cause == Cause::Unique && write.action == Action::Create {
            return self.duplicate(database, write, &fault);
        }
        if fault.cause == Cause::Value
            && fault.columns.is_empty()
            && self.dialect() == Dialect::Postgres
        {
            return self.blamed(database, write, fault);
        }
        Ok(self.meaning(write, &fault))
    }

    fn create(&self, database: &mut dyn Database, write: &Write) -> Result<ReadRecord, Stop> {
        let given: Vec<&WriteValue> =
            write.values.iter().filter(|value| !is_empty(&value.value)).collect();
        let mut sets = self.sets(&given, None)?;
        let id = self.kind.id();
        let mut own_id = sets
            .iter()
            .find(|set| set.column.name == id.name)
            .and_then(|set| set.cell.as_ref()?.text());
        if own_id.is_none() && self.kind.draws_own_ids() {
            let drawn = id_of(&write.token);
            own_id = Some(drawn.clone());
            sets.push(Set { column: id, cell: Some(Cell::Text(drawn)) });
        }
        let is_single = self.kind.id_rest.is_empty();
        if !is_single {
            own_id = Some(self.given_key(&sets)?);
        }
        if own_id.is_none()
            && id.draws_again
            && let Some(next) = self.next_number(database)?
        {
            own_id = Some(next.to_string());
            sets.push(Set { column: id, cell: Some(Cell::Int(next)) });
        }
        self.touch(database, &mut sets)?;
        let dialect = self.dialect();
        let names: Vec<String> = sets.iter().map(|set| dialect.quoted(&set.column.name)).collect();
        let places: Vec<String> =
            sets.iter().enumerate().map(|(at, set)| dialect.param(at + 1, set.column)).collect();
        let params: Vec<Cell> = sets.into_iter().filter_map(|set| set.cell).collect();
        let table = dialect.quoted(&self.kind.table.name);
        let body = match (names.is_empty(), dialect) {
            (false, _) => format!("({}) VALUES ({})", names.join(", "), places.join(", ")),
            (true, Dialect::Mysql) => "() VALUES ()".into(),
            (true, _) => "DEFAULT VALUES".into(),
        };
        let insert = format!("INSERT INTO {table} {body}");
        // MariaDB gives ids back as the others do, MySQL tells only the number that it drew.
        let id = if !is_single || dialect == Dialect::Mysql && (own_id.is_some() || id.draws) {
            database.execute(&insert, &params)?;
            own_id.or_else(|| database.drawn().map(|id| id.to_string()))
        } else {
            let rows =
                database.query(&format!("{insert} RETURNING {}", dialect.shown(id)), &params)?;
            rows.first().and_then(|row| row[0].text())
        };
        let Some(id) = id else {
            let message = format!(
                "{} did not tell the id of the new row: nothing was created",
                self.kind.table.name
            );
            return Err(Stop::Outcome(Outcome::Rejected { prop: None, message }));
        };
        let lost = || {
            Stop::Outcome(Outcome::Rejected {
                prop: None,
                message: format!("the new row {id} could not be read: it was not kept"),
            })
        };
        self.look(database, &id, "")?.ok_or_else(lost)
    }

    /// The id of a new row whose key has several columns: the flow has to give them all.
    fn given_key(&self, sets: &[Set<'_>]) -> Result<String, Stop> {
        let cells: Option<Vec<Cell>> = self
            .kind
            .key()
            .map(|column| sets.iter().find(|set| set.column.name == column.name)?.cell.clone())
            .collect();
        cells.and_then(|cells| self.kind.id_of(&cells)).ok_or_else(|| {
            let message = format!(
                "a new row of {} needs `{}`, which make its id",
                self.kind.table.name,
                self.kind.key_names()
            );
            Stop::Outcome(Outcome::Rejected { prop: None, message })
        })
    }

    /// R9: the number after the largest that any record of the table ever had. Nobody else can
    /// write meanwhile. `None` where there is no next number, and the database draws one that is
    /// free.
    fn next_number(&self, database: &mut dyn Database) -> Result<Option<i64>, Stop> {
        let (kind, numbers) = (&self.kind.table.name, &self.connector.numbers);
        let largest =
            super::progress::largest_id(self.dialect(), self.kind, database)?.unwrap_or(0);
        let largest = numbers.used(kind).map_or(largest, |used| largest.max(used.largest));
        let next = largest.max(0).checked_add(1);
        if let Some(next) = next {
            numbers.note(kind, Used { largest: next, as_number: true });
        }
        Ok(next)
    }

    fn update(
        &self,
        database: &mut dyn Database,
        write: &Write,
        id: &str,
        version: Option<&str>,
    ) -> Result<ReadRecord, Stop> {
        let held = self.held(database, id, version)?;
        let all: Vec<&WriteValue> = write.values.iter().collect();
        let sets = self.sets(&all, Some(&held))?;
        if sets.is_empty() {
            return Ok(held);
        }
        self.change(database, id, sets)?;
        let gone = || {
            Stop::Outcome(Outcome::Gone {
                message: format!("{} {id} went while it was written", self.kind.table.name),
            })
        };
        self.look(database, id, "")?.ok_or_else(gone)
    }

    /// Sets these columns of a row, and those that go with every change.
    fn change<'a>(
        &'a self,
        database: &mut dyn Database,
        id: &str,
        mut sets: Vec<Set<'a>>,
    ) -> Result<(), Stop> {
        self.touch(database, &mut sets)?;
        let dialect = self.dialect();
        let mut assignments: Vec<String> = sets
            .iter()
            .enumerate()
            .map(|(at, set)| {
                format!(
                    "{} = {}",
                    dialect.quoted(&set.column.name),
                    dialect.param(at + 1, set.column)
                )
            })
            .collect();
        // Whoever else locks by the version has to see that it moved.
        if let Some(version) = self.kind.version.map(|at| &self.kind.table.columns[at])
            && version.ty == PlainType::Integer
            && !version.read_only
        {
            let name = dialect.quoted(&version.name);
            assignments.push(format!("{name} = {name} + 1"));
        }
        let mut params: Vec<Cell> = sets.into_iter().filter_map(|set| set.cell).collect();
        let sql = format!(
            "UPDATE {} SET {} WHERE {}",
            dialect.quoted(&self.kind.table.name),
            assignments.join(", "),
            self.kind.is_it(dialect, params.len() + 1)
        );
        params.extend(self.id_cells(id)?);
        database.execute(&sql, &params)?;
        Ok(())
    }

    fn delete(
        &self,
        database: &mut dyn Database,
        id: &str,
        version: Option<&str>,
    ) -> Result<ReadRecord, Stop> {
        let held = self.held(database, id, version)?;
        if let Some((at, mark)) = self.kind.mark.as_ref().filter(|(_, mark)| mark.is_set()) {
            // D3: the row stays, and says that it is deleted.
            let column = &self.kind.table.columns[*at];
            let cell = mark_cell(column, mark, self.now(database)?).and_then(Result::ok);
            self.change(database, id, vec![Set { column, cell }])?;
            return Ok(ReadRecord { deleted: true, ..held });
        }
        let dialect = self.dialect();
        let table = dialect.quoted(&self.kind.table.name);
        let sql = format!("DELETE FROM {table} WHERE {}", self.kind.is_it(dialect, 1));
        database.execute(&sql, &self.id_cells(id)?)?;
        Ok(ReadRecord { deleted: true, ..held })
    }

    /// D2: the mark of a deleted row is taken off.
    fn restore(&self, database: &mut dyn Database, id: &str) -> Result<ReadRecord, Stop> {
        let name = &self.kind.table.name;
        let gone = || {
            Stop::Outcome(Outcome::Gone {
                message: format!("{name} has no row {id} that is marked as deleted"),
            })
        };
        let held = match self.look(database, id, self.dialect().locking()) {
            Err(Stop::Fault(fault)) if fault.cause == Cause::Value => None,
            other => other?,
        };
        let held = held.filter(|held| held.deleted).ok_or_else(gone)?;
        let (at, unset) = self
            .kind
            .mark
            .as_ref()
            .and_then(|(at, mark)| Some((*at, mark.unset()?)))
            .ok_or_else(gone)?;
        let column = &self.kind.table.columns[at];
        let cell = truth_cell(column, &unset).ok();
        self.change(database, id, vec![Set { column, cell }])?;
        Ok(ReadRecord { deleted: false, version: None, ..held })
    }

    /// The row as it is, locked; it has to be there, and what was decided on.
    fn held(
        &self,
        database: &mut dyn Database,
        id: &str,
        version: Option<&str>,
    ) -> Result<ReadRecord, Stop> {
        let name = &self.kind.table.name;
        let held = match self.look(database, id, self.dialect().locking()) {
            // An id that the column can't hold is nobody's.
            Err(Stop::Fault(fault)) if fault.cause == Cause::Value => None,
            other => other?,
        };
        let held = held.ok_or_else(|| {
            Stop::Outcome(Outcome::Gone { message: format!("there is no row {id} in {name}") })
        })?;
        if held.deleted {
            return Err(Stop::Outcome(Outcome::Gone {
                message: format!("the row {id} of {name} is marked as deleted"),
            }));
        }
        if version.is_some() && held.version.as_deref() != version {
            return Err(Stop::Outcome(Outcome::Conflict {
                message: format!("{name} {id} was changed meanwhile"),
            }));
        }
        Ok(held)
    }

    fn look(
        &self,
        database: &mut dyn Database,
        id: &str,
        locking: &str,
    ) -> Result<Option<ReadRecord>, Stop> {
        let rows = database
            .query(&by_id(self.connector, &self.selection, locking), &self.id_cells(id)?)?;
        Ok(rows.first().and_then(|row| self.selection.record(row)))
    }

    fn id_cells(&self, id: &str) -> Result<Vec<Cell>, Stop> {
        self.kind.cells_of(id).ok_or_else(|| {
            Stop::Outcome(Outcome::Gone {
                message: format!(
                    "there is no row {id} in {}: its ids are of another kind",
                    self.kind.table.name
                ),
            })
        })
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.kind.table.column(name).map(|at| &self.kind.table.columns[at])
    }

    /// The columns to set for these values; `held` is the row as it is, if there is one.
    fn sets(
        &self,
        values: &[&WriteValue],
        held: Option<&ReadRecord>,
    ) -> Result<Vec<Set<'_>>, Stop> {
        let mut sets: Vec<Set<'_>> = Vec::new();
        for value in values {
            let property = &self.watch[value.prop];
            let rejected = |message: String| {
                Stop::Outcome(Outcome::Rejected { prop: Some(value.prop), message })
            };
            let Some(column) = self.column(property.path.as_str()) else {
                return Err(rejected(format!(
                    "the table {} has no column `{}`",
                    self.kind.table.name, property.path
                )));
            };
            let mut wanted = value.value.clone();
            if column.stored == Stored::Array && !wanted.is_array() {
                let list =
                    held.and_then(|held| held.values[value.prop].clone()).unwrap_or(Value::Null);
                wanted = cell::with_element(list, &wanted, &value.displaced);
            }
            let cell = cell::cell(column, &wanted)
                .map_err(|why| rejected(format!("`{}`: {why}", column.name)))?;
            if self.dialect() == Dialect::Sqlite
                && let Some(kept) = sqlite::rounded(column, &cell)
            {
                let value = shown(&value.value);
                return Err(rejected(format!(
                    "`{}` would keep {kept} of {value}: SQLite keeps whole numbers of up to 64 bits, and of others about 15 digits. Declare \
                     the column as TEXT, or round the value before",
                    column.name
                )));
            }
            if let (Some(most), Cell::Text(text)) = (column.max_chars, &cell)
                && text.chars().count() > most
            {
                let value = shown(&value.value);
                return Err(rejected(format!(
                    "`{}` takes {most} characters, and {value} has {}",
                    column.name,
                    text.chars().count()
                )));
            }
            // A property that is one only where another column holds a word: a new row gets the
            // word.
            if let (Some(having), None) = (&property.when, held)
                && !having.value.trim().is_empty()
                && let Some(other) = self.column(having.path.as_str())
                && !sets.iter().any(|set| set.column.name == other.name)
            {
                let word =
                    cell::cell(other, &Value::String(having.value.clone())).map_err(rejected)?;
                sets.push(Set { column: other, cell: Some(word) });
            } else if held
                .is_some_and(|held| property.when.is_some() && held.values[value.prop].is_none())
            {
                return Err(rejected(format!("the row does not hold `{property}`")));
            }
            sets.push(Set { column, cell: Some(cell) });
        }
        Ok(sets)
    }

    /// The time of the last change is noted for those who read by it, where the database does not
    /// do so by itself.
    fn touch<'a>(
        &'a self,
        database: &mut dyn Database,
        sets: &mut Vec<Set<'a>>,
    ) -> Result<(), Stop> {
        let columns = &self.kind.table.columns;
        // P1: a column with a time of its own takes that along.
        let own = self
            .kind
            .times
            .iter()
            .filter(|(of, _)| sets.iter().any(|set| set.column.name == columns[*of].name));
        let times: Vec<&Column> = self
            .kind
            .modified
            .into_iter()
            .chain(own.map(|(_, time)| *time))
            .map(|at| &columns[at])
            .collect();
        let unset = |column: &Column| {
            !column.read_only && sets.iter().all(|set| set.column.name != column.name)
        };
        let times: Vec<&Column> = times.into_iter().filter(|column| unset(column)).collect();
        if times.is_empty() {
            return Ok(());
        }
        let now = self.now(database)?;
        sets.extend(
            times.into_iter().map(|column| Set { column, cell: Some(cell::moment(column, now)) }),
        );
        Ok(())
    }

    /// The server's own time; this machine's, where that is not understood.
    fn now(&self, database: &mut dyn Database) -> Result<jiff::Timestamp, Stop> {
        let now = database
            .query(self.dialect().now(), &[])?
            .first()
            .and_then(|row| row[0].text())
            .unwrap_or_default();
        Ok(now.parse().unwrap_or_else(|_| jiff::Timestamp::now()))
    }

    /// A creation was refused because a value that must be unique is there already: who has it?
    fn duplicate(
        &self,
        database: &mut dyn Database,
        write: &Write,
        fault: &Fault,
    ) -> Result<Outcome, Fault> {
        let columns = self.columns_of(fault);
        let message = match columns.join("`, `") {
            names if names.is_empty() => fault.message.clone(),
            names => {
                format!("`{names}` must be unique in {}: {}", self.kind.table.name, fault.message)
            }
        };
        let id = self.kind.id();
        if columns == [id.name.clone()] && self.kind.draws_own_ids() && !self.given(write, &id.name)
        {
            // The id was made of this write's token: an earlier try of it was carried out.
            let sql = by_id(self.connector, &self.selection, "");
            let rows = database.query(&sql, &[Cell::Text(id_of(&write.token))])?;
            if let Some(record) = rows.first().and_then(|row| self.selection.record(row)) {
                return Ok(Outcome::Done(record));
            }
        }
        let dialect = self.dialect();
        let (mut conditions, mut params) = (Vec::new(), Vec::new());
        for name in &columns {
            let value =
                write.values.iter().find(|value| self.watch[value.prop].path.as_str() == name);
            let cell = self
                .column(name)
                .zip(value)
                .and_then(|(column, value)| Some((column, cell::cell(column, &value.value).ok()?)));
            let Some((column, cell)) = cell else {
                return Ok(Outcome::Duplicate { id: None, message });
            };
            params.push(cell);
            conditions.push(format!(
                "{} = {}",
                dialect.quoted(name),
                dialect.param(params.len(), column)
            ));
        }
        if conditions.is_empty() {
            return Ok(Outcome::Duplicate { id: None, message });
        }
        let key: Vec<&Column> = self.kind.key().collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} LIMIT 2",
            connected::shown(dialect, &key),
            dialect.quoted(&self.kind.table.name),
            conditions.join(" AND ")
        );
        let rows = database.query(&sql, &params)?;
        let id = if let [row] = rows.as_slice() { self.kind.id_of(row) } else { None };
        Ok(Outcome::Duplicate { id, message })
    }

    fn given(&self, write: &Write, column: &str) -> bool {
        write
            .values
            .iter()
            .any(|value| self.watch[value.prop].path.as_str() == column && !is_empty(&value.value))
    }

    /// PostgreSQL does not say which of the values it could not take: they are tried one by one.
    fn blamed(
        &self,
        database: &mut dyn Database,
        write: &Write,
        fault: Fault,
    ) -> Result<Outcome, Fault> {
        for value in &write.values {
            let Some(column) = self.column(self.watch[value.prop].path.as_str()) else { continue };
            let Ok(cell) = cell::cell(column, &value.value) else { continue };
            let tried = database
                .query(&format!("SELECT ({})::text", self.dialect().param(1, column)), &[cell]);
            match tried {
                Err(again) if again.cause == Cause::Value => {
                    return Ok(self.meaning(write, &again.of_column(&column.name)));
                }
                Err(again) if again.cause == Cause::Unreachable => return Err(again),
                _ => {}
            }
        }
        Ok(self.meaning(write, &fault))
    }

    /// The columns that a refusal is about.
    fn columns_of(&self, fault: &Fault) -> Vec<String> {
        if !fault.columns.is_empty() {
            return fault.columns.clone();
        }
        let Some(constraint) = fault.constraint.as_deref() else { return vec![] };
        if let Some(columns) = self.kind.table.columns_of(constraint) {
            return columns.to_vec();
        }
        // A check of one column goes by a name with the column's in it (`people.age`), or by its
        // expression (`age < 200`).
        let words: Vec<&str> =
            constraint.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let named =
            self.kind.table.columns.iter().filter(|column| words.contains(&column.name.as_str()));
        named.map(|column| column.name.clone()).collect()
    }

    /// What a failure means for the write.
    fn meaning(&self, write: &Write, fault: &Fault) -> Outcome {
        let columns = self.columns_of(fault);
        let written = |name: &String| {
            write
                .values
                .iter()
                .find(|value| self.watch[value.prop].path.as_str() == name)
                .map(|value| value.prop)
        };
        // G4: the one property to blame; of a combination of several the one that this write would
        // change.
        let prop = columns.iter().find_map(written);
        let named = if columns.is_empty() {
            String::new()
        } else {
            format!("`{}`: ", columns.join("`, `"))
        };
        match fault.cause {
            Cause::Busy => {
                Outcome::Later { retry_after_ms: Some(1_000), message: fault.message.clone() }
            }
            Cause::Unique | Cause::Refused | Cause::Value => {
                Outcome::Rejected { prop, message: format!("{named}{}", fault.message) }
            }
            Cause::Unauthorized | Cause::Unreachable | Cause::Statement => Outcome::Stopped(
                self.connector.trouble(&format!("writing {}", self.kind.table.name), fault),
            ),
        }
    }
}

/// An id in the form of a UUID, the same for every try of a write.
fn id_of(token: &str) -> String {
    let hex = format!("{:032x}", xxh3_128(token.as_bytes()));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
