//! Sources that are damaged, and properties that are lost: two folders of files, a SQLite file,
//! whole runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockstep_connector::files::FilesConnector;
use lockstep_connector::sql::SqlConnector;
use lockstep_connector::{Connector, Outcome, Page, ReadRequest, RecordFault, Trouble, Write};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::report::Report;
use lockstep_hub::{Event, Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, Deletes, PropertyRef};
use lockstep_model::{Flow, GuardKind, MatchRow, PropertyPair, ReadRecord, TypeName, TypeSchema};
use lockstep_store::sqlite::SqliteStore;
use serde_json::{Value, json};

/// People in `a` (CSV) and `b` (JSON Lines), kept equal by mail and phone; companies beside them.
struct Project {
    dir: tempfile::TempDir,
}

fn flow(kind: &str, back: bool) -> Flow {
    let row = |path: &str| PropertyPair::equal(PropertyRef::new(path), PropertyRef::new(path));
    let (a, b) = (TypeName::new("a", kind), TypeName::new("b", kind));
    let (from, to) = if back { (b, a) } else { (a, b) };
    Flow {
        create: Create::Always,
        matches: vec![MatchRow::single(PropertyRef::new("mail"), PropertyRef::new("mail"))],
        properties: vec![row("mail"), row("phone")],
        deletes: Deletes::Ignore,
        ..Flow::between(from, to)
    }
}

impl Project {
    fn new(people: usize) -> Project {
        let dir = tempfile::tempdir().unwrap();
        for side in ["a", "b"] {
            std::fs::create_dir(dir.path().join(side)).unwrap();
        }
        let project = Project { dir };
        project.put("a/Person.csv", &Project::csv("phone", people));
        project.put("b/Person.jsonl", "");
        project.put(
            "a/Company.jsonl",
            "{\"id\":\"c1\",\"mail\":\"c1@example.com\",\"phone\":\"1\"}\n",
        );
        project.put("b/Company.jsonl", "");
        project
    }

    /// The same after a first run.
    fn started(people: usize) -> Project {
        let project = Project::new(people);
        assert_eq!(project.run().writes(), people as u64 + 1);
        project
    }

    fn csv(column: &str, people: usize) -> String {
        let rows: String =
            (0..people).map(|n| format!("{n},p{n}@example.com,{}\n", 100 + n)).collect();
        format!("id,mail,{column}\n{rows}")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{text}");
        self.put(name, &text.replace(from, to));
    }

    /// The telephone numbers in `b`, by mail.
    fn phones(&self) -> Vec<String> {
        let phone = |line: &str| {
            serde_json::from_str::<Value>(line).unwrap()["phone"].as_str().unwrap_or("").to_string()
        };
        self.text("b/Person.jsonl").lines().map(phone).collect()
    }

    fn hub(&self) -> Hub {
        let connect = |name: &str| {
            let settings = json!({"folder": name, "id": "id"});
            let connector =
                FilesConnector::open(settings.as_object().unwrap(), Path::new(self.dir.path()))
                    .unwrap();
            System { name: name.into(), connector: Arc::new(connector) }
        };
        self.hub_of(
            vec![connect("a"), connect("b")],
            &[flow("Person", false), flow("Person", true), flow("Company", false)],
        )
    }

    fn hub_of(&self, systems: Vec<System>, flows: &[Flow]) -> Hub {
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let plan = Plan::compile(flows, &schemas).unwrap();
        let store = SqliteStore::open(self.path("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap()
    }

    fn run(&self) -> Report {
        self.hub().run(RunOptions::default()).unwrap()
    }

    /// What `status` says is damaged.
    fn damaged(&self) -> Vec<String> {
        self.hub()
            .ledger
            .status()
            .unwrap()
            .damages
            .into_iter()
            .map(|line| format!("{}: {}", line.place, line.message))
            .collect()
    }
}

fn faults(report: &Report) -> Vec<String> {
    let fault = |event: &Event| match event {
        Event::Fault { place, message } => Some(format!("{place}: {message}")),
        _ => None,
    };
    report.events.iter().filter_map(fault).collect()
}

fn tripped(report: &Report) -> Vec<&str> {
    report.guards.iter().map(|guard| guard.guard.as_str()).collect()
}

#[test]
fn r8_a_file_that_was_cut_pauses_its_record_type_alone_and_is_told_until_it_is_mended() {
    let project = Project::started(3);
    let whole = project.text("a/Person.csv");
    project.put("a/Person.csv", "id,mail,phone\n0,p0@example.com,999\n1,\"p1@exam");
    project.edit("b/Person.jsonl", "\"102\"", "\"555\"");
    project.edit("a/Company.jsonl", "\"phone\":\"1\"", "\"phone\":\"2\"");
    for round in 0..3 {
        let report = project.run();
        assert_eq!(faults(&report).len(), 1, "{report:#?}");
        assert!(
            faults(&report)[0].contains("a/Person.csv:3: the file ends between quotes"),
            "{report:#?}"
        );
        assert!(report.needs_a_person() && report.writes() == u64::from(round == 0), "{report:#?}");
        assert_eq!(project.damaged().len(), 1);
    }
    assert!(project.text("b/Company.jsonl").contains("\"phone\":\"2\""), "the rest goes on");
    assert_eq!(project.phones(), ["100", "101", "555"], "nothing of it is believed");
    assert!(project.text("a/Person.csv").ends_with("1,\"p1@exam"), "and nothing is written to it");
    project.put("a/Person.csv", &whole);
    let report = project.run();
    assert!(
        !report.needs_a_person() && faults(&report).is_empty() && project.damaged().is_empty(),
        "{report:#?}"
    );
    assert!(project.text("a/Person.csv").contains("2,p2@example.com,555"), "{report:#?}");
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn r8_one_row_that_cannot_be_read_pauses_that_record_alone() {
    let project = Project::started(4);
    project.edit("a/Person.csv", "1,p1@example.com,101", "1,p1@example.com,101,x");
    project.edit("a/Person.csv", ",103", ",777");
    project.edit("b/Person.jsonl", "\"101\"", "\"555\"");
    for round in 0..2 {
        let report = project.run();
        assert!(
            faults(&report)[0].contains("a/Person.csv:3: the row has 4 cells and the first row 3"),
            "{report:#?}"
        );
        assert_eq!(
            (report.writes(), report.needs_a_person()),
            (u64::from(round == 0), true),
            "{report:#?}"
        );
    }
    assert_eq!(project.phones(), ["100", "555", "102", "777"], "the others go on");
    assert!(project.text("a/Person.csv").contains("1,p1@example.com,101,x"));
    project.edit("a/Person.csv", "101,x", "101");
    let report = project.run();
    assert!(!report.needs_a_person() && report.writes() == 1, "{report:#?}");
    assert!(
        project.text("a/Person.csv").contains("1,p1@example.com,555"),
        "what waited is written"
    );
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn l8_r8_nothing_is_created_beside_a_row_that_cannot_be_read() {
    // The broken row is the very person who is new on the other side.
    let project = Project::new(0);
    project.put("a/Person.csv", "id,mail,phone\n1,p1@example.com,1\n2,p2@example.com,2,x\n");
    project.put("b/Person.jsonl", "{\"id\":\"b2\",\"mail\":\"p2@example.com\",\"phone\":\"2\"}\n");
    for _ in 0..2 {
        let report = project.run();
        assert!(report.needs_a_person() && report.systems[0].created == 0, "{report:#?}");
    }
    assert_eq!(project.text("a/Person.csv").lines().count(), 3, "no second p2");
    assert_eq!(project.phones().len(), 2, "what can be read is created on the other side");
    project.edit("a/Person.csv", "2,x", "2");
    let report = project.run();
    assert_eq!((report.writes(), report.needs_a_person()), (0, false), "{report:#?}");
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn r8_an_id_that_is_there_twice_is_neither_read_nor_written() {
    let project = Project::started(3);
    let twice = project.text("a/Person.csv") + "1,other@example.com,666\n";
    project.put("a/Person.csv", &twice);
    project.edit("b/Person.jsonl", "\"101\"", "\"555\"");
    for _ in 0..2 {
        let report = project.run();
        assert!(faults(&report)[0].contains("the id 1 is there more than once"), "{report:#?}");
        assert_eq!((report.writes(), report.needs_a_person()), (0, true), "{report:#?}");
    }
    assert_eq!(
        (project.text("a/Person.csv"), project.phones()),
        (twice, vec!["100".into(), "555".into(), "102".into()])
    );
    project.edit("a/Person.csv", "1,other@", "9,other@");
    assert_eq!(project.run().writes(), 2);
    assert!(project.text("a/Person.csv").contains("1,p1@example.com,555"));
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn r8_whoever_is_missed_beside_an_id_that_is_there_twice_is_not_gone() {
    // Somebody typed 1 for 2: the second person's row is there under another's id.
    let project = Project::started(4);
    let typo = project.text("a/Person.csv").replace("2,p2@", "1,p2@");
    project.put("a/Person.csv", &typo);
    for full in [false, true, false] {
        let report = project.hub().run(RunOptions { full, ..RunOptions::default() }).unwrap();
        assert_eq!((report.writes(), report.needs_a_person()), (0, true), "{report:#?}");
        assert!(
            report.events.iter().all(|event| !matches!(event, Event::Deleted { .. })),
            "{report:#?}"
        );
    }
    // What is written to whom can't be found waits.
    project.edit("b/Person.jsonl", "\"102\"", "\"555\"");
    let report = project.run();
    assert!(report.needs_a_person(), "{report:#?}");
    assert_eq!(project.text("a/Person.csv"), typo);
    project.edit("a/Person.csv", "1,p2@", "2,p2@");
    project.run();
    assert_eq!(project.phones().len(), 4);
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn r8_a_file_that_is_not_there_pauses_alone_and_its_system_counts_as_not_reached() {
    let project = Project::started(2);
    std::fs::rename(project.path("a/Person.csv"), project.path("away")).unwrap();
    project.edit("a/Company.jsonl", "\"phone\":\"1\"", "\"phone\":\"2\"");
    for round in 0..2 {
        let report = project.run();
        assert_eq!(
            (report.unreachable(), report.writes()),
            (true, u64::from(round == 0)),
            "{report:#?}"
        );
        assert!(faults(&report)[0].contains("a/Person.csv is not there any more"), "{report:#?}");
        assert_eq!(project.damaged().len(), 1);
    }
    std::fs::rename(project.path("away"), project.path("a/Person.csv")).unwrap();
    let report = project.run();
    assert!(
        !report.unreachable() && report.writes() == 0 && project.damaged().is_empty(),
        "{report:#?}"
    );
}

#[test]
fn r5_a_column_that_many_lose_at_once_is_not_emptied() {
    for people in [3, 40, 1_200] {
        // Renamed; emptied everywhere, as a withdrawn permission shows it; and the same but for
        // one.
        let emptied = |from: usize| -> String {
            let row = |(at, line): (usize, &str)| match at {
                at if at < from => format!("{line}\n"),
                _ => format!("{},\n", line.rsplit_once(',').unwrap().0),
            };
            Project::csv("phone", people).lines().enumerate().map(row).collect()
        };
        for damaged in [Project::csv("telefon", people), emptied(1), emptied(2)] {
            if people == 3 && damaged == emptied(2) {
                // Two of three is no more than two edits.
                continue;
            }
            let project = Project::started(people);
            let whole = project.text("a/Person.csv");
            project.put("a/Person.csv", &damaged);
            for _ in 0..2 {
                let report = project.run();
                assert_eq!(
                    (report.writes(), report.needs_a_person()),
                    (0, true),
                    "{people}: {:#?}",
                    report.guards
                );
                assert!(
                    faults(&report).len() + tripped(&report).len() == 1,
                    "{:?} {:?}",
                    faults(&report),
                    report.guards
                );
                assert!(project.phones().iter().all(|phone| !phone.is_empty()));
                let status = project.hub().ledger.status().unwrap();
                assert_eq!(status.damages.len() + status.guards.len(), 1);
            }
            // Put right, it goes on, and an edit made meanwhile arrives.
            project.put("a/Person.csv", &whole.replace(",100\n", ",777\n"));
            let report = project.run();
            assert_eq!(
                (report.writes(), report.needs_a_person()),
                (1, false),
                "{:#?}",
                report.guards
            );
            assert_eq!(project.phones()[0], "777");
        }
    }
}

#[test]
fn r5_a_few_that_are_emptied_are_edits_and_many_are_where_a_person_says_so() {
    let project = Project::started(40);
    for n in [3, 4, 5] {
        project.edit("a/Person.csv", &format!(",{}\n", 100 + n), ",\n");
    }
    let report = project.run();
    assert_eq!((report.writes(), tripped(&report)), (3, vec![]), "{:#?}", report.guards);
    let rows: String = (0..40).map(|n| format!("{n},p{n}@example.com,\n")).collect();
    project.put("a/Person.csv", &format!("id,mail,phone\n{rows}"));
    let report = project.run();
    assert_eq!((report.writes(), tripped(&report)), (0, vec!["lost"]), "{:#?}", report.guards);
    assert!(
        lockstep_wording::why(&report.guards[0].why)
            .contains("`phone` has no value any more in 37 of the 37 records"),
        "{:#?}",
        report.guards
    );
    assert_eq!(project.hub().ledger.release("a", GuardKind::Lost).unwrap(), 1);
    let report = project.run();
    // What is told now are the limits of the target (G3), and nothing of the listing.
    assert!(tripped(&report).iter().all(|guard| *guard != "lost"), "{:#?}", report.guards);
    assert_eq!(
        report.reviews.get("tripped guard").copied().unwrap_or(0) as usize,
        report.guards.len(),
        "{:#?}",
        report.guards
    );
    assert_eq!(
        project
            .hub()
            .ledger
            .store()
            .marks()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.starts_with("release:lost"))
            .count(),
        0
    );
}

/// A system over HTTP, as far as this is about: it lists everything each time and leaves out what
/// its key may not see.
struct Withdrawn {
    real: FilesConnector,
    /// Properties are not told, or told as empty.
    hides: Option<Option<Value>>,
    /// It has a record without an id, which only the first listing shows: then it tells what
    /// changed.
    faulty: bool,
}

impl Connector for Withdrawn {
    fn types(&self) -> &[TypeSchema] {
        self.real.types()
    }

    fn test(&self) -> Result<String, Trouble> {
        self.real.test()
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let first = request.checkpoint.is_none();
        let mut page =
            self.real.read(ReadRequest { checkpoint: None, page_size: 100_000, ..request })?;
        let phone =
            request.watch.iter().position(|property| property.path.as_str() == "phone").unwrap();
        if let Some(shows) = &self.hides {
            page.records.iter_mut().for_each(|record| record.values[phone] = shows.clone());
        }
        if self.faulty {
            page.everything = first;
            if first {
                page.faults.push(RecordFault {
                    part: false,
                    place: "page 1".into(),
                    message: "it has no id".into(),
                    id: None,
                });
            }
        }
        Ok(page)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        self.real.get(kind, watch, id)
    }

    fn find(
        &self,
        _: &str,
        _: &[PropertyRef],
        _: usize,
        _: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        Ok(None)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        self.real.write(kind, watch, writes)
    }
}

impl Project {
    fn run_withdrawn(&self, hides: Option<Option<Value>>, faulty: bool) -> Report {
        let connect = |name: &str| {
            let settings = json!({"folder": name, "id": "id"});
            FilesConnector::open(settings.as_object().unwrap(), Path::new(self.dir.path())).unwrap()
        };
        let a = System {
            name: "a".into(),
            connector: Arc::new(Withdrawn { real: connect("a"), hides, faulty }),
        };
        let b = System { name: "b".into(), connector: Arc::new(connect("b")) };
        let mut hub = self.hub_of(vec![a, b], &[flow("Person", false), flow("Person", true)]);
        hub.run(RunOptions::default()).unwrap()
    }
}

#[test]
fn r5_a_withdrawn_permission_is_seen_in_every_connector() {
    for shows in [None, Some(Value::Null), Some(json!(""))] {
        let project = Project::new(40);
        assert_eq!(project.run_withdrawn(None, false).writes(), 40);
        for _ in 0..2 {
            let report = project.run_withdrawn(Some(shows.clone()), false);
            assert_eq!(
                (report.writes(), tripped(&report)),
                (0, vec!["lost"]),
                "{shows:?}: {:#?}",
                report.guards
            );
            assert!(report.needs_a_person());
        }
        let report = project.run_withdrawn(None, false);
        assert_eq!(
            (report.writes(), report.needs_a_person()),
            (0, false),
            "{shows:?}: {:#?}",
            report.guards
        );
        // Who lets it pass is not asked again each time, though what is not told is no edit.
        project.run_withdrawn(Some(None), false);
        assert_eq!(project.hub().ledger.release("a", GuardKind::Lost).unwrap(), 1);
        for _ in 0..2 {
            let report = project.run_withdrawn(Some(None), false);
            assert_eq!(
                (report.writes(), report.needs_a_person()),
                (0, false),
                "{shows:?}: {:#?}",
                report.guards
            );
        }
    }
}

#[test]
fn r8_what_only_a_listing_of_everything_shows_is_told_until_the_next_one() {
    let project = Project::new(2);
    for _ in 0..3 {
        let report = project.run_withdrawn(None, true);
        assert_eq!(
            (faults(&report), report.needs_a_person()),
            (vec!["page 1: it has no id".to_string()], true),
            "{report:#?}"
        );
        assert_eq!(project.damaged().len(), 1);
    }
    assert!(!project.run_withdrawn(None, false).needs_a_person() && project.damaged().is_empty());
}

#[test]
fn r9_a_number_that_lockstep_chooses_is_nobody_elses() {
    // 22b: numbered records, the newest of which is deleted; and a table whose database hands freed
    // numbers out again.
    let project = Project::new(0);
    project.put(
        "b/Person.jsonl",
        "{\"id\":1,\"mail\":\"odd@example.com\"}\n{\"id\":2,\"mail\":\"ase@example.com\"}\n",
    );
    project.put("a/Person.csv", "id,mail,phone\nc1,odd@example.com,\nc2,ase@example.com,2\n");
    project.run();
    project.put("b/Person.jsonl", "{\"id\":1,\"mail\":\"odd@example.com\"}\n");
    project.run();
    project.put("a/Person.csv", &(project.text("a/Person.csv") + "c3,per@example.com,3\n"));
    project.run();
    assert!(
        project.text("b/Person.jsonl").contains("{\"id\":3,\"mail\":\"per@example.com\""),
        "{}",
        project.text("b/Person.jsonl")
    );
    assert!(
        project.text("a/Person.csv").contains("c2,ase@example.com,2"),
        "{}",
        project.text("a/Person.csv")
    );

    let project = Project::new(0);
    let database = rusqlite::Connection::open(project.path("shop.db")).unwrap();
    database
        .execute_batch("CREATE TABLE Person (id INTEGER PRIMARY KEY, mail TEXT, phone TEXT)")
        .unwrap();
    let run = || {
        let settings = json!({"folder": "a"});
        let a = FilesConnector::open(settings.as_object().unwrap(), project.dir.path()).unwrap();
        let b = SqlConnector::open(
            json!({"url": "sqlite:shop.db"}).as_object().unwrap(),
            project.dir.path(),
        )
        .unwrap();
        let systems = vec![
            System { name: "a".into(), connector: Arc::new(a) },
            System { name: "b".into(), connector: Arc::new(b) },
        ];
        project.hub_of(systems, &[flow("Person", false)]).run(RunOptions::default()).unwrap()
    };
    project.put("a/Person.csv", &Project::csv("phone", 2));
    assert_eq!(run().writes(), 2);
    database.execute("DELETE FROM Person WHERE id = 2", []).unwrap();
    run();
    project.put("a/Person.csv", &Project::csv("phone", 3));
    run();
    let ids: Vec<i64> = database
        .prepare("SELECT id FROM Person ORDER BY id")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(ids, [1, 3]);
}

#[test]
fn r5_r8_a_renamed_column_and_a_dropped_table_pause_that_table_alone() {
    let project = Project::new(0);
    let database = rusqlite::Connection::open(project.path("shop.db")).unwrap();
    let tables = "CREATE TABLE Person (id INTEGER PRIMARY KEY, mail TEXT, phone TEXT);
        CREATE TABLE Company (id INTEGER PRIMARY KEY, mail TEXT, phone TEXT);";
    database.execute_batch(tables).unwrap();
    let run = || {
        let a =
            FilesConnector::open(json!({"folder": "a"}).as_object().unwrap(), project.dir.path())
                .unwrap();
        let b = SqlConnector::open(
            json!({"url": "sqlite:shop.db"}).as_object().unwrap(),
            project.dir.path(),
        )
        .unwrap();
        let systems = vec![
            System { name: "a".into(), connector: Arc::new(a) },
            System { name: "b".into(), connector: Arc::new(b) },
        ];
        let flows = [flow("Person", false), flow("Person", true), flow("Company", false)];
        project.hub_of(systems, &flows).run(RunOptions::default()).unwrap()
    };
    project.put("a/Person.csv", &Project::csv("phone", 2));
    assert_eq!(run().writes(), 3);
    let whole = project.text("a/Person.csv");
    database.execute_batch("ALTER TABLE Person RENAME COLUMN phone TO telephone").unwrap();
    project.edit("a/Company.jsonl", "\"phone\":\"1\"", "\"phone\":\"2\"");
    for round in 0..2 {
        let report = run();
        assert!(
            faults(&report)[0].contains("the table Person has no column `phone` any more"),
            "{report:#?}"
        );
        assert_eq!(
            (report.writes(), report.needs_a_person()),
            (u64::from(round == 0), true),
            "{report:#?}"
        );
    }
    assert_eq!(project.text("a/Person.csv"), whole);
    database
        .execute_batch("ALTER TABLE Person RENAME COLUMN telephone TO phone; DROP TABLE Company")
        .unwrap();
    project.edit("a/Person.csv", ",100\n", ",777\n");
    let report = run();
    assert!(faults(&report)[0].contains("there is no table Company any more"), "{report:#?}");
    assert_eq!(report.writes(), 1, "{report:#?}");
}
