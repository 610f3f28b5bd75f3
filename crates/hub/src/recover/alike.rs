//! Several records that look like what was created: a person is asked.

use lockstep_engine::recover::{AskedWhich, Candidates, Settled, Unanswered, settle};
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::LinkedBy;
use lockstep_model::why::WhichRecord;
use lockstep_model::{Intent, RecordId, RecordState, Review, ReviewKind, Rule, Value};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::doubts::question_of;
use crate::ledger::journal::step;
use crate::recover::unanswered;
use crate::under_way::Underway;

impl Ledger {
    /// Settles creations that sent the same, with the new records that hold it.
    pub(crate) fn settle_alike(
        &mut self,
        under_way: &mut Underway,
        intents: Vec<Intent>,
        found: Vec<RecordState>,
        candidates: &Candidates,
        last: bool,
    ) -> Result<()> {
        let mut creations = Vec::with_capacity(intents.len());
        for intent in intents {
            let source = self.store.records(intent.source.record().as_slice())?.pop();
            let members = match &source {
                Some(source) => self.store.members(&[source.entity])?,
                None => vec![],
            };
            let linked =
                members.into_iter().find(|member| member.ty == intent.ty && member.is_live());
            let asked = match self.asked(&intent)? {
                Some(Review { candidates, .. }) => {
                    let records = self.store.records(&candidates)?;
                    Some(AskedWhich { candidates, records })
                }
                None => None,
            };
            creations.push(Unanswered { intent, linked, asked });
        }
        let (mut commit, mut unclear) = (Commit::default(), Vec::new());
        for settled in settle(creations, found, candidates, last) {
            match settled {
                Settled::Linked(intent, member) => {
                    self.confirm_linked(&intent, &member, &mut commit)?
                }
                Settled::Made(intent, record) => {
                    self.confirm_found(under_way, &intent, &record, &mut commit)?
                }
                Settled::NotMade(intent) => {
                    self.was_not_created(under_way, &intent, &mut commit)?
                }
                Settled::Unclear(intent, found) => unclear.push((intent, found)),
            }
        }
        self.store.commit(commit)?;
        let mut unclear = unclear.into_iter();
        unclear.try_for_each(|(intent, found)| self.ask_which(under_way, intent, found))
    }

    /// The creation landed, its record was read, and was linked by its match key.
    fn confirm_linked(
        &mut self,
        intent: &Intent,
        member: &RecordState,
        commit: &mut Commit,
    ) -> Result<()> {
        if member.written_at.is_none() && member.first_seen >= intent.decided_at {
            self.facets_found(intent, member, commit)?;
            commit.changed_records.push(self.found_again(intent, member.clone())?);
        }
        self.confirm(intent, member, "it had been created", commit)?;
        commit.agenda_added.push(AgendaEntry::new(self.plan.ty(member.ty).decide_rank, member.id));
        Ok(())
    }

    /// The creation landed, and its record was found by what was sent.
    fn confirm_found(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        record: &RecordState,
        commit: &mut Commit,
    ) -> Result<()> {
        self.confirm(intent, record, "found again by what was sent", commit)?;
        self.facets_found(intent, record, commit)?;
        commit.changed_records.push(self.found_again(intent, record.clone())?);
        if intent.run != under_way.report.run {
            let by = LinkedBy::FoundAgain { said: intent.message.clone() };
            return self.join(under_way, intent, record, by, commit);
        }
        // No earlier run can have made it: this one has.
        let by = LinkedBy::CreatedAndFound { said: intent.message.clone() };
        self.join(under_way, intent, record, by, commit)?;
        under_way.report.system(&self.plan.ty(record.ty).name.system).created += 1;
        under_way.report.flow(intent.flow).created += 1;
        Ok(())
    }

    fn confirm(
        &self,
        intent: &Intent,
        record: &RecordState,
        what: &str,
        commit: &mut Commit,
    ) -> Result<()> {
        let message = format!("{}; {what}", unanswered(intent));
        let mut update = step(intent, IntentEvent::Confirm, self.clock.now(), Some(message))?;
        update.record = Some(record.id);
        commit.intents_changed.push(update);
        commit.reviews_closed.push(question_of(intent));
        Ok(())
    }

    /// The creation did not land: the target has been read since, and holds no such record.
    fn was_not_created(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        commit: &mut Commit,
    ) -> Result<()> {
        let message = format!("{}; it had not been created", unanswered(intent));
        let mut update = step(intent, IntentEvent::PutBack, self.clock.now(), Some(message))?;
        update.attempts += 1;
        commit.intents_changed.push(update);
        // What was edited while nobody knew could not become part of it.
        self.read_again(under_way, intent, None, commit)
    }

    /// C2: a person is asked which of some new records a creation made whose answer was lost, if
    /// any.
    pub(crate) fn ask_which(
        &mut self,
        under_way: &mut Underway,
        intent: Intent,
        found: Vec<RecordState>,
    ) -> Result<()> {
        let candidates: Vec<RecordId> = found.iter().map(|record| record.id).collect();
        if self.asked(&intent)?.is_some_and(|asked| asked.candidates == candidates) {
            return Ok(());
        }
        under_way.reviews = true;
        let (of, said) = (self.plan.ty(intent.ty).name.to_string(), intent.message.clone());
        let why = match found.len() as u64 {
            0 => WhichRecord::NotFound { of, times: u64::from(intent.attempts) + 1, said },
            records => WhichRecord::MayBeMade { of, records, said },
        };
        let review = Review {
            kind: ReviewKind::UnknownOutcome,
            about: intent.subject().into(),
            ty: intent.ty,
            prop: None,
            rule: Rule::C2,
            candidates,
            value: Value::Null,
            why: why.into(),
            opened_at: self.clock.now(),
        };
        Ok(self.store.commit(Commit { reviews_opened: vec![review], ..Commit::default() })?)
    }
}
