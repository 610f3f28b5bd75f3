//! `backup` while a service is at work, and `restore`: nothing is made twice, nothing is written
//! twice (C2).

#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::running::{Server, ended, project, signal, writes};
use crate::service::{run, wait_until};
use crate::transcript::{lockstep, read, write};

/// Runs until nothing is left to do.
fn until_quiet(dir: &Path) {
    for _ in 0..8 {
        let ran = lockstep(dir, &["sync"]).exits(0);
        if ran.stdout.contains("Nothing was written") && writes(dir, "unknown") == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("it does not come to rest");
}

/// A service that is backed up while it works, works on, and is then restored. Gives what
/// `restore` said.
fn backed_up_in_the_middle(server: &Arc<Server>, dir: &Path, middle: impl Fn() -> bool) -> String {
    let (mut service, _lines) = run(dir, &[]);
    wait_until("it is in the middle", middle);
    lockstep(dir, &["backup", "copy.db"]).exits(0).says("copy.db: ").says("copy.db.sha256");
    let requests = server.requests();
    wait_until("it has done the rest", || writes(dir, "queued") + writes(dir, "sent") == 0);
    assert!(server.requests() > requests, "the copy is of the middle");
    lockstep(dir, &["restore", "--force", "copy.db"]).exits(1).says("a service is at work");
    signal(service.child(), "-TERM");
    assert_eq!(ended(service.child_mut()).1, Some(0));
    lockstep(dir, &["restore", "copy.db"]).exits(2).says("--force");
    lockstep(dir, &["restore", "--force", "copy.db"]).exits(0).says("its checksum is right").stdout
}

#[test]
fn c2_a_backup_of_a_first_run_creates_nothing_twice() {
    for matched in [true, false] {
        let server = Server::start(Duration::from_millis(40));
        let dir = project(&server, 80, "1h");
        let dir = dir.path();
        if !matched {
            let flows = read(&dir.join("flows.yaml"));
            write(&dir.join("flows.yaml"), &flows.replace("    match: [mail = mail]\n", ""));
        }
        let said = backed_up_in_the_middle(&server, dir, || server.made() > 20);
        assert!(said.contains("unknown  ") && said.contains("create"), "{said}");
        assert!(writes(dir, "unknown") > 0 && writes(dir, "queued") == 0);
        until_quiet(dir);
        assert_eq!((server.made(), writes(dir, "unknown")), (80, 0), "matched: {matched}");
        lockstep(dir, &["audit"]).exits(0).says("Nothing differs");
    }
}

#[test]
fn c2_what_was_updated_since_a_backup_is_not_updated_again() {
    let server = Server::start(Duration::from_millis(40));
    let dir = project(&server, 80, "1h");
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let yaml = read(&dir.join("lockstep.yaml"));
    write(&dir.join("lockstep.yaml"), &format!("{yaml}limits: {{ updates: none }}\n"));
    let people = read(&dir.join("crm/people.csv"));
    write(&dir.join("crm/people.csv"), &people.replace("Person ", "Dr. "));
    let said = backed_up_in_the_middle(&server, dir, || server.updates() > 10);
    assert!(said.contains("update"), "{said}");
    let updates = server.updates();
    assert_eq!(updates, 80);
    until_quiet(dir);
    assert_eq!(server.updates(), updates, "what was done is found to be done");
    lockstep(dir, &["audit"]).exits(0).says("Nothing differs");
}

#[test]
fn a_copy_that_is_not_as_it_was_made_is_refused() {
    let server = Server::start(Duration::ZERO);
    let dir = project(&server, 3, "1h");
    let dir = dir.path();
    lockstep(dir, &["backup", "copy.db"]).exits(1).says("nothing has been stored");
    lockstep(dir, &["sync"]).exits(0);
    let made = lockstep(dir, &["backup", "copy.db", "--format", "json"]).exits(0).json();
    assert_eq!(made["bytes"], std::fs::metadata(dir.join("copy.db")).unwrap().len());
    let mut check = std::process::Command::new("sha256sum");
    let checked = check.args(["-c", "copy.db.sha256"]).current_dir(dir).output().unwrap();
    assert!(checked.status.success(), "the checksum is in the form that is usual");
    lockstep(dir, &["backup", "copy.db"]).exits(2).says("is there already").says("--force");
    lockstep(dir, &["backup", "--force", "copy.db"]).exits(0);
    let before = std::fs::read(dir.join("lockstep.db")).unwrap();
    let mut bytes = std::fs::read(dir.join("copy.db")).unwrap();
    let at = bytes.len() - 100;
    bytes[at] ^= 1;
    std::fs::write(dir.join("copy.db"), bytes).unwrap();
    lockstep(dir, &["restore", "--force", "copy.db"])
        .exits(1)
        .says("copy.db.sha256 says otherwise");
    lockstep(dir, &["restore", "--force", "lockstep.yaml"]).exits(1).says("no store of Lockstep");
    lockstep(dir, &["restore", "--force", "nowhere.db"]).exits(2).says("there is no file");
    assert!(std::fs::read(dir.join("lockstep.db")).unwrap() == before, "the store is as it was");
}
