//! Creating: which records get a counterpart, and with what in it (L8, C1, C3–C5).

use lockstep_model::change::Counterpart;
use lockstep_model::matching::reference_hash;
use lockstep_model::value::{as_stored, is_empty};
use lockstep_model::{
    Change, ClaimStamp, FlowIx, IntentKind, IntentState, PropIx, Reason, RecordState, Review,
    ReviewKind, Rule, Situation, TypeIx, Value,
};

use crate::conditions::{holds, not_about, not_about_made};
use crate::facets::{made_along, still_to_be_matched};
use crate::keys::each_id;
use crate::plan::{Plan, PlanCreate, PlanFlow};
use crate::settle::{
    Awaited, Entity, Wanted, brought, candidates, default, filling, holds_word, waits_for,
    went_with_a_part,
};
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
pub fn create(
    plan: &Plan,
    slice: &Slice,
    flow_ix: FlowIx,
    record: &RecordState,
    entity: &Entity<'_>,
) -> Creation {
    let flow = &plan.flows[flow_ix.at()];
    let no = |situation, why: &str| Creation::No { situation, why: why.into() };
    if plan.same_collection(flow.from, flow.to) {
        // Every record of the target is one of the source already: to create would never end.
        return no(
            Situation::Confirmed,
            "it is a record of the same collection, which is its own counterpart",
        );
    }
    if let Some(why) = not_about(plan, flow, record) {
        return Creation::No { situation: Situation::Excluded, why };
    }
    match qualifies(plan, slice, flow, record) {
        Ok(true) => {}
        Ok(false) => {
            return match &flow.create {
                PlanCreate::Never => no(Situation::Absent, "the flow links only"),
                PlanCreate::ConnectedTo(types) => {
                    let names: Vec<String> =
                        types.iter().map(|ty| plan.ty(*ty).name.to_string()).collect();
                    let system = &plan.ty(flow.to).name.system;
                    no(
                        Situation::Excluded,
                        &format!(
                            "not connected to a {} that is synchronized into {system}",
                            names.join(" or ")
                        ),
                    )
                }
                _ => no(Situation::Excluded, "its condition does not hold"),
            };
        }
        Err(why) => return Creation::No { situation: Situation::Excluded, why },
    }
    let target = plan.ty(flow.to);
    if !target.can.create {
        return no(
            Situation::Excluded,
            &format!("{} can't be created through its API", target.name),
        );
    }
    if !flow.synchronizes && !flow.create_empty {
        return no(
            Situation::Excluded,
            "the flow synchronizes no property, so it does not create (C3)",
        );
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
        let why = match to.from {
            Some(_) => {
                format!("{} has not been read since this record was first seen", target.name)
            }
            // R8: it has been, and something of it could not be.
            None => format!("what can't be read of {} may be its counterpart", target.name),
        };
        return Creation::Hold { rule: Rule::L8, why, reread: Some(flow.to) };
    }
    // F1: what is made is made with all its facets, so it is looked for by each of them first.
    if let Some((facet, ty)) = still_to_be_matched(plan, slice, record, flow.to) {
        let (as_facet, other) = (&plan.ty(facet.ty).name, &plan.ty(ty).name);
        let why =
            format!("{other} has not been read since this record was first seen as {as_facet}");
        return Creation::Hold {
            rule: Rule::L8,
            why,
            reread: Some(ty).filter(|ty| slice.types[ty.at()].complete),
        };
    }
    compose(plan, slice, flow, record, entity)
}

fn has_match_rule(plan: &Plan, flow: &PlanFlow) -> bool {
    plan.ty(flow.from).match_sides.iter().any(|side| side.other == flow.to)
}

/// C1: a created record is complete; every mapped property that has a value is in the first write.
/// It is made with all its facets (F1): with what the other facets of the source record give to
/// them.
fn compose(
    plan: &Plan,
    slice: &Slice,
    flow: &PlanFlow,
    record: &RecordState,
    entity: &Entity<'_>,
) -> Creation {
    let target = plan.ty(flow.to);
    let mut defaults = 0;
    let others: Vec<(Entity<'_>, TypeIx)> = match target.facets.is_empty() {
        true => vec![],
        false => made_along(plan, slice, record, flow.to)
            .into_iter()
            .map(|(facet, ty)| {
                let members =
                    slice.members(facet.entity).iter().filter_map(|id| slice.records.get(id));
                (Entity::of(plan, members.collect()), ty)
            })
            .collect(),
    };
    let facets = || {
        std::iter::once((entity, flow.to)).chain(others.iter().map(|(entity, ty)| (entity, *ty)))
    };
    let (mut changes, mut unconvertible, mut lacking) = (
        vec![],
        vec![],
        target.required_unmapped.iter().map(|p| p.to_string()).collect::<Vec<_>>(),
    );
    for (ix, prop) in target.props.iter().enumerate().filter(|(_, prop)| !prop.read_only) {
        let prop_ix = PropIx(ix as u16);
        if !facets().any(|(_, ty)| plan.prop(ty, prop_ix).paired) {
            continue;
        }
        // A value beats an empty one (P2): a counterpart is made for the first time here.
        let best = facets()
            .filter(|(_, ty)| plan.prop(*ty, prop_ix).paired)
            .filter_map(|(entity, ty)| {
                let all = candidates(plan, entity, ty, prop_ix, None);
                let best = all.into_iter().find(|candidate| !is_empty(&candidate.claim.value));
                if best.as_ref().is_some_and(|best| went_with_a_part(plan, entity, best)) {
                    return None;
                }
                Some((best.or_else(|| filling(plan, entity, ty, prop_ix))?, entity, ty))
            })
            // Of what several facets give to one property, the latest.
            .reduce(|a, b| if b.0.stamp.at > a.0.stamp.at { b } else { a });
        let (mut given, mut waits) = (false, None);
        let mut push =
            |value: Value, counterpart_of: Option<Counterpart>, claim: ClaimStamp, rule| {
                let (displaced, reason) = (Value::Null.into(), Reason::Latest);
                changes.push(Change {
                    prop: prop_ix,
                    value,
                    displaced,
                    counterpart_of,
                    claim,
                    rule,
                    reason,
                });
            };
        let wanted = match best.map(|(best, entity, ty)| (best, best.by, entity, ty)) {
            Some((best, Some(by), entity, ty)) => {
                (brought(plan, slice, entity, &best, by, (ty, prop_ix), &Value::Null), by.reference)
            }
            Some((_, None, ..)) => (Wanted::Nothing, false),
            None => {
                let default = default(plan, slice, entity, (flow.to, prop_ix), true);
                defaults += usize::from(matches!(default, Wanted::Write { .. }));
                (default, false)
            }
        };
        match wanted {
            (Wanted::Write { value, .. }, _) if is_empty(&value) => {}
            (Wanted::Write { value, claim, .. }, reference) => {
                push(
                    as_stored(value, prop.stored_as),
                    None,
                    claim,
                    if reference { Rule::P8 } else { Rule::C1 },
                );
                given = true;
            }
            // The id is filled in when the intent is sent, if the counterpart exists by then; else
            // the reference waits (P8).
            (Wanted::Waits { reference: Awaited { of: Some(of), ty }, claim }, _) => {
                push(Value::Null, Some(Counterpart { of, ty }), claim, Rule::P8);
                given = true;
            }
            (Wanted::Waits { reference, claim }, _) => {
                waits = Some(waits_for(plan, slice, reference, claim).1)
            }
            (Wanted::Unconvertible { value, message, .. }, _) => {
                unconvertible.push((prop_ix, value, message))
            }
            (Wanted::Nothing | Wanted::Pick { .. }, _) => {}
        }
        if prop.required && !given {
            lacking.push(match waits {
                Some(waits) => format!("{} ({waits})", prop.name),
                None => prop.name.clone(),
            });
        }
    }
    leave_out_unfulfilled(plan, flow.to, &mut changes);
    if !lacking.is_empty() {
        let why =
            format!("{} requires {}, which the record lacks", target.name, lacking.join(" and "));
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
    if let Some(why) = not_about_made(plan, flow, &changes) {
        return Creation::No { situation: Situation::Excluded, why };
    }
    Creation::Make { changes, unconvertible }
}

/// Leaves out what would not be there in the new record: a property on a condition that another
/// value of it does not meet. A condition that nothing else decides is met by the system's
/// connector, for the first property that needs it.
fn leave_out_unfulfilled(plan: &Plan, ty: TypeIx, changes: &mut Vec<Change>) {
    let props = &plan.ty(ty).props;
    if changes.iter().all(|change| props[change.prop.at()].depends.is_none()) {
        return;
    }
    let mut words: Vec<(PropIx, String)> = Vec::new();
    let given: Vec<(PropIx, Value)> =
        changes.iter().map(|change| (change.prop, change.value.clone())).collect();
    changes.retain(|change| {
        let Some((marker, word)) = &props[change.prop.at()].depends else { return true };
        if let Some((_, value)) = given.iter().find(|(prop, _)| prop == marker) {
            return holds_word(value, word);
        }
        if let Some((_, known)) = words.iter().find(|(prop, _)| prop == marker) {
            return known == word;
        }
        let fulfilled = word.is_empty() || !props[marker.at()].read_only;
        if fulfilled {
            words.push((*marker, word.clone()));
        }
        fulfilled
    });
}

/// Whether the flow creates for this record at all. `Err` tells what keeps the question from being
/// answered.
fn qualifies(
    plan: &Plan,
    slice: &Slice,
    flow: &PlanFlow,
    record: &RecordState,
) -> Result<bool, String> {
    match &flow.create {
        PlanCreate::Never => Ok(false),
        PlanCreate::Always => Ok(true),
        PlanCreate::Filtered { condition } => match &flow.filter {
            Some(_) => holds(plan, flow, record),
            None => Err(format!(
                "the condition “{condition}” has no filter in the flow, so nothing is created by it"
            )),
        },
        PlanCreate::ConnectedTo(types) => Ok(connected(plan, slice, flow, types, record)),
    }
}

/// C5: a record of one of these types refers to it, or it refers to one, and that record has, or is
/// about to get, a counterpart in the target's system.
fn connected(
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
    for (prop, slot) in plan.ty(record.ty).props.iter().zip(&record.slots) {
        each_id(slot.shadow.as_ref(), &mut |id| {
            found.extend(prop.refers_to.iter().filter_map(|ty| slice.by_key(*ty, id)))
        });
    }
    found
}

/// Whether some property of `a` holds the id of `b`.
fn refers(plan: &Plan, a: &RecordState, b: &RecordState) -> bool {
    plan.ty(a.ty).props.iter().zip(&a.slots).filter(|(prop, _)| prop.refers_to.contains(&b.ty)).any(
        |(_, slot)| {
            let mut found = false;
            each_id(slot.shadow.as_ref(), &mut |id| found |= id == b.key);
            found
        },
    )
}

/// Whether a property was refused with this very value before (G4), or not kept (R6): it is left
/// out until the value changes.
pub fn refused<'a>(
    reviews: &'a [Review],
    record: &RecordState,
    ty: TypeIx,
    prop: PropIx,
) -> Option<&'a Review> {
    reviews.iter().find(|r| {
        let kind = matches!(r.kind, ReviewKind::RejectedValue | ReviewKind::NotKept);
        kind && r.record == record.id && r.ty == ty && r.prop == Some(prop)
    })
}
