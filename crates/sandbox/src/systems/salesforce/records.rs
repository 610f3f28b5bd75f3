//! Writing: types, what is required, what the service works out, deletion with what hangs on it.

use super::base::{Refusal, Salesforce, long_id, not_found, refusal, rejected, stamp};
use super::types::{Field, Kind, OBJECTS, Object, place};
use crate::util::json as tree;
use crate::util::text::looks_like_email;
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};

fn wrong(kind: Kind, value: &Value) -> Refusal {
    let given = match value {
        Value::String(_) => "VALUE_STRING",
        Value::Number(number) if number.is_f64() => "VALUE_NUMBER_FLOAT",
        Value::Number(_) => "VALUE_NUMBER_INT",
        Value::Bool(true) => "VALUE_TRUE",
        Value::Bool(false) => "VALUE_FALSE",
        Value::Array(_) => "START_ARRAY",
        _ => "START_OBJECT",
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    refusal(
        400,
        "JSON_PARSER_ERROR",
        format!(
            "Cannot deserialize instance of {} from {given} value {text} or request may be missing a required field at [line:1, column:2]",
            kind.name()
        ),
    )
}

impl Salesforce {
    fn fitting(&self, field: &Field, value: &Value) -> Result<Value, Refusal> {
        let name = field.name;
        let text = value.as_str().map(str::trim);
        if value.is_null() || text == Some("") {
            return Ok(if field.kind == Kind::Flag { json!(false) } else { Value::Null });
        }
        let text = match (field.kind, text) {
            (Kind::Flag, None) if value.is_boolean() => return Ok(value.clone()),
            (Kind::Number, None) if value.is_number() => return Ok(value.clone()),
            (Kind::Whole, None) if value.is_i64() => return Ok(value.clone()),
            (Kind::Flag | Kind::Number | Kind::Whole, _) | (_, None) => {
                return Err(wrong(field.kind, value));
            }
            (_, Some(text)) => text,
        };
        match field.kind {
            Kind::Text(most) if text.chars().count() > most => Err(rejected(
                "STRING_TOO_LONG",
                format!("{name}: data value too large: {text} (max length={most})"),
                &[name],
            )),
            Kind::Email if !looks_like_email(text) || text.len() > 80 => Err(rejected(
                "INVALID_EMAIL_ADDRESS",
                format!("{name}: invalid email address: {text}"),
                &[name],
            )),
            Kind::Date if text.len() != 10 || time::parse(text).is_none() => {
                Err(wrong(field.kind, value))
            }
            Kind::Moment => {
                time::parse(text).map(|at| json!(stamp(at))).ok_or_else(|| wrong(field.kind, value))
            }
            Kind::Reference(object) => self.reference(name, object, text),
            _ => Ok(json!(text)),
        }
    }

    fn reference(&self, name: &str, object: &str, id: &str) -> Result<Value, Refusal> {
        let at = place(object).unwrap_or_default();
        match long_id(id) {
            Some(long) if self.tables[at].contains(&long) => Ok(json!(long)),
            Some(long) if long.starts_with(OBJECTS[at].prefix) => {
                Err(rejected("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]))
            }
            _ => Err(rejected(
                "MALFORMED_ID",
                format!("{}: id value of incorrect type: {id}", name.replace("Id", " ID")),
                &[name],
            )),
        }
    }

    /// Sets what was sent, if it fits and may be written.
    fn take(
        &self,
        object: &Object,
        record: &mut Value,
        new: bool,
        sent: &Value,
    ) -> Result<(), Refusal> {
        let mut closed = Vec::new();
        for (name, value) in sent.as_object().into_iter().flatten() {
            if name == "attributes" {
                continue;
            }
            let Some(field) = object.field(name) else {
                return Err(refusal(
                    400,
                    "INVALID_FIELD",
                    format!("No such column '{name}' on sobject of type {}", object.name),
                ));
            };
            if if new { field.created } else { field.updated } {
                record[field.name] = self.fitting(field, value)?;
            } else {
                closed.push(field.name);
            }
        }
        if closed.is_empty() {
            return Ok(());
        }
        Err(rejected(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            format!(
                "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                closed.join(", ")
            ),
            &closed,
        ))
    }

    pub(super) fn store(
        &mut self,
        at: usize,
        id: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(String, bool), Refusal> {
        let object = &OBJECTS[at];
        let before = id.and_then(|id| self.tables[at].get(id)).cloned();
        let mut record = before.clone().unwrap_or_else(|| fresh(object));
        self.take(object, &mut record, before.is_none(), sent)?;
        let missing: Vec<&str> =
            object.required.iter().copied().filter(|name| record[*name].is_null()).collect();
        if !missing.is_empty() {
            return Err(rejected(
                "REQUIRED_FIELD_MISSING",
                format!("Required fields are missing: [{}]", missing.join(", ")),
                &missing,
            ));
        }
        self.derive(object, &mut record, before.as_ref(), sent)?;
        let changed = before.as_ref() != Some(&record);
        let id = match id {
            Some(id) => id.to_owned(),
            None => self.new_id(object.prefix),
        };
        let user = if self.owner.is_empty() { id.clone() } else { self.owner.clone() };
        if record.get("OwnerId").is_some_and(Value::is_null) {
            record["OwnerId"] = json!(user);
        }
        if before.is_none() {
            record["Id"] = json!(id);
            record["CreatedDate"] = json!(stamp(now));
            record["CreatedById"] = json!(user);
        }
        // Every write counts as a change, whether or not a value is another one.
        record["LastModifiedDate"] = json!(stamp(now));
        record["LastModifiedById"] = json!(user);
        record["SystemModstamp"] = json!(stamp(now));
        self.tables[at].put(&id, record, now);
        Ok((id, changed))
    }

    fn derive(
        &mut self,
        object: &Object,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Value,
    ) -> Result<(), Refusal> {
        addresses(object, record);
        match object.name {
            "Contact" | "User" | "Lead" => {
                let parts: Vec<&str> = ["FirstName", "LastName"]
                    .iter()
                    .filter_map(|name| tree::filled(record, name))
                    .collect();
                record["Name"] = json!(parts.join(" "));
                let name = record["Username"].as_str().unwrap_or_default().to_lowercase();
                let at = place("User").unwrap_or_default();
                let own = record["Id"].as_str().unwrap_or_default();
                if !name.is_empty()
                    && self.tables[at].other_with(&format!("username:{name}"), own).is_some()
                {
                    return Err(rejected(
                        "DUPLICATE_USERNAME",
                        "Duplicate Username.<br>The username already exists in this or another Salesforce organization.",
                        &["Username"],
                    ));
                }
            }
            "Opportunity" => stage(record, before, sent),
            "Order" => {
                if before.is_none() {
                    self.orders += 1;
                    record["OrderNumber"] = json!(format!("{:08}", self.orders));
                    record["TotalAmount"] = json!(0.0);
                    if record["Status"] != "Draft" {
                        return Err(rejected(
                            "FAILED_ACTIVATION",
                            "Choose a valid order status and save your changes. Ask your admin for details.",
                            &["Status"],
                        ));
                    }
                }
                record["StatusCode"] = record["Status"].clone();
            }
            _ => {}
        }
        Ok(())
    }

    /// Into the recycle bin. An account takes its contacts and open opportunities along.
    pub(super) fn delete(&mut self, at: usize, id: &str, now: Timestamp) -> Result<(), Refusal> {
        let Some(record) = self.tables[at].get(id).cloned() else { return Err(not_found()) };
        let object = OBJECTS[at].name;
        if object == "User" {
            return Err(rejected(
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "insufficient access rights on object id",
                &[],
            ));
        }
        if object == "Account" {
            let key = format!("account:{id}");
            let of = |name: &str| -> Vec<String> {
                self.tables[place(name).unwrap_or_default()].find(&key).map(str::to_owned).collect()
            };
            let (contacts, deals, orders) = (of("Contact"), of("Opportunity"), of("Order"));
            let won = |id: &String| self.record(id).is_some_and(|(_, deal)| deal["IsWon"] == true);
            if deals.iter().any(won) || !orders.is_empty() {
                let name = record["Name"].as_str().unwrap_or_default();
                let what = if orders.is_empty() {
                    "opportunities in it are closed won"
                } else {
                    "orders are associated with it"
                };
                return Err(rejected(
                    "DELETE_FAILED",
                    format!(
                        "Your attempt to delete {name} could not be completed because some {what}."
                    ),
                    &[],
                ));
            }
            for (name, ids) in [("Contact", contacts), ("Opportunity", deals)] {
                for id in ids {
                    self.delete(place(name).unwrap_or_default(), &id, now)?;
                }
            }
        }
        self.tables[at].remove(id, now);
        let mut gone = record;
        gone["IsDeleted"] = json!(true);
        gone["SystemModstamp"] = json!(stamp(now));
        gone["LastModifiedDate"] = json!(stamp(now));
        self.deleted[at].push(gone);
        Ok(())
    }
}

/// A record with nothing in it.
fn fresh(object: &Object) -> Value {
    let mut record = json!({});
    for field in &object.fields {
        let on = object.name == "User" && field.name == "IsActive";
        record[field.name] = if field.kind == Kind::Flag { json!(on) } else { Value::Null };
    }
    record
}

fn addresses(object: &Object, record: &mut Value) {
    for field in object.fields.iter().filter(|field| field.kind == Kind::Address) {
        let start = field.name.trim_end_matches("Address");
        let parts = [
            "City",
            "Country",
            "GeocodeAccuracy",
            "Latitude",
            "Longitude",
            "PostalCode",
            "State",
            "Street",
        ];
        let mut address = json!({});
        for part in parts {
            let name = format!("{}{}", part[..1].to_lowercase(), &part[1..]);
            address[name] = record[format!("{start}{part}")].clone();
        }
        let none = address.as_object().is_some_and(|all| all.values().all(Value::is_null));
        record[field.name] = if none { Value::Null } else { address };
    }
}

/// What follows from an opportunity's stage and date.
fn stage(record: &mut Value, before: Option<&Value>, sent: &Value) {
    let stage = record["StageName"].as_str().unwrap_or_default().to_owned();
    let (chance, category) = match stage.as_str() {
        "Closed Won" => (100.0, "Closed"),
        "Closed Lost" => (0.0, "Omitted"),
        "Negotiation/Review" => (90.0, "Commit"),
        "Proposal/Price Quote" => (75.0, "BestCase"),
        _ => (10.0, "Pipeline"),
    };
    record["IsWon"] = json!(stage == "Closed Won");
    record["IsClosed"] = json!(stage.starts_with("Closed "));
    if before.is_none_or(|before| before["StageName"] != record["StageName"]) {
        if sent.get("Probability").is_none() {
            record["Probability"] = json!(chance);
        }
        record["ForecastCategory"] = json!(category);
        if sent.get("ForecastCategoryName").is_none() {
            record["ForecastCategoryName"] = json!(match category {
                "BestCase" => "Best Case",
                other => other,
            });
        }
    }
    let close = record["CloseDate"].as_str().unwrap_or_default().to_owned();
    let part =
        |range: std::ops::Range<usize>| close.get(range).and_then(|text| text.parse::<i64>().ok());
    if let (Some(year), Some(month)) = (part(0..4), part(5..7)) {
        let quarter = (month + 2) / 3;
        record["FiscalYear"] = json!(year);
        record["FiscalQuarter"] = json!(quarter);
        record["Fiscal"] = json!(format!("{year} {quarter}"));
    }
}
