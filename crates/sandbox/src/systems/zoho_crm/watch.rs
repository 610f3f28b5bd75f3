//! Notifications: `/actions/watch`, and the calls for them.

use super::base::{Refusal, ZohoCrm, refusal, stamp};
use super::fields::{MODULES, place};
use super::lists;
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::util::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const EVENTS: [&str; 4] = ["create", "edit", "delete", "all"];
/// How long a channel lives when nobody says, and at most.
const HOUR: i64 = 1;
const WEEK: i64 = 7 * 24;

fn expires(channel: &Value) -> Option<Timestamp> {
    time::parse(channel["channel_expiry"].as_str()?)
}

impl ZohoCrm {
    pub(super) fn watch(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        self.channels.retain(|channel| expires(channel).is_some_and(|until| until > now));
        match request.method.as_str() {
            "GET" => {
                lists::parameters(request, &["page", "per_page", "channel_id", "module"])?;
                let wanted = request.param("channel_id");
                let all: Vec<&Value> = self
                    .channels
                    .iter()
                    .filter(|one| wanted.is_none_or(|id| one["channel_id"] == id))
                    .collect();
                if all.is_empty() {
                    return Ok(Reply::empty(204));
                }
                let info =
                    json!({"per_page": 200, "count": all.len(), "page": 1, "more_records": false});
                Ok(Reply::json(200, &json!({"watch": all, "info": info})))
            }
            "POST" | "PUT" | "PATCH" => self.channels_sent(request, now),
            "DELETE" => {
                lists::parameters(request, &["channel_ids"])?;
                let ids: Vec<&str> = request
                    .param("channel_ids")
                    .ok_or_else(|| lists::missing("channel_ids"))?
                    .split(',')
                    .collect();
                let results: Vec<Value> = ids
                    .iter()
                    .map(|id| match self.channels.iter().position(|one| one["channel_id"] == *id) {
                        Some(place) => {
                            self.channels.remove(place);
                            json!({"code": "SUCCESS", "details": {"channel_id": id}, "message": "Successfully un-subscribed from actions-watch", "status": "success"})
                        }
                        None => json!({"code": "INVALID_DATA", "details": {"channel_id": id}, "message": "Invalid channel id", "status": "error"}),
                    })
                    .collect();
                let failed = results.iter().any(|result| result["status"] == "error");
                Ok(Reply::json(if failed { 202 } else { 200 }, &json!({"watch": results})))
            }
            _ => Err(refusal(
                "INVALID_REQUEST_METHOD",
                "The http request method type is not a valid one",
                json!({}),
            )),
        }
    }

    fn channels_sent(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        lists::parameters(request, &[])?;
        let body = request.json().unwrap_or_default();
        let Some(watch) = body["watch"].as_array() else {
            return Err(refusal(
                "MANDATORY_NOT_FOUND",
                "required field not found",
                json!({"api_name": "watch", "json_path": "$.watch"}),
            ));
        };
        let mut results = Vec::new();
        let mut failed = false;
        for (n, one) in watch.iter().enumerate() {
            results.push(match self.channel(one, n, request, now) {
                Ok(result) => result,
                Err(refusal) => {
                    failed = true;
                    refusal.body()
                }
            });
        }
        let status = if failed {
            202
        } else if request.method == "POST" {
            201
        } else {
            200
        };
        Ok(Reply::json(status, &json!({"watch": results})))
    }

    fn channel(
        &mut self,
        sent: &Value,
        n: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let path = |name: &str| path(name, n);
        let id = named(sent, n)?;
        let place_of = self.channels.iter().position(|one| one["channel_id"] == id.as_str());
        let new = request.method == "POST";
        let mut channel = match place_of {
            Some(place) if !new => self.channels[place].clone(),
            None if !new => {
                return Err(refusal("INVALID_DATA", "Invalid channel id", path("channel_id")));
            }
            _ => json!({"channel_id": id, "token": null}),
        };
        let events: Vec<&str> =
            sent["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if new && events.is_empty() {
            return Err(refusal("MANDATORY_NOT_FOUND", "required field not found", path("events")));
        }
        let fits = |event: &&str| {
            event
                .split_once('.')
                .is_some_and(|(module, act)| place(module).is_some() && EVENTS.contains(&act))
        };
        if !events.iter().all(fits) {
            return Err(refusal("INVALID_DATA", "invalid data", path("events")));
        }
        if !events.is_empty() {
            channel["events"] = json!(events);
        }
        address(&mut channel, sent, n, new, now)?;
        self.channels.retain(|one| one["channel_id"] != id.as_str());
        let told = told(&channel, request);
        self.channels.push(channel);
        let message = if new {
            "Successfully subscribed for actions-watch of the given module"
        } else {
            "Successfully updated the subscribe details"
        };
        Ok(
            json!({"code": "SUCCESS", "details": {"events": told}, "message": message, "status": "success"}),
        )
    }

    pub(super) fn notifications(&self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let Some(module) = place(changed.collection).map(|at| MODULES[at].name) else {
            return Vec::new();
        };
        let (act, operation) = match changed.act {
            Act::Create => ("create", "insert"),
            Act::Update => ("edit", "update"),
            Act::Delete => ("delete", "delete"),
        };
        let fields: Vec<&String> = changed
            .patch
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .collect();
        self.channels
            .iter()
            .filter(|channel| expires(channel).is_some_and(|until| until > now))
            .filter(|channel| {
                channel["events"].as_array().is_some_and(|events| {
                    events.iter().any(|event| *event == format!("{module}.{act}").as_str() || *event == format!("{module}.all").as_str())
                })
            })
            .map(|channel| {
                let body = json!({"server_time": now.as_millisecond(), "affected_values": [], "query_params": {}, "module": module,
                    "resource_uri": format!("https://www.zohoapis.com/crm/v8/{module}"), "ids": [changed.id], "affected_fields": [{(changed.id): fields}],
                    "operation": operation, "channel_id": channel["channel_id"], "token": channel["token"]});
                Call {
                    url: channel["notify_url"].as_str().unwrap_or_default().to_owned(),
                    headers: vec![("Content-Type".into(), "application/json".to_owned())],
                    body: body.to_string(),
                }
            })
            .collect()
    }
}

fn path(name: &str, n: usize) -> Value {
    json!({"api_name": name, "json_path": format!("$.watch[{n}].{name}")})
}

/// The channel's number, of an entry in which nothing is unknown.
fn named(sent: &Value, n: usize) -> Result<String, Refusal> {
    let path = |name: &str| path(name, n);
    // The description has it as any number; the vendor's samples as text.
    let id = match &sent["channel_id"] {
        Value::Number(number) => number.to_string(),
        Value::String(text)
            if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            text.clone()
        }
        Value::Null => {
            return Err(refusal(
                "MANDATORY_NOT_FOUND",
                "required field not found",
                path("channel_id"),
            ));
        }
        _ => return Err(refusal("INVALID_DATA", "invalid data", path("channel_id"))),
    };
    let known = [
        "channel_id",
        "events",
        "channel_expiry",
        "token",
        "notify_url",
        "return_affected_field_values",
        "notify_on_related_action",
    ];
    if let Some(name) = sent
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .find(|name| !known.contains(&name.as_str()))
    {
        return Err(refusal("INVALID_DATA", "invalid data", path(name)));
    }
    Ok(id)
}

/// Where and until when a channel is told, and its token.
fn address(
    channel: &mut Value,
    sent: &Value,
    n: usize,
    new: bool,
    now: Timestamp,
) -> Result<(), Refusal> {
    let path = |name: &str| path(name, n);
    match sent["notify_url"].as_str() {
        Some(url) if url.starts_with("http") => channel["notify_url"] = json!(url),
        Some(_) => return Err(refusal("INVALID_DATA", "invalid data", path("notify_url"))),
        None if new => {
            return Err(refusal(
                "MANDATORY_NOT_FOUND",
                "required field not found",
                path("notify_url"),
            ));
        }
        None => {}
    }
    if let Some(token) = sent["token"].as_str() {
        if token.chars().count() > 50 {
            return Err(refusal("INVALID_DATA", "invalid data", path("token")));
        }
        channel["token"] = json!(token);
    }
    let until = match sent["channel_expiry"].as_str() {
        None => now + SignedDuration::from_hours(HOUR),
        Some(text) => match text.parse::<Timestamp>() {
            Ok(at) if at > now && at <= now + SignedDuration::from_hours(WEEK) => at,
            _ => return Err(refusal("INVALID_DATA", "invalid data", path("channel_expiry"))),
        },
    };
    channel["channel_expiry"] = json!(stamp(until));
    Ok(())
}

/// What is answered for each event of a channel.
fn told(channel: &Value, request: &Request) -> Vec<Value> {
    let id = &channel["channel_id"];
    channel["events"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|event| event.as_str()?.split_once('.'))
            .map(|(module, _)| {
                json!({"channel_expiry": channel["channel_expiry"], "resource_uri": format!("{}/crm/v8/{module}", request.base), "resource_id": "4876876000000002175",
                    "resource_name": module, "channel_id": id, "notification_condition": []})
            })
            .collect()
}
