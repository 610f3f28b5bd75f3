//! Which claims a property may take, and which of them wins (P1, P1c, P12).

use std::cmp::Ordering;

use lockstep_model::flow::Policy;
use lockstep_model::value::{equal, is_empty};
use lockstep_model::{Claim, ClaimStamp, PropIx, Reason, RecordId, RecordState, Slot, TypeIx};

use super::entity::Entity;
use crate::plan::{Bearing, Plan, PlanProp};

/// A claim and the way it comes: from the property itself, or by what bears on it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub claim: &'a Claim,
    pub stamp: ClaimStamp,
    pub from: TypeIx,
    /// `None` for a claim of the property itself, in this record or in one that stood in its place
    /// and is gone.
    pub by: Option<&'a Bearing>,
    /// The record in which it was made.
    pub record: &'a RecordState,
    /// The place of the row that it comes by.
    pub(super) row: usize,
    /// On a tie it comes before those of which this does not hold: its record is there, and was not
    /// given the value of one that is gone.
    pub(super) stands: bool,
}

/// All claims that a property may take, the winner first. `me` is `None` for a record that does not
/// exist yet.
pub fn candidates<'a>(
    plan: &'a Plan,
    entity: &'a Entity<'a>,
    ty: TypeIx,
    prop: PropIx,
    me: Option<RecordId>,
) -> Vec<Candidate<'a>> {
    let described = plan.prop(ty, prop);
    let mut found = Vec::new();
    let mut consider =
        |record: &'a RecordState, theirs: PropIx, by: Option<&'a Bearing>, row: usize| {
            let Some(claim) = entity.claim(record, theirs) else { return };
            if let Policy::OnlyFrom(system) = &described.policy
                && plan.ty(record.ty).name.system != *system
            {
                return;
            }
            if let Some(bearing) = by {
                let goes = me.and_then(|_| claim.goes.iter().find(|(to, _)| *to == ty));
                // P1c: what only fills goes where it was said to at the first link.
                let open = bearing.open
                    && (!bearing.fills || goes.is_some())
                    && entity.is_given(bearing, ty, me.is_none());
                if !open
                    || goes.is_some_and(|(_, props)| !props.contains(&prop))
                    || (!bearing.clears && is_empty(&claim.value))
                {
                    return;
                }
            }
            let stamp = ClaimStamp { at: claim.at, record: record.id, prop: theirs };
            let stands = record.is_live();
            found.push(Candidate { claim, stamp, from: record.ty, by, record, row, stands });
        };
    if let Some(own) = me.and_then(|me| entity.records.iter().find(|record| record.id == me)) {
        consider(own, prop, None, 0);
        // D1, L6: a record of the same type that is gone has left its place in the entity to this
        // one, with what was put in there.
        for record in entity
            .records
            .iter()
            .filter(|record| record.ty == ty && !record.is_live() && record.id != own.id)
        {
            consider(record, prop, None, 0);
        }
    }
    for (row, bearing) in entity.bearings(plan, ty, prop).iter().enumerate() {
        for record in &entity.records {
            if record.ty == bearing.other && Some(record.id) != me {
                consider(record, bearing.theirs, Some(bearing), row);
            }
        }
    }
    let has_gone = entity.records.iter().any(|record| !record.is_live());
    if has_gone {
        keep_what_the_gone_has_won(&mut found);
    }
    // P1c: what only fills counts where nothing else does.
    if found.iter().any(|one| !one.by.is_some_and(|by| by.fills)) {
        found.retain(|one| !one.by.is_some_and(|by| by.fills));
    }
    if found.iter().any(|one| !contests(one).is_empty()) {
        hold_contests(plan, entity, (ty, prop), &mut found);
    }
    found.sort_by(|a, b| precedence(plan, entity, (ty, prop), &described.policy, a, b));
    found
}

/// D1, L6: a deletion is no edit: what lost to a record of its own type, and shows that one's value,
/// does not win because that one is gone.
fn keep_what_the_gone_has_won(found: &mut [Candidate<'_>]) {
    let lost_to = |one: &Candidate<'_>| {
        let carried = one.record.slot(one.stamp.prop).carries.filter(|_| one.record.is_live());
        let of_its_type = |other: &&Candidate<'_>| {
            Some(other.stamp) == carried && other.from == one.from && !other.record.is_live()
        };
        found.iter().find(of_its_type).map(|winner| (one.stamp, winner.stamp))
    };
    let lost: Vec<(ClaimStamp, ClaimStamp)> = found.iter().filter_map(lost_to).collect();
    for one in found.iter_mut() {
        one.stands &= lost.iter().all(|(loser, _)| *loser != one.stamp);
        one.stands |= lost.iter().any(|(_, winner)| *winner == one.stamp);
    }
}

/// The policies that a claim passes on its way.
fn contests<'a>(candidate: &Candidate<'a>) -> &'a [u16] {
    candidate.by.map_or(&[], |by| &by.contests)
}

/// P1: of the claims that come by way of a policy only the one that wins there comes on. The
/// farthest is held first.
fn hold_contests<'a>(
    plan: &'a Plan,
    entity: &'a Entity<'a>,
    of: (TypeIx, PropIx),
    found: &mut Vec<Candidate<'a>>,
) {
    let ways = found.iter().flat_map(|one| contests(one).iter().copied().enumerate());
    let mut held: Vec<(usize, u16)> = ways.collect();
    held.sort_unstable_by(|a, b| b.cmp(a));
    held.dedup_by_key(|(_, contest)| *contest);
    for (_, contest) in held {
        let policy = plan.graph.policies.policy(contest);
        let enters = |one: &Candidate<'_>| contests(one).contains(&contest);
        if let Policy::OnlyFrom(system) = policy {
            found.retain(|one| !enters(one) || plan.ty(one.from).name.system == *system);
        }
        let entrants = found.iter().filter(|one| enters(one));
        let best = entrants.min_by(|a, b| precedence(plan, entity, of, policy, a, b));
        if let Some(best) = best.map(|best| best.stamp) {
            found.retain(|one| !enters(one) || one.stamp == best);
        }
    }
}

/// P1c: the claims that may fill a property of a record that is created, where nothing that belongs
/// to it gives it a value.
pub fn filling<'a>(
    plan: &'a Plan,
    entity: &Entity<'a>,
    ty: TypeIx,
    prop: PropIx,
) -> Option<Candidate<'a>> {
    let fills =
        entity.bearings(plan, ty, prop).iter().enumerate().filter(|(_, bearing)| bearing.fills);
    let mut found: Vec<Candidate<'a>> = fills
        .flat_map(|(row, bearing)| {
            let records = entity
                .records
                .iter()
                .filter(|record| record.ty == bearing.other && record.is_live());
            records.filter_map(move |record| {
                let claim = record
                    .slot(bearing.theirs)
                    .claim
                    .as_ref()
                    .filter(|claim| !is_empty(&claim.value))?;
                let stamp = ClaimStamp { at: claim.at, record: record.id, prop: bearing.theirs };
                let (from, by) = (record.ty, Some(bearing));
                Some(Candidate { claim, stamp, from, by, record, row, stands: true })
            })
        })
        .collect();
    let policy = &plan.prop(ty, prop).policy;
    found.sort_by(|a, b| precedence(plan, entity, (ty, prop), policy, a, b));
    found.into_iter().next()
}

/// P1: the latest first. On a tie what was put in before what was given to others (their
/// `displaced_claims`), then what comes by rows of one direction (P12), then the record type
/// that was named first, then who is there before who is gone, then the record with the lower id in
/// its system, then the first row: so that both sides of a tie agree, in whatever order they were
/// read. A policy of preference goes before time.
fn precedence(
    plan: &Plan,
    entity: &Entity<'_>,
    of: (TypeIx, PropIx),
    policy: &Policy,
    a: &Candidate<'_>,
    b: &Candidate<'_>,
) -> Ordering {
    // Numbers of one length are in their order, and `9` comes before `10`.
    let id = |candidate: &Candidate<'_>| (candidate.record.key.len(), candidate.record.key.clone());
    let both_ways = |candidate: &Candidate<'_>| !comes_one_way(plan, entity, of, candidate);
    preferred(plan, policy, a, b)
        .then_with(|| b.stamp.at.cmp(&a.stamp.at))
        .then_with(|| is_handed_on(plan, a).cmp(&is_handed_on(plan, b)))
        .then_with(
            || if a.from == b.from { Ordering::Equal } else { both_ways(a).cmp(&both_ways(b)) },
        )
        .then_with(|| a.from.cmp(&b.from))
        .then_with(|| {
            match a.stamp.record == b.stamp.record {
                true => Ordering::Equal,
                // What somebody has put in anew is not written over with what they had put in
                // before.
                false => b.stands.cmp(&a.stands).then_with(|| id(a).cmp(&id(b))),
            }
        })
        .then_with(|| (a.row, a.stamp.prop).cmp(&(b.row, b.stamp.prop)))
}

/// Whether a record's own claim is the value of another, made at the same time, that its property
/// was given.
fn is_handed_on(plan: &Plan, candidate: &Candidate<'_>) -> bool {
    let stamp = candidate.stamp;
    let slot = candidate.record.slot(stamp.prop);
    let is_of_another =
        |carried: ClaimStamp| carried.record != stamp.record && carried.at == stamp.at;
    slot.carries.is_some_and(is_of_another)
        && slot.claim.as_ref().is_some_and(|own| {
            let shown = slot.value(plan.prop(candidate.from, stamp.prop).whole);
            own.at == stamp.at && own.value == *slot.given.as_deref().unwrap_or(shown)
        })
}

/// P12: whether a claim comes from a property that takes nothing from this one.
pub(super) fn comes_one_way(
    plan: &Plan,
    entity: &Entity<'_>,
    (ty, prop): (TypeIx, PropIx),
    candidate: &Candidate<'_>,
) -> bool {
    candidate.by.is_some_and(|by| {
        let back = entity.bearings(plan, candidate.from, by.theirs);
        !back.iter().any(|back| back.other == ty && back.theirs == prop && back.open)
    })
}

/// Which of two claims a policy prefers, whatever their times.
fn preferred(plan: &Plan, policy: &Policy, a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    match policy {
        Policy::Wins(wins) => wins.compare(&a.claim.value, &b.claim.value),
        _ => preference(plan, policy, a).cmp(&preference(plan, policy, b)),
    }
}

/// The place of a claim's system in `prefer`.
fn preference(plan: &Plan, policy: &Policy, candidate: &Candidate<'_>) -> usize {
    match policy {
        Policy::Prefer(systems) => {
            let system = &plan.ty(candidate.from).name.system;
            systems.iter().position(|s| s == system).unwrap_or(systems.len())
        }
        _ => 0,
    }
}

/// What decided for the first of these claims.
pub fn reason(
    plan: &Plan,
    entity: &Entity<'_>,
    of: (TypeIx, PropIx),
    all: &[Candidate<'_>],
) -> Reason {
    let prop = plan.prop(of.0, of.1);
    let [best, others @ ..] = all else { return Reason::Latest };
    if matches!(prop.policy, Policy::OnlyFrom(_)) {
        return Reason::Policy;
    }
    let rival = others.iter().find(|other| {
        other.stamp.record != best.stamp.record && !equal(&other.claim.value, &best.claim.value)
    });
    let Some(rival) = rival else { return Reason::Latest };
    if preferred(plan, &prop.policy, best, rival).is_lt() {
        return Reason::Policy;
    }
    // Who was there when its record was first read was not edited since.
    let first_read = |candidate: &Candidate<'_>| candidate.stamp.at <= candidate.record.first_seen;
    let one_way = |candidate| comes_one_way(plan, entity, of, candidate);
    match (best.stamp.at == rival.stamp.at, rival.stamp.at.is_told()) {
        (true, _) if one_way(best) && !one_way(rival) => Reason::OneWay,
        (true, true) => Reason::Tie,
        (true, false) => Reason::Untold,
        (false, false) if first_read(best) => Reason::Told,
        (false, _) => Reason::Latest,
    }
}

/// F3: whether a claim of a record that is gone went with it: one that stands for something else
/// still was emptied of what it had given. It comes back in nobody.
pub(crate) fn went_with_a_part(
    plan: &Plan,
    entity: &Entity<'_>,
    candidate: &Candidate<'_>,
) -> bool {
    let emptied = |member: &&RecordState| {
        let ty = plan.ty(member.ty);
        let mut slots = member.slots.iter().zip(&ty.props);
        let is_it = |(slot, prop): (&Slot, &PlanProp)| {
            slot.carries == Some(candidate.stamp) && is_empty(slot.value(prop.whole))
        };
        member.is_live() && !ty.facets.is_empty() && slots.any(is_it)
    };
    !candidate.record.is_live() && entity.records.iter().copied().any(|member| emptied(&member))
}
