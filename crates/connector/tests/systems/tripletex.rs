//! Tripletex: sessions for a day, versions in the body, references by id, whole addresses.

use lockstep_connector::contract::{Subject, check};
use lockstep_connector::{Action, Outcome, Write};
use serde_json::{Value, json};

use super::{create, done, get, one, open, pick, read, sandbox, update, watch};

const CUSTOMER: [&str; 4] = ["name", "email", "postalAddress.city", "phoneNumber"];

#[test]
fn customers_keep_the_contract() {
    let sandbox = sandbox("tripletex");
    let tripletex = open("tripletex", &sandbox);
    check(&Subject {
        connector: &*tripletex,
        kind: "Customer",
        watch: watch(&CUSTOMER),
        creates: vec![
            vec![
                json!("Fjellheim Bygg AS"),
                json!("post@fjellheim.example.com"),
                json!("Voss"),
                Value::Null,
            ],
            vec![json!("Solbakken Gartneri"), Value::Null, Value::Null, Value::Null],
        ],
        update: (1, json!("ny@fjellheim.example.com")),
        unknown_id: "987654321",
        refuses_stale_versions: true,
    });
}

#[test]
fn p3_an_edit_of_a_part_of_an_address_keeps_the_rest() {
    let sandbox = sandbox("tripletex");
    let tripletex = open("tripletex", &sandbox);
    let watch = watch(&["name", "postalAddress.addressLine1", "postalAddress.city"]);
    let values = [(0, json!("Nordlys AS")), (1, json!("Storgata 1")), (2, json!("Voss"))];
    let made = done(create(&*tripletex, "Customer", &watch, &values));
    done(update(&*tripletex, "Customer", &watch, &made, 2, json!("Odda")));
    let now = get(&*tripletex, "Customer", &watch, &made.id);
    assert_eq!(now.values[1..], [Some(json!("Storgata 1")), Some(json!("Odda"))]);
}

#[test]
fn p6_a_write_names_the_version_that_was_decided_on() {
    let sandbox = sandbox("tripletex");
    let tripletex = open("tripletex", &sandbox);
    let watch = watch(&["firstName", "phoneNumberMobile"]);
    let before = pick(&read(&*tripletex, "Contact", &watch), |_| true);
    sandbox
        .edit("tripletex", "contact", &before.id, &json!({"phoneNumberWork": "22 00 00 99"}))
        .unwrap();
    let outcome = update(&*tripletex, "Contact", &watch, &before, 1, json!("90 00 00 01"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    let now = get(&*tripletex, "Contact", &watch, &before.id);
    done(update(&*tripletex, "Contact", &watch, &now, 1, json!("90 00 00 01")));
}

#[test]
fn p8_a_contacts_customer_is_a_reference_and_contacts_are_deleted_by_a_list() {
    let sandbox = sandbox("tripletex");
    let tripletex = open("tripletex", &sandbox);
    let customer = pick(&read(&*tripletex, "Customer", &watch(&["name"])), |_| true);
    let id: i64 = customer.id.parse().unwrap();
    let watch = watch(&["firstName", "lastName", "customer"]);
    let values = [(0, json!("Ingrid")), (1, json!("Moen")), (2, json!(id))];
    let made = done(create(&*tripletex, "Contact", &watch, &values));
    let stored = sandbox.record("tripletex", "contact", &made.id).unwrap();
    assert_eq!(stored["customer"]["id"], json!(id));
    assert_eq!(get(&*tripletex, "Contact", &watch, &made.id).values[2], Some(json!(id)));
    let delete = Action::Delete { id: made.id.clone(), version: made.version.clone() };
    let write = Write { action: delete, values: vec![], token: "test".into() };
    done(one(&*tripletex, "Contact", &watch, write));
    assert_eq!(tripletex.get("Contact", &watch, &made.id).unwrap(), None);
}

#[test]
fn c2_a_number_that_is_taken_is_found() {
    let sandbox = sandbox("tripletex");
    let tripletex = open("tripletex", &sandbox);
    let watch = watch(&["name", "number"]);
    let there = pick(&read(&*tripletex, "Product", &watch), |record| {
        record.values[1]
            .as_ref()
            .is_some_and(|number| number.as_str().is_some_and(|n| !n.is_empty()))
    });
    let values = [(0, json!("Another")), (1, there.values[1].clone().unwrap())];
    match create(&*tripletex, "Product", &watch, &values) {
        Outcome::Duplicate { id, .. } => assert_eq!(id, Some(there.id)),
        other => panic!("{other:?}"),
    }
}
