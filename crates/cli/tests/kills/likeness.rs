//! What two worlds can be compared by: what every record of every system holds, without what a
//! world gives to chance (new ids, times, revisions), each reference by what it refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lockstep_sandbox::{Running, SYSTEMS, collections};
use serde_json::Value;

use crate::transcript::lockstep;

/// Properties that tell when or as which number a record was written.
const CHANCE: [&str; 14] = [
    "id",
    "Id",
    "revision",
    "url",
    "token",
    "EmployeeNo",
    "CustomerNo",
    "Code",
    "Number",
    "author_id",
    "next_page",
    "etag",
    "VersionTag",
    "contactId",
];

/// The ids by which records are referred to: long enough to be nothing else.
fn ids(record: &Value) -> Option<String> {
    let id = record.get("id").or_else(|| record.get("Id"))?;
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    (id.len() > 5 && !id.contains('@')).then_some(id)
}

/// A line for each record of each collection, sorted.
pub fn records(sandbox: &Running) -> Vec<String> {
    let mut all: Vec<(String, Value)> = Vec::new();
    for system in SYSTEMS {
        for collection in collections(system) {
            let of = sandbox.records(system, &collection).unwrap();
            all.extend(of.into_iter().map(|record| (format!("{system} {collection}"), record)));
        }
    }
    let names: BTreeMap<String, String> = all
        .iter()
        .filter_map(|(_, record)| Some((ids(record)?, texts(record).join(" "))))
        .collect();
    let mut lines: Vec<String> = all
        .into_iter()
        .map(|(place, mut record)| {
            // Zendesk gives a ticket the organization that its requester has at that moment, and
            // leaves it at that.
            if place == "zendesk tickets" {
                record["organization_id"] = Value::Null;
            }
            plain(&mut record, &names);
            format!("{place} {record}")
        })
        .collect();
    lines.sort();
    lines
}

/// The texts of a record that say who it is.
fn texts(record: &Value) -> Vec<&str> {
    let pointers = [
        "/name",
        "/email",
        "/subject",
        "/info/name/first",
        "/info/name/last",
        "/givenName",
        "/familyName",
        "/loginEmail",
    ];
    pointers.iter().filter_map(|pointer| record.pointer(pointer)?.as_str()).collect()
}

fn plain(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| !CHANCE.contains(&name.as_str()));
            object.iter_mut().for_each(|(_, inner)| plain(inner, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| plain(item, names)),
        Value::String(text) if is_time(text) => *value = "a time".into(),
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                *value = format!("→ {name}").into();
            }
        }
        Value::Number(number) => {
            if let Some(name) = names.get(&number.to_string()) {
                *value = format!("→ {name}").into();
            } else if number.as_i64().is_some_and(|n| n > 1_500_000_000_000) {
                *value = "a time".into();
            }
        }
        _ => {}
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[0].is_ascii_digit()
}

/// What waits for a person, by kind.
pub fn reviews(dir: &Path) -> Vec<String> {
    let status = lockstep(dir, &["status", "--format", "json"]).exits(0).json();
    status["reviews"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(kind, n)| format!("{n} × {kind}"))
        .collect()
}

/// How many records of each collection hold each e-mail address: a duplicate shows as one more,
/// whatever became of other values.
pub fn census(sandbox: &Running) -> Vec<String> {
    let mut found = Vec::new();
    for system in SYSTEMS {
        for collection in collections(system) {
            for record in sandbox.records(system, &collection).unwrap() {
                found.push(format!("{system} {collection}"));
                let text = record.to_string().to_lowercase();
                let mails: BTreeSet<&str> = text
                    .split('"')
                    .filter(|part| part.contains('@') && !part.contains(' '))
                    .collect();
                found.extend(mails.iter().map(|mail| format!("{system} {collection} {mail}")));
            }
        }
    }
    found.sort();
    found
}
