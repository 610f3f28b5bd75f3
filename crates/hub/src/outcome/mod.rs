//! What became of a write, remembered: the shadows, the claims, the journal, the intent.

pub(crate) mod created;
pub(crate) mod refused;
pub(crate) mod taken_back;
pub(crate) mod updated;

use std::collections::HashMap;

use lockstep_connector::WriteValue;
use lockstep_engine::Plan;
use lockstep_engine::keys::hashes;
use lockstep_engine::plan::{PlanProp, PlanType};
use lockstep_engine::settle::id_value;
use lockstep_model::value::is_empty;
use lockstep_model::{
    Change, EntityId, Intent, IntentKind, RecordId, RecordState, Slot, TypeIx, Value,
};

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
    pub(crate) fn counterparts(
        &mut self,
        intents: &[Intent],
    ) -> Result<HashMap<(RecordId, TypeIx), String>> {
        let wanted: Vec<_> = intents
            .iter()
            .flat_map(|i| &i.changes)
            .filter_map(|change| change.counterpart_of)
            .collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<RecordId> = wanted.iter().map(|w| w.of).collect();
        let sources: HashMap<RecordId, EntityId> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r.entity)).collect();
        let entities: Vec<EntityId> = sources.values().copied().collect();
        let members = self.store.members(&entities)?;
        let mut found = HashMap::new();
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

    pub(crate) fn values(
        &self,
        intent: &Intent,
        counterparts: &HashMap<(RecordId, TypeIx), String>,
    ) -> Vec<WriteValue> {
        let mut values = Vec::with_capacity(intent.changes.len());
        for change in &intent.changes {
            let value = match change.counterpart_of {
                None => change.value.clone(),
                Some(counterpart) => {
                    let described = self.plan.prop(intent.ty, change.prop);
                    let id = counterparts.get(&(counterpart.of, counterpart.ty));
                    match id.map(|id| id_value(&self.plan, described, id, &change.displaced)) {
                        Some(Ok(id)) => id,
                        _ => continue,
                    }
                }
            };
            values.push(WriteValue {
                prop: change.prop.at(),
                value,
                displaced: change.displaced.clone(),
            });
        }
        values
    }

    /// C4 for references that were to be filled in now and can't be.
    pub(crate) fn lacks_required(&self, intent: &Intent, values: &[WriteValue]) -> Option<String> {
        if intent.kind != IntentKind::Create {
            return None;
        }
        let missing = intent.changes.iter().find(|change| {
            self.plan.prop(intent.ty, change.prop).required
                && !values.iter().any(|value| value.prop == change.prop.at())
        })?;
        Some(format!(
            "{} is required and refers to a record that has no counterpart yet",
            self.plan.prop(intent.ty, missing.prop).name
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

/// Whether a record that was just created has something that others want (C6), lacks a reference
/// (P8) or may lack one of a list, holds what another record has, or lacks what others get a default
/// for (G8).
pub(crate) fn has_more_to_settle(ty: &PlanType, state: &RecordState) -> bool {
    let settles = |(prop, slot): (&PlanProp, &Slot)| {
        slot.claim.is_some()
            || !prop.is_own()
            || prop.each && !prop.refers_to.is_empty()
            || prop.paired
                && (!prop.refers_to.is_empty() || prop.gives_default)
                && slot.shadow.as_ref().is_none_or(is_empty)
    };
    ty.props.iter().zip(&state.slots).any(settles)
}
