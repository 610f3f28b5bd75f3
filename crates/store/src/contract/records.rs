//! Records, their keys, the agenda, and who is kept apart.

use lockstep_model::{EntityId, KeyOwner, Presence, RecordId, RecordState, Slot, Timestamp};
use serde_json::json;

use super::kit::{commit_records, numbers, sorted};
use super::samples::{PEOPLE, USERS, awkward, claim, person, plan};

use crate::{AgendaEntry, Commit, Leased, TypeStatus};

pub(super) fn a_record_comes_back_as_it_was(mut store: Leased) {
    let mut all = vec![
        awkward(RecordId(2), EntityId(1)),
        person(1, "a"),
        RecordState { slots: vec![Slot::default(); 4], ..person(3, "") },
    ];
    // As deep as a value can come in, and deeper by what is put around it.
    let deep = (0..127).fold(json!(1.1), |inner, _| json!([inner]));
    all[2].slots[1] = Slot {
        shadow: Some(deep.clone()),
        claim: Some(claim(json!([deep]), 1)),
        ..Slot::default()
    };
    commit_records(&mut store, all.clone());
    for record in &all {
        assert_eq!(store.records(&[record.id]).unwrap(), std::slice::from_ref(record));
    }
    // Whole: nothing of what was there before is left.
    let bare = RecordState {
        ty: USERS,
        key: all[0].key.clone(),
        slots: vec![Slot::default(); 5],
        ..person(2, "")
    };
    let edited = RecordState {
        slots: awkward(RecordId(2), EntityId(1)).slots[1..].to_vec(),
        version: Some(String::new()),
        ..person(1, "a")
    };
    store
        .commit(Commit { changed_records: vec![bare.clone(), edited.clone()], ..Commit::default() })
        .unwrap();
    assert_eq!(store.records(&[RecordId(2)]).unwrap(), [bare]);
    assert_eq!(store.records(&[RecordId(1)]).unwrap(), [edited]);
}

pub(super) fn records_are_found_by_number_key_and_entity(mut store: Leased) {
    let mut records: Vec<_> = (1..=9).map(|id| person(id, &format!("key {id}"))).collect();
    for (at, entity) in [(1, 7), (3, 7), (8, 1)] {
        records[at].entity = EntityId(entity);
    }
    // The record that an entity began with may have left it.
    records[4].entity = EntityId(6);
    records[2].entity = EntityId(5);
    records.push(RecordState {
        ty: USERS,
        key: "key 1".into(),
        slots: vec![Slot::default(); 5],
        ..person(20, "")
    });
    commit_records(&mut store, records);
    let by_number = |store: &mut Leased, list: &[i64]| {
        let list: Vec<_> = list.iter().map(|id| RecordId(*id)).collect();
        numbers(store.records(&list).unwrap())
    };
    assert_eq!(by_number(&mut store, &[9, 1, 3, 4, 1000, 1, 20, -1]), [1, 3, 4, 9, 20]);
    assert_eq!(by_number(&mut store, &[]), [0i64; 0]);
    assert_eq!(numbers(store.by_key(PEOPLE, &["key 9", "key 1", "no", "key 1"]).unwrap()), [1, 9]);
    assert_eq!(numbers(store.by_key(USERS, &["key 1", "key 2"]).unwrap()), [20]);
    assert_eq!(store.by_key(USERS, &[]).unwrap(), []);
    let keys = store.keys_of(&[RecordId(20), RecordId(1), RecordId(777), RecordId(9)]).unwrap();
    assert_eq!(
        sorted(keys),
        [
            (RecordId(1), "key 1".into()),
            (RecordId(9), "key 9".into()),
            (RecordId(20), "key 1".into())
        ]
    );
    let of = |store: &mut Leased, list: &[i64]| {
        let list: Vec<_> = list.iter().map(|id| EntityId(*id)).collect();
        numbers(store.members(&list).unwrap())
    };
    assert_eq!(of(&mut store, &[7]), [2, 4, 7]);
    assert_eq!(of(&mut store, &[5]), [3]);
    assert_eq!(of(&mut store, &[6, 1, 99, 6]), [1, 5, 6, 9]);
    assert_eq!(of(&mut store, &[2, 3, 4]), [0i64; 0]);
    assert_eq!(of(&mut store, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 20]), [1, 2, 3, 4, 5, 6, 7, 8, 9, 20]);
}

pub(super) fn keys_are_found_however_thinly_they_are_sown(mut store: Leased) {
    // Numbers and keys in different orders; every third key is missing.
    let scattered = |n: i64| n * 37 % 501;
    let key = |n: i64| format!("{:03}", scattered(n));
    commit_records(
        &mut store,
        (1..=500).filter(|n| n % 3 != 0).map(|n| person(n, &key(n))).collect(),
    );
    for (step, from) in [(1, 1), (2, 1), (5, 2), (40, 3), (499, 1)] {
        let asked: Vec<i64> = (from..=500).step_by(step).collect();
        let keys: Vec<String> = asked.iter().rev().map(|n| key(*n)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let expected: Vec<i64> = asked.into_iter().filter(|n| n % 3 != 0).collect();
        assert_eq!(numbers(store.by_key(PEOPLE, &keys).unwrap()), expected, "every {step}th");
    }
    let outside = ["", "zzz", "0000", "250x"];
    assert_eq!(store.by_key(PEOPLE, &outside).unwrap(), []);
}

pub(super) fn a_relinked_record_changes_nothing_but_its_entity(mut store: Leased) {
    let record = awkward(RecordId(2), EntityId(2));
    commit_records(&mut store, vec![person(1, "a"), record.clone()]);
    for entity in [1, 2, 1].map(EntityId) {
        store
            .commit(Commit { relinked: vec![(RecordId(2), entity)], ..Commit::default() })
            .unwrap();
        assert_eq!(
            store.records(&[RecordId(2)]).unwrap(),
            [RecordState { entity, ..record.clone() }]
        );
        let beyond = numbers(store.members_except_founder(&[EntityId(1), EntityId(2)]).unwrap());
        assert_eq!(
            beyond.len(),
            if entity.0 == 1 { 1 } else { 0 },
            "those that an entity began with are left out"
        );
        assert_eq!(
            numbers(store.members(&[EntityId(1)]).unwrap()).len(),
            if entity.0 == 1 { 2 } else { 1 }
        );
        assert_eq!(
            numbers(store.members(&[EntityId(2)]).unwrap()).len(),
            if entity.0 == 1 { 0 } else { 1 }
        );
    }
}

pub(super) fn hashes_lead_to_records(mut store: Leased) {
    let (a, b) = (RecordId(1), RecordId(2));
    let found = |keys: Vec<(u64, RecordId)>| -> Vec<(u64, KeyOwner)> {
        keys.into_iter().map(|(hash, id)| (hash, KeyOwner::Record(id))).collect()
    };
    let all = vec![(0, a), (u64::MAX, b), (u64::MAX, a), (1 << 63, a)];
    store.commit(Commit { keys_added: all.clone(), ..Commit::default() }).unwrap();
    assert_eq!(
        sorted(store.by_hash(&[u64::MAX, 5, 0, 1 << 63, u64::MAX]).unwrap()),
        sorted(found(all))
    );
    // Twice the same is once; what is removed and added in one commit stays.
    let commit = Commit {
        keys_added: vec![(0, a), (0, a)],
        keys_removed: vec![(0, a), (u64::MAX, b), (9, b)],
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    assert_eq!(sorted(store.by_hash(&[0, u64::MAX]).unwrap()), found(vec![(0, a), (u64::MAX, a)]));
}

/// R9: in one commit a record gives its key up and another takes it over.
pub(super) fn a_key_is_given_on(mut store: Leased) {
    let gone = RecordState { presence: Presence::Gone, ..person(1, "2") };
    commit_records(&mut store, vec![gone.clone()]);
    let heir = person(5, "2");
    let replaceable = RecordState { presence: Presence::Replaceable, ..gone };
    let commit = Commit {
        changed_records: vec![replaceable.clone()],
        rekeyed: vec![(RecordId(1), "2~1".into())],
        new_records: vec![heir.clone()],
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    assert_eq!(store.by_key(PEOPLE, &["2"]).unwrap(), [heir]);
    let retired = RecordState { key: "2~1".into(), ..replaceable };
    assert_eq!(store.by_key(PEOPLE, &["2~1"]).unwrap(), std::slice::from_ref(&retired));
    assert_eq!(store.records(&[RecordId(1)]).unwrap(), [retired]);
    assert_eq!(store.live_keys(PEOPLE, None, 9).unwrap(), [("2".into(), RecordId(5))]);
}

/// G3: what is believed of a listing depends on how many records are known.
pub(super) fn live_records_are_counted(mut store: Leased) {
    let counted = |store: &mut Leased| {
        store.bind(&plan()).unwrap().iter().map(|ty| ty.records).collect::<Vec<_>>()
    };
    let gone = |id, key| RecordState { presence: Presence::Gone, ..person(id, key) };
    commit_records(&mut store, vec![person(1, "a"), person(2, "b"), gone(3, "c")]);
    assert_eq!(counted(&mut store), [2, 0]);
    let change = |store: &mut Leased, changed: Vec<RecordState>| {
        store.commit(Commit { changed_records: changed, ..Commit::default() }).unwrap();
    };
    change(&mut store, vec![gone(1, "a"), person(3, "c"), person(2, "b")]);
    assert_eq!(counted(&mut store), [2, 0], "one is gone, and one is back");
    change(&mut store, vec![gone(1, "a"), gone(2, "b")]);
    assert_eq!(counted(&mut store), [1, 0]);
    // What a reading says of how far it is says nothing of how many there are.
    let status = TypeStatus { records: 9, ..TypeStatus::default() };
    store.commit(Commit { types: vec![(PEOPLE, status)], ..Commit::default() }).unwrap();
    assert_eq!(counted(&mut store), [1, 0]);
}

pub(super) fn live_keys_come_in_pages(mut store: Leased) {
    let mut records: Vec<_> =
        ["b", "", "Å", "a10", "a9", "z"].iter().zip(1..).map(|(key, id)| person(id, key)).collect();
    records[5].presence = Presence::Gone;
    records.push(RecordState { ty: USERS, slots: vec![], ..person(9, "a") });
    commit_records(&mut store, records);
    let mut seen = Vec::new();
    loop {
        let after = seen.last().map(|(key, _): &(String, RecordId)| key.clone());
        let page = store.live_keys(PEOPLE, after.as_deref(), 2).unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    let keys: Vec<&str> = seen.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["", "a10", "a9", "b", "Å"], "in the order of their bytes");
    assert_eq!(seen[3].1, RecordId(1));
}

pub(super) fn the_agenda_is_in_order_and_what_is_added_stays(mut store: Leased) {
    let entry = |(rank, id)| AgendaEntry::new(rank, RecordId(id));
    let held = entry((1, 1)).to_hold();
    let mut added = [(2, 1), (0, 9), (2, 3), (0, 2), (0, 2)].map(entry).to_vec();
    added.push(held);
    store.commit(Commit { agenda_added: added, ..Commit::default() }).unwrap();
    // What is held comes last, whatever its rank.
    let mut in_order = [(0, 2), (0, 9), (2, 1), (2, 3)].map(entry).to_vec();
    in_order.push(held);
    assert_eq!(store.agenda(9).unwrap(), in_order);
    assert_eq!(store.agenda(2).unwrap(), in_order[..2]);
    let mut some = store.on_agenda(&[1, 8, 9].map(RecordId)).unwrap();
    some.sort_unstable();
    assert_eq!(some, [in_order[1], in_order[2], in_order[4]]);
    assert_eq!(store.on_agenda(&[]).unwrap(), []);
    // Nothing that is to be decided on is forgotten: what is done and added at once stays.
    let again = Commit {
        agenda_done: in_order[..3].to_vec(),
        agenda_added: vec![in_order[1]],
        ..Commit::default()
    };
    store.commit(again).unwrap();
    assert_eq!(store.agenda(9).unwrap(), [in_order[1], in_order[3], in_order[4]]);
    assert_eq!(store.on_agenda(&[RecordId(1)]).unwrap(), [held]);
}

pub(super) fn pairs_are_kept_apart_both_ways(mut store: Leased) {
    let pair = |a, b| (RecordId(a), RecordId(b));
    store
        .commit(Commit {
            apart_added: vec![pair(5, 2), pair(2, 5), pair(2, 9)],
            ..Commit::default()
        })
        .unwrap();
    let apart = |store: &mut Leased, list: &[i64]| {
        let list: Vec<_> = list.iter().map(|id| RecordId(*id)).collect();
        let ordered = |(a, b): (RecordId, RecordId)| (a.min(b), a.max(b));
        sorted(store.apart(&list).unwrap().into_iter().map(ordered).collect())
    };
    assert_eq!(apart(&mut store, &[5, 3, 4]), [pair(2, 5)]);
    assert_eq!(apart(&mut store, &[2]), [pair(2, 5), pair(2, 9)]);
    assert_eq!(apart(&mut store, &[3, 4]), []);
    store.commit(Commit { apart_removed: vec![pair(2, 5)], ..Commit::default() }).unwrap();
    assert_eq!(apart(&mut store, &[2, 5, 9]), [pair(2, 9)]);
}

pub(super) fn linked_entities_come_in_pages(mut store: Leased) {
    let mut records: Vec<_> = (1..=9).map(|id| person(id, &id.to_string())).collect();
    // 2 with 1; 4 left 4 to 3 and 5; 7 is only joined by 8, and left itself; 9 is alone.
    for (at, entity) in [(1, 1), (3, 1), (2, 4), (4, 4), (6, 6), (7, 7)] {
        records[at].entity = EntityId(entity);
    }
    commit_records(&mut store, records);
    let page = |store: &mut Leased, after: Option<i64>, limit| -> Vec<i64> {
        store
            .linked_entities(after.map(EntityId), limit)
            .unwrap()
            .into_iter()
            .map(|id| id.0)
            .collect()
    };
    assert_eq!(page(&mut store, None, 9), [1, 4, 6]);
    assert_eq!(page(&mut store, None, 2), [1, 4]);
    assert_eq!(page(&mut store, Some(1), 1), [4]);
    assert_eq!(page(&mut store, Some(6), 9), [0i64; 0]);
}

pub(super) fn a_record_that_is_leaving_is_not_live(mut store: Leased) {
    let leaving = |id, key, since| RecordState {
        presence: Presence::Leaving { since: Timestamp(since) },
        ..person(id, key)
    };
    let records =
        vec![leaving(1, "a", 0), leaving(2, "b", 1), leaving(3, "c", i64::MAX - 1), person(4, "d")];
    commit_records(&mut store, records.clone());
    let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
    let mut found = store.records(&ids).unwrap();
    found.sort_by_key(|record| record.id);
    assert_eq!(found, records);
    assert_eq!(store.live_keys(PEOPLE, None, 9).unwrap(), [("d".to_string(), RecordId(4))]);
}
