//! Facets (F1–F3), blocks (P1c), conditions and what travels past them (P0, L9, L11), sections
//! between a record type and itself.

use crate::kit::{World, flow, reference, schemas};
use lockstep_model::flow::{Ceases, Create, Deletes, Direction, Filter, PropertyPair, PropertyRef};
use lockstep_model::schema::StoredAs;
use lockstep_model::{
    Conversion, Flow, Intent, IntentKind, IntentState, PlainType, PropertySchema, ReadRecord,
    ReviewKind, Situation, Timestamp,
};
use serde_json::{Value, json};

const TWO: [(&str, &str); 2] = [
    ("a.Customer (company)", "b.Account (company)"),
    ("a.Customer (person)", "b.Account (person)"),
];

fn two_facets(create: [Create; 2], matches: &[&str], rows: [&[&str]; 2]) -> Vec<Flow> {
    let [of_company, of_person] = create;
    vec![
        flow(TWO[0].0, TWO[0].1, of_company, matches, rows[0]),
        flow(TWO[1].0, TWO[1].1, of_person, &[], rows[1]),
    ]
}

fn facets(flows: &[Flow]) -> World {
    World::new(
        flows,
        &schemas(&[("a.Customer", vec![]), ("b.Account", vec![]), ("c.Person", vec![])]),
    )
}

/// A record of `a.Customer` as it is read, once for each facet.
fn read(world: &mut World, key: &str, values: Value) {
    for (ours, _) in TWO {
        world.read(&format!("{ours}/{key}"), values.clone());
    }
}

/// A record is read as each of its two facets.
fn read_as_all(world: &mut World, name: &str, key: &str, values: Value) {
    for facet in ["company", "person"] {
        world.read(&format!("{name} ({facet})/{key}"), values.clone());
    }
}

#[test]
fn f1_a_creation_makes_the_record_with_all_its_facets() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    for create in [
        [Create::Always, Create::Always],
        [Create::Always, Create::Never],
        [Create::Never, Create::Always],
    ] {
        let mut world = facets(&two_facets(create, &[], rows));
        read(&mut world, "1", json!({"name": "Fjord AS", "contact": "Åse"}));
        assert_eq!(world.settle(), 1, "one record, in one write");
        assert_eq!((world.count(TWO[0].1), world.count(TWO[1].1)), (1, 1));
        let made = world.intents[0].record.unwrap();
        let key = world.records[&made].key.clone();
        for (ours, theirs) in TWO {
            assert!(world.linked(&format!("{ours}/1"), &format!("{theirs}/{key}")), "{ours}");
        }
        assert_eq!(world.value(&format!("{}/{key}", TWO[0].1), "contact"), json!("Åse"));
        assert_eq!(world.settle_all(), 0);
        // Each facet is kept equal by its own rows.
        world.read(&format!("{}/1", TWO[1].0), json!({"name": "Fjord AS", "contact": "Bjørn"}));
        assert_eq!(world.settle(), 1);
        assert_eq!(world.value(&format!("{}/{key}", TWO[1].1), "contact"), json!("Bjørn"));
    }
}

#[test]
fn f2_a_facet_is_linked_where_another_facet_of_its_record_is() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &["no = no"], rows));
    for (_, theirs) in TWO {
        world.read(&format!("{theirs}/x"), json!({"no": "17", "name": "Fjord", "contact": null}));
    }
    read(&mut world, "1", json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}));
    world.settle();
    assert!(world.linked(&format!("{}/1", TWO[0].0), &format!("{}/x", TWO[0].1)), "they match");
    assert!(
        world.linked(&format!("{}/1", TWO[1].0), &format!("{}/x", TWO[1].1)),
        "as their other facets are"
    );
    assert!(
        world.intents.iter().all(|intent| intent.kind == IntentKind::Update),
        "nothing is created"
    );
    assert_eq!(world.value(&format!("{}/x", TWO[1].1), "contact"), json!("Åse"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn f2_facets_read_one_after_the_other_come_to_one_record() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &[], rows));
    world.read(&format!("{}/1", TWO[0].0), json!({"name": "Fjord AS", "contact": "Åse"}));
    world.settle();
    world.read(&format!("{}/1", TWO[1].0), json!({"name": "Fjord AS", "contact": "Åse"}));
    world.settle();
    assert_eq!((world.count(TWO[0].1), world.count(TWO[1].1)), (1, 1));
    let creations = world
        .intents
        .iter()
        .filter(|i| i.kind == IntentKind::Create && i.state == IntentState::Done);
    assert_eq!(creations.count(), 1);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn f1_a_record_that_is_back_as_one_facet_makes_nothing_before_it_is_back_as_the_other() {
    let rows: [&[&str]; 2] = [&["no <-> no", "name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &[], rows));
    let fjord = json!({"no": "17", "name": "Fjord AS", "contact": "Åse"});
    read(&mut world, "1", fjord.clone());
    for (ours, _) in TWO {
        world.read_deleted(&format!("{ours}/1"));
    }
    world.read(&format!("{}/1", TWO[1].0), fjord.clone());
    world.settle();
    assert!(world.intents.is_empty(), "half a record is made: {:?}", world.intents);
    world.read(&format!("{}/1", TWO[0].0), fjord);
    world.settle();
    let key = world.records[&world.intents[0].record.unwrap()].key.clone();
    let account = format!("{}/{key}", TWO[0].1);
    assert_eq!(
        (world.value(&account, "name"), world.value(&account, "contact")),
        (json!("Fjord AS"), json!("Åse"))
    );
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn f2_nothing_is_created_while_the_facet_that_it_will_be_linked_with_is_still_to_be_read() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &["no = no"], rows));
    read(&mut world, "1", json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}));
    // A process that was killed has read the one facet of what it had made, and not the other.
    world.read(
        &format!("{}/x", TWO[0].1),
        json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}),
    );
    world.settle();
    assert!(world.linked(&format!("{}/1", TWO[0].0), &format!("{}/x", TWO[0].1)));
    assert_eq!(world.count(TWO[1].1), 0, "nothing is created beside it");
    world.read(
        &format!("{}/x", TWO[1].1),
        json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}),
    );
    world.settle();
    assert!(world.linked(&format!("{}/1", TWO[1].0), &format!("{}/x", TWO[1].1)));
    assert_eq!((world.count(TWO[0].1), world.count(TWO[1].1)), (1, 1));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l8_f1_nothing_is_made_for_one_facet_before_another_of_its_record_has_been_looked_for() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &["no = no"], rows));
    let account = world.ty(TWO[0].1).at();
    world.through[account].from = Some(Timestamp(1));
    read(&mut world, "1", json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}));
    world.settle();
    assert!(
        world.intents.is_empty(),
        "the account has been typed in since, and is still to be read"
    );
    for (_, theirs) in TWO {
        world.read(&format!("{theirs}/x"), json!({"no": "17", "name": "Fjord", "contact": null}));
    }
    world.through[account].from = Some(Timestamp(i64::MAX));
    world.settle_all();
    for (ours, theirs) in TWO {
        assert!(world.linked(&format!("{ours}/1"), &format!("{theirs}/x")), "{ours}");
    }
    assert_eq!((world.count(TWO[0].1), world.count(TWO[1].1)), (1, 1));
}

#[test]
fn l6_f1_nothing_is_made_for_one_facet_while_a_person_is_asked_about_another() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &["no = no"], rows));
    for key in ["x", "y"] {
        for (_, theirs) in TWO {
            world.read(
                &format!("{theirs}/{key}"),
                json!({"no": "17", "name": "Fjord", "contact": null}),
            );
        }
    }
    read(&mut world, "1", json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}));
    world.settle();
    assert!(world.intents.is_empty() && !world.reviews.is_empty(), "{:?}", world.intents);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn c2_f1_one_record_is_made_where_two_systems_create_it_as_different_facets() {
    let rows: [&[&str]; 2] = [&["no <-> no", "name <-> name"], &["contact <-> contact"]];
    let mut flows = two_facets([Create::Never, Create::Always], &["no = no"], rows);
    flows.push(flow(
        "c.Person",
        TWO[0].1,
        Create::Always,
        &["no = no"],
        &["no <-> no", "name <-> name"],
    ));
    let mut world = facets(&flows);
    read(&mut world, "1", json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}));
    world.read("c.Person/1", json!({"no": "17", "name": "Fjord AS"}));
    world.decide();
    assert_eq!(world.intents.len(), 1, "the other one meets it: {:?}", world.intents);
}

#[test]
fn c2_f2_a_creation_that_was_tried_for_one_facet_is_not_replaced_by_one_for_another() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &["no = no"], rows));
    read(&mut world, "1", json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}));
    world.decide();
    assert_eq!(world.intents.len(), 1);
    // It was decided for the facet that is looked at last, was sent, got no answer, and was not
    // found.
    let (company, person) =
        (world.record("a.Customer (company)/1").id, world.record("a.Customer (person)/1").clone());
    let ty = world.ty("b.Account (person)");
    world.intents[0] = Intent {
        source: person.id.into(),
        entity: person.entity,
        ty,
        attempts: 1,
        ..world.intents[0].clone()
    };
    world.decide_on(vec![company]);
    assert_eq!(
        world.intents.iter().map(|intent| intent.state).collect::<Vec<_>>(),
        [IntentState::Queued]
    );
}

#[test]
fn d1_f1_what_was_deleted_before_it_was_read_as_another_facet_is_not_created_anew() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let mut world = facets(&two_facets([Create::Always, Create::Always], &["no = no"], rows));
    let account = format!("{}/x", TWO[0].1);
    world.read(&account, json!({"no": "17", "name": "Fjord", "contact": null}));
    read(&mut world, "1", json!({"no": "17", "name": "Fjord AS", "contact": "Åse"}));
    world.settle();
    assert!(world.linked(&format!("{}/1", TWO[0].0), &account));
    world.read_deleted(&account);
    world.settle_all();
    assert!(
        world.intents.iter().all(|intent| intent.kind != IntentKind::Create),
        "{:?}",
        world.intents
    );
}

#[test]
fn d1_f1_an_edit_through_one_facet_keeps_the_whole_record() {
    let rows: [&[&str]; 2] = [&["name <-> name"], &["contact <-> contact"]];
    let flows = two_facets([Create::Always, Create::Always], &[], rows);
    let mut world = facets(
        &flows
            .into_iter()
            .map(|flow| Flow { deletes: Deletes::Propagate, ..flow })
            .collect::<Vec<_>>(),
    );
    read(&mut world, "1", json!({"name": "Fjord AS", "contact": "Åse"}));
    world.settle();
    let key = world.records[&world.intents[0].record.unwrap()].key.clone();
    for (_, theirs) in TWO {
        world.read(&format!("{theirs}/{key}"), json!({"name": "Fjord og fjell", "contact": "Åse"}));
    }
    for (ours, _) in TWO {
        world.read_deleted(&format!("{ours}/1"));
    }
    world.settle();
    for (_, theirs) in TWO {
        assert!(world.record(&format!("{theirs}/{key}")).is_live(), "{theirs}");
    }
    assert_eq!(
        world.value(&format!("{}/{key}", TWO[1].1), "contact"),
        json!("Åse"),
        "it is one record, and kept whole"
    );
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p6_f3_a_write_through_one_facet_hides_no_edit_that_another_has_not_seen() {
    let flows = vec![
        flow("c.Company", "b.Account (company)", Create::Never, &["no = no"], &["phone <-> phone"]),
        flow(
            "c.Person",
            "b.Account (person)",
            Create::Never,
            &["no = no"],
            &["contact <-> contact"],
        ),
    ];
    let all = schemas(&[("c.Company", vec![]), ("c.Person", vec![]), ("b.Account", vec![])]);
    let mut world = World::new(&flows, &all);
    for ty in ["b.Account (company)", "b.Account (person)"] {
        world.read_as(
            &format!("{ty}/7"),
            json!({"no": "1", "phone": "0", "contact": "Åse"}),
            Some("1"),
            None,
        );
    }
    world.read("c.Company/1", json!({"no": "1", "phone": "0"}));
    world.settle();
    // Somebody edits the contact, which has been read as the one facet only when the phone is
    // written by way of it.
    world.read_as(
        "b.Account (company)/7",
        json!({"no": "1", "phone": "0", "contact": "Bo"}),
        Some("2"),
        None,
    );
    world.read("c.Company/1", json!({"no": "1", "phone": "3"}));
    world.decide();
    let intent = world.intents.last().unwrap().clone();
    assert_eq!(intent.version().map(String::as_str), Some("2"));
    let mut person = world.record("b.Account (person)/7").clone();
    let (phone, contact) = (world.prop(person.ty, "phone"), world.prop(person.ty, "contact"));
    let mut values = vec![None; person.slots.len()];
    (values[phone.at()], values[contact.at()]) = (Some(json!("3")), Some(json!("Bo")));
    let answer = ReadRecord {
        id: "7".into(),
        version: Some("3".into()),
        modified: None,
        deleted: false,
        values,
    };
    let sent = [(phone.at(), json!("3"))];
    lockstep_engine::facets::written(
        &world.plan,
        &mut person,
        &intent,
        answer,
        &sent,
        Timestamp(world.now),
    );
    world.records.insert(person.id, person);
    world.read_as(
        "b.Account (person)/7",
        json!({"no": "1", "phone": "3", "contact": "Bo"}),
        Some("3"),
        None,
    );
    let person = world.record("b.Account (person)/7");
    assert_eq!(
        person.slot(contact).claim.as_ref().map(|claim| &claim.value),
        Some(&json!("Bo")),
        "it is somebody's edit"
    );
    assert_eq!(
        person.slot(phone).claim.as_ref().map(|claim| &claim.value),
        None,
        "it is Lockstep's own"
    );
}

/// A customer that a company and a person of another system are linked with, and their names.
fn a_company_and_a_person(
    rows: [&[&str]; 2],
    [company, person]: [Value; 2],
) -> (World, String, String) {
    let propagate = |ty: &str, of: &str, rows: &[&str]| {
        let flow = flow(ty, of, Create::Always, &[], rows);
        Flow { deletes: Deletes::Propagate, ..flow }
    };
    let flows = vec![
        propagate("c.Company", "b.Account (company)", rows[0]),
        propagate("c.Person", "b.Account (person)", rows[1]),
    ];
    let all = schemas(&[("c.Company", vec![]), ("c.Person", vec![]), ("b.Account", vec![])]);
    let mut world = World::new(&flows, &all);
    world.read("c.Company/1", company);
    world.settle();
    let key = world.records[&world.intents[0].record.unwrap()].key.clone();
    let names = ["company", "person"].map(|facet| format!("b.Account ({facet})/{key}"));
    world.read("c.Person/2", person);
    // A person links it with what is there already.
    let into = world.record(&names[1]).entity;
    let id = world.record("c.Person/2").id;
    world.records.get_mut(&id).unwrap().entity = into;
    world.settle();
    let [company, person] = names;
    (world, company, person)
}

#[test]
fn f3_deleting_through_one_facet_empties_its_part_alone() {
    let (mut world, company, person) = a_company_and_a_person(
        [&["name -> name", "phone -> phone"], &["contact -> contact", "phone -> phone"]],
        [json!({"name": "Fjord AS", "phone": "1"}), json!({"contact": "Åse", "phone": "1"})],
    );
    assert!(world.linked("c.Person/2", &person));
    world.read_deleted("c.Company/1");
    world.settle();
    assert!(
        world.record(&company).is_live() && world.record(&person).is_live(),
        "the record stays"
    );
    assert_eq!(world.value(&company, "name"), Value::Null, "its part is emptied");
    assert_eq!(
        world.value(&company, "phone"),
        json!("1"),
        "what the other facet has rows about stays"
    );
    assert_eq!(world.value(&person, "contact"), json!("Åse"));
    assert_eq!(world.settle_all(), 0);
    world.read_deleted("c.Person/2");
    world.settle();
    assert!(
        !world.record(&company).is_live() && !world.record(&person).is_live(),
        "all its facets are deleted: the record is"
    );
    let deletions = world
        .intents
        .iter()
        .filter(|i| i.kind == IntentKind::Delete && i.state == IntentState::Done)
        .count();
    assert_eq!(deletions, 1);
}

#[test]
fn d2_f3_what_was_emptied_with_a_record_comes_back_with_it() {
    let (mut world, company, person) = a_company_and_a_person(
        [&["name -> name", "phone -> phone"], &["contact -> contact", "phone -> phone"]],
        [json!({"name": "Fjord AS", "phone": "1"}), json!({"contact": "Åse", "phone": "1"})],
    );
    world.read_deleted("c.Company/1");
    world.settle();
    assert_eq!(world.value(&company, "name"), Value::Null, "its part is emptied");
    world.read("c.Company/1", json!({"name": "Fjord AS", "phone": "1"}));
    world.settle();
    assert!(world.linked("c.Company/1", &company));
    assert_eq!(world.value(&company, "name"), json!("Fjord AS"), "and is back with it");
    assert_eq!(world.value(&person, "contact"), json!("Åse"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn f3_r6_a_part_that_its_system_does_not_empty_is_told_and_not_emptied_again_and_again() {
    let (mut world, company, _) = a_company_and_a_person(
        [&["name -> name"], &["contact -> contact"]],
        [json!({"name": "Fjord AS"}), json!({"contact": "Åse"})],
    );
    world.read_deleted("c.Company/1");
    world.decide();
    world.deliver_untold();
    let written = world.intents.len();
    // It was acknowledged and not done.
    for _ in 0..3 {
        world.read(&company, json!({"name": "Fjord AS"}));
        world.settle_all();
        assert_eq!(world.intents.len(), written, "{:#?}", world.intents.last());
        let open: Vec<ReviewKind> = world.reviews.iter().map(|review| review.kind).collect();
        assert_eq!(open, [ReviewKind::NotKept]);
        assert!(world.record(&company).is_live());
    }
    // Once a person wants it tried again, it is.
    world.reviews.clear();
    let id = world.record(&company).id;
    world.decide_on(vec![id]);
    world.deliver();
    assert_eq!(world.value(&company, "name"), Value::Null);
}

#[test]
fn f3_d1_what_goes_with_a_part_of_a_record_goes_where_that_part_was_linked() {
    let propagate = |ty: &str, of: &str, rows: &[&str]| {
        let flow = flow(ty, of, Create::Always, &[], rows);
        Flow { deletes: Deletes::Propagate, ..flow }
    };
    let flows = vec![
        propagate("c.Company", "b.Account (company)", &["name <-> name"]),
        propagate("b.Account (company)", "d.Firm", &["name <-> title"]),
        propagate("c.Person", "b.Account (person)", &["contact -> contact"]),
    ];
    let all = schemas(&[
        ("c.Company", vec![]),
        ("c.Person", vec![]),
        ("b.Account", vec![]),
        ("d.Firm", vec![]),
    ]);
    let mut world = World::new(&flows, &all);
    world.read("c.Company/1", json!({"name": "Fjord AS"}));
    world.settle();
    let key = world.records[&world.intents[0].record.unwrap()].key.clone();
    let (company, person) =
        (format!("b.Account (company)/{key}"), format!("b.Account (person)/{key}"));
    let firm = world
        .records
        .values()
        .find(|record| record.ty == world.ty("d.Firm"))
        .expect("it is made")
        .id;
    world.read("c.Person/2", json!({"contact": "Åse"}));
    let (into, id) = (world.record(&person).entity, world.record("c.Person/2").id);
    world.records.get_mut(&id).unwrap().entity = into;
    world.settle();
    world.read_deleted("c.Company/1");
    world.settle();
    assert!(world.record(&company).is_live(), "the person is there still");
    assert_eq!(world.value(&company, "name"), Value::Null);
    assert!(
        !world.records[&firm].is_live(),
        "the firm would be left beside an account without a name"
    );
    assert_eq!(world.value(&person, "contact"), json!("Åse"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn f3_what_went_with_a_part_of_a_record_comes_back_in_nothing_that_is_made_from_it() {
    let propagate = |ty: &str, of: &str, rows: &[&str]| {
        let flow = flow(ty, of, Create::Always, &[], rows);
        Flow { deletes: Deletes::Propagate, ..flow }
    };
    let ready = filtered("ready == 'yes'", &["ready"]);
    let flows = vec![
        propagate("c.Company", "b.Account (company)", &["name <-> name", "phone <-> phone"]),
        flow("b.Account (company)", "d.Firm", ready, &[], &["name <-> title", "phone <-> phone"]),
        propagate("c.Person", "b.Account (person)", &["contact -> contact", "phone <-> phone"]),
    ];
    let all = schemas(&[
        ("c.Company", vec![]),
        ("c.Person", vec![]),
        ("b.Account", vec![]),
        ("d.Firm", vec![]),
    ]);
    let mut world = World::new(&flows, &all);
    world.read("c.Company/1", json!({"name": "Fjord AS", "phone": "1"}));
    world.settle();
    let key = world.records[&world.intents[0].record.unwrap()].key.clone();
    let (company, person) =
        (format!("b.Account (company)/{key}"), format!("b.Account (person)/{key}"));
    world.read("c.Person/2", json!({"contact": "Åse", "phone": "1"}));
    let (into, id) = (world.record(&person).entity, world.record("c.Person/2").id);
    world.records.get_mut(&id).unwrap().entity = into;
    world.settle();
    world.read_deleted("c.Company/1");
    world.settle();
    assert_eq!(
        (world.value(&company, "name"), world.value(&company, "phone")),
        (Value::Null, json!("1"))
    );
    // Only now something is made from what is left of it.
    world.read(&company, json!({"ready": "yes"}));
    world.settle();
    let firm = world
        .records
        .values()
        .find(|record| record.ty == world.ty("d.Firm"))
        .expect("it is made")
        .key
        .clone();
    let firm = format!("d.Firm/{firm}");
    assert_eq!(
        (world.value(&firm, "title"), world.value(&firm, "phone")),
        (Value::Null, json!("1"))
    );
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.value(&firm, "title"), Value::Null);
}

#[test]
fn f3_d1_a_record_that_is_kept_as_another_facet_passes_no_deletion_on() {
    let propagate = |ty: &str, of: &str, rows: &[&str]| {
        let flow = flow(ty, of, Create::Always, &["code = code"], rows);
        Flow { deletes: Deletes::Propagate, ..flow }
    };
    let flows = vec![
        propagate(
            "c.Customer (company)",
            "b.Account (company)",
            &["name <-> name", "code <-> code"],
        ),
        propagate(
            "c.Customer (person)",
            "b.Account (person)",
            &["contact <-> contact", "code <-> code"],
        ),
        propagate("b.Account (company)", "d.Firm", &["name <-> title", "code <-> code"]),
    ];
    let all = schemas(&[("c.Customer", vec![]), ("b.Account", vec![]), ("d.Firm", vec![])]);
    let mut world = World::new(&flows, &all);
    read_as_all(
        &mut world,
        "c.Customer",
        "1",
        json!({"name": "Fjord AS", "contact": "Åse", "code": "7"}),
    );
    world.settle();
    let key = world
        .records
        .values()
        .find(|record| record.ty == world.ty("b.Account (company)"))
        .unwrap()
        .key
        .clone();
    let firm = world
        .records
        .values()
        .find(|record| record.ty == world.ty("d.Firm"))
        .expect("it is made")
        .id;
    // Somebody edits the contact, of which the deleted record never hears.
    read_as_all(&mut world, "b.Account", &key, json!({"contact": "Åse Lie"}));
    for facet in ["company", "person"] {
        world.read_deleted(&format!("c.Customer ({facet})/1"));
    }
    world.settle();
    let company = format!("b.Account (company)/{key}");
    assert_eq!(world.value(&company, "name"), json!("Fjord AS"), "it is kept whole");
    assert!(world.records[&firm].is_live(), "so what is linked with it is kept, too");
}

#[test]
fn f3_what_is_written_through_one_facet_is_no_edit_of_another_and_travels_on() {
    let flows = vec![
        flow("c.Company", "b.Account (company)", Create::Never, &["no = no"], &["phone <-> phone"]),
        flow("c.Person", "b.Account (person)", Create::Never, &["no = no"], &["phone <-> phone"]),
    ];
    let all = schemas(&[("c.Company", vec![]), ("c.Person", vec![]), ("b.Account", vec![])]);
    let mut world = World::new(&flows, &all);
    for ty in ["b.Account (company)", "b.Account (person)"] {
        world.read(&format!("{ty}/7"), json!({"no": "1", "phone": "0"}));
    }
    world.read("c.Company/1", json!({"no": "1", "phone": "1"}));
    world.read("c.Person/2", json!({"no": "1", "phone": "2"}));
    world.settle();
    let shown = |world: &World| {
        ["c.Company/1", "c.Person/2", "b.Account (company)/7", "b.Account (person)/7"]
            .map(|name| world.value(name, "phone"))
    };
    assert_eq!(
        shown(&world),
        [json!("2"), json!("2"), json!("2"), json!("2")],
        "the latest wins, everywhere"
    );
    assert_eq!(world.settle_all(), 0);
    world.read("c.Company/1", json!({"no": "1", "phone": "3"}));
    world.settle();
    assert_eq!(shown(&world), [json!("3"), json!("3"), json!("3"), json!("3")]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p8_a_reference_to_a_record_linked_by_a_facet_is_written() {
    let flows = vec![
        flow("a.Customer (company)", "b.Org", Create::Never, &[], &["name <-> name"]),
        flow("a.Customer (person)", "b.Person", Create::Always, &[], &["contact <-> contact"]),
        flow(
            "a.Order",
            "b.Deal",
            Create::Always,
            &[],
            &["title <-> title", "customer_id <-> person_id"],
        ),
    ];
    let all = schemas(&[
        ("a.Customer", vec![]),
        ("b.Org", vec![]),
        ("b.Person", vec![]),
        ("a.Order", vec![reference("customer_id", "Customer")]),
        ("b.Deal", vec![reference("person_id", "Person")]),
    ]);
    let mut world = World::new(&flows, &all);
    world.read("a.Order/5", json!({"title": "Ten chairs", "customer_id": "1"}));
    world.settle();
    for facet in ["a.Customer (company)/1", "a.Customer (person)/1"] {
        world.read(facet, json!({"name": "Fjord AS", "contact": "Åse"}));
        let order = world.record("a.Order/5").id;
        world.agenda.insert(order);
        world.settle();
    }
    let of = |world: &World, ty: &str| {
        let ty = world.ty(ty);
        world.records.values().find(|r| r.ty == ty).unwrap().key.clone()
    };
    let (deal, person) = (of(&world, "b.Deal"), of(&world, "b.Person"));
    assert_eq!(world.value(&format!("b.Deal/{deal}"), "person_id"), json!(person));
}

#[test]
fn p1c_in_a_block_the_nth_belongs_to_the_nth_and_the_rest_fills() {
    let rows =
        ["mailing <-> billing", "mailing <-> shipping", "other <-> billing", "other <-> shipping"];
    let mut world =
        World::people(&[flow("a.Person", "b.Person", Create::Always, &["no = no"], &rows)]);
    world.read("b.Person/x", json!({"no": "1", "billing": null, "shipping": null}));
    world.read("a.Person/1", json!({"no": "1", "mailing": "Bergen", "other": "Oslo"}));
    world.read("a.Person/2", json!({"no": "2", "mailing": "Bodø", "other": null}));
    world.settle();
    let shown =
        |world: &World, name: &str| [world.value(name, "billing"), world.value(name, "shipping")];
    assert_eq!(shown(&world, "b.Person/x"), [json!("Bergen"), json!("Oslo")]);
    let made = world.intents.iter().find(|i| i.kind == IntentKind::Create).unwrap().record.unwrap();
    let made = format!("b.Person/{}", world.records[&made].key);
    assert_eq!(
        shown(&world, &made),
        [json!("Bodø"), json!("Bodø")],
        "what is empty is filled at the first link"
    );
    assert_eq!(world.settle_all(), 0);
    // Edits go from each to the one that it belongs to.
    world.read("b.Person/x", json!({"no": "1", "billing": "Bergen", "shipping": "Moss"}));
    world.read("a.Person/2", json!({"no": "2", "mailing": "Narvik", "other": null}));
    world.settle();
    assert_eq!(
        [world.value("a.Person/1", "mailing"), world.value("a.Person/1", "other")],
        [json!("Bergen"), json!("Moss")]
    );
    assert_eq!(shown(&world, &made), [json!("Narvik"), json!("Bodø")]);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1c_what_is_empty_is_filled_when_records_are_found() {
    let rows =
        ["mailing <-> billing", "mailing <-> shipping", "other <-> billing", "other <-> shipping"];
    let mut world =
        World::people(&[flow("a.Person", "b.Person", Create::Never, &["no = no"], &rows)]);
    world.read("b.Person/x", json!({"no": "1", "billing": "Moss", "shipping": null}));
    world.read("a.Person/1", json!({"no": "1", "mailing": "Bergen", "other": null}));
    world.settle();
    assert_eq!(world.value("b.Person/x", "billing"), json!("Bergen"), "the later of two");
    assert_eq!(world.value("b.Person/x", "shipping"), json!("Bergen"), "filled");
    assert_eq!(world.settle_all(), 0);
    world.read("a.Person/1", json!({"no": "1", "mailing": "Bodø", "other": null}));
    world.settle();
    assert_eq!(world.value("b.Person/x", "billing"), json!("Bodø"));
    assert_eq!(world.value("b.Person/x", "shipping"), json!("Bergen"), "only at the first link");
}

#[test]
fn p1c_what_only_fills_gives_way_to_a_value_that_belongs_there() {
    let rows =
        ["mailing <-> billing", "mailing <-> shipping", "other <-> billing", "other <-> shipping"];
    let flows = [
        flow("a.Person", "b.Person", Create::Never, &["no = no"], &rows),
        flow("c.Person", "b.Person", Create::Never, &["no = no"], &["place <-> shipping"]),
    ];
    let mut world = World::people(&flows);
    world.read_as("b.Person/x", json!({"no": "1", "billing": null, "shipping": null}), None, None);
    world.read_as("c.Person/3", json!({"no": "1", "place": "Moss"}), None, None);
    // Later than anything that the third system has; it belongs to `billing` all the same.
    world.read_as(
        "a.Person/1",
        json!({"no": "1", "mailing": "Bergen", "other": null}),
        None,
        Some(5),
    );
    world.settle();
    assert_eq!(world.value("b.Person/x", "billing"), json!("Bergen"));
    assert_eq!(
        world.value("b.Person/x", "shipping"),
        json!("Moss"),
        "it is paired with a property that has a value"
    );
    assert_eq!(world.value("a.Person/1", "other"), json!("Moss"));
    assert_eq!(world.settle_all(), 0);
}

fn only(flow: Flow, expression: &str, reads: &[&str]) -> Flow {
    let reads = reads.iter().map(|path| (*path).into()).collect();
    Flow { only: Some(Filter { expression: expression.into(), reads }), ..flow }
}

fn filtered(expression: &str, reads: &[&str]) -> Create {
    let reads = reads.iter().map(|path| (*path).into()).collect();
    let filter = Some(Filter { expression: expression.into(), reads });
    Create::When { condition: "When it is a customer".into(), filter }
}

#[test]
fn p0_a_value_never_travels_by_way_of_a_flow_that_does_not_hold() {
    let condition = filtered("kind == 'customer'", &["kind"]);
    let flows = [
        flow("a.Person", "b.Person", condition, &["mail = mail"], &["phone <-> phone"]),
        flow("b.Person", "c.Person", Create::Always, &["mail = mail"], &["phone <-> phone"]),
    ];
    let mut world = World::people(&flows);
    world.read("b.Person/1", json!({"mail": "ase@example.com", "phone": "1"}));
    world.read("c.Person/1", json!({"mail": "ase@example.com", "phone": "1"}));
    world
        .read("a.Person/1", json!({"mail": "ase@example.com", "phone": "666", "kind": "supplier"}));
    world.settle();
    let phones = |world: &World| {
        ["a.Person/1", "b.Person/1", "c.Person/1"].map(|name| world.value(name, "phone"))
    };
    assert_eq!(
        phones(&world),
        [json!("666"), json!("1"), json!("1")],
        "a supplier's phone goes nowhere"
    );
    world.read("c.Person/1", json!({"mail": "ase@example.com", "phone": "2"}));
    world.settle();
    assert_eq!(phones(&world), [json!("666"), json!("2"), json!("2")], "the others end equal");
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p0_what_is_left_of_the_graph_still_ends_equal() {
    // The direct way is closed for suppliers; the one by way of c is not.
    let direct = only(
        flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &["phone <-> phone"]),
        "kind == 'customer'",
        &["kind"],
    );
    let flows = [
        direct,
        flow("a.Person", "c.Person", Create::Always, &["mail = mail"], &["phone <-> phone"]),
        flow("c.Person", "b.Person", Create::Always, &["mail = mail"], &["phone <-> phone"]),
    ];
    let mut world = World::people(&flows);
    for system in ["b", "c"] {
        world.read(&format!("{system}.Person/1"), json!({"mail": "ase@example.com", "phone": "1"}));
    }
    world.read("a.Person/1", json!({"mail": "ase@example.com", "phone": "2", "kind": "supplier"}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l9_what_a_flow_gave_before_it_stopped_goes_to_those_that_are_left() {
    let customers = only(
        flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &["phone <-> phone"]),
        "kind == 'customer'",
        &["kind"],
    );
    let mut world = World::people(&[
        customers,
        flow("b.Person", "c.Person", Create::Never, &["mail = mail"], &["phone <-> phone"]),
    ]);
    world.read("a.Person/1", json!({"mail": "ase@example.com", "phone": "1", "kind": "customer"}));
    world.read("b.Person/1", json!({"mail": "ase@example.com", "phone": "1"}));
    world.read("c.Person/1", json!({"mail": "berg@example.com", "phone": "0"}));
    world.settle();
    world.read("a.Person/1", json!({"phone": "2"}));
    world.settle();
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
    world.read("a.Person/1", json!({"kind": "supplier"}));
    world.settle();
    // Who is linked with what is left takes what is shown there, and the edit where it was made
    // stays alone from now on.
    world.read("c.Person/1", json!({"mail": "ase@example.com"}));
    world.read("a.Person/1", json!({"phone": "3"}));
    world.settle();
    assert_eq!(world.value("c.Person/1", "phone"), json!("2"));
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
    assert_eq!(world.settle_all(), 0);
    // When the flow holds again, the latest edit wins as ever.
    world.read("a.Person/1", json!({"kind": "customer"}));
    world.settle();
    assert_eq!(world.value("c.Person/1", "phone"), json!("3"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l9_what_a_creation_brought_before_its_flow_stopped_is_what_the_next_is_created_with() {
    let customers = only(
        flow(
            "a.Person",
            "b.Person",
            Create::Always,
            &["mail = mail"],
            &["mail <-> mail", "phone <-> phone"],
        ),
        "kind == 'customer'",
        &["kind"],
    );
    let on = filtered("phone != '1'", &["phone"]);
    let mut world = World::people(&[
        customers,
        flow("b.Person", "c.Person", on, &["mail = mail"], &["mail <-> mail", "phone <-> phone"]),
    ]);
    world.read("a.Person/1", json!({"mail": "ase@example.com", "phone": "1", "kind": "customer"}));
    world.settle();
    assert_eq!((world.count("b.Person"), world.count("c.Person")), (1, 0));
    let made =
        world.records.values().find(|record| record.key.starts_with("new")).unwrap().key.clone();
    world.read("a.Person/1", json!({"kind": "supplier"}));
    world.settle();
    world.read(&format!("b.Person/{made}"), json!({"phone": "2"}));
    world.settle();
    let c = world.plan.type_named(&lockstep_model::TypeName::new("c", "Person")).unwrap();
    let c = world
        .records
        .values()
        .find(|record| record.ty == c)
        .expect("a counterpart is made")
        .key
        .clone();
    assert_eq!(world.value(&format!("c.Person/{c}"), "phone"), json!("2"));
    assert_eq!(
        world.value(&format!("c.Person/{c}"), "mail"),
        json!("ase@example.com"),
        "it is made without what b shows"
    );
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l9_p3_what_a_creation_brought_as_its_system_keeps_it_is_no_value_of_its_own() {
    let trims = PropertySchema {
        stored_as: StoredAs { trimmed: true, ..StoredAs::default() },
        ..PropertySchema::new("name", PlainType::String)
    };
    let rows = ["mail <-> mail", "name <-> name"];
    // A flow of c's does not hold, and its target has no record here.
    let suspended = only(
        flow("c.Person", "d.Person", Create::Never, &["mail = mail"], &rows),
        "name == 'nobody'",
        &["name"],
    );
    let (first, then) =
        (flow("c.Person", "b.Person", Create::Never, &["mail = mail"], &rows), ["mail = mail"]);
    let flows = [
        suspended,
        first,
        flow("b.Person", "c.Person", Create::Always, &then, &rows),
        flow("a.Person", "b.Person", Create::Always, &then, &rows),
    ];
    let types = [
        ("a.Person", vec![]),
        ("b.Person", vec![]),
        ("c.Person", vec![trims]),
        ("d.Person", vec![]),
    ];
    let mut world = World::new(&flows, &schemas(&types));
    // No system tells when it was put in.
    world.read_as("a.Person/1", json!({"mail": "ase@example.com", "name": "Åse Lie "}), None, None);
    assert_eq!(world.settle(), 2);
    // C2: found again by what was sent, after a lost answer: what it was given is not known by its
    // claim.
    let c = world.ty("c.Person");
    let made = world.records.values_mut().find(|record| record.ty == c).unwrap();
    made.slots.iter_mut().for_each(|slot| (slot.carries, slot.given) = (None, None));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(
        world.value("a.Person/1", "name"),
        json!("Åse Lie "),
        "its blank is taken out by what c made of it"
    );
}

#[test]
fn l11_a_flow_is_about_what_only_says() {
    let people = only(
        flow("a.Contact", "b.Person", Create::Always, &["mail = mail"], &["name <-> name"]),
        "kind == 'person'",
        &["kind"],
    );
    let mut world = World::new(&[people], &schemas(&[("a.Contact", vec![]), ("b.Person", vec![])]));
    world.read("b.Person/1", json!({"mail": "post@example.com", "name": "Post"}));
    world.read(
        "a.Contact/1",
        json!({"mail": "post@example.com", "name": "Fjord AS", "kind": "company"}),
    );
    world.read("a.Contact/2", json!({"mail": "bo@example.com", "name": "Bo", "kind": "company"}));
    world.read("a.Contact/3", json!({"mail": "ase@example.com", "name": "Åse", "kind": "person"}));
    world.settle();
    assert!(!world.linked("a.Contact/1", "b.Person/1"), "not matched");
    assert_eq!(world.count("b.Person"), 2, "not created");
    assert_eq!(world.situation("2", "b.Person"), Situation::Excluded);
    assert!(
        world.why("2", "b.Person").contains("only: kind == 'person'"),
        "{}",
        world.why("2", "b.Person")
    );
    // It ceases to be what the flow is about: it stays, and is not kept equal.
    let made = world.records[&world.intents[0].record.unwrap()].key.clone();
    world.read(
        "a.Contact/3",
        json!({"mail": "ase@example.com", "name": "Åse AS", "kind": "company"}),
    );
    world.settle();
    assert_eq!(world.situation("3", "b.Person"), Situation::Unqualified);
    assert_eq!(world.value(&format!("b.Person/{made}"), "name"), json!("Åse"));
    // A company that becomes a person is matched then.
    world.read("a.Contact/1", json!({"mail": "post@example.com", "name": "Per", "kind": "person"}));
    world.settle();
    assert!(world.linked("a.Contact/1", "b.Person/1"));
}

#[test]
fn l11_where_only_says_what_a_flow_is_about_a_filter_gates_creating_alone() {
    let create = filtered("paid == 'yes'", &["paid"]);
    let flow = only(
        flow("a.Contact", "b.Person", create, &["mail = mail"], &["name <-> name"]),
        "kind == 'person'",
        &["kind"],
    );
    let mut world = World::new(&[flow], &schemas(&[("a.Contact", vec![]), ("b.Person", vec![])]));
    world.read("b.Person/1", json!({"mail": "ase@example.com", "name": "A"}));
    world.read(
        "a.Contact/1",
        json!({"mail": "ase@example.com", "name": "Åse", "kind": "person", "paid": "no"}),
    );
    world.read(
        "a.Contact/2",
        json!({"mail": "bo@example.com", "name": "Bo", "kind": "person", "paid": "no"}),
    );
    world.settle();
    assert_eq!(world.value("b.Person/1", "name"), json!("Åse"), "found, and kept equal");
    assert_eq!(world.count("b.Person"), 1, "but not created");
}

#[test]
fn l11_only_to_says_which_records_of_the_target_it_is_about() {
    let mut people =
        flow("a.Person", "b.Contact", Create::Always, &["mail = mail"], &["name <-> name"]);
    people.only_to =
        Some(Filter { expression: "kind == 'person'".into(), reads: vec!["kind".into()] });
    let mut world = World::new(&[people], &schemas(&[("a.Person", vec![]), ("b.Contact", vec![])]));
    world.read(
        "b.Contact/1",
        json!({"mail": "post@example.com", "name": "Fjord AS", "kind": "company"}),
    );
    world.read("b.Contact/2", json!({"mail": "ase@example.com", "name": "A", "kind": "person"}));
    world.read("a.Person/1", json!({"mail": "post@example.com", "name": "Per"}));
    world.read("a.Person/2", json!({"mail": "ase@example.com", "name": "Åse"}));
    world.settle();
    assert!(!world.linked("a.Person/1", "b.Contact/1"));
    assert!(world.linked("a.Person/2", "b.Contact/2"));
    assert_eq!(world.value("b.Contact/1", "name"), json!("Fjord AS"));
}

#[test]
fn l11_nothing_is_created_that_the_flow_would_not_be_about() {
    let world = |condition: &str, reads: &[&str], rows: &[&str], record: serde_json::Value| {
        let mut people = flow("a.Person", "b.Contact", Create::Always, &["mail = mail"], rows);
        let reads = reads.iter().map(|read| lockstep_model::Path::new(*read)).collect();
        people.only_to = Some(Filter { expression: condition.into(), reads });
        let types = [("a.Person", vec![]), ("b.Contact", vec![])];
        let mut world = World::new(&[people], &schemas(&types));
        world.read("a.Person/1", record);
        world.settle();
        world.count("b.Contact")
    };
    let rows = ["name <-> name", "kind <-> kind", "paid <-> paid"];
    let is_person = ("kind == 'person'", &["kind"][..]);
    let person = |kind: &str| json!({"mail": "ase@example.com", "name": "Åse", "kind": kind});
    let count =
        |(text, reads): (&str, &[&str]), rows: &[&str], record| world(text, reads, rows, record);
    assert_eq!(count(is_person, &rows, person("person")), 1);
    assert_eq!(count(is_person, &rows, person("company")), 0);
    let none = json!({"mail": "ase@example.com", "name": "Åse"});
    assert_eq!(count(is_person, &rows, none.clone()), 0, "it has none, and is given none");
    let both = ("kind == 'person' and paid == 'yes'", &["kind", "paid"][..]);
    assert_eq!(count(both, &rows, person("person")), 0, "one of the two is empty");
    // What no row carries there, the target may fill in.
    assert_eq!(count(is_person, &rows[..1], none.clone()), 1);
    assert_eq!(count(is_person, &["name <-> name", "kind <- kind"], none), 1);
}

#[test]
fn l6_a_section_between_a_record_type_and_itself_asks_about_duplicates_and_creates_nothing() {
    let own =
        |rows: &[&str]| flow("a.Person", "a.Person", Create::Always, rows, &["name <-> name"]);
    for rows in [&[][..], &["id = id"]] {
        let mut world = World::people(&[own(rows)]);
        world.read("a.Person/1", json!({"id": "1", "mail": "ase@example.com", "name": "Åse"}));
        world.read("a.Person/2", json!({"id": "2", "mail": "ase@example.com", "name": "A"}));
        assert_eq!(world.settle(), 0);
        assert!(world.reviews.is_empty(), "{:?}", world.reviews);
    }
    let mut world = World::people(&[own(&["mail = mail"])]);
    world.read("a.Person/1", json!({"mail": "ase@example.com", "name": "Åse"}));
    world.read("a.Person/2", json!({"mail": "ase@example.com", "name": "A"}));
    world.read("a.Person/3", json!({"mail": "bo@example.com", "name": "Bo"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.reviews.len(), 1, "{:?}", world.reviews);
    let mut merging = own(&["mail = mail"]);
    merging.merge_duplicates = true;
    let mut world = World::people(&[merging]);
    world.read("a.Person/1", json!({"mail": "ase@example.com", "name": "Åse"}));
    world.read("a.Person/2", json!({"mail": "ase@example.com", "name": "A"}));
    world.settle();
    assert!(world.linked("a.Person/1", "a.Person/2"));
    assert_eq!(world.value("a.Person/1", "name"), world.value("a.Person/2", "name"));
}

#[test]
fn p1a_an_edit_goes_to_all_that_were_given_what_nothing_becomes() {
    let none = Conversion::parse(&json!(["if-null", "_.", "none"])).unwrap();
    let row = |to: &str| PropertyPair {
        direction: Direction::Forward,
        conversion: Some(none.clone()),
        ..PropertyPair::equal(PropertyRef::new("note"), PropertyRef::new(to))
    };
    let mut one = flow("a.Contact", "b.Person", Create::Always, &[], &["name -> name"]);
    one.properties.extend([row("first"), row("second")]);
    let mut world = World::new(&[one], &schemas(&[("a.Contact", vec![]), ("b.Person", vec![])]));
    world.read("a.Contact/1", json!({"name": "Åse", "note": null}));
    world.settle();
    let made = format!("b.Person/{}", world.records[&world.intents[0].record.unwrap()].key);
    assert_eq!(world.value(&made, "second"), json!("none"));
    world.read("a.Contact/1", json!({"name": "Åse", "note": "kari"}));
    world.settle();
    assert_eq!(world.value(&made, "first"), json!("kari"));
    assert_eq!(world.value(&made, "second"), json!("kari"));
}

#[test]
fn l9_l11_who_was_never_what_a_flow_is_about_does_not_cease_to_be() {
    let rows = ["name <-> name"];
    let there = flow("a.Contact", "b.Person", Create::Always, &[], &rows);
    let there = only(Flow { ceases: Ceases::Delete, ..there }, "kind == 'person'", &["kind"]);
    let back = flow("b.Person", "a.Contact", Create::Always, &[], &rows);
    let mut world =
        World::new(&[there, back], &schemas(&[("a.Contact", vec![]), ("b.Person", vec![])]));
    world.read("b.Person/1", json!({"name": "Åse"}));
    world.settle();
    assert_eq!(world.count("a.Contact"), 1, "its system may fill in what it is");
    world.settle_all();
    assert!(world.record("b.Person/1").is_live());
}

#[test]
fn l11_ceases_says_what_becomes_of_the_counterpart() {
    let about = |ceases: Ceases| {
        let flow = flow(
            "a.Contact",
            "b.Person",
            Create::Always,
            &["mail = mail"],
            &["name -> name", "mail -> mail"],
        );
        Flow { ceases, ..only(flow, "kind == 'person'", &["kind"]) }
    };
    for ceases in [Ceases::Keep, Ceases::Review, Ceases::Delete] {
        let mut world =
            World::new(&[about(ceases)], &schemas(&[("a.Contact", vec![]), ("b.Person", vec![])]));
        world.read(
            "a.Contact/1",
            json!({"mail": "ase@example.com", "name": "Åse", "kind": "person"}),
        );
        world.settle();
        let made = format!("b.Person/{}", world.records[&world.intents[0].record.unwrap()].key);
        world.read(
            "a.Contact/1",
            json!({"mail": "ase@example.com", "name": "Åse AS", "kind": "company"}),
        );
        world.settle();
        assert_eq!(world.record(&made).is_live(), ceases != Ceases::Delete, "{ceases:?}");
        assert_eq!(
            world.reviews.len(),
            usize::from(ceases == Ceases::Review),
            "{:?}",
            world.reviews
        );
        assert!(world.record("a.Contact/1").is_live(), "its own record stays");
        assert_eq!(world.settle_all(), 0);
    }
    // An edit of the counterpart after that beats the deletion: a person says.
    let mut world = World::new(
        &[about(Ceases::Delete)],
        &schemas(&[("a.Contact", vec![]), ("b.Person", vec![])]),
    );
    world.read("b.Person/x", json!({"mail": "ase@example.com", "name": "Åse"}));
    world.read("a.Contact/1", json!({"mail": "ase@example.com", "name": "Åse", "kind": "person"}));
    world.settle();
    world.read("a.Contact/1", json!({"mail": "ase@example.com", "name": "Åse", "kind": "company"}));
    world.read("b.Person/x", json!({"mail": "ase@example.com", "name": "Åse Moe"}));
    world.settle();
    assert!(world.record("b.Person/x").is_live());
    assert_eq!(world.reviews.len(), 1);
}

fn customers(merge: bool, ceases: Ceases) -> World {
    let flow = flow(
        "a.Contact",
        "b.Person",
        Create::Always,
        &["mail = mail"],
        &["name <-> name", "mail <-> mail"],
    );
    let flow =
        Flow { ceases, merge_duplicates: merge, ..only(flow, "kind == 'customer'", &["kind"]) };
    World::new(&[flow], &schemas(&[("a.Contact", vec![]), ("b.Person", vec![])]))
}

#[test]
fn l11_who_the_flow_is_not_about_is_nobodys_duplicate() {
    for merge in [false, true] {
        let mut world = customers(merge, Ceases::Delete);
        let of =
            |name: &str, kind: &str| json!({"mail": "ase@example.com", "name": name, "kind": kind});
        world.read("a.Contact/1", of("Åse", "customer"));
        world.read("a.Contact/2", of("Fjord AS", "supplier"));
        assert_eq!(world.settle_all(), 1, "the customer is created");
        assert!(world.reviews.is_empty(), "{:?}", world.reviews);
        assert_eq!(world.value("a.Contact/2", "name"), json!("Fjord AS"));
        let made = format!("b.Person/{}", world.records[&world.intents[0].record.unwrap()].key);
        assert!(world.record(&made).is_live() && world.linked("a.Contact/1", &made));
        assert!(!world.linked("a.Contact/1", "a.Contact/2"));
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn l11_a_question_about_two_is_none_once_the_flow_is_about_one_of_them_only() {
    let mut world = customers(false, Ceases::Keep);
    let of =
        |name: &str, kind: &str| json!({"mail": "ase@example.com", "name": name, "kind": kind});
    world.read("a.Contact/1", of("Åse", "customer"));
    world.read("a.Contact/2", of("Fjord AS", "customer"));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.reviews.len(), 1);
    world.read("a.Contact/2", of("Fjord AS", "supplier"));
    assert_eq!(world.settle_all(), 1, "{:?}", world.reviews);
    assert!(world.reviews.is_empty());
}
