//! References to records of another system of the project (P8, L10).

use std::path::Path;

use serde_json::json;

use crate::transcript::{lockstep, put, rows, write};

/// The CRM keeps who owns a customer by the number that person has in the staff system.
const PROJECT: &str = "\
systems:
  hr: { connector: files, with: { folder: hr } }
  crm: { connector: files, with: { folder: crm }, references: { Customers: { owner: hr.Employees } } }
  desk: { connector: files, with: { folder: desk }, references: { Accounts: { agent: Agents } } }
  shop: { connector: files, with: { folder: shop }, references: { Buyers: { seller: hr.Employees } } }
flows: [flows/*.yaml]
";
const AGENTS: &str = "  - from: hr.Employees
    to: desk.Agents
    create: always
    match: [mail = email]
    properties: [mail <-> email, name <-> name]
";
const CUSTOMERS: &str = "\
flows:
  - from: crm.Customers
    to: desk.Accounts
    create: always
    match: [number = external]
    properties: [number <-> external, name <-> name, owner <-> agent]
";
const BUYERS: &str = "  - from: crm.Customers
    to: shop.Buyers
    create: always
    match: [number = number]
    properties: [number <-> number, owner <-> seller]
";

fn project(flows: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    write(&path.join("lockstep.yaml"), PROJECT);
    write(&path.join("flows/all.yaml"), flows);
    let employees = [
        json!({"id": 501, "mail": "solveig@example.com", "name": "Solveig Moe"}),
        json!({"id": 502, "mail": "bo@example.com", "name": "Bo Lie"}),
    ];
    put(path, "hr/Employees.jsonl", &employees);
    let customer = json!({"id": "c1", "number": "K1", "name": "Fjord AS", "owner": 501});
    put(path, "crm/Customers.jsonl", &[customer]);
    put(path, "desk/Agents.jsonl", &[]);
    put(path, "desk/Accounts.jsonl", &[]);
    put(path, "shop/Buyers.jsonl", &[]);
    dir
}

fn in_step(dir: &Path) {
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn p8_a_reference_to_a_record_of_another_system_is_translated_both_ways() {
    let project = project(&format!("{CUSTOMERS}{AGENTS}"));
    let dir = project.path();
    lockstep(dir, &["check"]).exits(0).says_nothing_of("reference");
    lockstep(dir, &["sync"]).exits(0);
    let agents = rows(dir, "desk/Agents.jsonl");
    let agent = |mail: &str| agents.iter().find(|one| one["email"] == *mail).unwrap()["id"].clone();
    let account = rows(dir, "desk/Accounts.jsonl").remove(0);
    assert_eq!(account["agent"], agent("solveig@example.com"));
    in_step(dir);
    // The other way round: the agent of the account is changed.
    let mut edited = account;
    edited["agent"] = agent("bo@example.com");
    put(dir, "desk/Accounts.jsonl", &[edited]);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(rows(dir, "crm/Customers.jsonl")[0]["owner"], json!(502));
    in_step(dir);
}

#[test]
fn p8_what_both_sides_know_by_the_same_ids_is_kept_as_it_is() {
    // No flow reads the staff system.
    let project = project(&format!("flows:\n{BUYERS}"));
    let dir = project.path();
    lockstep(dir, &["check"]).exits(0).says_nothing_of("reference");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(rows(dir, "shop/Buyers.jsonl")[0]["seller"], json!(501));
    in_step(dir);
}

#[test]
fn p8_a_reference_that_no_flow_can_translate_is_told_by_check() {
    let project = project(CUSTOMERS);
    lockstep(project.path(), &["check"])
        .says("`owner` refers to hr.Employees and `agent` to desk.Agents, which no flow links");
    let wrong = PROJECT.replace("{ owner: hr.Employees }", "{ owner: hr.Employes }");
    write(&project.path().join("lockstep.yaml"), &wrong);
    lockstep(project.path(), &["check"]).exits(2).says("hr has no record type `Employes`");
}

#[test]
fn c5_connected_by_a_reference_to_another_system() {
    let connected = "  - from: hr.Employees
    to: desk.Agents
    create: { when_connected_to: [crm.Customers] }
    match: [mail = email]
    properties: [mail <-> email, name <-> name]
";
    let project = project(&format!("{CUSTOMERS}{connected}"));
    let dir = project.path();
    lockstep(dir, &["check"]).exits(0);
    lockstep(dir, &["sync"]).exits(0);
    let agents = rows(dir, "desk/Agents.jsonl");
    assert_eq!(agents.len(), 1, "only the one who has a customer: {agents:?}");
    assert_eq!(agents[0]["email"], json!("solveig@example.com"));
    in_step(dir);
}
