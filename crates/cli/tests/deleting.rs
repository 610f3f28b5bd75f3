//! Deletions and guards as people meet them: the emulated systems over HTTP, each with its own way
//! of telling what was deleted, and transcripts of the commands that answer a guard.

use crate::transcript;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::kit::{World, shown, text};
use crate::transcript::{command, lockstep, read, replace, write};
use lockstep_hub::report::{Event, Report};
use lockstep_model::Why;
use lockstep_model::why::{Deleting, Kept};
use lockstep_sandbox::{Fault, FaultKind, Options, credentials};
use serde_json::{Value, json};

fn world(document: &str) -> World {
    World::that_says(&[document], Options::empty(), "policies: { deletes: propagate }")
}

fn companies(world: &World, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| world.put("superoffice", "Contact", json!({"Name": name}))).collect()
}

fn organizations(world: &World) -> Vec<String> {
    let mut names: Vec<String> = world
        .records("zendesk", "organizations")
        .iter()
        .map(|record| text(record, "/name").to_string())
        .collect();
    names.sort();
    names
}

/// Why records are kept that others of their entities were not.
fn kept(report: &Report) -> Vec<Kept> {
    let why = |event: &Event| match event {
        Event::Kept { why: Why::Deleting(Deleting::Kept { kept, .. }), .. } => Some(*kept),
        _ => None,
    };
    report.events.iter().filter_map(why).collect()
}

#[test]
fn r3_what_superoffice_does_not_tell_of_is_found_by_listing_everything_and_passed_on() {
    let mut world = world("superoffice-zendesk");
    let ids = companies(&world, &["Aas Bygg", "Berg Data", "Lie Transport"]);
    world.run_smoothly();
    assert_eq!(organizations(&world), ["Aas Bygg", "Berg Data", "Lie Transport"]);
    // Deleted by a person, softly: the list of changes leaves it out.
    world.remove("superoffice", "Contact", &ids[1]);
    world.idle();
    assert_eq!(organizations(&world).len(), 3);
    let report = world.run_full();
    assert_eq!(
        report.systems.iter().map(|system| system.deleted).sum::<u64>(),
        1,
        "{}",
        shown(&report)
    );
    assert_eq!(organizations(&world), ["Aas Bygg", "Lie Transport"]);
    world.idle();
}

#[test]
fn r3_a_look_up_that_fails_is_no_absence() {
    let mut world = world("superoffice-zendesk");
    let ids = companies(&world, &["Aas Bygg", "Berg Data", "Lie Transport"]);
    world.run_smoothly();
    world.remove("superoffice", "Contact", &ids[1]);
    let fault = Fault::new(FaultKind::Status, 1_000)
        .on_path(&format!("/Contact/{}", ids[1]))
        .with_status(403, None);
    world.sandbox.fault("superoffice", fault).unwrap();
    let report = world.run_full();
    assert_eq!(report.writes(), 0, "{}", shown(&report));
    assert!(shown(&report).contains("is deleted can't be told"), "{}", shown(&report));
    assert_eq!(organizations(&world).len(), 3);
    // It is owed still: the next run asks again by itself.
    world.sandbox.clear_faults("superoffice").unwrap();
    let report = world.run();
    assert_eq!(report.writes(), 1, "{}", shown(&report));
    assert_eq!(organizations(&world), ["Aas Bygg", "Lie Transport"]);
}

#[test]
fn g3_a_full_listing_that_is_not_believed_is_owed_and_the_record_type_is_left_alone_meanwhile() {
    let mut world = world("superoffice-zendesk");
    let ids = companies(&world, &["Aas Bygg", "Berg Data", "Lie Transport"]);
    world.run_smoothly();
    ids.iter().for_each(|id| world.remove("superoffice", "Contact", id));
    assert_eq!(world.run_full().guards.len(), 1);
    // An edit of the other side is not written to a list that may be the wrong one; and the listing
    // is tried again, unasked.
    let (id, _) = world.one("zendesk", "organizations", "/name", "Aas Bygg");
    world.edit("zendesk", "organizations", &id, json!({"name": "Aas Bygg og Anlegg"}));
    let report = world.run();
    assert_eq!((report.writes(), report.guards.len()), (0, 1), "{}", shown(&report));
    assert!(
        lockstep_wording::why(&report.guards[0].why)
            .contains("superoffice.Contact had 3 records and lists none now"),
        "{}",
        shown(&report)
    );
    assert_eq!(organizations(&world).len(), 3);
}

#[test]
fn d1_zendesk_tells_of_a_deleted_ticket_and_an_edit_in_superoffice_beats_it() {
    let mut world = world("superoffice-zendesk");
    let ids: Vec<String> = ["Skriver", "Skjerm", "Tastatur"]
        .iter()
        .map(|title| world.put("superoffice", "Ticket", json!({"Title": title})))
        .collect();
    world.run_smoothly();
    let [first, second] =
        ["Skriver", "Skjerm"].map(|subject| world.one("zendesk", "tickets", "/subject", subject).0);
    world.remove("zendesk", "tickets", &first);
    world.remove("zendesk", "tickets", &second);
    world.edit("superoffice", "Ticket", &ids[1], json!({"Title": "Skjerm til resepsjonen"}));
    let report = world.run();
    assert_eq!(report.writes(), 1, "{}", shown(&report));
    assert!(kept(&report).contains(&Kept::Edited), "{}", shown(&report));
    let left: Vec<Value> = world.records("superoffice", "Ticket");
    let titles: Vec<&str> = left.iter().map(|ticket| text(ticket, "/Title")).collect();
    assert!(
        !titles.contains(&"Skriver") && titles.contains(&"Skjerm til resepsjonen"),
        "{titles:?}"
    );
    world.idle();
}

#[test]
fn d1_contacts_that_wix_has_merged_are_no_deletion() {
    let mut world = world("wix-crmoffice");
    let contact = |world: &World, name: &str, phone: &str| {
        let info = json!({"name": {"first": name, "last": "Aas"}, "phones": {"items": [{"phone": phone, "primary": true}]}});
        world.put("wix", "contacts", json!({"info": info}))
    };
    let ids: Vec<String> = ["Solveig", "Torbjørn", "Ragnhild"]
        .iter()
        .zip(1..)
        .map(|(n, i)| contact(&world, n, &format!("+47 22 00 00 0{i}")))
        .collect();
    world.run_smoothly();
    assert_eq!(world.records("crmoffice", "contacts").len(), 3);
    let revision = &world.record("wix", "contacts", &ids[0])["revision"];
    let revision: i64 = revision.as_i64().or_else(|| revision.as_str()?.parse().ok()).unwrap();
    let credentials: Vec<(String, String)> = credentials("wix");
    let of =
        |end: &str| credentials.iter().find(|(name, _)| name.ends_with(end)).unwrap().1.clone();
    ureq::post(format!(
        "{}/contacts/v4/contacts/{}/merge",
        world.sandbox.url("wix").unwrap(),
        ids[0]
    ))
    .header("Authorization", of("API_KEY"))
    .header("wix-site-id", of("SITE_ID"))
    .send_json(json!({"targetContactRevision": revision, "sourceContactIds": [ids[1]]}))
    .unwrap();
    let report = world.run_full();
    assert!(shown(&report).contains("merged-into"), "{}", shown(&report));
    assert_eq!(
        report.systems.iter().map(|system| system.deleted).sum::<u64>(),
        0,
        "{}",
        shown(&report)
    );
    assert_eq!(
        world.records("crmoffice", "contacts").len(),
        3,
        "nothing is deleted elsewhere for a merge"
    );
    // One that is really deleted is.
    world.remove("wix", "contacts", &ids[2]);
    let report = world.run_full();
    assert_eq!(
        report.systems.iter().map(|system| system.deleted).sum::<u64>(),
        1,
        "{}",
        shown(&report)
    );
    assert_eq!(world.records("crmoffice", "contacts").len(), 2);
}

/// A CRM with ten people, all of them in the shop.
fn shop(deletes: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    let person = |n: usize| json!({"id": n, "name": format!("Person {n}"), "email": format!("p{n}@example.com"), "phone": ""});
    let people: String = (0..10).map(|n| format!("{}\n", person(n))).collect();
    write(&dir.path().join("data/crm/People.jsonl"), &people);
    write(&dir.path().join("data/shop/Customers.jsonl"), "");
    let file = dir.path().join("lockstep.yaml");
    write(
        &file,
        &format!("{}\npolicies: {{ deletes: {deletes} }}\nlimits: {{ deletes: 2 }}\n", read(&file)),
    );
    dir
}

fn rows(path: &Path) -> usize {
    read(path).lines().count()
}

fn remove_people(dir: &Path, ids: std::ops::Range<usize>) {
    let path = dir.join("data/crm/People.jsonl");
    let kept: String = read(&path)
        .lines()
        .filter(|line| !ids.clone().any(|n| line.contains(&format!("\"p{n}@"))))
        .map(|l| format!("{l}\n"))
        .collect();
    write(&path, &kept);
}

#[test]
fn g3_the_commands_tell_of_a_tripped_guard_and_take_the_answer() {
    let dir = shop("propagate");
    let (dir, shop) = (dir.path(), dir.path().join("data/shop/Customers.jsonl"));
    lockstep(dir, &["check"]).exits(0).says_nothing_of("deletes");
    lockstep(dir, &["sync"]).exits(0).says("10 created");
    lockstep(dir, &["release"]).exits(0).says("No guard has tripped.");
    remove_people(dir, 0..4);
    lockstep(dir, &["plan"])
        .exits(1)
        .says("! 4 deletes in shop wait, the limit is 2 of 10 records known")
        .says("4 to delete");
    lockstep(dir, &["sync"])
        .exits(1)
        .says("! 4 deletes in shop wait")
        .says("Nothing was written.")
        .says("they wait until a person has answered the guard");
    assert_eq!(rows(&shop), 10);
    lockstep(dir, &["review"])
        .exits(1)
        .says("tripped guard: deletes")
        .says("shop.Customers")
        .says("G3:");
    lockstep(dir, &["release", "--system", "shpo"]).exits(2).says("there is no system `shpo`");
    lockstep(dir, &["release", "--guard", "writes"])
        .exits(2)
        .says("there are creates, updates, deletes, vanished, lost");
    lockstep(dir, &["release", "--system", "crm"]).exits(0).says("No guard has tripped.");
    lockstep(dir, &["release", "--system", "shop", "--guard", "deletes"])
        .exits(0)
        .says("Let through: 4 deletes in shop");
    lockstep(dir, &["sync"]).exits(0).says("4 deleted").says("as crm.People/0 was deleted (D1)");
    assert_eq!(rows(&shop), 6);
    // Another time it was a mistake.
    remove_people(dir, 4..7);
    lockstep(dir, &["sync"]).exits(1).says("! 3 deletes in shop wait");
    lockstep(dir, &["release", "--discard"]).exits(0).says("Given up: 3 deletes in shop");
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
    assert_eq!(rows(&shop), 6);
    // And once the whole list was gone.
    write(&dir.join("data/crm/People.jsonl"), "");
    lockstep(dir, &["sync"])
        .exits(1)
        .says("! crm.People had 3 records and lists none now")
        .says("Nothing was written.");
    assert_eq!(rows(&shop), 6);
    // A listing is believed or not; there is no write to give up.
    lockstep(dir, &["release", "--discard"])
        .exits(0)
        .says("Not believed: crm.People had 3 records and lists none now")
        .says("put back what is missing, or believe it with `lockstep release --system crm --guard vanished`")
        .says_nothing_of("Given up");
    lockstep(dir, &["sync"]).exits(1).says("! crm.People had 3 records and lists none now");
    lockstep(dir, &["release", "--system", "crm", "--guard", "vanished"])
        .exits(0)
        .says("Let through: crm.People had 3 records");
    lockstep(dir, &["sync"]).exits(1).says("! 3 deletes in shop wait");
    // Answered as a review, it says how many they are.
    lockstep(dir, &["review", "reject", "--all"]).exits(0).says("3 waiting writes, given up");
}

#[test]
fn r3_sync_full_lists_everything() {
    let dir = shop("ignore");
    lockstep(dir.path(), &["sync"]).exits(0);
    let read =
        |args: &[&str]| lockstep(dir.path(), args).exits(0).json()["systems"][0]["read"].clone();
    assert_eq!(read(&["sync", "--format", "json"]), 0);
    assert_eq!(read(&["sync", "--full", "--format", "json"]), 10);
}

#[test]
fn g2_the_service_waits_until_a_person_has_approved_the_flows_as_they_are() {
    let dir = shop("ignore");
    let dir = dir.path();
    let mut service =
        command(dir, &["run"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(service.stderr.take().unwrap()).lines();
    let console = told.next().unwrap().unwrap();
    assert!(console.starts_with("The console is at http://127.0.0.1:"), "{console}");
    let first = told.next().unwrap().unwrap();
    assert!(
        first.contains("waiting  crm.People to shop.Customers: it has not run as it is now (G2)"),
        "{first}"
    );
    assert!(told.next().unwrap().unwrap().contains("lockstep approve"));
    // The store is free meanwhile, and nothing has been read into it.
    retried(|| transcript::lockstep(dir, &["plan"]).status == Some(0));
    assert_eq!(rows(&dir.join("data/shop/Customers.jsonl")), 0);
    retried(|| transcript::lockstep(dir, &["approve"]).status == Some(0));
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let created = lines.next().unwrap().unwrap();
    assert!(created.contains("created  shop.Customers/"), "{created}");
    service.kill().unwrap();
    service.wait().unwrap();
    lockstep(dir, &["approve"]).exits(0).says("Every flow has been approved as it is.");
    replace(&dir.join("lockstep.yaml"), "deletes: ignore", "deletes: propagate");
    lockstep(dir, &["approve"]).exits(0).says("approved crm.People to shop.Customers");
}

/// The store may be looked at by the service at the very moment: then once more.
fn retried(mut done: impl FnMut() -> bool) {
    for _ in 0..50 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("it was never done");
}
