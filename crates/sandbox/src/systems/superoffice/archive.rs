//! Lists: `GET /{Entity}` is a query over an archive provider, whose rows are flat and hold
//! selected columns only.
//!
//! Vendor: search/odata/using-filters.md and the archive provider reference (person, contact,
//! ticket, allusers). Unverified, and chosen: unknown columns in `$select` come back null, in
//! `$filter` and `$orderBy` they are 400. The vendor's pages contradict one another about a list
//! without `$entities`; the stricter is chosen: it shows the first entity alone, so neither former
//! employees nor closed requests.

use super::entities::Kind;
use super::tenant::{SuperOffice, error};
use crate::http::{Reply, Request, percent_encode};
use crate::util::filter::Filter;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// Rows when `$top` is absent; unverified.
const DEFAULT_TOP: usize = 500;

fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Person => &[
            "personId",
            "firstName",
            "lastName",
            "middleName",
            "fullName",
            "contactId",
            "title",
            "retired",
            "personNumber",
            "personNoMail",
            "personUpdatedDate",
            "personRegisteredDate",
            "personDeletedDate",
            "email/emailAddress",
            "personPrivate/formattedNumber",
            "personMobilePhone/formattedNumber",
            "personDirectPhone/formattedNumber",
            "phone/formattedNumber",
        ],
        Kind::Contact => &[
            "contactId",
            "name",
            "department",
            "nameDepartment",
            "orgnr",
            "category",
            "business",
            "country",
            "countryId",
            "number",
            "updatedDate",
            "registeredDate",
            "deletedDate",
            "contactDeleted",
            "email/emailAddress",
            "contactPhone/formattedNumber",
        ],
        Kind::Ticket => &[
            "ticketId",
            "title",
            "createdAt",
            "lastChanged",
            "closedAt",
            "deadline",
            "status",
            "ticketStatusName",
            "priorityName",
            "slevel",
            "ownedBy",
            "ownedBy/associateDbId",
            "ownedBy/personId",
            "personId",
            "contactId",
            "person/personId",
            "person/contactId",
            "timeToReply",
            "realTimeToReply",
            "author",
        ],
        Kind::User => &[
            "associateDbId",
            "userName",
            "assocName",
            "personId",
            "contactId",
            "contactName",
            "firstName",
            "lastName",
            "fullName",
            "personEmail",
            "isActive",
            "ejStatus",
            "ejUserId",
            "ejDisplayName",
            "assocType",
            "usergroup",
            "role",
        ],
        Kind::Sale | Kind::Project | Kind::Product | Kind::QuoteLine => of_sales(kind),
    }
}

/// A column, with the place of its value in the entity.
type Column = (&'static str, &'static str);

const SALE: &[Column] = &[
    ("saleId", "SaleId"),
    ("heading", "Heading"),
    ("amount", "Amount"),
    ("earning", "Earning"),
    ("earningPercent", "EarningPercent"),
    ("probPercent", "Probability"),
    ("saleStatus", "Status"),
    ("saleNumber", "Number"),
    ("date", "Saledate"),
    ("contactId", "Contact.ContactId"),
    ("personId", "Person.PersonId"),
    ("projectId", "Project.ProjectId"),
    ("associateId", "Associate.AssociateId"),
    ("nextDueDate", "NextDueDate"),
    ("updatedDate", "UpdatedDate"),
    ("registeredDate", "CreatedDate"),
];
const PROJECT: &[Column] = &[
    ("projectId", "ProjectId"),
    ("name", "Name"),
    ("number", "ProjectNumber"),
    ("completed", "Completed"),
    ("type", "ProjectType.Value"),
    ("status", "ProjectStatus.Value"),
    ("associateId", "Associate.AssociateId"),
    ("description", "Description"),
    ("updatedDate", "UpdatedDate"),
    ("registeredDate", "CreatedDate"),
];
const PRODUCT: &[Column] = &[
    ("productId", "ProductId"),
    ("inAssortment", "InAssortment"),
    ("erpProductKey", "ERPProductKey"),
    ("name", "Name"),
    ("description", "Description"),
    ("code", "Code"),
    ("quantityUnit", "QuantityUnit"),
    ("priceUnit", "PriceUnit"),
    ("itemNumber", "ItemNumber"),
    ("url", "Url"),
    ("vat", "VAT"),
    ("cost", "UnitCost"),
    ("minimumPrice", "UnitMinimumPrice"),
    ("listPrice", "UnitListPrice"),
    ("supplier", "Supplier"),
    ("supplierCode", "SupplierCode"),
    ("updatedDate", "_updated"),
    ("registeredDate", "_created"),
];
const QUOTE_LINE: &[Column] = &[
    ("quoteLineId", "QuoteLineId"),
    ("quoteAlternativeId", "QuoteAlternativeId"),
    ("erpProductKey", "ERPProductKey"),
    ("rank", "Rank"),
    ("quantity", "Quantity"),
    ("name", "Name"),
    ("description", "Description"),
    ("code", "Code"),
    ("quantityUnit", "QuantityUnit"),
    ("vat", "VAT"),
    ("unitCost", "UnitCost"),
    ("unitListPrice", "UnitListPrice"),
    ("discountPercent", "DiscountPercent"),
    ("totalPrice", ""),
    ("updatedDate", "_updated"),
    ("registeredDate", "_created"),
];

/// The columns of what is sold.
fn sales_columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Sale => SALE,
        Kind::Project => PROJECT,
        Kind::Product => PRODUCT,
        _ => QUOTE_LINE,
    }
}

fn of_sales(kind: Kind) -> &'static [&'static str] {
    static NAMES: LazyLock<[Vec<&'static str>; 4]> = LazyLock::new(|| {
        [Kind::Sale, Kind::Project, Kind::Product, Kind::QuoteLine]
            .map(|kind| sales_columns(kind).iter().map(|(name, _)| *name).collect())
    });
    &NAMES[kind as usize - Kind::Sale as usize]
}

/// List price times quantity, less the discount.
fn total_price(line: &Value) -> Value {
    let of = |name: &str| line[name].as_f64().unwrap_or_default();
    let total = of("UnitListPrice") * of("Quantity") * (1.0 - of("DiscountPercent") / 100.0);
    json!((total * 100.0).round() / 100.0)
}

/// What a row shows when nothing was selected.
fn default_columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Person => {
            &["personId", "firstName", "lastName", "fullName", "contactId", "personUpdatedDate"]
        }
        Kind::Contact => &["contactId", "name", "department", "updatedDate"],
        Kind::Ticket => &["ticketId", "title", "createdAt", "lastChanged"],
        _ => columns(kind),
    }
}

fn known_column(kind: Kind, name: &str) -> Option<&'static str> {
    columns(kind).iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
}

fn element_values(value: &Value) -> Vec<Value> {
    value.as_array().into_iter().flatten().map(|element| element["Value"].clone()).collect()
}

/// Which of its provider's entities a record is.
fn entity_of(kind: Kind, stored: &Value) -> &'static str {
    match kind {
        Kind::Person if stored["Retired"] == true => "retiredPerson",
        Kind::Person => "person",
        Kind::Contact => "contact",
        Kind::Ticket if stored["BaseStatus"] == "Closed" => "ticketdisplayclosed",
        Kind::Ticket => "ticket",
        Kind::User => "all",
        Kind::Sale => "sale",
        Kind::Project => "project",
        Kind::Product => "productInAssortment",
        Kind::QuoteLine => "quoteLineIsIncluded",
    }
}

impl SuperOffice {
    /// All values of a column in a record: several where the record has a list.
    fn column(&self, kind: Kind, stored: &Value, column: &str) -> Vec<Value> {
        let one = |value: &Value| vec![value.clone()];
        let lists = |names: &[&str]| {
            names.iter().flat_map(|name| element_values(&stored[*name])).collect::<Vec<_>>()
        };
        match (kind, column) {
            (Kind::Person, "personId") => one(&stored["PersonId"]),
            (Kind::Person, "firstName") => one(&stored["Firstname"]),
            (Kind::Person, "lastName") => one(&stored["Lastname"]),
            (Kind::Person, "middleName") => one(&stored["MiddleName"]),
            (Kind::Person, "fullName") => one(&stored["FullName"]),
            (Kind::Person, "contactId") => {
                vec![json!(stored["Contact"]["ContactId"].as_i64().unwrap_or(0))]
            }
            (Kind::Person, "title") => one(&stored["Title"]),
            (Kind::Person, "retired") => one(&stored["Retired"]),
            (Kind::Person, "personNumber") => one(&stored["PersonNumber"]),
            (Kind::Person, "personNoMail") => one(&stored["NoMailing"]),
            (Kind::Person, "personUpdatedDate") | (Kind::Contact, "updatedDate") => {
                one(&stored["UpdatedDate"])
            }
            (Kind::Person, "personRegisteredDate") | (Kind::Contact, "registeredDate") => {
                one(&stored["CreatedDate"])
            }
            (Kind::Person | Kind::Contact, "email/emailAddress") => lists(&["Emails"]),
            (Kind::Person, "personPrivate/formattedNumber") => lists(&["PrivatePhones"]),
            (Kind::Person, "personMobilePhone/formattedNumber") => lists(&["MobilePhones"]),
            (Kind::Person, "personDirectPhone/formattedNumber") => lists(&["OfficePhones"]),
            (Kind::Person, "phone/formattedNumber") => {
                lists(&["OfficePhones", "MobilePhones", "PrivatePhones", "OtherPhones"])
            }
            (Kind::Contact, "contactPhone/formattedNumber") => lists(&["Phones"]),
            (Kind::Contact, "contactId") => one(&stored["ContactId"]),
            (Kind::Contact, "name") => one(&stored["Name"]),
            (Kind::Contact, "department") => one(&stored["Department"]),
            (Kind::Contact, "nameDepartment") => {
                let (name, department) = (&stored["Name"], &stored["Department"]);
                match department.as_str() {
                    Some(department) if !department.is_empty() => {
                        vec![json!(format!("{}, {department}", name.as_str().unwrap_or_default()))]
                    }
                    _ => one(name),
                }
            }
            (Kind::Contact, "orgnr") => one(&stored["OrgNr"]),
            (Kind::Contact, "number") => one(&stored["Number2"]),
            (Kind::Contact, "category") => one(&stored["Category"]["Value"]),
            (Kind::Contact, "business") => one(&stored["Business"]["Value"]),
            (Kind::Contact, "country") => one(&stored["Country"]["Name"]),
            (Kind::Contact, "countryId") => one(&stored["Country"]["CountryId"]),
            (Kind::Contact, "contactDeleted") => vec![json!(stored["Deleted"] != 0)],
            (Kind::Ticket, "ticketId") => one(&stored["TicketId"]),
            (Kind::Ticket, "title") => one(&stored["Title"]),
            (Kind::Ticket, "createdAt") => one(&stored["CreatedAt"]),
            (Kind::Ticket, "lastChanged") => one(&stored["LastChanged"]),
            (Kind::Ticket, "closedAt") => one(&stored["ClosedAt"]),
            (Kind::Ticket, "deadline") => one(&stored["Deadline"]),
            (Kind::Ticket, "status") => one(&stored["BaseStatus"]),
            (Kind::Ticket, "ticketStatusName") => one(&stored["Status"]["Name"]),
            (Kind::Ticket, "priorityName") => one(&stored["Priority"]["Name"]),
            (Kind::Ticket, "slevel") => one(&stored["Slevel"]),
            (Kind::Ticket, "author") => one(&stored["Author"]),
            (Kind::Ticket, "timeToReply") => one(&stored["TimeToReply"]),
            (Kind::Ticket, "realTimeToReply") => one(&stored["RealTimeToReply"]),
            (Kind::Ticket, "ownedBy") => {
                one(&self.associate_carrier(&stored["OwnedBy"]["AssociateId"])["Name"])
            }
            (Kind::Ticket, "ownedBy/associateDbId") => one(&stored["OwnedBy"]["AssociateId"]),
            (Kind::Ticket, "ownedBy/personId") => {
                one(&self.associate_carrier(&stored["OwnedBy"]["AssociateId"])["PersonId"])
            }
            (Kind::Ticket, "personId" | "person/personId") => {
                vec![json!(stored["Person"]["PersonId"].as_i64().unwrap_or(0))]
            }
            (Kind::Ticket, "contactId" | "person/contactId") => {
                let person = self.person_carrier(&stored["Person"]["PersonId"]);
                vec![json!(person["ContactId"].as_i64().unwrap_or(0))]
            }
            (Kind::User, column) => self.user_column(stored, column),
            (Kind::QuoteLine, "totalPrice") => vec![total_price(stored)],
            (Kind::Sale | Kind::Project | Kind::Product | Kind::QuoteLine, column) => {
                let own = sales_columns(kind).iter().find(|(name, _)| *name == column);
                let path = own.map_or("", |(_, path)| path);
                let value = path.split('.').fold(stored, |value, step| &value[step]);
                vec![if value.is_null() && path.ends_with("Id") { json!(0) } else { value.clone() }]
            }
            _ => Vec::new(),
        }
    }

    fn user_column(&self, user: &Value, column: &str) -> Vec<Value> {
        let person = self.by_id(Kind::Person, &user["Person"]["PersonId"]).unwrap_or(&Value::Null);
        let contact = &person["Contact"]["ContactId"];
        let active = user["Deleted"] != true;
        vec![match column {
            "associateDbId" => user["AssociateId"].clone(),
            "userName" => user["UserName"].clone(),
            "assocName" => user["Name"].clone(),
            "personId" => user["Person"]["PersonId"].clone(),
            "contactId" => json!(contact.as_i64().unwrap_or(0)),
            "contactName" => self.contact_carrier(contact)["Name"].clone(),
            "firstName" => person["Firstname"].clone(),
            "lastName" => person["Lastname"].clone(),
            "fullName" => person["FullName"].clone(),
            "personEmail" => json!(person["Emails"][0]["Value"].as_str().unwrap_or_default()),
            "isActive" => json!(active),
            "ejStatus" => json!(if active { 0 } else { 2 }),
            "ejUserId" => user["EjUserId"].clone(),
            "ejDisplayName" => user["NickName"].clone(),
            "assocType" => user["Type"].clone(),
            "usergroup" => user["UserGroup"]["Value"].clone(),
            "role" => user["Role"]["Value"].clone(),
            _ => Value::Null,
        }]
    }

    /// One row; all columns when `selected` is `None`.
    pub(super) fn row(&self, kind: Kind, stored: &Value, selected: Option<&[String]>) -> Value {
        let mut row = Map::new();
        row.insert("PrimaryKey".to_owned(), json!(stored[kind.id_property()].to_string()));
        row.insert("EntityName".to_owned(), json!(entity_of(kind, stored)));
        let mut show = |name: &str, written: &str| {
            let value = self.column(kind, stored, name).into_iter().next().unwrap_or(Value::Null);
            row.insert(written.to_owned(), value);
        };
        match selected {
            None => default_columns(kind).iter().for_each(|name| show(name, name)),
            Some(selected) => selected.iter().for_each(|written| {
                show(known_column(kind, written).unwrap_or_default(), written);
            }),
        }
        Value::Object(row)
    }

    pub(super) fn list(&self, kind: Kind, request: &Request, now: Timestamp) -> Reply {
        let bad = |message: String| error(400, "SoArchiveException", &message);
        let filter = match request
            .param_any_case("$filter")
            .filter(|text| !text.trim().is_empty())
            .map(Filter::parse)
        {
            None => None,
            Some(Ok(filter)) => Some(filter),
            Some(Err(message)) => return bad(format!("$filter: {message}")),
        };
        for column in filter.iter().flat_map(Filter::columns) {
            if known_column(kind, column).is_none() {
                return bad(format!("$filter: unknown column '{column}'"));
            }
        }
        let (top, skip) = match (request.number("$top"), request.number("$skip")) {
            (Ok(top), Ok(skip)) => (top.unwrap_or(DEFAULT_TOP), skip.unwrap_or(0)),
            _ => return bad("$top and $skip must be numbers".to_owned()),
        };
        let asked = request.param_any_case("$entities").filter(|text| !text.trim().is_empty());
        let first = match kind {
            Kind::Person => "person",
            Kind::Ticket => "ticket",
            _ => "",
        };
        let entities: Vec<&str> = asked.unwrap_or(first).split(',').map(str::trim).collect();
        let mut rows = Vec::new();
        for stored in self.table(kind).listed(now) {
            if !first.is_empty()
                && !entities.iter().any(|name| name.eq_ignore_ascii_case(entity_of(kind, stored)))
            {
                continue;
            }
            // What was softly deleted is not in the archive.
            if stored["Deleted"].as_i64().is_some_and(|deleted| deleted != 0)
                || stored["BaseStatus"] == "Deleted"
                || stored["InAssortment"] == false
            {
                continue;
            }
            let values = |column: &str| {
                known_column(kind, column)
                    .map_or_else(Vec::new, |known| self.column(kind, stored, known))
            };
            match filter.as_ref().map_or(Ok(true), |filter| filter.holds(&values)) {
                Ok(true) => rows.push(stored),
                Ok(false) => {}
                Err(message) => return bad(format!("$filter: {message}")),
            }
        }
        for order in request
            .param_any_case("$orderBy")
            .unwrap_or_default()
            .rsplit(',')
            .filter(|text| !text.trim().is_empty())
        {
            let mut words = order.split_whitespace();
            let name = words.next().unwrap_or_default();
            let Some(column) = known_column(kind, name) else {
                return bad(format!("$orderBy: unknown column '{name}'"));
            };
            let down = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
            let first = |stored: &Value| {
                self.column(kind, stored, column).into_iter().next().unwrap_or(Value::Null)
            };
            rows.sort_by(|a, b| {
                let order = scalar_order(&first(a), &first(b));
                if down { order.reverse() } else { order }
            });
        }
        let selected: Option<Vec<String>> = request
            .param_any_case("$select")
            .filter(|text| !text.trim().is_empty() && *text != "*")
            .map(|text| text.split(',').map(|name| name.trim().to_owned()).collect());
        let more = rows.len() > skip + top;
        let page: Vec<Value> = rows
            .into_iter()
            .skip(skip)
            .take(top)
            .map(|stored| self.row(kind, stored, selected.as_deref()))
            .collect();
        let next = if more { json!(next_link(request, skip + top)) } else { Value::Null };
        Reply::json(
            200,
            &json!({"odata.metadata": format!("{}/{}#{}", request.base, request.segments.join("/"), kind.name()),
                "odata.nextLink": next, "value": page}),
        )
    }
}

/// The same query from another row on.
fn next_link(request: &Request, skip: usize) -> String {
    let mut query: Vec<String> = request
        .query
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("$skip"))
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    query.push(format!("$skip={skip}"));
    format!("{}/{}?{}", request.base, request.segments.join("/"), query.join("&"))
}

fn scalar_order(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
            .cmp(&b.as_str().unwrap_or_default().to_lowercase()),
    }
}
