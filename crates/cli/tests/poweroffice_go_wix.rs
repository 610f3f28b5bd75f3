//! PowerOffice Go to Wix, as `examples/documents/poweroffice-go-wix.rst` says, with
//! `wix-crmoffice.rst` behind it: employees, contact persons and customers become contacts of Wix,
//! and these contacts of CRMOffice. Every row is tried from every system.

use crate::kit::{World, flow, reviews, shown, situation, text};
use serde_json::{Value, json};

const GO: &str = "poweroffice-go";
const EMPLOYEES: &str = "poweroffice-go.Employees";
const PERSONS: &str = "poweroffice-go.Contactperson";
const CUSTOMERS: &str = "poweroffice-go.Customers";
const CONTACTS: &str = "wix.Contacts";

fn world() -> World {
    World::new(&["poweroffice-go-wix", "wix-crmoffice"])
}

fn employee(world: &World, first: &str, last: &str, phone: &str) -> String {
    let body = json!({"FirstName": first, "LastName": last, "PhoneNumber": phone, "EmailAddress": format!("{}@example.no", last.to_lowercase())});
    world.put(GO, "Employees", body)
}

/// A company: it has a name, and no first and last name.
fn company(world: &World, name: &str, email: &str) -> String {
    world.put(GO, "Customers", json!({"Name": name, "EmailAddress": email, "IsPerson": false}))
}

fn customer(world: &World, first: &str, last: &str, email: &str) -> String {
    world.put(
        GO,
        "Customers",
        json!({"FirstName": first, "LastName": last, "EmailAddress": email, "IsPerson": true}),
    )
}

fn person(world: &World, company: &str, first: &str, last: &str, email: &str) -> String {
    let parent: i64 = company.parse().unwrap();
    let body =
        json!({"ContactId": parent, "FirstName": first, "LastName": last, "EmailAddress": email});
    world.put(GO, "ContactPersons", body)
}

/// The phones of a contact in Wix: number, tag, whether it is the primary one.
fn phones(contact: &Value) -> Vec<(String, String, bool)> {
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

fn emails(contact: &Value) -> Vec<(String, String, bool)> {
    let items = contact
        .pointer("/info/emails/items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    items
        .iter()
        .map(|i| (text(i, "/email").into(), text(i, "/tag").into(), i["primary"] == true))
        .collect()
}

fn item(value: &str, tag: &str, primary: bool) -> (String, String, bool) {
    (value.into(), tag.into(), primary)
}

/// One person in three systems, made by a run from the record in PowerOffice.
struct Three {
    world: World,
    collection: &'static str,
    go: String,
    wix: String,
    crm: String,
}

impl Three {
    fn new(world: World, collection: &'static str, go: String, last: &str) -> Three {
        let mut world = world;
        world.run_smoothly();
        let (wix, _) = world.one("wix", "contacts", "/info/name/last", last);
        let (crm, _) = world.one("crmoffice", "contacts", "/familyName", last);
        Three { world, collection, go, wix, crm }
    }

    fn of_employee() -> Three {
        let world = world();
        let go = employee(&world, "Solveig", "Aas", "+47 22 33 44 55");
        Three::new(world, "Employees", go, "Aas")
    }

    fn of_person() -> Three {
        let world = world();
        let firm = company(&world, "Fjordbruket AS", "post@example.org");
        let go = person(&world, &firm, "Torbjørn", "Lie", "torbjorn@example.com");
        Three::new(world, "ContactPersons", go, "Lie")
    }

    fn of_customer() -> Three {
        let world = world();
        let go = customer(&world, "Gunnhild", "Moe", "gunnhild@example.net");
        Three::new(world, "Customers", go, "Moe")
    }

    fn go(&self) -> Value {
        self.world.record(GO, self.collection, &self.go)
    }

    fn wix(&self) -> Value {
        self.world.record("wix", "contacts", &self.wix)
    }

    fn crm(&self) -> Value {
        self.world.record("crmoffice", "contacts", &self.crm)
    }

    fn edit_go(&self, patch: Value) {
        self.world.edit(GO, self.collection, &self.go, patch);
    }

    fn edit_wix(&self, info: Value) {
        self.world.edit("wix", "contacts", &self.wix, json!({ "info": info }));
    }

    fn edit_crm(&self, patch: Value) {
        self.world.edit("crmoffice", "contacts", &self.crm, patch);
    }

    /// A run that carries an edit on, and after it one that does nothing (P4, P5).
    fn run(&mut self) {
        self.world.run_smoothly();
        self.world.idle();
    }

    #[track_caller]
    fn all_are_called(&self, first: &str, last: &str) {
        let (go, wix, crm) = (self.go(), self.wix(), self.crm());
        assert_eq!(
            (text(&go, "/FirstName"), text(&go, "/LastName")),
            (first, last),
            "in PowerOffice"
        );
        assert_eq!(
            (text(&wix, "/info/name/first"), text(&wix, "/info/name/last")),
            (first, last),
            "in Wix"
        );
        assert_eq!(
            (text(&crm, "/givenName"), text(&crm, "/familyName")),
            (first, last),
            "in CRMOffice"
        );
    }

    /// The rows of the names, edited in each of the three systems.
    fn names_travel_every_way(&mut self) {
        self.edit_go(json!({"FirstName": "Ragnhild"}));
        self.run();
        let last = text(&self.go(), "/LastName").to_string();
        self.all_are_called("Ragnhild", &last);
        self.edit_go(json!({"LastName": "Bakken"}));
        self.run();
        self.all_are_called("Ragnhild", "Bakken");
        self.edit_wix(json!({"name": {"first": "Ragna"}}));
        self.run();
        self.all_are_called("Ragna", "Bakken");
        self.edit_wix(json!({"name": {"last": "Sæther"}}));
        self.run();
        self.all_are_called("Ragna", "Sæther");
        self.edit_crm(json!({"givenName": "Ragne"}));
        self.run();
        self.all_are_called("Ragne", "Sæther");
        self.edit_crm(json!({"familyName": "Øien"}));
        self.run();
        self.all_are_called("Ragne", "Øien");
    }

    /// The rows of the e-mail address. CRMOffice has no property for it.
    fn the_address_travels_both_ways(&mut self) {
        self.edit_go(json!({"EmailAddress": "new@example.no"}));
        self.run();
        assert_eq!(emails(&self.wix()), [item("new@example.no", "UNTAGGED", true)]);
        assert_eq!(text(&self.wix(), "/primaryInfo/email"), "new@example.no");

        self.edit_wix(json!({"emails": {"items": [
            {"email": "work@example.no", "tag": "WORK", "primary": true}, {"email": "home@example.no", "tag": "HOME"}]}}));
        self.run();
        assert_eq!(text(&self.go(), "/EmailAddress"), "work@example.no", "the primary one");

        // P9: the element it came from is replaced; its tag and the other element stay.
        self.edit_go(json!({"EmailAddress": "office@example.no"}));
        self.run();
        assert_eq!(
            emails(&self.wix()),
            [item("office@example.no", "WORK", true), item("home@example.no", "HOME", false)]
        );

        // P2: emptying is an edit like any other.
        self.edit_wix(json!({"emails": null}));
        self.run();
        assert_eq!(text(&self.go(), "/EmailAddress"), "");
        self.edit_go(json!({"EmailAddress": "again@example.no"}));
        self.run();
        assert_eq!(emails(&self.wix()), [item("again@example.no", "UNTAGGED", true)]);
        self.edit_go(json!({"EmailAddress": null}));
        self.run();
        assert_eq!((emails(&self.wix()), text(&self.wix(), "/primaryInfo/email")), (vec![], ""));
    }
}

#[test]
fn every_record_of_the_three_types_becomes_one_contact_complete_and_travels_on_to_crmoffice() {
    let mut world = world();
    employee(&world, "Solveig", "Aas", "+47 22 33 44 55");
    let firm = company(&world, "Fjordbruket AS", "post@example.org");
    person(&world, &firm, "Torbjørn", "Lie", "torbjorn@example.com");
    customer(&world, "Gunnhild", "Moe", "gunnhild@example.net");

    let report = world.run_smoothly();
    assert_eq!(flow(&report, EMPLOYEES, CONTACTS).created, 1, "{}", shown(&report));
    assert_eq!(flow(&report, PERSONS, CONTACTS).created, 1, "{}", shown(&report));
    assert_eq!(flow(&report, CUSTOMERS, CONTACTS).created, 2, "{}", shown(&report));
    // C1: complete in the first write, so no contact is updated.
    assert_eq!(world.written("wix", "contacts"), (4, 0));
    let (_, solveig) = world.one("wix", "contacts", "/info/name/last", "Aas");
    assert_eq!(text(&solveig, "/info/name/first"), "Solveig");
    assert_eq!(phones(&solveig), [item("+47 22 33 44 55", "UNTAGGED", true)]);
    assert_eq!(emails(&solveig), [], "no row carries an employee's address");
    let (_, torbjorn) = world.one("wix", "contacts", "/info/name/last", "Lie");
    assert_eq!(text(&torbjorn, "/info/name/first"), "Torbjørn");
    assert_eq!(emails(&torbjorn), [item("torbjorn@example.com", "UNTAGGED", true)]);
    let (_, gunnhild) = world.one("wix", "contacts", "/info/name/last", "Moe");
    assert_eq!(
        (text(&gunnhild, "/info/name/first"), text(&gunnhild, "/primaryInfo/email")),
        ("Gunnhild", "gunnhild@example.net")
    );
    let (_, fjordbruket) = world.one("wix", "contacts", "/primaryInfo/email", "post@example.org");
    assert_eq!(fjordbruket.pointer("/info/name/first"), None, "a company has no first name");

    // Values travel on where nothing is paired directly (P0). The company has nothing that
    // CRMOffice would get (C3).
    assert_eq!(world.written("crmoffice", "contacts"), (3, 0));
    let (_, solveig) = world.one("crmoffice", "contacts", "/familyName", "Aas");
    assert_eq!(
        (text(&solveig, "/givenName"), text(&solveig, "/directPhone")),
        ("Solveig", "+47 22 33 44 55")
    );
    let (_, torbjorn) = world.one("crmoffice", "contacts", "/familyName", "Lie");
    assert_eq!((text(&torbjorn, "/givenName"), text(&torbjorn, "/directPhone")), ("Torbjørn", ""));
    world.one("crmoffice", "contacts", "/familyName", "Moe");
    assert_eq!(world.entities().len(), 4);
    world.idle();
}

#[test]
fn what_is_new_later_is_created_later_and_once() {
    let mut world = world();
    employee(&world, "Solveig", "Aas", "+47 22 33 44 55");
    world.run_smoothly();
    employee(&world, "Eirik", "Dahl", "+47 22 33 44 66");
    let report = world.run_smoothly();
    assert_eq!(flow(&report, EMPLOYEES, CONTACTS).created, 1, "{}", shown(&report));
    assert_eq!(
        (world.written("wix", "contacts"), world.written("crmoffice", "contacts")),
        ((2, 0), (2, 0)),
        "C2: at most once"
    );
    world.idle();
}

#[test]
fn a_contact_of_wix_alone_makes_nothing_in_poweroffice() {
    let mut world = world();
    world.put("wix", "contacts", json!({"info": {"name": {"first": "Inga", "last": "Vik"}}}));
    world.run_smoothly();
    for collection in ["Employees", "Customers", "ContactPersons"] {
        assert_eq!(world.records(GO, collection), Vec::<Value>::new(), "{collection}");
    }
    world.one("crmoffice", "contacts", "/familyName", "Vik");
    world.idle();
}

#[test]
fn an_employees_names_travel_from_each_system_to_the_others() {
    Three::of_employee().names_travel_every_way();
}

#[test]
fn a_contact_persons_names_travel_from_each_system_to_the_others() {
    Three::of_person().names_travel_every_way();
}

#[test]
fn a_customers_names_travel_from_each_system_to_the_others() {
    Three::of_customer().names_travel_every_way();
}

#[test]
fn a_contact_persons_address_travels_both_ways_and_leaves_other_addresses_alone() {
    Three::of_person().the_address_travels_both_ways();
}

#[test]
fn a_customers_address_travels_both_ways_and_leaves_other_addresses_alone() {
    Three::of_customer().the_address_travels_both_ways();
}

#[test]
fn an_employees_phone_travels_every_way_and_leaves_other_numbers_alone() {
    let mut three = Three::of_employee();
    three.edit_go(json!({"PhoneNumber": "+47 22 00 00 01"}));
    three.run();
    assert_eq!(phones(&three.wix()), [item("+47 22 00 00 01", "UNTAGGED", true)]);
    assert_eq!(text(&three.crm(), "/directPhone"), "+47 22 00 00 01");

    // Wix has two: the primary one is the one that the rows speak of.
    three.edit_wix(json!({"phones": {"items": [
        {"phone": "+47 90 00 00 99", "tag": "HOME"}, {"phone": "+47 22 00 00 02", "tag": "WORK", "primary": true}]}}));
    three.run();
    assert_eq!(text(&three.go(), "/PhoneNumber"), "+47 22 00 00 02");
    assert_eq!(text(&three.crm(), "/directPhone"), "+47 22 00 00 02");
    let ids = |three: &Three| -> Vec<String> {
        let items =
            three.wix().pointer("/info/phones/items").and_then(Value::as_array).cloned().unwrap();
        items.iter().map(|item| text(item, "/id").to_string()).collect()
    };
    let before = ids(&three);

    // P9: from PowerOffice, and through derived primaryInfo.phone (P10) from CRMOffice.
    three.edit_go(json!({"PhoneNumber": "+47 22 00 00 03"}));
    three.run();
    assert_eq!(
        phones(&three.wix()),
        [item("+47 90 00 00 99", "HOME", false), item("+47 22 00 00 03", "WORK", true)]
    );
    assert_eq!(text(&three.crm(), "/directPhone"), "+47 22 00 00 03");
    three.edit_crm(json!({"directPhone": "+47 22 00 00 04"}));
    three.run();
    assert_eq!(
        phones(&three.wix()),
        [item("+47 90 00 00 99", "HOME", false), item("+47 22 00 00 04", "WORK", true)]
    );
    assert_eq!(text(&three.go(), "/PhoneNumber"), "+47 22 00 00 04");
    assert_eq!(ids(&three), before, "the elements are the same ones");

    // The number that is not primary is nobody else's business.
    three.edit_wix(json!({"phones": {"items": [
        {"phone": "+47 90 00 00 98", "tag": "HOME"}, {"phone": "+47 22 00 00 04", "tag": "WORK", "primary": true}]}}));
    three.world.idle();
    assert_eq!(text(&three.go(), "/PhoneNumber"), "+47 22 00 00 04");
}

#[test]
fn an_employees_phone_that_is_cleared_is_cleared_everywhere_and_other_numbers_stay() {
    let mut three = Three::of_employee();
    three.edit_go(json!({"PhoneNumber": null}));
    three.run();
    assert_eq!((phones(&three.wix()), text(&three.crm(), "/directPhone")), (vec![], ""), "P2");

    let one = json!({"phones": {"items": [{"phone": "+47 22 00 00 05", "primary": true}]}});
    three.edit_wix(one);
    three.run();
    assert_eq!(
        (text(&three.go(), "/PhoneNumber"), text(&three.crm(), "/directPhone")),
        ("+47 22 00 00 05", "+47 22 00 00 05")
    );
    three.edit_wix(json!({"phones": null}));
    three.run();
    assert_eq!(
        (text(&three.go(), "/PhoneNumber"), text(&three.crm(), "/directPhone")),
        ("", ""),
        "P2"
    );

    three.edit_crm(json!({"directPhone": "+47 22 00 00 06"}));
    three.run();
    assert_eq!(text(&three.go(), "/PhoneNumber"), "+47 22 00 00 06");
    assert_eq!(phones(&three.wix()), [item("+47 22 00 00 06", "UNTAGGED", true)]);
    three.edit_crm(json!({"directPhone": null}));
    three.run();
    assert_eq!((text(&three.go(), "/PhoneNumber"), phones(&three.wix())), ("", vec![]), "P2");

    // P9: only the element that it came from goes.
    three.edit_wix(json!({"phones": {"items": [
        {"phone": "+47 22 00 00 07", "tag": "WORK", "primary": true}, {"phone": "+47 90 00 00 99", "tag": "HOME"}]}}));
    three.run();
    three.edit_go(json!({"PhoneNumber": null}));
    three.run();
    assert_eq!(phones(&three.wix()), [item("+47 90 00 00 99", "HOME", true)]);
}

#[test]
fn a_name_that_poweroffice_requires_is_refused_there_and_cleared_elsewhere() {
    for three in [Three::of_employee, Three::of_person, Three::of_customer] {
        for (part, go, crm) in
            [("first", "/FirstName", "/givenName"), ("last", "/LastName", "/familyName")]
        {
            let mut three = three();
            let before = text(&three.go(), go).to_string();
            three.edit_wix(json!({"name": {part: null}}));
            let report = three.world.run();
            assert_eq!(
                report.reviews.get("rejected value"),
                Some(&1),
                "G4 {}: {}",
                three.collection,
                shown(&report)
            );
            assert_eq!(text(&three.go(), go), before);
            assert_eq!(text(&three.crm(), crm), "", "P2, G4: other systems do not wait");
            three.world.idle();
            // It is over when a person gives it a value again.
            three.edit_wix(json!({"name": {part: "Ny"}}));
            three.run();
            assert_eq!(
                (text(&three.go(), go), text(&three.crm(), crm)),
                ("Ny", "Ny"),
                "{}",
                three.collection
            );
        }
    }
}

#[test]
fn what_comes_with_a_refused_name_is_written_all_the_same() {
    let mut three = Three::of_employee();
    three.edit_wix(
        json!({"name": {"first": null}, "phones": {"items": [{"phone": "+47 22 00 00 08"}]}}),
    );
    let report = three.world.run();
    assert_eq!(report.reviews.get("rejected value"), Some(&1), "G4: {}", shown(&report));
    assert_eq!(
        (text(&three.go(), "/FirstName"), text(&three.go(), "/PhoneNumber")),
        ("Solveig", "+47 22 00 00 08"),
        "G4"
    );
    three.world.idle();

    let mut three = Three::of_person();
    three.edit_wix(
        json!({"name": {"last": null}, "emails": {"items": [{"email": "lie@example.no"}]}}),
    );
    let report = three.world.run();
    assert_eq!(report.reviews.get("rejected value"), Some(&1), "G4: {}", shown(&report));
    assert_eq!(
        (text(&three.go(), "/LastName"), text(&three.go(), "/EmailAddress")),
        ("Lie", "lie@example.no"),
        "G4"
    );
    three.world.idle();
}

#[test]
fn a_company_keeps_no_first_and_last_name_and_is_not_written_to_for_ever() {
    let mut world = world();
    let firm = company(&world, "Fjordbruket AS", "post@example.org");
    world.run_smoothly();
    let (contact, _) = world.one("wix", "contacts", "/primaryInfo/email", "post@example.org");
    world.edit(
        "wix",
        "contacts",
        &contact,
        json!({"info": {"name": {"first": "Inga", "last": "Vik"}}}),
    );
    let mut told = reviews(&world.run());
    let company = world.record(GO, "Customers", &firm);
    assert_eq!(
        (&company["Name"], &company["FirstName"], &company["LastName"]),
        (&json!("Fjordbruket AS"), &Value::Null, &Value::Null)
    );
    world.one("crmoffice", "contacts", "/familyName", "Vik");
    // R6: what PowerOffice does not keep is no edit, comes back to nobody, and is not written
    // again.
    told.extend(reviews(&world.idle()));
    assert_eq!(text(&world.record("wix", "contacts", &contact), "/info/name/last"), "Vik");
    let written = world.written(GO, "Customers");
    world.edit(GO, "Customers", &firm, json!({"EmailAddress": "firma@example.org"}));
    let report = world.run();
    told.extend(reviews(&report));
    assert!(!report.unreachable() && report.outbox == 0, "{}", shown(&report));
    let contact = world.record("wix", "contacts", &contact);
    assert_eq!(
        (text(&contact, "/primaryInfo/email"), text(&contact, "/info/name/first")),
        ("firma@example.org", "Inga")
    );
    world.idle();
    assert_eq!(world.written(GO, "Customers"), written, "R6: never written again");
    // R6: a person is told, once of each.
    told.sort();
    let not_kept = |path: &str, value: &str| {
        let what =
            format!("{path}: “{value}” was acknowledged and is not kept: it shows nothing there");
        format!("value not kept {CUSTOMERS}/{firm}: {what} (R6)")
    };
    assert_eq!(told, [not_kept("FirstName", "Inga"), not_kept("LastName", "Vik")]);
    assert_eq!(world.idle().reviews.get("value not kept"), Some(&2), "and they stay open");
}

#[test]
fn a_contact_that_wix_has_already_is_linked_instead_of_created_and_filled_in() {
    let mut world = world();
    // Wix compares addresses, and phones where there is no address.
    let by_phone = json!({"info": {"name": {"first": "Solveig"}, "phones": {"items": [{"phone": "+47 22 33 44 55"}]}}});
    let by_phone = world.put("wix", "contacts", by_phone);
    let with_email = |first: &str, email: &str| {
        let info = json!({"name": {"first": first}, "emails": {"items": [{"email": email}]}});
        world.put("wix", "contacts", json!({ "info": info }))
    };
    let by_email = with_email("Torbjørn", "torbjorn@example.com");
    let by_email_too = with_email("Gunnhild", "gunnhild@example.net");
    let (go_employee, firm) = (
        employee(&world, "Solveig", "Aas", "+47 22 33 44 55"),
        company(&world, "Fjordbruket AS", ""),
    );
    let go_person = person(&world, &firm, "Torbjørn", "Lie", "torbjorn@example.com");
    let go_customer = customer(&world, "Gunnhild", "Moe", "gunnhild@example.net");

    let report = world.run_smoothly();
    assert_eq!(world.written("wix", "contacts").0, 0, "C2: nothing is created: {}", shown(&report));
    for (id, last) in [(&by_phone, "Aas"), (&by_email, "Lie"), (&by_email_too, "Moe")] {
        assert_eq!(
            text(&world.record("wix", "contacts", id), "/info/name/last"),
            last,
            "P2: a value beats an empty one"
        );
    }
    let entities = world.entities();
    let together = |a: String, b: String| {
        entities.iter().any(|members| members.contains(&a) && members.contains(&b))
    };
    assert!(
        together(format!("{EMPLOYEES}/{go_employee}"), format!("{CONTACTS}/{by_phone}")),
        "{entities:?}"
    );
    assert!(
        together(format!("{PERSONS}/{firm}/{go_person}"), format!("{CONTACTS}/{by_email}")),
        "{entities:?}"
    );
    assert!(
        together(format!("{CUSTOMERS}/{go_customer}"), format!("{CONTACTS}/{by_email_too}")),
        "{entities:?}"
    );
    world.idle();
}

#[test]
fn a_contact_that_belongs_to_another_goes_to_review_instead_of_being_linked_twice() {
    let mut world = world();
    let firm = company(&world, "Fjordbruket AS", "");
    person(&world, &firm, "Torbjørn", "Lie", "torbjorn@example.com");
    world.run_smoothly();
    let twin = person(&world, &firm, "Tobben", "Lie", "torbjorn@example.com");
    let report = world.run();
    assert_eq!(report.reviews.values().sum::<u64>(), 1, "C2, L6: {}", shown(&report));
    assert!(
        reviews(&report)[0].contains(&format!("{PERSONS}/{firm}/{twin}")),
        "{:?}",
        reviews(&report)
    );
    assert_eq!(world.records("wix", "contacts").len(), 1);
    assert_eq!(
        text(&world.records("wix", "contacts")[0], "/info/name/first"),
        "Torbjørn",
        "nothing is written meanwhile"
    );
    world.idle();
}

#[test]
fn one_who_is_contact_person_and_customer_is_one_contact() {
    let mut world = world();
    let firm = company(&world, "Fjordbruket AS", "");
    person(&world, &firm, "Torbjørn", "Lie", "torbjorn@example.com");
    let go = customer(&world, "Torbjørn", "Lie", "torbjorn@example.com");
    world.run_smoothly();
    assert_eq!(
        (world.written("wix", "contacts"), world.written("crmoffice", "contacts")),
        ((1, 0), (1, 0)),
        "C2"
    );
    let entities = world.entities();
    assert!(entities.len() == 1 && entities[0].len() == 4, "L5: {entities:?}");
    world.idle();
    // What bears on the contact bears on them all.
    world.edit(GO, "Customers", &go, json!({"FirstName": "Tor"}));
    world.run_smoothly();
    assert_eq!(text(&world.records(GO, "ContactPersons")[0], "/FirstName"), "Tor");
    assert_eq!(text(&world.records("crmoffice", "contacts")[0], "/givenName"), "Tor");
    world.idle();
}

#[test]
fn a_company_with_nothing_to_tell_makes_no_contact_until_it_has() {
    let mut world = world();
    let firm = company(&world, "Fjordbruket AS", "");
    let report = world.run_smoothly();
    assert_eq!(
        situation(flow(&report, CUSTOMERS, CONTACTS), "excluded"),
        1,
        "C3: {}",
        shown(&report)
    );
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
    world.edit(GO, "Customers", &firm, json!({"EmailAddress": "post@example.org"}));
    world.run_smoothly();
    world.one("wix", "contacts", "/primaryInfo/email", "post@example.org");
    world.idle();
}

#[test]
fn a_contact_that_is_deleted_in_wix_is_not_created_anew() {
    let mut three = Three::of_employee();
    three.world.remove("wix", "contacts", &three.wix);
    three.edit_go(json!({"FirstName": "Ragnhild"}));
    three.world.run_smoothly();
    assert_eq!(three.world.records("wix", "contacts"), Vec::<Value>::new(), "D1");
    assert_eq!(
        (text(&three.go(), "/LastName"), text(&three.crm(), "/familyName")),
        ("Aas", "Aas"),
        "D1"
    );
    three.world.idle();
}

#[test]
fn edits_in_all_three_systems_between_two_runs_all_arrive() {
    let mut three = Three::of_employee();
    three.edit_go(json!({"FirstName": "Ragnhild"}));
    three.edit_wix(json!({"name": {"last": "Bakken"}}));
    three.edit_crm(json!({"directPhone": "+47 22 00 00 09"}));
    three.run();
    three.all_are_called("Ragnhild", "Bakken");
    assert_eq!(text(&three.go(), "/PhoneNumber"), "+47 22 00 00 09");
    assert_eq!(phones(&three.wix()), [item("+47 22 00 00 09", "UNTAGGED", true)]);
}
