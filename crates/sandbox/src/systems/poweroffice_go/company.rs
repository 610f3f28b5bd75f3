//! The company: its tables and numbers, and how its records are stored and taken away.

use super::kind::{self, Kind};
use super::records;
use super::trade::{self, Takes};
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
        let id = kind::text(&record["Id"]);
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

    /// What depends on other records: codes, what a line has of its product.
    pub(super) fn complete(
        &mut self,
        kind: Kind,
        before: Option<&Value>,
        parent: Option<&str>,
        given: &Value,
        record: &mut Value,
    ) -> Result<(), String> {
        if kind == Kind::SalesOrderLines {
            self.complete_line(before, parent, given, record)?;
        }
        if kind == Kind::Projects
            && let Some(person) = self.referred(Kind::ContactPersons, &record["ContactPersonId"])
            && person["ContactId"] != record["CustomerId"]
        {
            return Err("ContactPersonId is not a contact person of the customer.".to_owned());
        }
        let coded = matches!(kind, Kind::Departments | Kind::Products | Kind::Projects);
        if !coded || before.is_some() {
            return Ok(());
        }
        if record["Code"].is_null() {
            let series = &mut self.next_number[kind as usize];
            record["Code"] = json!(series.to_string());
            *series += 1;
        }
        if kind == Kind::Projects
            && let Some(main) = self.referred(kind, &record["ParentProjectId"])
        {
            let (main, own) = (kind::text(&main["Code"]), kind::text(&record["Code"]));
            record["Code"] = json!(format!("{main}.{own}"));
        }
        Ok(())
    }

    fn complete_line(
        &self,
        before: Option<&Value>,
        parent: Option<&str>,
        given: &Value,
        record: &mut Value,
    ) -> Result<(), String> {
        if let Some(parent) = parent {
            record["SalesOrderId"] = json!(parent);
        }
        let product = self.referred(Kind::Products, &record["ProductId"]).cloned();
        if product.is_some() && record["Quantity"].is_null() {
            return Err("Quantity is required on a line with a product.".to_owned());
        }
        if before.is_some() {
            return Ok(());
        }
        if let Some(product) = &product {
            for (own, of_product) in [
                ("Description", "Name"),
                ("ProductUnitPrice", "UnitPrice"),
                ("ProductUnitCost", "UnitCost"),
            ] {
                if record[own].is_null() {
                    record[own] = product[of_product].clone();
                }
            }
        } else if kind::get(given, "LineType").is_null() {
            record["LineType"] = json!("Text");
        }
        let order = kind::text(&record["SalesOrderId"]);
        if record["SortOrder"].is_null() {
            record["SortOrder"] = json!(self.lines_of(&order).len());
        }
        // A line has its order's dimensions where it says none of its own.
        let order = self.table(Kind::SalesOrders).get(&order).cloned().unwrap_or_default();
        for name in ["DepartmentId", "ProjectId"] {
            if record[name].is_null() {
                record[name] = order[name].clone();
            }
        }
        Ok(())
    }

    fn referred(&self, kind: Kind, id: &Value) -> Option<&Value> {
        self.table(kind).get(&kind::text(id))
    }

    /// The ids of an order's lines.
    pub(super) fn lines_of(&self, order: &str) -> Vec<String> {
        let key = format!("parent:{order}");
        self.table(Kind::SalesOrderLines).find(&key).map(str::to_owned).collect()
    }

    /// Whether another record refers to this one, so that it can't be deleted.
    pub(super) fn referred_to(&self, kind: Kind, id: &str) -> bool {
        Kind::ALL.into_iter().any(|other| {
            let names: Vec<&str> = trade::references(other)
                .into_iter()
                .filter_map(|(name, to)| (to == kind).then_some(name))
                .collect();
            !names.is_empty()
                && self.table(other).current().any(|record| {
                    names.iter().any(|name| kind::text(&record[*name]) == id)
                        && kind::text(&record["Id"]) != id
                })
        })
    }

    /// The record as it is answered, with what is taken from others as they are now.
    pub(super) fn shown(&self, kind: Kind, stored: &Value) -> Value {
        let mut record = stored.clone();
        let numbers: &[(&str, &str, Kind, &str)] = &[
            ("CustomerId", "CustomerNo", Kind::Customers, "Number"),
            ("DepartmentId", "DepartmentCode", Kind::Departments, "Code"),
            ("ManagerEmployeeId", "ManagerEmployeeNo", Kind::Employees, "Number"),
            ("ProjectManagerEmployeeId", "ProjectManagerEmployeeNo", Kind::Employees, "Number"),
            ("SalesPersonEmployeeId", "SalesPersonEmployeeNumber", Kind::Employees, "Number"),
            ("ParentProjectId", "ParentProjectCode", Kind::Projects, "Code"),
            ("ProjectId", "ProjectCode", Kind::Projects, "Code"),
            ("ProductId", "ProductCode", Kind::Products, "Code"),
        ];
        for (id, twin, to, of) in numbers {
            if trade::shape(kind)
                .iter()
                .any(|(name, takes)| name == twin && matches!(takes, Takes::Nothing))
            {
                record[*twin] = self
                    .referred(*to, &stored[*id])
                    .map_or(Value::Null, |of_it| of_it[*of].clone());
            }
        }
        match kind {
            Kind::Products => record["StockAvailable"] = stored["StockOnHand"].clone(),
            Kind::SalesOrderLines => {
                let net = net(stored);
                record["NetAmount"] = cents(net);
                record["VatRate"] = json!(25.0);
                record["VatAmount"] = cents(net * 0.25);
                record["TotalAmount"] = cents(net * 1.25);
            }
            Kind::SalesOrders => {
                let lines = self.lines_of(&kind::text(&stored["Id"]));
                let table = self.table(Kind::SalesOrderLines);
                let sum: f64 = lines.iter().filter_map(|id| table.get(id)).map(net).sum();
                record["LineCount"] = json!(lines.len());
                record["NetAmount"] = cents(sum);
                record["TotalAmount"] = cents(sum * 1.25);
                record["IsCreatedByCurrentIntegration"] = json!(true);
            }
            _ => {}
        }
        record
    }
}

fn cents(amount: f64) -> Value {
    json!((amount * 100.0).round() / 100.0)
}

fn net(line: &Value) -> f64 {
    let of = |name: &str| line[name].as_f64().unwrap_or_default();
    of("Quantity") * of("ProductUnitPrice") * (1.0 - of("Allowance") / 100.0)
}
