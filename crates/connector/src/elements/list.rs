//! One record's list: its elements as records, and what a write makes of it.

use std::borrow::Cow;
use std::collections::HashMap;

use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::id_text;
use lockstep_model::value::is_empty;
use lockstep_model::{Path, ReadRecord, Timestamp, Value};
use serde_json::Map;
use xxhash_rust::xxh3::xxh3_64;

use super::settings::{Kind, PARENT};
use crate::files::edit::{self, Edit, Shape};
use crate::key::{self, escaped};
use crate::{Action, Outcome, RecordFault, Write};

/// The list of a record.
pub(super) struct List<'k> {
    kind: &'k Kind,
    /// Lists in its elements whose own elements are records: they are no part of an element's
    /// state.
    within: Vec<&'k Path>,
    /// The id of the record that it stands in, and whether ids there are numbers.
    parent: &'k str,
    has_numbers: bool,
    /// What the ids of its elements begin with.
    beginning: String,
    elements: Vec<Value>,
    /// Its record shows it. R5: what stands in a list that is left out, nobody knows.
    is_shown: bool,
    /// Where a record leaves the list out, it has none to be lost: a line of a file.
    shows_all_there_is: bool,
    /// It is kept as JSON in a text: a column of a database.
    in_text: bool,
}

/// What a write has done to a list.
pub(super) enum Applied {
    /// The element with this id is as it was to be.
    Put(String),
    Removed(String),
}

impl<'k> List<'k> {
    /// `Err` where the record holds no list there.
    pub fn of(
        (kind, within): (&'k Kind, Vec<&'k Path>),
        parent: &'k str,
        beginning: String,
        (has_numbers, in_text, shows_all_there_is): (bool, bool, bool),
        value: Option<&Value>,
    ) -> Result<List<'k>, String> {
        let mut in_text = in_text;
        let is_shown = value.is_some();
        let elements = match value {
            None => vec![],
            Some(Value::Array(elements)) => elements.clone(),
            Some(Value::String(text)) if text.trim_start().starts_with('[') => {
                in_text = true;
                let place = format!("{} of {}/{parent}", kind.list, kind.parent);
                serde_json::from_str(text)
                    .map_err(|error| format!("{place} is no list in JSON: {error}"))?
            }
            Some(empty) if is_empty(empty) => {
                in_text |= empty.is_string();
                vec![]
            }
            // One element may stand there by itself.
            Some(object @ Value::Object(_)) => vec![object.clone()],
            Some(_) => {
                return Err(format!(
                    "{} of {}/{parent} is no list of objects",
                    kind.list, kind.parent
                ));
            }
        };
        Ok(List {
            kind,
            within,
            parent,
            has_numbers,
            beginning,
            elements,
            is_shown,
            shows_all_there_is,
            in_text,
        })
    }

    /// R5: what keeps anybody from saying that an element is not there.
    pub fn untold(&self) -> Option<String> {
        let Kind { list, parent, .. } = self.kind;
        (!self.is_shown).then(|| {
            format!(
                "{parent}/{} does not show {list}: what has none shows an empty list, []",
                self.parent
            )
        })
    }

    /// The list as its record holds it.
    pub fn written(&self) -> Value {
        let list = Value::Array(self.elements.clone());
        if self.in_text { Value::String(list.to_string()) } else { list }
    }

    /// What tells two states of an element apart.
    fn version_of(&self, element: &Value) -> String {
        let mut element = Cow::Borrowed(element);
        for list in &self.within {
            take_out(element.to_mut(), &list.steps().collect::<Vec<_>>());
        }
        format!("{:016x}", xxh3_64(element.to_string().as_bytes()))
    }

    /// What tells it from the others of its list; `None` where a part of that is missing.
    fn own_id(&self, element: &Value) -> Option<String> {
        element.as_object()?;
        if let [id] = &self.kind.id[..] {
            let text = id.get(element).as_ref().and_then(id_text)?;
            return Some(match escaped(&text) {
                Cow::Owned(escaped) => escaped,
                Cow::Borrowed(_) => text,
            });
        }
        let part = |id: &Path| id.get(element).as_ref().and_then(id_text);
        Some(key::join(self.kind.id.iter().map(part).collect::<Option<Vec<_>>>()?))
    }

    fn id_of(&self, element: &Value) -> Option<String> {
        Some(format!("{}{}", self.beginning, self.own_id(element)?))
    }

    /// The place of the element with this id; `Err` where several have it.
    fn place_of(&self, id: &str) -> Result<Option<usize>, String> {
        let mut places = self
            .elements
            .iter()
            .enumerate()
            .filter(|(_, element)| self.id_of(element).as_deref() == Some(id));
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(Some(place)),
            (None, _) => Ok(None),
            (Some((_, element)), Some(_)) => Err(self.repeated(element)),
        }
    }

    fn repeated(&self, element: &Value) -> String {
        let own = self.own_id(element).unwrap_or_default();
        let (list, id) = (&self.kind.list, self.kind.id_text());
        format!(
            "several elements of {list} have the {id} {own}, so none of them is told from the others: give each its own"
        )
    }

    fn as_record(
        &self,
        id: String,
        element: &Value,
        watch: &[PropertyRef],
        modified: Option<Timestamp>,
    ) -> ReadRecord {
        let value = |property: &PropertyRef| match property.path.as_str() {
            PARENT => Some(self.reference()),
            _ => edit::read(element, property),
        };
        let version = Some(self.version_of(element));
        ReadRecord {
            id,
            version,
            modified,
            deleted: false,
            values: watch.iter().map(value).collect(),
        }
    }

    fn reference(&self) -> Value {
        let number = self.has_numbers.then(|| self.parent.parse::<i64>().ok()).flatten();
        number.map_or_else(|| Value::from(self.parent), Value::from)
    }

    /// The elements as records. What can't be one is told.
    pub fn records(
        &self,
        watch: &[PropertyRef],
        modified: Option<Timestamp>,
        records: &mut Vec<ReadRecord>,
        faults: &mut Vec<RecordFault>,
    ) {
        let ids: Vec<Option<String>> =
            self.elements.iter().map(|element| self.id_of(element)).collect();
        let mut times: HashMap<&str, usize> = HashMap::new();
        ids.iter().flatten().for_each(|id| *times.entry(id).or_default() += 1);
        for (at, (element, id)) in self.elements.iter().zip(&ids).enumerate() {
            let place = || {
                format!(
                    "{}/{}, element {} of {}",
                    self.kind.parent,
                    self.parent,
                    at + 1,
                    self.kind.list
                )
            };
            let Some(id) = id else {
                if !is_empty(element) {
                    let message = format!(
                        "it has no {}, by which it is told from the others: give it one",
                        self.kind.id_text()
                    );
                    faults.push(RecordFault { part: false, place: place(), message, id: None });
                }
                continue;
            };
            if times[id.as_str()] > 1 {
                faults.push(RecordFault {
                    part: false,
                    place: place(),
                    message: self.repeated(element),
                    id: Some(id.clone()),
                });
                continue;
            }
            records.push(self.as_record(id.clone(), element, watch, modified));
        }
    }

    /// The element with this id as a record.
    pub fn record(
        &self,
        id: &str,
        watch: &[PropertyRef],
        modified: Option<Timestamp>,
    ) -> Result<Option<ReadRecord>, String> {
        let place = self.place_of(id)?;
        if let (None, Some(untold)) = (place, self.untold()) {
            return Err(untold);
        }
        Ok(place
            .map(|place| self.as_record(id.to_string(), &self.elements[place], watch, modified)))
    }

    /// Carries out a write on the list in memory. `Err` is what becomes of it where it can't be.
    pub fn apply(&mut self, watch: &[PropertyRef], write: &Write) -> Result<Applied, Outcome> {
        let (id, version) = match &write.action {
            Action::Create => return self.create(watch, write),
            Action::Update { id, version } | Action::Delete { id, version } => (id, version),
            Action::Restore { id } => {
                return Err(Outcome::Gone { message: format!("the element {id} was removed") });
            }
        };
        let place =
            self.place_of(id).map_err(|message| Outcome::Rejected { prop: None, message })?;
        if let (None, Some(message)) = (place, self.untold()) {
            return Err(Outcome::Later { retry_after_ms: None, message });
        }
        let Some(place) = place else {
            return Err(Outcome::Gone {
                message: format!("{} of {} has no element {id}", self.kind.list, self.parent),
            });
        };
        if version
            .as_ref()
            .is_some_and(|version| *version != self.version_of(&self.elements[place]))
        {
            return Err(Outcome::Conflict {
                message: format!("the element {id} was changed after it was read"),
            });
        }
        if let Action::Delete { .. } = write.action {
            self.elements.remove(place);
            return Ok(Applied::Removed(id.clone()));
        }
        let mut element = self.elements[place].clone();
        self.put(&mut element, watch, write)?;
        self.elements[place] = element;
        Ok(Applied::Put(id.clone()))
    }

    fn create(&mut self, watch: &[PropertyRef], write: &Write) -> Result<Applied, Outcome> {
        if let Some(message) = self.untold().filter(|_| !self.shows_all_there_is) {
            return Err(Outcome::Later { retry_after_ms: None, message });
        }
        let mut element = Value::Object(Map::new());
        let is_given = |id: &Path| {
            let mut values = write.values.iter();
            values.any(|value| watch[value.prop].path == *id && !is_empty(&value.value))
        };
        // Of a key of several parts none can be made up: together they say what the element is.
        if let [id] = &self.kind.id[..]
            && !is_given(id)
        {
            self.set(&mut element, &PropertyRef::new(id.clone()), &self.next_id(id, &write.token))
                .map_err(|message| Outcome::Rejected { prop: None, message })?;
        }
        self.put(&mut element, watch, write)?;
        let Some(id) = self.id_of(&element) else {
            let lacks = |id: &&Path| id.get(&element).as_ref().and_then(id_text).is_none();
            let part = self.kind.id.iter().find(lacks).unwrap_or(&self.kind.id[0]);
            let prop = watch.iter().position(|watched| watched.path == *part);
            let what = if is_given(part) { "and can be no id" } else { "and has no value" };
            let message = format!("{part} is to tell the element from the others, {what}");
            return Err(Outcome::Rejected { prop, message });
        };
        if self.elements.iter().any(|other| self.id_of(other).as_ref() == Some(&id)) {
            let message =
                format!("{} of {} has an element {id} already", self.kind.list, self.parent);
            return Err(Outcome::Duplicate { id: Some(id), message });
        }
        self.elements.push(element);
        Ok(Applied::Put(id))
    }

    fn put(
        &self,
        element: &mut Value,
        watch: &[PropertyRef],
        write: &Write,
    ) -> Result<(), Outcome> {
        for value in &write.values {
            let property = &watch[value.prop];
            if property.path.as_str() == PARENT {
                continue;
            }
            Edit {
                value: &value.value,
                displaced: &value.displaced,
                shape: &Shape::default(),
                watch,
            }
            .put(element, property)
            .map_err(|message| Outcome::Rejected { prop: Some(value.prop), message })?;
        }
        Ok(())
    }

    fn set(
        &self,
        element: &mut Value,
        property: &PropertyRef,
        value: &Value,
    ) -> Result<(), String> {
        Edit { value, displaced: &Value::Null, shape: &Shape::default(), watch: &[] }
            .put(element, property)
    }

    /// An id for a new element: the next number where all are numbers, else one made of the write.
    fn next_id(&self, id: &Path, token: &str) -> Value {
        let numbers: Option<Vec<i64>> =
            self.elements.iter().map(|element| id.get(element)?.as_i64()).collect();
        match numbers {
            Some(numbers) => Value::from(numbers.into_iter().max().unwrap_or(0).max(0) + 1),
            None => Value::from(format!("{:016x}", xxh3_64(token.as_bytes()))),
        }
    }
}

/// Takes out what a path leads to.
fn take_out(value: &mut Value, steps: &[&str]) {
    match (steps, value) {
        ([last], Value::Object(map)) => drop(map.remove(*last)),
        ([step, rest @ ..], Value::Object(map)) => {
            if let Some(below) = map.get_mut(*step) {
                take_out(below, rest);
            }
        }
        _ => {}
    }
}

/// The answer to a write: what the list shows of its element now. Where it does not, the hub looks.
pub(super) fn answer(list: Option<&List<'_>>, done: &Applied, watch: &[PropertyRef]) -> ReadRecord {
    let untold = |id: &str, deleted| {
        let values = watch.iter().map(|_| None).collect();
        ReadRecord { id: id.to_string(), version: None, modified: None, deleted, values }
    };
    match done {
        Applied::Removed(id) => untold(id, true),
        Applied::Put(id) => {
            let shown = list.and_then(|list| list.record(id, watch, None).ok().flatten());
            shown.unwrap_or_else(|| untold(id, false))
        }
    }
}
