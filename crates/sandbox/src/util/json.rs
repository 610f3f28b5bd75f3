//! JSON helpers: reading by path, merging, and JSON Patch.
//!
//! Ideas: RFC 7396 (merge patch) and RFC 6902 (JSON Patch). What each vendor does differently is a
//! parameter here and is decided in the vendor's own file.

use serde_json::{Map, Value};

/// The value at a dotted path of object properties; `Null` where a step is missing.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, step| &value[step])
}

/// The string at a dotted path.
pub fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    at(value, path).as_str()
}

/// The string at a dotted path, trimmed, unless it is empty.
pub fn filled<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    text(value, path).map(str::trim).filter(|text| !text.is_empty())
}

/// An id written as a number or as digits in a string.
pub fn id_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Deep merge of objects; anything else, arrays included, replaces. With `null_removes` a null
/// takes the property away (RFC 7396), otherwise it is stored.
pub fn merge(target: &mut Value, patch: &Value, null_removes: bool) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(object) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() && null_removes {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), value, null_removes);
        }
    }
}

/// Why a JSON Patch was not applied.
#[derive(Debug, PartialEq)]
pub enum PatchError {
    /// A `test` operation did not hold.
    TestFailed(String),
    /// Malformed, unknown operation, or a path that leads nowhere.
    Invalid(String),
}

/// Applies an RFC 6902 array. Property names are matched without regard to case and the leading
/// slash may be absent, as both vendors that take JSON Patch document. `moves` says whether `move`
/// and `copy` are known.
pub fn apply_patch(target: &mut Value, operations: &Value, moves: bool) -> Result<(), PatchError> {
    let invalid = |message: &str| PatchError::Invalid(message.to_owned());
    let operations =
        operations.as_array().ok_or_else(|| invalid("a JSON Patch document must be an array"))?;
    for operation in operations {
        let op = operation["op"].as_str().unwrap_or_default();
        let path = operation["path"].as_str().ok_or_else(|| invalid("an operation has no path"))?;
        match op {
            "add" | "replace" => {
                let value = operation
                    .get("value")
                    .cloned()
                    .ok_or_else(|| invalid("an operation has no value"))?;
                place(target, path, value, op == "add")?;
            }
            "remove" => {
                take(target, path)?;
            }
            "test" => {
                let found = find(target, path).cloned().unwrap_or(Value::Null);
                if found != operation["value"] {
                    return Err(PatchError::TestFailed(path.to_owned()));
                }
            }
            "move" | "copy" if moves => {
                let from = operation["from"]
                    .as_str()
                    .ok_or_else(|| invalid("an operation has no from"))?;
                let value = if op == "move" {
                    take(target, from)?
                } else {
                    find(target, from).cloned().ok_or_else(|| missing(from))?
                };
                place(target, path, value, true)?;
            }
            other => return Err(PatchError::Invalid(format!("unknown operation '{other}'"))),
        }
    }
    Ok(())
}

fn missing(path: &str) -> PatchError {
    PatchError::Invalid(format!("the target location '{path}' was not found"))
}

fn steps(path: &str) -> Vec<String> {
    path.trim_start_matches('/')
        .split('/')
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// The name under which `object` has `step`, whatever its case.
fn own_name(object: &Map<String, Value>, step: &str) -> Option<String> {
    if object.contains_key(step) {
        return Some(step.to_owned());
    }
    object.keys().find(|key| key.eq_ignore_ascii_case(step)).cloned()
}

fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    steps(path).iter().try_fold(value, |value, step| match value {
        Value::Object(object) => object.get(&own_name(object, step)?),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn parent<'a>(
    value: &'a mut Value,
    steps: &[String],
    path: &str,
) -> Result<&'a mut Value, PatchError> {
    let mut value = value;
    for step in steps {
        value = match value {
            Value::Object(object) => {
                let name = own_name(object, step).ok_or_else(|| missing(path))?;
                object.get_mut(&name).ok_or_else(|| missing(path))?
            }
            Value::Array(items) => step
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index))
                .ok_or_else(|| missing(path))?,
            _ => return Err(missing(path)),
        };
    }
    Ok(value)
}

fn place(target: &mut Value, path: &str, value: Value, add: bool) -> Result<(), PatchError> {
    let steps = steps(path);
    let Some((last, before)) = steps.split_last() else {
        return Err(missing(path));
    };
    match parent(target, before, path)? {
        Value::Object(object) => {
            let name = own_name(object, last).unwrap_or_else(|| last.clone());
            object.insert(name, value);
        }
        Value::Array(items) if last == "-" && add => items.push(value),
        Value::Array(items) => {
            let index: usize = last.parse().map_err(|_| missing(path))?;
            if add && index <= items.len() {
                items.insert(index, value);
            } else if index < items.len() {
                items[index] = value;
            } else {
                return Err(missing(path));
            }
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn take(target: &mut Value, path: &str) -> Result<Value, PatchError> {
    let steps = steps(path);
    let Some((last, before)) = steps.split_last() else {
        return Err(missing(path));
    };
    match parent(target, before, path)? {
        Value::Object(object) => own_name(object, last)
            .and_then(|name| object.remove(&name))
            .ok_or_else(|| missing(path)),
        Value::Array(items) => {
            let index = if last == "-" { items.len().checked_sub(1) } else { last.parse().ok() };
            match index {
                Some(index) if index < items.len() => Ok(items.remove(index)),
                _ => Err(missing(path)),
            }
        }
        _ => Err(missing(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merging_replaces_arrays_and_handles_null_as_told() {
        let mut value = json!({"a":{"b":1,"c":2},"list":[1,2]});
        merge(&mut value, &json!({"a":{"b":null},"list":[3]}), true);
        assert_eq!(value, json!({"a":{"c":2},"list":[3]}));
        merge(&mut value, &json!({"a":{"c":null}}), false);
        assert_eq!(value, json!({"a":{"c":null},"list":[3]}));
    }

    #[test]
    fn patches_ignore_case_and_stop_at_a_failed_test() {
        let mut value = json!({"Emails":[{"Value":"a"}],"Title":"x"});
        apply_patch(
            &mut value,
            &json!([{"op":"add","path":"emails/-","value":{"Value":"b"}},{"op":"replace","path":"/title","value":"y"},
                    {"op":"remove","path":"/Emails/0"}]),
            false,
        )
        .unwrap();
        assert_eq!(value, json!({"Emails":[{"Value":"b"}],"Title":"y"}));
        assert_eq!(
            apply_patch(&mut value, &json!([{"op":"test","path":"/Title","value":"x"}]), false),
            Err(PatchError::TestFailed("/Title".to_owned()))
        );
        assert!(matches!(
            apply_patch(&mut value, &json!([{"op":"move","from":"/Title","path":"/T"}]), false),
            Err(PatchError::Invalid(_))
        ));
    }
}
