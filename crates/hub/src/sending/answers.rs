//! The answers to writes.

use std::collections::{BTreeSet, HashSet};

use lockstep_connector::{Answers, Outcome, Trouble};
use lockstep_engine::confirm;
use lockstep_model::change::IntentEvent;
use lockstep_model::value::{effective, is_empty, same};
use lockstep_model::{
    Intent, IntentKind, NumberMap, ReadRecord, RecordId, RecordState, TypeIx, Value,
};
use lockstep_store::Commit;

use crate::error::Result;
use crate::ledger::failing::{IN_A_ROW, subject};
use crate::ledger::journal::step;
use crate::outcome::Before;
use crate::recover::PATIENCE_MS;
use crate::recover::creations::Found;
use crate::report::timed;
use crate::sending::Sender;
use crate::sending::carry::{Carried, Parcel, shows};
use crate::under_way::Underway;

impl Sender<'_> {
    pub(crate) fn take_answers(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        parcels: Vec<Carried>,
    ) -> Result<()> {
        let now = self.ledger.clock.now();
        let mut commit = Commit { durable: false, ..Commit::default() };
        // What a write came from is only looked up where something is to be said about it, or
        // refers to it: not a million times.
        let all_done = parcels.iter().all(|(_, outcome, _)| matches!(outcome, Outcome::Done(_)));
        let sources = !all_done || under_way.report.has_room() || self.ledger.plan.has_references();
        let ids =
            |intent: &Intent| intent.record.into_iter().chain(sources.then_some(intent.source));
        let mut targets: Vec<RecordId> =
            parcels.iter().flat_map(|(parcel, _, _)| ids(&parcel.intent)).collect();
        if under_way.report.has_room() && self.ledger.plan.has_references() {
            // What is told of a reference names the record that it stands for (P8).
            let changes = parcels.iter().flat_map(|(parcel, _, _)| &parcel.intent.changes);
            targets.extend(
                changes
                    .filter_map(|change| change.counterpart_of.map(|counterpart| counterpart.of)),
            );
        }
        let shares = &mut under_way.report.shares;
        let known = timed(&mut shares.loading_ms, || self.ledger.store.records(&targets))?;
        let known = known.into_iter();
        let mut known: NumberMap<RecordId, RecordState> =
            known.map(|record| (record.id, record)).collect();
        // Nothing else is looked for in what is known than each write's own record.
        let once = !sources && known.len() == targets.len();
        let creations = parcels
            .iter()
            .filter(|(p, o, _)| {
                p.intent.kind == IntentKind::Create && matches!(o, Outcome::Done(_))
            })
            .count();
        let mut next_id =
            if creations > 0 { self.ledger.store.take_record_ids(creations)?.0 } else { 0 };
        commit.intents_changed.reserve(parcels.len());
        commit.new_records.reserve(creations);
        commit.keys_added.reserve(creations);
        commit.changed_records.reserve(known.len());
        let mut wake = Vec::new();
        let mut adopt = Vec::new();
        let there = self.ledger.known_already(&parcels)?;
        // What is answered in this very batch belongs to the first creation that it was the answer
        // to.
        let mut answered: HashSet<(TypeIx, String)> = HashSet::new();
        for (parcel, outcome, again) in parcels {
            let (Parcel { mut intent, sent }, mut again) = (parcel, again.map(|again| *again));
            if let Some(source) = known.get(&intent.source) {
                // The entity may have become part of another since.
                intent.entity = source.entity;
            }
            if !matches!(
                outcome,
                Outcome::Later { .. } | Outcome::Unknown { .. } | Outcome::Stopped(_)
            ) {
                // The system takes writes.
                under_way.failing.remove(&system);
            }
            let outcome = match outcome {
                Outcome::Done(answer) if intent.kind == IntentKind::Create => Outcome::Done(
                    self.became(under_way, &intent, answer, again.take(), &sent, None),
                ),
                other => other,
            };
            match outcome {
                // C2: by its idempotency key the system gave what it had made at an earlier try,
                // and what has been read since.
                Outcome::Done(answer)
                    if self.ledger.made_before(&intent, &answer, &there, &sent) =>
                {
                    let message = "its system had made it at an earlier try".to_string();
                    adopt.push((intent, Found::Named(Some(answer.id), None), message));
                }
                // R9: the key of a record that is known as somebody else, who has nothing of what
                // was sent: that one may be gone, and its key be given on. What the record shows
                // decides it, or a person.
                Outcome::Done(answer)
                    if intent.kind == IntentKind::Create
                        && !answered.contains(&(intent.ty, answer.id.clone()))
                        && there.get(&(intent.ty, answer.id.clone())).is_some_and(|known| {
                            known.is_live() && self.ledger.has_nothing_of(known, &sent)
                        }) =>
                {
                    let message = format!(
                        "its system answered the creation with {}, which is known as another record",
                        answer.id
                    );
                    self.reader().not_known(
                        under_way,
                        &intent,
                        message,
                        false,
                        &mut known,
                        &mut commit,
                    )?;
                    under_way.to_read.insert(intent.ty);
                }
                // R9: what is known already has not been made by this, but found; and perhaps
                // overwritten.
                Outcome::Done(answer)
                    if intent.kind == IntentKind::Create
                        && (answered.contains(&(intent.ty, answer.id.clone()))
                            || there
                                .get(&(intent.ty, answer.id.clone()))
                                .is_some_and(|known| self.ledger.is_it(known, &answer, &sent))) =>
                {
                    let message =
                        "its system answered the creation with a record that it had already"
                            .to_string();
                    adopt.push((intent, Found::Overwritten(answer, sent), message));
                }
                Outcome::Done(answer) if intent.kind == IntentKind::Create => {
                    if let Some(gone) = there.get(&(intent.ty, answer.id.clone())) {
                        self.ledger.give_key_on(under_way, gone, RecordId(next_id), &mut commit);
                        self.ledger.facets_retired(intent.ty, &answer.id, &mut commit)?;
                    }
                    answered.insert((intent.ty, answer.id.clone()));
                    let for_facets = self.ledger.has_facets(intent.ty).then(|| answer.clone());
                    let (state, not_kept) = confirm::created(
                        &self.ledger.plan,
                        &intent,
                        RecordId(next_id),
                        answer,
                        &sent,
                        now,
                    );
                    next_id += 1;
                    self.ledger.not_kept(under_way, &intent, &state, &not_kept, &sent, &mut commit);
                    if let Some(answer) = for_facets {
                        self.ledger.facets_made(&intent, &state, &answer, &sent, &mut commit)?;
                    }
                    self.ledger.created(under_way, &intent, state, &known, &mut commit, &mut wake);
                }
                Outcome::Done(answer) if intent.kind == IntentKind::Update => {
                    let Some(mut state) = intent.record.and_then(|id| known.remove(&id)) else {
                        continue;
                    };
                    let before = Before::of(&self.ledger.plan, &state, &intent);
                    let answer =
                        self.became(under_way, &intent, answer, again, &sent, Some(&state));
                    if self.ledger.has_facets(intent.ty) {
                        self.ledger.facets_written(
                            under_way.report.run,
                            &intent,
                            &state,
                            &answer,
                            &sent,
                            &mut commit,
                        )?;
                    }
                    let edited = confirm::shows_an_edit(&self.ledger.plan, &state, &answer, &sent)
                        .then(|| answer.clone());
                    let not_kept = confirm::written(
                        &self.ledger.plan,
                        &mut state,
                        &intent,
                        answer,
                        &sent,
                        now,
                    );
                    self.ledger.not_kept(under_way, &intent, &state, &not_kept, &sent, &mut commit);
                    if let Some(answer) = edited {
                        self.ledger.take_in_answer(under_way, &mut state, answer, &mut commit)?;
                    }
                    let mut kept = sent;
                    kept.retain(|(prop, _)| not_kept.iter().all(|lost| lost.at() != *prop));
                    if !once {
                        known.insert(state.id, state.clone());
                    }
                    self.ledger.updated(
                        under_way,
                        &intent,
                        &before,
                        state,
                        &kept,
                        &known,
                        &mut commit,
                    )?;
                }
                Outcome::Done(_) => {
                    self.ledger.facets_gone(intent.record, &mut commit)?;
                    match intent.takes_back() {
                        true => self.ledger.creation_taken_back(
                            under_way,
                            &intent,
                            &mut known,
                            &mut commit,
                        ),
                        false => self.ledger.deleted(under_way, &intent, &mut known, &mut commit),
                    }
                }
                Outcome::Conflict { .. } if self.ledger.is_being_written(&intent)? => {
                    // P5: what it was read again for may be what the other write did. Asked after
                    // first, then tried again.
                    let why = "the answer to another write of it was lost; tried again when that is known";
                    let mut update = step(&intent, IntentEvent::PutBack, now, Some(why.into()));
                    update.not_before = Some(now.plus_ms(PATIENCE_MS));
                    commit.intents_changed.push(update);
                }
                // What somebody has changed since is not put back over their heads.
                Outcome::Conflict { message } if intent.takes_back() => {
                    self.ledger.not_taken_back(under_way, &intent, &message, &known, &mut commit);
                    self.ledger.read_again(under_way, &intent, again, &mut commit)?;
                }
                Outcome::Conflict { message } => {
                    // P6: neither edit is lost. It is read again and decided again; what conflicts
                    // for ever is told (G4).
                    let message = format!("it meets another version each time: {message}");
                    under_way.undecided.insert(intent.id);
                    match intent.attempts {
                        0 => {
                            let mut update =
                                step(&intent, IntentEvent::PutBack, now, Some(message));
                            update.attempts = 1;
                            commit.intents_changed.push(update);
                        }
                        _ => self.ledger.put_off(
                            under_way,
                            &intent,
                            &message,
                            None,
                            &sent,
                            &known,
                            &mut commit,
                        ),
                    }
                    self.ledger.read_again(under_way, &intent, again, &mut commit)?;
                }
                // It counts as sent until what it is a duplicate of is settled: a killed run would
                // leave it refused, and nobody asked.
                Outcome::Duplicate { id, message } => {
                    adopt.push((intent, Found::Named(id, again), message))
                }
                Outcome::Rejected { prop, message } => self.ledger.rejected(
                    under_way,
                    &intent,
                    prop,
                    &sent,
                    &message,
                    &known,
                    &mut commit,
                ),
                Outcome::Gone { .. }
                    if intent.kind == IntentKind::Delete && intent.takes_back() =>
                {
                    self.ledger.facets_gone(intent.record, &mut commit)?;
                    self.ledger.creation_taken_back(under_way, &intent, &mut known, &mut commit)
                }
                Outcome::Gone { message } => {
                    self.ledger.facets_gone(intent.record, &mut commit)?;
                    commit.intents_changed.push(step(
                        &intent,
                        IntentEvent::Drop,
                        now,
                        Some(message),
                    ));
                    self.ledger.gone(under_way, &intent, &mut known, &mut commit);
                }
                Outcome::Later { retry_after_ms, message } => {
                    self.ledger.put_off(
                        under_way,
                        &intent,
                        &message,
                        retry_after_ms,
                        &sent,
                        &known,
                        &mut commit,
                    );
                    self.one_failed(under_way, system, &intent, &message);
                }
                Outcome::Unknown { message } => {
                    self.reader().not_known(
                        under_way,
                        &intent,
                        message.clone(),
                        false,
                        &mut known,
                        &mut commit,
                    )?;
                    self.one_failed(under_way, system, &intent, &message);
                }
                Outcome::Accepted { message } => {
                    self.reader().not_known(
                        under_way,
                        &intent,
                        message,
                        true,
                        &mut known,
                        &mut commit,
                    )?;
                }
                Outcome::Stopped(trouble) => {
                    commit.intents_changed.push(step(
                        &intent,
                        IntentEvent::PutBack,
                        now,
                        Some(trouble.to_string()),
                    ));
                    if !under_way.paused.contains_key(&system) {
                        self.reader().pause(under_way, system, Some(intent.ty), &trouble);
                    }
                }
            }
        }
        wake.sort_unstable();
        wake.dedup();
        self.ledger.wake(&wake, &mut commit)?;
        // How many there are now is known of a system also where nothing of it is read any more.
        let counted =
            commit.new_records.iter().chain(&commit.changed_records).map(|record| record.ty);
        let counted: BTreeSet<TypeIx> = counted.collect();
        commit.counts =
            counted.into_iter().map(|ty| (ty, self.ledger.status[ty.at()].records)).collect();
        self.ledger.to_be_looked_at_again(under_way, now, &mut commit);
        timed(&mut under_way.report.shares.storing_ms, || self.ledger.store.commit(commit))?;
        for (intent, found, message) in adopt {
            self.ledger.adopt(under_way, intent, found, message)?;
        }
        Ok(())
    }

    /// R6: what is known of a record after a write: what it showed when it was read then, else what
    /// the answer told. What neither shows for certain is left untold.
    fn became(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        mut answer: ReadRecord,
        read: Option<ReadRecord>,
        sent: &[(usize, Value)],
        before: Option<&RecordState>,
    ) -> ReadRecord {
        let ty = self.ledger.plan.ty(intent.ty);
        let worth = self.systems[self.ledger.system_of(intent.ty)]
            .connector
            .answers(&ty.name.kind, before.is_none());
        if worth == Answers::Stored {
            return answer;
        }
        let shown =
            |shown: Option<&Value>, value: &Value| shown.is_some_and(|shown| shows(shown, value));
        let Some(read) = read else {
            let mut unsure = false;
            for (prop, value) in sent {
                if worth == Answers::Unsure || !shown(answer.values[*prop].as_ref(), value) {
                    (answer.values[*prop], unsure) = (None, true);
                }
            }
            if unsure && !ty.can.get {
                // Only a listing shows it.
                under_way.to_read.insert(intent.ty);
            }
            return answer;
        };
        let mut others = Vec::new();
        let other_version = worth == Answers::Believed
            && answer.version.is_some()
            && read.version.is_some()
            && answer.version != read.version;
        let mut apart = false;
        for (prop, now) in read.values.into_iter().enumerate() {
            let Some((_, value)) = sent.iter().find(|(sent, _)| *sent == prop) else {
                others.push((prop, now));
                continue;
            };
            let described = &ty.props[prop];
            let held =
                before.map_or(&Value::Null, |state| state.slots[prop].value(described.whole));
            let now = match now {
                Some(now) => Some(now),
                // Believed where it shows what was sent.
                None if worth == Answers::Believed
                    && shown(answer.values[prop].as_ref(), value) =>
                {
                    answer.values[prop].take()
                }
                // Some systems leave out what is empty, false or none; a property for creations
                // only is shown by few.
                None if described.create_only
                    || is_empty(value)
                    || *value == Value::Bool(false)
                    || value.as_f64() == Some(0.0) =>
                {
                    None
                }
                None => Some(Value::Null),
            };
            // P5a: within the delay that the system states this may be the state from before the
            // write.
            let may_be_older = |now: &Value| {
                let first = effective(now, described.whole);
                ty.settles_ms > 0
                    && !shows(now, value)
                    && (is_empty(first) || same(described.terms(), first, held))
            };
            if now.as_ref().is_some_and(may_be_older) {
                under_way.too_early.insert((intent.ty, answer.id.clone()));
            }
            // P5: of another version than the write left, and neither what was there nor made of
            // what was sent: somebody's edit since.
            let is_later = |now: &Value| {
                let first = effective(now, described.whole);
                let kept = shows(now, value) || confirm::made_of(value, first);
                other_version && !kept && !is_empty(first) && !same(described.terms(), first, held)
            };
            let not_ours = now.as_ref().is_some_and(|now| may_be_older(now) || is_later(now));
            apart |= not_ours;
            answer.values[prop] = now.filter(|_| !not_ours);
        }
        if apart || other_version {
            // P5, P5a: then its version, its time and what else it shows may not be those that the
            // write left, either. Taken for them, what the system has made of the value (P3) would
            // be an edit when it is seen, or somebody's edit none: of another property, too.
            return answer;
        }
        for (prop, now) in others {
            answer.values[prop] = now.or(answer.values[prop].take());
        }
        answer.version = read.version.or(answer.version);
        answer.modified = read.modified.or(answer.modified);
        answer
    }

    /// Counts a write that failed in a way that may be its system's.
    pub(crate) fn one_failed(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        intent: &Intent,
        message: &str,
    ) {
        let failing = under_way.failing.entry(system).or_default();
        failing.insert(subject(intent));
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
