//! A database that is connected: its settings, its tables as record types, and the connection, which
//! is made anew where it broke.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockstep_model::{TypeSchema, Value};

use super::column::Column;
use super::database::{Cause, Database, Fault};
use super::dialect::Dialect;
use super::settings::{self, Settings};
use super::table::{Kind, Table};
use super::{mysql, postgres, remembered, sqlite};
use crate::Trouble;
use crate::numbers::Numbers;

/// A database, connected.
pub struct SqlConnector {
    pub(super) settings: Settings,
    pub(super) dialect: Dialect,
    pub(super) folder: PathBuf,
    pub(super) schemas: Vec<TypeSchema>,
    /// In the order of the schemas.
    pub(super) kinds: Vec<Kind>,
    pub(super) state: Mutex<State>,
    pub(super) numbers: Numbers,
}

#[derive(Default)]
pub(super) struct State {
    open: Option<Box<dyn Database>>,
    /// Not before then, where the settings name a rate.
    next: Option<Instant>,
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
                Table::add_missing(&mut tables, before);
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
    pub(super) fn with<T>(
        &self,
        work: impl Fn(&mut dyn Database) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
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

    pub(super) fn keep_the_rate(&self, state: &mut State) {
        let Some(rate) = self.settings.rate_per_second.filter(|rate| *rate > 0.0) else { return };
        let now = Instant::now();
        if let Some(next) = state.next.filter(|next| *next > now) {
            std::thread::sleep(next - now);
        }
        state.next = Some(Instant::now() + Duration::from_secs_f64(1.0 / rate));
    }

    pub(super) fn connect(&self) -> Result<Box<dyn Database>, Fault> {
        Ok(match self.dialect {
            Dialect::Sqlite => {
                Box::new(sqlite::Sqlite::open(&self.folder.join(self.settings.file()))?)
            }
            Dialect::Postgres => Box::new(postgres::Postgres::open(&self.settings.url)?),
            Dialect::Mysql => Box::new(mysql::Mysql::open(&self.settings.url)?),
        })
    }

    /// A setting for all tables that names a column which none of them has, or which no table goes
    /// by.
    pub(super) fn without_effect(&self) -> Vec<String> {
        let (settings, place) = (&self.settings, self.settings.place());
        if self.kinds.is_empty() {
            return vec![];
        }
        let goes_by = |of: OfKind, column: &str| {
            let is_it =
                |kind: &Kind| of(kind).is_some_and(|at| kind.table.columns[at].name == column);
            self.kinds.iter().any(is_it)
        };
        let said: [(&str, &Option<String>, OfKind); 4] = [
            ("id", &settings.id, |kind| Some(kind.id)),
            ("modified", &settings.modified, |kind| kind.modified),
            ("created", &settings.created, |kind| kind.created),
            ("version", &settings.version, |kind| kind.version),
        ];
        let mut told = vec![];
        for (word, column, of) in said {
            let Some(column) = column.as_ref().filter(|column| !goes_by(of, column)) else {
                continue;
            };
            let is_column = self.kinds.iter().any(|kind| kind.table.column(column).is_some());
            told.push(match is_column {
                true => format!(
                    "`{word}: {column}` has no effect: every table of {place} has its own key, or names its own column"
                ),
                false => format!("`{word}: {column}` has no effect: no table of {place} has such a column"),
            });
        }
        if settings.changes.is_some() && self.kinds.iter().all(|kind| !kind.by_transactions) {
            told.push(format!(
                "`changes: xmin` has no effect: each table of {place} has a time of change (`modified`), or is no ordinary table"
            ));
        }
        if settings.overlap_seconds != settings::usual_overlap()
            && self.kinds.iter().all(|kind| kind.modified.is_none())
        {
            told.push(format!(
                "`overlap_seconds` has no effect: no table of {place} has a time of change (`modified`)"
            ));
        }
        told
    }

    pub(super) fn kind(&self, kind: &str) -> Result<&Kind, Trouble> {
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
    pub(super) fn trouble(&self, what: &str, fault: &Fault) -> Trouble {
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

/// The column of a table that is something to the hub, by position.
type OfKind = fn(&Kind) -> Option<usize>;

/// A list of columns as SQL shows them.
pub(super) fn shown(dialect: Dialect, columns: &[&Column]) -> String {
    columns.iter().map(|column| dialect.shown(column)).collect::<Vec<_>>().join(", ")
}
