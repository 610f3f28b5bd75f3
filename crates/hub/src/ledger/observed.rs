//! Taking in what systems show: the one way by which anything read becomes known.

use std::collections::HashMap;

use lockstep_engine::observe::{Looks, Reading, observe, observe_as};
use lockstep_engine::{Observed, Trust};
use lockstep_model::why::Sending;
use lockstep_model::{
    Detail, Intent, PropIx, ReadRecord, RecordId, RecordState, Review, ReviewKind, Rule, Timestamp,
    TypeIx, Value, Why,
};
use lockstep_store::{AgendaEntry, Commit, JournalEntry, JournalKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::doubts::Seen;
use crate::remedies::answers;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

/// A value that was written, acknowledged and not kept, with what its record shows instead.
pub(crate) struct Lost<'a> {
    pub(crate) state: &'a RecordState,
    pub(crate) prop: PropIx,
    pub(crate) value: Value,
    pub(crate) shown: Value,
}

impl Ledger {
    /// P6: what an answer shows beside what was written, in the version that is known from now on,
    /// is taken in at once: until it were read again, that version would let every write pass over
    /// it.
    pub(crate) fn take_in_answer(
        &mut self,
        under_way: &mut Underway,
        state: &mut RecordState,
        answer: ReadRecord,
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.clock.now();
        let reading = Reading {
            ty: state.ty,
            now,
            asked: now,
            untold: under_way.report.started,
            previous: self.status[state.ty.at()].read_from,
            first_id: RecordId(0),
            looks: Looks::ForChanges,
            reindex: false,
        };
        let known = HashMap::from([(state.key.clone(), state.clone())]);
        let mut observed = observe(&self.plan, reading, vec![answer], known);
        // By what it is found is compared with what it was before the write.
        (observed.keys_added, observed.keys_removed) = (vec![], vec![]);
        self.remember(under_way, state.ty, observed, commit)?;
        if let Some(at) = commit.changed_records.iter().rposition(|changed| changed.id == state.id)
        {
            *state = commit.changed_records.remove(at);
        }
        Ok(())
    }

    pub(crate) fn tell_not_kept(
        &self,
        under_way: &mut Underway,
        intent: Option<&Intent>,
        lost: Lost<'_>,
        commit: &mut Commit,
    ) {
        let Lost { state, prop, value, shown: shows } = lost;
        let (ty, described) = (self.plan.ty(state.ty), self.plan.prop(state.ty, prop));
        let not_kept = |property| {
            let (value, shows) = (value.clone(), shows.clone());
            Why::from(Sending::NotKept { property, value, shows })
        };
        let (of_event, why) = (not_kept(Some(described.name.clone())), not_kept(None));
        under_way.report.system(&ty.name.system).refused += 1;
        let flow = intent.map(|intent| intent.flow).or_else(|| {
            let touches = |flow: &lockstep_engine::plan::PlanFlow| {
                flow.to == state.ty || flow.from == state.ty
            };
            self.plan.flows.iter().position(touches).map(|at| lockstep_model::FlowIx(at as u16))
        });
        // G7: what a person takes back is not asked about.
        let asks = !intent.is_some_and(Intent::takes_back);
        let record = RecordName::of(&self.plan, state.ty, &state.key);
        if let Some(flow) = flow {
            under_way.report.flow(flow).review += 1;
            let flow = self.plan.flow_name(flow);
            under_way.report.event(|| Event::Review {
                flow,
                kind: ReviewKind::NotKept.name().into(),
                record,
                why: of_event,
                rule: Rule::R6.to_string(),
                remedies: if asks { answers(ReviewKind::NotKept) } else { vec![] },
            });
        }
        commit.journal.push(JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind: JournalKind::Refused,
            about: state.id.into(),
            path: Some(described.name.clone()),
            before: shows,
            after: value.clone(),
            rule: Some(Rule::R6),
            other: intent.and_then(|intent| intent.source.record()),
            intent: intent.map(|intent| intent.id),
            detail: why.clone().into(),
        });
        if !asks {
            return;
        }
        under_way.reviews = true;
        commit.reviews_opened.push(Review {
            kind: ReviewKind::NotKept,
            about: state.id.into(),
            ty: state.ty,
            prop: Some(prop),
            rule: Rule::R6,
            candidates: vec![],
            value,
            why,
            opened_at: self.clock.now(),
        });
    }

    /// Puts what was observed into a commit.
    pub(crate) fn remember(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        mut observed: Observed,
        commit: &mut Commit,
    ) -> Result<()> {
        self.facets_made_before(ty, &mut observed.new)?;
        self.tell_edits(under_way, ty, &observed, commit);
        for lost in &observed.not_kept {
            if let Some(state) = observed.changed.iter().find(|state| state.id == lost.record) {
                let lost = Lost {
                    state,
                    prop: lost.prop,
                    value: lost.sent.clone(),
                    shown: lost.shown.clone(),
                };
                self.tell_not_kept(under_way, None, lost, commit);
            }
        }
        self.wake_referred(ty, &observed, commit)?;
        self.wake_followers(ty, &observed, commit)?;
        self.tell_retired(under_way, ty, &observed, commit)?;
        self.take_in_gone(under_way, ty, &observed, commit)?;
        let rank = self.plan.ty(ty).decide_rank;
        commit
            .agenda_added
            .extend(observed.touched.into_iter().map(|id| AgendaEntry::new(rank, id)));
        commit.keys_added.extend(observed.keys_added);
        commit.keys_removed.extend(observed.keys_removed);
        match commit.new_records.is_empty() {
            true => commit.new_records = observed.new,
            false => commit.new_records.extend(observed.new),
        }
        commit.changed_records.extend(observed.changed);
        commit.rekeyed.extend(observed.retired);
        self.tell_back(under_way, ty, &observed.back, commit)?;
        self.ask_about_not_deleted(under_way, &observed.back, commit)
    }

    /// What somebody has edited, for the journal and the report.
    fn tell_edits(
        &self,
        under_way: &mut Underway,
        ty: TypeIx,
        observed: &Observed,
        commit: &mut Commit,
    ) {
        if observed.edits.is_empty() {
            return;
        }
        let (now, run) = (self.clock.now(), under_way.report.run);
        let system = &self.plan.ty(ty).name.system;
        let states: HashMap<RecordId, &RecordState> =
            observed.changed.iter().map(|s| (s.id, s)).collect();
        under_way.report.system(system).edits += observed.edits.len() as u64;
        for edit in &observed.edits {
            let path = self.plan.prop(ty, edit.prop).name.clone();
            commit.journal.push(JournalEntry {
                at: edit.at,
                run,
                kind: JournalKind::Edit,
                about: edit.record.into(),
                path: Some(path.clone()),
                before: edit.before.clone(),
                after: edit.after.clone(),
                rule: None,
                other: None,
                intent: None,
                detail: Detail::Read { system: system.clone(), at: now },
            });
            if let Some(state) = states.get(&edit.record) {
                let record = RecordName::of(&self.plan, ty, &state.key);
                under_way.report.event(|| Event::Edited {
                    record,
                    path,
                    before: edit.before.clone(),
                    after: edit.after.clone(),
                });
            }
        }
    }

    /// Records that are gone, or whose keys are others' by now.
    fn take_in_gone(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        observed: &Observed,
        commit: &mut Commit,
    ) -> Result<()> {
        for (id, key) in &observed.retired {
            self.facets_retired(ty, key.strip_suffix(&format!("~{id}")).unwrap_or(key), commit)?;
        }
        for id in &observed.gone {
            if observed.retired.iter().all(|(retired, _)| retired != id) {
                self.facets_gone(Some(*id), commit)?;
            }
            if let Some(state) = observed.changed.iter().find(|s| s.id == *id) {
                self.tell_gone(under_way, state, commit);
            }
        }
        Ok(())
    }

    pub(crate) fn observe_one(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        record: ReadRecord,
        commit: &mut Commit,
    ) -> Result<()> {
        let known: HashMap<String, RecordState> = self
            .store
            .by_key(ty, &[&record.id])?
            .into_iter()
            .map(|state| (state.key.clone(), state))
            .collect();
        self.observe_one_as(under_way, ty, record, known, (Trust::Ask, Seen::default()), commit)
    }

    /// The same, with what a person has said of it (R9).
    pub(crate) fn observe_one_as(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        record: ReadRecord,
        known: HashMap<String, RecordState>,
        (trust, seen): (Trust, Seen),
        commit: &mut Commit,
    ) -> Result<()> {
        let first_id = self.store.take_record_ids(1)?;
        let previous = self.status[ty.at()].read_from;
        let asked = under_way.asked;
        // P1b: what was seen before was put in before that.
        let no_later = |at: Timestamp| seen.at.map_or(at, |seen| at.min(seen));
        let reading = Reading {
            ty,
            now: no_later(self.clock.now()),
            asked,
            untold: no_later(under_way.report.started),
            previous: seen.at.map_or(previous, |_| seen.after),
            first_id,
            looks: under_way.looks,
            reindex: false,
        };
        let observed = observe_as(&self.plan, reading, vec![record], known, trust);
        let status = &mut self.status[ty.at()];
        status.records += observed.new.len() as u64;
        status.records = status.records.saturating_sub(observed.gone.len() as u64);
        self.remember(under_way, ty, observed, commit)
    }
}
