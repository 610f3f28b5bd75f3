//! The journal and the runs that wrote it.

use lockstep_model::{About, Detail, IntentId, RecordId, RunId, Timestamp, Value};

/// What happened, for the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JournalKind {
    /// A value changed in a system, and Lockstep read it.
    Edit,
    /// Two records were linked.
    Link,
    /// A link ended.
    Unlink,
    /// The system confirmed a write.
    Written,
    /// The system refused a write, or part of one.
    Refused,
    /// A record is gone from its system.
    Deleted,
    /// A person decided.
    Person,
    /// Anything else worth telling.
    Note,
}

impl JournalKind {
    /// The word for it in the store.
    pub fn name(self) -> &'static str {
        match self {
            JournalKind::Edit => "edit",
            JournalKind::Link => "link",
            JournalKind::Unlink => "unlink",
            JournalKind::Written => "written",
            JournalKind::Refused => "refused",
            JournalKind::Deleted => "deleted",
            JournalKind::Person => "person",
            JournalKind::Note => "note",
        }
    }

    /// Reads the store's word.
    pub fn parse(name: &str) -> Option<Self> {
        use JournalKind::*;
        [Edit, Link, Unlink, Written, Refused, Deleted, Person, Note]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// One entry of the append-only journal.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalEntry {
    pub at: Timestamp,
    pub run: RunId,
    pub kind: JournalKind,
    pub about: About,
    /// The property's path as text, where it is about one.
    pub path: Option<String>,
    pub before: Value,
    pub after: Value,
    /// The rule by which it was decided, where one was.
    pub rule: Option<lockstep_model::Rule>,
    /// The other record of a link; the source of a write.
    pub other: Option<RecordId>,
    pub intent: Option<IntentId>,
    /// What the rest does not say.
    pub detail: Detail,
}

impl JournalEntry {
    /// Where this entry belongs among others in the order in which they were noted: behind the last
    /// that is earlier. Their times need not rise: a clock may have been set back.
    pub(crate) fn place_among(&self, noted: &[JournalEntry]) -> usize {
        noted.iter().rposition(|other| other.at < self.at).map_or(0, |at| at + 1)
    }
}

/// A run, as it is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// A JSON document: counts per flow and system.
    pub summary: Value,
}

/// What a run wrote into a property, by the names that the store remembers: also where the plan has
/// neither any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WrittenName {
    /// The record type, as text.
    pub ty: String,
    /// The property; `None` where only the record was created or deleted.
    pub path: Option<String>,
    /// None where values only came from it.
    pub writes: u64,
}
