//! OData metadata (EDMX 4.0), as a Business Central serves it under `$metadata`.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Description;
use crate::serving::Asked;

pub struct Edmx {
    /// By name: properties with their types.
    types: BTreeMap<String, BTreeMap<String, Property>>,
    /// By name: type, and whether records can be inserted, updated, deleted.
    sets: BTreeMap<String, Set>,
}

struct Property {
    ty: String,
    nullable: bool,
    max: Option<usize>,
}

#[derive(Default)]
struct Set {
    of: String,
    refuses: BTreeSet<&'static str>,
}

/// What OData itself has (OData 4.01, part 2, section 5.1), of which the manifests use this.
const SYSTEM: [&str; 5] = ["$filter", "$top", "$select", "$orderby", "$expand"];

impl Edmx {
    pub fn read(text: &str) -> Edmx {
        let document = roxmltree::Document::parse(text).unwrap();
        let all = |tag: &'static str| document.descendants().filter(move |n| n.is_tag(tag));
        let types = all("EntityType").map(|ty| {
            let properties = ty.children().filter(|node| node.is_tag("Property"));
            let property = |node: roxmltree::Node<'_, '_>| {
                let ty = node.attribute("Type")?.to_string();
                let max = node.attribute("MaxLength").and_then(|max| max.parse().ok());
                let nullable = node.attribute("Nullable") != Some("false");
                Some((node.attribute("Name")?.to_string(), Property { ty, nullable, max }))
            };
            let name = ty.attribute("Name").unwrap().to_string();
            (name, properties.filter_map(property).collect())
        });
        let sets = all("EntitySet").map(|set| {
            let of = set.attribute("EntityType").unwrap().rsplit('.').next().unwrap().to_string();
            let refused = set.descendants().filter(|node| node.attribute("Bool") == Some("false"));
            let refuses = refused.filter_map(|node| match node.attribute("Property")? {
                "Insertable" => Some("POST"),
                "Updatable" => Some("PATCH"),
                "Deletable" => Some("DELETE"),
                _ => None,
            });
            (set.attribute("Name").unwrap().to_string(), Set { of, refuses: refuses.collect() })
        });
        Edmx { types: types.collect(), sets: sets.collect() }
    }

    /// The set that a request is about, and whether about one record of it.
    fn set(&self, asked: &Asked) -> Option<(&Set, bool)> {
        let path = percent_decode_str(asked.path.split('?').next()?).decode_utf8().ok()?;
        let step = path.rsplit('/').next()?;
        let (name, key) =
            step.split_once('(').map_or((step, None), |(name, key)| (name, Some(key)));
        let set = self.sets.get(name)?;
        // A key is a GUID, without quotation marks.
        let key_fits = key.is_none_or(|key| key.len() == 37 && key.ends_with(')'));
        key_fits.then_some((set, key.is_some()))
    }
}

trait Tag {
    fn is_tag(&self, name: &str) -> bool;
}

impl Tag for roxmltree::Node<'_, '_> {
    fn is_tag(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }
}

/// Whether a JSON value is one of an OData primitive type (OData JSON Format 4.01, section 7.1).
fn is_of(ty: &str, value: &Value) -> bool {
    match ty {
        "Edm.Guid" => value.as_str().is_some_and(|text| text.len() == 36),
        "Edm.Boolean" => value.is_boolean(),
        "Edm.Decimal" | "Edm.Int32" | "Edm.Int64" | "Edm.Double" => value.is_number(),
        "Edm.Date" => value.as_str().is_some_and(|text| text.len() == 10),
        _ => value.is_string(),
    }
}

impl Description for Edmx {
    fn remarks(&self, asked: &Asked) -> Vec<String> {
        let Some((set, one)) = self.set(asked) else {
            return vec!["there is no such entity set".into()];
        };
        let mut remarks = Vec::new();
        if set.refuses.contains(asked.method.as_str()) {
            remarks.push(format!("{} takes no {}", set.of, asked.method));
        }
        if asked.method != "GET" && one == (asked.method == "POST") {
            remarks.push("a record is named by a creation, or by nothing else".into());
        }
        let properties = &self.types[&set.of];
        let query = asked.path.split_once('?').map_or("", |(_, query)| query);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let pair = percent_decode_str(pair).decode_utf8().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if !SYSTEM.contains(&name) {
                remarks.push(format!("OData has no query option {name}"));
            }
            if name == "$filter" {
                let (property, rest) = value.split_once(' ').unwrap();
                match properties.get(property) {
                    Some(p) if p.ty == "Edm.String" && rest.starts_with("eq '") => {}
                    Some(p) if p.ty == "Edm.DateTimeOffset" && !rest.contains('\'') => {}
                    _ => remarks.push(format!("no such filter: {value}")),
                }
            }
        }
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        for (name, value) in body.as_object().into_iter().flatten() {
            match properties.get(name) {
                None => remarks.push(format!("{} has no {name}", set.of)),
                Some(p) if p.nullable && value.is_null() => {}
                Some(p) if !is_of(&p.ty, value) => {
                    remarks.push(format!("{name} is {}, and not {value}", p.ty));
                }
                Some(p) if value.as_str().is_some_and(|v| p.max.is_some_and(|m| v.len() > m)) => {
                    remarks.push(format!("{name} is longer than {:?}", p.max));
                }
                Some(_) => {}
            }
        }
        remarks
    }

    fn missing(&self, asked: &Asked, _: &str, property: &str) -> Option<String> {
        let (set, _) = self.set(asked)?;
        let known = property == "@odata.etag" || self.types[&set.of].contains_key(property);
        (!known).then(|| format!("{} has no {property}", set.of))
    }
}

impl Edmx {
    /// The length of a text.
    pub fn max_chars(&self, set: &str, property: &str) -> Option<usize> {
        self.types[&self.sets[set].of].get(property)?.max
    }
}
