//! What the deletions in an entity mean for its other records (D1, L11).

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::why::Deleting;
use lockstep_model::{
    EntityId, Intent, IntentKind, Presence, RecordId, RecordState, Review, ReviewKind, Rule, Value,
};

use super::intents::{is_under_way, is_waiting};
use super::state::OneEntity;
use crate::deletes::{Departure, Kept, Verdict, departures, may_cease};
use crate::extra::mirrors;
use crate::settle::Entity;
use crate::slice::Slice;

impl OneEntity<'_> {
    /// D1: what the deletions in the entity mean for its live records. Gives those that are to be
    /// deleted.
    pub(super) fn deletions(&mut self, id: EntityId, entity: &Entity<'_>) -> BTreeSet<RecordId> {
        let (plan, slice) = (self.plan, self.slice);
        let mut doomed = BTreeSet::new();
        if entity.records.iter().all(|record| record.is_live())
            && open_deletions(slice, id).next().is_none()
            && !may_cease(plan)
            && !mirrors(plan)
        {
            return doomed;
        }
        let asked_before = self.reviews.len();
        let mut unsettled = BTreeSet::new();
        let mut kept_whole: BTreeMap<RecordId, Kept> = BTreeMap::new();
        for mut departure in departures(plan, slice, entity) {
            let other = &slice.records[&departure.other];
            // Who is kept passes nothing on.
            let kept = kept_whole.get(&departure.by).copied();
            if let Some(kept) = kept.or_else(|| self.kept_by_another_facet(other, &departure)) {
                departure.verdict = Verdict::Keep(kept);
                kept_whole.insert(other.id, kept);
            }
            if self.is_doubted(other) {
                unsettled.insert(departure.gone);
                continue;
            }
            let accepted =
                || open_deletions(slice, id).any(|intent| intent.record == Some(other.id));
            match departure.verdict {
                Verdict::Keep(_) => {
                    self.out.kept.push(departure);
                    continue;
                }
                Verdict::Ask if !accepted() => self.ask_about_deletion(&departure),
                Verdict::Delete | Verdict::Ask => {
                    if !self.delete_facet(id, entity, other, &departure) {
                        continue;
                    }
                    doomed.insert(other.id);
                }
            }
            unsettled.insert(departure.gone);
        }
        if mirrors(plan) {
            self.extras(id, entity, asked_before, &mut doomed);
        }
        self.drop_deletions_but(id, &doomed);
        self.settle_departed(id, entity, &unsettled);
        doomed
    }

    /// D1, L11: a person must say whether a record is deleted because another one is gone, or is
    /// none that its flow is about.
    fn ask_about_deletion(&mut self, departure: &Departure) {
        let (plan, slice) = (self.plan, self.slice);
        let (gone, other) = (&slice.records[&departure.gone], &slice.records[&departure.other]);
        let record = format!("{}/{}", plan.ty(gone.ty).name, gone.key);
        self.reviews.push(Review {
            kind: ReviewKind::PendingDelete,
            about: gone.id.into(),
            ty: other.ty,
            prop: None,
            rule: if gone.is_live() { Rule::L11 } else { Rule::D1 },
            candidates: vec![other.id],
            value: Value::Null,
            why: match gone.is_live() {
                false => Deleting::Deleted { record }.into(),
                true => Deleting::Ceased { record }.into(),
            },
            opened_at: slice.now,
        });
    }

    /// What came back, was edited or is kept after all is not deleted. What is under way already
    /// can't be called back.
    fn drop_deletions_but(&mut self, id: EntityId, doomed: &BTreeSet<RecordId>) {
        for intent in open_deletions(self.slice, id).filter(|intent| is_waiting(intent)) {
            if intent.record.is_some_and(|record| !doomed.contains(&record))
                && !self.out.dropped.contains(&intent.id)
            {
                self.out.dropped.push(intent.id);
            }
        }
    }

    /// Deleted records about which nothing is left to do. A creation that is under way may still
    /// bring a record that the deletion is about.
    fn settle_departed(
        &mut self,
        id: EntityId,
        entity: &Entity<'_>,
        unsettled: &BTreeSet<RecordId>,
    ) {
        let may_create =
            |intent: &Intent| intent.kind == IntentKind::Create && is_under_way(intent);
        if self.slice.intents_of(id).any(may_create) {
            return;
        }
        let leaving = |record: &&&RecordState| matches!(record.presence, Presence::Leaving { .. });
        let settled = entity
            .records
            .iter()
            .filter(leaving)
            .map(|record| record.id)
            .filter(|id| !unsettled.contains(id));
        self.out.settled.extend(settled);
    }
}

/// The deletions of an entity's records that are open. What a person takes back is deleted whatever
/// the flows say of it (G7).
pub(super) fn open_deletions(slice: &Slice, id: EntityId) -> impl Iterator<Item = &Intent> {
    slice.intents_of(id).filter(|intent| intent.kind == IntentKind::Delete && !intent.takes_back())
}
