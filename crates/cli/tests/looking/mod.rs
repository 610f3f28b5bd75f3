//! Looking at what is stored needs no connectors and no secrets.

use std::path::Path;

use lockstep_sandbox::{Options, Sandbox};

use crate::transcript::{contents, example, lockstep, replace, write};

/// The example, run once against emulated systems, and now without its variables and its systems.
fn left() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(Options::default()).unwrap();
    example(dir.path(), &sandbox, &[]);
    let ran = lockstep(dir.path(), &["sync", "--format", "json"]).json();
    let linked =
        ran["events"].as_array().unwrap().iter().find(|event| event["event"] == "created").unwrap();
    let record = linked["record"].as_str().unwrap().to_string();
    std::fs::remove_file(dir.path().join(".env")).unwrap();
    (dir, record)
}

fn looks(dir: &Path, record: &str) {
    lockstep(dir, &["status"]).exits(0).says("wix.Contacts").says("read to the end");
    assert!([0, 1].contains(&lockstep(dir, &["review"]).status.unwrap()));
    lockstep(dir, &["explain", record]).exits(0).says(record);
    lockstep(dir, &["history", record]).exits(0).says("written");
    lockstep(dir, &["entities", "--limit", "3"]).exits(0).says("• ");
    lockstep(dir, &["audit", "--stored"]).says(" audited, 0 records read.");
    lockstep(dir, &["verify", "--passive"]).says(" proved, 0 violated");
    lockstep(dir, &["release"]).exits(0).says("No guard has tripped.");
    let released = lockstep(dir, &["release", "--format", "json"]).exits(0).json();
    assert_eq!(released["guards"], serde_json::json!([]));
}

/// What would be taken back is planned from what was read last.
fn plans_back(dir: &Path, record: &str) {
    let system = record.split('.').next().unwrap();
    let not_asked = format!("{system} was not asked, as it lacks a variable or a setting");
    let undo = lockstep(dir, &["undo", record]).exits(1).says(&not_asked);
    undo.says("Nothing was done: this was a plan.").says("1 record to delete");
    let plan = lockstep(dir, &["undo", record, "--format", "json"]).exits(1).json();
    assert_eq!(plan["plan"]["unasked"], serde_json::json!([system]));
    assert_eq!(plan["plan"]["records"][0]["act"], "delete", "{plan}");
    lockstep(dir, &["redo"]).exits(2).says("no undo stands that could be taken back");
    lockstep(dir, &["unlink", record, "--restore"]).exits(1).says("There is nothing to put back.");
}

#[test]
fn a_project_whose_secrets_are_not_there_can_be_looked_at() {
    let (dir, record) = left();
    let dir = dir.path();
    let before = contents(dir);
    looks(dir, &record);
    plans_back(dir, &record);
    let checked = lockstep(dir, &["check"])
        .exits(0)
        .says("warning[config::env-missing]")
        .says("WIX_API_KEY is not set");
    checked.says("a run needs it");
    let files = |all: &std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>| {
        let own = |path: &&std::path::PathBuf| !path.to_string_lossy().contains("lockstep.db-");
        all.keys().filter(own).cloned().collect::<Vec<_>>()
    };
    assert_eq!(files(&contents(dir)), files(&before));
    // What reads or writes needs them.
    let undo = ["undo", &record, "--yes"];
    for args in [&["plan"][..], &["sync"], &["audit"], &["connect", "wix"], &undo] {
        lockstep(dir, args).exits(2).says("the variable WIX_API_KEY is not set");
    }
    // And what is wrong in the files is told all the same.
    replace(&dir.join("flows/wix-youtrack.yaml"), "wix.", "wiks.");
    lockstep(dir, &["status"]).exits(2).says("wiks");
}

#[test]
fn a_database_that_is_away_can_be_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lockstep(dir, &["init"]).exits(0);
    lockstep(dir, &["sync"]).exits(0);
    let told = lockstep(dir, &["explain", "crm.People/1", "email"]).exits(0).stdout;
    // From now on the same records are in a database of which nobody knows the password here.
    replace(
        &dir.join("lockstep.yaml"),
        "connector: files\n    title: CRM\n    with: { folder: data/crm }",
        "connector: sql\n    title: CRM\n    with: { url: \"postgres://lockstep:${CRM_PASSWORD}@127.0.0.1:1/crm\" }",
    );
    lockstep(dir, &["status"]).exits(0).says("crm.People");
    assert_eq!(lockstep(dir, &["explain", "crm.People/1", "email"]).exits(0).stdout, told);
    lockstep(dir, &["history"]).exits(0).says("crm.People/1");
    lockstep(dir, &["audit", "--stored"]).exits(0).says("Nothing differs.");
    lockstep(dir, &["undo", "1"]).exits(1).says("1 record to delete").says_nothing_of("not asked");
    lockstep(dir, &["sync"]).exits(2).says("CRM_PASSWORD is not set");
    // A folder that is gone is no reason either.
    write(
        &dir.join("lockstep.yaml"),
        &crate::transcript::read(&dir.join("lockstep.yaml")).replace("data/shop", "data/away"),
    );
    lockstep(dir, &["status"]).exits(0).says("shop.Customers");
}
