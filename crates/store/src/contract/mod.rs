//! What every store must do, as a suite: [`check`] and [`check_reopened`] are run for each store
//! there is.
//!
//! The properties are those that [`Store`] promises. A store is asked only through its trait, so
//! that the suite says nothing of how it keeps things. Every check begins with a fresh store and
//! panics with what is not as it should be.

mod intents;
mod looking_back;
mod records;
mod samples;

use lockstep_model::change::IntentEvent;
use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, PropIx, RecordId, RecordState, RunId,
    Slot, Timestamp, TypeIx,
};
use serde_json::json;

pub use self::samples::plan;
use self::samples::{PEOPLE, USERS, awkward, entry, intent, person, review};
use crate::{Commit, IntentUpdate, Store, StoreError, TypeStatus};

/// Runs the suite; `make` gives a fresh store each time.
pub fn check(make: impl Fn() -> Box<dyn Store>) {
    let fresh = || {
        let mut store = make();
        store.bind(&plan()).unwrap();
        store
    };
    binding_tells_how_far_each_type_was_read(make());
    numbers_are_handed_out_once(fresh());
    records::a_record_comes_back_as_it_was(fresh());
    records::records_are_found_by_number_key_and_entity(fresh());
    records::keys_are_found_however_thinly_they_are_sown(fresh());
    records::a_relinked_record_changes_nothing_but_its_entity(fresh());
    records::hashes_lead_to_records(fresh());
    records::live_keys_come_in_pages(fresh());
    records::a_key_is_given_on(fresh());
    a_failed_commit_leaves_nothing(fresh());
    records::the_agenda_is_in_order_and_what_is_added_stays(fresh());
    records::pairs_are_kept_apart_both_ways(fresh());
    intents::an_intent_comes_back_as_it_was(fresh());
    intents::the_outbox_gives_what_is_due_in_order(fresh());
    intents::open_intents_are_found_and_counted(fresh());
    intents::history_of_a_record_holds_what_went_to_it_and_came_from_it(fresh());
    intents::a_creation_is_in_the_journal_by_its_intent(fresh());
    looking_back::at_most_one_review_of_a_key_is_open(fresh());
    looking_back::the_journal_is_in_order(fresh());
    looking_back::runs_are_remembered_newest_first(fresh());
    looking_back::what_runs_did_is_found_by_their_numbers(fresh());
    looking_back::a_review_keeps_its_number_while_it_is_open(fresh());
    records::linked_entities_come_in_pages(fresh());
    what_the_plan_does_not_name_any_more_is_left_out_and_kept(fresh());
    a_changed_plan_finds_properties_by_path(fresh());
    a_scratch_copy_is_independent(fresh());
    bulk_changes_no_result(fresh());
    looking_back::marks_are_kept_by_name(fresh());
    intents::queued_intents_are_counted_by_type_and_kind(fresh());
    records::a_record_that_is_leaving_is_not_live(fresh());
}

/// Runs the part of the suite that needs a store which outlives its process; `open` opens the same
/// one each time.
pub fn check_reopened(open: impl Fn() -> Box<dyn Store>) {
    let mut store = open();
    let identity = store.identity().unwrap();
    assert!(identity.len() >= 16, "{identity}");
    store.bind(&plan()).unwrap();
    let first = store.take_record_ids(2).unwrap();
    let intents = store.take_intent_ids(2).unwrap();
    let run = store.begin_run(Timestamp(5)).unwrap();
    let record = awkward(first, EntityId(first.0));
    let intent = Intent { run, ..intent(intents.0, first, IntentState::Sent) };
    let made = IntentId(intents.0 + 1);
    let creation = Intent {
        run,
        kind: IntentKind::Create,
        record: None,
        ..samples::intent(made.0, first, IntentState::Queued)
    };
    let told = |event, record| IntentUpdate {
        id: made,
        event,
        record,
        attempts: 0,
        not_before: None,
        message: None,
        done_at: record.map(|_| Timestamp(12)),
    };
    let review = review(first, Some(PropIx(1)));
    let entry = entry(run, first, 7);
    let status = TypeStatus {
        checkpoint: Some(("page 3".into(), vec![0, 255])),
        complete: true,
        fingerprint: 1,
        ..TypeStatus::default()
    };
    let commit = Commit {
        new_records: vec![record.clone()],
        keys_added: vec![(u64::MAX, first)],
        agenda_added: vec![(3, first)],
        types: vec![(PEOPLE, status.clone())],
        intents_new: vec![intent.clone(), creation],
        reviews_opened: vec![review.clone()],
        apart_added: vec![(first, RecordId(first.0 + 1))],
        journal: vec![entry.clone()],
        durable: true,
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    let handed_over = told(IntentEvent::Send, None);
    store
        .commit(Commit { intents_changed: vec![handed_over], durable: true, ..Commit::default() })
        .unwrap();
    store.end_run(run, Timestamp(9), &json!({"read": 1})).unwrap();
    drop(store);

    let mut store = open();
    assert_eq!(store.identity().unwrap(), identity, "C2: it is the same in every process");
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
    assert!(store.take_intent_ids(1).unwrap() > made, "a number was handed out twice");
    assert!(store.begin_run(Timestamp(11)).unwrap() > run);

    // C2: what was under way is known to be, and what becomes of it then stays.
    assert_eq!(ids(store.intents_in(IntentState::Sent, 9).unwrap()), [intents.0, made.0]);
    let done = told(IntentEvent::Confirm, Some(RecordId(first.0 + 1)));
    store.commit(Commit { intents_changed: vec![done], ..Commit::default() }).unwrap();
    drop(store);
    let mut store = open();
    store.bind(&plan()).unwrap();
    assert_eq!(ids(store.intents_in(IntentState::Sent, 9).unwrap()), [intents.0]);
    assert_eq!(
        ids(store.intents_of(&[RecordId(first.0 + 1)], 9).unwrap()),
        [made.0],
        "what it made"
    );
    assert_eq!(store.intent(made).unwrap().unwrap().state, IntentState::Done);
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
    store
        .commit(Commit { new_records: vec![person(before, "a")], ..Commit::default() })
        .unwrap_err();
    assert!(store.take_record_ids(1).unwrap().0 > before);
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
        event: IntentEvent::Send,
        record: None,
        attempts: 0,
        not_before: None,
        message: None,
        done_at: None,
    };
    let illegal = IntentUpdate { id: IntentId(98), event: IntentEvent::Confirm, ..update.clone() };
    store
        .commit(Commit {
            intents_new: vec![intent(98, RecordId(1), IntentState::Queued)],
            ..Commit::default()
        })
        .unwrap();
    let bad = [
        // The record key is taken; the number is taken; an intent is not there; what was never sent
        // is confirmed.
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

fn what_the_plan_does_not_name_any_more_is_left_out_and_kept(mut store: Box<dyn Store>) {
    let user = awkward(RecordId(2), EntityId(1));
    commit_records(&mut store, vec![person(1, "a"), user.clone()]);
    let to_user = intent(1, RecordId(1), IntentState::Queued);
    let commit = Commit {
        intents_new: vec![to_user.clone()],
        reviews_opened: vec![review(RecordId(1), None)],
        ..Commit::default()
    };
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
    // The types change places; of the users' properties one goes, one comes, the others change
    // places.
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
    let commit = Commit {
        new_records: vec![record.clone()],
        agenda_added: vec![(0, first)],
        ..Commit::default()
    };
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
    store
        .commit(Commit {
            agenda_done: vec![(0, first)],
            agenda_added: vec![(1, first)],
            ..Commit::default()
        })
        .unwrap();
    assert_eq!(scratch.agenda(9).unwrap(), []);
    // It outlives what it is a copy of.
    drop(store);
    assert_eq!(scratch.records(&[first]).unwrap().len(), 1);
    // A commit that fails leaves nothing here either.
    let bad = Commit {
        agenda_added: vec![(5, first)],
        new_records: vec![person(first.0, "c")],
        ..Commit::default()
    };
    assert!(matches!(scratch.commit(bad), Err(StoreError::Damaged { .. })));
    assert_eq!(scratch.agenda(9).unwrap(), []);
}

fn bulk_changes_no_result(mut store: Box<dyn Store>) {
    let sorted = |mut found: Vec<(u64, RecordId)>| {
        found.sort_unstable();
        found
    };
    store.bulk(true).unwrap();
    let people = (1..=300).map(|id| person(id, &id.to_string())).collect();
    let keys = (1..=300).map(|id| (id as u64 % 100, RecordId(id))).collect();
    store.commit(Commit { new_records: people, keys_added: keys, ..Commit::default() }).unwrap();
    assert_eq!(store.records(&[RecordId(300), RecordId(1)]).unwrap().len(), 2);
    assert_eq!(store.by_key(PEOPLE, &["301", "a"]).unwrap(), []);
    // What is both removed and added is there; what is removed is not, nor anew under another
    // number.
    let keys_removed = [1, 101, 7].map(|id| (id % 100, RecordId(id as i64))).to_vec();
    let keys_added = vec![(1, RecordId(1)), (1, RecordId(-5)), (u64::MAX, RecordId(2))];
    store.commit(Commit { keys_removed, keys_added, ..Commit::default() }).unwrap();
    let there = [(1, -5), (1, 1), (1, 201), (7, 107), (7, 207), (u64::MAX, 2)]
        .map(|(hash, id)| (hash, RecordId(id)));
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
    store.bulk(false).unwrap();
    assert_eq!(sorted(store.by_hash(&[7, u64::MAX, 1, 1_000]).unwrap()), there);
    assert_eq!(store.by_key(PEOPLE, &["400"]).unwrap(), [person(400, "400")]);
    store.commit(Commit { keys_removed: vec![(1, RecordId(201))], ..Commit::default() }).unwrap();
    assert_eq!(sorted(store.by_hash(&[1]).unwrap()), there[..2]);
}
