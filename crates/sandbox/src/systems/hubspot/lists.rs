//! Reading: one record, lists in pages, search, many by their ids.

use super::base::{HubSpot, Refusal, held, invalid, named, not_found, parameters, shown};
use super::types::{CONTACT, Kind, OBJECTS, Object};
use crate::http::{Reply, Request, percent_encode};
use crate::util::text::email_key;
use crate::util::time::{self, millis_z};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// A search shows so many and no more.
const REACH: usize = 10_000;

/// How many a page may have in a list, in a search, and how many ids a batch.
const PAGE: usize = 100;
const SEARCH_PAGE: usize = 200;
pub(super) const BATCH: usize = 100;

/// Filters of a search: groups, in a group, in all.
const GROUPS: usize = 5;
const FILTERS: usize = 6;
const ALL_FILTERS: usize = 18;

fn flag(request: &Request, name: &str) -> Result<bool, Refusal> {
    match request.param(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(invalid(format!("Invalid boolean '{other}' for {name}"))),
    }
}

fn number(request: &Request, name: &str, usual: usize, most: usize) -> Result<usize, Refusal> {
    match request.number(name) {
        Ok(None) => Ok(usual),
        Ok(Some(size)) if (1..=most).contains(&size) => Ok(size),
        Ok(Some(size)) => Err(invalid(format!("{name} was {size}; it is 1 to {most}"))),
        Err(text) => Err(invalid(format!("Invalid integer '{text}' for {name}"))),
    }
}

/// A record as a search compares it: by number, by time, or by its letters.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Number(f64),
    Text(String),
}

impl Key {
    fn of(kind: Kind, text: &str) -> Option<Self> {
        let millis = |at: Timestamp| at.as_millisecond() as f64;
        match kind {
            _ if text.is_empty() => None,
            Kind::Number | Kind::Company => text.parse().ok().map(Self::Number),
            Kind::Moment | Kind::Date => match text.parse::<f64>() {
                Ok(number) => Some(Self::Number(number)),
                Err(_) => time::parse(text).map(|at| Self::Number(millis(at))),
            },
            _ => Some(Self::Text(text.to_lowercase())),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// Whether a text matches a pattern with `*`, whole or one of its words.
fn has_token(text: &str, pattern: &str) -> bool {
    fn fits(text: &[u8], pattern: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|skip| fits(&text[skip..], rest)),
            [first, rest @ ..] => text.first() == Some(first) && fits(&text[1..], rest),
        }
    }
    std::iter::once(text)
        .chain(text.split(|c: char| !c.is_alphanumeric()))
        .any(|word| fits(word.as_bytes(), pattern.as_bytes()))
}

fn passes(object: &Object, record: &Value, filter: &Value) -> Result<bool, Refusal> {
    let name = filter["propertyName"].as_str().unwrap_or_default();
    let Some(property) = object.property(name) else {
        return Err(invalid(format!(
            "There was a problem with the request: property {name} does not exist"
        )));
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let asked = |name: &str| {
        let given = text(&filter[name]);
        Key::of(property.kind, &given).ok_or_else(|| {
            invalid(format!(
                "There was a problem with the request: {name} is missing or no value of {}",
                property.name
            ))
        })
    };
    let own = Key::of(property.kind, held(record, name));
    let compared = |wanted: fn(Ordering) -> bool| {
        let value = asked("value")?;
        Ok(own.as_ref().is_some_and(|own| wanted(own.order(&value))))
    };
    let among = || -> Result<bool, Refusal> {
        let values = filter["values"]
            .as_array()
            .ok_or_else(|| invalid("There was a problem with the request: values are missing"))?;
        // Texts are compared as they are given: in small letters, or they match nothing.
        Ok(values.iter().map(text).any(|value| match (&own, property.kind.is_text()) {
            (Some(Key::Text(own)), true) => *own == value,
            (own, _) => own.is_some() && *own == Key::of(property.kind, &value),
        }))
    };
    let operator = filter["operator"].as_str().unwrap_or_default();
    match operator {
        "EQ" => compared(Ordering::is_eq),
        "NEQ" => {
            let value = asked("value")?;
            Ok(own.as_ref() != Some(&value))
        }
        "LT" => compared(Ordering::is_lt),
        "LTE" => compared(Ordering::is_le),
        "GT" => compared(Ordering::is_gt),
        "GTE" => compared(Ordering::is_ge),
        "BETWEEN" => {
            let (low, high) = (asked("value")?, asked("highValue")?);
            Ok(own.is_some_and(|own| own.order(&low).is_ge() && own.order(&high).is_le()))
        }
        "IN" => among(),
        "NOT_IN" => Ok(own.is_some() && !among()?),
        "HAS_PROPERTY" => Ok(own.is_some()),
        "NOT_HAS_PROPERTY" => Ok(own.is_none()),
        "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN" => {
            let pattern = text(&filter["value"]).to_lowercase();
            let has = has_token(&held(record, name).to_lowercase(), &pattern);
            Ok(has == (operator == "CONTAINS_TOKEN"))
        }
        other => Err(invalid(format!("Invalid input JSON: {other} is no operator"))),
    }
}

/// A search's page: where it starts, and how long it is.
fn span(sent: &Value) -> Result<(usize, usize), Refusal> {
    let of = |name: &'static str| match &sent[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse::<usize>().map(Some).map_err(|_| name),
        value => value.as_u64().map(|number| Some(number as usize)).ok_or(name),
    };
    let bad = |name: &'static str| invalid(format!("Invalid input JSON: {name} is no number"));
    let start = of("after").map_err(bad)?.unwrap_or(0);
    let size = of("limit").map_err(bad)?.unwrap_or(10);
    if !(1..=SEARCH_PAGE).contains(&size) {
        return Err(invalid(format!("limit was {size}; it is 1 to {SEARCH_PAGE}")));
    }
    if start + size > REACH {
        return Err(invalid(format!(
            "There was a problem with the request: a search ends after {REACH} records"
        )));
    }
    Ok((start, size))
}

/// What to sort by: a name, with `-` for the other direction, or an object.
fn sorting<'a>(object: &Object, sent: &'a Value) -> Result<(Kind, &'a str, bool), Refusal> {
    let sorts: Vec<&Value> = sent["sorts"].as_array().into_iter().flatten().collect();
    let (name, down) = match sorts.as_slice() {
        [] => ("hs_object_id", false),
        [Value::String(text)] => match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        },
        [one @ Value::Object(_)] => {
            (one["propertyName"].as_str().unwrap_or_default(), one["direction"] == "DESCENDING")
        }
        _ => return Err(invalid("There was a problem with the request: one sort is allowed")),
    };
    match object.property(name) {
        Some(property) => Ok((property.kind, name, down)),
        None => Err(invalid(format!("There was a problem with the request: can't sort by {name}"))),
    }
}

impl HubSpot {
    pub(super) fn list(&self, at: usize, request: &Request) -> Result<Reply, Refusal> {
        parameters(
            request,
            &["limit", "after", "properties", "propertiesWithHistory", "associations", "archived"],
        )?;
        let history = !named(request, "propertiesWithHistory").is_empty();
        let size = number(request, "limit", 10, if history { PAGE / 2 } else { PAGE })?;
        let after = number(request, "after", 0, usize::MAX)? as u64;
        let (names, tied) = (named(request, "properties"), named(request, "associations"));
        let id = |record: &Value| record["id"].as_str().and_then(|id| id.parse::<u64>().ok());
        let mut all: Vec<&Value> = if flag(request, "archived")? {
            self.archived[at].iter().collect()
        } else {
            self.tables[at].current().collect()
        };
        all.sort_by_key(|record| id(record));
        let mut rest = all.into_iter().filter(|record| id(record) > Some(after));
        let page: Vec<&Value> = rest.by_ref().take(size).collect();
        let results: Vec<Value> =
            page.iter().map(|record| self.view(at, record, &names, &tied)).collect();
        let mut body = json!({"results": results});
        if let (Some(last), Some(_)) = (page.last(), rest.next()) {
            let link = format!(
                "{}/{}?limit={size}&after={}&properties={}",
                request.base,
                request.segments.join("/"),
                last["id"].as_str().unwrap_or_default(),
                percent_encode(&names.join(","))
            );
            body["paging"] = json!({"next": {"after": last["id"], "link": link}});
        }
        Ok(Reply::json(200, &body))
    }

    fn view(&self, at: usize, record: &Value, names: &[String], tied: &[String]) -> Value {
        let mut view = shown(at, record, names);
        let id = record["id"].as_str().unwrap_or_default();
        if let Some(associations) = self.associated(at, id, tied) {
            view["associations"] = associations;
        }
        view
    }

    /// The id of a record that a path or a batch names by another property.
    pub(super) fn by(
        &self,
        at: usize,
        property: Option<&str>,
        value: &str,
    ) -> Result<String, Refusal> {
        match property {
            None | Some("hs_object_id") => Ok(value.to_owned()),
            Some("email") if at == CONTACT => self.tables[at]
                .find(&format!("email:{}", email_key(value)))
                .next()
                .map(str::to_owned)
                .ok_or_else(not_found),
            Some(other) => {
                Err(invalid(format!("{other} is not a unique property of {}", OBJECTS[at].name)))
            }
        }
    }

    pub(super) fn one(&self, at: usize, id: &str, request: &Request) -> Result<Reply, Refusal> {
        parameters(
            request,
            &["properties", "propertiesWithHistory", "associations", "archived", "idProperty"],
        )?;
        let id = self.by(at, request.param("idProperty"), id)?;
        let record = self.find(at, &id, flag(request, "archived")?).ok_or_else(not_found)?;
        let (names, tied) = (named(request, "properties"), named(request, "associations"));
        Ok(Reply::json(200, &self.view(at, record, &names, &tied)))
    }

    /// What the index knows, which is behind what is stored.
    pub(super) fn search(&self, at: usize, sent: &Value, now: Timestamp) -> Result<Reply, Refusal> {
        let object = &OBJECTS[at];
        let (start, size) = span(sent)?;
        let groups: Vec<&Value> = sent["filterGroups"].as_array().into_iter().flatten().collect();
        let filters: Vec<&[Value]> = groups
            .iter()
            .map(|group| group["filters"].as_array().map_or(&[][..], Vec::as_slice))
            .collect();
        let most = filters.iter().map(|group| group.len()).max().unwrap_or(0);
        let sum: usize = filters.iter().map(|group| group.len()).sum();
        if filters.len() > GROUPS || most > FILTERS || sum > ALL_FILTERS {
            return Err(invalid("There was a problem with the request: too many filters"));
        }
        let words = sent["query"].as_str().unwrap_or_default().to_lowercase();
        let mut found: Vec<&Value> = Vec::new();
        for record in self.tables[at].listed(now) {
            let mut hit = filters.is_empty();
            for group in &filters {
                let mut all = true;
                for filter in *group {
                    all &= passes(object, record, filter)?;
                }
                hit |= all;
            }
            let said = object.properties.iter().any(|property| {
                property.kind.is_text()
                    && held(record, property.name).to_lowercase().contains(&words)
            });
            if hit && (words.is_empty() || said) {
                found.push(record);
            }
        }
        let (kind, name, down) = sorting(object, sent)?;
        found.sort_by(|one, two| {
            let key = |record: &Value| Key::of(kind, held(record, name));
            let order = match (key(one), key(two)) {
                (Some(one), Some(two)) => one.order(&two),
                // Those without a value come last.
                (one, two) => two.is_some().cmp(&one.is_some()),
            };
            if down { order.reverse() } else { order }
        });
        let names: Vec<String> = sent["properties"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let results: Vec<Value> =
            found.iter().skip(start).take(size).map(|record| shown(at, record, &names)).collect();
        let end = start + results.len();
        let mut body = json!({"total": found.len(), "results": results});
        if end < found.len() {
            body["paging"] = json!({"next": {"after": end.to_string()}});
        }
        Ok(Reply::json(200, &body))
    }

    /// Many records by their ids. Those that are not there are named beside the others.
    pub(super) fn read_many(
        &mut self,
        at: usize,
        sent: &Value,
        archived: bool,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let inputs = inputs(sent)?;
        let names: Vec<String> = sent["properties"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for input in &inputs {
            let given = text_id(&input["id"]);
            let id = match self.by(at, sent["idProperty"].as_str(), &given) {
                Ok(id) => Some(id),
                Err(refusal) if refusal.status == 404 => None,
                Err(refusal) => return Err(refusal),
            };
            match id.and_then(|id| self.find(at, &id, archived)) {
                Some(record) => results.push(shown(at, record, &names)),
                None => missing.push(given),
            }
        }
        Ok(complete(at, 200, results, missing, now))
    }
}

/// The records that a batch is about.
pub(super) fn inputs(sent: &Value) -> Result<Vec<Value>, Refusal> {
    let inputs = sent["inputs"]
        .as_array()
        .cloned()
        .ok_or_else(|| invalid("Invalid input JSON: inputs are missing"))?;
    if inputs.len() > BATCH {
        return Err(invalid(format!("The maximum of {BATCH} inputs was exceeded")));
    }
    Ok(inputs)
}

pub(super) fn text_id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The answer to a batch; 207 where some records are not there.
pub(super) fn complete(
    at: usize,
    status: u16,
    results: Vec<Value>,
    missing: Vec<String>,
    now: Timestamp,
) -> Reply {
    let stamp = millis_z(now);
    let mut body =
        json!({"status": "COMPLETE", "results": results, "startedAt": stamp, "completedAt": stamp});
    if missing.is_empty() {
        return Reply::json(status, &body);
    }
    body["numErrors"] = json!(1);
    let message = format!(
        "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
        OBJECTS[at].singular.to_uppercase()
    );
    body["errors"] = json!([{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": missing}}]);
    Reply::json(207, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_match_whole_values_words_and_patterns() {
        assert!(has_token("kari.berg@example.com", "*@example.com"));
        assert!(has_token("berg snekkeri", "snekkeri"));
        assert!(!has_token("berg snekkeri", "snekker"));
        assert!(has_token("berg snekkeri", "snek*"));
        assert!(!has_token("berg", "*x*"));
    }
}
