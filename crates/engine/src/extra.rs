//! Mirroring: what the target of a flow has and its source does not (`extra`, D1).
//!
//! ```text
//! crm.Person ── extra: delete ──▶ shop.Customer
//!   1 Kari   ═══════════════════  7 Kari     it has a counterpart
//!                                 8 Liv      extra: deleted, or a person is asked
//! ```
//!
//! Only presence counts: an edit does not save an extra record. All else that is in doubt does. It
//! is not deleted before the source is known to its end (L8), while a record of the source matches
//! it and is not linked with it (L6), while one that may match is being created (C2), and never
//! against what a person has said (L7). Where a third system has it too, a person is asked: the
//! source does not know what the others need it for.

use lockstep_model::flow::{Deletes, Extra};
use lockstep_model::why::{Deleting, Mirrored, NotYet};
use lockstep_model::{
    FlowIx, Intent, Presence, RecordId, RecordState, Review, ReviewKind, Rule, Source, Timestamp,
    TypeIx, Why,
};

use crate::conditions::{may_match, not_about};
use crate::deletes::policy;
use crate::keys::{agree, counterparts, lookup_hashes, match_hashes};
use crate::places::kept_apart;
use crate::plan::{Plan, PlanFlow};
use crate::settle::Entity;
use crate::slice::Slice;

/// What is to become of an extra record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Delete,
    /// A person is asked, and why where the flow does not say so.
    Ask(Option<Why>),
    /// Not now: what it waits for comes by itself.
    Hold(Wait),
}

/// What an extra record waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub rule: Rule,
    pub why: NotYet,
    /// The record type that must be read again first (L8).
    pub reread: Option<TypeIx>,
}

/// Why Lockstep deletes a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Its counterpart was deleted (D1).
    Deleted,
    /// Its counterpart is not what the flow is about any more (L11).
    Ceased,
    /// It has no counterpart.
    Extra,
}

impl Because {
    /// Why a deletion was decided; `source` is the record that it was decided from, where it is
    /// known.
    pub fn of(plan: &Plan, intent: &Intent, source: Option<&RecordState>) -> Because {
        let Some(source) = source else {
            return match intent.source {
                Source::Lack => Because::Extra,
                Source::Record(_) | Source::TakesBack(_) => Because::Deleted,
            };
        };
        let is_mirrored = || {
            plan.flows.get(intent.flow.at()).is_some_and(|flow| {
                flow.extra != Extra::Ignore
                    && flow.from == source.ty
                    && !passes_on(plan, source.ty, flow.to)
            })
        };
        match source.is_live() {
            true => Because::Ceased,
            false if is_mirrored() => Because::Extra,
            false => Because::Deleted,
        }
    }

    /// The rule that messages cite.
    pub fn rule(self) -> Rule {
        match self {
            Because::Deleted | Because::Extra => Rule::D1,
            Because::Ceased => Rule::L11,
        }
    }

    /// The reason as a value; `source` is the name of the record that it was decided from.
    pub fn why(self, plan: &Plan, flow: FlowIx, source: &str) -> Deleting {
        let record = source.to_string();
        match self {
            Because::Deleted => Deleting::Deleted { record },
            Because::Ceased => Deleting::Ceased { record },
            Because::Extra => {
                Deleting::Extra { record: None, lacking: mirrored(plan, flow), besides: None }
            }
        }
    }
}

/// In what an extra record lacks a counterpart, by which setting of the flow. Of a flow that is
/// gone nothing is known.
pub fn mirrored(plan: &Plan, flow: FlowIx) -> Option<Mirrored> {
    let flow = plan.flows.get(flow.at())?;
    let extra = match flow.extra {
        Extra::Ignore => "ignore",
        Extra::Review => "review",
        Extra::Delete => "delete",
    };
    Some(Mirrored { of: plan.ty(flow.from).name.to_string(), extra: extra.into() })
}

/// Whether some flow deletes, or asks about, what has no counterpart.
pub fn mirrors(plan: &Plan) -> bool {
    plan.flows.iter().any(|flow| flow.extra != Extra::Ignore)
}

/// The first flow by which a live record is extra.
pub fn extra_by(plan: &Plan, entity: &Entity<'_>, record: &RecordState) -> Option<FlowIx> {
    let is_extra = |flow: &PlanFlow| {
        flow.extra != Extra::Ignore
            && flow.to == record.ty
            && plan.ty(flow.to).match_sides.iter().any(|side| side.other == flow.from)
            && plan.ty(flow.to).can.delete
            && !plan.same_collection(flow.from, flow.to)
            && plan.ty(flow.to).facets.is_empty()
            && !entity.records.iter().any(|one| one.is_live() && one.ty == flow.from)
            // What the deletion of the counterpart means is decided by `deletes`, and once.
            && !(gone(entity, flow).is_some() && passes_on(plan, flow.from, flow.to))
            && not_about(plan, flow, record).is_none()
    };
    plan.flows.iter().position(is_extra).map(|at| FlowIx(at as u16))
}

/// The counterpart that an extra record had, if any: the deletion is decided from it, so that the
/// record comes back with it (D2).
pub fn source(plan: &Plan, flow: FlowIx, entity: &Entity<'_>) -> Source {
    gone(entity, &plan.flows[flow.at()]).map_or(Source::Lack, |gone| gone.id.into())
}

/// What is to become of a record that is extra by a flow.
pub fn standing(
    plan: &Plan,
    slice: &Slice,
    flow: FlowIx,
    entity: &Entity<'_>,
    record: &RecordState,
) -> Standing {
    let flow = &plan.flows[flow.at()];
    if let Some(wait) =
        not_read(plan, slice, flow, record).or_else(|| may_have_one(plan, slice, flow, entity))
    {
        return Standing::Hold(wait);
    }
    if let Some(why) = person_says(plan, slice, flow, entity, record) {
        return Standing::Ask(Some(why));
    }
    match flow.extra {
        Extra::Delete => Standing::Delete,
        Extra::Review | Extra::Ignore => Standing::Ask(None),
    }
}

/// The open question whether a record is deleted.
pub fn asked_already(slice: &Slice, record: RecordId) -> Option<&Review> {
    slice.reviews.iter().find(|review| {
        review.kind == ReviewKind::PendingDelete && review.candidates.contains(&record)
    })
}

/// Whether a person has said that a record stays without a counterpart.
pub fn is_kept(slice: &Slice, record: RecordId) -> bool {
    slice.apart.contains(&kept(record))
}

/// How it is remembered that a record stays without a counterpart: it is kept apart from itself.
pub fn kept(record: RecordId) -> (RecordId, RecordId) {
    (record, record)
}

/// Whether the deletion of a record of `from` is passed on to its counterpart in `to`, or asked
/// about.
fn passes_on(plan: &Plan, from: TypeIx, to: TypeIx) -> bool {
    policy(plan, from, to).is_some_and(|(_, deletes)| deletes != Deletes::Ignore)
}

/// The latest counterpart by this flow that is gone.
fn gone<'r>(entity: &Entity<'r>, flow: &PlanFlow) -> Option<&'r RecordState> {
    let all = entity.records.iter().copied();
    all.filter(|one| !one.is_live() && one.ty == flow.from).max_by_key(|one| one.id)
}

/// L8, R8: what has to be read before the record counts as extra.
fn not_read(plan: &Plan, slice: &Slice, flow: &PlanFlow, record: &RecordState) -> Option<Wait> {
    let (from, to) = (slice.types[flow.from.at()], slice.types[flow.to.at()]);
    let of = plan.ty(flow.from).name.to_string();
    let wait = |why, reread| Some(Wait { rule: Rule::L8, why, reread });
    if !from.complete || !to.complete {
        let unread = if from.complete { flow.to } else { flow.from };
        return wait(NotYet::NotReadToTheEnd { of: plan.ty(unread).name.to_string() }, None);
    }
    if from.in_doubt {
        return wait(NotYet::MayNotBeAll { of }, None);
    }
    let seen = last_touched(record, slice.now);
    match from.from {
        Some(read) if read >= seen => None,
        Some(_) => wait(NotYet::NotReadSinceEdit { of }, Some(flow.from)),
        None => wait(NotYet::UnreadMayBeIt { of }, Some(flow.from)),
    }
}

/// When somebody last did something to a record: made it, or edited it.
fn last_touched(record: &RecordState, now: Timestamp) -> Timestamp {
    let edits = record.slots.iter().filter_map(|slot| slot.claim.as_ref()).map(|claim| claim.at);
    edits.filter(|at| *at <= now).chain([record.first_seen]).max().unwrap_or(record.first_seen)
}

/// L6, C2, R9: what may be its counterpart, or become it.
fn may_have_one(plan: &Plan, slice: &Slice, flow: &PlanFlow, entity: &Entity<'_>) -> Option<Wait> {
    let name = &plan.ty(flow.from).name;
    let wait = |rule, why| Some(Wait { rule, why, reread: None });
    let of = || name.to_string();
    let is_asked = |review: &&Review| {
        matches!(
            review.kind,
            ReviewKind::AmbiguousMatch | ReviewKind::DisputedEntity | ReviewKind::UnknownOutcome
        ) && entity.records.iter().any(|member| {
            member.is_live()
                && (review.about.is(member.id) && review.ty == flow.from
                    || review.candidates.contains(&member.id))
        })
    };
    if let Some(review) = slice.reviews.iter().find(is_asked) {
        return wait(Rule::L6, NotYet::AskedFirst(Box::new(review.why.clone())));
    }
    let creates = slice.intents.get(&entity.records.first()?.entity).into_iter().flatten();
    if creates.clone().any(|intent| intent.record.is_none() && intent.ty == flow.from) {
        return wait(Rule::C2, NotYet::CounterpartBeingCreated { of: of() });
    }
    for member in entity.records.iter().filter(|member| member.is_live()) {
        for side in plan.ty(member.ty).match_sides.iter().filter(|side| side.other == flow.from) {
            let mut hashes = Vec::new();
            let linked = |record: &RecordState, one, ty| counterparts(plan, slice, record, one, ty);
            lookup_hashes(plan, side, member, &linked, &mut hashes);
            let found = hashes.iter().filter_map(|hash| slice.by_hash.get(hash)).flatten();
            let matches = |other: &&RecordState| {
                other.ty == flow.from
                    && other.is_live()
                    && !kept_apart(slice, member.entity, other.entity)
                    && agree(plan, slice, side.rule, member, other)
                    && may_match(plan, side.rule, member, other)
            };
            if let Some(other) = found.filter_map(|id| slice.records.get(id)).find(matches) {
                let record = format!("{name}/{}", other.key);
                return wait(Rule::L6, NotYet::Matches { record });
            }
            match_hashes(plan, side, member, &mut hashes);
            if hashes.iter().any(|hash| slice.promised.contains_key(hash)) {
                let why = NotYet::MatchBeingCreated { of: of(), facet: false };
                return wait(Rule::C2, why);
            }
            if hashes.iter().any(|hash| slice.doubted.contains_key(hash)) {
                return wait(Rule::R9, NotYet::AskedWhose { of: of() });
            }
        }
    }
    None
}

/// What makes it a question for a person, whatever the flow says.
fn person_says(
    plan: &Plan,
    slice: &Slice,
    flow: &PlanFlow,
    entity: &Entity<'_>,
    record: &RecordState,
) -> Option<Why> {
    // R6: it was deleted once, and is there all the same.
    if let Some(review) = asked_already(slice, record.id) {
        return Some(review.why.clone());
    }
    // L7: a record of the source may be what a person keeps it apart from.
    let of_source = |id: &RecordId| slice.records.get(id).is_none_or(|one| one.ty == flow.from);
    let apart = |member: &&RecordState| {
        slice.apart.iter().any(|(a, b)| *a == member.id && a != b && of_source(b))
    };
    let name = &plan.ty(flow.from).name;
    if !slice.apart.is_empty() && entity.records.iter().copied().any(|member| apart(&member)) {
        return Some(Deleting::KeptApartFrom { of: name.to_string() }.into());
    }
    // D2: its counterpart is to be made anew.
    let comes_back =
        |one: &&RecordState| one.ty == flow.from && one.presence == Presence::Replaceable;
    if entity.records.iter().copied().any(|one| comes_back(&one)) {
        return Some(Deleting::CounterpartIsBack.into());
    }
    let third = entity.records.iter().find(|other| {
        other.is_live() && other.ty != record.ty && !is_mirror(plan, record.ty, other.ty)
    })?;
    let record = format!("{}/{}", plan.ty(third.ty).name, third.key);
    Some(Deleting::Linked { record }.into())
}

/// Whether a record type only mirrors another: what is there is no reason to keep what it shows.
fn is_mirror(plan: &Plan, of: TypeIx, ty: TypeIx) -> bool {
    let only = |flow: &PlanFlow| (flow.from, flow.to) == (of, ty) && flow.extra == Extra::Delete;
    plan.flows.iter().any(only)
}
