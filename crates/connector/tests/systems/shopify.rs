//! Shopify: one path for everything, errors in answers with 200, filters with quotation marks.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check};
use serde_json::{Value, json};

use super::{create, done, open, sandbox, watch};

#[test]
fn customers_keep_the_contract() {
    let sandbox = sandbox("shopify");
    let shopify = open("shopify", &sandbox);
    check(&Subject {
        connector: &*shopify,
        kind: "Customers",
        watch: watch(&["lastName", "email", "note"]),
        creates: vec![
            vec![json!("Moen"), json!("ingrid.moen@example.com"), json!("Haster")],
            vec![json!("Dahl"), Value::Null, Value::Null],
        ],
        update: (2, json!("Ring først")),
        unknown_id: "gid://shopify/Customer/17",
        refuses_stale_versions: false,
    });
}

#[test]
fn c2_a_handle_that_is_taken_is_told_as_a_duplicate() {
    let sandbox = sandbox("shopify");
    let shopify = open("shopify", &sandbox);
    let watch = watch(&["title", "handle"]);
    let values = [(0, json!("Lue")), (1, json!("lue-fra-voss"))];
    done(create(&*shopify, "Products", &watch, &values));
    let again = create(&*shopify, "Products", &watch, &values);
    assert!(matches!(again, Outcome::Duplicate { .. }), "{again:?}");
}

#[test]
fn a_company_with_quotation_marks_and_a_backslash_is_found() {
    let sandbox = sandbox("shopify");
    let shopify = open("shopify", &sandbox);
    let watch = watch(&["name"]);
    let name = json!("Fjell's \\ \"Bygg\" AS");
    let made = done(create(&*shopify, "Companies", &watch, &[(0, name.clone())]));
    let found = shopify.find("Companies", &watch, 0, &name).unwrap().unwrap();
    assert_eq!(found.iter().map(|record| &record.id).collect::<Vec<_>>(), [&made.id]);
}
