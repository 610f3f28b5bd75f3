//! Zendesk: incremental exports, e-mails by way of identities, tickets with stamps.

use std::path::Path;

use lockstep_connector::Outcome;
use lockstep_connector::catalogue::{connect, missing, warnings};
use lockstep_connector::conformance::settle_questions;
use lockstep_connector::contract::{Subject, check, read_all};
use lockstep_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{create, done, get, open, pick, read, sandbox, update, watch, with};

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
            vec![
                json!("Ada Berg"),
                json!("ada.berg@example.no"),
                json!("+4722000000"),
                Value::Null,
            ],
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
        creates: vec![
            vec![json!("Fjordheim AS"), json!("Kunde")],
            vec![json!("Havblikk AS"), Value::Null],
        ],
        update: (0, json!("Fjordheim Drift AS")),
        unknown_id: "1",
        refuses_stale_versions: false,
    };
    check(&subject);
    check(&Subject {
        kind: "Tickets",
        watch: watch(&["subject", "priority"]),
        creates: vec![
            vec![json!("Skriveren står"), json!("high")],
            vec![json!("Ny skjerm"), Value::Null],
        ],
        update: (0, json!("Skriveren står stille")),
        ..subject
    });
}

#[test]
fn a_changed_email_becomes_the_primary_one() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&USER);
    let made = done(create(
        &*zendesk,
        "Users",
        &watch,
        &[(0, json!("Ada Berg")), (1, json!("ada.old@example.no"))],
    ));
    // Together with another property, in one write.
    let old = get(&*zendesk, "Users", &watch, &made.id);
    let after = done(update(&*zendesk, "Users", &watch, &old, 1, json!("ada.new@example.no")));
    assert_eq!(after.values[1], Some(json!("ada.new@example.no")));
    assert_eq!(
        sandbox.record("zendesk", "users", &made.id).unwrap()["email"],
        json!("ada.new@example.no")
    );
    // Back to the address that the user still has as a second identity.
    let back = done(update(&*zendesk, "Users", &watch, &after, 1, json!("ada.old@example.no")));
    assert_eq!(back.values[1], Some(json!("ada.old@example.no")));
}

#[test]
fn g4_an_email_that_somebody_else_has_is_refused_and_named() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&USER);
    let first = done(create(
        &*zendesk,
        "Users",
        &watch,
        &[(0, json!("Ada")), (1, json!("ada@example.no"))],
    ));
    let second = done(create(
        &*zendesk,
        "Users",
        &watch,
        &[(0, json!("Liv")), (1, json!("liv@example.no"))],
    ));
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
        assert!(
            matches!(outcome, Outcome::Later { .. } | Outcome::Stopped(_)),
            "{kind:?}: {outcome:?}"
        );
        sandbox.clear_faults("zendesk").unwrap();
    }
    sandbox
        .fault("zendesk", Fault::new(FaultKind::EmptyList, 1).on_path("/organizations/search"))
        .unwrap();
    for _ in 0..2 {
        assert!(matches!(again(), Outcome::Duplicate { id: Some(id), .. } if id == first.id));
    }
}

#[test]
fn an_oauth_client_is_enough_and_an_api_token_is_still_taken() {
    let sandbox = sandbox("zendesk");
    let settings = with("zendesk", &sandbox);
    let without = |names: &[&str]| {
        let mut settings = settings.clone();
        names.iter().for_each(|name| drop(settings.remove(*name)));
        settings
    };
    let by_client = without(&["email", "api_token"]);
    let connector = connect("zendesk", &by_client, Path::new(".")).unwrap();
    connector.test().unwrap();
    sandbox.expire_tokens("zendesk").unwrap();
    done(create(&*connector, "Organizations", &watch(&["name"]), &[(0, json!("Fjordheim AS"))]));
    let asked = sandbox.requests(0);
    assert_eq!(
        asked.iter().filter(|asked| asked.path.ends_with("/oauth/tokens")).count(),
        2,
        "one, and one when it had ended"
    );
    let by_token = without(&["client_id", "client_secret"]);
    connect("zendesk", &by_token, Path::new(".")).unwrap().test().unwrap();
    assert_eq!(
        sandbox.requests(0).iter().filter(|asked| asked.path.ends_with("/oauth/tokens")).count(),
        2
    );
    // What is missing is the client; that an API token ends is said.
    let neither = without(&["client_id", "client_secret", "email", "api_token"]);
    let missing = |settings| {
        missing("zendesk", settings, Path::new("."))
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(missing(&neither), ["client_id", "client_secret"]);
    assert_eq!((missing(&by_token), missing(&by_client)), (vec![], vec![]));
    assert!(connect("zendesk", &neither, Path::new(".")).is_err());
    let warned = warnings("zendesk", &by_token, Path::new("."));
    assert!(
        warned.iter().any(|told| told.contains("api_token") && told.contains("2027-04-30")),
        "{warned:?}"
    );
    assert_eq!(warnings("zendesk", &by_client, Path::new(".")), Vec::<String>::new());
}

#[test]
fn r1_archived_tickets_are_listed() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    sandbox.set_clock_offset("zendesk", -121 * 86_400).unwrap();
    let old = json!({"subject": "Sak C-33", "status": "closed", "external_id": "C-33", "comment": {"body": "Hei"}});
    let archived = sandbox.put("zendesk", "tickets", old).unwrap()["id"].to_string();
    sandbox.set_clock_offset("zendesk", 0).unwrap();
    let watch = watch(&["subject", "external_id"]);
    let all = read(&*zendesk, "Tickets", &watch);
    assert!(all.everything && all.records.contains_key(&archived), "an archived ticket is there");
    let gone = pick(&all, |ticket| ticket.id != archived);
    sandbox.remove("zendesk", "tickets", &gone.id).unwrap();
    assert!(!read(&*zendesk, "Tickets", &watch).records.contains_key(&gone.id));
    // What changed in the last minute no export shows: before one is created it is looked for.
    let fresh = json!({"subject": "Ny", "external_id": "C-34", "comment": {"body": "Hei"}});
    let fresh = sandbox.put("zendesk", "tickets", fresh).unwrap()["id"].to_string();
    let found = zendesk.find("Tickets", &watch, 1, &json!("C-34")).unwrap().unwrap();
    assert_eq!(found.iter().map(|ticket| &ticket.id).collect::<Vec<_>>(), [&fresh]);
}

#[test]
fn nobody_is_mailed_for_a_new_or_changed_address() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&USER);
    let made = done(create(
        &*zendesk,
        "Users",
        &watch,
        &[(0, json!("Ada Berg")), (1, json!("ada.old@example.no"))],
    ));
    let old = get(&*zendesk, "Users", &watch, &made.id);
    done(update(&*zendesk, "Users", &watch, &old, 1, json!("ada.new@example.no")));
    assert_eq!(sandbox.records("zendesk", "mails").unwrap(), Vec::<Value>::new());
}

#[test]
fn r1_organizations_that_changed_in_one_second_are_listed_whole() {
    let sandbox = sandbox("zendesk");
    let zendesk = open("zendesk", &sandbox);
    let watch = watch(&["name"]);
    let first = read(&*zendesk, "Organizations", &watch);
    // More than a page of the export, all in one second: an import.
    let into_the_second =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_millis();
    std::thread::sleep(std::time::Duration::from_millis(1_000 - u64::from(into_the_second)));
    for n in 0..1_003 {
        sandbox.put("zendesk", "organizations", json!({"name": format!("Import {n}")})).unwrap();
    }
    let second = read_all(&*zendesk, "Organizations", &watch, Some(first.checkpoint), 100).unwrap();
    assert_eq!(second.records.len(), first.records.len() + 1_003);
    let third = read_all(&*zendesk, "Organizations", &watch, Some(second.checkpoint), 100).unwrap();
    assert_eq!(
        third.records.len(),
        1_003 + first.records.len(),
        "again, as long as they are within the overlap"
    );
}

#[test]
fn what_only_a_real_account_settles_is_asked() {
    let sandbox = sandbox("zendesk");
    let sheet = settle_questions(&*open("zendesk", &sandbox)).unwrap();
    assert!(sheet.trials.len() > 5);
    assert_eq!(sheet.failures().collect::<Vec<_>>(), vec![]);
    assert!(
        sandbox
            .requests(0)
            .iter()
            .all(|asked| asked.method == "GET" || asked.path.ends_with("/oauth/tokens"))
    );
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
    let customer = done(create(
        &*zendesk,
        "Users",
        &watch(&USER),
        &[(0, json!("Ada")), (1, json!("ada@example.no"))],
    ));
    let customer: i64 = customer.id.parse().unwrap();
    let watch = watch(&TICKET);
    match create(&*zendesk, "Tickets", &watch, &[(0, json!("Hjelp")), (2, json!(customer))]) {
        Outcome::Rejected { prop, message } => assert_eq!(prop, Some(2), "{message}"),
        other => panic!("{other:?}"),
    }
    let ticket =
        done(create(&*zendesk, "Tickets", &watch, &[(0, json!("Hjelp")), (1, json!(customer))]));
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
    assert_eq!(
        sandbox.record("zendesk", "tickets", &before.id).unwrap()["subject"],
        json!("Meanwhile")
    );
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
