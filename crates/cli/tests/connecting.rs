//! `lockstep connect`: a person signs in by a page of this machine or by pasting an address; a
//! sign-in that is taken back pauses its system alone, and when somebody has signed in anew the run
//! goes on without a gap.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::transcript::{command, lockstep, read, write};
use lockstep_sandbox::{Options, Running, Sandbox, credentials};
use serde_json::{Value, json};

/// CRMOffice without a refresh token, in step with two folders of files.
fn project() -> (tempfile::TempDir, Running) {
    let options = Options { systems: vec!["crmoffice".into()], ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = sandbox.url("crmoffice").unwrap();
    let key = |name: &str| {
        credentials("crmoffice").into_iter().find(|(known, _)| known.ends_with(name)).unwrap().1
    };
    let project = format!(
        "store: sqlite:lockstep.db\nsystems:\n  crm:\n    connector: crmoffice\n    with: {{ base_url: \"{url}\", token_url: \"{url}/connect/token\", client_id: \"{}\", client_secret: \"{}\", rate_per_second: 1000 }}\n  \
         shop:\n    connector: files\n    with: {{ folder: data/shop }}\n  desk:\n    connector: files\n    with: {{ folder: data/desk }}\n",
        key("CLIENT_ID"),
        key("CLIENT_SECRET")
    );
    write(&dir.path().join("lockstep.yaml"), &project);
    let flows = "flows:\n  - from: crm.Contacts\n    to: shop.Customers\n    create: always\n    match: [directPhone = phone]\n    properties: [givenName <-> first, directPhone <-> phone]\n  \
                 - from: shop.Customers\n    to: desk.Users\n    create: always\n    match: [phone = phone]\n    properties: [first <-> name, phone <-> phone]\n";
    write(&dir.path().join("flows/all.yaml"), flows);
    write(
        &dir.path().join("data/shop/Customers.jsonl"),
        "{\"id\":1,\"first\":\"Runa\",\"phone\":\"+47 22 00 00 01\"}\n",
    );
    write(
        &dir.path().join("data/desk/Users.jsonl"),
        "{\"id\":1,\"name\":\"Runa\",\"phone\":\"+47 22 00 00 01\"}\n",
    );
    sandbox
        .put(
            "crmoffice",
            "contacts",
            json!({"givenName": "Runa", "directPhone": "+47 22 00 00 01"}),
        )
        .unwrap();
    (dir, sandbox)
}

/// Starts the command and reads up to the address that a person is to open.
fn begin(dir: &Path, args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>, String) {
    let mut child = command(dir, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.trim_start().starts_with("http") {
        line.clear();
        if out.read_line(&mut line).unwrap() == 0 {
            let mut told = String::new();
            child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("no address: {told}");
        }
    }
    (child, out, line.trim().to_string())
}

fn browser(redirects: u32) -> ureq::Agent {
    ureq::Agent::config_builder()
        .max_redirects(redirects)
        .http_status_as_error(false)
        .build()
        .new_agent()
}

fn end(mut child: Child, mut out: impl std::io::Read) -> String {
    let mut told = String::new();
    out.read_to_string(&mut told).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(child.wait().unwrap().success(), "{told}");
    told
}

/// By a browser on this machine.
fn sign_in(dir: &Path) {
    let (child, out, url) = begin(dir, &["connect", "crm", "--port", "0"]);
    // A request of somebody else's changes nothing.
    let back = url
        .split("redirect_uri=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .replace("%3A", ":")
        .replace("%2F", "/");
    assert_eq!(browser(0).get(format!("{back}?code=x&state=y")).call().unwrap().status(), 400);
    let mut page = browser(5).get(&url).call().unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.body_mut().read_to_string().unwrap().contains("You are signed in."));
    assert!(end(child, out).contains("crm: CRMOffice at http"));
}

/// On a server, by pasting what the browser shows.
fn sign_in_by_pasting(dir: &Path) {
    let (mut child, out, url) = begin(dir, &["connect", "crm", "--paste"]);
    let page = browser(0).get(&url).call().unwrap();
    let came_back = page.headers()["location"].to_str().unwrap().to_string();
    writeln!(child.stdin.take().unwrap(), "{came_back}").unwrap();
    assert!(end(child, out).contains("takes the key"));
}

fn paused(report: &Value) -> Option<&str> {
    report["systems"].as_array().unwrap().iter().find(|system| system["system"] == "crm").unwrap()["paused"].as_str()
}

#[test]
fn a_sign_in_that_is_taken_back_pauses_its_system_and_a_new_one_goes_on_without_a_gap() {
    let (dir, sandbox) = project();
    let dir = dir.path();
    lockstep(dir, &["check"]).exits(0).says("the connector crmoffice is experimental");
    lockstep(dir, &["sync"])
        .exits(1)
        .says("nobody has signed in to CRMOffice yet; `lockstep connect crm`");
    sign_in(dir);
    lockstep(dir, &["sync"]).exits(0).says("linked");
    let key = read(&dir.join("lockstep.key"));
    assert!(!read(&dir.join("lockstep.tokens")).contains("refresh"), "tokens are kept encrypted");

    // Each run of its own renews; the server replaces the refresh token each time.
    for _ in 0..2 {
        sandbox.expire_tokens("crmoffice").unwrap();
        lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    }

    sandbox.revoke_tokens("crmoffice").unwrap();
    let contact = sandbox.records("crmoffice", "contacts").unwrap().remove(0)["id"]
        .as_str()
        .unwrap()
        .to_string();
    sandbox.edit("crmoffice", "contacts", &contact, &json!({"givenName": "Rúna"})).unwrap();
    write(
        &dir.join("data/shop/Customers.jsonl"),
        "{\"id\":1,\"first\":\"Runa\",\"phone\":\"+47 22 00 00 01\"}\n{\"id\":2,\"first\":\"Alva\",\"phone\":\"+47 22 00 00 02\"}\n",
    );
    let ran = lockstep(dir, &["sync", "--format", "json"]).exits(1);
    let why = paused(&ran.json()).unwrap_or_default().to_string();
    assert!(why.contains("revoked") && why.contains("`lockstep connect crm`"), "{why}");
    assert!(read(&dir.join("data/desk/Users.jsonl")).contains("Alva"), "the others go on");

    sign_in_by_pasting(dir);
    let ran = lockstep(dir, &["sync", "--format", "json"]).exits(0);
    assert_eq!(paused(&ran.json()), None);
    assert!(
        read(&dir.join("data/shop/Customers.jsonl")).contains("Rúna"),
        "what was edited meanwhile has come"
    );
    assert!(read(&dir.join("data/desk/Users.jsonl")).contains("Rúna"), "and has gone on");
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");

    // The key is gone, or another: told with the remedy, and signing in anew is enough.
    write(&dir.join("lockstep.key"), &key.replace(|c: char| c.is_ascii_digit(), "a"));
    lockstep(dir, &["sync"])
        .exits(1)
        .says("can't be opened with the key of")
        .says("`lockstep connect crm`");
    sign_in(dir);
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn an_administrators_sign_in_gives_a_service_what_it_needs() {
    let options = Options { systems: vec!["superoffice".into()], ..Options::default() };
    let sandbox = Sandbox::start(options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let key = |name: &str| {
        credentials("superoffice").into_iter().find(|(known, _)| known.ends_with(name)).unwrap().1
    };
    let project = |more: &str| {
        let url = sandbox.url("superoffice").unwrap();
        let with = format!(
            "base_url: \"{url}\", context: {}, client_id: \"{}\", client_secret: \"{}\", rate_per_second: 1000{more}",
            key("CONTEXT"),
            key("CLIENT_ID"),
            key("CLIENT_SECRET")
        );
        let yaml = format!(
            "store: sqlite:lockstep.db\nsystems:\n  crm:\n    connector: superoffice\n    with: {{ {with} }}\n  \
             shop:\n    connector: files\n    with: {{ folder: data }}\n"
        );
        write(&dir.join("lockstep.yaml"), &yaml);
    };
    project("");
    write(&dir.join("flows/all.yaml"), "flows: []\n");
    write(&dir.join("data/People.jsonl"), "{\"id\":1,\"name\":\"Runa\"}\n");
    let by_browser = |args: &[&str]| {
        let (child, out, url) = begin(dir, args);
        assert_eq!(browser(5).get(&url).call().unwrap().status(), 200);
        end(child, out)
    };
    let told = by_browser(&["connect", "crm", "--port", "0"]);
    assert!(told.contains("The sign-in tells the setting `system_user_token`"), "{told}");
    assert!(!told.contains(&key("SYSTEM_USER_TOKEN")), "it is a secret, and nobody asked for it");
    let told = by_browser(&["connect", "crm", "--port", "0", "--show-claims"]);
    assert!(told.contains(&format!("system_user_token: {}", key("SYSTEM_USER_TOKEN"))), "{told}");
    // With that and the key as it was handed out, no person is needed.
    let xml = include_str!("../../connector/tests/key.xml").replace('\n', "");
    write(&dir.join(".env"), &format!("TOKEN={}\nKEY={xml}\n", key("SYSTEM_USER_TOKEN")));
    project(", system_user_token: \"${TOKEN}\", private_key: \"${KEY}\"");
    lockstep(dir, &["connect", "crm"]).exits(0).says("takes the key");
    // What only a real account settles is asked, and nothing is changed by it.
    lockstep(dir, &["connector", "test", "superoffice"])
        .exits(0)
        .says("What only a real account settles")
        .says("lists of persons take $entities: status 200");
    assert_eq!(sandbox.total_writes(), 0);
}

#[test]
fn the_system_that_a_connector_is_tried_on_is_never_guessed() {
    let (dir, _sandbox) = project();
    let dir = dir.path();
    lockstep(dir, &["connector", "test", "files"])
        .exits(2)
        .says("`shop` and `desk` have `connector: files`: say which one with --system");
    lockstep(dir, &["connector", "test", "files", "--system", "desk"]).says("Users");
    lockstep(dir, &["connector", "test", "desk"]).says("Users");
    lockstep(dir, &["connector", "test", "till"])
        .exits(2)
        .says("no system in lockstep.yaml has `connector: till`");
}
