//! SuperOffice to Zendesk, as `examples/documents/superoffice-zendesk.rst` says: contacts become
//! organizations, tickets tickets, users users, and persons users once a ticket of theirs goes
//! there. Every sentence and every row of the document, in both directions. Here: what the tests
//! share, and contacts; each other section of the document has a file of its own.
//!
//! What the vendors make of it: Zendesk users and organizations are told apart by ids that
//! SuperOffice does not know, so that every reference is translated (P8); a primary address is
//! changed through the user's identities; only agents are assignees; SuperOffice's users are
//! read-only, their addresses are those of persons.

mod persons;
mod tickets;
mod users;

use crate::kit::{World, flow, shown, text};
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

/// A user of SuperOffice, whose address and company the vendor keeps with a person of its own.
/// Gives both ids.
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
    let mut emails: Vec<String> = users
        .iter()
        .map(|user| text(user, "/email").to_owned())
        .filter(|e| e != "admin@example.com")
        .collect();
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

/// The requests that changed something in a system since a number, as
/// `PUT /users/17/identities/4/make_primary`.
fn writes_to(world: &World, system: &str, since: u64) -> Vec<String> {
    let requests = world.sandbox.requests(since);
    let ours = requests.iter().filter(|r| r.system == system && r.method != "GET");
    ours.map(|r| format!("{} {}", r.method, r.path))
        .filter(|line| !line.contains("oauth"))
        .collect()
}

fn requests_so_far(world: &World) -> u64 {
    world.sandbox.requests(0).last().map_or(0, |request| request.n)
}

fn open_reviews(report: &Report) -> u64 {
    report.reviews.values().sum()
}

// ---- Every SuperOffice Contact will be synchronized with a Zendesk Organizations
// ------------------------------------------------------

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
    assert_eq!(
        world.records("superoffice", "Contact").len(),
        2,
        "the sentence says nothing of the other way"
    );
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
