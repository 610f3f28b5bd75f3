//! Creating: which records get a counterpart, and with what in it (L8, C1, C3–C5).

use lockstep_model::change::Counterpart;
use lockstep_model::matching::reference_hash;
use lockstep_model::value::{as_stored, effective, is_empty};
use lockstep_model::{
    Change, ClaimStamp, FlowIx, IntentKind, IntentState, PropIx, Reason, RecordState, Review, Rule, Situation, TypeIx, Value,
};

use crate::keys::each_id;
use crate::plan::{Plan, PlanCreate, PlanFlow};
use crate::settle::{Entity, Wanted, brought, candidates, default};
use crate::slice::Slice;

/// What a flow does about a record that has no counterpart.
#[derive(Clone, Debug, PartialEq)]
pub enum Creation {
    /// A record with these values.
    Make { changes: Vec<Change>, unconvertible: Vec<(PropIx, Value, String)> },
    /// Not now: it waits for something that will come by itself, named in words.
    Hold { rule: Rule, why: String, reread: Option<TypeIx> },
    /// Not by this flow: the situation and the reason.
    No { situation: Situation, why: String },
}

/// Decides on a counterpart for `record` by `flow`.
pub fn create(plan: &Plan, slice: &Slice, flow_ix: FlowIx, record: &RecordState, entity: &Entity<'_>) -> Creation {
    let flow = &plan.flows[flow_ix.at()];
    let no = |situation, why: &str| Creation::No { situation, why: why.into() };
    match qualifies(plan, slice, flow, record) {
        Ok(true) => {}
        Ok(false) => {
            return match &flow.create {
                PlanCreate::Never => no(Situation::Absent, "the flow links only"),
                PlanCreate::ConnectedTo(types) => {
                    let names: Vec<String> = types.iter().map(|ty| plan.ty(*ty).name.to_string()).collect();
                    let system = &plan.ty(flow.to).name.system;
                    no(
                        Situation::Excluded,
                        &format!("not connected to a {} that is synchronized into {system}", names.join(" or ")),
                    )
                }
                _ => no(Situation::Excluded, "its condition does not hold"),
            };
        }
        Err(why) => return Creation::No { situation: Situation::Excluded, why },
    }
    let target = plan.ty(flow.to);
    if !target.can.create {
        return no(Situation::Excluded, &format!("{} can't be created through its API", target.name));
    }
    if !flow.synchronizes && !flow.create_empty {
        return no(Situation::Excluded, "the flow synchronizes no property, so it does not create (C3)");
    }
    // L8: both sides read to the end once, and the other side not older than the record.
    let (from, to) = (slice.types[flow.from.at()], slice.types[flow.to.at()]);
    if !from.complete || !to.complete {
        let unread = if from.complete { flow.to } else { flow.from };
        return Creation::Hold {
            rule: Rule::L8,
            why: format!("{} has not been read to the end yet", plan.ty(unread).name),
            reread: None,
        };
    }
    if has_match_rule(plan, flow) && to.from.is_none_or(|read| read < record.first_seen) {
        let why = format!("{} has not been read since this record was first seen", target.name);
        return Creation::Hold { rule: Rule::L8, why, reread: Some(flow.to) };
    }
    compose(plan, slice, flow, entity)
}

fn has_match_rule(plan: &Plan, flow: &PlanFlow) -> bool {
    plan.ty(flow.from).match_sides.iter().any(|side| side.other == flow.to)
}

/// C1: a created record is complete; every mapped property that has a value is in the first write.
fn compose(plan: &Plan, slice: &Slice, flow: &PlanFlow, entity: &Entity<'_>) -> Creation {
    let target = plan.ty(flow.to);
    let mut defaults = 0;
    let (mut changes, mut unconvertible, mut lacking) =
        (vec![], vec![], target.required_unmapped.iter().map(|p| p.to_string()).collect::<Vec<_>>());
    for (ix, prop) in target.props.iter().enumerate().filter(|(_, prop)| prop.paired && !prop.read_only) {
        let prop_ix = PropIx(ix as u16);
        let all = candidates(plan, entity, flow.to, prop_ix, None);
        // A value beats an empty one (P2): a counterpart is made for the first time here.
        let best = all.iter().find(|candidate| !is_empty(&candidate.claim.value));
        let mut given = false;
        let mut push = |value: Value, counterpart_of: Option<Counterpart>, claim: ClaimStamp, rule| {
            let (displaced, reason) = (Value::Null.into(), Reason::Latest);
            changes.push(Change { prop: prop_ix, value, displaced, counterpart_of, claim, rule, reason });
        };
        let wanted = match best.map(|best| (best, best.by)) {
            Some((best, Some(by))) => (brought(plan, slice, entity, best, by, (flow.to, prop_ix), &Value::Null), by.reference),
            Some((_, None)) => (Wanted::Nothing, false),
            None => {
                let default = default(plan, slice, entity, flow.to, prop_ix);
                defaults += usize::from(matches!(default, Wanted::Write { .. }));
                (default, false)
            }
        };
        match wanted {
            (Wanted::Write { value, .. }, _) if is_empty(&value) => {}
            (Wanted::Write { value, claim, .. }, reference) => {
                push(as_stored(value, prop.stored_as), None, claim, if reference { Rule::P8 } else { Rule::C1 });
                given = true;
            }
            // The id is filled in when the intent is sent, if the counterpart exists by then; else the reference waits (P8).
            (Wanted::Waits { reference, claim }, _) if reference.of.0 != 0 => {
                push(Value::Null, Some(reference), claim, Rule::P8);
                given = true;
            }
            (Wanted::Unconvertible { value, message, .. }, _) => unconvertible.push((prop_ix, value, message)),
            (Wanted::Waits { .. } | Wanted::Nothing | Wanted::Pick { .. }, _) => {}
        }
        if prop.required && !given {
            lacking.push(prop.name.clone());
        }
    }
    if !lacking.is_empty() {
        let why = format!("{} requires {}, which the record lacks", target.name, lacking.join(" and "));
        return Creation::Hold { rule: Rule::C4, why, reread: None };
    }
    // Nothing but defaults is nothing.
    let told = changes.iter().filter(|change| change.counterpart_of.is_none()).count();
    if told <= defaults && !flow.create_empty {
        return Creation::No {
            situation: Situation::Excluded,
            why: "every mapped property is empty, so there is nothing to create from (C3)".into(),
        };
    }
    Creation::Make { changes, unconvertible }
}

/// Whether the flow creates for this record at all. `Err` tells what keeps the question from being answered.
fn qualifies(plan: &Plan, slice: &Slice, flow: &PlanFlow, record: &RecordState) -> Result<bool, String> {
    match &flow.create {
        PlanCreate::Never => Ok(false),
        PlanCreate::Always => Ok(true),
        PlanCreate::Filtered { condition } => match &flow.filter {
            Some(_) => holds(plan, flow, record),
            None => Err(format!("the condition “{condition}” has no filter in the flow, so nothing is created by it")),
        },
        PlanCreate::ConnectedTo(types) => Ok(connected(plan, slice, flow, types, record)),
    }
}

/// Whether the flow's condition holds for this record. A flow without one holds for all.
pub fn holds(plan: &Plan, flow: &PlanFlow, record: &RecordState) -> Result<bool, String> {
    let Some(filter) = &flow.filter else { return Ok(true) };
    let mut root = serde_json::Map::new();
    for (prop, slot) in plan.ty(record.ty).props.iter().zip(&record.slots) {
        if let Some(value) = &slot.shadow {
            insert(&mut root, prop.reference.path.as_str(), value.clone());
        }
    }
    for (written, prop, primary) in &flow.filter_reads {
        let value = record.slot(*prop).shadow.as_ref().map(|value| if *primary { effective(value, false) } else { value });
        if let Some(value) = value {
            insert(&mut root, written, value.clone());
        }
    }
    lockstep_model::filter::holds(filter, Value::Object(root))
}

fn insert(map: &mut serde_json::Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_string(), value);
        }
        Some((first, rest)) => {
            let inner = map.entry(first.to_string()).or_insert_with(|| Value::Object(serde_json::Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// C5: a record of one of these types refers to it, or it refers to one, and that record has, or is about to get, a counterpart in the
/// target's system.
fn connected(plan: &Plan, slice: &Slice, flow: &PlanFlow, types: &[TypeIx], record: &RecordState) -> bool {
    let system = &plan.ty(flow.to).name.system;
    neighbours(plan, slice, record).into_iter().any(|other| types.contains(&other.ty) && synchronized(plan, slice, other, system))
}

/// Whether a record has, or is about to get, a counterpart in a system.
fn synchronized(plan: &Plan, slice: &Slice, record: &RecordState, system: &str) -> bool {
    let linked = || {
        let members = slice.members(record.entity).iter().filter_map(|id| slice.records.get(id));
        members.filter(|member| member.is_live()).any(|member| plan.ty(member.ty).name.system == system)
    };
    let promised = || {
        slice.intents_of(record.entity).any(|intent| {
            intent.kind == IntentKind::Create
                && matches!(intent.state, IntentState::Queued | IntentState::Sent | IntentState::Unknown)
                && plan.ty(intent.ty).name.system == system
        })
    };
    record.is_live() && (linked() || promised())
}

/// The records that refer to this one, and those that it refers to, as far as the slice has them.
pub fn neighbours<'a>(plan: &Plan, slice: &'a Slice, record: &RecordState) -> Vec<&'a RecordState> {
    let name = &plan.ty(record.ty).name;
    let incoming = slice.by_hash.get(&reference_hash(name, &record.key)).into_iter().flatten();
    let mut found: Vec<&RecordState> =
        incoming.filter_map(|id| slice.records.get(id)).filter(|other| refers(plan, other, record)).collect();
    for (prop, slot) in plan.ty(record.ty).props.iter().zip(&record.slots) {
        each_id(slot.shadow.as_ref(), &mut |id| found.extend(prop.refers_to.iter().filter_map(|ty| slice.by_key(*ty, id))));
    }
    found
}

/// Whether some property of `a` holds the id of `b`.
fn refers(plan: &Plan, a: &RecordState, b: &RecordState) -> bool {
    plan.ty(a.ty).props.iter().zip(&a.slots).filter(|(prop, _)| prop.refers_to.contains(&b.ty)).any(|(_, slot)| {
        let mut found = false;
        each_id(slot.shadow.as_ref(), &mut |id| found |= id == b.key);
        found
    })
}

/// Whether a property of a creation was refused with this very value before (G4): it is left out until the value changes.
pub fn refused<'a>(reviews: &'a [Review], record: &RecordState, ty: TypeIx, prop: PropIx) -> Option<&'a Review> {
    reviews.iter().find(|r| {
        r.kind == lockstep_model::ReviewKind::RejectedValue && r.record == record.id && r.ty == ty && r.prop == Some(prop)
    })
}

/// The pairs of record types that a condition keeps apart in an entity of these records just now (L9, unqualified).
pub fn suspended(plan: &Plan, records: &[&RecordState]) -> Vec<(TypeIx, TypeIx)> {
    let mut apart = Vec::new();
    for record in records {
        for flow in plan.ty(record.ty).flows_out.iter().map(|ix| &plan.flows[ix.at()]) {
            if flow.filter.is_some() && holds(plan, flow, record) == Ok(false) {
                apart.extend([(flow.from, flow.to), (flow.to, flow.from)]);
            }
        }
    }
    apart
}
