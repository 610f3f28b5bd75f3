//! L7: what each half of an entity holds when a person takes it apart is its own from then on.

use crate::kit::{World, flow, reference, schemas};
use lockstep_engine::split::inherit;
use lockstep_model::flow::{Create, Filter};
use lockstep_model::{
    EntityId, Flow, IntentState, PlainType, PropertySchema, RecordId, RecordState, Timestamp,
};
use serde_json::json;

/// Three linked records; each holds what was put in last, in `b`, though `a` and `c` had values of
/// their own.
fn three() -> World {
    let rows = ["mail <-> mail", "name <-> name", "phone <-> phone"];
    let mut world = World::people(&[
        flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows),
        flow("c.Person", "b.Person", Create::Never, &["mail = mail"], &rows),
    ]);
    world.read("a.Person/1", json!({"mail": "solveig@example.com", "name": "S.", "phone": "1"}));
    world.read("c.Person/1", json!({"mail": "solveig@example.com", "name": "Solv.", "phone": "1"}));
    world.read(
        "b.Person/1",
        json!({"mail": "solveig@example.com", "name": "Solveig", "phone": "1"}),
    );
    world.settle();
    assert_eq!(world.value("a.Person/1", "name"), json!("Solveig"));
    assert_eq!(world.value("c.Person/1", "name"), json!("Solveig"));
    world
}

/// A person takes `b` out.
fn take_out_b(world: &mut World) {
    let b = world.record("b.Person/1").id;
    take_out(world, b);
}

pub(crate) fn take_out(world: &mut World, out: RecordId) {
    let (mut one, mut other): (Vec<RecordState>, Vec<RecordState>) =
        world.records.values().cloned().partition(|record| record.id == out);
    let before = one.clone();
    let open =
        world.intents.iter().filter(|intent| intent.state.is_open() && intent.record.is_some());
    let unwritten: Vec<_> = open
        .flat_map(|intent| {
            intent.changes.iter().map(|change| (intent.record.unwrap(), change.prop))
        })
        .collect();
    inherit(&world.plan, Timestamp(world.now), &mut one, &other, &unwritten);
    inherit(&world.plan, Timestamp(world.now), &mut other, &before, &unwritten);
    for half in [one, other] {
        let own = half.iter().map(|record| record.id.0).min().unwrap();
        for mut record in half {
            record.entity = EntityId(own);
            world.apart.insert((out, record.id));
            world.records.insert(record.id, record);
        }
    }
    world.apart.remove(&(out, out));
}

#[test]
fn l7_unlinking_writes_nothing_and_nobody_falls_back_to_older_values() {
    let mut world = three();
    take_out_b(&mut world);
    world.agenda.extend(world.records.keys().copied().collect::<Vec<_>>());
    world.decide();
    let updates = world
        .intents
        .iter()
        .filter(|intent| intent.state.is_open() && intent.record.is_some())
        .count();
    assert_eq!(updates, 0, "{:?}", world.intents);
    // The half without `b` gets a counterpart of its own, with all that it shows.
    world.settle();
    let made = world
        .records
        .values()
        .find(|record| record.key.starts_with("new"))
        .expect("a counterpart is made")
        .key
        .clone();
    assert_eq!(world.value(&format!("b.Person/{made}"), "name"), json!("Solveig"));
}

#[test]
fn l7_what_is_edited_after_unlinking_stays_in_its_half() {
    let mut world = three();
    take_out_b(&mut world);
    world.settle_all();
    world.read("b.Person/1", json!({"phone": "2"}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "phone"), json!("1"));
    world.read("c.Person/1", json!({"phone": "3"}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "phone"), json!("3"));
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
}

#[test]
fn l7_what_is_shown_as_a_later_write_was_not_kept_is_no_later_than_it_was() {
    let flows = [flow(
        "b.Person",
        "a.Person",
        Create::Always,
        &["mail = mail"],
        &["mail <-> mail", "phone <-> phone"],
    )];
    let mut world = World::people(&flows);
    world.read("b.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.settle();
    let made = world.records.values().find(|record| record.key.starts_with("new")).unwrap().clone();
    let name = format!("a.Person/{}", made.key);
    let first_seen = made.first_seen;
    // R6: a write after an edit that is acknowledged and not kept.
    world.now += 10;
    let state = world.records.get_mut(&made.id).unwrap();
    state.written_at = Some(Timestamp(world.now));
    world.read("b.Person/1", json!({"phone": "2"}));
    let b = world.record("b.Person/1").id;
    take_out(&mut world, b);
    let claims: Vec<_> =
        world.record(&name).slots.iter().filter_map(|slot| slot.claim.clone()).collect();
    let phone =
        claims.iter().find(|claim| claim.value == json!("1")).expect("it claims what it shows");
    assert_eq!(phone.at, first_seen);
}

#[test]
fn l7_what_one_record_of_a_half_has_not_kept_holds_where_another_one_has() {
    let rows = ["mail <-> mail", "phone <-> phone"];
    let between = |from, to, create| flow(from, to, create, &["mail = mail"], &rows);
    let mut world = World::people(&[
        between("b.Person", "a.Person", Create::Always),
        between("c.Person", "a.Person", Create::Never),
    ]);
    world.read("b.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.settle();
    let made = world.records.values().find(|record| record.key.starts_with("new")).unwrap().clone();
    world.now += 10;
    world.read("c.Person/1", json!({"mail": "solveig@example.com", "phone": "2"}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
    // R6: the one that was made has not kept it, and shows what it was made with.
    let state = world.records.get_mut(&made.id).unwrap();
    let phone = state.slots.iter_mut().find(|slot| slot.shadow == Some(json!("2"))).unwrap();
    (phone.shadow, phone.carries, phone.given) = (Some(json!("1")), None, None);
    // What was put in first is displaced where it was.
    let b = world.record("b.Person/1").id;
    let slots = &mut world.records.get_mut(&b).unwrap().slots;
    let phone = slots.iter_mut().find(|slot| slot.shadow == Some(json!("2"))).unwrap();
    phone.claim = None;
    let c = world.record("c.Person/1").id;
    take_out(&mut world, c);
    let claimed = |name: &str| {
        let slots = world.record(name).slots.iter();
        slots.filter_map(|slot| slot.claim.as_ref()).any(|claim| claim.value == json!("2"))
    };
    assert!(claimed("b.Person/1"));
    let of_made = &world.records[&made.id].slots;
    assert!(
        of_made.iter().all(|slot| slot.claim.as_ref().is_none_or(|own| own.value != json!("1")))
    );
}

#[test]
fn l7_what_wins_in_a_half_comes_to_a_record_that_still_shows_a_value_of_the_other_half() {
    let rows = ["mail <-> mail", "phone <-> phone"];
    let between = |from, to| flow(from, to, Create::Never, &["mail = mail"], &rows);
    let mut world =
        World::people(&[between("c.Person", "b.Person"), between("a.Person", "b.Person")]);
    world.read("c.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.read("b.Person/1", json!({"mail": "solveig@example.com", "phone": null}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "phone"), json!("1"));
    // The third is linked; what it holds wins, and has not been written when `c` is taken out.
    world.read("a.Person/1", json!({"mail": "solveig@example.com", "phone": "2"}));
    world.decide();
    world.intents.clear();
    // All three values are of one time.
    let (a, b, c) = (
        world.record("a.Person/1").id,
        world.record("b.Person/1").id,
        world.record("c.Person/1").id,
    );
    let slots = |world: &World, id| world.records[&id].slots.clone();
    let at = slots(&world, a).iter().filter_map(|slot| slot.claim.as_ref()).map(|c| c.at).max();
    let of_b = &mut world.records.get_mut(&b).unwrap().slots;
    let phone = of_b.iter_mut().find(|slot| slot.shadow == Some(json!("1"))).unwrap();
    phone.carries.as_mut().unwrap().at = at.unwrap();
    take_out(&mut world, c);
    world.settle_all();
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
    assert_eq!(world.value("c.Person/1", "phone"), json!("1"));
}

#[test]
fn l7_what_was_written_before_a_write_that_was_not_kept_stays_the_record_s_own() {
    let rows = ["mail <-> mail", "phone <-> phone"];
    let mut world =
        World::people(&[flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows)]);
    world.read("b.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.read("a.Person/1", json!({"mail": "solveig@example.com", "phone": "2"}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
    // R6: the next write is acknowledged and not kept; what it would have displaced is nobody's
    // claim.
    let b = world.record("b.Person/1").id;
    let state = world.records.get_mut(&b).unwrap();
    state.slots.iter_mut().for_each(|slot| (slot.carries, slot.given) = (None, None));
    world.read("a.Person/1", json!({"phone": "3"}));
    take_out_b(&mut world);
    let phone = world
        .record("b.Person/1")
        .slots
        .iter()
        .find_map(|slot| slot.claim.clone().filter(|claim| claim.value == json!("2")));
    assert!(
        phone.is_some(),
        "what is created for it would get an older value: {:?}",
        world.record("b.Person/1").slots
    );
}

#[test]
fn l7_what_a_half_was_given_and_has_not_kept_is_not_its_own() {
    let mut world = three();
    world.read("b.Person/1", json!({"phone": "2"}));
    world.decide();
    world.deliver_untold();
    let kept = world.record("c.Person/1").key.clone();
    world.read(
        "c.Person/1",
        json!({"mail": "solveig@example.com", "name": "Solveig", "phone": "2"}),
    );
    take_out_b(&mut world);
    let phone = world.prop(world.ty("c.Person"), "phone");
    let own = |world: &World, name: &str| {
        world.record(name).slot(phone).claim.clone().map(|claim| claim.value)
    };
    assert_eq!(
        own(&world, "c.Person/1"),
        Some(json!("2")),
        "{kept} has shown that it holds the value"
    );
    // R6: the other of them shows what it held before.
    world.read(
        "a.Person/1",
        json!({"mail": "solveig@example.com", "name": "Solveig", "phone": "1"}),
    );
    assert_ne!(own(&world, "a.Person/1"), Some(json!("2")));

    // Where it was alone, it claims what it shows, and its next counterpart is given no more than
    // that.
    let rows = ["mail <-> mail", "phone <-> phone"];
    let mut world =
        World::people(&[flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows)]);
    world.read("b.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.read("a.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.settle();
    world.read("b.Person/1", json!({"phone": "2"}));
    world.decide();
    world.deliver_untold();
    take_out_b(&mut world);
    world.read("a.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.settle_all();
    let made = world
        .records
        .values()
        .find(|record| record.key.starts_with("new"))
        .expect("a counterpart is made")
        .key
        .clone();
    assert_eq!(world.value(&format!("b.Person/{made}"), "phone"), json!("1"));
    assert_eq!(world.value("a.Person/1", "phone"), json!("1"));
}

#[test]
fn l7_what_was_edited_and_not_passed_on_before_unlinking_leaves_the_other_half_what_it_shows() {
    let mut world = three();
    // Seen, and not decided on yet: the claim behind what the others show is gone.
    world.read("b.Person/1", json!({"name": "Solveig Lie"}));
    take_out_b(&mut world);
    world.settle_all();
    assert_eq!(world.value("a.Person/1", "name"), json!("Solveig"));
    assert_eq!(world.value("c.Person/1", "name"), json!("Solveig"));
    let made = world
        .records
        .values()
        .find(|record| record.key.starts_with("new"))
        .expect("a counterpart is made")
        .key
        .clone();
    assert_eq!(world.value(&format!("b.Person/{made}"), "name"), json!("Solveig"));
}

#[test]
fn l7_what_a_half_still_shows_of_an_edit_that_has_lost_within_it_is_nobodys_claim() {
    let rows = ["mail <-> mail", "name <-> name"];
    let mut world = World::people(&[
        flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows),
        flow("b.Person", "c.Person", Create::Never, &["mail = mail"], &rows),
        flow("a.Person", "d.Person", Create::Never, &["mail = mail"], &["mail <-> mail"]),
    ]);
    world.read("a.Person/1", json!({"mail": "solveig@example.com", "name": "S."}));
    world.read("d.Person/1", json!({"mail": "solveig@example.com"}));
    let edited = world.now + 1;
    world.now += 10;
    assert_eq!(world.settle(), 1, "b is created from a");
    // A value from before that creation, though later than the one that it brought, is linked, and
    // is not written yet to b.
    let values = json!({"mail": "solveig@example.com", "name": "Solveig"});
    world.read_as("c.Person/1", values, None, Some(edited));
    world.decide();
    let d = world.record("d.Person/1").id;
    take_out(&mut world, d);
    world.intents.retain(|intent| !intent.state.is_open());
    world.settle_all();
    for record in ["a.Person/1", "b.Person/new3", "c.Person/1"] {
        assert_eq!(world.value(record, "name"), json!("Solveig"), "{record}");
    }
}

#[test]
fn l7_p8_a_reference_that_has_not_been_written_before_unlinking_is_written_after_it() {
    let people = ["mail <-> mail", "company <-> company"];
    let flows = [
        flow("b.Company", "a.Company", Create::Always, &["name = name"], &["name <-> name"]),
        flow("b.Company", "c.Company", Create::Always, &["name = name"], &["name <-> name"]),
        flow("b.Person", "a.Person", Create::Always, &["mail = mail"], &people),
        flow("b.Person", "c.Person", Create::Never, &["mail = mail"], &people),
        flow("c.Person", "b.Person", Create::Always, &["mail = mail"], &people),
    ];
    let company =
        || vec![PropertySchema { ty: PlainType::String, ..reference("company", "Company") }];
    let mut world = World::new(
        &flows,
        &schemas(&[
            ("a.Person", company()),
            ("b.Person", company()),
            ("c.Person", company()),
            ("a.Company", vec![]),
            ("b.Company", vec![]),
            ("c.Company", vec![]),
        ]),
    );
    for system in ["a", "b", "c"] {
        world.read(&format!("{system}.Company/{system}1"), json!({"name": "Fjell AS"}));
        world.read(&format!("{system}.Company/{system}2"), json!({"name": "Dal AS"}));
    }
    world.read("b.Person/1", json!({"mail": "ada@example.com", "company": "b1"}));
    world.read("c.Person/1", json!({"mail": "ada@example.com", "company": "c1"}));
    world.settle_all();
    let a = world
        .records
        .values()
        .find(|record| record.ty == world.ty("a.Person"))
        .unwrap()
        .key
        .clone();
    let a = format!("a.Person/{a}");
    assert_eq!(world.value(&a, "company"), json!("a1"));
    // She moves; c hears of it, and a can't be reached.
    world.read("b.Person/1", json!({"company": "b2"}));
    world.decide();
    let ty = world.ty("a.Person");
    let at = world
        .intents
        .iter()
        .position(|intent| intent.state == IntentState::Queued && intent.ty == ty)
        .unwrap();
    let waits = world.intents.remove(at);
    world.deliver();
    assert_eq!(world.value("c.Person/1", "company"), json!("c2"));
    world.intents.push(waits);
    let out = world.record("b.Person/1").id;
    let companies: Vec<RecordState> = world
        .records
        .values()
        .filter(|record| record.entity != world.records[&out].entity)
        .cloned()
        .collect();
    world.records.retain(|_, record| companies.iter().all(|company| company.id != record.id));
    take_out(&mut world, out);
    world.records.extend(companies.into_iter().map(|company| (company.id, company)));
    world.intents.retain(|intent| !intent.state.is_open());
    world.settle_all();
    assert_eq!(world.value("c.Person/1", "company"), json!("c2"));
    assert_eq!(world.value(&a, "company"), json!("a2"), "it differs from the others for good");
}

#[test]
fn l7_l9_what_a_half_was_given_is_its_own_though_a_later_value_in_it_does_not_reach_it() {
    let rows = ["mail <-> mail", "phone <-> phone"];
    let only = Some(Filter { expression: "kind == 'customer'".into(), reads: vec!["kind".into()] });
    let mut world = World::people(&[
        Flow { only, ..flow("b.Person", "a.Person", Create::Never, &["mail = mail"], &rows) },
        flow("a.Person", "c.Person", Create::Always, &["mail = mail"], &rows),
    ]);
    world.read(
        "b.Person/1",
        json!({"mail": "solveig@example.com", "phone": "1", "kind": "customer"}),
    );
    world.read("a.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.read("c.Person/1", json!({"mail": "solveig@example.com", "phone": "1"}));
    world.settle();
    world.read("b.Person/1", json!({"kind": "supplier"}));
    world.read("c.Person/1", json!({"phone": "2"}));
    world.settle();
    world.read("b.Person/1", json!({"phone": "3"}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "phone"), json!("2"));
    let out = world.record("c.Person/1").id;
    take_out(&mut world, out);
    world.agenda.extend(world.records.keys().copied().collect::<Vec<_>>());
    world.settle_all();
    assert_eq!(world.value("a.Person/1", "phone"), json!("2"));
    let made = world
        .records
        .values()
        .find(|record| record.key.starts_with("new"))
        .expect("a counterpart is made")
        .key
        .clone();
    assert_eq!(
        world.value(&format!("c.Person/{made}"), "phone"),
        json!("2"),
        "it is made with an older value"
    );
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l7_p1_a_copy_of_a_value_of_untold_time_beats_nobodys_own_value() {
    let flows = [
        flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &ROWS),
        flow("b.Person", "c.Person", Create::Never, &["mail = mail"], &ROWS),
    ];
    let mut world = World::people(&flows);
    let untold = |world: &mut World, name: &str, mail: &str, phone: &str| {
        world.read_as(name, json!({"mail": mail, "phone": phone}), None, None);
    };
    untold(&mut world, "a.Person/1", "kari@example.com", "1");
    untold(&mut world, "b.Person/1", "kari@example.com", "2");
    untold(&mut world, "c.Person/1", "kari@example.com", "3");
    world.settle_all();
    assert_eq!(world.value("b.Person/1", "phone"), json!("1"));
    assert_eq!(world.value("c.Person/1", "phone"), json!("1"));
    let a = world.record("a.Person/1").id;
    take_out(&mut world, a);
    world.settle_all();
    // Neither falls back to what it held before.
    assert_eq!(world.value("b.Person/1", "phone"), json!("1"));
    assert_eq!(world.value("c.Person/1", "phone"), json!("1"));
    // Whose counterpart they are is told later; nobody tells either time.
    untold(&mut world, "b.Person/1", "liv@example.com", "1");
    untold(&mut world, "a.Person/2", "liv@example.com", "9");
    world.settle_all();
    for name in ["a.Person/2", "b.Person/1", "c.Person/1"] {
        assert_eq!(world.value(name, "phone"), json!("9"), "{name}");
    }
}

const ROWS: [&str; 2] = ["mail <-> mail", "phone <-> phone"];
