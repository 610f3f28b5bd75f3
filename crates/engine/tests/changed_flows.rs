//! P1, P4, P12: what changed flows write into records that are linked already.

use crate::kit::{World, flow, schemas};
use lockstep_engine::plan::Schemas;
use lockstep_model::flow::{Create, PropertyPair, Wins};
use lockstep_model::{Conversion, Flow, Policy};
use serde_json::{Value, json};

const PERSON: [&str; 2] = ["a.Person/1", "b.Person/1"];

fn two() -> Schemas {
    schemas(&[("a.Person", vec![]), ("b.Person", vec![])])
}

fn people(row: &str, change: impl FnOnce(&mut PropertyPair)) -> Flow {
    let rows = ["mail <-> mail", row];
    let mut flow = flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows);
    change(&mut flow.properties[1]);
    flow
}

fn with(policy: Policy) -> Flow {
    people("name <-> name", |row| row.policy = policy)
}

fn prefer(system: &str) -> Policy {
    Policy::Prefer(vec![system.into()])
}

fn only_from(system: &str) -> Policy {
    Policy::OnlyFrom(system.into())
}

/// A row with each setting that says which way values go, or whose value counts.
fn rows() -> Vec<(&'static str, Flow)> {
    vec![
        ("<->", people("name <-> name", |_| ())),
        ("->", people("name -> name", |_| ())),
        ("<-", people("name <- name", |_| ())),
        ("on: create", people("name -> name", |row| row.on_create = true)),
        ("only_from: a", with(only_from("a"))),
        ("only_from: b", with(only_from("b"))),
        ("prefer: a", with(prefer("a"))),
        ("prefer: b", with(prefer("b"))),
        ("wins: max", with(Policy::Wins(Wins::Max))),
        ("wins: min", with(Policy::Wins(Wins::Min))),
    ]
}

fn person(name: &str) -> Value {
    json!({"mail": "liv@example.com", "name": name})
}

fn held(world: &World) -> [Value; 2] {
    PERSON.map(|record| world.value(record, "name"))
}

/// Both hold "old"; then one of them is edited, and a second run has carried it on.
fn edited(flows: &Flow, record: &str) -> World {
    let mut world = World::new(std::slice::from_ref(flows), &two());
    PERSON.iter().for_each(|record| _ = world.read(record, person("old")));
    world.settle();
    world.now += 10;
    world.read(record, person("new"));
    world.settle();
    world.settle_all();
    world
}

#[test]
fn p4_a_changed_row_writes_nothing_where_the_records_are_equal() {
    let mut compared = 0;
    for (before, row) in rows() {
        for (after, changed) in rows() {
            for record in PERSON {
                let what = format!("{before} to {after}, edited in {record}");
                let mut world = edited(&row, record);
                let shown = held(&world);
                if shown[0] != shown[1] {
                    continue;
                }
                world.now += 10;
                world.reflow(std::slice::from_ref(&changed), &two());
                assert_eq!(held(&world), shown, "{what}");
                assert_eq!(world.settle_all(), 0, "{what}: another run writes");
                assert_eq!(held(&world), shown, "{what}, in the run after");
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn p1_what_a_record_shows_counts_as_its_value_after_a_change_of_the_flows() {
    // a shows what came from b. Where only a counts from now on, that is what an edit of b goes
    // back to.
    for policy in [only_from("a"), prefer("a")] {
        let mut world = edited(&people("name <-> name", |_| ()), "b.Person/1");
        assert_eq!(held(&world), [json!("new"), json!("new")]);
        world.reflow(&[with(policy)], &two());
        world.now += 10;
        world.read("b.Person/1", person("drift"));
        world.settle();
        assert_eq!(held(&world), [json!("new"), json!("new")]);
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p1_a_changed_conversion_takes_the_value_that_was_put_in() {
    // b put in what a shows: it is b's value that is converted, and a that is written.
    let mut world = edited(&people("name <-> name", |_| ()), "b.Person/1");
    let back = Conversion::parse(&json!(["upper", "_."])).unwrap();
    world.reflow(&[people("name <- name", |row| row.back = Some(back))], &two());
    assert_eq!(held(&world), [json!("NEW"), json!("new")]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p4_emptying_stays_when_the_flows_change() {
    for policy in [only_from("a"), prefer("a"), Policy::Latest] {
        let mut world = edited(&people("name <-> name", |_| ()), "a.Person/1");
        world.now += 10;
        world.read("b.Person/1", person(""));
        world.settle();
        assert_eq!(held(&world), [Value::Null, json!("")]);
        world.reflow(&[with(policy.clone())], &two());
        assert_eq!(held(&world), [Value::Null, json!("")], "{policy:?}");
        assert_eq!(world.settle_all(), 0);
    }
}

fn defaulting(default: &str) -> Flow {
    let conversion = Conversion::parse(&json!(["if-null", "_.", default])).unwrap();
    people("name <-> name", |row| row.conversion = Some(conversion))
}

#[test]
fn a_changed_default_replaces_the_one_that_was_filled_in() {
    let changes = |world: &mut World, b: &str| {
        let industry = |world: &World| world.value(b, "name");
        assert_eq!(industry(world), json!("Unknown"));
        for default in ["None", "Other"] {
            world.reflow(&[defaulting(default)], &two());
            assert_eq!(industry(world), json!(default));
            assert_eq!(world.settle_all(), 0);
        }
        // A row that is taken away writes nothing.
        world.reflow(&[people("name <-> name", |_| ())], &two());
        assert_eq!(industry(world), json!("Other"));
        assert_eq!(world.settle_all(), 0);
    };
    // Created with the default.
    let mut world = World::new(&[defaulting("Unknown")], &two());
    world.read("a.Person/1", person(""));
    world.settle();
    let made = world.records.values().find(|record| record.key.starts_with("new")).unwrap();
    let made = format!("b.Person/{}", made.key);
    changes(&mut world, &made);
    // There before, and filled.
    let mut world = World::new(&[defaulting("Unknown")], &two());
    PERSON.iter().for_each(|record| _ = world.read(record, person("")));
    world.settle();
    changes(&mut world, "b.Person/1");
}

#[test]
fn a_changed_default_leaves_what_somebody_has_put_in() {
    // b's own value, the same word as the default, a's value, and the default put back after an
    // edit.
    for (a, b, edit) in
        [("", "Fish", None), ("", "Unknown", None), ("Fish", "", None), ("", "", Some("Fish"))]
    {
        let mut world = World::new(&[defaulting("Unknown")], &two());
        world.read("a.Person/1", person(a));
        world.read("b.Person/1", person(b));
        world.settle();
        if let Some(edit) = edit {
            world.now += 10;
            world.read("b.Person/1", person(edit));
            world.settle();
        }
        let before = world.value("b.Person/1", "name");
        world.reflow(&[defaulting("Other")], &two());
        assert_eq!(world.value("b.Person/1", "name"), before, "{a}, {b}, {edit:?}");
    }
}
