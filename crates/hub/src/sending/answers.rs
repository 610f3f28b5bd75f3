//! The answers to writes.

use lockstep_connector::{Outcome, Trouble};
use lockstep_model::change::IntentEvent;
use lockstep_model::{Intent, IntentKind, ReadRecord, RecordState};

use crate::error::Result;
use crate::ledger::failing::IN_A_ROW;
use crate::ledger::journal::step;
use crate::recover::PATIENCE_MS;
use crate::recover::creations::Found;
use crate::sending::batch::AnswerBatch;
use crate::sending::carry::{Carried, PendingWrite};
use crate::sending::sender::Sender;
use crate::under_way::Underway;

impl Sender<'_> {
    /// Takes in what a system has answered to these writes.
    pub(crate) fn take_answers(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        pending: Vec<Carried>,
    ) -> Result<()> {
        let mut batch = AnswerBatch::open(self.ledger, under_way, system, &pending)?;
        for carried in pending {
            self.take_answer(under_way, carried, &mut batch)?;
        }
        batch.record(self.ledger, under_way)
    }

    fn take_answer(
        &mut self,
        under_way: &mut Underway,
        (mut pending, outcome, again): Carried,
        batch: &mut AnswerBatch,
    ) -> Result<()> {
        let again = again.map(|again| *again);
        let source = pending.intent.source.record();
        if let Some(source) = source.and_then(|id| batch.known.get(&id)) {
            // The entity may have become part of another since.
            pending.intent.entity = source.entity;
        }
        if !matches!(outcome, Outcome::Later { .. } | Outcome::Unknown { .. } | Outcome::Stopped(_))
        {
            // The system takes writes.
            under_way.failing.remove(&batch.system);
        }
        match outcome {
            Outcome::Done(answer) => self.done(under_way, pending, answer, again, batch),
            Outcome::Conflict { message } => {
                self.conflict(under_way, &pending, message, again, batch)
            }
            Outcome::Duplicate { id, message } => {
                batch.adopt.push((pending.intent, Found::Named(id, again), message));
                Ok(())
            }
            Outcome::Rejected { prop, message } => {
                let (PendingWrite { intent, sent, .. }, AnswerBatch { known, commit, .. }) =
                    (&pending, batch);
                self.ledger.rejected(under_way, intent, prop, sent, &message, known, commit)
            }
            Outcome::Gone { message } => self.gone(under_way, &pending.intent, message, batch),
            Outcome::Later { retry_after_ms, message } => {
                let (PendingWrite { intent, sent, .. }, after) = (&pending, retry_after_ms);
                let AnswerBatch { known, commit, .. } = &mut *batch;
                self.ledger.put_off(under_way, intent, &message, after, sent, known, commit)?;
                self.one_failed(under_way, batch.system, intent, &message);
                Ok(())
            }
            Outcome::Unknown { message } => {
                let (intent, text) = (&pending.intent, message.clone());
                let AnswerBatch { known, commit, .. } = &mut *batch;
                self.reader().not_known(under_way, intent, text, false, known, commit)?;
                self.one_failed(under_way, batch.system, intent, &message);
                Ok(())
            }
            Outcome::Accepted { message } => {
                let AnswerBatch { known, commit, .. } = batch;
                self.reader().not_known(under_way, &pending.intent, message, true, known, commit)
            }
            Outcome::Stopped(trouble) => self.stopped(under_way, &pending.intent, &trouble, batch),
        }
    }

    /// The record has another version than the one that the write was decided on.
    fn conflict(
        &mut self,
        under_way: &mut Underway,
        PendingWrite { intent, sent, .. }: &PendingWrite,
        message: String,
        again: Option<ReadRecord>,
        AnswerBatch { known, commit, now, .. }: &mut AnswerBatch,
    ) -> Result<()> {
        if self.ledger.is_being_written(intent)? {
            // P5: what it was read again for may be what the other write did. Asked after first,
            // then tried again.
            let why = "the answer to another write of it was lost; tried again when that is known";
            let mut update = step(intent, IntentEvent::PutBack, *now, Some(why.into()))?;
            update.not_before = Some(now.plus_ms(PATIENCE_MS));
            commit.intents_changed.push(update);
            return Ok(());
        }
        if intent.takes_back() {
            // What somebody has changed since is not put back over their heads.
            self.ledger.not_taken_back(under_way, intent, &message, known, commit)?;
            return self.ledger.read_again(under_way, intent, again, commit);
        }
        // P6: neither edit is lost. It is read again and decided again; what conflicts for ever is
        // told (G4).
        let message = format!("it meets another version each time: {message}");
        under_way.undecided.insert(intent.id);
        if intent.attempts == 0 {
            let mut update = step(intent, IntentEvent::PutBack, *now, Some(message))?;
            update.attempts = 1;
            commit.intents_changed.push(update);
        } else {
            self.ledger.put_off(under_way, intent, &message, None, sent, known, commit)?;
        }
        self.ledger.read_again(under_way, intent, again, commit)
    }

    /// The record that was to be written is not there any more.
    fn gone(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        message: String,
        AnswerBatch { known, commit, now, .. }: &mut AnswerBatch,
    ) -> Result<()> {
        let is_live = |id| known.get(&id).is_some_and(RecordState::is_live);
        if intent.kind == IntentKind::Update
            && !intent.takes_back()
            && under_way.listed.contains(&intent.ty)
            && intent.record.is_some_and(is_live)
        {
            // G4, R3: what a list of everything shows is not gone because a write does not find it.
            // If it is, the next list tells: nothing is tried again before.
            let message = format!("{message}; the list of this run shows it");
            under_way.left.insert(intent.id);
            return self.ledger.put_off(under_way, intent, &message, None, &[], known, commit);
        }
        // P5a: the system looked it up as it was before Lockstep wrote to it.
        let settles_ms = self.ledger.plan.ty(intent.ty).settles_ms;
        let just_written = |id| {
            known.get(&id).is_some_and(|record: &RecordState| {
                record.is_live() && record.is_just_written(*now, settles_ms)
            })
        };
        if intent.record.is_some_and(just_written) {
            let message = format!("{message}; it was written a moment ago");
            let after = Some(settles_ms.unsigned_abs());
            return self.ledger.put_off(under_way, intent, &message, after, &[], known, commit);
        }
        self.ledger.facets_gone(intent.record, commit)?;
        if intent.kind == IntentKind::Delete && intent.takes_back() {
            return self.ledger.creation_taken_back(under_way, intent, known, commit);
        }
        commit.intents_changed.push(step(intent, IntentEvent::Drop, *now, Some(message))?);
        self.ledger.gone(under_way, intent, known, commit);
        Ok(())
    }

    /// The write was not sent, as its system is in trouble.
    fn stopped(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        trouble: &Trouble,
        AnswerBatch { system, commit, now, .. }: &mut AnswerBatch,
    ) -> Result<()> {
        let why = Some(trouble.to_string());
        commit.intents_changed.push(step(intent, IntentEvent::PutBack, *now, why)?);
        if !under_way.paused.contains_key(system) {
            self.reader().pause(under_way, *system, Some(intent.ty), trouble);
        }
        Ok(())
    }

    /// Counts a write that failed in a way that may be its system's.
    fn one_failed(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        intent: &Intent,
        message: &str,
    ) {
        let failing = under_way.failing.entry(system).or_default();
        failing.insert(intent.subject());
        let count = failing.len();
        if count >= IN_A_ROW && !under_way.paused.contains_key(&system) {
            let message = format!(
                "the writes of {count} records failed one after the other, the last with: {message}; the others wait for the next run"
            );
            self.reader().pause(
                under_way,
                system,
                None,
                &Trouble::Busy { retry_after_ms: None, message },
            );
        }
    }
}
