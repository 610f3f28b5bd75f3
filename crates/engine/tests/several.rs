//! Rows about several properties together (`first + last <-> name`): records that are created,
//! facets, groups, unlinking, taking back (P1d).

use crate::kit::{World, flow, schemas};
use lockstep_engine::undo::{Asked, PutBack, PutBackAs, Told, Written, put_back};
use lockstep_model::{
    ClaimStamp, Conversion, Create, Flow, FlowIx, IntentId, RunId, Timestamp, Value,
};
use serde_json::json;

const MAIL: &str = "kari@example.com";

fn people(create: Create, rows: &[&str]) -> Flow {
    let rows: Vec<&str> = ["mail <-> mail"].iter().chain(rows).copied().collect();
    flow("a.Person", "b.Person", create, &["mail = mail"], &rows)
}

fn parts(world: &World, name: &str) -> [Value; 2] {
    ["first", "last"].map(|part| world.value(name, part))
}

/// The record that was created.
fn made(world: &World) -> String {
    let made = world.intents.iter().find_map(|intent| intent.record).unwrap();
    world.records[&made].key.clone()
}

#[test]
fn c1_p1d_a_record_is_created_with_the_whole_and_with_the_parts() {
    let row = &["first + last <-> name"];
    let mut world = World::people(&[people(Create::Always, row)]);
    world.read("a.Person/1", json!({"mail": MAIL, "first": "Kari Anne", "last": "Lie"}));
    assert_eq!(world.settle(), 1);
    let b = format!("b.Person/{}", made(&world));
    assert_eq!(world.value(&b, "name"), json!("Kari Anne Lie"));
    assert_eq!(world.settle_all(), 0);
    // An edit of the record that was made goes back into the parts, and one of a part into it.
    world.now += 1_000;
    world.read(&b, json!({"mail": MAIL, "name": "Kari Anne Moe"}));
    world.settle();
    assert_eq!(parts(&world, "a.Person/1"), [json!("Kari Anne"), json!("Moe")]);
    world.now += 1_000;
    world.read("a.Person/1", json!({"mail": MAIL, "first": "Karin", "last": "Moe"}));
    world.settle();
    assert_eq!(world.value(&b, "name"), json!("Karin Moe"));
    assert_eq!(world.settle_all(), 0);

    let turned = flow(
        "b.Person",
        "a.Person",
        Create::Always,
        &["mail = mail"],
        &["mail <-> mail", "name <-> first + last"],
    );
    let mut world = World::people(&[turned]);
    world.read("b.Person/1", json!({"mail": MAIL, "name": "Kari Anne Lie"}));
    assert_eq!(world.settle(), 1);
    let a = format!("a.Person/{}", made(&world));
    assert_eq!(parts(&world, &a), [json!("Kari Anne"), json!("Lie")]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn f1_p1d_a_facet_may_have_the_parts_of_what_another_record_has_whole() {
    let create = || Create::Always;
    let company = flow("a.Firm", "b.Account (company)", create(), &[], &["name <-> name"]);
    let person = flow(
        "c.Person",
        "b.Account (person)",
        create(),
        &["mail = mail"],
        &["mail <-> mail", "full <-> first + last"],
    );
    let types = [("a.Firm", vec![]), ("b.Account", vec![]), ("c.Person", vec![])];
    let mut world = World::new(&[company, person], &schemas(&types));
    world.read("c.Person/1", json!({"mail": MAIL, "full": "Kari Lie"}));
    assert_eq!(world.settle(), 1);
    let account = format!("b.Account (person)/{}", made(&world));
    assert_eq!(parts(&world, &account), [json!("Kari"), json!("Lie")]);
    world.now += 1_000;
    let edited = json!({"mail": MAIL, "first": "Kari", "last": "Moe", "name": "Fjord"});
    world.read(&account, edited);
    world.settle();
    assert_eq!(world.value("c.Person/1", "full"), json!("Kari Moe"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1e_p1d_several_properties_together_move_with_their_group() {
    let mut row = people(Create::Never, &["street + no <-> address", "city <-> town"]);
    for pair in &mut row.properties[1..] {
        pair.group = Some("address".into());
    }
    let mut world = World::people(&[row]);
    let a = json!({"mail": MAIL, "street": "Storgata", "no": "1", "city": "Bergen"});
    world.read("a.Person/1", a);
    world.read("b.Person/1", json!({"mail": MAIL}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "address"), json!("Storgata 1"));
    assert_eq!(world.value("b.Person/1", "town"), json!("Bergen"));
    // Both sides are edited: the later one carries its whole address.
    world.now += 1_000;
    let a = json!({"mail": MAIL, "street": "Kirkegata", "no": "2", "city": "Bergen"});
    world.read_as("a.Person/1", a, None, Some(world.now));
    world.now += 1_000;
    let b = json!({"mail": MAIL, "address": "Storgata 1", "town": "Moss"});
    world.read_as("b.Person/1", b, None, Some(world.now));
    world.settle();
    let shown = ["street", "no", "city"].map(|path| world.value("a.Person/1", path));
    assert_eq!(shown, [json!("Storgata"), json!("1"), json!("Moss")]);
    assert_eq!(world.value("b.Person/1", "address"), json!("Storgata 1"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l7_p1d_who_is_taken_apart_keeps_its_value_and_takes_no_more_of_it() {
    let mut world = World::people(&[people(Create::Never, &["first + last <-> name"])]);
    world.read("a.Person/1", json!({"mail": MAIL, "first": "Kari", "last": "Lie"}));
    world.read("b.Person/1", json!({"mail": MAIL}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "name"), json!("Kari Lie"));
    let b = world.record("b.Person/1").id;
    crate::unlinking::take_out(&mut world, b);
    world.settle_all();
    world.now += 1_000;
    world.read("a.Person/1", json!({"mail": MAIL, "first": "Kari", "last": "Moe"}));
    world.now += 1_000;
    world.settle();
    assert_eq!(world.value("b.Person/1", "name"), json!("Kari Lie"));
    world.read("b.Person/1", json!({"mail": MAIL, "name": "K. Vik"}));
    world.settle();
    assert_eq!(parts(&world, "a.Person/1"), [json!("Kari"), json!("Moe")]);
}

#[test]
fn g7_p1d_a_whole_and_a_part_are_put_back() {
    let mut world = World::people(&[people(Create::Never, &["first + last <-> name"])]);
    world.read("a.Person/1", json!({"mail": MAIL, "first": "Kari", "last": "Moe"}));
    world.read("b.Person/1", json!({"mail": MAIL}));
    world.settle();
    for (name, path, before, after) in
        [("b.Person/1", "name", "Kari Lie", "Kari Moe"), ("a.Person/1", "last", "Lie", "Moe")]
    {
        let record = world.record(name).clone();
        let prop = world.prop(record.ty, path);
        let written = Written {
            before: json!(before),
            after: json!(after),
            last: IntentId(1),
            claim: ClaimStamp { at: Timestamp(5), record: record.id, prop },
            flow: FlowIx(0),
            first_run: RunId(1),
            added: false,
        };
        let asked = Asked { force: false, put_back: PutBackAs::AsFits, now: Timestamp(9_000) };
        let both = (&record, &record);
        match put_back(&world.plan, both, prop, &written, Told::default(), asked) {
            PutBack::To { change, .. } => assert_eq!(change.value, json!(before), "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn p5_what_lockstep_has_created_makes_no_value_of_now_whatever_untold_counts_as() {
    for wins in [false, true] {
        let mut all = schemas(&[("a.Person", vec![]), ("b.Person", vec![])]);
        all.get_mut("a").unwrap()[0].untold_wins = wins;
        let mut of_b =
            flow("b.Person", "a.Person", Create::Always, &["mail = mail"], &["mail <-> mail"]);
        for (part, taken) in [("first", "first"), ("last", "last")] {
            let mut row =
                flow("b.Person", "a.Person", Create::Always, &[], &[&format!("name -> {part}")])
                    .properties
                    .remove(0);
            row.conversion = Some(Conversion::parse(&json!([taken, ["split", "_."]])).unwrap());
            of_b.properties.push(row);
        }
        let back = flow("b.Person", "a.Person", Create::Always, &[], &["name <- first + last"]);
        of_b.properties.extend(back.properties);
        let mut world = World::new(&[of_b], &all);
        world.read("b.Person/1", json!({"mail": MAIL, "name": "Kari Anne Lie"}));
        assert_eq!(world.settle(), 1);
        let a = format!("a.Person/{}", made(&world));
        assert_eq!(parts(&world, &a), [json!("Kari"), json!("Lie")]);
        assert_eq!(world.settle_all(), 0, "untold wins: {wins}");
        assert_eq!(world.value("b.Person/1", "name"), json!("Kari Anne Lie"));
    }
}
