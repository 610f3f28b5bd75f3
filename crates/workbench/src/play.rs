//! Plays tests of flows: the project's own flows, the same hub and the same store as in a run, on
//! systems in memory.
//!
//! The idea it rests on: a test proves something about runs only if it *is* a run. So nothing is
//! imitated but the systems ([`MemoryConnector`], with the schemas of the real connectors) and the
//! clock. What a run did is told from what the systems hold before and after it, not from what the
//! hub says of itself; only links and reviews are asked of the hub.
//!
//! Time: steps are an hour apart; within a step each edit is a second later than the one before, so
//! of two records given the later is the newer (P1). After each run another one must write nothing
//! (P4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockstep_config::{Expected, FlowTest, TestKey, TestRecord};
use lockstep_connector::memory::{Flat, MemoryConnector, alike};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::report::{Event, Report};
use lockstep_hub::{Clock, Hub, RunOptions, System};
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{Flow, Path, Timestamp, TypeName, Value};
use lockstep_store::sqlite::SqliteStore;
use lockstep_wording::why as words;

/// 2026-01-01T00:00:00Z: when every test begins.
const BEGINNING: i64 = 1_767_225_600_000;
const HOUR: i64 = 3_600_000;
/// More reviews than a test has.
const REVIEWS: usize = 10_000;

/// What came of a test.
#[derive(Clone, Debug)]
pub struct Played {
    pub name: String,
    pub file: String,
    pub line: usize,
    pub passed: bool,
    /// The steps that did not go as expected.
    pub failed: Vec<FailedStep>,
}

/// A step that did not go as expected.
#[derive(Clone, Debug)]
pub struct FailedStep {
    /// From 1: the records given, with the first run.
    pub step: usize,
    /// Where its `expect` is written.
    pub line: usize,
    /// What was expected and did not happen: `create shop.Customers/new: mail “a@example.com”`.
    pub missing: Vec<String>,
    /// What happened and was not expected.
    pub unexpected: Vec<String>,
    /// What the run said about it.
    pub notes: Vec<String>,
}

/// Plays a test among these flows. `schemas` are those of the project's connectors.
pub fn play(test: &FlowTest, flows: &[Flow], schemas: &Schemas) -> Result<Played, String> {
    let mut stage = Stage::new(flows, schemas)?;
    let mut failed = Vec::new();
    for (at, step) in test.steps.iter().enumerate() {
        for edit in &step.edits {
            stage.edit(edit)?;
        }
        for key in &step.deletes {
            if !stage.system(&key.ty)?.remove(&key.ty.kind, &key.id) {
                return Err(told(key, "there is no such record to delete at this step"));
            }
        }
        if let Some(expect) = &step.expect {
            let found = stage.run(expect, at == 0)?;
            if !found.missing.is_empty() || !found.unexpected.is_empty() {
                failed.push(FailedStep { step: at + 1, line: expect.place.line(), ..found });
            }
        }
        stage.clock.0.store(stage.now() - stage.now() % HOUR + HOUR, Ordering::Relaxed);
    }
    let (file, line) = (test.place.source.name.clone(), test.place.line());
    Ok(Played { name: test.name.clone(), file, line, passed: failed.is_empty(), failed })
}

/// What the last run of a test does, whatever it expects.
pub(crate) struct Happened {
    /// By record type and id, the properties by the names that rows have for them.
    pub creates: Vec<(TypeName, String, Flat)>,
    pub updates: Vec<(TypeName, String, Flat)>,
    /// Records that were found to match.
    pub links: Vec<(String, String)>,
    pub reviews: usize,
}

/// Plays a test, and tells what happens in its last step.
pub(crate) fn happens(
    test: &FlowTest,
    flows: &[Flow],
    schemas: &Schemas,
) -> Result<Happened, String> {
    let mut stage = Stage::new(flows, schemas)?;
    for (at, step) in test.steps.iter().enumerate() {
        if at > 0 {
            stage.go()?;
        }
        for edit in &step.edits {
            stage.edit(edit)?;
        }
    }
    let before = stage.all();
    let report = stage.go()?;
    let after = stage.all();
    let (mut creates, mut updates) = (vec![], vec![]);
    for ((system, kind), records) in &after {
        let were = before.get(&(system.clone(), kind.clone()));
        for (id, flat) in records {
            let ty = TypeName::new(system.as_str(), kind.as_str());
            match were.and_then(|were| were.get(id)) {
                None => creates.push((ty, id.clone(), flat.clone())),
                Some(was) => {
                    let names: BTreeSet<&String> = was.keys().chain(flat.keys()).collect();
                    let changed = |name: &&String| was.get(*name) != flat.get(*name);
                    let value = |name: &String| flat.get(name).cloned().unwrap_or(Value::Null);
                    let changes: Flat = names
                        .into_iter()
                        .filter(changed)
                        .map(|name| (name.clone(), value(name)))
                        .collect();
                    if !changes.is_empty() {
                        updates.push((ty, id.clone(), changes));
                    }
                }
            }
        }
    }
    let links = report.events.iter().filter_map(|event| match event {
        Event::Linked { a, b, .. } => Some((a.0.clone(), b.0.clone())),
        _ => None,
    });
    let links = links.collect();
    Ok(Happened { creates, updates, links, reviews: stage.reviews()?.len() })
}

fn told(key: &TestKey, what: &str) -> String {
    format!("{}:{}: {}/{}: {what}", key.place.source.name, key.place.line(), key.ty, key.id)
}

/// A clock that stands until it is moved.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn wait(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap_or(HOUR), Ordering::Relaxed);
    }
}

struct Stage {
    hub: Hub,
    clock: Arc<Hands>,
    systems: BTreeMap<String, Arc<MemoryConnector>>,
    schemas: Schemas,
}

/// What every system holds, by record type and id.
type All = BTreeMap<(String, String), BTreeMap<String, Flat>>;

impl Stage {
    fn new(flows: &[Flow], schemas: &Schemas) -> Result<Stage, String> {
        let systems: BTreeMap<String, Arc<MemoryConnector>> = schemas
            .iter()
            .map(|(name, types)| (name.clone(), Arc::new(MemoryConnector::new(types.clone()))))
            .collect();
        let schemas: Schemas = systems
            .iter()
            .map(|(name, system)| {
                (name.clone(), lockstep_connector::Connector::types(&**system).to_vec())
            })
            .collect();
        let plan = Plan::compile(flows, &schemas).map_err(|errors| {
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })?;
        let connected = systems
            .iter()
            .map(|(name, system)| System { name: name.clone(), connector: system.clone() })
            .collect();
        let store = SqliteStore::in_memory().map_err(|error| error.to_string())?;
        let clock = Arc::new(Hands(AtomicI64::new(BEGINNING)));
        let hub = Hub::new(plan, connected, Box::new(store), clock.clone())
            .map_err(|error| error.to_string())?;
        Ok(Stage { hub: hub.in_one_thread(), clock, systems, schemas })
    }

    fn now(&self) -> i64 {
        self.clock.0.load(Ordering::Relaxed)
    }

    fn system(&self, ty: &TypeName) -> Result<Arc<MemoryConnector>, String> {
        self.systems
            .get(&ty.system)
            .cloned()
            .ok_or_else(|| format!("nothing is known of the system {}", ty.system))
    }

    fn edit(&mut self, edit: &TestRecord) -> Result<(), String> {
        let now = self.clock.0.fetch_add(1000, Ordering::Relaxed) + 1000;
        let system = self.system(&edit.key.ty)?;
        system.set_time(Timestamp(now));
        system.put(&edit.key.ty.kind, &edit.key.id, self.flat(edit));
        Ok(())
    }

    /// A record as it is written in a test, as a system in memory holds it.
    fn flat(&self, record: &TestRecord) -> Flat {
        let ty = &record.key.ty;
        let schema = self
            .schemas
            .get(&ty.system)
            .and_then(|types| types.iter().find(|schema| schema.kind == ty.kind));
        let plan = self.hub.ledger.plan_of_flows();
        let of_type = plan
            .types
            .iter()
            .filter(|known| known.name.system == ty.system && known.name.kind == ty.kind);
        let watched: BTreeSet<String> =
            of_type.flat_map(|known| known.props.iter().map(|p| p.reference.to_string())).collect();
        let name_of = |path: &str| {
            // A condition stands behind the path: `number (Dependant on having Mobile in name)`.
            let (path, condition) = path.split_at(path.find(" (").unwrap_or(path.len()));
            let resolved = schema
                .and_then(|schema| schema.resolve(&Path::new(path)))
                .unwrap_or_else(|| Path::new(path));
            let name = format!("{resolved}{condition}");
            watched.contains(&name).then_some(name)
        };
        let mut flat = Flat::new();
        for value in &record.values {
            // What an emptied list held is not there any more.
            let below = format!("{}.", value.path);
            if matches!(&value.value, Value::Array(list) if list.is_empty()) {
                let parts = watched.iter().filter(|name| name.starts_with(&below));
                flat.extend(parts.map(|name| (name.clone(), Value::Null)));
            }
            put_flat(&mut flat, &value.path, &value.value, &name_of);
        }
        flat
    }

    fn all(&self) -> All {
        let plan = self.hub.ledger.plan_of_flows();
        let names: BTreeSet<(String, String)> =
            plan.types.iter().map(|ty| (ty.name.system.clone(), ty.name.kind.clone())).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let all = self.systems.get(&name.0)?.all(&name.1);
                Some((name, all))
            })
            .collect()
    }

    fn go(&mut self) -> Result<Report, String> {
        let now = self.clock.0.fetch_add(60_000, Ordering::Relaxed) + 60_000;
        self.systems.values().for_each(|system| system.set_time(Timestamp(now)));
        self.hub.run(RunOptions::default()).map_err(|error| error.to_string())
    }

    fn reviews(&mut self) -> Result<BTreeSet<(String, String)>, String> {
        let reviews = self.hub.ledger.reviews(REVIEWS).map_err(|error| error.to_string())?;
        Ok(reviews.into_iter().map(|review| (review.record.0, review.kind)).collect())
    }

    /// Runs, and compares what happened with what was expected.
    fn run(&mut self, expect: &Expected, first: bool) -> Result<FailedStep, String> {
        let mut wanted: BTreeMap<(String, String), Vec<(String, Flat)>> = BTreeMap::new();
        for record in &expect.creates {
            let ty = &record.key.ty;
            wanted
                .entry((ty.system.clone(), ty.kind.clone()))
                .or_default()
                .push((record.key.id.clone(), self.flat(record)));
        }
        for (name, system) in &self.systems {
            for ty in lockstep_connector::Connector::types(&**system) {
                system.reserve(
                    &ty.kind,
                    wanted.get(&(name.clone(), ty.kind.clone())).cloned().unwrap_or_default(),
                );
            }
        }
        // Before the first run nothing waits for anybody.
        let (before, open) = (self.all(), if first { BTreeSet::new() } else { self.reviews()? });
        let report = self.go()?;
        let (after, reviews) = (self.all(), self.reviews()?);

        let mut lines = Lines::default();
        for (name, flats) in &wanted {
            for (id, flat) in flats {
                lines.expected.extend(properties(
                    "create",
                    &format!("{}.{}/{id}", name.0, name.1),
                    flat,
                ));
            }
        }
        for record in &expect.updates {
            lines.expected.extend(properties(
                "update",
                &record_name(&record.key),
                &self.flat(record),
            ));
        }
        lines.expected.extend(
            expect.deletes.iter().map(|key| (format!("delete {}", record_name(key)), Value::Null)),
        );
        lines.expected.extend(expect.reviews.iter().map(|(key, kind)| {
            (format!("review {}: {}", record_name(key), kind.name()), Value::Null)
        }));
        changes(&before, &after, &mut lines.found);
        let fresh = reviews
            .difference(&open)
            .map(|(record, kind)| (format!("review {record}: {kind}"), Value::Null));
        lines.found.extend(fresh);
        links(expect, &report, &mut lines);

        let again = self.go()?;
        if again.writes() > 0 {
            let settled = self.all();
            let mut more = Vec::new();
            changes(&after, &settled, &mut more);
            lines.found.extend(
                more.into_iter()
                    .map(|(what, value)| (format!("again, in a second run (P4): {what}"), value)),
            );
        }
        let (missing, unexpected) = lines.differences();
        let notes =
            if missing.is_empty() && unexpected.is_empty() { Vec::new() } else { notes(&report) };
        Ok(FailedStep { step: 0, line: 0, missing, unexpected, notes })
    }
}

/// Puts what is written at a path, be it nested, where the system in memory keeps it. Whether any
/// property took it.
fn put_flat(
    flat: &mut Flat,
    path: &str,
    value: &Value,
    name_of: &dyn Fn(&str) -> Option<String>,
) -> bool {
    let below = |key: &str| format!("{path}.{key}");
    // The properties of an object come before the object: `Emails` stands for `Emails.Value`, but
    // holds more than that.
    let mut taken = false;
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| taken |= put_flat(flat, &below(key), value, name_of))
        }
        Value::Array(list) => {
            let keys: BTreeSet<&String> =
                list.iter().filter_map(Value::as_object).flat_map(|map| map.keys()).collect();
            for key in keys {
                let values = list
                    .iter()
                    .filter_map(|element| element.get(key))
                    .filter(|v| !v.is_null())
                    .cloned()
                    .collect();
                taken |= put_flat(flat, &below(key), &Value::Array(values), name_of);
            }
        }
        _ => {}
    }
    match name_of(path) {
        // A list that a row names itself is held beside its parts.
        Some(name) if !taken || name == path && value.is_array() => {
            flat.insert(name, value.clone());
            true
        }
        _ => taken,
    }
}

fn record_name(key: &TestKey) -> String {
    format!("{}.{}/{}", key.ty.system, key.ty.kind, key.id)
}

/// A line for each property: the verb, the record, the property; and its value. One without a value
/// where there is none.
fn properties(verb: &str, record: &str, flat: &Flat) -> Vec<(String, Value)> {
    if flat.is_empty() {
        return vec![(format!("{verb} {record}"), Value::Null)];
    }
    flat.iter().map(|(name, value)| (format!("{verb} {record} {name}"), value.clone())).collect()
}

/// What is expected and what is found, a line each, with the value where it is about one.
#[derive(Default)]
struct Lines {
    expected: Vec<(String, Value)>,
    found: Vec<(String, Value)>,
}

impl Lines {
    fn differences(self) -> (Vec<String>, Vec<String>) {
        let is_in = |line: &(String, Value), lines: &[(String, Value)]| {
            lines.iter().any(|other| {
                other.0 == line.0
                    && (alike(&other.1, &line.1) || (is_empty(&other.1) && is_empty(&line.1)))
            })
        };
        let text = |(what, value): &(String, Value)| match what.matches(' ').count() {
            // Those about one property name it last.
            _ if !is_empty(value) => format!("{what}: {}", shown(value)),
            2.. if what.starts_with("update") => format!("{what}: nothing"),
            _ => what.clone(),
        };
        let missing =
            self.expected.iter().filter(|line| !is_in(line, &self.found)).map(text).collect();
        let unexpected =
            self.found.iter().filter(|line| !is_in(line, &self.expected)).map(text).collect();
        (missing, unexpected)
    }
}

/// What a run changed in the systems.
fn changes(before: &All, after: &All, found: &mut Vec<(String, Value)>) {
    for (name, records) in after {
        let were = before.get(name);
        for (id, flat) in records {
            let record = format!("{}.{}/{id}", name.0, name.1);
            let Some(was) = were.and_then(|were| were.get(id)) else {
                found.extend(properties("create", &record, flat));
                continue;
            };
            let names: BTreeSet<&String> = was.keys().chain(flat.keys()).collect();
            for property in names {
                let (old, new) = (
                    was.get(property).unwrap_or(&Value::Null),
                    flat.get(property).unwrap_or(&Value::Null),
                );
                if old != new {
                    found.push((format!("update {record} {property}"), new.clone()));
                }
            }
        }
        for id in were.into_iter().flat_map(BTreeMap::keys).filter(|id| !records.contains_key(*id))
        {
            found.push((format!("delete {}.{}/{id}", name.0, name.1), Value::Null));
        }
    }
}

/// Links are compared as sets of records: which of three were compared with which does not matter
/// (L5).
fn links(expect: &Expected, report: &Report, lines: &mut Lines) {
    let bare = |name: &str| match name.split_once(" (") {
        // A facet is no part of the record's name here.
        Some((ty, rest)) => format!("{ty}{}", rest.split_once(')').map_or("", |(_, rest)| rest)),
        None => name.to_string(),
    };
    let expected: Vec<(String, String)> =
        expect.links.iter().map(|(a, b)| (record_name(a), record_name(b))).collect();
    let linked = report.events.iter().filter_map(|event| match event {
        Event::Linked { a, b, .. } => Some((bare(&a.0), bare(&b.0))),
        _ => None,
    });
    let found: Vec<(String, String)> = linked.collect();
    let (in_expected, in_found) = (sets(&expected), sets(&found));
    let together = |sets: &BTreeMap<String, String>, (a, b): &(String, String)| {
        a == b || (sets.contains_key(a) && sets.get(a) == sets.get(b))
    };
    let line = |(a, b): &(String, String)| (format!("link {a} = {b}"), Value::Null);
    lines.expected.extend(expected.iter().filter(|pair| !together(&in_found, pair)).map(line));
    lines.found.extend(found.iter().filter(|pair| !together(&in_expected, pair)).map(line));
}

/// Which set each record is in, named by one of its records.
fn sets(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    let mut of: BTreeMap<String, String> = BTreeMap::new();
    for (a, b) in pairs {
        let into = of.get(a).cloned().unwrap_or_else(|| a.clone());
        let other = of.get(b).cloned().unwrap_or_else(|| b.clone());
        of.insert(a.clone(), into.clone());
        of.insert(b.clone(), into.clone());
        of.values_mut().filter(|set| **set == other).for_each(|set| set.clone_from(&into));
    }
    of
}

/// What the run said that may explain a difference.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = BTreeSet::new();
    for event in &report.events {
        match event {
            Event::Review { record, why, rule, .. } => {
                notes.insert(format!("{record}: {} ({rule})", words(why)))
            }
            Event::Refused { record, message, .. } => notes.insert(format!("{record}: {message}")),
            Event::Waits { record, why, rule, .. } => {
                notes.insert(format!("{record}: {} ({rule})", words(why)))
            }
            Event::Kept { record, why, rule, .. } => {
                notes.insert(format!("{record}: {} ({rule})", words(why)))
            }
            Event::StoredOtherwise { record, why, .. } => {
                notes.insert(format!("{record}: {} (R6)", words(why)))
            }
            Event::Fault { place, message } => notes.insert(format!("{place}: {message}")),
            Event::Paused { system, message, .. } => notes.insert(format!("{system}: {message}")),
            _ => false,
        };
    }
    for flow in &report.flows {
        notes.extend(
            flow.rows_not_kept.iter().map(|row| format!("{}: row not kept: {row}", flow.flow)),
        );
        notes.extend(flow.why.iter().map(|count| {
            format!("{}: {} without a counterpart: {}", flow.flow, count.records, words(&count.why))
        }));
    }
    notes.extend(report.guards.iter().map(|guard| lockstep_wording::why(&guard.why)));
    notes.into_iter().collect()
}
