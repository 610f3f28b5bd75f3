//! What each answer to a review does.

use lockstep_engine::observe::mark_gone;
use lockstep_engine::settle::{Entity, candidates};
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::Act;
use lockstep_model::{
    Intent, IntentKind, IntentState, RecordId, RecordState, Remedy, Review, ReviewKind, Rule,
    Timestamp,
};
use lockstep_store::{Commit, IntentUpdate, JournalKind, ReviewKey};

use crate::error::{ActError, ActResult, Result};
use crate::ledger::Ledger;
use crate::ledger::journal::step;
use crate::under_way::Underway;

impl Ledger {
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

    pub(crate) fn only_candidate(&mut self, review: &Review) -> ActResult<RecordState> {
        let mut found = self.candidates_of(review)?;
        if found.len() == 1 {
            return Ok(found.remove(0));
        }
        let names: Vec<String> =
            found.iter().map(|record| self.name_of(record).to_string()).collect();
        Err(match names.len() {
            0 => ActError::advised("it has no candidate any more", Remedy::Run),
            n => ActError::advised(
                format!("it has {n} candidates, {}", names.join(", ")),
                Remedy::ChooseCandidate,
            ),
        })
    }

    pub(crate) fn candidate(&mut self, review: &Review, which: &str) -> ActResult<RecordState> {
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
    pub(crate) fn side(&mut self, review: &Review, which: &str) -> ActResult<RecordId> {
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

    pub(crate) fn reviewed(&mut self, review: &Review) -> ActResult<RecordState> {
        let gone = || ActError::Refused("its record is not known any more".into());
        self.store.records(review.about.record().as_slice())?.pop().ok_or_else(gone)
    }

    pub(crate) fn link_reviewed(
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
    pub(crate) fn separate(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
    ) -> ActResult<String> {
        let record = self.reviewed(review)?;
        let others = self.candidates_of(review)?;
        if let Some(linked) = others.iter().find(|other| other.entity == record.entity) {
            let (one, other) = (self.name_of(&record), self.name_of(linked));
            return Err(ActError::advised(
                format!("{one} and {other} have been linked since"),
                Remedy::Unlink { a: one.to_string(), b: other.to_string() },
            ));
        }
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        for other in &others {
            commit.apart_added.push((record.id, other.id));
            commit.journal.push(self.person(
                under_way,
                JournalKind::Unlink,
                record.id,
                Some(other.id),
                Act::KeptApart,
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
    pub(crate) fn did_not_land(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
    ) -> ActResult<String> {
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
        let done = Act::NotCreated;
        let text = lockstep_wording::act(&done);
        let mut entry = self.person(under_way, JournalKind::Person, record.id, None, done);
        entry.rule = Some(Rule::C2);
        commit.journal.push(entry);
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        for intent in open {
            if intent.source.record().is_some_and(|id| review.about.is(id))
                && intent.ty == review.ty
            {
                commit.intents_changed.push(step(
                    &intent,
                    IntentEvent::PutBack,
                    now,
                    Some(text.clone()),
                )?);
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
            || !self.store.members_except_founder(&[candidate.entity])?.is_empty()
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
        let done = Act::CreatedAndDeleted;
        let text = lockstep_wording::act(&done);
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        for intent in open.iter().filter(|intent| intent.kind == IntentKind::Create) {
            if intent.source.record().is_some_and(|id| review.about.is(id))
                && intent.ty == review.ty
            {
                let mut update = step(intent, IntentEvent::Confirm, now, Some(text.clone()))?;
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
            self.person(under_way, JournalKind::Link, record.id, Some(candidate.id), done);
        entry.rule = Some(Rule::C2);
        commit.journal.push(entry);
        self.decide_on([record, &candidate].into_iter(), &mut commit)?;
        commit.changed_records.push(candidate);
        self.store.commit(commit)?;
        Ok(format!("{name} was it; it has been deleted since, and nothing is created anew"))
    }

    /// Leaves a refused or unconvertible value as it is: the property counts as holding what it was
    /// to be given, until that changes.
    pub(crate) fn leave(&mut self, under_way: &mut Underway, review: &Review) -> ActResult<String> {
        let record = self.reviewed(review)?;
        let mut commit =
            Commit { reviews_closed: vec![ReviewKey::of(review)], ..Commit::default() };
        let mut entry = self.person(under_way, JournalKind::Person, record.id, None, Act::Left);
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
                let message = "the record that it is about does not exist yet; put the value right, or run first";
                return Err(ActError::advised(message, Remedy::Run));
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
                let text = lockstep_wording::act(&Act::Left);
                commit.intents_changed.push(step(
                    &intent,
                    IntentEvent::Refuse,
                    self.clock.now(),
                    Some(text),
                )?);
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
            let of_it = concerns(intent, review);
            intent.state == IntentState::Queued && intent.ty == review.ty && of_it
        });
        Ok(found)
    }

    /// G4: what was refused is queued, or decided on, anew.
    pub(crate) fn try_again(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        commit: &mut Commit,
    ) -> Result<()> {
        commit.reviews_closed.push(ReviewKey::of(review));
        let mut entry =
            self.person(under_way, JournalKind::Person, review.about, None, Act::TriedAgain);
        entry.rule = Some(Rule::G4);
        entry.path = review.prop.map(|prop| self.plan.prop(review.ty, prop).name.clone());
        commit.journal.push(entry);
        let refused = |intent: &Intent| intent.ty == review.ty && concerns(intent, review);
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
                commit.intents_changed.push(put_forward(&intent, self.clock.now())?);
            }
        }
        if let Some(record) = self.store.records(review.about.record().as_slice())?.pop() {
            let members = self.store.members(&[record.entity])?;
            self.decide_on(members.iter(), commit)?;
        }
        Ok(())
    }

    /// Has a refused write sent again. A creation is decided on anew: while it was refused, its
    /// counterpart may have been linked, or have begun to be made for another record (C2).
    pub(crate) fn send_again(&mut self, intent: &Intent, commit: &mut Commit) -> Result<()> {
        let decided_anew = intent.kind == IntentKind::Create && !intent.takes_back();
        let event = if decided_anew { IntentEvent::Drop } else { IntentEvent::PutBack };
        let mut update =
            step(intent, event, self.clock.now(), Some(lockstep_wording::act(&Act::TriedAgain)))?;
        update.attempts = 0;
        commit.intents_changed.push(update);
        if decided_anew
            && let Some(source) = self.store.records(intent.source.record().as_slice())?.pop()
        {
            let members = self.store.members(&[source.entity])?;
            self.decide_on(members.iter(), commit)?;
        }
        Ok(())
    }
}

/// Whether a write goes to the record that a review is about, or comes from it.
fn concerns(intent: &Intent, review: &Review) -> bool {
    [intent.source.record(), intent.record].into_iter().flatten().any(|id| review.about.is(id))
}

/// A queued intent that waits no more for its next try.
pub(crate) fn put_forward(intent: &Intent, now: Timestamp) -> Result<IntentUpdate> {
    let forward = step(intent, IntentEvent::Delay, now, intent.message.clone())?;
    Ok(IntentUpdate { attempts: 0, ..forward })
}

/// A kind of review with its article.
pub(crate) fn a(kind: ReviewKind) -> String {
    let name = kind.name();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}
