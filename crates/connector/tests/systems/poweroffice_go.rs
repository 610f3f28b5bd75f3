//! PowerOffice Go: JSON patches over v2, contact persons over v1, companies and persons among the customers.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check, read_all};
use serde_json::{Value, json};

use crate::{create, done, open, pick, read, sandbox, update, watch};

#[test]
fn employees_keep_the_contract() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    check(&Subject {
        connector: &*poweroffice,
        kind: "Employees",
        watch: watch(&["FirstName", "LastName", "PhoneNumber", "EmailAddress"]),
        creates: vec![
            vec![json!("Solveig"), json!("Fjeld"), json!("+47 22 00 11 22"), json!("solveig@example.no")],
            vec![json!("Eskil"), json!("Dahl"), Value::Null, Value::Null],
        ],
        update: (2, json!("+47 22 33 44 55")),
        unknown_id: "1",
        refuses_stale_versions: false,
    });
}

#[test]
fn customers_keep_the_contract() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    check(&Subject {
        connector: &*poweroffice,
        kind: "Customers",
        watch: watch(&["FirstName", "LastName", "Name", "EmailAddress", "MailAddress.City"]),
        creates: vec![
            vec![json!("Ada"), json!("Berg"), Value::Null, json!("ada@example.no"), Value::Null],
            vec![Value::Null, Value::Null, json!("Berg Bakeri AS"), Value::Null, Value::Null],
        ],
        update: (4, json!("Bergen")),
        unknown_id: "1",
        refuses_stale_versions: false,
    });
}

#[test]
fn contact_persons_keep_the_contract() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let customer: i64 = pick(&read(&*poweroffice, "Customers", &[]), |_| true).id.parse().unwrap();
    check(&Subject {
        connector: &*poweroffice,
        kind: "Contactperson",
        watch: watch(&["firstName", "lastName", "emailAddress", "phoneNumber", "partyId"]),
        creates: vec![
            vec![json!("Ada"), json!("Berg"), json!("ada@example.no"), json!("22001122"), json!(customer)],
            vec![json!("Liv"), json!("Moe"), Value::Null, Value::Null, json!(customer)],
        ],
        update: (2, json!("ada.berg@example.no")),
        unknown_id: "1",
        refuses_stale_versions: false,
    });
}

#[test]
fn a_customer_with_a_first_name_is_a_person() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let watch = watch(&["FirstName", "LastName", "IsPerson", "Name"]);
    let person = done(create(&*poweroffice, "Customers", &watch, &[(0, json!("Ada")), (1, json!("Berg"))]));
    assert_eq!(person.values[2], Some(json!(true)));
    let company = done(create(&*poweroffice, "Customers", &watch, &[(3, json!("Berg Bakeri AS"))]));
    assert_eq!(company.values[2], Some(json!(false)));
}

#[test]
fn p6_a_value_that_was_edited_meanwhile_is_not_overwritten() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let watch = watch(&["PhoneNumber", "FirstName"]);
    let before = pick(&read(&*poweroffice, "Employees", &watch), |_| true);
    sandbox.edit("poweroffice-go", "Employees", &before.id, &json!({"PhoneNumber": "+47 11 11 11 11"})).unwrap();
    let outcome = update(&*poweroffice, "Employees", &watch, &before, 0, json!("+47 22 22 22 22"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    // Another property of the same record was not touched by that edit, and nothing locks the record.
    done(update(&*poweroffice, "Employees", &watch, &before, 1, json!("Runa")));
}

#[test]
fn g4_a_refused_value_names_its_property() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let watch = watch(&["EmailAddress", "firstName", "lastName", "emailAddress", "partyId"]);
    let customer: i64 = pick(&read(&*poweroffice, "Customers", &[]), |_| true).id.parse().unwrap();
    // Version 1 says what is wrong with a business error in an answer of status 200.
    let wrong = [(1, json!("Ada")), (2, json!("Berg")), (3, json!("no address")), (4, json!(customer))];
    match create(&*poweroffice, "Contactperson", &watch, &wrong) {
        Outcome::Rejected { prop, message } => {
            assert_eq!(prop, Some(3), "{message}");
            assert!(!message.is_empty());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn g4_a_customer_without_a_name_is_rejected_with_the_systems_words() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let outcome = create(&*poweroffice, "Customers", &watch(&["EmailAddress"]), &[(0, json!("post@example.no"))]);
    let Outcome::Rejected { message, .. } = outcome else { panic!("{outcome:?}") };
    assert!(message.to_lowercase().contains("name"), "{message}");
}

#[test]
fn r1_what_changed_is_read_and_nothing_else() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    for (kind, collection, property) in [
        ("Employees", "Employees", "FirstName"),
        ("Customers", "Customers", "PhoneNumber"),
        ("Contactperson", "ContactPersons", "firstName"),
    ] {
        let watch = watch(&[property]);
        let first = read(&*poweroffice, kind, &watch);
        let some = pick(&first, |_| true);
        let edited = if kind == "Contactperson" { "FirstName" } else { property };
        sandbox.edit("poweroffice-go", collection, &some.id, &json!({edited: "Edited"})).unwrap();
        let second = read_all(&*poweroffice, kind, &watch, Some(first.checkpoint), 100).unwrap();
        assert!(!second.everything, "{kind}");
        assert_eq!(second.records[&some.id].values[0], Some(json!("Edited")), "{kind}");
        assert!(second.records.len() < first.records.len(), "{kind}: all were read again");
    }
}

#[test]
fn an_empty_list_is_an_answer_without_content() {
    let sandbox = lockstep_sandbox::Sandbox::start(lockstep_sandbox::Options::empty()).unwrap();
    let poweroffice = open("poweroffice-go", &sandbox);
    for kind in ["Employees", "Customers", "Contactperson"] {
        let reading = read(&*poweroffice, kind, &[]);
        assert!(reading.records.is_empty() && reading.everything, "{kind}");
    }
}
