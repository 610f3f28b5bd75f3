//! C2, L6, R9: creations that found a record, or may have made one, and what is concluded of them.

use std::collections::HashSet;
use std::slice;

use crate::kit::{World, flow};
use lockstep_engine::adopt::{Adoption, Meeting, adoption, overwritten};
use lockstep_engine::by_hand::{can_meet, may_be_created, merge};
use lockstep_engine::recover::{AskedWhich, Candidates, Settled, Unanswered, settle};
use lockstep_engine::twins::{Apart, goes_back, may_have_made, nameless, twins};
use lockstep_model::{
    Create, EntityId, Intent, PropIx, ReadRecord, RecordId, RecordState, Timestamp, TypeIx, Value,
};
use serde_json::json;

fn world(matched: &[&str]) -> World {
    let rows = ["mail <-> email", "name <-> name"];
    World::people(&[flow("a.Person", "b.Person", Create::Always, matched, &rows)])
}

fn ase(mail: &str) -> Value {
    json!({ mail: "ase@example.com", "name": "Åse Berg" })
}

/// Åse of `a`, the creation of her counterpart, and a record of `b` that is read then.
fn sent_and_found(world: &mut World, shown: Value) -> (RecordState, Intent, RecordState) {
    world.read("a.Person/1", ase("mail"));
    world.decide();
    world.now += 10;
    world.read("b.Person/7", shown);
    let record = |key| world.record(key).clone();
    (record("a.Person/1"), world.intents[0].clone(), record("b.Person/7"))
}

#[test]
fn c2_what_a_creation_has_found_is_a_match_unless_it_belongs_to_another() {
    let mut world = world(&["mail = email"]);
    let (source, intent, found) = sent_and_found(&mut world, ase("email"));
    let verdict = |found: &RecordState, apart: &[(RecordId, RecordId)], open: &[Intent]| {
        let (theirs, mine) = (slice::from_ref(found), slice::from_ref(&source));
        let source = &source;
        adoption(&world.plan, &intent, &Meeting { found, source, theirs, mine, apart, open })
    };
    assert_eq!(verdict(&found, &[], &[]), Adoption::Match);
    // L7
    assert_eq!(verdict(&found, &[(source.id, found.id)], &[]), Adoption::Disputed);
    let linked = RecordState { entity: source.entity, ..found.clone() };
    assert_eq!(verdict(&linked, &[(source.id, found.id)], &[]), Adoption::IsLinked);
    let open = Intent { id: lockstep_model::IntentId(99), ..intent.clone() };
    assert_eq!(verdict(&found, &[], &[open]), Adoption::MayBeAnothers);
    // R9: it has the number, and shows another address.
    let mut other = found.clone();
    other.slots[0].show("per@example.com".into());
    assert_eq!(verdict(&other, &[], &[]), Adoption::Disputed);
    // L6: it has a counterpart of that type.
    let (theirs, mine) = (&[found.clone(), source.clone()], slice::from_ref(&source));
    let (found, source) = (&found, &source);
    let meeting = Meeting { found, source, theirs, mine, apart: &[], open: &[] };
    assert_eq!(adoption(&world.plan, &intent, &meeting), Adoption::Disputed);
}

#[test]
fn r9_what_a_creation_wrote_over_is_put_back() {
    let mut world = world(&["mail = email"]);
    let (_, _, mut found) =
        sent_and_found(&mut world, json!({"email": "ase@example.com", "name": "Åse Dahl"}));
    let values = vec![None; found.slots.len()];
    let mut answer =
        ReadRecord { id: "7".into(), version: None, modified: None, deleted: false, values };
    let sent = [(0, json!("ase@example.com")), (1, json!("Åse Berg"))];
    let over = overwritten(&world.plan, &mut found, &mut answer, &sent);
    assert_eq!(over.len(), 1, "the address is as it was");
    assert_eq!((&over[0].before, &over[0].after), (&json!("Åse Dahl"), &json!("Åse Berg")));
    assert_eq!(over[0].back.as_ref().unwrap().value, json!("Åse Dahl"));
    assert_eq!(found.slot(PropIx(1)).shadow, Some(json!("Åse Berg")), "it shows it from now on");
}

#[test]
fn c2_a_creation_is_sent_again_once_and_then_a_person_says() {
    let mut world = world(&["mail = email"]);
    let (_, intent, found) = sent_and_found(&mut world, ase("email"));
    let candidates = Candidates::new(vec![found.clone()], HashSet::new());
    let settled = |attempts, asked: Option<AskedWhich>, found: &[RecordState], last| {
        let intent = Intent { attempts, ..intent.clone() };
        let one = Unanswered { intent, linked: None, asked };
        settle(vec![one], found.to_vec(), &candidates, last)
    };
    let known = slice::from_ref(&found);
    assert!(
        matches!(&settled(0, None, known, true)[..], [Settled::Made(_, made)] if made.id == found.id)
    );
    assert!(settled(0, None, &[], false).is_empty(), "there is another look");
    assert!(matches!(&settled(0, None, &[], true)[..], [Settled::NotMade(_)]));
    assert!(
        matches!(&settled(1, None, &[], true)[..], [Settled::Unclear(_, all)] if all.is_empty())
    );
    // More records than creations: any could be it.
    let two = [found.clone(), RecordState { id: RecordId(99), ..found.clone() }];
    assert!(
        matches!(&settled(0, None, &two, true)[..], [Settled::Unclear(_, all)] if all.len() == 2)
    );
    // A person has been asked already.
    let asked = |records: &[RecordState]| {
        let candidates = vec![found.id];
        Some(AskedWhich { candidates, records: records.to_vec() })
    };
    assert!(settled(0, asked(known), known, true).is_empty());
    // One of them is somebody's by now.
    let taken = RecordState { entity: EntityId(1), ..found.clone() };
    let news = settled(0, asked(&[taken]), &[], true);
    assert!(matches!(&news[..], [Settled::Unclear(_, left)] if left.is_empty()));
}

#[test]
fn c2_two_new_records_that_hold_the_same_may_be_the_ends_of_a_forgotten_creation() {
    let mut world = world(&[]);
    let (one, intent, other) = sent_and_found(&mut world, ase("email"));
    let records = || vec![one.clone(), other.clone()];
    let new = |since| nameless(&world.plan, records(), since, |_| false);
    let all = new(Timestamp(0));
    let none = Apart::new();
    let found = twins(&world.plan, Timestamp(world.now), &all, &none);
    let ends: Vec<_> = found.iter().map(|(a, ty, b)| (a.id, *ty, b[0].id)).collect();
    assert_eq!(ends, [(one.id, other.ty, other.id)]);
    let apart = Apart::from([(one.id.min(other.id), one.id.max(other.id))]);
    assert!(twins(&world.plan, Timestamp(world.now), &all, &apart).is_empty(), "L7");
    assert!(new(Timestamp(i64::MAX)).is_empty(), "they were there before");
    assert!(nameless(&world.plan, records(), Timestamp(0), |_| true).is_empty());
    let made = |apart: &Apart| may_have_made(&world.plan, &intent, &one, &all, apart).len();
    assert_eq!((made(&none), made(&apart)), (1, 0));
    assert!(!goes_back(&world.plan, one.ty, other.ty), "the flow goes one way");
    assert!(goes_back(&world.plan, other.ty, one.ty));
}

#[test]
fn l6_entities_are_merged_where_a_flow_is_about_both() {
    let mut world = world(&["mail = email"]);
    let (one, _, mut other) = sent_and_found(&mut world, json!({"email": "", "name": "Åse"}));
    let (a, b) = ([one.clone()], [other.clone()]);
    assert!(can_meet(&world.plan, &a, &b));
    other.slots[0].claim =
        one.slots[0].claim.clone().map(|claim| lockstep_model::Claim { value: "".into(), ..claim });
    let mut members = [one.clone(), other];
    merge(&world.plan, &mut members, one.entity);
    assert_eq!(members[1].entity, one.entity);
    assert_eq!(members[1].slots[0].claim, None, "P2: a value beats an empty one");
    // L7: taken apart, the one lacks a counterpart.
    let made: Vec<TypeIx> = may_be_created(&world.plan, &a)
        .iter()
        .map(|(flow, _)| world.plan.flows[flow.at()].to)
        .collect();
    assert_eq!(made, [b[0].ty]);
    assert!(may_be_created(&world.plan, &b).is_empty());
}
