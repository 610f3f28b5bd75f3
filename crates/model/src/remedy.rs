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
    /// Answer a review: `record` is the one that the answer names, or is about.
    Answer { answer: AnswerKind, record: Option<String>, does: Effect },
    /// Make one record of several in a system.
    MakeOne { system: String },
    /// Say one of these values of a setting in the flow: it answers for all records.
    SetInFlow { setting: String, values: Vec<String> },
    /// Have the keys of a system tried, or sign in to it.
    Connect { system: String },
    /// Take back what somebody has edited since as well.
    UndoEdited,
}

/// The answers to a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    Accept,
    Reject,
    /// It names a record.
    Link,
    Separate,
}

impl AnswerKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            AnswerKind::Accept => "accept",
            AnswerKind::Reject => "reject",
            AnswerKind::Link => "link",
            AnswerKind::Separate => "separate",
        }
    }
}

/// What an answer to a review does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The two are linked.
    Link,
    /// They are kept apart for good, and creation goes on.
    KeepApart,
    /// It was not created, and is created once more.
    CreateAgain,
    /// The value or the record is sent again.
    TryAgain,
    /// It stays as it is, until the value changes.
    Leave,
    /// The record is decided on again.
    DecideAgain,
    /// It stays as it was decided last, until something changes.
    LeaveDecided,
    Delete,
    Keep,
    /// What a guard holds back is written.
    LetThrough,
    GiveUp,
    /// The next listing is believed.
    Believe,
    ListAgain,
    /// It is the same record, edited.
    SameRecord,
    /// Its id belongs to another record now.
    AnotherRecord,
    /// What it was put back to goes to the others.
    TakePutBack,
    /// What was written is written again.
    TakeWritten,
    /// The named record's value goes to the others.
    TakeThis,
    /// Each keeps what it holds, until somebody edits it.
    LetDiffer,
}
