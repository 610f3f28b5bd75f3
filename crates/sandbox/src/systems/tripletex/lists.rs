//! Lists: parameters by name, `from` and `count`, `sorting`, the envelope.

use super::base::{Refusal, Tripletex, invalid, refusal};
use super::fields::Fields;
use super::types::{How, RESOURCES, place};
use crate::http::{Reply, Request};
use crate::util::json as tree;
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cmp::Ordering;

const PAGING: [&str; 4] = ["from", "count", "sorting", "fields"];
const COUNT: usize = 1000;
/// More records in one answer than this are refused.
const MOST: usize = 10_000;

fn format(name: &str, text: &str, expected: &str) -> Refusal {
    Refusal {
        developer: json!(format!("{name}: Expected {expected}. For input string: \"{text}\"")),
        ..refusal(422, 21000, "Wrong data format")
    }
}

impl Tripletex {
    pub(super) fn list(
        &self,
        at: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let resource = &RESOURCES[at];
        let known: Vec<&str> =
            resource.parameters.iter().map(|(name, ..)| *name).chain(PAGING).collect();
        let fields = self.parameters(request, &known)?;
        let fields = Fields::parse(&fields.unwrap_or_default(), at)?;
        let missing: Vec<(Value, String)> = resource
            .parameters
            .iter()
            .filter(|(name, _, needed)| *needed && request.param(name).is_none_or(str::is_empty))
            .map(|(name, ..)| (json!(name), "Kan ikke være null.".to_owned()))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal { developer: Value::Null, validation: missing, ..invalid("", "") });
        }
        let number = |name: &str, or: usize| match request.param(name) {
            None | Some("") => Ok(or),
            Some(text) => text.parse::<usize>().map_err(|_| format(name, text, "number")),
        };
        let (from, count) = (number("from", 0)?, number("count", COUNT)?);
        if count > MOST {
            return Err(refusal(422, 23000, "Result set too large"));
        }
        let mut records: Vec<&Value> = self.tables[at].listed(now).collect();
        for (name, how, _) in resource.parameters {
            narrow(&mut records, name, *how, request.param(name).filter(|text| !text.is_empty()))?;
        }
        self.sort(at, &mut records, request.param("sorting").unwrap_or_default())?;
        let total = records.len();
        let values: Vec<Value> = records
            .into_iter()
            .skip(from)
            .take(count)
            .map(|record| self.shown(at, record, &fields, &request.base))
            .collect();
        let digest = digest(&values);
        let told = match request.header("if-none-match") {
            Some(known) if known.trim_matches('"') == digest => return Ok(Reply::empty(304)),
            Some(_) => json!(digest),
            None => json!("'If-None-Match' header not specified"),
        };
        Ok(Reply::json(
            200,
            &json!({"fullResultSize": total, "from": from, "count": values.len(), "versionDigest": told, "values": values}),
        ))
    }

    /// `name,-customer.name`.
    fn sort(&self, at: usize, records: &mut [&Value], sorting: &str) -> Result<(), Refusal> {
        let mut columns = Vec::new();
        for part in sorting.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (path, down) = match part.strip_prefix('-') {
                Some(path) => (path, true),
                None => (part, false),
            };
            let first = path.split('.').next().unwrap_or_default();
            let known = ["id", "version"].contains(&first)
                || RESOURCES[at].properties.iter().any(|own| own.name == first);
            if !known {
                return Err(Refusal {
                    developer: json!(format!("Illegal field in sorting: {path}")),
                    ..refusal(422, 17000, "Sorting Exception")
                });
            }
            columns.push((path, down));
        }
        records.sort_by(|a, b| {
            columns
                .iter()
                .map(|(path, down)| {
                    let order = compare(&self.at(at, a, path), &self.at(at, b, path));
                    if *down { order.reverse() } else { order }
                })
                .find(|order| *order != Ordering::Equal)
                .unwrap_or_else(|| a["id"].as_i64().cmp(&b["id"].as_i64()))
        });
        Ok(())
    }

    /// The value at a path, through other records.
    fn at(&self, at: usize, record: &Value, path: &str) -> Value {
        let Some((first, rest)) = path.split_once('.') else { return record[path].clone() };
        let property = RESOURCES[at].properties.iter().find(|own| own.name == first);
        match property.map(|own| own.kind) {
            Some(super::types::Kind::Ref(path)) => {
                let other = place(path).unwrap_or_default();
                match record[first]["id"].as_i64() {
                    Some(id) => self.at(other, self.record(other, id), rest),
                    None => Value::Null,
                }
            }
            _ => tree::at(&record[first], rest).clone(),
        }
    }
}

fn narrow(
    records: &mut Vec<&Value>,
    name: &str,
    how: How,
    asked: Option<&str>,
) -> Result<(), Refusal> {
    let Some(text) = asked else {
        if let How::IsOrNot(property) = how {
            records.retain(|record| record[property] == false);
        }
        return Ok(());
    };
    let words = |record: &Value, path: &str| match tree::at(record, path) {
        Value::String(text) => text.to_lowercase(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let wanted = text.to_lowercase();
    match how {
        How::Idle => {}
        How::Among(path) => {
            let all: Vec<&str> = wanted.split(',').map(str::trim).collect();
            if path.ends_with("id") && all.iter().any(|id| id.parse::<i64>().is_err()) {
                return Err(format(name, text, "list of numbers"));
            }
            records.retain(|record| all.contains(&words(record, path).as_str()));
        }
        How::Same(path) => records.retain(|record| words(record, path) == wanted),
        How::Contains(path) => records.retain(|record| words(record, path).contains(&wanted)),
        How::Is(property) | How::IsOrNot(property) => {
            let Ok(flag) = wanted.parse::<bool>() else {
                return Err(format(name, text, "boolean"));
            };
            records.retain(|record| record[property] == flag);
        }
        How::From(path) | How::Until(path) => {
            let later = matches!(how, How::From(_));
            if name.contains("Date") {
                if time::parse(text).is_none() || text.len() != 10 {
                    return Err(format(name, text, "date"));
                }
                records.retain(|record| (words(record, path).as_str() >= text) == later);
            } else {
                let Ok(limit) = text.parse::<f64>() else {
                    return Err(format(name, text, "number"));
                };
                records.retain(|record| (record[path].as_f64().unwrap_or(0.0) >= limit) == later);
            }
        }
        How::ChangedSince => {
            let Some(limit) = time::parse(text) else {
                return Err(format(name, text, "date time"));
            };
            records.retain(|record| {
                record["_changes"]
                    .as_array()
                    .and_then(|changes| changes.last())
                    .and_then(|change| change["timestamp"].as_str())
                    .and_then(time::parse)
                    .is_some_and(|at| at >= limit)
            });
        }
    }
    Ok(())
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
            text(a).cmp(&text(b))
        }
    }
}

fn digest(values: &[Value]) -> String {
    let text = Value::Array(values.to_vec()).to_string();
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
