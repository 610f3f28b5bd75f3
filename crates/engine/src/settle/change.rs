//! The change that gives a property its value, and which element of a list it replaces (P9).

use lockstep_model::value::{is_empty, same};
use lockstep_model::{Change, ClaimStamp, PropIx, RecordState, Value, value};

use super::outcome::Wanted;
use super::translate::displaced_by;
use crate::plan::Plan;
use crate::slice::Slice;

/// The change that gives a property what it should hold.
pub fn change(
    plan: &Plan,
    slice: &Slice,
    record: &RecordState,
    prop: PropIx,
    wanted: Wanted,
) -> Option<Change> {
    match wanted {
        Wanted::Write { value, counterpart_of, claim, rule, reason } => {
            let displaced = displaced(plan, slice, record, prop, claim, &value);
            Some(Change {
                prop,
                value,
                displaced: displaced.into(),
                counterpart_of,
                claim,
                rule,
                reason,
            })
        }
        Wanted::Nothing
        | Wanted::Pick { .. }
        | Wanted::Waits { .. }
        | Wanted::Unconvertible { .. } => None,
    }
}

/// P9: the element of a list whose place a value takes. At the first link none is its own yet, and
/// it is added; after that it is the one that the edit displaced where it was made, else the one
/// that stands for the property.
fn displaced(
    plan: &Plan,
    slice: &Slice,
    record: &RecordState,
    prop: PropIx,
    claim: ClaimStamp,
    value: &Value,
) -> Value {
    let described = plan.prop(record.ty, prop);
    let slot = record.slot(prop);
    let stands = || slot.value(described.whole).clone();
    let Some(Value::Array(list)) =
        slot.shadow.as_ref().filter(|_| described.list && !described.whole)
    else {
        return stands();
    };
    let elements = || list.iter().filter(|element| !is_empty(element));
    let untouched = slot.carries.is_none() && slot.given.is_none() && slot.pick.is_none();
    // What was decided so at the first link and has not been carried out is decided so again,
    // whatever became of the first try.
    let added_before = || {
        let open =
            slice.intents_of(record.entity).filter(|intent| intent.record == Some(record.id));
        open.flat_map(|intent| &intent.changes)
            .any(|change| change.prop == prop && value::is_added(&change.displaced))
    };
    // What stood there when its record was first seen has never been this property's: that the two
    // were linked a run ago, which may have died since, changes nothing about that.
    let since_first_seen =
        || slice.records.get(&claim.record).is_some_and(|source| claim.at <= source.first_seen);
    // A person has linked the two, or a row has come to pair them, since the value was put in:
    // nothing has been given to this property, and no edit asks for it now or did so before.
    let edited_now = || slice.displaced.contains_key(&(claim.record, claim.prop));
    let edited_before = || {
        let open =
            slice.intents_of(record.entity).filter(|intent| intent.record == Some(record.id));
        open.flat_map(|intent| &intent.changes)
            .any(|change| change.prop == prop && !value::is_added(&change.displaced))
    };
    let never_met = || !edited_now() && !edited_before();
    let joined = || {
        slice.joined.contains(&record.entity) || added_before() || since_first_seen() || never_met()
    };
    let first_link = untouched && !is_empty(value) && joined();
    if first_link && elements().next().is_some() {
        return value::adds();
    }
    let source = slice.records.get(&claim.record).map(|source| source.ty);
    let by = plan.ty(record.ty).bearings[prop.at()]
        .iter()
        .find(|by| Some(by.other) == source && by.theirs == claim.prop);
    let before = by.and_then(|by| Some((by, displaced_by(slice, by, claim, described)?)));
    let held =
        before.and_then(|(by, before)| elements().find(|element| same(by.terms, &before, element)));
    // What stands for the property by its own right, because it was picked or written, is what is
    // replaced.
    match held {
        Some(held) if slot.pick.is_none() && slot.carries.is_none() => held.clone(),
        _ => stands(),
    }
}
