//! What says why a property holds what it holds (G7). Values apart from the words for them, which
//! stand in the crate `wording`; named as in [`crate::why`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::detail::{DecidedBy, Detail, PutIn};
use crate::ids::RunId;
use crate::rule::Rule;
use crate::time::Timestamp;

/// Something that bears on a property's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// A flow has put the value in, and nobody else.
    PutIn(PutIn),
    /// Nobody has put anything there, or edited it since the record was made (`made_with`).
    Nobody {
        made_with: bool,
    },
    /// Where the value comes from.
    Comes(Origin),
    /// P10: it is never written.
    ReadOnly,
    /// Another value that was put in.
    Rival {
        value: Value,
        place: Place,
        at: Timestamp,
        came: Came,
    },
    /// P3, G7: it was given the value, and holds another.
    StoredOtherwise,
    /// P11: its elements come and go one by one.
    ByElement,
    /// P11: it takes the elements that come and go there.
    Takes {
        place: Place,
        holds: Value,
    },
    /// What it is still to be given.
    Due {
        value: Value,
    },
    Past(Past),
}

/// A property of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `None` where it is not known any more.
    pub record: Option<String>,
    pub property: String,
    /// Whose property it really is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Owner>,
}

/// The record that a property belongs to which another record holds as its own (`company > name`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub property: String,
    pub record: String,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub place: Place,
    /// When it was put in there.
    pub at: Timestamp,
    /// What was put in.
    pub value: Value,
    pub by: Way,
    /// What decided for it, where there was a choice (P1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<DecidedBy>,
}

/// How a value comes from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// It was put in into this very property.
    Here,
    /// It was written.
    Written,
    /// It was written, and the property is empty.
    LeftEmpty,
    /// P1e: something was put into a property of its group.
    Group,
    /// It is the value of the record that it refers to.
    Follows(Owner),
}

/// What came of a value that another one stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// It lost to the one that stands.
    Lost,
    /// It says the same.
    Same,
    /// What a flow puts in stands.
    CountsNoMore,
}

/// Something that happened to the property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    pub what: Happened,
    pub at: Timestamp,
    pub run: RunId,
    pub before: Value,
    pub after: Value,
    pub rule: Option<Rule>,
    /// The record that it was written from.
    pub from: Option<String>,
    pub detail: Detail,
}

/// What happened to a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    Edit,
    Write,
    /// The system refused a value.
    Refusal,
    /// A person said something about it.
    Answer,
}
