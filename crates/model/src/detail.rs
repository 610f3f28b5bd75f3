//! What an entry of the journal says besides its records, values and rule. Values apart from the
//! words for them, which stand in the crate `wording`; named as in [`crate::why`].

use serde::{Deserialize, Serialize};

use crate::change::{IntentKind, Reason};
use crate::flow::Policy;
use crate::limits::GuardKind;
use crate::time::Timestamp;
use crate::why::{Deleting, Why};

/// What an entry says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// The rest of the entry says it all.
    #[default]
    Nothing,
    /// In the words of a system, or of a version that kept words.
    Said(String),
    Because(Why),
    /// An edit, by the reading that showed it.
    Read {
        system: String,
        at: Timestamp,
    },
    Linked(LinkedBy),
    Wrote(Wrote),
    Existence(Existence),
    Person(Act),
    /// The same, by somebody whose name is known.
    By {
        person: String,
        act: Act,
    },
}

/// By what two records were linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkedBy {
    /// L1: they match by these properties.
    Match { by: String },
    /// The answer to a creation names a record that the system had already.
    HadAlready,
    /// C2: what a creation of an earlier run made was found; `said` by its answer, if any came.
    FoundAgain { said: Option<String> },
    /// C2: the same of a creation of this run.
    CreatedAndFound { said: Option<String> },
}

/// What a write did, or what it was decided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrote {
    Created {
        record: String,
    },
    Decided(DecidedBy),
    PutIn(PutIn),
    /// D1, L11
    Deleted {
        record: String,
        because: Why,
    },
    /// G7: what had been created was deleted again.
    TookCreationBack,
    /// R9: its system wrote a creation over a record that was there.
    OverCreation,
    /// F3: it was written as another facet, of this type.
    Through {
        of: String,
    },
}

/// What decided for a value (P1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecidedBy {
    Policy(Policy),
    /// `first` is the record type that is named first.
    Reason {
        reason: Reason,
        first: String,
    },
}

/// What a flow puts in of its own. Nobody has edited that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PutIn {
    /// `set`
    Constant,
    /// `default`: there is no value.
    Default,
}

/// Whether a record is in its system, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Existence {
    /// It is not there any more; a flow may pass that on (`passes`), or the link ends (D1).
    Gone { passes: bool },
    /// It is there again.
    Back,
    /// R9: `now` is another record; the one that was gone is known as `was` from here on.
    KeyGivenOn { now: String, was: String },
    /// D2: it was deleted after a record that is back.
    CounterpartIsBack,
    /// D2: a plan does not know yet whether its system can restore it.
    MayBeRestored,
    /// D2: it was not restored, for this reason.
    MadeAnew { because: String },
    /// D1: its system has merged it into another.
    MergedInto { record: String },
    /// G7
    CreationTakenBack,
}

/// What a person has said or done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    Linked,
    Unlinked,
    KeptApart,
    /// C2: the creation did not land.
    NotCreated,
    /// C2: the creation landed, and its record has been deleted since.
    CreatedAndDeleted,
    /// It stays as it is.
    Left,
    TriedAgain,
    /// P5: this side of a flip-flop is right.
    SideIsRight,
    /// P5: the sides of a flip-flop may differ.
    SidesMayDiffer,
    /// R9: it is the same record, with other values.
    SameRecord,
    /// R9: its id belongs to another record now.
    AnotherRecord,
    /// D1, L11: it may be deleted.
    LetDelete {
        because: Deleting,
    },
    /// D1, L11: it is kept all the same.
    Kept {
        though: Deleting,
    },
    /// An earlier answer does not hold any more.
    TookAnswerBack,
    /// G3: a guard was answered.
    Guard {
        guard: GuardKind,
        system: String,
        discarded: bool,
    },
    /// G3: a write that a guard held back was given up.
    Discarded {
        write: IntentKind,
        system: String,
    },
}

impl Detail {
    /// In words that somebody else has chosen; nothing where there are none.
    pub fn said(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Detail::Nothing } else { Detail::Said(text) }
    }
}

impl From<Why> for Detail {
    fn from(of: Why) -> Self {
        Detail::Because(of)
    }
}

impl From<LinkedBy> for Detail {
    fn from(of: LinkedBy) -> Self {
        Detail::Linked(of)
    }
}

impl From<Wrote> for Detail {
    fn from(of: Wrote) -> Self {
        Detail::Wrote(of)
    }
}

impl From<Existence> for Detail {
    fn from(of: Existence) -> Self {
        Detail::Existence(of)
    }
}

impl From<Act> for Detail {
    fn from(of: Act) -> Self {
        Detail::Person(of)
    }
}
