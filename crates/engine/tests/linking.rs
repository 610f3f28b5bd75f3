//! L1 to L9: which records stand for the same thing.

use crate::kit;

use crate::kit::{World, flow, schemas};
use lockstep_model::flow::Create;
use lockstep_model::matching::Placeholders;
use lockstep_model::why::Linking;
use lockstep_model::{Flow, Kind, Region, Review, ReviewKind, Situation, Why};
use serde_json::json;

fn by_mail() -> World {
    World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Never,
        &["mail = email"],
        &["name <-> name"],
    )])
}

#[test]
fn l1_rows_are_alternatives_and_a_row_of_several_pairs_needs_all() {
    let rows = ["mail = email", "first = first & born = born"];
    let mut world = World::people(&[flow("a.Person", "b.Person", Create::Never, &rows, &[])]);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "first": "Ada", "born": "1990"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "first": "A."}));
    world.read("a.Person/2", json!({"mail": "x@example.com", "first": "Bo", "born": "1980"}));
    world.read("b.Person/2", json!({"first": "bo", "born": "1980"}));
    world.read("a.Person/3", json!({"first": "Eli", "born": "1970"}));
    world.read("b.Person/3", json!({"first": "Eli", "born": "1971"}));
    world.decide();
    assert!(world.linked("a.Person/1", "b.Person/1"), "by the first row");
    assert!(world.linked("a.Person/2", "b.Person/2"), "by the second row");
    assert!(!world.linked("a.Person/3", "b.Person/3"), "one pair of the second row differs");
    assert_eq!(world.situation("1", "b.Person"), Situation::Found);
    assert_eq!(world.situation("3", "b.Person"), Situation::Absent);
}

#[test]
fn l2_values_are_normalised_and_empty_never_matches() {
    let mut world = by_mail();
    world.read("a.Person/1", json!({"mail": " ÅSE@Example.NO"}));
    world.read("b.Person/1", json!({"email": "åse@example.no"}));
    world.read("a.Person/2", json!({"mail": ""}));
    world.read("b.Person/2", json!({"email": "  "}));
    world.decide();
    assert!(world.linked("a.Person/1", "b.Person/1"));
    assert!(!world.linked("a.Person/2", "b.Person/2"));
}

#[test]
fn l3_a_path_through_a_list_matches_when_any_element_does() {
    let mut world = World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Never,
        &["mails.value = email"],
        &[],
    )]);
    world.read(
        "a.Person/1",
        json!({"mails": [{"value": "work@example.com"}, {"value": "home@example.com"}]}),
    );
    world.read("b.Person/1", json!({"email": "home@example.com"}));
    world.decide();
    assert!(world.linked("a.Person/1", "b.Person/1"));
}

#[test]
fn l4_a_link_stays_when_its_match_values_later_differ() {
    let mut world = by_mail();
    world.read("a.Person/1", json!({"mail": "ada@example.com"}));
    world.read("b.Person/1", json!({"email": "ada@example.com"}));
    world.decide();
    world.read("a.Person/1", json!({"mail": "new@example.com"}));
    // Somebody else with the new address does not take the link away.
    world.read("b.Person/2", json!({"email": "new@example.com"}));
    world.settle_all();
    assert!(world.linked("a.Person/1", "b.Person/1"));
    assert!(!world.linked("a.Person/1", "b.Person/2"));
}

#[test]
fn who_has_just_been_linked_is_decided_on_with_it() {
    let mut world = World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["mail <-> email", "name <-> name"],
    )]);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada"}));
    world.read("b.Person/1", json!({"email": "ada@example.com"}));
    world.read("b.Person/2", json!({"email": "bo@example.com", "name": "Bo"}));
    let [a, b] = ["a.Person/1", "b.Person/1"].map(|name| world.record(name).id);
    world.agenda.remove(&a);
    world.decide_on(vec![a]);
    assert!(world.linked("a.Person/1", "b.Person/1"));
    assert_eq!(world.intents.len(), 1, "the name");
    assert!(!world.agenda.contains(&b), "it needs no turn of its own");
    assert!(
        world.agenda.contains(&world.record("b.Person/2").id),
        "who is in no entity that was decided on still waits"
    );
}

#[test]
fn l5_linking_is_transitive() {
    let mut world = World::people(&[
        flow("a.Person", "b.Person", Create::Never, &["mail = email"], &[]),
        flow("b.Person", "c.Person", Create::Never, &["phone = phone"], &[]),
    ]);
    world.read("a.Person/1", json!({"mail": "ada@example.com"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "phone": "22334455"}));
    world.read("c.Person/1", json!({"phone": "22 33 44 55"}));
    world.decide();
    assert!(world.linked("a.Person/1", "c.Person/1"));
}

#[test]
fn l6_what_fits_several_candidates_goes_to_review_and_nothing_is_written() {
    let mut world = World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["name <-> name"],
    )]);
    world.read("a.Person/1", json!({"mail": "info@example.com", "name": "Ada"}));
    world.read("b.Person/1", json!({"email": "info@example.com", "name": "Bo"}));
    world.read("b.Person/2", json!({"email": "info@example.com", "name": "Eli"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.situation("1", "b.Person"), Situation::Ambiguous);
    let review = world.reviews.iter().find(|r| r.about.is(world.record("a.Person/1").id)).unwrap();
    assert_eq!(review.kind, ReviewKind::AmbiguousMatch);
    assert_eq!(review.candidates, [world.record("b.Person/1").id, world.record("b.Person/2").id]);
    // Deciding again opens nothing a second time.
    let open = world.reviews.len();
    world.settle_all();
    assert_eq!(world.reviews.len(), open);
    assert!(world.last.as_ref().unwrap().reviews_opened.is_empty());
}

#[test]
fn l6_of_several_that_fit_one_none_is_preferred_by_order() {
    for order in [["a.Person/1", "a.Person/2"], ["a.Person/2", "a.Person/1"]] {
        let mut world = by_mail();
        for name in order {
            world.read(name, json!({"mail": "info@example.com"}));
        }
        world.read("b.Person/9", json!({"email": "info@example.com"}));
        world.decide();
        assert!(
            !world.linked("a.Person/1", "b.Person/9") && !world.linked("a.Person/2", "b.Person/9")
        );
        assert_eq!(world.situation("1", "b.Person"), Situation::Ambiguous);
        assert_eq!(world.situation("2", "b.Person"), Situation::Ambiguous);
    }
}

#[test]
fn l6_however_many_claim_one_record_each_question_is_of_few() {
    let mut world = by_mail();
    world.read("b.Person/9", json!({"email": "info@example.com"}));
    for n in 1..=120 {
        world.read(&format!("a.Person/{n}"), json!({"mail": "info@example.com"}));
    }
    assert_eq!(world.settle(), 0);
    assert_eq!(world.situation("17", "b.Person"), Situation::Ambiguous);
    let of_a: Vec<_> = world
        .reviews
        .iter()
        .filter(|review| !review.about.is(world.record("b.Person/9").id))
        .map(|review| review.candidates.len())
        .collect();
    assert_eq!(of_a, [51; 120]);
    assert_eq!(world.settle_all(), 0, "it is asked once");
    // On both sides: each question lists few, and says how many there are as far as it matters.
    for n in 10..=160 {
        world.read(&format!("b.Person/{n}"), json!({"email": "info@example.com"}));
    }
    assert_eq!(world.settle_all(), 0);
    let few = world.reviews.iter().all(|review| review.candidates.len() <= 51);
    assert!(few && world.reviews.len() > 200, "{}", world.reviews.len());
    let is_counted = |review: &&Review| {
        matches!(review.why, Why::Linking(Linking::SeveralMatch { records: 101, .. }))
    };
    assert!(world.reviews.iter().any(|review| is_counted(&review)));
}

#[test]
fn l6_a_question_tells_how_many_there_are_now() {
    let mut world = by_mail();
    world.read("b.Person/9", json!({"email": "info@example.com"}));
    for n in 1..=90 {
        world.read(&format!("a.Person/{n}"), json!({"mail": "info@example.com"}));
    }
    world.settle();
    for n in 60..=90 {
        world.read(&format!("a.Person/{n}"), json!({"mail": format!("a{n}@example.com")}));
    }
    world.settle_all();
    let id = world.record("a.Person/1").id;
    let review = world.reviews.iter().find(|review| review.about.is(id)).unwrap();
    assert!(
        matches!(&review.why, Why::Linking(Linking::SeveralClaim { records: 59, .. })),
        "{:?}",
        review.why
    );
}

#[test]
fn l6_a_late_comer_goes_to_review_alone_and_the_link_that_is_there_stays() {
    let mut world = by_mail();
    world.read("a.Person/1", json!({"mail": "info@example.com"}));
    world.read("b.Person/9", json!({"email": "info@example.com"}));
    world.decide();
    assert!(world.linked("a.Person/1", "b.Person/9"));
    world.read("a.Person/2", json!({"mail": "info@example.com"}));
    world.settle_all();
    assert!(world.linked("a.Person/1", "b.Person/9"));
    assert_eq!(world.situation("2", "b.Person"), Situation::FoundLinked);
    assert_eq!(world.situation("1", "b.Person"), Situation::Confirmed);
    let on: Vec<_> = world.reviews.iter().map(|r| (r.kind, r.about.record().unwrap())).collect();
    assert_eq!(on, [(ReviewKind::DisputedEntity, world.record("a.Person/2").id)]);
}

#[test]
fn l6_a_chain_of_matches_that_would_hold_two_of_a_type_links_nothing() {
    // a/1 fits b/1 by e-mail, b/1 fits c/1 by phone, c/1 fits a/2 by number.
    let mut world = World::people(&[
        flow("a.Person", "b.Person", Create::Never, &["mail = email"], &[]),
        flow("b.Person", "c.Person", Create::Never, &["phone = phone"], &[]),
        flow("c.Person", "a.Person", Create::Never, &["number = number"], &[]),
    ]);
    world.read("a.Person/1", json!({"mail": "ada@example.com"}));
    world.read("a.Person/2", json!({"number": "7"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "phone": "22334455"}));
    world.read("c.Person/1", json!({"phone": "22334455", "number": "7"}));
    world.decide();
    assert!(!world.linked("a.Person/1", "b.Person/1") && !world.linked("b.Person/1", "c.Person/1"));
    assert!(
        world.reviews.iter().all(|r| r.kind == ReviewKind::DisputedEntity)
            && !world.reviews.is_empty()
    );
}

#[test]
fn l6_duplicates_merge_links_them_all() {
    let mut merging =
        flow("a.Person", "b.Person", Create::Never, &["mail = email"], &["name <-> name"]);
    merging.merge_duplicates = true;
    let mut world = World::new(&[merging], &schemas(&[("a.Person", vec![]), ("b.Person", vec![])]));
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada"}));
    world.read("a.Person/2", json!({"mail": "ada@example.com", "name": "Ada B."}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada Berg"}));
    world.settle();
    assert!(world.linked("a.Person/1", "b.Person/1") && world.linked("a.Person/2", "b.Person/1"));
    for record in ["a.Person/1", "a.Person/2", "b.Person/1"] {
        assert_eq!(world.value(record, "name"), json!("Ada Berg"));
    }
    assert_eq!(world.settle_all(), 0);
}

#[test]
fn l7_what_a_person_unlinked_is_not_linked_again_by_a_rule() {
    let mut world = by_mail();
    world.read("a.Person/1", json!({"mail": "ada@example.com"}));
    world.read("b.Person/1", json!({"email": "ada@example.com"}));
    world.apart.insert((world.record("a.Person/1").id, world.record("b.Person/1").id));
    world.decide();
    assert!(!world.linked("a.Person/1", "b.Person/1"));
}

#[test]
fn a_review_closes_when_the_rival_is_gone() {
    let mut world = by_mail();
    world.read("a.Person/1", json!({"mail": "info@example.com"}));
    world.read("b.Person/1", json!({"email": "info@example.com"}));
    world.read("b.Person/2", json!({"email": "info@example.com"}));
    world.decide();
    assert!(!world.reviews.is_empty());
    world.read("b.Person/2", json!({"email": "own@example.com"}));
    world.settle_all();
    assert!(world.linked("a.Person/1", "b.Person/1"));
    assert!(world.reviews.is_empty());
}

#[test]
fn l9_missing_is_not_absent() {
    // D1 too: the deleted record is not created anew, the others stay.
    let mut world = World::people(&[flow(
        "a.Person",
        "b.Person",
        Create::Always,
        &["mail = email"],
        &["name <-> name"],
    )]);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada"}));
    world.read("b.Person/1", json!({"email": "ada@example.com", "name": "Ada"}));
    world.settle();
    world.read_deleted("b.Person/1");
    assert_eq!(world.settle_all(), 0);
    assert_eq!(world.situation("1", "b.Person"), Situation::Missing);
    world.read("a.Person/1", json!({"mail": "ada@example.com", "name": "Ada Berg"}));
    assert_eq!(world.settle(), 0);
    assert_eq!(world.count("b.Person"), 1);
}

#[test]
fn l6_a_match_of_a_candidate_is_not_linked_before_its_other_side_has_been_looked_at() {
    let mut world = World::people(&[
        flow("a.Person", "b.Person", Create::Never, &["mail = mail"], &[]),
        flow("b.Person", "c.Person", Create::Never, &["phone = phone"], &[]),
    ]);
    world.read("a.Person/1", json!({"mail": "ada@example.com"}));
    world.read("b.Person/1", json!({"mail": "ada@example.com", "phone": "22 33 44 55"}));
    world.read("b.Person/2", json!({"mail": "bo@example.com", "phone": "22 33 44 55"}));
    world.read("c.Person/1", json!({"phone": "22 33 44 55"}));
    world.decide();
    let linked = |world: &World| {
        world.linked("b.Person/1", "c.Person/1") || world.linked("b.Person/2", "c.Person/1")
    };
    assert!(!linked(&world), "two match it");
    // Only this one is decided on: it matches b/1, which is linked already, and of which c/1 is a
    // candidate.
    world.read("a.Person/2", json!({"mail": "ada@example.com"}));
    world.decide();
    assert!(!linked(&world), "still two match it");
}

/// Two systems with these properties, whose telephone numbers without a country are Norwegian.
fn in_norway(flows: &[Flow]) -> World {
    let mut schemas = schemas(&[("a.Person", vec![]), ("b.Person", vec![])]);
    for schema in schemas.values_mut().flatten() {
        schema.region = Region::parse("NO");
        schema.placeholders = Placeholders::with(["post@example.com"]);
    }
    World::new(flows, &schemas)
}

#[test]
fn l2_placeholders_link_nobody() {
    let mut world = in_norway(&[flow(
        "a.Person",
        "b.Person",
        Create::Never,
        &["mail = email", "tlf = phone"],
        &[],
    )]);
    for (at, nothing) in
        ["-", "n/a", "None", "ukjent", "0000", "\u{200b}", "(none)", "post@example.com"]
            .into_iter()
            .enumerate()
    {
        let (a, b) = (format!("a.Person/{at}"), format!("b.Person/{at}"));
        world.read(&a, json!({"mail": nothing, "tlf": nothing}));
        world.read(&b, json!({"email": nothing, "phone": nothing}));
        world.decide();
        assert!(!world.linked(&a, &b), "{nothing:?}");
    }
}

#[test]
fn l2_what_nobody_sees_keeps_nobody_apart() {
    let mut world = by_mail();
    for (at, mail) in [
        "a\u{200b}@example.com",
        "b@example.com\u{a0}",
        "\u{feff}c@example.com",
        "d\u{ad}@example.com",
    ]
    .into_iter()
    .enumerate()
    {
        let (a, b) = (format!("a.Person/{at}"), format!("b.Person/{at}"));
        world.read(&a, json!({"mail": mail}));
        world.read(&b, json!({"email": format!("{}@example.com", ["a", "b", "c", "d"][at])}));
        world.decide();
        assert!(world.linked(&a, &b), "{mail:?}");
    }
}

#[test]
fn l2_what_a_number_is_is_seen_from_the_values_and_the_region_is_its_country() {
    // No name speaks for a telephone number here.
    let mut world =
        in_norway(&[flow("a.Person", "b.Person", Create::Never, &["kontakt = nummer"], &[])]);
    for (at, (ours, theirs)) in [
        (json!("+47 22 00 00 01"), json!("22000001")),
        (json!("22 00 00 02"), json!("+47 (0) 22-00-00-02")),
        (json!("0047 22000003"), json!(22_000_003)),
    ]
    .into_iter()
    .enumerate()
    {
        let (a, b) = (format!("a.Person/{at}"), format!("b.Person/{at}"));
        world.read(&a, json!({"kontakt": ours}));
        world.read(&b, json!({"nummer": theirs}));
        world.decide();
        assert!(world.linked(&a, &b), "{at}");
    }
    // And a name alone makes no number of a text.
    let mut world =
        in_norway(&[flow("a.Person", "b.Person", Create::Never, &["phone = phone"], &[])]);
    world.read("a.Person/1", json!({"phone": "ask for Anna 12345"}));
    world.read("b.Person/1", json!({"phone": "12345"}));
    world.read("a.Person/2", json!({"phone": "Anna"}));
    world.read("b.Person/2", json!({"phone": "anna"}));
    world.decide();
    assert!(!world.linked("a.Person/1", "b.Person/1"));
    assert!(world.linked("a.Person/2", "b.Person/2"));
}

#[test]
fn l2_the_flow_says_what_a_value_is() {
    let told = |kind| {
        let mut one = flow("a.Person", "b.Person", Create::Never, &["code = code"], &[]);
        one.matches[0].kind = kind;
        let mut world = in_norway(&[one]);
        world.read("a.Person/1", json!({"code": "(22) 00-00-01"}));
        world.read("b.Person/1", json!({"code": "22000001"}));
        world.read("a.Person/2", json!({"code": "Ab-1"}));
        world.read("b.Person/2", json!({"code": "ab-1"}));
        world.decide();
        (world.linked("a.Person/1", "b.Person/1"), world.linked("a.Person/2", "b.Person/2"))
    };
    assert_eq!(told(Kind::Phone), (true, false));
    assert_eq!(told(Kind::Text), (false, true));
    assert_eq!(told(Kind::Exact), (false, false));
    assert_eq!(told(Kind::Seen), (false, true));
}

#[test]
fn l3_the_hundredth_element_matches_too() {
    let rows = ["mails = email & town = town"];
    let mut world = World::people(&[flow("a.Person", "b.Person", Create::Never, &rows, &[])]);
    let mails: Vec<String> = (0..100).map(|n| format!("m{n}@example.com")).collect();
    world.read("a.Person/1", json!({"mails": mails, "town": "Oslo"}));
    world.read("b.Person/1", json!({"email": "m99@example.com", "town": "OSLO"}));
    world.decide();
    assert!(world.linked("a.Person/1", "b.Person/1"));
}

#[test]
fn l6_records_that_are_alike_and_have_no_counterpart_are_one_question() {
    let create = |separate| {
        let mut one = flow(
            "a.Person",
            "b.Person",
            Create::Always,
            &["mail = email"],
            &["mail <-> email", "name <-> name"],
        );
        one.separate_duplicates = separate;
        let mut world = World::people(&[one]);
        for (id, name) in [("1", "Ada"), ("2", "A. Lie"), ("3", "Ada Lie")] {
            world.read(&format!("a.Person/{id}"), json!({"mail": "ada@example.com", "name": name}));
        }
        world.read("a.Person/4", json!({"mail": "bo@example.com", "name": "Bo"}));
        world
    };
    let mut world = create(false);
    assert_eq!(world.settle(), 1, "Bo alone");
    assert_eq!(world.reviews.len(), 1, "{:?}", world.reviews);
    let review = world.reviews[0].clone();
    assert_eq!(
        (review.kind, review.about.record().unwrap()),
        (ReviewKind::AmbiguousMatch, world.record("a.Person/1").id)
    );
    assert_eq!(review.candidates.len(), 2);
    assert_eq!(world.situation("2", "b.Person"), Situation::Ambiguous);
    assert_eq!(world.settle_all(), 0, "it is asked once");
    assert_eq!(world.reviews.len(), 1);
    // One that arrives later is a part of the question.
    world.read("a.Person/5", json!({"mail": "ADA@example.com", "name": "Ada"}));
    assert_eq!(world.settle(), 0);
    assert_eq!((world.reviews.len(), world.reviews[0].candidates.len()), (1, 3));
    // Kept apart, each gets one.
    let ids: Vec<_> =
        ["1", "2", "3", "5"].iter().map(|id| world.record(&format!("a.Person/{id}")).id).collect();
    for (at, one) in ids.iter().enumerate() {
        world.apart.extend(ids[at + 1..].iter().map(|other| (*one, *other)));
    }
    assert_eq!(world.settle_all(), 4);
    assert_eq!(world.reviews, vec![]);

    let mut world = create(true);
    assert_eq!(world.settle(), 4, "`duplicates: separate` answers it for all");
}

#[test]
fn l10_an_order_line_is_recognised_within_its_order() {
    let lines =
        |kind: &str, path: &str, to: &str| (kind.to_string(), vec![kit::reference(path, to)]);
    let (a, b) = (lines("a.Line", "order", "Order"), lines("b.Pos", "ord", "Auftrag"));
    let types =
        [("a.Order", vec![]), ("b.Auftrag", vec![]), (a.0.as_str(), a.1), (b.0.as_str(), b.1)];
    let flows = [
        flow(
            "a.Line",
            "b.Pos",
            Create::Always,
            &["order = ord & n = pos"],
            &["order <-> ord", "n <-> pos", "what <-> text"],
        ),
        flow("a.Order", "b.Auftrag", Create::Always, &["number = nr"], &["number <-> nr"]),
    ];
    let mut world = World::new(&flows, &schemas(&types));
    world.read("a.Order/o1", json!({"number": "S-1"}));
    world.read("a.Order/o2", json!({"number": "S-2"}));
    world.read("b.Auftrag/x", json!({"nr": "S-2"}));
    world.read("b.Auftrag/y", json!({"nr": "S-1"}));
    for (line, order, n) in [("l1", "o1", 1), ("l2", "o1", 2), ("l3", "o2", 1)] {
        world.read(&format!("a.Line/{line}"), json!({"order": order, "n": n, "what": line}));
    }
    world.read("b.Pos/p1", json!({"ord": "x", "pos": 1}));
    world.read("b.Pos/p2", json!({"ord": "y", "pos": 1}));
    world.settle();
    assert!(world.linked("a.Line/l1", "b.Pos/p2"), "the first line of S-1");
    assert!(world.linked("a.Line/l3", "b.Pos/p1"), "the first line of S-2");
    assert_eq!(world.count("b.Pos"), 3, "the second line of S-1 is new");
    assert_eq!(world.reviews, vec![]);
    assert_eq!(world.settle_all(), 0);
}
