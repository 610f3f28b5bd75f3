//! What a reference becomes in another system: the id of the counterpart (P8).

use lockstep_model::value::{coerce, effective, like};
use lockstep_model::why::OfReference;
use lockstep_model::{ClaimStamp, PlainType, RecordState, Rule, TypeIx, Value, value};

use super::candidates::Candidate;
use super::outcome::{Awaited, Awaits, Wanted, written};
use crate::keys::each_id;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::slice::Slice;

/// P8: the ids of the counterparts, in the target's system, of the records that are referred to. A
/// list is translated one by one: what has no counterpart yet is left out, and written when it has
/// one; what only the target's system knows stays.
pub(super) fn reference(
    plan: &Plan,
    slice: &Slice,
    best: &Candidate<'_>,
    by: &Bearing,
    target: &PlanProp,
    shown: &Value,
) -> Wanted {
    let claim = best.stamp;
    let source = plan.prop(by.other, by.theirs);
    let mut ids = Vec::new();
    each_id(Some(&best.claim.value), &mut |id| ids.push(id.to_string()));
    let as_list = target.whole && (best.claim.value.is_array() || shown.is_array());
    if !as_list {
        ids.truncate(1);
    }
    if ids.is_empty() && !as_list {
        return written(Value::Null, claim, Rule::P8);
    }
    let (mut found, mut waits) = (Vec::new(), None);
    for id in &ids {
        let referred = match counterpart(plan, slice, (source, by.other), target, id) {
            Ok(referred) => referred,
            Err(waits_for) => {
                waits = waits.or(Some(waits_for));
                continue;
            }
        };
        let key = &referred.counterpart.key;
        match id_value(plan, target, key, shown) {
            Ok(value) => match referred.waits(&value, shown) {
                Some(waits_for) => waits = waits.or(Some(waits_for)),
                None => found.push(value),
            },
            Err(message) => {
                let value = Value::String(key.clone());
                return Wanted::Unconvertible { value, claim, message };
            }
        }
    }
    if !as_list {
        return match (found.pop(), waits) {
            (Some(value), _) => written(value, claim, Rule::P8),
            (None, Some(reference)) => Wanted::Waits { reference, claim },
            (None, None) => Wanted::Nothing,
        };
    }
    // What the source can't say, because nothing there stands for it, is not taken away.
    let held = shown.as_array().into_iter().flatten();
    found.extend(held.filter(|held| is_foreign(slice, source, target, held)).cloned());
    match waits {
        Some(waits) if found.is_empty() => Wanted::Waits { reference: waits.of_a_list(), claim },
        _ => written(Value::Array(found), claim, Rule::P8),
    }
}

/// What a reference leads to.
pub(super) struct Referred<'a> {
    pub counterpart: &'a RecordState,
    /// R9: the record, or its counterpart, whose id may be another's by now.
    doubted: Option<&'a RecordState>,
}

impl Referred<'_> {
    /// R9: what a reference to it waits for: an id that may be another's by now is written nowhere
    /// until a person has said whose it is. Where it stands already it stays.
    pub fn waits(&self, id: &Value, shown: &Value) -> Option<Awaited> {
        let doubted = self.doubted?;
        let stands = shown == id || shown.as_array().is_some_and(|list| list.contains(id));
        (!stands).then(|| answer_about(doubted))
    }
}

fn answer_about(doubted: &RecordState) -> Awaited {
    Awaited { event: Awaits::Answer(doubted.id), ty: doubted.ty }
}

/// P8: the counterpart of the record that has this id, in the record types that the target refers
/// to; else what the reference waits for. `source` is the property that refers to it, with its
/// record type.
pub(super) fn counterpart<'a>(
    plan: &Plan,
    slice: &'a Slice,
    (source, from): (&PlanProp, TypeIx),
    target: &PlanProp,
    id: &str,
) -> Result<Referred<'a>, Awaited> {
    // It may be linked by any of its facets.
    let referred: Vec<&RecordState> =
        source.refers_to.iter().filter_map(|ty| slice.by_key(*ty, id)).collect();
    if referred.is_empty() {
        // Not read yet, or in no flow: nothing to wait for by number.
        let ty = target.refers_to.first().copied().unwrap_or(from);
        return Err(Awaited { event: Awaits::Reading, ty });
    }
    let doubted = referred.iter().copied().find(|record| slice.is_doubted(record.id));
    let linked = |referred: &&RecordState| {
        let members = slice.members(referred.entity).iter().filter_map(|id| slice.records.get(id));
        members.filter(|r| r.is_live()).find(|r| target.refers_to.contains(&r.ty))
    };
    if let Some(counterpart) = referred.iter().find_map(linked) {
        let doubted = doubted.or(Some(counterpart).filter(|one| slice.is_doubted(one.id)));
        return Ok(Referred { counterpart, doubted });
    }
    if let Some(doubted) = doubted {
        return Err(answer_about(doubted));
    }
    // Of several facets the one that a flow gives a counterpart there.
    let meets = |a: TypeIx, b: TypeIx| plan.ty(a).partners.contains(&b);
    let pairs = || {
        referred.iter().flat_map(|one| target.refers_to.iter().map(move |ty| (one.id, one.ty, *ty)))
    };
    let awaited = pairs().find(|(_, mine, ty)| meets(*mine, *ty)).or_else(|| pairs().next());
    Err(match awaited {
        Some((of, _, ty)) => Awaited { event: Awaits::Counterpart(of), ty },
        None => Awaited { event: Awaits::Reading, ty: from },
    })
}

/// Whether what an element of the target's list refers to has nothing in the source's record types
/// that stands for it.
fn is_foreign(slice: &Slice, source: &PlanProp, target: &PlanProp, held: &Value) -> bool {
    let mut foreign = false;
    each_id(Some(held), &mut |id| {
        let record = target.refers_to.iter().find_map(|ty| slice.by_key(*ty, id));
        foreign = record.is_none_or(|record| {
            let members =
                slice.members(record.entity).iter().filter_map(|id| slice.records.get(id));
            !members
                .filter(|member| member.is_live())
                .any(|member| source.refers_to.contains(&member.ty))
        });
    });
    foreign
}

/// P8: the id that a waiting reference holds, and what it waits for. `property` is told with it
/// where the reader does not know it.
pub fn waits_for(
    plan: &Plan,
    slice: &Slice,
    property: Option<String>,
    reference: Awaited,
    claim: ClaimStamp,
) -> (Value, OfReference) {
    let source = slice.records.get(&claim.record);
    let value = source
        .and_then(|source| source.slot(claim.prop).claim.as_ref())
        .map(|claim| claim.value.clone());
    let value = value.unwrap_or_default();
    let named = |of: &RecordState| format!("{}/{}", plan.ty(of.ty).name, of.key);
    let referred = reference.of().and_then(|of| slice.records.get(&of));
    let why = match (reference.event, referred) {
        (Awaits::Answer(_), Some(referred)) => {
            OfReference::WaitsForAnswer { property, record: named(referred) }
        }
        (_, Some(referred)) => OfReference::WaitsForCounterpart {
            property,
            record: named(referred),
            lacking: plan.ty(reference.ty).name.to_string(),
        },
        (_, None) => {
            let target = source
                .and_then(|source| plan.prop(source.ty, claim.prop).reference_target.as_ref());
            let id = value.as_str().map_or_else(|| value::shown(&value), str::to_string);
            let record = target.map_or_else(|| id.clone(), |target| format!("{target}/{id}"));
            OfReference::WaitsForUnread { property, record }
        }
    };
    (value, why)
}

/// The id of a record as a reference to it has it: in the JSON type that the other system uses
/// (R7).
pub fn id_value(plan: &Plan, target: &PlanProp, key: &str, shown: &Value) -> Result<Value, String> {
    let text = Value::String(key.to_string());
    match target.ty {
        PlainType::Any | PlainType::List => {}
        PlainType::String if target.unsure => {}
        ty => return coerce(&text, ty),
    }
    let numeric = match effective(shown, false) {
        Value::Number(_) => Some(true),
        Value::String(text) if !text.trim().is_empty() => Some(false),
        _ => target.refers_to.iter().find_map(|ty| plan.ty(*ty).numeric_ids),
    };
    Ok(if numeric == Some(true) { like(text, &Value::from(0)) } else { text })
}
