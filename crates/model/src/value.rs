//! Values: what counts as empty, what counts as equal, and a value in a target's plain type.
//!
//! Equality is judged in the target's own terms (P3): the text "42" and the number 42 are the same to a property that holds
//! numbers, two times are the same if they are the same instant.

use serde_json::{Number, Value};

use crate::schema::{PlainType, StoredAs};
use crate::time::Timestamp;
use crate::visible::{visible, visible_json};

static NULL: Value = Value::Null;

/// Nothing there: null, an empty or blank text, an empty list or object.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => is_blank(text),
        Value::Array(list) => list.iter().all(is_empty),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Asked of every value many times in a run, so one look at the first letter mostly tells.
fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// The value that counts: of a list, its first element, unless the whole list is meant.
pub fn effective(value: &Value, whole: bool) -> &Value {
    match value {
        Value::Array(list) if !whole => list.iter().find(|v| !is_empty(v)).unwrap_or(&NULL),
        other => other,
    }
}

/// Two empties are equal; numbers by value; the rest as JSON.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(x), Value::String(y)) => x == y || is_blank(x) && is_blank(y),
        _ if is_empty(a) && is_empty(b) => true,
        (Value::Number(x), Value::Number(y)) => x == y || (x.as_f64() == y.as_f64() && x.as_f64().is_some()),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        _ => a == b,
    }
}

/// Equal as a property of this type would hold them: also across the JSON types in which systems write the same thing.
pub fn equal_as(ty: PlainType, a: &Value, b: &Value) -> bool {
    if equal(a, b) {
        return true;
    }
    match ty {
        PlainType::Datetime | PlainType::Date => {
            match (a.as_str().and_then(Timestamp::parse), b.as_str().and_then(Timestamp::parse)) {
                (Some(x), Some(y)) => x == y,
                _ => false,
            }
        }
        PlainType::List => false,
        // A number and a text that says the same, where the type is not told or told loosely (documents call ids "string").
        _ => match (a, b) {
            (Value::String(text), other @ (Value::Number(_) | Value::Bool(_)))
            | (other @ (Value::Number(_) | Value::Bool(_)), Value::String(text)) => says_the_same(other, text.trim()),
            _ => false,
        },
    }
}

/// A number or truth value and the text that writes it.
fn says_the_same(value: &Value, text: &str) -> bool {
    let written = value.to_string();
    written == text
}

/// The value as this plain type; `Err` says what is in the way.
pub fn coerce(value: &Value, ty: PlainType) -> Result<Value, String> {
    if matches!(value, Value::Null) {
        return Ok(Value::Null);
    }
    let fails = || Err(format!("{} is no {}", shown(value), ty.name()));
    match ty {
        PlainType::Any => Ok(value.clone()),
        PlainType::String => match value {
            Value::String(_) => Ok(value.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(Value::String(value.to_string())),
            Value::Array(list) if list.len() <= 1 => list.first().map_or(Ok(Value::Null), |only| coerce(only, ty)),
            _ => fails(),
        },
        PlainType::Integer | PlainType::Minutes => match value {
            Value::Number(n) if n.is_i64() || n.is_u64() => Ok(value.clone()),
            Value::Number(n) => match n.as_f64() {
                Some(f) if f.fract() == 0.0 && f.abs() < 9e15 => Ok(Value::from(f as i64)),
                _ => fails(),
            },
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) => text.trim().parse::<i64>().map(Value::from).or_else(|_| fails()),
            Value::Bool(b) => Ok(Value::from(i64::from(*b))),
            _ => fails(),
        },
        PlainType::Float => match value {
            Value::Number(_) => Ok(value.clone()),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) => match text.trim().parse::<f64>().ok().and_then(Number::from_f64) {
                Some(number) => Ok(Value::Number(number)),
                None => fails(),
            },
            _ => fails(),
        },
        // Decimals travel as text, so that no binary fraction rounds them.
        PlainType::Decimal => match value {
            Value::Number(n) => Ok(Value::String(n.to_string())),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) if text.trim().parse::<f64>().is_ok() => Ok(Value::String(text.trim().to_string())),
            _ => fails(),
        },
        PlainType::Boolean => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::Number(n) if n.as_i64() == Some(0) => Ok(Value::Bool(false)),
            Value::Number(n) if n.as_i64() == Some(1) => Ok(Value::Bool(true)),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Ok(Value::Bool(true)),
                "false" | "0" | "no" => Ok(Value::Bool(false)),
                "" => Ok(Value::Null),
                _ => fails(),
            },
            _ => fails(),
        },
        PlainType::List => match value {
            Value::Array(_) => Ok(value.clone()),
            other => Ok(Value::Array(vec![other.clone()])),
        },
        PlainType::Datetime => match value {
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) if Timestamp::parse(text).is_some() => Ok(value.clone()),
            _ => fails(),
        },
        PlainType::Date => match value {
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) if Timestamp::parse(text).is_some() => Ok(Value::String(text.trim().chars().take(10).collect())),
            _ => fails(),
        },
    }
}

/// What the system will make of the value when it stores it, as far as that is known beforehand (P3).
pub fn as_stored(value: Value, how: StoredAs) -> Value {
    let Value::String(mut text) = value else {
        return value;
    };
    if how.trimmed {
        text = text.trim().to_string();
    }
    if how.upper {
        text = text.to_uppercase();
    }
    if how.lower {
        text = text.to_lowercase();
    }
    if let Some(max) = how.max_chars
        && let Some((cut, _)) = text.char_indices().nth(max)
    {
        text.truncate(cut);
    }
    Value::String(text)
}

/// A value as it is shown to a person: texts without quotes, long ones shortened.
pub fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".into(),
        Value::String(text) => format!("“{}”", visible(text)),
        other => visible_json(&other.to_string()).into_owned(),
    };
    match text.char_indices().nth(80) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empties_are_equal_and_zero_is_not_empty() {
        assert!(equal(&json!(null), &json!("  ")));
        assert!(equal(&json!([]), &json!("")));
        assert!(!is_empty(&json!(0)));
        assert!(!is_empty(&json!(false)));
    }

    #[test]
    fn equality_is_judged_in_the_targets_terms() {
        // P3
        assert!(equal_as(PlainType::Integer, &json!("42"), &json!(42)));
        assert!(equal_as(PlainType::Datetime, &json!("2024-01-15T11:00:00+01:00"), &json!("2024-01-15T10:00:00Z")));
        assert!(!equal_as(PlainType::String, &json!("042"), &json!(42)));
        assert!(equal(&json!(1.0), &json!(1)));
    }

    #[test]
    fn a_value_that_a_type_cannot_hold_says_so() {
        assert_eq!(coerce(&json!(7), PlainType::String), Ok(json!("7")));
        assert_eq!(coerce(&json!(" 7 "), PlainType::Integer), Ok(json!(7)));
        assert_eq!(coerce(&json!("seven"), PlainType::Integer), Err("“seven” is no integer".into()));
        assert_eq!(coerce(&json!("12.50"), PlainType::Decimal), Ok(json!("12.50")));
        assert!(coerce(&json!(90), PlainType::Datetime).is_err());
    }

    #[test]
    fn stored_form_is_cut_by_characters() {
        let how = StoredAs { upper: true, max_chars: Some(2), ..StoredAs::default() };
        assert_eq!(as_stored(json!("åse"), how), json!("ÅS"));
    }
}
