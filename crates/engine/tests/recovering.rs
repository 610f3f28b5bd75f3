//! C2, R9: what a creation made whose answer was lost, and what an answer to one means.

use std::collections::HashSet;

use crate::kit::{World, flow};
use lockstep_engine::outcome::{Creation, creation, leave_untold, read_back};
use lockstep_engine::recover::{Candidates, Conclusion, find, may_be_anothers, may_be_made};
use lockstep_model::{
    Create, EntityId, Intent, IntentId, IntentState, Presence, PropIx, ReadRecord, RecordId,
    RecordState, Timestamp, TypeIx, Value,
};
use serde_json::json;

fn world() -> World {
    let rows = ["mail <-> email", "name <-> name"];
    World::people(&[flow("a.Person", "b.Person", Create::Always, &["mail = email"], &rows)])
}

/// The creations that these people of `a` call for, not sent yet.
fn creations(world: &mut World, people: &[(&str, Value)]) -> Vec<Intent> {
    for (key, values) in people {
        world.read(&format!("a.Person/{key}"), values.clone());
    }
    world.decide();
    assert_eq!(world.intents.len(), people.len());
    world.now += 10;
    world.intents.clone()
}

/// A record of `b` as it is read for the first time, and not decided on.
fn seen(world: &mut World, key: &str, values: Value) -> RecordState {
    world.read(&format!("b.Person/{key}"), values);
    world.record(&format!("b.Person/{key}")).clone()
}

fn ase() -> Value {
    json!({"mail": "ase@example.com", "name": "Åse Berg"})
}

fn found(world: &World, records: Vec<RecordState>, creations: Vec<Intent>) -> Vec<Conclusion> {
    let records = may_be_made(records, &creations);
    let candidates = Candidates::new(records, HashSet::new());
    find(&world.plan, &candidates, creations, true, &HashSet::new())
}

/// The creations and the records of a conclusion, in numbers.
fn alike(conclusion: &Conclusion) -> (Vec<IntentId>, Vec<RecordId>) {
    let Conclusion::Alike(intents, records) = conclusion else {
        panic!("a person is asked: {conclusion:?}")
    };
    (intents.iter().map(|i| i.id).collect(), records.iter().map(|r| r.id).collect())
}

#[test]
fn c2_what_a_creation_made_is_found_by_all_that_was_sent() {
    let mut world = world();
    let before = seen(&mut world, "0", json!({"email": "other@example.com", "name": "Åse Berg"}));
    let sent = creations(&mut world, &[("1", ase())]);
    let made = seen(&mut world, "7", json!({"email": "ase@example.com", "name": " Åse Berg"}));
    let other = seen(&mut world, "8", json!({"email": "per@example.com", "name": "Per Moe"}));
    let id = sent[0].id;
    let all = found(&world, vec![before.clone(), other, made.clone()], sent);
    assert_eq!(all.len(), 1);
    assert_eq!(alike(&all[0]), (vec![id], vec![made.id]));
}

#[test]
fn c2_what_was_there_before_is_nobodys_creation_nor_what_a_person_keeps_apart() {
    let mut world = world();
    let before = seen(&mut world, "0", json!({"email": "ase@example.com", "name": "Åse Berg"}));
    world.agenda.clear();
    world.records.remove(&before.id);
    let sent = creations(&mut world, &[("1", ase())]);
    let all = found(&world, vec![before], sent.clone());
    assert_eq!(alike(&all[0]), (vec![sent[0].id], vec![]), "it is sent again");
    // L7
    let made = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse Berg"}));
    let apart = HashSet::from([(sent[0].id, made.id)]);
    let candidates = Candidates::new(vec![made], apart);
    let all = find(&world.plan, &candidates, sent.clone(), true, &HashSet::new());
    assert_eq!(alike(&all[0]), (vec![sent[0].id], vec![]));
}

#[test]
fn c2_who_was_sent_most_takes_a_record_before_who_was_sent_less() {
    let mut world = world();
    let less = json!({"name": "Åse Berg"});
    let sent = creations(&mut world, &[("1", less), ("2", ase())]);
    let made = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse Berg"}));
    let all = found(&world, vec![made.clone()], sent.clone());
    assert_eq!(alike(&all[0]), (vec![sent[1].id], vec![made.id]));
    assert_eq!(alike(&all[1]), (vec![sent[0].id], vec![]));
}

#[test]
fn c2_d1_one_that_is_gone_was_made_all_the_same_unless_one_is_there() {
    let mut world = world();
    let sent = creations(&mut world, &[("1", ase())]);
    let there = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse Berg"}));
    let gone = RecordState {
        id: RecordId(99),
        entity: EntityId(99),
        presence: Presence::Gone,
        ..there.clone()
    };
    let all = found(&world, vec![gone.clone()], sent.clone());
    assert_eq!(alike(&all[0]).1, [gone.id]);
    let all = found(&world, vec![gone, there.clone()], sent);
    assert_eq!(alike(&all[0]).1, [there.id]);
}

#[test]
fn c2_one_that_was_edited_is_found_by_its_match_key_and_else_a_person_says() {
    let mut world = world();
    let sent = creations(&mut world, &[("1", ase())]);
    let edited = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse Dahl"}));
    let all = found(&world, vec![edited.clone()], sent.clone());
    assert_eq!(alike(&all[0]).1, [edited.id]);
    // Its address was edited, too; the name is one that hardly anybody else has.
    let named = seen(&mut world, "8", json!({"email": "dahl@example.com", "name": "Åse Berg"}));
    let other = seen(&mut world, "9", json!({"email": "per@example.com", "name": "Per Moe"}));
    let all = found(&world, vec![named.clone(), other], sent.clone());
    let Conclusion::Unclear(intent, records) = &all[0] else { panic!("{all:?}") };
    assert_eq!((intent.id, records[0].id, records.len()), (sent[0].id, named.id, 1));
    // It is not the last look: nobody is asked yet.
    let candidates = Candidates::new(vec![named], HashSet::new());
    let all = find(&world.plan, &candidates, sent.clone(), false, &HashSet::new());
    assert_eq!(alike(&all[0]).1, []);
    // R9: whose the record is that shows it is asked anyway.
    let doubted = HashSet::from([sent[0].id]);
    assert!(find(&world.plan, &candidates, sent, true, &doubted).is_empty());
}

#[test]
fn c2_what_another_creation_may_have_made_is_not_adopted() {
    let mut world = world();
    let per = json!({"mail": "per@example.com", "name": "Per Moe"});
    let sent = creations(&mut world, &[("1", ase()), ("2", per)]);
    let made = seen(&mut world, "7", json!({"email": "per@example.com", "name": "Per Moe"}));
    assert!(may_be_anothers(&world.plan, &sent[0], &made, &sent));
    assert!(!may_be_anothers(&world.plan, &sent[1], &made, &sent), "it is its own");
}

#[test]
fn c2_what_another_creation_may_have_made_is_not_adopted_where_nothing_matches() {
    let rows = ["mail <-> email", "name <-> name"];
    let mut world = World::people(&[flow("a.Person", "b.Person", Create::Always, &[], &rows)]);
    let per = json!({"mail": "per@example.com", "name": "Per Moe"});
    let sent = creations(&mut world, &[("1", ase()), ("2", per)]);
    let made = seen(&mut world, "7", json!({"email": "per@example.com", "name": "Per Moe"}));
    assert!(may_be_anothers(&world.plan, &sent[0], &made, &sent));
    let edited = seen(&mut world, "8", json!({"email": "p@example.com", "name": "Per Moe"}));
    assert!(!may_be_anothers(&world.plan, &sent[0], &edited, &sent));
    // Nothing is said of it by a creation of a record type with more properties.
    let mut elsewhere = sent.clone();
    elsewhere[1].ty = TypeIx(0);
    elsewhere[1].changes[0].prop = PropIx(9);
    assert!(!may_be_anothers(&world.plan, &sent[0], &made, &elsewhere));
}

#[test]
fn c2_who_was_refused_waits_for_another_who_is_created_in_its_place() {
    let into = |from| {
        flow(
            from,
            "c.Person",
            Create::Always,
            &["mail = mail"],
            &["mail <-> mail", "name <-> name"],
        )
    };
    let mut world = World::people(&[into("a.Person"), into("b.Person")]);
    world.read("a.Person/1", ase());
    world.decide();
    // Its system fails on it, and a person is asked.
    world.intents[0].state = IntentState::Refused;
    world.read("b.Person/1", json!({"mail": "ase@example.com", "name": "Åse B."}));
    world.decide();
    assert_eq!(world.intents.len(), 2, "the other one is let past: {:?}", world.intents);
    world.read("a.Person/1", json!({"mail": "ase@example.com", "name": "Åse Dahl"}));
    world.decide();
    assert_eq!(world.intents.len(), 2, "{:?}", world.intents);
}

/// What an answer with key 7 means, where that is known as this record.
fn answered(world: &World, intent: &Intent, known: Option<&RecordState>, twice: bool) -> Creation {
    let sent: Vec<(usize, Value)> =
        intent.changes.iter().map(|change| (change.prop.at(), change.value.clone())).collect();
    let mut values = vec![None; world.plan.ty(intent.ty).props.len()];
    for (prop, value) in &sent {
        values[*prop] = Some(value.clone());
    }
    let answer =
        ReadRecord { id: "7".into(), version: None, modified: None, deleted: false, values };
    creation(&world.plan, intent, &answer, known, twice, &sent)
}

#[test]
fn r9_an_answer_to_a_creation_names_a_new_record_or_one_that_was_there() {
    let mut world = world();
    let sent = creations(&mut world, &[("1", ase())]).remove(0);
    assert_eq!(answered(&world, &sent, None, false), Creation::Made);
    assert_eq!(answered(&world, &sent, None, true), Creation::HadAlready, "another's answer, too");
    let same = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse"}));
    assert_eq!(answered(&world, &sent, Some(&same), false), Creation::HadAlready);
    let other = seen(&mut world, "8", json!({"email": "per@example.com", "name": "Per Moe"}));
    assert_eq!(answered(&world, &sent, Some(&other), false), Creation::KnownAsAnother);
    let gone = RecordState { presence: Presence::Gone, ..other.clone() };
    assert_eq!(answered(&world, &sent, Some(&gone), false), Creation::Made, "its key is given on");
    let gone = RecordState { presence: Presence::Gone, ..same.clone() };
    assert_eq!(answered(&world, &sent, Some(&gone), false), Creation::HadAlready, "it is back");
}

#[test]
fn c2_the_answer_to_a_second_try_may_name_what_the_first_one_made() {
    let mut world = world();
    let sent = creations(&mut world, &[("1", ase())]).remove(0);
    let again = Intent { message: Some("its answer was lost".into()), ..sent };
    let made = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse Berg"}));
    assert_eq!(answered(&world, &again, Some(&made), false), Creation::MadeBefore);
    let earlier = RecordState { first_seen: Timestamp(0), ..made.clone() };
    assert_eq!(answered(&world, &again, Some(&earlier), false), Creation::HadAlready);
    // R9: it belongs to somebody, and has nothing of what was sent.
    let other = seen(&mut world, "8", json!({"email": "per@example.com", "name": "Per Moe"}));
    let other = RecordState { written_at: Some(other.first_seen), ..other };
    assert_eq!(answered(&world, &again, Some(&other), false), Creation::KnownAsAnother);
}

/// What was sent to `b` and what its record shows after the write, by paths.
fn after(
    world: &World,
    before: Option<&RecordState>,
    sent: &Value,
    (answer, read): (Value, Value),
    versions: (&str, &str),
) -> (Vec<Option<Value>>, Option<String>) {
    let ty = world.ty("b.Person");
    let values = |shown: &Value| {
        world.plan.ty(ty).props.iter().map(|prop| prop.reference.path.get(shown)).collect()
    };
    let record = |shown: &Value, version: &str| ReadRecord {
        id: "7".into(),
        version: Some(version.into()),
        modified: None,
        deleted: false,
        values: values(shown),
    };
    let sent: Vec<(usize, Value)> = values(sent)
        .into_iter()
        .enumerate()
        .filter_map(|(prop, value): (usize, Option<Value>)| Some((prop, value?)))
        .collect();
    let (answer, read) = (record(&answer, versions.0), record(&read, versions.1));
    let (became, _) = read_back(&world.plan, ty, answer, read, &sent, before, true);
    (became.values, became.version)
}

#[test]
fn r6_what_is_read_after_a_write_tells_what_it_left_unless_it_is_somebodys_edit() {
    let mut world = world();
    let known = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse Berg"}));
    let name = world.prop(known.ty, "name").at();
    let email = world.prop(known.ty, "email").at();
    let (sent, answer) = (json!({"name": "Åse Dahl"}), json!({"name": "Åse Dahl"}));
    // The system cuts names: that is what the write left (P3), and what else it shows is so.
    let read = json!({"email": "dahl@example.com", "name": "Åse"});
    let both = (answer.clone(), read);
    let (values, version) = after(&world, Some(&known), &sent, both, ("1", "1"));
    assert_eq!(values[name], Some(json!("Åse")));
    assert_eq!((&values[email], version.as_deref()), (&Some(json!("dahl@example.com")), Some("1")));
    // P5: another version, and another name than was sent: somebody's edit, to be seen as one.
    let read = json!({"email": "dahl@example.com", "name": "Kari"});
    let (values, version) = after(&world, Some(&known), &sent, (answer, read), ("1", "2"));
    assert_eq!((&values[name], &values[email]), (&None, &None), "nothing of it is taken for ours");
    assert_eq!(version.as_deref(), Some("1"));
}

/// An answer that may repeat what was sent tells no more of its values; the version and the time
/// that it gives the record are the write's, if they are not those of before.
#[test]
fn r6_an_edit_right_after_a_write_is_one_whatever_its_answer_is_worth() {
    let mut world = world();
    let known = seen(&mut world, "7", json!({"email": "ase@example.com", "name": "Åse Berg"}));
    let known = RecordState { version: Some("1".into()), modified: Some(Timestamp(10)), ..known };
    let name = world.prop(known.ty, "name").at();
    let ty = known.ty;
    let record = |shown: &str, version: Option<&str>, modified: Option<i64>| ReadRecord {
        id: "7".into(),
        version: version.map(str::to_string),
        modified: modified.map(Timestamp),
        deleted: false,
        values: (0..world.plan.ty(ty).props.len())
            .map(|prop| (prop == name).then(|| json!(shown)))
            .collect(),
    };
    let sent = [(name, json!("Åse Dahl"))];
    let shown = |before: Option<&RecordState>, answer, read| {
        let (became, _) = read_back(&world.plan, ty, answer, read, &sent, before, false);
        became.values[name].clone()
    };
    let edited = json!("Kari");
    for (answer, read) in [
        (record("Åse Dahl", Some("2"), None), record("Kari", Some("3"), None)),
        (record("Åse Dahl", None, Some(20)), record("Kari", None, Some(21))),
    ] {
        assert_eq!(
            shown(Some(&known), answer.clone(), read.clone()),
            None,
            "to be seen as an edit"
        );
        assert_eq!(shown(None, answer, read), None, "after a creation too");
    }
    // The answer repeats what was sent, with the version and the time of before; or tells none.
    for (answer, read) in [
        (record("Åse Dahl", Some("1"), Some(10)), record("Kari", Some("2"), Some(20))),
        (record("Åse Dahl", None, None), record("Kari", Some("2"), Some(20))),
    ] {
        assert_eq!(shown(Some(&known), answer, read), Some(edited.clone()), "how it is stored");
    }
    // What the system makes of a value is no edit, whatever version that is.
    let cut = record("ÅSE DAHL", Some("3"), Some(21));
    let answer = record("Åse Dahl", Some("2"), Some(20));
    assert_eq!(shown(Some(&known), answer, cut), Some(json!("ÅSE DAHL")));
}

#[test]
fn r6_what_nothing_shows_for_certain_is_left_untold() {
    let shown = |values: Vec<Option<Value>>| ReadRecord {
        id: "7".into(),
        version: None,
        modified: None,
        deleted: false,
        values,
    };
    let sent = [(0, json!("a")), (1, json!("b"))];
    let mut answer = shown(vec![Some(json!("a")), Some(json!("B"))]);
    assert!(leave_untold(&mut answer, &sent, false));
    assert_eq!(answer.values, [Some(json!("a")), None]);
    assert!(leave_untold(&mut answer, &sent[..1], true), "an echo tells nothing");
    assert_eq!(answer.values, [None, None]);
}
