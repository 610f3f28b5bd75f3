//! Intents: what is to be sent, and what became of it.

use lockstep_model::change::IntentEvent;
use lockstep_model::detail::Wrote;
use lockstep_model::{
    BaseVersion, EntityId, FlowIx, Intent, IntentId, IntentKind, IntentState, RecordId, Rule,
    RunId, Source, Timestamp, TypeIx,
};

use super::kit::{commit_records, ids, sorted};
use super::samples::plan;
use super::samples::{PEOPLE, USERS, awkward, entry, intent, person};
use crate::{Commit, IntentUpdate, JournalKind, Leased};

pub(super) fn an_intent_from_the_lack_of_a_record_keeps_its_flow(mut store: Leased) {
    commit_records(&mut store, vec![person(1, "a")]);
    let mut other = plan();
    other[USERS.at()].flows = vec![FlowIx(7), FlowIx(8)];
    store.bind(&other).unwrap();
    // It is of the record type that lacks one.
    let from_lack = Intent {
        kind: IntentKind::Delete,
        ty: USERS,
        source: Source::Lack,
        flow: FlowIx(7),
        changes: vec![],
        ..intent(1, RecordId(1), IntentState::Queued)
    };
    store.commit(Commit { intents_new: vec![from_lack.clone()], ..Commit::default() }).unwrap();
    assert_eq!(store.intent(IntentId(1)).unwrap(), Some(from_lack));
    other[USERS.at()].flows = vec![FlowIx(9), FlowIx(5)];
    store.bind(&other).unwrap();
    assert_eq!(store.intent(IntentId(1)).unwrap().unwrap().flow, FlowIx(9));
}

fn taken_back(id: i64) -> Intent {
    let source = Source::TakesBack(RecordId(1));
    Intent { record: Some(RecordId(1)), source, ..intent(id, RecordId(1), IntentState::Queued) }
}

pub(super) fn an_intent_comes_back_as_it_was(mut store: Leased) {
    commit_records(&mut store, vec![person(1, "a")]);
    let first = Intent {
        done_at: Some(Timestamp(1)),
        not_before: Some(Timestamp(-2)),
        ..intent(1, RecordId(1), IntentState::Queued)
    };
    let second = Intent {
        kind: IntentKind::Create,
        record: None,
        base_version: BaseVersion::Unseen,
        changes: vec![],
        message: None,
        entity: EntityId(1),
        // Its source is not known, so its claims are kept by number.
        ..intent(2, RecordId(50), IntentState::Sent)
    };
    let third = Intent { kind: IntentKind::Delete, ..intent(3, RecordId(50), IntentState::Queued) };
    let all = [first.clone(), second.clone(), third.clone(), taken_back(4)];
    store.commit(Commit { intents_new: all.to_vec(), ..Commit::default() }).unwrap();
    for intent in all {
        assert_eq!(store.intent(intent.id).unwrap(), Some(intent));
    }
    assert_eq!(store.intent(IntentId(5)).unwrap(), None);
    // The flow is the one that leads there now; from a record that nobody knows, that of the record
    // type itself.
    let mut other = plan();
    other[USERS.at()].flows = vec![FlowIx(7), FlowIx(8)];
    store.bind(&other).unwrap();
    let flow = |store: &mut Leased, id| store.intent(IntentId(id)).unwrap().unwrap().flow;
    assert_eq!((flow(&mut store, 1), flow(&mut store, 2)), (FlowIx(7), FlowIx(8)));
    store.bind(&plan()).unwrap();
    let update = |id, event, record| IntentUpdate {
        id: IntentId(id),
        event,
        record,
        attempts: 3,
        not_before: Some(Timestamp(8)),
        message: Some("ok".into()),
        done_at: Some(Timestamp(9)),
    };
    let bare = IntentUpdate {
        not_before: None,
        message: None,
        done_at: None,
        ..update(1, IntentEvent::Confirm, None)
    };
    let updates = vec![
        update(1, IntentEvent::Send, None),
        update(2, IntentEvent::Confirm, Some(RecordId(60))),
        bare,
    ];
    store.commit(Commit { intents_changed: updates, ..Commit::default() }).unwrap();
    let done = Intent { state: IntentState::Done, attempts: 3, ..first };
    // The last word counts; what an update does not speak of stays.
    assert_eq!(
        store.intent(IntentId(1)).unwrap(),
        Some(Intent { not_before: None, message: None, done_at: None, ..done })
    );
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

pub(super) fn the_outbox_gives_what_is_due_in_order(mut store: Leased) {
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
    all.push(Intent { kind: IntentKind::Create, record: None, ..queued(0, 2, PEOPLE, None) });
    for (state, id) in
        [IntentState::Sent, IntentState::Unknown, IntentState::Refused, IntentState::Done]
            .into_iter()
            .zip(20..)
    {
        all.push(Intent { state, ..queued(id, 0, USERS, None) });
    }
    store.commit(Commit { intents_new: all, ..Commit::default() }).unwrap();
    let due = |store: &mut Leased, now, types: &[TypeIx], limit| {
        ids(store.outbox(Timestamp(now), types, limit).unwrap())
    };
    assert_eq!(
        due(&mut store, 100, &[PEOPLE, USERS], 9),
        [4, 9, 2, 1, 5, 0],
        "what is to be created comes last of its rank"
    );
    assert_eq!(due(&mut store, 99, &[USERS, PEOPLE, USERS], 3), [4, 9, 1]);
    assert_eq!(due(&mut store, 101, &[USERS], 9), [9, 3, 1]);
    assert_eq!(due(&mut store, 100, &[], 9), [0i64; 0]);
    // Sent is out; put back is in again, when its time has come.
    let step = |id, event, not_before: Option<i64>| IntentUpdate {
        id: IntentId(id),
        event,
        record: None,
        attempts: 1,
        not_before: not_before.map(Timestamp),
        message: None,
        done_at: None,
    };
    let updates = vec![
        step(4, IntentEvent::Send, None),
        step(9, IntentEvent::Delay, Some(500)),
        step(20, IntentEvent::PutBack, None),
    ];
    store.commit_unflushed(Commit { intents_changed: updates, ..Commit::default() }).unwrap()()
        .unwrap();
    assert_eq!(due(&mut store, 100, &[PEOPLE, USERS], 9), [20, 2, 1, 5, 0]);
    assert_eq!(due(&mut store, 500, &[PEOPLE, USERS], 9), [9, 20, 2, 3, 1, 5, 0]);
}

pub(super) fn open_intents_are_found_and_counted(mut store: Leased) {
    use IntentState::*;
    let states = [Queued, Sent, Unknown, Refused, Done, Dropped, Queued];
    let all: Vec<_> = states
        .into_iter()
        .zip(1..)
        .map(|(state, id)| intent(id, RecordId(1 + id % 3), state))
        .collect();
    store.commit(Commit { intents_new: all.clone(), ..Commit::default() }).unwrap();
    let open = |store: &mut Leased, list: &[i64]| {
        let list: Vec<_> = list.iter().map(|id| EntityId(*id)).collect();
        sorted(ids(store.open_intents(&list).unwrap()))
    };
    assert_eq!(open(&mut store, &[2]), [1, 4, 7]);
    assert_eq!(open(&mut store, &[3, 1, 3, 40]), [2, 3]);
    assert_eq!(store.open_intents(&[EntityId(1)]).unwrap(), [all[2].clone()]);
    assert_eq!(ids(store.tried(9).unwrap()), [1, 2, 3, 7], "what was refused is tried no more");
    assert_eq!(ids(store.tried(2).unwrap()), [1, 2]);
    for state in states {
        let expected: Vec<i64> =
            all.iter().filter(|intent| intent.state == state).map(|intent| intent.id.0).collect();
        assert_eq!(ids(store.intents_in(state, 9).unwrap()), expected, "{state:?}");
    }
    assert_eq!(ids(store.intents_in(Queued, 1).unwrap()), [1]);
    let counts = |store: &mut Leased| {
        let counts = store.intent_counts().unwrap().into_iter().filter(|(_, count)| *count > 0);
        sorted(counts.map(|(state, count)| (state.name(), count)).collect())
    };
    assert_eq!(counts(&mut store), [("queued", 2), ("refused", 1), ("sent", 1), ("unknown", 1)]);
    let done = IntentUpdate {
        id: IntentId(1),
        event: IntentEvent::Drop,
        record: None,
        attempts: 1,
        not_before: None,
        message: None,
        done_at: None,
    };
    store.commit(Commit { intents_changed: vec![done], ..Commit::default() }).unwrap();
    assert_eq!(open(&mut store, &[2]), [4, 7]);
    assert_eq!(counts(&mut store), [("queued", 1), ("refused", 1), ("sent", 1), ("unknown", 1)]);
}

pub(super) fn history_of_a_record_holds_what_went_to_it_and_came_from_it(mut store: Leased) {
    let between = |id, record: Option<i64>, source, state| {
        let kind = if record.is_some() { IntentKind::Update } else { IntentKind::Create };
        Intent { kind, record: record.map(RecordId), ..intent(id, RecordId(source), state) }
    };
    let all = vec![
        between(5, Some(1), 2, IntentState::Done),
        between(1, Some(2), 1, IntentState::Dropped),
        between(2, None, 1, IntentState::Sent),
        between(3, Some(3), 4, IntentState::Done),
        between(4, Some(1), 1, IntentState::Refused),
    ];
    store.commit(Commit { intents_new: all, ..Commit::default() }).unwrap();
    let of = |store: &mut Leased, list: &[i64], limit| {
        let list: Vec<_> = list.iter().map(|id| RecordId(*id)).collect();
        ids(store.intents_of(&list, limit).unwrap())
    };
    assert_eq!(of(&mut store, &[1], 9), [1, 2, 4, 5]);
    assert_eq!(of(&mut store, &[3, 2], 9), [1, 3, 5]);
    assert_eq!(of(&mut store, &[1, 3], 3), [1, 2, 3]);
    // What a creation made is known from then on.
    let made = IntentUpdate {
        id: IntentId(2),
        event: IntentEvent::Confirm,
        record: Some(RecordId(8)),
        attempts: 1,
        not_before: None,
        message: None,
        done_at: None,
    };
    store.commit(Commit { intents_changed: vec![made], ..Commit::default() }).unwrap();
    assert_eq!(of(&mut store, &[8], 9), [2]);
}

pub(super) fn a_creation_is_in_the_journal_by_its_intent(mut store: Leased) {
    commit_records(&mut store, vec![person(1, "a")]);
    let create = Intent {
        kind: IntentKind::Create,
        record: None,
        ..intent(1, RecordId(1), IntentState::Sent)
    };
    let update = Intent { record: Some(RecordId(2)), ..intent(2, RecordId(1), IntentState::Done) };
    store.commit(Commit { intents_new: vec![create, update], ..Commit::default() }).unwrap();
    let done = IntentUpdate {
        id: IntentId(1),
        event: IntentEvent::Confirm,
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
    assert_eq!(
        (created.kind, created.at, created.rule),
        (JournalKind::Written, Timestamp(10), Some(Rule::C1))
    );
    assert_eq!((created.other, created.intent), (Some(RecordId(1)), Some(IntentId(1))));
    let key = awkward(RecordId(2), EntityId(1)).key;
    let record = format!("{}/{key}", plan()[USERS.at()].name);
    assert_eq!(created.detail, Wrote::Created { record }.into());
    assert_eq!(store.journal(&[RecordId(1)], 9).unwrap(), []);
}

pub(super) fn queued_intents_are_counted_by_type_and_kind(mut store: Leased) {
    let of = |id, kind, state| Intent { kind, ..intent(id, RecordId(1), state) };
    let intents_new = vec![
        of(1, IntentKind::Delete, IntentState::Queued),
        of(2, IntentKind::Delete, IntentState::Queued),
        of(3, IntentKind::Delete, IntentState::Refused),
        of(4, IntentKind::Create, IntentState::Queued),
    ];
    let ty = intents_new[0].ty;
    store
        .commit(Commit { new_records: vec![person(1, "a")], intents_new, ..Commit::default() })
        .unwrap();
    assert_eq!(store.queued(ty, IntentKind::Delete, IntentId(0)).unwrap(), 2);
    assert_eq!(store.queued(ty, IntentKind::Delete, IntentId(1)).unwrap(), 1);
    assert_eq!(store.queued(ty, IntentKind::Create, IntentId(0)).unwrap(), 1);
    assert_eq!(store.queued(ty, IntentKind::Update, IntentId(0)).unwrap(), 0);
    let other = if ty == PEOPLE { USERS } else { PEOPLE };
    assert_eq!(store.queued(other, IntentKind::Delete, IntentId(0)).unwrap(), 0);
}
