//! `list: each`: what is no list, or one whose elements are no values of their own (P11).

use lockstep_model::PlainType;
use lockstep_model::schema::KnownFrom;

use super::view::{End, Row};
use crate::codes;
use crate::problem::Problem;
use crate::source::Place;

/// Rows that keep lists by element which are none, as far as that is known.
pub(super) fn check(rows: &[Row<'_>], problems: &mut Vec<Problem>) {
    for row in rows.iter().filter(|row| row.pair.each) {
        for (end, place) in [(&row.from, &row.places.from), (&row.to, &row.places.to)] {
            problems.extend(no_list(end, place));
        }
    }
}

fn no_list(end: &End<'_>, place: &Place) -> Option<Problem> {
    let described = end.described()?;
    let (path, name) = (&end.property.path, end.name);
    let is_csv = end.schema.is_some_and(|schema| schema.known_from == KnownFrom::Header);
    let ty = match described.ty {
        PlainType::Any | PlainType::List => described.holds.unwrap_or(described.ty),
        ty => ty,
    };
    let scalar = !matches!(ty, PlainType::Any | PlainType::List);
    let (why, help) = if is_csv {
        (format!("`{path}` of {name} is a column of a CSV file, which holds no lists"), WITHOUT)
    } else if described.list && described.reference.is_none() && described.ty != PlainType::List {
        let why = format!("`{path}` of {name} is a part of each element of a list, not a list");
        (
            why,
            "keep the elements by a row of their own: `{ list: emails <-> addresses, key: email = address }`",
        )
    } else if scalar && !described.list && !described.assumed {
        (format!("`{path}` of {name} holds a single value ({}), no list", ty.name()), WITHOUT)
    } else if described.ordered {
        (format!("the order of `{path}` of {name} counts, and `list: each` keeps none"), WITHOUT)
    } else {
        return None;
    };
    Some(Problem::error(codes::CONTRADICTION, place.clone(), why).help(help))
}

const WITHOUT: &str = "leave out `list: each`";
