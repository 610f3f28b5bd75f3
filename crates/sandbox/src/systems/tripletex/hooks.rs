//! Webhook subscriptions (`/event/subscription`) and the calls for them.

use super::base::{Refusal, Tripletex, body, invalid, not_found, refusal, unmapped};
use super::fields::Fields;
use super::types::{NAMES, RESOURCES};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::util::{base64, json as tree};
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

/// What there are events of, by the collection, with what they are called.
const OBJECTS: [(&str, &str, &str); 6] = [
    ("customer", "Customer", "Customer"),
    ("supplier", "Supplier", "Supplier"),
    ("contact", "Contact", "Contact"),
    ("employee", "Employee", "Employee"),
    ("product", "Product", "Product"),
    ("order", "Order", "Order"),
];
const VERBS: [&str; 3] = ["create", "update", "delete"];
const OPEN: [&str; 7] = [
    "event",
    "targetUrl",
    "fields",
    "status",
    "authHeaderName",
    "authHeaderValue",
    "hmacSharedSecret",
];

impl Tripletex {
    fn subscription(
        &mut self,
        method: &str,
        id: &str,
        request: &Request,
    ) -> Result<Reply, Refusal> {
        let Some(place) =
            self.subscriptions.iter().position(|one| one["id"].as_i64() == id.parse().ok())
        else {
            return Err(not_found());
        };
        match method {
            "GET" => {
                Ok(Reply::json(200, &json!({"value": shown(&self.subscriptions[place], request)})))
            }
            "PUT" => {
                let sent = body(request)?;
                let mut changed = self.subscriptions[place].clone();
                if tree::id_of(&sent["version"])
                    .is_some_and(|version| changed["version"].as_i64() != Some(version))
                {
                    return Err(refusal(409, 8000, "RevisionException"));
                }
                take(&mut changed, &sent)?;
                changed["version"] = json!(changed["version"].as_i64().unwrap_or(0) + 1);
                self.subscriptions[place] = changed.clone();
                Ok(Reply::json(200, &json!({"value": shown(&changed, request)})))
            }
            "DELETE" => {
                self.subscriptions.remove(place);
                Ok(Reply::empty(204))
            }
            _ => Err(refusal(405, 4000, "HTTP 405 Method Not Allowed")),
        }
    }

    pub(super) fn events(
        &mut self,
        path: &[&str],
        request: &Request,
        _now: Timestamp,
    ) -> Result<Reply, Refusal> {
        match (request.method.as_str(), path) {
            ("GET", []) => {
                let mut all = json!({});
                for (object, called, model) in OBJECTS {
                    for verb in VERBS {
                        let mut event = json!({"description": format!("{called} {verb}d")});
                        if verb != "delete" {
                            event["payloadModel"] = json!(model);
                        }
                        all[format!("{object}.{verb}")] = event;
                    }
                }
                Ok(Reply::json(200, &json!({"value": all})))
            }
            ("GET", ["subscription"]) => {
                self.parameters(request, &["from", "count", "sorting", "fields"])?;
                let values: Vec<Value> =
                    self.subscriptions.iter().map(|one| shown(one, request)).collect();
                Ok(Reply::json(
                    200,
                    &json!({"fullResultSize": values.len(), "from": 0, "count": values.len(),
                    "versionDigest": "'If-None-Match' header not specified", "values": values}),
                ))
            }
            ("POST", ["subscription"]) => {
                self.next += 1;
                let mut made = json!({"id": self.next, "version": 0, "event": "", "targetUrl": "", "fields": "", "status": "ACTIVE",
                    "authHeaderName": "", "authHeaderValue": "", "hmacSharedSecret": ""});
                take(&mut made, &body(request)?)?;
                self.subscriptions.push(made.clone());
                Ok(Reply::json(201, &json!({"value": shown(&made, request)})))
            }
            (method, ["subscription", id]) => self.subscription(method, id, request),
            _ => Err(not_found()),
        }
    }

    pub(super) fn notifications(&mut self, changed: &Changed<'_>) -> Vec<Call> {
        let Some(at) = NAMES.iter().position(|name| *name == changed.collection) else {
            return Vec::new();
        };
        let verb = match changed.act {
            Act::Create => "create",
            Act::Update => "update",
            Act::Delete => "delete",
        };
        let event = format!("{}.{verb}", RESOURCES[at].path);
        let wanted: Vec<Value> = self
            .subscriptions
            .iter()
            .filter(|one| one["event"] == event.as_str() && one["status"] == "ACTIVE")
            .cloned()
            .collect();
        wanted
            .iter()
            .map(|one| {
                let fields = Fields::parse(one["fields"].as_str().unwrap_or_default(), at).unwrap_or_default();
                let value = match self.tables[at].get(changed.id) {
                    Some(record) => self.shown(at, record, &fields, "https://tripletex.no"),
                    None => Value::Null,
                };
                let body = json!({"subscriptionId": one["id"], "event": event, "id": changed.id.parse::<i64>().unwrap_or(0), "value": value}).to_string();
                let mut headers = vec![("Content-Type".into(), "application/json".to_owned())];
                if let Some(name) = tree::filled(one, "authHeaderName") {
                    headers.push((name.to_owned().into(), one["authHeaderValue"].as_str().unwrap_or_default().to_owned()));
                }
                if let Some(secret) = tree::filled(one, "hmacSharedSecret") {
                    self.next += 1;
                    let key = format!("{:016x}-{}", self.next, one["id"]);
                    headers.push(("x-request-signature".into(), signature(secret, &key, &body)));
                    headers.push(("idempotency-key".into(), key));
                }
                Call { url: one["targetUrl"].as_str().unwrap_or_default().to_owned(), headers, body }
            })
            .collect()
    }
}

/// Of the call's own key and its body, with the secret that the caller gave.
fn signature(secret: &str, key: &str, body: &str) -> String {
    let secret = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
    base64::encode(hmac::sign(&secret, format!("{key}&{body}").as_bytes()).as_ref())
}

fn take(subscription: &mut Value, sent: &Value) -> Result<(), Refusal> {
    for (name, value) in sent.as_object().into_iter().flatten() {
        if ["id", "version", "url", "changes"].contains(&name.as_str()) || value.is_null() {
            continue;
        }
        if !OPEN.contains(&name.as_str()) {
            return Err(unmapped(name, "Feltet eksisterer ikke i objektet."));
        }
        if !value.is_string() {
            return Err(unmapped(name, "Verdien er ikke av korrekt type for dette feltet."));
        }
        subscription[name.as_str()] = value.clone();
    }
    let event = subscription["event"].as_str().unwrap_or_default();
    let known = event.split_once('.').is_some_and(|(object, verb)| {
        OBJECTS.iter().any(|(known, ..)| *known == object) && VERBS.contains(&verb)
    });
    if !known {
        return Err(invalid("event", "Ukjent hendelse."));
    }
    if !subscription["targetUrl"].as_str().is_some_and(|url| url.starts_with("http")) {
        return Err(invalid("targetUrl", "Ugyldig adresse."));
    }
    if !["ACTIVE", "DISABLED"].contains(&subscription["status"].as_str().unwrap_or_default()) {
        return Err(invalid("status", "Ugyldig status."));
    }
    let at =
        NAMES.iter().position(|name| event.starts_with(&format!("{name}."))).unwrap_or_default();
    Fields::parse(subscription["fields"].as_str().unwrap_or_default(), at).map(drop)
}

/// A subscription as it is answered.
fn shown(one: &Value, request: &Request) -> Value {
    let mut shown = one.clone();
    let host = request.base.split_once("://").map_or("", |(_, host)| host);
    shown["url"] = json!(format!("{host}/v2/event/subscription/{}", one["id"]));
    // What only the caller knows is not told again.
    for name in ["authHeaderValue", "hmacSharedSecret"] {
        shown[name] = Value::Null;
    }
    shown
}
