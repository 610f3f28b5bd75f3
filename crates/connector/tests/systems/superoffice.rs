//! SuperOffice: archive rows and entities, tickets, associates that can only be listed.

use lockstep_connector::Outcome;
use lockstep_connector::contract::{Subject, check, read_all};
use serde_json::{Value, json};

use super::{create, done, get, open, pick, read, sandbox, update, watch};

const PERSON: [&str; 5] =
    ["Firstname", "Lastname", "Emails.Value", "PrivatePhones.Value", "Contact.ContactId"];

#[test]
fn persons_keep_the_contract() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    check(&Subject {
        connector: &*superoffice,
        kind: "Person",
        watch: watch(&PERSON),
        creates: vec![
            vec![
                json!("Ragna"),
                json!("Holm"),
                json!("ragna.holm@example.com"),
                json!("+47 22 11 00 99"),
                Value::Null,
            ],
            vec![json!("Torstein"), json!("Vik"), Value::Null, Value::Null, Value::Null],
        ],
        update: (2, json!("ragna@example.com")),
        unknown_id: "999999",
        refuses_stale_versions: false,
    });
}

#[test]
fn contacts_and_tickets_keep_the_contract() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let subject = Subject {
        connector: &*superoffice,
        kind: "Contact",
        watch: watch(&["Name", "OrgNr"]),
        creates: vec![
            vec![json!("Fjordheim AS"), json!("987654321")],
            vec![json!("Havblikk AS"), Value::Null],
        ],
        update: (0, json!("Fjordheim Drift AS")),
        unknown_id: "999999",
        refuses_stale_versions: false,
    };
    check(&subject);
    check(&Subject {
        kind: "Ticket",
        watch: watch(&["Title", "Person.PersonId", "OwnedBy.AssociateId"]),
        creates: vec![
            vec![json!("Skriveren står"), Value::Null, Value::Null],
            vec![json!("Ny skjerm"), Value::Null, Value::Null],
        ],
        update: (0, json!("Skriveren står stille")),
        ..subject
    });
}

#[test]
fn sales_projects_and_products_keep_the_contract() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let of = |kind| {
        let some = pick(&read(&*superoffice, kind, &[]), |_| true);
        json!(some.id.parse::<i64>().unwrap())
    };
    let subject = Subject {
        connector: &*superoffice,
        kind: "Sale",
        watch: watch(&["Heading", "Amount", "Project.ProjectId", "Saledate", "Status"]),
        creates: vec![
            vec![
                json!("Høstleveranse"),
                json!(4500.5),
                of("Project"),
                json!("2026-10-01T00:00:00Z"),
                json!("Open"),
            ],
            vec![json!("Vinterleveranse"), Value::Null, Value::Null, Value::Null, Value::Null],
        ],
        update: (1, json!(5000)),
        unknown_id: "999999",
        refuses_stale_versions: false,
    };
    check(&subject);
    check(&Subject {
        kind: "Project",
        watch: watch(&["Name", "Description", "EndDate", "Completed"]),
        creates: vec![
            vec![json!("Høstmessa"), json!("I Voss."), Value::Null, json!(false)],
            vec![json!("Flytting"), Value::Null, json!("2026-12-01T00:00:00Z"), json!(true)],
        ],
        update: (1, json!("I Bergen.")),
        ..subject
    });
    check(&Subject {
        kind: "Product",
        watch: watch(&["Name", "Code", "UnitListPrice"]),
        creates: vec![
            vec![json!("Ljåblad"), json!("L-1"), json!(249.5)],
            vec![json!("Sliping"), Value::Null, Value::Null],
        ],
        update: (2, json!(259.5)),
        ..subject
    });
}

#[test]
fn p6_a_product_is_replaced_as_a_whole_and_keeps_what_was_not_written() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&["Name", "UnitCost"]);
    let before = pick(&read(&*superoffice, "Product", &watch), |_| true);
    done(update(&*superoffice, "Product", &watch, &before, 0, json!("Sauegenser")));
    let stored = sandbox.record("superoffice", "Product", &before.id).unwrap();
    assert_eq!(stored["Name"], json!("Sauegenser"));
    assert_eq!(stored["QuantityUnit"], json!("stk"), "no property of ours, and still there");
    let out = sandbox
        .edit("superoffice", "Product", &before.id, &json!({"InAssortment": false}))
        .unwrap();
    assert_eq!(out["InAssortment"], json!(false));
    assert!(!read(&*superoffice, "Product", &watch).records.contains_key(&before.id));
    // It is out of the lists and not deleted (R3).
    assert_eq!(
        get(&*superoffice, "Product", &watch, &before.id).values[0],
        Some(json!("Sauegenser"))
    );
}

#[test]
fn r1_lines_of_quotes_are_read_by_time_and_never_written() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&["name", "quantity", "totalPrice"]);
    let first = read(&*superoffice, "Quoteline", &watch);
    assert_eq!(first.records.len(), sandbox.records("superoffice", "QuoteLine").unwrap().len());
    let can = superoffice.types().iter().find(|t| t.kind == "Quoteline").unwrap().can;
    assert!(!can.create && !can.update && !can.delete);
    let some = pick(&first, |_| true);
    let edit = json!({"Quantity": 2.0, "UnitListPrice": 50.0, "DiscountPercent": 10.0});
    sandbox.edit("superoffice", "QuoteLine", &some.id, &edit).unwrap();
    let second = read_all(&*superoffice, "Quoteline", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!second.everything);
    assert_eq!(second.records[&some.id].values[2].as_ref().and_then(Value::as_f64), Some(90.0));
    assert!(second.records.len() < first.records.len());
}

#[test]
fn users_are_listed_and_never_written() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&["personEmail", "contactId", "personId"]);
    let users = read(&*superoffice, "User", &watch);
    assert_eq!(users.records.len(), sandbox.records("superoffice", "User").unwrap().len());
    let some = pick(&users, |_| true);
    assert_eq!(get(&*superoffice, "User", &watch, &some.id).values, some.values);
    let can = superoffice.types().iter().find(|t| t.kind == "User").unwrap().can;
    assert!(!can.create && !can.update && !can.delete);
    let outcome = update(&*superoffice, "User", &watch, &some, 0, json!("a@example.com"));
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
}

#[test]
fn a_reference_of_zero_is_none() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&["OwnedBy.AssociateId"]);
    let ticket = pick(&read(&*superoffice, "Ticket", &watch), |_| true);
    sandbox
        .edit("superoffice", "Ticket", &ticket.id, &json!({"OwnedBy": {"AssociateId": 0}}))
        .unwrap();
    assert_eq!(get(&*superoffice, "Ticket", &watch, &ticket.id).values[0], Some(Value::Null));
}

#[test]
fn p9_the_first_email_is_replaced_and_the_others_stay() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let two = json!({"Firstname": "Ada", "Lastname": "Berg", "Emails": [
        {"Value": "ada.first@example.com", "Description": "Arbeid"}, {"Value": "ada.second@example.com", "Description": "Hjem"}]});
    let put = sandbox.put("superoffice", "Person", two).unwrap();
    let watch = watch(&PERSON);
    let before = get(&*superoffice, "Person", &watch, &put["PersonId"].to_string());
    assert_eq!(before.values[2], Some(json!(["ada.first@example.com", "ada.second@example.com"])));
    let after = done(update(&*superoffice, "Person", &watch, &before, 2, json!("ada@example.com")));
    assert_eq!(after.values[2], Some(json!(["ada@example.com", "ada.second@example.com"])));
    let stored = sandbox.record("superoffice", "Person", &before.id).unwrap();
    assert_eq!(
        stored["Emails"][0]["StrippedValue"],
        json!("ada@example.com"),
        "the derived form follows"
    );
    assert_eq!(stored["Emails"][1]["Description"], json!("Hjem"));
    let emptied = done(update(&*superoffice, "Person", &watch, &after, 2, Value::Null));
    assert_eq!(emptied.values[2], Some(json!(["ada.second@example.com"])));
}

#[test]
fn p6_an_edit_made_meanwhile_is_not_overwritten() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&PERSON);
    let before = pick(&read(&*superoffice, "Person", &watch), |r| r.values[0].is_some());
    sandbox.edit("superoffice", "Person", &before.id, &json!({"Firstname": "Meanwhile"})).unwrap();
    let outcome = update(&*superoffice, "Person", &watch, &before, 0, json!("Too late"));
    assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
}

#[test]
fn a_person_can_be_moved_to_another_company_and_out_of_it() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&PERSON);
    let company = pick(&read(&*superoffice, "Contact", &[]), |_| true);
    let person = done(create(
        &*superoffice,
        "Person",
        &watch,
        &[(0, json!("Geir")), (1, json!("Moe")), (4, json!(company.id.parse::<i64>().unwrap()))],
    ));
    assert_eq!(person.values[4], Some(json!(company.id.parse::<i64>().unwrap())));
    let before = sandbox.requests(0).len();
    let out = done(update(&*superoffice, "Person", &watch, &person, 4, Value::Null));
    assert_eq!((&out.values[0], &out.values[4]), (&Some(json!("Geir")), &Some(Value::Null)));
    assert_eq!(sandbox.requests(before as u64).iter().filter(|r| r.changed).count(), 1);
}

#[test]
fn r1_what_changed_is_read_and_nothing_else() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&PERSON);
    let first = read(&*superoffice, "Person", &watch);
    assert_eq!(first.records.len(), sandbox.records("superoffice", "Person").unwrap().len());
    let some = pick(&first, |_| true);
    sandbox.edit("superoffice", "Person", &some.id, &json!({"Firstname": "Edited"})).unwrap();
    let second = read_all(&*superoffice, "Person", &watch, Some(first.checkpoint), 100).unwrap();
    assert!(!second.everything);
    assert_eq!(second.records[&some.id].values[0], Some(json!("Edited")));
    assert!(second.records.len() < first.records.len());
}

#[test]
fn an_expired_token_is_renewed_once() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    superoffice.test().unwrap();
    sandbox.expire_tokens("superoffice").unwrap();
    superoffice.test().unwrap();
}

#[test]
fn a_company_that_a_person_deleted_is_not_there() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let watch = watch(&["Name"]);
    let company = pick(&read(&*superoffice, "Contact", &watch), |_| true);
    sandbox.remove("superoffice", "Contact", &company.id).unwrap();
    assert_eq!(superoffice.get("Contact", &watch, &company.id).unwrap(), None);
    assert!(!read(&*superoffice, "Contact", &watch).records.contains_key(&company.id));
    let outcome = update(&*superoffice, "Contact", &watch, &company, 0, json!("Nobody AS"));
    assert!(matches!(outcome, Outcome::Gone { .. }), "{outcome:?}");
    // No listing of changes shows it: the hub has to look for itself (R3).
    assert!(superoffice.types().iter().all(|ty| !ty.can.tells_deletions));
    let ticket = pick(&read(&*superoffice, "Ticket", &[]), |_| true);
    sandbox.remove("superoffice", "Ticket", &ticket.id).unwrap();
    assert_eq!(superoffice.get("Ticket", &[], &ticket.id).unwrap(), None);
}

#[test]
fn r1_former_employees_and_closed_requests_are_listed() {
    let sandbox = sandbox("superoffice");
    let superoffice = open("superoffice", &sandbox);
    let person =
        sandbox.put("superoffice", "Person", json!({"Firstname": "Liv", "Retired": true})).unwrap();
    let ticket = sandbox
        .put("superoffice", "Ticket", json!({"Title": "Skriver", "BaseStatus": "Closed"}))
        .unwrap();
    let persons = read(&*superoffice, "Person", &watch(&["Retired"]));
    assert_eq!(persons.records[&person["PersonId"].to_string()].values[0], Some(json!(true)));
    let tickets = read(&*superoffice, "Ticket", &watch(&["BaseStatus"]));
    assert_eq!(tickets.records[&ticket["TicketId"].to_string()].values[0], Some(json!("Closed")));
}

#[test]
fn a_tenant_that_is_moved_is_followed() {
    let sandbox = sandbox("superoffice");
    let with = super::with("superoffice", &sandbox);
    let superoffice =
        lockstep_connector::catalogue::connect("superoffice", &with, std::path::Path::new("."))
            .unwrap();
    let watch = watch(&["Firstname"]);
    let some = pick(&read(&*superoffice, "Person", &watch), |_| true);
    let moves = |to: serde_json::Value| {
        drop(sandbox.edit("superoffice", "Tenant", "Cust12345", &to).unwrap())
    };
    moves(json!({"Host": "host-2"}));
    done(update(&*superoffice, "Person", &watch, &some, 0, json!("Sunniva")));
    moves(json!({"Host": "host-3"}));
    assert_eq!(get(&*superoffice, "Person", &watch, &some.id).values[0], Some(json!("Sunniva")));
    moves(json!({"IsRunning": false}));
    match superoffice.test() {
        Err(lockstep_connector::Trouble::Unreachable(told)) => {
            assert!(told.contains("OfflineMaintenance"), "{told}")
        }
        other => panic!("{other:?}"),
    }
    moves(json!({"IsRunning": true}));
    superoffice.test().unwrap();
}
