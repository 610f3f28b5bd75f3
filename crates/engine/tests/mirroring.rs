//! D1, mirroring: what becomes of a record that its flow's source does not have (`extra`).

use crate::kit::{World, flow};
use lockstep_model::flow::{Deletes, Extra, Filter};
use lockstep_model::{Create, Flow, IntentKind, RecordId, ReviewKind, Rule, Timestamp};
use lockstep_wording::why as words;
use serde_json::json;

fn mirror(extra: Extra) -> Flow {
    let rows = ["mail <-> mail", "name <-> name"];
    Flow { extra, ..flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows) }
}

/// Kari is on both sides, Liv on the second only.
fn world(flows: &[Flow]) -> World {
    let mut world = World::people(flows);
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "Kari"}));
    world.read("b.Person/2", json!({"mail": "liv@example.com", "name": "Liv"}));
    world
}

/// The keys of the records of the second system that are to be deleted, or were.
fn deleted(world: &World) -> Vec<String> {
    let deletions = world.intents.iter().filter(|i| i.kind == IntentKind::Delete && i.is_meant());
    deletions.map(|i| world.records[&i.record.unwrap()].key.clone()).collect()
}

trait Meant {
    fn is_meant(&self) -> bool;
}

impl Meant for lockstep_model::Intent {
    fn is_meant(&self) -> bool {
        self.state != lockstep_model::IntentState::Dropped
    }
}

fn held(world: &World) -> Vec<RecordId> {
    world.last.as_ref().unwrap().extra_held.iter().copied().collect()
}

#[test]
fn d1_what_the_source_does_not_have_stays_is_asked_about_or_is_deleted() {
    for extra in [Extra::Ignore, Extra::Review, Extra::Delete] {
        let mut world = world(&[mirror(extra)]);
        world.settle();
        assert!(world.linked("a.Person/1", "b.Person/1"));
        let gone: &[&str] = if extra == Extra::Delete { &["2"] } else { &[] };
        assert_eq!(deleted(&world), gone, "{extra:?}");
        let asked: Vec<_> =
            world.reviews.iter().map(|r| (r.kind, r.about.record().unwrap(), r.rule)).collect();
        let liv = world.record("b.Person/2").id;
        match extra {
            Extra::Review => assert_eq!(asked, [(ReviewKind::PendingDelete, liv, Rule::D1)]),
            _ => assert_eq!(asked, []),
        }
        assert_eq!(world.settle_all(), 0, "{extra:?}: it is a fixed point");
    }
}

#[test]
fn d1_what_loses_its_counterpart_is_extra_and_an_edit_does_not_save_it() {
    let mut world = world(&[mirror(Extra::Delete)]);
    world.settle();
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "Kari Moe"}));
    world.read_deleted("a.Person/1");
    world.settle();
    assert_eq!(deleted(&world), ["2", "1"]);
    // It is decided from the counterpart that is gone: if that comes back, so does the record.
    assert!(world.intents.last().unwrap().source.is(world.record("a.Person/1").id));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn d1_what_the_deletion_of_a_counterpart_means_is_said_by_deletes_where_it_says_something() {
    let flow = Flow { deletes: Deletes::Propagate, ..mirror(Extra::Delete) };
    let mut world = world(&[flow]);
    world.settle();
    world.now += 10;
    world.previous = Some(world.now);
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "Kari Moe"}));
    world.read_deleted("a.Person/1");
    world.settle();
    assert_eq!(deleted(&world), ["2"], "the edit beats the deletion");
    assert_eq!(world.settle_all(), 0, "and what was kept stays");
}

#[test]
fn l8_nothing_is_extra_before_the_source_is_known_to_its_end() {
    let mut world = world(&[mirror(Extra::Delete)]);
    let (a, b) = (world.ty("a.Person"), world.ty("b.Person"));
    world.through[a.at()].complete = false;
    world.settle();
    let liv = world.record("b.Person/2").id;
    assert_eq!((deleted(&world), held(&world)), (vec![], vec![liv]));
    world.through[a.at()].complete = true;
    world.through[b.at()].complete = false;
    world.decide_on(vec![liv]);
    assert_eq!((deleted(&world), held(&world)), (vec![], vec![liv]));
    world.through[b.at()].complete = true;
    // R8: some row can't be read.
    world.through[a.at()].from = None;
    world.decide_on(vec![liv]);
    assert_eq!((deleted(&world), held(&world)), (vec![], vec![liv]));
    // Somebody has just put it in: it may have been put in there as well.
    world.through[a.at()].from = Some(Timestamp(world.record("b.Person/2").first_seen.0 - 1));
    world.decide_on(vec![liv]);
    assert_eq!((deleted(&world), held(&world)), (vec![], vec![liv]));
    assert!(world.last.as_ref().unwrap().reread.contains(&a));
    // R3: what is listed there is not believed.
    world.through[a.at()].from = Some(Timestamp(i64::MAX));
    world.through[a.at()].in_doubt = true;
    world.decide_on(vec![liv]);
    assert_eq!((deleted(&world), held(&world)), (vec![], vec![liv]));
    world.through[a.at()].in_doubt = false;
    world.decide_on(vec![liv]);
    assert_eq!((deleted(&world), held(&world)), (vec!["2".to_string()], vec![]));
    // What was decided is taken back where it is in doubt before it is sent.
    world.through[a.at()].in_doubt = true;
    world.decide_on(vec![liv]);
    assert_eq!(deleted(&world), [""; 0], "{:?} {:?}", world.intents, world.last);
}

#[test]
fn l8_who_has_just_been_edited_is_held_until_the_source_is_read_again() {
    let mut world = world(&[mirror(Extra::Delete)]);
    let a = world.ty("a.Person");
    world.through[a.at()].in_doubt = true;
    world.settle();
    world.through[a.at()].in_doubt = false;
    world.through[a.at()].from = Some(Timestamp(world.now));
    world.now += 10;
    world.previous = Some(world.now);
    world.read("b.Person/2", json!({"mail": "liv@example.com", "name": "Liv Moe"}));
    world.settle();
    let liv = world.record("b.Person/2").id;
    assert_eq!((deleted(&world), held(&world)), (vec![], vec![liv]));
    world.through[a.at()].from = Some(Timestamp(world.now));
    world.decide_on(vec![liv]);
    assert_eq!(deleted(&world), ["2"]);
}

#[test]
fn l6_what_matches_and_is_not_linked_is_not_extra() {
    let mut world = world(&[mirror(Extra::Delete)]);
    // Two of the source match her: a person says which it is.
    world.read("a.Person/2", json!({"mail": "liv@example.com", "name": "Liv"}));
    world.read("a.Person/3", json!({"mail": "liv@example.com", "name": "Liv M"}));
    world.settle();
    assert_eq!(deleted(&world), [""; 0]);
    assert!(world.reviews.iter().any(|r| r.kind == ReviewKind::AmbiguousMatch));
    // Also where she is decided on alone, and long after.
    world.decide_on(vec![world.record("b.Person/2").id]);
    assert_eq!(deleted(&world), [""; 0]);
    // Two of the target match one of the source: neither is extra.
    let mut world = world_of_two_livs();
    world.settle();
    assert_eq!(deleted(&world), [""; 0]);
}

fn world_of_two_livs() -> World {
    let mut world = world(&[mirror(Extra::Delete)]);
    world.read("a.Person/2", json!({"mail": "liv@example.com", "name": "Liv"}));
    world.read("b.Person/3", json!({"mail": "liv@example.com", "name": "Liv M"}));
    world
}

#[test]
fn l7_what_a_person_keeps_apart_is_asked_about_and_what_a_person_keeps_stays() {
    let mut world = world(&[mirror(Extra::Delete)]);
    let (kari, liv) = (world.record("a.Person/1").id, world.record("b.Person/2").id);
    world.apart.insert((kari, liv));
    world.settle();
    assert_eq!(deleted(&world), [""; 0]);
    assert_eq!(world.reviews.len(), 1, "{:?}", world.reviews);
    assert!(words(&world.reviews[0].why).contains("a person keeps it apart"));
    // She is kept without a counterpart.
    world.apart.insert(lockstep_engine::extra::kept(liv));
    world.settle_all();
    assert_eq!((deleted(&world), world.reviews.len()), (vec![], 0));
}

#[test]
fn d1_what_a_third_system_has_is_asked_about_unless_that_only_mirrors_it() {
    let others = |extra| {
        let rows = ["mail <-> mail"];
        [
            mirror(Extra::Delete),
            Flow { extra, ..flow("b.Person", "c.Person", Create::Never, &["mail = mail"], &rows) },
        ]
    };
    let mut world = world(&others(Extra::Ignore));
    world.read("c.Person/7", json!({"mail": "liv@example.com"}));
    world.settle();
    assert_eq!(deleted(&world), [""; 0]);
    assert_eq!(world.reviews.len(), 1);
    assert!(
        words(&world.reviews[0].why).contains("c.Person/7 is linked with it"),
        "{:?}",
        world.reviews
    );
    let mut world = self::world(&others(Extra::Delete));
    world.read("c.Person/7", json!({"mail": "liv@example.com"}));
    world.settle();
    assert_eq!(deleted(&world), ["2", "7"], "the chain is mirrored to its end");
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l11_what_the_flow_is_not_about_is_not_extra() {
    let only = Filter { expression: "name == 'Liv'".into(), reads: vec!["name".into()] };
    let mut world = world(&[Flow { only_to: Some(only), ..mirror(Extra::Delete) }]);
    world.read("b.Person/3", json!({"mail": "bo@example.com", "name": "Bo"}));
    world.settle();
    assert_eq!(deleted(&world), ["2"]);
}
