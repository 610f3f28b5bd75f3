//! What Lockstep knows of a record: its shadow, and for each watched property who claimed its value
//! and when.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{EntityId, PropIx, RecordId, TypeIx};
use crate::time::Timestamp;
use crate::value;

/// A record as a connector read it: the values of the watched properties, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRecord {
    /// Its id in the system.
    pub id: String,
    /// ETag, revision or whatever else tells two states apart.
    pub version: Option<String>,
    /// When the system says it was last changed.
    pub modified: Option<Timestamp>,
    /// The system says that it is deleted.
    pub deleted: bool,
    /// One for each watched property; `None` where the record does not tell (R5).
    pub values: Vec<Option<Value>>,
}

/// Which claim: where and when a value was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimStamp {
    pub at: Timestamp,
    pub record: RecordId,
    pub prop: PropIx,
}

/// A value that somebody put into this property of this record (not Lockstep), and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub value: Value,
    pub at: Timestamp,
    /// P1a: where, of several properties of a record type paired with this one, the claim goes.
    /// Record types that are not named here are open to it. Sorted by record type.
    pub goes: Vec<(TypeIx, Vec<PropIx>)>,
}

/// One watched property of one record. What few of them have is boxed: a slice of the store holds a
/// hundred thousand of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot {
    /// As last read, or as the system answered a write; `None` where it was never told (R5).
    pub shadow: Option<Value>,
    /// Its own latest claim.
    pub claim: Option<Claim>,
    /// It was given this claim, and the system made something else of the value (P3): not to be
    /// written again.
    pub carries: Option<ClaimStamp>,
    /// Set between reading an edit and deciding on it: the value that the edit displaced (P1a needs
    /// it).
    pub displaced: Option<Box<Value>>,
    /// P9: which element of the list stands for this property, where it is not the first: the one
    /// by which the record was linked (L3), or that holds already what the property was to be
    /// given.
    pub pick: Option<Box<Value>>,
    /// P3: what Lockstep gave it, where the system shows something else that it made of that, or
    /// has not shown yet what it made: then it stands in the shadow as it was given.
    pub given: Option<Box<Value>>,
    /// R6: what it showed before Lockstep's last write, as long as nothing has shown what became of
    /// that write. Of a list kept by element (P11) also what its elements stood for, if that is
    /// something else: the engine's `Stood`.
    pub before: Option<Box<Value>>,
    /// P5: how often it has been edited at once over what Lockstep had written there, where that is
    /// so.
    pub flips: Option<Box<Flips>>,
}

/// P5: edits of a property that came each right after Lockstep had written it, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Flips {
    /// What the last of them put there.
    pub to: Value,
    /// How many of the last ones put that very value there.
    pub times: u32,
    /// How many there were.
    pub rounds: u32,
}

impl Slot {
    /// The value that counts: of a list through which the path leads, that of the element that
    /// stands for it, mostly the first (the primary one).
    pub fn value(&self, whole: bool) -> &Value {
        let shadow = self.shadow.as_ref().unwrap_or(&Value::Null);
        match (&self.pick, shadow) {
            (Some(pick), Value::Array(list)) if !whole => list
                .iter()
                .find(|element| value::equal(element, pick))
                .unwrap_or(value::effective(shadow, whole)),
            _ => value::effective(shadow, whole),
        }
    }

    /// R6: Lockstep gave it what it counts as showing, and nothing has shown since what became of
    /// that.
    pub fn is_unseen(&self, whole: bool) -> bool {
        self.given.as_ref().is_some_and(|given| value::equal(given, self.value(whole)))
    }

    /// P11: where a list shows its elements in another order, the one that stood for the property
    /// stands for it still, also where another one has been edited.
    pub fn stand_by(&mut self, standing: &Value, shown: &Value) {
        let (Some(Value::Array(before)), Value::Array(now)) = (&self.shadow, shown) else { return };
        let first = now.iter().find(|element| !value::is_empty(element));
        if self.pick.is_none()
            && before.len() == now.len()
            && first.is_some_and(|first| !value::equal(first, standing))
            && now.iter().any(|element| value::equal(element, standing))
        {
            self.pick = Some(Box::new(standing.clone()));
        }
    }

    /// Takes in what the system shows now. Where the element that stood for the property has
    /// changed in its place, the changed one stands for it; where it is gone, the first one does.
    pub fn show(&mut self, shown: Value) {
        if let Some(pick) = &self.pick {
            self.pick = match (&self.shadow, &shown) {
                (_, Value::Array(now)) if now.iter().any(|element| value::equal(element, pick)) => {
                    self.pick.take()
                }
                (Some(Value::Array(before)), Value::Array(now)) => {
                    let place = before.iter().position(|element| value::equal(element, pick));
                    place
                        .and_then(|place| value::successor(before, place, now))
                        .cloned()
                        .map(Box::new)
                }
                _ => None,
            };
        }
        self.shadow = Some(shown);
    }
}

/// Whether a record is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    #[default]
    Live,
    /// Deleted in its system, and what that means for the others is settled. It keeps its place in
    /// its entity, so that nothing is created anew for it (D1).
    Gone,
    /// Deleted in its system, and what that means for the others is still to be decided, carried
    /// out, or said by a person (D1). It was last known to be there at `since`: who edits one of
    /// the others after that has not agreed to the deletion.
    Leaving { since: Timestamp },
    /// Deleted by Lockstep, as another record of its entity had been, which is back: its place is
    /// free, and one is made anew (D2).
    Replaceable,
}

/// A record as the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordState {
    pub id: RecordId,
    pub ty: TypeIx,
    /// Its id in the system.
    pub key: String,
    pub entity: EntityId,
    pub version: Option<String>,
    pub modified: Option<Timestamp>,
    pub first_seen: Timestamp,
    pub presence: Presence,
    /// When Lockstep last wrote to it, by its own clock (P5a).
    pub written_at: Option<Timestamp>,
    /// One for each watched property of its record type, in the plan's order.
    pub slots: Vec<Slot>,
}

impl RecordState {
    /// The slot of a property.
    pub fn slot(&self, prop: PropIx) -> &Slot {
        &self.slots[prop.at()]
    }

    /// P5a: whether Lockstep has written it so shortly before this time that its system, which may
    /// show what was before a write for so long, may show that.
    pub fn is_just_written(&self, at: Timestamp, settles_ms: i64) -> bool {
        self.written_at.is_some_and(|written| at < written.plus_ms(settles_ms))
    }

    /// Whether it is there.
    pub fn is_live(&self) -> bool {
        self.presence == Presence::Live
    }
}
