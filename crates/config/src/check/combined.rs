//! Rows about several properties together (`first + last <-> name`): what keeps them from being
//! carried, and other rows that write the same.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Direction, Flow, PropertyPair, TypeName};

use super::view::View;
use crate::codes;
use crate::problem::Problem;
use crate::section::PairPlaces;
use crate::source::Place;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    for (flow, places) in view.flows() {
        for (pair, places) in flow.properties.iter().zip(&places.properties) {
            if !(pair.from.is_combined() || pair.to.is_combined()) {
                continue;
            }
            for (ty, end, place) in written(flow, pair, places) {
                for part in end.parts() {
                    unwritable(view, (ty, &part), place, problems);
                    also_written(view, (flow, pair), (ty, &part), place, problems);
                }
            }
        }
    }
}

/// The sides that a row writes.
fn written<'f>(
    flow: &'f Flow,
    pair: &'f PropertyPair,
    places: &'f PairPlaces,
) -> Vec<(&'f TypeName, &'f PropertyRef, &'f Place)> {
    let to = (&flow.to, &pair.to, &places.to);
    let from = (&flow.from, &pair.from, &places.from);
    match pair.direction {
        Direction::Forward => vec![to],
        Direction::Backward => vec![from],
        Direction::Both => vec![to, from],
    }
}

fn unwritable(
    view: &View<'_>,
    (ty, part): (&TypeName, &PropertyRef),
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let Some(schema) = view.schema(ty) else { return };
    let described = schema.resolve(&part.path).and_then(|path| schema.describe(&path));
    if described.is_some_and(|property| property.read_only) {
        let message = format!("`{part}` of {ty} can only be read (P10), and this row writes it");
        problems.push(
            Problem::warning(codes::READ_ONLY, place.narrowed(part.path.as_str()), message)
                .help("let the row go the other way alone"),
        );
    }
}

/// Another row between the same two record types that writes the property, too.
fn also_written(
    view: &View<'_>,
    (flow, pair): (&Flow, &PropertyPair),
    (ty, part): (&TypeName, &PropertyRef),
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    for (other_flow, other_places) in view.between(&flow.from, &flow.to) {
        for (other, places) in other_flow.properties.iter().zip(&other_places.properties) {
            if std::ptr::eq(other, pair) {
                continue;
            }
            let writes = written(other_flow, other, places).into_iter().any(|(of, end, _)| {
                of == ty && !end.is_followed() && end.parts().any(|one| one == *part)
            });
            if writes {
                let message = format!("`{part}` of {ty} is written by this row and by another one");
                problems.push(
                    Problem::warning(
                        codes::FANNED_OUT,
                        place.narrowed(part.path.as_str()),
                        message,
                    )
                    .help("leave out one of the two, or let one of them go the other way alone")
                    .related(&places.row, "the other row"),
                );
            }
        }
    }
}
