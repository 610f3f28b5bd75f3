//! Records of one type that match each other and have no counterpart (L6).

use std::collections::{BTreeSet, HashMap};

use lockstep_model::why::Linking;
use lockstep_model::{RecordId, RecordState, TypeIx};

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
    // How many are alike is counted once for all of them.
    let mut counted: HashMap<(RecordId, usize), u64> = HashMap::new();
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
            if let Some(first) = first_like_it(plan, slice, candidates, (side, record)) {
                let count = || {
                    let first = (side, &slice.records[&first]);
                    all_like_it(plan, slice, candidates, first).len() as u64 + 1
                };
                let records = *counted.entry((first, side.rule)).or_insert_with(count);
                let asked = question(plan, side, record, records, vec![first]);
                links.unsettled.push(Unsettled { asked_of: Some(first), ..asked });
                continue;
            }
            let others = all_like_it(plan, slice, candidates, (side, record));
            if !others.is_empty() {
                let records = others.len() as u64 + 1;
                counted.insert((id, side.rule), records);
                let others = others.into_iter().collect();
                links.unsettled.push(question(plan, side, record, records, others));
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

/// Whether another record of its own type matches a record by a row, and is as free as it is.
fn is_like_it(
    plan: &Plan,
    slice: &Slice,
    candidates: &Candidates,
    (side, record): (&MatchSide, &RecordState),
    other: &RecordState,
) -> bool {
    other.id != record.id
        && other.ty == record.ty
        && other.is_live()
        && other.entity != record.entity
        && is_free(slice, candidates, other, side.other)
        && !kept_apart(slice, record.entity, other.entity)
        && agree_alike(plan, side, record, other)
        && may_match(plan, side.rule, record, other)
}

/// The records that are like a record, among those that are found under its hashes. Mostly nobody
/// but the record itself is.
fn all_like_it(
    plan: &Plan,
    slice: &Slice,
    candidates: &Candidates,
    (side, record): (&MatchSide, &RecordState),
) -> BTreeSet<RecordId> {
    let mut hashes = Vec::new();
    match_hashes(plan, side, record, &mut hashes);
    let together = hashes.iter().filter_map(|hash| slice.by_hash.get(hash)).flatten();
    let others = together.filter_map(|id| slice.records.get(id));
    others
        .filter(|other| is_like_it(plan, slice, candidates, (side, record), other))
        .map(|other| other.id)
        .collect()
}

/// The first record that is like a record and was known before it. Of thousands that are alike each
/// looks at one other only.
fn first_like_it(
    plan: &Plan,
    slice: &Slice,
    candidates: &Candidates,
    (side, record): (&MatchSide, &RecordState),
) -> Option<RecordId> {
    let mut hashes = Vec::new();
    match_hashes(plan, side, record, &mut hashes);
    let together = hashes.iter().filter_map(|hash| slice.by_hash.get(hash));
    let first_of = |ids: &Vec<RecordId>| {
        debug_assert!(ids.is_sorted());
        let mut earlier = ids.iter().take_while(|id| **id < record.id).filter(|id| {
            slice
                .records
                .get(id)
                .is_some_and(|other| is_like_it(plan, slice, candidates, (side, record), other))
        });
        earlier.next().copied()
    };
    together.filter_map(first_of).min()
}

/// What a person is asked about records that match each other.
fn question(
    plan: &Plan,
    side: &MatchSide,
    record: &RecordState,
    records: u64,
    others: Vec<RecordId>,
) -> Unsettled {
    let why = Linking::Alike {
        of: plan.ty(record.ty).name.to_string(),
        records,
        by: plan.rules[side.rule].text.to_string(),
        lacking: plan.ty(side.other).name.to_string(),
    };
    Unsettled { alike: true, ..Unsettled::ambiguous(record, side.other, others, why) }
}
