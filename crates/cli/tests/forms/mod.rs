//! Stores as released versions left them, one file for each form: every later version opens them
//! and goes on where they were.
//!
//! A new form needs its file before it is released: the project below, synced twice with `Åse Berg`
//! renamed in between, `lockstep backup`, then `PRAGMA page_size=1024; VACUUM` for a small file.

use std::path::Path;

use crate::transcript::{files, lockstep, read, root, write};

/// The first form that was released.
const FIRST: i64 = 12;

fn project(store: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| write(&dir.path().join(name), text);
    put(
        "lockstep.yaml",
        "systems:\n  crm: { connector: files, with: { folder: crm } }\n  shop: { connector: files, with: { folder: shop } }\nflows: [flows.yaml]\nlimits: { updates: none, creates: none }\n",
    );
    put(
        "flows.yaml",
        "flows:\n  - from: crm.people\n    to: shop.customers\n    create: always\n    deletes: propagate\n    match: [mail = email]\n    properties: [name <-> name, mail <-> email]\n",
    );
    put(
        "crm/people.csv",
        "id,name,mail\n1,Solveig Nygård,solveig@example.com\n2,Åse Bergan,ase@example.com\n3,Kari Moen,kari@example.com\n4,Per Dahl,per@example.com\n",
    );
    put(
        "shop/customers.csv",
        "id,name,email\n1,Solveig Nygård,solveig@example.com\n2,Per,per@example.com\n3,Per D.,per@example.com\n4,Åse Bergan,ase@example.com\n5,Kari Moen,kari@example.com\n",
    );
    std::fs::copy(store, dir.path().join("lockstep.db")).unwrap();
    dir
}

fn form(store: &Path) -> i64 {
    let store = rusqlite::Connection::open(store).unwrap();
    store.query_row("SELECT max(form) FROM schema_version", [], |row| row.get(0)).unwrap()
}

fn stores() -> Vec<std::path::PathBuf> {
    files(&root().join("crates/cli/tests/forms"), "db")
}

#[test]
fn there_is_a_store_of_every_form_that_was_released() {
    let known = {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lockstep.db");
        drop(lockstep_store::SqliteStore::open(&path).unwrap());
        form(&path)
    };
    let mut found: Vec<i64> = stores().iter().map(|path| form(path)).collect();
    found.sort_unstable();
    assert_eq!(found, (FIRST..=known).collect::<Vec<_>>(), "see the top of tests/forms/mod.rs");
    for path in stores() {
        let named = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert_eq!(named, form(&path).to_string(), "it is named after its form");
    }
}

#[test]
fn a_store_of_every_released_form_is_gone_on_with() {
    for store in stores() {
        let project = project(&store);
        let dir = project.path();
        lockstep(dir, &["sync"]).exits(1).says("Nothing was written.").says("3 × ambiguous match");
        lockstep(dir, &["review"]).exits(1).says("crm.people/4").says("shop.customers/3");
        lockstep(dir, &["history", "shop.customers/4"])
            .exits(0)
            .says("“Åse Berg” → “Åse Bergan”")
            .says("in run 1");
        lockstep(dir, &["audit"]).exits(0).says("Nothing differs");
        // What was known goes on to hold: an edit travels by a link of then, and is taken back.
        let people = read(&dir.join("crm/people.csv"));
        write(&dir.join("crm/people.csv"), &people.replace("Kari Moen", "Kari Moan"));
        lockstep(dir, &["sync"]).exits(1).says("update shop.customers/5").says("1 record written");
        lockstep(dir, &["unlink", "crm.people/1"]).exits(0);
        lockstep(dir, &["undo", "--since", "1m", "--yes"]);
        assert!(read(&dir.join("shop/customers.csv")).contains("Kari Moen"), "it is taken back");
        let store = rusqlite::Connection::open(dir.join("lockstep.db")).unwrap();
        let check: String =
            store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}

#[test]
fn a_backup_of_every_released_form_can_be_restored() {
    for store in stores() {
        let project = project(&store);
        let dir = project.path();
        std::fs::remove_file(dir.join("lockstep.db")).unwrap();
        let copy = store.to_string_lossy().into_owned();
        lockstep(dir, &["restore", &copy]).exits(0).says("it has no checksum");
        lockstep(dir, &["sync"]).exits(1).says("Nothing was written.");
        lockstep(dir, &["history", "shop.customers/4"]).exits(0).says("in run 1");
    }
}
