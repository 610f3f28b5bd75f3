//! SuperOffice User to Zendesk Users: merged by address, else created. SuperOffice lets nobody
//! write its users, so what comes back goes to the person that a user is (P10).

use super::*;
use crate::kit::{flow, reviews, shown, situation};
use lockstep_sandbox::Options;
use serde_json::json;

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
    assert_eq!(
        in_zendesk(&world),
        ["ragnhild@example.no", "sigurd@example.com", "sigurd@example.no"]
    );
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
fn two_users_with_one_address_are_not_created_twice_and_a_person_decides() {
    let mut world = world();
    user(&world, "leif", "post@example.org", None);
    let (liv, _) = user(&world, "liv", "post@example.org", None);
    let report = world.run();
    // Two who fit each other and have no counterpart may be one: nothing is created for either
    // until a person has said so.
    assert_eq!(in_zendesk(&world), Vec::<String>::new(), "L6: {}", shown(&report));
    assert_eq!(world.written("zendesk", "users"), (0, 0));
    let asked: Vec<String> = reviews(&report)
        .into_iter()
        .filter(|r| r.starts_with("ambiguous match superoffice.User/"))
        .collect();
    assert!(
        asked.len() == 1 && asked[0].ends_with("(L6)"),
        "one question about both users: {}",
        shown(&report)
    );
    assert!(open_reviews(&world.idle()) > 0, "the question stays open");
    // A person decides: they are two, so one gets an address of its own. Then each is created,
    // once.
    world.edit("superoffice", "User", &liv, json!({"personEmail": "liv@example.org"}));
    let report = world.run();
    assert_eq!(
        in_zendesk(&world),
        ["liv@example.org", "post@example.org"],
        "L6: {}",
        shown(&report)
    );
    assert_eq!(world.written("zendesk", "users").0, 2, "C2: at most once");
    assert_eq!(open_reviews(&world.idle()), 0, "nothing is left to ask");
}

#[test]
fn two_users_with_one_address_that_are_to_be_kept_apart_are_not_created_twice_either() {
    let mut world = World::that_says(
        &["superoffice-zendesk"],
        Options::empty(),
        "policies: { duplicates: separate }",
    );
    user(&world, "leif", "post@example.org", None);
    user(&world, "liv", "post@example.org", None);
    let report = world.run();
    // Each would be created, and Zendesk has one user to an address: the second has found the first
    // one's (C2).
    assert_eq!(in_zendesk(&world), ["post@example.org"], "C2: at most once: {}", shown(&report));
    assert!(
        reviews(&report).iter().any(|r| r.contains("superoffice.User")),
        "L6: {}",
        shown(&report)
    );
    world.idle();
}

#[test]
fn a_user_without_a_value_in_any_row_is_not_created() {
    let mut world = world();
    world.put("superoffice", "User", json!({"userName": "uten"}));
    let report = world.run_smoothly();
    assert_eq!(situation(flow(&report, USER, USERS), "excluded"), 1, "C3: {}", shown(&report));
    assert_eq!(in_zendesk(&world), Vec::<String>::new());
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

    world.edit(
        "superoffice",
        "User",
        &user,
        json!({"personEmail": "ragnhild.lie@example.no", "contactId": number(&other)}),
    );
    world.run_smoothly();
    let after = world.record("zendesk", "users", &there);
    assert_eq!(after["email"], "ragnhild.lie@example.no");
    assert_eq!(
        after["organization_id"],
        number(&world.one("zendesk", "organizations", "/name", "Havbris AS").0),
        "P8"
    );
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
    world.edit(
        "zendesk",
        "users",
        &there,
        json!({"email": "ragnhild.lie@example.no", "organization_id": organization}),
    );
    world.run_smoothly();
    let after = world.record("superoffice", "Person", &person);
    assert_eq!(after["Emails"][0]["Value"], "ragnhild.lie@example.no");
    assert_eq!(after["Contact"]["ContactId"], number(&other), "P8");
    // P10: the one write goes to the person; what the user shows follows from it.
    let sent = writes_to(&world, "superoffice", since);
    assert!(sent.len() == 1 && sent[0].contains("/Person/"), "{sent:?}");
    assert_eq!(
        world.record("superoffice", "User", &user)["personEmail"],
        "ragnhild.lie@example.no"
    );
    assert_eq!(world.written("superoffice", "User"), (0, 0));
    world.idle();
    assert_eq!(
        zendesk_user(&world, "ragnhild.lie@example.no").0,
        there,
        "nothing travels in a circle (P5)"
    );
}
