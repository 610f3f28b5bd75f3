//! A store whose process can die at any step: from then on every call fails, as if there were
//! nobody to call it. What was committed before stays in the file. Death comes before the step or
//! right after it, which only a caller who survives could tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, KeyOwner, RecordId, RecordState, Review,
    ReviewKind, RunId, Timestamp, TypeIx, Value,
};
use lockstep_store::{
    Agenda, AgendaEntry, BoundType, Catalogue, Commit, Commits, Flush, History, JournalEntry,
    Lease, Outbox, Renamed, Renaming, Result, Reviews, RunRow, Slices, Store, StoreError,
    StoredType, TypeStatus, Upkeep, WrittenName,
};

/// How long a process lives, in steps of its store.
#[derive(Debug, Default)]
pub struct Life {
    /// Steps left; below zero it has no end.
    left: AtomicI64,
    dead: AtomicBool,
}

impl Life {
    /// Of so many steps, or without end.
    pub fn of(steps: Option<i64>) -> Arc<Life> {
        Arc::new(Life {
            left: AtomicI64::new(steps.unwrap_or(i64::MAX)),
            dead: AtomicBool::new(false),
        })
    }

    /// It ends here.
    pub fn end(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }
}

/// The store of a process that may die.
pub struct MortalStore {
    real: Box<dyn Store>,
    life: Arc<Life>,
    /// For a world that must fail: what was sent and not answered is forgotten when the store is
    /// opened.
    forgetful: bool,
}

impl MortalStore {
    /// A store with this life before it.
    pub fn new(real: Box<dyn Store>, life: Arc<Life>, forgetful: bool) -> Self {
        MortalStore { real, life, forgetful }
    }

    fn step<T>(&mut self, work: impl FnOnce(&mut dyn Store) -> Result<T>) -> Result<T> {
        let killed = || StoreError::Unwritable {
            place: "the store".into(),
            message: "the process was killed".into(),
        };
        if self.life.ended() {
            return Err(killed());
        }
        let left = self.life.left.fetch_sub(1, Ordering::Relaxed);
        if left <= 0 {
            self.life.end();
            // Half of those who die have done their last work.
            if left % 2 == 0 {
                work(self.real.as_mut())?;
            }
            return Err(killed());
        }
        work(self.real.as_mut())
    }
}

macro_rules! steps {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)+) => {
        $(fn $name(&mut self, $($arg: $ty),*) -> Result<$out> {
            self.step(|store| store.$name($($arg),*))
        })+
    };
}

impl Slices for MortalStore {
    steps! {
        records(ids: &[RecordId]) -> Vec<RecordState>;
        keys_of(ids: &[RecordId]) -> Vec<(RecordId, String)>;
        by_key(ty: TypeIx, keys: &[&str]) -> Vec<RecordState>;
        members(entities: &[EntityId]) -> Vec<RecordState>;
        members_except_founder(entities: &[EntityId]) -> Vec<RecordState>;
        by_hash(hashes: &[u64]) -> Vec<(u64, KeyOwner)>;
        live_keys(ty: TypeIx, after: Option<&str>, limit: usize) -> Vec<(String, RecordId)>;
        linked_entities(after: Option<EntityId>, limit: usize) -> Vec<EntityId>;
        apart(ids: &[RecordId]) -> Vec<(RecordId, RecordId)>;
        open_intents(entities: &[EntityId]) -> Vec<Intent>;
        open_reviews(records: &[RecordId]) -> Vec<Review>;
    }
}

impl Agenda for MortalStore {
    steps! {
        agenda(limit: usize) -> Vec<AgendaEntry>;
        on_agenda(ids: &[RecordId]) -> Vec<AgendaEntry>;
    }
}

impl Outbox for MortalStore {
    fn intents_in(&mut self, state: IntentState, limit: usize) -> Result<Vec<Intent>> {
        let forgets = self.forgetful && matches!(state, IntentState::Sent | IntentState::Unknown);
        let mut found = self.step(|store| store.intents_in(state, limit))?;
        if forgets {
            let dropped = found.drain(..).map(|intent| lockstep_store::IntentUpdate {
                id: intent.id,
                event: lockstep_model::change::IntentEvent::Drop,
                record: None,
                attempts: intent.attempts,
                not_before: None,
                message: None,
                done_at: None,
            });
            let commit = Commit { intents_changed: dropped.collect(), ..Commit::default() };
            self.step(|store| store.commit(&store.lease(), commit))?;
        }
        Ok(found)
    }

    steps! {
        outbox(now: Timestamp, types: &[TypeIx], limit: usize) -> Vec<Intent>;
        tried(limit: usize) -> Vec<Intent>;
        intent(id: IntentId) -> Option<Intent>;
        queued(ty: TypeIx, kind: IntentKind, after: IntentId) -> u64;
        intent_counts() -> Vec<(IntentState, u64)>;
    }
}

impl Commits for MortalStore {
    fn lease(&self) -> Lease {
        self.real.lease()
    }

    steps! {
        take_over() -> Lease;
        take_record_ids(count: usize) -> RecordId;
        take_intent_ids(count: usize) -> IntentId;
        commit(lease: &Lease, commit: Commit) -> ();
        commit_unflushed(lease: &Lease, commit: Commit) -> Flush;
        begin_run(now: Timestamp) -> RunId;
        end_run(run: RunId, now: Timestamp, summary: &Value) -> ();
        prune_journal(before: RunId) -> u64;
    }
}

impl Reviews for MortalStore {
    steps! {
        reviews(limit: usize) -> Vec<Review>;
        review_counts() -> Vec<(ReviewKind, u64)>;
        numbered_reviews(limit: usize) -> Vec<(i64, Review)>;
    }
}

impl History for MortalStore {
    steps! {
        journal(records: &[RecordId], limit: usize) -> Vec<JournalEntry>;
        journal_of_runs(runs: (RunId, RunId), limit: usize) -> Vec<JournalEntry>;
        intents_of(records: &[RecordId], limit: usize) -> Vec<Intent>;
        intents_of_runs(runs: (RunId, RunId), after: Option<IntentId>, limit: usize) -> Vec<Intent>;
        written_names(runs: (RunId, RunId)) -> Vec<WrittenName>;
        runs(limit: usize) -> Vec<RunRow>;
        run(id: RunId) -> Option<RunRow>;
        run_from(since: Timestamp) -> Option<RunId>;
    }
}

impl Catalogue for MortalStore {
    steps! {
        bind(types: &[BoundType]) -> Vec<TypeStatus>;
        identity() -> String;
        marks() -> Vec<(String, Value)>;
        record_types() -> Vec<StoredType>;
        shared_keys(a: &str, b: &str) -> u64;
        rename(renaming: &Renaming) -> std::result::Result<Renamed, String>;
    }
}

impl Upkeep for MortalStore {
    steps! {
        bulk_load(begins: bool) -> ();
        idle_work() -> ();
    }
}

impl Store for MortalStore {
    steps! {
        scratch() -> Box<dyn Store>;
    }
}
