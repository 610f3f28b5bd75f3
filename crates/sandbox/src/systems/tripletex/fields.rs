//! The `fields` parameter: `*,postalAddress(*),orderLines(*,product(name))`.
//!
//! Without it all properties are answered, other records as their id and address only. `changes`
//! are answered only where they are named.

use super::base::{Refusal, Tripletex, refusal};
use super::types::{ADDRESS, Kind, Property, RESOURCES, place};
use serde_json::{Map, Value, json};

/// What is asked for of one resource: names, and what of those that are other records.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    all: bool,
    named: Vec<(String, Option<Fields>)>,
}

impl Fields {
    pub fn everything() -> Self {
        Self { all: true, named: Vec::new() }
    }

    /// The same with what stands in another record.
    pub fn with(mut self, name: &str) -> Self {
        self.named.push((name.to_owned(), Some(Self::everything())));
        self
    }

    /// Parses the parameter for a resource; an empty one means everything.
    pub fn parse(text: &str, at: usize) -> Result<Self, Refusal> {
        if text.trim().is_empty() {
            return Ok(Self::everything());
        }
        let mut rest = text;
        let fields = list(&mut rest)?;
        if !rest.is_empty() {
            return Err(illegal(format!("Illegal fields filter: {text}")));
        }
        fields.check(RESOURCES[at].properties, RESOURCES[at].model)?;
        Ok(fields)
    }

    fn check(&self, table: &[Property], model: &str) -> Result<(), Refusal> {
        for (name, inner) in &self.named {
            if ["id", "version", "url", "changes"].contains(&name.as_str()) {
                continue;
            }
            let Some(property) = table.iter().find(|property| property.name == name) else {
                return Err(illegal(format!(
                    "Illegal field in fields filter: {name}. {name} does not match a field in the model: {model}"
                )));
            };
            let Some(inner) = inner else { continue };
            match property.kind {
                Kind::Ref(path) | Kind::Many(path) => {
                    let other = &RESOURCES[place(path).unwrap_or_default()];
                    inner.check(other.properties, other.model)?;
                }
                Kind::Address => inner.check(ADDRESS, "AddressDTO")?,
                // What this company does not use has no fields that anybody could tell.
                Kind::Nothing | Kind::Empty => {}
                _ => {
                    return Err(illegal(format!(
                        "Illegal field in fields filter: {name}. {name} has no fields"
                    )));
                }
            }
        }
        Ok(())
    }

    fn of(&self, name: &str) -> Option<Option<&Self>> {
        let named = self.named.iter().find(|(known, _)| known == name);
        match named {
            Some((_, inner)) => Some(inner.as_ref()),
            None if self.all && name != "changes" => Some(None),
            None => None,
        }
    }
}

fn illegal(message: String) -> Refusal {
    refusal(400, 11000, message)
}

fn list(rest: &mut &str) -> Result<Fields, Refusal> {
    let mut fields = Fields::default();
    loop {
        let end = rest.find([',', '(', ')']).unwrap_or(rest.len());
        let name = rest[..end].trim().to_owned();
        *rest = &rest[end..];
        let mut inner = None;
        if let Some(after) = rest.strip_prefix('(') {
            *rest = after;
            inner = Some(list(rest)?);
            *rest = rest
                .strip_prefix(')')
                .ok_or_else(|| illegal("Illegal fields filter: a bracket is not closed".into()))?
                .trim_start();
        }
        match name.as_str() {
            "" => return Err(illegal("Illegal fields filter: a field is expected".into())),
            "*" => fields.all = true,
            _ => fields.named.push((name, inner)),
        }
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None => return Ok(fields),
        }
    }
}

impl Tripletex {
    /// A record as it is answered.
    pub(super) fn shown(&self, at: usize, record: &Value, fields: &Fields, host: &str) -> Value {
        let resource = &RESOURCES[at];
        let mut out = self.part(resource.properties, record, fields, host, resource.path);
        if fields.of("changes").is_some() {
            out.insert("changes".to_owned(), record["_changes"].clone());
        }
        Value::Object(out)
    }

    fn part(
        &self,
        table: &[Property],
        record: &Value,
        fields: &Fields,
        host: &str,
        path: &str,
    ) -> Map<String, Value> {
        let mut out = Map::new();
        for name in ["id", "version"] {
            if fields.of(name).is_some() {
                out.insert(name.to_owned(), record[name].clone());
            }
        }
        if fields.of("url").is_some() {
            out.insert("url".to_owned(), address(host, path, &record["id"]));
        }
        for property in table {
            let Some(inner) = fields.of(property.name) else { continue };
            let value = &record[property.name];
            let shown = match property.kind {
                Kind::Ref(path) => self.other(path, value, inner, host),
                Kind::Address if value.is_null() => Value::Null,
                Kind::Address => match inner {
                    Some(inner) => self.part(ADDRESS, value, inner, host, "address").into(),
                    None => short(host, "address", &value["id"]),
                },
                Kind::Many(path) => {
                    let ids = value.as_array().into_iter().flatten();
                    ids.map(|id| self.other(path, &json!({"id": id}), inner, host)).collect()
                }
                // Who may sign in how is set elsewhere; it is taken and not told.
                _ if property.name == "userType" => Value::Null,
                _ => value.clone(),
            };
            out.insert(property.name.to_owned(), shown);
        }
        out
    }

    fn other(&self, path: &str, value: &Value, inner: Option<&Fields>, host: &str) -> Value {
        let Some(id) = value["id"].as_i64() else { return Value::Null };
        let at = place(path).unwrap_or_default();
        match (inner, self.tables[at].get(&id.to_string())) {
            (Some(inner), Some(record)) => self.shown(at, record, inner, host),
            _ => short(host, path, &json!(id)),
        }
    }
}

fn short(host: &str, path: &str, id: &Value) -> Value {
    json!({"id": id, "url": address(host, path, id)})
}

/// Addresses have no scheme.
fn address(host: &str, path: &str, id: &Value) -> Value {
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    json!(format!("{host}/v2/{path}/{id}"))
}
