//! What `elements` of a system names that its record types do not have (G10).

use std::collections::BTreeMap;

use lockstep_model::flow::{Ceases, Create, Deletes, Extra, PropertyRef};
use lockstep_model::schema::KnownFrom;
use lockstep_model::{Flow, Path, PlainType, PropertySchema, TypeName, TypeSchema};

use super::view::View;
use crate::codes;
use crate::near::{all_of, nearest};
use crate::problem::Problem;
use crate::project::{Elements, System};
use crate::row_lists::list_of;
use crate::source::Place;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    also_by_row(view, problems);
    for system in &view.project.systems {
        let types = view.schemas.get(&system.name).into_iter().flatten();
        for elements in &system.elements {
            let mut of = types.clone().filter(|schema| schema.kind == elements.kind);
            let Some(schema) = of.next() else { continue };
            match list(system, schema, elements) {
                Some(problem) => problems.push(problem),
                None => problems.extend(
                    elements
                        .id
                        .iter()
                        .filter_map(|(path, place)| id(system, schema, elements, path, place)),
                ),
            }
        }
    }
}

/// Lists whose elements are records of a flow, and that a row of the records that they stand in
/// writes as well: whichever writes last has the list.
fn also_by_row(view: &View<'_>, problems: &mut Vec<Problem>) {
    let mut lists: BTreeMap<TypeName, Vec<(&str, &Place)>> = BTreeMap::new();
    for (flow, places) in view.flows() {
        let written = writes(flow);
        let ends = [(&flow.from, &places.from, written.0), (&flow.to, &places.to, written.1)];
        for (ty, place, _) in ends.into_iter().filter(|(.., written)| *written) {
            if let Some((parent, list)) = list_of(ty) {
                lists.entry(TypeName::new(&ty.system, parent)).or_default().push((list, place));
            }
        }
    }
    for (flow, places) in view.flows().filter(|_| !lists.is_empty()) {
        for (pair, places) in flow.properties.iter().zip(&places.properties) {
            let (to, back) = pair.direction.ways();
            let ends = [
                (&flow.to, &pair.to, &places.to, to),
                (&flow.from, &pair.from, &places.from, back),
            ];
            for (ty, end, place, _) in
                ends.into_iter().filter(|(_, end, _, written)| *written && !end.is_followed())
            {
                let parts: Vec<PropertyRef> = end.parts().collect();
                let found = lists.get(ty).into_iter().flatten().find_map(|(list, there)| {
                    let whole = Path::new(list);
                    let within =
                        |part: &&PropertyRef| part.path == whole || whole.is_parent_of(&part.path);
                    let path = parts.iter().find(within)?;
                    Some((path.path.as_str(), *list, *there))
                });
                let Some((path, list, there)) = found else {
                    continue;
                };
                let message = format!(
                    "the elements of `{list}` of {ty} are records of a flow of their own, and this row writes {} too",
                    if path == list {
                        "the whole list".to_string()
                    } else {
                        format!("`{path}` into one of them")
                    }
                );
                let help = format!(
                    "say it in the flow between the elements ({ty}[{list}]), and leave it out here"
                );
                problems.push(
                    Problem::error(codes::CONTRADICTION, place.clone(), message)
                        .help(help)
                        .related(there, "the flow between the elements"),
                );
            }
        }
    }
}

/// Whether a flow writes records of its source, and of its target.
fn writes(flow: &Flow) -> (bool, bool) {
    let ways = || flow.properties.iter().map(|pair| pair.direction.ways());
    let passes_deletions = flow.deletes != Deletes::Ignore;
    let makes =
        flow.create != Create::Never || flow.extra != Extra::Ignore || flow.ceases != Ceases::Keep;
    let (to, from) = (ways().any(|(to, _)| to), ways().any(|(_, from)| from));
    (from || passes_deletions, to || makes || passes_deletions)
}

/// What is wrong with the list: the record type has none of that name.
fn list(system: &System, schema: &TypeSchema, elements: &Elements) -> Option<Problem> {
    let name = TypeName::new(&system.name, schema.kind.as_str());
    let list = &elements.list;
    if schema.known_from == KnownFrom::Header {
        let message = format!(
            "`{list}` of {name} is no list: a cell of a CSV file holds one value, so it has no elements"
        );
        return Some(Problem::error(codes::WITHOUT_EFFECT, elements.place.clone(), message).help(
            "leave it out; lists are in files of JSON Lines (`.jsonl`), one record on a line",
        ));
    }
    // Nothing is known of what stands in an object of any form.
    let is_list = |property: &&PropertySchema| {
        property.list
            || property.ty == PlainType::List
            || matches!(property.ty, PlainType::Any) && !has_been_seen_plain(schema, property)
    };
    if below(schema, list.as_str()).next().is_some()
        || schema.property(list).filter(is_list).is_some()
    {
        return None;
    }
    let lists = || {
        let lists = schema.properties.iter().filter(|property| property.list);
        lists.map(|property| property.path.as_str())
    };
    let help = match nearest(list.as_str(), lists()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if lists().next().is_none() => "it has no lists; leave it out".into(),
        None => format!("its lists are {}", all_of(lists())),
    };
    let problem = match schema.property(list) {
        Some(_) => Problem::warning(
            codes::WITHOUT_EFFECT,
            elements.place.clone(),
            format!("`{list}` of {name} is no list, so it has no elements"),
        ),
        // A system whose properties are all known has been told of by its connector.
        None if schema.known_from == KnownFrom::Declaration => return None,
        None => Problem::warning(
            codes::UNSEEN_PROPERTY,
            elements.place.clone(),
            format!("no record of {name} that was looked at has a list `{list}`"),
        ),
    };
    Some(problem.help(help))
}

/// Whether the records that were looked at hold something else there than a list or an object.
fn has_been_seen_plain(schema: &TypeSchema, property: &PropertySchema) -> bool {
    schema.known_from == KnownFrom::Sample && property.holds.is_some()
}

/// What is wrong with the property that tells the elements apart: none was seen with it.
fn id(
    system: &System,
    schema: &TypeSchema,
    elements: &Elements,
    id: &str,
    place: &Place,
) -> Option<Problem> {
    let known: Vec<&str> = below(schema, elements.list.as_str()).collect();
    let is_there = |path: &&str| id == *path || id.starts_with(&format!("{path}."));
    if known.is_empty() || known.iter().any(is_there) {
        return None;
    }
    let name = format!("{}.{}[{}]", system.name, schema.kind, elements.list);
    let (code, message) = match schema.known_from {
        KnownFrom::Declaration => (
            codes::UNKNOWN_PROPERTY,
            format!("the elements {name} have no property `{id}`, so it does not tell them apart"),
        ),
        _ => (
            codes::UNSEEN_PROPERTY,
            format!(
                "no element of {name} that was looked at has `{id}`, so it does not tell them apart"
            ),
        ),
    };
    let help = match nearest(id, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("they have {}", all_of(known.iter().copied())),
    };
    Some(Problem::warning(code, place.clone(), message).help(help))
}

/// The paths of a list's elements that the schema has.
fn below<'s>(schema: &'s TypeSchema, list: &'s str) -> impl Iterator<Item = &'s str> {
    schema
        .properties
        .iter()
        .filter_map(move |property| property.path.as_str().strip_prefix(list)?.strip_prefix('.'))
}
