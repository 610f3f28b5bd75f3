//! Whose record a key stands for (R9), as far as it is more than comparing: what is told and asked,
//! a person's answer, and whether a system still is the account whose records are known.
//!
//! Where a system tells its account's id, that is asked once per process and belongs to the store.
//! Where it does not, the records are its fingerprint: if most of those that are read under known
//! keys show nothing of what identified them, nothing of them is taken in.
//!
//! Marks: `account:SYSTEM` the id of the account whose records are known, `strange-account:SYSTEM`
//! the other one that a person is asked about.

use std::collections::BTreeMap;

use lockstep_engine::Observed;
use lockstep_engine::Plan;
use lockstep_engine::confirm::made_of;
use lockstep_engine::keys::promised;
use lockstep_engine::observe::Doubt;
use lockstep_engine::recover::is_telling;
use lockstep_model::detail::Existence;
use lockstep_model::value::{effective, equal, is_empty};
use lockstep_model::why::{Changed, WhichRecord};
use lockstep_model::{
    Change, Intent, IntentKind, IntentState, NumberMap, PropIx, ReadRecord, RecordId, RecordState,
    Review, ReviewKind, Rule, Timestamp, TypeIx, Value,
};
use lockstep_store::{AgendaEntry, Commit, JournalEntry, JournalKind, ReviewKey};
use serde_json::json;

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::accounts::NAMED;
use crate::remedies::of_review;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

/// When a value was shown for the first time, and after which reading of its record type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub at: Option<Timestamp>,
    pub after: Option<Timestamp>,
}

impl Ledger {
    /// R9: tells whose keys belong to others now, and asks about those of whom that can't be told.
    pub(crate) fn tell_retired(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        observed: &Observed,
        commit: &mut Commit,
    ) -> Result<()> {
        for (id, key) in &observed.retired {
            let own = key.strip_suffix(&format!("~{id}")).unwrap_or(key);
            let (was, now) =
                (RecordName::of(&self.plan, ty, key), RecordName::of(&self.plan, ty, own));
            let heir = observed.new.iter().find(|state| state.key == own).map(|state| state.id);
            self.tell_key_given_on(under_way, (*id, &was), (heir, &now), commit);
        }
        for doubt in &observed.doubts {
            self.ask_about(under_way, doubt, commit)?;
        }
        Ok(())
    }

    pub(crate) fn tell_key_given_on(
        &self,
        under_way: &mut Underway,
        (id, was): (RecordId, &RecordName),
        (heir, now): (Option<RecordId>, &RecordName),
        commit: &mut Commit,
    ) {
        let given_on = Existence::KeyGivenOn { now: now.to_string(), was: was.to_string() };
        for record in [Some(id), heir].into_iter().flatten() {
            commit.journal.push(JournalEntry {
                at: self.clock.now(),
                run: under_way.report.run,
                kind: JournalKind::Note,
                about: record.into(),
                path: None,
                before: Value::Null,
                after: Value::Null,
                rule: Some(Rule::R9),
                other: heir.map(|heir| if heir == record { id } else { heir }),
                intent: None,
                detail: given_on.clone().into(),
            });
        }
        under_way.report.event(|| Event::Deleted { record: was.clone(), of: given_on });
    }

    /// R9: asks a person whether a record is still the same.
    fn ask_about(
        &mut self,
        under_way: &mut Underway,
        doubt: &Doubt,
        commit: &mut Commit,
    ) -> Result<()> {
        let value = self.read_to_json(under_way.report.started, &doubt.known, &doubt.read)?;
        let state = &doubt.known;
        let (name, ty) = (RecordName::of(&self.plan, state.ty, &state.key), self.plan.ty(state.ty));
        let why = changes(&self.plan, state, &doubt.read);
        let flow = ty
            .flows_out
            .first()
            .copied()
            .unwrap_or_else(|| self.plan.flow_between(state.ty, state.ty));
        under_way.report.flow(flow).review += 1;
        let review = Review {
            kind: ReviewKind::AnotherRecord,
            about: state.id.into(),
            ty: state.ty,
            prop: None,
            rule: Rule::R9,
            candidates: vec![],
            value,
            why: why.into(),
            opened_at: self.clock.now(),
        };
        let remedies = of_review(&self.plan, &review, |_| Some(state));
        let flow = self.plan.flow_name(flow);
        under_way.report.event(|| Event::asked(flow, name, &review, remedies));
        commit.reviews_opened.push(review);
        // What waits to be written to it is given up.
        commit.agenda_added.push(AgendaEntry::new(ty.decide_rank, state.id));
        self.wake_referring(std::slice::from_ref(state), commit)?;
        (under_way.doubted, under_way.reviews) = (true, true);
        Ok(())
    }

    /// What a person is asked about, and since when each value is shown, after which reading: since
    /// the run that began at `started`, where it was not shown before.
    fn read_to_json(
        &mut self,
        started: Timestamp,
        state: &RecordState,
        read: &ReadRecord,
    ) -> Result<Value> {
        let open = self
            .store
            .open_reviews(&[state.id])?
            .into_iter()
            .find(|review| review.kind == ReviewKind::AnotherRecord);
        let asked = open.map_or(Value::Null, |review| review.value);
        let seen = json!([self.status[state.ty.at()].read_from.map(|at| at.0), started.0]);
        let (mut values, mut since) = (serde_json::Map::new(), serde_json::Map::new());
        for (prop, value) in self.plan.ty(state.ty).props.iter().zip(&read.values) {
            let Some(value) = value else { continue };
            let known = &asked["values"]
                .get(&prop.name)
                .filter(|known| *known == value)
                .and(asked["since"].get(&prop.name));
            since.insert(prop.name.clone(), known.cloned().unwrap_or_else(|| seen.clone()));
            values.insert(prop.name.clone(), value.clone());
        }
        Ok(json!({
            "id": read.id,
            "version": read.version,
            "modified": read.modified.map(|at| at.0),
            "values": values,
            "since": since,
            // When the question arose.
            "arose": asked.get("arose").cloned().unwrap_or(seen),
        }))
    }

    /// What a person was asked about, by when it was shown first, after which reading; the times of
    /// the system are of the last of it.
    pub(crate) fn parts_by_time(
        &self,
        ty: TypeIx,
        read: ReadRecord,
        asked: &Value,
    ) -> BTreeMap<Seen, ReadRecord> {
        let mut parts: BTreeMap<Seen, ReadRecord> = BTreeMap::new();
        let none = ReadRecord {
            version: None,
            modified: None,
            values: vec![None; read.values.len()],
            ..read.clone()
        };
        for (ix, (prop, value)) in self.plan.ty(ty).props.iter().zip(read.values).enumerate() {
            let at = |place: usize| asked["since"][&prop.name][place].as_i64().map(Timestamp);
            let seen = Seen { at: at(1), after: at(0) };
            parts.entry(seen).or_insert_with(|| none.clone()).values[ix] = value;
        }
        if let Some(mut last) = parts.last_entry() {
            (last.get_mut().version, last.get_mut().modified) = (read.version, read.modified);
        }
        parts
    }

    pub(crate) fn read_from_json(&self, ty: TypeIx, value: &Value) -> Option<ReadRecord> {
        let props = &self.plan.ty(ty).props;
        Some(ReadRecord {
            id: value.get("id")?.as_str()?.to_string(),
            version: value["version"].as_str().map(str::to_string),
            modified: value["modified"].as_i64().map(Timestamp),
            deleted: false,
            values: props.iter().map(|prop| value["values"].get(&prop.name).cloned()).collect(),
        })
    }

    /// R9: under which hashes the records would be found that are shown under the keys of others,
    /// while a person is asked about those.
    pub(crate) fn doubted(&mut self) -> Result<NumberMap<u64, RecordId>> {
        let reviews = self.store.reviews(usize::MAX >> 1)?;
        let mut found = NumberMap::default();
        for review in reviews.iter().filter(|review| review.kind == ReviewKind::AnotherRecord) {
            let Some(record) = review.about.record() else { continue };
            found.extend(self.doubted_by(review).into_iter().map(|hash| (hash, record)));
        }
        Ok(found)
    }

    /// R9: whether what a creation sent may be what is shown under the key of a record while a
    /// person is asked whether it is that record still: by a match value or one that tells as much,
    /// else by all that was sent. What nothing identifies may be any such record that has come into
    /// doubt since.
    pub(crate) fn is_shown_in_doubt(&mut self, intent: &Intent) -> Result<bool> {
        let keys = promised(&self.plan, intent.ty, &intent.changes);
        let reviews = self.store.reviews(usize::MAX >> 1)?;
        let mut doubts = reviews
            .iter()
            .filter(|review| review.kind == ReviewKind::AnotherRecord && review.ty == intent.ty);
        let props = &self.plan.ty(intent.ty).props;
        let sent = || intent.changes.iter().filter(|change| change.counterpart_of.is_none());
        let shows = |read: &ReadRecord, change: &Change| {
            let shown = read.values[change.prop.at()].as_ref();
            shown.is_some_and(|shown| {
                made_of(&change.value, effective(shown, props[change.prop.at()].whole))
            })
        };
        let may_show = |read: &ReadRecord| {
            sent().all(|change| shows(read, change))
                || sent().any(|change| is_telling(&change.value) && shows(read, change))
        };
        Ok(doubts.any(|review| {
            keys.is_empty() && review.opened_at >= intent.decided_at
                || self.doubted_by(review).iter().any(|hash| keys.contains(hash))
                || self.read_from_json(review.ty, &review.value).is_some_and(|read| may_show(&read))
        }))
    }

    /// C2, R9: a person who is asked what became of a creation, of which no record was found, need
    /// not be any more once a record that may be it has come into doubt: whose that is tells.
    pub(crate) fn close_needless_questions(&mut self, ty: Option<TypeIx>) -> Result<()> {
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.retain(|intent| {
            intent.kind == IntentKind::Create && ty.is_none_or(|ty| intent.ty == ty)
        });
        let mut commit = Commit::default();
        for intent in open {
            if self.asked(&intent)?.is_some_and(|asked| asked.candidates.is_empty())
                && self.is_shown_in_doubt(&intent)?
            {
                commit.reviews_closed.push(question_of(&intent));
            }
        }
        match commit.reviews_closed.is_empty() {
            true => Ok(()),
            false => Ok(self.store.commit(commit)?),
        }
    }

    pub(crate) fn doubted_by(&self, review: &Review) -> Vec<u64> {
        let read = self.read_from_json(review.ty, &review.value);
        read.map_or_else(Vec::new, |read| {
            lockstep_engine::shown_under(&self.plan, review.ty, &read)
        })
    }

    /// R9: how many of these records nobody is asked about yet.
    pub(crate) fn not_asked_about(
        &mut self,
        under_way: &Underway,
        doubts: &[Doubt],
    ) -> Result<u64> {
        let all = doubts.len() as u64;
        if doubts.is_empty() || !under_way.doubted {
            return Ok(all);
        }
        let ids: Vec<RecordId> = doubts.iter().map(|doubt| doubt.known.id).collect();
        let open = self.store.open_reviews(&ids)?;
        let asked = open.iter().filter(|review| {
            review.kind == ReviewKind::AnotherRecord
                && review.about.record().is_some_and(|id| ids.contains(&id))
        });
        Ok(all - asked.count() as u64)
    }

    /// R9: closes the questions about records that have been read once more and are no matter of
    /// doubt any more.
    pub(crate) fn close_doubts(
        &mut self,
        under_way: &Underway,
        read: &[RecordId],
        doubts: &[Doubt],
        commit: &mut Commit,
    ) -> Result<()> {
        if !under_way.doubted || read.is_empty() {
            return Ok(());
        }
        let mut cleared = Vec::new();
        for review in self.store.open_reviews(read)? {
            let is_doubted = doubts.iter().any(|doubt| review.about.is(doubt.known.id));
            if let Some(record) = review.about.record()
                && review.kind == ReviewKind::AnotherRecord
                && read.contains(&record)
                && !is_doubted
            {
                commit.reviews_closed.push(ReviewKey::of(&review));
                commit
                    .agenda_added
                    .push(AgendaEntry::new(self.plan.ty(review.ty).decide_rank, record));
                // What waited for the answer.
                self.wake(&self.doubted_by(&review), commit)?;
                cleared.push(record);
            }
        }
        let cleared = self.store.records(&cleared)?;
        self.wake_referring(&cleared, commit)
    }

    /// What a person has been asked about a creation of unknown outcome, if anything.
    pub(crate) fn asked(&mut self, intent: &Intent) -> Result<Option<Review>> {
        let open = self.store.open_reviews(intent.source.record().as_slice())?;
        Ok(open
            .into_iter()
            .find(|review| review.kind == ReviewKind::UnknownOutcome && review.ty == intent.ty))
    }
}

/// The question that a person is asked about a creation of unknown outcome.
pub(crate) fn question_of(intent: &Intent) -> ReviewKey {
    ReviewKey {
        kind: ReviewKind::UnknownOutcome,
        about: intent.subject().into(),
        ty: intent.ty,
        prop: None,
    }
}

/// The values that a record shows and did not show before.
fn changes(plan: &Plan, state: &RecordState, read: &ReadRecord) -> WhichRecord {
    let mut changes = Vec::new();
    for (ix, (prop, now)) in plan.ty(state.ty).props.iter().zip(&read.values).enumerate() {
        let before = state.slot(PropIx(ix as u16)).value(prop.whole);
        let Some(now) = now.as_ref().map(|now| effective(now, prop.whole)) else { continue };
        if !(equal(before, now) || is_empty(before) && is_empty(now)) {
            let (property, before) = (prop.name.clone(), before.clone());
            changes.push(Changed { property, before, now: now.clone() });
        }
    }
    let more = changes.len().saturating_sub(NAMED) as u64;
    changes.truncate(NAMED);
    WhichRecord::ShowsOthers { changes, more }
}
