//! Orders, their lines and invoices.

use super::base::{Refusal, Tripletex, invalid, not_found, refusal};
use super::checks::cents;
use super::types::{NAMES, RESOURCES, place};
use crate::http::{Act, Reply, Request};
use crate::util::json as tree;
use crate::util::{shape, time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

impl Tripletex {
    /// Creates a record, with the lines that came with an order.
    pub(super) fn create(
        &mut self,
        at: usize,
        sent: &Value,
        now: Timestamp,
    ) -> Result<i64, Refusal> {
        if tree::id_of(&sent["id"]).is_some_and(|id| id != 0) {
            return Err(invalid("id", "Må være null for nye objekter."));
        }
        let before = self.clone();
        let made = self.store(at, None, sent, now).and_then(|(id, _)| {
            if RESOURCES[at].path == "order" {
                self.order_lines(id, sent, now)?;
            }
            Ok(id)
        });
        // One request is one transaction.
        made.inspect_err(|_| *self = before)
    }

    /// Changes what was sent. A version that was sent must be the present one.
    pub(super) fn change(
        &mut self,
        at: usize,
        id: i64,
        sent: &Value,
        lines: bool,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let record = self.record(at, id);
        if let Some(version) = tree::id_of(&sent["version"])
            && record["version"].as_i64() != Some(version)
        {
            return Err(refusal(409, 8000, "RevisionException"));
        }
        if tree::id_of(&sent["id"]).is_some_and(|other| other != id) {
            return Err(invalid("id", "Må være lik id i adressen."));
        }
        let before = self.clone();
        let changed = self.store(at, Some(id), sent, now).and_then(|(_, changed)| {
            if lines && RESOURCES[at].path == "order" && sent.get("orderLines").is_some() {
                return Ok(self.order_lines(id, sent, now)? || changed);
            }
            Ok(changed)
        });
        changed.inspect_err(|_| *self = before)
    }

    /// Makes the lines of an order those that were sent: some have ids, others are new, the rest
    /// goes.
    pub(super) fn order_lines(
        &mut self,
        order: i64,
        sent: &Value,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let at = place("order/orderline").unwrap_or_default();
        let Some(lines) = sent["orderLines"].as_array() else { return Ok(false) };
        let before: Vec<i64> = self.line_ids(order);
        let (mut kept, mut changed) = (Vec::new(), false);
        for line in lines {
            let mut line = line.clone();
            line["order"] = json!({"id": order});
            let id = tree::id_of(&line["id"]).filter(|id| *id != 0);
            if id.is_some_and(|id| !before.contains(&id)) {
                return Err(not_found());
            }
            let (id, wrote) = self.store(at, id, &line, now)?;
            kept.push(id);
            changed |= wrote;
        }
        for gone in before.iter().filter(|id| !kept.contains(id)) {
            self.tables[at].remove(&gone.to_string(), now);
            changed = true;
        }
        if changed {
            self.touch_order(order, now);
        }
        Ok(changed)
    }

    /// `PUT /order/{id}/:invoice`.
    pub(super) fn invoice_order(
        &mut self,
        id: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        self.parameters(
            request,
            &["invoiceDate", "sendToCustomer", "sendType", "paymentTypeId", "paidAmount", "fields"],
        )?;
        let orders = place("order").unwrap_or_default();
        let number: i64 = id.parse().map_err(|_| not_found())?;
        if !self.tables[orders].contains(id) {
            return Err(not_found());
        }
        let date = request.param("invoiceDate").unwrap_or_default();
        if shape::fits(shape::Kind::Date, &json!(date)).is_err() {
            return Err(invalid("invoiceDate", "Kan ikke være null."));
        }
        let invoice = self.bill(number, &json!({"invoiceDate": date}), now)?;
        let at = place("invoice").unwrap_or_default();
        let fields = super::fields::Fields::parse(request.param("fields").unwrap_or_default(), at)?;
        let shown = self.shown(at, self.record(at, invoice), &fields, &request.base);
        Ok(Reply::json(200, &json!({"value": shown})).wrote(NAMES[at], Act::Create, true).wrote(
            NAMES[orders],
            Act::Update,
            true,
        ))
    }

    /// `POST /invoice`: of one order, which is there or comes with it.
    pub(super) fn new_invoice(&mut self, sent: &Value, now: Timestamp) -> Result<i64, Refusal> {
        let orders = sent["orders"].as_array().cloned().unwrap_or_default();
        let [order] = orders.as_slice() else {
            return Err(invalid(
                "orders",
                if orders.is_empty() {
                    "Listen kan ikke være tom."
                } else {
                    "Bare én ordre støttes."
                },
            ));
        };
        for name in ["invoiceDate", "invoiceDueDate"] {
            if sent[name].is_null() {
                return Err(Refusal {
                    developer: Value::Null,
                    ..invalid(name, "Kan ikke være null.")
                });
            }
        }
        let before = self.clone();
        let number = match tree::id_of(&order["id"]).filter(|id| *id != 0) {
            Some(id) => id,
            None => {
                let at = place("order").unwrap_or_default();
                self.create(at, order, now).map_err(|mut refused| {
                    for (field, _) in &mut refused.validation {
                        *field = json!(format!("orders.{}", field.as_str().unwrap_or_default()));
                    }
                    refused
                })?
            }
        };
        let mut head = sent.clone();
        if let Some(head) = head.as_object_mut() {
            for name in ["orders", "orderLines", "customer"] {
                head.remove(name);
            }
        }
        self.bill(number, &head, now).inspect_err(|_| *self = before)
    }

    fn bill(&mut self, order: i64, head: &Value, now: Timestamp) -> Result<i64, Refusal> {
        let (orders, lines, at) = (
            place("order").unwrap_or_default(),
            place("order/orderline").unwrap_or_default(),
            place("invoice").unwrap_or_default(),
        );
        let mut record = self.record(orders, order).clone();
        if record.is_null() {
            return Err(not_found());
        }
        if record["isClosed"] == true {
            return Err(invalid("", "Ordren er allerede fakturert."));
        }
        let own = self.line_ids(order);
        if own.is_empty() {
            return Err(invalid("", "Ordren har ingen ordrelinjer."));
        }
        let sum = |name: &str| -> f64 {
            own.iter().filter_map(|id| self.record(lines, *id)[name].as_f64()).sum()
        };
        let (net, gross) = (sum("amountExcludingVatCurrency"), sum("amountIncludingVatCurrency"));
        let (invoice, _) = self.store(at, None, head, now)?;
        let mut made = self.record(at, invoice).clone();
        let highest =
            self.tables[at].current().filter_map(|one| one["invoiceNumber"].as_i64()).max();
        if made["invoiceNumber"] == 0 {
            made["invoiceNumber"] = json!(highest.unwrap_or(0) + 1);
        }
        made["customer"] = record["customer"].clone();
        made["orders"] = json!([order]);
        made["orderLines"] = json!(own);
        made["deliveryDate"] = record["deliveryDate"].clone();
        made["isCharged"] = json!(true);
        if made["invoiceDueDate"].is_null() {
            let days = record["invoicesDueIn"].as_i64().unwrap_or(14);
            let due = made["invoiceDate"]
                .as_str()
                .and_then(time::parse)
                .map(|at| at + SignedDuration::from_hours(24 * days));
            made["invoiceDueDate"] = json!(due.map(|at| at.strftime("%Y-%m-%d").to_string()));
        }
        for name in ["amountExcludingVat", "amountExcludingVatCurrency"] {
            made[name] = cents(net);
        }
        for name in [
            "amount",
            "amountCurrency",
            "amountOutstanding",
            "amountCurrencyOutstanding",
            "amountOutstandingTotal",
            "amountCurrencyOutstandingTotal",
        ] {
            made[name] = cents(gross);
        }
        self.tables[at].put(&invoice.to_string(), made, now);
        record["isClosed"] = json!(true);
        record["status"] = json!("INVOICED");
        record["version"] = json!(record["version"].as_i64().unwrap_or(0) + 1);
        self.tables[orders].put(&order.to_string(), record, now);
        debug_assert!(RESOURCES[at].path == "invoice");
        Ok(invoice)
    }
}
