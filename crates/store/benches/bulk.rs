//! How fast the SQLite store takes in and gives back a large project:
//! `cargo bench -p lockstep-store --bench bulk -- 1000000`.
//!
//! Records of four short texts with one match key each, in commits of 20,000 of one type after the
//! other; then what a first run does with them. Numbers are rows a second of each step; they are
//! for comparing settings on one machine, not machines.

use std::time::{Duration, Instant};

use lockstep_model::change::IntentEvent;
use lockstep_model::ids::TypeName;
use lockstep_model::{
    BaseVersion, Change, Claim, ClaimStamp, Detail, EntityId, FlowIx, Intent, IntentId, IntentKind,
    IntentState, Presence, PropIx, RecordId, RecordState, Rule, Slot, Timestamp, TypeIx, Value,
};
use lockstep_store::boundary::*;
use lockstep_store::{
    AgendaEntry, BoundType, Commit, IntentUpdate, JournalEntry, JournalKind, Leased, SqliteStore,
};

const BATCH: i64 = 20_000;

/// A fixed scattering of numbers: the finaliser of SplitMix64.
fn scattered(number: i64) -> u64 {
    let mut z = (number as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn record(id: i64, random: bool) -> RecordState {
    let key = if random { format!("{:016x}", scattered(-id)) } else { format!("a{id:09}") };
    let texts = [
        format!("Ingrid {id}"),
        format!("Solberg {}", id % 977),
        format!("ingrid.{id}@example.com"),
        format!("+47 {id:08}"),
    ];
    let slot = |text: String| {
        let value = Value::from(text);
        let claim =
            Some(Claim { value: value.clone(), at: Timestamp(1_700_000_000_000), goes: vec![] });
        Slot { shadow: Some(value), claim, ..Slot::default() }
    };
    RecordState {
        id: RecordId(id),
        ty: TypeIx((id / BATCH % 2) as u16),
        key,
        entity: EntityId(id),
        version: Some(format!("{:08x}", scattered(id) as u32)),
        modified: Some(Timestamp(1_700_000_000_000)),
        first_seen: Timestamp(1_700_000_000_000),
        presence: Presence::Live,
        written_at: None,
        slots: texts.map(slot).to_vec(),
    }
}

fn intent(id: i64) -> Intent {
    let change = |prop, text: String| Change {
        prop: PropIx(prop),
        value: Value::from(text),
        displaced: Value::Null.into(),
        counterpart_of: None,
        claim: ClaimStamp {
            at: Timestamp(1_700_000_000_000),
            record: RecordId(id),
            prop: PropIx(prop),
        },
        rule: Rule::P1,
        reason: lockstep_model::Reason::Latest,
    };
    Intent {
        id: IntentId(id),
        run: lockstep_model::RunId(1),
        kind: IntentKind::Create,
        rank: 0,
        ty: TypeIx(((id / BATCH + 1) % 2) as u16),
        record: None,
        entity: EntityId(id),
        source: RecordId(id).into(),
        flow: FlowIx(0),
        base_version: BaseVersion::Unknown,
        changes: vec![
            change(0, format!("Ingrid {id}")),
            change(1, format!("Solberg {}", id % 977)),
            change(2, format!("ingrid.{id}@example.com")),
            change(3, format!("+47 {id:08}")),
        ],
        state: IntentState::Queued,
        attempts: 0,
        not_before: None,
        message: None,
        decided_at: Timestamp(1_700_000_000_000),
        done_at: None,
    }
}

fn written(record: i64, intent: &Intent) -> JournalEntry {
    JournalEntry {
        at: Timestamp(1_700_000_000_000),
        run: intent.run,
        kind: JournalKind::Written,
        about: RecordId(record).into(),
        path: None,
        before: Value::Null,
        after: Value::Null,
        rule: None,
        other: intent.source.record(),
        intent: Some(intent.id),
        detail: Detail::Nothing,
    }
}

/// Time by the clock, and of the processor where the system tells it: other work on the machine
/// spoils the first.
#[derive(Default)]
struct Spent {
    clock: Duration,
    processor: Duration,
}

impl Spent {
    fn on<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (began, before) = (Instant::now(), processor());
        let done = work();
        self.clock += began.elapsed();
        self.processor += processor().saturating_sub(before);
        done
    }

    fn print(&self, what: &str, rows: i64) {
        let (clock, processor) = (self.clock.as_secs_f64(), self.processor.as_secs_f64());
        println!(
            "{what:<38} {:>10.0} rows/s {clock:>7.2} s, processor {processor:>6.2} s",
            rows as f64 / clock
        );
    }
}

fn processor() -> Duration {
    let told = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0))
}

fn main() {
    let count: i64 = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(2_000);
    let random = std::env::args().any(|arg| arg == "random");
    let folder =
        tempfile::tempdir_in(std::env::var("BENCH_DIR").unwrap_or_else(|_| "/var/tmp".into()))
            .unwrap();
    let path = folder.path().join("store.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let types = ["left.People", "right.People"].map(|name| BoundType {
        name: TypeName::parse(name).unwrap(),
        properties: ["first", "last", "email", "phone"].map(String::from).to_vec(),
        fingerprint: 1,
        flows: vec![FlowIx(0); 2],
    });
    store.bind(&types).unwrap();
    let store: Box<dyn Store> = if std::env::args().any(|arg| arg == "scratch") {
        store.scratch().unwrap()
    } else {
        Box::new(store)
    };
    let mut store = Leased::new(store);
    store.bulk_load(true).unwrap();
    let batches =
        || (1..=count).step_by(BATCH as usize).map(|low| low..(low + BATCH).min(count + 1));
    let timed = |what: &str, rows: i64, work: &mut dyn FnMut()| {
        let mut spent = Spent::default();
        spent.on(work);
        spent.print(what, rows);
    };

    timed("insert: record, key, agenda", count, &mut || {
        for range in batches() {
            store.take_record_ids(range.clone().count()).unwrap();
            let commit = Commit {
                new_records: range.clone().map(|id| record(id, random)).collect(),
                keys_added: range.clone().map(|id| (scattered(id), RecordId(id))).collect(),
                agenda_added: range.map(|id| AgendaEntry::new(0, RecordId(id))).collect(),
                ..Commit::default()
            };
            store.commit(commit).unwrap();
        }
    });
    timed("  of which making the records", count, &mut || {
        for range in batches() {
            std::hint::black_box(range.map(|id| record(id, random)).collect::<Vec<_>>());
        }
    });
    timed("by hash", count, &mut || {
        for range in batches() {
            let hashes: Vec<u64> = range.map(scattered).collect();
            assert_eq!(store.by_hash(&hashes).unwrap().len(), hashes.len());
        }
    });
    timed("by key", count, &mut || {
        for range in batches() {
            let records: Vec<_> = range.map(|id| record(id, random)).collect();
            for ty in [TypeIx(0), TypeIx(1)] {
                let keys: Vec<&str> =
                    records.iter().filter(|r| r.ty == ty).map(|r| r.key.as_str()).collect();
                assert_eq!(store.by_key(ty, &keys).unwrap().len(), keys.len());
            }
        }
    });
    timed("load by number, in ranges", count, &mut || {
        for range in batches() {
            let ids: Vec<RecordId> = range.map(RecordId).collect();
            assert_eq!(store.records(&ids).unwrap().len(), ids.len());
        }
    });
    timed("load by number, scattered (a tenth)", count / 10, &mut || {
        for at in (0..count / 10).step_by(2_000) {
            let ids: Vec<RecordId> = (at..at + 2_000)
                .map(|n| RecordId((scattered(n) % count as u64) as i64 + 1))
                .collect();
            assert!(!store.records(&ids).unwrap().is_empty());
        }
    });
    timed("relink half, agenda done", count, &mut || {
        for range in batches() {
            let commit = Commit {
                relinked: range
                    .clone()
                    .filter(|id| id % 2 == 0)
                    .map(|id| (RecordId(id), EntityId(id - 1)))
                    .collect(),
                agenda_done: range.map(|id| AgendaEntry::new(0, RecordId(id))).collect(),
                ..Commit::default()
            };
            store.commit(commit).unwrap();
        }
    });
    timed("members", count, &mut || {
        for range in batches() {
            let entities: Vec<EntityId> = range.map(EntityId).collect();
            store.members(&entities).unwrap();
        }
    });
    timed("change all, whole", count, &mut || {
        for range in batches() {
            let changed = range
                .map(|id| RecordState { written_at: Some(Timestamp(7)), ..record(id, random) })
                .collect();
            store.commit(Commit { changed_records: changed, ..Commit::default() }).unwrap();
        }
    });
    timed("intents: decide", count, &mut || {
        for range in batches() {
            let commit = Commit { intents_new: range.map(intent).collect(), ..Commit::default() };
            store.commit(commit).unwrap();
        }
    });
    let update = |id, event, record| IntentUpdate {
        id: IntentId(id),
        event,
        record,
        attempts: 1,
        not_before: None,
        message: None,
        done_at: None,
    };
    let (mut load, mut send, mut settle) = (Spent::default(), Spent::default(), Spent::default());
    let (mut left, mut next) = (count, count + 1);
    while left > 0 {
        let batch = load.on(|| store.outbox(Timestamp(0), &[TypeIx(0), TypeIx(1)], 5_000).unwrap());
        left -= batch.len() as i64;
        let sent =
            batch.iter().map(|intent| update(intent.id.0, IntentEvent::Send, None)).collect();
        send.on(|| {
            store
                .commit(Commit { intents_changed: sent, durable: true, ..Commit::default() })
                .unwrap()
        });
        let mut done = Commit::default();
        for intent in batch {
            done.intents_changed.push(update(
                intent.id.0,
                IntentEvent::Confirm,
                Some(RecordId(next)),
            ));
            done.journal.push(written(next, &intent));
            next += 1;
        }
        settle.on(|| store.commit(done).unwrap());
    }
    load.print("intents: outbox", count);
    send.print("intents: sent, durable", count);
    settle.print("intents: done, and in the journal", count);
    timed("end of bulk", count, &mut || store.bulk_load(false).unwrap());
    timed("scratch copy", count, &mut || drop(store.scratch().unwrap()));
    println!("{} MB on disk", std::fs::metadata(&path).unwrap().len() / 1_000_000);
}
