//! A handle on a store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, KeyOwner, Presence, RecordId, RecordState,
    Review, RunId, Timestamp, TypeIx, Value,
};

use super::catalogue::Bound;
use super::numbering::Numbering;
use super::state::State;
use crate::boundary::{Agenda, Catalogue, Commits, Outbox, Slices, Store, Upkeep};
use crate::{
    AgendaEntry, BoundType, Commit, Flush, Lease, Renamed, Renaming, Result, RunRow, StoreError,
    StoredType, TypeStatus,
};

/// A store in memory.
pub struct MemoryStore {
    shared: Arc<Mutex<State>>,
    pub(super) bound: Bound,
    lease: Lease,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// A fresh one.
    pub fn new() -> Self {
        Self::on(Arc::new(Mutex::new(State::new(drawn() + &drawn()))))
    }

    /// Another handle on what this one stores, as if another process opened it: it takes the store
    /// over.
    pub fn opened_again(&self) -> Self {
        Self::on(self.shared.clone())
    }

    fn on(shared: Arc<Mutex<State>>) -> Self {
        let mut store = MemoryStore { shared, bound: Bound::default(), lease: Lease(drawn()) };
        store.state().lease = store.lease.clone();
        store.bound = Bound::default();
        store
    }

    /// A commit is tried on a copy: what a panic leaves behind is whole.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is stored, to be changed by who has the lease.
    fn writing(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        match state.lease == self.lease {
            true => Ok(state),
            false => Err(StoreError::LostLease { place: place() }),
        }
    }
}

fn place() -> String {
    "the store in memory".into()
}

/// A random word.
fn drawn() -> String {
    format!("{:016x}", RandomState::new().hash_one(0))
}

impl Slices for MemoryStore {
    fn records(&mut self, ids: &[RecordId]) -> Result<Vec<RecordState>> {
        let ids: BTreeSet<RecordId> = ids.iter().copied().collect();
        let state = self.state();
        Ok(ids.into_iter().filter_map(|id| state.record(&self.bound, id)).collect())
    }

    fn keys_of(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, String)>> {
        let ids: BTreeSet<RecordId> = ids.iter().copied().collect();
        let state = self.state();
        let key = |id| Some((id, state.records.get(&id)?.state.key.clone()));
        Ok(ids.into_iter().filter_map(key).collect())
    }

    fn by_key(&mut self, ty: TypeIx, keys: &[&str]) -> Result<Vec<RecordState>> {
        let Some(row) = Numbering::In(&self.bound).ty(ty) else { return Ok(vec![]) };
        let state = self.state();
        let ids = keys.iter().filter_map(|key| state.by_key.get(&(row, key.to_string())));
        let ids: BTreeSet<RecordId> = ids.copied().collect();
        Ok(ids.into_iter().filter_map(|id| state.record(&self.bound, id)).collect())
    }

    fn members(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>> {
        Ok(self.state().records_that(&self.bound, |one| entities.contains(&one.entity)))
    }

    fn members_except_founder(&mut self, entities: &[EntityId]) -> Result<Vec<RecordState>> {
        let joined = |one: &RecordState| entities.contains(&one.entity) && one.entity.0 != one.id.0;
        Ok(self.state().records_that(&self.bound, joined))
    }

    fn by_hash(&mut self, hashes: &[u64]) -> Result<Vec<(u64, KeyOwner)>> {
        let hashes: BTreeSet<u64> = hashes.iter().copied().collect();
        let state = self.state();
        let under = |hash| {
            let first = KeyOwner::Record(RecordId(i64::MIN));
            let last = KeyOwner::Promise(IntentId(i64::MAX));
            state.hashes.range((hash, first)..=(hash, last)).copied()
        };
        Ok(hashes.into_iter().flat_map(under).collect())
    }

    fn live_keys(
        &mut self,
        ty: TypeIx,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, RecordId)>> {
        let Some(row) = Numbering::In(&self.bound).ty(ty) else { return Ok(vec![]) };
        let state = self.state();
        let is_live = |id: &RecordId| {
            state.records.get(id).is_some_and(|one| one.state.presence == Presence::Live)
        };
        let found = state
            .by_key
            .iter()
            .filter(|((of, key), id)| {
                *of == row && after.is_none_or(|after| key.as_str() > after) && is_live(id)
            })
            .map(|((_, key), id)| (key.clone(), *id));
        Ok(found.take(limit).collect())
    }

    fn linked_entities(&mut self, after: Option<EntityId>, limit: usize) -> Result<Vec<EntityId>> {
        let mut members: BTreeMap<EntityId, usize> = BTreeMap::new();
        for record in self.state().records_that(&self.bound, |one| Some(one.entity) > after) {
            *members.entry(record.entity).or_default() += 1;
        }
        let linked = members.into_iter().filter(|(_, count)| *count > 1);
        Ok(linked.map(|(entity, _)| entity).take(limit).collect())
    }

    fn apart(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, RecordId)>> {
        let concerns = |(a, b): &&(RecordId, RecordId)| ids.contains(a) || ids.contains(b);
        Ok(self.state().apart.iter().filter(concerns).copied().collect())
    }

    fn open_intents(&mut self, entities: &[EntityId]) -> Result<Vec<Intent>> {
        let open = |one: &Intent| one.state.is_open() && entities.contains(&one.entity);
        Ok(self.state().intents_that(&self.bound, open, usize::MAX))
    }

    fn open_reviews(&mut self, records: &[RecordId]) -> Result<Vec<Review>> {
        let found =
            self.state().numbered_reviews(&self.bound).into_iter().map(|(_, review)| review);
        Ok(found
            .filter(|review| review.about.record().is_some_and(|id| records.contains(&id)))
            .collect())
    }
}

impl Agenda for MemoryStore {
    fn agenda(&mut self, limit: usize) -> Result<Vec<AgendaEntry>> {
        Ok(self.state().agenda.iter().copied().take(limit).collect())
    }

    fn on_agenda(&mut self, ids: &[RecordId]) -> Result<Vec<AgendaEntry>> {
        Ok(self
            .state()
            .agenda
            .iter()
            .copied()
            .filter(|entry| ids.contains(&entry.record))
            .collect())
    }
}

impl Outbox for MemoryStore {
    fn outbox(&mut self, now: Timestamp, types: &[TypeIx], limit: usize) -> Result<Vec<Intent>> {
        let rows: Vec<_> =
            types.iter().filter_map(|ty| Numbering::In(&self.bound).ty(*ty)).collect();
        let due = |one: &Intent| {
            one.state == IntentState::Queued
                && rows.contains(&one.ty)
                && one.not_before.is_none_or(|at| at <= now)
        };
        let mut found = self.state().intents_that(&self.bound, due, usize::MAX);
        found.sort_by_key(|intent| (intent.rank, intent.kind == IntentKind::Create, intent.id));
        found.truncate(limit);
        Ok(found)
    }

    fn intents_in(&mut self, state: IntentState, limit: usize) -> Result<Vec<Intent>> {
        Ok(self.state().intents_that(&self.bound, |one| one.state == state, limit))
    }

    fn tried(&mut self, limit: usize) -> Result<Vec<Intent>> {
        Ok(self.state().intents_that(&self.bound, State::is_tried, limit))
    }

    fn intent(&mut self, id: IntentId) -> Result<Option<Intent>> {
        let state = self.state();
        Ok(state.intents.get(&id).and_then(|stored| state.intent(&self.bound, stored)))
    }

    fn queued(&mut self, ty: TypeIx, kind: IntentKind, after: IntentId) -> Result<u64> {
        let row = Numbering::In(&self.bound).ty(ty);
        let counts = |one: &&super::state::StoredIntent| {
            let one = &one.intent;
            one.state == IntentState::Queued
                && Some(one.ty) == row
                && one.kind == kind
                && one.id > after
        };
        Ok(self.state().intents.values().filter(counts).count() as u64)
    }

    fn intent_counts(&mut self) -> Result<Vec<(IntentState, u64)>> {
        let mut counts: Vec<(IntentState, u64)> = vec![];
        for stored in self.state().intents.values() {
            let state = stored.intent.state;
            match counts.iter_mut().find(|(known, _)| *known == state) {
                Some((_, count)) => *count += 1,
                None if state.is_open() => counts.push((state, 1)),
                None => {}
            }
        }
        Ok(counts)
    }
}

impl Commits for MemoryStore {
    fn take_over(&mut self) -> Result<Lease> {
        self.lease = Lease(drawn());
        self.state().lease = self.lease.clone();
        Ok(self.lease.clone())
    }

    fn take_record_ids(&mut self, count: usize) -> Result<RecordId> {
        let mut state = self.writing()?;
        let first = state.next_record;
        state.next_record += count as i64;
        Ok(RecordId(first))
    }

    fn take_intent_ids(&mut self, count: usize) -> Result<IntentId> {
        let mut state = self.writing()?;
        let first = state.next_intent;
        state.next_intent += count as i64;
        Ok(IntentId(first))
    }

    fn lease(&self) -> Lease {
        self.lease.clone()
    }

    fn commit(&mut self, lease: &Lease, commit: Commit) -> Result<()> {
        let mut state = self.writing()?;
        if *lease != self.lease {
            return Err(StoreError::LostLease { place: place() });
        }
        let mut tried = state.clone();
        let damaged = |message| StoreError::Damaged { place: place(), message };
        tried.apply(&self.bound, &commit).map_err(damaged)?;
        *state = tried;
        Ok(())
    }

    fn commit_unflushed(&mut self, lease: &Lease, commit: Commit) -> Result<Flush> {
        self.commit(lease, commit)?;
        Ok(Box::new(|| Ok(())))
    }

    fn begin_run(&mut self, now: Timestamp) -> Result<RunId> {
        let mut state = self.writing()?;
        let id = RunId(state.runs.len() as i64 + 1);
        state.runs.push(RunRow { id, started: now, ended: None, summary: Value::Null });
        Ok(id)
    }

    fn end_run(&mut self, run: RunId, now: Timestamp, summary: &Value) -> Result<()> {
        let mut state = self.writing()?;
        if let Some(row) = state.runs.iter_mut().find(|row| row.id == run) {
            (row.ended, row.summary) = (Some(now), summary.clone());
        }
        Ok(())
    }

    fn prune_journal(&mut self, before: RunId) -> Result<u64> {
        let mut state = self.writing()?;
        let there = state.journal.len();
        state.journal.retain(|entry| entry.run >= before);
        Ok((there - state.journal.len()) as u64)
    }
}

impl Catalogue for MemoryStore {
    fn bind(&mut self, types: &[BoundType]) -> Result<Vec<TypeStatus>> {
        let (bound, status) = self.writing()?.catalogue.bind(types);
        self.bound = bound;
        Ok(status)
    }

    fn identity(&mut self) -> Result<String> {
        Ok(self.state().identity.clone())
    }

    fn marks(&mut self) -> Result<Vec<(String, Value)>> {
        let state = self.state();
        Ok(state.marks.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    fn record_types(&mut self) -> Result<Vec<StoredType>> {
        Ok(self.state().record_types())
    }

    fn shared_keys(&mut self, a: &str, b: &str) -> Result<u64> {
        Ok(self.state().shared_keys(a, b))
    }

    fn rename(&mut self, renaming: &Renaming) -> Result<std::result::Result<Renamed, String>> {
        let mut state = self.writing()?;
        let mut tried = state.clone();
        let renamed = tried.rename(renaming);
        if renamed.is_ok() {
            *state = tried;
        }
        Ok(renamed)
    }
}

impl Upkeep for MemoryStore {}

impl Store for MemoryStore {
    fn scratch(&mut self) -> Result<Box<dyn Store>> {
        let copy = Arc::new(Mutex::new(self.state().clone()));
        let (bound, lease) = (self.bound.clone(), self.lease.clone());
        Ok(Box::new(MemoryStore { shared: copy, bound, lease }))
    }
}
