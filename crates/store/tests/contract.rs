//! The SQLite store keeps the contract, in memory and in a file; and so does the one in memory.

use std::cell::RefCell;

use lockstep_store::boundary::*;
use lockstep_store::{MemoryStore, SqliteStore, contract};

#[test]
fn in_memory() {
    contract::check(|| Box::new(SqliteStore::in_memory().unwrap()));
}

#[test]
fn in_a_file() {
    let folders = RefCell::new(Vec::new());
    contract::check(|| {
        let folder = tempfile::tempdir().unwrap();
        let store: Box<dyn Store> =
            Box::new(SqliteStore::open(folder.path().join("store.db")).unwrap());
        folders.borrow_mut().push(folder);
        store
    });
    assert!(folders.borrow().len() > 20);
}

#[test]
fn a_scratch_copy_keeps_it_too() {
    contract::check(|| SqliteStore::in_memory().unwrap().scratch().unwrap());
}

#[test]
fn in_a_file_that_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    contract::check_reopened(|| {
        Box::new(SqliteStore::open(folder.path().join("deep/er/store.db")).unwrap())
    });
}

#[test]
fn while_a_great_load_goes_on() {
    contract::check(|| in_bulk(SqliteStore::in_memory().unwrap()));
}

#[test]
fn in_a_file_whose_great_loads_are_all_killed() {
    let folder = tempfile::tempdir().unwrap();
    contract::check_reopened(|| {
        in_bulk(SqliteStore::open(folder.path().join("store.db")).unwrap())
    });
}

fn in_bulk(mut store: SqliteStore) -> Box<dyn Store> {
    store.bulk_load(true).unwrap();
    Box::new(store)
}

#[test]
fn without_any_file() {
    contract::check(|| Box::new(MemoryStore::new()));
    contract::check(|| MemoryStore::new().scratch().unwrap());
}

#[test]
fn without_any_file_opened_again() {
    let store = MemoryStore::new();
    contract::check_reopened(|| Box::new(store.opened_again()));
}
