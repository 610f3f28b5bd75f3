//! Wix over real HTTP: contacts with revisions and duplicates, members, products of catalog v1.

use crate::support::{Caller, credential, empty, wix};
use serde_json::{Value, json};

fn contact(email: &str) -> Value {
    json!({"info":{"name":{"first":"Ada","last":"Berg"},"emails":{"items":[{"tag":"MAIN","email":email}]}}})
}

fn code(answer: &Value) -> &str {
    answer["details"]["applicationError"]["code"].as_str().unwrap_or("")
}

#[test]
fn the_raw_key_and_the_site_open_and_so_does_an_app_token() {
    let sandbox = empty();
    let api = wix(&sandbox);
    assert_eq!(api.get("/contacts/v4/contacts").status, 200);
    let wrong = api.with("GET", "/contacts/v4/contacts", &[("authorization", "nonsense")], None);
    assert_eq!(wrong.status, 401);
    assert!(wrong.json["details"].is_object());
    let bearer = format!("Bearer {}", credential("wix", "WIX_API_KEY"));
    assert_eq!(
        api.with("GET", "/contacts/v4/contacts", &[("authorization", &bearer)], None).status,
        401
    );
    assert_eq!(api.with("GET", "/contacts/v4/contacts", &[("wix-site-id", "")], None).status, 403);
    let ask = |secret: &str| {
        Caller::new(sandbox.url("wix").unwrap(), &[]).post(
            "/oauth2/token",
            &json!({"grant_type":"client_credentials","client_id":credential("wix", "WIX_APP_ID"),"client_secret":secret,
                "instance_id":credential("wix", "WIX_INSTANCE_ID")}),
        )
    };
    assert_eq!(ask("wrong").status, 401);
    let token = ask(&credential("wix", "WIX_APP_SECRET")).expect(200)["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let headers = [("authorization", token.as_str()), ("wix-site-id", "")];
    assert_eq!(api.with("GET", "/contacts/v4/contacts", &headers, None).status, 200);
    sandbox.expire_tokens("wix").unwrap();
    assert_eq!(api.with("GET", "/contacts/v4/contacts", &headers, None).status, 401);
}

#[test]
fn primary_info_mirrors_the_primary_item_and_cannot_be_written() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let body = json!({"primaryInfo":{"email":"ignored@example.no"},"info":{"emails":{"items":[{"email":"a@example.no"},{"email":"b@example.no","primary":true}]},
        "phones":{"items":[{"countryCode":"NO","phone":"22 00 00 00"}]}}});
    let made = api.post("/contacts/v4/contacts", &body).expect(200)["contact"].clone();
    assert_eq!(made["revision"], 1);
    assert_eq!(made["primaryInfo"], json!({"email":"b@example.no","phone":"+47 22 00 00 00"}));
    let phone = &made["info"]["phones"]["items"][0];
    assert_eq!(phone["e164Phone"], "+4722000000");
    assert_eq!(phone["primary"], true);
    assert_eq!(made["info"]["emails"]["items"][0]["primary"], false);
    let path = format!("/contacts/v4/contacts/{}", made["id"].as_str().unwrap());
    let answer =
        api.patch(&path, &json!({"revision":1,"primaryInfo":{"email":"x@example.no"},"info":{"company":"Nordlys"}})).expect(200);
    assert_eq!(answer["contact"]["primaryInfo"]["email"], "b@example.no");
    assert_eq!(answer["contact"]["revision"], 2);
    let two = json!({"revision":2,"info":{"emails":{"items":[{"email":"a@example.no","primary":true},{"email":"b@example.no","primary":true}]}}});
    assert_eq!(code(&api.patch(&path, &two).expect(400)), "CANNOT_HAVE_MULTIPLE_PRIMARY_INFO");
}

#[test]
fn updates_need_the_revision_replace_fields_whole_and_keep_named_ids() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let made = api.post("/contacts/v4/contacts", &contact("ada@example.no")).expect(200)["contact"]
        .clone();
    let path = format!("/contacts/v4/contacts/{}", made["id"].as_str().unwrap());
    assert!(api.patch(&path, &json!({"info":{"company":"x"}})).expect(400)["details"]["validationError"].is_object());
    let mut item = made["info"]["emails"]["items"][0].clone();
    item["email"] = json!("ada.ny@example.no");
    let answer = api
        .patch(
            &path,
            &json!({"revision":1,"info":{"emails":{"items":[item, {"email":"second@example.no"}]},"name":{"first":"Oda"}}}),
        )
        .expect(200);
    let updated = &answer["contact"];
    assert_eq!(updated["revision"], 2);
    assert_eq!(
        updated["info"]["emails"]["items"][0]["id"],
        made["info"]["emails"]["items"][0]["id"]
    );
    assert_eq!(updated["info"]["name"], json!({"first":"Oda"}));
    let stale = api.patch(&path, &json!({"revision":1,"info":{"company":"x"}})).expect(409);
    assert_eq!(code(&stale), "CONTACT_ALREADY_CHANGED");
    assert_eq!(
        code(&api.patch(&path, &json!({"revision":2,"info":{}})).expect(400)),
        "INSUFFICIENT_UPDATE_CONTACT_DATA"
    );
    let bare = json!({"revision":2,"info":{"name":null,"emails":null}});
    assert_eq!(code(&api.patch(&path, &bare).expect(400)), "INSUFFICIENT_CONTACT_DATA");
    // A stale revision wrote nothing.
    assert_eq!(sandbox.writes()["wix"]["contacts"].update, 1);
}

#[test]
fn creation_is_refused_for_duplicates_and_too_little() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let made = api.post("/contacts/v4/contacts", &contact("ada@example.no")).expect(200)["contact"]
        .clone();
    let twin = api.post("/contacts/v4/contacts", &contact("ADA@example.no")).expect(409);
    assert_eq!(code(&twin), "DUPLICATE_CONTACT_EXISTS");
    assert_eq!(twin["details"]["applicationError"]["data"]["duplicateContactId"], made["id"]);
    let mut allowed = contact("ada@example.no");
    allowed["allowDuplicates"] = json!(true);
    api.post("/contacts/v4/contacts", &allowed).expect(200);
    assert_eq!(
        code(
            &api.post("/contacts/v4/contacts", &json!({"info":{"company":"Nordlys"}})).expect(400)
        ),
        "INSUFFICIENT_CONTACT_DATA"
    );
    for (body, field) in [
        (json!({"info":{"emails":["ada@example.no"]}}), "info.emails"),
        (contact("not an address"), "info.emails.items[0].email"),
        (
            json!({"info":{"phones":{"items":[{"phone":"1".repeat(51)}]}}}),
            "info.phones.items[0].phone",
        ),
    ] {
        let answer = api.post("/contacts/v4/contacts", &body).expect(400);
        assert_eq!(answer["details"]["validationError"]["fieldViolations"][0]["field"], field);
    }
    // A phone decides only where there is no address.
    let by_phone = json!({"info":{"phones":{"items":[{"phone":"+47 900 00 000"}]}}});
    let made = api.post("/contacts/v4/contacts", &by_phone).expect(200)["contact"]["id"].clone();
    let again = json!({"info":{"phones":{"items":[{"countryCode":"NO","phone":"90000000"}]}}});
    assert_eq!(
        api.post("/contacts/v4/contacts", &again).expect(409)["details"]["applicationError"]["data"]
            ["duplicateContactId"],
        made
    );
}

#[test]
fn lists_and_queries_page_filter_and_refuse_what_they_cannot() {
    let sandbox = empty();
    let api = wix(&sandbox);
    sandbox.set_clock_offset("wix", -1000).unwrap();
    for n in 0..5 {
        sandbox.put("wix", "contacts", contact(&format!("c{n}@example.no"))).unwrap();
    }
    let page = api.get("/contacts/v4/contacts?paging.limit=2&paging.offset=4").expect(200);
    assert_eq!(page["contacts"].as_array().unwrap().len(), 1);
    assert_eq!(
        page["pagingMetadata"],
        json!({"count":1,"offset":4,"total":5,"tooManyToCount":false})
    );
    assert_eq!(
        code(&api.get("/contacts/v4/contacts?paging.limit=1001").expect(400)),
        "ILLEGAL_LIMIT"
    );
    let since = page["contacts"][0]["updatedDate"].as_str().unwrap().to_owned();
    sandbox.set_clock_offset("wix", 0).unwrap();
    let id = page["contacts"][0]["id"].as_str().unwrap();
    sandbox
        .edit("wix", "contacts", id, &json!({"primaryInfo":{"email":"new@example.no"}}))
        .unwrap();
    let query = |query: Value| api.post("/contacts/v4/contacts/query", &query);
    let newer =
        query(json!({"query":{"filter":{"updatedDate":{"$gt":since}},"paging":{"limit":1000}}}))
            .expect(200);
    assert!(newer["contacts"].as_array().unwrap().iter().any(|contact| contact["id"] == id));
    let by_email =
        query(json!({"query":{"filter":{"info.emails.email":{"$eq":"new@example.no"}}}}))
            .expect(200);
    assert_eq!(by_email["contacts"][0]["revision"], 2);
    assert_eq!(
        query(json!({"query":{},"search":"new@example"})).expect(200)["pagingMetadata"]["total"],
        1
    );
    let basic = query(
        json!({"query":{"fieldsets":["BASIC"],"sort":[{"fieldName":"createdDate","order":"ASC"}]}}),
    )
    .expect(200);
    assert!(basic["contacts"][0]["info"].get("emails").is_none());
    for (query_, expected) in [
        (
            json!({"query":{"sort":[{"fieldName":"updatedDate","order":"ASC"}]}}),
            "UNSUPPORTED_SORT_FIELD",
        ),
        (json!({"query":{"filter":{"shoeSize":1}}}), "UNSUPPORTED_FILTER_FIELD"),
        (
            json!({"query":{"filter":{"updatedDate":{"$startsWith":"2"}}}}),
            "UNSUPPORTED_FILTER_OPERATOR",
        ),
        (json!({"query":{"filter":"x"}}), "MALFORMED_FILTER"),
    ] {
        assert_eq!(code(&query(query_).expect(400)), expected);
    }
}

#[test]
fn deletion_is_final_and_merged_ids_lead_to_the_target() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let a = sandbox.put("wix", "contacts", contact("a@example.no")).unwrap();
    let b = sandbox.put("wix", "contacts", contact("b@example.no")).unwrap();
    let (a_id, b_id) = (a["id"].as_str().unwrap(), b["id"].as_str().unwrap());
    let merged = api
        .post(
            &format!("/contacts/v4/contacts/{a_id}/merge"),
            &json!({"targetContactRevision":1,"sourceContactIds":[b_id]}),
        )
        .expect(200);
    assert_eq!(merged["contact"]["info"]["emails"]["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        api.get(&format!("/contacts/v4/contacts/{b_id}")).expect(200)["contact"]["id"],
        a_id
    );
    assert_eq!(api.delete(&format!("/contacts/v4/contacts/{a_id}")).status, 200);
    assert_eq!(
        code(&api.get(&format!("/contacts/v4/contacts/{a_id}")).expect(404)),
        "CONTACT_NOT_FOUND"
    );
    assert_eq!(api.delete(&format!("/contacts/v4/contacts/{a_id}")).status, 404);
}

#[test]
fn members_hide_their_login_unless_asked_and_keep_it_for_ever() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let existing = sandbox.put("wix", "contacts", contact("ada@example.no")).unwrap();
    let made = api
        .post("/members/v1/members", &json!({"member":{"loginEmail":"ada@example.no"}}))
        .expect(200)["member"]
        .clone();
    assert_eq!(made["contactId"], existing["id"]);
    assert_eq!(made["contact"]["emails"], json!(["ada@example.no"]));
    assert_eq!(
        api.post("/members/v1/members", &json!({"member":{"loginEmail":"ADA@example.no"}})).status,
        409
    );
    let listed = api.get("/members/v1/members").expect(200);
    assert!(listed["members"][0].get("loginEmail").is_none());
    assert!(listed["members"][0].get("contact").is_none());
    let full = api
        .post(
            "/members/v1/members/query",
            &json!({"query":{"paging":{"limit":100}},"fieldsets":["FULL"]}),
        )
        .expect(200);
    assert_eq!(full["members"][0]["loginEmail"], "ada@example.no");
    assert_eq!(full["metadata"]["total"], 1);
    assert_eq!(code(&api.get("/members/v1/members?paging.limit=101").expect(400)), "ILLEGAL_LIMIT");

    let path = format!("/members/v1/members/{}", made["id"].as_str().unwrap());
    let immutable =
        api.patch(&path, &json!({"member":{"loginEmail":"other@example.no"}})).expect(400);
    assert_eq!(
        immutable["details"]["validationError"]["fieldViolations"][0]["field"],
        "member.loginEmail"
    );
    let changed = api
        .patch(
            &path,
            &json!({"member":{"contact":{"firstName":"Oda","phones":["+47 900 00 000"]}}}),
        )
        .expect(200);
    assert_eq!(changed["member"]["contact"]["phones"], json!(["+47 900 00 000"]));
    // An empty list does nothing; the list's own DELETE empties it.
    let same = api.patch(&path, &json!({"member":{"contact":{"phones":[]}}})).expect(200);
    assert_eq!(same["member"]["contact"]["phones"], json!(["+47 900 00 000"]));
    assert_eq!(
        api.delete(&format!("{path}/phones")).expect(200)["member"]["contact"]["phones"],
        json!([])
    );
    let shown = api
        .get(&format!("/contacts/v4/contacts/{}", existing["id"].as_str().unwrap()))
        .expect(200)["contact"]
        .clone();
    assert_eq!(shown["info"]["name"]["first"], "Oda");

    // A member's contact keeps its primary address and cannot be deleted.
    let contact_path = format!("/contacts/v4/contacts/{}", existing["id"].as_str().unwrap());
    let email = json!({"revision":shown["revision"],"info":{"emails":{"items":[{"email":"new@example.no"}]}}});
    assert_eq!(code(&api.patch(&contact_path, &email).expect(428)), "CANNOT_UPDATE_MEMBER_EMAIL");
    assert_eq!(code(&api.delete(&contact_path).expect(409)), "CANNOT_DELETE_MEMBER");
    assert_eq!(api.delete(&path).status, 200);
    assert_eq!(api.delete(&contact_path).status, 200);
}

#[test]
fn products_take_their_filters_as_json_in_a_string() {
    let sandbox = empty();
    let api = wix(&sandbox);
    assert_eq!(api.get("/stores/v3/provision/version").expect(200)["catalogVersion"], "V1_CATALOG");
    assert_eq!(api.post("/stores/v3/products", &json!({})).status, 428);
    let made = api
        .post(
            "/stores/v1/products",
            &json!({"product":{"name":"Turkopp","productType":"physical","priceData":{"price":6}}}),
        )
        .expect(200)["product"]
        .clone();
    assert_eq!(made["priceData"]["price"], 6.0);
    assert_eq!(
        api.post("/stores/v1/products", &json!({"product":{"name":"x","productType":"digital"}}))
            .status,
        400
    );
    assert_eq!(
        api.post("/stores/v1/products", &json!({"product":{"name":"x".repeat(81)}})).status,
        400
    );
    let path = format!("/stores/v1/products/{}", made["id"].as_str().unwrap());
    let renamed =
        api.patch(&path, &json!({"product":{"name":"Kopp","numericId":"99"}})).expect(200);
    assert_eq!(
        (&renamed["product"]["name"], &renamed["product"]["numericId"]),
        (&json!("Kopp"), &made["numericId"])
    );
    let query = |filter: Value| {
        api.post(
            "/stores-reader/v1/products/query",
            &json!({"query":{"filter":filter,"paging":{"limit":10}}}),
        )
    };
    let found = query(json!("{\"name\":{\"$startsWith\":\"ko\"}}")).expect(200);
    assert_eq!(
        (found["products"].as_array().unwrap().len(), &found["totalResults"]),
        (1, &json!(1))
    );
    assert_eq!(query(json!({"name":"Kopp"})).status, 400);
    assert_eq!(api.delete(&path).status, 200);
    assert_eq!(api.get(&path.replace("stores/", "stores-reader/")).status, 404);
}

#[test]
fn hidden_products_are_listed_where_they_are_asked_for() {
    let sandbox = empty();
    let api = wix(&sandbox);
    for (name, visible) in [("Turkopp", true), ("Kniv", false)] {
        api.post(
            "/stores/v1/products",
            &json!({"product":{"name":name,"productType":"physical","visible":visible}}),
        )
        .expect(200);
    }
    let listed = |body: Value| api.post("/stores-reader/v1/products/query", &body).expect(200);
    let visible = listed(json!({"query":{}}));
    assert_eq!(
        (&visible["products"][0]["name"], &visible["totalResults"]),
        (&json!("Turkopp"), &json!(1))
    );
    assert_eq!(listed(json!({"query":{},"includeHiddenProducts":true}))["totalResults"], 2);
    let long = api.post(
        "/stores/v1/products",
        &json!({"product":{"name":"x","productType":"physical","sku":"s".repeat(41)}}),
    );
    assert_eq!(long.status, 400);
}

#[test]
fn a_site_has_one_catalog_version() {
    let sandbox = empty();
    let api = wix(&sandbox);
    assert_eq!(api.get("/stores/v3/provision/version").expect(200)["catalogVersion"], "V1_CATALOG");
    assert_eq!(api.post("/stores/v3/products/query", &json!({})).status, 428);
    let (key, site) = (credential("wix", "WIX_API_KEY"), credential("wix", "WIX_SITE_ID_V3"));
    let newer = Caller::new(
        sandbox.url("wix").unwrap(),
        &[("authorization", &key), ("wix-site-id", &site)],
    );
    assert_eq!(
        newer.get("/stores/v3/provision/version").expect(200)["catalogVersion"],
        "V3_CATALOG"
    );
    assert_eq!(newer.post("/stores-reader/v1/products/query", &json!({})).status, 428);
    let make = |product: Value| newer.post("/stores/v3/products", &json!({"product": product}));
    assert_eq!(
        make(json!({"name":"Turkopp","productType":"PHYSICAL","physicalProperties":{}})).status,
        400
    );
    let variant = |amount: &str| json!({"sku":"NO-1","price":{"actualPrice":{"amount":amount}},"physicalProperties":{}});
    let made = make(json!({"name":"Turkopp","productType":"PHYSICAL","physicalProperties":{},"plainDescription":"<p>Kopp</p>",
        "variantsInfo":{"variants":[variant("6.50")]}}))
    .expect(200)["product"]
        .clone();
    assert_eq!((&made["revision"], &made["visible"]), (&json!("1"), &json!(true)));
    let path = format!("/stores/v3/products/{}", made["id"].as_str().unwrap());
    // Variants with one product alone, the description where it is asked for.
    let listed = newer
        .post("/stores/v3/products/query", &json!({"query":{"cursorPaging":{"limit":1}}}))
        .expect(200);
    assert_eq!(
        (&listed["products"][0]["variantsInfo"], &listed["pagingMetadata"]["hasNext"]),
        (&Value::Null, &json!(false))
    );
    let alone =
        newer.get(&format!("{path}?fields=PLAIN_DESCRIPTION")).expect(200)["product"].clone();
    assert_eq!(alone["variantsInfo"]["variants"][0]["price"]["actualPrice"]["amount"], "6.50");
    assert_eq!(alone["plainDescription"], "<p>Kopp</p>");
    assert_eq!(newer.patch(&path, &json!({"product":{"name":"Krus"}})).status, 400);
    assert_eq!(newer.patch(&path, &json!({"product":{"revision":"9","name":"Krus"}})).status, 409);
    let variants = json!({"revision":"1","variantsInfo":{"variants":[variant("7")]}});
    assert_eq!(
        code(&newer.patch(&path, &json!({"product": variants})).expect(400)),
        "VARIANTS_ARE_NOT_ALIGNED_WITH_PRODUCT"
    );
    let changed = newer
        .patch(&path, &json!({"product":{"revision":"1","name":"Krus"}}))
        .expect(200)["product"]
        .clone();
    assert_eq!((&changed["revision"], &changed["name"]), (&json!("2"), &json!("Krus")));
    make(json!({"name":"Kniv","productType":"PHYSICAL","physicalProperties":{},"variantsInfo":{"variants":[variant("1")]}}))
        .expect(200);
    let first = newer
        .post("/stores/v3/products/query", &json!({"query":{"cursorPaging":{"limit":1}}}))
        .expect(200);
    let cursor = first["pagingMetadata"]["cursors"]["next"].clone();
    let next = |query: Value| newer.post("/stores/v3/products/query", &json!({"query": query}));
    assert_eq!(
        next(json!({"cursorPaging":{"limit":1,"cursor":cursor}})).expect(200)["pagingMetadata"]["hasNext"],
        false
    );
    assert_eq!(
        next(json!({"cursorPaging":{"cursor":cursor},"filter":{"updatedDate":{"$gt":"2020-01-01T00:00:00Z"}}})).status,
        400
    );
    assert_eq!(next(json!({"filter":{"name":{"$eq":"Kniv"}}})).status, 400);
}
