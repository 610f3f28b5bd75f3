//! Properties of what a record refers to, in whole runs: `company > name -> company_name` (P8).

use std::path::Path;

use serde_json::json;

use crate::transcript::{lockstep, put, rows, write};

/// The names of companies are kept in the ERP, and the shop shows them with their people.
const PROJECT: &str = "\
systems:
  crm: { connector: files, with: { folder: crm }, references: { People: { company: Companies } } }
  erp: { connector: files, with: { folder: erp } }
  shop: { connector: files, with: { folder: shop } }
flows: [flows/*.yaml]
";
const PEOPLE: &str = "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    match: [mail = mail]
    properties:
      - mail <-> mail
      - company > name -> company_name
";
const FIRMS: &str = "  - from: crm.Companies
    to: erp.Firms
    match: [number = no]
    properties: [number <-> no, name <-> title]
";

fn project(flows: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    write(&path.join("lockstep.yaml"), PROJECT);
    write(&path.join("flows/all.yaml"), flows);
    put(path, "crm/Companies.jsonl", &[json!({"id": "7", "number": "N7", "name": "Fjord"})]);
    let person = json!({"id": "1", "mail": "ase@example.com", "company": "7"});
    put(path, "crm/People.jsonl", &[person]);
    put(path, "erp/Firms.jsonl", &[json!({"id": "f7", "no": "N7", "title": "Fjord"})]);
    put(path, "shop/Customers.jsonl", &[]);
    dir
}

fn company_name(dir: &Path) -> serde_json::Value {
    rows(dir, "shop/Customers.jsonl")[0]["company_name"].clone()
}

fn in_step(dir: &Path) {
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn p8_g8_what_lockstep_writes_to_the_other_record_is_followed_in_the_same_run() {
    let project = project(&format!("{PEOPLE}{FIRMS}"));
    let dir = project.path();
    lockstep(dir, &["check"]).exits(0).says("0 errors, 0 warnings");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(company_name(dir), "Fjord");
    in_step(dir);
    put(dir, "erp/Firms.jsonl", &[json!({"id": "f7", "no": "N7", "title": "Fjord og Fjell"})]);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(rows(dir, "crm/Companies.jsonl")[0]["name"], "Fjord og Fjell");
    assert_eq!(company_name(dir), "Fjord og Fjell");
    in_step(dir);
}

#[test]
fn p8_a_record_that_is_read_later_or_deleted_changes_nothing_before() {
    let project = project(PEOPLE);
    let dir = project.path();
    put(dir, "crm/Companies.jsonl", &[]);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(company_name(dir), serde_json::Value::Null);
    in_step(dir);
    put(dir, "crm/Companies.jsonl", &[json!({"id": "7", "number": "N7", "name": "Fjord"})]);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(company_name(dir), "Fjord");
    let two = [
        json!({"id": "8", "number": "N8", "name": "Vidde"}),
        json!({"id": "9", "number": "N9", "name": "Tind"}),
    ];
    put(dir, "crm/Companies.jsonl", &two);
    lockstep(dir, &["sync"]);
    assert_eq!(company_name(dir), "Fjord", "the company was deleted");
}

#[test]
fn p8_a_row_that_is_new_holds_for_who_is_linked_already() {
    let project = project(&PEOPLE.replace("      - company > name -> company_name\n", ""));
    let dir = project.path();
    lockstep(dir, &["sync"]).exits(0);
    write(&dir.join("flows/all.yaml"), PEOPLE);
    lockstep(dir, &["plan"]).exits(0).says("company_name");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(company_name(dir), "Fjord");
    in_step(dir);
    // And taken away again it writes nothing.
    write(
        &dir.join("flows/all.yaml"),
        &PEOPLE.replace("      - company > name -> company_name\n", ""),
    );
    in_step(dir);
    assert_eq!(company_name(dir), "Fjord");
}

#[test]
fn g7_it_is_explained_from_which_record_a_value_comes() {
    let project = project(PEOPLE);
    let dir = project.path();
    lockstep(dir, &["sync"]).exits(0);
    let id = rows(dir, "shop/Customers.jsonl")[0]["id"].as_str().unwrap().to_string();
    lockstep(dir, &["explain", &format!("shop.Customers/{id}"), "company_name"])
        .exits(0)
        .says("crm.People/1 company > name (name of crm.Companies/7)");
    lockstep(dir, &["explain", "crm.People/1"])
        .exits(0)
        .says("company > name is “Fjord” because that is name of crm.Companies/7");
    lockstep(dir, &["doc", "--format", "rst"]).exits(0).says(
        "Row 2 (\"company > name\" and \"company_name\"): the first belongs to the record to which these references lead: [\"company\"].",
    );
}

/// Every setting that a row can have, played as tests of flows.
#[test]
fn p8_such_a_row_has_settings_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let refers = "{ People: { company: Companies, boss: People }, Companies: { owner: People } }";
    write(
        &path.join("lockstep.yaml"),
        &PROJECT.replace("{ People: { company: Companies } }", refers),
    );
    for file in ["crm/People", "crm/Companies", "erp/Firms", "shop/Customers"] {
        put(path, &format!("{file}.jsonl"), &[]);
    }
    write(
        &path.join("flows/all.yaml"),
        r#"flows:
  - from: shop.Customers
    to: crm.People
    match: [mail = mail]
    properties:
      - mail <-> mail
      - boss_name <- boss > name
      - employees <- company > size : integer
      - { row: country <- company > country, type: ["map", [["NO", "Norway"]], "pass", "_."] }
  - from: crm.People
    to: shop.Customers
    create: always
    properties:
      - { row: company > trade -> trade, map: { Fish: F, Farm: A }, default: none }
      - { row: company > name -> first_company, on: create }
      - { row: company > name -> company_name, only_from: crm }
      - { row: company > name -> capitals, type: ["upper", "_."] }
      - { row: company > owner > name -> owner, clears: ignore }
      - group: address
        rows:
          - company > street -> street
          - company > city -> city
tests:
  - name: settings of rows that follow references
    given:
      crm.Companies:
        "7": { name: Fjord, trade: Fish, size: "12", country: Norway, owner: "2", street: Storgata 1, city: Bergen }
        "8": { name: Vidde, size: "5", country: Sweden, street: Kirkegata 2 }
      crm.People:
        "1": { mail: ase@example.com, company: "7", boss: "2" }
        "2": { mail: siv@example.com, name: Siv }
    expect:
      creates:
        shop.Customers:
          c-1:
            mail: ase@example.com
            boss_name: Siv
            employees: 12
            country: NO
            trade: F
            first_company: Fjord
            company_name: Fjord
            capitals: FJORD
            owner: Siv
            street: Storgata 1
            city: Bergen
          c-2: { mail: siv@example.com, trade: none }
    then:
      - edit: { crm.People: { "2": { name: Siv Moe } } }
        expect: { updates: { shop.Customers: { c-1: { boss_name: Siv Moe, owner: Siv Moe } } } }
      - edit: { shop.Customers: { c-1: { company_name: Another } } }
        expect: { updates: { shop.Customers: { c-1: { company_name: Fjord } } } }
      - edit: { crm.People: { "1": { company: "8" } } }
        expect:
          updates:
            shop.Customers:
              c-1:
                employees: 5
                country: Sweden
                trade: none
                company_name: Vidde
                capitals: VIDDE
                street: Kirkegata 2
                city: null
      - edit: { crm.People: { "2": { boss: "2" } } }
        expect: { updates: { shop.Customers: { c-2: { boss_name: Siv Moe } } } }
"#,
    );
    lockstep(path, &["test"]).exits(0);
}
