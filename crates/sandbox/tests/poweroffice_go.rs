//! PowerOffice Go over real HTTP: v2 with its 204 and its patches, and the same contact persons in
//! v1.

use crate::support::{Answer, Caller, basic, credential, empty, poweroffice};
use serde_json::{Value, json};

fn patch(api: &Caller, path: &str, operations: &Value) -> Answer {
    api.with("PATCH", path, &[("content-type", "application/json-patch+json")], Some(operations))
}

#[test]
fn tokens_need_both_keys_and_the_subscription_and_end_after_twenty_minutes() {
    let sandbox = empty();
    let of = |name| credential("poweroffice-go", name);
    let login = Caller::new(sandbox.url("poweroffice-go").unwrap(), &[]);
    let ask = |client: &str, subscription: &str| {
        login
            .raw(
                "POST",
                "/OAuth/Token",
                &[
                    ("authorization", &basic(&of("POWEROFFICE_APPLICATION_KEY"), client)),
                    ("ocp-apim-subscription-key", subscription),
                ],
                Some("grant_type=client_credentials"),
            )
            .unwrap()
    };
    assert_eq!(ask("wrong", &of("POWEROFFICE_SUBSCRIPTION_KEY")).status, 400);
    assert_eq!(ask(&of("POWEROFFICE_CLIENT_KEY"), "wrong").status, 401);
    assert_eq!(
        ask(&of("POWEROFFICE_CLIENT_KEY"), &of("POWEROFFICE_SUBSCRIPTION_KEY")).expect(200)["expires_in"],
        1200
    );
    let api = poweroffice(&sandbox);
    assert_eq!(api.get("/v2/Customers").status, 204);
    assert_eq!(
        api.with("GET", "/v2/Customers", &[("ocp-apim-subscription-key", "")], None).status,
        401
    );
    // v1 knows no subscription.
    assert_eq!(
        api.with("GET", "/v1/PartyContactPerson/", &[("ocp-apim-subscription-key", "")], None)
            .status,
        200
    );
    sandbox.set_clock_offset("poweroffice-go", 1201).unwrap();
    let expired = api.get("/v2/Customers");
    assert_eq!((expired.status, expired.json["title"].as_str()), (401, Some("Unauthorized")));
}

#[test]
fn lists_are_bare_arrays_in_pages_with_exclusive_time_filters() {
    let sandbox = empty();
    let api = poweroffice(&sandbox);
    for n in 0..5 {
        sandbox
            .put(
                "poweroffice-go",
                "Employees",
                json!({"FirstName":format!("E{n}"),"LastName":"Berg"}),
            )
            .unwrap();
    }
    let page = api.get("/v2/Employees?PageNumber=2&PageSize=3&OrderBy=FirstName%20asc").expect(200);
    let names: Vec<&str> =
        page.as_array().unwrap().iter().map(|row| row["FirstName"].as_str().unwrap()).collect();
    assert_eq!(names, ["E3", "E4"]);
    assert_eq!(api.get("/v2/Employees?pageNumber=3&pageSize=3").status, 204);
    assert_eq!(api.get("/v2/Employees?pageSize=20001").status, 400);
    let fields = api.get("/v2/Employees?Fields=Id,FirstName&PageSize=1").expect(200);
    assert_eq!(fields[0].as_object().unwrap().len(), 2);
    let all = api.get("/v2/Employees").expect(200);
    let last = all
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["LastChangedDateTimeOffset"].as_str().unwrap())
        .max()
        .unwrap()
        .to_owned();
    let newer = |time: &str| {
        api.get(&format!(
            "/v2/Employees?lastChangedDateTimeOffsetGreaterThan={}",
            time.replace('+', "%2B")
        ))
    };
    assert_eq!(newer(&last).status, 204);
    let id = all[0]["Id"].to_string();
    sandbox
        .edit("poweroffice-go", "Employees", &id, &json!({"PhoneNumber":"+47 99 99 99 99"}))
        .unwrap();
    assert_eq!(newer(&last).expect(200).as_array().unwrap().len(), 1);
    assert_eq!(newer("yesterday").status, 400);
}

#[test]
fn customers_are_persons_or_companies_and_say_what_is_wrong() {
    let sandbox = empty();
    let api = poweroffice(&sandbox);
    let create = |body: Value| api.post("/v2/Customers", &body);
    let person = create(json!({"IsPerson":true,"FirstName":"Ada","LastName":"Berg","EmailAddress":"ada@example.no","ExternalImportReference":"hub-1"})).expect(201);
    assert_eq!((&person["Name"], &person["IsActive"]), (&Value::Null, &json!(true)));
    assert!(person["Id"].as_i64().unwrap() > 1_000_000);
    assert!(person["LastChangedDateTimeOffset"].as_str().unwrap().ends_with("+00:00"));
    // A person without IsPerson is a company without a name.
    let refused = create(json!({"FirstName":"Ada","LastName":"Berg"})).expect(400);
    assert_eq!(refused["title"], "Customer validation error(s)");
    assert!(refused["detail"].as_str().unwrap().contains("Name"));
    let company = create(json!({"Name":"Nordlys AS","FirstName":"ignored"})).expect(201);
    assert_eq!(company["FirstName"], Value::Null);
    assert!(
        create(json!({"IsPerson":true,"FirstName":"A","LastName":"B","EmailAddress":"nonsense"}))
            .expect(400)["detail"]
            .as_str()
            .unwrap()
            .contains("EmailAddress")
    );
    let taken = create(json!({"Name":"X","ExternalImportReference":"HUB-1"})).expect(400);
    assert!(
        taken["detail"].as_str().unwrap().starts_with("ExternalImportReference is already in use.")
    );
    assert_eq!(create(json!({"Name":"X","SalesPersonEmployeeId":5})).status, 404);
    // The address may be another customer's as well.
    create(json!({"IsPerson":true,"FirstName":"Ada","LastName":"Berg","EmailAddress":"ada@example.no"})).expect(201);
    let found = api.get("/v2/Customers?externalImportReference=hub-1").expect(200);
    assert_eq!(found[0]["Id"], person["Id"]);
}

#[test]
fn updates_are_json_patches_only() {
    let sandbox = empty();
    let api = poweroffice(&sandbox);
    let made = sandbox.put("poweroffice-go", "Customers", json!({"Name":"Nordlys AS"})).unwrap();
    let path = format!("/v2/Customers/{}", made["Id"]);
    assert_eq!(api.patch(&path, &json!({"Name":"x"})).status, 415);
    assert_eq!(patch(&api, &path, &json!({"Name":"x"})).status, 400);
    let changed = patch(
        &api,
        &path,
        &json!([{"op":"replace","path":"/emailaddress","value":"post@example.no"}]),
    )
    .expect(200);
    assert_eq!(changed["EmailAddress"], "post@example.no");
    assert_ne!(changed["LastChangedDateTimeOffset"], made["LastChangedDateTimeOffset"]);
    // A new address alone does not move the customer's stamp.
    let moved =
        patch(&api, &path, &json!([{"op":"add","path":"/MailAddress","value":{"City":"Oslo"}}]))
            .expect(200);
    assert_eq!(moved["LastChangedDateTimeOffset"], changed["LastChangedDateTimeOffset"]);
    for operations in [
        json!([{"op":"replace","path":"/Id","value":1}]),
        json!([{"op":"replace","path":"/EmailAddress","value":"nonsense"}]),
        json!([{"op":"remove","path":"/Name"}]),
        json!([{"op":"test","path":"/Name","value":"Else"}]),
    ] {
        assert_eq!(patch(&api, &path, &operations).status, 400, "{operations}");
    }
    assert_eq!(api.put(&path, &json!({"Name":"x"})).status, 405);
    assert_eq!(
        patch(&api, "/v2/Customers/1", &json!([])).expect(404)["title"],
        "Object(s) not found"
    );
    assert_eq!(api.delete(&path).status, 200);
    assert_eq!(api.get(&path).status, 404);
    let busy = sandbox
        .put("poweroffice-go", "Customers", json!({"Name":"Busy AS","_hasTransactions":true}))
        .unwrap();
    assert_eq!(
        api.delete(&format!("/v2/Customers/{}", busy["Id"])).expect(409)["title"],
        "Customer conflict"
    );
}

#[test]
fn contact_persons_belong_to_a_customer() {
    let sandbox = empty();
    let api = poweroffice(&sandbox);
    let parent = sandbox.put("poweroffice-go", "Customers", json!({"Name":"Nordlys AS"})).unwrap()
        ["Id"]
        .clone();
    let body = json!({"FirstName":"Ada","LastName":"Berg","EmailAddress":"ada@example.no"});
    assert_eq!(api.post("/v2/ContactPersons", &body).status, 405);
    assert_eq!(api.post("/v2/ContactPersons/1", &body).status, 404);
    let made = api.post(&format!("/v2/ContactPersons/{parent}"), &body).expect(201);
    assert_eq!((&made["ContactId"], &made["IsActive"]), (&parent, &json!(true)));
    assert!(
        api.post(&format!("/v2/ContactPersons/{parent}"), &json!({"FirstName":"Ada"})).expect(400)
            ["detail"]
            .as_str()
            .unwrap()
            .contains("LastName")
    );
    let path = format!("/v2/ContactPersons/{parent}/{}", made["Id"]);
    assert_eq!(
        patch(&api, &path, &json!([{"op":"replace","path":"/EmailAddress","value":"nonsense"}]))
            .status,
        400
    );
    assert_eq!(
        patch(&api, &path, &json!([{"op":"replace","path":"/FirstName","value":"Oda"}]))
            .expect(200)["FirstName"],
        "Oda"
    );
    assert_eq!(
        api.get(&format!("/v2/ContactPersons?contactIds={parent}"))
            .expect(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(api.get(&format!("/v2/ContactPersons/1/{}", made["Id"])).status, 404);
}

#[test]
fn v1_wraps_leaves_out_nulls_and_errs_with_200() {
    let sandbox = empty();
    let api = poweroffice(&sandbox);
    let parent = sandbox.put("poweroffice-go", "Customers", json!({"Name":"Nordlys AS"})).unwrap()
        ["Id"]
        .clone();
    let save =
        |body: Value| api.post(&format!("/v1/Customer/{parent}/Contact/"), &body).expect(200);
    let made = save(
        json!({"firstName":"Ada","lastName":"Berg","emailAddress":"ada@example.no","phoneNumber":"22 00 00 00","city":"Oslo"}),
    );
    assert_eq!(made["success"], true);
    assert_eq!((&made["data"]["partyId"], &made["data"]["city"]), (&parent, &json!("Oslo")));
    assert!(made["data"].get("externalCode").is_none());
    let refused = save(json!({"firstName":"Ada","lastName":"Berg","emailAddress":"nonsense"}));
    assert_eq!(
        (&refused["success"], &refused["validation"]["fields"][0]["field"]),
        (&json!(false), &json!("emailAddress"))
    );
    assert!(refused.get("data").is_none());
    // An update takes the record as whole.
    let changed = save(json!({"id":made["data"]["id"],"firstName":"Oda","lastName":"Berg"}));
    assert_eq!(changed["data"]["firstName"], "Oda");
    assert!(changed["data"].get("phoneNumber").is_none());
    // The same person in v2.
    assert_eq!(
        api.get(&format!("/v2/ContactPersons/{parent}/{}", made["data"]["id"])).expect(200)["FirstName"],
        "Oda"
    );
    let list = |query: &str| api.get(&format!("/v1/PartyContactPerson/?{query}")).expect(200);
    let all = list("$filter=(LastChanged%20ge%20datetimeoffset'2020-01-01T00:00:00Z')");
    assert_eq!((&all["count"], all["data"].as_array().unwrap().len()), (&json!(1), 1));
    let since = changed["data"]["lastChanged"].as_str().unwrap().replace('+', "%2B");
    assert_eq!(list(&format!("$filter=(LastChanged%20gt%20datetimeoffset'{since}')"))["count"], 0);
    assert_eq!(list("$filter=(lastChanged%20ge%20datetimeoffset'2020-01-01')")["success"], false);
    assert_eq!(list("$top=5")["success"], false);
    assert_eq!(list("$top=5&$orderby=Id")["count"], 1);
    let gone =
        api.delete(&format!("/v1/Customer/{parent}/Contact/{}/", made["data"]["id"])).expect(200);
    assert_eq!(gone["success"], true);
    let writes = &sandbox.writes()["poweroffice-go"]["ContactPersons"];
    assert_eq!((writes.create, writes.update, writes.delete), (1, 1, 1));
}

#[test]
fn an_order_is_created_whole_and_its_lines_have_the_products_price() {
    let sandbox = empty();
    let api = poweroffice(&sandbox);
    let customer =
        api.post("/v2/Customers", &json!({"Name":"Berg Bakeri AS"})).expect(201)["Id"].clone();
    // The description has 200 for a product, and 201 for everything else.
    let product =
        api.post("/v2/Products", &json!({"Name":"Ljåblad","UnitPrice":100.0})).expect(200)["Id"]
            .clone();
    assert_eq!(api.post("/v2/SalesOrders", &json!({"CustomerId":customer})).status, 405);
    let lines =
        json!([{"ProductId":product,"Quantity":3,"Allowance":10}, {"Description":"Med takk"}]);
    let body = json!({"CustomerId":customer,"SalesOrderLines":lines});
    let order = api.post("/v2/SalesOrders/Complete", &body).expect(201);
    assert_eq!((&order["NetAmount"], &order["TotalAmount"]), (&json!(270.0), &json!(337.5)));
    assert_eq!(order["SalesOrderLines"][0]["Description"], "Ljåblad");
    assert_eq!(order["SalesOrderLines"][1]["LineType"], "Text");
    let path = format!("/v2/SalesOrders/{}", order["Id"].as_str().unwrap());
    let head = api.get(&path).expect(200);
    assert_eq!((&head["LineCount"], &head["SalesOrderLines"]), (&json!(2), &Value::Null));
    // A line without a quantity is refused, and with it the order.
    let lines = json!([{"ProductId":product}]);
    let refused = api
        .post("/v2/SalesOrders/Complete", &json!({"CustomerId":customer,"SalesOrderLines":lines}));
    assert!(refused.expect(400)["detail"].as_str().unwrap().contains("Quantity"));
    assert_eq!(api.get("/v2/SalesOrders").expect(200).as_array().unwrap().len(), 1);
    // What others refer to is not deleted.
    assert_eq!(api.delete(&format!("/v2/Products/{product}")).status, 409);
    assert_eq!(api.delete(&format!("/v2/Customers/{customer}")).status, 409);
    let status = |word: &str| json!([{"op":"replace","path":"/SalesOrderStatus","value":word}]);
    patch(&api, &path, &status("Confirmed")).expect(200);
    let line = json!({"ProductId":product,"Quantity":1});
    assert!(
        api.post(&format!("{path}/Lines"), &line).expect(400)["detail"]
            .as_str()
            .unwrap()
            .contains("confirmed")
    );
    patch(&api, &path, &status("Draft")).expect(200);
    assert_eq!(api.post(&format!("{path}/Lines"), &line).status, 201);
    assert_eq!(api.delete(&path).status, 200);
    assert_eq!(api.get(&format!("{path}/Lines")).status, 404);
    assert_eq!(api.delete(&format!("/v2/Products/{product}")).status, 200);
}

#[test]
fn what_is_referred_to_must_be_there_and_stock_does_not_move_a_products_stamp() {
    let sandbox = empty();
    let api = poweroffice(&sandbox);
    let unknown = api.post("/v2/Departments", &json!({"Name":"Salg","ManagerEmployeeId":7}));
    assert!(unknown.expect(404)["detail"].as_str().unwrap().contains("Employee with id = 7"));
    assert_eq!(api.post("/v2/Projects", &json!({"Name":"Låve","Progress":101})).status, 400);
    let main = api.post("/v2/Projects", &json!({"Name":"Låve","Code":"10"})).expect(201);
    let below = json!({"Name":"Tak","Code":"2","ParentProjectId":main["Id"]});
    let below = api.post("/v2/Projects", &below).expect(201);
    assert_eq!((&below["Code"], &below["ParentProjectCode"]), (&json!("10.2"), &json!("10")));
    let body = json!({"Name":"Ljåblad","IsStockItem":true,"StockOnHand":4});
    let made = api.post("/v2/Products", &body).expect(200);
    sandbox.set_clock_offset("poweroffice-go", 60).unwrap();
    let path = format!("/v2/Products/{}", made["Id"]);
    let set = |name: &str, value: Value| json!([{"op":"replace","path":format!("/{name}"),"value":value}]);
    let stocked = patch(&api, &path, &set("StockOnHand", json!(3))).expect(200);
    assert_eq!(stocked["LastChangedDateTimeOffset"], made["LastChangedDateTimeOffset"]);
    assert!(stocked["StockOnHandLastChangedDatetimeOffset"].is_string());
    let named = patch(&api, &path, &set("Name", json!("Ljå"))).expect(200);
    assert_ne!(named["LastChangedDateTimeOffset"], made["LastChangedDateTimeOffset"]);
}
