//! What a person can do about a review: the answers that it takes, and what each does. What an
//! answer changes is carried out by `acts/answers.rs`.

use lockstep_engine::Plan;
use lockstep_model::{
    AnswerKind as A, Effect as E, GuardKind, RecordId, RecordState, Remedy, Review, ReviewKind as K,
};

use crate::guards::remedies_of;
use crate::report::RecordName;

/// What a person can do about a review. Candidates that are not `known` are left out.
pub(crate) fn of_review<'r>(
    plan: &Plan,
    review: &Review,
    known: impl Fn(RecordId) -> Option<&'r RecordState>,
) -> Vec<Remedy> {
    let name = |record: &RecordState| RecordName::of(plan, record.ty, &record.key).0;
    let candidates: Vec<&RecordState> =
        review.candidates.iter().filter_map(|id| known(*id)).collect();
    let to_link: Vec<String> =
        candidates.iter().filter(|it| it.ty == review.ty).map(|it| name(it)).collect();
    match review.kind {
        K::AmbiguousMatch if is_alike(plan, review, &known) => vec![
            answer(A::Separate, None, E::KeepApart),
            Remedy::MakeOne { system: plan.ty(review.ty).name.system.clone() },
            Remedy::SetInFlow {
                setting: "duplicates".into(),
                values: vec!["separate".into(), "merge".into()],
            },
        ],
        K::AmbiguousMatch | K::DisputedEntity => which(to_link, A::Separate, E::KeepApart),
        K::UnknownOutcome if candidates.is_empty() => which(to_link, A::Reject, E::CreateAgain),
        K::UnknownOutcome => which(to_link, A::Separate, E::KeepApart),
        K::PendingDelete => {
            let doomed = candidates.first().map(|it| name(it));
            vec![answer(A::Accept, doomed, E::Delete), answer(A::Reject, None, E::Keep)]
        }
        K::Guard => {
            let mut all = remedies_of(review, &plan.ty(review.ty).name.system);
            let guard = review.about.guard();
            all.extend(match guard.and_then(GuardKind::writes) {
                Some(_) => yes_or_no(E::LetThrough, E::GiveUp),
                None => yes_or_no(E::Believe, E::ListAgain),
            });
            all
        }
        K::FlipFlop => {
            let mut all = yes_or_no(E::TakePutBack, E::TakeWritten);
            if let [_, _, ..] = review.candidates[..] {
                let sides =
                    candidates.iter().map(|it| answer(A::Link, Some(name(it)), E::TakeThis));
                all.extend(sides);
            }
            all.push(answer(A::Separate, None, E::LetDiffer));
            all
        }
        kind => answers(kind),
    }
}

/// The answers to a review of a kind whose candidates play no part; none where it comes by itself.
pub(crate) fn answers(kind: K) -> Vec<Remedy> {
    match kind {
        K::RejectedValue | K::NotKept | K::Unconvertible => yes_or_no(E::TryAgain, E::Leave),
        K::Unsettled => yes_or_no(E::DecideAgain, E::LeaveDecided),
        K::AnotherRecord => yes_or_no(E::SameRecord, E::AnotherRecord),
        _ => vec![],
    }
}

fn answer(answer: A, record: Option<String>, does: E) -> Remedy {
    Remedy::Answer { answer, record, does }
}

fn yes_or_no(yes: E, no: E) -> Vec<Remedy> {
    vec![answer(A::Accept, None, yes), answer(A::Reject, None, no)]
}

/// Any record can be linked; those that were found are named.
fn which(candidates: Vec<String>, none: A, does: E) -> Vec<Remedy> {
    let mut all: Vec<Remedy> = match candidates.is_empty() {
        true => vec![answer(A::Link, None, E::Link)],
        false => candidates.into_iter().map(|it| answer(A::Link, Some(it), E::Link)).collect(),
    };
    all.push(answer(none, None, does));
    all
}

/// L6: records of one type match each other by a row with another type: no link can be made.
fn is_alike<'r>(
    plan: &Plan,
    review: &Review,
    known: &impl Fn(RecordId) -> Option<&'r RecordState>,
) -> bool {
    review.about.record().and_then(known).is_some_and(|record| record.ty == review.ty)
        && !plan.ty(review.ty).match_sides.iter().any(|side| side.other == review.ty)
}
