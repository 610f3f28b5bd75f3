//! HubSpot: searches behind writes, archived records told apart, errors that name properties.

use lockstep_connector::contract::{Subject, check, read_all};
use lockstep_connector::{Action, Outcome, Write};
use serde_json::{Value, json};

use super::{create, done, get, one, open, pick, read, sandbox, watch};

#[test]
fn contacts_keep_the_contract() {
    let sandbox = sandbox("hubspot");
    let hubspot = open("hubspot", &sandbox);
    check(&Subject {
        connector: &*hubspot,
        kind: "Contacts",
        watch: watch(&["lastname", "email", "city"]),
        creates: vec![
            vec![json!("Moen"), json!("ingrid.moen@example.com"), json!("Voss")],
            vec![json!("Dahl"), Value::Null, Value::Null],
        ],
        update: (2, json!("Odda")),
        unknown_id: "17",
        refuses_stale_versions: false,
    });
}

#[test]
fn r3_an_archived_company_is_told_as_gone() {
    let sandbox = sandbox("hubspot");
    let hubspot = open("hubspot", &sandbox);
    let watch = watch(&["name"]);
    let made = done(create(&*hubspot, "Companies", &watch, &[(0, json!("Solbakken AS"))]));
    let first = read(&*hubspot, "Companies", &watch);
    let delete = Action::Delete { id: made.id.clone(), version: None };
    let write = Write { action: delete, values: vec![], token: "test".into() };
    done(one(&*hubspot, "Companies", &watch, write));
    let next = read_all(&*hubspot, "Companies", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!next.everything && next.gone.contains(&made.id), "{:?}", next.gone);
}

#[test]
fn p8_a_contacts_company_is_a_reference() {
    let sandbox = sandbox("hubspot");
    let hubspot = open("hubspot", &sandbox);
    let company = pick(&read(&*hubspot, "Companies", &watch(&["name"])), |_| true);
    let watch = watch(&["lastname", "associatedcompanyid"]);
    let values = [(0, json!("Moen")), (1, json!(company.id))];
    let made = done(create(&*hubspot, "Contacts", &watch, &values));
    assert_eq!(get(&*hubspot, "Contacts", &watch, &made.id).values[1], Some(json!(company.id)));
}

/// The text of the refusal speaks of an "email address", and is about one of them.
#[test]
fn g4_the_property_that_an_error_names_is_blamed_and_not_one_that_its_text_mentions() {
    let sandbox = sandbox("hubspot");
    let hubspot = open("hubspot", &sandbox);
    let watch = watch(&["address", "email"]);
    let values = [(0, json!("Storgata 1")), (1, json!("nobody"))];
    let refused = create(&*hubspot, "Contacts", &watch, &values);
    assert!(matches!(refused, Outcome::Rejected { prop: Some(1), .. }), "{refused:?}");
}
