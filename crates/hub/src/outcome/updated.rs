//! A record was updated, and what of it was not kept (R6).

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::confirm;
use lockstep_engine::keys::{each_id, rekey};
use lockstep_model::change::IntentEvent;
use lockstep_model::why::Sending;
use lockstep_model::{Change, Intent, NumberMap, PropIx, RecordId, RecordState, TypeIx, Value};
use lockstep_store::{AgendaEntry, Commit, JournalKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::journal::{property_changes, step};
use crate::ledger::observed::Lost;
use crate::of_flow::decided_by;
use crate::outcome::Before;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

impl Ledger {
    /// R6: what a system acknowledged and does not hold is told, and not written again until it is
    /// another value or a person says so.
    pub(crate) fn not_kept(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        state: &RecordState,
        not_kept: &[PropIx],
        sent: &[(usize, Value)],
        commit: &mut Commit,
    ) {
        for prop in not_kept {
            let described = self.plan.prop(state.ty, *prop);
            let value = sent
                .iter()
                .find(|(at, _)| *at == prop.at())
                .map_or(Value::Null, |(_, value)| value.clone());
            let lost = Lost {
                state,
                prop: *prop,
                value,
                shown: state.slot(*prop).value(described.whole).clone(),
            };
            self.tell_not_kept(under_way, Some(intent), lost, commit);
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn updated(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        before: &Before,
        state: RecordState,
        sent: &[(usize, Value)],
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        commit.intents_changed.push(step(intent, IntentEvent::Confirm, self.clock.now(), None)?);
        self.fails_no_more(intent, commit);
        let kept = |change: &Change| sent.iter().any(|(prop, _)| *prop == change.prop.at());
        let written = intent.changes.iter().zip(&before.shown);
        for (change, shown_before) in written.filter(|(change, _)| kept(change)) {
            let prop = self.plan.prop(state.ty, change.prop);
            let mut entry = self.entry(
                under_way,
                JournalKind::Written,
                &state,
                intent,
                decided_by(&self.plan, (state.ty, change), known),
                Some(change.rule),
            );
            entry.path = Some(prop.name.clone());
            entry.before = shown_before.clone();
            entry.after = state.slot(change.prop).value(prop.whole).clone();
            entry.other = Some(change.claim.record);
            commit.journal.push(entry);
        }
        self.decide_on_updated(intent, before, &state, commit)?;
        if intent.changes.iter().any(kept) {
            let (plan, source) = (&self.plan, intent.source.record().and_then(|id| known.get(&id)));
            under_way.report.system(&plan.ty(state.ty).name.system).updated += 1;
            under_way.report.flow(intent.flow).updated += 1;
            under_way.report.event(|| Event::Updated {
                flow: plan.flow_name(intent.flow),
                source: source.map_or_else(
                    || RecordName(String::new()),
                    |s| RecordName::of(plan, s.ty, &s.key),
                ),
                record: RecordName::of(plan, state.ty, &state.key),
                properties: property_changes(plan, intent, known, kept),
            });
        }
        self.tell_stored_otherwise(under_way, intent, &state);
        commit.changed_records.push(state);
        Ok(())
    }

    /// R6: tells what of a write its system stores in another way than any form of what was sent.
    pub(crate) fn tell_stored_otherwise(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        state: &RecordState,
    ) {
        for change in intent.changes.iter().filter(|_| !intent.takes_back()) {
            let (prop, slot) = (self.plan.prop(state.ty, change.prop), state.slot(change.prop));
            let Some(given) = confirm::stored_otherwise(prop.terms(), slot, prop.whole) else {
                continue;
            };
            let (value, shows) = (given.clone(), slot.value(prop.whole).clone());
            under_way.report.event(|| Event::StoredOtherwise {
                flow: self.plan.flow_name(intent.flow),
                record: RecordName::of(&self.plan, state.ty, &state.key),
                why: Sending::StoredOtherwise { property: prop.name.clone(), value, shows }.into(),
            });
        }
    }

    /// Puts onto the agenda what an update may have changed for others.
    fn decide_on_updated(
        &mut self,
        intent: &Intent,
        before: &Before,
        state: &RecordState,
        commit: &mut Commit,
    ) -> Result<()> {
        let ty = self.plan.ty(state.ty);
        let (added, mut removed) = (commit.keys_added.len(), Vec::new());
        rekey(&self.plan, state, &before.hashes, &mut commit.keys_added, &mut removed);
        let matches_otherwise =
            !ty.match_sides.is_empty() && (commit.keys_added.len() > added || !removed.is_empty());
        let rank = ty.decide_rank;
        // A changed match value can make a match elsewhere: of this record, and of those that
        // shared its old one. A value that was put back is an edit, which the next run carries on
        // (G7). And a flow may hold now that did not before, or the other way (L9).
        let in_condition =
            intent.changes.iter().any(|change| ty.props[change.prop.at()].in_condition);
        if intent.takes_back() || in_condition || matches_otherwise {
            commit.agenda_added.push(AgendaEntry::new(rank, state.id));
        }
        self.wake_old_rivals(&removed, rank, commit)?;
        let written = intent.changes.iter().map(|change| change.prop);
        self.wake_followers_of_write(state, written, commit)?;
        commit.keys_removed.extend(removed);
        // C5: what a reference leads to now, and what it led to before.
        let mut referred: BTreeMap<TypeIx, BTreeSet<String>> = BTreeMap::new();
        for (change, shown_before) in intent.changes.iter().zip(&before.shown) {
            let prop = self.plan.prop(state.ty, change.prop);
            for to in &prop.refers_to {
                for value in [shown_before, state.slot(change.prop).value(prop.whole)] {
                    each_id(Some(value), &mut |id| {
                        referred.entry(*to).or_default().insert(id.to_string());
                    });
                }
            }
        }
        self.wake_by_key(referred, commit)
    }
}
