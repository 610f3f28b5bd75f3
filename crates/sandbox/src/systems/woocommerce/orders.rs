//! Orders: lines, sums, what payment and completion set.

use super::base::{CUSTOMERS, PRODUCTS, Refusal, WooCommerce, refusal, stamp};
use crate::util::json as tree;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

impl WooCommerce {
    pub(super) fn order(
        &mut self,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if let Some(id) = sent.get("customer_id").and_then(Value::as_i64).filter(|id| *id != 0)
            && !self.tables[CUSTOMERS].contains(&id.to_string())
        {
            return Err(refusal(
                400,
                "woocommerce_rest_invalid_customer_id",
                "Customer ID is invalid.",
            ));
        }
        for (name, value) in sent {
            match name.as_str() {
                "set_paid" | "line_items" | "shipping_lines" | "fee_lines" => {}
                "billing" | "shipping" => tree::merge(&mut record[name.as_str()], value, false),
                _ => record[name.as_str()] = value.clone(),
            }
        }
        for name in ["line_items", "shipping_lines", "fee_lines"] {
            if let Some(lines) = sent.get(name) {
                self.lines(record, name, lines)?;
            }
        }
        sums(record);
        if sent.get("set_paid").is_some_and(|paid| *paid == true) && record["date_paid"].is_null() {
            record["status"] = json!("processing");
        }
        let status = record["status"].as_str().unwrap_or_default().to_owned();
        if before.is_none_or(|before| before["status"] != status.as_str()) {
            if matches!(status.as_str(), "processing" | "completed")
                && record["date_paid"].is_null()
            {
                stamp(record, "date_paid", Some(now));
            }
            if status == "completed" {
                stamp(record, "date_completed", Some(now));
            }
        }
        Ok(())
    }

    /// Lines that are there go by their id, others are added; a quantity of 0, or a name that is
    /// null, takes one away.
    fn lines(&mut self, record: &mut Value, name: &str, sent: &Value) -> Result<(), Refusal> {
        let mut lines = record[name].as_array().cloned().unwrap_or_default();
        for one in sent.as_array().into_iter().flatten() {
            let known = one["id"]
                .as_i64()
                .map(|id| lines.iter().position(|line| line["id"].as_i64() == Some(id)));
            let place = match known {
                Some(None) => {
                    return Err(refusal(
                        400,
                        "woocommerce_rest_invalid_item_id",
                        "Order item ID provided is not associated with order.",
                    ));
                }
                Some(place) => place,
                None => None,
            };
            let dropped = one["quantity"] == 0
                || ["product_id", "name", "method_id"]
                    .iter()
                    .any(|name| one.get(*name).is_some_and(Value::is_null));
            if let (Some(place), true) = (place, dropped) {
                lines.remove(place);
                continue;
            }
            let mut line =
                place.map_or_else(|| json!({"id": 0, "name": ""}), |place| lines[place].clone());
            let made = match name {
                "line_items" => self.item(&mut line, one, place.is_none())?,
                "shipping_lines" => {
                    other_line(&mut line, one, &[("method_title", ""), ("method_id", "")])?
                }
                _ => other_line(
                    &mut line,
                    one,
                    &[("name", ""), ("tax_class", ""), ("tax_status", "taxable")],
                )?,
            };
            match place {
                Some(place) => lines[place] = made,
                None => {
                    let mut made = made;
                    made["id"] = json!(self.count(3));
                    lines.push(made);
                }
            }
        }
        record[name] = json!(lines);
        Ok(())
    }

    fn item(&self, line: &mut Value, sent: &Value, new: bool) -> Result<Value, Refusal> {
        let by_sku = sent["sku"].as_str().filter(|sku| !sku.is_empty());
        let product = match (sent["product_id"].as_i64().filter(|id| *id != 0), by_sku) {
            (Some(id), _) => self.tables[PRODUCTS].get(&id.to_string()),
            (None, Some(sku)) => self.tables[PRODUCTS]
                .find(&format!("sku:{}", sku.to_lowercase()))
                .next()
                .and_then(|id| self.tables[PRODUCTS].get(id)),
            (None, None) => None,
        };
        if product.is_none() && new {
            return Err(refusal(
                400,
                "woocommerce_rest_required_product_reference",
                "Product ID or SKU is required.",
            ));
        }
        if let Some(product) = product {
            line["name"] = product["name"].clone();
            line["product_id"] = product["id"].clone();
            line["sku"] = product["sku"].clone();
            line["_price"] = json!(money(&product["price"]));
        }
        for (name, empty) in [
            ("variation_id", json!(0)),
            ("quantity", json!(1)),
            ("tax_class", json!("")),
            ("meta_data", json!([])),
        ] {
            match sent.get(name) {
                Some(value) => line[name] = value.clone(),
                None if line.get(name).is_none() => line[name] = empty,
                None => {}
            }
        }
        if let Some(name) = sent["name"].as_str() {
            line["name"] = json!(name);
        }
        let quantity = line["quantity"].as_f64().unwrap_or(0.0);
        let listed = line
            .as_object_mut()
            .and_then(|line| line.remove("_price"))
            .and_then(|price| price.as_f64());
        let subtotal = match (sent.get("subtotal"), listed) {
            (Some(subtotal), _) => money(subtotal),
            (None, Some(price)) => price * quantity,
            (None, None) => money(&line["price"]) * quantity,
        };
        let total = sent.get("total").map_or(subtotal, money);
        line["subtotal"] = amount(subtotal);
        line["total"] = amount(total);
        for name in ["subtotal_tax", "total_tax"] {
            line[name] = json!("0.00");
        }
        line["taxes"] = json!([]);
        line["price"] = json!(if quantity == 0.0 { 0.0 } else { total / quantity });
        Ok(line.clone())
    }

    /// Whether an order has a line of this product.
    pub(super) fn sells(order: &Value, product: i64) -> bool {
        order["line_items"].as_array().is_some_and(|lines| {
            lines.iter().any(|line| line["product_id"].as_i64() == Some(product))
        })
    }
}

fn other_line(line: &mut Value, sent: &Value, names: &[(&str, &str)]) -> Result<Value, Refusal> {
    for (name, empty) in names {
        match sent.get(*name) {
            Some(value) => line[*name] = value.clone(),
            None if line.get(*name).is_none() => line[*name] = json!(empty),
            None => {}
        }
    }
    if let Some(total) = sent.get("total") {
        line["total"] = amount(money(total));
    } else if line.get("total").is_none() {
        line["total"] = json!("0.00");
    }
    line["total_tax"] = json!("0.00");
    line["taxes"] = json!([]);
    line["meta_data"] = sent.get("meta_data").cloned().unwrap_or_else(|| json!([]));
    Ok(line.clone())
}

fn sums(record: &mut Value) {
    let of = |name: &str, property: &str| -> f64 {
        record[name].as_array().into_iter().flatten().map(|line| money(&line[property])).sum()
    };
    let (items, full) = (of("line_items", "total"), of("line_items", "subtotal"));
    let (shipping, fees) = (of("shipping_lines", "total"), of("fee_lines", "total"));
    record["shipping_total"] = amount(shipping);
    record["discount_total"] = amount(full - items);
    record["total"] = amount(items + shipping + fees);
}

/// An amount, written as text or as a number.
fn money(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.trim().parse().unwrap_or(0.0),
        other => other.as_f64().unwrap_or(0.0),
    }
}

/// Text with two decimals.
fn amount(amount: f64) -> Value {
    json!(format!("{:.2}", if amount == 0.0 { 0.0 } else { amount }))
}
