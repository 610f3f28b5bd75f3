//! A server that keeps to an OpenAPI description and knows nothing else: it answers with samples of
//! the schemas, and refuses what no operation describes. Written independently of the drafts that
//! are tried on it.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::serving::{Asked, Server, serve_side_by_side};

/// The vendors' descriptions; nothing where they are not, which is said.
pub fn of_vendors() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/apis/openapi");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: ../shared/apis/openapi is not there");
        return Vec::new();
    };
    // The others in that folder are no OpenAPI.
    let others = ["metadata", "meta-data", "google-people", "trim"];
    let mut all: Vec<(String, String)> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "json" || end == "yaml"))
        .filter_map(|path| {
            let name = path.file_stem()?.to_string_lossy().into_owned();
            let is_other = others.iter().any(|other| name.contains(other));
            (!is_other).then(|| (name, std::fs::read_to_string(&path).unwrap()))
        })
        .collect();
    all.sort();
    all
}

pub fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| serde_saphyr::from_str(text).unwrap())
}

/// Serves the description.
pub fn serving(api: Value) -> Server {
    let api = Arc::new(api);
    serve_side_by_side(move |asked| answer(&api, asked))
}

fn answer(api: &Value, asked: &Asked) -> (u16, String, String) {
    let path = asked.path.split('?').next().unwrap();
    let told = |status: u16, body: Value| (status, String::new(), body.to_string());
    let method = asked.method.to_lowercase();
    let Some(operation) = operation(api, path, &method) else {
        return told(404, json!({"message": format!("{method} {path} is not described")}));
    };
    if !asked.body.is_empty()
        && let Err(why) = takes(api, operation, &asked.body)
    {
        return told(400, json!({"message": why}));
    }
    let responses = operation["responses"].as_object().cloned().unwrap_or_default();
    let good = ["200", "201", "202", "204", "default"];
    let (status, response) = good
        .iter()
        .find_map(|status| Some((*status, responses.get(*status)?)))
        .unwrap_or(("204", &Value::Null));
    let schema = of_content(seen(api, response));
    let body = schema.map(|schema| sample(api, schema, "", 6)).unwrap_or_default();
    let status = status.parse().unwrap_or(200);
    let etag = "ETag: \"1\"\r\n".to_string();
    if body.is_null() { (204, etag, String::new()) } else { (status, etag, body.to_string()) }
}

fn seen<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(to) => seen(api, api.pointer(&to[1..]).unwrap_or(&Value::Null)),
        None => value,
    }
}

/// The operation at a path: what is written out goes before parameters.
fn operation<'a>(api: &'a Value, path: &str, method: &str) -> Option<&'a Value> {
    let fitting = api["paths"].as_object()?.iter().filter(|(template, item)| {
        item.get(method).is_some() && fits(template.trim_end_matches('/'), path)
    });
    let (_, item) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    item.get(method)
}

fn fits(template: &str, path: &str) -> bool {
    let Some((text, rest)) = template.split_once('{') else { return template == path };
    let Some(path) = path.strip_prefix(text) else { return false };
    let Some((_, rest)) = rest.split_once('}') else { return false };
    let end = path.find(['/', ')', '\'']).unwrap_or(path.len());
    end > 0 && fits(rest, &path[end..])
}

fn of_content(holder: &Value) -> Option<&Value> {
    let json = holder["content"].as_object().and_then(|kinds| {
        kinds.iter().find(|(kind, _)| kind.contains("json")).map(|(_, kind)| &kind["schema"])
    });
    json.or(holder.get("schema"))
}

/// Whether a body is one that the operation describes.
fn takes(api: &Value, operation: &Value, body: &str) -> Result<(), String> {
    let swagger = operation["parameters"].as_array().into_iter().flatten();
    let swagger = swagger.map(|p| seen(api, p)).find(|p| p["in"] == "body");
    let holder = swagger.unwrap_or_else(|| seen(api, &operation["requestBody"]));
    let Some(schema) = of_content(holder) else { return Ok(()) };
    let Ok(body) = serde_json::from_str::<Value>(body) else { return Ok(()) };
    // A JSON patch (RFC 6902) is no part of the record.
    if body[0]["op"].is_string() {
        return Ok(());
    }
    conforms(api, schema, &body, "the body")
}

/// Objects have only what is described, and what is sent is of the kind that is described.
fn conforms(api: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let schema = seen(api, schema);
    let forms = ["oneOf", "anyOf"].iter().find_map(|word| schema[*word].as_array());
    if let Some(forms) = forms.filter(|_| !schema["properties"].is_object()) {
        let mut tried = forms.iter().map(|form| conforms(api, form, value, place));
        return tried.find(Result::is_ok).unwrap_or_else(|| Err(format!("{place} fits no form")));
    }
    let (properties, open) = properties(api, schema, 8);
    match value {
        Value::Object(map) if !properties.is_empty() => {
            for (name, value) in map {
                match properties.iter().find(|(known, _)| known == name) {
                    Some((_, schema)) => conforms(api, schema, value, &format!("{place}.{name}"))?,
                    None if open => {}
                    None => return Err(format!("{place} has no `{name}`")),
                }
            }
            Ok(())
        }
        Value::Array(list) if schema["type"] == "array" => {
            list.iter().try_for_each(|value| conforms(api, &schema["items"], value, place))
        }
        Value::Array(_) if schema["type"] == "object" => Err(format!("{place} is no list")),
        Value::Object(_) if schema["type"] == "array" => Err(format!("{place} is a list")),
        Value::String(_)
            if matches!(
                schema["type"].as_str(),
                Some("object" | "array" | "integer" | "boolean")
            ) =>
        {
            Err(format!("{place} is no text"))
        }
        _ => Ok(()),
    }
}

fn properties<'a>(
    api: &'a Value,
    schema: &'a Value,
    depth: usize,
) -> (Vec<(String, &'a Value)>, bool) {
    let schema = seen(api, schema);
    let mut open =
        schema["additionalProperties"] == true || schema["additionalProperties"].is_object();
    let mut all: Vec<(String, &Value)> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, of)| (name.clone(), of))
        .collect();
    for word in ["allOf", "oneOf", "anyOf"] {
        for part in schema[word].as_array().into_iter().flatten().filter(|_| depth > 0) {
            let (more, other) = properties(api, part, depth - 1);
            all.extend(more);
            open |= other;
        }
    }
    (all, open)
}

/// A value that the schema allows. Nothing leads on to a next page.
pub fn sample(api: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    let schema = seen(api, schema);
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    let word = match &schema["type"] {
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        word => word.as_str(),
    };
    let forms = ["oneOf", "anyOf"].iter().find_map(|word| schema[*word].as_array()?.first());
    if let Some(form) = forms.filter(|_| !schema["properties"].is_object()) {
        return sample(api, form, name, depth);
    }
    let (properties, _) = properties(api, schema, 8);
    let leads_on = ["next", "cursor", "more"].iter().any(|part| name.to_lowercase().contains(part));
    match word {
        _ if leads_on && properties.is_empty() => Value::Null,
        Some("array") if depth == 0 => json!([]),
        Some("array") => json!([sample(api, &schema["items"], name, depth - 1)]),
        Some("integer" | "number") if name.ends_with("_at") => json!(1_772_366_400),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(name == "success"),
        Some("string") => match schema["format"].as_str() {
            Some("date-time" | "timestamp") => json!("2026-03-01T12:00:00Z"),
            Some("date") => json!("2026-03-01"),
            Some("email") => json!("eira@example.com"),
            _ if ["time", "date", "updated", "modified"]
                .iter()
                .any(|part| name.to_lowercase().contains(part)) =>
            {
                json!("2026-03-01T12:00:00Z")
            }
            _ => json!("a"),
        },
        _ if properties.is_empty() => json!({}),
        _ if depth == 0 => Value::Null,
        _ => Value::Object(Map::from_iter(properties.into_iter().map(|(name, of)| {
            let made = sample(api, of, &name, depth - 1);
            (name, made)
        }))),
    }
}
