//! The entities: their blank form, what the server computes, and the vendor's merge rule for
//! `PATCH`.

use crate::util::text::{email_key, strip_phone};
use crate::util::{json as tree, time};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The entities of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Person = 0,
    Contact = 1,
    Ticket = 2,
    User = 3,
    Sale = 4,
    Project = 5,
    Product = 6,
    /// A line of a quote: seen through the archive only.
    QuoteLine = 7,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Person,
        Self::Contact,
        Self::Ticket,
        Self::User,
        Self::Sale,
        Self::Project,
        Self::Product,
        Self::QuoteLine,
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "Person",
            Self::Contact => "Contact",
            Self::Ticket => "Ticket",
            Self::User => "User",
            Self::Sale => "Sale",
            Self::Project => "Project",
            Self::Product => "Product",
            Self::QuoteLine => "QuoteLine",
        }
    }

    pub fn id_property(self) -> &'static str {
        match self {
            Self::Person => "PersonId",
            Self::Contact => "ContactId",
            Self::Ticket => "TicketId",
            Self::User => "AssociateId",
            Self::Sale => "SaleId",
            Self::Project => "ProjectId",
            Self::Product => "ProductId",
            Self::QuoteLine => "QuoteLineId",
        }
    }

    /// What the server sets and a caller cannot. Only IsAssociate is stated by the vendor; for the
    /// others this is unverified, and ignoring what is sent was chosen.
    fn read_only(self) -> &'static [&'static str] {
        match self {
            Self::Person => &[
                "FullName",
                "FormalName",
                "IsAssociate",
                "CreatedDate",
                "CreatedBy",
                "UpdatedDate",
                "UpdatedBy",
                "BounceEmails",
                "TableRight",
                "FieldProperties",
            ],
            Self::Contact => &[
                "Persons",
                "CreatedDate",
                "CreatedBy",
                "UpdatedDate",
                "UpdatedBy",
                "Deleted",
                "BounceEmails",
                "TableRight",
                "FieldProperties",
            ],
            Self::Ticket => &[
                "CreatedAt",
                "CreatedBy",
                "LastChanged",
                "ClosedAt",
                "RepliedAt",
                "TimeToReply",
                "RealTimeToReply",
                "TimeToClose",
                "RealTimeToClose",
                "NumMessages",
                "NumReplies",
                "Messages",
                "TableRight",
                "FieldProperties",
            ],
            Self::Sale => &[
                "CreatedDate",
                "CreatedBy",
                "UpdatedDate",
                "UpdatedBy",
                "NextDueDate",
                "ActiveLinks",
                "TableRight",
                "FieldProperties",
            ],
            Self::Project => &[
                "CreatedDate",
                "CreatedBy",
                "UpdatedDate",
                "UpdatedBy",
                "NextMilestoneDate",
                "ProjectMembers",
                "ActiveLinks",
                "TableRight",
                "FieldProperties",
            ],
            Self::User | Self::Product | Self::QuoteLine => &["TableRight", "FieldProperties"],
        }
    }

    /// When it was created and last changed. The archive knows that of products and quote lines,
    /// the entity shows it not.
    pub fn stamps(self) -> (&'static str, &'static str) {
        match self {
            Self::Ticket => ("CreatedAt", "LastChanged"),
            Self::Product | Self::QuoteLine => ("_created", "_updated"),
            _ => ("CreatedDate", "UpdatedDate"),
        }
    }

    /// Lists of `{Value, StrippedValue, Description}`.
    fn element_lists(self) -> &'static [&'static str] {
        match self {
            Self::Person => &[
                "Emails",
                "PrivatePhones",
                "OfficePhones",
                "MobilePhones",
                "OtherPhones",
                "Faxes",
                "Urls",
            ],
            Self::Contact => &["Emails", "Phones", "Faxes", "Urls"],
            Self::Project => &["Urls"],
            _ => &[],
        }
    }
}

/// The entity as `GET /{Entity}/default` gives it.
pub(super) fn blank(kind: Kind) -> Value {
    let nobody = json!({"AssociateId":0,"Name":""});
    match kind {
        Kind::Person => json!({
            "PersonId":0,"Firstname":"","MiddleName":"","Lastname":"","Mrmrs":"","Title":"","FullName":"","FormalName":"",
            "Emails":[],"PrivatePhones":[],"OfficePhones":[],"MobilePhones":[],"OtherPhones":[],"Faxes":[],"Urls":[],
            "Contact":null,"Country":{"CountryId":578,"Name":"Norway"},"Address":null,"Position":null,"Category":null,"Business":null,
            "PersonNumber":"","Description":"","Salutation":"","BirthDate":"0001-01-01T00:00:00","NoMailing":false,"Retired":false,
            "IsAssociate":false,"Source":0,"BounceEmails":[],"CreatedDate":"0001-01-01T00:00:00","CreatedBy":nobody,
            "UpdatedDate":"0001-01-01T00:00:00","UpdatedBy":nobody,"CustomFields":{},"TableRight":null,"FieldProperties":{}
        }),
        Kind::Contact => json!({
            "ContactId":0,"Name":"","Department":"","OrgNr":"","Number1":"","Number2":"","Emails":[],"Phones":[],"Faxes":[],"Urls":[],
            "Description":"","Associate":nobody,"Category":{"Id":1,"Value":"Customer"},"Business":{"Id":2,"Value":"Retail"},
            "Country":{"CountryId":578,"Name":"Norway"},"Address":null,"Persons":[],"Domains":[],"NoMailing":false,"Xstop":false,
            "Source":0,"Deleted":0,"BounceEmails":[],"CreatedDate":"0001-01-01T00:00:00","CreatedBy":nobody,
            "UpdatedDate":"0001-01-01T00:00:00","UpdatedBy":nobody,"CustomFields":{},"TableRight":null,"FieldProperties":{}
        }),
        Kind::Ticket => json!({
            "TicketId":0,"Title":"","CreatedAt":"0001-01-01T00:00:00","LastChanged":"0001-01-01T00:00:00","ClosedAt":"0001-01-01T00:00:00",
            "RepliedAt":"0001-01-01T00:00:00","Deadline":"0001-01-01T00:00:00","CreatedBy":nobody,"Author":"","OwnedBy":nobody,
            "Category":{"TicketCategoryId":1,"Name":"Support"},"Slevel":"External","Priority":{"TicketPriorityId":2,"Name":"Medium"},
            "BaseStatus":"Active","Status":{"TicketStatusId":1,"Name":"Open"},"Origin":"Unknown","Person":null,"SecondaryPersons":[],
            "TimeToReply":0,"RealTimeToReply":0,"TimeToClose":0,"RealTimeToClose":0,"NumMessages":0,"NumReplies":0,"Messages":[],
            "Tags":[],"CustomFields":{},"TableRight":null,"FieldProperties":{}
        }),
        Kind::User => json!({
            "AssociateId":0,"Name":"","UserName":"","Rank":0,"Tooltip":"","Person":null,"Role":{"Id":1,"Value":"User level 0"},
            "UserGroup":{"Id":1,"Value":"Support"},"Deleted":false,"Type":"InternalAssociate","EjUserId":0,"NickName":"",
            "Lastlogin":"0001-01-01T00:00:00","IsPersonRetired":false,"CustomFields":{},"TableRight":null,"FieldProperties":{}
        }),
        _ => blank_of_sales(kind),
    }
}

/// The blank form of what is sold.
fn blank_of_sales(kind: Kind) -> Value {
    let nobody = json!({"AssociateId":0,"Name":""});
    let never = "0001-01-01T00:00:00";
    match kind {
        Kind::Sale => json!({
            "SaleId":0,"Heading":"","SaleText":"","Number":"","Status":"Open","Saledate":never,"Amount":0.0,"Earning":0.0,
            "EarningPercent":0.0,"Probability":0,"Completed":"NotStarted","Contact":null,"Person":null,"Project":null,
            "Associate":nobody,"Currency":{"CurrencyId":1,"Name":"NOK"},"Rating":{"Id":1,"Value":"Første møte"},
            "SaleType":{"Id":1,"Value":"Nysalg"},"Source":{"Id":1,"Value":"Messe"},"Reason":null,"Postit":"","NextDueDate":never,
            "ReopenDate":never,"ActiveLinks":0,"CreatedDate":never,"CreatedBy":nobody,"UpdatedDate":never,"UpdatedBy":nobody,
            "CustomFields":{},"TableRight":null,"FieldProperties":{}
        }),
        Kind::Project => json!({
            "ProjectId":0,"Name":"","ProjectNumber":"","Description":"","Postit":"","Urls":[],"ProjectMembers":[],
            "ProjectStatus":{"Id":1,"Value":"Planlegges"},"ProjectType":{"Id":1,"Value":"Intern"},"Completed":false,"EndDate":never,
            "NextMilestoneDate":never,"Associate":nobody,"ActiveLinks":0,"HasImage":false,"CreatedDate":never,"CreatedBy":nobody,
            "UpdatedDate":never,"UpdatedBy":nobody,"CustomFields":{},"TableRight":null,"FieldProperties":{}
        }),
        Kind::Product => json!({
            "ProductId":0,"ERPProductKey":"","ERPPriceListKey":"1","Name":"","Description":"","Code":"","PriceUnit":"",
            "QuantityUnit":"","IsSubscription":false,"ItemNumber":"","Url":"","ProductCategoryKey":"","ProductFamilyKey":"",
            "ProductTypeKey":"","VAT":0.0,"VATInfo":"","UnitCost":0.0,"UnitMinimumPrice":0.0,"UnitListPrice":0.0,
            "InAssortment":true,"Supplier":"","SupplierCode":"","InStock":0.0,"TableRight":null,"FieldProperties":{}
        }),
        _ => json!({
            "QuoteLineId":0,"QuoteAlternativeId":0,"ERPProductKey":"","Rank":0,"Quantity":0.0,"Name":"","Description":"","Code":"",
            "QuantityUnit":"","VAT":0.0,"UnitCost":0.0,"UnitListPrice":0.0,"DiscountPercent":0.0
        }),
    }
}

/// Look-up keys of a Person: its company, for the company's list of persons.
pub(super) fn person_keys(person: &Value) -> Vec<String> {
    let mut keys: Vec<String> = person["Emails"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|element| element["Value"].as_str())
        .map(|email| format!("email:{}", email_key(email)))
        .collect();
    if let Some(id) = person["Contact"]["ContactId"].as_i64() {
        keys.push(format!("contact:{id}"));
    }
    keys
}

/// The entity as it is stored: known properties only, read-only ones kept, derived ones computed.
pub(super) fn normal(
    kind: Kind,
    id: i64,
    before: Option<&Value>,
    given: &Value,
    now: Timestamp,
) -> Result<Value, String> {
    let mut entity = blank(kind);
    let given = given.as_object().ok_or("an entity must be an object")?;
    let Some(properties) = entity.as_object_mut() else {
        return Err("an entity must be an object".to_owned());
    };
    for (name, value) in given {
        // Names are matched as ASP.NET does, without regard to case; unknown ones are ignored.
        let own = properties.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        let Some(own) = own else { continue };
        if kind.read_only().contains(&own.as_str()) {
            continue;
        }
        let slot = &mut properties[&own];
        check_type(&own, slot, value)?;
        if !value.is_null()
            || !(slot.is_string() || slot.is_array() || slot.is_boolean() || slot.is_number())
        {
            *slot = value.clone();
        }
    }
    for list in kind.element_lists() {
        properties[*list] = elements(list, &properties[*list])?;
    }
    for name in kind.read_only() {
        if let Some(before) = before.and_then(|before| before.get(*name)) {
            properties[*name] = before.clone();
        }
    }
    properties.insert(kind.id_property().to_owned(), json!(id));
    let stamp = json!(time::seconds_bare(now));
    if kind != Kind::User {
        let (created, updated) = kind.stamps();
        let first = before.map_or(&stamp, |before| &before[created]);
        properties.insert(created.to_owned(), first.clone());
        properties.insert(updated.to_owned(), stamp.clone());
    }
    match kind {
        Kind::Person => finish_person(properties),
        Kind::Contact => finish_contact(properties)?,
        Kind::Ticket => finish_ticket(properties, before, stamp),
        Kind::User => {
            if properties["Name"].as_str().is_none_or(str::is_empty) {
                properties["Name"] = properties["UserName"].clone();
            }
        }
        Kind::Sale => finish_sale(properties)?,
        Kind::Project => {
            required(properties, "Name")?;
            if properties["ProjectNumber"].as_str().is_none_or(str::is_empty) {
                properties["ProjectNumber"] = json!(format!("{}", 10_000 + id));
            }
            refer(properties, "Associate", "AssociateId");
        }
        Kind::Product => required(properties, "Name")?,
        Kind::QuoteLine => {}
    }
    Ok(entity)
}

/// Objects, lists and texts must come as such; that is as far as the check goes.
fn check_type(name: &str, blank: &Value, given: &Value) -> Result<(), String> {
    let wrong = match blank {
        Value::String(_) => {
            given.is_object() || given.is_array() || given.is_number() || given.is_boolean()
        }
        Value::Array(_) => !given.is_array() && !given.is_null(),
        Value::Bool(_) => !given.is_boolean() && !given.is_null(),
        Value::Number(number) if number.is_f64() => !given.is_null() && !given.is_number(),
        Value::Number(_) => !given.is_null() && tree::id_of(given).is_none(),
        _ => false,
    };
    if wrong {
        return Err(format!("Could not convert the value of {name}"));
    }
    Ok(())
}

/// Every element gets its derived `StrippedValue`; elements without a value disappear.
fn elements(list: &str, given: &Value) -> Result<Value, String> {
    let mut out = Vec::new();
    for element in given.as_array().into_iter().flatten() {
        let Some(object) = element.as_object() else {
            return Err(format!(
                "Could not convert an element of {list}: an object with Value is expected"
            ));
        };
        let value = match object.get("Value") {
            Some(Value::String(value)) => value.clone(),
            None | Some(Value::Null) => String::new(),
            Some(_) => return Err(format!("Could not convert {list}.Value to a string")),
        };
        if value.trim().is_empty() {
            continue;
        }
        let stripped = if list.contains("Phone") || list == "Faxes" {
            strip_phone(&value)
        } else {
            value.trim().to_owned()
        };
        let description = object.get("Description").and_then(Value::as_str).unwrap_or(match list {
            "Emails" => "E-mail",
            _ => "",
        });
        out.push(json!({"Value":value,"StrippedValue":stripped,"Description":description}));
    }
    Ok(Value::Array(out))
}

fn finish_person(person: &mut Map<String, Value>) {
    let full = [&person["Firstname"], &person["MiddleName"], &person["Lastname"]]
        .iter()
        .filter_map(|part| part.as_str())
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    person["FullName"] = json!(full);
    person["FormalName"] = json!(full);
    let contact = tree::id_of(&person["Contact"]["ContactId"]).filter(|id| *id != 0);
    person["Contact"] = contact.map_or(Value::Null, |id| json!({"ContactId": id}));
}

fn required(entity: &Map<String, Value>, name: &str) -> Result<(), String> {
    match entity[name].as_str() {
        Some(text) if !text.trim().is_empty() => Ok(()),
        _ => Err(format!("{name}: a value is required")),
    }
}

/// What is kept of a reference: the id alone; nothing where there is none.
fn refer(entity: &mut Map<String, Value>, name: &str, id_name: &str) {
    let id = tree::id_of(&entity[name][id_name]).filter(|id| *id != 0);
    entity[name] = id.map_or(Value::Null, |id| json!({id_name: id}));
}

fn finish_sale(sale: &mut Map<String, Value>) -> Result<(), String> {
    let known = ["Unknown", "Open", "Sold", "Lost", "Stalled", "SaintAll"];
    let status = sale["Status"].as_str().unwrap_or_default().to_owned();
    if !known.contains(&status.as_str()) {
        return Err(format!("Could not convert the value of Status: {status}"));
    }
    for (name, id) in [
        ("Contact", "ContactId"),
        ("Person", "PersonId"),
        ("Project", "ProjectId"),
        ("Associate", "AssociateId"),
    ] {
        refer(sale, name, id);
    }
    Ok(())
}

fn finish_contact(contact: &mut Map<String, Value>) -> Result<(), String> {
    required(contact, "Name")?;
    contact["Persons"] = json!([]);
    Ok(())
}

fn finish_ticket(ticket: &mut Map<String, Value>, before: Option<&Value>, stamp: Value) {
    let owner = tree::id_of(&ticket["OwnedBy"]["AssociateId"]).unwrap_or(0);
    ticket["OwnedBy"] = json!({"AssociateId": owner});
    let person = tree::id_of(&ticket["Person"]["PersonId"]).filter(|id| *id != 0);
    ticket["Person"] = person.map_or(Value::Null, |id| json!({"PersonId": id}));
    let closed = ticket["BaseStatus"] == "Closed";
    if closed && before.is_none_or(|before| before["BaseStatus"] != "Closed") {
        ticket["ClosedAt"] = stamp;
    }
}

/// Whether two states differ only in what a save stamps.
pub(super) fn same_but_stamps(before: &Value, after: &Value) -> bool {
    let plain = |value: &Value| {
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut() {
            for stamp in ["UpdatedDate", "UpdatedBy", "LastChanged", "_updated"] {
                object.remove(stamp);
            }
        }
        value
    };
    plain(before) == plain(after)
}

/// RFC 7396 with the vendor's own rule for lists: an *object* given for a list is appended, a
/// *list* replaces it.
pub(super) fn merge(target: &mut Value, patch: &Value) -> Result<(), String> {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return Ok(());
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        let own = target
            .as_object()
            .and_then(|object| {
                object.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned()
            })
            .unwrap_or_else(|| name.clone());
        match &mut target[own.as_str()] {
            Value::Array(items) => match value {
                Value::Object(_) => items.push(value.clone()),
                Value::Array(_) => *items = value.as_array().cloned().unwrap_or_default(),
                Value::Null => items.clear(),
                _ => return Err(format!("{name}: an object or an array is expected")),
            },
            slot => {
                if value.is_object() && slot.is_object() {
                    merge(slot, value)?;
                } else {
                    *slot = value.clone();
                }
            }
        }
    }
    Ok(())
}

/// Whether a text is a time as this system writes it.
pub(super) fn is_stamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 19
        && bytes[4] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
        && bytes[0].is_ascii_digit()
}
