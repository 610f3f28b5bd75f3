//! Numbers, and commits that fail.

use lockstep_model::change::IntentEvent;
use lockstep_model::{IntentId, IntentState, RecordId, RecordState, RunId};

use super::kit::commit_records;
use super::samples::{PEOPLE, entry, intent, person, plan, review};
use crate::boundary::Commits;
use crate::{AgendaEntry, Commit, IntentUpdate, Leased, StoreError, TypeStatus};

pub(super) fn numbers_are_handed_out_once(mut store: Leased) {
    let first = store.take_record_ids(3).unwrap().0;
    let second = store.take_record_ids(2).unwrap().0;
    assert!(first > 0 && second >= first + 3);
    let intent = store.take_intent_ids(5).unwrap().0;
    assert!(intent > 0 && store.take_intent_ids(1).unwrap().0 >= intent + 5);
    // A commit that fails gives nothing back.
    let before = store.take_record_ids(1).unwrap().0;
    commit_records(&mut store, vec![person(before, "a")]);
    store
        .commit(Commit { new_records: vec![person(before, "a")], ..Commit::default() })
        .unwrap_err();
    assert!(store.take_record_ids(1).unwrap().0 > before);
}

pub(super) fn a_failed_commit_leaves_nothing(mut store: Leased) {
    commit_records(&mut store, vec![person(1, "a")]);
    let tried = |bad: Commit| Commit {
        changed_records: vec![RecordState { version: Some("new".into()), ..person(1, "a") }],
        keys_added: vec![(7, RecordId(1))],
        keys_removed: vec![],
        agenda_added: vec![AgendaEntry::new(0, RecordId(1))],
        types: vec![(PEOPLE, TypeStatus { complete: true, ..TypeStatus::default() })],
        journal: vec![entry(RunId(1), RecordId(1), 1)],
        reviews_opened: vec![review(RecordId(1), None)],
        ..bad
    };
    let update = IntentUpdate {
        id: IntentId(99),
        event: IntentEvent::Send,
        record: None,
        attempts: 0,
        not_before: None,
        message: None,
        done_at: None,
    };
    let illegal = IntentUpdate { id: IntentId(98), event: IntentEvent::Confirm, ..update.clone() };
    let sent = IntentUpdate { id: IntentId(98), ..update.clone() };
    store
        .commit(Commit {
            intents_new: vec![intent(98, RecordId(1), IntentState::Queued)],
            ..Commit::default()
        })
        .unwrap();
    let bad = [
        // The record key is taken; the number is taken; an intent is not there; what was never sent
        // is confirmed; the same is sent twice.
        Commit { new_records: vec![person(2, "b"), person(3, "a")], ..Commit::default() },
        Commit {
            new_records: vec![person(2, "b"), person(1, "c")],
            durable: true,
            ..Commit::default()
        },
        Commit {
            new_records: vec![person(2, "b")],
            intents_changed: vec![update],
            ..Commit::default()
        },
        Commit {
            new_records: vec![person(2, "b")],
            intents_changed: vec![illegal],
            ..Commit::default()
        },
        Commit {
            new_records: vec![person(2, "b")],
            intents_changed: vec![sent.clone(), sent],
            ..Commit::default()
        },
    ];
    for bad in bad {
        store.commit(tried(bad)).unwrap_err();
        assert_eq!(
            store.records(&[RecordId(1), RecordId(2), RecordId(3)]).unwrap(),
            [person(1, "a")]
        );
        assert_eq!(store.by_hash(&[7]).unwrap(), []);
        assert_eq!(store.agenda(9).unwrap(), []);
        assert_eq!(store.journal(&[RecordId(1)], 9).unwrap(), []);
        assert_eq!(store.reviews(9).unwrap(), []);
        assert!(!store.bind(&plan()).unwrap()[0].complete);
    }
    store.commit(tried(Commit::default())).unwrap();
    assert_eq!(store.agenda(9).unwrap().len(), 1);
}

/// Who was overtaken writes nothing any more.
pub(super) fn a_commit_under_an_older_lease_is_refused(mut store: Leased) {
    let older = store.take_over().unwrap();
    let lease = store.take_over().unwrap();
    assert_ne!(older, lease);
    assert_eq!(store.lease(), lease);
    let new = |id, key| Commit { new_records: vec![person(id, key)], ..Commit::default() };
    for durable in [false, true] {
        let commit = Commit { durable, ..new(1, "a") };
        let refused = Commits::commit(&mut *store, &older, commit);
        assert!(matches!(refused, Err(StoreError::LostLease { .. })));
        assert_eq!(store.records(&[RecordId(1)]).unwrap(), []);
    }
    let unflushed = Commits::commit_unflushed(&mut *store, &older, new(1, "a"));
    assert!(matches!(unflushed, Err(StoreError::LostLease { .. })));
    Commits::commit(&mut *store, &lease, new(1, "a")).unwrap();
    store.commit(new(2, "b")).unwrap();
    assert_eq!(store.records(&[RecordId(1), RecordId(2)]).unwrap().len(), 2);
}
