//! Creations of which nobody knows what became: answers lost, put off, or of something else (C2, R6,
//! L8).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockstep_hub::answers::Answer;
use lockstep_hub::{Clock, Hub, Progress, RunOptions, Watcher};
use lockstep_model::flow::{Create, Deletes};
use lockstep_model::{Flow, ReviewKind, TypeIx};
use lockstep_store::SqliteStore;
use serde_json::json;

use crate::fated::{
    Fate, Fated, Hands, a_linked_pair, flat, flow, hub, hub_at, hub_with, person, run,
};

/// A process dies when it is about to record that two records are the same.
const DIES_WHEN_LINKING: &str = "CREATE TRIGGER dies BEFORE INSERT ON journal WHEN NEW.kind = 'link' BEGIN SELECT RAISE(ABORT, 'killed'); END";

#[test]
fn c2_a_question_names_no_record_any_more_that_has_become_somebody_elses() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &[], &["name"]);
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[one]);
    run(&mut hub);
    a.put("Person/1", json!({"name": "Åse"}));
    a.put("Person/2", json!({"name": "Åse"}));
    b.creations.lock().unwrap().extend([Fate::Accepted; 2]);
    run(&mut hub);
    b.land();
    // Somebody has made one of that name as well: any of the three may be what was created.
    b.put("Person/9", json!({"name": "Åse"}));
    clock.wait(Duration::from_secs(600));
    run(&mut hub);
    let questions = |hub: &mut Hub| {
        let mut open = hub.ledger.store().numbered_reviews(9).unwrap();
        open.retain(|(_, review)| review.kind == ReviewKind::UnknownOutcome);
        open
    };
    let open = questions(&mut hub);
    assert_eq!(open.iter().map(|(_, r)| r.candidates.len()).collect::<Vec<_>>(), [3, 3]);
    let taken = open[0].1.candidates[0];
    let name = format!("b.Person/{}", hub.ledger.store().records(&[taken]).unwrap()[0].key);
    hub.answer(&[open[0].0], &Answer::Link(name)).unwrap();
    run(&mut hub);
    let left = questions(&mut hub);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0].1.candidates.len(), 2);
    assert!(!left[0].1.candidates.contains(&taken), "it names the one that is taken");
    assert_eq!(b.real.all("Person").len(), 3);
}

#[test]
fn c2_what_comes_after_a_person_was_asked_is_taken_for_the_creation_that_sent_it() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let both = [
        flow("a.Person", "b.Person", Create::Always, &[], &["name"]),
        flow("b.Person", "a.Person", Create::Always, &[], &[]),
    ];
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &both);
    run(&mut hub);
    a.put("Person/1", json!({"name": "Åse"}));
    b.creations.lock().unwrap().push_back(Fate::Accepted);
    run(&mut hub);
    // Somebody else is new meanwhile, who could be whom she was made.
    b.put("Person/9", json!({"name": "Bo"}));
    clock.wait(Duration::from_secs(600));
    run(&mut hub);
    let open = hub.ledger.store().numbered_reviews(9).unwrap();
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(open[0].1.candidates.len(), 1);
    b.land();
    for _ in 0..2 {
        clock.wait(Duration::from_secs(600));
        run(&mut hub);
        assert_eq!((a.real.all("Person").len(), b.real.all("Person").len()), (2, 2));
        assert_eq!(hub.ledger.status().unwrap().reviews, []);
    }
}

#[test]
fn c2_r6_what_is_answered_with_an_id_that_is_not_there_is_not_created() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let both = [
        Flow {
            deletes: Deletes::Propagate,
            ..flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])
        },
        flow("b.Person", "a.Person", Create::Always, &["mail"], &[]),
    ];
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &both);
    for n in 5..9 {
        a.put(&format!("Person/{n}"), json!({"mail": format!("p{n}@example.com"), "phone": "1"}));
    }
    run(&mut hub);
    a.put("Person/1", json!({"mail": "ada@example.com", "phone": "2"}));
    // It is answered, and thrown away at once.
    b.creations.lock().unwrap().push_back(Fate::OnlyId);
    *b.afterwards.lock().unwrap() = None;
    b.throws_away.store(true, Ordering::Relaxed);
    let report = hub.run(RunOptions::default()).unwrap();
    assert!(report.needs_a_person() && report.writes() == 0, "{report:#?}");
    clock.wait(Duration::from_secs(600));
    run(&mut hub);
    assert_eq!(a.real.all("Person").len(), 5, "nobody has deleted anything");
}

/// Ends a run at a step, so many steps from its beginning.
struct EndsAfter(usize);

impl Watcher for EndsAfter {
    fn tell(&mut self, _: Progress) {}

    fn stops(&mut self) -> bool {
        let ends = self.0 == 0;
        self.0 = self.0.saturating_sub(1);
        ends
    }
}

#[test]
fn c2_a_run_that_is_ended_before_it_has_read_concludes_nothing_from_what_it_did_not_see() {
    for steps in 0..24 {
        let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
        let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
        let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
        let store = SqliteStore::in_memory().unwrap();
        let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[one]);
        b.put("Person/7", json!({"mail": "solveig@example.com", "phone": "1"}));
        run(&mut hub);
        a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
        b.creations.lock().unwrap().push_back(Fate::Accepted);
        run(&mut hub);
        b.land();
        for _ in 0..2 {
            clock.wait(Duration::from_secs(3_600));
            let watcher = Box::new(EndsAfter(steps));
            hub.run(RunOptions { watcher, ..RunOptions::default() }).unwrap();
        }
        // Only another system is asked, as for a webhook.
        let only = Some([TypeIx(0)].into());
        a.put("Person/2", json!({"phone": "3"}));
        hub.run(RunOptions { only, ..RunOptions::default() }).unwrap();
        run(&mut hub);
        assert_eq!(b.real.all("Person").len(), 2, "created twice after {steps} steps");
        assert_eq!(run(&mut hub), 0);
    }
}

#[test]
fn c2_what_was_only_accepted_is_not_sent_again_within_a_minute_and_found_when_it_is_there() {
    let (a, b, clock, mut hub) = a_linked_pair();
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    b.creations.lock().unwrap().push_back(Fate::Accepted);
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!((report.failing, report.needs_a_person()), (1, true));
    clock.wait(Duration::from_secs(30));
    assert_eq!((run(&mut hub), b.sent()), (0, 1));
    b.land();
    assert_eq!((run(&mut hub), b.sent()), (0, 1), "it is sent again, though it is there");
    assert_eq!(hub.ledger.status().unwrap().failing.len(), 0);
    let made = b
        .real
        .all("Person")
        .into_iter()
        .find(|(_, held)| held["mail"] == json!("bo@example.com"))
        .unwrap()
        .0;
    assert_eq!(
        hub.ledger.find("a.Person/2").unwrap().entity,
        hub.ledger.find(&format!("b.Person/{made}")).unwrap().entity
    );
}

#[test]
fn c2_an_answer_that_tells_nothing_is_not_called_lost() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let unmatched = flow("a.Person", "b.Person", Create::Always, &[], &["mail", "phone"]);
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[unmatched]);
    b.put("Person/7", json!({"mail": "solveig@example.com", "phone": "1"}));
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    b.creations.lock().unwrap().push_back(Fate::Accepted);
    run(&mut hub);
    b.land();
    clock.wait(Duration::from_secs(61));
    let report = hub.run(RunOptions { every_event: true, ..RunOptions::default() }).unwrap();
    let told = format!("{:?}", report.events);
    assert!(told.contains("said: Some(\"202"), "{told}");
    assert!(!told.contains("said: None") && !told.contains("was lost"), "{told}");
}

#[test]
fn c2_a_creation_of_unknown_outcome_is_sent_once_a_run_and_after_the_second_a_person_is_asked() {
    for fate in [Fate::Accepted, Fate::LostBefore] {
        let (a, b, clock, mut hub) = a_linked_pair();
        a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
        b.creations.lock().unwrap().extend([fate; 9]);
        run(&mut hub);
        assert_eq!(b.sent(), 1, "{fate:?}");
        clock.wait(Duration::from_secs(61));
        run(&mut hub);
        assert_eq!(b.sent(), 2, "{fate:?}");
        for _ in 0..3 {
            clock.wait(Duration::from_secs(61));
            run(&mut hub);
            assert_eq!(b.sent(), 2, "{fate:?}");
        }
        assert_eq!(
            hub.ledger.status().unwrap().reviews,
            [("unknown outcome".to_string(), 1)],
            "{fate:?}"
        );
        // It comes in the end, and nobody need be asked any more.
        if fate == Fate::Accepted {
            b.coming.lock().unwrap().truncate(1);
            b.land();
            run(&mut hub);
            assert_eq!(hub.ledger.status().unwrap().reviews, []);
            assert_eq!((b.sent(), b.real.all("Person").len()), (2, 2));
        }
    }
}

#[test]
fn c2_of_two_refused_creations_that_come_to_the_same_one_is_tried_again() {
    let systems =
        [Fated::new(vec![person()]), Fated::new(vec![person()]), Fated::new(vec![person()])];
    let [a, b, c] = &systems;
    let into_b = |from: &str| flow(from, "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", a), ("b", b), ("c", c)], &[into_b("a.Person"), into_b("c.Person")]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    c.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.creations.lock().unwrap().extend([Fate::Refused; 2]);
    run(&mut hub);
    run(&mut hub);
    assert_eq!((b.sent(), b.real.all("Person").len()), (2, 0), "one after the other was refused");
    hub.retry(&lockstep_hub::answers::Again::All).unwrap();
    run(&mut hub);
    assert_eq!(b.only("Person")["mail"], json!("solveig@example.com"));
    assert_eq!(hub.ledger.status().unwrap().reviews, []);
}

#[test]
fn c2_the_key_of_a_creation_is_the_same_in_every_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockstep.db");
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])];
    let systems = [("a", &a), ("b", &b)];
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.creations.lock().unwrap().push_back(Fate::LostBefore);
    run(&mut hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows));
    // What was edited meanwhile is written afterwards, so that the second try is the first one once
    // more.
    a.put("Person/1", json!({"phone": "2"}));
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_900_000)));
    let mut later = hub_at(clock, SqliteStore::open(&path).unwrap(), &systems, &flows);
    run(&mut later);
    run(&mut later);
    let keys = b.keys.lock().unwrap().clone();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    assert_eq!(b.only("Person")["phone"], json!("2"));
    // Another store has keys of its own.
    let (c, d) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    c.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    run(&mut hub(&[("a", &c), ("b", &d)], &flows));
    assert_ne!(d.keys.lock().unwrap()[0], keys[0]);
}

#[test]
fn c2_a_store_that_was_put_back_gives_its_numbers_other_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (path, yesterday) = (folder.path().join("lockstep.db"), folder.path().join("yesterday.db"));
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])];
    let systems = [("a", &a), ("b", &b)];
    let hub_on = |path: &std::path::Path, at: i64| {
        let clock = Arc::new(Hands(AtomicI64::new(at)));
        hub_at(clock, SqliteStore::open(path).unwrap(), &systems, &flows)
    };
    run(&mut hub_on(&path, 1_800_000_000_000));
    std::fs::copy(&path, &yesterday).unwrap();
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    run(&mut hub_on(&path, 1_800_000_100_000));
    // Put back, the store decides on somebody else under the number that it has given already.
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    run(&mut hub_on(&yesterday, 1_800_000_900_000));
    let keys = b.keys.lock().unwrap().clone();
    assert_eq!(keys.len(), 2, "{keys:?}");
    let number = |key: &String| key.rsplit_once('-').map(|(_, number)| number.to_string());
    assert_eq!(number(&keys[0]), number(&keys[1]));
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn c2_a_creation_without_an_answer_is_not_sent_again_before_the_stated_delay_is_over() {
    let slow = lockstep_model::TypeSchema { settles_ms: 30_000, ..person() };
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![slow]));
    b.forgets.store(true, Ordering::Relaxed);
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])];
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &flows);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.creations.lock().unwrap().extend([Fate::LostBefore, Fate::Done]);
    let began = clock.0.load(Ordering::Relaxed);
    for _ in 0..4 {
        run(&mut hub);
        let passed = clock.0.load(Ordering::Relaxed) - began;
        assert!(b.sent() == 1 || passed >= 30_000, "sent again after {passed} ms");
        clock.0.fetch_add(9_000, Ordering::Relaxed);
    }
    clock.0.fetch_add(60_000, Ordering::Relaxed);
    run(&mut hub);
    assert_eq!((b.sent(), b.real.all("Person").len()), (2, 1));
}

#[test]
fn c2_l6_a_creation_answered_with_anothers_record_makes_none_and_changes_nobody() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &[], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "family@example.com", "phone": "1"}));
    a.put("Person/2", json!({"mail": "family@example.com", "phone": "2"}));
    b.creations.lock().unwrap().extend([Fate::Done, Fate::Known]);
    run(&mut hub);
    run(&mut hub);
    assert_eq!(
        a.real.all("Person")["1"]["phone"],
        json!("1"),
        "what was sent for somebody else has come back"
    );
    assert_eq!(a.real.all("Person")["2"]["phone"], json!("2"));
    assert_eq!(b.only("Person")["phone"], json!("1"), "it has its own again");
    assert_eq!(hub.ledger.status().unwrap().reviews, [("disputed entity".to_string(), 1)]);
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn c2_a_creation_answered_with_a_record_that_is_nobodys_has_found_it() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &[], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    b.put("Person/9", json!({"mail": "solveig@example.com", "phone": "9"}));
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.creations.lock().unwrap().push_back(Fate::Known);
    run(&mut hub);
    run(&mut hub);
    assert_eq!(
        hub.ledger.find("a.Person/1").unwrap().entity,
        hub.ledger.find("b.Person/9").unwrap().entity
    );
    assert_eq!(
        (a.only("Person")["phone"].clone(), b.only("Person")["phone"].clone()),
        (json!("1"), json!("1"))
    );
    assert_eq!(hub.ledger.status().unwrap().reviews, []);
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn c2_of_two_creations_for_the_same_address_the_one_is_found_that_was_sent_so() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    // L6: who is like another is put before a person, unless the flow says that they are two.
    let mut one = one;
    one.separate_duplicates = true;
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "family@example.com", "phone": "1"}));
    a.put("Person/2", json!({"mail": "family@example.com", "phone": "2  2"}));
    b.creations.lock().unwrap().extend([Fate::LostBefore, Fate::LostAfter]);
    run(&mut hub);
    assert!(b.creations.lock().unwrap().is_empty());
    run(&mut hub);
    let made = b
        .real
        .all("Person")
        .into_iter()
        .find(|(_, values)| values["phone"] == json!("2 2"))
        .unwrap()
        .0;
    assert_eq!(
        hub.ledger.find("a.Person/2").unwrap().entity,
        hub.ledger.find(&format!("b.Person/{made}")).unwrap().entity
    );
    assert_eq!(a.real.all("Person")["1"]["phone"], json!("1"));
}

#[test]
fn c2_whom_a_refused_creation_is_a_duplicate_of_is_settled_by_the_next_run_where_this_one_dies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockstep.db");
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    // Nothing but what the system says tells that they are the same.
    let flows = [flow("a.Person", "b.Person", Create::Always, &[], &["mail", "phone"])];
    let systems = [("a", &a), ("b", &b)];
    b.put("Person/9", json!({"mail": "solveig@example.com", "phone": "9"}));
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.creations.lock().unwrap().extend([Fate::Duplicate, Fate::Duplicate]);
    let database = || rusqlite::Connection::open(&path).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    database().execute_batch(DIES_WHEN_LINKING).unwrap();
    let killed =
        hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows).run(RunOptions::default());
    assert!(killed.unwrap_err().to_string().contains("killed"));
    database().execute_batch("DROP TRIGGER dies").unwrap();

    let mut hub = hub_with(SqliteStore::open(&path).unwrap(), &systems, &flows);
    run(&mut hub);
    assert!(b.creations.lock().unwrap().is_empty(), "it is sent again, and refused again");
    assert_eq!(
        hub.ledger.find("a.Person/1").unwrap().entity,
        hub.ledger.find("b.Person/9").unwrap().entity
    );
    assert_eq!(hub.ledger.status().unwrap().reviews, vec![], "nobody is asked");
    assert_eq!((a.real.all("Person").len(), b.real.all("Person").len()), (1, 1));
}

#[test]
fn c2_whom_a_refused_creation_is_a_duplicate_of_is_asked_again_while_that_gets_no_answer() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &[], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    // Somebody makes it after `b` has been read.
    *b.meanwhile.lock().unwrap() = Some(flat(json!({"mail": "solveig@example.com", "phone": "9"})));
    b.creations.lock().unwrap().extend([Fate::DuplicateUnseen, Fate::Duplicate]);
    run(&mut hub);
    assert!(b.creations.lock().unwrap().is_empty());
    assert_eq!(hub.ledger.status().unwrap().reviews, vec![], "nobody is asked");
    assert_eq!(
        hub.ledger.find("a.Person/1").unwrap().entity,
        hub.ledger.find("b.Person/9").unwrap().entity
    );
    assert_eq!((a.real.all("Person").len(), b.real.all("Person").len()), (1, 1));
}

#[test]
fn r6_r9_an_answer_that_shows_another_record_tells_nothing_of_the_one_written() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    for n in 1..3 {
        let person = json!({"mail": format!("p{n}@example.com"), "phone": n.to_string()});
        a.put(&format!("Person/{n}"), person.clone());
        b.put(&format!("Person/{n}"), person);
    }
    run(&mut hub);
    a.put("Person/2", json!({"phone": "22"}));
    b.updates.lock().unwrap().push_back(Fate::Another);
    let report = hub.run(RunOptions::default()).unwrap();
    assert!(report.needs_a_person(), "it was not kept: {report:#?}");
    assert_eq!(run(&mut hub), 0);
    assert_eq!(a.real.all("Person")["2"]["phone"], json!("22"), "the other's value has come back");
    assert_eq!(b.real.all("Person")["2"]["phone"], json!("2"));
}

#[test]
fn l8_nothing_is_created_before_a_look_up_has_been_answered() {
    let mut finds = person();
    finds.can.find = true;
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![finds]));
    b.forgets.store(true, Ordering::Relaxed);
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[one]);
    b.put("Person/7", json!({"mail": "solveig@example.com", "phone": "1"}));
    run(&mut hub);
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "2"}));
    // Somebody makes him, and no listing shows it yet.
    b.put("Person/8", json!({"mail": "bo@example.com", "phone": "2"}));
    b.hidden.lock().unwrap().push("8".into());
    b.confused.store(1, Ordering::Relaxed);
    run(&mut hub);
    b.hidden.lock().unwrap().clear();
    run(&mut hub);
    assert_eq!(b.real.all("Person").len(), 2, "he is there twice");
    // A question that is never understood is none.
    a.put("Person/3", json!({"mail": "eli@example.com", "phone": "3"}));
    b.confused.store(i64::MAX, Ordering::Relaxed);
    let report = hub.run(RunOptions::default()).unwrap();
    assert!(report.needs_a_person() && format!("{report:?}").contains("the search is down"));
    clock.wait(Duration::from_secs(600));
    run(&mut hub);
    assert_eq!(b.real.all("Person").len(), 3);
}

#[test]
fn d2_a_record_that_its_system_has_no_more_is_made_anew_though_that_fails_at_first() {
    let mut restores = person();
    restores.can.restore = true;
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![restores]));
    let one = Flow {
        deletes: Deletes::Propagate,
        ..flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"])
    };
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[one]);
    let person = |n: usize| json!({"mail": format!("p{n}@example.com"), "phone": n.to_string()});
    (1..8).for_each(|n| a.put(&format!("Person/{n}"), person(n)));
    run(&mut hub);
    a.real.remove("Person", "3");
    run(&mut hub);
    assert_eq!(b.real.all("Person").len(), 6);
    a.put("Person/3", person(3));
    b.creations.lock().unwrap().push_back(Fate::Later);
    let plan = hub.plan(RunOptions::default()).unwrap();
    assert!(format!("{plan:?}").contains("restored instead, where its system still has it"));
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!(b.real.all("Person").len(), 7, "{report:#?}");
    assert!(format!("{report:?}").contains("was not restored: Person/"), "{report:#?}");
    clock.wait(Duration::from_secs(60));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn d2_a_record_that_was_only_away_for_a_while_has_put_in_nothing() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let one = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b)], &[one]);
    for n in 1..8 {
        let person = json!({"mail": format!("p{n}@example.com"), "phone": n.to_string()});
        a.put(&format!("Person/{n}"), person);
    }
    run(&mut hub);
    let id =
        b.real.all("Person").iter().find(|(_, one)| one["phone"] == json!("3")).unwrap().0.clone();
    let away = b.real.all("Person")[&id].clone();
    b.real.remove("Person", &id);
    run(&mut hub);
    b.real.put("Person", &id, away);
    assert_eq!(run(&mut hub), 0);
    let back = hub.ledger.find(&format!("b.Person/{id}")).unwrap();
    assert!(back.slots.iter().all(|slot| slot.claim.is_none()), "{back:#?}");
}
