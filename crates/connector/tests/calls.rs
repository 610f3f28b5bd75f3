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
