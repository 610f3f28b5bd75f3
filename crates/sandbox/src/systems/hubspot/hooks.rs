//! Webhooks: events in a list, signed with the app's secret over method, address, body and time.

use super::base::HubSpot;
use super::types::{OBJECTS, place};
use super::{CREDENTIALS, PORTAL};
use crate::calls::{Call, Changed};
use crate::http::Act;
use crate::systems::emulator::credential;
use crate::util::base64;
use jiff::Timestamp;
use ring::{digest, hmac};
use serde_json::{Value, json};

impl HubSpot {
    /// What a person's change is told as: an event for each property, or one.
    pub(super) fn events_of(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let (Some(url), Some(at)) = (self.call_at.clone(), place(changed.collection)) else {
            return Vec::new();
        };
        let singular = OBJECTS[at].singular;
        let mut events = Vec::new();
        let mut event = |kind: &str, more: Value| {
            self.events += 1;
            let mut event = json!({"eventId": self.events, "subscriptionId": 40_001, "portalId": PORTAL, "appId": 50_001, "occurredAt": now.as_millisecond(),
                "subscriptionType": format!("{singular}.{kind}"), "attemptNumber": 0, "objectId": changed.id.parse::<u64>().unwrap_or_default(), "changeSource": "CRM_UI"});
            crate::util::json::merge(&mut event, &more, false);
            events.push(event);
        };
        match changed.act {
            Act::Create => event("creation", json!({"changeFlag": "CREATED"})),
            Act::Delete => event("deletion", json!({"changeFlag": "DELETED"})),
            Act::Update => {
                let sent =
                    changed.patch.map(|patch| patch["properties"].clone()).unwrap_or_default();
                for (name, value) in sent.as_object().into_iter().flatten() {
                    let value = value.as_str().unwrap_or_default();
                    event("propertyChange", json!({"propertyName": name, "propertyValue": value}));
                }
            }
        }
        if events.is_empty() {
            return Vec::new();
        }
        vec![signed(&url, &json!(events).to_string(), now)]
    }
}

fn signed(url: &str, body: &str, now: Timestamp) -> Call {
    let secret = credential(CREDENTIALS, "HUBSPOT_CLIENT_SECRET");
    let stamp = now.as_millisecond().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let third = hmac::sign(&key, format!("POST{url}{body}{stamp}").as_bytes());
    let first = digest::digest(&digest::SHA256, format!("{secret}{body}").as_bytes());
    let first: String = first.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Call {
        url: url.to_owned(),
        headers: vec![
            ("Content-Type".into(), "application/json".into()),
            ("X-HubSpot-Signature-Version".into(), "v1".into()),
            ("X-HubSpot-Signature".into(), first),
            ("X-HubSpot-Request-Timestamp".into(), stamp),
            ("X-HubSpot-Signature-v3".into(), base64::encode(third.as_ref())),
        ],
        body: body.to_owned(),
    }
}
