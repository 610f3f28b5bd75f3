//! A column as the database's catalogue tells of it.

use jiff::tz::TimeZone;
use lockstep_model::PlainType;
use serde::{Deserialize, Serialize};

/// How a column keeps its values, where the type does not say it all.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum Stored {
    #[default]
    Plain,
    /// A JSON value.
    Json,
    /// A PostgreSQL array, told and written as JSON.
    Array,
    /// `2024-01-15T10:00:00`, in the zone that the settings name.
    ZonelessTime,
    /// `2024-01-15 10:00:00`, the same.
    SpacedTime,
    EpochSeconds,
    EpochMilliseconds,
}

/// One column.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: PlainType,
    /// The database's own name of the type, as a cast takes it.
    pub(super) native: String,
    pub(super) stored: Stored,
    /// In which form it keeps times, where its type does not say that it does and all that it holds
    /// are times.
    #[serde(default)]
    pub(super) times: Option<Stored>,
    /// The zone of times that tell none.
    #[serde(skip, default = "utc")]
    pub(super) zone: TimeZone,
    pub(super) nullable: bool,
    pub(super) has_default: bool,
    /// The database fills it in and lets nobody else: generated columns, identities.
    pub(super) read_only: bool,
    /// A fresh value is drawn where none is given: serial, identity, auto-increment.
    pub(super) draws: bool,
    /// … which may be the number of a record that is gone: SQLite draws the largest number in the
    /// table plus one (R9).
    #[serde(default)]
    pub(super) draws_again: bool,
    /// Texts that differ in case only are equal to it.
    pub(super) caseless: bool,
    /// A longer text is refused.
    pub(super) max_chars: Option<usize>,
    /// The table whose id it holds.
    pub(super) reference: Option<String>,
    /// It was there once, and is not any more (R5).
    #[serde(default)]
    pub(super) gone: bool,
}

/// Until the settings say otherwise.
fn utc() -> TimeZone {
    TimeZone::UTC
}

impl Column {
    /// A nullable column of this type.
    pub(super) fn new(name: impl Into<String>, ty: PlainType, native: impl Into<String>) -> Column {
        Column {
            name: name.into(),
            ty,
            native: native.into(),
            stored: Stored::Plain,
            times: None,
            zone: TimeZone::UTC,
            nullable: true,
            has_default: false,
            read_only: false,
            draws: false,
            draws_again: false,
            caseless: false,
            max_chars: None,
            reference: None,
            gone: false,
        }
    }
}
