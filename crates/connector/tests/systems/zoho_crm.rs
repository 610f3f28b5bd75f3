//! Zoho CRM: a token with a word of its own, changes sorted by time, deleted records by a list.

use lockstep_connector::contract::{Subject, check, read_all};
use lockstep_connector::{Action, Outcome, Write};
use serde_json::{Value, json};

use super::{create, done, get, one, open, pick, read, sandbox, watch};

const CONTACT: [&str; 3] = ["Last_Name", "Email", "Mailing_City"];

#[test]
fn contacts_keep_the_contract() {
    let sandbox = sandbox("zoho-crm");
    let zoho = open("zoho-crm", &sandbox);
    check(&Subject {
        connector: &*zoho,
        kind: "Contacts",
        watch: watch(&CONTACT),
        creates: vec![
            vec![json!("Moen"), json!("ingrid.moen@example.com"), json!("Voss")],
            vec![json!("Dahl"), Value::Null, Value::Null],
        ],
        update: (2, json!("Odda")),
        unknown_id: "4876876000009999999",
        refuses_stale_versions: false,
    });
}

#[test]
fn c2_an_address_that_must_be_unique_is_told_with_the_contact_that_has_it() {
    let sandbox = sandbox("zoho-crm");
    let zoho = open("zoho-crm", &sandbox);
    let watch = watch(&CONTACT);
    let there = pick(&read(&*zoho, "Contacts", &watch), |record| {
        record.values[1].as_ref().is_some_and(Value::is_string)
    });
    let values = [(0, json!("Another")), (1, there.values[1].clone().unwrap())];
    match create(&*zoho, "Contacts", &watch, &values) {
        Outcome::Duplicate { id, .. } => assert_eq!(id, Some(there.id)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn r1_changes_are_the_latest_and_leave_out_what_is_older() {
    let sandbox = sandbox("zoho-crm");
    let zoho = open("zoho-crm", &sandbox);
    let watch = watch(&CONTACT);
    let first = read(&*zoho, "Contacts", &watch);
    let some = pick(&first, |_| true);
    sandbox.edit("zoho-crm", "Contacts", &some.id, &json!({"Mailing_City": "Odda"})).unwrap();
    let next = read_all(&*zoho, "Contacts", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!next.everything && next.records.len() < first.records.len());
    assert_eq!(next.records[&some.id].values[2], Some(json!("Odda")));
}

#[test]
fn r3_what_was_deleted_is_told_by_a_list() {
    let sandbox = sandbox("zoho-crm");
    let zoho = open("zoho-crm", &sandbox);
    let watch = watch(&CONTACT);
    let made = done(create(&*zoho, "Contacts", &watch, &[(0, json!("Moen"))]));
    let first = read(&*zoho, "Contacts", &watch);
    let delete = || Action::Delete { id: made.id.clone(), version: None };
    let write = || Write { action: delete(), values: vec![], token: "test".into() };
    done(one(&*zoho, "Contacts", &watch, write()));
    let next = read_all(&*zoho, "Contacts", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(next.gone.contains(&made.id), "{:?}", next.gone);
    // Once more is as good.
    done(one(&*zoho, "Contacts", &watch, write()));
}

#[test]
fn p8_a_contacts_account_is_a_reference() {
    let sandbox = sandbox("zoho-crm");
    let zoho = open("zoho-crm", &sandbox);
    let account = pick(&read(&*zoho, "Accounts", &watch(&["Account_Name"])), |_| true);
    let watch = watch(&["Last_Name", "Account_Name"]);
    let values = [(0, json!("Moen")), (1, json!(account.id))];
    let made = done(create(&*zoho, "Contacts", &watch, &values));
    let stored = sandbox.record("zoho-crm", "Contacts", &made.id).unwrap();
    assert_eq!(stored["Account_Name"]["id"], json!(account.id));
    assert_eq!(get(&*zoho, "Contacts", &watch, &made.id).values[1], Some(json!(account.id)));
}

#[test]
fn a_name_with_brackets_and_commas_is_found() {
    let sandbox = sandbox("zoho-crm");
    let zoho = open("zoho-crm", &sandbox);
    let watch = watch(&["Account_Name"]);
    let name = json!("Fjell (Vest), Voss AS");
    let made = done(create(&*zoho, "Accounts", &watch, &[(0, name.clone())]));
    let found = zoho.find("Accounts", &watch, 0, &name).unwrap().unwrap();
    assert_eq!(found.iter().map(|record| &record.id).collect::<Vec<_>>(), [&made.id]);
}
