//! The report of a run or a plan.

use std::collections::BTreeMap;

use lockstep_hub::report as hub;
use lockstep_model::Value;
use schemars::JsonSchema;
use serde::Serialize;

use super::remedies::Remedy;
use super::{each, is_none};

use crate::wording::{self, with_remedies};

/// What a run did, or a plan would do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The number of the run.
    run: i64,
    started: String,
    ended: String,
    /// Nothing was written: it was a plan.
    plan_only: bool,
    /// What the run was limited to, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    systems: Vec<System>,
    flows: Vec<Flow>,
    /// Guards that have tripped: nothing was written (G3). In a plan, those that would.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guards: Vec<Guard>,
    events: Vec<Event>,
    /// Events that are not among `events`.
    events_left_out: u64,
    /// Open reviews after the run, by kind.
    reviews: BTreeMap<String, u64>,
    /// Records of record types that no flow names any more (L12).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unnamed: Vec<Unnamed>,
    /// References that wait for a counterpart (P8).
    #[serde(skip_serializing_if = "is_none")]
    waiting_references: u64,
    /// Records that lack what the target requires (C4).
    #[serde(skip_serializing_if = "is_none")]
    incomplete: u64,
    /// Writes that are decided and not confirmed.
    outbox: u64,
    /// Why the run ended before nothing was left that it could do (G8).
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<String>,
    /// It was ended at a step, before it was done: by the service, for something else or because it
    /// was to end itself. The next run goes on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stopped: bool,
    /// Of `outbox`, what failed and is tried again, or may have been done.
    failing: u64,
    shares: Shares,
}

/// What a run was limited to, and what it left for a later one.
#[derive(Debug, Serialize, JsonSchema)]
struct Part {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flows: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    systems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<usize>,
    /// Writes that are decided and were left.
    writes_left: u64,
    /// Records that were not decided on.
    records_left: u64,
}

/// A system's part of a run.
#[derive(Debug, Serialize, JsonSchema)]
struct System {
    system: String,
    read: u64,
    edits: u64,
    created: u64,
    updated: u64,
    deleted: u64,
    refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Requests>,
    /// Why it was left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<String>,
}

/// The requests of a run to one system.
#[derive(Debug, Serialize, JsonSchema)]
struct Requests {
    sent: u64,
    /// Refused as too many.
    refused: u64,
    /// How long they were held back for the system's rate, all together.
    waited_ms: u64,
}

/// A flow's part of a run.
#[derive(Debug, Serialize, JsonSchema)]
struct Flow {
    flow: String,
    /// Records by what was found for them (L9).
    situations: BTreeMap<String, u64>,
    linked: u64,
    created: u64,
    updated: u64,
    deleted: u64,
    review: u64,
    /// Why records have no counterpart.
    reasons: BTreeMap<String, u64>,
    /// The same, with the words by which the reasons are known.
    why: Vec<Reason>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows_not_kept: Vec<String>,
}

/// Where the time went.
#[derive(Debug, Serialize, JsonSchema)]
struct Shares {
    waiting_for_systems_ms: u64,
    observing_ms: u64,
    loading_ms: u64,
    deciding_ms: u64,
    storing_ms: u64,
    delivering_ms: u64,
}

/// A guard that has tripped, or would (G3, R5).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Guard {
    system: String,
    /// `creates`, `updates`, `deletes`, `vanished`, `lost`, `clears`, `match_values`
    guard: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_type: Option<String>,
    message: String,
    /// What a person can do about it.
    remedies: Vec<Remedy>,
}

/// Records of a record type that no flow names any more (L12).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unnamed {
    name: String,
    records: u64,
}

/// A property that is written.
#[derive(Debug, Serialize, JsonSchema)]
struct Property {
    path: String,
    before: Value,
    after: Value,
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The word by which that is known: `told`, `tie`, `untold`, `one-way`, `policy`; `flow` where
    /// the flow itself puts in the value (`set`, a default).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// For a reference whose record does not exist yet: whose counterpart it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    counterpart_of: Option<String>,
}

/// One thing that happened, or would happen. Records are named `system.RecordType/ID`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    Linked {
        flow: String,
        a: String,
        b: String,
        by: String,
    },
    Created {
        flow: String,
        source: String,
        record: String,
        properties: Vec<Property>,
    },
    Updated {
        flow: String,
        source: String,
        record: String,
        properties: Vec<Property>,
    },
    /// It is gone from its system.
    Deleted {
        record: String,
        text: String,
    },
    /// Lockstep deleted it (D1, L11). Where it has no counterpart, it is itself the source.
    Removed {
        flow: String,
        source: String,
        record: String,
        why: String,
        rule: String,
    },
    /// It was deleted after `source`, which is back, and is in its system again (D2).
    Restored {
        flow: String,
        source: String,
        record: String,
    },
    /// It is kept, though the flow passes deletions on (D1).
    Kept {
        flow: String,
        record: String,
        /// The word by which the reason is known.
        reason: String,
        text: String,
    },
    /// Its system stores neither what was written nor a form of it (R6).
    StoredOtherwise {
        flow: String,
        record: String,
        text: String,
    },
    Edited {
        record: String,
        path: String,
        before: Value,
        after: Value,
    },
    Review {
        flow: String,
        kind: String,
        record: String,
        /// The word by which the reason is known.
        reason: String,
        message: String,
        rule: String,
        /// The answers that it takes.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        remedies: Vec<Remedy>,
    },
    Refused {
        flow: String,
        record: String,
        message: String,
    },
    /// A write that failed and is tried again, or of which nobody knows whether it was done.
    Failing {
        flow: String,
        source: String,
        target: String,
        kind: String,
        message: String,
        tries: u32,
        not_before: Option<String>,
        unknown: bool,
    },
    Waits {
        flow: String,
        record: String,
        /// The word by which the reason is known.
        reason: String,
        message: String,
        rule: String,
    },
    Fault {
        place: String,
        message: String,
    },
    Paused {
        system: String,
        message: String,
    },
}

impl From<hub::Report> for Report {
    fn from(from: hub::Report) -> Self {
        let part = |part: lockstep_hub::part::PartReport| Part {
            flows: part.flows,
            systems: part.systems,
            first: part.first,
            writes_left: part.writes_left,
            records_left: part.records_left,
        };
        let shares = from.shares;
        Report {
            run: from.run.0,
            started: from.started.to_string(),
            ended: from.ended.to_string(),
            plan_only: from.plan_only,
            part: from.part.map(part),
            systems: each(from.systems),
            flows: each(from.flows),
            guards: each(from.guards),
            events: each(from.events),
            events_left_out: from.events_left_out,
            reviews: from.reviews,
            unnamed: each(from.unnamed),
            waiting_references: from.waiting_references,
            incomplete: from.incomplete,
            outbox: from.outbox,
            unfinished: from.unfinished,
            stopped: from.stopped,
            failing: from.failing,
            shares: Shares {
                waiting_for_systems_ms: shares.waiting_for_systems_ms,
                observing_ms: shares.observing_ms,
                loading_ms: shares.loading_ms,
                deciding_ms: shares.deciding_ms,
                storing_ms: shares.storing_ms,
                delivering_ms: shares.delivering_ms,
            },
        }
    }
}

impl From<hub::SystemCounts> for System {
    fn from(from: hub::SystemCounts) -> Self {
        let hub::SystemCounts {
            system,
            read,
            edits,
            created,
            updated,
            deleted,
            refused,
            requests,
            paused,
            remedies,
            ..
        } = from;
        let requests = requests.map(|hub::Requests { sent, refused, waited_ms }| Requests {
            sent,
            refused,
            waited_ms,
        });
        let paused = paused.map(|message| with_remedies(&message, &remedies));
        System { system, read, edits, created, updated, deleted, refused, requests, paused }
    }
}

/// Why records have no counterpart.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reason {
    /// The word by which it is known.
    reason: String,
    text: String,
    records: u64,
}

/// Reasons by their words, and each with its count.
pub(super) fn reasons(all: Vec<hub::WhyCount>) -> (BTreeMap<String, u64>, Vec<Reason>) {
    let mut by_text = BTreeMap::new();
    let mut each = Vec::new();
    for hub::WhyCount { why, records } in all {
        let text = wording::why(&why);
        *by_text.entry(text.clone()).or_default() += records;
        each.push(Reason { reason: why.name(), text, records });
    }
    (by_text, each)
}

impl From<hub::FlowCounts> for Flow {
    fn from(from: hub::FlowCounts) -> Self {
        let hub::FlowCounts {
            flow,
            situations,
            linked,
            created,
            updated,
            deleted,
            review,
            why,
            rows_not_kept,
        } = from;
        let (reasons, why) = reasons(why);
        Flow {
            flow,
            situations,
            linked,
            created,
            updated,
            deleted,
            review,
            reasons,
            why,
            rows_not_kept,
        }
    }
}

impl From<lockstep_hub::TrippedGuard> for Guard {
    fn from(from: lockstep_hub::TrippedGuard) -> Self {
        let lockstep_hub::TrippedGuard { system, guard, record_type, why, remedies } = from;
        let message = wording::why(&why);
        Guard {
            system,
            guard,
            record_type,
            message: with_remedies(&message, &remedies),
            remedies: each(remedies),
        }
    }
}

impl From<lockstep_hub::Unnamed> for Unnamed {
    fn from(from: lockstep_hub::Unnamed) -> Self {
        Unnamed { name: from.name, records: from.records }
    }
}

impl From<hub::PropertyChange> for Property {
    fn from(from: hub::PropertyChange) -> Self {
        let hub::PropertyChange { path, before, after, rule, why, counterpart_of } = from;
        Property {
            path,
            before,
            after,
            rule,
            why: wording::decided(why.as_ref()),
            reason: why.map(|why| match why.flow {
                Some(_) if why.reason.is_latest() => "flow".into(),
                _ => why.reason.name().into(),
            }),
            counterpart_of: counterpart_of.map(|name| name.0),
        }
    }
}

impl From<hub::Event> for Event {
    fn from(from: hub::Event) -> Self {
        use hub::Event as E;
        match from {
            E::Linked { flow, a, b, by } => {
                Event::Linked { flow, a: a.0, b: b.0, by: wording::linked_by(&by) }
            }
            E::Created { flow, source, record, properties } => Event::Created {
                flow,
                source: source.0,
                record: record.0,
                properties: each(properties),
            },
            E::Updated { flow, source, record, properties } => Event::Updated {
                flow,
                source: source.0,
                record: record.0,
                properties: each(properties),
            },
            E::Deleted { record, of } => {
                Event::Deleted { record: record.0, text: wording::became(&of) }
            }
            E::Removed { flow, source, record, why, rule } => {
                let why = wording::why(&why);
                Event::Removed { flow, source: source.0, record: record.0, why, rule }
            }
            E::Restored { flow, source, record } => {
                Event::Restored { flow, source: source.0, record: record.0 }
            }
            E::Kept { flow, record, why, rule } => {
                let text = format!("{} ({rule})", wording::why(&why));
                Event::Kept { flow, record: record.0, reason: why.name(), text }
            }
            E::StoredOtherwise { flow, record, why } => {
                Event::StoredOtherwise { flow, record: record.0, text: wording::why(&why) }
            }
            E::Edited { record, path, before, after } => {
                Event::Edited { record: record.0, path, before, after }
            }
            E::Review { flow, kind, record, why, rule, remedies } => Event::Review {
                flow,
                kind,
                record: record.0,
                reason: why.name(),
                message: wording::why(&why),
                rule,
                remedies: each(remedies),
            },
            E::Refused { flow, record, message } => {
                Event::Refused { flow, record: record.0, message }
            }
            E::Failing { flow, source, target, kind, message, tries, not_before, unknown } => {
                let not_before = not_before.map(|at| at.to_string());
                Event::Failing {
                    flow,
                    source: source.0,
                    target,
                    kind,
                    message,
                    tries,
                    not_before,
                    unknown,
                }
            }
            E::Waits { flow, record, why, rule } => {
                let (reason, message) = (why.name(), wording::why(&why));
                Event::Waits { flow, record: record.0, reason, message, rule }
            }
            E::Fault { place, message } => Event::Fault { place, message },
            E::Paused { system, message, remedies } => {
                Event::Paused { system, message: with_remedies(&message, &remedies) }
            }
        }
    }
}
