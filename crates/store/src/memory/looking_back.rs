//! Looking back, and what waits for a person, through a handle on a store in memory.

use std::collections::BTreeMap;

use lockstep_model::{Intent, IntentId, RecordId, Review, ReviewKind, RunId, Timestamp};

use super::handle::MemoryStore;
use super::history::is_of;
use crate::boundary::{History, Reviews};
use crate::{JournalEntry, Result, RunRow, WrittenName};

impl Reviews for MemoryStore {
    fn reviews(&mut self, limit: usize) -> Result<Vec<Review>> {
        let found = self.numbered_reviews(limit)?;
        Ok(found.into_iter().map(|(_, review)| review).collect())
    }

    fn review_counts(&mut self) -> Result<Vec<(ReviewKind, u64)>> {
        let mut counts: BTreeMap<ReviewKind, u64> = BTreeMap::new();
        for (_, review) in self.state().numbered_reviews(&self.bound) {
            *counts.entry(review.kind).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    fn numbered_reviews(&mut self, limit: usize) -> Result<Vec<(i64, Review)>> {
        let mut found = self.state().numbered_reviews(&self.bound);
        found.truncate(limit);
        Ok(found)
    }
}

impl History for MemoryStore {
    fn journal(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<JournalEntry>> {
        Ok(self.state().journal_of(records, limit))
    }

    fn journal_of_runs(&mut self, runs: (RunId, RunId), limit: usize) -> Result<Vec<JournalEntry>> {
        let state = self.state();
        let found = state.journal.iter().filter(|entry| is_of(entry.run, runs));
        Ok(found.take(limit).cloned().collect())
    }

    fn intents_of(&mut self, records: &[RecordId], limit: usize) -> Result<Vec<Intent>> {
        let concerns = |one: &Intent| {
            [one.source.record(), one.record].iter().flatten().any(|id| records.contains(id))
        };
        Ok(self.state().intents_that(&self.bound, concerns, limit))
    }

    fn intents_of_runs(
        &mut self,
        runs: (RunId, RunId),
        after: Option<IntentId>,
        limit: usize,
    ) -> Result<Vec<Intent>> {
        let decided = |one: &Intent| is_of(one.run, runs) && Some(one.id) > after;
        Ok(self.state().intents_that(&self.bound, decided, limit))
    }

    fn written_names(&mut self, runs: (RunId, RunId)) -> Result<Vec<WrittenName>> {
        Ok(self.state().written_names(runs))
    }

    fn runs(&mut self, limit: usize) -> Result<Vec<RunRow>> {
        Ok(self.state().runs.iter().rev().take(limit).cloned().collect())
    }

    fn run(&mut self, id: RunId) -> Result<Option<RunRow>> {
        Ok(self.state().runs.iter().find(|row| row.id == id).cloned())
    }

    fn run_from(&mut self, since: Timestamp) -> Result<Option<RunId>> {
        Ok(self.state().runs.iter().find(|row| row.started >= since).map(|row| row.id))
    }
}
