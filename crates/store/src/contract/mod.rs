//! What every store must do, as a suite: [`check`] and [`check_reopened`] are run for each store there is.
//!
//! The properties are those that [`Store`] promises. A store is asked only through its trait, so that the suite says nothing of how it
//! keeps things. Every check begins with a fresh store and panics with what is not as it should be.

mod samples;

use lockstep_model::{
    EntityId, FlowIx, Intent, IntentId, IntentKind, IntentState, Presence, PropIx, RecordId, RecordState, Review, ReviewKind,
    Rule, RunId, Slot, Timestamp, TypeIx, Value,
};
use serde_json::json;

pub use self::samples::plan;
use self::samples::{PEOPLE, USERS, awkward, claim, entry, intent, person, review};
use crate::{Commit, IntentUpdate, JournalEntry, JournalKind, ReviewKey, Store, StoreError, TypeStatus};

/// Runs the suite; `make` gives a fresh store each time.
pub fn check(make: impl Fn() -> Box<dyn Store>) {
    let fresh = || {
        let mut store = make();
        store.bind(&plan()).unwrap();
        store
    };
    binding_tells_how_far_each_type_was_read(make());
    numbers_are_handed_out_once(fresh());
    a_record_comes_back_as_it_was(fresh());
    records_are_found_by_number_key_and_entity(fresh());
    keys_are_found_however_thinly_they_are_sown(fresh());
    a_relinked_record_changes_nothing_but_its_entity(fresh());
    hashes_lead_to_records(fresh());
    live_keys_come_in_pages(fresh());
    a_failed_commit_leaves_nothing(fresh());
    the_agenda_is_in_order_and_what_is_added_stays(fresh());
    pairs_are_kept_apart_both_ways(fresh());
    an_intent_comes_back_as_it_was(fresh());
    the_outbox_gives_what_is_due_in_order(fresh());
    open_intents_are_found_and_counted(fresh());
    history_of_a_record_holds_what_went_to_it_and_came_from_it(fresh());
    a_creation_is_in_the_journal_by_its_intent(fresh());
    at_most_one_review_of_a_key_is_open(fresh());
    the_journal_is_in_order(fresh());
    runs_are_remembered_newest_first(fresh());
    what_runs_did_is_found_by_their_numbers(fresh());
    a_review_keeps_its_number_while_it_is_open(fresh());
    linked_entities_come_in_pages(fresh());
    what_the_plan_does_not_name_any_more_is_left_out_and_kept(fresh());
    a_changed_plan_finds_properties_by_path(fresh());
    a_scratch_copy_is_independent(fresh());
    bulk_changes_no_result(fresh());
    marks_are_kept_by_name(fresh());
    queued_intents_are_counted_by_type_and_kind(fresh());
    a_record_that_is_leaving_is_not_live(fresh());
}

/// Runs the part of the suite that needs a store which outlives its process; `open` opens the same one each time.
pub fn check_reopened(open: impl Fn() -> Box<dyn Store>) {
    let mut store = open();
    store.bind(&plan()).unwrap();
    let first = store.take_record_ids(2).unwrap();
    let intents = store.take_intent_ids(1).unwrap();
    let run = store.begin_run(Timestamp(5)).unwrap();
    let record = awkward(first, EntityId(first.0));
    let intent = Intent { run, ..intent(intents.0, first, IntentState::Sent) };
    let review = review(first, Some(PropIx(1)));
    let entry = entry(run, first, 7);
    let status =
        TypeStatus { checkpoint: Some(("page 3".into(), vec![0, 255])), complete: true, fingerprint: 1, ..TypeStatus::default() };
    let commit = Commit {
        new_records: vec![record.clone()],
        keys_added: vec![(u64::MAX, first)],
        agenda_added: vec![(3, first)],
        types: vec![(PEOPLE, status.clone())],
        intents_new: vec![intent.clone()],
        reviews_opened: vec![review.clone()],
        apart_added: vec![(first, RecordId(first.0 + 1))],
        journal: vec![entry.clone()],
        durable: true,
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    store.end_run(run, Timestamp(9), &json!({"read": 1})).unwrap();
    drop(store);

    let mut store = open();
    assert_eq!(store.bind(&plan()).unwrap()[0], status);
    assert_eq!(store.records(&[first]).unwrap(), [record]);
    assert_eq!(store.by_hash(&[u64::MAX]).unwrap(), [(u64::MAX, first)]);
    assert_eq!(store.agenda(9).unwrap(), [(3, first)]);
    assert_eq!(store.intent(intents).unwrap(), Some(intent));
    assert_eq!(store.open_reviews(&[first]).unwrap(), [review]);
    assert_eq!(store.apart(&[first]).unwrap(), [(first, RecordId(first.0 + 1))]);
    assert_eq!(store.journal(&[first], 9).unwrap(), [entry]);
    assert_eq!(store.runs(9).unwrap()[0].summary, json!({"read": 1}));
    assert!(store.take_record_ids(1).unwrap().0 >= first.0 + 2, "a number was handed out twice");
    assert!(store.take_intent_ids(1).unwrap() > intents, "a number was handed out twice");
    assert!(store.begin_run(Timestamp(11)).unwrap() > run);
}

fn commit_records(store: &mut Box<dyn Store>, records: Vec<RecordState>) {
    store.commit(Commit { new_records: records, ..Commit::default() }).unwrap();
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

fn numbers(records: Vec<RecordState>) -> Vec<i64> {
    sorted(records.into_iter().map(|record| record.id.0).collect())
}

fn ids(intents: Vec<Intent>) -> Vec<i64> {
    intents.into_iter().map(|intent| intent.id.0).collect()
}

fn binding_tells_how_far_each_type_was_read(mut store: Box<dyn Store>) {
    let fresh = |fingerprint| TypeStatus { fingerprint, ..TypeStatus::default() };
    assert_eq!(store.bind(&plan()).unwrap(), [fresh(1), fresh(u64::MAX)]);
    let status = TypeStatus {
        checkpoint: Some(("{\"since\": 7}".into(), vec![0, 200, 7])),
        complete: true,
        read_from: Some(Timestamp(-3)),
        reading_since: Some(Timestamp(4)),
        fingerprint: 1 << 63,
        records: 12,
    };
    store.commit(Commit { types: vec![(USERS, status.clone())], ..Commit::default() }).unwrap();
    // How many there are may change by itself.
    let status = TypeStatus { records: 13, ..status };
    store.commit(Commit { counts: vec![(USERS, 13)], ..Commit::default() }).unwrap();
    // In the order of the plan, which may be another, and of nothing but the plan.
    let reversed: Vec<_> = plan().into_iter().rev().collect();
    assert_eq!(store.bind(&reversed).unwrap(), [status.clone(), fresh(1)]);
    let other = TypeStatus { checkpoint: Some((String::new(), vec![])), ..fresh(5) };
    store.commit(Commit { types: vec![(TypeIx(0), other.clone())], ..Commit::default() }).unwrap();
    assert_eq!(store.bind(&plan()).unwrap(), [fresh(1), other]);
}

fn numbers_are_handed_out_once(mut store: Box<dyn Store>) {
    let first = store.take_record_ids(3).unwrap().0;
    let second = store.take_record_ids(2).unwrap().0;
    assert!(first > 0 && second >= first + 3);
    let intent = store.take_intent_ids(5).unwrap().0;
    assert!(intent > 0 && store.take_intent_ids(1).unwrap().0 >= intent + 5);
    // A commit that fails gives nothing back.
    let before = store.take_record_ids(1).unwrap().0;
    commit_records(&mut store, vec![person(before, "a")]);
    store.commit(Commit { new_records: vec![person(before, "a")], ..Commit::default() }).unwrap_err();
    assert!(store.take_record_ids(1).unwrap().0 > before);
}

fn a_record_comes_back_as_it_was(mut store: Box<dyn Store>) {
    let mut all =
        vec![awkward(RecordId(2), EntityId(1)), person(1, "a"), RecordState { slots: vec![Slot::default(); 4], ..person(3, "") }];
    // As deep as a value can come in, and deeper by what is put around it.
    let deep = (0..127).fold(json!(1.1), |inner, _| json!([inner]));
    all[2].slots[1] = Slot { shadow: Some(deep.clone()), claim: Some(claim(json!([deep]), 1)), ..Slot::default() };
    commit_records(&mut store, all.clone());
    for record in &all {
        assert_eq!(store.records(&[record.id]).unwrap(), std::slice::from_ref(record));
    }
    // Whole: nothing of what was there before is left.
    let bare = RecordState { ty: USERS, key: all[0].key.clone(), slots: vec![Slot::default(); 5], ..person(2, "") };
    let edited = RecordState {
        slots: awkward(RecordId(2), EntityId(1)).slots[1..].to_vec(),
        version: Some(String::new()),
        ..person(1, "a")
    };
    store.commit(Commit { changed_records: vec![bare.clone(), edited.clone()], ..Commit::default() }).unwrap();
    assert_eq!(store.records(&[RecordId(2)]).unwrap(), [bare]);
    assert_eq!(store.records(&[RecordId(1)]).unwrap(), [edited]);
}

fn records_are_found_by_number_key_and_entity(mut store: Box<dyn Store>) {
    let mut records: Vec<_> = (1..=9).map(|id| person(id, &format!("key {id}"))).collect();
    for (at, entity) in [(1, 7), (3, 7), (8, 1)] {
        records[at].entity = EntityId(entity);
    }
    // The record that an entity began with may have left it.
    records[4].entity = EntityId(6);
    records[2].entity = EntityId(5);
    records.push(RecordState { ty: USERS, key: "key 1".into(), slots: vec![Slot::default(); 5], ..person(20, "") });
    commit_records(&mut store, records);
    let by_number = |store: &mut Box<dyn Store>, list: &[i64]| {
        let list: Vec<_> = list.iter().map(|id| RecordId(*id)).collect();
        numbers(store.records(&list).unwrap())
    };
    assert_eq!(by_number(&mut store, &[9, 1, 3, 4, 1000, 1, 20, -1]), [1, 3, 4, 9, 20]);
    assert_eq!(by_number(&mut store, &[]), [0i64; 0]);
    assert_eq!(numbers(store.by_key(PEOPLE, &["key 9", "key 1", "no", "key 1"]).unwrap()), [1, 9]);
    assert_eq!(numbers(store.by_key(USERS, &["key 1", "key 2"]).unwrap()), [20]);
    assert_eq!(store.by_key(USERS, &[]).unwrap(), []);
    let keys = store.keys_of(&[RecordId(20), RecordId(1), RecordId(777), RecordId(9)]).unwrap();
    assert_eq!(sorted(keys), [(RecordId(1), "key 1".into()), (RecordId(9), "key 9".into()), (RecordId(20), "key 1".into())]);
    let of = |store: &mut Box<dyn Store>, list: &[i64]| {
        let list: Vec<_> = list.iter().map(|id| EntityId(*id)).collect();
        numbers(store.members(&list).unwrap())
    };
    assert_eq!(of(&mut store, &[7]), [2, 4, 7]);
    assert_eq!(of(&mut store, &[5]), [3]);
    assert_eq!(of(&mut store, &[6, 1, 99, 6]), [1, 5, 6, 9]);
    assert_eq!(of(&mut store, &[2, 3, 4]), [0i64; 0]);
    assert_eq!(of(&mut store, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 20]), [1, 2, 3, 4, 5, 6, 7, 8, 9, 20]);
}

fn keys_are_found_however_thinly_they_are_sown(mut store: Box<dyn Store>) {
    // Numbers and keys in different orders; every third key is missing.
    let scattered = |n: i64| n * 37 % 501;
    let key = |n: i64| format!("{:03}", scattered(n));
    commit_records(&mut store, (1..=500).filter(|n| n % 3 != 0).map(|n| person(n, &key(n))).collect());
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

fn a_relinked_record_changes_nothing_but_its_entity(mut store: Box<dyn Store>) {
    let record = awkward(RecordId(2), EntityId(2));
    commit_records(&mut store, vec![person(1, "a"), record.clone()]);
    for entity in [1, 2, 1].map(EntityId) {
        store.commit(Commit { relinked: vec![(RecordId(2), entity)], ..Commit::default() }).unwrap();
        assert_eq!(store.records(&[RecordId(2)]).unwrap(), [RecordState { entity, ..record.clone() }]);
        let beyond = numbers(store.joined(&[EntityId(1), EntityId(2)]).unwrap());
        assert_eq!(beyond.len(), if entity.0 == 1 { 1 } else { 0 }, "those that an entity began with are left out");
        assert_eq!(numbers(store.members(&[EntityId(1)]).unwrap()).len(), if entity.0 == 1 { 2 } else { 1 });
        assert_eq!(numbers(store.members(&[EntityId(2)]).unwrap()).len(), if entity.0 == 1 { 0 } else { 1 });
    }
}

fn hashes_lead_to_records(mut store: Box<dyn Store>) {
    let (a, b) = (RecordId(1), RecordId(2));
    let all = vec![(0, a), (u64::MAX, b), (u64::MAX, a), (1 << 63, a)];
    store.commit(Commit { keys_added: all.clone(), ..Commit::default() }).unwrap();
    assert_eq!(sorted(store.by_hash(&[u64::MAX, 5, 0, 1 << 63, u64::MAX]).unwrap()), sorted(all));
    // Twice the same is once; what is removed and added in one commit stays.
    let commit =
        Commit { keys_added: vec![(0, a), (0, a)], keys_removed: vec![(0, a), (u64::MAX, b), (9, b)], ..Commit::default() };
    store.commit(commit).unwrap();
    assert_eq!(sorted(store.by_hash(&[0, u64::MAX]).unwrap()), [(0, a), (u64::MAX, a)]);
}

fn live_keys_come_in_pages(mut store: Box<dyn Store>) {
    let mut records: Vec<_> = ["b", "", "Å", "a10", "a9", "z"].iter().zip(1..).map(|(key, id)| person(id, key)).collect();
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

fn a_failed_commit_leaves_nothing(mut store: Box<dyn Store>) {
    commit_records(&mut store, vec![person(1, "a")]);
    let tried = |bad: Commit| Commit {
        changed_records: vec![RecordState { version: Some("new".into()), ..person(1, "a") }],
        keys_added: vec![(7, RecordId(1))],
        keys_removed: vec![],
        agenda_added: vec![(0, RecordId(1))],
        types: vec![(PEOPLE, TypeStatus { complete: true, ..TypeStatus::default() })],
        journal: vec![entry(RunId(1), RecordId(1), 1)],
        reviews_opened: vec![review(RecordId(1), None)],
        ..bad
    };
    let update = IntentUpdate {
        id: IntentId(99),
        state: IntentState::Sent,
        record: None,
        attempts: 0,
        not_before: None,
        message: None,
        done_at: None,
    };
    let bad = [
        // The record key is taken; the number is taken; an intent is not there.
        Commit { new_records: vec![person(2, "b"), person(3, "a")], ..Commit::default() },
        Commit { new_records: vec![person(2, "b"), person(1, "c")], durable: true, ..Commit::default() },
        Commit { new_records: vec![person(2, "b")], intents_changed: vec![update], ..Commit::default() },
    ];
    for bad in bad {
        store.commit(tried(bad)).unwrap_err();
        assert_eq!(store.records(&[RecordId(1), RecordId(2), RecordId(3)]).unwrap(), [person(1, "a")]);
        assert_eq!(store.by_hash(&[7]).unwrap(), []);
        assert_eq!(store.agenda(9).unwrap(), []);
        assert_eq!(store.journal(&[RecordId(1)], 9).unwrap(), []);
        assert_eq!(store.reviews(9).unwrap(), []);
        assert!(!store.bind(&plan()).unwrap()[0].complete);
    }
    store.commit(tried(Commit::default())).unwrap();
    assert_eq!(store.agenda(9).unwrap().len(), 1);
}

fn the_agenda_is_in_order_and_what_is_added_stays(mut store: Box<dyn Store>) {
    let added = [(2, 1), (0, 9), (2, 3), (0, 2), (u16::MAX, 1), (0, 2)].map(|(rank, id)| (rank, RecordId(id)));
    store.commit(Commit { agenda_added: added.to_vec(), ..Commit::default() }).unwrap();
    let in_order = [(0, 2), (0, 9), (2, 1), (2, 3), (u16::MAX, 1)].map(|(rank, id)| (rank, RecordId(id)));
    assert_eq!(store.agenda(9).unwrap(), in_order);
    assert_eq!(store.agenda(2).unwrap(), in_order[..2]);
    // Nothing that is to be decided on is forgotten: what is done and added at once stays.
    let again = Commit { agenda_done: in_order[..3].to_vec(), agenda_added: vec![in_order[1]], ..Commit::default() };
    store.commit(again).unwrap();
    assert_eq!(store.agenda(9).unwrap(), [in_order[1], in_order[3], in_order[4]]);
}

fn pairs_are_kept_apart_both_ways(mut store: Box<dyn Store>) {
    let pair = |a, b| (RecordId(a), RecordId(b));
    store.commit(Commit { apart_added: vec![pair(5, 2), pair(2, 5), pair(2, 9)], ..Commit::default() }).unwrap();
    let apart = |store: &mut Box<dyn Store>, list: &[i64]| {
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

fn an_intent_comes_back_as_it_was(mut store: Box<dyn Store>) {
    commit_records(&mut store, vec![person(1, "a")]);
    let first =
        Intent { done_at: Some(Timestamp(1)), not_before: Some(Timestamp(-2)), ..intent(1, RecordId(1), IntentState::Queued) };
    let second = Intent {
        kind: IntentKind::Create,
        record: None,
        base_version: None,
        changes: vec![],
        message: None,
        entity: EntityId(1),
        // Its source is not known, so its claims are kept by number.
        ..intent(2, RecordId(50), IntentState::Sent)
    };
    let third = Intent { kind: IntentKind::Delete, ..intent(3, RecordId(50), IntentState::Queued) };
    let all = [first.clone(), second.clone(), third.clone()];
    store.commit(Commit { intents_new: all.to_vec(), ..Commit::default() }).unwrap();
    for intent in all {
        assert_eq!(store.intent(intent.id).unwrap(), Some(intent));
    }
    assert_eq!(store.intent(IntentId(4)).unwrap(), None);
    // The flow is the one that leads there now; from a record that nobody knows, that of the record type itself.
    let mut other = plan();
    other[USERS.at()].flows = vec![FlowIx(7), FlowIx(8)];
    store.bind(&other).unwrap();
    let flow = |store: &mut Box<dyn Store>, id| store.intent(IntentId(id)).unwrap().unwrap().flow;
    assert_eq!((flow(&mut store, 1), flow(&mut store, 2)), (FlowIx(7), FlowIx(8)));
    store.bind(&plan()).unwrap();
    let update = |id, record| IntentUpdate {
        id: IntentId(id),
        state: IntentState::Done,
        record,
        attempts: 3,
        not_before: Some(Timestamp(8)),
        message: Some("ok".into()),
        done_at: Some(Timestamp(9)),
    };
    let bare = IntentUpdate { not_before: None, message: None, done_at: None, ..update(1, None) };
    let updates = vec![update(2, Some(RecordId(60))), update(1, None), bare];
    store.commit(Commit { intents_changed: updates, ..Commit::default() }).unwrap();
    let done = Intent { state: IntentState::Done, attempts: 3, ..first };
    // The last word counts; what an update does not speak of stays.
    assert_eq!(store.intent(IntentId(1)).unwrap(), Some(Intent { not_before: None, message: None, done_at: None, ..done }));
    let made = Intent {
        state: IntentState::Done,
        record: Some(RecordId(60)),
        attempts: 3,
        not_before: Some(Timestamp(8)),
        message: Some("ok".into()),
        done_at: Some(Timestamp(9)),
        ..second
    };
    assert_eq!(store.intent(IntentId(2)).unwrap(), Some(made));
}

fn the_outbox_gives_what_is_due_in_order(mut store: Box<dyn Store>) {
    let queued = |id, rank, ty, not_before: Option<i64>| Intent {
        rank,
        ty,
        changes: vec![],
        not_before: not_before.map(Timestamp),
        ..intent(id, RecordId(1), IntentState::Queued)
    };
    let mut all = vec![
        queued(9, 0, USERS, None),
        queued(1, 2, USERS, None),
        queued(2, 1, PEOPLE, Some(100)),
        queued(3, 1, USERS, Some(101)),
        queued(4, 0, PEOPLE, None),
        queued(5, 2, PEOPLE, None),
    ];
    for (state, id) in [IntentState::Sent, IntentState::Unknown, IntentState::Refused, IntentState::Done].into_iter().zip(20..) {
        all.push(Intent { state, ..queued(id, 0, USERS, None) });
    }
    store.commit(Commit { intents_new: all, ..Commit::default() }).unwrap();
    let due = |store: &mut Box<dyn Store>, now, types: &[TypeIx], limit| ids(store.outbox(Timestamp(now), types, limit).unwrap());
    assert_eq!(due(&mut store, 100, &[PEOPLE, USERS], 9), [4, 9, 2, 1, 5]);
    assert_eq!(due(&mut store, 99, &[USERS, PEOPLE, USERS], 3), [4, 9, 1]);
    assert_eq!(due(&mut store, 101, &[USERS], 9), [9, 3, 1]);
    assert_eq!(due(&mut store, 100, &[], 9), [0i64; 0]);
    // Sent is out; put back is in again, when its time has come.
    let step = |id, state, not_before: Option<i64>| IntentUpdate {
        id: IntentId(id),
        state,
        record: None,
        attempts: 1,
        not_before: not_before.map(Timestamp),
        message: None,
        done_at: None,
    };
    let updates =
        vec![step(4, IntentState::Sent, None), step(9, IntentState::Queued, Some(500)), step(20, IntentState::Queued, None)];
    store.commit(Commit { intents_changed: updates, durable: true, ..Commit::default() }).unwrap();
    assert_eq!(due(&mut store, 100, &[PEOPLE, USERS], 9), [20, 2, 1, 5]);
    assert_eq!(due(&mut store, 500, &[PEOPLE, USERS], 9), [9, 20, 2, 3, 1, 5]);
}

fn open_intents_are_found_and_counted(mut store: Box<dyn Store>) {
    use IntentState::*;
    let states = [Queued, Sent, Unknown, Refused, Done, Dropped, Queued];
    let all: Vec<_> = states.into_iter().zip(1..).map(|(state, id)| intent(id, RecordId(id % 3), state)).collect();
    store.commit(Commit { intents_new: all.clone(), ..Commit::default() }).unwrap();
    let open = |store: &mut Box<dyn Store>, list: &[i64]| {
        let list: Vec<_> = list.iter().map(|id| EntityId(*id)).collect();
        sorted(ids(store.open_intents(&list).unwrap()))
    };
    assert_eq!(open(&mut store, &[1]), [1, 4, 7]);
    assert_eq!(open(&mut store, &[2, 0, 2, 40]), [2, 3]);
    assert_eq!(store.open_intents(&[EntityId(0)]).unwrap(), [all[2].clone()]);
    for state in states {
        let expected: Vec<i64> = all.iter().filter(|intent| intent.state == state).map(|intent| intent.id.0).collect();
        assert_eq!(ids(store.intents_in(state, 9).unwrap()), expected, "{state:?}");
    }
    assert_eq!(ids(store.intents_in(Queued, 1).unwrap()), [1]);
    let counts = |store: &mut Box<dyn Store>| {
        let counts = store.intent_counts().unwrap().into_iter().filter(|(_, count)| *count > 0);
        sorted(counts.map(|(state, count)| (state.name(), count)).collect())
    };
    assert_eq!(counts(&mut store), [("queued", 2), ("refused", 1), ("sent", 1), ("unknown", 1)]);
    let done =
        IntentUpdate { id: IntentId(1), state: Done, record: None, attempts: 1, not_before: None, message: None, done_at: None };
    store.commit(Commit { intents_changed: vec![done], ..Commit::default() }).unwrap();
    assert_eq!(open(&mut store, &[1]), [4, 7]);
    assert_eq!(counts(&mut store), [("queued", 1), ("refused", 1), ("sent", 1), ("unknown", 1)]);
}

fn history_of_a_record_holds_what_went_to_it_and_came_from_it(mut store: Box<dyn Store>) {
    let between = |id, record: Option<i64>, source, state| {
        let kind = if record.is_some() { IntentKind::Update } else { IntentKind::Create };
        Intent { kind, record: record.map(RecordId), ..intent(id, RecordId(source), state) }
    };
    let all = vec![
        between(5, Some(1), 2, IntentState::Done),
        between(1, Some(2), 1, IntentState::Dropped),
        between(2, None, 1, IntentState::Queued),
        between(3, Some(3), 4, IntentState::Done),
        between(4, Some(1), 1, IntentState::Refused),
    ];
    store.commit(Commit { intents_new: all, ..Commit::default() }).unwrap();
    let of = |store: &mut Box<dyn Store>, list: &[i64], limit| {
        let list: Vec<_> = list.iter().map(|id| RecordId(*id)).collect();
        ids(store.intents_of(&list, limit).unwrap())
    };
    assert_eq!(of(&mut store, &[1], 9), [1, 2, 4, 5]);
    assert_eq!(of(&mut store, &[3, 2], 9), [1, 3, 5]);
    assert_eq!(of(&mut store, &[1, 3], 3), [1, 2, 3]);
    // What a creation made is known from then on.
    let made = IntentUpdate {
        id: IntentId(2),
        state: IntentState::Done,
        record: Some(RecordId(8)),
        attempts: 1,
        not_before: None,
        message: None,
        done_at: None,
    };
    store.commit(Commit { intents_changed: vec![made], ..Commit::default() }).unwrap();
    assert_eq!(of(&mut store, &[8], 9), [2]);
}

fn a_creation_is_in_the_journal_by_its_intent(mut store: Box<dyn Store>) {
    commit_records(&mut store, vec![person(1, "a")]);
    let create = Intent { kind: IntentKind::Create, record: None, ..intent(1, RecordId(1), IntentState::Queued) };
    let update = Intent { record: Some(RecordId(2)), ..intent(2, RecordId(1), IntentState::Done) };
    store.commit(Commit { intents_new: vec![create, update], ..Commit::default() }).unwrap();
    let done = IntentUpdate {
        id: IntentId(1),
        state: IntentState::Done,
        record: Some(RecordId(2)),
        attempts: 1,
        not_before: None,
        message: None,
        done_at: Some(Timestamp(10)),
    };
    let (earlier, later) = (entry(RunId(1), RecordId(2), 9), entry(RunId(1), RecordId(2), 11));
    let commit = Commit {
        new_records: vec![awkward(RecordId(2), EntityId(1))],
        intents_changed: vec![done],
        journal: vec![earlier.clone(), later.clone()],
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    let told = store.journal(&[RecordId(2)], 9).unwrap();
    assert_eq!((&told[0], &told[2], told.len()), (&earlier, &later, 3));
    let created = &told[1];
    assert_eq!((created.kind, created.at, created.rule), (JournalKind::Written, Timestamp(10), Some(Rule::C1)));
    assert_eq!((created.other, created.intent), (Some(RecordId(1)), Some(IntentId(1))));
    assert_eq!(created.text, format!("created {}/{}", plan()[USERS.at()].name, awkward(RecordId(2), EntityId(1)).key));
    assert_eq!(store.journal(&[RecordId(1)], 9).unwrap(), []);
}

fn at_most_one_review_of_a_key_is_open(mut store: Box<dyn Store>) {
    let old = review(RecordId(1), Some(PropIx(1)));
    let others = [
        Review { opened_at: Timestamp(3), ..review(RecordId(1), None) },
        Review { kind: ReviewKind::FlipFlop, opened_at: Timestamp(20), candidates: vec![], value: Value::Null, ..old.clone() },
        Review { ty: PEOPLE, opened_at: Timestamp(21), ..old.clone() },
        Review { record: RecordId(2), opened_at: Timestamp(22), ..old.clone() },
    ];
    let all: Vec<_> = [old.clone()].into_iter().chain(others.clone()).collect();
    store.commit(Commit { reviews_opened: all, ..Commit::default() }).unwrap();
    let in_order =
        |first: &Review| vec![others[0].clone(), first.clone(), others[1].clone(), others[2].clone(), others[3].clone()];
    assert_eq!(store.reviews(9).unwrap(), in_order(&old), "oldest first");
    assert_eq!(store.reviews(2).unwrap(), in_order(&old)[..2]);
    // Opened again: brought up to date, waiting since it was first opened.
    let again = Review { message: "again".into(), value: json!(2), candidates: vec![RecordId(4)], rule: Rule::P3, ..old.clone() };
    let later = Review { opened_at: Timestamp(99), ..again.clone() };
    store.commit(Commit { reviews_opened: vec![later], ..Commit::default() }).unwrap();
    assert_eq!(store.reviews(9).unwrap(), in_order(&again));
    let mut of_first = store.open_reviews(&[RecordId(1), RecordId(3)]).unwrap();
    of_first.sort_by_key(|review| review.opened_at);
    assert_eq!(of_first, in_order(&again)[..4]);
    assert_eq!(sorted(store.review_counts().unwrap()), [(ReviewKind::RejectedValue, 4), (ReviewKind::FlipFlop, 1)]);
    // What is closed and opened at once is open, and new.
    let reopened = Review { opened_at: Timestamp(30), ..old.clone() };
    let closed = vec![ReviewKey::of(&old), ReviewKey::of(&others[0]), ReviewKey { record: RecordId(7), ..ReviewKey::of(&old) }];
    store.commit(Commit { reviews_closed: closed, reviews_opened: vec![reopened.clone()], ..Commit::default() }).unwrap();
    assert_eq!(store.reviews(9).unwrap(), [others[1].clone(), others[2].clone(), others[3].clone(), reopened]);
}

fn the_journal_is_in_order(mut store: Box<dyn Store>) {
    let run = RunId(1);
    let bare = JournalEntry {
        kind: JournalKind::Note,
        path: None,
        before: Value::Null,
        after: Value::Null,
        rule: None,
        other: None,
        intent: None,
        text: String::new(),
        ..entry(run, RecordId(2), 1)
    };
    let all = [entry(run, RecordId(1), 9), bare, entry(RunId(2), RecordId(3), 2), entry(run, RecordId(1), 4)];
    store.commit(Commit { journal: all[..3].to_vec(), ..Commit::default() }).unwrap();
    store.commit(Commit { journal: all[3..].to_vec(), ..Commit::default() }).unwrap();
    let list = [RecordId(2), RecordId(1), RecordId(1)];
    assert_eq!(store.journal(&list, 9).unwrap(), [all[0].clone(), all[1].clone(), all[3].clone()], "in the order of writing");
    assert_eq!(store.journal(&list, 2).unwrap(), all[..2]);
    assert_eq!(store.journal(&[RecordId(9)], 2).unwrap(), []);
}

fn runs_are_remembered_newest_first(mut store: Box<dyn Store>) {
    let first = store.begin_run(Timestamp(1)).unwrap();
    let second = store.begin_run(Timestamp(2)).unwrap();
    assert!(second > first);
    store.end_run(first, Timestamp(3), &json!({"flows": [1.5]})).unwrap();
    let runs = store.runs(9).unwrap();
    let seen: Vec<_> = runs.iter().map(|run| (run.id, run.started, run.ended, run.summary.clone())).collect();
    let ended = (first, Timestamp(1), Some(Timestamp(3)), json!({"flows": [1.5]}));
    assert_eq!(seen, [(second, Timestamp(2), None, Value::Null), ended]);
    assert_eq!(store.runs(1).unwrap(), runs[..1]);
}

fn what_runs_did_is_found_by_their_numbers(mut store: Box<dyn Store>) {
    let runs: Vec<RunId> = (0..5).map(|n| store.begin_run(Timestamp(10 * n)).unwrap()).collect();
    // The third did nothing; the others wrote several rows each, in several commits.
    let of =
        |run: usize, n: i64| Intent { run: runs[run], state: IntentState::Done, ..intent(n, RecordId(1), IntentState::Done) };
    let told = |run: usize, at: i64| entry(runs[run], RecordId(at), at);
    for (run, ids) in [(0, vec![1, 2]), (1, vec![4]), (1, vec![5, 9]), (3, vec![10]), (4, vec![11, 12])] {
        let intents_new = ids.iter().map(|id| of(run, *id)).collect();
        let journal = ids.iter().map(|id| told(run, *id)).collect();
        store.commit(Commit { intents_new, journal, ..Commit::default() }).unwrap();
    }
    let between = |first: usize, last: usize| (runs[first], runs[last]);
    let mut numbers = |first, last, after, limit| ids(store.intents_of_runs(between(first, last), after, limit).unwrap());
    assert_eq!(numbers(1, 1, None, 99), [4, 5, 9]);
    assert_eq!(numbers(0, 3, None, 99), [1, 2, 4, 5, 9, 10]);
    assert_eq!(numbers(0, 4, Some(IntentId(5)), 2), [9, 10]);
    assert_eq!(numbers(2, 2, None, 99), Vec::<i64>::new());
    assert_eq!(store.intents_of_runs((RunId(99), RunId(100)), None, 9).unwrap(), []);
    let mut entries = |first: usize, last: usize, limit| -> Vec<i64> {
        store.journal_of_runs(between(first, last), limit).unwrap().into_iter().map(|entry| entry.at.0).collect()
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

fn a_review_keeps_its_number_while_it_is_open(mut store: Box<dyn Store>) {
    let first = review(RecordId(1), None);
    let second = Review { opened_at: Timestamp(20), ..review(RecordId(2), None) };
    store.commit(Commit { reviews_opened: vec![first.clone(), second.clone()], ..Commit::default() }).unwrap();
    let numbered = store.numbered_reviews(9).unwrap();
    assert_eq!(numbered.iter().map(|(_, review)| review.clone()).collect::<Vec<_>>(), [first.clone(), second.clone()]);
    assert_ne!(numbered[0].0, numbered[1].0);
    assert_eq!(store.numbered_reviews(1).unwrap(), numbered[..1]);
    let again = Review { message: "again".into(), ..second };
    let closed = vec![ReviewKey::of(&first)];
    store.commit(Commit { reviews_closed: closed, reviews_opened: vec![again.clone()], ..Commit::default() }).unwrap();
    assert_eq!(store.numbered_reviews(9).unwrap(), [(numbered[1].0, again)]);
}

fn linked_entities_come_in_pages(mut store: Box<dyn Store>) {
    let mut records: Vec<_> = (1..=9).map(|id| person(id, &id.to_string())).collect();
    // 2 with 1; 4 left 4 to 3 and 5; 7 is only joined by 8, and left itself; 9 is alone.
    for (at, entity) in [(1, 1), (3, 1), (2, 4), (4, 4), (6, 6), (7, 7)] {
        records[at].entity = EntityId(entity);
    }
    commit_records(&mut store, records);
    let page = |store: &mut Box<dyn Store>, after: Option<i64>, limit| -> Vec<i64> {
        store.linked_entities(after.map(EntityId), limit).unwrap().into_iter().map(|id| id.0).collect()
    };
    assert_eq!(page(&mut store, None, 9), [1, 4, 6]);
    assert_eq!(page(&mut store, None, 2), [1, 4]);
    assert_eq!(page(&mut store, Some(1), 1), [4]);
    assert_eq!(page(&mut store, Some(6), 9), [0i64; 0]);
}

fn what_the_plan_does_not_name_any_more_is_left_out_and_kept(mut store: Box<dyn Store>) {
    let user = awkward(RecordId(2), EntityId(1));
    commit_records(&mut store, vec![person(1, "a"), user.clone()]);
    let to_user = intent(1, RecordId(1), IntentState::Queued);
    let commit =
        Commit { intents_new: vec![to_user.clone()], reviews_opened: vec![review(RecordId(1), None)], ..Commit::default() };
    store.commit(commit).unwrap();
    store.bind(&plan()[..1]).unwrap();
    assert_eq!(numbers(store.records(&[RecordId(1), RecordId(2)]).unwrap()), [1]);
    assert_eq!(numbers(store.members(&[EntityId(1)]).unwrap()), [1]);
    assert_eq!(store.linked_entities(None, 9).unwrap(), []);
    assert_eq!(store.open_intents(&[EntityId(1)]).unwrap(), []);
    assert_eq!(store.reviews(9).unwrap(), []);
    store.bind(&plan()).unwrap();
    assert_eq!(store.records(&[RecordId(2)]).unwrap(), [user]);
    assert_eq!(store.linked_entities(None, 9).unwrap(), [EntityId(1)]);
    assert_eq!(store.open_intents(&[EntityId(1)]).unwrap(), [to_user]);
    assert_eq!(store.reviews(9).unwrap(), [review(RecordId(1), None)]);
}

fn a_changed_plan_finds_properties_by_path(mut store: Box<dyn Store>) {
    let user = awkward(RecordId(2), EntityId(2));
    let to_user = intent(1, RecordId(1), IntentState::Queued);
    commit_records(&mut store, vec![person(1, "a"), user.clone()]);
    store.commit(Commit { intents_new: vec![to_user.clone()], ..Commit::default() }).unwrap();
    // The types change places; of the users' properties one goes, one comes, the others change places.
    let mut other = plan();
    other.reverse();
    other[0].properties = ["mail", "new", "Åse", "email", "full name"].map(String::from).to_vec();
    let (users, people) = (TypeIx(0), TypeIx(1));
    store.bind(&other).unwrap();
    let found = store.records(&[RecordId(2)]).unwrap().remove(0);
    let mut slots = [4, 3, 2, 1, 0].map(|at| user.slots[at].clone());
    slots[1] = Slot::default();
    for slot in &mut slots {
        if let Some(stamp) = &mut slot.carries {
            stamp.prop = PropIx(0);
        }
        if let Some(claim) = slot.claim.as_mut().filter(|claim| !claim.goes.is_empty()) {
            claim.goes = vec![(users, vec![]), (people, vec![PropIx(2), PropIx(0)])];
        }
    }
    assert_eq!(found, RecordState { ty: users, slots: slots.to_vec(), ..user });
    let found = store.intent(IntentId(1)).unwrap().unwrap();
    assert_eq!(found.ty, users);
    let props: Vec<_> = found.changes.iter().map(|change| change.prop.0).collect();
    assert_eq!(props, [0, 2, 4]);
    assert_eq!(found.changes[2].counterpart_of.map(|other| other.ty), Some(people));
}

fn a_scratch_copy_is_independent(mut store: Box<dyn Store>) {
    let first = store.take_record_ids(1).unwrap();
    let record = RecordState { id: first, entity: EntityId(first.0), ..person(1, "a") };
    let commit = Commit { new_records: vec![record.clone()], agenda_added: vec![(0, first)], ..Commit::default() };
    store.commit(commit).unwrap();
    // It is bound already, and may itself be copied.
    let mut scratch = store.scratch().unwrap();
    let mut copy = scratch.scratch().unwrap();
    assert_eq!(copy.records(&[first]).unwrap(), std::slice::from_ref(&record));
    drop(copy);
    let next = scratch.take_record_ids(1).unwrap();
    assert!(next > first);
    let commit = Commit {
        new_records: vec![RecordState { id: next, ..person(2, "b") }],
        agenda_done: vec![(0, first)],
        durable: true,
        ..Commit::default()
    };
    scratch.commit(commit).unwrap();
    assert_eq!(scratch.by_key(PEOPLE, &["a", "b"]).unwrap().len(), 2);
    assert_eq!(scratch.agenda(9).unwrap(), []);
    assert_eq!(store.by_key(PEOPLE, &["a", "b"]).unwrap(), [record]);
    assert_eq!(store.agenda(9).unwrap(), [(0, first)]);
    store.commit(Commit { agenda_done: vec![(0, first)], agenda_added: vec![(1, first)], ..Commit::default() }).unwrap();
    assert_eq!(scratch.agenda(9).unwrap(), []);
    // It outlives what it is a copy of.
    drop(store);
    assert_eq!(scratch.records(&[first]).unwrap().len(), 1);
    // A commit that fails leaves nothing here either.
    let bad = Commit { agenda_added: vec![(5, first)], new_records: vec![person(first.0, "c")], ..Commit::default() };
    assert!(matches!(scratch.commit(bad), Err(StoreError::Damaged { .. })));
    assert_eq!(scratch.agenda(9).unwrap(), []);
}

fn bulk_changes_no_result(mut store: Box<dyn Store>) {
    store.bulk(true).unwrap();
    commit_records(&mut store, (1..=300).map(|id| person(id, &id.to_string())).collect());
    assert_eq!(store.records(&[RecordId(300), RecordId(1)]).unwrap().len(), 2);
    store.bulk(false).unwrap();
    assert_eq!(store.by_key(PEOPLE, &["17"]).unwrap(), [person(17, "17")]);
}

fn marks_are_kept_by_name(mut store: Box<dyn Store>) {
    let set = |store: &mut Box<dyn Store>, marks: &[(&str, Option<Value>)]| {
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

fn queued_intents_are_counted_by_type_and_kind(mut store: Box<dyn Store>) {
    let of = |id, kind, state| Intent { kind, ..intent(id, RecordId(1), state) };
    let intents_new = vec![
        of(1, IntentKind::Delete, IntentState::Queued),
        of(2, IntentKind::Delete, IntentState::Queued),
        of(3, IntentKind::Delete, IntentState::Refused),
        of(4, IntentKind::Create, IntentState::Queued),
    ];
    let ty = intents_new[0].ty;
    store.commit(Commit { new_records: vec![person(1, "a")], intents_new, ..Commit::default() }).unwrap();
    assert_eq!(store.queued(ty, IntentKind::Delete, IntentId(0)).unwrap(), 2);
    assert_eq!(store.queued(ty, IntentKind::Delete, IntentId(1)).unwrap(), 1);
    assert_eq!(store.queued(ty, IntentKind::Create, IntentId(0)).unwrap(), 1);
    assert_eq!(store.queued(ty, IntentKind::Update, IntentId(0)).unwrap(), 0);
    let other = if ty == PEOPLE { USERS } else { PEOPLE };
    assert_eq!(store.queued(other, IntentKind::Delete, IntentId(0)).unwrap(), 0);
}

fn a_record_that_is_leaving_is_not_live(mut store: Box<dyn Store>) {
    let leaving = |id, key, since| RecordState { presence: Presence::Leaving { since: Timestamp(since) }, ..person(id, key) };
    let records = vec![leaving(1, "a", 0), leaving(2, "b", 1), leaving(3, "c", i64::MAX - 1), person(4, "d")];
    commit_records(&mut store, records.clone());
    let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
    let mut found = store.records(&ids).unwrap();
    found.sort_by_key(|record| record.id);
    assert_eq!(found, records);
    assert_eq!(store.live_keys(PEOPLE, None, 9).unwrap(), [("d".to_string(), RecordId(4))]);
}
