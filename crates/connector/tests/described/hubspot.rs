//! HubSpot, against the client that the vendor makes from its description (npm
//! `@hubspot/api-client`): its paths, methods, parameters of the query, and shapes of bodies.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Description, fits, typings};
use crate::serving::Asked;

const CRM: &str = "@hubspot/api-client/lib/codegen/crm";

struct Operation {
    path: String,
    method: String,
    query: BTreeSet<String>,
}

struct Client {
    operations: Vec<Operation>,
    /// Keys of a search, and of a filter in one.
    search: BTreeSet<String>,
    filter: BTreeSet<String>,
    /// What a record shows, and what an owner does.
    object: BTreeSet<String>,
    owner: BTreeSet<String>,
}

/// The names between these words and the next quotation mark.
fn quoted<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(['\'', '"']).next())
}

/// The properties of a class of the client.
fn class(model: &str) -> Option<BTreeSet<String>> {
    let text = typings(&format!("{CRM}/{model}.d.ts"))?;
    let body = text.split("static readonly").next().unwrap_or_default();
    Some(quoted(body, "\n    '").map(str::to_string).collect())
}

impl Client {
    fn read() -> Option<Client> {
        let mut operations = Vec::new();
        for object in ["contacts", "companies", "deals", "products", "owners"] {
            let apis: &[&str] =
                if object == "owners" { &["OwnersApi"] } else { &["BasicApi", "SearchApi"] };
            for api in apis {
                let text = typings(&format!("{CRM}/{object}/apis/{api}.js"))?;
                for part in text.split("const localVarPath = '").skip(1) {
                    let path = part.split('\'').next().unwrap_or_default().to_string();
                    let method = part.split("HttpMethod.").nth(1).unwrap_or_default();
                    let method: String =
                        method.chars().take_while(char::is_ascii_uppercase).collect();
                    let append = quoted(part, "appendQueryParam(\"");
                    let query = append.chain(quoted(part, "setQueryParam(\""));
                    let query = query.map(str::to_string).collect();
                    operations.push(Operation { path, method, query });
                }
            }
        }
        Some(Client {
            operations,
            search: class("contacts/models/PublicObjectSearchRequest")?,
            filter: class("contacts/models/Filter")?,
            object: class("contacts/models/SimplePublicObject")?,
            owner: class("owners/models/PublicOwner")?,
        })
    }

    fn operation(&self, asked: &Asked) -> Option<&Operation> {
        let path = percent_decode_str(asked.path.split('?').next()?).decode_utf8().ok()?;
        let steps: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let of: Vec<&str> = template.split('/').collect();
            let same =
                |(step, of): (&&str, &&str)| step == of || of.starts_with('{') && !step.is_empty();
            of.len() == steps.len() && steps.iter().zip(&of).all(same)
        };
        let fitting =
            self.operations.iter().filter(|one| one.method == asked.method && fits(&one.path));
        fitting.min_by_key(|one| one.path.matches('{').count())
    }
}

impl Description for Client {
    fn remarks(&self, asked: &Asked) -> Vec<String> {
        let Some(operation) = self.operation(asked) else { return vec!["not known".into()] };
        let mut remarks = Vec::new();
        let query = asked.path.split_once('?').map_or("", |(_, query)| query);
        for name in query.split('&').filter_map(|pair| Some(pair.split_once('=')?.0)) {
            if !operation.query.contains(name) {
                remarks.push(format!("there is no parameter {name}"));
            }
        }
        if asked.body.is_empty() {
            return remarks;
        }
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let keys = |value: &Value| -> Vec<String> {
            value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
        };
        if operation.path.ends_with("/search") {
            let unknown = keys(&body).into_iter().filter(|key| !self.search.contains(key));
            remarks.extend(unknown.map(|key| format!("a search has no {key}")));
            let filter = &body["filterGroups"][0]["filters"][0];
            let unknown = keys(filter).into_iter().filter(|key| !self.filter.contains(key));
            remarks.extend(unknown.map(|key| format!("a filter has no {key}")));
            if !filter["value"].is_string() || !body["limit"].is_number() {
                remarks.push("the value of a filter is a text, a limit a number".into());
            }
            return remarks;
        }
        for (name, value) in body["properties"].as_object().into_iter().flatten() {
            if !value.is_string() {
                remarks.push(format!("{name} is a text, and not {value}"));
            }
        }
        if keys(&body) != ["properties"] {
            remarks.push(format!("a record is written by its properties, and not by {body}"));
        }
        remarks
    }

    fn missing(&self, asked: &Asked, _: &str, property: &str) -> Option<String> {
        // Of what is archived only the ids are read.
        if asked.path.contains("archived=true") {
            return None;
        }
        let path = asked.path.split('?').next()?;
        let known = if path.contains("/owners") { &self.owner } else { &self.object };
        let first = property.split('.').next().unwrap_or_default();
        if !known.contains(first) {
            return Some(format!("it has no {first}"));
        }
        // What is not asked for is not shown.
        let asked_for = percent_decode_str(&asked.path).decode_utf8().ok()?.into_owned();
        let shown = property.strip_prefix("properties.").is_none_or(|name| {
            let word = |text: &str| {
                text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == name)
            };
            word(asked_for.split_once('?').map_or("", |(_, query)| query)) || word(&asked.body)
        });
        (!shown).then(|| format!("{property} is not asked for"))
    }
}

#[test]
fn every_request_is_one_of_the_vendors_client() {
    let Some(client) = Client::read() else { return };
    assert!(client.operations.len() > 20, "{}", client.operations.len());
    // Whose account it is is told by another interface, which the client does not have.
    fits("hubspot", &[("access_token", "pat")], &client, &["/account-info/v3/details"]);
}
