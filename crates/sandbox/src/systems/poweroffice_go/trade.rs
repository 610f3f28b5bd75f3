//! Shapes and validation of what is sold and reported on: departments, products, projects, sales
//! orders and their lines.
//!
//! Unverified in the vendor's document, and what was chosen: a department, product or project
//! without a code gets the next number as its code, and two may have the same code; a project is active
//! unless said otherwise; a line without a product is a text line; prices are without VAT, of 25
//! percent; what is inherited of a product is inherited when a line is made; a change of a line
//! does not move its order's time of change; a confirmed order refuses changes with 400.

use super::kind::{Kind, get};
use crate::util::json as tree;
use serde_json::{Map, Value, json};

/// What a property takes.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// Nothing: the server sets it.
    Nothing,
    Text,
    Longest(usize),
    Integer,
    Number,
    Date,
    /// Yes or no, with what counts where nothing is said.
    Flag(bool),
    /// One of these words; the first where nothing is said.
    Word(&'static [&'static str]),
    /// The id of another record.
    Id(Kind),
}

use Takes::{Date, Flag, Id, Integer, Longest, Nothing, Number, Text, Word};

type Shape = &'static [(&'static str, Takes)];

const DEPARTMENT: Shape = &[
    ("Id", Nothing),
    ("Code", Text),
    ("Name", Text),
    ("IsActive", Flag(false)),
    ("ManagerEmployeeId", Id(Kind::Employees)),
    ("ManagerEmployeeNo", Nothing),
    ("CreatedFromImportJournalId", Nothing),
    ("CreatedDateTimeOffset", Nothing),
    ("LastChangedDateTimeOffset", Nothing),
];
const PRODUCT: Shape = &[
    ("Id", Nothing),
    ("Code", Longest(100)),
    ("Name", Longest(400)),
    ("Description", Text),
    ("Gtin", Text),
    ("ProductType", Word(&["Product", "Service"])),
    ("UnitPrice", Number),
    ("UnitCost", Number),
    ("UnitOfMeasureCode", Word(&["EA", "HUR", "KGM", "MTR", "LTR", "DAY", "MON", "PR", "SET"])),
    ("IsArchived", Flag(false)),
    ("IsStockItem", Flag(false)),
    ("StockOnHand", Number),
    ("StockAvailable", Nothing),
    ("StockOnHandLastChangedDatetimeOffset", Nothing),
    ("CreatedDateTimeOffset", Nothing),
    ("LastChangedDateTimeOffset", Nothing),
];
const PROJECT: Shape = &[
    ("Id", Nothing),
    ("Code", Text),
    ("Name", Text),
    ("ProjectStatus", Word(&["Active", "Tentative", "Archived", "NotStarted", "Complete"])),
    ("IsActive", Flag(true)),
    ("IsBillable", Flag(false)),
    ("IsInternal", Flag(false)),
    ("StartDate", Date),
    ("EndDate", Date),
    ("Progress", Integer),
    ("FixedPrice", Number),
    ("BudgetedHours", Number),
    ("ProjectBillingMethod", Word(&["TimeAndExpenses", "FixedPrice", "Time"])),
    ("CustomerId", Id(Kind::Customers)),
    ("CustomerNo", Nothing),
    ("ContactPersonId", Id(Kind::ContactPersons)),
    ("DepartmentId", Id(Kind::Departments)),
    ("DepartmentCode", Nothing),
    ("ProjectManagerEmployeeId", Id(Kind::Employees)),
    ("ProjectManagerEmployeeNo", Nothing),
    ("ParentProjectId", Id(Kind::Projects)),
    ("ParentProjectCode", Nothing),
    ("ContractNo", Text),
    ("PurchaseOrderNo", Text),
    ("ExternalNumber", Integer),
    ("CreatedDateTimeOffset", Nothing),
    ("LastChangedDateTimeOffset", Nothing),
];
const ORDER: Shape = &[
    ("Id", Nothing),
    ("SalesOrderNo", Nothing),
    ("SalesOrderStatus", Word(&["Draft", "Confirmed"])),
    ("SalesOrderDate", Date),
    ("DeliveryDate", Date),
    ("CurrencyCode", Text),
    ("CustomerId", Id(Kind::Customers)),
    ("CustomerNo", Nothing),
    ("CustomerReference", Text),
    ("CustomerReferenceContactPersonId", Id(Kind::ContactPersons)),
    ("DepartmentId", Id(Kind::Departments)),
    ("DepartmentCode", Nothing),
    ("ProjectId", Id(Kind::Projects)),
    ("ProjectCode", Nothing),
    ("SalesPersonEmployeeId", Id(Kind::Employees)),
    ("SalesPersonEmployeeNumber", Nothing),
    ("ContractNo", Text),
    ("PurchaseOrderReference", Text),
    ("CustomMatchingReference", Text),
    ("ExternalImportReference", Text),
    ("ImportedOrderNo", Integer),
    ("IsCreatedByCurrentIntegration", Nothing),
    ("LineCount", Nothing),
    ("NetAmount", Nothing),
    ("TotalAmount", Nothing),
    ("CreatedDateTimeOffset", Nothing),
    ("LastChangedDateTimeOffset", Nothing),
];
const LINE: Shape = &[
    ("Id", Nothing),
    ("SalesOrderId", Nothing),
    ("SortOrder", Integer),
    ("LineType", Word(&["Normal", "Text", "Summary", "InvoiceFee", "TotalHours"])),
    ("Description", Text),
    ("ProductId", Id(Kind::Products)),
    ("ProductCode", Nothing),
    ("Quantity", Number),
    ("ProductUnitPrice", Number),
    ("ProductUnitCost", Number),
    ("Allowance", Number),
    ("DepartmentId", Id(Kind::Departments)),
    ("DepartmentCode", Nothing),
    ("ProjectId", Id(Kind::Projects)),
    ("ProjectCode", Nothing),
    ("ExternalImportReference", Text),
    ("NetAmount", Nothing),
    ("VatAmount", Nothing),
    ("VatRate", Nothing),
    ("TotalAmount", Nothing),
];

pub(super) fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::Departments => DEPARTMENT,
        Kind::Products => PRODUCT,
        Kind::Projects => PROJECT,
        Kind::SalesOrders => ORDER,
        Kind::SalesOrderLines => LINE,
        _ => &[],
    }
}

/// What refers to other records: the property, and what it leads to.
pub(super) fn references(kind: Kind) -> Vec<(&'static str, Kind)> {
    match kind {
        Kind::Customers => {
            vec![("SalesPersonEmployeeId", Kind::Employees), ("DepartmentId", Kind::Departments)]
        }
        Kind::Employees => {
            vec![("ManagerEmployeeId", Kind::Employees), ("DepartmentId", Kind::Departments)]
        }
        _ => shape(kind)
            .iter()
            .filter_map(|(name, takes)| match takes {
                Id(to) => Some((*name, *to)),
                _ => None,
            })
            .collect(),
    }
}

/// The record as it is stored; what the server sets is as it was.
pub(super) fn normal(kind: Kind, before: Option<&Value>, given: &Value) -> Result<Value, String> {
    let mut record = Map::new();
    for (name, takes) in shape(kind) {
        let value = match takes {
            Nothing => before.map_or(Value::Null, |before| before[*name].clone()),
            takes => checked(name, *takes, get(given, name))?,
        };
        record.insert((*name).to_owned(), value);
    }
    let record = Value::Object(record);
    let named = matches!(kind, Kind::Departments | Kind::Products | Kind::Projects);
    if named && tree::filled(&record, "Name").is_none() {
        return Err("Name is required.".to_owned());
    }
    if record["Progress"].as_i64().is_some_and(|progress| !(0..=100).contains(&progress)) {
        return Err("Progress must be between 0 and 100.".to_owned());
    }
    if let Some(allowance) = record["Allowance"].as_f64()
        && !(-1000.0..=100.0).contains(&allowance)
    {
        return Err("Allowance must be between -1000 and 100.".to_owned());
    }
    if kind == Kind::Products
        && record["IsStockItem"] != true
        && record["StockOnHand"].as_f64().is_some_and(|stock| stock != 0.0)
    {
        return Err("StockOnHand can be set on a stock item only (IsStockItem).".to_owned());
    }
    Ok(record)
}

fn checked(name: &str, takes: Takes, value: Value) -> Result<Value, String> {
    let wrong =
        |what: &str| Err(format!("The JSON value of {name} could not be converted to {what}."));
    match (takes, &value) {
        (Flag(otherwise), Value::Null) => Ok(json!(otherwise)),
        (Flag(_), Value::Bool(_)) => Ok(value),
        (Flag(_), _) => wrong("a boolean"),
        (Word(words), Value::Null) => Ok(json!(words[0])),
        (Word(words), Value::String(text)) => {
            match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
                Some(word) => Ok(json!(word)),
                None => wrong(&format!("one of {}", words.join(", "))),
            }
        }
        (_, Value::Null) => Ok(value),
        (Integer | Id(_), Value::Number(number)) if number.is_i64() => Ok(value),
        (Integer | Id(_), _) => wrong("an integer"),
        (Number, Value::Number(_)) => Ok(value),
        (Number, _) => wrong("a number"),
        (Date, Value::String(text)) => {
            // A time beside the date is ignored.
            let day = text.get(..10).unwrap_or(text);
            match day.parse::<jiff::civil::Date>() {
                Ok(day) => Ok(json!(day.to_string())),
                Err(_) => wrong("a date"),
            }
        }
        (Text | Longest(_), Value::String(text)) if text.trim().is_empty() => Ok(Value::Null),
        (Longest(most), Value::String(text)) if text.trim().chars().count() > most => {
            Err(format!("{name} cannot be longer than {most} characters."))
        }
        (Text | Longest(_), Value::String(text)) => Ok(json!(text.trim())),
        (Date, _) => wrong("a date"),
        _ => wrong("a string"),
    }
}
