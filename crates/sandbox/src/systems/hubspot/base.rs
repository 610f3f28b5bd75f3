//! What every part of the emulator works on: its state, refusals, times.

use super::types::OBJECTS;
use crate::http::{Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::text::email_key;
use serde_json::{Value, json};

/// Two records that belong together, in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub from: (usize, String),
    pub to: (usize, String),
    pub number: u64,
}

#[derive(Clone)]
pub(crate) struct HubSpot {
    /// In the order of [`OBJECTS`].
    pub(super) tables: Vec<Table>,
    /// What was archived, by object.
    pub(super) archived: Vec<Vec<Value>>,
    pub(super) owners: Table,
    pub(super) links: Vec<Link>,
    pub(super) next: u64,
    pub(super) ids: Source,
    pub(super) call_at: Option<String>,
    pub(super) events: u64,
    /// The last request was a search, whose answers say nothing of limits.
    pub(super) searched: bool,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: u16,
    pub category: Option<&'static str>,
    pub message: String,
    /// What is wrong with which property.
    pub errors: Vec<Value>,
}

pub(super) fn refusal(status: u16, category: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, category: Some(category), message: message.into(), errors: Vec::new() }
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    refusal(400, "VALIDATION_ERROR", message)
}

/// A refusal without a category.
pub(super) fn plain(status: u16, message: &str) -> Refusal {
    Refusal { status, category: None, message: message.into(), errors: Vec::new() }
}

/// There is no such record, or it is archived.
pub(super) fn not_found() -> Refusal {
    plain(404, "resource not found")
}

impl HubSpot {
    pub(super) fn refuse(&mut self, refusal: Refusal) -> Reply {
        let mut body = json!({"status": "error", "message": refusal.message, "correlationId": self.ids.uuid()});
        if let Some(category) = refusal.category {
            body["category"] = json!(category);
        }
        if !refusal.errors.is_empty() {
            body["errors"] = json!(refusal.errors);
        }
        Reply::json(refusal.status, &body)
    }

    /// A number that no record has yet. They are not in a row.
    pub(super) fn new_id(&mut self) -> String {
        self.next += 1 + self.ids.below(40);
        self.next.to_string()
    }

    /// The record, archived or not.
    pub(super) fn find(&self, at: usize, id: &str, archived: bool) -> Option<&Value> {
        if archived {
            self.archived[at].iter().find(|record| record["id"] == id)
        } else {
            self.tables[at].get(id)
        }
    }
}

/// A property's value; empty where there is none.
pub(super) fn held<'a>(record: &'a Value, name: &str) -> &'a str {
    record["properties"][name].as_str().unwrap_or_default()
}

/// Look-up keys: the addresses of a contact.
pub(super) fn keys(record: &Value) -> Vec<String> {
    let Some(first) = tree::filled(&record["properties"], "email") else { return Vec::new() };
    std::iter::once(first)
        .chain(held(record, "hs_additional_emails").split(';'))
        .filter(|email| !email.is_empty())
        .map(|email| format!("email:{}", email_key(email)))
        .collect()
}

pub(super) fn body(request: &Request) -> Result<Value, Refusal> {
    if !request.header("content-type").is_some_and(|kind| kind.contains("json")) {
        return Err(plain(415, "Unsupported Media Type"));
    }
    request.json().filter(Value::is_object).ok_or_else(|| invalid("Invalid input JSON"))
}

/// Refuses parameters that an operation does not have.
pub(super) fn parameters(request: &Request, known: &[&str]) -> Result<(), Refusal> {
    match request.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(invalid(format!("there is no parameter {name} here"))),
        None => Ok(()),
    }
}

/// What a `properties` parameter names, once or more, with commas or without.
pub(super) fn named(request: &Request, parameter: &str) -> Vec<String> {
    request
        .query
        .iter()
        .filter(|(name, _)| name == parameter)
        .flat_map(|(_, value)| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// A record with the properties that are asked for; those that an object does not have are left
/// out, those without a value are null.
pub(super) fn shown(at: usize, record: &Value, names: &[String]) -> Value {
    let object = &OBJECTS[at];
    let mut properties = json!({});
    for name in object.shown {
        properties[*name] = record["properties"][*name].clone();
    }
    for property in names.iter().filter_map(|name| object.property(name)) {
        properties[property.name] = record["properties"][property.name].clone();
    }
    // These are always there.
    for name in ["createdate", "hs_object_id", object.modified] {
        properties[name] = record["properties"][name].clone();
    }
    let mut view = json!({"id": record["id"], "properties": properties, "createdAt": record["createdAt"], "updatedAt": record["updatedAt"], "archived": record["archived"]});
    if record["archived"] == true {
        view["archivedAt"] = record["archivedAt"].clone();
    }
    view
}
