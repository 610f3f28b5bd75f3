//! Lists whose elements come and go one by one (P11, P8, P12).

use lockstep_engine::confirm;
use lockstep_engine::plan::Schemas;
use lockstep_model::flow::{Create, Deletes, Filter, Flow};
use lockstep_model::{
    Conversion, IntentState, PlainType, PropertySchema, ReadRecord, ReviewKind, Timestamp, Value,
};
use serde_json::json;

use crate::kit::{World, flow, reference, schemas};
use crate::unlinking::take_out;

/// People of `a` and of `b` whose lists are kept in step by this row.
fn of_row(row: &str) -> [Flow; 1] {
    let mut flow =
        flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &["mail <-> mail", row]);
    flow.properties[1].each = true;
    [flow]
}

fn world(row: &str) -> World {
    World::people(&of_row(row))
}

/// Both have been there before they are linked, with these lists.
fn linked(row: &str, tags: Value, labels: Value) -> World {
    let mut world = world(row);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": tags}));
    world.read("b.Person/1", json!({"mail": "ada@example.com", "labels": labels}));
    world.settle();
    world.previous = Some(world.now);
    world
}

fn tags(world: &mut World, tags: Value) {
    world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": tags}));
}

fn labels(world: &mut World, labels: Value) {
    world.read("b.Person/1", json!({"mail": "ada@example.com", "labels": labels}));
}

/// What both lists show, sorted.
fn both(world: &World) -> [Vec<String>; 2] {
    [("a.Person/1", "tags"), ("b.Person/1", "labels")]
        .map(|(record, path)| sorted(world.shown(record, path)))
}

fn sorted(list: Value) -> Vec<String> {
    let text = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_string);
    let mut texts: Vec<String> = list.as_array().into_iter().flatten().map(text).collect();
    texts.sort();
    texts
}

/// Those who were taken apart may be linked again, and are: they match.
fn link_again(world: &mut World) {
    world.apart.clear();
    world.agenda.extend(world.records.keys().copied().collect::<Vec<_>>());
}

const ROW: &str = "tags <-> labels";

#[test]
fn p11_the_first_link_takes_the_union() {
    let mut world = linked(ROW, json!(["vip", "oslo"]), json!(["own", "vip"]));
    let all = ["oslo", "own", "vip"];
    assert_eq!(both(&world), [all, all]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p11_elements_come_and_go_one_by_one_both_ways() {
    let mut world = linked(ROW, json!(["vip", "oslo"]), json!(["vip", "oslo"]));
    tags(&mut world, json!(["vip", "oslo", "new"]));
    assert_eq!(world.settle(), 1);
    assert_eq!(both(&world), [["new", "oslo", "vip"]; 2]);
    labels(&mut world, json!(["new", "vip"]));
    assert_eq!(world.settle(), 1);
    assert_eq!(both(&world), [["new", "vip"]; 2]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p11_edits_of_both_sides_at_once_merge() {
    let mut world = linked(ROW, json!(["vip", "oslo"]), json!(["vip", "oslo"]));
    tags(&mut world, json!(["vip", "a"]));
    labels(&mut world, json!(["b", "oslo", "vip"]));
    assert_eq!(world.settle(), 2);
    assert_eq!(both(&world), [["a", "b", "vip"]; 2]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p11_an_edit_over_a_write_that_is_not_sent_yet_loses_neither() {
    let mut world = linked(ROW, json!(["vip"]), json!(["vip"]));
    tags(&mut world, json!(["vip", "a"]));
    world.decide();
    labels(&mut world, json!(["vip", "b"]));
    world.decide();
    tags(&mut world, json!(["a"]));
    world.settle();
    assert_eq!(both(&world), [["a", "b"]; 2]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p11_two_edits_before_one_decision_are_both_carried() {
    let mut world = linked(ROW, json!(["vip", "oslo"]), json!(["vip", "oslo"]));
    tags(&mut world, json!(["oslo"]));
    tags(&mut world, json!(["oslo", "new"]));
    world.settle();
    assert_eq!(both(&world), [["new", "oslo"]; 2]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p11_another_order_and_another_form_are_no_edit() {
    let mut world = linked(ROW, json!(["Ada@Example.com", 1.0]), json!([1, "ada@example.com"]));
    assert_eq!(world.settle_all(), 0);
    labels(&mut world, json!(["ada@example.com", 1, 1]));
    assert_eq!(world.settle(), 0);
    labels(&mut world, json!(["ADA@example.com", 1, "x"]));
    assert_eq!(world.settle(), 1);
    assert_eq!(both(&world)[0], ["1.0", "Ada@Example.com", "x"]);
    tags(&mut world, json!([1.0, "x"]));
    assert_eq!(world.settle(), 1);
    assert_eq!(both(&world)[1], ["1", "x"]);
}

#[test]
fn p3_an_element_that_a_system_keeps_in_another_form_is_not_sent_again_and_goes_from_either_side() {
    let mut world = linked(ROW, json!(["vip"]), json!([]));
    assert_eq!(both(&world)[1], ["vip"]);
    labels(&mut world, json!(["VIP"]));
    assert_eq!(world.settle(), 0, "what its system made of it");
    assert_eq!(both(&world), [["vip"], ["VIP"]]);
    tags(&mut world, json!(["vip", "new"]));
    world.settle();
    labels(&mut world, json!(["NEW", "VIP"]));
    assert_eq!(world.settle_all(), 0);
    labels(&mut world, json!(["NEW"]));
    assert_eq!(world.settle(), 1);
    assert_eq!(both(&world), [["new"], ["NEW"]]);
    tags(&mut world, json!([]));
    assert_eq!(world.settle(), 1);
    assert_eq!(both(&world), [[""; 0]; 2]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn r6_an_element_that_is_not_kept_is_told_and_not_sent_for_ever() {
    let mut world = linked(ROW, json!(["vip"]), json!(["vip"]));
    tags(&mut world, json!(["vip", "new"]));
    world.decide();
    world.deliver_untold();
    labels(&mut world, json!(["vip"]));
    let told = world.reviews.iter().filter(|review| review.kind == ReviewKind::NotKept).count();
    assert_eq!(told, 1);
    assert_eq!(world.settle_all(), 0, "it is not sent again");
    assert_eq!(both(&world), [vec!["new", "vip"], vec!["vip"]], "and stays where it was put in");
}

#[test]
fn r6_an_element_of_two_writes_that_nobody_saw_is_not_taken_out_by_somebody() {
    let mut world = linked(ROW, json!(["vip"]), json!(["vip"]));
    for edited in [json!(["vip", "new"]), json!(["vip", "new", "oslo"])] {
        tags(&mut world, edited);
        world.decide();
        world.deliver_untold();
    }
    let shown = json!({"mail": "ada@example.com", "labels": ["vip", "oslo"]});
    world.read_as("b.Person/1", shown, None, None);
    assert!(world.reviews.iter().any(|review| review.kind == ReviewKind::NotKept));
    assert_eq!(world.settle_all(), 0, "it stays where it was put in");
}

#[test]
fn r6_p3_an_element_that_was_to_be_taken_out_and_stays_is_no_form_of_a_new_one() {
    let forms = json!(["VIP", "OLD"]);
    for answered in [true, false] {
        let mut world = linked(ROW, json!(["vip", "old"]), json!([]));
        labels(&mut world, forms.clone());
        assert_eq!(world.settle_all(), 0, "what its system made of them");
        tags(&mut world, json!(["vip", "new"]));
        world.decide();
        let intent = world.intents.last().expect("it is to be written").clone();
        let (prop, value) = (intent.changes[0].prop, intent.changes[0].value.clone());
        let id = world.record("b.Person/1").id;
        let state = world.records.get_mut(&id).unwrap();
        let mut answer = ReadRecord {
            id: "1".into(),
            version: Some("2".into()),
            modified: None,
            deleted: false,
            values: vec![None; state.slots.len()],
        };
        answer.values[prop.at()] = answered.then(|| forms.clone());
        let (sent, now) = ([(prop.at(), value)], Timestamp(world.now));
        let not_kept = confirm::written(&world.plan, state, &intent, answer, &sent, now);
        assert_eq!(!not_kept.is_empty(), answered);
        world.intents.iter_mut().for_each(|intent| intent.state = IntentState::Done);
        if !answered {
            let shown = json!({"mail": "ada@example.com", "labels": forms});
            world.read_as("b.Person/1", shown, Some("2"), None);
            assert!(world.reviews.iter().any(|review| review.kind == ReviewKind::NotKept));
        }
        assert_eq!(sorted(world.shown("b.Person/1", "labels")), ["OLD", "VIP"]);
        assert_eq!(sorted(world.shown("a.Person/1", "tags")), ["new", "vip"]);
    }
}

#[test]
fn r6_what_a_system_adds_while_it_is_written_is_an_edit_of_its_own() {
    let mut world = linked(ROW, json!(["vip"]), json!(["vip"]));
    tags(&mut world, json!(["vip", "new"]));
    world.decide();
    world.deliver_untold();
    labels(&mut world, json!(["auto", "new", "vip"]));
    world.settle();
    assert_eq!(both(&world), [["auto", "new", "vip"]; 2]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p12_a_row_of_one_direction_leaves_the_targets_own_elements() {
    let mut world = linked("tags -> labels", json!(["vip", "oslo"]), json!(["own"]));
    assert_eq!(both(&world), [vec!["oslo", "vip"], vec!["oslo", "own", "vip"]]);
    labels(&mut world, json!(["own", "mine", "vip"]));
    assert_eq!(world.settle_all(), 0, "an edit of the target stays there");
    tags(&mut world, json!(["oslo", "new"]));
    world.settle();
    assert_eq!(both(&world), [vec!["new", "oslo"], vec!["mine", "new", "own"]]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p12_a_created_record_does_not_get_back_what_was_taken_out_there() {
    let mut world = world("tags -> labels");
    world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": ["vip", "oslo"]}));
    world.settle();
    let key = world.records.values().last().unwrap().key.clone();
    world.previous = Some(world.now);
    let name = format!("b.Person/{key}");
    world.read(&name, json!({"mail": "ada@example.com", "labels": ["vip"]}));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(sorted(world.shown(&name, "labels")), ["vip"]);
}

#[test]
fn p2_who_empties_a_list_empties_the_other_unless_clears_says_no() {
    let mut world = linked(ROW, json!(["vip"]), json!(["vip"]));
    tags(&mut world, json!([]));
    world.settle();
    assert_eq!(both(&world), [[""; 0]; 2]);
    let mut flows = of_row(ROW);
    flows[0].properties[1].clears = false;
    let mut world = World::people(&flows);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": ["vip"]}));
    world.read("b.Person/1", json!({"mail": "ada@example.com", "labels": ["own"]}));
    world.settle();
    tags(&mut world, json!([]));
    world.settle();
    assert_eq!(both(&world)[1], ["own", "vip"]);
}

#[test]
fn p11_three_systems_merge_what_each_has_put_in() {
    let mut flows = vec![
        flow(
            "a.Person",
            "b.Person",
            Create::Always,
            &["mail = mail"],
            &["mail <-> mail", "tags <-> tags"],
        ),
        flow(
            "b.Person",
            "c.Person",
            Create::Always,
            &["mail = mail"],
            &["mail <-> mail", "tags <-> tags"],
        ),
    ];
    flows[0].properties[1].each = true;
    let mut world = World::people(&flows);
    let at = |system: &str| format!("{system}.Person/1");
    let read = |world: &mut World, system: &str, tags: Value| {
        world.read(&at(system), json!({"mail": "ada@example.com", "tags": tags}));
    };
    for system in ["a", "b", "c"] {
        read(&mut world, system, json!(["vip", system]));
    }
    world.settle();
    world.previous = Some(world.now);
    let all =
        |world: &World| ["a", "b", "c"].map(|system| sorted(world.shown(&at(system), "tags")));
    assert_eq!(all(&world), [["a", "b", "c", "vip"]; 3]);
    read(&mut world, "a", json!(["a", "b", "c"]));
    read(&mut world, "c", json!(["a", "c", "vip", "new"]));
    world.settle();
    assert_eq!(all(&world), [["a", "c", "new"]; 3]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1_a_row_that_comes_to_be_kept_by_element_takes_the_union() {
    let mut flows = of_row(ROW);
    flows[0].properties[1].each = false;
    let lists = |path: &str| vec![PropertySchema::new(path, PlainType::List)];
    let types = schemas(&[("a.Person", lists("tags")), ("b.Person", lists("labels"))]);
    let mut world = World::new(&flows, &types);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": ["vip", "old"]}));
    world.read("b.Person/1", json!({"mail": "ada@example.com", "labels": ["vip"]}));
    world.settle();
    world.previous = Some(world.now);
    assert_eq!(both(&world), [["vip"], ["vip"]], "the later list, whole");
    world.reflow(&of_row(ROW), &types);
    assert_eq!(both(&world), [["vip"], ["vip"]], "an old claim brings nothing back");
    tags(&mut world, json!(["vip", "a"]));
    labels(&mut world, json!(["vip", "b"]));
    world.settle();
    assert_eq!(both(&world), [["a", "b", "vip"]; 2]);
}

#[test]
fn each_element_is_converted_by_itself_and_one_that_cannot_be_is_told() {
    let mut flows = of_row(ROW);
    let map = json!(["map", [["Customer", "C"], ["Supplier", "S"]], "_."]);
    flows[0].properties[1].conversion = Some(Conversion::parse(&map).unwrap());
    let mut world = World::people(&flows);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": ["Customer", "Other"]}));
    world.read("b.Person/1", json!({"mail": "ada@example.com", "labels": ["S"]}));
    world.settle();
    world.previous = Some(world.now);
    assert_eq!(both(&world), [vec!["Customer", "Other", "Supplier"], vec!["C", "S"]]);
    let told: Vec<&Value> = world
        .reviews
        .iter()
        .filter(|review| review.kind == ReviewKind::Unconvertible)
        .map(|review| &review.value)
        .collect();
    assert_eq!(told, [&json!("Other")]);
    labels(&mut world, json!(["C", "S"]));
    labels(&mut world, json!(["S"]));
    world.settle();
    assert_eq!(both(&world), [vec!["Other", "Supplier"], vec!["S"]]);
    assert_eq!(world.settle_all(), 0);
}

fn teams(row: &str) -> (Vec<Flow>, Schemas) {
    let of = |path: &str, to: &str| PropertySchema { list: true, ..reference(path, to) };
    let flows = vec![
        flow("a.Team", "b.Group", Create::Always, &["name = name"], &["name <-> name", row]),
        flow("a.Person", "b.User", Create::Never, &["mail = email"], &["mail <-> email"]),
    ];
    let types = schemas(&[
        ("a.Team", vec![of("members", "Person")]),
        ("a.Person", vec![]),
        ("b.Group", vec![of("people", "User")]),
        ("b.User", vec![]),
    ]);
    (flows, types)
}

/// A team and its group; of the members only Ada has a counterpart.
fn team(row: &str, people: Value) -> World {
    let (flows, types) = teams(row);
    let mut world = World::new(&flows, &types);
    world.read("a.Person/p1", json!({"mail": "ada@example.com"}));
    world.read("a.Person/p2", json!({"mail": "bo@example.com"}));
    world.read("b.User/u1", json!({"email": "ada@example.com"}));
    world.read("b.User/u9", json!({"email": "only@example.com"}));
    world.read("a.Team/t", json!({"name": "Fjell", "members": ["p1", "p2"]}));
    if !people.is_null() {
        world.read("b.Group/g", json!({"name": "Fjell", "people": people}));
    }
    world.settle();
    world.previous = Some(world.now);
    world
}

fn waiting(world: &World) -> Vec<(String, Value)> {
    let told = world.reviews.iter().filter(|one| one.kind == ReviewKind::WaitingReference);
    told.map(|one| (world.plan.ty(one.ty).name.to_string(), one.value.clone())).collect()
}

#[test]
fn p8_an_element_that_waits_is_told_and_is_not_taken_away_at_its_source() {
    let mut world = team("members <-> people", json!(["u9"]));
    assert_eq!(sorted(world.shown("b.Group/g", "people")), ["u1", "u9"]);
    assert_eq!(
        waiting(&world),
        [("a.Team".into(), json!(["u9"])), ("b.Group".into(), json!(["p2"]))]
    );
    // An edit of the other side leaves it where it is.
    world.read("b.User/u3", json!({"email": "siv@example.com"}));
    world.read("a.Person/p3", json!({"mail": "siv@example.com"}));
    world.read("b.Group/g", json!({"name": "Fjell", "people": ["u9", "u3"]}));
    world.settle();
    assert_eq!(sorted(world.shown("a.Team/t", "members")), ["p2", "p3"]);
    assert_eq!(sorted(world.shown("b.Group/g", "people")), ["u3", "u9"]);
    // Its counterpart comes.
    world.read("b.User/u2", json!({"email": "bo@example.com"}));
    world.settle();
    assert_eq!(sorted(world.shown("b.Group/g", "people")), ["u2", "u3", "u9"]);
    assert_eq!(waiting(&world), [("a.Team".into(), json!(["u9"]))]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p8_an_element_that_waits_goes_in_one_direction_too_also_after_its_record_was_created() {
    for there in [json!([]), Value::Null] {
        let mut world = team("members -> people", there.clone());
        let group = world.records.values().find(|r| r.ty == world.ty("b.Group")).unwrap();
        let name = format!("b.Group/{}", group.key);
        assert_eq!(sorted(world.shown(&name, "people")), ["u1"], "{there}");
        assert_eq!(waiting(&world), [("b.Group".into(), json!(["p2"]))], "{there}");
        // What is taken out there stays out.
        world.read(&name, json!({"name": "Fjell", "people": ["u9"]}));
        world.settle();
        world.read("b.User/u2", json!({"email": "bo@example.com"}));
        world.settle();
        assert_eq!(sorted(world.shown(&name, "people")), ["u2", "u9"], "{there}");
        assert!(waiting(&world).is_empty());
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p8_a_reference_to_a_deleted_counterpart_goes_when_its_element_goes() {
    let mut world = team("members <-> people", json!([]));
    world.read_deleted("a.Person/p1");
    world.read_deleted("b.User/u1");
    world.settle();
    assert_eq!(sorted(world.shown("b.Group/g", "people")), ["u1"]);
    world.read("a.Team/t", json!({"name": "Fjell", "members": ["p2"]}));
    world.settle();
    assert_eq!(sorted(world.shown("b.Group/g", "people")), [""; 0]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p8_an_element_that_refers_to_something_outside_all_flows_stays_where_it_is() {
    let of = |path: &str, to: &str| PropertySchema { list: true, ..reference(path, to) };
    let flows = [flow(
        "a.Team",
        "b.Group",
        Create::Always,
        &["name = name"],
        &["name <-> name", "members <-> people"],
    )];
    let types = schemas(&[
        ("a.Team", vec![of("members", "Person")]),
        ("b.Group", vec![of("people", "User")]),
    ]);
    let mut world = World::new(&flows, &types);
    world.read("a.Team/t", json!({"name": "Fjell", "members": ["p1"]}));
    world.read("b.Group/g", json!({"name": "Fjell", "people": ["u9"]}));
    world.settle();
    assert!(waiting(&world).is_empty(), "nothing will ever come of it");
    world.read("b.Group/g", json!({"name": "Fjell", "people": ["u8"]}));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(sorted(world.shown("a.Team/t", "members")), ["p1"]);
}

#[test]
fn l9_what_came_and_went_while_a_condition_did_not_hold_is_carried_on_when_it_does() {
    let mut flows = of_row(ROW);
    flows[0].only = Some(Filter { expression: "kind == \"x\"".into(), reads: vec!["kind".into()] });
    let mut world = World::people(&flows);
    let read = |world: &mut World, tags: Value, kind: &str| {
        world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": tags, "kind": kind}));
    };
    read(&mut world, json!(["vip", "oslo"]), "x");
    world.read("b.Person/1", json!({"mail": "ada@example.com", "labels": ["vip"]}));
    world.settle();
    world.previous = Some(world.now);
    read(&mut world, json!(["vip", "oslo"]), "y");
    world.settle();
    read(&mut world, json!(["vip", "new"]), "y");
    assert_eq!(world.settle(), 0);
    read(&mut world, json!(["vip", "new"]), "x");
    world.settle();
    assert_eq!(both(&world), [["new", "vip"]; 2]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p9_a_single_value_beside_a_list_kept_by_element_comes_and_goes_as_one_of_it() {
    let mut flows = of_row(ROW);
    flows.as_mut_slice()[0].properties[1].each = true;
    let mut flows = flows.to_vec();
    flows.push(flow(
        "b.Person",
        "c.Person",
        Create::Always,
        &["mail = mail"],
        &["mail <-> mail", "labels <- main"],
    ));
    let types = schemas(&[
        ("a.Person", vec![]),
        ("b.Person", vec![PropertySchema::new("labels", PlainType::List)]),
        ("c.Person", vec![PropertySchema::new("main", PlainType::String)]),
    ]);
    let mut world = World::new(&flows, &types);
    let main = |world: &mut World, main: &str| {
        world.read("c.Person/1", json!({"mail": "ada@example.com", "main": main}));
    };
    tags(&mut world, json!(["vip"]));
    labels(&mut world, json!(["vip"]));
    main(&mut world, "gold");
    world.settle();
    world.previous = Some(world.now);
    assert_eq!(both(&world), [["gold", "vip"]; 2]);
    main(&mut world, "silver");
    world.settle();
    assert_eq!(both(&world), [["silver", "vip"]; 2]);
    assert_eq!(world.settle_all(), 0);
    assert!(world.intents.iter().all(|intent| intent.state != IntentState::Queued));
}

#[test]
fn l7_who_is_unlinked_and_linked_again_meets_anew() {
    let mut world = linked(ROW, json!(["vip"]), json!(["own"]));
    let mut half = vec![world.record("a.Person/1").clone()];
    let other = [world.record("b.Person/1").clone()];
    lockstep_engine::split::inherit(&world.plan, Timestamp(world.now), &mut half, &other, &[]);
    let slot = half[0].slot(world.prop(half[0].ty, "tags"));
    assert_eq!(sorted(slot.claim.clone().unwrap().value), ["own", "vip"]);
    assert!(slot.carries.is_none());
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l7_p3_an_element_in_another_form_is_the_same_one_when_two_are_linked_again() {
    for seen in [true, false] {
        let mut flows = of_row(ROW);
        flows[0].create = Create::Never;
        let mut world = World::people(&flows);
        tags(&mut world, json!(["vip"]));
        labels(&mut world, json!([]));
        world.settle();
        let show = |world: &mut World| labels(world, json!(["VIP"]));
        if seen {
            show(&mut world);
        }
        let b = world.record("b.Person/1").id;
        take_out(&mut world, b);
        if !seen {
            show(&mut world);
        }
        assert_eq!(world.settle_all(), 0, "unlinking writes nothing");
        link_again(&mut world);
        assert_eq!(world.settle_all(), 0, "they hold the same");
        assert_eq!(both(&world), [["vip"], ["VIP"]]);
        labels(&mut world, json!([]));
        assert_eq!(world.settle(), 1);
        assert_eq!(both(&world)[0], [""; 0]);
    }
}

#[test]
fn l7_r6_what_a_half_was_given_and_has_not_kept_is_not_given_to_it_by_itself() {
    let mut flows = of_row(ROW);
    flows[0].create = Create::Never;
    let mut world = World::people(&flows);
    tags(&mut world, json!(["vip", "new"]));
    labels(&mut world, json!([]));
    world.decide();
    world.deliver_untold();
    let b = world.record("b.Person/1").id;
    take_out(&mut world, b);
    let holds = json!({"mail": "ada@example.com", "labels": ["vip"]});
    world.read_as("b.Person/1", holds, None, None);
    assert_eq!(world.settle_all(), 0);
    let slot = world.record("b.Person/1").slot(world.prop(world.ty("b.Person"), "labels"));
    assert_eq!(slot.claim.as_ref().map(|claim| &claim.value), Some(&json!(["vip"])));
}

#[test]
fn p11_a_list_that_was_being_written_while_a_person_linked_it_meets_the_others_all_the_same() {
    let rows = ["mail <-> mail", "tags <-> labels"];
    let mut flows = [
        flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &rows),
        flow("c.Person", "b.Person", Create::Never, &["mail = mail"], &rows),
    ];
    flows.iter_mut().for_each(|flow| flow.properties[1].each = true);
    let mut world = World::people(&flows);
    tags(&mut world, json!(["vip"]));
    labels(&mut world, json!(["vip"]));
    world.read("c.Person/1", json!({"mail": "c@example.com", "tags": ["own"]}));
    world.settle();
    world.previous = Some(world.now);
    tags(&mut world, json!(["vip", "new"]));
    world.decide();
    // It is under way as a person links a third record, so that its lists meet anew.
    let entity = world.record("a.Person/1").entity;
    for record in world.records.values_mut() {
        record.entity = entity;
        let props = world.plan.ty(record.ty).props.iter();
        let lists = record.slots.iter_mut().zip(props).filter(|(_, prop)| prop.each);
        lists.for_each(|(slot, _)| slot.carries = None);
        world.agenda.insert(record.id);
    }
    world.deliver();
    world.settle();
    assert_eq!(both(&world), [["new", "own", "vip"]; 2]);
    assert_eq!(sorted(world.shown("c.Person/1", "tags")), ["new", "own", "vip"]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn d1_p11_an_element_that_somebody_added_beats_a_deletion() {
    let mut flows = of_row(ROW);
    flows[0].deletes = Deletes::Propagate;
    let mut world = World::people(&flows);
    for n in 1..4 {
        let mail = format!("p{n}@example.com");
        world.read(&format!("a.Person/{n}"), json!({"mail": mail, "tags": ["vip"]}));
        world.read(&format!("b.Person/{n}"), json!({"mail": mail, "labels": ["vip"]}));
    }
    world.settle();
    world.previous = Some(world.now);
    world.read("b.Person/1", json!({"mail": "p1@example.com", "labels": ["vip", "new"]}));
    world.read_deleted("a.Person/1");
    world.read_deleted("a.Person/2");
    world.settle_all();
    let lives = |name: &str| world.record(name).is_live();
    assert_eq!([lives("b.Person/1"), lives("b.Person/2")], [true, false]);
}

#[test]
fn c2_a_record_whose_creation_took_long_holds_what_the_lists_hold_by_then() {
    let mut world = world(ROW);
    tags(&mut world, json!(["vip", "new"]));
    world.decide();
    let state = |world: &mut World, state| {
        world.intents.iter_mut().for_each(|intent| intent.state = state);
    };
    // It is under way while somebody edits the list.
    state(&mut world, IntentState::Sent);
    tags(&mut world, json!(["vip", "oslo"]));
    world.decide();
    assert_eq!(world.intents.len(), 1, "what is under way is not decided anew");
    state(&mut world, IntentState::Queued);
    world.deliver();
    let b = world.ty("b.Person");
    let made = world.records.values().find(|record| record.ty == b).expect("it is made");
    let name = format!("b.Person/{}", made.key);
    assert_eq!(sorted(world.shown(&name, "labels")), ["new", "vip"], "as it was decided on");
    assert_eq!(world.settle(), 1);
    assert_eq!(sorted(world.shown(&name, "labels")), ["oslo", "vip"]);
    assert_eq!(sorted(world.shown("a.Person/1", "tags")), ["oslo", "vip"]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn c2_elements_that_an_unanswered_write_has_brought_are_nobodys_edit() {
    let mut world = linked(ROW, json!(["vip", "old"]), json!(["vip", "old"]));
    tags(&mut world, json!(["vip", "new", "oslo"]));
    world.decide();
    let intent = world.intents.last().expect("it is to be written").clone();
    let (record, prop) = (world.record("b.Person/1").id, intent.changes[0].prop.at());
    let sent = [(prop, intent.changes[0].value.clone())];
    // It has come in capitals; and somebody has put in an element and taken one out meanwhile.
    let holds = json!(["NEW", "OSLO", "own"]);
    let state = world.records.get_mut(&record).unwrap();
    let mut shown = vec![None; state.slots.len()];
    shown[prop] = Some(holds.clone());
    assert_eq!(confirm::landed(&world.plan, state, &intent, &shown, &sent), sent);
    world.intents.iter_mut().for_each(|intent| intent.state = IntentState::Done);
    labels(&mut world, holds);
    assert_eq!(world.settle(), 1, "what was edited goes back, and nothing else");
    assert_eq!(both(&world), [vec!["new", "oslo", "own"], vec!["NEW", "OSLO", "own"]]);
}

#[test]
fn c2_an_unanswered_write_that_has_not_landed_shows_nothing_of_what_it_was_to_bring() {
    let mut world = linked(ROW, json!(["vip", "old"]), json!(["vip", "old"]));
    for (edited, holds) in
        [(json!(["vip", "old", "new"]), json!(["old"])), (json!(["old"]), json!(["vip"]))]
    {
        tags(&mut world, edited);
        world.decide();
        let intent = world.intents.last().expect("it is to be written").clone();
        let (record, prop) = (world.record("b.Person/1").id, intent.changes[0].prop.at());
        let sent = [(prop, intent.changes[0].value.clone())];
        let state = world.records.get_mut(&record).unwrap();
        let mut shown = vec![None; state.slots.len()];
        shown[prop] = Some(holds);
        assert_eq!(confirm::landed(&world.plan, state, &intent, &shown, &sent), []);
    }
}

#[test]
fn p11_what_was_given_and_taken_out_while_an_edit_was_undecided_goes_elsewhere_too() {
    let mut world = linked(ROW, json!(["vip"]), json!(["vip"]));
    tags(&mut world, json!(["vip", "new"]));
    world.decide();
    let intent = world.intents.last().expect("it is to be written").clone();
    // Somebody edits the list in b before it comes, which is decided on together.
    labels(&mut world, json!(["vip", "own"]));
    let (record, prop) = (world.record("b.Person/1").id, intent.changes[0].prop.at());
    let sent = [(prop, intent.changes[0].value.clone())];
    let state = world.records.get_mut(&record).unwrap();
    let mut shown = vec![None; state.slots.len()];
    shown[prop] = Some(json!(["vip", "own", "new"]));
    assert_eq!(confirm::landed(&world.plan, state, &intent, &shown, &sent), sent);
    world.intents.iter_mut().for_each(|intent| intent.state = IntentState::Done);
    // In b somebody takes out what has just come.
    labels(&mut world, json!(["vip", "own"]));
    world.settle();
    assert_eq!(both(&world), [["own", "vip"], ["own", "vip"]]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p11_l9_what_is_taken_out_where_a_flow_holds_does_not_come_back_because_another_does_not() {
    let rows = ["mail <-> mail", "tags <-> labels"];
    let mut flows = [
        flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &rows),
        flow("a.Person", "c.Person", Create::Never, &["mail = mail"], &rows),
    ];
    flows.iter_mut().for_each(|flow| flow.properties[1].each = true);
    flows[1].only =
        Some(Filter { expression: "kind == \"member\"".into(), reads: vec!["kind".into()] });
    let mut world = World::people(&flows);
    let a = |world: &mut World, tags: Value, kind: &str| {
        world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": tags, "kind": kind}));
    };
    a(&mut world, json!(["vip"]), "member");
    for other in ["b", "c"] {
        let holds = json!({"mail": "ada@example.com", "labels": ["vip"]});
        world.read(&format!("{other}.Person/1"), holds);
    }
    world.settle();
    // The flow to c does not hold any more: what a is given is still to be carried there.
    a(&mut world, json!(["vip"]), "guest");
    world.settle();
    a(&mut world, json!(["vip", "new"]), "guest");
    world.settle();
    assert_eq!(sorted(world.shown("b.Person/1", "labels")), ["new", "vip"]);
    labels(&mut world, json!(["vip", "new"]));
    world.settle();
    labels(&mut world, json!(["vip"]));
    world.settle();
    assert_eq!(both(&world), [["vip"], ["vip"]]);
    assert_eq!(sorted(world.shown("c.Person/1", "labels")), ["vip"]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn c2_a_record_whose_creation_took_long_takes_what_was_linked_meanwhile_however_old() {
    let rows = ["mail <-> mail", "tags <-> labels"];
    let mut flows = [
        flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &rows),
        flow("a.Person", "c.Person", Create::Never, &["mail = mail"], &rows),
    ];
    flows.iter_mut().for_each(|flow| flow.properties[1].each = true);
    let mut world = World::people(&flows);
    tags(&mut world, json!(["vip"]));
    world.decide();
    world.intents.iter_mut().for_each(|intent| intent.state = IntentState::Sent);
    let holds = json!({"mail": "ada@example.com", "labels": ["old"]});
    world.read_as("c.Person/1", holds, None, Some(1));
    world.decide();
    world.intents.iter_mut().for_each(|intent| intent.state = IntentState::Queued);
    world.deliver();
    world.settle();
    let b = world.ty("b.Person");
    let made = world.records.values().find(|record| record.ty == b).expect("it is made");
    assert_eq!(sorted(world.shown(&format!("b.Person/{}", made.key), "labels")), ["old", "vip"]);
    assert_eq!(sorted(world.shown("a.Person/1", "tags")), ["old", "vip"]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn r6_what_else_comes_to_a_list_does_not_answer_whether_an_element_is_wanted() {
    let mut world = world(ROW);
    tags(&mut world, json!(["vip", "new"]));
    world.decide();
    world.deliver_untold();
    let b = world.ty("b.Person");
    let made = world.records.values().find(|record| record.ty == b).expect("it is made");
    let name = format!("b.Person/{}", made.key);
    let read = |world: &mut World, labels: Value| {
        let values = json!({"mail": "ada@example.com", "labels": labels});
        world.read_as(&name, values, None, None);
    };
    let asked = |world: &World| {
        world.reviews.iter().filter(|review| review.kind == ReviewKind::NotKept).count()
    };
    read(&mut world, json!(["vip"]));
    assert_eq!(asked(&world), 1);
    // What comes to either list travels as before.
    tags(&mut world, json!(["vip", "new", "oslo"]));
    world.settle_all();
    assert_eq!(sorted(world.shown(&name, "labels")), ["oslo", "vip"]);
    read(&mut world, json!(["vip", "oslo", "own"]));
    world.settle_all();
    assert_eq!(sorted(world.shown("a.Person/1", "tags")), ["new", "oslo", "own", "vip"]);
    assert_eq!(asked(&world), 1, "the two differ");
    assert_eq!(world.settle_all(), 0);
    // It is over when nobody has the element any more.
    tags(&mut world, json!(["vip", "oslo", "own"]));
    world.settle_all();
    assert_eq!(asked(&world), 0);
}

#[test]
fn c2_d1_a_record_made_with_what_one_had_that_is_gone_holds_what_the_others_hold_by_then() {
    let rows = ["mail <-> mail", "tags <-> tags"];
    let mut flows = [
        flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &rows),
        flow("a.Person", "c.Person", Create::Always, &["mail = mail"], &rows),
    ];
    flows.iter_mut().for_each(|flow| {
        (flow.properties[1].each, flow.deletes) = (true, Deletes::Ignore);
    });
    let mut world = World::people(&flows);
    let read = |world: &mut World, name: &str, tags: Value| {
        world.read(name, json!({"mail": "ada@example.com", "tags": tags}));
    };
    read(&mut world, "a.Person/1", json!(["vip"]));
    read(&mut world, "b.Person/1", json!(["vip", "old", "own"]));
    world.decide();
    let update = |intent: &&mut lockstep_model::Intent| intent.record.is_some();
    let making = world.intents.iter_mut().filter(|intent| intent.record.is_none());
    making.for_each(|intent| intent.state = IntentState::Sent);
    assert_eq!(world.intents.iter_mut().filter(update).count(), 1);
    world.deliver();
    world.read_deleted("b.Person/1");
    // Somebody takes out what came from there, while the record in c is being made.
    read(&mut world, "a.Person/1", json!(["vip", "own"]));
    world.decide();
    world
        .intents
        .iter_mut()
        .filter(|intent| intent.state == IntentState::Sent)
        .for_each(|intent| intent.state = IntentState::Queued);
    world.deliver();
    world.settle();
    let c = world.ty("c.Person");
    let made = world.records.values().find(|record| record.ty == c).expect("it is made");
    assert_eq!(sorted(world.shown(&format!("c.Person/{}", made.key), "tags")), ["own", "vip"]);
    assert_eq!(world.settle_all(), 0);
}
