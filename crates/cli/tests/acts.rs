//! What a person does through the command, on folders of files and against the sandbox: link and
//! unlink, answers in review, trying again, taking back one property, auditing. Taking back a whole
//! run is in `undo.rs`.

use std::path::Path;

use crate::transcript::{contents, example, lockstep, put, read, replace, write};
use lockstep_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

const CRM: &str = "data/crm/People.jsonl";
const SHOP: &str = "data/shop/Customers.jsonl";

/// A new project with these records.
fn project(people: &[Value], customers: &[Value]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    write(&dir.path().join(CRM), &lines(people));
    write(&dir.path().join(SHOP), &lines(customers));
    dir
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

fn records(dir: &Path, file: &str) -> Vec<Value> {
    read(&dir.join(file)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn by_id(dir: &Path, file: &str, id: Value) -> Value {
    let found = records(dir, file).into_iter().find(|record| record["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is not in {file}:\n{}", read(&dir.join(file))))
}

fn solveig() -> Value {
    json!({"id": 1, "name": "Solveig Aas", "email": "solveig@example.com", "phone": "+47 22 00 00 01"})
}

/// Linked records by their names, each entity in order.
fn entities(dir: &Path) -> Vec<Vec<String>> {
    let mut all = entities_up_to(dir, 50);
    all.sort();
    all
}

fn reviews(dir: &Path) -> Vec<Value> {
    lockstep(dir, &["review", "--format", "json"]).json().as_array().unwrap().clone()
}

#[test]
fn what_a_person_unlinked_no_rule_links_again() {
    // L7
    let dir = project(
        &[solveig()],
        &[json!({"id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": ""})],
    );
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0).says("1 linked");
    lockstep(dir, &["unlink", "crm.People/1", "shop.Customers/c-9"])
        .exits(2)
        .says("shop.Customers/c-9 is not known");
    let told = lockstep(dir, &["unlink", "crm.People/1", "shop.Customers/c-1"]).exits(0);
    let told = told.says("crm.People/1 and shop.Customers/c-1 are kept apart");
    told.says("by the next run a new shop.Customers may be created for crm.People/1");
    assert!(entities(dir).is_empty());
    lockstep(dir, &["unlink", "crm.People/1"]).exits(2).says("is linked with no record");

    // The e-mail addresses still agree; each half goes its own way, and the one that lacks a
    // counterpart gets one.
    lockstep(dir, &["sync"]).exits(0).says("1 created");
    let linked = entities(dir);
    assert_eq!(linked.len(), 1);
    assert!(!linked[0].contains(&"shop.Customers/c-1".to_string()), "{linked:?}");
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");

    // A person links them again, once the place is free (L6).
    let other = linked[0].iter().find(|name| name.starts_with("shop.")).unwrap();
    let refused =
        lockstep(dir, &["link", "crm.People/1", "shop.Customers/c-1"]).exits(2).says("(L6)");
    refused.says(&format!("lockstep unlink {other} crm.People/1"));
    lockstep(dir, &["unlink", other, "crm.People/1"]).exits(0);
    lockstep(dir, &["link", "crm.People/1", "shop.Customers/c-1"])
        .exits(0)
        .says("Linked: crm.People/1 = shop.Customers/c-1.");
    lockstep(dir, &["link", "crm.People/1", "shop.Customers/c-1"]).exits(2).says("linked already");
    replace(&dir.join(CRM), "22 00 00 01", "22 00 00 02");
    lockstep(dir, &["sync"]).exits(0).says("1 updated");
    assert_eq!(by_id(dir, SHOP, json!("c-1"))["phone"], "+47 22 00 00 02");
    let why = lockstep(dir, &["explain", "shop.Customers/c-1"]).exits(0);
    why.says("= crm.People/1: ");
    let history = lockstep(dir, &["history", "crm.People/1"]).exits(0);
    history
        .says("a person unlinked them: shop.Customers/c-1 (L7)")
        .says("a person linked them: shop.Customers/c-1 (L7)");
}

#[test]
fn unlinking_gives_each_side_back_what_it_held_before_if_asked() {
    let before = json!({"id": "c-1", "name": "S. Aas", "mail": "solveig@example.com", "phone": "", "since": 2019});
    let dir = project(&[solveig()], std::slice::from_ref(&before));
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let after = by_id(dir, SHOP, json!("c-1"));
    assert_eq!(
        (&after["name"], &after["phone"]),
        (&json!("Solveig Aas"), &json!("+47 22 00 00 01"))
    );

    let plan =
        lockstep(dir, &["unlink", "crm.People/1", "shop.Customers/c-1", "--restore"]).exits(1);
    let plan = plan.says("name: “Solveig Aas” → “S. Aas”").says("phone: “+47 22 00 00 01” → “”");
    plan.says("Nothing was done: this was a plan.");
    assert_eq!(by_id(dir, SHOP, json!("c-1")), after, "a plan changes nothing");
    assert_eq!(entities(dir).len(), 1);

    lockstep(dir, &["unlink", "crm.People/1", "shop.Customers/c-1", "--restore", "--yes"])
        .exits(0)
        .says("1 record put back");
    let mut restored = by_id(dir, SHOP, json!("c-1"));
    // An emptied property is emptied, in whichever way the file says so.
    if restored["phone"].is_null() {
        restored["phone"] = json!("");
    }
    assert_eq!(restored, before);
    assert_eq!(by_id(dir, CRM, json!(1)), solveig());
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(by_id(dir, SHOP, json!("c-1"))["name"], "S. Aas", "what was put back stays");
    assert_eq!(by_id(dir, CRM, json!(1)), solveig());
}

#[test]
fn an_ambiguous_match_is_shown_side_by_side_and_answered() {
    let twins = [
        json!({"id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": ""}),
        json!({"id": "c-2", "name": "Solveig A.", "mail": "solveig@example.com", "phone": "1"}),
    ];
    let dir = project(&[solveig()], &twins);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(1);
    let open = reviews(dir);
    let of_person = open
        .iter()
        .find(|review| review["record"] == "crm.People/1")
        .unwrap_or_else(|| panic!("{open:#?}"));
    assert_eq!(of_person["kind"], "ambiguous match");
    let number = of_person["number"].to_string();
    let shown = lockstep(dir, &["review", "show", &number]).exits(1);
    let shown = shown
        .says("crm.People/1")
        .says("by rule L6")
        .says(&format!("lockstep review link {number} shop.Customers/c-2"));
    let row = shown.stdout.lines().find(|line| line.contains("phone: ")).unwrap();
    assert!(
        row.starts_with('≠')
            && row.contains("phone: “+47 22 00 00 01”")
            && row.contains("phone: “1”"),
        "{shown}"
    );

    lockstep(dir, &["review", "accept", &number])
        .exits(1)
        .says("it has 2 candidates")
        .says("say which");
    lockstep(dir, &["review", "link", &number, "9"]).exits(1).says("so none of the number 9");
    lockstep(dir, &["review", "link", &number, "shop.Customers/c-2"])
        .exits(0)
        .says("linked: crm.People/1 = shop.Customers/c-2");
    lockstep(dir, &["review", "accept", &number]).exits(2).says("there is no open review");
    lockstep(dir, &["sync"]);
    assert_eq!(entities(dir), [["crm.People/1", "shop.Customers/c-2"]]);
    // The other twin matches somebody who is taken: that is another question, answered once for
    // all.
    let open = reviews(dir);
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(
        (&open[0]["record"], &open[0]["kind"]),
        (&json!("shop.Customers/c-1"), &json!("disputed entity"))
    );
    lockstep(dir, &["review", "reject", "--kind", "disputed"])
        .exits(0)
        .says("is kept apart from crm.People/1");
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["review"]).exits(0).says("Nothing waits for a person.");
    assert_eq!(entities(dir), [["crm.People/1", "shop.Customers/c-2"]]);
}

#[test]
fn what_is_kept_apart_gets_a_counterpart_of_its_own_and_many_are_answered_at_once() {
    let person = |n: i64| json!({"id": n, "name": format!("Ola {n}"), "email": format!("ola{n}@example.com"), "phone": ""});
    let twin = |id: &str, n: i64| json!({"id": id, "name": "Ola", "mail": format!("ola{n}@example.com"), "phone": ""});
    let dir =
        project(&[person(1), person(2)], &[twin("a", 1), twin("b", 1), twin("c", 2), twin("d", 2)]);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(1);
    let asked = lockstep(dir, &["review", "separate", "--all"]).exits(1);
    asked.says("Nothing was done").says("--yes");
    let asked = lockstep(dir, &["review", "separate", "--all", "--format", "json"]).exits(1).json();
    assert!(asked.as_array().unwrap().iter().all(|one| one["done"] == json!(false)), "{asked}");
    assert_eq!(records(dir, SHOP).len(), 4);
    lockstep(dir, &["review", "separate", "--kind", "flip"]).exits(2).says("ambiguous match");
    lockstep(dir, &["review", "separate", "--all", "--yes"]);
    lockstep(dir, &["sync"]).exits(0).says("2 created");
    let linked = entities(dir);
    assert_eq!(linked.len(), 2, "{linked:?}");
    assert!(linked.iter().flatten().all(|name| {
        !["a", "b", "c", "d"].iter().any(|id| *name == format!("shop.Customers/{id}"))
    }));
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn one_property_is_taken_back_as_a_new_edit_that_travels() {
    // G7
    let dir = project(
        &[solveig()],
        &[
            json!({"id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": "+47 22 00 00 01"}),
        ],
    );
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    replace(&dir.join(CRM), "22 00 00 01", "99 99 99 99");
    lockstep(dir, &["sync"]).exits(0).says("1 updated");
    let files = contents(&dir.join("data"));
    lockstep(dir, &["undo", "shop.Customers/c-1", "fax"])
        .exits(2)
        .says("no flow maps the property `fax`")
        .says("phone");
    lockstep(dir, &["undo"]).exits(2).says("say what is to be taken back");
    lockstep(dir, &["undo", "77"]).exits(2).says("there is no run 77");
    let plan = lockstep(dir, &["undo", "shop.Customers/c-1", "phone"]).exits(1);
    let plan = plan.says("phone: “+47 99 99 99 99” → “+47 22 00 00 01”");
    plan.says(
        "and then, by the next run: crm.People/1 phone: “+47 99 99 99 99” → “+47 22 00 00 01”",
    );
    assert_eq!(contents(&dir.join("data")), files);

    lockstep(dir, &["undo", "shop.Customers/c-1", "phone", "--yes"]).exits(0);
    assert_eq!(by_id(dir, SHOP, json!("c-1"))["phone"], "+47 22 00 00 01");
    assert_eq!(by_id(dir, CRM, json!(1))["phone"], "+47 99 99 99 99");
    lockstep(dir, &["sync"]).exits(0).says("1 updated");
    assert_eq!(by_id(dir, CRM, json!(1))["phone"], "+47 22 00 00 01");
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    lockstep(dir, &["explain", "shop.Customers/c-1", "phone"])
        .exits(0)
        .says("as a person took a write back (G7)");

    // What stands there now is not what Lockstep left.
    lockstep(dir, &["undo", "--since", "1h"]).exits(1);
    replace(&dir.join(SHOP), "22 00 00 01", "33 33 33 33");
    lockstep(dir, &["undo", "shop.Customers/c-1"])
        .exits(1)
        .says("it has been edited since: it holds “+47 33 33 33 33”");
}

#[test]
fn what_was_filled_in_is_emptied_again_and_its_source_keeps_it() {
    // G7, P2: see docs/decisions/0005-what-undo-leaves.md
    let dir = project(
        &[solveig()],
        &[json!({"id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": ""})],
    );
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0).says("1 updated");
    lockstep(dir, &["undo", "1", "--yes"]).exits(0);
    let empty = |value: &Value| value.is_null() || *value == "";
    assert!(empty(&by_id(dir, SHOP, json!("c-1"))["phone"]));
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    assert_eq!(by_id(dir, CRM, json!(1)), solveig());
    lockstep(dir, &["audit"]).exits(0);
    // Until somebody edits it.
    replace(&dir.join(CRM), "22 00 00 01", "22 00 00 02");
    lockstep(dir, &["sync"]).exits(0).says("1 updated");
    assert_eq!(by_id(dir, SHOP, json!("c-1"))["phone"], "+47 22 00 00 02");
}

#[test]
fn an_audit_tells_what_differs_writes_nothing_and_can_take_it_in() {
    let dir = project(
        &[solveig()],
        &[json!({"id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": ""})],
    );
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["audit"])
        .exits(0)
        .says("1 of 1 entity audited, 2 records read.")
        .says("Nothing differs.");
    replace(&dir.join(SHOP), "Solveig Aas", "Solveig Lie");
    let files = contents(&dir.join("data"));
    let found = lockstep(dir, &["audit", "--sample", "1"])
        .exits(1)
        .says("shop.Customers name: 1 not as Lockstep knows it");
    found
        .says("shop.Customers/c-1: shows “Solveig Lie”, Lockstep knows “Solveig Aas”")
        .says("crm.People");
    let told = lockstep(dir, &["audit", "--format", "json"]).exits(1).json();
    assert_eq!((&told["properties"][0]["drifted"], &told["repaired"]), (&json!(1), &json!(false)));
    assert_eq!(contents(&dir.join("data")), files);

    lockstep(dir, &["audit", "--repair"]).exits(1).says("What differs was taken in");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(
        by_id(dir, CRM, json!(1))["name"],
        "Solveig Lie",
        "as an edit, since nothing else had happened"
    );
    lockstep(dir, &["audit"]).exits(0);
    // A record that is linked and not there.
    write(&dir.join(SHOP), "");
    lockstep(dir, &["audit"])
        .exits(1)
        .says("shop.Customers/c-1 is linked, and is not in its system any more");
}

#[test]
fn explain_says_in_sentences_what_won_what_lost_and_what_was_written() {
    // G7, P1, P7
    let dir = project(
        &[solveig()],
        &[json!({"id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": "1"})],
    );
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    replace(&dir.join(SHOP), "+47 22 00 00 01", "+47 44 44 44 44");
    lockstep(dir, &["sync"]).exits(0).says("1 updated");
    let told = lockstep(dir, &["explain", "crm.People/1", "phone"]).exits(0);
    let told = told.says("phone is “+47 44 44 44 44” because “+47 44 44 44 44” was put into shop.Customers/c-1 phone at");
    let told = told
        .says("by rule P1, the latest edit wins")
        .says("“+47 22 00 00 01” from crm.People/1 phone at")
        .says("lost to it.");
    told.says("Lockstep wrote “+47 44 44 44 44” over “+47 22 00 00 01” at")
        .says("from shop.Customers/c-1, by rule P1: the latest");
    let theirs = lockstep(dir, &["explain", "shop.Customers/c-1", "phone"]).exits(0);
    theirs
        .says("because it was put in here at")
        .says("Somebody changed “+47 22 00 00 01” to “+47 44 44 44 44” here at");
}

#[test]
fn g7_explain_names_the_policy_that_decided_and_what_the_flow_puts_in_itself() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(
        &dir.join("lockstep.yaml"),
        "systems:\n  crm: { connector: files, with: { folder: crm } }\n  shop: { connector: files, with: { folder: shop } }\nlimits: { updates: none }\nflows: [flows.yaml]\n",
    );
    let flows = "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    match: [mail = mail]
    properties:
      - mail <-> mail
      - { row: level <-> level, wins: max }
      - { row: town <-> town, prefer: [crm, shop] }
      - { row: no <-> no, only_from: crm }
      - { set: origin, to: crm, on: always }
      - { row: trade -> trade, default: Unknown }
";
    write(&dir.join("flows.yaml"), flows);
    let person = json!({"id": 1, "mail": "ase@example.com", "level": 3, "town": "Moss", "no": "7", "trade": null});
    let customer = json!({"id": 9, "mail": "ase@example.com", "level": 5, "town": "Oslo", "no": "8", "origin": "fair", "trade": null});
    put(dir, "crm/People.jsonl", &[person]);
    put(dir, "shop/Customers.jsonl", &[customer]);
    lockstep(dir, &["sync"]).exits(0);
    let explain =
        |record: &str, property: &str| lockstep(dir, &["explain", record, property]).exits(0);
    for (property, policy) in [
        (
            "town",
            "`prefer: [crm, shop]` says that the first of these systems that has a value wins",
        ),
        ("no", "`only_from: crm` says that only what is put in there counts"),
    ] {
        let told = explain("shop.Customers/9", property);
        let written = format!("from crm.People/1, by rule P1: {policy}.");
        let told = told.says(&format!("by rule P1: {policy}")).says(&written);
        assert!(!told.stdout.contains("the latest edit"), "{told}");
    }
    let told = explain("crm.People/1", "level");
    let policy = "`wins: max` says that the largest wins, whoever put it there and when";
    assert!(!told.says(&format!("by rule P1: {policy}")).stdout.contains("the latest edit"));
    let told = explain("shop.Customers/9", "origin");
    let told = told
        .says("origin is “crm”: the flow puts in this constant (`set`).")
        .says("Lockstep wrote “crm” over “fair”")
        .says(": the flow puts in this constant (`set`).");
    assert!(!told.stdout.contains("was put into"), "{told}");
    let told = explain("shop.Customers/9", "trade");
    let told = told.says("trade is “Unknown”: the flow puts this in where there is no value.");
    assert!(!told.stdout.contains("nobody has"), "{told}");

    // Somebody's own value is somebody's again.
    replace(&dir.join("crm/People.jsonl"), "\"trade\":null", "\"trade\":\"Fishing\"");
    lockstep(dir, &["sync"]).exits(0);
    explain("shop.Customers/9", "trade").says("because “Fishing” was put into crm.People/1 trade");
}

#[test]
fn the_journal_is_told_by_record_by_run_and_since_a_time() {
    let dir = project(
        &[solveig(), json!({"id": 2, "name": "Torbjørn Lie", "email": "torbjorn@example.com"})],
        &[json!({
            "id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": ""
        })],
    );
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let run = lockstep(dir, &["history", "--run", "1", "--format", "json"]).exits(0).json();
    let run = run.as_array().unwrap();
    let kinds: Vec<&str> = run.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "written").count(), 2, "{run:#?}");
    // Every write cites the rule it was decided by, and where it came from.
    for line in run.iter().filter(|line| line["kind"] == "written") {
        assert!(
            line["rule"].is_string() && line["other"].as_str().unwrap().starts_with("crm.People/"),
            "{line}"
        );
    }
    assert!(
        run.iter()
            .any(|line| line["text"].as_str().unwrap().starts_with("created shop.Customers/")),
        "{run:#?}"
    );
    let since = lockstep(dir, &["history", "--since", "1h", "--format", "json"]).exits(0).json();
    assert_eq!(since.as_array().unwrap().len(), run.len());
    lockstep(dir, &["history", "--since", "2126-01-01"]).exits(0).says("Nothing happened.");
    lockstep(dir, &["history", "--since", "yesterday"]).exits(2).says("`yesterday` is no time");
    let lately = lockstep(dir, &["history", "--format", "json"]).exits(0).json();
    assert_eq!(
        lately.as_array().unwrap().len(),
        run.len(),
        "what happened lately, where nobody says of what"
    );
    lockstep(dir, &["history", "--run", "1"])
        .exits(0)
        .says("link")
        .says("(L1) in run 1")
        .says("from crm.People/1");
}

#[test]
fn a_refused_reference_is_tried_again_once_its_cause_is_gone() {
    // G4: Zendesk takes nobody as an assignee who is no agent.
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    example(dir, &sandbox, &[]);
    lockstep(dir, &["sync"]);
    let refused = |dir: &Path| -> Vec<Value> {
        reviews(dir)
            .into_iter()
            .filter(|r| r["kind"] == "rejected value" && r["path"] == "assignee_id")
            .collect()
    };
    let open = refused(dir);
    let review = open.first().unwrap_or_else(|| panic!("{:#?}", reviews(dir)));
    let number = review["number"].to_string();
    let shown = lockstep(dir, &["review", "show", &number, "--format", "json"]).json();
    let user = shown["value"].to_string();
    let source = review["record"].as_str().unwrap();
    lockstep(dir, &["review", "show", &number])
        .says("is not an agent")
        .says(&format!("lockstep review accept {number}"));
    lockstep(dir, &["review", "separate", &number]).exits(1).says("not a question of links");

    // Tried again too early it is refused again, and waits again.
    lockstep(dir, &["retry", source]).exits(1);
    assert_eq!(refused(dir).len(), open.len());
    sandbox.edit("zendesk", "users", &user, &json!({"role": "agent"})).unwrap();
    lockstep(dir, &["retry", source]);
    assert_eq!(
        refused(dir).iter().filter(|r| r["record"] == review["record"]).count(),
        0,
        "{:#?}",
        refused(dir)
    );
    let explained = lockstep(dir, &["explain", source]).exits(0);
    let ticket =
        explained.stdout.split_whitespace().find_map(|word| word.strip_prefix("zendesk.Tickets/"));
    let ticket = ticket.unwrap().trim_end_matches(':');
    assert_eq!(
        sandbox.record("zendesk", "tickets", ticket).unwrap()["assignee_id"].to_string(),
        user
    );

    // What is left as it is waits no more, and is not sent again.
    if let Some(other) = refused(dir).first() {
        lockstep(dir, &["review", "reject", &other["number"].to_string()])
            .exits(0)
            .says("until the value changes");
        let writes = sandbox.total_writes();
        lockstep(dir, &["sync"]);
        assert_eq!(sandbox.total_writes(), writes);
        assert!(refused(dir).iter().all(|r| r["record"] != other["record"]));
    }
    lockstep(dir, &["retry"]).exits(2).says("--all");
}

#[test]
fn what_a_person_unlinked_a_system_that_knows_better_does_not_link_again() {
    // L7 over C2: Zendesk refuses a second organization of a name, and so names the first.
    let sandbox = Sandbox::start(Options::empty()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    example(dir, &sandbox, &[]);
    sandbox.put("superoffice", "Contact", json!({"Name": "Fjordfisk AS"})).unwrap();
    sandbox.put("zendesk", "organizations", json!({"name": "Fjordfisk AS"})).unwrap();
    lockstep(dir, &["sync"]).exits(0);
    let linked = entities(dir);
    assert_eq!(linked.len(), 1, "{linked:?}");
    lockstep(dir, &["unlink", &linked[0][0], &linked[0][1]]).exits(0);
    lockstep(dir, &["sync"]).exits(1);
    assert!(entities(dir).is_empty());
    let open = reviews(dir);
    assert_eq!(
        (open.len(), &open[0]["kind"], &open[0]["rule"]),
        (1, &json!("disputed entity"), &json!("C2")),
        "{open:#?}"
    );
    // Answered with the record that Zendesk named, they are linked: a person said so.
    lockstep(dir, &["review", "accept", &open[0]["number"].to_string()]).exits(0).says("linked: ");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(entities(dir), linked);
}

#[test]
fn an_old_journal_is_forgotten_only_if_the_project_says_so() {
    let dir = project(
        &[solveig()],
        &[json!({"id": "c-1", "name": "Solveig Aas", "mail": "solveig@example.com", "phone": ""})],
    );
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["history", "--run", "1"]).exits(0).says("(P2)");
    // Nothing here is older than a day.
    let text = read(&dir.join("lockstep.yaml"));
    write(&dir.join("lockstep.yaml"), &format!("journal: {{ keep: 1d }}\n{text}"));
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["history", "--run", "1"]).exits(0).says("(P2)");
    write(&dir.join("lockstep.yaml"), &format!("journal: {{ keep: a while }}\n{text}"));
    lockstep(dir, &["sync"]).exits(2).says("`a while` is no time to keep the journal for");
}

#[test]
fn a_record_is_taken_out_of_a_larger_entity_and_no_third_record_leads_it_back() {
    // L5, L7
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    example(dir, &sandbox, &[]);
    lockstep(dir, &["sync"]);
    let all = entities_up_to(dir, 2_000);
    let whole = all
        .iter()
        .find(|names| names.len() >= 4)
        .unwrap_or_else(|| panic!("no large entity in {all:#?}"));
    let taken =
        whole.iter().find(|name| name.starts_with("superoffice.Person/")).unwrap_or(&whole[0]);
    let rest: Vec<String> = whole.iter().filter(|name| *name != taken).cloned().collect();
    lockstep(dir, &["unlink", taken]).exits(0).says("are kept apart");
    assert!(entities_up_to(dir, 2_000).contains(&rest), "the others stay together");
    for _ in 0..2 {
        lockstep(dir, &["sync"]);
        let now = entities_up_to(dir, 2_000);
        let with_rest = now.iter().find(|names| names.contains(&rest[0])).unwrap();
        assert!(
            rest.iter().all(|name| with_rest.contains(name)) && !with_rest.contains(taken),
            "{with_rest:?}"
        );
    }
    // Between two of the rest: what belongs to each by its links goes with it.
    let halves = lockstep(dir, &["unlink", &rest[0], &rest[1]]).exits(0);
    let told = halves.stdout.lines().next().unwrap();
    let (one, other) = told
        .strip_prefix("Unlinked: ")
        .unwrap()
        .split_once(" are kept apart")
        .unwrap()
        .0
        .split_once(" and ")
        .unwrap();
    let (one, other): (Vec<&str>, Vec<&str>) =
        (one.split(" = ").collect(), other.split(" = ").collect());
    assert!(one.contains(&rest[0].as_str()) && other.contains(&rest[1].as_str()), "{told}");
    assert!(
        rest.iter().all(|name| one.contains(&name.as_str()) != other.contains(&name.as_str())),
        "{told}"
    );
}

fn entities_up_to(dir: &Path, limit: usize) -> Vec<Vec<String>> {
    let all = lockstep(dir, &["entities", "--limit", &limit.to_string(), "--format", "json"])
        .exits(0)
        .json();
    let names = |entity: &Value| -> Vec<String> {
        let mut names: Vec<String> = entity
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member[0].as_str().unwrap().to_string())
            .collect();
        names.sort();
        names
    };
    all.as_array().unwrap().iter().map(names).collect()
}

#[test]
fn no_flow_passes_on_what_an_undo_deletes() {
    // G7 over D1
    let people = [
        solveig(),
        json!({"id": 2, "name": "Torbjørn Lie", "email": "torbjorn@example.com", "phone": ""}),
    ];
    let dir = project(&people, &[]);
    let dir = dir.path();
    replace(
        &dir.join("flows/people.yaml"),
        "    create: always\n",
        "    create: always\n    deletes: propagate\n",
    );
    lockstep(dir, &["sync"]).exits(0).says("2 created");
    lockstep(dir, &["undo", "1", "--yes"]).exits(0).says("2 records put back");
    assert!(records(dir, SHOP).is_empty());
    for _ in 0..2 {
        lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
        assert_eq!(records(dir, CRM), people, "what the copies were made from stays");
    }
    lockstep(dir, &["redo", "--yes"]).exits(0);
    assert_eq!(records(dir, SHOP).len(), 2);
    assert_eq!(entities(dir).len(), 2);
}

#[test]
fn a_pending_deletion_is_answered_like_any_review() {
    // D1
    let people = [
        solveig(),
        json!({"id": 2, "name": "Torbjørn Lie", "email": "torbjorn@example.com", "phone": ""}),
    ];
    let dir = project(&people, &[]);
    let dir = dir.path();
    replace(
        &dir.join("flows/people.yaml"),
        "    create: always\n",
        "    create: always\n    deletes: review\n",
    );
    lockstep(dir, &["sync"]).exits(0).says("2 created");
    write(&dir.join(CRM), &lines(&[solveig()]));
    lockstep(dir, &["sync"]).exits(1);
    let open = reviews(dir);
    assert_eq!(
        (open.len(), &open[0]["kind"], &open[0]["record"]),
        (1, &json!("pending deletion"), &json!("crm.People/2"))
    );
    let number = open[0]["number"].to_string();
    lockstep(dir, &["review", "show", &number]).exits(1).says("by rule D1");
    lockstep(dir, &["review", "separate", &number]).exits(1).says("not a question of links");
    lockstep(dir, &["review", "accept", &number])
        .exits(0)
        .says("1 record, to be deleted by the next run");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(records(dir, SHOP).len(), 1);
    lockstep(dir, &["review"]).exits(0);
    // A deletion that was passed on can't be taken back, and is named.
    let run = lockstep(dir, &["status", "--format", "json"]).json()["runs"].clone();
    let deleted_by = run
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["summary"]["act"]["what"].as_str().is_some())
        .unwrap();
    lockstep(dir, &["undo", &deleted_by["run"].to_string()])
        .exits(1)
        .says("a deleted record can't be brought back");
}
