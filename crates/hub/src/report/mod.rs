//! What a run did, or a plan would do: counts by the names of L9, and the single events with their
//! reasons.

mod counts;
mod events;

use std::collections::{BTreeMap, HashMap};

use lockstep_engine::Plan;
use lockstep_engine::decision::Finding;
use lockstep_model::{FlowIx, NumberMap, RecordId, RunId, Situation, Timestamp, Why};
use serde::{Deserialize, Serialize};

pub(crate) use crate::report::counts::millis;
pub use crate::report::counts::{
    FlowCounts, Requests, Shares, SystemCounts, Unnamed, WhyCount, timed,
};
pub use crate::report::events::{Decided, Event, PropertyChange, RecordName};

/// Maximum number of events kept for display; all are counted.
const EVENTS_KEPT: usize = 5_000;

/// The report of a run or a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub run: RunId,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// Nothing was written: it was a plan.
    pub plan_only: bool,
    /// What the run was limited to, where it was, and what it left for a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<crate::part::PartReport>,
    pub systems: Vec<SystemCounts>,
    pub flows: Vec<FlowCounts>,
    /// Guards that have tripped: nothing was written (G3). In a plan, those that would.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<crate::guards::TrippedGuard>,
    pub events: Vec<Event>,
    /// Events that are not among `events`.
    pub events_left_out: u64,
    /// Open reviews after the run, by kind.
    pub reviews: BTreeMap<String, u64>,
    /// Records that are known, of record types that no flow names any more (L12).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<Unnamed>,
    /// References that are written once the records that they name have counterparts (P8).
    #[serde(default, skip_serializing_if = "is_none")]
    pub waiting_references: u64,
    /// Records that get no counterpart as long as they lack what the target requires (C4).
    #[serde(default, skip_serializing_if = "is_none")]
    pub incomplete: u64,
    /// Writes that are decided and not confirmed yet.
    pub outbox: u64,
    /// Why the run ended before nothing was left that it could do, where it did (G8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
    /// It ended at a step, as whoever watched it wanted; the next run goes on.
    #[serde(default)]
    pub stopped: bool,
    /// Of these, those that failed and are tried again, and those of which nobody knows yet whether
    /// they were done.
    pub failing: u64,
    pub shares: Shares,
    /// Every event is kept.
    #[serde(skip)]
    pub(crate) every_event: bool,
    /// Counts for a flow that is gone.
    #[serde(skip)]
    of_no_flow: FlowCounts,
    #[serde(skip)]
    pub(crate) findings: NumberMap<(FlowIx, RecordId), Situation>,
    /// Where a reason stands among those of its flow.
    #[serde(skip)]
    reasons: HashMap<(FlowIx, Why), usize>,
}

impl Report {
    /// An empty report.
    pub fn new(
        plan: &Plan,
        systems: impl Iterator<Item = String>,
        run: RunId,
        started: Timestamp,
        plan_only: bool,
    ) -> Self {
        let flows = (0..plan.flows.len() as u16)
            .map(FlowIx)
            .map(|flow| FlowCounts {
                flow: plan.flow_name(flow),
                rows_not_kept: plan
                    .blocked
                    .iter()
                    .filter(|b| b.flow == flow)
                    .map(|b| format!("{}: {}", b.row, b.why))
                    .collect(),
                ..FlowCounts::default()
            })
            .collect();
        Report {
            run,
            started,
            ended: started,
            plan_only,
            part: None,
            systems: systems
                .map(|system| SystemCounts { system, ..SystemCounts::default() })
                .collect(),
            flows,
            of_no_flow: FlowCounts::default(),
            guards: vec![],
            events: vec![],
            events_left_out: 0,
            reviews: BTreeMap::new(),
            unnamed: vec![],
            waiting_references: 0,
            incomplete: 0,
            outbox: 0,
            unfinished: None,
            stopped: false,
            failing: 0,
            shares: Shares::default(),
            every_event: false,
            findings: NumberMap::default(),
            reasons: HashMap::new(),
        }
    }

    /// Whether another event would be kept.
    pub fn has_room(&self) -> bool {
        self.every_event || self.events.len() < EVENTS_KEPT
    }

    /// Keeps an event for showing, if there is room.
    pub fn event(&mut self, event: impl FnOnce() -> Event) {
        if self.has_room() {
            self.events.push(event());
        } else {
            self.events_left_out += 1;
        }
    }

    /// A system's counts.
    pub fn system(&mut self, name: &str) -> &mut SystemCounts {
        let at = self.systems.iter().position(|s| s.system == name).unwrap_or(0);
        &mut self.systems[at]
    }

    /// A flow's counts; of a flow that is gone nobody is told.
    pub fn flow(&mut self, flow: FlowIx) -> &mut FlowCounts {
        match self.flows.len() > flow.at() {
            true => &mut self.flows[flow.at()],
            false => &mut self.of_no_flow,
        }
    }

    /// Counts what was found for a record. Of several decisions on it in one run the last counts,
    /// except that what was found to match stays *found* though it is confirmed a moment later.
    pub fn found(&mut self, finding: &Finding) {
        let key = (finding.flow, finding.record);
        let before = self.findings.get(&key).copied();
        if before == Some(Situation::Found) && finding.situation == Situation::Confirmed {
            return;
        }
        let counts = &mut self.flows[finding.flow.at()];
        if let Some(before) = before
            && let Some(n) = counts.situations.get_mut(before.name())
        {
            *n -= 1;
        }
        *counts.situations.entry(finding.situation.name().into()).or_default() += 1;
        self.findings.insert(key, finding.situation);
        if let Some(why) = &finding.why
            && before != Some(finding.situation)
        {
            let at = *self.reasons.entry((finding.flow, why.clone())).or_insert_with(|| {
                counts.why.push(WhyCount { why: why.clone(), records: 0 });
                counts.why.len() - 1
            });
            counts.why[at].records += 1;
        }
    }

    /// Writes that reached a system (or would).
    pub fn writes(&self) -> u64 {
        self.systems.iter().map(|s| s.created + s.updated + s.deleted).sum()
    }

    /// What each flow has written so far, for those that have written anything.
    pub(crate) fn writes_by_flow(&self) -> BTreeMap<String, u64> {
        let written = self
            .flows
            .iter()
            .map(|flow| (flow.flow.clone(), flow.created + flow.updated + flow.deleted));
        written.filter(|(_, n)| *n > 0).collect()
    }

    /// Something needs a person: exit status 1.
    pub fn needs_a_person(&self) -> bool {
        self.reviews.values().any(|n| *n > 0)
            || !self.guards.is_empty()
            || self.unfinished.is_some()
            || self.stopped
            || self.failing > 0
            || self.systems.iter().any(|s| s.refused > 0 || (s.paused.is_some() && !s.unreachable))
    }

    /// A system could not be reached: exit status 3.
    pub fn unreachable(&self) -> bool {
        self.systems.iter().any(|s| s.unreachable)
    }

    pub(crate) fn forget_findings(&mut self) {
        self.findings = NumberMap::default();
        self.reasons = HashMap::new();
    }
}

fn is_none(n: &u64) -> bool {
    *n == 0
}
