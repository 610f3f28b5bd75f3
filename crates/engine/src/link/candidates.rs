//! Who matches whom, by match keys (L1–L4, L10).

use std::collections::BTreeMap;

use lockstep_model::why::MOST_COUNTED;
use lockstep_model::{NumberMap, NumberSet, RecordId, RecordState, TypeIx};

use super::links::Candidates;
use crate::conditions::may_match;
use crate::keys::{agree, agree_alike, counterparts, lookup_hashes};
use crate::places::{kept_apart, occupied};
use crate::plan::{MatchSide, Plan};
use crate::slice::Slice;

/// Who matches whom, and which records in focus are found under a hash with another of their own
/// type, in order: those may be alike (L6).
pub(super) fn candidates(
    plan: &Plan,
    slice: &Slice,
    focus: &NumberSet<RecordId>,
) -> (Candidates, Vec<RecordId>) {
    let mut search = Search {
        plan,
        slice,
        found: Candidates::new(),
        hashes: Vec::new(),
        shared: Vec::new(),
        by_type: NumberMap::default(),
    };
    let mut theirs = Vec::new();
    let mut seen: NumberSet<RecordId> = NumberSet::default();
    seen.reserve(focus.len());
    // In the order in which they lie in memory.
    let mut in_order: Vec<RecordId> = focus.iter().copied().collect();
    in_order.sort_unstable();
    for id in in_order {
        if let Some(record) = slice.records.get(&id).filter(|record| record.is_live())
            && seen.insert(id)
        {
            search.look(record, &mut theirs);
        }
    }
    // The candidates' own candidates: a match is clear only if it is so from both sides.
    let mut further = Vec::new();
    for id in theirs {
        if seen.insert(id) {
            search.look(&slice.records[&id], &mut further);
        }
    }
    let Search { found, mut shared, .. } = search;
    shared.retain(|id| focus.contains(id));
    (found, shared)
}

/// A search for candidates, with room that the next look-up uses again.
struct Search<'a> {
    plan: &'a Plan,
    slice: &'a Slice,
    found: Candidates,
    /// The hashes of the look-up under way.
    hashes: Vec<u64>,
    /// Records that are found under a hash with another of their own type.
    shared: Vec<RecordId>,
    /// The records under a hash, by type, where they are many: each of thousands that share a match
    /// value would go through all of them otherwise.
    by_type: NumberMap<u64, BTreeMap<TypeIx, Vec<RecordId>>>,
}

/// Where no more records than this are found under a hash, they are not sorted by type.
const FEW: usize = 16;

impl Search<'_> {
    /// Looks for the candidates of a record; they are added to `others`.
    fn look(&mut self, record: &RecordState, others: &mut Vec<RecordId>) {
        let (plan, slice) = (self.plan, self.slice);
        for side in &plan.ty(record.ty).match_sides {
            // A look-up only where no link is: once linked, match values are never consulted again
            // (L4).
            if occupied(plan, slice, record, side.other) {
                continue;
            }
            self.hashes.clear();
            let linked = |record: &RecordState, one, ty| counterparts(plan, slice, record, one, ty);
            lookup_hashes(plan, side, record, &linked, &mut self.hashes);
            self.notice_shared(side, record);
            self.add_counterparts(side, record, others);
            if merges(plan, record.ty, side.other) {
                self.add_duplicates(side, record, others);
            }
        }
    }

    /// Notes that a record is found with another of its own type. What is looked for by references
    /// (L10) is not what the record itself is found under.
    fn notice_shared(&mut self, side: &MatchSide, record: &RecordState) {
        let slice = self.slice;
        let of_type =
            |id: &RecordId| slice.records.get(id).is_some_and(|other| other.ty == record.ty);
        let mut together = self
            .hashes
            .iter()
            .filter_map(|hash| slice.by_hash.get(hash))
            .filter(|ids| ids.len() > 1);
        if self.shared.last() != Some(&record.id)
            && (side.has_references()
                || together.any(|ids| ids.iter().any(|id| *id != record.id && of_type(id))))
        {
            self.shared.push(record.id);
        }
    }

    /// The records of the other type that match it.
    fn add_counterparts(
        &mut self,
        side: &MatchSide,
        record: &RecordState,
        others: &mut Vec<RecordId>,
    ) {
        let (plan, slice) = (self.plan, self.slice);
        for hash in &self.hashes {
            let together = slice.by_hash.get(hash).map_or(&[][..], Vec::as_slice);
            if together.len() > FEW {
                self.by_type.entry(*hash).or_insert_with(|| sorted_by_type(slice, together));
            }
        }
        let together = self.hashes.iter().filter_map(|hash| match self.by_type.get(hash) {
            Some(by_type) => by_type.get(&side.other),
            None => slice.by_hash.get(hash),
        });
        let most = match merges(plan, record.ty, side.other) {
            true => usize::MAX,
            false => MOST_COUNTED as usize,
        };
        for id in together.flatten() {
            let Some(other) = slice.records.get(id) else { continue };
            if other.ty != side.other
                || !other.is_live()
                || other.entity == record.entity
                || *id == record.id
                || kept_apart(slice, record.entity, other.entity)
                || !agree(plan, slice, side.rule, record, other)
                || !may_match(plan, side.rule, record, other)
            {
                continue;
            }
            let found = self.found.entry((record.id, side.other)).or_default();
            found.entry(*id).or_insert(side.rule);
            others.push(*id);
            // Thousands on both sides that share one value would each hold thousands.
            if found.len() > most {
                break;
            }
        }
    }

    /// L6: what would be merged by way of a counterpart is merged before there is one, or each
    /// would get its own.
    fn add_duplicates(
        &mut self,
        side: &MatchSide,
        record: &RecordState,
        others: &mut Vec<RecordId>,
    ) {
        let (plan, slice) = (self.plan, self.slice);
        for id in self.hashes.iter().filter_map(|hash| slice.by_hash.get(hash)).flatten() {
            let Some(like) =
                slice.records.get(id).filter(|like| like.ty == record.ty && like.is_live())
            else {
                continue;
            };
            let new =
                like.entity != record.entity && !kept_apart(slice, record.entity, like.entity);
            // L11: who no flow of the row is about is nobody's duplicate.
            if new
                && agree_alike(plan, side, record, like)
                && may_match(plan, side.rule, record, like)
            {
                let found = self.found.entry((record.id, record.ty)).or_default();
                found.entry(*id).or_insert(side.rule);
                others.push(*id);
            }
        }
    }
}

fn sorted_by_type(slice: &Slice, ids: &[RecordId]) -> BTreeMap<TypeIx, Vec<RecordId>> {
    let mut by_type: BTreeMap<TypeIx, Vec<RecordId>> = BTreeMap::new();
    for id in ids {
        if let Some(record) = slice.records.get(id) {
            by_type.entry(record.ty).or_default().push(*id);
        }
    }
    by_type
}

/// `duplicates: merge` between the two.
pub(super) fn merges(plan: &Plan, a: TypeIx, b: TypeIx) -> bool {
    plan.ty(a).merges_duplicates && plan.ty(b).merges_duplicates
}
