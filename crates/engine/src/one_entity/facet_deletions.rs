//! What is deleted of a record that stands for several things (F3).

use lockstep_model::{
    Change, ClaimStamp, EntityId, Intent, IntentKind, Reason, RecordState, Rule, Value,
};

use super::intents::Decided;
use super::state::OneEntity;
use crate::create::refused;
use crate::deletes::{Departure, Kept, Verdict, departures};
use crate::facets::{part, siblings, stands};
use crate::settle::{Entity, candidates};

impl OneEntity<'_> {
    /// F3: deletes what a record stands for through this facet: the record, if all its facets are
    /// to be deleted, else its part of it. Gives whether anything is to be done still.
    pub(super) fn delete_facet(
        &mut self,
        id: EntityId,
        entity: &Entity<'_>,
        record: &RecordState,
        departure: &Departure,
    ) -> bool {
        let (plan, slice) = (self.plan, self.slice);
        let others: Vec<&RecordState> = match plan.ty(record.ty).facets.is_empty() {
            true => vec![],
            false => {
                siblings(plan, slice, record).filter(|facet| stands(plan, slice, facet)).collect()
            }
        };
        if others.iter().all(|facet| self.is_to_be_deleted(facet)) {
            // One of them does it for all.
            if others.iter().all(|facet| record.id < facet.id) {
                self.delete(id, record, departure.gone.into(), departure.flow);
            }
            return true;
        }
        let gone = &slice.records[&departure.gone];
        let (changes, refused) = self.emptied(entity, record, gone);
        if changes.is_empty() && refused {
            // A person is asked what is to become of that.
            return true;
        }
        if changes.is_empty() {
            self.out
                .kept
                .push(Departure { verdict: Verdict::Keep(Kept::Facets), ..departure.clone() });
            return false;
        }
        let mine = |intent: &&Intent| {
            intent.kind == IntentKind::Update
                && intent.record == Some(record.id)
                && !intent.takes_back()
        };
        let open: Vec<&Intent> = slice.intents_of(id).filter(mine).collect();
        if let Some(failed) = self.reconcile(&open, &changes, record) {
            self.intend(Decided {
                kind: IntentKind::Update,
                entity: id,
                ty: record.ty,
                record: Some(record),
                source: gone.id.into(),
                flow: departure.flow,
                changes,
            });
            self.inherit_tries(failed);
        }
        true
    }

    /// F3: the changes that empty the part of a record that this facet stands for, as far as the
    /// record that is gone bears on it; and whether its system has refused to empty some of it, or
    /// not kept that.
    fn emptied(
        &mut self,
        entity: &Entity<'_>,
        record: &RecordState,
        gone: &RecordState,
    ) -> (Vec<Change>, bool) {
        let (plan, slice) = (self.plan, self.slice);
        let (mut changes, mut refuses) = (Vec::new(), false);
        for prop in part(plan, record) {
            let by = entity
                .bearings(plan, record.ty, prop)
                .iter()
                .find(|by| by.other == gone.ty && by.open && !by.fills);
            let Some(by) = by else { continue };
            // G4, R6: it is not tried again before a person has answered.
            if let Some(review) = refused(&slice.reviews, record, record.ty, prop)
                && review.value.is_null()
            {
                self.reviews.push(review.clone());
                refuses = true;
                continue;
            }
            let displaced = record.slot(prop).value(plan.prop(record.ty, prop).whole).clone();
            // It carries the claim that it would take else, so that it is not given that again.
            let best = candidates(plan, entity, record.ty, prop, Some(record.id))
                .first()
                .map(|best| best.stamp);
            let claim =
                best.unwrap_or(ClaimStamp { at: self.slice.now, record: gone.id, prop: by.theirs });
            changes.push(Change {
                prop,
                value: Value::Null,
                displaced: displaced.into(),
                counterpart_of: None,
                claim,
                rule: Rule::F3,
                reason: Reason::Latest,
            });
        }
        (changes, refuses)
    }

    /// F1, D1: the record that was deleted was the counterpart of several facets of another. What
    /// keeps that one as one of them keeps all of it: it is one record, and an edit of it beats the
    /// deletion.
    pub(super) fn kept_by_another_facet(
        &self,
        record: &RecordState,
        departure: &Departure,
    ) -> Option<Kept> {
        let (plan, slice) = (self.plan, self.slice);
        let gone = &slice.records[&departure.gone];
        siblings(plan, slice, record).filter(|facet| facet.is_live()).find_map(|facet| {
            let members =
                slice.members(facet.entity).iter().filter_map(|id| slice.records.get(id)).collect();
            let of_it = |theirs: &Departure| {
                let also = &slice.records[&theirs.gone];
                theirs.other == facet.id
                    && also.key == gone.key
                    && plan.same_collection(also.ty, gone.ty)
            };
            departures(plan, slice, &Entity::of(plan, members)).into_iter().filter(of_it).find_map(
                |theirs| match theirs.verdict {
                    Verdict::Keep(kept) => Some(kept),
                    Verdict::Delete | Verdict::Ask => None,
                },
            )
        })
    }

    /// Whether another facet of a record is to be deleted as well, by what was deleted in its own
    /// entity.
    fn is_to_be_deleted(&self, facet: &RecordState) -> bool {
        let (plan, slice) = (self.plan, self.slice);
        let members =
            slice.members(facet.entity).iter().filter_map(|id| slice.records.get(id)).collect();
        let deleted = |departure: Departure| {
            let asked = slice.intents_of(facet.entity).any(|intent| {
                intent.kind == IntentKind::Delete
                    && intent.record == Some(facet.id)
                    && !intent.takes_back()
            });
            departure.other == facet.id
                && (departure.verdict == Verdict::Delete
                    || departure.verdict == Verdict::Ask && asked)
        };
        departures(plan, slice, &Entity::of(plan, members)).into_iter().any(deleted)
    }
}
