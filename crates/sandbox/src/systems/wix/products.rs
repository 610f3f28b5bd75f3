//! Stores Products, catalog v1: filters and sorts are JSON *in a string*, and there is no revision.

use super::Wix;
use super::query::{self, Rules};
use super::refusal::{Refusal, failure};
use crate::http::{Act, Reply, Request};
use crate::util::{json as tree, time};
use jiff::Timestamp;
use serde_json::{Value, json};

const RULES: Rules = Rules {
    fields: &[
        ("id", query::TEXT, true),
        ("name", query::ANY, true),
        ("sku", query::ANY, true),
        ("slug", query::TEXT, false),
        ("visible", query::TEXT, false),
        ("price", query::ANY, true),
        ("numericId", query::ANY, true),
        // That this one can be filtered and sorted by is unverified.
        ("lastUpdated", query::RANGE, true),
        ("createdDate", query::RANGE, true),
    ],
    max_limit: 100,
};

impl Wix {
    pub(super) fn products_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        match (request.method.as_str(), rest) {
            ("POST", ["query"]) => self.query_products(request, now),
            ("GET", [id]) => match self.products.get(id) {
                Some(product) => Reply::json(200, &json!({"product": product})),
                None => not_found(id),
            },
            ("POST", []) => {
                let body = request.json().unwrap_or(Value::Null);
                match self.put_product(&body["product"], now) {
                    Ok(product) => Reply::json(200, &json!({"product": product})).wrote(
                        "products",
                        Act::Create,
                        true,
                    ),
                    Err(refusal) => refusal.reply(),
                }
            }
            ("PATCH", [id]) => {
                let Some(before) = self.products.get(id).cloned() else {
                    return not_found(id);
                };
                let body = request.json().unwrap_or(Value::Null);
                match self.edit_product(id, &body["product"], now) {
                    Ok(product) => Reply::json(200, &json!({"product": product})).wrote(
                        "products",
                        Act::Update,
                        before != product,
                    ),
                    Err(refusal) => refusal.reply(),
                }
            }
            ("DELETE", [id]) => {
                if self.products.remove(id, now) {
                    Reply::json(200, &json!({})).wrote("products", Act::Delete, true)
                } else {
                    not_found(id)
                }
            }
            _ => Reply::json(404, &json!({"message":"","details":{}})),
        }
    }

    fn query_products(&self, request: &Request, now: Timestamp) -> Reply {
        let body = request.json().unwrap_or_else(|| json!({}));
        let mut query = json!({"paging": body["query"]["paging"]});
        if query["paging"]["limit"].is_null() {
            query["paging"]["limit"] = json!(100);
        }
        for part in ["filter", "sort"] {
            match &body["query"][part] {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => match serde_json::from_str::<Value>(text) {
                    Ok(parsed) => query[part] = parsed,
                    Err(_) => {
                        return Refusal::field(
                            format!("query.{part}"),
                            "is not JSON in a string",
                            "FORMAT",
                        )
                        .reply();
                    }
                },
                _ => {
                    return Refusal::field(format!("query.{part}"), "Expected a string", "FORMAT")
                        .reply();
                }
            }
        }
        // Sorts are written {"lastUpdated":"asc"} here.
        if let Value::Array(sorts) = &query["sort"] {
            let sorts: Vec<Value> = sorts
                .iter()
                .flat_map(|sort| sort.as_object().into_iter().flatten())
                .map(|(field, order)| json!({"fieldName":field,"order":order.as_str().unwrap_or("asc").to_uppercase()}))
                .collect();
            query["sort"] = json!(sorts);
        }
        // Hidden products are left out without a word, and not counted, unless they are asked for.
        let hidden = body["includeHiddenProducts"] == true;
        let listed =
            self.products.listed(now).filter(|product| hidden || product["visible"] != false);
        match query::run(&RULES, &query, listed) {
            // The names in metadata are unverified.
            Ok(page) => Reply::json(
                200,
                &json!({"products":page.items,"metadata":{"items":page.items.len(),"offset":page.offset},"totalResults":page.total}),
            ),
            Err(refusal) => refusal.reply(),
        }
    }

    pub(super) fn put_product(&mut self, given: &Value, now: Timestamp) -> Result<Value, Refusal> {
        if given["productType"].as_str().is_some_and(|kind| kind != "physical") {
            return Err(Refusal::field(
                "product.productType",
                "only physical products can be created",
                "ENUM",
            ));
        }
        let (id, stamp, number) = (self.ids.uuid(), time::millis_z(now), self.next_product_number);
        let empty = json!({"id":id,"name":"","slug":"","visible":true,"productType":"physical","description":"","sku":"","weight":0,
            "stock":{"trackInventory":false,"inStock":true},"priceData":{"currency":"NOK","price":0,"discountedPrice":0},
            "additionalInfoSections":[],"ribbons":[],"media":{"items":[]},"customTextFields":[],"manageVariants":false,
            "productOptions":[],"collectionIds":[],"numericId":number.to_string(),"lastUpdated":stamp,"createdDate":stamp});
        let product = changed_product(empty, given)?;
        if tree::filled(&product, "name").is_none() {
            return Err(Refusal::field(
                "product.name",
                "has size 0, expected 1 or more",
                "MIN_LENGTH",
            ));
        }
        self.next_product_number += 1;
        self.products.put(&id, product.clone(), now);
        Ok(product)
    }

    pub(super) fn edit_product(
        &mut self,
        id: &str,
        given: &Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let stored = self.products.get(id).cloned().unwrap_or_default();
        let mut product = changed_product(stored.clone(), given)?;
        if product != stored {
            product["lastUpdated"] = json!(time::millis_z(now));
            self.products.put(id, product.clone(), now);
        }
        Ok(product)
    }
}

/// Takes over what is writable.
fn changed_product(mut product: Value, given: &Value) -> Result<Value, Refusal> {
    let Some(given) = given.as_object() else {
        return Err(Refusal::field("product", "Expected an object", "FORMAT"));
    };
    for (name, value) in given {
        let most = match name.as_str() {
            "name" => 80,
            "description" => 8000,
            "sku" => 40,
            "slug" => 100,
            "visible" | "weight" => 0,
            "priceData" => {
                if let Some(price) = value["price"].as_f64() {
                    product["priceData"]["price"] = json!(price);
                    product["priceData"]["discountedPrice"] = json!(price);
                }
                continue;
            }
            // Read-only or unknown: ignored.
            _ => continue,
        };
        if most > 0 {
            let Some(text) = value.as_str() else {
                return Err(Refusal::field(
                    format!("product.{name}"),
                    "Expected a string",
                    "FORMAT",
                ));
            };
            if text.chars().count() > most || (name == "name" && text.trim().is_empty()) {
                return Err(Refusal::field(
                    format!("product.{name}"),
                    format!("has a size outside 1 to {most}"),
                    "MAX_LENGTH",
                ));
            }
        }
        product[name.as_str()] = value.clone();
    }
    if tree::filled(&product, "slug").is_none() {
        let name = product["name"].as_str().unwrap_or_default().to_lowercase();
        let slug: String =
            name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        product["slug"] = json!(slug);
    }
    Ok(product)
}

fn not_found(id: &str) -> Reply {
    failure(404, "PRODUCT_NOT_FOUND", &format!("product {id} was not found"), json!({}))
}
