//! The `sql` connector on a SQLite file, a PostgreSQL server and a MariaDB server: the same checks
//! on all three.

mod checks;
mod encryption;
mod transactions;

use crate::lab::{Lab, done, update, watch, write};
use lockstep_connector::{Checkpoint, Connector, Page, ReadRequest, Trouble};
use lockstep_model::flow::PropertyRef;
use serde_json::json;

#[test]
fn sqlite() {
    checks::all(Lab::sqlite());
}

/// R1: SQLite's own pages name `TEXT` and `INTEGER` as what times are kept in.
#[test]
fn r1_times_in_sqlite_are_seen_in_what_a_column_holds_whatever_it_was_declared_as() {
    let made = |declared: &str, first: &str, second: &str| {
        let lab = Lab::sqlite();
        lab.run(&format!(
            "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, changed {declared});
             INSERT INTO people (name, changed) VALUES ('Solveig', {first}), ('Kari', {second});"
        ));
        lab
    };
    let names = |page: Page| {
        page.records.iter().map(|record| record.values[0].clone().unwrap()).collect::<Vec<_>>()
    };
    for (declared, first, second, later) in [
        ("TEXT", "'2026-01-31 10:00:00'", "NULL", "datetime('now')"),
        ("TEXT", "'2026-01-31T10:00:00Z'", "''", "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"),
        ("INTEGER", "1769853600", "1767261600", "unixepoch('now')"),
        ("", "1769853600000", "1767261600000", "unixepoch('now') * 1000"),
        ("TEXT", "NULL", "NULL", "datetime('now')"),
    ] {
        let lab = made(declared, first, second);
        let connector = lab.open(json!({"modified": "changed"}));
        let watch = watch(&["name"]);
        let all = read(&connector, "people", &watch, None);
        assert_eq!(all.records.len(), 2, "{declared} {first}");
        let stamped = first != "NULL";
        let told = lockstep_model::Timestamp(1_769_853_600_000);
        assert_eq!(all.records[0].modified, stamped.then_some(told), "{declared} {first}");
        lab.run(&format!("UPDATE people SET name = 'Aase', changed = {later} WHERE id = 1"));
        let changed = names(read(&connector, "people", &watch, Some(all.checkpoint)));
        assert_eq!(changed[0], json!("Aase"), "{declared} {first}");
        let unstamped = matches!(second, "NULL" | "''");
        assert_eq!(
            changed.len(),
            if unstamped { 2 } else { 1 },
            "who has no time yet may be new: {declared} {first}"
        );
        // A write is stamped in the column's own form, and seen by whoever asks for what changed.
        done(write(&connector, "people", &watch, update("2", None, &[(0, json!("Kari Moen"))])));
        let kind = &lab.rows("SELECT typeof(changed) FROM people WHERE id = 2")[0];
        assert_eq!(kind, if declared == "TEXT" { "text" } else { "integer" });
    }
    // What is no time is refused, or told, and never passed over.
    for (declared, first) in [("INTEGER", "7"), ("TEXT", "'31.01.2026'")] {
        let refused = made(declared, first, first).try_open(json!({"modified": "changed"}));
        assert!(
            matches!(refused, Err(Trouble::Misconfigured(told)) if told.contains("holds no times"))
        );
    }
    let lab = made("TEXT", "'2026-01-31 10:00:00'", "'2026-01-31 10:00:00'");
    let connector = lab.open(json!({"modified": "changed"}));
    let all = read(&connector, "people", &watch(&["name"]), None);
    lab.run("UPDATE people SET changed = '31.01.2026' WHERE id = 2");
    let page = read(&connector, "people", &watch(&["name"]), Some(all.checkpoint));
    let told: Vec<_> = page
        .faults
        .iter()
        .map(|fault| (fault.id.as_deref(), fault.message.contains("31.01.2026")))
        .collect();
    assert_eq!(told, [(Some("2"), true)]);
}

/// R1: days without a time, local times west of UTC, and a clock that is behind.
#[test]
fn r1_an_edit_is_seen_though_its_time_is_before_the_last_reading() {
    for (declared, at) in [
        ("TEXT", "date('now')"),
        ("DATE", "date('now', '-1 day')"),
        ("TEXT", "datetime('now', '-5 hours')"),
        ("DATETIME", "datetime('now', '-11 hours')"),
        ("INTEGER", "unixepoch('now') - 18000"),
        ("INTEGER", "(unixepoch('now') - 18000) * 1000"),
    ] {
        let lab = Lab::sqlite();
        lab.run(&format!(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, changed {declared});
             INSERT INTO people (name, changed) VALUES ('Solveig', {at}), ('Kari', {at});"
        ));
        let connector = lab.open(json!({"modified": "changed"}));
        let watch = watch(&["name"]);
        let mut page = read(&connector, "people", &watch, None);
        for name in ["Aase", "Liv"] {
            lab.run(&format!("UPDATE people SET name = '{name}', changed = {at} WHERE id = 1"));
            page = read(&connector, "people", &watch, Some(page.checkpoint));
            let names: Vec<_> = page.records.iter().map(|one| one.values[0].clone()).collect();
            assert!(names.contains(&Some(json!(name))), "{declared} {at}: {names:?}");
        }
    }
}

/// R7: what SQLite would keep as a floating-point number with fewer digits.
#[test]
fn r7_a_number_with_more_digits_than_sqlite_keeps_is_refused() {
    let lab = Lab::sqlite();
    lab.run(
        "CREATE TABLE sums (id INTEGER PRIMARY KEY, n NUMERIC, i INTEGER, d DECIMAL(30,10), f REAL, t TEXT)",
    );
    let connector = lab.open(json!({}));
    let properties = ["n", "i", "d", "f", "t"];
    let watch = watch(&properties);
    let long: serde_json::Value = serde_json::from_str("123456789012345678901234567890").unwrap();
    let digits = json!("12345678901234567890.0123456789");
    for (prop, value, kept) in [
        (0, long.clone(), false),
        (0, digits.clone(), false),
        (0, json!("9007199254740993"), true),
        (0, json!("0.1"), true),
        (0, json!("1234567.12345678"), true),
        (0, json!("-1234567890.12345678"), false),
        (1, json!(9_223_372_036_854_775_809_u64), false),
        (1, json!(i64::MIN), true),
        (2, digits.clone(), false),
        (2, json!("12.50"), true),
        (2, json!("100000000000000000000"), true),
        (3, digits.clone(), true),
        (4, digits, true),
        (4, long, true),
    ] {
        let create = crate::lab::create(&[(prop, value.clone())], "t");
        let outcome = write(&connector, "sums", &watch, create);
        match outcome {
            lockstep_connector::Outcome::Done(_) => assert!(kept, "{value} was taken"),
            lockstep_connector::Outcome::Rejected { prop: named, message } => {
                assert!(!kept, "{value}: {message}");
                assert_eq!(named, Some(prop), "{message}");
                assert!(message.contains(properties[prop]), "{message}");
            }
            other => panic!("{value}: {other:?}"),
        }
    }
}

#[test]
fn postgresql() {
    if let Some(lab) = Lab::postgres() {
        encryption::all(&lab);
        checks::all(lab);
    }
}

#[test]
fn r1_postgresql_tells_what_changed_by_transactions() {
    if let Some(lab) = Lab::postgres() {
        lab.furnish();
        transactions::all(&lab);
    }
    transactions::refused(&Lab::sqlite());
}

#[test]
fn mariadb() {
    if let Some(lab) = Lab::mariadb() {
        transactions::refused(&lab);
        encryption::all(&lab);
        checks::all(lab);
    }
}

fn read(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    checkpoint: Option<Checkpoint>,
) -> Page {
    connector
        .read(ReadRequest { kind, watch, checkpoint: checkpoint.as_ref(), page_size: 100 })
        .unwrap()
}
