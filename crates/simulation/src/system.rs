//! A simulated system behind the connectors' trait.
//!
//! It keeps records as its habits say and goes wrong as often as it was drawn to: answers are lost
//! before or after the work is done, pages leave out what they should show, it is busy, down or
//! answers nonsense, shows for a while what was before a write, or lists nothing at all. What it
//! may not do: lose what it said it had done, or show a record that never was. Every write of the
//! hub is looked at on the spot by the checkers that need nothing but this system to judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use lockstep_connector::{
    Action, Answers, Checkpoint, Connector, Outcome, Page, ReadRequest, RecordFault, Trouble, Write,
};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Timestamp, TypeSchema, Value};

use crate::clock::SimulatedClock;
use crate::draw::{
    ACCEPTED_MS, Answering, COMPANY, Drawn, Fails, Kind, Loses, MAIL, SCORE, SystemDrawn, WHO,
};
use crate::forms::{GROUP, TAGS, typed};
use crate::lines::{LINES, Line, told};
use crate::mortal::Life;
use crate::random::Random;
use crate::tags::number_set;
use crate::truth::{Deed, Does, Failed, GroupNumbers, Sent, Shared, Truth, number_of, text_of};

/// A record as the system keeps it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub kind: Kind,
    /// Texts by property; the address as a list, of one where the system has only one.
    pub texts: BTreeMap<&'static str, String>,
    pub mails: Vec<String>,
    /// A list whose elements come and go one by one.
    pub tags: Vec<String>,
    /// A list whose elements are records of their own.
    pub lines: Vec<Line>,
    pub version: u64,
    pub modified: i64,
    pub changed: u64,
    pub gone: bool,
    pub by_hub: bool,
    /// Values of people's that the hub has been shown, by number.
    pub(crate) seen: BTreeSet<u64>,
    /// Properties that the hub has written and not been shown since.
    pub(crate) unseen: BTreeSet<&'static str>,
    /// What an automation of the system's puts there, and what it is about to.
    pub(crate) own: BTreeMap<&'static str, String>,
    pub(crate) due: BTreeSet<&'static str>,
    pub ever_shown: bool,
    /// It has been shown to the process that calls now.
    pub shown: bool,
    /// The last listing has left it out.
    left_out: bool,
    /// What a stale reading shows, and until when.
    pub(crate) before: Option<(Box<Row>, i64)>,
    /// It was only accepted, and nothing shows it before this time.
    pub hidden_until: Option<i64>,
    /// It is gone, and its id is another's.
    id_given_on: bool,
    /// Its id had been another's.
    reused: bool,
}

impl Row {
    /// Listings of this record type know of it.
    fn is_listed_as(&self, kind: Kind) -> bool {
        self.kind == kind && self.hidden_until.is_none() && !self.id_given_on
    }

    /// Which edits the values of its group came from (P1e).
    pub fn group(&self) -> GroupNumbers {
        GROUP.map(|prop| self.texts.get(prop).and_then(|text| number_of(text)))
    }

    /// The numbers of the edits that its values came from.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        let texts = self.texts.values().chain(&self.tags);
        texts.filter_map(|text| number_of(text))
    }

    /// Its texts and the elements of its list, each with its property.
    pub fn shown_texts(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let texts = self.texts.iter().map(|(prop, text)| (*prop, text));
        let lines = self.lines.iter().map(|line| (LINES, &line.text));
        texts.chain(self.tags.iter().map(|tag| (TAGS, tag))).chain(lines)
    }

    /// The hub is shown what it asks for of the record.
    fn see(&mut self, watch: &[PropertyRef], shown: &Row) {
        match is_of_lines(watch) {
            true => self.seen.extend(shown.lines.iter().flat_map(Line::numbers)),
            false => self.seen.extend(shown.numbers()),
        }
    }

    /// Whether the hub has been shown a person's value.
    pub(crate) fn has_seen(&self, number: u64) -> bool {
        self.seen.contains(&number)
    }

    /// Who it really is.
    pub fn who_is(&self) -> &str {
        self.texts.get(WHO).map_or("", String::as_str)
    }
}

/// The records of a system, by the order in which they came.
#[derive(Debug, Default)]
pub struct Rows {
    pub all: BTreeMap<u64, Row>,
    next: u64,
    changes: u64,
}

/// A creation whose outcome is not told may still be under way for so long, where no other delay is
/// stated (C2).
const UNDER_WAY_MS: i64 = 1_000;
/// What a write that surely was not done waits at least before it is tried again, by how often it
/// has failed (G4).
const BACK_OFF_MS: [i64; 5] = [1_000, 3_000, 60_000, 300_000, 900_000];

/// After so many tries a write is given up, and what is decided anew begins anew (G4).
const GIVEN_UP: u32 = 8;

/// A simulated system.
pub struct SimulatedSystem {
    pub number: usize,
    pub drawn: SystemDrawn,
    schemas: Vec<TypeSchema>,
    rows: Mutex<Rows>,
    clock: Arc<SimulatedClock>,
    pub(crate) truth: Shared,
    random: Mutex<Random>,
    /// Chance for what the other stream does not ask for.
    more: Mutex<Random>,
    /// How far its clock has been set back.
    behind: AtomicI64,
    life: Mutex<Arc<Life>>,
    /// There is only one other system.
    alone: bool,
    matchless: bool,
    /// A flow stops and begins to hold by values that it brings itself.
    by_city: bool,
    /// No system spells the elements of lists in another way.
    pub(crate) spelt_alike: bool,
}

impl SimulatedSystem {
    /// An empty system.
    pub fn new(
        number: usize,
        drawn: &Drawn,
        clock: Arc<SimulatedClock>,
        truth: Shared,
        chance: [Random; 2],
    ) -> Self {
        let (matchless, alone, companies) =
            (drawn.matchless, drawn.systems.len() == 2, drawn.companies);
        let by_city = drawn.suspended.is_some_and(|pair| pair.by_city);
        let spelt_alike = !drawn.systems.iter().any(SystemDrawn::spells_tags);
        let drawn = drawn.systems[number].clone();
        let schemas = drawn.schemas(companies);
        let life = Mutex::new(Life::of(None));
        let [random, more] = chance.map(Mutex::new);
        SimulatedSystem {
            number,
            drawn,
            schemas,
            rows: Mutex::default(),
            clock,
            truth,
            random,
            more,
            behind: AtomicI64::new(0),
            life,
            alone,
            matchless,
            by_city,
            spelt_alike,
        }
    }

    /// The process that calls from now on.
    pub fn called_by(&self, life: Arc<Life>) {
        *self.life.lock().expect("no panic") = life;
    }

    /// The process that called has ended; `keeps` tells what it has recorded of what it was shown.
    pub fn no_longer_called(&self, keeps: impl Fn(&str) -> bool) {
        for row in self.rows.lock().expect("no panic").all.values_mut() {
            row.ever_shown |= row.shown && keeps(&row.id);
            row.shown = false;
        }
    }

    pub(crate) fn rows_locked(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().expect("no panic")
    }

    /// All records, as they are.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.lock().expect("no panic").all.values().cloned().collect()
    }

    /// The record of this id.
    pub fn row(&self, id: &str) -> Option<Row> {
        self.rows.lock().expect("no panic").all.values().find(|row| row.id == id).cloned()
    }

    /// Somebody may come upon it. Where nothing matches, nobody does upon what the hub has made a
    /// moment ago and has no answer to yet: changed by then, it could not be told from another one.
    pub(crate) fn may_be_met(&self, row: &Row) -> bool {
        !row.gone
            && row.hidden_until.is_none()
            && (!self.matchless || row.ever_shown || !row.by_hub)
    }

    pub(crate) fn kept(&self, prop: &str, text: &str) -> String {
        match self.drawn.rewrites.iter().find(|(name, _)| *name == prop) {
            Some((_, rewrite)) => rewrite.of(text),
            None => text.to_string(),
        }
    }

    /// What the system's own clock shows: it was set wrong, and goes wrong.
    fn own_time(&self) -> i64 {
        let now = self.clock.real();
        now - self.behind.load(Ordering::Relaxed)
            + self.drawn.drift_ms
            + (now - SimulatedClock::START) / 1_000 * self.drawn.drift_ppm / 1_000
    }

    /// Its clock is set back.
    pub fn set_back(&self, ms: i64) {
        self.behind.fetch_add(ms, Ordering::Relaxed);
        let mut truth = self.truth.look();
        truth.count("system's clock set back");
        truth.tell("", format!("the clock of {} is set back by {ms} ms", self.drawn.name));
    }

    /// What was only accepted is there when its time has come.
    fn appear(&self, rows: &mut Rows) {
        let now = self.clock.real();
        let due: Vec<u64> = rows
            .all
            .iter()
            .filter(|(_, row)| row.hidden_until.is_some_and(|until| until <= now))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            let row = rows.all.get_mut(&key).expect("just found");
            row.hidden_until = None;
            self.truth
                .look()
                .tell(row.who_is(), format!("{}/{} shows up", self.drawn.name, row.id));
            self.stamp(rows, key);
        }
    }

    /// A call takes its time.
    fn takes_time(&self) {
        if self.drawn.latency_ms > 0 {
            let ms = self.random.lock().expect("no panic").between(0, self.drawn.latency_ms);
            self.clock.pass(ms);
        }
    }

    pub(crate) fn stamp(&self, rows: &mut Rows, key: u64) {
        rows.changes += 1;
        let (changes, now) = (rows.changes, self.own_time());
        if let Some(row) = rows.all.get_mut(&key) {
            row.version += 1;
            row.modified = now;
            row.changed = changes;
        }
    }

    fn add(&self, rows: &mut Rows, kind: Kind, who: &str, by_hub: bool) -> u64 {
        rows.next += 1;
        let key = rows.next;
        let fresh = || {
            if self.drawn.numbers_ids {
                (1_000 + key).to_string()
            } else {
                format!("{}-{key:04}", self.drawn.name)
            }
        };
        let freed = self.freed_id(rows, key, kind, who);
        let reused = freed.is_some();
        let (id, version) = freed.unwrap_or_else(|| (fresh(), 0));
        let row = Row {
            id,
            kind,
            texts: [(WHO, who.to_string())].into(),
            mails: vec![],
            tags: vec![],
            lines: vec![],
            version,
            modified: 0,
            changed: 0,
            gone: false,
            by_hub,
            seen: BTreeSet::new(),
            unseen: BTreeSet::new(),
            own: BTreeMap::new(),
            due: BTreeSet::new(),
            ever_shown: false,
            shown: false,
            left_out: false,
            before: None,
            hidden_until: None,
            id_given_on: false,
            reused,
        };
        rows.all.insert(key, row);
        key
    }

    /// R9: the id of somebody else who is gone, with the last version of their record.
    fn freed_id(&self, rows: &mut Rows, key: u64, kind: Kind, who: &str) -> Option<(String, u64)> {
        if !self.drawn.reuses_ids {
            return None;
        }
        let free = rows
            .all
            .values_mut()
            .find(|row| row.kind == kind && row.gone && !row.id_given_on && row.who_is() != who)?;
        let (id, name) = (free.id.clone(), format!("{} until {key}", free.id));
        (free.id, free.id_given_on) = (name.clone(), true);
        let mut truth = self.truth.look();
        truth.count("id given to another");
        truth.tell(
            who,
            format!("{} gives {who} the id {id}, which was {}'s", self.drawn.name, free.who_is()),
        );
        truth.tell(
            free.who_is(),
            format!("{} gives {who} the id {id}, which was {}'s", self.drawn.name, free.who_is()),
        );
        truth.give_id_on(&(self.number, id.clone()), &(self.number, name));
        Some((id, free.version))
    }

    /// Somebody types in a person.
    pub fn person_adds(&self, kind: Kind, who: &str, mails: Vec<String>, random: &mut Random) {
        let mut rows = self.rows.lock().expect("no panic");
        let key = self.add(&mut rows, kind, who, false);
        let mut truth = self.truth.look();
        let row = rows.all.get_mut(&key).expect("just added");
        row.mails =
            if self.drawn.mail_is_a_list { mails } else { mails.into_iter().take(1).collect() };
        for prop in self.drawn.edited(kind) {
            if random.per_mille(700) {
                let value = truth.value(who, (self.number, row.id.clone()), prop);
                row.texts.insert(prop, self.kept(prop, &typed(&self.drawn, prop, &value)));
            }
        }
        truth.put_in_group((self.number, row.id.clone()), row.group());
        self.first_tags(&mut truth, row, random);
        self.first_lines(&mut truth, row, random);
        truth.tell(
            who,
            format!(
                "somebody types {}/{} into {}: {:?} {:?} {:?}",
                self.drawn.name, row.id, self.drawn.name, row.mails, row.texts, row.tags
            ),
        );
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// Somebody edits a property of some record.
    pub fn person_edits(&self, random: &mut Random) {
        self.edits(random, true);
    }

    fn edits(&self, random: &mut Random, unseen_too: bool) {
        let mut rows = self.rows.lock().expect("no panic");
        let live: Vec<u64> =
            rows.all.iter().filter(|(_, row)| self.may_be_met(row)).map(|(key, _)| *key).collect();
        let Some(&key) = random.pick(&live) else { return };
        let Some(prop) = random.pick(&self.drawn.edited(rows.all[&key].kind)).copied() else {
            return;
        };
        if !unseen_too && rows.all[&key].unseen.contains(prop) {
            return;
        }
        let mut truth = self.truth.look();
        let row = rows.all.get_mut(&key).expect("it is live");
        let who = row.texts[WHO].clone();
        let value = truth.value(&who, (self.number, row.id.clone()), prop);
        let value = self.kept(prop, &typed(&self.drawn, prop, &value));
        truth.lost.remove(&((self.number, row.id.clone()), prop));
        truth.reason_to_write(&who, Some(prop));
        truth
            .tell(&who, format!("somebody edits {}/{} {prop}: {value:?}", self.drawn.name, row.id));
        row.texts.insert(prop, value);
        row.before = None;
        if GROUP.contains(&prop) {
            truth.put_in_group((self.number, row.id.clone()), row.group());
        }
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// Somebody gives a person another address; the others keep it equal, and who is linked stays
    /// so (L4).
    pub fn person_moves(&self, id: &str, mail: String, random: &mut Random) {
        let mut rows = self.rows.lock().expect("no panic");
        let Some((&key, row)) = rows.all.iter_mut().find(|(_, row)| row.id == id) else { return };
        let Some(place) = (!row.mails.is_empty()).then(|| random.below(row.mails.len())) else {
            return;
        };
        let mut truth = self.truth.look();
        let who = row.who_is().to_string();
        truth.reason_to_write(&who, None);
        truth.people_edits += 1;
        truth.count("another address");
        truth.lost.remove(&((self.number, row.id.clone()), MAIL));
        truth.tell(
            &who,
            format!(
                "somebody changes the address in {}/{}: {} to {mail}",
                self.drawn.name, row.id, row.mails[place]
            ),
        );
        row.mails[place] = mail;
        row.before = None;
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// Somebody says for which company a person works.
    pub fn person_hires(&self, random: &mut Random) {
        let mut rows = self.rows.lock().expect("no panic");
        let met = |kind: Kind| {
            rows.all.iter().filter(move |(_, row)| row.kind == kind && self.may_be_met(row))
        };
        let people: Vec<u64> = met(Kind::Person).map(|(key, _)| *key).collect();
        let companies: Vec<String> = met(Kind::Company).map(|(_, row)| row.id.clone()).collect();
        let (Some(&key), Some(company)) = (random.pick(&people), random.pick(&companies)) else {
            return;
        };
        let row = rows.all.get_mut(&key).expect("it is live");
        if row.texts.get(COMPANY) == Some(company) {
            return;
        }
        let mut truth = self.truth.look();
        let who = row.who_is().to_string();
        truth.reason_to_write(&who, Some(COMPANY));
        truth.people_edits += 1;
        truth.count("reference moved");
        truth.lost.remove(&((self.number, row.id.clone()), COMPANY));
        truth.tell(
            &who,
            format!("somebody edits {}/{} {COMPANY}: {company:?}", self.drawn.name, row.id),
        );
        row.texts.insert(COMPANY, company.clone());
        row.before = None;
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// Somebody deletes a record.
    pub fn person_deletes(&self, random: &mut Random) {
        let mut rows = self.rows.lock().expect("no panic");
        let live: Vec<u64> = rows
            .all
            .iter()
            .filter(|(_, row)| self.may_be_met(row) && row.kind == Kind::Person)
            .map(|(key, _)| *key)
            .collect();
        let Some(&key) = random.pick(&live) else { return };
        let row = rows.all.get_mut(&key).expect("it is live");
        row.gone = true;
        row.before = None;
        let who = row.texts[WHO].clone();
        let mut truth = self.truth.look();
        truth.lost_a_record(&who);
        truth.tell(&who, format!("somebody deletes {}/{}", self.drawn.name, row.id));
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// Whether something goes wrong now; one in so many of the troubles drawn.
    fn goes_wrong(&self, one_in: u32, kind: &'static str) -> bool {
        let mut truth = self.truth.look();
        if truth.healed
            || !self.random.lock().expect("no panic").per_mille(self.drawn.trouble / one_in)
        {
            return false;
        }
        truth.fault(kind);
        truth.tell("", format!("{}: {kind}", self.drawn.name));
        true
    }

    /// Chance from the stream of the kinds of fault that were drawn by themselves; nothing happens
    /// any more once everything has healed.
    fn happens(&self, per_mille: u32) -> bool {
        per_mille > 0
            && self.more.lock().expect("no panic").per_mille(per_mille)
            && !self.truth.look().healed
    }

    fn trouble(&self) -> Option<Trouble> {
        self.takes_time();
        let place = &self.drawn.name;
        if self.goes_wrong(4, "unreachable") {
            return Some(Trouble::Unreachable(format!("{place} does not answer")));
        }
        if self.goes_wrong(4, "busy") {
            return Some(Trouble::Busy {
                retry_after_ms: Some(700),
                message: format!("{place} asks to come back"),
            });
        }
        self.goes_wrong(12, "nonsense")
            .then(|| Trouble::Malformed(format!("{place} answers nonsense")))
    }

    /// Now and then somebody edits while the hub is at it; only where a version tells it (P6).
    ///
    /// Not what the hub has just written and not been shown since, unless the answer shows it: then
    /// nothing tells such an edit from what the system made of the value (R6).
    fn meanwhile(&self) {
        if self.drawn.tells_version && self.goes_wrong(2, "edit meanwhile") {
            let mut random = self.random.lock().expect("no panic").split();
            if self.drawn.lines && random.per_mille(400) {
                self.person_lines(&mut random, false);
                return;
            }
            if self.drawn.tags && random.per_mille(300) {
                self.person_tags(&mut random, false);
                return;
            }
            self.edits(
                &mut random,
                self.drawn.answering.is_none_or(|answering| answering == Answering::Stored),
            );
        }
    }

    /// A record as the system shows it.
    fn show(&self, watch: &[PropertyRef], row: &mut Row) -> ReadRecord {
        let now = self.clock.real();
        let stale = row
            .before
            .as_ref()
            .filter(|(_, until)| now < *until)
            .map(|(before, _)| (**before).clone());
        if stale.is_some() {
            self.truth.look().fault("stale reading");
            self.truth
                .look()
                .tell(row.who_is(), format!("{}/{}: stale reading", self.drawn.name, row.id));
        }
        row.shown = true;
        if stale.is_none() {
            // A list is also read in order to write it: that shows nothing to who decides.
            row.unseen.retain(|prop| *prop == LINES);
        }
        let shown = stale.unwrap_or_else(|| row.clone());
        row.see(watch, &shown);
        let values =
            watch.iter().map(|prop| Some(self.value(&shown, prop.path.as_str()))).collect();
        self.record(&shown, values)
    }

    fn value(&self, row: &Row, path: &str) -> Value {
        if path == MAIL {
            return match self.drawn.mail_is_a_list {
                true => Value::from(self.shuffled(&row.mails)),
                false => row.mails.first().map_or(Value::Null, |mail| Value::from(mail.clone())),
            };
        }
        if path == LINES {
            return Self::shown_lines(row);
        }
        if path == TAGS {
            return Value::from(self.shuffled(&row.tags));
        }
        let Some(text) = row.texts.get(path).filter(|text| path != COMPANY || !text.is_empty())
        else {
            return Value::Null;
        };
        match text
            .strip_prefix('x')
            .filter(|_| path == SCORE)
            .and_then(|number| number.parse::<f64>().ok())
        {
            Some(number) => Value::from(number),
            None => Value::from(text.clone()),
        }
    }

    /// P11: a list in whatever order it comes.
    pub(crate) fn shuffled(&self, list: &[String]) -> Vec<String> {
        let mut list = list.to_vec();
        if self.drawn.shuffles && list.len() > 1 {
            let by = self.more.lock().expect("no panic").below(list.len());
            list.rotate_left(by);
            if by > 0 {
                self.truth.look().count("list in another order");
            }
        }
        list
    }

    fn record(&self, row: &Row, values: Vec<Option<Value>>) -> ReadRecord {
        ReadRecord {
            id: row.id.clone(),
            version: self.drawn.tells_version.then(|| row.version.to_string()),
            modified: self.drawn.tells_modified.then_some(Timestamp(row.modified)),
            deleted: row.gone,
            values,
        }
    }

    /// One write, done.
    fn carry_out(&self, of: Kind, watch: &[PropertyRef], write: &Write) -> Outcome {
        let mut rows = self.rows.lock().expect("no panic");
        let find = |rows: &Rows, id: &str| {
            rows.all.iter().find(|(_, row)| row.id == id).map(|(key, _)| *key)
        };
        let (key, kind, version) = match &write.action {
            Action::Restore { id } => {
                return Outcome::Gone { message: format!("{id} was not kept") };
            }
            Action::Create => {
                let text = |path: &str| {
                    let given =
                        write.values.iter().find(|value| watch[value.prop].path.as_str() == path);
                    given.and_then(|value| value.value.as_str()).unwrap_or_default().to_string()
                };
                let (who, mail) = (text(WHO), text(MAIL).to_lowercase());
                let holds = |row: &&Row| {
                    !row.gone
                        && row.hidden_until.is_none()
                        && row.mails.iter().any(|held| held.to_lowercase() == mail)
                };
                if self.drawn.refuses_duplicates
                    && of == Kind::Person
                    && let Some(row) = rows.all.values().find(holds)
                {
                    let mut truth = self.truth.look();
                    truth.fault("duplicate refused");
                    truth.tell(
                        &who,
                        format!("{} refuses {who} as a duplicate of {}", self.drawn.name, row.id),
                    );
                    let id = self.drawn.names_duplicates.then(|| row.id.clone());
                    return Outcome::Duplicate { id, message: format!("{mail} is taken") };
                }
                self.check_creation(&rows, &who);
                (self.add(&mut rows, of, &who, true), Does::Create, None)
            }
            Action::Update { id, version } | Action::Delete { id, version } => {
                let kind = if matches!(write.action, Action::Delete { .. }) {
                    Does::Delete
                } else {
                    Does::Update
                };
                match find(&rows, id)
                    .filter(|key| !rows.all[key].gone && rows.all[key].hidden_until.is_none())
                {
                    Some(key) => (key, kind, version.clone()),
                    None => return Outcome::Gone { message: format!("{id} is not there") },
                }
            }
        };
        let shows = |row: &&Row| row.kind == Kind::Company && row.hidden_until.is_none();
        let companies: BTreeSet<String> =
            rows.all.values().filter(shows).map(|row| row.id.clone()).collect();
        let row = rows.all.get_mut(&key).expect("it is there");
        if self.drawn.tells_version
            && version.is_some_and(|version| version != row.version.to_string())
        {
            self.truth.look().conflicts += 1;
            return Outcome::Conflict { message: format!("{} was changed meanwhile", row.id) };
        }
        // P6: without a version, what is displaced is compared with what is there.
        let differs = |value: &lockstep_connector::WriteValue| {
            let prop = watch[value.prop].path.as_str();
            let is = row.texts.get(prop).map_or("", String::as_str);
            let [was, will] = [&value.displaced, &value.value].map(|value| text_in(prop, value));
            match prop {
                MAIL | LINES => false,
                TAGS => self.tags_differ(row, value),
                _ => is != was && is != self.kept(prop, &will),
            }
        };
        if !self.drawn.tells_version && kind == Does::Update && write.values.iter().any(differs) {
            self.truth.look().conflicts += 1;
            return Outcome::Conflict { message: format!("{} was changed meanwhile", row.id) };
        }
        for value in write
            .values
            .iter()
            .filter(|value| watch[value.prop].path.as_str() == COMPANY && !value.value.is_null())
        {
            let id = text_in(COMPANY, &value.value);
            if !companies.contains(&id) {
                let message = format!(
                    "{}/{} is to refer to {id}, which is no company there",
                    self.drawn.name, row.id
                );
                self.truth.look().broken("refers to nothing", row.who_is(), message);
            }
        }
        let before = row.clone();
        let mut deed = Deed {
            at: (self.number, row.id.clone()),
            kind,
            values: vec![],
            lost: vec![],
            again: false,
            answered: false,
        };
        if kind == Does::Delete {
            row.gone = true;
        }
        let writes_lines = write.values.iter().any(|v| watch[v.prop].path.as_str() == LINES);
        let ignored = kind == Does::Update
            && !writes_lines
            && match self.drawn.loses {
                Some(Loses::Updates) => key.is_multiple_of(3),
                Some(Loses::Some) => self.happens(300),
                Some(Loses::Property(_)) | None => false,
            };
        for value in &write.values {
            let path = watch[value.prop].path.as_str();
            if path == MAIL && ignored {
                deed.lost.push(MAIL);
                continue;
            }
            if path == LINES {
                self.put_lines(row, value);
                row.unseen.insert(LINES);
                continue;
            }
            if path == TAGS {
                let tags = self.kept_tags(&value.value);
                if !ignored {
                    row.unseen.insert(TAGS);
                    row.tags = tags;
                } else if number_set(&tags) != number_set(&row.tags) {
                    deed.lost.push(TAGS);
                }
                continue;
            }
            if path == MAIL {
                put_mail(row, self.drawn.mail_is_a_list, &value.value, &value.displaced);
                continue;
            }
            let Some(prop) = [WHO, COMPANY]
                .into_iter()
                .chain(self.drawn.props.iter().copied())
                .find(|prop| *prop == path)
            else {
                continue;
            };
            let now = self.kept(prop, &text_in(prop, &value.value));
            let was = row.texts.get(prop).cloned().unwrap_or_default();
            let loses = prop != WHO
                && self.drawn.loses == Some(Loses::Property(prop))
                && key.is_multiple_of(3);
            if ignored || loses {
                if now != was {
                    deed.lost.push(prop);
                }
                continue;
            }
            row.texts.insert(prop, now.clone());
            row.unseen.insert(prop);
            deed.values.push((prop, was, now));
        }
        let mut truth = self.truth.look();
        let written =
            |prop: &str| write.values.iter().any(|value| watch[value.prop].path.as_str() == prop);
        // Somebody may have put in the same reference a moment ago, or the same elements.
        let unseen = |value: &lockstep_connector::WriteValue| {
            if watch[value.prop].path.as_str() == TAGS {
                return self.was_edited(&before, &value.displaced);
            }
            watch[value.prop].path.as_str() == COMPANY
                && before
                    .texts
                    .get(COMPANY)
                    .is_some_and(|is| *is != text_in(COMPANY, &value.displaced))
        };
        deed.again = write.values.iter().any(unseen);
        deed.again |= truth.lost.iter().any(|(at, prop)| *at == deed.at && written(prop));
        for (prop, _, _) in &deed.values {
            truth.lost.remove(&(deed.at.clone(), *prop));
        }
        for prop in [MAIL, TAGS].into_iter().filter(|prop| written(prop)) {
            truth.lost.remove(&(deed.at.clone(), prop));
        }
        truth.lost.extend(deed.lost.iter().map(|prop| (deed.at.clone(), *prop)));
        if !deed.lost.is_empty() {
            truth.count("acknowledged and not kept");
        }
        self.check_write(&mut truth, &before, row, &deed);
        if kind == Does::Delete {
            truth.lost_a_record(row.who_is());
        }
        let who = row.texts.get(WHO).cloned().unwrap_or_default();
        if written(COMPANY) {
            // G4: another reference is decided elsewhere as well, also where it can't be sent yet.
            truth.failed.retain(|(_, of, _), _| *of != who);
        }
        let lines = match writes_lines {
            true => format!(" {LINES} {} to {}", told(&before.lines), told(&row.lines)),
            false => String::new(),
        };
        truth.tell(
            &who,
            format!(
                "the hub: {kind:?} {}/{} {:?} mails {:?} tags {:?}{}",
                self.drawn.name, row.id, deed.values, row.mails, row.tags, lines
            ),
        );
        if !deed.lost.is_empty() {
            truth.tell(
                &who,
                format!(
                    "{}/{} acknowledges {:?} and does not keep it",
                    self.drawn.name, row.id, deed.lost
                ),
            );
        }
        self.notice(key, row, &deed);
        truth.deeds.push(deed);
        drop(truth);
        if self.drawn.settles_ms > 0 && kind == Does::Update && !ignored {
            let until = self.clock.real() + self.drawn.settles_ms - 5;
            row.before = Some((Box::new(Row { before: None, ..before }), until));
        }
        if !ignored {
            self.stamp(&mut rows, key);
        }
        let row = rows.all.get_mut(&key).expect("it is there");
        if kind == Does::Create && self.drawn.accepts_ms > 0 {
            let ms = self.more.lock().expect("no panic").between(500, self.drawn.accepts_ms);
            row.hidden_until = Some(self.clock.real() + ms);
            let mut truth = self.truth.look();
            truth.fault("only accepted");
            truth.tell(
                &who,
                format!("{}/{} is accepted, and shows up in {ms} ms", self.drawn.name, row.id),
            );
            return Outcome::Accepted { message: "202".into() };
        }
        self.answer(watch, write, kind, row)
    }

    /// What a write that was carried out is answered with.
    fn answer(&self, watch: &[PropertyRef], write: &Write, kind: Does, row: &mut Row) -> Outcome {
        let Some(answering) = self.drawn.answering else {
            let told = |prop: &PropertyRef| {
                let written = write.values.iter().any(|value| watch[value.prop].path == prop.path);
                (self.drawn.answers_with_values || (written && prop.path.as_str() == WHO))
                    .then(|| self.value(row, prop.path.as_str()))
            };
            let values = watch.iter().map(told).collect();
            let record = self.record(row, values);
            if self.drawn.answers_with_values {
                let shown = row.clone();
                row.see(watch, &shown);
            }
            return Outcome::Done(record);
        };
        let mut record = self.record(row, watch.iter().map(|_| None).collect());
        let name = match answering {
            Answering::Stored => {
                record.values =
                    watch.iter().map(|prop| Some(self.value(row, prop.path.as_str()))).collect();
                row.unseen.clear();
                let shown = row.clone();
                row.see(watch, &shown);
                self.truth.look().count("answer: the record");
                return Outcome::Done(record);
            }
            Answering::Id => "answer: only an id",
            Answering::Echo => {
                write
                    .values
                    .iter()
                    .for_each(|value| record.values[value.prop] = Some(value.value.clone()));
                "answer: what was sent"
            }
            Answering::Nothing => "answer: nothing",
        };
        (record.version, record.modified) = (None, None);
        if answering == Answering::Nothing && kind == Does::Create {
            self.truth.look().fault(name);
            return Outcome::Unknown { message: "the answer names no record".into() };
        }
        self.truth.look().count(name);
        Outcome::Done(record)
    }

    /// C2: a creation whose outcome was not told is sent again in another run at the earliest, and
    /// not before the delay is over.
    fn check_sent(&self, who: &str) {
        let mut truth = self.truth.look();
        let once = !truth.sharing.contains(who)
            && !truth.joined.contains(who)
            && !truth.divided.contains_key(who);
        let Some(sent) = truth.sent.remove(&(self.number, who.to_string())).filter(|_| once) else {
            return;
        };
        let (now, run) = (self.clock.real(), truth.run);
        if sent.run == run {
            truth.broken(
                "sent twice in a run",
                who,
                format!("{who} is created in {} again in run {run}", self.drawn.name),
            );
        } else if now < sent.until {
            let message = format!(
                "{who} is created in {} again {} ms before its delay is over",
                self.drawn.name,
                sent.until - now
            );
            truth.broken("sent again too soon", who, message);
        }
    }

    /// What became of a creation is not told.
    fn note_sent(&self, who: &str, accepted: bool) {
        let delay = match accepted {
            _ if self.drawn.accepts_ms > 0 => ACCEPTED_MS,
            true if self.drawn.settles_ms == 0 => ACCEPTED_MS,
            _ => self.drawn.settles_ms.max(UNDER_WAY_MS),
        };
        let mut truth = self.truth.look();
        let sent = Sent { run: truth.run, until: self.clock.real() + delay - 50 };
        truth.sent.insert((self.number, who.to_string()), sent);
    }

    /// Whom a write is about.
    fn whose(&self, watch: &[PropertyRef], write: &Write) -> String {
        match &write.action {
            Action::Create => {
                let who = write.values.iter().find(|value| watch[value.prop].path.as_str() == WHO);
                who.and_then(|value| value.value.as_str()).unwrap_or_default().to_string()
            }
            Action::Update { id, .. } | Action::Delete { id, .. } | Action::Restore { id } => {
                self.row(id).map(|row| row.who_is().to_string()).unwrap_or_default()
            }
        }
    }

    fn lie(&self, asked: &str, kind: &'static str) {
        let mut truth = self.truth.look();
        truth.fault(kind);
        truth.tell("", format!("{}: {kind}, asked for {asked}", self.drawn.name));
    }

    /// G4: the writes for one person in four fail until everything heals.
    fn fails(&self, who: &str, write: &Write, of_lines: bool) -> Option<Outcome> {
        let fails = self.drawn.fails?;
        let number: usize =
            who.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or_default();
        let kind = match write.action {
            Action::Create => Does::Create,
            Action::Update { .. } => Does::Update,
            Action::Delete { .. } | Action::Restore { .. } => return None,
        };
        if number % 4 != self.number || self.truth.look().healed {
            return None;
        }
        let mut truth = self.truth.look();
        truth.fault("endless 500");
        truth.tell(who, format!("{}: the write for {who} is answered with 500", self.drawn.name));
        if fails == Fails::Perhaps {
            return Some(Outcome::Unknown { message: "500".into() });
        }
        // Each of its elements waits by itself.
        if of_lines {
            return Some(Outcome::Later { retry_after_ms: None, message: "500".into() });
        }
        let now = self.clock.real();
        let key = (self.number, who.to_string(), kind);
        let sent = format!("{:?}", write.values);
        let before = truth.failed.get(&key).filter(|failed| failed.in_all < GIVEN_UP).cloned();
        // Another value is another write.
        let in_all = before.as_ref().map_or(0, |before| before.in_all);
        let failed = before.filter(|failed| failed.sent == sent);
        let run = truth.run;
        let failed = failed.unwrap_or(Failed { sent, times: 0, in_all, last: i64::MIN / 2, run });
        let waits = BACK_OFF_MS[(failed.times.max(1) as usize - 1).min(BACK_OFF_MS.len() - 1)];
        // Two who share an address, or of whom there is more than one, may both be written for.
        let once = !truth.sharing.contains(who)
            && !truth.joined.contains(who)
            && !truth.divided.contains_key(who);
        if once && failed.times > 0 && now - failed.last < waits - 50 {
            let message = format!(
                "the write for {who} to {} failed {} times and is tried again after {} ms",
                self.drawn.name,
                failed.times,
                now - failed.last
            );
            truth.broken("tried again too soon", who, message);
        }
        truth.failed.insert(
            key,
            Failed { times: failed.times + 1, in_all: failed.in_all + 1, last: now, run, ..failed },
        );
        Some(Outcome::Later { retry_after_ms: None, message: "500".into() })
    }

    /// C2, D1: nobody is made twice, nor anew after somebody deleted them. Where somebody has said
    /// that there are two of them (L7), there may be two. Whoever is taken for another gets that
    /// one's name with the rest, and is no second one of those.
    fn check_creation(&self, rows: &Rows, who: &str) {
        let mut truth = self.truth.look();
        if truth.may_be_another(who) {
            return;
        }
        let divided = truth.divided.get(who).copied().unwrap_or_default();
        let (gone, live): (Vec<&Row>, Vec<&Row>) =
            rows.all.values().filter(|row| row.who_is() == who).partition(|row| row.gone);
        if live.len() > divided {
            let there: Vec<&str> = live.iter().map(|row| row.id.as_str()).collect();
            let message = format!(
                "{who} is created in {} and is there already as {}",
                self.drawn.name,
                there.join(" and ")
            );
            truth.broken("created twice", who, message);
        }
        // With more than two systems the new one may come from a record that has never been linked
        // with the deleted one.
        let once =
            self.alone && divided == 0 && !truth.anew.remove(&(self.number, who.to_string()));
        // And who was shown under a number that had been another's may have been a question until
        // they were deleted (R9).
        let deleted = gone.iter().find(|row| row.by_hub && row.ever_shown && once && !row.reused);
        if let Some(row) = deleted {
            let message = format!(
                "{who} is created in {} anew, after {} was deleted",
                self.drawn.name, row.id
            );
            truth.broken("created after a deletion", who, message);
        }
    }

    /// What can be said of a write by who sees only this record.
    fn check_write(&self, truth: &mut Truth, before: &Row, row: &Row, deed: &Deed) {
        if deed.kind != Does::Update {
            return;
        }
        let (who, name) = (row.texts.get(WHO).cloned().unwrap_or_default(), &self.drawn.name);
        // Whoever is put together anew after somebody took them apart may get the same in another's
        // spelling; so may a property of which somebody has said whose value is right.
        let in_order_of = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        let in_order = |row: &Row| in_order_of(&row.mails);
        let same = deed.lost.is_empty()
            && !deed.again
            && deed.values.iter().all(|(_, was, now)| was.trim() == now.trim())
            && in_order(before) == in_order(row)
            && in_order_of(&before.tags) == in_order_of(&row.tags)
            && before.lines == row.lines;
        let said =
            deed.values.iter().any(|(prop, _, _)| truth.said.contains(&(who.clone(), *prop)));
        // L9: where a flow does not hold any more, what its target shows of a value counts, in that
        // one's spelling.
        let respelled = self.by_city && deed.values.iter().any(|(_, was, now)| was != now);
        if same && !said && !respelled && !truth.divided.contains_key(&who) {
            let message =
                format!("{name}/{} is written and nothing changes: {:?}", row.id, deed.values);
            truth.broken("written for nothing", &who, message);
        }
        truth.count_writes(&who, deed);
        self.check_group(truth, before, row, deed);
        self.check_tags(truth, before, row, deed);
        self.check_lines(truth, before, row, deed);
        for (prop, was, now) in
            deed.values.iter().filter(|(_, was, now)| number_of(was) != number_of(now))
        {
            let edit = |value: &str| {
                number_of(value)
                    .and_then(|number| truth.edits.get(&number).map(|edit| (number, edit.clone())))
            };
            let (old, new) = (edit(was), edit(now));
            if let Some((_, edit)) = &new
                && edit.at == deed.at
                && edit.prop == *prop
                && !GROUP.contains(prop)
                && !truth.said.contains(&(who.clone(), *prop))
            {
                let message = format!(
                    "{now:?} comes back into {name}/{} {prop}, where it was edited, over {was:?}",
                    row.id
                );
                truth.broken("echo", &who, message);
            }
            if let Some((number, edit)) = &old
                && edit.at == deed.at
                && !before.seen.contains(number)
            {
                let message = format!(
                    "{name}/{} {prop} {was:?} is overwritten by {now:?}, and was never looked at",
                    row.id
                );
                truth.broken("lost edit", &who, message);
            }
        }
    }
}

/// Whether a list is asked for whose elements are records of their own, and nothing else.
fn is_of_lines(watch: &[PropertyRef]) -> bool {
    matches!(watch, [list] if list.path.as_str() == LINES)
}

/// A value that was written, as it stands in this world's records.
fn text_in(prop: &str, value: &Value) -> String {
    match value {
        Value::String(id) if prop == COMPANY => id.clone(),
        value => text_of(value),
    }
}

/// P9: a single value takes the place of the element that it displaces.
fn put_mail(row: &mut Row, list: bool, value: &Value, displaced: &Value) {
    match value {
        Value::Array(all) => {
            row.mails = all.iter().filter_map(Value::as_str).map(str::to_string).collect()
        }
        single => {
            let text = single.as_str().map(str::to_string);
            if !list {
                row.mails = text.into_iter().collect();
                return;
            }
            let place = displaced
                .as_str()
                .and_then(|old| row.mails.iter().position(|mail| mail == old))
                .unwrap_or(0);
            match text {
                Some(text) if place < row.mails.len() => row.mails[place] = text,
                Some(text) => row.mails.push(text),
                None if place < row.mails.len() => drop(row.mails.remove(place)),
                None => {}
            }
        }
    }
}

impl Connector for SimulatedSystem {
    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn test(&self) -> Result<String, Trouble> {
        Ok(self.drawn.name.clone())
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        self.meanwhile();
        self.put_back(&mut self.rows.lock().expect("no panic"));
        let text = request.checkpoint.map_or("", |checkpoint| checkpoint.text.as_str());
        let mut rows = self.rows.lock().expect("no panic");
        self.appear(&mut rows);
        let asked = Kind::named(request.kind);
        let is_of_lines = is_of_lines(request.watch);
        // `all PLACE SINCE` within a listing, `since N` after it.
        let mut words = text.split(' ');
        let (kind, numbers): (&str, Vec<u64>) =
            (words.next().unwrap_or_default(), words.filter_map(|n| n.parse().ok()).collect());
        let changes = kind == "since" && self.drawn.lists_changes;
        let (place, since) = match (kind, &numbers[..]) {
            ("all", [place, since]) => (*place, *since),
            ("since", [since]) if changes => (0, *since),
            _ => (0, rows.changes),
        };
        let mut keys: Vec<(u64, u64)> = match changes {
            // R1: readings overlap a little.
            true => rows
                .all
                .iter()
                .filter(|(_, row)| row.changed + 2 > since && row.is_listed_as(asked))
                .map(|(key, row)| (row.changed, *key))
                .collect(),
            false => rows
                .all
                .iter()
                .filter(|(key, row)| **key > place && !row.gone && row.is_listed_as(asked))
                .map(|(key, _)| (*key, *key))
                .collect(),
        };
        keys.sort_unstable();
        let size = if changes { usize::MAX } else { self.drawn.page };
        let more = keys.len() > size;
        keys.truncate(size);
        let last = keys.last().map_or(place, |(order, _)| *order);
        let end = rows.changes;
        let (mut records, mut gone, mut faults) = (vec![], vec![], vec![]);
        let lists_nothing = !changes && kind != "all" && self.goes_wrong(10, "an empty list");
        for (_, key) in keys {
            let row = rows.all.get_mut(&key).expect("just listed");
            // What was never shown can't be known of: nobody could do right by it.
            let findable = row.ever_shown;
            if lists_nothing
                || (!changes
                    && findable
                    && !row.left_out
                    && self.goes_wrong(6, "left out of a page"))
            {
                // Pages shift while they are read: the next time it is there.
                row.left_out = true;
                continue;
            }
            row.left_out = false;
            if row.gone {
                if self.drawn.tells_deletions {
                    gone.push(row.id.clone());
                }
                continue;
            }
            if findable && self.goes_wrong(10, "unreadable record") {
                faults.push(RecordFault {
                    part: false,
                    place: row.id.clone(),
                    message: "it can't be read".into(),
                    id: Some(row.id.clone()),
                });
                continue;
            }
            let record = self.show(request.watch, row);
            let is_of_now = |row: &Row| {
                row.before.as_ref().is_none_or(|(_, until)| self.clock.real() >= *until)
            };
            if is_of_lines && is_of_now(row) {
                row.unseen.remove(LINES);
            }
            if self.goes_wrong(4, "shown twice") {
                records.push(record.clone());
            }
            records.push(record);
        }
        let more = more && !lists_nothing;
        let text = match (changes, more) {
            (true, _) => format!("since {end}"),
            (false, true) => format!("all {last} {since}"),
            (false, false) => format!("since {since}"),
        };
        Ok(Page {
            records,
            faults,
            gone,
            below: vec![],
            checkpoint: Checkpoint { text, bytes: vec![] },
            more,
            everything: !changes,
        })
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        let mut rows = self.rows.lock().expect("no panic");
        self.appear(&mut rows);
        let there = |row: &Row| row.id == id && !row.gone && row.is_listed_as(Kind::named(kind));
        let is_listed = rows.all.values().any(|row| there(row) && !row.left_out);
        let other = rows
            .all
            .values()
            .find(|row| row.id != id && !row.gone && row.is_listed_as(Kind::named(kind)));
        if let Some(mut other) =
            other.cloned().filter(|_| is_listed && self.happens(self.drawn.lies))
        {
            self.lie(id, "single reading lies");
            return Ok(Some(self.show(watch, &mut other)));
        }
        let row = rows.all.values_mut().find(|row| there(row));
        Ok(row.map(|row| self.show(watch, row)))
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        if !self.drawn.finds {
            return Ok(None);
        }
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        if self.happens(self.drawn.lies) {
            // A filter that it does not know: everything, which may or may not hold what is looked
            // for.
            self.lie(&text_of(value), "look-up lies");
            let mut rows = self.rows.lock().expect("no panic");
            return Ok(Some(
                rows.all
                    .values_mut()
                    .filter(|row| !row.gone && row.is_listed_as(Kind::named(kind)))
                    .map(|row| self.show(watch, row))
                    .collect(),
            ));
        }
        let (path, wanted) =
            (watch[prop].path.as_str(), value.as_str().unwrap_or_default().to_lowercase());
        let mut rows = self.rows.lock().expect("no panic");
        let holds = |row: &Row| match path {
            MAIL => row.mails.iter().any(|mail| mail.to_lowercase() == wanted),
            path => row.texts.get(path).is_some_and(|text| text.to_lowercase() == wanted),
        };
        self.appear(&mut rows);
        let found = rows
            .all
            .values_mut()
            .filter(|row| !row.gone && row.is_listed_as(Kind::named(kind)) && holds(row));
        Ok(Some(found.map(|row| self.show(watch, row)).collect()))
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        for write in writes {
            // A process that is dead sends nothing.
            if self.life.lock().expect("no panic").ended() {
                outcomes.push(Outcome::Unknown { message: "killed".into() });
                continue;
            }
            if let Some(Outcome::Stopped(trouble)) = outcomes.last() {
                outcomes.push(Outcome::Stopped(trouble.clone()));
                continue;
            }
            if self.goes_wrong(3, "put off") {
                outcomes.push(Outcome::Later { retry_after_ms: Some(900), message: "429".into() });
                continue;
            }
            if let Some(trouble) = self.trouble() {
                outcomes.push(Outcome::Stopped(trouble));
                continue;
            }
            self.appear(&mut self.rows.lock().expect("no panic"));
            let (creates, who) = (write.action == Action::Create, self.whose(watch, write));
            if creates {
                self.check_sent(&who);
            }
            let fails = self.fails(&who, write, is_of_lines(watch));
            if fails.is_some() || self.goes_wrong(2, "lost before it was done") {
                let outcome =
                    fails.unwrap_or_else(|| Outcome::Unknown { message: "no answer".into() });
                if creates && matches!(outcome, Outcome::Unknown { .. }) {
                    self.note_sent(&who, false);
                }
                outcomes.push(outcome);
                continue;
            }
            self.meanwhile();
            let outcome = self.carry_out(Kind::named(kind), watch, write);
            if creates && matches!(outcome, Outcome::Unknown { .. } | Outcome::Accepted { .. }) {
                self.note_sent(&who, matches!(outcome, Outcome::Accepted { .. }));
            }
            if self.goes_wrong(4, "killed while writing") {
                self.life.lock().expect("no panic").end();
            }
            if self.goes_wrong(1, "lost after it was done") {
                if creates && matches!(outcome, Outcome::Done(_)) {
                    self.note_sent(&who, false);
                }
                outcomes.push(Outcome::Unknown { message: "no answer".into() });
                continue;
            }
            if matches!(outcome, Outcome::Done(_))
                && let Some(deed) = self.truth.look().deeds.last_mut()
            {
                deed.answered = true;
            }
            if let Outcome::Done(record) = &outcome {
                let mut rows = self.rows.lock().expect("no panic");
                rows.all
                    .values_mut()
                    .filter(|row| row.id == record.id)
                    .for_each(|row| row.shown = true);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn answers(&self, _: &str, _: bool) -> Answers {
        match self.drawn.answering {
            Some(Answering::Stored) => Answers::Stored,
            Some(Answering::Echo | Answering::Nothing) => Answers::Unsure,
            Some(Answering::Id) | None => Answers::Believed,
        }
    }

    fn batch(&self, _: &str) -> usize {
        self.drawn.batch
    }

    fn at_once(&self) -> usize {
        self.drawn.at_once
    }
}
