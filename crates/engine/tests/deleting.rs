//! D1: what a deletion means for the others.

use crate::kit::{World, flow, schemas};
use lockstep_model::flow::Deletes;
use lockstep_model::{
    Create, Flow, IntentKind, IntentState, Presence, ReviewKind, Situation, Timestamp, TypeSchema,
};
use lockstep_wording::why as words;
use serde_json::json;

fn one(deletes: Deletes) -> Flow {
    let rows = ["mail <-> email", "name <-> name", "phone <-> phone"];
    Flow { deletes, ..flow("a.Person", "b.Person", Create::Always, &["mail = email"], &rows) }
}

fn read_both(world: &mut World) {
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada", "phone": "1"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada", "phone": "1"}));
    world.settle();
    assert!(world.linked("a.Person/1", "b.Person/1"));
    // The next readings begin after all that has been seen so far.
    world.now += 10;
    world.previous = Some(world.now);
}

fn pair(deletes: Deletes) -> World {
    let mut world = World::people(&[one(deletes)]);
    read_both(&mut world);
    world
}

fn deletions(world: &World) -> Vec<IntentState> {
    world.intents.iter().filter(|i| i.kind == IntentKind::Delete).map(|i| i.state).collect()
}

#[test]
fn d1_by_default_the_others_stay_and_nothing_is_created_anew() {
    let mut world = pair(Deletes::Ignore);
    world.read_deleted("b.Person/1");
    assert_eq!(world.record("b.Person/1").presence, Presence::Gone);
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.situation("1", "b.Person"), Situation::Missing);
    assert!(world.record("a.Person/1").is_live());
}

#[test]
fn d1_propagate_deletes_the_counterpart_once_whichever_end_was_deleted() {
    for (first, second) in [("a.Person/1", "b.Person/1"), ("b.Person/1", "a.Person/1")] {
        let mut world = pair(Deletes::Propagate);
        world.read_deleted(first);
        assert_eq!(world.settle(), 1);
        let intent = world.intents.last().unwrap();
        assert_eq!(
            (intent.kind, intent.record),
            (IntentKind::Delete, Some(world.record(second).id))
        );
        assert!(intent.source.is(world.record(first).id));
        // It is settled on both sides, and stays so.
        assert_eq!(world.settle_all(), 0);
        for name in [first, second] {
            assert_eq!(world.record(name).presence, Presence::Gone, "{name}");
        }
    }
}

#[test]
fn d1_the_flow_that_goes_the_deletions_way_says_what_happens() {
    let back =
        Flow { deletes: Deletes::Ignore, ..flow("b.Person", "a.Person", Create::Never, &[], &[]) };
    let mut world = World::people(&[one(Deletes::Propagate), back]);
    read_both(&mut world);
    world.read_deleted("b.Person/1");
    assert_eq!(world.settle(), 0, "b to a ignores deletions");
    let back =
        Flow { deletes: Deletes::Ignore, ..flow("b.Person", "a.Person", Create::Never, &[], &[]) };
    let mut world = World::people(&[one(Deletes::Propagate), back]);
    read_both(&mut world);
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle(), 1, "a to b passes them on");
}

#[test]
fn d1_an_edit_beats_a_deletion_and_nothing_is_created_anew() {
    // Both were seen in one reading.
    let mut world = pair(Deletes::Propagate);
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada", "phone": "2"}));
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
    assert_eq!(world.record("a.Person/1").presence, Presence::Gone);
    assert_eq!(world.settle_all(), 0);
    // The edit came after the deletion was decided on, and before it was sent.
    let mut world = pair(Deletes::Propagate);
    world.read_deleted("a.Person/1");
    world.decide();
    assert_eq!(deletions(&world), [IntentState::Queued]);
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada Berg", "phone": "1"}));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(deletions(&world), [IntentState::Dropped]);
    assert!(world.record("b.Person/1").is_live());
}

#[test]
fn d1_an_edit_that_had_reached_the_deleted_record_does_not_beat_its_deletion() {
    let mut world = pair(Deletes::Propagate);
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada Berg", "phone": "1"}));
    assert_eq!(world.settle(), 1);
    world.now += 10;
    world.previous = Some(world.now);
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle(), 1);
    assert_eq!(deletions(&world), [IntentState::Done]);
}

#[test]
fn d1_an_edit_of_what_never_goes_to_the_deleted_record_counts_by_its_time() {
    let rows = ["mail <-> email", "name -> name"];
    let one = || Flow {
        deletes: Deletes::Propagate,
        ..flow("a.Person", "b.Person", Create::Always, &["mail = email"], &rows)
    };
    let both = |world: &mut World| {
        world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada"}));
        world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada"}));
        world.settle();
    };
    for late in [false, true] {
        let mut world = World::people(&[one()]);
        both(&mut world);
        for edited in [!late, late] {
            world.previous = Some(world.now + 1);
            world.now += 10;
            if edited {
                world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada B."}));
            }
            if edited && !late {
                world.settle();
            }
        }
        world.read_deleted("a.Person/1");
        assert_eq!(world.settle(), usize::from(!late), "edited late: {late}");
    }
}

#[test]
fn d1_review_asks_and_a_record_that_comes_back_is_live_again() {
    let mut world = pair(Deletes::Review);
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle_all(), 0);
    let [review] = &world.reviews[..] else { panic!("{:?}", world.reviews) };
    assert_eq!(
        (review.kind, review.about.record().unwrap()),
        (ReviewKind::PendingDelete, world.record("a.Person/1").id)
    );
    assert_eq!(review.candidates, [world.record("b.Person/1").id]);
    assert!(words(&review.why).contains("a.Person/1 was deleted"), "{}", words(&review.why));
    // Looked at again it is still one question.
    world.settle_all();
    assert_eq!(world.reviews.len(), 1);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada", "phone": "1"}));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.reviews, []);
    assert!(world.record("a.Person/1").is_live() && world.record("b.Person/1").is_live());
    assert_eq!(world.situation("1", "b.Person"), Situation::Confirmed);
}

#[test]
fn d1_a_record_that_comes_back_calls_off_the_deletion_that_was_not_sent_yet() {
    let mut world = pair(Deletes::Propagate);
    world.read_deleted("a.Person/1");
    world.decide();
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada", "phone": "1"}));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(deletions(&world), [IntentState::Dropped]);
}

#[test]
fn d1_a_deletion_that_was_settled_under_one_policy_is_not_decided_again_under_another() {
    let mut world = pair(Deletes::Ignore);
    world.read_deleted("a.Person/1");
    world.settle_all();
    world.plan.flows[0].deletes = Deletes::Propagate;
    assert_eq!(world.settle_all(), 0);
    assert_eq!(deletions(&world), []);
}

#[test]
fn d1_what_is_about_to_be_deleted_is_neither_updated_nor_a_reason_to_create() {
    let rows = ["email <-> email", "name <-> name"];
    let on = Flow {
        deletes: Deletes::Ignore,
        ..flow("b.Person", "c.Person", Create::Always, &["email = email"], &rows)
    };
    let mut world = World::people(&[one(Deletes::Propagate), on]);
    let c = world.ty("c.Person").at();
    world.through[c].complete = false;
    read_both(&mut world);
    world.through[c].complete = true;
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle_all(), 1);
    assert_eq!(deletions(&world), [IntentState::Done]);
    assert_eq!(world.count("c.Person"), 0);
}

#[test]
fn d1_a_deletion_goes_on_through_the_flows_that_pass_it_on() {
    let rows = ["email <-> email", "name <-> name"];
    let on = Flow {
        deletes: Deletes::Propagate,
        ..flow("b.Person", "c.Person", Create::Always, &["email = email"], &rows)
    };
    let mut world = World::people(&[one(Deletes::Propagate), on]);
    read_both(&mut world);
    assert_eq!(world.count("c.Person"), 1);
    world.now += 10;
    world.previous = Some(world.now);
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle_all(), 2);
    assert!(world.records.values().all(|record| record.presence == Presence::Gone));
}

#[test]
fn d1_what_its_system_can_not_delete_is_kept() {
    let mut schemas = schemas(&[("a.Person", vec![])]);
    let mut fixed = TypeSchema::open("Person");
    fixed.can.delete = false;
    schemas.insert("b".into(), vec![fixed]);
    let mut world = World::new(&[one(Deletes::Propagate)], &schemas);
    read_both(&mut world);
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle(), 0);
    assert_eq!(world.record("a.Person/1").presence, Presence::Gone);
}

#[test]
fn c5_what_refers_to_others_is_deleted_before_them() {
    use lockstep_engine::decision::delete_rank;
    assert!(delete_rank(1) < delete_rank(0));
    assert!(delete_rank(u16::MAX) > 500, "all deletions come after all creations and updates");
}

#[test]
fn d1_l6_what_lost_to_a_merged_record_does_not_win_because_that_one_is_deleted() {
    let rows = ["mail <-> mail", "name <-> name"];
    let one = flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &rows);
    let mut world = World::people(&[Flow { merge_duplicates: true, ..one }]);
    for (name, called) in [("a.Person/1", "Kari"), ("a.Person/2", "Per"), ("b.Person/7", "Firma")] {
        world.read(name, json!({"mail": "post@example.com", "name": called}));
    }
    // No system tells a time.
    for slot in world.records.values_mut().flat_map(|record| &mut record.slots) {
        slot.claim.iter_mut().for_each(|claim| claim.at = Timestamp::UNTOLD);
    }
    world.settle();
    for name in ["a.Person/1", "a.Person/2", "b.Person/7"] {
        assert_eq!(world.value(name, "name"), json!("Kari"), "{name}");
    }
    world.read_deleted("a.Person/1");
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.value("b.Person/7", "name"), json!("Kari"));
}
