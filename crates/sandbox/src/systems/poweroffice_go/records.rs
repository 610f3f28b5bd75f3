//! Shapes and validation of customers, suppliers, employees and contact persons; what the others
//! are is in `trade.rs`.

use super::kind::{Kind, get, text};
use super::trade::{self, Takes};
use crate::util::json as tree;
use crate::util::text::looks_like_email;
use serde_json::{Map, Value, json};

const CUSTOMER: &[&str] = &[
    "Id",
    "Number",
    "IsPerson",
    "FirstName",
    "LastName",
    "Name",
    "LegalName",
    "EmailAddress",
    "PhoneNumber",
    "InvoiceEmailAddress",
    "OrganizationNumber",
    "NationalIdNumber",
    "DateOfBirth",
    "CustomerSince",
    "WebsiteUrl",
    "CurrencyCode",
    "MailAddress",
    "ExternalImportReference",
    "ExternalNumber",
    "SalesPersonEmployeeId",
    "DepartmentId",
    "PaymentTermId",
    "ContactGroupIds",
    "IsActive",
    "IsArchived",
    "IsVatFree",
    "ContactCreatedDateTimeOffset",
    "CustomerCreatedDateTimeOffset",
    "LastChangedDateTimeOffset",
];
const EMPLOYEE: &[&str] = &[
    "Id",
    "Number",
    "FirstName",
    "LastName",
    "EmailAddress",
    "PhoneNumber",
    "JobTitle",
    "HiredDate",
    "StartDate",
    "EndDate",
    "DateOfBirth",
    "Gender",
    "NationalIdNumber",
    "ManagerEmployeeId",
    "DepartmentId",
    "LocationId",
    "MailAddress",
    "ExternalImportReference",
    "ExternalNumber",
    "ContactGroupIds",
    "IsArchived",
    "ContactCreatedDateTimeOffset",
    "EmployeeCreatedDateTimeOffset",
    "LastChangedDateTimeOffset",
];
const CONTACT_PERSON: &[&str] = &[
    "Id",
    "ContactId",
    "FirstName",
    "LastName",
    "EmailAddress",
    "PhoneNumber",
    "Title",
    "IsActive",
    "IsDefault",
    "ExternalCode",
    "MailAddress",
    "CreatedDateTimeOffset",
    "LastChangedDateTimeOffset",
];
const SUPPLIER: &[&str] = &[
    "Id",
    "Number",
    "IsPerson",
    "FirstName",
    "LastName",
    "Name",
    "LegalName",
    "EmailAddress",
    "PhoneNumber",
    "OrganizationNumber",
    "DateOfBirth",
    "WebsiteUrl",
    "CurrencyCode",
    "MailAddress",
    "ExternalImportReference",
    "ExternalNumber",
    "ContactGroupIds",
    "IsActive",
    "IsArchived",
    "Payout",
    "ContactCreatedDateTimeOffset",
    "SupplierCreatedDateTimeOffset",
    "LastChangedDateTimeOffset",
];
const READ_ONLY: &[&str] = &[
    "Id",
    "ContactId",
    "ContactCreatedDateTimeOffset",
    "CustomerCreatedDateTimeOffset",
    "EmployeeCreatedDateTimeOffset",
    "SupplierCreatedDateTimeOffset",
    "CreatedDateTimeOffset",
    "LastChangedDateTimeOffset",
];
const NUMBERS: &[&str] = &[
    "Number",
    "ExternalNumber",
    "SalesPersonEmployeeId",
    "DepartmentId",
    "PaymentTermId",
    "ManagerEmployeeId",
    "LocationId",
];
const FLAGS: &[&str] = &["IsPerson", "IsActive", "IsArchived", "IsVatFree", "IsDefault", "Payout"];

impl Kind {
    /// Whether it is a person or company: a customer, an employee …
    fn is_party(self) -> bool {
        trade::shape(self).is_empty()
    }

    pub fn properties(self) -> Vec<&'static str> {
        match self {
            Self::Customers => CUSTOMER.to_vec(),
            Self::Employees => EMPLOYEE.to_vec(),
            Self::ContactPersons => CONTACT_PERSON.to_vec(),
            Self::Suppliers => SUPPLIER.to_vec(),
            _ => trade::shape(self).iter().map(|(name, _)| *name).collect(),
        }
    }

    /// The property with this name, whatever its case.
    pub fn property(self, name: &str) -> Option<&'static str> {
        self.properties().into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()))
    }

    /// Whether a patch may touch it. `IsActive` is read-only on customers and suppliers and not on
    /// contact persons.
    pub fn writable(self, name: &str) -> bool {
        let Some(name) = self.property(name) else { return false };
        if !self.is_party() {
            let takes = trade::shape(self).iter().find(|(known, _)| *known == name);
            return takes.is_some_and(|(_, takes)| !matches!(takes, Takes::Nothing));
        }
        !READ_ONLY.contains(&name) && (name != "IsActive" || self == Self::ContactPersons)
    }
}

/// A body with the properties' names as this kind writes them; unknown ones are left out.
pub(super) fn with_own_names(kind: Kind, body: &Value) -> Value {
    let own = body
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((kind.property(name)?.to_owned(), value.clone())));
    Value::Object(own.collect())
}

/// Look-up keys for what must be unique, and a contact person's parent.
pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for (property, class) in UNIQUE {
        keys.extend(unique(record, property, class));
    }
    if let Some(number) = record["Number"].as_i64() {
        keys.push(format!("number:{number}"));
    }
    for parent in ["ContactId", "SalesOrderId"] {
        if !record[parent].is_null() {
            keys.push(format!("parent:{}", text(&record[parent])));
        }
    }
    keys
}

/// What no two records of a type share, and the class of its look-up key.
pub(super) const UNIQUE: [(&str, &str); 2] =
    [("ExternalImportReference", "import"), ("ExternalCode", "code")];

/// The look-up key of a value that is unique; an order line's reference is so within its order.
pub(super) fn unique(record: &Value, property: &str, class: &str) -> Option<String> {
    let value = tree::filled(record, property)?.to_lowercase();
    let within = text(&record["SalesOrderId"]);
    Some(if within.is_empty() {
        format!("{class}:{value}")
    } else {
        format!("{class}:{within}:{value}")
    })
}

/// The record as it is stored. `given` is the whole record after a change, or the body of a create.
pub(super) fn normal(kind: Kind, before: Option<&Value>, given: &Value) -> Result<Value, String> {
    if !kind.is_party() {
        return trade::normal(kind, before, given);
    }
    let mut record = Map::new();
    for name in kind.properties() {
        let value = if READ_ONLY.contains(&name) {
            before.map_or(Value::Null, |before| before[name].clone())
        } else {
            checked(name, get(given, name))?
        };
        record.insert(name.to_owned(), value);
    }
    if has_companies(kind) {
        // IsArchived takes a customer or supplier out of use.
        record["IsActive"] = json!(record["IsArchived"] != true);
        record["CurrencyCode"] = match &record["CurrencyCode"] {
            Value::Null => json!("NOK"),
            code => code.clone(),
        };
    }
    if record.get("ContactGroupIds").is_some_and(Value::is_null) {
        record["ContactGroupIds"] = json!([]);
    }
    if record.get("NationalIdNumber").is_some_and(|value| !value.is_null()) {
        record["NationalIdNumber"] = json!("hidden");
    }
    let record = Value::Object(record);
    require(kind, record)
}

/// Whether it may be a company as well as a person.
fn has_companies(kind: Kind) -> bool {
    matches!(kind, Kind::Customers | Kind::Suppliers)
}

fn require(kind: Kind, mut record: Value) -> Result<Value, String> {
    let person = !has_companies(kind) || record["IsPerson"] == true;
    let needed: &[&str] = if person { &["FirstName", "LastName"] } else { &["Name"] };
    for name in needed {
        if tree::filled(&record, name).is_none() {
            return Err(format!("{name} is required."));
        }
    }
    if has_companies(kind) {
        // A person has no Name and a company no first and last name.
        let foreign: &[&str] =
            if person { &["Name", "LegalName"] } else { &["FirstName", "LastName"] };
        for name in foreign {
            record[*name] = Value::Null;
        }
    }
    for name in ["EmailAddress", "InvoiceEmailAddress"] {
        if let Some(email) = tree::filled(&record, name)
            && !looks_like_email(email)
        {
            return Err(format!("{name} '{email}' is not a valid e-mail address."));
        }
    }
    Ok(record)
}

fn checked(name: &str, value: Value) -> Result<Value, String> {
    let wrong = |expected: &str| {
        Err(format!("The JSON value of {name} could not be converted to {expected}."))
    };
    if FLAGS.contains(&name) {
        return match value {
            Value::Null => Ok(json!(name == "IsActive")),
            Value::Bool(_) => Ok(value),
            _ => wrong("a boolean"),
        };
    }
    if NUMBERS.contains(&name) {
        return match &value {
            Value::Null => Ok(value),
            Value::Number(number) if number.is_i64() => Ok(value),
            _ => wrong("an integer"),
        };
    }
    match name {
        "MailAddress" => match value {
            Value::Null | Value::Object(_) => Ok(value),
            _ => wrong("an address"),
        },
        "ContactGroupIds" => match value {
            Value::Null | Value::Array(_) => Ok(value),
            _ => wrong("a list"),
        },
        _ => match value {
            Value::Null => Ok(Value::Null),
            // Blank text counts as none, and blanks around it are taken off.
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) => Ok(json!(text.trim())),
            _ => wrong("a string"),
        },
    }
}
