//! The vocabulary, its page, and what the built-in manifests say in its words.

use std::path::Path;

use lockstep_connector::catalogue;
use lockstep_connector::rest::{examine, parse};
use lockstep_connector::vocabulary::vocabulary;

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn the_page_is_that_of_the_file() {
    let path = repository("docs/vocabulary.md");
    let page = vocabulary().page();
    if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/vocabulary.md is stale: run the tests once with LOCKSTEP_UPDATE=1");
}

#[test]
fn every_record_type_and_property_of_the_built_in_manifests_says_what_it_means() {
    let mut said = 0;
    for name in catalogue::names() {
        let path = repository(&format!("crates/connector/systems/{name}.yaml"));
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let manifest = parse(&name, &text).unwrap();
        for (kind, ty) in &manifest.types {
            let means = ty.means.as_deref().unwrap_or_else(|| panic!("{name} {kind}: no `means`"));
            assert_eq!(vocabulary().record_type(means), Ok(()), "{name} {kind}");
            for (path, property) in &ty.properties {
                let word = property.means.as_deref();
                let word = word.unwrap_or_else(|| panic!("{name} {kind}.{path}: no `means`"));
                assert!(vocabulary().property(word).is_ok(), "{name} {kind}.{path}: {word}");
                said += 1;
            }
        }
    }
    assert!(said > 1000, "{said}");
}

/// A manifest of two record types; `of` is what the first one says that it means.
fn manifest(of: &str, properties: &str) -> String {
    format!(
        "title: T\nsettings: {{}}\nrate: {{}}\nbase: https://example.com\ntest: /x\nauth: {{ bearer: t }}\ntypes:\n  \
         People:\n{of}    id: id\n    list: {{ request: {{ path: /p }}, paging: none }}\n    \
         properties:\n{properties}\n  Items:\n    means: product\n    id: id\n    list: {{ \
         request: {{ path: /i }}, paging: none }}\n    properties:\n      sku: {{ means: product.sku }}\n"
    )
}

#[test]
fn what_means_nothing_is_told_where_it_stands_with_a_near_word() {
    for (of, property, place, told) in [
        ("    means: persn\n", "      mail: {}", "persn", "is `person` meant?"),
        (
            "    means: person\n",
            "      mail: { means: person.emial }",
            "person.emial",
            "is `email` meant?",
        ),
        (
            "    means: person\n",
            "      mail: { means: organization.email }",
            "organization.email",
            "begins with `person.`",
        ),
        (
            "",
            "      mail: { means: person.email }",
            "person.email",
            "needs `means` of its record type",
        ),
        (
            "    means: person\n",
            "      ok: { means: person.name, type: boolean }",
            "person.name",
            "is of the type text",
        ),
        (
            "    means: person\n",
            "      boss: { means: person.name, reference: Items }",
            "person.name",
            "leads to no record",
        ),
        (
            "    means: person\n",
            "      boss: { means: person.reportsTo, reference: Items }",
            "person.reportsTo",
            "leads to a person, and the property to Items, which means `product`",
        ),
    ] {
        let text = manifest(of, property);
        let faults = examine(&text).err().unwrap_or_default();
        assert_eq!(faults.len(), 1, "{property}: {faults:?}");
        assert!(faults[0].message.contains(told), "{}", faults[0].message);
        let span = faults[0].span.clone().expect("it has a place");
        let line = text[span.start..].lines().next().unwrap_or_default();
        assert!(line.contains(place), "{property}: the place is `{line}`");
    }
    let sound = manifest("    means: person\n", "      mail: { means: \"person.email[work]\" }");
    assert!(examine(&sound).is_ok(), "{:?}", examine(&sound).err());
    assert!(examine(&manifest("", "      mail: {}")).is_ok(), "nobody has to say it");
}
