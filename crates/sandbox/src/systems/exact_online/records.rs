//! Writing: types, what is mandatory, codes and numbers, lines and sums.

use super::base::{CREDENTIALS, ExactOnline, Refusal, no_segment, refusal};
use super::types::{RESOURCES, Resource, place};
use crate::systems::emulator::credential;
use crate::util::json as tree;
use crate::util::shape::{Access, Kind, find, fits};
use crate::util::text::looks_like_email;
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(code) = tree::filled(record, "Code") {
        keys.push(format!("code:{}", code.to_lowercase()));
    }
    for name in ["OrderID", "InvoiceID", "Account", "OrderedBy", "Item"] {
        if let Some(id) = tree::filled(record, name) {
            keys.push(format!("{name}:{id}"));
        }
    }
    keys
}

fn mandatory(name: &str) -> Refusal {
    refusal(500, format!("Mandatory: {name}"))
}

/// A time in one of the forms that OData 3 has: ISO 8601, or `/Date(1424790000000)/`.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    match text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        Some(millis) => Timestamp::from_millisecond(millis.parse().ok()?).ok(),
        None => time::parse(text),
    }
}

/// An account's code is 18 characters long: numbers stand at the right end.
fn padded(code: &str) -> String {
    let code = code.trim();
    if code.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{code:>18}")
    } else {
        code.to_owned()
    }
}

fn fitting(model: &str, name: &str, kind: Kind, value: &Value) -> Result<Value, Refusal> {
    // Blank text counts as none.
    if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(Value::Null);
    }
    let wrong = || {
        refusal(
            400,
            format!(
                "Error processing request stream. Error encountered in converting the value from request payload for property '{name}' of type 'Exact.Web.Api.Models.{model}'."
            ),
        )
    };
    match (kind, value) {
        (Kind::Moment, Value::String(text)) => {
            moment(text).map(|at| json!(time::millis_z(at))).ok_or_else(wrong)
        }
        (Kind::Guid, Value::String(text)) if fits(kind, value).is_ok() => {
            Ok(json!(text.to_lowercase()))
        }
        (Kind::Decimal, Value::String(text)) => {
            text.parse::<f64>().map(Value::from).map_err(|_| wrong())
        }
        (Kind::Text(_), Value::String(text)) if name != "Code" => Ok(json!(text.trim_end())),
        _ => fits(kind, value).map(|()| value.clone()).map_err(|_| wrong()),
    }
}

impl ExactOnline {
    /// Creates a record, with the lines that an order or an invoice must have.
    pub(super) fn create(
        &mut self,
        at: usize,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(String, bool), Refusal> {
        let Some((lines, key)) = RESOURCES[at].lines else {
            return self.store(at, None, sent, false, now);
        };
        let mut head = sent.clone();
        let own = head.as_object_mut().and_then(|head| head.remove(lines));
        let own = own.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        if own.is_empty() {
            return Err(mandatory(lines));
        }
        // One request is one transaction.
        let before = self.clone();
        let made = self.store(at, None, &head, false, now).and_then(|(id, changed)| {
            let place = place(lines).unwrap_or_default();
            for mut line in own {
                line[key] = json!(id);
                self.store(place, None, &line, false, now)?;
            }
            Ok((id, changed))
        });
        made.inspect_err(|_| *self = before)
    }

    pub(super) fn store(
        &mut self,
        at: usize,
        id: Option<&str>,
        sent: &Value,
        by_system: bool,
        now: Timestamp,
    ) -> Result<(String, bool), Refusal> {
        let resource = &RESOURCES[at];
        let before = id.and_then(|id| self.tables[at].get(id)).cloned();
        let mut record = match &before {
            Some(record) => record.clone(),
            None => {
                let mut fresh: Map<String, Value> = resource
                    .properties
                    .iter()
                    .map(|own| (own.name.to_owned(), Value::Null))
                    .collect();
                fresh.insert(resource.key.to_owned(), json!(self.ids.uuid()));
                Value::Object(fresh)
            }
        };
        take(resource, &mut record, before.is_none(), sent, by_system)?;
        let key = record[resource.key].as_str().unwrap_or_default().to_owned();
        if before.is_none() && self.tables[at].contains(&key) {
            return Err(refusal(500, "Data already exists."));
        }
        self.check(at, &mut record, before.as_ref(), sent)?;
        if before.as_ref() == Some(&record) {
            return Ok((key, false));
        }
        // The first user came by itself.
        let user = if self.owner.is_empty() { key.clone() } else { self.owner.clone() };
        let division: i64 =
            credential(CREDENTIALS, "EXACT_ONLINE_DIVISION").parse().unwrap_or_default();
        let at_time = json!(time::millis_z(now));
        self.timestamp += 1;
        for (name, value) in [
            ("Division", json!(division)),
            ("Modified", at_time.clone()),
            ("Modifier", json!(user)),
            ("ModifierFullName", json!("Runa Holm")),
        ] {
            if record.get(name).is_some() {
                record[name] = value;
            }
        }
        if before.is_none() {
            for (name, value) in [
                ("Created", at_time),
                ("Creator", json!(user)),
                ("CreatorFullName", json!("Runa Holm")),
            ] {
                if record.get(name).is_some() {
                    record[name] = value;
                }
            }
        }
        record["_timestamp"] = json!(self.timestamp);
        self.tables[at].put(&key, record.clone(), now);
        match (head_of(resource.name), resource.lines) {
            (Some((head, own)), _) => {
                self.total(head, own, record[own].as_str().unwrap_or_default(), now);
            }
            (_, Some((lines, own))) => self.restamp(lines, own, &key, now),
            _ => {}
        }
        Ok((key, true))
    }

    /// The name of another record; nothing where none is meant.
    fn named(
        &self,
        other: &str,
        field: &str,
        record: &Value,
        property: &str,
    ) -> Result<Value, Refusal> {
        let at = place(other).unwrap_or_default();
        match record[field].as_str() {
            None => Ok(Value::Null),
            Some(id) => match self.tables[at].get(id) {
                Some(found) => Ok(found[property].clone()),
                None => Err(refusal(500, format!("Not found: {field}"))),
            },
        }
    }

    fn check(
        &mut self,
        at: usize,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Value,
    ) -> Result<(), Refusal> {
        let resource = &RESOURCES[at];
        let needed: &[&str] = match resource.name {
            "Accounts" => &["Name"],
            "Contacts" => &["Account", "LastName"],
            "Items" => &["Code", "Description"],
            "SalesOrders" => &["OrderedBy"],
            "SalesInvoices" => &["OrderedBy", "Journal"],
            "SalesOrderLines" => &["OrderID", "Item"],
            "SalesInvoiceLines" => &["InvoiceID", "Item"],
            _ => &[],
        };
        if let Some(missing) = needed.iter().find(|name| record[**name].is_null()) {
            return Err(mandatory(missing));
        }
        if let Some(email) = tree::filled(record, "Email").filter(|email| !looks_like_email(email))
        {
            return Err(refusal(500, format!("Invalid: E-mail {email}")));
        }
        match resource.name {
            "Accounts" => self.account(at, record)?,
            "Contacts" => {
                record["AccountName"] = self.named("Accounts", "Account", record, "Name")?;
                let parts: Vec<&str> = ["FirstName", "MiddleName", "LastName"]
                    .iter()
                    .filter_map(|name| tree::filled(record, name))
                    .collect();
                record["FullName"] = json!(parts.join(" "));
                if before.is_none() {
                    self.numbers[at] += 1;
                    record["HID"] = json!(self.numbers[at]);
                    record["Code"] = json!(self.numbers[at].to_string());
                }
            }
            "Items" => {
                for name in ["IsSalesItem", "IsStockItem", "IsPurchaseItem"] {
                    if record.get(name).is_some_and(Value::is_null) {
                        record[name] = json!(name == "IsSalesItem");
                    }
                }
                if record["Unit"].is_null() {
                    record["Unit"] = json!("pc");
                }
            }
            "SalesOrders" | "SalesInvoices" => self.document(at, record, before.is_none())?,
            "SalesOrderLines" | "SalesInvoiceLines" => {
                self.line(record, before, sent, resource.name)?
            }
            _ => {}
        }
        // Codes of accounts and items are unique.
        if matches!(resource.name, "Accounts" | "Items")
            && let Some(code) = record["Code"].as_str()
            && self.tables[at]
                .other_with(
                    &format!("code:{}", code.trim().to_lowercase()),
                    record["ID"].as_str().unwrap_or_default(),
                )
                .is_some()
        {
            return Err(refusal(500, "Data already exists."));
        }
        Ok(())
    }

    fn account(&mut self, at: usize, record: &mut Value) -> Result<(), Refusal> {
        let code = record["Code"].as_str().map(padded);
        record["Code"] = json!(match code {
            Some(code) => code,
            None => {
                self.numbers[at] += 1;
                padded(&self.numbers[at].to_string())
            }
        });
        let status = record["Status"].as_str().unwrap_or("A").to_owned();
        if !["A", "C", "P", "S"].contains(&status.as_str()) {
            return Err(refusal(500, "Invalid: Status"));
        }
        for name in ["IsSales", "IsPurchase", "IsMember", "IsBank"] {
            record[name] = json!(name == "IsSales" && status == "C");
        }
        record["Status"] = json!(status);
        for name in ["IsSupplier", "Blocked", "IsReseller", "IsPilot"] {
            if record[name].is_null() {
                record[name] = json!(false);
            }
        }
        self.named("Contacts", "MainContact", record, "ID")?;
        record["Type"] = json!("A");
        Ok(())
    }

    fn document(&mut self, at: usize, record: &mut Value, new: bool) -> Result<(), Refusal> {
        record["OrderedByName"] = self.named("Accounts", "OrderedBy", record, "Name")?;
        for name in ["InvoiceTo", "DeliverTo"] {
            if record.get(name).is_some_and(Value::is_null) {
                record[name] = record["OrderedBy"].clone();
            }
        }
        record["InvoiceToName"] = self.named("Accounts", "InvoiceTo", record, "Name")?;
        if record["Currency"].is_null() {
            record["Currency"] = json!("NOK");
        }
        if new {
            self.numbers[at] += 1;
            let number =
                if RESOURCES[at].name == "SalesOrders" { "OrderNumber" } else { "InvoiceNumber" };
            record[number] = json!(self.numbers[at]);
            record["Status"] = json!(if RESOURCES[at].name == "SalesOrders" { 12 } else { 20 });
        }
        Ok(())
    }

    fn line(
        &self,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Value,
        name: &str,
    ) -> Result<(), Refusal> {
        let (head, key) = head_of(name).unwrap_or_default();
        self.named(head, key, record, key)?;
        let code = self.named("Items", "Item", record, "Code")?;
        let description = self.named("Items", "Item", record, "Description")?;
        record["ItemCode"] = code;
        record["ItemDescription"] = description.clone();
        if record["Description"].is_null() {
            record["Description"] = description;
        }
        if before.is_none() && sent.get("UnitPrice").is_none() {
            record["UnitPrice"] =
                self.named("Items", "Item", record, "StandardSalesPrice").unwrap_or_default();
        }
        if record["Quantity"].is_null() {
            record["Quantity"] = json!(1.0);
        }
        // Discounts are fractions: 0.1 is ten per cent.
        let number = |name: &str| record[name].as_f64().unwrap_or(0.0);
        let net = number("UnitPrice") * number("Quantity") * (1.0 - number("Discount"));
        let net = json!((net * 100.0).round() / 100.0);
        for name in ["AmountDC", "AmountFC"] {
            if record.get(name).is_some() {
                record[name] = net.clone();
            }
        }
        if record["LineNumber"].is_null() {
            let at = place(name).unwrap_or_default();
            let count = self.tables[at]
                .find(&format!("{key}:{}", record[key].as_str().unwrap_or_default()))
                .count();
            record["LineNumber"] = json!(count + 1);
        }
        Ok(())
    }

    /// The lines of a document.
    pub(super) fn lines(&self, name: &str, key: &str, id: &str) -> Vec<Value> {
        let at = place(name).unwrap_or_default();
        let mut lines: Vec<Value> = self.tables[at]
            .find(&format!("{key}:{id}"))
            .filter_map(|id| self.tables[at].get(id))
            .cloned()
            .collect();
        lines.sort_by_key(|line| line["LineNumber"].as_i64());
        lines
    }

    /// The sums of a document follow its lines; that is a change of the document.
    fn total(&mut self, head: &str, key: &str, id: &str, now: Timestamp) {
        let at = place(head).unwrap_or_default();
        let Some((lines, _)) = RESOURCES[at].lines else { return };
        let sum: f64 =
            self.lines(lines, key, id).iter().filter_map(|line| line["AmountDC"].as_f64()).sum();
        let Some(mut record) = self.tables[at].get(id).cloned() else { return };
        for name in ["AmountDC", "AmountFC", "AmountFCExclVat"] {
            if record.get(name).is_some() {
                record[name] = json!((sum * 100.0).round() / 100.0);
            }
        }
        self.timestamp += 1;
        record["Modified"] = json!(time::millis_z(now));
        record["_timestamp"] = json!(self.timestamp);
        self.tables[at].put(id, record, now);
        self.restamp(lines, key, id, now);
    }

    /// What is said of a document changes each of its lines for `sync`.
    fn restamp(&mut self, lines: &str, key: &str, id: &str, now: Timestamp) {
        let at = place(lines).unwrap_or_default();
        for mut line in self.lines(lines, key, id) {
            self.timestamp += 1;
            line["_timestamp"] = json!(self.timestamp);
            let id = line["ID"].as_str().unwrap_or_default().to_owned();
            self.tables[at].put(&id, line, now);
        }
    }

    pub(super) fn delete(&mut self, at: usize, id: &str, now: Timestamp) -> Result<(), Refusal> {
        let resource = &RESOURCES[at];
        let Some(record) = self.tables[at].get(id).cloned() else {
            return Err(no_segment(resource.name));
        };
        let users: &[(&str, &str)] = match resource.name {
            "Accounts" => &[
                ("Contacts", "Account"),
                ("SalesOrders", "OrderedBy"),
                ("SalesInvoices", "OrderedBy"),
            ],
            "Items" => &[("SalesOrderLines", "Item"), ("SalesInvoiceLines", "Item")],
            "Users" => return Err(refusal(405, "Method Not Allowed")),
            _ => &[],
        };
        let used = |(other, key): &(&str, &str)| {
            self.tables[place(other).unwrap_or_default()]
                .find(&format!("{key}:{id}"))
                .next()
                .is_some()
        };
        if users.iter().any(used) {
            return Err(refusal(500, "Cannot delete: In use"));
        }
        let head = head_of(resource.name);
        let kind = match head {
            Some((head, _)) => place(head).and_then(|at| RESOURCES[at].sync),
            None => resource.sync,
        };
        let mut gone = vec![id.to_owned()];
        if let Some((lines, key)) = resource.lines {
            gone = self
                .lines(lines, key, id)
                .iter()
                .map(|line| line["ID"].as_str().unwrap_or_default().to_owned())
                .collect();
            for line in &gone {
                self.tables[place(lines).unwrap_or_default()].remove(line, now);
            }
        }
        self.tables[at].remove(id, now);
        for (id, (_, kind)) in gone.iter().filter_map(|id| Some((id, kind?))) {
            self.timestamp += 1;
            let division: i64 =
                credential(CREDENTIALS, "EXACT_ONLINE_DIVISION").parse().unwrap_or_default();
            let entry = json!({"Timestamp": self.timestamp, "DeletedBy": self.owner, "DeletedDate": time::millis_z(now), "Division": division,
                "EntityKey": id, "EntityType": kind, "ID": self.ids.uuid()});
            self.deleted.push(entry);
        }
        if let Some((head, key)) = head {
            self.total(head, key, record[key].as_str().unwrap_or_default(), now);
        }
        Ok(())
    }
}

/// The documents that have these lines, and what names them in a line.
fn head_of(lines: &str) -> Option<(&'static str, &'static str)> {
    let head = RESOURCES.iter().find(|own| own.lines.is_some_and(|(name, _)| name == lines))?;
    Some((head.name, head.key))
}

/// Sets what was sent, if it fits and may be written.
fn take(
    resource: &Resource,
    record: &mut Value,
    new: bool,
    sent: &Value,
    by_system: bool,
) -> Result<(), Refusal> {
    for (name, value) in sent.as_object().into_iter().flatten() {
        if name.starts_with("__") {
            continue;
        }
        let Some(property) = find(&resource.properties, name) else {
            let bound = resource.lines.is_some_and(|(lines, _)| lines == name);
            return Err(refusal(
                400,
                match bound {
                    true => format!(
                        "Error processing request stream. Binding to new entities is not supported in '{name}'."
                    ),
                    false => format!(
                        "Error processing request stream. The property name '{name}' specified for type 'Exact.Web.Api.Models.{}' is not valid.",
                        resource.model
                    ),
                },
            ));
        };
        let value = fitting(resource.model, name, property.kind, value)?;
        let closed = match property.access {
            Access::Open => false,
            Access::Once => !new,
            Access::Fixed => true,
        };
        if closed && !by_system && value != record[name.as_str()] {
            return Err(refusal(
                400,
                format!("Error processing request stream. The property '{name}' is read only."),
            ));
        }
        record[name.as_str()] = value;
    }
    Ok(())
}
