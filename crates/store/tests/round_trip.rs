//! Whatever state a record is in, it comes back exactly: what is left out of a row because it can
//! be told from the rest must be told from the rest.

use lockstep_model::value::effective;
use lockstep_model::{
    Claim, ClaimStamp, EntityId, Flips, Presence, PropIx, RecordId, RecordState, Slot, Timestamp,
    TypeIx, Value,
};
use lockstep_store::boundary::*;
use lockstep_store::{Commit, SqliteStore, contract};
use proptest::prelude::*;

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..100_000i64).prop_map(|cents| Value::from(cents as f64 / 100.0)),
        any::<String>().prop_map(Value::from),
        "[ a-z\"\\\\]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[a-c\u{e5}\"]{0,2}", inner), 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Few different times, so that they are shared.
fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(1), Just(2), any::<i64>()].prop_map(Timestamp)
}

fn any_stamp() -> impl Strategy<Value = ClaimStamp> {
    // The record itself, a record of the other type, one that nobody knows.
    let record = prop_oneof![Just(1i64), Just(2), Just(-9)].prop_map(RecordId);
    (any_time(), record, 0..4u16).prop_map(|(at, record, prop)| ClaimStamp {
        at,
        record,
        prop: PropIx(prop),
    })
}

fn any_goes() -> impl Strategy<Value = Vec<(TypeIx, Vec<PropIx>)>> {
    let of_type = |ty| {
        prop::option::of(prop::collection::vec((0..4u16).prop_map(PropIx), 0..3))
            .prop_map(move |props| (TypeIx(ty), props))
    };
    (of_type(0), of_type(1)).prop_map(|(a, b)| {
        [a, b].into_iter().filter_map(|(ty, props)| Some((ty, props?))).collect()
    })
}

fn any_slot() -> impl Strategy<Value = Slot> {
    let value = (any_value(), 0..4u8);
    let claim = prop::option::weighted(
        0.7,
        (value, any_time(), prop_oneof![4 => Just(vec![]), 1 => any_goes()]),
    );
    let rarely = 0.1;
    let rest = (
        prop::option::weighted(rarely, any_stamp()),
        prop::option::weighted(rarely, any_value()),
        prop::option::weighted(rarely, any_value()),
        prop::option::weighted(rarely, any_value()),
        prop::option::weighted(rarely, any_value()),
        prop::option::weighted(rarely, (any_value(), any::<u32>(), any::<u32>())),
    );
    (prop::option::weighted(0.8, any_value()), claim, rest).prop_map(
        |(shadow, claim, (carries, displaced, pick, given, before, flips))| {
            let claim = claim.map(|((other, choice), at, goes)| {
                let value = match (&shadow, choice) {
                    (Some(shadow), 0) => shadow.clone(),
                    (Some(shadow), 1 | 2) => effective(shadow, false).clone(),
                    _ => other,
                };
                Claim { value, at, goes }
            });
            let flips = flips.map(|(to, times, rounds)| Box::new(Flips { to, times, rounds }));
            let [displaced, pick, given, before] =
                [displaced, pick, given, before].map(|value: Option<Value>| value.map(Box::new));
            Slot { shadow, claim, carries, displaced, pick, given, before, flips }
        },
    )
}

fn any_record(id: i64, ty: u16, properties: usize) -> impl Strategy<Value = RecordState> {
    let head = (
        any::<String>(),
        any::<i64>(),
        prop::option::of(any::<String>()),
        prop::option::of(any_time()),
        any_time(),
    );
    let rest = (
        any::<bool>(),
        prop::option::of(any_time()),
        prop::collection::vec(any_slot(), properties),
    );
    (head, rest).prop_map(
        move |((key, entity, version, modified, first_seen), (gone, written_at, slots))| {
            RecordState {
                id: RecordId(id),
                ty: TypeIx(ty),
                key,
                entity: EntityId(entity),
                version,
                modified,
                first_seen,
                presence: if gone { Presence::Gone } else { Presence::Live },
                written_at,
                slots,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_record_comes_back_exactly(first in any_record(1, 0, 4), other in any_record(2, 1, 5), second in any_record(1, 0, 4)) {
        let mut store = SqliteStore::in_memory().unwrap();
        store.bind(&contract::plan()).unwrap();
        store.commit(&store.lease(), Commit { new_records: vec![first.clone(), other.clone()], ..Commit::default() }).unwrap();
        prop_assert_eq!(store.records(&[first.id]).unwrap(), [first.clone()]);
        prop_assert_eq!(store.by_key(other.ty, &[&other.key]).unwrap(), [other]);
        // A record keeps its key.
        let second = RecordState { key: first.key, ..second };
        store.commit(&store.lease(), Commit { changed_records: vec![second.clone()], ..Commit::default() }).unwrap();
        prop_assert_eq!(store.members(&[second.entity]).unwrap().into_iter().find(|r| r.id == second.id), Some(second));
    }
}
