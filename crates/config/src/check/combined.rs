//! Rows about several properties together (`first + last <-> name`): what keeps them from being
//! carried, and other rows that write the same.

use std::collections::HashSet;

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{equal, is_empty, shown};
use lockstep_model::{
    Conversion, Direction, Flow, PlainType, PropertyPair, Timestamp, TypeName, Value,
};

use super::view::View;
use crate::codes;
use crate::near::all_of;
use crate::problem::Problem;
use crate::section::PairPlaces;
use crate::source::Place;

/// Two rows, and the property that both write.
type Clash = ((usize, usize), String, String);

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    let mut told = HashSet::new();
    for (flow, places) in view.flows() {
        for (pair, places) in flow.properties.iter().zip(&places.properties) {
            if !(pair.from.is_combined() || pair.to.is_combined()) {
                continue;
            }
            does_not_convert(view, (flow, pair), places, problems);
            for (ty, end, place) in written(flow, pair, places) {
                for part in end.parts() {
                    unwritable(view, (ty, &part), place, problems);
                    also_written(view, (flow, pair), (ty, &part), place, (&mut told, problems));
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
    (told, problems): (&mut HashSet<Clash>, &mut Vec<Problem>),
) {
    // What is given at creation alone is given once, and nothing is written over.
    if pair.on_create {
        return;
    }
    for (other_flow, other_places) in view.between(&flow.from, &flow.to) {
        for (other, places) in other_flow.properties.iter().zip(&other_places.properties) {
            if std::ptr::eq(other, pair)
                || other.on_create
                || is_turned((flow, pair), (other_flow, other))
            {
                continue;
            }
            let writes = written(other_flow, other, places).into_iter().any(|(of, end, _)| {
                of == ty && !end.is_followed() && end.parts().any(|one| one == *part)
            });
            // One clash is one problem, though each of the two rows has it.
            let rows = [std::ptr::from_ref(pair) as usize, std::ptr::from_ref(other) as usize];
            let rows = (rows[0].min(rows[1]), rows[0].max(rows[1]));
            if !writes || !told.insert((rows, ty.to_string(), part.to_string())) {
                continue;
            }
            let place = place.narrowed(part.path.as_str());
            let is_combined = other.from.is_combined() || other.to.is_combined();
            let both = |pair: &PropertyPair| pair.direction == Direction::Both;
            let problem = if is_combined && both(pair) && both(other) {
                let message = format!(
                    "`{part}` of {ty} is a part of what this row makes, and of what another one does, both ways: an edit of one would be carried into the other"
                );
                Problem::error(codes::FANNED_OUT, place, message)
            } else {
                let message = format!("`{part}` of {ty} is written by this row and by another one");
                Problem::warning(codes::FANNED_OUT, place, message)
            };
            problems.push(
                problem
                    .help("leave out one of the two, or let one of them go the other way alone")
                    .related(&places.row, "the other row"),
            );
        }
    }
}

/// The same row, in a flow the other way or once more in this one.
fn is_turned(
    (flow, pair): (&Flow, &PropertyPair),
    (other_flow, other): (&Flow, &PropertyPair),
) -> bool {
    let same = (&flow.from, &flow.to, &pair.from, &pair.to);
    same == (&other_flow.from, &other_flow.to, &other.from, &other.to)
        || same == (&other_flow.to, &other_flow.from, &other.to, &other.from)
}

/// Tries on values that properties may hold what makes one value of several, and what brings it back
/// to them.
fn does_not_convert(
    view: &View<'_>,
    (flow, pair): (&Flow, &PropertyPair),
    places: &PairPlaces,
    problems: &mut Vec<Problem>,
) {
    let (whole_type, whole) = match pair.from.is_combined() {
        true => (&flow.to, &pair.to),
        false => (&flow.from, &pair.from),
    };
    let described = view
        .schema(whole_type)
        .and_then(|schema| schema.resolve(&whole.path).and_then(|path| schema.describe(&path)));
    let is_single = described.is_some_and(|property| {
        !property.list
            && !property.assumed
            && !matches!(property.ty, PlainType::Any | PlainType::List)
    });
    let (side, away, back) = match pair.from.is_combined() {
        true => (&pair.from, &pair.conversion, &pair.back),
        false => (&pair.to, &pair.back, &pair.conversion),
    };
    let (away_place, back_place) = match pair.from.is_combined() {
        true => (&places.conversion, &places.back),
        false => (&places.back, &places.conversion),
    };
    let parts = side.parts().count();
    let away = Conversion::joining(away.as_ref());
    let names = ["Åse", "Berg", "Moe", "Lie", "Dahl", "Vik", "Aas", "Hauge"];
    let numbers = [3, 7, 12, 5, 2, 9, 4, 8];
    let dates = (1..9).map(|day| Value::from(format!("2024-05-{day:02}")));
    let take = |values: Vec<Value>| Value::Array(values.into_iter().cycle().take(parts).collect());
    let mut samples = vec![
        take(names.map(Value::from).into()),
        take(numbers.map(Value::from).into()),
        take(dates.collect()),
    ];
    let made: Vec<(Value, Result<Value, String>)> = samples
        .drain(..)
        .map(|list| {
            let made = match away.apply(&list, Timestamp(0)) {
                Ok(Value::Array(_)) if is_single => Err(format!(
                    "it gives a list, and `{whole}` of {whole_type} holds a single value"
                )),
                Ok(made) => Ok(made),
                Err(error) => Err(error.message),
            };
            (list, made)
        })
        .collect();
    let written = |away_from_side: bool| {
        let (to, from) = pair.direction.ways();
        if away_from_side == pair.from.is_combined() { to } else { from }
    };
    if let (true, Some((list, Err(why)))) = (written(true), made.first())
        && made.iter().all(|(_, made)| made.is_err())
    {
        let message = format!(
            "no values of {} become one by this: for {}, {why}",
            all_of(side.parts().collect::<Vec<_>>().iter().map(|part| part.path.as_str())),
            shown(list)
        );
        let place = away_place.as_ref().unwrap_or(&places.row).clone();
        problems.push(
            Problem::warning(codes::UNCONVERTIBLE, place, message)
                .help("say another conversion, or pair other properties"),
        );
        return;
    }
    let (true, true, Some(back @ Conversion::Computed(_))) = (written(true), written(false), back)
    else {
        return;
    };
    let mut broken = None;
    for whole in made.into_iter().filter_map(|(_, made)| made.ok()).filter(|made| !is_empty(made)) {
        let failed = match back.apply(&whole, Timestamp(0)) {
            Ok(list) => {
                let again = away.apply(&list, Timestamp(0));
                let has_all = list.as_array().is_some_and(|list| list.len() == parts);
                if has_all && again.is_ok_and(|again| equal(&again, &whole)) {
                    return;
                }
                format!(
                    "it turns {} into {}, which does not become that again",
                    shown(&whole),
                    shown(&list)
                )
            }
            Err(error) => format!("it fails for {}: {}", shown(&whole), error.message),
        };
        broken.get_or_insert(failed);
    }
    let Some(broken) = broken else { return };
    let place = back_place.as_ref().unwrap_or(&places.row).clone();
    let message = format!("the way back to `{side}` does not lead back: {broken}");
    problems.push(
        Problem::warning(codes::NO_WAY_BACK, place, message).help(
            "write the conversion that undoes the other one, or let the row go one way (`->`)",
        ),
    );
}
