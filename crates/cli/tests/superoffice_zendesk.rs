//! SuperOffice to Zendesk, as `examples/documents/superoffice-zendesk.rst` says: contacts become organizations, tickets tickets, users
//! users, and persons users once a ticket of theirs goes there. Every sentence and every row of the document, in both directions.
//!
//! What the vendors make of it: Zendesk users and organizations are told apart by ids that SuperOffice does not know, so that every
//! reference is translated (P8); a primary address is changed through the user's identities; only agents are assignees; SuperOffice's users
//! are read-only, their addresses are those of persons.

mod kit;

use kit::{World, flow, reviews, shown, situation, text};
use lockstep_hub::Report;
use lockstep_hub::report::Event;
use serde_json::{Value, json};

const PERSON: &str = "superoffice.Person";
const CONTACT: &str = "superoffice.Contact";
const TICKET: &str = "superoffice.Ticket";
const USER: &str = "superoffice.User";
const USERS: &str = "zendesk.Users";
const ORGANIZATIONS: &str = "zendesk.Organizations";
const TICKETS: &str = "zendesk.Tickets";

fn world() -> World {
    World::new(&["superoffice-zendesk"])
}

fn number(id: &str) -> i64 {
    id.parse().unwrap()
}

fn company(world: &World, name: &str) -> String {
    world.put("superoffice", "Contact", json!({"Name": name}))
}

fn person(world: &World, first: &str, email: &str, company: Option<&str>) -> String {
    let mut body = json!({"Firstname": first, "Lastname": "Aas", "Emails": [{"Value": email}]});
    if let Some(company) = company {
        body["Contact"] = json!({"ContactId": number(company)});
    }
    world.put("superoffice", "Person", body)
}

/// A user of SuperOffice, whose address and company the vendor keeps with a person of its own. Gives both ids.
fn user(world: &World, name: &str, email: &str, company: Option<&str>) -> (String, String) {
    let mut body = json!({"userName": name, "firstName": name, "lastName": "Lie", "personEmail": email, "isActive": true});
    if let Some(company) = company {
        body["contactId"] = json!(number(company));
    }
    let user = world.put("superoffice", "User", body);
    let person = world.record("superoffice", "User", &user)["Person"]["PersonId"].to_string();
    (user, person)
}

fn ticket(world: &World, title: &str, owner: Option<&str>, person: Option<&str>) -> String {
    let mut body = json!({"Title": title});
    if let Some(owner) = owner {
        body["OwnedBy"] = json!({"AssociateId": number(owner)});
    }
    if let Some(person) = person {
        body["Person"] = json!({"PersonId": number(person)});
    }
    world.put("superoffice", "Ticket", body)
}

/// A user who is in Zendesk already.
fn known(world: &World, name: &str, email: &str, role: &str) -> String {
    world.put("zendesk", "users", json!({"name": name, "email": email, "role": role}))
}

fn zendesk_user(world: &World, email: &str) -> (String, Value) {
    world.one("zendesk", "users", "/email", email)
}

fn zendesk_ticket(world: &World, subject: &str) -> (String, Value) {
    world.one("zendesk", "tickets", "/subject", subject)
}

/// Who is in Zendesk beside the account's owner, by address.
fn in_zendesk(world: &World) -> Vec<String> {
    let users = world.records("zendesk", "users");
    let mut emails: Vec<String> =
        users.iter().map(|user| text(user, "/email").to_owned()).filter(|e| e != "admin@example.com").collect();
    emails.sort();
    emails
}

fn names(records: &[(&str, &str)]) -> Vec<String> {
    let mut names: Vec<String> = records.iter().map(|(ty, id)| format!("{ty}/{id}")).collect();
    names.sort();
    names
}

/// What systems said when they refused something.
fn refused(report: &Report) -> Vec<String> {
    let of = |event: &Event| match event {
        Event::Refused { record, message, .. } => Some(format!("{record}: {message}")),
        _ => None,
    };
    report.events.iter().filter_map(of).collect()
}

/// The requests that changed something in a system since a number, as `PUT /users/17/identities/4/make_primary`.
fn writes_to(world: &World, system: &str, since: u64) -> Vec<String> {
    let requests = world.sandbox.requests(since);
    let ours = requests.iter().filter(|r| r.system == system && r.method != "GET");
    ours.map(|r| format!("{} {}", r.method, r.path)).filter(|line| !line.contains("oauth")).collect()
}

fn requests_so_far(world: &World) -> u64 {
    world.sandbox.requests(0).last().map_or(0, |request| request.n)
}

fn open_reviews(report: &Report) -> u64 {
    report.reviews.values().sum()
}

// ---- Every SuperOffice Contact will be synchronized with a Zendesk Organizations ------------------------------------------------------

#[test]
fn every_contact_becomes_an_organization_once_and_no_organization_becomes_a_contact() {
    let mut world = world();
    company(&world, "Nordlys AS");
    company(&world, "Havbris AS");
    world.put("zendesk", "organizations", json!({"name": "Fjelltopp AS"}));

    let report = world.run_smoothly();
    assert_eq!(flow(&report, CONTACT, ORGANIZATIONS).created, 2, "C1: {}", shown(&report));
    world.one("zendesk", "organizations", "/name", "Nordlys AS");
    world.one("zendesk", "organizations", "/name", "Havbris AS");
    assert_eq!(world.written("zendesk", "organizations"), (2, 0));
    assert_eq!(world.records("superoffice", "Contact").len(), 2, "the sentence says nothing of the other way");
    world.idle();

    company(&world, "Elvesus AS");
    let report = world.run_smoothly();
    assert_eq!(report.writes(), 1, "{}", shown(&report));
    world.one("zendesk", "organizations", "/name", "Elvesus AS");
    world.idle();
}

#[test]
fn the_name_of_a_contact_and_of_its_organization_are_kept_equal_both_ways() {
    let mut world = world();
    let contact = company(&world, "Nordlys AS");
    world.run_smoothly();
    let (organization, _) = world.one("zendesk", "organizations", "/name", "Nordlys AS");

    world.edit("superoffice", "Contact", &contact, json!({"Name": "Nordlys Kraft AS"}));
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "organizations", &organization)["name"], "Nordlys Kraft AS");

    world.edit("zendesk", "organizations", &organization, json!({"name": "Nordlys Energi AS"}));
    let report = world.run_smoothly();
    assert_eq!(report.writes(), 1, "{}", shown(&report));
    assert_eq!(world.record("superoffice", "Contact", &contact)["Name"], "Nordlys Energi AS");
    assert_eq!(world.written("zendesk", "organizations"), (1, 1), "P5: no echo");
    world.idle();
}

#[test]
fn an_organization_that_has_the_name_already_is_linked_and_not_made_a_second_time() {
    let mut world = world();
    let contact = company(&world, "Nordlys AS");
    let organization = world.put("zendesk", "organizations", json!({"name": "nordlys as"}));

    // There is no match row: Zendesk refuses a second one of the name, which makes a match (C2).
    world.run();
    assert_eq!(world.records("zendesk", "organizations").len(), 1);
    assert_eq!(world.entities(), [names(&[(CONTACT, &contact), (ORGANIZATIONS, &organization)])]);
    world.run();
    world.idle();
}

// ---- SuperOffice Person to Zendesk Users ----------------------------------------------------------------------------------------------

#[test]
fn a_person_becomes_a_user_only_once_a_ticket_of_theirs_goes_to_zendesk() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    let with = person(&world, "Solveig", "solveig@example.no", Some(&firm));
    world.edit("superoffice", "Person", &with, json!({"PrivatePhones": [{"Value": "+47 22 00 00 01"}]}));
    let without = person(&world, "Gunnhild", "gunnhild@example.no", Some(&firm));
    world.run_smoothly();
    assert_eq!(in_zendesk(&world), Vec::<String>::new(), "C5: no ticket, no user");
    world.idle();

    ticket(&world, "Strømmen er borte", None, Some(&with));
    let report = world.run();
    assert_eq!(in_zendesk(&world), ["solveig@example.no"], "{}", shown(&report));
    assert_eq!(flow(&report, PERSON, USERS).created, 1, "{}", shown(&report));
    // C1: complete in the first write, P8: with the organization's id of Zendesk.
    let (_, created) = zendesk_user(&world, "solveig@example.no");
    let (organization, _) = world.one("zendesk", "organizations", "/name", "Nordlys AS");
    assert_eq!(created["organization_id"], number(&organization));
    assert_eq!(created["phone"], "+47 22 00 00 01");
    assert_eq!(created["name"], "solveig", "no row fills the name that Zendesk requires");
    assert_eq!(world.written("zendesk", "users"), (1, 0), "C1, C2: one write, once");
    world.idle();

    ticket(&world, "Regningen", None, Some(&without));
    world.run();
    assert_eq!(in_zendesk(&world), ["gunnhild@example.no", "solveig@example.no"]);
    assert_eq!(world.records("superoffice", "Person").len(), 2);
    world.idle();
}

#[test]
fn persons_and_tickets_that_come_in_one_run_are_created_in_the_order_of_their_references() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    let (owner, _) = user(&world, "ragnhild", "ragnhild@example.no", Some(&firm));
    let customer = person(&world, "Torbjørn", "torbjorn@example.no", Some(&firm));
    known(&world, "Torbjørn Aas", "torbjorn@example.no", "agent");
    ticket(&world, "Ny måler", Some(&owner), Some(&customer));

    let report = world.run_smoothly();
    let (organization, _) = world.one("zendesk", "organizations", "/name", "Nordlys AS");
    let (requester, user) = zendesk_user(&world, "ragnhild@example.no");
    assert_eq!(user["organization_id"], number(&organization), "{}", shown(&report));
    let (assignee, user) = zendesk_user(&world, "torbjorn@example.no");
    assert_eq!(user["organization_id"], number(&organization), "P2: a value beats an empty one");
    let (_, made) = zendesk_ticket(&world, "Ny måler");
    // P8, C5: the ticket arrives with Zendesk's own ids, at once.
    assert_eq!((&made["requester_id"], &made["assignee_id"]), (&json!(number(&requester)), &json!(number(&assignee))));
    assert_eq!(world.written("zendesk", "tickets"), (1, 0), "{}", shown(&report));
    assert_eq!(world.written("zendesk", "users").0, 1, "the agent was there, the user was not");
    world.idle();
}

#[test]
fn a_person_links_by_address_and_neither_by_an_empty_one_nor_by_a_near_miss() {
    let mut world = world();
    let linked = person(&world, "Solveig", "SOLVEIG@Example.no", None);
    let to = known(&world, "Solveig Aas", "solveig@example.no", "end-user");
    // L2: empty never matches, and what is only alike does not.
    world.put("superoffice", "Person", json!({"Firstname": "Inga"}));
    world.put("zendesk", "users", json!({"name": "Inga"}));
    person(&world, "Eirik", "eirik@example.no", None);
    known(&world, "Eirik", "eirik@example.com", "end-user");

    let report = world.run_smoothly();
    let links = flow(&report, PERSON, USERS);
    assert_eq!((links.linked, links.created), (1, 0), "L2: {}", shown(&report));
    assert_eq!(world.entities(), [names(&[(PERSON, &linked), (USERS, &to)])]);
    assert_eq!(situation(links, "excluded"), 2, "L9: {}", shown(&report));
    assert_eq!(world.sandbox.total_writes(), 0, "P3: equal but for case");
    world.idle();
}

/// L3: any of a person's addresses links; then P1 decides between the first of them and the user's, by the systems' own times.
#[test]
fn a_person_links_by_a_second_address_and_the_later_of_the_two_addresses_holds() {
    for (earlier, holds) in [("zendesk", "post@example.org"), ("superoffice", "solveig@example.no")] {
        let mut world = world();
        world.sandbox.set_clock_offset(earlier, -600).unwrap();
        let emails = json!([{"Value": "post@example.org"}, {"Value": "solveig@example.no"}]);
        let linked = world.put("superoffice", "Person", json!({"Firstname": "Solveig", "Emails": emails}));
        let to = known(&world, "Solveig Aas", "solveig@example.no", "end-user");
        world.sandbox.set_clock_offset(earlier, 0).unwrap();

        let report = world.run_smoothly();
        assert_eq!(world.entities(), [names(&[(PERSON, &linked), (USERS, &to)])]);
        assert_eq!(world.record("zendesk", "users", &to)["email"], holds, "{earlier}: {}", shown(&report));
        let emails = world.record("superoffice", "Person", &linked)["Emails"].clone();
        println!("{earlier} {emails:#}");
        assert_eq!(emails[0]["Value"], holds);
        world.idle();
    }
}

#[test]
fn two_persons_that_fit_one_user_go_to_review_and_nothing_is_written_for_them() {
    let mut world = world();
    let leif = person(&world, "Leif", "post@example.org", None);
    person(&world, "Liv", "post@example.org", None);
    known(&world, "Leif og Liv", "post@example.org", "end-user");
    ticket(&world, "Hvem er det?", None, Some(&leif));

    let report = world.run();
    assert_eq!(flow(&report, PERSON, USERS).linked, 0, "L6: {}", shown(&report));
    assert!(report.reviews["ambiguous match"] > 0, "{}", shown(&report));
    assert!(reviews(&report).iter().any(|r| r.contains("2 records of superoffice.Person match")), "{:?}", reviews(&report));
    assert_eq!(in_zendesk(&world), ["post@example.org"]);
    // The ticket does not wait for that: only its reference does (P8).
    let (_, made) = zendesk_ticket(&world, "Hvem er det?");
    assert_eq!(made["assignee_id"], Value::Null);
    world.idle();
}

/// A person and a user who are linked, in a company each side knows, and a second company to move to.
fn linked_person(world: &mut World) -> (String, String) {
    let firm = company(world, "Nordlys AS");
    company(world, "Havbris AS");
    let person = person(world, "Solveig", "solveig@example.no", Some(&firm));
    let user = known(world, "Solveig Aas", "solveig@example.no", "end-user");
    world.run_smoothly();
    world.idle();
    (person, user)
}

#[test]
fn a_person_who_moves_to_another_company_moves_to_its_organization_and_the_other_way_round() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    let organization = |world: &World, name| number(&world.one("zendesk", "organizations", "/name", name).0);
    let company = |world: &World, name| number(&world.one("superoffice", "Contact", "/Name", name).0);
    let (nordlys, havbris) = (organization(&world, "Nordlys AS"), organization(&world, "Havbris AS"));
    assert_eq!(world.record("zendesk", "users", &user)["organization_id"], nordlys);

    world.edit("superoffice", "Person", &person, json!({"Contact": {"ContactId": company(&world, "Havbris AS")}}));
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &user)["organization_id"], havbris, "P8");
    world.idle();

    world.edit("zendesk", "users", &user, json!({"organization_id": nordlys}));
    world.run_smoothly();
    assert_eq!(world.record("superoffice", "Person", &person)["Contact"]["ContactId"], company(&world, "Nordlys AS"), "P8");
    world.idle();

    // P2: leaving is an edit like any other, there and here.
    world.edit("superoffice", "Person", &person, json!({"Contact": null}));
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &user)["organization_id"], Value::Null);
    world.idle();
    world.edit("zendesk", "users", &user, json!({"organization_id": havbris}));
    world.run_smoothly();
    world.edit("zendesk", "users", &user, json!({"organization_id": null}));
    world.run_smoothly();
    assert_eq!(world.record("superoffice", "Person", &person)["Contact"], Value::Null);
    world.idle();
}

#[test]
fn an_organization_that_superoffice_does_not_know_waits_and_the_rest_does_not() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    let alien = world.put("zendesk", "organizations", json!({"name": "Fjelltopp AS"}));
    world.edit("zendesk", "users", &user, json!({"organization_id": number(&alien), "phone": "+47 22 00 00 09"}));
    world.run();
    let after = world.record("superoffice", "Person", &person);
    assert_eq!(after["PrivatePhones"][0]["Value"], "+47 22 00 00 09", "P8: the rest does not wait");
    let nordlys = number(&world.one("superoffice", "Contact", "/Name", "Nordlys AS").0);
    assert_eq!(after["Contact"]["ContactId"], nordlys);
    assert_eq!(world.record("zendesk", "users", &user)["organization_id"], number(&alien), "nor is the edit undone");
    world.idle();
}

#[test]
fn an_address_changed_in_superoffice_becomes_the_primary_identity_in_zendesk() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    let since = requests_so_far(&world);
    world.edit("superoffice", "Person", &person, json!({"Emails": [{"Value": "solveig.aas@example.no"}]}));
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &user)["email"], "solveig.aas@example.no");
    let sent = writes_to(&world, "zendesk", since);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].ends_with("/identities") && sent[1].ends_with("/make_primary"), "{sent:?}");
    world.idle();

    // Back to one that the user still has, as a second one: no identity is added.
    let since = requests_so_far(&world);
    world.edit("superoffice", "Person", &person, json!({"Emails": [{"Value": "solveig@example.no"}]}));
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &user)["email"], "solveig@example.no");
    let sent = writes_to(&world, "zendesk", since);
    assert!(sent.len() == 1 && sent[0].ends_with("/make_primary"), "{sent:?}");
    world.idle();
}

#[test]
fn an_address_changed_in_zendesk_replaces_the_element_it_came_from_in_superoffice() {
    let mut world = world();
    let emails =
        json!([{"Value": "solveig@example.no", "Description": "Jobb"}, {"Value": "hjemme@example.org", "Description": "Privat"}]);
    let person = world.put("superoffice", "Person", json!({"Firstname": "Solveig", "Emails": emails}));
    let user = known(&world, "Solveig Aas", "solveig@example.no", "end-user");
    world.run_smoothly();

    world.edit("zendesk", "users", &user, json!({"email": "solveig.aas@example.no"}));
    world.run_smoothly();
    let emails = world.record("superoffice", "Person", &person)["Emails"].clone();
    assert_eq!((&emails[0]["Value"], &emails[0]["Description"]), (&json!("solveig.aas@example.no"), &json!("Jobb")), "P9");
    assert_eq!((&emails[1]["Value"], emails.as_array().unwrap().len()), (&json!("hjemme@example.org"), 2), "P9: others stay");
    world.idle();
}

#[test]
fn an_address_taken_away_in_superoffice_is_not_taken_from_zendesk_and_that_is_said() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    world.edit("superoffice", "Person", &person, json!({"Emails": [], "PrivatePhones": [{"Value": "+47 22 00 00 01"}]}));
    let report = world.run();
    println!("{}", shown(&report));
    let after = world.record("zendesk", "users", &user);
    assert_eq!((&after["email"], &after["phone"]), (&json!("solveig@example.no"), &json!("+47 22 00 00 01")), "G4");
    assert!(report.needs_a_person() && open_reviews(&report) == 1, "{}", shown(&report));
    assert_eq!(world.record("superoffice", "Person", &person)["Emails"], json!([]), "nor does the edit come undone");
    world.idle();
}

#[test]
fn an_address_that_another_user_has_waits_in_review_and_the_rest_is_written() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    known(&world, "Opptatt", "opptatt@example.no", "end-user");
    let emails = json!([{"Value": "opptatt@example.no"}]);
    world.edit("superoffice", "Person", &person, json!({"Emails": emails, "PrivatePhones": [{"Value": "+47 22 00 00 01"}]}));
    let report = world.run();
    let after = world.record("zendesk", "users", &user);
    assert_eq!(
        (&after["email"], &after["phone"]),
        (&json!("solveig@example.no"), &json!("+47 22 00 00 01")),
        "G4: {}",
        shown(&report)
    );
    assert!(refused(&report).iter().any(|r| r.contains("already being used")), "{}", shown(&report));
    assert_eq!(world.record("superoffice", "Person", &person)["Emails"][0]["Value"], "opptatt@example.no");
    world.idle();
}

#[test]
fn a_phone_number_goes_both_ways_and_so_does_taking_it_away() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    let phone = |world: &World| world.record("zendesk", "users", &user)["phone"].clone();
    let phones = |world: &World| world.record("superoffice", "Person", &person)["PrivatePhones"].clone();

    world.edit("superoffice", "Person", &person, json!({"PrivatePhones": [{"Value": "+47 22 00 00 01"}]}));
    world.run_smoothly();
    assert_eq!(phone(&world), "+47 22 00 00 01");
    world.edit("zendesk", "users", &user, json!({"phone": "+47 22 00 00 02"}));
    world.run_smoothly();
    assert_eq!(
        (phones(&world)[0]["Value"].clone(), phones(&world).as_array().unwrap().len()),
        (json!("+47 22 00 00 02"), 1),
        "P9"
    );
    world.idle();

    world.edit("zendesk", "users", &user, json!({"phone": null}));
    world.run_smoothly();
    assert_eq!(phones(&world), json!([]), "P2: emptying is an edit");
    world.edit("zendesk", "users", &user, json!({"phone": "+47 22 00 00 03"}));
    world.run_smoothly();
    world.edit("superoffice", "Person", &person, json!({"PrivatePhones": []}));
    world.run_smoothly();
    assert_eq!(phone(&world), Value::Null, "P2: emptying is an edit");
    world.idle();
}

// ---- Every SuperOffice Ticket will be synchronized with a Zendesk Tickets -------------------------------------------------------------

/// A ticket whose owner and person are known in Zendesk as agents; a second user and person too. The last is the ticket in Zendesk.
struct Desk {
    world: World,
    ticket: String,
    users: [String; 2],
    persons: [String; 2],
    there: String,
}

fn desk() -> Desk {
    let mut world = world();
    let users = ["ragnhild", "sigurd"].map(|name| user(&world, name, &format!("{name}@example.no"), None).0);
    let persons = ["solveig", "torbjorn"].map(|name| person(&world, name, &format!("{name}@example.no"), None));
    for name in ["solveig", "torbjorn"] {
        known(&world, name, &format!("{name}@example.no"), "agent");
    }
    let ticket = ticket(&world, "Ny måler", Some(&users[0]), Some(&persons[0]));
    world.run_smoothly();
    world.idle();
    let there = zendesk_ticket(&world, "Ny måler").0;
    Desk { world, ticket, users, persons, there }
}

impl Desk {
    fn there(&self) -> Value {
        self.world.record("zendesk", "tickets", &self.there)
    }

    fn here(&self) -> Value {
        self.world.record("superoffice", "Ticket", &self.ticket)
    }

    fn user_id(&self, name: &str) -> i64 {
        number(&zendesk_user(&self.world, &format!("{name}@example.no")).0)
    }
}

#[test]
fn every_ticket_goes_to_zendesk_once_and_none_comes_back() {
    let mut desk = desk();
    let caller = number(&zendesk_user(&desk.world, "admin@example.com").0);
    desk.world.put("zendesk", "tickets", json!({"subject": "Kun her", "requester_id": caller}));
    let second = ticket(&desk.world, "Flytting", Some(&desk.users[1]), None);
    let report = desk.world.run_smoothly();
    assert_eq!(flow(&report, TICKET, TICKETS).created, 1, "{}", shown(&report));
    let (there, made) = zendesk_ticket(&desk.world, "Flytting");
    assert_eq!(made["requester_id"], desk.user_id("sigurd"), "C1, P8");
    assert!(desk.world.entities().contains(&names(&[(TICKET, &second), (TICKETS, &there)])));
    assert_eq!(desk.world.records("superoffice", "Ticket").len(), 2);
    assert_eq!(desk.world.written("zendesk", "tickets"), (2, 0));
    desk.world.idle();
}

#[test]
fn the_title_and_the_subject_are_kept_equal_both_ways() {
    let mut desk = desk();
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"Title": "Ny måler i kjelleren"}));
    desk.world.run_smoothly();
    assert_eq!(desk.there()["subject"], "Ny måler i kjelleren");
    desk.world.edit("zendesk", "tickets", &desk.there, json!({"subject": "Ny måler på loftet"}));
    desk.world.run_smoothly();
    assert_eq!(desk.here()["Title"], "Ny måler på loftet");
    desk.world.idle();

    // P2: emptying is an edit, from there and from here.
    desk.world.edit("zendesk", "tickets", &desk.there, json!({"subject": null}));
    desk.world.run_smoothly();
    assert_eq!(desk.here()["Title"], "");
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"Title": "Igjen"}));
    desk.world.run_smoothly();
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"Title": ""}));
    desk.world.run_smoothly();
    assert_eq!(text(&desk.there(), "/subject"), "");
    desk.world.idle();
}

#[test]
fn the_owner_and_the_requester_are_kept_equal_both_ways_through_the_links_of_users() {
    let mut desk = desk();
    assert_eq!(desk.there()["requester_id"], desk.user_id("ragnhild"), "P8: OwnedBy, its SuperOffice user, their Zendesk user");
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"OwnedBy": {"AssociateId": number(&desk.users[1])}}));
    desk.world.run_smoothly();
    assert_eq!(desk.there()["requester_id"], desk.user_id("sigurd"));
    desk.world.idle();

    let ragnhild = desk.user_id("ragnhild");
    desk.world.edit("zendesk", "tickets", &desk.there, json!({"requester_id": ragnhild}));
    desk.world.run_smoothly();
    assert_eq!(desk.here()["OwnedBy"]["AssociateId"], number(&desk.users[0]));
    desk.world.idle();

    // A requester who is no user of SuperOffice has no owner there to be: the reference waits, and the edit stays (P8).
    let solveig = desk.user_id("solveig");
    desk.world.edit("zendesk", "tickets", &desk.there, json!({"requester_id": solveig, "subject": "Fra en kunde"}));
    desk.world.run();
    assert_eq!(desk.here()["Title"], "Fra en kunde");
    assert_eq!(desk.here()["OwnedBy"]["AssociateId"], number(&desk.users[0]));
    assert_eq!(desk.there()["requester_id"], solveig);
    desk.world.idle();
}

#[test]
fn a_requester_that_zendesk_refuses_to_empty_waits_in_review_and_the_rest_is_written() {
    let mut desk = desk();
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"OwnedBy": {"AssociateId": 0}, "Title": "Uten eier"}));
    let report = desk.world.run();
    assert_eq!(desk.there()["subject"], "Uten eier", "G4: {}", shown(&report));
    assert_eq!(desk.there()["requester_id"], desk.user_id("ragnhild"));
    assert!(report.needs_a_person() && open_reviews(&report) == 1, "{}", shown(&report));
    desk.world.idle();
}

#[test]
fn the_person_and_the_assignee_are_kept_equal_both_ways() {
    let mut desk = desk();
    assert_eq!(desk.there()["assignee_id"], desk.user_id("solveig"));
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"Person": {"PersonId": number(&desk.persons[1])}}));
    desk.world.run_smoothly();
    assert_eq!(desk.there()["assignee_id"], desk.user_id("torbjorn"));
    desk.world.idle();

    let solveig = desk.user_id("solveig");
    desk.world.edit("zendesk", "tickets", &desk.there, json!({"assignee_id": solveig}));
    desk.world.run_smoothly();
    assert_eq!(desk.here()["Person"]["PersonId"], number(&desk.persons[0]));
    desk.world.idle();

    // P2: nobody any more, from there and from here.
    desk.world.edit("zendesk", "tickets", &desk.there, json!({"assignee_id": null}));
    desk.world.run_smoothly();
    assert_eq!(desk.here()["Person"], Value::Null);
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"Person": {"PersonId": number(&desk.persons[0])}}));
    desk.world.run_smoothly();
    assert_eq!(desk.there()["assignee_id"], solveig);
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"Person": null}));
    desk.world.run_smoothly();
    assert_eq!(desk.there()["assignee_id"], Value::Null);
    desk.world.idle();
}

#[test]
fn an_assignee_who_is_no_agent_is_refused_and_the_rest_of_the_ticket_is_written() {
    let mut world = world();
    let (owner, _) = user(&world, "ragnhild", "ragnhild@example.no", None);
    let customer = person(&world, "Solveig", "solveig@example.no", None);
    let agent = person(&world, "Torbjørn", "torbjorn@example.no", None);
    known(&world, "Torbjørn Aas", "torbjorn@example.no", "agent");
    let here = ticket(&world, "Strømmen er borte", Some(&owner), Some(&customer));

    let report = world.run();
    let (there, made) = zendesk_ticket(&world, "Strømmen er borte");
    assert_eq!(made["requester_id"], number(&zendesk_user(&world, "ragnhild@example.no").0), "G4: {}", shown(&report));
    assert_eq!(made["assignee_id"], Value::Null);
    assert!(report.needs_a_person() && open_reviews(&report) == 1, "{}", shown(&report));
    assert_eq!(report.reviews.get("rejected value"), Some(&1));
    assert!(refused(&report).iter().any(|r| r.contains("is not an agent")), "the system's message: {}", shown(&report));
    world.idle();

    // The next edit of the ticket goes through all the same.
    world.edit("superoffice", "Ticket", &here, json!({"Title": "Strømmen er her"}));
    world.run();
    let after = world.record("zendesk", "tickets", &there);
    assert_eq!((&after["subject"], &after["assignee_id"]), (&json!("Strømmen er her"), &Value::Null));
    world.idle();

    // An agent is taken, and that settles the review.
    world.edit("superoffice", "Ticket", &here, json!({"Person": {"PersonId": number(&agent)}}));
    let report = world.run_smoothly();
    let assignee = number(&zendesk_user(&world, "torbjorn@example.no").0);
    assert_eq!(world.record("zendesk", "tickets", &there)["assignee_id"], assignee, "{}", shown(&report));
    world.idle();
}

#[test]
fn a_time_to_reply_is_no_due_date_so_that_row_is_not_kept_and_every_run_says_so() {
    let mut desk = desk();
    assert!(desk.world.checked().contains("TimeToReply"), "G6: {}", desk.world.checked());
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"TimeToReply": 90}));
    let report = desk.world.idle();
    let rows = &flow(&report, TICKET, TICKETS).rows_not_kept;
    assert!(rows.len() == 1 && rows[0].contains("TimeToReply") && rows[0].contains("due_at"), "{rows:?}");
    assert_eq!(desk.there()["due_at"], Value::Null);

    desk.world.edit("zendesk", "tickets", &desk.there, json!({"type": "task", "due_at": "2030-01-02T12:00:00Z"}));
    desk.world.idle();
    assert_eq!((&desk.here()["TimeToReply"], &desk.there()["due_at"]), (&json!(90), &json!("2030-01-02T12:00:00Z")));
}

// ---- SuperOffice User to Zendesk Users ------------------------------------------------------------------------------------------------

#[test]
fn a_user_merges_with_the_user_who_has_the_address_else_one_is_created() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    let (merged, merged_person) = user(&world, "ragnhild", "Ragnhild@example.no", Some(&firm));
    let there = known(&world, "Ragnhild Lie", "ragnhild@example.no", "agent");
    let (created, created_person) = user(&world, "sigurd", "sigurd@example.no", Some(&firm));
    known(&world, "Sigurd", "sigurd@example.com", "end-user");

    let report = world.run_smoothly();
    let users = flow(&report, USER, USERS);
    assert_eq!((users.linked, users.created), (1, 1), "{}", shown(&report));
    let (made, record) = zendesk_user(&world, "sigurd@example.no");
    let organization = number(&world.one("zendesk", "organizations", "/name", "Nordlys AS").0);
    assert_eq!(record["organization_id"], organization, "C1, P8");
    assert_eq!(world.record("zendesk", "users", &there)["organization_id"], organization, "P2, P8");
    // L5: the person that a user is, is the same entity; it is not created a second time.
    let entities = world.entities();
    for entity in [
        names(&[(PERSON, &merged_person), (USER, &merged), (USERS, &there)]),
        names(&[(PERSON, &created_person), (USER, &created), (USERS, &made)]),
    ] {
        assert!(entities.contains(&entity), "{entity:?} in {entities:#?}");
    }
    assert_eq!(in_zendesk(&world), ["ragnhild@example.no", "sigurd@example.com", "sigurd@example.no"]);
    world.idle();
}

#[test]
fn a_user_who_is_also_the_person_of_a_ticket_is_created_once() {
    let mut world = world();
    let (owner, person) = user(&world, "ragnhild", "ragnhild@example.no", None);
    ticket(&world, "Internt", Some(&owner), Some(&person));
    world.run();
    assert_eq!(in_zendesk(&world), ["ragnhild@example.no"], "C2: at most once");
    assert_eq!(world.written("zendesk", "users").0, 1);
    let (_, made) = zendesk_ticket(&world, "Internt");
    assert_eq!(made["requester_id"], number(&zendesk_user(&world, "ragnhild@example.no").0));
    world.run();
    world.idle();
}

#[test]
fn what_changes_at_a_superoffice_user_arrives_in_zendesk() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    let other = company(&world, "Havbris AS");
    let (user, _) = user(&world, "ragnhild", "ragnhild@example.no", Some(&firm));
    world.run_smoothly();
    let there = zendesk_user(&world, "ragnhild@example.no").0;

    world.edit("superoffice", "User", &user, json!({"personEmail": "ragnhild.lie@example.no", "contactId": number(&other)}));
    world.run_smoothly();
    let after = world.record("zendesk", "users", &there);
    assert_eq!(after["email"], "ragnhild.lie@example.no");
    assert_eq!(after["organization_id"], number(&world.one("zendesk", "organizations", "/name", "Havbris AS").0), "P8");
    world.idle();
}

#[test]
fn what_changes_in_zendesk_arrives_at_the_person_and_is_never_written_to_the_read_only_user() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    let other = company(&world, "Havbris AS");
    let (user, person) = user(&world, "ragnhild", "ragnhild@example.no", Some(&firm));
    world.run_smoothly();
    let there = zendesk_user(&world, "ragnhild@example.no").0;
    let organization = number(&world.one("zendesk", "organizations", "/name", "Havbris AS").0);

    let since = requests_so_far(&world);
    world.edit("zendesk", "users", &there, json!({"email": "ragnhild.lie@example.no", "organization_id": organization}));
    world.run_smoothly();
    let after = world.record("superoffice", "Person", &person);
    assert_eq!(after["Emails"][0]["Value"], "ragnhild.lie@example.no");
    assert_eq!(after["Contact"]["ContactId"], number(&other), "P8");
    // P10: the one write goes to the person; what the user shows follows from it.
    let sent = writes_to(&world, "superoffice", since);
    assert!(sent.len() == 1 && sent[0].contains("/Person/"), "{sent:?}");
    assert_eq!(world.record("superoffice", "User", &user)["personEmail"], "ragnhild.lie@example.no");
    assert_eq!(world.written("superoffice", "User"), (0, 0));
    world.idle();
    assert_eq!(zendesk_user(&world, "ragnhild.lie@example.no").0, there, "nothing travels in a circle (P5)");
}

// ---- EXPLORE
#[test]
fn x_role_changes_later() {
    let mut world = world();
    let customer = person(&world, "Solveig", "solveig@example.no", None);
    let here = ticket(&world, "Strømmen er borte", None, Some(&customer));
    world.run();
    let (u, _) = zendesk_user(&world, "solveig@example.no");
    world.edit("zendesk", "users", &u, json!({"role": "agent"}));
    let r = world.run();
    let (there, made) = zendesk_ticket(&world, "Strømmen er borte");
    println!("after role: {} reviews {:?}", made["assignee_id"], r.reviews);
    world.edit("superoffice", "Ticket", &here, json!({"Title": "Strømmen er her"}));
    let r = world.run();
    println!("after title: {} reviews {:?}", world.record("zendesk", "tickets", &there)["assignee_id"], r.reviews);
    let other = person(&world, "X", "x@example.no", None);
    world.edit("superoffice", "Ticket", &here, json!({"Person": {"PersonId": number(&other)}}));
    let r = world.run();
    println!("to other: {} reviews {:?}", world.record("zendesk", "tickets", &there)["assignee_id"], r.reviews);
    world.edit("superoffice", "Ticket", &here, json!({"Person": {"PersonId": number(&customer)}}));
    let r = world.run();
    println!("back: {} reviews {:?}", world.record("zendesk", "tickets", &there)["assignee_id"], r.reviews);
    world.idle();
}

#[test]
fn x_second_identity() {
    let mut world = world();
    let u = known(&world, "Solveig Aas", "solveig@example.no", "agent");
    world.put("zendesk", "identities", json!({"user_id": number(&u), "type": "email", "value": "hjemme@example.org"}));
    let customer = person(&world, "Solveig", "hjemme@example.org", None);
    ticket(&world, "Strømmen er borte", None, Some(&customer));
    let r = world.run();
    println!("{}", shown(&r));
    println!("{:?} {:?}", world.entities(), in_zendesk(&world));
    world.run();
    world.idle();
}

#[test]
fn x_no_email() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    let customer =
        world.put("superoffice", "Person", json!({"Firstname": "Solveig", "PrivatePhones": [{"Value": "+47 22 00 00 01"}]}));
    ticket(&world, "Strømmen er borte", None, Some(&customer));
    world.put("superoffice", "User", json!({"userName": "uten", "contactId": number(&firm)}));
    let r = world.run();
    println!("1: {}", shown(&r));
    println!("{:?} {:?}", world.entities(), in_zendesk(&world));
    let r = world.run();
    println!("2: writes {} {:?}", r.writes(), r.events);
    let late = world.put("superoffice", "User", json!({"userName": "sen", "contactId": number(&firm)}));
    let r = world.run();
    println!("3: writes {} {:?} {late}", r.writes(), r.events);
    world.idle();
}

#[test]
fn x_two_users() {
    let mut world = world();
    user(&world, "a", "post@example.org", None);
    user(&world, "b", "post@example.org", None);
    let r = world.run();
    println!("{}", shown(&r));
    println!("{:?} {:?}", world.entities(), in_zendesk(&world));
    world.run();
    world.idle();
}

#[test]
fn x_deleted() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    world.run_smoothly();
    world.remove("superoffice", "Contact", &firm);
    let r = world.run();
    println!("{:?} {:?}", r.events, world.records("zendesk", "organizations").len());
    world.idle();
}
