//! A system of which nothing is known but a description: record types, properties with their types,
//! lists and references.
//!
//! It speaks plain JSON over HTTP as a decent interface does: `GET /{Type}` in pages (`offset`,
//! `limit`), of all records or of those changed since a time (`since`), or of those that hold a
//! value (`property`, `is`); `POST`, and `GET`, `PATCH` and `DELETE` by id. A record carries `_id`,
//! `_version` (counted up with every change; a `PATCH` may demand it with `If-Match`) and
//! `_modified`. A value of the wrong type, an unknown property and a reference to nothing are
//! refused with the property's name.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::emulator::{Emulator, Limit};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::json as tree;

/// The key that opens every described system.
pub const KEY: &str = "sandbox-described-key";

/// A system to be emulated from a description.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// Its name, which is also its path prefix.
    pub name: String,
    pub types: Vec<DescribedType>,
}

/// A record type of a described system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DescribedType {
    pub name: String,
    pub properties: Vec<DescribedProperty>,
}

/// A property of a described record type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DescribedProperty {
    /// Names with dots between them.
    pub path: String,
    #[serde(default)]
    pub kind: Kind,
    /// It is a list of such values; with `value`, of objects that have one.
    #[serde(default)]
    pub list: bool,
    /// The child that is its value, where it is an object or a list of objects.
    #[serde(default)]
    pub value: Option<String>,
    /// It holds the id of a record of this type of the same system.
    #[serde(default)]
    pub refers_to: Option<String>,
}

/// What a property holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    #[default]
    Text,
    Integer,
    Number,
    Boolean,
    /// A point in time.
    Moment,
    Day,
    /// A whole list.
    List,
    Anything,
}

#[derive(Clone)]
struct Collection {
    name: &'static str,
    properties: Vec<DescribedProperty>,
    table: Table,
}

/// One described system.
#[derive(Clone)]
pub(crate) struct System {
    collections: BTreeMap<&'static str, Collection>,
    names: &'static [&'static str],
    next: i64,
}

impl System {
    /// The system without records. Its names live as long as the program, as those of the six do.
    pub fn new(described: &Described, lag: SignedDuration) -> Self {
        let mut collections = BTreeMap::new();
        for ty in &described.types {
            let name: &'static str = Box::leak(ty.name.clone().into_boxed_str());
            let table = Table::new(|_| Vec::new(), lag);
            collections.insert(name, Collection { name, properties: ty.properties.clone(), table });
        }
        let names: Vec<&'static str> = collections.keys().copied().collect();
        Self { collections, names: Box::leak(names.into_boxed_slice()), next: 1000 }
    }

    /// Why a record can't be so, with the property that is to blame.
    fn wrong(&self, collection: &Collection, given: &Value) -> Option<(String, String)> {
        let Some(fields) = given.as_object() else {
            return Some((String::new(), "a JSON object is expected".into()));
        };
        for name in fields.keys() {
            let known = |p: &DescribedProperty| p.path.split('.').next() == Some(name);
            if !name.starts_with('_') && !collection.properties.iter().any(known) {
                return Some((name.clone(), format!("there is no property {name}")));
            }
        }
        collection.properties.iter().find_map(|property| {
            let held = tree::at(given, &property.path);
            if held.is_null() {
                return None;
            }
            let values: Vec<&Value> = match (held, property.list, &property.value) {
                (Value::Array(elements), true, Some(child)) => {
                    elements.iter().map(|element| &element[child]).collect()
                }
                (Value::Array(elements), true, None) => elements.iter().collect(),
                (_, true, _) => return Some((property.path.clone(), "a list is expected".into())),
                (Value::Object(_), false, Some(child)) => vec![&held[child]],
                (one, ..) => vec![one],
            };
            let refused = values.into_iter().find_map(|value| self.refuses(property, value))?;
            Some((property.path.clone(), refused))
        })
    }

    fn refuses(&self, property: &DescribedProperty, value: &Value) -> Option<String> {
        if let Some(to) = &property.refers_to {
            let id = value
                .as_str()
                .map(str::to_owned)
                .or_else(|| value.as_i64().map(|id| id.to_string()))
                .unwrap_or_default();
            let known =
                self.collections.get(to.as_str()).is_some_and(|other| other.table.contains(&id));
            return (!known && !value.is_null())
                .then(|| format!("there is no {to} with the id {id}"));
        }
        let time = |text: &str| text.parse::<Timestamp>().is_ok();
        let fits = match (property.kind, value) {
            (_, Value::Null) | (Kind::Anything, _) => true,
            (Kind::Text, Value::String(_))
            | (Kind::Boolean, Value::Bool(_))
            | (Kind::List, Value::Array(_)) => true,
            (Kind::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
            (Kind::Number, Value::Number(_)) => true,
            // Amounts travel as text too, so that no binary fraction rounds them.
            (Kind::Number, Value::String(text)) => text.trim().parse::<f64>().is_ok(),
            (Kind::Moment, Value::String(text)) => time(text),
            (Kind::Day, Value::String(text)) => text.parse::<jiff::civil::Date>().is_ok(),
            _ => false,
        };
        (!fits).then(|| format!("{value} is not of the property's type"))
    }

    /// Stores a patch over a record, or a new one.
    fn store(
        &mut self,
        name: &str,
        id: Option<&str>,
        patch: &Value,
        now: Timestamp,
    ) -> Result<(Value, bool), (String, String)> {
        let collection = &self.collections[name];
        if let Some(wrong) = self.wrong(collection, patch) {
            return Err(wrong);
        }
        let stored = id.and_then(|id| collection.table.get(id)).cloned();
        let mut record = stored.clone().unwrap_or_else(|| json!({}));
        let mut patch = patch.clone();
        if let Some(fields) = patch.as_object_mut() {
            fields.retain(|name, _| !name.starts_with('_'));
        }
        tree::merge(&mut record, &patch, true);
        if stored.as_ref() == Some(&record) {
            return Ok((record, false));
        }
        if stored.is_none() {
            self.next += 1;
            let letters: String = name.chars().filter(char::is_ascii_alphabetic).take(3).collect();
            record["_id"] = json!(format!("{}{}", letters.to_lowercase(), self.next));
        }
        record["_version"] = json!(record["_version"].as_i64().unwrap_or(0) + 1);
        record["_modified"] = json!(now.to_string());
        let id = record["_id"].as_str().unwrap_or_default().to_owned();
        if let Some(collection) = self.collections.get_mut(name) {
            collection.table.put(&id, record.clone(), now);
        }
        Ok((record, true))
    }

    fn list(&self, collection: &Collection, request: &Request, now: Timestamp) -> Reply {
        let number =
            |name: &str, otherwise: usize| request.number(name).ok().flatten().unwrap_or(otherwise);
        let (offset, limit) = (number("offset", 0), number("limit", 100).clamp(1, 1000));
        let since: Option<Timestamp> = request.param("since").and_then(|text| text.parse().ok());
        let holds = |record: &Value| match (request.param("property"), request.param("is")) {
            (Some(path), Some(wanted)) => {
                let text =
                    |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                held(record, path).into_iter().any(|value| text(value) == wanted)
            }
            _ => true,
        };
        let changed = |record: &Value| {
            let modified =
                record["_modified"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            since.is_none_or(|since| modified.is_none_or(|modified| modified >= since))
        };
        let all: Vec<&Value> = collection
            .table
            .listed(now)
            .filter(|record| changed(record) && holds(record))
            .collect();
        let items: Vec<&Value> = all.iter().skip(offset).take(limit).copied().collect();
        Reply::json(200, &json!({"total": all.len(), "items": items}))
    }

    /// The collection that a path segment means.
    fn named(&self, segment: &str) -> Option<&'static str> {
        self.collections.get(segment).map(|collection| collection.name)
    }
}

impl Emulator for System {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.collections.values_mut().map(|collection| &mut collection.table).collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        if request.credential("Bearer") != Some(KEY) {
            return self.unauthorized();
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let Some(name) = segments.first().and_then(|segment| self.named(segment)) else {
            return refused(404, "", "there is no such collection");
        };
        let body = || request.json().unwrap_or(Value::Null);
        match (request.method.as_str(), &segments[1..]) {
            ("GET", []) => self.list(&self.collections[name], request, now),
            ("POST", []) => match self.store(name, None, &body(), now) {
                Ok((record, _)) => Reply::json(201, &record).wrote(name, Act::Create, true),
                Err((property, message)) => refused(400, &property, &message),
            },
            (method, [id]) => {
                let Some(stored) = self.collections[name].table.get(id) else {
                    return refused(404, "", "there is no record with this id");
                };
                match method {
                    "GET" => Reply::json(200, stored),
                    "PATCH" => {
                        let demanded =
                            request.header("if-match").map(|text| text.trim_matches('"'));
                        let version = stored["_version"].to_string();
                        if demanded.is_some_and(|demanded| demanded != version) {
                            return refused(412, "", "the record has another version");
                        }
                        match self.store(name, Some(id), &body(), now) {
                            Ok((record, changed)) => {
                                Reply::json(200, &record).wrote(name, Act::Update, changed)
                            }
                            Err((property, message)) => refused(400, &property, &message),
                        }
                    }
                    "DELETE" => {
                        if let Some(collection) = self.collections.get_mut(name) {
                            collection.table.remove(id, now);
                        }
                        Reply::empty(204).wrote(name, Act::Delete, true)
                    }
                    _ => refused(405, "", "there is no such request"),
                }
            }
            _ => refused(404, "", "there is no such request"),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        &[]
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        refused(429, "", "too many requests").header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        refused(401, "", "the key is missing or wrong")
    }

    fn expire_tokens(&mut self) {}

    fn collections(&self) -> &'static [&'static str] {
        self.names
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        self.collections
            .get(collection)
            .map(|c| c.table.current().cloned().collect())
            .unwrap_or_default()
    }

    fn id_of(&self, _: &'static str, record: &Value) -> String {
        record["_id"].as_str().unwrap_or_default().to_owned()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        self.store(collection, None, &body, now)
            .map(|(record, _)| record)
            .map_err(|(property, why)| format!("{property}: {why}"))
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let edited = self.store(collection, Some(id), patch, now);
        edited.map(|(record, _)| record).map_err(|(property, why)| format!("{property}: {why}"))
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        Ok(self.collections.get_mut(collection).is_some_and(|c| c.table.remove(id, now)))
    }
}

/// What is at a path, of all elements where it leads through lists.
fn held<'v>(record: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = vec![record];
    for step in path.split('.') {
        let mut below = Vec::new();
        for value in found {
            match value {
                Value::Array(elements) => {
                    below.extend(elements.iter().map(|element| &element[step]))
                }
                other => below.push(&other[step]),
            }
        }
        found = below;
    }
    found
}

fn refused(status: u16, property: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"property": property, "message": message}}))
}
