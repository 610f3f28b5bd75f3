//! Links a record with the one that it turned out to be the counterpart of.

use lockstep_model::detail::LinkedBy;
use lockstep_model::matching::reference_hash;
use lockstep_model::{Intent, RecordState, Rule, Value};
use lockstep_store::{AgendaEntry, Commit, JournalEntry, JournalKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

impl Ledger {
    /// Puts a record into the entity of an intent's source.
    pub(crate) fn join(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        record: &RecordState,
        by: LinkedBy,
        commit: &mut Commit,
    ) -> Result<()> {
        let Some(source) = self.store.records(intent.source.record().as_slice())?.pop() else {
            return Ok(());
        };
        let (into, gone) = (source.entity.min(record.entity), source.entity.max(record.entity));
        for member in self.store.members(&[gone])? {
            commit.relinked.push((member.id, into));
        }
        for open in self.store.open_intents(&[gone])? {
            commit.intents_moved.push((open.id, into));
        }
        for member in [&source, record] {
            commit
                .agenda_added
                .push(AgendaEntry::new(self.plan.ty(member.ty).decide_rank, member.id));
        }
        commit.journal.push(JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind: JournalKind::Link,
            about: source.id.into(),
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::C2),
            other: Some(record.id),
            intent: Some(intent.id),
            detail: by.clone().into(),
        });
        // P8: what refers to either has been waiting for this.
        let referred = [&source, record]
            .map(|record| reference_hash(&self.plan.ty(record.ty).name, &record.key));
        if self.plan.has_references() {
            self.wake(&referred, commit)?;
        }
        under_way.report.flow(intent.flow).linked += 1;
        let (a, b) = (
            RecordName::of(&self.plan, source.ty, &source.key),
            RecordName::of(&self.plan, record.ty, &record.key),
        );
        let flow = self.plan.flow_name(intent.flow);
        under_way.report.event(|| Event::Linked { flow, a, b, by });
        Ok(())
    }
}
