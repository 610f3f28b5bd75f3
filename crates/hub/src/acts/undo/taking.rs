//! A plan of what is taken back, and what is not, with the reasons.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::undo::Written;
use lockstep_model::flow::PropertyRef;
use lockstep_model::{
    Change, FlowIx, Intent, IntentId, IntentKind, IntentState, PropIx, ReadRecord, RecordState,
    Remedy, RunId, Source, Timestamp, TypeIx, TypeName, Value,
};
use lockstep_store::{Store, StoreError, WrittenName};
use serde::{Deserialize, Serialize};

use crate::ledger::Ledger;
use crate::report::RecordName;

/// Number of runs searched for the latest undo.
pub(crate) const RUNS_LOOKED_AT: usize = 10_000;

/// Records whose journal is looked up together.
pub(crate) const AT_ONCE: usize = 1_000;

/// Which writes are to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    /// Those that a run decided.
    Run(RunId),
    /// Those that landed in this time.
    Time { since: Timestamp, until: Option<Timestamp> },
    /// All that went to a record, by its name, or to one property of it.
    Record { name: String, path: Option<String> },
}

/// A plan to take writes back.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TakingBack {
    /// What is taken back, in words.
    pub what: String,
    pub records: Vec<RecordBack>,
    /// What can't be taken back.
    pub not: Vec<NotBack>,
    /// Properties that hold already what they held before.
    pub as_before: usize,
    #[serde(skip)]
    pub(crate) intents: Vec<Intent>,
    /// Deleted by an undo: to be created again.
    #[serde(skip)]
    pub(crate) anew: Vec<RecordState>,
    /// Records that their systems show otherwise than they are known: somebody has edited them
    /// since the last reading. They are observed before anything is put back. The answer to the
    /// write shows those edits too, and would hide them otherwise (P5).
    #[serde(skip)]
    pub(crate) edited: Vec<(TypeIx, ReadRecord)>,
    /// Systems that were not asked: what their records hold now is as it was read last.
    #[serde(skip)]
    pub unasked: BTreeSet<String>,
    /// The run that is taken back, where it was one.
    #[serde(skip)]
    pub(crate) run: Option<RunId>,
}

/// What would be done to a record.
#[derive(Clone, Debug, Serialize)]
pub struct RecordBack {
    pub record: RecordName,
    /// A few words by which a person knows it.
    pub label: String,
    pub act: Back,
    pub properties: Vec<PropertyBack>,
}

/// How a write is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Back {
    /// Properties are put back.
    Update,
    /// Lockstep created the record; it is deleted.
    Delete,
    /// An undo deleted the record; the flows make another.
    CreateAnew,
}

/// A property that would be put back.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyBack {
    pub path: String,
    pub now: Value,
    pub back_to: Value,
    /// It is kept apart from the others until somebody edits any of them, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apart: Option<String>,
    /// What the next run makes of it in other records, or in this one.
    pub then: Vec<String>,
}

/// What is not taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotBack {
    pub record: RecordName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    pub why: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
}

impl NotBack {
    pub(crate) fn new(record: RecordName, path: Option<String>, why: impl Into<String>) -> Self {
        NotBack { record, path, why: why.into(), remedies: vec![] }
    }
}

/// What Lockstep did to a record.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) created: Option<Intent>,
    pub(crate) deleted: Option<Intent>,
    pub(crate) written: BTreeMap<PropIx, Written>,
}

impl TakingBack {
    /// There is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.intents.is_empty() && self.anew.is_empty()
    }
}

impl Ledger {
    pub(crate) fn taking_intent(
        &self,
        record: &RecordState,
        shown_now: &RecordState,
        kind: IntentKind,
        flow: FlowIx,
        changes: Vec<Change>,
    ) -> Intent {
        Intent {
            id: IntentId(0),
            run: RunId(0),
            kind,
            rank: self.plan.ty(record.ty).send_rank,
            ty: record.ty,
            record: Some(record.id),
            entity: record.entity,
            source: Source::TakesBack(record.id),
            flow,
            base_version: shown_now.version.clone().into(),
            changes,
            state: IntentState::Queued,
            attempts: 0,
            not_before: None,
            message: None,
            decided_at: self.clock.now(),
            done_at: None,
        }
    }
}

/// What a plan must watch besides its flows so that everything that a store has ever written can be
/// taken back, for [`lockstep_engine::Plan::compile_watching`].
pub fn ever_written(
    store: &mut dyn Store,
) -> std::result::Result<Vec<(TypeName, Option<PropertyRef>)>, StoreError> {
    let names = store.written_names((RunId(0), RunId(i64::MAX - 1)))?;
    let watched = |name: WrittenName| {
        Some((TypeName::parse(&name.ty)?, name.path.as_deref().map(PropertyRef::named)))
    };
    Ok(names.into_iter().filter_map(watched).collect())
}
