//! The modules of the demo organization and their fields, as a new organization has them. In an
//! account, `GET /settings/fields` tells them.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text(usize),
    Email,
    Phone,
    Website,
    Pick(&'static [&'static str]),
    Integer,
    Double,
    Date,
    DateTime,
    Boolean,
    Lookup(&'static str),
    User,
    /// Lines of articles.
    Subform,
    Tags,
    Id,
}

impl Kind {
    /// What the vendor calls the type in its refusals.
    pub fn json_type(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Lookup(_) | Self::User => "jsonobject",
            Self::Subform | Self::Tags => "jsonarray",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Website => "website",
            Self::Text(_) | Self::Pick(_) => "text",
            Self::Id => "bigint",
        }
    }

    /// What the list of fields calls it.
    pub fn data_type(self) -> &'static str {
        match self {
            Self::Pick(_) => "picklist",
            Self::Lookup(_) => "lookup",
            Self::User => "ownerlookup",
            Self::Subform => "subform",
            Self::Double => "currency",
            Self::Tags => "text",
            other => other.json_type(),
        }
    }

    pub fn length(self) -> usize {
        match self {
            Self::Text(length) => length,
            Self::Email => 100,
            Self::Phone => 50,
            Self::Website => 450,
            _ => 120,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub mandatory: bool,
    /// The system's own.
    pub fixed: bool,
    pub unique: bool,
}

const fn open(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, mandatory: false, fixed: false, unique: false }
}

const fn needed(name: &'static str, kind: Kind) -> Field {
    Field { mandatory: true, ..open(name, kind) }
}

const fn fixed(name: &'static str, kind: Kind) -> Field {
    Field { fixed: true, ..open(name, kind) }
}

use Kind::{
    Boolean, Date, DateTime, Double, Email, Id, Integer, Lookup, Phone, Pick, Subform, Tags, Text,
    User, Website,
};

const SOURCES: Kind = Pick(&[
    "Advertisement",
    "Cold Call",
    "Employee Referral",
    "External Referral",
    "Online Store",
    "Partner",
    "Trade Show",
    "Web Download",
    "Web Research",
    "Chat",
]);

const CONTACTS: &[Field] = &[
    open("Salutation", Pick(&["Mr.", "Mrs.", "Ms.", "Dr.", "Prof."])),
    open("First_Name", Text(40)),
    needed("Last_Name", Text(80)),
    fixed("Full_Name", Text(120)),
    open("Account_Name", Lookup("Accounts")),
    Field { unique: true, ..open("Email", Email) },
    open("Secondary_Email", Email),
    open("Title", Text(100)),
    open("Department", Text(50)),
    open("Phone", Phone),
    open("Mobile", Phone),
    open("Home_Phone", Phone),
    open("Fax", Text(30)),
    open("Date_of_Birth", Date),
    open("Email_Opt_Out", Boolean),
    open("Lead_Source", SOURCES),
    open("Reporting_To", Lookup("Contacts")),
    open("Mailing_Street", Text(250)),
    open("Mailing_City", Text(100)),
    open("Mailing_State", Text(100)),
    open("Mailing_Zip", Text(30)),
    open("Mailing_Country", Text(100)),
    open("Description", Text(32_000)),
];

const ACCOUNTS: &[Field] = &[
    needed("Account_Name", Text(200)),
    open("Account_Number", Text(40)),
    open("Parent_Account", Lookup("Accounts")),
    open("Phone", Phone),
    open("Fax", Text(30)),
    open("Website", Website),
    open(
        "Account_Type",
        Pick(&[
            "Analyst",
            "Competitor",
            "Customer",
            "Distributor",
            "Investor",
            "Other",
            "Partner",
            "Prospect",
            "Supplier",
            "Vendor",
        ]),
    ),
    open("Industry", Text(120)),
    open("Employees", Integer),
    open("Annual_Revenue", Double),
    open("Billing_Street", Text(250)),
    open("Billing_City", Text(100)),
    open("Billing_State", Text(100)),
    open("Billing_Code", Text(30)),
    open("Billing_Country", Text(100)),
    open("Shipping_Street", Text(250)),
    open("Shipping_City", Text(100)),
    open("Shipping_State", Text(100)),
    open("Shipping_Code", Text(30)),
    open("Shipping_Country", Text(100)),
    open("Description", Text(32_000)),
];

pub(super) const STAGES: &[&str] = &[
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Identify Decision Makers",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
    "Closed Lost to Competition",
];

const DEALS: &[Field] = &[
    needed("Deal_Name", Text(120)),
    needed("Stage", Pick(STAGES)),
    open("Amount", Double),
    open("Closing_Date", Date),
    open("Pipeline", Text(120)),
    open("Account_Name", Lookup("Accounts")),
    open("Contact_Name", Lookup("Contacts")),
    open("Type", Pick(&["Existing Business", "New Business"])),
    open("Lead_Source", SOURCES),
    open("Next_Step", Text(100)),
    open("Probability", Integer),
    fixed("Expected_Revenue", Double),
    open("Description", Text(32_000)),
];

const PRODUCTS: &[Field] = &[
    needed("Product_Name", Text(200)),
    Field { unique: true, ..open("Product_Code", Text(200)) },
    open("Product_Active", Boolean),
    open("Product_Category", Pick(&["Hardware", "Software", "CRM Applications"])),
    open("Unit_Price", Double),
    open("Qty_in_Stock", Double),
    open("Taxable", Boolean),
    open("Usage_Unit", Text(120)),
    open("Description", Text(32_000)),
];

const INVOICES: &[Field] = &[
    needed("Subject", Text(255)),
    fixed("Invoice_Number", Text(40)),
    open("Invoice_Date", Date),
    open("Due_Date", Date),
    open("Purchase_Order", Text(255)),
    open("Status", Pick(&["Created", "Approved", "Delivered", "Cancelled"])),
    open("Account_Name", Lookup("Accounts")),
    open("Contact_Name", Lookup("Contacts")),
    needed("Invoiced_Items", Subform),
    fixed("Sub_Total", Double),
    fixed("Grand_Total", Double),
    open("Description", Text(32_000)),
];

const LEADS: &[Field] = &[
    open("First_Name", Text(40)),
    needed("Last_Name", Text(80)),
    fixed("Full_Name", Text(120)),
    open("Company", Text(200)),
    open("Designation", Text(100)),
    open("Email", Email),
    open("Phone", Phone),
    open("Mobile", Phone),
    open("Website", Website),
    open("Lead_Source", SOURCES),
    open(
        "Lead_Status",
        Pick(&["Attempted to Contact", "Contact in Future", "Contacted", "Not Contacted"]),
    ),
    open("Industry", Text(120)),
    open("Street", Text(250)),
    open("City", Text(100)),
    open("State", Text(100)),
    open("Zip_Code", Text(30)),
    open("Country", Text(100)),
    open("Description", Text(32_000)),
];

/// What every record has.
pub(super) const SYSTEM: &[Field] = &[
    fixed("id", Id),
    open("Owner", User),
    fixed("Created_By", User),
    fixed("Created_Time", DateTime),
    fixed("Modified_By", User),
    fixed("Modified_Time", DateTime),
    fixed("Tag", Tags),
];

/// The lines of an invoice.
pub(super) const ITEM: &[Field] = &[
    needed("Product_Name", Lookup("Products")),
    needed("Quantity", Double),
    open("List_Price", Double),
    open("Discount", Double),
    open("Description", Text(32_000)),
    fixed("Total", Double),
];

/// A module.
pub(super) struct Module {
    pub name: &'static str,
    pub singular: &'static str,
    pub fields: &'static [Field],
    /// What a record is called.
    pub title: &'static str,
}

pub(super) const MODULES: &[Module] = &[
    Module { name: "Contacts", singular: "Contact", fields: CONTACTS, title: "Full_Name" },
    Module { name: "Accounts", singular: "Account", fields: ACCOUNTS, title: "Account_Name" },
    Module { name: "Deals", singular: "Deal", fields: DEALS, title: "Deal_Name" },
    Module { name: "Products", singular: "Product", fields: PRODUCTS, title: "Product_Name" },
    Module { name: "Invoices", singular: "Invoice", fields: INVOICES, title: "Subject" },
    Module { name: "Leads", singular: "Lead", fields: LEADS, title: "Full_Name" },
];

/// The sandbox's collections: the modules, and the users.
pub(super) const NAMES: &[&str] =
    &["Contacts", "Accounts", "Deals", "Products", "Invoices", "Leads", "users"];

impl Module {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().chain(SYSTEM).find(|field| field.name == name)
    }
}

pub(super) fn place(module: &str) -> Option<usize> {
    MODULES.iter().position(|known| known.name == module)
}
