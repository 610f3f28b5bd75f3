//! Deletions and guards in whole runs: a SQLite file and two folders of JSON Lines.

use std::path::Path;
use std::sync::{Arc, Mutex};

use lockstep_connector::files::FilesConnector;
use lockstep_connector::{Connector, Outcome, Page, ReadRequest, Trouble, Write};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::report::{Event, Report};
use lockstep_hub::{Hub, RunOptions, Safeguards, System, SystemClock};
use lockstep_model::detail::Act;
use lockstep_model::flow::{Create, Deletes, PropertyRef};
use lockstep_model::{
    Flow, GuardKind, IntentKind, Limit, Limits, MatchRow, PropertyPair, ReadRecord, TypeName,
    TypeSchema,
};
use lockstep_store::sqlite::SqliteStore;
use serde_json::{Value, json};

struct Project {
    dir: tempfile::TempDir,
    deletes: Deletes,
    limits: Limits,
    /// It knows its own writes, and versions.
    knowing: bool,
    /// What happens to `b` right after it has been read.
    after_reading: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

/// A folder of files in which somebody does something right after it was read.
struct Edited {
    real: FilesConnector,
    /// It knows its own writes, and versions.
    knowing: bool,
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Edited {
    fn forget(&self, record: &mut ReadRecord) {
        record.version = record.version.take().filter(|_| self.knowing);
    }
}

impl Connector for Edited {
    fn types(&self) -> &[TypeSchema] {
        self.real.types()
    }

    fn test(&self) -> Result<String, Trouble> {
        self.real.test()
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let mut page = self.real.read(request)?;
        page.records.iter_mut().for_each(|record| self.forget(record));
        if !page.more
            && let Some(then) = self.then.lock().unwrap().take()
        {
            then();
        }
        Ok(page)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        let mut record = self.real.get(kind, watch, id)?;
        record.iter_mut().for_each(|record| self.forget(record));
        Ok(record)
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        self.real.find(kind, watch, prop, value)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let mut outcomes = self.real.write(kind, watch, writes);
        for outcome in &mut outcomes {
            if let Outcome::Done(record) = outcome {
                self.forget(record);
            }
        }
        outcomes
    }

    fn knows_own_writes(&self) -> bool {
        self.knowing
    }

    fn batch(&self, kind: &str) -> usize {
        self.real.batch(kind)
    }
}

impl Project {
    /// So many people in `a`, all of whom get a counterpart in `b` by the first run.
    fn started(people: usize, deletes: Deletes, limits: &[(GuardKind, &str)]) -> Self {
        Self::started_with(people, deletes, limits, true)
    }

    /// The same, perhaps with systems that know as little as some over HTTP: neither their own
    /// writes nor versions.
    fn started_with(
        people: usize,
        deletes: Deletes,
        limits: &[(GuardKind, &str)],
        knowing: bool,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for side in ["a", "b"] {
            std::fs::create_dir(dir.path().join(side)).unwrap();
        }
        let mut set = Limits::default();
        for (kind, limit) in limits {
            set.set(*kind, Limit::parse(limit).unwrap());
        }
        let project =
            Project { dir, deletes, limits: set, knowing, after_reading: Mutex::default() };
        let person = |n: usize| json!({"id": format!("a{n}"), "mail": format!("p{n}@example.com"), "phone": n.to_string()});
        project.write("a", &(0..people).map(person).collect::<Vec<_>>());
        std::fs::write(project.dir.path().join("b/Person.jsonl"), "").unwrap();
        assert_eq!(project.run().writes(), people as u64);
        project
    }

    fn path(&self, side: &str) -> std::path::PathBuf {
        self.dir.path().join(side).join("Person.jsonl")
    }

    fn write(&self, side: &str, records: &[Value]) {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        std::fs::write(self.path(side), lines).unwrap();
    }

    fn read(&self, side: &str) -> Vec<Value> {
        std::fs::read_to_string(self.path(side))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Keeps the people whose address passes.
    fn keep(&self, side: &str, keep: impl Fn(&str) -> bool) {
        let mut records = self.read(side);
        records.retain(|record| keep(record["mail"].as_str().unwrap()));
        self.write(side, &records);
    }

    /// Changes the telephone number of everybody.
    fn edit_all(&self, side: &str, phone: &str) {
        let mut records = self.read(side);
        records
            .iter_mut()
            .for_each(|record| record["phone"] = json!(format!("{phone}{}", record["mail"])));
        self.write(side, &records);
    }

    fn hub(&self) -> Hub {
        self.hub_with(&[self.flow("Person")])
    }

    fn flow(&self, kind: &str) -> Flow {
        let row = |path: &str| PropertyPair::equal(PropertyRef::new(path), PropertyRef::new(path));
        Flow {
            create: Create::Always,
            matches: vec![MatchRow::single(PropertyRef::new("mail"), PropertyRef::new("mail"))],
            properties: vec![row("mail"), row("phone")],
            deletes: self.deletes,
            ..Flow::between(TypeName::new("a", kind), TypeName::new("b", kind))
        }
    }

    fn hub_with(&self, flows: &[Flow]) -> Hub {
        let connect = |name: &str| {
            let settings = json!({"folder": name, "id": "id"});
            let connector =
                FilesConnector::open(settings.as_object().unwrap(), Path::new(self.dir.path()))
                    .unwrap();
            let then = Mutex::new(self.after_reading.lock().unwrap().take_if(|_| name == "b"));
            System {
                name: name.into(),
                connector: Arc::new(Edited { real: connector, knowing: self.knowing, then }),
            }
        };
        let systems = vec![connect("a"), connect("b")];
        let schemas: Schemas =
            systems.iter().map(|s| (s.name.clone(), s.connector.types().to_vec())).collect();
        let plan = Plan::compile(flows, &schemas).unwrap();
        let store = SqliteStore::open(self.dir.path().join("lockstep.db")).unwrap();
        let mut hub = Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap();
        let limits = [("a".to_string(), self.limits), ("b".to_string(), self.limits)];
        hub.ledger.set_safeguards(Safeguards { limits: limits.into(), ..Safeguards::default() });
        hub
    }

    fn run(&self) -> Report {
        self.hub().run(RunOptions::default()).unwrap()
    }

    fn counts(&self) -> (usize, usize) {
        (self.read("a").len(), self.read("b").len())
    }
}

fn tripped(report: &Report) -> Vec<&str> {
    report.guards.iter().map(|guard| guard.guard.as_str()).collect()
}

/// Why records are kept that others of their entities were not, in words.
fn kept(report: &Report) -> Vec<String> {
    let why = |event: &Event| match event {
        Event::Kept { why, .. } => Some(lockstep_wording::why(why)),
        _ => None,
    };
    report.events.iter().filter_map(why).collect()
}

#[test]
fn d1_a_deletion_is_passed_on_with_its_before_image_and_a_second_run_writes_nothing() {
    let project = Project::started(5, Deletes::Propagate, &[]);
    project.keep("a", |mail| !mail.starts_with("p3"));
    let planned = project.hub().plan(RunOptions::default()).unwrap();
    assert_eq!(planned.systems[1].deleted, 1, "{planned:#?}");
    assert_eq!(project.counts(), (4, 5), "G1");
    let report = project.run();
    assert_eq!(
        (report.systems[1].deleted, report.flows[0].deleted, report.writes()),
        (1, 1, 1),
        "{report:#?}"
    );
    assert!(!report.needs_a_person());
    assert_eq!(project.counts(), (4, 4));
    assert_eq!(project.run().writes(), 0);
    // The other way round as well.
    project.keep("b", |mail| !mail.starts_with("p1"));
    assert_eq!(project.run().systems[0].deleted, 1);
    assert_eq!(project.counts(), (3, 3));
    let mut hub = project.hub();
    let record = hub.ledger.find("a.Person/a1").unwrap();
    let entries = hub.ledger.history(record.id, 100).unwrap();
    let written = entries
        .iter()
        .find(|entry| lockstep_wording::detail(&entry.detail).contains("was deleted"))
        .unwrap();
    assert_eq!(written.before, json!({"mail": "p1@example.com", "phone": "1"}));
}

#[test]
fn d1_an_edit_beats_a_deletion() {
    let project = Project::started(3, Deletes::Propagate, &[]);
    project.keep("a", |mail| !mail.starts_with("p1"));
    let mut b = project.read("b");
    b.iter_mut().find(|r| r["mail"] == "p1@example.com").unwrap()["phone"] = json!("99");
    project.write("b", &b);
    let report = project.run();
    assert_eq!(report.writes(), 0, "{report:#?}");
    assert!(
        kept(&report)[0].starts_with("it is kept, though a.Person/a1 was deleted"),
        "{report:#?}"
    );
    assert_eq!(project.counts(), (2, 3));
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn p6_an_edit_between_reading_and_deleting_beats_the_deletion_too() {
    // A system that has versions would refuse to delete what has changed; this one has none.
    let project = Project::started_with(3, Deletes::Propagate, &[], false);
    project.keep("a", |mail| !mail.starts_with("p1"));
    let path = project.path("b");
    let edit = move || {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"phone\":\"1\""), "{text}");
        std::fs::write(&path, text.replace("\"phone\":\"1\"", "\"phone\":\"99\"")).unwrap();
    };
    *project.after_reading.lock().unwrap() = Some(Box::new(edit));
    let report = project.run();
    assert_eq!((report.writes(), project.counts()), (0, (2, 3)), "{report:#?}");
    assert!(
        kept(&report)[0].starts_with("it is kept, though a.Person/a1 was deleted"),
        "{report:#?}"
    );
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn d1_a_person_answers_a_pending_deletion() {
    let project = Project::started(4, Deletes::Review, &[]);
    project.keep("a", |mail| mail.starts_with("p0") || mail.starts_with("p1"));
    let report = project.run();
    assert_eq!(
        (report.writes(), report.reviews.get("pending deletion")),
        (0, Some(&2)),
        "{report:#?}"
    );
    assert!(report.needs_a_person());
    let mut hub = project.hub();
    let (accepted, kept) =
        (hub.ledger.find("a.Person/a2").unwrap().id, hub.ledger.find("a.Person/a3").unwrap().id);
    assert_eq!(hub.ledger.decide_deletion(accepted, true).unwrap(), 1);
    assert_eq!(hub.ledger.decide_deletion(kept, false).unwrap(), 1);
    drop(hub);
    let report = project.run();
    assert_eq!((report.writes(), report.systems[1].deleted), (1, 1), "{report:#?}");
    assert!(report.reviews.is_empty(), "{report:#?}");
    let b = project.read("b");
    assert!(
        b.iter().any(|r| r["mail"] == "p3@example.com")
            && !b.iter().any(|r| r["mail"] == "p2@example.com"),
        "{b:?}"
    );
    let report = project.run();
    assert!(report.writes() == 0 && report.reviews.is_empty());
}

#[test]
fn g3_a_side_that_lists_none_is_not_believed_until_a_person_says_so() {
    let limits = [(GuardKind::Deletes, "none"), (GuardKind::Updates, "none")];
    let project = Project::started(30, Deletes::Propagate, &limits);
    let before = std::fs::read(project.path("a")).unwrap();
    project.write("a", &[]);
    // An edit of the other side must not be written to a list that is not believed.
    project.edit_all("b", "7");
    for _ in 0..2 {
        let report = project.run();
        assert_eq!((report.writes(), tripped(&report)), (0, vec!["vanished"]), "{report:#?}");
        assert!(report.needs_a_person() && report.reviews["tripped guard"] == 1, "{report:#?}");
        assert!(
            lockstep_wording::why(&report.guards[0].why)
                .contains("a.Person had 30 records and lists none now"),
            "{report:#?}"
        );
        assert_eq!(project.counts(), (0, 30));
    }
    // It was a mistake, and is mended: all goes on, nothing was deleted.
    std::fs::write(project.path("a"), &before).unwrap();
    let report = project.run();
    assert!(report.guards.is_empty() && report.reviews.is_empty(), "{report:#?}");
    assert_eq!((report.systems[0].updated, project.counts()), (30, (30, 30)));
    // It was meant: then a person says so.
    project.write("a", &[]);
    assert_eq!(tripped(&project.run()), ["vanished"]);
    assert_eq!(project.hub().ledger.release("a", GuardKind::Vanished).unwrap(), 1);
    let report = project.run();
    assert_eq!((report.systems[1].deleted, project.counts()), (30, (0, 0)), "{report:#?}");
    // That was for this listing only.
    assert!(project.run().guards.is_empty());
    assert_eq!(
        project
            .hub()
            .ledger
            .store()
            .marks()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.starts_with("release:vanished"))
            .count(),
        0
    );
}

#[test]
fn g3_more_than_a_share_of_a_listing_does_not_vanish_unseen() {
    let project = Project::started(60, Deletes::Ignore, &[]);
    project.keep("b", |mail| mail.starts_with("p1") || mail.starts_with("p2"));
    let report = project.run();
    assert_eq!(tripped(&report), ["vanished"], "{report:#?}");
    assert!(
        lockstep_wording::why(&report.guards[0].why)
            .contains("had 60 records and lists 22 of them"),
        "{report:#?}"
    );
    // Answering “no” reads it again, and asks again.
    assert_eq!(project.hub().ledger.discard("b", GuardKind::Vanished).unwrap(), 1);
    assert_eq!(tripped(&project.run()), ["vanished"]);
}

#[test]
fn g3_over_a_limit_nothing_is_written_until_a_person_releases_it() {
    let project = Project::started(
        30,
        Deletes::Propagate,
        &[(GuardKind::Deletes, "3"), (GuardKind::Vanished, "none")],
    );
    project.keep("a", |mail| mail.len() > "p1@example.com".len());
    // An edit elsewhere waits as well: the run stops before its first write.
    let mut b = project.read("b");
    b.iter_mut().find(|r| r["mail"] == "p20@example.com").unwrap()["phone"] = json!("99");
    project.write("b", &b);
    let planned = project.hub().plan(RunOptions::default()).unwrap();
    assert_eq!(
        (tripped(&planned), planned.systems[1].deleted),
        (vec!["deletes"], 10),
        "a plan shows both: {planned:#?}"
    );
    for _ in 0..2 {
        let report = project.run();
        assert_eq!(
            (report.writes(), tripped(&report), report.outbox),
            (0, vec!["deletes"], 11),
            "{report:#?}"
        );
        assert_eq!((report.reviews["tripped guard"], report.needs_a_person()), (1, true));
        assert!(
            lockstep_wording::why(&report.guards[0].why)
                .starts_with("10 deletes in b wait, the limit is 3 of 30 records known"),
            "{report:#?}"
        );
        assert_eq!(project.counts(), (20, 30));
    }
    assert_eq!(project.hub().ledger.release("b", GuardKind::Deletes).unwrap(), 1);
    assert_eq!(
        project.hub().ledger.release("b", GuardKind::Deletes).unwrap(),
        0,
        "there is nothing to release any more"
    );
    let report = project.run();
    assert_eq!(
        (report.systems[1].deleted, report.systems[0].updated, report.outbox),
        (10, 1, 0),
        "{report:#?}"
    );
    assert!(!report.needs_a_person());
    // What was released is not a release of what comes next.
    project.keep("a", |mail| !mail.starts_with("p1"));
    assert_eq!(tripped(&project.run()), ["deletes"]);
}

#[test]
fn g3_what_a_person_discards_is_not_written_and_the_records_are_kept() {
    let project = Project::started(
        30,
        Deletes::Propagate,
        &[(GuardKind::Deletes, "3"), (GuardKind::Vanished, "none")],
    );
    project.keep("a", |mail| !mail.starts_with("p1"));
    assert_eq!(tripped(&project.run()), ["deletes"]);
    assert_eq!(project.hub().ledger.discard("b", GuardKind::Deletes).unwrap(), 1);
    for _ in 0..2 {
        let report = project.run();
        assert_eq!(
            (report.writes(), report.outbox, report.needs_a_person()),
            (0, 0, false),
            "{report:#?}"
        );
    }
    assert_eq!(project.counts(), (19, 30));
    let mut hub = project.hub();
    let kept = hub.ledger.find("a.Person/a1").unwrap();
    let other = hub
        .ledger
        .store()
        .members(&[kept.entity])
        .unwrap()
        .into_iter()
        .find(|r| r.is_live())
        .unwrap();
    let journal = hub.ledger.history(other.id, 100).unwrap();
    let discarded = Act::Discarded { write: IntentKind::Delete, system: "b".into() }.into();
    assert!(journal.iter().any(|entry| entry.detail == discarded), "{journal:#?}");
}

#[test]
fn g3_values_that_are_given_up_take_no_other_edit_with_them() {
    let project = Project::started(
        20,
        Deletes::Ignore,
        &[(GuardKind::Clears, "2"), (GuardKind::Lost, "none")],
    );
    let mut flow = project.flow("Person");
    flow.properties.push(PropertyPair::equal(PropertyRef::new("name"), PropertyRef::new("name")));
    let run = || project.hub_with(&[flow.clone()]).run(RunOptions::default()).unwrap();
    run();
    let mut people = project.read("a");
    for person in &mut people[..5] {
        (person["phone"], person["name"]) = (json!(""), json!("Kari"));
    }
    project.write("a", &people);
    assert_eq!(tripped(&run()), ["clears"]);
    project.hub_with(&[flow.clone()]).ledger.discard("b", GuardKind::Clears).unwrap();
    let report = run();
    assert_eq!((report.writes(), tripped(&report)), (5, vec![]), "{report:#?}");
    let known = project.read("b");
    assert_eq!(known.iter().filter(|person| person["name"] == "Kari").count(), 5);
    assert!(
        known.iter().all(|person| person["phone"].as_str().is_some_and(|phone| !phone.is_empty())),
        "{known:?}"
    );
    assert_eq!(run().writes(), 0);
    // What is put in after that is an edit like any other.
    people[0]["phone"] = json!("77");
    project.write("a", &people);
    assert_eq!(run().writes(), 1);
    assert_eq!(project.read("b").iter().filter(|person| person["phone"] == "77").count(), 1);
}

#[test]
fn g3_a_guard_that_nothing_waits_behind_any_more_is_no_guard() {
    let project = Project::started(
        30,
        Deletes::Propagate,
        &[(GuardKind::Deletes, "3"), (GuardKind::Vanished, "none")],
    );
    let before = std::fs::read(project.path("a")).unwrap();
    project.keep("a", |mail| !mail.starts_with("p1"));
    assert_eq!(tripped(&project.run()), ["deletes"]);
    // Somebody has put them back.
    std::fs::write(project.path("a"), before).unwrap();
    let report = project.run();
    assert!(
        report.guards.is_empty() && report.reviews.is_empty() && report.outbox == 0,
        "{report:#?}"
    );
    assert_eq!(project.counts(), (30, 30));
}

#[test]
fn g3_creations_and_updates_are_counted_once_the_first_run_is_over() {
    // The first run creates 30 where 5 are allowed, unhindered.
    let limits = [(GuardKind::Creates, "5"), (GuardKind::Updates, "5")];
    let project = Project::started(30, Deletes::Ignore, &limits);
    project.edit_all("a", "8");
    let report = project.run();
    assert_eq!((report.writes(), tripped(&report)), (0, vec!["updates"]), "{report:#?}");
    assert_eq!(project.hub().ledger.release("b", GuardKind::Updates).unwrap(), 1);
    assert_eq!(project.run().systems[1].updated, 30);
    let mut a = project.read("a");
    a.extend((100..106).map(
        |n| json!({"id": format!("a{n}"), "mail": format!("p{n}@example.com"), "phone": "1"}),
    ));
    project.write("a", &a);
    let report = project.run();
    assert_eq!((report.writes(), tripped(&report)), (0, vec!["creates"]), "{report:#?}");
    // Five are let through as ever.
    let people: Vec<Value> =
        project.read("a").into_iter().filter(|r| r["mail"] != "p105@example.com").collect();
    project.write("a", &people);
    let report = project.run();
    assert_eq!(
        (report.writes(), report.guards.len()),
        (0, 1),
        "what tripped stays until a person answers: {report:#?}"
    );
    assert_eq!(project.hub().ledger.release("b", GuardKind::Creates).unwrap(), 1);
    assert_eq!(project.run().systems[1].created, 5);
}

#[test]
fn g3_a_property_that_is_emptied_for_many_is_not_emptied_elsewhere_before_a_person_has_looked() {
    // A key whose scope no longer shows telephone numbers: the records are all there, their numbers
    // are not. (R5 would not believe the reading; a person may have turned that off, or the values
    // may be lost a few at a time.)
    let project = Project::started(40, Deletes::Ignore, &[(GuardKind::Lost, "none")]);
    let before = std::fs::read(project.path("a")).unwrap();
    let mut a = project.read("a");
    a.iter_mut().for_each(|record| record["phone"] = json!(""));
    project.write("a", &a);
    let planned = project.hub().plan(RunOptions::default()).unwrap();
    assert!(tripped(&planned).contains(&"clears"), "{planned:#?}");
    for _ in 0..2 {
        let report = project.run();
        assert!(report.writes() == 0 && tripped(&report).contains(&"clears"), "{report:#?}");
        let guard = report.guards.iter().find(|guard| guard.guard == "clears").unwrap();
        assert!(
            lockstep_wording::why(&guard.why)
                .starts_with("40 of 40 values of `phone` in b.Person would be emptied"),
            "{}",
            lockstep_wording::why(&guard.why)
        );
        assert!(project.read("b").iter().all(|record| record["phone"] != ""));
    }
    // The key shows them again: nothing waits any more, and nothing was lost.
    std::fs::write(project.path("a"), &before).unwrap();
    let report = project.run();
    assert!(report.guards.is_empty() && report.writes() == 0, "{report:#?}");
    // It is meant: a person says so.
    project.write("a", &a);
    project.run();
    let hub = &mut project.hub();
    for guard in hub.ledger.tripped_guards().unwrap() {
        assert_eq!(hub.ledger.release("b", GuardKind::parse(&guard.guard).unwrap()).unwrap(), 1);
    }
    assert_eq!(hub.run(RunOptions::default()).unwrap().writes(), 40);
}

#[test]
fn g3_a_few_values_are_emptied_without_asking() {
    let project = Project::started(40, Deletes::Ignore, &[]);
    let mut a = project.read("a");
    a.iter_mut().take(4).for_each(|record| record["phone"] = json!(""));
    project.write("a", &a);
    let report = project.run();
    assert_eq!((report.writes(), report.needs_a_person()), (4, false), "{report:#?}");
}

#[test]
fn g3_values_by_which_records_are_matched_are_not_overwritten_in_numbers_unseen() {
    let project = Project::started(40, Deletes::Ignore, &[(GuardKind::Updates, "none")]);
    let mut a = project.read("a");
    a.iter_mut().for_each(|record| {
        record["mail"] = json!(format!("new-{}", record["mail"].as_str().unwrap()))
    });
    project.write("a", &a);
    let report = project.run();
    assert_eq!((report.writes(), tripped(&report)), (0, vec!["match_values"]), "{report:#?}");
    assert!(
        lockstep_wording::why(&report.guards[0].why)
            .contains("40 of 40 values of `mail` in b.Person by which records are matched"),
        "{report:#?}"
    );
    // Given up, it is not written, and the guard is answered.
    assert_eq!(project.hub().ledger.discard("b", GuardKind::MatchValues).unwrap(), 1);
    let report = project.run();
    assert_eq!((report.writes(), report.guards.len()), (0, 0), "{report:#?}");
}

#[test]
fn g2_a_flow_is_approved_as_it_is_and_by_a_run_that_a_person_asked_for() {
    let mut project = Project::started(1, Deletes::Ignore, &[]);
    assert_eq!(project.hub().ledger.unapproved().unwrap(), Vec::<String>::new());
    project.deletes = Deletes::Propagate;
    assert_eq!(
        project.hub().ledger.unapproved().unwrap(),
        ["a.Person to b.Person"],
        "it says something else now"
    );
    project.hub().plan(RunOptions::default()).unwrap();
    assert_eq!(project.hub().ledger.unapproved().unwrap().len(), 1, "a plan approves nothing");
    assert_eq!(project.hub().ledger.approve().unwrap(), ["a.Person to b.Person"]);
    assert_eq!(project.hub().ledger.unapproved().unwrap(), Vec::<String>::new());
}

#[test]
fn d1_records_that_come_back_are_known_again_though_all_were_gone() {
    let project = Project::started(3, Deletes::Ignore, &[(GuardKind::Vanished, "none")]);
    let before = std::fs::read(project.path("b")).unwrap();
    project.write("b", &[]);
    assert_eq!(project.run().writes(), 0);
    assert_eq!(project.hub().ledger.status().unwrap().types[1].records, 0);
    std::fs::write(project.path("b"), &before).unwrap();
    assert_eq!(project.run().writes(), 0);
    assert_eq!(project.hub().ledger.status().unwrap().types[1].records, 3);
    project.edit_all("a", "5");
    assert_eq!(project.run().systems[1].updated, 3, "they are kept equal as before");
}

#[test]
fn c2_what_was_created_in_an_empty_system_is_known_to_the_next_process() {
    // A system over HTTP does not know its own writes: the next reading shows them.
    let project = Project::started_with(1, Deletes::Ignore, &[], false);
    assert_eq!(project.hub().ledger.status().unwrap().types[1].records, 1);
    assert_eq!(project.run().writes(), 0);
}

#[test]
fn what_waits_is_decided_anew_when_the_flows_have_changed() {
    let project = Project::started(5, Deletes::Ignore, &[(GuardKind::Creates, "10")]);
    let more = |from: usize, to: usize| {
        let mut people = project.read("a");
        people.extend((from..to).map(
            |n| json!({"id": format!("n{n}"), "mail": format!("n{n}@example.com"), "phone": "1"}),
        ));
        project.write("a", &people);
    };
    more(0, 20);
    assert_eq!(tripped(&project.run()), ["creates"]);
    // They were not meant to be created at all, and the flow says so now.
    let link_only = Flow { create: Create::Never, ..project.flow("Person") };
    let report = project.hub_with(&[link_only]).run(RunOptions::default()).unwrap();
    assert_eq!((report.writes(), report.outbox, report.guards.len()), (0, 0, 0), "{report:#?}");
    assert_eq!(project.counts(), (25, 5));
}

#[test]
fn what_waits_belongs_to_its_flow_wherever_that_stands_among_the_others() {
    let project = Project::started(5, Deletes::Ignore, &[(GuardKind::Creates, "10")]);
    for side in ["a", "b"] {
        std::fs::write(project.dir.path().join(side).join("Task.jsonl"), "").unwrap();
    }
    let two = [project.flow("Task"), project.flow("Person")];
    project.hub_with(&two).run(RunOptions::default()).unwrap();
    let people: Vec<Value> = (0..20)
        .map(|n| json!({"id": format!("n{n}"), "mail": format!("n{n}@example.com")}))
        .collect();
    project.write("a", &[project.read("a"), people].concat());
    assert_eq!(tripped(&project.hub_with(&two).run(RunOptions::default()).unwrap()), ["creates"]);
    // The first of the flows is taken away; the waiting creations were the second's, and wait on.
    assert_eq!(tripped(&project.run()), ["creates"]);
    assert_eq!(project.hub().ledger.release("b", GuardKind::Creates).unwrap(), 1);
    let report = project.run();
    assert_eq!(
        (report.flows[0].created, report.flows[0].flow.as_str()),
        (20, "a.Person to b.Person"),
        "{report:#?}"
    );
}
