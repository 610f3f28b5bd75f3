//! Confirming: what is known of a record once its system has answered a write.
//!
//! What the answer shows is no claim, whatever it differs in from what was sent (P3, P5): where the
//! system made something else of a value, the property *carries* the claim it was given, so that it
//! is not written again.

use lockstep_model::value::{Terms, effective, equal, is_added, is_empty, same};
use lockstep_model::{
    Claim, EntityId, Intent, Presence, PropIx, ReadRecord, RecordId, RecordState, Slot, Timestamp,
    Value,
};

use crate::plan::Plan;

/// The record that a creation made, and what of the write its system has not kept (R6). `sent` are
/// the values as they were sent, by property.
pub fn created(
    plan: &Plan,
    intent: &Intent,
    id: RecordId,
    answer: ReadRecord,
    sent: &[(usize, Value)],
    now: Timestamp,
) -> (RecordState, Vec<PropIx>) {
    let mut state = RecordState {
        id,
        ty: intent.ty,
        key: answer.id.clone(),
        entity: intent.entity,
        version: None,
        modified: None,
        first_seen: now,
        presence: Presence::Live,
        written_at: None,
        slots: plan.ty(intent.ty).props.iter().map(|_| Slot::default()).collect(),
    };
    let not_kept = written(plan, &mut state, intent, answer, sent, now);
    (state, not_kept)
}

/// Whether the answer to a write shows another value than is known of a property that was not
/// written, in the version that the record has from now on: somebody has edited it meanwhile (P6).
pub fn shows_an_edit(
    plan: &Plan,
    state: &RecordState,
    answer: &ReadRecord,
    sent: &[(usize, Value)],
) -> bool {
    let props = plan.ty(state.ty).props.iter().zip(&state.slots).zip(&answer.values).enumerate();
    let differs = |(ix, ((prop, slot), shown)): (usize, _)| {
        let (prop, slot, shown): (&crate::plan::PlanProp, &Slot, &Option<Value>) =
            (prop, slot, shown);
        let is_other = |shown: &Value| {
            !same(prop.terms(), effective(shown, prop.whole), slot.value(prop.whole))
        };
        shown.as_ref().is_some_and(is_other) && sent.iter().all(|(sent, _)| *sent != ix)
    };
    answer.version.is_some() && props.into_iter().any(differs)
}

/// A known record after a confirmed write. Gives what of the write its system has not kept (R6):
/// such a property carries nothing, and would be written again if nobody asked a person first.
pub fn written(
    plan: &Plan,
    state: &mut RecordState,
    intent: &Intent,
    answer: ReadRecord,
    sent: &[(usize, Value)],
    now: Timestamp,
) -> Vec<PropIx> {
    let mut not_kept = Vec::new();
    let mut unseen = false;
    let tells_version = answer.version.is_some();
    let mut answer = answer;
    if let Some(prop) = plan.ty(state.ty).own_id {
        answer.values[prop.at()] = Some(Value::String(answer.id.clone()));
    }
    let assigned_at = answer.modified.map_or(now, |modified| modified.min(now));
    let creates = state.written_at.is_none()
        && state.version.is_none()
        && state.slots.iter().all(|slot| slot.shadow.is_none());
    for (ix, (shown, prop)) in answer.values.into_iter().zip(&plan.ty(state.ty).props).enumerate() {
        let slot = &mut state.slots[ix];
        let Some((_, value)) = sent.iter().find(|(prop, _)| *prop == ix) else {
            // Not ours: what the answer shows is remembered where it is what was known, or what a
            // creation was given. Anything else is left to the next read, which takes it for the
            // edit that it may be, made while Lockstep wrote; also in the version of that write
            // (P5). What an earlier write gave and this answer does not show was perhaps not kept:
            // the next read tells that too (R6).
            let was_unseen = slot.is_unseen(prop.whole);
            let is_known = |shown: &Value| {
                same(prop.terms(), effective(shown, prop.whole), slot.value(prop.whole))
            };
            if let Some(shown) = shown.filter(|_| tells_version || creates) {
                if creates || is_known(&shown) {
                    slot.show(shown);
                } else if !was_unseen {
                    (slot.carries, slot.given) = (None, None);
                }
                let own = slot.value(prop.whole).clone();
                if creates
                    && prop.paired
                    && !is_empty(&own)
                    && !intent.changes.iter().any(|change| change.prop.at() == ix)
                {
                    // C6: what the system itself assigns (a customer number) is its claim. A
                    // default in the place of a reference that waits (P8) is none: that was in the
                    // decision.
                    slot.displaced = prop.fans.then(|| Box::new(Value::Null));
                    slot.claim = Some(Claim { value: own, at: assigned_at, goes: vec![] });
                }
            }
            // Nothing has shown yet what became of that.
            unseen |= was_unseen && slot.is_unseen(prop.whole);
            continue;
        };
        let change = intent.changes.iter().find(|change| change.prop.at() == ix);
        let stamp = change.map(|change| change.claim);
        let told = shown.is_some();
        let old = slot.value(prop.whole).clone();
        // What an earlier write gave was perhaps not kept either: then what was there before that
        // still is (R6).
        let earlier = slot.before.take().filter(|_| slot.is_unseen(prop.whole));
        let adds = change.is_some_and(|change| is_added(&change.displaced));
        let before =
            place_of(slot, change.map(|change| &*change.displaced), prop.whole).filter(|_| !adds);
        let shadow = shown.unwrap_or_else(|| {
            replaced(slot.shadow.as_ref(), before, value, prop.list, prop.whole, adds)
        });
        slot.pick = match &shadow {
            Value::Array(list) if !prop.whole && list.len() > 1 && !is_empty(value) => {
                let place =
                    list.iter().position(|element| same(prop.terms(), element, value)).or(before);
                let first = list.iter().position(|element| !is_empty(element));
                place
                    .filter(|place| Some(*place) != first)
                    .and_then(|place| list.get(place))
                    .cloned()
                    .map(Box::new)
            }
            _ => None,
        };
        slot.shadow = Some(shadow);
        let as_asked = same(prop.terms(), slot.value(prop.whole), value);
        slot.displaced = None;
        let kept = |before: &Value| is_kept(prop.terms(), value, before, slot.value(prop.whole));
        if told && !as_asked && !(kept(&old) && earlier.is_none_or(|earlier| kept(&earlier))) {
            (slot.carries, slot.given) = (None, None);
            not_kept.push(PropIx(ix as u16));
            continue;
        }
        slot.before = (!told && !creates).then(|| Box::new(old));
        // A creation whose answer shows just what was asked needs no memory of it: a million of
        // them would cost a third more store.
        slot.carries = stamp.filter(|_| !(creates && told && as_asked));
        slot.given = Some(value).filter(|_| !(told && as_asked)).cloned().map(Box::new);
        // G7: a value that was put back is an edit of this record's own, from the time when a
        // person asked for it.
        if let Some(change) =
            change.filter(|change| intent.takes_back() && change.claim.record == state.id)
        {
            slot.claim = Some(Claim {
                value: slot.value(prop.whole).clone(),
                at: change.claim.at,
                goes: vec![],
            });
            slot.carries = None;
            slot.displaced = Some(Box::new(change.displaced.clone().into()));
        } else if let Some(change) = change.filter(|_| intent.takes_back()) {
            // It declines that claim: it was given its value, and holds another.
            slot.carries = stamp;
            slot.given = Some(Box::new(change.displaced.clone().into()));
        }
    }
    state.version = answer.version.or(state.version.take());
    // R6: of a write whose answer tells no time none is known. Nor is one by which what an earlier
    // write gave could be judged: without a version somebody may have edited that between the two
    // writes, and the record would show the time of the second all the same. P5a: nor of one whose
    // time lies before the one that was known. The system's clock was set back: a state from before
    // the write would seem to be the later one.
    let known = state.modified;
    let goes_on = |at: &Timestamp| known.is_none_or(|known| known <= *at);
    state.modified = answer.modified.filter(|_| tells_version || !unseen).filter(goes_on);
    state.written_at = Some(now);
    state.presence = Presence::Live;
    if creates {
        state.entity = EntityId(intent.entity.0);
    }
    not_kept
}

/// R6: whether a system that shows this now has kept what it was sent, in whatever form (P3). What
/// shows as it did before the write, or nothing, was not kept, unless it is what the system makes
/// of such a value. What was there before may be known as it was sent only, and not as the system
/// stored it.
pub(crate) fn is_kept(terms: Terms, sent: &Value, before: &Value, shown: &Value) -> bool {
    let lost = is_empty(shown) && !is_empty(sent);
    !(lost || same(terms, shown, before) || made_of(before, shown)) || made_of(sent, shown)
}

/// C2, P5: what a record shows after a write whose answer was lost. Where it shows what was sent,
/// that is Lockstep's own value and no claim of anybody's: it would be the latest one, and win over
/// what people edited before it was seen. Gives what of `sent` has landed; the rest of the record
/// is left to be observed.
pub fn landed(
    plan: &Plan,
    state: &mut RecordState,
    intent: &Intent,
    shown: &[Option<Value>],
    sent: &[(usize, Value)],
) -> Vec<(usize, Value)> {
    let props = &plan.ty(state.ty).props;
    // What the system made of a value when it stored it (P3) is Lockstep's as well, unless it is
    // what was there before.
    let shows = |ix: usize, value: &Value| {
        let whole = props[ix].whole;
        let is_it = |shown: &Value| {
            same(props[ix].terms(), shown, value)
                || made_of(value, shown) && !equal(shown, state.slots[ix].value(whole))
        };
        match &shown[ix] {
            Some(Value::Array(list)) if !whole && !is_empty(value) => list.iter().any(is_it),
            Some(shown) => is_it(effective(shown, whole)),
            None => false,
        }
    };
    let own: Vec<(usize, Value)> =
        sent.iter().filter(|(ix, value)| shows(*ix, value)).cloned().collect();
    let values = shown
        .iter()
        .enumerate()
        .map(|(ix, value)| value.clone().filter(|_| own.iter().any(|(own, _)| *own == ix)));
    let answer = ReadRecord {
        id: state.key.clone(),
        version: None,
        modified: None,
        deleted: false,
        values: values.collect(),
    };
    let written_at = state.written_at.max(Some(intent.decided_at));
    written(plan, state, intent, answer, &own, intent.decided_at);
    state.written_at = written_at;
    own
}

/// No system cuts a text to fewer letters: what is shorter is another value.
const SHORTEST_CUT: usize = 8;

/// Whether a system may have made `shown` of the value that it was sent: trimmed, cut, in other
/// letters, reformatted, rounded.
pub fn made_of(sent: &Value, shown: &Value) -> bool {
    let number =
        |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse::<f64>().ok());
    if let (Some(sent), Some(shown)) = (number(sent), number(shown))
        && (sent - shown).abs() <= 0.5
    {
        return true;
    }
    let (Value::String(sent), Value::String(shown)) = (sent, shown) else {
        return equal(sent, shown);
    };
    let letters = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let long_enough = shown.chars().count() >= SHORTEST_CUT;
    let (sent, shown) = (letters(sent), letters(shown));
    sent == shown || long_enough && !shown.is_empty() && sent.starts_with(&shown)
}

/// C2: a record that was read as a new one and is the one that a creation made whose answer was
/// lost. What it shows of what was sent is nobody's claim; all else is a person's.
pub fn found_again(plan: &Plan, state: &mut RecordState, intent: &Intent, sent: &[(usize, Value)]) {
    // There was nothing before: whatever it shows of what was sent is what the system made of that.
    let shown: Vec<Option<Value>> = state.slots.iter_mut().map(|slot| slot.shadow.take()).collect();
    let entity = state.entity;
    for (ix, _) in landed(plan, state, intent, &shown, sent) {
        state.slots[ix].claim = None;
    }
    if state.ty != intent.ty {
        // F1: another facet of it, which stands for something else.
        state.entity = entity;
    }
    // P8: a reference whose counterpart did not exist when it was decided may have gone without,
    // and the system have put its own in.
    for change in intent.changes.iter().filter(|change| change.counterpart_of.is_some()) {
        state.slots[change.prop.at()].claim = None;
    }
    for (slot, shown) in state.slots.iter_mut().zip(shown).filter(|(slot, _)| slot.shadow.is_none())
    {
        slot.shadow = shown;
    }
}

/// The place in the list of the element that stands for the property.
fn place_of(slot: &Slot, displaced: Option<&Value>, whole: bool) -> Option<usize> {
    let Some(Value::Array(list)) = slot.shadow.as_ref().filter(|_| !whole) else { return None };
    if let Some(displaced) = displaced.filter(|displaced| !is_empty(displaced))
        && let Some(place) = list.iter().position(|element| equal(element, displaced))
    {
        return Some(place);
    }
    list.iter().position(|element| !is_empty(element) && equal(element, slot.value(whole)))
}

/// What a list shows after the element at `place` was replaced (P9), where the answer did not tell.
fn replaced(
    before: Option<&Value>,
    place: Option<usize>,
    value: &Value,
    list: bool,
    whole: bool,
    adds: bool,
) -> Value {
    match before {
        Some(Value::Array(elements)) if !whole => {
            let mut after = elements.clone();
            match place {
                Some(place) if value.is_null() => drop(after.remove(place)),
                Some(place) => after[place] = value.clone(),
                None if value.is_null() => {}
                None if adds => after.push(value.clone()),
                None => after.insert(0, value.clone()),
            }
            Value::Array(after)
        }
        None if list && !whole && !value.is_null() => Value::Array(vec![value.clone()]),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_system_makes_of_a_value_is_recognised_and_another_value_is_not() {
        for (sent, shown) in [
            (json!(" Åse  Marie "), json!("Åse Marie")),
            (json!("Ingebjørg Kristiansen"), json!("Ingebjørg Kri")),
            (json!("Åse"), json!("ÅSE")),
            (json!("+4722000001"), json!("+47 22 00 00 01")),
            (json!(12.6), json!(13)),
            (json!("12.6"), json!("13")),
        ] {
            assert!(made_of(&sent, &shown), "{sent} as {shown}");
        }
        for (sent, shown) in [
            (json!("Berg"), json!("Bergh")),
            (json!("Annika"), json!("Ann")),
            (json!("Berg"), json!("")),
            (json!(12), json!(14)),
        ] {
            assert!(!made_of(&sent, &shown), "{sent} as {shown}");
        }
    }
}
