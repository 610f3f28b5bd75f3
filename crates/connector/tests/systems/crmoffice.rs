//! CRMOffice: no time of change, so everything is listed each time.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check, read_all};
use serde_json::{Value, json};

use super::{get, open, pick, read, sandbox, update, watch};

#[test]
fn contacts_companies_and_activities_keep_the_contract() {
    let sandbox = sandbox("crmoffice");
    let crmoffice = open("crmoffice", &sandbox);
    let company = pick(&read(&*crmoffice, "Companies", &[]), |_| true).id;
    let subject = Subject {
        connector: &*crmoffice,
        kind: "Contacts",
        watch: watch(&["givenName", "familyName", "directPhone", "company.id"]),
        creates: vec![
            vec![json!("Ada"), json!("Berg"), json!("+47 22 00 00 00"), json!(company)],
            vec![json!("Liv"), json!("Moe"), Value::Null, Value::Null],
        ],
        update: (2, json!("+47 22 33 44 55")),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        refuses_stale_versions: false,
    };
    check(&subject);
    check(&Subject {
        kind: "Companies",
        watch: watch(&["orgNr", "postAddress.streetAddress", "postAddress.postalArea"]),
        creates: vec![
            vec![json!("987654321"), json!("Storgata 1"), json!("Oslo")],
            vec![json!("912345678"), Value::Null, Value::Null],
        ],
        update: (1, json!("Storgata 2")),
        ..subject
    });
    check(&Subject {
        kind: "Activities",
        watch: watch(&["subject", "startsAt", "endsAt", "address.postalArea"]),
        creates: vec![
            vec![
                json!("Møte"),
                json!("2026-05-04T08:00:00Z"),
                json!("2026-05-04T09:30:00Z"),
                json!("Voss"),
            ],
            vec![json!("Telefon"), Value::Null, Value::Null, Value::Null],
        ],
        update: (3, json!("Bergen")),
        ..subject
    });
}

#[test]
fn each_reading_lists_everything() {
    let sandbox = sandbox("crmoffice");
    let crmoffice = open("crmoffice", &sandbox);
    let watch = watch(&["givenName"]);
    let first = read(&*crmoffice, "Contacts", &watch);
    let second = read_all(&*crmoffice, "Contacts", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(second.everything);
    assert_eq!(second.records, first.records);
}

#[test]
fn p6_a_value_that_was_edited_meanwhile_is_not_overwritten() {
    let sandbox = sandbox("crmoffice");
    let crmoffice = open("crmoffice", &sandbox);
    let watch = watch(&["directPhone", "givenName"]);
    let before = pick(&read(&*crmoffice, "Contacts", &watch), |_| true);
    sandbox
        .edit("crmoffice", "contacts", &before.id, &json!({"directPhone": "+47 11 11 11 11"}))
        .unwrap();
    let outcome = update(&*crmoffice, "Contacts", &watch, &before, 0, json!("+47 22 22 22 22"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    assert_eq!(
        get(&*crmoffice, "Contacts", &watch, &before.id).values[0],
        Some(json!("+47 11 11 11 11"))
    );
}

#[test]
fn it_is_said_to_be_experimental() {
    let told = lockstep_connector::catalogue::warnings(
        "crmoffice",
        &serde_json::Map::new(),
        std::path::Path::new("."),
    );
    assert!(
        told.len() == 2 && told[0].contains("experimental") && told[0].contains("guesses"),
        "{told:?}"
    );
    assert!(told[1].contains("makes no calls (webhooks)"), "{told:?}");
    assert_eq!(
        lockstep_connector::catalogue::warnings(
            "wix",
            &serde_json::Map::new(),
            std::path::Path::new(".")
        ),
        Vec::<String>::new()
    );
}

#[test]
fn r1_a_list_that_comes_whole_is_read_whole() {
    let sandbox = sandbox("crmoffice");
    let crmoffice = open("crmoffice", &sandbox);
    for n in 0..250 {
        sandbox.put("crmoffice", "contacts", json!({"givenName": format!("N{n}")})).unwrap();
    }
    let all = sandbox.records("crmoffice", "contacts").unwrap().len();
    for page_size in [7, 100, 200, 1_000] {
        let reading =
            read_all(&*crmoffice, "Contacts", &watch(&["givenName"]), None, page_size).unwrap();
        assert_eq!(reading.records.len(), all, "{page_size}");
    }
}

#[test]
fn users_are_listed_by_their_names() {
    let sandbox = sandbox("crmoffice");
    let crmoffice = open("crmoffice", &sandbox);
    let users = read(&*crmoffice, "Users", &watch(&["userName"])).records;
    assert!(!users.is_empty());
    for (id, user) in &users {
        assert_eq!(user.values[0].as_ref(), Some(&json!(id)));
    }
}
