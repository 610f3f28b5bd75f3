//! G7: what is put back of what was written, and what follows.

use crate::kit::{World, flow};
use lockstep_engine::undo::{Asked, PutBack, PutBackAs, Told, Written, put_back};
use lockstep_model::flow::Policy;
use lockstep_model::{
    ClaimStamp, Create, Flow, FlowIx, IntentId, PropIx, RecordState, RunId, Timestamp, Value,
};
use serde_json::json;

fn people() -> Flow {
    let rows = ["mail <-> email", "name <-> name"];
    flow("a.Person", "b.Person", Create::Never, &["mail = email"], &rows)
}

/// A record of `b` with this name, and its place.
fn named(flow: Flow, name: Value) -> (World, RecordState, PropIx) {
    let mut world = World::people(&[flow]);
    world.read("b.Person/1", json!({"email": "ase@example.com", "name": name}));
    let record = world.record("b.Person/1").clone();
    let prop = world.prop(record.ty, "name");
    (world, record, prop)
}

/// `before` was overwritten with `after`.
fn written(record: &RecordState, prop: PropIx, before: Value, after: Value) -> Written {
    Written {
        before,
        after,
        last: IntentId(1),
        claim: ClaimStamp { at: Timestamp(5), record: record.id, prop },
        flow: FlowIx(0),
        first_run: RunId(1),
        added: false,
    }
}

fn asked(force: bool, put_back: PutBackAs) -> Asked {
    Asked { force, put_back, now: Timestamp(9_000) }
}

/// What is put back there, why it is kept apart, and the time of its claim.
fn to(put_back: PutBack) -> (Value, Option<String>, Timestamp) {
    match put_back {
        PutBack::To { apart, change, .. } => (change.value, apart, change.claim.at),
        other => panic!("{other:?}"),
    }
}

#[test]
fn g7_a_value_is_put_back_only_over_what_the_write_left() {
    let (world, record, prop) = named(people(), json!("New"));
    let old = written(&record, prop, json!("Old"), json!("New"));
    let fits = asked(false, PutBackAs::AsFits);
    let both = (&record, &record);
    let back = put_back(&world.plan, both, prop, &old, Told::default(), fits);
    assert_eq!(to(back), (json!("Old"), None, Timestamp(9_000)), "an edit of now");
    let (_, edited, _) = named(people(), json!("Newer"));
    let changed = put_back(&world.plan, (&record, &edited), prop, &old, Told::default(), fits);
    assert_eq!(changed, PutBack::ChangedSince(json!("Newer")));
    let force = asked(true, PutBackAs::AsFits);
    let forced = put_back(&world.plan, (&record, &edited), prop, &old, Told::default(), force);
    assert_eq!(to(forced).0, json!("Old"));
    let (_, before, _) = named(people(), json!("Old"));
    let same = put_back(&world.plan, (&record, &before), prop, &old, Told::default(), fits);
    assert_eq!(same, PutBack::AsBefore);
}

#[test]
fn g7_what_an_edit_would_destroy_or_not_hold_is_kept_apart() {
    let fits = asked(false, PutBackAs::AsFits);
    let (world, record, prop) = named(people(), json!("New"));
    let both = (&record, &record);
    // It was empty.
    let empty = written(&record, prop, json!(""), json!("New"));
    let back = to(put_back(&world.plan, both, prop, &empty, Told::default(), fits));
    assert_eq!((back.0, back.1.is_some()), (Value::Null, true));
    assert_eq!(back.2, Timestamp(5), "it declines what it was given");
    // It was overwritten when its record was linked; a person may say that it is an edit.
    let old = written(&record, prop, json!("Old"), json!("New"));
    let linked = Told { at_the_first_link: true, ..Told::default() };
    assert!(to(put_back(&world.plan, both, prop, &old, linked, fits)).1.is_some());
    let edit = asked(false, PutBackAs::Edit);
    assert!(to(put_back(&world.plan, both, prop, &old, linked, edit)).1.is_none());
    // Another system is the only one whose edits count.
    let mut only = people();
    only.properties[1].policy = Policy::OnlyFrom("a".into());
    let (world, record, prop) = named(only, json!("New"));
    let old = written(&record, prop, json!("Old"), json!("New"));
    let back = put_back(&world.plan, (&record, &record), prop, &old, Told::default(), fits);
    assert_eq!(to(back).1.as_deref(), Some("`only_from: a`: an edit here does not count"));
}
