//! What waits, told by every run: references (P8) and records that lack what a target requires (C4).

use lockstep_model::{FlowIx, IntentState, RecordId, ReviewKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::{Event, Report};

/// Maximum number of waiting references a run lists by name; all are counted.
const WAITING_SHOWN: usize = 50;

impl Ledger {
    /// Counts what waits for a person, for a record or for a property, and what is still to be
    /// sent; and names it.
    pub(crate) fn count_what_is_left(&mut self, report: &mut Report) -> Result<()> {
        for (kind, n) in self.store.review_counts()? {
            if kind.needs_a_person() {
                report.reviews.insert(kind.name().into(), n);
            } else if kind == ReviewKind::Incomplete {
                report.incomplete = n;
            } else {
                report.waiting_references = n;
            }
        }
        if report.waiting_references + report.incomplete > 0 {
            self.tell_what_waits(report)?;
        }
        let waits =
            |state| matches!(state, IntentState::Queued | IntentState::Sent | IntentState::Unknown);
        let counts = self.store.intent_counts()?.into_iter();
        report.outbox = counts.filter(|(state, _)| waits(*state)).map(|(_, n)| n).sum();
        Ok(())
    }

    /// Names references that wait (P8) and records that lack what the target requires (C4), in
    /// every run until they have been written.
    fn tell_what_waits(&mut self, report: &mut Report) -> Result<()> {
        let mut waiting = self.store.reviews(usize::MAX >> 1)?;
        waiting.retain(|review| !review.kind.needs_a_person());
        waiting.truncate(WAITING_SHOWN);
        let ids: Vec<RecordId> =
            waiting.iter().filter_map(|review| review.about.record()).collect();
        let records = self.store.records(&ids)?;
        for review in waiting {
            let Some(record) = records.iter().find(|record| review.about.is(record.id)) else {
                continue;
            };
            let (plan, name) = (&self.plan, self.name_of(record));
            let between =
                plan.flows.iter().position(|flow| flow.from == record.ty && flow.to == review.ty);
            let into = || plan.flows.iter().position(|flow| flow.to == record.ty);
            let flow = between
                .or_else(into)
                .or_else(|| plan.flows.iter().position(|flow| flow.from == record.ty))
                .unwrap_or(0);
            report.event(|| Event::Waits {
                flow: plan.flow_name(FlowIx(flow as u16)),
                record: name,
                why: review.why,
                rule: review.rule.to_string(),
            });
        }
        Ok(())
    }
}
