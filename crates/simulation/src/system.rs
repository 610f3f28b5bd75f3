//! A simulated system behind the connectors' trait.
//!
//! It keeps records as its habits say and goes wrong as often as it was drawn to: answers are lost before or after the work is done,
//! pages leave out what they should show, it is busy, down or answers nonsense, shows for a while what was before a write, or lists
//! nothing at all. What it may not do: lose what it said it had done, or show a record that never was. Every write of the hub is looked
//! at on the spot by the checkers that need nothing but this system to judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use lockstep_connector::{Action, Checkpoint, Connector, Outcome, Page, ReadRequest, RecordFault, Trouble, Write};
use lockstep_hub::Clock;
use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Timestamp, TypeSchema, Value};

use crate::clock::SimulatedClock;
use crate::draw::{Drawn, MAIL, SCORE, SystemDrawn, WHO};
use crate::mortal::Life;
use crate::random::Random;
use crate::truth::{Deed, Kind, Shared, Truth, number_of, text_of};

/// A record as the system keeps it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    /// Texts by property; the address as a list, of one where the system has only one.
    pub texts: BTreeMap<&'static str, String>,
    pub mails: Vec<String>,
    pub version: u64,
    pub modified: i64,
    pub changed: u64,
    pub gone: bool,
    pub by_hub: bool,
    /// Values of people's that the hub has been shown, by number.
    seen: BTreeSet<u64>,
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
}

impl Row {
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

/// A simulated system.
pub struct SimulatedSystem {
    pub number: usize,
    pub drawn: SystemDrawn,
    schemas: Vec<TypeSchema>,
    rows: Mutex<Rows>,
    clock: Arc<SimulatedClock>,
    pub(crate) truth: Shared,
    random: Mutex<Random>,
    life: Mutex<Arc<Life>>,
    /// There is only one other system.
    alone: bool,
    matchless: bool,
}

impl SimulatedSystem {
    /// An empty system.
    pub fn new(number: usize, drawn: &Drawn, clock: Arc<SimulatedClock>, truth: Shared, random: Random) -> Self {
        let (matchless, alone) = (drawn.matchless, drawn.systems.len() == 2);
        let drawn = drawn.systems[number].clone();
        let schemas = vec![drawn.schema()];
        let life = Mutex::new(Life::of(None));
        SimulatedSystem {
            number,
            drawn,
            schemas,
            rows: Mutex::default(),
            clock,
            truth,
            random: Mutex::new(random),
            life,
            alone,
            matchless,
        }
    }

    /// The process that calls from now on.
    pub fn called_by(&self, life: Arc<Life>) {
        *self.life.lock().expect("no panic") = life;
    }

    /// The process that called has ended, and has or has not kept what it was shown.
    pub fn no_longer_called(&self, keeps: bool) {
        for row in self.rows.lock().expect("no panic").all.values_mut() {
            row.ever_shown |= row.shown && keeps;
            row.shown = false;
        }
    }

    /// All records, as they are.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.lock().expect("no panic").all.values().cloned().collect()
    }

    /// The record of this id.
    pub fn row(&self, id: &str) -> Option<Row> {
        self.rows.lock().expect("no panic").all.values().find(|row| row.id == id).cloned()
    }

    /// Somebody may come upon it. Where nothing matches, nobody does upon what the hub has made a moment ago and has no answer to yet: changed
    /// by then, it could not be told from another one.
    fn may_be_met(&self, row: &Row) -> bool {
        !row.gone && (!self.matchless || row.ever_shown || !row.by_hub)
    }

    pub(crate) fn kept(&self, prop: &str, text: &str) -> String {
        match self.drawn.rewrites.iter().find(|(name, _)| *name == prop) {
            Some((_, rewrite)) => rewrite.of(text),
            None => text.to_string(),
        }
    }

    /// What the system's own clock shows: it was set wrong, and goes wrong.
    fn own_time(&self) -> i64 {
        let now = self.clock.now().0;
        now + self.drawn.drift_ms + (now - SimulatedClock::START) / 1_000 * self.drawn.drift_ppm / 1_000
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

    fn add(&self, rows: &mut Rows, who: &str, by_hub: bool) -> u64 {
        rows.next += 1;
        let key = rows.next;
        let id = if self.drawn.numbers_ids { (1_000 + key).to_string() } else { format!("{}-{key:04}", self.drawn.name) };
        let row = Row {
            id,
            texts: [(WHO, who.to_string())].into(),
            mails: vec![],
            version: 0,
            modified: 0,
            changed: 0,
            gone: false,
            by_hub,
            seen: BTreeSet::new(),
            own: BTreeMap::new(),
            due: BTreeSet::new(),
            ever_shown: false,
            shown: false,
            left_out: false,
            before: None,
        };
        rows.all.insert(key, row);
        key
    }

    /// Somebody types in a person.
    pub fn person_adds(&self, who: &str, mails: Vec<String>, random: &mut Random) {
        let mut rows = self.rows.lock().expect("no panic");
        let key = self.add(&mut rows, who, false);
        let mut truth = self.truth.look();
        let row = rows.all.get_mut(&key).expect("just added");
        row.mails = if self.drawn.mail_is_a_list { mails } else { mails.into_iter().take(1).collect() };
        for prop in &self.drawn.props {
            if random.per_mille(700) {
                let value = truth.value((self.number, row.id.clone()), prop);
                row.texts.insert(prop, self.kept(prop, &value));
            }
        }
        truth.tell(
            who,
            format!("somebody types {}/{} into {}: {:?} {:?}", self.drawn.name, row.id, self.drawn.name, row.mails, row.texts),
        );
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// Somebody edits a property of some record.
    pub fn person_edits(&self, random: &mut Random) {
        let mut rows = self.rows.lock().expect("no panic");
        let live: Vec<u64> = rows.all.iter().filter(|(_, row)| self.may_be_met(row)).map(|(key, _)| *key).collect();
        let (Some(&key), Some(prop)) = (random.pick(&live), random.pick(&self.drawn.props).copied()) else { return };
        let mut truth = self.truth.look();
        let row = rows.all.get_mut(&key).expect("it is live");
        let value = truth.value((self.number, row.id.clone()), prop);
        let value = self.kept(prop, &value);
        let who = row.texts[WHO].clone();
        truth.reason_to_write(&who, Some(prop));
        truth.tell(&who, format!("somebody edits {}/{} {prop}: {value:?}", self.drawn.name, row.id));
        row.texts.insert(prop, value);
        row.before = None;
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// Somebody deletes a record.
    pub fn person_deletes(&self, random: &mut Random) {
        let mut rows = self.rows.lock().expect("no panic");
        let live: Vec<u64> = rows.all.iter().filter(|(_, row)| self.may_be_met(row)).map(|(key, _)| *key).collect();
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
        if truth.healed || !self.random.lock().expect("no panic").per_mille(self.drawn.trouble / one_in) {
            return false;
        }
        truth.fault(kind);
        truth.tell("", format!("{}: {kind}", self.drawn.name));
        true
    }

    fn trouble(&self) -> Option<Trouble> {
        self.takes_time();
        let place = &self.drawn.name;
        if self.goes_wrong(4, "unreachable") {
            return Some(Trouble::Unreachable(format!("{place} does not answer")));
        }
        if self.goes_wrong(4, "busy") {
            return Some(Trouble::Busy { retry_after_ms: Some(700), message: format!("{place} asks to come back") });
        }
        self.goes_wrong(12, "nonsense").then(|| Trouble::Malformed(format!("{place} answers nonsense")))
    }

    /// Now and then somebody edits while the hub is at it; only where a version tells it (P6).
    fn meanwhile(&self) {
        if self.drawn.tells_version && self.goes_wrong(2, "edit meanwhile") {
            let mut random = self.random.lock().expect("no panic").split();
            self.person_edits(&mut random);
        }
    }

    /// A record as the system shows it.
    fn show(&self, watch: &[PropertyRef], row: &mut Row) -> ReadRecord {
        let now = self.clock.now().0;
        let stale = row.before.as_ref().filter(|(_, until)| now < *until).map(|(before, _)| (**before).clone());
        if stale.is_some() {
            self.truth.look().fault("stale reading");
            self.truth.look().tell(row.who_is(), format!("{}/{}: stale reading", self.drawn.name, row.id));
        }
        row.shown = true;
        let shown = stale.unwrap_or_else(|| row.clone());
        row.seen.extend(shown.texts.values().filter_map(|text| number_of(text)));
        let values = watch.iter().map(|prop| Some(self.value(&shown, prop.path.as_str()))).collect();
        self.record(&shown, values)
    }

    fn value(&self, row: &Row, path: &str) -> Value {
        if path == MAIL {
            return match self.drawn.mail_is_a_list {
                true => Value::from(row.mails.clone()),
                false => row.mails.first().map_or(Value::Null, |mail| Value::from(mail.clone())),
            };
        }
        let Some(text) = row.texts.get(path) else { return Value::Null };
        match text.strip_prefix('x').filter(|_| path == SCORE).and_then(|number| number.parse::<f64>().ok()) {
            Some(number) => Value::from(number),
            None => Value::from(text.clone()),
        }
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
    fn carry_out(&self, watch: &[PropertyRef], write: &Write) -> Outcome {
        let mut rows = self.rows.lock().expect("no panic");
        let find = |rows: &Rows, id: &str| rows.all.iter().find(|(_, row)| row.id == id).map(|(key, _)| *key);
        let (key, kind, version) = match &write.action {
            Action::Create => {
                let text = |path: &str| {
                    let given = write.values.iter().find(|value| watch[value.prop].path.as_str() == path);
                    given.and_then(|value| value.value.as_str()).unwrap_or_default().to_string()
                };
                let (who, mail) = (text(WHO), text(MAIL).to_lowercase());
                let holds = |row: &&Row| !row.gone && row.mails.iter().any(|held| held.to_lowercase() == mail);
                if self.drawn.refuses_duplicates
                    && let Some(row) = rows.all.values().find(holds)
                {
                    let mut truth = self.truth.look();
                    truth.fault("duplicate refused");
                    truth.tell(&who, format!("{} refuses {who} as a duplicate of {}", self.drawn.name, row.id));
                    let id = self.drawn.names_duplicates.then(|| row.id.clone());
                    return Outcome::Duplicate { id, message: format!("{mail} is taken") };
                }
                self.check_creation(&rows, &who);
                (self.add(&mut rows, &who, true), Kind::Create, None)
            }
            Action::Update { id, version } | Action::Delete { id, version } => {
                let kind = if matches!(write.action, Action::Delete { .. }) { Kind::Delete } else { Kind::Update };
                match find(&rows, id).filter(|key| !rows.all[key].gone) {
                    Some(key) => (key, kind, version.clone()),
                    None => return Outcome::Gone { message: format!("{id} is not there") },
                }
            }
        };
        let row = rows.all.get_mut(&key).expect("it is there");
        if self.drawn.tells_version && version.is_some_and(|version| version != row.version.to_string()) {
            self.truth.look().conflicts += 1;
            return Outcome::Conflict { message: format!("{} was changed meanwhile", row.id) };
        }
        // P6: without a version, what is displaced is compared with what is there.
        let differs = |value: &lockstep_connector::WriteValue| {
            let prop = watch[value.prop].path.as_str();
            let is = row.texts.get(prop).map_or("", String::as_str);
            let [was, will] = [&value.displaced, &value.value].map(text_of);
            prop != MAIL && is != was && is != self.kept(prop, &will)
        };
        if !self.drawn.tells_version && kind == Kind::Update && write.values.iter().any(differs) {
            self.truth.look().conflicts += 1;
            return Outcome::Conflict { message: format!("{} was changed meanwhile", row.id) };
        }
        let before = row.clone();
        let mut deed = Deed { at: (self.number, row.id.clone()), kind, values: vec![], answered: false };
        if kind == Kind::Delete {
            row.gone = true;
        }
        for value in &write.values {
            let path = watch[value.prop].path.as_str();
            if path == MAIL {
                put_mail(row, self.drawn.mail_is_a_list, &value.value, &value.displaced);
                continue;
            }
            let Some(prop) = [WHO].into_iter().chain(self.drawn.props.iter().copied()).find(|prop| *prop == path) else {
                continue;
            };
            let now = self.kept(prop, &text_of(&value.value));
            let was = row.texts.get(prop).cloned().unwrap_or_default();
            row.texts.insert(prop, now.clone());
            deed.values.push((prop, was, now));
        }
        let mut truth = self.truth.look();
        self.check_write(&mut truth, &before, row, &deed);
        if kind == Kind::Delete {
            truth.lost_a_record(row.who_is());
        }
        let who = row.texts.get(WHO).cloned().unwrap_or_default();
        truth.tell(&who, format!("the hub: {kind:?} {}/{} {:?} mails {:?}", self.drawn.name, row.id, deed.values, row.mails));
        self.notice(key, row, &deed);
        truth.deeds.push(deed);
        drop(truth);
        if self.drawn.settles_ms > 0 && kind == Kind::Update {
            let until = self.clock.now().0 + self.drawn.settles_ms - 5;
            row.before = Some((Box::new(Row { before: None, ..before }), until));
        }
        self.stamp(&mut rows, key);
        let row = rows.all.get_mut(&key).expect("it is there");
        let told = |prop: &PropertyRef| {
            let written = write.values.iter().any(|value| watch[value.prop].path == prop.path);
            (self.drawn.answers_with_values || (written && prop.path.as_str() == WHO))
                .then(|| self.value(row, prop.path.as_str()))
        };
        let values = watch.iter().map(told).collect();
        if self.drawn.answers_with_values {
            row.seen.extend(row.texts.values().filter_map(|text| number_of(text)));
        }
        Outcome::Done(self.record(row, values))
    }

    /// C2, D1: nobody is made twice, nor anew after somebody deleted them. Where somebody has said that there are two of them (L7), there
    /// may be two. Whoever is taken for another gets that one's name with the rest, and is no second one of those.
    fn check_creation(&self, rows: &Rows, who: &str) {
        let mut truth = self.truth.look();
        if truth.may_be_another(who) {
            return;
        }
        let divided = truth.divided.get(who).copied().unwrap_or_default();
        let (gone, live): (Vec<&Row>, Vec<&Row>) = rows.all.values().filter(|row| row.who_is() == who).partition(|row| row.gone);
        if live.len() > divided {
            let there: Vec<&str> = live.iter().map(|row| row.id.as_str()).collect();
            let message = format!("{who} is created in {} and is there already as {}", self.drawn.name, there.join(" and "));
            truth.broken("created twice", who, message);
        }
        // With more than two systems the new one may come from a record that has never been linked with the deleted one.
        let deleted = gone.iter().find(|row| row.by_hub && row.ever_shown && self.alone && divided == 0);
        if let Some(row) = deleted {
            let message = format!("{who} is created in {} anew, after {} was deleted", self.drawn.name, row.id);
            truth.broken("created after a deletion", who, message);
        }
    }

    /// What can be said of a write by who sees only this record.
    fn check_write(&self, truth: &mut Truth, before: &Row, row: &Row, deed: &Deed) {
        if deed.kind != Kind::Update {
            return;
        }
        let (who, name) = (row.texts.get(WHO).cloned().unwrap_or_default(), &self.drawn.name);
        // Whoever is put together anew after somebody took them apart may get the same in another's spelling; so may a property of which
        // somebody has said whose value is right.
        let same = deed.values.iter().all(|(_, was, now)| was.trim() == now.trim()) && before.mails == row.mails;
        let said = deed.values.iter().any(|(prop, _, _)| truth.said.contains(&(who.clone(), *prop)));
        if same && !said && !truth.divided.contains_key(&who) {
            let message = format!("{name}/{} is written and nothing changes: {:?}", row.id, deed.values);
            truth.broken("written for nothing", &who, message);
        }
        truth.count_writes(&who, deed);
        for (prop, was, now) in deed.values.iter().filter(|(_, was, now)| number_of(was) != number_of(now)) {
            let edit =
                |value: &str| number_of(value).and_then(|number| truth.edits.get(&number).map(|edit| (number, edit.clone())));
            let (old, new) = (edit(was), edit(now));
            if let Some((_, edit)) = &new
                && edit.at == deed.at
                && edit.prop == *prop
                && !truth.said.contains(&(who.clone(), *prop))
            {
                let message = format!("{now:?} comes back into {name}/{} {prop}, where it was edited, over {was:?}", row.id);
                truth.broken("echo", &who, message);
            }
            if let Some((number, edit)) = &old
                && edit.at == deed.at
                && !before.seen.contains(number)
            {
                let message = format!("{name}/{} {prop} {was:?} is overwritten by {now:?}, and was never looked at", row.id);
                truth.broken("lost edit", &who, message);
            }
        }
    }
}

/// P9: a single value takes the place of the element that it displaces.
fn put_mail(row: &mut Row, list: bool, value: &Value, displaced: &Value) {
    match value {
        Value::Array(all) => row.mails = all.iter().filter_map(Value::as_str).map(str::to_string).collect(),
        single => {
            let text = single.as_str().map(str::to_string);
            if !list {
                row.mails = text.into_iter().collect();
                return;
            }
            let place = displaced.as_str().and_then(|old| row.mails.iter().position(|mail| mail == old)).unwrap_or(0);
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
            true => rows.all.iter().filter(|(_, row)| row.changed + 2 > since).map(|(key, row)| (row.changed, *key)).collect(),
            false => rows.all.iter().filter(|(key, row)| **key > place && !row.gone).map(|(key, _)| (*key, *key)).collect(),
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
            if lists_nothing || (!changes && findable && !row.left_out && self.goes_wrong(6, "left out of a page")) {
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
                faults.push(RecordFault { place: row.id.clone(), message: "it can't be read".into(), id: Some(row.id.clone()) });
                continue;
            }
            let record = self.show(request.watch, row);
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
        Ok(Page { records, faults, gone, checkpoint: Checkpoint { text, bytes: vec![] }, more, everything: !changes })
    }

    fn get(&self, _: &str, watch: &[PropertyRef], id: &str) -> Result<Option<ReadRecord>, Trouble> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        let mut rows = self.rows.lock().expect("no panic");
        let row = rows.all.values_mut().find(|row| row.id == id && !row.gone);
        Ok(row.map(|row| self.show(watch, row)))
    }

    fn find(&self, _: &str, watch: &[PropertyRef], prop: usize, value: &Value) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        if !self.drawn.finds {
            return Ok(None);
        }
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        let (path, wanted) = (watch[prop].path.as_str(), value.as_str().unwrap_or_default().to_lowercase());
        let mut rows = self.rows.lock().expect("no panic");
        let holds = |row: &Row| match path {
            MAIL => row.mails.iter().any(|mail| mail.to_lowercase() == wanted),
            path => row.texts.get(path).is_some_and(|text| text.to_lowercase() == wanted),
        };
        let found = rows.all.values_mut().filter(|row| !row.gone && holds(row));
        Ok(Some(found.map(|row| self.show(watch, row)).collect()))
    }

    fn write(&self, _: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
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
            if self.goes_wrong(2, "lost before it was done") {
                outcomes.push(Outcome::Unknown { message: "no answer".into() });
                continue;
            }
            self.meanwhile();
            let outcome = self.carry_out(watch, write);
            if self.goes_wrong(4, "killed while writing") {
                self.life.lock().expect("no panic").end();
            }
            if self.goes_wrong(1, "lost after it was done") {
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
                rows.all.values_mut().filter(|row| row.id == record.id).for_each(|row| row.shown = true);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn batch(&self, _: &str) -> usize {
        self.drawn.batch
    }
}
