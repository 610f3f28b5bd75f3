//! D1, mirroring: what is deleted because its flow's source does not have it, and what keeps a run
//! from that.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use lockstep_hub::answers::Answer;
use lockstep_hub::report::Event;
use lockstep_hub::{Hub, RunOptions, Safeguards};
use lockstep_model::flow::{Create, Extra};
use lockstep_model::limits::{Limit, Limits};
use lockstep_model::{AnswerKind, Effect, Flow, GuardKind, Remedy};
use lockstep_wording::why as words;
use serde_json::json;

use crate::fated::{Fate, Fated, flow, hub, person, run};

fn mirror(extra: Extra) -> Flow {
    let flow = flow("a.Person", "b.Person", Create::Always, &["mail"], &["mail", "phone"]);
    Flow { extra, ..flow }
}

/// Solveig is in both systems, Bo in the second only.
fn people(extra: Extra) -> (Arc<Fated>, Arc<Fated>, Hub) {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.put("Person/7", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.put("Person/8", json!({"mail": "bo@example.com", "phone": "1"}));
    let hub = hub(&[("a", &a), ("b", &b)], &[mirror(extra)]);
    (a, b, hub)
}

fn ids(system: &Fated) -> Vec<String> {
    system.real.all("Person").into_keys().collect()
}

fn everything(hub: &mut Hub) -> u64 {
    hub.run(RunOptions { full: true, ..RunOptions::default() }).unwrap().writes()
}

/// The numbers and messages of what waits for a person.
fn asked(hub: &mut Hub) -> Vec<(i64, String)> {
    let lines = hub.ledger.reviews(9).unwrap().into_iter();
    lines.map(|line| (line.number, words(&line.why))).collect()
}

#[test]
fn d1_what_the_source_does_not_have_is_deleted_and_the_journal_says_why() {
    let (_, b, mut hub) = people(Extra::Delete);
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!((report.writes(), ids(&b)), (1, vec!["7".to_string()]));
    let why = "it has no counterpart in a.Person (extra: delete)";
    let told = report.events.iter().find_map(|event| match event {
        Event::Removed { flow, record, why, rule, .. } => {
            Some((flow.clone(), record.0.clone(), words(why), rule.clone()))
        }
        _ => None,
    });
    let names = |text: &str| text.to_string();
    let flow = names("a.Person to b.Person");
    assert_eq!(told, Some((flow, names("b.Person/8"), names(why), names("D1"))));
    let record = hub.ledger.find("b.Person/8").unwrap().id;
    let lines = hub.ledger.history(record, 9).unwrap();
    let text = format!("deleted b.Person/8, as {why}");
    assert!(lines.iter().any(|line| lockstep_wording::detail(&line.detail) == text), "{lines:?}");
    assert_eq!((run(&mut hub), everything(&mut hub)), (0, 0));
}

#[test]
fn d2_what_was_deleted_with_its_counterpart_comes_back_with_it() {
    let (a, b, mut hub) = people(Extra::Delete);
    let solveig = a.only("Person");
    for (id, mail) in [("2", "liv@example.com"), ("3", "ase@example.com")] {
        a.put(&format!("Person/{id}"), json!({"mail": mail, "phone": "1"}));
        b.put(&format!("Person/{id}"), json!({"mail": mail, "phone": "1"}));
    }
    run(&mut hub);
    a.real.remove("Person", "1");
    assert_eq!((run(&mut hub), ids(&b)), (1, vec!["2".to_string(), "3".to_string()]));
    assert_eq!(run(&mut hub), 0);
    a.real.put("Person", "1", solveig);
    assert_eq!((everything(&mut hub), ids(&b).len()), (1, 3));
    assert_eq!((run(&mut hub), everything(&mut hub)), (0, 0));
}

#[test]
fn g3_a_first_run_that_would_delete_many_stops_before_it_writes() {
    let (_, b, mut hub) = people(Extra::Delete);
    for id in 20..40 {
        b.put(&format!("Person/{id}"), json!({"mail": format!("x{id}@example.com"), "phone": "1"}));
    }
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!((report.writes(), report.guards.len(), ids(&b).len()), (0, 1, 22), "{report:?}");
    // Given up, what waited is kept for good.
    let guard = asked(&mut hub).remove(0);
    hub.answer(&[guard.0], &Answer::Reject).unwrap();
    b.put("Person/20", json!({"mail": "x20@example.com", "phone": "2"}));
    assert_eq!((run(&mut hub), everything(&mut hub), ids(&b).len()), (0, 0, 22));
}

#[test]
fn g3_d1_a_first_run_that_would_delete_most_of_a_small_type_stops_before_it_writes() {
    let (_, b, mut hub) = people(Extra::Delete);
    b.put("Person/9", json!({"mail": "kari@example.com", "phone": "1"}));
    for _ in 0..2 {
        let report = hub.run(RunOptions::default()).unwrap();
        assert_eq!((report.writes(), report.guards.len(), ids(&b).len()), (0, 1, 3));
        let message = lockstep_wording::why(&report.guards[0].why);
        assert!(message.starts_with("2 deletes in b wait, more than half"), "{message}");
    }
    assert_eq!(hub.ledger.release("b", GuardKind::Deletes).unwrap(), 1);
    assert_eq!(hub.run(RunOptions::default()).unwrap().writes(), 2);
    assert_eq!(ids(&b), ["7"]);
    // Later the limits alone count.
    b.put("Person/18", json!({"mail": "liv@example.com", "phone": "1"}));
    b.put("Person/19", json!({"mail": "jon@example.com", "phone": "1"}));
    assert_eq!(everything(&mut hub), 2);
}

#[test]
fn d1_a_person_says_and_what_is_kept_is_not_asked_about_again() {
    for accept in [true, false] {
        let (_, b, mut hub) = people(Extra::Review);
        assert_eq!(run(&mut hub), 0);
        let open = asked(&mut hub);
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0].1, "b.Person/8 has no counterpart in a.Person (extra: review)");
        // Which answers there are is told with the question, and to whoever gives another one.
        let remedies = [
            Remedy::Answer {
                answer: AnswerKind::Accept,
                record: Some("b.Person/8".into()),
                does: Effect::Delete,
            },
            Remedy::Answer { answer: AnswerKind::Reject, record: None, does: Effect::Keep },
        ];
        assert_eq!(hub.ledger.reviews(9).unwrap()[0].remedies, remedies);
        let other = hub.answer(&[open[0].0], &Answer::Separate).unwrap();
        assert!(!other[0].done && other[0].remedies == remedies, "{other:?}");
        assert_eq!((everything(&mut hub), asked(&mut hub)), (0, open.clone()));
        let answer = if accept { Answer::Accept } else { Answer::Reject };
        hub.answer(&[open[0].0], &answer).unwrap();
        assert_eq!(run(&mut hub), u64::from(accept));
        if !accept {
            b.put("Person/8", json!({"mail": "bo@example.com", "phone": "2"}));
        }
        run(&mut hub);
        assert_eq!((ids(&b).len(), asked(&mut hub)), (if accept { 1 } else { 2 }, vec![]));
    }
}

#[test]
fn d1_what_has_found_a_counterpart_is_not_deleted_by_an_answer_to_an_older_question() {
    let (a, b) = (Fated::new(vec![person()]), Fated::new(vec![person()]));
    a.put("Person/2", json!({"mail": "bo.lie@example.com", "phone": "1"}));
    b.put("Person/8", json!({"mail": "bo@example.com", "phone": "1"}));
    let flow = Flow { create: Create::Never, ..mirror(Extra::Review) };
    let mut hub = hub(&[("a", &a), ("b", &b)], &[flow]);
    run(&mut hub);
    let open = asked(&mut hub);
    assert_eq!(open.len(), 1, "{open:?}");
    let gone = hub.ledger.find("b.Person/8").unwrap().id;
    hub.link("a.Person/2", "b.Person/8").unwrap();
    assert_eq!(hub.ledger.decide_deletion(gone, true).unwrap(), 0);
    run(&mut hub);
    assert_eq!((ids(&b), asked(&mut hub)), (vec!["8".to_string()], vec![]));
}

#[test]
fn l8_nothing_is_deleted_while_the_source_can_not_be_read() {
    let (a, b, mut hub) = people(Extra::Delete);
    a.down.store(true, Ordering::Relaxed);
    assert_eq!((run(&mut hub), ids(&b).len()), (0, 2));
    a.down.store(false, Ordering::Relaxed);
    assert_eq!((run(&mut hub), ids(&b)), (1, vec!["7".to_string()]));
    // Who came since is decided on when it is read again.
    a.down.store(true, Ordering::Relaxed);
    b.put("Person/9", json!({"mail": "ase@example.com", "phone": "1"}));
    assert_eq!((run(&mut hub), ids(&b).len()), (0, 2));
    a.down.store(false, Ordering::Relaxed);
    a.put("Person/2", json!({"mail": "ase@example.com", "phone": "1"}));
    assert_eq!((run(&mut hub), ids(&b).len()), (0, 2), "she has come to both");
}

#[test]
fn l8_what_waits_for_a_guard_is_not_deleted_while_the_source_is_in_doubt() {
    let (a, b, mut hub) = people(Extra::Delete);
    for id in 20..40 {
        b.put(&format!("Person/{id}"), json!({"mail": format!("x{id}@example.com"), "phone": "1"}));
    }
    assert_eq!(run(&mut hub), 0);
    let guard = asked(&mut hub).remove(0);
    hub.answer(&[guard.0], &Answer::Accept).unwrap();
    a.down.store(true, Ordering::Relaxed);
    assert_eq!((run(&mut hub), ids(&b).len()), (0, 22));
    a.down.store(false, Ordering::Relaxed);
    assert_eq!((run(&mut hub), ids(&b).len()), (21, 1));
}

#[test]
fn r6_what_is_deleted_and_is_there_all_the_same_is_asked_about_and_not_deleted_in_every_run() {
    for accept in [true, false] {
        let (_, b, mut hub) = people(Extra::Delete);
        b.updates.lock().unwrap().push_back(Fate::Ignored);
        assert_eq!((run(&mut hub), ids(&b).len()), (1, 2));
        assert_eq!((everything(&mut hub), everything(&mut hub)), (0, 0));
        let open = asked(&mut hub);
        assert_eq!(open.len(), 1, "{open:?}");
        assert!(open[0].1.contains(
            "was deleted, as it has no counterpart in a.Person (extra: delete), and is there all the same"
        ));
        let answer = if accept { Answer::Accept } else { Answer::Reject };
        hub.answer(&[open[0].0], &answer).unwrap();
        assert_eq!((run(&mut hub), asked(&mut hub)), (u64::from(accept), vec![]));
        assert_eq!(ids(&b).len(), if accept { 1 } else { 2 });
        assert_eq!((run(&mut hub), everything(&mut hub)), (0, 0));
    }
}

#[test]
fn c2_what_is_being_created_in_the_source_may_be_the_counterpart() {
    let (a, b, c) =
        (Fated::new(vec![person()]), Fated::new(vec![person()]), Fated::new(vec![person()]));
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    b.put("Person/8", json!({"mail": "bo@example.com", "phone": "2"}));
    c.put("Person/5", json!({"mail": "bo@example.com", "phone": "2"}));
    // Nothing is between the second and the third: only what is made of Bo in the first matches.
    let third = flow("c.Person", "a.Person", Create::Always, &["phone"], &["mail", "phone"]);
    let mut hub = hub(&[("a", &a), ("b", &b), ("c", &c)], &[mirror(Extra::Delete), third]);
    run(&mut hub);
    assert!(ids(&b).contains(&"8".to_string()), "{:?}", b.real.all("Person"));
    assert_eq!((run(&mut hub), everything(&mut hub)), (0, 0));
}

#[test]
fn g7_what_was_deleted_as_extra_is_told_by_an_undo_and_not_made_again() {
    let (_, b, mut hub) = people(Extra::Delete);
    let report = hub.run(RunOptions::default()).unwrap();
    let which = lockstep_hub::undo::Which::Run(report.run);
    let plan = hub.plan_undo(&which, false, Default::default()).unwrap();
    assert_eq!(plan.not.len(), 1, "{plan:?}");
    assert!(plan.not[0].why.starts_with("Lockstep deleted it, as a flow says"));
    assert_eq!(ids(&b).len(), 1);
}

#[test]
fn g7_a_run_is_undone_with_what_an_earlier_one_decided_and_a_person_let_through() {
    let (a, _, mut hub) = people(Extra::Ignore);
    run(&mut hub);
    hub.ledger.set_safeguards(Safeguards {
        limits: [("b".to_string(), {
            let mut limits = Limits::default();
            limits.set(GuardKind::Updates, Limit::or(0, 0.0));
            limits
        })]
        .into(),
        ..Safeguards::default()
    });
    a.put("Person/1", json!({"mail": "solveig@example.com", "phone": "2"}));
    assert_eq!(run(&mut hub), 0);
    assert_eq!(hub.ledger.release("b", GuardKind::Updates).unwrap(), 1);
    let report = hub.run(RunOptions::default()).unwrap();
    assert_eq!(report.writes(), 1);
    let which = lockstep_hub::undo::Which::Run(report.run);
    let plan = hub.plan_undo(&which, false, Default::default()).unwrap();
    assert_eq!((plan.not.len(), plan.records.len()), (0, 1), "{plan:?}");
}
