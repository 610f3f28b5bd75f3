//! Shopify: customers, products with variants, orders and draft orders by the GraphQL Admin API,
//! version 2026-07 (`/admin/api/2026-07/graphql.json`): queries, mutations, the search syntax of
//! `query`, pages by cursor, costs, webhooks; tokens at `/admin/oauth/access_token`.
//!
//! Vendor: its schema (npm `@shopify/dev-mcp`), its pages on rate limits, search syntax, paging and
//! webhooks; what users of the service report of its errors. `schema.graphql` says what is served.
//!
//! Unverified, and what was chosen: the words of most `userErrors`; how much a query costs, but for
//! objects (1) and mutations (10): the vendor tells that a connection is as costly as it is long;
//! filters that match nothing known are left out, with a warning, as the vendor's pages say; a time
//! in a filter may stand without quotes; an update that changes nothing leaves `updatedAt`; prices
//! include a fifth of tax; a draft keeps the variant's price; telephones without a country are
//! Norwegian. Any version of the interface is answered as 2026-07. Not here: metafields, stock,
//! fulfilment, options of products, companies' contacts and places, marketing consent, bulk operations, events, REST but for the shop,
//! the limit of orders to 60 days (the token may read all).

mod base;
mod customers;
mod hooks;
mod orders;
mod parse;
mod products;
mod run;
mod schema;
mod search;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Reply, Request};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
use base::{
    COMPANY, CUSTOMER, DRAFT, KINDS, NAMES, ORDER, PRODUCT, Refused, SCOPES, VARIANT, VERSION,
    id_of, keys, number, place,
};
pub(crate) use base::{CREDENTIALS, Shopify};
use jiff::Timestamp;
use parse::{Document, Operation, Parser, Selection};
use run::Run;
use schema::{Check, coded, error, named};
use serde_json::{Value, json};

/// Points that may be saved up, those that come back in a second, and the most of one request.
const BUCKET: f64 = 2000.0;
const RESTORED: f64 = 100.0;
const MOST: u64 = 1000;

impl Shopify {
    pub fn new(settings: Settings) -> Self {
        Self {
            tables: KINDS.iter().map(|_| Table::new(keys, settings.list_lag)).collect(),
            hooks: Vec::new(),
            tokens: Tokens::new("shpat_", 86_399),
            ids: Source::new(settings.seed, "shopify"),
            next: 7_000_000_000_000,
            orders: 1000,
            drafts: 0,
            points: (BUCKET * settings.rate_scale, None),
            scale: settings.rate_scale,
            call_at: None,
            wrote: Vec::new(),
        }
    }

    /// An app's token for its id and secret (RFC 6749, section 4.4).
    fn token(&mut self, request: &Request, now: Timestamp) -> Reply {
        let sent = request.json().unwrap_or_else(|| {
            request.form().into_iter().map(|(name, value)| (name, json!(value))).collect()
        });
        let refused = |error: &str, text: &str| {
            Reply::json(400, &json!({"error": error, "error_description": text}))
        };
        if sent["grant_type"] != "client_credentials" {
            return refused("unsupported_grant_type", "The grant type is not supported.");
        }
        if sent["client_id"] != credential(CREDENTIALS, "SHOPIFY_CLIENT_ID") {
            return refused("application_cannot_be_found", "The application can't be found.");
        }
        if sent["client_secret"] != credential(CREDENTIALS, "SHOPIFY_CLIENT_SECRET") {
            return refused("invalid_client", "The client's secret is wrong.");
        }
        let token = self.tokens.issue(&mut self.ids, now);
        Reply::json(
            200,
            &json!({"access_token": token, "scope": SCOPES.join(","), "expires_in": self.tokens.seconds}),
        )
    }

    /// What is left of the points at a time.
    fn left(&mut self, now: Timestamp) -> f64 {
        let (left, since) = self.points;
        let most = BUCKET * self.scale;
        let seconds = since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
        let left = (left + seconds * RESTORED * self.scale).min(most);
        self.points = (left, Some(now));
        left
    }

    fn costs(&self, requested: u64, actual: Option<u64>) -> Value {
        let most = BUCKET * self.scale;
        let left = if self.scale > 0.0 { self.points.0.floor() } else { BUCKET };
        json!({"cost": {"requestedQueryCost": requested, "actualQueryCost": actual,
            "throttleStatus": {"maximumAvailable": if self.scale > 0.0 { most } else { BUCKET }, "currentlyAvailable": left as i64,
                "restoreRate": RESTORED * if self.scale > 0.0 { self.scale } else { 1.0 }}}})
    }

    fn graphql(&mut self, request: &Request, now: Timestamp) -> Reply {
        let errors = |all: Vec<Value>| Reply::json(200, &json!({"errors": all}));
        if !request.header("content-type").is_some_and(|kind| kind.contains("json")) {
            return Reply::json(415, &json!({"errors": "Unsupported Media Type"}));
        }
        let Some(sent) = request.json().filter(|sent| sent["query"].is_string()) else {
            return Reply::json(
                400,
                &json!({"errors": {"query": "Required parameter missing or invalid"}}),
            );
        };
        let parsed =
            Parser::new(sent["query"].as_str().unwrap_or_default()).and_then(Parser::document);
        let document = match parsed {
            Ok(document) => document,
            Err(wrong) => return errors(vec![error(wrong.message, wrong.at)]),
        };
        let Some(operation) = chosen(&document, &sent) else {
            return errors(vec![json!({"message": "An operation name is required"})]);
        };
        let wrong = Check { document: &document, operation, errors: Vec::new() }.operation();
        if !wrong.is_empty() {
            return errors(wrong);
        }
        let variables = match schema::variables(operation, &sent["variables"]) {
            Ok(variables) => variables,
            Err(wrong) => return errors(vec![wrong]),
        };
        let root = if operation.mutation { "Mutation" } else { "QueryRoot" };
        let Some(on) = named(root) else { return errors(Vec::new()) };
        let requested = schema::cost(&document, on, &operation.below, &variables);
        if let Some(reply) = self.too_much(requested, now) {
            return reply;
        }
        let mut run = Run {
            shop: self,
            document: &document,
            variables: &variables,
            now,
            errors: Vec::new(),
            searches: Vec::new(),
            spent: 0,
        };
        let data = run.object(on, &Value::Null, &operation.below, &[]).ok();
        let (failed, searches) = (run.errors, run.searches);
        // Never more than was asked for.
        let actual = run.spent.min(requested);
        if self.scale > 0.0 {
            self.points.0 += (requested - actual) as f64;
        }
        let mut body = json!({"data": data, "extensions": self.costs(requested, Some(actual))});
        if !failed.is_empty() {
            body["errors"] = json!(failed);
        }
        if !searches.is_empty() {
            body["extensions"]["search"] = json!(searches);
        }
        let mut reply = Reply::json(200, &body);
        reply.wrote = std::mem::take(&mut self.wrote);
        reply
    }

    /// The refusal of a request that costs more than one may, or than is left; takes the points.
    fn too_much(&mut self, requested: u64, now: Timestamp) -> Option<Reply> {
        if requested > MOST {
            let text = format!(
                "Query cost is {requested}, which exceeds the single query max cost limit ({MOST})."
            );
            let more = json!({"cost": requested, "maxCost": MOST, "documentation": "https://shopify.dev/api/usage/rate-limits"});
            let mut wrong = coded(json!({"message": text}), "MAX_COST_EXCEEDED", more);
            wrong["locations"] = json!([]);
            return Some(Reply::json(200, &json!({"errors": [wrong]})));
        }
        if self.scale <= 0.0 {
            return None;
        }
        if self.left(now) < requested as f64 {
            let body = json!({"errors": [throttled()], "extensions": self.costs(requested, None)});
            return Some(Reply::json(200, &body));
        }
        self.points.0 -= requested as f64;
        None
    }

    /// A person's own way to put or change a record.
    fn by_hand(
        &mut self,
        at: usize,
        gid: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let mut sent = sent.clone();
        if let Some(gid) = gid {
            sent["id"] = json!(gid);
        }
        match at {
            CUSTOMER => self.store_customer(gid, &sent, now),
            PRODUCT => self.store_product(gid, &sent, now),
            DRAFT => self.store_draft(gid, &sent, now),
            COMPANY => self.store_company(gid, &sent, now),
            ORDER if gid.is_some() => self.update_order(&sent, now),
            ORDER => self.bought(&sent, now),
            _ => match gid.and_then(|gid| self.record(gid)).cloned() {
                Some(variant) => {
                    let args = json!({"productId": variant["product"], "variants": [sent]});
                    self.change_variants(&args, now).map(|_| gid.unwrap_or_default().to_owned())
                }
                None => base::refused(&[], "a variant is added with its product"),
            },
        }
    }
}

fn throttled() -> Value {
    coded(
        json!({"message": "Throttled"}),
        "THROTTLED",
        json!({"documentation": "https://shopify.dev/api/usage/rate-limits"}),
    )
}

/// The operation of a document that a request is about.
fn chosen<'a>(document: &'a Document, sent: &Value) -> Option<&'a Operation> {
    match sent["operationName"].as_str() {
        Some(name) => document.operations.iter().find(|one| one.name.as_deref() == Some(name)),
        None => document.operations.first().filter(|_| document.operations.len() == 1),
    }
}

fn operation_of(request: &Request) -> Option<Operation> {
    let sent = request.json()?;
    let document = Parser::new(sent["query"].as_str()?).ok()?.document().ok()?;
    chosen(&document, &sent).cloned()
}

fn texts(refused: &Refused) -> String {
    refused
        .iter()
        .map(|(field, message)| format!("{}: {message}", field.join(".")))
        .collect::<Vec<_>>()
        .join("; ")
}

/// The global id that a person's id stands for: the number is enough.
fn whole(collection: &str, id: &str) -> String {
    if id.starts_with("gid://") {
        id.to_owned()
    } else {
        format!("gid://shopify/{}/{id}", KINDS[place(collection)].0)
    }
}

impl Emulator for Shopify {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["admin", "oauth", "access_token"]) => self.token(request, now),
            (method, ["admin", "api", version, last @ ("graphql.json" | "shop.json")]) => {
                let given = request.header("x-shopify-access-token").unwrap_or_default();
                let known = given == credential(CREDENTIALS, "SHOPIFY_ACCESS_TOKEN");
                if !known && !self.tokens.admits(given, now) {
                    return self.unauthorized();
                }
                let dated = version.len() == 7
                    && version.as_bytes()[4] == b'-'
                    && version.starts_with("20");
                if !dated && *version != "unstable"
                    || method != if *last == "shop.json" { "GET" } else { "POST" }
                {
                    return Reply::json(404, &json!({"errors": "Not Found"}));
                }
                if *last == "shop.json" {
                    return run::older_shop();
                }
                self.graphql(request, now).header("x-shopify-api-version", VERSION)
            }
            _ => Reply::json(404, &json!({"errors": "Not Found"})),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        // Points are counted, not requests.
        &[]
    }

    fn throttled(&self, _retry_after: u64) -> Reply {
        Reply::json(200, &json!({"errors": [throttled()], "extensions": self.costs(1, None)}))
    }

    fn unauthorized(&self) -> Reply {
        Reply::json(
            401,
            &json!({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}),
        )
    }

    fn expire_tokens(&mut self) {
        self.tokens.expire();
    }

    fn lists(&self, request: &Request) -> bool {
        operation_of(request).is_some_and(|operation| {
            let on = named("QueryRoot");
            operation.below.iter().all(|one| match one {
                Selection::Field(field) => on
                    .and_then(|on| on.field(&field.name))
                    .is_some_and(|known| known.of.name().ends_with("Connection")),
                _ => false,
            })
        })
    }

    fn collections(&self) -> &'static [&'static str] {
        NAMES
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        self.tables[place(collection)].current().cloned().collect()
    }

    fn id_of(&self, _collection: &'static str, record: &Value) -> String {
        number(id_of(record)).to_owned()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let made = self.by_hand(place(collection), None, &body, now).map_err(|wrong| texts(&wrong));
        self.wrote.clear();
        Ok(self.record(&made?).cloned().unwrap_or_default())
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let gid = whole(collection, id);
        let made =
            self.by_hand(place(collection), Some(&gid), patch, now).map_err(|wrong| texts(&wrong));
        self.wrote.clear();
        Ok(self.record(&made?).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let gid = whole(collection, id);
        if self.record(&gid).is_none() {
            return Ok(false);
        }
        let gone = match place(collection) {
            CUSTOMER => self.delete_customer(&gid, now),
            PRODUCT => self.delete_product(&gid, now),
            DRAFT => self.delete_draft(&gid, now),
            COMPANY => self.delete_company(&gid, now),
            VARIANT => base::refused(&[], "a variant goes with its product"),
            _ => {
                self.drop_record(&gid, now);
                Ok(gid)
            }
        };
        self.wrote.clear();
        gone.map(|_| true).map_err(|wrong| texts(&wrong))
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        self.calls_for(changed, now)
    }

    fn call_at(&mut self, url: &str) -> bool {
        self.call_at = Some(url.to_owned());
        true
    }
}
