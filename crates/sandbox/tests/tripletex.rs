//! Tripletex over real HTTP: session tokens, the envelope, fields, sorting, parameters, versions,
//! what the application checks, orders and invoices, webhooks. Answers are checked against the
//! vendor's description where that is on the machine.

use crate::support::described::{description, fits_schema};
use crate::support::{Answer, Called, Caller, basic, credential, encoded, filled, only};
use lockstep_sandbox::Running;
use serde_json::{Value, json};

const SYSTEM: &str = "tripletex";

fn session(sandbox: &Running, consumer: &str, employee: &str, until: &str) -> Answer {
    let login = Caller::new(sandbox.url(SYSTEM).unwrap(), &[]);
    let query = format!(
        "/v2/token/session/:create?consumerToken={consumer}&employeeToken={employee}&expirationDate={until}"
    );
    login.call("PUT", &query, None)
}

/// A day that is to come, at midnight as well.
fn in_two_days() -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    at.strftime("%Y-%m-%d").to_string()
}

fn company(sandbox: &Running) -> Caller {
    let of = |name: &str| credential(SYSTEM, &format!("TRIPLETEX_{name}_TOKEN"));
    let made = session(sandbox, &of("CONSUMER"), &of("EMPLOYEE"), &in_two_days()).expect(200);
    let token = made["value"]["token"].as_str().unwrap();
    let base = format!("{}/v2", sandbox.url(SYSTEM).unwrap());
    Caller::new(base, &[("authorization", &basic("0", token))])
}

#[track_caller]
fn refused(answer: Answer, status: u16, code: u32) -> Value {
    let id = answer.header("x-tlx-request-id").to_owned();
    let body = answer.expect(status);
    assert_eq!(
        (&body["status"], &body["code"], &body["requestId"]),
        (&json!(status), &json!(code), &json!(id)),
        "{body}"
    );
    body
}

fn values(answer: Answer, name: &str) -> Vec<Value> {
    answer.expect(200)["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record[name].clone())
        .collect()
}

#[test]
fn two_tokens_give_a_session_until_a_day() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let own = |name: &str| credential(SYSTEM, &format!("TRIPLETEX_{name}_TOKEN"));
    let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    let past = yesterday.strftime("%Y-%m-%d").to_string();
    refused(session(&sandbox, &own("CONSUMER"), &own("EMPLOYEE"), &past), 422, 18000);
    let me = api.get("/token/session/%3EwhoAmI").expect(200);
    let id = me["value"]["employeeId"].clone();
    assert_eq!(
        api.get(&format!("/employee/{id}")).expect(200)["value"]["email"],
        "regnskap@example.com"
    );
    let of = |name: &str| credential(SYSTEM, &format!("TRIPLETEX_{name}_TOKEN"));
    refused(session(&sandbox, "wrong", &of("EMPLOYEE"), &in_two_days()), 401, 3000);
    refused(session(&sandbox, &of("CONSUMER"), "wrong", &in_two_days()), 404, 6000);
    refused(session(&sandbox, &of("CONSUMER"), &of("EMPLOYEE"), "2020-01-01"), 422, 18000);
    refused(session(&sandbox, &of("CONSUMER"), &of("EMPLOYEE"), "tomorrow"), 422, 18000);
    refused(api.with("GET", "/customer", &[("authorization", "")], None), 401, 3000);
    refused(
        api.with("GET", "/customer", &[("authorization", &basic("0", "wrong"))], None),
        401,
        3000,
    );
    sandbox.set_clock_offset(SYSTEM, 2 * 86_400).unwrap();
    refused(api.get("/customer"), 401, 3000);
    sandbox.set_clock_offset(SYSTEM, 0).unwrap();
    let answer = api.get("/customer");
    assert_ne!(answer.header("x-rate-limit-remaining"), "");
    sandbox.expire_tokens(SYSTEM).unwrap();
    refused(api.get("/customer"), 401, 3000);
}

#[test]
fn a_customer_is_answered_as_the_service_answers() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let sent = json!({"name":"Vestfjord AS","organizationNumber":"970769994","email":"post@example.com",
        "postalAddress":{"addressLine1":"Parkveien 124","postalCode":"7010","city":"Trondheim"}});
    let made = api.post("/customer", &sent).expect(201)["value"].clone();
    assert_eq!(
        (&made["version"], &made["customerNumber"], &made["displayName"]),
        (&json!(1), &json!(10001), &json!("Vestfjord AS (10001)"))
    );
    assert_eq!(
        (&made["phoneNumber"], &made["accountManager"], &made["isCustomer"]),
        (&json!(""), &Value::Null, &json!(true))
    );
    assert_eq!(
        (&made["invoicesDueIn"], &made["invoiceSendMethod"], &made["currency"]["id"]),
        (&json!(14), &json!("EMAIL"), &json!(1))
    );
    // What was sent of an address is shown, and so is the country that nobody sent.
    assert_eq!(made["postalAddress"]["addressAsString"], "Parkveien 124, 7010 Trondheim, Norge");
    assert_eq!(made["physicalAddress"].as_object().unwrap().len(), 2);
    let url = made["url"].as_str().unwrap();
    assert!(
        url.starts_with("127.0.0.1:") && url.ends_with(&format!("/v2/customer/{}", made["id"])),
        "{url}"
    );

    let path = format!("/customer/{}", made["id"]);
    let read = api.get(&path).expect(200)["value"].clone();
    assert_eq!(read["postalAddress"].as_object().unwrap().len(), 2);
    // A part is changed by PUT; the version that was sent must be the present one.
    let changed = api
        .put(
            &path,
            &json!({"version":1,"phoneNumber":"22 33 44 55","postalAddress":{"city":"Bodø"}}),
        )
        .expect(200)["value"]
        .clone();
    assert_eq!((&changed["version"], &changed["name"]), (&json!(2), &json!("Vestfjord AS")));
    assert_eq!(
        (&changed["postalAddress"]["city"], &changed["postalAddress"]["addressLine1"]),
        (&json!("Bodø"), &json!("Parkveien 124"))
    );
    assert_eq!(
        refused(api.put(&path, &json!({"version":1,"phoneNumber":"1"})), 409, 8000)["message"],
        "RevisionException"
    );
    // The same once more changes nothing, null empties.
    assert_eq!(
        api.put(&path, &json!({"phoneNumber":"22 33 44 55"})).expect(200)["value"]["version"],
        2
    );
    let emptied =
        api.put(&path, &json!({"phoneNumber":null,"invoicesDueIn":null})).expect(200)["value"]
            .clone();
    assert_eq!((&emptied["phoneNumber"], &emptied["invoicesDueIn"]), (&json!(""), &json!(0)));
    assert_eq!(api.delete(&path).status, 204);
    refused(api.get(&path), 404, 6000);
    let writes = &sandbox.writes()[SYSTEM]["customer"];
    assert_eq!((writes.create, writes.update, writes.delete), (1, 3, 1));
}

#[test]
fn what_does_not_fit_is_refused_with_code_and_field() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let department = values(api.get("/department"), "id")[0].clone();
    let employee = json!({"firstName":"Ada","lastName":"Berg","email":"ada@example.com","userType":"NO_ACCESS","department":{"id":department}});
    api.post("/employee", &employee).expect(201);
    api.post("/product", &json!({"name":"Fløyte","number":2626})).expect(201);
    for (path, body, code, field, words) in [
        ("/customer", json!({}), 18000, "name", "Kan ikke være null."),
        ("/customer", json!({"name":""}), 18000, "name", "Feltet må fylles ut."),
        (
            "/customer",
            json!({"name":"Berg","colour":"red"}),
            16000,
            "colour",
            "Feltet eksisterer ikke i objektet.",
        ),
        (
            "/customer",
            json!({"name":"Berg","isInactive":"yes"}),
            16000,
            "isInactive",
            "Verdien er ikke av korrekt type for dette feltet.",
        ),
        ("/customer", json!({"name":"Berg","language":"SE"}), 16000, "language", "korrekt type"),
        (
            "/customer",
            json!({"name":"Berg","postalAddress":{"country":"NO"}}),
            16000,
            "postalAddress.country",
            "korrekt type",
        ),
        (
            "/customer",
            json!({"name":"Berg","isCustomer":false}),
            16000,
            "isCustomer",
            "kan ikke endres",
        ),
        ("/customer", json!({"name":"Berg","email":"berg"}), 18000, "email", "Ugyldig"),
        (
            "/customer",
            json!({"name":"Berg","accountManager":{"id":99}}),
            18000,
            "accountManager.id",
            "ikke funnet",
        ),
        (
            "/customer",
            json!({"name":"Berg","category1":{"id":99}}),
            18000,
            "category1.id",
            "ikke funnet",
        ),
        (
            "/employee",
            json!({"firstName":"Liv","lastName":"Berg","department":{"id":department}}),
            18000,
            "",
            "Brukertype kan ikke være \"0\" eller tom.",
        ),
        (
            "/employee",
            json!({"firstName":"Liv","lastName":"Berg","userType":"NO_ACCESS"}),
            18000,
            "department.id",
            "Feltet må fylles ut.",
        ),
        (
            "/employee",
            json!({"firstName":"Liv","lastName":"Berg","userType":"STANDARD","department":{"id":department}}),
            18000,
            "email",
            "Må angis for Tripletex-brukere.",
        ),
        ("/employee", employee, 18000, "email", "allerede en bruker"),
        (
            "/product",
            json!({"name":"Fele","number":"2626"}),
            18000,
            "number",
            "Produktnummeret 2626 er i bruk.",
        ),
        ("/order", json!({"customer":null}), 18000, "orderDate", "Kan ikke være null."),
        ("/invoice", json!({"orders":[]}), 18000, "orders", "Listen kan ikke være tom."),
    ] {
        let told = refused(api.post(path, &body), 422, code);
        let first = &told["validationMessages"][0];
        let wanted = if field.is_empty() { Value::Null } else { json!(field) };
        assert_eq!(first["field"], wanted, "{body}: {told}");
        assert!(first["message"].as_str().unwrap().contains(words), "{told}");
        assert_eq!(
            told["message"],
            if code == 16000 { "Request mapping failed" } else { "Validering feilet." }
        );
    }
    let kind = ("content-type", "application/json");
    refused(api.raw("POST", "/customer", &[kind], Some("{")).unwrap(), 422, 22000);
    refused(api.get("/customer/x"), 400, 12000);
    refused(api.get("/people"), 404, 6000);
    refused(api.delete("/employee/40001"), 405, 4000);
    for (path, status, code) in [
        ("/customer?colour=red", 422, 21000),
        ("/customer?count=many", 422, 21000),
        ("/customer?count=20000", 422, 23000),
        ("/customer?isInactive=maybe", 422, 21000),
        ("/customer?changedSince=yesterday", 422, 21000),
        ("/customer?sorting=colour", 422, 17000),
        ("/customer?fields=colour", 400, 11000),
        ("/customer?fields=postalAddress(colour)", 400, 11000),
        ("/customer?fields=name(", 400, 11000),
        ("/order", 422, 18000),
        ("/order?orderDateFrom=2026-01-01&orderDateTo=soon", 422, 21000),
    ] {
        refused(api.get(path), status, code);
    }
    let told = refused(
        api.get("/invoice?invoiceDateFrom=2026-01-01&invoiceDateTo=2027-01-01&fields=amountUnpaid"),
        400,
        11000,
    );
    assert_eq!(
        told["message"],
        "Illegal field in fields filter: amountUnpaid. amountUnpaid does not match a field in the model: InvoiceDTO"
    );
}

#[test]
fn lists_have_an_envelope_pages_and_fields() {
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let first = api
        .get(
            "/contact?from=0&count=8&sorting=-lastName,firstName&fields=id,lastName,customer(name)",
        )
        .expect(200);
    assert_eq!(
        (&first["fullResultSize"], &first["from"], &first["count"]),
        (&json!(20), &json!(0), &json!(8))
    );
    assert_eq!(first["versionDigest"], "'If-None-Match' header not specified");
    assert_eq!(first["values"][0].as_object().unwrap().len(), 3);
    assert_eq!(
        first["values"][0]["customer"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["name"]
    );
    let mut seen = Vec::new();
    for from in [0, 8, 16, 24] {
        seen.extend(values(
            api.get(&format!("/contact?from={from}&count=8&sorting=-lastName,firstName")),
            "lastName",
        ));
    }
    let mut sorted = seen.clone();
    sorted.sort_by_key(|name| std::cmp::Reverse(name.as_str().unwrap().to_lowercase()));
    assert_eq!((seen.len(), &seen), (20, &sorted));
    // Inactive customers are shown to those who ask.
    assert_eq!(values(api.get("/customer"), "isInactive"), vec![json!(false); 11]);
    assert_eq!(values(api.get("/customer?isInactive=true"), "isInactive"), vec![json!(true)]);
    let ids = values(api.get("/customer"), "id");
    assert_eq!(
        values(api.get(&format!("/customer?id={},{}", ids[3], ids[5])), "id"),
        [ids[3].clone(), ids[5].clone()]
    );
    let email = values(api.get("/customer"), "email")[4].as_str().unwrap().to_uppercase();
    assert_eq!(
        values(api.get(&format!("/customer?email={}", encoded(&email))), "id"),
        [ids[4].clone()]
    );
    // A digest tells that nothing has changed.
    let told = api.with("GET", "/customer", &[("if-none-match", "none")], None).expect(200);
    let digest = told["versionDigest"].as_str().unwrap();
    assert_eq!(api.with("GET", "/customer", &[("if-none-match", digest)], None).status, 304);
}

#[test]
fn changes_are_told_where_they_are_asked_for() {
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let id = values(api.get("/customer"), "id")[2].clone();
    let before = (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(2))
        .strftime("%Y-%m-%dT%H:%M:%S")
        .to_string();
    assert_eq!(
        values(api.get(&format!("/customer?changedSince={before}")), "id"),
        Vec::<Value>::new()
    );
    sandbox.edit(SYSTEM, "customer", &id.to_string(), &json!({"phoneNumber":"1"})).unwrap();
    assert_eq!(
        values(api.get(&format!("/customer?changedSince={before}")), "id"),
        vec![id.clone()]
    );
    assert!(api.get(&format!("/customer/{id}")).expect(200)["value"].get("changes").is_none());
    let whole = api.get(&format!("/customer/{id}?fields=*,changes")).expect(200);
    let kinds: Vec<&Value> = whole["value"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["changeType"])
        .collect();
    assert_eq!(kinds, ["CREATE", "UPDATE"]);
    // Products have no such parameter.
    refused(api.get(&format!("/product?changedSince={before}")), 422, 21000);
}

#[test]
fn an_order_with_lines_becomes_an_invoice() {
    let sandbox = only(SYSTEM);
    let api = company(&sandbox);
    let value = |answer: Answer, status: u16| answer.expect(status)["value"].clone();
    let customer = value(api.post("/customer", &json!({"name":"Berg"})), 201);
    let flute =
        value(api.post("/product", &json!({"name":"Fløyte","priceExcludingVatCurrency":100})), 201);
    assert_eq!(
        (&flute["version"], &flute["priceIncludingVatCurrency"], &flute["number"]),
        (&json!(0), &json!(125.0), &json!(""))
    );
    let sent = json!({"customer":{"id":customer["id"]},"orderDate":"2026-03-20","deliveryDate":"2026-03-25",
        "orderLines":[{"product":{"id":flute["id"]},"count":2},{"description":"Frakt","unitPriceExcludingVatCurrency":50}]});
    let order = value(api.post("/order?fields=*,orderLines(*)", &sent), 201);
    assert_eq!(
        (&order["number"], &order["isClosed"], &order["customerName"]),
        (&json!("1"), &json!(false), &json!("Berg"))
    );
    let lines = order["orderLines"].as_array().unwrap();
    assert_eq!(
        (&lines[0]["amountExcludingVatCurrency"], &lines[0]["amountIncludingVatCurrency"]),
        (&json!(200.0), &json!(250.0))
    );
    assert_eq!(
        (&lines[0]["description"], &lines[1]["description"]),
        (&json!("Fløyte"), &json!("Frakt"))
    );
    let path = format!("/order/{}", order["id"]);
    // Lines stay unless they are to be replaced.
    let one = json!({"orderLines":[{"id":lines[0]["id"],"count":3}]});
    assert_eq!(value(api.put(&path, &one), 200)["orderLines"].as_array().unwrap().len(), 2);
    let kept = value(api.put(&format!("{path}?updateLinesAndGroups=true"), &one), 200);
    assert_eq!(kept["orderLines"].as_array().unwrap().len(), 1);
    let added = value(api.post("/order/orderline", &json!({"order":{"id":order["id"]},"description":"Innpakking","unitPriceIncludingVatCurrency":25})), 201);
    assert_eq!(added["unitPriceExcludingVatCurrency"], 20.0);
    assert_eq!(api.delete(&format!("/order/orderline/{}", added["id"])).status, 204);
    let cheap = json!({"order":{"id":order["id"]},"description":"Rest","count":2,"unitPriceExcludingVatCurrency":50,"discount":10});
    let cheap = value(api.post("/order/orderline", &cheap), 201);
    assert_eq!(cheap["amountExcludingVatCurrency"], 90.0);
    assert_eq!(api.delete(&format!("/order/orderline/{}", cheap["id"])).status, 204);
    refused(api.delete(&format!("/customer/{}", customer["id"])), 422, 18000);
    refused(api.delete(&format!("/product/{}", flute["id"])), 422, 18000);

    let invoice = value(
        api.call(
            "PUT",
            &format!("{path}/:invoice?invoiceDate=2026-04-01&sendToCustomer=false"),
            None,
        ),
        200,
    );
    assert_eq!(
        (&invoice["invoiceNumber"], &invoice["amount"], &invoice["amountExcludingVat"]),
        (&json!(1), &json!(375.0), &json!(300.0))
    );
    assert_eq!(invoice["invoiceDueDate"], "2026-04-15");
    assert_eq!(value(api.get(&path), 200)["isClosed"], true);
    refused(api.call("PUT", &format!("{path}/:invoice?invoiceDate=2026-04-01"), None), 422, 18000);
    refused(api.delete(&path), 422, 18000);
    let found = api.get(
        "/invoice?invoiceDateFrom=2026-04-01&invoiceDateTo=2026-04-02&fields=*,orders(number)",
    );
    assert_eq!(found.expect(200)["values"][0]["orders"][0]["number"], "1");
    assert_eq!(
        values(api.get("/invoice?invoiceDateFrom=2026-03-01&invoiceDateTo=2026-04-01"), "id"),
        Vec::<Value>::new()
    );
    // A failing order leaves nothing behind.
    let half = json!({"invoiceDate":"2026-04-01","invoiceDueDate":"2026-04-15","orders":[{"customer":{"id":customer["id"]},"orderDate":"2026-03-20",
        "deliveryDate":"2026-03-20","orderLines":[]}]});
    refused(api.post("/invoice?sendToCustomer=false", &half), 422, 18000);
    assert_eq!(sandbox.records(SYSTEM, "order").unwrap().len(), 1);
}

#[test]
fn subscribers_are_told_with_the_header_they_asked_for() {
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let events = api.get("/event").expect(200);
    assert_eq!(
        events["value"]["product.create"],
        json!({"description":"Product created","payloadModel":"Product"})
    );
    assert_eq!(events["value"]["order.delete"], json!({"description":"Order deleted"}));
    let called = Called::new(|_| String::new());
    let body = json!({"event":"customer.update","targetUrl":called.url,"fields":"id,name","authHeaderName":"X-Hook-Token","authHeaderValue":"abc123"});
    let made = api.post("/event/subscription", &body).expect(201)["value"].clone();
    assert_eq!(
        (&made["version"], &made["status"], &made["authHeaderValue"]),
        (&json!(0), &json!("ACTIVE"), &Value::Null)
    );
    refused(
        api.post("/event/subscription", &json!({"event":"customer.move","targetUrl":called.url})),
        422,
        18000,
    );
    refused(
        api.post(
            "/event/subscription",
            &json!({"event":"customer.update","targetUrl":called.url,"fields":"colour"}),
        ),
        400,
        11000,
    );
    let id = values(api.get("/customer"), "id")[0].clone();
    sandbox.edit(SYSTEM, "customer", &id.to_string(), &json!({"name":"Nytt navn"})).unwrap();
    let heard = called.heard(1).remove(0);
    assert_eq!(heard.header("x-hook-token"), Some("abc123"));
    assert_eq!(
        heard.json(),
        json!({"subscriptionId":made["id"],"event":"customer.update","id":id,"value":{"id":id,"name":"Nytt navn"}})
    );
    let gone = json!({"event":"supplier.delete","targetUrl":called.url});
    api.post("/event/subscription", &gone).expect(201);
    let supplier = values(api.get("/supplier"), "id")[0].to_string();
    sandbox.remove(SYSTEM, "supplier", &supplier).unwrap();
    assert_eq!(called.heard(2)[1].json()["value"], Value::Null);
    assert_eq!(api.delete(&format!("/event/subscription/{}", made["id"])).status, 204);
}

#[test]
fn a_shared_secret_signs_each_call_with_a_key_of_its_own() {
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let called = Called::new(|_| String::new());
    let body = json!({"event":"product.update","targetUrl":called.url,"fields":"id","hmacSharedSecret":"a-secret"});
    let made = api.post("/event/subscription", &body).expect(201)["value"].clone();
    assert_eq!(made["hmacSharedSecret"], Value::Null, "it is written only");
    let id = values(api.get("/product"), "id")[0].to_string();
    for name in ["Stol", "Bord"] {
        sandbox.edit(SYSTEM, "product", &id, &json!({"name":name})).unwrap();
    }
    let heard = called.heard(2);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA512, b"a-secret");
    for call in &heard {
        let own = call.header("idempotency-key").unwrap();
        let tag = ring::hmac::sign(&key, format!("{own}&{}", call.body).as_bytes());
        let wanted = crate::support::base64(tag.as_ref());
        assert_eq!(call.header("x-request-signature"), Some(wanted.as_str()));
    }
    assert_ne!(heard[0].header("idempotency-key"), heard[1].header("idempotency-key"));
}

#[test]
fn every_answer_is_as_the_description_says() {
    let Some(text) = description("tripletex-linked.json") else { return };
    let described: Value = serde_json::from_str(&text).unwrap();
    let sandbox = filled(SYSTEM);
    let api = company(&sandbox);
    let schema = |path: &str, method: &str| {
        described["paths"][path][method]["responses"]["default"]["content"]
            .as_object()
            .unwrap_or_else(|| panic!("{path} {method} is not described"))
            .values()
            .next()
            .unwrap()["schema"]
            .clone()
    };
    let dates = "orderDateFrom=2020-01-01&orderDateTo=2030-01-01";
    let invoiced = "invoiceDateFrom=2020-01-01&invoiceDateTo=2030-01-01";
    for (path, query) in [
        ("/customer", "fields=*,changes,postalAddress(*)"),
        ("/supplier", ""),
        ("/contact", "fields=*,customer(*)"),
        ("/employee", ""),
        ("/department", ""),
        ("/product", "fields=*,changes"),
        ("/order", &format!("{dates}&fields=*,orderLines(*)")),
        ("/invoice", invoiced),
        ("/country", ""),
        ("/currency", ""),
        ("/ledger/vatType", ""),
        ("/event/subscription", ""),
    ] {
        let answer = api.get(&format!("{path}?{query}")).expect(200);
        fits_schema(&described, &schema(path, "get"), &answer, path);
        if let (Some(first), true) =
            (answer["values"][0]["id"].as_i64(), path != "/event/subscription")
        {
            let one = api.get(&format!("{path}/{first}")).expect(200);
            fits_schema(&described, &schema(&format!("{path}/{{id}}"), "get"), &one, path);
        }
    }
    fits_schema(
        &described,
        &schema("/token/session/>whoAmI", "get"),
        &api.get("/token/session/%3EwhoAmI").expect(200),
        "whoAmI",
    );
    let made =
        api.post("/customer", &json!({"name":"Berg","postalAddress":{"city":"Odda"}})).expect(201);
    fits_schema(&described, &schema("/customer", "post"), &made, "POST /customer");
    // Every parameter of the lists that the sandbox takes is one of the description's.
    for path in [
        "/customer",
        "/supplier",
        "/contact",
        "/employee",
        "/department",
        "/product",
        "/order",
        "/invoice",
        "/country",
        "/ledger/vatType",
    ] {
        for parameter in described["paths"][path]["get"]["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let value = match (name, parameter["schema"]["type"].as_str().unwrap()) {
                (_, "boolean") => "true",
                (name, _) if name.contains("Date") || name.starts_with("period") => "2026-01-01",
                ("changedSince", _) => "2026-01-01T00:00:00",
                ("sorting" | "fields", _) => "id",
                _ => "1",
            };
            let needed = match path {
                "/order" => format!("&{dates}"),
                "/invoice" => format!("&{invoiced}"),
                _ => String::new(),
            };
            let answer = api.get(&format!("{path}?{name}={value}{needed}"));
            assert!(answer.status == 200, "{path}?{name}: {}", answer.text);
        }
    }
}
