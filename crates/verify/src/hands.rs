//! A tester's hands: what a person does in the systems, and sees there.
//!
//! They go through a connector of their own, not through the hub's: to the hub it is a stranger who
//! edits. Where an interface lets nobody write what a person can write in the system itself (users
//! of SuperOffice), the emulated system is edited as by a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::emulated::Running;
use lockstep_connector::{
    Action, Connector, Outcome, ReadRequest, Trouble, Write, WriteValue, catalogue,
};
use lockstep_model::flow::PropertyRef;
use lockstep_model::value::effective;
use lockstep_model::{PropertySchema, ReadRecord, TypeName, TypeSchema, Value};
use serde_json::json;

/// Reading a record type never takes more pages than this.
const MOST_PAGES: usize = 100_000;

/// A system as a tester has it before them.
pub struct Hand {
    pub connector: Arc<dyn Connector>,
    pub types: Vec<TypeSchema>,
    /// What kind of system it is: the name of its connector.
    pub kind: String,
    /// The emulated system behind it, by its name in the sandbox.
    pub emulated: Option<(Arc<Running>, String)>,
}

/// All systems of the trials.
#[derive(Default)]
pub struct Hands {
    systems: BTreeMap<String, Hand>,
    cannot: BTreeMap<(TypeName, String), String>,
}

/// What a system did not let a person do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: String,
    /// It has one like it.
    pub duplicate: bool,
}

impl Refused {
    fn because(message: impl Into<String>) -> Self {
        Refused { message: message.into(), duplicate: false }
    }
}

impl Hands {
    /// Hands that do not build on what did not hold when the systems' connectors were tested:
    /// `create` of a record type, with why.
    pub fn but_for(cannot: BTreeMap<(TypeName, String), String>) -> Self {
        Hands { cannot, ..Hands::default() }
    }

    /// Adds a system.
    pub fn take(&mut self, name: &str, hand: Hand) {
        self.systems.insert(name.into(), hand);
    }

    fn hand(&self, ty: &TypeName) -> Result<&Hand, Refused> {
        self.systems
            .get(&ty.system)
            .ok_or_else(|| Refused::because(format!("there is no system {}", ty.system)))
    }

    /// What is known of a record type.
    pub fn schema(&self, ty: &TypeName) -> Option<&TypeSchema> {
        self.systems.get(&ty.system)?.types.iter().find(|schema| schema.kind == ty.kind)
    }

    /// The property that a row names; see [`property`].
    pub fn property(
        &self,
        ty: &TypeName,
        named: &PropertyRef,
    ) -> Option<(PropertyRef, PropertySchema)> {
        property(self.schema(ty)?, named)
    }

    /// The connector of the system, as the manifest or the code names it in the sandbox.
    pub fn emulated_as(&self, system: &str) -> Option<&str> {
        Some(self.systems.get(system)?.emulated.as_ref()?.1.as_str())
    }

    /// What kind of system it is: the name of its connector.
    pub fn kind_of(&self, system: &str) -> Option<&str> {
        Some(self.systems.get(system)?.kind.as_str())
    }

    /// Whether the system is emulated from what documents say of it: it has no connector of its
    /// own.
    pub fn is_described(&self, system: &str) -> bool {
        self.systems
            .get(system)
            .is_some_and(|hand| hand.emulated.is_some() && !catalogue::names().contains(&hand.kind))
    }

    /// Whether a record type has a property, or references of it lead to one that has it.
    pub fn has(&self, ty: &TypeName, named: &PropertyRef) -> bool {
        let Some(path) = named.via.first() else { return self.property(ty, named).is_some() };
        let reference = self.property(ty, &PropertyRef::new(path.clone()));
        let to = reference.and_then(|(_, described)| described.refers_to(&ty.system));
        to.is_some_and(|to| self.has(&to, &named.after_first_reference()))
    }

    /// Why this can't be built on: it did not hold when the system's connector was tested.
    pub fn fails(&self, ty: &TypeName, what: &str) -> Option<String> {
        let plain = TypeName::new(ty.system.as_str(), ty.kind.as_str());
        let why = self.cannot.get(&(plain, what.to_string()))?;
        Some(format!(
            "by the capability sheet of {}, {what} does not hold for {}: {why}",
            ty.system, ty.kind
        ))
    }

    /// Why nobody but the system itself puts records of this type there; `None` where a person can.
    pub fn cannot_add(&self, ty: &TypeName) -> Option<String> {
        let schema = self.schema(ty)?;
        // What could not be deleted again is not added.
        if let Some(why) = self.fails(ty, "create").or_else(|| self.fails(ty, "delete")) {
            return Some(why);
        }
        let emulated = self.systems.get(&ty.system).is_some_and(|hand| hand.emulated.is_some());
        (!schema.can.create && !emulated)
            .then(|| format!("records can't be added to {ty} through its interface"))
    }

    /// Why nobody edits this property by hand.
    pub fn cannot_edit(&self, ty: &TypeName, property: &PropertySchema) -> Option<String> {
        let schema = self.schema(ty)?;
        let emulated = self.systems.get(&ty.system).is_some_and(|hand| hand.emulated.is_some());
        if emulated && !property.list && property.derived_from.is_none() && !property.create_only {
            return None;
        }
        let path = &property.path;
        if property.read_only {
            return Some(format!("{path} of {ty} can only be read"));
        }
        if property.create_only {
            return Some(format!("{path} of {ty} can't be changed once a record is there"));
        }
        if let Some(why) = self.fails(ty, "update") {
            return Some(why);
        }
        (!schema.can.update)
            .then(|| format!("records of {ty} can't be changed through its interface"))
    }

    /// Why nobody deletes records of this type by hand.
    pub fn cannot_remove(&self, ty: &TypeName) -> Option<String> {
        let schema = self.schema(ty)?;
        let emulated = self.systems.get(&ty.system).is_some_and(|hand| hand.emulated.is_some());
        (!schema.can.delete && !emulated)
            .then(|| format!("records of {ty} can't be deleted through its interface"))
    }

    /// Adds a record. Gives its id.
    pub fn add(
        &self,
        ty: &TypeName,
        values: &[(PropertyRef, Value)],
        token: &str,
    ) -> Result<String, Refused> {
        let hand = self.hand(ty)?;
        let schema = self
            .schema(ty)
            .ok_or_else(|| Refused::because(format!("there is no record type {ty}")))?;
        let read_only = |named: &PropertyRef| {
            self.property(ty, named).is_some_and(|(_, property)| property.read_only)
        };
        if (!schema.can.create || values.iter().any(|(path, _)| read_only(path)))
            && let Some((sandbox, system)) = &hand.emulated
        {
            let record = sandbox
                .put(system, &ty.kind, nested(values))
                .map_err(|error| Refused::because(error.to_string()))?;
            let id =
                ["associateDbId", "AssociateId", "id", "Id"].iter().find_map(|key| record.get(key));
            return match id {
                Some(Value::String(id)) => Ok(id.clone()),
                Some(id) => Ok(id.to_string()),
                None => {
                    Err(Refused::because(format!("{ty} does not tell the id of what was added")))
                }
            };
        }
        let (watch, writes) = written(values, &[]);
        let write = Write { action: Action::Create, values: writes, token: token.into() };
        match hand.connector.write(&ty.kind, &watch, &[write]).pop() {
            Some(Outcome::Done(record)) => Ok(record.id),
            Some(Outcome::Duplicate { message, .. }) => Err(Refused { message, duplicate: true }),
            Some(other) => Err(Refused::because(said(other))),
            None => Err(Refused::because("no answer")),
        }
    }

    /// Edits a record.
    pub fn edit(
        &self,
        ty: &TypeName,
        id: &str,
        values: &[(PropertyRef, Value)],
        token: &str,
    ) -> Result<(), Refused> {
        let hand = self.hand(ty)?;
        let schema = self
            .schema(ty)
            .ok_or_else(|| Refused::because(format!("there is no record type {ty}")))?;
        let read_only = |named: &PropertyRef| {
            self.property(ty, named).is_some_and(|(_, property)| property.read_only)
        };
        if (!schema.can.update || values.iter().any(|(path, _)| read_only(path)))
            && let Some((sandbox, system)) = &hand.emulated
        {
            let edited = sandbox.edit(system, &ty.kind, id, &nested(values));
            return edited.map(drop).map_err(|error| Refused::because(error.to_string()));
        }
        let watch: Vec<PropertyRef> = values.iter().map(|(path, _)| path.clone()).collect();
        let current = hand
            .connector
            .get(&ty.kind, &watch, id)
            .map_err(|trouble| Refused::because(trouble.to_string()))?;
        let current = current.ok_or_else(|| Refused::because(format!("{ty}/{id} is not there")))?;
        let (watch, writes) = written(values, &current.values);
        let write = Write {
            action: Action::Update { id: id.into(), version: None },
            values: writes,
            token: token.into(),
        };
        match hand.connector.write(&ty.kind, &watch, &[write]).pop() {
            Some(Outcome::Done(_)) => Ok(()),
            Some(other) => Err(Refused::because(said(other))),
            None => Err(Refused::because("no answer")),
        }
    }

    /// Deletes a record.
    pub fn remove(&self, ty: &TypeName, id: &str) -> Result<(), Refused> {
        let hand = self.hand(ty)?;
        if let (Some((sandbox, system)), false) =
            (&hand.emulated, self.schema(ty).is_some_and(|schema| schema.can.delete))
        {
            return sandbox
                .remove(system, &ty.kind, id)
                .map_err(|error| Refused::because(error.to_string()));
        }
        let action = Action::Delete { id: id.into(), version: None };
        let write = Write {
            action,
            values: vec![],
            token: format!("{MARK}-remove-{id}", MARK = crate::values::MARK),
        };
        match hand.connector.write(&ty.kind, &[], &[write]).pop() {
            Some(Outcome::Done(_) | Outcome::Gone { .. }) => Ok(()),
            Some(other) => Err(Refused::because(said(other))),
            None => Err(Refused::because("no answer")),
        }
    }

    /// One record as it now is.
    pub fn look(
        &self,
        ty: &TypeName,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        match self.systems.get(&ty.system) {
            Some(hand) => hand.connector.get(&ty.kind, watch, id),
            None => Ok(None),
        }
    }

    /// The ids of the records that hold a value; nothing where the system can't be asked so.
    pub fn find(
        &self,
        ty: &TypeName,
        path: &PropertyRef,
        value: &Value,
    ) -> Result<Option<Vec<String>>, Trouble> {
        let Some(hand) = self.systems.get(&ty.system) else { return Ok(None) };
        let found = hand.connector.find(&ty.kind, std::slice::from_ref(path), 0, value)?;
        Ok(found.map(|records| records.into_iter().map(|record| record.id).collect()))
    }

    /// All records of a type as they now are.
    pub fn list(&self, ty: &TypeName, watch: &[PropertyRef]) -> Result<Vec<ReadRecord>, Trouble> {
        let Some(hand) = self.systems.get(&ty.system) else { return Ok(vec![]) };
        let (mut records, mut checkpoint) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let request = ReadRequest {
                kind: &ty.kind,
                watch,
                checkpoint: checkpoint.as_ref(),
                page_size: 1000,
            };
            let page = hand.connector.read(request)?;
            records.extend(page.records.into_iter().filter(|record| !record.deleted));
            if !page.more {
                break;
            }
            checkpoint = Some(page.checkpoint);
        }
        Ok(records)
    }
}

/// The property that a row names, with its one path (`primaryInfo.email` is `info.emails.email`),
/// and what is known of it.
///
/// `None` for one of another record, to which references lead.
pub fn property(schema: &TypeSchema, named: &PropertyRef) -> Option<(PropertyRef, PropertySchema)> {
    if named.is_followed() {
        return None;
    }
    let path = schema.resolve(&named.path)?;
    let described = match schema.describe(&path) {
        Some(known) => PropertySchema { path: path.clone(), ..known.clone() },
        None => PropertySchema::new(path.clone(), lockstep_model::PlainType::Any),
    };
    Some((PropertyRef { when: named.when.clone(), ..PropertyRef::new(path) }, described))
}

fn written(
    values: &[(PropertyRef, Value)],
    current: &[Option<Value>],
) -> (Vec<PropertyRef>, Vec<WriteValue>) {
    let watch = values.iter().map(|(path, _)| path.clone()).collect();
    let writes = values.iter().enumerate().map(|(prop, (_, value))| {
        let shown = current.get(prop).and_then(Option::as_ref).unwrap_or(&Value::Null);
        WriteValue {
            prop,
            value: value.clone(),
            displaced: effective(shown, value.is_array()).clone().into(),
        }
    });
    (watch, writes.collect())
}

/// A record with these values at their paths, as plain JSON.
fn nested(values: &[(PropertyRef, Value)]) -> Value {
    let mut record = json!({});
    for (named, value) in values {
        named.path.put(&mut record, value.clone());
    }
    record
}

fn said(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(_) => "done".into(),
        Outcome::Stopped(trouble) => trouble.to_string(),
        Outcome::Conflict { message }
        | Outcome::Duplicate { message, .. }
        | Outcome::Rejected { message, .. }
        | Outcome::Gone { message }
        | Outcome::Later { message, .. }
        | Outcome::Unknown { message }
        | Outcome::Accepted { message } => message,
    }
}
