//! G3: what is counted, and what is over a limit.

use crate::kit::{World, flow};
use lockstep_engine::guard::{Known, Tally};
use lockstep_model::limits::{GuardKind, Limits};
use lockstep_model::{Create, Intent, IntentId, RecordId};
use serde_json::json;

/// The updates by which these people of `a` change in `b`; the system of each record type is its
/// place.
fn updates(edit: impl Fn(usize) -> serde_json::Value) -> (World, Vec<Intent>) {
    let rows = ["mail <-> email", "name <-> name"];
    let people = flow("a.Person", "b.Person", Create::Always, &["mail = email"], &rows);
    let mut world = World::people(&[people]);
    for n in 0..50 {
        let values = json!({"mail": format!("p{n}@example.com"), "name": format!("Person {n}")});
        world.read(&format!("a.Person/{n}"), values);
    }
    world.settle();
    world.intents.clear();
    for n in 0..50 {
        world.read(&format!("a.Person/{n}"), edit(n));
    }
    world.decide();
    let mut intents = world.intents.clone();
    for (n, intent) in intents.iter_mut().enumerate() {
        intent.id = IntentId(n as i64 + 1);
    }
    assert_eq!(intents.len(), 50);
    (world, intents)
}

fn over(world: &World, tally: &Tally) -> Vec<GuardKind> {
    let types = world.plan.types.len();
    let system_of: Vec<usize> = (0..types).collect();
    let known = Known {
        limits: &vec![Limits::default(); types],
        records: &vec![50; types],
        records_of: &vec![50; types],
        system_of: &system_of,
    };
    tally.over(&known).into_iter().map(|(_, guard)| guard).collect()
}

/// Counts intents, where the record types have been through a whole run or not.
fn counted(world: &World, armed: bool, new: &[Intent]) -> Tally {
    let types = world.plan.types.len();
    let system_of: Vec<usize> = (0..types).collect();
    let mut tally = Tally { armed: vec![armed; types], ..Tally::default() };
    let type_of = |id: RecordId| world.records.get(&id).map(|record| record.ty);
    tally.count(&world.plan, &system_of, new, &[], type_of);
    tally
}

#[test]
fn g3_many_updates_are_too_many_unless_it_is_a_first_run() {
    let (world, new) =
        updates(|n| json!({"mail": format!("p{n}@example.com"), "name": format!("Somebody {n}")}));
    assert_eq!(over(&world, &counted(&world, true, &new)), [GuardKind::Updates]);
    let first = counted(&world, false, &new);
    assert!(over(&world, &first).is_empty());
    assert_eq!(first.first_runs.values().max(), Some(&IntentId(50)), "nor by the next run");
}

#[test]
fn g3_what_empties_a_property_counts_in_a_first_run_too() {
    let (world, new) = updates(|n| json!({"mail": format!("p{n}@example.com"), "name": null}));
    assert_eq!(over(&world, &counted(&world, false, &new)), [GuardKind::Clears]);
}

#[test]
fn g3_match_values_that_are_overwritten_are_counted_by_themselves() {
    let (world, new) =
        updates(|n| json!({"mail": format!("q{n}@example.com"), "name": format!("Person {n}")}));
    let over = over(&world, &counted(&world, true, &new));
    assert_eq!(over, [GuardKind::Updates, GuardKind::MatchValues]);
}

#[test]
fn g3_what_is_decided_otherwise_or_let_through_by_a_person_counts_no_more() {
    let (world, new) =
        updates(|n| json!({"mail": format!("q{n}@example.com"), "name": format!("Person {n}")}));
    let system_of: Vec<usize> = (0..world.plan.types.len()).collect();
    let type_of = |id: RecordId| world.records.get(&id).map(|record| record.ty);
    let dropped: Vec<&Intent> = new.iter().collect();
    let mut tally = counted(&world, true, &new);
    tally.count(&world.plan, &system_of, &[], &dropped, type_of);
    assert!(over(&world, &tally).is_empty());
    // What was let through had not been counted, so it takes nothing away.
    let mut tally = counted(&world, true, &new);
    let system = system_of[new[0].ty.at()];
    for guard in [GuardKind::Updates, GuardKind::MatchValues] {
        tally.through.insert((system, guard), IntentId(50));
    }
    tally.count(&world.plan, &system_of, &[], &dropped, type_of);
    assert_eq!(over(&world, &tally).len(), 2);
    // A person has seen the plan.
    let mut tally = Tally { armed: vec![true; system_of.len()], ..Tally::default() };
    tally.let_through(&system_of, &new);
    assert!(over(&world, &tally).is_empty());
}
