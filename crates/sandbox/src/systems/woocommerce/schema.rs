//! What may be sent to each route: names and types, checked as WordPress checks them (rest-api.php,
//! `rest_validate_value_from_schema`), with its errors.
//!
//! WordPress ignores what it does not know and what is read-only. Here both are refused with its
//! error for a wrong parameter, so that a caller who relies on them is found out; what is read-only
//! may be sent back as it is.

use super::base::Refusal;
use crate::util::text::looks_like_email;
use crate::util::time;
use serde_json::{Value, json};

/// A type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    Email,
    Whole,
    Flag,
    Time,
    OneOf(&'static [&'static str]),
    Object(&'static [Field]),
    List(&'static Shape),
    /// Anything, as in meta data.
    Any,
}

/// A property or parameter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub name: &'static str,
    pub shape: Shape,
    pub fixed: bool,
}

pub(super) const fn open(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, fixed: false }
}

pub(super) const fn fixed(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, fixed: true }
}

/// Why one value is refused: code and message.
type Misfit = (&'static str, String);

fn kind(path: &str, name: &str) -> Misfit {
    ("rest_invalid_type", format!("{path} is not of type {name}."))
}

/// The value as it is taken: numbers and flags may come as text, as they do in a query.
fn fit(path: &str, shape: Shape, value: &Value) -> Result<Value, Misfit> {
    match shape {
        Shape::Any => Ok(value.clone()),
        Shape::Text => match value {
            Value::String(_) => Ok(value.clone()),
            _ => Err(kind(path, "string")),
        },
        Shape::Email => match value {
            Value::String(text) if looks_like_email(text) => Ok(value.clone()),
            Value::String(_) => Err(("rest_invalid_email", "Invalid email address.".to_owned())),
            _ => Err(kind(path, "string")),
        },
        Shape::Whole => match value {
            Value::Number(number) if number.is_i64() => Ok(value.clone()),
            Value::String(text) => {
                text.parse::<i64>().map(Value::from).map_err(|_| kind(path, "integer"))
            }
            _ => Err(kind(path, "integer")),
        },
        Shape::Flag => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) if ["true", "1"].contains(&text.as_str()) => Ok(json!(true)),
            Value::String(text) if ["false", "0"].contains(&text.as_str()) => Ok(json!(false)),
            _ => Err(kind(path, "boolean")),
        },
        Shape::Time => match value {
            Value::String(text) if text.len() >= 19 && time::parse(text).is_some() => {
                Ok(value.clone())
            }
            Value::String(_) => Err(("rest_invalid_date", "Invalid date.".to_owned())),
            _ => Err(kind(path, "string")),
        },
        Shape::OneOf(choices) => match value.as_str() {
            Some(text) if choices.contains(&text) => Ok(value.clone()),
            _ => Err(("rest_not_in_enum", format!("{path} is not one of {}.", listed(choices)))),
        },
        Shape::Object(fields) => {
            let Some(object) = value.as_object() else { return Err(kind(path, "object")) };
            let mut taken = serde_json::Map::new();
            for (name, value) in object {
                let path = format!("{path}[{name}]");
                let Some(field) = fields.iter().find(|field| field.name == name) else {
                    return Err((
                        "rest_additional_properties_forbidden",
                        format!("{path} is not a valid property of Object."),
                    ));
                };
                taken.insert(name.clone(), fit(&path, field.shape, value)?);
            }
            Ok(Value::Object(taken))
        }
        Shape::List(of) => {
            // A query has lists as text between commas.
            let items = match value {
                Value::Array(items) => items.clone(),
                Value::String(text) => text.split(',').map(|part| json!(part.trim())).collect(),
                _ => return Err(kind(path, "array")),
            };
            let items =
                items.iter().enumerate().map(|(n, item)| fit(&format!("{path}[{n}]"), *of, item));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
    }
}

fn listed(choices: &[&str]) -> String {
    match choices {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
    }
}

/// Checks what was sent against the fields; nulls count as not sent. `now` holds what the record is
/// like, for what may only be sent back.
pub(super) fn taken<'a>(
    fields: &[Field],
    sent: impl Iterator<Item = (&'a str, Value)>,
    now: Option<&Value>,
) -> Result<serde_json::Map<String, Value>, Refusal> {
    let mut taken = serde_json::Map::new();
    let mut wrong: Vec<(String, Misfit)> = Vec::new();
    for (name, value) in sent {
        if value.is_null() || name.starts_with("_links") {
            continue;
        }
        let misfit = match fields.iter().find(|field| field.name == name) {
            None => {
                Some(("rest_invalid_param", format!("{name} is not a parameter of this route.")))
            }
            Some(field) if field.fixed => {
                let same = now.is_some_and(|now| now[name] == value);
                (!same).then(|| ("rest_invalid_param", format!("{name} is read-only.")))
            }
            Some(field) => match fit(name, field.shape, &value) {
                Ok(value) => {
                    taken.insert(name.to_owned(), value);
                    None
                }
                Err(misfit) => Some(misfit),
            },
        };
        wrong.extend(misfit.map(|misfit| (name.to_owned(), misfit)));
    }
    if wrong.is_empty() {
        return Ok(taken);
    }
    let names: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
    let (mut params, mut details) = (json!({}), json!({}));
    for (name, (code, message)) in &wrong {
        params[name] = json!(message);
        details[name] = json!({"code": code, "message": message, "data": null});
    }
    Err(Refusal {
        status: 400,
        code: "rest_invalid_param",
        message: format!("Invalid parameter(s): {}", names.join(", ")),
        data: json!({"params": params, "details": details}),
    })
}
