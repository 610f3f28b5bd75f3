//! docs/projects.md: its examples are right, and it names every key that there is.

use std::collections::BTreeSet;

use crate::transcript::{lockstep, read, root, write};
use serde_json::Value;

/// The page's YAML that names its file in the first line.
fn examples(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```yaml\n# ").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| block.split_once('\n').unwrap())
        .map(|(name, text)| (name.trim().into(), text.into()))
        .collect()
}

#[test]
fn the_examples_check_and_their_tests_hold() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in examples(&read(&root().join("docs/projects.md"))) {
        write(&dir.path().join(name), &text);
    }
    for (file, line) in [
        (
            "data/crm/People.jsonl",
            r#"{"id":"1","name":"Solveig Aas","email":"solveig@example.com","kind":"customer","town":"Oslo","phone":""}"#,
        ),
        (
            "data/shop/Customers.jsonl",
            r#"{"id":"c-1","name":"Ida Moe","mail":"ida@example.com","city":"Oslo","phone":"","company":"1"}"#,
        ),
        ("data/shop/Companies.jsonl", r#"{"id":"1","name":"Fjordheim AS"}"#),
    ] {
        write(&dir.path().join(file), &format!("{line}\n"));
    }
    lockstep(dir.path(), &["check"]).exits(0).says("0 errors, 0 warnings");
    lockstep(dir.path(), &["test"]).exits(0).says("2 tests: 2 passed, 0 failed.");
}

/// The keys of a JSON Schema, wherever they stand in it. One of them is itself called `properties`.
fn keys(schema: &Value, found: &mut BTreeSet<String>) {
    for (key, below) in schema.as_object().into_iter().flatten() {
        match (key.as_str(), below) {
            ("properties" | "$defs", Value::Object(map)) => {
                if key == "properties" {
                    found.extend(map.keys().cloned());
                }
                map.values().for_each(|below| keys(below, found));
            }
            (_, Value::Array(list)) => list.iter().for_each(|below| keys(below, found)),
            _ => keys(below, found),
        }
    }
}

#[test]
fn every_key_is_named() {
    let page = read(&root().join("docs/projects.md"));
    for schema in ["schemas/lockstep.schema.json", "schemas/flow.schema.json"] {
        let mut found = BTreeSet::new();
        keys(&serde_json::from_str(&read(&root().join(schema))).unwrap(), &mut found);
        assert!(found.len() > 20, "{schema} has keys: {found:?}");
        let missing: Vec<&String> =
            found.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
        assert!(
            missing.is_empty(),
            "docs/projects.md does not name these keys of {schema}: {missing:?}"
        );
    }
}
