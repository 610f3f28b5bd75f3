//! The store's boundary, a trait for each purpose. Lists of results come in no promised order and
//! without what was not found.

use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, KeyOwner, RecordId, RecordState, Review,
    ReviewKind, RunId, Timestamp, TypeIx, Value,
};

use crate::catalogue::{BoundType, Renamed, Renaming, StoredType, TypeStatus};
use crate::commit::{AgendaEntry, Commit, Flush, Lease};
use crate::error::Result;
use crate::history::{JournalEntry, RunRow, WrittenName};

/// What a batch looks at: records with their keys, who may match them, what is open of them.
pub trait Slices {
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
    fn members_except_founder(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>>;
    /// Who is to be found under these hashes.
    fn by_hash(&mut self, hashes: &[u64]) -> Result<Vec<(u64, KeyOwner)>>;
    /// The ids of all records of a type that are live, in pages: up to `limit` ids after `after` in
    /// the order of the ids.
    fn live_keys(
        &mut self,
        ty: TypeIx,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, RecordId)>>;
    /// Entities with more than one record, in pages by number.
    fn linked_entities(&mut self, after: Option<EntityId>, limit: usize) -> Result<Vec<EntityId>>;
    /// Pairs that a person keeps apart, with one of these records in them.
    fn apart(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, RecordId)>>;
    /// Open intents of these entities.
    fn open_intents(&mut self, entities: &[EntityId]) -> Result<Vec<Intent>>;
    /// Open reviews on these records.
    fn open_reviews(&mut self, records: &[RecordId]) -> Result<Vec<Review>>;
}

/// What is to be decided on.
pub trait Agenda {
    /// What is to be decided next: lowest rank first, then by number.
    fn agenda(&mut self, limit: usize) -> Result<Vec<AgendaEntry>>;
    /// Which of these records are to be decided on, with the rank of each.
    fn on_agenda(&mut self, ids: &[RecordId]) -> Result<Vec<AgendaEntry>>;
}

/// What is to be sent, what is under way; by state, not by number.
pub trait Outbox {
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
    /// How many intents there are in each open state.
    fn intent_counts(&mut self) -> Result<Vec<(IntentState, u64)>>;
}

/// Writing: under a lease, with numbers that are handed out once.
pub trait Commits {
    /// Takes the store over: from now on, whatever is written under an older lease is refused
    /// ([`StoreError::LostLease`](crate::StoreError::LostLease)). Who opens a store for work takes
    /// it over by that.
    fn take_over(&mut self) -> Result<Lease>;
    /// The lease that this one was opened with, or last took the store over with.
    fn lease(&self) -> Lease;
    /// Hands out so many fresh record numbers; gives the first. They are taken even if never used,
    /// and never handed out again, by this process or another: they come from blocks that are
    /// taken on disk before.
    fn take_record_ids(&mut self, count: usize) -> Result<RecordId>;
    /// The same for intents.
    fn take_intent_ids(&mut self, count: usize) -> Result<IntentId>;
    /// Records the result of a batch in one transaction, decided under this lease: where it is not
    /// the store's any more, nothing is written.
    fn commit(&mut self, lease: &Lease, commit: Commit) -> Result<()>;
    /// Like [`Store::commit`] of something durable, but for the waiting for the disk: whoever acts
    /// on the commit flushes it first (C2).
    fn commit_unflushed(&mut self, lease: &Lease, commit: Commit) -> Result<Flush>;
    /// Opens a run.
    fn begin_run(&mut self, now: Timestamp) -> Result<RunId>;
    /// Ends it, with what it did.
    fn end_run(&mut self, run: RunId, now: Timestamp, summary: &Value) -> Result<()>;
    /// Forgets the journal of the runs before this one. Gives how many entries that were.
    fn prune_journal(&mut self, before: RunId) -> Result<u64>;
}

/// What waits for a person.
pub trait Reviews {
    /// All open reviews, oldest first.
    fn reviews(&mut self, limit: usize) -> Result<Vec<Review>>;
    /// How many reviews of each kind are open.
    fn review_counts(&mut self) -> Result<Vec<(ReviewKind, u64)>>;
    /// All open reviews with the numbers by which people name them, oldest first. A review keeps
    /// its number while it is open.
    fn numbered_reviews(&mut self, limit: usize) -> Result<Vec<(i64, Review)>>;
}

/// Looking back: the journal, what was decided, the runs.
pub trait History {
    /// The journal of these records, oldest first. That a record was created is told by the intent
    /// that did it: it has an entry here without having been given one.
    fn journal(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<JournalEntry>>;
    /// The journal of these runs (the first and the last of them), oldest first. Creations stand in
    /// [`Store::intents_of_runs`].
    fn journal_of_runs(&mut self, runs: (RunId, RunId), limit: usize) -> Result<Vec<JournalEntry>>;
    /// Intents whose target or source is one of these records, oldest first, whatever their state.
    fn intents_of(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<Intent>>;
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
    /// The latest runs, newest first.
    fn runs(&mut self, limit: usize) -> Result<Vec<RunRow>>;
    /// One run.
    fn run(&mut self, id: RunId) -> Result<Option<RunRow>>;
    /// The first run that began at this time or later.
    fn run_from(&mut self, since: Timestamp) -> Result<Option<RunId>>;
}

/// What is stored, by name.
pub trait Catalogue {
    /// Makes the plan's record types and properties known. To be called once, before anything else.
    fn bind(&mut self, types: &[BoundType]) -> Result<Vec<TypeStatus>>;
    /// A text that no other store has, drawn when this one was made: part of every idempotency key
    /// (C2).
    fn identity(&mut self) -> Result<String>;
    /// What is remembered by name, in the order of the names. There are few.
    fn marks(&mut self) -> Result<Vec<(String, Value)>>;
    /// All record types that something is stored of.
    fn record_types(&mut self) -> Result<Vec<StoredType>>;
    /// How many record keys two record types share, by their names.
    fn shared_keys(&mut self, a: &str, b: &str) -> Result<u64>;
    /// L12: puts what is stored under another name. `Err` says why that can't be. The plan must be
    /// bound anew afterwards.
    fn rename(&mut self, renaming: &Renaming) -> Result<std::result::Result<Renamed, String>>;
}

/// What a store may make use of and need not: none of it changes a result.
pub trait Upkeep {
    /// Says that a great load begins or ends: the store may take larger steps on disk meanwhile.
    fn bulk_load(&mut self, _begins: bool) -> Result<()> {
        Ok(())
    }

    /// Says that nothing else is to be done for a moment: the store may do what it would have to do
    /// later.
    fn idle_work(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A store: all of it.
pub trait Store:
    Send + Slices + Agenda + Outbox + Commits + Reviews + History + Catalogue + Upkeep
{
    /// A copy of everything, to be thrown away: what a plan is made in (G1).
    fn scratch(&mut self) -> Result<Box<dyn Store>>;
}
