//! The store: it remembers, and decides nothing.
//!
//! It works in batches: the hub loads the slice that a batch touches ([`Store::records`],
//! [`Store::by_key`] and their like), the core decides, and one [`Commit`] records the result in
//! one transaction: shadows and checkpoint together (R1), links, intents, reviews, journal. Stores
//! speak of model values; what they look like on disk is their own business and versioned there.
//!
//! [`sqlite`] keeps everything in one file. Any other store must pass [`contract`], the suite that
//! both are held to.

pub mod contract;
pub mod sqlite;

pub use sqlite::SqliteStore;

use lockstep_model::change::IntentEvent;
use lockstep_model::ids::TypeName;
use lockstep_model::{
    EntityId, FlowIx, Intent, IntentId, IntentKind, IntentState, PropIx, RecordId, RecordState,
    Review, ReviewKind, RunId, Timestamp, TypeIx, Value,
};

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
    /// How many live records of it are known.
    pub records: u64,
}

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
    /// Match keys and references: a hash under which the record is to be found. A number below none
    /// stands for the record that the creation of that number makes.
    pub keys_added: Vec<(u64, RecordId)>,
    pub keys_removed: Vec<(u64, RecordId)>,
    /// Records to decide on, with the rank of their record type (lower ranks are decided first).
    pub agenda_added: Vec<(u16, RecordId)>,
    pub agenda_done: Vec<(u16, RecordId)>,
    pub types: Vec<(TypeIx, TypeStatus)>,
    /// How many live records of a type are known now, where nothing else of it has changed: a
    /// checkpoint may be large.
    pub counts: Vec<(TypeIx, u64)>,
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
    pub record: RecordId,
    pub ty: TypeIx,
    pub prop: Option<PropIx>,
}

impl ReviewKey {
    /// The key of a review.
    pub fn of(review: &Review) -> Self {
        ReviewKey { kind: review.kind, record: review.record, ty: review.ty, prop: review.prop }
    }
}

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
    pub record: RecordId,
    /// The property's path as text, where it is about one.
    pub path: Option<String>,
    pub before: Value,
    pub after: Value,
    /// The rule by which it was decided, where one was.
    pub rule: Option<lockstep_model::Rule>,
    /// The other record of a link; the source of a write.
    pub other: Option<RecordId>,
    pub intent: Option<IntentId>,
    /// In words, where the rest does not say it.
    pub text: String,
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

/// What can go wrong with a store. Nothing of a failed commit is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on it.
    #[error(
        "{place} is in use by another process ({holder}): run the command again when that is done, or stop it"
    )]
    Locked { place: String, holder: String },
    /// Written by a newer Lockstep.
    #[error(
        "{place} has the form {found}, this program knows forms up to {known}: use the newer program that wrote it"
    )]
    Newer { place: String, found: u32, known: u32 },
    /// The disk is full or can't be written.
    #[error(
        "{place} can't be written: {message}; nothing of this step was kept, make room and run again"
    )]
    Unwritable { place: String, message: String },
    /// Who runs the command may not write the file, or its folder.
    #[error(
        "{place} can't be written: {message}; nothing of this step was kept: let this user write the file and its folder, and run again"
    )]
    Forbidden { place: String, message: String },
    /// The file is damaged, or not one of ours.
    #[error("{place}: {message}")]
    Damaged { place: String, message: String },
}

/// The result of a store's call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What is left to do before a commit outlives a power cut; in any thread.
pub type Flush = Box<dyn FnOnce() -> Result<()> + Send>;

/// The store's boundary. Lists of results come in no promised order and without what was not found.
pub trait Store: Send {
    /// Makes the plan's record types and properties known. To be called once, before anything else.
    fn bind(&mut self, types: &[BoundType]) -> Result<Vec<TypeStatus>>;

    /// Hands out so many fresh record numbers; gives the first. They are taken even if never used;
    /// only when the store is opened anew, those that came into no commit may be handed out again.
    fn take_record_ids(&mut self, count: usize) -> Result<RecordId>;
    /// Hands out so many fresh intent numbers; gives the first.
    fn take_intent_ids(&mut self, count: usize) -> Result<IntentId>;

    /// Records by number. Record types that the plan does not name any more are left out.
    fn records(&mut self, ids: &[RecordId]) -> Result<Vec<RecordState>>;
    /// The record keys of records, which cost less than the records.
    fn keys_of(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, String)>>;
    /// Records by their record key.
    fn by_key(&mut self, ty: TypeIx, keys: &[&str]) -> Result<Vec<RecordState>>;
    /// All records of these entities.
    fn members(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>>;
    /// The records of these entities but for those they began with (whose numbers they have): what
    /// [`Store::members`] gives beyond [`Store::records`] of the same numbers.
    fn joined(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>>;
    /// Who is to be found under these hashes.
    fn by_hash(&mut self, hashes: &[u64]) -> Result<Vec<(u64, RecordId)>>;
    /// The ids of all records of a type that are live, in pages: up to `limit` ids after `after` in
    /// the order of the ids.
    fn live_keys(
        &mut self,
        ty: TypeIx,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, RecordId)>>;

    /// What is to be decided next: lowest rank first, then by number.
    fn agenda(&mut self, limit: usize) -> Result<Vec<(u16, RecordId)>>;
    /// Which of these records are to be decided on, with the rank of each.
    fn on_agenda(&mut self, ids: &[RecordId]) -> Result<Vec<(u16, RecordId)>>;
    /// Pairs that a person keeps apart, with one of these records in them.
    fn apart(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, RecordId)>>;
    /// Open intents of these entities.
    fn open_intents(&mut self, entities: &[EntityId]) -> Result<Vec<Intent>>;
    /// Open reviews on these records.
    fn open_reviews(&mut self, records: &[RecordId]) -> Result<Vec<Review>>;

    /// Intents to send: queued, due at `now`, of these record types; lowest rank first, then what
    /// is there already before what is to be created, then by number.
    fn outbox(&mut self, now: Timestamp, types: &[TypeIx], limit: usize) -> Result<Vec<Intent>>;
    /// Intents in this state, oldest first.
    fn intents_in(&mut self, state: IntentState, limit: usize) -> Result<Vec<Intent>>;
    /// Open intents with which something was tried already, and that are not refused; by number.
    fn tried(&mut self, limit: usize) -> Result<Vec<Intent>>;
    /// One intent.
    fn intent(&mut self, id: IntentId) -> Result<Option<Intent>>;

    /// How many intents of this record type and kind are queued whose numbers are above this one.
    fn queued(&mut self, ty: TypeIx, kind: IntentKind, after: IntentId) -> Result<u64>;
    /// A text that no other store has, drawn when this one was made: part of every idempotency key
    /// (C2).
    fn identity(&mut self) -> Result<String>;
    /// What is remembered by name, in the order of the names. There are few.
    fn marks(&mut self) -> Result<Vec<(String, Value)>>;

    /// Records the result of a batch in one transaction.
    fn commit(&mut self, commit: Commit) -> Result<()>;
    /// Like [`Store::commit`] of something durable, but for the waiting for the disk: whoever acts
    /// on the commit flushes it first (C2).
    fn commit_unflushed(&mut self, commit: Commit) -> Result<Flush>;

    /// Opens a run.
    fn begin_run(&mut self, now: Timestamp) -> Result<RunId>;
    /// Ends it, with what it did.
    fn end_run(&mut self, run: RunId, now: Timestamp, summary: &Value) -> Result<()>;
    /// The latest runs, newest first.
    fn runs(&mut self, limit: usize) -> Result<Vec<RunRow>>;

    /// All open reviews, oldest first.
    fn reviews(&mut self, limit: usize) -> Result<Vec<Review>>;
    /// How many reviews of each kind are open.
    fn review_counts(&mut self) -> Result<Vec<(ReviewKind, u64)>>;
    /// How many intents there are in each open state.
    fn intent_counts(&mut self) -> Result<Vec<(IntentState, u64)>>;
    /// The journal of these records, oldest first. That a record was created is told by the intent
    /// that did it: it has an entry here without having been given one.
    fn journal(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<JournalEntry>>;
    /// Intents whose target or source is one of these records, oldest first, whatever their state.
    fn intents_of(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<Intent>>;
    /// All open reviews with the numbers by which people name them, oldest first. A review keeps
    /// its number while it is open.
    fn numbered_reviews(&mut self, limit: usize) -> Result<Vec<(i64, Review)>>;
    /// What was decided in these runs (the first and the last of them), whatever became of it, in
    /// the order of deciding, in pages by number.
    fn intents_of_runs(
        &mut self,
        runs: (RunId, RunId),
        after: Option<IntentId>,
        limit: usize,
    ) -> Result<Vec<Intent>>;
    /// What was written in these runs (the first and the last of them), by name, whether the plan
    /// names it still or not.
    fn written_names(&mut self, runs: (RunId, RunId)) -> Result<Vec<WrittenName>>;
    /// The journal of these runs (the first and the last of them), oldest first. Creations stand in
    /// [`Store::intents_of_runs`].
    fn journal_of_runs(&mut self, runs: (RunId, RunId), limit: usize) -> Result<Vec<JournalEntry>>;
    /// One run.
    fn run(&mut self, id: RunId) -> Result<Option<RunRow>>;
    /// The first run that began at this time or later.
    fn run_from(&mut self, since: Timestamp) -> Result<Option<RunId>>;
    /// Forgets the journal of the runs before this one. Gives how many entries that were.
    fn prune_journal(&mut self, before: RunId) -> Result<u64>;
    /// Entities with more than one record, in pages by number.
    fn linked_entities(&mut self, after: Option<EntityId>, limit: usize) -> Result<Vec<EntityId>>;

    /// All record types that something is stored of.
    fn record_types(&mut self) -> Result<Vec<StoredType>>;
    /// How many record keys two record types share, by their names.
    fn shared_keys(&mut self, a: &str, b: &str) -> Result<u64>;
    /// L12: puts what is stored under another name. `Err` says why that can't be. The plan must be
    /// bound anew afterwards.
    fn rename(&mut self, renaming: &Renaming) -> Result<std::result::Result<Renamed, String>>;

    /// Says that a great load begins or ends: the store may take larger steps on disk meanwhile.
    /// Changes no result.
    fn bulk(&mut self, begins: bool) -> Result<()>;
    /// Says that nothing else is to be done for a moment: the store may do what it would have to do
    /// later. Changes no result.
    fn meanwhile(&mut self) -> Result<()>;
    /// A copy of everything, to be thrown away: what a plan is made in (G1).
    fn scratch(&mut self) -> Result<Box<dyn Store>>;
}
