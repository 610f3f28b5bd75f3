//! Facets: one record that stands for several things, each with links and flows of its own (F1–F3).
//!
//! Each facet of a record is a record of its own here, in an entity of its own; they have the
//! record's key and its properties in common.
//!
//! ```text
//! erp.Customers/7 (organisation data) ─── crm.Accounts/19 (organisation data)   entity 1
//!        ║                                      ║
//! erp.Customers/7 (human data) ┄┄┄┄┄┄┄┄┄┄ crm.Accounts/19 (human data)          F2: linked, as their other facets are
//! ```

use lockstep_model::value::is_empty;
use lockstep_model::{
    Claim, EntityId, Intent, IntentKind, IntentState, Presence, PropIx, ReadRecord, RecordState,
    Timestamp, TypeIx, Value,
};

use crate::confirm;
use crate::places::occupied;
use crate::plan::{Plan, PlanType};
use crate::slice::Slice;

/// The other facets of a record that the slice has.
pub fn siblings<'a>(
    plan: &'a Plan,
    slice: &'a Slice,
    record: &'a RecordState,
) -> impl Iterator<Item = &'a RecordState> {
    plan.ty(record.ty).facets.iter().filter_map(|facet| slice.by_key(*facet, &record.key))
}

/// F1: which facet of the source record goes to which facet of a record of `to` that is made for
/// another facet of it: those that a flow is between, and that have no counterpart there.
pub fn made_along<'a>(
    plan: &'a Plan,
    slice: &'a Slice,
    record: &'a RecordState,
    to: TypeIx,
) -> Vec<(&'a RecordState, TypeIx)> {
    let mut found: Vec<(&RecordState, TypeIx)> = Vec::new();
    for theirs in &plan.ty(to).facets {
        let mine = siblings(plan, slice, record).find(|mine| {
            mine.is_live()
                && plan.facet_rule(mine.ty, *theirs).is_some()
                && !occupied(plan, slice, mine, *theirs)
        });
        found.extend(mine.map(|mine| (mine, *theirs)));
    }
    found
}

/// F2: another facet of the record whose counterpart in this collection is being made; the record
/// will be linked with its facet.
pub fn being_made<'a>(
    plan: &'a Plan,
    slice: &'a Slice,
    record: &'a RecordState,
    to: TypeIx,
    made_now: impl Fn(EntityId, TypeIx) -> bool,
) -> Option<&'a RecordState> {
    let collection = &plan.ty(to).facets;
    if collection.is_empty() {
        return None;
    }
    let open = |entity: EntityId| {
        // C2: one that was tried is tried again as it was, and no other facet takes its place.
        let open = |intent: &Intent| match intent.state {
            IntentState::Sent | IntentState::Unknown | IntentState::Refused => true,
            IntentState::Queued => intent.attempts > 0,
            _ => false,
        };
        let open = |intent: &Intent| {
            intent.kind == IntentKind::Create && collection.contains(&intent.ty) && open(intent)
        };
        slice.intents_of(entity).any(open) || collection.iter().any(|ty| made_now(entity, *ty))
    };
    siblings(plan, slice, record).find(|sibling| {
        sibling.is_live() && sibling.entity != record.entity && open(sibling.entity)
    })
}

/// F2: a record of this collection that is linked with another facet of the record, and whose facet
/// of type `to` has not been read yet: the process that read the one facet has ended before it read
/// the other, or only that one was asked for. They will be linked.
pub fn still_to_be_read<'a>(
    plan: &'a Plan,
    slice: &'a Slice,
    record: &'a RecordState,
    to: TypeIx,
) -> Option<&'a RecordState> {
    linked_by_others(plan, slice, record, to)
        .find(|other| other.is_live() && slice.by_key(to, &other.key).is_none())
}

/// D1: a record of this collection that was linked with another facet of the record, and was
/// deleted before this facet was linked with its facet of type `to`. It was the counterpart of this
/// one too, and is not created anew.
pub fn was_deleted<'a>(
    plan: &'a Plan,
    slice: &'a Slice,
    record: &'a RecordState,
    to: TypeIx,
) -> Option<&'a RecordState> {
    let gone = |other: &&RecordState| {
        let facet = slice.by_key(to, &other.key);
        !other.is_live()
            && other.presence != Presence::Replaceable
            && facet.is_none_or(|facet| !facet.is_live())
    };
    linked_by_others(plan, slice, record, to).find(gone)
}

/// The records of a collection that other facets of a record are, or were, linked with; none where
/// no flow is between the facets.
fn linked_by_others<'a>(
    plan: &'a Plan,
    slice: &'a Slice,
    record: &'a RecordState,
    to: TypeIx,
) -> impl Iterator<Item = &'a RecordState> {
    let collection = &plan.ty(to).facets;
    let meet = !collection.is_empty() && plan.facet_rule(record.ty, to).is_some();
    let others = siblings(plan, slice, record).filter(move |sibling| meet && sibling.is_live());
    let members = others
        .flat_map(|sibling| slice.members(sibling.entity))
        .filter_map(|id| slice.records.get(id));
    members.filter(|other| collection.contains(&other.ty))
}

/// L8, F1: another facet of the record that a match row may find a counterpart for in this
/// collection, and the facet there that has not been read since. What is made for one facet would
/// be a second counterpart of that one.
pub fn still_to_be_matched<'a>(
    plan: &'a Plan,
    slice: &'a Slice,
    record: &'a RecordState,
    to: TypeIx,
) -> Option<(&'a RecordState, TypeIx)> {
    let collection = &plan.ty(to).facets;
    let mut met = siblings(plan, slice, record).filter(|mine| mine.is_live()).flat_map(|mine| {
        let sides = plan.ty(mine.ty).match_sides.iter().map(|side| side.other);
        let theirs = sides
            .filter(|ty| *ty == to || collection.contains(ty))
            .filter(|ty| !occupied(plan, slice, mine, *ty));
        theirs.map(move |ty| (mine, ty))
    });
    let unread = |(mine, ty): &(&RecordState, TypeIx)| {
        let read = slice.types[ty.at()];
        !read.complete || read.from.is_none_or(|from| from < mine.first_seen)
    };
    met.find(unread)
}

/// F1: a facet of the record that has not been read yet, or not since the record came back, and
/// would give something to what is made for this one: the process that read the one has ended
/// before it read the other.
pub fn unread<'a>(
    plan: &'a Plan,
    slice: &Slice,
    record: &RecordState,
    to: TypeIx,
) -> Option<&'a PlanType> {
    let gives = |facet: &TypeIx| {
        plan.ty(to).facets.iter().any(|theirs| plan.facet_rule(*facet, *theirs).is_some())
    };
    let unread = |facet: &&TypeIx| {
        slice.by_key(**facet, &record.key).is_none_or(|facet| !facet.is_live()) && gives(facet)
    };
    plan.ty(record.ty).facets.iter().find(unread).map(|facet| plan.ty(*facet))
}

/// F3, P5: another facet of a record that was written through one. What was written is Lockstep's
/// own there too. Where both facets have rows about the property, the value travels on from it, as
/// the claim that it carries: what is linked with the one facet ends equal with what is linked with
/// the other.
pub fn written(
    plan: &Plan,
    state: &mut RecordState,
    intent: &Intent,
    mut answer: ReadRecord,
    sent: &[(usize, Value)],
    now: Timestamp,
) {
    let before = Before::of(plan, state);
    let modified = state.modified;
    // P6: the write was made on a version of the record that has not been read as this facet yet.
    // What else the answer shows may be somebody's edit, which the next reading takes in.
    let behind = state.version.as_ref() != intent.version();
    if behind {
        (answer.version, answer.modified) = (None, None);
        for (ix, value) in answer.values.iter_mut().enumerate() {
            value.take_if(|_| sent.iter().all(|(prop, _)| *prop != ix));
        }
    }
    let not_kept = confirm::written(plan, state, intent, answer, sent, now);
    if behind {
        state.modified = modified;
    }
    let kept: Vec<_> =
        sent.iter().filter(|(prop, _)| not_kept.iter().all(|lost| lost.at() != *prop)).collect();
    travel_on(plan, state, intent, before, &kept);
}

/// F3, C2: the same where the answer to the write was lost, and what the record shows tells that it
/// was done.
pub fn landed(
    plan: &Plan,
    state: &mut RecordState,
    intent: &Intent,
    shown: &[Option<Value>],
    sent: &[(usize, Value)],
) {
    let before = Before::of(plan, state);
    let own = confirm::landed(plan, state, intent, shown, sent);
    travel_on(plan, state, intent, before, &own.iter().collect::<Vec<_>>());
}

/// What a facet claimed and held before a write through another.
struct Before {
    claims: Vec<Option<Claim>>,
    held: Vec<Value>,
}

impl Before {
    fn of(plan: &Plan, state: &RecordState) -> Before {
        let props = &plan.ty(state.ty).props;
        Before {
            claims: state.slots.iter().map(|slot| slot.claim.clone()).collect(),
            held: state
                .slots
                .iter()
                .zip(props)
                .map(|(slot, prop)| slot.value(prop.whole).clone())
                .collect(),
        }
    }
}

/// What was written through one facet, and is kept, goes on from another that has rows about the
/// property: as it was sent, whatever the system made of it (P3).
fn travel_on(
    plan: &Plan,
    state: &mut RecordState,
    intent: &Intent,
    before: Before,
    kept: &[&(usize, Value)],
) {
    for change in &intent.changes {
        let at = change.prop.at();
        let prop = plan.prop(state.ty, change.prop);
        let slot = &mut state.slots[at];
        if !prop.paired {
            continue;
        }
        let Some((_, value)) = kept.iter().find(|(prop, _)| *prop == at) else { continue };
        let value = value.clone();
        // Later than what was claimed here before, which it has displaced.
        let claimed = before.claims[at].as_ref().map(|claim| claim.at.plus_ms(1));
        slot.claim = Some(Claim {
            value,
            at: change.claim.at.max(claimed.unwrap_or(change.claim.at)),
            goes: vec![],
        });
        slot.carries = None;
        slot.displaced = Some(Box::new(before.held[at].clone()));
    }
}

/// F3: the properties that only this facet of a record has rows about, and that can be emptied:
/// what is deleted through it.
pub(crate) fn part(plan: &Plan, record: &RecordState) -> Vec<PropIx> {
    let ty = plan.ty(record.ty);
    let own = |prop: &PropIx| {
        let described = &ty.props[prop.at()];
        let shared = ty.facets.iter().any(|facet| plan.prop(*facet, *prop).paired);
        let fixed = described.read_only || described.create_only || described.required;
        described.paired
            && !shared
            && !fixed
            && !is_empty(record.slot(*prop).value(described.whole))
    };
    (0..ty.props.len() as u16).map(PropIx).filter(own).collect()
}

/// F3: whether another facet of the record stands for something still: it is linked, or has
/// something of its own.
pub(crate) fn stands(plan: &Plan, slice: &Slice, facet: &RecordState) -> bool {
    let linked = || {
        let members = slice.members(facet.entity).iter().filter_map(|id| slice.records.get(id));
        members
            .filter(|other| other.id != facet.id)
            .any(|other| matches!(other.presence, Presence::Live))
    };
    facet.is_live() && (linked() || !part(plan, facet).is_empty())
}
