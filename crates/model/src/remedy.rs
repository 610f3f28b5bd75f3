//! What a person can do about something, apart from the command or the button that does it.

use serde::{Deserialize, Serialize};

/// What a person can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Run: what is not known yet is found out.
    Run,
    /// Look at what would be written.
    LookAtPlan,
    /// Let the writes of a system through that a guard holds back, or give them up.
    LetThrough { system: String, guard: String },
    /// Believe the next reading of a system's records, whatever this guard says.
    Believe { system: String, guard: Option<String> },
    /// Say that a system is the same account still (R9).
    SameAccount { system: String },
    /// Say that a record type, property or system has another name now (L12).
    Rename { old: String, new: String },
    /// Say that what looks like a new name is none.
    NotRenamed { system: String },
    /// Take two records apart.
    Unlink { a: String, b: String },
    /// Look at why a record is as it is.
    Explain { record: String },
    /// Look at what waits for an answer.
    LookAtReviews,
    /// Look at one review with its records.
    LookAtReview,
    /// Say which candidate it is.
    ChooseCandidate,
    /// Answer all guards.
    AnswerGuards,
    /// Look at the latest runs.
    LookAtRuns,
    /// Take back a run.
    Undo { run: i64 },
}
