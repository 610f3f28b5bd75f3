//! Whole runs on a folder of files and a little business system over HTTP, which lists, pages and
//! tells times as real ones do.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockstep_connector::files::FilesConnector;
use lockstep_connector::rest::{Rest, parse};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::report::Report;
use lockstep_hub::{Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{Flow, MatchRow, PropertyPair, TypeName};
use lockstep_store::sqlite::SqliteStore;
use serde_json::{Map, Value, json};

/// What the little system does otherwise than a plain one.
#[derive(Clone, Default)]
struct Ways {
    /// Answers everything so: status, header lines, body.
    fails: Option<(u16, String, Value)>,
    /// So many requests are answered before it fails.
    fails_after: usize,
    /// Gives no more than this at once.
    cap: Option<usize>,
    /// Counts pages from this.
    first: usize,
    /// The total that it states is so many more than there are.
    more: usize,
    /// Its listings leave out the ids of these.
    without_id: Vec<String>,
    /// Its list of what was deleted has these.
    gone: Vec<String>,
    /// Its listings show this one once more, as it was then.
    once_more: Option<Value>,
    /// It answers so for one record.
    shows: Option<(u16, Value)>,
}

#[derive(Default)]
struct Little {
    people: BTreeMap<String, Value>,
    requests: Vec<String>,
    ways: Ways,
}

impl Little {
    fn serve() -> (String, Arc<Mutex<Little>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let little = Arc::new(Mutex::new(Little::default()));
        let shared = Arc::clone(&little);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut head, mut length) = (String::new(), 0);
                while reader.read_line(&mut head).is_ok_and(|n| n > 2) {
                    let last = head.lines().last().unwrap_or_default().to_lowercase();
                    length = last
                        .strip_prefix("content-length:")
                        .and_then(|n| n.trim().parse().ok())
                        .unwrap_or(length);
                }
                let mut body = vec![0; length];
                if reader.read_exact(&mut body).is_err() {
                    continue;
                }
                let mut words = head.split_whitespace();
                let (Some(method), Some(target)) = (words.next(), words.next()) else { continue };
                let (status, headers, body) = shared.lock().unwrap().answer(method, target, &body);
                let body = if body.is_null() { String::new() } else { body.to_string() };
                // Whole seconds, as in the header.
                let date = lockstep_model::Timestamp(now_ms() / 1000 * 1000).to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nDate: {date}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
                    body.len()
                );
            }
        });
        (address, little)
    }

    fn answer(&mut self, method: &str, target: &str, body: &[u8]) -> (u16, String, Value) {
        self.requests.push(format!("{method} {target}"));
        if let Some(fails) =
            self.ways.fails.clone().filter(|_| self.requests.len() > self.ways.fails_after)
        {
            return fails;
        }
        let ok = |body: Value| (200, String::new(), body);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_string)
        };
        let number = |name: &str| asked(name).and_then(|n| n.parse::<usize>().ok());
        match (method, path.strip_prefix("/people").map(|id| id.trim_start_matches('/'))) {
            ("GET", Some("")) => {
                let mail = asked("email").map(|mail| mail.replace("%40", "@"));
                let since = asked("since").map(|since| since.replace("%3A", ":"));
                let fits = |person: &&Value| {
                    mail.as_ref().is_none_or(|mail| person["email"] == json!(mail))
                        && since
                            .as_ref()
                            .is_none_or(|since| person["updated"].as_str() > Some(since.as_str()))
                };
                let all: Vec<Value> = self.people.values().filter(fits).cloned().collect();
                let limit = number("limit").unwrap_or(100);
                let most = self.ways.cap.map_or(limit, |cap| cap.min(limit));
                let from = match number("page") {
                    Some(page) => page.saturating_sub(self.ways.first) * most,
                    None => number("offset").unwrap_or(0),
                };
                let mut page: Vec<Value> = all.iter().skip(from).take(most).cloned().collect();
                page.extend(
                    self.ways.once_more.clone().filter(|_| mail.is_none() && !page.is_empty()),
                );
                for person in &mut page {
                    if self.ways.without_id.iter().any(|id| person["id"] == json!(id)) {
                        person.as_object_mut().unwrap().remove("id");
                    }
                }
                ok(json!({"people": page, "total": all.len() + self.ways.more}))
            }
            ("GET", Some("gone")) => ok(json!(self.ways.gone)),
            ("GET", Some(_)) if self.ways.shows.is_some() => {
                let (status, body) = self.ways.shows.clone().unwrap();
                (status, String::new(), body)
            }
            ("GET", Some(id)) => self
                .people
                .get(id)
                .map_or((404, String::new(), json!({})), |person| ok(person.clone())),
            ("POST", Some("")) => {
                let id = (self.people.len() + 1).to_string();
                let mut person: Map<String, Value> = serde_json::from_slice(body).unwrap();
                person.insert("id".into(), json!(id));
                (201, String::new(), self.put(Value::Object(person)))
            }
            ("PATCH", Some(id)) => {
                let Some(mut person) = self.people.get(id).cloned() else {
                    return (404, String::new(), json!({}));
                };
                let changes: Map<String, Value> = serde_json::from_slice(body).unwrap();
                person.as_object_mut().unwrap().extend(changes);
                person.as_object_mut().unwrap().remove("updated");
                ok(self.put(person))
            }
            _ => ok(json!({"ok": true})),
        }
    }

    /// Stores a person, with the time of change in whole seconds where it brings none.
    fn put(&mut self, mut person: Value) -> Value {
        if person["updated"].is_null() {
            person["updated"] =
                json!(lockstep_model::Timestamp(now_ms() / 1000 * 1000).to_string());
        }
        self.people.insert(person["id"].as_str().unwrap().to_string(), person.clone());
        person
    }
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

struct Project {
    dir: tempfile::TempDir,
    address: String,
    little: Arc<Mutex<Little>>,
    list: String,
}

impl Project {
    fn new(list: &str, people: &[Value]) -> Project {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("crm")).unwrap();
        let (address, little) = Little::serve();
        let project = Project { dir, address, little, list: list.into() };
        project.write(people);
        project
    }

    fn write(&self, people: &[Value]) {
        let lines: Vec<String> = people.iter().map(|person| person.to_string() + "\n").collect();
        std::fs::write(self.dir.path().join("crm/People.jsonl"), lines.concat()).unwrap();
    }

    fn crm(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("crm/People.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn little(&self) -> std::sync::MutexGuard<'_, Little> {
        self.little.lock().unwrap()
    }

    fn run(&self) -> Report {
        self.hub().run(RunOptions::default()).unwrap()
    }

    /// How many people of the little system are known to be there.
    fn known(&self) -> u64 {
        self.hub()
            .ledger
            .status()
            .unwrap()
            .types
            .iter()
            .find(|line| line.name == "shop.People")
            .unwrap()
            .records
    }

    fn hub(&self) -> Hub {
        let manifest = format!(
            "title: Little system
settings: {{ address: {{ what: its address }} }}
base: '{{{{ address }}}}'
rate: {{ per-second: 1000 }}
test: /ping
errors:
  - {{ status: 403, at: reason, is: [dailyLimitExceeded], means: later, message: [error] }}
types:
  People:
    id: id
    modified: updated
    properties: {{ id: {{ read-only: true }}, name: {{}}, email: {{}} }}
{}
    get: {{ request: {{ path: '/people/{{{{ id | url }}}}' }} }}
    create: {{ request: {{ method: POST, path: /people }} }}
    update: {{ request: {{ method: PATCH, path: '/people/{{{{ id | url }}}}' }} }}
",
            self.list
        );
        let settings = Map::from_iter([("address".into(), json!(self.address))]);
        let shop =
            Rest::open(parse("little", &manifest).unwrap_or_else(|t| panic!("{t}")), &settings)
                .unwrap();
        let files = Map::from_iter([
            ("folder".into(), json!("crm")),
            ("modified".into(), json!("updated")),
        ]);
        let crm = FilesConnector::open(&files, Path::new(self.dir.path())).unwrap();
        let path = |path: &str| PropertyRef::new(path);
        let flow = Flow {
            create: Create::Always,
            matches: vec![MatchRow::single(path("email"), path("email"))],
            properties: ["name", "email"].map(|p| PropertyPair::equal(path(p), path(p))).to_vec(),
            ..Flow::between(
                TypeName::parse("crm.People").unwrap(),
                TypeName::parse("shop.People").unwrap(),
            )
        };
        let systems = vec![
            System { name: "crm".into(), connector: Arc::new(crm) },
            System { name: "shop".into(), connector: Arc::new(shop) },
        ];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let plan = Plan::compile(&[flow], &schemas).unwrap();
        let store = SqliteStore::open(self.dir.path().join("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap()
    }
}

const LIST: &str = "    list: { request: { path: /people, query: { offset: '{{ offset }}', limit: '{{ limit }}' } }, items: people, paging: { offset: { limit: 100, total: total } } }";

fn person(id: &str, name: &str, updated: Value) -> Value {
    json!({"id": id, "name": name, "email": format!("p{id}@example.com"), "updated": updated})
}

#[test]
fn p1_the_later_edit_wins_in_whatever_form_its_time_is_told() {
    // 2024-05-02T10:00:00Z
    for form in [
        json!(1_714_644_000),
        json!("1714644000"),
        json!(1_714_644_000_000_i64),
        json!("/Date(1714644000000)/"),
        json!("Thu, 02 May 2024 10:00:00 GMT"),
        json!("20240502100000"),
    ] {
        let earlier = person("1", "Older", json!("2024-05-01T10:00:00Z"));
        let later = person("2", "Newer", json!("2024-05-03T10:00:00Z"));
        let project = Project::new(LIST, &[earlier, later]);
        project.little().put(person("1", "Newer", form.clone()));
        project.little().put(person("2", "Older", form.clone()));
        assert_eq!(project.run().writes(), 2, "{form}");
        assert!(
            project.crm().iter().all(|person| person["name"] == "Newer"),
            "{form}: {:?}",
            project.crm()
        );
        assert!(project.little().people.values().all(|person| person["name"] == "Newer"), "{form}");
    }
    let project = Project::new(LIST, &[]);
    project.little().put(person("1", "Åse", json!("02.05.2024")));
    let report = project.run();
    assert!(
        report.needs_a_person() && format!("{:?}", report.events).contains("02.05.2024"),
        "{:?}",
        report.events
    );
}

#[test]
fn r1_an_edit_in_the_second_of_the_last_reading_is_not_lost() {
    let changes = "    changes: { request: { path: /people, query: { since: '{{ since }}', offset: '{{ offset }}', limit: '{{ limit }}' } }, items: people, paging: { offset: { limit: 50, total: total } } }";
    let project = Project::new(&format!("{LIST}\n{changes}"), &[]);
    for n in 1..4 {
        project.little().put(person(&n.to_string(), "Before", Value::Null));
    }
    project.run();
    for round in 0..3 {
        // Just after a second has begun, so that the edits are made in the one in which the run
        // reads.
        std::thread::sleep(Duration::from_millis(1_020 - now_ms().rem_euclid(1_000) as u64));
        project.run();
        for n in 1..4 {
            project.little().put(person(&n.to_string(), &format!("Round {round}"), Value::Null));
        }
        std::thread::sleep(Duration::from_millis(1_100));
        project.run();
        let names: Vec<Value> =
            project.crm().into_iter().map(|person| person["name"].clone()).collect();
        assert!(names.iter().all(|name| *name == json!(format!("Round {round}"))), "{names:?}");
    }
}

#[test]
fn g4_a_used_up_quota_ends_the_run_soon_and_the_next_one_goes_on() {
    let people: Vec<Value> =
        (1..11).map(|n| person(&n.to_string(), "P", json!("2024-05-01T10:00:00Z"))).collect();
    let project = Project::new(LIST, &people);
    let limit = json!({"reason": "dailyLimitExceeded", "error": "Daily Limit Exceeded"});
    let tomorrow =
        (429, "Retry-After: 86400\r\n".to_string(), json!({"error": "come back tomorrow"}));
    let in_decades = (
        429,
        format!("Retry-After: {}\r\n", now_ms()),
        json!({"error": "a Unix time in milliseconds"}),
    );
    for fails in [(403, String::new(), limit), tomorrow, in_decades] {
        {
            let mut little = project.little();
            little.requests.clear();
            little.ways = Ways { fails: Some(fails.clone()), ..Ways::default() };
        }
        let began = std::time::Instant::now();
        let report = project.run();
        assert!(report.unreachable() || report.needs_a_person(), "{fails:?}");
        assert!(!format!("{:?}", report.events).contains("refuses the key"), "{:?}", report.events);
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        assert!(project.little().requests.len() < 60, "{:?}", project.little().requests.len());
    }
    project.little().ways = Ways::default();
    project.run();
    assert_eq!(project.little().people.len(), 10);
}

#[test]
fn r1_nobody_is_created_twice_because_a_page_was_missed() {
    let by_page = |more: &str| {
        format!(
            "    list: {{ request: {{ path: /people, query: {{ page: '{{{{ page }}}}', limit: '{{{{ limit }}}}' }} }}, items: people, paging: {{ page: {{ limit: 100{more} }} }} }}"
        )
    };
    let by_offset = |more: &str| LIST.replace(", total: total", more);
    let people: Vec<Value> =
        (1..8).map(|n| person(&n.to_string(), "P", json!("2024-05-01T10:00:00Z"))).collect();
    let ways = |cap, first| Ways { cap, first, ..Ways::default() };
    for (list, ways) in [
        (by_offset(""), ways(Some(3), 0)),
        (by_offset(", total: total"), ways(Some(3), 0)),
        (by_page(""), ways(Some(3), 1)),
        (by_page(""), ways(Some(3), 0)),
        (by_page(""), ways(None, 0)),
        (by_page(", first: 0"), ways(Some(3), 0)),
    ] {
        let project = Project::new(&list, &people);
        for person in &people {
            project.little().put(person.clone());
        }
        project.little().ways = ways;
        let report = project.run();
        assert_eq!(
            (report.writes(), project.little().people.len()),
            (0, 7),
            "{list}: {:?}",
            report.events
        );
        assert!(!report.needs_a_person(), "{list}: {:?}", report.events);
    }
    // Fewer than it says: told, and nobody is created.
    let project = Project::new(LIST, &people);
    project.little().put(people[0].clone());
    project.little().ways = Ways { more: 6, ..Ways::default() };
    for _ in 0..2 {
        let report = project.run();
        assert!(report.writes() == 0 && report.needs_a_person(), "{:?}", report.events);
        assert!(
            format!("{:?}", report.events).contains("expected 7 records"),
            "{:?}",
            report.events
        );
    }
    project.little().ways = Ways::default();
    assert_eq!(project.run().writes(), 6);
}

#[test]
fn r8_a_row_without_an_id_is_told_in_each_run_and_not_created_again() {
    let people: Vec<Value> =
        (1..4).map(|n| person(&n.to_string(), "P", json!("2024-05-01T10:00:00Z"))).collect();
    let project = Project::new(LIST, &people);
    project.little().put(people[0].clone());
    project.little().ways = Ways { without_id: vec!["1".into()], ..Ways::default() };
    for n in 0..2 {
        let report = project.run();
        assert!(report.writes() == 0 && report.needs_a_person(), "{n} {:?}", report.events);
    }
    project.little().ways = Ways::default();
    assert_eq!(project.run().writes(), 2);
    assert!(!project.run().needs_a_person());
    assert_eq!(project.little().people.len(), 3);
}

const CHANGES: &str = "    changes: { request: { path: /people, query: { since: '{{ since }}', offset: '{{ offset }}', limit: '{{ limit }}' } }, items: people, paging: { offset: { limit: 50, total: total } } }";

#[test]
fn r3_who_is_on_a_list_of_the_deleted_is_looked_up_before_it_counts() {
    let gone = "    gone: { request: { path: /people/gone, query: { since: '{{ since }}' } }, paging: none }";
    let people: Vec<Value> =
        (1..4).map(|n| person(&n.to_string(), "P", json!("2024-05-01T10:00:00Z"))).collect();
    let project = Project::new(&format!("{LIST}\n{CHANGES}\n{gone}"), &people);
    project.run();
    assert_eq!(project.known(), 3);
    // One is there again, or was never deleted.
    project.little().ways.gone = vec!["1".into()];
    assert!(!project.run().needs_a_person());
    assert_eq!(project.known(), 3);
    // Whether it is can't be told: it is there as far as is known, that is said, and it is asked
    // for again.
    project.little().ways.shows = Some((500, json!({"error": "out of order"})));
    for _ in 0..2 {
        let report = project.run();
        assert!(
            report.needs_a_person() && format!("{:?}", report.events).contains("out of order"),
            "{:?}",
            report.events
        );
        assert_eq!(project.known(), 3);
    }
    project.little().ways.shows = None;
    project.little().people.remove("1");
    let report = project.run();
    assert!(!report.needs_a_person(), "{:?}", report.events);
    assert_eq!(project.known(), 2);
}

#[test]
fn r1_a_record_that_a_listing_shows_twice_is_the_later_one() {
    let project = Project::new(LIST, &[]);
    for n in 1..4 {
        project.little().put(person(&n.to_string(), "Old", json!("2024-05-01T10:00:00Z")));
    }
    project.run();
    // Somebody edits the first while pages are read; a page that comes later shows it as it was.
    let before = project.little().people["1"].clone();
    project.little().put(person("1", "New", Value::Null));
    project.little().ways.once_more = Some(before);
    for _ in 0..2 {
        let report = project.run();
        assert!(!report.needs_a_person(), "{:?}", report.events);
        assert!(
            project.little().people.values().filter(|person| person["name"] == "New").count() == 1
        );
        assert!(
            project
                .crm()
                .iter()
                .all(|person| (person["name"] == "New") == (person["email"] == "p1@example.com"))
        );
    }
}

#[test]
fn r8_a_record_that_a_listing_shows_twice_is_what_it_shows_by_itself_or_not_believed() {
    // A list that joins: one row for each of somebody's names.
    let project = Project::new(LIST, &[]);
    let untimed = |id: &str, name: &str| json!({"id": id, "name": name, "email": format!("p{id}@example.com"), "updated": ""});
    for n in 1..4 {
        project.little().put(untimed(&n.to_string(), "Right"));
    }
    project.little().ways.once_more = Some(untimed("1", "Another"));
    let report = project.run();
    assert!(!report.needs_a_person(), "{:?}", report.events);
    project.little().ways.shows = Some((500, json!({"error": "out of order"})));
    for _ in 0..2 {
        let report = project.run();
        assert!(report.needs_a_person(), "{:?}", report.events);
        let told = format!("{:?}", report.events);
        assert!(told.contains("shop.People/1") && told.contains("listed more than once"), "{told}");
    }
    assert!(project.little().people.values().all(|person| person["name"] == "Right"));
}
