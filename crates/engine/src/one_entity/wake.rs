//! Which other records are decided on anew, because a counterpart has come or is about to (C5).

use lockstep_model::{RecordId, RecordState, TypeIx};

use super::state::OneEntity;
use crate::create::neighbours;
use crate::plan::PlanCreate;

impl OneEntity<'_> {
    /// C5: when a record gets (or has) a counterpart in a system, those connected to it may qualify
    /// there now.
    pub(super) fn wake_connected(&mut self, record: &RecordState, to: TypeIx) {
        let system = &self.plan.ty(to).name.system;
        let decides = self.plan.flows.iter().any(|flow| {
            matches!(&flow.create, PlanCreate::ConnectedTo(types) if types.contains(&record.ty))
                && self.plan.ty(flow.to).name.system == *system
        });
        let newly = self.out.intents.last().is_some_and(|intent| intent.source.is(record.id))
            || self.linked_with.contains_key(&record.id);
        if decides && newly {
            self.wake_neighbours(record);
        }
    }

    pub(super) fn wake_neighbours(&mut self, record: &RecordState) {
        if !self.plan.has_references() {
            return;
        }
        let waits = |other: &RecordState| {
            self.plan.flows.iter().any(|flow| {
                flow.from == other.ty && matches!(&flow.create, PlanCreate::ConnectedTo(types) if types.contains(&record.ty))
            })
        };
        let woken: Vec<RecordId> = neighbours(self.plan, self.slice, record)
            .into_iter()
            .filter(|other| waits(other))
            .map(|r| r.id)
            .collect();
        self.out.agenda.extend(woken);
    }
}
