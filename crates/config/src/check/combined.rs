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

/// A row about several properties, from them to the whole and back.
struct Tried<'r> {
    side: &'r PropertyRef,
    away: Conversion,
    back: Option<&'r Conversion>,
    places: [&'r Place; 2],
}

/// Tries on values that properties may hold what makes one value of several, and what brings it back
/// to them.
fn does_not_convert(
    view: &View<'_>,
    (flow, pair): (&Flow, &PropertyPair),
    places: &PairPlaces,
    problems: &mut Vec<Problem>,
) {
    let (to, from) = pair.direction.ways();
    let of = |place: &'_ Option<Place>| place.as_ref().unwrap_or(&places.row).clone();
    let said = [of(&places.conversion), of(&places.back)];
    let (tried, whole, [makes, brings_back]) = match pair.from.is_combined() {
        true => {
            let away = Conversion::joining(pair.conversion.as_ref(), pair.back.as_ref());
            let places = [&said[0], &said[1]];
            let tried = Tried { side: &pair.from, away, back: pair.back.as_ref(), places };
            (tried, (&flow.to, &pair.to), [to, from])
        }
        false => {
            let away = Conversion::joining(pair.back.as_ref(), pair.conversion.as_ref());
            let places = [&said[1], &said[0]];
            let tried = Tried { side: &pair.to, away, back: pair.conversion.as_ref(), places };
            (tried, (&flow.from, &pair.from), [from, to])
        }
    };
    let made = tried.made(view, whole);
    match (makes, tried.makes_nothing(&made)) {
        (true, Some(problem)) => problems.push(problem),
        (true, None) if brings_back => problems.extend(tried.loses_its_way(made)),
        _ => {}
    }
}

impl Tried<'_> {
    /// What becomes of some values together.
    fn made(
        &self,
        view: &View<'_>,
        (ty, whole): (&TypeName, &PropertyRef),
    ) -> Vec<(Value, Result<Value, String>)> {
        let described = view
            .schema(ty)
            .and_then(|schema| schema.resolve(&whole.path).and_then(|path| schema.describe(&path)));
        let is_single = described.is_some_and(|property| {
            !property.list
                && !property.assumed
                && !matches!(property.ty, PlainType::Any | PlainType::List)
        });
        let parts = self.side.parts().count();
        let names = ["Åse", "Berg", "Moe", "Lie", "Dahl", "Vik", "Aas", "Hauge"];
        let numbers = [3, 7, 12, 5, 2, 9, 4, 8];
        let dates = (1..9).map(|day| Value::from(format!("2024-05-{day:02}")));
        let samples: [Vec<Value>; 3] =
            [names.map(Value::from).into(), numbers.map(Value::from).into(), dates.collect()];
        let made = |values: Vec<Value>| {
            let list = Value::Array(values.into_iter().cycle().take(parts).collect());
            let made = match self.away.apply(&list, Timestamp(0)) {
                Ok(Value::Array(_)) if is_single => {
                    Err(format!("it gives a list, and `{whole}` of {ty} holds a single value"))
                }
                Ok(made) => Ok(made),
                Err(error) => Err(error.message),
            };
            (list, made)
        };
        samples.into_iter().map(made).collect()
    }

    fn makes_nothing(&self, made: &[(Value, Result<Value, String>)]) -> Option<Problem> {
        let (list, Err(why)) = made.first()? else { return None };
        if made.iter().any(|(_, made)| made.is_ok()) {
            return None;
        }
        let parts: Vec<PropertyRef> = self.side.parts().collect();
        let message = format!(
            "no values of {} become one by this: for {}, {why}",
            all_of(parts.iter().map(|part| part.path.as_str())),
            shown(list)
        );
        Some(
            Problem::warning(codes::UNCONVERTIBLE, self.places[0].clone(), message)
                .help("say another conversion, or pair other properties"),
        )
    }

    /// None of what was made comes back as it was.
    fn loses_its_way(&self, made: Vec<(Value, Result<Value, String>)>) -> Option<Problem> {
        let back = self.back.filter(|back| matches!(back, Conversion::Computed(_)))?;
        let mut broken = None;
        for whole in made.into_iter().filter_map(|(_, made)| made.ok().filter(|one| !is_empty(one)))
        {
            let failed = match back.apply(&whole, Timestamp(0)) {
                Ok(list) => {
                    let again = self.away.apply(&list, Timestamp(0));
                    let parts = list.as_array().map(Vec::len);
                    if parts == Some(self.side.parts().count())
                        && again.is_ok_and(|again| equal(&again, &whole))
                    {
                        return None;
                    }
                    let (whole, list) = (shown(&whole), shown(&list));
                    format!("it turns {whole} into {list}, which does not become that again")
                }
                Err(error) => format!("it fails for {}: {}", shown(&whole), error.message),
            };
            broken.get_or_insert(failed);
        }
        let message = format!("the way back to `{}` does not lead back: {}", self.side, broken?);
        Some(Problem::warning(codes::NO_WAY_BACK, self.places[1].clone(), message).help(
            "write the conversion that undoes the other one, or let the row go one way (`->`)",
        ))
    }
}
