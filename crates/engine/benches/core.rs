//! The core's speed: `cargo bench -p lockstep-engine`. Pages of 1,000 people in each of two
//! systems, linked by e-mail.

use std::collections::HashMap;

use divan::Bencher;
use divan::counter::ItemsCount;
use lockstep_engine::keys::hashes;
use lockstep_engine::observe::{Looks, Reading};
use lockstep_engine::plan::Schemas;
use lockstep_engine::slice::ReadThrough;
use lockstep_engine::{Plan, Slice, decide, observe};
use lockstep_model::flow::{Create, PropertyRef};
use lockstep_model::{
    Flow, MatchRow, PropertyPair, ReadRecord, RecordId, RecordState, RunId, Timestamp, TypeIx,
    TypeName, TypeSchema, Value,
};

const PAGE: usize = 1_000;

fn main() {
    divan::main();
}

fn plan() -> Plan {
    let pair = |p: &str, q: &str| PropertyPair::equal(PropertyRef::new(p), PropertyRef::new(q));
    let flow = Flow {
        create: Create::Always,
        matches: vec![MatchRow::single(PropertyRef::new("mail"), PropertyRef::new("email"))],
        properties: vec![
            pair("first", "first"),
            pair("last", "last"),
            pair("mail", "email"),
            pair("phone", "phone"),
        ],
        ..Flow::between(TypeName::new("a", "Contacts"), TypeName::new("b", "Person"))
    };
    let mut schemas = Schemas::new();
    schemas.insert("a".into(), vec![TypeSchema::open("Contacts")]);
    schemas.insert("b".into(), vec![TypeSchema::open("Person")]);
    Plan::compile(&[flow], &schemas).expect("a sound flow")
}

fn page(offset: usize) -> Vec<ReadRecord> {
    (offset..offset + PAGE)
        .map(|n| ReadRecord {
            id: format!("{n}"),
            version: Some("1".into()),
            modified: Some(Timestamp(1_000)),
            deleted: false,
            values: ["mail", "first", "last", "phone"]
                .iter()
                .map(|p| {
                    Some(Value::String(if *p == "mail" {
                        format!("person{n}@example.com")
                    } else {
                        format!("{p} {n}")
                    }))
                })
                .collect(),
        })
        .collect()
}

fn reading(ty: u16, first_id: i64) -> Reading {
    Reading {
        ty: TypeIx(ty),
        now: Timestamp(2_000),
        asked: Timestamp(2_000),
        untold: Timestamp(2_000),
        previous: None,
        first_id: RecordId(first_id),
        looks: Looks::ForChanges,
        reindex: false,
    }
}

#[divan::bench]
fn observe_a_new_page(bencher: Bencher) {
    let plan = plan();
    bencher
        .counter(ItemsCount::new(PAGE))
        .with_inputs(|| page(0))
        .bench_values(|page| observe(&plan, reading(0, 1), page, HashMap::new()));
}

#[divan::bench]
fn observe_an_unchanged_page(bencher: Bencher) {
    // R2: the hot path.
    let plan = plan();
    let known: HashMap<String, RecordState> =
        observe(&plan, reading(0, 1), page(0), HashMap::new())
            .new
            .into_iter()
            .map(|r| (r.key.clone(), r))
            .collect();
    bencher
        .counter(ItemsCount::new(PAGE))
        .with_inputs(|| (page(0), known.clone()))
        .bench_values(|(page, known)| observe(&plan, reading(0, 1), page, known));
}

#[divan::bench]
fn decide_on_a_page_half_of_it_matching(bencher: Bencher) {
    let plan = plan();
    let a = observe(&plan, reading(0, 1), page(0), HashMap::new()).new;
    let b = observe(&plan, reading(1, 1 + PAGE as i64), page(PAGE / 2), HashMap::new()).new;
    let slice = || {
        let records: lockstep_model::NumberMap<RecordId, RecordState> =
            a.iter().chain(&b).map(|r| (r.id, r.clone())).collect();
        let through = vec![
            ReadThrough {
                complete: true,
                from: Some(Timestamp(3_000)),
                in_doubt: false,
                not_believed: false
            };
            2
        ];
        let mut slice = Slice::new(
            Timestamp(4_000),
            RunId(1),
            a.iter().map(|r| r.id).collect(),
            records,
            through,
        );
        for record in a.iter().chain(&b) {
            for hash in hashes(&plan, record) {
                slice.by_hash.entry(hash).or_default().push(record.id);
            }
        }
        slice
    };
    bencher
        .counter(ItemsCount::new(PAGE))
        .with_inputs(slice)
        .bench_values(|mut slice| decide(&plan, &mut slice));
}
