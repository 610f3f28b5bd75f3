//! The part of the suite that needs a store which outlives its process.

use lockstep_model::change::IntentEvent;
use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, KeyOwner, PropIx, RecordId, RecordState,
    Review, RunId, Timestamp,
};
use serde_json::json;

use super::kit::ids;
use super::samples::{PEOPLE, awkward, entry, intent, plan, review};
use crate::{AgendaEntry, Commit, IntentUpdate, JournalEntry, Leased, Store, TypeStatus};

/// Runs the part of the suite that needs a store which outlives its process; `open` opens the same
/// one each time.
pub fn check_reopened(open: impl Fn() -> Box<dyn Store>) {
    let open = || Leased::new(open());
    let mut store = open();
    let identity = store.identity().unwrap();
    assert!(identity.len() >= 16, "{identity}");
    store.bind(&plan()).unwrap();
    let told = Told::by(&mut store);
    // Taken, and in no commit.
    let (record, intent) = (store.take_record_ids(3).unwrap(), store.take_intent_ids(3).unwrap());
    drop(store);

    let mut store = open();
    let next = (store.take_record_ids(1).unwrap(), store.take_intent_ids(1).unwrap());
    assert!(next.0.0 >= record.0 + 3 && next.1.0 >= intent.0 + 3, "a number was handed out twice");
    assert_eq!(store.identity().unwrap(), identity, "C2: it is the same in every process");
    told.is_remembered(&mut store);

    // C2: what was under way is known to be, and what becomes of it then stays.
    let (sent, made) = (told.intent.id, told.made);
    assert_eq!(ids(store.intents_in(IntentState::Sent, 9).unwrap()), [sent.0, made.0]);
    let record = RecordId(told.record.id.0 + 1);
    let done = outcome(made, IntentEvent::Confirm, Some(record));
    store.commit(Commit { intents_changed: vec![done], ..Commit::default() }).unwrap();
    drop(store);
    let mut store = open();
    store.bind(&plan()).unwrap();
    assert_eq!(ids(store.intents_in(IntentState::Sent, 9).unwrap()), [sent.0]);
    assert_eq!(ids(store.intents_of(&[record], 9).unwrap()), [made.0], "what it made");
    assert_eq!(store.intent(made).unwrap().unwrap().state, IntentState::Done);
}

/// What is told to a store before its process ends.
struct Told {
    run: RunId,
    status: TypeStatus,
    record: RecordState,
    /// It was under way.
    intent: Intent,
    /// A creation that was handed over.
    made: IntentId,
    review: Review,
    entry: JournalEntry,
}

impl Told {
    fn by(store: &mut Leased) -> Told {
        let first = store.take_record_ids(2).unwrap();
        let intents = store.take_intent_ids(2).unwrap();
        let run = store.begin_run(Timestamp(5)).unwrap();
        let made = IntentId(intents.0 + 1);
        let creation = Intent {
            run,
            kind: IntentKind::Create,
            record: None,
            ..intent(made.0, first, IntentState::Queued)
        };
        let told = Told {
            run,
            status: TypeStatus {
                checkpoint: Some(("page 3".into(), vec![0, 255])),
                complete: true,
                fingerprint: 1,
                ..TypeStatus::default()
            },
            record: awkward(first, EntityId(first.0)),
            intent: Intent { run, ..intent(intents.0, first, IntentState::Sent) },
            made,
            review: review(first, Some(PropIx(1))),
            entry: entry(run, first, 7),
        };
        let commit = Commit {
            new_records: vec![told.record.clone()],
            keys_added: vec![(u64::MAX, first)],
            agenda_added: vec![AgendaEntry::new(3, first)],
            types: vec![(PEOPLE, told.status.clone())],
            intents_new: vec![told.intent.clone(), creation],
            reviews_opened: vec![told.review.clone()],
            apart_added: vec![(first, RecordId(first.0 + 1))],
            journal: vec![told.entry.clone()],
            durable: true,
            ..Commit::default()
        };
        store.commit(commit).unwrap();
        let handed_over = vec![outcome(made, IntentEvent::Send, None)];
        let commit = Commit { intents_changed: handed_over, durable: true, ..Commit::default() };
        store.commit(commit).unwrap();
        store.end_run(run, Timestamp(9), &json!({"read": 1})).unwrap();
        told
    }

    fn is_remembered(&self, store: &mut Leased) {
        let first = self.record.id;
        assert_eq!(store.bind(&plan()).unwrap()[0], self.status);
        assert_eq!(store.records(&[first]).unwrap(), std::slice::from_ref(&self.record));
        assert_eq!(store.by_hash(&[u64::MAX]).unwrap(), [(u64::MAX, KeyOwner::Record(first))]);
        assert_eq!(store.agenda(9).unwrap(), [AgendaEntry::new(3, first)]);
        assert_eq!(store.intent(self.intent.id).unwrap().as_ref(), Some(&self.intent));
        assert_eq!(store.open_reviews(&[first]).unwrap(), std::slice::from_ref(&self.review));
        assert_eq!(store.apart(&[first]).unwrap(), [(first, RecordId(first.0 + 1))]);
        assert_eq!(store.journal(&[first], 9).unwrap(), std::slice::from_ref(&self.entry));
        assert_eq!(store.runs(9).unwrap()[0].summary, json!({"read": 1}));
        let next = store.take_record_ids(1).unwrap();
        assert!(next.0 >= first.0 + 2, "a number was handed out twice");
        assert!(store.take_intent_ids(1).unwrap() > self.made, "a number was handed out twice");
        assert!(store.begin_run(Timestamp(11)).unwrap() > self.run);
    }
}

/// What became of an intent.
fn outcome(id: IntentId, event: IntentEvent, record: Option<RecordId>) -> IntentUpdate {
    IntentUpdate {
        id,
        event,
        record,
        attempts: 0,
        not_before: None,
        message: None,
        done_at: record.map(|_| Timestamp(12)),
    }
}
