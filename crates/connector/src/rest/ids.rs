//! The ids of records, with their parents' where they are read through one; and what else the
//! interpreter itself puts into a record.

use lockstep_model::id_text::id_text;
use serde_json::{Value, json};

use super::answer::Answer;
use super::value::at;
use super::written::TypeYaml;

/// What the interpreter itself puts into a record; never sent.
pub const OWN: [&str; 2] = ["$etag", "$parent"];

/// What of it a record of this type has: of one that stands in no other, a property of that name is
/// its own.
pub fn own_of(ty: &TypeYaml) -> impl Iterator<Item = &'static str> {
    let parents = has_parents(ty);
    OWN.into_iter().filter(move |own| parents || *own != "$parent")
}

/// The record with the version that the answer's header told.
pub fn with_etag(mut record: Value, answer: &Answer) -> Value {
    if let (Some(map), Some(etag)) = (record.as_object_mut(), &answer.etag) {
        map.insert("$etag".into(), json!(etag));
    }
    record
}

pub fn with_parent(item: &Value, parent: &str) -> Value {
    let mut item = item.clone();
    if let Some(map) = item.as_object_mut() {
        map.insert("$parent".into(), json!(parent));
    }
    item
}

pub fn has_parents(ty: &TypeYaml) -> bool {
    ty.list.parents.is_some() || ty.parent.is_some()
}

/// How many records a record of this type stands in: so many ids stand before its own.
pub fn depth(ty: &TypeYaml) -> usize {
    match &ty.list.parents {
        Some(parents) => parents.depth(),
        None => usize::from(ty.parent.is_some()),
    }
}

/// The id of the record that it stands in, and its own.
pub fn apart<'i>(ty: &TypeYaml, id: &'i str) -> Option<(&'i str, &'i str)> {
    let (at, _) = id.match_indices('/').nth(depth(ty).checked_sub(1)?)?;
    Some((&id[..at], &id[at + 1..]))
}

/// The variables that name the record in which others stand, and all that it stands in itself.
pub fn parent_variables(depth: usize, parent: &str) -> [(&'static str, Value); 2] {
    let ids: Vec<&str> = parent.splitn(depth.max(1), '/').collect();
    [("parent", json!(ids.last())), ("parents", json!(ids))]
}

/// A record's id: with its parent's, where it is read through one.
pub fn id_in(ty: &TypeYaml, body: &Value) -> Option<String> {
    let id = at(body, &ty.id).and_then(id_text)?;
    match body.get("$parent").and_then(id_text).filter(|_| has_parents(ty)) {
        Some(parent) => Some(format!("{parent}/{id}")),
        None => Some(id),
    }
}

/// The variables that name a record in a request.
pub fn id_variables(ty: &TypeYaml, id: &str) -> [(&'static str, Value); 3] {
    match apart(ty, id) {
        Some((parent, id)) => {
            let [parent, parents] = parent_variables(depth(ty), parent);
            [("id", json!(id)), parent, parents]
        }
        None => [("id", json!(id)), ("parent", Value::Null), ("parents", json!([]))],
    }
}
