//! In which order record types are decided on and written to (C5, L10, P8).

use lockstep_model::TypeIx;

use super::build::Build;
use crate::plan::{MatchSide, PlanCreate, PlanFlow};

/// What decides whether others are created comes first (C5).
pub fn decide_ranks(
    build: &Build<'_>,
    flows: &[PlanFlow],
    sides: &[(TypeIx, MatchSide)],
) -> Vec<u16> {
    let mut before: Vec<(usize, usize)> = flows
        .iter()
        .filter_map(|flow| match &flow.create {
            PlanCreate::ConnectedTo(types) => {
                Some(types.iter().map(|c| (c.at(), flow.from.at())).collect::<Vec<_>>())
            }
            _ => None,
        })
        .flatten()
        .collect();
    // L10: what a match row refers to is linked first.
    for (ty, side) in sides {
        for prop in side.props.iter().filter(|prop| prop.reference) {
            let target = build.types[ty.at()].props[prop.prop.at()].refers_to.iter();
            before.extend(target.map(|target| (target.at(), ty.at())));
        }
    }
    // What others hold a value of is read before they are created (C1).
    for (ix, ty) in build.types.iter().enumerate() {
        let of = ty.props.iter().filter_map(|prop| prop.follows.as_ref()).flat_map(|f| &f.of);
        before.extend(of.map(|(of, _)| (of.at(), ix)));
    }
    ranks(build.types.len(), &before)
}

/// What others refer to is created first.
pub fn send_ranks(build: &Build<'_>) -> Vec<u16> {
    let mut before = Vec::new();
    for (ix, ty) in build.types.iter().enumerate() {
        for target in ty.props.iter().filter(|prop| prop.paired).flat_map(|prop| &prop.refers_to) {
            before.push((target.at(), ix));
        }
    }
    ranks(build.types.len(), &before)
}

/// Ranks by "comes before"; in a circle, the one that was named first goes first.
fn ranks(count: usize, before: &[(usize, usize)]) -> Vec<u16> {
    let mut rank = vec![0u16; count];
    // Longest way to each, bounded by the number of types so that circles end.
    for _ in 0..count {
        let mut moved = false;
        for &(first, then) in before {
            if first != then && rank[then] <= rank[first] && (rank[first] as usize) < count {
                rank[then] = rank[first] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    rank
}
