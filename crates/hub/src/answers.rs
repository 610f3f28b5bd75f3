//! A person's answers to what waits in review, and trying again what was refused.
//!
//! Which answer means what for which kind is one table, [`Hub::answer_one`]. An answer changes what
//! the store knows and puts the records onto the agenda; the next run does what follows from it.

use std::collections::BTreeSet;

use lockstep_engine::observe::mark_gone;
use lockstep_engine::settle::{Entity, candidates};
use lockstep_model::change::IntentEvent;
use lockstep_model::{
    EntityId, GuardKind, Intent, IntentKind, IntentState, RecordId, RecordState, Review,
    ReviewKind, Rule, TypeIx,
};
use lockstep_store::{Commit, JournalKind, ReviewKey};
use serde::Serialize;

use crate::acts::{ActError, ActResult};
use crate::deliver::step;
use crate::flips::Side;
use crate::report::Report;
use crate::run::{Hub, Result, RunOptions, Underway};

/// What a person says to a review.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    /// The review's number.
    pub number: i64,
    /// It was carried out.
    pub done: bool,
    /// What that means, or why not.
    pub text: String,
}

/// What is to be tried again.
#[derive(Clone, Debug)]
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
                let open = hub.store.numbered_reviews(usize::MAX >> 1)?;
                let review = open.into_iter().find(|(n, _)| *n == number).map(|(_, review)| review);
                let came = match review {
                    Some(review) => hub.answer_one(under_way, &review, answer),
                    None => Err(ActError::Refused(
                        "there is no open review of this number; `lockstep review` lists them"
                            .into(),
                    )),
                };
                answered.push(match came {
                    Ok(text) => Answered { number, done: true, text },
                    Err(ActError::Hub(error)) => return Err(ActError::Hub(error)),
                    Err(other) => Answered { number, done: false, text: other.to_string() },
                });
            }
            Ok(answered)
        })
    }

    /// One row for each kind and answer.
    fn answer_one(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        answer: &Answer,
    ) -> ActResult<String> {
        use ReviewKind as K;
        match (review.kind, answer) {
            // Which of them is it?
            (K::AmbiguousMatch | K::DisputedEntity | K::UnknownOutcome, Answer::Link(which)) => {
                let candidate = self.candidate(review, which)?;
                self.link_reviewed(under_way, review, &candidate)
            }
            (K::AmbiguousMatch | K::DisputedEntity | K::UnknownOutcome, Answer::Accept) => {
                let candidate = self.only_candidate(review)?;
                self.link_reviewed(under_way, review, &candidate)
            }
            // None of them.
            (K::AmbiguousMatch | K::DisputedEntity, Answer::Reject | Answer::Separate) => self.separate(under_way, review),
            (K::UnknownOutcome, Answer::Reject | Answer::Separate) => self.did_not_land(under_way, review),
            // The system, or the value, may be another by now.
            (K::RejectedValue | K::NotKept | K::Unconvertible, Answer::Accept) => {
                let mut commit = Commit { durable: true, ..Commit::default() };
                self.try_again(under_way, review, &mut commit)?;
                self.store.commit(commit)?;
                Ok("the next run tries it again".into())
            }
            // It may stay as it is.
            (K::RejectedValue | K::NotKept | K::Unconvertible, Answer::Reject) => self.leave(under_way, review),
            (K::RejectedValue | K::NotKept | K::Unconvertible, Answer::Link(_) | Answer::Separate) => {
                Err(ActError::Refused(format!(
                    "it is {}, not a question of links: `accept` tries it again, `reject` leaves it as it is",
                    a(review.kind)
                )))
            }
            // Is what was deleted elsewhere to be deleted here, too?
            (K::PendingDelete, Answer::Accept | Answer::Reject) => {
                let accept = *answer == Answer::Accept;
                let records = self.decide_deletion(review.record, accept)?;
                let what = if accept { "to be deleted by the next run" } else { "kept" };
                Ok(format!("{records} {}, {what}", if records == 1 { "record" } else { "records" }))
            }
            // Is that many meant?
            (K::Guard, Answer::Accept | Answer::Reject) => {
                let system = self.plan.ty(review.ty).name.system.clone();
                let Some(kind) = GuardKind::of_stand_in(review.record) else {
                    return Err(ActError::Refused("it names no guard; `lockstep release` answers all".into()));
                };
                let waiting = self.held_back(&system, kind)?;
                let accept = *answer == Answer::Accept;
                match accept {
                    true => self.release(&system, kind)?,
                    false => self.discard(&system, kind)?,
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
            (K::PendingDelete | K::Guard, Answer::Link(_) | Answer::Separate) => Err(ActError::Refused(format!(
                "it is {}, not a question of links: `accept` lets it be done, `reject` does not",
                a(review.kind)
            ))),
            // The flows, or the records, may be others by now.
            (K::Unsettled, Answer::Accept) => {
                let record = self.reviewed(review)?;
                let mut commit = Commit { durable: true, reviews_closed: vec![ReviewKey::of(review)], ..Commit::default() };
                self.decide_on(std::iter::once(&record), &mut commit)?;
                self.store.commit(commit)?;
                Ok("the next run decides on it again".into())
            }
            (K::Unsettled, Answer::Reject) => self.leave(under_way, review),
            (K::Unsettled, Answer::Link(_) | Answer::Separate) => Err(ActError::Refused(format!(
                "it is {}, not a question of links: `accept` decides on it again, `reject` leaves it as it is",
                a(review.kind)
            ))),
            // Whose record is it?
            (K::AnotherRecord, Answer::Accept) => self.identify(under_way, review, true),
            (K::AnotherRecord, Answer::Reject | Answer::Separate) => self.identify(under_way, review, false),
            (K::AnotherRecord, Answer::Link(_)) => Err(ActError::Refused(format!(
                "it is {}, not a question of links: `accept` if it is the same record, `reject` if it is another one",
                a(review.kind)
            ))),
            (K::Incomplete, _) => Err(ActError::Refused(
                "it needs no answer: the record is created as soon as it has what the other system requires".into(),
            )),
            (K::WaitingReference, _) => Err(ActError::Refused(
                "it needs no answer: the reference is written as soon as the record that it names has a counterpart".into(),
            )),
            // Which side is right?
            (K::FlipFlop, Answer::Accept) => self.settle_flips(under_way, review, Side::PutBack),
            (K::FlipFlop, Answer::Reject) => self.settle_flips(under_way, review, Side::Others),
            (K::FlipFlop, Answer::Separate) => self.settle_flips(under_way, review, Side::Each),
            (K::FlipFlop, Answer::Link(which)) => {
                let side = self.side(review, which)?;
                self.settle_flips(under_way, review, Side::Of(side))
            }
        }
    }

    /// The candidates that the record could be linked with.
    fn candidates_of(&mut self, review: &Review) -> Result<Vec<RecordState>> {
        let found = self.store.records(&review.candidates)?;
        let of = |id: &RecordId| found.iter().find(|record| record.id == *id).cloned();
        Ok(review
            .candidates
            .iter()
            .filter_map(of)
            .filter(|record| record.ty == review.ty)
            .collect())
    }

    fn only_candidate(&mut self, review: &Review) -> ActResult<RecordState> {
        let mut found = self.candidates_of(review)?;
        if found.len() == 1 {
            return Ok(found.remove(0));
        }
        let names: Vec<String> =
            found.iter().map(|record| self.name_of(record).to_string()).collect();
        Err(ActError::Refused(match names.len() {
            0 => "it has no candidate any more; `lockstep sync` decides on it anew".to_string(),
            n => format!(
                "it has {n} candidates, {}: say which with `lockstep review link N RECORD`",
                names.join(", ")
            ),
        }))
    }

    fn candidate(&mut self, review: &Review, which: &str) -> ActResult<RecordState> {
        let found = self.candidates_of(review)?;
        match which.parse::<usize>() {
            Ok(place) => found.get(place.wrapping_sub(1)).cloned().ok_or_else(|| {
                ActError::Refused(format!(
                    "it has {} candidates, so none of the number {place}",
                    found.len()
                ))
            }),
            // Any record will do: the person knows better than a match rule.
            Err(_) => Ok(self.find(which)?),
        }
    }

    /// The record whose side of a flip-flop is meant: by its place among the candidates, or by its
    /// name.
    fn side(&mut self, review: &Review, which: &str) -> ActResult<RecordId> {
        match which.parse::<usize>() {
            Ok(place) => review.candidates.get(place.wrapping_sub(1)).copied().ok_or_else(|| {
                ActError::Refused(format!(
                    "it has {} candidates, so none of the number {place}",
                    review.candidates.len()
                ))
            }),
            Err(_) => Ok(self.find(which)?.id),
        }
    }

    fn reviewed(&mut self, review: &Review) -> ActResult<RecordState> {
        let gone = || ActError::Refused("its record is not known any more".into());
        self.store.records(&[review.record])?.pop().ok_or_else(gone)
    }

    fn link_reviewed(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        candidate: &RecordState,
    ) -> ActResult<String> {
        let record = self.reviewed(review)?;
        if review.kind == ReviewKind::UnknownOutcome && !candidate.is_live() {
            return self.landed_and_gone(under_way, review, &record, candidate);
        }
        let joined = self.join_by_hand(under_way, &record, candidate)?;
        self.store
            .commit(Commit { reviews_closed: vec![ReviewKey::of(review)], ..Commit::default() })?;
        let names: Vec<String> = joined.members.iter().map(ToString::to_string).collect();
        Ok(format!("linked: {}", names.join(" = ")))
    }

    /// L7: keeps the record apart from its candidates; then creation goes on.
    fn separate(&mut self, under_way: &mut Underway, review: &Review) -> ActResult<String> {
        let record = self.reviewed(review)?;
        let others = self.candidates_of(review)?;
        if let Some(linked) = others.iter().find(|other| other.entity == record.entity) {
            let (one, other) = (self.name_of(&record), self.name_of(linked));
            return Err(ActError::Refused(format!(
                "{one} and {other} have been linked since; `lockstep unlink {one} {other}`"
            )));
        }
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        for other in &others {
            commit.apart_added.push((record.id, other.id));
            let text = "a person keeps them apart";
            commit.journal.push(self.person(
                under_way,
                JournalKind::Unlink,
                record.id,
                Some(other.id),
                text,
            ));
        }
        if review.ty == record.ty {
            // Records of one type that match each other: each gets a counterpart of its own (L6).
            for (at, one) in others.iter().enumerate() {
                commit.apart_added.extend(others[at + 1..].iter().map(|other| (one.id, other.id)));
            }
        }
        self.decide_on(std::iter::once(&record).chain(&others), &mut commit)?;
        self.store.commit(commit)?;
        let names: Vec<String> =
            others.iter().map(|other| self.name_of(other).to_string()).collect();
        Ok(format!("{} is kept apart from {}", self.name_of(&record), names.join(" and ")))
    }

    /// C2: a person knows that none of the candidates is what was created, so it is created.
    fn did_not_land(&mut self, under_way: &mut Underway, review: &Review) -> ActResult<String> {
        let now = self.clock.now();
        let record = self.reviewed(review)?;
        let others = self.candidates_of(review)?;
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        for other in &others {
            commit.apart_added.push((record.id, other.id));
        }
        let text = "a person says that its creation did not land";
        let mut entry = self.person(under_way, JournalKind::Person, record.id, None, text);
        entry.rule = Some(Rule::C2);
        commit.journal.push(entry);
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        for intent in open {
            if intent.source == review.record && intent.ty == review.ty {
                commit.intents_changed.push(step(
                    &intent,
                    IntentEvent::PutBack,
                    now,
                    Some(text.into()),
                ));
            }
        }
        // With what was edited while nobody knew.
        self.decide_on(std::iter::once(&record), &mut commit)?;
        self.store.commit(commit)?;
        Ok("the next run creates it".into())
    }

    /// C2, D1: a person knows that what was created is the candidate, which has been deleted since:
    /// the link ends where it begins, and nothing is created anew.
    fn landed_and_gone(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        record: &RecordState,
        candidate: &RecordState,
    ) -> ActResult<String> {
        let now = self.clock.now();
        let name = self.name_of(candidate);
        if candidate.entity.0 != candidate.id.0
            || !self.store.joined(&[candidate.entity])?.is_empty()
        {
            return Err(ActError::Refused(format!(
                "{name} belongs to another, and is not in its system any more"
            )));
        }
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        let text = "a person says that it had been created; it has been deleted since";
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        for intent in open.iter().filter(|intent| intent.kind == IntentKind::Create) {
            if intent.source == review.record && intent.ty == review.ty {
                let mut update = step(intent, IntentEvent::Confirm, now, Some(text.into()));
                update.record = Some(candidate.id);
                commit.intents_changed.push(update);
            }
        }
        let mut candidate = candidate.clone();
        candidate.entity = record.entity;
        // What the flows say of deletions is said of this one.
        let seen = Some(candidate.first_seen);
        commit.keys_removed.extend(mark_gone(&self.plan, &mut candidate, seen));
        let mut entry =
            self.person(under_way, JournalKind::Link, record.id, Some(candidate.id), text);
        entry.rule = Some(Rule::C2);
        commit.journal.push(entry);
        self.decide_on([record, &candidate].into_iter(), &mut commit)?;
        commit.changed_records.push(candidate);
        self.store.commit(commit)?;
        Ok(format!("{name} was it; it has been deleted since, and nothing is created anew"))
    }

    /// Leaves a refused or unconvertible value as it is: the property counts as holding what it was
    /// to be given, until that changes.
    fn leave(&mut self, under_way: &mut Underway, review: &Review) -> ActResult<String> {
        let record = self.reviewed(review)?;
        let mut commit =
            Commit { reviews_closed: vec![ReviewKey::of(review)], ..Commit::default() };
        let mut entry = self.person(
            under_way,
            JournalKind::Person,
            record.id,
            None,
            "a person leaves it as it is",
        );
        entry.rule = Some(review.rule);
        if let Some(prop) = review.prop {
            entry.path = Some(self.plan.prop(review.ty, prop).name.clone());
            entry.before = review.value.clone();
            entry.after = review.value.clone();
            let members = self.store.members(&[record.entity])?;
            let entity = Entity::of(&self.plan, members.iter().collect());
            let Some(target) =
                members.iter().find(|member| member.ty == review.ty && member.is_live())
            else {
                let message = "the record that it is about does not exist yet: run `lockstep sync` first, or put the value right";
                return Err(ActError::Refused(message.into()));
            };
            let stamp = candidates(&self.plan, &entity, target.ty, prop, Some(target.id))
                .first()
                .map(|best| best.stamp);
            let mut target = target.clone();
            target.slots[prop.at()].carries = stamp;
            commit.changed_records.push(target);
        } else {
            // What fails again and again is not tried any more.
            for intent in self.put_off_for(review)? {
                let text = "a person leaves it as it is";
                commit.intents_changed.push(step(
                    &intent,
                    IntentEvent::Refuse,
                    self.clock.now(),
                    Some(text.into()),
                ));
            }
        }
        commit.journal.push(entry);
        self.store.commit(commit)?;
        Ok("it stays as it is, until the value changes".into())
    }

    /// The writes that a review is about and that wait for their next try.
    fn put_off_for(&mut self, review: &Review) -> Result<Vec<Intent>> {
        let mut found = self.store.tried(usize::MAX >> 1)?;
        found.retain(|intent| {
            let of_it = intent.source == review.record || intent.record == Some(review.record);
            intent.state == IntentState::Queued && intent.ty == review.ty && of_it
        });
        Ok(found)
    }

    /// G4: what was refused is queued, or decided on, anew.
    fn try_again(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        commit: &mut Commit,
    ) -> Result<()> {
        commit.reviews_closed.push(ReviewKey::of(review));
        let mut entry = self.person(
            under_way,
            JournalKind::Person,
            review.record,
            None,
            "a person has it tried again",
        );
        entry.rule = Some(Rule::G4);
        entry.path = review.prop.map(|prop| self.plan.prop(review.ty, prop).name.clone());
        commit.journal.push(entry);
        let refused = |intent: &Intent| {
            intent.ty == review.ty
                && (intent.source == review.record || intent.record == Some(review.record))
        };
        if review.prop.is_none() {
            for intent in self
                .store
                .intents_in(IntentState::Refused, usize::MAX >> 1)?
                .into_iter()
                .filter(refused)
            {
                self.send_again(&intent, commit)?;
            }
            for intent in self.put_off_for(review)? {
                commit.intents_changed.push(put_forward(&intent));
            }
        }
        if let Some(record) = self.store.records(&[review.record])?.pop() {
            let members = self.store.members(&[record.entity])?;
            self.decide_on(members.iter(), commit)?;
        }
        Ok(())
    }

    /// Has a refused write sent again. A creation is decided on anew: while it was refused, its
    /// counterpart may have been linked, or have begun to be made for another record (C2).
    fn send_again(&mut self, intent: &Intent, commit: &mut Commit) -> Result<()> {
        let decided_anew = intent.kind == IntentKind::Create && !intent.takes_back();
        let event = if decided_anew { IntentEvent::Drop } else { IntentEvent::PutBack };
        let mut update =
            step(intent, event, self.clock.now(), Some("a person has it tried again".into()));
        update.attempts = 0;
        commit.intents_changed.push(update);
        if decided_anew && let Some(source) = self.store.records(&[intent.source])?.pop() {
            let members = self.store.members(&[source.entity])?;
            self.decide_on(members.iter(), commit)?;
        }
        Ok(())
    }

    /// Tries again, now, what was refused or waits for its next try: writes, values, references.
    pub fn retry(&mut self, what: &Again) -> ActResult<Report> {
        let (named, records) = match what {
            Again::All => ("--all".to_string(), None),
            Again::Record(name) => {
                let record = self.find(name)?;
                let members: BTreeSet<RecordId> =
                    self.store.members(&[record.entity])?.iter().map(|m| m.id).collect();
                (name.clone(), Some(members))
            }
        };
        let meant = |id: RecordId| records.as_ref().is_none_or(|records| records.contains(&id));
        let act = serde_json::json!({"what": format!("retry {named}")});
        Ok(self.within_run(RunOptions::default(), act, |hub, under_way, _| {
            let mut commit = Commit { durable: true, ..Commit::default() };
            let mut again_for: Vec<RecordId> = Vec::new();
            for review in hub.store.reviews(usize::MAX >> 1)? {
                let again = matches!(
                    review.kind,
                    ReviewKind::RejectedValue | ReviewKind::NotKept | ReviewKind::Unconvertible
                );
                if again && meant(review.record) {
                    again_for.push(review.record);
                    hub.try_again(under_way, &review, &mut commit)?;
                }
            }
            // Refused ones whose review was answered already, and queued ones that wait for their
            // next try.
            let mut created: BTreeSet<TypeIx> = BTreeSet::new();
            for intent in hub.store.intents_in(IntentState::Refused, usize::MAX >> 1)? {
                if meant(intent.source) && intent.kind == IntentKind::Create {
                    created.insert(intent.ty);
                }
                if meant(intent.source) {
                    again_for.extend(intent.record.into_iter().chain([intent.source]));
                }
                if meant(intent.source)
                    && !commit.intents_changed.iter().any(|update| update.id == intent.id)
                {
                    hub.send_again(&intent, &mut commit)?;
                }
            }
            for intent in hub.store.intents_in(IntentState::Queued, usize::MAX >> 1)? {
                if meant(intent.source) && intent.kind == IntentKind::Create {
                    created.insert(intent.ty);
                }
                if meant(intent.source) && intent.not_before.is_some() {
                    again_for.extend(intent.record.into_iter().chain([intent.source]));
                    commit.intents_changed.push(put_forward(&intent));
                }
            }
            hub.store.commit(commit)?;
            // What else waits to be written is for the next run.
            let entities: Vec<EntityId> =
                hub.store.records(&again_for)?.iter().map(|record| record.entity).collect();
            let members = hub.store.members(&entities)?;
            under_way
                .part
                .limit_to(members.iter().map(|member| member.id).chain(again_for).collect());
            // L8: what is to be created may have been made by somebody since.
            hub.read(under_way, &created)?;
            hub.ask_about_queued(under_way)?;
            hub.decide(under_way)?;
            hub.deliver(under_way)?;
            if std::mem::take(&mut under_way.unknown) {
                hub.settle_unknown(under_way)?;
            }
            // A value that was refused again is left out, and the rest decided on.
            hub.decide(under_way)?;
            hub.deliver(under_way)?;
            Ok(())
        })?)
    }
}

/// A queued intent that waits no more for its next try.
fn put_forward(intent: &Intent) -> lockstep_store::IntentUpdate {
    lockstep_store::IntentUpdate {
        id: intent.id,
        event: IntentEvent::Delay,
        record: intent.record,
        attempts: 0,
        not_before: None,
        message: intent.message.clone(),
        done_at: None,
    }
}

/// A kind of review with its article.
fn a(kind: ReviewKind) -> String {
    let name = kind.name();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}
