//! PowerOffice Go: Employees, Customers, Suppliers and ContactPersons in API v2, and the same contact
//! persons as PartyContactPerson in API v1 (`v1.rs`); Departments, Products, Projects, SalesOrders
//! and their lines.
//!
//! Here: the way in, the v2 lists and operations; `records.rs` and `trade.rs` have the shapes and
//! their validation, `orders.rs` the operations of orders.
//! Vendor: developer.poweroffice.net and the Go API's OpenAPI document.
//!
//! Unverified in the vendor's documents, and what was chosen: names of query parameters and of JSON
//! properties are matched without regard to case; `Retry-After` stands on a 429; a company's
//! FirstName and LastName are not kept; an e-mail's form is checked on customers and employees as
//! it is on contact persons; a patch of a property that is not in the patch schema is 400; an
//! update that changes nothing moves no stamp; a record "with transactions" is one that was put
//! with `"_hasTransactions": true`.

mod company;
mod orders;
mod records;
mod trade;
mod v1;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json::{self as tree, PatchError};
use crate::util::time;
pub(crate) use company::PowerOffice;
use jiff::{SignedDuration, Timestamp};
use orders::locked;
use records::Kind;
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
const DEFAULT_PAGE: usize = 5000;
const MAX_PAGE: usize = 20_000;

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

    fn one(
        &mut self,
        kind: Kind,
        method: &str,
        id: &str,
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let Some(stored) = self.table(kind).get(id).cloned() else {
            return not_found(kind.singular(), id);
        };
        match method {
            "GET" => Reply::json(200, &self.shown(kind, &stored)),
            "PATCH" => self.patch(kind, id, stored, request, now),
            "DELETE" => {
                if self.in_use.contains(id) || self.referred_to(kind, id) {
                    return problem(
                        409,
                        &format!("{} conflict", kind.singular()),
                        &format!(
                            "{} with id = {id} is in use and cannot be deleted.",
                            kind.singular()
                        ),
                    );
                }
                self.take_away(kind, id, now);
                Reply::empty(200).wrote(kind.name(), Act::Delete, true)
            }
            // There is no PUT.
            _ => Reply::empty(405),
        }
    }

    fn create(
        &mut self,
        kind: Kind,
        parent: Option<&str>,
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let Some(body) = request.json().filter(Value::is_object) else {
            return problem(400, &kind.validation(), "The body is not a JSON object.");
        };
        if let Some(reply) = self.unknown_reference(kind, &body) {
            return reply;
        }
        match self.store(kind, None, parent, &body, now) {
            Ok((record, _)) => {
                let id = records::text(&record["Id"]);
                let place = match parent {
                    Some(order) if kind == Kind::SalesOrderLines => {
                        format!("{}/v2/SalesOrders/{order}/Lines/{id}", request.base)
                    }
                    Some(parent) => format!("{}/v2/{}/{parent}/{id}", request.base, kind.name()),
                    None => format!("{}/v2/{}/{id}", request.base, kind.name()),
                };
                // The description has 200 for products, 201 for all others.
                let status = if kind == Kind::Products { 200 } else { 201 };
                Reply::json(status, &self.shown(kind, &record)).header("location", place).wrote(
                    kind.name(),
                    Act::Create,
                    true,
                )
            }
            Err(message) => problem(400, &kind.validation(), &message),
        }
    }

    /// 404 where the body names a record that is not there.
    fn unknown_reference(&self, kind: Kind, body: &Value) -> Option<Reply> {
        trade::references(kind).into_iter().find_map(|(name, to)| {
            let id = tree::id_of(&records::get(body, name))?.to_string();
            (!self.table(to).contains(&id)).then(|| not_found(to.singular(), &id))
        })
    }

    fn patch(
        &mut self,
        kind: Kind,
        id: &str,
        stored: Value,
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let content_type = request.header("content-type").unwrap_or_default();
        if !content_type.to_lowercase().starts_with("application/json-patch+json") {
            return problem(
                415,
                "Unsupported Media Type",
                "PATCH takes application/json-patch+json.",
            );
        }
        let Some(operations) = request.json() else {
            return problem(400, &kind.validation(), "The body is not a JSON Patch document.");
        };
        for operation in operations.as_array().into_iter().flatten() {
            let path = operation["path"].as_str().unwrap_or_default();
            let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
            if operation["op"] != "test" && !kind.writable(first) {
                return problem(
                    400,
                    &kind.validation(),
                    &format!(
                        "The target location specified by path segment '{first}' was not found."
                    ),
                );
            }
        }
        let mut changed = stored.clone();
        match tree::apply_patch(&mut changed, &operations, true) {
            Ok(()) => {}
            Err(PatchError::TestFailed(path)) => {
                return problem(
                    400,
                    &kind.validation(),
                    &format!("The value at '{path}' is not equal to the test value."),
                );
            }
            Err(PatchError::Invalid(message)) => return problem(400, &kind.validation(), &message),
        }
        if let Some(reply) =
            self.unknown_reference(kind, &changed).or_else(|| locked(kind, &stored, &changed))
        {
            return reply;
        }
        match self.store(kind, Some(id), None, &changed, now) {
            Ok((record, changed)) => Reply::json(200, &self.shown(kind, &record)).wrote(
                kind.name(),
                Act::Update,
                changed,
            ),
            Err(message) => problem(400, &kind.validation(), &message),
        }
    }

    fn list(&self, kind: Kind, parent: Option<&str>, request: &Request, now: Timestamp) -> Reply {
        let bad = |detail: String| problem(400, &kind.validation(), &detail);
        let (page, size) = match (request.number("PageNumber"), request.number("PageSize")) {
            (Ok(page), Ok(size)) => (page.unwrap_or(1), size.unwrap_or(DEFAULT_PAGE)),
            _ => return bad("PageNumber and PageSize must be numbers.".to_owned()),
        };
        if page == 0 || size == 0 || size > MAX_PAGE {
            return bad(format!(
                "PageNumber must be at least 1 and PageSize between 1 and {MAX_PAGE}."
            ));
        }
        let after = |name: &str| match request.param_any_case(name).filter(|text| !text.is_empty())
        {
            None => Ok(None),
            Some(text) => time::parse(text)
                .map(Some)
                .ok_or_else(|| format!("The value '{text}' is not valid for {name}.")),
        };
        let created_filter = match kind {
            Kind::Customers => "customerCreatedDateTimeOffsetGreaterThan",
            Kind::Employees => "employeeCreatedDateTimeOffsetGreaterThan",
            Kind::Suppliers => "supplierCreatedDateTimeOffsetGreaterThan",
            _ => "createdDateTimeOffsetGreaterThan",
        };
        let (changed, created) =
            match (after("lastChangedDateTimeOffsetGreaterThan"), after(created_filter)) {
                (Ok(changed), Ok(created)) => (changed, created),
                (Err(message), _) | (_, Err(message)) => return bad(message),
            };
        let list = |name: &str| -> Option<Vec<String>> {
            request
                .param_any_case(name)
                .filter(|text| !text.is_empty())
                .map(|text| text.split(',').map(|item| item.trim().to_owned()).collect())
        };
        let one_of = filters(kind);
        let wanted: Vec<(&str, Vec<String>)> =
            one_of.iter().filter_map(|(name, property)| Some((*property, list(name)?))).collect();
        let later = |record: &Value, property: &str, limit: Option<Timestamp>| {
            // Strictly greater.
            limit.is_none_or(|limit| {
                record[property].as_str().and_then(time::parse).is_some_and(|at| at > limit)
            })
        };
        let no_archived = request
            .param_any_case("excludeArchivedProject")
            .is_some_and(|word| word.eq_ignore_ascii_case("true"));
        let mut found: Vec<Value> = Vec::new();
        for record in self.table(kind).listed(now) {
            if parent.is_some_and(|parent| records::text(&record["SalesOrderId"]) != parent)
                || no_archived && record["ProjectStatus"] == "Archived"
            {
                continue;
            }
            let record = self.shown(kind, record);
            let matches = wanted.iter().all(|(property, values)| {
                let own = records::text(&record[*property]);
                values.iter().any(|value| own.eq_ignore_ascii_case(value))
            });
            let stamp = kind.created_stamps().first().copied();
            if matches
                && later(&record, "LastChangedDateTimeOffset", changed)
                && stamp.is_none_or(|stamp| later(&record, stamp, created))
            {
                found.push(record);
            }
        }
        if let Some(order) = request.param_any_case("OrderBy").filter(|text| !text.is_empty()) {
            let mut words = order.split([' ', ',', '|']).filter(|word| !word.is_empty());
            let Some(property) = words.next().and_then(|word| kind.property(word)) else {
                return bad(format!("OrderBy: '{order}' is not a property."));
            };
            let down = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
            found.sort_by(|a, b| {
                let order = match (a[property].as_f64(), b[property].as_f64()) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    _ => records::text(&a[property]).cmp(&records::text(&b[property])),
                };
                if down { order.reverse() } else { order }
            });
        }
        let fields = list("Fields");
        let rows: Vec<Value> = found
            .into_iter()
            .skip((page - 1) * size)
            .take(size)
            .map(|record| match &fields {
                None => record,
                Some(fields) => {
                    let shown = fields.iter().filter_map(|name| kind.property(name));
                    Value::Object(
                        shown.map(|name| (name.to_owned(), record[name].clone())).collect(),
                    )
                }
            })
            .collect();
        // An empty list is 204 without a body.
        if rows.is_empty() {
            return Reply::empty(204);
        }
        Reply::json(200, &Value::Array(rows))
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
        records::text(&record["Id"])
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let kind = Self::kind_of(collection)?;
        let parent = tree::id_of(&records::get(&body, "ContactId"))
            .or_else(|| tree::id_of(&records::get(&body, "PartyId")))
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
        let order = records::text(&records::get(&body, "SalesOrderId"));
        let parent = match kind {
            Kind::ContactPersons => parent.map(|id| id.to_string()),
            Kind::SalesOrderLines if self.table(Kind::SalesOrders).contains(&order) => Some(order),
            Kind::SalesOrderLines => return Err("a line needs the SalesOrderId of an order".into()),
            _ => None,
        };
        let (record, _) = self.store(kind, None, parent.as_deref(), &body, now)?;
        if body["_hasTransactions"] == true {
            self.in_use.insert(records::text(&record["Id"]));
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

/// The filters of a list that take several values, and what each is compared with.
fn filters(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Customers => &[
            ("customerNos", "Number"),
            ("externalImportReference", "ExternalImportReference"),
            ("externalNos", "ExternalNumber"),
        ],
        Kind::Employees => &[
            ("employeeNos", "Number"),
            ("externalImportReference", "ExternalImportReference"),
            ("externalNos", "ExternalNumber"),
        ],
        Kind::ContactPersons => &[("contactIds", "ContactId"), ("externalCodes", "ExternalCode")],
        Kind::Suppliers => &[
            ("supplierNos", "Number"),
            ("externalImportReference", "ExternalImportReference"),
            ("externalNos", "ExternalNumber"),
        ],
        Kind::Departments => &[
            ("codes", "Code"),
            ("name", "Name"),
            ("isActive", "IsActive"),
            ("managerEmployeeNo", "ManagerEmployeeNo"),
        ],
        Kind::Products => &[
            ("codes", "Code"),
            ("names", "Name"),
            ("isArchived", "IsArchived"),
            ("type", "ProductType"),
        ],
        Kind::Projects => &[
            ("projectCodes", "Code"),
            ("name", "Name"),
            ("status", "ProjectStatus"),
            ("projectBillingMethod", "ProjectBillingMethod"),
            ("customerNos", "CustomerNo"),
            ("departmentCodes", "DepartmentCode"),
            ("projectManagerEmployeeNos", "ProjectManagerEmployeeNo"),
        ],
        Kind::SalesOrders => &[
            ("customerNos", "CustomerNo"),
            ("departmentCodes", "DepartmentCode"),
            ("projectCodes", "ProjectCode"),
            ("orderStatus", "SalesOrderStatus"),
        ],
        Kind::SalesOrderLines => &[],
    }
}

/// The vendor's ProblemDetails, with the lower-case keys that its examples have.
fn problem(status: u16, title: &str, detail: &str) -> Reply {
    Reply::json(status, &json!({"type":null,"title":title,"status":status,"detail":detail}))
        .header("content-type", "application/problem+json; charset=utf-8")
}

fn not_found(what: &str, id: &str) -> Reply {
    problem(404, "Object(s) not found", &format!("{what} with id = {id} not found."))
}

fn no_subscription() -> Reply {
    Reply::json(
        401,
        &json!({"statusCode":401,"message":"Access denied due to missing or invalid subscription key."}),
    )
}
