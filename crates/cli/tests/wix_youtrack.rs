//! Wix to YouTrack, as `examples/documents/wix-youtrack.rst` says: contacts and members link with
//! users by e-mail address, the addresses are kept equal, and nothing is created. Every sentence
//! and every row of the document, in both directions.
//!
//! What the vendors make of it: `profile.email` is an object in YouTrack, so the row that names it
//! means the address in it; Wix derives `primaryInfo.email` from a list; a member's `loginEmail` is
//! fixed once the member is there, and so is the primary address of the contact that every member
//! has. YouTrack tells no time of change: its users are read in full and compared.

use crate::kit::{World, flow, reviews, shown, situation, text};
use lockstep_hub::Report;
use lockstep_hub::report::Event;
use serde_json::{Value, json};

const CONTACTS: &str = "wix.Contacts";
const MEMBERS: &str = "wix.Members";
const USERS: &str = "youtrack.Users";

fn world() -> World {
    World::new(&["wix-youtrack"])
}

fn contact(world: &World, first: &str, emails: &[&str]) -> String {
    let item = |(at, email): (usize, &&str)| json!({"email": email, "primary": at == 0, "tag": if at == 0 { "WORK" } else { "HOME" }});
    let items: Vec<Value> = emails.iter().enumerate().map(item).collect();
    world.put(
        "wix",
        "contacts",
        json!({"info": {"name": {"first": first}, "emails": {"items": items}}}),
    )
}

/// A member, and the contact that Wix gives every member.
fn member(world: &World, email: &str) -> (String, String) {
    let member = world.put("wix", "members", json!({"loginEmail": email}));
    let contact = text(&world.record("wix", "members", &member), "/contactId").to_owned();
    (member, contact)
}

fn user(world: &World, login: &str, email: Option<&str>) -> String {
    let mut body = json!({"login": login, "name": login});
    if let Some(email) = email {
        body["profile"] = json!({"email": {"email": email, "verified": true}});
    }
    world.put("youtrack", "users", body)
}

fn address_there(world: &World, user: &str) -> Value {
    world.record("youtrack", "users", user)["profile"]["email"]["email"].clone()
}

fn addresses_here(world: &World, contact: &str) -> Vec<String> {
    let items = world.record("wix", "contacts", contact)["info"]["emails"]["items"].clone();
    items.as_array().into_iter().flatten().map(|item| text(item, "/email").to_owned()).collect()
}

fn primary_here(world: &World, contact: &str) -> Value {
    world.record("wix", "contacts", contact)["primaryInfo"]["email"].clone()
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

/// The row `primaryInfo.email <-> profile.email` never makes a text of the object that is there.
fn assert_objects(world: &World) {
    for user in world.records("youtrack", "users") {
        let email = &user["profile"]["email"];
        assert!(email.is_null() || email.is_object(), "profile.email became {email}");
    }
}

// ---- A link must be established
// -------------------------------------------------------------------------------------------------------

#[test]
fn who_matches_nobody_stays_alone_and_nothing_is_created_on_either_side() {
    let mut world = world();
    contact(&world, "Solveig", &["solveig@example.no"]);
    member(&world, "gunnhild@example.no");
    user(&world, "torbjorn", Some("torbjorn@example.no"));
    let counts = |world: &World| {
        (
            world.records("wix", "contacts").len(),
            world.records("wix", "members").len(),
            world.records("youtrack", "users").len(),
        )
    };
    let before = counts(&world);

    let report = world.run_smoothly();
    assert_eq!(counts(&world), before);
    assert_eq!(world.entities(), Vec::<Vec<String>>::new());
    assert_eq!(situation(flow(&report, CONTACTS, USERS), "absent"), 2, "L9: {}", shown(&report));
    assert_eq!(situation(flow(&report, MEMBERS, USERS), "absent"), 1, "L9: {}", shown(&report));
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}

#[test]
fn a_contact_links_by_its_primary_address_however_it_is_typed() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["Solveig@Example.no", "hjemme@example.org"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));

    let report = world.run_smoothly();
    assert_eq!(flow(&report, CONTACTS, USERS).linked, 1, "L2: {}", shown(&report));
    assert_eq!(world.entities(), [names(&[(CONTACTS, &here), (USERS, &there)])]);
    assert_eq!(world.sandbox.total_writes(), 0, "P3: equal but for case");
    world.idle();
}

#[test]
fn neither_an_empty_address_nor_a_near_miss_links() {
    let mut world = world();
    // L2: empty never matches, not even empty.
    contact(&world, "Inga", &[]);
    user(&world, "inga", None);
    contact(&world, "Eirik", &["eirik@example.no"]);
    user(&world, "eirik", Some("eirik@example.com"));
    member(&world, "sigurd@example.no");
    user(&world, "sigurd", Some("sigurd+arbeid@example.no"));

    world.run_smoothly();
    assert_eq!(world.entities(), Vec::<Vec<String>>::new());
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}

#[test]
fn two_contacts_that_fit_one_user_go_to_review_and_nobody_else_waits_for_that() {
    let mut world = world();
    contact(&world, "Leif", &["post@example.org"]);
    contact(&world, "Liv", &["post@example.org"]);
    user(&world, "post", Some("post@example.org"));
    let clear = contact(&world, "Arne", &["arne@example.no"]);
    let to_clear = user(&world, "arne", Some("arne@example.no"));

    let report = world.run();
    assert_eq!(world.entities(), [names(&[(CONTACTS, &clear), (USERS, &to_clear)])], "L6");
    assert!(report.needs_a_person() && report.reviews["ambiguous match"] > 0, "{}", shown(&report));
    assert!(
        reviews(&report).iter().any(|r| r.contains("2 records of wix.Contacts match")),
        "{:?}",
        reviews(&report)
    );
    assert_eq!(world.sandbox.total_writes(), 0, "nothing is written meanwhile");
    world.idle();
}

#[test]
fn a_member_links_by_its_login_address_together_with_its_contact() {
    let mut world = world();
    let (member, contact) = member(&world, "ragnhild@example.no");
    let there = user(&world, "ragnhild", Some("RAGNHILD@example.no"));

    let report = world.run_smoothly();
    assert_eq!(flow(&report, MEMBERS, USERS).linked, 1, "{}", shown(&report));
    assert_eq!(flow(&report, CONTACTS, USERS).linked, 1, "{}", shown(&report));
    // L5: linking is transitive; L6: they are of three record types.
    assert_eq!(
        world.entities(),
        [names(&[(MEMBERS, &member), (CONTACTS, &contact), (USERS, &there)])]
    );
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}

#[test]
fn who_comes_later_links_whichever_side_was_there_first() {
    let mut world = world();
    let first = contact(&world, "Solveig", &["solveig@example.no"]);
    let waiting = user(&world, "ragnhild", Some("ragnhild@example.no"));
    world.run_smoothly();
    let late = user(&world, "solveig", Some("solveig@example.no"));
    let (member, of_member) = member(&world, "ragnhild@example.no");
    world.run_smoothly();
    let mut expected = vec![
        names(&[(CONTACTS, &first), (USERS, &late)]),
        names(&[(MEMBERS, &member), (CONTACTS, &of_member), (USERS, &waiting)]),
    ];
    expected.sort();
    assert_eq!(world.entities(), expected);
    assert_eq!(world.sandbox.total_writes(), 0);
    world.idle();
}

#[test]
fn a_link_stays_when_the_addresses_later_match_others() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();
    world.edit("wix", "contacts", &here, json!({"primaryInfo": {"email": "aas@example.no"}}));
    world.run_smoothly();
    // Who comes later with the address that was given up is somebody else (L4).
    let late = contact(&world, "Ny", &["solveig@example.no"]);
    world.run_smoothly();
    assert_eq!(world.entities(), [names(&[(CONTACTS, &here), (USERS, &there)])]);
    assert_eq!(address_there(&world, &there), "aas@example.no");
    assert_eq!(primary_here(&world, &late), "solveig@example.no");
    world.idle();
}

// ---- primaryInfo.email with profile.email and profile.email.email
// ---------------------------------------------------------------------

#[test]
fn a_contacts_primary_address_arrives_in_youtrack_within_the_object_that_is_there() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no", "hjemme@example.org"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();

    world.edit(
        "wix",
        "contacts",
        &here,
        json!({"primaryInfo": {"email": "solveig.aas@example.no"}}),
    );
    let report = world.run_smoothly();
    assert_eq!(address_there(&world, &there), "solveig.aas@example.no");
    assert_objects(&world);
    assert_eq!(
        world.written("youtrack", "users"),
        (0, 1),
        "P4: both rows in one write: {}",
        shown(&report)
    );
    assert_eq!(
        addresses_here(&world, &here),
        ["solveig.aas@example.no", "hjemme@example.org"],
        "P5: no echo"
    );
    assert_eq!(
        world.record("youtrack", "users", &there)["login"],
        "solveig",
        "what no row names stays"
    );
    world.idle();
}

#[test]
fn an_address_changed_in_youtrack_replaces_the_primary_element_in_wix() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no", "hjemme@example.org"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();

    world.edit(
        "youtrack",
        "users",
        &there,
        json!({"profile": {"email": {"email": "solveig.aas@example.no"}}}),
    );
    world.run_smoothly();
    // P10: primaryInfo.email is derived; the element that it comes from is written. P9: the others
    // stay.
    assert_eq!(primary_here(&world, &here), "solveig.aas@example.no");
    assert_eq!(addresses_here(&world, &here), ["solveig.aas@example.no", "hjemme@example.org"]);
    let items = world.record("wix", "contacts", &here)["info"]["emails"]["items"].clone();
    assert_eq!(
        (&items[0]["tag"], &items[0]["primary"]),
        (&json!("WORK"), &json!(true)),
        "P9: the element keeps what it is"
    );
    assert_eq!(world.written("wix", "contacts"), (0, 1));
    assert_objects(&world);
    world.idle();
}

#[test]
fn an_address_taken_away_in_wix_is_taken_away_in_youtrack() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();

    world.edit("wix", "contacts", &here, json!({"info": {"emails": null}}));
    world.run_smoothly();
    assert_eq!(address_there(&world, &there), Value::Null, "P2: emptying is an edit");
    assert_eq!(primary_here(&world, &here), Value::Null);
    world.idle();

    // L4: they are still linked, so that a new address goes over.
    world.edit(
        "youtrack",
        "users",
        &there,
        json!({"profile": {"email": {"email": "solveig.aas@example.no"}}}),
    );
    world.run_smoothly();
    assert_eq!(primary_here(&world, &here), "solveig.aas@example.no");
    world.idle();
}

#[test]
fn an_address_taken_away_in_youtrack_is_taken_away_in_wix() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();

    world.edit("youtrack", "users", &there, json!({"profile": {"email": null}}));
    world.run_smoothly();
    assert_eq!(primary_here(&world, &here), Value::Null, "P2: emptying is an edit");
    assert_eq!(address_there(&world, &there), Value::Null);
    world.idle();

    world.edit(
        "wix",
        "contacts",
        &here,
        json!({"primaryInfo": {"email": "solveig.aas@example.no"}}),
    );
    world.run_smoothly();
    assert_eq!(address_there(&world, &there), "solveig.aas@example.no");
    assert_objects(&world);
    world.idle();
}

#[test]
fn another_element_that_becomes_the_primary_one_in_wix_arrives_in_youtrack() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no", "hjemme@example.org"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();
    let items = json!([{"email": "solveig@example.no", "primary": false}, {"email": "hjemme@example.org", "primary": true}]);
    world.edit("wix", "contacts", &here, json!({"info": {"emails": {"items": items}}}));
    world.run_smoothly();
    assert_eq!(address_there(&world, &there), "hjemme@example.org");
    world.idle();
}

#[test]
fn taking_the_address_away_in_youtrack_leaves_the_other_addresses_in_wix_and_they_do_not_come_back()
{
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no", "hjemme@example.org"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();
    world.edit("youtrack", "users", &there, json!({"profile": {"email": null}}));
    world.run_smoothly();
    // P9: the element goes, and Wix makes the next one the primary one by itself, which is nobody's
    // edit (P5).
    assert_eq!(addresses_here(&world, &here), ["hjemme@example.org"]);
    assert_eq!(address_there(&world, &there), Value::Null);
    world.idle();
    world.idle();
}

#[test]
fn when_both_sides_change_between_two_runs_the_later_edit_holds() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();
    // YouTrack tells no time, so its edit counts from when it was seen: after the one that Wix
    // dates (P1, P1b).
    world.edit("wix", "contacts", &here, json!({"primaryInfo": {"email": "fra.wix@example.no"}}));
    world.edit(
        "youtrack",
        "users",
        &there,
        json!({"profile": {"email": {"email": "fra.youtrack@example.no"}}}),
    );
    world.run_smoothly();
    assert_eq!(primary_here(&world, &here), "fra.youtrack@example.no");
    assert_eq!(address_there(&world, &there), "fra.youtrack@example.no");
    world.idle();
}

#[test]
fn an_address_that_another_user_has_is_refused_and_waits_in_review() {
    let mut world = world();
    let here = contact(&world, "Solveig", &["solveig@example.no"]);
    let there = user(&world, "solveig", Some("solveig@example.no"));
    user(&world, "opptatt", Some("opptatt@example.no"));
    world.run_smoothly();
    world.edit("wix", "contacts", &here, json!({"primaryInfo": {"email": "opptatt@example.no"}}));
    let report = world.run();
    assert!(report.needs_a_person(), "G4: {}", shown(&report));
    assert!(
        refused(&report).iter().any(|r| r.contains("already exists")),
        "YouTrack's own message: {}",
        shown(&report)
    );
    assert_eq!(address_there(&world, &there), "solveig@example.no");
    assert_eq!(primary_here(&world, &here), "opptatt@example.no", "the edit is not undone");
    world.idle();
}

// ---- loginEmail with profile.email and profile.email.email
// ----------------------------------------------------------------------------

#[test]
fn a_login_address_changed_in_wix_arrives_in_youtrack() {
    let mut world = world();
    let (member, contact) = member(&world, "ragnhild@example.no");
    let there = user(&world, "ragnhild", Some("ragnhild@example.no"));
    world.run_smoothly();

    world.edit("wix", "members", &member, json!({"loginEmail": "ragnhild.lie@example.no"}));
    world.run_smoothly();
    assert_eq!(address_there(&world, &there), "ragnhild.lie@example.no");
    assert_eq!(
        primary_here(&world, &contact),
        "ragnhild.lie@example.no",
        "Wix changes the member's contact with it"
    );
    assert_eq!(world.written("youtrack", "users"), (0, 1), "P4: both rows in one write");
    assert_eq!(
        (world.written("wix", "members"), world.written("wix", "contacts")),
        ((0, 0), (0, 0))
    );
    assert_objects(&world);
    world.idle();
}

#[test]
fn an_address_changed_in_youtrack_is_not_written_to_a_member_and_that_is_said() {
    let mut world = world();
    let (member, contact) = member(&world, "ragnhild@example.no");
    let there = user(&world, "ragnhild", Some("ragnhild@example.no"));
    let free = self::contact(&world, "Solveig", &["solveig@example.no"]);
    let to_free = user(&world, "solveig", Some("solveig@example.no"));
    world.run_smoothly();

    world.edit(
        "youtrack",
        "users",
        &there,
        json!({"profile": {"email": {"email": "ragnhild.lie@example.no"}}}),
    );
    world.edit(
        "youtrack",
        "users",
        &to_free,
        json!({"profile": {"email": {"email": "solveig.aas@example.no"}}}),
    );
    let report = world.run();
    assert_eq!(world.record("wix", "members", &member)["loginEmail"], "ragnhild@example.no");
    // P10: it is not even tried; a request that Wix refuses would be one too many.
    let tried = world
        .sandbox
        .requests(0)
        .into_iter()
        .find(|r| r.system == "wix" && r.method == "PATCH" && r.path.contains("/members/"));
    assert!(tried.is_none(), "{tried:?}");
    // Wix refuses it for the member's contact too, and what it says goes to review (G4).
    assert_eq!(primary_here(&world, &contact), "ragnhild@example.no");
    assert!(report.needs_a_person(), "{}", shown(&report));
    let said = refused(&report);
    assert!(said.iter().any(|r| r.contains("site member")), "{said:?} {}", shown(&report));
    assert_eq!(address_there(&world, &there), "ragnhild.lie@example.no", "the edit is not undone");
    // Who is no member gets it.
    assert_eq!(primary_here(&world, &free), "solveig.aas@example.no", "{}", shown(&report));
    world.idle();

    // The member's own change is later than that of YouTrack, and with it nothing is left for
    // review.
    world.edit("wix", "members", &member, json!({"loginEmail": "ragnhild.ny@example.no"}));
    world.run_smoothly();
    assert_eq!(address_there(&world, &there), "ragnhild.ny@example.no");
    world.idle();
}

#[test]
fn check_tells_of_the_row_that_goes_one_way_only_and_of_the_path_beside_its_own_parent() {
    let world = world();
    let warned = world
        .checked()
        .contains("`loginEmail` of wix.Members can be written only when a record is created");
    assert!(warned, "G6, P10: {}", world.checked());
    let parent = world
        .checked()
        .contains("`profile.email` of youtrack.Users stands for its value `profile.email.email`");
    assert!(parent, "G6: a path and its own parent: {}", world.checked());
}
