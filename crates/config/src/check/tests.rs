//! What tests of flows name: record types and properties that are there, and that some flow has to
//! do with.

use std::collections::BTreeSet;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Path, TypeName};

use super::followed;
use super::known::{record_type, unknown_property};
use super::view::View;
use crate::codes;
use crate::flow_tests::{TestKey, TestRecord};
use crate::near::{all_of, nearest};
use crate::problem::Problem;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    for test in view.project.files.iter().flat_map(|file| &file.tests) {
        for step in &test.steps {
            let expect = step.expect.iter();
            let created =
                expect.clone().flat_map(|expect| expect.creates.iter().chain(&expect.updates));
            for one in step.edits.iter().chain(created) {
                if key(view, &one.key, problems) {
                    record(view, one, problems);
                }
            }
            let links =
                expect.clone().flat_map(|expect| expect.links.iter().flat_map(|(a, b)| [a, b]));
            let reviews =
                expect.clone().flat_map(|expect| expect.reviews.iter().map(|(key, _)| key));
            for one in step
                .deletes
                .iter()
                .chain(expect.flat_map(|expect| &expect.deletes))
                .chain(links)
                .chain(reviews)
            {
                key(view, one, problems);
            }
        }
    }
}

/// Whether the record type is one that a flow has to do with.
fn key(view: &View<'_>, key: &TestKey, problems: &mut Vec<Problem>) -> bool {
    let before = problems.len();
    record_type(view, &key.ty, &key.type_place, problems);
    problems.retain(|problem| problem.code != codes::NOTE || problem.place != key.type_place);
    if problems.len() > before {
        return false;
    }
    let used = view.flows().any(|(flow, _)| flow.from == key.ty || flow.to == key.ty);
    let connected = view.flows().any(|(flow, _)| match &flow.create {
        Create::ConnectedTo(types) => types.contains(&key.ty),
        _ => false,
    });
    let of = TypeName::new(&key.ty.system, &key.ty.kind);
    let read = followed::read(view).iter().any(|(ty, _)| *ty == of);
    if used || connected || read {
        return true;
    }
    let used: BTreeSet<String> =
        view.flows().flat_map(|(flow, _)| [flow.from.to_string(), flow.to.to_string()]).collect();
    let message =
        format!("no flow has to do with {}, so nothing can happen with its records", key.ty);
    let help = match nearest(&key.ty.to_string(), used.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("flows are between {}", all_of(used.iter().map(String::as_str))),
    };
    problems.push(
        Problem::error(codes::UNKNOWN_RECORD_TYPE, key.type_place.clone(), message).help(help),
    );
    false
}

/// Every path must lead to, or be part of the way to, a property that the schema knows and some row
/// names.
fn record(view: &View<'_>, record: &TestRecord, problems: &mut Vec<Problem>) {
    let ty = &record.key.ty;
    let rows = rows(view, ty);
    let schema = view.schema(ty);
    let stands_for = |path: &Path| {
        schema.and_then(|schema| schema.resolve(path)).unwrap_or_else(|| path.clone())
    };
    let read: BTreeSet<Path> = rows.iter().map(|row| stands_for(&row.path)).collect();
    for value in &record.values {
        let path = Path::new(&value.path);
        if rows.iter().any(|row| row.to_string() == value.path) {
            continue;
        }
        let resolved = stands_for(&path);
        if read.contains(&resolved)
            || read.iter().any(|known| path.is_parent_of(known) || known.is_parent_of(&path))
        {
            continue;
        }
        if let Some(schema) = schema
            && schema.resolve(&path).is_none()
        {
            problems.push(unknown_property(schema, ty, &path, &value.place));
            continue;
        }
        if view.project.files.iter().any(|file| file.has_errors) {
            continue;
        }
        let message =
            format!("no flow reads or writes `{path}` of {ty}, so it makes no difference here");
        let names = || rows.iter().map(|row| row.path.as_str());
        let help = match nearest(path.as_str(), names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("flows name {}", all_of(names().collect::<BTreeSet<_>>())),
        };
        problems
            .push(Problem::error(codes::UNKNOWN_PROPERTY, value.place.clone(), message).help(help));
    }
}

/// The properties of a record type that flows name, and its references, by which records are
/// connected.
fn rows(view: &View<'_>, ty: &TypeName) -> Vec<PropertyRef> {
    let mut rows = Vec::new();
    for (flow, _) in view.flows() {
        let matches = flow.matches.iter().flat_map(|row| &row.pairs).map(|(from, to)| (from, to));
        for (from, to) in flow.properties.iter().map(|pair| (&pair.from, &pair.to)).chain(matches) {
            // What belongs to another record is given with that.
            if flow.from == *ty && !from.is_followed() {
                rows.extend(from.parts());
            }
            if flow.to == *ty && !to.is_followed() {
                rows.extend(to.parts());
            }
        }
        let of_creating = match &flow.create {
            Create::When { filter, .. } => filter.as_ref(),
            _ => None,
        };
        for (of, filter) in [
            (&flow.from, of_creating),
            (&flow.from, flow.only.as_ref()),
            (&flow.to, flow.only_to.as_ref()),
        ] {
            if of == ty {
                let reads = filter.into_iter().flat_map(|filter| &filter.reads);
                rows.extend(reads.map(|path| PropertyRef::new(path.clone())));
            }
        }
    }
    let references = view
        .schema(ty)
        .into_iter()
        .flat_map(|schema| &schema.properties)
        .filter(|p| p.reference.is_some());
    let of = TypeName::new(&ty.system, &ty.kind);
    let read = followed::read(view).into_iter().filter(|(ty, _)| *ty == of);
    rows.extend(read.map(|(_, path)| PropertyRef::new(path)));
    rows.extend(references.map(|property| PropertyRef::new(property.path.clone())));
    rows
}
