//! PowerOffice Go: JSON patches over v2, contact persons over v2 and v1, companies and persons
//! among the customers.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check, read_all};
use serde_json::{Value, json};

use super::{create, done, open, pick, read, sandbox, update, watch};

#[test]
fn employees_keep_the_contract() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    check(&Subject {
        connector: &*poweroffice,
        kind: "Employees",
        watch: watch(&["FirstName", "LastName", "PhoneNumber", "EmailAddress"]),
        creates: vec![
            vec![
                json!("Solveig"),
                json!("Fjeld"),
                json!("+47 22 00 11 22"),
                json!("solveig@example.no"),
            ],
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
    for (kind, unknown_id) in [("Contactperson", "1/1"), ("ContactpersonV1", "1")] {
        contact_persons(kind, unknown_id);
    }
}

fn contact_persons(kind: &str, unknown_id: &str) {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let customer: i64 = pick(&read(&*poweroffice, "Customers", &[]), |_| true).id.parse().unwrap();
    check(&Subject {
        connector: &*poweroffice,
        kind,
        watch: watch(&["firstName", "lastName", "emailAddress", "phoneNumber", "partyId"]),
        creates: vec![
            vec![
                json!("Ada"),
                json!("Berg"),
                json!("ada@example.no"),
                json!("22001122"),
                json!(customer),
            ],
            vec![json!("Liv"), json!("Moe"), Value::Null, Value::Null, json!(customer)],
        ],
        update: (2, json!("ada.berg@example.no")),
        unknown_id,
        refuses_stale_versions: false,
    });
}

/// The id of a record of the sample data that no test creates.
fn some_id(poweroffice: &dyn lockstep_connector::Connector, kind: &str) -> Value {
    let id = pick(&read(poweroffice, kind, &[]), |_| true).id;
    id.parse::<i64>().map_or_else(|_| json!(id), |number| json!(number))
}

/// A record type, what is watched, what is created, the property and value of an update, an id that
/// is not there.
type Traded = (&'static str, &'static [&'static str], Vec<Vec<Value>>, (usize, Value), String);

#[test]
fn what_is_traded_keeps_the_contract() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let of = |kind| some_id(&*poweroffice, kind);
    let none = "00000000-0000-4000-8000-000000000000";
    let subjects: [Traded; 6] = [
        (
            "Suppliers",
            &["FirstName", "LastName", "Name", "EmailAddress", "PhoneNumber"],
            vec![
                vec![
                    Value::Null,
                    Value::Null,
                    json!("Eikeland Tre AS"),
                    json!("post@example.com"),
                    json!("22 11 33 44"),
                ],
                vec![json!("Runa"), json!("Moe"), Value::Null, Value::Null, Value::Null],
            ],
            (4, json!("22 11 33 55")),
            "1".into(),
        ),
        (
            "Departments",
            &["Name", "Code", "IsActive", "ManagerEmployeeId"],
            vec![
                vec![json!("Butikk"), json!("B-7"), json!(true), of("Employees")],
                vec![json!("Kontor"), json!("K-8"), json!(false), Value::Null],
            ],
            (0, json!("Butikk Voss")),
            "1".into(),
        ),
        (
            "Products",
            &["Name", "Code", "UnitPrice", "IsStockItem", "StockOnHand", "ProductType"],
            vec![
                vec![
                    json!("Ljåblad"),
                    json!("L-1"),
                    json!(249.5),
                    json!(true),
                    json!(4),
                    json!("Product"),
                ],
                vec![
                    json!("Sliping"),
                    json!("L-2"),
                    json!(120),
                    json!(false),
                    Value::Null,
                    json!("Service"),
                ],
            ],
            (2, json!(259.5)),
            "1".into(),
        ),
        (
            "Projects",
            &["Name", "Code", "CustomerId", "StartDate", "ProjectStatus"],
            vec![
                vec![
                    json!("Låve"),
                    json!("P-7"),
                    of("Customers"),
                    json!("2026-03-01"),
                    json!("Active"),
                ],
                vec![json!("Brygge"), json!("P-8"), Value::Null, Value::Null, json!("Tentative")],
            ],
            (3, json!("2026-04-01")),
            "1".into(),
        ),
        (
            "Salesorders",
            &["CustomerId", "CustomerReference", "SalesOrderDate", "ExternalImportReference"],
            vec![
                vec![of("Customers"), json!("Bestilling 9"), json!("2026-03-01"), json!("X-1")],
                vec![of("Customers"), Value::Null, Value::Null, json!("X-2")],
            ],
            (1, json!("Bestilling 10")),
            none.into(),
        ),
        (
            "Salesorderlines",
            &["SalesOrderId", "ProductId", "Quantity", "ProductUnitPrice", "Description"],
            vec![
                vec![of("Salesorders"), of("Products"), json!(2), json!(99.5), json!("Utvalg")],
                vec![of("Salesorders"), Value::Null, Value::Null, Value::Null, json!("Med takk")],
            ],
            (2, json!(3)),
            format!("{none}/{none}"),
        ),
    ];
    for (kind, paths, creates, update, unknown_id) in subjects {
        check(&Subject {
            connector: &*poweroffice,
            kind,
            watch: watch(paths),
            creates,
            update,
            unknown_id: &unknown_id,
            refuses_stale_versions: false,
        });
    }
}

#[test]
fn a_line_has_its_products_price_and_a_confirmed_order_takes_no_line() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let line = watch(&["SalesOrderId", "ProductId", "Quantity", "Description", "NetAmount"]);
    let order = some_id(&*poweroffice, "Salesorders");
    let products = watch(&["Name", "UnitPrice"]);
    let product = pick(&read(&*poweroffice, "Products", &products), |_| true);
    let id: i64 = product.id.parse().unwrap();
    let of = [(0, order.clone()), (1, json!(id)), (2, json!(2))];
    let made = done(create(&*poweroffice, "Salesorderlines", &line, &of));
    assert!(made.id.starts_with(&format!("{}/", order.as_str().unwrap())), "{}", made.id);
    assert_eq!(made.values[3], product.values[0]);
    let price = product.values[1].as_ref().and_then(Value::as_f64).unwrap();
    assert_eq!(made.values[4].as_ref().and_then(Value::as_f64), Some(2.0 * price));
    let head = watch(&["SalesOrderStatus", "LineCount"]);
    let stored = super::get(&*poweroffice, "Salesorders", &head, order.as_str().unwrap());
    done(update(&*poweroffice, "Salesorders", &head, &stored, 0, json!("Confirmed")));
    let Outcome::Rejected { message, .. } = create(&*poweroffice, "Salesorderlines", &line, &of)
    else {
        panic!("a confirmed order took a line")
    };
    assert!(message.contains("confirmed"), "{message}");
}

#[test]
fn a_customer_with_a_first_name_is_a_person() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let watch = watch(&["FirstName", "LastName", "IsPerson", "Name"]);
    let person =
        done(create(&*poweroffice, "Customers", &watch, &[(0, json!("Ada")), (1, json!("Berg"))]));
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
    sandbox
        .edit("poweroffice-go", "Employees", &before.id, &json!({"PhoneNumber": "+47 11 11 11 11"}))
        .unwrap();
    let outcome = update(&*poweroffice, "Employees", &watch, &before, 0, json!("+47 22 22 22 22"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    // Another property of the same record was not touched by that edit, and nothing locks the
    // record.
    done(update(&*poweroffice, "Employees", &watch, &before, 1, json!("Runa")));
}

#[test]
fn g4_a_refused_value_names_its_property() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let watch = watch(&["EmailAddress", "firstName", "lastName", "emailAddress", "partyId"]);
    let customer: i64 = pick(&read(&*poweroffice, "Customers", &[]), |_| true).id.parse().unwrap();
    // Version 1 says what is wrong with a business error in an answer of status 200.
    let wrong =
        [(1, json!("Ada")), (2, json!("Berg")), (3, json!("no address")), (4, json!(customer))];
    for kind in ["Contactperson", "ContactpersonV1"] {
        match create(&*poweroffice, kind, &watch, &wrong) {
            Outcome::Rejected { prop, message } => {
                assert_eq!(prop, Some(3), "{message}");
                assert!(!message.is_empty());
            }
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[test]
fn g4_a_customer_without_a_name_is_rejected_with_the_systems_words() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let outcome = create(
        &*poweroffice,
        "Customers",
        &watch(&["EmailAddress"]),
        &[(0, json!("post@example.no"))],
    );
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
        ("ContactpersonV1", "ContactPersons", "firstName"),
        ("Suppliers", "Suppliers", "PhoneNumber"),
        ("Departments", "Departments", "Name"),
        ("Products", "Products", "Name"),
        ("Projects", "Projects", "Name"),
        ("Salesorders", "SalesOrders", "CustomerReference"),
    ] {
        let watch = watch(&[property]);
        let first = read(&*poweroffice, kind, &watch);
        let some = pick(&first, |_| true);
        let edited = if kind.starts_with("Contactperson") { "FirstName" } else { property };
        let own = some.id.rsplit('/').next().unwrap();
        sandbox.edit("poweroffice-go", collection, own, &json!({edited: "Edited"})).unwrap();
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
    for ty in poweroffice.types() {
        let kind = ty.kind.as_str();
        let reading = read(&*poweroffice, kind, &[]);
        assert!(reading.records.is_empty() && reading.everything, "{kind}");
    }
}

#[test]
fn contact_persons_need_no_key_of_v1() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let watch = watch(&["firstName", "lastName", "partyId", "isActive"]);
    let some = pick(&read(&*poweroffice, "Contactperson", &watch), |_| true);
    let (parent, id) = some.id.split_once('/').unwrap();
    // A number, as the manifest says, though it stands in the record's id as text.
    assert_eq!(some.values[2], Some(json!(parent.parse::<i64>().unwrap())));
    done(update(&*poweroffice, "Contactperson", &watch, &some, 3, json!(false)));
    assert_eq!(
        sandbox.record("poweroffice-go", "ContactPersons", id).unwrap()["IsActive"],
        json!(false)
    );
    let made = done(create(
        &*poweroffice,
        "Contactperson",
        &watch,
        &[(0, json!("Ada")), (1, json!("Berg")), (2, json!(parent.parse::<i64>().unwrap()))],
    ));
    assert!(made.id.starts_with(&format!("{parent}/")), "{}", made.id);
    let action = lockstep_connector::Action::Delete { id: made.id.clone(), version: None };
    done(super::one(
        &*poweroffice,
        "Contactperson",
        &watch,
        lockstep_connector::Write { action, values: vec![], token: "test".into() },
    ));
    assert_eq!(poweroffice.get("Contactperson", &watch, &made.id).unwrap(), None);
    assert!(sandbox.requests(0).iter().all(|asked| !asked.path.contains("/v1/")));
    // R3: an id that was known over v1 can't be asked for here, and is not gone because of that.
    assert!(matches!(
        poweroffice.get("Contactperson", &watch, id),
        Err(lockstep_connector::Trouble::Malformed(_))
    ));
}

#[test]
fn r1_an_edited_address_is_in_a_full_listing_only_and_that_is_said() {
    let sandbox = sandbox("poweroffice-go");
    let poweroffice = open("poweroffice-go", &sandbox);
    let watch = watch(&["MailAddress.City"]);
    let first = read(&*poweroffice, "Customers", &watch);
    let some = pick(&first, |_| true);
    sandbox
        .edit("poweroffice-go", "Customers", &some.id, &json!({"MailAddress": {"City": "Gol"}}))
        .unwrap();
    let second = read_all(&*poweroffice, "Customers", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!second.records.contains_key(&some.id));
    assert_eq!(
        read(&*poweroffice, "Customers", &watch).records[&some.id].values[0],
        Some(json!("Gol"))
    );
    for kind in ["Customers", "Employees"] {
        let ty = poweroffice.types().iter().find(|ty| ty.kind == kind).unwrap();
        let city = ty
            .properties
            .iter()
            .find(|property| property.path.as_str() == "MailAddress.City")
            .unwrap();
        assert!(city.note.as_ref().is_some_and(|note| note.contains("full listing")), "{kind}");
    }
}
