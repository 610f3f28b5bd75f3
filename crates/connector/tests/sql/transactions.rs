//! PostgreSQL's tables in which no column tells of changes: `changes: xmin`.

use lockstep_connector::contract::{self, Reading};
use lockstep_connector::sql::SqlConnector;
use lockstep_connector::{Checkpoint, Trouble};
use serde_json::{Value, json};

use crate::lab::{Lab, done, update, watch, write};

/// What a reading after this one shows, by name.
fn read(connector: &SqlConnector, checkpoint: Option<Checkpoint>) -> (Vec<String>, Reading) {
    let all = contract::read_all(connector, "people", &watch(&["name"]), checkpoint, 2).unwrap();
    let name = |values: &[Option<Value>]| values[0].as_ref()?.as_str().map(str::to_string);
    let mut names: Vec<String> =
        all.records.values().filter_map(|record| name(&record.values)).collect();
    names.sort();
    (names, all)
}

pub fn all(lab: &Lab) {
    wrong_settings_are_told(lab);
    edits_are_seen_without_a_column(lab);
    what_was_under_way_is_not_missed(lab);
    in_doubt_everything_is_read(lab);
}

fn edits_are_seen_without_a_column(lab: &Lab) {
    let connector = lab.open(json!({"changes": "xmin"}));
    let (_, first) = read(&connector, None);
    assert!(first.everything && first.pages > 1, "{first:?}");
    let (names, quiet) = read(&connector, Some(first.checkpoint));
    assert_eq!(names, [""; 0], "nothing has changed");
    assert!(!quiet.everything);
    lab.run("UPDATE people SET name = 'Aasta' WHERE email = 'ase@example.no'");
    lab.run("INSERT INTO people (email, name) VALUES ('dag@example.no', 'Dag'), ('eli@example.no', 'Eli'), ('finn@example.no', 'Finn')");
    let (names, changed) = read(&connector, Some(quiet.checkpoint));
    assert_eq!(names, ["Aasta", "Dag", "Eli", "Finn"]);
    assert!(!changed.everything && changed.pages > 1, "{changed:?}");
    // A savepoint's rows have a number of their own.
    lab.run("BEGIN; SAVEPOINT a; UPDATE people SET name = 'Dagny' WHERE name = 'Dag'; RELEASE a; COMMIT");
    let (names, own) = read(&connector, Some(changed.checkpoint));
    assert_eq!(names, ["Dagny"]);
    // A row that is only locked has not changed; our own write has.
    lab.run("BEGIN; SELECT * FROM people FOR UPDATE; COMMIT");
    let id = own.records.values().next().unwrap().id.clone();
    done(write(&connector, "people", &watch(&["name"]), update(&id, None, &[(0, json!("Dag"))])));
    let (names, after) = read(&connector, Some(own.checkpoint));
    assert_eq!(names, ["Dag"]);
    // Deletions are not told; the listing of everything misses them.
    lab.run(
        "DELETE FROM people WHERE email IN ('dag@example.no', 'eli@example.no', 'finn@example.no')",
    );
    assert_eq!(read(&connector, Some(after.checkpoint)).0, [""; 0]);
    assert_eq!(read(&connector, None).0, ["Aasta", "Bjørn", "Cato"]);
    // What old rows are numbered with is no matter: frozen ones keep their number or lose it.
    lab.run("VACUUM FREEZE people");
    let (_, frozen) = read(&connector, None);
    assert_eq!(read(&connector, Some(frozen.checkpoint)).0, [""; 0]);
    lab.run("UPDATE people SET name = 'Åse' WHERE email = 'ase@example.no'");
}

/// A transaction that began before a reading and ended after it, with a younger one between.
fn what_was_under_way_is_not_missed(lab: &Lab) {
    let connector = lab.open(json!({"changes": "xmin"}));
    let mut long = postgres::Client::connect(&lab.url, postgres::NoTls).unwrap();
    let mut under_way = long.transaction().unwrap();
    let edit = "UPDATE people SET name = 'Torbjørn' WHERE email = 'bjorn@example.no'";
    assert_eq!(under_way.execute(edit, &[]).unwrap(), 1);
    lab.run("UPDATE people SET name = 'Kato' WHERE email = 'cato@example.no'");
    let (names, first) = read(&connector, None);
    assert_eq!(names, ["Bjørn", "Kato", "Åse"]);
    let (names, again) = read(&connector, Some(first.checkpoint));
    assert_eq!(names, ["Kato"], "as long as one is under way, what came after it is read again");
    under_way.commit().unwrap();
    let (names, last) = read(&connector, Some(again.checkpoint));
    assert_eq!(names, ["Kato", "Torbjørn"]);
    assert_eq!(read(&connector, Some(last.checkpoint)).0, [""; 0]);
    lab.run("UPDATE people SET name = CASE email WHEN 'bjorn@example.no' THEN 'Bjørn' ELSE 'Cato' END WHERE name IN ('Kato', 'Torbjørn')");
}

/// A checkpoint whose numbers are another server's, lie ahead, or lie half a circle back.
fn in_doubt_everything_is_read(lab: &Lab) {
    let connector = lab.open(json!({"changes": "xmin"}));
    let (_, first) = read(&connector, None);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut mark: Value = serde_json::from_str(&first.checkpoint.text).unwrap();
        change(&mut mark["transactions"]);
        let checkpoint = Checkpoint { text: mark.to_string(), bytes: vec![] };
        read(&connector, Some(checkpoint)).1.everything
    };
    assert!(!with(&|_| {}));
    assert!(with(&|standing| standing["server"] = json!("1/1/1")));
    assert!(with(&|standing| standing["next"] = json!(u64::from(u32::MAX))));
    assert!(with(&|standing| *standing = Value::Null), "a checkpoint of before `changes`");
    // With `modified` the column tells, and is not asked by transactions.
    let by_time = lab.open(json!({"modified": "changed"}));
    let (_, other) = read(&by_time, None);
    assert!(!other.checkpoint.text.contains("transactions"), "{}", other.checkpoint.text);
}

fn wrong_settings_are_told(lab: &Lab) {
    let told = |more: Value| match lab.try_open(more) {
        Err(Trouble::Misconfigured(message)) => message,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("these settings should not do"),
    };
    let message = told(json!({"changes": "xmax"}));
    assert!(message.contains("xmax") && message.contains("xmin"), "{message}");
    let message = told(json!({"tables": {"adults": {"changes": "xmin"}}}));
    assert!(message.contains("adults has no effect: it is no ordinary table"), "{message}");
    let both = json!({"tables": {"people": {"changes": "xmin", "modified": "changed"}}});
    assert!(told(both).contains("`changed` tells when a row changed"));
    // G10: people tell their time, adults are a view.
    let without_effect = |tables: Value| {
        let more =
            json!({"url": lab.url, "changes": "xmin", "modified": "changed", "tables": tables});
        let more = more.as_object().unwrap();
        lockstep_connector::catalogue::without_effect("sql", more, lab.project.path())
    };
    assert_eq!(without_effect(json!({})), [""; 0], "companies have none");
    let found = without_effect(json!({"companies": {"leave_out": true}}));
    assert!(
        matches!(&found[..], [one] if one.contains("`changes: xmin` has no effect")),
        "{found:?}"
    );
}

/// Where there are no such numbers the setting is refused.
pub fn refused(lab: &Lab) {
    for more in [json!({"changes": "xmin"}), json!({"tables": {"people": {"changes": "xmin"}}})] {
        match lab.try_open(more) {
            Err(Trouble::Misconfigured(message)) => {
                assert!(message.contains("only PostgreSQL notes"), "{message}");
            }
            _ => panic!("it should be refused"),
        }
    }
}
