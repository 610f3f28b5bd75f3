//! WooCommerce over real HTTP: keys, types as WordPress checks them, pages and totals in headers,
//! dates in the site's time zone, the bin, orders and their sums, signed webhooks. Requests have
//! the form of the vendor's pages; which properties an answer has is written down here from them.

use crate::support::{Answer, Called, Caller, basic, credential, encoded, filled, only};
use lockstep_sandbox::Running;
use serde_json::{Value, json};

const SYSTEM: &str = "woocommerce";

fn shop(sandbox: &Running) -> Caller {
    let of = |name: &str| credential(SYSTEM, &format!("WOOCOMMERCE_CONSUMER_{name}"));
    let base = format!("{}/wp-json/wc/v3", sandbox.url(SYSTEM).unwrap());
    Caller::new(base, &[("authorization", &basic(&of("KEY"), &of("SECRET")))])
}

#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) -> Value {
    let body = answer.expect(status);
    assert_eq!((&body["code"], &body["data"]["status"]), (&json!(code), &json!(status)), "{body}");
    body
}

fn all(answer: Answer, name: &str) -> Vec<Value> {
    answer.expect(200).as_array().unwrap().iter().map(|record| record[name].clone()).collect()
}

fn customer(email: &str) -> Value {
    let address = json!({"first_name":"Ada","last_name":"Berg","company":"","address_1":"Storgata 1","address_2":"","city":"Odda",
        "state":"","postcode":"5750","country":"NO"});
    let mut billing = address.clone();
    billing["email"] = json!(email);
    billing["phone"] = json!("(555) 555-5555");
    json!({"email":email,"first_name":"Ada","last_name":"Berg","username":"ada.berg","billing":billing,"shipping":address})
}

#[test]
fn keys_open_in_the_header_and_in_the_query() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    api.get("/customers").expect(200);
    refused(
        api.with("GET", "/customers", &[("authorization", "")], None),
        401,
        "woocommerce_rest_cannot_view",
    );
    let of = |name: &str| credential(SYSTEM, &format!("WOOCOMMERCE_CONSUMER_{name}"));
    let query = format!("/customers?consumer_key={}&consumer_secret={}", of("KEY"), of("SECRET"));
    api.with("GET", &query, &[("authorization", "")], None).expect(200);
    for (user, password, words) in [
        ("ck_x", "cs_x", "Consumer key is invalid."),
        (&of("KEY"), "cs_x", "Consumer secret is invalid."),
    ] {
        let answer =
            api.with("GET", "/customers", &[("authorization", &basic(user, password))], None);
        assert_eq!(refused(answer, 401, "woocommerce_rest_authentication_error")["message"], words);
    }
    refused(
        Caller::new(sandbox.url(SYSTEM).unwrap(), &[]).get("/wp-json/wc/v2/customers"),
        404,
        "rest_no_route",
    );
    refused(api.get("/people"), 404, "rest_no_route");
    refused(api.get("/categories"), 404, "rest_no_route");
}

#[test]
fn a_customer_has_what_the_page_shows() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let sent = customer("ada.berg@example.com");
    let answer = api.post("/customers", &sent);
    assert!(answer.header("location").ends_with("/wp-json/wc/v3/customers/2"));
    let made = answer.expect(201);
    let mut names: Vec<&String> = made.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "_links",
            "avatar_url",
            "billing",
            "date_created",
            "date_created_gmt",
            "date_modified",
            "date_modified_gmt",
            "email",
            "first_name",
            "id",
            "is_paying_customer",
            "last_name",
            "meta_data",
            "role",
            "shipping",
            "username"
        ]
    );
    for name in ["email", "first_name", "last_name", "username", "billing"] {
        assert_eq!(made[name], sent[name], "{name}");
    }
    assert_eq!(made["shipping"]["phone"], "");
    assert_eq!(
        (&made["role"], &made["is_paying_customer"], &made["meta_data"]),
        (&json!("customer"), &json!(false), &json!([]))
    );
    // The site is an hour ahead, and no date says its zone.
    let at = |name: &str| made[name].as_str().unwrap().parse::<jiff::civil::DateTime>().unwrap();
    assert_eq!(at("date_created") - at("date_created_gmt"), jiff::Span::new().hours(1).fieldwise());
    assert_eq!(api.get("/customers/2").expect(200), made);
    // Sent back whole, it is taken, and nothing changes.
    let mut whole = made.clone();
    whole.as_object_mut().unwrap().remove("_links");
    assert_eq!(api.put("/customers/2", &whole).expect(200), made);
    assert_eq!(sandbox.writes()[SYSTEM]["customers"].update, 1);
    assert!(!sandbox.requests(0).last().unwrap().changed);
}

#[test]
fn parts_of_an_address_change_and_nulls_do_nothing() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    api.post("/customers", &customer("ada.berg@example.com")).expect(201);
    let patch = json!({"first_name":null,"last_name":"","billing":{"city":"Voss","phone":""},
        "meta_data":[{"key":"erp_id","value":"C-33"}]});
    let changed = api.patch("/customers/2", &patch).expect(200);
    assert_eq!((&changed["first_name"], &changed["last_name"]), (&json!("Ada"), &json!("")));
    assert_eq!(
        (&changed["billing"]["city"], &changed["billing"]["postcode"]),
        (&json!("Voss"), &json!("5750"))
    );
    assert_eq!(changed["meta_data"][0]["value"], "C-33");
    // Meta data go by their key; null takes one away.
    let changed = api
        .post("/customers/2", &json!({"meta_data":[{"key":"erp_id","value":"C-34"}]}))
        .expect(200);
    assert_eq!(changed["meta_data"].as_array().unwrap().len(), 1);
    let changed =
        api.put("/customers/2", &json!({"meta_data":[{"key":"erp_id","value":null}]})).expect(200);
    assert_eq!(changed["meta_data"], json!([]));
}

#[test]
fn what_does_not_fit_is_refused_in_wordpress_words() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    api.post("/customers", &customer("ada.berg@example.com")).expect(201);
    api.post("/customers", &json!({"email":"liv@example.com"})).expect(201);
    let invalid = "rest_invalid_param";
    for (path, body, code, param, words) in [
        ("/customers", json!({}), "rest_missing_callback_param", "", "Missing parameter(s): email"),
        (
            "/customers",
            json!({"email":"ada"}),
            "registration-error-invalid-email",
            "",
            "valid email",
        ),
        (
            "/customers",
            json!({"email":"ADA.berg@example.com"}),
            "registration-error-email-exists",
            "",
            "already registered",
        ),
        (
            "/customers",
            json!({"email":"b@example.com","username":"ada.berg"}),
            "registration-error-username-exists",
            "",
            "already registered",
        ),
        (
            "/customers",
            json!({"email":"b@example.com","first_name":5}),
            invalid,
            "first_name",
            "first_name is not of type string.",
        ),
        (
            "/customers",
            json!({"email":"b@example.com","billing":{"city":null}}),
            invalid,
            "billing",
            "billing[city] is not of type string.",
        ),
        (
            "/customers",
            json!({"email":"b@example.com","billing":{"email":""}}),
            invalid,
            "billing",
            "Invalid email address.",
        ),
        (
            "/customers",
            json!({"email":"b@example.com","billing":{"colour":"red"}}),
            invalid,
            "billing",
            "billing[colour] is not a valid property of Object.",
        ),
        (
            "/customers",
            json!({"email":"b@example.com","colour":"red"}),
            invalid,
            "colour",
            "colour is not a parameter of this route.",
        ),
        (
            "/customers",
            json!({"email":"b@example.com","role":"administrator"}),
            invalid,
            "role",
            "role is read-only.",
        ),
        (
            "/customers",
            json!({"id":9,"email":"b@example.com"}),
            "woocommerce_rest_customer_exists",
            "",
            "Cannot create",
        ),
        (
            "/customers/2",
            json!({"email":"liv@example.com"}),
            "woocommerce_rest_customer_invalid_email",
            "",
            "Email address is invalid.",
        ),
        ("/customers/2", json!({"email":"ada"}), invalid, "email", "Invalid email address."),
        (
            "/customers/2",
            json!({"username":"ada"}),
            "woocommerce_rest_customer_invalid_argument",
            "",
            "Username isn't editable.",
        ),
        (
            "/products",
            json!({"regular_price":21.99}),
            invalid,
            "regular_price",
            "regular_price is not of type string.",
        ),
        (
            "/products",
            json!({"status":"hidden"}),
            invalid,
            "status",
            "status is not one of draft, pending,",
        ),
        (
            "/orders",
            json!({"customer_id":99}),
            "woocommerce_rest_invalid_customer_id",
            "",
            "Customer ID is invalid.",
        ),
        (
            "/orders",
            json!({"line_items":[{"quantity":1}]}),
            "woocommerce_rest_required_product_reference",
            "",
            "Product ID or SKU",
        ),
        (
            "/products/categories",
            json!({"name":"uncategorized"}),
            "term_exists",
            "",
            "already exists",
        ),
    ] {
        let body = refused(api.post(path, &body), 400, code);
        let told = if param.is_empty() { &body["message"] } else { &body["data"]["params"][param] };
        assert!(told.as_str().unwrap_or_default().contains(words), "{body}");
    }
    let kind = ("content-type", "application/json");
    refused(api.raw("POST", "/customers", &[kind], Some("{")).unwrap(), 400, "rest_invalid_json");
    for (path, name) in [
        ("/customers?per_page=101", "per_page"),
        ("/customers?page=0", "page"),
        ("/customers?modified_after=2024-01-01T00:00:00", "modified_after"),
        ("/customers?orderby=date", "orderby"),
        ("/orders?status=open", "status"),
        ("/products?after=yesterday", "after"),
    ] {
        assert!(
            refused(api.get(path), 400, invalid)["data"]["params"].get(name).is_some(),
            "{path}"
        );
    }
    refused(api.get("/customers/99"), 404, "woocommerce_rest_invalid_id");
    refused(api.put("/products/99", &json!({})), 400, "woocommerce_rest_product_invalid_id");
    refused(api.get("/orders/99"), 404, "woocommerce_rest_shop_order_invalid_id");
    // The owner of the shop is a user, but no customer.
    assert_eq!(all(api.get("/customers"), "id"), [json!(2), json!(3)]);
    assert_eq!(
        all(api.get("/customers?role=all&orderby=id"), "id"),
        [json!(1), json!(2), json!(3)]
    );
    refused(
        api.put("/customers/1", &json!({"email":"ny@example.com"})),
        403,
        "woocommerce_rest_cannot_edit",
    );
    refused(api.delete("/customers/1?force=true"), 403, "woocommerce_rest_cannot_delete");
}

#[test]
fn pages_tell_the_total_and_the_next() {
    let sandbox = filled(SYSTEM);
    let api = shop(&sandbox);
    let total = sandbox.records(SYSTEM, "customers").unwrap().len() - 1;
    let mut next = Some("/customers?per_page=9&orderby=id".to_owned());
    let (mut seen, mut pages) = (Vec::new(), 0);
    while let Some(path) = next.take() {
        let page = api.get(&path);
        assert_eq!(page.header("x-wp-total"), total.to_string());
        assert_eq!(page.header("x-wp-totalpages"), total.div_ceil(9).to_string());
        next = page
            .header("link")
            .split(", ")
            .find(|link| link.ends_with("rel=\"next\""))
            .map(|link| link[1..link.find('>').unwrap()].to_owned());
        seen.extend(all(page, "id"));
        pages += 1;
    }
    assert_eq!((seen.len(), pages), (total, total.div_ceil(9)));
    seen.dedup();
    assert_eq!(seen.len(), total);
    assert_eq!(all(api.get("/customers?per_page=9&page=99"), "id"), Vec::<Value>::new());
    let email =
        sandbox.records(SYSTEM, "customers").unwrap()[3]["email"].as_str().unwrap().to_owned();
    assert_eq!(
        all(api.get(&format!("/customers?email={}", encoded(&email.to_uppercase()))), "email"),
        [json!(email)]
    );
    let few = api.get("/customers?_fields=id,email&per_page=1").expect(200);
    assert_eq!(few[0].as_object().unwrap().len(), 2);
    assert_eq!(all(api.get("/products?sku=NO-0103"), "sku"), [json!("NO-0103")]);
}

/// `dates_are_gmt` sets the limit against the other column; a limit that names its zone is brought
/// to the site's first. Only the right pair sees what has just changed and nothing else.
#[test]
fn changes_since_a_time_depend_on_whose_time_it_is() {
    let sandbox = filled(SYSTEM);
    let api = shop(&sandbox);
    let id = all(api.get("/products?per_page=1"), "id").remove(0).to_string();
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(2);
    sandbox.edit(SYSTEM, "products", &id, &json!({"regular_price":"999.00"})).unwrap();
    let bare = before.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let since = |limit: &str, more: &str| {
        all(api.get(&format!("/products?modified_after={}{more}", encoded(limit))), "id").len()
    };
    assert_eq!(since(&bare, "&dates_are_gmt=true"), 1);
    assert_eq!(since(&format!("{bare}Z"), ""), 1);
    // An hour is lost where both are said.
    assert_eq!(since(&format!("{bare}Z"), "&dates_are_gmt=true"), 0);
    let later =
        (before + jiff::SignedDuration::from_secs(60)).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    assert_eq!(since(&later, "&dates_are_gmt=true"), 0);
    // A bare time is the site's.
    assert_eq!(since(&later, ""), 1);
}

#[test]
fn what_is_deleted_goes_into_the_bin_where_there_is_one() {
    let sandbox = filled(SYSTEM);
    let api = shop(&sandbox);
    refused(api.delete("/customers/2"), 501, "woocommerce_rest_trash_not_supported");
    assert_eq!(api.delete("/customers/2?force=true").expect(200)["id"], 2);
    refused(api.get("/customers/2"), 404, "woocommerce_rest_invalid_id");
    for (path, code) in [
        ("/products", "woocommerce_rest_product_invalid_id"),
        ("/orders", "woocommerce_rest_shop_order_invalid_id"),
    ] {
        let ids = all(api.get(&format!("{path}?per_page=100")), "id");
        let own = format!("{path}/{}", ids[0]);
        api.delete(&own).expect(200);
        assert_eq!(api.get(&own).expect(200)["status"], "trash");
        assert_eq!(all(api.get(&format!("{path}?per_page=100")), "id").len(), ids.len() - 1);
        assert_eq!(all(api.get(&format!("{path}?status=trash")), "id"), [ids[0].clone()]);
        refused(api.delete(&own), 410, "woocommerce_rest_already_trashed");
        api.delete(&format!("{own}?force=true")).expect(200);
        refused(api.get(&own), 404, code);
    }
}

#[test]
fn products_have_prices_as_text_and_unique_skus() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let made = api
        .post("/products", &json!({"name":"Fløyte","type":"simple","regular_price":"21.99","description":"Av bjørk.","sku":"NO-1","categories":[{"id":15},{"id":99}]}))
        .expect(201);
    assert_eq!(
        (&made["price"], &made["purchasable"], &made["slug"]),
        (&json!("21.99"), &json!(true), &json!("floyte"))
    );
    assert_eq!(
        made["categories"],
        json!([{"id":15,"name":"Uncategorized","slug":"uncategorized"}])
    );
    // A description is shown as paragraphs and edited as it was written.
    assert_eq!(made["description"], "Av bjørk.");
    let path = format!("/products/{}", made["id"]);
    assert_eq!(api.get(&path).expect(200)["description"], "<p>Av bjørk.</p>\n");
    assert_eq!(api.get(&format!("{path}?context=edit")).expect(200)["description"], "Av bjørk.");
    let twin = refused(
        api.post("/products", &json!({"name":"Fløyte","sku":"No-1"})),
        400,
        "product_invalid_sku",
    );
    assert_eq!(twin["data"]["resource_id"], made["id"]);
    let other = api.post("/products", &json!({"name":"Fløyte"})).expect(201);
    assert_eq!(
        (&other["slug"], &other["price"], &other["stock_quantity"]),
        (&json!("floyte-2"), &json!(""), &Value::Null)
    );
    let sale = api
        .put(&path, &json!({"sale_price":"10.00","manage_stock":true,"stock_quantity":"4"}))
        .expect(200);
    assert_eq!(
        (&sale["price"], &sale["on_sale"], &sale["stock_quantity"]),
        (&json!("10.00"), &json!(true), &json!(4))
    );
}

#[test]
fn an_order_adds_up_its_lines() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let flute = api
        .post("/products", &json!({"name":"Fløyte","regular_price":"21.50","sku":"NO-1"}))
        .expect(201);
    let sent = json!({"payment_method":"bacs","payment_method_title":"Direct Bank Transfer","set_paid":true,
        "billing":{"first_name":"Ada","last_name":"Berg","email":"ada@example.com"},
        "line_items":[{"product_id":flute["id"],"quantity":2}],
        "shipping_lines":[{"method_id":"flat_rate","method_title":"Flat Rate","total":"10.00"}]});
    let made = api.post("/orders", &sent).expect(201);
    assert_eq!(
        (&made["total"], &made["shipping_total"], &made["status"]),
        (&json!("53.00"), &json!("10.00"), &json!("processing"))
    );
    assert_eq!(
        (&made["customer_id"], &made["number"]),
        (&json!(0), &json!(made["id"].to_string()))
    );
    assert!(made["date_paid"].is_string() && made["date_completed"].is_null());
    let line = &made["line_items"][0];
    assert_eq!(
        (&line["name"], &line["sku"], &line["price"], &line["total"]),
        (&json!("Fløyte"), &json!("NO-1"), &json!(21.5), &json!("43.00"))
    );
    let path = format!("/orders/{}", made["id"]);
    let changed = api.put(&path, &json!({"status":"completed","line_items":[{"id":line["id"],"quantity":1},{"sku":"no-1","quantity":1,"total":"5.00"}]})).expect(200);
    assert_eq!(
        (changed["line_items"].as_array().unwrap().len(), &changed["total"]),
        (2, &json!("36.50"))
    );
    assert!(changed["date_completed"].is_string());
    let changed =
        api.put(&path, &json!({"line_items":[{"id":line["id"],"quantity":0}]})).expect(200);
    assert_eq!(changed["total"], "15.00");
    refused(
        api.put(&path, &json!({"line_items":[{"id":9999,"quantity":1}]})),
        400,
        "woocommerce_rest_invalid_item_id",
    );
    assert_eq!(all(api.get("/orders?status=completed,on-hold"), "id"), [made["id"].clone()]);
    assert_eq!(all(api.get("/orders?status[]=pending"), "id"), Vec::<Value>::new());
    assert_eq!(
        all(api.get(&format!("/orders?product={}", flute["id"])), "id"),
        [made["id"].clone()]
    );
}

#[test]
fn webhooks_are_signed_and_hold_the_record() {
    let sandbox = filled(SYSTEM);
    let api = shop(&sandbox);
    let called = Called::new(|_| String::new());
    let body = json!({"name":"Customer updated","topic":"customer.updated","delivery_url":called.url,"secret":"sandbox-hook"});
    let made = api.post("/webhooks", &body).expect(201);
    assert_eq!(
        (&made["resource"], &made["event"], &made["status"]),
        (&json!("customer"), &json!("updated"), &json!("active"))
    );
    assert!(made.get("secret").is_none());
    assert_eq!(called.heard(1)[0].body, format!("webhook_id={}", made["id"]));
    refused(
        api.post("/webhooks", &json!({"topic":"customer.moved","delivery_url":called.url})),
        400,
        "woocommerce_rest_shop_webhook_invalid_topic",
    );
    sandbox.edit(SYSTEM, "customers", "2", &json!({"first_name":"Kari"})).unwrap();
    let heard = called.heard(2).remove(1);
    assert_eq!(heard.json()["first_name"], "Kari");
    assert_eq!(heard.header("x-wc-webhook-topic"), Some("customer.updated"));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"sandbox-hook");
    let tag = ring::hmac::sign(&key, heard.body.as_bytes());
    assert_eq!(
        heard.header("x-wc-webhook-signature"),
        Some(crate::support::base64(tag.as_ref()).as_str())
    );
    api.put(&format!("/webhooks/{}", made["id"]), &json!({"status":"paused"})).expect(200);
    sandbox.edit(SYSTEM, "customers", "2", &json!({"first_name":"Liv"})).unwrap();
    let gone = json!({"topic":"customer.deleted","delivery_url":called.url});
    api.post("/webhooks", &gone).expect(201);
    sandbox.remove(SYSTEM, "customers", "2").unwrap();
    let heard = called.heard(4);
    assert_eq!((heard.len(), heard[3].json()), (4, json!({"id":2})));
}
