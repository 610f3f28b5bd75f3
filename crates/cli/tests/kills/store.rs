//! Whether a store file is sound: by SQLite's own check, and by what the states of intents allow.
//!
//! A copy is looked at, with its write-ahead log: recovering it is the next run's work, not the
//! test's.

use std::path::Path;

use rusqlite::Connection;

/// What may never be found, with what it would mean.
const NEVER: [(&str, &str); 12] = [
    (
        "an intent in a state that there is not",
        "SELECT id FROM writes WHERE state NOT IN ('queued','sent','unknown','done','refused','dropped')",
    ),
    (
        "an intent that has ended without a time, or has a time and has not ended",
        "SELECT id FROM writes WHERE (state IN ('done','dropped')) <> (done_at IS NOT NULL)",
    ),
    (
        "a confirmed creation without its record",
        "SELECT i.id FROM writes i LEFT JOIN records r ON r.id = i.record WHERE i.kind = 'create' AND i.state = 'done' AND r.id IS NULL",
    ),
    (
        "an update of a record that is not known",
        "SELECT i.id FROM writes i LEFT JOIN records r ON r.id = i.record WHERE i.kind <> 'create' AND r.id IS NULL",
    ),
    (
        "an intent from a record that is not known",
        "SELECT i.id FROM writes i LEFT JOIN records r ON r.id = i.source WHERE r.id IS NULL",
    ),
    (
        "two open creations for one entity",
        "SELECT min(id) FROM writes WHERE kind = 'create' AND state > 'dropped' GROUP BY entity, type HAVING count(*) > 1",
    ),
    (
        "an open creation where there is a record",
        "SELECT i.id FROM writes i JOIN entities s ON s.record = i.source JOIN entities r ON r.entity = s.entity AND r.type = i.type AND r.gone = 0 WHERE i.kind = 'create' AND i.state IN ('queued', 'sent') AND r.first_seen < i.decided_at",
    ),
    (
        "two records of a type in one entity (L6)",
        "SELECT min(record) FROM entities WHERE gone = 0 GROUP BY entity, type HAVING count(*) > 1",
    ),
    (
        "an entity that did not begin with a record",
        "SELECT r.record FROM entities r LEFT JOIN records e ON e.id = r.entity WHERE e.id IS NULL",
    ),
    (
        "a match key of a record that is not known",
        "SELECT k.record FROM keys k LEFT JOIN records r ON r.id = k.record WHERE r.id IS NULL AND k.record > 0",
    ),
    (
        "a match key of a creation that is not known",
        "SELECT k.record FROM keys k LEFT JOIN writes i ON i.id = -k.record AND i.kind = 'create' WHERE i.id IS NULL AND k.record < 0",
    ),
    (
        "a number on the agenda that is no record's",
        "SELECT first FROM agenda WHERE first NOT IN (SELECT id FROM records) OR last NOT IN (SELECT id FROM records)",
    ),
];

/// Fails where the store of the project in `dir` is not sound. One that does not exist yet is, and
/// one that has not got its form yet.
#[track_caller]
pub fn sound(dir: &Path) {
    let copy = tempfile::tempdir().unwrap();
    for end in ["", "-wal", "-journal"] {
        let name = format!("lockstep.db{end}");
        if dir.join(&name).exists() {
            std::fs::copy(dir.join(&name), copy.path().join(&name)).unwrap();
        }
    }
    let path = copy.path().join("lockstep.db");
    if !path.exists() {
        return;
    }
    let store = Connection::open(path).unwrap();
    let check: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok", "the store file is damaged");
    // Both views that are asked below: a form is made step by step, and a disk may be full between
    // two of them.
    let views: i64 = store
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('writes', 'entities')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    if views < 2 {
        return;
    }
    for (what, query) in NEVER {
        let mut query = store.prepare(query).unwrap();
        let found: Vec<i64> =
            query.query_map([], |row| row.get(0)).unwrap().map(|id| id.unwrap()).collect();
        assert!(found.is_empty(), "{what}: {found:?}");
    }
}
