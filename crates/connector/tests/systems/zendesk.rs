//! Zendesk: incremental exports, e-mails by way of identities, tickets with stamps.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check, read_all};
use lockstep_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::{create, done, get, open, pick, read, sandbox, update, watch};

const USER: [&str; 4] = ["name", "email", "phone", "organization_id"];
const TICKET: [&str; 4] = ["subject", "requester_id", "assignee_id", "due_at"];

#[test]
fn users_keep_the_contract() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    check(&Subject {
        connector: &*zendesk,
        kind: "Users",
        watch: watch(&USER),
        creates: vec![
            vec![json!("Ada Berg"), json!("ada.berg@example.no"), json!("+4722000000"), Value::Null],
            vec![json!("Liv Moe"), json!("liv.moe@example.no"), Value::Null, Value::Null],
        ],
        update: (2, json!("+4722334455")),
        unknown_id: "1",
        refuses_stale_versions: false,
    });
}

#[test]
fn organizations_and_tickets_keep_the_contract() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let subject = Subject {
        connector: &*zendesk,
        kind: "Organizations",
        watch: watch(&["name", "notes"]),
        creates: vec![vec![json!("Fjordheim AS"), json!("Kunde")], vec![json!("Havblikk AS"), Value::Null]],
        update: (0, json!("Fjordheim Drift AS")),
        unknown_id: "1",
        refuses_stale_versions: false,
    };
    check(&subject);
    check(&Subject {
        kind: "Tickets",
        watch: watch(&["subject", "priority"]),
        creates: vec![vec![json!("Skriveren står"), json!("high")], vec![json!("Ny skjerm"), Value::Null]],
        update: (0, json!("Skriveren står stille")),
        ..subject
    });
}

#[test]
fn a_changed_email_becomes_the_primary_one() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&USER);
    let made = done(create(&*zendesk, "Users", &watch, &[(0, json!("Ada Berg")), (1, json!("ada.old@example.no"))]));
    // Together with another property, in one write.
    let old = get(&*zendesk, "Users", &watch, &made.id);
    let after = done(update(&*zendesk, "Users", &watch, &old, 1, json!("ada.new@example.no")));
    assert_eq!(after.values[1], Some(json!("ada.new@example.no")));
    assert_eq!(sandbox.record("zendesk", "users", &made.id).unwrap()["email"], json!("ada.new@example.no"));
    // Back to the address that the user still has as a second identity.
    let back = done(update(&*zendesk, "Users", &watch, &after, 1, json!("ada.old@example.no")));
    assert_eq!(back.values[1], Some(json!("ada.old@example.no")));
}

#[test]
fn g4_an_email_that_somebody_else_has_is_refused_and_named() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&USER);
    let first = done(create(&*zendesk, "Users", &watch, &[(0, json!("Ada")), (1, json!("ada@example.no"))]));
    let second = done(create(&*zendesk, "Users", &watch, &[(0, json!("Liv")), (1, json!("liv@example.no"))]));
    match update(&*zendesk, "Users", &watch, &second, 1, json!("ada@example.no")) {
        Outcome::Rejected { prop, message } => assert_eq!(prop, Some(1), "{message}"),
        other => panic!("{other:?}"),
    }
    // C2: a creation that is refused so has found a match.
    match create(&*zendesk, "Users", &watch, &[(0, json!("Ada")), (1, json!("ada@example.no"))]) {
        Outcome::Duplicate { id, .. } => assert!(id.is_none() || id == Some(first.id)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn c2_whom_a_duplicate_is_of_is_asked_again_while_that_gets_no_answer() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&["name"]);
    let again = || create(&*zendesk, "Organizations", &watch, &[(0, json!("Vestvind Tauverk AS"))]);
    let first = done(again());
    for kind in [FaultKind::Down, FaultKind::BrokenJson] {
        sandbox.fault("zendesk", Fault::new(kind, 9).on_path("/organizations/search")).unwrap();
        // Nothing was made and nothing is known: no question for a person, it is tried again.
        let outcome = again();
        assert!(matches!(outcome, Outcome::Later { .. } | Outcome::Stopped(_)), "{kind:?}: {outcome:?}");
        sandbox.clear_faults("zendesk").unwrap();
    }
    sandbox.fault("zendesk", Fault::new(FaultKind::EmptyList, 1).on_path("/organizations/search")).unwrap();
    for _ in 0..2 {
        assert!(matches!(again(), Outcome::Duplicate { id: Some(id), .. } if id == first.id));
    }
}

#[test]
fn a_user_without_a_name_gets_one_from_the_email() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&USER);
    let made = done(create(&*zendesk, "Users", &watch, &[(1, json!("runa.dal@example.no"))]));
    assert_eq!(made.values[0], Some(json!("runa.dal")));
}

#[test]
fn g4_an_assignee_who_is_no_agent_is_refused_and_named() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let customer = done(create(&*zendesk, "Users", &watch(&USER), &[(0, json!("Ada")), (1, json!("ada@example.no"))]));
    let customer: i64 = customer.id.parse().unwrap();
    let watch = watch(&TICKET);
    match create(&*zendesk, "Tickets", &watch, &[(0, json!("Hjelp")), (2, json!(customer))]) {
        Outcome::Rejected { prop, message } => assert_eq!(prop, Some(2), "{message}"),
        other => panic!("{other:?}"),
    }
    let ticket = done(create(&*zendesk, "Tickets", &watch, &[(0, json!("Hjelp")), (1, json!(customer))]));
    assert_eq!(ticket.values[1], Some(json!(customer)));
    let stored = sandbox.record("zendesk", "tickets", &ticket.id).unwrap();
    assert_eq!(stored["description"], json!("Hjelp"), "the first comment is there");
}

#[test]
fn p6_a_ticket_that_changed_meanwhile_is_not_overwritten() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&TICKET);
    let before = pick(&read(&*zendesk, "Tickets", &watch), |r| r.values[0].is_some());
    sandbox.edit("zendesk", "tickets", &before.id, &json!({"subject": "Meanwhile"})).unwrap();
    let outcome = update(&*zendesk, "Tickets", &watch, &before, 0, json!("Too late"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
    assert_eq!(sandbox.record("zendesk", "tickets", &before.id).unwrap()["subject"], json!("Meanwhile"));
}

#[test]
fn r1_changes_and_deletions_are_told_by_the_export() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&USER);
    let first = read(&*zendesk, "Users", &watch);
    let some = pick(&first, |r| r.values[0] != Some(json!("Account Owner")));
    sandbox.edit("zendesk", "users", &some.id, &json!({"name": "Edited"})).unwrap();
    let second = read_all(&*zendesk, "Users", &watch, Some(first.checkpoint.clone()), 100).unwrap();
    assert!(!second.everything);
    assert_eq!(second.records[&some.id].values[0], Some(json!("Edited")));
    assert!(second.records.len() < first.records.len());
    sandbox.remove("zendesk", "users", &some.id).unwrap();
    let third = read_all(&*zendesk, "Users", &watch, Some(second.checkpoint), 100).unwrap();
    assert!(third.gone.contains(&some.id), "{:?}", third.gone);
}

#[test]
fn organizations_are_read_since_a_time() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&["name"]);
    let first = read(&*zendesk, "Organizations", &watch);
    let some = pick(&first, |_| true);
    sandbox.edit("zendesk", "organizations", &some.id, &json!({"name": "Edited AS"})).unwrap();
    let second = read_all(&*zendesk, "Organizations", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!second.everything);
    assert_eq!(second.records[&some.id].values[0], Some(json!("Edited AS")));
}
