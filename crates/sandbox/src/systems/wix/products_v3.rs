//! Stores Products, catalog v3: revisions, cursors, prices and stock numbers in variants. A site
//! has either this catalog or the first one. Vendor: the typings that the vendor makes from its
//! description (npm, @wix/auto_sdk_stores_products-v-3 1.0.226).
//!
//! Unverified, and what was chosen: a stale revision answers 409; a list of variants is taken only
//! together with `options`, and not the other way round where a product has none; a cursor that
//! comes with a filter or a sort is refused.

use super::Wix;
use super::refusal::{Refusal, failure};
use crate::http::{Act, Reply, Request};
use crate::util::base64;
use crate::util::{json as tree, time};
use jiff::Timestamp;
use serde_json::{Value, json};

const MAX_LIMIT: u64 = 100;
/// What a query may filter by; names and brands are found by searches.
const FILTERS: [&str; 6] = ["id", "handle", "createdDate", "updatedDate", "slug", "visible"];

impl Wix {
    pub(super) fn products_v3_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let body = request.json().unwrap_or(Value::Null);
        let fields = |names: Vec<String>| names.iter().any(|name| name == "PLAIN_DESCRIPTION");
        let in_query = || {
            request
                .query
                .iter()
                .filter(|(name, _)| name == "fields")
                .map(|(_, value)| value.clone())
                .collect()
        };
        let in_body = || {
            let names = body["fields"].as_array().into_iter().flatten();
            names.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        match (request.method.as_str(), rest) {
            ("POST", ["query"]) => {
                match self.query_products_v3(&body["query"], fields(in_body()), now) {
                    Ok(reply) => reply,
                    Err(refusal) => refusal.reply(),
                }
            }
            ("GET", [id]) => match self.products_v3.get(id) {
                Some(product) => {
                    Reply::json(200, &json!({"product": shown(product, fields(in_query()), true)}))
                }
                None => not_found(id),
            },
            ("POST", []) => match self.put_product_v3(&body["product"], now) {
                Ok(product) => {
                    let product = shown(&product, fields(in_body()), true);
                    Reply::json(200, &json!({"product": product})).wrote(
                        "products-v3",
                        Act::Create,
                        true,
                    )
                }
                Err(refusal) => refusal.reply(),
            },
            ("PATCH", [id]) => {
                let Some(before) = self.products_v3.get(id).cloned() else { return not_found(id) };
                if body["product"]["revision"].is_null() {
                    return Refusal::field(
                        "product.revision",
                        "must not be empty",
                        "REQUIRED_FIELD",
                    )
                    .reply();
                }
                let revision = tree::id_of(&body["product"]["revision"]);
                if revision != tree::id_of(&before["revision"]) {
                    return failure(
                        409,
                        "INVALID_REVISION",
                        "the product has been changed since",
                        json!({}),
                    );
                }
                match self.edit_product_v3(id, &body["product"], true, now) {
                    Ok(product) => {
                        let changed = before != product;
                        let product = shown(&product, fields(in_body()), true);
                        Reply::json(200, &json!({"product": product})).wrote(
                            "products-v3",
                            Act::Update,
                            changed,
                        )
                    }
                    Err(refusal) => refusal.reply(),
                }
            }
            ("DELETE", [id]) => match self.products_v3.remove(id, now) {
                true => Reply::json(200, &json!({})).wrote("products-v3", Act::Delete, true),
                false => not_found(id),
            },
            _ => Reply::json(404, &json!({"message":"","details":{}})),
        }
    }

    fn query_products_v3(
        &self,
        query: &Value,
        described: bool,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let limit = query["cursorPaging"]["limit"].as_u64().unwrap_or(MAX_LIMIT);
        if limit == 0 || limit > MAX_LIMIT {
            return Err(Refusal::field(
                "query.cursorPaging.limit",
                "must be from 1 to 100",
                "MAX_VALUE",
            ));
        }
        // A cursor holds the filter, and how many products have been shown.
        let (filter, shown_before) = match query["cursorPaging"]["cursor"].as_str() {
            Some(cursor) => {
                if !query["filter"].is_null() || !query["sort"].is_null() {
                    return Err(Refusal::field(
                        "query.cursorPaging.cursor",
                        "goes without a filter and a sort",
                        "FORMAT",
                    ));
                }
                let opened = base64::decode(cursor)
                    .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
                let opened = opened.ok_or_else(|| {
                    Refusal::field("query.cursorPaging.cursor", "is not valid", "FORMAT")
                })?;
                (opened["filter"].clone(), opened["shown"].as_u64().unwrap_or(0) as usize)
            }
            None => (query["filter"].clone(), 0),
        };
        for (name, _) in filter.as_object().into_iter().flatten() {
            if !FILTERS.contains(&name.as_str()) {
                let told = format!("Field '{name}' is not declared as filterable");
                return Err(Refusal::code(400, "UNSUPPORTED_FILTER_FIELD", told));
            }
        }
        let after = filter["updatedDate"]["$gt"].as_str().and_then(time::parse);
        let changed = |product: &Value| product["updatedDate"].as_str().and_then(time::parse);
        let mut found: Vec<&Value> = self.products_v3.listed(now).collect();
        found.retain(|product| {
            after.is_none_or(|after| changed(product).is_some_and(|at| at > after))
        });
        found.sort_by_key(|product| product["createdDate"].as_str().map(str::to_owned));
        let end = (shown_before + limit as usize).min(found.len());
        let page = &found[shown_before.min(end)..end];
        let more = end < found.len();
        let next = base64::encode(json!({"filter": filter, "shown": end}).to_string().as_bytes());
        let products: Vec<Value> =
            page.iter().map(|product| shown(product, described, false)).collect();
        let cursors = if more { json!({"next": next}) } else { json!({}) };
        Ok(Reply::json(
            200,
            &json!({"products":products,"pagingMetadata":{"count":products.len(),"cursors":cursors,"hasNext":more}}),
        ))
    }

    pub(super) fn put_product_v3(
        &mut self,
        given: &Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let required = |place: &str| {
            Err(Refusal::field(format!("product.{place}"), "must not be empty", "REQUIRED_FIELD"))
        };
        if tree::filled(given, "name").is_none() {
            return required("name");
        }
        match given["productType"].as_str() {
            Some("PHYSICAL") if given["physicalProperties"].is_object() => {}
            Some("DIGITAL") => {}
            Some("PHYSICAL") => return required("physicalProperties"),
            _ => return required("productType"),
        }
        if given["variantsInfo"]["variants"].as_array().is_none_or(Vec::is_empty) {
            return required("variantsInfo.variants");
        }
        let (id, stamp) = (self.ids.uuid(), time::millis_z(now));
        let empty = json!({"id":id,"revision":"1","createdDate":stamp,"updatedDate":stamp,"name":"","slug":"","visible":true,
            "plainDescription":"","productType":given["productType"],"physicalProperties":given["physicalProperties"],
            "options":[],"modifiers":[],"variantsInfo":{"variants":[]}});
        self.products_v3.put(&id, empty, now);
        match self.edit_product_v3(&id, given, false, now) {
            Ok(mut product) => {
                product["revision"] = json!("1");
                self.products_v3.put(&id, product.clone(), now);
                Ok(product)
            }
            Err(refusal) => {
                self.products_v3.remove(&id, now);
                Err(refusal)
            }
        }
    }

    pub(super) fn edit_product_v3(
        &mut self,
        id: &str,
        given: &Value,
        by_api: bool,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let stored = self.products_v3.get(id).cloned().unwrap_or_default();
        let mut product = stored.clone();
        let text = |name: &str, most: usize| -> Result<Option<Value>, Refusal> {
            let Some(value) = given.get(name) else { return Ok(None) };
            match value.as_str() {
                Some(text) if text.chars().count() <= most => Ok(Some(value.clone())),
                Some(_) => Err(Refusal::field(
                    format!("product.{name}"),
                    format!("has a size above {most}"),
                    "MAX_LENGTH",
                )),
                None if value.is_null() => Ok(Some(json!(""))),
                None => {
                    Err(Refusal::field(format!("product.{name}"), "Expected a string", "FORMAT"))
                }
            }
        };
        for (name, most) in [("name", 80), ("plainDescription", 16_000), ("slug", 300)] {
            if let Some(value) = text(name, most)? {
                product[name] = value;
            }
        }
        if product["name"].as_str().is_none_or(|name| name.trim().is_empty()) {
            return Err(Refusal::field(
                "product.name",
                "has size 0, expected 1 or more",
                "MIN_LENGTH",
            ));
        }
        if let Some(visible) = given["visible"].as_bool() {
            product["visible"] = json!(visible);
        }
        if let Some(variants) = given["variantsInfo"]["variants"].as_array() {
            if by_api && !given["options"].is_array() {
                let told = "options and variants must be given together";
                return Err(Refusal::code(400, "VARIANTS_ARE_NOT_ALIGNED_WITH_PRODUCT", told));
            }
            let variants = variants
                .iter()
                .map(|variant| self.variant(variant))
                .collect::<Result<Vec<Value>, Refusal>>()?;
            product["variantsInfo"]["variants"] = json!(variants);
        }
        if tree::filled(&product, "slug").is_none() {
            let name = product["name"].as_str().unwrap_or_default().to_lowercase();
            let slug: String =
                name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
            product["slug"] = json!(slug);
        }
        if product != stored {
            let revision: u64 =
                stored["revision"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
            product["revision"] = json!((revision + 1).to_string());
            product["updatedDate"] = json!(time::millis_z(now));
            self.products_v3.put(id, product.clone(), now);
        }
        Ok(product)
    }

    /// A variant as it is stored: with an id of its own, and a price that is a text.
    fn variant(&mut self, given: &Value) -> Result<Value, Refusal> {
        let mut variant = given.clone();
        let place = |name: &str| format!("product.variantsInfo.variants.{name}");
        let amount = &given["price"]["actualPrice"]["amount"];
        // A number is taken for the text that it is.
        let amount = amount
            .as_str()
            .map(str::to_owned)
            .or_else(|| amount.as_f64().map(|number| number.to_string()));
        match amount.filter(|amount| amount.parse::<f64>().is_ok_and(|number| number >= 0.0)) {
            Some(amount) => variant["price"]["actualPrice"]["amount"] = json!(amount),
            None => {
                return Err(Refusal::field(
                    place("price.actualPrice.amount"),
                    "must be a decimal of 0 or more",
                    "DECIMAL_VALUE",
                ));
            }
        }
        match &given["sku"] {
            Value::Null => {
                if let Some(object) = variant.as_object_mut() {
                    object.remove("sku");
                }
            }
            Value::String(sku) if (1..=40).contains(&sku.chars().count()) => {}
            _ => {
                return Err(Refusal::field(
                    place("sku"),
                    "has a size outside 1 to 40",
                    "MAX_LENGTH",
                ));
            }
        }
        if tree::filled(&variant, "id").is_none() {
            variant["id"] = json!(self.ids.uuid());
        }
        Ok(variant)
    }
}

/// The description is shown where it is asked for; variants are shown with one product alone.
fn shown(product: &Value, described: bool, alone: bool) -> Value {
    let mut product = product.clone();
    if let Some(object) = product.as_object_mut() {
        if !described {
            object.remove("plainDescription");
        }
        if !alone {
            object.remove("variantsInfo");
        }
    }
    product
}

fn not_found(id: &str) -> Reply {
    failure(404, "PRODUCT_NOT_FOUND", &format!("product {id} was not found"), json!({}))
}
