//! The vendors' own descriptions, where they are on this machine. They are not part of the
//! project: a test that needs one says so and passes where there is none.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The text of a description, or `None` with a word on it.
pub fn description(name: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = root
        .ancestors()
        .map(|folder| folder.join("shared/apis/openapi").join(name))
        .find(|path| path.is_file());
    match found {
        Some(path) => Some(std::fs::read_to_string(path).unwrap()),
        None => {
            eprintln!("not checked: there is no shared/apis/openapi/{name} above this folder");
            None
        }
    }
}

/// What stands in an attribute of an XML tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    rest.split('"').next()
}

/// The properties of an entity type in CSDL: names, and type and length of each.
pub struct EntityType {
    pub properties: BTreeMap<String, (String, Option<usize>)>,
}

/// An entity type of a CSDL document.
pub fn entity_type(csdl: &str, name: &str) -> EntityType {
    let start = csdl
        .find(&format!("<EntityType Name=\"{name}\""))
        .unwrap_or_else(|| panic!("no type {name}"));
    let text = &csdl[start..start + csdl[start..].find("</EntityType>").unwrap()];
    let properties = text
        .split("<Property ")
        .skip(1)
        .map(|rest| {
            let tag = format!(" {}", rest.split('>').next().unwrap());
            let length = attribute(&tag, "MaxLength").and_then(|text| text.parse().ok());
            (
                attribute(&tag, "Name").unwrap().to_owned(),
                (attribute(&tag, "Type").unwrap().to_owned(), length),
            )
        })
        .collect();
    EntityType { properties }
}

/// The members of an enumeration of a CSDL document.
pub fn members(csdl: &str, name: &str) -> Vec<String> {
    let start = csdl.find(&format!("<EnumType Name=\"{name}\"")).unwrap();
    let text = &csdl[start..start + csdl[start..].find("</EnumType>").unwrap()];
    text.split("<Member Name=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// Checks a record against a type of a CSDL document: it has exactly the properties, and each value
/// has its property's type. Types of the model are enumerations.
#[track_caller]
pub fn fits_csdl(csdl: &str, name: &str, record: &Value) {
    let described = entity_type(csdl, name).properties;
    let shown = record.as_object().unwrap();
    let names: Vec<&String> = shown.keys().filter(|name| !name.starts_with('@')).collect();
    for property in described.keys() {
        assert!(shown.contains_key(property), "{name}.{property} is not answered: {record}");
    }
    for property in names {
        let (kind, length) = described
            .get(property)
            .unwrap_or_else(|| panic!("{name}.{property} is answered and not described"));
        let value = &shown[property];
        let text = value.as_str();
        let fits = match kind.as_str() {
            "Edm.String" => {
                text.is_some_and(|text| length.is_none_or(|length| text.chars().count() <= length))
            }
            "Edm.Guid" => text.is_some_and(|text| text.len() == 36),
            "Edm.Decimal" => value.is_number(),
            "Edm.Int32" | "Edm.Int64" => value.is_i64(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Date" => text.is_some_and(|text| text.len() == 10),
            "Edm.DateTimeOffset" => text.is_some_and(|text| text.ends_with('Z')),
            model => {
                let choice = model.rsplit('.').next().unwrap();
                text.is_some_and(|text| members(csdl, choice).iter().any(|member| member == text))
            }
        };
        assert!(fits, "{name}.{property} is {value}, not {kind} {length:?}");
    }
}

/// Checks a value against a schema of an OpenAPI description: no property that the schema does not
/// have, and of each the described type. Null may stand anywhere, since these descriptions do not
/// say where it may.
#[track_caller]
pub fn fits_schema(api: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(path) => {
            api.pointer(path.trim_start_matches('#')).unwrap_or_else(|| panic!("no {path}"))
        }
        None => schema,
    };
    if value.is_null() {
        return;
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut whole = serde_json::json!({"type": "object", "properties": {}});
        for part in all {
            let part = match part["$ref"].as_str() {
                Some(path) => api.pointer(path.trim_start_matches('#')).unwrap(),
                None => part,
            };
            for (name, property) in part["properties"].as_object().into_iter().flatten() {
                whole["properties"][name] = property.clone();
            }
        }
        return fits_schema(api, &whole, value, at);
    }
    if let Some(choices) = schema["enum"].as_array() {
        assert!(choices.contains(value), "{at} is {value}, none of {choices:?}");
    }
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    assert!(fits, "{at} is {value}, not {}", schema["type"]);
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| {
                fits_schema(api, &schema["items"], item, &format!("{at}[{n}]"))
            });
        }
        Value::Object(object) => {
            let Some(properties) = schema["properties"].as_object() else { return };
            for (name, inner) in object {
                let property = properties
                    .get(name)
                    .unwrap_or_else(|| panic!("{at}.{name} is answered and not described"));
                fits_schema(api, property, inner, &format!("{at}.{name}"));
            }
        }
        _ => {}
    }
}
