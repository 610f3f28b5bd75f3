//! Whole runs against a little business system over HTTP whose answers to writes are worth less
//! than they seem.

use crate::serving;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::serving::{Asked, serve, serve_side_by_side};
use lockstep_connector::Connector;
use lockstep_connector::memory::MemoryConnector;
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Clock, Hub, Report, RunOptions, System};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{Flow, MatchRow, PropertyPair, Timestamp, TypeName, TypeSchema, Value};
use lockstep_store::SqliteStore;
use serde_json::{Map, json};

const MANIFEST: &str = "title: Little
settings: { address: { what: address }, key: { what: key } }
base: '{{ address }}'
rate: {}
test: /people
errors:
  - { status: 403, at: reason, is: [dailyLimitExceeded], means: later, message: [error] }
  - { status: 422, means: rejected, property: [field], message: [error] }
types:
  People:
    id: id
    modified: updated
    properties: { id: { read-only: true }, name: {}, email: {}, note: {}, phone: {}, limit: { type: float } }
    list: { request: { path: /people }, items: people, paging: none }
    get: { request: { path: '/people/{{ id | url }}' } }
    create: { request: { method: POST, path: /people } }
    update: { request: { method: PATCH, path: '/people/{{ id | url }}' } }
";

/// The hub's clock: it goes on with every look at it, and waiting takes no time.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn wait(&self, duration: Duration) {
        self.0.fetch_add(duration.as_millis() as i64, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Told {
    #[default]
    Record,
    /// What was sent, with the new time of change.
    Echo,
    Nothing,
}

/// What the system holds, and how it behaves.
#[derive(Default)]
struct Little {
    people: BTreeMap<String, Map<String, Value>>,
    told: Told,
    /// It stores `&` as `&amp;`.
    escapes: bool,
    /// A value is never emptied.
    keeps_values: bool,
    /// A second person with the same address is taken for the first.
    upserts: bool,
    /// Writes are answered with 202, and are done when the test says so.
    accepts: bool,
    coming: Vec<Asked>,
    /// What is answered in place of all else, from so many requests on.
    fails: Option<(u16, Value)>,
    fails_from: usize,
    /// The person whose writes end in 500.
    poison: Option<String>,
    /// The person that can't be read by itself.
    unreadable: Option<(String, u16)>,
    requests: usize,
    writes: Vec<String>,
    ticks: i64,
    /// Nobody may have somebody else's address.
    unique: bool,
}

impl Little {
    fn touched(&mut self) -> Value {
        self.ticks += 7;
        json!(format!("2026-11-29T12:00:{:02}.{:03}Z", self.ticks / 1000, self.ticks % 1000 + 1))
    }

    fn edit(&mut self, id: &str, values: Value) {
        let at = self.touched();
        let held = self.people.get_mut(id).unwrap();
        held.extend(values.as_object().unwrap().clone());
        held.insert("updated".into(), at);
    }

    fn write(&mut self, asked: &Asked) -> (u16, Value) {
        let body: Map<String, Value> = serde_json::from_str(&asked.body).unwrap();
        let stored = body.iter().filter(|(_, value)| !(self.keeps_values && value.is_null())).map(
            |(name, value)| {
                let value = match value {
                    Value::String(text) if self.escapes => {
                        json!(text.replace("&amp;", "&").replace('&', "&amp;"))
                    }
                    value => value.clone(),
                };
                (name.clone(), value)
            },
        );
        let stored: Map<String, Value> = stored.collect();
        let same =
            |(_, held): &(&String, &Map<String, Value>)| held.get("email") == stored.get("email");
        let id = match asked.path.strip_prefix("/people/") {
            Some(id) => id.to_string(),
            None => match self.people.iter().find(same).filter(|_| self.upserts) {
                Some((id, _)) => id.clone(),
                None => (self.people.len() + 1).to_string(),
            },
        };
        self.people.entry(id.clone()).or_insert_with(|| Map::from_iter([("id".into(), json!(id))]));
        self.edit(&id, Value::Object(stored));
        let held = self.people[&id].clone();
        match (self.told, asked.method.as_str()) {
            (Told::Record, _) => (200, Value::Object(held)),
            (Told::Nothing, "POST") => (201, json!({"id": id})),
            (Told::Nothing, _) => (204, Value::Null),
            (Told::Echo, _) => (200, Value::Object(held.into_iter().chain(body).collect())),
        }
    }

    fn answer(&mut self, asked: &Asked) -> (u16, Value) {
        self.requests += 1;
        if let Some((status, body)) = self.fails.clone().filter(|_| self.requests > self.fails_from)
        {
            return (status, body);
        }
        if asked.method != "GET" {
            self.writes.push(format!("{} {}", asked.method, asked.path));
            if self.poison.as_ref().is_some_and(|poison| asked.body.contains(poison.as_str())) {
                return (500, json!({"error": "out of order"}));
            }
            let sent: Value = serde_json::from_str(&asked.body).unwrap_or_default();
            let held = |(id, held): (&String, &Map<String, Value>)| {
                !asked.path.ends_with(&format!("/{id}")) && held.get("email") == sent.get("email")
            };
            if self.unique && sent.get("email").is_some() && self.people.iter().any(held) {
                return (422, json!({"field": "email", "error": "somebody has it"}));
            }
            if self.accepts {
                self.coming.push(asked.clone());
                return (202, Value::Null);
            }
            return self.write(asked);
        }
        match asked.path.strip_prefix("/people/") {
            None => (200, json!({"people": self.people.values().collect::<Vec<_>>()})),
            Some(id) if self.unreadable.as_ref().is_some_and(|(one, _)| one == id) => {
                (self.unreadable.as_ref().unwrap().1, json!({"error": "not this one"}))
            }
            Some(id) => match self.people.get(id) {
                Some(held) => (200, json!(held)),
                None => (404, Value::Null),
            },
        }
    }

    fn land(&mut self) {
        for asked in std::mem::take(&mut self.coming) {
            self.write(&asked);
        }
    }
}

/// A customer register in memory, and the little system.
struct Both {
    crm: Arc<MemoryConnector>,
    little: Arc<Mutex<Little>>,
    clock: Arc<Hands>,
    hub: Hub,
    _server: serving::Server,
}

impl Both {
    fn new(little: Little, manifest: &str, matches: &[&str]) -> Both {
        let little = Arc::new(Mutex::new(little));
        let shared = Arc::clone(&little);
        let server = serve(move |asked| {
            let (status, body) = shared.lock().unwrap().answer(asked);
            let body = if body.is_null() { String::new() } else { body.to_string() };
            (status, String::new(), body)
        });
        Both::with(little, server, manifest, matches)
    }

    /// The same with a system that takes its time and answers side by side, and the most that were
    /// under way at one time.
    fn slow(little: Little, manifest: &str, matches: &[&str]) -> (Both, Arc<AtomicUsize>) {
        let little = Arc::new(Mutex::new(little));
        let (under_way, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let (shared, peak) = (Arc::clone(&little), Arc::clone(&most));
        let server = serve_side_by_side(move |asked| {
            peak.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Those with odd numbers take longer, so that answers come in another order than
            // requests.
            let odd = u64::from(asked.body.len() % 2 == 1);
            std::thread::sleep(Duration::from_millis(10 + 20 * odd));
            let (status, body) = shared.lock().unwrap().answer(asked);
            under_way.fetch_sub(1, Ordering::SeqCst);
            let body = if body.is_null() { String::new() } else { body.to_string() };
            (status, String::new(), body)
        });
        (Both::with(little, server, manifest, matches), most)
    }

    fn with(
        little: Arc<Mutex<Little>>,
        server: serving::Server,
        manifest: &str,
        matches: &[&str],
    ) -> Both {
        let crm = Arc::new(MemoryConnector::new(vec![TypeSchema::open("People")]));
        let shop: Arc<dyn Connector> = Arc::new(server.connect(manifest));
        let schemas: Schemas = [
            ("crm".to_string(), crm.types().to_vec()),
            ("shop".to_string(), shop.types().to_vec()),
        ]
        .into_iter()
        .collect();
        let path = |path: &str| PropertyRef::new(path);
        let flow = Flow {
            create: Create::Always,
            matches: matches.iter().map(|m| MatchRow::single(path(m), path(m))).collect(),
            properties: ["name", "email", "note", "limit"]
                .map(|row| PropertyPair::equal(path(row), path(row)))
                .to_vec(),
            ..Flow::between(
                TypeName::parse("crm.People").unwrap(),
                TypeName::parse("shop.People").unwrap(),
            )
        };
        let plan = Plan::compile(&[flow], &schemas).unwrap();
        let systems = vec![
            System { name: "crm".into(), connector: crm.clone() },
            System { name: "shop".into(), connector: shop },
        ];
        crm.set_time(Timestamp(1_795_950_000_000));
        let clock = Arc::new(Hands(AtomicI64::new(1_795_953_600_000)));
        let hub =
            Hub::new(plan, systems, Box::new(SqliteStore::in_memory().unwrap()), clock.clone())
                .unwrap();
        Both { crm, little, clock, hub, _server: server }
    }

    fn put(&self, id: &str, values: Value) {
        self.crm.put("People", id, values.as_object().unwrap().clone().into_iter().collect());
    }

    fn crm(&self, id: &str, path: &str) -> Value {
        self.crm.all("People")[id].get(path).cloned().unwrap_or_default()
    }

    fn shop(&self) -> MutexGuard<'_, Little> {
        self.little.lock().unwrap()
    }

    fn held(&self, id: &str, path: &str) -> Value {
        self.shop().people[id].get(path).cloned().unwrap_or_default()
    }

    fn people(&self) -> usize {
        self.shop().people.len()
    }

    fn writes(&self) -> usize {
        self.shop().writes.len()
    }

    fn requests(&self) -> usize {
        self.shop().requests
    }

    fn run(&mut self) -> Report {
        self.hub.run(RunOptions::default()).unwrap()
    }

    fn idle(&mut self) {
        assert_eq!(self.run().writes(), 0, "a run with nothing to do wrote something");
    }
}

#[test]
fn r6_p3_what_a_system_makes_of_a_value_is_no_edit_whatever_its_answer_tells() {
    for told in [Told::Nothing, Told::Echo, Told::Record] {
        let mut both =
            Both::new(Little { escapes: true, told, ..Little::default() }, MANIFEST, &["email"]);
        both.put(
            "1",
            json!({"name": "Berg & Dahl AS", "email": "post@example.com", "note": "a & b"}),
        );
        both.run();
        both.idle();
        // Somebody edits something else there, at once and later.
        both.shop().edit("1", json!({"phone": "22000001"}));
        both.run();
        both.idle();
        assert_eq!(both.crm("1", "name"), json!("Berg & Dahl AS"));
        both.put("1", json!({"name": "Berg & Dahl ASA"}));
        both.run();
        both.shop().edit("1", json!({"phone": "22000002"}));
        both.idle();
        assert_eq!(both.crm("1", "name"), json!("Berg & Dahl ASA"));
        assert_eq!(both.held("1", "name"), json!("Berg &amp; Dahl ASA"));
        assert_eq!(both.crm("1", "note"), json!("a & b"));
    }
}

#[test]
fn p5_an_edit_right_after_our_own_write_is_an_edit_though_it_looks_like_rounding() {
    for told in [Told::Nothing, Told::Echo, Told::Record] {
        let mut both = Both::new(Little { told, ..Little::default() }, MANIFEST, &["email"]);
        both.put(
            "1",
            json!({"name": "Ewan Macdonald", "email": "ewan@example.com", "limit": 12.4}),
        );
        both.run();
        both.shop().edit("1", json!({"name": "Ewan MacDonald", "limit": 12}));
        both.run();
        both.run();
        assert_eq!(
            (both.crm("1", "name"), both.crm("1", "limit")),
            (json!("Ewan MacDonald"), json!(12))
        );
    }
}

#[test]
fn r6_what_a_system_acknowledges_and_does_not_keep_is_told() {
    for told in [Told::Nothing, Told::Echo, Told::Record] {
        let mut both = Both::new(
            Little { told, keeps_values: true, ..Little::default() },
            MANIFEST,
            &["email"],
        );
        both.put("1", json!({"name": "Åse Lie", "email": "ase@example.com", "note": "calls back"}));
        both.run();
        both.put("1", json!({"note": null}));
        let report = both.run();
        assert!(report.needs_a_person());
        assert_eq!(both.hub.ledger.status().unwrap().reviews, [("value not kept".to_string(), 1)]);
        both.idle();
        assert_eq!(both.crm("1", "note"), json!(null), "what was not emptied has come back");
        assert!(both.hub.audit(None, false).unwrap().alarms());
    }
}

#[test]
fn r6_an_answer_that_is_believed_spares_the_reading() {
    let believed = MANIFEST.replace(
        "path: /people } }\n    update",
        "path: /people }, read-after: false }\n    update",
    );
    let requests = |manifest: &str| {
        let mut both = Both::new(Little::default(), manifest, &["email"]);
        both.put("1", json!({"name": "Åse Lie", "email": "ase@example.com"}));
        both.run();
        both.requests()
    };
    assert_eq!(requests(MANIFEST), requests(&believed) + 1);
}

#[test]
fn c2_what_is_only_accepted_is_sent_once_and_found_when_it_is_there() {
    let mut both = Both::new(Little { accepts: true, ..Little::default() }, MANIFEST, &["email"]);
    for n in 1..4 {
        both.put(
            &n.to_string(),
            json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
        );
    }
    let report = both.run();
    assert_eq!((report.failing, report.needs_a_person(), both.writes()), (3, true, 3));
    both.clock.wait(Duration::from_secs(20));
    both.idle();
    both.shop().land();
    both.idle();
    assert_eq!((both.writes(), both.people()), (3, 3));
    assert!(!both.run().needs_a_person());
    both.shop().accepts = false;
    both.put("2", json!({"name": "P two"}));
    assert_eq!(both.run().writes(), 1, "they are linked");
}

#[test]
fn c2_an_update_that_is_only_accepted_is_not_taken_for_one_that_was_not_kept() {
    let mut both = Both::new(Little::default(), MANIFEST, &["email"]);
    both.put("1", json!({"name": "Åse Lie", "email": "ase@example.com"}));
    both.run();
    both.shop().accepts = true;
    both.put("1", json!({"name": "Åse Li"}));
    both.run();
    both.idle();
    assert_eq!((both.writes(), both.crm("1", "name")), (2, json!("Åse Li")));
    both.shop().land();
    both.run();
    both.idle();
    assert_eq!(
        (both.writes(), both.crm("1", "name"), both.held("1", "name")),
        (2, json!("Åse Li"), json!("Åse Li"))
    );
    assert_eq!(both.hub.ledger.status().unwrap().reviews, []);
}

#[test]
fn g4_one_record_that_the_system_fails_on_is_told_and_holds_nobody_back() {
    let poison = Little { poison: Some("Poison".into()), ..Little::default() };
    let mut both = Both::new(poison, MANIFEST, &["email"]);
    for n in 1..9 {
        both.put(
            &n.to_string(),
            json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
        );
    }
    both.put("5", json!({"name": "Poison"}));
    let report = both.run();
    assert_eq!((report.writes(), report.failing, report.needs_a_person()), (7, 1, true));
    assert_eq!(both.writes(), 8, "it was sent once");
    let report = both.run();
    assert_eq!((report.failing, report.needs_a_person(), both.writes()), (1, true, 8));
    // The same of an update.
    both.put("6", json!({"name": "Poison too"}));
    both.put("7", json!({"name": "P seven"}));
    let report = both.run();
    assert_eq!((report.writes(), report.failing), (1, 2));
    assert_eq!(both.writes(), 8 + 1 + 3);
    assert!(both.hub.ledger.status().unwrap().reviews.contains(&("rejected value".to_string(), 1)));
    assert_eq!(both.hub.ledger.status().unwrap().failing.len(), 2);
    // And when it is well again nobody need do anything.
    both.shop().poison = None;
    both.clock.wait(Duration::from_secs(61));
    both.run();
    both.clock.wait(Duration::from_secs(61));
    both.run();
    both.idle();
    let failing = both.hub.ledger.status().unwrap().failing.len();
    assert_eq!((both.people(), failing), (8, 0));
    assert_eq!(both.hub.ledger.status().unwrap().reviews, []);
}

#[test]
fn g4_a_record_that_can_not_be_read_before_it_is_written_holds_nobody_back() {
    let manifest = MANIFEST.replace(
        "method: PATCH, path: '/people/{{ id | url }}' } }",
        "method: PATCH, path: '/people/{{ id | url }}' }, read-before: true }",
    );
    for status in [403, 412, 500, 503] {
        let mut both = Both::new(Little::default(), &manifest, &["email"]);
        for n in 1..5 {
            both.put(
                &n.to_string(),
                json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
            );
        }
        assert_eq!(both.run().writes(), 4);
        both.shop().unreadable = Some(("2".into(), status));
        for n in 1..5 {
            both.put(&n.to_string(), json!({"name": format!("Q{n}")}));
        }
        let report = both.run();
        assert_eq!(
            (report.writes(), report.failing, report.needs_a_person()),
            (3, 1, true),
            "{status}"
        );
        assert!(
            report.systems.iter().all(|system| system.paused.is_none()),
            "{status}: {:?}",
            report.systems
        );
    }
}

#[test]
fn g4_a_quota_that_is_used_up_ends_the_run_at_once_and_is_no_question_of_the_key() {
    let mut both = Both::new(Little::default(), MANIFEST, &["email"]);
    for n in 1..31 {
        both.put(
            &n.to_string(),
            json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
        );
    }
    both.shop().fails =
        Some((403, json!({"reason": "dailyLimitExceeded", "error": "Daily Limit Exceeded"})));
    both.shop().fails_from = 8;
    let report = both.run();
    assert!(report.unreachable() || report.needs_a_person());
    assert!(both.requests() < 60, "{} requests", both.requests());
    let told = report.systems.iter().filter_map(|system| system.paused.clone()).collect::<String>();
    assert!(told.contains("Daily Limit Exceeded"), "{told}");
    both.shop().fails = None;
    both.run();
    assert_eq!(both.people(), 30);
}

#[test]
fn c2_l6_a_creation_that_updates_anothers_record_mixes_nobody() {
    let mut both = Both::new(Little { upserts: true, ..Little::default() }, MANIFEST, &["name"]);
    both.put("1", json!({"name": "Kari Li", "email": "li@example.com"}));
    both.put("2", json!({"name": "Kåre Li", "email": "li@example.com"}));
    both.put("3", json!({"name": "Odd Moe", "email": "odd@example.com"}));
    for _ in 0..3 {
        both.run();
    }
    both.idle();
    assert_eq!(
        [both.crm("1", "name"), both.crm("2", "name")],
        [json!("Kari Li"), json!("Kåre Li")]
    );
    // The two that differ are created side by side: either may be the first.
    let names: BTreeSet<String> =
        both.shop().people.values().map(|held| held["name"].as_str().unwrap().into()).collect();
    assert_eq!(names, ["Kari Li", "Odd Moe"].map(String::from).into());
    assert!(!both.hub.ledger.status().unwrap().reviews.is_empty(), "nobody is asked");
}

#[test]
fn c2_writes_go_out_side_by_side_once_each_and_no_more_at_one_time_than_allowed() {
    let manifest = MANIFEST.replace("rate: {}", "rate: { at-once: 6 }");
    let (mut both, most) = Both::slow(Little::default(), &manifest, &["email"]);
    for n in 0..60 {
        both.put(
            &n.to_string(),
            json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
        );
    }
    let report = both.run();
    assert_eq!((report.writes(), both.people(), both.writes()), (60, 60, 60));
    let most_at_once = most.swap(0, Ordering::SeqCst);
    assert!((3..=6).contains(&most_at_once), "{most_at_once} at once");
    both.idle();
    for n in 0..24 {
        both.put(&n.to_string(), json!({"name": format!("Person {n}")}));
    }
    assert_eq!((both.run().writes(), both.writes()), (24, 84));
    let named = |both: &Both| {
        both.shop()
            .people
            .values()
            .filter(|held| held["name"].as_str().unwrap().starts_with("Person"))
            .count()
    };
    assert_eq!(named(&both), 24);
    both.idle();
    // Where nothing is said, four.
    let (mut both, most) = Both::slow(Little::default(), MANIFEST, &["email"]);
    for n in 0..30 {
        both.put(
            &n.to_string(),
            json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
        );
    }
    both.run();
    assert_eq!(both.people(), 30);
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)));
}

#[test]
fn an_address_is_free_before_it_is_given_to_somebody_else() {
    let manifest = MANIFEST.replace("rate: {}", "rate: { at-once: 8 }");
    // Matched by name, so that an address can move from one to another.
    let (mut both, _) =
        Both::slow(Little { unique: true, ..Little::default() }, &manifest, &["name"]);
    for n in 0..10 {
        both.put(
            &n.to_string(),
            json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
        );
    }
    both.run();
    assert_eq!(both.people(), 10);
    // Each takes the address that the one before has given up; a new one takes what the last one
    // had.
    for n in 0..10 {
        both.put(&n.to_string(), json!({"email": format!("p{}@example.com", n - 1)}));
    }
    both.put("10", json!({"name": "P10", "email": "p9@example.com"}));
    let report = both.run();
    assert_eq!((report.writes(), both.people()), (11, 11), "{:?}", report.events);
    assert!(!report.needs_a_person());
    both.idle();
}

#[test]
fn g4_one_bad_record_among_many_under_way_stops_none_of_them() {
    let manifest = MANIFEST.replace("rate: {}", "rate: { at-once: 8 }");
    let (mut both, _) = Both::slow(
        Little { poison: Some("p7@".into()), ..Little::default() },
        &manifest,
        &["email"],
    );
    for n in 0..40 {
        both.put(
            &n.to_string(),
            json!({"name": format!("P{n}"), "email": format!("p{n}@example.com")}),
        );
    }
    both.run();
    assert_eq!(both.people(), 39);
    assert_eq!(
        both.shop().people.values().filter(|held| held["email"] == json!("p8@example.com")).count(),
        1
    );
}
