//! A person's answer to a pending deletion (D1).

use lockstep_engine::decision::delete_rank;
use lockstep_engine::deletes::policy;
use lockstep_model::{
    FlowIx, Intent, IntentId, IntentKind, IntentState, Presence, RecordId, RecordState, ReviewKind,
    RunId, Timestamp,
};
use lockstep_store::{Commit, JournalKind, ReviewKey};

use crate::error::Result;
use crate::ledger::Ledger;

impl Ledger {
    /// A person's answer to a pending deletion (`deletes: review`): `record` is the one that was
    /// deleted, as the review names it. Accepted, the other records that were asked about are
    /// deleted by the next run; otherwise they stay, for good. Gives how many that is about: not those
    /// that were asked about as they had no counterpart, and have one now.
    pub fn decide_deletion(&mut self, record: RecordId, accept: bool) -> Result<usize> {
        let now = self.clock.now();
        let run = self.store.runs(1)?.first().map_or(RunId(0), |run| run.id);
        let mut commit = Commit { durable: true, ..Commit::default() };
        let Some(mut gone) = self.store.records(&[record])?.pop() else { return Ok(0) };
        let mut reviews = self.store.open_reviews(&[record])?;
        reviews
            .retain(|review| review.kind == ReviewKind::PendingDelete && review.about.is(record));
        let asked: Vec<RecordId> =
            reviews.iter().flat_map(|review| review.candidates.iter().copied()).collect();
        let mut others = self.store.records(&asked)?;
        others.retain(|other| other.is_live() && other.entity == gone.entity);
        commit.reviews_closed = reviews.iter().map(ReviewKey::of).collect();
        if accept && !others.is_empty() {
            let first = self.store.take_intent_ids(others.len())?;
            let mut left = Vec::with_capacity(others.len());
            for other in others {
                let id = IntentId(first.0 + left.len() as i64);
                if let Some(deletion) = self.accepted_deletion(&gone, &other, (id, run, now))? {
                    commit.intents_new.push(deletion);
                    left.push(other);
                }
            }
            others = left;
        }
        for other in &others {
            let (text, of) = match other.id == gone.id {
                true => (self.said_of_extra(other, accept)?, None),
                false => (self.said_of_deletion(&gone, accept), Some(gone.id)),
            };
            let line = self.journal_line(run, JournalKind::Person, other.id, of, text);
            commit.journal.push(line);
        }
        if accept && !others.is_empty() {
            // It was deleted before, and was there all the same (R6).
            if gone.presence == Presence::Gone {
                gone.presence = Presence::Leaving { since: now };
                commit.changed_records.push(gone);
            }
        } else if !accept && matches!(gone.presence, Presence::Leaving { .. }) {
            gone.presence = Presence::Gone;
            commit.changed_records.push(gone);
        } else if !accept && gone.is_live() {
            // L11, D1: what a person keeps is not asked about again. Of an extra record this is
            // `lockstep_engine::extra::kept`.
            commit.apart_added.extend(others.iter().map(|other| (gone.id, other.id)));
        }
        let intents = std::mem::take(&mut commit.intents_new);
        self.let_through(&intents, &mut commit)?;
        commit.intents_new = intents;
        self.store.commit(commit)?;
        Ok(others.len())
    }

    /// The deletion of `other` that a person has accepted; `None` where it was asked about as it had
    /// no counterpart, and has one now.
    fn accepted_deletion(
        &mut self,
        gone: &RecordState,
        other: &RecordState,
        (id, run, now): (IntentId, RunId, Timestamp),
    ) -> Result<Option<Intent>> {
        let from = match other.id == gone.id {
            true => self.extra_from(other)?,
            false => {
                let policy = policy(&self.plan, gone.ty, other.ty);
                Some((gone.id.into(), policy.map_or(FlowIx(0), |(flow, _)| flow)))
            }
        };
        Ok(from.map(|(source, flow)| Intent {
            id,
            run,
            kind: IntentKind::Delete,
            rank: delete_rank(self.plan.ty(other.ty).send_rank),
            ty: other.ty,
            record: Some(other.id),
            entity: gone.entity,
            source,
            flow,
            base_version: other.version.clone().into(),
            changes: vec![],
            state: IntentState::Queued,
            attempts: 0,
            not_before: None,
            message: None,
            decided_at: now,
            done_at: None,
        }))
    }

    /// What a person has said of a record, as the journal tells it.
    fn said_of_deletion(&self, gone: &RecordState, accept: bool) -> String {
        let name = self.name_of(gone);
        self.signed(&match (accept, gone.is_live()) {
            (true, true) => {
                format!("a person lets it be deleted, as {name} is not what its flow is about")
            }
            (false, true) => {
                format!("a person keeps it, though {name} is not what its flow is about")
            }
            (true, false) => format!("a person lets it be deleted, as {name} was"),
            (false, false) => format!("a person keeps it, though {name} was deleted"),
        })
    }
}
