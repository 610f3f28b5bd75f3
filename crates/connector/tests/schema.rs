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
