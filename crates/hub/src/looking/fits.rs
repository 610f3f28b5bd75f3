//! Why a candidate fits, and which of its properties stands beside one of the record asked about.

use lockstep_engine::Plan;
use lockstep_engine::keys::match_hashes;
use lockstep_engine::plan::MatchSide;
use lockstep_model::{PropIx, RecordState, TypeIx};

/// For each column, the rows of the flows by which it matches the first one.
pub(super) fn fits(plan: &Plan, columns: &[&RecordState]) -> Vec<Vec<String>> {
    let Some((first, others)) = columns.split_first() else { return vec![] };
    let fit = |other: &&RecordState| {
        let sides = plan.ty(first.ty).match_sides.iter();
        let mut rows: Vec<String> = sides
            .filter(|side| shares(plan, (side, first), other))
            .map(|side| plan.rules[side.rule].text.clone())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    };
    std::iter::once(vec![]).chain(others.iter().map(fit)).collect()
}

/// Whether two records match by a row; also two of one type, which match the same by it.
fn shares(plan: &Plan, (side, one): (&MatchSide, &RecordState), other: &RecordState) -> bool {
    let theirs = match one.ty == other.ty {
        true => Some(side),
        false => opposite(plan, one.ty, side).filter(|_| side.other == other.ty),
    };
    // L10: what is compared through links matches by what is linked meanwhile, and is not told.
    let Some(theirs) = theirs.filter(|theirs| !theirs.has_references()) else { return false };
    let (mut ours, mut their) = (vec![], vec![]);
    match_hashes(plan, side, one, &mut ours);
    match_hashes(plan, theirs, other, &mut their);
    ours.iter().any(|hash| their.contains(hash))
}

/// The other side of a match row.
fn opposite<'a>(plan: &'a Plan, ty: TypeIx, side: &MatchSide) -> Option<&'a MatchSide> {
    let mut sides = plan.ty(side.other).match_sides.iter();
    sides.find(|theirs| theirs.rule == side.rule && theirs.other == ty)
}

/// The property of another record type that one bears on, or else that it is matched by.
pub(super) fn beside(plan: &Plan, ty: TypeIx, prop: PropIx, other: TypeIx) -> Option<PropIx> {
    let described = plan.ty(ty);
    let bearing = described.bearings[prop.at()].iter().find(|bearing| bearing.other == other);
    bearing.map(|bearing| bearing.theirs).or_else(|| {
        let mut sides = described.match_sides.iter().filter(|side| side.other == other);
        sides.find_map(|side| {
            let at = side.props.iter().position(|one| one.prop == prop)?;
            Some(opposite(plan, ty, side)?.props.get(at)?.prop)
        })
    })
}
