//! Why something is so: why a record has no counterpart, why a person is asked, what waits. Values
//! apart from the words for them, which stand in the crate `wording`.
//!
//! Record types, records and properties are named as people name them (`wix.Contacts`,
//! `wix.Contacts/42`, `address.city`), so that a reason that is stored stays readable when the
//! flows name something else.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guarding::Guarding;
use crate::time::Timestamp;

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// In the words of a system, or of a version that kept words.
    Said(String),
    Linking(Linking),
    NotCreated(NotCreated),
    NotYet(NotYet),
    OfReference(OfReference),
    OfValue(OfValue),
    Deleting(Deleting),
    Sending(Sending),
    WhichRecord(WhichRecord),
    Guarding(Guarding),
}

/// Why a match is not a link (L6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linking {
    /// Several records of a record type match it.
    SeveralMatch { of: String, records: u64 },
    /// The record that matches it is matched by others of its type, `of`, as well.
    SeveralClaim { record: String, of: String, records: u64 },
    /// Other records of its own type match it by a row of the flow between them.
    Duplicates { of: String, records: u64, by: String },
    /// Records of one type match each other, and have no counterpart in `lacking`.
    Alike { of: String, records: u64, by: String, lacking: String },
    /// The record that matches it is linked with another one of its type, `of`.
    LinkedWithAnother { record: String, of: String },
    /// To link it would put two records of a type into one entity.
    TwoOfAType { of: String },
    /// To link it would join records that a person keeps apart (L7).
    KeptApart,
}

impl From<Linking> for Why {
    fn from(of: Linking) -> Self {
        Why::Linking(of)
    }
}

/// Why no counterpart is made by a flow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotCreated {
    /// The flow is between a collection and itself.
    SameCollection,
    /// `create: never`
    LinksOnly,
    /// C1: it is connected with no record of these types that has a counterpart in the system.
    NotConnected { to: Vec<String>, system: String },
    /// L9: the condition for creating does not hold.
    ConditionFails,
    /// The condition for creating has no filter.
    NoFilter { condition: String },
    /// L11: `only` or `only_to` does not hold.
    NotAbout { setting: String, condition: String },
    /// L11: `only_to` would not hold for the record that would be made.
    NotAboutMade { condition: String },
    /// The system takes no new records of this type.
    CanNotBeCreated { of: String },
    /// C3: the flow keeps no property equal.
    NothingSynchronized,
    /// C3: every property that the flow keeps equal is empty.
    NothingToCreateFrom,
}

impl From<NotCreated> for Why {
    fn from(of: NotCreated) -> Self {
        Why::NotCreated(of)
    }
}

/// Why a counterpart is not there yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotYet {
    BeingCreated,
    /// L8
    NotReadToTheEnd {
        of: String,
    },
    /// G3
    ListingNotBelieved {
        of: String,
    },
    /// L8: not since the record was first seen; as a facet of the type `seen_as`, where it has some.
    NotReadSince {
        of: String,
        seen_as: Option<String>,
    },
    /// R8: something of the record type can't be read, and may be the counterpart.
    UnreadMayBeIt {
        of: String,
    },
    /// F1: the record has not been read as this type yet.
    NotReadAs {
        of: String,
    },
    /// C2: a record that matches it, or another facet of it, is being created.
    MatchBeingCreated {
        of: String,
        facet: bool,
    },
    /// R9: a record shows what would match it, and a person is asked whose it is.
    MatchInDoubt {
        of: String,
    },
    /// Another record of its entity waits for a person's answer.
    AnotherWaits,
    /// F1: another facet of it waits for a person's answer.
    FacetWaits {
        facet: String,
    },
    /// F2: its counterpart is made with that of another facet.
    CreatedForFacet {
        facet: String,
    },
    /// F1: another facet is linked with this record, which is still to be read.
    LinkedByFacet {
        record: String,
    },
    /// What is known of the record type may not be all there is.
    MayNotBeAll {
        of: String,
    },
    /// Not since the record was last edited.
    NotReadSinceEdit {
        of: String,
    },
    /// A person is asked something else first.
    AskedFirst(Box<Why>),
    /// C2
    CounterpartBeingCreated {
        of: String,
    },
    /// L6: a record that is not linked with it.
    Matches {
        record: String,
    },
    /// R9: a person is asked whose record of this type it is that matches it.
    AskedWhose {
        of: String,
    },
    /// C4: the target requires what the record lacks.
    Lacks {
        of: String,
        properties: Vec<Lacking>,
    },
    /// The same, told until it is there.
    Incomplete {
        of: String,
        properties: Vec<Lacking>,
    },
}

impl From<NotYet> for Why {
    fn from(of: NotYet) -> Self {
        Why::NotYet(of)
    }
}

/// Why a reference is not written yet (P8).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfReference {
    /// The reference waits for a record that has no counterpart in `lacking` yet.
    WaitsForCounterpart { property: Option<String>, record: String, lacking: String },
    /// R9: it waits until a person has said whether the record is the one that it was.
    WaitsForAnswer { property: Option<String>, record: String },
    /// The counterpart of the record that it names is left for a later run.
    LeftForLater { property: String, record: String },
    /// What it names has not been read, or is in no flow.
    WaitsForUnread { property: Option<String>, record: String },
    /// These elements of a list wait for counterparts, and `more` than are named.
    ElementsWait { property: String, records: Vec<String>, more: u64 },
}

impl From<OfReference> for Why {
    fn from(of: OfReference) -> Self {
        Why::OfReference(of)
    }
}

/// Why a value is not written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfValue {
    /// P3: in the words of the conversion; `more` elements of the list can't be brought either.
    Unconvertible { property: String, because: String, more: u64 },
    /// P5: it was put `to` this each time that it had been written, against that of the others.
    Flips { to: Value, times: u64, against: Value, others: Vec<String> },
}

impl From<OfValue> for Why {
    fn from(of: OfValue) -> Self {
        Why::OfValue(of)
    }
}

/// Why a record is to be deleted, or a person is asked whether (D1, L11).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deleting {
    /// A person is asked, as this record was deleted.
    Deleted { record: String },
    /// As this record is not what its flow is about any more.
    Ceased { record: String },
    /// The record, or the one it is told of, has no counterpart in `lacking`, by `extra` of the flow (`None`: of a flow that is gone),
    /// and `besides` makes it a question.
    Extra { record: Option<String>, lacking: Option<Mirrored>, besides: Option<Box<Why>> },
    /// R6: it was deleted for a reason, and is in its system all the same.
    IsThereStill { record: String, deleted: Box<Deleting> },
    /// It is kept, though this record was deleted, or is not what its flow is about any more.
    Kept { gone: String, ceased: bool, kept: Kept },
    /// L7: a person keeps it apart from a record of this type.
    KeptApartFrom { of: String },
    /// D2: its counterpart was deleted after a record that is back.
    CounterpartIsBack,
    /// This record is linked with it.
    Linked { record: String },
}

impl From<Deleting> for Why {
    fn from(of: Deleting) -> Self {
        Why::Deleting(of)
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sending {
    /// G4: `because` in the words of the system.
    KeepsFailing { times: u64, since: Timestamp, not_before: Timestamp, because: String },
    /// R6: it was acknowledged, and the record shows something else; nothing where it was emptied.
    NotKept { property: Option<String>, value: Value, shows: Value },
    /// R6: the system shows neither what it was given nor a form of it.
    StoredOtherwise { property: String, value: Value, shows: Value },
}

impl From<Sending> for Why {
    fn from(of: Sending) -> Self {
        Why::Sending(of)
    }
}

/// Candidates of one record are counted up to here; a number above it says that there are more.
pub const MOST_COUNTED: u64 = 100;

/// Why it is not known which record something is about, or what becomes of one (C2, R9, G8).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhichRecord {
    /// R9: it shows other values all at once, and `more` than are named.
    ShowsOthers { changes: Vec<Changed>, more: u64 },
    /// C2: it was to be created, was sent so many times, and is not found; `said` by the system, if
    /// anything.
    NotFound { of: String, times: u64, said: Option<String> },
    /// C2: the answer to a creation did not tell what came of it (`said` what it told, if any
    /// came), and so many new records could be it.
    MayBeMade { of: String, records: u64, said: Option<String> },
    /// C2: nothing identifies it, and so many records hold the same and are as new.
    HoldsTheSame { of: String, records: u64 },
    /// C2: in the words of the system, or of the hub; the record belongs to another.
    BelongsToAnother { said: String, record: Option<String> },
    /// G8: each decision about it calls for another one, in turns with these records; the flows
    /// touch it.
    Circles { with: Vec<String>, flows: Vec<String> },
}

impl From<WhichRecord> for Why {
    fn from(of: WhichRecord) -> Self {
        Why::WhichRecord(of)
    }
}

impl From<Guarding> for Why {
    fn from(of: Guarding) -> Self {
        Why::Guarding(of)
    }
}

/// A property that shows another value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Changed {
    pub property: String,
    pub before: Value,
    pub now: Value,
}

/// Why a record is kept, though the flow passes deletions on (D1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// It was edited after the deleted one was last there, or holds what never reached that one.
    Edited,
    /// An element of one of its lists was, and would go with it.
    ElementEdited,
    /// Its condition does not hold any more, so the two were not kept equal (L9, unqualified).
    Unqualified,
    /// It can't be deleted through its system's API.
    CanNot,
    /// F3: other facets of it stand for something still; what only this one is about was emptied.
    Facets,
}

/// A property that a new record must have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lacking {
    pub property: String,
    /// What its value waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Box<Why>>,
}

/// A flow that mirrors (D1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mirrored {
    /// Its source.
    pub of: String,
    /// Its `extra`.
    pub extra: String,
}

impl Why {
    /// In words that somebody else has chosen.
    pub fn said(text: impl Into<String>) -> Self {
        Why::Said(text.into())
    }

    /// The word by which a reason is known in JSON.
    pub fn name(&self) -> String {
        let first = |value: &Value| match value {
            Value::String(name) => Some(name.clone()),
            Value::Object(map) => map.keys().next().cloned(),
            _ => None,
        };
        match (self, serde_json::to_value(self).unwrap_or_default()) {
            (Why::Said(_), _) => "said".into(),
            (_, Value::Object(map)) => map.values().next().and_then(first).unwrap_or_default(),
            _ => String::new(),
        }
    }
}
