//! Salesforce, against the typings of its standard objects that npm `jsforce` has.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Description, fits, typings};
use crate::serving::Asked;

/// Fields by object, each with its type as it is written.
struct Objects(BTreeMap<String, BTreeMap<String, String>>);

impl Objects {
    fn read(text: &str) -> Objects {
        let mut all = BTreeMap::new();
        for part in text.split("\ntype Fields$").skip(1) {
            let Some((name, rest)) = part.split_once(" = {") else { continue };
            let body = rest.split("\n}").next().unwrap_or_default();
            let field = |line: &str| {
                let (name, ty) = line.trim().trim_end_matches(';').split_once(": ")?;
                Some((name.to_string(), ty.to_string()))
            };
            all.insert(name.to_string(), body.lines().filter_map(field).collect());
        }
        Objects(all)
    }

    /// What of a list of fields an object does not have.
    fn unknown<'f>(&self, object: &str, fields: impl Iterator<Item = &'f str>) -> Vec<String> {
        let Some(known) = self.0.get(object) else { return vec![format!("no object {object}")] };
        let fields = fields.map(str::trim).filter(|field| !known.contains_key(*field));
        fields.map(|field| format!("{object} has no {field}")).collect()
    }

    /// `SELECT … FROM … [WHERE … ] [LIMIT …]`
    fn query(&self, query: &str) -> Vec<String> {
        let Some((fields, rest)) =
            query.strip_prefix("SELECT ").and_then(|rest| rest.split_once(" FROM "))
        else {
            return vec![format!("no query: {query}")];
        };
        let (object, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if object == "Organization" {
            return vec![];
        }
        let mut remarks = self.unknown(object, fields.split(','));
        if let Some(condition) = rest.strip_prefix("WHERE ") {
            let mut words = condition.splitn(3, ' ');
            let (field, sign, value) =
                (words.next().unwrap(), words.next().unwrap_or_default(), words.next());
            let ty = self.0.get(object).and_then(|known| known.get(field));
            let value = value.unwrap_or_default().split(" LIMIT").next().unwrap();
            let right = match (ty.map(String::as_str), sign) {
                // Times have no quotation marks, texts do.
                (Some("DateString"), ">") => value.ends_with('Z') && !value.contains('\''),
                (Some(ty), "=") => {
                    ty.starts_with("string") && value.starts_with('\'') && value.ends_with('\'')
                }
                _ => false,
            };
            if !right {
                remarks.push(format!("no such condition: {condition}"));
            }
        }
        remarks
    }
}

/// The objects, below the version.
fn path(asked: &Asked) -> Option<String> {
    let path = asked.path.split('?').next()?.strip_prefix("/services/data/v62.0")?;
    Some(percent_decode_str(path).decode_utf8().ok()?.into_owned())
}

fn parameter(asked: &Asked, name: &str) -> Option<String> {
    let query = asked.path.split_once('?')?.1;
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")))?;
    Some(percent_decode_str(pair).decode_utf8().ok()?.into_owned())
}

impl Description for Objects {
    fn remarks(&self, asked: &Asked) -> Vec<String> {
        let Some(path) = path(asked) else { return vec!["not below the version".into()] };
        let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (asked.method.as_str(), steps.as_slice()) {
            ("GET", ["limits"]) => vec![],
            ("GET", ["query" | "queryAll"]) => {
                self.query(&parameter(asked, "q").unwrap_or_default())
            }
            ("GET", ["sobjects", object, _]) => {
                let fields = parameter(asked, "fields").unwrap_or_default();
                self.unknown(object, fields.split(','))
            }
            ("DELETE", ["sobjects", object, _]) => self.unknown(object, std::iter::empty()),
            ("POST", ["sobjects", object]) | ("PATCH", ["sobjects", object, _]) => {
                let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
                let sent = body.as_object().cloned().unwrap_or_default();
                let mut remarks = self.unknown(object, sent.keys().map(String::as_str));
                for (name, value) in &sent {
                    let Some(ty) = self.0.get(*object).and_then(|known| known.get(name)) else {
                        continue;
                    };
                    let fits = match value {
                        Value::Null => ty.ends_with("| null"),
                        Value::Bool(_) => ty.starts_with("boolean"),
                        Value::Number(_) => ty.starts_with("number"),
                        _ => ty.starts_with("string") || ty.starts_with("DateString"),
                    };
                    if !fits {
                        remarks.push(format!("{name} is {ty}, and not {value}"));
                    }
                }
                remarks
            }
            _ => vec!["no such request".into()],
        }
    }

    fn missing(&self, asked: &Asked, _: &str, property: &str) -> Option<String> {
        let path = path(asked)?;
        let query = parameter(asked, "q").unwrap_or_default();
        let fields = parameter(asked, "fields")
            .or_else(|| Some(query.strip_prefix("SELECT ")?.split_once(" FROM ")?.0.to_string()))?;
        // What is not asked for is not shown.
        let asked_for = fields.split(',').any(|field| field.trim() == property);
        (!asked_for).then(|| format!("{property} is not asked for at {path}"))
    }
}

#[test]
fn every_request_is_one_of_the_standard_objects() {
    let Some(text) = typings("jsforce/src/types/standard-schema.ts") else { return };
    let objects = Objects::read(&text);
    assert!(objects.0.len() > 100, "{}", objects.0.len());
    let keys = [("client_id", "id"), ("client_secret", "secret")];
    fits(
        "salesforce",
        &keys,
        &objects,
        &[
            "/services/oauth2/token",
            // Nobody is without these, and the typings say so.
            "IsActive is boolean, and not null",
            "OwnerId is string, and not null",
            "Status is string, and not null",
        ],
    );
}

#[test]
fn a_time_as_the_vendor_writes_it_is_understood() {
    let shown = serde_json::json!("2026-01-31T10:00:00.000+0000");
    let read = lockstep_model::Timestamp::read(&shown).unwrap().unwrap();
    assert_eq!(read.at.to_string(), "2026-01-31T10:00:00Z");
}
