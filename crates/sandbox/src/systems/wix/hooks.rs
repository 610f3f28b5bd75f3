//! Calls of an app: the whole body is a web token signed with the app's key (RS256), whose claim
//! `data` holds the event as a text in a text. Where to call is set in the app's dashboard, so
//! there is no request for it. Vendor: dev.wix.com, webhook structure.
//!
//! Unverified: how long a token is good (here five minutes), and what a text of an event holds
//! besides what is here.

use super::Wix;
use crate::calls::{Call, Changed};
use crate::http::Act;
use crate::systems::emulator::credential;
use crate::util::base64;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

/// The demo app's own key. It opens nothing: what it signs is believed by who has the public key in
/// its settings.
const KEY: &str = include_str!("hook_key.pem");
const SECONDS: i64 = 300;

impl Wix {
    pub(super) fn event_calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let (Some(url), Some(entity)) = (self.call_at.clone(), entity(changed.collection)) else {
            return Vec::new();
        };
        let slug = match changed.act {
            Act::Create => "created",
            Act::Update => "updated",
            Act::Delete => "deleted",
        };
        let event = json!({
            "id": self.ids.token("event-"), "entityFqdn": entity, "slug": slug, "entityId": changed.id,
            format!("{slug}Event"): {}, "eventTime": now.to_string(), "triggeredByAnonymizeRequest": false
        });
        let data = json!({
            "eventType": format!("{entity}_{slug}"), "instanceId": credential(super::CREDENTIALS, "WIX_INSTANCE_ID"), "data": event.to_string()
        });
        let issued = now.as_second();
        let body =
            token(&json!({"data": data.to_string(), "iat": issued, "exp": issued + SECONDS}));
        vec![Call { url, headers: vec![("Content-Type".into(), "text/plain".into())], body }]
    }
}

fn entity(collection: &str) -> Option<&'static str> {
    match collection {
        "contacts" => Some("wix.contacts.v4.contact"),
        "members" => Some("wix.members.v1.member"),
        "products-v3" => Some("wix.stores.catalog.v3.product"),
        // What the events of catalog v1 hold is not documented well enough to emulate.
        _ => None,
    }
}

/// RFC 7515, section 3.1.
fn token(claims: &Value) -> String {
    let part = |bytes: &[u8]| base64::encode_for_url(bytes);
    let signed = format!(
        "{}.{}",
        part(br#"{"alg":"RS256","typ":"JWT"}"#),
        part(claims.to_string().as_bytes())
    );
    let der = KEY.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    let pair = base64::decode(&der).and_then(|der| RsaKeyPair::from_pkcs8(&der).ok());
    let Some(pair) = pair else { return signed };
    let mut signature = vec![0; pair.public().modulus_len()];
    if pair
        .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .is_err()
    {
        return signed;
    }
    format!("{signed}.{}", part(&signature))
}
