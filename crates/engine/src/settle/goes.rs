//! Where fresh claims go, of several properties that are paired with theirs (P1a, P1c).

use lockstep_model::value::{is_empty, same};
use lockstep_model::{Claim, PropIx, RecordId, RecordState, Timestamp, TypeIx, Value};

use super::entity::Entity;
use super::translate::carried_to;
use crate::parts;
use crate::plan::{Bearing, Plan, PlanProp};

/// Where a claim goes, by record type.
pub type Goes = Vec<(TypeIx, Vec<PropIx>)>;

/// P1a: settles where fresh claims go, of several properties of a record type paired with theirs.
/// Compares with what the others held before this reading, so that the order of reading does not
/// matter. `joined` tells that the entity has just been put together. Gives for each record the
/// claims that change.
///
/// P1c: at the first link a claim of a block goes also where nothing is and nothing belongs that
/// has a value.
pub fn settle_goes(
    plan: &Plan,
    now: Timestamp,
    entity: &Entity<'_>,
    joined: bool,
) -> Vec<(RecordId, PropIx, Goes)> {
    let mut out = Vec::new();
    // Where a flow does not hold, a way round may lead to several properties though the direct one
    // leads to one.
    let may_go = |prop: &PlanProp| !prop.each && (prop.fans || prop.fills || entity.left.is_some());
    for record in &entity.records {
        for (ix, described) in
            plan.ty(record.ty).props.iter().enumerate().filter(|(_, prop)| may_go(prop))
        {
            let slot = &record.slots[ix];
            let Some(claim) = &slot.claim else { continue };
            let displaced = slot.displaced.as_deref();
            if displaced.is_none() && !joined {
                continue;
            }
            let prop = PropIx(ix as u16);
            let one =
                Claimed { plan, now, entity, joined, record, prop, described, claim, displaced };
            let goes = one.goes();
            if goes != claim.goes {
                out.push((record.id, prop, goes));
            }
        }
    }
    out
}

/// A claim of which it is settled where it goes.
struct Claimed<'a> {
    plan: &'a Plan,
    now: Timestamp,
    entity: &'a Entity<'a>,
    joined: bool,
    record: &'a RecordState,
    prop: PropIx,
    described: &'a PlanProp,
    claim: &'a Claim,
    /// What a fresh claim has displaced.
    displaced: Option<&'a Value>,
}

impl Claimed<'_> {
    fn goes(&self) -> Goes {
        let record = self.record;
        let mut goes = if self.displaced.is_some() { vec![] } else { self.claim.goes.clone() };
        // Of several records of a type (L6) each says where it held what was displaced; which
        // one is looked at first does not matter.
        let mut others: Vec<&RecordState> =
            self.entity.records.iter().copied().filter(|other| other.id != record.id).collect();
        others.sort_by_key(|other| other.ty);
        for likes in others.chunk_by(|a, b| a.ty == b.ty) {
            let ty = likes[0].ty;
            // P1d: an edit of the whole goes to every part.
            if parts::are_in(self.described, ty) || goes.iter().any(|(known, _)| *known == ty) {
                continue;
            }
            let group = group_of(self.plan, self.entity, record.ty, self.prop, ty);
            let filled = self.filled(likes[0], &group);
            if group.len() < 2 {
                if !filled.is_empty() {
                    goes.push((ty, group.into_iter().chain(filled).collect()));
                }
                continue;
            }
            let chosen = self.chosen(likes, &group);
            let chosen = if chosen.is_empty() { vec![group[0]] } else { chosen };
            goes.push((ty, chosen.into_iter().chain(filled).collect()));
        }
        goes.sort_by_key(|(ty, _)| *ty);
        goes
    }

    /// P1c: what the claim fills at the first link. Of two that belong together only the one that
    /// wins fills others.
    fn filled(&self, other: &RecordState, group: &[PropIx]) -> Vec<PropIx> {
        let (record, claim) = (self.record, self.claim);
        let wins = |theirs: &PropIx| {
            let rival = other.slot(*theirs).claim.as_ref().filter(|rival| !is_empty(&rival.value));
            rival.is_none_or(|rival| {
                (rival.at, record.ty, record.id) < (claim.at, other.ty, other.id)
            })
        };
        let fills = self.joined
            && self.described.fills
            && !is_empty(&claim.value)
            && group.iter().all(wins);
        match fills {
            true => filled_by(self.plan, self.entity, record, self.prop, other),
            false => vec![],
        }
    }

    /// P1a: those of a group that held what the claim displaced. A claim older than the link went
    /// nowhere yet: it goes to those that hold its own value already.
    fn chosen(&self, likes: &[&RecordState], group: &[PropIx]) -> Vec<PropIx> {
        let (plan, ty) = (self.plan, likes[0].ty);
        let held = self.displaced.unwrap_or(&self.claim.value);
        let held_it = |theirs: &PropIx| {
            let described = plan.prop(ty, *theirs);
            let of = (self.record.ty, self.prop);
            let in_their_terms = carried_to(plan, self.now, self.entity, of, (ty, *theirs), held);
            // What was there when the two were linked was held before, whether it has been read in
            // this run or long ago.
            let held_before = |like: &&RecordState| {
                let before = match &like.slot(*theirs).displaced {
                    Some(displaced) if !(self.joined && displaced.is_null()) => displaced,
                    _ => like.slot(*theirs).value(described.whole),
                };
                in_their_terms.as_ref().is_some_and(|held| same(described.terms(), held, before))
            };
            likes.iter().any(held_before)
        };
        group.iter().copied().filter(held_it).collect()
    }
}

/// The properties of `other` that are paired with this one, in the order of the rows.
pub(super) fn group_of(
    plan: &Plan,
    entity: &Entity<'_>,
    ty: TypeIx,
    prop: PropIx,
    other: TypeIx,
) -> Vec<PropIx> {
    // What is given on creation only takes no edit.
    let of_it =
        |b: &&Bearing| b.other == other && b.other != ty && !b.fills && b.on_create.is_empty();
    entity.bearings(plan, ty, prop).iter().filter(of_it).map(|b| b.theirs).collect()
}

/// P1c: the properties of another record that this one fills: they are empty, and so is all that
/// belongs to them in this record.
fn filled_by(
    plan: &Plan,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
    other: &RecordState,
) -> Vec<PropIx> {
    let shown = |of: &RecordState, prop: PropIx| {
        is_empty(of.slot(prop).value(plan.prop(of.ty, prop).whole))
    };
    let fills =
        entity.bearings(plan, record.ty, prop).iter().filter(|b| b.fills && b.other == other.ty);
    let empty = |theirs: &PropIx| {
        let belong = group_of(plan, entity, other.ty, *theirs, record.ty);
        shown(other, *theirs) && belong.into_iter().all(|mine| shown(record, mine))
    };
    fills.map(|b| b.theirs).filter(empty).collect()
}
