//! Rules and situations as values, so that a decision can carry its reason. `docs/rules.md` has
//! each rule whole.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($name:ident => $sentence:literal),+ $(,)?) => {
        /// A named rule, cited by journal entries, messages and the console.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Rule { $(#[doc = $sentence] $name),+ }

        impl Rule {
            /// Every rule, in the order of the rule book.
            pub const ALL: &[Rule] = &[$(Rule::$name),+];

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
    R1 => "a run reads what changed since the checkpoint, with an overlap; a listing that ends early is not complete",
    R2 => "a record whose mapped properties equal its shadow is dropped",
    R3 => "a record that a listing does not show is looked up before it counts as deleted",
    R4 => "a webhook is a hint to read a record now",
    R5 => "an absent property is not an empty one, and a property that many records lose at once is not emptied",
    R6 => "an answer to a write is believed for the properties it shows; what it does not show is read once",
    R7 => "nothing changes by being read, stored or passed on, and values are compared by their kind",
    R8 => "a damaged source is not believed: it pauses, and that is reported until it is mended",
    R9 => "a key is not a person: a key that comes back is the same record only if something that identified it is the same",
    L1 => "one of the property combinations of the match table agrees",
    L2 => "match values are compared normalised; an empty value or a placeholder never matches",
    L3 => "a path through a list matches when any element does",
    L4 => "a record that Lockstep created is linked by that alone",
    L5 => "linking is transitive",
    L6 => "an entity holds at most one record of each record type",
    L7 => "a person linked or unlinked these records",
    L8 => "nothing is created before both sides have been read to the end",
    L9 => "what a flow finds for a record has a name",
    L10 => "a reference in a match row is compared through links",
    L11 => "a flow is only about the records that its conditions admit",
    L12 => "a renamed system or record type is said, and nothing is created in the new name until then",
    C1 => "the flow says that a record without a counterpart gets one",
    C2 => "a record is created at most once",
    C3 => "a flow that synchronizes no property does not create",
    C4 => "a record that lacks a property which the target requires waits for it",
    C5 => "what a record is connected to decides whether it is created",
    C6 => "what a system assigns when it creates a record is a claim of that system",
    P0 => "what bears on what is compiled once, from the graph of all property pairs",
    P1 => "the latest edit wins",
    P1a => "of several properties paired with one, the edit goes to those that held what it displaced",
    P1b => "the time of an edit is moved into the window in which it can have happened",
    P1c => "in a block, the n-th property of one side belongs to the n-th of the other",
    P1d => "properties that are split from one, or joined into one, are one value in parts",
    P1e => "properties of a group move together",
    P2 => "when records are linked for the first time, a value beats an empty one",
    P3 => "values are compared as the target would store them",
    P4 => "only properties that differ are written",
    P5 => "what Lockstep wrote is not an edit",
    P5a => "a read older than Lockstep's own last write is not an edit",
    P6 => "a write is made on the version it was decided on",
    P7 => "a value that loses to a newer one is kept in the journal",
    P8 => "a reference is translated through links",
    P9 => "a single value replaces its own element of a list",
    P10 => "read-only and derived properties are never written",
    P11 => "a list is compared as a set of values unless its order counts",
    P12 => "`a -> b` carries what changes in `a`; an edit in `b` stays until then",
    F1 => "a facet is a part of its record, and a creation makes the record with all its facets",
    F2 => "two facets are linked where another facet of the source record has its counterpart in that record",
    F3 => "deleting or emptying through a facet concerns that part alone",
    D1 => "what a deletion means for the others is what the flow says; as long as it says nothing, they stay",
    D2 => "a record that comes back brings the others back",
    D3 => "a deletion can be a mark that is read and written",
    G1 => "a plan shows what a run would do, and changes nothing",
    G2 => "the first run of a flow waits for a person who has seen the plan",
    G3 => "more writes than a run may make wait for a person",
    G4 => "what the target refuses waits for a person, the rest is written",
    G5 => "what a target should hold is durable until the target has confirmed it",
    G6 => "`check` warns of flows that do harm as written",
    G7 => "a person took a write back",
    G8 => "a run goes on until nothing is left that it could do",
    G9 => "control characters in what a system says are made visible",
    G10 => "every setting that is accepted has an effect",
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
