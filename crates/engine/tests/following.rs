//! Properties of what a record refers to: `company > name -> company_name` (P8).

use lockstep_model::Value;
use lockstep_model::flow::Create;
use serde_json::json;

use crate::kit::*;

/// People with the names of their companies, which no flow is about.
fn people(rows: &[&str]) -> World {
    let flows = [flow("crm.Person", "shop.Customer", Create::Always, &["mail = mail"], rows)];
    let company = || reference("company", "Company");
    World::new(
        &flows,
        &schemas(&[
            ("crm.Person", vec![company()]),
            ("crm.Company", vec![reference("owner", "User")]),
            ("crm.User", vec![]),
            ("shop.Customer", vec![]),
        ]),
    )
}

fn named() -> World {
    people(&["mail <-> mail", "company > name -> company_name"])
}

fn made(world: &World) -> String {
    let record = world.records.values().find(|r| r.key.starts_with("new")).unwrap();
    format!("shop.Customer/{}", record.key)
}

#[test]
fn p8_a_record_is_created_with_what_it_refers_to_and_follows_it() {
    let mut world = named();
    world.read("crm.Person/1", json!({"mail": "a@example.com", "company": "7"}));
    world.read("crm.Company/7", json!({"name": "Fjord"}));
    assert_eq!(world.settle(), 1, "one write: the creation is complete (C1)");
    let made = made(&world);
    assert_eq!(world.value(&made, "company_name"), "Fjord");
    world.read("crm.Company/7", json!({"name": "Fjord og Fjell"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value(&made, "company_name"), "Fjord og Fjell");
    assert_eq!(world.settle_all(), 0, "a fixed point (P4)");
}

#[test]
fn p8_a_moved_reference_brings_the_other_records_value_and_none_empties() {
    let mut world = named();
    world.read("crm.Company/8", json!({"name": "Vidde"}));
    world.read("crm.Person/1", json!({"mail": "a@example.com", "company": "7"}));
    world.read("crm.Company/7", json!({"name": "Fjord"}));
    world.settle();
    let made = made(&world);
    world.read(&made, json!({"company_name": "Fjorden"}));
    world.settle();
    world.read("crm.Person/1", json!({"company": "8"}));
    world.settle();
    assert_eq!(world.value(&made, "company_name"), "Vidde", "though it was named before Fjord was");
    world.read("crm.Person/1", json!({"company": null}));
    world.settle();
    assert_eq!(world.value(&made, "company_name"), Value::Null);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn r5_what_can_not_be_looked_at_writes_and_empties_nothing() {
    let mut world = named();
    world.read("crm.Person/1", json!({"mail": "a@example.com", "company": "7"}));
    world.read("shop.Customer/x", json!({"mail": "a@example.com", "company_name": "Old"}));
    assert_eq!(world.settle(), 0, "the company has not been read");
    assert_eq!(world.value("shop.Customer/x", "company_name"), "Old");
    world.read("crm.Company/7", json!({"name": "Fjord"}));
    world.settle();
    assert_eq!(world.value("shop.Customer/x", "company_name"), "Fjord");
    // Deleted: the name is kept as it was.
    world.read_deleted("crm.Company/7");
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.value("shop.Customer/x", "company_name"), "Fjord");
}

#[test]
fn p12_an_edit_of_the_target_stays_until_the_other_record_changes() {
    let mut world = named();
    world.read("crm.Person/1", json!({"mail": "a@example.com", "company": "7"}));
    world.read("crm.Company/7", json!({"name": "Fjord"}));
    world.settle();
    let made = made(&world);
    world.read(&made, json!({"company_name": "Fjorden"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.value("crm.Company/7", "name"), "Fjord", "nothing goes back");
    world.read("crm.Company/7", json!({"name": "Fjell"}));
    world.settle();
    assert_eq!(world.value(&made, "company_name"), "Fjell");
}

#[test]
fn p8_several_references_follow_each_other() {
    let mut world = people(&["mail <-> mail", "company > owner > mail -> account_mail"]);
    world.read("crm.Person/1", json!({"mail": "a@example.com", "company": "7"}));
    world.read("crm.Company/7", json!({"owner": "3"}));
    world.read("crm.User/3", json!({"mail": "per@example.com"}));
    world.read("crm.User/4", json!({"mail": "siv@example.com"}));
    assert_eq!(world.settle(), 1);
    let made = made(&world);
    assert_eq!(world.value(&made, "account_mail"), "per@example.com");
    world.read("crm.User/3", json!({"mail": "per.moe@example.com"}));
    world.settle();
    assert_eq!(world.value(&made, "account_mail"), "per.moe@example.com");
    world.read("crm.Company/7", json!({"owner": "4"}));
    world.settle();
    assert_eq!(world.value(&made, "account_mail"), "siv@example.com");
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p8_a_followed_reference_is_translated() {
    let flows = [
        flow(
            "crm.Person",
            "shop.Customer",
            Create::Always,
            &["mail = mail"],
            &["mail <-> mail", "company > owner -> manager"],
        ),
        flow("crm.User", "shop.Seller", Create::Always, &["no = no"], &["no <-> no"]),
    ];
    let mut world = World::new(
        &flows,
        &schemas(&[
            ("crm.Person", vec![reference("company", "Company")]),
            ("crm.Company", vec![reference("owner", "User")]),
            ("crm.User", vec![]),
            ("shop.Customer", vec![reference("manager", "Seller")]),
            ("shop.Seller", vec![]),
        ]),
    );
    world.read("crm.Person/1", json!({"mail": "a@example.com", "company": "7"}));
    world.read("crm.Company/7", json!({"owner": "3"}));
    world.read("crm.User/3", json!({"no": "30"}));
    world.settle();
    let seller = world.records.values().find(|r| r.ty == world.ty("shop.Seller")).unwrap();
    let seller = seller.key.clone();
    let customer = world.records.values().find(|r| r.ty == world.ty("shop.Customer")).unwrap();
    let customer = format!("shop.Customer/{}", customer.key);
    assert_eq!(world.value(&customer, "manager"), json!(seller));
    world.read("crm.Company/7", json!({"owner": null}));
    world.settle();
    assert_eq!(world.value(&customer, "manager"), Value::Null);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn connectors_are_asked_for_what_their_own_records_have() {
    let world = named();
    let watch = |ty: &str| -> Vec<String> {
        let ty = world.plan.ty(world.ty(ty));
        ty.watch().iter().map(ToString::to_string).collect()
    };
    assert_eq!(watch("crm.Person"), ["mail", "company"]);
    assert_eq!(watch("crm.Company"), ["name"]);
}
