//! Systems in memory whose writes have fates, and clocks that go on by themselves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockstep_connector::memory::{Flat, MemoryConnector};
use lockstep_connector::{
    Action, Answers, Connector, Outcome, Page, ReadRequest, RecordFault, Trouble, Write,
};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Clock, Hub, RunOptions, System};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{
    Flow, MatchRow, PlainType, PropertyPair, PropertySchema, ReadRecord, Timestamp, TypeName,
    TypeSchema, Value,
};
use lockstep_store::SqliteStore;
use serde_json::json;

/// It goes on by itself with every look at it; nobody waits.
pub struct Hands(pub AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn wait(&self, duration: Duration) {
        self.0.fetch_add(duration.as_millis() as i64, Ordering::Relaxed);
    }
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// Somebody has edited the record meanwhile.
    Conflict,
    /// Done, and the answer is lost.
    LostAfter,
    /// The answer is lost, nothing is done, and the system can't be read from then on.
    LostAndDown,
    /// The same, and it goes on.
    LostBefore,
    /// Refused, as there is such a record already: the first one.
    Duplicate,
    /// The same, and which it is can't be read just then.
    DuplicateUnseen,
    /// Refused, for a reason that does not pass.
    Refused,
    /// It is refused because of its last value.
    ValueRefused,
    Done,
    /// Done, and the answer names the record and nothing of what it holds.
    OnlyId,
    /// Acknowledged with what was sent, and not done.
    Ignored,
    /// Done, with “N/A” in place of the texts that were sent.
    Otherwise,
    /// Acknowledged with another version and a time, and shown late: by what the test puts in.
    ShownLate,
    /// Taken in, to be done later.
    Accepted,
    /// Answered as if the record were not there.
    NotThere,
    /// Put off.
    Later,
    /// Put off, to be tried again at once.
    Soon,
    /// A creation that the system takes for an update of its first record.
    Known,
    /// Answered with what its first record shows, and not done.
    Another,
}

/// A system in memory that stores texts without spare spaces, and does not say so. Its first writes
/// of each kind have fates.
pub struct Fated {
    pub real: MemoryConnector,
    /// As the real one has them, but for the delay after a write.
    pub types: Vec<TypeSchema>,
    pub creations: Mutex<VecDeque<Fate>>,
    pub updates: Mutex<VecDeque<Fate>>,
    /// What somebody does to the first record, or a new one, before a write that has a fate.
    pub meanwhile: Mutex<Option<Flat>>,
    /// What somebody does to the first record right after a write to it was answered.
    pub afterwards: Mutex<Option<Flat>>,
    /// What it, or somebody, puts into the records whose creation is not answered.
    pub defaults: Mutex<Flat>,
    /// Of each write whether it created, in the order in which they came.
    pub created: Mutex<Vec<bool>>,
    /// The idempotency keys of creations, in the order in which they came.
    pub keys: Mutex<Vec<String>>,
    /// What was accepted and is not done yet.
    pub coming: Mutex<Vec<(String, Vec<PropertyRef>, Write)>>,
    pub worth: Mutex<Answers>,
    /// It can't be asked for what it wrote.
    pub forgets: AtomicBool,
    pub down: AtomicBool,
    /// The next creation is answered with its id, and its record thrown away.
    pub throws_away: AtomicBool,
    pub unseen: AtomicBool,
    /// So many look-ups by a value are answered with nonsense.
    pub confused: AtomicI64,
    /// So many looks by an id show nothing.
    pub behind: AtomicI64,
    /// Records that listings do not show.
    pub hidden: Mutex<Vec<String>>,
    /// Records whose ids listings leave out.
    pub unreadable: Mutex<Vec<String>>,
    /// Records for which the system has no time when they are asked for by their ids.
    pub busy: Mutex<Vec<String>>,
    /// Records that can't be got by their ids.
    pub stuck: Mutex<Vec<String>>,
    /// By an id, the id of the record that was merged into.
    pub merged: Mutex<BTreeMap<String, String>>,
}

impl Fated {
    pub fn new(types: Vec<TypeSchema>) -> Arc<Fated> {
        let real = MemoryConnector::new(types.clone());
        let slow = |(real, given): (&TypeSchema, TypeSchema)| TypeSchema {
            settles_ms: given.settles_ms,
            unknown_ms: given.unknown_ms,
            ..real.clone()
        };
        let types = real.types().iter().zip(types).map(slow).collect();
        Arc::new(Fated {
            real,
            types,
            creations: Mutex::default(),
            updates: Mutex::default(),
            meanwhile: Mutex::default(),
            afterwards: Mutex::default(),
            defaults: Mutex::default(),
            created: Mutex::default(),
            keys: Mutex::default(),
            coming: Mutex::default(),
            worth: Mutex::new(Answers::Believed),
            merged: Mutex::default(),
            forgets: AtomicBool::new(false),
            down: AtomicBool::new(false),
            throws_away: AtomicBool::new(false),
            unseen: AtomicBool::new(false),
            confused: AtomicI64::new(0),
            behind: AtomicI64::new(0),
            hidden: Mutex::default(),
            unreadable: Mutex::default(),
            busy: Mutex::default(),
            stuck: Mutex::default(),
        })
    }

    pub fn put(&self, name: &str, values: Value) {
        let (kind, id) = name.split_once('/').unwrap();
        self.real.put(kind, id, flat(values));
    }

    pub fn only(&self, kind: &str) -> Flat {
        let all = self.real.all(kind);
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_values().next().unwrap()
    }

    /// What was accepted is done.
    pub fn land(&self) {
        for (kind, watch, write) in self.coming.lock().unwrap().drain(..) {
            self.real.write(&kind, &watch, &[write]);
        }
    }

    pub fn sent(&self) -> usize {
        self.created.lock().unwrap().len()
    }

    pub fn one(&self, kind: &str, watch: &[PropertyRef], write: &Write) -> Outcome {
        self.created.lock().unwrap().push(write.action == Action::Create);
        if write.action == Action::Create {
            self.keys.lock().unwrap().push(write.token.clone());
        }
        let fates = if write.action == Action::Create { &self.creations } else { &self.updates };
        let fate = fates.lock().unwrap().pop_front();
        let lost = || Outcome::Unknown { message: "the connection broke".into() };
        if fate.is_some()
            && let Some(values) = self.meanwhile.lock().unwrap().take()
        {
            let id = self.real.all(kind).into_keys().next().unwrap_or_else(|| "9".into());
            self.real.put(kind, &id, values);
        }
        match fate {
            Some(Fate::Conflict) => {
                return Outcome::Conflict { message: "it was changed meanwhile".into() };
            }
            Some(Fate::LostBefore) => return lost(),
            Some(fate @ (Fate::Duplicate | Fate::DuplicateUnseen)) => {
                self.unseen.store(fate == Fate::DuplicateUnseen, Ordering::Relaxed);
                let id = self.real.all(kind).into_keys().next();
                return Outcome::Duplicate { id, message: "there is one already".into() };
            }
            Some(Fate::LostAndDown) => {
                self.down.store(true, Ordering::Relaxed);
                return lost();
            }
            Some(Fate::ValueRefused) => {
                let prop = write.values.last().map(|value| value.prop);
                return Outcome::Rejected { prop, message: "no such number".into() };
            }
            Some(Fate::Refused) => {
                return Outcome::Rejected {
                    prop: None,
                    message: "no more customers this year".into(),
                };
            }
            Some(Fate::Accepted) => {
                self.coming.lock().unwrap().push((kind.into(), watch.to_vec(), write.clone()));
                return Outcome::Accepted { message: "202".into() };
            }
            Some(Fate::NotThere) => return Outcome::Gone { message: "404".into() },
            Some(Fate::Soon) => {
                return Outcome::Later { retry_after_ms: Some(0), message: "429".into() };
            }
            Some(Fate::Later) => {
                return Outcome::Later { retry_after_ms: None, message: "503".into() };
            }
            Some(Fate::Ignored) => {
                let (Action::Update { id, .. } | Action::Delete { id, .. }) = &write.action else {
                    panic!("a creation is not ignored")
                };
                let mut values = vec![None; watch.len()];
                write
                    .values
                    .iter()
                    .for_each(|value| values[value.prop] = Some(value.value.clone()));
                return Outcome::Done(ReadRecord {
                    id: id.clone(),
                    version: None,
                    modified: None,
                    deleted: matches!(write.action, Action::Delete { .. }),
                    values,
                });
            }
            Some(Fate::ShownLate) => {
                let Action::Update { id, .. } = &write.action else {
                    panic!("it is not there yet")
                };
                let shown = self.real.get(kind, watch, id).unwrap().unwrap();
                let values = vec![None; watch.len()];
                return Outcome::Done(ReadRecord { version: Some("late".into()), values, ..shown });
            }
            Some(Fate::Known) => {
                let id = self.real.all(kind).into_keys().next().unwrap();
                let values = write
                    .values
                    .iter()
                    .map(|value| (watch[value.prop].to_string(), value.value.clone()))
                    .collect();
                self.real.put(kind, &id, values);
                return Outcome::Done(self.real.get(kind, watch, &id).unwrap().unwrap());
            }
            Some(Fate::Another) => {
                let id = self.real.all(kind).into_keys().next().unwrap();
                return Outcome::Done(self.real.get(kind, watch, &id).unwrap().unwrap());
            }
            Some(Fate::LostAfter | Fate::Done | Fate::OnlyId | Fate::Otherwise) | None => {}
        }
        let mut write = write.clone();
        for value in &mut write.values {
            if let Value::String(text) = &mut value.value {
                *text = match fate {
                    Some(Fate::Otherwise) => "N/A".into(),
                    _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
                };
            }
        }
        let outcome = self.real.write(kind, watch, std::slice::from_ref(&write)).remove(0);
        match (fate, &outcome) {
            (Some(Fate::OnlyId), Outcome::Done(made)) => {
                if self.throws_away.swap(false, Ordering::Relaxed) {
                    self.real.remove(kind, &made.id);
                }
                let values = vec![None; made.values.len()];
                return Outcome::Done(ReadRecord {
                    version: None,
                    modified: None,
                    values,
                    ..made.clone()
                });
            }
            (Some(Fate::LostAfter), _) => {}
            (_, Outcome::Done(made)) => {
                if let Some(values) = self.afterwards.lock().unwrap().take() {
                    self.real.put(kind, &made.id, values);
                }
                return outcome;
            }
            _ => return outcome,
        }
        if let (Action::Create, Outcome::Done(made)) = (&write.action, outcome) {
            self.real.put(kind, &made.id, self.defaults.lock().unwrap().clone());
        }
        lost()
    }
}

impl Connector for Fated {
    fn types(&self) -> &[TypeSchema] {
        &self.types
    }

    fn test(&self) -> Result<String, Trouble> {
        self.real.test()
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        if self.down.load(Ordering::Relaxed) {
            return Err(Trouble::Unreachable("it does not answer".into()));
        }
        let mut page = self.real.read(request)?;
        let hidden = self.hidden.lock().unwrap().clone();
        page.records.retain(|record| !hidden.contains(&record.id));
        let unreadable = self.unreadable.lock().unwrap().clone();
        let all = page.records.len();
        page.records.retain(|record| !unreadable.contains(&record.id));
        let without_id = RecordFault {
            part: false,
            place: format!("{} 1", request.kind),
            message: "it has no id".into(),
            id: None,
        };
        page.faults.extend((page.records.len()..all).map(|_| without_id.clone()));
        Ok(page)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        if self.stuck.lock().unwrap().iter().any(|stuck| stuck == id) {
            return Err(Trouble::Malformed("it answered 200 and an error".into()));
        }
        if self.busy.lock().unwrap().iter().any(|busy| busy == id) {
            return Err(Trouble::Busy { retry_after_ms: None, message: "503".into() });
        }
        if self.unseen.swap(false, Ordering::Relaxed) {
            return Err(Trouble::Unreachable("it does not answer".into()));
        }
        if self.behind.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(None);
        }
        let merged = self.merged.lock().unwrap().get(id).cloned();
        self.real.get(kind, watch, merged.as_deref().unwrap_or(id))
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        if self.confused.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Err(Trouble::Malformed("the search is down".into()));
        }
        self.real.find(kind, watch, prop, value)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        writes.iter().map(|write| self.one(kind, watch, write)).collect()
    }

    /// What it wrote is read at the end of the run.
    fn knows_own_writes(&self) -> bool {
        !self.forgets.load(Ordering::Relaxed)
    }

    fn answers(&self, _: &str, _: bool) -> Answers {
        *self.worth.lock().unwrap()
    }
}

pub fn flat(values: Value) -> Flat {
    values.as_object().unwrap().clone().into_iter().collect()
}

pub fn flow(from: &str, to: &str, create: Create, matches: &[&str], rows: &[&str]) -> Flow {
    let path = |path: &str| PropertyRef::new(path);
    Flow {
        create,
        matches: matches.iter().map(|m| MatchRow::single(path(m), path(m))).collect(),
        properties: rows.iter().map(|row| PropertyPair::equal(path(row), path(row))).collect(),
        ..Flow::between(TypeName::parse(from).unwrap(), TypeName::parse(to).unwrap())
    }
}

pub fn person() -> TypeSchema {
    TypeSchema::open("Person")
}

pub fn reference(kind: &str, path: &str, to: &str) -> TypeSchema {
    let property =
        PropertySchema { reference: Some(to.into()), ..PropertySchema::new(path, PlainType::Any) };
    TypeSchema { properties: vec![property], ..TypeSchema::open(kind) }
}

pub fn hub(systems: &[(&str, &Arc<Fated>)], flows: &[Flow]) -> Hub {
    hub_with(SqliteStore::in_memory().unwrap(), systems, flows)
}

pub fn hub_with(store: SqliteStore, systems: &[(&str, &Arc<Fated>)], flows: &[Flow]) -> Hub {
    hub_at(Arc::new(Hands(AtomicI64::new(1_800_000_000_000))), store, systems, flows)
}

pub fn hub_at(
    clock: Arc<Hands>,
    store: SqliteStore,
    systems: &[(&str, &Arc<Fated>)],
    flows: &[Flow],
) -> Hub {
    let schemas: Schemas =
        systems.iter().map(|(name, system)| (name.to_string(), system.types().to_vec())).collect();
    let plan = Plan::compile(flows, &schemas).unwrap();
    let named = |(name, system): &(&str, &Arc<Fated>)| System {
        name: name.to_string(),
        connector: (*system).clone(),
    };
    for (_, system) in systems {
        system.real.set_time(Timestamp(1_799_999_000_000));
    }
    Hub::new(plan, systems.iter().map(named).collect(), Box::new(store), clock).unwrap()
}

pub fn run(hub: &mut Hub) -> u64 {
    hub.run(RunOptions::default()).unwrap().writes()
}

/// Two systems with a pair of linked people, whose phone is 1.
pub fn a_linked_pair() -> (Arc<Fated>, Arc<Fated>, Arc<Hands>, Hub) {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    b.forgets.store(true, Ordering::Relaxed);
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let mut hub =
        hub_at(clock.clone(), SqliteStore::in_memory().unwrap(), &[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    assert_eq!(run(&mut hub), 1);
    b.created.lock().unwrap().clear();
    (a, b, clock, hub)
}
