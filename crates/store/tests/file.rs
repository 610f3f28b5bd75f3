//! The file: who may open it, what becomes of it when things go wrong.

use std::fs;
use std::path::{Path, PathBuf};

use lockstep_model::detail::Act;
use lockstep_model::why::Linking;
use lockstep_model::{
    Detail, EntityId, Intent, IntentState, Presence, RecordId, RecordState, Review, Slot,
    Timestamp, TypeIx, Why,
};
use lockstep_store::boundary::*;
use lockstep_store::{Commit, JournalEntry, SqliteStore, StoreError, contract};
use rusqlite::Connection;
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

fn open(path: &Path) -> SqliteStore {
    let mut store = SqliteStore::open(path).unwrap();
    store.bind(&contract::plan()).unwrap();
    store
}

fn record(id: i64) -> RecordState {
    RecordState {
        id: RecordId(id),
        ty: TypeIx(0),
        key: format!("key {id}"),
        entity: EntityId(id),
        version: None,
        modified: None,
        first_seen: Timestamp(1),
        presence: Presence::Live,
        written_at: None,
        slots: vec![Slot::default(); 4],
    }
}

fn add(store: &mut SqliteStore, ids: impl Iterator<Item = i64>) {
    store
        .commit(
            &store.lease(),
            Commit { new_records: ids.map(record).collect(), ..Commit::default() },
        )
        .unwrap();
}

fn refusal(result: Result<SqliteStore, StoreError>) -> StoreError {
    result.err().expect("it was opened")
}

#[test]
fn a_second_process_is_kept_out_and_told_who_is_in() {
    let (_folder, path) = place();
    let store = open(&path);
    let error = refusal(SqliteStore::open(&path));
    let StoreError::Locked { holder, .. } = &error else { panic!("{error}") };
    assert!(holder.starts_with(&format!("process {}, since 2", std::process::id())), "{holder}");
    drop(store);
    open(&path);
}

#[test]
fn a_great_load_that_was_killed_is_gone_on_with() {
    let (_folder, path) = place();
    let mut store = open(&path);
    store.bulk_load(true).unwrap();
    add(&mut store, 1..500);
    let keys = |ids: std::ops::Range<i64>| {
        ids.map(|id| (id as u64 % 50, RecordId(id))).collect::<Vec<_>>()
    };
    store.commit(&store.lease(), Commit { keys_added: keys(1..500), ..Commit::default() }).unwrap();
    store
        .commit(&store.lease(), Commit { keys_removed: keys(1..100), ..Commit::default() })
        .unwrap();
    let look = || Connection::open(&path).unwrap();
    let count = |what: &str| {
        look()
            .query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let index = "sqlite_schema WHERE name = 'records_key'";
    assert_eq!((count("keys"), count("keys_coming"), count(index)), (0, 2, 0));
    // Who only looks on meanwhile finds all of it.
    let mut onlooker = SqliteStore::open_read_only(&path).unwrap();
    onlooker.bind(&contract::plan()).unwrap();
    assert_eq!(onlooker.by_hash(&[0]).unwrap().len(), 8);
    assert_eq!(onlooker.by_key(TypeIx(0), &["key 17"]).unwrap().len(), 1);
    drop((store, onlooker));

    let mut store = open(&path);
    assert_eq!(count(index), 1);
    assert_eq!(store.by_hash(&[0]).unwrap().len(), 8);
    // It begins anew; the store is not empty now.
    store.bulk_load(true).unwrap();
    assert_eq!(store.by_key(TypeIx(0), &["key 17", "key 500"]).unwrap().len(), 1);
    add(&mut store, 500..600);
    store
        .commit(&store.lease(), Commit { keys_added: keys(500..600), ..Commit::default() })
        .unwrap();
    drop(store);
    let mut store = open(&path);
    assert_eq!((count("keys"), count("keys_coming")), (0, 3));
    // Any commit puts right what a load left.
    store.commit(&store.lease(), Commit::default()).unwrap();
    assert_eq!((count("keys"), count("keys_coming"), count(index)), (500, 0, 1));
    assert_eq!(store.by_hash(&[0]).unwrap().len(), 10);
}

/// A store of form 3, and its first record type.
pub fn of_form_three(path: &Path) -> Connection {
    let old = Connection::open(path).unwrap();
    let forms = [
        include_str!("../migrations/0001_first.sql"),
        include_str!("../migrations/0002_marks.sql"),
        include_str!("../migrations/0003_flows.sql"),
    ];
    old.execute_batch("CREATE TABLE schema_version (form INTEGER PRIMARY KEY); PRAGMA application_id = 0x4c6b5374").unwrap();
    for (n, form) in forms.iter().enumerate() {
        old.execute_batch(form).unwrap();
        old.execute("INSERT INTO schema_version (form) VALUES (?1)", [n as i64 + 1]).unwrap();
    }
    let name = contract::plan()[0].name.to_string();
    old.execute(
        "INSERT INTO record_types (id, name, fingerprint, records) VALUES (1, ?1, 1, 12)",
        [&name],
    )
    .unwrap();
    old
}

#[test]
fn a_store_of_an_older_form_has_the_same_entities() {
    let (_folder, path) = place();
    of_form_three(&path)
        .execute_batch(
            "INSERT INTO records (id, type, key, entity, first_seen, shadow)
             VALUES (1, 1, 'a', 1, 5, '{}'), (2, 1, 'b', 4, 5, '{}'), (3, 1, 'c', 1, 5, '{}'), (4, 1, 'd', 4, 5, '{}')",
        )
        .unwrap();
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.bind(&contract::plan()).unwrap()[0].records, 4, "they are counted anew");
    let all = [1, 2, 3, 4].map(RecordId);
    let mut found: Vec<_> =
        store.records(&all).unwrap().iter().map(|record| (record.id.0, record.entity.0)).collect();
    found.sort_unstable();
    assert_eq!(found, [(1, 1), (2, 4), (3, 1), (4, 4)]);
    let mut joined: Vec<_> = store
        .members_except_founder(&[1, 2, 4].map(EntityId))
        .unwrap()
        .iter()
        .map(|record| record.id.0)
        .collect();
    joined.sort_unstable();
    assert_eq!(joined, [2, 3]);
}

#[test]
fn a_store_of_an_older_form_says_in_its_own_words_why_a_person_is_asked() {
    let (_folder, path) = place();
    of_form_three(&path)
        .execute_batch(
            "INSERT INTO reviews (kind, record, type, path, rule, message, opened_at)
             VALUES ('ambiguous match', 1, 1, '', 'L6', '2 records match it; link one of them', 5)",
        )
        .unwrap();
    let old = open(&path).reviews(9).unwrap();
    assert_eq!(old[0].why, Why::said("2 records match it; link one of them"));
    // Brought up to date, it is a value.
    let why = Why::from(Linking::SeveralMatch { of: "b.Person".into(), records: 2 });
    let review = Review { why: why.clone(), ..old[0].clone() };
    let mut store = open(&path);
    let asked = Commit { reviews_opened: vec![review], ..Commit::default() };
    store.commit(&store.lease(), asked).unwrap();
    drop(store);
    let known = open(&path).reviews(9).unwrap();
    assert_eq!((known.len(), &known[0].why, known[0].opened_at.0), (1, &why, 5));
}

#[test]
fn a_store_of_an_older_form_tells_in_its_own_words_what_happened() {
    let (_folder, path) = place();
    of_form_three(&path)
        .execute_batch(
            "INSERT INTO journal (at, run, kind, record, rule, other, text)
             VALUES (5, 1, 'link', 1, 'L7', 2, 'a person linked them'), (6, 1, 'written', 1, 'P1', 2, '')",
        )
        .unwrap();
    let mut store = open(&path);
    let old = store.journal(&[RecordId(1)], 9).unwrap();
    let says: Vec<&Detail> = old.iter().map(|entry| &entry.detail).collect();
    assert_eq!(says, [&Detail::Said("a person linked them".into()), &Detail::Nothing]);
    // What happens from now on is a value.
    let linked = JournalEntry { detail: Act::Linked.into(), ..old[0].clone() };
    let commit = Commit { journal: vec![linked.clone()], ..Commit::default() };
    store.commit(&store.lease(), commit).unwrap();
    drop(store);
    let told = open(&path).journal(&[RecordId(1)], 9).unwrap();
    assert_eq!(told, [old[0].clone(), old[1].clone(), linked]);
}

#[test]
fn a_store_of_an_older_form_says_the_same_of_its_intents() {
    let (_folder, path) = place();
    let old = of_form_three(&path);
    old.execute_batch(
        "INSERT INTO intents (id, run, kind, rank, type, record, entity, source, source_type, state, attempts, not_before, message,
             decided_at, done_at, changes)
         VALUES (1, 1, 'create', 0, 1, 8, 1, 1, 1, 'done', 0, NULL, NULL, 5, 6, '[]'),
             (2, 1, 'update', 0, 1, 9, 1, 1, 1, 'done', 2, NULL, 'at last', 5, 7, '[]'),
             (3, 1, 'update', 0, 1, 9, 1, 1, 1, 'dropped', 0, NULL, 'another took its place', 5, 7, '[]'),
             (4, 1, 'create', 0, 1, NULL, 2, 2, 1, 'queued', 0, NULL, NULL, 5, NULL, '[]'),
             (5, 1, 'create', 0, 1, NULL, 3, 3, 1, 'queued', 1, 99, 'busy', 5, NULL, '[]'),
             (6, 1, 'create', 0, 1, NULL, 4, 4, 1, 'queued', 0, NULL, NULL, 5, NULL, '[]'),
             (7, 1, 'update', 0, 1, 9, 1, 1, 1, 'refused', 1, NULL, 'no', 5, NULL, '[]'),
             (8, 1, 'create', 0, 1, NULL, 5, 5, 1, 'unknown', 0, NULL, 'lost', 5, NULL, '[]');
         INSERT INTO sending VALUES (6, 6);",
    )
    .unwrap();
    drop(old);

    let mut store = SqliteStore::open(&path).unwrap();
    let counted = store.bind(&contract::plan()).unwrap()[0].records;
    assert_eq!(counted, 0, "it was said to have twelve, and has none");
    let said = |store: &mut SqliteStore, state| -> Vec<String> {
        let found = store.intents_in(state, 9).unwrap().into_iter();
        let at = |at: Option<Timestamp>| at.map_or("-".into(), |at| at.0.to_string());
        let say = |i: Intent| {
            let (record, message) =
                (i.record.map_or("-".into(), |id| id.to_string()), i.message.unwrap_or("-".into()));
            format!(
                "{} {record} {} {} {message} {}",
                i.id,
                i.attempts,
                at(i.not_before),
                at(i.done_at)
            )
        };
        found.map(say).collect()
    };
    use IntentState::*;
    assert_eq!(said(&mut store, Done), ["1 8 0 - - 6", "2 9 2 - at last 7"]);
    assert_eq!(said(&mut store, Dropped), ["3 9 0 - another took its place 7"]);
    assert_eq!(said(&mut store, Queued), ["4 - 0 - - -", "5 - 1 99 busy -"]);
    assert_eq!(said(&mut store, Sent), ["6 - 0 - - -"]);
    assert_eq!(said(&mut store, Refused), ["7 9 1 - no -"]);
    assert_eq!(said(&mut store, Unknown), ["8 - 0 - lost -"]);
    assert_eq!(store.outbox(Timestamp(50), &[TypeIx(0)], 9).unwrap().len(), 1);
    assert_eq!(store.outbox(Timestamp(99), &[TypeIx(0)], 9).unwrap().len(), 2);
    assert_eq!(store.intents_of(&[RecordId(8)], 9).unwrap().len(), 1);
    drop(store);
    // What a person sees with the shell.
    let seen = Connection::open(&path).unwrap();
    let mut states = seen.prepare("SELECT state FROM writes ORDER BY id").unwrap();
    let states: Vec<String> =
        states.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        states,
        ["done", "done", "dropped", "queued", "queued", "sent", "refused", "unknown"]
    );
}

#[test]
fn a_newer_store_is_left_alone() {
    let (_folder, path) = place();
    drop(open(&path));
    let conn = Connection::open(&path).unwrap();
    conn.execute("INSERT INTO schema_version (form) VALUES (1000)", []).unwrap();
    drop(conn);
    let before = fs::read(&path).unwrap();
    for result in [SqliteStore::open(&path), SqliteStore::open_read_only(&path)] {
        assert!(matches!(refusal(result), StoreError::Newer { found: 1000, known: 1.., .. }));
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (folder, path) = place();
    fs::write(&path, "name;mail\n".repeat(1000)).unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    for path in [path, other] {
        let before = fs::read(&path).unwrap();
        for result in [SqliteStore::open(&path), SqliteStore::open_read_only(&path)] {
            let error = refusal(result);
            assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_damaged_file_says_so() {
    let (_folder, path) = place();
    let mut store = open(&path);
    add(&mut store, 1..=5_000);
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let from = bytes.len() / 4;
    bytes[from..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let all: Vec<_> = (1..=5_000).map(RecordId).collect();
    let read =
        |mut store: SqliteStore| store.bind(&contract::plan()).and_then(|_| store.records(&all));
    let error = SqliteStore::open(&path).and_then(read).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn where_nothing_can_be_written_it_says_so() {
    let (_folder, path) = place();
    fs::write(&path, "").unwrap();
    let error = refusal(SqliteStore::open(path.join("below/store.db")));
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
    let error = refusal(SqliteStore::open(path.parent().unwrap()));
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
}

#[test]
fn one_may_look_on_while_a_run_is_at_work() {
    let (_folder, path) = place();
    let error = refusal(SqliteStore::open_read_only(&path));
    assert!(matches!(error, StoreError::Empty { .. }), "{error}");
    let mut store = open(&path);
    store.bulk_load(true).unwrap();
    add(&mut store, 1..=10);
    let mut looking = SqliteStore::open_read_only(&path).unwrap();
    looking.bind(&contract::plan()).unwrap();
    let everything: Vec<_> = (1..=99).map(RecordId).collect();
    assert_eq!(looking.records(&everything).unwrap().len(), 10);
    add(&mut store, 11..=20);
    assert_eq!(looking.records(&everything).unwrap().len(), 20);
    store.bulk_load(false).unwrap();
    assert_eq!(looking.records(&everything).unwrap().len(), 20);
    let error = looking.commit(&looking.lease(), Commit::default()).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
    assert!(looking.begin_run(Timestamp(1)).is_err());
    // A record type that the store has not met yet is no reason to fail.
    let mut plan = contract::plan();
    plan[1].name.kind = "Other".into();
    assert_eq!(looking.bind(&plan).unwrap().len(), 2);
    assert_eq!(looking.by_key(TypeIx(1), &["key 1"]).unwrap(), []);
    assert_eq!(looking.by_key(TypeIx(0), &["key 1"]).unwrap(), [record(1)]);
    // Also when nobody is at work, and where nothing can be written.
    drop((store, looking));
    let mut looking = SqliteStore::open_read_only(&path).unwrap();
    looking.bind(&contract::plan()).unwrap();
    assert_eq!(looking.records(&everything).unwrap().len(), 20);
}

#[cfg(unix)]
#[test]
fn one_may_look_into_a_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let mut store = open(&path);
    add(&mut store, 1..=3);
    drop(store);
    let allow =
        |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    let looked = SqliteStore::open_read_only(&path).and_then(|mut looking| {
        looking.bind(&contract::plan())?;
        looking.records(&[RecordId(2)])
    });
    allow(0o755);
    assert_eq!(looked.unwrap(), [record(2)]);
}

#[test]
fn what_was_committed_outlives_a_crash() {
    // The files as they lie there when the process ends without a word.
    let (folder, path) = place();
    let mut store = open(&path);
    for batch in 0..5 {
        add(&mut store, batch * 100 + 1..=batch * 100 + 100);
    }
    let crashed = folder.path().join("crashed.db");
    fs::copy(&path, &crashed).unwrap();
    fs::copy(folder.path().join("store.db-wal"), folder.path().join("crashed.db-wal")).unwrap();
    let mut after = open(&crashed);
    assert_eq!(after.records(&(1..=999).map(RecordId).collect::<Vec<_>>()).unwrap().len(), 500);
    assert_eq!(after.records(&[RecordId(500)]).unwrap(), [record(500)]);
}

#[cfg(unix)]
#[test]
fn nobody_but_its_owner_can_read_a_store_at_any_moment() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = place();
    let mut store = open(&path);
    add(&mut store, 1..3);
    let mut seen = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            entry.file_name()
        );
        seen += 1;
    }
    assert!(seen >= 3, "the store, its log and its lock");
    // A store that its owner has opened to others stays so.
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    drop(open(&path));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}
