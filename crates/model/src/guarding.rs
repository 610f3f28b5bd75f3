//! Why a guard stops what it stops (G3, R5, R9, L12).

use serde::{Deserialize, Serialize};

use crate::limits::GuardKind;

/// What a guard has counted, or seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarding {
    /// More writes wait than the limit allows, of so many records that are `known`.
    Writes { guard: GuardKind, system: String, waiting: u64, known: u64, limit: String },
    /// D1: most of what there is would be deleted, by a flow that mirrors for the first time.
    FirstMirroring { guard: GuardKind, system: String, waiting: u64 },
    /// Values of single properties would be emptied, or be matched by others.
    Values { guard: GuardKind, counted: Vec<ValuesOf>, limit: String },
    /// R3: a listing shows `lists` of the records that are known.
    Listing { of: String, known: u64, lists: u64 },
    /// R5: a property has no value any more in so many of the records that `held` one.
    Lost { property: String, of: String, lost: u64, held: u64 },
    /// L1: none of the records shows any of the properties by which they are matched.
    Unidentified { of: String, records: u64, by: Vec<String> },
    /// R9: so many known records show nothing of what identified them.
    Strangers { of: String, system: String, strangers: u64, known: u64 },
    /// R9: the key belongs to another account than that of the records that are known.
    OtherAccount { system: String, account: String, known: String },
    /// L12: the record type looks like the one of this name, with another name.
    LooksRenamed { of: String, old: String },
}

/// Values of a property that would be changed, of so many records that are `known`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ValuesOf {
    pub property: String,
    pub of: String,
    pub count: u64,
    pub known: u64,
}
