//! Tables of a database: a SQLite file, PostgreSQL, MySQL or MariaDB.
//!
//! `with: { url: ${DATABASE_URL}, modified: updated_at }`: every table and view with a key of one
//! column is a record type, its columns are the properties. What they are is read from the
//! database's catalogue when the connection is made.
//!
//! Where things are:
//! - `settings`: what stands under `with:`;
//! - `database`: what the three have in common and where their SQL differs; `sqlite`, `postgres`,
//!   `mysql`: drivers, catalogues, errors;
//! - `table`: a table as a record type; `remembered`: the catalogue as it was last seen; `cell`:
//!   values;
//! - `read`: pages, by the id's order (R1); `write`: a transaction for each write (P6, C2, G4).
//!
//! It relies on two things: a transaction is done or not done, and a row that is locked stays as it
//! is. So a write compares the row with what was decided on while nobody else can change it, and
//! only an answer lost at `COMMIT` leaves a doubt.

mod cell;
mod database;
mod mysql;
mod postgres;
mod read;
mod remembered;
mod settings;
mod sqlite;
mod table;
mod tls;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use lockstep_model::flow::PropertyRef;
use lockstep_model::{PlainType, ReadRecord, TypeSchema, Value};

use crate::key::Key;
use crate::mark::Mark;
use crate::modified::Modified;
use crate::numbers::Numbers;
use crate::{Answers, Connector, Outcome, Page, ReadRequest, Trouble, Write};
use database::{Cause, Database, Dialect, Fault};
use settings::Settings;
pub use settings::describe as settings;
use table::{Column, Kind, Stored};

/// Writes that are handed over together. Each has a transaction of its own; fewer commits of the
/// hub's store are what it saves.
const WRITES_AT_ONCE: usize = 50;

/// A database, connected.
pub struct SqlConnector {
    settings: Settings,
    dialect: Dialect,
    folder: PathBuf,
    schemas: Vec<TypeSchema>,
    /// In the order of the schemas.
    kinds: Vec<Kind>,
    state: Mutex<State>,
    numbers: Numbers,
}

#[derive(Default)]
struct State {
    open: Option<Box<dyn Database>>,
    /// Not before then, where the settings name a rate.
    next: Option<Instant>,
}

/// The record types of a database: it has to be asked.
///
/// # Errors
/// Settings that are wrong, a database that can't be reached.
pub fn schemas(
    settings: &serde_json::Map<String, Value>,
    project_dir: &Path,
) -> Result<Vec<TypeSchema>, Trouble> {
    SqlConnector::open(settings, project_dir).map(|connector| connector.schemas)
}

impl SqlConnector {
    /// Connects and reads the catalogue. `settings` is what stands under `with:`.
    ///
    /// # Errors
    /// [`Trouble::Misconfigured`] for settings that are wrong, else what keeps the database from
    /// being asked.
    pub fn open(
        settings: &serde_json::Map<String, Value>,
        project_dir: &Path,
    ) -> Result<SqlConnector, Trouble> {
        let settings = Settings::of(settings)?;
        let dialect = settings.dialect()?;
        let place = settings.place();
        let mut connector = SqlConnector {
            settings,
            dialect,
            folder: project_dir.to_path_buf(),
            schemas: vec![],
            kinds: vec![],
            state: Mutex::default(),
            numbers: Numbers::of(project_dir, &place),
        };
        let schema = connector.settings.schema.clone();
        let tables = connector.with(|database| database.tables(schema.as_deref()));
        let tables = match tables {
            Ok(mut tables) => {
                let before =
                    remembered::recall(project_dir, &place, schema.as_deref()).unwrap_or_default();
                table::Table::add_missing(&mut tables, before);
                remembered::keep(project_dir, &place, schema.as_deref(), &tables);
                tables
            }
            // It is down, or the key is refused: that is told when it is worked with, and stops
            // nobody else.
            Err(fault) => {
                let passes =
                    matches!(fault.cause, Cause::Unreachable | Cause::Busy | Cause::Unauthorized);
                let known = if passes {
                    remembered::recall(project_dir, &place, schema.as_deref())
                } else {
                    None
                };
                known.ok_or_else(|| connector.trouble("reading the catalogue", &fault))?
            }
        };
        connector.kinds = connector.settings.kinds(tables, dialect)?;
        connector.schemas = connector.kinds.iter().map(Kind::schema).collect();
        Ok(connector)
    }

    /// Works with the connection; it is made anew where it broke while nobody used it.
    fn with<T>(&self, work: impl Fn(&mut dyn Database) -> Result<T, Fault>) -> Result<T, Fault> {
        // A panic elsewhere leaves nothing half done here: the connection is given up below, or
        // works.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.keep_the_rate(&mut state);
        let was_open = state.open.as_ref().is_some_and(|database| !database.is_broken());
        if !was_open {
            state.open = Some(self.connect()?);
        }
        let Some(database) = &mut state.open else {
            return Err(Fault::new(Cause::Unreachable, "not connected"));
        };
        match work(database.as_mut()) {
            Err(fault) if fault.cause == Cause::Unreachable => {
                state.open = None;
                if !was_open {
                    return Err(fault);
                }
                // Servers and firewalls drop connections that are idle: that is no trouble yet.
                let mut database = self.connect()?;
                let again = work(database.as_mut());
                state.open = again
                    .as_ref()
                    .err()
                    .is_none_or(|fault| fault.cause != Cause::Unreachable)
                    .then_some(database);
                again
            }
            answer => answer,
        }
    }

    fn keep_the_rate(&self, state: &mut State) {
        let Some(rate) = self.settings.rate_per_second.filter(|rate| *rate > 0.0) else { return };
        let now = Instant::now();
        if let Some(next) = state.next.filter(|next| *next > now) {
            std::thread::sleep(next - now);
        }
        state.next = Some(Instant::now() + Duration::from_secs_f64(1.0 / rate));
    }

    fn connect(&self) -> Result<Box<dyn Database>, Fault> {
        Ok(match self.dialect {
            Dialect::Sqlite => {
                Box::new(sqlite::Sqlite::open(&self.folder.join(self.settings.file()))?)
            }
            Dialect::Postgres => Box::new(postgres::Postgres::open(&self.settings.url)?),
            Dialect::Mysql => Box::new(mysql::Mysql::open(&self.settings.url)?),
        })
    }

    fn kind(&self, kind: &str) -> Result<&Kind, Trouble> {
        self.kinds.iter().find(|known| known.table.name == kind).ok_or_else(|| {
            let known: Vec<&str> = self.kinds.iter().map(|kind| kind.table.name.as_str()).collect();
            Trouble::Misconfigured(format!(
                "{} has no table or view {kind} with a key of one column: it has {}; the key of another is named by \
                 `tables: {{ {kind}: {{ id: COLUMN }} }}`, or `id: [COLUMN, COLUMN]`",
                self.settings.place(),
                if known.is_empty() { "none".into() } else { known.join(", ") }
            ))
        })
    }

    /// What a failure that is no record's fault means for the system.
    fn trouble(&self, what: &str, fault: &Fault) -> Trouble {
        let place = self.settings.place();
        let message = &fault.message;
        match fault.cause {
            Cause::Unauthorized => Trouble::Unauthorized(format!(
                "{place}: {what}: {message}: check user, password and database in `url`, and what the user is granted"
            )),
            Cause::Unreachable => Trouble::Unreachable(format!("{place}: {what}: {message}")),
            Cause::Busy => Trouble::Busy {
                retry_after_ms: Some(2_000),
                message: format!("{place}: {what}: {message}: tried again in 2 s"),
            },
            Cause::Unique | Cause::Refused | Cause::Value => {
                Trouble::Malformed(format!("{place}: {what}: {message}"))
            }
            Cause::Statement => Trouble::Misconfigured(format!(
                "{place}: {what}: {message}: if tables were changed meanwhile, start again, so that they are looked at anew"
            )),
        }
    }
}

impl Settings {
    /// The tables that can be record types, with the settings' word on them.
    fn kinds(&self, tables: Vec<table::Table>, dialect: Dialect) -> Result<Vec<Kind>, Trouble> {
        let zone = self.zone()?;
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        if let Some(unknown) = self.tables.keys().find(|name| !names.contains(name)) {
            return Err(Trouble::Misconfigured(format!(
                "{} has no table or view `{unknown}`, which `tables` names: it has {}",
                self.place(),
                names.join(", ")
            )));
        }
        let mut kinds = Vec::new();
        for mut table in tables {
            for column in &mut table.columns {
                let tells_none = matches!(column.stored, Stored::ZonelessTime | Stored::SpacedTime);
                // MySQL's TIMESTAMP is told in the session's zone, which is UTC.
                if tells_none
                    && !(dialect == Dialect::Mysql && column.native.starts_with("timestamp"))
                {
                    column.zone = zone.clone();
                }
            }
            if let Some(kind) = self.kind(table)? {
                kinds.push(kind);
            }
        }
        // A key of several columns is no column's value.
        let single = kinds.iter().filter(|kind| kind.id_rest.is_empty());
        let ids: Vec<(String, String)> =
            single.map(|kind| (kind.table.name.clone(), kind.id().name.clone())).collect();
        for kind in &mut kinds {
            for (column, target, there) in std::mem::take(&mut kind.table.foreign) {
                let to_id = ids
                    .iter()
                    .any(|(table, id)| *table == target && (there.is_empty() || *id == there));
                if let Some(at) = kind.table.column(&column).filter(|_| to_id) {
                    kind.table.columns[at].reference = Some(target);
                }
            }
        }
        Ok(kinds)
    }

    fn kind(&self, mut table: table::Table) -> Result<Option<Kind>, Trouble> {
        let own = self.tables.get(&table.name).cloned().unwrap_or_default();
        if own.leave_out {
            return Ok(None);
        }
        let named = |column: &str, word: &str| {
            table.column(column).ok_or_else(|| {
                let known: Vec<&str> =
                    table.columns.iter().map(|column| column.name.as_str()).collect();
                Trouble::Misconfigured(format!(
                    "{}: table {} has no column `{column}`, which `{word}` names: it has {}",
                    self.place(),
                    table.name,
                    known.join(", ")
                ))
            })
        };
        let usual =
            |column: &Option<String>| column.as_ref().and_then(|column| table.column(column));
        if let Some(fault) =
            own.id.as_ref().and_then(Key::fault).or(own.modified.as_ref().and_then(Modified::fault))
        {
            return Err(Trouble::Misconfigured(format!(
                "{fault} ({}, `tables: {{ {}: … }}`)",
                self.place(),
                table.name
            )));
        }
        let own_key = own.id.as_ref().map(|key| {
            key.columns().iter().map(|column| named(column, "id")).collect::<Result<Vec<_>, _>>()
        });
        let own_key = own_key.transpose()?;
        let id = match (&own_key, table.key.as_slice()) {
            (Some(columns), _) => columns.first().copied(),
            (None, [only]) => Some(*only),
            // A view has no key: the usual one's name is taken for it.
            (None, _) if table.is_view => table.column(self.id.as_deref().unwrap_or("id")),
            (None, _) => usual(&self.id),
        };
        let Some(id) = id else { return Ok(None) };
        let id_rest: Vec<usize> = own_key.map(|columns| columns[1..].to_vec()).unwrap_or_default();
        let of_row = own.modified.as_ref().and_then(Modified::of_record);
        let modified = of_row
            .map_or(Ok(usual(&self.modified)), |column| named(column, "modified").map(Some))?;
        let of_columns = own.modified.iter().flat_map(Modified::of_properties);
        let times = of_columns
            .map(|(column, time)| Ok((named(column, "modified")?, named(time, "modified")?)));
        let times = times.collect::<Result<Vec<(usize, usize)>, Trouble>>()?;
        let version = own
            .version
            .as_ref()
            .map_or(Ok(usual(&self.version)), |column| named(column, "version").map(Some))?;
        let created = own
            .created
            .as_ref()
            .map_or(Ok(usual(&self.created)), |column| named(column, "created").map(Some))?;
        for (at, word) in [(modified, "modified"), (created, "created")] {
            if let Some(at) = at {
                self.holds_times(&mut table, at, word)?;
            }
        }
        for (_, at) in &times {
            self.holds_times(&mut table, *at, "modified")?;
        }
        let mark = match own.deleted {
            Some(mark) => {
                let taken =
                    std::iter::once(id).chain(id_rest.iter().copied()).map(|at| (Some(at), "id"));
                let taken = taken.chain([
                    (modified, "modified"),
                    (created, "created"),
                    (version, "version"),
                ]);
                Some(self.mark(
                    &table,
                    mark,
                    taken.into_iter().filter_map(|(at, word)| Some((at?, word))),
                )?)
            }
            None => None,
        };
        Ok(Some(Kind { table, id, id_rest, modified, times, created, version, mark }))
    }

    /// D3, G10: a mark that its column can hold, and that marks something.
    fn mark(
        &self,
        table: &table::Table,
        mark: Mark,
        taken: impl Iterator<Item = (usize, &'static str)>,
    ) -> Result<(usize, Mark), Trouble> {
        let misconfigured = |why: String| {
            Trouble::Misconfigured(format!(
                "{why} ({}, `tables: {{ {}: … }}`)",
                self.place(),
                table.name
            ))
        };
        let Some(at) = table.column(&mark.at) else {
            let known: Vec<&str> =
                table.columns.iter().map(|column| column.name.as_str()).collect();
            let why = format!(
                "`{}`, which `deleted` of {} names, is no column of it: it has {}",
                mark.at,
                table.name,
                known.join(", ")
            );
            return Err(misconfigured(why));
        };
        let column = &table.columns[at];
        if let Some(fault) =
            mark.fault(taken.map(|(at, word)| (table.columns[at].name.as_str(), word)))
        {
            return Err(misconfigured(fault));
        }
        if mark.is_set() && table.is_view {
            return Err(misconfigured(format!(
                "`set` has no effect: {} is a view, and is only read",
                table.name
            )));
        }
        if mark.is_set() && column.read_only {
            return Err(misconfigured(format!(
                "`set` has no effect: the database fills `{}` in itself",
                column.name
            )));
        }
        if let Some(Err(why)) = write::mark_cell(column, &mark, jiff::Timestamp::UNIX_EPOCH) {
            return Err(misconfigured(format!(
                "`set` of `{}` can't be written: {why}",
                column.name
            )));
        }
        Ok((at, mark))
    }

    /// R1: a column that is said to tell times, and does not, is not passed over.
    fn holds_times(&self, table: &mut table::Table, at: usize, word: &str) -> Result<(), Trouble> {
        let column = &mut table.columns[at];
        if matches!(column.ty, PlainType::Datetime | PlainType::Date) {
            return Ok(());
        }
        let Some(form) = column.times else {
            return Err(Trouble::Misconfigured(format!(
                "{}: the column {}.{}, which `{word}` names, holds no times ({}): name another, or none",
                self.place(),
                table.name,
                column.name,
                column.native
            )));
        };
        (column.ty, column.stored) = (PlainType::Datetime, form);
        if matches!(form, Stored::ZonelessTime | Stored::SpacedTime) {
            column.zone = self.zone()?;
        }
        Ok(())
    }

    fn zone(&self) -> Result<TimeZone, Trouble> {
        let Some(name) = &self.zone else { return Ok(TimeZone::UTC) };
        TimeZone::get(name).map_err(|_| {
            Trouble::Misconfigured(format!(
                "there is no time zone `{name}`: `zone` is a name such as Europe/Oslo, or UTC"
            ))
        })
    }
}

impl Connector for SqlConnector {
    fn answers(&self, _: &str, _: bool) -> Answers {
        Answers::Stored
    }

    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn test(&self) -> Result<String, Trouble> {
        let now = self.with(|database| database.query(self.dialect.now(), &[]));
        now.map_err(|fault| self.trouble("testing the connection", &fault))?;
        Ok(format!("{}: {} tables and views", self.settings.place(), self.kinds.len()))
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        read::page(self, self.kind(request.kind)?, request)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        read::get(self, self.kind(kind)?, watch, id)
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        read::find(self, self.kind(kind)?, watch, prop, value)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        match self.kind(kind) {
            Ok(kind) => write::all(self, kind, watch, writes),
            Err(trouble) => writes.iter().map(|_| Outcome::Stopped(trouble.clone())).collect(),
        }
    }

    fn batch(&self, _: &str) -> usize {
        WRITES_AT_ONCE
    }
}

/// A list of columns as SQL shows them.
fn shown(dialect: Dialect, columns: &[&Column]) -> String {
    columns.iter().map(|column| dialect.shown(column)).collect::<Vec<_>>().join(", ")
}
