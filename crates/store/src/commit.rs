//! What one transaction records.

use lockstep_model::change::IntentEvent;
use lockstep_model::{
    About, EntityId, Intent, IntentId, PropIx, RecordId, RecordState, Review, ReviewKind,
    Timestamp, TypeIx, Value,
};

use crate::catalogue::TypeStatus;
use crate::error::Result;
use crate::history::JournalEntry;

/// What one transaction records. Everything in it becomes true at once, or nothing does.
///
/// What is both removed and added (a key, an entry of the agenda, a pair kept apart, a review) is
/// there afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// New records; their numbers come from [`Store::take_record_ids`].
    pub new_records: Vec<RecordState>,
    /// Known records, written whole; only number, record type and key stay as they were.
    pub changed_records: Vec<RecordState>,
    /// Known records whose key belongs to another record now (R9): from here on they are known by
    /// this one. It takes effect before `new_records`, so that the new owner of a key can be added
    /// in the same commit.
    pub rekeyed: Vec<(RecordId, String)>,
    /// Known records of which only the entity changes.
    pub relinked: Vec<(RecordId, EntityId)>,
    /// Match keys and references: the hashes under which records are found.
    pub keys_added: Vec<(u64, RecordId)>,
    pub keys_removed: Vec<(u64, RecordId)>,
    /// The same for the records that open creations will make (C2).
    pub promises_added: Vec<(u64, IntentId)>,
    pub promises_removed: Vec<(u64, IntentId)>,
    /// Records to decide on, with the rank of their record type (lower ranks are decided first).
    pub agenda_added: Vec<AgendaEntry>,
    pub agenda_done: Vec<AgendaEntry>,
    pub types: Vec<(TypeIx, TypeStatus)>,
    pub intents_new: Vec<Intent>,
    pub intents_changed: Vec<IntentUpdate>,
    /// Open intents whose entity has become part of another.
    pub intents_moved: Vec<(IntentId, EntityId)>,
    /// One whose key is open already is brought up to date, and keeps the time since when it waits.
    pub reviews_opened: Vec<Review>,
    pub reviews_closed: Vec<ReviewKey>,
    /// Records that a person keeps apart (L7).
    pub apart_added: Vec<(RecordId, RecordId)>,
    pub apart_removed: Vec<(RecordId, RecordId)>,
    pub journal: Vec<JournalEntry>,
    /// What the hub remembers by name; `None` forgets it.
    pub marks: Vec<(String, Option<Value>)>,
    /// It is on the disk when [`Store::commit`] returns, and outlives a power cut: what a person
    /// said, what is acted on next. Others need only survive a crash of the process.
    pub durable: bool,
}

/// A record that is to be decided on. In the order in which they are: what is held comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgendaEntry {
    /// It waits for another reading, and is taken up again after that.
    pub held: bool,
    /// Lower ranks are decided on first.
    pub rank: u16,
    pub record: RecordId,
}

impl AgendaEntry {
    /// To be decided on as soon as its rank is.
    pub fn new(rank: u16, record: RecordId) -> Self {
        AgendaEntry { held: false, rank, record }
    }

    /// The same, for after another reading.
    pub fn to_hold(self) -> Self {
        AgendaEntry { held: true, ..self }
    }
}

/// What happens to an intent after it was decided. The state that follows is the store's to say: it
/// knows in which state the intent is, and refuses a commit with a step that is not legal from
/// there ([`IntentState::next`]).
#[derive(Clone, Debug, PartialEq)]
pub struct IntentUpdate {
    pub id: IntentId,
    pub event: IntentEvent,
    /// For a confirmed creation: the record that it made.
    pub record: Option<RecordId>,
    pub attempts: u32,
    pub not_before: Option<Timestamp>,
    pub message: Option<String>,
    pub done_at: Option<Timestamp>,
}

/// Which review. At most one of a key is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReviewKey {
    pub kind: ReviewKind,
    pub about: About,
    pub ty: TypeIx,
    pub prop: Option<PropIx>,
}

impl ReviewKey {
    /// The key of a review.
    pub fn of(review: &Review) -> Self {
        ReviewKey { kind: review.kind, about: review.about, ty: review.ty, prop: review.prop }
    }
}

/// What is left to do before a commit outlives a power cut; in any thread.
pub type Flush = Box<dyn FnOnce() -> Result<()> + Send>;

/// The right to write: drawn at random, so that two who both believe to have it differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease(pub String);
