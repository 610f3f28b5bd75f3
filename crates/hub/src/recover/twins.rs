//! C2: what a store that was restored from a backup does not know. Records that it had created
//! after the backup look new to it, and so may those that they were made from. Where match values
//! find them they are linked; records without any would be created once more, in both directions.
//! So of two records that nothing identifies, that are both new since the last run, and that hold
//! the same, a person is asked whether they are one: also where it was two people who entered the
//! same.

use std::collections::BTreeMap;

use lockstep_engine::plan::PlanCreate;
use lockstep_engine::recover::holds_all;
use lockstep_engine::{has_match_values, look_alike};
use lockstep_model::change::IntentEvent;
use lockstep_model::why::WhichRecord;
use lockstep_model::{
    Intent, IntentKind, IntentState, RecordId, RecordState, Review, ReviewKind, Rule, TypeIx, Value,
};
use lockstep_store::Commit;

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::journal::step;
use crate::remedies::of_review;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

/// More pairs than this are not compared in one run: a load of that size is no backup's gap.
const MOST_PAIRS: usize = 1_000_000;

impl Ledger {
    /// Asks about records that may be the two ends of a creation that this store has forgotten.
    /// They are read and not decided on yet.
    pub(crate) fn ask_about_twins(&mut self, under_way: &mut Underway) -> Result<()> {
        let fresh = self.fresh_and_nameless(under_way)?;
        let mut compared = 0;
        let mut commit = Commit::default();
        let pairs: Vec<(TypeIx, TypeIx)> = self
            .plan
            .flows
            .iter()
            .filter(|flow| flow.create != PlanCreate::Never)
            .map(|flow| (flow.from, flow.to))
            .collect();
        for (from, to) in pairs {
            let (Some(sources), Some(targets)) = (fresh.get(&from), fresh.get(&to)) else {
                continue;
            };
            compared += sources.len() * targets.len();
            if from == to || compared > MOST_PAIRS {
                continue;
            }
            let ids: Vec<RecordId> = sources.iter().map(|record| record.id).collect();
            let apart = self.store.apart(&ids)?;
            for source in sources {
                let kept_apart =
                    |other: RecordId| apart.contains(&(source.id.min(other), source.id.max(other)));
                let alike = |target: &&RecordState| {
                    look_alike(&self.plan, self.clock.now(), source, target)
                };
                let found: Vec<&RecordState> =
                    targets.iter().filter(|target| !kept_apart(target.id)).filter(alike).collect();
                if !found.is_empty() {
                    self.ask_whether_twins(under_way, source, to, &found, &mut commit);
                }
            }
        }
        match commit.reviews_opened.is_empty() {
            true => Ok(()),
            false => Ok(self.store.commit(commit)?),
        }
    }

    /// The same about creations that an earlier run has left in the queue: where this store was
    /// restored from a backup, they may have been sent since. A new record without a match value
    /// that holds all that one would send may be what it has made.
    pub(crate) fn ask_about_queued(&mut self, under_way: &mut Underway) -> Result<()> {
        let mut queued = self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
        queued.retain(|intent| {
            intent.kind == IntentKind::Create && intent.run < under_way.report.run
        });
        if queued.is_empty() {
            return Ok(());
        }
        let fresh = self.fresh_and_nameless(under_way)?;
        let ids: Vec<RecordId> =
            queued.iter().filter_map(|intent| intent.source.record()).collect();
        let sources: BTreeMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|record| (record.id, record)).collect();
        let apart = self.store.apart(&ids)?;
        for intent in queued {
            let (Some(source), Some(new)) =
                (intent.source.record().and_then(|id| sources.get(&id)), fresh.get(&intent.ty))
            else {
                continue;
            };
            let kept_apart =
                |other: RecordId| apart.contains(&(source.id.min(other), source.id.max(other)));
            let mut found: Vec<RecordState> =
                new.iter().filter(|record| !kept_apart(record.id)).cloned().collect();
            found.retain(|record| holds_all(&self.plan, record, &intent));
            if found.is_empty() {
                continue;
            }
            let message =
                "it may have been sent before this store was restored from a backup".to_string();
            // As if it had been sent, and its answer lost.
            let now = self.clock.now();
            let sent = Intent { state: IntentState::Sent, ..intent.clone() };
            let steps = vec![
                step(&intent, IntentEvent::Send, now, None)?,
                step(&sent, IntentEvent::LoseAnswer, now, Some(message))?,
            ];
            let mut commit = Commit { intents_changed: steps, ..Commit::default() };
            // Nor is that record created anew where the creation came from.
            let mut back = self
                .plan
                .flows
                .iter()
                .filter(|flow| flow.from == intent.ty && flow.to == source.ty);
            if back.any(|flow| flow.create != PlanCreate::Never) {
                for record in &found {
                    self.ask_whether_twins(under_way, record, source.ty, &[source], &mut commit);
                }
            }
            self.store.commit(commit)?;
            self.ask_which(under_way, intent, found)?;
        }
        Ok(())
    }

    /// New records without a match value, by record type; of types that had been read to the end
    /// before this run.
    fn fresh_and_nameless(
        &mut self,
        under_way: &Underway,
    ) -> Result<BTreeMap<TypeIx, Vec<RecordState>>> {
        let mut fresh: BTreeMap<TypeIx, Vec<RecordState>> = BTreeMap::new();
        if under_way.newest.is_empty()
            || (0..self.plan.types.len())
                .all(|ty| under_way.first_read.contains(&TypeIx(ty as u16)))
        {
            return Ok(fresh);
        }
        let agenda: Vec<RecordId> =
            self.store.agenda(usize::MAX >> 1)?.into_iter().map(|entry| entry.record).collect();
        for record in self.store.records(&agenda)? {
            let is_new = record.first_seen >= under_way.report.started
                && !under_way.first_read.contains(&record.ty);
            let alone =
                record.entity.0 == record.id.0 && record.written_at.is_none() && record.is_live();
            if is_new && alone && !has_match_values(&self.plan, &record) {
                fresh.entry(record.ty).or_default().push(record);
            }
        }
        Ok(fresh)
    }

    fn ask_whether_twins(
        &self,
        under_way: &mut Underway,
        source: &RecordState,
        to: TypeIx,
        found: &[&RecordState],
        commit: &mut Commit,
    ) {
        under_way.reviews = true;
        let of = self.plan.ty(to).name.to_string();
        let why = WhichRecord::HoldsTheSame { of, records: found.len() as u64 };
        let flow = self.plan.flow_between(source.ty, to);
        under_way.report.flow(flow).review += 1;
        let (flow, name) =
            (self.plan.flow_name(flow), RecordName::of(&self.plan, source.ty, &source.key));
        let review = Review {
            kind: ReviewKind::UnknownOutcome,
            about: source.id.into(),
            ty: to,
            prop: None,
            rule: Rule::C2,
            candidates: found.iter().map(|record| record.id).collect(),
            value: Value::Null,
            why: why.into(),
            opened_at: self.clock.now(),
        };
        let known = |id| found.iter().copied().find(|record| record.id == id);
        let remedies = of_review(&self.plan, &review, known);
        under_way.report.event(|| Event::asked(flow, name, &review, remedies));
        commit.reviews_opened.push(review);
    }
}
