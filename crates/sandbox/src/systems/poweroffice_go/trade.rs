//! Shapes and validation of what is sold and reported on: departments, products, projects, sales
//! orders and their lines.
//!
//! Unverified in the vendor's document, and what was chosen: a department, product or project
//! without a code gets the next number as its code, and two may have the same code; a project is active
//! unless said otherwise; a line without a product is a text line; prices are without VAT, of 25
//! percent; what is inherited of a product is inherited when a line is made; a change of a line
//! does not move its order's time of change; a confirmed order refuses changes with 400.

use super::company::PowerOffice;
use super::records::{self, Kind};
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
            takes => checked(name, *takes, records::get(given, name))?,
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

fn cents(amount: f64) -> Value {
    json!((amount * 100.0).round() / 100.0)
}

impl PowerOffice {
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
            let (main, own) = (records::text(&main["Code"]), records::text(&record["Code"]));
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
        } else if records::get(given, "LineType").is_null() {
            record["LineType"] = json!("Text");
        }
        let order = records::text(&record["SalesOrderId"]);
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
        self.table(kind).get(&records::text(id))
    }

    /// The ids of an order's lines.
    pub(super) fn lines_of(&self, order: &str) -> Vec<String> {
        let key = format!("parent:{order}");
        self.table(Kind::SalesOrderLines).find(&key).map(str::to_owned).collect()
    }

    /// Whether another record refers to this one, so that it can't be deleted.
    pub(super) fn referred_to(&self, kind: Kind, id: &str) -> bool {
        Kind::ALL.into_iter().any(|other| {
            let names: Vec<&str> = references(other)
                .into_iter()
                .filter_map(|(name, to)| (to == kind).then_some(name))
                .collect();
            !names.is_empty()
                && self.table(other).current().any(|record| {
                    names.iter().any(|name| records::text(&record[*name]) == id)
                        && records::text(&record["Id"]) != id
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
            if shape(kind).iter().any(|(name, takes)| name == twin && matches!(takes, Nothing)) {
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
                let lines = self.lines_of(&records::text(&stored["Id"]));
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

fn net(line: &Value) -> f64 {
    let of = |name: &str| line[name].as_f64().unwrap_or_default();
    of("Quantity") * of("ProductUnitPrice") * (1.0 - of("Allowance") / 100.0)
}
