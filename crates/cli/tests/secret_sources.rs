//! `check` tells where each variable came from; commands that give secrets are run by what needs
//! them.

use std::path::Path;

use crate::transcript::{lockstep, read, write};

const SECRET: &str = "hunter2-of-the-test";

fn project(command: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let yaml = format!(
        "secrets:\n  PLACE: {{ exec: {command} }}\nsystems:\n  crm: {{ connector: files, with: {{ folder: \"${{PLACE}}\" }} }}\n  shop: {{ connector: files, with: {{ folder: \"${{SHOP}}\" }} }}\nflows: [flows.yaml]\n"
    );
    write(&dir.path().join("lockstep.yaml"), &yaml);
    let flows = "flows:\n  - from: crm.people\n    to: shop.customers\n    create: always\n    match: [mail = email]\n    properties: [mail <-> email]\n";
    write(&dir.path().join("flows.yaml"), flows);
    write(&dir.path().join(".env"), "SHOP=shop\n");
    write(&dir.path().join("crm/people.csv"), "id,mail\n1,ase@example.com\n");
    write(&dir.path().join("shop/customers.csv"), "id,email\n");
    dir
}

fn ran(dir: &Path) -> usize {
    std::fs::read_to_string(dir.join("ran")).unwrap_or_default().lines().count()
}

#[test]
fn check_tells_the_source_of_each_variable_and_runs_what_gives_it() {
    let dir = project("[sh, -c, 'echo x >> ran; echo crm']");
    let dir = dir.path();
    lockstep(dir, &["check"])
        .exits(0)
        .says("Variables: SHOP from .env; PLACE from the command `sh`.");
    let json = lockstep(dir, &["check", "--format", "json"]).exits(0).json();
    let variables = json["variables"].as_array().unwrap();
    assert_eq!(variables[0]["source"], "the command `sh`");
    assert_eq!((variables.len(), &variables[1]["name"]), (2, &"SHOP".into()));
    lockstep(dir, &["sync"]).exits(0).says("create shop.customers");
    assert!(read(&dir.join("shop/customers.csv")).contains("ase@example.com"));
    let before = ran(dir);
    assert!(before >= 3, "{before}");
    // What only looks needs no secret, and asks for none.
    for args in [&["status"][..], &["history"], &["entities"], &["review"], &["doc"]] {
        lockstep(dir, args).exits(0);
    }
    assert_eq!(ran(dir), before);
}

#[test]
fn a_command_that_fails_stops_a_run_and_not_what_looks() {
    let dir = project("[sh, -c, 'echo crm']");
    let path = dir.path();
    lockstep(path, &["sync"]).exits(0);
    let yaml = read(&path.join("lockstep.yaml"));
    let failing = format!("echo {SECRET}; echo {SECRET} >&2; exit 1");
    write(&path.join("lockstep.yaml"), &yaml.replace("echo crm", &failing));
    for args in [&["sync"][..], &["plan"], &["run"]] {
        let ran = lockstep(path, args).exits(2).says("the command `sh`, which gives PLACE, failed");
        ran.says_nothing_of(SECRET);
    }
    lockstep(path, &["check"]).exits(0).says("a run needs it").says_nothing_of(SECRET);
    lockstep(path, &["status"]).exits(0);
}
