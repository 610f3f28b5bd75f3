//! What is given to observing, and what comes of it.

use lockstep_model::{PropIx, ReadRecord, RecordId, RecordState, Timestamp, TypeIx, Value};

/// What a reading is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Looks {
    /// What has changed.
    #[default]
    ForChanges,
    /// What became of Lockstep's own writes, right after them (R6).
    AfterWrites,
    /// The same, of a write that was read back too early: the delay of its system is over (P5a).
    AgainAfterWrites,
}

/// The circumstances of a reading.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub ty: TypeIx,
    pub now: Timestamp,
    /// When the system was asked for it, which may have been long before it is looked at now (P5a).
    pub asked: Timestamp,
    /// When an edit counts as made whose time the system does not tell: when the run began. One
    /// time for all systems of a run, so that it is no race which of two such values is the later
    /// one.
    pub untold: Timestamp,
    /// When the previous reading of the record type began, by Lockstep's clock (P1b); `None` before
    /// the first.
    pub previous: Option<Timestamp>,
    /// The number for the first new record; they rise from there.
    pub first_id: RecordId,
    pub looks: Looks,
    /// What is watched has changed: known records are indexed anew even where nothing differs.
    pub reindex: bool,
}

/// R9: what is made of a live record that shows nothing any more of what identified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A person is asked.
    Ask,
    /// A person has said that it is the same record.
    Same,
    /// A person has said that it is another one, which has been given the key.
    Another,
}

/// R9: a live record that shows nothing any more of what identified it. It stays as it was known
/// until a person has said whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// As it is known, and stays.
    pub known: RecordState,
    /// What it shows now.
    pub read: ReadRecord,
}

/// A value that changed in a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub record: RecordId,
    pub prop: PropIx,
    pub before: Value,
    pub after: Value,
    pub at: Timestamp,
}

/// A value that Lockstep wrote and its system has not kept (R6).
#[derive(Clone, Debug, PartialEq)]
pub struct NotKept {
    pub record: RecordId,
    pub prop: PropIx,
    pub sent: Value,
    /// What it shows instead: what was there before, or nothing.
    pub shown: Value,
}

/// What came of a page.
#[derive(Debug, Default)]
pub struct Observed {
    pub new: Vec<RecordState>,
    pub changed: Vec<RecordState>,
    pub keys_added: Vec<(u64, RecordId)>,
    pub keys_removed: Vec<(u64, RecordId)>,
    /// Records to decide on.
    pub touched: Vec<RecordId>,
    pub edits: Vec<Edit>,
    /// What turned out not to have been kept of what was written.
    pub not_kept: Vec<NotKept>,
    /// Records that the system tells are gone.
    pub gone: Vec<RecordId>,
    /// Records that were gone and are there again (D1).
    pub back: Vec<RecordId>,
    /// Records whose keys belong to others now (R9), with the keys by which they are known from
    /// here on.
    pub retired: Vec<(RecordId, String)>,
    /// Records of which a person must say whether they are still the same (R9).
    pub doubts: Vec<Doubt>,
    /// R2: dropped at once.
    pub unchanged: usize,
    /// Some record was not shown as Lockstep's own write had left it, so soon after it that this
    /// may be the state of before it or an edit since (P5a): it must be shown again.
    pub unsettled: bool,
}
