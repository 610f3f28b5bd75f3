//! Webhook subscriptions: made and renewed with a handshake, notified of changes, gone after three
//! days.
//!
//! A notification comes at once here, where the vendor collects changes for half a minute. Who is
//! called is on this machine, so http is taken; the vendor wants https.

use super::base::{
    BusinessCentral, CREDENTIALS, Refusal, bad, body, etag, no_segment, not_allowed, refusal,
};
use super::types::{ENTITIES, place};
use super::{list, types};
use crate::calls::{self, Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::systems::emulator::credential;
use crate::util::shape::is_guid;
use crate::util::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAYS: i64 = 3;
const WRITABLE: [&str; 4] = ["notificationUrl", "resource", "clientState", "subscriptionId"];
const OTHERS: [&str; 7] = [
    "userId",
    "lastModifiedDateTime",
    "expirationDateTime",
    "systemCreatedAt",
    "systemCreatedBy",
    "systemModifiedAt",
    "systemModifiedBy",
];

impl BusinessCentral {
    fn renew(&mut self, place: usize, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let tag = request.header("if-match").unwrap_or_default();
        if tag.is_empty() {
            return Err(refusal(
                400,
                "BadRequest_InvalidToken",
                "Could not validate the client concurrency token required by the service. Please provide a valid token in the client request.",
            ));
        }
        if tag != "*" && tag != etag(&self.subscriptions[place]) {
            return Err(refusal(
                409,
                "Request_EntityChanged",
                "Another user has already changed the record.",
            ));
        }
        let mut renewed = self.subscriptions[place].clone();
        take(&mut renewed, &body(request)?)?;
        self.shake(&renewed)?;
        renewed["lastModifiedDateTime"] = json!(time::seconds_z(now));
        renewed["systemModifiedAt"] = json!(time::millis_z(now));
        renewed["expirationDateTime"] = json!(end(now));
        self.subscriptions[place] = renewed.clone();
        Ok(Reply::json(200, &tagged(&renewed)))
    }

    pub(super) fn subscriptions_request(
        &mut self,
        first: &str,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        self.subscriptions.retain(|one| expires(one).is_some_and(|until| until > now));
        if let Some(more) = rest.first() {
            return Err(no_segment(more));
        }
        list::parameters(request)?;
        let method = request.method.as_str();
        if first == "subscriptions" {
            return match method {
                "GET" => Ok(Reply::json(
                    200,
                    &json!({"value": self.subscriptions.iter().map(tagged).collect::<Vec<_>>()}),
                )),
                "POST" => self.subscribe(&body(request)?, now),
                _ => Err(not_allowed(method, "subscriptions")),
            };
        }
        let id = first
            .strip_prefix("subscriptions('")
            .and_then(|rest| rest.strip_suffix("')"))
            .ok_or_else(|| no_segment(first))?;
        let place = self.subscriptions.iter().position(|one| one["subscriptionId"] == id);
        let Some(place) = place else {
            return Err(refusal(
                404,
                "Internal_RecordNotFound",
                format!(
                    "The Subscriptions does not exist. Identification fields and values: Subscription ID='{id}'."
                ),
            ));
        };
        match method {
            "GET" => Ok(Reply::json(200, &tagged(&self.subscriptions[place]))),
            "PATCH" => self.renew(place, request, now),
            "DELETE" => {
                self.subscriptions.remove(place);
                Ok(Reply::empty(204))
            }
            _ => Err(not_allowed(method, "subscriptions")),
        }
    }

    fn subscribe(&mut self, sent: &Value, now: Timestamp) -> Result<Reply, Refusal> {
        let id = self.ids.uuid().replace('-', "");
        let at = time::millis_z(now);
        let mut made = json!({"subscriptionId": id, "notificationUrl": "", "resource": "", "timestamp": 0, "userId": types::NO_ID,
            "lastModifiedDateTime": time::seconds_z(now), "clientState": "", "expirationDateTime": end(now), "systemCreatedAt": at,
            "systemCreatedBy": types::NO_ID, "systemModifiedAt": at, "systemModifiedBy": types::NO_ID});
        take(&mut made, sent)?;
        let (url, resource) = (
            made["notificationUrl"].as_str().unwrap_or_default(),
            made["resource"].as_str().unwrap_or_default(),
        );
        if url.is_empty() || resource.is_empty() {
            return Err(bad(
                "The notificationUrl and the resource of a subscription must be provided.",
            ));
        }
        if !hooked(resource) {
            return Err(bad(format!("The resource '{resource}' does not support webhooks.")));
        }
        self.shake(&made)?;
        self.subscriptions.push(made.clone());
        Ok(Reply::json(201, &tagged(&made)))
    }

    /// The one who will be called must give back a token.
    fn shake(&mut self, subscription: &Value) -> Result<(), Refusal> {
        let url = subscription["notificationUrl"].as_str().unwrap_or_default();
        let token = self.ids.uuid();
        let joint = if url.contains('?') { '&' } else { '?' };
        let call = Call {
            url: format!("{url}{joint}validationToken={token}"),
            headers: vec![("Content-Type".into(), "text/plain".to_owned())],
            body: String::new(),
        };
        match calls::ask(&call) {
            Some((200, answer)) if answer.trim().trim_matches('"') == token => Ok(()),
            _ => Err(bad(format!(
                "The handshake with '{url}' failed: status 200 and the validationToken in the body are expected."
            ))),
        }
    }

    /// One call for each address that has subscribed to the changed record's set.
    pub(super) fn notifications(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let Some(entity) = place(changed.collection).map(|at| &ENTITIES[at]) else {
            return Vec::new();
        };
        // A line's change is its document's.
        let (set, id, kind) = match entity.number {
            "sequence" => {
                let Some(document) = place(entity.set)
                    .and_then(|at| self.tables[at].get(changed.id))
                    .and_then(|line| line["documentId"].as_str())
                else {
                    return Vec::new();
                };
                (
                    entity.set.trim_end_matches("Lines").to_owned() + "s",
                    document.to_owned(),
                    "updated",
                )
            }
            _ => (
                entity.set.to_owned(),
                changed.id.to_owned(),
                match changed.act {
                    Act::Create => "created",
                    Act::Update => "updated",
                    Act::Delete => "deleted",
                },
            ),
        };
        let company = credential(CREDENTIALS, "BUSINESS_CENTRAL_COMPANY_ID");
        self.subscriptions
            .iter()
            .filter(|one| expires(one).is_some_and(|until| until > now))
            .filter(|one| one["resource"].as_str().unwrap_or_default().trim_end_matches('/').ends_with(&format!("/{set}")))
            .filter_map(|one| {
                let body = json!({"value": [{"subscriptionId": one["subscriptionId"], "clientState": one["clientState"],
                    "expirationDateTime": one["expirationDateTime"], "resource": format!("api/v2.0/companies({company})/{set}({id})"),
                    "changeType": kind, "lastModifiedDateTime": time::millis_z(now)}]});
                Some(Call {
                    url: one["notificationUrl"].as_str()?.to_owned(),
                    headers: vec![("Content-Type".into(), "application/json".to_owned())],
                    body: body.to_string(),
                })
            })
            .collect()
    }
}

fn tagged(subscription: &Value) -> Value {
    list::tagged(subscription, None)
}

fn end(now: Timestamp) -> String {
    time::seconds_z(now + SignedDuration::from_hours(24 * DAYS))
}

fn expires(subscription: &Value) -> Option<Timestamp> {
    time::parse(subscription["expirationDateTime"].as_str()?)
}

/// Whether a resource is the list of an entity with webhooks, in this company.
fn hooked(resource: &str) -> bool {
    let steps: Vec<&str> = resource.trim_matches('/').split('/').collect();
    let [.., "v2.0", company, set] = steps.as_slice() else { return false };
    let company = company.strip_prefix("companies(").and_then(|rest| rest.strip_suffix(')'));
    company.is_some_and(|id| {
        is_guid(id)
            && id.eq_ignore_ascii_case(credential(CREDENTIALS, "BUSINESS_CENTRAL_COMPANY_ID"))
    }) && place(set).is_some_and(|at| ENTITIES[at].hooks)
}

fn take(subscription: &mut Value, sent: &Value) -> Result<(), Refusal> {
    for (name, value) in sent.as_object().into_iter().flatten() {
        if OTHERS.contains(&name.as_str()) || name.starts_with('@') {
            continue;
        }
        if !WRITABLE.contains(&name.as_str()) {
            return Err(bad(format!(
                "The property '{name}' does not exist on type 'Microsoft.NAV.subscriptions'. Make sure to only use property names that are defined by the type."
            )));
        }
        let Some(text) = value.as_str() else {
            return Err(bad(format!(
                "Cannot convert the literal '{value}' to the expected type 'Edm.String'."
            )));
        };
        if name == "clientState" && text.chars().count() > 2048 {
            return Err(refusal(
                400,
                "Application_StringExceededLength",
                "The length of the string must be less than or equal to 2048 characters.",
            ));
        }
        subscription[name.as_str()] = json!(text);
    }
    Ok(())
}
