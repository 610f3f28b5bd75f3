//! Copies, and great loads.

use lockstep_model::{EntityId, IntentId, KeyOwner, RecordId, RecordState};

use super::kit::{commit_records, sorted};
use super::samples::{PEOPLE, person};
use crate::{AgendaEntry, Commit, Leased, StoreError};

pub(super) fn a_scratch_copy_is_independent(mut store: Leased) {
    let first = store.take_record_ids(1).unwrap();
    let record = RecordState { id: first, entity: EntityId(first.0), ..person(1, "a") };
    let commit = Commit {
        new_records: vec![record.clone()],
        agenda_added: vec![AgendaEntry::new(0, first)],
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    // It is bound already, and may itself be copied.
    let mut scratch = Leased::new(store.scratch().unwrap());
    let mut copy = scratch.scratch().unwrap();
    assert_eq!(copy.records(&[first]).unwrap(), std::slice::from_ref(&record));
    drop(copy);
    let next = scratch.take_record_ids(1).unwrap();
    assert!(next > first);
    let commit = Commit {
        new_records: vec![RecordState { id: next, ..person(2, "b") }],
        agenda_done: vec![AgendaEntry::new(0, first)],
        durable: true,
        ..Commit::default()
    };
    scratch.commit(commit).unwrap();
    assert_eq!(scratch.by_key(PEOPLE, &["a", "b"]).unwrap().len(), 2);
    assert_eq!(scratch.agenda(9).unwrap(), []);
    assert_eq!(store.by_key(PEOPLE, &["a", "b"]).unwrap(), [record]);
    assert_eq!(store.agenda(9).unwrap(), [AgendaEntry::new(0, first)]);
    store
        .commit(Commit {
            agenda_done: vec![AgendaEntry::new(0, first)],
            agenda_added: vec![AgendaEntry::new(1, first)],
            ..Commit::default()
        })
        .unwrap();
    assert_eq!(scratch.agenda(9).unwrap(), []);
    // It outlives what it is a copy of.
    drop(store);
    assert_eq!(scratch.records(&[first]).unwrap().len(), 1);
    // A commit that fails leaves nothing here either.
    let bad = Commit {
        agenda_added: vec![AgendaEntry::new(5, first)],
        new_records: vec![person(first.0, "c")],
        ..Commit::default()
    };
    assert!(matches!(scratch.commit(bad), Err(StoreError::Damaged { .. })));
    assert_eq!(scratch.agenda(9).unwrap(), []);
}

pub(super) fn bulk_changes_no_result(mut store: Leased) {
    store.bulk_load(true).unwrap();
    let people = (1..=300).map(|id| person(id, &id.to_string())).collect();
    let keys = (1..=300).map(|id| (id as u64 % 100, RecordId(id))).collect();
    store.commit(Commit { new_records: people, keys_added: keys, ..Commit::default() }).unwrap();
    assert_eq!(store.records(&[RecordId(300), RecordId(1)]).unwrap().len(), 2);
    assert_eq!(store.by_key(PEOPLE, &["301", "a"]).unwrap(), []);
    // What is both removed and added is there; what is removed is not, nor anew under another
    // number.
    let keys_removed = [1, 101, 7].map(|id| (id % 100, RecordId(id as i64))).to_vec();
    let keys_added = vec![(1, RecordId(1)), (u64::MAX, RecordId(2))];
    let promises_added = vec![(1, IntentId(5)), (7, IntentId(1))];
    store.commit(Commit { keys_removed, keys_added, promises_added, ..Commit::default() }).unwrap();
    let promises_removed = vec![(7, IntentId(1))];
    store.commit(Commit { promises_removed, ..Commit::default() }).unwrap();
    let record = |(hash, id)| (hash, KeyOwner::Record(RecordId(id)));
    let mut there = [(1, 1), (1, 201), (7, 107), (7, 207), (u64::MAX, 2)].map(record).to_vec();
    there.insert(2, (1, KeyOwner::Promise(IntentId(5))));
    assert_eq!(sorted(store.by_hash(&[7, u64::MAX, 1, 1_000]).unwrap()), there);
    // A record key that is there is not added once more, whether it came in this load or before.
    for _ in 0..2 {
        let twice = Commit {
            new_records: vec![person(400, "400"), person(401, "17")],
            keys_added: vec![(1_000, RecordId(400))],
            ..Commit::default()
        };
        assert!(matches!(store.commit(twice), Err(StoreError::Damaged { .. })));
        assert_eq!(store.by_key(PEOPLE, &["400"]).unwrap(), [], "nothing of it is kept");
        assert_eq!(store.by_hash(&[1_000]).unwrap(), []);
        assert_eq!(sorted(store.by_hash(&[7, u64::MAX, 1]).unwrap()), there);
        assert_eq!(store.by_key(PEOPLE, &["17"]).unwrap(), [person(17, "17")]);
    }
    commit_records(&mut store, vec![person(400, "400")]);
    assert_eq!(store.live_keys(PEOPLE, Some("399"), 2).unwrap()[0], ("4".to_string(), RecordId(4)));
    store.bulk_load(false).unwrap();
    assert_eq!(sorted(store.by_hash(&[7, u64::MAX, 1, 1_000]).unwrap()), there);
    assert_eq!(store.by_key(PEOPLE, &["400"]).unwrap(), [person(400, "400")]);
    store.commit(Commit { keys_removed: vec![(1, RecordId(201))], ..Commit::default() }).unwrap();
    there.remove(1);
    assert_eq!(sorted(store.by_hash(&[1]).unwrap()), there[..2]);
}
