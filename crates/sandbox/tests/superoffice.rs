//! SuperOffice over real HTTP: the way in, archive lists, entities with their conditions, refusals.

use crate::support::{Caller, credential, empty, superoffice};
use serde_json::{Value, json};

fn form(secret: &str, refresh: &str) -> String {
    format!(
        "grant_type=refresh_token&client_id=sandbox-superoffice-app&client_secret={secret}&refresh_token={refresh}&redirect_uri=http%3A%2F%2Flocalhost"
    )
}

#[test]
fn a_refresh_token_opens_and_an_expired_access_token_does_not() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    let refused = api.with("GET", "/Person", &[("authorization", "Bearer 8A:wrong")], None);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json["Error"], true);
    assert_eq!(refused.json["ErrorSource"], "SuperOffice.Services.Implementation");
    // A ticket without the application's secret opens nothing.
    assert_eq!(api.with("GET", "/Person", &[("so-apptoken", "")], None).status, 401);

    let login = Caller::new(sandbox.url("superoffice").unwrap(), &[]);
    let secret = credential("superoffice", "SUPEROFFICE_CLIENT_SECRET");
    let refresh = credential("superoffice", "SUPEROFFICE_REFRESH_TOKEN");
    let post =
        |body: &str| login.raw("POST", "/login/common/oauth/tokens", &[], Some(body)).unwrap();
    assert_eq!(post(&form("wrong", &refresh)).status, 401);
    assert_eq!(post(&form(&secret, "wrong")).status, 400);
    let token = post(&form(&secret, &refresh)).expect(200);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 3600);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(api.with("GET", "/Person", &headers, None).status, 200);
    sandbox.set_clock_offset("superoffice", 3601).unwrap();
    assert_eq!(api.with("GET", "/Person", &headers, None).status, 401);
    sandbox.set_clock_offset("superoffice", 0).unwrap();
    sandbox.expire_tokens("superoffice").unwrap();
    assert_eq!(api.with("GET", "/Person", &headers, None).status, 401);
}

#[test]
fn a_system_user_gets_a_ticket_in_a_jwt() {
    let sandbox = empty();
    let login = Caller::new(sandbox.url("superoffice").unwrap(), &[]);
    let state = login.get("/api/state/Cust12345").expect(200);
    assert_eq!(state["IsRunning"], true);
    let ask = |token: &str, stamp: &str| {
        login
            .post(
                "/Login/api/PartnerSystemUser/Authenticate",
                &json!({"SignedSystemToken":format!("{token}.{stamp}.c2ln"),"ApplicationToken":credential("superoffice", "SUPEROFFICE_CLIENT_SECRET"),
                    "ContextIdentifier":"Cust12345","ReturnTokenType":"JWT"}),
            )
            .expect(200)
    };
    let stamp = jiff::Timestamp::now().strftime("%Y%m%d%H%M").to_string();
    let token = credential("superoffice", "SUPEROFFICE_SYSTEM_USER_TOKEN");
    let answer = ask(&token, &stamp);
    assert_eq!(answer["IsSuccessful"], true);
    assert_eq!(answer["Token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(ask("other", &stamp)["IsSuccessful"], false);
    assert_eq!(ask(&token, "202001010000")["IsSuccessful"], false);
    // Another tenant does not live here.
    let elsewhere = superoffice(&sandbox);
    let address = elsewhere.base.replace("Cust12345", "Cust99999");
    assert_eq!(elsewhere.get(&format!("{address}/Person")).status, 421);
}

#[test]
fn lists_are_flat_rows_in_pages_with_time_filters() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    sandbox.set_clock_offset("superoffice", -1000).unwrap();
    for name in ["Ada", "Brita", "Embla"] {
        sandbox
            .put(
                "superoffice",
                "Person",
                json!({"Firstname":name,"Emails":[{"Value":format!("{name}@example.no")},{"Value":"felles@example.no"}]}),
            )
            .unwrap();
    }
    let first = api
        .get("/Person?$select=personId,firstName,email/emailAddress,personUpdatedDate&$orderBy=firstName%20desc&$top=2&$skip=0")
        .expect(200);
    let rows = first["value"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["firstName"], "Embla");
    assert_eq!(rows[0]["EntityName"], "person");
    assert_eq!(rows[0]["PrimaryKey"], json!(rows[0]["personId"].to_string()));
    assert_eq!(rows[0]["email/emailAddress"], "Embla@example.no");
    assert!(rows[0].get("Emails").is_none());
    let next = api.get(first["odata.nextLink"].as_str().unwrap()).expect(200);
    assert_eq!(next["value"].as_array().unwrap().len(), 1);
    assert_eq!(next["odata.nextLink"], Value::Null);

    // Any of a person's addresses satisfies a filter.
    let shared =
        api.get("/Person?$filter=email/emailAddress%20eq%20'FELLES@example.no'").expect(200);
    assert_eq!(shared["value"].as_array().unwrap().len(), 3);

    let stamp = rows[0]["personUpdatedDate"].as_str().unwrap().to_owned();
    sandbox.set_clock_offset("superoffice", 0).unwrap();
    let id = rows[0]["PrimaryKey"].as_str().unwrap();
    sandbox.edit("superoffice", "Person", id, &json!({"Lastname":"Berg"})).unwrap();
    let changed = api
        .get(&format!("/Person?$filter=personUpdatedDate%20afterTime%20'{stamp}'&$top=10"))
        .expect(200);
    assert_eq!(changed["value"].as_array().unwrap().len(), 1);
    let wrong = api.get("/Person?$filter=shoeSize%20gt%201");
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json["Error"], true);
}

#[test]
fn a_person_is_created_whole_and_the_server_derives() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    let company =
        api.post("/Contact", &json!({"Name":"Nordlys AS"})).expect(200)["ContactId"].clone();
    let mut person = api.get("/Person/default").expect(200);
    person["Firstname"] = json!("Ada");
    person["Lastname"] = json!("Berg");
    person["FullName"] = json!("Somebody Else");
    person["Contact"] = json!({"ContactId": company});
    person["Emails"] =
        json!([{"Value":"ada@example.no"},{"Value":"ada@example.org","Description":"Privat"}]);
    person["PrivatePhones"] = json!([{"Value":"+47 22 33 44 55"}]);
    // Create answers 200.
    let stored = api.post("/Person", &person).expect(200);
    assert!(stored["PersonId"].as_i64().unwrap() > 0);
    assert_eq!(stored["FullName"], "Ada Berg");
    assert_eq!(stored["Contact"]["Name"], "Nordlys AS");
    assert_eq!(stored["PrivatePhones"][0]["StrippedValue"], "+4722334455");
    assert_eq!(stored["Emails"][1]["Description"], "Privat");
    let contact = api.get(&format!("/Contact/{company}")).expect(200);
    assert_eq!(contact["Persons"][0]["Email"], "ada@example.no");
    // Nothing rejects a second person with the same address.
    api.post("/Person", &person).expect(200);
    let refused =
        api.post("/Person", &json!({"Firstname":"X","Contact":{"ContactId":999_999}})).expect(400);
    assert!(refused["ErrorMessage"].as_str().unwrap().contains("999999"), "{refused}");
    let refused =
        api.post("/Person", &json!({"Firstname":"X","Emails":["x@example.no"]})).expect(400);
    assert!(refused["ErrorMessage"].as_str().unwrap().contains("Emails"));
    assert_eq!(api.post("/Contact", &json!({"Department":"x"})).status, 400);
    assert_eq!(sandbox.writes()["superoffice"]["Person"].create, 2);
}

#[test]
fn put_replaces_patch_merges_and_both_mind_if_unmodified_since() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    let made = sandbox
        .put(
            "superoffice",
            "Person",
            json!({"Firstname":"Ada","Lastname":"Berg","Emails":[{"Value":"a@example.no"}],"Title":"CEO"}),
        )
        .unwrap();
    let path = format!("/Person/{}", made["PersonId"]);
    // An object is appended to a list, a list replaces it.
    let merged = api.patch(&path, &json!({"Emails":{"Value":"b@example.no"}})).expect(200);
    assert_eq!(merged["Emails"].as_array().unwrap().len(), 2);
    assert_eq!(merged["Title"], "CEO");
    let merged = api.patch(&path, &json!({"Emails":[{"Value":"c@example.no"}]})).expect(200);
    assert_eq!(merged["Emails"].as_array().unwrap().len(), 1);
    // JSON Patch: case of the path does not matter, a failed test is 409, move is unknown.
    let patched = api
        .patch(&path, &json!([{"op":"test","path":"/firstname","value":"Ada"},{"op":"replace","path":"lastname","value":"Vik"}]))
        .expect(200);
    assert_eq!(patched["FullName"], "Ada Vik");
    assert_eq!(
        api.patch(&path, &json!([{"op":"test","path":"/Lastname","value":"Berg"}])).status,
        409
    );
    assert_eq!(
        api.patch(&path, &json!([{"op":"move","from":"/Title","path":"/Mrmrs"}])).status,
        400
    );
    // A whole replacement empties what is left out.
    let replaced = api.put(&path, &json!({"Firstname":"Ada","Lastname":"Vik"})).expect(200);
    assert_eq!(replaced["Title"], "");
    assert_eq!(replaced["Emails"], json!([]));
    assert_eq!(api.call("PUT", &path, None).status, 400);
    let long_ago = [("if-unmodified-since", "Wed, 01 Jan 2020 00:00:00 GMT")];
    let later = [("if-unmodified-since", "Mon, 01 Jan 2120 00:00:00 GMT")];
    assert_eq!(api.with("PUT", &path, &long_ago, Some(&replaced)).status, 412);
    assert_eq!(api.with("PATCH", &path, &long_ago, Some(&json!({"Title":"x"}))).status, 412);
    assert_eq!(api.with("DELETE", &path, &long_ago, None).status, 412);
    assert_eq!(api.with("PATCH", &path, &later, Some(&json!({"Title":"x"}))).status, 200);
    assert_eq!(
        api.with("GET", &path, &[("if-modified-since", "Mon, 01 Jan 2120 00:00:00 GMT")], None)
            .status,
        304
    );
    let zoned = api.with("GET", &path, &[("so-timezone", "includeTZOffset")], None).expect(200);
    assert!(zoned["UpdatedDate"].as_str().unwrap().ends_with("+00:00"));
    let selected = api.get(&format!("{path}?$select=Firstname")).expect(200);
    assert_eq!((&selected["Firstname"], &selected["Lastname"]), (&json!("Ada"), &Value::Null));
    assert_eq!(api.delete(&path).status, 204);
    let gone = api.get(&path).expect(404);
    assert_eq!(gone["ErrorType"], "SoNotFoundException");
}

#[test]
fn an_unchanged_save_moves_no_stamp() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    sandbox.set_clock_offset("superoffice", -500).unwrap();
    let made = sandbox.put("superoffice", "Person", json!({"Firstname":"Ada"})).unwrap();
    sandbox.set_clock_offset("superoffice", 0).unwrap();
    let path = format!("/Person/{}", made["PersonId"]);
    let same = api.patch(&path, &json!({"Firstname":"Ada"})).expect(200);
    assert_eq!(same["UpdatedDate"], made["UpdatedDate"]);
    assert!(!sandbox.requests(0).last().unwrap().changed);
    let other = api.patch(&path, &json!({"Firstname":"Oda"})).expect(200);
    assert_ne!(other["UpdatedDate"], made["UpdatedDate"]);
    assert!(sandbox.requests(0).last().unwrap().changed);
}

#[test]
fn tickets_have_an_owner_a_customer_and_a_computed_time_to_reply() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    let person =
        sandbox.put("superoffice", "Person", json!({"Firstname":"Kunde"})).unwrap()["PersonId"]
            .clone();
    let user = sandbox
        .put("superoffice", "User", json!({"personEmail":"agent@example.no","firstName":"Liv"}))
        .unwrap();
    let ticket = api
        .post(
            "/Ticket",
            &json!({"Title":"Hjelp","OwnedBy":{"AssociateId":user["AssociateId"]},"Person":{"PersonId":person},"TimeToReply":99}),
        )
        .expect(200);
    assert_eq!(ticket["TimeToReply"], 0);
    assert_eq!(ticket["OwnedBy"]["AssociateId"], user["AssociateId"]);
    assert_eq!(ticket["Person"]["FullName"], "Kunde");
    let path = format!("/Ticket/{}", ticket["TicketId"]);
    let free = api.patch(&path, &json!({"OwnedBy":{"AssociateId":0}})).expect(200);
    assert_eq!(free["OwnedBy"]["AssociateId"], 0);
    assert_eq!(api.patch(&path, &json!({"OwnedBy":{"AssociateId":4711}})).status, 400);
    // No 412 on a ticket's PUT.
    let old = [("if-unmodified-since", "Wed, 01 Jan 2020 00:00:00 GMT")];
    assert_eq!(api.with("PUT", &path, &old, Some(&json!({"Title":"Hjelp!"}))).status, 200);
    // A person's deletion is soft: no longer listed, readable with its mark.
    sandbox.remove("superoffice", "Ticket", &ticket["TicketId"].to_string()).unwrap();
    assert_eq!(api.get("/Ticket").expect(200)["value"], json!([]));
    assert_eq!(api.get(&path).expect(200)["BaseStatus"], "Deleted");
}

#[test]
fn users_are_a_list_and_nothing_else() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    let company =
        sandbox.put("superoffice", "Contact", json!({"Name":"Vi AS"})).unwrap()["ContactId"]
            .clone();
    let user = sandbox
        .put(
            "superoffice",
            "User",
            json!({"userName":"liv@example.no","personEmail":"liv@example.no","contactId":company}),
        )
        .unwrap();
    let id = user["AssociateId"].to_string();
    let rows = api.get("/User?$select=associateDbId,personEmail,contactId,isActive").expect(200);
    assert_eq!(
        rows["value"],
        json!([{"PrimaryKey":id,"EntityName":"all","associateDbId":user["AssociateId"],"personEmail":"liv@example.no","contactId":company,"isActive":true}])
    );
    for (method, path) in [
        ("GET", format!("/User/{id}")),
        ("PUT", format!("/User/{id}")),
        ("DELETE", format!("/User/{id}")),
        ("POST", "/User".to_owned()),
    ] {
        let body = json!({"UserName":"x"});
        let answer =
            api.call(method, &path, (method != "GET" && method != "DELETE").then_some(&body));
        assert_eq!(answer.status, 403, "{method} {path}");
    }
    // The columns follow the person behind the user.
    sandbox.edit("superoffice", "User", &id, &json!({"personEmail":"liv.ny@example.no"})).unwrap();
    let rows = api.get("/User?$select=personEmail").expect(200);
    assert_eq!(rows["value"][0]["personEmail"], "liv.ny@example.no");
    // There is no changed-since column.
    assert_eq!(
        api.get("/User?$filter=updatedDate%20afterTime%20'2024-01-01T00:00:00'").status,
        400
    );
}

#[test]
fn former_employees_and_closed_requests_are_listed_where_they_are_asked_for() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    for (name, retired) in [("Ada", false), ("Liv", true)] {
        sandbox.put("superoffice", "Person", json!({"Firstname":name,"Retired":retired})).unwrap();
    }
    for status in ["Active", "Closed"] {
        sandbox.put("superoffice", "Ticket", json!({"Title":status,"BaseStatus":status})).unwrap();
    }
    let rows = |path: &str| api.get(path).expect(200)["value"].as_array().unwrap().len();
    assert_eq!(rows("/Person?$select=personId"), 1);
    assert_eq!(rows("/Person?$select=personId&$entities=person,retiredPerson"), 2);
    assert_eq!(rows("/Ticket?$select=ticketId"), 1);
    assert_eq!(rows("/Ticket?$select=ticketId&$entities=ticket,ticketdisplayclosed"), 2);
}

#[test]
fn a_tenant_that_is_moved_is_told_by_the_state_api() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    api.get("/Person?$select=personId").expect(200);
    sandbox.edit("superoffice", "Tenant", "Cust12345", &json!({"Host":"host-2"})).unwrap();
    assert_eq!(api.get("/Person?$select=personId").status, 421);
    let state = api
        .get(&format!("{}/api/state/Cust12345", sandbox.url("superoffice").unwrap()))
        .expect(200);
    let there = state["Api"].as_str().unwrap().to_owned();
    assert!(there.contains("/host-2/"), "{there}");
    api.get(&format!("{there}/v1/Person?$select=personId")).expect(200);
    sandbox.edit("superoffice", "Tenant", "Cust12345", &json!({"IsRunning":false})).unwrap();
    assert_eq!(api.get(&format!("{there}/v1/Person?$select=personId")).status, 421);
}

#[test]
fn sales_refer_to_what_is_there_and_products_are_replaced_whole() {
    let sandbox = empty();
    let api = superoffice(&sandbox);
    let company = api.post("/Contact", &json!({"Name":"Fjordheim AS"})).expect(200);
    let of_it = json!({"Firstname":"Ada","Contact":{"ContactId":company["ContactId"]}});
    let ada = api.post("/Person", &of_it).expect(200)["PersonId"].clone();
    let liv = api.post("/Person", &json!({"Firstname":"Liv"})).expect(200)["PersonId"].clone();
    let sale = |person: &serde_json::Value| json!({"Heading":"Vår","Amount":10.5,"Contact":{"ContactId":company["ContactId"]},"Person":{"PersonId":person}});
    let made = api.post("/Sale", &sale(&ada)).expect(200);
    assert_eq!((&made["Amount"], &made["Contact"]["Name"]), (&json!(10.5), &json!("Fjordheim AS")));
    assert_eq!(api.post("/Sale", &sale(&liv)).status, 400, "of another company");
    assert_eq!(api.post("/Sale", &json!({"Status":"Perhaps"})).status, 400);
    assert_eq!(api.post("/Project", &json!({"Description":"no name"})).status, 400);
    let product = api.post("/Product", &json!({"Name":"Ljåblad","UnitCost":5.0})).expect(200);
    assert!(product.get("UpdatedDate").is_none() && product.get("_updated").is_none());
    let path = format!("/Product/{}", product["ProductId"]);
    assert_eq!(api.patch(&path, &json!({"Name":"Ljå"})).status, 405);
    let replaced = api.put(&path, &json!({"Name":"Ljå"})).expect(200);
    assert_eq!(replaced["UnitCost"], json!(0.0), "what is left out is empty");
    assert_eq!(api.get("/QuoteLine").status, 404, "no entity");
    let line = json!({"Name":"Ljå","Quantity":2.0,"UnitListPrice":9.5});
    sandbox.put("superoffice", "QuoteLine", line).unwrap();
    let rows = api.get("/archive/QuoteLine?$select=name,totalPrice").expect(200);
    assert_eq!(rows["value"][0]["totalPrice"], json!(19.0));
}
