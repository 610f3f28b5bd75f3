//! Facets are linked because other facets of the same two records are (F2).

use std::collections::BTreeSet;

use lockstep_model::{EntityId, NumberSet, RecordId, RecordState};

use super::join::join;
use super::links::{Linked, Links};
use crate::conditions::may_match;
use crate::facets::siblings;
use crate::places::{kept_apart, occupied};
use crate::plan::Plan;
use crate::slice::Slice;

/// Links of facets can bring about others; that many rounds of it are made at a time.
const ROUNDS: usize = 8;

/// F2: links facets of two records that are linked by other facets, where both are free. The slice
/// is left with the links made.
pub(crate) fn link_facets(
    plan: &Plan,
    slice: &mut Slice,
    links: &mut Links,
    focus: &NumberSet<RecordId>,
) {
    if !plan.has_facets {
        return;
    }
    for _ in 0..ROUNDS {
        let mut entities: BTreeSet<EntityId> = BTreeSet::new();
        for record in focus.iter().filter_map(|id| slice.records.get(id)) {
            entities.insert(record.entity);
            entities.extend(siblings(plan, slice, record).map(|sibling| sibling.entity));
        }
        let mut found: Vec<Linked> = Vec::new();
        for entity in entities {
            let members: Vec<&RecordState> = slice
                .members(entity)
                .iter()
                .map(|id| &slice.records[id])
                .filter(|record| record.is_live())
                .collect();
            for (at, a) in
                members.iter().enumerate().filter(|(_, a)| !plan.ty(a.ty).facets.is_empty())
            {
                for b in members[at + 1..].iter().filter(|b| !plan.ty(b.ty).facets.is_empty()) {
                    found.extend(by_facets(plan, slice, a, b));
                }
            }
        }
        found.sort_by_key(|linked| (linked.a, linked.b));
        found.dedup();
        if found.is_empty() {
            return;
        }
        let before = links.made.len();
        join(plan, slice, found, links);
        if links.made.len() == before {
            return;
        }
    }
}

/// The links that follow for the other facets of two linked records.
fn by_facets(plan: &Plan, slice: &Slice, a: &RecordState, b: &RecordState) -> Vec<Linked> {
    let mut found = Vec::new();
    for mine in siblings(plan, slice, a).filter(|mine| mine.is_live()) {
        for theirs in siblings(plan, slice, b).filter(|theirs| theirs.is_live()) {
            let Some(rule) = plan.facet_rule(mine.ty, theirs.ty) else { continue };
            let free = mine.entity != theirs.entity
                && !occupied(plan, slice, mine, theirs.ty)
                && !occupied(plan, slice, theirs, mine.ty)
                && !kept_apart(slice, mine.entity, theirs.entity);
            if free && may_match(plan, rule, mine, theirs) {
                found.push(Linked { a: mine.id.min(theirs.id), b: mine.id.max(theirs.id), rule });
            }
        }
    }
    found
}
