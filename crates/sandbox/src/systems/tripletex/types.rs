//! The resources that are emulated, their properties, and the parameters of their lists, from the
//! vendor's OpenAPI description 2.72.

use serde_json::{Value, json};

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Mail,
    Whole,
    Number,
    Flag,
    Date,
    Choice(&'static [&'static str]),
    /// Another record, by the path of its resource.
    Ref(&'static str),
    Address,
    /// The lines of an order, or the orders and lines of an invoice.
    Many(&'static str),
    Texts,
    /// Something that this company does not use: always null, or always an empty list.
    Nothing,
    Empty,
}

/// A property; what is fixed is the system's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Property {
    pub name: &'static str,
    pub kind: Kind,
    pub fixed: bool,
}

use Kind::{
    Address, Choice, Date, Empty, Flag, Mail, Many, Nothing, Number, Ref, Text, Texts, Whole,
};

const fn open(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, fixed: false }
}

const fn fixed(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, fixed: true }
}

const DUE: Kind = Choice(&["DAYS", "MONTHS", "RECURRING_DAY_OF_MONTH"]);
const LANGUAGE: Kind = Choice(&["NO", "EN"]);

const CUSTOMER: &[Property] = &[
    open("name", Text),
    open("organizationNumber", Text),
    open("globalLocationNumber", Whole),
    open("supplierNumber", Whole),
    open("customerNumber", Whole),
    open("isSupplier", Flag),
    fixed("isCustomer", Flag),
    open("isInactive", Flag),
    open("accountManager", Ref("employee")),
    open("department", Ref("department")),
    open("email", Mail),
    open("invoiceEmail", Mail),
    open("overdueNoticeEmail", Mail),
    open("bankAccounts", Texts),
    open("phoneNumber", Text),
    open("phoneNumberMobile", Text),
    open("description", Text),
    open("language", LANGUAGE),
    fixed("displayName", Text),
    open("isPrivateIndividual", Flag),
    open("singleCustomerInvoice", Flag),
    open(
        "invoiceSendMethod",
        Choice(&["EMAIL", "EHF", "EFAKTURA", "AVTALEGIRO", "VIPPS", "PAPER", "MANUAL"]),
    ),
    open("emailAttachmentType", Choice(&["ATTACHMENT", "LINK"])),
    open("postalAddress", Address),
    open("physicalAddress", Address),
    open("deliveryAddress", Address),
    open("category1", Nothing),
    open("category2", Nothing),
    open("category3", Nothing),
    open("invoicesDueIn", Whole),
    open("invoicesDueInType", DUE),
    open("currency", Ref("currency")),
    open("bankAccountPresentation", Empty),
    open("ledgerAccount", Nothing),
    open("isFactoring", Flag),
    open("invoiceSendSMSNotification", Flag),
    open("invoiceSMSNotificationNumber", Text),
    open("isAutomaticSoftReminderEnabled", Flag),
    open("isAutomaticReminderEnabled", Flag),
    open("isAutomaticNoticeOfDebtCollectionEnabled", Flag),
    open("discountPercentage", Number),
    open("website", Text),
];

const SUPPLIER: &[Property] = &[
    open("name", Text),
    open("organizationNumber", Text),
    open("supplierNumber", Whole),
    open("customerNumber", Whole),
    fixed("isSupplier", Flag),
    open("isCustomer", Flag),
    open("isInactive", Flag),
    open("email", Mail),
    open("bankAccounts", Texts),
    open("invoiceEmail", Mail),
    open("overdueNoticeEmail", Mail),
    open("phoneNumber", Text),
    open("phoneNumberMobile", Text),
    open("description", Text),
    open("isPrivateIndividual", Flag),
    open("showProducts", Flag),
    open("accountManager", Ref("employee")),
    open("postalAddress", Address),
    open("physicalAddress", Address),
    open("deliveryAddress", Address),
    open("category1", Nothing),
    open("category2", Nothing),
    open("category3", Nothing),
    open("bankAccountPresentation", Empty),
    open("currency", Ref("currency")),
    open("ledgerAccount", Nothing),
    open("language", LANGUAGE),
    fixed("isWholesaler", Flag),
    fixed("displayName", Text),
    fixed("locale", Text),
    open("website", Text),
];

const CONTACT: &[Property] = &[
    open("firstName", Text),
    open("lastName", Text),
    fixed("displayName", Text),
    open("email", Mail),
    open("phoneNumberMobileCountry", Ref("country")),
    open("phoneNumberMobile", Text),
    open("phoneNumberWork", Text),
    open("customer", Ref("customer")),
    open("department", Ref("department")),
    fixed("isInactive", Flag),
];

const EMPLOYEE: &[Property] = &[
    open("firstName", Text),
    open("lastName", Text),
    fixed("displayName", Text),
    open("employeeNumber", Text),
    open("dateOfBirth", Date),
    open("email", Mail),
    open("phoneNumberMobileCountry", Ref("country")),
    open("phoneNumberMobile", Text),
    open("phoneNumberHome", Text),
    open("phoneNumberWork", Text),
    open("nationalIdentityNumber", Text),
    open("dnumber", Text),
    open("bankAccountNumber", Text),
    open("iban", Text),
    open("bic", Text),
    open("creditorBankCountryId", Whole),
    open("usesAbroadPayment", Flag),
    open("userType", Choice(&["STANDARD", "EXTENDED", "NO_ACCESS"])),
    fixed("allowInformationRegistration", Flag),
    open("isContact", Flag),
    fixed("isProxy", Flag),
    open("comments", Text),
    open("address", Address),
    open("department", Ref("department")),
    open("employments", Empty),
    open("employeeCategory", Nothing),
    fixed("isAuthProjectOverviewURL", Flag),
    fixed("pictureId", Whole),
    fixed("companyId", Whole),
];

const DEPARTMENT: &[Property] = &[
    open("name", Text),
    open("departmentNumber", Text),
    open("departmentManager", Ref("employee")),
    fixed("displayName", Text),
    open("isInactive", Flag),
    fixed("businessActivityTypeId", Whole),
];

const PRODUCT: &[Property] = &[
    open("name", Text),
    open("number", Text),
    fixed("displayNumber", Text),
    open("description", Text),
    open("orderLineDescription", Text),
    open("ean", Text),
    open("costExcludingVatCurrency", Number),
    fixed("costPrice", Number),
    open("priceExcludingVatCurrency", Number),
    open("priceIncludingVatCurrency", Number),
    open("isInactive", Flag),
    open("productUnit", Nothing),
    open("isStockItem", Flag),
    fixed("incomingStock", Number),
    fixed("outgoingStock", Number),
    open("vatType", Ref("ledger/vatType")),
    open("currency", Ref("currency")),
    open("department", Ref("department")),
    open("account", Nothing),
    open("supplier", Ref("supplier")),
    open("resaleProduct", Nothing),
    open("isDeletable", Flag),
    open("hasSupplierProductConnected", Flag),
    open("weight", Number),
    open("weightUnit", Choice(&["kg", "g", "hg"])),
    open("volume", Number),
    open("volumeUnit", Choice(&["cm3", "dm3", "m3"])),
    open("hsnCode", Text),
    open("image", Nothing),
    fixed("displayName", Text),
    fixed("mainSupplierProduct", Nothing),
    fixed("isRoundPriceIncVat", Flag),
    fixed("priceInTargetCurrency", Number),
    fixed("purchasePriceCurrency", Number),
];

const STATUS: Kind = Choice(&[
    "NOT_CHOSEN",
    "NEW",
    "CONFIRMATION_SENT",
    "READY_FOR_PICKING",
    "PICKED",
    "PACKED",
    "READY_FOR_SHIPPING",
    "READY_FOR_INVOICING",
    "INVOICED",
    "CANCELLED",
]);

const ORDER: &[Property] = &[
    open("customer", Ref("customer")),
    open("contact", Ref("contact")),
    open("attn", Ref("contact")),
    fixed("displayName", Text),
    open("receiverEmail", Mail),
    open("overdueNoticeEmail", Mail),
    open("number", Text),
    open("reference", Text),
    open("ourContact", Nothing),
    open("ourContactEmployee", Ref("employee")),
    open("department", Ref("department")),
    open("orderDate", Date),
    open("project", Nothing),
    open("invoiceComment", Text),
    open("currency", Ref("currency")),
    open("invoicesDueIn", Whole),
    open("status", STATUS),
    open("invoicesDueInType", DUE),
    open("isShowOpenPostsOnInvoices", Flag),
    open("isClosed", Flag),
    open("deliveryDate", Date),
    open("deliveryAddress", Address),
    open("deliveryComment", Text),
    open("isPrioritizeAmountsIncludingVat", Flag),
    open("orderLineSorting", Choice(&["ID", "PRODUCT", "PRODUCT_DESCENDING", "CUSTOM"])),
    open("orderGroups", Empty),
    open("orderLines", Many("order/orderline")),
    open("isSubscription", Flag),
    open("preliminaryInvoice", Nothing),
    open("attachment", Empty),
    open("sendMethodDescription", Text),
    fixed("canCreateBackorder", Flag),
    open("invoiceOnAccountVatHigh", Flag),
    fixed("totalInvoicedOnAccountAmountAbsoluteCurrency", Number),
    fixed("invoiceSendSMSNotification", Flag),
    open("invoiceSMSNotificationNumber", Text),
    open("markUpOrderLines", Number),
    open("discountPercentage", Number),
    fixed("customerName", Text),
    open("travelReports", Empty),
];

const ORDER_LINE: &[Property] = &[
    open("product", Ref("product")),
    open("inventory", Nothing),
    open("inventoryLocation", Nothing),
    open("description", Text),
    open("count", Number),
    open("unitCostCurrency", Number),
    open("unitPriceExcludingVatCurrency", Number),
    open("currency", Ref("currency")),
    open("markup", Number),
    open("discount", Number),
    open("vatType", Ref("ledger/vatType")),
    fixed("amountExcludingVatCurrency", Number),
    fixed("amountIncludingVatCurrency", Number),
    open("order", Ref("order")),
    open("unitPriceIncludingVatCurrency", Number),
    open("isSubscription", Flag),
    open("subscriptionPeriodStart", Date),
    open("subscriptionPeriodEnd", Date),
    open("orderGroup", Nothing),
    open("sortIndex", Whole),
    open("isPicked", Flag),
    open("pickedDate", Date),
    open("orderedQuantity", Number),
    open("isCharged", Flag),
];

const INVOICE: &[Property] = &[
    open("invoiceNumber", Whole),
    open("invoiceDate", Date),
    open("customer", Ref("customer")),
    fixed("creditedInvoice", Whole),
    fixed("isCredited", Flag),
    open("invoiceDueDate", Date),
    open("kid", Text),
    fixed("invoiceComment", Text),
    open("comment", Text),
    open("orders", Many("order")),
    open("orderLines", Many("order/orderline")),
    open("travelReports", Empty),
    open("projectInvoiceDetails", Empty),
    open("voucher", Nothing),
    fixed("deliveryDate", Date),
    fixed("amount", Number),
    fixed("amountCurrency", Number),
    fixed("amountExcludingVat", Number),
    fixed("amountExcludingVatCurrency", Number),
    fixed("amountRoundoff", Number),
    fixed("amountRoundoffCurrency", Number),
    fixed("amountOutstanding", Number),
    fixed("amountCurrencyOutstanding", Number),
    fixed("amountOutstandingTotal", Number),
    fixed("amountCurrencyOutstandingTotal", Number),
    fixed("sumRemits", Number),
    open("currency", Ref("currency")),
    fixed("isCreditNote", Flag),
    fixed("isCharged", Flag),
    fixed("isApproved", Flag),
    fixed("postings", Empty),
    fixed("reminders", Empty),
    open("invoiceRemarks", Text),
    fixed("isPeriodizationPossible", Flag),
    fixed("documentId", Whole),
    open(
        "ehfSendStatus",
        Choice(&["DO_NOT_SEND", "SEND", "SENT", "SEND_FAILURE_RECIPIENT_NOT_FOUND"]),
    ),
];

pub(super) const ADDRESS: &[Property] = &[
    open("addressLine1", Text),
    open("addressLine2", Text),
    open("postalCode", Text),
    open("city", Text),
    open("country", Ref("country")),
    fixed("displayName", Text),
    fixed("addressAsString", Text),
    fixed("displayNameInklMatrikkel", Text),
    open("knr", Whole),
    open("gnr", Whole),
    open("bnr", Whole),
    open("fnr", Whole),
    open("snr", Whole),
    open("unitNumber", Text),
];

const COUNTRY: &[Property] = &[
    fixed("name", Text),
    fixed("displayName", Text),
    fixed("isoAlpha2Code", Text),
    fixed("isoAlpha3Code", Text),
    fixed("isoNumericCode", Text),
];
const CURRENCY: &[Property] = &[
    fixed("code", Text),
    fixed("description", Text),
    fixed("factor", Whole),
    fixed("displayName", Text),
    fixed("isDisabled", Flag),
];
const VAT_TYPE: &[Property] = &[
    fixed("name", Text),
    fixed("number", Text),
    fixed("displayName", Text),
    fixed("percentage", Number),
    fixed("deductionPercentage", Number),
    fixed("parentType", Nothing),
];

/// How a parameter narrows a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// One of the numbers between commas, at a path.
    Among(&'static str),
    /// The same text, whatever the case.
    Same(&'static str),
    Contains(&'static str),
    Is(&'static str),
    /// The same, and false where it is not said.
    IsOrNot(&'static str),
    From(&'static str),
    /// Up to, but not on.
    Until(&'static str),
    ChangedSince,
    /// Known, and of no effect in this company.
    Idle,
}

/// A parameter; whether it must be there.
pub(super) type Parameter = (&'static str, How, bool);

/// A resource.
pub(super) struct Resource {
    pub path: &'static str,
    /// What messages call it.
    pub model: &'static str,
    pub properties: &'static [Property],
    pub parameters: &'static [Parameter],
    /// `POST`, `PUT`, `DELETE` on one, as far as they are there.
    pub methods: &'static [&'static str],
    /// Not a list of its own.
    pub hidden: bool,
    /// The version of a new record.
    pub first_version: i64,
}

use How::{Among, ChangedSince, Contains, From, Idle, Is, IsOrNot, Same, Until};

const CUSTOMERS: &[Parameter] = &[
    ("id", Among("id"), false),
    ("customerAccountNumber", Among("customerNumber"), false),
    ("organizationNumber", Same("organizationNumber"), false),
    ("email", Same("email"), false),
    ("invoiceEmail", Same("invoiceEmail"), false),
    ("customerName", Contains("name"), false),
    ("phoneNumberMobile", Contains("phoneNumberMobile"), false),
    ("isInactive", IsOrNot("isInactive"), false),
    ("accountManagerId", Among("accountManager.id"), false),
    ("changedSince", ChangedSince, false),
];
const SUPPLIERS: &[Parameter] = &[
    ("id", Among("id"), false),
    ("supplierNumber", Among("supplierNumber"), false),
    ("organizationNumber", Same("organizationNumber"), false),
    ("email", Same("email"), false),
    ("invoiceEmail", Same("invoiceEmail"), false),
    ("isInactive", IsOrNot("isInactive"), false),
    ("accountManagerId", Among("accountManager.id"), false),
    ("changedSince", ChangedSince, false),
    ("isWholesaler", Is("isWholesaler"), false),
    ("showProducts", Is("showProducts"), false),
];
const CONTACTS: &[Parameter] = &[
    ("id", Among("id"), false),
    ("firstName", Contains("firstName"), false),
    ("lastName", Contains("lastName"), false),
    ("email", Contains("email"), false),
    ("customerId", Among("customer.id"), false),
    ("departmentId", Among("department.id"), false),
];
const EMPLOYEES: &[Parameter] = &[
    ("id", Among("id"), false),
    ("firstName", Contains("firstName"), false),
    ("lastName", Contains("lastName"), false),
    ("employeeNumber", Same("employeeNumber"), false),
    ("email", Contains("email"), false),
    ("allowInformationRegistration", Is("allowInformationRegistration"), false),
    ("includeContacts", Idle, false),
    ("departmentId", Among("department.id"), false),
    ("onlyProjectManagers", Idle, false),
    ("onlyContacts", Idle, false),
    ("assignableProjectManagers", Idle, false),
    ("periodStart", Idle, false),
    ("periodEnd", Idle, false),
    ("hasSystemAccess", Idle, false),
    ("onlyEmployeeTokens", Idle, false),
];
const DEPARTMENTS: &[Parameter] = &[
    ("id", Among("id"), false),
    ("name", Contains("name"), false),
    ("departmentNumber", Contains("departmentNumber"), false),
    ("departmentManagerId", Among("departmentManager.id"), false),
    ("isInactive", Is("isInactive"), false),
];
const PRODUCTS: &[Parameter] = &[
    ("number", Among("number"), false),
    ("ids", Among("id"), false),
    ("productNumber", Among("number"), false),
    ("name", Contains("name"), false),
    ("ean", Same("ean"), false),
    ("isInactive", Is("isInactive"), false),
    ("isStockItem", Is("isStockItem"), false),
    ("supplierId", Among("supplier.id"), false),
    ("currencyId", Among("currency.id"), false),
    ("vatTypeId", Among("vatType.id"), false),
    ("departmentId", Among("department.id"), false),
    ("isSupplierProduct", Is("hasSupplierProductConnected"), false),
    ("productUnitId", Idle, false),
    ("accountId", Idle, false),
    ("costExcludingVatCurrencyFrom", From("costExcludingVatCurrency"), false),
    ("costExcludingVatCurrencyTo", Until("costExcludingVatCurrency"), false),
    ("priceIncludingVatCurrencyFrom", From("priceIncludingVatCurrency"), false),
    ("priceIncludingVatCurrencyTo", Until("priceIncludingVatCurrency"), false),
    ("priceExcludingVatCurrencyFrom", From("priceExcludingVatCurrency"), false),
    ("priceExcludingVatCurrencyTo", Until("priceExcludingVatCurrency"), false),
];
const ORDERS: &[Parameter] = &[
    ("id", Among("id"), false),
    ("number", Same("number"), false),
    ("customerId", Among("customer.id"), false),
    ("orderDateFrom", From("orderDate"), true),
    ("orderDateTo", Until("orderDate"), true),
    ("deliveryComment", Contains("deliveryComment"), false),
    ("isClosed", Is("isClosed"), false),
    ("isSubscription", Is("isSubscription"), false),
];
const INVOICES: &[Parameter] = &[
    ("id", Among("id"), false),
    ("invoiceDateFrom", From("invoiceDate"), true),
    ("invoiceDateTo", Until("invoiceDate"), true),
    ("invoiceNumber", Same("invoiceNumber"), false),
    ("kid", Same("kid"), false),
    ("voucherId", Idle, false),
    ("customerId", Among("customer.id"), false),
];
const CODES: &[Parameter] = &[("id", Among("id"), false), ("code", Same("code"), false)];
const COUNTRIES: &[Parameter] = &[
    ("id", Among("id"), false),
    ("code", Same("isoAlpha2Code"), false),
    ("isDisabled", Idle, false),
    ("supportedInZtl", Idle, false),
];
const VAT_TYPES: &[Parameter] = &[
    ("id", Among("id"), false),
    ("number", Among("number"), false),
    ("typeOfVat", Idle, false),
    ("vatDate", Idle, false),
    ("shouldIncludeSpecificationTypes", Idle, false),
];

const fn resource(
    path: &'static str,
    model: &'static str,
    properties: &'static [Property],
    parameters: &'static [Parameter],
    methods: &'static [&'static str],
) -> Resource {
    Resource { path, model, properties, parameters, methods, hidden: false, first_version: 0 }
}

pub(super) const RESOURCES: &[Resource] = &[
    Resource {
        first_version: 1,
        ..resource("customer", "CustomerDTO", CUSTOMER, CUSTOMERS, &["POST", "PUT", "DELETE"])
    },
    Resource {
        first_version: 1,
        ..resource("supplier", "SupplierDTO", SUPPLIER, SUPPLIERS, &["POST", "PUT", "DELETE"])
    },
    resource("contact", "ContactDTO", CONTACT, CONTACTS, &["POST", "PUT"]),
    Resource {
        first_version: 1,
        ..resource("employee", "EmployeeDTO", EMPLOYEE, EMPLOYEES, &["POST", "PUT"])
    },
    resource("department", "DepartmentDTO", DEPARTMENT, DEPARTMENTS, &["POST", "PUT", "DELETE"]),
    resource("product", "ProductDTO", PRODUCT, PRODUCTS, &["POST", "PUT", "DELETE"]),
    resource("order", "OrderDTO", ORDER, ORDERS, &["POST", "PUT", "DELETE"]),
    Resource {
        hidden: true,
        ..resource("order/orderline", "OrderLineDTO", ORDER_LINE, &[], &["POST", "PUT", "DELETE"])
    },
    resource("invoice", "InvoiceDTO", INVOICE, INVOICES, &["POST"]),
    resource("country", "CountryDTO", COUNTRY, COUNTRIES, &[]),
    resource("currency", "CurrencyDTO", CURRENCY, CODES, &[]),
    resource("ledger/vatType", "VatTypeDTO", VAT_TYPE, VAT_TYPES, &[]),
];

/// What the sandbox calls those that people work with, in the order of the resources.
pub(super) const NAMES: &[&str] = &[
    "customer",
    "supplier",
    "contact",
    "employee",
    "department",
    "product",
    "order",
    "orderline",
    "invoice",
];

pub(super) fn place(path: &str) -> Option<usize> {
    RESOURCES.iter().position(|resource| resource.path == path)
}

/// What a property holds at first.
pub(super) fn blank(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Mail => json!(""),
        Kind::Whole | Kind::Number => json!(0),
        Kind::Flag => json!(false),
        Kind::Choice(choices) => json!(choices[0]),
        Kind::Many(_) | Kind::Texts | Kind::Empty => json!([]),
        Kind::Date | Kind::Ref(_) | Kind::Address | Kind::Nothing => Value::Null,
    }
}

/// Records that every company has: path, id and content.
pub(super) fn given() -> Vec<(&'static str, i64, Value)> {
    let country = |id, name: &str, two: &str, three: &str, number: &str| {
        let record = json!({"name": name, "displayName": name, "isoAlpha2Code": two, "isoAlpha3Code": three, "isoNumericCode": number});
        ("country", id, record)
    };
    let currency = |id, code: &str, description: &str, factor: i64| {
        let record = json!({"code": code, "description": description, "factor": factor, "displayName": code, "isDisabled": false});
        ("currency", id, record)
    };
    let vat = |id, number: &str, name: &str, percentage: f64| {
        let record = json!({"name": name, "number": number, "displayName": format!("{number}: {name}"), "percentage": percentage,
            "deductionPercentage": 100.0, "parentType": null});
        ("ledger/vatType", id, record)
    };
    vec![
        country(161, "Norge", "NO", "NOR", "578"),
        country(205, "Sverige", "SE", "SWE", "752"),
        country(58, "Danmark", "DK", "DNK", "208"),
        country(73, "Finland", "FI", "FIN", "246"),
        country(81, "Tyskland", "DE", "DEU", "276"),
        currency(1, "NOK", "Norge", 1),
        currency(2, "SEK", "Sverige", 100),
        currency(3, "DKK", "Danmark", 100),
        currency(5, "EUR", "EU", 1),
        vat(0, "0", "Ingen avgiftsbehandling", 0.0),
        vat(3, "3", "Utgående avgift, høy sats", 25.0),
        vat(31, "31", "Utgående avgift, middels sats", 15.0),
        vat(32, "32", "Utgående avgift, råfisk", 11.11),
        vat(33, "33", "Utgående avgift, lav sats", 12.0),
        vat(5, "5", "Ingen utgående avgift (innenfor mva-loven)", 0.0),
        vat(6, "6", "Ingen utgående avgift (utenfor mva-loven)", 0.0),
    ]
}
