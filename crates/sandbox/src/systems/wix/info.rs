//! The `info` of a contact: what may be written, and what the server derives from it.

use super::refusal::Refusal;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::text::{calling_code, e164, looks_like_email};
use serde_json::{Map, Value, json};

/// Items in one list.
const MAX_ITEMS: usize = 50;
const EMAIL_TAGS: &[&str] = &["UNTAGGED", "MAIN", "HOME", "WORK"];
const PHONE_TAGS: &[&str] = &["UNTAGGED", "MAIN", "HOME", "WORK", "MOBILE", "FAX"];
const ADDRESS_TAGS: &[&str] = &["UNTAGGED", "HOME", "WORK", "BILLING", "SHIPPING"];

/// The number that two phone items are compared by.
pub(super) fn phone_key(item: &Value) -> String {
    match item["e164Phone"].as_str() {
        Some(number) => number.to_owned(),
        None => crate::util::text::strip_phone(item["phone"].as_str().unwrap_or_default()),
    }
}

/// Puts the given fields of `info` over the stored ones; each field is replaced whole, null clears
/// it.
pub(super) fn updated(stored: &Value, given: &Value, ids: &mut Source) -> Result<Value, Refusal> {
    let Some(given) = given.as_object() else {
        return Err(Refusal::field("info", "Expected an object", "FORMAT"));
    };
    let mut info = stored.as_object().cloned().unwrap_or_default();
    for (name, value) in given {
        if value.is_null() {
            info.remove(name);
            continue;
        }
        match name.as_str() {
            "name" => {
                info.insert(name.clone(), person_name(value)?);
            }
            "emails" | "phones" | "addresses" => {
                let items = items(name, value, &stored[name]["items"], ids)?;
                if items.is_empty() {
                    info.remove(name);
                } else {
                    info.insert(name.clone(), json!({"items": items}));
                }
            }
            "company" | "jobTitle" | "birthdate" | "locale" => {
                let Some(text) = value.as_str() else {
                    return Err(Refusal::field(
                        format!("info.{name}"),
                        "Expected a string",
                        "FORMAT",
                    ));
                };
                length(&format!("info.{name}"), text, 1000)?;
                if name == "birthdate" && text.parse::<jiff::civil::Date>().is_err() {
                    return Err(Refusal::field("info.birthdate", "must be YYYY-MM-DD", "FORMAT"));
                }
                info.insert(name.clone(), json!(text));
            }
            "labelKeys" | "extendedFields" | "picture" => {
                info.insert(name.clone(), value.clone());
            }
            // What is not known is dropped silently.
            _ => {}
        }
    }
    Ok(Value::Object(info))
}

fn length(field: &str, text: &str, most: usize) -> Result<(), Refusal> {
    if text.chars().count() > most {
        return Err(Refusal::field(field, format!("has size over {most}"), "MAX_LENGTH"));
    }
    Ok(())
}

fn person_name(value: &Value) -> Result<Value, Refusal> {
    let Some(given) = value.as_object() else {
        return Err(Refusal::field("info.name", "Expected an object", "FORMAT"));
    };
    let mut name = Map::new();
    for part in ["first", "last"] {
        match given.get(part) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => {
                length(&format!("info.name.{part}"), text, 1000)?;
                if !text.is_empty() {
                    name.insert(part.to_owned(), json!(text));
                }
            }
            Some(_) => {
                return Err(Refusal::field(
                    format!("info.name.{part}"),
                    "Expected a string",
                    "FORMAT",
                ));
            }
        }
    }
    Ok(Value::Object(name))
}

/// Checks and completes the items of one list. An item that names the id of a stored one keeps it;
/// any other gets a new id, so whoever wants to keep ids has to send them.
fn items(
    list: &str,
    given: &Value,
    stored: &Value,
    ids: &mut Source,
) -> Result<Vec<Value>, Refusal> {
    let path = format!("info.{list}");
    let Some(given) = given.as_object() else {
        return Err(Refusal::field(path, "Expected an object", "FORMAT"));
    };
    let given = match given.get("items") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => {
            return Err(Refusal::field(format!("{path}.items"), "Expected an array", "FORMAT"));
        }
    };
    if given.len() > MAX_ITEMS {
        return Err(Refusal::field(format!("{path}.items"), "has size over 50", "MAX_ITEMS"));
    }
    let known: Vec<&str> =
        stored.as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).collect();
    let mut out = Vec::new();
    for (index, item) in given.iter().enumerate() {
        let path = format!("{path}.items[{index}]");
        if !item.is_object() {
            return Err(Refusal::field(path, "Expected an object", "FORMAT"));
        }
        let id = match item["id"].as_str().filter(|id| known.contains(id)) {
            Some(id) => id.to_owned(),
            None => ids.uuid(),
        };
        let (tags, first_tag) = match list {
            "emails" => (EMAIL_TAGS, "UNTAGGED"),
            "phones" => (PHONE_TAGS, "UNTAGGED"),
            _ => (ADDRESS_TAGS, "UNTAGGED"),
        };
        let tag = item["tag"].as_str().unwrap_or(first_tag);
        if !tags.contains(&tag) {
            return Err(Refusal::field(
                format!("{path}.tag"),
                "is not one of the known tags",
                "ENUM",
            ));
        }
        let mut done = Map::new();
        done.insert("id".to_owned(), json!(id));
        done.insert("tag".to_owned(), json!(tag));
        match list {
            "emails" => {
                let email = tree::filled(item, "email").ok_or_else(|| {
                    Refusal::field(format!("{path}.email"), "is required", "REQUIRED_FIELD")
                })?;
                length(&format!("{path}.email"), email, 320)?;
                if !looks_like_email(email) {
                    return Err(Refusal::field(
                        format!("{path}.email"),
                        "must be a valid email",
                        "FORMAT",
                    ));
                }
                done.insert("email".to_owned(), json!(email));
            }
            "phones" => {
                let phone = tree::filled(item, "phone").ok_or_else(|| {
                    Refusal::field(format!("{path}.phone"), "is required", "REQUIRED_FIELD")
                })?;
                length(&format!("{path}.phone"), phone, 50)?;
                let country = item["countryCode"].as_str();
                if let Some(country) = country {
                    done.insert("countryCode".to_owned(), json!(country));
                }
                done.insert("phone".to_owned(), json!(phone));
                if let Some(number) = e164(phone, country) {
                    done.insert("e164Phone".to_owned(), json!(number));
                }
            }
            _ => {
                done.insert("address".to_owned(), item["address"].clone());
            }
        }
        if list != "addresses" {
            done.insert("primary".to_owned(), json!(item["primary"] == true));
        }
        out.push(Value::Object(done));
    }
    if list != "addresses" {
        match out.iter().filter(|item| item["primary"] == true).count() {
            0 => {
                if let Some(first) = out.first_mut() {
                    first["primary"] = json!(true);
                }
            }
            1 => {}
            _ => {
                return Err(Refusal::code(
                    400,
                    "CANNOT_HAVE_MULTIPLE_PRIMARY_INFO",
                    format!("{list}: only one item can be primary"),
                ));
            }
        }
    }
    Ok(out)
}

/// Whether a contact has what it needs: a name, a phone or an e-mail.
pub(super) fn sufficient(info: &Value) -> bool {
    let some = |list: &str| info[list]["items"].as_array().is_some_and(|items| !items.is_empty());
    tree::filled(info, "name.first").is_some()
        || tree::filled(info, "name.last").is_some()
        || some("emails")
        || some("phones")
}

/// The primary item of a list.
pub(super) fn primary<'a>(info: &'a Value, list: &str) -> Option<&'a Value> {
    info[list]["items"].as_array()?.iter().find(|item| item["primary"] == true)
}

/// Computes what mirrors the primary items: `primaryInfo`, `primaryEmail`, `primaryPhone`.
pub(super) fn derive(contact: &mut Value) {
    let mut mirror = Map::new();
    let email = primary(&contact["info"], "emails").map(|item| item["email"].clone());
    let phone = primary(&contact["info"], "phones").cloned();
    let Some(object) = contact.as_object_mut() else {
        return;
    };
    object.remove("primaryEmail");
    object.remove("primaryPhone");
    if let Some(email) = email {
        mirror.insert("email".to_owned(), email.clone());
        object.insert(
            "primaryEmail".to_owned(),
            json!({"email":email,"subscriptionStatus":"NOT_SET","deliverabilityStatus":"NOT_SET"}),
        );
    }
    if let Some(item) = phone {
        let written = item["phone"].as_str().unwrap_or_default();
        let code = item["countryCode"].as_str().and_then(calling_code);
        let shown = match code {
            Some(code) if !written.starts_with('+') && !written.starts_with("00") => {
                format!("+{code} {written}")
            }
            _ => written.to_owned(),
        };
        mirror.insert("phone".to_owned(), json!(shown));
        object.insert(
            "primaryPhone".to_owned(),
            json!({"countryCode":item["countryCode"],"phone":written,"e164Phone":item["e164Phone"],"formattedPhone":shown}),
        );
    }
    object.insert("primaryInfo".to_owned(), Value::Object(mirror));
}
