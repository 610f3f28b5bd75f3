//! Zendesk over real HTTP: identities, uniqueness, the agent rule, safe updates, exports, soft
//! deletion.

use crate::support;

use crate::support::{basic, credential, empty, zendesk};
use lockstep_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn the_api_token_opens_and_says_who_it_is() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    assert_eq!(api.get("/users/me.json").expect(200)["user"]["role"], "admin");
    let email = credential("zendesk", "ZENDESK_EMAIL");
    for authorization in [
        basic(&email, &credential("zendesk", "ZENDESK_API_TOKEN")),
        basic(&format!("{email}/token"), "wrong"),
    ] {
        let refused = api.with("GET", "/users", &[("authorization", &authorization)], None);
        assert_eq!(
            (refused.status, refused.json),
            (401, json!({"error":"Couldn't authenticate you"}))
        );
    }
    let limited = api.get("/users");
    assert_ne!(limited.header("x-rate-limit-remaining"), "");
}

/// A caller with a token of an OAuth client.
fn by_oauth(sandbox: &lockstep_sandbox::Running, scope: &str, form: bool) -> support::Caller {
    let of = |name| credential("zendesk", name);
    let (id, secret) = (of("ZENDESK_CLIENT_ID"), of("ZENDESK_CLIENT_SECRET"));
    let login = support::Caller::new(sandbox.url("zendesk").unwrap(), &[]);
    let answer = match form {
        true => {
            let scope = scope.replace(' ', "+");
            let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}");
            let kind = ("content-type", "application/x-www-form-urlencoded");
            login.raw("POST", "/oauth/tokens", &[kind], Some(&form)).unwrap()
        }
        false => login.post(
            "/oauth/tokens",
            &json!({"grant_type":"client_credentials","client_id":id,"client_secret":secret,"scope":scope}),
        ),
    };
    let answer = answer.expect(200);
    assert_eq!(answer["expires_in"], 1800);
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    support::Caller::new(
        format!("{}/api/v2", sandbox.url("zendesk").unwrap()),
        &[("authorization", &bearer)],
    )
}

#[test]
fn an_oauth_client_gets_a_token_for_half_an_hour() {
    let sandbox = empty();
    for form in [false, true] {
        let api = by_oauth(&sandbox, "read write", form);
        api.get("/users/me").expect(200);
        api.post("/organizations", &json!({"organization":{"name":format!("Fjellheim {form}")}}))
            .expect(201);
        sandbox.set_clock_offset("zendesk", 1801).unwrap();
        assert_eq!(api.get("/users/me").status, 401);
        sandbox.set_clock_offset("zendesk", 0).unwrap();
    }
    let api = by_oauth(&sandbox, "read write", true);
    sandbox.expire_tokens("zendesk").unwrap();
    assert_eq!(api.get("/users/me").status, 401);
    // Scopes bind; one for users does not reach their addresses.
    assert_eq!(
        by_oauth(&sandbox, "read", true).post("/users", &json!({"user":{"name":"Ada"}})).status,
        403
    );
    let api = by_oauth(&sandbox, "users:read users:write", true);
    let user =
        api.post("/users", &json!({"user":{"name":"Ada"}})).expect(201)["user"]["id"].clone();
    assert_eq!(api.get("/tickets").status, 403);
    let identity = json!({"identity":{"type":"email","value":"ada@example.com"}});
    assert_eq!(api.post(&format!("/users/{user}/identities"), &identity).status, 403);
    let login = support::Caller::new(sandbox.url("zendesk").unwrap(), &[]);
    let wrong = json!({"grant_type":"client_credentials","client_id":"x","client_secret":"y"});
    assert_eq!(login.post("/oauth/tokens", &wrong).expect(401)["error"], "invalid_client");
}

#[test]
fn an_archived_ticket_is_not_listed_and_is_there() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    sandbox.set_clock_offset("zendesk", -121 * 86_400).unwrap();
    let add = |subject: &str, status: &str| {
        let body = json!({"subject":subject,"comment":{"body":"Hei"},"status":status,"external_id":subject});
        sandbox.put("zendesk", "tickets", body).unwrap()["id"].clone()
    };
    let (archived, open) = (add("old", "closed"), add("open", "open"));
    sandbox.set_clock_offset("zendesk", 0).unwrap();
    add("just closed", "closed");
    let listed = api.get("/tickets?page%5Bsize%5D=100").expect(200)["tickets"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["id"], open);
    assert_eq!(api.get("/tickets?external_id=old").expect(200)["tickets"], json!([]));
    assert_eq!(api.get(&format!("/tickets/{archived}")).expect(200)["ticket"]["subject"], "old");
    assert_eq!(api.get("/search?query=type:ticket%20external_id:old").expect(200)["count"], 1);
    let export = |query: &str| api.get(&format!("/incremental/tickets/cursor?{query}")).expect(200);
    assert_eq!(export("start_time=0")["tickets"].as_array().unwrap().len(), 3);
    api.delete(&format!("/tickets/{open}"));
    assert_eq!(export("start_time=0")["tickets"].as_array().unwrap().len(), 3);
    assert_eq!(export("start_time=0&exclude_deleted=true")["tickets"].as_array().unwrap().len(), 2);
    assert_eq!(api.get("/incremental/tickets/cursor?start_time=0&cursor=MHwx").status, 400);
}

#[test]
fn a_new_address_is_mailed_unless_that_is_skipped() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let mails = || {
        let sent = sandbox.records("zendesk", "mails").unwrap();
        sent.iter().map(|mail| mail["to"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let make = |email: &str, skip: bool| {
        let body = json!({"user":{"name":"Ada","email":email,"skip_verify_email":skip}});
        api.post("/users", &body).expect(201)["user"]["id"].clone()
    };
    let quiet = make("a@example.com", true);
    assert_eq!(mails(), Vec::<String>::new());
    make("b@example.com", false);
    let identity = |value: &str, skip: bool| {
        let body = json!({"identity":{"type":"email","value":value,"verified":true,"skip_verify_email":skip}});
        api.post(&format!("/users/{quiet}/identities"), &body).expect(201);
    };
    identity("c@example.com", true);
    identity("d@example.com", false);
    assert_eq!(mails(), ["b@example.com", "d@example.com"]);
}

#[test]
fn more_organizations_in_a_second_than_a_page_holds_are_one_page_for_ever() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    for n in 0..3 {
        sandbox.put("zendesk", "organizations", json!({"name":format!("Org {n}")})).unwrap();
    }
    let second = |record: &Value| record["updated_at"].clone();
    let made = sandbox.records("zendesk", "organizations").unwrap();
    if made.iter().all(|one| second(one) == second(&made[0])) {
        let first = api.get("/incremental/organizations?start_time=0&per_page=2").expect(200);
        assert_eq!(first["end_of_stream"], false);
        let next = api.get(first["next_page"].as_str().unwrap()).expect(200);
        assert_eq!(next["organizations"], first["organizations"]);
    }
}

#[test]
fn lists_page_by_cursor_and_by_offset() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    for n in 0..5 {
        sandbox.put("zendesk", "organizations", json!({"name":format!("Org {n}")})).unwrap();
    }
    let first = api.get("/organizations?page%5Bsize%5D=2").expect(200);
    assert_eq!(first["meta"]["has_more"], true);
    let mut names: Vec<Value> = Vec::new();
    let mut page = first;
    loop {
        names.extend(
            page["organizations"].as_array().unwrap().iter().map(|one| one["name"].clone()),
        );
        if page["meta"]["has_more"] == false {
            break;
        }
        page = api.get(page["links"]["next"].as_str().unwrap()).expect(200);
    }
    assert_eq!(names, ["Org 0", "Org 1", "Org 2", "Org 3", "Org 4"]);
    assert_eq!(page["links"]["next"], Value::Null);
    let offset = api.get("/organizations?per_page=3").expect(200);
    assert_eq!(offset["count"], 5);
    assert_eq!(
        api.get(offset["next_page"].as_str().unwrap()).expect(200)["organizations"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(api.get("/organizations?page=102&per_page=100").status, 400);
    assert!(offset["organizations"][0]["id"].as_i64().unwrap() >= 10_000_000_000_000);
}

#[test]
fn an_email_is_set_on_creation_and_changed_only_by_identities() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let made = api.post(
        "/users",
        &json!({"user":{"name":"Ada Berg","email":"ada@example.no","skip_verify_email":true}}),
    );
    let place = made.header("location").to_owned();
    let user = made.expect(201)["user"].clone();
    assert_eq!(user["role"], "end-user");
    assert!(place.ends_with(&format!("/users/{}.json", user["id"])) && place.starts_with("http"));
    let path = format!("/users/{}", user["id"]);
    let updated = api
        .put(&path, &json!({"user":{"email":"ada.ny@example.no","phone":"+4722000000"}}))
        .expect(200)["user"]
        .clone();
    assert_eq!(
        (&updated["email"], &updated["phone"]),
        (&json!("ada@example.no"), &json!("+4722000000"))
    );
    let identities = api.get(&format!("{path}/identities")).expect(200)["identities"].clone();
    assert_eq!(identities.as_array().unwrap().len(), 2);
    let second = identities
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["value"] == "ada.ny@example.no")
        .unwrap();
    assert_eq!(second["primary"], false);
    api.put(&format!("{path}/identities/{}/make_primary", second["id"]), &json!({})).expect(200);
    assert_eq!(api.get(&path).expect(200)["user"]["email"], "ada.ny@example.no");
    // Changing the primary one's value changes the address as well.
    api.put(
        &format!("{path}/identities/{}", second["id"]),
        &json!({"identity":{"value":"ada3@example.no","verified":true}}),
    )
    .expect(200);
    assert_eq!(api.get(&path).expect(200)["user"]["email"], "ada3@example.no");
    assert_eq!(api.delete(&format!("{path}/identities/{}", second["id"])).status, 422);

    // An address is taken by its secondary owner too, whatever its case.
    let taken =
        api.post("/users", &json!({"user":{"name":"Other","email":"ADA@example.no"}})).expect(422);
    assert_eq!(taken["error"], "RecordInvalid");
    assert_eq!(taken["details"]["email"][0]["error"], "DuplicateValue");
    assert_eq!(
        api.post("/users", &json!({"user":{"email":"x@example.no"}})).expect(422)["details"]["name"]
            [0]["error"],
        "BlankValue"
    );
    assert!(
        api.post("/users", &json!({"user":{"name":"X","organization_id":1}})).expect(422)["details"]["organization_id"]
            .is_array()
    );
    assert!(api.post("/users", &json!({"user":{"name":"X","role":"boss"}})).expect(422)["details"]["role"].is_array());
}

#[test]
fn create_or_update_finds_by_address_or_external_id() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let send = |body: Value| api.post("/users/create_or_update", &json!({"user": body}));
    let made = send(json!({"name":"Ada","email":"ada@example.no","external_id":"hub-1"}))
        .expect(201)["user"]
        .clone();
    let again =
        send(json!({"name":"Ada Berg","email":"Ada@example.no"})).expect(200)["user"].clone();
    assert_eq!(
        (&again["id"], &again["name"], &again["email"]),
        (&made["id"], &json!("Ada Berg"), &json!("Ada@example.no"))
    );
    assert_eq!(
        send(json!({"name":"Ada B","external_id":"HUB-1"})).expect(200)["user"]["id"],
        made["id"]
    );
    assert_eq!(api.get("/users/search?external_id=hub-1").expect(200)["count"], 1);
    assert_eq!(
        api.get("/users/search?query=ada@example.no").expect(200)["users"][0]["id"],
        made["id"]
    );
    assert_eq!(api.post("/users/create_many", &json!({"users":[]})).status, 403);
}

#[test]
fn users_are_deleted_softly_and_organizations_for_good() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let organization = api
        .post("/organizations", &json!({"organization":{"name":" Nordlys AS "}}))
        .expect(201)["organization"]
        .clone();
    assert_eq!(organization["name"], "Nordlys AS");
    let taken =
        api.post("/organizations", &json!({"organization":{"name":"nordlys as"}})).expect(422);
    assert_eq!(
        taken["details"]["name"][0],
        json!({"description":"Name: has already been taken","error":"DuplicateValue"})
    );
    let user = api
        .post("/users", &json!({"user":{"name":"Ada","email":"ada@example.no","organization_id":organization["id"]}}))
        .expect(201)["user"]
        .clone();
    let path = format!("/users/{}", user["id"]);
    assert_eq!(api.delete(&path).expect(200)["user"]["active"], false);
    assert_eq!(api.get(&path).expect(200)["user"]["active"], false);
    assert_eq!(api.put(&path, &json!({"user":{"name":"x"}})).status, 422);
    assert_eq!(api.get("/users").expect(200)["count"], 1);
    // Its address is free again.
    let other = api
        .post("/users", &json!({"user":{"name":"Ada","email":"ada@example.no","organization_id":organization["id"]}}))
        .expect(201)["user"]
        .clone();
    assert_eq!(api.delete(&format!("/organizations/{}", organization["id"])).status, 204);
    assert_eq!(
        api.get(&format!("/organizations/{}", organization["id"])).expect(404)["error"],
        "RecordNotFound"
    );
    assert_eq!(
        api.get(&format!("/users/{}", other["id"])).expect(200)["user"]["organization_id"],
        Value::Null
    );
}

#[test]
fn tickets_refuse_what_does_not_exist_or_may_not_be() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let add = |name: &str, role: &str, organization: &Value| {
        sandbox
            .put(
                "zendesk",
                "users",
                json!({"name":name,"email":format!("{name}@example.no"),"role":role,"organization_id":organization}),
            )
            .unwrap()["id"]
            .clone()
    };
    let organization =
        sandbox.put("zendesk", "organizations", json!({"name":"Nordlys"})).unwrap()["id"].clone();
    let (agent, customer) =
        (add("agent", "agent", &Value::Null), add("customer", "end-user", &organization));
    let create = |body: Value| api.post("/tickets", &json!({"ticket": body}));
    assert_eq!(
        create(json!({"subject":"Hjelp"})).expect(422)["details"]["comment"][0]["error"],
        "BlankValue"
    );
    let ticket = create(json!({"subject":"Hjelp","comment":{"body":"Hei"},"requester_id":customer,"assignee_id":agent,"due_at":"2030-01-01T00:00:00Z"})).expect(201)["ticket"].clone();
    assert_eq!(
        (&ticket["organization_id"], &ticket["status"], &ticket["description"]),
        (&organization, &json!("open"), &json!("Hei"))
    );
    // Only a task has a due date; the other's is dropped.
    assert_eq!(ticket["due_at"], Value::Null);
    let path = format!("/tickets/{}", ticket["id"]);
    let task = api
        .put(&path, &json!({"ticket":{"type":"task","due_at":"2030-01-01T00:00:00Z"}}))
        .expect(200);
    assert_eq!(task["ticket"]["due_at"], "2030-01-01T00:00:00Z");
    // Everything that is wrong is named at once.
    let wrong =
        api.put(&path, &json!({"ticket":{"assignee_id":customer,"requester_id":1,"due_at":120,"status":"gone"}})).expect(422);
    let mut fields: Vec<&String> = wrong["details"].as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["assignee_id", "due_at", "requester_id", "status"]);
    assert!(
        create(json!({"comment":{"body":"x"},"requester_id":agent,"organization_id":organization}))
            .expect(422)["details"]["organization_id"]
            .is_array()
    );
    assert!(
        create(json!({"comment":{"body":"x"},"requester":{"email":"new@example.no"}})).expect(422)
            ["details"]["requester"]
            .is_array()
    );
    let new =
        create(json!({"comment":{"body":"x"},"requester":{"name":"New","email":"new@example.no"}}))
            .expect(201);
    assert_eq!(
        api.get(&format!("/users/{}", new["ticket"]["requester_id"])).expect(200)["user"]["email"],
        "new@example.no"
    );
    api.put(&path, &json!({"ticket":{"status":"closed"}})).expect(200);
    assert_eq!(api.put(&path, &json!({"ticket":{"subject":"x"}})).status, 422);
}

#[test]
fn a_safe_update_with_an_old_stamp_is_a_conflict() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    sandbox.set_clock_offset("zendesk", -100).unwrap();
    let ticket = sandbox
        .put("zendesk", "tickets", json!({"subject":"Hjelp","comment":{"body":"Hei"}}))
        .unwrap();
    sandbox.set_clock_offset("zendesk", 0).unwrap();
    let path = format!("/tickets/{}", ticket["id"]);
    let safe = |subject: &str| {
        api.put(&path, &json!({"ticket":{"subject":subject,"safe_update":true,"updated_stamp":ticket["updated_at"]}}))
    };
    assert_eq!(safe("First").status, 200);
    let conflict = safe("Second").expect(409);
    assert_eq!(conflict["error"], "UpdateConflict");
    assert_eq!(
        api.put(&path, &json!({"ticket":{"subject":"Third"}})).expect(200)["ticket"]["raw_subject"],
        "Third"
    );
}

#[test]
fn an_idempotency_key_creates_once() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let send =
        |body: &Value| api.with("POST", "/tickets", &[("idempotency-key", "k1")], Some(body));
    let body = json!({"ticket":{"subject":"A","comment":{"body":"x"}}});
    let first = send(&body);
    assert_eq!(first.header("x-idempotency-lookup"), "miss");
    let again = send(&body);
    assert_eq!(again.header("x-idempotency-lookup"), "hit");
    assert_eq!(first.expect(201)["ticket"]["id"], again.expect(201)["ticket"]["id"]);
    assert_eq!(send(&json!({"ticket":{"subject":"B","comment":{"body":"x"}}})).status, 400);
    assert_eq!(sandbox.writes()["zendesk"]["tickets"].create, 1);
}

#[test]
fn exports_show_changes_and_deletions_once_the_lag_has_passed() {
    let lagging = Options { zendesk_incremental_lag: Duration::from_secs(60), ..Options::empty() };
    let sandbox = Sandbox::start(lagging).unwrap();
    let api = zendesk(&sandbox);
    sandbox.set_clock_offset("zendesk", -3600).unwrap();
    let ids: Vec<Value> = (0..3)
        .map(|n| {
            sandbox
                .put(
                    "zendesk",
                    "tickets",
                    json!({"subject":format!("T{n}"),"comment":{"body":"x"}}),
                )
                .unwrap()["id"]
                .clone()
        })
        .collect();
    sandbox.put("zendesk", "organizations", json!({"name":"Nordlys"})).unwrap();
    assert_eq!(
        api.get("/incremental/tickets/cursor?start_time=0").expect(200)["tickets"],
        json!([])
    );
    sandbox.set_clock_offset("zendesk", -3000).unwrap();
    let first = api.get("/incremental/tickets/cursor.json?start_time=0&per_page=2").expect(200);
    assert_eq!(
        (first["tickets"].as_array().unwrap().len(), &first["end_of_stream"]),
        (2, &json!(false))
    );
    let second = api.get(first["after_url"].as_str().unwrap()).expect(200);
    assert_eq!((&second["tickets"][0]["id"], &second["end_of_stream"]), (&ids[2], &json!(true)));
    let cursor = second["after_cursor"].as_str().unwrap().replace('=', "%3D");
    api.delete(&format!("/tickets/{}", ids[0]));
    let quiet = api.get(&format!("/incremental/tickets/cursor?cursor={cursor}")).expect(200);
    assert_eq!(quiet["tickets"], json!([]));
    sandbox.set_clock_offset("zendesk", -2000).unwrap();
    let later = api.get(&format!("/incremental/tickets/cursor?cursor={cursor}")).expect(200);
    assert_eq!(
        (&later["tickets"][0]["id"], &later["tickets"][0]["status"]),
        (&ids[0], &json!("deleted"))
    );
    assert_eq!(api.get(&format!("/tickets/{}", ids[0])).status, 404);
    assert_eq!(api.get("/deleted_tickets").expect(200)["count"], 1);
    assert_eq!(api.put(&format!("/deleted_tickets/{}/restore", ids[0]), &json!({})).status, 200);
    assert_eq!(api.get(&format!("/tickets/{}", ids[0])).status, 200);
    let organizations = api.get("/incremental/organizations?start_time=0").expect(200);
    assert_eq!(
        (&organizations["count"], &organizations["end_of_stream"]),
        (&json!(1), &json!(true))
    );
    let repeated = api.get(organizations["next_page"].as_str().unwrap()).expect(200);
    assert_eq!(repeated["count"], 1);
    assert_eq!(api.get("/incremental/users/cursor").status, 400);
}

#[test]
fn bulk_changes_are_jobs() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let job = api
        .post(
            "/organizations/create_many",
            &json!({"organizations":[{"name":"A"},{"name":"a"},{"name":"B"}]}),
        )
        .expect(200)["job_status"]
        .clone();
    assert_eq!(job["status"], "queued");
    let done = api.get(job["url"].as_str().unwrap()).expect(200)["job_status"].clone();
    assert_eq!(done["status"], "completed");
    let success: Vec<&Value> =
        done["results"].as_array().unwrap().iter().map(|one| &one["success"]).collect();
    assert_eq!(success, [true, false, true]);
    assert_eq!(sandbox.writes()["zendesk"]["organizations"].create, 2);
}
