//! What is checked on every database.

use lockstep_connector::contract::{self, Subject};
use lockstep_connector::{Action, Connector, Outcome, ReadRequest, Trouble, Write};
use lockstep_model::{PlainType, Value};
use serde_json::json;

use super::read;
use crate::lab::{Lab, Way, create, done, update, watch, write};
use crate::servers::PASSWORD;

pub fn all(mut lab: Lab) {
    lab.furnish();
    the_catalogue_makes_the_schema(&lab);
    the_contract_is_kept(&lab);
    values_come_back_as_they_were_written(&lab);
    what_changed_is_read(&lab);
    refusals_name_what_is_to_blame(&lab);
    a_creation_tried_twice_is_made_once(&lab);
    versions_and_conditions(&lab);
    settings_that_are_wrong_are_told(&lab);
    d3_a_row_that_is_marked_is_deleted(&lab);
    keys_of_several_columns(&lab);
    r1_pages_are_in_the_order_of_the_ids(&lab);
    r1_a_table_that_has_changed_is_read_anew(&lab);
    connections_that_break(&mut lab);
}

/// The same rows say something else when their columns have other names, or by other settings.
fn r1_a_table_that_has_changed_is_read_anew(lab: &Lab) {
    let moment = lab.word("DATETIME", "timestamptz", "datetime(6)");
    lab.run(&format!(
        "CREATE TABLE seats (id integer PRIMARY KEY, a varchar(9), b varchar(9), changed {moment}, stamped {moment});\n
         INSERT INTO seats VALUES (1, 'x', 'y', '2024-01-31 10:00:00', '2024-01-31 10:00:00');\n"
    ));
    let watch = watch(&["a"]);
    let open = |own| lab.open(json!({"tables": {"seats": own}}));
    let by_change = json!({"modified": "changed"});
    let first = read(&open(by_change.clone()), "seats", &watch, None);
    let again = read(&open(by_change.clone()), "seats", &watch, Some(first.checkpoint.clone()));
    // Without `zone` it is asked from a day before the latest time that was shown (R1).
    assert!(!again.everything);
    for own in [
        json!({"modified": "stamped"}),
        json!({"modified": {"*": "changed", "a": "stamped"}}),
        json!({"modified": "changed", "deleted": {"at": "b", "is": ["y"]}}),
    ] {
        let again = read(&open(own.clone()), "seats", &watch, Some(first.checkpoint.clone()));
        assert_eq!((again.records.len(), again.everything), (1, true), "{own}");
    }
    lab.run(
        "ALTER TABLE seats RENAME COLUMN a TO c;\nALTER TABLE seats RENAME COLUMN b TO a;\n
         ALTER TABLE seats RENAME COLUMN c TO b;\n",
    );
    let again = read(&open(by_change), "seats", &watch, Some(first.checkpoint));
    assert_eq!(again.records.len(), 1);
    assert_eq!(again.records[0].values, [Some(json!("y"))]);
}

/// D3: read, written, and as if it were not there.
fn d3_a_row_that_is_marked_is_deleted(lab: &Lab) {
    let (moment, number) = (
        lab.word("DATETIME", "timestamptz", "datetime(6)"),
        lab.word("INTEGER", "smallint", "smallint"),
    );
    lab.run(&format!(
        "CREATE TABLE parties (id varchar(9) PRIMARY KEY, name varchar(40), archived boolean NOT NULL DEFAULT false,
           ended {moment}, state {number} NOT NULL DEFAULT 0, changed {moment});\n
         INSERT INTO parties (id, name) VALUES ('a', 'Aas'), ('b', 'Berg'), ('c', 'Lie');\n
         UPDATE parties SET archived = true, ended = '2024-01-31 10:00:00', state = 1 WHERE id = 'b';\n"
    ));
    let watch = watch(&["name"]);
    let delete = |id: &str, version: Option<&str>| Write {
        action: Action::Delete { id: id.into(), version: version.map(str::to_string) },
        ..create(&[], "delete")
    };
    for (mark, unmarked) in [
        (json!({"at": "archived", "is": [true], "set": true}), "archived = false"),
        (json!({"at": "ended", "is-not": [null], "set": "$now"}), "ended = NULL"),
        (json!({"at": "state", "is": [true], "set": true}), "state = 0"),
    ] {
        let connector =
            lab.open(json!({"tables": {"parties": {"modified": "changed", "deleted": mark}}}));
        let all = read(&connector, "parties", &watch, None);
        let deleted: Vec<_> = all
            .records
            .iter()
            .filter(|record| record.deleted)
            .map(|record| record.id.as_str())
            .collect();
        assert_eq!((all.records.len(), deleted), (3, vec!["b"]), "{mark}");
        assert_eq!(connector.get("parties", &watch, "b").unwrap(), None, "{mark}");
        assert_eq!(
            connector.find("parties", &watch, 0, &json!("Berg")).unwrap(),
            Some(vec![]),
            "{mark}"
        );
        let outcome = write(&connector, "parties", &watch, update("b", None, &[(0, json!("Moe"))]));
        assert!(matches!(outcome, Outcome::Gone { .. }), "{outcome:?}");
        let stale = write(&connector, "parties", &watch, delete("c", Some("stale")));
        assert!(matches!(stale, Outcome::Conflict { .. }), "{stale:?}");
        let version = all
            .records
            .iter()
            .find(|record| record.id == "c")
            .and_then(|record| record.version.clone());
        assert!(
            done(write(&connector, "parties", &watch, delete("c", version.as_deref()))).deleted
        );
        assert_eq!(connector.get("parties", &watch, "c").unwrap(), None, "{mark}");
        assert_eq!(
            lab.rows("SELECT count(*) FROM parties WHERE changed IS NOT NULL"),
            ["1"],
            "it is stamped as any change"
        );
        lab.run(&format!("UPDATE parties SET {unmarked}, changed = NULL WHERE id = 'c'"));
        assert!(connector.get("parties", &watch, "c").unwrap().is_some(), "{mark}");
    }
    let refused = |mark: Value| {
        let with = json!({"tables": {"parties": {"deleted": mark}}});
        lab.try_open(with).err().map(|trouble| trouble.to_string()).unwrap_or_default()
    };
    for (mark, told) in [
        (
            json!({"at": "archivd", "is": [true]}),
            "`archivd`, which `deleted` of parties names, is no column of it",
        ),
        (json!({"at": "archived"}), "neither `is` nor `is-not`"),
        (json!({"at": "id", "is": ["x"]}), "`id` is what `id` names"),
        (json!({"at": "archived", "is": [true], "set": false}), "does not count as deleted"),
        (json!({"at": "state", "is-not": [0], "set": "many"}), "`set` of `state` can't be written"),
    ] {
        let found = refused(mark);
        assert!(found.contains(told), "{found}");
    }
    // Where nothing says what to set, the row is removed.
    let connector =
        lab.open(json!({"tables": {"parties": {"deleted": {"at": "archived", "is": [true]}}}}));
    done(write(&connector, "parties", &watch, delete("c", None)));
    assert_eq!(lab.rows("SELECT id FROM parties ORDER BY id"), ["a", "b"]);
    lab.run("DROP TABLE parties");
}

fn the_catalogue_makes_the_schema(lab: &Lab) {
    let connector = lab.open(json!({"modified": "changed"}));
    let kinds: Vec<&str> = connector.types().iter().map(|schema| schema.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["adults", "companies", "people"],
        "tables with a key of one column, and views with an id"
    );
    let people = &connector.types()[2];
    let of = |path: &str| {
        people.property(&path.into()).unwrap_or_else(|| panic!("people has no {path}"))
    };
    for (path, ty) in [
        ("id", PlainType::Integer),
        ("email", PlainType::String),
        ("balance", PlainType::Decimal),
        ("active", PlainType::Boolean),
        ("born", PlainType::Date),
        ("seen", PlainType::Datetime),
        ("age", PlainType::Integer),
        ("weight", PlainType::Float),
    ] {
        assert_eq!(of(path).ty, ty, "{path}");
    }
    assert!(
        of("email").required && !of("name").required && !of("balance").required,
        "not null without a default is required (C4)"
    );
    assert!(
        of("greeting").read_only && of("id").read_only && !of("email").read_only,
        "generated columns are read only (P10)"
    );
    assert_eq!(
        of("company_id").reference.as_deref(),
        Some("companies"),
        "foreign keys are references (P8)"
    );
    assert!(
        people.can.since && !connector.types()[1].can.since,
        "only people has a column `changed`"
    );
    let adults = &connector.types()[0];
    assert!(
        !adults.can.create && adults.properties.iter().all(|property| property.read_only),
        "a view is read, never written"
    );
}

fn the_contract_is_kept(lab: &Lab) {
    for more in [json!({"modified": "changed"}), json!({})] {
        let connector = lab.open(more);
        contract::check(&Subject {
            connector: &connector,
            kind: "people",
            watch: watch(&["email", "name", "balance", "born", "company_id"]),
            creates: vec![
                vec![
                    json!("dagny@example.no"),
                    json!("Dagny"),
                    json!("1234567.89"),
                    json!("2001-01-31"),
                    json!("topp"),
                ],
                vec![
                    json!("eivind@example.no"),
                    json!("O'Brien \"E\" \\ Ørjan"),
                    json!("-0.01"),
                    json!(null),
                    json!(null),
                ],
            ],
            update: (2, json!("7.25")),
            unknown_id: "999999",
            refuses_stale_versions: true,
        });
        contract::check(&Subject {
            connector: &connector,
            kind: "companies",
            watch: watch(&["name"]),
            creates: vec![vec![json!("Dal og Dønning")], vec![json!("Elv")]],
            update: (0, json!("Dal")),
            unknown_id: "nobody",
            refuses_stale_versions: true,
        });
        contract::check(&Subject {
            connector: &connector,
            kind: "adults",
            watch: watch(&["name", "email"]),
            creates: vec![],
            update: (0, json!(null)),
            unknown_id: "999999",
            refuses_stale_versions: true,
        });
    }
}

fn values_come_back_as_they_were_written(lab: &Lab) {
    let connector = lab.open(json!({}));
    let paths =
        ["email", "balance", "active", "born", "seen", "age", "weight", "note", "greeting", "name"];
    let watch = watch(&paths);
    let values = [
        json!("values@example.no"),
        json!("99999999.99"),
        json!(true),
        json!("1899-12-31"),
        json!("2024-02-29T23:59:58.250+01:00"),
        json!(-7),
        json!(0.1),
        json!("line\nline\u{1F600} '; DROP TABLE people; --"),
    ];
    let given: Vec<(usize, Value)> = values.iter().cloned().enumerate().collect();
    let made = done(write(&connector, "people", &watch, create(&given, "values")));
    let read = connector.get("people", &watch, &made.id).unwrap().unwrap();
    assert_eq!(made, read, "the answer to a write is what a reading shows");
    for (prop, value) in &given {
        let expected = if *prop == 4 { json!("2024-02-29T22:59:58.25Z") } else { value.clone() };
        assert_eq!(read.values[*prop], Some(expected), "{}", paths[*prop]);
    }
    assert_eq!(
        read.values[8],
        Some(json!("Hi Nobody")),
        "what the database fills in is in the answer"
    );
    // P2: emptying; a text that must not be null but has a default becomes empty.
    let emptied = [(1, Value::Null), (4, Value::Null), (7, json!("")), (9, Value::Null)];
    let record = done(write(
        &connector,
        "people",
        &watch,
        update(&made.id, read.version.as_deref(), &emptied),
    ));
    let empty: Vec<bool> = [1, 4, 7, 9]
        .iter()
        .map(|&at| lockstep_model::value::is_empty(record.values[at].as_ref().unwrap()))
        .collect();
    assert_eq!(empty, [true; 4], "{record:?}");
    // L2: looked up without regard to case.
    let found = connector.find("people", &watch, 0, &json!("VALUES@example.NO")).unwrap().unwrap();
    assert_eq!(
        found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(),
        [made.id.as_str()]
    );
    assert_eq!(connector.find("people", &watch, 5, &json!("no number")).unwrap(), Some(vec![]));
    if let Way::Postgres(_) = lab.way {
        lists_and_objects(lab);
    }
    lab.run("DELETE FROM people WHERE email = 'values@example.no'");
}

/// PostgreSQL's arrays and JSON.
fn lists_and_objects(lab: &Lab) {
    let connector = lab.open(json!({}));
    let watch = watch(&["email", "tags", "spare", "more"]);
    let values = [
        (0, json!("lists@example.no")),
        (1, json!(["vip", "a,\"b\"", "é"])),
        (2, json!([1, 2])),
        (3, json!({"a": [1, {"b": null}]})),
    ];
    let made = done(write(&connector, "people", &watch, create(&values, "lists")));
    for (prop, value) in &values {
        assert_eq!(made.values[*prop], Some(value.clone()));
    }
    // P9: one element takes the place of the one it came from.
    let mut one = update(&made.id, None, &[(1, json!("gold"))]);
    one.values[0].displaced = json!("vip").into();
    let record = done(write(&connector, "people", &watch, one));
    assert_eq!(record.values[1], Some(json!(["gold", "a,\"b\"", "é"])));
    let found = connector.find("people", &watch, 1, &json!("Gold")).unwrap().unwrap();
    assert_eq!(found.len(), 1, "L3: an element matches");
    let record =
        done(write(&connector, "people", &watch, update(&made.id, None, &[(1, json!([]))])));
    assert_eq!(record.values[1], Some(json!([])));
    lab.run("DELETE FROM people WHERE email = 'lists@example.no'");
}

fn what_changed_is_read(lab: &Lab) {
    let connector = lab.open(json!({"modified": "changed", "overlap_seconds": 0}));
    let watch = watch(&["name"]);
    lab.run("UPDATE people SET changed = '2024-01-31 10:00:00' WHERE email <> 'ase@example.no'");
    let first = contract::read_all(&connector, "people", &watch, None, 2).unwrap();
    assert!(first.everything && first.pages > 1, "{first:?}");
    let quiet =
        contract::read_all(&connector, "people", &watch, Some(first.checkpoint), 2).unwrap();
    assert!(!quiet.everything);
    // Somebody else's edit, noted in the column as applications do.
    let now =
        lab.word("strftime('%Y-%m-%d %H:%M:%f', 'now')", "clock_timestamp()", "utc_timestamp(6)");
    lab.run(&format!(
        "UPDATE people SET name = 'Aase', changed = {now} WHERE email = 'ase@example.no'"
    ));
    let after =
        contract::read_all(&connector, "people", &watch, Some(quiet.checkpoint), 2).unwrap();
    let names: Vec<_> =
        after.records.values().map(|record| record.values[0].clone().unwrap()).collect();
    assert_eq!(names, [json!("Aase")], "only what changed is read, and it is");
    let record = after.records.values().next().unwrap();
    assert!(record.modified.is_some(), "the time of the edit is told (P1)");
    std::thread::sleep(std::time::Duration::from_millis(2));
    // Our own write is noted as well, for others who read by the column.
    let written =
        done(write(&connector, "people", &watch, update(&record.id, None, &[(0, json!("Åse"))])));
    assert!(written.modified > record.modified, "{:?} {:?}", written.modified, record.modified);
    let again =
        contract::read_all(&connector, "people", &watch, Some(after.checkpoint), 2).unwrap();
    assert_eq!(
        again.records.values().map(|record| record.values[0].clone().unwrap()).collect::<Vec<_>>(),
        [json!("Åse")]
    );
    // A row that was added without the time is not missed.
    lab.run("INSERT INTO people (email, name) VALUES ('unstamped@example.no', 'Unni')");
    let unstamped =
        contract::read_all(&connector, "people", &watch, Some(again.checkpoint), 2).unwrap();
    assert!(
        unstamped.records.values().any(|record| record.values[0] == Some(json!("Unni"))),
        "{unstamped:?}"
    );
    lab.run("DELETE FROM people WHERE email = 'unstamped@example.no'");
}

fn refusals_name_what_is_to_blame(lab: &Lab) {
    let connector = lab.open(json!({}));
    let watch = watch(&["name", "email", "balance", "age", "company_id", "note"]);
    let ase =
        connector.find("people", &watch, 1, &json!("ase@example.no")).unwrap().unwrap().remove(0);
    let bjorn =
        connector.find("people", &watch, 1, &json!("bjorn@example.no")).unwrap().unwrap().remove(0);
    // C2: a creation that is refused as a duplicate names the record that is there.
    match write(
        &connector,
        "people",
        &watch,
        create(&[(0, json!("Åse N")), (1, json!("ase@example.no"))], "duplicate"),
    ) {
        Outcome::Duplicate { id, message } => {
            assert_eq!(id, Some(ase.id.clone()), "{message}");
            assert!(message.contains("`email` must be unique in people"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let rejected =
        |write_: Write, prop: Option<usize>| match write(&connector, "people", &watch, write_) {
            Outcome::Rejected { prop: blamed, message } => assert_eq!(blamed, prop, "{message}"),
            other => panic!("not rejected: {other:?}"),
        };
    // G4: the property is named, so that the rest can be written without it.
    let id = bjorn.id.as_str();
    rejected(update(id, None, &[(0, json!("B")), (1, json!("ase@example.no"))]), Some(1));
    rejected(update(id, None, &[(0, json!("B")), (1, Value::Null)]), Some(1));
    rejected(create(&[(0, json!("Nobody"))], "no e-mail"), None);
    rejected(
        update(id, None, &[(0, json!("B")), (4, json!("nowhere"))]),
        if lab.word("s", "p", "m") == "s" { None } else { Some(4) },
    );
    rejected(update(id, None, &[(0, json!("B")), (3, json!("many"))]), Some(3));
    if lab.word("s", "p", "m") != "s" {
        rejected(update(id, None, &[(0, json!("B")), (3, json!(70_000))]), Some(3));
        rejected(update(id, None, &[(0, json!("B")), (2, json!("123456789012"))]), Some(2));
        rejected(
            update(
                id,
                None,
                &[(1, json!("b@example.no")), (0, json!("a name of more than twenty letters"))],
            ),
            Some(0),
        );
    }
    rejected(update(id, None, &[(0, json!("B")), (3, json!(250))]), Some(3));
    let after = connector.get("people", &watch, id).unwrap().unwrap();
    assert_eq!(after.values, bjorn.values, "a refused write leaves no trace");
    // A company that somebody refers to can't go.
    let delete = Write {
        action: Action::Delete { id: "fjord".into(), version: None },
        values: vec![],
        token: "d".into(),
    };
    let outcome = write(&connector, "companies", &[], delete);
    assert!(matches!(outcome, Outcome::Rejected { prop: None, .. }), "{outcome:?}");
    let outcome = write(&connector, "people", &watch, update("no id", None, &[(0, json!("B"))]));
    assert!(matches!(outcome, Outcome::Gone { .. }), "{outcome:?}");
}

/// C2: where ids are ours to choose they are made of the write's token, so a second try finds the
/// first.
fn a_creation_tried_twice_is_made_once(lab: &Lab) {
    let connector = lab.open(json!({}));
    let watch = watch(&["name"]);
    let first = done(write(
        &connector,
        "companies",
        &watch,
        create(&[(0, json!("Once"))], "the same intent"),
    ));
    let second = done(write(
        &connector,
        "companies",
        &watch,
        create(&[(0, json!("Once"))], "the same intent"),
    ));
    assert_eq!(first, second);
    assert_eq!(connector.find("companies", &watch, 0, &json!("Once")).unwrap().unwrap().len(), 1);
    lab.run("DELETE FROM companies WHERE name = 'Once'");
}

fn versions_and_conditions(lab: &Lab) {
    let drawn =
        lab.word("INTEGER PRIMARY KEY", "serial PRIMARY KEY", "int AUTO_INCREMENT PRIMARY KEY");
    lab.run(&format!(
        "CREATE TABLE phones (id {drawn}, kind varchar(10), number varchar(20), revision integer NOT NULL DEFAULT 1);\n
         INSERT INTO phones (kind, number) VALUES ('Mobile', '+4790000001'), ('Fax', '+4722000002')"
    ));
    let connector = lab.open(json!({"version": "revision"}));
    let schema = connector.types().iter().find(|schema| schema.kind == "phones").unwrap();
    assert!(
        schema.property(&"revision".into()).unwrap().read_only,
        "the version is not a flow's to write"
    );
    let mut mobile = watch(&["number"]).remove(0);
    mobile.when =
        Some(lockstep_model::flow::Having { path: "kind".into(), value: "Mobile".into() });
    let watch = [mobile];
    let listed = contract::read_all(&connector, "phones", &watch, None, 10).unwrap();
    assert_eq!(listed.records["1"].values, [Some(json!("+4790000001"))]);
    assert_eq!(
        listed.records["2"].values,
        [None],
        "R5: a fax has no mobile number, which is not an empty one"
    );
    assert_eq!(listed.records["1"].version.as_deref(), Some("1"));
    let written = done(write(
        &connector,
        "phones",
        &watch,
        update("1", Some("1"), &[(0, json!("+4790000009"))]),
    ));
    assert_eq!(
        written.version.as_deref(),
        Some("2"),
        "whoever else locks by it sees that it moved"
    );
    let stale =
        write(&connector, "phones", &watch, update("1", Some("1"), &[(0, json!("+4790000010"))]));
    assert!(matches!(stale, Outcome::Conflict { .. }), "{stale:?}");
    let outcome =
        write(&connector, "phones", &watch, update("2", None, &[(0, json!("+4790000011"))]));
    assert!(matches!(outcome, Outcome::Rejected { prop: Some(0), .. }), "{outcome:?}");
    let made =
        done(write(&connector, "phones", &watch, create(&[(0, json!("+4790000012"))], "mobile")));
    assert_eq!(
        made.values,
        [Some(json!("+4790000012"))],
        "a new row gets the word of the condition"
    );
}

fn settings_that_are_wrong_are_told(lab: &Lab) {
    let told = |more: Value| match lab.try_open(more) {
        Err(Trouble::Misconfigured(message)) => message,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("these settings should not do"),
    };
    let message = told(json!({"modifed": "changed"}));
    assert!(message.contains("modifed") && message.contains("modified"), "{message}");
    let message = told(json!({"tables": {"peeple": {}}}));
    assert!(message.contains("peeple") && message.contains("people"), "{message}");
    let message = told(json!({"tables": {"people": {"modified": "chnged"}}}));
    assert!(message.contains("chnged") && message.contains("changed"), "{message}");
    let message = told(json!({"tables": {"people": {"modified": "name"}}}));
    assert!(message.contains("no times"), "{message}");
    let message = told(json!({"zone": "Mars/Olympus"}));
    assert!(message.contains("Mars/Olympus") && message.contains("Europe/Oslo"), "{message}");
    let message = told(json!({"url": format!("oracle://a:{PASSWORD}@b/c")}));
    assert!(message.contains("sqlite:") && !message.contains(PASSWORD), "{message}");
    for (own, expected) in [
        (json!({"overlap_seconds": -1}), "would leave out what changed"),
        (json!({"rate_per_second": 0}), "is no rate"),
        (
            json!({"tables": {"people": {"leave_out": true, "modified": "changed"}}}),
            "beside `leave_out: true`",
        ),
        (json!({"tables": {"memberships": {"version": "club"}}}), "no record type before `id`"),
    ] {
        let message = told(own);
        assert!(message.contains(expected), "{message}");
    }
    g10_a_column_that_no_table_has_is_told(lab);
    // A table whose key is of two columns is no record type until a column is named.
    let connector = lab
        .open(json!({"tables": {"memberships": {"id": "club"}, "companies": {"leave_out": true}}}));
    let kinds: Vec<&str> = connector.types().iter().map(|schema| schema.kind.as_str()).collect();
    assert_eq!(kinds, ["adults", "memberships", "people", "phones"]);
}

fn g10_a_column_that_no_table_has_is_told(lab: &Lab) {
    let told = |more: Value| {
        let mut settings = json!({"url": lab.url});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        lockstep_connector::catalogue::without_effect(
            "sql",
            settings.as_object().unwrap(),
            lab.project.path(),
        )
    };
    for word in ["id", "modified", "created", "version"] {
        let found = told(json!({word: "nowhere"}));
        let expected = format!("`{word}: nowhere` has no effect: no table of ");
        assert!(matches!(&found[..], [one] if one.starts_with(&expected)), "{found:?}");
    }
    assert_eq!(told(json!({"modified": "changed", "overlap_seconds": 5})), [""; 0]);
    assert!(told(json!({"overlap_seconds": 5}))[0].contains("no table of "));
    if let Way::Sqlite(_) = lab.way {
        let refused = lab.try_open(json!({"schema": "public"}));
        assert!(matches!(refused, Err(Trouble::Misconfigured(m)) if m.contains("no schemas")));
    }
}

fn connections_that_break(lab: &mut Lab) {
    let connector = lab.open(json!({}));
    assert!(connector.test().unwrap().contains("tables"), "{:?}", connector.test());
    let watch = watch(&["name"]);
    match &lab.way {
        Way::Sqlite(dir) => {
            // Somebody holds the file: not done, to be tried again.
            let other = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            let outcome = write(&connector, "people", &watch, update("1", None, &[(0, json!("Ågot"))]));
            assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
            drop(other);
            let missing = lab.try_open(json!({"url": "sqlite:no-such-file.db"}));
            assert!(matches!(missing, Err(Trouble::Unreachable(message)) if message.contains("no-such-file.db")));
            return;
        }
        Way::Postgres(_) => lab.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lockstep' AND pid <> pg_backend_pid()",
        ),
        Way::Mariadb(_) => {
            use mysql::prelude::Queryable;
            let mut other = mysql::Conn::new(mysql::Opts::from_url(&lab.url).unwrap()).unwrap();
            let ids: Vec<u64> = other
                .query("SELECT id FROM information_schema.processlist WHERE user = 'lockstep' AND id <> connection_id()")
                .unwrap();
            for id in ids {
                let killed = other.query_drop(format!("KILL {id}"));
                // It may have ended by itself.
                assert!(killed.as_ref().is_ok() || killed.as_ref().is_err_and(|e| e.to_string().contains("1094")), "{killed:?}");
            }
        }
    }
    // The server dropped the connection while nobody used it: that is no trouble.
    done(write(&connector, "people", &watch, update("1", None, &[(0, json!("Ågot"))])));
    // The tables are known from before: a refused key is told when the system is worked with, and
    // stops nobody else.
    let wrong = json!({"url": lab.url.replace(PASSWORD, "wrong-secret")});
    match lab.open(wrong.clone()).test() {
        Err(Trouble::Unauthorized(message)) => {
            assert!(!message.contains("wrong-secret"), "a secret is shown: {message}");
            assert!(message.contains("check user, password"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    lab.project = tempfile::tempdir().unwrap();
    assert!(
        matches!(lab.try_open(wrong), Err(Trouble::Unauthorized(_))),
        "nothing is known of the tables"
    );
    let fresh = lab.open(json!({}));
    let (Way::Postgres(server) | Way::Mariadb(server)) = &mut lab.way else { return };
    server.stop();
    let outcome = write(&connector, "people", &watch, update("1", None, &[(0, json!("Åse"))]));
    match outcome {
        Outcome::Stopped(Trouble::Unreachable(message)) => {
            assert!(!message.contains(PASSWORD), "a secret is shown: {message}")
        }
        other => panic!("{other:?}"),
    }
    // A database that is down is a system that pauses; its record types are known all the same.
    let (down, types) = (lab.open(json!({})), fresh.types());
    assert_eq!(down.types(), types);
    assert!(matches!(
        contract::read_all(&down, "people", &watch, None, 10),
        Err(Trouble::Unreachable(_))
    ));
    for entry in std::fs::read_dir(lab.project.path().join(".lockstep")).unwrap().flatten() {
        assert!(
            !std::fs::read_to_string(entry.path()).unwrap().contains(PASSWORD),
            "a secret is kept"
        );
    }
}

fn keys_of_several_columns(lab: &Lab) {
    lab.run(
        "CREATE TABLE order_lines (order_no varchar(9) NOT NULL, line_no integer NOT NULL, sku varchar(20), PRIMARY KEY (order_no, line_no));\n
         CREATE TABLE notes (id varchar(9) PRIMARY KEY, order_no varchar(9));\n
         INSERT INTO order_lines VALUES ('a', 1, 'x'), ('a', 2, 'y'), ('a', 10, 'z'), ('b/c', 1, 'w');\n",
    );
    let connector = lab.open(json!({"tables": {"order_lines": {"id": ["order_no", "line_no"]}}}));
    let schema = connector.types().iter().find(|schema| schema.kind == "order_lines").unwrap();
    assert_eq!((schema.key.len(), schema.numeric_ids), (2, Some(false)));
    assert!(
        schema.properties[..2].iter().all(|property| property.required && property.create_only)
    );
    let watch = watch(&["order_no", "line_no", "sku"]);
    // Pages of two: the second begins behind the first one's last row.
    let (mut seen, mut checkpoint) = (vec![], None);
    loop {
        let request = ReadRequest {
            kind: "order_lines",
            watch: &watch,
            checkpoint: checkpoint.as_ref(),
            page_size: 2,
        };
        let page = connector.read(request).unwrap();
        assert!(page.faults.is_empty(), "{:?}", page.faults);
        seen.extend(page.records.into_iter().map(|record| record.id));
        checkpoint = Some(page.checkpoint);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, ["a/1", "a/2", "a/10", "b%2Fc/1"]);
    for id in &seen {
        assert_eq!(
            connector.get("order_lines", &watch, id).unwrap().map(|record| record.id).as_ref(),
            Some(id)
        );
    }
    assert_eq!(connector.get("order_lines", &watch, "a").unwrap(), None);
    assert_eq!(
        connector.get("order_lines", &watch, "a/x").unwrap(),
        None,
        "its second part is no number"
    );
    let found = connector.find("order_lines", &watch, 2, &json!("w")).unwrap().unwrap();
    assert_eq!(found[0].id, "b%2Fc/1");
    let new = |line: Value| create(&[(0, json!("d")), (1, line), (2, json!("v"))], "t");
    assert_eq!(done(write(&connector, "order_lines", &watch, new(json!(7)))).id, "d/7");
    let again = write(&connector, "order_lines", &watch, new(json!(7)));
    assert!(matches!(&again, Outcome::Duplicate { id: Some(id), .. } if id == "d/7"), "{again:?}");
    let lacks = write(&connector, "order_lines", &watch, new(json!(null)));
    assert!(
        matches!(&lacks, Outcome::Rejected { message, .. } if message.contains("needs `order_no`, `line_no`")),
        "{lacks:?}"
    );
    done(write(&connector, "order_lines", &watch, update("a/2", None, &[(2, json!("yy"))])));
    let delete = Write {
        action: Action::Delete { id: "a/10".into(), version: None },
        ..create(&[], "delete")
    };
    done(write(&connector, "order_lines", &watch, delete));
    let rows =
        lab.rows("SELECT order_no, line_no, sku FROM order_lines ORDER BY order_no, line_no");
    assert_eq!(rows, ["a|1|x", "a|2|yy", "b/c|1|w", "d|7|v"]);
    let twice = lab
        .try_open(json!({"tables": {"order_lines": {"id": ["sku", "sku"]}}}))
        .err()
        .unwrap()
        .to_string();
    assert!(twice.contains("`sku` stands twice in `id`"), "{twice}");
    lab.run("DROP TABLE order_lines;\nDROP TABLE notes;\n");
}

/// R1: each page begins behind the last id of the one before it, by the order of numbers and not by
/// that of their texts.
fn r1_pages_are_in_the_order_of_the_ids(lab: &Lab) {
    let rows: Vec<String> = (1..=25).map(|n| format!("({n}, 'n{n}')")).collect();
    lab.run(&format!(
        "CREATE TABLE numbered (id integer PRIMARY KEY, name varchar(9));\n
         INSERT INTO numbered VALUES {};\n",
        rows.join(", ")
    ));
    let connector = lab.open(json!({}));
    let all = contract::read_all(&connector, "numbered", &watch(&["name"]), None, 4).unwrap();
    assert_eq!((all.records.len(), all.pages), (25, 7));
    lab.run("DROP TABLE numbered");
}
