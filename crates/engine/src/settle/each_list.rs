//! One of the lists of an entity that are being settled (P11).

use lockstep_model::{
    Claim, ClaimStamp, PropIx, RecordId, RecordState, Slot, Timestamp, TypeIx, Value,
};

use super::entity::Entity;
use crate::create::refused;
use crate::plan::Plan;
use crate::sets::{Likeness, elements};
use crate::slice::Slice;

/// A list of a record, on which is decided.
pub(super) struct List<'a> {
    pub record: &'a RecordState,
    pub prop: PropIx,
    pub likeness: Likeness,
    /// What it should hold.
    pub desired: Vec<Value>,
    /// What it shows, each element as it was put in or given.
    pub stands: Vec<Value>,
    /// What an edit displaced that has not been carried on to all others.
    pub displaced: Option<Vec<Value>>,
    /// The latest time of what is put in or taken out.
    pub at: Timestamp,
    /// It has met the lists that it takes from.
    pub met: Option<ClaimStamp>,
    /// Its elements that wait on the way to others.
    pub waiting: Vec<Value>,
    /// Some list meets this one only now.
    pub unmet: bool,
    /// C2: its record was made with what others held when that was decided on, which may not be
    /// what they hold now. It takes all of that.
    pub outdated: bool,
}

/// All lists of this kind that the live records of an entity have.
pub(super) fn lists<'a>(plan: &Plan, slice: &Slice, entity: &Entity<'a>) -> Vec<List<'a>> {
    let mut found = Vec::new();
    for record in entity.records.iter().copied().filter(|record| record.is_live()) {
        let props = plan.ty(record.ty).props.iter().enumerate();
        for (ix, described) in props.filter(|(_, prop)| prop.each && prop.paired) {
            let (prop, slot) = (PropIx(ix as u16), &record.slots[ix]);
            let stands = stands(slot);
            let claimed = slot.claim.as_ref().filter(|_| {
                // Where the flows have changed, a claim may be of a time when the list was a value
                // like any other, and long replaced.
                !slice.reconsider
                    || is_being_written(slice, record, prop)
                    || refused(&slice.reviews, record, record.ty, prop).is_some()
            });
            found.push(List {
                record,
                prop,
                likeness: Likeness::within(described),
                desired: claimed
                    .map_or_else(|| stands.clone(), |claim| elements(Some(&claim.value))),
                displaced: slot.displaced.as_deref().map(|value| elements(Some(value))),
                at: slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at),
                met: slot.carries,
                waiting: vec![],
                unmet: false,
                outdated: false,
                stands,
            });
        }
    }
    found
}

/// What a list shows, each element as it was put in or given (P3).
pub(super) fn stands(slot: &Slot) -> Vec<Value> {
    elements(slot.given.as_deref().or(slot.shadow.as_ref()))
}

fn is_being_written(slice: &Slice, record: &RecordState, prop: PropIx) -> bool {
    let mine = |id: &Option<RecordId>| *id == Some(record.id);
    let open = slice.intents_of(record.entity).filter(|intent| mine(&intent.record));
    open.flat_map(|intent| &intent.changes).any(|change| change.prop == prop)
}

impl List<'_> {
    pub fn of(&self) -> (TypeIx, PropIx) {
        (self.record.ty, self.prop)
    }

    pub fn slot(&self) -> &Slot {
        self.record.slot(self.prop)
    }

    /// Whether its system has shown it.
    pub fn is_read(&self) -> bool {
        self.slot().shadow.is_some()
    }

    /// The claim that Lockstep has made it with, where nothing else has come to it since.
    pub fn made_with(&self) -> Option<ClaimStamp> {
        self.slot().carries.filter(|_| self.slot().claim.is_none())
    }

    /// Where the flows have changed: what it holds has not been settled element by element, as it
    /// was a value like any other before.
    pub fn was_one_value(&self) -> bool {
        let claim = self.slot().claim.as_ref().map(|claim| elements(Some(&claim.value)));
        claim.is_none_or(|claim| !self.likeness.same_set(&claim, &self.stands))
    }

    /// The slot with what was settled, where that changes it.
    pub fn settled(self, entity: &Entity<'_>) -> Option<(RecordId, PropIx, Slot)> {
        let before = self.slot();
        let mut slot = before.clone();
        let known = before.claim.as_ref().map(|claim| elements(Some(&claim.value)));
        if known.as_ref().unwrap_or(&self.stands) != &self.desired {
            let value = Value::Array(self.desired.clone());
            slot.claim = Some(Claim { value, at: self.at, goes: vec![] });
        }
        slot.carries = self.met;
        slot.displaced = self.left_to_carry(entity).map(|list| Box::new(Value::Array(list)));
        (slot != *before).then_some((self.record.id, self.prop, slot))
    }

    /// What the list is compared with the next time, where something of it is still to be carried
    /// on: an element that waits (P8), or all, where a condition keeps records apart (L9).
    fn left_to_carry(&self, entity: &Entity<'_>) -> Option<Vec<Value>> {
        if self.displaced.is_some() && entity.keeps_apart(self.record.ty) {
            return self.displaced.clone();
        }
        let carried = match &self.displaced {
            Some(displaced) => displaced.as_slice(),
            None if self.unmet => &[],
            None => return None,
        };
        let waits = |one: &&Value| {
            self.likeness.is_in(&self.waiting, one) && !self.likeness.is_in(carried, one)
        };
        let (waiting, carried): (Vec<&Value>, Vec<&Value>) = self.stands.iter().partition(waits);
        (!waiting.is_empty()).then(|| carried.into_iter().cloned().collect())
    }
}
