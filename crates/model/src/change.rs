//! What is to be written, what became of it, and what waits for a person.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{EntityId, FlowIx, IntentId, PropIx, RecordId, RunId, TypeIx};
use crate::limits::GuardKind;
use crate::record::ClaimStamp;
use crate::rule::Rule;
use crate::seldom::Seldom;
use crate::time::Timestamp;
use crate::why::Why;

/// One property of a write, with its reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub prop: PropIx,
    /// What the target should hold, in its own terms. `Null` empties the property.
    pub value: Value,
    /// What it held when this was decided: for a list, the element to replace (P9); for undoing,
    /// the before-image.
    #[serde(default, skip_serializing_if = "is_null")]
    pub displaced: Seldom,
    /// P8: the value is the id of this record's counterpart, known only once that is created;
    /// `value` is `Null` until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart_of: Option<Counterpart>,
    /// The claim that won.
    pub claim: ClaimStamp,
    /// The rule by which it won.
    pub rule: Rule,
    /// What decided between it and the others (P1).
    #[serde(default, skip_serializing_if = "Reason::is_latest")]
    pub reason: Reason,
}

/// What decided between the winning claim and the next one (P1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is the latest, or the only one.
    #[default]
    Latest,
    /// At the first link: its time is told by a system, and that of the other by nobody.
    Told,
    /// Both were made at the same time.
    Tie,
    /// At the first link: nobody tells the time of either.
    Untold,
    /// Neither is known to be the later one, and values go one way between the two (P12).
    OneWay,
    /// `prefer`, `only_from` or `wins`.
    Policy,
}

impl Reason {
    /// Nothing needs to be said.
    pub fn is_latest(&self) -> bool {
        *self == Reason::Latest
    }

    /// The word for it in the store.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Latest => "latest",
            Reason::Told => "told",
            Reason::Tie => "tie",
            Reason::Untold => "untold",
            Reason::OneWay => "one-way",
            Reason::Policy => "policy",
        }
    }

    /// Reads the store's word.
    pub fn parse(name: &str) -> Option<Self> {
        use Reason::*;
        [Latest, Told, Tie, Untold, OneWay, Policy].into_iter().find(|reason| reason.name() == name)
    }
}

fn is_null(value: &Seldom) -> bool {
    value.is_null()
}

/// A record that does not exist yet, named by the one it is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterpart {
    pub of: RecordId,
    pub ty: TypeIx,
}

/// What kind of write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentKind {
    Create,
    Update,
    Delete,
}

impl IntentKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            IntentKind::Create => "create",
            IntentKind::Update => "update",
            IntentKind::Delete => "delete",
        }
    }
}

/// Where an intent stands. It moves only through [`IntentState::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentState {
    /// Decided and durable, not sent.
    Queued,
    /// Sent, no answer yet.
    Sent,
    /// Sent, and the answer was lost: it may have landed (C2).
    Unknown,
    /// Confirmed by the system.
    Done,
    /// The system refused it; it waits for a person, or for another decision.
    Refused,
    /// Not needed any more: a newer decision took its place, or the world moved.
    Dropped,
}

/// What happens to an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentEvent {
    Send,
    Confirm,
    Refuse,
    /// The answer was lost.
    LoseAnswer,
    /// It did not reach the system, or the system asked to come back later.
    PutBack,
    /// It waits longer, or no longer, before it is sent.
    Delay,
    Drop,
}

/// A step that no intent may take: a bug or a damaged store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an intent that is {was:?} can't take the step {event:?}")]
pub struct IllegalStep {
    pub was: IntentState,
    pub event: IntentEvent,
}

impl IntentState {
    /// Every legal step of a delivery.
    pub fn next(self, event: IntentEvent) -> Result<IntentState, IllegalStep> {
        use IntentEvent as E;
        use IntentState as S;
        Ok(match (self, event) {
            (S::Queued, E::Send) => S::Sent,
            // Found again by its match key after a lost answer, or superseded before it was sent.
            (S::Queued | S::Sent | S::Unknown | S::Refused, E::Drop) => S::Dropped,
            (S::Sent | S::Unknown, E::Confirm) => S::Done,
            // Of unknown outcome: it has been found out that it was not done.
            (S::Sent | S::Queued | S::Unknown, E::Refuse) => S::Refused,
            // Asked after again, and still unknown.
            (S::Sent | S::Unknown, E::LoseAnswer) => S::Unknown,
            // Only what surely did not happen goes back into the queue.
            (S::Sent | S::Unknown | S::Refused, E::PutBack) => S::Queued,
            (S::Queued, E::Delay) => S::Queued,
            (was, event) => return Err(IllegalStep { was, event }),
        })
    }

    /// The word for it in the store.
    pub fn name(self) -> &'static str {
        match self {
            IntentState::Queued => "queued",
            IntentState::Sent => "sent",
            IntentState::Unknown => "unknown",
            IntentState::Done => "done",
            IntentState::Refused => "refused",
            IntentState::Dropped => "dropped",
        }
    }

    /// Reads the store's word.
    pub fn parse(name: &str) -> Option<Self> {
        use IntentState::*;
        [Queued, Sent, Unknown, Done, Refused, Dropped]
            .into_iter()
            .find(|state| state.name() == name)
    }

    /// Decided, and neither confirmed nor given up.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            IntentState::Queued | IntentState::Sent | IntentState::Unknown | IntentState::Refused
        )
    }
}

/// The version of its record that a write was decided on (P6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BaseVersion {
    /// None: a creation, or a record of which no version is known.
    #[default]
    Unknown,
    Known(String),
    /// Nothing has shown the record since Lockstep's own write to it: it is looked at before it is
    /// written to (R6).
    Unseen,
}

impl BaseVersion {
    /// The version, where one is known.
    pub fn known(&self) -> Option<&String> {
        match self {
            BaseVersion::Known(version) => Some(version),
            BaseVersion::Unknown | BaseVersion::Unseen => None,
        }
    }
}

impl From<Option<String>> for BaseVersion {
    fn from(version: Option<String>) -> Self {
        version.map_or(BaseVersion::Unknown, BaseVersion::Known)
    }
}

/// What a write comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The flows decided it from this record.
    Record(RecordId),
    /// The flows decided it from the lack of a record (`extra`).
    Lack,
    /// G7: a person takes back what Lockstep wrote to this record, the one that it is written to.
    TakesBack(RecordId),
}

impl Source {
    /// The record that its values come from, where there is one.
    pub fn record(self) -> Option<RecordId> {
        match self {
            Source::Record(record) | Source::TakesBack(record) => Some(record),
            Source::Lack => None,
        }
    }

    /// Whether it is this record.
    pub fn is(self, record: RecordId) -> bool {
        self.record() == Some(record)
    }
}

impl From<RecordId> for Source {
    fn from(record: RecordId) -> Self {
        Source::Record(record)
    }
}

/// A write that has been decided and durably recorded (G5).
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub id: IntentId,
    pub run: RunId,
    pub kind: IntentKind,
    /// What is referred to is created first: lower ranks are sent before higher ones (C5).
    pub rank: u16,
    /// The record type written to.
    pub ty: TypeIx,
    /// The record written to; for a creation, known once confirmed.
    pub record: Option<RecordId>,
    pub entity: EntityId,
    pub source: Source,
    pub flow: FlowIx,
    pub base_version: BaseVersion,
    pub changes: Vec<Change>,
    pub state: IntentState,
    pub attempts: u32,
    /// Not to be sent before.
    pub not_before: Option<Timestamp>,
    /// What the system last said about it.
    pub message: Option<String>,
    pub decided_at: Timestamp,
    pub done_at: Option<Timestamp>,
}

impl Intent {
    /// The version that is to be the record's still when it is written to, where one is known.
    pub fn version(&self) -> Option<&String> {
        self.base_version.known()
    }

    /// P6: its record is looked at first.
    pub fn looks_first(&self) -> bool {
        self.kind == IntentKind::Update && self.base_version == BaseVersion::Unseen
    }

    /// Whom a review of it is about: the record written to, or the one that a creation is for.
    pub fn subject(&self) -> RecordId {
        let (to, from) = (self.record, self.source.record());
        let subject = match self.kind {
            IntentKind::Create => from,
            IntentKind::Update | IntentKind::Delete => to.or(from),
        };
        subject.expect("a write goes to a record or is made from one")
    }

    /// G7: it takes a write of Lockstep's back.
    pub fn takes_back(&self) -> bool {
        matches!(self.source, Source::TakesBack(_))
    }
}

/// Why something waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewKind {
    /// Several records match (L6).
    AmbiguousMatch,
    /// The match belongs to another entity, or would put two records of a type into one (L6).
    DisputedEntity,
    /// The system refuses a value or a record (G4).
    RejectedValue,
    /// The system acknowledged a value and does not hold it (R6).
    NotKept,
    /// A value can't be converted into the target's type.
    Unconvertible,
    /// It is not known whether a creation landed (C2).
    UnknownOutcome,
    /// A deletion waits (D1).
    PendingDelete,
    /// A guard tripped (G3).
    Guard,
    /// A property keeps flipping (P5).
    FlipFlop,
    /// Each decision about a record calls for another one (G8).
    Unsettled,
    /// All that identified a record has changed at once: its key may belong to another record now
    /// (R9).
    AnotherRecord,
    /// A reference is written once the record that it names has a counterpart (P8). It comes by
    /// itself: no person is asked.
    WaitingReference,
    /// A record gets no counterpart as long as it lacks what the target requires (C4). No person
    /// need answer: it is created once the record has it.
    Incomplete,
}

impl ReviewKind {
    /// All of them.
    pub const ALL: [ReviewKind; 13] = [
        ReviewKind::AmbiguousMatch,
        ReviewKind::DisputedEntity,
        ReviewKind::RejectedValue,
        ReviewKind::NotKept,
        ReviewKind::Unconvertible,
        ReviewKind::UnknownOutcome,
        ReviewKind::PendingDelete,
        ReviewKind::Guard,
        ReviewKind::FlipFlop,
        ReviewKind::Unsettled,
        ReviewKind::AnotherRecord,
        ReviewKind::WaitingReference,
        ReviewKind::Incomplete,
    ];

    /// The words for it.
    pub fn name(self) -> &'static str {
        match self {
            ReviewKind::AmbiguousMatch => "ambiguous match",
            ReviewKind::DisputedEntity => "disputed entity",
            ReviewKind::RejectedValue => "rejected value",
            ReviewKind::NotKept => "value not kept",
            ReviewKind::Unconvertible => "unconvertible value",
            ReviewKind::UnknownOutcome => "unknown outcome",
            ReviewKind::PendingDelete => "pending deletion",
            ReviewKind::Guard => "tripped guard",
            ReviewKind::FlipFlop => "flip-flop",
            ReviewKind::Unsettled => "unsettled decision",
            ReviewKind::AnotherRecord => "another record",
            ReviewKind::WaitingReference => "waiting reference",
            ReviewKind::Incomplete => "incomplete record",
        }
    }

    /// Whether a person must say something; what does not wait for a person is only told.
    pub fn needs_a_person(self) -> bool {
        !matches!(self, ReviewKind::WaitingReference | ReviewKind::Incomplete)
    }

    /// Reads the words.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a review or an entry of the journal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// A guard of a system (G3).
    Guard(GuardKind),
    Record(RecordId),
}

impl About {
    /// The record, where it is about one.
    pub fn record(self) -> Option<RecordId> {
        match self {
            About::Record(record) => Some(record),
            About::Guard(_) => None,
        }
    }

    /// The guard, where it is about one.
    pub fn guard(self) -> Option<GuardKind> {
        match self {
            About::Guard(guard) => Some(guard),
            About::Record(_) => None,
        }
    }

    /// Whether it is about this record.
    pub fn is(self, record: RecordId) -> bool {
        self == About::Record(record)
    }
}

impl From<RecordId> for About {
    fn from(record: RecordId) -> Self {
        About::Record(record)
    }
}

/// One thing that waits for a person. There is at most one open of a kind for a record, a record
/// type and a property.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    pub kind: ReviewKind,
    pub about: About,
    /// The record type that a counterpart is missing in, or that refuses.
    pub ty: TypeIx,
    pub prop: Option<PropIx>,
    pub rule: Rule,
    /// The candidates, side by side.
    pub candidates: Vec<RecordId>,
    /// The value that was refused or can't be converted; the same value is not tried again.
    pub value: Value,
    /// Why the person is asked.
    pub why: Why,
    pub opened_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_whose_answer_was_lost_is_never_simply_sent_again() {
        // C2: from Unknown, only finding out leads on.
        let unknown = IntentState::Queued
            .next(IntentEvent::Send)
            .and_then(|s| s.next(IntentEvent::LoseAnswer))
            .unwrap();
        assert!(unknown.next(IntentEvent::Send).is_err());
        assert_eq!(unknown.next(IntentEvent::Confirm), Ok(IntentState::Done));
        assert!(IntentState::Done.next(IntentEvent::Send).is_err());
        assert!(IntentState::Dropped.next(IntentEvent::Send).is_err());
    }
}
