//! The files connector, through the same door as the hub.

use std::fs;
use std::path::PathBuf;

use lockstep_connector::contract::{self, Reading, Subject};
use lockstep_connector::files::FilesConnector;
use lockstep_connector::{Action, Checkpoint, Connector, Outcome, Page, ReadRequest, Trouble, Write, WriteValue};
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
    let values =
        values.iter().map(|(prop, value)| WriteValue { prop: *prop, value: value.clone(), displaced: Value::Null.into() });
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
    let project = Project::with("Contacts.csv", "id,name,\"e-mail\"\r\n1,Åse,ase@example.no\r\n2,\"Li, Bjørn\",\r\n");
    contract::check(&Subject {
        connector: &project.contacts(),
        kind: "Contacts",
        watch: watch(&["name", "e-mail"]),
        creates: vec![vec![json!("Dagny \"D\""), json!("dagny@example.no")], vec![json!("two\nlines"), json!(null)]],
        update: (1, json!("a,b@example.org")),
        unknown_id: "99",
        refuses_stale_versions: true,
    });
    assert_eq!(project.text("Contacts.csv"), "id,name,\"e-mail\"\r\n1,Åse,ase@example.no\r\n2,\"Li, Bjørn\",\r\n");
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

    let edited =
        THREE.replace("Bjørn", "Bjørnar").replace("{\"id\":\"c\",\"name\":\"Cato\"}\n", "{\"id\":\"d\",\"name\":\"Dag\"}\n");
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
    let Page { checkpoint, more: true, .. } = project.contacts().read(request).unwrap() else { panic!("one page only") };
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
    assert_eq!(ids(&reading), ["a", "c"]);
    let faults: Vec<String> = reading.faults.iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect();
    assert_eq!(faults.len(), 4, "{faults:#?}");
    assert!(faults[0].starts_with("data/Contacts.jsonl:2: not JSON at column 18"), "{faults:#?}");
    assert!(faults[1].starts_with("data/Contacts.jsonl:4: the record has no id"), "{faults:#?}");
    assert!(faults[2].starts_with("data/Contacts.jsonl:5: a list"), "{faults:#?}");
    assert!(faults[3].starts_with("data/Contacts.jsonl:6: the id a is there more than once"), "{faults:#?}");
    assert!(!reading.everything, "what a row without an id stands for can't be said, so nothing can be said to be missing");
}

#[test]
fn a_record_whose_row_broke_is_not_gone() {
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let first = read(&connector, &watch, None);
    // The id can still be made out: only the other one is gone.
    fs::write(project.path("Contacts.jsonl"), "{\"id\":\"a\",\"name\":\n{\"id\":\"b\",\"name\":\"Bjørn\",\"emails\":[]}\n")
        .unwrap();
    let broken = read(&connector, &watch, Some(first.checkpoint.clone()));
    assert_eq!((broken.gone.clone(), broken.faults.len()), (vec!["c".to_string()], 1));
    assert!(matches!(connector.get("Contacts", &watch, "a"), Err(Trouble::Malformed(_))));
    assert_eq!(connector.get("Contacts", &watch, "c"), Ok(None));

    // Here it can't: either may be the broken one, so nothing is gone until the row is repaired.
    fs::write(project.path("Contacts.jsonl"), "{\"id\n{\"id\":\"b\",\"name\":\"Bjørn\",\"emails\":[]}\n").unwrap();
    let broken = read(&connector, &watch, Some(first.checkpoint));
    assert_eq!(broken.gone.len(), 0);
    assert!(matches!(connector.get("Contacts", &watch, "c"), Err(Trouble::Malformed(_))));
    fs::write(project.path("Contacts.jsonl"), THREE.replace("{\"id\":\"c\",\"name\":\"Cato\"}\n", "")).unwrap();
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
    let request = ReadRequest { kind: "Contacts", watch: &watch, checkpoint: Some(&first.checkpoint), page_size: 10 };
    match connector.read(request) {
        Err(Trouble::Unreachable(message)) => assert!(message.contains("data/Contacts.jsonl is not there any more"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(connector.write("Contacts", &watch, &[create(&[], "t")])[..], [Outcome::Stopped(Trouble::Unreachable(_))]));
}

#[test]
fn a_listing_shows_one_state_though_the_file_is_replaced_under_it() {
    let project = Project::with("Contacts.jsonl", THREE);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let page = |checkpoint: Option<&Checkpoint>| {
        connector.read(ReadRequest { kind: "Contacts", watch: &watch, checkpoint, page_size: 1 }).unwrap()
    };
    let first = page(None);
    fs::write(project.path("new"), "{\"id\":\"z\",\"name\":\"Øystein\"}\n").unwrap();
    fs::rename(project.path("new"), project.path("Contacts.jsonl")).unwrap();
    let second = page(Some(&first.checkpoint));
    assert_eq!(second.records[0].id, "b");
    let rest = read(&connector, &watch, Some(second.checkpoint));
    assert_eq!((ids(&rest), rest.everything), (vec!["c"], true));
    let next = read(&connector, &watch, Some(rest.checkpoint));
    assert_eq!((ids(&next), next.gone.clone()), (vec!["z"], vec!["a".to_string(), "b".into(), "c".into()]));
}

#[test]
fn untouched_rows_stay_as_they_are_to_the_byte() {
    let before = "\u{feff}{ \"id\": 1, \"n\": 1.10 }\r\n\r\n  \r\n{\"id\":2,\"name\":\"B\\u00f8\",\"x\":{\"y\":[1.0]}}\r\nbroken\r\n{\"id\":3}";
    let project = Project::with("Contacts.jsonl", before);
    let (connector, watch) = (project.contacts(), watch(&["name"]));
    let writes = [update("2", None, 0, json!("Bodil"), json!("Bø")), create(&[(0, json!("Dag"))], "t")];
    let made = done(connector.write("Contacts", &watch, &writes));
    assert_eq!((made[0].id.as_str(), made[1].id.as_str()), ("2", "4"));
    let expected = before.replace("B\\u00f8", "Bodil") + "\r\n{\"id\":4,\"name\":\"Dag\"}\r\n";
    assert_eq!(project.text("Contacts.jsonl"), expected);
    done(connector.write("Contacts", &watch, &[update("1", None, 0, json!("Åse"), json!(null))]));
    assert!(project.text("Contacts.jsonl").starts_with("\u{feff}{ \"id\": 1, \"n\": 1.10, \"name\": \"Åse\" }\r\n"));
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    // P4
    let project = Project::with("Contacts.jsonl", "{\"id\":1,\"name\":\"Åse\",\"at\":\"2024-01-31\"}\n");
    let connector = project.open(json!({"folder": "data", "modified": "at"}));
    let before = fs::metadata(project.path("Contacts.jsonl")).unwrap().modified().unwrap();
    done(connector.write("Contacts", &watch(&["name"]), &[update("1", None, 0, json!("Åse"), json!("Åse"))]));
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
    let writes = [update("1", None, 0, json!("Åsa"), json!("Åse")), create(&[(0, json!("Dag"))], "t")];
    for record in done(connector.write("Contacts", &watch, &writes)) {
        assert!(record.modified > before.modified, "{record:?}");
    }
    for line in project.text("Contacts.jsonl").lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let at = record["meta"]["at"].as_str().unwrap();
        assert!(at.ends_with("+01:00") && at.len() == 29, "{line}");
        assert!(record["revision"] == 7 || record.get("revision").is_none(), "a revision is not ours to count: {line}");
    }
}

#[test]
fn new_records_get_ids_of_the_kind_that_is_there() {
    let made = |content: &str| {
        let project = Project::with("Contacts.jsonl", content);
        let writes = [create(&[(0, json!("Dag"))], "t1"), create(&[(0, json!("Dag"))], "t2")];
        done(project.contacts().write("Contacts", &watch(&["name"]), &writes));
        let text = project.text("Contacts.jsonl");
        text.lines().rev().take(2).map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(made("{\"id\":7}\n{\"id\":3}\n"), [json!(9), json!(8)]);
    assert_eq!(made("{\"id\":\"7\"}\n"), [json!("9"), json!("8")]);
    for content in ["", "{\"id\":\"x1\"}\n", "{\"id\":7}\n{\"id\":\"x1\"}\n"] {
        let made = made(content);
        assert_ne!(made[0], made[1]);
        assert!(made.iter().all(|id| id.as_str().is_some_and(|id| id.len() == 36 && &id[14..15] == "8")), "{content}: {made:?}");
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
    let writes = [create(&[(1, json!("x"))], "t1"), create(&[(1, json!("b"))], "t2"), create(&[(1, json!("x"))], "t3")];
    let outcomes = connector.write("Contacts", &watch, &writes);
    assert!(matches!(&outcomes[0], Outcome::Done(record) if record.id == "x"), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Outcome::Duplicate { id: Some(id), .. } if id == "b"), "{outcomes:?}");
    assert!(matches!(&outcomes[2], Outcome::Duplicate { id: Some(id), .. } if id == "x"), "{outcomes:?}");
    let renamed = connector.write("Contacts", &watch, &[update("b", None, 1, json!("y"), json!("b"))]);
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
        let values = vec![WriteValue { prop: 0, value: json!("Berit"), displaced: json!("Bjørn").into() }];
        let outcomes = connector.write("Contacts", &watch, &[Write { action, values, token: "t".into() }]);
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
    assert_eq!(ids(&after), ["c"], "it was written without saying on what state: it may hold an edit that was not seen");
    assert_eq!(ids(&read(&connector, &watch, Some(after.checkpoint.clone()))), [""; 0]);

    let text = project.text("Contacts.jsonl").replace("Bjørn", "Bjørnar");
    assert!(text.contains(r#"{"email":"b@example.no","primary":true}"#), "the first of its list is the primary one: {text}");
    fs::write(project.path("Contacts.jsonl"), text).unwrap();
    assert_eq!(ids(&read(&connector, &watch, Some(after.checkpoint))), ["b"]);
    // A listing of everything shows everything.
    assert_eq!(read(&connector, &watch, None).records.len(), 4);
}

#[test]
fn csv_has_the_columns_that_it_has() {
    let project = Project::with("Contacts.csv", "id;navn;telefon;type\n1;\"Åse; Li\";+47 1;Mobil\n2;Bjørn;+47 2;Jobb\n");
    let connector = project.contacts();
    let mobile = PropertyRef { path: "telefon".into(), when: Some(Having { path: "type".into(), value: "Mobil".into() }) };
    let watch = [PropertyRef::new("navn"), mobile, PropertyRef::new("by")];
    let reading = read(&connector, &watch, None);
    assert_eq!(reading.records["1"].values, [Some(json!("Åse; Li")), Some(json!("+47 1")), None]);
    assert_eq!(reading.records["2"].values, [Some(json!("Bjørn")), None, None]);
    let outcomes = connector.write("Contacts", &watch, &[update("1", None, 2, json!("Bodø"), json!(null))]);
    match &outcomes[..] {
        [Outcome::Rejected { prop: Some(2), message }] => assert!(message.contains("there is no column `by`"), "{message}"),
        other => panic!("{other:?}"),
    }
    let writes = [update("1", None, 1, json!("+47 9"), json!("+47 1")), create(&[(0, json!("Dag;D")), (1, json!("3"))], "t")];
    done(connector.write("Contacts", &watch, &writes));
    let expected = "id;navn;telefon;type\n1;\"Åse; Li\";+47 9;Mobil\n2;Bjørn;+47 2;Jobb\n3;\"Dag;D\";3;Mobil\n";
    assert_eq!(project.text("Contacts.csv"), expected);
}

#[test]
fn a_csv_row_in_another_encoding_is_a_fault_and_not_a_wrong_name() {
    let project = Project::with("Contacts.csv", "id\n");
    fs::write(project.path("Contacts.csv"), b"id,name\n1,\xc5se\n2,Bo\n").unwrap();
    let reading = read(&project.contacts(), &watch(&["name"]), None);
    assert_eq!(ids(&reading), ["2"]);
    assert!(reading.faults[0].place == "data/Contacts.csv:2" && reading.faults[0].message.contains("UTF-8"), "{reading:?}");
}

#[test]
fn a_csv_file_without_the_id_column_says_so() {
    let project = Project::with("Contacts.csv", "nr,name\n1,Åse\n");
    match project.try_open(json!({"folder": "data"})).err() {
        Some(Trouble::Malformed(message)) => {
            assert!(message.contains("data/Contacts.csv: the first row names no column `id`"), "{message}");
            assert!(message.contains("(columns: nr, name)"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert!(project.try_open(json!({"folder": "data", "id": "nr"})).is_ok());
}

#[test]
fn settings_that_are_wrong_are_named() {
    let project = Project::with("Contacts.jsonl", THREE);
    fs::write(project.path("notes.txt"), "no record type").unwrap();
    fs::write(project.path(".hidden.jsonl"), "").unwrap();
    assert_eq!(project.contacts().types().iter().map(|schema| schema.kind.as_str()).collect::<Vec<_>>(), ["Contacts"]);
    let message = |settings: Value| match project.try_open(settings).err() {
        Some(Trouble::Misconfigured(message)) => message,
        other => panic!("{other:?}"),
    };
    assert!(message(json!({})).contains("missing field `folder`"));
    assert!(message(json!({"folder": "data", "ids": "x"})).contains("unknown field `ids`"));
    assert!(message(json!({"folder": "nowhere"})).contains("nowhere"));
    fs::write(project.path("Contacts.csv"), "id\n").unwrap();
    assert!(message(json!({"folder": "data"})).contains("Contacts has two files"));
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
    let described = |path: &str| schema.property(&path.into()).map(|property| (property.ty, property.list));
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
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
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
        let mut text: String = rows.iter().map(|(id, n)| format!("{{\"id\":{id},\"name\":\"n{n}\"}}\n")).collect();
        // Now and then somebody leaves a row that can't be read, for one reading.
        broken = !broken && random(10) == 0;
        if broken {
            text.push_str("{\"id");
        }
        fs::write(project.path("Contacts.jsonl"), text).unwrap();
        let changes = read(&connector, &watch, Some(told.checkpoint));
        for id in &changes.gone {
            assert!(told.records.remove(id).is_some(), "step {step}: {id} is gone, but was never there");
        }
        told.records.extend(changes.records);
        told.checkpoint = changes.checkpoint;
        if broken {
            assert_eq!(changes.gone.len(), 0, "step {step}");
            continue;
        }
        let mut held: Vec<(usize, Option<Value>)> =
            told.records.values().map(|record| (record.id.parse().unwrap(), record.values[0].clone())).collect();
        held.sort_by_key(|(id, _)| *id);
        let mut expected: Vec<(usize, Option<Value>)> = rows.iter().map(|(id, n)| (*id, Some(json!(format!("n{n}"))))).collect();
        expected.sort_by_key(|(id, _)| *id);
        assert_eq!(held, expected, "step {step}");
    }
}
