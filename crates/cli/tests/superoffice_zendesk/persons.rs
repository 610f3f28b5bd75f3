//! SuperOffice Person to Zendesk Users: created once a ticket of theirs goes to Zendesk, linked by
//! address, kept equal in company, address and phone number. Of users of SuperOffice, who are
//! persons as well, see `users.rs`.

use super::*;
use crate::kit::{World, flow, reviews, shown, situation};
use serde_json::{Value, json};

#[test]
fn a_person_becomes_a_user_only_once_a_ticket_of_theirs_goes_to_zendesk() {
    let mut world = world();
    let firm = company(&world, "Nordlys AS");
    let with = person(&world, "Solveig", "solveig@example.no", Some(&firm));
    world.edit(
        "superoffice",
        "Person",
        &with,
        json!({"PrivatePhones": [{"Value": "+47 22 00 00 01"}]}),
    );
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
    assert_eq!(
        (&made["requester_id"], &made["assignee_id"]),
        (&json!(number(&requester)), &json!(number(&assignee)))
    );
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

#[test]
fn a_person_links_by_any_of_its_addresses() {
    let mut world = world();
    let emails = json!([{"Value": "post@example.org"}, {"Value": "solveig@example.no"}]);
    let linked =
        world.put("superoffice", "Person", json!({"Firstname": "Solveig", "Emails": emails}));
    let to = known(&world, "Solveig Aas", "solveig@example.no", "end-user");
    let report = world.run_smoothly();
    assert_eq!(flow(&report, PERSON, USERS).linked, 1, "L3: {}", shown(&report));
    assert_eq!(world.entities(), [names(&[(PERSON, &linked), (USERS, &to)])]);
    assert_eq!(in_zendesk(&world).len(), 1);
    // P9: both addresses stay where they are, and the one by which the two were found is the one
    // that is kept equal.
    assert_eq!(world.sandbox.total_writes(), 0, "{}", shown(&report));
    world.idle();

    let addresses = |world: &World| {
        let held = world.record("superoffice", "Person", &linked)["Emails"].clone();
        held.as_array().unwrap().iter().map(|e| text(e, "/Value").to_owned()).collect::<Vec<_>>()
    };
    world.edit(
        "superoffice",
        "Person",
        &linked,
        json!({"Emails": [{"Value": "post@example.org"}, {"Value": "aas@example.no"}]}),
    );
    world.run_smoothly();
    assert_eq!(in_zendesk(&world), ["aas@example.no"]);
    assert_eq!(addresses(&world), ["post@example.org", "aas@example.no"]);
    world.idle();
}

#[test]
fn a_person_without_an_address_becomes_a_user_named_after_the_phone_number() {
    let mut world = world();
    let phones = json!([{"Value": "+47 22 00 00 01"}]);
    let customer = world.put(
        "superoffice",
        "Person",
        json!({"Firstname": "Solveig", "PrivatePhones": phones}),
    );
    ticket(&world, "Strømmen er borte", None, Some(&customer));
    world.run();
    let (there, made) = world.one("zendesk", "users", "/phone", "+47 22 00 00 01");
    assert_eq!((&made["name"], &made["email"]), (&json!("+47 22 00 00 01"), &Value::Null), "C1");
    // L4: linked by having been created, though no match value could ever link them.
    assert!(world.entities().contains(&names(&[(PERSON, &customer), (USERS, &there)])));
    world.idle();
}

#[test]
fn a_person_whose_address_a_user_has_as_a_second_one_goes_to_review_and_is_not_created() {
    let mut world = world();
    let there = known(&world, "Solveig Aas", "solveig@example.no", "end-user");
    world.put(
        "zendesk",
        "identities",
        json!({"user_id": number(&there), "type": "email", "value": "hjemme@example.org"}),
    );
    let customer = person(&world, "Solveig", "hjemme@example.org", None);
    ticket(&world, "Strømmen er borte", None, Some(&customer));

    // The row says `email`, which is the primary one; Zendesk refuses a second user with the
    // address and does not say whose it is (C2).
    let report = world.run();
    assert!(
        reviews(&report).iter().any(|r| r.contains("already being used")),
        "{}",
        shown(&report)
    );
    assert_eq!(in_zendesk(&world), ["solveig@example.no"]);
    zendesk_ticket(&world, "Strømmen er borte");
    world.idle();
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
    assert!(
        reviews(&report).iter().any(|r| r.contains("2 records of superoffice.Person match")),
        "{:?}",
        reviews(&report)
    );
    assert_eq!(in_zendesk(&world), ["post@example.org"]);
    // The ticket does not wait for that: only its reference does (P8).
    let (_, made) = zendesk_ticket(&world, "Hvem er det?");
    assert_eq!(made["assignee_id"], Value::Null);
    world.idle();
}

/// A person and a user who are linked, in a company each side knows, and a second company to move
/// to.
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
    let organization =
        |world: &World, name| number(&world.one("zendesk", "organizations", "/name", name).0);
    let company =
        |world: &World, name| number(&world.one("superoffice", "Contact", "/Name", name).0);
    let (nordlys, havbris) =
        (organization(&world, "Nordlys AS"), organization(&world, "Havbris AS"));
    assert_eq!(world.record("zendesk", "users", &user)["organization_id"], nordlys);

    world.edit(
        "superoffice",
        "Person",
        &person,
        json!({"Contact": {"ContactId": company(&world, "Havbris AS")}}),
    );
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &user)["organization_id"], havbris, "P8");
    world.idle();

    world.edit("zendesk", "users", &user, json!({"organization_id": nordlys}));
    world.run_smoothly();
    assert_eq!(
        world.record("superoffice", "Person", &person)["Contact"]["ContactId"],
        company(&world, "Nordlys AS"),
        "P8"
    );
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
    world.edit(
        "zendesk",
        "users",
        &user,
        json!({"organization_id": number(&alien), "phone": "+47 22 00 00 09"}),
    );
    world.run();
    let after = world.record("superoffice", "Person", &person);
    assert_eq!(after["PrivatePhones"][0]["Value"], "+47 22 00 00 09", "P8: the rest does not wait");
    let nordlys = number(&world.one("superoffice", "Contact", "/Name", "Nordlys AS").0);
    assert_eq!(after["Contact"]["ContactId"], nordlys);
    assert_eq!(
        world.record("zendesk", "users", &user)["organization_id"],
        number(&alien),
        "nor is the edit undone"
    );
    world.idle();
}

#[test]
fn an_address_changed_in_superoffice_becomes_the_primary_identity_in_zendesk() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    let since = requests_so_far(&world);
    world.edit(
        "superoffice",
        "Person",
        &person,
        json!({"Emails": [{"Value": "solveig.aas@example.no"}]}),
    );
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &user)["email"], "solveig.aas@example.no");
    let sent = writes_to(&world, "zendesk", since);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].ends_with("/identities") && sent[1].ends_with("/make_primary"), "{sent:?}");
    world.idle();

    // Back to one that the user still has, as a second one: no identity is added.
    let since = requests_so_far(&world);
    world.edit(
        "superoffice",
        "Person",
        &person,
        json!({"Emails": [{"Value": "solveig@example.no"}]}),
    );
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &user)["email"], "solveig@example.no");
    let sent = writes_to(&world, "zendesk", since);
    assert!(sent.len() == 1 && sent[0].ends_with("/make_primary"), "{sent:?}");
    world.idle();
}

#[test]
fn an_address_changed_in_zendesk_replaces_the_element_it_came_from_in_superoffice() {
    let mut world = world();
    let emails = json!([{"Value": "solveig@example.no", "Description": "Jobb"}, {"Value": "hjemme@example.org", "Description": "Privat"}]);
    let person =
        world.put("superoffice", "Person", json!({"Firstname": "Solveig", "Emails": emails}));
    let user = known(&world, "Solveig Aas", "solveig@example.no", "end-user");
    world.run_smoothly();

    world.edit("zendesk", "users", &user, json!({"email": "solveig.aas@example.no"}));
    world.run_smoothly();
    let emails = world.record("superoffice", "Person", &person)["Emails"].clone();
    assert_eq!(
        (&emails[0]["Value"], &emails[0]["Description"]),
        (&json!("solveig.aas@example.no"), &json!("Jobb")),
        "P9"
    );
    assert_eq!(
        (&emails[1]["Value"], emails.as_array().unwrap().len()),
        (&json!("hjemme@example.org"), 2),
        "P9: others stay"
    );
    world.idle();
}

#[test]
fn an_address_taken_away_in_superoffice_is_not_taken_from_zendesk_and_that_is_said() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    world.edit(
        "superoffice",
        "Person",
        &person,
        json!({"Emails": [], "PrivatePhones": [{"Value": "+47 22 00 00 01"}]}),
    );
    let report = world.run();
    let after = world.record("zendesk", "users", &user);
    assert_eq!(
        (&after["email"], &after["phone"]),
        (&json!("solveig@example.no"), &json!("+47 22 00 00 01")),
        "G4"
    );
    assert!(report.needs_a_person() && open_reviews(&report) == 1, "{}", shown(&report));
    assert_eq!(
        world.record("superoffice", "Person", &person)["Emails"],
        json!([]),
        "nor does the edit come undone"
    );
    world.idle();
}

#[test]
fn an_address_that_another_user_has_waits_in_review_and_the_rest_is_written() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    known(&world, "Opptatt", "opptatt@example.no", "end-user");
    let emails = json!([{"Value": "opptatt@example.no"}]);
    world.edit(
        "superoffice",
        "Person",
        &person,
        json!({"Emails": emails, "PrivatePhones": [{"Value": "+47 22 00 00 01"}]}),
    );
    let report = world.run();
    let after = world.record("zendesk", "users", &user);
    assert_eq!(
        (&after["email"], &after["phone"]),
        (&json!("solveig@example.no"), &json!("+47 22 00 00 01")),
        "G4: {}",
        shown(&report)
    );
    assert!(
        refused(&report).iter().any(|r| r.contains("already being used")),
        "{}",
        shown(&report)
    );
    assert_eq!(
        world.record("superoffice", "Person", &person)["Emails"][0]["Value"],
        "opptatt@example.no"
    );
    world.idle();
}

#[test]
fn a_phone_number_goes_both_ways_and_so_does_taking_it_away() {
    let mut world = world();
    let (person, user) = linked_person(&mut world);
    let phone = |world: &World| world.record("zendesk", "users", &user)["phone"].clone();
    let phones =
        |world: &World| world.record("superoffice", "Person", &person)["PrivatePhones"].clone();

    world.edit(
        "superoffice",
        "Person",
        &person,
        json!({"PrivatePhones": [{"Value": "+47 22 00 00 01"}]}),
    );
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
