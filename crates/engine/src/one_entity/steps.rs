//! The order in which an entity is decided on: deletions, updates, creations.

use std::collections::BTreeSet;

use lockstep_model::{EntityId, RecordState, TypeIx};

use super::state::OneEntity;
use crate::settle::Entity;

impl OneEntity<'_> {
    pub fn decide(&mut self, id: EntityId) {
        let slice = self.slice;
        let records: Vec<&RecordState> =
            slice.members(id).iter().map(|id| &slice.records[id]).collect();
        // L9, unqualified: a condition that does not hold any more stops its two record types from
        // being kept equal.
        let entity = Entity::of(self.plan, records);
        let doomed = self.deletions(id, &entity);
        for record in
            entity.records.iter().filter(|record| record.is_live() && !doomed.contains(&record.id))
        {
            if self.is_doubted(record) {
                self.drop_updates(id, record);
                continue;
            }
            self.update(id, &entity, record);
        }
        self.calm(&entity);
        let mut made: BTreeSet<TypeIx> = BTreeSet::new();
        for record in
            entity.records.iter().filter(|record| record.is_live() && !doomed.contains(&record.id))
        {
            if self.is_doubted(record) {
                continue;
            }
            for flow in &self.plan.ty(record.ty).flows_out {
                self.flow(id, &entity, record, *flow, &mut made);
            }
        }
        self.drop_needless_creations(id, &made);
    }
}
