//! An entity as the conditions hold for it now (L9, L11): what its records have inherited, and what
//! values that win show, counts as claimed.

use lockstep_model::flow::Policy;
use lockstep_model::value::is_empty;
use lockstep_model::{Claim, PropIx, RecordId, RecordState, Timestamp};

use super::candidates::candidates;
use super::cut_off::{inherited, kept_when_emptied};
use super::entity::Entity;
use crate::conditions::suspended;
use crate::plan::Plan;

impl<'a> Entity<'a> {
    /// These records, with the conditions that hold for them now.
    pub fn of(plan: &'a Plan, records: Vec<&'a RecordState>) -> Self {
        let suspended = suspended(plan, &records);
        let left = (!suspended.is_empty()).then(|| plan.without(&suspended));
        let mut entity = Entity { records, suspended, left, inherited: vec![] };
        entity.group(plan);
        if left.is_some() {
            let cut_off = inherited(plan, &entity);
            entity.inherited = cut_off;
            entity.group(plan);
        }
        if plan.ignores_clears {
            let kept = kept_when_emptied(plan, &entity);
            let inherits = |entity: &Self, of: &(RecordId, PropIx, Claim)| {
                entity.inherited.iter().any(|(id, prop, _)| (*id, *prop) == (of.0, of.1))
            };
            let kept: Vec<_> = kept.into_iter().filter(|one| !inherits(&entity, one)).collect();
            entity.inherited.extend(kept);
        }
        if plan.gives_on_create {
            let given = given_on_creation(plan, &entity);
            entity.inherited.extend(given);
        }
        if plan.by_value {
            let shown = shown_as_claims(plan, &entity);
            entity.inherited.extend(shown);
        }
        entity
    }
}

/// C1: what records were given by rows that give a value only on creation. It counts as put in
/// there, before whatever has a time, where nobody has put in anything: the record keeps it, and
/// whom it is kept equal with gets it.
fn given_on_creation(plan: &Plan, entity: &Entity<'_>) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for (ix, slot) in record.slots.iter().enumerate() {
            let prop = PropIx(ix as u16);
            let shown = slot.value(plan.prop(record.ty, prop).whole);
            let mut bearings = entity.bearings(plan, record.ty, prop).iter();
            if record.written_at.is_none()
                || slot.claim.is_some()
                || is_empty(shown)
                || !bearings.any(|by| by.on_create.contains(&record.ty))
                || !candidates(plan, entity, record.ty, prop, Some(record.id)).is_empty()
            {
                continue;
            }
            let value = slot.given.as_deref().unwrap_or(shown).clone();
            found.push((record.id, prop, Claim { value, at: Timestamp::UNTOLD, goes: vec![] }));
        }
    }
    found
}

/// `wins`: what the records show of properties of which the value decides, each as a claim of its
/// record: it counts, whoever put it there.
fn shown_as_claims(plan: &Plan, entity: &Entity<'_>) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for (ix, prop) in plan.ty(record.ty).props.iter().enumerate() {
            let slot = record.slot(PropIx(ix as u16));
            if slot.claim.is_some()
                || !prop.paired
                || !matches!(prop.policy, Policy::Wins(_))
                || is_empty(slot.value(prop.whole))
            {
                continue;
            }
            let at = slot.carries.map_or(Timestamp::UNTOLD, |carried| carried.at);
            found.push((
                record.id,
                PropIx(ix as u16),
                Claim { value: slot.value(prop.whole).clone(), at, goes: vec![] },
            ));
        }
    }
    found
}
