//! Copies of a store, and a copy in the place of a store (C2).

use std::fs;
use std::path::Path;

use lockstep_model::{Intent, IntentKind, IntentState, Timestamp};
use lockstep_store::sqlite::copies::{OpenWrites, back_up, put_back};
use lockstep_store::{
    Catalogue as _, Commits as _, History as _, Outbox as _, SqliteStore, StoreError, contract,
};
use rusqlite::Connection;

use crate::file::of_form_three;

/// A store of an older form with intents in every state.
fn with_intents(path: &Path) {
    of_form_three(path)
        .execute_batch(
            "INSERT INTO intents (id, run, kind, rank, type, record, entity, source, source_type, state, attempts, not_before, message,
                 decided_at, done_at, changes)
             VALUES (1, 1, 'create', 0, 1, 8, 1, 1, 1, 'done', 0, NULL, NULL, 5, 6, '[]'),
                 (2, 1, 'create', 0, 1, NULL, 2, 2, 1, 'queued', 0, NULL, NULL, 5, NULL, '[]'),
                 (3, 1, 'update', 0, 1, 9, 3, 1, 1, 'queued', 1, 99999, 'busy', 5, NULL, '[]'),
                 (4, 1, 'create', 0, 1, NULL, 4, 4, 1, 'queued', 0, NULL, NULL, 5, NULL, '[]'),
                 (5, 1, 'update', 0, 1, 9, 5, 1, 1, 'refused', 1, NULL, 'no', 5, NULL, '[]'),
                 (6, 1, 'delete', 0, 1, 7, 6, 5, 1, 'unknown', 0, NULL, 'lost', 5, NULL, '[]');
             INSERT INTO sending VALUES (4, 4);",
        )
        .unwrap();
}

fn of(store: &mut SqliteStore, state: IntentState) -> Vec<(i64, u32, Option<i64>)> {
    let said = |i: Intent| (i.id.0, i.attempts, i.not_before.map(|at| at.0));
    store.intents_in(state, 9).unwrap().into_iter().map(said).collect()
}

#[test]
fn c2_what_was_open_in_a_copy_is_unknown_where_it_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (old, store) = (folder.path().join("old.db"), folder.path().join("store.db"));
    with_intents(&old);
    let put = put_back(&old, &store, Timestamp(500)).unwrap();
    let open = |kind, count| OpenWrites { ty: contract::plan()[0].name.to_string(), kind, count };
    let expected =
        [open(IntentKind::Create, 2), open(IntentKind::Delete, 1), open(IntentKind::Update, 1)];
    assert_eq!((put.open, put.replaced), (expected.to_vec(), None));
    let mut store = SqliteStore::open(&store).unwrap();
    store.bind(&contract::plan()).unwrap();
    assert_eq!(of(&mut store, IntentState::Queued), []);
    assert_eq!(of(&mut store, IntentState::Sent), []);
    let unknown = [(2, 0, Some(500)), (3, 1, Some(99_999)), (4, 0, Some(500)), (6, 0, Some(500))];
    assert_eq!(of(&mut store, IntentState::Unknown), unknown);
    assert_eq!(of(&mut store, IntentState::Refused), [(5, 1, None)], "it waits for a person");
    assert_eq!(of(&mut store, IntentState::Done).len(), 1);
    assert_eq!(store.outbox(Timestamp(i64::MAX), &[lockstep_model::TypeIx(0)], 9).unwrap(), []);
}

#[test]
fn c2_a_copy_is_the_same_store_and_so_is_what_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut store = SqliteStore::open(path("store.db")).unwrap();
    store.begin_run(Timestamp(7)).unwrap();
    let identity = store.identity().unwrap();
    // It is at work, and what it has written is in its log.
    back_up(&path("store.db"), &path("copy.db")).unwrap();
    store.begin_run(Timestamp(8)).unwrap();
    let locked = put_back(&path("copy.db"), &path("store.db"), Timestamp(0)).unwrap_err();
    assert!(matches!(locked, StoreError::Locked { .. }), "{locked}");
    drop(store);
    let put = put_back(&path("copy.db"), &path("store.db"), Timestamp(0)).unwrap();
    let runs = |path: &Path| SqliteStore::open(path).unwrap().runs(9).unwrap().len();
    assert_eq!((runs(&path("store.db")), runs(&put.replaced.unwrap())), (1, 2));
    // Keys that systems were given stay what they were.
    assert_eq!(SqliteStore::open(path("store.db")).unwrap().identity().unwrap(), identity);
    let left: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".part") || name.contains(".restoring"))
        .collect();
    assert_eq!(left, [""; 0], "nothing is left over");
}

#[test]
fn what_is_no_whole_store_is_not_put_in_the_place_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(SqliteStore::open(path("store.db")).unwrap());
    let before = fs::read(path("store.db")).unwrap();
    fs::write(path("text"), "name;mail\n".repeat(1000)).unwrap();
    Connection::open(path("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    back_up(&path("store.db"), &path("torn.db")).unwrap();
    let mut torn = fs::read(path("torn.db")).unwrap();
    let from = torn.len() / 4;
    torn[from..].fill(0xA5);
    fs::write(path("torn.db"), torn).unwrap();
    for name in ["text", "other.db", "torn.db", "not there"] {
        let error = put_back(&path(name), &path("store.db"), Timestamp(0)).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. } | StoreError::Empty { .. }), "{error}");
        assert!(fs::read(path("store.db")).unwrap() == before, "{name}");
    }
    let error = back_up(&path("not there"), &path("copy.db")).unwrap_err();
    assert!(matches!(error, StoreError::Empty { .. }), "{error}");
    let error = back_up(&path("store.db"), &path("no such folder/copy.db")).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn nobody_but_its_owner_can_read_a_copy() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(SqliteStore::open(path("store.db")).unwrap());
    back_up(&path("store.db"), &path("copy.db")).unwrap();
    fs::set_permissions(path("copy.db"), fs::Permissions::from_mode(0o644)).unwrap();
    put_back(&path("copy.db"), &path("back.db"), Timestamp(0)).unwrap();
    back_up(&path("store.db"), &path("other.db")).unwrap();
    for name in ["other.db", "back.db"] {
        let mode = fs::metadata(path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}
