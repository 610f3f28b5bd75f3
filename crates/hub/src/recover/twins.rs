//! C2: what a store that was restored from a backup does not know: a person is asked whether two new
//! records are the two ends of a creation that it has forgotten (`lockstep_engine::twins`).

use std::collections::BTreeMap;

use lockstep_engine::twins::{Apart, Nameless, goes_back, may_have_made, nameless, twins};
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

impl Ledger {
    /// Asks about records that may be the two ends of a creation that this store has forgotten.
    /// They are read and not decided on yet.
    pub(crate) fn ask_about_twins(&mut self, under_way: &mut Underway) -> Result<()> {
        let fresh = self.fresh_and_nameless(under_way)?;
        let ids: Vec<RecordId> = fresh.values().flatten().map(|record| record.id).collect();
        let apart: Apart = self.store.apart(&ids)?.into_iter().collect();
        let mut commit = Commit::default();
        for (source, to, found) in twins(&self.plan, self.clock.now(), &fresh, &apart) {
            self.ask_whether_twins(under_way, source, to, &found, &mut commit);
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
        let apart: Apart = self.store.apart(&ids)?.into_iter().collect();
        for intent in queued {
            let Some(source) = intent.source.record().and_then(|id| sources.get(&id)) else {
                continue;
            };
            let found = may_have_made(&self.plan, &intent, source, &fresh, &apart);
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
            if goes_back(&self.plan, source.ty, intent.ty) {
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
    fn fresh_and_nameless(&mut self, under_way: &Underway) -> Result<Nameless> {
        if under_way.newest.is_empty()
            || (0..self.plan.types.len())
                .all(|ty| under_way.first_read.contains(&TypeIx(ty as u16)))
        {
            return Ok(Nameless::new());
        }
        let agenda: Vec<RecordId> =
            self.store.agenda(usize::MAX >> 1)?.into_iter().map(|entry| entry.record).collect();
        let first_read = |ty| under_way.first_read.contains(&ty);
        let started = under_way.report.started;
        Ok(nameless(&self.plan, self.store.records(&agenda)?, started, first_read))
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
