//! Whether a value is what a schema of the API's description says: as much of JSON Schema as that
//! uses. A key that the schema does not name is a fault too: it is not described.

use serde_json::Value;

/// What of a value is not as the schema says, by its place.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(document, schema, value, "$", &mut found);
    found
}

fn look(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').expect("a reference into the document");
        let named = document.pointer(pointer);
        let named = named.unwrap_or_else(|| panic!("{reference} leads nowhere"));
        return look(document, named, value, at, found);
    }
    if schema == &Value::Bool(true) {
        return;
    }
    let object = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema} is no schema"));
    const KNOWN: [&str; 17] = [
        "type",
        "properties",
        "required",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "additionalProperties",
        "description",
        "format",
        "minimum",
        "maximum",
        "default",
    ];
    let unknown = object.keys().find(|word| !KNOWN.contains(&word.as_str()));
    assert_eq!(unknown, None, "{at}: the test does not know this word of schemas");
    for word in ["anyOf", "oneOf"] {
        let Some(forms) = schema[word].as_array() else { continue };
        let tried: Vec<Vec<String>> =
            forms.iter().map(|form| faults(document, form, value)).collect();
        if !tried.iter().any(Vec::is_empty) {
            found.push(format!("{at}: {value} is of no form: {tried:?}"));
        }
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{at}: {value} is none of {words:?}"));
    }
    if object.contains_key("const") && schema["const"] != *value {
        found.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let is = |name: &&str| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{at}: no type is called {other}"),
    };
    if !types.is_empty() && !types.iter().any(is) {
        found.push(format!("{at}: {value} is not of type {types:?}"));
        return;
    }
    if let (Some(items), Some(schemas)) = (value.as_array(), schema["prefixItems"].as_array()) {
        if items.len() != schemas.len() {
            found.push(format!("{at}: {} items, and not {}", items.len(), schemas.len()));
        }
        for (n, (item, schema)) in items.iter().zip(schemas).enumerate() {
            look(document, schema, item, &format!("{at}[{n}]"), found);
        }
    } else if let Some(items) = value.as_array().filter(|_| object.contains_key("items")) {
        for (n, item) in items.iter().enumerate() {
            look(document, &schema["items"], item, &format!("{at}[{n}]"), found);
        }
    }
    let Some(entries) = value.as_object().filter(|_| types.contains(&"object")) else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !entries.contains_key(name) {
            found.push(format!("{at}: `{name}` is missing"));
        }
    }
    for (name, entry) in entries {
        let below = format!("{at}.{name}");
        match (schema["properties"].get(name), object.get("additionalProperties")) {
            (Some(schema), _) => look(document, schema, entry, &below, found),
            (None, Some(schema)) if schema != &Value::Bool(false) => {
                look(document, schema, entry, &below, found);
            }
            (None, _) => found.push(format!("{below}: it is not described")),
        }
    }
}

#[test]
fn what_a_schema_does_not_say_is_found() {
    let document = serde_json::json!({"components": {"schemas": {"A": {
        "type": "object",
        "properties": {"n": {"type": ["integer", "null"]}, "of": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}},
        "required": ["n"],
    }}}});
    let schema = serde_json::json!({"$ref": "#/components/schemas/A"});
    let good = serde_json::json!({"n": 1, "of": [{"n": null}]});
    assert_eq!(faults(&document, &schema, &good), Vec::<String>::new());
    let bad = serde_json::json!({"of": [{"n": "1", "x": 1}]});
    let found = faults(&document, &schema, &bad);
    assert_eq!(found.len(), 3, "{found:?}");
}
