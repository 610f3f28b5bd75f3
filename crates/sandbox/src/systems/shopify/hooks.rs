//! Webhooks: subscriptions, and the calls for them, a record in the older interface's form, signed
//! with the app's secret.

use super::base::{CREDENTIALS, DOMAIN, VERSION};
use super::base::{KINDS, Refused, Shopify, number, refused};
use crate::calls::{Call, Changed};
use crate::http::Act;
use crate::systems::emulator::credential;
use crate::util::base64;
use crate::util::time::{millis_z, seconds_z};
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Map, Value, json};

/// `firstName` as `first_name`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// A record in the form of the older interface: numbers for ids, and names with underscores.
fn older(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, inner) in fields {
                match (name.as_str(), inner.as_str()) {
                    ("id", Some(gid)) => {
                        out.insert(
                            "id".into(),
                            json!(number(gid).parse::<u64>().unwrap_or_default()),
                        );
                        out.insert("admin_graphql_api_id".into(), json!(gid));
                    }
                    ("product" | "variant" | "customer" | "order", Some(gid)) => {
                        out.insert(
                            format!("{name}_id"),
                            json!(number(gid).parse::<u64>().unwrap_or_default()),
                        );
                    }
                    // Tags are one text.
                    ("tags", _) => {
                        let tags: Vec<&str> = inner
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(Value::as_str)
                            .collect();
                        out.insert("tags".into(), json!(tags.join(", ")));
                    }
                    _ => {
                        out.insert(snake(name), older(inner));
                    }
                }
            }
            Value::Object(out)
        }
        Value::Array(all) => all.iter().map(older).collect(),
        other => other.clone(),
    }
}

impl Shopify {
    pub(super) fn subscribe(&mut self, args: &Value, now: Timestamp) -> Result<Value, Refused> {
        let sent = &args["webhookSubscription"];
        let uri = sent["uri"].as_str().or_else(|| sent["callbackUrl"].as_str()).unwrap_or_default();
        if !uri.starts_with("http") {
            return refused(&["webhookSubscription", "callbackUrl"], "Address is invalid");
        }
        let taken = |one: &&Value| one["topic"] == args["topic"] && one["uri"] == uri;
        if self.hooks.iter().any(|one| taken(&one)) {
            return refused(
                &["webhookSubscription", "callbackUrl"],
                "Address for this topic has already been taken",
            );
        }
        let hook = json!({"id": self.gid("WebhookSubscription"), "topic": args["topic"], "uri": uri, "format": "JSON", "createdAt": seconds_z(now), "updatedAt": seconds_z(now)});
        self.hooks.push(hook.clone());
        Ok(hook)
    }

    /// Those of an address or of topics, if one is named.
    pub(super) fn subscriptions(&self, args: &Value) -> Value {
        let topics = args["topics"].as_array();
        let wanted = |hook: &&Value| {
            topics.is_none_or(|topics| topics.contains(&hook["topic"]))
                && args["uri"].as_str().is_none_or(|uri| hook["uri"] == uri)
        };
        self.hooks.iter().filter(wanted).cloned().collect()
    }

    pub(super) fn unsubscribe(&mut self, gid: &str) -> Result<String, Refused> {
        let before = self.hooks.len();
        self.hooks.retain(|one| one["id"] != gid);
        if self.hooks.len() == before {
            return refused(&["id"], "Webhook subscription does not exist");
        }
        Ok(gid.to_owned())
    }

    pub(super) fn calls_for(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let word = match (changed.act, changed.collection) {
            (Act::Create, _) => "create",
            (Act::Delete, _) => "delete",
            (Act::Update, "orders") => "updated",
            (Act::Update, _) => "update",
        };
        // A product is told of with its variants.
        if changed.collection == "productVariants" {
            return Vec::new();
        }
        let topic = format!("{}/{word}", snake(changed.collection));
        let known = topic.replace('/', "_").to_uppercase();
        let at = super::base::place(changed.collection);
        let gid = format!("gid://shopify/{}/{}", KINDS[at].0, number(changed.id));
        let body = match self.record(&gid).filter(|_| changed.act != Act::Delete) {
            Some(record) => older(record),
            None => json!({"id": number(changed.id).parse::<u64>().unwrap_or_default()}),
        };
        let mut urls: Vec<String> = self
            .hooks
            .iter()
            .filter(|one| one["topic"] == known.as_str())
            .filter_map(|one| one["uri"].as_str().map(str::to_owned))
            .collect();
        urls.extend(self.call_at.clone());
        urls.into_iter().map(|url| self.signed(url, &topic, &body.to_string(), now)).collect()
    }

    fn signed(&mut self, url: String, topic: &str, body: &str, now: Timestamp) -> Call {
        let secret = credential(CREDENTIALS, "SHOPIFY_CLIENT_SECRET");
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, body.as_bytes());
        let headers = vec![
            ("Content-Type".into(), "application/json".into()),
            ("X-Shopify-Topic".into(), topic.to_owned()),
            ("X-Shopify-Hmac-Sha256".into(), base64::encode(tag.as_ref())),
            ("X-Shopify-Shop-Domain".into(), DOMAIN.into()),
            ("X-Shopify-API-Version".into(), VERSION.into()),
            ("X-Shopify-Webhook-Id".into(), self.ids.uuid()),
            ("X-Shopify-Event-Id".into(), self.ids.uuid()),
            ("X-Shopify-Triggered-At".into(), millis_z(now)),
        ];
        Call { url, headers, body: body.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_the_older_form() {
        let record = json!({"id":"gid://shopify/Customer/7","firstName":"Kari","tags":["a","b"],"addresses":[{"countryCodeV2":"NO"}],"customer":"gid://shopify/Customer/9"});
        assert_eq!(
            older(&record),
            json!({"id":7,"admin_graphql_api_id":"gid://shopify/Customer/7","first_name":"Kari","tags":"a, b","addresses":[{"country_code_v2":"NO"}],"customer_id":9})
        );
    }
}
