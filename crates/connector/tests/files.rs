//! The files connector, through the same door as the hub.

use std::fs;
use std::path::PathBuf;

use lockstep_connector::contract::{self, Reading, Subject};
use lockstep_connector::files::FilesConnector;
use lockstep_connector::{
    Action, Checkpoint, Connector, Outcome, Page, ReadRequest, Trouble, Write, WriteValue,
};
use lockstep_model::flow::{Having, PropertyRef};
use lockstep_model::{PlainType, ReadRecord, Value};
use serde_json::json;

/// A project with a folder `data`.
struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn with(file: &str, content: &str) -> Project {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        let project = Project { dir };
        fs::write(project.path(file), content).unwrap();
        project
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join("data").join(file)
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn open(&self, settings: Value) -> FilesConnector {
        self.try_open(settings).unwrap()
    }

    fn try_open(&self, settings: Value) -> Result<FilesConnector, Trouble> {
        FilesConnector::open(settings.as_object().unwrap(), self.dir.path())
    }

    fn contacts(&self) -> FilesConnector {
        self.open(json!({"folder": "data"}))
    }
}

fn watch(paths: &[&str]) -> Vec<PropertyRef> {
    paths.iter().map(|&path| PropertyRef::new(path)).collect()
}

fn read(connector: &FilesConnector, watch: &[PropertyRef], from: Option<Checkpoint>) -> Reading {
    contract::read_all(connector, "Contacts", watch, from, 2).unwrap()
}

fn ids(reading: &Reading) -> Vec<&str> {
    let mut ids: Vec<&str> = reading.records.keys().map(String::as_str).collect();
    ids.sort_unstable();
    ids
}

fn create(values: &[(usize, Value)], token: &str) -> Write {
    let values = values.iter().map(|(prop, value)| WriteValue {
        prop: *prop,
        value: value.clone(),
        displaced: Value::Null.into(),
    });
    Write { action: Action::Create, values: values.collect(), token: token.into() }
}

fn update(id: &str, version: Option<&str>, prop: usize, value: Value, displaced: Value) -> Write {
    Write {
        action: Action::Update { id: id.into(), version: version.map(str::to_string) },
        values: vec![WriteValue { prop, value, displaced: displaced.into() }],
        token: "t".into(),
    }
}

fn done(outcomes: Vec<Outcome>) -> Vec<ReadRecord> {
    let record = |outcome| match outcome {
        Outcome::Done(record) => record,
        other => panic!("not done: {other:?}"),
    };
    outcomes.into_iter().map(record).collect()
}

const THREE: &str = concat!(
    r#"{"id":"a","name":"Åse","emails":[{"email":"ase@example.no","primary":true}]}"#,
    "\n",
    r#"{"id":"b","name":"Bjørn","emails":[]}"#,
    "\n",
    r#"{"id":"c","name":"Cato"}"#,
    "\n"
);

#[test]
fn json_lines_keep_the_contract() {
    let project = Project::with("Contacts.jsonl", THREE);
    contract::check(&Subject {
        connector: &project.contacts(),
        kind: "Contacts",
        watch: watch(&["name", "emails.email", "address.city"]),
        creates: vec![
            vec![json!("Dagny"), json!("dagny@example.no"), json!("Bodø")],
            vec![json!("Eivind"), json!(null), json!("Å")],
        ],
        update: (1, json!("dagny@example.org")),
        unknown_id: "nobody",
        refuses_stale_versions: true,
    });
}

#[test]
fn csv_keeps_the_contract() {
    let project = Project::with(
        "Contacts.csv",
        "id,name,\"e-mail\"\r\n1,Åse,ase@example.no\r\n2,\"Li, Bjørn\",\r\n",
    );
    contract::check(&Subject {
        connector: &project.contacts(),
        kind: "Contacts",
        watch: watch(&["name", "e-mail"]),
        creates: vec![
            vec![json!("Dagny \"D\""), json!("dagny@example.no")],
            vec![json!("two\nlines"), json!(null)],
        ],
        update: (1, json!("a,b@example.org")),
        unknown_id: "99",
        refuses_stale_versions: true,
    });
    assert_eq!(
        project.text("Contacts.csv"),
        "id,name,\"e-mail\"\r\n1,Åse,ase@example.no\r\n2,\"Li, Bjørn\",\r\n"
    );
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    // R1
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let first = read(&connector, &watch, None);
    assert_eq!((ids(&first), first.everything, first.pages), (vec!["a", "b", "c"], true, 2));
    let again = read(&connector, &watch, Some(first.checkpoint.clone()));
    assert_eq!((ids(&again), again.everything), (vec![], false));
    assert_eq!(again.checkpoint, first.checkpoint);

    let edited = THREE
        .replace("Bjørn", "Bjørnar")
        .replace("{\"id\":\"c\",\"name\":\"Cato\"}\n", "{\"id\":\"d\",\"name\":\"Dag\"}\n");
    fs::write(project.path("Contacts.jsonl"), edited).unwrap();
    let changes = read(&connector, &watch, Some(first.checkpoint));
    assert_eq!((ids(&changes), changes.everything), (vec!["b", "d"], false));
    assert_eq!(changes.records["b"].values, [Some(json!("Bjørnar"))]);
    assert_eq!(changes.gone, ["c"]);
    let quiet = read(&connector, &watch, Some(changes.checkpoint));
    assert_eq!((ids(&quiet), quiet.gone.len()), (vec![], 0));
}

#[test]
fn another_process_goes_on_where_the_checkpoint_says() {
    let project = Project::with("Contacts.jsonl", THREE);
    let watch = watch(&["name"]);
    let first = read(&project.contacts(), &watch, None);
    fs::write(project.path("Contacts.jsonl"), THREE.replace("Cato", "Carl")).unwrap();
    let changes = read(&project.contacts(), &watch, Some(first.checkpoint));
    assert_eq!(ids(&changes), ["c"]);

    // In the middle of a listing there is nothing to go on from: it begins anew, and is complete.
    let request = ReadRequest { kind: "Contacts", watch: &watch, checkpoint: None, page_size: 1 };
    let Page { checkpoint, more: true, .. } = project.contacts().read(request).unwrap() else {
        panic!("one page only")
    };
    let anew = read(&project.contacts(), &watch, Some(checkpoint));
    assert_eq!((ids(&anew), anew.everything), (vec!["a", "b", "c"], true));
}

#[test]
fn other_watched_properties_make_every_record_news() {
    let project = Project::with("Contacts.jsonl", THREE);
    let connector = project.contacts();
    let first = read(&connector, &watch(&["name"]), None);
    let more = read(&connector, &watch(&["name", "emails.email"]), Some(first.checkpoint));
    assert_eq!((ids(&more), more.everything), (vec!["a", "b", "c"], true));
}

/// Reads `before`, then `after` from where that ended, with these settings of the file before and
/// after; gives the second reading.
fn read_again(before: (&str, Value), after: (&str, Value)) -> Reading {
    let watch = watch(&["name", "phone"]);
    let with = |own: Value| json!({"folder": "data", "tables": {"Contacts": own}});
    let project = Project::with("Contacts.csv", before.0);
    let first = read(&project.open(with(before.1)), &watch, None);
    fs::write(project.path("Contacts.csv"), after.0).unwrap();
    read(&project.open(with(after.1)), &watch, Some(first.checkpoint))
}

#[test]
fn r1_a_changed_first_row_makes_every_row_news() {
    let rows = "1,Åse,11\n2,Bo,22\n";
    for (first, then, name) in [
        ("id,name,phone", "id,phone,name", "11"),
        ("id,name,phone", "id,phone,name,", "11"),
        ("id,first,phone", "id,name,phone", "Åse"),
    ] {
        let rows = if then.ends_with(',') { rows.replace('\n', ",\n") } else { rows.to_string() };
        let first = if then.ends_with(',') { format!("{first},") } else { first.to_string() };
        let again = read_again(
            (&format!("{first}\n{rows}"), json!({})),
            (&format!("{then}\n{rows}"), json!({})),
        );
        assert_eq!((ids(&again), again.everything), (vec!["1", "2"], true), "{then}");
        assert_eq!(again.records["1"].values[0], Some(json!(name)), "{then}");
    }
    // Only how it is written has changed.
    let again = read_again(
        (&format!("id,name,phone\n{rows}"), json!({})),
        (&format!("\"id\", name,phone\n{rows}"), json!({})),
    );
    assert_eq!(ids(&again), [""; 0]);
}

#[test]
fn r1_changed_settings_make_every_row_news() {
    let rows = "id;name;phone;key;changed\n1;1,5;11;7;2024-01-31T10:00:00Z\n";
    for own in [
        json!({"decimal": ","}),
        json!({"id": "key"}),
        json!({"modified": "changed"}),
        json!({"modified": {"phone": "changed"}}),
        json!({"encoding": "iso-8859-1"}),
        json!({"separator": ";"}),
    ] {
        let again = read_again((rows, json!({})), (rows, own.clone()));
        assert_eq!((again.records.len(), again.everything), (1, true), "{own}");
        let again = read_again((rows, own.clone()), (rows, own.clone()));
        assert_eq!(again.records.len(), 0, "{own}");
    }
}

#[test]
fn r1_p5_under_another_first_row_a_written_row_is_another_version() {
    let project = Project::with("Contacts.csv", "id,name,phone\n1,Åse,11\n");
    let watch = watch(&["name", "phone"]);
    let connector = project.contacts();
    let write = update("1", None, 0, json!("Åsa"), json!("Åse"));
    let written = done(connector.write("Contacts", &watch, &[write])).remove(0);
    assert_eq!(connector.get("Contacts", &watch, "1").unwrap().unwrap().version, written.version);
    let text = project.text("Contacts.csv").replace("name,phone", "phone,name");
    fs::write(project.path("Contacts.csv"), text).unwrap();
    let swapped = connector.get("Contacts", &watch, "1").unwrap().unwrap();
    assert_eq!(swapped.values, [Some(json!("11")), Some(json!("Åsa"))]);
    assert_ne!(swapped.version, written.version, "what it shows is no echo of the write");
    let stale = update("1", written.version.as_deref(), 0, json!("Ås"), json!("Åsa"));
    let outcomes = connector.write("Contacts", &watch, &[stale]);
    assert!(matches!(outcomes[..], [Outcome::Conflict { .. }]), "P6: {outcomes:?}");
}

#[test]
fn rows_that_moved_are_no_news() {
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let first = read(&connector, &watch, None);
    let mut lines: Vec<&str> = THREE.lines().collect();
    lines.reverse();
    fs::write(project.path("Contacts.jsonl"), format!("\r\n{}", lines.join("\r\n\n"))).unwrap();
    let moved = read(&connector, &watch, Some(first.checkpoint));
    assert_eq!((ids(&moved), moved.gone.len(), moved.faults.len()), (vec![], 0, 0));
}

#[test]
fn a_row_that_cannot_be_read_is_a_fault_and_the_others_go_on() {
    let project = Project::with(
        "Contacts.jsonl",
        "{\"id\":\"a\"}\n{\"id\":\"b\",\"name\":}\n\n{\"name\":\"nobody\"}\n[1]\n{\"id\":\"a\",\"name\":\"again\"}\n{\"id\":\"c\"}\n",
    );
    let reading = read(&project.contacts(), &watch(&["name"]), None);
    assert_eq!(ids(&reading), ["c"], "which of two rows with one id is the record can't be told");
    let faults: Vec<String> =
        reading.faults.iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect();
    assert_eq!(faults.len(), 4, "{faults:#?}");
    assert!(
        faults[0].starts_with("data/Contacts.jsonl:1: the id a is there more than once"),
        "{faults:#?}"
    );
    assert!(faults[1].starts_with("data/Contacts.jsonl:2: not JSON at column 18"), "{faults:#?}");
    assert!(faults[2].starts_with("data/Contacts.jsonl:4: the record has no id"), "{faults:#?}");
    assert!(faults[3].starts_with("data/Contacts.jsonl:5: a list"), "{faults:#?}");
    assert!(
        !reading.everything,
        "what a row without an id stands for can't be said, so nothing can be said to be missing"
    );
}

#[test]
fn a_record_whose_row_broke_is_not_gone() {
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let first = read(&connector, &watch, None);
    // The id can still be made out: only the other one is gone.
    fs::write(
        project.path("Contacts.jsonl"),
        "{\"id\":\"a\",\"name\":\n{\"id\":\"b\",\"name\":\"Bjørn\",\"emails\":[]}\n",
    )
    .unwrap();
    let broken = read(&connector, &watch, Some(first.checkpoint.clone()));
    assert_eq!((broken.gone.clone(), broken.faults.len()), (vec!["c".to_string()], 1));
    assert!(matches!(connector.get("Contacts", &watch, "a"), Err(Trouble::Malformed(_))));
    assert_eq!(connector.get("Contacts", &watch, "c"), Ok(None));

    // Here it can't: either may be the broken one, so nothing is gone until the row is repaired.
    fs::write(
        project.path("Contacts.jsonl"),
        "{\"id\n{\"id\":\"b\",\"name\":\"Bjørn\",\"emails\":[]}\n",
    )
    .unwrap();
    let broken = read(&connector, &watch, Some(first.checkpoint));
    assert_eq!(broken.gone.len(), 0);
    assert!(matches!(connector.get("Contacts", &watch, "c"), Err(Trouble::Malformed(_))));
    fs::write(
        project.path("Contacts.jsonl"),
        THREE.replace("{\"id\":\"c\",\"name\":\"Cato\"}\n", ""),
    )
    .unwrap();
    let repaired = read(&connector, &watch, Some(broken.checkpoint));
    assert_eq!(ids(&repaired), [""; 0], "the row is as it was before it broke");
    assert_eq!(repaired.gone, ["c"]);
}

#[test]
fn a_file_that_is_taken_away_is_trouble_and_not_an_empty_one() {
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let first = read(&connector, &watch, None);
    fs::remove_file(project.path("Contacts.jsonl")).unwrap();
    let request = ReadRequest {
        kind: "Contacts",
        watch: &watch,
        checkpoint: Some(&first.checkpoint),
        page_size: 10,
    };
    match connector.read(request) {
        Err(Trouble::Unreachable(message)) => {
            assert!(message.contains("data/Contacts.jsonl is not there any more"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        connector.write("Contacts", &watch, &[create(&[], "t")])[..],
        [Outcome::Stopped(Trouble::Unreachable(_))]
    ));
}

#[test]
fn a_listing_shows_one_state_though_the_file_is_replaced_under_it() {
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let page = |checkpoint: Option<&Checkpoint>| {
        connector
            .read(ReadRequest { kind: "Contacts", watch: &watch, checkpoint, page_size: 1 })
            .unwrap()
    };
    let first = page(None);
    fs::write(project.path("new"), "{\"id\":\"z\",\"name\":\"Øystein\"}\n").unwrap();
    fs::rename(project.path("new"), project.path("Contacts.jsonl")).unwrap();
    let second = page(Some(&first.checkpoint));
    assert_eq!(second.records[0].id, "b");
    let rest = read(&connector, &watch, Some(second.checkpoint));
    assert_eq!((ids(&rest), rest.everything), (vec!["c"], true));
    let next = read(&connector, &watch, Some(rest.checkpoint));
    assert_eq!(
        (ids(&next), next.gone.clone()),
        (vec!["z"], vec!["a".to_string(), "b".into(), "c".into()])
    );
}

#[test]
fn untouched_rows_stay_as_they_are_to_the_byte() {
    let before = "\u{feff}{ \"id\": 1, \"n\": 1.10 }\r\n\r\n  \r\n{\"id\":2,\"name\":\"B\\u00f8\",\"x\":{\"y\":[1.0]}}\r\nbroken\r\n{\"id\":3}";
    let project = Project::with("Contacts.jsonl", before);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let writes =
        [update("2", None, 0, json!("Bodil"), json!("Bø")), create(&[(0, json!("Dag"))], "t")];
    let made = done(connector.write("Contacts", &watch, &writes));
    assert_eq!((made[0].id.as_str(), made[1].id.as_str()), ("2", "4"));
    let expected = before.replace("B\\u00f8", "Bodil") + "\r\n{\"id\":4,\"name\":\"Dag\"}\r\n";
    assert_eq!(project.text("Contacts.jsonl"), expected);
    done(connector.write("Contacts", &watch, &[update("1", None, 0, json!("Åse"), json!(null))]));
    assert!(
        project
            .text("Contacts.jsonl")
            .starts_with("\u{feff}{ \"id\": 1, \"n\": 1.10, \"name\": \"Åse\" }\r\n")
    );
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    // P4
    let project =
        Project::with("Contacts.jsonl", "{\"id\":1,\"name\":\"Åse\",\"at\":\"2024-01-31\"}\n");
    let connector = project.open(json!({"folder": "data", "modified": "at"}));
    let before = fs::metadata(project.path("Contacts.jsonl")).unwrap().modified().unwrap();
    done(connector.write(
        "Contacts",
        &watch(&["name"]),
        &[update("1", None, 0, json!("Åse"), json!("Åse"))],
    ));
    assert_eq!(fs::metadata(project.path("Contacts.jsonl")).unwrap().modified().unwrap(), before);
}

#[test]
fn the_time_of_the_last_change_is_set_in_the_form_that_is_there() {
    let project = Project::with(
        "Contacts.jsonl",
        "{\"id\":1,\"name\":\"Åse\",\"meta\":{\"at\":\"2024-01-31T10:00:00.000+01:00\"},\"revision\":7}\n",
    );
    let connector = project.open(json!({"folder": "data", "modified": "meta.at"}));
    let watch = watch(&["name"]);
    let before = connector.get("Contacts", &watch, "1").unwrap().unwrap();
    assert_eq!(before.modified.unwrap().to_string(), "2024-01-31T09:00:00Z");
    let writes =
        [update("1", None, 0, json!("Åsa"), json!("Åse")), create(&[(0, json!("Dag"))], "t")];
    for record in done(connector.write("Contacts", &watch, &writes)) {
        assert!(record.modified > before.modified, "{record:?}");
    }
    for line in project.text("Contacts.jsonl").lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let at = record["meta"]["at"].as_str().unwrap();
        assert!(at.ends_with("+01:00") && at.len() == 29, "{line}");
        assert!(
            record["revision"] == 7 || record.get("revision").is_none(),
            "a revision is not ours to count: {line}"
        );
    }
}

#[test]
fn new_records_get_ids_of_the_kind_that_is_there() {
    let made = |content: &str| {
        let project = Project::with("Contacts.jsonl", content);
        let writes = [create(&[(0, json!("Dag"))], "t1"), create(&[(0, json!("Dag"))], "t2")];
        done(project.contacts().write("Contacts", &watch(&["name"]), &writes));
        let text = project.text("Contacts.jsonl");
        text.lines()
            .rev()
            .take(2)
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(made("{\"id\":7}\n{\"id\":3}\n"), [json!(9), json!(8)]);
    assert_eq!(made("{\"id\":\"7\"}\n"), [json!("9"), json!("8")]);
    for content in ["", "{\"id\":\"x1\"}\n", "{\"id\":7}\n{\"id\":\"x1\"}\n"] {
        let made = made(content);
        assert_ne!(made[0], made[1]);
        assert!(
            made.iter()
                .all(|id| id.as_str().is_some_and(|id| id.len() == 36 && &id[14..15] == "8")),
            "{content}: {made:?}"
        );
    }
}

#[test]
fn a_creation_that_is_tried_again_is_done_once() {
    // C2
    let project = Project::with("Contacts.jsonl", THREE);
    let write = create(&[(0, json!("Dagny"))], "intent 7");
    let watch = watch(&["name"]);
    let first = done(project.contacts().write("Contacts", &watch, std::slice::from_ref(&write)));
    let again = done(project.contacts().write("Contacts", &watch, &[write]));
    assert_eq!(first, again);
    assert_eq!(project.text("Contacts.jsonl").lines().count(), 4);
}

#[test]
fn a_record_may_be_given_its_id_but_not_one_that_is_taken() {
    // C2
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name", "id"]));
    let writes = [
        create(&[(1, json!("x"))], "t1"),
        create(&[(1, json!("b"))], "t2"),
        create(&[(1, json!("x"))], "t3"),
    ];
    let outcomes = connector.write("Contacts", &watch, &writes);
    assert!(matches!(&outcomes[0], Outcome::Done(record) if record.id == "x"), "{outcomes:?}");
    assert!(
        matches!(&outcomes[1], Outcome::Duplicate { id: Some(id), .. } if id == "b"),
        "{outcomes:?}"
    );
    assert!(
        matches!(&outcomes[2], Outcome::Duplicate { id: Some(id), .. } if id == "x"),
        "{outcomes:?}"
    );
    let renamed =
        connector.write("Contacts", &watch, &[update("b", None, 1, json!("y"), json!("b"))]);
    assert!(matches!(renamed[..], [Outcome::Rejected { prop: Some(1), .. }]), "{renamed:?}");
}

#[test]
fn an_edit_that_was_not_seen_is_not_overwritten() {
    // P6
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let seen = connector.get("Contacts", &watch, "b").unwrap().unwrap();
    let edited = THREE.replace("Bjørn", "Bjørnar");
    fs::write(project.path("Contacts.jsonl"), &edited).unwrap();
    for action in [
        Action::Update { id: "b".into(), version: seen.version.clone() },
        Action::Delete { id: "b".into(), version: seen.version.clone() },
    ] {
        let values =
            vec![WriteValue { prop: 0, value: json!("Berit"), displaced: json!("Bjørn").into() }];
        let outcomes =
            connector.write("Contacts", &watch, &[Write { action, values, token: "t".into() }]);
        assert!(matches!(outcomes[..], [Outcome::Conflict { .. }]), "{outcomes:?}");
    }
    assert_eq!(project.text("Contacts.jsonl"), edited);
}

#[test]
fn what_was_written_here_is_not_told_again_but_an_edit_on_top_of_it_is() {
    // P5
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name", "emails.email"]));
    let first = read(&connector, &watch, None);
    let version = first.records["b"].version.clone();
    let writes = [
        update("b", version.as_deref(), 1, json!("b@example.no"), json!(null)),
        create(&[(0, json!("Dagny")), (1, json!("d@example.no"))], "t"),
        update("c", None, 0, json!("Carl"), json!("Cato")),
    ];
    let made = done(connector.write("Contacts", &watch, &writes));
    assert_eq!(made[0].values, [Some(json!("Bjørn")), Some(json!(["b@example.no"]))]);
    let after = read(&connector, &watch, Some(first.checkpoint.clone()));
    assert_eq!(
        ids(&after),
        ["c"],
        "it was written without saying on what state: it may hold an edit that was not seen"
    );
    assert_eq!(ids(&read(&connector, &watch, Some(after.checkpoint.clone()))), [""; 0]);

    let text = project.text("Contacts.jsonl").replace("Bjørn", "Bjørnar");
    assert!(
        text.contains(r#"{"email":"b@example.no","primary":true}"#),
        "the first of its list is the primary one: {text}"
    );
    fs::write(project.path("Contacts.jsonl"), text).unwrap();
    assert_eq!(ids(&read(&connector, &watch, Some(after.checkpoint))), ["b"]);
    // A listing of everything shows everything.
    assert_eq!(read(&connector, &watch, None).records.len(), 4);
}

#[test]
fn csv_has_the_columns_that_it_has() {
    let project = Project::with(
        "Contacts.csv",
        "id;navn;telefon;type\n1;\"Åse; Li\";+47 1;Mobil\n2;Bjørn;+47 2;Jobb\n",
    );
    let connector = project.contacts();
    let mobile = PropertyRef {
        via: vec![],
        path: "telefon".into(),
        beside: vec![],
        when: Some(Having { path: "type".into(), value: "Mobil".into() }),
    };
    let watch = [PropertyRef::new("navn"), mobile, PropertyRef::new("by")];
    let reading = read(&connector, &watch, None);
    assert_eq!(reading.records["1"].values, [Some(json!("Åse; Li")), Some(json!("+47 1")), None]);
    assert_eq!(reading.records["2"].values, [Some(json!("Bjørn")), None, None]);
    let outcomes =
        connector.write("Contacts", &watch, &[update("1", None, 2, json!("Bodø"), json!(null))]);
    match &outcomes[..] {
        [Outcome::Rejected { prop: Some(2), message }] => {
            assert!(message.contains("there is no column `by`"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    let writes = [
        update("1", None, 1, json!("+47 9"), json!("+47 1")),
        create(&[(0, json!("Dag;D")), (1, json!("3"))], "t"),
    ];
    done(connector.write("Contacts", &watch, &writes));
    let expected = "id;navn;telefon;type\n1;\"Åse; Li\";+47 9;Mobil\n2;Bjørn;+47 2;Jobb\n3;\"Dag;D\";3;Mobil\n";
    assert_eq!(project.text("Contacts.csv"), expected);
}

/// What is said of a file of which nothing is taken; nothing may be written to it either.
fn refused(project: &Project, settings: Value) -> String {
    let connector = project.open(settings);
    let before = connector.types()[0].kind.clone();
    let watch = watch(&["name"]);
    let request = ReadRequest { kind: &before, watch: &watch, checkpoint: None, page_size: 10 };
    let Err(Trouble::Malformed(message)) = connector.read(request) else {
        panic!("{:?}", connector.read(request))
    };
    let outcomes = connector.write(&before, &watch, &[create(&[(0, json!("Dag"))], "t")]);
    assert!(matches!(&outcomes[..], [Outcome::Stopped(Trouble::Malformed(_))]), "{outcomes:?}");
    assert!(connector.get(&before, &watch, "1").is_err());
    message
}

#[test]
fn r8_a_file_in_another_encoding_is_one_message_and_not_a_wrong_name() {
    let project = Project::with("Contacts.csv", "id\n");
    let latin = b"id;name\r\n1;\xc5se\r\n2;Bj\xf8rn\r\n".to_vec();
    fs::write(project.path("Contacts.csv"), &latin).unwrap();
    let message = refused(&project, json!({"folder": "data"}));
    assert!(message.starts_with("data/Contacts.csv:2 is not utf-8"), "{message}");
    assert!(message.contains("`encoding: windows-1252`"), "{message}");
    let utf16: Vec<u8> = "id;name\r\n1;Åse\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(project.path("Contacts.csv"), &utf16).unwrap();
    let message = refused(&project, json!({"folder": "data"}));
    assert!(
        message.starts_with("data/Contacts.csv:1") && message.contains("`encoding: utf-16le`"),
        "{message}"
    );

    // With the setting, or a mark, the file is read, and written back as it was.
    let with_mark: Vec<u8> =
        "\u{feff}id;name\r\n1;Åse\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (bytes, encoding, expected) in [
        (latin.clone(), json!("windows-1252"), b"id;name\r\n1;\xc5se\r\n2;\xd8\r\n".to_vec()),
        (latin, json!({"Contacts": "ISO-8859-1"}), b"id;name\r\n1;\xc5se\r\n2;\xd8\r\n".to_vec()),
        (
            utf16.clone(),
            json!("utf-16le"),
            [utf16, "2;Ø\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
        ),
        (
            with_mark.clone(),
            json!("utf-8"),
            [with_mark, "2;Ø\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect()].concat(),
        ),
    ] {
        fs::write(project.path("Contacts.csv"), &bytes).unwrap();
        // Numbers that were used in the file before are not what this is about.
        let _ = fs::remove_dir_all(project.dir.path().join(".lockstep"));
        let connector = project.open(json!({"folder": "data", "encoding": encoding}));
        let watch = watch(&["name"]);
        assert_eq!(
            connector.get("Contacts", &watch, "1").unwrap().unwrap().values,
            [Some(json!("Åse"))],
            "{encoding}"
        );
        let reading = read(&connector, &watch, None);
        let write = match reading.records.contains_key("2") {
            true => update("2", None, 0, json!("Ø"), json!(null)),
            false => create(&[(0, json!("Ø"))], "t"),
        };
        done(connector.write("Contacts", &watch, &[write]));
        assert_eq!(fs::read(project.path("Contacts.csv")).unwrap(), expected, "{encoding}");
        let outcomes = connector.write(
            "Contacts",
            &watch,
            &[update("1", None, 0, json!("Łukasz"), json!(null))],
        );
        let takes_all = encoding.as_str().is_some_and(|name| name.starts_with("utf"));
        match &outcomes[..] {
            [Outcome::Done(_)] if takes_all => {}
            [Outcome::Rejected { prop: Some(0), message }] if !takes_all => {
                assert!(message.contains("Ł"), "{message}")
            }
            other => panic!("{encoding}: {other:?}"),
        }
    }
    assert!(project.try_open(json!({"folder": "data", "encoding": "klingon"})).is_err());
}

#[test]
fn r8_a_csv_file_whose_quotes_or_columns_are_wrong_is_not_believed_at_all() {
    for (content, expected) in [
        (
            "id,name\n1,Åse\n2,\"Bjørn\n3,Cato\n",
            "data/Contacts.csv:3: the file ends between quotes",
        ),
        (
            "id,name\n1,\"Åse\n2,\"Bjørn\n3,Cato\n",
            "data/Contacts.csv:2: something follows the quotes that end a cell in lines 2 to 3",
        ),
        (
            "id,name\n1,\"Åse\n2,Bjørn\",x\n",
            "data/Contacts.csv:2: the row of lines 2 to 3 has 3 cells and the first row 2",
        ),
        (
            "id,name,mail\n1,\"Åse,a@example.com\n2,Bo\",b@example.com\n",
            "data/Contacts.csv:2: each of the lines 2 to 3 reads as a row of its own, and quotes make them one",
        ),
        ("id,name,\"e-mail\n1,Åse,x\n", "data/Contacts.csv:1: the file ends between quotes"),
        (
            "id,name,phone,name\n1,Åse,2,Aas\n",
            "data/Contacts.csv: the first row names the column `name` more than once",
        ),
        (
            "nr,name\n1,Åse\n",
            "data/Contacts.csv: the first row names no column `id`, which holds the ids (columns: nr, name)",
        ),
        ("", "data/Contacts.csv: the first row names no column `id`"),
        ("id,mail;name\n1,a;Liv\n", "data/Contacts.csv: the first row has as many ',' as ';'"),
    ] {
        let project = Project::with("Contacts.csv", content);
        let message = refused(&project, json!({"folder": "data"}));
        assert!(message.starts_with(expected), "{message}");
        assert_eq!(project.text("Contacts.csv"), content);
    }
    assert!(
        Project::with("Contacts.csv", "nr,name\n1,Åse\n")
            .open(json!({"folder": "data", "id": "nr"}))
            .test()
            .is_ok()
    );
}

#[test]
fn r8_rows_with_too_many_or_too_few_cells_are_left_alone_and_told_each_time() {
    let project =
        Project::with("Contacts.csv", "id;name;mail\n1;Åse;a\n2;Bjørn\n3;Cato;c;x\n4;Dag;d\n;;\n");
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let first = read(&connector, &watch, None);
    assert_eq!(ids(&first), ["1", "4"]);
    let told = |reading: &Reading| {
        reading.faults.iter().map(|f| (f.place.clone(), f.id.clone().unwrap())).collect::<Vec<_>>()
    };
    let expected = [
        ("data/Contacts.csv:3".to_string(), "2".to_string()),
        ("data/Contacts.csv:4".into(), "3".into()),
    ];
    assert_eq!(told(&first), expected, "{first:?}");
    let again = read(&connector, &watch, Some(first.checkpoint));
    assert_eq!((ids(&again), again.gone.len(), told(&again)), (vec![], 0, expected.to_vec()));
    let outcomes = connector.write(
        "Contacts",
        &watch,
        &[update("2", None, 0, json!("x"), json!(null)), create(&[(0, json!("E"))], "t")],
    );
    assert!(matches!(&outcomes[..], [Outcome::Rejected { .. }, Outcome::Done(_)]), "{outcomes:?}");
    assert!(project.text("Contacts.csv").contains("\n2;Bjørn\n"));
    // Mended rows are news, and nothing is told any more.
    let mended =
        project.text("Contacts.csv").replace("2;Bjørn\n", "2;Bjørn;b\n").replace(";c;x\n", ";c\n");
    fs::write(project.path("Contacts.csv"), mended).unwrap();
    let after = read(&connector, &watch, Some(again.checkpoint));
    assert_eq!((ids(&after), after.faults.len()), (vec!["2", "3"], 0));
    assert_eq!(read(&connector, &watch, Some(after.checkpoint)).records.len(), 0);
    // Many of them are counted.
    let many: String = (1..100).map(|id| format!("{id};x\n")).collect();
    fs::write(project.path("Contacts.csv"), format!("id;name;mail\n{many}")).unwrap();
    let faults = read(&connector, &watch, None).faults;
    assert!(faults.len() == 11 && faults[10].message == "89 more rows can't be read", "{faults:?}");
}

/// A line end that is lost makes one row of two: whose record the rest of it is, it does not tell.
#[test]
fn r8_nothing_counts_as_deleted_while_a_row_may_hold_another_record_as_well() {
    let good = "id,name,mail\n1,Åse,a\n2,Bo,b\n3,Cato,c\n";
    for torn in [
        "id,name,mail\n1,Åse,a\n2,Bo,b3,Cato,c\n",
        "id,name,mail\n1,Åse,a\n2,Bo\n",
        "id,name,mail\n1,Åse,a\n2,\"Bo\"x,b\n",
    ] {
        let project = Project::with("Contacts.csv", good);
        let (connector, watch) = (project.contacts(), watch(&["name"]));
        let first = read(&connector, &watch, None);
        assert_eq!(ids(&first), ["1", "2", "3"]);
        fs::write(project.path("Contacts.csv"), torn).unwrap();
        let doubtful = read(&connector, &watch, Some(first.checkpoint));
        assert_eq!((doubtful.gone.len(), doubtful.faults.len()), (0, 1), "{torn}: {doubtful:?}");
        assert!(connector.get("Contacts", &watch, "3").is_err(), "{torn}");
        let outcomes =
            connector.write("Contacts", &watch, &[update("3", None, 0, json!("x"), json!("Cato"))]);
        assert!(matches!(&outcomes[..], [Outcome::Conflict { .. }]), "{outcomes:?}");
        // What is missing once that is mended has been deleted.
        fs::write(project.path("Contacts.csv"), "id,name,mail\n1,Åse,a\n2,Bo,b\n").unwrap();
        let mended = read(&connector, &watch, Some(doubtful.checkpoint));
        assert_eq!(
            (mended.gone.clone(), mended.faults.len()),
            (vec!["3".to_string()], 0),
            "{torn}"
        );
    }
}

#[test]
fn r8_a_column_that_is_not_there_any_more_has_not_been_cleared() {
    let project = Project::with("Contacts.csv", "id,name,phone\n1,Åse,1\n2,Bo,2\n");
    let (connector, watch) = (project.contacts(), watch(&["name", "phone", "never"]));
    let first = read(&connector, &watch, None);
    fs::write(project.path("Contacts.csv"), "id,name,telefon\n1,Åse,1\n2,Bo,2\n").unwrap();
    for connector in [connector, project.contacts()] {
        let request = ReadRequest {
            kind: "Contacts",
            watch: &watch,
            checkpoint: Some(&first.checkpoint),
            page_size: 10,
        };
        let Err(Trouble::Malformed(message)) = connector.read(request) else { panic!() };
        assert!(
            message.contains("the column `phone` is not there any more")
                && message.contains("id, name, telefon"),
            "{message}"
        );
    }
}

#[test]
fn a_csv_file_keeps_its_quotes_and_lines_that_end_with_cr() {
    let project = Project::with("Contacts.csv", "\"id\",\"name\",\"n\"\r\"1\",\"Åse\",7\r");
    let (connector, watch) = (project.contacts(), watch(&["name", "n"]));
    assert_eq!(ids(&read(&connector, &watch, None)), ["1"]);
    let writes =
        [update("1", None, 0, json!("Åsa"), json!("Åse")), create(&[(0, json!("Bo"))], "t")];
    done(connector.write("Contacts", &watch, &writes));
    assert_eq!(
        project.text("Contacts.csv"),
        "\"id\",\"name\",\"n\"\r\"1\",\"Åsa\",7\r\"2\",\"Bo\",\r"
    );
}

#[test]
fn r9_a_number_that_was_an_id_is_not_given_to_another_record() {
    for (file, content, without, none, expected) in [
        ("Contacts.jsonl", "{\"id\":1}\n{\"id\":7}\n", "{\"id\":1}\n", "", json!(8)),
        ("Contacts.csv", "id,name\n1,\n7,\n", "id,name\n1,\n", "id,name\n", json!("8")),
    ] {
        for left in [without, none] {
            let project = Project::with(file, content);
            let watch = watch(&["id", "name"]);
            let first = read(&project.contacts(), &watch, None);
            fs::write(project.path(file), left).unwrap();
            // What was known is known to the next process, with the checkpoint alone as well.
            if left == without {
                fs::remove_dir_all(project.dir.path().join(".lockstep")).unwrap();
            }
            let connector = project.contacts();
            let next = read(&connector, &watch, Some(first.checkpoint));
            assert_eq!(next.gone.last().map(String::as_str), Some("7"));
            let made =
                done(connector.write("Contacts", &watch, &[create(&[(1, json!("Dag"))], "t")]));
            assert_eq!(
                (made[0].id.as_str(), made[0].values[0].clone()),
                ("8", Some(expected.clone())),
                "{left:?}"
            );
            // Its own last one neither, however it went.
            fs::write(project.path(file), left).unwrap();
            let made = done(project.contacts().write(
                "Contacts",
                &watch,
                &[create(&[(1, json!("Eva"))], "u")],
            ));
            assert_eq!(made[0].id, "9");
        }
    }
}

#[test]
fn r7_an_id_that_refers_keeps_the_json_type_that_ids_have_there() {
    let project = Project::with(
        "Contacts.jsonl",
        "{\"id\":1,\"owner\":7,\"zip\":\"0150\",\"tags\":[3,4]}\n{\"id\":2}\n",
    );
    let (connector, watch) = (project.contacts(), watch(&["owner", "zip", "tags"]));
    let values = [(0, json!("12")), (1, json!("150")), (2, json!(["5", "x"]))];
    let writes = [create(&values, "t"), update("1", None, 0, json!("0150"), json!(7))];
    done(connector.write("Contacts", &watch, &writes));
    let records: Vec<Value> = project
        .text("Contacts.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records[2], json!({"id": 3, "owner": 12, "zip": "150", "tags": [5, "x"]}));
    assert_eq!(records[0]["owner"], "0150", "a number would lose its zero");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_folder_is_neither_read_nor_written() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    let project = Project::with("Contacts.jsonl", THREE);
    let (outside, inside) =
        (project.dir.path().join("secret.jsonl"), project.path("Contacts.jsonl"));
    fs::rename(&inside, &outside).unwrap();
    symlink("../secret.jsonl", &inside).unwrap();
    let message = refused(&project, json!({"folder": "data"}));
    assert!(
        message.contains("data/Contacts.jsonl is a link that leads out of the folder"),
        "{message}"
    );
    assert_eq!(fs::read_to_string(&outside).unwrap(), THREE);
    // One that stays within it is a name like another; nor is the folder itself asked what it is.
    fs::remove_file(&inside).unwrap();
    fs::rename(&outside, project.path("2024.jsonl.bak")).unwrap();
    symlink("2024.jsonl.bak", &inside).unwrap();
    symlink("data", project.dir.path().join("linked")).unwrap();
    fs::set_permissions(project.path("2024.jsonl.bak"), fs::Permissions::from_mode(0o640)).unwrap();
    let connector = project.open(json!({"folder": "linked"}));
    done(connector.write(
        "Contacts",
        &watch(&["name"]),
        &[update("b", None, 0, json!("Bo"), json!(null))],
    ));
    assert!(inside.is_symlink() && project.text("2024.jsonl.bak").contains("\"Bo\""));
    assert_eq!(fs::metadata(&inside).unwrap().mode() & 0o777, 0o640);
    // Another name of the same file keeps what it had.
    fs::hard_link(project.path("2024.jsonl.bak"), &outside).unwrap();
    done(connector.write(
        "Contacts",
        &watch(&["name"]),
        &[update("c", None, 0, json!("Carl"), json!(null))],
    ));
    assert!(!fs::read_to_string(&outside).unwrap().contains("Carl"));
}

#[test]
fn r8_a_file_that_is_damaged_or_missing_leaves_the_others_of_its_folder_alone() {
    let project = Project::with("Contacts.jsonl", THREE);
    fs::write(project.path("stray.csv"), "a;b\n1;2\n").unwrap();
    fs::write(project.path("Other.JSONL"), "{\"id\":1}\n").unwrap();
    let connector = project.contacts();
    assert_eq!(ids(&read(&connector, &watch(&["name"]), None)), ["a", "b", "c"]);
    assert!(connector.types_fail_alone() && connector.tells_faults_each_time());
    let damages = lockstep_connector::catalogue::damages(
        "files",
        json!({"folder": "data"}).as_object().unwrap(),
        project.dir.path(),
    );
    assert_eq!(
        damages.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["stray"],
        "{damages:?}"
    );
    // What was there once is missed by the next process as well, its folder included.
    for gone in ["Contacts.jsonl", ""] {
        let path = project.path(gone);
        fs::rename(&path, project.dir.path().join("away")).unwrap();
        let connector = project.contacts();
        let watch = watch(&["name"]);
        let request =
            ReadRequest { kind: "Contacts", watch: &watch, checkpoint: None, page_size: 10 };
        assert!(matches!(connector.read(request), Err(Trouble::Unreachable(_))), "{gone}");
        let schema = connector.types().iter().find(|schema| schema.kind == "Contacts").unwrap();
        assert_eq!(
            schema.property(&"emails.email".into()).map(|p| p.list),
            Some(true),
            "{schema:?}"
        );
        fs::rename(project.dir.path().join("away"), &path).unwrap();
    }
}

#[test]
fn settings_that_are_wrong_are_named() {
    let project = Project::with("Contacts.jsonl", THREE);
    fs::write(project.path("notes.txt"), "no record type").unwrap();
    fs::write(project.path(".hidden.jsonl"), "").unwrap();
    assert_eq!(
        project.contacts().types().iter().map(|schema| schema.kind.as_str()).collect::<Vec<_>>(),
        ["Contacts"]
    );
    let message = |settings: Value| match project.try_open(settings).err() {
        Some(Trouble::Misconfigured(message)) => message,
        other => panic!("{other:?}"),
    };
    assert!(message(json!({})).contains("missing field `folder`"));
    assert!(message(json!({"folder": "data", "ids": "x"})).contains("unknown field `ids`"));
    assert!(message(json!({"folder": "nowhere"})).contains("nowhere"));
    fs::write(project.path("Contacts.csv"), "id\n").unwrap();
    assert!(refused(&project, json!({"folder": "data"})).contains("Contacts has two files"));
}

#[test]
fn the_schema_tells_what_the_records_show() {
    let project = Project::with(
        "Contacts.jsonl",
        "{\"id\":1,\"zip\":\"0150\",\"n\":1,\"tags\":[\"x\"],\"emails\":[{\"email\":\"a@example.no\",\"primary\":true}]}\n{\"id\":2,\"zip\":150}\n",
    );
    let connector = project.contacts();
    let schema = &connector.types()[0];
    assert!(schema.open && schema.can.since && schema.can.tells_deletions);
    let described =
        |path: &str| schema.property(&path.into()).map(|property| (property.ty, property.list));
    assert_eq!(described("tags"), Some((PlainType::List, true)));
    assert_eq!(described("emails.email"), Some((PlainType::String, true)));
    assert_eq!(described("zip"), Some((PlainType::Any, false)), "a number now and then is no type");
    assert_eq!(described("n"), Some((PlainType::Any, false)));
    assert!(schema.property(&"id".into()).unwrap().create_only);
    assert_eq!(described("other"), None);
    assert!(schema.resolve(&"other".into()).is_some());
}

/// Whatever is done to a file, what the readings told adds up to what it holds.
#[test]
fn changes_add_up_to_the_whole() {
    let mut state = 7u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let project = Project::with("Contacts.jsonl", "");
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let mut rows: Vec<(usize, usize)> = Vec::new();
    let mut told = read(&connector, &watch, None);
    let (mut fresh, mut broken) = (0, false);
    for step in 0..120 {
        for _ in 0..random(4) {
            match random(5) {
                0 | 1 => {
                    fresh += 1;
                    rows.insert(random(rows.len() + 1), (fresh, step));
                }
                2 if !rows.is_empty() => drop(rows.remove(random(rows.len()))),
                3 if !rows.is_empty() => {
                    let at = random(rows.len());
                    rows[at].1 = step;
                }
                _ if rows.len() > 1 => {
                    let (a, b) = (random(rows.len()), random(rows.len()));
                    rows.swap(a, b);
                }
                _ => {}
            }
        }
        let mut text: String =
            rows.iter().map(|(id, n)| format!("{{\"id\":{id},\"name\":\"n{n}\"}}\n")).collect();
        // Now and then somebody leaves a row that can't be read, for one reading.
        broken = !broken && random(10) == 0;
        if broken {
            text.push_str("{\"id\n");
        }
        fs::write(project.path("Contacts.jsonl"), text).unwrap();
        let changes = read(&connector, &watch, Some(told.checkpoint));
        for id in &changes.gone {
            assert!(
                told.records.remove(id).is_some(),
                "step {step}: {id} is gone, but was never there"
            );
        }
        told.records.extend(changes.records);
        told.checkpoint = changes.checkpoint;
        if broken {
            assert_eq!(changes.gone.len(), 0, "step {step}");
            continue;
        }
        let mut held: Vec<(usize, Option<Value>)> = told
            .records
            .values()
            .map(|record| (record.id.parse().unwrap(), record.values[0].clone()))
            .collect();
        held.sort_by_key(|(id, _)| *id);
        let mut expected: Vec<(usize, Option<Value>)> =
            rows.iter().map(|(id, n)| (*id, Some(json!(format!("n{n}"))))).collect();
        expected.sort_by_key(|(id, _)| *id);
        assert_eq!(held, expected, "step {step}");
    }
}

#[test]
fn g10_an_id_that_no_record_has_is_one_message() {
    for (file, content) in [
        ("Contacts.jsonl", "{\"nr\":1,\"name\":\"Åse\"}\n{\"nr\":2,\"name\":\"Bjørn\"}\n"),
        ("Contacts.csv", "id;nr;name\n;1;Åse\n;2;Bjørn\n;;\n"),
    ] {
        let project = Project::with(file, content);
        let settings = json!({"folder": "data", "created": "made"});
        let connector = project.open(settings.clone());
        let request = ReadRequest {
            kind: "Contacts",
            watch: &watch(&["name"]),
            checkpoint: None,
            page_size: 10,
        };
        let told = connector.read(request).unwrap_err().to_string();
        assert!(told.contains("no record has `id`, which holds the ids"), "{told}");
        let damages =
            lockstep_connector::files::damages(settings.as_object().unwrap(), project.dir.path());
        assert!(damages[0].1.to_string().contains("no record has `id`"), "{damages:?}");
        let without = lockstep_connector::files::without_effect(
            settings.as_object().unwrap(),
            project.dir.path(),
        );
        assert!(
            without.iter().any(|told| told.contains("`created: made` has no effect")),
            "{without:?}"
        );
        assert!(project.open(json!({"folder": "data", "id": "nr"})).test().is_ok());
    }
}

#[test]
fn r8_a_file_that_ends_in_the_middle_of_a_row_was_cut() {
    for (file, whole, cut) in [
        (
            "Contacts.csv",
            "id,name,mail\n1,Åse,a\n2,Bjørn,b\n3,Cato,c\n",
            "id,name,mail\n1,Åse,a\n2,Bj",
        ),
        (
            "Contacts.jsonl",
            "{\"id\":1,\"name\":\"Åse\"}\n{\"id\":2,\"name\":\"Bjørn\"}\n",
            "{\"id\":1,\"name\":\"Åse\"}\n{\"id\":2,\"na",
        ),
    ] {
        let project = Project::with(file, whole);
        let (connector, watch) = (project.open(json!({"folder": "data"})), watch(&["name"]));
        let before = read(&connector, &watch, None);
        fs::write(project.path(file), cut).unwrap();
        // As a listing of everything, as one of changes, and when a write is under way.
        for checkpoint in [None, Some(before.checkpoint.clone())] {
            let request = ReadRequest {
                kind: "Contacts",
                watch: &watch,
                checkpoint: checkpoint.as_ref(),
                page_size: 100,
            };
            let told = connector.read(request).unwrap_err().to_string();
            assert!(told.contains("ends in the middle of a row"), "{told}");
        }
        let outcomes = connector.write(
            "Contacts",
            &watch,
            &[update("1", None, 0, json!("Aase"), json!("Åse"))],
        );
        assert!(matches!(&outcomes[..], [Outcome::Stopped(Trouble::Malformed(_))]), "{outcomes:?}");
        assert_eq!(project.text(file), cut);
        // A last row that is whole needs no line end.
        fs::write(project.path(file), whole.trim_end()).unwrap();
        assert_eq!(
            ids(&read(&connector, &watch, None)).len(),
            whole.lines().count() - usize::from(file.ends_with("csv"))
        );
    }
}

#[test]
fn r8_r7_a_utf_8_file_is_not_read_in_another_encoding() {
    let project = Project::with("Contacts.csv", "id;name\r\n1;Ase\r\n2;Dag\r\n");
    let connector = project.open(json!({"folder": "data", "encoding": "windows-1252"}));
    let watch = watch(&["name"]);
    let before = read(&connector, &watch, None);
    fs::write(project.path("Contacts.csv"), "id;name\r\n1;Åse\r\n2;Dag\r\n").unwrap();
    for checkpoint in [None, Some(before.checkpoint.clone())] {
        let request = ReadRequest {
            kind: "Contacts",
            watch: &watch,
            checkpoint: checkpoint.as_ref(),
            page_size: 100,
        };
        let told = connector.read(request).unwrap_err().to_string();
        assert!(
            told.contains("data/Contacts.csv:2 is UTF-8, and `encoding: windows-1252` is set"),
            "{told}"
        );
    }
    let outcomes =
        connector.write("Contacts", &watch, &[update("2", None, 0, json!("Dagny"), json!("Dag"))]);
    assert!(matches!(&outcomes[..], [Outcome::Stopped(Trouble::Malformed(_))]), "{outcomes:?}");
    // A name that was once written wrong is in a file that is right.
    fs::write(project.path("Contacts.csv"), b"id;name\r\n1;\xc3\x85se\r\n2;Bj\xf8rn\r\n").unwrap();
    let reading = read(&connector, &watch, None);
    assert_eq!(reading.records["1"].values, [Some(json!("Ã…se"))]);
    assert_eq!(reading.records["2"].values, [Some(json!("Bjørn"))]);
}

/// One file each of the two kinds: who is archived, who is not, and who does not say.
fn marked_files() -> [(&'static str, &'static str); 2] {
    [
        (
            "Contacts.csv",
            "id,name,archived,changed\n1,Åse,,2024-01-01T00:00:00Z\n2,Bjørn,TRUE,\n3,Cato,false,\n",
        ),
        (
            "Contacts.jsonl",
            concat!(
                r#"{"id":1,"name":"Åse","changed":"2024-01-01T00:00:00Z"}"#,
                "\n",
                r#"{"id":2,"name":"Bjørn","archived":true}"#,
                "\n",
                r#"{"id":3,"name":"Cato","archived":false}"#,
                "\n"
            ),
        ),
    ]
}

fn delete(id: &str, version: Option<&str>) -> Write {
    Write {
        action: Action::Delete { id: id.into(), version: version.map(str::to_string) },
        values: vec![],
        token: "d".into(),
    }
}

#[test]
fn d3_a_mark_in_a_file_is_read_and_one_that_is_marked_is_not_there() {
    for (file, content) in marked_files() {
        let project = Project::with(file, content);
        let connector = project.open(json!({
            "folder": "data",
            "tables": { "Contacts": { "modified": "changed", "deleted": { "at": "archived", "is": [true] } } },
        }));
        let watch = watch(&["name"]);
        let first = read(&connector, &watch, None);
        assert_eq!(
            (ids(&first), &first.gone[..]),
            (vec!["1", "3"], &["2".to_string()][..]),
            "{file}"
        );
        assert!(connector.get("Contacts", &watch, "1").unwrap().is_some());
        assert_eq!(connector.get("Contacts", &watch, "2").unwrap(), None, "{file}");
        // What is not there is not written to.
        let outcomes = connector.write(
            "Contacts",
            &watch,
            &[update("2", None, 0, json!("B"), json!(null)), delete("2", None)],
        );
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, Outcome::Gone { .. })),
            "{outcomes:?}"
        );
        assert_eq!(project.text(file), content);
        // Marked by somebody, and back again: with a condition too, which is read along another
        // way.
        let conditional = PropertyRef {
            when: Some(Having { path: "id".into(), value: "3".into() }),
            ..PropertyRef::new("name")
        };
        for watch in [watch.clone(), vec![conditional]] {
            fs::write(project.path(file), content).unwrap();
            let before = read(&connector, &watch, None);
            fs::write(project.path(file), content.replace("false", "true")).unwrap();
            let marked = read(&connector, &watch, Some(before.checkpoint));
            assert_eq!(marked.gone, ["3"], "{file}");
            assert!(connector.get("Contacts", &watch, "3").unwrap().is_none());
            fs::write(project.path(file), content).unwrap();
            let back = read(&connector, &watch, Some(marked.checkpoint));
            assert!(ids(&back) == ["3"] && back.gone.is_empty(), "{file}");
        }
        // Where nothing says what to set, a deletion removes the record.
        done(connector.write("Contacts", &watch, &[delete("3", None)]));
        assert!(!project.text(file).contains("Cato"), "{file}");
    }
}

#[test]
fn d3_a_deletion_that_is_passed_on_sets_the_mark() {
    for (file, content) in marked_files() {
        let project = Project::with(file, content);
        let connector = project.open(json!({
            "folder": "data",
            "modified": "changed",
            "tables": { "Contacts": { "deleted": { "at": "archived", "is": [true], "set": true } } },
        }));
        let watch = watch(&["name"]);
        let before = read(&connector, &watch, None);
        let version = before.records["1"].version.clone();
        let writes = [delete("1", version.as_deref()), delete("3", Some("stale"))];
        let outcomes = connector.write("Contacts", &watch, &writes);
        assert!(
            matches!(&outcomes[..], [Outcome::Done(gone), Outcome::Conflict { .. }] if gone.deleted),
            "{outcomes:?}"
        );
        let text = project.text(file);
        let row = text.lines().find(|row| row.contains("Åse")).unwrap();
        assert!(
            row.contains("true") && !row.contains("2024-01-01"),
            "the time of the change moves with it: {row}"
        );
        assert_eq!(text.lines().count(), content.lines().count());
        assert_eq!(connector.get("Contacts", &watch, "1").unwrap(), None);
        // The deletion is Lockstep's own: the next reading has nothing to tell of it.
        assert!(read(&connector, &watch, Some(before.checkpoint)).records.is_empty(), "{file}");
        // Whoever takes it back is back.
        fs::write(project.path(file), text.replacen("true", "false", 1)).unwrap();
        assert!(connector.get("Contacts", &watch, "1").unwrap().is_some(), "{file}");
    }
    let project = Project::with("Contacts.csv", "id,name,deleted_at\n1,Åse,\n2,Bjørn,2024-01-01\n");
    let mark = json!({ "at": "deleted_at", "is-not": [null], "set": "$now" });
    let connector =
        project.open(json!({ "folder": "data", "tables": { "Contacts": { "deleted": mark } } }));
    done(connector.write("Contacts", &watch(&["name"]), &[delete("1", None)]));
    let text = project.text("Contacts.csv");
    let at = text.lines().nth(1).unwrap().split(',').nth(2).unwrap();
    assert!(lockstep_model::Timestamp::parse(at).is_some(), "{text}");
    assert_eq!(connector.get("Contacts", &watch(&["name"]), "1").unwrap(), None);
}

#[test]
fn d3_r5_a_column_of_marks_that_is_not_there_any_more_brings_nobody_back() {
    let project = Project::with("Contacts.csv", "id,name,archived\n1,Åse,\n2,Bjørn,yes\n");
    let mark = json!({ "at": "archived", "is": ["yes"], "set": "yes" });
    let connector =
        project.open(json!({ "folder": "data", "tables": { "Contacts": { "deleted": mark } } }));
    let (watch, before) = (watch(&["name"]), read(&connector, &watch(&["name"]), None));
    fs::write(project.path("Contacts.csv"), "id,name,arkivert\n1,Åse,\n2,Bjørn,yes\n").unwrap();
    for checkpoint in [None, Some(&before.checkpoint)] {
        let request = ReadRequest { kind: "Contacts", watch: &watch, checkpoint, page_size: 10 };
        let told = connector.read(request).unwrap_err().to_string();
        assert!(
            told.contains("no column `archived`, by which `deleted` tells what is deleted"),
            "{told}"
        );
    }
    let outcomes = connector.write("Contacts", &watch, &[delete("1", None)]);
    assert!(matches!(&outcomes[..], [Outcome::Stopped(Trouble::Malformed(_))]), "{outcomes:?}");
}

#[test]
fn g10_settings_of_one_file_that_name_what_is_not_there_are_told() {
    let project = Project::with("Contacts.csv", "id,name\n1,Åse\n");
    fs::write(project.path("Notes.jsonl"), "{\"id\":1,\"text\":\"hei\"}\n").unwrap();
    let of = |tables: Value| json!({ "folder": "data", "tables": tables });
    let misnamed = |tables: Value| {
        lockstep_connector::files::misnamed(of(tables).as_object().unwrap(), project.dir.path())
            .join("\n")
    };
    for (own, told) in [
        (
            json!({ "id": "nr" }),
            "`nr`, which `id` of Contacts names, is no column of data/Contacts.csv: it has id, name",
        ),
        (json!({ "modified": "changed" }), "`changed`, which `modified` of Contacts names"),
        (
            json!({ "modified": { "*": "id", "name": "name_at" } }),
            "`name_at`, which `modified` of Contacts names",
        ),
        (json!({ "modified": { "nmae": "name" } }), "`nmae`, which `modified` of Contacts names"),
        (json!({ "created": "made" }), "`made`, which `created` of Contacts names"),
        (
            json!({ "deleted": { "at": "gone", "is": [1] } }),
            "`gone`, which `deleted` of Contacts names",
        ),
    ] {
        let found = misnamed(json!({ "Contacts": own }));
        assert!(found.contains(told), "{found}");
    }
    let without = |tables: Value| {
        lockstep_connector::files::without_effect(
            of(tables).as_object().unwrap(),
            project.dir.path(),
        )
        .join("\n")
    };
    let told = without(json!({ "Notes": { "deleted": { "at": "gone", "is": [1] } } }));
    assert!(
        told.contains("`gone`, which `deleted` of Notes names, is in no record that was looked at"),
        "{told}"
    );
    let refused = |tables: Value| project.try_open(of(tables)).err().unwrap().to_string();
    for (tables, told) in [
        (json!({ "Contact": {} }), "`Contact`, which `tables` names, is not there"),
        (json!({ "Contacts": { "modifed": "x" } }), "unknown field `modifed`"),
        (json!({ "Contacts": { "deleted": { "at": "name" } } }), "neither `is` nor `is-not`"),
        (
            json!({ "Contacts": { "deleted": { "at": "id", "is": [1] } } }),
            "`id` is what `id` names",
        ),
        (
            json!({ "Contacts": { "deleted": { "at": "name", "is": ["x"], "set": "y" } } }),
            "does not count as deleted",
        ),
        (json!({ "Contacts": { "encoding": "klingon" } }), "`encoding: klingon`"),
        (json!({ "Contacts": { "modified": {} } }), "`modified` names nothing"),
        (
            json!({ "Contacts": { "modified": { "name": "name" } } }),
            "`name` of `modified` can't be its own time",
        ),
    ] {
        let found = refused(tables);
        assert!(found.contains(told), "{found}");
    }
    let twice = json!({ "folder": "data", "encoding": { "Contacts": "utf-8" }, "tables": { "Contacts": { "encoding": "utf-8" } } });
    assert!(project.try_open(twice).err().unwrap().to_string().contains("said twice"));
}

#[test]
fn each_file_has_an_id_and_times_of_its_own() {
    let project = Project::with("Contacts.csv", "id,name,changed\n1,Åse,2024-01-01\n");
    fs::write(project.path("Orders.csv"), b"order_no;name;edited\n7;\xc5se;2024-02-01\n").unwrap();
    let connector = project.open(json!({
        "folder": "data",
        "modified": "changed",
        "tables": { "Orders": { "id": "order_no", "modified": "edited", "created": "edited", "encoding": "windows-1252" } },
    }));
    let orders = contract::read_all(&connector, "Orders", &watch(&["name"]), None, 9).unwrap();
    assert_eq!(orders.records["7"].values, [Some(json!("Åse"))]);
    assert_eq!(orders.records["7"].modified, lockstep_model::Timestamp::parse("2024-02-01"));
    let contacts = read(&connector, &watch(&["name"]), None);
    assert_eq!(contacts.records["1"].modified, lockstep_model::Timestamp::parse("2024-01-01"));
    done(connector.write("Orders", &watch(&["name"]), &[create(&[(0, json!("Bjørn"))], "t")]));
    assert!(
        fs::read(project.path("Orders.csv")).unwrap().windows(8).any(|part| part == b"8;Bj\xf8rn;")
    );
}

#[test]
fn a_key_of_several_columns_is_one_id_and_both_are_needed_for_a_new_record() {
    for (file, content) in [
        ("Contacts.csv", "order_no,line_no,sku\n1,1,a\n1,2,b\nx/y,1,c\n"),
        (
            "Contacts.jsonl",
            concat!(
                r#"{"order_no":1,"line_no":1,"sku":"a"}"#,
                "\n",
                r#"{"order_no":1,"line_no":2,"sku":"b"}"#,
                "\n",
                r#"{"order_no":"x/y","line_no":1,"sku":"c"}"#,
                "\n"
            ),
        ),
    ] {
        let project = Project::with(file, content);
        let settings = json!({ "folder": "data", "tables": { "Contacts": { "id": ["order_no", "line_no"] } } });
        let connector = project.open(settings.clone());
        let schema = &connector.types()[0];
        assert_eq!(schema.key, ["order_no".into(), "line_no".into()]);
        for path in ["order_no", "line_no"] {
            assert!(
                schema
                    .property(&path.into())
                    .is_some_and(|property| property.required && property.create_only),
                "{path}"
            );
        }
        let watch = watch(&["order_no", "line_no", "sku"]);
        let all = read(&connector, &watch, None);
        assert_eq!(ids(&all), ["1/1", "1/2", "x%2Fy/1"], "{file}");
        for id in ids(&all) {
            assert_eq!(
                connector.get("Contacts", &watch, id).unwrap().map(|record| record.id).as_deref(),
                Some(id),
                "{file}"
            );
        }
        assert!(connector.get("Contacts", &watch, "1").unwrap().is_none());
        let made = done(connector.write(
            "Contacts",
            &watch,
            &[create(&[(0, json!(2)), (1, json!(1)), (2, json!("d"))], "t")],
        ));
        assert_eq!(made[0].id, "2/1", "{file}");
        // Tried again it is found, and one without both is not made.
        let again = connector
            .write("Contacts", &watch, &[create(&[(0, json!(2)), (1, json!(1))], "u")])
            .remove(0);
        assert!(matches!(again, Outcome::Duplicate { id: Some(id), .. } if id == "2/1"), "{file}");
        let lacks = connector
            .write("Contacts", &watch, &[create(&[(0, json!(3)), (2, json!("e"))], "v")])
            .remove(0);
        assert!(
            matches!(lacks, Outcome::Rejected { message, .. } if message.contains("needs `order_no`, `line_no`")),
            "{file}"
        );
        let version = all.records["1/2"].version.as_deref();
        done(connector.write(
            "Contacts",
            &watch,
            &[update("1/2", version, 2, json!("B"), json!("b"))],
        ));
        let moved = connector
            .write("Contacts", &watch, &[update("1/2", None, 1, json!(9), json!(2))])
            .remove(0);
        assert!(matches!(moved, Outcome::Rejected { prop: Some(1), .. }), "{moved:?}");
        done(connector.write("Contacts", &watch, &[delete("1/1", None)]));
        let after = read(&connector, &watch, Some(all.checkpoint));
        assert_eq!((ids(&after), &after.gone[..]), (vec![], &["1/1".to_string()][..]), "{file}");
        assert_eq!(
            ids(&read(&project.open(settings), &watch, None)),
            ["1/2", "2/1", "x%2Fy/1"],
            "{file}: {}",
            project.text(file)
        );
    }
    let project = Project::with("Contacts.csv", "order_no,line_no,sku\n1,1,a\n1,1,b\n1,,c\n");
    let refused = |id: Value| {
        project
            .try_open(json!({ "folder": "data", "tables": { "Contacts": { "id": id } } }))
            .err()
            .map(|told| told.to_string())
    };
    assert!(refused(json!([])).is_some_and(|told| told.contains("names no column")));
    assert!(
        refused(json!(["sku", "sku"]))
            .is_some_and(|told| told.contains("`sku` stands twice in `id`"))
    );
    let lacks =
        json!({ "folder": "data", "tables": { "Contacts": { "id": ["order_no", "line"] } } });
    let told = lockstep_connector::files::misnamed(lacks.as_object().unwrap(), project.dir.path());
    assert!(told[0].contains("`line`, which `id` of Contacts names, is no column"), "{told:?}");
    // R8: the same parts twice, or one of them missing, are nobody's.
    let connector = project.open(
        json!({ "folder": "data", "tables": { "Contacts": { "id": ["order_no", "line_no"] } } }),
    );
    let faults = read(&connector, &watch(&["sku"]), None).faults;
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn g10_a_name_with_a_dot_stands_in_quotation_marks() {
    let lines = "{\"id\":1,\"a.tel\":\"111\",\"b\":{\"c.d\":[1],\"e\":2},\"x.\\\"\":3}\n";
    let project = Project::with("Contacts.jsonl", lines);
    let connector = project.contacts();
    let schema = &connector.types()[0];
    let paths: Vec<&str> =
        schema.properties.iter().map(|property| property.path.as_str()).collect();
    assert_eq!(paths, ["id", ".\"a.tel\"", "b.\"c.d\"", "b.e"]);
    assert_eq!(schema.dotted, ["a.tel".into(), "b.c.d".into(), "x.\"".into()]);
    assert!(!schema.has_seen(&"a.tel".into()) && !schema.has_seen(&"b.c.d".into()));
    let all = read(&connector, &watch(&["a.tel"]), None);
    assert_eq!(all.records["1"].values, [None], "a run sees nothing there");
    let watched = watch(&[".\"a.tel\"", "b.\"c.d\""]);
    let all = read(&connector, &watched, None);
    assert_eq!(all.records["1"].values, [Some(json!("111")), Some(json!([1]))]);
    let put = |prop: usize, value: Value| WriteValue { prop, value, displaced: Value::Null.into() };
    let update = Write {
        action: Action::Update { id: "1".into(), version: all.records["1"].version.clone() },
        values: vec![put(0, json!("222")), put(1, json!([1, 2]))],
        token: "t1".into(),
    };
    let create = Write {
        action: Action::Create,
        values: vec![put(0, json!("333")), put(1, json!([4]))],
        token: "t2".into(),
    };
    let outcomes = connector.write("Contacts", &watched, &[update, create]);
    assert!(outcomes.iter().all(|done| matches!(done, Outcome::Done(_))), "{outcomes:?}");
    let kept: Vec<Value> = project
        .text("Contacts.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        kept,
        [
            json!({"id": 1, "a.tel": "222", "b": {"c.d": [1, 2], "e": 2}, "x.\"": 3}),
            json!({"id": 2, "a.tel": "333", "b": {"c.d": [4]}}),
        ]
    );

    // An object of that path is another property.
    let both = format!("{lines}{{\"id\":2,\"a\":{{\"tel\":\"222\"}}}}\n");
    let project = Project::with("Contacts.jsonl", &both);
    let connector = project.contacts();
    let schema = &connector.types()[0];
    assert!(schema.has_seen(&"a.tel".into()));
    let named = |path: &str| schema.properties.iter().filter(|p| p.path.as_str() == path).count();
    assert_eq!(named("a.tel"), 1);
}

#[test]
fn g10_a_sample_tells_what_its_values_are() {
    let lines = "{\"id\":1,\"n\":3,\"on\":true,\"x\":1,\"t\":\"a\"}\n{\"id\":2,\"n\":0.5,\"on\":null,\"x\":\"1\",\"t\":\"b\"}\n";
    let held = |project: &Project, path: &str| {
        let connector = project.contacts();
        connector.types()[0].property(&path.into()).map(|property| (property.ty, property.holds))
    };
    let project = Project::with("Contacts.jsonl", lines);
    assert_eq!(held(&project, "n"), Some((PlainType::Any, Some(PlainType::Float))));
    assert_eq!(held(&project, "on"), Some((PlainType::Any, Some(PlainType::Boolean))));
    assert_eq!(held(&project, "x"), Some((PlainType::Any, None)));
    assert_eq!(held(&project, "t"), Some((PlainType::String, None)));
    let project = Project::with("Contacts.csv", "id,n\n1,2\n");
    assert_eq!(held(&project, "id"), Some((PlainType::Any, Some(PlainType::String))));
}

#[test]
fn r8_p4_what_a_cell_with_a_decimal_comma_says_depends_on_that_cell_alone() {
    let text = "id;price\r\n1;1.234,50\r\n2;1.234\r\n3;7\r\n";
    let project = Project::with("Contacts.csv", text);
    let settings = json!({ "folder": "data", "tables": { "Contacts": { "decimal": "," } } });
    let watch = watch(&["price"]);
    let reading = |from| {
        let connector = project.open(settings.clone());
        let reading = read(&connector, &watch, from);
        (connector, reading)
    };
    let (_, all) = reading(None);
    let price = |id: &str| all.records[id].values[0].clone().unwrap();
    assert_eq!(["1", "2", "3"].map(price), ["1234.50", "1.234", "7"]);

    // No other cell is another one by a text, nor by a first comma.
    fs::write(project.path("Contacts.csv"), text.replace("3;7", "3;p\u{e5} foresp\u{f8}rsel"))
        .unwrap();
    let (_, next) = reading(Some(all.checkpoint));
    assert_eq!(next.records.keys().collect::<Vec<_>>(), ["3"]);
    fs::write(project.path("Contacts.csv"), text.replace("3;7", "3;7,5")).unwrap();
    let (connector, next) = reading(Some(next.checkpoint));
    assert_eq!(next.records.keys().collect::<Vec<_>>(), ["3"]);

    // What is written is read as a number again.
    let small = serde_json::from_str("1e-7").unwrap();
    let edit = update("3", next.records["3"].version.as_deref(), 0, small, json!("7.5"));
    let written = done(connector.write("Contacts", &watch, &[edit])).remove(0);
    assert_eq!(written.values, [Some(json!("0.0000001"))]);
    assert_eq!(project.text("Contacts.csv"), text.replace("3;7", "3;0,0000001"));
}

#[test]
fn a_file_has_the_separator_and_the_decimal_sign_that_are_said() {
    let text = "id|name, title|sum|rate|code\r\n1|Åse, fru|1.234,50|7|1.10\r\n2|Bo|-0,5||v2\r\n";
    let project = Project::with("Contacts.csv", text);
    let connector = project.open(
        json!({ "folder": "data", "tables": { "Contacts": { "separator": "|", "decimal": "," } } }),
    );
    let watch = watch(&["name, title", "sum", "rate", "code"]);
    let all = read(&connector, &watch, None);
    assert_eq!(
        all.records["1"].values,
        ["Åse, fru", "1234.50", "7", "1.10"].map(|text| Some(json!(text)))
    );
    let mut edits =
        update("2", all.records["2"].version.as_deref(), 1, json!(12.25), json!("-0.5"));
    edits.values.push(WriteValue { prop: 2, value: json!("0.5"), displaced: Value::Null.into() });
    edits.values.push(WriteValue { prop: 3, value: json!("v2.1"), displaced: Value::Null.into() });
    let written = done(connector.write("Contacts", &watch, &[edits])).remove(0);
    assert_eq!(
        written.values[1..],
        ["12.25", "0.5", "v2.1"].map(|text| Some(json!(text))),
        "the answer shows it as it is read"
    );
    assert_eq!(project.text("Contacts.csv"), text.replace("2|Bo|-0,5||v2", "2|Bo|12,25|0,5|v2.1"));
    assert!(read(&connector, &watch, Some(all.checkpoint)).records.is_empty());
    let price = update("1", all.records["1"].version.as_deref(), 3, json!("1.11"), json!("1.10"));
    done(connector.write("Contacts", &watch, &[price]));
    assert!(project.text("Contacts.csv").contains("|7|1,11\r\n"));
    for (own, told) in [
        (json!({ "separator": "ab" }), "`separator: ab` can't separate cells"),
        (json!({ "separator": "\"" }), "can't separate cells"),
        (json!({ "decimal": ";" }), "`decimal: ;` is none that is known"),
    ] {
        let found = project
            .try_open(json!({ "folder": "data", "tables": { "Contacts": own } }))
            .err()
            .unwrap()
            .to_string();
        assert!(found.contains(told), "{found}");
    }
    let lines = Project::with("Contacts.jsonl", THREE);
    let found = lines
        .try_open(json!({ "folder": "data", "tables": { "Contacts": { "decimal": "," } } }))
        .err()
        .unwrap()
        .to_string();
    assert!(
        found.contains("`decimal` of Contacts has no effect: Contacts.jsonl is no CSV file"),
        "{found}"
    );
}

#[test]
fn r7_a_list_stays_whole_where_another_record_holds_an_empty_or_a_single_value() {
    for other in [json!(""), json!("c"), json!(false), json!(0), json!({"k": 3})] {
        let second = json!({"id": 2, "tags": other});
        let project = Project::with(
            "Contacts.jsonl",
            &format!("{{\"id\":1,\"tags\":[\"a\",\"b\"]}}\n{second}\n"),
        );
        let (connector, watch) = (project.contacts(), watch(&["tags"]));
        let tags = connector.types()[0].property(&"tags".into()).unwrap();
        assert_eq!((tags.ty, tags.list), (PlainType::List, true), "{other}");
        let all = read(&connector, &watch, None);
        let held = |id: &str| all.records[id].values[0].clone().unwrap();
        assert_eq!(held("1"), json!(["a", "b"]));
        // A single value is a list of one.
        let expected = if other == json!("") { json!("") } else { json!([other]) };
        assert_eq!(held("2"), expected);
        done(connector.write(
            "Contacts",
            &watch,
            &[
                update("1", None, 0, json!(["a", "b", "c"]), json!(["a", "b"])),
                update("2", None, 0, json!(["z"]), expected),
                create(&[(0, json!(["x", "y"]))], "t"),
            ],
        ));
        let text = project.text("Contacts.jsonl");
        assert!(text.contains("[\"a\",\"b\",\"c\"]") && text.contains("[\"x\",\"y\"]"), "{text}");
        // It is written in the form that is there.
        let form = if other == json!("") { "[\"z\"]" } else { "\"z\"" };
        assert!(text.contains(&format!("\"tags\":{form}}}")), "{text}");
    }
}

#[test]
fn r8_what_follows_the_quote_that_ends_a_cell_is_damage() {
    let content = "id,name,mail\n1,\"Ola \\\"Olle\\\" Moe\",a\n2,\"Siv\" Jr,b\n3,\"Liv\" ,c\n4,5\" pipe,d\n\"5\",\"Ann \"\"Nan\"\" Vik\",e\n";
    let project = Project::with("Contacts.csv", content);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let all = read(&connector, &watch, None);
    assert_eq!(ids(&all), ["3", "4", "5"]);
    let told: Vec<_> = all.faults.iter().map(|f| (f.place.as_str(), f.id.as_deref())).collect();
    assert_eq!(
        told,
        [("data/Contacts.csv:2", Some("1")), ("data/Contacts.csv:3", Some("2"))],
        "{all:?}"
    );
    assert!(all.faults[0].message.contains("follows the quote that ends a cell"));
    let outcomes =
        connector.write("Contacts", &watch, &[update("2", None, 0, json!("x"), json!(null))]);
    assert!(matches!(&outcomes[..], [Outcome::Rejected { .. }]), "{outcomes:?}");
    assert_eq!(project.text("Contacts.csv"), content);
}

#[test]
fn r8_a_line_with_a_name_twice_is_damage_and_not_rewritten() {
    let content = "{\"id\":1,\"name\":\"Liv\",\"name\":\"Siv\"}\n{\"id\":2,\"name\":\"Ann\",\"n\":1,\"n\":2.50}\n{\"id\":3,\"name\":\"Kari\"}\n";
    let project = Project::with("Contacts.jsonl", content);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let all = read(&connector, &watch, None);
    assert_eq!(ids(&all), ["2", "3"]);
    assert_eq!(all.faults[0].place, "data/Contacts.jsonl:1");
    assert!(all.faults[0].message.contains("`name` is there twice"), "{all:?}");
    let write = |id: &str| update(id, None, 0, json!("x"), json!(null));
    let outcomes = connector.write("Contacts", &watch, &[write("1"), write("2")]);
    for outcome in outcomes {
        let Outcome::Rejected { message, .. } = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("is there twice"), "{message}");
    }
    assert_eq!(project.text("Contacts.jsonl"), content);
}

#[test]
fn r8_a_first_row_that_is_repeated_is_damage_and_no_record() {
    let header = "id;name;mail\n";
    let content = format!("{header}1;Liv;a\n{header}2;Siv;b\n\"id\";name;\"mail\"\n");
    let project = Project::with("Contacts.csv", &content);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let all = read(&connector, &watch, None);
    assert_eq!(ids(&all), ["1", "2"]);
    let told: Vec<_> = all.faults.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(told, ["data/Contacts.csv:3", "data/Contacts.csv:5"], "{all:?}");
    assert!(all.faults[0].message.contains("repeats the first row"), "{all:?}");
    // New records get numbers as before.
    let made = done(connector.write("Contacts", &watch, &[create(&[(0, json!("Ann"))], "t")]));
    assert_eq!(made[0].id, "3");
}

/// A condition without a word means the element that has no such marker.
#[test]
fn r6_an_element_without_a_marker_is_read_and_written_without_one() {
    let phone = || {
        let when = Having { path: "phones.t".into(), value: String::new() };
        vec![PropertyRef { when: Some(when), ..PropertyRef::new("phones.n") }]
    };
    for marker in ["", r#""t":"","#, r#""t":null,"#] {
        let row =
            format!(r#"{{"id":"1","phones":[{{"t":"Mobile","n":"7"}},{{{marker}"n":"8"}}]}}"#);
        let project = Project::with("Contacts.jsonl", &format!("{row}\n"));
        let connector = project.contacts();
        let first = read(&connector, &phone(), None);
        assert_eq!(first.records["1"].values, [Some(json!(["8"]))], "{row}");
        let version = first.records["1"].version.clone();
        let outcomes = connector.write(
            "Contacts",
            &phone(),
            &[update("1", version.as_deref(), 0, json!("9"), json!("8"))],
        );
        assert!(matches!(&outcomes[..], [Outcome::Done(_)]), "{outcomes:?}");
        let held: Value = serde_json::from_str(project.text("Contacts.jsonl").trim()).unwrap();
        let mut expected: Value = serde_json::from_str(&row).unwrap();
        expected["phones"][1]["n"] = json!("9");
        assert_eq!(held, expected);
    }
    let project = Project::with(
        "Contacts.jsonl",
        "{\"id\":\"1\",\"phones\":[{\"t\":\"Mobile\",\"n\":\"7\"}]}\n",
    );
    let connector = project.contacts();
    let outcomes =
        connector.write("Contacts", &phone(), &[update("1", None, 0, json!("9"), json!(null))]);
    assert!(matches!(&outcomes[..], [Outcome::Done(_)]), "{outcomes:?}");
    let held: Value = serde_json::from_str(project.text("Contacts.jsonl").trim()).unwrap();
    assert_eq!(held["phones"], json!([{"t": "Mobile", "n": "7"}, {"n": "9"}]));
}
