//! What the answer to a write means: that a record was made, or one found (C2, R9); and what is
//! known of the record, by the answer and by a reading of it after the write (R6).

use std::collections::HashMap;

use lockstep_model::value::{effective, equal_as, is_empty, same};
use lockstep_model::{
    Change, Intent, IntentKind, PlainType, PropIx, ReadRecord, RecordId, RecordState, Slot, TypeIx,
    Value,
};

use crate::confirm;
use crate::identity::is_back;
use crate::plan::{Plan, PlanProp, PlanType};
use crate::settle::id_value;

/// What a system has done that says it has created a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Creation {
    /// C2: by its idempotency key the system gave what it had made at an earlier try, and what has
    /// been read since.
    MadeBefore,
    /// R9: the key of a record that is known as somebody else, who has nothing of what was sent:
    /// that one may be gone, and its key be given on. What the record shows decides it, or a
    /// person.
    KnownAsAnother,
    /// R9: what is known already has not been made by this, but found; and perhaps overwritten.
    HadAlready,
    /// A new record. Where one that is gone is known by its key, it has inherited that.
    Made,
}

/// What the answer to a creation means, where `known` is the record that is known by the key in the
/// answer, and `answered` says that another creation has just been answered with it.
pub fn creation(
    plan: &Plan,
    intent: &Intent,
    answer: &ReadRecord,
    known: Option<&RecordState>,
    answered: bool,
    sent: &[(usize, Value)],
) -> Creation {
    match known {
        Some(known) if made_before(plan, intent, known, sent) => Creation::MadeBefore,
        _ if answered => Creation::HadAlready,
        Some(known) if known.is_live() && has_nothing_of(plan, known, sent) => {
            Creation::KnownAsAnother
        }
        Some(known) if is_it(plan, known, answer, sent) => Creation::HadAlready,
        _ => Creation::Made,
    }
}

/// Whether a record is to be decided on that has just been created: other record types may want a
/// counterpart of their own now, or values that the system filled in; and what it was made from may
/// have been deleted meanwhile (D1).
pub fn calls_for_more(
    plan: &Plan,
    intent: &Intent,
    state: &RecordState,
    source: Option<&RecordState>,
) -> bool {
    let ty = plan.ty(intent.ty);
    let from = plan.flows[intent.flow.at()].from;
    ty.partners.len() > 1
        || source.is_some_and(|source| !source.is_live())
        // What was edited between two tries of it is not in it.
        || intent.attempts > 0
        || ty.flows_out.iter().any(|flow| plan.flows[flow.at()].to != from)
        || has_more_to_settle(ty, state)
        || intent.changes.iter().any(|change| ty.props[change.prop.at()].in_condition)
}

/// Whether a record that was just created has something that others want (C6), lacks a reference
/// (P8) or may lack one of a list, holds what another record has, or lacks what others get a default
/// for (G8).
fn has_more_to_settle(ty: &PlanType, state: &RecordState) -> bool {
    let settles = |(prop, slot): (&PlanProp, &Slot)| {
        slot.claim.is_some()
            || !prop.is_own()
            || prop.each && !prop.refers_to.is_empty()
            || prop.paired
                && (!prop.refers_to.is_empty() || prop.gives_default)
                && slot.shadow.as_ref().is_none_or(is_empty)
    };
    ty.props.iter().zip(&state.slots).any(settles)
}

/// The ids of counterparts that did not exist when an intent was decided: of whom, and as what.
pub type Counterparts = HashMap<(RecordId, TypeIx), String>;

/// The values that an intent is sent with. A reference is left out whose counterpart is not there.
pub fn sent_with<'a>(
    plan: &'a Plan,
    intent: &'a Intent,
    counterparts: &'a Counterparts,
) -> impl Iterator<Item = (&'a Change, Value)> {
    intent.changes.iter().filter_map(move |change| {
        let value = match change.counterpart_of {
            None => change.value.clone(),
            Some(counterpart) => {
                let described = plan.prop(intent.ty, change.prop);
                let id = counterparts.get(&(counterpart.of, counterpart.ty))?;
                id_value(plan, described, id, &change.displaced).ok()?
            }
        };
        Some((change, value))
    })
}

/// C4: a reference that a creation requires, that was to be filled in now, and can't be.
pub fn lacks_required(
    plan: &Plan,
    intent: &Intent,
    sent: impl Fn(PropIx) -> bool,
) -> Option<PropIx> {
    if intent.kind != IntentKind::Create {
        return None;
    }
    let props = intent.changes.iter().map(|change| change.prop);
    let mut missing = props.filter(|prop| plan.prop(intent.ty, *prop).required && !sent(*prop));
    missing.next()
}

/// R9: whether a record holds nothing of what was sent that tells one record from another.
fn has_nothing_of(plan: &Plan, known: &RecordState, sent: &[(usize, Value)]) -> bool {
    let props = &plan.ty(known.ty).props;
    sent.iter().all(|(prop, value)| {
        let described = &props[*prop];
        let says_nothing = is_empty(value) || value.is_boolean() || !described.refers_to.is_empty();
        says_nothing || !same(described.terms(), known.slots[*prop].value(described.whole), value)
    })
}

/// C2: whether a creation that had been tried before was answered with what that try made, and what
/// has been read since. What belongs to somebody, and has nothing of what was sent, is another
/// (R9).
fn made_before(plan: &Plan, intent: &Intent, known: &RecordState, sent: &[(usize, Value)]) -> bool {
    let may_be_it = || {
        let alone = known.is_live() && known.entity.0 == known.id.0 && known.written_at.is_none();
        known.first_seen >= intent.decided_at && (alone || !has_nothing_of(plan, known, sent))
    };
    intent.message.is_some() && may_be_it()
}

/// R9: whether a record that a creation was answered with is the one that is known by that key. One
/// that is there surely is; the key of one that is gone may have been given to the new one.
fn is_it(plan: &Plan, known: &RecordState, answer: &ReadRecord, sent: &[(usize, Value)]) -> bool {
    let mut answer = answer.clone();
    for (prop, value) in sent {
        answer.values[*prop].get_or_insert_with(|| value.clone());
    }
    known.is_live() || is_back(plan, known, &answer)
}

/// What is known of a record after a write of it, where it was read then: what it shows, as far as
/// that is what the write has left. `before` is what was known before the write; nothing where the
/// record was created. `believed`: the answer is, where it shows what was sent. Gives also whether
/// something may have been read too early, and is to be looked at again.
pub fn read_back(
    plan: &Plan,
    ty: TypeIx,
    mut answer: ReadRecord,
    read: ReadRecord,
    sent: &[(usize, Value)],
    before: Option<&RecordState>,
    believed: bool,
) -> (ReadRecord, bool) {
    let since = is_since(&answer, &read, before, believed);
    let read_back = ReadBack { ty: plan.ty(ty), believed, before, since };
    let mut others = Vec::new();
    let (mut apart, mut too_early) = (false, false);
    for (prop, now) in read.values.into_iter().enumerate() {
        let Some((_, value)) = sent.iter().find(|(sent, _)| *sent == prop) else {
            others.push((prop, now));
            continue;
        };
        let now = read_back.shown(prop, now, &mut answer.values[prop], value);
        let older = now.as_ref().is_some_and(|now| read_back.may_be_older(prop, now, value));
        let not_ours =
            older || now.as_ref().is_some_and(|now| read_back.is_later(prop, now, value));
        too_early |= older;
        apart |= not_ours;
        answer.values[prop] = now.filter(|_| !not_ours);
    }
    // An answer that is not believed says nothing of other properties: those are taken as read.
    if apart || since && believed {
        // P5, P5a: then its version, its time and what else it shows may not be those that the write
        // left, either. Taken for them, what the system has made of the value (P3) would be an edit
        // when it is seen, or somebody's edit none: of another property, too.
        return (answer, too_early);
    }
    for (prop, now) in others {
        answer.values[prop] = now.or(answer.values[prop].take());
    }
    answer.version = read.version.or(answer.version);
    answer.modified = read.modified.or(answer.modified);
    (answer, too_early)
}

/// Leaves out of an answer what it does not show for certain, where the record was not read after
/// the write: where nothing of it is certain, all that was sent. Gives whether there is such a thing.
pub fn leave_untold(answer: &mut ReadRecord, sent: &[(usize, Value)], all: bool) -> bool {
    let mut unsure = false;
    for (prop, value) in sent {
        if all || !is_shown(answer.values[*prop].as_ref(), value) {
            (answer.values[*prop], unsure) = (None, true);
        }
    }
    unsure
}

/// Whether a property shows a value as it was sent; of a list, whether one of its elements does.
pub fn shows(shown: &Value, sent: &Value) -> bool {
    match shown {
        Value::Array(list) if !sent.is_array() && !is_empty(sent) => {
            list.iter().any(|element| equal_as(PlainType::Any, element, sent))
        }
        _ => equal_as(PlainType::Any, shown, sent),
    }
}

fn is_shown(shown: Option<&Value>, value: &Value) -> bool {
    shown.is_some_and(|shown| shows(shown, value))
}

/// The reading of a record after a write of it.
struct ReadBack<'a> {
    ty: &'a PlanType,
    /// The answer is believed where it shows what was sent.
    believed: bool,
    /// What was known of the record before the write; nothing where it was created.
    before: Option<&'a RecordState>,
    /// What was read is another version than the write left, or a later one, by its answer.
    since: bool,
}

/// Whether a record has been changed between the answer to a write and the reading after it, by the
/// versions or times that the two tell. An answer that is not believed may repeat what was sent: it
/// counts where it tells another version or time than the record had.
fn is_since(
    answer: &ReadRecord,
    read: &ReadRecord,
    before: Option<&RecordState>,
    believed: bool,
) -> bool {
    let version = answer.version.as_ref().filter(|version| {
        believed || before.and_then(|state| state.version.as_ref()) != Some(*version)
    });
    let at = answer.modified.filter(|at| {
        believed || before.and_then(|state| state.modified).is_none_or(|known| known < *at)
    });
    version.zip(read.version.as_ref()).is_some_and(|(left, now)| left != now)
        || at.zip(read.modified).is_some_and(|(left, now)| left < now)
}

impl ReadBack<'_> {
    fn prop(&self, prop: usize) -> &PlanProp {
        &self.ty.props[prop]
    }

    /// What the property held before the write.
    fn held(&self, prop: usize) -> &Value {
        let whole = self.prop(prop).whole;
        self.before.map_or(&Value::Null, |state| state.slots[prop].value(whole))
    }

    /// What a property that was written shows, by the reading or by the answer.
    fn shown(
        &self,
        prop: usize,
        now: Option<Value>,
        answered: &mut Option<Value>,
        value: &Value,
    ) -> Option<Value> {
        match now {
            Some(now) => Some(now),
            // Believed where it shows what was sent.
            None if self.believed && is_shown(answered.as_ref(), value) => answered.take(),
            // Some systems leave out what is empty, false or none; a property for creations only is
            // shown by few.
            None if self.prop(prop).create_only
                || is_empty(value)
                || *value == Value::Bool(false)
                || value.as_f64() == Some(0.0) =>
            {
                None
            }
            None => Some(Value::Null),
        }
    }

    /// P5a: within the delay that the system states this may be the state from before the write.
    fn may_be_older(&self, prop: usize, now: &Value, value: &Value) -> bool {
        let described = self.prop(prop);
        let first = effective(now, described.whole);
        self.ty.settles_ms > 0
            && !shows(now, value)
            && (is_empty(first) || same(described.terms(), first, self.held(prop)))
    }

    /// P5: shown since the write, and neither what was there nor made of what was sent: somebody's
    /// edit.
    fn is_later(&self, prop: usize, now: &Value, value: &Value) -> bool {
        let described = self.prop(prop);
        let first = effective(now, described.whole);
        let kept = shows(now, value) || confirm::made_of(value, first);
        self.since && !kept && !is_empty(first) && !same(described.terms(), first, self.held(prop))
    }
}
