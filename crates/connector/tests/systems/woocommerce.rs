//! WooCommerce: numbers as texts, a bin, categories by id, users of every role.

use lockstep_connector::contract::{Subject, check, read_all};
use lockstep_connector::{Action, Outcome, Write};
use serde_json::{Value, json};

use super::{create, done, get, one, open, pick, read, sandbox, update, watch};

const PRODUCT: [&str; 4] = ["name", "sku", "regular_price", "description"];

#[test]
fn products_keep_the_contract() {
    let sandbox = sandbox("woocommerce");
    let shop = open("woocommerce", &sandbox);
    check(&Subject {
        connector: &*shop,
        kind: "Products",
        watch: watch(&PRODUCT),
        creates: vec![
            vec![json!("Fjellstøvel"), json!("FS-9000"), json!("1290.00"), json!("Vanntett")],
            vec![json!("Sokker"), Value::Null, Value::Null, Value::Null],
        ],
        update: (2, json!("1190")),
        unknown_id: "987654",
        refuses_stale_versions: false,
    });
}

#[test]
fn customers_keep_the_contract() {
    let sandbox = sandbox("woocommerce");
    let shop = open("woocommerce", &sandbox);
    check(&Subject {
        connector: &*shop,
        kind: "Customers",
        watch: watch(&["email", "first_name", "billing.city"]),
        creates: vec![
            vec![json!("ingrid.moen@example.com"), json!("Ingrid"), json!("Voss")],
            vec![json!("olav.dahl@example.com"), Value::Null, Value::Null],
        ],
        update: (2, json!("Odda")),
        unknown_id: "987654",
        refuses_stale_versions: false,
    });
}

#[test]
fn c2_a_taken_sku_is_told_with_the_product_that_has_it() {
    let sandbox = sandbox("woocommerce");
    let shop = open("woocommerce", &sandbox);
    let watch = watch(&PRODUCT);
    let there = pick(&read(&*shop, "Products", &watch), |record| {
        record.values[1].as_ref().is_some_and(Value::is_string)
    });
    let values = [(0, json!("Another")), (1, there.values[1].clone().unwrap())];
    match create(&*shop, "Products", &watch, &values) {
        Outcome::Duplicate { id, .. } => assert_eq!(id, Some(there.id)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn r3_what_goes_to_the_bin_is_told_by_the_next_reading() {
    let sandbox = sandbox("woocommerce");
    let shop = open("woocommerce", &sandbox);
    let watch = watch(&PRODUCT);
    let first = read(&*shop, "Products", &watch);
    let some = pick(&first, |_| true);
    let delete = Action::Delete { id: some.id.clone(), version: None };
    done(one(
        &*shop,
        "Products",
        &watch,
        Write { action: delete, values: vec![], token: "t".into() },
    ));
    // It is there for a person to bring back.
    let stored = sandbox.record("woocommerce", "products", &some.id).unwrap();
    assert_eq!(stored["status"], json!("trash"));
    assert!(shop.get("Products", &watch, &some.id).unwrap().is_none_or(|record| record.deleted));
    let next = read_all(&*shop, "Products", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!next.everything);
    assert!(next.gone.contains(&some.id), "{:?}", next.gone);
}

#[test]
fn a_user_of_another_role_is_seen_and_found() {
    let sandbox = sandbox("woocommerce");
    let shop = open("woocommerce", &sandbox);
    let watch = watch(&["email", "role"]);
    let owner = pick(&read(&*shop, "Customers", &watch), |record| {
        record.values[1] == Some(json!("administrator"))
    });
    let found = shop.find("Customers", &watch, 0, owner.values[0].as_ref().unwrap()).unwrap();
    assert_eq!(found.unwrap()[0].id, owner.id);
    // Not by a write: the vendor keeps the address of such a user.
    let outcome = update(&*shop, "Customers", &watch, &owner, 0, json!("ny@example.com"));
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
}

#[test]
fn r7_a_text_is_read_as_it_is_kept_and_not_as_a_page_shows_it() {
    let sandbox = sandbox("woocommerce");
    let shop = open("woocommerce", &sandbox);
    let watch = watch(&PRODUCT);
    let some = pick(&read(&*shop, "Products", &watch), |_| true);
    let text = json!("Vanntett.\n\nTil fjellet.");
    done(update(&*shop, "Products", &watch, &some, 3, text.clone()));
    assert_eq!(get(&*shop, "Products", &watch, &some.id).values[3], Some(text.clone()));
    assert_eq!(read(&*shop, "Products", &watch).records[&some.id].values[3], Some(text));
}

#[test]
fn p9_a_category_is_written_by_its_id() {
    let sandbox = sandbox("woocommerce");
    let shop = open("woocommerce", &sandbox);
    let names = watch(&["name"]);
    let category = done(create(&*shop, "ProductCategories", &names, &[(0, json!("Fjellutstyr"))]));
    let watch = watch(&["name", "categories"]);
    let id: u64 = category.id.parse().unwrap();
    let made = done(create(&*shop, "Products", &watch, &[(0, json!("Sekk")), (1, json!([id]))]));
    assert_eq!(get(&*shop, "Products", &watch, &made.id).values[1], Some(json!([id])));
}
