//! How a value becomes one of another property: conversions, types, lists (P3, P9, P11, R7).

use lockstep_model::value::{
    Terms, as_stored, coerce, effective, equal, is_empty, like, same, successor,
};
use lockstep_model::{ClaimStamp, Kind, PlainType, PropIx, Rule, Timestamp, TypeIx, Value};

use super::candidates::Candidate;
use super::entity::Entity;
use super::outcome::{Wanted, written};
use super::reference::reference;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::slice::Slice;

/// The claim in the target's terms. `shown` is what the target holds, by which an untyped
/// property's JSON type is told.
pub fn translate(
    plan: &Plan,
    slice: &Slice,
    best: &Candidate<'_>,
    by: &Bearing,
    target: &PlanProp,
    shown: &Value,
) -> Wanted {
    let claim = best.stamp;
    let mut value = best.claim.value.clone();
    if by.reference {
        return reference(plan, slice, best, by, target, shown);
    }
    let single_in_list = target.whole && shown.is_array() && !value.is_array();
    if is_empty(&value) && !by.defaults && !single_in_list {
        return written(Value::Null, claim, Rule::P1);
    }
    let failed =
        |message: String| Wanted::Unconvertible { value: best.claim.value.clone(), claim, message };
    match &by.conversion {
        Err(why) => return failed(why.clone()),
        Ok(conversions) => {
            for conversion in conversions {
                match conversion.apply(&value, slice.now) {
                    Ok(converted) => value = converted,
                    Err(error) => return failed(error.to_string()),
                }
            }
        }
    }
    let before = slice.displaced.get(&(claim.record, claim.prop));
    let value = match shaped(by, target, value, shown, before) {
        // A conversion has made a list of it.
        Value::Array(list) if single_in_list => Value::Array(list),
        // P9: a single value among those that the list holds.
        value if single_in_list => {
            let before = displaced_by(slice, by, claim, target);
            let first_link = slice
                .records
                .get(&claim.record)
                .is_some_and(|source| slice.joined.contains(&source.entity));
            into_list(by.terms, shown, value, before.as_ref(), first_link)
        }
        value => value,
    };
    match in_type_of(target, by, &best.claim.value, value, shown) {
        Ok(value) => written(value, claim, Rule::P1),
        Err(message) => failed(message),
    }
}

/// R7: a value in the type and the form in which the target stores it. `claimed` is the value as it
/// was put in, `shown` what the target holds.
fn in_type_of(
    target: &PlanProp,
    by: &Bearing,
    claimed: &Value,
    value: Value,
    shown: &Value,
) -> Result<Value, String> {
    // R7: what differs only in form stays as it stands. A number and a text that writes it are equal
    // as they are, and two texts once the number is one.
    if !is_empty(shown) && same(by.terms, &value, shown) {
        return Ok(shown.clone());
    }
    // A type that is only assumed changes nothing: a number stays one (R7).
    let coerced = if target.unsure && !matches!(value, Value::Object(_)) {
        Ok(value)
    } else {
        coerce(&value, target.ty)
    };
    let value = coerced?;
    if let Some(why) = misshapen(&value, shown) {
        return Err(why);
    }
    if !is_empty(shown) && same(by.terms, &value, shown) {
        return Ok(shown.clone());
    }
    // Where nothing stands yet, what was a number stays one (R7).
    let pattern =
        if is_empty(shown) && by.terms.by[1].kind == Kind::Number { claimed } else { shown };
    // A type that the row states is what is asked for, also where the target tells none.
    let stated =
        is_empty(shown) && by.conversion.as_ref().is_ok_and(|conversions| !conversions.is_empty());
    let loose =
        !stated && (target.unsure || matches!(target.ty, PlainType::Any | PlainType::Decimal));
    Ok(as_stored(if loose { like(value, pattern) } else { value }, target.stored_as))
}

/// P3: what would put a text or a number in the place of an object, or one among objects. Nobody
/// knows what of the object it would stand for.
pub(super) fn misshapen(value: &Value, shown: &Value) -> Option<String> {
    let objects = |list: &[Value], are: bool| {
        let mut held = list.iter().filter(|element| !is_empty(element)).peekable();
        held.peek().is_some() && held.all(|element| element.is_object() == are)
    };
    match (value, shown) {
        (Value::Object(_), _) | (_, Value::Null) => None,
        (value, Value::Object(_)) if !is_empty(value) => {
            Some("an object stands there, and it is none: name one of its properties".into())
        }
        (Value::Array(new), Value::Array(held)) => {
            let strange = |are: bool| {
                objects(held, are) && new.iter().any(|one| !is_empty(one) && one.is_object() != are)
            };
            match (strange(true), strange(false)) {
                (true, _) => Some("a list of objects stands there, and it is none".into()),
                (_, true) => {
                    Some("a list of plain values stands there, and it is an object".into())
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// P11: a whole list where the target holds lists, or may; else the one of its elements that the
/// target holds already, or the first.
///
/// Where an edit changed the very element that the target holds, it is the one that took its place
/// (`before` is what the edit displaced).
fn shaped(
    by: &Bearing,
    target: &PlanProp,
    value: Value,
    shown: &Value,
    before: Option<&Value>,
) -> Value {
    let Value::Array(list) = &value else { return value };
    let holds_single = !shown.is_array() && !is_empty(shown);
    if target.whole && !(target.unsure && holds_single) {
        return value;
    }
    if !holds_single {
        return effective(&value, false).clone();
    }
    let at = |list: &[Value]| list.iter().position(|element| same(by.terms, element, shown));
    if at(list).is_some() {
        return shown.clone();
    }
    let Some(before) = before.and_then(Value::as_array) else {
        return effective(&value, false).clone();
    };
    let changed = at(before).and_then(|place| successor(before, place, list));
    changed.unwrap_or(effective(&value, false)).clone()
}

/// P9 for a list that is written whole: the value takes the place of the one that its own edit
/// displaced; where none is its own yet, it is added. Other elements stay.
fn into_list(
    terms: Terms,
    shown: &Value,
    value: Value,
    before: Option<&Value>,
    first_link: bool,
) -> Value {
    let mut list = shown.as_array().cloned().unwrap_or_default();
    let element = Terms { ty: PlainType::Any, ..terms };
    let place = before
        .filter(|_| !first_link)
        .and_then(|before| list.iter().position(|held| same(element, before, held)));
    let there = list.iter().position(|held| same(element, &value, held));
    match (place, is_empty(&value)) {
        (Some(place), true) => drop(list.remove(place)),
        (None, true) => {}
        (_, false) if there.is_some() => {}
        (Some(place), false) => list[place] = value,
        (None, false) => list.push(value),
    }
    Value::Array(list)
}

/// A value of mine as it would stand in theirs.
pub(crate) fn carried_to(
    plan: &Plan,
    now: Timestamp,
    entity: &Entity<'_>,
    (ty, prop): (TypeIx, PropIx),
    (other, theirs): (TypeIx, PropIx),
    value: &Value,
) -> Option<Value> {
    let described = plan.prop(other, theirs);
    let bearing =
        entity.bearings(plan, other, theirs).iter().find(|b| b.other == ty && b.theirs == prop)?;
    let mut value = value.clone();
    if is_empty(&value) && !bearing.defaults {
        return Some(Value::Null);
    }
    for conversion in bearing.conversion.as_ref().ok()? {
        value = conversion.apply(&value, now).ok()?;
    }
    let value = if described.whole { value } else { effective(&value, false).clone() };
    let coerced =
        if described.unsure && value.is_array() { Ok(value) } else { coerce(&value, described.ty) };
    coerced.ok().map(|value| as_stored(value, described.stored_as))
}

/// What a fresh edit displaced where it was made, in the target's terms.
pub(super) fn displaced_by(
    slice: &Slice,
    by: &Bearing,
    claim: ClaimStamp,
    target: &PlanProp,
) -> Option<Value> {
    let mut before = slice.displaced.get(&(claim.record, claim.prop))?.clone();
    for conversion in by.conversion.as_ref().ok()? {
        before = conversion.apply(&before, slice.now).ok()?;
    }
    let single = effective(&before, false).clone();
    Some(as_stored(single, target.stored_as)).filter(|value| !is_empty(value))
}

/// P3 where the way to here has lost something: the two are equal if what is here, carried there,
/// is what was claimed.
pub(super) fn judged_equal(now: Timestamp, by: &Bearing, claimed: &Value, shown: &Value) -> bool {
    let Some(way) = &by.judged_by else { return false };
    let mut value = shown.clone();
    for conversion in way {
        match conversion.apply(&value, now) {
            Ok(converted) => value = converted,
            Err(_) => return false,
        }
    }
    equal(&value, claimed)
}
