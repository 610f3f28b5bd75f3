//! What is known of a record after a write (R6): what its system answered, and what it showed when
//! it was read then.

use lockstep_connector::Answers;
use lockstep_engine::confirm;
use lockstep_engine::plan::{PlanProp, PlanType};
use lockstep_model::value::{effective, is_empty, same};
use lockstep_model::{Intent, ReadRecord, RecordState, Value};

use crate::sending::carry::shows;
use crate::sending::sender::Sender;
use crate::under_way::Underway;

impl Sender<'_> {
    /// R6: what is known of a record after a write: what it showed when it was read then, else what
    /// the answer told. What neither shows for certain is left untold.
    pub(crate) fn became(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        mut answer: ReadRecord,
        read: Option<ReadRecord>,
        sent: &[(usize, Value)],
        before: Option<&RecordState>,
    ) -> ReadRecord {
        let ty = self.ledger.plan.ty(intent.ty);
        let worth = self.systems[self.ledger.system_of(intent.ty)]
            .connector
            .answers(&ty.name.kind, before.is_none());
        if worth == Answers::Stored {
            return answer;
        }
        let Some(read) = read else {
            let unsure = leave_untold(worth, &mut answer, sent);
            if unsure && !ty.can.get {
                // Only a listing shows it.
                under_way.to_read.insert(intent.ty);
            }
            return answer;
        };
        let other_version = worth == Answers::Believed
            && answer.version.is_some()
            && read.version.is_some()
            && answer.version != read.version;
        let read_back = ReadBack { ty, worth, before, other_version };
        let mut others = Vec::new();
        let mut apart = false;
        for (prop, now) in read.values.into_iter().enumerate() {
            let Some((_, value)) = sent.iter().find(|(sent, _)| *sent == prop) else {
                others.push((prop, now));
                continue;
            };
            let now = read_back.shown(prop, now, &mut answer.values[prop], value);
            let older = now.as_ref().is_some_and(|now| read_back.may_be_older(prop, now, value));
            if older {
                under_way.too_early.insert((intent.ty, answer.id.clone()));
            }
            let not_ours =
                older || now.as_ref().is_some_and(|now| read_back.is_later(prop, now, value));
            apart |= not_ours;
            answer.values[prop] = now.filter(|_| !not_ours);
        }
        if apart || other_version {
            // P5, P5a: then its version, its time and what else it shows may not be those that the
            // write left, either. Taken for them, what the system has made of the value (P3) would
            // be an edit when it is seen, or somebody's edit none: of another property, too.
            return answer;
        }
        for (prop, now) in others {
            answer.values[prop] = now.or(answer.values[prop].take());
        }
        answer.version = read.version.or(answer.version);
        answer.modified = read.modified.or(answer.modified);
        answer
    }
}

/// Leaves out of an answer what it does not show for certain, where the record was not read after
/// the write. Gives whether there is such a thing.
fn leave_untold(worth: Answers, answer: &mut ReadRecord, sent: &[(usize, Value)]) -> bool {
    let mut unsure = false;
    for (prop, value) in sent {
        if worth == Answers::Unsure || !is_shown(answer.values[*prop].as_ref(), value) {
            (answer.values[*prop], unsure) = (None, true);
        }
    }
    unsure
}

fn is_shown(shown: Option<&Value>, value: &Value) -> bool {
    shown.is_some_and(|shown| shows(shown, value))
}

/// The reading of a record after a write of it.
struct ReadBack<'a> {
    ty: &'a PlanType,
    /// What the answer to the write is worth.
    worth: Answers,
    /// What was known of the record before the write; nothing where it was created.
    before: Option<&'a RecordState>,
    /// What was read is another version than the write left, by its answer.
    other_version: bool,
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
            None if self.worth == Answers::Believed && is_shown(answered.as_ref(), value) => {
                answered.take()
            }
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

    /// P5: of another version than the write left, and neither what was there nor made of what was
    /// sent: somebody's edit since.
    fn is_later(&self, prop: usize, now: &Value, value: &Value) -> bool {
        let described = self.prop(prop);
        let first = effective(now, described.whole);
        let kept = shows(now, value) || confirm::made_of(value, first);
        self.other_version
            && !kept
            && !is_empty(first)
            && !same(described.terms(), first, self.held(prop))
    }
}
