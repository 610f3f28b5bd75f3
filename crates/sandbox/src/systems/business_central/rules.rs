//! What the application checks and works out when a record is written. Messages are those of the
//! vendor's API extension (APIV2) where it has one.
//!
//! Unverified, and what was chosen: null empties a property; a write that changes nothing leaves
//! the time of change; a posted invoice can't be changed; a new customer makes no contact of its
//! own, which depends on the company's marketing setup.

use super::base::{BusinessCentral, Refusal, refusal};
use super::types::{ENTITIES, Entity, NO_ID, blank, place};
use crate::util::json as tree;
use crate::util::odata::type_name;
use crate::util::shape::{Access, Kind, Misfit, find, fits};
use crate::util::text::looks_like_email;
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The countries that the company has set up.
const COUNTRIES: &[&str] = &[
    "AT", "AU", "BE", "BG", "CA", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR",
    "HR", "HU", "IE", "IN", "IS", "IT", "JP", "LT", "LU", "LV", "MT", "MX", "NL", "NO", "NZ", "PL",
    "PT", "RO", "SE", "SI", "SK", "US",
];

/// Properties of the type Code: trimmed, and in capitals.
const CODES: &[&str] = &[
    "number",
    "code",
    "country",
    "postalCode",
    "companyNumber",
    "customerNumber",
    "billToCustomerNumber",
    "sellToCountry",
    "sellToPostCode",
    "shipToCountry",
    "shipToPostCode",
    "currencyCode",
    "itemCategoryCode",
    "baseUnitOfMeasureCode",
    "unitOfMeasureCode",
    "lineObjectNumber",
    "salespersonCode",
    "salesperson",
];

/// Ids of records that the sandbox has none of, and what the message calls them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("shipmentMethodId", "Shipment Method"),
    ("paymentMethodId", "Payment Method"),
    ("taxAreaId", "Tax Area"),
    ("taxGroupId", "Tax Group"),
];

/// An id, the code that goes with it, and where both are found.
struct Pair {
    id: &'static str,
    code: &'static str,
    set: &'static str,
    called: &'static str,
}

const PAIRS: &[Pair] = &[
    Pair { id: "currencyId", code: "currencyCode", set: "currencies", called: "Currency" },
    Pair {
        id: "itemCategoryId",
        code: "itemCategoryCode",
        set: "itemCategories",
        called: "Item Category",
    },
    Pair {
        id: "baseUnitOfMeasureId",
        code: "baseUnitOfMeasureCode",
        set: "unitsOfMeasure",
        called: "Unit of Measure",
    },
    Pair {
        id: "unitOfMeasureId",
        code: "unitOfMeasureCode",
        set: "unitsOfMeasure",
        called: "Unit of Measure",
    },
    Pair { id: "paymentTermsId", code: "", set: "paymentTerms", called: "Payment Terms" },
    Pair { id: "customerId", code: "customerNumber", set: "customers", called: "customer" },
    Pair {
        id: "billToCustomerId",
        code: "billToCustomerNumber",
        set: "customers",
        called: "bill-to customer",
    },
    Pair { id: "itemId", code: "lineObjectNumber", set: "items", called: "Item" },
];

pub(super) fn dialog(message: impl Into<String>) -> Refusal {
    refusal(400, "Application_DialogException", message)
}

/// Whether a property has been filled in.
pub(super) fn given(record: &Value, name: &str) -> bool {
    match &record[name] {
        Value::String(text) => !text.is_empty() && text != NO_ID,
        _ => false,
    }
}

impl Entity {
    /// A record that nobody has written anything in.
    fn empty(&self, id: &str) -> Value {
        let mut record: Value = self
            .properties
            .iter()
            .map(|property| (property.name.to_owned(), blank(property.kind)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        record["id"] = json!(id);
        record
    }

    /// Takes over what was sent, property by property. What a person does not set by hand either
    /// (`id` of a record that is there) stays refused for a person.
    fn take(&self, record: &mut Value, sent: &Value, new: bool) -> Result<(), Refusal> {
        for (name, value) in sent.as_object().into_iter().flatten() {
            if name.starts_with('@') || name.starts_with('_') {
                continue;
            }
            let Some(property) = find(self.properties, name) else {
                return Err(refusal(
                    400,
                    "BadRequest",
                    format!(
                        "The property '{name}' does not exist on type 'Microsoft.NAV.{}'. Make sure to only use property names that are defined by the type.",
                        self.name
                    ),
                ));
            };
            let value = self.fitting(property.kind, name, value)?;
            let mine = match name.as_str() {
                // A record may be created with an id of the caller's.
                "id" => !new,
                // Pages that let it be written ignore what is: the platform sets it.
                "lastModifiedDateTime" if self.set != "items" => continue,
                _ => property.access == Access::Fixed,
            };
            if mine && record[name.as_str()] != value {
                return Err(refusal(
                    400,
                    "BadRequest_InvalidOperation",
                    format!("Control '{name}' is read-only."),
                ));
            }
            record[name.as_str()] = value;
        }
        Ok(())
    }

    fn fitting(&self, kind: Kind, name: &str, value: &Value) -> Result<Value, Refusal> {
        if value.is_null() {
            return Ok(blank(kind));
        }
        // The vendor's pages show a blank choice as a blank, its answers as `_x0020_`.
        let value = match (kind, value.as_str()) {
            (Kind::Choice(_), Some(" " | "")) => json!("_x0020_"),
            (Kind::Text(_), Some(text)) if CODES.contains(&name) => {
                json!(text.trim().to_uppercase())
            }
            (Kind::Guid, Some(text)) => json!(text.to_lowercase()),
            _ => value.clone(),
        };
        match fits(kind, &value) {
            Ok(()) => Ok(value),
            Err(Misfit::Long(limit)) => {
                let text = value.as_str().unwrap_or_default();
                Err(refusal(
                    400,
                    "Application_StringExceededLength",
                    format!(
                        "The length of the string is {}, but it must be less than or equal to {limit} characters. Value: {text}",
                        text.chars().count()
                    ),
                ))
            }
            Err(_) => Err(refusal(
                400,
                "BadRequest",
                format!(
                    "Cannot convert the literal '{}' to the expected type '{}'.",
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                    type_name(kind)
                ),
            )),
        }
    }
}

impl BusinessCentral {
    /// Creates a record, or changes one; says which it was and whether that changed anything.
    pub(super) fn store(
        &mut self,
        at: usize,
        id: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(String, bool), Refusal> {
        let entity = &ENTITIES[at];
        let before = id.and_then(|id| self.tables[at].get(id)).cloned();
        let fresh = self.ids.uuid();
        let mut record = before.clone().unwrap_or_else(|| entity.empty(&fresh));
        entity.take(&mut record, sent, before.is_none())?;
        let id = record["id"].as_str().unwrap_or_default().to_owned();
        if before.is_none() && self.tables[at].contains(&id) {
            return Err(self.exists_already(entity, "SystemId", &id));
        }
        self.pairs(&mut record, sent, entity)?;
        self.derive(at, &mut record, before.as_ref(), sent, now)?;
        self.number(at, &mut record, &id)?;
        if before.as_ref() == Some(&record) {
            return Ok((id, false));
        }
        if find(entity.properties, "lastModifiedDateTime").is_some() {
            record["lastModifiedDateTime"] = json!(time::millis_z(now));
        }
        if entity.set == "contacts" {
            self.contact_company(&mut record)?;
        }
        self.tables[at].put(&id, record.clone(), now);
        if entity.name.ends_with("Line") {
            self.total(at, record["documentId"].as_str().unwrap_or_default(), now);
        }
        Ok((id, true))
    }

    fn exists_already(&self, entity: &Entity, field: &str, value: &str) -> Refusal {
        refusal(
            409,
            "Internal_EntityWithSameKeyExists",
            format!(
                "The {} already exists. Identification fields and values: {field}='{value}'",
                entity.caption
            ),
        )
    }

    /// Ids and codes that say the same: the one that was sent decides, both must agree.
    fn pairs(&self, record: &mut Value, sent: &Value, entity: &Entity) -> Result<(), Refusal> {
        for (name, called) in ELSEWHERE {
            if find(entity.properties, name).is_some() && given(record, name) {
                return Err(dialog(format!("The \"{name}\" does not match to a {called}.")));
            }
        }
        for pair in PAIRS {
            if find(entity.properties, pair.id).is_none() {
                continue;
            }
            // Of a line, only an item has such an id.
            if pair.id == "itemId"
                && !matches!(record["lineType"].as_str(), Some("Item"))
                && !given(record, "itemId")
            {
                continue;
            }
            let at = place(pair.set).unwrap_or_default();
            let number = ENTITIES[at].number;
            let by_id = sent.get(pair.id).is_some();
            let by_code = !pair.code.is_empty() && sent.get(pair.code).is_some();
            if by_id && given(record, pair.id) {
                let id = record[pair.id].as_str().unwrap_or_default();
                let Some(found) = self.tables[at].get(id) else {
                    return Err(dialog(format!(
                        "The \"{}\" does not match to a {}.",
                        pair.id, pair.called
                    )));
                };
                if by_code && record[pair.code] != found[number] {
                    return Err(dialog(format!(
                        "The {} values do not match to a specific {}.",
                        pair.called.to_lowercase(),
                        pair.called
                    )));
                }
                if !pair.code.is_empty() {
                    record[pair.code] = found[number].clone();
                }
            } else if by_code && given(record, pair.code) {
                let code = record[pair.code].as_str().unwrap_or_default();
                let key = format!("number:{code}");
                let Some(id) = self.tables[at].find(&key).next() else {
                    return Err(dialog(format!(
                        "The \"{}\" does not match to a {}.",
                        pair.code, pair.called
                    )));
                };
                record[pair.id] = json!(id);
            } else if by_id || by_code {
                record[pair.id] = json!(NO_ID);
                if !pair.code.is_empty() {
                    record[pair.code] = json!("");
                }
            }
        }
        Ok(())
    }

    fn derive(
        &mut self,
        at: usize,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let entity = &ENTITIES[at];
        plausible(entity, record)?;
        match entity.set {
            "customers" | "contacts" if tree::filled(record, "displayName").is_none() => {
                return Err(dialog(match before {
                    None if sent.get("displayName").is_none() => {
                        "A \"displayName\" must be provided."
                    }
                    _ => "The blank \"displayName\" is not allowed.",
                }));
            }
            "employees" => {
                let names: Vec<&str> = ["givenName", "middleName", "surname"]
                    .iter()
                    .filter_map(|name| tree::filled(record, name))
                    .collect();
                record["displayName"] = json!(names.join(" "));
            }
            "items" => self.item(record, before, sent)?,
            "itemCategories" | "unitsOfMeasure" | "currencies" | "paymentTerms"
                if !given(record, "code") =>
            {
                return Err(refusal(
                    400,
                    "BadRequest_RequiredParamNotProvided",
                    "Field 'code' must not be blank or empty.",
                ));
            }
            "salesOrders" | "salesInvoices" => self.document(record, before, sent, now)?,
            "salesOrderLines" | "salesInvoiceLines" => self.line(at, record, before, sent)?,
            _ => {}
        }
        Ok(())
    }

    fn item(
        &self,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Value,
    ) -> Result<(), Refusal> {
        if before.is_none() && sent.get("inventory").is_some() {
            return Err(dialog("Inventory cannot be changed during on insert."));
        }
        if before.is_none() && !given(record, "baseUnitOfMeasureCode") {
            let at = place("unitsOfMeasure").unwrap_or_default();
            if let Some(id) = self.tables[at].find("number:PCS").next() {
                record["baseUnitOfMeasureId"] = json!(id);
                record["baseUnitOfMeasureCode"] = json!("PCS");
            }
        }
        Ok(())
    }

    /// The next number of the series where none was given; none that another record has.
    fn number(&mut self, at: usize, record: &mut Value, id: &str) -> Result<(), Refusal> {
        let entity = &ENTITIES[at];
        if entity.number == "sequence" {
            return Ok(());
        }
        while !given(record, entity.number) {
            self.numbers[at] += 1;
            let number = format!("{}{:05}", entity.series, self.numbers[at] * 10);
            if self.tables[at].find(&format!("number:{number}")).next().is_none() {
                record[entity.number] = json!(number);
            }
        }
        let number = record[entity.number].as_str().unwrap_or_default();
        if self.tables[at].other_with(&format!("number:{number}"), id).is_some() {
            let field = if entity.number == "code" { "Code" } else { "No." };
            return Err(self.exists_already(entity, field, number));
        }
        Ok(())
    }

    /// A person's company is another contact; a company's is itself.
    fn contact_company(&self, record: &mut Value) -> Result<(), Refusal> {
        if record["type"] == "Company" {
            record["companyNumber"] = record["number"].clone();
            record["companyName"] = record["displayName"].clone();
        } else if given(record, "companyNumber") {
            let number = record["companyNumber"].as_str().unwrap_or_default();
            let contacts = &self.tables[place("contacts").unwrap_or_default()];
            let company = contacts
                .find(&format!("number:{number}"))
                .filter_map(|id| contacts.get(id))
                .find(|company| company["type"] == "Company");
            let Some(company) = company else {
                return Err(refusal(
                    400,
                    "Internal_InvalidTableRelation",
                    format!(
                        "The field Company No. of table Contact contains a value ({number}) that cannot be found in the related table (Contact)."
                    ),
                ));
            };
            record["companyName"] = company["displayName"].clone();
        } else {
            record["companyName"] = json!("");
        }
        if !given(record, "searchName") {
            let name = record["displayName"].as_str().unwrap_or_default().to_uppercase();
            record["searchName"] = json!(name);
        }
        Ok(())
    }

    /// Deletes a record, unless others need it.
    pub(super) fn delete(&mut self, at: usize, id: &str, now: Timestamp) -> Result<bool, Refusal> {
        let entity = &ENTITIES[at];
        let Some(record) = self.tables[at].get(id).cloned() else { return Ok(false) };
        let number = record[entity.number].as_str().unwrap_or_default().to_owned();
        let needed = |set: &str, key: &str| {
            let other = place(set).unwrap_or_default();
            self.tables[other].find(&format!("{key}:{id}")).next().is_some()
        };
        for (set, what) in [("salesOrders", "Sales Order"), ("salesInvoices", "Sales Invoice")] {
            if entity.set == "customers" && needed(set, "customer") {
                return Err(dialog(format!(
                    "You cannot delete Customer {number} because there is at least one outstanding {what} for this customer."
                )));
            }
        }
        for (set, what) in
            [("salesOrderLines", "Sales Order"), ("salesInvoiceLines", "Sales Invoice")]
        {
            if entity.set == "items" && needed(set, "item") {
                return Err(dialog(format!(
                    "You cannot delete Item {number} because there is at least one outstanding {what} that includes this item."
                )));
            }
        }
        if matches!(record["status"].as_str(), Some("Open")) && entity.set == "salesInvoices" {
            return Err(dialog("The document is posted and cannot be deleted."));
        }
        if let Some(lines) = place(&format!("{}Lines", entity.name)) {
            let own: Vec<String> = self
                .lines(lines, id)
                .filter_map(|line| Some(line["id"].as_str()?.to_owned()))
                .collect();
            for line in own {
                self.tables[lines].remove(&line, now);
            }
        }
        self.tables[at].remove(id, now);
        if entity.name.ends_with("Line") {
            self.total(at, record["documentId"].as_str().unwrap_or_default(), now);
        }
        Ok(true)
    }
}

/// Countries, addresses and numbers as every table has them.
fn plausible(entity: &Entity, record: &Value) -> Result<(), Refusal> {
    for name in ["country", "sellToCountry", "shipToCountry"] {
        let code = record[name].as_str().unwrap_or_default();
        if !code.is_empty() && !COUNTRIES.contains(&code) {
            return Err(refusal(
                400,
                "Internal_InvalidTableRelation",
                format!(
                    "The field Country/Region Code of table {} contains a value ({code}) that cannot be found in the related table (Country/Region).",
                    entity.caption
                ),
            ));
        }
    }
    for name in ["email", "personalEmail"] {
        let text = record[name].as_str().unwrap_or_default();
        if let Some(bad) =
            text.split(';').map(str::trim).find(|part| !part.is_empty() && !looks_like_email(part))
        {
            return Err(dialog(format!("The email address \"{bad}\" is not valid.")));
        }
    }
    let phone = record["phoneNumber"].as_str().unwrap_or_default();
    if phone.chars().any(char::is_alphabetic) {
        return Err(refusal(
            400,
            "Application_FieldValidationException",
            format!("Phone No. must not contain letters in {}.", entity.caption),
        ));
    }
    Ok(())
}
