//! A record after its system has answered a write (C6, G7, P3, P5, R6).

use lockstep_model::value::{effective, equal, is_added, is_empty, same, successor};
use lockstep_model::{
    Change, Claim, ClaimStamp, EntityId, Intent, Policy, Presence, PropIx, ReadRecord, RecordId,
    RecordState, Slot, Timestamp, TypeIx, Value,
};

use super::elements::Elements;
use super::kept::{is_kept, not_replaced};
use crate::plan::{Plan, PlanProp};
use crate::sets::Likeness;
use crate::stood::Stood;

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
        let (prop, slot, shown): (&PlanProp, &Slot, &Option<Value>) = (prop, slot, shown);
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
    let creates = state.written_at.is_none()
        && state.version.is_none()
        && state.slots.iter().all(|slot| slot.shadow.is_none());
    let assigned_at = answer.modified.map_or(now, |modified| modified.min(now));
    let (record, ty) = (state.id, state.ty);
    let answered = Answered { plan, ty, intent, record, creates, tells_version, assigned_at };
    for (ix, (shown, prop)) in answer.values.into_iter().zip(&plan.ty(state.ty).props).enumerate() {
        let slot = &mut state.slots[ix];
        match sent.iter().find(|(prop, _)| *prop == ix) {
            None => unseen |= answered.not_sent(slot, prop, ix, shown),
            Some((_, value)) => {
                if !answered.sent(slot, prop, ix, value, shown) {
                    not_kept.push(PropIx(ix as u16));
                }
            }
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

/// A write that its system has answered, by which a record is brought up to date, property by
/// property.
struct Answered<'a> {
    plan: &'a Plan,
    ty: TypeIx,
    intent: &'a Intent,
    record: RecordId,
    /// It has made the record.
    creates: bool,
    tells_version: bool,
    /// When what the system itself has put in counts as put in.
    assigned_at: Timestamp,
}

impl Answered<'_> {
    /// A property that was not sent. What the answer shows is remembered where it is what was
    /// known, or what a creation was given. Anything else is left to the next read, which takes it
    /// for the edit that it may be, made while Lockstep wrote; also in the version of that write
    /// (P5). What an earlier write gave and this answer does not show was perhaps not kept: the
    /// next read tells that too (R6). Gives whether nothing has shown yet what became of that.
    fn not_sent(&self, slot: &mut Slot, prop: &PlanProp, ix: usize, shown: Option<Value>) -> bool {
        let creates = self.creates;
        let was_unseen = slot.is_unseen(prop.whole);
        let is_known = |shown: &Value| {
            same(prop.terms(), effective(shown, prop.whole), slot.value(prop.whole))
        };
        if let Some(shown) = shown.filter(|_| self.tells_version || creates) {
            if creates || is_known(&shown) {
                slot.show(shown);
            } else if !was_unseen && prop.each {
                slot.carries = None;
            } else if !was_unseen {
                (slot.carries, slot.given) = (None, None);
            }
            let own = slot.value(prop.whole).clone();
            if creates
                && prop.paired
                && !is_empty(&own)
                && !self.intent.changes.iter().any(|change| change.prop.at() == ix)
            {
                // C6: what the system itself assigns (a customer number) is its claim. A default in
                // the place of a reference that waits (P8) is none: that was in the decision.
                slot.displaced = prop.fans.then(|| Box::new(Value::Null));
                slot.claim = Some(Claim { value: own, at: self.assigned_at, goes: vec![] });
            }
        }
        was_unseen && slot.is_unseen(prop.whole)
    }

    /// A property that was sent this value. Gives whether its system has kept it, as far as the
    /// answer tells (R6).
    fn sent(
        &self,
        slot: &mut Slot,
        prop: &PlanProp,
        ix: usize,
        value: &Value,
        shown: Option<Value>,
    ) -> bool {
        if prop.each {
            return self.elements_sent(slot, prop, ix, value, shown);
        }
        let (intent, creates) = (self.intent, self.creates);
        let change = intent.changes.iter().find(|change| change.prop.at() == ix);
        let stamp = change.map(|change| change.claim);
        let told = shown.is_some();
        let old = slot.value(prop.whole).clone();
        // What an earlier write gave was perhaps not kept either: then what was there before that
        // still is (R6).
        let earlier = slot.before.take().filter(|_| slot.is_unseen(prop.whole));
        show_sent(slot, prop, change, value, shown);
        let as_asked = same(prop.terms(), slot.value(prop.whole), value);
        slot.displaced = None;
        let kept = |before: &Value| is_kept(prop.terms(), value, before, slot.value(prop.whole));
        if told && !as_asked && !(kept(&old) && earlier.is_none_or(|earlier| kept(&earlier))) {
            (slot.carries, slot.given) = (None, None);
            return false;
        }
        slot.before = (!told && !creates).then(|| Box::new(old));
        // A creation whose answer shows just what was asked needs no memory of it: a million of
        // them would cost a third more store. A default is told from what somebody has put in by it.
        let is_default = stamp.is_some_and(|stamp| self.may_be_default(ix, stamp));
        slot.carries = stamp.filter(|_| is_default || !(creates && told && as_asked));
        slot.given = Some(value).filter(|_| !(told && as_asked)).cloned().map(Box::new);
        // P1: with a policy that is not about time all that a record shows counts, whoever put it
        // there.
        if let (Policy::Wins(_), Some(stamp)) = (&prop.policy, stamp) {
            let value = slot.value(prop.whole).clone();
            slot.claim = Some(Claim { value, at: stamp.at, goes: vec![] });
        }
        // G7: a value that was put back is an edit of this record's own, from the time when a
        // person asked for it.
        if let Some(change) =
            change.filter(|change| intent.takes_back() && change.claim.record == self.record)
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
        true
    }

    /// Whether a property may have been given a default: a claim that has no time, where a row has
    /// one.
    fn may_be_default(&self, ix: usize, claim: ClaimStamp) -> bool {
        let by = &self.plan.ty(self.ty).bearings[ix];
        !claim.at.is_told() && by.iter().any(|by| by.defaults && by.theirs == claim.prop)
    }

    /// P11: a list was sent whose elements come and go one by one. An element that its system shows
    /// besides is left to the next read, as somebody's own.
    fn elements_sent(
        &self,
        slot: &mut Slot,
        prop: &PlanProp,
        ix: usize,
        value: &Value,
        shown: Option<Value>,
    ) -> bool {
        let (intent, creates) = (self.intent, self.creates);
        let change = intent.changes.iter().find(|change| change.prop.at() == ix);
        // R6: what an earlier write gave was perhaps not kept either.
        let before = match slot.is_unseen(prop.whole) {
            true => Stood::read(slot.before.take().as_deref()),
            false => Stood::of(Likeness::within(prop), slot),
        };
        let answer = shown.map(|shown| Elements::answered(prop, value, &before, &shown));
        slot.displaced = slot.displaced.take().filter(|_| !intent.takes_back());
        // A person has linked the record while it was written: what it was sent is none of the lists
        // that it meets only now.
        let meets = self.plan.ty(self.ty).bearings[ix].iter().any(|by| by.each);
        if creates || !meets || slot.carries.is_some() {
            slot.carries = change.map(|change| change.claim).or(slot.carries);
        }
        let kept = answer.as_ref().is_none_or(|answer| answer.kept);
        slot.before = (answer.is_none() && !creates).then(|| Box::new(before.stored()));
        (slot.shadow, slot.given) = match answer {
            Some(answer) => (Some(answer.shown), answer.given.map(Box::new)),
            None => (Some(value.clone()), Some(Box::new(value.clone()))),
        };
        // G7: what was put back is an edit of this record's own, which goes on to the others, or is
        // kept apart from them.
        if let Some(change) = change.filter(|_| kept && intent.takes_back()) {
            let is_edit = change.claim.record == self.record;
            slot.claim = Some(Claim { value: value.clone(), at: change.claim.at, goes: vec![] });
            slot.displaced = is_edit.then(|| Box::new(Value::Array(before.stands().to_vec())));
        }
        kept
    }
}

/// P9: what a property shows after a write: what the answer tells, else the value in its place; and
/// which element of a list stands for it.
fn show_sent(
    slot: &mut Slot,
    prop: &PlanProp,
    change: Option<&Change>,
    value: &Value,
    shown: Option<Value>,
) {
    let adds = change.is_some_and(|change| is_added(&change.displaced));
    let before =
        place_of(slot, change.map(|change| &*change.displaced), prop.whole).filter(|_| !adds);
    let in_its_place = match (&slot.shadow, &shown) {
        (Some(Value::Array(held)), Some(Value::Array(now))) => before.and_then(|place| {
            let taken = || position(now, successor(held, place, now)?);
            not_replaced(prop.terms(), value, &held[place], now).or_else(taken)
        }),
        _ => None,
    };
    let shadow = shown.unwrap_or_else(|| {
        replaced(slot.shadow.as_ref(), before, value, prop.list, prop.whole, adds)
    });
    slot.pick = match &shadow {
        Value::Array(list) if !prop.whole && list.len() > 1 && !is_empty(value) => {
            let place = list.iter().position(|element| same(prop.terms(), element, value));
            let place = place.or(in_its_place).or(before);
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
}

fn position(list: &[Value], element: &Value) -> Option<usize> {
    list.iter().position(|one| equal(one, element))
}

/// The place in the list of the element that stands for the property.
fn place_of(slot: &Slot, displaced: Option<&Value>, whole: bool) -> Option<usize> {
    let Some(Value::Array(list)) = slot.shadow.as_ref().filter(|_| !whole) else { return None };
    if let Some(displaced) = displaced.filter(|displaced| !is_empty(displaced))
        && let Some(place) = position(list, displaced)
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
