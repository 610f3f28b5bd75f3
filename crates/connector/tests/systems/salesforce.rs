//! Salesforce: queries, deleted records among the changes, answers that are ids.

use lockstep_connector::contract::{Subject, check, read_all};
use lockstep_connector::{Action, Write};
use serde_json::{Value, json};

use super::{create, done, get, one, open, pick, read, sandbox, watch};

#[test]
fn contacts_keep_the_contract() {
    let sandbox = sandbox("salesforce");
    let salesforce = open("salesforce", &sandbox);
    check(&Subject {
        connector: &*salesforce,
        kind: "Contact",
        watch: watch(&["LastName", "Email", "MailingCity"]),
        creates: vec![
            vec![json!("Moen"), json!("ingrid.moen@example.com"), json!("Voss")],
            vec![json!("Dahl"), Value::Null, Value::Null],
        ],
        update: (2, json!("Odda")),
        unknown_id: "003Wy0000000ZZZIA1",
        refuses_stale_versions: false,
    });
}

#[test]
fn r3_a_deleted_account_is_among_the_changes() {
    let sandbox = sandbox("salesforce");
    let salesforce = open("salesforce", &sandbox);
    let watch = watch(&["Name"]);
    let made = done(create(&*salesforce, "Account", &watch, &[(0, json!("Solbakken AS"))]));
    let first = read(&*salesforce, "Account", &watch);
    let delete = Action::Delete { id: made.id.clone(), version: None };
    let write = Write { action: delete, values: vec![], token: "test".into() };
    done(one(&*salesforce, "Account", &watch, write));
    let next = read_all(&*salesforce, "Account", &watch, Some(first.checkpoint), 100).unwrap();
    let told = next.gone.contains(&made.id)
        || next.records.get(&made.id).is_some_and(|record| record.deleted);
    assert!(!next.everything && told, "{:?} {:?}", next.gone, next.records.get(&made.id));
}

#[test]
fn p8_a_contacts_account_is_a_reference() {
    let sandbox = sandbox("salesforce");
    let salesforce = open("salesforce", &sandbox);
    let account = pick(&read(&*salesforce, "Account", &watch(&["Name"])), |_| true);
    let watch = watch(&["LastName", "AccountId"]);
    let values = [(0, json!("Moen")), (1, json!(account.id))];
    let made = done(create(&*salesforce, "Contact", &watch, &values));
    assert_eq!(get(&*salesforce, "Contact", &watch, &made.id).values[1], Some(json!(account.id)));
}

#[test]
fn a_name_with_quotation_marks_and_a_backslash_is_found() {
    let sandbox = sandbox("salesforce");
    let salesforce = open("salesforce", &sandbox);
    let watch = watch(&["Name"]);
    let name = json!("Fjell's \\ \"Bygg\" AS");
    let made = done(create(&*salesforce, "Account", &watch, &[(0, name.clone())]));
    let found = salesforce.find("Account", &watch, 0, &name).unwrap().unwrap();
    assert_eq!(found.iter().map(|record| &record.id).collect::<Vec<_>>(), [&made.id]);
}
