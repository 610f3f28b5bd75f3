//! What the built-in manifests make of answers that the vendors document and the sandbox does not
//! give.

use std::path::Path;

use lockstep_connector::catalogue::connect;
use lockstep_connector::{Connector, Outcome};
use serde_json::{Value, json};

use super::{create, get, update, watch};
use crate::serving::{Server, serve};

/// A system that lets everybody in, and gives this answer to whatever else it is asked.
fn answering(status: u16, body: &Value) -> Server {
    let body = body.to_string();
    serve(move |asked| match asked.path.contains("token") {
        true => {
            (200, String::new(), json!({"access_token": "given", "expires_in": 3600}).to_string())
        }
        false => (status, String::new(), body.clone()),
    })
}

fn open(system: &str, server: &Server) -> Box<dyn Connector> {
    let with = json!({
        "base_url": server.address, "login_url": server.address, "access_token": "t", "client_id": "c",
        "client_secret": "secret", "refresh_token": "refresh", "division": "1", "rate_per_second": 1000,
    });
    let known = lockstep_connector::catalogue::settings(system);
    let with = with.as_object().unwrap().clone().into_iter().filter(|(name, _)| {
        name == "rate_per_second" || known.iter().any(|setting| setting.name == *name)
    });
    connect(system, &with.collect(), Path::new(".")).unwrap()
}

#[test]
fn c2_a_time_out_leaves_open_whether_a_write_was_done() {
    let timed_out = json!({"error": {"message": {"value": "The request timed out"}}});
    let server = answering(500, &timed_out);
    let exact = open("exact-online", &server);
    let outcome = create(&*exact, "Accounts", &watch(&["Name"]), &[(0, json!("Moen AS"))]);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    // What was not done for sure is only taken later.
    let deadlock = json!({"error": {"message": {"value": "Transaction was deadlocked: deadlock"}}});
    let server = answering(500, &deadlock);
    let exact = open("exact-online", &server);
    let outcome = create(&*exact, "Accounts", &watch(&["Name"]), &[(0, json!("Moen AS"))]);
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
}

#[test]
fn c2_an_error_after_a_mutation_leaves_open_whether_it_was_done() {
    let of = |code: &str, path: Value, data: Value| {
        let server = answering(
            200,
            &json!({"errors": [{"message": "no", "path": path, "extensions": {"code": code}}], "data": data}),
        );
        let shopify = open("shopify", &server);
        create(&*shopify, "Customers", &watch(&["firstName"]), &[(0, json!("Eira"))])
    };
    let below = json!(["customerCreate", "customer", "amountSpent"]);
    let made = json!({"customerCreate": {"customer": null, "userErrors": []}});
    for code in ["ACCESS_DENIED", "THROTTLED", "INTERNAL_SERVER_ERROR"] {
        let outcome = of(code, below.clone(), made.clone());
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{code}: {outcome:?}");
    }
    let outcome = of("INTERNAL_SERVER_ERROR", Value::Null, Value::Null);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    let outcome = of("THROTTLED", Value::Null, Value::Null);
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    let outcome = of("ACCESS_DENIED", json!(["customerCreate"]), Value::Null);
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
}

#[test]
fn r3_a_reference_that_leads_nowhere_is_no_word_that_the_record_is_gone() {
    let of = |path: &str| {
        let refused = json!({"data": [{"code": "INVALID_DATA", "status": "error", "message": "the id given seems to be invalid",
            "details": {"api_name": "id", "json_path": path}}]});
        let server = serve(move |asked| match asked.method.as_str() {
            "GET" => (
                200,
                String::new(),
                json!({"data": [{"id": "7", "Last_Name": "Moen"}]}).to_string(),
            ),
            "PUT" => (400, String::new(), refused.to_string()),
            _ => (
                200,
                String::new(),
                json!({"access_token": "given", "expires_in": 3600}).to_string(),
            ),
        });
        let zoho = open("zoho-crm", &server);
        let watch = watch(&["Last_Name", "Account_Name"]);
        let moen = get(&*zoho, "Contacts", &watch, "7");
        update(&*zoho, "Contacts", &watch, &moen, 1, json!("4876876000009999999"))
    };
    let outcome = of("$.data[0].Account_Name.id");
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    let outcome = of("$.data[0].id");
    assert!(matches!(outcome, Outcome::Gone { .. }), "{outcome:?}");
}
