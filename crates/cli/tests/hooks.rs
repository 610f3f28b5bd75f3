//! Webhooks in `lockstep run`: a signed call brings an edit within moments though the next reading
//! is an hour away; what is not signed, old, or comes a second time brings nothing; a swarm of
//! calls is few readings.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::service::{start, wait_for};
use crate::transcript::{lockstep, read, root, write};
use lockstep_sandbox::{Options, Running, Sandbox};
use serde_json::json;

const SECRET: &str = "sandbox-hook-secret";

fn project(dir: &Path, sandbox: &Running) {
    let openapi = root().join("examples/fjordclub/openapi.yaml");
    lockstep(dir, &["connector", "new", "club", "--openapi", openapi.to_str().unwrap()]).exits(0);
    let manifest = dir.join("connectors/club.yaml");
    let hook = "webhook:\n  signature: { header: X-Club-Signature, secret: \"{{ hook_secret }}\", prefix: \"sha256=\", timestamp: X-Club-Time, between: \".\" }\n  \
                challenge-query: challenge\n  events: events\n  word: event\n  types: { Members: member. }\ntypes:\n";
    let text = read(&manifest).replace("types:\n", hook).replace(
        "settings:\n",
        "settings:\n  hook_secret: { what: \"the secret of calls\", secret: true }\n",
    );
    write(&manifest, &text);
    write(
        &dir.join("lockstep.yaml"),
        &format!(
            "store: sqlite:lockstep.db\nsystems:\n  club:\n    connector: club\n    schedule: {{ every: 1h }}\n    with: {{ base_url: \"{}\", api_key: sandbox-fjordclub-key, hook_secret: {SECRET} }}\n  \
             office:\n    connector: files\n    schedule: {{ every: 1h }}\n    with: {{ folder: data }}\n",
            sandbox.url("fjordclub").unwrap()
        ),
    );
    write(
        &dir.join("flows/all.yaml"),
        "flows:\n  - from: club.Members\n    to: office.People\n    create: always\n    match: [email = mail]\n    properties: [name <-> name, email <-> mail, town <-> town]\n",
    );
    write(&dir.join("data/People.jsonl"), "");
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn call(url: &str, body: &str, time: u64, secret: &str) -> u16 {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let signature = ring::hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let hex: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let request = agent.post(format!("{url}/hooks/club")).header("X-Club-Time", time.to_string());
    request
        .header("X-Club-Signature", format!("sha256={hex}"))
        .send(body)
        .unwrap()
        .status()
        .as_u16()
}

#[test]
fn r4_a_signed_call_is_read_now_and_nothing_else_is() {
    let sandbox =
        Sandbox::start(Options { systems: vec!["fjordclub".into()], ..Options::default() })
            .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    project(dir, &sandbox);
    let (_service, url, lines) = start(dir);
    for _ in 0..3 {
        wait_for(&lines, "created  office.People");
    }
    let eira = sandbox.records("fjordclub", "members").unwrap().remove(0)["id"]
        .as_str()
        .unwrap()
        .to_string();
    sandbox.edit("fjordclub", "members", &eira, &json!({"town": "Stord"})).unwrap();
    let asked = sandbox.requests(0).len();
    let body = json!({"events": [{"event": "member.changed", "id": eira}]}).to_string();

    // None of these is believed, and none makes anybody read.
    assert_eq!(call(&url, &body, now(), "another-secret"), 401);
    wait_for(&lines, "club: a call was refused: the call's signature is wrong");
    assert_eq!(call(&url, &body, now() - 3600, SECRET), 401, "an old call");
    assert_eq!(
        call(&url, "{\"events\": [{\"event\": \"invoice.paid\"}]}", now(), SECRET),
        200,
        "about nothing of ours"
    );
    let plain = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    assert_eq!(plain.post(format!("{url}/hooks/club")).send(&body).unwrap().status(), 401);
    assert_eq!(plain.post(format!("{url}/hooks/nobody")).send(&body).unwrap().status(), 404);
    let mut challenge = plain.get(format!("{url}/hooks/club?challenge=h3llo")).call().unwrap();
    assert_eq!(challenge.body_mut().read_to_string().unwrap(), "h3llo");
    assert_eq!(sandbox.requests(0).len(), asked, "somebody read");

    // Twenty calls of one moment are one reading, or two at most.
    let time = now();
    for n in 0..20 {
        let body = json!({"events": [{"event": "member.changed", "id": eira, "n": n}]}).to_string();
        assert_eq!(call(&url, &body, time, SECRET), 200);
    }
    wait_for(&lines, "updated  office.People");
    assert!(read(&dir.join("data/People.jsonl")).contains("Stord"));
    // The calls that came during the first reading are read for, too.
    let mut all = 0;
    while std::mem::replace(&mut all, sandbox.requests(0).len()) != all {
        std::thread::sleep(Duration::from_millis(600));
    }
    let since: Vec<String> =
        sandbox.requests(0).split_off(asked).into_iter().map(|asked| asked.path).collect();
    let readings = since.iter().filter(|path| path.contains("updated_since")).count();
    assert!((1..=4).contains(&readings), "{readings} readings for twenty hints: {since:?}");

    // The same call once more is taken and brings nothing.
    let asked = sandbox.requests(0).len();
    let body = json!({"events": [{"event": "member.changed", "id": eira, "n": 0}]}).to_string();
    assert_eq!(call(&url, &body, time, SECRET), 200);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(sandbox.requests(0).len(), asked, "a repeated call was read for");
}
