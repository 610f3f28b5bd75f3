//! `docs/systems/checked.md` has a table for each system: what its manifest does, against what it was
//! checked, and by which test. The tables are made here, so that they can't say anything else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The operations of a record type, as manifests and readers call them.
const OPERATIONS: [(&str, &str); 8] = [
    ("list", "list"),
    ("changes", "changes"),
    ("gone", "deletions"),
    ("find", "look-up"),
    ("get", "read"),
    ("create", "create"),
    ("update", "update"),
    ("delete", "delete"),
];

/// The systems, in the order of the page.
const SYSTEMS: [&str; 14] = [
    "superoffice",
    "wix",
    "poweroffice-go",
    "crmoffice",
    "zendesk",
    "youtrack",
    "business-central",
    "woocommerce",
    "tripletex",
    "zoho-crm",
    "exact-online",
    "salesforce",
    "hubspot",
    "shopify",
];

/// What holds the requests against the vendor's own description: the test, and the description.
const DESCRIBED: [(&str, &str, &str); 7] = [
    ("business-central", "business_central.rs", "EDMX of v2.0"),
    ("tripletex", "tripletex.rs", "OpenAPI 2.72"),
    ("zoho-crm", "zoho_crm.rs", "OpenAPI of v8"),
    ("exact-online", "exact_online.rs", "reference pages of 2022"),
    ("salesforce", "salesforce.rs", "typings (jsforce)"),
    ("hubspot", "hubspot.rs", "the vendor's client"),
    ("shopify", "shopify.rs", "schema of 2026-07"),
];

/// Systems whose tests run a second time through Prism.
const BY_PRISM: [(&str, &str); 2] =
    [("superoffice", "Swagger, by Prism"), ("poweroffice-go", "OpenAPI of v2, by Prism")];

/// Where calls of a system are tried.
const CALLS: [(&str, &str); 10] = [
    ("superoffice", "none: its emulator makes no calls"),
    ("wix", "`cli/tests/called.rs`"),
    ("zendesk", "`cli/tests/called.rs`"),
    ("business-central", "`cli/tests/vendors_call.rs`"),
    ("woocommerce", "`cli/tests/vendors_call.rs`"),
    ("tripletex", "`cli/tests/vendors_call.rs`"),
    ("zoho-crm", "`cli/tests/vendors_call.rs`"),
    ("exact-online", "`cli/tests/vendors_call.rs`"),
    ("hubspot", "`cli/tests/vendors_call.rs`"),
    ("shopify", "`cli/tests/vendors_call.rs`"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The record types of a manifest, by what can be done with them.
fn operations(manifest: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut inside, mut ty) = (false, String::new());
    for line in manifest.lines() {
        let indent = line.len() - line.trim_start().len();
        let Some((name, _)) = line.trim_start().split_once(':') else { continue };
        match indent {
            0 if !line.starts_with('#') => inside = name == "types",
            2 if inside => ty = name.to_owned(),
            4 if inside => all.entry(name.to_owned()).or_default().push(ty.clone()),
            _ => {}
        }
    }
    all
}

/// What the paths of a record type have in them, where that is not its own name.
const PATHS: [(&str, &str, &[&str]); 2] = [
    ("superoffice", "Quoteline", &["/archive/QuoteLine"]),
    ("poweroffice-go", "ContactpersonV1", &["/PartyContactPerson/", "/Contact/"]),
];

/// The methods of an operation's requests.
fn methods(operation: &str) -> &'static [&'static str] {
    match operation {
        "create" => &["POST"],
        "update" => &["PATCH", "PUT"],
        "delete" => &["DELETE"],
        _ => &["GET"],
    }
}

/// Those of the record types whose requests are in no description, as the run through Prism has it
/// (`exceptions.txt`).
fn not_described<'t>(system: &str, operation: &str, types: &'t [String]) -> Vec<&'t str> {
    let exceptions = text(&root().join("crates/connector/tests/systems/exceptions.txt"));
    let known: Vec<(&str, &str)> = exceptions
        .lines()
        .filter_map(|line| {
            let mut columns = line.split(" | ");
            let (of, request) = (columns.next()?, columns.next()?);
            let is_it = of == system && columns.next()? == "not described";
            request.split_once(' ').filter(|_| is_it)
        })
        .collect();
    let is_undescribed = |ty: &&String| {
        let own = [format!("/{ty}/"), format!("/{ty}")];
        let listed = PATHS.iter().find(|(of, named, _)| (*of, *named) == (system, ty.as_str()));
        known.iter().any(|(method, path)| {
            let of_type = match listed {
                Some((_, _, parts)) => parts.iter().any(|part| path.contains(part)),
                None => path.contains(&own[0]) || path.ends_with(&own[1]),
            };
            // A part of version 1 has no operation of its own there; its updates are creations.
            let by_type = listed.is_some() && operation == "update";
            of_type && (by_type || methods(operation).contains(method))
        })
    };
    types.iter().filter(is_undescribed).map(String::as_str).collect()
}

/// Against which description of the vendor's an operation was checked, and by which test.
fn description(system: &str, operation: &str, types: &[String]) -> String {
    if let Some((_, file, what)) = DESCRIBED.iter().find(|(known, ..)| *known == system) {
        let path = format!("crates/connector/tests/described/{file}");
        assert!(root().join(&path).is_file(), "{path}");
        return format!("{what}: `described/{file}`");
    }
    match BY_PRISM.iter().find(|(known, ..)| *known == system) {
        Some((_, what)) => match &not_described(system, operation, types)[..] {
            [] => (*what).into(),
            without if without.len() == types.len() => "not in it".into(),
            without => format!("{what}; not in it: {}", without.join(", ")),
        },
        None => "none".into(),
    }
}

/// The tests against the emulator.
fn emulator(system: &str) -> String {
    let own = format!("systems/{}.rs", system.replace('-', "_"));
    let tests = root().join("crates/connector/tests");
    let more = if tests.join(&own).is_file() { format!(", `{own}`") } else { String::new() };
    assert!(tests.join("systems/conforming.rs").is_file());
    format!("`systems/conforming.rs`{more}")
}

fn table(system: &str) -> String {
    let manifest = text(&root().join(format!("crates/connector/systems/{system}.yaml")));
    let title = manifest.lines().find_map(|line| line.strip_prefix("title: ")).unwrap();
    let known = operations(&manifest);
    let mut out = format!(
        "### {title}\n\n| operation | record types | the vendor's description | the emulator |\n| --- | --- | --- | --- |\n"
    );
    for (key, name) in OPERATIONS {
        let row = match known.get(key) {
            Some(types) => {
                format!(
                    "{} | {} | {}",
                    types.join(", "),
                    description(system, key, types),
                    emulator(system)
                )
            }
            None => "– | – | –".into(),
        };
        out.push_str(&format!("| {name} | {row} |\n"));
    }
    let signs = manifest.lines().any(|line| line == "  token:" || line == "  signed:");
    let by = if signs {
        "`systems/tokens.rs`, `systems/conforming.rs`"
    } else {
        "`systems/conforming.rs`"
    };
    out.push_str(&format!("| sign-in | all | none | {by} |\n"));
    let calls = manifest.lines().any(|line| line == "webhook:");
    let tried = CALLS.iter().find(|(known, _)| *known == system);
    assert_eq!(calls, tried.is_some(), "{system}: a test of its webhooks");
    out.push_str(&match tried {
        Some((_, by)) => {
            let files = by.split('`').skip(1).step_by(2);
            files.for_each(|file| assert!(root().join("crates").join(file).is_file(), "{file}"));
            format!("| webhook | all | none | {by} |\n")
        }
        None => "| webhook | – | – | – |\n".into(),
    });
    out
}

#[test]
fn the_page_says_what_was_checked_and_by_which_test() {
    let tables: Vec<String> = SYSTEMS.into_iter().map(table).collect();
    let wanted = tables.join("\n");
    let page = text(&root().join("docs/systems/checked.md"));
    let end = page.split_once("## Operation by operation\n").expect("the page has the tables").1;
    let shown = &end[end.find("### ").unwrap_or(0)..];
    assert!(shown.trim_end() == wanted.trim_end(), "the page is to end with\n\n{wanted}");
    let systems = std::fs::read_dir(root().join("crates/connector/systems")).unwrap();
    assert_eq!(systems.count(), SYSTEMS.len(), "every manifest has a table");
}
