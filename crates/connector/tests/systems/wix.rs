//! Wix: revisions, lists of e-mails and phones with a primary one, duplicates, members.

use lockstep_connector::contract::{Subject, check, read_all};
use lockstep_connector::{Action, Outcome, Write};
use serde_json::{Value, json};

use super::{create, done, get, open, pick, read, sandbox, update, watch};

const CONTACT: [&str; 4] =
    ["info.name.first", "info.name.last", "info.emails.email", "info.phones.phone"];

#[test]
fn contacts_keep_the_contract() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    check(&Subject {
        connector: &*wix,
        kind: "Contacts",
        watch: watch(&CONTACT),
        creates: vec![
            vec![
                json!("Solveig"),
                json!("Fjeld"),
                json!("solveig.fjeld@example.com"),
                json!("+47 22 00 11 22"),
            ],
            vec![json!("Eskil"), Value::Null, json!("eskil@example.com"), Value::Null],
        ],
        update: (0, json!("Sunniva")),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        refuses_stale_versions: true,
    });
}

#[test]
fn products_keep_the_contract() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    check(&Subject {
        connector: &*wix,
        kind: "Products",
        watch: watch(&["name", "description"]),
        creates: vec![
            vec![json!("Fjordkanne"), json!("Kanne.")],
            vec![json!("Vinterlykt"), Value::Null],
        ],
        update: (0, json!("Fjordkrus")),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        refuses_stale_versions: false,
    });
}

#[test]
fn members_are_read_with_their_login_and_their_contact() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&["loginEmail", "contactId", "contact.firstName"]);
    let members = read(&*wix, "Members", &watch);
    assert_eq!(members.records.len(), sandbox.records("wix", "members").unwrap().len());
    let contacts = read(&*wix, "Contacts", &[]);
    for member in members.records.values() {
        assert!(member.values[0].as_ref().is_some_and(Value::is_string), "{member:?}");
        let contact = member.values[1].as_ref().and_then(Value::as_str).unwrap();
        assert!(contacts.records.contains_key(contact), "{member:?}");
    }
}

#[test]
fn p9_an_email_takes_the_place_of_the_one_it_displaces_and_the_others_stay() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let emails = json!({"info": {"name": {"first": "Ada"}, "emails": {"items": [
        {"tag": "HOME", "email": "ada.home@example.com"}, {"tag": "WORK", "email": "ada.work@example.com", "primary": true}]}}});
    let put = sandbox.put("wix", "contacts", emails).unwrap();
    let id = put["id"].as_str().unwrap();
    let watch = watch(&CONTACT);
    let before = get(&*wix, "Contacts", &watch, id);
    assert_eq!(
        before.values[2],
        Some(json!(["ada.work@example.com", "ada.home@example.com"])),
        "the primary one comes first"
    );
    let after = done(update(&*wix, "Contacts", &watch, &before, 2, json!("ada.new@example.com")));
    assert_eq!(after.values[2], Some(json!(["ada.new@example.com", "ada.home@example.com"])));
    let stored = sandbox.record("wix", "contacts", id).unwrap();
    let item = |place: &str, n: usize| {
        stored.pointer(&format!("/info/emails/items/{n}/{place}")).cloned().unwrap_or_default()
    };
    for n in [0, 1] {
        assert_eq!(
            item("id", n),
            put["info"]["emails"]["items"][n]["id"],
            "the elements keep their ids"
        );
    }
    assert_eq!((item("tag", 1), item("primary", 1)), (json!("WORK"), json!(true)));
    assert_eq!(stored["primaryInfo"]["email"], json!("ada.new@example.com"));
}

#[test]
fn a_new_phone_number_does_not_carry_the_old_ones_derived_form() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    let before = pick(&read(&*wix, "Contacts", &watch), |r| {
        r.values[3].as_ref().is_some_and(|v| v.as_array().is_some_and(|l| !l.is_empty()))
    });
    done(update(&*wix, "Contacts", &watch, &before, 3, json!("+47 22 33 44 55")));
    let sent = sandbox.record("wix", "contacts", &before.id).unwrap();
    assert_eq!(sent["primaryInfo"]["phone"], json!("+47 22 33 44 55"));
    let primary = sent["info"]["phones"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["primary"] == json!(true))
        .unwrap();
    assert_eq!(primary["e164Phone"], json!("+4722334455"));
}

#[test]
fn writing_a_first_name_leaves_the_last_name() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    let both = |r: &lockstep_model::ReadRecord| {
        r.values[..2].iter().all(|v| v.as_ref().is_some_and(Value::is_string))
    };
    let before = pick(&read(&*wix, "Contacts", &watch), both);
    let after = done(update(&*wix, "Contacts", &watch, &before, 0, json!("Runa")));
    assert_eq!((&after.values[0], &after.values[1]), (&Some(json!("Runa")), &before.values[1]));
    let emptied = done(update(&*wix, "Contacts", &watch, &after, 0, Value::Null));
    assert!(emptied.values[0].as_ref().is_none_or(lockstep_model::value::is_empty), "{emptied:?}");
    assert_eq!(emptied.values[1], before.values[1]);
}

#[test]
fn c2_a_refused_duplicate_names_the_contact_that_is_there() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    let first = done(create(
        &*wix,
        "Contacts",
        &watch,
        &[(0, json!("Liv")), (2, json!("liv@example.com"))],
    ));
    match create(&*wix, "Contacts", &watch, &[(0, json!("Liv")), (2, json!("liv@example.com"))]) {
        Outcome::Duplicate { id, .. } => assert_eq!(id, Some(first.id)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn p6_an_edit_made_meanwhile_is_not_overwritten() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    let before = pick(&read(&*wix, "Contacts", &watch), |_| true);
    sandbox
        .edit("wix", "contacts", &before.id, &json!({"info": {"name": {"first": "Meanwhile"}}}))
        .unwrap();
    let outcome = update(&*wix, "Contacts", &watch, &before, 0, json!("Too late"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    assert_eq!(
        sandbox.record("wix", "contacts", &before.id).unwrap()["info"]["name"]["first"],
        json!("Meanwhile")
    );
}

#[test]
fn r1_what_changed_is_read_and_nothing_else() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    let first = read(&*wix, "Contacts", &watch);
    assert!(first.everything);
    let some = pick(&first, |_| true);
    sandbox
        .edit("wix", "contacts", &some.id, &json!({"info": {"name": {"first": "Edited"}}}))
        .unwrap();
    let second = read_all(&*wix, "Contacts", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!second.everything);
    assert_eq!(second.records[&some.id].values[0], Some(json!("Edited")));
    assert!(
        second.records.len() < first.records.len(),
        "all {} were read again",
        first.records.len()
    );
}

#[test]
fn a_contact_is_found_by_its_email() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    let has =
        |r: &lockstep_model::ReadRecord| r.values[2].as_ref().and_then(|v| v.get(0)).is_some();
    let some = pick(&read(&*wix, "Contacts", &watch), has);
    let email = some.values[2].as_ref().unwrap()[0].clone();
    let found = wix.find("Contacts", &watch, 2, &email).unwrap().expect("it can be asked for");
    assert!(found.iter().any(|r| r.id == some.id), "{found:?}");
    assert_eq!(
        wix.find("Contacts", &watch, 2, &json!("nobody@example.com")).unwrap(),
        Some(vec![])
    );
}

#[test]
fn p6_what_changed_meanwhile_is_not_deleted() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    let made = done(create(&*wix, "Contacts", &watch, &[(0, json!("Ada"))]));
    sandbox
        .edit("wix", "contacts", &made.id, &json!({"info": {"name": {"first": "Edited"}}}))
        .unwrap();
    let delete = |version: Option<String>| {
        let action = Action::Delete { id: made.id.clone(), version };
        super::one(
            &*wix,
            "Contacts",
            &watch,
            Write { action, values: vec![], token: "test".into() },
        )
    };
    let outcome = delete(made.version.clone());
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    done(delete(get(&*wix, "Contacts", &watch, &made.id).version));
    assert_eq!(wix.get("Contacts", &watch, &made.id).unwrap(), None);
}

#[test]
fn g4_an_email_that_cannot_be_changed_is_named() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&CONTACT);
    // A member's own address changes with the member only.
    let members = read(&*wix, "Members", &super::watch(&["contactId"]));
    let contact = pick(&members, |_| true).values[0].clone().unwrap();
    let contact = get(&*wix, "Contacts", &watch, contact.as_str().unwrap());
    let outcome = update(&*wix, "Contacts", &watch, &contact, 2, json!("member.new@example.com"));
    assert!(
        matches!(&outcome, Outcome::Rejected { prop: Some(2), message } if !message.is_empty()),
        "{outcome:?}"
    );
    // An address that somebody else has: no duplicate of this record, but a value that it can't
    // take.
    done(create(&*wix, "Contacts", &watch, &[(0, json!("Liv")), (2, json!("liv@example.com"))]));
    let other = done(create(
        &*wix,
        "Contacts",
        &watch,
        &[(0, json!("Runa")), (2, json!("runa@example.com"))],
    ));
    let outcome = update(&*wix, "Contacts", &watch, &other, 2, json!("liv@example.com"));
    assert!(matches!(outcome, Outcome::Rejected { prop: Some(2), .. }), "{outcome:?}");
}

/// The account's other site, which has catalog V3 and some products in it.
pub fn newer_site(sandbox: &lockstep_sandbox::Running) -> Box<dyn lockstep_connector::Connector> {
    for (n, name) in ["Termos", "Sitteunderlag", "Bålpanne"].into_iter().enumerate() {
        let variant = json!({"sku": format!("NO-9{n}"), "price": {"actualPrice": {"amount": "99"}}, "physicalProperties": {}});
        let product = json!({"name": name, "productType": "PHYSICAL", "physicalProperties": {}, "visible": n > 0,
            "variantsInfo": {"variants": [variant]}});
        sandbox.put("wix", "products-v3", product).unwrap();
    }
    let mut with = super::with("wix", sandbox);
    let site = lockstep_sandbox::credentials("wix")
        .into_iter()
        .find(|(name, _)| name == "WIX_SITE_ID_V3")
        .unwrap()
        .1;
    with.insert("site_id".into(), site.into());
    lockstep_connector::catalogue::connect("wix", &with, std::path::Path::new(".")).unwrap()
}

#[test]
fn r1_hidden_products_are_listed() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&["name", "visible"]);
    let some = pick(&read(&*wix, "Products", &watch), |_| true);
    done(update(&*wix, "Products", &watch, &some, 1, json!(false)));
    assert_eq!(read(&*wix, "Products", &watch).records[&some.id].values[1], Some(json!(false)));
}

#[test]
fn a_members_emptied_values_are_emptied() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let watch = watch(&["loginEmail", "contact.firstName", "contact.company", "contact.phones"]);
    let values = [
        (0, json!("liv@example.com")),
        (1, json!("Liv")),
        (2, json!("Fjordheim AS")),
        (3, json!(["+47 22 00 00 01"])),
    ];
    let made = done(create(&*wix, "Members", &watch, &values));
    let made = get(&*wix, "Members", &watch, &made.id);
    assert_eq!(made.values[3], Some(json!(["+47 22 00 00 01"])));
    for prop in [1, 2] {
        let before = get(&*wix, "Members", &watch, &made.id);
        done(update(&*wix, "Members", &watch, &before, prop, Value::Null));
        assert_eq!(
            get(&*wix, "Members", &watch, &made.id).values[prop],
            Some(Value::Null),
            "{prop}"
        );
    }
    for value in [json!([]), Value::Null] {
        let before = get(&*wix, "Members", &watch, &made.id);
        let before = done(update(&*wix, "Members", &watch, &before, 3, json!(["+47 22 00 00 02"])));
        done(update(&*wix, "Members", &watch, &before, 3, value));
        assert_eq!(get(&*wix, "Members", &watch, &made.id).values[3], Some(json!([])));
    }
}

#[test]
fn products_of_a_newer_site_keep_the_contract() {
    let sandbox = sandbox("wix");
    let wix = newer_site(&sandbox);
    check(&Subject {
        connector: &*wix,
        kind: "ProductsV3",
        watch: watch(&["name", "sku", "price", "visible"]),
        creates: vec![
            vec![json!("Turkopp"), json!("NO-1"), json!("149.50"), json!(true)],
            vec![json!("Kniv"), Value::Null, json!("89"), json!(false)],
        ],
        update: (2, json!("129")),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        refuses_stale_versions: true,
    });
}

#[test]
fn which_catalog_a_site_has_is_said() {
    let sandbox = sandbox("wix");
    let (older, newer) = (open("wix", &sandbox), newer_site(&sandbox));
    assert!(
        older.test().unwrap().contains("Catalog V1: its products are the record type Products")
    );
    assert!(
        newer.test().unwrap().contains("Catalog V3: its products are the record type ProductsV3")
    );
    let told = |trouble: lockstep_connector::Trouble| trouble.to_string();
    let watch = watch(&["name"]);
    let wrong = told(read_all(&*newer, "Products", &watch, None, 100).err().unwrap());
    assert!(wrong.contains("use the record type ProductsV3 in place of Products"), "{wrong}");
    let wrong = told(read_all(&*older, "ProductsV3", &watch, None, 100).err().unwrap());
    assert!(wrong.contains("use the record type Products in place of ProductsV3"), "{wrong}");
    let sheet = lockstep_connector::conformance::settle_questions(&*newer).unwrap();
    assert_eq!(sheet.failures().collect::<Vec<_>>(), vec![]);
}

#[test]
fn g4_a_contact_who_is_a_member_is_not_deleted_and_that_is_no_conflict() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let member = pick(&read(&*wix, "Members", &watch(&["contactId"])), |_| true);
    let id = member.values[0].clone().unwrap().as_str().unwrap().to_string();
    let action = Action::Delete { id, version: None };
    let outcome = super::one(
        &*wix,
        "Contacts",
        &watch(&CONTACT),
        Write { action, values: vec![], token: "test".into() },
    );
    assert!(
        matches!(&outcome, Outcome::Rejected { message, .. } if message.contains("member")),
        "{outcome:?}"
    );
}
