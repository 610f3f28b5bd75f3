//! Exact Online: refresh tokens that are good once, dates of OData 2, codes with blanks, errors with
//! status 500.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check};
use serde_json::{Value, json};

use super::{create, done, get, open, pick, read, sandbox, update, watch};

#[test]
fn accounts_keep_the_contract() {
    let sandbox = sandbox("exact-online");
    let exact = open("exact-online", &sandbox);
    check(&Subject {
        connector: &*exact,
        kind: "Accounts",
        watch: watch(&["Name", "Email", "City"]),
        creates: vec![
            vec![json!("Fjellheim Bygg"), json!("post@fjellheim.example.com"), json!("Voss")],
            vec![json!("Solbakken Gartneri"), Value::Null, Value::Null],
        ],
        update: (1, json!("ny@fjellheim.example.com")),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        refuses_stale_versions: false,
    });
}

#[test]
fn r7_a_date_is_read_as_one_and_written_as_one() {
    let sandbox = sandbox("exact-online");
    let exact = open("exact-online", &sandbox);
    let account = pick(&read(&*exact, "Accounts", &watch(&["Name"])), |_| true);
    let watch = watch(&["LastName", "Account", "BirthDate"]);
    let values = [(0, json!("Moen")), (1, json!(account.id)), (2, json!("1990-05-17"))];
    let made = done(create(&*exact, "Contacts", &watch, &values));
    let now = get(&*exact, "Contacts", &watch, &made.id);
    assert_eq!(now.values[2], Some(json!("1990-05-17")));
    done(update(&*exact, "Contacts", &watch, &now, 2, json!("1991-06-18")));
    let now = get(&*exact, "Contacts", &watch, &made.id);
    assert_eq!(now.values[1..], [Some(json!(account.id)), Some(json!("1991-06-18"))]);
}

#[test]
fn a_code_is_found_without_the_blanks_before_it() {
    let sandbox = sandbox("exact-online");
    let exact = open("exact-online", &sandbox);
    let watch = watch(&["Name", "Code"]);
    let some = pick(&read(&*exact, "Accounts", &watch), |record| {
        record.values[1].as_ref().and_then(Value::as_str).is_some_and(|code| code.starts_with(' '))
    });
    let code = some.values[1].as_ref().unwrap().as_str().unwrap().trim().to_string();
    let found = exact.find("Accounts", &watch, 1, &json!(code)).unwrap().unwrap();
    assert!(found.iter().any(|record| record.id == some.id), "{code}: {found:?}");
}

#[test]
fn g4_what_is_wrong_with_a_record_is_told_with_500_and_refused() {
    let sandbox = sandbox("exact-online");
    let exact = open("exact-online", &sandbox);
    let watch = watch(&["Description", "Code"]);
    let outcome = create(&*exact, "Items", &watch, &[(0, json!("Sekk"))]);
    assert!(matches!(outcome, Outcome::Rejected { prop: Some(1), .. }), "{outcome:?}");
    let there = pick(&read(&*exact, "Items", &watch), |_| true);
    let values = [(0, json!("Another")), (1, there.values[1].clone().unwrap())];
    match create(&*exact, "Items", &watch, &values) {
        Outcome::Duplicate { id, .. } => assert_eq!(id, Some(there.id)),
        other => panic!("{other:?}"),
    }
}
