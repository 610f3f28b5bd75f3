//! Zoho CRM over real HTTP: tokens with their own word, records one by one with results of their
//! own, pages by number and by token, changes by a header, deleted records, search, COQL,
//! notifications. Answers are checked against the vendor's description where that is on the
//! machine.

use crate::support::described::{description, fits_schema};
use crate::support::{Answer, Called, Caller, credential, encoded, filled, form, only};
use lockstep_sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};

const SYSTEM: &str = "zoho-crm";

fn token(sandbox: &Running, secret: &str, refresh: &str) -> Value {
    let login = Caller::new(sandbox.url(SYSTEM).unwrap(), &[]);
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &credential(SYSTEM, "ZOHO_CRM_CLIENT_ID")),
        ("client_secret", secret),
        ("refresh_token", refresh),
    ];
    form(&login, "/oauth/v2/token", &fields).expect(200)
}

fn crm(sandbox: &Running) -> Caller {
    let of = |name: &str| credential(SYSTEM, &format!("ZOHO_CRM_{name}"));
    let token = token(sandbox, &of("CLIENT_SECRET"), &of("REFRESH_TOKEN"));
    let header = format!("Zoho-oauthtoken {}", token["access_token"].as_str().unwrap());
    Caller::new(format!("{}/crm/v8", sandbox.url(SYSTEM).unwrap()), &[("authorization", &header)])
}

#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) -> Value {
    let body = answer.expect(status);
    assert_eq!((&body["code"], &body["status"]), (&json!(code), &json!("error")), "{body}");
    body["details"].clone()
}

/// The refusal of the only record of a request.
#[track_caller]
fn record_refused(answer: Answer, code: &str) -> Value {
    let body = answer.expect(400);
    assert_eq!(
        (&body["data"][0]["code"], &body["data"][0]["status"]),
        (&json!(code), &json!("error")),
        "{body}"
    );
    body["data"][0]["details"].clone()
}

fn made(answer: Answer) -> String {
    let body = answer.expect(201);
    assert_eq!(
        (&body["data"][0]["code"], &body["data"][0]["message"]),
        (&json!("SUCCESS"), &json!("record added"))
    );
    body["data"][0]["details"]["id"].as_str().unwrap().to_owned()
}

fn all(answer: Answer, name: &str) -> Vec<Value> {
    answer.expect(200)["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record[name].clone())
        .collect()
}

fn data(record: Value) -> Value {
    json!({"data": [record]})
}

#[test]
fn a_refresh_token_gives_a_token_with_a_word_of_its_own() {
    let sandbox = only(SYSTEM);
    let api = crm(&sandbox);
    assert_eq!(
        api.get("/users?type=CurrentUser").expect(200)["users"][0]["email"],
        "crm@example.com"
    );
    let of = |name: &str| credential(SYSTEM, &format!("ZOHO_CRM_{name}"));
    let given = token(&sandbox, &of("CLIENT_SECRET"), &of("REFRESH_TOKEN"));
    assert_eq!((&given["expires_in"], &given["token_type"]), (&json!(3600), &json!("Bearer")));
    assert!(given.get("refresh_token").is_none());
    // Refusals come with status 200.
    assert_eq!(
        token(&sandbox, "wrong", &of("REFRESH_TOKEN")),
        json!({"error":"invalid_client_secret"})
    );
    assert_eq!(token(&sandbox, &of("CLIENT_SECRET"), "wrong"), json!({"error":"invalid_code"}));
    let bearer = api.headers[0].1.replace("Zoho-oauthtoken", "Bearer");
    refused(
        api.with("GET", "/users", &[("authorization", &bearer)], None),
        401,
        "AUTHENTICATION_FAILURE",
    );
    refused(
        api.with("GET", "/users", &[("authorization", "Zoho-oauthtoken wrong")], None),
        401,
        "INVALID_TOKEN",
    );
    sandbox.set_clock_offset(SYSTEM, 3601).unwrap();
    refused(api.get("/users"), 401, "INVALID_TOKEN");
    sandbox.set_clock_offset(SYSTEM, 0).unwrap();
    sandbox.expire_tokens(SYSTEM).unwrap();
    refused(api.get("/users"), 401, "INVALID_TOKEN");
}

#[test]
fn tokens_can_be_asked_for_ten_times_in_ten_minutes() {
    let sandbox = Sandbox::start(Options {
        systems: vec![SYSTEM.to_owned()],
        rate_scale: 1.0,
        ..Options::empty()
    })
    .unwrap();
    let of = |name: &str| credential(SYSTEM, &format!("ZOHO_CRM_{name}"));
    for _ in 0..10 {
        token(&sandbox, &of("CLIENT_SECRET"), &of("REFRESH_TOKEN"));
    }
    let login = Caller::new(sandbox.url(SYSTEM).unwrap(), &[]);
    assert_eq!(form(&login, "/oauth/v2/token", &[]).expect(429)["error"], "Access Denied");
}

#[test]
fn a_contact_is_inserted_updated_and_deleted() {
    let sandbox = only(SYSTEM);
    let api = crm(&sandbox);
    let account = made(api.post("/Accounts", &data(json!({"Account_Name":"Berg Snekkeri AS"}))));
    let sent = json!({"Last_Name":"Daly","First_Name":"Pål","Email":"p.daly@example.com","Account_Name":{"id":account},"Date_of_Birth":"1990-05-01","Email_Opt_Out":true});
    let id = made(api.post("/Contacts", &json!({"data":[sent],"trigger":[]})));
    let path = format!("/Contacts/{id}");
    let read = api.get(&path).expect(200)["data"][0].clone();
    for name in ["Last_Name", "First_Name", "Email", "Date_of_Birth", "Email_Opt_Out"] {
        assert_eq!(read[name], sent[name], "{name}");
    }
    assert_eq!(read["Account_Name"], json!({"name":"Berg Snekkeri AS","id":account}));
    assert_eq!(
        (&read["Full_Name"], &read["Phone"], &read["Tag"]),
        (&json!("Pål Daly"), &Value::Null, &json!([]))
    );
    assert!(read["Created_Time"].as_str().unwrap().ends_with("+01:00"));
    assert!(read["Owner"]["email"].is_string());
    let few = api.get(&format!("{path}?fields=Email")).expect(200)["data"][0].clone();
    assert_eq!(few, json!({"id":id,"Email":"p.daly@example.com"}));

    // Sent back whole it is taken, and nothing changes.
    let answer = api.put(&path, &data(read.clone())).expect(200);
    assert_eq!(
        (&answer["data"][0]["message"], &answer["data"][0]["details"]["Modified_Time"]),
        (&json!("record updated"), &read["Modified_Time"])
    );
    assert!(!sandbox.requests(0).last().unwrap().changed);
    api.put("/Contacts", &data(json!({"id":id,"First_Name":" ","Account_Name":null}))).expect(200);
    let emptied = api.get(&path).expect(200)["data"][0].clone();
    assert_eq!(
        (&emptied["First_Name"], &emptied["Account_Name"], &emptied["Full_Name"]),
        (&Value::Null, &Value::Null, &json!("Daly"))
    );
    assert_eq!(api.delete(&path).expect(200)["data"][0]["message"], "record deleted");
    let gone = api.get(&path);
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    refused(api.delete(&path), 400, "INVALID_DATA");
    let details = record_refused(api.put(&path, &data(json!({"Phone":"1"}))), "INVALID_DATA");
    assert_eq!(details["api_name"], "id");
    let told = api.get("/Contacts/deleted?type=all").expect(200);
    assert_eq!(
        (&told["data"][0]["id"], &told["data"][0]["display_name"], &told["data"][0]["type"]),
        (&json!(id), &json!("Daly"), &json!("recycle"))
    );
    assert_eq!(api.get("/Contacts/deleted?type=permanent").status, 204);
    let later = ("if-modified-since", "2099-01-01T00:00:00+01:00");
    assert_eq!(api.with("GET", "/Contacts/deleted", &[later], None).status, 204);
}

#[test]
fn each_record_of_a_request_has_its_own_result() {
    let sandbox = only(SYSTEM);
    let api = crm(&sandbox);
    made(api.post("/Contacts", &data(json!({"Last_Name":"Daly","Email":"p.daly@example.com"}))));
    let mixed = api
        .post("/Contacts", &json!({"data":[{"Last_Name":"Berg"},{"First_Name":"Ada"}]}))
        .expect(207);
    assert_eq!(
        (&mixed["data"][0]["code"], &mixed["data"][1]["code"]),
        (&json!("SUCCESS"), &json!("MANDATORY_NOT_FOUND"))
    );
    assert_eq!(
        mixed["data"][1]["details"],
        json!({"api_name":"Last_Name","json_path":"$.data[1].Last_Name"})
    );
    let id = mixed["data"][0]["details"]["id"].as_str().unwrap().to_owned();
    for (body, code, wanted) in [
        (
            json!({"Last_Name":"Berg","Email":"P.Daly@example.com"}),
            "DUPLICATE_DATA",
            json!({"api_name":"Email"}),
        ),
        (
            json!({"Last_Name":5}),
            "INVALID_DATA",
            json!({"expected_data_type":"text","api_name":"Last_Name","json_path":"$.data[0].Last_Name"}),
        ),
        (
            json!({"Last_Name":"x".repeat(81)}),
            "INVALID_DATA",
            json!({"maximum_length":80,"api_name":"Last_Name"}),
        ),
        (
            json!({"Last_Name":"Berg","Email":"berg"}),
            "INVALID_DATA",
            json!({"expected_data_type":"email"}),
        ),
        (
            json!({"Last_Name":"Berg","Email_Opt_Out":"true"}),
            "INVALID_DATA",
            json!({"expected_data_type":"boolean"}),
        ),
        (
            json!({"Last_Name":"Berg","Date_of_Birth":"1990-05-01T00:00:00Z"}),
            "INVALID_DATA",
            json!({"expected_data_type":"date"}),
        ),
        (
            json!({"Last_Name":"Berg","Lead_Source":"Rumour"}),
            "INVALID_DATA",
            json!({"expected_data_type":"text"}),
        ),
        (
            json!({"Last_Name":"Berg","Account_Name":{"id":"1"}}),
            "INVALID_DATA",
            json!({"api_name":"Account_Name"}),
        ),
        (json!({"Last_Name":"Berg","Colour":"red"}), "INVALID_DATA", json!({"api_name":"Colour"})),
        (
            json!({"Last_Name":"Berg","Full_Name":"Ada Berg"}),
            "NOT_ALLOWED",
            json!({"api_name":"Full_Name"}),
        ),
    ] {
        let details = record_refused(api.post("/Contacts", &data(body)), code);
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(details[name], *value, "{details}");
        }
    }
    let twin = record_refused(
        api.put(&format!("/Contacts/{id}"), &data(json!({"Email":"p.daly@example.com"}))),
        "DUPLICATE_DATA",
    );
    assert_eq!(
        (&twin["more_records"], &twin["duplicate_record"]["module"]["api_name"]),
        (&json!(false), &json!("Contacts"))
    );
    record_refused(api.put("/Contacts", &data(json!({"Phone":"1"}))), "MANDATORY_NOT_FOUND");
    refused(api.post("/Contacts", &json!({"records":[]})), 400, "INVALID_DATA");
    refused(api.post("/Contacts", &json!({})), 400, "MANDATORY_NOT_FOUND");
    refused(api.post("/Contacts", &json!({"data":vec![json!({}); 101]})), 400, "LIMIT_EXCEEDED");
    refused(api.post("/Vessels", &data(json!({}))), 400, "INVALID_MODULE");
    refused(api.patch("/Contacts", &json!({})), 400, "INVALID_REQUEST_METHOD");
    refused(api.get("/Contacts/1/Notes"), 404, "INVALID_URL_PATTERN");
    let gone = api.delete(&format!("/Contacts?ids={id},1")).expect(207);
    assert_eq!(
        (&gone["data"][0]["code"], &gone["data"][1]["message"]),
        (&json!("SUCCESS"), &json!("record not deleted"))
    );
    refused(api.delete("/Contacts"), 400, "REQUIRED_PARAM_MISSING");
}

#[test]
fn upsert_finds_by_the_fields_it_is_given() {
    let sandbox = only(SYSTEM);
    let api = crm(&sandbox);
    let first = api
        .post(
            "/Contacts/upsert",
            &json!({"data":[{"Last_Name":"Daly","Email":"p.daly@example.com"}]}),
        )
        .expect(200);
    assert_eq!(
        (&first["data"][0]["action"], &first["data"][0]["duplicate_field"]),
        (&json!("insert"), &Value::Null)
    );
    let again = json!({"data":[{"Last_Name":"Daly","Email":"P.DALY@example.com","Phone":"1"}],"duplicate_check_fields":["Email"]});
    let second = api.post("/Contacts/upsert", &again).expect(200);
    assert_eq!(
        (&second["data"][0]["action"], &second["data"][0]["duplicate_field"]),
        (&json!("update"), &json!("Email"))
    );
    assert_eq!(second["data"][0]["details"]["id"], first["data"][0]["details"]["id"]);
}

#[test]
fn pages_go_by_number_up_to_two_thousand_and_then_by_token() {
    let sandbox = only(SYSTEM);
    for n in 0..2030 {
        sandbox.put(SYSTEM, "Accounts", json!({"Account_Name":format!("Kunde {n}")})).unwrap();
    }
    let api = crm(&sandbox);
    refused(api.get("/Accounts"), 400, "REQUIRED_PARAM_MISSING");
    let first = api.get("/Accounts?fields=Account_Name&sort_order=asc").expect(200);
    let info = &first["info"];
    assert_eq!(
        (&info["per_page"], &info["count"], &info["page"], &info["more_records"]),
        (&json!(200), &json!(200), &json!(1), &json!(true))
    );
    assert_eq!((&info["sort_by"], &info["sort_order"]), (&json!("id"), &json!("asc")));
    let mut seen: Vec<Value> =
        all(api.get("/Accounts?fields=Account_Name&sort_order=asc"), "Account_Name");
    let mut next = info["next_page_token"].as_str().map(str::to_owned);
    let mut pages = 1;
    // What goes away in between is no reason to lose another.
    sandbox.remove(SYSTEM, "Accounts", first["data"][199]["id"].as_str().unwrap()).unwrap();
    while let Some(token) = next {
        let page = api
            .get(&format!("/Accounts?fields=Account_Name&sort_order=asc&page_token={token}"))
            .expect(200);
        pages += 1;
        assert_eq!(page["info"]["page"], pages);
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|record| record["Account_Name"].clone()),
        );
        next = page["info"]["next_page_token"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, (0..2030).map(|n| json!(format!("Kunde {n}"))).collect::<Vec<_>>());
    assert_eq!(all(api.get("/Accounts?fields=Account_Name&page=10&per_page=200"), "id").len(), 200);
    let limit = refused(
        api.get("/Accounts?fields=Account_Name&page=11"),
        400,
        "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
    );
    assert_eq!(limit["limit"], 2000);
    let token = info["next_page_token"].as_str().unwrap();
    refused(
        api.get(&format!("/Accounts?fields=Phone&sort_order=asc&page_token={token}")),
        400,
        "TOKEN_BOUND_DATA_MISMATCH",
    );
    refused(
        api.get(&format!("/Accounts?fields=Account_Name&page=2&page_token={token}")),
        400,
        "AMBIGUITY_DURING_PROCESSING",
    );
    sandbox.set_clock_offset(SYSTEM, 25 * 3600).unwrap();
    let api = crm(&sandbox);
    refused(
        api.get(&format!("/Accounts?fields=Account_Name&sort_order=asc&page_token={token}")),
        400,
        "EXPIRED_VALUE",
    );
    for query in [
        "fields=Colour",
        "fields=Phone&per_page=201",
        "fields=Phone&sort_by=Account_Name",
        "fields=Phone&sort_order=up",
        "fields=Phone&colour=red",
        "fields=Phone&page=x",
    ] {
        refused(api.get(&format!("/Accounts?{query}")), 400, "INVALID_DATA");
    }
    assert_eq!(api.get("/Deals?fields=Stage").status, 204);
}

#[test]
fn changes_are_asked_for_by_a_header() {
    let sandbox = filled(SYSTEM);
    let api = crm(&sandbox);
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(5);
    let since = before.to_string();
    let header = [("if-modified-since", since.as_str())];
    assert_eq!(api.with("GET", "/Contacts?fields=Email", &header, None).status, 304);
    let id = all(api.get("/Contacts?fields=Email&per_page=1"), "id").remove(0);
    sandbox.edit(SYSTEM, "Contacts", id.as_str().unwrap(), &json!({"Phone":"1"})).unwrap();
    assert_eq!(
        all(api.with("GET", "/Contacts?fields=Email", &header, None), "id"),
        vec![id.clone()]
    );
    assert_eq!(
        all(
            api.with("GET", &format!("/Contacts/{}", id.as_str().unwrap()), &header, None),
            "Phone"
        ),
        [json!("1")]
    );
    // The second itself is not after it.
    let own = api.get(&format!("/Contacts/{}", id.as_str().unwrap())).expect(200);
    let same = [("if-modified-since", own["data"][0]["Modified_Time"].as_str().unwrap())];
    assert_eq!(api.with("GET", "/Contacts?fields=Email", &same, None).status, 304);
    let later = [("if-modified-since", "2099-01-01T00:00:00+01:00")];
    assert_eq!(
        api.with("GET", &format!("/Contacts/{}", id.as_str().unwrap()), &later, None).status,
        304
    );
    refused(
        api.with("GET", "/Contacts?fields=Email", &[("if-modified-since", "yesterday")], None),
        400,
        "INVALID_DATA",
    );
}

#[test]
fn search_takes_addresses_numbers_words_and_criteria() {
    let sandbox = only(SYSTEM);
    let api = crm(&sandbox);
    for (first, last, email, phone) in [
        ("Ada", "Berg", "ada@example.com", "+47 22 33 44 55"),
        ("Åse", "Bergheim", "ase@example.com", "1"),
        ("Liv", "Moe", "liv@example.com", "2"),
    ] {
        made(api.post(
            "/Contacts",
            &data(json!({"First_Name":first,"Last_Name":last,"Email":email,"Phone":phone})),
        ));
    }
    made(api.post("/Deals", &data(json!({"Deal_Name":"Vår","Stage":"Closed Won","Amount":100,"Closing_Date":"2026-01-31"}))));
    made(
        api.post("/Deals", &data(json!({"Deal_Name":"Høst","Stage":"Qualification","Amount":200}))),
    );
    let find = |module: &str, name: &str, text: &str| {
        api.get(&format!("/{module}/search?{name}={}", encoded(text)))
    };
    assert_eq!(all(find("Contacts", "email", "ADA@example.com"), "Last_Name"), ["Berg"]);
    assert_eq!(all(find("Contacts", "phone", "+4722334455"), "Last_Name"), ["Berg"]);
    assert_eq!(all(find("Contacts", "word", "berg"), "Last_Name"), ["Berg", "Bergheim"]);
    // The index finds words within texts, and whole addresses only.
    assert_eq!(
        all(find("Contacts", "criteria", "(Last_Name:equals:Berg)"), "Last_Name"),
        ["Berg", "Bergheim"]
    );
    assert_eq!(find("Contacts", "criteria", "(Email:equals:example.com)").status, 204);
    assert_eq!(
        all(
            find(
                "Contacts",
                "criteria",
                "((Last_Name:starts_with:Berg)and(First_Name:equals:Åse))"
            ),
            "Last_Name"
        ),
        ["Bergheim"]
    );
    assert_eq!(
        all(
            find("Contacts", "criteria", "(Email:in:ada@example.com,liv@example.com)"),
            "Last_Name"
        ),
        ["Berg", "Moe"]
    );
    assert_eq!(
        all(
            find(
                "Deals",
                "criteria",
                "((Amount:greater_than:150)or(Closing_Date:between:2026-01-01,2026-02-01))"
            ),
            "Deal_Name"
        ),
        ["Vår", "Høst"]
    );
    assert_eq!(all(find("Deals", "criteria", "(Stage:equals:Closed Won)"), "Deal_Name"), ["Vår"]);
    assert_eq!(find("Contacts", "email", "nobody@example.com").status, 204);
    for criteria in [
        "Last_Name:equals:Berg",
        "(Last_Name:equals:Berg",
        "(Colour:equals:red)",
        "(Last_Name:greater_than:A)",
        "(Modified_Time:greater_than:2026-01-01T00:00:00+00:00)",
        "(Last_Name:equals:A)and(First_Name:equals:B)or(Email:equals:C)",
        "(Last_Name:equals)",
    ] {
        refused(find("Contacts", "criteria", criteria), 400, "INVALID_QUERY");
    }
    refused(find("Deals", "criteria", "(Amount:equals:many)"), 400, "INVALID_QUERY");
    refused(api.get("/Contacts/search"), 400, "REQUIRED_PARAM_MISSING");
}

#[test]
fn coql_selects_with_conditions_by_twos() {
    let sandbox = only(SYSTEM);
    let api = crm(&sandbox);
    for n in 0..5 {
        made(api.post(
            "/Deals",
            &data(
                json!({"Deal_Name":format!("Avtale {n}"),"Stage":"Qualification","Amount":n * 100}),
            ),
        ));
    }
    let ask = |query: &str| api.post("/coql", &json!({"select_query": query}));
    let answer = ask(
        "select Deal_Name, Amount from Deals where Amount >= 200 order by Amount desc limit 0, 2",
    )
    .expect(200);
    assert_eq!(
        answer["data"],
        json!([{"Deal_Name":"Avtale 4","Amount":400,"id":answer["data"][0]["id"]},{"Deal_Name":"Avtale 3","Amount":300,"id":answer["data"][1]["id"]}])
    );
    assert_eq!(answer["info"], json!({"count":2,"more_records":true}));
    assert_eq!(
        all(
            ask(
                "select Deal_Name from Deals where ((Amount > 0 and Amount < 300) and Deal_Name like '%2')"
            ),
            "Deal_Name"
        ),
        ["Avtale 2"]
    );
    assert_eq!(
        all(ask("select Deal_Name from Deals where Amount between 100 and 200"), "Deal_Name"),
        ["Avtale 1", "Avtale 2"]
    );
    assert_eq!(all(ask("select id from Deals where Closing_Date is null and Deal_Name in ('Avtale 1','Avtale 9')"), "id").len(), 1);
    let owner = api.get("/users?type=CurrentUser").expect(200)["users"][0]["id"].clone();
    assert_eq!(
        all(ask("select Owner from Deals where Amount = 0"), "Owner"),
        [json!({"id":owner})]
    );
    assert_eq!(ask("select id from Deals where Amount > 9000").status, 204);
    // A time of change can be asked for here.
    assert_eq!(
        all(ask("select id from Deals where Modified_Time > '2020-01-01T00:00:00+01:00'"), "id")
            .len(),
        5
    );
    for (query, code) in [
        ("select id from Deals", "SYNTAX_ERROR"),
        ("select id from Deals where Amount > 0 and Amount < 5 and Stage = 'x'", "SYNTAX_ERROR"),
        ("select id from Deals where Amount > 0 limit", "SYNTAX_ERROR"),
        ("select id Deals where Amount > 0", "SYNTAX_ERROR"),
        ("select id from Deals where Deal_Name = 'x", "SYNTAX_ERROR"),
        ("select Colour from Deals where Amount > 0", "INVALID_QUERY"),
        ("select id from Deals where Colour = 'red'", "INVALID_QUERY"),
        ("select id from Deals where Amount > 'many'", "INVALID_QUERY"),
        ("select id from Deals where Modified_Time > '2020-01-01'", "INVALID_QUERY"),
        ("select id from Offers where Amount > 0", "INVALID_QUERY"),
        ("select id from Deals where Amount > 0 limit 2001", "LIMIT_EXCEEDED"),
    ] {
        refused(ask(query), 400, code);
    }
    refused(api.post("/coql", &json!({"query":"x"})), 400, "MANDATORY_NOT_FOUND");
}

#[test]
fn invoices_add_up_their_items() {
    let sandbox = only(SYSTEM);
    let api = crm(&sandbox);
    let flute = made(api.post(
        "/Products",
        &data(json!({"Product_Name":"Fløyte","Product_Code":"NO-1","Unit_Price":40})),
    ));
    record_refused(
        api.post("/Products", &data(json!({"Product_Name":"Fele","Product_Code":"no-1"}))),
        "DUPLICATE_DATA",
    );
    record_refused(api.post("/Invoices", &data(json!({"Subject":"F1"}))), "MANDATORY_NOT_FOUND");
    let sent = json!({"Subject":"F1","Invoiced_Items":[{"Product_Name":{"id":flute},"Quantity":2},{"Product_Name":{"id":flute},"Quantity":1,"List_Price":10,"Discount":1}]});
    let id = made(api.post("/Invoices", &data(sent)));
    let path = format!("/Invoices/{id}");
    let read = api.get(&path).expect(200)["data"][0].clone();
    assert_eq!(
        (&read["Grand_Total"], &read["Status"], &read["Invoiced_Items"][0]["Product_Name"]["name"]),
        (&json!(89.0), &json!("Created"), &json!("Fløyte"))
    );
    let item = read["Invoiced_Items"][0]["id"].clone();
    api.put(&path, &data(json!({"Invoiced_Items":[{"id":item,"Quantity":1}]}))).expect(200);
    api.put(
        &path,
        &data(json!({"Invoiced_Items":[{"id":read["Invoiced_Items"][1]["id"],"_delete":null}]})),
    )
    .expect(200);
    assert_eq!(api.get(&path).expect(200)["data"][0]["Grand_Total"], 40.0);
    let details = record_refused(
        api.post("/Invoices", &data(json!({"Subject":"F2","Invoiced_Items":[{"Quantity":1}]}))),
        "MANDATORY_NOT_FOUND",
    );
    assert_eq!(details["json_path"], "$.data[0].Invoiced_Items[0].Product_Name");
}

#[test]
fn channels_are_told_of_changes_until_they_expire() {
    let sandbox = filled(SYSTEM);
    let api = crm(&sandbox);
    let called = Called::new(|_| String::new());
    let watch = |body: Value| api.post("/actions/watch", &json!({"watch":[body]}));
    assert_eq!(api.get("/actions/watch").status, 204);
    let sent = json!({"channel_id":"1000000068001","events":["Contacts.edit","Deals.all"],"token":"sandbox-token","notify_url":called.url});
    let answer = watch(sent.clone()).expect(201);
    assert_eq!(
        answer["watch"][0]["message"],
        "Successfully subscribed for actions-watch of the given module"
    );
    assert_eq!(answer["watch"][0]["details"]["events"][0]["resource_name"], "Contacts");
    for (name, value) in [
        ("events", json!(["Contacts.move"])),
        ("notify_url", json!("nowhere")),
        ("channel_expiry", json!("2099-01-01T00:00:00+01:00")),
        ("colour", json!("red")),
    ] {
        let mut body = sent.clone();
        body[name] = value;
        let told = watch(body).expect(202);
        assert_eq!(
            (&told["watch"][0]["code"], &told["watch"][0]["details"]["api_name"]),
            (&json!("INVALID_DATA"), &json!(name))
        );
    }
    let id = all(api.get("/Contacts?fields=Email&per_page=1"), "id")
        .remove(0)
        .as_str()
        .unwrap()
        .to_owned();
    sandbox.edit(SYSTEM, "Contacts", &id, &json!({"Phone":"1"})).unwrap();
    let told = called.heard(1)[0].json();
    assert_eq!(
        (&told["module"], &told["operation"], &told["ids"]),
        (&json!("Contacts"), &json!("update"), &json!([id]))
    );
    assert_eq!(
        (&told["token"], &told["channel_id"]),
        (&json!("sandbox-token"), &json!("1000000068001"))
    );
    assert_eq!(told["affected_fields"], json!([{(&id): ["Phone"]}]));
    let deal =
        all(api.get("/Deals?fields=Stage&per_page=1"), "id").remove(0).as_str().unwrap().to_owned();
    sandbox.remove(SYSTEM, "Deals", &deal).unwrap();
    assert_eq!(called.heard(2)[1].json()["operation"], "delete");
    // An hour when nobody says; other events are nobody's.
    sandbox.remove(SYSTEM, "Contacts", &id).unwrap();
    // Nearly an hour: the machine may be slow.
    sandbox.set_clock_offset(SYSTEM, 3500).unwrap();
    let again = crm(&sandbox);
    assert_eq!(again.get("/actions/watch").expect(200)["watch"].as_array().unwrap().len(), 1);
    sandbox.set_clock_offset(SYSTEM, 3601).unwrap();
    let api = crm(&sandbox);
    assert_eq!(api.get("/actions/watch").status, 204);
    assert_eq!(called.heard(2).len(), 2);
}

#[test]
fn every_answer_is_as_the_description_says() {
    let Some(text) = description("zoho-crm.json") else { return };
    let described: Value = serde_json::from_str(&text).unwrap();
    let sandbox = filled(SYSTEM);
    let api = crm(&sandbox);
    let schema = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    // Records may have any fields beside those of every record; these are described.
    for module in ["Contacts", "Accounts", "Deals", "Products", "Invoices"] {
        let list = api
            .get(&format!(
                "/{module}?fields=Owner,Created_By,Created_Time,Modified_By,Modified_Time,Tag"
            ))
            .expect(200);
        fits_schema(&described, &schema("Info"), &list["info"], "info");
        for record in list["data"].as_array().unwrap() {
            let mut system = record.clone();
            system.as_object_mut().unwrap().remove("Owner");
            fits_schema(&described, &schema("Record"), &system, module);
            fits_schema(&described, &schema("users__Minified_User"), &record["Owner"], "Owner");
        }
        // The list of fields names every property that a record has.
        let fields = api.get(&format!("/settings/fields?module={module}")).expect(200);
        let known: Vec<&str> = fields["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["api_name"].as_str().unwrap())
            .collect();
        let id = list["data"][0]["id"].as_str().unwrap();
        let whole = api.get(&format!("/{module}/{id}")).expect(200)["data"][0].clone();
        let mut names: Vec<&str> = whole.as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = known;
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known, "{module}");
    }
    let answer = api.post("/Contacts", &data(json!({"Last_Name":"Berg"}))).expect(201);
    fits_schema(&described, &schema("Success_Response"), &answer["data"][0], "inserted");
    let answer = api.post("/Contacts", &data(json!({"Email":"berg"}))).expect(400);
    fits_schema(&described, &schema("API_Exception"), &answer["data"][0], "refused");
    let id = sandbox.records(SYSTEM, "Deals").unwrap()[0]["id"].as_str().unwrap().to_owned();
    api.delete(&format!("/Deals/{id}")).expect(200);
    fits_schema(
        &described,
        &schema("Deleted_Records_Wrapper"),
        &api.get("/Deals/deleted").expect(200),
        "deleted",
    );
    let mut users = api.get("/users?type=ActiveUsers").expect(200);
    for user in users["users"].as_array_mut().unwrap() {
        fits_schema(&described, &schema("users__users"), user, "users");
    }
    fits_schema(&described, &schema("users__info"), &users["info"], "users.info");
    let called = Called::new(|_| String::new());
    let body =
        json!({"watch":[{"channel_id":"1","events":["Contacts.all"],"notify_url":called.url}]});
    let answer = api.post("/actions/watch", &body).expect(201);
    fits_schema(
        &described,
        &schema("notifications__Success_Response"),
        &answer["watch"][0],
        "watch",
    );
}
