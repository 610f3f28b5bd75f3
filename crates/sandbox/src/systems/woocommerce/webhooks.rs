//! Webhooks: made over the interface, first called with their id, then with each change, signed.

use super::base::{CATEGORIES, Refusal, WooCommerce, body, no_route, refusal, stamp};
use super::lists::{self, visible};
use super::schema;
use super::types::{NAMES, WEBHOOK};
use crate::calls::{self, Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::util::base64;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Map, Value, json};

const RESOURCES: [&str; 4] = ["coupon", "customer", "order", "product"];
const EVENTS: [&str; 4] = ["created", "updated", "deleted", "restored"];

impl WooCommerce {
    fn add_webhook(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let sent = sent(request)?;
        let topic = sent.get("topic").and_then(Value::as_str).unwrap_or_default();
        if !known(topic) {
            return Err(refusal(
                400,
                "woocommerce_rest_shop_webhook_invalid_topic",
                "Webhook topic is required and must be valid.",
            ));
        }
        let url = sent.get("delivery_url").and_then(Value::as_str).unwrap_or_default();
        if !url.starts_with("http") {
            return Err(refusal(
                400,
                "woocommerce_rest_shop_webhook_invalid_delivery_url",
                "Webhook delivery URL must be a valid URL starting with http:// or https://.",
            ));
        }
        let secret = self.ids.token("");
        let mut made = json!({"id": self.count(1), "name": format!("Webhook created on {now}"), "status": "active", "topic": topic,
                    "hooks": [format!("woocommerce_api_{topic}")], "delivery_url": url, "secret": secret,
                    "date_created": null, "date_created_gmt": null, "date_modified": null, "date_modified_gmt": null});
        for (name, value) in &sent {
            made[name.as_str()] = value.clone();
        }
        stamp(&mut made, "date_created", Some(now));
        stamp(&mut made, "date_modified", Some(now));
        // One ping with its number, which nobody signs. A receiver that is not there yet
        // does not keep the webhook from being made.
        let ping = Call {
            url: url.to_owned(),
            headers: vec![("Content-Type".into(), "application/x-www-form-urlencoded".to_owned())],
            body: format!("webhook_id={}", made["id"]),
        };
        let _ = calls::ask(&ping);
        self.webhooks.push(made.clone());
        Ok(Reply::json(201, &shown(&made, request)))
    }

    fn one_webhook(
        &mut self,
        place: usize,
        method: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        match method {
            "GET" => Ok(Reply::json(200, &shown(&self.webhooks[place], request))),
            "PUT" | "PATCH" | "POST" => {
                for (name, value) in sent(request)? {
                    if name == "topic" && !value.as_str().is_some_and(known) {
                        return Err(refusal(
                            400,
                            "woocommerce_rest_shop_webhook_invalid_topic",
                            "Webhook topic must be valid.",
                        ));
                    }
                    self.webhooks[place][name.as_str()] = value;
                }
                stamp(&mut self.webhooks[place], "date_modified", Some(now));
                Ok(Reply::json(200, &shown(&self.webhooks[place], request)))
            }
            "DELETE" => {
                let asked =
                    lists::parameters(request, &[&[schema::open("force", schema::Shape::Flag)]])?;
                if asked.get("force").is_none_or(|force| *force != true) {
                    return Err(refusal(
                        501,
                        "woocommerce_rest_trash_not_supported",
                        "Webhooks do not support trashing.",
                    ));
                }
                Ok(Reply::json(200, &shown(&self.webhooks.remove(place), request)))
            }
            _ => Err(no_route()),
        }
    }

    pub(super) fn webhook_request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        match (request.method.as_str(), path) {
            ("GET", []) => {
                let all: Vec<Value> =
                    self.webhooks.iter().map(|hook| shown(hook, request)).collect();
                Ok(Reply::json(200, &json!(all))
                    .header("x-wp-total", all.len().to_string())
                    .header("x-wp-totalpages", "1"))
            }
            ("POST", []) => self.add_webhook(request, now),
            (method, [id]) => {
                let Some(place) =
                    self.webhooks.iter().position(|hook| hook["id"].as_i64() == id.parse().ok())
                else {
                    return Err(refusal(
                        404,
                        "woocommerce_rest_shop_webhook_invalid_id",
                        "Invalid ID.",
                    ));
                };
                self.one_webhook(place, method, request, now)
            }
            _ => Err(no_route()),
        }
    }

    pub(super) fn deliveries(&mut self, changed: &Changed<'_>) -> Vec<Call> {
        let Some(at) = NAMES
            .iter()
            .position(|name| *name == changed.collection)
            .filter(|at| *at != CATEGORIES)
        else {
            return Vec::new();
        };
        let resource = changed.collection.trim_end_matches('s');
        let event = match changed.act {
            Act::Create => "created",
            Act::Update => "updated",
            Act::Delete => "deleted",
        };
        let body = match (changed.act, self.tables[at].get(changed.id)) {
            (Act::Create | Act::Update, Some(record)) => visible(at, record),
            _ => json!({"id": changed.id.parse::<i64>().unwrap_or(0)}),
        };
        let body = body.to_string();
        let topic = format!("{resource}.{event}");
        let hooks: Vec<Value> = self
            .webhooks
            .iter()
            .filter(|hook| hook["topic"] == topic.as_str() && hook["status"] == "active")
            .cloned()
            .collect();
        hooks
            .iter()
            .map(|hook| {
                let secret = hook["secret"].as_str().unwrap_or_default();
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let signature = base64::encode(hmac::sign(&key, body.as_bytes()).as_ref());
                let delivery = self.ids.token("");
                Call {
                    url: hook["delivery_url"].as_str().unwrap_or_default().to_owned(),
                    headers: vec![
                        ("Content-Type".into(), "application/json".to_owned()),
                        ("X-WC-Webhook-Source".into(), "https://butikk.example.com/".to_owned()),
                        ("X-WC-Webhook-Topic".into(), topic.clone()),
                        ("X-WC-Webhook-Resource".into(), resource.to_owned()),
                        ("X-WC-Webhook-Event".into(), event.to_owned()),
                        ("X-WC-Webhook-Signature".into(), signature),
                        ("X-WC-Webhook-ID".into(), hook["id"].to_string()),
                        ("X-WC-Delivery-ID".into(), delivery),
                    ],
                    body: body.clone(),
                }
            })
            .collect()
    }
}

fn known(topic: &str) -> bool {
    topic.split_once('.').is_some_and(|(resource, event)| {
        RESOURCES.contains(&resource) && EVENTS.contains(&event) || resource == "action"
    })
}

/// The secret is not shown.
fn shown(hook: &Value, request: &Request) -> Value {
    let mut shown = hook.clone();
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("secret");
    }
    let topic = hook["topic"].as_str().unwrap_or_default();
    let (resource, event) = topic.split_once('.').unwrap_or_default();
    shown["resource"] = json!(resource);
    shown["event"] = json!(event);
    let list = format!("{}/wp-json/wc/v3/webhooks", request.base);
    shown["_links"] = json!({"self": [{"href": format!("{list}/{}", hook["id"])}], "collection": [{"href": list}]});
    shown
}

fn sent(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let body = body(request)?;
    let pairs = body.as_object().into_iter().flatten();
    schema::taken(WEBHOOK, pairs.map(|(name, value)| (name.as_str(), value.clone())), None)
}
