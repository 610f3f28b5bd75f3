//! A creation was taken back, or could not be (G7).

use lockstep_engine::observe::mark_gone;
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::{Existence, Wrote};
use lockstep_model::{Detail, Intent, NumberMap, Presence, RecordId, RecordState, Rule, Value};
use lockstep_store::{AgendaEntry, Commit, JournalKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::journal::step;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

impl Ledger {
    /// A record that Lockstep had created is deleted again. It keeps its place in its entity, so
    /// that it is not created anew (D1).
    pub(crate) fn creation_taken_back(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        known: &mut NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        commit.intents_changed.push(step(intent, IntentEvent::Confirm, self.clock.now(), None)?);
        let Some(state) = intent.record.and_then(|id| known.get_mut(&id)) else { return Ok(()) };
        if !state.is_live() {
            // A listing has noticed already; it was this deletion that it noticed, which no flow
            // passes on.
            state.presence = Presence::Gone;
            commit.changed_records.push(state.clone());
            return Ok(());
        }
        let held = self.plan.ty(state.ty).props.iter().zip(&state.slots);
        let held = held
            .filter_map(|(prop, slot)| Some((prop.name.clone(), slot.shadow.clone()?)))
            .collect();
        commit.keys_removed.extend(mark_gone(&self.plan, state, None));
        // Nobody deleted it: no flow passes this on.
        state.presence = Presence::Gone;
        let state = state.clone();
        let (kind, wrote) = (JournalKind::Written, Wrote::TookCreationBack);
        let mut entry = self.entry(under_way, kind, &state, intent, wrote, Some(Rule::G7));
        (entry.before, entry.other) = (Value::Object(held), None);
        commit.journal.push(entry);
        commit.agenda_added.push(AgendaEntry::new(self.plan.ty(state.ty).decide_rank, state.id));
        let system = self.plan.ty(state.ty).name.system.clone();
        under_way.report.system(&system).deleted += 1;
        let status = &mut self.status[state.ty.at()];
        status.records = status.records.saturating_sub(1);
        let record = RecordName::of(&self.plan, state.ty, &state.key);
        under_way.report.event(|| Event::Deleted { record, of: Existence::CreationTakenBack });
        commit.changed_records.push(state);
        Ok(())
    }

    /// A system refuses what was to be taken back: that is told at once, and nothing waits for it.
    pub(crate) fn not_taken_back(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        message: &str,
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        commit.intents_changed.push(step(
            intent,
            IntentEvent::Drop,
            self.clock.now(),
            Some(message.to_string()),
        )?);
        let system = self.plan.ty(intent.ty).name.system.clone();
        under_way.report.system(&system).refused += 1;
        if let Some(record) = intent.source.record().and_then(|id| known.get(&id)) {
            commit.journal.push(self.entry(
                under_way,
                JournalKind::Refused,
                record,
                intent,
                Detail::said(message),
                Some(Rule::G7),
            ));
            let (flow, name) = (self.plan.flow_name(intent.flow), self.name_of(record));
            under_way.report.event(|| Event::Refused {
                flow,
                record: name,
                message: message.to_string(),
            });
        }
        Ok(())
    }
}
