//! Everything that is stored, by the store's own numbers; and what is looked up in it.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::{
    Intent, IntentId, IntentState, KeyOwner, RecordId, RecordState, Review, TypeIx, Value,
};

use super::catalogue::{Bound, Catalogue};
use super::numbering::{Numbering, flow};
use crate::{AgendaEntry, JournalEntry, Lease, RunRow};

/// An intent, and what was known when it was stored.
#[derive(Clone, Debug)]
pub(super) struct StoredIntent {
    pub intent: Intent,
    /// The record type of its source.
    pub source: Option<TypeIx>,
    /// The record types of those who made the changes' claims.
    pub claimed: Vec<Option<TypeIx>>,
}

/// A record, and what was known when it was stored.
#[derive(Clone, Debug)]
pub(super) struct StoredRecord {
    pub state: RecordState,
    /// The record types of those whose claims its properties carry.
    pub carried: BTreeMap<RecordId, TypeIx>,
}

/// Everything.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub identity: String,
    pub lease: Lease,
    pub next_record: i64,
    pub next_intent: i64,
    pub next_review: i64,
    pub catalogue: Catalogue,
    pub records: BTreeMap<RecordId, StoredRecord>,
    pub by_key: BTreeMap<(TypeIx, String), RecordId>,
    pub hashes: BTreeSet<(u64, KeyOwner)>,
    pub agenda: BTreeSet<AgendaEntry>,
    pub apart: BTreeSet<(RecordId, RecordId)>,
    pub intents: BTreeMap<IntentId, StoredIntent>,
    /// By the numbers that people name them by.
    pub reviews: BTreeMap<i64, Review>,
    pub journal: Vec<JournalEntry>,
    pub runs: Vec<RunRow>,
    pub marks: BTreeMap<String, Value>,
}

impl State {
    pub(super) fn new(identity: String) -> State {
        State {
            identity,
            lease: Lease(String::new()),
            next_record: 1,
            next_intent: 1,
            next_review: 1,
            catalogue: Catalogue::default(),
            records: BTreeMap::new(),
            by_key: BTreeMap::new(),
            hashes: BTreeSet::new(),
            agenda: BTreeSet::new(),
            apart: BTreeSet::new(),
            intents: BTreeMap::new(),
            reviews: BTreeMap::new(),
            journal: vec![],
            runs: vec![],
            marks: BTreeMap::new(),
        }
    }

    /// A record's type, by the store's numbers, if the plan names it.
    pub(super) fn named_type_of(&self, bound: &Bound, record: RecordId) -> Option<TypeIx> {
        let ty = self.records.get(&record).map(|record| record.state.ty);
        ty.filter(|ty| bound.of_row.contains_key(ty))
    }

    /// A record as the plan has it; `None` where it is not there, or its type is not named.
    pub(super) fn record(&self, bound: &Bound, id: RecordId) -> Option<RecordState> {
        let stored = self.records.get(&id)?;
        let carried = |record| stored.carried.get(&record).copied();
        Numbering::Out(bound).record(&stored.state, &carried)
    }

    /// The records that meet this, as the plan has them.
    pub(super) fn records_that(
        &self,
        bound: &Bound,
        meets: impl Fn(&RecordState) -> bool,
    ) -> Vec<RecordState> {
        let found = self.records.values().filter(|stored| meets(&stored.state));
        found.filter_map(|stored| self.record(bound, stored.state.id)).collect()
    }

    /// An intent as the plan has it; `None` where its record type is not named.
    pub(super) fn intent(&self, bound: &Bound, stored: &StoredIntent) -> Option<Intent> {
        let out = Numbering::Out(bound);
        let intent = &stored.intent;
        let ty = out.ty(intent.ty)?;
        let changes = intent.changes.iter().zip(&stored.claimed);
        let changes =
            changes.filter_map(|(change, claimed)| out.change(intent.ty, change, &|_| *claimed));
        Some(Intent {
            ty,
            flow: flow(bound, ty, stored.source.and_then(|row| out.ty(row))),
            changes: changes.collect(),
            ..intent.clone()
        })
    }

    /// The intents that meet this, as the plan has them, by number.
    pub(super) fn intents_that(
        &self,
        bound: &Bound,
        meets: impl Fn(&Intent) -> bool,
        limit: usize,
    ) -> Vec<Intent> {
        let found = self.intents.values().filter(|stored| meets(&stored.intent));
        found.filter_map(|stored| self.intent(bound, stored)).take(limit).collect()
    }

    /// The open reviews with their numbers, as the plan has them, oldest first.
    pub(super) fn numbered_reviews(&self, bound: &Bound) -> Vec<(i64, Review)> {
        let out = Numbering::Out(bound);
        let named = |(number, review): (&i64, &Review)| {
            let prop = match review.prop {
                Some(prop) => Some(out.prop(review.ty, prop)?),
                None => None,
            };
            Some((*number, Review { ty: out.ty(review.ty)?, prop, ..review.clone() }))
        };
        let mut found: Vec<_> = self.reviews.iter().filter_map(named).collect();
        found.sort_by_key(|(number, review)| (review.opened_at, *number));
        found
    }

    /// Whether something was tried with an open intent, and it is not refused.
    pub(super) fn is_tried(intent: &Intent) -> bool {
        let untried =
            intent.attempts == 0 && intent.not_before.is_none() && intent.message.is_none();
        match intent.state {
            IntentState::Queued => !untried,
            state => state.is_open() && state != IntentState::Refused,
        }
    }
}
