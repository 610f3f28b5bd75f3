//! The committed JSON Schema is that of the manifest language, so that an editor and the reader
//! agree.

use std::path::Path;

use lockstep_connector::rest::written::manifest_schema;

#[test]
fn the_committed_schema_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/manifest.schema.json");
    let text = serde_json::to_string_pretty(&manifest_schema()).unwrap() + "\n";
    if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "schemas/manifest.schema.json is stale: run the tests once with LOCKSTEP_UPDATE=1"
    );
}

#[test]
fn every_word_is_explained_and_unknown_ones_are_refused() {
    let schema = serde_json::to_value(manifest_schema()).unwrap();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        assert!(definition.get("description").is_some(), "{name} is not explained");
        if definition.get("properties").is_some() {
            assert_eq!(definition["additionalProperties"], false, "{name}");
        }
    }
}

/// All words of the language: properties of each definition, and the words of its closed lists.
fn words(schema: &serde_json::Value, out: &mut std::collections::BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(map) => {
            if let Some(properties) = map.get("properties").and_then(|p| p.as_object()) {
                out.extend(properties.keys().cloned());
            }
            for word in ["enum", "const"] {
                let listed = map.get(word).into_iter().flat_map(|value| match value {
                    serde_json::Value::Array(list) => list.clone(),
                    one => vec![one.clone()],
                });
                out.extend(listed.filter_map(|value| value.as_str().map(str::to_string)));
            }
            for (key, value) in map {
                match (key.as_str(), value) {
                    // Its keys are words, not parts of a schema.
                    ("properties" | "$defs", serde_json::Value::Object(inner)) => {
                        inner.values().for_each(|value| words(value, out));
                    }
                    _ => words(value, out),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| words(value, out)),
        _ => {}
    }
}

#[test]
fn every_word_stands_on_the_page_about_connectors() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/connectors.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut all = std::collections::BTreeSet::new();
    words(&serde_json::to_value(manifest_schema()).unwrap(), &mut all);
    assert!(all.len() > 150, "{all:?}");
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let said: std::collections::BTreeSet<&str> = page.split(|c| !part(c)).collect();
    let missing: Vec<&String> = all.iter().filter(|word| !said.contains(word.as_str())).collect();
    assert!(missing.is_empty(), "not on docs/connectors.md: {missing:?}");
}

#[test]
fn the_variables_and_filters_stand_on_the_page_about_connectors() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/connectors.md");
    let page = std::fs::read_to_string(page).unwrap();
    for word in
        ["since", "since_plain", "since_unix", "url", "quoted", "string", "replace", "tojson"]
    {
        assert!(page.contains(&format!("| `{word}` |")), "{word} has no row of its own");
    }
}
