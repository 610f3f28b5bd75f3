//! The account: its tables, its numbers, and how lists, jobs and problems are shown.

use crate::http::{Reply, Request, percent_encode};
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

/// Offset paging ends here.
pub(super) const OFFSET_END: usize = 10_000;

pub(super) const MAX_PAGE: usize = 100;

pub(super) const BULK: usize = 100;

#[derive(Clone)]
pub(crate) struct Zendesk {
    pub(super) users: Table,
    pub(super) identities: Table,
    pub(super) organizations: Table,
    pub(super) tickets: Table,
    /// Comments of a ticket, by its id.
    pub(super) comments: HashMap<String, Vec<Value>>,
    /// What a ticket was before it was deleted.
    pub(super) deleted_status: HashMap<String, String>,
    /// Answers to creates with an `Idempotency-Key`, with their request bodies.
    pub(super) idempotent: HashMap<String, (Vec<u8>, Reply)>,
    pub(super) jobs: HashMap<String, Value>,
    pub(super) webhooks: Vec<Value>,
    /// Access tokens that were handed out.
    pub(super) tokens: HashMap<String, Access>,
    /// What was mailed to users.
    pub(super) mails: Table,
    pub(super) next_id: i64,
    pub(super) next_ticket: i64,
    pub(super) incremental_lag: SignedDuration,
    pub(super) ids: Source,
}

/// What an access token is good for.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub(super) until: Timestamp,
    pub(super) scopes: Vec<String>,
}

impl Zendesk {
    /// Fourteen digits, growing in uneven steps.
    pub(super) fn fresh_id(&mut self) -> i64 {
        self.next_id += 1 + self.ids.below(90_000) as i64;
        self.next_id
    }

    /// One page of a list: by cursor with `page[size]`, else by offset.
    pub(super) fn page<'a>(
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
    pub(super) fn many(&self, name: &str, table: &Table, request: &Request) -> Reply {
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
    pub(super) fn job(&mut self, request: &Request, results: Vec<Value>, wrote: Reply) -> Reply {
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
    pub(super) fn url(request_base: &str, kind: &str, id: i64) -> String {
        format!("{request_base}/api/v2/{kind}/{id}.json")
    }
}

/// Why a record is refused: the fields with what is wrong with them (422), or 404 and the like.
#[derive(Debug, Clone)]
pub(super) enum Problem {
    Fields(Vec<(String, String, &'static str)>),
    Reply(Box<Reply>),
}

impl Problem {
    pub(super) fn field(field: &str, description: impl Into<String>, error: &'static str) -> Self {
        Self::Fields(vec![(field.to_owned(), description.into(), error)])
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Fields(fields) => fields
                .iter()
                .map(|(field, description, _)| format!("{field}: {description}"))
                .collect::<Vec<_>>()
                .join("; "),
            Self::Reply(reply) => String::from_utf8_lossy(&reply.body).into_owned(),
        }
    }

    pub(super) fn reply(self) -> Reply {
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

pub(super) fn not_found() -> Reply {
    Reply::json(404, &json!({"error":"RecordNotFound","description":"Not found"}))
}

pub(super) fn invalid(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"error":"InvalidValue","description":message}))
}

/// A text property of a body: `Err` when it is something else.
pub(super) fn text_of(body: &Value, name: &str) -> Result<Option<Option<String>>, Problem> {
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
pub(super) fn label(name: &str) -> String {
    let plain = name.trim_end_matches("_id").replace('_', " ");
    let mut letters = plain.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn stamp(now: Timestamp) -> Value {
    json!(time::seconds_z(now))
}

/// Blanks around names and addresses are taken off before anything is compared.
pub(super) fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

pub(super) fn email_problem(field: &str, email: &str) -> Option<Problem> {
    (!text::looks_like_email(email)).then(|| {
        Problem::field(field, format!("Email: {email} is not properly formatted"), "InvalidFormat")
    })
}

/// Everything that must be unique, and what belongs together.
pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(external) = tree::filled(record, "external_id") {
        keys.push(format!("external:{}", external.to_lowercase()));
    }
    if let Some(organization) = record["organization_id"].as_i64() {
        keys.push(format!("organization:{organization}"));
    }
    keys
}
