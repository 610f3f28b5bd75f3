//! The single events of a run, with their reasons.

use lockstep_engine::Plan;
use lockstep_model::detail::Wrote;
use lockstep_model::detail::{Existence, LinkedBy};
use lockstep_model::visible::visible;
use lockstep_model::{Reason, Remedy, Review, Timestamp, TypeIx, Value, Why};
use serde::{Deserialize, Serialize};

/// A record as people name it: `wix.Contacts/ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordName(pub String);

impl RecordName {
    /// The name of a record of the plan.
    pub fn of(plan: &Plan, ty: TypeIx, key: &str) -> Self {
        RecordName(format!("{}/{key}", plan.ty(ty).name))
    }
}

impl std::fmt::Display for RecordName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // G9: a key is whatever its system says.
        f.write_str(&visible(&self.0))
    }
}

/// What decided between two values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    pub reason: Reason,
    /// The record type that was named first.
    pub first: String,
    /// What of the flow decided: the policy of its row, or that it puts in the value itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Wrote>,
}

/// One property of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropertyChange {
    pub path: String,
    pub before: Value,
    pub after: Value,
    /// The rule by which it was decided.
    pub rule: String,
    /// What decided where it was not simply the latest edit (P1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Decided>,
    /// For a reference that is filled in when its record exists: whose counterpart it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart_of: Option<RecordName>,
}

/// One thing that happened (or would happen).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Linked {
        flow: String,
        a: RecordName,
        b: RecordName,
        by: LinkedBy,
    },
    Created {
        flow: String,
        source: RecordName,
        record: RecordName,
        properties: Vec<PropertyChange>,
    },
    Updated {
        flow: String,
        source: RecordName,
        record: RecordName,
        properties: Vec<PropertyChange>,
    },
    /// It is gone from its system.
    Deleted {
        record: RecordName,
        of: Existence,
    },
    /// Lockstep deleted it: `source` was deleted (D1) or is not what its flow is about any more
    /// (L11), or it has no counterpart and is itself the source (D1).
    Removed {
        flow: String,
        source: RecordName,
        record: RecordName,
        why: Why,
        rule: String,
    },
    /// It was deleted after `source`, which is back, and is in its system again (D2).
    Restored {
        flow: String,
        source: RecordName,
        record: RecordName,
    },
    /// It is kept, though the flow passes deletions on (D1).
    Kept {
        flow: String,
        record: RecordName,
        why: Why,
        rule: String,
    },
    /// Its system stores neither what was written nor a form of it (R6).
    StoredOtherwise {
        flow: String,
        record: RecordName,
        why: Why,
    },
    Edited {
        record: RecordName,
        path: String,
        before: Value,
        after: Value,
    },
    Review {
        flow: String,
        kind: String,
        record: RecordName,
        why: Why,
        rule: String,
        /// The answers that it takes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remedies: Vec<Remedy>,
    },
    Refused {
        flow: String,
        record: RecordName,
        message: String,
    },
    /// A write that failed and is tried again, or of which nobody knows yet whether it was done.
    Failing {
        flow: String,
        source: RecordName,
        /// What was to be written: the record, or its record type where it was to be created.
        target: String,
        kind: String,
        message: String,
        /// How often it was tried.
        tries: u32,
        /// It is not tried, or asked after, before.
        not_before: Option<Timestamp>,
        /// Whether it was done is not known.
        unknown: bool,
    },
    Waits {
        flow: String,
        record: RecordName,
        why: Why,
        rule: String,
    },
    Fault {
        place: String,
        message: String,
    },
    Paused {
        system: String,
        message: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remedies: Vec<Remedy>,
    },
}

impl Event {
    /// A person is asked, and can do this about it.
    pub(crate) fn asked(
        flow: String,
        record: RecordName,
        review: &Review,
        remedies: Vec<Remedy>,
    ) -> Event {
        Event::Review {
            flow,
            kind: review.kind.name().into(),
            record,
            why: review.why.clone(),
            rule: review.rule.to_string(),
            remedies,
        }
    }
}
