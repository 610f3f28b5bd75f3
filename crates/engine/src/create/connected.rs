//! Records that are connected by references (C5).

use lockstep_model::matching::reference_hash;
use lockstep_model::{IntentKind, IntentState, RecordState, TypeIx};

use crate::keys::each_id;
use crate::plan::{Plan, PlanFlow, PlanProp};
use crate::slice::Slice;

/// C5: a record of one of these types refers to it, or it refers to one, and that record has, or is
/// about to get, a counterpart in the target's system.
pub(super) fn connected(
    plan: &Plan,
    slice: &Slice,
    flow: &PlanFlow,
    types: &[TypeIx],
    record: &RecordState,
) -> bool {
    let system = &plan.ty(flow.to).name.system;
    neighbours(plan, slice, record)
        .into_iter()
        .any(|other| types.contains(&other.ty) && synchronized(plan, slice, other, system))
}

/// Whether a record has, or is about to get, a counterpart in a system.
fn synchronized(plan: &Plan, slice: &Slice, record: &RecordState, system: &str) -> bool {
    let linked = || {
        let members = slice.members(record.entity).iter().filter_map(|id| slice.records.get(id));
        members
            .filter(|member| member.is_live())
            .any(|member| plan.ty(member.ty).name.system == system)
    };
    let promised = || {
        slice.intents_of(record.entity).any(|intent| {
            intent.kind == IntentKind::Create
                && matches!(
                    intent.state,
                    IntentState::Queued | IntentState::Sent | IntentState::Unknown
                )
                && plan.ty(intent.ty).name.system == system
        })
    };
    record.is_live() && (linked() || promised())
}

/// The records that refer to this one, and those that it refers to, as far as the slice has them.
pub fn neighbours<'a>(plan: &Plan, slice: &'a Slice, record: &RecordState) -> Vec<&'a RecordState> {
    let name = &plan.ty(record.ty).name;
    let incoming = slice.by_hash.get(&reference_hash(name, &record.key)).into_iter().flatten();
    let mut found: Vec<&RecordState> = incoming
        .filter_map(|id| slice.records.get(id))
        .filter(|other| refers(plan, other, record))
        .collect();
    let own = plan.ty(record.ty).props.iter().zip(&record.slots);
    for (prop, slot) in own.filter(|(prop, _)| prop.is_own()) {
        each_id(slot.shadow.as_ref(), &mut |id| {
            found.extend(prop.refers_to.iter().filter_map(|ty| slice.by_key(*ty, id)))
        });
    }
    found
}

/// Whether some property of `a` holds the id of `b`.
fn refers(plan: &Plan, a: &RecordState, b: &RecordState) -> bool {
    let own = |prop: &PlanProp| prop.is_own() && prop.refers_to.contains(&b.ty);
    plan.ty(a.ty).props.iter().zip(&a.slots).filter(|(prop, _)| own(prop)).any(|(_, slot)| {
        let mut found = false;
        each_id(slot.shadow.as_ref(), &mut |id| found |= id == b.key);
        found
    })
}
