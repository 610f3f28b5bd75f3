//! What became of a write, remembered: the shadows, the claims, the journal, the intent.

pub(crate) mod created;
pub(crate) mod refused;
pub(crate) mod taken_back;
pub(crate) mod updated;

use std::collections::HashMap;

use lockstep_connector::WriteValue;
use lockstep_engine::Plan;
use lockstep_engine::keys::hashes;
use lockstep_engine::outcome::{Counterparts, lacks_required, sent_with};
use lockstep_model::{Change, EntityId, Intent, PropIx, RecordId, RecordState, Value};

use crate::error::Result;
use crate::ledger::Ledger;

/// What is asked of a record as it was before a write.
pub(crate) struct Before {
    pub(crate) hashes: Vec<u64>,
    /// What the properties showed that the intent changes, in its order.
    pub(crate) shown: Vec<Value>,
}

impl Before {
    pub(crate) fn of(plan: &Plan, state: &RecordState, intent: &Intent) -> Before {
        let shown = |change: &Change| {
            state.slot(change.prop).value(plan.prop(state.ty, change.prop).whole).clone()
        };
        Before { hashes: hashes(plan, state), shown: intent.changes.iter().map(shown).collect() }
    }
}

impl Ledger {
    /// The ids of counterparts that did not exist when the intents were decided.
    pub(crate) fn counterparts(&mut self, intents: &[Intent]) -> Result<Counterparts> {
        let wanted: Vec<_> = intents
            .iter()
            .flat_map(|i| &i.changes)
            .filter_map(|change| change.counterpart_of)
            .collect();
        if wanted.is_empty() {
            return Ok(Counterparts::new());
        }
        let ids: Vec<RecordId> = wanted.iter().map(|w| w.of).collect();
        let sources: HashMap<RecordId, EntityId> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r.entity)).collect();
        let entities: Vec<EntityId> = sources.values().copied().collect();
        let members = self.store.members(&entities)?;
        let mut found = Counterparts::new();
        for want in wanted {
            let Some(entity) = sources.get(&want.of) else { continue };
            if let Some(member) =
                members.iter().find(|m| m.entity == *entity && m.ty == want.ty && m.is_live())
            {
                found.insert((want.of, want.ty), member.key.clone());
            }
        }
        Ok(found)
    }

    pub(crate) fn values(&self, intent: &Intent, counterparts: &Counterparts) -> Vec<WriteValue> {
        sent_with(&self.plan, intent, counterparts)
            .map(|(change, value)| WriteValue {
                prop: change.prop.at(),
                value,
                displaced: change.displaced.clone(),
            })
            .collect()
    }

    /// C4 for references that were to be filled in now and can't be.
    pub(crate) fn lacks_required(&self, intent: &Intent, values: &[WriteValue]) -> Option<String> {
        let sent = |prop: PropIx| values.iter().any(|value| value.prop == prop.at());
        let missing = lacks_required(&self.plan, intent, sent)?;
        Some(format!(
            "{} is required and refers to a record that has no counterpart yet",
            self.plan.prop(intent.ty, missing).name
        ))
    }

    /// The values that an intent was sent with.
    pub(crate) fn sent(&mut self, intent: &Intent) -> Result<Vec<(usize, Value)>> {
        let counterparts = self.counterparts(std::slice::from_ref(intent))?;
        Ok(self
            .values(intent, &counterparts)
            .into_iter()
            .map(|value| (value.prop, value.value))
            .collect())
    }
}
