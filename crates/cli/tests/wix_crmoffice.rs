//! Wix to CRMOffice, as `examples/documents/wix-crmoffice.rst` says: every contact gets a
//! counterpart, products get none because their property table is empty, and the section that
//! stands there twice is one flow.

use crate::kit::{World, flow, shown, situation, text};
use serde_json::{Value, json};

const CONTACTS: &str = "wix.Contacts";
const CRM_CONTACTS: &str = "crmoffice.Contacts";

fn world() -> World {
    World::new(&["wix-crmoffice"])
}

/// A contact in both systems, made by a run from one in Wix that has two phones; the second is the
/// primary one.
fn pair() -> (World, String, String) {
    let mut world = world();
    let info = json!({"name": {"first": "Solveig", "last": "Aas"}, "phones": {"items": [
        {"phone": "+47 90 00 00 99", "tag": "HOME"}, {"phone": "+47 22 33 44 55", "tag": "WORK", "primary": true}]}});
    let wix = world.put("wix", "contacts", json!({ "info": info }));
    world.run_smoothly();
    let (crm, _) = world.one("crmoffice", "contacts", "/familyName", "Aas");
    (world, wix, crm)
}

fn phones(world: &World, wix: &str) -> Vec<(String, String, bool)> {
    let contact = world.record("wix", "contacts", wix);
    let items = contact
        .pointer("/info/phones/items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    items
        .iter()
        .map(|i| (text(i, "/phone").into(), text(i, "/tag").into(), i["primary"] == true))
        .collect()
}

fn item(value: &str, tag: &str, primary: bool) -> (String, String, bool) {
    (value.into(), tag.into(), primary)
}

#[test]
fn every_contact_gets_one_counterpart_complete_in_the_first_write() {
    let (mut world, wix, crm) = pair();
    let contact = world.record("crmoffice", "contacts", &crm);
    assert_eq!(text(&contact, "/givenName"), "Solveig", "C1");
    assert_eq!(text(&contact, "/directPhone"), "+47 22 33 44 55", "C1: the primary phone");
    assert_eq!(world.written("crmoffice", "contacts"), (1, 0));
    assert_eq!(world.written("wix", "contacts"), (0, 0));
    assert_eq!(world.entities(), [[format!("{CRM_CONTACTS}/{crm}"), format!("{CONTACTS}/{wix}")]]);
    world.idle();

    world.put("wix", "contacts", json!({"info": {"name": {"first": "Eirik", "last": "Dahl"}}}));
    let report = world.run_smoothly();
    assert_eq!(flow(&report, CONTACTS, CRM_CONTACTS).created, 1, "{}", shown(&report));
    let (_, eirik) = world.one("crmoffice", "contacts", "/familyName", "Dahl");
    assert_eq!(eirik.pointer("/directPhone"), None);
    assert_eq!(world.written("crmoffice", "contacts"), (2, 0));
    world.idle();
}

#[test]
fn a_contact_of_crmoffice_makes_none_in_wix_and_without_a_match_row_is_not_recognised() {
    let mut world = world();
    assert!(world.checked().contains("so they will be there twice"), "G6: {}", world.checked());
    world.put("crmoffice", "contacts", json!({"givenName": "Inga", "familyName": "Vik"}));
    world.put("wix", "contacts", json!({"info": {"name": {"first": "Inga", "last": "Vik"}}}));
    world.run_smoothly();
    assert_eq!(world.records("wix", "contacts").len(), 1);
    assert_eq!(world.records("crmoffice", "contacts").len(), 2);
    assert_eq!(world.written("wix", "contacts"), (0, 0));
    world.idle();
}

#[test]
fn names_travel_both_ways() {
    let (mut world, wix, crm) = pair();
    for (part, path, names) in [
        ("first", "givenName", ["Ragnhild", "Ragna"]),
        ("last", "familyName", ["Bakken", "Sæther"]),
    ] {
        world.edit("wix", "contacts", &wix, json!({"info": {"name": {part: names[0]}}}));
        world.run_smoothly();
        assert_eq!(world.record("crmoffice", "contacts", &crm)[path], names[0]);
        world.idle();
        world.edit("crmoffice", "contacts", &crm, json!({path: names[1]}));
        world.run_smoothly();
        assert_eq!(world.record("wix", "contacts", &wix)["info"]["name"][part], names[1]);
        world.idle();
    }
    let contact = world.record("wix", "contacts", &wix);
    assert_eq!(
        contact["info"]["name"],
        json!({"first": "Ragna", "last": "Sæther"}),
        "an edit of one leaves the other alone"
    );
    assert_eq!(phones(&world, &wix).len(), 2);
}

#[test]
fn a_name_that_is_cleared_on_one_side_is_cleared_on_the_other() {
    let (mut world, wix, crm) = pair();
    let cleared = |value: &Value| value.as_str().unwrap_or_default().is_empty();
    for (part, path) in [("first", "givenName"), ("last", "familyName")] {
        let before = world.record("crmoffice", "contacts", &crm)[path].clone();
        world.edit("wix", "contacts", &wix, json!({"info": {"name": {part: null}}}));
        world.run_smoothly();
        assert!(cleared(&world.record("crmoffice", "contacts", &crm)[path]), "P2 {path}");
        world.idle();
        world.edit("crmoffice", "contacts", &crm, json!({path: before}));
        world.run_smoothly();
        assert_eq!(world.record("wix", "contacts", &wix)["info"]["name"][part], before);
        world.idle();
        world.edit("crmoffice", "contacts", &crm, json!({path: null}));
        world.run_smoothly();
        assert!(cleared(&world.record("wix", "contacts", &wix)["info"]["name"][part]), "P2 {part}");
        world.idle();
        world.edit("wix", "contacts", &wix, json!({"info": {"name": {part: before}}}));
        world.run_smoothly();
        assert_eq!(world.record("crmoffice", "contacts", &crm)[path], before);
        world.idle();
    }
}

#[test]
fn the_direct_phone_is_the_primary_element_of_the_phones_and_other_elements_stay() {
    let (mut world, wix, crm) = pair();
    // P10: primaryInfo.phone is derived; what is written is the element that it shows (P9).
    world.edit("crmoffice", "contacts", &crm, json!({"directPhone": "+47 22 00 00 01"}));
    world.run_smoothly();
    assert_eq!(
        phones(&world, &wix),
        [item("+47 90 00 00 99", "HOME", false), item("+47 22 00 00 01", "WORK", true)]
    );
    assert_eq!(
        text(&world.record("wix", "contacts", &wix), "/primaryInfo/phone"),
        "+47 22 00 00 01"
    );
    world.idle();

    // Another element becomes the primary one.
    world.edit(
        "wix",
        "contacts",
        &wix,
        json!({"info": {"phones": {"items": [
        {"phone": "+47 90 00 00 99", "tag": "HOME", "primary": true}, {"phone": "+47 22 00 00 01", "tag": "WORK"}]}}}),
    );
    world.run_smoothly();
    assert_eq!(
        text(&world.record("crmoffice", "contacts", &crm), "/directPhone"),
        "+47 90 00 00 99"
    );
    world.idle();
    world.edit("crmoffice", "contacts", &crm, json!({"directPhone": "+47 90 00 00 98"}));
    world.run_smoothly();
    assert_eq!(
        phones(&world, &wix),
        [item("+47 90 00 00 98", "HOME", true), item("+47 22 00 00 01", "WORK", false)]
    );
    world.idle();
}

#[test]
fn a_phone_that_is_cleared_on_one_side_is_cleared_on_the_other_and_other_numbers_stay() {
    let (mut world, wix, crm) = pair();
    world.edit("crmoffice", "contacts", &crm, json!({"directPhone": null}));
    world.run_smoothly();
    assert_eq!(phones(&world, &wix), [item("+47 90 00 00 99", "HOME", true)], "P2, P9");
    world.idle();

    world.edit(
        "wix",
        "contacts",
        &wix,
        json!({"info": {"phones": {"items": [{"phone": "+47 22 00 00 02"}]}}}),
    );
    world.run_smoothly();
    assert_eq!(
        text(&world.record("crmoffice", "contacts", &crm), "/directPhone"),
        "+47 22 00 00 02"
    );
    world.idle();
    world.edit("wix", "contacts", &wix, json!({"info": {"phones": null}}));
    world.run_smoothly();
    assert_eq!(text(&world.record("crmoffice", "contacts", &crm), "/directPhone"), "", "P2");
    world.idle();
    world.edit("crmoffice", "contacts", &crm, json!({"directPhone": "+47 22 00 00 03"}));
    world.run_smoothly();
    assert_eq!(
        phones(&world, &wix),
        [item("+47 22 00 00 03", "UNTAGGED", true)],
        "P9: appended where there is none"
    );
    world.idle();
}

#[test]
fn products_make_no_companies_and_it_is_said() {
    let mut world = world();
    let said = world.checked();
    assert!(
        said.contains(
            "synchronizes no property towards crmoffice.Companies, so it creates nothing (C3)"
        ),
        "{said}"
    );
    let product = world.put("wix", "products", json!({"name": "Garn, ull"}));
    let company = world.put("crmoffice", "companies", json!({"orgNr": "999888777"}));

    let report = world.run_smoothly();
    let products = flow(&report, "wix.Products", "crmoffice.Companies");
    assert_eq!(
        (products.linked, products.created, products.updated),
        (0, 0, 0),
        "{}",
        shown(&report)
    );
    assert_eq!(situation(products, "excluded"), 1, "L9: {}", shown(&report));
    assert!(
        products.why.iter().any(|count| count.why.name() == "nothing-synchronized"),
        "{:?}",
        products.why
    );
    assert_eq!(world.sandbox.total_writes(), 0);
    world.edit("wix", "products", &product, json!({"name": "Garn, bomull"}));
    world.edit("crmoffice", "companies", &company, json!({"orgNr": "999888666"}));
    world.idle();
    assert_eq!(
        (world.records("wix", "products").len(), world.records("crmoffice", "companies").len()),
        (1, 1)
    );
    assert_eq!(world.entities(), Vec::<Vec<String>>::new());
}

#[test]
fn the_section_that_stands_there_twice_is_one_flow() {
    let (mut world, ..) = pair();
    let report = world.idle();
    let flows: Vec<&str> = report.flows.iter().map(|flow| flow.flow.as_str()).collect();
    assert_eq!(
        flows,
        ["wix.Contacts to crmoffice.Contacts", "wix.Products to crmoffice.Companies"]
    );
    assert_eq!(
        world.written("crmoffice", "contacts"),
        (1, 0),
        "its empty table makes no second counterpart"
    );
}

#[test]
fn a_contact_with_nothing_to_carry_over_gets_its_counterpart_when_it_has_something() {
    let mut world = world();
    let wix = world.put(
        "wix",
        "contacts",
        json!({"info": {"emails": {"items": [{"email": "post@example.org"}]}}}),
    );
    let report = world.run_smoothly();
    assert_eq!(
        situation(flow(&report, CONTACTS, CRM_CONTACTS), "excluded"),
        1,
        "C3: {}",
        shown(&report)
    );
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
    world.edit("wix", "contacts", &wix, json!({"info": {"name": {"last": "Fjordbruket"}}}));
    world.run_smoothly();
    world.one("crmoffice", "contacts", "/familyName", "Fjordbruket");
    world.idle();
}

#[test]
fn edits_on_both_sides_between_two_runs_both_arrive_and_of_one_property_the_later_does() {
    let (mut world, wix, crm) = pair();
    world.edit("wix", "contacts", &wix, json!({"info": {"name": {"first": "Ragnhild"}}}));
    world.edit("crmoffice", "contacts", &crm, json!({"familyName": "Bakken"}));
    world.run_smoothly();
    assert_eq!(
        world.record("wix", "contacts", &wix)["info"]["name"],
        json!({"first": "Ragnhild", "last": "Bakken"})
    );
    let contact = world.record("crmoffice", "contacts", &crm);
    assert_eq!(
        (text(&contact, "/givenName"), text(&contact, "/familyName")),
        ("Ragnhild", "Bakken")
    );
    world.idle();

    // P1: CRMOffice tells no times, so its edit counts from when it was first seen, which is later.
    world.edit("crmoffice", "contacts", &crm, json!({"givenName": "Ragna"}));
    world.edit("wix", "contacts", &wix, json!({"info": {"name": {"first": "Ragne"}}}));
    world.run_smoothly();
    assert_eq!(text(&world.record("wix", "contacts", &wix), "/info/name/first"), "Ragna");
    assert_eq!(text(&world.record("crmoffice", "contacts", &crm), "/givenName"), "Ragna");
    world.idle();
}

#[test]
fn a_number_that_wix_shows_with_its_country_stays_as_it_was_typed_until_a_person_edits_it() {
    let mut world = world();
    let phones_of = json!({"items": [{"phone": "22 33 44 55", "countryCode": "NO", "tag": "WORK", "primary": true}]});
    let wix = world.put(
        "wix",
        "contacts",
        json!({"info": {"name": {"last": "Aas"}, "phones": phones_of}}),
    );
    world.run_smoothly();
    let (crm, contact) = world.one("crmoffice", "contacts", "/familyName", "Aas");
    let digits: String =
        text(&contact, "/directPhone").chars().filter(char::is_ascii_digit).collect();
    assert!(digits.ends_with("22334455"), "{contact}");
    world.idle();
    assert_eq!(
        phones(&world, &wix),
        [item("22 33 44 55", "WORK", true)],
        "P3: Wix's own way of showing it is no edit"
    );

    world.edit("crmoffice", "contacts", &crm, json!({"directPhone": "90 00 00 01"}));
    world.run_smoothly();
    assert_eq!(phones(&world, &wix), [item("90 00 00 01", "WORK", true)]);
    world.idle();
    assert_eq!(
        text(&world.record("crmoffice", "contacts", &crm), "/directPhone"),
        "90 00 00 01",
        "P5: no echo"
    );
}

#[test]
fn a_contact_that_is_deleted_on_one_side_stays_on_the_other_and_is_not_created_anew() {
    let (mut world, wix, crm) = pair();
    // With one more, so that CRMOffice does not list none, which would not be believed (G3).
    world.put(
        "crmoffice",
        "contacts",
        json!({"givenName": "Torbjørn", "familyName": "Lie", "directPhone": "22 00 00 02"}),
    );
    world.run_smoothly();
    world.remove("crmoffice", "contacts", &crm);
    world.run_smoothly();
    world.edit("wix", "contacts", &wix, json!({"info": {"name": {"first": "Ragnhild"}}}));
    world.run_smoothly();
    let left = world.records("crmoffice", "contacts");
    assert_eq!(
        left.iter().map(|left| text(left, "/familyName")).collect::<Vec<_>>(),
        ["Lie"],
        "D1"
    );
    assert_eq!(text(&world.record("wix", "contacts", &wix), "/info/name/last"), "Aas", "D1");
    world.idle();

    let (mut world, wix, crm) = pair();
    world.remove("wix", "contacts", &wix);
    world.edit("crmoffice", "contacts", &crm, json!({"givenName": "Ragnhild"}));
    world.run_smoothly();
    assert_eq!(world.records("wix", "contacts"), Vec::<Value>::new(), "D1");
    assert_eq!(text(&world.record("crmoffice", "contacts", &crm), "/familyName"), "Aas", "D1");
    world.idle();
}

#[test]
fn a_contact_that_crmoffice_refuses_waits_for_a_person_and_keeps_no_other_back() {
    let mut world = world();
    // Nothing but a phone: CRMOffice wants a name.
    let phone = json!({"items": [{"phone": "+47 22 33 44 55"}]});
    let wix = world.put("wix", "contacts", json!({"info": {"phones": phone}}));
    world.put("wix", "contacts", json!({"info": {"name": {"first": "Eirik", "last": "Dahl"}}}));
    let report = world.run();
    assert!(report.needs_a_person(), "G4: {}", shown(&report));
    assert_eq!(world.records("crmoffice", "contacts").len(), 1);
    world.one("crmoffice", "contacts", "/familyName", "Dahl");
    world.idle();
    world.edit("wix", "contacts", &wix, json!({"info": {"name": {"last": "Vik"}}}));
    world.run_smoothly();
    let (_, contact) = world.one("crmoffice", "contacts", "/familyName", "Vik");
    assert_eq!(text(&contact, "/directPhone"), "+47 22 33 44 55");
    world.idle();
}

#[test]
fn more_contacts_than_a_page_holds_all_get_their_counterpart_once() {
    let mut world = world();
    for n in 0..230 {
        world.put(
            "wix",
            "contacts",
            json!({"info": {"name": {"first": format!("Liv {n}"), "last": "Moe"}}}),
        );
    }
    world.run_smoothly();
    assert_eq!(world.written("crmoffice", "contacts"), (230, 0));
    let mut names: Vec<String> = world
        .records("crmoffice", "contacts")
        .iter()
        .map(|contact| text(contact, "/givenName").to_string())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 230);
    let report = world.idle();
    let read =
        report.systems.iter().find(|system| system.system == "crmoffice").map(|system| system.read);
    assert_eq!(read, Some(230), "CRMOffice tells no changes: all are read and compared (R2)");
}
