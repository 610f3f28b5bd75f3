//! Whose record a key stands for (R9), as far as it is more than comparing: what is told and asked,
//! a person's answer, and whether a system still is the account whose records are known.
//!
//! Where a system tells its account's id, that is asked once per process and belongs to the store.
//! Where it does not, the records are its fingerprint: if most of those that are read under known
//! keys show nothing of what identified them, nothing of them is taken in.
//!
//! Marks: `account:SYSTEM` the id of the account whose records are known, `strange-account:SYSTEM`
//! the other one that a person is asked about.

use std::collections::{BTreeMap, HashMap};

use lockstep_connector::Trouble;
use lockstep_engine::Observed;
use lockstep_engine::Trust;
use lockstep_engine::confirm::made_of;
use lockstep_engine::keys::{hashes, promised, rekey};
use lockstep_engine::observe::Doubt;
use lockstep_model::value::{effective, equal, is_empty, shown};
use lockstep_model::{
    Change, GuardKind, Intent, IntentKind, IntentState, NumberMap, PropIx, ReadRecord, RecordId,
    RecordState, Review, ReviewKind, Rule, Timestamp, TypeIx, Value,
};
use lockstep_store::{Commit, JournalEntry, JournalKind, ReviewKey, TypeStatus};
use serde_json::json;

use crate::acts::{ActError, ActResult};
use crate::guards::TrippedGuard;
use crate::report::{Event, RecordName};
use crate::run::{Hub, Result, Underway};
use crate::settle_unknown::{is_telling, question_of};

/// So many values are named in a question; more would hide it.
const NAMED: usize = 4;

/// R9: whether so many records that show nothing of what identified them, of so many that are
/// known, make it another account.
pub(crate) fn is_another_account(strangers: u64, of: u64) -> bool {
    strangers >= 2 && strangers * 2 > of
}

impl Hub {
    /// R9: asks each system whose account it is, where it tells. Another account than the one whose
    /// records are known is left alone.
    pub(crate) fn check_accounts(&mut self, under_way: &mut Underway) -> Result<()> {
        if std::mem::replace(&mut self.accounts_checked, true) {
            return Ok(());
        }
        let marks: HashMap<String, Value> = self.store.marks()?.into_iter().collect();
        for system in 0..self.systems.len() {
            if self.leaves_out(under_way, system) {
                continue;
            }
            let name = self.systems[system].name.clone();
            let account = match self.systems[system].connector.account() {
                Ok(None) => continue,
                Ok(Some(account)) => account,
                Err(Trouble::Malformed(message)) => {
                    under_way.report.system(&name).refused += 1;
                    under_way.report.event(|| Event::Fault { place: name.clone(), message });
                    continue;
                }
                Err(trouble) => {
                    self.accounts_checked = false;
                    self.pause(under_way, system, None, &trouble);
                    continue;
                }
            };
            let mark = account_mark(&name);
            let known = marks.get(&mark).and_then(Value::as_str).map(str::to_string);
            let ty = self.type_for(system);
            let believed = under_way.guards.believes_all_of(ty);
            let mut commit = Commit::default();
            if known.as_ref() == Some(&account) || known.is_none() || believed {
                if known.as_ref() != Some(&account) {
                    commit.marks.push((mark, Some(json!(account))));
                }
                if marks.contains_key(&strange_mark(&name)) {
                    under_way.guards.stopped.remove(&(ty, GuardKind::Vanished));
                    let record = GuardKind::Vanished.stand_in();
                    commit.reviews_closed.push(ReviewKey {
                        kind: ReviewKind::Guard,
                        record,
                        ty,
                        prop: None,
                    });
                    commit.marks.push((strange_mark(&name), None));
                }
                if commit != Commit::default() {
                    self.store.commit(commit)?;
                }
                continue;
            }
            // It is asked again by the next run, whoever has put the settings right meanwhile.
            self.accounts_checked = false;
            let known = known.unwrap_or_default();
            let message = format!(
                "the key belongs to the account {account} now; the records that are known of {name} are those of {known}: nothing is read \
                 from it or written to it. Put the settings of {name} right, or give the new account a name of its own; `lockstep release \
                 --system {name}` takes it for the same"
            );
            commit.marks.push((strange_mark(&name), Some(json!(account))));
            let value =
                json!({"system": name, "guard": "account", "known": known, "account": account});
            self.ask_about_account(under_way, ty, value, message, &mut commit);
            self.store.commit(commit)?;
        }
        Ok(())
    }

    /// R9: most records that are known show nothing of what identified them. The record type stays
    /// as it was before the reading.
    pub(crate) fn stop_strangers(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        before: TypeStatus,
        strangers: u64,
        known: u64,
    ) -> Result<()> {
        let name = self.plan.ty(ty).name.clone();
        let message = format!(
            "of {known} known records of {name}, {strangers} show nothing of what identified them: under their ids stand others, as in \
             another account. Nothing of that is taken in, and nothing is written to {0}. Put the settings of {0} right, or give the new \
             account a name of its own; `lockstep release --system {0}` says that it is the same account, and you are asked about each \
             of these records by itself then",
            name.system
        );
        self.status[ty.at()] = TypeStatus { records: self.status[ty.at()].records, ..before };
        let mut commit =
            Commit { types: vec![(ty, self.status[ty.at()].clone())], ..Commit::default() };
        self.listed_whole(ty, false, &mut commit);
        let value = json!({"system": name.system, "guard": "account", "type": name.to_string(), "strangers": strangers, "known": known});
        self.ask_about_account(under_way, ty, value, message, &mut commit);
        Ok(self.store.commit(commit)?)
    }

    fn ask_about_account(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        value: Value,
        message: String,
        commit: &mut Commit,
    ) {
        let name = self.plan.ty(ty).name.clone();
        commit.reviews_opened.push(Review {
            kind: ReviewKind::Guard,
            record: GuardKind::Vanished.stand_in(),
            ty,
            prop: None,
            rule: Rule::R9,
            candidates: vec![],
            value,
            message: message.clone(),
            opened_at: self.clock.now(),
        });
        under_way.guards.stopped.insert((ty, GuardKind::Vanished));
        under_way.report.guards.retain(|line| line.record_type.as_ref() != Some(&name.to_string()));
        under_way.report.guards.push(TrippedGuard {
            system: name.system.clone(),
            guard: GuardKind::Vanished.name(),
            record_type: Some(name.to_string()),
            message: message.clone(),
        });
        // What else the system has belongs to the same account.
        let system = self.system_of(ty);
        under_way.report.system(&name.system).paused = Some(message.clone());
        under_way.paused.insert(system, message);
    }

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
        let text = format!(
            "{now} is another record now: the one that was gone is known as {was} from here on"
        );
        for record in [Some(id), heir].into_iter().flatten() {
            commit.journal.push(JournalEntry {
                at: self.clock.now(),
                run: under_way.report.run,
                kind: JournalKind::Note,
                record,
                path: None,
                before: Value::Null,
                after: Value::Null,
                rule: Some(Rule::R9),
                other: heir.map(|heir| if heir == record { id } else { heir }),
                intent: None,
                text: text.clone(),
            });
        }
        under_way
            .report
            .event(|| Event::Deleted { record: was.clone(), text: format!("{text} (R9)") });
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
        let message = format!(
            "it shows other values all at once: {}. `accept` if it is the same record, edited; `reject` if its id belongs to another \
             record now",
            self.changes_in_words(state, &doubt.read)
        );
        let flow = ty
            .flows_out
            .first()
            .copied()
            .unwrap_or_else(|| self.plan.flow_between(state.ty, state.ty));
        under_way.report.flow(flow).review += 1;
        let (flow, kind, rule) = (
            self.plan.flow_name(flow),
            ReviewKind::AnotherRecord.name().to_string(),
            Rule::R9.to_string(),
        );
        under_way.report.event(|| Event::Review {
            flow,
            kind,
            record: name,
            message: message.clone(),
            rule,
        });
        commit.reviews_opened.push(Review {
            kind: ReviewKind::AnotherRecord,
            record: state.id,
            ty: state.ty,
            prop: None,
            rule: Rule::R9,
            candidates: vec![],
            value,
            message,
            opened_at: self.clock.now(),
        });
        // What waits to be written to it is given up.
        commit.agenda_added.push((ty.decide_rank, state.id));
        (under_way.doubted, under_way.reviews) = (true, true);
        Ok(())
    }

    fn changes_in_words(&self, state: &RecordState, read: &ReadRecord) -> String {
        let props = &self.plan.ty(state.ty).props;
        let mut changes = Vec::new();
        for (ix, (prop, now)) in props.iter().zip(&read.values).enumerate() {
            let before = state.slot(PropIx(ix as u16)).value(prop.whole);
            let Some(now) = now.as_ref().map(|now| effective(now, prop.whole)) else { continue };
            if !(equal(before, now) || is_empty(before) && is_empty(now)) {
                changes.push(format!("{} {} → {}", prop.name, shown(before), shown(now)));
            }
        }
        let more = changes.len().saturating_sub(NAMED);
        changes.truncate(NAMED);
        if more > 0 {
            changes.push(format!("{more} more"));
        }
        changes.join(", ")
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
    fn parts_by_time(
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

    fn read_from_json(&self, ty: TypeIx, value: &Value) -> Option<ReadRecord> {
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
            found.extend(self.doubted_by(review).into_iter().map(|hash| (hash, review.record)));
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

    fn doubted_by(&self, review: &Review) -> Vec<u64> {
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
            review.kind == ReviewKind::AnotherRecord && ids.contains(&review.record)
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
        for review in self.store.open_reviews(read)? {
            let is_doubted = doubts.iter().any(|doubt| doubt.known.id == review.record);
            if review.kind == ReviewKind::AnotherRecord
                && read.contains(&review.record)
                && !is_doubted
            {
                commit.reviews_closed.push(ReviewKey::of(&review));
                commit.agenda_added.push((self.plan.ty(review.ty).decide_rank, review.record));
                // What waited for the answer.
                self.wake(&self.doubted_by(&review), commit)?;
            }
        }
        Ok(())
    }

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
        let record = self.store.records(&[review.record])?.pop().ok_or_else(gone)?;
        let name = self.name_of(&record);
        let text = match same {
            true => "a person says that it is the same record, with other values",
            false => "a person says that its id belongs to another record now",
        };
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        // What waited for the answer.
        self.wake(&self.doubted_by(review), &mut commit)?;
        let mut entry = self.person(under_way, JournalKind::Person, record.id, None, text);
        entry.rule = Some(Rule::R9);
        commit.journal.push(entry);
        let read = self.read_from_json(record.ty, &review.value).filter(|_| record.is_live());
        if let Some(read) = read {
            let ty = record.ty;
            if same {
                self.take_in_as_shown(under_way, record, read, review, &mut commit)?;
            } else {
                self.take_in_as_another(under_way, record, read, review, &mut commit)?;
            }
            commit.counts.push((ty, self.status[ty.at()].records));
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

/// When a value was shown for the first time, and after which reading of its record type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub at: Option<Timestamp>,
    pub after: Option<Timestamp>,
}

fn account_mark(system: &str) -> String {
    format!("account:{system}")
}

fn strange_mark(system: &str) -> String {
    format!("strange-account:{system}")
}
