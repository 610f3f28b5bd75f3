//! Whether a flow creates a counterpart for a record, and whether it may do so now (C1, C3, C5,
//! L8).

use lockstep_model::why::{NotCreated, NotYet};
use lockstep_model::{FlowIx, RecordState, Rule, Situation, Why};

use super::compose::compose;
use super::connected::connected;
use super::creation::Creation;
use crate::conditions::{holds, not_about};
use crate::facets::still_to_be_matched;
use crate::plan::{Plan, PlanCreate, PlanFlow};
use crate::settle::Entity;
use crate::slice::Slice;

/// Decides on a counterpart for `record` by `flow`.
pub fn create(
    plan: &Plan,
    slice: &Slice,
    flow_ix: FlowIx,
    record: &RecordState,
    entity: &Entity<'_>,
) -> Creation {
    if let Some(no) = not_by(plan, slice, flow_ix, record) {
        return no;
    }
    if let Some(hold) = not_yet(plan, slice, flow_ix, record) {
        return hold;
    }
    compose(plan, slice, &plan.flows[flow_ix.at()], record, entity)
}

/// Why a flow creates nothing for a record; `None` where it does.
fn not_by(plan: &Plan, slice: &Slice, flow_ix: FlowIx, record: &RecordState) -> Option<Creation> {
    let flow = &plan.flows[flow_ix.at()];
    let no = |situation, why: NotCreated| Some(Creation::No { situation, why: why.into() });
    if plan.same_collection(flow.from, flow.to) {
        // Every record of the target is one of the source already: to create would never end.
        return no(Situation::Confirmed, NotCreated::SameCollection);
    }
    if let Some(why) = not_about(plan, flow, record) {
        return Some(Creation::No { situation: Situation::Excluded, why });
    }
    match qualifies(plan, slice, flow, record) {
        Ok(true) => {}
        Ok(false) => {
            return match &flow.create {
                PlanCreate::Never => no(Situation::Absent, NotCreated::LinksOnly),
                PlanCreate::ConnectedTo(types) => {
                    let to = types.iter().map(|ty| plan.ty(*ty).name.to_string()).collect();
                    let system = plan.ty(flow.to).name.system.clone();
                    no(Situation::Excluded, NotCreated::NotConnected { to, system })
                }
                _ => no(Situation::Excluded, NotCreated::ConditionFails),
            };
        }
        Err(why) => return Some(Creation::No { situation: Situation::Excluded, why }),
    }
    let target = plan.ty(flow.to);
    if !target.can.create {
        let of = target.name.to_string();
        return no(Situation::Excluded, NotCreated::CanNotBeCreated { of });
    }
    if !flow.synchronizes && !flow.create_empty {
        return no(Situation::Excluded, NotCreated::NothingSynchronized);
    }
    None
}

/// L8: what has to be read before a counterpart is made; `None` where all of it has been.
fn not_yet(plan: &Plan, slice: &Slice, flow_ix: FlowIx, record: &RecordState) -> Option<Creation> {
    let flow = &plan.flows[flow_ix.at()];
    let target = plan.ty(flow.to);
    // L8: both sides read to the end once, and the other side not older than the record.
    let (from, to) = (slice.types[flow.from.at()], slice.types[flow.to.at()]);
    if !from.complete || !to.complete {
        let unread = if from.complete { flow.to } else { flow.from };
        return Some(Creation::Hold {
            rule: Rule::L8,
            why: NotYet::NotReadToTheEnd { of: plan.ty(unread).name.to_string() }.into(),
            reread: None,
        });
    }
    // G3: the record may not be there any more. It is decided on again by the next run.
    if from.not_believed {
        return Some(Creation::Hold {
            rule: Rule::L8,
            why: NotYet::ListingNotBelieved { of: plan.ty(flow.from).name.to_string() }.into(),
            reread: None,
        });
    }
    if has_match_rule(plan, flow) && to.from.is_none_or(|read| read < record.first_seen) {
        let of = target.name.to_string();
        let why = match to.from {
            Some(_) => NotYet::NotReadSince { of, seen_as: None },
            // R8: it has been, and something of it could not be.
            None => NotYet::UnreadMayBeIt { of },
        };
        return Some(Creation::Hold { rule: Rule::L8, why: why.into(), reread: Some(flow.to) });
    }
    // F1: what is made is made with all its facets, so it is looked for by each of them first.
    if let Some((facet, ty)) = still_to_be_matched(plan, slice, record, flow.to) {
        let name = |ty| plan.ty(ty).name.to_string();
        let why = NotYet::NotReadSince { of: name(ty), seen_as: Some(name(facet.ty)) };
        return Some(Creation::Hold {
            rule: Rule::L8,
            why: why.into(),
            reread: Some(ty).filter(|ty| slice.types[ty.at()].complete),
        });
    }
    None
}

fn has_match_rule(plan: &Plan, flow: &PlanFlow) -> bool {
    plan.ty(flow.from).match_sides.iter().any(|side| side.other == flow.to)
}

/// Whether the flow creates for this record at all. `Err` tells what keeps the question from being
/// answered.
fn qualifies(
    plan: &Plan,
    slice: &Slice,
    flow: &PlanFlow,
    record: &RecordState,
) -> Result<bool, Why> {
    match &flow.create {
        PlanCreate::Never => Ok(false),
        PlanCreate::Always => Ok(true),
        PlanCreate::Filtered { condition } => match &flow.filter {
            Some(_) => holds(plan, flow, record).map_err(Why::Said),
            None => Err(NotCreated::NoFilter { condition: condition.clone() }.into()),
        },
        PlanCreate::ConnectedTo(types) => Ok(connected(plan, slice, flow, types, record)),
    }
}
