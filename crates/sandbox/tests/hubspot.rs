//! HubSpot over real HTTP: records of the standard objects, lists, search behind writes, batches,
//! archived records, associations, limits, webhooks, errors in the vendor's words. Requests have
//! the form of the vendor's pages; answers are held against its typings where they are installed.

use crate::support::{Answer, Called, Caller, credential, filled, only};
use lockstep_sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SYSTEM: &str = "hubspot";
const CONTACTS: &str = "/crm/v3/objects/contacts";

fn portal(sandbox: &Running) -> Caller {
    let bearer = format!("Bearer {}", credential(SYSTEM, "HUBSPOT_ACCESS_TOKEN"));
    Caller::new(sandbox.url(SYSTEM).unwrap(), &[("authorization", &bearer)])
}

fn made(api: &Caller, object: &str, properties: Value) -> Value {
    let body = json!({"properties": properties});
    api.post(&format!("/crm/v3/objects/{object}"), &body).expect(201)
}

fn id(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(answer: Answer, status: u16, category: &str) -> String {
    let body = answer.expect(status);
    assert_eq!((&body["status"], &body["category"]), (&json!("error"), &json!(category)), "{body}");
    assert_eq!(body["correlationId"].as_str().map(str::len), Some(36));
    body["message"].as_str().unwrap().to_owned()
}

fn column(found: &Value, name: &str) -> Vec<String> {
    let text = |one: &Value| one["properties"][name].as_str().unwrap_or("-").to_owned();
    found["results"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn a_token_opens_the_portal() {
    let sandbox = only(SYSTEM);
    let api = portal(&sandbox);
    let read = api.get(CONTACTS);
    assert_eq!(read.header("x-hubspot-ratelimit-interval-milliseconds"), "10000");
    assert_eq!(read.expect(200), json!({"results": []}));
    let stranger = [("authorization", "Bearer wrong")];
    refused(api.with("GET", CONTACTS, &stranger, None), 401, "INVALID_AUTHENTICATION");
    let account = api.get("/account-info/v3/details").expect(200);
    assert!(account["portalId"].is_u64());
    let owners = api.get("/crm/v3/owners?email=crm@example.com").expect(200);
    assert_eq!(owners["results"][0]["lastName"], "Holm");
    refused(api.get("/crm/v3/objects/boats"), 400, "VALIDATION_ERROR");
}

#[test]
fn a_contact_is_created_read_changed_and_archived() {
    let sandbox = only(SYSTEM);
    let api = portal(&sandbox);
    let contact = made(
        &api,
        "contacts",
        json!({"email":"Pal.Daly@Example.com","firstname":"Pål","phone":"+47 99 88 77 66"}),
    );
    let path = format!("{CONTACTS}/{}", id(&contact));
    assert_eq!(contact["properties"]["phone"], "+47 99 88 77 66", "what was sent is answered");
    let plain = api.get(&path).expect(200);
    assert_eq!(plain["properties"]["email"], "pal.daly@example.com");
    assert_eq!(plain["properties"].as_object().unwrap().len(), 6, "{plain}");
    assert_eq!(plain["properties"]["hs_object_id"], contact["id"]);
    assert_eq!(plain["updatedAt"], plain["properties"]["lastmodifieddate"]);
    let more = api.get(&format!("{path}?properties=phone,city,nothing")).expect(200);
    assert_eq!(
        (&more["properties"]["phone"], &more["properties"]["city"]),
        (&json!("+47 99 88 77 66"), &Value::Null)
    );
    assert!(more["properties"].get("nothing").is_none());
    let by = format!("{CONTACTS}/pal.daly%40example.com?idProperty=email");
    assert_eq!(api.get(&by).expect(200)["id"], contact["id"]);
    // An empty text clears; null is no value.
    let cleared = api.patch(&path, &json!({"properties":{"phone":""}})).expect(200);
    assert_eq!(cleared["properties"]["phone"], Value::Null);
    refused(api.patch(&path, &json!({"properties":{"phone":null}})), 400, "VALIDATION_ERROR");
    assert_eq!(api.delete(&path).status, 204);
    assert_eq!(api.get(&path).expect(404)["message"], "resource not found");
    assert_eq!(api.patch(&path, &json!({"properties":{"firstname":"A"}})).status, 404);
    let gone = api.get(&format!("{path}?archived=true")).expect(200);
    assert_eq!(gone["archived"], true);
    assert!(gone["archivedAt"].is_string());
    let listed = api.get(&format!("{CONTACTS}?archived=true")).expect(200);
    assert_eq!(listed["results"][0]["id"], contact["id"]);
    assert_eq!(api.delete(&path).status, 204, "once more, and nothing happens");
    assert_eq!(sandbox.writes()[SYSTEM]["contacts"].delete, 1);
}

#[test]
fn values_that_do_not_fit_are_named_all_at_once() {
    let sandbox = only(SYSTEM);
    let api = portal(&sandbox);
    let bad = json!({"properties":{"email":"nobody","boat":"x","createdate":"2026-01-01","lifecyclestage":"friend","firstname":"A"}});
    let body = api.post(CONTACTS, &bad);
    let told = body.json["errors"].as_array().unwrap().clone();
    assert!(
        told.iter().any(|one| one["context"]["propertyName"] == json!(["email"])
            && one["code"] == "INVALID_EMAIL")
    );
    let message = refused(body, 400, "VALIDATION_ERROR");
    let listed = message.strip_prefix("Property values were not valid: ").unwrap();
    let faults: Vec<Value> = serde_json::from_str(listed).unwrap();
    let named: Vec<(&str, &str)> = faults
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["error"].as_str().unwrap()))
        .collect();
    assert_eq!(
        BTreeSet::from_iter(named),
        BTreeSet::from([
            ("email", "INVALID_EMAIL"),
            ("boat", "PROPERTY_DOESNT_EXIST"),
            ("createdate", "READ_ONLY_VALUE"),
            ("lifecyclestage", "INVALID_OPTION")
        ])
    );
    let blank = json!({"properties":{"dealname":"A","dealstage":"closedwon","amount":" 12"}});
    refused(api.post("/crm/v3/objects/deals", &blank), 400, "VALIDATION_ERROR");
    for (object, too_little) in [
        ("contacts", json!({"phone":"1"})),
        ("companies", json!({"city":"Odda"})),
        ("deals", json!({"dealname":"A"})),
    ] {
        let body = json!({"properties": too_little});
        refused(api.post(&format!("/crm/v3/objects/{object}"), &body), 400, "VALIDATION_ERROR");
    }
    let day = made(
        &api,
        "line_items",
        json!({"quantity":2,"price":"12.50","hs_recurring_billing_start_date":"1767225600000"}),
    );
    assert_eq!(day["properties"]["hs_recurring_billing_start_date"], "2026-01-01");
    assert_eq!(day["properties"]["amount"], "25");
    assert_eq!(sandbox.writes()[SYSTEM]["line_items"].create, 1);
}

#[test]
fn one_address_has_one_contact() {
    let sandbox = only(SYSTEM);
    let api = portal(&sandbox);
    let first = id(&made(&api, "contacts", json!({"email":"kari@example.com"})));
    let again = json!({"properties":{"email":"KARI@example.com"}});
    let message = refused(api.post(CONTACTS, &again), 409, "CONFLICT");
    assert_eq!(message, format!("Contact already exists. Existing ID: {first}"));
    let other = id(&made(&api, "contacts", json!({"firstname":"Kari"})));
    refused(api.patch(&format!("{CONTACTS}/{other}"), &again), 409, "CONFLICT");
    // Of companies there may be two.
    for _ in 0..2 {
        made(&api, "companies", json!({"domain":"Berg.example.com"}));
    }
    assert_eq!(
        sandbox.records(SYSTEM, "companies").unwrap()[1]["properties"]["domain"],
        "berg.example.com"
    );
}

#[test]
fn lists_come_in_pages_after_a_record() {
    let sandbox = filled(SYSTEM);
    let api = portal(&sandbox);
    let all = sandbox.records(SYSTEM, "contacts").unwrap();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{CONTACTS}?limit=15{after}")).expect(200);
        seen.extend(page["results"].as_array().unwrap().iter().map(id));
        let Some(next) = page["paging"]["next"]["after"].as_str() else { break };
        assert!(page["paging"]["next"]["link"].as_str().unwrap().contains(next));
        after = format!("&after={next}");
    }
    assert_eq!(seen, all.iter().map(id).collect::<Vec<_>>());
    assert_eq!(api.get(CONTACTS).expect(200)["results"].as_array().unwrap().len(), 10);
    refused(api.get(&format!("{CONTACTS}?limit=101")), 400, "VALIDATION_ERROR");
    refused(
        api.get(&format!("{CONTACTS}?limit=60&propertiesWithHistory=email")),
        400,
        "VALIDATION_ERROR",
    );
    // The newer paths lead to the same.
    let newer = api.get("/crm/objects/2026-03/contacts?limit=15").expect(200);
    assert_eq!(id(&newer["results"][0]), seen[0]);
}

#[test]
fn a_search_filters_sorts_and_ends() {
    let sandbox = only(SYSTEM);
    let api = portal(&sandbox);
    for (name, city, people) in
        [("Berg AS", "Odda", "12"), ("Dal AS", "Voss", "3"), ("Vik AS", "", "100")]
    {
        made(&api, "companies", json!({"name":name,"city":city,"numberofemployees":people}));
    }
    let search = |body: Value| api.post("/crm/v3/objects/companies/search", &body);
    let with = |filter: Value| {
        column(&search(json!({"filterGroups":[{"filters":[filter]}]})).expect(200), "name")
    };
    let named = |name: &str, operator: &str, value: &str| {
        with(json!({"propertyName":name,"operator":operator,"value":value}))
    };
    assert_eq!(named("city", "EQ", "ODDA"), ["Berg AS"]);
    assert_eq!(named("city", "NEQ", "odda"), ["Dal AS", "Vik AS"]);
    assert_eq!(named("numberofemployees", "GT", "3"), ["Berg AS", "Vik AS"], "as numbers");
    assert_eq!(named("numberofemployees", "LTE", "12"), ["Berg AS", "Dal AS"]);
    assert_eq!(named("name", "CONTAINS_TOKEN", "da*"), ["Dal AS"]);
    assert_eq!(with(json!({"propertyName":"city","operator":"NOT_HAS_PROPERTY"})), ["Vik AS"]);
    assert_eq!(
        with(json!({"propertyName":"city","operator":"IN","values":["odda","voss"]})),
        ["Berg AS", "Dal AS"]
    );
    assert_eq!(
        with(json!({"propertyName":"city","operator":"IN","values":["Odda"]})),
        [""; 0],
        "small letters only"
    );
    assert_eq!(
        with(
            json!({"propertyName":"numberofemployees","operator":"BETWEEN","value":"3","highValue":"12"})
        ),
        ["Berg AS", "Dal AS"]
    );
    let either = json!({"filterGroups":[
        {"filters":[{"propertyName":"city","operator":"EQ","value":"odda"}]},
        {"filters":[{"propertyName":"numberofemployees","operator":"GTE","value":"100"}]}],
        "sorts":[{"propertyName":"numberofemployees","direction":"DESCENDING"}]});
    assert_eq!(column(&search(either).expect(200), "name"), ["Vik AS", "Berg AS"]);
    let page =
        search(json!({"sorts":["-numberofemployees"],"limit":2,"properties":["city"]})).expect(200);
    assert_eq!((&page["total"], &page["paging"]["next"]["after"]), (&json!(3), &json!("2")));
    assert_eq!(column(&search(json!({"query":"voss"})).expect(200), "name"), ["Dal AS"]);
    for bad in [
        json!({"limit":201}),
        json!({"after":"9950","limit":100}),
        json!({"filterGroups":[{"filters":[{"propertyName":"boat","operator":"EQ","value":"1"}]}]}),
        json!({"filterGroups":[{"filters":[{"propertyName":"name","operator":"LIKE","value":"1"}]}]}),
        json!({"filterGroups":vec![json!({"filters":[]}); 6]}),
    ] {
        refused(search(bad), 400, "VALIDATION_ERROR");
    }
    // By time, in milliseconds.
    let last = sandbox.records(SYSTEM, "companies").unwrap()[2].clone();
    let stamp = last["properties"]["hs_lastmodifieddate"].as_str().unwrap();
    let millis = stamp.parse::<jiff::Timestamp>().unwrap().as_millisecond().to_string();
    assert!(named("hs_lastmodifieddate", "GTE", &millis).contains(&"Vik AS".to_owned()));
    assert_eq!(named("hs_lastmodifieddate", "GT", stamp), [""; 0]);
}

#[test]
fn a_search_is_behind_and_a_list_is_not() {
    let options = Options {
        systems: vec![SYSTEM.to_owned()],
        list_lag: std::time::Duration::from_secs(600),
        ..Options::empty()
    };
    let sandbox = Sandbox::start(options).unwrap();
    let api = portal(&sandbox);
    made(&api, "contacts", json!({"email":"ny@example.com"}));
    assert_eq!(api.post(&format!("{CONTACTS}/search"), &json!({})).expect(200)["total"], 0);
    assert_eq!(api.get(CONTACTS).expect(200)["results"].as_array().unwrap().len(), 1);
}

#[test]
fn batches_read_create_update_upsert_and_archive() {
    let sandbox = only(SYSTEM);
    let api = portal(&sandbox);
    let batch = |what: &str, body: Value| api.post(&format!("{CONTACTS}/batch/{what}"), &body);
    let new = json!({"inputs":[{"properties":{"email":"a@example.com"}},{"properties":{"email":"b@example.com"}}]});
    let made = batch("create", new.clone()).expect(201);
    assert_eq!(made["status"], "COMPLETE");
    let ids: Vec<String> = made["results"].as_array().unwrap().iter().map(id).collect();
    // One that is refused takes the others along.
    let one_bad = json!({"inputs":[{"properties":{"email":"c@example.com"}},{"properties":{"email":"a@example.com"}}]});
    refused(batch("create", one_bad), 409, "CONFLICT");
    assert_eq!(sandbox.records(SYSTEM, "contacts").unwrap().len(), 2);
    let read = batch("read", json!({"inputs":[{"id":ids[0]},{"id":"17"}],"properties":["email"]}))
        .expect(207);
    assert_eq!(column(&read, "email"), ["a@example.com"]);
    assert_eq!(read["errors"][0]["context"]["ids"], json!(["17"]));
    let by =
        batch("read", json!({"inputs":[{"id":"b@example.com"}],"idProperty":"email"})).expect(200);
    assert_eq!(id(&by["results"][0]), ids[1]);
    let changed =
        batch("update", json!({"inputs":[{"id":ids[0],"properties":{"city":"Moss"}}]})).expect(200);
    assert_eq!(column(&changed, "city"), ["Moss"]);
    let upserted = batch(
        "upsert",
        json!({"inputs":[
        {"id":"a@example.com","idProperty":"email","properties":{"city":"Odda"}},
        {"id":"d@example.com","idProperty":"email","properties":{"city":"Voss"}}]}),
    )
    .expect(200);
    let new: Vec<&Value> =
        upserted["results"].as_array().unwrap().iter().map(|one| &one["new"]).collect();
    assert_eq!(new, [&json!(false), &json!(true)]);
    let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    assert_eq!(batch("archive", json!({"inputs":inputs})).status, 204);
    assert_eq!(sandbox.records(SYSTEM, "contacts").unwrap().len(), 1);
    refused(batch("read", json!({"inputs":vec![json!({"id":"1"}); 101]})), 400, "VALIDATION_ERROR");
    let count = sandbox.writes()[SYSTEM]["contacts"];
    assert_eq!((count.create, count.update, count.delete), (3, 2, 2));
}

#[test]
fn contacts_belong_to_companies() {
    let sandbox = only(SYSTEM);
    let api = portal(&sandbox);
    let berg = id(&made(&api, "companies", json!({"name":"Berg AS"})));
    let dal = id(&made(&api, "companies", json!({"name":"Dal AS"})));
    let body = json!({"properties":{"firstname":"Kari"},"associations":[{"to":{"id":berg},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]}]});
    let kari = id(&api.post(CONTACTS, &body).expect(201));
    let path = format!("{CONTACTS}/{kari}");
    let company = || {
        let read = api.get(&format!("{path}?properties=associatedcompanyid")).expect(200);
        read["properties"]["associatedcompanyid"].as_str().map(str::to_owned)
    };
    assert_eq!(company().as_deref(), Some(berg.as_str()), "the first is the primary one");
    let read = api.get(&format!("{path}?associations=companies")).expect(200);
    assert_eq!(
        read["associations"]["companies"]["results"],
        json!([
        {"id":berg,"type":"contact_to_company_unlabeled"},{"id":berg,"type":"contact_to_company"}])
    );
    let ties = |from: &str, to: &str| {
        api.get(&format!("/crm/v4/objects/{from}/associations/{to}")).expect(200)["results"].clone()
    };
    let put = |kind: &str, company: &str, body: &Value| {
        api.put(
            &format!("/crm/v4/objects/contacts/{kari}/associations/{kind}companies/{company}"),
            body,
        )
    };
    put("default/", &dal, &Value::Null).expect(200);
    assert_eq!(company().as_deref(), Some(berg.as_str()));
    assert_eq!(ties(&format!("companies/{dal}"), "contacts")[0]["toObjectId"].to_string(), kari);
    put("", &dal, &json!([{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]))
        .expect(201);
    assert_eq!(company().as_deref(), Some(dal.as_str()));
    assert_eq!(ties(&format!("contacts/{kari}"), "companies").as_array().unwrap().len(), 2);
    // The property sets it, too.
    api.patch(&path, &json!({"properties":{"associatedcompanyid":berg}})).expect(200);
    assert_eq!(company().as_deref(), Some(berg.as_str()));
    assert_eq!(
        api.delete(&format!("/crm/v4/objects/contacts/{kari}/associations/companies/{berg}"))
            .status,
        204
    );
    assert_eq!(company(), None);
    assert_eq!(api.delete(&format!("/crm/v3/objects/companies/{dal}")).status, 204);
    assert_eq!(ties(&format!("contacts/{kari}"), "companies"), json!([]));
    let wrong = json!({"properties":{"firstname":"B"},"associations":[{"to":{"id":dal},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]}]});
    refused(api.post(CONTACTS, &wrong), 400, "VALIDATION_ERROR");
}

#[test]
fn too_many_requests_are_refused_and_searches_sooner() {
    let options = Options { systems: vec![SYSTEM.to_owned()], rate_scale: 1.0, ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let api = portal(&sandbox);
    let search = || api.post(&format!("{CONTACTS}/search"), &json!({}));
    let answers: Vec<Answer> = (0..6).map(|_| search()).collect();
    assert_eq!(answers[0].header("x-hubspot-ratelimit-max"), "", "a search says nothing of limits");
    assert!(answers.iter().any(|answer| answer.status == 429), "six in a second");
    let mut last = api.get(CONTACTS);
    assert_eq!(last.header("x-hubspot-ratelimit-remaining"), "99");
    for _ in 0..100 {
        last = api.get(CONTACTS);
    }
    let body = last.expect(429);
    assert_eq!(
        (&body["errorType"], &body["policyName"]),
        (&json!("RATE_LIMIT"), &json!("TEN_SECONDLY_ROLLING"))
    );
}

#[test]
fn what_people_change_is_told_and_signed() {
    let sandbox = only(SYSTEM);
    let called = Called::new(|_| String::new());
    assert!(sandbox.call_at(SYSTEM, &called.url).unwrap());
    let contact =
        sandbox.put(SYSTEM, "contacts", json!({"properties":{"firstname":"Kari"}})).unwrap();
    let heard = called.heard(1);
    let event = heard[0].json()[0].clone();
    assert_eq!(
        (&event["subscriptionType"], event["objectId"].to_string()),
        (&json!("contact.creation"), id(&contact))
    );
    let secret = credential(SYSTEM, "HUBSPOT_CLIENT_SECRET");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let stamp = heard[0].header("x-hubspot-request-timestamp").unwrap();
    let tag =
        ring::hmac::sign(&key, format!("POST{}{}{stamp}", called.url, heard[0].body).as_bytes());
    assert_eq!(
        heard[0].header("x-hubspot-signature-v3"),
        Some(crate::support::base64(tag.as_ref()).as_str())
    );
    sandbox
        .edit(
            SYSTEM,
            "contacts",
            &id(&contact),
            &json!({"properties":{"firstname":"Liv","city":null}}),
        )
        .unwrap();
    let events = called.heard(2)[1].json();
    assert_eq!(events.as_array().unwrap().len(), 2);
    assert!(
        events
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["subscriptionType"] == "contact.propertyChange")
    );
    sandbox.remove(SYSTEM, "contacts", &id(&contact)).unwrap();
    assert_eq!(called.heard(3)[2].json()[0]["subscriptionType"], "contact.deletion");
}

/// The names in a class of the vendor's client, with those that may be missing.
fn typed(folder: &str, name: &str) -> Option<Vec<(String, bool)>> {
    let root = std::env::var("LOCKSTEP_TYPINGS").ok()?;
    let path = format!("{root}/@hubspot/api-client/lib/codegen/crm/{folder}/models/{name}.d.ts");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let names = text.lines().filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix('\'')?.split_once('\'')?;
        Some((name.to_owned(), rest.starts_with('?')))
    });
    Some(names.collect())
}

#[track_caller]
fn fits(folder: &str, name: &str, value: &Value) {
    let Some(known) = typed(folder, name) else {
        return eprintln!("not checked: LOCKSTEP_TYPINGS is not set");
    };
    for field in value.as_object().unwrap().keys() {
        assert!(known.iter().any(|(one, _)| one == field), "{name}.{field} is not the vendor's");
    }
    for (field, optional) in known {
        assert!(optional || value.get(&field).is_some(), "{name}.{field} is missing: {value}");
    }
}

#[test]
fn answers_have_the_fields_of_the_vendors_client() {
    let sandbox = filled(SYSTEM);
    let api = portal(&sandbox);
    let list = api.get(&format!("{CONTACTS}?associations=companies")).expect(200);
    for record in list["results"].as_array().unwrap() {
        fits("contacts", "SimplePublicObjectWithAssociations", record);
    }
    fits("contacts", "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging", &list);
    fits("contacts", "NextPage", &list["paging"]["next"]);
    let found = api.post(&format!("{CONTACTS}/search"), &json!({})).expect(200);
    fits("contacts", "CollectionResponseWithTotalSimplePublicObjectForwardPaging", &found);
    fits("contacts", "SimplePublicObject", &found["results"][0]);
    let owners = api.get("/crm/v3/owners").expect(200);
    fits("owners", "PublicOwner", &owners["results"][0]);
    let properties = api.get("/crm/v3/properties/contacts").expect(200);
    fits("properties", "Property", &properties["results"][0]);
}
