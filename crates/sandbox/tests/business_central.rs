//! Business Central over real HTTP: sign-in, OData queries, versions, what the application works
//! out and refuses, documents with lines, webhooks with a handshake. Answers are checked against
//! the vendor's metadata where that is on the machine.

use crate::support::described::{description, fits_csdl};
use crate::support::{Called, Caller, credential, encoded, filled, form, only};
use lockstep_sandbox::Running;
use serde_json::{Value, json};

const SYSTEM: &str = "business-central";
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

fn of(name: &str) -> String {
    credential(SYSTEM, &format!("BUSINESS_CENTRAL_{name}"))
}

fn sign_in(sandbox: &Running, secret: &str, scope: &str) -> crate::support::Answer {
    let login = Caller::new(sandbox.url(SYSTEM).unwrap(), &[]);
    form(
        &login,
        &format!("/{}/oauth2/v2.0/token", of("TENANT_ID")),
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &of("CLIENT_ID")),
            ("client_secret", secret),
            ("scope", scope),
        ],
    )
}

/// A caller whose paths begin in the company.
fn company(sandbox: &Running) -> Caller {
    let scope = "https://api.businesscentral.dynamics.com/.default";
    let token = sign_in(sandbox, &of("CLIENT_SECRET"), scope).expect(200);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let base = format!(
        "{}/v2.0/{}/{}/api/v2.0/companies({})",
        sandbox.url(SYSTEM).unwrap(),
        of("TENANT_ID"),
        of("ENVIRONMENT"),
        of("COMPANY_ID")
    );
    Caller::new(base, &[("authorization", &bearer), ("accept", "application/json")])
}

/// What is above the company.
fn above(api: &Caller) -> Caller {
    let base = api.base.rsplit_once("/companies(").unwrap().0.to_owned();
    let headers: Vec<(&str, &str)> =
        api.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Caller::new(base, &headers)
}

fn values(answer: &Value, name: &str) -> Vec<Value> {
    answer["value"].as_array().unwrap().iter().map(|record| record[name].clone()).collect()
}

#[track_caller]
fn refused(answer: crate::support::Answer, status: u16, code: &str) -> String {
    let body = answer.expect(status);
    assert_eq!(body["error"]["code"], code, "{body}");
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn client_credentials_give_a_token_for_an_hour() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let companies = above(&api).get("/companies").expect(200);
    assert_eq!(values(&companies, "id"), [json!(of("COMPANY_ID"))]);
    let scope = "https://api.businesscentral.dynamics.com/.default";
    let wrong = sign_in(&sandbox, "wrong", scope).expect(401);
    assert_eq!(wrong["error"], "invalid_client");
    assert_eq!(
        sign_in(&sandbox, &of("CLIENT_SECRET"), "openid").expect(400)["error"],
        "invalid_scope"
    );
    sandbox.set_clock_offset(SYSTEM, 3600).unwrap();
    let code = "Authentication_InvalidCredentials";
    refused(api.get("/customers"), 401, code);
    sandbox.set_clock_offset(SYSTEM, 0).unwrap();
    refused(api.with("GET", "/customers", &[("authorization", "Bearer wrong")], None), 401, code);
    api.get("/customers").expect(200);
    sandbox.expire_tokens(SYSTEM).unwrap();
    refused(api.get("/customers"), 401, code);
}

/// The request of the vendor's page "Create customers", with what this company has.
#[test]
fn a_customer_is_created_changed_by_its_version_and_deleted() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let sent = json!({
        "id": "f2a5738a-44e3-ea11-bb43-000d3a2feca1", "number": "10000", "displayName": "Adatum Corporation", "type": "Company",
        "addressLine1": "192 Market Square", "addressLine2": "", "city": "Atlanta", "state": "GA", "country": "US", "postalCode": "31772",
        "phoneNumber": "", "email": "robert.townes@example.com", "website": "", "taxLiable": true, "taxRegistrationNumber": "",
        "currencyId": NO_ID, "paymentTermsId": NO_ID, "shipmentMethodId": NO_ID, "paymentMethodId": NO_ID, "blocked": " ",
        "lastModifiedDateTime": "2020-08-21T07:38:44.293Z"
    });
    let answer = api.post("/customers", &sent);
    assert!(
        answer.header("location").ends_with("/customers(f2a5738a-44e3-ea11-bb43-000d3a2feca1)")
    );
    let made = answer.expect(201);
    for (name, value) in sent.as_object().unwrap() {
        match name.as_str() {
            "blocked" => assert_eq!(made[name], "_x0020_"),
            "lastModifiedDateTime" => assert_ne!(made[name], *value),
            _ => assert_eq!(made[name], *value, "{name}"),
        }
    }
    assert_eq!(made["balanceDue"], 0);
    refused(api.post("/customers", &sent), 409, "Internal_EntityWithSameKeyExists");
    refused(
        api.post("/customers", &json!({"number":"10000","displayName":"Berg"})),
        409,
        "Internal_EntityWithSameKeyExists",
    );

    let path = "/customers(f2a5738a-44e3-ea11-bb43-000d3a2feca1)";
    let read = api.get(path);
    let tag = read.header("etag").to_owned();
    assert_eq!(read.expect(200)["@odata.etag"], tag);
    let patch = json!({"displayName":"Berg Snekkeri","email":null});
    refused(api.patch(path, &patch), 400, "BadRequest_InvalidToken");
    let changed = api.with("PATCH", path, &[("if-match", &tag)], Some(&patch)).expect(200);
    assert_eq!((&changed["displayName"], &changed["email"]), (&json!("Berg Snekkeri"), &json!("")));
    refused(
        api.with("PATCH", path, &[("if-match", &tag)], Some(&json!({"city":"Odda"}))),
        409,
        "Request_EntityChanged",
    );
    api.with("PATCH", path, &[("if-match", "*")], Some(&json!({"city":"Odda"}))).expect(200);
    refused(api.with("DELETE", path, &[("if-match", &tag)], None), 409, "Request_EntityChanged");
    assert_eq!(api.delete(path).status, 204);
    refused(api.get(path), 404, "Internal_RecordNotFound");
    refused(api.delete(path), 404, "Internal_RecordNotFound");
    let writes = &sandbox.writes()[SYSTEM]["customers"];
    assert_eq!((writes.create, writes.update, writes.delete), (1, 2, 1));
}

#[test]
fn what_does_not_fit_is_refused_in_the_services_words() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    for (set, body, status, code, words) in [
        (
            "customers",
            json!({}),
            400,
            "Application_DialogException",
            "A \"displayName\" must be provided.",
        ),
        (
            "customers",
            json!({"displayName":""}),
            400,
            "Application_DialogException",
            "The blank \"displayName\" is not allowed.",
        ),
        (
            "customers",
            json!({"displayName":"Berg","colour":"red"}),
            400,
            "BadRequest",
            "The property 'colour' does not exist on type 'Microsoft.NAV.customer'",
        ),
        ("customers", json!({"displayName":7}), 400, "BadRequest", "expected type 'Edm.String'"),
        (
            "customers",
            json!({"displayName":"Berg","taxLiable":"true"}),
            400,
            "BadRequest",
            "expected type 'Edm.Boolean'",
        ),
        (
            "customers",
            json!({"displayName":"Berg","type":"company"}),
            400,
            "BadRequest",
            "expected type",
        ),
        (
            "customers",
            json!({"displayName":"Berg","balanceDue":5}),
            400,
            "BadRequest_InvalidOperation",
            "'balanceDue' is read-only",
        ),
        (
            "customers",
            json!({"displayName":"Berg","city":"x".repeat(31)}),
            400,
            "Application_StringExceededLength",
            "is 31, but it must be less than or equal to 30",
        ),
        (
            "customers",
            json!({"displayName":"Berg","country":"XX"}),
            400,
            "Internal_InvalidTableRelation",
            "contains a value (XX)",
        ),
        (
            "customers",
            json!({"displayName":"Berg","email":"berg"}),
            400,
            "Application_DialogException",
            "\"berg\" is not valid",
        ),
        (
            "customers",
            json!({"displayName":"Berg","phoneNumber":"ring oss"}),
            400,
            "Application_FieldValidationException",
            "must not contain letters",
        ),
        (
            "customers",
            json!({"displayName":"Berg","paymentMethodId":"f2a5738a-44e3-ea11-bb43-000d3a2feca1"}),
            400,
            "Application_DialogException",
            "\"paymentMethodId\" does not match",
        ),
        (
            "customers",
            json!({"displayName":"Berg","currencyCode":"NOSUCH"}),
            400,
            "Application_DialogException",
            "\"currencyCode\" does not match to a Currency.",
        ),
        (
            "items",
            json!({"displayName":"Fløyte","inventory":5}),
            400,
            "Application_DialogException",
            "Inventory cannot be changed",
        ),
        (
            "items",
            json!({"displayName":"Fløyte","lastModifiedDateTime":"2020-08-21T07:38:44.293Z"}),
            400,
            "BadRequest_InvalidOperation",
            "read-only",
        ),
        (
            "salesOrders",
            json!({}),
            400,
            "Application_DialogException",
            "A customerNumber or a customerID must be provided.",
        ),
        (
            "contacts",
            json!({"displayName":"Ada Berg","type":"Person","companyNumber":"CT99"}),
            400,
            "Internal_InvalidTableRelation",
            "Company No.",
        ),
    ] {
        let message = refused(api.post(&format!("/{set}"), &body), status, code);
        assert!(message.contains(words), "{body}: {message}");
    }
    refused(api.post("/people", &json!({})), 404, "BadRequest_ResourceNotFound");
    refused(api.put("/customers", &json!({})), 405, "BadRequest_MethodNotAllowed");
    refused(api.get("/customers('10000')"), 400, "BadRequest_NotFound");
    let kind = ("content-type", "application/json");
    refused(api.raw("POST", "/customers", &[kind], Some("{")).unwrap(), 400, "BadRequest");
    assert_eq!(sandbox.total_writes(), 0);
}

#[test]
fn codes_are_in_capitals_and_go_with_their_ids() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let made = api
        .post(
            "/customers",
            &json!({"displayName":"Berg","number":" c-7 ","country":"no","currencyCode":"sek"}),
        )
        .expect(201);
    assert_eq!(
        (&made["number"], &made["country"], &made["currencyCode"]),
        (&json!("C-7"), &json!("NO"), &json!("SEK"))
    );
    let currencies = api.get("/currencies?$filter=code%20eq%20'SEK'").expect(200);
    assert_eq!(values(&currencies, "id"), [made["currencyId"].clone()]);
    // Both at once must agree.
    refused(
        api.post(
            "/customers",
            &json!({"displayName":"Berg","currencyId":made["currencyId"],"currencyCode":"EUR"}),
        ),
        400,
        "Application_DialogException",
    );
    let item = api.post("/items", &json!({"displayName":"Fløyte"})).expect(201);
    assert_eq!(
        (&item["number"], &item["baseUnitOfMeasureCode"]),
        (&json!("100010"), &json!("PCS"))
    );
    let staff = api.post("/employees", &json!({"givenName":"Ada","surname":"Berg"})).expect(201);
    assert_eq!(
        (&staff["displayName"], &staff["birthDate"]),
        (&json!("Ada Berg"), &json!("0001-01-01"))
    );
    let firm = api.post("/contacts", &json!({"displayName":"Berg AS"})).expect(201);
    assert_eq!((&firm["type"], &firm["companyName"]), (&json!("Company"), &json!("Berg AS")));
    let person = json!({"displayName":"Ada Berg","type":"Person","companyNumber":firm["number"]});
    let person = api.post("/contacts", &person).expect(201);
    assert_eq!(
        (&person["companyName"], &person["searchName"]),
        (&json!("Berg AS"), &json!("ADA BERG"))
    );
}

#[test]
fn lists_are_filtered_ordered_selected_and_paged() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    for n in 0..7 {
        api.post("/customers", &json!({"displayName":format!("Kunde {n}"),"email":format!("k{n}@example.com"),"creditLimit":n})).expect(201);
    }
    let get = |query: &str| api.get(&format!("/customers?{query}"));
    let filter = |text: &str| format!("$filter={}", encoded(text));
    let found = get(&filter("creditLimit ge 5 and startswith(displayName,'Kunde')")).expect(200);
    assert_eq!(values(&found, "displayName"), ["Kunde 5", "Kunde 6"]);
    assert_eq!(
        values(&get(&filter("email eq 'K1@example.com'")).expect(200), "id"),
        Vec::<Value>::new()
    );
    let down =
        get("$orderby=creditLimit%20desc&$top=2&$select=displayName,creditLimit&$count=true")
            .expect(200);
    assert_eq!(values(&down, "displayName"), ["Kunde 6", "Kunde 5"]);
    assert_eq!(
        (&down["@odata.count"], down["value"][0].as_object().unwrap().len()),
        (&json!(7), 3)
    );
    assert!(down.get("@odata.nextLink").is_none());

    // Pages of two, with a record that goes away in between: none is lost, none comes twice.
    let small = ("prefer", "odata.maxpagesize=2");
    let mut page = api.with("GET", "/customers", &[small], None).expect(200);
    assert_eq!(page["value"].as_array().unwrap().len(), 2);
    sandbox.remove(SYSTEM, "customers", page["value"][1]["id"].as_str().unwrap()).unwrap();
    let mut seen = values(&page, "displayName");
    while let Some(next) = page["@odata.nextLink"].as_str() {
        page = api.with("GET", next, &[small], None).expect(200);
        seen.extend(values(&page, "displayName"));
    }
    assert_eq!(seen, (0..7).map(|n| json!(format!("Kunde {n}"))).collect::<Vec<_>>());

    for (query, status, code) in [
        (filter("lastModifiedDateTime gt '2024-01-01T00:00:00Z'"), 400, "BadRequest"),
        (filter("colour eq 'red'"), 400, "BadRequest"),
        (filter(&format!("id eq '{NO_ID}'")), 400, "BadRequest"),
        (filter("email eq 'a' or city eq 'b'"), 501, "BadRequest_MethodNotImplemented"),
        ("$select=colour".to_owned(), 400, "BadRequest"),
        ("$orderby=colour".to_owned(), 400, "BadRequest"),
        ("$expand=colour".to_owned(), 400, "BadRequest"),
        ("$top=two".to_owned(), 400, "BadRequest"),
        ("$skiptoken=nonsense".to_owned(), 400, "BadRequest"),
        ("page=2".to_owned(), 400, "BadRequest"),
    ] {
        refused(get(&query), status, code);
    }
}

#[test]
fn changes_are_found_by_the_time_of_change() {
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let all = api.get("/customers").expect(200);
    let latest = values(&all, "lastModifiedDateTime")
        .into_iter()
        .map(|at| at.as_str().unwrap().to_owned())
        .max()
        .unwrap();
    let since =
        format!("/customers?$filter={}", encoded(&format!("lastModifiedDateTime gt {latest}")));
    assert!(values(&api.get(&since).expect(200), "id").is_empty());
    let id = all["value"][3]["id"].as_str().unwrap();
    sandbox.edit(SYSTEM, "customers", id, &json!({"city":"Odda"})).unwrap();
    assert_eq!(values(&api.get(&since).expect(200), "id"), [json!(id)]);
    // The same value once more is no change.
    let before = api.get(&format!("/customers({id})")).header("etag").to_owned();
    sandbox.edit(SYSTEM, "customers", id, &json!({"city":"Odda"})).unwrap();
    assert_eq!(api.get(&format!("/customers({id})")).header("etag"), before);
}

#[test]
fn documents_take_over_from_the_customer_and_add_up_their_lines() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let customer = api
        .post("/customers", &json!({"displayName":"Berg","city":"Odda","email":"berg@example.com"}))
        .expect(201);
    let item = api.post("/items", &json!({"displayName":"Fløyte","unitPrice":40})).expect(201);
    let order = api
        .post("/salesOrders", &json!({"customerNumber":customer["number"],"salesOrderLines":[{"itemId":item["id"],"quantity":2.5}]}))
        .expect(201);
    assert_eq!(order["customerId"], customer["id"]);
    assert_eq!(
        (&order["customerName"], &order["sellToCity"], &order["status"]),
        (&json!("Berg"), &json!("Odda"), &json!("Draft"))
    );
    assert_eq!(order["totalAmountExcludingTax"], 100.0);
    let path = format!("/salesOrders({})", order["id"].as_str().unwrap());
    // A line of no item: the whole request is undone.
    let half = json!({"customerNumber":customer["number"],"salesOrderLines":[{"itemId":item["id"],"quantity":1},{"itemId":customer["id"]}]});
    refused(api.post("/salesOrders", &half), 400, "Application_DialogException");
    assert_eq!(sandbox.records(SYSTEM, "salesOrders").unwrap().len(), 1);

    let line = json!({"lineObjectNumber":item["number"],"lineType":"Item","quantity":1,"unitPrice":10,"discountPercent":10});
    let line = api.post(&format!("{path}/salesOrderLines"), &line).expect(201);
    assert_eq!(
        (&line["sequence"], &line["netAmount"], &line["itemId"]),
        (&json!(20000), &json!(9.0), &item["id"])
    );
    let whole = api.get(&format!("{path}?$expand=salesOrderLines")).expect(200);
    assert_eq!(
        (whole["salesOrderLines"].as_array().unwrap().len(), &whole["totalAmountExcludingTax"]),
        (2, &json!(109.0))
    );
    refused(api.get("/salesOrderLines"), 400, "Application_DialogException");
    let by_document =
        format!("/salesOrderLines?$filter=documentId%20eq%20{}", order["id"].as_str().unwrap());
    assert_eq!(values(&api.get(&by_document).expect(200), "description"), ["Fløyte", "Fløyte"]);
    let at = format!("/salesOrderLines({})", line["id"].as_str().unwrap());
    assert_eq!(api.delete(&at).status, 204);
    assert_eq!(api.get(&path).expect(200)["totalAmountExcludingTax"], 100.0);

    let message = refused(
        api.delete(&format!("/customers({})", customer["id"].as_str().unwrap())),
        400,
        "Application_DialogException",
    );
    assert!(message.starts_with("You cannot delete Customer C00010 because there is at least one outstanding Sales Order"), "{message}");
    refused(
        api.delete(&format!("/items({})", item["id"].as_str().unwrap())),
        400,
        "Application_DialogException",
    );
    assert_eq!(api.delete(&path).status, 204);
    assert_eq!(api.delete(&format!("/items({})", item["id"].as_str().unwrap())).status, 204);
}

#[test]
fn a_posted_invoice_stays_as_it_is() {
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let invoice = api.get("/salesInvoices?$top=1").expect(200)["value"][0].clone();
    let path = format!("/salesInvoices({})", invoice["id"].as_str().unwrap());
    assert_eq!(api.call("POST", &format!("{path}/Microsoft.NAV.post"), None).status, 204);
    let posted = api.get(&path).expect(200);
    assert_eq!(posted["status"], "Open");
    assert_ne!(posted["number"], invoice["number"]);
    let change =
        api.with("PATCH", &path, &[("if-match", "*")], Some(&json!({"dueDate":"2027-01-31"})));
    refused(change, 400, "Application_DialogException");
    refused(api.delete(&path), 400, "Application_DialogException");
}

#[test]
fn subscriptions_need_a_handshake_and_are_told_of_changes() {
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let root = above(&api);
    let called = Called::new(|heard| {
        let path = heard.head.split(' ').nth(1).unwrap_or_default();
        path.split_once("validationToken=").map_or("", |(_, token)| token).to_owned()
    });
    let deaf = Called::new(|_| "ok".to_owned());
    let resource = format!("/api/v2.0/companies({})/customers", of("COMPANY_ID"));
    let body = |url: &str, resource: &str| json!({"notificationUrl":url,"resource":resource,"clientState":"optionalValueOf2048"});
    refused(root.post("/subscriptions", &body(&deaf.url, &resource)), 400, "BadRequest");
    refused(
        root.post("/subscriptions", &body(&called.url, &resource.replace("customers", "contacts"))),
        400,
        "BadRequest",
    );
    let made = root.post("/subscriptions", &body(&called.url, &resource)).expect(201);
    called.heard(1);
    let id = sandbox.records(SYSTEM, "customers").unwrap()[0]["id"].as_str().unwrap().to_owned();
    sandbox.edit(SYSTEM, "customers", &id, &json!({"city":"Odda"})).unwrap();
    let told = called.heard(2)[1].json();
    assert_eq!(
        told["value"][0]["resource"],
        format!("api/v2.0/companies({})/customers({id})", of("COMPANY_ID"))
    );
    assert_eq!(
        (&told["value"][0]["changeType"], &told["value"][0]["clientState"]),
        (&json!("updated"), &json!("optionalValueOf2048"))
    );
    // Renewing takes the version and another handshake; it ends after three days.
    let path = format!("/subscriptions('{}')", made["subscriptionId"].as_str().unwrap());
    refused(root.patch(&path, &json!({})), 400, "BadRequest_InvalidToken");
    root.with("PATCH", &path, &[("if-match", "*")], Some(&json!({}))).expect(200);
    called.heard(3);
    assert_eq!(root.get("/subscriptions").expect(200)["value"].as_array().unwrap().len(), 1);
    if let Some(csdl) = description("businesscentral-v2.0-metadata.xml") {
        fits_csdl(&csdl, "subscriptions", &root.get(&path).expect(200));
    }
    assert_eq!(root.delete(&path).status, 204);
    sandbox.edit(SYSTEM, "customers", &id, &json!({"city":"Voss"})).unwrap();
    root.post("/subscriptions", &body(&called.url, &resource)).expect(201);
    assert_eq!(called.heard(4).len(), 4, "a change after the end is not told");
}

#[test]
fn every_answer_is_as_the_metadata_says() {
    let Some(csdl) = description("businesscentral-v2.0-metadata.xml") else { return };
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    for (set, name) in [
        ("customers", "customer"),
        ("contacts", "contact"),
        ("vendors", "vendor"),
        ("items", "item"),
        ("employees", "employee"),
        ("salesOrders", "salesOrder"),
        ("salesInvoices", "salesInvoice"),
        ("itemCategories", "itemCategory"),
        ("unitsOfMeasure", "unitOfMeasure"),
        ("currencies", "currency"),
        ("paymentTerms", "paymentTerm"),
    ] {
        let records = api.get(&format!("/{set}")).expect(200)["value"].as_array().unwrap().clone();
        assert!(!records.is_empty(), "{set}");
        for record in &records {
            fits_csdl(&csdl, name, record);
        }
        if let ("salesOrders" | "salesInvoices", Some(first)) = (set, records.first()) {
            let lines = format!("/{set}({})/{name}Lines", first["id"].as_str().unwrap());
            for line in api.get(&lines).expect(200)["value"].as_array().unwrap() {
                fits_csdl(&csdl, &format!("{name}Line"), line);
            }
        }
    }
    let companies = above(&api).get("/companies").expect(200);
    fits_csdl(&csdl, "company", &companies["value"][0]);
}
