//! `lockstep run` at work, and what commands ask of it meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::service::{run, wait_until};
use crate::transcript::command;

const PROJECT: &str = "store: sqlite:lockstep.db
systems:
  crm: { connector: files, schedule: { every: 1h }, with: { folder: crm } }
  shop: { connector: files, schedule: { every: 1h }, with: { folder: shop } }
flows: [flows.yaml]
";

const FLOWS: &str = "flows:
  - from: crm.people
    to: shop.customers
    create: always
    match: [mail = email]
    properties: [name <-> name, mail <-> email]
";

fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lockstep.yaml", PROJECT);
    write("flows.yaml", FLOWS);
    write(
        "crm/people.csv",
        "id,name,mail\n1,Solveig Nygård,solveig@example.com\n2,Åse Berg,ase@example.com\n",
    );
    write(
        "shop/customers.csv",
        "id,name,email\nc-1,Solveig,solveig@example.com\nc-2,Bo Aas,bo@example.com\n",
    );
    dir
}

/// What a command prints, and its exit status.
fn said(dir: &Path, args: &[&str]) -> (String, i32) {
    let output = command(dir, args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&text).into_owned(), output.status.code().unwrap_or(-1))
}

fn customers(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("shop/customers.csv")).unwrap()
}

#[test]
fn commands_that_act_ask_the_service_that_is_at_work() {
    let dir = project();
    let dir = dir.path();
    let (_service, _lines) = run(dir, &[]);
    wait_until("it has run", || customers(dir).contains("Åse Berg"));
    // The next reading on schedule is an hour off: what happens now was asked for.
    let people = std::fs::read_to_string(dir.join("crm/people.csv")).unwrap();
    std::fs::write(dir.join("crm/people.csv"), people.replace("Åse Berg", "Åse Bergan")).unwrap();
    let (text, status) = said(dir, &["sync"]);
    assert_eq!(status, 0, "{text}");
    assert!(customers(dir).contains("Åse Bergan"), "{text}");
    let (text, status) = said(dir, &["undo", "--since", "1h", "--yes"]);
    assert!(status <= 1 && text.contains("put back, as run"), "{status} {text}");
    let (text, status) = said(dir, &["link", "crm.people/1", "shop.customers/c-2"]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("c-1"), "who it is linked with already is said: {text}");
    let (text, status) = said(dir, &["unlink", "crm.people/1"]);
    assert_eq!(status, 0, "{text}");
    let (text, status) = said(dir, &["plan"]);
    assert!(status <= 1, "{text}");
    let (text, status) = said(dir, &["status"]);
    assert!(status <= 1, "{text}");
    let (text, status) = said(dir, &["run"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("a service is at work"), "{text}");
}

#[test]
fn what_the_service_would_do_otherwise_than_the_command_meant_is_refused() {
    let dir = project();
    let dir = dir.path();
    let (_service, _lines) = run(dir, &[]);
    wait_until("it has run", || customers(dir).contains("Åse Berg"));
    std::fs::write(dir.join("flows.yaml"), FLOWS.replace("create: always", "create: never"))
        .unwrap();
    let (text, status) = said(dir, &["sync"]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("start it anew"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_service_that_is_asked_to_end_ends_in_order() {
    let dir = project();
    let dir = dir.path();
    let mut child = command(dir, &["run", "--approve"]).spawn().unwrap();
    wait_until("it has run", || customers(dir).contains("Åse Berg"));
    wait_until("its door is open", || dir.join("lockstep.db.service").exists());
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    assert!(!dir.join("lockstep.db.service").exists(), "nobody looks for it any more");
    // What a service leaves that is killed is no hindrance.
    let left = r#"{"version":"0","url":"http://127.0.0.1:9","token":"x"}"#;
    std::fs::write(dir.join("lockstep.db.service"), left).unwrap();
    let (text, status) = said(dir, &["sync"]);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn g2_what_waits_for_a_person_is_approved_by_way_of_the_service() {
    let dir = project();
    let dir = dir.path();
    let mut command = command(dir, &["run"]);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    wait_until("its door is open", || dir.join("lockstep.db.service").exists());
    std::thread::sleep(Duration::from_millis(300));
    assert!(!customers(dir).contains("Åse Berg"), "nothing before the yes");
    let (text, status) = said(dir, &["approve"]);
    assert_eq!(status, 0, "{text}");
    wait_until("it begins", || customers(dir).contains("Åse Berg"));
    let _ = child.kill();
    let _ = child.wait();
}
