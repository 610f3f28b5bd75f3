//! Fjordclub: the members of an invented club, in `examples/fjordclub/openapi.yaml`. No vendor has
//! it; it is there to be the system that somebody connects with a manifest of their own.
//!
//! Plain, and strict where plain systems are: a key in a header, pages by cursor, changes by a
//! filter, `ETag` and `If-Match`, one member an e-mail address, 200 requests a second. Deleted
//! members are listed by themselves. Whoever subscribes (`/subscriptions`, which the description
//! leaves out) is called for an hour, signed; who wants to be called for longer renews that.

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::{json as tree, time};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde_json::{Value, json};

/// What opens the club.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("FJORDCLUB_API_KEY", "sandbox-fjordclub-key"),
    ("FJORDCLUB_HOOK_SECRET", "sandbox-hook-secret"),
];

const SUBSCRIPTION_SECONDS: i64 = 3600;

const LIMITS: &[Limit] = &[Limit { requests: 200, window_seconds: 1, applies: |_| true }];
const MOST_A_PAGE: usize = 100;
const TEXTS: &[&str] = &["name", "email", "phone", "town"];

#[derive(Clone)]
pub(crate) struct Fjordclub {
    members: Table,
    /// Ids of deleted members, with the time.
    deleted: Vec<(String, Timestamp)>,
    /// Who is called, and until when.
    subscriptions: Vec<(String, String, Timestamp)>,
    next_id: u64,
    ids: Source,
}

impl Fjordclub {
    pub fn new(settings: Settings) -> Self {
        Self {
            members: Table::new(
                |member| vec![tree::text(member, "email").unwrap_or_default().to_lowercase()],
                settings.list_lag,
            ),
            deleted: Vec::new(),
            subscriptions: Vec::new(),
            next_id: 1,
            ids: Source::new(settings.seed, "fjordclub"),
        }
    }

    /// What is sent becomes the member; what a PATCH does not name stays.
    fn changed(
        &mut self,
        stored: Option<&Value>,
        given: &Value,
        now: Timestamp,
    ) -> Result<Value, (u16, &'static str, String)> {
        let Some(given) = given.as_object() else {
            return Err((422, "", "expected an object".into()));
        };
        let mut member = stored.cloned().unwrap_or_else(|| json!({}));
        for (name, value) in given {
            let Some(known) = TEXTS.iter().find(|known| *known == name) else {
                if matches!(name.as_str(), "id" | "version" | "updated_at") {
                    continue;
                }
                return Err((422, "", format!("there is no field {name}")));
            };
            match value {
                Value::String(text) if text.chars().count() <= 100 => member[*known] = json!(text),
                Value::Null => member[*known] = Value::Null,
                _ => return Err((422, known, "expected a text of at most 100 characters".into())),
            }
        }
        if tree::filled(&member, "name").is_none() {
            return Err((422, "name", "a member has a name".into()));
        }
        if let Some(email) = member["email"].as_str().filter(|email| !email.is_empty()) {
            if !email.contains('@') {
                return Err((422, "email", "this is no e-mail address".into()));
            }
            let own = member["id"].as_str().unwrap_or_default();
            let email = email.to_lowercase();
            let taken = self.members.current().find(|other| {
                other["id"].as_str() != Some(own)
                    && other["email"].as_str().is_some_and(|other| other.to_lowercase() == email)
            });
            if let Some(other) = taken {
                return Err((409, "email", other["id"].as_str().unwrap_or_default().to_owned()));
            }
        }
        if stored.is_some_and(|stored| *stored == member) {
            return Ok(member);
        }
        member["version"] = json!(self.ids.token("v"));
        member["updated_at"] = json!(time::millis_z(now));
        Ok(member)
    }

    fn store(
        &mut self,
        stored: Option<&Value>,
        given: &Value,
        now: Timestamp,
    ) -> Result<(Value, bool), (u16, &'static str, String)> {
        let mut member = self.changed(stored, given, now)?;
        if stored.is_none() {
            member["id"] = json!(format!("m{}", self.next_id));
            self.next_id += 1;
        }
        let id = member["id"].as_str().unwrap_or_default().to_owned();
        let changed = stored != Some(&member);
        if changed {
            self.members.put(&id, member.clone(), now);
        }
        Ok((member, changed))
    }

    fn list(&mut self, request: &Request, now: Timestamp) -> Reply {
        let since = request.param("updated_since").and_then(time::parse);
        let limit = request.number("limit").ok().flatten().unwrap_or(20).clamp(1, MOST_A_PAGE);
        let from: usize = request
            .param("cursor")
            .and_then(|cursor| cursor.strip_prefix("at-")?.parse().ok())
            .unwrap_or(0);
        let all: Vec<Value> = self
            .members
            .listed(now)
            .filter(|member| {
                let at = member["updated_at"].as_str().and_then(time::parse);
                since.is_none_or(|since| at.is_some_and(|at| at >= since))
            })
            .filter(|member| {
                request.param("email").is_none_or(|email| {
                    member["email"].as_str().is_some_and(|has| has.eq_ignore_ascii_case(email))
                })
            })
            .cloned()
            .collect();
        let page: Vec<&Value> = all.iter().skip(from).take(limit).collect();
        let next = (from + page.len() < all.len()).then(|| format!("at-{}", from + page.len()));
        Reply::json(200, &json!({"members": page, "next_cursor": next}))
    }

    fn subscriptions_request(&mut self, path: &[&str], request: &Request, now: Timestamp) -> Reply {
        self.subscriptions.retain(|(_, _, until)| *until > now);
        let until = now + SignedDuration::from_secs(SUBSCRIPTION_SECONDS);
        let told = |(id, url, until): &(String, String, Timestamp)| json!({"id": id, "url": url, "expires_at": time::millis_z(*until)});
        match (request.method.as_str(), path) {
            ("GET", []) => Reply::json(
                200,
                &json!({"subscriptions": self.subscriptions.iter().map(told).collect::<Vec<_>>()}),
            ),
            ("POST", []) => {
                let url = request.json().and_then(|body| body["url"].as_str().map(str::to_owned));
                let Some(url) = url.filter(|url| url.starts_with("http")) else {
                    return error(422, "invalid", "url", "an address is expected");
                };
                let one = (self.ids.token("s"), url, until);
                self.subscriptions.push(one.clone());
                Reply::json(201, &told(&one))
            }
            (method, [id]) => match self.subscriptions.iter().position(|(known, _, _)| known == id)
            {
                None => error(
                    404,
                    "no_such_subscription",
                    "",
                    "there is no such subscription, or it has ended",
                ),
                Some(place) if method == "PUT" => {
                    self.subscriptions[place].2 = until;
                    Reply::json(200, &told(&self.subscriptions[place]))
                }
                Some(place) if method == "DELETE" => {
                    self.subscriptions.remove(place);
                    Reply::empty(204)
                }
                Some(_) => error(405, "method", "", "PUT or DELETE"),
            },
            _ => error(405, "method", "", "GET or POST"),
        }
    }

    fn member(&mut self, id: &str, request: &Request, now: Timestamp) -> Reply {
        let Some(stored) = self.members.get(id).cloned() else {
            return error(404, "no_such_member", "", "there is no such member");
        };
        let version = format!("\"{}\"", stored["version"].as_str().unwrap_or_default());
        if request.method != "GET"
            && request.header("if-match").is_some_and(|given| given != version)
        {
            return error(412, "changed", "", "the member was changed meanwhile");
        }
        match request.method.as_str() {
            "GET" => shown(200, &stored),
            "PATCH" => match self.store(Some(&stored), &request.json().unwrap_or(Value::Null), now)
            {
                Ok((member, changed)) => shown(200, &member).wrote("members", Act::Update, changed),
                Err(why) => refused(why),
            },
            "DELETE" => {
                self.members.remove(id, now);
                self.deleted.push((id.to_owned(), now));
                Reply::empty(204).wrote("members", Act::Delete, true)
            }
            _ => error(405, "method", "", "GET, PATCH or DELETE"),
        }
    }
}

impl Emulator for Fjordclub {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        vec![&mut self.members]
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        if request.header("x-api-key") != Some(credential(CREDENTIALS, "FJORDCLUB_API_KEY")) {
            return self.unauthorized();
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["members"]) => self.list(request, now),
            ("POST", ["members"]) => {
                match self.store(None, &request.json().unwrap_or(Value::Null), now) {
                    Ok((member, _)) => shown(201, &member).wrote("members", Act::Create, true),
                    Err(why) => refused(why),
                }
            }
            ("GET", ["deleted-members"]) => {
                let since = request.param("since").and_then(time::parse);
                let ids = self
                    .deleted
                    .iter()
                    .filter(|(_, at)| since.is_none_or(|since| *at >= since))
                    .map(|(id, _)| json!({"id": id}));
                Reply::json(200, &json!({"deleted": ids.collect::<Vec<_>>()}))
            }
            (_, ["subscriptions", rest @ ..]) => self.subscriptions_request(rest, request, now),
            (_, ["members", id]) => self.member(id, request, now),
            _ => error(404, "no_such_page", "", "there is nothing here"),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        error(429, "too_many", "", "the club answers 200 requests a second")
            .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        error(401, "key", "", "the key is missing or wrong")
    }

    fn expire_tokens(&mut self) {
        // Keys do not expire.
    }

    fn collections(&self) -> &'static [&'static str] {
        &["members"]
    }

    fn records(&self, _: &'static str) -> Vec<Value> {
        self.members.current().cloned().collect()
    }

    fn id_of(&self, _: &'static str, record: &Value) -> String {
        record["id"].as_str().unwrap_or_default().to_owned()
    }

    fn put(&mut self, _: &'static str, body: Value, now: Timestamp) -> Result<Value, String> {
        self.store(None, &body, now)
            .map(|(member, _)| member)
            .map_err(|(_, field, why)| format!("{field}: {why}"))
    }

    fn edit(
        &mut self,
        _: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let stored = self.members.get(id).cloned().ok_or("no such member")?;
        self.store(Some(&stored), patch, now)
            .map(|(member, _)| member)
            .map_err(|(_, field, why)| format!("{field}: {why}"))
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        let word =
            if matches!(changed.act, Act::Delete) { "member.deleted" } else { "member.changed" };
        let body =
            json!({"events": [{"event": word, "id": changed.id, "call": self.ids.token("c")}]})
                .to_string();
        let time = now.as_second();
        let key = hmac::Key::new(
            hmac::HMAC_SHA256,
            credential(CREDENTIALS, "FJORDCLUB_HOOK_SECRET").as_bytes(),
        );
        let signature = hmac::sign(&key, format!("{time}.{body}").as_bytes());
        let hex: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = vec![
            ("X-Club-Time".into(), time.to_string()),
            ("X-Club-Signature".into(), format!("sha256={hex}")),
        ];
        let live = self.subscriptions.iter().filter(|(_, _, until)| *until > now);
        live.map(|(_, url, _)| Call {
            url: url.clone(),
            headers: headers.clone(),
            body: body.clone(),
        })
        .collect()
    }

    fn remove(&mut self, _: &'static str, id: &str, now: Timestamp) -> Result<bool, String> {
        self.deleted.push((id.to_owned(), now));
        Ok(self.members.remove(id, now))
    }
}

fn shown(status: u16, member: &Value) -> Reply {
    Reply::json(status, member)
        .header("etag", format!("\"{}\"", member["version"].as_str().unwrap_or_default()))
}

fn refused((status, field, why): (u16, &'static str, String)) -> Reply {
    match status {
        409 => Reply::json(
            409,
            &json!({"error": "duplicate", "field": field, "id": why, "message": "another member has this address"}),
        ),
        _ => error(status, "invalid", field, &why),
    }
}

fn error(status: u16, word: &str, field: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": word, "field": field, "message": message}))
}
