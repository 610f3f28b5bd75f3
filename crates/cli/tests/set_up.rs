//! The project that each system's page shows: `lockstep check` takes it, and, where the sandbox
//! emulates the system, it keeps both sides in step.

use std::path::Path;

use lockstep_sandbox::{FURTHER, Options, Sandbox, credentials};
use serde_json::{Value, json};

use crate::transcript::{lockstep, read, root, rows, write};

/// A page with a project on it, and what its first flow keeps equal.
struct Page {
    system: &'static str,
    /// The system's collection in the sandbox, and a property of it.
    collection: &'static str,
    property: &'static str,
    /// The folder's file, and a column of it.
    file: &'static str,
    column: &'static str,
}

const PAGES: [Page; 8] = [
    Page {
        system: "business-central",
        collection: "customers",
        property: "phoneNumber",
        file: "data/Companies.jsonl",
        column: "phone",
    },
    Page {
        system: "woocommerce",
        collection: "products",
        property: "name",
        file: "data/Items.jsonl",
        column: "title",
    },
    Page {
        system: "tripletex",
        collection: "customer",
        property: "phoneNumber",
        file: "data/Companies.jsonl",
        column: "phone",
    },
    Page {
        system: "zoho-crm",
        collection: "Accounts",
        property: "Phone",
        file: "data/Companies.jsonl",
        column: "phone",
    },
    Page {
        system: "exact-online",
        collection: "Accounts",
        property: "Phone",
        file: "data/Companies.jsonl",
        column: "phone",
    },
    Page {
        system: "salesforce",
        collection: "Account",
        property: "Phone",
        file: "data/Companies.jsonl",
        column: "phone",
    },
    Page {
        system: "hubspot",
        collection: "companies",
        property: "properties.phone",
        file: "data/Companies.jsonl",
        column: "phone",
    },
    Page {
        system: "shopify",
        collection: "customers",
        property: "note",
        file: "data/People.jsonl",
        column: "note",
    },
];

/// Writes the project of a page: its files, and keys for its variables.
fn project(dir: &Path, system: &str) {
    let text = read(&root().join(format!("docs/systems/{system}.md")));
    let mut files = 0;
    for block in text.split("\n```yaml\n# ").skip(1) {
        let (file, rest) = block.split_once('\n').expect("a block has a first line");
        let content = rest.split_once("\n```").expect("a block ends").0;
        write(&dir.join(file), &format!("{content}\n"));
        files += 1;
    }
    assert_eq!(files, 2, "{system}: a project and its flows");
    let settings = read(&dir.join("lockstep.yaml"));
    let known = credentials(system);
    let variables = settings.split("${").skip(1).filter_map(|part| part.split_once('}'));
    let keys: Vec<String> = variables
        .map(|(name, _)| {
            let key = known.iter().find(|(known, _)| known == name);
            format!("{name}={}", key.map_or("a-key-of-ours", |(_, key)| key))
        })
        .collect();
    write(&dir.join(".env"), &format!("{}\n", keys.join("\n")));
    let flows = read(&dir.join(format!("flows/{system}.yaml")));
    for part in flows.split("office.").skip(1) {
        let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
        write(&dir.join(format!("data/{name}.jsonl")), "");
    }
}

#[test]
fn the_project_on_a_systems_page_passes_check() {
    for page in PAGES {
        let dir = tempfile::tempdir().unwrap();
        project(dir.path(), page.system);
        lockstep(dir.path(), &["check"]).exits(0);
    }
}

/// The project with the sandbox in place of the vendor.
fn at_the_sandbox(dir: &Path, page: &Page, url: &str) {
    project(dir, page.system);
    let file = dir.join("lockstep.yaml");
    let settings: Vec<String> = read(&file)
        .lines()
        .filter(|line| !line.trim().starts_with("base_url:"))
        .map(|line| match line.trim() {
            "with:" => format!("{line}\n      base_url: {url}\n      rate_per_second: 10000"),
            _ => line.to_string(),
        })
        .collect();
    write(&file, &format!("{}\n", settings.join("\n")));
}

/// What a record holds at a path of names.
fn at<'a>(record: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(record, |value, name| &value[name])
}

/// A person's edit of what is at a path of names.
fn patch(path: &str, value: &str) -> Value {
    path.rsplit('.').fold(json!(value), |inner, name| json!({ name: inner }))
}

#[test]
fn the_project_on_a_systems_page_keeps_both_sides_in_step() {
    for page in PAGES.iter().filter(|page| FURTHER.contains(&page.system)) {
        let options = Options { systems: vec![page.system.into()], ..Options::default() };
        let sandbox = Sandbox::start(options).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        at_the_sandbox(dir, page, &sandbox.url(page.system).unwrap());
        lockstep(dir, &["sync"]).exits(0);
        let Page { system: _, collection, property, file, column } = *page;
        let taken = rows(dir, file);
        let there = sandbox.records(page.system, collection).unwrap();
        assert!(!taken.is_empty() && taken.len() <= there.len(), "{}: {taken:?}", page.system);
        lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");

        // There, then here, arrives on the other side.
        let holds = |record: &&Value| *at(record, property) == taken[0][column];
        let record = there.iter().find(holds).expect("it came from there").clone();
        let id = ["id", "ID", "Id"].iter().map(|name| &record[*name]).find(|id| !id.is_null());
        let id = id.expect("a record has an id");
        let id = id.as_str().map_or(id.to_string(), str::to_string);
        // Shopify's ids are addresses.
        let id = id.rsplit('/').next().unwrap_or_default().to_string();
        sandbox.edit(page.system, collection, &id, &patch(property, "22 33 44 55")).unwrap();
        lockstep(dir, &["sync"]).exits(0);
        let now = rows(dir, file);
        assert_eq!(now[0][column], json!("22 33 44 55"), "{}", page.system);
        let text = read(&dir.join(file)).replacen("22 33 44 55", "22 33 44 66", 1);
        write(&dir.join(file), &text);
        lockstep(dir, &["sync"]).exits(0);
        let held = sandbox.record(page.system, collection, &id).unwrap();
        assert_eq!(*at(&held, property), json!("22 33 44 66"), "{}", page.system);
        lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    }
}
