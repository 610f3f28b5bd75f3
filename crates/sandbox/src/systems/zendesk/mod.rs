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
mod hooks;
mod incremental;
mod organizations;
mod tickets;
mod users;

use super::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request, percent_encode};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::{base64, json as tree, text, time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What opens the demo account.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("ZENDESK_CLIENT_ID", "lockstep"),
    ("ZENDESK_CLIENT_SECRET", "sandbox-zendesk-client-secret"),
    ("ZENDESK_EMAIL", "admin@example.com"),
    ("ZENDESK_API_TOKEN", "sandbox-zendesk-api-token"),
];

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

/// Offset paging ends here.
const OFFSET_END: usize = 10_000;
const MAX_PAGE: usize = 100;
const BULK: usize = 100;

#[derive(Clone)]
pub(crate) struct Zendesk {
    users: Table,
    identities: Table,
    organizations: Table,
    tickets: Table,
    /// Comments of a ticket, by its id.
    comments: HashMap<String, Vec<Value>>,
    /// What a ticket was before it was deleted.
    deleted_status: HashMap<String, String>,
    /// Answers to creates with an `Idempotency-Key`, with their request bodies.
    idempotent: HashMap<String, (Vec<u8>, Reply)>,
    jobs: HashMap<String, Value>,
    webhooks: Vec<Value>,
    /// Access tokens that were handed out.
    tokens: HashMap<String, access::Access>,
    /// What was mailed to users.
    mails: Table,
    next_id: i64,
    next_ticket: i64,
    incremental_lag: SignedDuration,
    ids: Source,
}

/// Everything that must be unique, and what belongs together.
fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(external) = tree::filled(record, "external_id") {
        keys.push(format!("external:{}", external.to_lowercase()));
    }
    if let Some(organization) = record["organization_id"].as_i64() {
        keys.push(format!("organization:{organization}"));
    }
    keys
}

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
        let owner = json!({"name":"Account Owner","email":credential("zendesk", "ZENDESK_EMAIL"),"role":"admin","verified":true,"skip_verify_email":true});
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        if let Err(refusal) = zendesk.new_user(&owner, founded) {
            debug_assert!(false, "the owner is a valid user: {refusal:?}");
        }
        zendesk
    }

    /// Fourteen digits, growing in uneven steps.
    fn fresh_id(&mut self) -> i64 {
        self.next_id += 1 + self.ids.below(90_000) as i64;
        self.next_id
    }

    /// The user as whom the credentials act.
    fn caller(&self) -> i64 {
        self.user_with_email(credential("zendesk", "ZENDESK_EMAIL"))
            .and_then(|id| id.parse().ok())
            .unwrap_or(0)
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

    /// One page of a list: by cursor with `page[size]`, else by offset.
    fn page<'a>(
        &self,
        name: &str,
        records: impl Iterator<Item = &'a Value>,
        request: &Request,
    ) -> Reply {
        let address = format!("{}/{}", request.base, request.segments.join("/"));
        let others: Vec<String> = request
            .query
            .iter()
            .filter(|(key, _)| key != "page" && !key.starts_with("page["))
            .map(|(key, value)| format!("{}={}", percent_encode(key), percent_encode(value)))
            .collect();
        let link = |parts: Vec<String>| {
            format!("{address}?{}", [others.clone(), parts].concat().join("&"))
        };
        let mut body = json!({});
        if request.query.iter().any(|(key, _)| key.starts_with("page[")) {
            let Ok(size) = request.number("page[size]") else {
                return invalid(400, "page[size] must be a number");
            };
            let size = size.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
            // A cursor holds the id before or after which the page lies.
            let cursor = |name: &str| {
                request.param(name).filter(|text| !text.is_empty()).map(|text| {
                    base64::decode(text)
                        .and_then(|bytes| String::from_utf8(bytes).ok())
                        .and_then(|text| text.parse::<i64>().ok())
                })
            };
            let id = |record: &Value| record["id"].as_i64().unwrap_or(0);
            let all: Vec<&Value> = records.collect();
            let (start, end) = match (cursor("page[after]"), cursor("page[before]")) {
                (Some(None), _) | (_, Some(None)) => {
                    return invalid(400, "The cursor is not valid");
                }
                (Some(Some(after)), _) => {
                    let start = all.partition_point(|record| id(record) <= after);
                    (start, (start + size).min(all.len()))
                }
                (_, Some(Some(before))) => {
                    let end = all.partition_point(|record| id(record) < before);
                    (end.saturating_sub(size), end)
                }
                _ => (0, size.min(all.len())),
            };
            let shown = &all[start..end];
            let coded = |record: Option<&&Value>| match record {
                Some(record) => json!(base64::encode(id(record).to_string().as_bytes())),
                None => Value::Null,
            };
            let (after, before) = (coded(shown.last()), coded(shown.first()));
            let more = end < all.len();
            let size_part = format!("page%5Bsize%5D={size}");
            let next = |cursor: &Value, which: &str| {
                let cursor = percent_encode(cursor.as_str().unwrap_or_default());
                json!(link(vec![size_part.clone(), format!("page%5B{which}%5D={cursor}")]))
            };
            body[name] = json!(shown);
            body["meta"] =
                json!({"has_more": more, "after_cursor": after, "before_cursor": before});
            body["links"] = json!({
                "next": if more { next(&after, "after") } else { Value::Null },
                "prev": if start > 0 { next(&before, "before") } else { Value::Null }
            });
            return Reply::json(200, &body);
        }
        let (Ok(page), Ok(size)) = (request.number("page"), request.number("per_page")) else {
            return invalid(400, "page and per_page must be numbers");
        };
        let (page, size) = (page.unwrap_or(1).max(1), size.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE));
        if page * size > OFFSET_END {
            return invalid(
                400,
                "Number of items exceeds the limit of offset pagination; use cursor pagination",
            );
        }
        let all: Vec<&Value> = records.collect();
        let start = ((page - 1) * size).min(all.len());
        let end = (start + size).min(all.len());
        let to =
            |page: usize| json!(link(vec![format!("page={page}"), format!("per_page={size}")]));
        body[name] = json!(&all[start..end]);
        body["next_page"] = if end < all.len() { to(page + 1) } else { Value::Null };
        body["previous_page"] = if page > 1 { to(page - 1) } else { Value::Null };
        body["count"] = json!(all.len());
        Reply::json(200, &body)
    }

    /// `show_many?ids=` and `?external_ids=`.
    fn many(&self, name: &str, table: &Table, request: &Request) -> Reply {
        let wanted = |parameter: &str| -> Vec<String> {
            request
                .param(parameter)
                .into_iter()
                .flat_map(|text| text.split(','))
                .map(|id| id.trim().to_owned())
                .filter(|id| !id.is_empty())
                .collect()
        };
        let mut ids = wanted("ids");
        for external in wanted("external_ids") {
            ids.extend(
                table.find(&format!("external:{}", external.to_lowercase())).map(str::to_owned),
            );
        }
        if ids.len() > BULK {
            return invalid(400, "Too many ids: 100 at most");
        }
        let found: Vec<&Value> = ids.iter().filter_map(|id| table.get(id)).collect();
        Reply::json(
            200,
            &json!({name: found, "count": found.len(), "next_page": null, "previous_page": null}),
        )
    }

    /// Runs a bulk operation at once and hands out a job whose status tells of it.
    fn job(&mut self, request: &Request, results: Vec<Value>, wrote: Reply) -> Reply {
        let id = self.ids.token("");
        let url = format!("{}/api/v2/job_statuses/{id}.json", request.base);
        let done = json!({"id":id,"url":url,"total":results.len(),"progress":results.len(),"status":"completed","message":"Completed","results":results});
        let mut queued = done.clone();
        queued["status"] = json!("queued");
        queued["results"] = Value::Null;
        queued["progress"] = Value::Null;
        self.jobs.insert(id, done);
        let mut reply = Reply::json(200, &json!({"job_status": queued}));
        reply.wrote = wrote.wrote;
        reply
    }

    /// The address of a record.
    fn url(request_base: &str, kind: &str, id: i64) -> String {
        format!("{request_base}/api/v2/{kind}/{id}.json")
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

/// Why a record is refused: the fields with what is wrong with them (422), or 404 and the like.
#[derive(Debug, Clone)]
enum Problem {
    Fields(Vec<(String, String, &'static str)>),
    Reply(Box<Reply>),
}

impl Problem {
    fn field(field: &str, description: impl Into<String>, error: &'static str) -> Self {
        Self::Fields(vec![(field.to_owned(), description.into(), error)])
    }

    fn message(&self) -> String {
        match self {
            Self::Fields(fields) => fields
                .iter()
                .map(|(field, description, _)| format!("{field}: {description}"))
                .collect::<Vec<_>>()
                .join("; "),
            Self::Reply(reply) => String::from_utf8_lossy(&reply.body).into_owned(),
        }
    }

    fn reply(self) -> Reply {
        match self {
            Self::Reply(reply) => *reply,
            Self::Fields(fields) => {
                let mut details = json!({});
                for (field, description, error) in fields {
                    let problem = json!({"description": description, "error": error});
                    match details[&field].as_array_mut() {
                        Some(problems) => problems.push(problem),
                        None => details[&field] = json!([problem]),
                    }
                }
                Reply::json(
                    422,
                    &json!({"error":"RecordInvalid","description":"Record validation errors","details":details}),
                )
            }
        }
    }
}

fn not_found() -> Reply {
    Reply::json(404, &json!({"error":"RecordNotFound","description":"Not found"}))
}

fn invalid(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"error":"InvalidValue","description":message}))
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

/// A text property of a body: `Err` when it is something else.
fn text_of(body: &Value, name: &str) -> Result<Option<Option<String>>, Problem> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(text.clone()))),
        // Numbers are taken as text, as the vendor's does.
        Some(Value::Number(number)) => Ok(Some(Some(number.to_string()))),
        Some(_) => {
            Err(Problem::field(name, format!("{}: is invalid", label(name)), "InvalidValue"))
        }
    }
}

/// `organization_id` as the vendor names it in messages.
fn label(name: &str) -> String {
    let plain = name.trim_end_matches("_id").replace('_', " ");
    let mut letters = plain.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn stamp(now: Timestamp) -> Value {
    json!(time::seconds_z(now))
}

/// Blanks around names and addresses are taken off before anything is compared.
fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

fn email_problem(field: &str, email: &str) -> Option<Problem> {
    (!text::looks_like_email(email)).then(|| {
        Problem::field(field, format!("Email: {email} is not properly formatted"), "InvalidFormat")
    })
}
