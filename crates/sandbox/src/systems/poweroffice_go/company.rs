//! The company: its tables and numbers, and how its records are stored and taken away.

use super::records::{self, Kind};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

#[derive(Clone)]
pub(crate) struct PowerOffice {
    pub(super) tables: [Table; 9],
    pub(super) next_id: i64,
    /// The next number or code of each kind.
    pub(super) next_number: [i64; 9],
    pub(super) in_use: HashSet<String>,
    pub(super) tokens: HashMap<String, Timestamp>,
    pub(super) ids: Source,
}

impl PowerOffice {
    pub(super) fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    /// A customer's contact persons go with it, an order's lines with the order.
    pub(super) fn take_away(&mut self, kind: Kind, id: &str, now: Timestamp) -> bool {
        let of_it = match kind {
            Kind::Customers => Some(Kind::ContactPersons),
            Kind::SalesOrders => Some(Kind::SalesOrderLines),
            _ => None,
        };
        if let Some(of_it) = of_it {
            let key = format!("parent:{id}");
            let parts: Vec<String> = self.table(of_it).find(&key).map(str::to_owned).collect();
            for part in parts {
                self.tables[of_it as usize].remove(&part, now);
            }
        }
        self.tables[kind as usize].remove(id, now)
    }

    /// Validates and stores; `id` is that of a stored record, `parent` that of a new contact
    /// person's customer, or of a new line's order. Returns the record and whether anything changed.
    pub(super) fn store(
        &mut self,
        kind: Kind,
        id: Option<&str>,
        parent: Option<&str>,
        given: &Value,
        now: Timestamp,
    ) -> Result<(Value, bool), String> {
        let before = id.and_then(|id| self.table(kind).get(id)).cloned();
        let mut record = records::normal(kind, before.as_ref(), given)?;
        self.complete(kind, before.as_ref(), parent, given, &mut record)?;
        let own = id.unwrap_or_default();
        for (property, class) in records::UNIQUE {
            let Some(value) = tree::filled(&record, property) else { continue };
            if value.chars().count() > 50 {
                return Err(format!("{property} cannot be longer than 50 characters."));
            }
            let key = records::unique(&record, property, class).unwrap_or_default();
            if let Some(other) = self.table(kind).other_with(&key, own) {
                return Err(format!(
                    "{property} is already in use. '{value}' is used on (contact) Id = {other}."
                ));
            }
        }
        if let Some(number) = record["Number"].as_i64()
            && let Some(other) = self.table(kind).other_with(&format!("number:{number}"), own)
        {
            return Err(format!("Number {number} is already in use on (contact) Id = {other}."));
        }
        let stamp = json!(time::micros_offset(now));
        match &before {
            None => self.found(kind, parent, &mut record, &stamp),
            Some(before) => {
                // An address alone does not move the stamp of a customer, supplier or employee, nor
                // the stock that of a product.
                let mut compared = record.clone();
                let aside = match kind {
                    Kind::Customers | Kind::Suppliers | Kind::Employees => Some("MailAddress"),
                    Kind::Products => Some("StockOnHand"),
                    _ => None,
                };
                if let Some(aside) = aside {
                    compared[aside] = before[aside].clone();
                }
                if compared != *before && kind != Kind::SalesOrderLines {
                    record["LastChangedDateTimeOffset"] = stamp.clone();
                }
                if kind == Kind::Products && record["StockOnHand"] != before["StockOnHand"] {
                    record["StockOnHandLastChangedDatetimeOffset"] = stamp;
                }
            }
        }
        let id = records::text(&record["Id"]);
        let changed = before.as_ref() != Some(&record);
        self.tables[kind as usize].put(&id, record.clone(), now);
        Ok((record, changed))
    }

    /// What a new record is given: its id, its number, its times.
    fn found(&mut self, kind: Kind, parent: Option<&str>, record: &mut Value, stamp: &Value) {
        if matches!(kind, Kind::SalesOrders | Kind::SalesOrderLines) {
            record["Id"] = json!(self.ids.uuid());
        } else {
            record["Id"] = json!(self.next_id);
            self.next_id += 1 + self.ids.below(9) as i64;
        }
        let number = match kind {
            Kind::Customers | Kind::Employees | Kind::Suppliers => Some("Number"),
            Kind::SalesOrders => Some("SalesOrderNo"),
            _ => None,
        };
        if kind == Kind::ContactPersons {
            record["ContactId"] = json!(parent.and_then(|id| id.parse::<i64>().ok()));
        } else if let Some(number) = number.filter(|number| record[*number].is_null()) {
            let series = &mut self.next_number[kind as usize];
            record[number] = json!(*series);
            *series += 1;
        }
        for created in kind.created_stamps() {
            record[*created] = stamp.clone();
        }
        if kind != Kind::SalesOrderLines {
            record["LastChangedDateTimeOffset"] = stamp.clone();
        }
        if record["MailAddress"].is_object() {
            record["MailAddress"]["Id"] = json!(self.next_id);
            self.next_id += 1;
        }
    }
}
