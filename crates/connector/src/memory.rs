//! A system in memory: records that a test of flows puts there, read and written as any connector's
//! are.
//!
//! It has the record types of a real connector, says that it can do what that one can, and makes of
//! a value what the schema says that the real system makes of it (`stored_as`). It never fails.
//! What it can't know is what only the system itself would do: refuse, reformat beyond the schema,
//! fill in defaults; for that there is the sandbox.
//!
//! Records are kept flat: one value for each property as rows name it, `Emails.Value`, a list where
//! the way leads through one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{as_stored, equal, is_added, is_empty};
use lockstep_model::{PlainType, PropertySchema, ReadRecord, Timestamp, TypeSchema, Value};

use crate::{Action, Answers, Checkpoint, Connector, Outcome, Page, ReadRequest, Trouble, Write};

/// A record's properties by the names that rows have for them.
pub type Flat = BTreeMap<String, Value>;

/// A system in memory.
pub struct MemoryConnector {
    types: Vec<TypeSchema>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    records: BTreeMap<String, BTreeMap<String, Record>>,
    /// What is deleted, and when in the order of changes.
    gone: BTreeMap<String, Vec<(u64, String)>>,
    /// Ids for records yet to be created, with the values by which they are told apart.
    ids: BTreeMap<String, Vec<(String, Flat)>>,
    changes: u64,
    made: u64,
    now: i64,
}

struct Record {
    values: Flat,
    change: u64,
    modified: Timestamp,
}

impl MemoryConnector {
    /// An empty system with these record types.
    pub fn new(mut types: Vec<TypeSchema>) -> Self {
        for ty in &mut types {
            // It shows a write at once, lists what changed and tells what is gone, whatever the
            // real one does.
            (ty.settles_ms, ty.unknown_ms, ty.can.since, ty.can.tells_deletions, ty.can.get) =
                (0, 0, true, true, true);
        }
        MemoryConnector { types, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change is whole once it is made: a panic elsewhere leaves nothing half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on records change at this time.
    pub fn set_time(&self, now: Timestamp) {
        self.held().now = now.0;
    }

    /// Puts properties into a record, as a person would; the record is made where it is not there.
    pub fn put(&self, kind: &str, id: &str, values: Flat) {
        let values = values
            .into_iter()
            .map(|(name, value)| (name.clone(), self.as_held(kind, &name, value)))
            .collect::<Vec<_>>();
        let mut held = self.held();
        let (change, modified) = held.next();
        let records = held.records.entry(kind.into()).or_default();
        let record = records.entry(id.into()).or_insert_with(|| Record {
            values: Flat::new(),
            change,
            modified,
        });
        (record.change, record.modified) = (change, modified);
        record.values.extend(values);
    }

    /// Deletes a record, as a person would. `false` where it is not there.
    pub fn remove(&self, kind: &str, id: &str) -> bool {
        let mut held = self.held();
        let was = held.records.get_mut(kind).and_then(|records| records.remove(id)).is_some();
        let (change, _) = held.next();
        held.gone.entry(kind.into()).or_default().push((change, id.into()));
        was
    }

    /// Every record of a type that holds anything.
    pub fn all(&self, kind: &str) -> BTreeMap<String, Flat> {
        let held = self.held();
        let records = held.records.get(kind).into_iter().flatten();
        records
            .map(|(id, record)| {
                let full = record.values.iter().filter(|(_, value)| !is_empty(value));
                (id.clone(), full.map(|(name, value)| (name.clone(), value.clone())).collect())
            })
            .collect()
    }

    /// The ids that the records created next are to get, each for the record that is nearest to
    /// these values.
    pub fn reserve(&self, kind: &str, ids: Vec<(String, Flat)>) {
        self.held().ids.insert(kind.into(), ids);
    }

    fn property(&self, kind: &str, name: &str) -> Option<&PropertySchema> {
        self.types.iter().find(|ty| ty.kind == kind)?.describe(&name.into())
    }

    /// A value as the property holds it: a list where the way leads through one.
    fn as_held(&self, kind: &str, name: &str, value: Value) -> Value {
        match (self.property(kind, name), value) {
            (Some(property), value @ (Value::String(_) | Value::Number(_) | Value::Bool(_)))
                if property.list =>
            {
                Value::Array(vec![as_stored(value, property.stored_as)])
            }
            (Some(property), value) => as_stored(value, property.stored_as),
            (None, value) => value,
        }
    }

    /// P9: a single value in a list replaces the element that it came from, else the first.
    fn written(
        &self,
        kind: &str,
        name: &str,
        before: Option<&Value>,
        value: Value,
        displaced: &Value,
    ) -> Value {
        let whole =
            matches!(self.property(kind, name), Some(property) if property.ty == PlainType::List);
        match before {
            Some(Value::Array(list)) if !whole && !value.is_array() => {
                let mut list = list.clone();
                let at = list
                    .iter()
                    .position(|element| !is_empty(displaced) && equal(element, displaced));
                let stored = self
                    .property(kind, name)
                    .map(|property| as_stored(value.clone(), property.stored_as))
                    .unwrap_or(value);
                let adds = is_added(displaced) && !stored.is_null();
                match (at.or((!list.is_empty() && !adds).then_some(0)), stored.is_null()) {
                    (Some(at), true) => drop(list.remove(at)),
                    (Some(at), false) => list[at] = stored,
                    (None, true) => {}
                    (None, false) => list.push(stored),
                }
                Value::Array(list)
            }
            _ => self.as_held(kind, name, value),
        }
    }

    fn carry_out(&self, kind: &str, watch: &[PropertyRef], write: &Write) -> Outcome {
        let mut held = self.held();
        let id = match &write.action {
            Action::Create => {
                let values = write
                    .values
                    .iter()
                    .map(|v| (watch[v.prop].to_string(), v.value.clone()))
                    .collect();
                held.id_for(kind, &values)
            }
            Action::Restore { id } => {
                return Outcome::Gone { message: format!("{kind}/{id} was not kept") };
            }
            Action::Update { id, .. } | Action::Delete { id, .. } => {
                if !held.records.get(kind).is_some_and(|records| records.contains_key(id)) {
                    return Outcome::Gone { message: format!("there is no {kind}/{id}") };
                }
                id.clone()
            }
        };
        let (change, modified) = held.next();
        if let Action::Delete { .. } = write.action {
            held.records.entry(kind.into()).or_default().remove(&id);
            held.gone.entry(kind.into()).or_default().push((change, id.clone()));
            return Outcome::Done(ReadRecord {
                id,
                version: None,
                modified: None,
                deleted: true,
                values: vec![None; watch.len()],
            });
        }
        let records = held.records.entry(kind.into()).or_default();
        let record = records.entry(id.clone()).or_insert_with(|| Record {
            values: Flat::new(),
            change,
            modified,
        });
        if let Action::Update { version: Some(version), .. } = &write.action
            && *version != record.change.to_string()
        {
            return Outcome::Conflict { message: format!("{kind}/{id} changed meanwhile") };
        }
        (record.change, record.modified) = (change, modified);
        for one in &write.values {
            let name = watch[one.prop].to_string();
            let value = self.written(
                kind,
                &name,
                record.values.get(&name),
                one.value.clone(),
                &one.displaced,
            );
            record.values.insert(name, value);
        }
        Outcome::Done(record.read(&id, watch))
    }
}

impl Held {
    fn next(&mut self) -> (u64, Timestamp) {
        self.changes += 1;
        (self.changes, Timestamp(self.now))
    }

    /// The id of a new record: of those reserved, the one whose values agree most, if any does.
    fn id_for(&mut self, kind: &str, values: &Flat) -> String {
        let reserved = self.ids.entry(kind.into()).or_default();
        let agreeing = |flat: &Flat| {
            let same = |(name, value): &(&String, &Value)| {
                flat.get(*name).is_some_and(|other| alike(value, other))
            };
            values.iter().filter(same).count()
        };
        let best = reserved
            .iter()
            .enumerate()
            .map(|(at, (_, flat))| (agreeing(flat), std::cmp::Reverse(at)))
            .max();
        if let Some((agree, std::cmp::Reverse(at))) = best
            && (agree > 0 || values.is_empty())
        {
            return reserved.remove(at).0;
        }
        self.made += 1;
        // A number, so that also a reference of type integer can hold it.
        (900_000 + self.made).to_string()
    }
}

/// Equal, a list with one element and that element too, and a number and the text that says it.
pub fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(list), single @ (Value::String(_) | Value::Number(_) | Value::Bool(_)))
        | (single @ (Value::String(_) | Value::Number(_) | Value::Bool(_)), Value::Array(list)) => {
            list.len() == 1 && alike(&list[0], single)
        }
        (Value::String(text), other @ (Value::Number(_) | Value::Bool(_)))
        | (other @ (Value::Number(_) | Value::Bool(_)), Value::String(text)) => {
            let said = other.to_string();
            *text == said
        }
        _ => equal(a, b),
    }
}

impl Record {
    fn read(&self, id: &str, watch: &[PropertyRef]) -> ReadRecord {
        // What a test leaves out of a record is empty: nobody writes down what a record does not
        // hold.
        let values = watch.iter().map(|property| {
            Some(self.values.get(&property.to_string()).cloned().unwrap_or(Value::Null))
        });
        ReadRecord {
            id: id.into(),
            version: Some(self.change.to_string()),
            modified: Some(self.modified),
            deleted: false,
            values: values.collect(),
        }
    }
}

impl Connector for MemoryConnector {
    fn answers(&self, _: &str, _: bool) -> Answers {
        Answers::Stored
    }

    fn types(&self) -> &[TypeSchema] {
        &self.types
    }

    fn test(&self) -> Result<String, Trouble> {
        Ok("in memory".into())
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        if !self.types.iter().any(|ty| ty.kind == request.kind) {
            return Err(Trouble::Misconfigured(format!(
                "there is no record type {}",
                request.kind
            )));
        }
        let held = self.held();
        let since = request.checkpoint.map_or(Ok(0), |checkpoint| checkpoint.text.parse::<u64>());
        let since = since.map_err(|_| {
            Trouble::Malformed("the checkpoint is none of a system in memory".into())
        })?;
        let records = held
            .records
            .get(request.kind)
            .into_iter()
            .flatten()
            .filter(|(_, record)| record.change > since);
        let gone = held
            .gone
            .get(request.kind)
            .into_iter()
            .flatten()
            .filter(|(change, _)| *change > since && request.checkpoint.is_some());
        Ok(Page {
            records: records.map(|(id, record)| record.read(id, request.watch)).collect(),
            faults: Vec::new(),
            gone: gone.map(|(_, id)| id.clone()).collect(),
            below: Vec::new(),
            checkpoint: Checkpoint { text: held.changes.to_string(), bytes: Vec::new() },
            more: false,
            everything: request.checkpoint.is_none(),
        })
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        Ok(self
            .held()
            .records
            .get(kind)
            .and_then(|records| records.get(id))
            .map(|record| record.read(id, watch)))
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        if !self.types.iter().any(|ty| ty.kind == kind && ty.can.find) {
            return Ok(None);
        }
        let held = self.held();
        let name = watch[prop].to_string();
        let holds = |record: &&(&String, &Record)| match record.1.values.get(&name) {
            Some(Value::Array(list)) => list.iter().any(|element| equal(element, value)),
            Some(single) => equal(single, value),
            None => false,
        };
        let all: Vec<(&String, &Record)> = held.records.get(kind).into_iter().flatten().collect();
        Ok(Some(all.iter().filter(holds).map(|(id, record)| record.read(id, watch)).collect()))
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        writes.iter().map(|write| self.carry_out(kind, watch, write)).collect()
    }

    fn batch(&self, _: &str) -> usize {
        64
    }
}
