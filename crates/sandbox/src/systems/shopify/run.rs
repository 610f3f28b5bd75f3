//! Carrying a request out: fields one below the other, lists in pages, mutations one after the other.

use super::base::{
    COMPANY, CUSTOMER, DRAFT, KINDS, ORDER, PRODUCT, Refused, Shopify, VARIANT, amount, id_of,
    kind, number,
};
use super::orders::{CURRENCY, bag};
use super::parse::{Definition, Document, Field, Literal, Selection, Type};
use super::products::without_tags;
use super::schema::{arguments, coded, error, named};
use super::search::{Search, Term};
use crate::util::base64;
use crate::util::json as tree;
use crate::util::text::email_key;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The longest page.
const PAGE: u64 = 250;

pub(super) struct Run<'a> {
    pub shop: &'a mut Shopify,
    pub document: &'a Document,
    pub variables: &'a Map<String, Value>,
    pub now: Timestamp,
    pub errors: Vec<Value>,
    /// What was found odd about filters.
    pub searches: Vec<Value>,
    /// Points.
    pub spent: u64,
}

/// The answer is an error, and there is no data.
pub(super) struct Failed;

/// A record in a list: by what it is sorted, and its number.
type Sorted = ((String, u64), Value);

impl Run<'_> {
    pub fn object(
        &mut self,
        on: &'static Definition,
        record: &Value,
        below: &[Selection],
        path: &[String],
    ) -> Result<Map<String, Value>, Failed> {
        let mut all = Map::new();
        for selection in below {
            let inner = match selection {
                Selection::Field(field) => {
                    if !self.wanted(field) {
                        continue;
                    }
                    let path = [path, std::slice::from_ref(&field.alias)].concat();
                    let value = self.field(on, record, field, &path)?;
                    all.insert(field.alias.clone(), value);
                    continue;
                }
                Selection::Inline(name, below) => (name.as_deref(), below.as_slice()),
                Selection::Spread(name) => {
                    match self.document.fragments.iter().find(|one| one.0 == *name) {
                        Some((_, on, below)) => (Some(on.as_str()), below.as_slice()),
                        None => continue,
                    }
                }
            };
            if inner.0.is_none_or(|name| name == on.name || name == "Node") {
                all.extend(self.object(on, record, inner.1, path)?);
            }
        }
        Ok(all)
    }

    /// `@include` and `@skip`.
    fn wanted(&self, field: &Field) -> bool {
        field.directives.iter().all(|(name, args)| {
            let value = args
                .iter()
                .find(|(name, _)| name == "if")
                .and_then(|(_, one)| Literal::with(one, self.variables));
            match name.as_str() {
                "include" => value == Some(json!(true)),
                "skip" => value != Some(json!(true)),
                _ => true,
            }
        })
    }

    fn field(
        &mut self,
        on: &'static Definition,
        record: &Value,
        field: &Field,
        path: &[String],
    ) -> Result<Value, Failed> {
        if field.name == "__typename" {
            return Ok(json!(on.name));
        }
        let Some(known) = on.field(&field.name) else { return Ok(Value::Null) };
        let args = match arguments(known, field, self.variables) {
            Ok(args) => Value::Object(args),
            Err(wrong) => {
                self.errors.push(wrong);
                return Err(Failed);
            }
        };
        let raw = match on.name.as_str() {
            "QueryRoot" => self.root(&field.name, &args, field, path),
            "Mutation" => {
                self.spent += 10;
                self.mutate(&field.name, &args)
            }
            _ => self.shop.computed(on.name.as_str(), record, &field.name, &args),
        };
        let raw = if known.of.name().ends_with("Connection") {
            self.spent += 2;
            let all = self.sorted(raw, &args);
            match self.page(all, &args) {
                Ok(page) => page,
                Err(message) => {
                    let mut wrong = coded(error(message, field.at), "BAD_REQUEST", json!({}));
                    wrong["path"] = json!(path);
                    self.errors.push(wrong);
                    return Err(Failed);
                }
            }
        } else {
            raw
        };
        self.complete(&known.of, raw, field, path)
    }

    fn complete(
        &mut self,
        of: &Type,
        raw: Value,
        field: &Field,
        path: &[String],
    ) -> Result<Value, Failed> {
        match of {
            Type::List(inner, _) => match raw {
                Value::Array(all) => {
                    let mut out = Vec::new();
                    for (n, one) in all.into_iter().enumerate() {
                        let path = [path, &[n.to_string()]].concat();
                        out.push(self.complete(inner, one, field, &path)?);
                    }
                    Ok(Value::Array(out))
                }
                _ => Ok(Value::Null),
            },
            Type::Named(name, _) => {
                let Some(mut on) = named(name).filter(|one| !one.fields.is_empty()) else {
                    return Ok(raw);
                };
                // What is named by its id is looked up.
                let record = match &raw {
                    Value::String(gid) => self.shop.record(gid).cloned().unwrap_or_default(),
                    _ => raw,
                };
                if record.is_null() {
                    return Ok(Value::Null);
                }
                if on.kind == "interface" {
                    let concrete = kind(id_of(&record)).and_then(|at| named(KINDS[at].0));
                    on = concrete.unwrap_or(on);
                }
                let counts = !["Connection", "Edge", "PageInfo", "Payload"]
                    .iter()
                    .any(|end| on.name.ends_with(end));
                self.spent += u64::from(counts);
                Ok(Value::Object(self.object(on, &record, &field.below, path)?))
            }
        }
    }

    fn root(&mut self, name: &str, args: &Value, field: &Field, path: &[String]) -> Value {
        let single = [
            ("customer", CUSTOMER),
            ("product", PRODUCT),
            ("productVariant", VARIANT),
            ("order", ORDER),
            ("draftOrder", DRAFT),
            ("company", COMPANY),
        ];
        if let Some((_, at)) = single.iter().find(|(known, _)| *known == name) {
            let gid = args["id"].as_str().unwrap_or_default();
            if kind(gid) != Some(*at) {
                let mut wrong = coded(
                    error(format!("Invalid id: {gid}"), field.at),
                    "RESOURCE_NOT_FOUND",
                    json!({}),
                );
                wrong["path"] = json!(path);
                self.errors.push(wrong);
                return Value::Null;
            }
            return json!(gid);
        }
        let lists = [
            ("customers", CUSTOMER),
            ("products", PRODUCT),
            ("productVariants", VARIANT),
            ("orders", ORDER),
            ("draftOrders", DRAFT),
            ("companies", COMPANY),
        ];
        if let Some((_, at)) = lists.iter().find(|(known, _)| *known == name) {
            return self.found(*at, args, path);
        }
        match name {
            "shop" => shop(),
            "webhookSubscriptions" => self.shop.subscriptions(args),
            "node" => args["id"].clone(),
            "nodes" => args["ids"].clone(),
            "currentAppInstallation" => {
                let scopes: Vec<Value> = super::base::SCOPES
                    .iter()
                    .map(|one| json!({"handle": one, "description": one.replace('_', " ")}))
                    .collect();
                json!({"id": "gid://shopify/AppInstallation/1", "accessScopes": scopes})
            }
            "customerByIdentifier" => {
                let by = &args["identifier"];
                let key = match (by["emailAddress"].as_str(), by["phoneNumber"].as_str()) {
                    (Some(email), _) => format!("email:{}", email_key(email)),
                    (_, Some(phone)) => format!("phone:{phone}"),
                    _ => return by["id"].clone(),
                };
                self.shop
                    .with_key(CUSTOMER, &key)
                    .first()
                    .map_or(Value::Null, |one| one["id"].clone())
            }
            _ => Value::Null,
        }
    }

    /// The records of a kind that pass a filter: what the index knows, which is behind what is
    /// stored.
    fn found(&mut self, at: usize, args: &Value, path: &[String]) -> Value {
        let text = args["query"].as_str().unwrap_or_default();
        if text.trim().is_empty() {
            return Value::Array(self.shop.tables[at].current().cloned().collect());
        }
        let search = Search::of(text);
        let probe = json!({});
        let odd: Vec<Value> = search
            .fields()
            .into_iter()
            .filter(|field| {
                let term = Term { field: Some((*field).to_owned()), comparator: String::new(), value: String::new(), quoted: false };
                self.shop.holds(at, &probe, &term, self.now).is_none()
            })
            .map(|field| json!({"field": field, "message": "Invalid search field for this query.", "code": "invalid_field"}))
            .collect();
        if !odd.is_empty() {
            self.searches.push(json!({"path": path, "query": text, "parsed": {}, "warnings": odd}));
        }
        let now = self.now;
        let shop = &*self.shop;
        let all = shop.tables[at].listed(now).filter(|record| {
            search.passes(&|term| shop.holds(at, record, term, now)).unwrap_or(true)
        });
        Value::Array(all.cloned().collect())
    }

    fn sorted(&self, raw: Value, args: &Value) -> Vec<Sorted> {
        let key = args["sortKey"].as_str();
        let all = match raw {
            Value::Array(all) => all,
            _ => Vec::new(),
        };
        let by = |(n, record): (usize, &Value)| match key {
            // Lists that have no order of their own keep the one in which they are.
            None => (format!("{n:09}"), 0),
            Some(key) => {
                let number = number(id_of(record)).parse().unwrap_or_default();
                (sort_value(record, key), number)
            }
        };
        let mut all: Vec<Sorted> =
            all.into_iter().enumerate().map(|(n, record)| (by((n, &record)), record)).collect();
        all.sort_by(|one, two| one.0.cmp(&two.0));
        if args["reverse"] == true {
            all.reverse();
        }
        all
    }

    fn page(&self, all: Vec<Sorted>, args: &Value) -> Result<Value, String> {
        let (first, last) = (args["first"].as_u64(), args["last"].as_u64());
        let size = match (first, last) {
            (None, None) => return Err("you must provide one of first or last".into()),
            (Some(_), Some(_)) => {
                return Err("providing both first and last is not supported".into());
            }
            (Some(size), _) | (_, Some(size)) if size > PAGE => {
                let name = if first.is_some() { "first" } else { "last" };
                return Err(format!(
                    "{name} cannot exceed {PAGE}. To query larger amounts of data with fewer limits, bulk operations are recommended."
                ));
            }
            (Some(size), _) | (_, Some(size)) => size as usize,
        };
        let down = args["reverse"] == true;
        let cursor = |name: &str| match args[name].as_str() {
            None => Ok(None),
            Some(text) => opened(text)
                .map(Some)
                .ok_or_else(|| "Invalid cursor for current pagination sort.".to_owned()),
        };
        let (after, before) = (cursor("after")?, cursor("before")?);
        let behind =
            |one: &(String, u64), two: &(String, u64)| if down { one < two } else { one > two };
        let start = after.map_or(0, |after| {
            all.iter().position(|one| behind(&one.0, &after)).unwrap_or(all.len())
        });
        let end = before
            .map_or(all.len(), |before| {
                all.iter().position(|one| !behind(&before, &one.0)).unwrap_or(all.len())
            })
            .max(start);
        let (start, end) = match first {
            Some(_) => (start, end.min(start + size)),
            None => (start.max(end.saturating_sub(size)), end),
        };
        let edges: Vec<Value> = all[start..end]
            .iter()
            .map(|(key, record)| json!({"cursor": sealed(key), "node": record}))
            .collect();
        let nodes: Vec<Value> = all[start..end].iter().map(|(_, record)| record.clone()).collect();
        let info = json!({"hasNextPage": end < all.len(), "hasPreviousPage": start > 0,
            "startCursor": edges.first().map(|one| one["cursor"].clone()), "endCursor": edges.last().map(|one| one["cursor"].clone())});
        Ok(json!({"edges": edges, "nodes": nodes, "pageInfo": info}))
    }

    fn mutate(&mut self, name: &str, args: &Value) -> Value {
        let now = self.now;
        let shop = &mut *self.shop;
        let id = |value: &Value| value["id"].as_str().map(str::to_owned);
        let of = |value: &Value| id(value).unwrap_or_default();
        let wrap =
            |key: &str, outcome: Result<String, Refused>| payload(key, outcome.map(Value::from));
        let input = &args["input"];
        match name {
            "customerCreate" if input.get("id").is_some_and(|id| !id.is_null()) => payload(
                "customer",
                Err(vec![(vec!["id".into()], "Cannot specify ID on creation".into())]),
            ),
            "customerCreate" => wrap("customer", shop.store_customer(None, input, now)),
            "customerUpdate" => match id(input) {
                Some(gid) => wrap("customer", shop.store_customer(Some(&gid), input, now)),
                None => payload(
                    "customer",
                    Err(vec![(vec!["id".into()], "Customer does not exist".into())]),
                ),
            },
            "customerDelete" => wrap("deletedCustomerId", shop.delete_customer(&of(input), now)),
            "customerAddressCreate" => payload("address", shop.add_address(args, now)),
            "customerAddressUpdate" => payload("address", shop.change_address(args, now)),
            "customerAddressDelete" => payload("deletedAddressId", shop.drop_address(args, now)),
            "customerUpdateDefaultAddress" => payload("customer", shop.default_address(args, now)),
            "productCreate" | "productUpdate" => {
                let sent = if args["product"].is_null() { input } else { &args["product"] };
                let gid = (name == "productUpdate").then(|| of(sent));
                wrap("product", shop.store_product(gid.as_deref(), sent, now))
            }
            "productDelete" => wrap("deletedProductId", shop.delete_product(&of(input), now)),
            "productVariantsBulkUpdate" => match shop.change_variants(args, now) {
                Ok(mut done) => {
                    done["userErrors"] = json!([]);
                    done
                }
                refused => payload("product", refused),
            },
            "draftOrderCreate" => wrap("draftOrder", shop.store_draft(None, input, now)),
            "draftOrderUpdate" => wrap("draftOrder", shop.store_draft(Some(&of(args)), input, now)),
            "draftOrderDelete" => wrap("deletedId", shop.delete_draft(&of(input), now)),
            "draftOrderComplete" => wrap("draftOrder", shop.complete_draft(args, now)),
            "orderUpdate" => wrap("order", shop.update_order(input, now)),
            "companyCreate" => wrap("company", shop.store_company(None, &input["company"], now)),
            "companyUpdate" => {
                let gid = args["companyId"].as_str().unwrap_or_default().to_owned();
                wrap("company", shop.store_company(Some(&gid), input, now))
            }
            "companyDelete" => wrap("deletedCompanyId", shop.delete_company(&of(args), now)),
            "webhookSubscriptionCreate" => {
                payload("webhookSubscription", shop.subscribe(args, now))
            }
            "webhookSubscriptionDelete" => {
                wrap("deletedWebhookSubscriptionId", shop.unsubscribe(&of(args)))
            }
            _ => Value::Null,
        }
    }
}

/// The answer of a mutation: what it made, or why it made nothing.
fn payload(key: &str, outcome: Result<Value, Refused>) -> Value {
    let mut all = match outcome {
        Ok(value) => json!({key: value, "userErrors": []}),
        Err(refused) => {
            let errors: Vec<Value> = refused
                .into_iter()
                .map(|(field, message)| json!({"field": if field.is_empty() { Value::Null } else { json!(field) }, "message": message, "code": null}))
                .collect();
            json!({key: null, "userErrors": errors})
        }
    };
    all["shop"] = shop();
    all
}

fn shop() -> Value {
    json!({"id": "gid://shopify/Shop/60123456789", "name": "Fjellheim Husflid", "email": "butikk@example.com", "myshopifyDomain": super::base::DOMAIN,
        "currencyCode": CURRENCY, "ianaTimezone": "Europe/Oslo"})
}

/// The shop by the older interface.
pub(super) fn older_shop() -> crate::http::Reply {
    let mut shop = shop();
    shop["id"] = json!(60_123_456_789_u64);
    let older = json!({"id": shop["id"], "name": shop["name"], "email": shop["email"], "currency": shop["currencyCode"],
        "myshopify_domain": shop["myshopifyDomain"], "iana_timezone": shop["ianaTimezone"]});
    crate::http::Reply::json(200, &json!({"shop": older}))
}

fn sealed(key: &(String, u64)) -> String {
    let cursor = json!({"last_id": key.1, "last_value": key.0});
    base64::encode(cursor.to_string().as_bytes())
}

fn opened(text: &str) -> Option<(String, u64)> {
    let cursor: Value = serde_json::from_slice(&base64::decode(text)?).ok()?;
    Some((cursor["last_value"].as_str()?.to_owned(), cursor["last_id"].as_u64()?))
}

fn sort_value(record: &Value, key: &str) -> String {
    let padded = |name: &str| format!("{:012}", record[name].as_u64().unwrap_or_default());
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_lowercase();
    match key {
        "UPDATED_AT" => text("updatedAt"),
        "CREATED_AT" => text("createdAt"),
        "PROCESSED_AT" => text("processedAt"),
        "PUBLISHED_AT" => text("publishedAt"),
        "TITLE" | "FULL_TITLE" => text("title"),
        "VENDOR" => text("vendor"),
        "PRODUCT_TYPE" => text("productType"),
        "SKU" => text("sku"),
        "STATUS" => text("status"),
        "PO_NUMBER" => text("poNumber"),
        "NAME" if !record["name"].is_null() => text("name"),
        "NAME" => format!("{} {}", text("lastName"), text("firstName")),
        "POSITION" => padded("position"),
        "ORDER_NUMBER" => padded("number"),
        _ => String::new(),
    }
}

impl Shopify {
    /// Whether a term of a filter is true of a record; `None` where the kind has no such filter.
    fn holds(&self, at: usize, record: &Value, term: &Term, now: Timestamp) -> Option<bool> {
        let text = |name: &str| Some(term.text(record[name].as_str().unwrap_or_default()));
        let time = |name: &str| Some(term.time(record[name].as_str().unwrap_or_default(), now));
        let Some(field) = term.field.as_deref() else {
            let names = [
                "firstName",
                "lastName",
                "email",
                "phone",
                "title",
                "vendor",
                "sku",
                "barcode",
                "name",
                "note",
            ];
            return Some(
                names.iter().any(|name| record[*name].as_str().is_some_and(|held| term.text(held))),
            );
        };
        match (field, at) {
            ("id", _) => Some(term.number(number(id_of(record)).parse().unwrap_or_default())),
            ("updated_at", _) => time("updatedAt"),
            ("created_at", CUSTOMER | PRODUCT | ORDER | DRAFT | COMPANY)
            | ("customer_date", CUSTOMER) => time("createdAt"),
            ("processed_at", ORDER) => time("processedAt"),
            ("published_at", PRODUCT) => time("publishedAt"),
            ("email", CUSTOMER | ORDER) => text("email"),
            ("phone", CUSTOMER) => text("phone"),
            ("first_name", CUSTOMER) => text("firstName"),
            ("last_name", CUSTOMER) => text("lastName"),
            ("state", CUSTOMER) => text("state"),
            ("country", CUSTOMER) => {
                let address = &record["addresses"][0];
                Some(
                    ["country", "countryCodeV2"]
                        .iter()
                        .any(|name| address[*name].as_str().is_some_and(|held| term.text(held))),
                )
            }
            ("orders_count", CUSTOMER) => {
                let key = format!("customer:{}", id_of(record));
                Some(term.number(self.with_key(ORDER, &key).len() as f64))
            }
            _ => self.holds_of_goods(at, record, field, term),
        }
    }

    /// The same of filters about products, and about what is ordered.
    fn holds_of_goods(&self, at: usize, record: &Value, field: &str, term: &Term) -> Option<bool> {
        let text = |name: &str| Some(term.text(record[name].as_str().unwrap_or_default()));
        let of = |value: &str| term.value == value || term.value == number(value);
        match (field, at) {
            ("title" | "handle" | "vendor", PRODUCT) | ("title" | "sku" | "barcode", VARIANT) => {
                text(field)
            }
            ("product_type", PRODUCT) => text("productType"),
            ("status", PRODUCT | DRAFT) => text("status"),
            ("sku" | "barcode", PRODUCT) => Some(
                self.variants_of(id_of(record))
                    .iter()
                    .any(|one| term.text(one[field].as_str().unwrap_or_default())),
            ),
            ("product_id", VARIANT) => Some(of(record["product"].as_str().unwrap_or_default())),
            ("name", ORDER | COMPANY) => text("name"),
            ("external_id", COMPANY) => text("externalId"),
            ("po_number", ORDER) => text("poNumber"),
            ("financial_status", ORDER) => text("displayFinancialStatus"),
            ("fulfillment_status", ORDER) => text("displayFulfillmentStatus"),
            ("customer_id", ORDER | DRAFT) => {
                Some(of(record["customer"].as_str().unwrap_or_default()))
            }
            ("tag" | "tag_not", CUSTOMER | PRODUCT | ORDER | DRAFT) => {
                let wanted: Vec<String> = term.value.split(',').map(email_key).collect();
                let has = record["tags"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .any(|tag| wanted.contains(&email_key(tag)));
                Some(has == (field == "tag"))
            }
            _ => None,
        }
    }

    /// A field of a record that is not kept as it is shown.
    fn computed(&self, on: &str, record: &Value, name: &str, args: &Value) -> Value {
        match (on, name) {
            (_, "legacyResourceId") => json!(number(id_of(record))),
            ("Customer", _) => self.of_customer(record, name, args),
            ("Product", "variants") => Value::Array(self.variants_of(id_of(record))),
            ("Product", "variantsCount") => {
                json!({"count": self.variants_of(id_of(record)).len(), "precision": "EXACT"})
            }
            ("Product", "description") => {
                json!(without_tags(record["descriptionHtml"].as_str().unwrap_or_default()))
            }
            ("Product", "totalInventory") | ("ProductVariant", "inventoryQuantity") => json!(0),
            ("Product", "hasOnlyDefaultVariant") => {
                json!(self.variants_of(id_of(record)).len() == 1)
            }
            ("Product", "isGiftCard") => json!(false),
            ("ProductVariant", "availableForSale") => json!(true),
            ("ProductVariant", "displayName") => {
                let product = record["product"].as_str().and_then(|gid| self.record(gid));
                let title = product.and_then(|one| one["title"].as_str()).unwrap_or_default();
                json!(format!("{title} - {}", record["title"].as_str().unwrap_or_default()))
            }
            (
                "Order" | "DraftOrder",
                "totalPriceSet" | "subtotalPriceSet" | "currentTotalPriceSet",
            ) => bag(total(record)),
            // Prices are with tax.
            ("Order" | "DraftOrder", "totalTaxSet" | "currentTotalTaxSet") => {
                bag(total(record) / 5.0)
            }
            ("Order" | "DraftOrder", "currencyCode") => json!(CURRENCY),
            ("Order", "closed") => json!(!record["closedAt"].is_null()),
            ("Order", "taxesIncluded") => json!(true),
            ("LineItem" | "DraftOrderLineItem", "originalUnitPriceSet") => {
                bag(amount(&record["unit"]))
            }
            ("LineItem" | "DraftOrderLineItem", "originalTotalSet" | "discountedTotalSet") => {
                bag(amount(&record["unit"]) * amount(&record["quantity"]))
            }
            ("WebhookSubscription", "callbackUrl") => record["uri"].clone(),
            _ => record[name].clone(),
        }
    }

    fn of_customer(&self, record: &Value, name: &str, args: &Value) -> Value {
        let key = format!("customer:{}", id_of(record));
        let orders = || self.with_key(ORDER, &key);
        let email = &record["email"];
        match name {
            "displayName" => {
                let parts: Vec<&str> = ["firstName", "lastName"]
                    .iter()
                    .filter_map(|name| tree::filled(record, name))
                    .collect();
                let other = ["email", "phone"]
                    .iter()
                    .find_map(|name| tree::filled(record, name))
                    .unwrap_or_default();
                if parts.is_empty() { json!(other) } else { json!(parts.join(" ")) }
            }
            "addresses" => {
                let first = args["first"].as_u64().unwrap_or(PAGE) as usize;
                json!(
                    record["addresses"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .take(first)
                        .collect::<Vec<_>>()
                )
            }
            "addressesV2" => record["addresses"].clone(),
            "defaultAddress" => record["addresses"][0].clone(),
            "defaultEmailAddress" if email.is_null() => Value::Null,
            "defaultEmailAddress" => {
                json!({"emailAddress": email, "marketingState": "NOT_SUBSCRIBED", "validFormat": true})
            }
            "defaultPhoneNumber" if record["phone"].is_null() => Value::Null,
            "defaultPhoneNumber" => {
                json!({"phoneNumber": record["phone"], "marketingState": "NOT_SUBSCRIBED"})
            }
            "verifiedEmail" => json!(true),
            "validEmailAddress" => json!(!email.is_null()),
            "canDelete" => json!(orders().is_empty()),
            "numberOfOrders" => json!(orders().len().to_string()),
            "amountSpent" => {
                let sum: f64 = orders()
                    .into_iter()
                    .filter(|one| one["displayFinancialStatus"] == "PAID")
                    .map(total)
                    .sum();
                bag(sum)["shopMoney"].clone()
            }
            "orders" => json!(orders()),
            _ => record[name].clone(),
        }
    }
}

fn total(record: &Value) -> f64 {
    let lines = record["lineItems"].as_array().into_iter().flatten();
    lines.map(|line| amount(&line["unit"]) * amount(&line["quantity"])).sum()
}
