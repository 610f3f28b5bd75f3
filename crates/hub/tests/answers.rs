//! A person's answer to an unknown outcome (C2): a creation whose answer was lost, while somebody
//! made just the same record.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockstep_connector::files::FilesConnector;
use lockstep_connector::{Action, Connector, Outcome, Page, ReadRequest, Trouble, Write};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::answers::Answer;
use lockstep_hub::{Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{Flow, GuardKind, PropertyPair, ReadRecord, TypeName, TypeSchema};
use lockstep_store::sqlite::SqliteStore;
use serde_json::{Value, json};

/// A folder in which the answer to the first creation is lost, while somebody makes the same record
/// by hand: beside the one that landed, or twice, where it did not land.
struct Forgetful {
    reads: FilesConnector,
    /// Another one, so that what is read is not known as written by itself.
    writes: FilesConnector,
    file: PathBuf,
    forgets: AtomicBool,
    lands: bool,
}

impl Connector for Forgetful {
    fn types(&self) -> &[TypeSchema] {
        self.reads.types()
    }

    fn test(&self) -> Result<String, Trouble> {
        self.reads.test()
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        self.reads.read(request)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        self.reads.get(kind, watch, id)
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        self.reads.find(kind, watch, prop, value)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let creates = writes.iter().any(|write| write.action == Action::Create);
        if !creates || !self.forgets.swap(false, Ordering::Relaxed) {
            return self.writes.write(kind, watch, writes);
        }
        let by_hand = json!({"id": "by-hand", "first": "Solveig", "phone": "1"});
        if self.lands {
            self.writes.write(kind, watch, writes);
            store(&self.file, &[lines(&self.file), vec![by_hand]].concat());
        } else {
            store(
                &self.file,
                &[by_hand.clone(), json!({"id": "too", "first": "Solveig", "phone": "1"})],
            );
        }
        writes.iter().map(|_| Outcome::Unknown { message: "the connection broke".into() }).collect()
    }
}

fn lines(file: &Path) -> Vec<Value> {
    std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn store(file: &Path, records: &[Value]) {
    std::fs::write(file, records.iter().map(|record| format!("{record}\n")).collect::<String>())
        .unwrap();
}

struct World {
    dir: tempfile::TempDir,
    hub: Hub,
    review: i64,
}

impl World {
    /// One person was to be created, and which of two new records it is can't be told.
    fn new(lands: bool) -> World {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for side in ["a", "b"] {
            std::fs::create_dir(at(side)).unwrap();
        }
        store(&at("a/Contacts.jsonl"), &[]);
        store(&at("b/Person.jsonl"), &[]);
        let open = |name: &str| {
            FilesConnector::open(
                json!({"folder": name, "id": "id"}).as_object().unwrap(),
                dir.path(),
            )
            .unwrap()
        };
        let file = at("b/Person.jsonl");
        let forgetful = Forgetful {
            reads: open("b"),
            writes: open("b"),
            file,
            forgets: AtomicBool::new(true),
            lands,
        };
        let systems = vec![
            System { name: "a".into(), connector: Arc::new(open("a")) },
            System { name: "b".into(), connector: Arc::new(forgetful) },
        ];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let row = |path: &str| PropertyPair::equal(PropertyRef::new(path), PropertyRef::new(path));
        let flow = Flow {
            create: Create::Always,
            properties: vec![row("first"), row("phone")],
            ..Flow::between(TypeName::new("a", "Contacts"), TypeName::new("b", "Person"))
        };
        let plan = Plan::compile(&[flow], &schemas).unwrap();
        let database = SqliteStore::open(at("lockstep.db")).unwrap();
        let mut hub = Hub::new(plan, systems, Box::new(database), Arc::new(SystemClock)).unwrap();
        hub.run(RunOptions::default()).unwrap();
        store(&at("a/Contacts.jsonl"), &[json!({"id": "a1", "first": "Solveig", "phone": "1"})]);
        hub.run(RunOptions::default()).unwrap();
        let reviews = hub.ledger.reviews(9).unwrap();
        assert_eq!(reviews.len(), 1, "{reviews:#?}");
        assert_eq!((reviews[0].kind.as_str(), reviews[0].candidates.len()), ("unknown outcome", 2));
        let review = reviews[0].number;
        World { dir, hub, review }
    }

    fn persons(&self) -> Vec<Value> {
        lines(&self.dir.path().join("b/Person.jsonl"))
    }

    fn answer(&mut self, answer: Answer) -> (bool, String) {
        let mut answered = self.hub.answer(&[self.review], &answer).unwrap();
        let one = answered.remove(0);
        (one.done, one.text)
    }

    fn linked(&mut self) -> Vec<Vec<String>> {
        let all = self.hub.ledger.entity_members(None, 9).unwrap();
        all.into_iter()
            .map(|members| members.into_iter().map(|(name, _)| name.0).collect())
            .collect()
    }

    fn settles(&mut self) {
        assert_eq!(self.hub.run(RunOptions::default()).unwrap().writes(), 0);
        let open = self.hub.ledger.reviews(9).unwrap();
        assert!(open.is_empty(), "{open:#?}");
        let open: u64 = self.hub.ledger.status().unwrap().outbox.iter().map(|(_, n)| n).sum();
        assert_eq!(open, 0, "nothing is left open");
    }
}

#[test]
fn the_one_that_a_person_names_is_linked_and_none_is_created() {
    let mut world = World::new(true);
    let (done, text) = world.answer(Answer::Accept);
    assert!(!done && text.contains("2 candidates") && text.contains("b.Person/by-hand"), "{text}");
    // While it is open nothing more is created for it.
    world.hub.run(RunOptions::default()).unwrap();
    assert_eq!(world.persons().len(), 2);
    let (done, text) = world.answer(Answer::Link("b.Person/by-hand".into()));
    assert!(done, "{text}");
    assert_eq!(world.linked(), [["a.Contacts/a1", "b.Person/by-hand"]]);
    world.settles();
    assert_eq!(world.persons().len(), 2);
}

#[test]
fn if_it_is_none_of_them_it_is_created_and_they_are_kept_apart() {
    let mut world = World::new(false);
    let before: Vec<Value> = world.persons();
    let (done, text) = world.answer(Answer::Reject);
    assert!(done && text.contains("the next run creates it"), "{text}");
    world.hub.run(RunOptions::default()).unwrap();
    let after = world.persons();
    assert_eq!((after.len(), &after[..2]), (3, &before[..]));
    let id = after[2]["id"].as_str().map_or_else(|| after[2]["id"].to_string(), String::from);
    assert_eq!(world.linked(), [["a.Contacts/a1".to_string(), format!("b.Person/{id}")]]);
    world.settles();
}

#[test]
fn a_person_who_errs_makes_nothing_twice_where_the_system_knows_the_creation() {
    // C2: it had landed. The system knows the idempotency key, and says so; L7 keeps it apart, so
    // it is asked about once more.
    let mut world = World::new(true);
    let before = world.persons();
    assert!(world.answer(Answer::Reject).0);
    let report = world.hub.run(RunOptions::default()).unwrap();
    assert_eq!(world.persons(), before, "{report:#?}");
    let reviews = world.hub.ledger.reviews(9).unwrap();
    assert_eq!((reviews.len(), reviews[0].kind.as_str()), (1, "disputed entity"), "{reviews:#?}");
    world.review = reviews[0].number;
    let (done, text) = world.answer(Answer::Accept);
    assert!(done, "{text}");
    world.settles();
    assert_eq!(world.persons(), before);
}

#[test]
fn c2_d1_the_one_that_a_person_names_has_been_deleted_since_and_is_not_created_anew() {
    let mut world = World::new(true);
    let file = world.dir.path().join("b/Person.jsonl");
    let others: Vec<Value> =
        world.persons().into_iter().filter(|person| person["id"] != "by-hand").collect();
    store(&file, &others);
    world.hub.run(RunOptions::default()).unwrap();
    let (done, text) = world.answer(Answer::Link("b.Person/by-hand".into()));
    assert!(done && text.contains("deleted since"), "{text}");
    world.settles();
    assert_eq!(world.persons(), others);
    // Nor when it is edited.
    store(
        &world.dir.path().join("a/Contacts.jsonl"),
        &[json!({"id": "a1", "first": "Solveig", "phone": "2"})],
    );
    world.settles();
    assert_eq!(world.persons(), others);
}

#[test]
fn c2_d1_what_was_created_is_that_also_where_what_it_was_made_from_has_been_deleted() {
    let mut world = World::new(true);
    store(&world.dir.path().join("a/Contacts.jsonl"), &[]);
    world.hub.run(RunOptions::default()).unwrap();
    // G3: that there is none left is believed only when a person says so.
    for guard in world.hub.ledger.tripped_guards().unwrap() {
        world.hub.ledger.release(&guard.system, GuardKind::parse(&guard.guard).unwrap()).unwrap();
    }
    world.hub.run(RunOptions::default()).unwrap();
    assert!(!world.hub.ledger.find("a.Contacts/a1").unwrap().is_live());
    let before = world.persons();
    let (done, text) = world.answer(Answer::Link("b.Person/by-hand".into()));
    assert!(done, "{text}");
    world.settles();
    assert_eq!(world.persons(), before);
}
