//! Record types, as the store must know them to keep records by name; and other names for them
//! (L12).

use lockstep_model::ids::TypeName;
use lockstep_model::{FlowIx, Timestamp};

/// A record type of the plan, as the store must know it to keep records by name.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundType {
    pub name: TypeName,
    /// The watched properties in the plan's order, as text.
    pub properties: Vec<String>,
    /// Changes when other properties are watched or match rules change: the record type must then
    /// be read anew from the beginning.
    pub fingerprint: u64,
    /// By record type of the plan: the flow by which what is written here came from there.
    pub flows: Vec<FlowIx>,
}

/// How far a record type has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeStatus {
    /// The connector's checkpoint: text for people, bytes for what does not fit there.
    pub checkpoint: Option<(String, Vec<u8>)>,
    /// It has been read to the end at least once (L8).
    pub complete: bool,
    /// When the last finished reading began.
    pub read_from: Option<Timestamp>,
    /// When the reading that is under way began; a killed run goes on with it.
    pub reading_since: Option<Timestamp>,
    /// The [`BoundType::fingerprint`] that what is stored was read under.
    pub fingerprint: u64,
    /// How many live records of it are known. The store counts them itself with each commit:
    /// [`crate::Commit::types`] does not change it.
    pub records: u64,
}

/// A record type that something is stored of, whether the plan names it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredType {
    /// Its number in the store.
    pub row: i64,
    /// `crm.People`
    pub name: String,
    /// How many live records of it are known.
    pub records: u64,
}

/// L12: another name for what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renaming {
    System { old: String, new: String },
    Type { old: String, new: String },
    Property { ty: String, old: String, new: String },
}

/// What a renaming came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The live records of the record types concerned.
    pub records: u64,
    /// Old names with the new ones.
    pub names: Vec<(String, String)>,
}
