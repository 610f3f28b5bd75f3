//! Whole runs on the real parts: a SQLite file and two folders of JSON Lines.

use std::path::Path;
use std::sync::Arc;

use lockstep_connector::files::FilesConnector;
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::explain::PropertyExplanation;
use lockstep_hub::look::HistoryOf;
use lockstep_hub::report::{Decided, Event, Report};
use lockstep_hub::undo::{PutBackAs, TakingBack, Which, ever_written};
use lockstep_hub::{Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, Deletes, Filter, PropertyRef};
use lockstep_model::{
    Conversion, Direction, Flow, MatchRow, PlainType, Policy, PropertyPair, Reason, Region, RunId,
    TypeName,
};
use lockstep_store::sqlite::SqliteStore;
use serde_json::{Value, json};

fn flow(
    from: &str,
    to: &str,
    create: Create,
    matches: &[(&str, &str)],
    rows: &[(&str, &str)],
) -> Flow {
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
        std::fs::read_to_string(self.path(name))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn hub(&self) -> Hub {
        self.hub_of(&[
            flow(
                "a.Contacts",
                "b.Person",
                Create::Always,
                &[("emails.email", "mail")],
                &[("name.first", "first"), ("emails.email", "mail"), ("phone", "phone")],
            ),
            flow("b.Person", "a.Contacts", Create::Always, &[("mail", "emails.email")], &[]),
        ])
    }

    fn hub_of(&self, flows: &[Flow]) -> Hub {
        let connect = |name: &str| {
            let settings = json!({"folder": name, "id": "id"});
            let connector =
                FilesConnector::open(settings.as_object().unwrap(), Path::new(self.dir.path()))
                    .unwrap();
            System { name: name.into(), connector: Arc::new(connector) }
        };
        let systems = vec![connect("a"), connect("b")];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let plan = Plan::compile(flows, &schemas).unwrap();
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

/// Why a property holds what it holds, in words.
fn told(of: &PropertyExplanation) -> String {
    let words = |fact| lockstep_wording::fact(&of.path, &of.value, fact);
    of.facts.iter().map(words).collect::<Vec<_>>().join(" ")
}

#[test]
fn both_sides_hold_the_same_people_and_a_second_run_writes_nothing() {
    let project = Project::new();
    let first = project.run();
    assert_eq!(first.writes(), 3, "an address in capitals is the same address (R7): {first:#?}");
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
    let explained = project.hub().ledger.explain("a.Contacts/a2", Some("phone")).unwrap();
    let text = told(&explained.properties[0]);
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
    let counts =
        |r: &Report| r.flows.iter().map(|f| (f.linked, f.created, f.updated)).collect::<Vec<_>>();
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
    std::fs::write(project.path("a/Contacts.jsonl"), format!("{{\"id\": \"a9\", \n{text}"))
        .unwrap();
    let report = project.run();
    let told = format!("{:?}", report.events);
    assert!(told.contains("Contacts.jsonl:1"), "{told}");
    // What the broken line holds may be Finn (L8): he is made once it can be read.
    assert_eq!(report.writes(), 2, "{report:#?}");
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
        for (side, people) in [
            ("a", json!([{"id": "a1", "mail": "x@example.com", "name": "from a"}])),
            ("b", json!([])),
        ] {
            std::fs::create_dir(dir.path().join(side)).unwrap();
            let lines: String =
                people.as_array().unwrap().iter().map(|one| format!("{one}\n")).collect();
            std::fs::write(dir.path().join(side).join("People.jsonl"), lines).unwrap();
        }
        let one = Undone { dir, policy: Policy::Latest, conversion: None };
        one.store("b", json!({"id": "b1", "mail": "x@example.com", "name": "from b"}));
        one
    }

    fn store(&self, side: &str, record: Value) {
        std::fs::write(self.dir.path().join(side).join("People.jsonl"), format!("{record}\n"))
            .unwrap();
    }

    fn names(&self) -> (Value, Value) {
        let name = |side: &str| {
            let text =
                std::fs::read_to_string(self.dir.path().join(side).join("People.jsonl")).unwrap();
            serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["name"].clone()
        };
        (name("a"), name("b"))
    }

    fn flows(&self) -> Vec<Flow> {
        let mut one =
            flow("a.People", "b.People", Create::Always, &[("mail", "mail")], &[("name", "name")]);
        one.properties[0].policy = self.policy.clone();
        one.properties[0].conversion =
            self.conversion.as_ref().map(|list| Conversion::parse(list).unwrap());
        vec![one]
    }

    fn hub_of(&self, flows: &[Flow], watched: &[(TypeName, Option<PropertyRef>)]) -> Hub {
        let connect = |name: &str| {
            let settings = json!({"folder": name, "id": "id"});
            let connector =
                FilesConnector::open(settings.as_object().unwrap(), Path::new(self.dir.path()))
                    .unwrap();
            System { name: name.into(), connector: Arc::new(connector) }
        };
        let systems = vec![connect("a"), connect("b")];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
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
    assert_eq!(
        world.names(),
        both("from a", "from a"),
        "P1: nobody tells a time, and a is named first"
    );
    let why = first.events.iter().find_map(|event| match event {
        Event::Updated { properties, .. } => properties[0].why.clone(),
        _ => None,
    });
    assert_eq!(why, Some(Decided { reason: Reason::Untold, first: "a.People".into(), flow: None }));
    let taking = world.undo(first.run, PutBackAs::AsFits);
    assert!(
        taking.records[0].properties[0].apart.as_ref().unwrap().contains("linked"),
        "{taking:#?}"
    );
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
fn p7_a_value_that_lost_is_in_the_journal_and_can_be_put_back() {
    let world = Undone::new();
    let first = world.run();
    assert_eq!(world.names(), both("from a", "from a"));
    let lines =
        world.hub().ledger.history_of(&HistoryOf::Record("b.People/b1".into()), 100).unwrap();
    let written = lines
        .iter()
        .find(|line| line.kind == "written" && line.path.as_deref() == Some("name"))
        .unwrap();
    assert_eq!(
        (&written.before, &written.after),
        (&json!("from b"), &json!("from a")),
        "{lines:#?}"
    );
    world.undo(first.run, PutBackAs::Edit);
    world.run();
    assert_eq!(world.names(), both("from b", "from b"));
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
    for (put_back, after) in
        [(PutBackAs::AsFits, both("old", "old")), (PutBackAs::Apart, both("new", "old"))]
    {
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
fn g7_p5_an_edit_that_an_undo_is_the_first_to_read_is_carried_on() {
    for force in [false, true] {
        let world = Undone::new();
        let mut flows = world.flows();
        flows[0]
            .properties
            .push(PropertyPair::equal(PropertyRef::new("phone"), PropertyRef::new("phone")));
        let person = |id: &str, name: &str, phone: &str| json!({"id": id, "mail": "x@example.com", "name": name, "phone": phone});
        let run = || world.hub_of(&flows, &[]).run(RunOptions::default()).unwrap();
        for (side, id) in [("a", "a1"), ("b", "b1")] {
            world.store(side, person(id, "old", "1"));
        }
        run();
        world.store("a", person("a1", "new", "2"));
        let second = run().run;
        // Somebody edits the number after the last reading, and what that run wrote is taken back.
        world.store("b", person("b1", "new", "3"));
        let mut hub = world.hub_of(&flows, &[]);
        let taking = hub.plan_undo(&Which::Run(second), force, PutBackAs::AsFits).unwrap();
        hub.take_back(taking, false).unwrap();
        drop(hub);
        run();
        let phone = |side: &str| {
            let text =
                std::fs::read_to_string(world.dir.path().join(side).join("People.jsonl")).unwrap();
            serde_json::from_str::<Value>(text.trim()).unwrap()["phone"].clone()
        };
        let expected = if force { "1" } else { "3" };
        assert_eq!(
            (phone("a"), phone("b"), world.names()),
            (json!(expected), json!(expected), both("old", "old")),
            "force: {force}"
        );
        assert_eq!(run().writes(), 0);
    }
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
    let told =
        world.hub_of(&flows, &[]).plan_undo(&Which::Run(run), false, PutBackAs::AsFits).unwrap();
    assert!(
        told.not.iter().any(|not| not.record.0 == "b.People" && not.why.contains("1 write")),
        "{told:#?}"
    );
    let watched = {
        let mut store = SqliteStore::open_read_only(world.dir.path().join("lockstep.db")).unwrap();
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
    let watching =
        flow("a.People", "b.People", Create::Never, &[("mail", "mail"), ("name", "name")], &[]);
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
    assert!(world.hub_of(&one_way, &[]).ledger.status().unwrap().drifted.is_empty());
    world.store("b", json!({"id": "b1", "mail": "x@example.com", "name": "edited"}));
    assert_eq!(run(), 0);
    let drifted = world.hub_of(&one_way, &[]).ledger.status().unwrap().drifted;
    assert_eq!((drifted[0].property.as_str(), drifted[0].records), ("b.People name", 1));
}

/// Two facets of `a.Customers`, each with its like in `b.Accounts`.
fn two_facets(deletes: Deletes) -> Vec<Flow> {
    let company = flow(
        "a.Customers (organisation data)",
        "b.Accounts (organisation data)",
        Create::Always,
        &[("orgno", "number")],
        &[("name", "title"), ("orgno", "number"), ("phone", "phone")],
    );
    let person = flow(
        "a.Customers (human data)",
        "b.Accounts (human data)",
        Create::Always,
        &[],
        &[("contact", "contact_name"), ("phone", "phone")],
    );
    [company, person].map(|flow| Flow { deletes, ..flow }).to_vec()
}

#[test]
fn f1_f2_two_facets_of_one_pair_make_and_keep_one_record() {
    let project = Project::new();
    project.write(
        "a/Customers.jsonl",
        &[
            json!({"id": "c1", "name": "Fjord AS", "orgno": "911", "contact": "Åse Vik", "phone": "1"}),
            json!({"id": "c2", "name": "Tinde AS", "orgno": "922", "contact": "Bo Lie", "phone": "2"}),
        ],
    );
    let there =
        json!({"id": 7, "title": "Tinde", "number": "922", "contact_name": "", "phone": "2"});
    project.write("b/Accounts.jsonl", &[there]);
    let run =
        || project.hub_of(&two_facets(Deletes::Propagate)).run(RunOptions::default()).unwrap();
    run();
    let accounts = || project.read("b/Accounts.jsonl");
    assert_eq!(accounts().len(), 2, "{:?}", accounts());
    let made = find(&accounts(), "/number", "911").clone();
    assert_eq!(
        (&made["title"], &made["contact_name"], &made["phone"]),
        (&json!("Fjord AS"), &json!("Åse Vik"), &json!("1"))
    );
    assert_eq!(
        find(&accounts(), "/number", "922")["contact_name"],
        "Bo Lie",
        "its other facet was found (F2)"
    );
    assert_eq!(run().writes(), 0);
    // An edit of what only one facet has rows about, and one of what both have.
    let mut edited = made.clone();
    edited["contact_name"] = json!("Åse Moe");
    edited["phone"] = json!("9");
    project.write("b/Accounts.jsonl", &[edited, find(&accounts(), "/number", "922").clone()]);
    run();
    let customer = find(&project.read("a/Customers.jsonl"), "/orgno", "911").clone();
    assert_eq!((&customer["contact"], &customer["phone"]), (&json!("Åse Moe"), &json!("9")));
    assert_eq!(run().writes(), 0);
    // The whole record is deleted: so is the other, once (F3).
    project.write(
        "a/Customers.jsonl",
        &[find(&project.read("a/Customers.jsonl"), "/orgno", "922").clone()],
    );
    let report = project
        .hub_of(&two_facets(Deletes::Propagate))
        .run(RunOptions { full: true, ..RunOptions::default() })
        .unwrap();
    assert_eq!(accounts().len(), 1, "{report:#?}");
    assert_eq!(run().writes(), 0);
}

#[test]
fn p8_a_reference_to_a_record_with_facets_is_written() {
    let project = Project::new();
    project.write(
        "a/Customers.jsonl",
        &[json!({"id": "c1", "name": "Fjord AS", "orgno": "911", "contact": "Åse", "phone": "1"})],
    );
    project.write(
        "b/Accounts.jsonl",
        &[json!({"id": 7, "title": "", "number": "", "contact_name": "", "phone": ""})],
    );
    project.write("a/Orders.jsonl", &[json!({"id": "o1", "no": "17", "customer": "c1"})]);
    project.write("b/Sales.jsonl", &[json!({"id": 3, "number": "0", "account": ""})]);
    let mut flows = two_facets(Deletes::Ignore);
    flows.insert(
        0,
        flow(
            "a.Orders",
            "b.Sales",
            Create::Always,
            &[],
            &[("no", "number"), ("customer", "account")],
        ),
    );
    let connect = |name: &str| {
        let settings = json!({"folder": name, "id": "id"});
        let connector =
            FilesConnector::open(settings.as_object().unwrap(), Path::new(project.dir.path()))
                .unwrap();
        System { name: name.into(), connector: Arc::new(connector) }
    };
    let systems = vec![connect("a"), connect("b")];
    let mut schemas: Schemas =
        systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
    for (system, kind, path, to) in
        [("a", "Orders", "customer", "Customers"), ("b", "Sales", "account", "Accounts")]
    {
        let ty = schemas.get_mut(system).unwrap().iter_mut().find(|ty| ty.kind == kind).unwrap();
        ty.properties.retain(|property| property.path != path.into());
        let reference = lockstep_model::PropertySchema::new(path, lockstep_model::PlainType::Any);
        ty.properties
            .push(lockstep_model::PropertySchema { reference: Some(to.into()), ..reference });
    }
    let plan = Plan::compile(&flows, &schemas).unwrap();
    let store = SqliteStore::open(project.path("lockstep.db")).unwrap();
    let mut hub = Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap();
    hub.run(RunOptions::default()).unwrap();
    let account = find(&project.read("b/Accounts.jsonl"), "/number", "911")["id"].clone();
    let sale = find(&project.read("b/Sales.jsonl"), "/number", "17").clone();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    assert_eq!(text(&sale["account"]), text(&account), "{sale}");
}

#[test]
fn p0_a_suppliers_phone_reaches_no_third_system() {
    let project = Project::new();
    project.write(
        "a/Contacts.jsonl",
        &[json!({"id": "a1", "mail": "post@example.com", "phone": "666", "kind": "supplier"})],
    );
    project.write("b/Person.jsonl", &[json!({"id": 1, "mail": "post@example.com", "phone": "1"})]);
    project
        .write("a/Members.jsonl", &[json!({"id": "m1", "mail": "post@example.com", "phone": "1"})]);
    let filter = Filter { expression: "kind == 'customer'".into(), reads: vec!["kind".into()] };
    let condition =
        Create::When { condition: "When it is a customer".into(), filter: Some(filter.clone()) };
    let rows = [("mail", "mail"), ("phone", "phone")];
    let conditional = flow("a.Contacts", "b.Person", condition, &[("mail", "mail")], &rows);
    let only = Flow {
        only: Some(filter),
        ..flow("a.Contacts", "b.Person", Create::Always, &[("mail", "mail")], &rows)
    };
    let on = flow("b.Person", "a.Members", Create::Always, &[("mail", "mail")], &rows);
    for first in [conditional, only] {
        let run =
            || project.hub_of(&[first.clone(), on.clone()]).run(RunOptions::default()).unwrap();
        run();
        let phones = || {
            [
                project.read("b/Person.jsonl")[0]["phone"].clone(),
                project.read("a/Members.jsonl")[0]["phone"].clone(),
            ]
        };
        assert_eq!(phones(), [json!("1"), json!("1")]);
        assert_eq!(run().writes(), 0);
        std::fs::remove_file(project.path("lockstep.db")).unwrap();
    }
}
/// Two folders with these files, kept in step by one flow from `a.People` to `b.Customers`;
/// telephone numbers are Norwegian.
struct Folders {
    dir: tempfile::TempDir,
    flow: Flow,
}

impl Folders {
    fn new(flow: Flow, files: &[(&str, &str)]) -> Folders {
        let dir = tempfile::tempdir().unwrap();
        for side in ["a", "b"] {
            std::fs::create_dir(dir.path().join(side)).unwrap();
        }
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Folders { dir, flow }
    }

    fn run(&self) -> Report {
        self.hub().run(RunOptions::default()).unwrap()
    }

    fn hub(&self) -> Hub {
        let connect = |name: &str| {
            let settings = json!({"folder": name});
            let connector =
                FilesConnector::open(settings.as_object().unwrap(), self.dir.path()).unwrap();
            System { name: name.into(), connector: Arc::new(connector) }
        };
        let systems = vec![connect("a"), connect("b")];
        let mut schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        schemas.values_mut().flatten().for_each(|schema| schema.region = Region::parse("NO"));
        let plan = Plan::compile(std::slice::from_ref(&self.flow), &schemas).unwrap();
        let store = SqliteStore::open(self.dir.path().join("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }
}

fn customers(matches: &[(&str, &str)], rows: &[(&str, &str)]) -> Flow {
    flow("a.People", "b.Customers", Create::Always, matches, rows)
}

#[test]
fn l2_a_number_without_a_country_is_that_of_the_region() {
    let people = "{\"id\":\"1\",\"name\":\"Åse Berg\",\"phone\":\"+47 22 00 00 01\"}\n{\"id\":\"2\",\"name\":\"Odd Lie\",\"phone\":\"+47 (0) 22-00-00-02\"}\n";
    let known = "{\"id\":\"c1\",\"name\":\"Å. Berg\",\"phone\":\"22 00 00 01\"}\n{\"id\":\"c2\",\"name\":\"O. Lie\",\"phone\":\"22000002\"}\n";
    let folders = Folders::new(
        customers(&[("phone", "phone")], &[("name", "name")]),
        &[("a/People.jsonl", people), ("b/Customers.jsonl", known)],
    );
    folders.run();
    assert_eq!(folders.text("b/Customers.jsonl").lines().count(), 2);
    assert_eq!(folders.run().writes(), 0);
}

#[test]
fn r7_amounts_that_are_equal_by_value_are_not_rewritten() {
    let people =
        "id,email,limit\n1,ase@example.com,12.50\n2,odd@example.com,100\n3,siv@example.com,0.10\n";
    let known = "{\"id\":\"c1\",\"email\":\"ase@example.com\",\"limit\":12.5}\n{\"id\":\"c2\",\"email\":\"odd@example.com\",\"limit\":100.0}\n{\"id\":\"c3\",\"email\":\"siv@example.com\",\"limit\":\"0.1\"}\n";
    let mut flow = customers(&[("email", "email")], &[("email", "email"), ("limit", "limit")]);
    flow.properties[1].conversion = Some(Conversion::Plain(PlainType::Decimal));
    let folders = Folders::new(flow, &[("a/People.csv", people), ("b/Customers.jsonl", known)]);
    assert_eq!(folders.run().writes(), 0);
    assert_eq!(
        (folders.text("a/People.csv").as_str(), folders.text("b/Customers.jsonl").as_str()),
        (people, known)
    );
    // A number stays a number when it changes.
    std::fs::write(folders.dir.path().join("a/People.csv"), people.replace("12.50", "13.50"))
        .unwrap();
    assert_eq!(folders.run().writes(), 1);
    assert!(
        folders.text("b/Customers.jsonl").contains("\"limit\":13.50"),
        "{}",
        folders.text("b/Customers.jsonl")
    );
}

#[test]
fn r7_numbers_keep_every_digit_on_their_way() {
    let people = "{\"id\":\"1\",\"email\":\"ase@example.com\",\"kid\":1234567890123456789012345,\"amount\":123456789.123456789}\n{\"id\":\"2\",\"email\":\"odd@example.com\",\"kid\":9007199254740993,\"amount\":0.1}\n{\"id\":\"3\",\"email\":\"siv@example.com\",\"kid\":18446744073709551615,\"amount\":1e21}\n";
    let folders = Folders::new(
        customers(
            &[("email", "email")],
            &[("email", "email"), ("kid", "kid"), ("amount", "amount")],
        ),
        &[("a/People.jsonl", people), ("b/Customers.jsonl", "")],
    );
    assert_eq!(folders.run().writes(), 3);
    let made = folders.text("b/Customers.jsonl");
    for digits in [
        "\"kid\":1234567890123456789012345",
        "\"kid\":9007199254740993",
        "\"kid\":18446744073709551615",
        "\"amount\":123456789.123456789",
    ] {
        assert!(made.contains(digits), "{digits} in {made}");
    }
    assert_eq!(folders.run().writes(), 0);
    // The last of so many digits is an edit.
    std::fs::write(
        folders.dir.path().join("a/People.jsonl"),
        people.replace("9012345,", "9012346,"),
    )
    .unwrap();
    assert_eq!(folders.run().writes(), 1);
    assert!(folders.text("b/Customers.jsonl").contains("1234567890123456789012346"));
}

#[test]
fn l2_what_nobody_sees_makes_no_second_customer() {
    let invisible = [
        "a@example.com\u{a0}",
        "b@example.com\u{2007}",
        "\u{200b}c@example.com",
        "d@example.com\u{feff}",
        "e\u{ad}@example.com",
        "\u{200e}f@example.com\u{200f}",
    ];
    let people: String = invisible
        .iter()
        .enumerate()
        .map(|(at, mail)| {
            json!({"id": at.to_string(), "name": "A", "email": mail}).to_string() + "\n"
        })
        .collect();
    let known: String = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .map(|name| {
            json!({"id": name, "name": "A", "email": format!("{name}@example.com")}).to_string()
                + "\n"
        })
        .collect();
    let folders = Folders::new(
        customers(&[("email", "email")], &[("name", "name"), ("email", "email")]),
        &[("a/People.jsonl", &people), ("b/Customers.jsonl", &known)],
    );
    folders.run();
    assert_eq!(folders.text("b/Customers.jsonl").lines().count(), 6);
    assert_eq!(folders.run().writes(), 0);
}

#[test]
fn p11_a_whole_list_travels_whole_into_a_file_that_is_empty() {
    let people =
        "{\"id\":\"1\",\"email\":\"ase@example.com\",\"tags\":[\"vip\",\"kunde\",\"oslo\"]}\n";
    let folders = Folders::new(
        customers(&[("email", "email")], &[("email", "email"), ("tags", "tags")]),
        &[("a/People.jsonl", people), ("b/Customers.jsonl", "")],
    );
    assert_eq!(folders.run().writes(), 1);
    let made: Value = serde_json::from_str(folders.text("b/Customers.jsonl").trim()).unwrap();
    assert_eq!(made["tags"], json!(["vip", "kunde", "oslo"]));
    std::fs::write(
        folders.dir.path().join("a/People.jsonl"),
        people.replace("\"vip\",\"kunde\"", "\"kunde\",\"vip\""),
    )
    .unwrap();
    assert_eq!(folders.run().writes(), 0, "another order is no edit");
}

/// `"phones": ["888", "222"]` beside a single phone of `222`.
fn one_phone_of_two() -> Folders {
    Folders::new(
        customers(&[("email", "email")], &[("email", "email"), ("phone", "phones")]),
        &[
            ("a/People.jsonl", "{\"id\":\"1\",\"email\":\"ase@example.com\",\"phone\":\"222\"}\n"),
            (
                "b/Customers.jsonl",
                "{\"id\":\"c1\",\"email\":\"ase@example.com\",\"phones\":[\"888\",\"222\"]}\n",
            ),
        ],
    )
}

#[test]
fn p11_a_single_value_follows_the_element_that_it_holds_and_no_other() {
    for (edited, phone) in [
        ("[\"888\",\"224\"]", "224"),
        // The system gives its elements in another order.
        ("[\"224\",\"888\"]", "224"),
        // Another one comes beside it.
        ("[\"888\",\"224\",\"777\"]", "224"),
        ("[\"889\",\"222\"]", "222"),
        // It is taken out: the first stands for it.
        ("[\"888\"]", "888"),
    ] {
        let folders = one_phone_of_two();
        assert_eq!(folders.run().writes(), 0, "the list holds the number already");
        let known = folders.text("b/Customers.jsonl");
        std::fs::write(
            folders.dir.path().join("b/Customers.jsonl"),
            known.replace("[\"888\",\"222\"]", edited),
        )
        .unwrap();
        folders.run();
        assert!(
            folders.text("a/People.jsonl").contains(&format!("\"phone\":\"{phone}\"")),
            "{edited}: {}",
            folders.text("a/People.jsonl")
        );
        assert!(folders.text("b/Customers.jsonl").contains(edited));
        assert_eq!(folders.run().writes(), 0);
    }
}

#[test]
fn p9_after_lockstep_wrote_an_element_an_edit_of_it_is_that_elements() {
    let folders = one_phone_of_two();
    folders.run();
    let edit = |name: &str, from: &str, to: &str| {
        let path = folders.dir.path().join(name);
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace(from, to)).unwrap();
    };
    edit("a/People.jsonl", "222", "223");
    folders.run();
    assert!(
        folders.text("b/Customers.jsonl").contains("[\"888\",\"223\"]"),
        "{}",
        folders.text("b/Customers.jsonl")
    );
    edit("b/Customers.jsonl", "223", "224");
    folders.run();
    assert!(
        folders.text("a/People.jsonl").contains("\"phone\":\"224\""),
        "{}",
        folders.text("a/People.jsonl")
    );
}

#[test]
fn p9_a_link_by_hand_adds_a_value_to_a_list_however_old_the_two_are() {
    let known = "{\"id\":\"c1\",\"email\":\"x@example.com\",\"phones\":[{\"n\":\"999\"}]}\n";
    let one = Folders::new(
        customers(&[("email", "email")], &[("phone", "phones.n")]),
        &[
            ("a/People.jsonl", "{\"id\":\"1\",\"email\":\"ase@example.com\",\"phone\":\"111\"}\n"),
            ("b/Customers.jsonl", known),
        ],
    );
    let mut never = one.flow.clone();
    never.create = Create::Never;
    let folders = Folders { dir: one.dir, flow: never };
    folders.run();
    let edit = |from: &str, to: &str| {
        let path = folders.dir.path().join("a/People.jsonl");
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace(from, to)).unwrap();
    };
    edit("111", "112");
    folders.run();
    folders.hub().link("a.People/1", "b.Customers/c1").unwrap();
    assert_eq!(folders.run().writes(), 1);
    let numbers = |text: &str| {
        let record: Value = serde_json::from_str(text.trim()).unwrap();
        record["phones"]
            .as_array()
            .unwrap()
            .iter()
            .map(|phone| phone["n"].as_str().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&folders.text("b/Customers.jsonl")), ["999", "112"]);
    // From here on it is that element's.
    edit("112", "113");
    folders.run();
    assert_eq!(numbers(&folders.text("b/Customers.jsonl")), ["999", "113"]);
    assert!(folders.text("a/People.jsonl").contains("113"));
}

/// A folder of CSV files and a SQLite file whose deleted records are marked; a hub for these flows.
fn marked(deletes: Deletes) -> (tempfile::TempDir, impl Fn() -> Hub) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("crm")).unwrap();
    let people: String = (1..9).map(|n| format!("{n},Person {n},p{n}@example.com,\n")).collect();
    std::fs::write(
        dir.path().join("crm/People.csv"),
        format!("id,name,mail,archived\n{people}9,Nina,nina@example.com,yes\n"),
    )
    .unwrap();
    let database = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
    database.execute_batch("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, mail TEXT, gone_at DATETIME)").unwrap();
    let project = dir.path().to_path_buf();
    let hub = move || {
        let crm = json!({"folder": "crm", "tables": {"People": {"deleted": {"at": "archived", "is": ["yes"], "set": "yes"}}}});
        let crm = FilesConnector::open(crm.as_object().unwrap(), &project).unwrap();
        let shop = json!({
            "url": "sqlite:shop.db",
            "tables": {"customers": {"deleted": {"at": "gone_at", "is-not": [null], "set": "$now"}}},
        });
        let shop = lockstep_connector::sql::SqlConnector::open(shop.as_object().unwrap(), &project)
            .unwrap();
        let systems = vec![
            System { name: "crm".into(), connector: Arc::new(crm) },
            System { name: "shop".into(), connector: Arc::new(shop) },
        ];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let rows = [("name", "name"), ("mail", "mail")];
        let there = Flow {
            deletes,
            ..flow("crm.People", "shop.customers", Create::Always, &[("mail", "mail")], &rows)
        };
        let back = Flow {
            deletes,
            ..flow("shop.customers", "crm.People", Create::Always, &[("mail", "mail")], &[])
        };
        let plan = Plan::compile(&[there, back], &schemas).unwrap();
        let store = SqliteStore::open(project.join("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap()
    };
    (dir, hub)
}

#[test]
fn d3_a_mark_is_a_deletion_that_is_passed_on_as_a_mark_and_taken_back_as_one() {
    let (dir, hub) = marked(Deletes::Propagate);
    let run = || hub().run(RunOptions::default()).unwrap();
    let shop = || rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
    let count = |condition: &str| {
        let sql = format!("SELECT count(*) FROM customers WHERE {condition}");
        shop().query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let people = || std::fs::read_to_string(dir.path().join("crm/People.csv")).unwrap();
    let put = |old: &str, new: &str| {
        let text = people();
        assert!(text.contains(old), "{text}");
        std::fs::write(dir.path().join("crm/People.csv"), text.replace(old, new)).unwrap();
    };
    // Who is marked from the beginning is nobody.
    assert_eq!(run().writes(), 8);
    assert_eq!(count("mail = 'nina@example.com'"), 0);
    assert_eq!(run().writes(), 0);
    // A mark here is a mark there; nothing is removed.
    put("p1@example.com,", "p1@example.com,yes");
    let report = run();
    assert_eq!(report.writes(), 1, "{report:#?}");
    assert_eq!((count("gone_at IS NOT NULL"), count("1")), (1, 8));
    assert_eq!(run().writes(), 0);
    // The other way, told once though all of the table is listed.
    shop()
        .execute(
            "UPDATE customers SET gone_at = '2026-01-31 10:00:00' WHERE mail = 'p2@example.com'",
            [],
        )
        .unwrap();
    let report = run();
    assert_eq!(report.writes(), 1, "{report:#?}");
    let told = format!("{:?}", report.events);
    assert_eq!(told.matches("Gone { passes: true }").count(), 1, "{told}");
    assert!(people().contains("2,Person 2,p2@example.com,yes"), "{}", people());
    assert_eq!(run().writes(), 0);
    // D2: without the mark it is back, and so is what was deleted because of it.
    put("p1@example.com,yes", "p1@example.com,");
    let report = run();
    assert_eq!(
        (report.writes(), count("mail = 'p1@example.com' AND gone_at IS NULL")),
        (1, 1),
        "{report:#?}"
    );
    assert_eq!(run().writes(), 0);
    // D1: an edit beats a deletion.
    put("3,Person 3", "3,Person Three");
    shop()
        .execute(
            "UPDATE customers SET gone_at = '2026-01-31 10:00:00' WHERE mail = 'p3@example.com'",
            [],
        )
        .unwrap();
    run();
    assert!(people().contains("3,Person Three,p3@example.com,\n"), "{}", people());
    assert_eq!(run().writes(), 0);
}

#[test]
fn d3_d1_a_mark_that_no_flow_passes_on_ends_the_link_alone() {
    let (dir, hub) = marked(Deletes::Ignore);
    let run = || hub().run(RunOptions::default()).unwrap();
    assert_eq!(run().writes(), 8);
    let file = dir.path().join("crm/People.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("Person 1,p1@example.com,", "Nobody,p1@example.com,yes"))
        .unwrap();
    assert_eq!(run().writes(), 0);
    let shop = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
    shop.execute("UPDATE customers SET name = 'Somebody' WHERE mail = 'p1@example.com'", [])
        .unwrap();
    assert_eq!(
        run().writes(),
        0,
        "neither is what it is not shown any more carried to it, nor is it made anew"
    );
}

#[test]
fn c4_lines_with_keys_of_two_columns_are_kept_in_step_and_wait_without_one_of_them() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("erp")).unwrap();
    let file = dir.path().join("erp/Lines.csv");
    std::fs::write(&file, "order_no;line_no;sku;price\nA-1;1;nut;1,50\nA-1;2;bolt;2,00\n").unwrap();
    let database = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
    database
        .execute_batch("CREATE TABLE lines (ord TEXT, n INTEGER, item TEXT, price DECIMAL(9,2), PRIMARY KEY (ord, n))")
        .unwrap();
    let run = || {
        let own = json!({"id": ["order_no", "line_no"], "separator": ";", "decimal": ","});
        let erp = json!({"folder": "erp", "tables": {"Lines": own}});
        let erp = FilesConnector::open(erp.as_object().unwrap(), dir.path()).unwrap();
        let shop = json!({"url": "sqlite:shop.db", "tables": {"lines": {"id": ["ord", "n"]}}});
        let shop =
            lockstep_connector::sql::SqlConnector::open(shop.as_object().unwrap(), dir.path())
                .unwrap();
        let systems = vec![
            System { name: "erp".into(), connector: Arc::new(erp) },
            System { name: "shop".into(), connector: Arc::new(shop) },
        ];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let keys = vec![
            (PropertyRef::new("order_no"), PropertyRef::new("ord")),
            (PropertyRef::new("line_no"), PropertyRef::new("n")),
        ];
        let matches = vec![MatchRow {
            pairs: keys,
            ..MatchRow::single(PropertyRef::new("order_no"), PropertyRef::new("ord"))
        }];
        let rows = [("order_no", "ord"), ("line_no", "n"), ("sku", "item"), ("price", "price")];
        let there = Flow {
            matches,
            deletes: Deletes::Propagate,
            ..flow("erp.Lines", "shop.lines", Create::Always, &[], &rows)
        };
        let back = flow("shop.lines", "erp.Lines", Create::Always, &[], &[]);
        let plan = Plan::compile(&[there, back], &schemas).unwrap();
        let store = SqliteStore::open(dir.path().join("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock))
            .unwrap()
            .run(RunOptions::default())
            .unwrap()
    };
    assert_eq!(run().writes(), 2);
    let price = |n: i64| {
        database
            .query_row("SELECT price FROM lines WHERE n = ?", [n], |row| row.get::<_, f64>(0))
            .unwrap()
    };
    assert_eq!((price(1), price(2)), (1.5, 2.0));
    assert_eq!(run().writes(), 0, "12,50 is 12.5");
    database.execute("UPDATE lines SET price = 3.25 WHERE n = 2", []).unwrap();
    database.execute("INSERT INTO lines VALUES ('B/2', 1, 'nail', 0.1)", []).unwrap();
    assert_eq!(run().writes(), 2);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("A-1;2;bolt;3,25\n") && text.contains("B/2;1;nail;0,1\n"), "{text}");
    assert_eq!(run().writes(), 0);
    // A row without one of the two has no id: it is told, and nothing is made of it.
    std::fs::write(&file, text.replace("A-1;1;nut;1,50\n", "") + "C-3;;screw;4,00\n").unwrap();
    let report = run();
    assert_eq!((report.writes(), report.needs_a_person()), (0, true), "{report:#?}");
    // And the one that is missed has not been deleted as long as this may be its row.
    std::fs::write(&file, text.replace("A-1;1;nut;1,50\n", "") + "C-3;1;screw;4,00\n").unwrap();
    assert_eq!(run().writes(), 2);
    let held: i64 = database
        .query_row("SELECT count(*) FROM lines WHERE ord = 'C-3' OR ord = 'A-1'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(held, 2);
    assert_eq!(run().writes(), 0);
}

#[test]
fn p1_times_of_single_properties_decide_and_move_with_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("crm")).unwrap();
    let file = dir.path().join("crm/People.csv");
    let head = "id,mail,name,phone,changed,phone_at\n";
    let early = "2020-01-01T00:00:00Z";
    std::fs::write(
        &file,
        format!("{head}1,kari@example.com,Kari,1,2024-05-01T00:00:00Z,{early}\n"),
    )
    .unwrap();
    let database = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, name TEXT, phone TEXT, changed DATETIME, phone_at DATETIME);
             INSERT INTO people VALUES (1, 'kari@example.com', 'K', '2', '2022-01-01T00:00:00Z', '2022-01-01T00:00:00Z');",
        )
        .unwrap();
    let run = || {
        let times = json!({"*": "changed", "phone": "phone_at"});
        let crm = json!({"folder": "crm", "tables": {"People": {"modified": times}}});
        let crm = FilesConnector::open(crm.as_object().unwrap(), dir.path()).unwrap();
        let shop = json!({"url": "sqlite:shop.db", "tables": {"people": {"modified": times}}});
        let shop =
            lockstep_connector::sql::SqlConnector::open(shop.as_object().unwrap(), dir.path())
                .unwrap();
        let systems = vec![
            System { name: "crm".into(), connector: Arc::new(crm) },
            System { name: "shop".into(), connector: Arc::new(shop) },
        ];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let rows = [("mail", "mail"), ("name", "name"), ("phone", "phone")];
        let flows = [flow("crm.People", "shop.people", Create::Always, &[("mail", "mail")], &rows)];
        let plan = Plan::compile(&flows, &schemas).unwrap();
        let store = SqliteStore::open(dir.path().join("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock))
            .unwrap()
            .run(RunOptions::default())
            .unwrap()
    };
    let shop = |column: &str| {
        database
            .query_row(&format!("SELECT {column} FROM people"), [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    let people = || std::fs::read_to_string(&file).unwrap();
    // The name is later here, the phone there, though the record here was changed last.
    assert_eq!(run().writes(), 2);
    assert!(
        people().contains("kari@example.com,Kari,2,") && !people().contains(early),
        "its own time moved along: {}",
        people()
    );
    assert_eq!((shop("name"), shop("phone_at")), ("Kari".into(), "2022-01-01T00:00:00Z".into()));
    assert_eq!(run().writes(), 0);
    // Only the time was moved: nothing was edited.
    database
        .execute(
            "UPDATE people SET phone_at = '2023-01-01T00:00:00Z', changed = '2030-01-01T00:00:00Z'",
            [],
        )
        .unwrap();
    let report = run();
    assert_eq!(
        (report.writes(), report.systems.iter().map(|system| system.edits).sum::<u64>()),
        (0, 0),
        "{report:#?}"
    );
    std::fs::write(&file, people().replace("kari@example.com,Kari,2,", "kari@example.com,Kari,3,"))
        .unwrap();
    assert_eq!(run().writes(), 1);
    assert_ne!(shop("phone_at"), "2023-01-01T00:00:00Z");
    assert_eq!((shop("phone"), run().writes()), ("3".into(), 0));
}
