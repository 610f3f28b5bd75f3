//! The entities that are emulated, their properties and who may write them. Names, types and
//! lengths: the metadata of API v2.0; what can't be written: the pages of the vendor's own API
//! extension (microsoft/ALAppExtensions, APIV2).

use crate::util::shape::{Kind, LONG, Property, fixed, open};
use serde_json::{Value, json};

/// What an empty GUID looks like.
pub(super) const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// One kind of record.
#[derive(Debug)]
pub(super) struct Entity {
    /// The entity set, which is also the sandbox's collection.
    pub set: &'static str,
    /// The entity type, after `Microsoft.NAV.`.
    pub name: &'static str,
    /// What the application calls it, in messages.
    pub caption: &'static str,
    pub properties: &'static [Property],
    /// The property that tells records apart for people: `number` or `code`.
    pub number: &'static str,
    /// What numbers of the number series begin with.
    pub series: &'static str,
    /// Whether there are webhooks.
    pub hooks: bool,
}

const fn text(name: &'static str, characters: usize) -> Property {
    open(name, Kind::Text(characters))
}

const CONTACT_TYPE: Kind = Kind::Choice(&["Company", "Person"]);
const ID: Property = fixed("id", Kind::Guid);
const CHANGED: Property = fixed("lastModifiedDateTime", Kind::Moment);

const CUSTOMER: &[Property] = &[
    ID,
    text("number", 20),
    text("displayName", 100),
    open("type", CONTACT_TYPE),
    text("addressLine1", 100),
    text("addressLine2", 50),
    text("city", 30),
    text("state", 30),
    text("country", 10),
    text("postalCode", 20),
    text("phoneNumber", 30),
    text("email", 80),
    text("website", 80),
    text("salespersonCode", 20),
    fixed("balanceDue", Kind::Decimal),
    open("creditLimit", Kind::Decimal),
    open("taxLiable", Kind::Bool),
    open("taxAreaId", Kind::Guid),
    fixed("taxAreaDisplayName", LONG),
    open("taxRegistrationNumber", LONG),
    open("currencyId", Kind::Guid),
    open("currencyCode", LONG),
    open("paymentTermsId", Kind::Guid),
    open("shipmentMethodId", Kind::Guid),
    open("paymentMethodId", Kind::Guid),
    open("blocked", Kind::Choice(&["_x0020_", "Ship", "Invoice", "All"])),
    CHANGED,
];

const CONTACT: &[Property] = &[
    ID,
    text("number", 20),
    open("type", CONTACT_TYPE),
    text("displayName", 100),
    text("jobTitle", 30),
    text("companyNumber", 20),
    text("companyName", 100),
    open(
        "contactBusinessRelation",
        Kind::Choice(&[
            "_x0020_",
            "Customer",
            "Vendor",
            "Bank_x0020_Account",
            "Employee",
            "None",
            "Other",
            "Multiple",
        ]),
    ),
    text("addressLine1", 100),
    text("addressLine2", 50),
    text("city", 30),
    text("state", 30),
    text("country", 10),
    text("postalCode", 20),
    text("phoneNumber", 30),
    text("mobilePhoneNumber", 30),
    text("email", 80),
    text("website", 80),
    text("searchName", 100),
    open("privacyBlocked", Kind::Bool),
    open("taxRegistrationNumber", LONG),
    fixed("lastInteractionDate", Kind::Date),
    CHANGED,
];

const VENDOR: &[Property] = &[
    ID,
    text("number", 20),
    text("displayName", 100),
    text("addressLine1", 100),
    text("addressLine2", 50),
    text("city", 30),
    text("state", 30),
    text("country", 10),
    text("postalCode", 20),
    text("phoneNumber", 30),
    text("email", 80),
    text("website", 80),
    open("taxRegistrationNumber", LONG),
    open("currencyId", Kind::Guid),
    open("currencyCode", LONG),
    open("irs1099Code", LONG),
    open("paymentTermsId", Kind::Guid),
    open("paymentMethodId", Kind::Guid),
    open("taxLiable", Kind::Bool),
    open("blocked", Kind::Choice(&["_x0020_", "Payment", "All"])),
    fixed("balance", Kind::Decimal),
    CHANGED,
];

const ITEM: &[Property] = &[
    ID,
    text("number", 20),
    text("displayName", 100),
    text("displayName2", 50),
    open("type", Kind::Choice(&["Inventory", "Service", "Non_x002D_Inventory"])),
    open("itemCategoryId", Kind::Guid),
    text("itemCategoryCode", 20),
    open("blocked", Kind::Bool),
    text("gtin", 14),
    open("inventory", Kind::Decimal),
    open("unitPrice", Kind::Decimal),
    open("priceIncludesTax", Kind::Bool),
    open("unitCost", Kind::Decimal),
    open("taxGroupId", Kind::Guid),
    text("taxGroupCode", 20),
    open("baseUnitOfMeasureId", Kind::Guid),
    text("baseUnitOfMeasureCode", 10),
    open("generalProductPostingGroupId", Kind::Guid),
    text("generalProductPostingGroupCode", 20),
    open("inventoryPostingGroupId", Kind::Guid),
    text("inventoryPostingGroupCode", 20),
    CHANGED,
];

const EMPLOYEE: &[Property] = &[
    ID,
    text("number", 20),
    fixed("displayName", LONG),
    text("givenName", 30),
    text("middleName", 30),
    text("surname", 30),
    text("jobTitle", 30),
    text("addressLine1", 100),
    text("addressLine2", 50),
    text("city", 30),
    text("state", 30),
    text("country", 10),
    text("postalCode", 20),
    text("phoneNumber", 30),
    text("mobilePhone", 30),
    text("email", 80),
    text("personalEmail", 80),
    open("employmentDate", Kind::Date),
    open("terminationDate", Kind::Date),
    open("status", Kind::Choice(&["Active", "Inactive", "Terminated"])),
    open("birthDate", Kind::Date),
    text("statisticsGroupCode", 10),
    CHANGED,
];

const SALES_ORDER: &[Property] = &[
    ID,
    fixed("number", Kind::Text(20)),
    text("externalDocumentNumber", 35),
    open("orderDate", Kind::Date),
    open("postingDate", Kind::Date),
    open("customerId", Kind::Guid),
    text("customerNumber", 20),
    fixed("customerName", Kind::Text(100)),
    fixed("billToName", Kind::Text(100)),
    open("billToCustomerId", Kind::Guid),
    text("billToCustomerNumber", 20),
    text("shipToName", 100),
    text("shipToContact", 100),
    text("sellToAddressLine1", 100),
    text("sellToAddressLine2", 50),
    text("sellToCity", 30),
    text("sellToCountry", 10),
    text("sellToState", 30),
    text("sellToPostCode", 20),
    fixed("billToAddressLine1", Kind::Text(100)),
    fixed("billToAddressLine2", Kind::Text(50)),
    fixed("billToCity", Kind::Text(30)),
    fixed("billToCountry", Kind::Text(10)),
    fixed("billToState", Kind::Text(30)),
    fixed("billToPostCode", Kind::Text(20)),
    text("shipToAddressLine1", 100),
    text("shipToAddressLine2", 50),
    text("shipToCity", 30),
    text("shipToCountry", 10),
    text("shipToState", 30),
    text("shipToPostCode", 20),
    text("shortcutDimension1Code", 20),
    text("shortcutDimension2Code", 20),
    open("currencyId", Kind::Guid),
    open("currencyCode", LONG),
    open("pricesIncludeTax", Kind::Bool),
    open("paymentTermsId", Kind::Guid),
    open("shipmentMethodId", Kind::Guid),
    text("salesperson", 20),
    open("partialShipping", Kind::Bool),
    open("requestedDeliveryDate", Kind::Date),
    open("discountAmount", Kind::Decimal),
    fixed("discountAppliedBeforeTax", Kind::Bool),
    fixed("totalAmountExcludingTax", Kind::Decimal),
    fixed("totalTaxAmount", Kind::Decimal),
    fixed("totalAmountIncludingTax", Kind::Decimal),
    fixed("fullyShipped", Kind::Bool),
    fixed("status", Kind::Choice(&["Draft", "In_x0020_Review", "Open"])),
    CHANGED,
    text("phoneNumber", 30),
    text("email", 80),
];

const SALES_INVOICE: &[Property] = &[
    ID,
    fixed("number", Kind::Text(20)),
    text("externalDocumentNumber", 35),
    open("invoiceDate", Kind::Date),
    open("postingDate", Kind::Date),
    open("dueDate", Kind::Date),
    open("promisedPayDate", Kind::Date),
    text("customerPurchaseOrderReference", 35),
    open("customerId", Kind::Guid),
    text("customerNumber", 20),
    fixed("customerName", Kind::Text(100)),
    fixed("billToName", Kind::Text(100)),
    open("billToCustomerId", Kind::Guid),
    text("billToCustomerNumber", 20),
    text("shipToName", 100),
    text("shipToContact", 100),
    text("sellToAddressLine1", 100),
    text("sellToAddressLine2", 50),
    text("sellToCity", 30),
    text("sellToCountry", 10),
    text("sellToState", 30),
    text("sellToPostCode", 20),
    fixed("billToAddressLine1", Kind::Text(100)),
    fixed("billToAddressLine2", Kind::Text(50)),
    fixed("billToCity", Kind::Text(30)),
    fixed("billToCountry", Kind::Text(10)),
    fixed("billToState", Kind::Text(30)),
    fixed("billToPostCode", Kind::Text(20)),
    text("shipToAddressLine1", 100),
    text("shipToAddressLine2", 50),
    text("shipToCity", 30),
    text("shipToCountry", 10),
    text("shipToState", 30),
    text("shipToPostCode", 20),
    open("currencyId", Kind::Guid),
    text("shortcutDimension1Code", 20),
    text("shortcutDimension2Code", 20),
    open("currencyCode", LONG),
    fixed("orderId", Kind::Guid),
    fixed("orderNumber", Kind::Text(20)),
    open("paymentTermsId", Kind::Guid),
    open("shipmentMethodId", Kind::Guid),
    text("salesperson", 20),
    open("disputeStatusId", Kind::Guid),
    text("disputeStatus", 10),
    open("pricesIncludeTax", Kind::Bool),
    fixed("remainingAmount", Kind::Decimal),
    open("discountAmount", Kind::Decimal),
    fixed("discountAppliedBeforeTax", Kind::Bool),
    fixed("totalAmountExcludingTax", Kind::Decimal),
    fixed("totalTaxAmount", Kind::Decimal),
    fixed("totalAmountIncludingTax", Kind::Decimal),
    fixed(
        "status",
        Kind::Choice(&[
            "_x0020_",
            "Draft",
            "In_x0020_Review",
            "Open",
            "Paid",
            "Canceled",
            "Corrective",
        ]),
    ),
    CHANGED,
    text("phoneNumber", 30),
    text("email", 80),
];

const LINE_TYPE: Kind = Kind::Choice(&[
    "Comment",
    "Account",
    "Item",
    "Resource",
    "Fixed_x0020_Asset",
    "Charge",
    "Allocation_x0020_Account",
]);

const SALES_ORDER_LINE: &[Property] = &[
    ID,
    open("documentId", Kind::Guid),
    open("sequence", Kind::Integer),
    open("itemId", Kind::Guid),
    open("accountId", Kind::Guid),
    open("lineType", LINE_TYPE),
    text("lineObjectNumber", 20),
    text("description", 100),
    text("description2", 50),
    open("unitOfMeasureId", Kind::Guid),
    text("unitOfMeasureCode", 10),
    open("quantity", Kind::Decimal),
    open("unitPrice", Kind::Decimal),
    open("discountAmount", Kind::Decimal),
    open("discountPercent", Kind::Decimal),
    fixed("discountAppliedBeforeTax", Kind::Bool),
    fixed("amountExcludingTax", Kind::Decimal),
    text("taxCode", 50),
    fixed("taxPercent", Kind::Decimal),
    fixed("totalTaxAmount", Kind::Decimal),
    fixed("amountIncludingTax", Kind::Decimal),
    fixed("invoiceDiscountAllocation", Kind::Decimal),
    fixed("netAmount", Kind::Decimal),
    fixed("netTaxAmount", Kind::Decimal),
    fixed("netAmountIncludingTax", Kind::Decimal),
    open("shipmentDate", Kind::Date),
    fixed("shippedQuantity", Kind::Decimal),
    fixed("invoicedQuantity", Kind::Decimal),
    open("invoiceQuantity", Kind::Decimal),
    open("shipQuantity", Kind::Decimal),
    open("itemVariantId", Kind::Guid),
    open("locationId", Kind::Guid),
];

const SALES_INVOICE_LINE: &[Property] = &[
    ID,
    open("documentId", Kind::Guid),
    open("sequence", Kind::Integer),
    open("itemId", Kind::Guid),
    open("accountId", Kind::Guid),
    open("lineType", LINE_TYPE),
    text("lineObjectNumber", 20),
    text("description", 100),
    text("description2", 50),
    open("unitOfMeasureId", Kind::Guid),
    text("unitOfMeasureCode", 10),
    open("quantity", Kind::Decimal),
    open("unitPrice", Kind::Decimal),
    open("discountAmount", Kind::Decimal),
    open("discountPercent", Kind::Decimal),
    fixed("discountAppliedBeforeTax", Kind::Bool),
    fixed("amountExcludingTax", Kind::Decimal),
    text("taxCode", 50),
    fixed("taxPercent", Kind::Decimal),
    fixed("totalTaxAmount", Kind::Decimal),
    fixed("amountIncludingTax", Kind::Decimal),
    fixed("invoiceDiscountAllocation", Kind::Decimal),
    fixed("netAmount", Kind::Decimal),
    fixed("netTaxAmount", Kind::Decimal),
    fixed("netAmountIncludingTax", Kind::Decimal),
    open("shipmentDate", Kind::Date),
    open("itemVariantId", Kind::Guid),
    open("locationId", Kind::Guid),
];

const ITEM_CATEGORY: &[Property] = &[ID, text("code", 20), text("displayName", 100), CHANGED];

const UNIT_OF_MEASURE: &[Property] = &[
    ID,
    text("code", 10),
    text("displayName", 50),
    text("internationalStandardCode", 10),
    text("symbol", 10),
    CHANGED,
];

const CURRENCY: &[Property] = &[
    ID,
    text("code", 10),
    text("displayName", 30),
    text("symbol", 10),
    text("amountDecimalPlaces", 5),
    open("amountRoundingPrecision", Kind::Decimal),
    CHANGED,
];

const PAYMENT_TERM: &[Property] = &[
    ID,
    text("code", 10),
    text("displayName", 100),
    open("dueDateCalculation", LONG),
    open("discountDateCalculation", LONG),
    open("discountPercent", Kind::Decimal),
    open("calculateDiscountOnCreditMemos", Kind::Bool),
    CHANGED,
];

const fn entity(
    set: &'static str,
    name: &'static str,
    caption: &'static str,
    properties: &'static [Property],
    series: &'static str,
) -> Entity {
    Entity { set, name, caption, properties, number: "number", series, hooks: true }
}

const fn coded(
    set: &'static str,
    name: &'static str,
    caption: &'static str,
    properties: &'static [Property],
) -> Entity {
    Entity { set, name, caption, properties, number: "code", series: "", hooks: true }
}

/// All of them; lines are last, since they are deleted with their documents.
pub(super) const ENTITIES: &[Entity] = &[
    entity("customers", "customer", "Customer", CUSTOMER, "C"),
    Entity { hooks: false, ..entity("contacts", "contact", "Contact", CONTACT, "CT") },
    entity("vendors", "vendor", "Vendor", VENDOR, "V"),
    entity("items", "item", "Item", ITEM, "1"),
    entity("employees", "employee", "Employee", EMPLOYEE, "E"),
    entity("salesOrders", "salesOrder", "Sales Order", SALES_ORDER, "S-ORD1"),
    entity("salesInvoices", "salesInvoice", "Sales Invoice", SALES_INVOICE, "S-INV1"),
    coded("itemCategories", "itemCategory", "Item Category", ITEM_CATEGORY),
    coded("unitsOfMeasure", "unitOfMeasure", "Unit of Measure", UNIT_OF_MEASURE),
    coded("currencies", "currency", "Currency", CURRENCY),
    coded("paymentTerms", "paymentTerm", "Payment Terms", PAYMENT_TERM),
    Entity {
        number: "sequence",
        hooks: false,
        ..entity("salesOrderLines", "salesOrderLine", "Sales Line", SALES_ORDER_LINE, "")
    },
    Entity {
        number: "sequence",
        hooks: false,
        ..entity("salesInvoiceLines", "salesInvoiceLine", "Sales Line", SALES_INVOICE_LINE, "")
    },
];

pub(super) const SETS: &[&str] = &[
    "customers",
    "contacts",
    "vendors",
    "items",
    "employees",
    "salesOrders",
    "salesInvoices",
    "itemCategories",
    "unitsOfMeasure",
    "currencies",
    "paymentTerms",
    "salesOrderLines",
    "salesInvoiceLines",
];

/// The place of an entity set in [`ENTITIES`].
pub(super) fn place(set: &str) -> Option<usize> {
    ENTITIES.iter().position(|entity| entity.set == set)
}

/// What a property holds while nobody has written it: nothing is ever null.
pub(super) fn blank(kind: Kind) -> Value {
    match kind {
        Kind::Text(_) => json!(""),
        Kind::Guid => json!(NO_ID),
        Kind::Integer | Kind::Decimal => json!(0),
        Kind::Bool => json!(false),
        Kind::Date => json!("0001-01-01"),
        Kind::Moment => json!("0001-01-01T00:00:00Z"),
        Kind::Choice(members) => json!(members[0]),
    }
}
