//! YouTrack over real HTTP: Hub users with projection and partial updates, and the paired records.

use crate::support::{empty, youtrack};
use lockstep_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;

const HUB: &str = "/hub/api/rest/users";

#[test]
fn a_permanent_token_opens_and_another_does_not() {
    let sandbox = empty();
    let api = youtrack(&sandbox);
    assert_eq!(api.get(&format!("{HUB}/me")).expect(200)["login"], "root");
    let refused = api.with("GET", HUB, &[("authorization", "Bearer perm:wrong")], None).expect(401);
    assert_eq!(refused["error_code"], 401);
    assert!(refused["error_description"].is_string());
}

#[test]
fn users_are_created_updated_partially_and_deleted() {
    let sandbox = empty();
    let api = youtrack(&sandbox);
    let made = api
        .post(HUB, &json!({"login":"ada.berg","name":"Ada Berg","profile":{"email":{"email":"ada@example.org","verified":true}}}))
        .expect(200);
    assert_eq!((made["type"].as_str(), made["id"].as_str().unwrap().len()), (Some("user"), 36));
    let path = format!("{HUB}/{}", made["id"].as_str().unwrap());
    let renamed =
        api.post(&path, &json!({"name":"Ada B","id":"other","creationTime":1})).expect(200);
    assert_eq!(
        (&renamed["name"], &renamed["id"], &renamed["creationTime"]),
        (&json!("Ada B"), &made["id"], &made["creationTime"])
    );
    assert_eq!(renamed["profile"]["email"]["email"], "ada@example.org");
    let changed =
        api.post(&path, &json!({"profile":{"email":{"email":"ada.ny@example.org"}}})).expect(200);
    assert_eq!(
        changed["profile"]["email"],
        json!({"type":"EmailJSON","email":"ada.ny@example.org","verified":false})
    );
    assert_eq!(changed["profile"]["locale"], made["profile"]["locale"]);
    // The address is an object's property and not the object.
    let refused = api.post(&path, &json!({"profile":{"email":"ada@example.org"}})).expect(400);
    assert!(refused["error_description"].as_str().unwrap().contains("profile.email"));
    assert_eq!(api.put(&path, &json!({"name":"x"})).status, 405);
    assert_eq!(api.patch(&path, &json!({"name":"x"})).status, 405);
    assert_eq!(api.delete(&format!("{path}?successor=nobody")).status, 400);
    assert_eq!(api.delete(&path).status, 200);
    assert_eq!(api.get(&path).expect(404)["error_code"], 404);
}

#[test]
fn logins_and_addresses_are_unique() {
    let sandbox = empty();
    let api = youtrack(&sandbox);
    api.post(HUB, &json!({"login":"ada","email":"ada@example.org"})).expect(200);
    for body in [
        json!({"login":"ADA"}),
        json!({"login":"other","profile":{"email":{"email":"Ada@example.org"}}}),
    ] {
        let taken = api.post(HUB, &body).expect(409);
        assert_eq!(taken["error_code"], 409);
    }
    assert_eq!(api.post(HUB, &json!({"name":"No login"})).expect(400)["error_field"], "login");
    assert_eq!(api.post(HUB, &json!({"login":"x","email":"nonsense"})).status, 400);
}

#[test]
fn lists_project_page_and_query_and_show_no_modified_time() {
    let sandbox = empty();
    let api = youtrack(&sandbox);
    for n in 0..6 {
        sandbox
            .put("youtrack", "users", json!({"login":format!("u{n}"),"profile":{"email":{"email":format!("u{n}@example.org")}}}))
            .unwrap();
    }
    let page = api
        .get("/hub/rest/users?fields=id,login,profile(email(email))&$skip=2&$top=3&orderBy=login")
        .expect(200);
    assert_eq!((&page["skip"], &page["top"], &page["total"]), (&json!(2), &json!(3), &json!(7)));
    let users = page["users"].as_array().unwrap();
    assert_eq!(users.len(), 3);
    assert_eq!(users[0].as_object().unwrap().len(), 4, "{}", users[0]);
    assert_eq!(
        (&users[0]["type"], &users[0]["profile"]["email"]["verified"]),
        (&json!("user"), &Value::Null)
    );
    assert_eq!(api.get(&format!("{HUB}?$skip=100")).expect(200)["users"], json!([]));
    let found = api.get(&format!("{HUB}?query=email:%20%7Bu3@example.org%7D")).expect(200);
    assert_eq!((&found["total"], &found["users"][0]["login"]), (&json!(1), &json!("u3")));
    let whole = found["users"][0].to_string().to_lowercase();
    assert!(!whole.contains("updated") && !whole.contains("modified") && !whole.contains("_pair"));
}

#[test]
fn paired_records_appear_after_the_delay_as_a_bare_array() {
    let options = Options { youtrack_pairing_delay: Duration::from_secs(30), ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let api = youtrack(&sandbox);
    let made =
        api.post(HUB, &json!({"login":"ada","name":"Ada","email":"ada@example.org"})).expect(200);
    let list = || api.get("/api/users?fields=id,ringId,login,fullName,email").expect(200);
    assert!(!list().as_array().unwrap().iter().any(|user| user["ringId"] == made["id"]));
    sandbox.set_clock_offset("youtrack", 31).unwrap();
    let users = list();
    let ada = users.as_array().unwrap().iter().find(|user| user["ringId"] == made["id"]).unwrap();
    assert_eq!(
        (&ada["id"], &ada["fullName"], &ada["email"], &ada["$type"]),
        (&json!("1-2"), &json!("Ada"), &json!("ada@example.org"), &json!("User"))
    );
    // Without fields only the id and the type come back.
    assert_eq!(api.get("/api/users/1-2").expect(200), json!({"$type":"User","id":"1-2"}));
    let renamed =
        api.post("/api/users/1-2?fields=fullName", &json!({"fullName":"Ada Berg"})).expect(200);
    assert_eq!(renamed["fullName"], "Ada Berg");
    assert_eq!(
        api.get(&format!("{HUB}/{}", made["id"].as_str().unwrap())).expect(200)["name"],
        "Ada Berg"
    );
}

#[test]
fn groups_and_organizations_have_one_name_or_key() {
    let sandbox = empty();
    let api = youtrack(&sandbox);
    let all = api.get("/api/groups?fields=id,name,allUsersGroup,usersCount").expect(200);
    assert_eq!((&all[0]["allUsersGroup"], &all[0]["usersCount"]), (&json!(true), &json!(1)));
    let fixed = format!("/api/groups/{}", all[0]["id"].as_str().unwrap());
    assert_eq!(api.post(&fixed, &json!({"name":"Alle"})).status, 403);
    assert_eq!(api.delete(&fixed).status, 403);
    let made = api.post("/api/groups?fields=id,name", &json!({"name":"Salg"})).expect(200);
    assert_eq!(made["$type"], "UserGroup");
    assert_eq!(api.post("/api/groups", &json!({"name":"salg"})).status, 409);
    let path = "/api/admin/organizations";
    let fields = "?fields=id,key,name,description";
    let made = api.post(&format!("{path}{fields}"), &json!({"name":"Fjordheim AS"})).expect(200);
    assert_eq!(made["key"], "FJORDHEIMAS");
    assert_eq!(api.post(path, &json!({"name":"x","key":"fjordheimas"})).status, 409);
    let own = format!("{path}/{}{fields}", made["id"].as_str().unwrap());
    assert_eq!(api.post(&own, &json!({"description":"Kunde"})).expect(200)["description"], "Kunde");
    assert_eq!(api.delete(&own).status, 200);
    assert_eq!(api.get(&own).status, 404);
}
