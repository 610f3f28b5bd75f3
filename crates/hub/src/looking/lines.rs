//! The lines of what is shown.

use lockstep_model::{Detail, Remedy, RunId, Timestamp, Value, Why};
use serde::Serialize;

use crate::damages::{DamageLine, TroubleLine};
use crate::ledger::failing::FailingWrite;
use crate::report::RecordName;

/// Maximum number of failing writes listed one by one.
pub(crate) const FAILING_SHOWN: usize = 20;

/// Where a project stands.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub types: Vec<TypeLine>,
    /// Open intents by state.
    pub outbox: Vec<(String, u64)>,
    /// Records that are known and not decided on yet: a run was limited to a part, or came to no
    /// end.
    #[serde(skip_serializing_if = "is_none")]
    pub undecided: u64,
    /// Writes that failed and are tried again, and those of which it is not known whether they were
    /// done (G4).
    pub failing: Vec<FailingWrite>,
    /// Open reviews by kind.
    pub reviews: Vec<(String, u64)>,
    /// What can't be read until somebody mends it (R8).
    pub damages: Vec<DamageLine>,
    /// Systems that the last run could not work with, and why.
    pub troubles: Vec<TroubleLine>,
    /// What stopped a run before its first write, and waits for a person (G3).
    pub guards: Vec<crate::guards::TrippedGuard>,
    /// Records that are known, of record types that no flow names any more (L12).
    pub unnamed: Vec<crate::report::Unnamed>,
    /// References that wait for a counterpart of the record that they name (P8): whose they are,
    /// and what for.
    pub waiting_references: Vec<(RecordName, Why)>,
    /// P12: values that rows of one direction leave as they were put in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drifted: Vec<DriftLine>,
    pub runs: Vec<RunLine>,
}

/// P12: how many values of a property differ from what a row of one direction would give them.
#[derive(Clone, Debug, Serialize)]
pub struct DriftLine {
    /// With its record type: `shop.Customers name`.
    pub property: String,
    pub records: u64,
}

/// A record type's line.
#[derive(Clone, Debug, Serialize)]
pub struct TypeLine {
    pub name: String,
    pub records: u64,
    /// Read to the end at least once (L8).
    pub complete: bool,
    /// When the last finished reading began.
    pub read_from: Option<String>,
}

/// A run's line.
#[derive(Clone, Debug, Serialize)]
pub struct RunLine {
    pub run: i64,
    pub started: String,
    pub ended: Option<String>,
    pub summary: Value,
}

/// No review shows more candidates than this.
pub(super) const CANDIDATES_SHOWN: usize = 20;

/// A review with its records.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewLine {
    /// By which people name it; it keeps it while it is open.
    pub number: i64,
    pub kind: String,
    /// The flow between the two record types.
    pub flow: String,
    pub record: RecordName,
    pub label: String,
    /// The record type that is asked about.
    pub in_type: String,
    pub path: Option<String>,
    pub rule: String,
    pub sentence: String,
    pub why: Why,
    /// What a person can do about it: the answers that it takes among the rest.
    pub remedies: Vec<Remedy>,
    /// The first of them, with a few words by which a person knows each.
    pub candidates: Vec<(RecordName, String)>,
    /// How many more there are.
    pub more_candidates: u64,
    pub opened: String,
}

/// A review with its records side by side.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewShown {
    pub review: ReviewLine,
    /// The value that was refused or can't be converted.
    pub value: Value,
    /// The record, then its counterpart or the candidates, with a few words by which a person knows
    /// each.
    pub columns: Vec<(RecordName, String)>,
    /// For each column the match rows by which it fits the record, which is the first.
    pub fits: Vec<Vec<String>>,
    pub rows: Vec<SideBySide>,
}

/// One property of records side by side.
#[derive(Clone, Debug, Serialize)]
pub struct SideBySide {
    /// In the order of the columns: the path in that record type and the value; nothing where a
    /// record type has no such property.
    pub cells: Vec<Option<(String, Value)>>,
    /// Not all that are there are equal.
    pub differs: bool,
}

/// One thing that happened, with the names of its records.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryLine {
    pub at: String,
    pub run: i64,
    pub kind: String,
    pub record: RecordName,
    pub path: Option<String>,
    pub before: Value,
    pub after: Value,
    pub rule: Option<String>,
    /// The other record of a link; where a write came from.
    pub other: Option<RecordName>,
    pub detail: Detail,
}

/// How many runs are shown where nobody says which.
pub(crate) const LATEST_RUNS: usize = 5;

/// Which part of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryOf {
    /// A record, by its name.
    Record(String),
    Run(RunId),
    Since(Timestamp),
    /// The latest runs.
    Latest,
}

fn is_none(n: &u64) -> bool {
    *n == 0
}
