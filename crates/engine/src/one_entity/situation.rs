//! Which situation a record is in by a flow (L9).

use std::collections::BTreeSet;

use lockstep_model::why::NotYet;
use lockstep_model::{EntityId, FlowIx, Presence, RecordState, ReviewKind, Situation, TypeIx};

use super::absent::Lacking;
use super::state::OneEntity;
use crate::conditions::not_about;
use crate::decision::Finding;
use crate::plan::PlanCreate;
use crate::settle::Entity;

impl OneEntity<'_> {
    /// One row for each situation (L9); the comment tells the story.
    pub(super) fn flow(
        &mut self,
        id: EntityId,
        entity: &Entity<'_>,
        record: &RecordState,
        flow_ix: FlowIx,
        made: &mut BTreeSet<TypeIx>,
    ) {
        let flow = &self.plan.flows[flow_ix.at()];
        let lacking = Lacking { id, entity, record, flow: flow_ix, to: flow.to };
        // D2: the place of one that was deleted after a record that is back is free.
        let counts = |r: &&&RecordState| {
            r.ty == flow.to && r.id != record.id && r.presence != Presence::Replaceable
        };
        let counterparts: Vec<&&RecordState> = entity.records.iter().filter(counts).collect();
        let live = counterparts.iter().any(|r| r.is_live());
        let just_linked = || {
            let with = self.linked_with.get(&record.id).map_or(&[][..], Vec::as_slice);
            counterparts.iter().any(|counterpart| with.contains(&counterpart.id))
        };
        let unsettled =
            self.unsettled.get(&(record.id, flow.to)).map(|at| &self.links.unsettled[*at]);
        let (situation, why) = if live && entity.is_suspended(flow.from, flow.to) {
            // Linked, but its condition does not hold any more: nothing is written, nothing
            // deleted.
            (Situation::Unqualified, not_about(self.plan, flow, record))
        } else if live && just_linked() {
            // Nobody had linked them; a row of the match table did just now.
            (Situation::Found, None)
        } else if live {
            // Linked since earlier.
            (Situation::Confirmed, None)
        } else if !counterparts.is_empty() {
            // The other one was deleted: the link ends, nothing is created anew (D1).
            (Situation::Missing, None)
        } else if let Some(problem) = unsettled {
            // Somebody must say which one it is; until then nothing is written for it (L6).
            match problem.kind {
                ReviewKind::AmbiguousMatch => {
                    (Situation::Ambiguous, Some(problem.why.clone().into()))
                }
                _ => (Situation::FoundLinked, Some(problem.why.clone().into())),
            }
        } else if made.contains(&flow.to) {
            // Another record of the entity gets the counterpart made.
            (Situation::Absent, Some(NotYet::BeingCreated.into()))
        } else {
            // Nothing matches: perhaps one is made.
            self.absent(&lacking, made)
        };
        if self.focus.contains(&record.id) {
            self.out.findings.push(Finding { flow: flow_ix, record: record.id, situation, why });
        }
        if let PlanCreate::ConnectedTo(_) = flow.create {
            return;
        }
        self.wake_connected(record, flow.to);
    }
}
