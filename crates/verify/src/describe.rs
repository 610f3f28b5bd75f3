//! Systems without a connector, as the documents describe them: what is emulated, and the manifest
//! by which it is reached.
//!
//! A document names record types and paths, and gives the types of the second system's properties.
//! What follows from that: a path with another path below it is an object with a value
//! (`profile.email`, `profile.email.email`); a path with a condition on its neighbour
//! (`phone_numbers.number (Dependant on having …)`), and one through `emails` or `phones`, leads
//! through a list; a property called after a record type of its system (`company_id`,
//! `Contact.ContactId`) that is paired with a reference is one. Everything else is a text.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::flow::PropertyRef;
use lockstep_model::{
    Conversion, Create, Flow, Path, PlainType, PropertyPair, TypeName, TypeSchema,
};
use lockstep_sandbox::{DESCRIBED_KEY, Described, DescribedProperty, DescribedType, Kind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// Names of lists, in letters alone.
const LISTS: [&str; 8] =
    ["emails", "phones", "phonenumbers", "emailaddresses", "addresses", "urls", "mobiles", "tags"];

/// What the flows say of the record types of these systems. `known` are the schemas of the others.
pub fn described(
    flows: &[Flow],
    systems: &BTreeSet<String>,
    known: &BTreeMap<String, Vec<TypeSchema>>,
) -> Vec<Described> {
    let mut types: BTreeMap<(String, String), TypeWords> = BTreeMap::new();
    let mine = |ty: &TypeName| systems.contains(&ty.system);
    let key = |ty: &TypeName| (ty.system.clone(), ty.kind.clone());
    for flow in flows {
        let also = match &flow.create {
            Create::ConnectedTo(connected) => connected.as_slice(),
            _ => &[],
        };
        for ty in [&flow.from, &flow.to].into_iter().chain(also).filter(|ty| mine(ty)) {
            types.entry(key(ty)).or_default();
        }
        let of_creating = match &flow.create {
            Create::When { filter, .. } => filter.as_ref(),
            _ => None,
        };
        for (ty, filter) in [
            (&flow.from, of_creating),
            (&flow.from, flow.only.as_ref()),
            (&flow.to, flow.only_to.as_ref()),
        ] {
            if let Some(filter) = filter.filter(|_| mine(ty)) {
                let words = types.entry(key(ty)).or_default();
                filter.reads.iter().for_each(|path| words.read(path, &filter.expression));
            }
        }
        let rows = flow
            .properties
            .iter()
            .map(|pair| (&pair.from, &pair.to, pair.conversion.as_ref(), pair.each));
        let matches = flow
            .matches
            .iter()
            .flat_map(|row| &row.pairs)
            .map(|(from, to)| (from, to, None, false));
        for (from, to, conversion, each) in rows.chain(matches) {
            let list = each.then_some(PlainType::List);
            if mine(&flow.from) && !from.is_followed() {
                let described = types.entry(key(&flow.from)).or_default();
                from.parts().for_each(|part| described.says(&part, list));
            }
            if mine(&flow.to) && !to.is_followed() {
                let plain = conversion.filter(|_| !each).and_then(|conversion| match conversion {
                    Conversion::Plain(ty) => Some(*ty),
                    Conversion::Computed(_) => None,
                });
                let described = types.entry(key(&flow.to)).or_default();
                to.parts().for_each(|part| described.says(&part, list.or(plain)));
            }
        }
    }
    let ends = flows.iter().flat_map(|flow| {
        let pairs = flow.properties.iter();
        pairs.flat_map(move |pair| [(&flow.from, &pair.from), (&flow.to, &pair.to)])
    });
    for (ty, named) in ends.filter(|(ty, named)| mine(ty) && named.is_followed()) {
        follow(ty, named, &mut types);
    }
    let kinds: Vec<(String, String)> = types.keys().cloned().collect();
    for flow in flows {
        references(flow, flows, &kinds, known, &mut types);
    }
    by_system(types)
}

/// The record types of each system.
fn by_system(types: BTreeMap<(String, String), TypeWords>) -> Vec<Described> {
    let mut found: BTreeMap<String, Vec<DescribedType>> = BTreeMap::new();
    for ((system, kind), words) in types {
        found
            .entry(system)
            .or_default()
            .push(DescribedType { name: kind, properties: words.properties() });
    }
    found.into_iter().map(|(name, types)| Described { name, types }).collect()
}

/// What `company > name` says: `company` refers to records that have a `name`. They are of the
/// record type that is called so; where there is none, of one that is made up for them.
fn follow(ty: &TypeName, named: &PropertyRef, types: &mut BTreeMap<(String, String), TypeWords>) {
    let Some(path) = named.via.first() else {
        types.entry((ty.system.clone(), ty.kind.clone())).or_default().says(named, None);
        return;
    };
    let last = path.steps().next_back().unwrap_or_default();
    let called = called_after(path.as_str()).unwrap_or_else(|| singular(last));
    let known =
        types.keys().find(|(system, kind)| *system == ty.system && singular(kind) == called);
    let kind = known.map_or_else(|| last.to_string(), |(_, kind)| kind.clone());
    let words = types.entry((ty.system.clone(), ty.kind.clone())).or_default();
    words.says(&PropertyRef::new(path.clone()), None);
    words.references.insert(path.as_str().to_string(), kind.clone());
    follow(&TypeName::new(&ty.system, &kind), &named.after_first_reference(), types);
}

/// What is said of one record type.
#[derive(Default)]
struct TypeWords {
    paths: BTreeMap<String, Option<PlainType>>,
    /// Lists, with the child that is the value.
    lists: BTreeMap<String, BTreeSet<String>>,
    references: BTreeMap<String, String>,
}

impl TypeWords {
    fn says(&mut self, named: &PropertyRef, ty: Option<PlainType>) {
        let path = named.path.as_str().to_string();
        let known = self.paths.entry(path.clone()).or_insert(ty);
        *known = known.or(ty);
        if let Some((parent, child)) = path.rsplit_once('.') {
            let beside =
                |other: &str| other.rsplit_once('.').is_some_and(|(theirs, _)| theirs == parent);
            let name = parent.rsplit('.').next().unwrap_or(parent);
            if named.when.as_ref().is_some_and(|having| beside(having.path.as_str()))
                || is_list(name)
            {
                self.lists.entry(parent.to_string()).or_default().insert(child.to_string());
            }
        }
        match &named.when {
            Some(having)
                if !self
                    .lists
                    .keys()
                    .any(|list| having.path.as_str().starts_with(&format!("{list}."))) =>
            {
                self.paths.entry(having.path.as_str().to_string()).or_insert(None);
            }
            _ => {}
        }
    }

    /// What a condition reads. A number beside it in a comparison makes it one: as a text it would
    /// be compared by its letters.
    fn read(&mut self, path: &Path, expression: &str) {
        let words: Vec<&str> = expression
            .split(|c: char| c.is_whitespace() || "()".contains(c))
            .filter(|w| !w.is_empty())
            .collect();
        let sign = |word: &str| matches!(word, "<" | ">" | "<=" | ">=" | "==" | "!=");
        let number = |word: &str| word.parse::<f64>().is_ok();
        let compared = words.windows(3).any(|three| {
            let (a, b) = (three[0], three[2]);
            sign(three[1])
                && ((a == path.as_str() && number(b)) || (b == path.as_str() && number(a)))
        });
        let told = self.paths.entry(path.as_str().to_string()).or_insert(None);
        *told = told.or(compared.then_some(PlainType::Decimal));
    }

    fn properties(&self) -> Vec<DescribedProperty> {
        let list_of = |path: &str| {
            let of = |(list, children): &(&String, &BTreeSet<String>)| {
                children.len() == 1 && (*list == path || path.starts_with(&format!("{list}.")))
            };
            self.lists.iter().find(of)
        };
        let mut properties: BTreeMap<String, DescribedProperty> = BTreeMap::new();
        for (path, ty) in &self.paths {
            let refers_to = self.references.get(path).cloned();
            let kind = ty.map_or(Kind::Text, kind);
            if let Some((list, children)) = list_of(path) {
                let value = children.first().cloned();
                let is_value = *path == *list
                    || value.as_ref().is_some_and(|child| *path == format!("{list}.{child}"));
                if is_value {
                    // What is called a list is the list that the path leads through.
                    let kind = if kind == Kind::List { Kind::Text } else { kind };
                    let property = DescribedProperty {
                        path: list.clone(),
                        kind,
                        list: true,
                        value,
                        refers_to,
                    };
                    properties.insert(list.clone(), property);
                }
                continue;
            }
            // An object whose value is a child that is named too.
            let below = self.paths.keys().find_map(|other| other.strip_prefix(&format!("{path}.")));
            let value = below.filter(|child| !child.contains('.')).map(str::to_string);
            let of_parent =
                path.rsplit_once('.').is_some_and(|(parent, _)| self.paths.contains_key(parent));
            if of_parent {
                continue;
            }
            let last = path.rsplit('.').next().unwrap_or(path);
            let list = value.is_none() && kind == Kind::Text && is_list(last);
            let property = DescribedProperty { path: path.clone(), kind, list, value, refers_to };
            properties.insert(path.clone(), property);
        }
        properties.into_values().collect()
    }
}

fn is_list(name: &str) -> bool {
    LISTS.contains(&squeezed(name).as_str())
}

fn kind(ty: PlainType) -> Kind {
    match ty {
        PlainType::String => Kind::Text,
        PlainType::Integer | PlainType::Minutes => Kind::Integer,
        PlainType::Float | PlainType::Decimal => Kind::Number,
        PlainType::Boolean => Kind::Boolean,
        PlainType::List => Kind::List,
        PlainType::Datetime => Kind::Moment,
        PlainType::Date => Kind::Day,
        PlainType::Any => Kind::Anything,
    }
}

/// Marks what the flow pairs as references, and what makes its connections possible.
fn references(
    flow: &Flow,
    flows: &[Flow],
    kinds: &[(String, String)],
    known: &BTreeMap<String, Vec<TypeSchema>>,
    types: &mut BTreeMap<(String, String), TypeWords>,
) {
    let clear = |ty: &TypeName, path: &str| match known.get(&ty.system) {
        Some(schemas) => {
            let schema = schemas.iter().find(|schema| schema.kind == ty.kind)?;
            schema.describe(&schema.resolve(&path.into())?)?.reference.clone()
        }
        None => {
            let name = called_after(path)?;
            let of = kinds
                .iter()
                .find(|(system, kind)| *system == ty.system && singular(kind) == name)?;
            (of.1 != ty.kind || path.contains('.')).then(|| of.1.clone())
        }
    };
    // The only record type that this one is linked with in the other system.
    let counterpart = |ty: TypeName, system: &str| {
        let ends = |flow: &'_ Flow| {
            [(flow.from.clone(), flow.to.clone()), (flow.to.clone(), flow.from.clone())]
        };
        let linked = flows
            .iter()
            .flat_map(ends)
            .filter(|(a, b)| a.system == ty.system && a.kind == ty.kind && b.system == system);
        let kinds: BTreeSet<String> = linked.map(|(_, b)| b.kind).collect();
        if kinds.len() == 1 { kinds.into_iter().next() } else { None }
    };
    let is_own = |end: &PropertyRef| !end.is_followed() && !end.is_combined();
    let own = |pair: &&PropertyPair| is_own(&pair.from) && is_own(&pair.to);
    for pair in flow.properties.iter().filter(own) {
        let (from, to) = (pair.from.path.as_str(), pair.to.path.as_str());
        let both = match (clear(&flow.from, from), clear(&flow.to, to)) {
            (Some(a), Some(b)) => Some((a, b)),
            (Some(a), None)
                if called_after(to).is_some() && !known.contains_key(&flow.to.system) =>
            {
                counterpart(TypeName::new(&flow.from.system, &a), &flow.to.system).map(|b| (a, b))
            }
            (None, Some(b))
                if called_after(from).is_some() && !known.contains_key(&flow.from.system) =>
            {
                counterpart(TypeName::new(&flow.to.system, &b), &flow.from.system).map(|a| (a, b))
            }
            _ => None,
        };
        let Some((a, b)) = both else { continue };
        for (ty, path, target) in [(&flow.from, from, a), (&flow.to, to, b)] {
            if let Some(words) = types.get_mut(&(ty.system.clone(), ty.kind.clone())) {
                words.references.insert(path.to_string(), target);
            }
        }
    }
    if let Create::ConnectedTo(connected) = &flow.create {
        for other in connected.iter().filter(|other| other.system == flow.from.system) {
            let there = types
                .get(&(other.system.clone(), other.kind.clone()))
                .map(|words| words.references.values().any(|to| *to == flow.from.kind));
            let back = types
                .get(&(flow.from.system.clone(), flow.from.kind.clone()))
                .map(|words| words.references.values().any(|to| *to == other.kind));
            if there == Some(false)
                && back == Some(false)
                && let Some(words) = types.get_mut(&(other.system.clone(), other.kind.clone()))
            {
                // That it can be connected is said; by which property is not.
                let path = format!("{}_id", squeezed(&flow.from.kind));
                words.paths.entry(path.clone()).or_insert(None);
                words.references.insert(path, flow.from.kind.clone());
            }
        }
    }
}

/// The record type that a path is called after, in the singular: `Contact.ContactId`,
/// `organization_id`, `company.id`.
fn called_after(path: &str) -> Option<String> {
    let mut steps = path.rsplit('.');
    let last = steps.next()?;
    let lower = last.to_lowercase();
    if lower == "id" {
        return steps.next().map(singular);
    }
    let camel = last
        .strip_suffix("Id")
        .or_else(|| last.strip_suffix("ID"))
        .filter(|head| head.ends_with(|c: char| c.is_lowercase()));
    let snake = lower.strip_suffix("_id").or_else(|| lower.strip_suffix("-id"));
    camel.map(singular).or_else(|| snake.map(singular))
}

fn squeezed(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn singular(name: &str) -> String {
    let name = squeezed(name);
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix("sses").map(|stem| format!("{stem}ss")).unwrap_or_else(|| {
            let plural = name.strip_suffix('s').filter(|stem| !stem.ends_with('s'));
            plural.map_or(name.clone(), str::to_string)
        }),
    }
}

/// The manifest by which a described system is reached.
pub fn manifest(described: &Described) -> String {
    let mut types = Map::new();
    for ty in &described.types {
        let mut properties = Map::new();
        let mut find = Map::new();
        let path = format!("/{}", encoded(&ty.name));
        for property in &ty.properties {
            let mut says = Map::new();
            let word = match property.kind {
                Kind::Text => "string",
                Kind::Integer => "integer",
                Kind::Number => "decimal",
                Kind::Boolean => "boolean",
                Kind::Moment => "datetime",
                Kind::Day => "date",
                Kind::List => "list",
                Kind::Anything => "any",
            };
            says.insert("type".into(), json!(word));
            if property.list {
                says.insert("list".into(), json!(true));
            }
            if let Some(value) = &property.value {
                says.insert("value".into(), json!(value));
            }
            if let Some(to) = &property.refers_to {
                says.insert("reference".into(), json!(to));
            }
            let whole = property
                .value
                .as_ref()
                .map_or(property.path.clone(), |child| format!("{}.{child}", property.path));
            let query = json!({"property": whole, "is": "{{ value }}"});
            find.insert(
                property.path.clone(),
                json!({"request": {"path": path, "query": query}, "item": "items"}),
            );
            properties.insert(property.path.clone(), Value::Object(says));
        }
        let page = json!({"offset": "{{ offset }}", "limit": "{{ limit }}"});
        let changed =
            json!({"offset": "{{ offset }}", "limit": "{{ limit }}", "since": "{{ since }}"});
        let paging = json!({"offset": {"limit": 500, "total": "total"}});
        let one = format!("{path}/{{{{ id | url }}}}");
        types.insert(
            ty.name.clone(),
            json!({
                "id": "_id", "version": "_version", "modified": "_modified", "absent-is-empty": true,
                "properties": properties,
                "list": {"request": {"path": path, "query": page}, "items": "items", "paging": paging},
                "changes": {"request": {"path": path, "query": changed}, "items": "items", "paging": paging, "overlap-s": 2},
                "get": {"request": {"path": one}},
                "find": find,
                "create": {"request": {"method": "POST", "path": path}},
                "update": {"request": {"method": "PATCH", "path": one, "headers": {"If-Match": "{{ version }}"}}, "read-before": true},
                "delete": {"method": "DELETE", "path": one},
            }),
        );
    }
    let first = described.types.first().map_or(String::new(), |ty| encoded(&ty.name));
    let manifest = json!({
        "title": described.name,
        "settings": {"base_url": {"what": "its address"}, "key": {"what": "its key", "secret": true}},
        "base": "{{ base_url }}",
        "auth": {"bearer": "{{ key }}"},
        "rate": {"per-second": 100_000},
        "test": format!("/{first}?limit=1"),
        "errors": [
            {"status": 412, "means": "conflict", "message": ["error.message"]},
            {"status": 400, "means": "rejected", "property": ["error.property"], "message": ["error.message"]},
        ],
        "types": types,
    });
    manifest.to_string()
}

/// The settings with which it is reached.
pub fn settings(url: &str) -> Map<String, Value> {
    let mut settings = Map::new();
    settings.insert("base_url".into(), json!(url));
    settings.insert("key".into(), json!(DESCRIBED_KEY));
    settings
}

/// RFC 3986: everything but unreserved characters.
const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NOT_UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_they_refer_to() {
        for (path, expect) in [
            ("Contact.ContactId", Some("contact")),
            ("organization_id", Some("organization")),
            ("company.id", Some("company")),
            ("name", None),
            ("paid", None),
        ] {
            assert_eq!(called_after(path).as_deref(), expect, "{path}");
        }
        assert_eq!(singular("Companies"), "company");
        assert_eq!(singular("Addresses"), "address");
        assert_eq!(singular("Organizations"), singular("organization"));
    }
}
