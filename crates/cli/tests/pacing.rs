//! Rates: many pending writes go out as fast as the system's stated rate allows and no faster, and
//! a system that asks to wait makes nobody else wait.

use crate::transcript;

use std::time::Instant;

use crate::transcript::{lockstep, root, write};
use lockstep_sandbox::{Fault, FaultKind, Options, Sandbox, credentials};
use serde_json::Value;

const PEOPLE: usize = 1000;
/// As the manifest states it; the system itself refuses more than 200 in a second.
const RATE: usize = 190;

fn of<'a>(report: &'a Value, system: &str) -> &'a Value {
    report["systems"].as_array().unwrap().iter().find(|counts| counts["system"] == system).unwrap()
}

#[test]
fn a_thousand_writes_go_out_within_the_stated_rate_and_a_429_slows_its_system_only() {
    let options = Options { systems: vec!["fjordclub".into()], ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let openapi = root().join("examples/fjordclub/openapi.yaml");
    lockstep(dir, &["connector", "new", "club", "--openapi", openapi.to_str().unwrap()]).exits(0);
    let manifest = dir.join("connectors/club.yaml");
    let text = transcript::read(&manifest);
    write(&manifest, &text.replace("per-second: 5", &format!("per-second: {RATE}")));
    write(
        &dir.join("lockstep.yaml"),
        &format!(
            "store: sqlite:lockstep.db\nsystems:\n  club:\n    connector: club\n    with: {{ base_url: \"{}\", api_key: sandbox-fjordclub-key }}\n  \
             office:\n    connector: files\n    with: {{ folder: data/office }}\n  store:\n    connector: files\n    with: {{ folder: data/store }}\n",
            sandbox.url("fjordclub").unwrap()
        ),
    );
    let flow = |to: &str, properties: &str| {
        format!(
            "  - from: office.People\n    to: {to}\n    create: always\n    match: [mail = email]\n    properties: [{properties}]\n"
        )
    };
    write(
        &dir.join("flows/all.yaml"),
        &format!(
            "flows:\n{}{}",
            flow("club.Members", "name <-> name, mail <-> email"),
            flow("store.Customers", "name <-> name, mail <-> email")
        ),
    );
    let people: String = (0..PEOPLE)
        .map(|n| format!("{{\"id\":{n},\"name\":\"Person {n}\",\"mail\":\"p{n}@example.com\"}}\n"))
        .collect();
    write(&dir.join("data/office/People.jsonl"), &people);
    write(&dir.join("data/store/Customers.jsonl"), "");
    // Once, in the middle of it, the club has had enough for a second.
    let mut enough = Fault::new(FaultKind::Status, 1).on_method("POST");
    (enough.what.status, enough.what.retry_after) = (Some(429), Some(1));
    sandbox.fault("fjordclub", enough).unwrap();

    let began = Instant::now();
    let ran = lockstep(dir, &["sync", "--format", "json"]).exits(0);
    let took = began.elapsed();
    let report = ran.json();
    let requests = &of(&report, "club")["requests"];
    let count = |at: &str| usize::try_from(requests[at].as_u64().unwrap()).unwrap();
    println!("{PEOPLE} pending writes at {RATE} a second: {requests}, in {took:.1?}");
    assert_eq!(sandbox.records("fjordclub", "members").unwrap().len(), PEOPLE, "all in one run");
    // The one that was refused was sent again; the system itself counted no other that came too
    // early.
    assert_eq!(count("refused"), 1, "{requests}");
    assert!(count("sent") > PEOPLE, "{requests}");
    let least = (count("sent") - 1) as f64 / RATE as f64;
    assert!(
        took.as_secs_f64() >= least,
        "{took:?} for {} requests is faster than the stated rate",
        count("sent")
    );
    // Nobody else was slowed: the folder needs no requests, and its writes were there at once.
    assert_eq!(of(&report, "store")["created"], PEOPLE);
    assert!(of(&report, "store")["requests"].is_null());
}

/// Two systems over HTTP in one project. While the one that has had enough is left alone, requests
/// to the other go on: the order in which they arrived shows it.
#[test]
fn a_429_of_one_system_holds_back_no_request_to_another() {
    let options =
        Options { systems: vec!["fjordclub".into(), "zendesk".into()], ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let openapi = root().join("examples/fjordclub/openapi.yaml");
    lockstep(dir, &["connector", "new", "club", "--openapi", openapi.to_str().unwrap()]).exits(0);
    let key = |name: &str| {
        credentials("zendesk").into_iter().find(|(known, _)| known.ends_with(name)).unwrap().1
    };
    write(
        &dir.join("lockstep.yaml"),
        &format!(
            "store: sqlite:lockstep.db\nsystems:\n  club:\n    connector: club\n    with: {{ base_url: \"{}\", api_key: sandbox-fjordclub-key, rate_per_second: 180 }}\n  \
             desk:\n    connector: zendesk\n    with: {{ base_url: \"{}\", email: {}, api_token: {}, rate_per_second: 1000 }}\n  \
             office:\n    connector: files\n    with: {{ folder: data/office }}\n",
            sandbox.url("fjordclub").unwrap(),
            sandbox.url("zendesk").unwrap(),
            key("EMAIL"),
            key("API_TOKEN")
        ),
    );
    let flow = |to: &str| {
        format!(
            "  - from: office.People\n    to: {to}\n    create: always\n    match: [mail = email]\n    properties: [name <-> name, mail <-> email]\n"
        )
    };
    write(
        &dir.join("flows/all.yaml"),
        &format!("flows:\n{}{}", flow("club.Members"), flow("desk.Users")),
    );
    let people: String = (0..40)
        .map(|n| format!("{{\"id\":{n},\"name\":\"Person {n}\",\"mail\":\"p{n}@example.com\"}}\n"))
        .collect();
    write(&dir.join("data/office/People.jsonl"), &people);
    let mut enough = Fault::new(FaultKind::Status, 1).on_method("POST");
    (enough.what.status, enough.what.retry_after) = (Some(429), Some(3));
    sandbox.fault("fjordclub", enough).unwrap();

    let report = lockstep(dir, &["sync", "--format", "json"]).exits(0).json();
    assert_eq!(
        (of(&report, "club")["created"].as_u64(), of(&report, "desk")["created"].as_u64()),
        (Some(40), Some(40))
    );
    let log = sandbox.requests(0);
    let refused =
        log.iter().position(|asked| asked.status == 429).expect("the club has had enough once");
    // Three more may have been under way.
    let of_club =
        log.iter().enumerate().skip(refused + 1).filter(|(_, asked)| asked.system == "fjordclub");
    let again = of_club.map(|(at, _)| at).nth(3).expect("it is asked again");
    let meanwhile = log[refused..again]
        .iter()
        .filter(|asked| asked.system == "zendesk" && asked.method == "POST")
        .count();
    println!(
        "between the refusal and the next request to the club, {meanwhile} users were made in the other system"
    );
    assert!(meanwhile >= 10, "the other system waited too: {:#?}", &log[refused..again]);
    assert_eq!(of(&report, "desk")["requests"]["refused"], 0);
}
