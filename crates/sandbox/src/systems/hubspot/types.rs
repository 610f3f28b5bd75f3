//! The objects of the demo portal and their properties, as a new account has them.
//!
//! Values are text, whatever a property's type is.

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Email,
    Domain,
    Number,
    Date,
    Moment,
    Flag,
    Choice(&'static [&'static str]),
    /// The id of an owner.
    Owner,
    /// The id of the company that a contact belongs to first of all.
    Company,
}

impl Kind {
    /// What the list of properties calls it, and the field in forms.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Text | Self::Email | Self::Domain => ("string", "text"),
            Self::Number | Self::Company => ("number", "number"),
            Self::Date => ("date", "date"),
            Self::Moment => ("datetime", "date"),
            Self::Flag => ("bool", "booleancheckbox"),
            Self::Choice(_) | Self::Owner => ("enumeration", "select"),
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Email | Self::Domain)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Property {
    pub name: &'static str,
    pub kind: Kind,
    pub read_only: bool,
}

const fn open(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, read_only: false }
}

const fn text(name: &'static str) -> Property {
    open(name, Kind::Text)
}

const fn fixed(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, read_only: true }
}

/// An object type.
pub(super) struct Object {
    pub name: &'static str,
    pub singular: &'static str,
    /// Its number among the vendor's.
    pub code: &'static str,
    pub properties: &'static [Property],
    /// What is answered where nothing is asked for.
    pub shown: &'static [&'static str],
    /// A new record has one of these …
    pub one_of: &'static [&'static str],
    /// … and all of these.
    pub all_of: &'static [&'static str],
    /// The property that says when a record was changed.
    pub modified: &'static str,
}

impl Object {
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().chain(EVERY).find(|property| property.name == name)
    }
}

/// What every object has.
pub(super) const EVERY: &[Property] = &[
    fixed("hs_object_id", Kind::Number),
    fixed("createdate", Kind::Moment),
    open("hubspot_owner_id", Kind::Owner),
];

const LIFECYCLE: Kind = Kind::Choice(&[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
]);

const CONTACTS: &[Property] = &[
    open("email", Kind::Email),
    fixed("hs_additional_emails", Kind::Text),
    text("firstname"),
    text("lastname"),
    text("salutation"),
    text("jobtitle"),
    text("company"),
    text("website"),
    text("phone"),
    text("mobilephone"),
    text("fax"),
    text("address"),
    text("city"),
    text("state"),
    text("zip"),
    text("country"),
    text("date_of_birth"),
    text("message"),
    open("lifecyclestage", LIFECYCLE),
    open(
        "hs_lead_status",
        Kind::Choice(&[
            "NEW",
            "OPEN",
            "IN_PROGRESS",
            "OPEN_DEAL",
            "UNQUALIFIED",
            "ATTEMPTED_TO_CONTACT",
            "CONNECTED",
            "BAD_TIMING",
        ]),
    ),
    open("associatedcompanyid", Kind::Company),
    fixed("lastmodifieddate", Kind::Moment),
];

const COMPANIES: &[Property] = &[
    text("name"),
    open("domain", Kind::Domain),
    text("website"),
    text("phone"),
    text("address"),
    text("address2"),
    text("city"),
    text("state"),
    text("zip"),
    text("country"),
    text("description"),
    open("numberofemployees", Kind::Number),
    open("annualrevenue", Kind::Number),
    open("founded_year", Kind::Number),
    open(
        "industry",
        Kind::Choice(&[
            "ACCOUNTING",
            "BUILDING_MATERIALS",
            "COMPUTER_SOFTWARE",
            "CONSTRUCTION",
            "FOOD_PRODUCTION",
            "LEISURE_TRAVEL_TOURISM",
            "LOGISTICS_AND_SUPPLY_CHAIN",
            "REAL_ESTATE",
            "RETAIL",
        ]),
    ),
    open("type", Kind::Choice(&["PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"])),
    open("lifecyclestage", LIFECYCLE),
    fixed("hs_lastmodifieddate", Kind::Moment),
];

pub(super) const STAGES: &[&str] = &[
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
];

const DEALS: &[Property] = &[
    text("dealname"),
    open("dealstage", Kind::Choice(STAGES)),
    open("pipeline", Kind::Choice(&["default"])),
    open("amount", Kind::Number),
    open("closedate", Kind::Moment),
    open("dealtype", Kind::Choice(&["newbusiness", "existingbusiness"])),
    open("hs_priority", Kind::Choice(&["low", "medium", "high"])),
    open("deal_currency_code", Kind::Choice(&["NOK"])),
    text("description"),
    fixed("hs_is_closed", Kind::Flag),
    fixed("hs_is_closed_won", Kind::Flag),
    fixed("hs_lastmodifieddate", Kind::Moment),
];

const PRODUCTS: &[Property] = &[
    text("name"),
    text("description"),
    text("hs_sku"),
    open("price", Kind::Number),
    open("hs_cost_of_goods_sold", Kind::Number),
    text("hs_url"),
    open("hs_product_type", Kind::Choice(&["inventory", "non_inventory", "service"])),
    fixed("hs_lastmodifieddate", Kind::Moment),
];

const LINE_ITEMS: &[Property] = &[
    text("name"),
    text("description"),
    text("hs_sku"),
    open("hs_product_id", Kind::Number),
    open("price", Kind::Number),
    open("quantity", Kind::Number),
    open("discount", Kind::Number),
    open("hs_discount_percentage", Kind::Number),
    open("hs_recurring_billing_start_date", Kind::Date),
    fixed("amount", Kind::Number),
    fixed("hs_lastmodifieddate", Kind::Moment),
];

pub(super) const OBJECTS: &[Object] = &[
    Object {
        name: "contacts",
        singular: "contact",
        code: "0-1",
        properties: CONTACTS,
        shown: &[
            "createdate",
            "email",
            "firstname",
            "hs_object_id",
            "lastmodifieddate",
            "lastname",
        ],
        one_of: &["email", "firstname", "lastname"],
        all_of: &[],
        modified: "lastmodifieddate",
    },
    Object {
        name: "companies",
        singular: "company",
        code: "0-2",
        properties: COMPANIES,
        shown: &["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
        one_of: &["name", "domain"],
        all_of: &[],
        modified: "hs_lastmodifieddate",
    },
    Object {
        name: "deals",
        singular: "deal",
        code: "0-3",
        properties: DEALS,
        shown: &[
            "amount",
            "closedate",
            "createdate",
            "dealname",
            "dealstage",
            "hs_lastmodifieddate",
            "hs_object_id",
            "pipeline",
        ],
        one_of: &[],
        all_of: &["dealname", "dealstage"],
        modified: "hs_lastmodifieddate",
    },
    Object {
        name: "products",
        singular: "product",
        code: "0-7",
        properties: PRODUCTS,
        shown: &[
            "createdate",
            "description",
            "hs_lastmodifieddate",
            "hs_object_id",
            "name",
            "price",
        ],
        one_of: &[],
        all_of: &["name"],
        modified: "hs_lastmodifieddate",
    },
    Object {
        name: "line_items",
        singular: "line_item",
        code: "0-8",
        properties: LINE_ITEMS,
        shown: &[
            "amount",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
            "hs_product_id",
            "quantity",
        ],
        one_of: &[],
        all_of: &[],
        modified: "hs_lastmodifieddate",
    },
];

/// The sandbox's collections: the objects, and the owners.
pub(super) const NAMES: &[&str] =
    &["contacts", "companies", "deals", "products", "line_items", "owners"];

pub(super) const CONTACT: usize = 0;
pub(super) const COMPANY: usize = 1;

/// An object by its name, its singular or its number: paths take any of them.
pub(super) fn place(name: &str) -> Option<usize> {
    OBJECTS
        .iter()
        .position(|object| object.name == name || object.singular == name || object.code == name)
}

/// A kind of association, in one direction.
pub(super) struct Tie {
    pub from: usize,
    pub to: usize,
    pub number: u64,
    pub name: &'static str,
    /// The one that stands out, which there is one of.
    pub primary: bool,
    /// The number of the other direction.
    pub back: u64,
}

const fn tie(
    (from, to): (usize, usize),
    number: u64,
    name: &'static str,
    primary: bool,
    back: u64,
) -> Tie {
    Tie { from, to, number, name, primary, back }
}

pub(super) const TIES: &[Tie] = &[
    tie((0, 1), 279, "contact_to_company_unlabeled", false, 280),
    tie((0, 1), 1, "contact_to_company", true, 2),
    tie((1, 0), 280, "company_to_contact_unlabeled", false, 279),
    tie((1, 0), 2, "company_to_contact", true, 1),
    tie((2, 0), 3, "deal_to_contact", false, 4),
    tie((0, 2), 4, "contact_to_deal", false, 3),
    tie((2, 1), 341, "deal_to_company_unlabeled", false, 342),
    tie((2, 1), 5, "deal_to_company", true, 6),
    tie((1, 2), 342, "company_to_deal_unlabeled", false, 341),
    tie((1, 2), 6, "company_to_deal", true, 5),
    tie((2, 4), 19, "deal_to_line_item", false, 20),
    tie((4, 2), 20, "line_item_to_deal", false, 19),
];
