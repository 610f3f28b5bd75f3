//! A person's answer to a guard that has tripped.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::extra::{Because, kept};
use lockstep_engine::guard::values_changed;
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::{Act, Detail};
use lockstep_model::limits::GuardKind;
use lockstep_model::{
    About, Intent, IntentId, IntentKind, IntentState, Presence, PropIx, RecordId, RecordState,
    Review, Rule, RunId, Timestamp, Value,
};
use lockstep_store::{Commit, JournalEntry, JournalKind, ReviewKey};
use serde_json::json;

use crate::error::Result;
use crate::guards::TrippedGuard;
use crate::guards::remedies_of;
use crate::ledger::Ledger;
use crate::ledger::journal::step;

/// When a person said something.
struct Said {
    at: Timestamp,
    run: RunId,
}

impl Said {
    fn entry(
        &self,
        about: impl Into<About>,
        other: Option<RecordId>,
        intent: Option<IntentId>,
        detail: Detail,
    ) -> JournalEntry {
        JournalEntry {
            at: self.at,
            run: self.run,
            kind: JournalKind::Person,
            about: about.into(),
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::G3),
            other,
            intent,
            detail,
        }
    }
}

impl Ledger {
    /// The guards that wait for a person.
    pub fn tripped_guards(&mut self) -> Result<Vec<TrippedGuard>> {
        let reviews = self.open_guard_reviews()?;
        let line = |review: Review| {
            let kind = review.about.guard()?;
            let name = &self.plan.ty(review.ty).name;
            Some(TrippedGuard {
                system: name.system.clone(),
                guard: kind.name().into(),
                record_type: kind.writes().is_none().then(|| name.to_string()),
                remedies: remedies_of(&review, &name.system),
                why: review.why,
            })
        };
        let mut lines: Vec<TrippedGuard> = reviews.into_iter().filter_map(line).collect();
        lines.extend(self.lookalike_lines()?);
        Ok(lines)
    }

    /// A person lets through what a guard holds back, as it is now: the next run writes it, or
    /// believes the listing. Gives how many guards of this system and kind there were.
    pub fn release(&mut self, system: &str, kind: GuardKind) -> Result<usize> {
        self.answer_guard(system, kind, false)
    }

    /// A person gives up what a guard holds back: those writes are not made. They are decided anew
    /// when one of their records changes; a record whose deletion was to be passed on is kept for
    /// good. A listing is simply read again. Of values that were to be emptied or overwritten only
    /// these are given up, not what else is written with them.
    pub fn discard(&mut self, system: &str, kind: GuardKind) -> Result<usize> {
        self.answer_guard(system, kind, true)
    }

    /// How many writes a guard that has tripped holds back; `None` for one that is about a listing.
    pub(crate) fn held_back(&mut self, system: &str, kind: GuardKind) -> Result<Option<u64>> {
        let Some(write) = kind.writes() else { return Ok(None) };
        let Some(at) = self.names.iter().position(|known| known == system) else {
            return Ok(Some(0));
        };
        let guards = self.guards(self.clock.now(), false)?;
        if kind.is_of_a_property() {
            let waiting = guards
                .tally
                .values
                .iter()
                .filter(|((guard, ty, _), _)| *guard == kind && self.system_of(*ty) == at);
            return Ok(Some(waiting.map(|(_, count)| *count).max().unwrap_or(0)));
        }
        Ok(Some(self.waiting(&guards, at, write)?))
    }

    fn answer_guard(&mut self, system: &str, kind: GuardKind, discard: bool) -> Result<usize> {
        let run = self.store.runs(1)?.first().map_or(RunId(0), |run| run.id);
        let names =
            if kind == GuardKind::Vanished && !discard { self.are_not_renamed(system)? } else { 0 };
        let mut reviews = self.open_guard_reviews()?;
        reviews.retain(|review| {
            review.about == About::Guard(kind) && self.plan.ty(review.ty).name.system == system
        });
        if reviews.is_empty() {
            return Ok(names);
        }
        let mut commit = Commit { durable: true, ..Commit::default() };
        commit.reviews_closed = reviews.iter().map(ReviewKey::of).collect();
        let said = Said { at: self.clock.now(), run };
        let done = Act::Guard { guard: kind, system: system.into(), discarded: discard };
        commit.journal.push(said.entry(About::Guard(kind), None, None, self.signed(done)));
        let at = self.names.iter().position(|known| known == system).unwrap_or(0);
        match (kind.writes(), discard) {
            (None, false) => {
                let marks = reviews
                    .iter()
                    .map(|review| (self.release_type_mark(review.ty, kind), Some(json!(true))));
                commit.marks = marks.collect();
            }
            (None, true) => {}
            (Some(_), false) => {
                let through = self.store.take_intent_ids(1)?;
                commit.marks.push((self.release_mark(at, kind), Some(json!(through.0))));
            }
            (Some(write), true) => self.discard_writes(at, kind, write, &said, &mut commit)?,
        }
        self.store.commit(commit)?;
        Ok(reviews.len() + names)
    }

    /// The writes that a guard holds back are not made.
    fn discard_writes(
        &mut self,
        system: usize,
        kind: GuardKind,
        write: IntentKind,
        said: &Said,
        commit: &mut Commit,
    ) -> Result<()> {
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let through =
            marks.get(&self.release_mark(system, kind)).and_then(Value::as_i64).unwrap_or(0);
        let mut waiting = self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
        waiting.retain(|i| i.kind == write && i.id.0 > through && self.system_of(i.ty) == system);
        if kind.is_of_a_property() {
            waiting.retain(|intent| {
                values_changed(&self.plan, intent).any(|(guard, _)| guard == kind)
            });
            self.decline(kind, &waiting, commit)?;
        }
        let mut sources = BTreeSet::new();
        for intent in &waiting {
            let text = "a person discarded it".to_string();
            commit.intents_changed.push(step(intent, IntentEvent::Drop, said.at, Some(text))?);
            let about = intent.subject();
            let done = Act::Discarded { write, system: self.names[system].clone() };
            let source = intent.source.record();
            let entry = said.entry(about, source, Some(intent.id), self.signed(done));
            commit.journal.push(entry);
            sources.extend(intent.source.record());
            // D1: what is extra is so in every run; it is kept for good.
            let of_lack = intent.kind == IntentKind::Delete && !intent.takes_back();
            let known = self.store.records(intent.source.record().as_slice())?.pop();
            if of_lack && Because::of(&self.plan, intent, known.as_ref()) == Because::Extra {
                commit.apart_added.extend(intent.record.map(kept));
            }
        }
        if write == IntentKind::Delete {
            let sources: Vec<RecordId> = sources.into_iter().collect();
            for mut gone in self.store.records(&sources)? {
                if matches!(gone.presence, Presence::Leaving { .. }) {
                    gone.presence = Presence::Gone;
                    commit.changed_records.push(gone);
                }
            }
        }
        Ok(())
    }

    /// The values that a guard of single values holds back are given up: each property carries the
    /// claim that it would have taken, so that it is not given that again. What else these writes
    /// hold is decided on anew by the next run.
    fn decline(&mut self, kind: GuardKind, intents: &[Intent], commit: &mut Commit) -> Result<()> {
        let ids: Vec<RecordId> = intents.iter().filter_map(|intent| intent.record).collect();
        let mut records: BTreeMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|record| (record.id, record)).collect();
        for intent in intents {
            let given_up: Vec<PropIx> = values_changed(&self.plan, intent)
                .filter(|(guard, _)| *guard == kind)
                .map(|(_, prop)| prop)
                .collect();
            let Some(record) = intent.record.and_then(|id| records.get_mut(&id)) else { continue };
            for change in intent.changes.iter().filter(|change| given_up.contains(&change.prop)) {
                let slot = &mut record.slots[change.prop.at()];
                slot.carries = Some(change.claim);
                slot.given = Some(Box::new(change.value.clone()));
            }
        }
        self.decide_on(records.values(), commit)?;
        commit.changed_records.extend(records.into_values());
        Ok(())
    }

    /// Deletions that a person has just accepted one by one are let through, unless the guard has
    /// tripped for others.
    pub(crate) fn let_through(&mut self, intents: &[Intent], commit: &mut Commit) -> Result<()> {
        let tripped: BTreeSet<(usize, About)> = self
            .open_guard_reviews()?
            .iter()
            .map(|review| (self.system_of(review.ty), review.about))
            .collect();
        for intent in intents {
            let system = self.system_of(intent.ty);
            for guard in
                GuardKind::ALL.into_iter().filter(|guard| guard.writes() == Some(intent.kind))
            {
                if !tripped.contains(&(system, About::Guard(guard))) {
                    commit.marks.push((self.release_mark(system, guard), Some(json!(intent.id.0))));
                }
            }
        }
        Ok(())
    }
}
