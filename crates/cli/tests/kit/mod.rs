//! A world to try dataflow documents in: the six systems emulated over HTTP, empty at first, and a
//! project of its own that runs chosen documents of `examples/documents` as they stand, through
//! everything the `lockstep` command goes through: load, check, plan, hub, SQLite store.
//!
//! The idea: a test says what people did in the systems (`put`, `edit`, `remove`), runs, and looks
//! at what the systems then hold. The emulators share no code with the connectors, so that what
//! arrives there has really arrived. What the tests leave to others: faults and lost answers
//! (`connector/tests`, `hub/tests`), messages of the commands (`commands.rs`).

// Each test file uses its own part of it.
#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lockstep_config::{Problem, Severity};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::RunOptions;
use lockstep_hub::report::{Event, FlowCounts};
use lockstep_hub::{Hub, Report, System, SystemClock};
use lockstep_sandbox::{Options, Running, SYSTEMS, Sandbox, credentials};
use lockstep_store::sqlite::SqliteStore;
use serde_json::Value;

/// A sandbox and a project that works against it.
pub struct World {
    /// What `check` said of the project, warnings too.
    pub problems: Vec<Problem>,
    pub sandbox: Running,
    hub: Hub,
    /// Goes last: the store lies in it.
    dir: tempfile::TempDir,
}

impl World {
    /// Empty systems, and a project with these documents of `examples/documents`:
    /// `World::new(&["superoffice-wix"])`.
    pub fn new(documents: &[&str]) -> World {
        World::with(documents, Options::empty())
    }

    /// The same against a sandbox with other options.
    pub fn with(documents: &[&str], options: Options) -> World {
        World::that_says(documents, options, "")
    }

    /// The same with more in `lockstep.yaml`, as `policies: { deletes: propagate }`.
    pub fn that_says(documents: &[&str], options: Options, more: &str) -> World {
        let sandbox = Sandbox::start(options).unwrap();
        let dir = tempfile::tempdir().unwrap();
        write_project(dir.path(), documents, &sandbox);
        let file = dir.path().join("lockstep.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{text}\n{more}\n")).unwrap();
        let (hub, problems) = open(dir.path());
        World { problems, sandbox, hub, dir }
    }

    /// A project of these files (path, content) beside the sandbox's addresses and keys in `.env`:
    /// for systems that are not emulated.
    pub fn of_files(files: &[(&str, String)], options: Options) -> World {
        let sandbox = Sandbox::start(options).unwrap();
        let dir = tempfile::tempdir().unwrap();
        write_env(dir.path(), &sandbox);
        for (path, content) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let (hub, problems) = open(dir.path());
        World { problems, sandbox, hub, dir }
    }

    /// The project's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// One run.
    pub fn run(&mut self) -> Report {
        self.hub.run(RunOptions::default()).unwrap()
    }

    /// One run in which every system lists everything (R3).
    pub fn run_full(&mut self) -> Report {
        self.hub.run(RunOptions { full: true, ..RunOptions::default() }).unwrap()
    }

    /// One run that no system refused anything in, no person is needed for, and that left nothing
    /// to send.
    pub fn run_smoothly(&mut self) -> Report {
        let report = self.run();
        assert!(
            !report.needs_a_person() && !report.unreachable() && report.outbox == 0,
            "not smooth: {}",
            shown(&report)
        );
        report
    }

    /// P4: a run that may write nothing, as the report tells and as the systems count.
    pub fn idle(&mut self) -> Report {
        let before = self.sandbox.writes();
        let report = self.run();
        assert_eq!(report.writes(), 0, "P4: an idle run wrote: {}", shown(&report));
        assert_eq!(self.sandbox.writes(), before, "P4: a system counts writes of an idle run");
        assert_eq!(report.outbox, 0, "writes wait: {}", shown(&report));
        report
    }

    /// Adds a record as a person would, in the vendor's shape. Returns its id.
    pub fn put(&self, system: &str, collection: &str, body: Value) -> String {
        let record = self.sandbox.put(system, collection, body).unwrap();
        id_in(&record)
    }

    /// Edits a record as a person would: objects are merged, lists replaced, null clears. A moment
    /// passes before and after, so that by clocks that show milliseconds too the edit is later than
    /// all that was done before, and earlier than all that is done next.
    pub fn edit(&self, system: &str, collection: &str, id: &str, patch: Value) {
        std::thread::sleep(Duration::from_millis(3));
        self.sandbox.edit(system, collection, id, &patch).unwrap();
        std::thread::sleep(Duration::from_millis(3));
    }

    /// Deletes a record as a person would.
    pub fn remove(&self, system: &str, collection: &str, id: &str) {
        self.sandbox.remove(system, collection, id).unwrap();
    }

    /// A record as the system has it.
    pub fn record(&self, system: &str, collection: &str, id: &str) -> Value {
        self.sandbox.record(system, collection, id).unwrap()
    }

    /// All records of a collection.
    pub fn records(&self, system: &str, collection: &str) -> Vec<Value> {
        self.sandbox.records(system, collection).unwrap()
    }

    /// The one record that holds `value` at `pointer` (`/info/name/first`), with its id.
    #[track_caller]
    pub fn one(
        &self,
        system: &str,
        collection: &str,
        pointer: &str,
        value: &str,
    ) -> (String, Value) {
        let records = self.records(system, collection);
        let mut found: Vec<Value> = records
            .iter()
            .filter(|r| r.pointer(pointer).and_then(Value::as_str) == Some(value))
            .cloned()
            .collect();
        assert_eq!(
            found.len(),
            1,
            "{system}.{collection} with {pointer} = {value}, among {records:#?}"
        );
        let record = found.remove(0);
        (id_in(&record), record)
    }

    /// What is linked: the names of each entity's records in order, the entities in order.
    pub fn entities(&mut self) -> Vec<Vec<String>> {
        let name = |(name, _): &(lockstep_hub::report::RecordName, String)| name.0.clone();
        let entities = self.hub.ledger.entity_members(None, 10_000).unwrap();
        let mut entities: Vec<Vec<String>> =
            entities.iter().map(|members| members.iter().map(name).collect()).collect();
        entities.iter_mut().for_each(|members| members.sort());
        entities.sort();
        entities
    }

    /// Successful writes over the vendor's interface in one collection: created, updated.
    pub fn written(&self, system: &str, collection: &str) -> (u64, u64) {
        let writes = self.sandbox.writes();
        let count =
            writes.get(system).and_then(|types| types.get(collection)).copied().unwrap_or_default();
        (count.create, count.update)
    }

    /// What `check` said, as text, for looking for a warning.
    pub fn checked(&self) -> String {
        self.problems.iter().map(Problem::render).collect()
    }
}

/// The id of a record in the vendor's shape: `id` by whatever name, a text or a number.
fn id_in(record: &Value) -> String {
    let names = ["id", "Id", "PersonId", "ContactId", "TicketId", "AssociateId", "associateDbId"];
    match names.iter().find_map(|name| record.get(name)) {
        Some(Value::String(id)) => id.clone(),
        Some(id) => id.to_string(),
        None => panic!("no id in {record:#}"),
    }
}

/// A text of a record; empty where there is none.
pub fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A report in full, for messages of failed assertions.
pub fn shown(report: &Report) -> String {
    serde_json::to_string_pretty(report).unwrap()
}

/// The counts of the flow between two record types, `("superoffice.Person", "wix.Contacts")`.
#[track_caller]
pub fn flow<'a>(report: &'a Report, from: &str, to: &str) -> &'a FlowCounts {
    let mut found =
        report.flows.iter().filter(|f| f.flow.starts_with(from) && f.flow.ends_with(to));
    let flow = found.next().unwrap_or_else(|| panic!("no flow {from} – {to} in {}", shown(report)));
    assert!(found.next().is_none(), "several flows {from} – {to}");
    flow
}

/// How many records of a flow were found in a situation (L9).
pub fn situation(flow: &FlowCounts, name: &str) -> u64 {
    flow.situations.get(name).copied().unwrap_or(0)
}

/// The messages of a run's new reviews.
pub fn reviews(report: &Report) -> Vec<String> {
    let of = |event: &Event| match event {
        Event::Review { kind, record, why, rule, .. } => {
            Some(format!("{kind} {record}: {} ({rule})", lockstep_wording::why(why)))
        }
        _ => None,
    };
    report.events.iter().filter_map(of).collect()
}

/// The example project with the chosen documents as its flows, and the sandbox's addresses and
/// keys.
fn write_project(dir: &Path, documents: &[&str], sandbox: &Running) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let project = std::fs::read_to_string(examples.join("lockstep.yaml")).unwrap();
    assert!(project.contains("flows/*.yaml"), "the example project names its flows otherwise now");
    std::fs::write(dir.join("lockstep.yaml"), project.replace("flows/*.yaml", "documents/*.rst"))
        .unwrap();
    std::fs::create_dir(dir.join("documents")).unwrap();
    for name in documents {
        let name = format!("{name}.rst");
        std::fs::copy(examples.join("documents").join(&name), dir.join("documents").join(&name))
            .unwrap();
    }
    write_env(dir, sandbox);
}

/// The sandbox's addresses and keys.
fn write_env(dir: &Path, sandbox: &Running) {
    let mut env = format!(
        "RATE=1000\nCRMOFFICE_TOKEN_URL={}/connect/token\n",
        sandbox.url("crmoffice").unwrap()
    );
    for system in SYSTEMS {
        let variable = system.to_uppercase().replace('-', "_");
        env.push_str(&format!("{variable}_URL={}\n", sandbox.url(system).unwrap()));
        for (name, value) in credentials(system) {
            env.push_str(&format!("{name}={value}\n"));
        }
    }
    crate::transcript::write(&dir.join(".env"), &env);
}

/// As `lockstep sync` opens a project.
fn open(dir: &Path) -> (Hub, Vec<Problem>) {
    let (project, mut problems) = lockstep_config::load(dir);
    let errors = |problems: &[Problem]| {
        let errors = problems.iter().filter(|p| p.severity == Severity::Error);
        errors.map(Problem::render).collect::<String>()
    };
    let project = project.unwrap_or_else(|| panic!("{}", errors(&problems)));
    let mut schemas = Schemas::new();
    for system in &project.systems {
        let types =
            lockstep_connector::catalogue::schemas(&system.connector, &system.with, &project.dir)
                .unwrap();
        schemas.insert(system.name.clone(), system.with_references(types));
    }
    problems.extend(lockstep_config::check(&project, &schemas));
    let errors = errors(&problems);
    assert!(errors.is_empty(), "{errors}");
    let plan = Plan::compile(&project.flows, &schemas).unwrap();
    let mut systems = Vec::new();
    for system in &project.systems {
        if !plan.types.iter().any(|ty| ty.name.system == system.name) {
            continue;
        }
        let mut settings = system.with.clone();
        if let Some(rate) = system.rate_per_second {
            settings.insert("rate_per_second".into(), serde_json::json!(rate));
        }
        let connector =
            lockstep_connector::catalogue::connect(&system.connector, &settings, &project.dir)
                .unwrap();
        systems.push(System { name: system.name.clone(), connector: Arc::from(connector) });
    }
    let store = SqliteStore::open(dir.join("lockstep.db")).unwrap();
    (Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).unwrap(), problems)
}
