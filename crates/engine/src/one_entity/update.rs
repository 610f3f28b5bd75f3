//! What is written to a member of an entity (P4).

use lockstep_model::value::equal;
use lockstep_model::why::{OfReference, OfValue};
use lockstep_model::{
    Change, ClaimStamp, EntityId, Intent, IntentKind, PropIx, RecordState, Review, ReviewKind,
    Rule, TypeIx, Value, value,
};

use super::intents::Decided;
use super::state::OneEntity;
use crate::create::refused;
use crate::flips::flipping;
use crate::groups::all_or_nothing;
use crate::settle::{Awaited, Entity, Wanted, change, is_given, waits_for, wanted, wanted_list};

/// So many of the elements that wait are named.
const MOST_NAMED: usize = 3;

impl OneEntity<'_> {
    /// P4: only what differs, all of a record's in one write, nothing where nothing differs.
    pub(super) fn update(&mut self, id: EntityId, entity: &Entity<'_>, record: &RecordState) {
        let (plan, slice) = (self.plan, self.slice);
        let ty = plan.ty(record.ty);
        let (mut changes, mut stopped) = (Vec::new(), Vec::new());
        if entity.records.len() > 1 && ty.can.update {
            for prop in (0..ty.props.len() as u16).map(PropIx) {
                if entity.bearings(plan, record.ty, prop).is_empty() {
                    continue;
                }
                match self.due(entity, record, prop) {
                    Due::Nothing => {}
                    Due::Stopped => stopped.push(prop),
                    Due::Change(change) => changes.push(change),
                }
            }
            all_or_nothing(plan, record.ty, &stopped, &mut changes);
        }
        let open = slice
            .intents_of(id)
            .filter(|intent| intent.kind == IntentKind::Update && intent.record == Some(record.id));
        // What a person takes back stands, whatever the flows say of it (G7).
        let open: Vec<&Intent> = open.filter(|intent| !intent.takes_back()).collect();
        let Some(failed) = self.reconcile(&open, &changes, record).filter(|_| !changes.is_empty())
        else {
            return;
        };
        // G7: no decision by the flows has the record itself as its source, also where it is given
        // back a value of its own.
        let others = changes
            .iter()
            .map(|change| change.claim.record)
            .chain(entity.records.iter().map(|other| other.id));
        let source = others.into_iter().find(|source| *source != record.id).unwrap_or(record.id);
        let from = slice.records.get(&source).map_or(record.ty, |source| source.ty);
        self.intend(Decided {
            kind: IntentKind::Update,
            entity: id,
            ty: record.ty,
            record: Some(record),
            source: source.into(),
            flow: plan.flow_between(from, record.ty),
            changes,
        });
        self.inherit_tries(failed);
    }
}

/// What is due for a property.
enum Due {
    Nothing,
    /// Something is, and can't be written now.
    Stopped,
    Change(Change),
}

impl OneEntity<'_> {
    /// What is due for one property of a record; what keeps it from being written is told.
    fn due(&mut self, entity: &Entity<'_>, record: &RecordState, prop: PropIx) -> Due {
        let (plan, slice) = (self.plan, self.slice);
        if plan.prop(record.ty, prop).each {
            return self.due_list(entity, record, prop);
        }
        let write = match wanted(plan, slice, entity, record, prop) {
            Wanted::Nothing => return Due::Nothing,
            Wanted::Pick { element } => {
                self.picks.push((record.id, prop, element));
                return Due::Nothing;
            }
            Wanted::Waits { reference, claim } => {
                self.waits(record, prop, reference, claim);
                return Due::Stopped;
            }
            Wanted::Unconvertible { value, message, .. } => {
                self.unconvertible(record, record.ty, prop, value, (message, 0));
                return Due::Stopped;
            }
            write @ Wanted::Write { .. } => write,
        };
        self.due_write(entity, record, prop, write)
    }

    /// P11: what is due for a list whose elements come and go one by one. What can't come is told,
    /// and keeps none of the others from being written.
    fn due_list(&mut self, entity: &Entity<'_>, record: &RecordState, prop: PropIx) -> Due {
        let (plan, slice) = (self.plan, self.slice);
        if !is_given(plan.prop(record.ty, prop), record) {
            return Due::Nothing;
        }
        let list = wanted_list(plan, slice, entity, record, prop);
        if !list.waits.is_empty() {
            self.elements_wait(record, prop, &list.waits);
        }
        if let Some((value, why)) = list.failing.first() {
            let others = list.failing.len() as u64 - 1;
            self.unconvertible(record, record.ty, prop, value.clone(), (why.clone(), others));
        }
        let due = match list.wanted {
            Wanted::Nothing => Due::Nothing,
            write => self.due_write(entity, record, prop, write),
        };
        // R6: what else comes to the list does not answer that question.
        if list.not_kept
            && !matches!(due, Due::Stopped)
            && let Some(review) = refused(&slice.reviews, record, record.ty, prop)
        {
            self.reviews.push(review.clone());
        }
        due
    }

    /// What is to be written, unless something keeps it from that.
    fn due_write(
        &mut self,
        entity: &Entity<'_>,
        record: &RecordState,
        prop: PropIx,
        write: Wanted,
    ) -> Due {
        let (plan, slice) = (self.plan, self.slice);
        let Some(change) = change(plan, slice, record, prop, write) else { return Due::Nothing };
        if let Some(flips) = flipping(plan, entity, record, prop) {
            self.stopped(entity, flips, &change, record);
            return Due::Stopped;
        }
        // It may have been refused when the record was created from another of the entity.
        match entity
            .records
            .iter()
            .find_map(|member| refused(&slice.reviews, member, record.ty, prop))
        {
            // G4: the same value is not sent again; the review stays as it is.
            Some(review) if equal(&review.value, &change.value) => {
                self.reviews.push(review.clone());
                Due::Stopped
            }
            _ => Due::Change(change),
        }
    }

    /// P3: a value that can't be brought to a property of a record, or of the one that is made for
    /// it: why, and how many more elements of its list can't be.
    pub(super) fn unconvertible(
        &mut self,
        record: &RecordState,
        ty: TypeIx,
        prop: PropIx,
        value: Value,
        (because, more): (String, u64),
    ) {
        let property = self.plan.prop(ty, prop).name.clone();
        self.reviews.push(Review {
            kind: ReviewKind::Unconvertible,
            about: record.id.into(),
            ty,
            prop: Some(prop),
            rule: Rule::P3,
            candidates: vec![],
            value,
            why: OfValue::Unconvertible { property, because, more }.into(),
            opened_at: self.slice.now,
        });
    }

    /// P8: elements of a list of references wait for their counterparts.
    fn elements_wait(&mut self, record: &RecordState, prop: PropIx, waits: &[(Value, Awaited)]) {
        let (plan, slice) = (self.plan, self.slice);
        let described = plan.prop(record.ty, prop);
        let ids: Vec<Value> = waits.iter().map(|(id, _)| id.clone()).collect();
        let name = |(id, awaited): &(Value, Awaited)| match awaited
            .of()
            .and_then(|of| slice.records.get(&of))
        {
            Some(of) => format!("{}/{}", plan.ty(of.ty).name, of.key),
            None => value::shown(id),
        };
        let why = OfReference::ElementsWait {
            property: described.name.clone(),
            records: waits.iter().take(MOST_NAMED).map(name).collect(),
            more: waits.len().saturating_sub(MOST_NAMED) as u64,
        };
        self.reviews.push(Review {
            kind: ReviewKind::WaitingReference,
            about: record.id.into(),
            ty: record.ty,
            prop: Some(prop),
            rule: Rule::P8,
            candidates: waits.iter().filter_map(|(_, awaited)| awaited.of()).collect(),
            value: Value::Array(ids),
            why: why.into(),
            opened_at: slice.now,
        });
    }

    /// P8: a reference waits for the counterpart of the record that it names: that is told until it
    /// has come.
    fn waits(&mut self, record: &RecordState, prop: PropIx, reference: Awaited, claim: ClaimStamp) {
        let (plan, slice) = (self.plan, self.slice);
        let property = Some(plan.prop(record.ty, prop).name.clone());
        let (value, why) = waits_for(plan, slice, property, reference, claim);
        self.reviews.push(Review {
            kind: ReviewKind::WaitingReference,
            about: record.id.into(),
            ty: record.ty,
            prop: Some(prop),
            rule: Rule::P8,
            candidates: reference.of().into_iter().collect(),
            value,
            why: why.into(),
            opened_at: slice.now,
        });
    }
}
