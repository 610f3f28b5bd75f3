//! Whole runs on systems in memory in which something goes wrong, or a person does something, at a
//! chosen moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockstep_connector::Answers;
use lockstep_connector::memory::Flat;
use lockstep_hub::answers::Again;
use lockstep_hub::{Clock, Hub, RunOptions};
use lockstep_model::flow::{Create, Deletes, Filter};
use lockstep_model::{
    Flow, IntentState, PlainType, PropertySchema, Timestamp, TypeIx, TypeName, TypeSchema, Value,
};
use lockstep_store::{JournalKind, SqliteStore};
use serde_json::json;

use crate::fated::{
    Fate, Fated, Hands, a_linked_pair, flat, flow, hub, hub_at, hub_with, person, reference, run,
};

/// A process dies when it is about to record that two records are the same.
const DIES_WHEN_LINKING: &str = "CREATE TRIGGER dies BEFORE INSERT ON journal WHEN NEW.kind = 'link' BEGIN SELECT RAISE(ABORT, 'killed'); END";

#[test]
fn p5_an_answer_lost_in_a_run_that_could_not_find_out_about_another_is_found_out_about_before_anything_is_read()
 {
    let (a, b, d) =
        (Fated::new(vec![person()]), Fated::new(vec![person()]), Fated::new(vec![person()]));
    let to = |to| flow("b.Person", to, Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b), ("d", &d)], &[to("a.Person"), to("d.Person")]);
    b.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    assert_eq!(run(&mut hub), 2);
    // The first round: a creation whose answer is lost, in a system that can't be read any more;
    // and an edit meanwhile elsewhere.
    b.put("Person/1", json!({"phone": "2 "}));
    b.put("Person/2", json!({"mail": "bo@example.com", "phone": "3"}));
    d.creations.lock().unwrap().push_back(Fate::LostAndDown);
    // The second: the update decided anew is done, and nobody hears of it.
    a.updates.lock().unwrap().extend([Fate::Conflict, Fate::LostAfter]);
    run(&mut hub);
    assert!(a.updates.lock().unwrap().is_empty());
    d.down.store(false, Ordering::Relaxed);
    run(&mut hub);
    assert_eq!(run(&mut hub), 0);
    // What `a` made of the value has not come back as an edit of somebody's.
    let held: BTreeMap<String, Flat> = b.real.all("Person");
    assert_eq!(held["1"]["phone"], json!("2 "), "{held:?}");
    let id = hub.ledger.find("b.Person/1").unwrap().id;
    assert!(
        !hub.ledger.history(id, 99).unwrap().iter().any(|entry| entry.kind == JournalKind::Written)
    );
    assert_eq!((a.real.all("Person").len(), d.real.all("Person").len()), (2, 2));
}

#[test]
fn p5_what_a_duplicate_shows_while_the_answer_to_a_write_of_it_is_lost_is_no_edit() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    assert_eq!(run(&mut hub), 1);
    a.put("Person/1", json!({"phone": "2 "}));
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "3"}));
    b.updates.lock().unwrap().push_back(Fate::LostAfter);
    b.creations.lock().unwrap().push_back(Fate::Duplicate);
    run(&mut hub);
    assert!(b.updates.lock().unwrap().is_empty() && b.creations.lock().unwrap().is_empty());
    assert_eq!(run(&mut hub), 0);
    assert_eq!(a.real.all("Person")["1"]["phone"], json!("2 "), "what b made of it has come back");
    assert_eq!(b.only("Person")["phone"], json!("2"));
}

#[test]
fn p5_what_a_deletion_is_set_aside_for_while_the_answer_to_a_write_is_lost_is_no_edit() {
    let (a, b, c) =
        (Fated::new(vec![person()]), Fated::new(vec![person()]), Fated::new(vec![person()]));
    let to_a = |from| flow(from, "a.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let asks = Flow { deletes: Deletes::Review, ..to_a("c.Person") };
    let mut hub = hub(&[("a", &a), ("b", &b), ("c", &c)], &[to_a("b.Person"), asks]);
    b.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    c.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    // Others, so that not all of a system is gone at once (G3).
    for n in 2..9 {
        c.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com"), "phone": "3"}));
    }
    assert_eq!(run(&mut hub), 8);
    let all = a.real.all("Person");
    let (id, _) =
        all.iter().find(|(_, held)| held["mail"] == json!("solveig@example.com")).unwrap();
    let written = hub.ledger.find(&format!("a.Person/{id}")).unwrap().id;
    // An update waits for a system that is down when a person lets its record be deleted.
    b.put("Person/1", json!({"phone": "2 "}));
    assert!(c.real.remove("Person", "1"));
    a.down.store(true, Ordering::Relaxed);
    run(&mut hub);
    let gone = hub.ledger.find("c.Person/1").unwrap().id;
    assert_eq!(hub.ledger.decide_deletion(gone, true).unwrap(), 1);
    a.down.store(false, Ordering::Relaxed);
    a.updates.lock().unwrap().push_back(Fate::LostAfter);
    run(&mut hub);
    assert!(a.updates.lock().unwrap().is_empty());
    run(&mut hub);
    assert_eq!(b.real.all("Person")["1"]["phone"], json!("2 "), "what a made of it has come back");
    let history = hub.ledger.history(written, 99).unwrap();
    assert!(history.iter().any(|entry| entry.kind == JournalKind::Written), "{history:?}");
    assert!(!history.iter().any(|entry| entry.kind == JournalKind::Edit), "{history:?}");
    assert_eq!(a.real.all("Person").len(), 7, "it is deleted then, as the person said");
}

#[test]
fn p5a_an_edit_that_may_be_the_state_from_before_our_own_write_is_looked_at_again() {
    // b shows what was before for a while after a write, and tells neither version nor time.
    let slow = TypeSchema { settles_ms: 60_000, ..person() };
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![slow]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let mut hub =
        hub_at(clock.clone(), SqliteStore::in_memory().unwrap(), &[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    assert_eq!(run(&mut hub), 1);
    clock.wait(Duration::from_secs(100));
    a.put("Person/1", json!({"phone": "2"}));
    assert_eq!(run(&mut hub), 1);
    // Somebody puts back what was there. Read at once, it may as well be what was there before the
    // write.
    let id = b.real.all("Person").into_keys().next().unwrap();
    b.put(&format!("Person/{id}"), json!({"phone": "1"}));
    assert_eq!(run(&mut hub), 0);
    assert_eq!(a.only("Person")["phone"], json!("2"));
    clock.wait(Duration::from_secs(100));
    assert_eq!(run(&mut hub), 1);
    assert_eq!(a.only("Person")["phone"], json!("1"), "the edit is lost");
}

#[test]
fn r8_a_row_that_can_t_be_read_is_not_absent() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    b.put("Person/7", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.unreadable.lock().unwrap().push("7".into());
    // Every run tells, and creates nobody, as anybody may be in that row.
    for n in 0..3 {
        let report = hub.run(RunOptions::default()).unwrap();
        assert!(report.writes() == 0 && report.needs_a_person(), "{n}");
        assert_eq!(b.real.all("Person").len(), 1, "{n}");
    }
    // `b` tells only what changed since: that the row can be read is found out all the same.
    b.unreadable.lock().unwrap().clear();
    assert_eq!(run(&mut hub), 1);
    assert!(!hub.run(RunOptions::default()).unwrap().needs_a_person());
    assert_eq!(b.real.all("Person").len(), 2, "one of them was created twice");
    b.put("Person/7", json!({"phone": "9"}));
    assert_eq!(run(&mut hub), 1, "it is not linked");
    assert_eq!(a.real.all("Person")["1"]["phone"], json!("9"));
}

#[test]
fn g4_a_creation_that_fails_and_is_held_for_a_while_keeps_its_tries_and_is_not_sent_meanwhile() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[one]);
    for n in 5..8 {
        b.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com"), "phone": "1"}));
    }
    run(&mut hub);
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    b.creations.lock().unwrap().extend([Fate::Later; 3]);
    run(&mut hub);
    let tries = |hub: &mut Hub| {
        let waiting = hub.ledger.store().intents_in(IntentState::Queued, 9).unwrap();
        waiting.iter().map(|intent| (intent.id, intent.attempts)).collect::<Vec<_>>()
    };
    let before = tries(&mut hub);
    assert_eq!((before.len(), before[0].1), (1, 3), "it has failed three times");
    // Anybody may be in a row that can't be read (R8): nothing is created, tried or not.
    b.unreadable.lock().unwrap().push("7".into());
    let full = || RunOptions { full: true, ..RunOptions::default() };
    let sent = b.sent();
    for n in 3..6 {
        clock.wait(Duration::from_secs(3_600));
        a.put("Person/2", json!({"mail": "bo@example.com", "phone": n.to_string()}));
        hub.run(full()).unwrap();
        assert_eq!((b.sent(), b.real.all("Person").len()), (sent, 3), "{n}: it is not held");
        assert_eq!(tries(&mut hub), before, "{n}: it begins anew");
    }
    hub.retry(&Again::All).unwrap();
    assert_eq!((b.sent(), b.real.all("Person").len()), (sent, 3), "nor by hand");
    b.unreadable.lock().unwrap().clear();
    hub.run(full()).unwrap();
    assert_eq!((b.real.all("Person").len(), run(&mut hub)), (4, 0), "once it can be known");
    assert_eq!(b.real.all("Person").values().filter(|person| person["phone"] == "5").count(), 1);
}

#[test]
fn r3_what_can_t_be_looked_at_is_not_deleted_and_the_others_are_looked_at() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = Flow {
        deletes: Deletes::Propagate,
        ..flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])
    };
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    for n in 1..30 {
        a.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com")}));
    }
    run(&mut hub);
    // Two are gone; of a third that the listing misses it can't be told.
    a.real.remove("Person", "1");
    a.real.remove("Person", "3");
    a.unreadable.lock().unwrap().push("2".into());
    a.stuck.lock().unwrap().push("2".into());
    for _ in 0..2 {
        let report = hub.run(RunOptions { full: true, ..RunOptions::default() }).unwrap();
        assert!(report.needs_a_person());
    }
    let left = b.real.all("Person");
    assert_eq!(left.len(), 27, "{left:?}");
    assert!(left.values().any(|held| held["mail"] == json!("p2@example.com")));
}

#[test]
fn p1_an_edit_after_the_clock_was_set_back_wins_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockstep.db");
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])];
    let systems = [("a", &a), ("b", &b)];
    let at = |ms| Arc::new(Hands(AtomicI64::new(ms)));
    let store = || SqliteStore::open(&path).unwrap();
    const NOON: i64 = 1_800_000_000_000;
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    assert_eq!(run(&mut hub_at(at(NOON), store(), &systems, &flows)), 1);
    let id = b.real.all("Person").into_keys().next().unwrap();
    a.put("Person/1", json!({"phone": "2"}));
    assert_eq!(run(&mut hub_at(at(NOON + 60_000), store(), &systems, &flows)), 1);
    // The clock was an hour fast: it is set right, and somebody edits.
    b.put(&format!("Person/{id}"), json!({"phone": "3"}));
    let report =
        hub_at(at(NOON - 3_600_000), store(), &systems, &flows).run(RunOptions::default()).unwrap();
    assert_eq!(report.writes(), 1);
    assert_eq!(a.only("Person")["phone"], json!("3"), "the later edit is taken for an older one");
    let told = format!("{:?}", report.events);
    assert!(told.contains("set back by 36"), "{told}");
    assert_eq!(run(&mut hub_at(at(NOON - 3_000_000), store(), &systems, &flows)), 0);
    a.put("Person/1", json!({"phone": "4"}));
    assert_eq!(run(&mut hub_at(at(NOON - 2_000_000), store(), &systems, &flows)), 1);
    assert_eq!(b.only("Person")["phone"], json!("4"));
}

#[test]
fn c2_d1_what_was_created_and_deleted_before_anybody_knew_is_not_created_anew() {
    created_and_deleted_before_anybody_knew(json!({}));
}

#[test]
fn c2_d1_nor_is_what_somebody_had_edited_before_it_was_deleted() {
    created_and_deleted_before_anybody_knew(json!({"phone": "9"}));
}

fn created_and_deleted_before_anybody_knew(edit: Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockstep.db");
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])];
    let systems = [("a", &a), ("b", &b)];
    // Others, so that not all of a system is gone at once (G3).
    for n in 2..9 {
        a.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com"), "phone": "2"}));
    }
    assert_eq!(run(&mut hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows)), 7);
    let before: Vec<String> = b.real.all("Person").into_keys().collect();
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    // The process dies when it has read what it made, and is about to record that it is that.
    let database = || rusqlite::Connection::open(&path).unwrap();
    database().execute_batch(DIES_WHEN_LINKING).unwrap();
    b.creations.lock().unwrap().push_back(Fate::LostAfter);
    *b.defaults.lock().unwrap() = flat(edit);
    let killed =
        hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows).run(RunOptions::default());
    assert!(killed.unwrap_err().to_string().contains("killed"));
    database().execute_batch("DROP TRIGGER dies").unwrap();
    let made = b.real.all("Person").into_keys().find(|id| !before.contains(id)).unwrap();
    assert!(b.real.remove("Person", &made));

    let mut hub = hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows);
    assert_eq!(run(&mut hub), 0);
    let (one, other) = (
        hub.ledger.find("a.Person/1").unwrap(),
        hub.ledger.find(&format!("b.Person/{made}")).unwrap(),
    );
    assert_eq!(one.entity, other.entity, "it is what was made");
    assert!(!other.is_live());
    a.put("Person/1", json!({"phone": "2"}));
    assert_eq!(run(&mut hub), 0);
    assert_eq!(b.real.all("Person").len(), 7);
}

#[test]
fn g4_a_refused_value_of_a_record_that_is_deleted_is_no_question_any_more() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])];
    let mut hub = hub(&[("a", &a), ("b", &b)], &flows);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.creations.lock().unwrap().push_back(Fate::ValueRefused);
    run(&mut hub);
    a.put("Person/2", json!({"mail": "per@example.com", "phone": "2"}));
    run(&mut hub);
    assert_eq!((hub.ledger.status().unwrap().reviews.len(), b.real.all("Person").len()), (1, 2));
    assert!(a.real.remove("Person", "1"));
    run(&mut hub);
    assert_eq!(hub.ledger.status().unwrap().reviews, vec![]);
    assert_eq!((run(&mut hub), b.real.all("Person").len()), (0, 2));
}

#[test]
fn what_is_there_already_is_written_before_what_is_to_be_created() {
    // A system that keeps addresses unique takes an address for a new record once the old one has
    // given it up.
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    assert_eq!(run(&mut hub), 2);
    b.created.lock().unwrap().clear();
    a.put("Person/3", json!({"mail": "eli@example.com", "phone": "3"}));
    a.put("Person/1", json!({"phone": "11"}));
    a.put("Person/4", json!({"mail": "finn@example.com", "phone": "4"}));
    a.put("Person/2", json!({"phone": "22"}));
    assert_eq!(run(&mut hub), 4);
    assert_eq!(*b.created.lock().unwrap(), [false, false, true, true]);
}

#[test]
fn l7_a_creation_whose_answer_was_lost_is_not_found_in_what_a_person_unlinked() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    // What becomes of the second is not known for a while.
    b.creations.lock().unwrap().extend([Fate::Done, Fate::LostAndDown]);
    assert_eq!(run(&mut hub), 1);
    b.down.store(false, Ordering::Relaxed);
    let made = b.real.all("Person").into_keys().next().unwrap();
    hub.unlink("a.Person/1", Some(&format!("b.Person/{made}"))).unwrap();
    // Nor is the counterpart made that the first has a right to now, and meanwhile somebody edits
    // the old one.
    b.creations.lock().unwrap().extend([Fate::Done, Fate::LostBefore]);
    *b.meanwhile.lock().unwrap() = Some(flat(json!({"phone": "9"})));
    run(&mut hub);
    assert!(b.creations.lock().unwrap().is_empty());
    run(&mut hub);
    let (one, other) = (
        hub.ledger.find("a.Person/1").unwrap(),
        hub.ledger.find(&format!("b.Person/{made}")).unwrap(),
    );
    assert_ne!(one.entity, other.entity, "they are linked again");
    assert_eq!(a.real.all("Person")["1"]["phone"], json!("1"));
    assert_eq!(b.real.all("Person").len(), 3, "both creations are sent again");
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn c5_who_is_connected_to_a_record_that_is_linked_by_hand_is_decided_on_in_the_next_run() {
    // A ticket refers to its person; the person is created where the ticket is synchronized.
    let types = || vec![person(), reference("Ticket", "requester", "Person")];
    let (a, b) = (Fated::new(types()), Fated::new(types()));
    let ticket = TypeName::parse("a.Ticket").unwrap();
    let flows = [
        flow("a.Person", "b.Person", Create::ConnectedTo(vec![ticket]), &["mail"], &["mail"]),
        flow("a.Ticket", "b.Ticket", Create::Never, &[], &["subject", "requester"]),
    ];
    let mut hub = hub(&[("a", &a), ("b", &b)], &flows);
    a.put("Person/1", json!({"mail": "solveig@example.com"}));
    a.put("Ticket/7", json!({"subject": "The lamp", "requester": "1"}));
    b.put("Ticket/8", json!({"subject": "The lamp"}));
    assert_eq!(run(&mut hub), 0);
    hub.link("a.Ticket/7", "b.Ticket/8").unwrap();
    assert_eq!(run(&mut hub), 2, "the person, and the reference to it");
    let made = b.real.all("Person").into_keys().next().unwrap();
    assert_eq!(b.only("Ticket")["requester"], json!(made));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn p8_a_reference_that_waits_is_written_once_what_it_refers_to_is_linked_by_hand() {
    let types = || vec![reference("Person", "office", "Office"), TypeSchema::open("Office")];
    let (a, b) = (Fated::new(types()), Fated::new(types()));
    let flows = [
        flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "office"]),
        flow("a.Office", "b.Office", Create::Never, &[], &["name"]),
    ];
    let mut hub = hub(&[("a", &a), ("b", &b)], &flows);
    a.put("Office/1", json!({"name": "Bergen"}));
    b.put("Office/5", json!({"name": "Bergen"}));
    a.put("Person/1", json!({"mail": "solveig@example.com", "office": "1"}));
    assert_eq!(run(&mut hub), 1, "the person, without the office");
    assert_eq!(b.only("Person").get("office"), None);
    hub.link("a.Office/1", "b.Office/5").unwrap();
    run(&mut hub);
    assert_eq!(b.only("Person")["office"], json!("5"));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn c2_p8_what_a_system_puts_into_a_reference_that_waits_is_no_edit_where_the_answer_is_lost() {
    let types = || vec![person(), reference("Ticket", "requester", "Person")];
    let (a, b) = (Fated::new(types()), Fated::new(types()));
    let systems = [("a", &a), ("b", &b)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockstep.db");
    let flows = [
        flow("a.Person", "b.Person", Create::Never, &["mail"], &["mail"]),
        flow("a.Ticket", "b.Ticket", Create::Always, &["subject"], &["subject", "requester"]),
    ];
    a.put("Person/1", json!({"mail": "solveig@example.com"}));
    a.put("Person/2", json!({"mail": "service@example.com"}));
    b.put("Person/99", json!({"mail": "service@example.com"}));
    assert_eq!(run(&mut hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows)), 0);
    a.put("Ticket/7", json!({"subject": "The lamp", "requester": "1"}));
    // Who asked has no counterpart yet; the system puts somebody in.
    *b.defaults.lock().unwrap() = flat(json!({"requester": "99"}));
    b.creations.lock().unwrap().push_back(Fate::LostAfter);
    // The process dies when it has read what it made, and is about to record that it is that.
    let database = || rusqlite::Connection::open(&path).unwrap();
    database().execute_batch(DIES_WHEN_LINKING).unwrap();
    let mut hub = hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows);
    b.real.set_time(Timestamp(1_799_999_500_000));
    let killed = hub.run(RunOptions::default());
    drop(hub);
    assert!(killed.unwrap_err().to_string().contains("killed"));
    database().execute_batch("DROP TRIGGER dies").unwrap();
    let mut hub = hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows);
    run(&mut hub);
    assert_eq!(b.only("Ticket")["requester"], json!("99"));
    assert_eq!(a.only("Ticket")["requester"], json!("1"), "what the system put in has come back");
    b.put("Person/5", json!({"mail": "solveig@example.com"}));
    run(&mut hub);
    assert_eq!(b.only("Ticket")["requester"], json!("5"));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn g8_records_that_are_connected_to_each_other_do_not_call_for_decisions_on_each_other_for_ever() {
    // The vendors 2 and 3 refer to each other, and each may be created since the other is about to
    // be.
    let vendors = reference("Vendor", "parent", "Vendor");
    let (a, b) = (Fated::new(vec![vendors]), Fated::new(vec![TypeSchema::open("Customer")]));
    let connected = Create::ConnectedTo(vec![TypeName::parse("a.Vendor").unwrap()]);
    let mut hub = hub(
        &[("a", &a), ("b", &b)],
        &[flow("a.Vendor", "b.Customer", connected, &["mail"], &["mail"])],
    );
    b.put("Customer/c1", json!({"mail": "solveig@example.com"}));
    a.put("Vendor/1", json!({"mail": "solveig@example.com"}));
    a.put("Vendor/2", json!({"mail": "bo@example.com", "parent": "3"}));
    a.put("Vendor/3", json!({"mail": "liv@example.com", "parent": "2"}));
    a.put("Vendor/4", json!({"mail": "per@example.com", "parent": "1"}));
    a.put("Vendor/5", json!({"mail": "kari@example.com", "parent": "4"}));
    let report = hub.run(RunOptions::default()).unwrap();
    // 2 and 3 are connected to nothing that is in b; 4 is, and so is 5 by way of it.
    assert_eq!((report.writes(), report.unfinished, report.reviews.len()), (2, None, 0));
    a.put("Vendor/2", json!({"parent": "1"}));
    a.put("Vendor/6", json!({"mail": "nils@example.com", "parent": "3"}));
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!((report.writes(), report.unfinished, report.reviews.len()), (3, None, 0));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn g8_thousands_of_writes_that_turn_out_to_be_needless_are_dropped_without_nesting() {
    // In a thread with little room: each batch of dropped writes used to be one call deeper.
    let little = std::thread::Builder::new().stack_size(1 << 20);
    let done = little.spawn(|| {
        let orders = reference("Order", "customer", "Customer");
        let owner = PropertySchema {
            required: true,
            reference: Some("Customer".into()),
            ..PropertySchema::new("customer", PlainType::Any)
        };
        let taken = TypeSchema { properties: vec![owner], ..TypeSchema::open("Order") };
        let a = Fated::new(vec![orders, TypeSchema::open("Customer")]);
        let b = Fated::new(vec![taken, TypeSchema::open("Customer")]);
        let customers = flow("a.Customer", "b.Customer", Create::Always, &[], &["name"]);
        let orders = flow("a.Order", "b.Order", Create::Always, &[], &["number", "customer"]);
        let mut hub = hub(&[("a", &a), ("b", &b)], &[customers, orders]);
        a.put("Customer/1", json!({"name": "Fjord"}));
        for n in 0..4_000 {
            a.put(&format!("Order/{n}"), json!({"number": n, "customer": "1"}));
        }
        // The orders are decided on since their customer is about to be created, and then it is
        // refused.
        b.creations.lock().unwrap().push_back(Fate::Refused);
        let report = hub.run(RunOptions::default()).unwrap();
        assert_eq!((report.writes(), report.reviews.get("rejected value")), (0, Some(&1)));
    });
    done.unwrap().join().unwrap();
}

#[test]
fn r6_an_edit_after_a_write_whose_answer_told_nothing_is_no_reformatting() {
    let (a, b, _, mut hub) = a_linked_pair();
    a.put("Person/1", json!({"phone": "2  2"}));
    b.updates.lock().unwrap().push_back(Fate::OnlyId);
    assert_eq!(run(&mut hub), 1);
    assert_eq!(b.only("Person")["phone"], json!("2 2"));
    // Somebody makes of it what the system might have made of it as well.
    let id = b.real.all("Person").into_keys().next().unwrap();
    b.put(&format!("Person/{id}"), json!({"phone": "22"}));
    assert_eq!(run(&mut hub), 1);
    assert_eq!(a.only("Person")["phone"], json!("22"), "the edit is lost");
}

#[test]
fn r3_one_look_that_shows_nothing_after_a_lost_answer_is_no_deletion() {
    let (a, b, _, mut hub) = a_linked_pair();
    a.put("Person/1", json!({"phone": "2"}));
    b.updates.lock().unwrap().push_back(Fate::LostAfter);
    b.behind.store(1, Ordering::Relaxed);
    run(&mut hub);
    let id = b.real.all("Person").into_keys().next().unwrap();
    let known = hub.ledger.find(&format!("b.Person/{id}")).unwrap();
    assert!(known.is_live(), "it counts as deleted");
    assert_eq!(known.entity, hub.ledger.find("a.Person/1").unwrap().entity);
    assert_eq!(b.only("Person")["phone"], json!("2"));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn r6_what_was_read_back_too_early_is_looked_at_again_when_the_delay_is_over() {
    // A list of changes never shows what was not done.
    for (settles_ms, in_the_same_run) in [(2_000, true), (40_000, false)] {
        let slow = TypeSchema { settles_ms, ..person() };
        let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![slow]));
        let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
        let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
        let mut hub = hub_at(
            clock.clone(),
            SqliteStore::in_memory().unwrap(),
            &[("a", &a), ("b", &b)],
            &[one],
        );
        a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
        assert_eq!(run(&mut hub), 1);
        clock.wait(Duration::from_secs(100));
        run(&mut hub);
        *b.worth.lock().unwrap() = Answers::Unsure;
        a.put("Person/1", json!({"phone": "2"}));
        b.updates.lock().unwrap().push_back(Fate::Ignored);
        let told = hub.run(RunOptions::default()).unwrap().needs_a_person();
        assert_eq!(told, in_the_same_run, "{settles_ms}");
        clock.wait(Duration::from_secs(100));
        run(&mut hub);
        assert_eq!(
            hub.ledger.status().unwrap().reviews,
            [("value not kept".to_string(), 1)],
            "{settles_ms}"
        );
        assert_eq!(
            a.only("Person")["phone"],
            json!("2"),
            "what the system did not keep has come back"
        );
        assert_eq!(run(&mut hub), 0);
    }
}

#[test]
fn r6_p3_what_a_system_has_cut_is_no_edit_when_it_is_looked_at_again() {
    let slow = TypeSchema { settles_ms: 40_000, ..person() };
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![slow]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone", "name"]);
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let mut hub =
        hub_at(clock.clone(), SqliteStore::in_memory().unwrap(), &[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "name": "Solveig"}));
    assert_eq!(run(&mut hub), 1);
    clock.wait(Duration::from_secs(100));
    run(&mut hub);
    a.put("Person/1", json!({"name": "Solveig Hansen-Berg"}));
    b.updates.lock().unwrap().push_back(Fate::ShownLate);
    assert_eq!(run(&mut hub), 1);
    // What was read back was from before. By now it shows the name, which it has cut, and somebody
    // has edited something else.
    let id = b.real.all("Person").into_keys().next().unwrap();
    b.put(&format!("Person/{id}"), json!({"name": "Solveig Hansen", "phone": "2"}));
    clock.wait(Duration::from_secs(100));
    run(&mut hub);
    assert_eq!(a.only("Person")["phone"], json!("2"), "the edit is lost");
    assert_eq!(
        a.only("Person")["name"],
        json!("Solveig Hansen-Berg"),
        "what the system made of it has come back"
    );
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn r6_an_edit_of_another_property_between_a_write_and_its_being_read_back_is_one() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone", "name"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "name": "Solveig"}));
    assert_eq!(run(&mut hub), 1);
    // The answer does not show what was sent, so the record is read back; it has another version by
    // then.
    a.put("Person/1", json!({"phone": "2  2"}));
    *b.afterwards.lock().unwrap() = Some(flat(json!({"name": "Solveig Berg"})));
    run(&mut hub);
    run(&mut hub);
    assert_eq!(a.only("Person")["name"], json!("Solveig Berg"), "the edit is lost");
    assert_eq!(
        a.only("Person")["phone"],
        json!("2  2"),
        "what the system made of it has come back"
    );
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn p5_a_list_that_shows_a_write_without_an_answer_settles_it() {
    for busy in [true, false] {
        let (a, b, _, mut hub) = a_linked_pair();
        a.put("Person/1", json!({"phone": "2 "}));
        b.updates.lock().unwrap().push_back(Fate::LostAfter);
        let id = b.real.all("Person").into_keys().next().unwrap();
        // It can't be asked for by its id, or what comes is nonsense; the list shows what the
        // system made of the value.
        let by_id = if busy { &b.busy } else { &b.stuck };
        by_id.lock().unwrap().push(id.clone());
        let report = hub.run(RunOptions::default()).unwrap();
        assert!(
            report.failing == 1 && report.needs_a_person(),
            "its outcome is not known, and nothing says so: {report:#?}"
        );
        run(&mut hub);
        assert_eq!(
            a.only("Person")["phone"],
            json!("2 "),
            "what b made of it has come back as an edit"
        );
        assert_eq!(b.sent(), 1, "what may have been done is sent again unseen");
        let written = hub.ledger.find(&format!("b.Person/{id}")).unwrap().id;
        let history = hub.ledger.history(written, 99).unwrap();
        assert!(history.iter().any(|entry| entry.kind == JournalKind::Written), "{history:?}");
        assert!(!history.iter().any(|entry| entry.kind == JournalKind::Edit), "{history:?}");
    }
}

#[test]
fn r6_what_was_not_kept_is_told_though_the_answer_to_another_write_shows_it_first() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    b.forgets.store(true, Ordering::Relaxed);
    *b.worth.lock().unwrap() = Answers::Unsure;
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone", "name"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "name": "Solveig"}));
    assert_eq!(run(&mut hub), 1);
    let id = b.real.all("Person").into_keys().next().unwrap();
    // What became of the first write can't be looked at.
    b.busy.lock().unwrap().push(id);
    b.updates.lock().unwrap().push_back(Fate::Ignored);
    a.put("Person/1", json!({"phone": "2"}));
    run(&mut hub);
    b.busy.lock().unwrap().clear();
    a.put("Person/1", json!({"name": "Solveig Berg"}));
    run(&mut hub);
    run(&mut hub);
    assert_eq!(b.only("Person")["name"], json!("Solveig Berg"));
    assert_eq!(hub.ledger.status().unwrap().reviews, [("value not kept".to_string(), 1)]);
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn r6_of_two_writes_that_were_not_kept_the_second_is_told_though_the_first_was_not_seen() {
    let (a, b, _, mut hub) = a_linked_pair();
    *b.worth.lock().unwrap() = Answers::Unsure;
    let id = b.real.all("Person").into_keys().next().unwrap();
    b.busy.lock().unwrap().push(id);
    for phone in ["2", "3"] {
        b.updates.lock().unwrap().push_back(Fate::Ignored);
        a.put("Person/1", json!({"phone": phone}));
        run(&mut hub);
        b.busy.lock().unwrap().clear();
    }
    assert_eq!((b.sent(), b.only("Person")["phone"].clone()), (2, json!("1")));
    assert_eq!(hub.ledger.status().unwrap().reviews, [("value not kept".to_string(), 1)]);
    assert_eq!((run(&mut hub), a.only("Person")["phone"].clone()), (0, json!("3")));
}

#[test]
fn r6_what_a_system_stores_otherwise_is_listed_by_an_audit() {
    let (a, b, _, mut hub) = a_linked_pair();
    a.put("Person/1", json!({"phone": "41234567"}));
    b.updates.lock().unwrap().push_back(Fate::Otherwise);
    run(&mut hub);
    assert_eq!((run(&mut hub), b.only("Person")["phone"].clone()), (0, json!("N/A")));
    assert_eq!(a.only("Person")["phone"], json!("41234567"));
    for audit in [hub.audit(None, false).unwrap(), hub.audit_stored(None).unwrap()] {
        assert!(!audit.alarms());
        let [property] = &audit.properties[..] else { panic!("{:?}", audit.properties) };
        assert_eq!((property.stored_otherwise, property.drifted), (1, 0));
        let [one] = &property.examples[..] else { panic!("{:?}", property.examples) };
        assert_eq!((&one.expected, &one.shows), (&json!("41234567"), &json!("N/A")));
    }
    // Somebody's edit of it is one, and is then what counts.
    let id = b.real.all("Person").into_keys().next().unwrap();
    b.put(&format!("Person/{id}"), json!({"phone": "2"}));
    run(&mut hub);
    assert_eq!(a.only("Person")["phone"], json!("2"));
    assert_eq!(hub.audit(None, false).unwrap().properties.len(), 0);
}

#[test]
fn l9_a_write_that_makes_a_flow_hold_again_is_decided_on() {
    let (a, b, c) =
        (Fated::new(vec![person()]), Fated::new(vec![person()]), Fated::new(vec![person()]));
    let customers = Filter { expression: "kind == 'customer'".into(), reads: vec!["kind".into()] };
    let flows = [
        Flow {
            only: Some(customers),
            ..flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])
        },
        flow("c.Person", "a.Person", Create::Never, &["mail"], &["mail", "kind"]),
    ];
    let mut hub = hub(&[("a", &a), ("b", &b), ("c", &c)], &flows);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "kind": "customer"}));
    c.put("Person/1", json!({"mail": "solveig@example.com", "kind": "customer"}));
    assert_eq!(run(&mut hub), 1);
    c.put("Person/1", json!({"kind": "supplier"}));
    run(&mut hub);
    a.put("Person/1", json!({"phone": "2"}));
    run(&mut hub);
    assert_eq!(b.only("Person")["phone"], json!("1"), "the flow is not about suppliers");
    // Nobody but Lockstep itself writes to the record that the condition reads.
    c.put("Person/1", json!({"kind": "customer"}));
    assert_eq!(run(&mut hub), 2);
    assert_eq!(b.only("Person")["phone"], json!("2"));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn r6_what_was_acknowledged_and_not_kept_is_told_and_not_written_again() {
    let (a, b, _, mut hub) = a_linked_pair();
    *b.worth.lock().unwrap() = Answers::Unsure;
    a.put("Person/1", json!({"phone": "2"}));
    b.updates.lock().unwrap().push_back(Fate::Ignored);
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!(
        (report.writes(), report.needs_a_person()),
        (0, true),
        "nothing of it counts as written"
    );
    assert_eq!(hub.ledger.status().unwrap().reviews, [("value not kept".to_string(), 1)]);
    assert_eq!((run(&mut hub), b.sent()), (0, 1));
    assert_eq!(a.only("Person")["phone"], json!("2"), "what the system did not keep has come back");
    let audit = hub.audit(None, false).unwrap();
    assert!(audit.alarms());
    assert_eq!(audit.properties.iter().map(|property| property.not_kept).sum::<u64>(), 1);
    // Another value is another try.
    a.put("Person/1", json!({"phone": "3"}));
    assert_eq!(run(&mut hub), 1);
    assert_eq!(b.only("Person")["phone"], json!("3"));
    assert_eq!(hub.ledger.status().unwrap().reviews, []);
}

#[test]
fn g4_a_write_that_fails_waits_longer_each_time_and_a_person_is_told() {
    for fate in [Fate::LostBefore, Fate::Later, Fate::Conflict] {
        let (a, b, clock, mut hub) = a_linked_pair();
        a.put("Person/1", json!({"phone": "2"}));
        b.updates.lock().unwrap().extend([fate; 30]);
        let report = hub.run(RunOptions::default()).unwrap();
        assert_eq!(
            (report.writes(), report.failing, report.needs_a_person()),
            (0, 1, true),
            "{fate:?}"
        );
        assert_eq!(b.sent(), 3, "{fate:?}: the first tries follow in the same run");
        assert_eq!(
            hub.ledger.status().unwrap().reviews,
            [("rejected value".to_string(), 1)],
            "{fate:?}"
        );
        let report = hub.run(RunOptions::default()).unwrap();
        assert_eq!(
            (b.sent(), report.failing, report.needs_a_person()),
            (3, 1, true),
            "{fate:?}: its back-off is kept across runs"
        );
        clock.wait(Duration::from_secs(61));
        run(&mut hub);
        assert_eq!(b.sent(), 4, "{fate:?}");
        // It is given up in the end.
        for _ in 0..30 {
            clock.wait(Duration::from_secs(2 * 3_600));
            run(&mut hub);
        }
        assert_eq!(b.sent(), 8, "{fate:?}");
        assert_eq!(
            hub.ledger.status().unwrap().reviews,
            [("rejected value".to_string(), 1)],
            "{fate:?}"
        );
        b.updates.lock().unwrap().clear();
        hub.retry(&lockstep_hub::answers::Again::All).unwrap();
        assert_eq!((run(&mut hub), hub.ledger.status().unwrap().reviews), (0, vec![]), "{fate:?}");
        assert_eq!(b.only("Person")["phone"], json!("2"), "{fate:?}");
    }
}

#[test]
fn g3_what_a_killed_first_run_has_left_over_is_not_counted_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockstep.db");
    let database = || rusqlite::Connection::open(&path).unwrap();
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])];
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let open = || {
        let store = SqliteStore::open(&path).unwrap();
        hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &flows)
    };
    b.put("Person/own", json!({"mail": "own@example.com", "phone": "9"}));
    for n in 0..60 {
        a.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com"), "phone": "1"}));
    }
    let mut hub = open();
    database()
        .execute_batch(
            "CREATE TRIGGER dies BEFORE INSERT ON sending BEGIN SELECT RAISE(ABORT, 'killed'); END",
        )
        .unwrap();
    assert!(hub.run(RunOptions::default()).is_err());
    drop(hub);
    database().execute_batch("DROP TRIGGER dies").unwrap();
    // The next run comes to its end, and its system takes nothing.
    let mut hub = open();
    b.creations.lock().unwrap().extend([Fate::Later; 200]);
    hub.run(RunOptions::default()).unwrap();
    b.creations.lock().unwrap().clear();
    clock.wait(Duration::from_secs(120));
    assert_eq!(run(&mut hub), 60);
    assert!(!hub.ledger.status().unwrap().reviews.iter().any(|(kind, _)| kind == "tripped guard"));
}

#[test]
fn g4_a_system_that_lets_a_write_be_tried_again_at_once_ends_every_run_all_the_same() {
    let (a, b, clock, mut hub) = a_linked_pair();
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    b.creations.lock().unwrap().extend([Fate::Soon; 40]);
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!((b.sent(), report.failing, report.needs_a_person()), (3, 1, true));
    assert_eq!((run(&mut hub), b.sent()), (0, 3), "it waits as long as any that fails");
    clock.wait(Duration::from_secs(61));
    assert_eq!((run(&mut hub), b.sent()), (0, 4));
    // The same of an update.
    let (a, b, _, mut hub) = a_linked_pair();
    a.put("Person/1", json!({"phone": "2"}));
    b.updates.lock().unwrap().extend([Fate::Soon; 40]);
    assert_eq!((run(&mut hub), b.sent()), (0, 3));
}

#[test]
fn g4_a_record_that_is_listed_and_not_found_by_any_write_is_told_and_not_deleted() {
    let (a, b, clock, mut hub) = a_linked_pair();
    let everything =
        |hub: &mut Hub| hub.run(RunOptions { full: true, ..RunOptions::default() }).unwrap();
    a.put("Person/1", json!({"phone": "2"}));
    b.updates.lock().unwrap().extend([Fate::NotThere; 40]);
    b.behind.store(1_000, Ordering::Relaxed);
    let report = everything(&mut hub);
    // Somebody may have deleted it in between: the next list tells, before it is tried again.
    assert_eq!((report.failing, b.sent()), (1, 1));
    let status = hub.ledger.status().unwrap();
    assert_eq!(status.reviews, []);
    assert!(status.failing[0].message.contains("the list of this run shows it"));
    for sent in [2, 3, 3] {
        clock.wait(Duration::from_secs(4));
        everything(&mut hub);
        assert_eq!(b.sent(), sent, "it waits as any that fails");
    }
    assert_eq!(hub.ledger.status().unwrap().reviews, [("rejected value".to_string(), 1)]);
    b.updates.lock().unwrap().clear();
    clock.wait(Duration::from_secs(61));
    assert_eq!(everything(&mut hub).writes(), 1);
    assert_eq!(b.only("Person")["phone"], json!("2"));
}

#[test]
fn g4_a_write_that_passes_in_the_end_needs_no_person() {
    let (a, b, clock, mut hub) = a_linked_pair();
    a.put("Person/1", json!({"phone": "2"}));
    b.updates.lock().unwrap().extend([Fate::LostBefore; 3]);
    run(&mut hub);
    assert_eq!(hub.ledger.status().unwrap().failing[0].tries, 3);
    clock.wait(Duration::from_secs(61));
    assert_eq!(run(&mut hub), 1);
    assert_eq!(
        (hub.ledger.status().unwrap().reviews, hub.ledger.status().unwrap().failing.len()),
        (vec![], 0)
    );
    assert!(!hub.run(RunOptions::default()).unwrap().needs_a_person());
}

#[test]
fn g4_one_record_that_fails_stops_no_other_and_many_in_a_row_are_their_systems() {
    let (a, b, _, mut hub) = a_linked_pair();
    for n in 2..30 {
        a.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com"), "phone": "2"}));
    }
    b.creations.lock().unwrap().extend([Fate::Later]);
    assert_eq!(run(&mut hub), 28, "the one that was put off, too");
    for n in 30..60 {
        a.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com"), "phone": "2"}));
    }
    b.created.lock().unwrap().clear();
    b.creations.lock().unwrap().extend([Fate::Later; 99]);
    let report = hub.run(RunOptions::default()).unwrap();
    assert!(report.unreachable() && b.sent() <= 8, "{} were sent", b.sent());
    b.creations.lock().unwrap().clear();
    assert_eq!(run(&mut hub), 30);
}

/// Everybody's record stands for two things; the second is matched by nothing.
fn at_work_and_at_home(at_home: &[&str]) -> [Flow; 2] {
    [
        flow("a.Person (work)", "b.Person (work)", Create::Always, &["mail"], &["mail", "phone"]),
        flow("a.Person (home)", "b.Person (home)", Create::Always, &[], at_home),
    ]
}

#[test]
fn f1_c2_what_a_creation_made_whose_answer_was_lost_is_nobodys_edit_in_any_of_its_facets() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let mut hub = hub(&[("a", &a), ("b", &b)], &at_work_and_at_home(&["city"]));
    a.put(
        "Person/1",
        json!({"mail": "solveig@example.com", "phone": "1", "city": "Bergen  sentrum"}),
    );
    b.creations.lock().unwrap().push_back(Fate::LostAfter);
    run(&mut hub);
    run(&mut hub);
    assert_eq!((b.only("Person")["city"].clone(), b.sent()), (json!("Bergen sentrum"), 1));
    assert_eq!(
        a.only("Person")["city"],
        json!("Bergen  sentrum"),
        "what the system made of it comes back as somebody's edit"
    );
    let key = b.real.all("Person").into_keys().next().unwrap();
    let entities = ["work", "home"].map(|facet| {
        let [mine, theirs] = [format!("a.Person ({facet})/1"), format!("b.Person ({facet})/{key}")];
        let entity = hub.ledger.find(&mine).unwrap().entity;
        assert_eq!(entity, hub.ledger.find(&theirs).unwrap().entity, "{facet}");
        entity
    });
    assert_ne!(entities[0], entities[1], "each stands for something else");
    b.put(
        &format!("Person/{key}"),
        json!({"mail": "solveig@example.com", "phone": "1", "city": "Voss"}),
    );
    run(&mut hub);
    assert_eq!((a.only("Person")["city"].clone(), run(&mut hub)), (json!("Voss"), 0));
}

#[test]
fn f3_c2_what_a_write_did_whose_answer_was_lost_is_nobodys_edit_in_another_facet() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let mut hub = hub(&[("a", &a), ("b", &b)], &at_work_and_at_home(&["phone", "city"]));
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "city": "Bergen"}));
    run(&mut hub);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "2  2", "city": "Bergen"}));
    b.updates.lock().unwrap().push_back(Fate::LostAfter);
    run(&mut hub);
    run(&mut hub);
    assert_eq!(b.only("Person")["phone"], json!("2 2"));
    assert_eq!(
        a.only("Person")["phone"],
        json!("2  2"),
        "what the system made of it comes back as somebody's edit"
    );
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn f1_f3_a_record_that_is_deleted_is_gone_with_all_its_facets_at_once() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flows =
        at_work_and_at_home(&["city"]).map(|flow| Flow { deletes: Deletes::Propagate, ..flow });
    let mut hub = hub(&[("a", &a), ("b", &b)], &flows);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "city": "Bergen"}));
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2", "city": "Voss"}));
    run(&mut hub);
    assert!(a.real.remove("Person", "1"));
    // It is read as one facet, and the process ends before it is read as the other.
    let plan = hub.ledger.plan_of_flows();
    let only = (0..plan.types.len() as u16).map(lockstep_model::TypeIx);
    let only = only.filter(|ty| plan.ty(*ty).name.to_string() == "a.Person (home)").collect();
    hub.run(RunOptions { only: Some(only), full: true, ..RunOptions::default() }).unwrap();
    assert_eq!(
        (b.only("Person")["city"].clone(), b.sent()),
        (json!("Voss"), 3),
        "it is deleted, and nothing of it was emptied before"
    );
}

/// The numbers of the record types of these names.
fn types_named(hub: &Hub, names: &[&str]) -> std::collections::BTreeSet<TypeIx> {
    let types = &hub.ledger.plan_of_flows().types;
    (0..types.len() as u16)
        .map(TypeIx)
        .filter(|ty| names.contains(&types[ty.at()].name.to_string().as_str()))
        .collect()
}

#[test]
fn f1_what_was_merged_or_looked_up_in_vain_or_deleted_by_hand_ends_with_all_its_facets() {
    for way in ["merged", "looked up", "by hand"] {
        let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
        let mut hub = hub(&[("a", &a), ("b", &b)], &at_work_and_at_home(&["city"]));
        a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "city": "Bergen"}));
        a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2", "city": "Voss"}));
        run(&mut hub);
        assert!(a.real.remove("Person", "1"));
        let at_work = types_named(&hub, &["a.Person (work)"]);
        match way {
            "merged" => {
                a.merged.lock().unwrap().insert("1".into(), "2".into());
                hub.run(RunOptions { only: Some(at_work), full: true, ..RunOptions::default() })
                    .unwrap();
            }
            "looked up" => {
                let named = at_work.iter().map(|ty| (*ty, ["1".to_string()].into())).collect();
                hub.run(RunOptions { only: Some([].into()), named, ..RunOptions::default() })
                    .unwrap();
            }
            _ => assert!(hub.deleted_by_hand(&["a.Person (work)/1".into()]).is_ok()),
        }
        let live = |hub: &mut Hub, facet: &str| {
            hub.ledger.find(&format!("a.Person ({facet})/1")).is_ok_and(|found| found.is_live())
        };
        assert_eq!((live(&mut hub, "work"), live(&mut hub, "home")), (false, false), "{way}");
        // Nothing is made from what is left of it, and nothing is deleted or emptied for it.
        let sent = b.sent();
        run(&mut hub);
        assert_eq!((b.real.all("Person").len(), b.sent()), (2, sent), "{way}");
    }
}

/// A run that reads of `a` alone.
fn run_called_by_a(hub: &mut Hub) -> u64 {
    let at = hub.ledger.plan_of_flows().types.iter().position(|ty| ty.name.system == "a").unwrap();
    let only = Some([TypeIx(at as u16)].into());
    hub.run(RunOptions { only, ..RunOptions::default() }).unwrap().writes()
}

/// Whether an edit that put this value in stands in the history of a record.
fn knows_of_edit(hub: &mut Hub, record: &str, value: Value) -> bool {
    let id = hub.ledger.find(record).unwrap().id;
    hub.ledger
        .history(id, 99)
        .unwrap()
        .iter()
        .any(|entry| entry.kind == JournalKind::Edit && entry.after == value)
}

#[test]
fn p6_what_has_not_been_seen_since_it_was_created_is_looked_at_before_it_is_written_to() {
    for another in [false, true] {
        let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
        b.forgets.store(true, Ordering::Relaxed);
        let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
        let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
        a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
        b.creations.lock().unwrap().push_back(Fate::OnlyId);
        // What came of it can't be read.
        b.unseen.store(true, Ordering::Relaxed);
        assert_eq!(run(&mut hub), 1);
        let id = b.real.all("Person").into_keys().next().unwrap();
        b.put(&format!("Person/{id}"), json!({"phone": "9"}));
        a.put("Person/1", json!({"phone": "2"}));
        let look = if another { &b.stuck } else { &b.busy };
        look.lock().unwrap().push(id.clone());
        run_called_by_a(&mut hub);
        assert_eq!(b.only("Person")["phone"], json!("9"), "it is written over unseen");
        look.lock().unwrap().clear();
        run(&mut hub);
        run(&mut hub);
        assert!(
            knows_of_edit(&mut hub, &format!("b.Person/{id}"), json!("9")),
            "nobody knows that there was such an edit"
        );
        assert_eq!(a.only("Person")["phone"], b.only("Person")["phone"]);
    }
}

#[test]
fn p6_an_edit_that_the_look_after_a_write_shows_is_taken_in_at_once() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    b.forgets.store(true, Ordering::Relaxed);
    *b.worth.lock().unwrap() = Answers::Unsure;
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone", "name"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1", "name": "Solveig"}));
    assert_eq!(run(&mut hub), 1);
    let id = b.real.all("Person").into_keys().next().unwrap();
    a.put("Person/1", json!({"phone": "2"}));
    *b.afterwards.lock().unwrap() = Some(flat(json!({"name": "Solveig Berg"})));
    run_called_by_a(&mut hub);
    assert!(
        knows_of_edit(&mut hub, &format!("b.Person/{id}"), json!("Solveig Berg")),
        "the next write goes over it unseen"
    );
    assert_eq!(a.only("Person")["name"], json!("Solveig Berg"));
    assert_eq!((b.only("Person")["phone"].clone(), run(&mut hub)), (json!("2"), 0));
}
