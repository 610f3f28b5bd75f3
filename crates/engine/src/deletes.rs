//! Deleting: what the deletion of a record means for the others of its entity (D1).
//!
//! A deletion is passed on only where a flow between the two record types says so, and never
//! against an edit: who changed the other record after the deleted one was last known to be there,
//! or holds a value that never reached it, has not agreed to the deletion. So the edit beats the
//! deletion and the record is kept; nothing is created anew for it. (The same conflict in file
//! synchronizers: Unison's manual, "Invariants", and vdirsyncer's table, where a deletion against a
//! change keeps the change.)
//!
//! What a deletion means is decided once. Until it is settled the record is [`Presence::Leaving`];
//! then it is gone, and a policy that is changed later deletes nothing that was kept. Reading tells
//! what is gone, the hub does the deleting.

use std::collections::BTreeSet;

use lockstep_model::flow::{Ceases, Deletes};
pub use lockstep_model::why::Kept;
use lockstep_model::{
    FlowIx, Intent, IntentKind, Presence, PropIx, RecordId, RecordState, ReviewKind, Timestamp,
    TypeIx,
};

use crate::conditions::{never_qualified, only_fails};
use crate::create::refused;
use crate::plan::{Plan, PlanFlow};
use crate::settle::{Entity, Wanted, wanted};
use crate::slice::Slice;

/// What the deletion of `gone` means for `other`, a live record of its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    pub gone: RecordId,
    /// Who passes it on to the other: the deleted record itself, or one of which a part goes with
    /// it (F3).
    pub by: RecordId,
    pub other: RecordId,
    /// The flow that says so.
    pub flow: FlowIx,
    pub verdict: Verdict,
}

/// What is to be done about the other record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `deletes: propagate`: it is deleted too.
    Delete,
    /// `deletes: review`: a person says.
    Ask,
    /// It is kept, though the flow says otherwise.
    Keep(Kept),
}

/// Whether records may have to go although nothing was deleted: their counterparts are not what a
/// flow is about any more (L11).
pub fn may_cease(plan: &Plan) -> bool {
    plan.flows.iter().any(|flow| flow.ceases != Ceases::Keep)
}

/// Whether a deletion in this record type means anything for others.
pub fn passes_deletions(plan: &Plan, ty: TypeIx) -> bool {
    plan.flows
        .iter()
        .any(|flow| (flow.from == ty || flow.to == ty) && flow.deletes != Deletes::Ignore)
}

/// What flows say of deleting a record of `to` when one of `from` was deleted: the flow that goes
/// this way, else the one the other way.
pub fn policy(plan: &Plan, from: TypeIx, to: TypeIx) -> Option<(FlowIx, Deletes)> {
    let flow = |from, to| plan.flows.iter().position(|flow| (flow.from, flow.to) == (from, to));
    let at = flow(from, to).or_else(|| flow(to, from))?;
    Some((FlowIx(at as u16), plan.flows[at].deletes))
}

/// What the deletions that are not settled yet mean for the live records of an entity. Where
/// nothing comes of one here, it is settled.
pub fn departures(plan: &Plan, slice: &Slice, entity: &Entity<'_>) -> Vec<Departure> {
    let mut found = Vec::new();
    let mut taken = BTreeSet::new();
    for gone in &entity.records {
        let Presence::Leaving { since } = gone.presence else { continue };
        // G7: Lockstep itself deletes it, as its creation is taken back; nobody else deleted it.
        let taken_back = |intent: &Intent| intent.kind == IntentKind::Delete && intent.takes_back();
        if slice
            .intents_of(gone.entity)
            .any(|intent| intent.record == Some(gone.id) && taken_back(intent))
        {
            continue;
        }
        // `duplicates: merge`: another record of its type stands for the same thing still.
        if entity.records.iter().any(|other| other.is_live() && other.ty == gone.ty) {
            continue;
        }
        // Who passes the deletion on: the deleted record, then those of which a part goes with it
        // (F3). They are there still.
        let mut passing: Vec<&RecordState> = vec![gone];
        while let Some(from) = passing.pop() {
            for other in
                entity.records.iter().filter(|other| other.is_live() && other.id != from.id)
            {
                let Some((flow, deletes)) = policy(plan, from.ty, other.ty) else { continue };
                if from.id != gone.id && policy(plan, gone.ty, other.ty).is_some() {
                    continue;
                }
                let verdict = match deletes {
                    Deletes::Ignore => continue,
                    _ if entity.is_suspended(from.ty, other.ty) => Verdict::Keep(Kept::Unqualified),
                    _ if !plan.ty(other.ty).can.delete => Verdict::Keep(Kept::CanNot),
                    _ if edited(plan, slice, entity, from, other, since) => {
                        Verdict::Keep(Kept::Edited)
                    }
                    _ if element_edited(plan, slice, other, since) => {
                        Verdict::Keep(Kept::ElementEdited)
                    }
                    Deletes::Propagate => Verdict::Delete,
                    Deletes::Review => Verdict::Ask,
                };
                // Of two deletions that come to the same for a record, one is enough; the older
                // record's counts.
                let is_deleted = verdict == Verdict::Delete;
                if is_deleted && !taken.insert(other.id) {
                    continue;
                }
                found.push(Departure {
                    gone: gone.id,
                    by: from.id,
                    other: other.id,
                    flow,
                    verdict,
                });
                if is_deleted && !plan.ty(other.ty).facets.is_empty() {
                    passing.push(other);
                }
            }
        }
    }
    found.extend(
        ceased(plan, slice, entity)
            .into_iter()
            .filter(|departure| !taken.contains(&departure.other)),
    );
    found
}

/// L11: what becomes of the counterparts of records that their flow is not about any more: `gone`
/// is such a record, and is there still.
fn ceased(plan: &Plan, slice: &Slice, entity: &Entity<'_>) -> Vec<Departure> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for flow_ix in &plan.ty(record.ty).flows_out {
            let flow = &plan.flows[flow_ix.at()];
            if flow.ceases == Ceases::Keep || !only_fails(plan, flow, record) {
                continue;
            }
            if never_qualified(plan, flow, record) {
                continue;
            }
            // `duplicates: merge`: the flow is about another record that stands for the same thing.
            let is_about = |other: &RecordState| {
                other.is_live() && other.ty == record.ty && !only_fails(plan, flow, other)
            };
            if entity.records.iter().any(|other| is_about(other)) {
                continue;
            }
            for other in entity
                .records
                .iter()
                .filter(|other| other.is_live() && other.ty == flow.to && other.id != record.id)
            {
                // A person has said that it stays.
                if slice.apart.contains(&(record.id, other.id)) {
                    continue;
                }
                let verdict = match flow.ceases {
                    _ if !plan.ty(other.ty).can.delete => Verdict::Keep(Kept::CanNot),
                    _ if edited_since_it_ceased(flow, record, other) => Verdict::Ask,
                    _ if is_asked_about(slice, record, other) => Verdict::Ask,
                    Ceases::Delete => Verdict::Delete,
                    _ => Verdict::Ask,
                };
                found.push(Departure {
                    gone: record.id,
                    by: record.id,
                    other: other.id,
                    flow: *flow_ix,
                    verdict,
                });
            }
        }
    }
    found
}

/// Whether a person is asked about it: it was deleted once, and is there all the same (R6).
fn is_asked_about(slice: &Slice, record: &RecordState, other: &RecordState) -> bool {
    slice.reviews.iter().any(|review| {
        review.kind == ReviewKind::PendingDelete
            && review.about.is(record.id)
            && review.candidates.contains(&other.id)
    })
}

/// Whether somebody edited the counterpart after the record ceased to be what its flow is about: a
/// person says then.
fn edited_since_it_ceased(flow: &PlanFlow, record: &RecordState, other: &RecordState) -> bool {
    let latest = |record: &RecordState| {
        record.slots.iter().filter_map(|slot| slot.claim.as_ref()).map(|claim| claim.at).max()
    };
    let ceased = record.modified.or_else(|| latest(record)).filter(|_| flow.only.is_some());
    latest(other).zip(ceased).is_some_and(|(edited, ceased)| edited > ceased)
}

/// Whether somebody edited `other` since the deleted record was last there, or it holds an edit
/// that never reached that one.
fn edited(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    gone: &RecordState,
    other: &RecordState,
    since: Timestamp,
) -> bool {
    let claimed = |prop: PropIx| other.slot(prop).claim.as_ref().map(|claim| claim.at);
    let mut reaches: BTreeSet<PropIx> = BTreeSet::new();
    let (ty, can_take) = (plan.ty(gone.ty), plan.ty(gone.ty).can.update);
    for prop in (0..ty.props.len() as u16).map(PropIx) {
        let bearings = entity
            .bearings(plan, gone.ty, prop)
            .iter()
            .filter(|by| by.other == other.ty && by.open && !by.fills);
        let mine: Vec<PropIx> = bearings.map(|by| by.theirs).collect();
        if mine.is_empty() || ty.props[prop.at()].read_only {
            continue;
        }
        // Elements that come and go one by one are no claim of the whole list: its time tells (P11).
        if !ty.props[prop.at()].each {
            reaches.extend(mine);
        }
        let (claim, must_be_later) = match wanted(plan, slice, entity, gone, prop) {
            // It holds what it should, as one of its elements perhaps.
            Wanted::Nothing | Wanted::Pick { .. } => continue,
            // It would have been written. What its system refused, or can't take at all, was never
            // going to reach it.
            Wanted::Write { claim, .. } => {
                (claim, !can_take || refused(&slice.reviews, gone, gone.ty, prop).is_some())
            }
            Wanted::Waits { claim, .. } | Wanted::Unconvertible { claim, .. } => (claim, true),
        };
        if claim.record == other.id && (!must_be_later || claim.at > since) {
            return true;
        }
    }
    // What never goes to the deleted one is an edit all the same.
    let props = (0..plan.ty(other.ty).props.len() as u16).map(PropIx);
    props
        .filter(|prop| !reaches.contains(prop))
        .any(|prop| claimed(prop).is_some_and(|at| at > since))
}

/// Whether somebody edited an element of `other`, which would go with it, since the deleted record
/// was last there.
fn element_edited(plan: &Plan, slice: &Slice, other: &RecordState, since: Timestamp) -> bool {
    slice.elements.get(&other.id).into_iter().flatten().any(|id| {
        let element = &slice.records[id];
        let members = slice.members(element.entity).iter().map(|id| &slice.records[id]).collect();
        let entity = Entity::of(plan, members);
        let mut gone = entity.records.iter().filter(|record| !record.is_live()).peekable();
        if gone.peek().is_some() {
            return gone.any(|gone| edited(plan, slice, &entity, gone, element, since));
        }
        // Nobody has made it a counterpart.
        let claimed = element.slots.iter().flat_map(|slot| &slot.claim).map(|claim| claim.at);
        entity.records.len() == 1 && claimed.chain([element.first_seen]).any(|at| at > since)
    })
}
