//! Sales orders: created whole, with their lines; then heads and lines by themselves.

use super::company::PowerOffice;
use super::errors::{not_found, problem, refused};
use super::kind::{Kind, get, text};
use crate::http::{Act, Reply, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

impl PowerOffice {
    /// The head and its lines; nothing of it where one is refused.
    pub(super) fn create_order(&mut self, request: &Request, now: Timestamp) -> Reply {
        let kind = Kind::SalesOrders;
        let Some(body) = request.json().filter(Value::is_object) else {
            return problem(400, &kind.validation(), "The body is not a JSON object.");
        };
        let lines = get(&body, "SalesOrderLines");
        let lines = lines.as_array().cloned().unwrap_or_default();
        let of_lines = |line| self.unknown_reference(Kind::SalesOrderLines, line);
        let unknown =
            self.unknown_reference(kind, &body).or_else(|| lines.iter().find_map(of_lines));
        if let Some(reply) = unknown {
            return reply;
        }
        let refuse = |message: String| problem(400, &kind.validation(), &message);
        let id = match self.store(kind, None, None, &body, now) {
            Ok((order, _)) => text(&order["Id"]),
            Err(message) => return refuse(message),
        };
        for line in &lines {
            if let Err(message) = self.store(Kind::SalesOrderLines, None, Some(&id), line, now) {
                self.take_away(kind, &id, now);
                return refuse(message);
            }
        }
        Reply::json(201, &self.whole(&id))
            .header("location", format!("{}/v2/SalesOrders/{id}", request.base))
            .wrote(kind.name(), Act::Create, true)
    }

    /// An order with its lines.
    fn whole(&self, id: &str) -> Value {
        let stored = self.table(Kind::SalesOrders).get(id).cloned().unwrap_or_default();
        let mut order = self.shown(Kind::SalesOrders, &stored);
        let lines = self.table(Kind::SalesOrderLines);
        let mut shown: Vec<Value> = self
            .lines_of(id)
            .iter()
            .filter_map(|line| lines.get(line))
            .map(|line| self.shown(Kind::SalesOrderLines, line))
            .collect();
        shown.sort_by_key(|line| line["SortOrder"].as_i64());
        order["SalesOrderLines"] = json!(shown);
        order
    }

    pub(super) fn complete_order(&self, id: &str) -> Reply {
        if !self.table(Kind::SalesOrders).contains(id) {
            return not_found(Kind::SalesOrders.singular(), id);
        }
        Reply::json(200, &self.whole(id))
    }

    /// What is below `/SalesOrders/{id}/Lines`.
    pub(super) fn lines(
        &mut self,
        order: &str,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let kind = Kind::SalesOrderLines;
        let Some(head) = self.table(Kind::SalesOrders).get(order) else {
            return not_found(Kind::SalesOrders.singular(), order);
        };
        if request.method != "GET" && head["SalesOrderStatus"] == "Confirmed" {
            return refused();
        }
        match (request.method.as_str(), rest) {
            ("GET", []) => self.list(kind, Some(order), request, now),
            ("POST", []) => self.create(kind, Some(order), request, now),
            (_, []) => Reply::empty(405),
            (method, [line]) => {
                let own = self.table(kind).get(line);
                if own.is_none_or(|own| text(&own["SalesOrderId"]) != order) {
                    return not_found(kind.singular(), line);
                }
                self.one(kind, method, line, request, now)
            }
            _ => not_found("Resource", "Lines"),
        }
    }
}
