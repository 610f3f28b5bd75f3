//! The record types, and what all of them share.

use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Customers = 0,
    Employees = 1,
    ContactPersons = 2,
    Suppliers = 3,
    Departments = 4,
    Products = 5,
    Projects = 6,
    SalesOrders = 7,
    SalesOrderLines = 8,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Customers,
        Self::Employees,
        Self::ContactPersons,
        Self::Suppliers,
        Self::Departments,
        Self::Products,
        Self::Projects,
        Self::SalesOrders,
        Self::SalesOrderLines,
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "Customers",
            Self::Employees => "Employees",
            Self::ContactPersons => "ContactPersons",
            Self::Suppliers => "Suppliers",
            Self::Departments => "Departments",
            Self::Products => "Products",
            Self::Projects => "Projects",
            Self::SalesOrders => "SalesOrders",
            Self::SalesOrderLines => "SalesOrderLines",
        }
    }

    pub fn singular(self) -> &'static str {
        self.name().strip_suffix('s').unwrap_or_default()
    }

    /// Title of a 400.
    pub fn validation(self) -> String {
        format!("{} validation error(s)", self.singular())
    }

    /// What is set once; the first is the one that lists filter by.
    pub fn created_stamps(self) -> &'static [&'static str] {
        match self {
            Self::Customers => &["CustomerCreatedDateTimeOffset", "ContactCreatedDateTimeOffset"],
            Self::Employees => &["EmployeeCreatedDateTimeOffset", "ContactCreatedDateTimeOffset"],
            Self::Suppliers => &["SupplierCreatedDateTimeOffset", "ContactCreatedDateTimeOffset"],
            Self::SalesOrderLines => &[],
            _ => &["CreatedDateTimeOffset"],
        }
    }
}

/// A property of a body, whatever the case of its name.
pub(super) fn get(body: &Value, name: &str) -> Value {
    body.as_object()
        .into_iter()
        .flatten()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map_or(Value::Null, |(_, value)| value.clone())
}

/// A scalar as it stands in a query.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
