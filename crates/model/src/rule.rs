//! The design's rules and situations as values, so that a decision can carry its reason.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($name:ident => $sentence:literal),+ $(,)?) => {
        /// A named rule of the design, cited by journal entries, messages and the console.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Rule { $(#[doc = $sentence] $name),+ }

        impl Rule {
            /// The rule in one sentence, as a person would say it.
            pub fn sentence(self) -> &'static str {
                match self { $(Rule::$name => $sentence),+ }
            }

            /// Reads a rule's name.
            pub fn parse(name: &str) -> Option<Rule> {
                match name { $(stringify!($name) => Some(Rule::$name),)+ _ => None }
            }
        }

        impl fmt::Display for Rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Rule::$name => stringify!($name)),+ })
            }
        }
    };
}

rules! {
    R3 => "a record that a listing does not show is looked up before it counts as deleted",
    L1 => "one of the property combinations of the match table agrees",
    L4 => "a record that Lockstep created is linked by that alone",
    L5 => "linking is transitive",
    L6 => "an entity holds at most one record of each record type",
    L7 => "a person linked or unlinked these records",
    L8 => "nothing is created before both sides have been read to the end",
    C1 => "the flow says that a record without a counterpart gets one",
    C2 => "a record is created at most once",
    C3 => "a flow that synchronizes no property does not create",
    C4 => "a record that lacks a property which the target requires waits for it",
    C5 => "what a record is connected to decides whether it is created",
    P1 => "the latest edit wins",
    P1a => "of several properties paired with one, the edit goes to those that held what it displaced",
    P2 => "when records are linked for the first time, a value beats an empty one",
    P3 => "values are compared as the target would store them",
    P5 => "what Lockstep wrote is not an edit",
    P5a => "a read older than Lockstep's own last write is not an edit",
    P6 => "a write is made on the version it was decided on",
    P8 => "a reference is translated through links",
    P9 => "a single value replaces its own element of a list",
    P10 => "read-only and derived properties are never written",
    D1 => "what a deletion means for the others is what the flow says; as long as it says nothing, they stay",
    G2 => "the first run of a flow waits for a person who has seen the plan",
    G3 => "more writes than a run may make wait for a person",
    G4 => "what the target refuses waits for a person, the rest is written",
    G7 => "a person took a write back",
}

/// What a flow finds for a record (L9). Every run, plan, page and document counts by these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Situation {
    /// Linked.
    Confirmed,
    /// Matched, now linked.
    Found,
    /// The match belongs to another entity.
    FoundLinked,
    /// Nothing matches.
    Absent,
    /// Several match.
    Ambiguous,
    /// Linked, and the other is gone.
    Missing,
    /// A condition does not hold any more: it stops being kept equal, nothing is deleted.
    Unqualified,
    /// Never qualified.
    Excluded,
}

impl Situation {
    /// All of them, in the order they are shown.
    pub const ALL: [Situation; 8] = [
        Situation::Confirmed,
        Situation::Found,
        Situation::FoundLinked,
        Situation::Absent,
        Situation::Ambiguous,
        Situation::Missing,
        Situation::Unqualified,
        Situation::Excluded,
    ];

    /// The name that is shown.
    pub fn name(self) -> &'static str {
        match self {
            Situation::Confirmed => "confirmed",
            Situation::Found => "found",
            Situation::FoundLinked => "found linked",
            Situation::Absent => "absent",
            Situation::Ambiguous => "ambiguous",
            Situation::Missing => "missing",
            Situation::Unqualified => "unqualified",
            Situation::Excluded => "excluded",
        }
    }
}
