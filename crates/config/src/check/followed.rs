//! Rows about properties of what a record refers to: `company > name -> company_name`. Each step
//! must be a reference to one record, and no row may bring the value back to where it is taken from.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::flow::{Filter, PropertyRef};
use lockstep_model::{Create, Path, TypeName, TypeSchema};

use super::known;
use super::view::{Astray, View, Why};
use crate::codes;
use crate::problem::Problem;
use crate::source::Place;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    for (flow, places) in view.flows() {
        let rows = flow.properties.iter().zip(&places.properties);
        let sides = rows.flat_map(|(pair, places)| {
            [(&flow.from, &pair.from, &places.from), (&flow.to, &pair.to, &places.to)]
        });
        for (name, property, place) in sides.filter(|(_, property, _)| property.is_followed()) {
            side(view, name, property, place, problems);
        }
        let of_creating = match &flow.create {
            Create::When { filter, .. } => filter.as_ref(),
            _ => None,
        };
        let [only, only_to] = &places.only;
        for (filter, name, place) in [
            (of_creating, &flow.from, &places.create),
            (flow.only.as_ref(), &flow.from, only),
            (flow.only_to.as_ref(), &flow.to, only_to),
        ] {
            let (Some(filter), Some(schema)) = (filter, view.schema(name)) else { continue };
            let place = place.as_ref().unwrap_or(&places.flow).with(&filter.expression);
            condition(schema, name, filter, &place, problems);
        }
    }
    circles(view, problems);
}

/// A side of a row that follows references.
fn side(
    view: &View<'_>,
    name: &TypeName,
    property: &PropertyRef,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let step_place = |path: &Path| place.narrowed_to_word(path.as_str());
    let (of, steps) = match view.led_to(name, &property.via) {
        Ok(of) => (Some(of), property.via.len()),
        Err(astray) => {
            let step = astray.step;
            let at = step_place(&property.via[step]).unwrap_or_else(|| place.clone());
            problems.extend(told(view, &astray, &property.via, at));
            (None, step)
        }
    };
    for step in 0..steps {
        let Ok(at) = view.led_to(name, &property.via[..step]) else { return };
        let reference = PropertyRef::new(property.via[step].clone());
        let place = step_place(&reference.path).unwrap_or_else(|| place.clone());
        known::property(view, &at, &reference, &place, problems);
    }
    let Some(of) = of else { return };
    // What stands behind the last sign.
    let text = place.text();
    let behind = text.rfind(" > ").map_or(0, |at| at + " > ".len());
    let last = Place::new(&place.source, place.span.start + behind..place.span.end);
    let before = problems.len();
    known::record_type(view, &of, &last, problems);
    if !problems[before..].iter().any(|problem| problem.code == codes::UNKNOWN_RECORD_TYPE) {
        let own = PropertyRef { via: vec![], ..property.clone() };
        known::property(view, &of, &own, &last, problems);
    }
}

/// Why references lead nowhere.
fn told(view: &View<'_>, astray: &Astray, via: &[Path], place: Place) -> Option<Problem> {
    let (at, path) = (&astray.at, &via[astray.step]);
    match astray.why {
        Why::UnknownType if view.schemas.contains_key(&at.system) => {
            let mut problems = Vec::new();
            known::record_type(view, at, &place, &mut problems);
            problems.pop()
        }
        // Nothing is known of its system, as is said elsewhere.
        Why::UnknownType => None,
        Why::UnknownProperty => {
            let schema = view.schema(at)?;
            Some(known::unknown_property(schema, at, path, &place))
        }
        Why::NoReference => {
            let message =
                format!("`{path}` of {at} is not known to refer to records, so it leads nowhere");
            Some(Problem::error(codes::FOLLOWED, place, message).help(format!(
                "say under {} in lockstep.yaml what it refers to: `references: {{ {}: {{ {path}: OtherType }} }}`; a property whose name has `>` in it stands in double quotation marks",
                at.system, at.kind
            )))
        }
        Why::Several => {
            let message = format!(
                "`{path}` of {at} is a list, so it may refer to several records, and nothing says which of them is meant"
            );
            Some(
                Problem::error(codes::FOLLOWED, place, message)
                    .help("follow a reference to one record"),
            )
        }
    }
}

/// A condition that reads as if it followed a reference: it compares two properties.
fn condition(
    schema: &TypeSchema,
    name: &TypeName,
    filter: &Filter,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let is_reference = |path: &&Path| {
        let resolved = schema.resolve(path);
        let described = resolved.and_then(|resolved| schema.describe(&resolved).cloned());
        described.is_some_and(|property| property.reference.is_some())
    };
    for reference in filter.reads.iter().filter(is_reference) {
        let compared =
            filter.reads.iter().map(|other| format!("{reference} > {other}")).find(|compared| {
                let mut found = filter.expression.match_indices(compared.as_str());
                found.any(|(at, _)| !filter.expression[..at].ends_with(['.', '_']))
            });
        let Some(compared) = compared else { continue };
        let message = format!(
            "a condition can't follow references: `{compared}` compares two properties of {name}"
        );
        problems.push(
            Problem::error(codes::FOLLOWED, place.narrowed(&compared), message)
                .help("decide by a property of the record itself"),
        );
    }
}

/// The properties that rows read by following references: of which record type, and where there.
pub(super) fn read(view: &View<'_>) -> BTreeSet<(TypeName, Path)> {
    let mut found = BTreeSet::new();
    for (flow, _) in view.flows() {
        let sides = flow.properties.iter().flat_map(|pair| {
            [(&flow.from, &pair.from), (&flow.to, &pair.to)]
                .into_iter()
                .filter(|(_, property)| property.is_followed())
        });
        for (name, property) in sides {
            for step in 0..=property.via.len() {
                if let Ok(at) = view.led_to(name, &property.via[..step]) {
                    let path = property.via.get(step).unwrap_or(&property.path);
                    found.insert((at, path.clone()));
                }
            }
        }
    }
    found
}

/// A property of a collection, whatever facet it is named with.
type Node = (String, String, Path);

/// Rows by which a value that was followed comes back to where it was taken from.
fn circles(view: &View<'_>, problems: &mut Vec<Problem>) {
    if !view.flows().any(|(flow, _)| {
        flow.properties.iter().any(|pair| pair.from.is_followed() || pair.to.is_followed())
    }) {
        return;
    }
    let mut ways: BTreeMap<Node, Vec<(Node, &Place)>> = BTreeMap::new();
    let mut followed = Vec::new();
    for row in view.ends().iter().flat_map(|ends| view.rows(ends)) {
        let ((to, from), place) = (row.ways(), &row.places.row);
        let node = |end: &super::view::End<'_>| -> Node {
            match &end.followed {
                Some((of, path)) => (of.system.clone(), of.kind.clone(), path.clone()),
                None => (end.name.system.clone(), end.name.kind.clone(), end.resolved.clone()),
            }
        };
        let (one, other) = (node(&row.from), node(&row.to));
        if to {
            ways.entry(one.clone()).or_default().push((other.clone(), place));
        }
        if from {
            ways.entry(other.clone()).or_default().push((one.clone(), place));
        }
        match (&row.from.followed, &row.to.followed) {
            (Some(_), None) if to => followed.push((one, other, row.from.property, place)),
            (None, Some(_)) if from => followed.push((other, one, row.to.property, place)),
            _ => {}
        }
    }
    for (origin, target, property, place) in followed {
        let Some(back) = way_back(&ways, &target, &origin) else { continue };
        let message = format!(
            "what `{property}` brings to `{}` of {}.{} comes back to `{}` of {}.{}, where it is taken from",
            target.2, target.0, target.1, origin.2, origin.0, origin.1
        );
        problems.push(
            Problem::error(codes::FOLLOWED, place.clone(), message)
                .help("let the other row go one way (`->`, `<-`), away from it, or leave out one of the two")
                .related(back, "by this row"),
        );
    }
}

/// The last row of a way between two properties.
fn way_back<'p>(
    ways: &BTreeMap<Node, Vec<(Node, &'p Place)>>,
    from: &Node,
    to: &Node,
) -> Option<&'p Place> {
    let (mut reached, mut at) = (vec![from], 0);
    while at < reached.len() {
        for (next, place) in ways.get(reached[at]).into_iter().flatten() {
            if next == to {
                return Some(*place);
            }
            if !reached.contains(&next) {
                reached.push(next);
            }
        }
        at += 1;
    }
    None
}
