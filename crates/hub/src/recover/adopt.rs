//! A creation that was refused as a duplicate: the record that is there already (L8).

use lockstep_engine::adopt::{Adoption, Meeting, Overwritten, adoption, overwritten};
use lockstep_engine::keys::{hashes, rekey};
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::{LinkedBy, Wrote};
use lockstep_model::why::WhichRecord;
use lockstep_model::{
    Intent, IntentKind, IntentState, Presence, ReadRecord, RecordId, RecordState, Review,
    ReviewKind, Rule, RunId, Source, Value,
};
use lockstep_store::{AgendaEntry, Commit, JournalEntry, JournalKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::journal::step;
use crate::recover::PATIENCE_MS;
use crate::recover::creations::Found;
use crate::remedies::of_review;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

impl Ledger {
    /// C2: a target that refuses a creation as a duplicate and names the record it has, or answers
    /// with one that is known, has made a match.
    pub(crate) fn adopt(
        &mut self,
        under_way: &mut Underway,
        intent: Intent,
        found: Found,
        message: String,
    ) -> Result<()> {
        let (id, record) = match found {
            Found::Named(id, record) => (id, record),
            Found::Overwritten(answer, sent) => {
                let id = answer.id.clone();
                self.put_back_overwritten(under_way, &intent, answer, &sent)?;
                (Some(id), None)
            }
        };
        let deleted = match &id {
            Some(id) => self.store.by_key(intent.ty, &[id])?.pop(),
            None => None,
        };
        let deleted = deleted.filter(|known| known.presence == Presence::Replaceable);
        if let Some(record) = record {
            self.observe_adopted(under_way, &intent, record)?;
        }
        let found = match &id {
            Some(id) => self.store.by_key(intent.ty, &[id])?.pop(),
            None => None,
        };
        let source = self.store.records(intent.source.record().as_slice())?.pop();
        let mut commit = Commit::default();
        if let (Some(found), Some(source)) = (&found, &source) {
            let now = self.clock.now();
            match self.adoption(&intent, found, source)? {
                Adoption::MayBeAnothers => {
                    let why = "what the system has may be what another creation made; asked again when that is known";
                    let mut update = step(&intent, IntentEvent::PutBack, now, Some(why.into()))?;
                    update.not_before = Some(now.plus_ms(PATIENCE_MS));
                    commit.intents_changed.push(update);
                    return Ok(self.store.commit(commit)?);
                }
                Adoption::IsLinked => {
                    if deleted.is_some_and(|deleted| deleted.id == found.id) && found.is_live() {
                        self.tell_restored(under_way, &intent, found, source);
                    }
                    let drops = step(&intent, IntentEvent::Drop, now, Some(message))?;
                    commit.intents_changed.push(drops);
                    return Ok(self.store.commit(commit)?);
                }
                Adoption::Match => {
                    let drops = step(&intent, IntentEvent::Drop, now, Some(message))?;
                    commit.intents_changed.push(drops);
                    self.join(under_way, &intent, found, LinkedBy::HadAlready, &mut commit)?;
                    return Ok(self.store.commit(commit)?);
                }
                Adoption::Disputed => {}
            }
        }
        self.dispute(under_way, &intent, found, source, message)
    }

    /// D2: what was deleted after a record that is back is in its system again.
    fn tell_restored(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        restored: &RecordState,
        source: &RecordState,
    ) {
        let system = self.plan.ty(restored.ty).name.system.clone();
        under_way.report.system(&system).updated += 1;
        under_way.report.flow(intent.flow).updated += 1;
        let flow = self.plan.flow_name(intent.flow);
        let name = |one: &RecordState| RecordName::of(&self.plan, one.ty, &one.key);
        let (source, record) = (name(source), name(restored));
        under_way.report.event(|| Event::Restored { flow, source, record });
    }

    /// Takes in the record that a creation has found, unless an answer to a write of it is waited
    /// for: then what it shows may be what that did.
    fn observe_adopted(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        record: ReadRecord,
    ) -> Result<()> {
        let known = self.store.by_key(intent.ty, &[&record.id])?.pop();
        let unanswered = known
            .map(|known| self.has_unanswered(known.entity, known.id, intent.id))
            .transpose()?;
        if unanswered != Some(true) {
            let mut commit = Commit::default();
            self.observe_one(under_way, intent.ty, record, &mut commit)?;
            self.store.commit(commit)?;
        }
        Ok(())
    }

    /// What becomes of a creation that has found this record.
    fn adoption(
        &mut self,
        intent: &Intent,
        found: &RecordState,
        source: &RecordState,
    ) -> Result<Adoption> {
        let theirs = self.store.members(&[found.entity])?;
        let mine = self.store.members(&[source.entity])?;
        let all: Vec<RecordId> = mine.iter().map(|member| member.id).collect();
        let apart = self.store.apart(&all)?;
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        let (theirs, mine, apart, open) = (&theirs, &mine, &apart, &open);
        let meeting = Meeting { found, source, theirs, mine, apart, open };
        Ok(adoption(&self.plan, intent, &meeting))
    }

    /// The record that a creation has found belongs to another, or is none that is known: a person
    /// is asked.
    fn dispute(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        found: Option<RecordState>,
        source: Option<RecordState>,
        message: String,
    ) -> Result<()> {
        let now = self.clock.now();
        let refuses = step(intent, IntentEvent::Refuse, now, Some(message.clone()))?;
        let record = found.as_ref().map(|record| self.name_of(record).to_string());
        let why = WhichRecord::BelongsToAnother { said: message, record };
        let review = Review {
            kind: ReviewKind::DisputedEntity,
            about: intent.subject().into(),
            ty: intent.ty,
            prop: None,
            rule: Rule::C2,
            candidates: found.iter().map(|r| r.id).collect(),
            value: Value::Null,
            why: why.into(),
            opened_at: now,
        };
        under_way.reviews = true;
        under_way.report.flow(intent.flow).review += 1;
        let name = source.map_or_else(
            || RecordName(String::new()),
            |s| RecordName::of(&self.plan, s.ty, &s.key),
        );
        let flow = self.plan.flow_name(intent.flow);
        let remedies = of_review(&self.plan, &review, |_| found.as_ref());
        under_way.report.event(|| Event::asked(flow, name, &review, remedies));
        Ok(self.store.commit(Commit {
            intents_changed: vec![refuses],
            reviews_opened: vec![review],
            ..Commit::default()
        })?)
    }

    /// R9: a creation that was answered with a record that is known has written over what that
    /// held. It was no edit of anybody's, and is put back; whether the two are linked, and which
    /// values hold then, is decided afterwards.
    fn put_back_overwritten(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        mut answer: ReadRecord,
        sent: &[(usize, Value)],
    ) -> Result<()> {
        let Some(mut state) = self.store.by_key(intent.ty, &[&answer.id])?.pop() else {
            return Ok(());
        };
        let (now, mut commit) = (self.clock.now(), Commit::default());
        let before = hashes(&self.plan, &state);
        if !state.is_live() {
            // It shows what identified it: it is back.
            state.presence = Presence::Live;
            self.tell_back(under_way, state.ty, &[state.id], &mut commit)?;
        }
        let run = under_way.report.run;
        let mut changes = Vec::new();
        for over in overwritten(&self.plan, &mut state, &mut answer, sent) {
            commit.journal.push(self.tell_overwritten(&state, &over, intent, run));
            changes.extend(over.back);
        }
        state.version = answer.version.take().or(state.version.take());
        state.modified = answer.modified.or(state.modified);
        state.written_at = Some(now);
        rekey(&self.plan, &state, &before, &mut commit.keys_added, &mut commit.keys_removed);
        let ty = self.plan.ty(state.ty);
        if !changes.is_empty() {
            let id = self.store.take_intent_ids(1)?;
            commit.intents_new = vec![Intent {
                id,
                run,
                kind: IntentKind::Update,
                rank: ty.send_rank,
                ty: state.ty,
                record: Some(state.id),
                entity: state.entity,
                source: Source::TakesBack(state.id),
                flow: intent.flow,
                base_version: state.version.clone().into(),
                changes,
                state: IntentState::Queued,
                attempts: 0,
                not_before: None,
                message: None,
                decided_at: now,
                done_at: None,
            }];
        }
        commit.agenda_added.push(AgendaEntry::new(ty.decide_rank, state.id));
        commit.changed_records.push(state);
        Ok(self.store.commit(commit)?)
    }

    /// A property was written over, and shows another value.
    fn tell_overwritten(
        &self,
        state: &RecordState,
        over: &Overwritten,
        intent: &Intent,
        run: RunId,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run,
            kind: JournalKind::Written,
            about: state.id.into(),
            path: Some(self.plan.prop(state.ty, over.prop).name.clone()),
            before: over.before.clone(),
            after: over.after.clone(),
            rule: Some(Rule::R9),
            other: intent.source.record(),
            intent: Some(intent.id),
            detail: Wrote::OverCreation.into(),
        }
    }
}
