//! Webhooks from end to end: the emulated systems are told where to call, call when somebody
//! changes a record, signed as the vendor signs, and the record that is named is read by itself. A
//! registration outlives the program, is renewed while it runs, and is made anew where it ended.

use crate::service;

use std::path::Path;

use crate::service::{free_port, run, wait_for, wait_until};
use crate::transcript::{lockstep, read, root, write};
use lockstep_sandbox::{Options, Running, Sandbox, credentials};
use serde_json::{Value, json};

const HOOK: &str = "webhook:
  signature: { header: X-Club-Signature, secret: \"{{ hook_secret }}\", prefix: \"sha256=\", timestamp: X-Club-Time, between: \".\" }
  events: events
  word: event
  types: { Members: member. }
  id: id
  register: { method: POST, path: /subscriptions, body: { url: \"{{ url }}\" } }
  register-id: id
  registered: { request: { path: /subscriptions }, items: subscriptions, url: url, id: id }
  renew-s: 1
  renew: { method: PUT, path: \"/subscriptions/{{ hook }}\" }
types:
";

/// A project of one system and a folder, whose next reading is an hour away.
fn project(dir: &Path, connector: &str, with: &str, flow: &str, every: &str) {
    write(
        &dir.join("lockstep.yaml"),
        &format!(
            "store: sqlite:lockstep.db\nsystems:\n  there:\n    connector: {connector}\n    schedule: {{ every: {every} }}\n    with: {{ {with} }}\n  \
             office:\n    connector: files\n    schedule: {{ every: {every} }}\n    with: {{ folder: data }}\n"
        ),
    );
    write(
        &dir.join("flows/all.yaml"),
        &format!("flows:\n  - from: there.{flow}\n    to: office.People\n    create: always\n"),
    );
    write(&dir.join("data/People.jsonl"), "");
}

fn club(dir: &Path, sandbox: &Running, every: &str) {
    let openapi = root().join("examples/fjordclub/openapi.yaml");
    lockstep(dir, &["connector", "new", "club", "--openapi", openapi.to_str().unwrap()]).exits(0);
    let manifest = dir.join("connectors/club.yaml");
    let settings = "settings:\n  hook_secret: { what: \"the secret of calls\", secret: true }\n";
    write(&manifest, &read(&manifest).replace("types:\n", HOOK).replace("settings:\n", settings));
    let with = format!(
        "base_url: \"{}\", api_key: sandbox-fjordclub-key, hook_secret: sandbox-hook-secret",
        sandbox.url("fjordclub").unwrap()
    );
    project(
        dir,
        "club",
        &with,
        "Members\n    match: [email = mail]\n    properties: [name <-> name, email <-> mail, town <-> town]",
        every,
    );
}

/// The paths of what was asked since, by method.
fn asked(sandbox: &Running, since: u64, method: &str) -> Vec<String> {
    let requests = sandbox.requests(since).into_iter();
    requests
        .filter(|asked| asked.method == method)
        .map(|asked| asked.path.rsplit("/fjordclub").next().unwrap().into())
        .collect()
}

fn id_of(record: &Value) -> String {
    record["id"].as_str().map_or_else(|| record["id"].to_string(), str::to_string)
}

#[test]
fn r4_a_registered_system_calls_and_the_named_record_alone_is_read() {
    let sandbox =
        Sandbox::start(Options { systems: vec!["fjordclub".into()], ..Options::default() })
            .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    club(dir, &sandbox, "1h");
    let listen = format!("127.0.0.1:{}", free_port());
    let public = format!("http://{listen}");
    let args = ["--webhooks", listen.as_str(), "--public-url", public.as_str()];
    let registrations = |since| {
        asked(&sandbox, since, "POST").iter().filter(|path| *path == "/subscriptions").count()
    };
    let renewals = |since| asked(&sandbox, since, "PUT").len();
    {
        let (_service, lines) = run(dir, &args);
        wait_for(&lines, &format!("there has been told to call {public}/hooks/there"));
        wait_until("it was not renewed", || renewals(0) >= 2);
        assert_eq!(registrations(0), 1);
    }
    // Stopped, its registration stays; the calls of now are lost. Started anew it is found again,
    // and what was missed is read.
    let eira = id_of(&sandbox.records("fjordclub", "members").unwrap()[0]);
    sandbox.edit("fjordclub", "members", &eira, &json!({"town": "Odda"})).unwrap();
    wait_until("nobody was called", || sandbox.calls().iter().any(|call| call.status == 0));
    let since = sandbox.last_request();
    let (_service, lines) = run(dir, &args);
    wait_for(&lines, "Odda");
    wait_until("it was not renewed", || renewals(since) >= 1);
    assert_eq!(registrations(since), 0, "a restart is not registered once more");

    // A call names its record: that one is read, by one request, and nothing is listed.
    let since = sandbox.last_request();
    sandbox.edit("fjordclub", "members", &eira, &json!({"town": "Stord"})).unwrap();
    wait_for(&lines, "→ “Stord”");
    assert!(read(&dir.join("data/People.jsonl")).contains("Stord"));
    let read_ones = asked(&sandbox, since, "GET");
    assert_eq!(read_ones, [format!("/members/{eira}")]);
    // A new one is known by its call as well.
    let since = sandbox.last_request();
    sandbox
        .put("fjordclub", "members", json!({"name": "Torunn Vik", "email": "torunn@example.no"}))
        .unwrap();
    wait_for(&lines, "created  office.People");
    assert!(
        asked(&sandbox, since, "GET").iter().all(|path| path.starts_with("/members/m")),
        "{:?}",
        asked(&sandbox, since, "GET")
    );
    assert!(
        sandbox.calls().iter().rev().take(2).all(|call| call.status == 200),
        "{:?}",
        sandbox.calls()
    );

    // The club forgets who subscribed: it is told anew, and calls again.
    let since = sandbox.last_request();
    sandbox.set_clock_offset("fjordclub", 7200).unwrap();
    wait_until("it was not registered anew", || registrations(since) == 1);
    sandbox.set_clock_offset("fjordclub", 0).unwrap();
    sandbox.edit("fjordclub", "members", &eira, &json!({"town": "Bergen"})).unwrap();
    wait_for(&lines, "→ “Bergen”");
    // What a call says is deleted is asked for where the club tells what is.
    sandbox.remove("fjordclub", "members", &eira).unwrap();
    wait_for(&lines, "gone     there.Members");
}

#[test]
fn r4_a_call_that_never_comes_is_made_good_on_schedule() {
    let sandbox =
        Sandbox::start(Options { systems: vec!["fjordclub".into()], ..Options::default() })
            .unwrap();
    let dir = tempfile::tempdir().unwrap();
    club(dir.path(), &sandbox, "1s");
    let (_service, _, lines) = service::start(dir.path());
    wait_for(&lines, "created  office.People");
    let eira = id_of(&sandbox.records("fjordclub", "members").unwrap()[0]);
    sandbox.edit("fjordclub", "members", &eira, &json!({"town": "Voss"})).unwrap();
    wait_for(&lines, "→ “Voss”");
    assert_eq!(sandbox.calls(), [], "nobody has been told where to call");
}

#[test]
fn zendesk_makes_a_webhook_once_and_its_own_signing_secret_is_asked_for() {
    let sandbox =
        Sandbox::start(Options { systems: vec!["zendesk".into()], ..Options::empty() }).unwrap();
    let user = sandbox
        .put("zendesk", "users", json!({"name": "Ylva Strand", "email": "ylva@example.no"}))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let key = |name: &str| {
        credentials("zendesk").into_iter().find(|(known, _)| known.ends_with(name)).unwrap().1
    };
    let with = format!(
        "base_url: \"{}\", email: {}, api_token: {}, rate_per_second: 1000",
        sandbox.url("zendesk").unwrap(),
        key("EMAIL"),
        key("API_TOKEN")
    );
    project(
        dir,
        "zendesk",
        &with,
        "Users\n    match: [email = mail]\n    properties: [name <-> name, email <-> mail]",
        "1h",
    );
    let listen = format!("127.0.0.1:{}", free_port());
    let public = format!("http://{listen}");
    for round in ["Ylva Moen", "Ylva Moen Strand"] {
        let began = sandbox.last_request();
        let (_service, lines) = run(dir, &["--webhooks", &listen, "--public-url", &public]);
        wait_for(&lines, "there has been told to call");
        wait_until("nothing was read", || {
            let listed = |path: &str| path.contains("users?") || path.contains("incremental");
            sandbox.requests(began).iter().any(|asked| listed(&asked.path))
                && read(&dir.join("data/People.jsonl")).contains("Ylva")
        });
        let since = sandbox.last_request();
        sandbox.edit("zendesk", "users", &id_of(&user), &json!({"name": round})).unwrap();
        wait_for(&lines, &format!("→ “{round}”"));
        let since: Vec<String> =
            sandbox.requests(since).into_iter().map(|asked| asked.path).collect();
        assert_eq!(since, [format!("/zendesk/api/v2/users/{}", id_of(&user))]);
    }
    let made = sandbox
        .requests(0)
        .iter()
        .filter(|asked| asked.method == "POST" && asked.path.ends_with("/webhooks"))
        .count();
    assert_eq!(made, 1, "a webhook for each start");
    assert!(sandbox.calls().iter().all(|call| call.status == 200), "{:?}", sandbox.calls());
}

#[test]
fn wix_calls_with_web_tokens_of_the_apps_key() {
    let sandbox =
        Sandbox::start(Options { systems: vec!["wix".into()], ..Options::empty() }).unwrap();
    let email = json!({"items": [{"email": "liv@example.no"}]});
    sandbox.put("wix", "contacts", json!({"info": {"name": {"first": "Ola"}}})).unwrap();
    let contact = sandbox
        .put("wix", "contacts", json!({"info": {"name": {"first": "Liv"}, "emails": email}}))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut with = format!("base_url: \"{}\", rate_per_second: 1000", sandbox.url("wix").unwrap());
    for (variable, setting) in
        [("WIX_API_KEY", "api_key"), ("WIX_SITE_ID", "site_id"), ("WIX_WEBHOOK_KEY", "webhook_key")]
    {
        let (_, value) =
            credentials("wix").into_iter().find(|(known, _)| known == variable).unwrap();
        with.push_str(&format!(", {setting}: '{value}'"));
    }
    project(
        dir,
        "wix",
        &with,
        "Contacts\n    match: [info.emails = mail]\n    properties: [info.name.first <-> name, info.emails <-> mail]",
        "1h",
    );
    let (_service, url, lines) = service::start(dir);
    for _ in 0..2 {
        wait_for(&lines, "created  office.People");
    }
    assert!(sandbox.call_at("wix", &format!("{url}/hooks/there")).unwrap());
    let since = sandbox.last_request();
    sandbox
        .edit(
            "wix",
            "contacts",
            &id_of(&contact),
            &json!({"info": {"name": {"first": "Liv Ragna"}}}),
        )
        .unwrap();
    wait_for(&lines, "→ “Liv Ragna”");
    let since: Vec<String> = sandbox.requests(since).into_iter().map(|asked| asked.path).collect();
    assert_eq!(since, [format!("/wix/contacts/v4/contacts/{}", id_of(&contact))]);
    // Where a system does not tell what is deleted, the look by its id does.
    sandbox.remove("wix", "contacts", &id_of(&contact)).unwrap();
    wait_for(&lines, "gone     there.Contacts");
    assert!(sandbox.calls().iter().all(|call| call.status == 200), "{:?}", sandbox.calls());
}
