//! Records of one type that match each other and have no counterpart (L6).

use std::collections::BTreeSet;

use lockstep_model::why::Linking;
use lockstep_model::{RecordId, RecordState, ReviewKind, TypeIx};

use super::links::{Candidates, Links, Unsettled};
use crate::conditions::may_match;
use crate::keys::{agree_alike, match_hashes};
use crate::places::{holder_or_gone, kept_apart};
use crate::plan::{MatchSide, Plan, PlanCreate, PlanType};
use crate::slice::Slice;

/// L6: records of one type that match each other by a row, and have no counterpart: a counterpart
/// for each might be one too many. They are one question, asked of the one that was known first.
/// The others wait for the answer.
///
/// `shared` are those that are found under a hash with another of their type, in order.
pub(super) fn alike(
    plan: &Plan,
    slice: &Slice,
    shared: &[RecordId],
    candidates: &Candidates,
    links: &mut Links,
) {
    let mut hashes = Vec::new();
    for &id in shared {
        let Some(record) = slice.records.get(&id).filter(|record| record.is_live()) else {
            continue;
        };
        let ty = plan.ty(record.ty);
        if ty.merges_duplicates {
            continue;
        }
        for side in &ty.match_sides {
            if side.other == record.ty
                || !creates_for_each(plan, ty, side.other)
                || !is_free(slice, candidates, record, side.other)
            {
                continue;
            }
            hashes.clear();
            match_hashes(plan, side, record, &mut hashes);
            let others = like_it(plan, slice, candidates, (side, record), &hashes);
            if !others.is_empty() {
                links.unsettled.push(question(plan, side, record, others));
            }
        }
    }
}

/// Whether a flow creates in a record type a counterpart for each of several records that match
/// each other.
fn creates_for_each(plan: &Plan, ty: &PlanType, to: TypeIx) -> bool {
    ty.flows_out
        .iter()
        .map(|flow| &plan.flows[flow.at()])
        .any(|flow| flow.to == to && flow.create != PlanCreate::Never && !flow.separates_duplicates)
}

/// Whether a record matches nothing in a record type, and has no counterpart there.
fn is_free(slice: &Slice, candidates: &Candidates, record: &RecordState, ty: TypeIx) -> bool {
    !candidates.contains_key(&(record.id, ty)) && !holder_or_gone(slice, record.entity, ty)
}

/// The records of its own type that match a record by a row, and are as free as it is. Mostly
/// nobody but the record itself is found under these hashes.
fn like_it(
    plan: &Plan,
    slice: &Slice,
    candidates: &Candidates,
    (side, record): (&MatchSide, &RecordState),
    hashes: &[u64],
) -> BTreeSet<RecordId> {
    let together =
        hashes.iter().filter_map(|hash| slice.by_hash.get(hash)).filter(|ids| ids.len() > 1);
    let others = together
        .flatten()
        .filter_map(|id| slice.records.get(id))
        .filter(|other| other.id != record.id && other.ty == record.ty);
    let is_like_it = |other: &&RecordState| {
        other.is_live()
            && other.entity != record.entity
            && is_free(slice, candidates, other, side.other)
            && !kept_apart(slice, record.entity, other.entity)
            && agree_alike(plan, side, record, other)
            && may_match(plan, side.rule, record, other)
    };
    others.filter(is_like_it).map(|other| other.id).collect()
}

/// What a person is asked about records that match each other.
fn question(
    plan: &Plan,
    side: &MatchSide,
    record: &RecordState,
    others: BTreeSet<RecordId>,
) -> Unsettled {
    Unsettled {
        record: record.id,
        ty: side.other,
        kind: ReviewKind::AmbiguousMatch,
        why: Linking::Alike {
            of: plan.ty(record.ty).name.to_string(),
            records: others.len() as u64 + 1,
            by: plan.rules[side.rule].text.to_string(),
            lacking: plan.ty(side.other).name.to_string(),
        },
        asked_of: others.first().copied().filter(|first| *first < record.id),
        candidates: others.into_iter().collect(),
        alike: true,
    }
}
