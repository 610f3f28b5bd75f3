//! Which matches are clear: the only ones on both sides (L6).

use std::collections::BTreeMap;

use lockstep_model::why::Linking;
use lockstep_model::{NumberSet, RecordId, RecordState, TypeIx};

use super::candidates::merges;
use super::links::{Candidates, Linked, Links, Unsettled};
use crate::places::{holder, occupied};
use crate::plan::Plan;
use crate::slice::Slice;

/// The matches of the records in focus that are the only ones on both sides; all others are asked
/// about. Of a candidate's own candidates only their number counts here: who else matches those has
/// not been looked at.
pub(super) fn clear(
    plan: &Plan,
    slice: &Slice,
    focus: &NumberSet<RecordId>,
    candidates: &Candidates,
    links: &mut Links,
) -> Vec<Linked> {
    let mut clear: Vec<Linked> = Vec::new();
    for ((id, ty), found) in candidates.iter().filter(|((id, _), _)| focus.contains(id)) {
        let record = &slice.records[id];
        if occupied(plan, slice, record, *ty) {
            // Only here because somebody else's match points at it.
            continue;
        }
        // Duplicates inside a system, by a section between the record type and itself: one question
        // for all of them (L6).
        if *ty == record.ty && !plan.ty(*ty).merges_duplicates {
            if found.keys().all(|other| id < other) {
                let asked = found.keys().copied().take(CANDIDATES_LISTED).collect();
                let why = duplicates(plan, *ty, found);
                links.unsettled.push(Unsettled::ambiguous(record, *ty, asked, why));
            }
            continue;
        }
        if merges(plan, record.ty, *ty) {
            clear.extend(found.iter().map(|(other, rule)| Linked {
                a: *id,
                b: *other,
                rule: *rule,
            }));
            continue;
        }
        match the_only_one(plan, slice, candidates, record, (*ty, found)) {
            Err(unsettled) => links.unsettled.push(*unsettled),
            // Both sides in focus find it: once is enough.
            Ok((other, _))
                if *id > other
                    && focus.contains(&other)
                    && candidates.contains_key(&(other, record.ty)) => {}
            Ok((other, rule)) => clear.push(Linked { a: *id, b: other, rule }),
        }
    }
    clear
}

/// Maximum number of candidates listed in a review. Where thousands share a match value, there are
/// thousands of reviews.
const CANDIDATES_LISTED: usize = 50;

/// Whom a record matches in a record type, and by which rule, if it is the only one on both sides
/// (L6).
fn the_only_one(
    plan: &Plan,
    slice: &Slice,
    candidates: &Candidates,
    record: &RecordState,
    (ty, found): (TypeIx, &BTreeMap<RecordId, usize>),
) -> Result<(RecordId, usize), Box<Unsettled>> {
    let (name, own_name) = (&plan.ty(ty).name, &plan.ty(record.ty).name);
    if found.len() > 1 {
        let asked = found.keys().copied().take(CANDIDATES_LISTED).collect();
        let (of, records) = (name.to_string(), found.len() as u64);
        let why = Linking::SeveralMatch { of, records };
        return Err(Box::new(Unsettled::ambiguous(record, ty, asked, why)));
    }
    let (&other, &rule) = found.iter().next().expect("candidates are never an empty list");
    let theirs = &slice.records[&other];
    if occupied(plan, slice, theirs, record.ty) {
        let holder = holder(slice, theirs.entity, record.ty);
        let asked = std::iter::once(other).chain(holder).collect();
        let (matching, of) = (format!("{name}/{}", theirs.key), own_name.to_string());
        let why = Linking::LinkedWithAnother { record: matching, of };
        return Err(Box::new(Unsettled::disputed(record, ty, asked, why)));
    }
    let rivals = candidates.get(&(other, record.ty)).map_or(0, BTreeMap::len);
    if rivals > 1 {
        let why = Linking::SeveralClaim {
            record: format!("{name}/{}", theirs.key),
            of: own_name.to_string(),
            records: rivals as u64,
        };
        let others = candidates[&(other, record.ty)].keys().copied().filter(|r| *r != record.id);
        let asked = std::iter::once(other).chain(others.take(CANDIDATES_LISTED)).collect();
        return Err(Box::new(Unsettled::ambiguous(record, ty, asked, why)));
    }
    Ok((other, rule))
}

fn duplicates(plan: &Plan, ty: TypeIx, found: &BTreeMap<RecordId, usize>) -> Linking {
    let by = found.values().next().map_or("", |rule| &plan.rules[*rule].text).to_string();
    Linking::Duplicates { of: plan.ty(ty).name.to_string(), records: found.len() as u64, by }
}
