//! API v1: contact persons as PartyContactPerson, in camelCase, in an envelope, with business
//! errors as HTTP 200.
//!
//! Vendor: PowerOffice/go-api-documentation. Unverified, and chosen: an update takes the record as
//! whole, so a property that is left out is emptied; a single record can be read at
//! `/Customer/{parent}/Contact/{id}/`.

use super::company::PowerOffice;
use super::kind::Kind;
use crate::http::{Act, Reply, Request};
use crate::util::filter::Filter;
use crate::util::json as tree;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// v1 name, v2 name; those that only v1 has stand with an empty v2 name.
const NAMES: &[(&str, &str)] = &[
    ("id", "Id"),
    ("partyId", "ContactId"),
    ("firstName", "FirstName"),
    ("lastName", "LastName"),
    ("emailAddress", "EmailAddress"),
    ("phoneNumber", "PhoneNumber"),
    ("lastChanged", "LastChangedDateTimeOffset"),
    ("isActive", "IsActive"),
    ("externalCode", "ExternalCode"),
    ("partyCustomerCode", ""),
];
const ADDRESS: &[(&str, &str)] = &[
    ("address1", "AddressLine1"),
    ("address2", "AddressLine2"),
    ("zipCode", "ZipCode"),
    ("city", "City"),
    ("residenceCountryCode", "CountryCode"),
];
const MAX_ROWS: usize = 50_000;

impl PowerOffice {
    pub(super) fn v1(&mut self, rest: &[&str], request: &Request, now: Timestamp) -> Reply {
        let word = |text: &str, wanted: &str| text.eq_ignore_ascii_case(wanted);
        match (request.method.as_str(), rest) {
            ("GET", [list]) if word(list, "PartyContactPerson") => self.v1_list(request, now),
            ("POST", [party, parent, contact])
                if word(party, "Customer") && word(contact, "Contact") =>
            {
                self.v1_save(parent, request, now)
            }
            (method @ ("GET" | "DELETE"), [party, parent, contact, id])
                if word(party, "Customer") && word(contact, "Contact") =>
            {
                let Some(person) = self
                    .table(Kind::ContactPersons)
                    .get(id)
                    .filter(|person| person["ContactId"].as_i64() == parent.parse().ok())
                    .cloned()
                else {
                    return refused(
                        "Not found",
                        &format!("Contact person {id} was not found"),
                        "id",
                    );
                };
                if method == "GET" {
                    return Reply::json(
                        200,
                        &json!({"data": self.v1_shape(&person), "success": true}),
                    );
                }
                self.take_away(Kind::ContactPersons, id, now);
                Reply::json(200, &json!({"success": true})).wrote(
                    "ContactPersons",
                    Act::Delete,
                    true,
                )
            }
            ("POST" | "GET" | "DELETE", [party, ..]) if word(party, "Supplier") => {
                refused("Not found", "The sandbox has no suppliers", "parentId")
            }
            _ => Reply::json(404, &json!({"message": "No such resource"})),
        }
    }

    /// Properties without a value are left out.
    fn v1_shape(&self, person: &Value) -> Value {
        let mut shape = Map::new();
        let customer = self
            .table(Kind::Customers)
            .get(&person["ContactId"].to_string())
            .unwrap_or(&Value::Null);
        for (v1, v2) in NAMES {
            let value = match *v1 {
                "partyCustomerCode" => customer["Number"].clone(),
                _ => person[*v2].clone(),
            };
            if !value.is_null() {
                shape.insert((*v1).to_owned(), value);
            }
        }
        for (v1, v2) in ADDRESS {
            let value = person["MailAddress"][*v2].clone();
            if !value.is_null() {
                shape.insert((*v1).to_owned(), value);
            }
        }
        Value::Object(shape)
    }

    fn v1_list(&self, request: &Request, now: Timestamp) -> Reply {
        let filter = match request
            .param("$filter")
            .filter(|text| !text.trim().is_empty())
            .map(Filter::parse)
        {
            None => None,
            Some(Ok(filter)) => Some(filter),
            Some(Err(message)) => return refused("Invalid filter", &message, "$filter"),
        };
        // Filter names are PascalCase although the bodies are camelCase.
        for column in filter.iter().flat_map(Filter::columns) {
            if !NAMES.iter().any(|(v1, _)| pascal(v1) == column) {
                return refused(
                    "Invalid filter",
                    &format!("Could not find a property named '{column}'"),
                    "$filter",
                );
            }
        }
        let order = request.param("$orderby").filter(|text| !text.trim().is_empty());
        let (Ok(skip), Ok(top)) = (request.number("$skip"), request.number("$top")) else {
            return refused("Invalid paging", "$skip and $top must be numbers", "$top");
        };
        if (skip.is_some() || top.is_some()) && order.is_none() {
            return refused("Invalid paging", "$skip and $top need $orderby", "$orderby");
        }
        let mut rows = Vec::new();
        for person in self.table(Kind::ContactPersons).listed(now) {
            let shape = self.v1_shape(person);
            let values = |column: &str| {
                let name =
                    NAMES.iter().find(|(v1, _)| pascal(v1) == column).map_or("", |(v1, _)| *v1);
                shape.get(name).cloned().into_iter().collect()
            };
            match filter.as_ref().map_or(Ok(true), |filter| filter.holds(&values)) {
                Ok(true) => rows.push(shape),
                Ok(false) => {}
                Err(message) => return refused("Invalid filter", &message, "$filter"),
            }
        }
        if let Some(order) = order {
            let mut words = order.split_whitespace();
            let wanted = words.next().unwrap_or_default();
            let Some((name, _)) = NAMES.iter().find(|(v1, _)| pascal(v1) == wanted) else {
                return refused(
                    "Invalid order",
                    &format!("Could not find a property named '{wanted}'"),
                    "$orderby",
                );
            };
            let down = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
            rows.sort_by(|a, b| {
                let order = match (a[*name].as_f64(), b[*name].as_f64()) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    _ => a[*name].as_str().cmp(&b[*name].as_str()),
                };
                if down { order.reverse() } else { order }
            });
        }
        let count = rows.len();
        let page: Vec<Value> =
            rows.into_iter().skip(skip.unwrap_or(0)).take(top.unwrap_or(MAX_ROWS)).collect();
        Reply::json(200, &json!({"data": page, "count": count, "success": true}))
    }

    /// Creates, or updates when the body has an id.
    fn v1_save(&mut self, parent: &str, request: &Request, now: Timestamp) -> Reply {
        let Some(body) = request.json().filter(Value::is_object) else {
            return refused("Invalid body", "A JSON object is expected", "");
        };
        if !self.table(Kind::Customers).contains(parent) {
            return refused("Not found", &format!("Customer {parent} was not found"), "parentId");
        }
        let mut given = json!({});
        for (v1, v2) in NAMES {
            if let Some(value) = body.get(*v1)
                && Kind::ContactPersons.writable(v2)
            {
                given[*v2] = value.clone();
            }
        }
        for (v1, v2) in ADDRESS {
            if let Some(value) = body.get(*v1) {
                given["MailAddress"][*v2] = value.clone();
            }
        }
        let id = tree::id_of(&body["id"]).filter(|id| *id != 0).map(|id| id.to_string());
        if let Some(id) = &id {
            let Some(stored) = self
                .table(Kind::ContactPersons)
                .get(id)
                .filter(|person| person["ContactId"].as_i64() == parent.parse().ok())
            else {
                return refused("Not found", &format!("Contact person {id} was not found"), "id");
            };
            // What v1 does not know of stays.
            for name in ["Title", "IsDefault"] {
                given[name] = stored[name].clone();
            }
        }
        if given["IsActive"].is_null() {
            given["IsActive"] = json!(true);
        }
        let act = if id.is_some() { Act::Update } else { Act::Create };
        match self.store(Kind::ContactPersons, id.as_deref(), Some(parent), &given, now) {
            Ok((person, changed)) => Reply::json(
                200,
                &json!({"data": self.v1_shape(&person), "success": true}),
            )
            .wrote("ContactPersons", act, changed),
            Err(message) => {
                let field = NAMES
                    .iter()
                    .find(|(_, v2)| !v2.is_empty() && message.starts_with(v2))
                    .map_or("", |(v1, _)| v1);
                refused("Validation failed", &message, field)
            }
        }
    }
}

fn pascal(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A business error: HTTP 200, and no data.
fn refused(summary: &str, message: &str, field: &str) -> Reply {
    let fields =
        if field.is_empty() { json!([]) } else { json!([{"field": field, "message": message}]) };
    Reply::json(
        200,
        &json!({"success":false,"validation":{"errorLogReference":"sandbox","summary":format!("{summary}: {message}"),
            "exception":null,"fields":fields}}),
    )
}
