//! What is common to all systems: sample data, people's edits, faults, budgets, lag, and the page
//! of what is here.

use crate::support::{Caller, empty, superoffice, wix, zendesk};
use lockstep_sandbox::{Fault, FaultKind, Options, SYSTEMS, Sandbox, StartError};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

fn email_set(records: &[Value], get: impl Fn(&Value) -> Vec<Value>) -> HashSet<String> {
    records
        .iter()
        .flat_map(get)
        .filter_map(|email| email.as_str().map(|text| text.trim().to_lowercase()))
        .filter(|email| !email.is_empty())
        .collect()
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value.as_array().into_iter().flatten().map(|item| item[name].clone()).collect()
}

#[test]
fn the_sample_data_has_something_to_link_to_create_and_to_hold() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let records = |system: &str, name: &str| sandbox.records(system, name).unwrap();
    let persons = records("superoffice", "Person");
    let contacts = records("wix", "contacts");
    let of_persons = email_set(&persons, |person| list(&person["Emails"], "Value"));
    let of_contacts =
        email_set(&contacts, |contact| list(&contact["info"]["emails"]["items"], "email"));
    let of_agents = email_set(&records("zendesk", "users"), |user| vec![user["email"].clone()]);
    let of_users =
        email_set(&records("superoffice", "User"), |user| vec![user["personEmail"].clone()]);
    let of_hub = email_set(&records("youtrack", "users"), |user| {
        vec![user["profile"]["email"]["email"].clone()]
    });
    let of_members =
        email_set(&records("wix", "members"), |member| vec![member["loginEmail"].clone()]);
    let common = |a: &HashSet<String>, b: &HashSet<String>| a.intersection(b).count();
    assert!(common(&of_persons, &of_contacts) > 30);
    assert!(common(&of_users, &of_contacts) >= 3);
    assert!(common(&of_users, &of_agents) >= 4 && of_users.len() > common(&of_users, &of_agents));
    assert!(common(&of_persons, &of_agents) > 8);
    assert!(common(&of_hub, &of_contacts) > 8 && common(&of_hub, &of_members) > 8);
    // Mess: shared, missing and differently written addresses.
    let texts: Vec<String> = persons
        .iter()
        .flat_map(|person| list(&person["Emails"], "Value"))
        .filter_map(|email| email.as_str().map(str::to_owned))
        .collect();
    assert!(texts.iter().filter(|email| email.starts_with("post@")).count() >= 3);
    assert!(texts.iter().any(|email| email.ends_with(' ')));
    assert!(texts.iter().any(|email| email.chars().any(char::is_uppercase)));
    assert!(persons.iter().any(|person| person["Emails"] == json!([])));
    assert!(
        contacts.iter().filter(|contact| contact["info"]["company"] == "(import)").count() == 1
    );
    // Companies: some known to Zendesk, most not.
    let names =
        |records: &[Value], name: &str| email_set(records, |record| vec![record[name].clone()]);
    let shared = common(
        &names(&records("superoffice", "Contact"), "Name"),
        &names(&records("zendesk", "organizations"), "name"),
    );
    assert!((4..=10).contains(&shared), "{shared}");
    let customers = records("poweroffice-go", "Customers");
    assert!(
        customers.iter().any(|one| one["IsPerson"] == true)
            && customers.iter().any(|one| one["FirstName"].is_null())
    );
    let total: usize = SYSTEMS
        .iter()
        .flat_map(|system| {
            lockstep_sandbox::collections(system)
                .into_iter()
                .map(|name| records(system, &name).len())
                .collect::<Vec<_>>()
        })
        .sum();
    assert!(total > 350, "{total}");
    assert!(of_persons.iter().chain(&of_contacts).all(|email| email.contains("example.")));
}

#[test]
fn one_seed_gives_the_same_ids_and_another_seed_others() {
    let ids = |seed: u64| {
        let sandbox = Sandbox::start(Options { seed, ..Options::default() }).unwrap();
        let records = sandbox.records("wix", "contacts").unwrap();
        records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(7), ids(7));
    assert_ne!(ids(7), ids(8));
}

#[test]
fn a_persons_edits_are_seen_by_the_systems_and_not_counted() {
    let sandbox = empty();
    let admin = Caller::new(sandbox.root(), &[]);
    let made = admin
        .post(
            "/_sandbox/superoffice/Person",
            &json!({"Firstname":"Ada","Emails":[{"Value":"a@example.no"}]}),
        )
        .expect(200);
    let path = format!("/_sandbox/superoffice/person/{}", made["PersonId"]);
    let edited = admin.patch(&path, &json!({"Emails":[{"Value":"b@example.no"}]})).expect(200);
    assert_eq!(edited["Emails"][0]["Value"], "b@example.no");
    assert_eq!(edited["Firstname"], "Ada");
    assert_eq!(admin.get("/_sandbox/superoffice/Person").expect(200).as_array().unwrap().len(), 1);
    assert_eq!(admin.get("/_sandbox/writes").expect(200), json!({"total":0,"writes":{}}));
    assert_eq!(admin.get("/_sandbox/requests").expect(200)["requests"], json!([]));
    assert_eq!(
        superoffice(&sandbox).get(&format!("/Person/{}", made["PersonId"])).expect(200)["Emails"]
            [0]["Value"],
        "b@example.no"
    );
    let log = admin.get("/_sandbox/requests?since=0").expect(200);
    assert_eq!(log["requests"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&log["requests"][0]["method"], &log["requests"][0]["status"]),
        (&json!("GET"), &json!(200))
    );
    assert_eq!(admin.get("/_sandbox/requests?since=1").expect(200)["requests"], json!([]));
    assert_eq!(admin.delete(&path).status, 200);
    assert_eq!(admin.delete(&path).status, 404);
    let unknown = admin.get("/_sandbox/superoffice/Appointment").expect(404);
    assert!(unknown["error"].as_str().unwrap().contains("Person, Contact, Ticket, User"));
    // Names of the dataflow documents lead to the same records.
    assert!(sandbox.records("poweroffice-go", "Contactperson").is_ok());
    assert!(sandbox.records("crmoffice", "Companies").is_ok());
}

#[test]
fn a_lost_answer_does_the_work_and_a_refused_connection_does_not() {
    let sandbox = empty();
    let api = zendesk(&sandbox);
    let body = json!({"organization":{"name":"Nordlys"}}).to_string();
    let send =
        || api.raw("POST", "/organizations", &[("content-type", "application/json")], Some(&body));
    sandbox.fault("zendesk", Fault::new(FaultKind::Down, 1)).unwrap();
    assert!(send().is_err());
    assert_eq!(sandbox.records("zendesk", "organizations").unwrap().len(), 0);
    sandbox
        .fault(
            "zendesk",
            Fault::new(FaultKind::LostAnswer, 1).on_method("POST").on_path("/organizations"),
        )
        .unwrap();
    // Another request is not struck.
    assert_eq!(api.get("/users").status, 200);
    assert!(send().is_err());
    assert_eq!(sandbox.records("zendesk", "organizations").unwrap().len(), 1);
    assert_eq!(sandbox.writes()["zendesk"]["organizations"].create, 1);
    assert_eq!(send().unwrap().status, 422);
    let log = sandbox.requests(0);
    let lost = log.iter().find(|request| request.fault == Some(FaultKind::LostAnswer)).unwrap();
    assert!(lost.changed && lost.status == 0);
}

#[test]
fn other_faults_answer_what_they_are_told() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let admin = Caller::new(sandbox.root(), &[]);
    let arm = |fault: Value| admin.post("/_sandbox/wix/faults", &fault).expect(200);
    arm(json!({"next":2,"kind":"status","status":503,"retry_after":7}));
    for _ in 0..2 {
        let answer = api.get("/contacts/v4/contacts");
        assert_eq!(
            (answer.status, answer.header("retry-after"), answer.json.is_null()),
            (503, "7", true)
        );
    }
    arm(json!({"kind":"status","status":429,"retry_after":3}));
    let throttled = api.get("/contacts/v4/contacts");
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, "3"));
    arm(json!({"kind":"unauthorized"}));
    assert_eq!(api.get("/contacts/v4/contacts").status, 401);
    arm(json!({"kind":"broken-json"}));
    let broken = api.get("/contacts/v4/contacts");
    assert_eq!((broken.status, broken.json.is_null()), (200, true));
    assert!(!broken.text.is_empty());
    arm(json!({"next":5,"kind":"down"}));
    assert_eq!(admin.get("/_sandbox/wix/faults").expect(200)["faults"][0]["next"], 5);
    admin.delete("/_sandbox/wix/faults").expect(200);
    assert_eq!(api.get("/contacts/v4/contacts").status, 200);
    assert_eq!(admin.post("/_sandbox/wix/faults", &json!({"kind":"flood"})).status, 400);
}

#[test]
fn a_hanging_request_keeps_nothing_else_waiting_and_the_sandbox_stops() {
    let sandbox = empty();
    sandbox.fault("wix", Fault::new(FaultKind::Hang, 1)).unwrap();
    let api = wix(&sandbox);
    let hanging =
        std::thread::spawn(move || api.raw("GET", "/contacts/v4/contacts", &[], None).is_err());
    while sandbox.requests(0).is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(wix(&sandbox).get("/contacts/v4/contacts").status, 200);
    sandbox.shutdown();
    assert!(hanging.join().unwrap());
}

#[test]
fn budgets_are_the_vendors_times_the_scale() {
    let sandbox = Sandbox::start(Options { rate_scale: 1.0, ..Options::empty() }).unwrap();
    let api = zendesk(&sandbox);
    for _ in 0..10 {
        assert_eq!(api.get("/incremental/users/cursor?start_time=0").status, 200);
    }
    let over = api.get("/incremental/users/cursor?start_time=0");
    assert_eq!(over.status, 429);
    assert!(over.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(api.get("/users").status, 200);
}

#[test]
fn lists_lag_and_reading_by_id_does_not() {
    let sandbox =
        Sandbox::start(Options { list_lag: Duration::from_secs(30), ..Options::empty() }).unwrap();
    let api = wix(&sandbox);
    let made = api
        .post("/contacts/v4/contacts", &json!({"info":{"name":{"first":"Ada"}}}))
        .expect(200)["contact"]["id"]
        .clone();
    assert_eq!(api.get("/contacts/v4/contacts").expect(200)["contacts"], json!([]));
    assert_eq!(api.get(&format!("/contacts/v4/contacts/{}", made.as_str().unwrap())).status, 200);
    sandbox.set_clock_offset("wix", 31).unwrap();
    assert_eq!(
        api.get("/contacts/v4/contacts").expect(200)["contacts"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn the_first_page_shows_addresses_and_commands() {
    let sandbox = Sandbox::start(Options {
        systems: vec!["wix".to_owned(), "zendesk".to_owned()],
        ..Options::default()
    })
    .unwrap();
    let page = Caller::new(sandbox.root(), &[]).get("/").text;
    assert!(page.contains(&sandbox.url("wix").unwrap()) && page.contains("curl -X PATCH"));
    assert!(!page.contains("superoffice</h2>"));
    assert!(sandbox.url("superoffice").is_none());
    assert_eq!(Caller::new(sandbox.root(), &[]).get("/superoffice/x").status, 404);
    let taken = Sandbox::start(Options { port: sandbox.port(), ..Options::empty() });
    assert!(matches!(taken, Err(StartError::Listen { .. })));
    let unknown =
        Sandbox::start(Options { systems: vec!["nowhere".to_owned()], ..Options::empty() });
    assert!(matches!(unknown, Err(StartError::UnknownSystem(name)) if name == "nowhere"));
}
