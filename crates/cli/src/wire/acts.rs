//! What the commands print that do something.

use std::collections::BTreeSet;

use lockstep_hub::undo as hub;
use lockstep_model::Value;
use schemars::JsonSchema;
use serde::Serialize;

use super::report::Guard;
use super::{each, names};

use crate::wording::with_remedies;

/// An answer to a review.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answered {
    pub number: i64,
    /// It was carried out.
    pub done: bool,
    /// What that means, or why not.
    pub text: String,
}

/// Answers to reviews.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Answers(pub Vec<Answered>);

/// Writes that were taken back, or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TakenBack {
    pub plan: Taking,
    /// What was done; nothing without `--yes`.
    pub done: Option<Taken>,
}

/// A plan to take writes back.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Taking {
    what: String,
    records: Vec<RecordBack>,
    /// What can't be taken back.
    not: Vec<NotBack>,
    /// Properties that hold already what they held before.
    as_before: usize,
    /// Systems that were not asked, as they lack a variable or a setting: what their records hold
    /// now is as it was read last.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    unasked: BTreeSet<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RecordBack {
    record: String,
    label: String,
    act: Back,
    properties: Vec<PropertyBack>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Back {
    /// Properties are put back.
    Update,
    /// Lockstep created the record; it is deleted.
    Delete,
    /// An undo deleted the record; another is made.
    CreateAnew,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PropertyBack {
    path: String,
    now: Value,
    back_to: Value,
    /// It is kept apart from the others until somebody edits any of them, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    apart: Option<String>,
    /// What the next run makes of it.
    then: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NotBack {
    record: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    why: String,
}

/// What was taken back.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Taken {
    run: i64,
    records: usize,
    /// What was to be done and was not.
    not: Vec<NotBack>,
}

/// Records that a person linked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Linked {
    pub linked: Vec<String>,
}

/// Records that a person unlinked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unlinked {
    /// With `--restore`: what is put back.
    pub plan: Option<Taking>,
    /// Nothing with `--restore` and without `--yes`.
    pub unlinked: Option<Halves>,
    pub done: Option<Taken>,
}

/// The two that an entity was taken apart into.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Halves {
    one: Vec<String>,
    other: Vec<String>,
    /// What the flows may do about it in the next run.
    then: Vec<String>,
}

/// The flows that may run from now on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Approved {
    pub approved: Vec<String>,
}

/// The guards that a person answered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Released {
    /// What they held back was given up.
    pub discarded: bool,
    guards: Vec<Guard>,
}

/// A connection that works.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Connected {
    pub system: String,
    /// What the system answered, in words.
    pub answer: String,
}

/// The files of a new project.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Made {
    pub folder: String,
    pub wrote: Vec<String>,
    /// Those that were there already.
    pub kept: Vec<String>,
}

impl From<lockstep_hub::answers::Answered> for Answered {
    fn from(from: lockstep_hub::answers::Answered) -> Self {
        let lockstep_hub::answers::Answered { number, done, text, remedies } = from;
        Answered { number, done, text: with_remedies(&text, &remedies) }
    }
}

impl From<&hub::TakingBack> for Taking {
    fn from(from: &hub::TakingBack) -> Self {
        let record = |record: &hub::RecordBack| RecordBack {
            record: record.record.0.clone(),
            label: record.label.clone(),
            act: match record.act {
                hub::Back::Update => Back::Update,
                hub::Back::Delete => Back::Delete,
                hub::Back::CreateAnew => Back::CreateAnew,
            },
            properties: each(record.properties.clone()),
        };
        Taking {
            what: from.what.clone(),
            records: from.records.iter().map(record).collect(),
            not: each(from.not.clone()),
            as_before: from.as_before,
            unasked: from.unasked.clone(),
        }
    }
}

impl From<hub::PropertyBack> for PropertyBack {
    fn from(from: hub::PropertyBack) -> Self {
        let hub::PropertyBack { path, now, back_to, apart, then } = from;
        PropertyBack { path, now, back_to, apart, then }
    }
}

impl From<hub::NotBack> for NotBack {
    fn from(from: hub::NotBack) -> Self {
        let hub::NotBack { record, path, why, remedies } = from;
        NotBack { record: record.0, path, why: with_remedies(&why, &remedies) }
    }
}

impl From<&lockstep_hub::take_back::TakenBack> for Taken {
    fn from(from: &lockstep_hub::take_back::TakenBack) -> Self {
        Taken { run: from.run.0, records: from.records, not: each(from.not.clone()) }
    }
}

impl From<lockstep_hub::links::Joined> for Linked {
    fn from(from: lockstep_hub::links::Joined) -> Self {
        Linked { linked: names(from.members) }
    }
}

impl From<lockstep_hub::links::Halves> for Halves {
    fn from(from: lockstep_hub::links::Halves) -> Self {
        Halves { one: names(from.one), other: names(from.other), then: from.then }
    }
}

impl Released {
    /// The answers to these guards.
    pub fn new(discarded: bool, guards: Vec<lockstep_hub::TrippedGuard>) -> Self {
        Released { discarded, guards: each(guards) }
    }
}
