//! SuperOffice Ticket to Zendesk Tickets: every one is created; the title and the two references
//! are kept equal, the time to reply can't be.

use super::*;
use crate::kit::{World, flow, shown, text};
use serde_json::{Value, json};

/// A ticket whose owner and person are known in Zendesk as agents; a second user and person too.
/// The last is the ticket in Zendesk.
struct Desk {
    world: World,
    ticket: String,
    users: [String; 2],
    persons: [String; 2],
    there: String,
}

fn desk() -> Desk {
    let mut world = world();
    let users = ["ragnhild", "sigurd"]
        .map(|name| user(&world, name, &format!("{name}@example.no"), None).0);
    let persons = ["solveig", "torbjorn"]
        .map(|name| person(&world, name, &format!("{name}@example.no"), None));
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
    desk.world.edit(
        "superoffice",
        "Ticket",
        &desk.ticket,
        json!({"Title": "Ny måler i kjelleren"}),
    );
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
    assert_eq!(
        desk.there()["requester_id"],
        desk.user_id("ragnhild"),
        "P8: OwnedBy, its SuperOffice user, their Zendesk user"
    );
    desk.world.edit(
        "superoffice",
        "Ticket",
        &desk.ticket,
        json!({"OwnedBy": {"AssociateId": number(&desk.users[1])}}),
    );
    desk.world.run_smoothly();
    assert_eq!(desk.there()["requester_id"], desk.user_id("sigurd"));
    desk.world.idle();

    let ragnhild = desk.user_id("ragnhild");
    desk.world.edit("zendesk", "tickets", &desk.there, json!({"requester_id": ragnhild}));
    desk.world.run_smoothly();
    assert_eq!(desk.here()["OwnedBy"]["AssociateId"], number(&desk.users[0]));
    desk.world.idle();

    // A requester who is no user of SuperOffice has no owner there to be: the reference waits, and
    // the edit stays (P8).
    let solveig = desk.user_id("solveig");
    desk.world.edit(
        "zendesk",
        "tickets",
        &desk.there,
        json!({"requester_id": solveig, "subject": "Fra en kunde"}),
    );
    desk.world.run();
    assert_eq!(desk.here()["Title"], "Fra en kunde");
    assert_eq!(desk.here()["OwnedBy"]["AssociateId"], number(&desk.users[0]));
    assert_eq!(desk.there()["requester_id"], solveig);
    desk.world.idle();
}

#[test]
fn a_requester_that_zendesk_refuses_to_empty_waits_in_review_and_the_rest_is_written() {
    let mut desk = desk();
    desk.world.edit(
        "superoffice",
        "Ticket",
        &desk.ticket,
        json!({"OwnedBy": {"AssociateId": 0}, "Title": "Uten eier"}),
    );
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
    desk.world.edit(
        "superoffice",
        "Ticket",
        &desk.ticket,
        json!({"Person": {"PersonId": number(&desk.persons[1])}}),
    );
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
    desk.world.edit(
        "superoffice",
        "Ticket",
        &desk.ticket,
        json!({"Person": {"PersonId": number(&desk.persons[0])}}),
    );
    desk.world.run_smoothly();
    assert_eq!(desk.there()["assignee_id"], solveig);
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"Person": null}));
    desk.world.run_smoothly();
    assert_eq!(desk.there()["assignee_id"], Value::Null);
    desk.world.idle();
}

#[test]
fn edits_of_different_properties_on_both_sides_between_two_runs_both_arrive() {
    let mut desk = desk();
    let torbjorn = desk.user_id("torbjorn");
    desk.world.edit(
        "superoffice",
        "Ticket",
        &desk.ticket,
        json!({"Title": "Ny måler i kjelleren"}),
    );
    desk.world.edit(
        "zendesk",
        "tickets",
        &desk.there,
        json!({"assignee_id": torbjorn, "priority": "high"}),
    );
    desk.world.run_smoothly();
    // P6: neither edit is lost; P4: what no row names is left alone.
    let (here, there) = (desk.here(), desk.there());
    assert_eq!(
        (&here["Title"], &there["subject"]),
        (&json!("Ny måler i kjelleren"), &json!("Ny måler i kjelleren"))
    );
    assert_eq!(
        (&here["Person"]["PersonId"], &there["assignee_id"]),
        (&json!(number(&desk.persons[1])), &json!(torbjorn))
    );
    assert_eq!(there["priority"], "high");
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
    assert_eq!(
        made["requester_id"],
        number(&zendesk_user(&world, "ragnhild@example.no").0),
        "G4: {}",
        shown(&report)
    );
    assert_eq!(made["assignee_id"], Value::Null);
    assert!(report.needs_a_person() && open_reviews(&report) == 1, "{}", shown(&report));
    assert_eq!(report.reviews.get("rejected value"), Some(&1));
    assert!(
        refused(&report).iter().any(|r| r.contains("is not an agent")),
        "the system's message: {}",
        shown(&report)
    );
    world.idle();

    // The next edit of the ticket goes through all the same.
    world.edit("superoffice", "Ticket", &here, json!({"Title": "Strømmen er her"}));
    world.run();
    let after = world.record("zendesk", "tickets", &there);
    assert_eq!(
        (&after["subject"], &after["assignee_id"]),
        (&json!("Strømmen er her"), &Value::Null)
    );
    world.idle();

    // An agent is taken, and that settles the review.
    world.edit("superoffice", "Ticket", &here, json!({"Person": {"PersonId": number(&agent)}}));
    let report = world.run_smoothly();
    let assignee = number(&zendesk_user(&world, "torbjorn@example.no").0);
    assert_eq!(
        world.record("zendesk", "tickets", &there)["assignee_id"],
        assignee,
        "{}",
        shown(&report)
    );
    world.idle();

    // So is the same user, once an agent.
    let (promoted, _) = zendesk_user(&world, "solveig@example.no");
    world.edit("zendesk", "users", &promoted, json!({"role": "agent"}));
    world.edit("superoffice", "Ticket", &here, json!({"Person": {"PersonId": number(&customer)}}));
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "tickets", &there)["assignee_id"], number(&promoted));
    world.idle();
}

#[test]
fn a_time_to_reply_is_no_due_date_so_that_row_is_not_kept_and_every_run_says_so() {
    let mut desk = desk();
    assert!(desk.world.checked().contains("TimeToReply"), "G6: {}", desk.world.checked());
    desk.world.edit("superoffice", "Ticket", &desk.ticket, json!({"TimeToReply": 90}));
    let report = desk.world.idle();
    let rows = &flow(&report, TICKET, TICKETS).rows_not_kept;
    assert!(
        rows.len() == 1 && rows[0].contains("TimeToReply") && rows[0].contains("due_at"),
        "{rows:?}"
    );
    assert_eq!(desk.there()["due_at"], Value::Null);

    desk.world.edit(
        "zendesk",
        "tickets",
        &desk.there,
        json!({"type": "task", "due_at": "2030-01-02T12:00:00Z"}),
    );
    desk.world.idle();
    assert_eq!(
        (&desk.here()["TimeToReply"], &desk.there()["due_at"]),
        (&json!(90), &json!("2030-01-02T12:00:00Z"))
    );
}
