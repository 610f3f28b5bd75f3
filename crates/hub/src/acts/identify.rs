//! A person says whether a record is another one (R9).

use std::collections::HashMap;

use lockstep_engine::Trust;
use lockstep_engine::keys::{hashes, rekey};
use lockstep_model::detail::Act;
use lockstep_model::{ReadRecord, RecordState, Review, Rule, Timestamp};
use lockstep_store::{Commit, JournalKind, ReviewKey};

use crate::error::{ActError, ActResult, Result};
use crate::ledger::Ledger;
use crate::ledger::doubts::Seen;
use crate::under_way::Underway;

impl Ledger {
    /// Takes in what a record shows that a person says is the same.
    fn take_in_as_shown(
        &mut self,
        under_way: &mut Underway,
        record: RecordState,
        read: ReadRecord,
        review: &Review,
        commit: &mut Commit,
    ) -> Result<()> {
        let (before, id, mut state) = (hashes(&self.plan, &record), record.id, record);
        // P1b: its edits were made before they were shown, and not when a person says whose they
        // are.
        for (seen, part) in self.parts_by_time(state.ty, read, &review.value) {
            let known = HashMap::from([(state.key.clone(), state.clone())]);
            self.observe_one_as(under_way, state.ty, part, known, (Trust::Same, seen), commit)?;
            if let Some(at) = commit.changed_records.iter().position(|changed| changed.id == id) {
                state = commit.changed_records.remove(at);
            }
        }
        // Each part has told what it changed of them; what they are in the end counts.
        commit.keys_added.retain(|(_, of)| *of != id);
        commit.keys_removed.retain(|(_, of)| *of != id);
        rekey(&self.plan, &state, &before, &mut commit.keys_added, &mut commit.keys_removed);
        commit.changed_records.push(state);
        Ok(())
    }

    /// Takes in what is shown under the key of a record that a person says is another's.
    fn take_in_as_another(
        &mut self,
        under_way: &mut Underway,
        record: RecordState,
        read: ReadRecord,
        review: &Review,
        commit: &mut Commit,
    ) -> Result<()> {
        let (ty, key) = (record.ty, record.key.clone());
        let parts = self.parts_by_time(ty, read.clone(), &review.value);
        let known = HashMap::from([(key.clone(), record)]);
        self.observe_one_as(under_way, ty, read, known, (Trust::Another, Seen::default()), commit)?;
        let Some(state) =
            commit.new_records.iter_mut().find(|state| state.ty == ty && state.key == key)
        else {
            return Ok(());
        };
        // P1b: what was edited while the person was asked was put in when that was shown, later
        // than what was shown with the question; and that no later than the question, whatever time
        // the record names since.
        let arose = review.value["arose"][1].as_i64().map(Timestamp);
        for (seen, part) in parts {
            let shown = seen.at.unwrap_or(under_way.report.started);
            let told = part.modified.map_or(shown, |at| at.min(shown));
            let edited = (seen.at > arose)
                .then(|| seen.after.map_or(told, |after| told.max(after.min(shown))));
            let values =
                state.slots.iter_mut().zip(&part.values).filter(|(_, value)| value.is_some());
            for claim in values.filter_map(|(slot, _)| slot.claim.as_mut()) {
                claim.at = edited.unwrap_or(claim.at.min(shown));
            }
        }
        Ok(())
    }

    /// A person's answer: it is the same record, with other values; or another one, which has been
    /// given its id.
    pub(crate) fn identify(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        same: bool,
    ) -> ActResult<String> {
        let gone = || ActError::Refused("its record is not known any more".into());
        let record =
            self.store.records(review.about.record().as_slice())?.pop().ok_or_else(gone)?;
        let name = self.name_of(&record);
        let done = if same { Act::SameRecord } else { Act::AnotherRecord };
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        // What waited for the answer.
        self.wake(&self.doubted_by(review), &mut commit)?;
        self.wake_referring(std::slice::from_ref(&record), &mut commit)?;
        let mut entry = self.person(under_way, JournalKind::Person, record.id, None, done);
        entry.rule = Some(Rule::R9);
        commit.journal.push(entry);
        let read = self.read_from_json(record.ty, &review.value).filter(|_| record.is_live());
        if let Some(read) = read {
            if same {
                self.take_in_as_shown(under_way, record, read, review, &mut commit)?;
            } else {
                self.take_in_as_another(under_way, record, read, review, &mut commit)?;
            }
        } else {
            self.decide_on(std::iter::once(&record), &mut commit)?;
        }
        self.store.commit(commit)?;
        Ok(match same {
            true => format!("{name} is the same record; the next run carries its edits on"),
            false => format!(
                "{name} is a new record; the next run decides on it, and on what its predecessor leaves"
            ),
        })
    }
}
