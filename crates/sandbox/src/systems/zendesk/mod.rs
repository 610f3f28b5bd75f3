//! Zendesk Support API v2: users with their identities, organizations, tickets, incremental
//! exports.
//!
//! Here: the way in, routing, paging and errors; each record type and the exports have a file of
//! their own. Vendor: developer.zendesk.com, ticketing API reference.
//!
//! Unverified in the vendor's documents, and what was chosen: names of organizations are compared
//! without regard to case; user `external_id` is unique as an organization's is; `phone` is kept as
//! written and makes no identity; an update that changes nothing moves no stamp; `due_at` of a
//! ticket that is no task is dropped silently, while a `due_at` that is no time is refused whatever
//! the type; a closed ticket answers 422; a stale `updated_stamp` answers 409 `UpdateConflict`;
//! deleting a user with open requested tickets is allowed; an offset page beyond record 10,000 is
//! 400; a deleted organization is gone, its users and tickets lose it; an address is mailed unless
//! `skip_verify_email` says that it is not, also one that is sent as verified (the vendor names
//! nothing else that prevents it).

mod access;
mod account;
mod hooks;
mod incremental;
mod organizations;
mod tickets;
mod users;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
pub(crate) use account::{CREDENTIALS, Zendesk};
use account::{invalid, keys, not_found};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;

const LIMITS: &[Limit] = &[
    Limit { requests: 700, window_seconds: 60, applies: |_| true },
    Limit {
        requests: 10,
        window_seconds: 60,
        applies: |request| request.segments.iter().any(|segment| segment == "incremental"),
    },
    Limit {
        requests: 100,
        window_seconds: 60,
        applies: |request| {
            request.method == "PUT" && request.segments.iter().any(|segment| segment == "tickets")
        },
    },
];

impl Zendesk {
    pub fn new(settings: Settings) -> Self {
        let table = |keys| Table::new(keys, settings.list_lag);
        let mut ids = Source::new(settings.seed, "zendesk");
        let mut zendesk = Self {
            users: table(keys),
            identities: table(users::identity_keys),
            organizations: table(organizations::keys),
            tickets: table(keys),
            comments: HashMap::new(),
            deleted_status: HashMap::new(),
            idempotent: HashMap::new(),
            jobs: HashMap::new(),
            webhooks: Vec::new(),
            tokens: HashMap::new(),
            mails: table(|_| Vec::new()),
            next_id: 10_000_000_000_000 + ids.below(80_000_000_000_000) as i64,
            next_ticket: 1 + ids.below(50) as i64,
            incremental_lag: settings.zendesk_incremental_lag,
            ids,
        };
        // The account's owner, as whom the API token acts.
        let owner = json!({"name":"Account Owner","email":credential(CREDENTIALS, "ZENDESK_EMAIL"),"role":"admin","verified":true,"skip_verify_email":true});
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        if let Err(refusal) = zendesk.new_user(&owner, founded) {
            debug_assert!(false, "the owner is a valid user: {refusal:?}");
        }
        zendesk
    }

    fn route(&mut self, path: &[&str], request: &Request, now: Timestamp) -> Reply {
        let method = request.method.as_str();
        if matches!(method, "POST" | "PUT" | "PATCH") && !request.body.is_empty() {
            let content_type = request.header("content-type").unwrap_or_default().to_lowercase();
            if !content_type.starts_with("application/json") {
                return Reply::text(
                    415,
                    "text/plain; charset=utf-8",
                    "Content-Type must be application/json",
                );
            }
            if request.json().is_none() {
                return Reply::json(
                    422,
                    &json!({"error":"Unprocessable Entity","message":"Server could not parse JSON"}),
                );
            }
        }
        match path {
            ["users", rest @ ..] => self.users_request(rest, request, now),
            ["deleted_users", id] if method == "DELETE" => {
                let gone = self.users.get(id).is_some_and(|user| user["active"] == false);
                if !gone {
                    return not_found();
                }
                let user = self.users.get(id).cloned().unwrap_or_default();
                self.users.remove(id, now);
                Reply::json(200, &json!({"deleted_user": user})).wrote("users", Act::Delete, true)
            }
            ["organizations", rest @ ..] => self.organizations_request(rest, request, now),
            ["tickets", rest @ ..] => self.tickets_request(rest, request, now),
            ["deleted_tickets", rest @ ..] => self.deleted_tickets_request(rest, request, now),
            ["incremental", rest @ ..] if method == "GET" => {
                self.incremental_request(rest, request, now)
            }
            ["job_statuses", id] if method == "GET" => match self.jobs.get(*id) {
                Some(job) => Reply::json(200, &json!({"job_status": job})),
                None => not_found(),
            },
            ["webhooks", rest @ ..] => self.webhooks_request(rest, request, now),
            ["search"] if method == "GET" => self.search(request, now),
            _ => Reply::json(404, &json!({"error":"InvalidEndpoint","description":"Not found"})),
        }
    }

    /// `/search?query=type:user …`: property filters with `:` and plain words over the searchable
    /// texts.
    fn search(&self, request: &Request, now: Timestamp) -> Reply {
        let query = request.param("query").unwrap_or_default();
        if query.trim().is_empty() {
            return invalid(422, "query cannot be blank");
        }
        let sets: [(&str, &Table); 3] = [
            ("user", &self.users),
            ("organization", &self.organizations),
            ("ticket", &self.tickets),
        ];
        let wanted: Vec<(String, String)> = query
            .split_whitespace()
            .map(|word| match word.split_once(':') {
                Some((name, value)) => {
                    (name.to_lowercase(), value.trim_matches('"').to_lowercase())
                }
                None => (String::new(), word.trim_matches('"').to_lowercase()),
            })
            .collect();
        let mut found = Vec::new();
        for (kind, table) in sets {
            for record in table.listed(now) {
                let texts = || {
                    ["name", "email", "subject", "description"]
                        .iter()
                        .filter_map(|name| record[*name].as_str())
                };
                let fits = wanted.iter().all(|(name, value)| match name.as_str() {
                    "type" => kind == value,
                    "" => texts().any(|text| text.to_lowercase().contains(value)),
                    "email" => users::emails(self, record, kind)
                        .iter()
                        .any(|email| email.starts_with(value.as_str())),
                    name => match &record[name] {
                        Value::String(text) => text.to_lowercase() == *value,
                        Value::Null => false,
                        other => {
                            serde_json::from_str::<Value>(value).is_ok_and(|value| value == *other)
                        }
                    },
                });
                let alive = record["active"] != false && record["status"] != "deleted";
                if fits && alive {
                    let mut shown = record.clone();
                    shown["result_type"] = json!(kind);
                    found.push(shown);
                }
            }
        }
        self.page("results", found.iter(), request)
    }
}

impl Emulator for Zendesk {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        vec![&mut self.users, &mut self.identities, &mut self.organizations, &mut self.tickets]
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        // The .json suffix may stand or not.
        let path: Vec<String> = request
            .segments
            .iter()
            .map(|segment| segment.trim_end_matches(".json").to_owned())
            .collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if path == ["oauth", "tokens"] && request.method == "POST" {
            return self.token_request(request, now);
        }
        let ["api", "v2", rest @ ..] = path.as_slice() else {
            return Reply::json(404, &json!({"error":"InvalidEndpoint","description":"Not found"}));
        };
        if let Some(refusal) = self.refusal(request, now) {
            return refusal;
        }
        let reply = self.route(rest, request, now);
        with_urls(reply, request)
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        Reply::text(
            429,
            "text/plain; charset=utf-8",
            "Number of allowed API requests per minute exceeded",
        )
        .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        Reply::json(401, &json!({"error":"Couldn't authenticate you"}))
    }

    fn rate_headers(&self, reply: Reply, limit: u32, remaining: u32, resets_in: u64) -> Reply {
        reply
            .header("x-rate-limit", limit.to_string())
            .header("x-rate-limit-remaining", remaining.to_string())
            .header("ratelimit-limit", limit.to_string())
            .header("ratelimit-remaining", remaining.to_string())
            .header("ratelimit-reset", resets_in.to_string())
    }

    fn expire_tokens(&mut self) {
        self.end_tokens();
    }

    fn collections(&self) -> &'static [&'static str] {
        &["users", "organizations", "tickets", "identities"]
    }

    fn aside(&self) -> &'static [&'static str] {
        &["mails"]
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        let table = match collection {
            "organizations" => &self.organizations,
            "tickets" => &self.tickets,
            "identities" => &self.identities,
            "mails" => &self.mails,
            _ => &self.users,
        };
        table.current().cloned().collect()
    }

    fn id_of(&self, _: &'static str, record: &Value) -> String {
        record["id"].to_string()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let (table, id) = match collection {
            "organizations" => ("organizations", self.new_organization(&body, now)),
            "tickets" => {
                let mut body = body;
                if body["comment"].is_null() && body["description"].is_null() {
                    body["description"] = json!("Added by hand");
                }
                ("tickets", self.new_ticket(&body, now))
            }
            "mails" => return Err("nobody writes these mails by hand".to_owned()),
            "identities" => {
                let user = tree::id_of(&body["user_id"]).ok_or("an identity needs a user_id")?;
                ("identities", self.new_identity(user, &body, now))
            }
            // An agent's own hand is asked whether a mail goes out; here none does.
            _ => {
                let mut body = body;
                body["skip_verify_email"] = json!(true);
                ("users", self.new_user(&body, now))
            }
        };
        let id = id.map_err(|problem| problem.message())?;
        let table = match table {
            "organizations" => &self.organizations,
            "tickets" => &self.tickets,
            "identities" => &self.identities,
            _ => &self.users,
        };
        Ok(table.get(&id.to_string()).cloned().unwrap_or_default())
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let number: i64 = id.parse().map_err(|_| "not an id")?;
        let done = match collection {
            "organizations" => self.change_organization(number, patch, now).map(drop),
            "tickets" => self.change_ticket(number, patch, now).map(drop),
            "identities" => self.change_identity(number, patch, now),
            "mails" => return Err("a mail that was sent can't be changed".to_owned()),
            _ => self.change_user(number, patch, now).map(drop).and_then(|()| {
                // In the agent's interface the primary address is simply another one.
                match patch["email"].as_str() {
                    Some(email) => self.set_primary_email(number, email, now),
                    None => Ok(()),
                }
            }),
        };
        done.map_err(|problem| problem.message())?;
        let table = match collection {
            "organizations" => &self.organizations,
            "tickets" => &self.tickets,
            "identities" => &self.identities,
            _ => &self.users,
        };
        table.get(id).cloned().ok_or_else(|| "no such record".to_owned())
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        self.event_calls(changed, now)
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        Ok(match collection {
            "organizations" => self.delete_organization(id, now),
            "tickets" => self.delete_ticket(id, now),
            "identities" => self.identities.remove(id, now),
            "mails" => self.mails.remove(id, now),
            _ => self.delete_user(id, now),
        })
    }
}

/// Fills in the `url` of every record: addresses depend on how the caller reached the account.
fn with_urls(mut reply: Reply, request: &Request) -> Reply {
    for (name, value) in &mut reply.headers {
        if *name == "location" && value.starts_with("/api/") {
            *value = format!("{}{value}", request.base);
        }
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    fn fill(value: &mut Value, base: &str) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| fill(item, base)),
            Value::Object(object) => {
                if let Some(Value::String(url)) = object.get_mut("url")
                    && url.starts_with("/api/")
                {
                    *url = format!("{base}{url}");
                }
                object.values_mut().for_each(|value| fill(value, base));
            }
            _ => {}
        }
    }
    fill(&mut body, &request.base);
    reply.body = body.to_string().into_bytes();
    reply
}
