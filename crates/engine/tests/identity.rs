//! R9, C6, D2: whose a key is, what a system assigns, and what a record that is back brings back.

use crate::kit::{World, flow, reference, schemas};
use lockstep_model::flow::Deletes;
use lockstep_model::{
    Create, Flow, IntentKind, IntentState, Path, PlainType, Presence, PropertySchema, ReviewKind,
    Rule, Situation, TypeSchema,
};
use lockstep_wording::why as words;
use serde_json::{Value, json};

const ROWS: [&str; 3] = ["mail <-> email", "name <-> name", "city <-> city"];

fn one() -> Flow {
    flow("a.Person", "b.Person", Create::Always, &["mail = email"], &ROWS)
}

/// Åse, in both systems and linked.
fn linked(flow: Flow) -> World {
    let mut world = World::people(&[flow]);
    world.read("a.Person/2", ase());
    world.settle();
    assert_eq!(world.count("b.Person"), 1);
    world.now += 10;
    world.previous = Some(world.now);
    world
}

fn ase() -> Value {
    json!({"mail": "ase@example.com", "name": "Åse Berg", "city": "Oslo"})
}

fn per() -> Value {
    json!({"mail": "per@example.com", "name": "Per Moe", "city": "Oslo"})
}

fn doubted(world: &World) -> usize {
    world.reviews.iter().filter(|review| review.kind == ReviewKind::AnotherRecord).count()
}

#[test]
fn r9_a_reused_number_is_another_person() {
    let mut world = linked(one());
    let old = world.record("a.Person/2").id;
    world.read_deleted("a.Person/2");
    world.settle();
    world.read("a.Person/2", per());
    assert_ne!(world.record("a.Person/2").id, old);
    assert_eq!(world.record(&format!("a.Person/2~{old}")).presence, Presence::Gone);
    assert_eq!(world.settle(), 1, "Per gets a counterpart of his own");
    assert_eq!(world.count("b.Person"), 2);
    let ase = world
        .records
        .values()
        .find(|r| r.ty == world.ty("b.Person") && r.entity.0 == old.0)
        .unwrap();
    assert_eq!(ase.slot(world.prop(ase.ty, "name")).value(false), &json!("Åse Berg"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn r9_a_key_that_comes_back_with_what_identified_it_is_the_same_record() {
    let mut world = linked(one());
    let old = world.record("a.Person/2").id;
    world.read_deleted("a.Person/2");
    world.settle();
    // The address is the same in other letters; the rest was edited in the bin.
    world.read(
        "a.Person/2",
        json!({"mail": "ASE@example.com", "name": "Åse Berge", "city": "Moss"}),
    );
    assert_eq!(world.record("a.Person/2").id, old);
    world.settle();
    assert_eq!(world.count("b.Person"), 1);
}

#[test]
fn r9_without_match_values_only_the_same_values_make_it_the_same_record() {
    for (comes, same) in [(ase(), true), (per(), false)] {
        let mut world = linked(flow("a.Person", "b.Person", Create::Always, &[], &ROWS));
        let old = world.record("a.Person/2").id;
        world.read_deleted("a.Person/2");
        world.settle();
        world.read("a.Person/2", comes);
        assert_eq!(world.record("a.Person/2").id == old, same);
    }
}

#[test]
fn r9_a_live_record_whose_identifying_values_all_change_at_once_waits_for_a_person() {
    let mut world = linked(one());
    world.read("a.Person/2", per());
    assert_eq!(doubted(&world), 1);
    assert_eq!(world.settle(), 0);
    assert_eq!(world.value("a.Person/2", "name"), json!("Åse Berg"), "it stays as it was known");
    // Nor is anything written to it, or deleted for it.
    world.read(
        "b.Person/new2",
        json!({"email": "ase@example.com", "name": "Åse Lie Berg", "city": "Oslo"}),
    );
    assert_eq!(world.settle(), 0);
    assert!(
        world.reviews.iter().all(|review| review.kind == ReviewKind::AnotherRecord),
        "{:?}",
        world.reviews
    );
}

#[test]
fn r9_what_addresses_of_many_firms_begin_with_is_no_kinship() {
    for (mail, asked) in [
        ("info@berg.example.com", 1),
        ("ordre.kontor@berg.example.com", 1),
        ("berg.oslo@lie.example.com", 0),
    ] {
        let mut world = World::people(&[one()]);
        let held = json!({"mail": format!("info.{}@moe.example.com", if asked == 1 { "ordre" } else { "berg" }), "name": "Moe", "city": "Oslo"});
        world.read("a.Person/2", held);
        world.settle();
        world.read("a.Person/2", json!({"mail": mail, "name": "Berg Bygg", "city": "Moss"}));
        assert_eq!(doubted(&world), asked, "{mail}");
    }
}

#[test]
fn r9_a_live_record_that_shows_no_match_value_and_nothing_else_of_what_it_held_waits_for_a_person()
{
    let mut world = linked(one());
    world.read("a.Person/2", json!({"mail": "", "name": "Per Moe", "city": "Moss"}));
    assert_eq!((doubted(&world), world.settle()), (1, 0));
    assert_eq!(world.value("b.Person/new2", "name"), json!("Åse Berg"));
}

#[test]
fn r9_without_match_values_a_live_record_that_shows_nothing_of_what_it_held_waits_for_a_person() {
    for (shows, asked) in [
        (json!({"mail": "per@example.com", "name": "Per Moe", "city": "Moss"}), true),
        (json!({"mail": "per@example.com", "name": "Per Moe", "city": ""}), true),
        // What is left of it tells that it is the same.
        (per(), false),
        (json!({"mail": "per@example.com", "name": "Per Berg", "city": "Moss"}), false),
        // One value alone.
        (json!({"mail": "", "name": "Per Moe", "city": ""}), false),
    ] {
        let mut world = linked(flow("a.Person", "b.Person", Create::Always, &[], &ROWS));
        world.read("a.Person/2", shows.clone());
        assert_eq!(doubted(&world), usize::from(asked), "{shows}");
        assert_eq!(world.settle(), usize::from(!asked), "{shows}");
    }
}

#[test]
fn r9_without_match_values_what_nobody_can_change_tells_one_record_from_another() {
    let fixed =
        PropertySchema { create_only: true, ..PropertySchema::new("number", PlainType::String) };
    for (number, asked) in [("K-1", false), ("K-2", true)] {
        let mut schemas = schemas(&[("b.Person", vec![])]);
        let person = TypeSchema { properties: vec![fixed.clone()], ..TypeSchema::open("Person") };
        schemas.insert("a".into(), vec![person]);
        let rows = [&ROWS[..], &["number <-> number"]].concat();
        let mut world =
            World::new(&[flow("a.Person", "b.Person", Create::Always, &[], &rows)], &schemas);
        world.read(
            "a.Person/2",
            json!({"mail": "ase@example.com", "name": "Åse Berg", "city": "Oslo", "number": "K-1"}),
        );
        world.settle();
        world.now += 10;
        world.previous = Some(world.now);
        world.read(
            "a.Person/2",
            json!({"mail": "per@example.com", "name": "Per Moe", "city": "Oslo", "number": number}),
        );
        assert_eq!(doubted(&world), usize::from(asked), "{number}");
    }
}

#[test]
fn r9_what_waits_to_be_written_to_a_record_that_may_be_another_is_given_up() {
    let mut world = linked(one());
    world.read(
        "b.Person/new2",
        json!({"email": "ase@example.com", "name": "Åse Lie Berg", "city": "Oslo"}),
    );
    world.decide();
    assert_eq!(world.intents.last().unwrap().state, IntentState::Queued);
    world.read("a.Person/2", per());
    assert_eq!(world.settle(), 0);
    assert_eq!(world.intents.last().unwrap().state, IntentState::Dropped);
}

#[test]
fn r9_the_edits_of_every_day_are_edits() {
    for edited in [
        // Another address alone.
        json!({"mail": "berg@example.com", "name": "Åse Berg", "city": "Oslo"}),
        // A new surname, and the address that goes with it.
        json!({"mail": "ase.lie@example.com", "name": "Åse Lie", "city": "Moss"}),
        // The company's new domain.
        json!({"mail": "ase@fjord.example", "name": "Å. Lie", "city": "Moss"}),
        // All but the address.
        json!({"mail": "ase@example.com", "name": "Per Moe", "city": "Moss"}),
        // The address is emptied, and she is called otherwise.
        json!({"mail": "", "name": "Åse Lie", "city": "Moss"}),
    ] {
        let mut world = linked(one());
        world.read("a.Person/2", edited.clone());
        assert_eq!(doubted(&world), 0, "{edited}");
        assert_eq!(world.settle(), 1, "{edited}");
        assert_eq!(world.value("b.Person/new2", "name"), edited["name"]);
    }
}

#[test]
fn r9_a_creation_time_tells_an_edit_from_another_record() {
    let started = || {
        let stamped =
            |name: &str| TypeSchema { created: Some(Path::new("made")), ..TypeSchema::open(name) };
        let mut schemas = schemas(&[("b.Person", vec![])]);
        schemas.insert("a".into(), vec![stamped("Person")]);
        let mut world = World::new(&[one()], &schemas);
        let mut ase = ase();
        ase["made"] = json!("2026-01-02T08:00:00Z");
        world.read("a.Person/2", ase);
        world.settle();
        world.now += 10;
        world.previous = Some(world.now);
        world
    };
    let with = |made: &str| {
        let mut per = per();
        per["made"] = json!(made);
        per
    };
    // The same time: she is called otherwise now.
    let mut world = started();
    world.read("a.Person/2", with("2026-01-02T09:00:00+01:00"));
    assert_eq!((doubted(&world), world.settle()), (0, 1));
    assert_eq!(world.value("b.Person/new2", "name"), json!("Per Moe"));
    // A later one: the row was deleted, and its number given to another.
    let mut world = started();
    let old = world.record("a.Person/2").id;
    world.read("a.Person/2", with("2026-03-01T08:00:00Z"));
    assert_ne!(world.record("a.Person/2").id, old);
    assert_eq!(world.record(&format!("a.Person/2~{old}")).presence, Presence::Gone);
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/new2", "name"), json!("Åse Berg"));
    // An earlier one, or none: a person says.
    for made in ["2025-03-01T08:00:00Z", ""] {
        let mut world = started();
        world.read("a.Person/2", with(made));
        assert_eq!((doubted(&world), world.settle()), (1, 0), "{made}");
    }
}

#[test]
fn c6_a_record_s_own_id_travels_as_a_property() {
    let mut world = World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["mail <-> email", "customer_no <-> $id", "$id <-> crm_id"],
    )]);
    world.read("a.Person/7", json!({"mail": "ase@example.com"}));
    assert_eq!(world.settle(), 2, "the creation, and the number of what was created");
    assert_eq!(world.value("a.Person/7", "customer_no"), json!("new2"));
    assert_eq!(world.value("b.Person/new2", "crm_id"), json!("7"));
    assert_eq!(world.settle_all(), 0);
    // An edit of a read-only id's copy is put right by nobody, and no id is ever written.
    assert!(world.intents.iter().all(|intent| {
        let ty = world.plan.ty(intent.ty);
        intent.changes.iter().all(|change| Some(change.prop) != ty.own_id)
    }));
}

#[test]
fn c6_an_id_finds_the_record_that_names_it() {
    let mut world = World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["customer_no = $id"],
        &["name <-> name"],
    )]);
    world.read("b.Person/31", json!({"name": "Åse"}));
    world.read("a.Person/7", json!({"name": "Åse", "customer_no": "31"}));
    assert_eq!(world.settle(), 0);
    assert!(world.linked("a.Person/7", "b.Person/31"));
}

fn tickets() -> World {
    let rows = ["title <-> title", "owner <-> agent"];
    let flows = [
        flow("a.Ticket", "b.Case", Create::Always, &[], &rows),
        flow("a.User", "b.Agent", Create::Never, &["mail = email"], &["mail <-> email"]),
    ];
    let agent = PropertySchema {
        reference: Some("Agent".into()),
        ..PropertySchema::new("agent", PlainType::Any)
    };
    let schemas = schemas(&[
        ("a.Ticket", vec![reference("owner", "User")]),
        ("a.User", vec![]),
        ("b.Case", vec![agent]),
        ("b.Agent", vec![]),
    ]);
    World::new(&flows, &schemas)
}

#[test]
fn p8_a_reference_that_waits_is_told_until_it_is_written() {
    let mut world = tickets();
    world.read("a.User/u9", json!({"mail": "odd@example.com"}));
    world.read("a.Ticket/1", json!({"title": "Printer", "owner": "u9"}));
    world.settle();
    world.settle_all();
    let waits: Vec<_> =
        world.reviews.iter().filter(|review| review.kind == ReviewKind::WaitingReference).collect();
    assert_eq!(waits.len(), 1, "{:?}", world.reviews);
    assert_eq!((waits[0].rule, waits[0].candidates.len()), (Rule::P8, 1));
    assert_eq!(
        words(&waits[0].why),
        "agent waits for a.User/u9, which has no counterpart in b.Agent yet"
    );
    // Once the counterpart is there it is written, and nothing waits.
    world.read("b.Agent/5", json!({"email": "odd@example.com"}));
    world.settle();
    assert_eq!(world.settle_all(), 0);
    assert!(world.reviews.is_empty(), "{:?}", world.reviews);
}

#[test]
fn p8_a_reference_to_nobody_that_is_known_is_told_as_well() {
    let mut world = tickets();
    world.read("a.Ticket/1", json!({"title": "Printer", "owner": "u9"}));
    world.settle();
    world.settle_all();
    assert_eq!(world.reviews.len(), 1);
    assert_eq!(
        words(&world.reviews[0].why),
        "agent waits for a.User/u9, which has not been read, or is in no flow"
    );
}

#[test]
fn d2_the_place_of_what_was_deleted_for_a_record_that_is_back_is_filled_anew() {
    let mut world = linked(Flow { deletes: Deletes::Propagate, ..one() });
    world.read_deleted("a.Person/2");
    assert_eq!(world.settle(), 1);
    assert!(!world.record("b.Person/new2").is_live());
    world.read("a.Person/2", ase());
    // What the hub does when it sees that the deletion had been passed on.
    let gone = world.record("b.Person/new2").id;
    world.records.get_mut(&gone).unwrap().presence = Presence::Replaceable;
    assert_eq!(world.settle(), 1);
    assert_eq!(world.intents.last().unwrap().kind, IntentKind::Create);
    assert_eq!(world.count("b.Person"), 2);
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.situation("2", "b.Person"), Situation::Confirmed);
}
