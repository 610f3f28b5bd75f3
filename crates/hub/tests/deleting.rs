//! D1, R6, L11: what becomes of a deletion that a system acknowledges and does not do.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lockstep_hub::answers::Answer;
use lockstep_hub::report::Event;
use lockstep_hub::{Hub, RunOptions};
use lockstep_model::flow::{Ceases, Create, Deletes, Filter};
use lockstep_model::{Flow, TypeSchema};
use lockstep_store::SqliteStore;
use lockstep_wording::why as words;
use serde_json::json;

use crate::fated::{Fate, Fated, Hands, flow, hub, hub_at, person, run};

fn propagated() -> Flow {
    let flow = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    Flow { deletes: Deletes::Propagate, ..flow }
}

/// Two linked people, of whom the first was deleted; the deletion of the second was acknowledged
/// and not done, and the next run has seen that.
fn not_deleted() -> (Arc<Fated>, Arc<Fated>, Hub) {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let mut hub = hub(&[("a", &a), ("b", &b)], &[propagated()]);
    people(&a);
    assert_eq!(run(&mut hub), 3);
    a.real.remove("Person", "1");
    b.updates.lock().unwrap().push_back(Fate::Ignored);
    assert_eq!(run(&mut hub), 1);
    assert_eq!(everything(&mut hub), 0);
    (a, b, hub)
}

fn people(a: &Fated) {
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    a.put("Person/2", json!({"mail": "bo@example.com", "phone": "1"}));
    a.put("Person/3", json!({"mail": "ase@example.com", "phone": "1"}));
}

/// A run that reads everything.
fn everything(hub: &mut Hub) -> u64 {
    hub.run(RunOptions { full: true, ..RunOptions::default() }).unwrap().writes()
}

/// Her id, where she is there.
fn solveig(system: &Fated) -> Option<String> {
    let all = system.real.all("Person").into_iter();
    all.filter(|(_, values)| values["mail"] == json!("solveig@example.com"))
        .map(|(id, _)| id)
        .next()
}

/// The numbers and messages of what waits for a person.
fn asked(hub: &mut Hub) -> Vec<(i64, String)> {
    let lines = hub.ledger.reviews(9).unwrap().into_iter();
    lines.map(|line| (line.number, words(&line.why))).collect()
}

#[test]
fn r6_a_deletion_that_was_acknowledged_and_is_not_done_is_asked_about_and_not_repeated() {
    let (a, b, mut hub) = not_deleted();
    let (sent, open) = (b.sent(), asked(&mut hub));
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(
        open[0].1.ends_with("was deleted, as a.Person/1 was deleted, and is there all the same"),
        "{open:?}"
    );
    // As long as nobody answers, the question stays, and an edit does not answer it.
    let id = solveig(&b).unwrap();
    b.put(&format!("Person/{id}"), json!({"mail": "solveig@example.com", "phone": "2"}));
    assert_eq!((run(&mut hub), b.sent()), (0, sent));
    assert_eq!(asked(&mut hub), open);
    // Accepted, it is deleted again, also where it is decided on before.
    hub.answer(&[open[0].0], &Answer::Accept).unwrap();
    b.put(&format!("Person/{id}"), json!({"mail": "solveig@example.com", "phone": "3"}));
    run(&mut hub);
    let left = (solveig(&a).is_some(), solveig(&b).is_some());
    assert_eq!((left, asked(&mut hub)), ((false, true), vec![]), "whoever edits it keeps it (D1)");
    assert_eq!(run(&mut hub), 0);

    let (_, b, mut hub) = not_deleted();
    let open = asked(&mut hub);
    hub.answer(&[open[0].0], &Answer::Accept).unwrap();
    assert_eq!(run(&mut hub), 1);
    assert_eq!((solveig(&b), asked(&mut hub)), (None, vec![]));
    assert_eq!(run(&mut hub), 0);
}

#[test]
fn r6_who_was_not_deleted_and_is_kept_stays_without_another_question() {
    let (a, b, mut hub) = not_deleted();
    let open = asked(&mut hub);
    hub.answer(&[open[0].0], &Answer::Reject).unwrap();
    assert_eq!((run(&mut hub), asked(&mut hub)), (0, vec![]));
    assert_eq!((solveig(&a).is_some(), solveig(&b).is_some()), (false, true));
    // Whoever deletes it in its system answers, too.
    let (_, b, mut hub) = not_deleted();
    assert_eq!(asked(&mut hub).len(), 1);
    let id = solveig(&b).unwrap();
    b.real.remove("Person", &id);
    assert_eq!((run(&mut hub), asked(&mut hub)), (0, vec![]));
}

#[test]
fn r6_what_ceases_and_is_not_deleted_is_not_deleted_in_every_run() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flow = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail"]);
    let only = Filter { expression: "phone == '1'".into(), reads: vec!["phone".into()] };
    let ceases = Flow { only: Some(only), ceases: Ceases::Delete, ..flow };
    let mut hub = hub(&[("a", &a), ("b", &b)], &[ceases]);
    people(&a);
    assert_eq!(run(&mut hub), 3);
    a.put("Person/1", json!({"phone": "2"}));
    b.updates.lock().unwrap().push_back(Fate::Ignored);
    assert_eq!(run(&mut hub), 1);
    assert_eq!((everything(&mut hub), everything(&mut hub)), (0, 0));
    let open = asked(&mut hub);
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(
        open[0].1.contains(
            "a.Person/1 is not what its flow is about any more, and is there all the same"
        )
    );
    hub.answer(&[open[0].0], &Answer::Accept).unwrap();
    assert_eq!(run(&mut hub), 1);
    assert_eq!((solveig(&b), asked(&mut hub)), (None, vec![]));
}

#[test]
fn l11_nobody_was_deleted_where_a_record_ceases() {
    let mut fixed = person();
    fixed.can.delete = false;
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![fixed]));
    let flow = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail"]);
    let only = Filter { expression: "phone == '1'".into(), reads: vec!["phone".into()] };
    let ceases = Flow { only: Some(only), ceases: Ceases::Delete, ..flow };
    let mut hub = hub(&[("a", &a), ("b", &b)], &[ceases]);
    people(&a);
    assert_eq!(run(&mut hub), 3);
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "2"}));
    let report = hub.run(RunOptions { every_event: true, ..RunOptions::default() }).unwrap();
    let why = |event: &Event| match event {
        Event::Kept { why, rule, .. } => Some(format!("{} ({rule})", words(why))),
        _ => None,
    };
    let told: Vec<String> = report.events.iter().filter_map(why).collect();
    assert!(
        told[0].contains(
            "though a.Person/1 is not what its flow is about any more: it can't be deleted"
        ),
        "{told:?}"
    );
    assert!(told[0].ends_with("(L11)") && !told[0].contains("was deleted"), "{told:?}");
}

#[test]
fn p5a_a_listing_that_a_deletion_has_not_reached_yet_is_no_record_that_is_back() {
    let slow = TypeSchema { settles_ms: 60_000, ..person() };
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![slow]));
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[propagated()]);
    people(&a);
    assert_eq!(run(&mut hub), 3);
    clock.0.fetch_add(120_000, Ordering::Relaxed);
    run(&mut hub);
    a.real.remove("Person", "1");
    b.updates.lock().unwrap().push_back(Fate::Ignored);
    assert_eq!(run(&mut hub), 1);
    clock.0.fetch_add(20_000, Ordering::Relaxed);
    assert_eq!((everything(&mut hub), asked(&mut hub)), (0, vec![]), "it may be from before");
    clock.0.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(everything(&mut hub), 0);
    assert_eq!(asked(&mut hub).len(), 1, "it is not");
}

#[test]
fn p5a_r3_what_was_created_a_moment_ago_and_is_not_shown_yet_is_not_deleted() {
    let slow = TypeSchema { settles_ms: 60_000, ..person() };
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![slow]));
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let back = Flow { from: propagated().to, to: propagated().from, ..propagated() };
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[propagated(), back]);
    people(&a);
    assert_eq!(run(&mut hub), 3);
    let made = solveig(&b).expect("she is created");
    for (is_there, later) in [(true, 20_000), (false, 60_000)] {
        *b.hidden.lock().unwrap() = vec![made.clone()];
        b.behind.store(1, Ordering::Relaxed);
        clock.0.fetch_add(later, Ordering::Relaxed);
        everything(&mut hub);
        assert_eq!(solveig(&a).is_some(), is_there, "{later} ms later");
    }
}

#[test]
fn p5a_a_deletion_that_does_not_find_what_was_created_a_moment_ago_is_tried_again() {
    let slow = TypeSchema { settles_ms: 60_000, ..person() };
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![slow]));
    let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
    let store = SqliteStore::in_memory().unwrap();
    let mut hub = hub_at(clock.clone(), store, &[("a", &a), ("b", &b)], &[propagated()]);
    people(&a);
    assert_eq!(run(&mut hub), 3);
    a.real.remove("Person", "1");
    b.updates.lock().unwrap().push_back(Fate::NotThere);
    run(&mut hub);
    assert!(solveig(&b).is_some());
    clock.0.fetch_add(100_000, Ordering::Relaxed);
    run(&mut hub);
    assert_eq!(solveig(&b), None);
}

#[test]
fn l11_a_question_about_who_ceased_ends_when_they_are_deleted_and_nothing_is_said_of_that() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    let flow = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail"]);
    let only = Filter { expression: "phone == '1'".into(), reads: vec!["phone".into()] };
    let ceases = Flow { only: Some(only), ceases: Ceases::Review, ..flow };
    let mut hub = hub(&[("a", &a), ("b", &b)], &[ceases]);
    people(&a);
    assert_eq!(run(&mut hub), 3);
    a.put("Person/1", json!({"phone": "2"}));
    run(&mut hub);
    assert_eq!(asked(&mut hub).len(), 1);
    a.real.remove("Person", "1");
    run(&mut hub);
    assert_eq!((asked(&mut hub), solveig(&b).is_some()), (vec![], true));
}
