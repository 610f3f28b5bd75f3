//! Whole runs on the real parts: a SQLite file and two folders of JSON Lines.

use std::path::Path;
use std::sync::Arc;

use lockstep_connector::files::FilesConnector;
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::report::Report;
use lockstep_hub::{Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{Flow, MatchRow, PropertyPair, TypeName};
use lockstep_store::sqlite::SqliteStore;
use serde_json::{Value, json};

fn flow(from: &str, to: &str, create: Create, matches: &[(&str, &str)], rows: &[(&str, &str)]) -> Flow {
    let path = |path: &str| PropertyRef::new(path);
    Flow {
        create,
        matches: matches.iter().map(|(p, q)| MatchRow::single(path(p), path(q))).collect(),
        properties: rows.iter().map(|(p, q)| PropertyPair::equal(path(p), path(q))).collect(),
        ..Flow::between(TypeName::parse(from).unwrap(), TypeName::parse(to).unwrap())
    }
}

struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for side in ["a", "b"] {
            std::fs::create_dir(dir.path().join(side)).unwrap();
        }
        let project = Project { dir };
        project.write(
            "a/Contacts.jsonl",
            &[
                json!({"id": "a1", "name": {"first": "Åse"}, "emails": [{"email": "ase@example.com"}], "phone": "1"}),
                json!({"id": "a2", "name": {"first": "Bo"}, "emails": [{"email": "BO@example.com"}], "phone": "2"}),
                json!({"id": "a3", "name": {"first": "Eli"}, "emails": [], "phone": "3"}),
            ],
        );
        project.write(
            "b/Person.jsonl",
            &[
                json!({"id": 1, "first": "Bo", "mail": "bo@example.com", "phone": "2"}),
                json!({"id": 2, "first": "Finn", "mail": "finn@example.com", "phone": "4", "extra": [1, 2]}),
            ],
        );
        project
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, records: &[Value]) {
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        std::fs::write(self.path(name), lines.join("\n") + "\n").unwrap();
    }

    fn read(&self, name: &str) -> Vec<Value> {
        std::fs::read_to_string(self.path(name)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn hub(&self) -> Hub {
        let connect = |name: &str| {
            let settings = json!({"folder": name, "id": "id"});
            let connector = FilesConnector::open(settings.as_object().unwrap(), Path::new(self.dir.path())).unwrap();
            System { name: name.into(), connector: Arc::new(connector) }
        };
        let systems = vec![connect("a"), connect("b")];
        let schemas: Schemas = systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let flows = [
            flow(
                "a.Contacts",
                "b.Person",
                Create::Always,
                &[("emails.email", "mail")],
                &[("name.first", "first"), ("emails.email", "mail"), ("phone", "phone")],
            ),
            flow("b.Person", "a.Contacts", Create::Always, &[("mail", "emails.email")], &[]),
        ];
        let plan = Plan::compile(&flows, &schemas).unwrap();
        let store = SqliteStore::open(self.path("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap()
    }

    fn run(&self) -> Report {
        self.hub().run(RunOptions::default()).unwrap()
    }
}

fn find<'a>(records: &'a [Value], path: &str, value: &str) -> &'a Value {
    records
        .iter()
        .find(|r| r.pointer(path).is_some_and(|v| v == value))
        .unwrap_or_else(|| panic!("{value} is not in {records:?}"))
}

#[test]
fn both_sides_hold_the_same_people_and_a_second_run_writes_nothing() {
    let project = Project::new();
    let first = project.run();
    assert_eq!(first.writes(), 4, "{first:#?}");
    let (a, b) = (project.read("a/Contacts.jsonl"), project.read("b/Person.jsonl"));
    assert_eq!((a.len(), b.len()), (4, 4));
    assert_eq!(find(&b, "/first", "Åse")["mail"], "ase@example.com");
    let finn = find(&a, "/name/first", "Finn");
    assert_eq!(finn["emails"][0]["email"], "finn@example.com");
    // What no row maps stays.
    assert_eq!(find(&b, "/first", "Finn")["extra"], json!([1, 2]));
    let second = project.run();
    assert_eq!(second.writes(), 0, "{second:#?}");
}

#[test]
fn edits_travel_both_ways_and_are_explained() {
    let project = Project::new();
    project.run();
    let mut b = project.read("b/Person.jsonl");
    let bo = b.iter_mut().find(|r| r["first"] == "Bo").unwrap();
    bo["phone"] = json!("22");
    project.write("b/Person.jsonl", &b);
    let report = project.run();
    assert_eq!(report.writes(), 1, "{report:#?}");
    let a = project.read("a/Contacts.jsonl");
    assert_eq!(find(&a, "/name/first", "Bo")["phone"], "22");
    let explained = project.hub().explain("a.Contacts/a2", Some("phone")).unwrap();
    let text = explained.properties[0].sentences.join(" ");
    assert!(text.contains("“22” was put into b.Person/1 phone"), "{text}");
    assert!(text.contains("Lockstep wrote “22” over “2”"), "{text}");
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn g1_a_plan_changes_nothing_and_the_run_after_it_does_what_it_says() {
    let project = Project::new();
    let before = (project.read("a/Contacts.jsonl"), project.read("b/Person.jsonl"));
    let plan = project.hub().plan(RunOptions::default()).unwrap();
    assert_eq!(before, (project.read("a/Contacts.jsonl"), project.read("b/Person.jsonl")));
    let again = project.hub().plan(RunOptions::default()).unwrap();
    let counts = |r: &Report| r.flows.iter().map(|f| (f.linked, f.created, f.updated)).collect::<Vec<_>>();
    assert_eq!(counts(&plan), counts(&again), "the store has not changed either");
    assert_eq!(counts(&plan), counts(&project.run()));
}

#[test]
fn a_deleted_record_is_not_created_anew_and_the_others_stay() {
    // D1
    let project = Project::new();
    project.run();
    let mut b = project.read("b/Person.jsonl");
    b.retain(|r| r["first"] != "Bo");
    project.write("b/Person.jsonl", &b);
    let report = project.run();
    assert_eq!(report.writes(), 0, "{report:#?}");
    assert_eq!(project.read("a/Contacts.jsonl").len(), 4);
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn a_broken_line_is_told_and_the_rest_goes_on() {
    let project = Project::new();
    let text = std::fs::read_to_string(project.path("a/Contacts.jsonl")).unwrap();
    std::fs::write(project.path("a/Contacts.jsonl"), format!("{{\"id\": \"a9\", \n{text}")).unwrap();
    let report = project.run();
    let told = format!("{:?}", report.events);
    assert!(told.contains("Contacts.jsonl:1"), "{told}");
    assert_eq!(report.writes(), 4);
    assert!(report.needs_a_person());
    // The broken line is still there for somebody to mend.
    assert!(std::fs::read_to_string(project.path("a/Contacts.jsonl")).unwrap().contains("\"a9\""));
}
