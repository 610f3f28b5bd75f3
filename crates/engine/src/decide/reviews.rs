//! Which questions are opened, and which are closed (L6, G4).

use std::collections::BTreeSet;

use lockstep_model::matching::reference_hash;
use lockstep_model::value::equal;
use lockstep_model::{
    EntityId, NumberMap, NumberSet, Presence, RecordId, RecordState, Review, ReviewKind, Rule,
    Value,
};

use crate::decision::Decision;
use crate::link::Links;
use crate::plan::Plan;
use crate::slice::Slice;

/// L6: what linking could not settle is asked of a person.
pub(super) fn ask_about_matches(
    slice: &Slice,
    links: &Links,
    entities: &BTreeSet<EntityId>,
    focus: &NumberSet<RecordId>,
    reviews: &mut Vec<Review>,
    agenda: &mut BTreeSet<RecordId>,
) {
    for problem in &links.unsettled {
        if let Some(first) = problem.asked_of {
            // The question is asked there, with this one among the candidates.
            if !focus.contains(&first) {
                agenda.insert(first);
            }
            continue;
        }
        let record = &slice.records[&problem.record];
        if entities.contains(&record.entity) {
            reviews.push(Review {
                kind: problem.kind,
                about: problem.record.into(),
                ty: if problem.alike { record.ty } else { problem.ty },
                prop: None,
                rule: problem.rule(),
                candidates: problem.candidates.clone(),
                value: Value::Null,
                why: problem.why.clone().into(),
                opened_at: slice.now,
            });
        }
    }
}

/// L6: a question about records that are alike is another one when one of them has found a
/// counterpart, or is none that the flow is about any more (L11).
pub(super) fn ask_anew_about_alike(
    slice: &Slice,
    links: &Links,
    linked_with: &NumberMap<RecordId, Vec<RecordId>>,
    focus: &NumberSet<RecordId>,
    agenda: &mut BTreeSet<RecordId>,
) {
    let is_out = |id: &RecordId| {
        focus.contains(id) && links.unsettled.iter().all(|problem| problem.record != *id)
    };
    let is_alike = |review: &&Review| {
        let ty = |id: &RecordId| slice.records.get(id).map(|record| record.ty);
        let first = review.about.record().and_then(|id| ty(&id));
        review.kind == ReviewKind::AmbiguousMatch
            && first.is_some()
            && review.candidates.iter().any(|id| ty(id) == first)
    };
    for review in slice.reviews.iter().filter(is_alike) {
        let Some(asked) = review.about.record() else { continue };
        if !focus.contains(&asked)
            && review.candidates.iter().any(|id| linked_with.contains_key(id) || is_out(id))
        {
            agenda.insert(asked);
        }
    }
}

/// Opens what is new, closes what is settled, leaves alone what is open for the same reason.
pub(super) fn settle_reviews(
    plan: &Plan,
    slice: &Slice,
    entities: &BTreeSet<EntityId>,
    reviews: Vec<Review>,
    out: &mut Decision,
) {
    let same = |a: &Review, b: &Review| {
        a.kind == b.kind && a.about == b.about && a.ty == b.ty && a.prop == b.prop
    };
    // G4: a value of a record that is not there any more is not going to be written.
    let is_over = |review: &Review| {
        let of_value = matches!(
            review.kind,
            ReviewKind::RejectedValue | ReviewKind::NotKept | ReviewKind::Unconvertible
        );
        of_value && slice.asked_about(review).is_some_and(|record| !record.is_live())
    };
    let reviews: Vec<Review> = reviews.into_iter().filter(|review| !is_over(review)).collect();
    for open in &slice.reviews {
        let mine = slice.asked_about(open).is_some_and(|record| entities.contains(&record.entity));
        // R9: whose a key is that no record has any more need not be asked.
        let needless = open.kind == ReviewKind::AnotherRecord
            && slice.asked_about(open).is_some_and(|record| !record.is_live());
        // C2: whether two records are one need not be asked once they are linked.
        let linked = |id: &RecordId| {
            let entity = |id: &RecordId| slice.records.get(id).map(|record| record.entity);
            entity(id).is_some_and(|other| {
                slice.asked_about(open).is_some_and(|record| record.entity == other)
            })
        };
        let needless = needless
            || open.kind == ReviewKind::UnknownOutcome && open.candidates.iter().any(linked);
        let stands = is_not_deleted(slice, open)
            && open.about.record().is_none_or(|id| !out.settled.contains(&id));
        if mine
            && !stands
            && (decided_here(open.kind) || needless)
            && !reviews.iter().any(|review| same(review, open))
        {
            wake_what_waits(plan, slice, open, out);
            out.reviews_closed.push(open.clone());
        }
    }
    for review in reviews {
        let known = slice.reviews.iter().find(|open| same(open, &review));
        let news = known.is_none_or(|open| {
            open.candidates != review.candidates
                || !equal(&open.value, &review.value)
                || tells_what_is(open.kind) && open.why != review.why
        });
        if news {
            out.reviews_opened.push(review);
        }
    }
}

/// Whether a review's reason is of now: how many there are, and what is wrong with a value. What it
/// asks may be the same while that has changed.
fn tells_what_is(kind: ReviewKind) -> bool {
    let of_now =
        [ReviewKind::AmbiguousMatch, ReviewKind::DisputedEntity, ReviewKind::Unconvertible];
    !kind.needs_a_person() || of_now.contains(&kind)
}

/// Whether a question is opened and closed by what is decided here.
fn decided_here(kind: ReviewKind) -> bool {
    matches!(
        kind,
        ReviewKind::AmbiguousMatch
            | ReviewKind::DisputedEntity
            | ReviewKind::RejectedValue
            | ReviewKind::NotKept
            | ReviewKind::Unconvertible
            | ReviewKind::PendingDelete
            | ReviewKind::FlipFlop
            | ReviewKind::Unsettled
            | ReviewKind::WaitingReference
            | ReviewKind::Incomplete
    )
}

/// R9: references wait for the answer to whose an id is.
fn wake_what_waits(plan: &Plan, slice: &Slice, open: &Review, out: &mut Decision) {
    if open.kind != ReviewKind::AnotherRecord {
        return;
    }
    let Some(record) = slice.asked_about(open) else { return };
    let records = slice.members(record.entity).iter().filter_map(|id| slice.records.get(id));
    let hash = |one: &RecordState| reference_hash(&plan.ty(one.ty).name, &one.key);
    out.wake.extend(records.map(hash));
}

/// Whether a person is asked about a record that was deleted as another one was, and is there all
/// the same (R6, D1): the reading that has shown it asks.
fn is_not_deleted(slice: &Slice, open: &Review) -> bool {
    let Some(gone) = slice.asked_about(open) else { return false };
    open.kind == ReviewKind::PendingDelete
        && open.rule == Rule::D1
        && gone.presence == Presence::Gone
        && open
            .candidates
            .iter()
            .filter_map(|id| slice.records.get(id))
            .any(|record| record.is_live() && record.entity == gone.entity)
}
