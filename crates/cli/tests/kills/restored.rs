//! Yesterday's store file put back: what was created since is found by its match key, and nothing
//! is created again (C2, L1).
//!
//! Where a flow has no match row, nothing tells that a record is the one that was created: `check`
//! warns of such flows (G6).

use std::path::Path;

use serde_json::json;

use super::{World, folders, held, likeness, same, until_quiet};
use crate::transcript::{lockstep, read, write};

/// The files of the store.
const STORE: [&str; 3] = ["lockstep.db", "lockstep.db-wal", "lockstep.db-shm"];

fn kept(dir: &Path) -> Vec<Option<Vec<u8>>> {
    STORE.iter().map(|name| std::fs::read(dir.join(name)).ok()).collect()
}

fn put_back(dir: &Path, kept: Vec<Option<Vec<u8>>>) {
    for (name, bytes) in STORE.iter().zip(kept) {
        match bytes {
            Some(bytes) => std::fs::write(dir.join(name), bytes).unwrap(),
            // It may not have been there, and may not be there now.
            None => drop(std::fs::remove_file(dir.join(name))),
        }
    }
}

#[test]
fn what_was_created_since_is_found_by_its_match_key_and_is_linked_again() {
    let world = World::new();
    world.until_quiet();
    let yesterday = kept(world.dir());
    let users: Vec<String> = ["Unni", "Roald", "Hedvig"]
        .map(|first| format!("{}@example.no", first.to_lowercase()))
        .into();
    let made = users.iter().map(|mail| {
        let body = json!({"userName":mail,"firstName":"Ny","lastName":mail,"personEmail":mail});
        world.sandbox.put("superoffice", "User", body).unwrap()
    });
    let made: Vec<_> = made.collect();
    world.until_quiet();
    let of_zendesk = |mail: &str| {
        let users = world.sandbox.records("zendesk", "users").unwrap();
        users.iter().filter(|user| user["email"] == mail).count()
    };
    assert!(users.iter().all(|mail| of_zendesk(mail) == 1), "created in Zendesk");
    let before = likeness::records(&world.sandbox);
    put_back(world.dir(), yesterday);
    world.until_quiet();
    same("an old store", &before, &likeness::records(&world.sandbox));
    // Linked again: an edit travels.
    std::thread::sleep(std::time::Duration::from_millis(3));
    let id = made[0]["associateId"]
        .as_i64()
        .or(made[0]["AssociateId"].as_i64())
        .unwrap_or_else(|| panic!("{}", made[0]))
        .to_string();
    world
        .sandbox
        .edit("superoffice", "User", &id, &json!({"personEmail":"unni.berg@example.no"}))
        .unwrap();
    world.until_quiet();
    assert_eq!((of_zendesk("unni.berg@example.no"), of_zendesk(&users[0])), (1, 0));
}

#[test]
fn an_old_store_of_folders_creates_nothing_twice_and_loses_no_edit() {
    let dir = folders();
    let dir = dir.path();
    until_quiet(dir);
    let yesterday = kept(dir);
    for (side, range) in [("a", 900..920), ("b", 920..940)] {
        let path = dir.join(side).join("People.jsonl");
        let line = |n| {
            format!("{{\"id\":\"{side}{n}\",\"email\":\"p{n}@example.com\",\"{side}\":\"{n}\"}}\n")
        };
        write(&path, &(read(&path) + &range.map(line).collect::<String>()));
    }
    super::edit_file(dir, "a", 7, "edited today");
    until_quiet(dir);
    let before = held(dir);
    assert_eq!(before.len(), 1880, "every person once on each side");
    put_back(dir, yesterday);
    until_quiet(dir);
    same("an old store", &before, &held(dir));
    super::edit_file(dir, "b", 910, "edited tomorrow");
    until_quiet(dir);
    assert_eq!(
        held(dir).iter().filter(|line| line.contains("edited tomorrow")).count(),
        2,
        "linked again"
    );
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}
