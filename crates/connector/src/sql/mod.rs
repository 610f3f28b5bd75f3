//! Tables of a database: a SQLite file, PostgreSQL, MySQL or MariaDB.
//!
//! `with: { url: ${DATABASE_URL}, modified: updated_at }`: every table and view with a key of one
//! column is a record type, its columns are the properties. What they are is read from the
//! database's catalogue when the connection is made.
//!
//! Where things are:
//! - `settings`: what stands under `with:`;
//! - `connected`: the connection and what it was opened with; `database`: what the three kinds have
//!   in common; `dialect`: where their SQL differs; `sqlite`, `postgres`, `mysql`: drivers,
//!   catalogues, errors;
//! - `table`, `column`: a table as a record type; `kinds`: which tables are one; `remembered`: the
//!   catalogue as it was last seen; `cell`: values;
//! - `read`: pages, by the id's order (R1), `progress`: which rows, `transactions`: where no column
//!   tells of changes; `write`: a transaction for each write (P6, C2, G4).
//!
//! It relies on two things: a transaction is done or not done, and a row that is locked stays as it
//! is. So a write compares the row with what was decided on while nobody else can change it, and
//! only an answer lost at `COMMIT` leaves a doubt.

mod cell;
mod column;
mod connected;
mod database;
mod dialect;
mod kinds;
mod mysql;
mod postgres;
mod progress;
mod read;
mod remembered;
mod settings;
mod sqlite;
mod table;
mod tls;
mod transactions;
mod write;

use std::path::Path;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, TypeSchema, Value};

use crate::{Answers, Connector, Outcome, Page, ReadRequest, Trouble, Write};
pub use connected::SqlConnector;
pub use settings::describe as settings;

/// Writes that are handed over together. Each has a transaction of its own; fewer commits of the
/// hub's store are what it saves.
const WRITES_AT_ONCE: usize = 50;

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

/// Settings that have no effect on any table, in words (G10). Nothing where the database can't be
/// asked: that is told elsewhere.
pub fn without_effect(
    settings: &serde_json::Map<String, Value>,
    project_dir: &Path,
) -> Vec<String> {
    SqlConnector::open(settings, project_dir)
        .map(|connector| connector.without_effect())
        .unwrap_or_default()
}

impl Connector for SqlConnector {
    fn answers(&self, _: &str, _: bool) -> Answers {
        Answers::Stored
    }

    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn shows_all_there_is(&self) -> bool {
        true
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
