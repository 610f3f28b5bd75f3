//! Rows that say the opposite of each other: flows in both directions, or the same pair twice (G6).

use lockstep_model::matching::{Normal, Placeholders, normalise};
use lockstep_model::{Conversion, Flow, Kind, Policy, PropertySchema, Reverse, Timestamp, Value};

use super::values::samples;
use super::view::{Row, RowIndex, View};
use crate::codes;
use crate::problem::Problem;

pub(super) fn check(view: &View<'_>, rows: &[Row<'_>], problems: &mut Vec<Problem>) {
    matched_otherwise(view, rows, problems);
    let mut earlier = RowIndex::default();
    for (at, second) in rows.iter().enumerate() {
        problems.extend(
            earlier.same(second).iter().filter_map(|first| contradiction(&rows[*first], second)),
        );
        earlier.add(at, second);
    }
}

/// L1: two properties that a match row compares by a conversion, and that a row keeps equal without
/// it: the one is written over the other, and the records do not match any more.
fn matched_otherwise(view: &View<'_>, rows: &[Row<'_>], problems: &mut Vec<Problem>) {
    for row in rows {
        let between = |flow: &Flow| flow.from == *row.from.name && flow.to == *row.to.name;
        for (flow, places) in view.flows().filter(|(flow, _)| between(flow)) {
            for (matched, places) in flow.matches.iter().zip(&places.matches) {
                let other = matched.conversion.as_ref().is_some_and(|compared| {
                    row.from.described().is_some_and(|property| {
                        changes_what_matches(
                            property,
                            matched.kind,
                            compared,
                            row.pair.conversion.as_ref(),
                        )
                    })
                });
                let pairs = matched.pairs.iter().zip(places).filter(|_| other);
                let mut same =
                    pairs.filter(|((from, to), _)| (from, to) == (&row.pair.from, &row.pair.to));
                let Some((_, place)) = same.next() else { continue };
                let message = format!(
                    "the match row compares `{}` and `{}` by a conversion, and this row writes the one over the other by another: \
                     records that it has linked may not match any more (L1)",
                    row.from.property, row.to.property
                );
                problems.push(
                    Problem::warning(codes::CONTRADICTION, row.places.row.clone(), message)
                        .help("say the same `type` in this row, or leave the row out")
                        .related(&place.row, "the match row"),
                );
            }
        }
    }
}

/// Whether some value, written by the one conversion, is another one than by the other.
fn changes_what_matches(
    property: &PropertySchema,
    kind: Kind,
    compared: &Conversion,
    written: Option<&Conversion>,
) -> bool {
    let mut values = samples(property, false);
    if let Reverse::Exact(way) | Reverse::Lossy { conversion: way, .. } = compared.reverse() {
        let brought = values.clone();
        values.extend(brought.iter().filter_map(|one| way.apply(one, Timestamp(0)).ok()));
    }
    let matched = |value: Value| normalise(&value, Normal::of(kind), &Placeholders::default());
    values.into_iter().any(|value| {
        let (Ok(one), Ok(other)) = (
            compared.apply(&value, Timestamp(0)),
            written.map_or(Ok(value.clone()), |written| written.apply(&value, Timestamp(0))),
        ) else {
            return false;
        };
        matched(one) != matched(other)
    })
}

/// What two rows about the same two properties say differently.
fn contradiction(first: &Row<'_>, second: &Row<'_>) -> Option<Problem> {
    let (one, other) = first.ordered();
    let pair =
        format!("`{}` of {} and `{}` of {}", one.property, one.name, other.property, other.name);
    let (message, help) = if first.pair.policy != second.pair.policy {
        let (a, b) = (said(&first.pair.policy), said(&second.pair.policy));
        (
            format!(
                "two rows keep {pair} equal and differ in whose value wins: {a} here, {b} there"
            ),
            "say it in one of the two rows, and leave out the other",
        )
    } else if first.ordered_ways() != second.ordered_ways() {
        let both = |row: &Row<'_>| row.ordered_ways() == (true, true);
        let follows = if both(first) || both(second) {
            "the one that goes both ways holds"
        } else {
            "together they go both ways"
        };
        (
            format!("two rows go different ways between {pair}; {follows}"),
            "write one row, with the arrow that is meant",
        )
    } else if first.turned == second.turned && first.pair.conversion != second.pair.conversion {
        (
            format!("two rows convert differently between {pair}; the first one holds"),
            "keep the one that is meant",
        )
    } else if first.pair.clears != second.pair.clears {
        (
            format!("two rows between {pair} differ in whether emptying is an edit"),
            "say it in one row",
        )
    } else {
        return None;
    };
    Some(
        Problem::warning(codes::CONTRADICTION, second.places.row.clone(), message)
            .help(help)
            .related(&first.places.row, "the other row"),
    )
}

pub(super) fn said(policy: &Policy) -> String {
    match policy {
        Policy::Latest => "the latest edit".into(),
        Policy::Prefer(systems) => format!("`prefer: [{}]`", systems.join(", ")),
        Policy::OnlyFrom(system) => format!("`only_from: {system}`"),
        Policy::Wins(wins) => format!("`wins: {wins}`"),
    }
}
