//! `GET /{module}/search`: by address, telephone number, word, or criteria such as
//! `((Last_Name:equals:Berg)and(First_Name:starts_with:A))`.

use super::base::{Refusal, ZohoCrm, bad_parameter, refusal};
use super::fields::{Field, Kind, MODULES};
use super::lists;
use crate::http::{Reply, Request};
use crate::util::text::{email_key, strip_phone};
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// The most records that a search gives.
const REACH: usize = 2000;
const MOST_CRITERIA: usize = 10;

/// A value to compare with: what a field of a record holds, or what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    None,
    Text(String),
    Number(f64),
    Time(Timestamp),
    Flag(bool),
}

/// What a field of a record holds.
pub(super) fn cell(kind: Kind, value: &Value) -> Cell {
    match (kind, value) {
        (_, Value::Null) => Cell::None,
        (Kind::Date | Kind::DateTime, Value::String(text)) => {
            time::parse(text).map_or(Cell::None, Cell::Time)
        }
        (Kind::Lookup(_) | Kind::User, value) => {
            Cell::Text(value["id"].as_str().unwrap_or_default().to_owned())
        }
        (_, Value::Number(number)) => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
        (_, Value::Bool(flag)) => Cell::Flag(*flag),
        (_, Value::String(text)) => Cell::Text(text.to_lowercase()),
        (_, other) => Cell::Text(other.to_string()),
    }
}

/// What was asked for, if it can be compared with the field.
pub(super) fn wanted(kind: Kind, text: &str) -> Option<Cell> {
    match kind {
        Kind::Integer | Kind::Double => text.parse().ok().map(Cell::Number),
        Kind::Boolean => text.parse().ok().map(Cell::Flag),
        Kind::Date if text.len() == 10 => time::parse(text).map(Cell::Time),
        // With its zone.
        Kind::DateTime => text.parse::<Timestamp>().ok().map(Cell::Time),
        Kind::Date | Kind::Subform | Kind::Tags => None,
        Kind::Lookup(_) | Kind::User | Kind::Id => Some(Cell::Text(text.to_owned())),
        _ => Some(Cell::Text(text.to_lowercase())),
    }
}

pub(super) fn order(a: &Cell, b: &Cell) -> Option<Ordering> {
    match (a, b) {
        (Cell::Text(a), Cell::Text(b)) => Some(a.cmp(b)),
        (Cell::Number(a), Cell::Number(b)) => a.partial_cmp(b),
        (Cell::Time(a), Cell::Time(b)) => Some(a.cmp(b)),
        (Cell::Flag(a), Cell::Flag(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Parsed criteria.
enum Criteria {
    All(Vec<Criteria>),
    Any(Vec<Criteria>),
    One { field: &'static Field, operator: String, values: Vec<Cell> },
}

fn broken(reason: &str) -> Refusal {
    refusal(
        "INVALID_QUERY",
        "Invalid query formed",
        json!({"reason": reason, "param_name": "criteria"}),
    )
}

impl Criteria {
    fn holds(&self, record: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record)),
            Self::One { field, operator, values } => {
                let own = cell(field.kind, &record[field.name]);
                let first = &values[0];
                let is = |wanted: Ordering| order(&own, first) == Some(wanted);
                // The index finds words within texts.
                let within = |wanted: &Cell| match (&own, wanted, field.kind) {
                    (Cell::Text(own), Cell::Text(wanted), Kind::Text(_)) => {
                        own.contains(wanted.as_str())
                    }
                    (own, wanted, _) => own == wanted,
                };
                match operator.as_str() {
                    "equals" => within(first),
                    "not_equal" => !within(first),
                    "in" => values.contains(&own),
                    "starts_with" => {
                        matches!((&own, first), (Cell::Text(own), Cell::Text(start)) if own.starts_with(start.as_str()))
                    }
                    "greater_than" => is(Ordering::Greater),
                    "greater_equal" => is(Ordering::Greater) || is(Ordering::Equal),
                    "less_than" => is(Ordering::Less),
                    "less_equal" => is(Ordering::Less) || is(Ordering::Equal),
                    // `between`
                    _ => values.get(1).is_some_and(|last| {
                        matches!(order(&own, first), Some(Ordering::Greater | Ordering::Equal))
                            && matches!(order(&own, last), Some(Ordering::Less | Ordering::Equal))
                    }),
                }
            }
        }
    }
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
    module: usize,
    count: usize,
}

impl Parser<'_> {
    fn skip(&mut self) {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
    }

    /// Groups joined by one word.
    fn groups(&mut self) -> Result<Criteria, Refusal> {
        let mut parts = vec![self.group()?];
        let mut joint = None;
        loop {
            self.skip();
            let rest: String = self.text[self.at..].iter().take(3).collect();
            let word = match rest.to_lowercase() {
                rest if rest.starts_with("and") => "and",
                rest if rest.starts_with("or") => "or",
                _ => break,
            };
            if joint.is_some_and(|joint| joint != word) {
                return Err(broken("and and or need brackets"));
            }
            joint = Some(word);
            self.at += word.len();
            parts.push(self.group()?);
        }
        Ok(match joint {
            Some("or") => Criteria::Any(parts),
            _ => Criteria::All(parts),
        })
    }

    fn group(&mut self) -> Result<Criteria, Refusal> {
        self.skip();
        if self.text.get(self.at) != Some(&'(') {
            return Err(broken("an opening bracket is expected"));
        }
        self.at += 1;
        self.skip();
        if self.text.get(self.at) == Some(&'(') {
            let inner = self.groups()?;
            self.skip();
            if self.text.get(self.at) != Some(&')') {
                return Err(broken("a closing bracket is expected"));
            }
            self.at += 1;
            return Ok(inner);
        }
        let mut parts = vec![String::new()];
        loop {
            let Some(c) = self.text.get(self.at).copied() else {
                return Err(broken("a closing bracket is expected"));
            };
            self.at += 1;
            match c {
                ')' => break,
                '\\' => {
                    let next = self.text.get(self.at).copied().unwrap_or('\\');
                    self.at += 1;
                    parts.last_mut().unwrap_or(&mut String::new()).push(next);
                }
                ':' if parts.len() < 3 => parts.push(String::new()),
                c => parts.last_mut().unwrap_or(&mut String::new()).push(c),
            }
        }
        self.count += 1;
        let [name, operator, value] = parts.as_slice() else {
            return Err(broken("field:operator:value is expected"));
        };
        one(self.module, name.trim(), operator.trim(), value.trim())
    }
}

fn one(module: usize, name: &str, operator: &str, value: &str) -> Result<Criteria, Refusal> {
    let field = MODULES[module]
        .field(name)
        .ok_or_else(|| broken("the field is not available for search"))?;
    if matches!(field.name, "Modified_Time" | "Tag") || field.kind == Kind::Subform {
        return Err(broken("the field is not available for search"));
    }
    let allowed: &[&str] = match field.kind {
        Kind::Integer | Kind::Double | Kind::Date | Kind::DateTime => &[
            "equals",
            "not_equal",
            "greater_than",
            "greater_equal",
            "less_than",
            "less_equal",
            "between",
            "in",
        ],
        Kind::Boolean => &["equals", "not_equal"],
        Kind::Pick(_) | Kind::Lookup(_) | Kind::User | Kind::Id => &["equals", "not_equal", "in"],
        _ => &["equals", "not_equal", "starts_with", "in"],
    };
    if !allowed.contains(&operator) {
        return Err(broken("the operator is not supported for the field"));
    }
    let parts: Vec<&str> = match operator {
        "in" | "between" => value.split(',').map(str::trim).collect(),
        _ => vec![value],
    };
    let values: Option<Vec<Cell>> =
        parts.into_iter().map(|part| wanted(field.kind, part)).collect();
    let values = values.ok_or_else(|| broken("the value does not have the field's type"))?;
    Ok(Criteria::One { field, operator: operator.to_owned(), values })
}

impl ZohoCrm {
    pub(super) fn search(
        &self,
        at: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let module = &MODULES[at];
        lists::parameters(
            request,
            &[
                "criteria",
                "email",
                "phone",
                "word",
                "fields",
                "page",
                "per_page",
                "approved",
                "converted",
            ],
        )?;
        let names = request.param("fields").map(|text| lists::names(module, text)).transpose()?;
        let (page, size) = lists::paging(request)?;
        let found = sought(at, request)?;
        if page * size > REACH {
            return Err(refusal(
                "LIMIT_REACHED",
                "only the first 2000 records can be searched for",
                json!({"limit": REACH}),
            ));
        }
        let all: Vec<&Value> = self.tables[at].listed(now).filter(|record| found(record)).collect();
        let data: Vec<Value> = all
            .iter()
            .skip((page - 1) * size)
            .take(size)
            .map(|record| lists::shown(record, names.as_deref()))
            .collect();
        if data.is_empty() {
            return Ok(Reply::empty(204));
        }
        let info = json!({"per_page": size, "count": data.len(), "page": page, "more_records": all.len() > page * size});
        Ok(Reply::json(200, &json!({"data": data, "info": info})))
    }
}

/// Whether a record is what is searched for.
type Test = Box<dyn Fn(&Value) -> bool>;

fn sought(at: usize, request: &Request) -> Result<Test, Refusal> {
    let module = &MODULES[at];
    let of_kind = |record: &Value, kind: fn(Kind) -> bool, test: &dyn Fn(&str) -> bool| {
        module
            .fields
            .iter()
            .any(|field| kind(field.kind) && record[field.name].as_str().is_some_and(test))
    };
    let asked = |name: &str| request.param(name).filter(|text| !text.is_empty());
    Ok(if let Some(text) = asked("criteria") {
        let text: Vec<char> = text.chars().collect();
        let mut parser = Parser { text: &text, at: 0, module: at, count: 0 };
        let criteria = parser.groups()?;
        parser.skip();
        if parser.at < text.len() {
            return Err(broken("something stands behind the criteria"));
        }
        if parser.count > MOST_CRITERIA {
            return Err(refusal(
                "LIMIT_EXCEEDED",
                "criteria limit exceeded",
                json!({"limit": MOST_CRITERIA, "param_name": "criteria"}),
            ));
        }
        Box::new(move |record| criteria.holds(record))
    } else if let Some(email) = asked("email").map(email_key) {
        Box::new(move |record| {
            of_kind(record, |kind| kind == Kind::Email, &|text| email_key(text) == email)
        })
    } else if let Some(phone) = asked("phone").map(strip_phone) {
        Box::new(move |record| {
            of_kind(record, |kind| kind == Kind::Phone, &|text| strip_phone(text) == phone)
        })
    } else if let Some(word) = asked("word").map(str::to_lowercase) {
        if word.chars().count() < 2 {
            return Err(bad_parameter("word", "minimum length is 2"));
        }
        Box::new(move |record| {
            of_kind(
                record,
                |kind| matches!(kind, Kind::Text(_) | Kind::Email | Kind::Phone | Kind::Website),
                &|text| text.to_lowercase().contains(&word),
            )
        })
    } else {
        return Err(lists::missing("criteria"));
    })
}
