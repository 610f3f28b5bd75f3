//! Exact Online, against the table of its endpoints and properties that is made from the vendor's
//! reference pages: which methods an endpoint has, and which take a property.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Description, fits, published};
use crate::serving::Asked;

struct Table {
    /// By path, with `{division}` for the division.
    endpoints: BTreeMap<String, Value>,
}

impl Table {
    fn read(text: &str) -> Table {
        let all: BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
        let uri = |endpoint: &Value| endpoint["uri"].as_str().unwrap().to_string();
        Table { endpoints: all.into_values().map(|endpoint| (uri(&endpoint), endpoint)).collect() }
    }

    fn endpoint(&self, asked: &Asked) -> Option<(&Value, bool)> {
        let path = percent_decode_str(asked.path.split('?').next()?).decode_utf8().ok()?;
        let path = path.replacen("/1234/", "/{division}/", 1);
        let (set, key) = path.split_once('(').map_or((&*path, None), |(set, key)| (set, Some(key)));
        let fits = key
            .is_none_or(|key| key.starts_with("guid'") && key.ends_with("')") && key.len() == 43);
        self.endpoints.get(set).filter(|_| fits).map(|endpoint| (endpoint, key.is_some()))
    }

    fn property<'t>(endpoint: &'t Value, name: &str) -> Option<&'t Value> {
        endpoint["properties"].as_array()?.iter().find(|property| property["name"] == name)
    }
}

fn is_of(ty: &str, value: &Value) -> bool {
    match ty {
        "Edm.Boolean" => value.is_boolean(),
        "Edm.Double" | "Edm.Int16" | "Edm.Int32" | "Edm.Int64" | "Edm.Byte" => value.is_number(),
        "Edm.Guid" => value.as_str().is_some_and(|text| text.len() == 36),
        _ => value.is_string(),
    }
}

impl Description for Table {
    fn remarks(&self, asked: &Asked) -> Vec<String> {
        let Some((endpoint, one)) = self.endpoint(asked) else { return vec!["not known".into()] };
        let method = asked.method.to_lowercase();
        let mut remarks = Vec::new();
        if endpoint["supportedMethods"][&method] != true {
            remarks.push(format!("it has no {method}"));
        }
        if asked.method != "GET" && one == (asked.method == "POST") {
            remarks.push("a record is named by a creation, or by nothing else".into());
        }
        let query = asked.path.split_once('?').map_or("", |(_, query)| query);
        let query = percent_decode_str(query).decode_utf8().unwrap();
        let options: BTreeMap<&str, &str> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        for name in options.keys() {
            if !["$select", "$filter", "$top"].contains(name) {
                remarks.push(format!("OData has no query option {name}"));
            }
        }
        if asked.method == "GET" && !options.contains_key("$select") {
            remarks.push("$select is asked for by the vendor".into());
        }
        for name in options.get("$select").into_iter().flat_map(|all| all.split(',')) {
            if Table::property(endpoint, name).is_none() {
                remarks.push(format!("there is no property {name}"));
            }
        }
        if let Some(filter) = options.get("$filter") {
            let name = filter.trim_start_matches("trim(").split([' ', ')']).next().unwrap();
            let ty = Table::property(endpoint, name).map(|property| &property["type"]);
            let as_text = filter.contains(" eq '");
            let as_time = filter.contains(" gt datetime'");
            let right = ty.is_some_and(|ty| match ty.as_str() {
                Some("Edm.DateTime") => as_time,
                Some("Edm.String") => as_text,
                Some("Edm.Guid") => filter.contains(" eq guid'"),
                _ => false,
            });
            if !right {
                remarks.push(format!("no such filter: {filter}"));
            }
        }
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        for (name, value) in body.as_object().into_iter().flatten() {
            match Table::property(endpoint, name) {
                None => remarks.push(format!("there is no property {name}")),
                Some(property) if property["supportedMethods"][&method] != true => {
                    remarks.push(format!("{name} is not taken by {method}"));
                }
                Some(property) => {
                    let ty = property["type"].as_str().unwrap_or_default();
                    if !value.is_null() && !is_of(ty, value) {
                        remarks.push(format!("{name} is {ty}, and not {value}"));
                    }
                }
            }
        }
        remarks
    }

    fn missing(&self, asked: &Asked, _: &str, property: &str) -> Option<String> {
        let (endpoint, _) = self.endpoint(asked)?;
        let known = Table::property(endpoint, property)
            .is_some_and(|property| property["supportedMethods"]["get"] == true);
        (!known).then(|| format!("there is no property {property}"))
    }
}

#[test]
fn every_request_is_one_of_the_vendors_reference() {
    let Some(text) = published("exactonline-meta-data.json") else { return };
    let keys = [
        ("division", "1234"),
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("refresh_token", "refresh"),
    ];
    fits("exact-online", &keys, &Table::read(&text), &["/api/oauth2/token"]);
}
