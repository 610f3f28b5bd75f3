//! Webhook subscriptions, and the calls for them: the content and its hash, keyed with the app's
//! webhook secret.

use super::base::{
    CREDENTIALS, ExactOnline, Refusal, body, keyed, no_segment, quoted, refusal, root,
};
use super::lists;
use super::types::{RESOURCES, place};
use crate::calls::{self, Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::systems::emulator::credential;
use crate::util::time;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

impl ExactOnline {
    pub(super) fn webhooks(
        &mut self,
        last: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        lists::parameters(request)?;
        let (name, key) =
            keyed(last).map_or((last, None), |(name, key)| (name, Some(key.to_lowercase())));
        if name != "WebhookSubscriptions" {
            return Err(no_segment(name));
        }
        let place =
            key.as_ref().map(|key| self.hooks.iter().position(|one| one["ID"] == key.as_str()));
        match (request.method.as_str(), place) {
            (_, Some(None)) => Err(no_segment(name)),
            ("GET", None) => Ok(Reply::json(
                200,
                &json!({"d": {"results": self.hooks.iter().map(|one| shown(one, request)).collect::<Vec<_>>()}}),
            )),
            ("GET", Some(Some(place))) => {
                Ok(Reply::json(200, &json!({"d": shown(&self.hooks[place], request)})))
            }
            ("POST", None) => self.subscribe(&body(request)?, request, now),
            ("DELETE", Some(Some(place))) => {
                self.hooks.remove(place);
                Ok(Reply::empty(204))
            }
            _ => Err(refusal(405, "Method Not Allowed")),
        }
    }

    fn subscribe(
        &mut self,
        sent: &Value,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        if let Some(other) = sent
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .find(|name| !["CallbackURL", "Topic", "ID"].contains(&name.as_str()))
        {
            return Err(refusal(
                400,
                format!(
                    "Error processing request stream. The property name '{other}' specified for type 'Exact.Web.Api.Models.Webhooks.WebhookSubscription' is not valid."
                ),
            ));
        }
        let (url, topic) = (
            sent["CallbackURL"].as_str().unwrap_or_default(),
            sent["Topic"].as_str().unwrap_or_default(),
        );
        if url.is_empty() || topic.is_empty() {
            return Err(refusal(
                500,
                format!("Mandatory: {}", if url.is_empty() { "CallbackURL" } else { "Topic" }),
            ));
        }
        if !RESOURCES.iter().any(|own| own.topic == Some(topic)) {
            return Err(refusal(500, format!("Invalid: Topic {topic}")));
        }
        if self.hooks.iter().any(|one| one["Topic"] == topic && one["CallbackURL"] == url) {
            return Err(refusal(500, "Data already exists."));
        }
        // Who will be called must answer, now and then.
        let test = Call {
            url: url.to_owned(),
            headers: vec![("Content-Type".into(), "application/json".to_owned())],
            body: String::new(),
        };
        if calls::ask(&test).is_none_or(|(status, _)| !(200..300).contains(&status)) {
            return Err(refusal(500, "Invalid: CallbackURL"));
        }
        let division: i64 =
            credential(CREDENTIALS, "EXACT_ONLINE_DIVISION").parse().unwrap_or_default();
        let made = json!({"ID": self.ids.uuid(), "CallbackURL": url, "ClientID": credential(CREDENTIALS, "EXACT_ONLINE_CLIENT_ID"),
                    "Created": time::millis_z(now), "Creator": self.owner, "CreatorFullName": "Runa Holm", "Description": null, "Division": division, "Topic": topic});
        self.hooks.push(made.clone());
        Ok(Reply::json(201, &json!({"d": shown(&made, request)})))
    }

    pub(super) fn notifications(&self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let Some(resource) = place(changed.collection).map(|at| &RESOURCES[at]) else {
            return Vec::new();
        };
        let Some(topic) = resource.topic else { return Vec::new() };
        let action = match changed.act {
            Act::Create => "Create",
            Act::Update => "Update",
            Act::Delete => "Delete",
        };
        let division = credential(CREDENTIALS, "EXACT_ONLINE_DIVISION");
        let content = json!({"Topic": topic, "ClientId": credential(CREDENTIALS, "EXACT_ONLINE_CLIENT_ID"), "Division": division.parse::<i64>().unwrap_or_default(),
            "Action": action, "Key": changed.id, "ExactOnlineEndpoint": format!("https://start.exactonline.nl/api/v1/{division}/{}({})", resource.path, quoted(changed.id)),
            "EventCreatedOn": time::millis_z(now).replace('Z', "")});
        let text = content.to_string();
        let key = hmac::Key::new(
            hmac::HMAC_SHA256,
            credential(CREDENTIALS, "EXACT_ONLINE_WEBHOOK_SECRET").as_bytes(),
        );
        let hash: String = hmac::sign(&key, text.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        self.hooks
            .iter()
            .filter(|one| one["Topic"] == topic)
            .map(|one| Call {
                url: one["CallbackURL"].as_str().unwrap_or_default().to_owned(),
                headers: vec![("Content-Type".into(), "application/json".to_owned())],
                // The hash is of the content as it stands here.
                body: format!("{{\"Content\":{text},\"HashCode\":\"{hash}\"}}"),
            })
            .collect()
    }
}

/// A subscription as it is answered.
fn shown(one: &Value, request: &Request) -> Value {
    let mut shown = json!({"__metadata": {"uri": format!("{}/webhooks/WebhookSubscriptions({})", root(request), quoted(one["ID"].as_str().unwrap_or_default())),
                "type": "Exact.Web.Api.Models.Webhooks.WebhookSubscription"}});
    crate::util::json::merge(&mut shown, one, false);
    let at = one["Created"].as_str().and_then(time::parse).map_or(0, Timestamp::as_millisecond);
    shown["Created"] = json!(format!("/Date({at})/"));
    shown
}
