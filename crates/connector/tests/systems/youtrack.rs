//! YouTrack: users through Hub, an e-mail that is an object.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check};
use serde_json::{Value, json};

use super::{create, done, open, pick, read, sandbox, update, watch};

const USER: [&str; 3] = ["login", "name", "profile.email.email"];

#[test]
fn users_keep_the_contract() {
    let sandbox = sandbox("youtrack");
    let youtrack = open("youtrack", &sandbox);
    check(&Subject {
        connector: &*youtrack,
        kind: "Users",
        watch: watch(&USER),
        creates: vec![
            vec![json!("ada.berg"), json!("Ada Berg"), json!("ada.berg@example.no")],
            vec![json!("liv.moe"), json!("Liv Moe"), Value::Null],
        ],
        update: (2, json!("ada@example.no")),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        refuses_stale_versions: false,
    });
}

#[test]
fn groups_and_organizations_keep_the_contract() {
    let sandbox = sandbox("youtrack");
    let youtrack = open("youtrack", &sandbox);
    let subject = Subject {
        connector: &*youtrack,
        kind: "Groups",
        watch: watch(&["name"]),
        creates: vec![vec![json!("Lager")], vec![json!("Innkjøp")]],
        update: (0, json!("Lager og innkjøp")),
        unknown_id: "3-999",
        refuses_stale_versions: false,
    };
    check(&subject);
    check(&Subject {
        kind: "Organizations",
        watch: watch(&["name", "key", "description"]),
        creates: vec![
            vec![json!("Fjordheim AS"), json!("FJORD"), json!("Kunde")],
            vec![json!("Havblikk AS"), Value::Null, Value::Null],
        ],
        update: (2, json!("Kunde siden i fjor")),
        unknown_id: "165-999",
        ..subject
    });
}

#[test]
fn both_paths_of_a_document_mean_the_leaf() {
    let sandbox = sandbox("youtrack");
    let youtrack = open("youtrack", &sandbox);
    let users = youtrack.types().iter().find(|t| t.kind == "Users").unwrap();
    for path in ["profile.email", "profile.email.email"] {
        assert_eq!(users.resolve(&path.into()), Some("profile.email.email".into()));
    }
}

#[test]
fn an_email_is_written_as_a_leaf_and_its_object_stays() {
    let sandbox = sandbox("youtrack");
    let youtrack = open("youtrack", &sandbox);
    let watch = watch(&USER);
    let before = pick(&read(&*youtrack, "Users", &watch), |r| {
        r.values[2].as_ref().is_some_and(Value::is_string)
    });
    let after = done(update(&*youtrack, "Users", &watch, &before, 2, json!("new@example.no")));
    assert_eq!(after.values[2], Some(json!("new@example.no")));
    let stored = sandbox.record("youtrack", "users", &before.id).unwrap();
    assert_eq!(stored["profile"]["email"]["email"], json!("new@example.no"));
    assert!(
        !stored["profile"]["avatar"].is_null(),
        "what was not written is still there: {stored}"
    );
}

#[test]
fn a_user_without_a_login_gets_one_from_the_email() {
    let sandbox = sandbox("youtrack");
    let youtrack = open("youtrack", &sandbox);
    let watch = watch(&USER);
    let made = done(create(&*youtrack, "Users", &watch, &[(2, json!("runa.dal@example.no"))]));
    assert_eq!(made.values[0], Some(json!("runa.dal")));
}

#[test]
fn c2_a_taken_email_is_a_duplicate_and_is_found() {
    let sandbox = sandbox("youtrack");
    let youtrack = open("youtrack", &sandbox);
    let watch = watch(&USER);
    let there = pick(&read(&*youtrack, "Users", &watch), |r| {
        r.values[2].as_ref().is_some_and(Value::is_string)
    });
    let email = there.values[2].clone().unwrap();
    let outcome = create(
        &*youtrack,
        "Users",
        &watch,
        &[(0, json!("other.login")), (1, json!("Other")), (2, email.clone())],
    );
    assert!(matches!(outcome, Outcome::Duplicate { .. }), "{outcome:?}");
    let found = youtrack.find("Users", &watch, 2, &email).unwrap().expect("it can be asked for");
    assert!(found.iter().any(|r| r.id == there.id), "{found:?}");
}

#[test]
fn users_over_youtracks_own_interface_keep_the_contract() {
    let sandbox = sandbox("youtrack");
    let youtrack = open("youtrack", &sandbox);
    check(&Subject {
        connector: &*youtrack,
        kind: "YouTrackUsers",
        watch: watch(&["login", "fullName", "email"]),
        creates: vec![
            vec![json!("ada.berg"), json!("Ada Berg"), json!("ada.berg@example.no")],
            vec![json!("liv.moe"), json!("Liv Moe"), Value::Null],
        ],
        update: (2, json!("ada@example.no")),
        unknown_id: "1-987654",
        refuses_stale_versions: false,
    });
    let ids = watch(&["ringId"]);
    let some = pick(&read(&*youtrack, "YouTrackUsers", &ids), |_| true);
    assert!(some.id.starts_with("1-"), "{}", some.id);
    assert!(
        read(&*youtrack, "Users", &[])
            .records
            .contains_key(some.values[0].as_ref().unwrap().as_str().unwrap())
    );
}
