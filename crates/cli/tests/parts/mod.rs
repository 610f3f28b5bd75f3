//! `--flow`, `--only`, `--first`: a run that writes a part leads to no wrong conclusion, and the
//! next whole run does the rest.

use std::path::Path;

use serde_json::{Value, json};

use crate::transcript::{Ran, lockstep, put, read, replace, rows, write};

const PROJECT: &str = "\
systems:
  crm: { connector: files, with: { folder: crm } }
  shop: { connector: files, with: { folder: shop } }
  desk: { connector: files, with: { folder: desk } }
limits: { creates: none, updates: none }
flows: [flows/*.yaml]
";
const CUSTOMERS: &str = "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    deletes: propagate
    match: [email = mail]
    properties: [email <-> mail, name <-> name]
";
const CONTACTS: &str = "\
flows:
  - from: crm.People
    to: desk.Contacts
    create: always
    deletes: propagate
    match: [email = address]
    properties: [email <-> address, name <-> name]
";

fn person(n: usize) -> Value {
    json!({"id": n, "name": format!("Person {n}"), "email": format!("p{n}@example.com")})
}

/// People in one system, and nobody in two others.
fn project(people: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("lockstep.yaml"), PROJECT);
    write(&dir.path().join("flows/customers.yaml"), CUSTOMERS);
    write(&dir.path().join("flows/contacts.yaml"), CONTACTS);
    put(dir.path(), "crm/People.jsonl", &(1..=people).map(person).collect::<Vec<_>>());
    put(dir.path(), "shop/Customers.jsonl", &[]);
    put(dir.path(), "desk/Contacts.jsonl", &[]);
    dir
}

fn customers(dir: &Path) -> usize {
    rows(dir, "shop/Customers.jsonl").len()
}

fn contacts(dir: &Path) -> usize {
    rows(dir, "desk/Contacts.jsonl").len()
}

/// A run that has nothing left: everybody is everywhere once, and a second run writes nothing.
#[track_caller]
fn whole_run_does_the_rest(dir: &Path, people: usize) -> Ran {
    let ran = lockstep(dir, &["sync"]).exits(0);
    assert_eq!((customers(dir), contacts(dir)), (people, people), "{ran}");
    for file in ["shop/Customers.jsonl", "desk/Contacts.jsonl"] {
        let key = if file.starts_with("shop") { "mail" } else { "address" };
        let mut all: Vec<String> =
            rows(dir, file).iter().map(|row| row[key].as_str().unwrap().to_lowercase()).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), people, "somebody is in {file} twice\n{ran}");
    }
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    ran
}

#[test]
fn the_first_records_are_written_and_the_next_runs_do_the_rest() {
    let dir = project(7);
    let dir = dir.path();
    let plan = lockstep(dir, &["plan", "--first", "3"]).exits(0).says("3 records would be written");
    plan.says("Limited to the first 3 records.");
    lockstep(dir, &["sync", "--first", "3"])
        .exits(0)
        .says("3 records written.")
        .says("`lockstep sync` makes them");
    assert_eq!(customers(dir) + contacts(dir), 3);
    lockstep(dir, &["status"]).exits(0).says("not decided on yet").says("`lockstep sync` goes on");
    let report = lockstep(dir, &["sync", "--first", "4", "--format", "json"]).exits(0).json();
    assert_eq!(report["part"]["first"], 4, "{report}");
    assert_eq!(customers(dir) + contacts(dir), 7);
    whole_run_does_the_rest(dir, 7).says_nothing_of("Limited to");
    let status = lockstep(dir, &["status", "--format", "json"]).exits(0).json();
    assert_eq!(status["undecided"], Value::Null, "{status}");
}

#[test]
fn what_is_left_is_not_created_again_where_somebody_has_made_it_meanwhile() {
    let dir = project(5);
    let dir = dir.path();
    lockstep(dir, &["sync", "--first", "1"]).exits(0);
    lockstep(dir, &["sync", "--only", "desk"]).exits(0);
    assert_eq!(contacts(dir), 5);
    let mut there = rows(dir, "shop/Customers.jsonl");
    assert!(there.len() <= 1, "{there:?}");
    there.push(json!({"id": "by-hand", "mail": "P4@example.com", "name": "Person 4"}));
    put(dir, "shop/Customers.jsonl", &there);
    whole_run_does_the_rest(dir, 5);
    lockstep(dir, &["entities"]).exits(0).says("shop.Customers/by-hand");
}

#[test]
fn nor_is_it_by_a_part() {
    let dir = project(5);
    let dir = dir.path();
    // All is decided on; what is to be created in the shop waits.
    lockstep(dir, &["sync", "--only", "desk"]).exits(0);
    let by_hand = |n| json!({"id": format!("by-hand-{n}"), "mail": format!("p{n}@example.com"), "name": format!("Person {n}")});
    put(dir, "shop/Customers.jsonl", &(1..=5).map(by_hand).collect::<Vec<_>>());
    lockstep(dir, &["sync", "--only", "shop", "--first", "1"]).exits(0);
    assert_eq!(customers(dir), 5, "somebody who is there was created again");
    whole_run_does_the_rest(dir, 5);
}

#[test]
fn only_the_flow_that_is_named_writes() {
    for name in
        ["crm.People to shop.Customers", "customers", "flows/customers.yaml", "shop.Customers"]
    {
        let dir = project(4);
        let dir = dir.path();
        lockstep(dir, &["plan", "--flow", name]).exits(0).says("4 records would be written");
        let ran = lockstep(dir, &["sync", "--flow", name]).exits(0).says("4 records written.");
        ran.says("Limited to the flow crm.People to shop.Customers.")
            .says("Left: 4 writes decided and not made.");
        assert_eq!((customers(dir), contacts(dir)), (4, 0), "{name}");
        whole_run_does_the_rest(dir, 4);
    }
}

#[test]
fn only_the_system_that_is_named_is_written_to() {
    let dir = project(4);
    let dir = dir.path();
    lockstep(dir, &["sync", "--only", "desk", "--first", "2"]).exits(0).says("2 records written.");
    assert_eq!((customers(dir), contacts(dir)), (0, 2));
    let rows = lockstep(dir, &["sync", "--only", "desk", "--format", "csv"]).exits(0).stdout;
    assert_eq!(
        rows.lines().filter(|line| line.starts_with("create,crm.People to desk.Contacts,")).count(),
        4,
        "{rows}"
    );
    assert_eq!((customers(dir), contacts(dir)), (0, 4));
    whole_run_does_the_rest(dir, 4);
}

#[test]
fn an_edit_made_after_a_part_was_run_is_not_written_over() {
    let dir = project(3);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    // An edit that is to go to both; the write to the desk waits.
    replace(&dir.join("crm/People.jsonl"), "Person 2", "Person Two");
    lockstep(dir, &["sync", "--only", "shop"]).exits(0).says("1 record written.");
    assert!(read(&dir.join("shop/Customers.jsonl")).contains("Person Two"));
    assert!(!read(&dir.join("desk/Contacts.jsonl")).contains("Person Two"));
    // Before it is sent, somebody edits the same at the desk: that is later.
    std::thread::sleep(std::time::Duration::from_millis(20));
    replace(&dir.join("desk/Contacts.jsonl"), "Person 2", "Person the Second");
    // Others wait as well, so that a part has something else to begin with.
    replace(&dir.join("crm/People.jsonl"), "Person 1", "Person One");
    lockstep(dir, &["sync", "--first", "1"]).exits(0);
    assert!(
        read(&dir.join("desk/Contacts.jsonl")).contains("Person the Second"),
        "a later edit was written over"
    );
    lockstep(dir, &["sync"]).exits(0);
    for file in ["crm/People.jsonl", "shop/Customers.jsonl", "desk/Contacts.jsonl"] {
        let text = read(&dir.join(file));
        assert!(
            text.contains("Person the Second") && text.contains("Person One"),
            "{file}: {text}"
        );
    }
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn what_a_part_leaves_out_is_not_deleted_and_deletions_wait_too() {
    let dir = project(12);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let people = rows(dir, "crm/People.jsonl");
    put(dir, "crm/People.jsonl", &people[1..]);
    lockstep(dir, &["sync", "--only", "shop"]).exits(0).says("1 deleted");
    assert_eq!((customers(dir), contacts(dir)), (11, 12));
    lockstep(dir, &["sync", "--flow", "customers"]).exits(0).says("Nothing was written.");
    assert_eq!((customers(dir), contacts(dir)), (11, 12));
    whole_run_does_the_rest(dir, 11).says("1 deleted");
}

#[test]
fn a_guard_that_trips_stops_a_part_too() {
    let dir = project(40);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let people = rows(dir, "crm/People.jsonl");
    // Fewer than a listing may lack, more than a run may delete.
    put(dir, "crm/People.jsonl", &people[..33]);
    lockstep(dir, &["sync", "--only", "desk"])
        .exits(1)
        .says("nothing is written before a person has looked");
    lockstep(dir, &["sync", "--first", "20"])
        .exits(1)
        .says("nothing is written before a person has looked");
    assert_eq!((customers(dir), contacts(dir)), (40, 40));
}

#[test]
fn a_part_within_the_limits_is_written_and_the_whole_still_asks() {
    let dir = project(40);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let people = rows(dir, "crm/People.jsonl");
    put(dir, "crm/People.jsonl", &people[..33]);
    lockstep(dir, &["sync", "--first", "1"]).exits(0).says("1 deleted");
    assert_eq!(customers(dir) + contacts(dir), 79);
    lockstep(dir, &["sync"]).exits(1).says("nothing is written before a person has looked");
    assert_eq!(customers(dir) + contacts(dir), 79);
}

/// Two record types that have no row in common find each other by a third one.
#[test]
fn what_is_there_already_is_found_by_way_of_record_types_that_the_flow_does_not_name() {
    let dir = project(0);
    let dir = dir.path();
    let by_number = "\
flows:
  - from: shop.Customers
    to: desk.Contacts
    create: never
    match: [number = customer]
    properties: [number <-> customer]
";
    write(&dir.join("flows/contacts.yaml"), by_number);
    let direct = CONTACTS
        .replace("email = address", "code = code")
        .replace("email <-> address", "code <-> code");
    write(&dir.join("flows/direct.yaml"), &direct);
    put(
        dir,
        "crm/People.jsonl",
        &[json!({"id": 1, "name": "Åse", "email": "ase@example.com", "code": null})],
    );
    put(
        dir,
        "shop/Customers.jsonl",
        &[json!({"id": "a", "mail": "ase@example.com", "name": "Åse", "number": "17"})],
    );
    put(
        dir,
        "desk/Contacts.jsonl",
        &[json!({"id": "x", "customer": "17", "name": "Åse", "code": null})],
    );
    lockstep(dir, &["sync", "--flow", "direct"]).exits(0).says("Nothing was written.");
    assert_eq!(contacts(dir), 1, "the one that is there was not found");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!((customers(dir), contacts(dir)), (1, 1));
}

#[test]
fn a_system_that_has_nothing_to_do_with_the_flow_is_not_asked() {
    let dir = project(3);
    let dir = dir.path();
    let apart = CONTACTS
        .replace("crm.People", "hr.Staff")
        .replace("address", "mail")
        .replace("deletes: propagate\n    ", "");
    write(&dir.join("flows/contacts.yaml"), &apart);
    replace(
        &dir.join("lockstep.yaml"),
        "limits:",
        "  hr: { connector: files, with: { folder: hr } }\nlimits:",
    );
    put(dir, "hr/Staff.jsonl", &[json!({"id": 1, "name": "Bo", "email": "bo@example.com"})]);
    lockstep(dir, &["sync", "--flow", "customers"]).exits(0).says("3 records written.");
    assert_eq!(contacts(dir), 0);
    lockstep(dir, &["status"]).exits(0).says("hr.Staff").says("not read to the end yet");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!((customers(dir), contacts(dir)), (3, 1));
}

#[test]
fn a_flow_that_is_changed_after_a_part_was_run_holds_for_all_that_is_left() {
    let dir = project(6);
    let dir = dir.path();
    lockstep(dir, &["sync", "--first", "2"]).exits(0);
    lockstep(dir, &["sync", "--flow", "customers"]).exits(0);
    for file in ["flows/customers.yaml", "flows/contacts.yaml"] {
        replace(&dir.join(file), "name <-> name", "'name -> name : [\"upper\",\"_.\"]'");
    }
    whole_run_does_the_rest(dir, 6);
    for file in ["shop/Customers.jsonl", "desk/Contacts.jsonl"] {
        assert!(
            rows(dir, file).iter().all(|row| row["name"].as_str().unwrap().starts_with("PERSON")),
            "{file}"
        );
    }
}

#[test]
fn p8_a_reference_to_what_is_left_waits_and_the_report_says_so() {
    let dir = project(0);
    let dir = dir.path();
    let references = "crm: { connector: files, with: { folder: crm }, references: { People: { company: Companies } } }";
    replace(
        &dir.join("lockstep.yaml"),
        "crm: { connector: files, with: { folder: crm } }",
        references,
    );
    let references = "desk: { connector: files, with: { folder: desk }, references: { Contacts: { org: Orgs } } }";
    replace(
        &dir.join("lockstep.yaml"),
        "desk: { connector: files, with: { folder: desk } }",
        references,
    );
    let companies =
        CONTACTS.replace("crm.People", "crm.Companies").replace("desk.Contacts", "desk.Orgs");
    let companies =
        companies.replace("email = address", "name = name").replace("email <-> address, ", "");
    write(&dir.join("flows/companies.yaml"), &companies);
    replace(&dir.join("flows/contacts.yaml"), "name <-> name", "name <-> name, company <-> org");
    put(dir, "crm/Companies.jsonl", &[json!({"id": 7, "name": "Fjord AS"})]);
    put(
        dir,
        "crm/People.jsonl",
        &[json!({"id": 1, "name": "Åse", "email": "ase@example.com", "company": 7})],
    );
    put(dir, "desk/Orgs.jsonl", &[]);
    let ran = lockstep(dir, &["sync", "--flow", "contacts"]).exits(0).says("1 record written.");
    ran.says("org waits for crm.Companies/7, whose counterpart is left for a later run (P8)")
        .says_nothing_of("counterpart, ");
    assert_eq!(rows(dir, "desk/Contacts.jsonl")[0].get("org").filter(|org| !org.is_null()), None);
    lockstep(dir, &["sync"]).exits(0);
    let (contacts, orgs) = (rows(dir, "desk/Contacts.jsonl"), rows(dir, "desk/Orgs.jsonl"));
    assert_eq!((contacts.len(), orgs.len()), (1, 1));
    assert_eq!(contacts[0]["org"], orgs[0]["id"]);
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn a_part_approves_no_flow() {
    let dir = project(2);
    let dir = dir.path();
    lockstep(dir, &["sync", "--first", "1"]).exits(0);
    let approved = lockstep(dir, &["approve", "--format", "json"]).exits(0).json();
    assert_eq!(
        approved["approved"].as_array().unwrap().len(),
        2,
        "G2: a part was taken for a first run\n{approved}"
    );
}

#[test]
fn what_makes_no_sense_is_told_with_what_does() {
    let dir = project(1);
    let dir = dir.path();
    lockstep(dir, &["plan", "--first", "0"]).exits(2).says("1..");
    lockstep(dir, &["plan", "--flow", "invoices"])
        .exits(2)
        .says("no flow has `invoices`")
        .says("crm.People to shop.Customers");
    lockstep(dir, &["sync", "--only", "shp"])
        .exits(2)
        .says("there is no system `shp`")
        .says("crm, shop, desk");
    lockstep(dir, &["sync", "--flow", "customers", "--only", "desk"])
        .exits(2)
        .says("leave out `--only desk`");
    lockstep(dir, &["sync", "--shares", "--format", "csv"]).exits(2).says("`--shares` is for text");
    lockstep(dir, &["sync", "-q", "-v"]).exits(2);
    lockstep(dir, &["status", "--format", "csv"]).exits(2).says("[possible values: text, json]");
    assert!(!dir.join("lockstep.db").exists() || customers(dir) == 0);
}

#[test]
fn g4_retry_tries_again_what_was_refused_and_does_nothing_else() {
    let dir = project(3);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    // Something else is to be written, and something new is there to be read.
    replace(&dir.join("crm/People.jsonl"), "Person 1", "Person One");
    lockstep(dir, &["sync", "--only", "shop"]).exits(0).says("1 record written.");
    replace(&dir.join("crm/People.jsonl"), "Person 3", "Person Three");
    lockstep(dir, &["retry", "--all"]).exits(0).says("Nothing was written.");
    assert!(
        !read(&dir.join("desk/Contacts.jsonl")).contains("Person One"),
        "retry sent what waits for a run"
    );
    assert!(
        !read(&dir.join("desk/Contacts.jsonl")).contains("Person Three"),
        "retry read and wrote as a run does"
    );
    lockstep(dir, &["sync"]).exits(0);
    let text = read(&dir.join("desk/Contacts.jsonl"));
    assert!(text.contains("Person One") && text.contains("Person Three"));
}
