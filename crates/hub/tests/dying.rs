//! R1: checkpoint and shadows move in one transaction. The process dies at the very write of the
//! one or the other, in a SQLite file that refuses it; what is there afterwards is what was there
//! before, and the next run goes on as if nothing had been.
//!
//! C2: nothing is sent of which the disk does not have that it is on its way.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockstep_connector::files::FilesConnector;
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Hub, RunOptions, System, SystemClock};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{Flow, MatchRow, PropertyPair, TypeName};
use lockstep_store::sqlite::SqliteStore;
use rusqlite::Connection;
use serde_json::json;

struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Project { dir: tempfile::tempdir().unwrap() };
        for side in ["a", "b"] {
            std::fs::create_dir(project.dir.path().join(side)).unwrap();
        }
        project.write("a", &[("Åse", "1"), ("Bo", "2"), ("Eli", "3")]);
        project.write("b", &[("Finn", "4")]);
        project
    }

    fn path(&self, side: &str) -> PathBuf {
        self.dir.path().join(side).join("Person.jsonl")
    }

    fn write(&self, side: &str, people: &[(&str, &str)]) {
        let line = |(n, (name, phone)): (usize, &(&str, &str))| {
            format!(
                "{}\n",
                json!({"id": format!("{side}{n}"), "mail": format!("{name}@example.com"), "phone": phone})
            )
        };
        std::fs::write(self.path(side), people.iter().enumerate().map(line).collect::<String>())
            .unwrap();
    }

    fn text(&self, side: &str) -> String {
        std::fs::read_to_string(self.path(side)).unwrap()
    }

    fn hub(&self) -> Hub {
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
        let row = |path: &str| PropertyPair::equal(PropertyRef::new(path), PropertyRef::new(path));
        let flow = |from: &str, to: &str| Flow {
            create: Create::Always,
            matches: vec![MatchRow::single(PropertyRef::new("mail"), PropertyRef::new("mail"))],
            properties: vec![row("mail"), row("phone")],
            ..Flow::between(TypeName::new(from, "Person"), TypeName::new(to, "Person"))
        };
        let plan = Plan::compile(&[flow("a", "b"), flow("b", "a")], &schemas).unwrap();
        let store = SqliteStore::open(self.dir.path().join("lockstep.db")).unwrap();
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap()
    }

    fn database(&self) -> Connection {
        Connection::open(self.dir.path().join("lockstep.db")).unwrap()
    }

    /// A run that dies at the first write to this table of the store. Nothing of the step is kept.
    fn dies_at(&self, table: &str) {
        let before = self.remembered();
        for event in ["INSERT", "UPDATE"] {
            let dies = format!(
                "CREATE TRIGGER dies_{event} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'killed'); END"
            );
            self.database().execute_batch(&dies).unwrap();
        }
        let error =
            self.hub().run(RunOptions::default()).map(|report| report.writes()).unwrap_err();
        assert!(error.to_string().contains("killed"), "{error}");
        self.database()
            .execute_batch("DROP TRIGGER dies_INSERT; DROP TRIGGER dies_UPDATE")
            .unwrap();
        assert_eq!(self.remembered(), before, "{table}");
    }

    /// How far `b` was read, and what is known of its records.
    fn remembered(&self) -> Vec<String> {
        let database = self.database();
        let mut known = database
            .prepare(
                "SELECT coalesce(checkpoint, '') FROM record_types WHERE name = 'b.Person'
                 UNION ALL SELECT shadow FROM records WHERE key LIKE 'b%'",
            )
            .unwrap();
        known.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

#[test]
fn r1_whoever_dies_while_a_page_is_recorded_has_lost_nothing_of_it() {
    for table in ["records", "record_types"] {
        let project = Project::new();
        drop(project.hub());
        project.dies_at(table);
        let report = project.hub().run(RunOptions::default()).unwrap();
        assert_eq!(report.writes(), 4, "{table}: {report:#?}");

        std::fs::write(
            project.path("b"),
            project.text("b").replace(r#""phone":"4""#, r#""phone":"44""#),
        )
        .unwrap();
        project.dies_at(table);
        let report = project.hub().run(RunOptions::default()).unwrap();
        assert!(
            project.text("a").contains(r#""phone":"44""#),
            "{table}: {report:#?}\n{}",
            project.text("a")
        );
        assert_eq!(project.hub().run(RunOptions::default()).unwrap().writes(), 0);
    }
}

#[test]
fn c2_nothing_is_sent_before_the_disk_has_that_it_is_on_its_way() {
    let project = Project::new();
    assert_eq!(project.hub().run(RunOptions::default()).unwrap().writes(), 4);
    std::fs::write(
        project.path("b"),
        project.text("b").replace(r#""phone":"4""#, r#""phone":"44""#),
    )
    .unwrap();
    let before = project.text("a");

    // The store goes on writing its log, and who wants to have it on the disk does not find it.
    let mut hub = project.hub();
    std::fs::rename(
        project.dir.path().join("lockstep.db-wal"),
        project.dir.path().join("elsewhere"),
    )
    .unwrap();
    let error = hub.run(RunOptions::default()).map(|report| report.writes()).unwrap_err();
    assert!(error.to_string().contains("can't be written: its log"), "{error}");
    assert_eq!(project.text("a"), before);
    drop(hub);

    assert_eq!(project.hub().run(RunOptions::default()).unwrap().writes(), 1);
    assert!(project.text("a").contains(r#""phone":"44""#));
    assert_eq!(project.hub().run(RunOptions::default()).unwrap().writes(), 0);
}
