//! A record that shows what a write brought whose answer was lost (C2, P5).

use lockstep_model::value::{effective, equal, is_empty, same};
use lockstep_model::{Intent, ReadRecord, RecordState, Value};

use super::answer::written;
use super::elements;
use super::kept::made_of;
use crate::plan::Plan;

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
        if let (true, Some(shown)) = (props[ix].each, &shown[ix]) {
            return elements::landed(&props[ix], &state.slots[ix], value, shown).is_some();
        }
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
    let answered = |(ix, shown): (usize, &Option<Value>)| {
        let (_, sent) = own.iter().find(|(own, _)| *own == ix)?;
        match props[ix].each {
            true => elements::landed(&props[ix], &state.slots[ix], sent, shown.as_ref()?),
            false => shown.clone(),
        }
    };
    let values: Vec<Option<Value>> = shown.iter().enumerate().map(answered).collect();
    let answer =
        ReadRecord { id: state.key.clone(), version: None, modified: None, deleted: false, values };
    let written_at = state.written_at.max(Some(intent.decided_at));
    written(plan, state, intent, answer, &own, intent.decided_at);
    state.written_at = written_at;
    own
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
