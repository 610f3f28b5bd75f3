//! Writing: what may be sent, what the application checks, versions and changes.

use super::base::{COMPANY, Refusal, Tripletex, invalid, not_found, refusal, unmapped};
use super::types::{ADDRESS, Kind, NAMES, Property, RESOURCES, blank, place};
use crate::http::{Act, Reply, Request};
use crate::util::json as tree;
use crate::util::shape;
use crate::util::text::{email_key, looks_like_email};
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};

const FILL_IN: &str = "Feltet må fylles ut.";
const NOT_NULL: &str = "Kan ikke være null.";
const WRONG_TYPE: &str = "Verdien er ikke av korrekt type for dette feltet.";

/// What must be unique, and what belongs to what.
pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for name in ["customer", "supplier", "order", "product", "department"] {
        if let Some(id) = record[name]["id"].as_i64() {
            keys.push(format!("{name}:{id}"));
        }
    }
    for name in ["customerNumber", "supplierNumber"] {
        if let Some(number) = record[name].as_i64().filter(|number| *number != 0) {
            keys.push(format!("{name}:{number}"));
        }
    }
    for name in ["number", "name"] {
        if let Some(text) = tree::filled(record, name) {
            keys.push(format!("{name}:{}", text.to_lowercase()));
        }
    }
    if let Some(email) = tree::filled(record, "email") {
        keys.push(format!("email:{}", email_key(email)));
    }
    keys
}

/// A record without what is the emulator's own.
pub(super) fn plain(record: &Value) -> Value {
    let mut plain = record.clone();
    if let Some(plain) = plain.as_object_mut() {
        plain.retain(|name, _| !name.starts_with('_'));
    }
    plain
}

/// A value as a property takes it: numbers may be written as text, and text as a number.
fn fitting(property: &Property, path: &str, value: &Value) -> Result<Value, Refusal> {
    let wrong = || Err(unmapped(path, WRONG_TYPE));
    if value.is_null() {
        return Ok(blank_of(property));
    }
    match (property.kind, value) {
        (Kind::Text | Kind::Mail, Value::String(text)) => {
            let text = text.trim();
            if property.kind == Kind::Mail && !text.is_empty() && !looks_like_email(text) {
                return Err(invalid(path, "Ugyldig e-postadresse."));
            }
            Ok(json!(text))
        }
        (Kind::Text, Value::Number(number)) => Ok(json!(number.to_string())),
        (Kind::Whole, Value::Number(number)) if number.is_i64() => Ok(value.clone()),
        (Kind::Whole, Value::String(text)) => {
            text.parse::<i64>().map(Value::from).or_else(|_| wrong())
        }
        (Kind::Number, Value::Number(_)) => Ok(value.clone()),
        (Kind::Number, Value::String(text)) => {
            text.parse::<f64>().map(Value::from).or_else(|_| wrong())
        }
        (Kind::Flag, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Date, _) if shape::fits(shape::Kind::Date, value).is_ok() => Ok(value.clone()),
        (Kind::Choice(choices), Value::String(text)) if choices.contains(&text.as_str()) => {
            Ok(value.clone())
        }
        (Kind::Ref(_), Value::Object(_)) => match tree::id_of(&value["id"]) {
            Some(id) => Ok(json!({"id": id})),
            None => Err(invalid(&format!("{path}.id"), FILL_IN)),
        },
        (Kind::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => {
            Ok(value.clone())
        }
        (Kind::Empty | Kind::Many(_), Value::Array(_)) => Ok(value.clone()),
        (Kind::Nothing, Value::Object(_)) => {
            Err(invalid(&format!("{path}.id"), "Objektet ble ikke funnet."))
        }
        _ => wrong(),
    }
}

fn blank_of(property: &Property) -> Value {
    match property.kind {
        // A choice that was made can be taken back to the first one only.
        Kind::Choice(_) if property.name == "userType" => Value::Null,
        kind => blank(kind),
    }
}

impl Tripletex {
    pub(super) fn store(
        &mut self,
        at: usize,
        id: Option<i64>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(i64, bool), Refusal> {
        let resource = &RESOURCES[at];
        let before = id.map(|id| self.record(at, id).clone());
        let mut record = before.clone().unwrap_or_else(|| self.fresh(at));
        for (name, value) in sent.as_object().into_iter().flatten() {
            if ["id", "version", "url", "changes"].contains(&name.as_str()) || name.starts_with('_')
            {
                continue;
            }
            let Some(property) = resource.properties.iter().find(|own| own.name == name) else {
                return Err(unmapped(name, "Feltet eksisterer ikke i objektet."));
            };
            if let Kind::Address = property.kind {
                record[name.as_str()] =
                    self.address(&record[name.as_str()].clone(), name, value)?;
                continue;
            }
            let value = fitting(property, name, value)?;
            if property.fixed && value != record[name.as_str()] {
                return Err(unmapped(name, "Feltet kan ikke endres."));
            }
            if let Kind::Ref(path) = property.kind {
                self.known(path, name, &value)?;
            }
            // Lines go their own way.
            if !matches!(property.kind, Kind::Many(_) | Kind::Empty) {
                record[name.as_str()] = value;
            }
        }
        self.check(at, id.unwrap_or(0), &mut record, before.is_none(), sent)?;
        if before.as_ref() == Some(&record) {
            return Ok((id.unwrap_or_default(), false));
        }
        let (id, act) = match id {
            Some(id) => (id, "UPDATE"),
            None => {
                self.next += 1;
                (self.next, "CREATE")
            }
        };
        record["id"] = json!(id);
        let version = before.as_ref().and_then(|before| before["version"].as_i64());
        record["version"] = json!(version.map_or(resource.first_version, |version| version + 1));
        let employee = if self.owner == 0 { id } else { self.owner };
        let change = json!({"employeeId": employee, "timestamp": time::seconds_bare(now), "changeType": act});
        match record["_changes"].as_array_mut() {
            Some(changes) => changes.push(change),
            None => record["_changes"] = json!([change]),
        }
        self.tables[at].put(&id.to_string(), record, now);
        Ok((id, true))
    }

    fn fresh(&mut self, at: usize) -> Value {
        let resource = &RESOURCES[at];
        let mut record = json!({"id": 0, "version": 0});
        for property in resource.properties {
            record[property.name] = blank_of(property);
        }
        let norway = json!({"id": 161});
        let own = json!({"id": 1});
        let defaults = match resource.path {
            "customer" => json!({"isCustomer": true, "invoicesDueIn": 14, "currency": own}),
            "supplier" => json!({"isSupplier": true, "currency": own, "locale": "no_NO"}),
            "contact" => json!({"phoneNumberMobileCountry": norway}),
            "employee" => {
                json!({"phoneNumberMobileCountry": norway, "allowInformationRegistration": true, "isAuthProjectOverviewURL": true,
                "companyId": COMPANY})
            }
            "product" => json!({"vatType": {"id": 3}, "currency": own}),
            "order" => json!({"currency": own}),
            "order/orderline" => json!({"currency": own, "count": 1, "vatType": {"id": 3}}),
            "invoice" => json!({"currency": own, "isApproved": true}),
            _ => json!({}),
        };
        tree::merge(&mut record, &defaults, false);
        if matches!(resource.path, "customer" | "supplier") {
            for name in ["postalAddress", "physicalAddress"] {
                record[name] = self.address(&Value::Null, name, &json!({})).unwrap_or_default();
            }
        }
        record
    }

    /// An address is a part of its record, with an id and a version of its own.
    fn address(&mut self, before: &Value, name: &str, sent: &Value) -> Result<Value, Refusal> {
        if sent.is_null() {
            // The two of a company stay, emptied.
            return match name {
                "postalAddress" | "physicalAddress" => self.address(
                    before,
                    name,
                    &json!({"addressLine1": "", "addressLine2": "", "postalCode": "", "city": ""}),
                ),
                _ => Ok(Value::Null),
            };
        }
        let Some(object) = sent.as_object() else { return Err(unmapped(name, WRONG_TYPE)) };
        let mut address = before.clone();
        if address.is_null() {
            self.next += 1;
            address = json!({"id": self.next, "version": 0});
            for property in ADDRESS {
                address[property.name] = blank(property.kind);
            }
            address["country"] = json!({"id": 161});
        }
        let was = address.clone();
        for (part, value) in object {
            if ["id", "version", "url", "changes"].contains(&part.as_str()) {
                continue;
            }
            let path = format!("{name}.{part}");
            let Some(property) = ADDRESS.iter().find(|own| own.name == part) else {
                return Err(unmapped(&path, "Feltet eksisterer ikke i objektet."));
            };
            let value = fitting(property, &path, value)?;
            if property.fixed && value != address[part.as_str()] {
                return Err(unmapped(&path, "Feltet kan ikke endres."));
            }
            if let Kind::Ref(target) = property.kind {
                self.known(target, &path, &value)?;
            }
            address[part.as_str()] = value;
        }
        let text = |name: &str| address[name].as_str().unwrap_or_default().to_owned();
        let country = self.tables[place("country").unwrap_or_default()]
            .get(&address["country"]["id"].to_string())
            .and_then(|country| country["name"].as_str())
            .unwrap_or_default();
        let place = format!("{} {}", text("postalCode"), text("city"));
        let parts = [text("addressLine1"), text("addressLine2"), place.trim().to_owned()];
        let mut parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if !parts.is_empty() {
            parts.push(country.to_owned());
        }
        let whole = parts.join(", ");
        for name in ["displayName", "addressAsString", "displayNameInklMatrikkel"] {
            address[name] = json!(whole);
        }
        if before.is_object() && was != address {
            address["version"] = json!(address["version"].as_i64().unwrap_or(0) + 1);
        }
        Ok(address)
    }

    /// Refuses a reference to what is not there.
    fn known(&self, path: &str, field: &str, value: &Value) -> Result<(), Refusal> {
        let at = place(path).unwrap_or_default();
        match value["id"].as_i64() {
            Some(id) if !self.tables[at].contains(&id.to_string()) => {
                Err(invalid(&format!("{field}.id"), "Objektet ble ikke funnet."))
            }
            _ => Ok(()),
        }
    }

    fn employee(&self, own: i64, record: &mut Value, new: bool) -> Result<(), Refusal> {
        let employees = place("employee").unwrap_or_default();
        let used =
            |key: String| self.tables[employees].other_with(&key, &own.to_string()).is_some();
        let user = record["userType"].as_str().unwrap_or_default();
        if new && user.is_empty() {
            return Err(invalid("", "Brukertype kan ikke være \"0\" eller tom."));
        }
        if record["department"].is_null() {
            return Err(invalid("department.id", FILL_IN));
        }
        let email = tree::filled(record, "email").map(email_key);
        match email {
            None if matches!(user, "STANDARD" | "EXTENDED") => {
                return Err(invalid("email", "Må angis for Tripletex-brukere."));
            }
            Some(email) if used(format!("email:{email}")) => {
                return Err(invalid(
                    "email",
                    "Det finnes allerede en bruker med denne e-postadressen.",
                ));
            }
            _ => {}
        }
        record["displayName"] = json!(names(record));
        Ok(())
    }

    fn check(
        &mut self,
        at: usize,
        own: i64,
        record: &mut Value,
        new: bool,
        sent: &Value,
    ) -> Result<(), Refusal> {
        let path = RESOURCES[at].path;
        let needed: &[&str] = match path {
            "customer" | "supplier" | "product" | "department" => &["name"],
            "employee" => &["firstName", "lastName"],
            "contact" => &["firstName"],
            _ => &[],
        };
        for name in needed {
            if tree::filled(record, name).is_none() {
                let message = if sent.get(*name).is_none() { NOT_NULL } else { FILL_IN };
                return Err(invalid(name, message));
            }
        }
        let used = |key: String| self.tables[at].other_with(&key, &own.to_string()).is_some();
        match path {
            "customer" | "supplier" => self.partner(at, own, record)?,
            "contact" => {
                record["displayName"] = json!(names(record));
            }
            "department" => record["displayName"] = record["name"].clone(),
            "employee" => self.employee(own, record, new)?,
            "product" => {
                let number = record["number"].as_str().unwrap_or_default().to_owned();
                if !number.is_empty() && used(format!("number:{}", number.to_lowercase())) {
                    return Err(invalid("number", format!("Produktnummeret {number} er i bruk.")));
                }
                let name = record["name"].as_str().unwrap_or_default().to_owned();
                if used(format!("name:{}", name.to_lowercase())) {
                    return Err(invalid(
                        "name",
                        format!("Produktnavnet \"{name}\" er allerede registrert."),
                    ));
                }
                self.price(record, sent);
                record["displayNumber"] = json!(number);
                record["displayName"] =
                    json!(if number.is_empty() { name } else { format!("{number} {name}") });
            }
            "order" => self.check_order(own, record, new)?,
            "order/orderline" => self.check_line(record, sent)?,
            _ => {}
        }
        Ok(())
    }

    /// Numbers and names of customers and suppliers.
    fn partner(&mut self, at: usize, own: i64, record: &mut Value) -> Result<(), Refusal> {
        let (number, first, called) = match RESOURCES[at].path {
            "customer" => ("customerNumber", 10_001, "Kundenummeret"),
            _ => ("supplierNumber", 20_001, "Leverandørnummeret"),
        };
        let table = &self.tables[at];
        let given = record[number].as_i64().unwrap_or(0);
        if given == 0 {
            let free =
                (first..).find(|free| table.find(&format!("{number}:{free}")).next().is_none());
            record[number] = json!(free);
        } else if table.other_with(&format!("{number}:{given}"), &own.to_string()).is_some() {
            return Err(invalid(number, format!("{called} {given} er i bruk.")));
        }
        let organization = record["organizationNumber"].as_str().unwrap_or_default().to_owned();
        if organization.chars().any(|c| !c.is_ascii_digit()) {
            return Err(invalid("organizationNumber", "Ugyldig organisasjonsnummer."));
        }
        let name = record["name"].as_str().unwrap_or_default();
        record["displayName"] = json!(format!("{name} ({})", record[number]));
        Ok(())
    }

    pub(super) fn delete(&mut self, at: usize, id: i64, now: Timestamp) -> Result<(), Refusal> {
        let path = RESOURCES[at].path;
        let users: &[&str] = match path {
            "customer" => &["order", "invoice", "contact"],
            "supplier" => &["product"],
            "department" => &["employee", "contact", "customer", "product"],
            "product" => &["order/orderline"],
            _ => &[],
        };
        let key = format!("{path}:{id}");
        if users
            .iter()
            .any(|user| self.tables[place(user).unwrap_or_default()].find(&key).next().is_some())
        {
            return Err(invalid("", "Objektet er i bruk og kan ikke slettes."));
        }
        let record = self.record(at, id).clone();
        if path == "order" {
            if record["isClosed"] == true {
                return Err(invalid("", "Ordren er fakturert og kan ikke slettes."));
            }
            let lines = place("order/orderline").unwrap_or_default();
            let own: Vec<String> = self.tables[lines].find(&key).map(str::to_owned).collect();
            for line in own {
                self.tables[lines].remove(&line, now);
            }
        }
        self.tables[at].remove(&id.to_string(), now);
        if path == "order/orderline" {
            self.touch_order(record["order"]["id"].as_i64().unwrap_or(0), now);
        }
        Ok(())
    }

    /// `DELETE /contact/list?ids=1,2`.
    pub(super) fn delete_contacts(
        &mut self,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let at = place("contact").unwrap_or_default();
        let Some(all) = request.param("ids").filter(|ids| !ids.is_empty()) else {
            return Err(refusal(422, 21000, "Param exception: ids"));
        };
        let ids: Vec<i64> = all.split(',').filter_map(|id| id.trim().parse().ok()).collect();
        if ids.len() < all.split(',').count()
            || ids.iter().any(|id| !self.tables[at].contains(&id.to_string()))
        {
            return Err(not_found());
        }
        let mut reply = Reply::empty(204);
        for id in ids {
            self.delete(at, id, now)?;
            reply = reply.wrote(NAMES[at], Act::Delete, true);
        }
        Ok(reply)
    }
}

fn names(record: &Value) -> String {
    let parts: Vec<&str> =
        ["firstName", "lastName"].iter().filter_map(|name| tree::filled(record, name)).collect();
    parts.join(" ")
}
