//! R1, R2, R5, P2 to P10, C1, C3 to C5, L8, G5: what is an edit, what is created, what is written.

use crate::kit::{World, flow, reference, schemas};
use lockstep_engine::confirm;
use lockstep_model::flow::{Create, Filter, Policy, PropertyRef, Wins};
use lockstep_model::{
    Conversion, IntentState, PlainType, PropertyPair, PropertySchema, ReadRecord, Review,
    ReviewKind, Rule, Situation, Timestamp, TypeName,
};
use lockstep_wording::why as words;
use serde_json::json;

fn people() -> World {
    World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["mail <-> email", "name <-> name", "phone <-> phone"],
    )])
}

fn linked_pair() -> World {
    let mut world = people();
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada", "phone": "1"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada", "phone": "1"}));
    assert_eq!(world.settle(), 0);
    world
}

#[test]
fn r1_r2_seeing_a_record_twice_does_nothing() {
    let mut world = linked_pair();
    let unchanged = world.read_as(
        "a.Person/1",
        json!({"mail": "ada@example.com", "name": "Ada", "phone": "1"}),
        None,
        None,
    );
    assert_eq!(unchanged, 1);
    assert!(world.agenda.is_empty());
}

#[test]
fn r1_an_edit_is_seen_in_a_page_that_shows_its_record_twice() {
    let mut world = linked_pair();
    world.read_twice("b.Person/1", json!({"name": "Ada Berg"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "name"), json!("Ada Berg"));
}

#[test]
fn r1_a_new_record_that_a_page_shows_twice_is_one_record() {
    let mut world = people();
    world.read_twice("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada"}));
    assert_eq!(world.records.len(), 1);
    assert_eq!(world.value("a.Person/1", "name"), json!("Ada"));
}

#[test]
fn r5_a_property_that_is_absent_is_not_cleared() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"name": "Ada", "phone": "1"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.value("b.Person/1", "email"), json!("ada@example.com"));
    world.read("a.Person/1", json!({"name": "Ada", "phone": null}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "phone"), json!(null));
}

#[test]
fn p1_the_latest_edit_wins_and_travels_both_ways() {
    let mut world = linked_pair();
    world.read("b.Person/1", json!({"phone": "2"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "phone"), json!("2"));
    world.read("a.Person/1", json!({"phone": "3"}));
    world.read("b.Person/1", json!({"phone": "4"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "phone"), json!("4"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1_on_a_tie_both_sides_agree() {
    let mut world = people();
    world.read_as("a.Person/1", json!({"mail": "ada@example.com", "phone": "1"}), None, Some(500));
    world.read_as("b.Person/1", json!({"email": "ada@example.com", "phone": "2"}), None, Some(500));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "phone"), world.value("a.Person/1", "phone"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1_policies_prefer_and_only_from() {
    let with = |policy: Policy| {
        let mut one =
            flow("a.Person", "b.Person", Create::Never, &["mail = email"], &["name <-> name"]);
        one.properties[0].policy = policy;
        let mut world = World::people(&[one]);
        world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "from a"}));
        world.read("b.Person/1", json!({"email": "ada@example.com", "name": "from b"}));
        world.settle();
        world
    };
    assert_eq!(with(Policy::Latest).value("a.Person/1", "name"), json!("from b"));
    assert_eq!(with(Policy::Prefer(vec!["a".into()])).value("b.Person/1", "name"), json!("from a"));
    let mut world = with(Policy::OnlyFrom("a".into()));
    assert_eq!(world.value("b.Person/1", "name"), json!("from a"));
    world.read("b.Person/1", json!({"name": "edited in b"}));
    world.settle();
    assert_eq!(
        world.value("b.Person/1", "name"),
        json!("from a"),
        "an edit elsewhere does not count"
    );
}

#[test]
fn p2_at_the_first_link_a_value_beats_an_empty_one_and_later_emptying_is_an_edit() {
    let mut world = people();
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada", "phone": "1"}));
    // Newer, and empty: it never held a number.
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "", "phone": ""}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "phone"), json!("1"));
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada", "phone": ""}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "phone"), json!(null));
}

#[test]
fn p2_what_was_cleared_before_the_link_does_not_clear_the_other() {
    let mut world = people();
    world.read("a.Person/1", json!({"mail": "x@example.com", "phone": "1"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "phone": "2"}));
    world.through[1].from = Some(Timestamp(0));
    world.decide();
    world.read("a.Person/1", json!({"mail": "x@example.com", "phone": ""}));
    world.read("a.Person/1", json!({"mail": "ada@example.com", "phone": ""}));
    world.settle_all();
    assert!(world.linked("a.Person/1", "b.Person/1"));
    assert_eq!(world.value("a.Person/1", "phone"), json!("2"));
    assert_eq!(world.value("b.Person/1", "phone"), json!("2"));
}

#[test]
fn p2_clears_ignore_keeps_the_other_side() {
    let mut one =
        flow("a.Person", "b.Person", Create::Never, &["mail = email"], &["phone <-> phone"]);
    one.properties[0].clears = false;
    let mut world = World::people(&[one]);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "phone": "1"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "phone": "1"}));
    world.settle();
    world.read("a.Person/1", json!({"phone": ""}));
    assert_eq!(world.settle(), 0);
}

#[test]
fn p3_equality_is_judged_in_the_targets_type() {
    let one = flow("a.Person", "b.Person", Create::Never, &["mail = email"], &["age <-> age"]);
    let age = |ty| vec![PropertySchema::new("age", ty)];
    let mut world = World::new(
        &[one],
        &schemas(&[("a.Person", age(PlainType::String)), ("b.Person", age(PlainType::Integer))]),
    );
    world.read("a.Person/1", json!({"mail": "ada@example.com", "age": "42"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "age": 42}));
    assert_eq!(world.settle(), 0);
    world.read("b.Person/1", json!({"age": 43}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "age"), json!("43"));
    // What can't be converted waits for a person and says what it is; the rest goes on.
    world.read("a.Person/1", json!({"age": "about forty"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.reviews[0].kind, ReviewKind::Unconvertible);
    assert!(
        words(&world.reviews[0].why).contains("about forty"),
        "{}",
        words(&world.reviews[0].why)
    );
}

#[test]
fn p4_all_that_differs_goes_in_one_write() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada Berg", "phone": "9"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.intents.last().unwrap().changes.len(), 2);
}

#[test]
fn p5_an_echo_is_no_edit_whatever_the_system_made_of_it() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "+47 22 33 44 55"}));
    assert_eq!(world.settle(), 1);
    let id = world.record("b.Person/1").id;
    world.records.get_mut(&id).unwrap().version = Some("7".into());
    // The system reformatted it; the version is the one that our write made.
    world.read_as("b.Person/1", json!({"phone": "22334455"}), Some("7"), None);
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.value("a.Person/1", "phone"), json!("+47 22 33 44 55"));
}

#[test]
fn p5a_a_read_older_than_our_own_write_is_no_edit() {
    let mut world = linked_pair();
    let before = world.now;
    world.read("a.Person/1", json!({"phone": "2"}));
    assert_eq!(world.settle(), 1);
    // A list that lags, as the system says that it may, still shows what was there before.
    let b = world.ty("b.Person");
    world.plan.types[b.at()].settles_ms = 1_000;
    world.read_as("b.Person/1", json!({"phone": "1"}), None, Some(before));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.value("a.Person/1", "phone"), json!("2"));
    // After that it is what somebody has put back.
    world.now += 2_000;
    world.read_as("b.Person/1", json!({"phone": "1"}), None, Some(before));
    assert_eq!(world.settle_all(), 1);
    assert_eq!(world.value("a.Person/1", "phone"), json!("1"));
}

#[test]
fn p5a_p1b_what_differs_from_our_own_write_is_an_edit_whatever_time_it_names() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "2"}));
    assert_eq!(world.settle(), 1);
    // A spreadsheet whose column nobody updates: it was edited after our write all the same.
    world.now += 10;
    world.read_as("b.Person/1", json!({"phone": "3"}), None, Some(5));
    assert_eq!(world.settle_all(), 1);
    assert_eq!(
        (world.value("a.Person/1", "phone"), world.value("b.Person/1", "phone")),
        (json!("3"), json!("3"))
    );
}

#[test]
fn r6_what_shows_as_before_our_write_was_not_kept_and_is_no_edit() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    world.deliver_untold();
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada", "phone": "1"}));
    assert_eq!(world.settle_all(), 0, "it is neither passed on nor written again");
    assert_eq!(
        world.reviews.iter().map(|review| review.kind).collect::<Vec<_>>(),
        [ReviewKind::NotKept]
    );
    assert_eq!(world.value("a.Person/1", "phone"), json!("2"));
    // Another value is another try.
    world.read("a.Person/1", json!({"phone": "3"}));
    assert_eq!(world.settle_all(), 1);
    assert_eq!(world.value("b.Person/1", "phone"), json!("3"));
    assert_eq!(world.reviews, []);
}

#[test]
fn p5a_the_version_from_before_a_write_that_told_nothing_does_not_make_a_read_fresh() {
    let mut world = linked_pair();
    let (id, b) = (world.record("b.Person/1").id, world.ty("b.Person"));
    world.plan.types[b.at()].settles_ms = 1_000;
    world.records.get_mut(&id).unwrap().version = Some("7".into());
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    world.deliver_untold();
    world.read_as("b.Person/1", json!({"phone": "1"}), Some("7"), None);
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.reviews, [], "a state from before the write shows nothing of what was kept");
    world.now += 2_000;
    world.read_as("b.Person/1", json!({"phone": "2"}), Some("8"), None);
    assert_eq!(world.settle_all(), 0);
    assert_eq!((world.reviews.len(), world.value("a.Person/1", "phone")), (0, json!("2")));
}

#[test]
fn p5_an_edit_made_while_lockstep_wrote_something_else_is_one_though_it_shows_in_the_version_of_that_write()
 {
    let mut world = linked_pair();
    let b = world.record("b.Person/1").id;
    world.records.get_mut(&b).unwrap().version = Some("1".into());
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    // Somebody edits the name before the system answers, and the answer shows all of the record.
    let intent = world.intents.last().unwrap().clone();
    let (name, phone) = (world.prop(intent.ty, "name"), world.prop(intent.ty, "phone"));
    let mut values = vec![None; world.plan.ty(intent.ty).props.len()];
    (values[name.at()], values[phone.at()]) = (Some(json!("Ada Berg")), Some(json!("2")));
    let answer = ReadRecord {
        id: "1".into(),
        version: Some("3".into()),
        modified: None,
        deleted: false,
        values,
    };
    let (sent, now) = ([(phone.at(), json!("2"))], Timestamp(world.now + 1));
    world.now += 2;
    let mut state = world.records[&b].clone();
    confirm::written(&world.plan, &mut state, &intent, answer, &sent, now);
    world.records.insert(b, state);
    world.intents.last_mut().unwrap().state = IntentState::Done;
    world.read_as(
        "b.Person/1",
        json!({"email": "ada@example.com", "name": "Ada Berg", "phone": "2"}),
        Some("3"),
        None,
    );
    world.settle_all();
    assert_eq!(world.value("a.Person/1", "name"), json!("Ada Berg"), "an edit is lost");
    assert_eq!(world.value("a.Person/1", "phone"), json!("2"));
}

#[test]
fn p3_blanks_that_a_system_took_out_are_no_edit_though_somebody_has_edited_something_else() {
    let mut world = linked_pair();
    let id = world.record("b.Person/1").id;
    world.read("a.Person/1", json!({"phone": "2 "}));
    world.decide();
    world.deliver_untold();
    let state = world.records.get_mut(&id).unwrap();
    (state.version, state.modified) = (Some("7".into()), Some(Timestamp(1)));
    let now = world.now;
    world.read_as("b.Person/1", json!({"phone": "2", "name": "Ada Berg"}), Some("8"), Some(now));
    assert_eq!(world.settle_all(), 1, "the name goes to a");
    assert_eq!(
        (world.value("a.Person/1", "phone"), world.value("a.Person/1", "name")),
        (json!("2 "), json!("Ada Berg"))
    );
}

#[test]
fn g4_a_write_that_met_another_version_is_decided_anew_and_keeps_count_of_its_tries() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    world.intents.last_mut().unwrap().attempts = 2;
    let (one, other) = (world.record("a.Person/1").id, world.record("b.Person/1").id);
    world.records.get_mut(&other).unwrap().version = Some("9".into());
    world.agenda.insert(one);
    world.decide();
    let now = world.intents.last().unwrap();
    assert_eq!((now.attempts, now.version().map(String::as_str)), (2, Some("9")));
    assert_eq!(
        world.intents.iter().filter(|intent| intent.state == IntentState::Queued).count(),
        1
    );
}

#[test]
fn g4_a_write_that_fails_keeps_its_tries_while_a_value_that_fails_is_among_its_own() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    let waits = Timestamp(world.now + 60_000);
    let failed = world.intents.last_mut().unwrap();
    (failed.attempts, failed.not_before) = (3, Some(waits));
    let due = |world: &World| {
        let intent =
            world.intents.iter().rfind(|intent| intent.state == IntentState::Queued).unwrap();
        (intent.changes.len(), intent.attempts, intent.not_before)
    };
    world.read("a.Person/1", json!({"phone": "2", "name": "Ada Berg"}));
    world.decide();
    assert_eq!(due(&world), (2, 3, Some(waits)), "the phone still fails");
    world.read("a.Person/1", json!({"phone": "2", "name": "Ada"}));
    world.decide();
    assert_eq!(due(&world), (1, 3, Some(waits)), "what was decided meanwhile was never sent");
    // Other values in place of all that failed may be what mends it.
    world.read("a.Person/1", json!({"phone": "3"}));
    world.decide();
    assert_eq!(due(&world), (1, 0, None));
}

#[test]
fn p5a_what_was_asked_for_before_our_own_write_is_no_edit_however_late_it_is_looked_at() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "2"}));
    // The system was asked for its list, then it was written to, then the list was looked at;
    // nothing else tells which came first.
    let asked = world.now;
    world.now += 10;
    assert_eq!(world.settle(), 1);
    world.now += 10;
    world.read_asked("b.Person/1", json!({"phone": "1"}), asked);
    assert_eq!(world.settle_all(), 0);
    assert_eq!(
        (world.value("a.Person/1", "phone"), world.value("b.Person/1", "phone")),
        (json!("2"), json!("2"))
    );
    // Asked for after the write, the same is what somebody put back.
    world.read_asked("b.Person/1", json!({"phone": "1"}), world.now);
    assert_eq!(world.settle_all(), 1);
    assert_eq!(world.value("a.Person/1", "phone"), json!("1"));
}

#[test]
fn p10_read_only_properties_are_read_and_never_written() {
    let one = flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["mail <-> email", "name <-> full"],
    );
    let full = PropertySchema { read_only: true, ..PropertySchema::new("full", PlainType::String) };
    let mut world = World::new(&[one], &schemas(&[("a.Person", vec![]), ("b.Person", vec![full])]));
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada"}));
    world.settle();
    assert!(
        world.intents[0].changes.iter().all(|c| c.prop != world.prop(world.ty("b.Person"), "full"))
    );
    world.read("b.Person/new2", json!({"email": "ada@example.com", "full": "Ada Berg"}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "name"), json!("Ada Berg"));
    world.read("a.Person/1", json!({"name": "Ada"}));
    assert_eq!(world.settle(), 0);
}

#[test]
fn c1_a_created_record_is_complete_and_created_once() {
    let mut world = people();
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada", "phone": ""}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.count("b.Person"), 1);
    assert_eq!(world.value("b.Person/new2", "email"), json!("ada@example.com"));
    assert_eq!(world.intents[0].changes.len(), 2, "what has no value is not sent");
    assert_eq!(world.settle_all(), 0);
    assert!(world.linked("a.Person/1", "b.Person/new2"), "L4: linked by that alone");
}

#[test]
fn c3_a_flow_that_synchronizes_nothing_creates_nothing() {
    let mut world =
        World::people(&[flow("a.Person", "b.Person", Create::Always, &["mail = email"], &[])]);
    world.read("a.Person/1", json!({"mail": "ada@example.com"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.situation("1", "b.Person"), Situation::Excluded);
    assert!(world.why("1", "b.Person").contains("C3"));
}

#[test]
fn c4_a_record_that_lacks_what_the_target_requires_waits() {
    let one = flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["mail <-> email", "name <-> name"],
    );
    let name = PropertySchema { required: true, ..PropertySchema::new("name", PlainType::String) };
    let mut world = World::new(&[one], &schemas(&[("a.Person", vec![]), ("b.Person", vec![name])]));
    world.read("a.Person/1", json!({"mail": "ada@example.com"}));
    assert_eq!(world.settle(), 0);
    assert!(world.why("1", "b.Person").contains("requires name"), "{}", world.why("1", "b.Person"));
    world.read("a.Person/1", json!({"name": "Ada"}));
    assert_eq!(world.settle(), 1);
}

#[test]
fn l8_nothing_is_created_before_both_sides_are_read_nor_for_what_is_newer() {
    let mut world = people();
    let b = world.ty("b.Person");
    world.through[b.at()].complete = false;
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada"}));
    world.decide();
    assert!(world.intents.is_empty());
    world.through[b.at()].complete = true;
    world.through[b.at()].from = Some(Timestamp(0));
    world.agenda.insert(world.record("a.Person/1").id);
    world.decide();
    assert!(world.intents.is_empty());
    assert_eq!(world.last.as_ref().unwrap().reread.iter().copied().collect::<Vec<_>>(), [b]);
    world.through[b.at()].from = Some(Timestamp(world.now));
    assert_eq!(world.settle_all(), 1);
}

#[test]
fn a_condition_creates_only_what_satisfies_it_and_unqualified_stops_being_kept() {
    let filter = Filter { expression: "active == true".into(), reads: vec!["active".into()] };
    let when = Create::When { condition: "When it is active".into(), filter: Some(filter) };
    let mut world = World::people(&[flow("a.Person", "b.Person", when, &[], &["name <-> name"])]);
    world.read("a.Person/1", json!({"name": "Ada", "active": true}));
    world.read("a.Person/2", json!({"name": "Bo", "active": false}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.situation("2", "b.Person"), Situation::Excluded);
    world.read("a.Person/1", json!({"name": "Ada Berg", "active": false}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.situation("1", "b.Person"), Situation::Unqualified);
    let without = Create::When { condition: "When it is active".into(), filter: None };
    let mut world =
        World::people(&[flow("a.Person", "b.Person", without, &[], &["name <-> name"])]);
    world.read("a.Person/1", json!({"name": "Ada"}));
    assert_eq!(world.settle(), 0);
    assert!(world.why("1", "b.Person").contains("no filter"));
}

/// People belong to companies, tickets belong to people: as in the document from SuperOffice to
/// Zendesk.
fn helpdesk() -> World {
    let flows = [
        flow(
            "a.Person",
            "z.User",
            Create::ConnectedTo(vec![TypeName::new("a", "Ticket")]),
            &["mail = email"],
            &["company <-> organization_id", "mail <-> email"],
        ),
        flow("a.Company", "z.Organization", Create::Always, &[], &["name <-> name"]),
        flow(
            "a.Ticket",
            "z.Ticket",
            Create::Always,
            &[],
            &["person <-> requester_id", "title <-> subject"],
        ),
    ];
    World::new(
        &flows,
        &schemas(&[
            ("a.Person", vec![reference("company", "Company")]),
            ("a.Company", vec![]),
            ("a.Ticket", vec![reference("person", "Person")]),
            ("z.User", vec![reference("organization_id", "Organization")]),
            ("z.Organization", vec![]),
            ("z.Ticket", vec![reference("requester_id", "User")]),
        ]),
    )
}

#[test]
fn c5_p8_a_person_is_created_once_a_ticket_of_theirs_goes_there_and_everything_refers_rightly() {
    let mut world = helpdesk();
    world.read("a.Company/7", json!({"name": "Fjell AS"}));
    world.read("a.Person/1", json!({"mail": "ada@example.com", "company": 7}));
    world.read("a.Person/2", json!({"mail": "bo@example.com", "company": 7}));
    world.settle();
    assert_eq!(world.count("z.User"), 0, "no ticket yet");
    assert_eq!(world.count("z.Organization"), 1);
    assert!(world.why("1", "z.User").contains("not connected to a a.Ticket"));
    world.read("a.Ticket/5", json!({"title": "It does not start", "person": 1}));
    world.settle();
    assert_eq!(world.count("z.User"), 1, "only the ticket's person");
    let user = world.records.values().find(|r| r.ty == world.ty("z.User")).unwrap().key.clone();
    let ticket = world.records.values().find(|r| r.ty == world.ty("z.Ticket")).unwrap().key.clone();
    let organization =
        world.records.values().find(|r| r.ty == world.ty("z.Organization")).unwrap().key.clone();
    assert_eq!(world.value(&format!("z.Ticket/{ticket}"), "requester_id"), json!(user));
    assert_eq!(world.value(&format!("z.User/{user}"), "organization_id"), json!(organization));
    // In one write each: what is referred to was created first.
    assert_eq!(world.intents.iter().filter(|i| i.state == IntentState::Done).count(), 3);
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p8_a_reference_waits_for_its_counterpart_and_the_rest_does_not() {
    let mut world = helpdesk();
    world.read("a.Person/1", json!({"mail": "ada@example.com", "company": 7}));
    world.read("a.Ticket/5", json!({"title": "It does not start", "person": 1}));
    world.settle();
    let user = world.records.values().find(|r| r.ty == world.ty("z.User")).unwrap().key.clone();
    assert_eq!(world.value(&format!("z.User/{user}"), "organization_id"), json!(null));
    world.read("a.Company/7", json!({"name": "Fjell AS"}));
    world.settle();
    let organization =
        world.records.values().find(|r| r.ty == world.ty("z.Organization")).unwrap().key.clone();
    assert_eq!(world.value(&format!("z.User/{user}"), "organization_id"), json!(organization));
}

#[test]
fn p8_a_reference_is_translated_back() {
    let mut world = helpdesk();
    world.read("a.Company/7", json!({"name": "Fjell AS"}));
    world.read("a.Company/8", json!({"name": "Dal AS"}));
    world.read("a.Person/1", json!({"mail": "ada@example.com", "company": 7}));
    world.read("z.User/u1", json!({"email": "ada@example.com"}));
    world.settle();
    let entity = world.record("a.Company/8").entity;
    let other = world
        .records
        .values()
        .find(|r| r.ty == world.ty("z.Organization") && r.entity == entity)
        .unwrap()
        .key
        .clone();
    world.read("z.User/u1", json!({"email": "ada@example.com", "organization_id": other}));
    world.settle();
    assert_eq!(world.value("a.Person/1", "company"), json!(8), "a number, as it was before (R7)");
}

#[test]
fn values_travel_on_where_nothing_is_paired_directly() {
    // P0: a to b to c, as PowerOffice to Wix to CRMOffice; each created from the one before.
    let mut world = World::people(&[
        flow("a.Person", "b.Person", Create::Always, &[], &["name <-> name", "phone <-> phone"]),
        flow("b.Person", "c.Person", Create::Always, &[], &["name <-> name"]),
    ]);
    world.read("a.Person/1", json!({"name": "Ada", "phone": "1"}));
    assert_eq!(world.settle(), 2);
    let c = world.records.values().find(|r| r.ty == world.ty("c.Person")).unwrap().key.clone();
    assert_eq!(world.value(&format!("c.Person/{c}"), "name"), json!("Ada"));
    world.read(&format!("c.Person/{c}"), json!({"name": "Ada Berg"}));
    assert_eq!(world.settle(), 2);
    assert_eq!(world.value("a.Person/1", "name"), json!("Ada Berg"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn g4_what_was_refused_is_not_sent_again_until_it_changes_and_the_rest_is() {
    let mut world = linked_pair();
    let b = world.record("b.Person/1").clone();
    let phone = world.prop(b.ty, "phone");
    world.reviews.push(Review {
        kind: ReviewKind::RejectedValue,
        about: b.id.into(),
        ty: b.ty,
        prop: Some(phone),
        rule: Rule::G4,
        candidates: vec![],
        value: json!("way too long"),
        why: lockstep_model::Why::said("phone is too long"),
        opened_at: Timestamp(0),
    });
    world.read("a.Person/1", json!({"phone": "way too long", "name": "Ada Berg"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "name"), json!("Ada Berg"));
    assert_eq!(world.value("b.Person/1", "phone"), json!("1"));
    assert_eq!(world.reviews.len(), 1, "it stays open");
    world.read("a.Person/1", json!({"phone": "2"}));
    assert_eq!(world.settle(), 1);
    assert!(world.reviews.is_empty(), "settled by a value that was taken");
}

#[test]
fn g5_a_decision_stays_until_it_is_confirmed_and_a_newer_one_takes_its_place() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    assert_eq!(world.intents.len(), 1);
    // Not delivered. Deciding again leaves it alone.
    world.agenda.insert(world.record("a.Person/1").id);
    world.decide();
    assert_eq!(world.intents.len(), 1);
    world.read("a.Person/1", json!({"phone": "3"}));
    world.decide();
    let states: Vec<_> =
        world.intents.iter().map(|i| (i.state, i.changes[0].value.clone())).collect();
    assert_eq!(states, [(IntentState::Dropped, json!("2")), (IntentState::Queued, json!("3"))]);
    // Edited back before it was sent: nothing to do any more.
    world.read("a.Person/1", json!({"phone": "1"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.intents[1].state, IntentState::Dropped);
}

/// A person with two addresses, of which the second is how somebody else knows them.
fn found_by_the_second_address(user_is_later: bool) -> World {
    let mut world = people();
    let (first, second) = if user_is_later { (500, 600) } else { (600, 500) };
    world.read_as(
        "a.Person/1",
        json!({"mail": ["post@example.com", "solveig@example.com"]}),
        None,
        Some(first),
    );
    world.read_as("b.Person/1", json!({"email": "solveig@example.com"}), None, Some(second));
    world
}

#[test]
fn p9_l3_what_was_found_by_an_element_of_a_list_is_kept_equal_by_that_element() {
    for user_is_later in [true, false] {
        let mut world = found_by_the_second_address(user_is_later);
        assert_eq!(world.settle(), 0, "neither address is written over the other");
        assert_eq!(world.settle_all(), 0);

        world.read("b.Person/1", json!({"email": "solveig.berg@example.com"}));
        assert_eq!(world.settle(), 1);
        assert_eq!(
            world.shown("a.Person/1", "mail"),
            json!(["post@example.com", "solveig.berg@example.com"])
        );

        world.read("a.Person/1", json!({"mail": ["post@example.com", "berg@example.com"]}));
        assert_eq!(world.settle(), 1);
        assert_eq!(world.value("b.Person/1", "email"), json!("berg@example.com"));

        world.read("a.Person/1", json!({"mail": ["kontor@example.com", "berg@example.com"]}));
        assert_eq!(world.settle(), 0, "the other address is nobody else's");
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p9_the_first_stands_in_for_an_element_that_was_removed() {
    let mut world = found_by_the_second_address(true);
    world.settle();
    world.read("a.Person/1", json!({"mail": ["post@example.com"]}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "email"), json!("post@example.com"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p9_a_value_that_the_list_holds_already_is_not_written_into_it_again() {
    let mut world = people();
    world.read(
        "a.Person/1",
        json!({"mail": ["ada@example.com", "post@example.com"], "name": "Ada"}),
    );
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada"}));
    assert_eq!(world.settle(), 0);
    world.read("b.Person/1", json!({"email": "post@example.com"}));
    assert_eq!(world.settle(), 0, "both addresses are there already");
    world.read("b.Person/1", json!({"email": "new@example.com"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.shown("a.Person/1", "mail"), json!(["ada@example.com", "new@example.com"]));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p9_two_lists_meet_at_the_element_that_both_have() {
    for order in [["a", "b"], ["b", "a"]] {
        let mut world = people();
        for system in order {
            match system {
                "a" => world.read(
                    "a.Person/1",
                    json!({"mail": ["post@example.com", "Liv@example.com", "x@example.com"]}),
                ),
                _ => world.read(
                    "b.Person/1",
                    json!({"email": ["office@example.com", "liv@example.com"]}),
                ),
            };
        }
        world.settle();
        assert_eq!(world.settle_all(), 0);
        let (a, b) = (world.shown("a.Person/1", "mail"), world.shown("b.Person/1", "email"));
        assert_eq!(
            (&a[0], &b[0]),
            (&json!("post@example.com"), &json!("office@example.com")),
            "{a} {b}"
        );
        assert_eq!(
            (&a[1], &b[1]),
            (&json!("Liv@example.com"), &json!("liv@example.com")),
            "one address in two forms (R7)"
        );
    }
}

#[test]
fn c2_two_that_would_meet_in_a_third_system_get_one_counterpart_there() {
    // Nobody links `b` and `c`; both have the person whom `a` lacks.
    let create = |from: &str| {
        flow(
            from,
            "a.Person",
            Create::Always,
            &["mail = mail"],
            &["mail <-> mail", "name <-> name"],
        )
    };
    let mut world = World::people(&[create("b.Person"), create("c.Person")]);
    world.read("b.Person/1", json!({"mail": "Ada@example.com", "name": "Ada"}));
    world.read("c.Person/1", json!({"mail": "ada@example.com", "name": "Ada Berg"}));
    world.read("c.Person/2", json!({"mail": "liv@example.com", "name": "Liv"}));
    world.settle();
    assert_eq!(world.count("a.Person"), 2);
    world.settle_all();
    assert_eq!(world.count("a.Person"), 2);
    assert!(world.linked("b.Person/1", "c.Person/1"), "both are linked with the one that was made");
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p3_what_a_system_made_of_an_unanswered_value_is_no_edit_and_the_same_value_is_not_given_again() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"name": "Ada  Berg "}));
    world.decide();
    world.deliver_untold();
    // The first that is seen of it afterwards, as it was since the write: in other letters, and
    // trimmed.
    let written = world.record("b.Person/1").modified.map(|at| at.0);
    world.read_as(
        "b.Person/1",
        json!({"email": "ada@example.com", "name": "ADA BERG", "phone": "1"}),
        None,
        written,
    );
    assert_eq!(world.settle(), 0);
    // Somebody else claims the very value that it was given.
    world.read("a.Person/1", json!({"name": "Ada"}));
    world.read("a.Person/1", json!({"name": "Ada  Berg "}));
    assert_eq!(world.settle(), 0);
    // What a person makes of it is an edit.
    world.read("b.Person/1", json!({"name": "Ada Bergh"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "name"), json!("Ada Bergh"));
}

#[test]
fn p1_two_edits_that_no_clock_tells_apart_are_two() {
    let mut world = linked_pair();
    world.read_as(
        "a.Person/1",
        json!({"mail": "ada@example.com", "name": "Ada", "phone": "2"}),
        Some("2"),
        None,
    );
    assert_eq!(world.settle(), 1);
    // Seen in the same run, whose beginning counts as the time of both.
    world.now -= 1;
    world.read_as(
        "a.Person/1",
        json!({"mail": "ada@example.com", "name": "Ada", "phone": "3"}),
        Some("3"),
        None,
    );
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "phone"), json!("3"));
}

#[test]
fn d1_who_takes_the_place_of_a_record_that_is_gone_gets_what_was_put_in_there() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"name": "Ada Berg"}));
    assert_eq!(world.settle(), 1);
    world.read_deleted("a.Person/1");
    world.settle();
    // Somebody types her in again, and knows less.
    world.read("a.Person/2", json!({"mail": "ada@example.com"}));
    world.settle();
    assert!(world.linked("a.Person/2", "b.Person/1"));
    assert_eq!(world.value("a.Person/2", "name"), json!("Ada Berg"));
    assert_eq!(world.value("b.Person/1", "name"), json!("Ada Berg"));
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p1b_an_edit_was_made_since_the_last_reading_whatever_the_systems_clock_says() {
    let mut world = linked_pair();
    world.read("a.Person/1", json!({"phone": "2"}));
    // Read again later, by a system whose clock is hours behind: its edit can't be older than the
    // reading before this one.
    world.previous = Some(world.now + 1);
    world.now += 10;
    let held = json!({"email": "ada@example.com", "name": "Ada", "phone": "3"});
    world.read_as("b.Person/1", held, None, Some(5));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "phone"), json!("3"));
    // Nor can it be made after this one.
    world.read_as(
        "b.Person/1",
        json!({"email": "ada@example.com", "name": "Ada", "phone": "4"}),
        None,
        Some(world.now + 9_000_000),
    );
    world.now += 10;
    world.previous = Some(world.now - 1);
    world.read_as(
        "a.Person/1",
        json!({"mail": "ada@example.com", "name": "Ada", "phone": "5"}),
        Some("9"),
        Some(world.now),
    );
    world.settle();
    assert_eq!(world.value("b.Person/1", "phone"), json!("5"));
}

fn list(path: &str) -> PropertySchema {
    PropertySchema { list: true, ..PropertySchema::new(path, PlainType::List) }
}

/// Elements of a list of objects, of which this path names one value each.
fn elements(path: &str) -> PropertySchema {
    PropertySchema { list: true, ..PropertySchema::new(path, PlainType::String) }
}

#[test]
fn r7_what_differs_only_in_form_is_not_rewritten_at_the_first_link_nor_later() {
    let rows = [
        "mail <-> email",
        "phone <-> tlf",
        "limit <-> amount",
        "since <-> since",
        "vip <-> vip",
        "web <-> url",
    ];
    let flows = [flow("a.Person", "b.Person", Create::Always, &["mail = email"], &rows)];
    let mut types = schemas(&[("a.Person", vec![]), ("b.Person", vec![])]);
    types
        .values_mut()
        .flatten()
        .for_each(|schema| schema.region = lockstep_model::Region::parse("NO"));
    let ours = json!({"mail": "ASE@Example.com", "phone": "+47 22 00 00 01", "limit": "12.50", "since": "2024-01-15T10:00:00Z",
        "vip": "true", "web": "https://Example.com/"});
    let theirs = json!({"email": "ase@example.com", "tlf": "22 00 00 01", "amount": 12.5, "since": "2024-01-15T11:00:00.000+01:00",
        "vip": true, "url": "https://example.com"});
    let mut world = World::new(&flows, &types);
    world.read("a.Person/1", ours);
    world.read("b.Person/1", theirs);
    assert_eq!(world.settle(), 0);
    assert!(world.linked("a.Person/1", "b.Person/1"));
    // Another form is no edit, and the other side's edit of long ago is not undone by it.
    world.read("b.Person/1", json!({"tlf": "22000002"}));
    world.read("a.Person/1", json!({"phone": "22 00 00 01"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("a.Person/1", "phone"), json!("22000002"));
    // A number stays a number.
    world.read("a.Person/1", json!({"limit": "13.10"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.value("b.Person/1", "amount").to_string(), "13.10");
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn p11_another_order_of_a_list_is_no_edit() {
    let flows = [flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["mail <-> email", "tags <-> tags"],
    )];
    for ordered in [false, true] {
        let list = |path| PropertySchema { ordered, ..list(path) };
        let mut world = World::new(
            &flows,
            &schemas(&[("a.Person", vec![list("tags")]), ("b.Person", vec![list("tags")])]),
        );
        world.read(
            "a.Person/1",
            json!({"mail": "ada@example.com", "tags": ["vip", "kunde", "oslo"]}),
        );
        world.read(
            "b.Person/1",
            json!({"email": "ada@example.com", "tags": ["oslo", "vip", "kunde"]}),
        );
        assert_eq!(world.settle(), usize::from(ordered), "at the first link");
        world.read("b.Person/1", json!({"tags": ["kunde", "oslo", "vip"]}));
        assert_eq!(world.settle(), usize::from(ordered));
        world.read("b.Person/1", json!({"tags": ["kunde", "oslo"]}));
        assert_eq!(world.settle(), 1, "one is gone");
        assert_eq!(world.shown("a.Person/1", "tags"), json!(["kunde", "oslo"]));
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p11_elements_in_another_order_move_nothing() {
    let flows =
        [flow("a.Person", "b.Person", Create::Never, &["mails = email"], &["mails <-> email"])];
    let mut world = World::new(
        &flows,
        &schemas(&[("a.Person", vec![elements("mails")]), ("b.Person", vec![])]),
    );
    world.read("a.Person/1", json!({"mails": ["ada@example.com", "post@example.com"]}));
    world.read("b.Person/1", json!({"email": "ada@example.com"}));
    assert_eq!(world.settle(), 0);
    for order in [["post@example.com", "ada@example.com"], ["ada@example.com", "post@example.com"]]
    {
        world.read("a.Person/1", json!({"mails": order}));
        assert_eq!(world.settle(), 0, "{order:?}");
    }
    world.read("b.Person/1", json!({"email": "new@example.com"}));
    assert_eq!(world.settle(), 1);
    assert_eq!(world.shown("a.Person/1", "mails"), json!(["new@example.com", "post@example.com"]));
}

#[test]
fn r6_a_list_that_shows_its_elements_in_another_order_has_not_kept_what_it_does_not_hold() {
    let flows =
        [flow("a.Person", "b.Person", Create::Never, &["mails = email"], &["mails <-> email"])];
    for told in [false, true] {
        let mut world = World::new(
            &flows,
            &schemas(&[("a.Person", vec![elements("mails")]), ("b.Person", vec![])]),
        );
        world.read("a.Person/1", json!({"mails": ["ada@example.com", "post@example.com"]}));
        world.read("b.Person/1", json!({"email": "ada@example.com"}));
        assert_eq!(world.settle(), 0);
        world.read("b.Person/1", json!({"email": "new@example.com"}));
        world.decide();
        let shown = json!(["post@example.com", "ada@example.com"]);
        if told {
            let id = world.record("a.Person/1").id;
            let intent = world.intents.last().unwrap().clone();
            let mails = world.prop(intent.ty, "mails");
            let mut values = vec![None; world.plan.ty(intent.ty).props.len()];
            values[mails.at()] = Some(shown.clone());
            let answer = ReadRecord {
                id: "1".into(),
                version: None,
                modified: None,
                deleted: false,
                values,
            };
            let sent = [(mails.at(), json!("new@example.com"))];
            let mut state = world.records[&id].clone();
            let now = Timestamp(world.now + 1);
            let not_kept = confirm::written(&world.plan, &mut state, &intent, answer, &sent, now);
            assert_eq!(not_kept, [mails]);
            assert_eq!(state.slots[mails.at()].value(false), &json!("ada@example.com"));
        } else {
            world.deliver_untold();
            world.read("a.Person/1", json!({"mails": shown}));
            assert_eq!(world.settle_all(), 0, "what it shows is no edit");
            assert_eq!(world.value("b.Person/1", "email"), json!("new@example.com"));
            let kinds: Vec<ReviewKind> = world.reviews.iter().map(|review| review.kind).collect();
            assert_eq!(kinds, [ReviewKind::NotKept]);
        }
    }
}

#[test]
fn p1_wins_compares_what_the_records_show_whoever_put_it_there() {
    let mut longest = flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &[]);
    let mut row = PropertyPair::equal(PropertyRef::new("note"), PropertyRef::new("note"));
    row.policy = Policy::Wins(Wins::Longest);
    longest.properties = vec![row];
    let mut world = World::new(&[longest], &schemas(&[("a.Person", vec![]), ("b.Person", vec![])]));
    world.read("a.Person/1", json!({"mail": "ada@example.com", "note": "abc"}));
    world.read("b.Person/1", json!({"mail": "ada@example.com", "note": "ab"}));
    world.settle_all();
    assert_eq!(world.value("b.Person/1", "note"), json!("abc"));
    world.read("a.Person/1", json!({"note": "a"}));
    world.settle_all();
    assert_eq!(
        (world.value("a.Person/1", "note"), world.value("b.Person/1", "note")),
        (json!("abc"), json!("abc")),
        "the longest that any of them shows"
    );
}

#[test]
fn p11_a_whole_list_stays_whole_in_a_property_of_which_nothing_is_known() {
    let flows = [flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["mail <-> email", "tags <-> tags"],
    )];
    let assumed =
        PropertySchema { assumed: true, ..PropertySchema::new("tags", PlainType::String) };
    for theirs in [vec![], vec![PropertySchema::new("tags", PlainType::Any)], vec![assumed]] {
        let mut world =
            World::new(&flows, &schemas(&[("a.Person", vec![list("tags")]), ("b.Person", theirs)]));
        world.read("a.Person/1", json!({"mail": "ada@example.com", "tags": ["vip", "kunde"]}));
        assert_eq!(world.settle(), 1);
        let made =
            world.records.values().find(|r| r.ty == world.ty("b.Person")).unwrap().key.clone();
        let made = format!("b.Person/{made}");
        assert_eq!(world.shown(&made, "tags"), json!(["vip", "kunde"]));
        world.read(&made, json!({"tags": ["vip", "kunde", "oslo"]}));
        assert_eq!(world.settle(), 1);
        assert_eq!(world.shown("a.Person/1", "tags"), json!(["vip", "kunde", "oslo"]));
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p9_at_the_first_link_a_single_value_is_added_and_later_it_takes_its_own_place() {
    let flows =
        [flow("a.Person", "b.Person", Create::Never, &["name = name"], &["mail <-> mails"])];
    for theirs in [elements("mails"), list("mails")] {
        let mut world =
            World::new(&flows, &schemas(&[("a.Person", vec![]), ("b.Person", vec![theirs])]));
        world.read(
            "b.Person/1",
            json!({"name": "Ada", "mails": ["office@example.com", "post@example.com"]}),
        );
        world.read("a.Person/1", json!({"name": "Ada", "mail": "ada@example.com"}));
        assert_eq!(world.settle(), 1);
        assert_eq!(
            world.shown("b.Person/1", "mails"),
            json!(["office@example.com", "post@example.com", "ada@example.com"])
        );
        world.read("a.Person/1", json!({"mail": "ada.lie@example.com"}));
        assert_eq!(world.settle(), 1);
        assert_eq!(
            world.shown("b.Person/1", "mails"),
            json!(["office@example.com", "post@example.com", "ada.lie@example.com"])
        );
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p9_an_edit_takes_the_place_of_what_it_displaced() {
    let flows =
        [flow("a.Person", "b.Person", Create::Never, &["mail = mails"], &["mail <-> mails"])];
    for theirs in [elements("mails"), list("mails")] {
        let mut world =
            World::new(&flows, &schemas(&[("a.Person", vec![]), ("b.Person", vec![theirs])]));
        world.read("b.Person/1", json!({"mails": ["office@example.com", "ada@example.com"]}));
        world.read("a.Person/1", json!({"mail": "ada@example.com"}));
        assert_eq!(world.settle(), 0, "it is there already");
        world.read("a.Person/1", json!({"mail": "lie@example.com"}));
        assert_eq!(world.settle(), 1);
        assert_eq!(
            world.shown("b.Person/1", "mails"),
            json!(["office@example.com", "lie@example.com"])
        );
        assert_eq!(world.settle_all(), 0);
    }
}

#[test]
fn p8_a_list_of_references_is_translated_one_by_one() {
    let of = |path: &str, to: &str| PropertySchema { list: true, ..reference(path, to) };
    let flows = [
        flow(
            "a.Team",
            "b.Group",
            Create::Always,
            &["name = name"],
            &["name <-> name", "members <-> people"],
        ),
        flow("a.Person", "b.User", Create::Always, &["mail = email"], &["mail <-> email"]),
    ];
    let mut types = schemas(&[
        ("a.Team", vec![of("members", "Person")]),
        ("a.Person", vec![]),
        ("b.Group", vec![of("people", "User")]),
        ("b.User", vec![]),
    ]);
    types.get_mut("b").unwrap()[1].numeric_ids = Some(true);
    let mut world = World::new(&flows, &types);
    world.read("b.User/11", json!({"email": "ada@example.com"}));
    world.read("b.User/12", json!({"email": "bo@example.com"}));
    world.read("b.User/99", json!({"email": "only@example.com"}));
    world.read("a.Person/p1", json!({"mail": "ada@example.com"}));
    world.read("a.Person/p2", json!({"mail": "bo@example.com"}));
    world.read("b.Group/g1", json!({"name": "Fjell", "people": [99]}));
    world.read("a.Team/t1", json!({"name": "Fjell", "members": ["p1", "p2", "p3"]}));
    world.settle();
    let people = world.shown("b.Group/g1", "people");
    for id in [11, 12, 99] {
        assert!(people.as_array().unwrap().contains(&json!(id)), "ids are numbers there: {people}");
    }
    assert_eq!(people.as_array().unwrap().len(), 3, "p3 is not known yet: {people}");
    world.read("b.User/13", json!({"email": "siv@example.com"}));
    world.read("a.Person/p3", json!({"mail": "siv@example.com"}));
    world.settle();
    let people = world.shown("b.Group/g1", "people");
    assert!(
        people.as_array().unwrap().contains(&json!(13)),
        "it is written when it is known: {people}"
    );
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn r7_an_id_has_the_json_type_that_the_other_system_uses() {
    let mut types = schemas(&[
        ("a.Person", vec![reference("company", "Company")]),
        ("a.Company", vec![]),
        ("z.User", vec![reference("organization", "Organization")]),
        ("z.Organization", vec![]),
    ]);
    types.get_mut("z").unwrap()[1].numeric_ids = Some(true);
    let flows = [
        flow(
            "a.Person",
            "z.User",
            Create::Always,
            &["mail = email"],
            &["mail <-> email", "company <-> organization"],
        ),
        flow("a.Company", "z.Organization", Create::Always, &["name = name"], &["name <-> name"]),
    ];
    let mut world = World::new(&flows, &types);
    world.read("a.Company/fjell", json!({"name": "Fjell AS"}));
    world.read("z.Organization/7", json!({"name": "Fjell AS"}));
    world.read("a.Person/1", json!({"mail": "ada@example.com", "company": "fjell"}));
    world.settle();
    let user = world.records.values().find(|r| r.ty == world.ty("z.User")).unwrap().key.clone();
    assert_eq!(world.value(&format!("z.User/{user}"), "organization"), json!(7));
}

#[test]
fn p3_capitals_that_a_system_made_are_no_edit_though_somebody_has_edited_something_else() {
    let mut world = linked_pair();
    let id = world.record("b.Person/1").id;
    world.read("a.Person/1", json!({"name": "Ada  Berg "}));
    world.decide();
    world.deliver_untold();
    let state = world.records.get_mut(&id).unwrap();
    (state.version, state.modified) = (Some("7".into()), Some(Timestamp(1)));
    let now = world.now;
    world.read_as("b.Person/1", json!({"name": "ADA BERG", "phone": "2"}), Some("8"), Some(now));
    assert_eq!(world.settle_all(), 1, "the number goes to a");
    assert_eq!(
        (world.value("a.Person/1", "name"), world.value("a.Person/1", "phone")),
        (json!("Ada  Berg "), json!("2"))
    );
}

#[test]
fn p5a_a_read_from_before_our_own_write_is_no_edit_though_the_systems_clock_was_set_back() {
    let mut world = linked_pair();
    let (b, ty, before) = (world.record("b.Person/1").id, world.ty("b.Person"), world.now);
    world.plan.types[ty.at()].settles_ms = 1_000;
    let state = world.records.get_mut(&b).unwrap();
    (state.version, state.modified) = (Some("1".into()), Some(Timestamp(before)));
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    // By its clock the system carries the write out earlier than somebody edited the record.
    let intent = world.intents.last().unwrap().clone();
    let phone = world.prop(ty, "phone");
    let mut values = vec![None; world.plan.ty(ty).props.len()];
    values[phone.at()] = Some(json!("2"));
    let modified = Some(Timestamp(before - 500));
    let answer =
        ReadRecord { id: "1".into(), version: Some("2".into()), modified, deleted: false, values };
    world.now += 1;
    let mut state = world.records[&b].clone();
    confirm::written(
        &world.plan,
        &mut state,
        &intent,
        answer,
        &[(phone.at(), json!("2"))],
        Timestamp(world.now),
    );
    world.records.insert(b, state);
    world.intents.last_mut().unwrap().state = IntentState::Done;
    world.now += 1;
    world.read_as(
        "b.Person/1",
        json!({"email": "ada@example.com", "name": "Ada", "phone": "1"}),
        Some("1"),
        Some(before),
    );
    assert_eq!(world.settle_all(), 0, "a state from before the write is taken for an edit");
    assert_eq!(
        (world.value("a.Person/1", "phone"), world.value("b.Person/1", "phone")),
        (json!("2"), json!("2"))
    );
}

#[test]
fn r6_what_shows_as_the_system_had_stored_the_write_before_was_not_kept() {
    let mut world = linked_pair();
    for name in ["Ada Lie ", "Ada Moe"] {
        world.read("a.Person/1", json!({"name": name}));
        world.decide();
        world.deliver_untold();
    }
    // The second was acknowledged and not done; what the system made of the first has not been seen
    // before.
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada Lie", "phone": "1"}));
    assert_eq!(world.settle_all(), 0);
    assert_eq!(
        world.reviews.iter().map(|review| review.kind).collect::<Vec<_>>(),
        [ReviewKind::NotKept]
    );
    assert_eq!(world.value("a.Person/1", "name"), json!("Ada Moe"));
}

#[test]
fn p6_what_nothing_has_shown_since_our_own_write_is_looked_at_before_it_is_written_to() {
    let mut world = World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["email = email"],
        &["email <-> email", "phone <-> phone"],
    )]);
    world.read("a.Person/1", json!({"email": "ada@example.com", "phone": "1"}));
    world.decide();
    world.deliver_untold();
    world.read("a.Person/1", json!({"phone": "2"}));
    world.decide();
    let looks = |world: &World| world.intents.last().unwrap().looks_first();
    assert!(looks(&world), "{:?}", world.intents);
    assert_eq!(world.intents.last().unwrap().version(), None);
    world.intents.retain(|intent| !intent.state.is_open());
    // Once it has been seen it is written to as ever.
    let key =
        world.records.values().find(|record| record.key.starts_with("new")).unwrap().key.clone();
    world.read(&format!("b.Person/{key}"), json!({"email": "ada@example.com", "phone": "1"}));
    world.agenda.extend(world.records.keys().copied().collect::<Vec<_>>());
    world.decide();
    assert!(!looks(&world), "{:?}", world.intents);
}

#[test]
fn p9_a_row_that_joins_a_list_takes_all_of_it_from_records_that_are_known_already() {
    let mails = PropertySchema { list: true, ..PropertySchema::new("mails", PlainType::String) };
    let all = schemas(&[("a.Person", vec![mails]), ("b.Person", vec![])]);
    let person =
        json!({"mail": "liv@example.com", "mails": ["liv@example.com", "post@example.com"]});
    let with = |row: &str| {
        flow("a.Person", "b.Person", Create::Always, &["mail = mail"], &["mail <-> mail", row])
    };
    let mut world = World::new(&[with("mails -> email")], &all);
    world.read("a.Person/1", person.clone());
    assert_eq!(world.settle(), 1);
    let made = world.intents.iter().find_map(|intent| intent.record).unwrap();
    let b = format!("b.Person/{}", world.records[&made].key);
    assert_eq!(world.value(&b, "email"), json!("liv@example.com"));
    let mut joined = with("mails -> email");
    joined.properties[1].conversion =
        Some(Conversion::parse(&json!(["join", "; ", "_."])).unwrap());
    let before = world.plan.ty(world.ty("a.Person")).fingerprint;
    world.reflow(&[joined], &all);
    assert_ne!(world.plan.ty(world.ty("a.Person")).fingerprint, before, "it is read anew");
    world.reindexes = true;
    world.read("a.Person/1", person);
    world.settle();
    assert_eq!(world.value(&b, "email"), json!("liv@example.com; post@example.com"));
    assert_eq!(world.settle_all(), 0);
}
