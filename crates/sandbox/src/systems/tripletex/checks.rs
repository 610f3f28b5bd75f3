//! What orders and lines must have, and the sums and prices that follow.

use super::base::{Refusal, Tripletex, invalid};
use super::types::place;
use crate::util::json as tree;
use jiff::Timestamp;
use serde_json::{Value, json};

impl Tripletex {
    pub(super) fn check_order(
        &self,
        own: i64,
        record: &mut Value,
        new: bool,
    ) -> Result<(), Refusal> {
        let missing: Vec<(Value, String)> = ["orderDate", "customer", "deliveryDate"]
            .iter()
            .filter(|name| record[**name].is_null())
            .map(|name| (json!(name), "Kan ikke være null.".to_owned()))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal { developer: Value::Null, validation: missing, ..invalid("", "") });
        }
        let orders = place("order").unwrap_or_default();
        if new && tree::filled(record, "number").is_none() {
            let highest = self.tables[orders]
                .current()
                .filter_map(|order| order["number"].as_str()?.parse::<i64>().ok())
                .max();
            record["number"] = json!((highest.unwrap_or(0) + 1).to_string());
        }
        let number = record["number"].as_str().unwrap_or_default().to_owned();
        if self.tables[orders]
            .other_with(&format!("number:{}", number.to_lowercase()), &own.to_string())
            .is_some()
        {
            return Err(invalid("number", format!("Ordrenummeret {number} er i bruk.")));
        }
        let customers = place("customer").unwrap_or_default();
        let customer = self.record(customers, record["customer"]["id"].as_i64().unwrap_or(0));
        record["customerName"] = customer["name"].clone();
        record["displayName"] =
            json!(format!("{number} {}", customer["name"].as_str().unwrap_or_default()));
        if new {
            for name in ["invoicesDueIn", "invoicesDueInType"] {
                if record[name] == 0 || name == "invoicesDueInType" {
                    record[name] = customer[name].clone();
                }
            }
        }
        Ok(())
    }

    pub(super) fn check_line(&self, record: &mut Value, sent: &Value) -> Result<(), Refusal> {
        if record["order"].is_null() {
            return Err(invalid("order", "Kan ikke være null."));
        }
        let orders = place("order").unwrap_or_default();
        let order = self.record(orders, record["order"]["id"].as_i64().unwrap_or(0));
        if order["isClosed"] == true {
            return Err(invalid("order", "Ordren er fakturert og kan ikke endres."));
        }
        let products = place("product").unwrap_or_default();
        let product = self.record(products, record["product"]["id"].as_i64().unwrap_or(0)).clone();
        if product.is_null() && tree::filled(record, "description").is_none() {
            return Err(invalid("description", "Feltet må fylles ut."));
        }
        let fresh = record["id"] == 0 || sent.get("product").is_some();
        if fresh && !product.is_null() {
            for (name, own) in [
                ("description", "name"),
                ("unitPriceExcludingVatCurrency", "priceExcludingVatCurrency"),
                ("vatType", "vatType"),
            ] {
                if sent.get(name).is_none()
                    && !(name.starts_with("unit")
                        && sent.get("unitPriceIncludingVatCurrency").is_some())
                {
                    record[name] = product[own].clone();
                }
            }
        }
        let rate = 1.0 + self.percentage(record) / 100.0;
        let number = |name: &str| record[name].as_f64().unwrap_or(0.0);
        if sent.get("unitPriceIncludingVatCurrency").is_some()
            && sent.get("unitPriceExcludingVatCurrency").is_none()
        {
            record["unitPriceExcludingVatCurrency"] =
                cents(number("unitPriceIncludingVatCurrency") / rate);
        } else {
            record["unitPriceIncludingVatCurrency"] =
                cents(number("unitPriceExcludingVatCurrency") * rate);
        }
        let net = record["unitPriceExcludingVatCurrency"].as_f64().unwrap_or(0.0)
            * record["count"].as_f64().unwrap_or(0.0)
            * (1.0 - record["discount"].as_f64().unwrap_or(0.0) / 100.0);
        record["amountExcludingVatCurrency"] = cents(net);
        record["amountIncludingVatCurrency"] = cents(net * rate);
        if sent.get("orderedQuantity").is_none() {
            record["orderedQuantity"] = record["count"].clone();
        }
        Ok(())
    }

    /// The order's list of lines follows them.
    pub(super) fn touch_order(&mut self, order: i64, now: Timestamp) {
        let at = place("order").unwrap_or_default();
        let mut record = self.record(at, order).clone();
        if record.is_null() {
            return;
        }
        let lines = json!(self.line_ids(order));
        if record["orderLines"] != lines {
            record["orderLines"] = lines;
            self.tables[at].put(&order.to_string(), record, now);
        }
    }

    /// The price that was sent gives the other one.
    pub(super) fn price(&self, record: &mut Value, sent: &Value) {
        let rate = 1.0 + self.percentage(record) / 100.0;
        let number = |name: &str| record[name].as_f64().unwrap_or(0.0);
        if sent.get("priceIncludingVatCurrency").is_some()
            && sent.get("priceExcludingVatCurrency").is_none()
        {
            record["priceExcludingVatCurrency"] = cents(number("priceIncludingVatCurrency") / rate);
        } else {
            record["priceIncludingVatCurrency"] = cents(number("priceExcludingVatCurrency") * rate);
        }
        record["costPrice"] = record["costExcludingVatCurrency"].clone();
    }

    fn percentage(&self, record: &Value) -> f64 {
        self.tables[place("ledger/vatType").unwrap_or_default()]
            .get(&record["vatType"]["id"].to_string())
            .and_then(|vat| vat["percentage"].as_f64())
            .unwrap_or(0.0)
    }

    pub(super) fn line_ids(&self, order: i64) -> Vec<i64> {
        let at = place("order/orderline").unwrap_or_default();
        let mut ids: Vec<i64> = self.tables[at]
            .find(&format!("order:{order}"))
            .filter_map(|id| id.parse().ok())
            .collect();
        ids.sort_unstable();
        ids
    }
}

pub(super) fn cents(amount: f64) -> Value {
    json!((amount * 100.0).round() / 100.0)
}
