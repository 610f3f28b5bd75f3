//! What a store makes of a plan, and of another one later.

use lockstep_model::{
    EntityId, IntentId, IntentState, PropIx, RecordId, RecordState, Slot, Timestamp, TypeIx,
    TypeName,
};
use serde_json::json;

use super::kit::{commit_records, numbers};
use super::samples::{USERS, awkward, intent, person, plan, review};
use crate::{Commit, Leased, Renaming, TypeStatus};

pub(super) fn binding_tells_how_far_each_type_was_read(mut store: Leased) {
    let fresh = |fingerprint| TypeStatus { fingerprint, ..TypeStatus::default() };
    assert_eq!(store.bind(&plan()).unwrap(), [fresh(1), fresh(u64::MAX)]);
    let status = TypeStatus {
        checkpoint: Some(("{\"since\": 7}".into(), vec![0, 200, 7])),
        complete: true,
        read_from: Some(Timestamp(-3)),
        reading_since: Some(Timestamp(4)),
        fingerprint: 1 << 63,
        records: 0,
    };
    store.commit(Commit { types: vec![(USERS, status.clone())], ..Commit::default() }).unwrap();
    // In the order of the plan, which may be another, and of nothing but the plan.
    let reversed: Vec<_> = plan().into_iter().rev().collect();
    assert_eq!(store.bind(&reversed).unwrap(), [status.clone(), fresh(1)]);
    let other = TypeStatus { checkpoint: Some((String::new(), vec![])), ..fresh(5) };
    store.commit(Commit { types: vec![(TypeIx(0), other.clone())], ..Commit::default() }).unwrap();
    assert_eq!(store.bind(&plan()).unwrap(), [fresh(1), other]);
}

pub(super) fn what_the_plan_does_not_name_any_more_is_left_out_and_kept(mut store: Leased) {
    let user = awkward(RecordId(2), EntityId(1));
    commit_records(&mut store, vec![person(1, "a"), user.clone()]);
    let to_user = intent(1, RecordId(1), IntentState::Queued);
    let commit = Commit {
        intents_new: vec![to_user.clone()],
        reviews_opened: vec![review(RecordId(1), None)],
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    store.bind(&plan()[..1]).unwrap();
    assert_eq!(numbers(store.records(&[RecordId(1), RecordId(2)]).unwrap()), [1]);
    assert_eq!(numbers(store.members(&[EntityId(1)]).unwrap()), [1]);
    assert_eq!(store.linked_entities(None, 9).unwrap(), []);
    assert_eq!(store.open_intents(&[EntityId(1)]).unwrap(), []);
    assert_eq!(store.reviews(9).unwrap(), []);
    store.bind(&plan()).unwrap();
    assert_eq!(store.records(&[RecordId(2)]).unwrap(), [user]);
    assert_eq!(store.linked_entities(None, 9).unwrap(), [EntityId(1)]);
    assert_eq!(store.open_intents(&[EntityId(1)]).unwrap(), [to_user]);
    assert_eq!(store.reviews(9).unwrap(), [review(RecordId(1), None)]);
}

pub(super) fn a_changed_plan_finds_properties_by_path(mut store: Leased) {
    let user = awkward(RecordId(2), EntityId(2));
    let to_user = intent(1, RecordId(1), IntentState::Queued);
    commit_records(&mut store, vec![person(1, "a"), user.clone()]);
    store.commit(Commit { intents_new: vec![to_user.clone()], ..Commit::default() }).unwrap();
    // The types change places; of the users' properties one goes, one comes, the others change
    // places.
    let mut other = plan();
    other.reverse();
    other[0].properties = ["mail", "new", "Åse", "email", "full name"].map(String::from).to_vec();
    let (users, people) = (TypeIx(0), TypeIx(1));
    store.bind(&other).unwrap();
    let found = store.records(&[RecordId(2)]).unwrap().remove(0);
    let mut slots = [4, 3, 2, 1, 0].map(|at| user.slots[at].clone());
    slots[1] = Slot::default();
    for slot in &mut slots {
        if let Some(stamp) = &mut slot.carries {
            stamp.prop = PropIx(0);
        }
        if let Some(claim) = slot.claim.as_mut().filter(|claim| !claim.goes.is_empty()) {
            claim.goes = vec![(users, vec![]), (people, vec![PropIx(2), PropIx(0)])];
        }
    }
    assert_eq!(found, RecordState { ty: users, slots: slots.to_vec(), ..user });
    let found = store.intent(IntentId(1)).unwrap().unwrap();
    assert_eq!(found.ty, users);
    let props: Vec<_> = found.changes.iter().map(|change| change.prop.0).collect();
    assert_eq!(props, [0, 2, 4]);
    assert_eq!(found.changes[2].counterpart_of.map(|other| other.ty), Some(people));
}

/// L12.
pub(super) fn what_is_renamed_is_found_under_its_new_name(mut store: Leased) {
    let record = person(1, "a");
    let user = awkward(RecordId(2), EntityId(1));
    let mark = |name: &str| (name.to_string(), Some(json!(1)));
    let commit = Commit {
        new_records: vec![record.clone(), user.clone()],
        intents_new: vec![intent(1, RecordId(1), IntentState::Queued)],
        marks: vec![mark("read:crm.People"), mark("read:desk")],
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    let rename = |store: &mut Leased, renaming| store.rename(&renaming).unwrap();
    let unknown = Renaming::System { old: "nobody".into(), new: "crm".into() };
    assert!(rename(&mut store, unknown).is_err());
    let system = Renaming::System { old: "crm".into(), new: "kunder".into() };
    let renamed = rename(&mut store, system).unwrap();
    assert_eq!(renamed.names, [("crm.People".to_string(), "kunder.People".to_string())]);
    assert_eq!(renamed.records, 1);
    let (ty, old, new) = ("kunder.People".to_string(), "mail".to_string(), "e-mail".to_string());
    rename(&mut store, Renaming::Property { ty, old, new }).unwrap();
    // What holds something under a name of its own makes room for nothing.
    let of = |old: &str, new: &str| Renaming::Property {
        ty: "kunder.People".into(),
        old: old.into(),
        new: new.into(),
    };
    assert!(rename(&mut store, of("e-mail", "name")).is_err());
    // There and back, and two names swapped by way of a third.
    for (old, new) in
        [("e-mail", "x"), ("x", "e-mail"), ("name", "x"), ("e-mail", "name"), ("x", "e-mail")]
    {
        assert!(rename(&mut store, of(old, new)).is_ok(), "{old} {new}");
    }
    for (old, new) in [("name", "x"), ("e-mail", "name"), ("x", "e-mail")] {
        assert!(rename(&mut store, of(old, new)).is_ok(), "{old} {new}");
    }
    // What is linked makes room for nothing.
    let taken =
        Renaming::Type { old: "kunder.People".into(), new: "desk.Users (human data)".into() };
    assert!(rename(&mut store, taken).is_err());
    let mut other = plan();
    other[0].name = TypeName::parse("kunder.People").unwrap();
    other[0].properties[1] = "e-mail".into();
    store.bind(&other).unwrap();
    assert_eq!(store.records(&[RecordId(1), RecordId(2)]).unwrap(), [record, user]);
    assert_eq!(store.intent(IntentId(1)).unwrap().unwrap().changes.len(), 3);
    let names: Vec<String> = store.marks().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["read:desk", "read:kunder.People"]);
    let names: Vec<_> = store.record_types().unwrap().into_iter().map(|ty| ty.name).collect();
    assert_eq!(names, ["kunder.People", "desk.Users (human data)"]);
    assert_eq!(store.shared_keys("kunder.People", "crm.People").unwrap(), 0);
}
