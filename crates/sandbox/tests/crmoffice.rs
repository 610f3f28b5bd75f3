//! CRMOffice over real HTTP: the placeholder contract.

use crate::support::{Caller, crmoffice, empty};
use lockstep_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

#[test]
fn a_refresh_token_opens_and_no_token_is_problem_details() {
    let sandbox = empty();
    let bare = Caller::new(sandbox.url("crmoffice").unwrap(), &[]);
    let refused = bare.get("/contacts");
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let wrong = bare
        .raw("POST", "/connect/token", &[], Some("grant_type=refresh_token&client_id=sandbox-crmoffice-client&client_secret=sandbox-crmoffice-secret&refresh_token=x"))
        .unwrap();
    assert_eq!(wrong.expect(400)["error"], "invalid_grant");
    let api = crmoffice(&sandbox);
    assert_eq!(api.get("/contacts").status, 200);
    sandbox.expire_tokens("crmoffice").unwrap();
    assert_eq!(api.get("/contacts").status, 401);
}

#[test]
fn records_come_all_at_once_and_change_by_patch_and_put() {
    let sandbox = empty();
    let api = crmoffice(&sandbox);
    let company = api.post("/companies", &json!({})).expect(201);
    assert_eq!(company["id"].as_str().unwrap().len(), 36);
    let made = api
        .post("/contacts", &json!({"givenName":"Ada","familyName":"Berg","directPhone":"22","email":"dropped@example.no","company":{"id":company["id"]}}))
        .expect(201);
    assert!(made.get("email").is_none() && made.get("modifiedAt").is_none());
    let refused = api.post("/contacts", &json!({"directPhone":"22"})).expect(400);
    assert!(refused["errors"]["givenName"].is_array());
    assert!(
        api.post("/contacts", &json!({"givenName":5})).expect(400)["errors"]["givenName"]
            .is_array()
    );
    assert!(
        api.post("/contacts", &json!({"givenName":"A","company":{"id":"none"}})).expect(400)["errors"]["company.id"].is_array()
    );
    let path = format!("/contacts/{}", made["id"].as_str().unwrap());
    let patched = api.patch(&path, &json!({"directPhone":null,"mobilePhone":"90"})).expect(200);
    assert_eq!(patched.get("directPhone"), None);
    assert_eq!(patched["givenName"], "Ada");
    let replaced = api.put(&path, &json!({"familyName":"Vik"})).expect(200);
    assert_eq!(replaced, json!({"id":made["id"],"familyName":"Vik"}));
    for n in 0..4 {
        sandbox.put("crmoffice", "contacts", json!({"givenName":format!("N{n}")})).unwrap();
    }
    // Nothing is known of pages: what asks for one gets everything.
    let page = api.get("/contacts?page=2&pageSize=3&whatever=1").expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 5);
    assert_eq!(api.delete(&path).status, 204);
    assert_eq!(api.get(&path).expect(404)["status"], 404);
    sandbox.put("crmoffice", "users", json!({"userName":"ada@example.no"})).unwrap();
    assert_eq!(api.get("/users").expect(200), json!([{"userName":"ada@example.no"}]));
}

#[test]
fn stamps_show_only_where_asked_for() {
    let options = Options {
        crmoffice_stamps: true,
        systems: vec!["crmoffice".to_owned()],
        ..Options::empty()
    };
    let sandbox = Sandbox::start(options).unwrap();
    assert_eq!(sandbox.url("wix"), None);
    let api = crmoffice(&sandbox);
    let made = api.post("/contacts", &json!({"givenName":"Ada"})).expect(201);
    assert_ne!(made["modifiedAt"], Value::Null);
    let path = format!("/contacts/{}", made["id"].as_str().unwrap());
    assert_eq!(
        api.patch(&path, &json!({"givenName":"Ada"})).expect(200)["modifiedAt"],
        made["modifiedAt"]
    );
}
