//! What a person's links and unlinks do to entities (L6, L7).

use std::collections::{BTreeSet, HashSet};

use lockstep_model::value::is_empty;
use lockstep_model::{EntityId, FlowIx, RecordId, RecordState};

use crate::plan::{Plan, PlanCreate};

/// Why L6 keeps two entities from becoming one: the two records that would be of one type in it.
pub fn clash<'a>(
    plan: &Plan,
    a: &'a [RecordState],
    b: &'a [RecordState],
) -> Option<(&'a RecordState, &'a RecordState)> {
    let live = |half: &'a [RecordState]| half.iter().filter(|member| member.is_live());
    live(a)
        .flat_map(|x| live(b).map(move |y| (x, y)))
        .find(|(x, y)| x.ty == y.ty && !plan.ty(x.ty).merges_duplicates)
}

/// Whether a link between two entities would mean something: a flow is about records of both, or
/// they have records of one type.
pub fn can_meet(plan: &Plan, a: &[RecordState], b: &[RecordState]) -> bool {
    let meet =
        |x: &RecordState, y: &RecordState| plan.ty(x.ty).partners.contains(&y.ty) || x.ty == y.ty;
    a.iter().any(|x| b.iter().any(|y| meet(x, y)))
}

/// Makes these records one entity. What they hold meets anew.
pub fn merge(plan: &Plan, members: &mut [RecordState], into: EntityId) {
    for member in members {
        member.entity = into;
        // P2: when records are linked for the first time, a value beats an empty one.
        for slot in &mut member.slots {
            if slot.claim.as_ref().is_some_and(|claim| is_empty(&claim.value)) {
                slot.claim = None;
            }
        }
        // P11: lists whose elements come and go meet anew, each with all the others.
        let slots = member.slots.iter_mut().zip(&plan.ty(member.ty).props);
        slots.filter(|(_, prop)| prop.each).for_each(|(slot, _)| slot.carries = None);
    }
}

/// The records that these links lead to from `from` without `barrier`.
pub fn reached(
    links: &[(RecordId, RecordId)],
    from: RecordId,
    barrier: RecordId,
) -> HashSet<RecordId> {
    let mut reached = HashSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        let next = links
            .iter()
            .filter(|(x, y)| *x == at || *y == at)
            .map(|(x, y)| if *x == at { *y } else { *x });
        for other in next.filter(|other| *other != barrier) {
            if reached.insert(other) {
                open.push(other);
            }
        }
    }
    reached
}

/// What the flows may create for a half that has no record of some type any more: by which flow,
/// and for which of its records.
pub fn may_be_created<'a>(plan: &Plan, half: &'a [RecordState]) -> Vec<(FlowIx, &'a RecordState)> {
    let (mut told, mut found) = (BTreeSet::new(), Vec::new());
    for member in half.iter().filter(|member| member.is_live()) {
        for ix in &plan.ty(member.ty).flows_out {
            let flow = &plan.flows[ix.at()];
            let there = half.iter().any(|other| other.ty == flow.to);
            if !there
                && flow.create != PlanCreate::Never
                && plan.ty(flow.to).can.create
                && told.insert(flow.to)
            {
                found.push((*ix, member));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l7_who_is_reached_only_over_the_other_goes_with_it() {
        let links = [(1, 2), (3, 2), (3, 4), (5, 1)].map(|(a, b)| (RecordId(a), RecordId(b)));
        let ids =
            |ids: &[i64]| -> HashSet<RecordId> { ids.iter().copied().map(RecordId).collect() };
        assert_eq!(reached(&links, RecordId(1), RecordId(3)), ids(&[1, 2, 5]));
        assert_eq!(reached(&links, RecordId(3), RecordId(1)), ids(&[2, 3, 4]));
        assert_eq!(reached(&links, RecordId(1), RecordId(2)), ids(&[1, 5]));
    }
}
