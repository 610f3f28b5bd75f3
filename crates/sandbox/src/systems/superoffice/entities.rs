//! The four entities: their blank form, what the server computes, and the vendor's merge rule for
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
}

impl Kind {
    pub fn named(name: &str) -> Option<Self> {
        [Self::Person, Self::Contact, Self::Ticket, Self::User]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "Person",
            Self::Contact => "Contact",
            Self::Ticket => "Ticket",
            Self::User => "User",
        }
    }

    pub fn id_property(self) -> &'static str {
        match self {
            Self::Person => "PersonId",
            Self::Contact => "ContactId",
            Self::Ticket => "TicketId",
            Self::User => "AssociateId",
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
            Self::User => &["TableRight", "FieldProperties"],
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
    let (created, updated) = match kind {
        Kind::Ticket => ("CreatedAt", "LastChanged"),
        _ => ("CreatedDate", "UpdatedDate"),
    };
    if kind != Kind::User {
        if before.is_none() {
            properties[created] = stamp.clone();
        }
        properties[updated] = stamp.clone();
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

fn finish_contact(contact: &mut Map<String, Value>) -> Result<(), String> {
    if contact["Name"].as_str().is_none_or(|name| name.trim().is_empty()) {
        return Err("Name: a value is required".to_owned());
    }
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
            for stamp in ["UpdatedDate", "UpdatedBy", "LastChanged"] {
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
