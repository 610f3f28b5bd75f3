//! Whole runs on the real parts: a SQLite file and two folders of JSON Lines.

use std::path::Path;
use std::sync::Arc;

use lockstep_connector::files::FilesConnector;
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::report::Report;
use lockstep_hub::undo::{PutBackAs, TakingBack, Which, ever_written};
use lockstep_hub::{Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{Conversion, Direction, Flow, MatchRow, Policy, PropertyPair, RunId, TypeName};
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
    // What the broken line holds may be Finn (L8): he is made once it can be read.
    assert_eq!(report.writes(), 3, "{report:#?}");
    assert!(report.needs_a_person());
    // The broken line is still there for somebody to mend.
    assert!(std::fs::read_to_string(project.path("a/Contacts.jsonl")).unwrap().contains("\"a9\""));
}

/// A folder of people a side, who match by their address, and a flow that says this of their names.
struct Undone {
    dir: tempfile::TempDir,
    policy: Policy,
    conversion: Option<serde_json::Value>,
}

impl Undone {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (side, people) in [("a", json!([{"id": "a1", "mail": "x@example.com", "name": "from a"}])), ("b", json!([]))] {
            std::fs::create_dir(dir.path().join(side)).unwrap();
            let lines: String = people.as_array().unwrap().iter().map(|one| format!("{one}\n")).collect();
            std::fs::write(dir.path().join(side).join("People.jsonl"), lines).unwrap();
        }
        let one = Undone { dir, policy: Policy::Latest, conversion: None };
        one.store("b", json!({"id": "b1", "mail": "x@example.com", "name": "from b"}));
        one
    }

    fn store(&self, side: &str, record: Value) {
        std::fs::write(self.dir.path().join(side).join("People.jsonl"), format!("{record}\n")).unwrap();
    }

    fn names(&self) -> (Value, Value) {
        let name = |side: &str| {
            let text = std::fs::read_to_string(self.dir.path().join(side).join("People.jsonl")).unwrap();
            serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["name"].clone()
        };
        (name("a"), name("b"))
    }

    fn flows(&self) -> Vec<Flow> {
        let mut one = flow("a.People", "b.People", Create::Always, &[("mail", "mail")], &[("name", "name")]);
        one.properties[0].policy = self.policy.clone();
        one.properties[0].conversion = self.conversion.as_ref().map(|list| Conversion::parse(list).unwrap());
        vec![one]
    }

    fn hub_of(&self, flows: &[Flow], watched: &[(TypeName, Option<PropertyRef>)]) -> Hub {
        let connect = |name: &str| {
            let settings = json!({"folder": name, "id": "id"});
            let connector = FilesConnector::open(settings.as_object().unwrap(), Path::new(self.dir.path())).unwrap();
            System { name: name.into(), connector: Arc::new(connector) }
        };
        let systems = vec![connect("a"), connect("b")];
        let schemas: Schemas = systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let plan = Plan::compile_watching(flows, &schemas, watched).unwrap();
        let store = SqliteStore::open(self.dir.path().join("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap()
    }

    fn hub(&self) -> Hub {
        self.hub_of(&self.flows(), &[])
    }

    fn run(&self) -> Report {
        self.hub().run(RunOptions::default()).unwrap()
    }

    fn undo(&self, run: RunId, put_back: PutBackAs) -> TakingBack {
        let mut hub = self.hub();
        let taking = hub.plan_undo(&Which::Run(run), false, put_back).unwrap();
        let shown = hub.plan_undo(&Which::Run(run), false, put_back).unwrap();
        hub.take_back(taking, false).unwrap();
        shown
    }
}

fn both(a: &str, b: &str) -> (Value, Value) {
    (json!(a), json!(b))
}

#[test]
fn g7_the_undo_of_a_first_run_leaves_both_sides_as_they_were_until_somebody_edits() {
    let world = Undone::new();
    let first = world.run();
    assert_eq!(world.names(), both("from a", "from a"), "P1: nobody tells a time, and a is named first");
    let taking = world.undo(first.run, PutBackAs::AsFits);
    assert!(taking.records[0].properties[0].apart.as_ref().unwrap().contains("linked"), "{taking:#?}");
    assert_eq!(world.names(), both("from a", "from b"));
    for _ in 0..2 {
        assert_eq!(world.run().writes(), 0);
        assert_eq!(world.names(), both("from a", "from b"));
    }
    assert_eq!(world.hub().audit(None, false).unwrap().properties.len(), 0);
    world.store("b", json!({"id": "b1", "mail": "x@example.com", "name": "edited"}));
    world.run();
    assert_eq!(world.names(), both("edited", "edited"));
}

#[test]
fn g7_a_default_that_is_taken_back_is_not_given_again() {
    let mut world = Undone::new();
    world.store("a", json!({"id": "a1", "mail": "x@example.com", "name": ""}));
    world.store("b", json!({"id": "b1", "mail": "x@example.com", "name": ""}));
    world.conversion = Some(json!(["if-null", "_.", "Unknown"]));
    let run = world.run().run;
    assert_eq!(world.names(), both("", "Unknown"));
    world.undo(run, PutBackAs::AsFits);
    assert_eq!(world.run().writes(), 0);
    assert!(world.names().1.as_str().is_none_or(str::is_empty), "{:?}", world.names());
    world.store("a", json!({"id": "a1", "mail": "x@example.com", "name": "Fish"}));
    world.run();
    assert_eq!(world.names(), both("Fish", "Fish"));
}

#[test]
fn g7_what_a_later_run_overwrote_is_put_back_as_an_edit_or_kept_apart_as_asked() {
    for (put_back, after) in [(PutBackAs::AsFits, both("old", "old")), (PutBackAs::Apart, both("new", "old"))] {
        let world = Undone::new();
        world.store("b", json!({"id": "b1", "mail": "x@example.com", "name": "from a"}));
        world.run();
        world.store("a", json!({"id": "a1", "mail": "x@example.com", "name": "old"}));
        world.run();
        world.store("a", json!({"id": "a1", "mail": "x@example.com", "name": "new"}));
        let run = world.run().run;
        assert_eq!(world.names(), both("new", "new"));
        world.undo(run, put_back);
        world.run();
        assert_eq!(world.names(), after, "{put_back:?}");
        assert_eq!(world.run().writes(), 0);
    }
}

#[test]
fn g7_a_policy_that_would_put_a_value_back_is_told_and_the_value_kept_apart() {
    let mut world = Undone::new();
    world.policy = Policy::OnlyFrom("a".into());
    world.run();
    world.store("a", json!({"id": "a1", "mail": "x@example.com", "name": "newer"}));
    let run = world.run().run;
    let taking = world.undo(run, PutBackAs::AsFits);
    let property = &taking.records[0].properties[0];
    assert!(property.apart.as_ref().unwrap().contains("`only_from: a`"), "{property:#?}");
    assert_eq!((world.run().writes(), world.names()), (0, both("newer", "from a")));
    // As an edit it would not stay, and the plan says so.
    let taking = world.hub().plan_undo(&Which::Run(run), false, PutBackAs::Edit).unwrap();
    assert!(taking.records.is_empty(), "it is as before already: {taking:#?}");
}

#[test]
fn g7_as_an_edit_under_a_policy_it_is_told_that_it_is_put_there_again() {
    let mut world = Undone::new();
    world.policy = Policy::OnlyFrom("a".into());
    let run = world.run().run;
    let taking = world.hub().plan_undo(&Which::Run(run), false, PutBackAs::Edit).unwrap();
    let then = taking.records[0].properties[0].then.join("\n");
    assert!(then.contains("put there again, by `only_from: a`"), "{taking:#?}");
}

#[test]
fn g7_the_writes_of_a_flow_that_is_gone_are_taken_back_too() {
    let world = Undone::new();
    let run = world.run().run;
    assert_eq!(world.names(), both("from a", "from a"));
    // The project has other flows now, which name neither record type.
    let other = flow("a.Other", "b.Other", Create::Never, &[("id", "id")], &[]);
    for side in ["a", "b"] {
        std::fs::write(world.dir.path().join(side).join("Other.jsonl"), "").unwrap();
    }
    let flows = [other];
    let told = world.hub_of(&flows, &[]).plan_undo(&Which::Run(run), false, PutBackAs::AsFits).unwrap();
    assert!(told.not.iter().any(|not| not.record.0 == "b.People" && not.why.contains("1 write")), "{told:#?}");
    let watched = {
        let mut store = SqliteStore::open_read_only(&world.dir.path().join("lockstep.db")).unwrap();
        ever_written(&mut store).unwrap()
    };
    let mut hub = world.hub_of(&flows, &watched);
    let taking = hub.plan_undo(&Which::Run(run), false, PutBackAs::AsFits).unwrap();
    assert_eq!(taking.records.len(), 1, "{taking:#?}");
    hub.take_back(taking, false).unwrap();
    drop(hub);
    assert_eq!(world.names(), both("from a", "from b"));
    // The flow comes again: what was put back stays apart.
    world.run();
    assert_eq!(world.names(), both("from a", "from b"));
}

#[test]
fn p1_a_changed_conversion_applies_to_what_is_linked_and_the_plan_shows_it() {
    let mut world = Undone::new();
    world.run();
    world.conversion = Some(json!(["upper", "_."]));
    let planned = world.hub().plan(RunOptions::default()).unwrap();
    assert_eq!((planned.writes(), world.names()), (1, both("from a", "from a")), "{planned:#?}");
    assert_eq!(world.run().writes(), 1);
    assert_eq!(world.names(), both("from a", "FROM A"));
    assert_eq!(world.run().writes(), 0);
}

#[test]
fn p1_a_changed_policy_applies_to_what_is_linked() {
    let mut world = Undone::new();
    world.run();
    world.policy = Policy::Prefer(vec!["b".into()]);
    assert_eq!(world.run().writes(), 2, "both show what a had put in");
    assert_eq!(world.names(), both("from b", "from b"));
    assert_eq!(world.run().writes(), 0);
}

#[test]
fn p1_a_property_that_comes_to_be_paired_is_kept_equal_for_what_is_linked_already() {
    let world = Undone::new();
    let linking = flow("a.People", "b.People", Create::Never, &[("mail", "mail")], &[]);
    // The name is watched by another row's match only.
    let watching = flow("a.People", "b.People", Create::Never, &[("mail", "mail"), ("name", "name")], &[]);
    for before in [linking, watching] {
        let world_of = &world;
        world_of.hub_of(&[before], &[]).run(RunOptions::default()).unwrap();
    }
    assert_eq!(world.names(), both("from a", "from b"));
    world.run();
    assert_eq!(world.names(), both("from a", "from a"));
    assert_eq!(world.run().writes(), 0);
}

#[test]
fn p12_status_counts_what_has_drifted() {
    let world = Undone::new();
    let mut one_way = world.flows();
    one_way[0].properties[0].direction = Direction::Forward;
    let run = || world.hub_of(&one_way, &[]).run(RunOptions::default()).unwrap().writes();
    assert_eq!(run(), 1);
    assert!(world.hub_of(&one_way, &[]).status().unwrap().drifted.is_empty());
    world.store("b", json!({"id": "b1", "mail": "x@example.com", "name": "edited"}));
    assert_eq!(run(), 0);
    let drifted = world.hub_of(&one_way, &[]).status().unwrap().drifted;
    assert_eq!((drifted[0].property.as_str(), drifted[0].records), ("b.People name", 1));
}
