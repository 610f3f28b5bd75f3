//! Salesforce: accounts, contacts, opportunities, products, orders and users by the REST API
//! (`/services/data/v62.0`): rows, SOQL with pages, deleted and updated records, describe; tokens at
//! `/services/oauth2/token`.
//!
//! Vendor: its REST API and SOQL guides; the standard fields as jsforce's schema has them; what
//! users of the service report of its errors.
//!
//! Unverified, and what was chosen: only the standard fields of an org without extras; picklists are
//! open; lines of orders and price books are not here, nor duplicate rules, Bulk API, composite
//! requests, streaming; an account with orders or won opportunities stays; parameters that are not
//! described are refused; sums are without tax; the words of some messages.

mod base;
mod lists;
mod records;
mod soql;
mod types;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
pub(crate) use base::Salesforce;
use base::{Refusal, keys, long_id, not_found, refusal};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use types::{NAMES, OBJECTS, place};

/// What opens the demo org.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("SALESFORCE_CLIENT_ID", "3MVG9.sandbox.salesforce.client"),
    ("SALESFORCE_CLIENT_SECRET", "sandbox-salesforce-secret"),
];

/// An org's, in 24 hours.
const LIMITS: &[Limit] = &[Limit {
    requests: 15_000,
    window_seconds: 86_400,
    applies: |request| request.segments.get(1).is_some_and(|second| second == "data"),
}];

/// The versions that answer.
const VERSIONS: std::ops::RangeInclusive<u32> = 50..=66;

impl Salesforce {
    pub fn new(settings: Settings) -> Self {
        let mut own = Self {
            tables: OBJECTS.iter().map(|_| Table::new(keys, settings.list_lag)).collect(),
            deleted: vec![Vec::new(); OBJECTS.len()],
            cursors: Vec::new(),
            tokens: Tokens::new("00DWy0000000001!", 7200),
            next: 1000,
            orders: 100,
            ids: Source::new(settings.seed, "salesforce"),
            owner: String::new(),
        };
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        let owner = json!({"FirstName": "Runa", "LastName": "Holm", "Email": "crm@example.com", "Username": "crm@example.com", "Alias": "rholm"});
        let made = own.store(place("User").unwrap_or_default(), None, &owner, founded);
        debug_assert!(made.is_ok(), "{made:?}");
        own.owner = made.map(|(id, _)| id).unwrap_or_default();
        let at = place("Organization").unwrap_or_default();
        let made = own.store(at, None, &json!({}), founded);
        debug_assert!(made.is_ok(), "{made:?}");
        own
    }

    fn token(&mut self, request: &Request, now: Timestamp) -> Reply {
        let form = request.form();
        let field = |name: &str| {
            form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
        };
        let error = |error: &str, description: &str| {
            Reply::json(400, &json!({"error": error, "error_description": description}))
        };
        let basic = request.basic();
        let (client, secret) = match &basic {
            Some((client, secret)) => (client.as_str(), secret.as_str()),
            None => (field("client_id"), field("client_secret")),
        };
        if field("grant_type") != "client_credentials" {
            return error("unsupported_grant_type", "grant type not supported");
        }
        if client != credential(CREDENTIALS, "SALESFORCE_CLIENT_ID") {
            return error("invalid_client_id", "client identifier invalid");
        }
        if secret != credential(CREDENTIALS, "SALESFORCE_CLIENT_SECRET") {
            return error("invalid_client", "invalid client credentials");
        }
        let token = self.tokens.issue(&mut self.ids, now);
        // How long it lives is not told.
        Reply::json(
            200,
            &json!({"access_token": token, "signature": self.ids.token(""), "instance_url": request.base, "scope": "api", "token_type": "Bearer",
                "id": format!("{}/id/00DWy0000000001MAA/{}", request.base, self.owner), "issued_at": now.as_millisecond().to_string()}),
        )
    }

    fn request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let method = request.method.as_str();
        match path {
            ["query"] if method == "GET" => self.query(false, request, now),
            ["queryAll"] if method == "GET" => self.query(true, request, now),
            ["query" | "queryAll", locator] if method == "GET" => self.more(locator, request),
            ["limits"] if method == "GET" => Ok(Reply::json(
                200,
                &json!({"DailyApiRequests": {"Max": 15_000, "Remaining": 15_000}}),
            )),
            ["sobjects"] if method == "GET" => {
                let all: Vec<Value> =
                    (0..OBJECTS.len()).map(|at| lists::describe(at, false, request)).collect();
                Ok(Reply::json(
                    200,
                    &json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": all}),
                ))
            }
            ["sobjects", name, rest @ ..] => {
                let at = place(name).ok_or_else(not_found)?;
                self.object(at, rest, request, now)
            }
            [] | ["query" | "queryAll" | "limits" | "sobjects", ..] => Err(not_allowed(method)),
            _ => Err(not_found()),
        }
    }

    fn object(
        &mut self,
        at: usize,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let method = request.method.as_str();
        match rest {
            [] if method == "GET" => {
                let about = lists::describe(at, false, request);
                Ok(Reply::json(200, &json!({"objectDescribe": about, "recentItems": []})))
            }
            [] if method == "POST" => {
                lists::parameters(request, &[])?;
                let (id, _) = self.store(at, None, &body(request)?, now)?;
                Ok(Reply::json(201, &json!({"id": id, "success": true, "errors": []}))
                    .header(
                        "location",
                        format!("{}/{}/{id}", request.base, request.segments.join("/")),
                    )
                    .wrote(NAMES[at], Act::Create, true))
            }
            ["describe"] if method == "GET" => {
                Ok(Reply::json(200, &lists::describe(at, true, request)))
            }
            ["updated"] if method == "GET" => self.span(at, false, request, now),
            ["deleted"] if method == "GET" => self.span(at, true, request, now),
            [id] if matches!(method, "GET" | "PATCH" | "DELETE") => {
                let long = long_id(id).ok_or_else(|| {
                    refusal(
                        404,
                        "NOT_FOUND",
                        format!(
                            "Provided external ID field does not exist or is not accessible: {id}"
                        ),
                    )
                })?;
                if method != "GET"
                    && self.deleted[at].iter().any(|gone| gone["Id"] == long.as_str())
                {
                    return Err(Refusal {
                        fields: Some(Vec::new()),
                        ..refusal(404, "ENTITY_IS_DELETED", "entity is deleted")
                    });
                }
                if !self.tables[at].contains(&long) {
                    return Err(not_found());
                }
                match method {
                    "GET" => self.one(at, &long, request),
                    "PATCH" => {
                        lists::parameters(request, &[])?;
                        let (_, changed) = self.store(at, Some(&long), &body(request)?, now)?;
                        Ok(Reply::empty(204).wrote(NAMES[at], Act::Update, changed))
                    }
                    _ => {
                        self.delete(at, &long, now)?;
                        Ok(Reply::empty(204).wrote(NAMES[at], Act::Delete, true))
                    }
                }
            }
            [] | [_] => Err(not_allowed(method)),
            _ => Err(not_found()),
        }
    }
}

fn not_allowed(method: &str) -> Refusal {
    refusal(
        405,
        "METHOD_NOT_ALLOWED",
        format!("HTTP Method '{method}' not allowed. Allowed are GET,HEAD"),
    )
}

fn body(request: &Request) -> Result<Value, Refusal> {
    if !request.header("content-type").is_some_and(|kind| kind.contains("json")) {
        return Err(refusal(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "The request is in a format that is not supported",
        ));
    }
    request.json().filter(Value::is_object).ok_or_else(|| {
        refusal(
            400,
            "JSON_PARSER_ERROR",
            "The HTTP entity body is required, but this request has no entity body.",
        )
    })
}

impl Emulator for Salesforce {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["services", "oauth2", "token"]) => self.token(request, now),
            ("GET", ["services", "data"]) => {
                let all: Vec<Value> = VERSIONS
                    .map(|n| json!({"label": format!("Version {n}"), "url": format!("/services/data/v{n}.0"), "version": format!("{n}.0")}))
                    .collect();
                Reply::json(200, &json!(all))
            }
            (_, ["services", "data", version, path @ ..]) => {
                if !request.credential("bearer").is_some_and(|token| self.tokens.admits(token, now))
                {
                    return self.unauthorized();
                }
                let known = version
                    .strip_prefix('v')
                    .and_then(|rest| rest.strip_suffix(".0"))
                    .and_then(|number| number.parse().ok())
                    .is_some_and(|number| VERSIONS.contains(&number));
                if !known {
                    return not_found().into();
                }
                self.request(path, request, now).unwrap_or_else(Reply::from)
            }
            _ => not_found().into(),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, _retry_after: u64) -> Reply {
        refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").into()
    }

    fn rate_headers(&self, reply: Reply, limit: u32, remaining: u32, _resets_in: u64) -> Reply {
        reply.header("sforce-limit-info", format!("api-usage={}/{limit}", limit - remaining))
    }

    fn unauthorized(&self) -> Reply {
        Reply::from(refusal(401, "INVALID_SESSION_ID", "Session expired or invalid"))
            .header("www-authenticate", "Token")
    }

    fn expire_tokens(&mut self) {
        self.tokens.expire();
    }

    fn collections(&self) -> &'static [&'static str] {
        NAMES
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        self.tables[place(collection).unwrap_or_default()].current().cloned().collect()
    }

    fn id_of(&self, _collection: &'static str, record: &Value) -> String {
        record["Id"].as_str().unwrap_or_default().to_owned()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let at = place(collection).unwrap_or_default();
        let (id, _) = self.store(at, None, &body, now).map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(&id).cloned().unwrap_or_default())
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let at = place(collection).unwrap_or_default();
        self.store(at, Some(id), patch, now).map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(id).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let at = place(collection).unwrap_or_default();
        if !self.tables[at].contains(id) {
            return Ok(false);
        }
        self.delete(at, id, now).map_err(|refusal| refusal.message)?;
        Ok(true)
    }

    fn calls(&mut self, _changed: &Changed<'_>, _now: Timestamp) -> Vec<Call> {
        Vec::new()
    }
}
