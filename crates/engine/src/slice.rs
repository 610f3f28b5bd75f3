//! The part of the store that a batch touches, as the core sees it.

use std::collections::{BTreeSet, HashMap, HashSet};

use lockstep_model::{
    EntityId, Intent, NumberMap, PropIx, RecordId, RecordState, Review, ReviewKind, RunId,
    Timestamp, TypeIx, Value,
};

use crate::plan::Plan;

/// How far a record type has been read (L8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadThrough {
    /// It has been read to the end once.
    pub complete: bool,
    /// When the last finished reading began: what was there then is known.
    pub from: Option<Timestamp>,
    /// What is known of it may be less than there is just now: its system is left alone, a listing
    /// of it is not believed, or something of it can't be read. Nothing counts as absent from it.
    pub in_doubt: bool,
    /// A listing of it is not believed (G3): what is known of it may not be there any more.
    pub not_believed: bool,
}

/// Everything that a decision on `focus` may look at.
#[derive(Debug)]
pub struct Slice {
    pub now: Timestamp,
    pub run: RunId,
    /// The records to decide on.
    pub focus: Vec<RecordId>,
    /// Other facets of those (F1): they are decided on with them.
    pub beside: Vec<RecordId>,
    /// Those records, the members of their entities, their match candidates with theirs, and what
    /// they refer to and are referred to by, with the members of those entities.
    pub records: NumberMap<RecordId, RecordState>,
    pub by_hash: NumberMap<u64, Vec<RecordId>>,
    /// The entities with an open creation whose record will be found under a hash (C2).
    pub promised: NumberMap<u64, Vec<EntityId>>,
    /// What is shown under the keys of records of which a person is asked whether they are still
    /// the same (R9): the hashes under which it would be found, with the record.
    pub doubted: NumberMap<u64, RecordId>,
    /// Pairs that a person keeps apart (L7), both ways round.
    pub apart: HashSet<(RecordId, RecordId)>,
    /// Open intents, by the entity that they were decided for, or that it has become part of.
    pub intents: NumberMap<EntityId, Vec<Intent>>,
    /// Open reviews on the records.
    pub reviews: Vec<Review>,
    /// Records beside the focus that are to be decided on as well, with their ranks: they are
    /// decided on now if their entity is.
    pub waiting: NumberMap<RecordId, u16>,
    /// D1: the live elements of records that may go with a deleted one.
    pub elements: NumberMap<RecordId, Vec<RecordId>>,
    pub types: Vec<ReadThrough>,
    /// The flows have changed: a value that was given once is compared with what they ask for now
    /// (P1).
    pub reconsider: bool,
    /// P9: what fresh edits displaced, for properties that lists take their values from. Filled in
    /// while deciding.
    pub displaced: HashMap<(RecordId, PropIx), Value>,
    /// Entities that have just been put together. Filled in while deciding.
    pub joined: BTreeSet<EntityId>,
    by_key: HashMap<(TypeIx, String), RecordId>,
    /// Where each entity's records stand in `order`.
    members: NumberMap<EntityId, (usize, usize)>,
    order: Vec<RecordId>,
}

impl Slice {
    /// A slice without intents, reviews and hashes; they are filled in by who loads it.
    pub fn new(
        now: Timestamp,
        run: RunId,
        focus: Vec<RecordId>,
        records: NumberMap<RecordId, RecordState>,
        types: Vec<ReadThrough>,
    ) -> Self {
        let mut slice = Slice {
            now,
            run,
            focus,
            beside: vec![],
            records,
            by_hash: NumberMap::default(),
            promised: NumberMap::default(),
            doubted: NumberMap::default(),
            apart: HashSet::new(),
            intents: NumberMap::default(),
            reviews: vec![],
            waiting: NumberMap::default(),
            elements: NumberMap::default(),
            types,
            reconsider: false,
            displaced: HashMap::new(),
            joined: BTreeSet::new(),
            by_key: HashMap::new(),
            members: NumberMap::default(),
            order: vec![],
        };
        slice.index();
        slice
    }

    /// The record that a review is about.
    pub fn asked_about(&self, review: &Review) -> Option<&RecordState> {
        self.records.get(&review.about.record()?)
    }

    /// R9: whether a person must say first whose record it is.
    pub fn is_doubted(&self, record: RecordId) -> bool {
        self.reviews
            .iter()
            .any(|review| review.kind == ReviewKind::AnotherRecord && review.about.is(record))
    }

    fn index(&mut self) {
        let mut all: Vec<(EntityId, RecordId)> =
            self.records.values().map(|record| (record.entity, record.id)).collect();
        all.sort_unstable();
        self.members.reserve(all.len());
        for members in all.chunk_by(|(a, _), (b, _)| a == b) {
            self.keep_members(members[0].0, members.iter().map(|(_, id)| *id));
        }
    }

    fn keep_members(&mut self, entity: EntityId, members: impl Iterator<Item = RecordId>) {
        let first = self.order.len();
        self.order.extend(members);
        self.members.insert(entity, (first, self.order.len()));
    }

    /// Makes the records findable by their record keys. Only where references are translated, or
    /// records have facets: it copies every key. The facets beside those in focus are found by
    /// that.
    pub fn index_keys(&mut self, plan: &Plan) {
        self.by_key = self
            .records
            .values()
            .map(|record| ((record.ty, record.key.clone()), record.id))
            .collect();
        if plan.has_facets {
            let focus: HashSet<RecordId> = self.focus.iter().copied().collect();
            let records = self.focus.iter().filter_map(|id| self.records.get(id));
            let facets = records.flat_map(|record| {
                plan.ty(record.ty)
                    .facets
                    .iter()
                    .filter_map(|facet| self.by_key.get(&(*facet, record.key.clone())))
            });
            self.beside = facets.copied().filter(|id| !focus.contains(id)).collect();
        }
    }

    /// The records of an entity, by number.
    pub fn members(&self, entity: EntityId) -> &[RecordId] {
        self.members.get(&entity).map_or(&[], |&(first, end)| &self.order[first..end])
    }

    /// A record by its record key.
    pub fn by_key(&self, ty: TypeIx, key: &str) -> Option<&RecordState> {
        if self.by_key.is_empty() {
            return None;
        }
        self.by_key.get(&(ty, key.to_string())).map(|id| &self.records[id])
    }

    /// The open intents of an entity.
    pub fn intents_of(&self, entity: EntityId) -> impl Iterator<Item = &Intent> {
        self.intents.get(&entity).into_iter().flatten()
    }

    /// Moves all records of some entities into one.
    pub fn merge(&mut self, into: EntityId, others: &[EntityId]) {
        let mut moved = self.members(into).to_vec();
        for entity in others {
            moved.extend(self.members(*entity));
            self.members.remove(entity);
        }
        moved.sort_unstable();
        moved.dedup();
        for id in &moved {
            if let Some(record) = self.records.get_mut(id) {
                record.entity = into;
            }
        }
        self.keep_members(into, moved.into_iter());
        let intents: Vec<Intent> =
            others.iter().filter_map(|entity| self.intents.remove(entity)).flatten().collect();
        if !intents.is_empty() {
            self.intents.entry(into).or_default().extend(intents);
        }
    }
}
