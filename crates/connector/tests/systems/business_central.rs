//! Business Central: versions in `If-Match`, codes in capitals, references by number.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check};
use serde_json::{Value, json};

use super::{create, done, get, open, pick, read, sandbox, update, watch};

const CUSTOMER: [&str; 4] = ["displayName", "email", "city", "number"];

#[test]
fn customers_keep_the_contract() {
    let sandbox = sandbox("business-central");
    let bc = open("business-central", &sandbox);
    check(&Subject {
        connector: &*bc,
        kind: "Customers",
        watch: watch(&CUSTOMER[..3]),
        creates: vec![
            vec![json!("Fjellheim Bygg"), json!("post@fjellheim.example.com"), json!("Voss")],
            vec![json!("Solbakken Gartneri"), Value::Null, Value::Null],
        ],
        update: (1, json!("ny@fjellheim.example.com")),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        refuses_stale_versions: true,
    });
}

#[test]
fn p6_a_write_names_the_version_that_was_decided_on() {
    let sandbox = sandbox("business-central");
    let bc = open("business-central", &sandbox);
    let watch = watch(&CUSTOMER);
    let before = pick(&read(&*bc, "Customers", &watch), |_| true);
    sandbox
        .edit("business-central", "customers", &before.id, &json!({"phoneNumber": "22 00 00 99"}))
        .unwrap();
    let writes = sandbox.total_writes();
    let outcome = update(&*bc, "Customers", &watch, &before, 2, json!("Odda"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    assert_eq!(sandbox.total_writes(), writes);
    let now = get(&*bc, "Customers", &watch, &before.id);
    let after = done(update(&*bc, "Customers", &watch, &now, 2, json!("Odda")));
    assert_eq!(after.values[2], Some(json!("Odda")));
}

#[test]
fn c2_a_number_that_is_taken_is_found_in_whatever_case() {
    let sandbox = sandbox("business-central");
    let bc = open("business-central", &sandbox);
    let watch = watch(&CUSTOMER);
    let there = pick(&read(&*bc, "Customers", &watch), |_| true);
    let number = there.values[3].clone().unwrap();
    let lower = json!(number.as_str().unwrap().to_lowercase());
    let values = [(0, json!("Somebody else")), (3, lower)];
    match create(&*bc, "Customers", &watch, &values) {
        Outcome::Duplicate { id, .. } => assert_eq!(id, Some(there.id)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn p8_a_persons_company_is_a_contact_and_travels_as_its_number() {
    let sandbox = sandbox("business-central");
    let bc = open("business-central", &sandbox);
    let watch = watch(&["displayName", "type", "companyNumber", "number"]);
    let company = pick(&read(&*bc, "Contacts", &watch), |r| r.values[1] == Some(json!("Company")));
    let made = done(create(
        &*bc,
        "Contacts",
        &watch,
        &[(0, json!("Ingrid Moen")), (1, json!("Person")), (2, json!(company.id))],
    ));
    let stored = sandbox.record("business-central", "contacts", &made.id).unwrap();
    assert_eq!(Some(&stored["companyNumber"]), company.values[3].as_ref());
    assert_eq!(get(&*bc, "Contacts", &watch, &made.id).values[2], Some(json!(company.id)));
}
