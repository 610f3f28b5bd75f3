//! P5: a property that keeps flipping without a person's edit is stopped and goes to review.

use crate::kit::{World, flow};
use lockstep_model::ReviewKind;
use lockstep_model::flow::Create;
use lockstep_wording::why as words;
use serde_json::json;

fn linked_pair() -> World {
    let rows = ["mail <-> mail", "name <-> name", "city <-> city"];
    let mut world =
        World::people(&[flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows)]);
    let held = json!({"mail": "eivind@example.com", "name": "Eivind", "city": "Oslo"});
    world.read("a.Person/1", held.clone());
    world.read("b.Person/1", held);
    assert_eq!(world.settle(), 0);
    world
}

/// Each system puts its own name there as soon as another has been written. Gives how many writes
/// there were.
fn automations(world: &mut World, rounds: usize) -> usize {
    let mut writes = 0;
    for _ in 0..rounds {
        for (record, name) in [("a.Person/1", "Nordvik AS"), ("b.Person/1", "NORDVIK")] {
            if world.value(record, "name") != json!(name) {
                world.read(record, json!({"name": name}));
                writes += world.settle();
            }
        }
    }
    writes
}

fn flip_flops(world: &World) -> Vec<&lockstep_model::Review> {
    world.reviews.iter().filter(|review| review.kind == ReviewKind::FlipFlop).collect()
}

#[test]
fn p5_two_automations_that_undo_each_other_are_stopped_and_asked_about() {
    let mut world = linked_pair();
    let writes = automations(&mut world, 50);
    assert!((4..=8).contains(&writes), "{writes} writes");
    let asked = flip_flops(&world);
    assert_eq!(asked.len(), 1, "one question, whichever side it is asked from: {asked:?}");
    assert_eq!(asked[0].candidates.len(), 1);
    assert!(!asked[0].about.is(asked[0].candidates[0]));
    assert!(
        words(&asked[0].why).contains("Nordvik AS") && words(&asked[0].why).contains("NORDVIK"),
        "{}",
        words(&asked[0].why)
    );
    // The rest of the record goes on.
    world.read("a.Person/1", json!({"city": "Bergen"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "city"), json!("Bergen"));
}

#[test]
fn p5_values_that_differ_every_time_are_stopped_too() {
    let mut world = linked_pair();
    let mut writes = 0;
    for round in 0..50 {
        for record in ["a.Person/1", "b.Person/1"] {
            world.read(record, json!({"name": format!("Nordvik {round} {record}")}));
            writes += world.settle();
        }
    }
    assert!(writes < 20, "{writes} writes");
    assert_eq!(flip_flops(&world).len(), 1);
}

#[test]
fn p5_a_person_who_changes_it_back_is_no_flip_flop() {
    let mut world = linked_pair();
    for round in 0..2 {
        world.read("a.Person/1", json!({"name": format!("E. {round}")}));
        assert_eq!(world.settle(), 1);
        world.read("b.Person/1", json!({"name": "Eivind"}));
        assert_eq!(world.settle(), 1);
    }
    // Nor are people who take their time, however often they do.
    for _ in 0..12 {
        for (record, city) in [("a.Person/1", "Oslo S"), ("b.Person/1", "Oslo")] {
            world.previous = Some(world.now + 1);
            world.now += 2 * 60 * 60 * 1000;
            world.read(record, json!({"city": city}));
            world.settle();
        }
    }
    assert_eq!(flip_flops(&world), Vec::<&lockstep_model::Review>::new());
    assert_eq!(world.value("a.Person/1", "city"), json!("Oslo"));
}

#[test]
fn p5_what_has_come_to_hold_the_same_flips_no_more() {
    let mut world = linked_pair();
    automations(&mut world, 50);
    assert_eq!(flip_flops(&world).len(), 1);
    world.read("a.Person/1", json!({"name": "Nordvik"}));
    world.read("b.Person/1", json!({"name": "Nordvik"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(flip_flops(&world).len(), 0, "there is nothing to ask any more");
    world.read("a.Person/1", json!({"name": "Nordvik Eiendom"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "name"), json!("Nordvik Eiendom"));
}
