//! A part of a run: the writes of some flows, to some systems, or of the first records only
//! (`--flow`, `--only`, `--first`, `retry`).
//!
//! A part never knows less than a whole run where it decides: every record type on which the writes
//! in question can depend is read to its present end, and deciding sees whole entities, as ever.
//! Only what is sent is limited. What was decided and is not sent waits in the outbox, what was not
//! decided on waits on the agenda; both are in the store, and the next run without such a limit
//! goes on with them. Record types that are not read keep their checkpoints, and nothing is
//! concluded about their records.

use std::collections::{BTreeSet, HashSet};

use lockstep_engine::Plan;
use lockstep_engine::plan::PlanCreate;
use lockstep_model::{FlowIx, Intent, NumberSet, RecordId, TypeIx};
use serde::{Deserialize, Serialize};

/// What of all that is to be written a run writes; all of it where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What these flows write.
    pub flows: Option<BTreeSet<FlowIx>>,
    /// What is written to these systems, by name.
    pub systems: Option<BTreeSet<String>>,
    /// The first records, this many.
    pub first: Option<usize>,
}

impl Part {
    /// Nothing is left out.
    pub fn is_whole(&self) -> bool {
        *self == Part::default()
    }
}

/// What a run was limited to, and what it left for a later one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartReport {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<usize>,
    /// Writes that are decided and were left for a later run.
    pub writes_left: u64,
    /// Records that were not decided on yet.
    pub records_left: u64,
}

/// What a write is about: the record, or what is created from this source.
pub(crate) type Target = (TypeIx, RecordId, bool);

/// The part of a run under way.
#[derive(Default)]
pub(crate) struct Portion {
    pub(crate) asked: Part,
    /// What concerns these records only, as a source or as a target.
    pub(crate) records: Option<NumberSet<RecordId>>,
    /// The records of `first` that something was sent for.
    pub(crate) begun: HashSet<Target>,
    /// Those for which something in question is decided and not sent.
    pub(crate) decided: HashSet<Target>,
    /// Records decided on together.
    pub(crate) batch: usize,
}

impl Portion {
    pub(crate) fn new(asked: Part) -> Self {
        let batch = asked.first.unwrap_or(0).max(1);
        Portion { asked, batch, ..Portion::default() }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.asked.is_whole() && self.records.is_none()
    }

    /// From here on only what concerns these records is sent.
    pub(crate) fn limit_to(&mut self, records: NumberSet<RecordId>) {
        self.records = Some(records);
    }

    /// Whether anything may be sent to this record type.
    pub(crate) fn may_write_to(&self, plan: &Plan, ty: TypeIx) -> bool {
        let of_flow = |flow: &FlowIx| {
            let flow = &plan.flows[flow.at()];
            flow.from == ty || flow.to == ty
        };
        self.asked.systems.as_ref().is_none_or(|systems| systems.contains(&plan.ty(ty).name.system))
            && self.asked.flows.as_ref().is_none_or(|flows| flows.iter().any(of_flow))
    }

    /// Whether a write is one of those in question, however many of them may be sent.
    pub(crate) fn is_of_it(&self, plan: &Plan, intent: &Intent) -> bool {
        let is_meant = |records: &NumberSet<RecordId>| {
            [intent.source.record(), intent.record].iter().flatten().any(|id| records.contains(id))
        };
        self.asked.flows.as_ref().is_none_or(|flows| flows.contains(&intent.flow))
            && self
                .asked
                .systems
                .as_ref()
                .is_none_or(|systems| systems.contains(&plan.ty(intent.ty).name.system))
            && self.records.as_ref().is_none_or(is_meant)
    }

    /// Whether a write may be sent now.
    pub(crate) fn may_send(&self, plan: &Plan, intent: &Intent) -> bool {
        let begins =
            |first: usize| self.begun.len() < first || self.begun.contains(&target(intent));
        self.is_of_it(plan, intent) && self.asked.first.is_none_or(begins)
    }

    /// Of a batch that may be sent, the writes that may be sent together: not more records than
    /// asked for.
    pub(crate) fn truncate(&self, intents: &mut Vec<Intent>) {
        let Some(first) = self.asked.first else { return };
        let mut begun = self.begun.clone();
        intents.retain(|intent| {
            let may = begun.contains(&target(intent)) || begun.len() < first;
            if may {
                begun.insert(target(intent));
            }
            may
        });
    }

    /// A write is being sent.
    pub(crate) fn begin(&mut self, intent: &Intent) {
        if self.asked.first.is_some() {
            self.decided.remove(&target(intent));
            self.begun.insert(target(intent));
        }
    }

    /// As many records are decided on as may be written.
    pub(crate) fn has_enough(&self) -> bool {
        self.asked.first.is_some_and(|first| self.begun.union(&self.decided).count() >= first)
    }

    /// Counts what a batch decided.
    pub(crate) fn count(&mut self, plan: &Plan, new: &[Intent], dropped: &[&Intent]) {
        if self.asked.first.is_none() {
            return;
        }
        let before = self.decided.len();
        for intent in dropped {
            self.decided.remove(&target(intent));
        }
        let new: Vec<Target> =
            new.iter().filter(|intent| self.is_of_it(plan, intent)).map(target).collect();
        self.decided.extend(new);
        // Where nothing is found to be written, larger batches cost less.
        if self.decided.len() <= before {
            self.batch = self.batch.saturating_mul(2);
        }
    }

    /// How many records are decided on together, where usually it is `most`.
    pub(crate) fn batch(&self, most: usize) -> usize {
        match self.asked.first {
            None => most,
            Some(_) => self.batch.clamp(1, most),
        }
    }
}

pub(crate) fn target(intent: &Intent) -> Target {
    (intent.ty, intent.subject(), intent.record.is_none())
}

/// The record types on which these depend in any way: what can be in one entity with their records,
/// what they refer to, what refers to them, and their other facets.
pub(crate) fn together_with(plan: &Plan, begin: BTreeSet<TypeIx>) -> BTreeSet<TypeIx> {
    let mut pairs: Vec<(TypeIx, TypeIx)> = Vec::new();
    for flow in &plan.flows {
        pairs.push((flow.from, flow.to));
        if let PlanCreate::ConnectedTo(types) = &flow.create {
            pairs.extend(types.iter().map(|ty| (flow.from, *ty)));
        }
    }
    for (at, ty) in plan.types.iter().enumerate() {
        let at = TypeIx(at as u16);
        pairs.extend(ty.facets.iter().map(|facet| (at, *facet)));
        pairs.extend(ty.props.iter().flat_map(|prop| &prop.refers_to).map(|to| (at, *to)));
    }
    let mut found = begin;
    loop {
        let before = found.len();
        for (a, b) in &pairs {
            if found.contains(a) || found.contains(b) {
                found.extend([*a, *b]);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}
