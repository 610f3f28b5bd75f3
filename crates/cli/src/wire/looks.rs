//! What the commands print that look at what is stored.

use lockstep_hub::look as hub;
use lockstep_hub::report::{RecordName, WhyCount};
use lockstep_model::Value;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::remedies::Remedy;
use super::report::{Guard, Unnamed, reasons};
use super::{Labelled, each, is_none, labelled, names};

use crate::wording::{self, but_answers, with_remedies};

/// Where a project stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    types: Vec<Type>,
    /// Open writes by state.
    outbox: Vec<(String, u64)>,
    /// Records that are known and not decided on.
    #[serde(skip_serializing_if = "is_none")]
    undecided: u64,
    /// Writes that failed and are tried again, or may have been done (G4).
    failing: Vec<FailingWrite>,
    /// Open reviews by kind.
    reviews: Vec<(String, u64)>,
    /// What can't be read until somebody mends it (R8).
    damages: Vec<Damage>,
    /// Systems that the last run could not work with, and why.
    troubles: Vec<Trouble>,
    guards: Vec<Guard>,
    unnamed: Vec<Unnamed>,
    /// References that wait for a counterpart (P8): whose they are, and what for.
    waiting_references: Vec<Labelled>,
    /// Values that rows of one direction leave as they are (P12).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drifted: Vec<Drift>,
    /// The latest runs, newest first.
    runs: Vec<Run>,
}

/// A record type.
#[derive(Debug, Serialize, JsonSchema)]
struct Type {
    name: String,
    records: u64,
    /// It has been read to the end at least once (L8).
    complete: bool,
    /// When the last finished reading began.
    read_from: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FailingWrite {
    source: String,
    target: String,
    kind: String,
    message: String,
    tries: u32,
    not_before: Option<String>,
    unknown: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Damage {
    record_type: String,
    since: String,
    /// Nothing is read of the record type, and nothing written to it.
    stops: bool,
    place: String,
    message: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Trouble {
    system: String,
    since: String,
    message: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Drift {
    /// With its record type: `shop.Customers name`.
    property: String,
    records: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Run {
    run: i64,
    started: String,
    ended: Option<String>,
    /// Its counts by system and flow, as the report has them; for what a person did, `act`.
    summary: Value,
}

/// The linked records: entities, each a list of records with a few words by which a person knows
/// them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Entities(Vec<Vec<Labelled>>);

/// What happened, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct History(Vec<HistoryLine>);

/// One thing that happened.
#[derive(Debug, Serialize, JsonSchema)]
struct HistoryLine {
    at: String,
    run: i64,
    /// `edit`, `link`, `unlink`, `written`, `refused`, `deleted`, `person`, `note`
    kind: String,
    record: String,
    path: Option<String>,
    before: Value,
    after: Value,
    rule: Option<String>,
    /// The other record of a link; where a write came from.
    other: Option<String>,
    text: String,
}

/// What waits for a person, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Reviews(Vec<Review>);

/// A review.
#[derive(Debug, Serialize, JsonSchema)]
struct Review {
    number: i64,
    kind: String,
    flow: String,
    record: String,
    label: String,
    /// The record type that is asked about.
    in_type: String,
    path: Option<String>,
    rule: String,
    sentence: String,
    /// The word by which the reason is known.
    reason: String,
    message: String,
    /// What a person can do about it: the answers that it takes among the rest.
    remedies: Vec<Remedy>,
    candidates: Vec<Labelled>,
    /// How many candidates there are besides those that are listed.
    more_candidates: u64,
    opened: String,
}

/// A review with its records side by side.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReviewShown {
    review: Review,
    /// The value that was refused or can't be converted.
    value: Value,
    columns: Vec<Labelled>,
    /// For each column the match rows by which it fits the record, which is the first.
    fits: Vec<Vec<String>>,
    rows: Vec<SideBySide>,
}

/// One property of records side by side.
#[derive(Debug, Serialize, JsonSchema)]
struct SideBySide {
    /// In the order of the columns: the path and the value.
    cells: Vec<Option<(String, Value)>>,
    differs: bool,
}

/// Why a record is as it is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explanation {
    record: String,
    links: Vec<String>,
    properties: Vec<Explained>,
    /// What waits for a person about it.
    reviews: Vec<String>,
    /// What comes by itself and has not come yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits: Vec<String>,
}

/// Why a property is as it is.
#[derive(Debug, Serialize, JsonSchema)]
struct Explained {
    path: String,
    value: Value,
    sentences: Vec<String>,
}

/// What an audit found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Audit {
    /// Entities that there are, and that were looked at.
    entities: usize,
    audited: usize,
    records_read: usize,
    properties: Vec<AuditedProperty>,
    /// Known differences: a person's answer is waited for, a write is still to be sent.
    in_review: u64,
    waiting: u64,
    /// Linked records that are not in their system any more.
    gone: Vec<String>,
    /// Records that could not be read, and why.
    unread: Vec<Labelled>,
    repaired: bool,
}

/// A property in which records differ.
#[derive(Debug, Serialize, JsonSchema)]
struct AuditedProperty {
    flow: String,
    property: String,
    drifted: u64,
    unequal: u64,
    not_kept: u64,
    /// Records that show neither what was written nor a form of it: no alarm.
    stored_otherwise: u64,
    examples: Vec<Difference>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Difference {
    record: String,
    kind: DifferenceKind,
    shows: Value,
    expected: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DifferenceKind {
    Drifted,
    Unequal,
    NotKept,
    StoredOtherwise,
}

impl From<hub::Status> for Status {
    fn from(from: hub::Status) -> Self {
        Status {
            types: each(from.types),
            outbox: from.outbox,
            undecided: from.undecided,
            failing: each(from.failing),
            reviews: from.reviews,
            damages: each(from.damages),
            troubles: each(from.troubles),
            guards: each(from.guards),
            unnamed: each(from.unnamed),
            waiting_references: from
                .waiting_references
                .into_iter()
                .map(|(record, why)| (record.0, wording::why(&why)))
                .collect(),
            drifted: from
                .drifted
                .into_iter()
                .map(|one| Drift { property: one.property, records: one.records })
                .collect(),
            runs: each(from.runs),
        }
    }
}

impl From<hub::TypeLine> for Type {
    fn from(from: hub::TypeLine) -> Self {
        let hub::TypeLine { name, records, complete, read_from } = from;
        Type { name, records, complete, read_from }
    }
}

impl From<lockstep_hub::failing::FailingWrite> for FailingWrite {
    fn from(from: lockstep_hub::failing::FailingWrite) -> Self {
        let lockstep_hub::failing::FailingWrite {
            source,
            target,
            kind,
            message,
            tries,
            not_before,
            unknown,
            ..
        } = from;
        let not_before = not_before.map(|at| at.to_string());
        FailingWrite { source: source.0, target, kind, message, tries, not_before, unknown }
    }
}

impl From<lockstep_hub::DamageLine> for Damage {
    fn from(from: lockstep_hub::DamageLine) -> Self {
        let lockstep_hub::DamageLine { record_type, since, stops, place, message } = from;
        Damage { record_type, since, stops, place, message }
    }
}

impl From<lockstep_hub::TroubleLine> for Trouble {
    fn from(from: lockstep_hub::TroubleLine) -> Self {
        let lockstep_hub::TroubleLine { system, since, message, remedies } = from;
        Trouble { system, since, message: with_remedies(&message, &remedies) }
    }
}

impl From<hub::RunLine> for Run {
    fn from(from: hub::RunLine) -> Self {
        let hub::RunLine { run, started, ended, mut summary } = from;
        for flow in summary["flows"].as_array_mut().into_iter().flatten() {
            put_into_words(flow);
        }
        Run { run, started, ended, summary }
    }
}

/// The reasons of a flow's counts in words. Runs of an earlier version have them so already.
fn put_into_words(flow: &mut Value) {
    let counted = flow.as_object_mut().and_then(|flow| flow.remove("why"));
    let counted = counted.and_then(|why| serde_json::from_value::<Vec<WhyCount>>(why).ok());
    if flow["reasons"].is_null() {
        flow["reasons"] = json!(reasons(counted.unwrap_or_default()).0);
    }
}

impl From<Vec<Vec<(RecordName, String)>>> for Entities {
    fn from(from: Vec<Vec<(RecordName, String)>>) -> Self {
        Entities(
            from.into_iter().map(|members| members.into_iter().map(labelled).collect()).collect(),
        )
    }
}

impl From<Vec<hub::HistoryLine>> for History {
    fn from(from: Vec<hub::HistoryLine>) -> Self {
        let line = |line: hub::HistoryLine| {
            let hub::HistoryLine {
                at,
                run,
                kind,
                record,
                path,
                before,
                after,
                rule,
                other,
                detail,
            } = line;
            let other = other.map(|name| name.0);
            let text = wording::detail(&detail);
            HistoryLine { at, run, kind, record: record.0, path, before, after, rule, other, text }
        };
        History(from.into_iter().map(line).collect())
    }
}

impl From<Vec<hub::ReviewLine>> for Reviews {
    fn from(from: Vec<hub::ReviewLine>) -> Self {
        Reviews(each(from))
    }
}

impl From<hub::ReviewLine> for Review {
    fn from(from: hub::ReviewLine) -> Self {
        Review {
            number: from.number,
            kind: from.kind,
            flow: from.flow,
            record: from.record.0,
            label: from.label,
            in_type: from.in_type,
            path: from.path,
            rule: from.rule,
            sentence: from.sentence,
            reason: from.why.name(),
            message: with_remedies(&wording::why(&from.why), &but_answers(&from.remedies)),
            remedies: each(from.remedies),
            candidates: from.candidates.into_iter().map(labelled).collect(),
            more_candidates: from.more_candidates,
            opened: from.opened,
        }
    }
}

impl From<hub::ReviewShown> for ReviewShown {
    fn from(from: hub::ReviewShown) -> Self {
        ReviewShown {
            review: from.review.into(),
            value: from.value,
            columns: from.columns.into_iter().map(labelled).collect(),
            fits: from.fits,
            rows: from
                .rows
                .into_iter()
                .map(|row| SideBySide { cells: row.cells, differs: row.differs })
                .collect(),
        }
    }
}

impl From<lockstep_hub::explain::Explanation> for Explanation {
    fn from(from: lockstep_hub::explain::Explanation) -> Self {
        let explained = |one: lockstep_hub::explain::PropertyExplanation| Explained {
            sentences: wording::sentences(&one),
            path: one.path,
            value: one.value,
        };
        let (reviews, waits) = (wording::asked(&from), wording::waiting(&from));
        Explanation {
            record: from.record.0,
            links: from.links.iter().map(wording::link).collect(),
            properties: from.properties.into_iter().map(explained).collect(),
            reviews,
            waits,
        }
    }
}

impl From<lockstep_hub::audit::Audit> for Audit {
    fn from(from: lockstep_hub::audit::Audit) -> Self {
        Audit {
            entities: from.entities,
            audited: from.audited,
            records_read: from.records_read,
            properties: each(from.properties),
            in_review: from.in_review,
            waiting: from.waiting,
            gone: names(from.gone),
            unread: from.unread.into_iter().map(labelled).collect(),
            repaired: from.repaired,
        }
    }
}

impl From<lockstep_hub::audit::AuditedProperty> for AuditedProperty {
    fn from(from: lockstep_hub::audit::AuditedProperty) -> Self {
        let lockstep_hub::audit::AuditedProperty {
            flow,
            property,
            drifted,
            unequal,
            not_kept,
            stored_otherwise,
            examples,
        } = from;
        AuditedProperty {
            flow,
            property,
            drifted,
            unequal,
            not_kept,
            stored_otherwise,
            examples: each(examples),
        }
    }
}

impl From<lockstep_hub::audit::Difference> for Difference {
    fn from(from: lockstep_hub::audit::Difference) -> Self {
        use lockstep_hub::audit::DifferenceKind as K;
        let kind = match from.kind {
            K::Drifted => DifferenceKind::Drifted,
            K::Unequal => DifferenceKind::Unequal,
            K::NotKept => DifferenceKind::NotKept,
            K::StoredOtherwise => DifferenceKind::StoredOtherwise,
        };
        Difference { record: from.record.0, kind, shows: from.shows, expected: from.expected }
    }
}
