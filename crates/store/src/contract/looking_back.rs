//! What waits for a person, the journal, the runs, and what is remembered by name.

use lockstep_model::Why;
use lockstep_model::why::{Linking, NotYet, OfValue};
use lockstep_model::{
    Detail, Intent, IntentId, IntentState, PropIx, RecordId, Review, ReviewKind, Rule, RunId,
    Timestamp, Value,
};
use serde_json::json;

use super::kit::{ids, sorted};
use super::samples::{PEOPLE, entry, intent, plan, review};

use crate::{Commit, JournalEntry, JournalKind, Leased, ReviewKey};

pub(super) fn at_most_one_review_of_a_key_is_open(mut store: Leased) {
    let old = review(RecordId(1), Some(PropIx(1)));
    let others = [
        Review { opened_at: Timestamp(3), ..review(RecordId(1), None) },
        Review {
            kind: ReviewKind::FlipFlop,
            opened_at: Timestamp(20),
            candidates: vec![],
            value: Value::Null,
            ..old.clone()
        },
        Review { ty: PEOPLE, opened_at: Timestamp(21), ..old.clone() },
        Review { about: RecordId(2).into(), opened_at: Timestamp(22), ..old.clone() },
    ];
    let all: Vec<_> = [old.clone()].into_iter().chain(others.clone()).collect();
    store.commit(Commit { reviews_opened: all, ..Commit::default() }).unwrap();
    let in_order = |first: &Review| {
        vec![
            others[0].clone(),
            first.clone(),
            others[1].clone(),
            others[2].clone(),
            others[3].clone(),
        ]
    };
    assert_eq!(store.reviews(9).unwrap(), in_order(&old), "oldest first");
    assert_eq!(store.reviews(2).unwrap(), in_order(&old)[..2]);
    // Opened again: brought up to date, waiting since it was first opened.
    let property = "phone".to_string();
    let again = Review {
        why: OfValue::Unconvertible { property, because: "again".into(), more: 2 }.into(),
        value: json!(2),
        candidates: vec![RecordId(4)],
        rule: Rule::P3,
        ..old.clone()
    };
    let later = Review { opened_at: Timestamp(99), ..again.clone() };
    store.commit(Commit { reviews_opened: vec![later], ..Commit::default() }).unwrap();
    assert_eq!(store.reviews(9).unwrap(), in_order(&again));
    let mut of_first = store.open_reviews(&[RecordId(1), RecordId(3)]).unwrap();
    of_first.sort_by_key(|review| review.opened_at);
    assert_eq!(of_first, in_order(&again)[..4]);
    assert_eq!(
        sorted(store.review_counts().unwrap()),
        [(ReviewKind::RejectedValue, 4), (ReviewKind::FlipFlop, 1)]
    );
    // What is closed and opened at once is open, and new.
    let reopened = Review { opened_at: Timestamp(30), ..old.clone() };
    let closed = vec![
        ReviewKey::of(&old),
        ReviewKey::of(&others[0]),
        ReviewKey { about: RecordId(7).into(), ..ReviewKey::of(&old) },
    ];
    store
        .commit(Commit {
            reviews_closed: closed,
            reviews_opened: vec![reopened.clone()],
            ..Commit::default()
        })
        .unwrap();
    assert_eq!(
        store.reviews(9).unwrap(),
        [others[1].clone(), others[2].clone(), others[3].clone(), reopened]
    );
    // What the plan does not name any more is neither shown nor counted.
    let mut less = plan();
    less.iter_mut().for_each(|ty| ty.properties.truncate(1));
    store.bind(&less).unwrap();
    assert_eq!((store.reviews(9).unwrap(), store.review_counts().unwrap()), (vec![], vec![]));
}

pub(super) fn the_journal_is_in_order(mut store: Leased) {
    let run = RunId(1);
    let bare = JournalEntry {
        kind: JournalKind::Note,
        path: None,
        before: Value::Null,
        after: Value::Null,
        rule: None,
        other: None,
        intent: None,
        detail: Detail::Nothing,
        ..entry(run, RecordId(2), 1)
    };
    let because = Why::from(Linking::KeptApart);
    let kept = JournalEntry { detail: because.into(), ..entry(RunId(2), RecordId(3), 2) };
    let all = [entry(run, RecordId(1), 9), bare, kept, entry(run, RecordId(1), 4)];
    store.commit(Commit { journal: all[..3].to_vec(), ..Commit::default() }).unwrap();
    store.commit(Commit { journal: all[3..].to_vec(), ..Commit::default() }).unwrap();
    let list = [RecordId(2), RecordId(1), RecordId(1)];
    assert_eq!(
        store.journal(&list, 9).unwrap(),
        [all[0].clone(), all[1].clone(), all[3].clone()],
        "in the order of writing"
    );
    assert_eq!(store.journal(&[RecordId(3)], 9).unwrap(), all[2..3], "a value is a value again");
    assert_eq!(store.journal(&list, 2).unwrap(), all[..2]);
    assert_eq!(store.journal(&[RecordId(9)], 2).unwrap(), []);
}

pub(super) fn runs_are_remembered_newest_first(mut store: Leased) {
    let first = store.begin_run(Timestamp(1)).unwrap();
    let second = store.begin_run(Timestamp(2)).unwrap();
    assert!(second > first);
    store.end_run(first, Timestamp(3), &json!({"flows": [1.5]})).unwrap();
    let runs = store.runs(9).unwrap();
    let seen: Vec<_> =
        runs.iter().map(|run| (run.id, run.started, run.ended, run.summary.clone())).collect();
    let ended = (first, Timestamp(1), Some(Timestamp(3)), json!({"flows": [1.5]}));
    assert_eq!(seen, [(second, Timestamp(2), None, Value::Null), ended]);
    assert_eq!(store.runs(1).unwrap(), runs[..1]);
}

pub(super) fn what_runs_did_is_found_by_their_numbers(mut store: Leased) {
    let runs: Vec<RunId> = (0..5).map(|n| store.begin_run(Timestamp(10 * n)).unwrap()).collect();
    // The third did nothing; the others wrote several rows each, in several commits.
    let of = |run: usize, n: i64| Intent {
        run: runs[run],
        state: IntentState::Done,
        ..intent(n, RecordId(1), IntentState::Done)
    };
    let told = |run: usize, at: i64| entry(runs[run], RecordId(at), at);
    for (run, ids) in
        [(0, vec![1, 2]), (1, vec![4]), (1, vec![5, 9]), (3, vec![10]), (4, vec![11, 12])]
    {
        let intents_new = ids.iter().map(|id| of(run, *id)).collect();
        let journal = ids.iter().map(|id| told(run, *id)).collect();
        store.commit(Commit { intents_new, journal, ..Commit::default() }).unwrap();
    }
    let between = |first: usize, last: usize| (runs[first], runs[last]);
    let mut numbers = |first, last, after, limit| {
        ids(store.intents_of_runs(between(first, last), after, limit).unwrap())
    };
    assert_eq!(numbers(1, 1, None, 99), [4, 5, 9]);
    assert_eq!(numbers(0, 3, None, 99), [1, 2, 4, 5, 9, 10]);
    assert_eq!(numbers(0, 4, Some(IntentId(5)), 2), [9, 10]);
    assert_eq!(numbers(2, 2, None, 99), Vec::<i64>::new());
    assert_eq!(store.intents_of_runs((RunId(99), RunId(100)), None, 9).unwrap(), []);
    let mut entries = |first: usize, last: usize, limit| -> Vec<i64> {
        store
            .journal_of_runs(between(first, last), limit)
            .unwrap()
            .into_iter()
            .map(|entry| entry.at.0)
            .collect()
    };
    assert_eq!(entries(1, 3, 99), [4, 5, 9, 10]);
    assert_eq!(entries(1, 3, 2), [4, 5]);
    assert_eq!(entries(2, 2, 99), Vec::<i64>::new());
    assert_eq!(store.run(runs[1]).unwrap().map(|run| run.started), Some(Timestamp(10)));
    assert_eq!(store.run(RunId(99)).unwrap(), None);
    assert_eq!(store.run_from(Timestamp(-5)).unwrap(), Some(runs[0]));
    assert_eq!(store.run_from(Timestamp(11)).unwrap(), Some(runs[2]));
    assert_eq!(store.run_from(Timestamp(41)).unwrap(), None);
    // What is forgotten is gone for its records, too; what follows is found all the same.
    assert_eq!(store.prune_journal(runs[3]).unwrap(), 5);
    assert_eq!(store.prune_journal(runs[3]).unwrap(), 0);
    assert_eq!(store.journal(&[RecordId(4), RecordId(11)], 9).unwrap(), [told(4, 11)]);
    let left = store.journal_of_runs(between(0, 4), 99).unwrap();
    assert_eq!(left, [told(3, 10), told(4, 11), told(4, 12)]);
}

pub(super) fn a_review_keeps_its_number_while_it_is_open(mut store: Leased) {
    let first = review(RecordId(1), None);
    let second = Review { opened_at: Timestamp(20), ..review(RecordId(2), None) };
    store
        .commit(Commit { reviews_opened: vec![first.clone(), second.clone()], ..Commit::default() })
        .unwrap();
    let numbered = store.numbered_reviews(9).unwrap();
    assert_eq!(
        numbered.iter().map(|(_, review)| review.clone()).collect::<Vec<_>>(),
        [first.clone(), second.clone()]
    );
    assert_ne!(numbered[0].0, numbered[1].0);
    assert_eq!(store.numbered_reviews(1).unwrap(), numbered[..1]);
    let again = Review { why: NotYet::BeingCreated.into(), ..second };
    let closed = vec![ReviewKey::of(&first)];
    store
        .commit(Commit {
            reviews_closed: closed,
            reviews_opened: vec![again.clone()],
            ..Commit::default()
        })
        .unwrap();
    assert_eq!(store.numbered_reviews(9).unwrap(), [(numbered[1].0, again.clone())]);
    // A number is never another review's, also after the last one was closed.
    let last = store.numbered_reviews(9).unwrap()[0].0.max(numbered[0].0);
    store
        .commit(Commit { reviews_closed: vec![ReviewKey::of(&again)], ..Commit::default() })
        .unwrap();
    store.commit(Commit { reviews_opened: vec![again], ..Commit::default() }).unwrap();
    assert!(store.numbered_reviews(9).unwrap()[0].0 > last, "a number was given to another review");
}

pub(super) fn marks_are_kept_by_name(mut store: Leased) {
    let set = |store: &mut Leased, marks: &[(&str, Option<Value>)]| {
        let marks = marks.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        store.commit(Commit { marks, ..Commit::default() }).unwrap();
    };
    assert_eq!(store.marks().unwrap(), []);
    set(&mut store, &[("b", Some(json!({"at": 1}))), ("a", Some(json!("x")))]);
    set(&mut store, &[("b", Some(json!([1, 2]))), ("c", None)]);
    assert_eq!(store.marks().unwrap(), [("a".into(), json!("x")), ("b".into(), json!([1, 2]))]);
    assert_eq!(store.scratch().unwrap().marks().unwrap().len(), 2);
    set(&mut store, &[("a", None)]);
    assert_eq!(store.marks().unwrap(), [("b".into(), json!([1, 2]))]);
}
