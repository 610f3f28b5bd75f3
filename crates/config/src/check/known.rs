//! Record types and paths that are not there, with what was probably meant.

use std::collections::BTreeSet;

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::{KnownFrom, OWN_ID};
use lockstep_model::{Create, Direction, Path, PropertySchema, TypeName, TypeSchema};

use super::compared;
use super::values;
use super::view::View;
use crate::aggregates;
use crate::codes;
use crate::near::{all_of, any_of, nearest};
use crate::problem::{Problem, Severity};
use crate::project::System;
use crate::row_lists::list_of;
use crate::source::Place;

/// How many names a message lists at most.
const LISTED: usize = 12;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    systems(view, problems);
    for (flow, places) in view.flows() {
        record_type(view, &flow.from, &places.from, problems);
        record_type(view, &flow.to, &places.to, problems);
        if let Create::ConnectedTo(types) = &flow.create {
            for (name, place) in types.iter().zip(&places.connected) {
                record_type(view, name, place, problems);
            }
        }
        let pairs = flow.matches.iter().flat_map(|row| &row.pairs).map(|(from, to)| (from, to));
        let pairs = pairs.zip(places.matches.iter().flatten());
        let rows =
            flow.properties.iter().map(|pair| (&pair.from, &pair.to)).zip(&places.properties);
        for ((from, to), places) in pairs.chain(rows) {
            let sides = [(&flow.from, from, &places.from), (&flow.to, to, &places.to)];
            for (name, side, place) in sides.into_iter().filter(|(_, side, _)| !side.is_followed())
            {
                side.parts().for_each(|part| property(view, name, &part, place, problems));
            }
        }
        for (pair, places) in
            flow.properties.iter().zip(&places.properties).filter(|(pair, _)| !pair.on_create)
        {
            if pair.direction != Direction::Backward {
                let mut of = |part| marked(view, &flow.to, &part, &places.to, problems);
                pair.to.parts().for_each(&mut of);
            }
            if pair.direction != Direction::Forward {
                let mut of = |part| marked(view, &flow.from, &part, &places.from, problems);
                pair.from.parts().for_each(&mut of);
            }
        }
        let of_creating = match &flow.create {
            Create::When { filter, .. } => filter.as_ref(),
            _ => None,
        };
        let [only, only_to] = &places.only;
        let conditions = [
            (of_creating, &flow.from, &places.create),
            (flow.only.as_ref(), &flow.from, only),
            (flow.only_to.as_ref(), &flow.to, only_to),
        ];
        for (filter, name, place) in conditions {
            let (Some(filter), Some(schema)) = (filter, view.schema(name)) else { continue };
            let place = place.as_ref().unwrap_or(&places.flow).with(&filter.expression);
            compared::check(schema, name, filter, &place, problems);
            values::try_condition(schema, name, filter, &place, problems);
            for read in &filter.reads {
                match schema.resolve(read) {
                    None => problems.push(unknown_property(
                        schema,
                        name,
                        read,
                        &place.narrowed(read.as_str()),
                    )),
                    Some(_) if !schema.has_seen(read) => {
                        problems.push(unseen(schema, name, read, &place.narrowed(read.as_str())));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// What `lockstep.yaml` says of record types.
fn systems(view: &View<'_>, problems: &mut Vec<Problem>) {
    let used: BTreeSet<&str> = view
        .flows()
        .flat_map(|(flow, _)| [flow.from.system.as_str(), flow.to.system.as_str()])
        .collect();
    for system in &view.project.systems {
        if system.connector == "files" && system.rate_per_second.is_some() {
            let message = format!(
                "`rate` of {} has no effect: files are read and written at once, not by requests",
                system.name
            );
            problems.push(
                Problem::error(codes::WITHOUT_EFFECT, system.place.clone(), message)
                    .help("leave it out"),
            );
        }
        let Some(types) = view.schemas.get(&system.name) else {
            if used.contains(system.name.as_str()) {
                let message = format!(
                    "nothing is known of the record types of {}, so its paths were not checked",
                    system.name
                );
                problems.push(
                    Problem::warning(codes::NO_SCHEMA, system.connector_place.clone(), message)
                        .help("see that the connector's name is right and that its settings are there"),
                );
            }
            continue;
        };
        let names = || types.iter().map(|schema| schema.kind.as_str());
        references(view, system, problems);
        for kind in system.schedule.types.keys().filter(|kind| !names().any(|name| name == **kind))
        {
            let name = TypeName::new(&system.name, kind.as_str());
            problems.push(unknown_type(&name, names().collect(), &system.place));
        }
        for kind in system.full_scan.types.keys().filter(|kind| !names().any(|name| name == **kind))
        {
            let name = TypeName::new(&system.name, kind.as_str());
            let place = system.full_scan_place.as_ref().unwrap_or(&system.place);
            let place = place.narrowed_to_word(kind).unwrap_or_else(|| place.clone());
            problems.push(unknown_type(&name, names().collect(), &place));
        }
    }
}

/// G6: a flow between a file and itself under the name of another system: what is written on the
/// one side appears on the other, for ever.
pub(super) fn same_records(view: &View<'_>, problems: &mut Vec<Problem>) {
    let folder = |name: &str| {
        let system = view.project.system(name).filter(|system| system.connector == "files")?;
        let folder = system.with.get("folder")?.as_str()?;
        let steps = folder.split('/').filter(|step| !matches!(*step, "" | "."));
        Some((folder.starts_with('/'), steps.map(str::to_string).collect::<Vec<_>>()))
    };
    for (flow, places) in view.flows() {
        let (from, to) = (&flow.from, &flow.to);
        let same = from.system != to.system
            && from.kind == to.kind
            && folder(&from.system).is_some_and(|mine| Some(mine) == folder(&to.system));
        if same {
            let message = format!(
                "{from} and {to} are the same file: what is written on one side appears on the other, and is taken for new there"
            );
            problems.push(
                Problem::error(codes::SAME_RECORDS, places.to.clone(), message)
                    .help("give the two systems folders of their own"),
            );
        }
    }
}

/// Record types that `references` names (P8).
fn references(view: &View<'_>, system: &System, problems: &mut Vec<Problem>) {
    for reference in &system.references {
        let target = reference.to_system.as_ref().unwrap_or(&system.name);
        for (of, kind) in [(&system.name, &reference.kind), (target, &reference.to)] {
            let Some(types) = view.schemas.get(of) else { continue };
            let names = || types.iter().map(|schema| schema.kind.as_str());
            if !names().any(|name| name == kind) {
                // Where a variable was put in, its name is shown and not what it holds.
                let written = reference.place.text();
                let shown = if written.contains("${") { written } else { kind.as_str() };
                let name = TypeName::new(of, shown);
                problems.push(unknown_type(&name, names().collect(), &reference.place));
            }
        }
    }
    for reference in &system.references {
        let target = reference.to_system.as_ref().unwrap_or(&system.name);
        let of_target = view.schemas.get(target).into_iter().flatten();
        let mut of_target = of_target.filter(|schema| schema.kind == reference.to);
        let Some(key) = of_target.next().map(|schema| &schema.key) else {
            continue;
        };
        if key.is_empty() {
            continue;
        }
        let parts: Vec<&str> = key.iter().map(Path::as_str).collect();
        let message = format!(
            "`{}` of {} can't refer to {}: its records are known by several properties together, {}",
            reference.path,
            reference.kind,
            reference.to,
            all_of(parts.iter().copied())
        );
        problems.push(
            Problem::error(codes::REFERENCE_MISMATCH, reference.place.clone(), message)
                .help("leave it out, and keep the properties equal one by one"),
        );
    }
}

pub(super) fn record_type(
    view: &View<'_>,
    name: &TypeName,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let Some(types) = view.schemas.get(&name.system) else { return };
    match types.iter().find(|schema| schema.kind == name.kind) {
        None => problems.push(unknown_type(
            name,
            types.iter().map(|schema| schema.kind.as_str()).collect(),
            place,
        )),
        Some(schema) => {
            if let Some(note) = &schema.note {
                problems.push(note_on(place, format!("{name}: {note}")));
            }
        }
    }
}

fn note_on(place: &Place, message: String) -> Problem {
    Problem { severity: Severity::Note, ..Problem::warning(codes::NOTE, place.clone(), message) }
}

fn unknown_type(name: &TypeName, known: Vec<&str>, place: &Place) -> Problem {
    let elements = list_of(name).filter(|(parent, _)| known.contains(parent)).map(|(parent, list)| {
        format!(
            "if `{list}` is a list of {parent}, say what tells its elements apart: by `key` of this flow, or by `elements` of {} in lockstep.yaml",
            name.system
        )
    });
    let problem = Problem::error(
        codes::UNKNOWN_RECORD_TYPE,
        place.clone(),
        format!("{} has no record type `{}`", name.system, name.kind),
    );
    problem.help(match nearest(&name.kind, known.iter().copied()) {
        // A slip in the name of a list whose elements are told apart.
        Some(near) if near.contains('[') => format!("did you mean `{}.{near}`?", name.system),
        _ if elements.is_some() => elements.unwrap_or_default(),
        Some(near) => format!("did you mean `{}.{near}`?", name.system),
        None if known.is_empty() => {
            format!("{} has no record types at all; see its settings in lockstep.yaml", name.system)
        }
        None => format!("{} has {}", name.system, listed(&known)),
    })
}

pub(super) fn property(
    view: &View<'_>,
    name: &TypeName,
    property: &PropertyRef,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let Some(schema) = view.schema(name) else { return };
    let condition = property.when.as_ref().map(|having| &having.path);
    for path in std::iter::once(&property.path).chain(condition) {
        match schema.resolve(path) {
            None => problems.push(unknown_property(schema, name, path, place)),
            // C6: every record has an id, in whatever column.
            Some(resolved) if resolved.as_str() == OWN_ID => {}
            Some(resolved) if !schema.has_seen(path) && !schema.has_seen(&resolved) => {
                problems.push(unseen(schema, name, path, place))
            }
            Some(resolved) => {
                let note = schema
                    .property(path)
                    .or_else(|| schema.describe(&resolved))
                    .and_then(|known| known.note.as_ref());
                problems
                    .extend(note.map(|note| note_on(place, format!("`{path}` of {name}: {note}"))));
            }
        }
    }
}

/// D3: a row that writes what says that a record is deleted would delete past all guards, and a
/// deletion would look like an edit.
fn marked(
    view: &View<'_>,
    name: &TypeName,
    property: &PropertyRef,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let is_mark = |schema: &&TypeSchema| {
        schema.mark.is_some() && schema.resolve(&property.path) == schema.mark
    };
    if view.schema(name).filter(is_mark).is_some() {
        let message = format!(
            "`{}` of {name} is the mark of what is deleted (`deleted` in lockstep.yaml), and the row writes it",
            property.path
        );
        problems.push(
            Problem::error(codes::MARK, place.clone(), message)
                .help("take the row out: `deletes: propagate` sets the mark, where `deleted` says `set`; or let the row only read it (`->`, `<-`)"),
        );
    }
}

/// A path that the header, or the records that were looked at, do not have (G10).
fn unseen(schema: &TypeSchema, name: &TypeName, path: &Path, place: &Place) -> Problem {
    if schema.dotted.contains(path) {
        let message = format!(
            "no path leads to the name `{path}` of {name}, which has a dot in it: the row is about a property within an object"
        );
        let plain = |known: &Path| known.steps().collect::<Vec<_>>().join(".");
        let quoted = |known: &&PropertySchema| plain(&known.path) == path.as_str();
        return Problem::warning(codes::UNSEEN_PROPERTY, place.clone(), message).help(match schema
            .properties
            .iter()
            .find(quoted)
        {
            Some(known) => format!("put the name in quotation marks: `{}`", known.path),
            None => format!(
                "give it a name without a dot in the file (`{}`), and in the row",
                path.as_str().replace('.', "_")
            ),
        });
    }
    let known = || schema.properties.iter().map(|property| property.path.as_str());
    let near = nearest(path.as_str(), known());
    let help = match (near, aggregates::help(path.as_str())) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(help)) => help,
        (None, None) => format!("it has {}", listed(&known().collect::<Vec<_>>())),
    };
    let problem = match schema.known_from {
        KnownFrom::Header => Problem::error(
            codes::UNKNOWN_COLUMN,
            place.clone(),
            format!("the file of {name} has no column `{path}`"),
        ),
        _ => {
            let message = format!("no record of {name} that was looked at has `{path}`");
            let problem = Problem::warning(codes::UNSEEN_PROPERTY, place.clone(), message);
            // A property that is still to be filled is nothing to worry about, a name that is
            // nearly another's mostly is.
            if near.is_some() { problem } else { Problem { severity: Severity::Note, ..problem } }
        }
    };
    problem.help(help)
}

/// Paths of a system's `references` that its record types do not have. `types` are as the connector
/// describes them, without these references.
pub fn check_references(system: &System, types: &[TypeSchema]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for reference in &system.references {
        let Some(schema) = types.iter().find(|schema| schema.kind == reference.kind) else {
            continue;
        };
        let name = TypeName::new(&system.name, reference.kind.as_str());
        match schema.resolve(&reference.path) {
            None => {
                problems.push(unknown_property(schema, &name, &reference.path, &reference.place))
            }
            Some(_) if !schema.has_seen(&reference.path) => {
                problems.push(unseen(schema, &name, &reference.path, &reference.place))
            }
            Some(_) => {}
        }
    }
    problems
}

pub(super) fn unknown_property(
    schema: &TypeSchema,
    name: &TypeName,
    path: &Path,
    place: &Place,
) -> Problem {
    let problem = Problem::error(
        codes::UNKNOWN_PROPERTY,
        place.clone(),
        format!("{name} has no property `{path}`"),
    );
    let known: Vec<&str> =
        schema.properties.iter().map(|property| property.path.as_str()).collect();
    // A list's value has a path of its own, `Emails.Value`, which stands in no list of properties.
    let values: Vec<Path> =
        schema.properties.iter().filter_map(|p| Some(p.path.child(p.value.as_ref()?))).collect();
    let all = || known.iter().copied().chain(values.iter().map(Path::as_str));
    let below: Vec<&str> = schema
        .properties
        .iter()
        .filter(|p| path.is_parent_of(&p.path))
        .map(|p| p.path.as_str())
        .collect();
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_lowercase();
    let wanted = last(path.as_str());
    let same_end: Vec<&str> = all().filter(|known| last(known) == wanted).collect();
    problem.help(match nearest(path.as_str(), all()) {
        _ if !below.is_empty() => {
            format!("`{path}` holds several properties; name one of them: {}", listed_or(&below))
        }
        Some(near) => format!("did you mean `{near}`?"),
        None if !same_end.is_empty() => format!("did you mean {}?", listed_or(&same_end)),
        None => aggregates::help(path.as_str())
            .unwrap_or_else(|| format!("{name} has {}", listed(&known))),
    })
}

fn listed(names: &[&str]) -> String {
    match names.len() {
        0 => "no properties".into(),
        count if count > LISTED => format!(
            "{} and {} more",
            names[..LISTED].iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "),
            count - LISTED
        ),
        _ => all_of(names.iter().copied()),
    }
}

fn listed_or(names: &[&str]) -> String {
    any_of(names.iter().copied().take(LISTED))
}
