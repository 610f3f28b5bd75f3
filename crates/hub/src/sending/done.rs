//! Writes that their system says it has done.

use lockstep_engine::confirm;
use lockstep_engine::outcome::{Creation, creation};
use lockstep_model::{IntentKind, ReadRecord};

use crate::error::Result;
use crate::outcome::Before;
use crate::recover::creations::Found;
use crate::sending::batch::AnswerBatch;
use crate::sending::carry::PendingWrite;
use crate::sending::sender::Sender;
use crate::under_way::Underway;

impl Sender<'_> {
    /// Takes in that a write was done. `again` is the record as it was read after it.
    pub(crate) fn done(
        &mut self,
        under_way: &mut Underway,
        pending: PendingWrite,
        answer: ReadRecord,
        again: Option<ReadRecord>,
        batch: &mut AnswerBatch,
    ) -> Result<()> {
        match pending.intent.kind {
            IntentKind::Create => {
                let PendingWrite { intent, sent, .. } = &pending;
                let answer = self.became(under_way, intent, answer, again, sent, None);
                self.done_creation(under_way, pending, answer, batch)
            }
            IntentKind::Update => self.done_update(under_way, pending, answer, again, batch),
            IntentKind::Delete => self.done_deletion(under_way, &pending, batch),
        }
    }

    fn done_creation(
        &mut self,
        under_way: &mut Underway,
        pending: PendingWrite,
        answer: ReadRecord,
        batch: &mut AnswerBatch,
    ) -> Result<()> {
        let PendingWrite { intent, sent, not_restored } = pending;
        let key = (intent.ty, answer.id.clone());
        let answered = batch.answered.contains(&key);
        let known = batch.there.get(&key);
        match creation(&self.ledger.plan, &intent, &answer, known, answered, &sent) {
            Creation::MadeBefore => {
                let message = "its system had made it at an earlier try".to_string();
                batch.adopt.push((intent, Found::Named(Some(answer.id), None), message));
                Ok(())
            }
            Creation::KnownAsAnother => {
                // R9: whose record it is tells the next reading; what waits for it would go to a
                // stranger.
                if let Some(record) = known.map(|known| known.id) {
                    let waiting = self.ledger.store.intents_of(&[record], usize::MAX >> 1)?;
                    let of_it = waiting.iter().filter(|intent| intent.record == Some(record));
                    under_way.left.extend(of_it.map(|intent| intent.id));
                }
                let message = format!(
                    "its system answered the creation with {}, which is known as another record",
                    answer.id
                );
                self.reader().not_known(
                    under_way,
                    &intent,
                    message,
                    false,
                    &mut batch.known,
                    &mut batch.commit,
                )?;
                under_way.to_read.insert(intent.ty);
                Ok(())
            }
            Creation::HadAlready => {
                let message = "its system answered the creation with a record that it had already"
                    .to_string();
                batch.adopt.push((intent, Found::Overwritten(answer, sent), message));
                Ok(())
            }
            Creation::Made => {
                if let Some(gone) = known {
                    let heir = batch.next_record_id();
                    self.ledger.give_key_on(under_way, gone, heir, &mut batch.commit);
                    self.ledger.facets_retired(intent.ty, &answer.id, &mut batch.commit)?;
                }
                batch.answered.insert(key);
                self.made(under_way, PendingWrite { intent, sent, not_restored }, answer, batch)
            }
        }
    }

    /// A new record was made.
    fn made(
        &mut self,
        under_way: &mut Underway,
        PendingWrite { intent, sent, not_restored }: PendingWrite,
        answer: ReadRecord,
        batch: &mut AnswerBatch,
    ) -> Result<()> {
        let id = batch.take_record_id();
        let for_facets = self.ledger.has_facets(intent.ty).then(|| answer.clone());
        let (state, not_kept) =
            confirm::created(&self.ledger.plan, &intent, id, answer, &sent, batch.now);
        self.ledger.not_kept(under_way, &intent, &state, &not_kept, &sent, &mut batch.commit);
        if let Some(answer) = for_facets {
            self.ledger.facets_made(&intent, &state, &answer, &sent, &mut batch.commit)?;
        }
        let AnswerBatch { known, commit, wake, .. } = batch;
        if let Some(why) = not_restored {
            self.ledger.tell_not_restored(under_way, &state, &why, commit);
        }
        self.ledger.created(under_way, &intent, state, known, commit, wake)
    }

    fn done_update(
        &mut self,
        under_way: &mut Underway,
        PendingWrite { intent, sent, .. }: PendingWrite,
        answer: ReadRecord,
        again: Option<ReadRecord>,
        batch: &mut AnswerBatch,
    ) -> Result<()> {
        let Some(mut state) = intent.record.and_then(|id| batch.known.remove(&id)) else {
            return Ok(());
        };
        let AnswerBatch { known, commit, .. } = batch;
        let before = Before::of(&self.ledger.plan, &state, &intent);
        let answer = self.became(under_way, &intent, answer, again, &sent, Some(&state));
        if self.ledger.has_facets(intent.ty) {
            let run = under_way.report.run;
            self.ledger.facets_written(run, &intent, &state, &answer, &sent, commit)?;
        }
        let edited = confirm::shows_an_edit(&self.ledger.plan, &state, &answer, &sent)
            .then(|| answer.clone());
        let plan = &self.ledger.plan;
        let not_kept = confirm::written(plan, &mut state, &intent, answer, &sent, batch.now);
        self.ledger.not_kept(under_way, &intent, &state, &not_kept, &sent, commit);
        if let Some(answer) = edited {
            self.ledger.take_in_answer(under_way, &mut state, answer, commit)?;
        }
        let mut kept = sent;
        kept.retain(|(prop, _)| not_kept.iter().all(|lost| lost.at() != *prop));
        if !batch.once {
            known.insert(state.id, state.clone());
        }
        self.ledger.updated(under_way, &intent, &before, state, &kept, known, commit)
    }

    fn done_deletion(
        &mut self,
        under_way: &mut Underway,
        PendingWrite { intent, .. }: &PendingWrite,
        AnswerBatch { known, commit, .. }: &mut AnswerBatch,
    ) -> Result<()> {
        self.ledger.facets_gone(intent.record, commit)?;
        match intent.takes_back() {
            true => self.ledger.creation_taken_back(under_way, intent, known, commit),
            false => self.ledger.deleted(under_way, intent, known, commit),
        }
    }
}
