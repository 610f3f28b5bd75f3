//! P1, P0: policies of one row among several systems in a chain. Connected records end equal, and a
//! further run writes nothing, whatever they held at first and whoever edits them.

use crate::kit::{World, flow, schemas};
use lockstep_model::flow::{Create, Direction, Policy, Wins};
use lockstep_model::value::is_empty;
use lockstep_model::{Flow, Value};
use serde_json::json;

const SYSTEMS: [&str; 4] = ["a", "b", "c", "d"];

/// So many systems in a row, each kept equal with the next.
fn chain(systems: usize) -> Vec<Flow> {
    let between = |two: &[&str]| {
        let (from, to) = (format!("{}.Person", two[0]), format!("{}.Person", two[1]));
        flow(&from, &to, Create::Never, &["mail = mail"], &["score <-> score"])
    };
    SYSTEMS[..systems].windows(2).map(between).collect()
}

/// What each holds, until all is settled; with what each is given before they are linked.
struct Chain {
    world: World,
    systems: usize,
}

impl Chain {
    fn new(flows: &[Flow], before: &[Value]) -> Chain {
        let mut world = World::people(flows);
        for (system, score) in SYSTEMS.iter().zip(before) {
            let record = format!("{system}.Person/1");
            world.read(&record, json!({"mail": "ada@example.com", "score": score}));
        }
        world.settle_all();
        Chain { world, systems: before.len() }
    }

    fn edit(&mut self, system: usize, score: Value) {
        let record = format!("{}.Person/1", SYSTEMS[system]);
        self.world.read(&record, json!({"mail": "ada@example.com", "score": score}));
        self.world.settle();
    }

    fn held(&self) -> Vec<Value> {
        let held = |system: &&str| {
            let value = self.world.value(&format!("{system}.Person/1"), "score");
            if is_empty(&value) { Value::Null } else { value }
        };
        SYSTEMS[..self.systems].iter().map(held).collect()
    }

    /// All are equal, and nothing is left to be written.
    fn assert_settled(&mut self, what: &str) {
        let held = self.held();
        assert!(held.windows(2).all(|two| two[0] == two[1]), "{what}: {held:?}");
        assert_eq!(self.world.settle_all(), 0, "{what}: another run writes");
    }
}

/// Every way to give so many systems one of these.
fn combinations(systems: usize, values: &[Value]) -> Vec<Vec<Value>> {
    (0..systems).fold(vec![vec![]], |known, _| {
        let more = |known: Vec<Value>| {
            values.iter().map(move |value| [known.as_slice(), std::slice::from_ref(value)].concat())
        };
        known.into_iter().flat_map(more).collect()
    })
}

fn policies() -> Vec<Policy> {
    let prefer = |systems: &[&str]| Policy::Prefer(systems.iter().map(|s| s.to_string()).collect());
    vec![Policy::Wins(Wins::Max), prefer(&["a"]), prefer(&["b"]), prefer(&["c", "a"])]
}

#[test]
fn p1_whatever_row_of_a_chain_has_a_policy_all_its_records_end_equal() {
    let values = [json!(""), json!("3"), json!("7"), json!("12")];
    for systems in 2..=4 {
        let values = &values[..if systems == 4 { 2 } else { 4 }];
        for (row, policy) in
            (0..systems - 1).flat_map(|row| policies().into_iter().map(move |one| (row, one)))
        {
            let mut flows = chain(systems);
            flows[row].properties[0].policy = policy.clone();
            for before in combinations(systems, values) {
                let mut chain = Chain::new(&flows, &before);
                let what = format!("{policy:?} in row {row}, {before:?}");
                chain.assert_settled(&what);
                for (round, score) in ["4", "1", "", "9", "5"].into_iter().enumerate() {
                    chain.edit((round + before.len() * row) % systems, json!(score));
                    chain.assert_settled(&format!("{what}, edit {round}"));
                }
            }
        }
    }
}

#[test]
fn p1_only_the_claims_of_one_system_count_in_a_whole_chain() {
    for (systems, row) in [(2, 0), (3, 0), (3, 1), (4, 0), (4, 1), (4, 2)] {
        for (only, system) in SYSTEMS.iter().enumerate().take(systems) {
            let mut flows = chain(systems);
            flows[row].properties[0].policy = Policy::OnlyFrom(system.to_string());
            let before: Vec<Value> = (0..systems).map(|at| json!(format!("{at}"))).collect();
            let mut chain = Chain::new(&flows, &before);
            let what = format!("only from {only} in row {row} of {systems}");
            chain.assert_settled(&what);
            for round in 0..systems {
                chain.edit(round, json!(format!("edit {round}")));
                chain.assert_settled(&format!("{what}, edit {round}"));
                let expected = if round < only {
                    json!(only.to_string())
                } else {
                    json!(format!("edit {only}"))
                };
                assert_eq!(chain.held()[0], expected, "{what}, edit {round}");
            }
        }
    }
}

#[test]
fn p1_what_loses_where_it_is_put_in_goes_on_to_nobody() {
    for policy in
        [Policy::Prefer(vec!["b".into()]), Policy::OnlyFrom("b".into()), Policy::Wins(Wins::Max)]
    {
        let mut flows = chain(4);
        flows[0].properties[0].policy = policy.clone();
        // The last two only take.
        flows[1].properties[0].direction = Direction::Forward;
        flows[2].properties[0].direction = Direction::Forward;
        let mut chain = Chain::new(&flows, &[json!("7"), json!("7"), json!("7"), json!("7")]);
        chain.edit(0, json!("3"));
        chain.assert_settled(&format!("{policy:?}"));
        assert_eq!(chain.held(), vec![json!("7"); 4], "{policy:?}");
        // An edit of who only takes stays there (P12), and goes on from there.
        chain.edit(2, json!("5"));
        assert_eq!(chain.held(), [json!("7"), json!("7"), json!("5"), json!("5")], "{policy:?}");
        chain.edit(1, json!("8"));
        chain.assert_settled(&format!("{policy:?}"));
    }
}

#[test]
fn p1_a_policy_of_a_one_way_row_is_that_of_what_takes_by_it() {
    // c takes from b by preference of b; c and d are kept equal, and so are a and b.
    let mut flows = chain(4);
    flows[1].properties[0].direction = Direction::Forward;
    flows[1].properties[0].policy = Policy::OnlyFrom("b".into());
    let mut chain = Chain::new(&flows, &[json!("1"), json!("1"), json!("1"), json!("1")]);
    chain.edit(3, json!("2"));
    chain.assert_settled("what is put into d is put back");
    chain.edit(1, json!("3"));
    chain.assert_settled("what is put into b goes to all");
    // Between a and b the latest edit wins, as if nothing were said.
    chain.edit(0, json!("4"));
    assert_eq!(chain.held()[..2], [json!("4"), json!("4")]);
}

/// The rows of a chain, of which these do not pass emptying on.
fn ignoring_clears(systems: usize, rows: &[usize]) -> Vec<Flow> {
    let mut flows = chain(systems);
    rows.iter().for_each(|row| flows[*row].properties[0].clears = false);
    flows
}

#[test]
fn p2_what_emptying_leaves_is_what_was_there_and_not_what_was_there_before_the_link() {
    for (systems, rows) in [(2, vec![0]), (3, vec![0]), (3, vec![0, 1]), (4, vec![0])] {
        for before in combinations(systems, &[json!(""), json!("old"), json!("other")]) {
            let flows = ignoring_clears(systems, &rows);
            let mut chain = Chain::new(&flows, &before);
            chain.edit(0, json!("new"));
            chain.edit(0, json!(""));
            let what = format!("{rows:?}, {before:?}");
            let mut expected = vec![json!("new"); systems];
            expected[0] = Value::Null;
            assert_eq!(chain.held(), expected, "{what}");
            assert_eq!(chain.world.settle_all(), 0, "{what}: another run writes");
            // What is put in afterwards goes to all.
            chain.edit(systems - 1, json!("next"));
            chain.assert_settled(&what);
        }
    }
}

#[test]
fn p1_a_change_of_the_flows_that_is_about_something_else_changes_no_value() {
    let open = ["a.Person", "b.Person", "c.Person", "d.Person"].map(|name| (name, vec![]));
    // Emptying does not pass.
    let flows = ignoring_clears(2, &[0]);
    let mut chain = Chain::new(&flows, &[json!("new"), json!("old")]);
    chain.edit(0, json!("newer"));
    chain.edit(0, json!(""));
    chain.world.reflow(&flows, &schemas(&open));
    assert_eq!(chain.held(), [Value::Null, json!("newer")]);

    // P1a: of two properties that are paired with one, each edit went to another.
    let rows = ["street <-> city", "postal <-> city"];
    let flows = [flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &rows)];
    let mut world = World::people(&flows);
    let both =
        |street: &str, postal: &str| json!({"mail": "x", "street": street, "postal": postal});
    world.read("a.Person/1", both("old", "box"));
    world.read("b.Person/1", json!({"mail": "x", "city": "old"}));
    world.settle_all();
    world.read("b.Person/1", json!({"mail": "x", "city": "X"}));
    world.settle();
    let street = world.value("a.Person/1", "street");
    let held = |world: &World| ["street", "postal"].map(|path| world.value("a.Person/1", path));
    assert!(held(&world).contains(&json!("X")), "{street}");
    let other = if street == "X" { both("X", "P") } else { both("P", "X") };
    world.read("a.Person/1", other);
    world.settle();
    assert_eq!(world.value("b.Person/1", "city"), json!("P"));
    world.read("b.Person/1", json!({"mail": "x", "city": "Q"}));
    world.settle();
    let before = held(&world);
    assert!(before.contains(&json!("X")) && before.contains(&json!("Q")), "{before:?}");
    world.reflow(&flows, &schemas(&open));
    assert_eq!(held(&world), before);
}

/// a gives b its nick when b is created, and b is kept equal with c; each creates in the next.
fn given_on_creation() -> [Flow; 2] {
    let rows = [["mail <-> mail", "nick -> nick"], ["mail <-> mail", "nick <-> nick"]];
    let mut first = flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows[0]);
    let second = flow("b.Person", "c.Person", Create::Always, &["mail = mail"], &rows[1]);
    first.properties[1].on_create = true;
    [first, second]
}

#[test]
fn c1_what_is_given_on_creation_goes_by_the_record_that_is_created() {
    let person = |nick: &str| json!({"mail": "ada@example.com", "nick": nick});
    let nick_of_c = |world: &World| {
        let c = world.records.values().find(|record| record.ty == world.ty("c.Person")).unwrap();
        c.slot(world.prop(c.ty, "nick")).value(false).clone()
    };
    // b was there before: c is created with what b holds.
    for (held, expected) in [("b's", json!("b's")), ("", Value::Null)] {
        let mut world = World::people(&given_on_creation());
        world.read("b.Person/1", person(held));
        world.read("a.Person/1", person("a's"));
        world.settle();
        assert_eq!(world.count("c.Person"), 1);
        assert_eq!(nick_of_c(&world), expected);
        assert_eq!(world.settle_all(), 0);
    }
    // b is created: c gets what b was given, whether it is created as well or was there before.
    for there in [None, Some("")] {
        let mut world = World::people(&given_on_creation());
        if let Some(nick) = there {
            world.read("c.Person/1", person(nick));
        }
        world.read("a.Person/1", person("a's"));
        world.settle();
        assert_eq!((world.count("b.Person"), world.count("c.Person")), (1, 1));
        assert_eq!(nick_of_c(&world), json!("a's"), "{there:?}");
        // It is given once: an edit in a goes nowhere, one in b goes on to c.
        world.read("a.Person/1", person("another"));
        world.settle();
        assert_eq!(nick_of_c(&world), json!("a's"), "{there:?}");
        assert_eq!(world.settle_all(), 0);
    }
    // What c holds before b is created is not written over.
    let mut world = World::people(&given_on_creation());
    world.read("c.Person/1", person("c's"));
    world.read("a.Person/1", person("a's"));
    world.settle_all();
    assert_eq!(nick_of_c(&world), json!("c's"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn c1_which_of_two_creates_in_a_third_depends_on_the_flows_alone() {
    let rows = ["mail <-> mail", "name <-> name"];
    let create = |from: &str| flow(from, "c.Person", Create::Always, &["mail = mail"], &rows);
    // That a flow before them names one of the two is not who creates.
    let links = flow("a.Person", "b.Person", Create::Never, &["number = number"], &[]);
    for (flows, creates) in [
        (vec![create("a.Person"), create("b.Person")], "a.Person/1"),
        (vec![links, create("b.Person"), create("a.Person")], "b.Person/1"),
    ] {
        for order in [["a", "b"], ["b", "a"]] {
            let mut world = World::people(&flows);
            for system in order {
                let values = json!({"mail": "liv@example.com", "name": system});
                world.read_as(&format!("{system}.Person/1"), values, None, None);
            }
            world.decide();
            let sources: Vec<_> =
                world.intents.iter().map(|intent| intent.source.record()).collect();
            assert_eq!(sources, [Some(world.record(creates).id)], "{order:?}");
        }
    }
}
