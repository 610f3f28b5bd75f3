//! A connector asked for everything that its manifest has, against a server that answers whatever
//! the manifest expects.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lockstep_connector::contract::read_all;
use lockstep_connector::rest::Rest;
use lockstep_connector::rest::written::{
    KindWord, Manifest, PropertyYaml, RequestYaml, TypeWord, TypeYaml,
};
use lockstep_connector::{Action, Connector, Outcome, Write, WriteValue};
use lockstep_model::flow::PropertyRef;
use serde_json::{Map, Value, json};

use crate::serving::{Asked, serve};

const UUID: &str = "11111111-2222-4333-8444-555555555555";

/// What was asked, and what is read from the answers.
pub struct Exchanged {
    pub requests: Vec<Asked>,
    pub shown: Vec<Shown>,
}

/// A property that is read from the answer to a request.
pub struct Shown {
    /// The record type.
    pub of: String,
    pub asked: Asked,
    pub records_at: String,
    pub property: String,
}

/// A request of a record type, and where the records are in its answer.
struct Operation<'m> {
    request: &'m RequestYaml,
    place: &'m str,
    list: bool,
    /// Only what was written is read from it.
    written: bool,
}

fn operation<'m>(
    request: &'m RequestYaml,
    place: Option<&'m String>,
    (list, written): (bool, bool),
) -> Operation<'m> {
    Operation { request, place: place.map_or("", String::as_str), list, written }
}

fn operations(ty: &TypeYaml) -> Vec<Operation<'_>> {
    const LIST: (bool, bool) = (true, false);
    const WRITTEN: (bool, bool) = (false, true);
    let mut all = vec![operation(&ty.list.request, ty.list.items.as_ref(), LIST)];
    all.extend(ty.changes.iter().map(|c| operation(&c.request, c.items.as_ref(), LIST)));
    all.extend(ty.gone.iter().map(|gone| operation(&gone.request, gone.items.as_ref(), LIST)));
    let parents = ty.list.parents.iter();
    all.extend(parents.map(|p| operation(&p.request, p.items.as_ref(), LIST)));
    all.extend(ty.find.values().map(|f| operation(&f.request, f.item.as_ref(), LIST)));
    all.extend(ty.get.iter().map(|g| operation(&g.request, g.item.as_ref(), (false, false))));
    let writes = [&ty.create, &ty.update].into_iter().flatten();
    all.extend(writes.map(|write| operation(&write.request, write.item.as_ref(), WRITTEN)));
    all.extend(ty.delete.iter().map(|request| operation(request, None, WRITTEN)));
    let steps = ty.properties.values().flat_map(|p| p.update_via.iter().chain(&p.emptied_via));
    let then = ty.create.iter().flat_map(|create| &create.then);
    all.extend(steps.chain(then).map(|step| operation(&step.request, None, WRITTEN)));
    all
}

/// Whether a path may have been made of a template.
fn fits(template: &str, path: &str) -> bool {
    let mut parts = template.split("{{");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    for part in parts {
        let literal = part.split_once("}}").map_or("", |(_, literal)| literal);
        // A variable holds one step.
        let end = rest.find('/').unwrap_or(rest.len());
        let found = if literal.is_empty() { Some(rest.len()) } else { rest.find(literal) };
        let Some(at) = found.filter(|at| *at > 0 && (*at <= end || literal.starts_with('/')))
        else {
            return false;
        };
        rest = &rest[at + literal.len()..];
    }
    rest.is_empty()
}

/// Puts a value at a dotted place; a step that is a number leads into a list.
fn put(target: &mut Value, place: &str, value: Value) {
    let (step, rest) = place.split_once('.').unwrap_or((place, ""));
    let below = match step.parse::<usize>() {
        Ok(index) => {
            if !target.is_array() {
                *target = json!([]);
            }
            let list = target.as_array_mut().unwrap();
            while list.len() <= index {
                list.push(Value::Null);
            }
            &mut list[index]
        }
        Err(_) => {
            if !target.is_object() {
                *target = json!({});
            }
            &mut target[step]
        }
    };
    if rest.is_empty() { *below = value } else { put(below, rest, value) }
}

/// A value of a property, of the type that the manifest says.
pub fn sample(property: &PropertyYaml) -> Value {
    let one = match property.ty {
        Some(TypeWord::Integer | TypeWord::Minutes) => json!(7),
        Some(TypeWord::Float) => json!(1.5),
        Some(TypeWord::Decimal) => json!("1.50"),
        Some(TypeWord::Boolean) => json!(true),
        Some(TypeWord::Datetime) => json!("2026-01-31T10:00:00Z"),
        Some(TypeWord::Date) => json!("2026-01-31"),
        Some(TypeWord::List) => json!(["word"]),
        _ if property.reference.is_some() => json!(UUID),
        _ if matches!(property.kind, Some(KindWord::Number)) => json!("1.50"),
        // What is empty as a GUID of zeros is one.
        _ if property.none.iter().any(|none| none.as_str().is_some_and(|n| n.len() == 36)) => {
            json!(UUID)
        }
        _ => json!("word"),
    };
    if property.list { json!([one]) } else { one }
}

fn id_of(ty: &TypeYaml) -> Value {
    let numeric = ty
        .properties
        .iter()
        .find(|(path, property)| property.at.as_deref().unwrap_or(path) == ty.id)
        .is_some_and(|(_, property)| matches!(property.ty, Some(TypeWord::Integer)));
    if numeric { json!(4711) } else { json!(UUID) }
}

/// A record as the system would show it.
fn record(ty: &TypeYaml) -> Value {
    let mut record = json!({});
    for (path, property) in &ty.properties {
        let place = property.at.as_deref().unwrap_or(path);
        if place.starts_with('$') {
            continue;
        }
        let value = match (&property.value, property.list) {
            _ if property.reference_by.is_some() => json!("word"),
            (Some(child), true) => json!([{ child.as_str(): sample(property)[0] }]),
            (Some(child), false) => json!({ child.as_str(): sample(property) }),
            _ => sample(property),
        };
        put(&mut record, place, value);
    }
    put(&mut record, &ty.id, id_of(ty));
    for (place, value) in [
        (&ty.version, json!("7")),
        (&ty.modified, json!("2026-01-31T10:00:00Z")),
        (&ty.parent, json!(UUID)),
    ] {
        if let Some(place) = place.as_ref().filter(|place| !place.starts_with('$')) {
            put(&mut record, place, value);
        }
    }
    if let Some(mark) = &ty.deleted {
        let marks = |value: &Value| mark.is.contains(value) || !mark.is_not.is_empty();
        let held = mark.at.split('.').try_fold(&record, |at, step| at.get(step));
        if held.is_some_and(marks) {
            put(&mut record, &mark.at, mark.is_not.first().cloned().unwrap_or_default());
        }
    }
    record
}

/// Whether a page further on is asked for.
fn further(query: &str) -> bool {
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| {
        match name.to_lowercase().trim_start_matches("%24") {
            "page" => !["0", "1"].contains(&value),
            "from" | "offset" | "skip" => value != "0",
            _ => false,
        }
    })
}

fn answer(operations: &[(RequestYaml, String, bool)], record: &Value, asked: &Asked) -> Value {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let mut body = json!({});
    let fitting = operations.iter().filter(|(request, _, _)| {
        request.method.as_deref().unwrap_or("GET") == asked.method && {
            // The base address has steps of its own.
            (0..path.len()).any(|at| path.is_char_boundary(at) && fits(&request.path, &path[at..]))
        }
    });
    // A path without variables comes first: `/people/deleted` is nobody's id.
    let mut fitting: Vec<_> = fitting.collect();
    if fitting.iter().any(|(request, _, _)| !request.path.contains("{{")) {
        fitting.retain(|(request, _, _)| !request.path.contains("{{"));
    }
    // A list of one is a record as well.
    let listed: Vec<String> =
        fitting.iter().filter(|(_, _, list)| *list).map(|(_, place, _)| place.clone()).collect();
    fitting.retain(|(_, place, list)| *list || !listed.contains(place));
    for (_, place, list) in fitting {
        let shown = match (list, further(query)) {
            (true, true) => json!([]),
            (true, false) => json!([record]),
            (false, _) => record.clone(),
        };
        match (place.is_empty(), list) {
            (true, true) => return shown,
            (true, false) => {
                for (key, value) in record.as_object().into_iter().flatten() {
                    body[key.as_str()] = value.clone();
                }
            }
            (false, _) => put(&mut body, place, shown),
        }
    }
    body
}

/// What is answered at present: the requests of a record type, and a record of it.
#[derive(Default)]
struct Current {
    operations: Vec<(RequestYaml, String, bool)>,
    record: Value,
}

/// Asks for everything that a manifest has.
pub fn exercise(system: &str, manifest: &Manifest, keys: &[(&str, &str)]) -> Exchanged {
    let current: Arc<Mutex<Current>> = Arc::default();
    let now = Arc::clone(&current);
    let server = serve(move |asked| {
        let path = asked.path.split('?').next().unwrap_or_default();
        if path.contains("token") && asked.method != "DELETE" {
            let session = json!({"token": "t", "expirationDate": "2099-01-31"});
            let body = json!({"access_token": "t", "expires_in": 3600, "value": session});
            return (200, String::new(), body.to_string());
        }
        let current = now.lock().unwrap();
        (200, String::new(), answer(&current.operations, &current.record, asked).to_string())
    });
    let mut settings = Map::from_iter([
        ("rate_per_second".to_string(), json!(10_000)),
        ("base_url".to_string(), json!(server.address)),
    ]);
    settings.extend(keys.iter().map(|(name, value)| (name.to_string(), json!(value))));
    let mut manifest_here = manifest.clone();
    manifest_here.complete = true;
    let rest = Rest::open(manifest_here, &settings).unwrap_or_else(|trouble| panic!("{trouble}"));
    let mut shown = Vec::new();
    rest.test().unwrap_or_else(|trouble| panic!("{system}: {trouble}"));
    let _ = rest.account();
    let _ = rest.to_settle();
    let _ = rest.listen_at(
        "https://example.com/hooks",
        &manifest.types.keys().cloned().collect::<Vec<_>>(),
    );
    for (kind, ty) in &manifest.types {
        let operations: Vec<(RequestYaml, String, bool)> = operations(ty)
            .into_iter()
            .map(|operation| (operation.request.clone(), operation.place.into(), operation.list))
            .collect();
        *current.lock().unwrap() = Current { operations, record: record(ty) };
        let from = server.asked.lock().unwrap().len();
        one_type(&rest, kind, ty);
        let asked = server.asked.lock().unwrap()[from..].to_vec();
        shown.extend(read_from(kind, ty, &asked));
    }
    let requests = server.asked.lock().unwrap().clone();
    Exchanged { requests, shown }
}

/// Lists, reads, looks up, creates, changes, empties and deletes.
fn one_type(rest: &Rest, kind: &str, ty: &TypeYaml) {
    let watch: Vec<PropertyRef> =
        ty.properties.keys().map(|path| PropertyRef::new(path.as_str())).collect();
    let all = read_all(rest, kind, &watch, None, 100)
        .unwrap_or_else(|trouble| panic!("{kind}: {trouble}"));
    assert_eq!(all.records.len(), 1, "{kind}: {:?}", all.faults);
    let of = all.records.values().next().unwrap().clone();
    if ty.changes.is_some() {
        read_all(rest, kind, &watch, Some(all.checkpoint), 100)
            .unwrap_or_else(|trouble| panic!("{kind}: {trouble}"));
    }
    if ty.get.is_some() {
        let got =
            rest.get(kind, &watch, &of.id).unwrap_or_else(|trouble| panic!("{kind}: {trouble}"));
        assert!(got.is_some(), "{kind}: {}", of.id);
    }
    for property in ty.find.keys() {
        let prop = watch.iter().position(|watched| *watched == PropertyRef::new(property.as_str()));
        let prop = prop.unwrap_or_else(|| panic!("{kind}: find {property}"));
        let value = sample(&ty.properties[property]);
        let value = if let Value::Array(list) = &value { list[0].clone() } else { value };
        rest.find(kind, &watch, prop, &value).unwrap_or_else(|trouble| panic!("{kind}: {trouble}"));
    }
    let values = |creates: bool, empties: bool| -> Vec<WriteValue> {
        let writable = ty.properties.values().enumerate().filter(|(_, property)| {
            !property.read_only
                && property.derived_from.is_none()
                && (creates || !property.create_only)
                && !(empties && property.required)
        });
        let value = |(prop, property): (usize, &PropertyYaml)| {
            let shown = sample(property);
            let value = if !empties { shown.clone() } else { empty(property) };
            WriteValue { prop, value, displaced: shown.into() }
        };
        writable.map(value).collect()
    };
    let write = |action: Action, values| {
        let write = Write { action, values, token: "token".into() };
        let outcome = rest.write(kind, &watch, &[write]).remove(0);
        assert!(matches!(outcome, Outcome::Done(_)), "{kind}: {outcome:?}");
    };
    let (id, version) = (of.id.clone(), of.version.clone());
    if ty.create.is_some() {
        write(Action::Create, values(true, false));
    }
    if ty.update.is_some() {
        let update = || Action::Update { id: id.clone(), version: version.clone() };
        write(update(), values(false, false));
        write(update(), values(false, true));
    }
    if ty.delete.is_some() {
        write(Action::Delete { id: id.clone(), version: version.clone() }, vec![]);
    }
    if ty.restore.is_some() {
        write(Action::Restore { id }, vec![]);
    }
}

fn empty(property: &PropertyYaml) -> Value {
    if property.list { json!([]) } else { Value::Null }
}

/// What is read from the answers to these requests.
fn read_from(kind: &str, ty: &TypeYaml, asked: &[Asked]) -> Vec<Shown> {
    let mut seen: BTreeMap<(String, String), ()> = BTreeMap::new();
    let mut shown = Vec::new();
    for asked in asked {
        let path = asked.path.split('?').next().unwrap_or_default();
        for operation in operations(ty).iter().filter(|operation| !operation.written) {
            let plain = operations(ty).iter().any(|other| path.ends_with(&other.request.path));
            let same = operation.request.method.as_deref().unwrap_or("GET") == asked.method
                && (!plain || !operation.request.path.contains("{{"))
                && (0..path.len()).any(|at| fits(&operation.request.path, &path[at..]));
            let parents = ty.list.parents.as_ref().map(|parents| &parents.request);
            let other = ty.gone.as_ref().map(|gone| &gone.request);
            let other = [parents, other].into_iter().flatten();
            let others = other.into_iter().any(|request| std::ptr::eq(request, operation.request));
            let key = (format!("{} {}", asked.method, asked.path), operation.place.to_string());
            if !same || others || seen.insert(key, ()).is_some() {
                continue;
            }
            // Where only ids are listed, the record is read by itself.
            let ids_only = operation.list && ty.list.each_id.is_some();
            let mut places: Vec<String> = vec![ty.id.clone()];
            if !ids_only {
                places.extend([&ty.version, &ty.modified].into_iter().flatten().cloned());
                places.extend(ty.properties.iter().map(|(path, property)| {
                    let place = property.at.as_deref().unwrap_or(path);
                    match &property.value {
                        Some(child) if property.list => format!("{place}.0.{child}"),
                        Some(child) => format!("{place}.{child}"),
                        None => place.to_string(),
                    }
                }));
            }
            let records_at = match (operation.place, operation.list) {
                ("", true) => "0".to_string(),
                (place, true) => format!("{place}.0"),
                (place, false) => place.to_string(),
            };
            shown.extend(places.into_iter().filter(|place| !place.starts_with('$')).map(
                |property| Shown {
                    of: kind.into(),
                    asked: asked.clone(),
                    records_at: records_at.clone(),
                    property,
                },
            ));
        }
    }
    shown
}
