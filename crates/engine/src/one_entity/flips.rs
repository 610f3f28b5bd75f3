//! What keeps flipping is written no more, until a person has said which side is right (P5).

use lockstep_model::why::OfValue;
use lockstep_model::{Change, PropIx, RecordId, RecordState, Review, ReviewKind, Rule};

use super::state::OneEntity;
use crate::flips::{SAME_VALUE, keeps_flipping, together};
use crate::settle::Entity;

impl OneEntity<'_> {
    /// P5: a person must say which side is right; until then nothing is written there.
    pub(super) fn stopped(
        &mut self,
        entity: &Entity<'_>,
        (record, prop): (&RecordState, PropIx),
        change: &Change,
        target: &RecordState,
    ) {
        let (plan, slice) = (self.plan, self.slice);
        let asked = |review: &Review| {
            review.kind == ReviewKind::FlipFlop
                && review.about.is(record.id)
                && review.prop == Some(prop)
        };
        let Some(flips) =
            record.slot(prop).flips.as_ref().filter(|_| !self.reviews.iter().any(asked))
        else {
            return;
        };
        let name = |record: &RecordState| format!("{}/{}", plan.ty(record.ty).name, record.key);
        let rivals = together(plan, entity, record, prop)
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| *id != record.id);
        let candidates: Vec<RecordId> =
            rivals.filter(|id| slice.records.get(id).is_some_and(RecordState::is_live)).collect();
        // The value against it: what it was to be given, or what the others were to get from it in
        // place of theirs.
        let against = if target.id == record.id { &change.value } else { &change.displaced };
        let times = if flips.times >= SAME_VALUE { flips.times } else { flips.rounds };
        let others: Vec<String> = candidates.iter().map(|id| name(&slice.records[id])).collect();
        self.reviews.push(Review {
            kind: ReviewKind::FlipFlop,
            about: record.id.into(),
            ty: record.ty,
            prop: Some(prop),
            rule: Rule::P5,
            candidates,
            value: flips.to.clone(),
            why: OfValue::Flips {
                to: flips.to.clone(),
                times: times.into(),
                against: against.clone(),
                others,
            }
            .into(),
            opened_at: slice.now,
        });
    }

    /// P5: what kept flipping and has come to hold the same everywhere flips no more.
    pub(super) fn calm(&mut self, entity: &Entity<'_>) {
        for record in &entity.records {
            for ix in (0..record.slots.len()).filter(|ix| keeps_flipping(&record.slots[*ix])) {
                let prop = PropIx(ix as u16);
                let ours = together(self.plan, entity, record, prop);
                let asked = |review: &Review| {
                    review.kind == ReviewKind::FlipFlop
                        && review.prop.is_some_and(|prop| {
                            review.about.record().is_some_and(|id| ours.contains(&(id, prop)))
                        })
                };
                if !self.reviews.iter().any(asked) {
                    self.calmed.push((record.id, prop));
                }
            }
        }
    }
}
