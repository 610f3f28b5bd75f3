//! The committed JSON Schemas are those of the written form, and what the reader accepts fits them.

use std::path::Path;

use lockstep_config::written::{FlowFileYaml, ProjectYaml, flow_schema, project_schema};

fn check(file: &str, schema: schemars::Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(file);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "schemas/{file} is stale: run the tests once with LOCKSTEP_UPDATE=1"
    );
}

#[test]
fn the_committed_schemas_are_fresh() {
    check("lockstep.schema.json", project_schema());
    check("flow.schema.json", flow_schema());
}

#[test]
fn an_unknown_key_fits_no_schema() {
    for schema in [project_schema(), flow_schema()] {
        assert_eq!(schema.get("additionalProperties"), Some(&serde_json::Value::Bool(false)));
    }
}

/// Everything that may be written, in one of each: a key that the types forgot would fail here, one
/// that the reader forgot would fail in `loading`.
#[test]
fn what_is_written_fits_the_types() {
    let project = serde_json::json!({
        "systems": {
            "a": {"connector": "files", "with": {"folder": "a"}, "title": "A", "aliases": ["A.com"], "schedule": 60, "rate": 5,
                "full_scan": "24h", "limits": {"creates": 5, "updates": "5%", "deletes": "20 or 5%", "vanished": "none", "lost": "2 or 50%", "clears": 5, "match_values": "10%"}},
            "b": {"connector": "files", "schedule": {"every": "5m", "types": {"T": 30}}, "rate": "300/minute", "clears": "ignore",
                "references": {"T": {"ref": "U"}}}
        },
        "store": "sqlite:x.db",
        "flows": ["*.yaml", {"file": "d.rst", "unnamed": "a", "names": {"Bee": "b", "Cee": ["a", "b"]}}],
        "policies": {"deletes": "review", "duplicates": "merge", "prefer": ["a"], "clears": "edit"},
        "limits": {"deletes": 0},
        "first_run": "go",
        "region": "NO"
    });
    serde_json::from_value::<ProjectYaml>(project).unwrap();
    let flows = serde_json::json!({
        "document": {"title": "A to B Dataflow", "generated": "2024", "heading": "Introduction.", "introduction": "x", "systems": {"a": ""}},
        "flows": [
            {"from": "a.T", "to": "b.T", "create": "always", "match": ["x = y", ["x = y", "u = v"]],
                "properties": ["p <-> q", {"p <-> q": "string"}, {"p -> q": ["upper", "_."]}, {"row": "p <-> q", "type": null, "prefer": ["a"]}],
                "duplicates": "merge", "deletes": "propagate", "create_empty": true, "only_from": "a", "clears": "ignore",
                "called": {"a": "Aa"},
                "statements": ["every", {"text": "x"}, {"connected_to": [{"system": "A", "kind": "T"}], "into": "B"}, {"match": 1}]},
            {"from": "a.T", "to": "b.U", "create": {"when_connected_to": ["a.V"]}},
            {"from": "a.T", "to": "b.W", "create": {"when": "x", "filter": "y"}, "only": "z == 1", "only_to": "u", "ceases": "review"}
        ]
    });
    serde_json::from_value::<FlowFileYaml>(flows).unwrap();
}
