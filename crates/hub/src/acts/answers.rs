//! A person's answers to what waits in review, and trying again what was refused.
//!
//! Which answer means what for which kind is one table, [`Hub::answer_one`]. An answer changes what
//! the store knows and puts the records onto the agenda; the next run does what follows from it.

use std::collections::BTreeSet;

use lockstep_model::{
    EntityId, Intent, IntentKind, IntentState, RecordId, Remedy, Review, ReviewKind, TypeIx,
};
use lockstep_store::{Commit, ReviewKey};
use serde::{Deserialize, Serialize};

use crate::acts::flips::Side;
use crate::acts::verdicts::{a, put_forward};
use crate::error::{ActError, ActResult, Result};
use crate::hub::Hub;
use crate::remedies::of_review;
use crate::report::Report;
use crate::under_way::{RunOptions, Underway};

/// What a person says to a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Yes: link the only candidate; try the value again; what was put back is right.
    Accept,
    /// No: none of them; leave it as it is until the value changes; what was written is right.
    Reject,
    /// Link this one, or this one is right: a record's name, or a candidate's place in the list,
    /// from 1 on.
    Link(String),
    /// They are different things: keep them apart, and go on without a link; let the values differ.
    Separate,
}

/// What an answer came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The review's number.
    pub number: i64,
    /// It was carried out.
    pub done: bool,
    /// What that means, or why not.
    pub text: String,
    /// What a person can do then.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
}

/// What is to be tried again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Again {
    All,
    /// What was refused of this record, by its name: as a target, and as a source.
    Record(String),
}

impl Hub {
    /// Carries out one answer to several reviews, in one run. A review that it does not fit stays
    /// open, with the reason.
    pub fn answer(&mut self, numbers: &[i64], answer: &Answer) -> ActResult<Vec<Answered>> {
        let what = format!(
            "review {answer:?} of {}",
            numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
        );
        self.act(&what, |hub, under_way| {
            let mut answered = Vec::new();
            for &number in numbers {
                // Looked at anew each time: one answer may settle another review.
                let open = hub.ledger.store.numbered_reviews(usize::MAX >> 1)?;
                let review = open.into_iter().find(|(n, _)| *n == number).map(|(_, review)| review);
                let came = match review {
                    Some(review) => hub.answer_one(under_way, &review, answer),
                    None => Err(ActError::advised(
                        "there is no open review of this number",
                        Remedy::LookAtReviews,
                    )),
                };
                answered.push(match came {
                    Ok(text) => Answered { number, done: true, text, remedies: vec![] },
                    Err(ActError::Hub(error)) => return Err(ActError::Hub(error)),
                    Err(other) => {
                        let (text, remedies) = (other.to_string(), other.remedies().to_vec());
                        Answered { number, done: false, text, remedies }
                    }
                });
            }
            Ok(answered)
        })
    }

    /// One row for each kind of question; each has one for each answer.
    fn answer_one(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        answer: &Answer,
    ) -> ActResult<String> {
        use ReviewKind as K;
        match review.kind {
            K::AmbiguousMatch | K::DisputedEntity | K::UnknownOutcome => {
                self.answer_which(under_way, review, answer)
            }
            K::RejectedValue | K::NotKept | K::Unconvertible => {
                self.answer_value(under_way, review, answer)
            }
            K::PendingDelete => self.answer_deletion(review, answer),
            K::Guard => self.answer_guard(review, answer),
            K::Unsettled => self.answer_unsettled(under_way, review, answer),
            K::AnotherRecord => self.answer_whose(under_way, review, answer),
            K::FlipFlop => self.answer_flips(under_way, review, answer),
            K::Incomplete => Err(ActError::Refused(
                "it needs no answer: the record is created as soon as it has what the other system requires".into(),
            )),
            K::WaitingReference => Err(ActError::Refused(
                "it needs no answer: the reference is written as soon as the record that it names has a counterpart".into(),
            )),
        }
    }

    /// Which of them is it?
    fn answer_which(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        answer: &Answer,
    ) -> ActResult<String> {
        let candidate = match answer {
            Answer::Link(which) => self.ledger.candidate(review, which)?,
            Answer::Accept => self.ledger.only_candidate(review)?,
            Answer::Reject | Answer::Separate if review.kind == ReviewKind::UnknownOutcome => {
                return self.ledger.did_not_land(under_way, review);
            }
            Answer::Reject | Answer::Separate => return self.ledger.separate(under_way, review),
        };
        self.ledger.link_reviewed(under_way, review, &candidate)
    }

    /// The system, or the value, may be another by now; or it may stay as it is.
    fn answer_value(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        answer: &Answer,
    ) -> ActResult<String> {
        match answer {
            Answer::Accept => {
                let mut commit = Commit { durable: true, ..Commit::default() };
                self.ledger.try_again(under_way, review, &mut commit)?;
                self.ledger.store.commit(commit)?;
                Ok("the next run tries it again".into())
            }
            Answer::Reject => self.ledger.leave(under_way, review),
            Answer::Link(_) | Answer::Separate => Err(self.no_question_of_links(review)),
        }
    }

    /// Is what was deleted elsewhere to be deleted here, too?
    fn answer_deletion(&mut self, review: &Review, answer: &Answer) -> ActResult<String> {
        let accept = self.is_let_be_done(review, answer)?;
        let records = match review.about.record() {
            Some(record) => self.ledger.decide_deletion(record, accept)?,
            None => 0,
        };
        if records == 0 && accept {
            return Ok("nothing is deleted: what was asked about is not so any more".into());
        }
        let what = if accept { "to be deleted by the next run" } else { "kept" };
        Ok(format!("{records} {}, {what}", if records == 1 { "record" } else { "records" }))
    }

    /// Is that many meant?
    fn answer_guard(&mut self, review: &Review, answer: &Answer) -> ActResult<String> {
        let accept = self.is_let_be_done(review, answer)?;
        let system = self.ledger.plan.ty(review.ty).name.system.clone();
        let Some(kind) = review.about.guard() else {
            return Err(ActError::advised("it names no guard", Remedy::AnswerGuards));
        };
        let waiting = self.ledger.held_back(&system, kind)?;
        match accept {
            true => self.ledger.release(&system, kind)?,
            false => self.ledger.discard(&system, kind)?,
        };
        Ok(match (waiting, accept) {
            (None, true) => "the next listing is believed".into(),
            (None, false) => "it is listed again by the next run".into(),
            (Some(1), true) => "1 waiting write, let through by the next run".into(),
            (Some(n), true) => format!("{n} waiting writes, let through by the next run"),
            (Some(1), false) => "1 waiting write, given up".into(),
            (Some(n), false) => format!("{n} waiting writes, given up"),
        })
    }

    /// The flows, or the records, may be others by now.
    fn answer_unsettled(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        answer: &Answer,
    ) -> ActResult<String> {
        match answer {
            Answer::Accept => {
                let record = self.ledger.reviewed(review)?;
                let mut commit = Commit {
                    durable: true,
                    reviews_closed: vec![ReviewKey::of(review)],
                    ..Commit::default()
                };
                self.ledger.decide_on(std::iter::once(&record), &mut commit)?;
                self.ledger.store.commit(commit)?;
                Ok("the next run decides on it again".into())
            }
            Answer::Reject => self.ledger.leave(under_way, review),
            Answer::Link(_) | Answer::Separate => Err(self.no_question_of_links(review)),
        }
    }

    /// Whose record is it?
    fn answer_whose(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        answer: &Answer,
    ) -> ActResult<String> {
        match answer {
            Answer::Accept => self.ledger.identify(under_way, review, true),
            Answer::Reject | Answer::Separate => self.ledger.identify(under_way, review, false),
            Answer::Link(_) => Err(self.no_question_of_links(review)),
        }
    }

    /// Which side is right?
    fn answer_flips(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        answer: &Answer,
    ) -> ActResult<String> {
        let side = match answer {
            Answer::Accept => Side::PutBack,
            Answer::Reject => Side::Others,
            Answer::Separate => Side::Each,
            Answer::Link(which) => Side::Of(self.ledger.side(review, which)?),
        };
        self.ledger.settle_flips(under_way, review, side)
    }

    /// Whether what waits is to be done.
    fn is_let_be_done(&mut self, review: &Review, answer: &Answer) -> ActResult<bool> {
        match answer {
            Answer::Accept => Ok(true),
            Answer::Reject => Ok(false),
            Answer::Link(_) | Answer::Separate => Err(self.no_question_of_links(review)),
        }
    }

    /// The answer does not fit the question: which do is told.
    fn no_question_of_links(&mut self, review: &Review) -> ActError {
        let known = match self.ledger.store.records(&review.candidates) {
            Ok(known) => known,
            Err(error) => return error.into(),
        };
        let known = |id| known.iter().find(|record| record.id == id);
        ActError::Advised {
            message: format!("it is {}, not a question of links", a(review.kind)),
            remedies: of_review(&self.ledger.plan, review, known),
        }
    }

    /// Tries again, now, what was refused or waits for its next try: writes, values, references.
    pub fn retry(&mut self, what: &Again) -> ActResult<Report> {
        let (named, records) = match what {
            Again::All => ("--all".to_string(), None),
            Again::Record(name) => {
                let record = self.ledger.find(name)?;
                let members: BTreeSet<RecordId> =
                    self.ledger.store.members(&[record.entity])?.iter().map(|m| m.id).collect();
                (name.clone(), Some(members))
            }
        };
        let meant = |id: RecordId| records.as_ref().is_none_or(|records| records.contains(&id));
        let act = serde_json::json!({"what": format!("retry {named}")});
        Ok(self.within_run(RunOptions::default(), act, |hub, under_way, _| {
            let Retried { created, again_for } = hub.queue_again(under_way, &meant)?;
            // What else waits to be written is for the next run.
            let entities: Vec<EntityId> =
                hub.ledger.store.records(&again_for)?.iter().map(|record| record.entity).collect();
            let members = hub.ledger.store.members(&entities)?;
            under_way
                .part
                .limit_to(members.iter().map(|member| member.id).chain(again_for).collect());
            // L8: what is to be created may have been made by somebody since.
            hub.reader().read(under_way, &created)?;
            hub.ledger.ask_about_queued(under_way)?;
            // G4: creations that were tried, and held since, are decided on again first.
            hub.decider().release_held()?;
            hub.decider().decide(under_way)?;
            hub.sender().deliver(under_way)?;
            if std::mem::take(&mut under_way.unknown) {
                hub.reader().settle_unknown(under_way)?;
            }
            // A value that was refused again is left out, and the rest decided on.
            hub.decider().decide(under_way)?;
            hub.sender().deliver(under_way)?;
            Ok(())
        })?)
    }

    /// Puts back into the outbox what was refused or waits for its next try, of the records that are
    /// meant.
    fn queue_again(
        &mut self,
        under_way: &mut Underway,
        meant: &impl Fn(RecordId) -> bool,
    ) -> Result<Retried> {
        let mut commit = Commit { durable: true, ..Commit::default() };
        let mut retried = Retried::default();
        for review in self.ledger.store.reviews(usize::MAX >> 1)? {
            let again = matches!(
                review.kind,
                ReviewKind::RejectedValue | ReviewKind::NotKept | ReviewKind::Unconvertible
            );
            if let Some(record) = review.about.record().filter(|id| again && meant(*id)) {
                retried.again_for.push(record);
                self.ledger.try_again(under_way, &review, &mut commit)?;
            }
        }
        // Refused ones whose review was answered already, and queued ones that wait for their next
        // try.
        for intent in self.ledger.store.intents_in(IntentState::Refused, usize::MAX >> 1)? {
            if !about(&intent).any(meant) {
                continue;
            }
            retried.note_creation(&intent);
            retried.again_for.extend(about(&intent));
            if !commit.intents_changed.iter().any(|update| update.id == intent.id) {
                self.ledger.send_again(&intent, &mut commit)?;
            }
        }
        for intent in self.ledger.store.intents_in(IntentState::Queued, usize::MAX >> 1)? {
            if !about(&intent).any(meant) {
                continue;
            }
            retried.note_creation(&intent);
            if intent.not_before.is_some() {
                retried.again_for.extend(about(&intent));
                commit.intents_changed.push(put_forward(&intent, self.ledger.clock.now())?);
            }
        }
        self.ledger.store.commit(commit)?;
        Ok(retried)
    }
}

/// The records that a write is about. The deletion of an extra record has no source.
fn about(intent: &Intent) -> impl Iterator<Item = RecordId> {
    let source = intent.source.record();
    intent.record.into_iter().chain(source)
}

/// What is tried again.
#[derive(Default)]
struct Retried {
    /// The record types in which something is to be created.
    created: BTreeSet<TypeIx>,
    /// The records that it is about.
    again_for: Vec<RecordId>,
}

impl Retried {
    fn note_creation(&mut self, intent: &Intent) {
        if intent.kind == IntentKind::Create {
            self.created.insert(intent.ty);
        }
    }
}
