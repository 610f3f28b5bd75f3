//! Webhooks: making, listing, changing and deleting them, their signing secrets, and the calls for
//! events of users and organizations. Vendor: developer.zendesk.com, webhooks API; event types;
//! verifying webhook authenticity.
//!
//! Unverified: which event a changed phone number raises (here `user.details_changed`), the
//! answer's status to a change (204), and the form of refusals. The vendor wants an https address;
//! here http is taken, as the one who is called is on this machine.

use super::account::{Zendesk, invalid, not_found};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::util::{base64, json as tree};
use jiff::Timestamp;
use ring::hmac;
use serde_json::json;

const MANDATORY: [&str; 5] = ["name", "status", "endpoint", "http_method", "request_format"];

impl Zendesk {
    pub(super) fn webhooks_request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let given = request.json().map(|body| body["webhook"].clone()).unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", []) => {
                Reply::json(200, &json!({"webhooks": self.webhooks, "meta": {"has_more": false}}))
            }
            ("POST", []) => {
                if let Some(missing) =
                    MANDATORY.iter().find(|name| tree::filled(&given, name).is_none())
                {
                    return invalid(400, &format!("webhook.{missing} is missing"));
                }
                let events = given["subscriptions"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one != "conditional_ticket_events"));
                if events && (given["http_method"] != "POST" || given["request_format"] != "json") {
                    return invalid(400, "events need http_method POST and request_format json");
                }
                let mut made = given;
                made["id"] = json!(self.ids.token("01"));
                made["created_at"] = json!(now.to_string());
                self.webhooks.push(made.clone());
                Reply::json(201, &json!({"webhook": made}))
            }
            (method, [id, rest @ ..]) => {
                let Some(place) = self.webhooks.iter().position(|hook| hook["id"] == *id) else {
                    return not_found();
                };
                match (method, rest) {
                    ("GET", []) => Reply::json(200, &json!({"webhook": self.webhooks[place]})),
                    ("GET", ["signing_secret"]) => Reply::json(
                        200,
                        &json!({"signing_secret": {"algorithm": "SHA256", "secret": secret(id)}}),
                    ),
                    ("PUT" | "PATCH", []) => {
                        for (name, value) in given
                            .as_object()
                            .into_iter()
                            .flatten()
                            .filter(|(name, _)| *name != "id")
                        {
                            self.webhooks[place][name] = value.clone();
                        }
                        Reply::empty(204)
                    }
                    ("DELETE", []) => {
                        self.webhooks.remove(place);
                        Reply::empty(204)
                    }
                    _ => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    pub(super) fn event_calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let events = events(changed);
        let mut calls = Vec::new();
        for hook in self.webhooks.iter().filter(|hook| hook["status"] == "active") {
            let wanted = |event: &&String| {
                hook["subscriptions"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one == event.as_str()))
            };
            for event in events.iter().filter(wanted) {
                let kind =
                    if changed.collection == "organizations" { "organization" } else { "user" };
                // Ids are texts in events.
                let body = json!({
                    "type": event, "account_id": 1, "id": self.ids.token("event-"), "time": now.to_string(),
                    "zendesk_event_version": "2022-06-20", "subject": format!("zen:{kind}:{}", changed.id),
                    "detail": {"id": changed.id}, "event": {}
                })
                .to_string();
                let time = now.to_string();
                let key = hmac::Key::new(
                    hmac::HMAC_SHA256,
                    secret(hook["id"].as_str().unwrap_or_default()).as_bytes(),
                );
                let signature =
                    base64::encode(hmac::sign(&key, format!("{time}{body}").as_bytes()).as_ref());
                calls.push(Call {
                    url: hook["endpoint"].as_str().unwrap_or_default().to_owned(),
                    headers: vec![
                        ("Content-Type".into(), "application/json".into()),
                        (
                            "X-Zendesk-Webhook-Id".into(),
                            hook["id"].as_str().unwrap_or_default().to_owned(),
                        ),
                        ("X-Zendesk-Webhook-Signature".into(), signature),
                        ("X-Zendesk-Webhook-Signature-Timestamp".into(), time),
                    ],
                    body,
                });
            }
        }
        calls
    }
}

/// Each webhook has a secret of its own.
fn secret(id: &str) -> String {
    format!("sandbox-signing-secret-{id}")
}

fn events(changed: &Changed<'_>) -> Vec<String> {
    let names = |kind: &str, names: &[&str]| {
        names.iter().map(|name| format!("zen:event-type:{kind}.{name}")).collect()
    };
    let has = |name: &str| changed.patch.is_some_and(|patch| patch.get(name).is_some());
    match (changed.collection, changed.act) {
        ("users", Act::Create) => names("user", &["created"]),
        ("users", Act::Delete) => names("user", &["active_changed"]),
        ("users", Act::Update) => {
            let told = [
                ("name", "name_changed"),
                ("notes", "notes_changed"),
                ("external_id", "external_id_changed"),
                ("role", "role_changed"),
                ("email", "identity_changed"),
                ("phone", "details_changed"),
            ];
            let told: Vec<&str> =
                told.into_iter().filter(|(name, _)| has(name)).map(|(_, event)| event).collect();
            names("user", &told)
        }
        ("organizations", Act::Create) => names("organization", &["created"]),
        ("organizations", Act::Delete) => names("organization", &["deleted"]),
        ("organizations", Act::Update) if has("name") => names("organization", &["name_changed"]),
        ("organizations", Act::Update) if has("external_id") => {
            names("organization", &["external_id_changed"])
        }
        // Tickets go through triggers, which are not emulated.
        _ => Vec::new(),
    }
}
