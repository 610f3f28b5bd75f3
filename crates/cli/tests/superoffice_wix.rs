//! SuperOffice to Wix, as `examples/documents/superoffice-wix.rst` says: persons and users link
//! with contacts by e-mail address; their property tables are empty, so nothing is created and
//! nothing is ever written.

use crate::kit::{World, flow, reviews, shown, situation};
use serde_json::{Value, json};

const PERSON: &str = "superoffice.Person";
const USER: &str = "superoffice.User";
const CONTACTS: &str = "wix.Contacts";

fn world() -> World {
    World::new(&["superoffice-wix"])
}

fn person(world: &World, first: &str, emails: &[&str]) -> String {
    let emails: Vec<Value> = emails.iter().map(|email| json!({"Value": email})).collect();
    world.put(
        "superoffice",
        "Person",
        json!({"Firstname": first, "Lastname": "Aas", "Emails": emails}),
    )
}

/// A user of SuperOffice, whose address the vendor keeps with a person of its own. Gives both ids.
fn user(world: &World, name: &str, email: &str) -> (String, String) {
    let body = json!({"Name": name, "userName": name, "firstName": name, "lastName": "Lie", "personEmail": email});
    let user = world.put("superoffice", "User", body);
    let person = world.record("superoffice", "User", &user)["Person"]["PersonId"].to_string();
    (user, person)
}

fn contact(world: &World, first: &str, emails: &[&str]) -> String {
    let items: Vec<Value> = emails.iter().map(|email| json!({"email": email})).collect();
    world.put(
        "wix",
        "contacts",
        json!({"info": {"name": {"first": first}, "emails": {"items": items}}}),
    )
}

fn names(records: &[(&str, &String)]) -> Vec<String> {
    let mut names: Vec<String> = records.iter().map(|(ty, id)| format!("{ty}/{id}")).collect();
    names.sort();
    names
}

#[test]
fn a_person_links_by_any_of_its_addresses_however_they_are_typed_and_nothing_is_written() {
    let mut world = world();
    let one = person(&world, "Solveig", &["solveig@example.no"]);
    let upper = person(&world, "Torbjørn", &["TORBJORN@Example.NO "]);
    // L3: the second of the one is the second of the other.
    let second = person(&world, "Gunnhild", &["post@example.org", "gunnhild@example.com"]);
    let to_one = contact(&world, "Solveig", &["solveig@example.no"]);
    let to_upper = contact(&world, "Tobben", &["torbjorn@example.no"]);
    let to_second = contact(&world, "Gunn", &["gunn@example.net", "gunnhild@example.com"]);

    let report = world.run_smoothly();
    let links = flow(&report, PERSON, CONTACTS);
    assert_eq!((links.linked, links.created, links.updated), (3, 0, 0), "{}", shown(&report));
    assert_eq!(situation(links, "found"), 3, "L9: {}", shown(&report));
    let mut expected = vec![
        names(&[(PERSON, &one), (CONTACTS, &to_one)]),
        names(&[(PERSON, &upper), (CONTACTS, &to_upper)]),
        names(&[(PERSON, &second), (CONTACTS, &to_second)]),
    ];
    expected.sort();
    assert_eq!(world.entities(), expected);
    assert_eq!(
        world.sandbox.total_writes(),
        0,
        "names differ, and no row says that they are kept equal"
    );
    world.idle();
}

#[test]
fn a_user_links_by_its_address_and_its_person_with_the_same_contact() {
    let mut world = world();
    let (user, person) = user(&world, "ragnhild", "Ragnhild@example.no");
    let contact = contact(&world, "Ragnhild", &["ragnhild@example.no"]);

    let report = world.run_smoothly();
    assert_eq!(flow(&report, USER, CONTACTS).linked, 1, "{}", shown(&report));
    assert_eq!(flow(&report, PERSON, CONTACTS).linked, 1, "{}", shown(&report));
    // L5: linking is transitive; L6: they are of three record types.
    assert_eq!(
        world.entities(),
        [names(&[(PERSON, &person), (USER, &user), (CONTACTS, &contact)])]
    );
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}

#[test]
fn who_matches_nobody_stays_alone_and_nothing_is_created_on_either_side() {
    let mut world = world();
    // L2: empty never matches, not even empty.
    person(&world, "Inga", &[]);
    contact(&world, "Inga", &[]);
    // Near misses: another country, a part of the address, a tag in it.
    person(&world, "Eirik", &["eirik@example.no"]);
    user(&world, "sigurd", "sigurd@example.no");
    contact(&world, "Eirik", &["eirik@example.com"]);
    contact(&world, "Eirik", &["irik@example.no"]);
    contact(&world, "Sigurd", &["sigurd+shop@example.no"]);

    let report = world.run_smoothly();
    assert_eq!(world.entities(), Vec::<Vec<String>>::new());
    assert_eq!(situation(flow(&report, PERSON, CONTACTS), "absent"), 3, "L9: {}", shown(&report));
    assert_eq!(situation(flow(&report, USER, CONTACTS), "absent"), 1, "L9: {}", shown(&report));
    assert_eq!(world.sandbox.total_writes(), 0);
    assert_eq!(
        (world.records("superoffice", "Person").len(), world.records("wix", "contacts").len()),
        (3, 4)
    );
    world.idle();
}

#[test]
fn two_candidates_go_to_review_whichever_side_has_them_and_neither_is_linked() {
    let mut world = world();
    // L6: two contacts fit one person.
    person(&world, "Hanne", &["hanne@example.no"]);
    contact(&world, "Hanne", &["hanne@example.no"]);
    contact(&world, "Hanne Marie", &["hanne@example.no"]);
    // Two persons fit one contact.
    person(&world, "Leif", &["post@example.org"]);
    person(&world, "Liv", &["post@example.org"]);
    contact(&world, "Leif og Liv", &["post@example.org"]);
    // Nobody else waits for that (G4).
    let clear = person(&world, "Arne", &["arne@example.no"]);
    let to_clear = contact(&world, "Arne", &["arne@example.no"]);

    let report = world.run();
    assert_eq!(world.entities(), [names(&[(PERSON, &clear), (CONTACTS, &to_clear)])]);
    assert!(report.needs_a_person() && report.reviews["ambiguous match"] > 0, "{}", shown(&report));
    assert!(
        reviews(&report).iter().any(|review| review.contains("2 records of wix.Contacts match it")),
        "{:?}",
        reviews(&report)
    );
    assert!(
        reviews(&report)
            .iter()
            .any(|review| review.contains("2 records of superoffice.Person match")),
        "{:?}",
        reviews(&report)
    );
    assert_eq!(world.sandbox.total_writes(), 0, "nothing is written meanwhile");
    world.idle();
}

#[test]
fn two_contacts_that_fit_one_user_go_to_review() {
    let mut world = world();
    user(&world, "bjarne", "bjarne@example.no");
    contact(&world, "Bjarne", &["bjarne@example.no"]);
    contact(&world, "Bjarne", &["bjarne@example.no"]);

    let report = world.run();
    assert_eq!(world.entities(), Vec::<Vec<String>>::new(), "L6");
    assert_eq!(situation(flow(&report, USER, CONTACTS), "ambiguous"), 1, "L9: {}", shown(&report));
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}

#[test]
fn who_comes_later_to_a_linked_contact_goes_to_review_and_the_link_stays() {
    let mut world = world();
    let first = person(&world, "Astrid", &["astrid@example.no"]);
    let linked = contact(&world, "Astrid", &["astrid@example.no"]);
    world.run_smoothly();

    person(&world, "Astri", &["astrid@example.no"]);
    let report = world.run();
    assert_eq!(world.entities(), [names(&[(PERSON, &first), (CONTACTS, &linked)])], "L6");
    assert_eq!(report.reviews.values().sum::<u64>(), 1, "{}", shown(&report));
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}

#[test]
fn an_edit_carries_nothing_over_and_ends_no_link_because_the_property_tables_are_empty() {
    let mut world = world();
    assert!(
        world.checked().contains("they are linked, and nothing is ever written"),
        "G6: {}",
        world.checked()
    );
    let person = person(&world, "Kjersti", &["kjersti@example.no"]);
    let (user, of_user) = user(&world, "magnus", "magnus@example.no");
    let contact_of_person = contact(&world, "Kjersti", &["kjersti@example.no"]);
    let contact_of_user = contact(&world, "Magnus", &["magnus@example.no"]);
    world.run_smoothly();
    let mut links = vec![
        names(&[(PERSON, &person), (CONTACTS, &contact_of_person)]),
        names(&[(PERSON, &of_user), (USER, &user), (CONTACTS, &contact_of_user)]),
    ];
    links.sort();
    assert_eq!(world.entities(), links);

    // In SuperOffice and in Wix: names, and the very addresses that matched (L4), one of them
    // cleared.
    world.edit(
        "superoffice",
        "Person",
        &person,
        json!({"Firstname": "Kjerstin", "Emails": [{"Value": "kjerstin@example.no"}]}),
    );
    world.edit("superoffice", "User", &user, json!({"firstName": "Magne"}));
    world.edit(
        "wix",
        "contacts",
        &contact_of_user,
        json!({"info": {"name": {"first": "Mons"}, "emails": null}}),
    );
    let people = (world.records("superoffice", "Person"), world.records("superoffice", "User"));
    let contacts = world.records("wix", "contacts");
    world.idle();
    assert_eq!(world.entities(), links, "L4: a link stays when its match values later differ");
    assert_eq!(
        (world.records("superoffice", "Person"), world.records("superoffice", "User")),
        people
    );
    assert_eq!(world.records("wix", "contacts"), contacts);
}

#[test]
fn a_contact_that_gets_the_address_later_is_linked_then() {
    let mut world = world();
    let person = person(&world, "Oddny", &["oddny@example.no"]);
    let contact = contact(&world, "Oddny", &["oddny@example.com"]);
    world.run_smoothly();
    assert_eq!(world.entities(), Vec::<Vec<String>>::new());

    world.edit(
        "wix",
        "contacts",
        &contact,
        json!({"info": {"emails": {"items": [{"email": "oddny@example.no"}]}}}),
    );
    let report = world.run_smoothly();
    assert_eq!(report.flows.iter().map(|flow| flow.linked).sum::<u64>(), 1, "{}", shown(&report));
    assert_eq!(world.entities(), [names(&[(PERSON, &person), (CONTACTS, &contact)])]);
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}
