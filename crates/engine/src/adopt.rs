//! What becomes of a creation that has found a record instead of making one: its system has it
//! already, by the number or by something else that two records can't share (L8, C2, R9).

use lockstep_model::value::equal;
use lockstep_model::{
    Change, ClaimStamp, Intent, PropIx, ReadRecord, Reason, RecordId, RecordState, Rule, Value,
};

use crate::by_hand::clash;
use crate::keys::{match_hashes, promised};
use crate::plan::Plan;
use crate::recover::may_be_anothers;

/// What is known of the record that was found, and of the one that a counterpart was made for.
pub struct Meeting<'a> {
    pub found: &'a RecordState,
    pub source: &'a RecordState,
    /// The entities of both, with themselves.
    pub theirs: &'a [RecordState],
    pub mine: &'a [RecordState],
    /// L7: records that a person keeps apart from some of `mine`.
    pub apart: &'a [(RecordId, RecordId)],
    /// The writes whose answers are not known.
    pub open: &'a [Intent],
}

/// What becomes of the creation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Adoption {
    /// C2: what was found may be what another creation made; that is waited for.
    MayBeAnothers,
    /// The two have been linked meanwhile: there is nothing left to create.
    IsLinked,
    /// L8: they match.
    Match,
    /// The record belongs to another: a person is asked.
    Disputed,
}

/// Decides on a creation that has found a record.
pub fn adoption(plan: &Plan, intent: &Intent, meeting: &Meeting<'_>) -> Adoption {
    let Meeting { found, source, theirs, mine, apart, open } = meeting;
    // L7: what a person unlinked is not linked again, whatever the system takes for the same.
    let is_apart = || {
        let theirs = |id: &RecordId| theirs.iter().any(|member| member.id == *id);
        apart.iter().any(|(a, b)| theirs(a) || theirs(b))
    };
    if may_be_anothers(plan, intent, found, open) {
        Adoption::MayBeAnothers
    } else if found.entity == source.entity {
        Adoption::IsLinked
    } else if clash(plan, theirs, mine).is_none()
        && !is_apart()
        && !contradicts(plan, intent, found)
    {
        Adoption::Match
    } else {
        Adoption::Disputed
    }
}

/// R9: whether what a creation has found shows other match values than what was to be created, and
/// none of the same: it has the same number, or something else in common, and is somebody else.
fn contradicts(plan: &Plan, intent: &Intent, found: &RecordState) -> bool {
    let (sent, mut shown) = (promised(plan, intent.ty, &intent.changes), Vec::new());
    for side in &plan.ty(found.ty).match_sides {
        match_hashes(plan, side, found, &mut shown);
    }
    !sent.is_empty() && !shown.is_empty() && !sent.iter().any(|hash| shown.contains(hash))
}

/// A property that a creation has written over.
#[derive(Clone, Debug, PartialEq)]
pub struct Overwritten {
    pub prop: PropIx,
    pub before: Value,
    pub after: Value,
    /// What puts it back, where it can be written.
    pub back: Option<Change>,
}

/// R9: a creation that was answered with a record that is known has written what was `sent` over
/// what that held. The record shows it from now on; it was no edit of anybody's.
pub fn overwritten(
    plan: &Plan,
    state: &mut RecordState,
    answer: &mut ReadRecord,
    sent: &[(usize, Value)],
) -> Vec<Overwritten> {
    let ty = plan.ty(state.ty);
    let mut found = Vec::new();
    for (at, value) in sent {
        let shown = answer.values[*at].take().unwrap_or_else(|| value.clone());
        let (slot, described) = (&mut state.slots[*at], &ty.props[*at]);
        let before = slot.value(described.whole).clone();
        slot.show(shown);
        let after = slot.value(described.whole).clone();
        if equal(&before, &after) {
            continue;
        }
        let prop = PropIx(*at as u16);
        let told = slot.claim.as_ref().map(|claim| claim.at);
        let told = told.or(slot.carries.map(|carried| carried.at));
        let claim = ClaimStamp { at: told.unwrap_or(state.first_seen), record: state.id, prop };
        let writable = ty.can.update && !described.read_only && !described.create_only;
        let back = writable.then(|| Change {
            prop,
            value: before.clone(),
            displaced: after.clone().into(),
            counterpart_of: None,
            claim,
            rule: Rule::R9,
            reason: Reason::Latest,
        });
        found.push(Overwritten { prop, before, after, back });
    }
    found
}
