//! The steps of linking, and what has not been looked at to the end.

use lockstep_model::{NumberSet, RecordId};

use super::alike::alike;
use super::candidates::candidates;
use super::clear::clear;
use super::facets::link_facets;
use super::join::join;
use super::links::Links;
use crate::places::occupied;
use crate::plan::{MatchSide, Plan};
use crate::slice::Slice;

/// Links what matches clearly. The slice is left with the links made.
pub fn link(plan: &Plan, slice: &mut Slice) -> Links {
    let mut links = Links::default();
    let focus = focus_members(slice);
    let (candidates, shared) = candidates(plan, slice, &focus);
    alike(plan, slice, &shared, &candidates, &mut links);
    let clear = clear(plan, slice, &focus, &candidates, &mut links);
    join(plan, slice, clear, &mut links);
    link_facets(plan, slice, &mut links, &focus);
    tell_half_seen(plan, slice, &focus, &mut links);
    links
}

/// Entities that were joined, and have members with matches that have not been looked at.
fn tell_half_seen(plan: &Plan, slice: &Slice, focus: &NumberSet<RecordId>, links: &mut Links) {
    for (_, into) in &links.merged {
        let half_seen = slice
            .members(*into)
            .iter()
            .filter(|id| !focus.contains(id))
            .map(|id| &slice.records[id])
            .any(|record| {
                let open = |side: &MatchSide| {
                    side.other != record.ty && !occupied(plan, slice, record, side.other)
                };
                record.is_live() && plan.ty(record.ty).match_sides.iter().any(open)
            });
        if half_seen {
            links.half_seen.insert(*into);
        }
    }
}

/// The records of the entities in focus.
fn focus_members(slice: &Slice) -> NumberSet<RecordId> {
    let mut all = NumberSet::default();
    all.reserve(slice.focus.len());
    // The other facets of what is in focus are looked at with it: one of them may bring the link
    // (F2).
    for id in slice.focus.iter().chain(&slice.beside) {
        if let Some(record) = slice.records.get(id) {
            all.extend(slice.members(record.entity));
        }
    }
    all
}
