//! Writing: types, choices, one contact for an address, what the service works out, archiving.

use super::base::{HubSpot, Refusal, held, invalid, refusal};
use super::types::{COMPANY, CONTACT, Kind, OBJECTS, Object, Property};
use crate::util::text::{email_key, looks_like_email};
use crate::util::time::{self, millis_z};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What was written.
pub(super) struct Stored {
    pub id: String,
    pub changed: bool,
}

/// One value that is not taken, as the refusal names it.
fn wrong(name: &str, error: &str, message: String) -> Value {
    json!({"isValid": false, "message": message, "error": error, "name": name, "localizedErrorMessage": message})
}

/// A time in the form in which times are answered.
fn moment(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(millis) => Timestamp::from_millisecond(millis).ok(),
        Err(_) => time::parse(text),
    }
}

/// The day at whose midnight a time is, in UTC.
fn day(text: &str) -> Option<String> {
    let at = moment(text)?;
    (at.as_second().rem_euclid(86_400) == 0).then(|| time::seconds_bare(at)[..10].to_owned())
}

impl HubSpot {
    /// A value as it is stored; `None` clears.
    fn fitting(&self, property: &Property, value: &Value) -> Result<Option<String>, Value> {
        let name = property.name;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(wrong(name, "INVALID_TYPE", format!("{value} is not a text"))),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if !property.kind.is_text() && text.trim() != text {
            return Err(wrong(
                name,
                "INVALID_WHITESPACE",
                format!("{text} has blanks at its beginning or end"),
            ));
        }
        let fits = match property.kind {
            Kind::Text => Ok(text.clone()),
            Kind::Email if looks_like_email(text.trim()) => Ok(email_key(&text)),
            Kind::Email => Err(("INVALID_EMAIL", format!("Email address {text} is invalid"))),
            Kind::Domain => Ok(text.trim().to_lowercase()),
            Kind::Number => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(text.clone()),
                _ => Err(("INVALID_INTEGER", format!("{text} was not a valid number."))),
            },
            Kind::Date => {
                day(&text).ok_or(("INVALID_DATE", format!("{text} was not a valid date.")))
            }
            Kind::Moment => moment(&text)
                .map(millis_z)
                .ok_or(("INVALID_DATE", format!("{text} was not a valid timestamp."))),
            Kind::Flag if ["true", "false"].contains(&text.as_str()) => Ok(text.clone()),
            Kind::Flag => Err(("INVALID_BOOLEAN", format!("{text} was not a valid boolean"))),
            Kind::Choice(options) if options.contains(&text.as_str()) => Ok(text.clone()),
            Kind::Choice(options) => Err((
                "INVALID_OPTION",
                format!("{text} was not one of the allowed options: [{}]", options.join(", ")),
            )),
            Kind::Owner if self.owners.contains(&text) => Ok(text.clone()),
            Kind::Owner => {
                Err(("INVALID_OWNER_ID", format!("The owner id {text} does not exist.")))
            }
            Kind::Company if self.tables[COMPANY].contains(&text) => Ok(text.clone()),
            Kind::Company => {
                Err(("INVALID_COMPANY_ID", format!("There is no company with the id {text}.")))
            }
        };
        fits.map(Some).map_err(|(error, message)| wrong(name, error, message))
    }

    fn take(&self, object: &Object, record: &mut Value, sent: &Value) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        for (name, value) in sent.as_object().into_iter().flatten() {
            let Some(property) = object.property(name) else {
                let message = format!("Property \"{name}\" does not exist");
                faults.push(wrong(name, "PROPERTY_DOESNT_EXIST", message));
                continue;
            };
            if property.read_only {
                let message =
                    format!("\"{name}\" is a read only property; its value cannot be set.");
                faults.push(wrong(name, "READ_ONLY_VALUE", message));
                continue;
            }
            match self.fitting(property, value) {
                Ok(value) => record["properties"][property.name] = json!(value),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        let errors = faults.iter().map(|one| json!({"message": one["message"], "code": one["error"], "context": {"propertyName": [one["name"]]}})).collect();
        let message = format!("Property values were not valid: {}", json!(faults));
        Err(Refusal { errors, ..invalid(message) })
    }

    fn lacks(object: &Object, record: &Value) -> Result<(), Refusal> {
        let none = |name: &&&str| held(record, name).is_empty();
        let missing: Vec<&str> = object.all_of.iter().filter(none).copied().collect();
        let nothing = !object.one_of.is_empty() && object.one_of.iter().all(|name| none(&name));
        if missing.is_empty() && !nothing {
            return Ok(());
        }
        let names = if nothing { object.one_of.join(" or ") } else { missing.join(" and ") };
        Err(invalid(format!(
            "Error creating {}. Required: {names}",
            object.singular.to_uppercase()
        )))
    }

    /// One contact for an address, be it the first or another of its addresses.
    fn taken(&self, at: usize, own: &str, record: &Value) -> Result<(), Refusal> {
        let email = held(record, "email");
        if at != CONTACT || email.is_empty() {
            return Ok(());
        }
        match self.tables[at].other_with(&format!("email:{email}"), own) {
            Some(other) => Err(refusal(
                409,
                "CONFLICT",
                format!("Contact already exists. Existing ID: {other}"),
            )),
            None => Ok(()),
        }
    }

    /// Changes a record, or makes one.
    pub(super) fn store(
        &mut self,
        at: usize,
        id: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<Stored, Refusal> {
        let object = &OBJECTS[at];
        let before = id.and_then(|id| self.tables[at].get(id)).cloned();
        let mut record =
            before.clone().unwrap_or_else(|| json!({"properties": {}, "archived": false}));
        self.take(object, &mut record, sent)?;
        if before.is_none() {
            Self::lacks(object, &record)?;
        }
        self.taken(at, id.unwrap_or_default(), &record)?;
        self.derive(at, &mut record, sent);
        let changed = before.as_ref() != Some(&record);
        let id = match id {
            Some(id) => id.to_owned(),
            None => self.new_id(),
        };
        let stamp = json!(millis_z(now));
        if before.is_none() {
            record["id"] = json!(id);
            record["properties"]["hs_object_id"] = json!(id);
            record["createdAt"] = stamp.clone();
            record["properties"]["createdate"] = stamp.clone();
        }
        if changed {
            record["updatedAt"] = stamp.clone();
            record["properties"][object.modified] = stamp;
            self.tables[at].put(&id, record, now);
        }
        if at == CONTACT && sent.get("associatedcompanyid").is_some() {
            self.tie_company(&id);
        }
        Ok(Stored { id, changed })
    }

    /// What follows from what was sent.
    fn derive(&self, at: usize, record: &mut Value, sent: &Value) {
        match OBJECTS[at].name {
            "deals" => {
                if held(record, "pipeline").is_empty() {
                    record["properties"]["pipeline"] = json!("default");
                }
                let stage = held(record, "dealstage").to_owned();
                record["properties"]["hs_is_closed"] =
                    json!(stage.starts_with("closed").to_string());
                record["properties"]["hs_is_closed_won"] =
                    json!((stage == "closedwon").to_string());
            }
            "line_items" => {
                let product = sent["hs_product_id"].as_str().unwrap_or_default();
                let products = OBJECTS.iter().position(|object| object.name == "products");
                if let Some(product) = products.and_then(|at| self.tables[at].get(product)) {
                    for name in ["name", "description", "hs_sku", "price"] {
                        if held(record, name).is_empty() {
                            record["properties"][name] = product["properties"][name].clone();
                        }
                    }
                }
                let number = |name: &str| held(record, name).parse::<f64>().ok();
                let amount = number("price").zip(number("quantity")).map(|(price, quantity)| {
                    let whole = price * quantity;
                    let less =
                        number("hs_discount_percentage").map_or(0.0, |part| whole * part / 100.0);
                    (whole - less - number("discount").unwrap_or(0.0) * quantity).to_string()
                });
                record["properties"]["amount"] = json!(amount);
            }
            _ => {}
        }
    }

    /// Into the recycle bin. What was tied to the record no longer is.
    pub(super) fn archive(&mut self, at: usize, id: &str, now: Timestamp) -> bool {
        let Some(mut record) = self.tables[at].get(id).cloned() else { return false };
        self.untie_all(at, id, now);
        self.tables[at].remove(id, now);
        record["archived"] = json!(true);
        record["archivedAt"] = json!(millis_z(now));
        self.archived[at].push(record);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_milliseconds_and_in_iso_8601_and_days_are_midnights() {
        assert_eq!(
            moment("1767225600000").map(millis_z).as_deref(),
            Some("2026-01-01T00:00:00.000Z")
        );
        assert_eq!(day("1767225600000").as_deref(), Some("2026-01-01"));
        assert_eq!(day("2026-01-01").as_deref(), Some("2026-01-01"));
        assert_eq!(day("2026-01-01T10:00:00Z"), None);
        assert_eq!(moment("soon"), None);
    }
}
