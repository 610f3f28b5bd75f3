//! What the three kinds of database have in common: asking, telling what went wrong, and the few
//! places where their SQL differs.

use super::cell::Cell;
use super::table::Table;

/// An open connection.
pub(super) trait Database: Send {
    fn query(&mut self, sql: &str, params: &[Cell]) -> Result<Vec<Vec<Cell>>, Fault>;

    /// Gives how many rows were concerned.
    fn execute(&mut self, sql: &str, params: &[Cell]) -> Result<u64, Fault>;

    /// A statement without parameters: `BEGIN`, `COMMIT`.
    fn run(&mut self, sql: &str) -> Result<(), Fault>;

    /// The id that the last insert drew; only where the statement itself does not give it back.
    fn drawn(&mut self) -> Option<i64>;

    /// The connection is of no use any more.
    fn is_broken(&self) -> bool;

    /// What the catalogue tells: all tables and views with their columns. Zones and references
    /// between ids are filled in by the caller.
    fn tables(&mut self, schema: Option<&str>) -> Result<Vec<Table>, Fault>;
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Unauthorized,
    Unreachable,
    /// Locked, deadlocked, out of connections: surely not done, may pass.
    Busy,
    /// A value that has to be unique is there already.
    Unique,
    /// Refused for good because of a value.
    Refused,
    /// The value does not fit the type, or its range.
    Value,
    /// The statement itself: a table or column that is not there any more.
    Statement,
}

/// What a database answered instead of doing what it was told.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) cause: Cause,
    pub(super) message: String,
    pub(super) constraint: Option<String>,
    pub(super) columns: Vec<String>,
}

impl Fault {
    pub(super) fn new(cause: Cause, message: impl Into<String>) -> Fault {
        Fault { cause, message: message.into(), constraint: None, columns: vec![] }
    }

    pub(super) fn of_column(mut self, column: impl Into<String>) -> Fault {
        self.columns.push(column.into());
        self
    }

    pub(super) fn of_constraint(mut self, name: impl Into<String>) -> Fault {
        self.constraint = Some(name.into());
        self
    }
}
