//! P1, P1a, P1d, P12, L6: what holds when two records are linked for the first time, and what a
//! changed flow changes.

use crate::kit::{World, flow, schemas};
use lockstep_engine::plan::Schemas;
use lockstep_engine::settle::{Entity, drifted};
use lockstep_engine::{Plan, Slice};
use lockstep_model::flow::Create;
use lockstep_model::{
    Conversion, Flow, PlainType, Policy, PropertySchema, Reason, Rule, RunId, Timestamp, Value,
};
use serde_json::json;

const MAIL: [&str; 1] = ["mail = mail"];

fn two() -> Schemas {
    schemas(&[("a.Person", vec![]), ("b.Person", vec![])])
}

fn people(rows: &[&str]) -> Flow {
    flow("a.Person", "b.Person", Create::Always, &MAIL, rows)
}

fn converting(mut flow: Flow, row: usize, list: Value) -> Flow {
    flow.properties[row].conversion = Some(Conversion::parse(&list).unwrap());
    flow
}

/// A record with this name and phone, modified then.
fn read(world: &mut World, record: &str, phone: &str, modified: Option<i64>) {
    world.now += 1;
    world.read_as(record, json!({"mail": "solveig@example.com", "phone": phone}), None, modified);
}

#[test]
fn p1_at_the_first_link_a_time_that_is_told_beats_one_that_nobody_tells() {
    for (told, untold) in [("a.Person/1", "b.Person/1"), ("b.Person/1", "a.Person/1")] {
        for told_first in [true, false] {
            let mut world = World::people(&[people(&["phone <-> phone"])]);
            if told_first {
                read(&mut world, told, "told", Some(5));
            }
            read(&mut world, untold, "untold", None);
            if !told_first {
                read(&mut world, told, "told", Some(5));
            }
            assert_eq!(world.settle(), 1);
            let intent = world.intents.last().unwrap();
            assert_eq!(
                (intent.changes[0].value.clone(), intent.changes[0].reason),
                (json!("told"), Reason::Told)
            );
            assert_eq!(
                (world.value(told, "phone"), world.value(untold, "phone")),
                (json!("told"), json!("told"))
            );
            assert_eq!(world.settle_all(), 0);
            // What is edited after that is later than either.
            world.read_as(
                untold,
                json!({"mail": "solveig@example.com", "phone": "edited"}),
                None,
                None,
            );
            world.settle();
            assert_eq!(world.value(told, "phone"), json!("edited"));
        }
    }
}

#[test]
fn p1_where_nobody_tells_the_first_named_record_type_wins_whenever_either_was_read() {
    for a_first in [true, false] {
        let mut world = World::people(&[people(&["phone <-> phone"])]);
        world.through[1].from = Some(Timestamp(0));
        let mut order = ["a.Person/1", "b.Person/1"];
        if !a_first {
            order.reverse();
        }
        read(&mut world, order[0], order[0], None);
        world.decide();
        world.now += 1_000;
        read(&mut world, order[1], order[1], None);
        world.settle_all();
        assert_eq!(world.value("a.Person/1", "phone"), json!("a.Person/1"), "a first: {a_first}");
        assert_eq!(world.value("b.Person/1", "phone"), json!("a.Person/1"));
        assert_eq!(world.intents.last().unwrap().changes[0].reason, Reason::Untold);
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p12_where_nobody_tells_a_row_of_one_direction_goes_its_way_whoever_is_named_first() {
    for (row, holds) in
        [("phone -> phone", ("from a", "from a")), ("phone <- phone", ("from b", "from b"))]
    {
        for a_first in [true, false] {
            let mut world = World::people(&[people(&[row])]);
            let mut order = [("a.Person/1", "from a"), ("b.Person/1", "from b")];
            if !a_first {
                order.reverse();
            }
            order.iter().for_each(|(record, phone)| read(&mut world, record, phone, None));
            world.settle();
            let held = (world.value("a.Person/1", "phone"), world.value("b.Person/1", "phone"));
            assert_eq!(held, (json!(holds.0), json!(holds.1)), "{row}");
            assert_eq!(world.intents.last().unwrap().changes[0].reason, Reason::OneWay);
            assert_eq!(world.settle_all(), 0);
        }
    }
}

#[test]
fn p1a_on_a_tie_the_lone_property_takes_the_first_row_whatever_is_named_elsewhere_before() {
    // The match row names the second property first.
    let rows = ["street <-> city", "postal <-> city"];
    let one = flow("a.Person", "b.Person", Create::Always, &["postal = key"], &rows);
    let mut world = World::people(&[one]);
    world.read_as("a.Person/1", json!({"street": "Bergen", "postal": "Oslo"}), None, None);
    world.read_as("b.Person/1", json!({"key": "Oslo", "city": ""}), None, None);
    world.settle();
    assert_eq!(world.value("b.Person/1", "city"), json!("Bergen"));
}

fn names() -> Flow {
    let flow = people(&["name <-> first", "name <-> last"]);
    let flow = converting(flow, 0, json!(["first", ["split", " ", "_."]]));
    converting(flow, 1, json!(["last", ["split", " ", "_."]]))
}

#[test]
fn p1d_a_full_name_is_split_and_an_edit_of_the_whole_goes_to_every_part() {
    let mut world = World::people(&[names()]);
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari Nordmann"}));
    assert_eq!(world.settle(), 1);
    let made = world
        .records
        .values()
        .find(|r| r.key.starts_with("new"))
        .map(|r| format!("b.Person/{}", r.key))
        .unwrap();
    assert_eq!(
        (world.value(&made, "first"), world.value(&made, "last")),
        (json!("Kari"), json!("Nordmann"))
    );
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Karin Dahl"}));
    world.settle();
    assert_eq!(
        (world.value(&made, "first"), world.value(&made, "last")),
        (json!("Karin"), json!("Dahl"))
    );
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1d_at_the_first_link_the_whole_goes_to_every_part_too() {
    let mut world = World::people(&[names()]);
    world.read("b.Person/1", json!({"mail": "kari@example.com", "first": "K.", "last": "N."}));
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari Nordmann"}));
    world.settle();
    assert_eq!(
        (world.value("b.Person/1", "first"), world.value("b.Person/1", "last")),
        (json!("Kari"), json!("Nordmann"))
    );
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1d_p0_at_the_first_link_any_part_that_differs_makes_the_whole_anew() {
    // Named together, or one by one on the side that is named second.
    let turned = Flow { from: names().to, to: names().from, properties: vec![], ..names() };
    for flows in [vec![people(&["first + last <-> name"])], vec![turned, names()]] {
        let (parts, whole) = match flows.len() {
            1 => ("a.Person/1", "b.Person/1"),
            _ => ("b.Person/1", "a.Person/1"),
        };
        for (first, last) in [("Kari", "Lie"), ("Berit", "Nordmann"), ("Berit", "Lie")] {
            let mut world = World::people(&flows);
            let mail = "kari@example.com";
            world.read_as(parts, json!({"mail": mail, "first": first, "last": last}), None, None);
            world.read_as(whole, json!({"mail": mail, "name": "Kari Nordmann"}), None, None);
            world.settle();
            let shown = ["first", "last"].map(|part| world.value(parts, part));
            let joined = format!("{} {}", shown[0].as_str().unwrap(), shown[1].as_str().unwrap());
            assert_eq!(world.value(whole, "name"), json!(joined));
            assert_eq!(joined, format!("{first} {last}"), "the first named wins (P1)");
            assert_eq!(world.settle_all(), 0);
        }
    }
}

#[test]
fn p1d_of_several_properties_together_the_first_takes_all_words_but_the_last() {
    let mut world = World::people(&[people(&["first + last <-> name"])]);
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "Kari Anne Nordmann"}));
    world.read("a.Person/1", json!({"mail": "kari@example.com"}));
    world.settle();
    let shown = |world: &World, part| world.value("a.Person/1", part);
    assert_eq!(
        (shown(&world, "first"), shown(&world, "last")),
        (json!("Kari Anne"), json!("Nordmann"))
    );
    world.read("a.Person/1", json!({"mail": "kari@example.com", "first": "Kari", "last": "Lie"}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "name"), json!("Kari Lie"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1b_several_properties_together_are_as_late_as_the_last_of_them() {
    let row = converting(people(&["street + no -> address"]), 0, json!(["join", " ", "_."]));
    let mut world = World::people(&[row]);
    let mail = "kari@example.com";
    world.read("a.Person/1", json!({"mail": mail, "street": "Storgata", "no": "3"}));
    world.read("b.Person/1", json!({"mail": mail}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "address"), json!("Storgata 3"));
    world.now += 1_000;
    world.read("b.Person/1", json!({"mail": mail, "address": "Lia 7"}));
    assert_eq!(world.settle(), 0, "one way");
    world.now += 1_000;
    world.read("a.Person/1", json!({"mail": mail, "street": "Storgata", "no": "5"}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "address"), json!("Storgata 5"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1d_an_edit_of_a_part_makes_the_whole_anew() {
    let mut world = World::people(&[names()]);
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari Anne Nordmann"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com"}));
    world.settle();
    world.read(
        "b.Person/1",
        json!({"mail": "kari@example.com", "first": "Karin", "last": "Nordmann"}),
    );
    assert_eq!(world.settle(), 1);
    assert_eq!(world.intents.last().unwrap().changes[0].rule, Rule::P1d);
    assert_eq!(
        world.value("a.Person/1", "name"),
        json!("Karin Anne Nordmann"),
        "what is in no part stays"
    );
    // Both parts, one after the other and read together.
    world.read(
        "b.Person/1",
        json!({"mail": "kari@example.com", "first": "Ola", "last": "Nordmann"}),
    );
    world.read("b.Person/1", json!({"mail": "kari@example.com", "first": "Ola", "last": "Dahl"}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "name"), json!("Ola Anne Dahl"));
    assert_eq!(
        (world.value("b.Person/1", "first"), world.value("b.Person/1", "last")),
        (json!("Ola"), json!("Dahl"))
    );
    assert_eq!(world.settle_all(), 0);
    assert!(world.reviews.is_empty(), "{:?}", world.reviews);
}

#[test]
fn p1d_a_whole_is_created_from_its_parts_and_what_fits_no_whole_is_asked() {
    let turned = Flow { from: names().to, to: names().from, properties: vec![], ..names() };
    let mut world = World::people(&[names(), turned]);
    world.read(
        "b.Person/1",
        json!({"mail": "kari@example.com", "first": "Kari", "last": "Nordmann"}),
    );
    world.settle();
    let made = world
        .records
        .values()
        .find(|r| r.key.starts_with("new"))
        .map(|r| format!("a.Person/{}", r.key))
        .unwrap();
    assert_eq!(world.value(&made, "name"), json!("Kari Nordmann"));
    world.read(
        "b.Person/1",
        json!({"mail": "kari@example.com", "first": "Kari Anne", "last": "Nordmann"}),
    );
    assert_eq!(world.settle(), 0, "no whole has that as its first word");
    assert_eq!(world.reviews.len(), 1);
    assert_eq!(world.value(&made, "name"), json!("Kari Nordmann"));
}

#[test]
fn p1_a_conversion_for_the_way_back_is_what_the_other_flow_says() {
    let there = converting(people(&["no <-> no"]), 0, json!(["concat", "SO-", "_."]));
    let back = flow("b.Person", "a.Person", Create::Never, &MAIL, &["no <-> no"]);
    let back = converting(back, 0, json!(["lower", ["without-prefix", "SO-", "_."]]));
    for flows in [[there.clone(), back.clone()], [back, there]] {
        let mut world = World::new(&flows, &two());
        world.read("a.Person/1", json!({"mail": "kari@example.com", "no": "x1"}));
        world.read("b.Person/1", json!({"mail": "kari@example.com"}));
        world.settle();
        assert_eq!(world.value("b.Person/1", "no"), json!("SO-x1"));
        world.read("b.Person/1", json!({"mail": "kari@example.com", "no": "SO-Y2"}));
        world.settle();
        assert_eq!(world.value("a.Person/1", "no"), json!("y2"));
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p1_a_way_back_is_said_alone_where_the_way_there_is_plain() {
    let back = converting(
        flow("b.Person", "a.Person", Create::Never, &MAIL, &["name <-> name"]),
        0,
        json!(["upper", "_."]),
    );
    let mut world = World::new(&[people(&["name <-> name"]), back], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "KARI"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "Kari Nordmann"}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "name"), json!("KARI NORDMANN"));
}

#[test]
fn p1_a_changed_conversion_holds_for_what_is_linked_already() {
    let mut world = World::new(&[people(&["name <-> name"])], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari"}));
    world.read_as("b.Person/1", json!({"mail": "kari@example.com"}), None, Some(1));
    world.settle();
    assert_eq!(world.value("b.Person/1", "name"), json!("Kari"));
    world.reflow(&[converting(people(&["name <-> name"]), 0, json!(["upper", "_."]))], &two());
    assert_eq!(world.value("b.Person/1", "name"), json!("KARI"));
    assert_eq!(world.value("a.Person/1", "name"), json!("Kari"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1_a_changed_policy_holds_for_what_is_linked_already() {
    let mut world = World::new(&[people(&["name <-> name"])], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "from a"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "from b"}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "name"), json!("from b"));
    let mut prefers = people(&["name <-> name"]);
    prefers.properties[0].policy = Policy::Prefer(vec!["a".into()]);
    world.reflow(&[prefers], &two());
    let held =
        |world: &World| ["a", "b"].map(|system| world.value(&format!("{system}.Person/1"), "name"));
    // Nobody has edited either since they were linked: it is decided once more.
    assert_eq!(held(&world), [json!("from a"), json!("from a")]);

    // What somebody has put in since stands; what a had before stands nowhere any more.
    let mut world = World::new(&[people(&["name <-> name"])], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "from a"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "from b"}));
    world.settle();
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "edited"}));
    world.settle();
    let mut prefers = people(&["name <-> name"]);
    prefers.properties[0].policy = Policy::Prefer(vec!["a".into()]);
    world.reflow(&[prefers], &two());
    assert_eq!(held(&world), [json!("edited"), json!("edited")]);

    // P12: an edit against the arrow stays, until a policy puts it back.
    let mut world = World::new(&[people(&["name -> name"])], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "from a"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "from a"}));
    world.settle();
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "from b"}));
    world.settle();
    assert_eq!(held(&world), [json!("from a"), json!("from b")]);
    let mut only = people(&["name -> name"]);
    only.properties[0].policy = Policy::OnlyFrom("a".into());
    world.reflow(&[only], &two());
    assert_eq!(held(&world), [json!("from a"), json!("from a")]);
    assert_eq!(world.intents.last().unwrap().changes[0].reason, Reason::Policy);
}

#[test]
fn p1_what_a_system_made_of_a_value_is_not_written_again_because_a_flow_changed() {
    // P3: the answer shows it in capitals.
    let mut world = World::new(&[people(&["name <-> name"])], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari Nordmann"}));
    world.read_as("b.Person/1", json!({"mail": "kari@example.com"}), None, Some(1));
    world.decide();
    world.deliver_untold();
    let written = world.record("b.Person/1").modified.map(|at| at.0);
    world.read_as(
        "b.Person/1",
        json!({"mail": "kari@example.com", "name": "KARI NORDMANN"}),
        None,
        written,
    );
    assert_eq!(world.settle(), 0);
    let mut changed = people(&["name <-> name"]);
    changed.properties[0].clears = false;
    world.reflow(&[changed], &two());
    assert_eq!(world.intents.len(), 1);
    assert_eq!(world.value("b.Person/1", "name"), json!("KARI NORDMANN"));
}

fn defaulting() -> Flow {
    converting(
        people(&["name <-> name", "industry <-> industry"]),
        1,
        json!(["if-null", "_.", "Unknown"]),
    )
}

#[test]
fn a_default_of_a_conversion_takes_effect_and_never_travels_back() {
    let mut world = World::new(&[defaulting()], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari", "industry": ""}));
    world.settle();
    let made = world
        .records
        .values()
        .find(|r| r.key.starts_with("new"))
        .map(|r| format!("b.Person/{}", r.key))
        .unwrap();
    assert_eq!(world.value(&made, "industry"), json!("Unknown"));
    assert_eq!(world.value("a.Person/1", "industry"), json!(""));
    assert_eq!(world.settle_all(), 0);
    world.read(
        "a.Person/1",
        json!({"mail": "kari@example.com", "name": "Kari", "industry": "Fish"}),
    );
    world.settle();
    assert_eq!(world.value(&made, "industry"), json!("Fish"));
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari", "industry": ""}));
    world.settle();
    assert_eq!(
        world.value(&made, "industry"),
        json!("Unknown"),
        "emptied, it is the default again"
    );
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.value("a.Person/1", "industry"), json!(""));
}

#[test]
fn a_default_fills_what_is_empty_on_both_sides_and_beats_no_value() {
    let mut world = World::new(&[defaulting()], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari"}));
    world.read(
        "b.Person/1",
        json!({"mail": "kari@example.com", "name": "Kari", "industry": "Fish"}),
    );
    world.read("a.Person/2", json!({"mail": "ola@example.com", "name": "Ola"}));
    world.read("b.Person/2", json!({"mail": "ola@example.com", "name": "Ola", "industry": ""}));
    world.settle();
    assert_eq!(
        world.value("a.Person/1", "industry"),
        json!("Fish"),
        "P2: a value beats an empty one, with a default too"
    );
    assert_eq!(world.value("b.Person/2", "industry"), json!("Unknown"));
    assert_eq!(world.value("a.Person/2", "industry"), Value::Null);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn c3_nothing_is_created_from_defaults_alone() {
    let only =
        converting(people(&["industry <-> industry"]), 0, json!(["if-null", "_.", "Unknown"]));
    let mut world = World::new(&[only], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com"}));
    assert_eq!(world.settle(), 0);
}

#[test]
fn p12_an_arrow_carries_what_changes_there_and_an_edit_here_stays_until_then_and_is_counted() {
    let mut world = World::new(&[people(&["name -> name"])], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com"}));
    world.settle();
    let drift = |world: &World| {
        let records: lockstep_model::NumberMap<_, _> =
            world.records.iter().map(|(id, r)| (*id, r.clone())).collect();
        let focus = records.keys().copied().collect();
        let slice =
            Slice::new(Timestamp(world.now), RunId(1), focus, records, world.through.clone());
        let record = world.record("b.Person/1");
        let entity = Entity::of(&world.plan, world.records.values().collect());
        drifted(&world.plan, &slice, &entity, record, world.prop(record.ty, "name"))
    };
    assert_eq!(drift(&world), None);
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "Kari B."}));
    assert_eq!(world.settle(), 0);
    assert_eq!(
        (world.value("a.Person/1", "name"), world.value("b.Person/1", "name")),
        (json!("Kari"), json!("Kari B."))
    );
    assert_eq!(drift(&world), Some(json!("Kari")));
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Karin"}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "name"), json!("Karin"));
    assert_eq!(drift(&world), None);
}

fn merging() -> Flow {
    Flow { merge_duplicates: true, ..people(&["name <-> name"]) }
}

#[test]
fn l6_merging_into_an_empty_target_makes_one_record_in_whatever_order_they_come() {
    for order in [["1", "2", "3"], ["3", "1", "2"], ["2", "3", "1"]] {
        for at_once in [true, false] {
            for told in [true, false] {
                let mut world = World::new(&[merging()], &two());
                for (n, id) in order.iter().enumerate() {
                    let modified = told.then(|| 100 + id.parse::<i64>().unwrap());
                    world.now += 1;
                    let values = json!({"mail": "post@example.com", "name": format!("name {id}")});
                    world.read_as(&format!("a.Person/{id}"), values, None, modified);
                    if !at_once || n == 2 {
                        world.settle();
                    }
                }
                let case = format!("{order:?}, at once {at_once}, told {told}");
                assert_eq!(world.count("b.Person"), 1, "{case}");
                let wins = json!(if told { "name 3" } else { "name 1" });
                for record in world.records.values() {
                    assert_eq!(
                        record.slot(world.prop(record.ty, "name")).value(false),
                        &wins,
                        "{case}"
                    );
                    assert_eq!(record.entity, world.record("a.Person/1").entity, "{case}");
                }
                assert_eq!(world.settle_all(), 0, "{case}");
            }
        }
    }
}

#[test]
fn l6_records_of_one_type_are_merged_by_each_of_the_rows_and_not_where_nothing_says_so() {
    let rows = ["mail = mail", "phone = phone"];
    let one = Flow {
        merge_duplicates: true,
        ..flow("a.Person", "b.Person", Create::Always, &rows, &["name <-> name"])
    };
    let mut world = World::new(std::slice::from_ref(&one), &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari"}));
    world.read(
        "a.Person/2",
        json!({"mail": "kari@example.com", "phone": "22334455", "name": "Kari"}),
    );
    world.read("a.Person/3", json!({"phone": "22 33 44 55", "name": "Kari"}));
    world.read("a.Person/4", json!({"mail": "ola@example.com", "name": "Ola"}));
    world.settle();
    assert_eq!(world.count("b.Person"), 2);
    assert!(world.linked("a.Person/1", "a.Person/3") && !world.linked("a.Person/1", "a.Person/4"));
}

#[test]
fn p1a_where_a_claim_goes_does_not_depend_on_which_of_several_records_is_looked_at_first() {
    let rows = ["city <-> street", "city <-> postal"];
    for order in [["1", "2"], ["2", "1"]] {
        let one = Flow {
            merge_duplicates: true,
            ..flow("a.Person", "b.Person", Create::Never, &MAIL, &rows)
        };
        let mut world = World::new(&[one], &two());
        world.read_as(
            "a.Person/1",
            json!({"mail": "x@example.com", "city": "Oslo"}),
            None,
            Some(1),
        );
        for id in order {
            let held = json!({"mail": "x@example.com", "street": if id == "1" { "Oslo" } else { "Bergen" }, "postal": "Molde"});
            world.read_as(&format!("b.Person/{id}"), held, None, Some(2));
        }
        world.settle();
        world.read("a.Person/1", json!({"mail": "x@example.com", "city": "Bodø"}));
        world.settle();
        let end: Vec<Value> =
            ["1", "2"].iter().map(|id| world.value(&format!("b.Person/{id}"), "postal")).collect();
        assert_eq!(end[0], end[1], "{order:?}");
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p1d_only_different_conversions_make_parts() {
    let plan = Plan::compile(&[people(&["city <-> street", "city <-> postal"])], &two()).unwrap();
    assert!(plan.types.iter().flat_map(|ty| &ty.props).all(|prop| prop.parts.is_empty()));
    let plan = Plan::compile(&[names()], &two()).unwrap();
    assert_eq!(
        plan.types.iter().flat_map(|ty| &ty.props).filter(|prop| !prop.parts.is_empty()).count(),
        1
    );
}

/// Record types whose `phone` has a time of its own in the first of the two.
fn timed() -> Schemas {
    let phone = PropertySchema {
        modified: Some("phone_at".into()),
        ..PropertySchema::new("phone", PlainType::Any)
    };
    schemas(&[("a.Person", vec![phone]), ("b.Person", vec![])])
}

/// A time so many milliseconds after the beginning of time, which is what the worlds of these tests
/// count.
fn moment(at: i64) -> Value {
    json!(Timestamp(at).to_string())
}

#[test]
fn p1_a_property_with_a_time_of_its_own_is_as_old_as_that_and_the_others_as_their_record() {
    for a_first in [true, false] {
        let mut world = World::new(&[people(&["phone <-> phone", "name <-> name"])], &timed());
        let a =
            json!({"mail": "kari@example.com", "phone": "a", "name": "a", "phone_at": moment(100)});
        let b = json!({"mail": "kari@example.com", "phone": "b", "name": "b"});
        for first in [true, false] {
            match first == a_first {
                true => world.read_as("a.Person/1", a.clone(), None, Some(900)),
                false => world.read_as("b.Person/1", b.clone(), None, Some(500)),
            };
        }
        world.settle_all();
        let held = |world: &World, path: &str| {
            (world.value("a.Person/1", path), world.value("b.Person/1", path))
        };
        assert_eq!(held(&world, "phone"), (json!("b"), json!("b")), "{a_first}");
        assert_eq!(held(&world, "name"), (json!("a"), json!("a")), "{a_first}");
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p1_an_edit_is_as_late_as_its_own_property_and_not_as_one_beside_it() {
    let mut world = World::new(&[people(&["phone <-> phone", "name <-> name"])], &timed());
    let a = |phone: &str, name: &str, at: i64| json!({"mail": "kari@example.com", "phone": phone, "name": name, "phone_at": moment(at)});
    let b = |phone: &str| json!({"mail": "kari@example.com", "phone": phone, "name": "n"});
    world.read_as("a.Person/1", a("1", "n", 100), None, Some(100));
    world.read_as("b.Person/1", b("1"), None, Some(100));
    world.settle_all();
    // The phone was edited at 2,010 here and at 2,020 there; the name here at 2,090.
    (world.previous, world.now) = (Some(2_000), 3_000);
    world.read_as("a.Person/1", a("2", "m", 2_010), None, Some(2_090));
    world.read_as("b.Person/1", b("3"), None, Some(2_020));
    world.settle_all();
    assert_eq!(
        (world.value("a.Person/1", "phone"), world.value("b.Person/1", "name")),
        (json!("3"), json!("m"))
    );
    // That a time moves is nobody's edit, and one that is empty tells nothing: the edit counts as
    // seen now.
    (world.previous, world.now) = (Some(4_000), 5_000);
    let quiet =
        json!({"mail": "kari@example.com", "phone": "3", "name": "m", "phone_at": moment(4_500)});
    world.read_as("a.Person/1", quiet, None, Some(4_500));
    assert_eq!(world.settle_all(), 0);
    let untold = json!({"mail": "kari@example.com", "phone": "4", "name": "m", "phone_at": null});
    world.read_as("a.Person/1", untold, None, Some(4_600));
    world.settle_all();
    assert_eq!(world.value("b.Person/1", "phone"), json!("4"));
}

#[test]
fn p1_r9_a_time_beside_an_address_is_nothing_by_which_a_record_is_known() {
    let mail = PropertySchema {
        modified: Some("mail_at".into()),
        ..PropertySchema::new("mail", PlainType::Any)
    };
    let all = schemas(&[("a.Person", vec![mail]), ("b.Person", vec![])]);
    let mut world = World::new(
        &[flow("a.Person", "b.Person", Create::Always, &MAIL, &["mail <-> mail"])],
        &all,
    );
    world.read_as(
        "a.Person/1",
        json!({"mail": "kari@example.com", "mail_at": moment(100)}),
        None,
        Some(100),
    );
    world.settle_all();
    (world.previous, world.now) = (Some(2_000), 3_000);
    world.read_as(
        "a.Person/1",
        json!({"mail": "post@example.org", "mail_at": moment(2_500)}),
        None,
        Some(2_500),
    );
    world.settle_all();
    assert_eq!(
        world.value("a.Person/1", "mail"),
        json!("post@example.org"),
        "an address alone is an edit, and no question"
    );
}

#[test]
fn p1_where_nobody_tells_the_system_wins_that_is_said_to() {
    let mut all = two();
    for (system, wins) in [("a", false), ("b", true)] {
        all.get_mut(system).unwrap()[0].untold_wins = wins;
    }
    for b_first in [true, false] {
        let mut world = World::new(&[people(&["phone <-> phone"])], &all);
        if b_first {
            read(&mut world, "b.Person/1", "untold", None);
        }
        read(&mut world, "a.Person/1", "told", Some(5));
        if !b_first {
            read(&mut world, "b.Person/1", "untold", None);
        }
        world.settle_all();
        assert_eq!(world.value("a.Person/1", "phone"), json!("untold"), "{b_first}");
        // What somebody edits after that is later all the same.
        world.now += 10;
        world.read_as(
            "a.Person/1",
            json!({"mail": "solveig@example.com", "phone": "edited"}),
            None,
            Some(world.now),
        );
        world.settle_all();
        assert_eq!(world.value("b.Person/1", "phone"), json!("edited"));
    }
}

#[test]
fn p12_a_value_that_does_not_count_is_counted_as_drifted_where_the_other_system_holds_none() {
    let mut only = people(&["name <-> name"]);
    only.properties[0].policy = Policy::OnlyFrom("b".into());
    let mut world = World::new(&[only], &two());
    world.read("a.Person/1", json!({"mail": "kari@example.com"}));
    world.read("b.Person/1", json!({"mail": "kari@example.com"}));
    world.settle();
    let drift = |world: &World| {
        let records: lockstep_model::NumberMap<_, _> =
            world.records.iter().map(|(id, r)| (*id, r.clone())).collect();
        let slice =
            Slice::new(Timestamp(world.now), RunId(1), vec![], records, world.through.clone());
        let record = world.record("a.Person/1");
        let entity = Entity::of(&world.plan, world.records.values().collect());
        drifted(&world.plan, &slice, &entity, record, world.prop(record.ty, "name"))
    };
    assert_eq!(drift(&world), None);
    world.read("a.Person/1", json!({"mail": "kari@example.com", "name": "Kari"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(drift(&world), Some(Value::Null));
    world.read("b.Person/1", json!({"mail": "kari@example.com", "name": "Karin"}));
    world.settle();
    assert_eq!((world.value("a.Person/1", "name"), drift(&world)), (json!("Karin"), None));
}
