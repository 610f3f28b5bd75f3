//! PowerOffice Go: Employees, Customers, Suppliers and ContactPersons in API v2, and the same contact
//! persons as PartyContactPerson in API v1 (`v1.rs`); Departments, Products, Projects, SalesOrders
//! and their lines.
//!
//! Here: the way in, and what leads where; `records.rs` and `trade.rs` have the shapes and
//! their validation, `operations.rs` what can be done with them,
//! `orders.rs` what only orders have.
//! Vendor: developer.poweroffice.net and the Go API's OpenAPI document.
//!
//! Unverified in the vendor's documents, and what was chosen: names of query parameters and of JSON
//! properties are matched without regard to case; `Retry-After` stands on a 429; a company's
//! FirstName and LastName are not kept; an e-mail's form is checked on customers and employees as
//! it is on contact persons; a patch of a property that is not in the patch schema is 400; an
//! update that changes nothing moves no stamp; a record "with transactions" is one that was put
//! with `"_hasTransactions": true`.

mod company;
mod errors;
mod kind;
mod operations;
mod orders;
mod records;
mod trade;
mod v1;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::http::{Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
pub(crate) use company::PowerOffice;
use errors::{no_subscription, not_found, problem};
use jiff::{SignedDuration, Timestamp};
use kind::{Kind, get, text};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// What opens the demo company.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("POWEROFFICE_APPLICATION_KEY", "6f2d9c1e-0b52-4f6b-8a0e-000000000a01"),
    ("POWEROFFICE_CLIENT_KEY", "6f2d9c1e-0b52-4f6b-8a0e-000000000c02"),
    ("POWEROFFICE_SUBSCRIPTION_KEY", "sandbox-poweroffice-subscription"),
];

const LIMITS: &[Limit] = &[
    Limit { requests: 10, window_seconds: 1, applies: |request| !is_v1(request) },
    Limit { requests: 50, window_seconds: 1, applies: is_v1 },
];

fn is_v1(request: &Request) -> bool {
    request.segments.first().is_some_and(|first| first == "v1")
}

/// Twenty minutes.
const TOKEN_SECONDS: i64 = 1200;

impl PowerOffice {
    pub fn new(settings: Settings) -> Self {
        let mut ids = Source::new(settings.seed, "poweroffice-go");
        let table = || Table::new(records::keys, settings.list_lag);
        Self {
            tables: std::array::from_fn(|_| table()),
            next_id: 17_000_000 + ids.below(1_000_000) as i64,
            next_number: [10_001, 101, 0, 20_001, 1, 1, 1, 1, 0],
            in_use: HashSet::new(),
            tokens: HashMap::new(),
            ids,
        }
    }

    fn token(&mut self, request: &Request, now: Timestamp, version_two: bool) -> Reply {
        let of = |name| credential(CREDENTIALS, name);
        if version_two && !self.subscribed(request) {
            return no_subscription();
        }
        let form = request.form();
        if form.iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value.as_str())
            != Some("client_credentials")
        {
            return Reply::json(400, &json!({"error":"unsupported_grant_type"}));
        }
        match request.basic() {
            Some((application, client))
                if application == of("POWEROFFICE_APPLICATION_KEY")
                    && client == of("POWEROFFICE_CLIENT_KEY") => {}
            _ => return Reply::json(400, &json!({"error":"invalid_client"})),
        }
        let token = self.ids.token("po.");
        self.tokens.insert(token.clone(), now + SignedDuration::from_secs(TOKEN_SECONDS));
        Reply::json(
            200,
            &json!({"access_token":token,"token_type":"bearer","expires_in":TOKEN_SECONDS}),
        )
    }

    fn subscribed(&self, request: &Request) -> bool {
        request.header("ocp-apim-subscription-key")
            == Some(credential(CREDENTIALS, "POWEROFFICE_SUBSCRIPTION_KEY"))
    }

    fn admitted(&self, request: &Request, now: Timestamp) -> bool {
        request
            .credential("Bearer")
            .and_then(|token| self.tokens.get(token))
            .is_some_and(|end| *end > now)
    }

    fn v2(&mut self, rest: &[&str], request: &Request, now: Timestamp) -> Reply {
        let Some((first, rest)) = rest.split_first() else {
            return not_found("Resource", "");
        };
        let Some(kind) = Kind::named(first) else {
            return not_found("Resource", first);
        };
        match (kind, request.method.as_str(), rest) {
            (Kind::SalesOrderLines, ..) => not_found("Resource", first),
            (Kind::SalesOrders, "POST", []) => Reply::empty(405),
            (Kind::SalesOrders, "POST", ["Complete"]) => self.create_order(request, now),
            (Kind::SalesOrders, "GET", [id, "Complete"]) => self.complete_order(id),
            (Kind::SalesOrders, _, [id, "Lines", line @ ..]) => self.lines(id, line, request, now),
            (_, "GET", []) => self.list(kind, None, request, now),
            (Kind::ContactPersons, "POST", [parent]) => {
                if !self.table(Kind::Customers).contains(parent) {
                    return not_found("Contact", parent);
                }
                self.create(kind, Some(parent), request, now)
            }
            (Kind::ContactPersons, method, [parent, id]) => {
                let belongs = self
                    .table(kind)
                    .get(id)
                    .is_some_and(|person| person["ContactId"].as_i64() == parent.parse().ok());
                if !belongs {
                    return not_found(kind.singular(), id);
                }
                self.one(kind, method, id, request, now)
            }
            (Kind::ContactPersons, _, [] | [_]) => Reply::empty(405),
            (_, "POST", []) => self.create(kind, None, request, now),
            (_, method, [id]) => self.one(kind, method, id, request, now),
            (_, _, []) => Reply::empty(405),
            _ => not_found("Resource", first),
        }
    }

    fn kind_of(collection: &str) -> Result<Kind, String> {
        Kind::named(collection).ok_or_else(|| format!("no collection {collection}"))
    }
}

impl Emulator for PowerOffice {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let is_token = |rest: &[&str]| {
            rest.len() == 2
                && rest[0].eq_ignore_ascii_case("OAuth")
                && rest[1].eq_ignore_ascii_case("Token")
                && request.method == "POST"
        };
        match segments.as_slice() {
            ["v1", rest @ ..] if is_token(rest) => self.token(request, now, false),
            ["v2", rest @ ..] if is_token(rest) => self.token(request, now, true),
            rest if is_token(rest) => self.token(request, now, true),
            ["v2", rest @ ..] => {
                if !self.subscribed(request) {
                    return no_subscription();
                }
                if !self.admitted(request, now) {
                    return self.unauthorized();
                }
                self.v2(rest, request, now)
            }
            ["v1", rest @ ..] => {
                if !self.admitted(request, now) {
                    return self.unauthorized();
                }
                self.v1(rest, request, now)
            }
            _ => not_found("Resource", &request.segments.join("/")),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        Reply::json(
            429,
            &json!({"statusCode":429,"message":format!("Rate limit is exceeded. Try again in {retry_after} seconds.")}),
        )
        .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        problem(401, "Unauthorized", "The access token is missing, invalid or expired.")
            .header("www-authenticate", "Bearer")
    }

    fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    fn collections(&self) -> &'static [&'static str] {
        &[
            "Customers",
            "Employees",
            "ContactPersons",
            "Suppliers",
            "Departments",
            "Products",
            "Projects",
            "SalesOrders",
            "SalesOrderLines",
        ]
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        Self::kind_of(collection).map_or_else(
            |_| Vec::new(),
            |kind| self.table(kind).current().map(|record| self.shown(kind, record)).collect(),
        )
    }

    fn id_of(&self, _: &'static str, record: &Value) -> String {
        text(&record["Id"])
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let kind = Self::kind_of(collection)?;
        let parent = tree::id_of(&get(&body, "ContactId"))
            .or_else(|| tree::id_of(&get(&body, "PartyId")))
            .or_else(|| {
                self.table(Kind::Customers)
                    .current()
                    .next()
                    .and_then(|customer| customer["Id"].as_i64())
            });
        if kind == Kind::ContactPersons
            && parent.is_none_or(|id| !self.table(Kind::Customers).contains(&id.to_string()))
        {
            return Err("a contact person needs the ContactId of a customer".to_owned());
        }
        let order = text(&get(&body, "SalesOrderId"));
        let parent = match kind {
            Kind::ContactPersons => parent.map(|id| id.to_string()),
            Kind::SalesOrderLines if self.table(Kind::SalesOrders).contains(&order) => Some(order),
            Kind::SalesOrderLines => return Err("a line needs the SalesOrderId of an order".into()),
            _ => None,
        };
        let (record, _) = self.store(kind, None, parent.as_deref(), &body, now)?;
        if body["_hasTransactions"] == true {
            self.in_use.insert(text(&record["Id"]));
        }
        Ok(self.shown(kind, &record))
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let kind = Self::kind_of(collection)?;
        let mut record = self.table(kind).get(id).cloned().ok_or("no such record")?;
        // The v1 names of a contact person's properties differ only in case.
        let patch = records::with_own_names(kind, patch);
        tree::merge(&mut record, &patch, false);
        let (record, _) = self.store(kind, Some(id), None, &record, now)?;
        Ok(self.shown(kind, &record))
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let kind = Self::kind_of(collection)?;
        Ok(self.take_away(kind, id, now))
    }
}
