//! D2: what was deleted after a record that is back is brought back by its system, where that can.

use std::path::Path;

use serde_json::{Value, json};

use crate::kit::World;
use crate::transcript::{lockstep, put, rows, write};
use lockstep_sandbox::Options;

const FLOWS: &str = "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    deletes: propagate
    match: [mail = email]
    properties: [mail <-> email, name <-> name]
";

fn person(n: usize, name: &str) -> Value {
    json!({"id": n, "mail": format!("p{n}@example.com"), "name": name})
}

fn people(dir: &Path, numbers: &[usize], name: &str) {
    let people: Vec<Value> = numbers.iter().map(|n| person(*n, name)).collect();
    put(dir, "crm/People.jsonl", &people);
}

/// A shop that keeps what is deleted, and marks it so.
fn project(mark: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let systems = format!(
        "systems:\n  crm: {{ connector: files, with: {{ folder: crm }} }}\n  shop: {{ connector: files, with: {{ folder: shop, tables: {{ Customers: {{ deleted: {mark} }} }} }} }}\nflows: [flows.yaml]\n"
    );
    write(&dir.path().join("lockstep.yaml"), &systems);
    write(&dir.path().join("flows.yaml"), FLOWS);
    put(dir.path(), "shop/Customers.jsonl", &[json!({"id": "k0", "archived": false})]);
    people(dir.path(), &[1, 2, 3, 4, 5, 6], "Åse");
    dir
}

fn customer(dir: &Path, mail: &str) -> Value {
    let mut found = rows(dir, "shop/Customers.jsonl");
    found.retain(|one| one["email"] == *mail);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn d2_a_marked_record_is_unmarked_when_the_one_it_was_deleted_after_is_back() {
    for mark in [
        "{ at: archived, is: [true], set: true }",
        "{ at: archived, is: [gone], set: gone, unset: here }",
    ] {
        let project = project(mark);
        let dir = project.path();
        lockstep(dir, &["sync"]).exits(0);
        let before = customer(dir, "p3@example.com");
        people(dir, &[1, 2, 4, 5, 6], "Åse");
        lockstep(dir, &["sync"]).exits(0).says("delete shop.Customers");
        let marked = customer(dir, "p3@example.com");
        assert!(marked["archived"] == json!(true) || marked["archived"] == json!("gone"));
        // It comes back, and somebody has given it another name meanwhile.
        people(dir, &[1, 2, 3, 4, 5, 6], "Åse");
        let mut all = rows(dir, "crm/People.jsonl");
        all[2]["name"] = json!("Åse Marie");
        put(dir, "crm/People.jsonl", &all);
        lockstep(dir, &["sync"])
            .exits(0)
            .says("as crm.People/3 is back (D2)")
            .says_nothing_of("is there all the same");
        let restored = customer(dir, "p3@example.com");
        assert_eq!(restored["id"], before["id"], "the same one, and none beside it");
        assert!(restored["archived"] == json!(false) || restored["archived"] == json!("here"));
        assert_eq!(restored["name"], json!("Åse Marie"));
        lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
        lockstep(dir, &["audit"]).exits(0).says("Nothing differs");
        // And once more.
        people(dir, &[1, 2, 4, 5, 6], "Åse Marie");
        lockstep(dir, &["sync"]).exits(0).says("delete shop.Customers");
        people(dir, &[1, 2, 3, 4, 5, 6], "Åse Marie");
        lockstep(dir, &["sync"]).exits(0).says("restore");
        lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    }
}

#[test]
fn d2_a_mark_that_can_t_be_taken_off_leaves_the_record_and_one_is_made_anew() {
    let project = project("{ at: archived, is: [gone, lost], set: gone }");
    let dir = project.path();
    lockstep(dir, &["sync"]).exits(0);
    people(dir, &[1, 2, 4, 5, 6], "Åse");
    lockstep(dir, &["sync"]).exits(0);
    people(dir, &[1, 2, 3, 4, 5, 6], "Åse");
    lockstep(dir, &["sync"]).exits(0).says("create shop.Customers");
    let both: Vec<Value> = rows(dir, "shop/Customers.jsonl");
    assert_eq!(both.iter().filter(|one| one["email"] == "p3@example.com").count(), 2);
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn d2_a_ticket_is_brought_back_from_the_bin_over_http() {
    let systems = "systems:\n  crm: { connector: files, with: { folder: crm } }\n  zendesk: { connector: zendesk, with: { base_url: \"${ZENDESK_URL}\", email: \"${ZENDESK_EMAIL}\", api_token: \"${ZENDESK_API_TOKEN}\", rate_per_second: 1000 } }\nflows: [flows.yaml]\n";
    let flows = "\
flows:
  - from: crm.Cases
    to: zendesk.Tickets
    create: always
    deletes: propagate
    match: [no = external_id]
    properties: [no <-> external_id, title <-> subject]
";
    let case = |n: usize| format!("{}\n", json!({"id": n, "no": format!("C-{n}"), "title": "Tak"}));
    let cases = |numbers: &[usize]| numbers.iter().map(|n| case(*n)).collect::<String>();
    let all = cases(&[1, 2, 3, 4, 5, 6]);
    let files = [
        ("lockstep.yaml", systems.to_string()),
        ("flows.yaml", flows.to_string()),
        ("crm/Cases.jsonl", all.clone()),
    ];
    let mut world = World::of_files(&files, Options::empty());
    let file = world.dir().join("crm/Cases.jsonl");
    world.run_smoothly();
    let (_, ticket) = world.one("zendesk", "tickets", "/external_id", "C-3");
    let id = ticket["id"].to_string();
    write(&file, &cases(&[1, 2, 4, 5, 6]));
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "tickets", &id)["status"], "deleted");
    write(&file, &all);
    world.run_smoothly();
    assert_ne!(world.record("zendesk", "tickets", &id)["status"], "deleted", "it is restored");
    let of_it = |one: &Value| one["external_id"] == "C-3";
    assert_eq!(world.records("zendesk", "tickets").iter().filter(|one| of_it(one)).count(), 1);
    world.idle();
}

#[test]
fn d2_c1_what_is_made_anew_is_complete_where_the_values_had_come_from_what_is_gone() {
    // Nothing is marked: what is deleted is gone.
    let project = project("{ at: archived, is: [true] }");
    let path = project.path();
    let flows = FLOWS.replace("create: always", "create: both");
    write(&path.join("flows.yaml"), &flows);
    people(path, &[1, 2, 3, 4, 5, 6], "Åse");
    put(path, "shop/Customers.jsonl", &[]);
    lockstep(path, &["sync"]).exits(0);
    // Made by Lockstep in the shop, deleted there, and the deletion is passed on.
    let all = rows(path, "shop/Customers.jsonl");
    let others: Vec<Value> =
        all.iter().filter(|one| one["email"] != "p3@example.com").cloned().collect();
    put(path, "shop/Customers.jsonl", &others);
    lockstep(path, &["sync"]).exits(0).says("delete crm.People");
    put(path, "shop/Customers.jsonl", &all);
    lockstep(path, &["sync"]).exits(0).says("create crm.People");
    let made: Vec<Value> = rows(path, "crm/People.jsonl")
        .into_iter()
        .filter(|one| one["mail"] == "p3@example.com")
        .collect();
    assert_eq!((made.len(), &made[0]["name"]), (1, &json!("Åse")));
    lockstep(path, &["sync"]).exits(0).says("Nothing was written.");
    lockstep(path, &["audit"]).exits(0).says("Nothing differs");
}
