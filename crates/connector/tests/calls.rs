//! Who calls has to prove it: web tokens as Wix makes them, right and wrong, against the built-in
//! manifest.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lockstep_connector::{Call, Connector, Heard, Named, catalogue};
use lockstep_model::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

const PUBLIC: &str = include_str!("key.pub.pem");
const NOW: i64 = 1_795_000_000;

fn wix(key: &str) -> Box<dyn Connector> {
    let with = json!({"api_key": "k", "site_id": "s", "webhook_key": key});
    catalogue::connect("wix", with.as_object().unwrap(), Path::new(".")).unwrap()
}

fn hear(connector: &dyn Connector, body: &str) -> Heard {
    connector.hear(&Call {
        method: "POST".into(),
        address: "/hooks/fjord".into(),
        query: vec![],
        headers: vec![],
        body: body.as_bytes().to_vec(),
        at: Timestamp(NOW * 1000),
    })
}

fn part(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Header and claims, not signed yet.
fn unsigned(alg: &str, claims: &Value) -> String {
    format!(
        "{}.{}",
        part(json!({"alg": alg, "typ": "JWT"}).to_string().as_bytes()),
        part(claims.to_string().as_bytes())
    )
}

fn signed(text: &str) -> String {
    let der: String =
        include_str!("key.pem").lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", part(&signature))
}

/// An event as Wix wraps it: texts in texts.
fn claims(contact: &str, more: Value) -> Value {
    let event = json!({"id": "e1", "entityFqdn": "wix.contacts.v4.contact", "slug": "updated", "entityId": contact});
    let data = json!({"eventType": "wix.contacts.v4.contact_updated", "instanceId": "i", "data": event.to_string()});
    let mut claims = json!({"data": data.to_string()});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

fn good(contact: &str) -> Value {
    claims(contact, json!({"iat": NOW, "exp": NOW + 60}))
}

#[track_caller]
fn refused(heard: Heard, why: &str) {
    match heard {
        Heard::Refused(told) => assert!(told.contains(why), "{told}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_web_token_of_the_apps_key_names_the_record_once() {
    let token = signed(&unsigned("RS256", &good("c1")));
    // As it stands in a variable, on one line.
    for key in [PUBLIC.to_string(), PUBLIC.replace('\n', "\\n")] {
        let wix = wix(&key);
        assert_eq!(
            hear(&*wix, &token),
            Heard::Hint(vec![Named { kind: "Contacts".into(), id: Some("c1".into()) }])
        );
        assert_eq!(hear(&*wix, &token), Heard::Again, "a replay");
        let other = signed(&unsigned("RS256", &good("c2")));
        assert!(matches!(hear(&*wix, &other), Heard::Hint(_)));
    }
}

#[test]
fn a_web_token_that_proves_nothing_is_refused() {
    let wix = wix(PUBLIC);
    let text = unsigned("RS256", &good("c1"));
    let token = signed(&text);
    let (_, signature) = token.rsplit_once('.').unwrap();
    // The claims of one under the signature of another.
    refused(
        hear(&*wix, &format!("{}.{signature}", unsigned("RS256", &good("c2")))),
        "signature is wrong",
    );
    refused(hear(&*wix, &format!("{text}.{}", part(&[7; 256]))), "signature is wrong");
    refused(hear(&*wix, &format!("{text}.")), "signature is wrong");
    // The algorithm is not the token's to choose: none, and the public key taken for a shared
    // secret.
    refused(hear(&*wix, &format!("{}.", unsigned("none", &good("c1")))), "another way than RS256");
    let text = unsigned("HS256", &good("c1"));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, PUBLIC.as_bytes());
    let mac = part(ring::hmac::sign(&key, text.as_bytes()).as_ref());
    refused(hear(&*wix, &format!("{text}.{mac}")), "another way than RS256");
    // Right, and too late; or of no time at all.
    refused(
        hear(
            &*wix,
            &signed(&unsigned("RS256", &claims("c1", json!({"iat": NOW - 900, "exp": NOW - 600})))),
        ),
        "too old",
    );
    refused(
        hear(&*wix, &signed(&unsigned("RS256", &claims("c1", json!({"iat": NOW - 900}))))),
        "too old",
    );
    refused(hear(&*wix, &signed(&unsigned("RS256", &claims("c1", json!({}))))), "its time");
    for nonsense in ["", "a", "a.b", "a.b.c", "{\"data\": 7}", "....", "\u{1F600}"] {
        refused(hear(&*wix, nonsense), "no signed web token");
    }
    // Signed, and not what the manifest says.
    refused(
        hear(&*wix, &signed(&unsigned("RS256", &json!({"iat": NOW, "exp": NOW + 9, "data": "{"})))),
        "not of the form",
    );
    assert!(
        matches!(hear(&*wix, &token), Heard::Hint(_)),
        "none of these has used up the right one"
    );
}

#[test]
fn without_a_right_public_key_nothing_is_believed() {
    let token = signed(&unsigned("RS256", &good("c1")));
    refused(hear(&*wix(""), &token), "no public key");
    for key in [
        "key",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        include_str!("key.pem"),
    ] {
        refused(hear(&*wix(key), &token), "expected as PEM");
    }
    // That of somebody else.
    let credentials = lockstep_sandbox::credentials("wix");
    let (_, theirs) = credentials.iter().find(|(name, _)| name == "WIX_WEBHOOK_KEY").unwrap();
    refused(hear(&*wix(theirs), &token), "signature is wrong");
}

/// A built-in system, with what its calls are checked with.
fn system(name: &str, with: Value) -> Box<dyn Connector> {
    let mut with = with.as_object().unwrap().clone();
    for setting in catalogue::settings(name) {
        with.entry(setting.name.to_string()).or_insert_with(|| json!("https://example.com"));
    }
    catalogue::connect(name, &with, Path::new(".")).unwrap()
}

fn called(connector: &dyn Connector, headers: &[(&str, &str)], body: &str) -> Heard {
    let header = |(name, value): &(&str, &str)| (name.to_lowercase(), (*value).to_string());
    connector.hear(&Call {
        method: "POST".into(),
        address: "/hooks/there".into(),
        query: vec![],
        headers: headers.iter().map(header).collect(),
        body: body.as_bytes().to_vec(),
        at: Timestamp(NOW * 1000),
    })
}

fn names(heard: Heard) -> Vec<(String, Option<String>)> {
    match heard {
        Heard::Hint(named) => named.into_iter().map(|named| (named.kind, named.id)).collect(),
        other => panic!("{other:?}"),
    }
}

fn mac(algorithm: ring::hmac::Algorithm, secret: &str, text: &str) -> Vec<u8> {
    let key = ring::hmac::Key::new(algorithm, secret.as_bytes());
    ring::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn one(kind: &str, id: &str) -> Vec<(String, Option<String>)> {
    vec![(kind.into(), Some(id.into()))]
}

#[test]
fn r4_what_stands_beside_the_signed_part_of_a_body_is_not_read() {
    let exact = system("exact-online", json!({"webhook_secret": "s3cret"}));
    let hash = |content: &str| {
        let mac = mac(ring::hmac::HMAC_SHA256, "s3cret", content);
        mac.iter().map(|byte| format!("{byte:02X}")).collect::<String>()
    };
    // As it is written, with its blanks.
    let content = r#"{ "Topic":"Accounts",  "Key":"a1" }"#;
    let body =
        |content: &str, hash: &str| format!(r#"{{"Content":{content},"HashCode":"{hash}"}}"#);
    let good = body(content, &hash(content));
    assert_eq!(names(called(&*exact, &[], &good)), one("Accounts", "a1"));
    assert_eq!(called(&*exact, &[], &good), Heard::Again, "a replay");
    let other = r#"{"Topic":"Accounts","Key":"a2"}"#;
    refused(called(&*exact, &[], &body(other, &hash(content))), "signature is wrong");
    refused(called(&*exact, &[], r#"{"HashCode":"00"}"#), "lacks the part that is signed");
    refused(called(&*exact, &[], &format!(r#"{{"Content":{content}}}"#)), "not signed");
    let beside =
        format!(r#"{{"Topic":"Items","Key":"i1","Content":{other},"HashCode":"{}"}}"#, hash(other));
    assert_eq!(names(called(&*exact, &[], &beside)), one("Accounts", "a2"));
    // It tries whether somebody is there.
    assert_eq!(called(&*exact, &[], ""), Heard::Again);
}

#[test]
fn r4_a_header_may_be_signed_with_the_body() {
    let tripletex = system("tripletex", json!({"webhook_secret": "s3cret"}));
    let body = r#"{"event":"supplier.delete","id":7}"#;
    let signature = STANDARD.encode(mac(ring::hmac::HMAC_SHA512, "s3cret", &format!("k1&{body}")));
    let call = |key: Option<&str>| {
        let mut headers = vec![("x-request-signature", signature.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        called(&*tripletex, &headers, body)
    };
    refused(call(None), "lacks a header that is signed");
    refused(call(Some("k2")), "signature is wrong");
    assert_eq!(names(call(Some("k1"))), one("Supplier", "7"));
    assert_eq!(call(Some("k1")), Heard::Again);
}

#[test]
fn r4_both_kinds_of_hubspots_events_are_understood() {
    let hubspot = system("hubspot", json!({"client_secret": "s3cret"}));
    let body = json!([
        {"subscriptionType": "contact.propertyChange", "objectId": 1, "propertyName": "email"},
        {"subscriptionType": "object.creation", "objectTypeId": "0-3", "objectId": 2},
        {"subscriptionType": "object.creation", "objectTypeId": "0-31", "objectId": 3},
        {"subscriptionType": "company.deletion", "objectTypeId": "0-2", "objectId": 4},
    ])
    .to_string();
    let stamp = (NOW * 1000).to_string();
    let text = format!("POSThttps://hooks.example.com/hooks/there{body}{stamp}");
    let signature = STANDARD.encode(mac(ring::hmac::HMAC_SHA256, "s3cret", &text));
    let headers = [
        ("X-HubSpot-Signature-v3", signature.as_str()),
        ("X-HubSpot-Request-Timestamp", stamp.as_str()),
        ("Host", "hooks.example.com"),
    ];
    let wanted = [one("Contacts", "1"), one("Deals", "2"), one("Companies", "4")].concat();
    assert_eq!(names(called(&*hubspot, &headers, &body)), wanted);
}

#[test]
fn r4_a_call_may_name_many_records_or_none() {
    let zoho = system("zoho-crm", json!({"webhook_secret": "s3cret"}));
    let body = json!({"module": "Deals", "ids": ["1", "2"], "token": "s3cret"}).to_string();
    assert_eq!(names(called(&*zoho, &[], &body)), [one("Deals", "1"), one("Deals", "2")].concat());
    let central = system("business-central", json!({"webhook_secret": "s3cret"}));
    let event = |resource: &str, kind: &str| {
        json!({"clientState": "s3cret", "changeType": kind,
            "resource": format!("api/v2.0/companies(c0ffee)/{resource}")})
    };
    let body = json!({"value": [
        event("salesOrders(a1)", "updated"),
        event("items?$filter=lastModifiedDateTime%20gt%202026-10-15T11:00:00Z", "collection"),
        event("itemCategories(x)", "updated"),
    ]});
    let wanted = [one("SalesOrders", "a1"), vec![("Items".into(), None)]].concat();
    assert_eq!(names(called(&*central, &[], &body.to_string())), wanted);
}

#[test]
fn r4_trial_calls_of_a_shop_do_nothing() {
    let shop = system("woocommerce", json!({"webhook_secret": "s3cret"}));
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(called(&*shop, &form, "webhook_id=7"), Heard::Again);
    refused(called(&*shop, &[("X-WC-Webhook-Topic", "order.created")], "{\"id\":7}"), "not signed");
    // A deleted record is its number only.
    let shop = system("shopify", json!({"client_secret": "s3cret"}));
    let body = "{\"id\":788032119674292922}";
    let signature = STANDARD.encode(mac(ring::hmac::HMAC_SHA256, "s3cret", body));
    let headers = [("X-Shopify-Topic", "companies/delete"), ("X-Shopify-Hmac-Sha256", &signature)];
    let wanted = one("Companies", "gid://shopify/Company/788032119674292922");
    assert_eq!(names(called(&*shop, &headers, body)), wanted);
}
