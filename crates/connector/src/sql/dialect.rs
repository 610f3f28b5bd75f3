//! The kinds of database, and the few places where their SQL differs.

use super::column::{Column, Stored};

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    Mysql,
}

impl Dialect {
    /// A name in quotation marks.
    pub(super) fn quoted(self, name: &str) -> String {
        match self {
            Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// The place of the `n`th parameter (from 1) where it takes a value of this column.
    pub(super) fn param(self, n: usize, column: &Column) -> String {
        match (self, column.stored) {
            (Dialect::Postgres, Stored::Array) => {
                format!("array(select jsonb_array_elements_text(${n}::jsonb))::{}", column.native)
            }
            (Dialect::Postgres, _) => format!("${n}::{}", column.native),
            _ => "?".into(),
        }
    }

    /// How a column is asked for, so that the driver gives it as a cell.
    pub(super) fn shown(self, column: &Column) -> String {
        let name = self.quoted(&column.name);
        match (self, column.stored) {
            (Dialect::Postgres, Stored::Array) => format!("to_json({name})::text"),
            (Dialect::Postgres, _) => format!("{name}::text"),
            _ => name,
        }
    }

    /// A column and a parameter, equal by the rules of match keys as far as the database has them
    /// (L2).
    pub(super) fn matches(self, n: usize, column: &Column) -> String {
        let (name, param) = (self.quoted(&column.name), self.param(n, column));
        if column.stored == Stored::Array {
            return format!("lower({name}::text)::{} @> {}", column.native, self.param(n, column));
        }
        if column.ty == lockstep_model::PlainType::String && !column.caseless {
            let plain = if self == Dialect::Postgres {
                format!("lower(${n}::text)")
            } else {
                "lower(?)".into()
            };
            return if self == Dialect::Postgres {
                format!("lower({name}::text) = {plain}")
            } else {
                format!("lower({name}) = {plain}")
            };
        }
        format!("{name} = {param}")
    }

    /// What begins a write: SQLite locks at once, so that it can't fail half way.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            _ => "BEGIN",
        }
    }

    /// What is added to a look at a row that is about to be written.
    pub(super) fn locking(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            _ => " FOR UPDATE",
        }
    }

    /// The server's own time, in UTC.
    pub(super) fn now(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
            Dialect::Postgres => "SELECT clock_timestamp()::text",
            Dialect::Mysql => "SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')",
        }
    }

    /// The condition that a time column is at or after a parameter.
    pub(super) fn not_before(self, n: usize, column: &Column) -> String {
        match self {
            Dialect::Sqlite => format!("{} >= julianday(?)", self.day_of(column)),
            _ => format!("{} >= {}", self.quoted(&column.name), self.param(n, column)),
        }
    }

    /// The condition that a time column holds nothing that could be compared.
    pub(super) fn is_no_time(self, column: &Column) -> String {
        match self {
            Dialect::Sqlite => format!("{} IS NULL", self.day_of(column)),
            _ => format!("{} IS NULL", self.quoted(&column.name)),
        }
    }

    /// Text, seconds or milliseconds: SQLite's files keep times in all three forms, side by side if
    /// need be.
    fn day_of(self, column: &Column) -> String {
        let name = self.quoted(&column.name);
        format!(
            "(CASE typeof({name}) WHEN 'text' THEN julianday({name}) \
             ELSE (CASE WHEN abs({name}) < 100000000000 THEN {name} ELSE {name} / 1000.0 END) / 86400.0 + 2440587.5 END)"
        )
    }
}
