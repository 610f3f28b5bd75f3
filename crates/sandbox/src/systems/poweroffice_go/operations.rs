//! What can be done with a record type and one of its records.

use super::company::PowerOffice;
use super::errors::{not_found, problem, refused};
use super::kind::{Kind, get, text};
use super::trade;
use crate::http::{Act, Reply, Request};
use crate::util::json::{self as tree, PatchError};
use crate::util::time;
use jiff::Timestamp;
use serde_json::Value;

const DEFAULT_PAGE: usize = 5000;
const MAX_PAGE: usize = 20_000;

impl PowerOffice {
    pub(super) fn one(
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

    pub(super) fn create(
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
                let id = text(&record["Id"]);
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
    pub(super) fn unknown_reference(&self, kind: Kind, body: &Value) -> Option<Reply> {
        trade::references(kind).into_iter().find_map(|(name, to)| {
            let id = tree::id_of(&get(body, name))?.to_string();
            (!self.table(to).contains(&id)).then(|| not_found(to.singular(), &id))
        })
    }

    pub(super) fn patch(
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

    pub(super) fn list(
        &self,
        kind: Kind,
        parent: Option<&str>,
        request: &Request,
        now: Timestamp,
    ) -> Reply {
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
            if parent.is_some_and(|parent| text(&record["SalesOrderId"]) != parent)
                || no_archived && record["ProjectStatus"] == "Archived"
            {
                continue;
            }
            let record = self.shown(kind, record);
            let matches = wanted.iter().all(|(property, values)| {
                let own = text(&record[*property]);
                // Projects are searched by a part of their name; the others by their values.
                let is_part = kind == Kind::Projects && *property == "Name";
                values.iter().any(|value| match is_part {
                    true => own.to_lowercase().contains(&value.to_lowercase()),
                    false => own.eq_ignore_ascii_case(value),
                })
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
                    _ => text(&a[property]).cmp(&text(&b[property])),
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

/// A confirmed order takes no change but that it is a draft again.
fn locked(kind: Kind, stored: &Value, changed: &Value) -> Option<Reply> {
    let confirmed = |order: &Value| order["SalesOrderStatus"] == "Confirmed";
    (kind == Kind::SalesOrders && confirmed(stored) && confirmed(changed) && stored != changed)
        .then(refused)
}
