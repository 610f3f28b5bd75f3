//! Draft orders, and orders that are made of them. Prices are without tax on top.

use super::base::{CUSTOMER, DRAFT, ORDER, Refused, Shopify, amount, kind, price, refused, tags};
use super::customers::{set_address, text};
use crate::util::time::seconds_z;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const CURRENCY: &str = "NOK";

/// An amount in the shop's currency and in the buyer's, which is the same one here.
pub(super) fn bag(value: f64) -> Value {
    // Amounts have one decimal at least, and no zero after another.
    // The sum of nothing is -0.0.
    let text = price(value + 0.0);
    let short = text.strip_suffix('0').unwrap_or(&text);
    let money = json!({"amount": short, "currencyCode": CURRENCY});
    json!({"shopMoney": money, "presentmentMoney": money})
}

impl Shopify {
    fn line(&mut self, n: usize, sent: &Value, name: &str) -> Result<Value, Refused> {
        let at = |field: &str| vec!["lineItems".to_owned(), n.to_string(), field.to_owned()];
        let quantity = sent["quantity"].as_i64().unwrap_or(1);
        if quantity < 1 {
            return Err(vec![(
                at("quantity"),
                "Quantity must be greater than or equal to 1".into(),
            )]);
        }
        let variant = match sent["variantId"].as_str() {
            None => None,
            Some(gid) => match self.record(gid).filter(|_| gid.contains("/ProductVariant/")) {
                Some(variant) => Some(variant.clone()),
                None => {
                    return Err(vec![(
                        at("variantId"),
                        format!(
                            "Product with ID {} is no longer available.",
                            super::base::number(gid)
                        ),
                    )]);
                }
            },
        };
        let product =
            variant.as_ref().and_then(|one| self.record(one["product"].as_str()?)).cloned();
        let title = match &product {
            Some(product) => product["title"].clone(),
            None => text(&sent["title"]),
        };
        if title.is_null() {
            return Err(vec![(at("title"), "Title can't be blank".into())]);
        }
        let given = [
            &sent["priceOverride"]["amount"],
            &sent["originalUnitPriceWithCurrency"]["amount"],
            &sent["originalUnitPrice"],
        ];
        // The price of a line of a variant is the variant's, unless it is overridden.
        let unit = match &variant {
            Some(variant) if given[0].is_null() => amount(&variant["price"]),
            _ => given.into_iter().find(|one| !one.is_null()).map_or(0.0, amount),
        };
        let of = |name: &str, otherwise: Value| match &variant {
            Some(variant) => variant[name].clone(),
            None => sent.get(name).cloned().unwrap_or(otherwise),
        };
        Ok(
            json!({"id": self.gid(name), "uuid": self.ids.uuid(), "title": title, "name": title, "quantity": quantity, "currentQuantity": quantity,
            "sku": of("sku", Value::Null), "custom": variant.is_none(), "vendor": product.as_ref().map(|one| one["vendor"].clone()),
            "variantTitle": null, "product": product.as_ref().map(|one| one["id"].clone()), "variant": variant.as_ref().map(|one| one["id"].clone()),
            "taxable": of("taxable", json!(true)), "requiresShipping": sent["requiresShipping"].as_bool().unwrap_or(variant.is_some()),
            "isGiftCard": false, "unit": unit}),
        )
    }

    /// Sets what orders and drafts have in common.
    fn common(&mut self, record: &mut Value, sent: &Value) -> Result<(), Refused> {
        for name in ["email", "phone", "poNumber"] {
            if let Some(value) = sent.get(name) {
                record[name] = text(value);
            }
        }
        if let Some(value) = sent.get("tags") {
            record["tags"] = tags(value);
        }
        if let Some(value) = sent.get("customAttributes") {
            record["customAttributes"] = value.clone();
        }
        for name in ["billingAddress", "shippingAddress"] {
            match sent.get(name) {
                None => {}
                Some(Value::Null) => record[name] = Value::Null,
                Some(value) => {
                    let mut address = json!({"id": self.gid("MailingAddress")});
                    set_address(&mut address, value);
                    record[name] = address;
                }
            }
        }
        Ok(())
    }

    pub(super) fn store_draft(
        &mut self,
        gid: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let before = match gid {
            Some(gid) => match self.record(gid).filter(|_| kind(gid) == Some(DRAFT)) {
                Some(record) => Some(record.clone()),
                None => return refused(&["id"], "Draft order does not exist"),
            },
            None => None,
        };
        let fresh = before.is_none();
        let mut record = before.unwrap_or_else(|| {
            json!({"status": "OPEN", "email": null, "phone": null, "note2": null, "tags": [], "poNumber": null, "taxExempt": false, "completedAt": null,
                "invoiceSentAt": null, "customer": null, "order": null, "billingAddress": null, "shippingAddress": null, "lineItems": [],
                "customAttributes": [], "createdAt": seconds_z(now)})
        });
        if record["status"] == "COMPLETED" {
            return refused(&[], "This order has been paid");
        }
        let customer = [&sent["purchasingEntity"]["customerId"], &sent["customerId"]]
            .into_iter()
            .find_map(Value::as_str);
        if let Some(customer) = customer {
            let Some(known) =
                self.record(customer).filter(|_| kind(customer) == Some(CUSTOMER)).cloned()
            else {
                return refused(&["purchasingEntity", "customerId"], "Customer does not exist");
            };
            record["customer"] = json!(customer);
            if sent.get("email").is_none() && record["email"].is_null() {
                record["email"] = known["email"].clone();
            }
        }
        self.common(&mut record, sent)?;
        if let Some(value) = sent.get("note") {
            record["note2"] = text(value);
        }
        if let Some(value) = sent["taxExempt"].as_bool() {
            record["taxExempt"] = json!(value);
        }
        if let Some(lines) = sent.get("lineItems") {
            let mut all = Vec::new();
            for (n, line) in lines.as_array().into_iter().flatten().enumerate() {
                all.push(self.line(n, line, "DraftOrderLineItem")?);
            }
            record["lineItems"] = json!(all);
        }
        if record["lineItems"].as_array().is_none_or(Vec::is_empty) {
            return refused(&[], "Add at least 1 product");
        }
        if fresh {
            self.drafts += 1;
            record["name"] = json!(format!("#D{}", self.drafts));
            record["id"] = json!(self.gid("DraftOrder"));
        }
        Ok(self.keep(DRAFT, record, now))
    }

    pub(super) fn delete_draft(&mut self, gid: &str, now: Timestamp) -> Result<String, Refused> {
        if kind(gid) != Some(DRAFT) || self.record(gid).is_none() {
            return refused(&["id"], "Draft order does not exist");
        }
        self.drop_record(gid, now);
        Ok(gid.to_owned())
    }

    /// An order of a draft's lines.
    pub(super) fn complete_draft(
        &mut self,
        args: &Value,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let gid = args["id"].as_str().unwrap_or_default();
        let Some(mut draft) = self.record(gid).filter(|_| kind(gid) == Some(DRAFT)).cloned() else {
            return refused(&["id"], "Draft order does not exist");
        };
        if draft["status"] == "COMPLETED" {
            return refused(&[], "This order has been paid");
        }
        let mut lines = draft["lineItems"].clone();
        for line in lines.as_array_mut().into_iter().flatten() {
            line["id"] = json!(self.gid("LineItem"));
        }
        let paid = if args["paymentPending"] == true { "PENDING" } else { "PAID" };
        let order = self.new_order(&draft, &lines, paid, now);
        draft["status"] = json!("COMPLETED");
        draft["completedAt"] = json!(seconds_z(now));
        draft["order"] = json!(order);
        Ok(self.keep(DRAFT, draft, now))
    }

    fn new_order(&mut self, of: &Value, lines: &Value, paid: &str, now: Timestamp) -> String {
        self.orders += 1;
        let stamp = seconds_z(now);
        let order = json!({"id": self.gid("Order"), "number": self.orders, "name": format!("#{}", self.orders), "email": of["email"], "phone": of["phone"],
            "note": of["note2"], "poNumber": of["poNumber"], "tags": of["tags"], "createdAt": stamp, "processedAt": stamp, "closedAt": null, "cancelledAt": null,
            "confirmed": true, "test": false, "displayFinancialStatus": paid, "displayFulfillmentStatus": "UNFULFILLED", "customer": of["customer"],
            "billingAddress": of["billingAddress"], "shippingAddress": of["shippingAddress"], "lineItems": lines, "customAttributes": of["customAttributes"]});
        self.keep(ORDER, order, now)
    }

    pub(super) fn update_order(&mut self, sent: &Value, now: Timestamp) -> Result<String, Refused> {
        let gid = sent["id"].as_str().unwrap_or_default();
        let Some(mut record) = self.record(gid).filter(|_| kind(gid) == Some(ORDER)).cloned()
        else {
            return refused(&["id"], "Order does not exist");
        };
        self.common(&mut record, sent)?;
        if let Some(value) = sent.get("note") {
            record["note"] = text(value);
        }
        Ok(self.keep(ORDER, record, now))
    }

    /// What somebody buys in the shop.
    pub(super) fn bought(&mut self, sent: &Value, now: Timestamp) -> Result<String, Refused> {
        let mut lines = Vec::new();
        for (n, line) in sent["lineItems"].as_array().into_iter().flatten().enumerate() {
            lines.push(self.line(n, line, "LineItem")?);
        }
        let mut of = json!({"email": sent["email"], "customer": sent["customerId"], "tags": [], "customAttributes": [], "note2": sent["note"]});
        self.common(&mut of, sent)?;
        Ok(self.new_order(&of, &json!(lines), "PAID", now))
    }
}
