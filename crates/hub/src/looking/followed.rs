//! Which record a property of another record is of (`company > name`).

use std::collections::HashMap;

use lockstep_engine::follow::referred_id;
use lockstep_model::fact::Owner;
use lockstep_model::{PropIx, RecordId, RecordState};
use lockstep_store::Result;

use crate::ledger::Ledger;
use crate::report::RecordName;

impl Ledger {
    /// The name of `crm.Companies/7`, for each property of these records that belongs to another one
    /// that is there.
    pub(crate) fn led_to(
        &mut self,
        records: &[RecordState],
    ) -> Result<HashMap<(RecordId, PropIx), Owner>> {
        let mut found = HashMap::new();
        if self.plan.follow_depth == 0 {
            return Ok(found);
        }
        for record in records {
            for prop in (0..record.slots.len() as u16).map(PropIx) {
                if self.plan.prop(record.ty, prop).follows.is_some()
                    && let Some(owner) = self.end_of_way(record, prop)?
                {
                    found.insert((record.id, prop), owner);
                }
            }
        }
        Ok(found)
    }

    fn end_of_way(&mut self, record: &RecordState, prop: PropIx) -> Result<Option<Owner>> {
        let (mut record, mut prop) = (record.clone(), prop);
        while let Some(follows) = self.plan.prop(record.ty, prop).follows.clone() {
            let Some(id) = referred_id(&self.plan, &record, &follows) else { return Ok(None) };
            let mut next = None;
            for (ty, of) in &follows.of {
                let mut there = self.store.by_key(*ty, &[&id])?;
                there.retain(RecordState::is_live);
                next = next.or(there.pop().map(|record| (record, *of)));
            }
            let Some(found) = next else { return Ok(None) };
            (record, prop) = found;
        }
        let name = RecordName::of(&self.plan, record.ty, &record.key);
        let property = self.plan.prop(record.ty, prop).name.clone();
        Ok(Some(Owner { property, record: name.to_string() }))
    }
}
