//! P1e: properties of a group move together. Against the executable model
//! (`tools/model/claims.py --groups`), and by cases.

use std::collections::BTreeMap;

use crate::kit::{World, flow, schemas};
use lockstep_model::flow::{Create, Direction};
use lockstep_model::{
    Conversion, Flow, IntentState, PropertySchema, Review, ReviewKind, Rule, Timestamp,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct GroupWorld {
    seed: u64,
    size: usize,
    /// When each record was last changed before it was linked; 0 where its system does not tell.
    told: BTreeMap<String, i64>,
    before: BTreeMap<String, Vec<Option<String>>>,
    runs: Vec<Run>,
    end: BTreeMap<String, Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct Run {
    /// The time, the record type, and the places with what is put there.
    edits: Vec<(i64, String, Places)>,
    read: Vec<String>,
    /// The record types whose record is written.
    written: Vec<String>,
}

type Places = Vec<(usize, String)>;

fn in_a_group(mut flow: Flow, group: &str, rows: std::ops::Range<usize>) -> Flow {
    flow.properties[rows].iter_mut().for_each(|pair| pair.group = Some(group.into()));
    flow
}

fn at(model: i64) -> i64 {
    1_000 + 10 * model
}

struct Play {
    world: World,
    live: BTreeMap<String, Vec<Option<String>>>,
    edited: BTreeMap<String, i64>,
}

impl Play {
    /// The types in a row, each with the next: the third is reached by way of the second.
    fn new(said: &GroupWorld) -> Play {
        let types: Vec<&String> = said.told.keys().collect();
        let rows: Vec<String> = (0..said.size).map(|at| format!("p{at} <-> p{at}")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let between = |two: &[&String]| {
            let flow = flow(
                &format!("{}.R", two[0]),
                &format!("{}.R", two[1]),
                Create::Never,
                &["key = key"],
                &rows,
            );
            in_a_group(flow, "group", 0..said.size)
        };
        let flows: Vec<Flow> = types.windows(2).map(between).collect();
        let names: Vec<String> = types.iter().map(|ty| format!("{ty}.R")).collect();
        let known: Vec<(&str, Vec<PropertySchema>)> =
            names.iter().map(|name| (name.as_str(), vec![])).collect();
        let edited = said
            .told
            .iter()
            .filter(|(_, told)| **told > 0)
            .map(|(ty, told)| (ty.clone(), *told))
            .collect();
        Play { world: World::new(&flows, &schemas(&known)), live: said.before.clone(), edited }
    }

    fn read(&mut self, order: &[String]) {
        for ty in order {
            let mut values: Map<String, Value> = self.live[ty]
                .iter()
                .enumerate()
                .map(|(at, v)| (format!("p{at}"), json!(v)))
                .collect();
            values.insert("key".into(), json!("same"));
            let modified = self.edited.get(ty).map(|time| at(*time));
            self.world.read_as(&format!("{ty}.R/1"), Value::Object(values), None, modified);
        }
    }

    /// Decides and delivers; gives whose records are written.
    fn settle(&mut self) -> Vec<String> {
        let before = self.world.intents.len();
        self.world.settle();
        let mut written: Vec<String> = Vec::new();
        for intent in &self.world.intents[before..] {
            let name = self.world.plan.ty(intent.ty).name.system.clone();
            for change in &intent.changes {
                let place: usize =
                    self.world.plan.prop(intent.ty, change.prop).name[1..].parse().unwrap();
                self.live.get_mut(&name).unwrap()[place] =
                    change.value.as_str().map(str::to_string);
            }
            written.push(name);
        }
        written.sort_unstable();
        written
    }
}

#[test]
fn p1e_groups_are_written_as_the_model_writes_them_in_whatever_order_they_are_read() {
    let worlds = include_str!("groups.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<GroupWorld>(line).expect("a world"));
    let mut written_in_all = 0;
    for said in worlds {
        for turned in [false, true] {
            let mut play = Play::new(&said);
            for (n, run) in said.runs.iter().enumerate() {
                for (time, ty, places) in &run.edits {
                    for (place, text) in places {
                        play.live.get_mut(ty).unwrap()[*place] = Some(text.clone());
                    }
                    play.edited.insert(ty.clone(), *time);
                }
                play.world.now =
                    at(run.edits.iter().map(|(time, ..)| *time).max().unwrap_or(10)) + 5;
                let mut order = run.read.clone();
                if turned {
                    order.reverse();
                }
                play.read(&order);
                let written = play.settle();
                assert_eq!(written, run.written, "seed {}, run {n}, {turned}", said.seed);
                written_in_all += written.len();
                // Quiet.
                play.read(&order);
                assert!(play.settle().is_empty(), "seed {}, run {n}, {turned}", said.seed);
            }
            assert_eq!(play.live, said.end, "seed {}, {turned}", said.seed);
        }
    }
    assert!(written_in_all > 2_000, "the worlds are not empty: {written_in_all}");
}

/// Contacts with an address, which is a group, and a phone number, which is none of it.
fn contacts() -> World {
    let rows = ["street <-> address", "code <-> zip", "city <-> town", "phone <-> phone"];
    let flow = flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &[&rows[..], &["mail <-> email"]].concat(),
    );
    World::new(
        &[in_a_group(flow, "address", 0..3)],
        &schemas(&[("a.Person", vec![]), ("b.Person", vec![])]),
    )
}

fn linked() -> World {
    let mut world = contacts();
    world.read(
        "a.Person/1",
        json!({"mail": "ase@example.com", "street": "Storgata 1", "code": "5003", "city": "Bergen", "phone": "1"}),
    );
    world.settle();
    world
}

fn address(world: &World, name: &str) -> [Value; 3] {
    let paths =
        if name.starts_with('a') { ["street", "code", "city"] } else { ["address", "zip", "town"] };
    paths.map(|path| world.value(name, path))
}

#[test]
fn p1e_the_later_edit_of_one_property_carries_its_whole_group() {
    let mut world = linked();
    let made = world
        .records
        .values()
        .find(|record| record.key != "1")
        .map(|record| record.key.clone())
        .unwrap();
    let theirs = format!("b.Person/{made}");
    // Two people edit the address at once, and the phone number, which goes its own way.
    world.read(
        "a.Person/1",
        json!({"mail": "ase@example.com", "street": "Kirkegata 2", "phone": "2"}),
    );
    world.read(&theirs, json!({"town": "Moss"}));
    world.settle();
    let moved = [json!("Storgata 1"), json!("5003"), json!("Moss")];
    assert_eq!(address(&world, "a.Person/1"), moved);
    assert_eq!(address(&world, &theirs), moved);
    assert_eq!(world.value(&theirs, "phone"), json!("2"));
    let intent = world
        .intents
        .iter()
        .rev()
        .find(|intent| world.plan.ty(intent.ty).name.system == "a")
        .unwrap();
    let rules: Vec<Rule> = intent.changes.iter().map(|change| change.rule).collect();
    assert_eq!(rules, [Rule::P1e, Rule::P1], "the street goes along, the city was edited");
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1e_at_the_first_link_one_sides_group_wins_whole() {
    let mut world = contacts();
    world.read(
        "a.Person/1",
        json!({"mail": "ase@example.com", "street": "Storgata 1", "code": "5003", "city": null}),
    );
    world.read(
        "b.Person/x",
        json!({"email": "ase@example.com", "address": null, "zip": "1530", "town": "Moss"}),
    );
    world.settle();
    let later = [json!(null), json!("1530"), json!("Moss")];
    assert_eq!(address(&world, "b.Person/x"), later);
    assert_eq!(address(&world, "a.Person/1"), later);
    // P2: who has nothing of it does not empty the other.
    let mut world = contacts();
    world.read("a.Person/1", json!({"mail": "ase@example.com", "street": "Storgata 1", "code": "5003", "city": "Bergen"}));
    world.read(
        "b.Person/x",
        json!({"email": "ase@example.com", "address": "", "zip": null, "town": null}),
    );
    world.settle();
    assert_eq!(
        address(&world, "b.Person/x"),
        [json!("Storgata 1"), json!("5003"), json!("Bergen")]
    );
}

#[test]
fn p1e_nothing_of_a_group_is_written_while_a_part_of_it_can_not_be() {
    let mut world = linked();
    let made = world
        .records
        .values()
        .find(|record| record.key != "1")
        .map(|record| record.key.clone())
        .unwrap();
    let theirs = format!("b.Person/{made}");
    let (record, zip) = (world.record(&theirs).id, world.prop(world.ty("b.Person"), "zip"));
    world.read(
        "a.Person/1",
        json!({"mail": "ase@example.com", "street": "Kirkegata 2", "code": "9999", "city": "Moss", "phone": "3"}),
    );
    // The other system has refused that postal code before (G4).
    world.reviews.push(Review {
        kind: ReviewKind::RejectedValue,
        about: record.into(),
        ty: world.ty("b.Person"),
        prop: Some(zip),
        rule: Rule::G4,
        candidates: vec![],
        value: json!("9999"),
        why: lockstep_model::Why::said("there is no such code"),
        opened_at: Timestamp(world.now),
    });
    world.settle();
    assert_eq!(address(&world, &theirs), [json!("Storgata 1"), json!("5003"), json!("Bergen")]);
    assert_eq!(
        world.value(&theirs, "phone"),
        json!("3"),
        "what is no part of the group is written"
    );
    assert!(world.intents.iter().all(|intent| intent.state != IntentState::Queued));
    world.read("a.Person/1", json!({"code": "1530"}));
    world.settle();
    assert_eq!(address(&world, &theirs), [json!("Kirkegata 2"), json!("1530"), json!("Moss")]);
}

#[test]
fn p1e_a_one_way_group_goes_one_way() {
    let mut flow = flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["street -> address", "city -> town", "mail <-> email"],
    );
    flow.properties[..2].iter_mut().for_each(|pair| pair.direction = Direction::Forward);
    let mut world = World::people(&[in_a_group(flow, "address", 0..2)]);
    world.read(
        "a.Person/1",
        json!({"mail": "ase@example.com", "street": "Storgata 1", "city": "Bergen"}),
    );
    world.read(
        "b.Person/x",
        json!({"email": "ase@example.com", "address": "Vei 1", "town": "Moss"}),
    );
    world.settle();
    assert_eq!(world.value("a.Person/1", "street"), json!("Storgata 1"));
    world.read("a.Person/1", json!({"city": "Voss"}));
    world.settle();
    assert_eq!(
        (world.value("b.Person/x", "address"), world.value("b.Person/x", "town")),
        (json!("Storgata 1"), json!("Voss"))
    );
    assert_eq!(world.settle_all(), 0);
}

/// A record of a third system, made of what the first one gives, which has an address in the
/// second: its street, its code and its town.
fn made_in_c(here: Value, there: Value, conversion: Option<Conversion>) -> [Value; 3] {
    let rows = ["street <-> address", "code <-> zip", "city <-> town"];
    let to_b = flow("a.Person", "b.Person", Create::Never, &["mail = email"], &rows);
    let rows = [&rows[..], &["mail <-> email"]].concat();
    let mut to_c = flow("a.Person", "c.Person", Create::Always, &["mail = email"], &rows);
    to_c.properties[2].conversion = conversion;
    let mut world = World::new(
        &[in_a_group(to_b, "address", 0..3), in_a_group(to_c, "address", 0..3)],
        &schemas(&[("a.Person", vec![]), ("b.Person", vec![]), ("c.Person", vec![])]),
    );
    world.read("a.Person/1", here);
    world.read("b.Person/x", there);
    world.decide();
    world.deliver();
    let c = world.ty("c.Person");
    let made = world.records.values().find(|record| record.ty == c).expect("it is created");
    let name = format!("c.Person/{}", made.key);
    let made = ["address", "zip", "town"].map(|path| world.value(&name, path));
    assert_eq!(world.settle(), 0, "nothing is left to be mended");
    made
}

#[test]
fn p1e_a_record_is_created_with_one_sides_group_whole() {
    // The later address has no town.
    let (here, there) = (
        json!({"mail": "ase@example.com", "city": "Bergen"}),
        json!({"email": "ase@example.com", "address": "Vei 1", "zip": "1530", "town": null}),
    );
    assert_eq!(made_in_c(here, there, None), [json!("Vei 1"), json!("1530"), json!(null)]);
}

#[test]
fn p1e_a_record_is_created_without_a_group_of_which_a_part_can_not_be_converted() {
    let towns = Conversion::parse(&json!(["map", [["Bergen", "BGO"]], "_."])).unwrap();
    let (here, there) = (
        json!({"mail": "ase@example.com", "street": "Vei 1", "code": "1530", "city": "Moss"}),
        json!({"email": "ase@example.com"}),
    );
    assert_eq!(made_in_c(here, there, Some(towns)), [json!(null), json!(null), json!(null)]);
}
