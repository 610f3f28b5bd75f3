//! Salesforce over real HTTP: sign-in, rows of the standard objects, SOQL with pages and parents,
//! deleted and updated records, errors in the vendor's words. Requests have the form of the
//! vendor's pages; the vendor has no description that could lie on the machine.

use crate::support::{Answer, Caller, credential, encoded, filled, form, only};
use lockstep_sandbox::Running;
use serde_json::{Value, json};

const SYSTEM: &str = "salesforce";

fn sign_in(sandbox: &Running, grant: &str, client: &str, secret: &str) -> Answer {
    let login = Caller::new(sandbox.url(SYSTEM).unwrap(), &[]);
    let fields = [("grant_type", grant), ("client_id", client), ("client_secret", secret)];
    form(&login, "/services/oauth2/token", &fields)
}

fn org(sandbox: &Running) -> Caller {
    let of = |name: &str| credential(SYSTEM, &format!("SALESFORCE_CLIENT_{name}"));
    let token = sign_in(sandbox, "client_credentials", &of("ID"), &of("SECRET")).expect(200);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let base = format!("{}/services/data/v62.0", sandbox.url(SYSTEM).unwrap());
    Caller::new(base, &[("authorization", &bearer)])
}

fn made(answer: Answer) -> String {
    let body = answer.expect(201);
    assert_eq!((&body["success"], &body["errors"]), (&json!(true), &json!([])));
    body["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) -> Value {
    let body = answer.expect(status);
    assert_eq!(
        (body.as_array().map(Vec::len), &body[0]["errorCode"]),
        (Some(1), &json!(code)),
        "{body}"
    );
    body[0].clone()
}

fn soql(api: &Caller, query: &str) -> Answer {
    api.get(&format!("/query?q={}", encoded(query)))
}

/// One column of an answer.
#[track_caller]
fn column(api: &Caller, query: &str, name: &str) -> Vec<Value> {
    let body = soql(api, query).expect(200);
    body["records"].as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

#[test]
fn an_app_signs_in_for_itself() {
    let sandbox = only(SYSTEM);
    let of = |name: &str| credential(SYSTEM, &format!("SALESFORCE_CLIENT_{name}"));
    let given = sign_in(&sandbox, "client_credentials", &of("ID"), &of("SECRET")).expect(200);
    assert_eq!((&given["token_type"], &given["scope"]), (&json!("Bearer"), &json!("api")));
    assert_eq!(given["instance_url"], sandbox.url(SYSTEM).unwrap());
    assert!(given.get("expires_in").is_none());
    for (grant, client, secret, error) in [
        ("client_credentials", of("ID"), "wrong".to_owned(), "invalid_client"),
        ("client_credentials", "wrong".to_owned(), of("SECRET"), "invalid_client_id"),
        ("password", of("ID"), of("SECRET"), "unsupported_grant_type"),
    ] {
        assert_eq!(sign_in(&sandbox, grant, &client, &secret).expect(400)["error"], error);
    }
    let api = org(&sandbox);
    let read = api.get("/sobjects");
    assert!(read.header("sforce-limit-info").starts_with("api-usage="));
    let names: Vec<Value> = read.expect(200)["sobjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(
        names,
        ["Account", "Contact", "Opportunity", "Product2", "Order", "User", "Lead", "Organization"]
    );
    refused(
        api.with("GET", "/sobjects", &[("authorization", "Bearer wrong")], None),
        401,
        "INVALID_SESSION_ID",
    );
    let old =
        Caller::new(api.base.replace("v62.0", "v12.0"), &[("authorization", &api.headers[0].1)]);
    refused(old.get("/sobjects"), 404, "NOT_FOUND");
    sandbox.set_clock_offset(SYSTEM, 7201).unwrap();
    let message = refused(api.get("/sobjects"), 401, "INVALID_SESSION_ID")["message"].clone();
    assert_eq!(message, "Session expired or invalid");
}

#[test]
fn a_contact_is_created_read_changed_and_deleted() {
    let sandbox = only(SYSTEM);
    let api = org(&sandbox);
    let account = made(
        api.post("/sobjects/Account", &json!({"Name":"Berg Snekkeri AS","BillingCity":"Odda"})),
    );
    assert!(account.starts_with("001") && account.len() == 18, "{account}");
    let sent = json!({"LastName":"Daly","FirstName":" Pål ","Email":"p.daly@example.com","AccountId":&account[..15],"Birthdate":"1990-05-01","HasOptedOutOfEmail":true});
    let id = made(api.post("/sobjects/Contact", &sent));
    let path = format!("/sobjects/Contact/{id}");
    let read = api.get(&path).expect(200);
    assert_eq!(
        read["attributes"],
        json!({"type":"Contact","url":format!("/services/data/v62.0{path}")})
    );
    for (name, value) in [
        ("Id", json!(id)),
        ("Name", json!("Pål Daly")),
        ("FirstName", json!("Pål")),
        ("AccountId", json!(account)),
        ("Birthdate", json!("1990-05-01")),
        ("HasOptedOutOfEmail", json!(true)),
        ("DoNotCall", json!(false)),
        ("Phone", Value::Null),
        ("MailingAddress", Value::Null),
        ("IsDeleted", json!(false)),
    ] {
        assert_eq!(read[name], value, "{name}");
    }
    let stamp = read["SystemModstamp"].as_str().unwrap();
    assert!(stamp.len() == 28 && stamp.ends_with("+0000"), "{stamp}");
    let few = api.get(&format!("{path}?fields=Email,Phone")).expect(200);
    assert_eq!(few.as_object().unwrap().len(), 4);
    assert_eq!((&few["Email"], &few["Id"]), (&json!("p.daly@example.com"), &json!(id)));
    // Short ids are as good as long ones.
    assert_eq!(api.get(&path[..path.len() - 3]).expect(200)["Id"], id.as_str());

    assert_eq!(
        api.patch(&path, &json!({"FirstName":"","Email":null,"MailingCity":"Bergen"})).status,
        204
    );
    let read = api.get(&path).expect(200);
    assert_eq!(
        (&read["FirstName"], &read["Email"], &read["Name"]),
        (&Value::Null, &Value::Null, &json!("Daly"))
    );
    assert_eq!(read["MailingAddress"]["city"], "Bergen");
    assert_eq!(read["MailingAddress"]["street"], Value::Null);
    assert_eq!(api.delete(&path).status, 204);
    refused(api.get(&path), 404, "NOT_FOUND");
    let gone = refused(api.delete(&path), 404, "ENTITY_IS_DELETED");
    assert_eq!((&gone["message"], &gone["fields"]), (&json!("entity is deleted"), &json!([])));
    refused(api.patch(&path, &json!({"LastName":"D"})), 404, "ENTITY_IS_DELETED");
}

#[test]
fn what_does_not_fit_is_refused() {
    let sandbox = only(SYSTEM);
    let api = org(&sandbox);
    let contacts = "/sobjects/Contact";
    let missing =
        refused(api.post(contacts, &json!({"FirstName":"Ada"})), 400, "REQUIRED_FIELD_MISSING");
    assert_eq!(
        missing,
        json!({"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]})
    );
    let deal = refused(
        api.post("/sobjects/Opportunity", &json!({"Name":"D"})),
        400,
        "REQUIRED_FIELD_MISSING",
    );
    assert_eq!(deal["fields"], json!(["StageName", "CloseDate"]));
    let long = "x".repeat(41);
    for (body, code, fields) in [
        (json!({"LastName":"D","Emil":"x"}), "INVALID_FIELD", Value::Null),
        (json!({"LastName":"D","Email":"x"}), "INVALID_EMAIL_ADDRESS", json!(["Email"])),
        (json!({"LastName":"D","FirstName":long}), "STRING_TOO_LONG", json!(["FirstName"])),
        (json!({"LastName":5}), "JSON_PARSER_ERROR", Value::Null),
        (json!({"LastName":"D","DoNotCall":"true"}), "JSON_PARSER_ERROR", Value::Null),
        (json!({"LastName":"D","Birthdate":"01.05.1990"}), "JSON_PARSER_ERROR", Value::Null),
        (
            json!({"LastName":"D","Name":"Ada D"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["Name"]),
        ),
        (
            json!({"LastName":"D","CreatedDate":"2020-01-01T00:00:00Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["CreatedDate"]),
        ),
        (json!({"LastName":"D","AccountId":"x"}), "MALFORMED_ID", json!(["AccountId"])),
        (
            json!({"LastName":"D","AccountId":"003Wy0000000001"}),
            "MALFORMED_ID",
            json!(["AccountId"]),
        ),
        (
            json!({"LastName":"D","AccountId":"001Wy0000000001"}),
            "INVALID_CROSS_REFERENCE_KEY",
            json!([]),
        ),
    ] {
        assert_eq!(refused(api.post(contacts, &body), 400, code)["fields"], fields, "{body}");
    }
    let unknown = refused(api.post(contacts, &json!({"Emil":"x"})), 400, "INVALID_FIELD");
    assert_eq!(unknown["message"], "No such column 'Emil' on sobject of type Contact");
    refused(api.get("/sobjects/Nothing"), 404, "NOT_FOUND");
    refused(api.get("/sobjects/Contact/x"), 404, "NOT_FOUND");
    refused(api.get("/sobjects/Contact/003Wy0000000001"), 404, "NOT_FOUND");
    refused(api.get("/composite"), 404, "NOT_FOUND");
    refused(api.put(contacts, &json!({})), 405, "METHOD_NOT_ALLOWED");
    let user = column(&api, "SELECT Id FROM User", "Id").remove(0);
    refused(
        api.delete(&format!("/sobjects/User/{}", user.as_str().unwrap())),
        400,
        "INSUFFICIENT_ACCESS_OR_READONLY",
    );
}

#[test]
fn opportunities_follow_their_stage_and_accounts_their_deals() {
    let sandbox = only(SYSTEM);
    let api = org(&sandbox);
    let account = made(api.post("/sobjects/Account", &json!({"Name":"Berg"})));
    let contact = made(api.post("/sobjects/Contact", &json!({"LastName":"D","AccountId":account})));
    let deal = json!({"Name":"Vår","StageName":"Prospecting","CloseDate":"2026-05-31","Amount":1500.5,"AccountId":account});
    let deal = made(api.post("/sobjects/Opportunity", &deal));
    let path = format!("/sobjects/Opportunity/{deal}");
    let read = api.get(&path).expect(200);
    assert_eq!(
        (&read["IsClosed"], &read["Probability"], &read["Fiscal"]),
        (&json!(false), &json!(10.0), &json!("2026 2"))
    );
    assert_eq!(api.patch(&path, &json!({"StageName":"Closed Won"})).status, 204);
    let read = api.get(&path).expect(200);
    assert_eq!(
        (&read["IsWon"], &read["Probability"], &read["ForecastCategoryName"]),
        (&json!(true), &json!(100.0), &json!("Closed"))
    );
    let own = format!("/sobjects/Account/{account}");
    refused(api.delete(&own), 400, "DELETE_FAILED");
    assert_eq!(api.patch(&path, &json!({"StageName":"Closed Lost"})).status, 204);
    // Contacts and deals go with the account.
    assert_eq!(api.delete(&own).status, 204);
    refused(api.get(&path), 404, "NOT_FOUND");
    refused(api.get(&format!("/sobjects/Contact/{contact}")), 404, "NOT_FOUND");
    let other = made(api.post("/sobjects/Account", &json!({"Name":"Dal"})));
    let order = json!({"AccountId":other,"EffectiveDate":"2026-01-01","Status":"Draft"});
    let order = made(api.post("/sobjects/Order", &order));
    assert_eq!(api.get(&format!("/sobjects/Order/{order}")).expect(200)["OrderNumber"], "00000101");
    refused(api.delete(&format!("/sobjects/Account/{other}")), 400, "DELETE_FAILED");
}

#[test]
fn soql_asks_for_what_is_wanted() {
    let sandbox = only(SYSTEM);
    let api = org(&sandbox);
    let account =
        made(api.post("/sobjects/Account", &json!({"Name":"Berg AS","NumberOfEmployees":12})));
    for (last, first, mail) in [
        ("Berg", "Ada", "ada@example.com"),
        ("Daly", "Pål", ""),
        ("O'Hara", "Kim", "kim_o@example.com"),
    ] {
        let own = if last == "Daly" { Value::Null } else { json!(account) };
        made(api.post(
            "/sobjects/Contact",
            &json!({"LastName":last,"FirstName":first,"Email":mail,"AccountId":own}),
        ));
    }
    let names =
        |rest: &str| column(&api, &format!("SELECT LastName FROM Contact {rest}"), "LastName");
    assert_eq!(names("WHERE LastName = 'berg'"), ["Berg"]);
    assert_eq!(names("WHERE LastName = 'O\\'Hara'"), ["O'Hara"]);
    assert_eq!(names("where Email = null"), ["Daly"]);
    assert_eq!(names("WHERE Email != 'ada@example.com' ORDER BY LastName"), ["Daly", "O'Hara"]);
    assert_eq!(
        names("WHERE Email LIKE '%@example.com' AND (FirstName = 'Kim' OR FirstName = 'Pål')"),
        ["O'Hara"]
    );
    assert_eq!(names("WHERE Email LIKE 'kim\\_%'"), ["O'Hara"]);
    assert_eq!(names("WHERE NOT LastName IN ('Berg', 'Daly')"), ["O'Hara"]);
    assert_eq!(names("WHERE LastName NOT IN ('Berg', 'Daly')"), ["O'Hara"]);
    assert_eq!(names("WHERE Account.Name = 'Berg AS' ORDER BY FirstName DESC"), ["O'Hara", "Berg"]);
    assert_eq!(names("WHERE DoNotCall = false LIMIT 1 OFFSET 1"), ["Daly"]);
    assert_eq!(names("ORDER BY Email NULLS LAST"), ["Berg", "O'Hara", "Daly"]);
    assert_eq!(names("ORDER BY Email DESC"), ["Daly", "O'Hara", "Berg"]);
    assert_eq!(names(&format!("WHERE AccountId = '{}'", &account[..15])), ["Berg", "O'Hara"]);
    assert_eq!(names("WHERE SystemModstamp > 2099-01-01T00:00:00Z").len(), 0);
    assert_eq!(names("WHERE LastModifiedDate >= 2020-01-01T00:00:00+01:00").len(), 3);
    let large = "SELECT Id FROM Account WHERE NumberOfEmployees >= 12 AND NumberOfEmployees < 12.5";
    assert_eq!(column(&api, large, "Id"), [account.as_str()]);
    let rows = soql(&api, "SELECT Id, Account.Name, Account.Owner.Name FROM Contact").status;
    assert_eq!(rows, 400);
    let rows = soql(&api, "SELECT LastName, Account.Name FROM Contact ORDER BY LastName LIMIT 2")
        .expect(200);
    assert_eq!((&rows["totalSize"], &rows["done"]), (&json!(2), &json!(true)));
    assert_eq!(rows["records"][0]["Account"]["Name"], "Berg AS");
    assert_eq!(rows["records"][0]["Account"]["attributes"]["type"], "Account");
    assert_eq!(rows["records"][1]["Account"], Value::Null);
    assert!(rows["records"][0].get("Id").is_none());
    let count = soql(&api, "SELECT COUNT() FROM Contact").expect(200);
    assert_eq!(count, json!({"totalSize":3,"done":true,"records":[]}));
    let whole = soql(&api, "SELECT FIELDS(ALL) FROM Contact LIMIT 1").expect(200);
    assert_eq!(whole["records"][0]["Name"], "Ada Berg");
    for (query, code) in [
        ("SELECT Nome FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Kontakt", "INVALID_TYPE"),
        ("SELECT Id, Firm.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Contact", "INVALID_FIELD"),
        ("SELECT FROM Contact", "MALFORMED_QUERY"),
        ("SELECT * FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE LastName = Berg", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE DoNotCall = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2020-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2020-01-01", "INVALID_FIELD"),
        (
            "SELECT Id FROM Contact WHERE LastName = 'a' AND Email = 'b' OR Email = 'c'",
            "MALFORMED_QUERY",
        ),
        ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("", "MALFORMED_QUERY"),
    ] {
        refused(soql(&api, query), 400, code);
    }
}

#[test]
fn an_answer_comes_in_pages_of_two_thousand() {
    let sandbox = only(SYSTEM);
    let api = org(&sandbox);
    for n in 0..2001 {
        sandbox.put(SYSTEM, "Account", json!({"Name":format!("Firma {n:04}")})).unwrap();
    }
    let first = soql(&api, "SELECT Id FROM Account ORDER BY Name").expect(200);
    assert_eq!((&first["totalSize"], &first["done"]), (&json!(2001), &json!(false)));
    assert_eq!(first["records"].as_array().unwrap().len(), 2000);
    let next = first["nextRecordsUrl"].as_str().unwrap();
    assert!(
        next.starts_with("/services/data/v62.0/query/01g") && next.ends_with("-2000"),
        "{next}"
    );
    let next = next.strip_prefix("/services/data/v62.0").unwrap();
    let rest = api.get(next).expect(200);
    assert_eq!((&rest["done"], rest["records"].as_array().unwrap().len()), (&json!(true), 1));
    assert!(rest.get("nextRecordsUrl").is_none());
    refused(api.get("/query/01gWy0000000001AAA-2000"), 400, "INVALID_QUERY_LOCATOR");
    let small = [("sforce-query-options", "batchSize=500")];
    let query = format!("/query?q={}", encoded("SELECT Id FROM Account"));
    let page = api.with("GET", &query, &small, None).expect(200);
    assert_eq!(page["records"].as_array().unwrap().len(), 500);
}

#[test]
fn what_is_gone_is_told() {
    let sandbox = only(SYSTEM);
    let api = org(&sandbox);
    let kept = made(api.post("/sobjects/Account", &json!({"Name":"Berg"})));
    let id = made(api.post("/sobjects/Account", &json!({"Name":"Dal"})));
    assert_eq!(api.delete(&format!("/sobjects/Account/{id}")).status, 204);
    assert_eq!(column(&api, "SELECT Id FROM Account", "Id"), [kept.as_str()]);
    let all = api
        .get(&format!(
            "/queryAll?q={}",
            encoded("SELECT Id, IsDeleted FROM Account WHERE IsDeleted = true")
        ))
        .expect(200);
    assert_eq!((&all["totalSize"], &all["records"][0]["Id"]), (&json!(1), &json!(id)));
    // Up to a minute that is over: the present one is not, yet.
    sandbox.set_clock_offset(SYSTEM, 120).unwrap();
    let ago = |minutes: i64| {
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
        encoded(&at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
    };
    let span = format!("start={}&end={}", ago(60), ago(-2));
    let told = api.get(&format!("/sobjects/Account/deleted?{span}")).expect(200);
    assert_eq!(
        (told["deletedRecords"].as_array().unwrap().len(), &told["deletedRecords"][0]["id"]),
        (1, &json!(id))
    );
    assert!(told["deletedRecords"][0]["deletedDate"].as_str().unwrap().ends_with("+0000"));
    assert!(told["latestDateCovered"].as_str().unwrap().ends_with(":00.000+0000"));
    // The vendor's pages write it with a slash at the end.
    let slashed = api.get(&format!("/sobjects/Account/deleted/?{span}")).expect(200);
    assert_eq!(slashed["deletedRecords"], told["deletedRecords"]);
    let updated = api.get(&format!("/sobjects/Account/updated?{span}")).expect(200);
    assert_eq!(updated["ids"], json!([kept]));
    let before = format!("start={}&end={}", ago(60), ago(30));
    let none = api.get(&format!("/sobjects/Account/deleted?{before}")).expect(200);
    assert_eq!(none["deletedRecords"], json!([]));
    let none = api.get(&format!("/sobjects/Account/updated?{before}")).expect(200);
    assert_eq!(none["ids"], json!([]));
    let turned = format!("/sobjects/Account/deleted?start={}&end={}", ago(0), ago(60));
    refused(api.get(&turned), 400, "INVALID_REPLICATION_DATE");
    let early = format!("/sobjects/Account/deleted?start={}&end={}", ago(60 * 24 * 31), ago(0));
    refused(api.get(&early), 400, "INVALID_REPLICATION_DATE");
    refused(api.get("/sobjects/Account/deleted"), 400, "INVALID_REPLICATION_DATE");
}

#[test]
fn the_sample_data_fits_and_is_described() {
    let sandbox = filled(SYSTEM);
    let api = org(&sandbox);
    for (name, least) in [
        ("Account", 12),
        ("Contact", 40),
        ("Opportunity", 8),
        ("Product2", 5),
        ("Order", 3),
        ("User", 5),
    ] {
        let described = api.get(&format!("/sobjects/{name}/describe")).expect(200);
        let fields: Vec<&str> = described["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .collect();
        let rows = soql(&api, &format!("SELECT {} FROM {name}", fields.join(", "))).expect(200);
        assert!(rows["totalSize"].as_u64().unwrap() >= least, "{name}: {}", rows["totalSize"]);
        let id = rows["records"][0]["Id"].as_str().unwrap().to_owned();
        assert_eq!(
            api.get(&format!("/sobjects/{name}/{id}")).expect(200),
            rows["records"][0],
            "{name}"
        );
        // Whatever the description says can be updated is taken as it is.
        let mut own = json!({});
        for field in described["fields"].as_array().unwrap() {
            let called = field["name"].as_str().unwrap();
            if field["updateable"] == true {
                own[called] = rows["records"][0][called].clone();
            }
        }
        assert_eq!(api.patch(&format!("/sobjects/{name}/{id}"), &own).status, 204, "{name}");
    }
}
