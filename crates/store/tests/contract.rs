//! The SQLite store keeps the contract, in memory and in a file.

use std::cell::RefCell;

use lockstep_store::{SqliteStore, Store, contract};

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
    store.bulk(true).unwrap();
    Box::new(store)
}
