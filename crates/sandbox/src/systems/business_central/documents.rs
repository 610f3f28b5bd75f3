//! Sales orders and invoices: what they take over from the customer, their lines and their sums.

use super::base::{BusinessCentral, Refusal};
use super::rules::{dialog, given};
use super::types::{ENTITIES, place};
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};

impl BusinessCentral {
    /// Orders and invoices take over much from the customer.
    pub(super) fn document(
        &self,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if before.is_some_and(|before| !matches!(before["status"].as_str(), Some("Draft"))) {
            return Err(dialog("The document is posted and cannot be changed."));
        }
        if !given(record, "customerId") {
            return Err(dialog("A customerNumber or a customerID must be provided."));
        }
        let customers = place("customers").unwrap_or_default();
        let customer = |name: &str| {
            record[name].as_str().and_then(|id| self.tables[customers].get(id)).cloned()
        };
        let seller = customer("customerId").unwrap_or_default();
        let new = before.is_none_or(|before| before["customerId"] != record["customerId"]);
        if new
            && sent.get("billToCustomerId").is_none()
            && sent.get("billToCustomerNumber").is_none()
        {
            record["billToCustomerId"] = record["customerId"].clone();
            record["billToCustomerNumber"] = record["customerNumber"].clone();
        }
        let payer = record["billToCustomerId"]
            .as_str()
            .and_then(|id| self.tables[customers].get(id))
            .cloned()
            .unwrap_or_default();
        record["customerName"] = seller["displayName"].clone();
        record["billToName"] = payer["displayName"].clone();
        copy(record, &seller, &payer, new, sent);
        if before.is_none() {
            let today = now.strftime("%Y-%m-%d").to_string();
            for name in ["orderDate", "invoiceDate", "postingDate", "dueDate"] {
                if record.get(name).is_some() && sent.get(name).is_none() {
                    record[name] = json!(today);
                }
            }
            record["status"] = json!("Draft");
        }
        Ok(())
    }

    pub(super) fn line(
        &self,
        at: usize,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Value,
    ) -> Result<(), Refusal> {
        let documents = place(document_set(ENTITIES[at].set)).unwrap_or_default();
        let document = record["documentId"].as_str().unwrap_or_default().to_owned();
        let Some(head) = self.tables[documents].get(&document) else {
            return Err(dialog(if given(record, "documentId") {
                "The document does not exist."
            } else {
                "You must provide a document ID to create a line."
            }));
        };
        if head["status"] != "Draft" {
            return Err(dialog("The document is posted and cannot be changed."));
        }
        if before.is_none() {
            if given(record, "itemId") {
                record["lineType"] = json!("Item");
            }
            if sent.get("sequence").is_none() {
                let last = self
                    .lines(at, &document)
                    .filter_map(|line| line["sequence"].as_i64())
                    .max()
                    .unwrap_or(0);
                record["sequence"] = json!(last + 10_000);
            }
        }
        let new_item = before.is_none_or(|before| before["itemId"] != record["itemId"]);
        let items = place("items").unwrap_or_default();
        if let Some(item) = record["itemId"].as_str().and_then(|id| self.tables[items].get(id))
            && new_item
        {
            for (name, own) in [
                ("description", "displayName"),
                ("unitPrice", "unitPrice"),
                ("unitOfMeasureId", "baseUnitOfMeasureId"),
                ("unitOfMeasureCode", "baseUnitOfMeasureCode"),
            ] {
                if sent.get(name).is_none() {
                    record[name] = item[own].clone();
                }
            }
        }
        let number = |name: &str| record[name].as_f64().unwrap_or(0.0);
        let gross = number("quantity") * number("unitPrice");
        let off = match sent.get("discountAmount") {
            Some(amount) => amount.as_f64().unwrap_or(0.0),
            None => gross * number("discountPercent") / 100.0,
        };
        let net = cents(gross - off);
        record["discountAmount"] = cents(off);
        if gross != 0.0 && sent.get("discountAmount").is_some() {
            record["discountPercent"] = cents(off / gross * 100.0);
        }
        for name in
            ["amountExcludingTax", "amountIncludingTax", "netAmount", "netAmountIncludingTax"]
        {
            record[name] = net.clone();
        }
        Ok(())
    }

    /// The lines of a document.
    pub(super) fn lines<'a>(
        &'a self,
        at: usize,
        document: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        let key = format!("document:{document}");
        let ids: Vec<String> = self.tables[at].find(&key).map(str::to_owned).collect();
        ids.into_iter().filter_map(move |id| self.tables[at].get(&id))
    }

    /// The sums of a document follow its lines; that is a change of the document.
    pub(super) fn total(&mut self, lines: usize, document: &str, now: Timestamp) {
        let documents = place(document_set(ENTITIES[lines].set)).unwrap_or_default();
        let sum: f64 =
            self.lines(lines, document).filter_map(|line| line["netAmount"].as_f64()).sum();
        let Some(mut head) = self.tables[documents].get(document).cloned() else { return };
        for name in ["totalAmountExcludingTax", "totalAmountIncludingTax", "remainingAmount"] {
            if head.get(name).is_some() {
                head[name] = cents(sum);
            }
        }
        head["lastModifiedDateTime"] = json!(time::millis_z(now));
        self.tables[documents].put(document, head, now);
    }
}

/// Where the documents of these lines are.
fn document_set(lines: &str) -> &'static str {
    if lines == "salesOrderLines" { "salesOrders" } else { "salesInvoices" }
}

fn cents(amount: f64) -> Value {
    json!((amount * 100.0).round() / 100.0)
}

/// What a document takes over from the customers that buy and pay; from the one that buys only if it
/// is another one than before.
fn copy(record: &mut Value, seller: &Value, payer: &Value, new: bool, sent: &Value) {
    for (part, own) in [
        ("AddressLine1", "addressLine1"),
        ("AddressLine2", "addressLine2"),
        ("City", "city"),
        ("Country", "country"),
        ("State", "state"),
        ("PostCode", "postalCode"),
    ] {
        record[format!("billTo{part}")] = payer[own].clone();
        for side in ["sellTo", "shipTo"] {
            let name = format!("{side}{part}");
            if new && sent.get(&name).is_none() {
                record[name] = seller[own].clone();
            }
        }
    }
    if new {
        for (name, own) in [
            ("shipToName", "displayName"),
            ("phoneNumber", "phoneNumber"),
            ("email", "email"),
            ("currencyId", "currencyId"),
            ("currencyCode", "currencyCode"),
            ("paymentTermsId", "paymentTermsId"),
            ("salesperson", "salespersonCode"),
        ] {
            if sent.get(name).is_none() {
                record[name] = seller[own].clone();
            }
        }
    }
}
