//! Rows about several properties that make one value together: `first + last <-> name`.
//!
//! ```text
//! first + last -> name     the two together become a property of the record, which is read only
//! first + last <-> name    name ↔ first and name ↔ last, each a part of it (P1d)
//! ```

use lockstep_model::flow::{Direction, PropertyPair, PropertyRef};
use lockstep_model::matching::Normal;
use lockstep_model::schema::StoredAs;
use lockstep_model::{Conversion, ConversionError, Flow, Kind, PlainType, Policy, PropIx, TypeIx};
use serde_json::{Value, json};

use super::build::Build;
use crate::plan::PlanProp;

/// The rows that a row with a combined side stands for; itself, where it has none.
///
/// # Errors
/// What keeps its conversions from being carried out.
pub(super) fn rows(pair: &PropertyPair) -> Result<Vec<PropertyPair>, ConversionError> {
    let first = pair.from.is_combined();
    let side = if first { &pair.from } else { &pair.to };
    let away = if first { Direction::Forward } else { Direction::Backward };
    if !side.is_combined() {
        return Ok(vec![pair.clone()]);
    }
    // From the parts to the whole, and from the whole to the parts.
    let (joins, splits) = match first {
        true => (&pair.conversion, &pair.back),
        false => (&pair.back, &pair.conversion),
    };
    if pair.direction == away {
        let joins = Some(Conversion::joining(joins.as_ref(), splits.as_ref()));
        let (conversion, back) = if first { (joins, None) } else { (None, joins) };
        return Ok(vec![PropertyPair { conversion, back, ..pair.clone() }]);
    }
    let parts: Vec<PropertyRef> = side.parts().collect();
    let joining = Conversion::joining(joins.as_ref(), splits.as_ref());
    let separator = joining.joined_with().unwrap_or_default();
    let row = |(at, part): (usize, PropertyRef)| {
        let taken = Some(Conversion::parse(&match splits {
            Some(splits @ Conversion::Computed(_)) => {
                json!(["first", ["slice", at, at + 1, splits.to_json()]])
            }
            _ => taken(at, &separator),
        })?);
        Ok(match first {
            true => PropertyPair { from: part, conversion: None, back: taken, ..pair.clone() },
            false => PropertyPair { to: part, conversion: taken, back: None, ..pair.clone() },
        })
    };
    parts.into_iter().enumerate().map(row).collect()
}

/// One of two parts of a text: the second is the last of its words, the first is the rest. A single
/// word is the first.
fn taken(at: usize, separator: &str) -> Value {
    let words = match separator.trim().is_empty() {
        true => json!(["split", "_."]),
        false => json!(["split", separator, ["strip", "_."]]),
    };
    match at {
        0 => json!([
            "coalesce",
            ["join", separator, ["slice", 0, -1, words.clone()]],
            ["join", separator, words]
        ]),
        _ => json!(["last", ["slice", 1, words]]),
    }
}

/// The property that several properties of the record make together.
pub(super) fn property(
    build: &mut Build<'_>,
    flow: &Flow,
    ty: TypeIx,
    named: &PropertyRef,
) -> Option<PropIx> {
    let mut combines = Vec::new();
    for part in named.parts() {
        combines.push(build.prop(flow, ty, &part)?);
    }
    let props = &build.types[ty.at()].props;
    let path = |prop: &PropIx| props[prop.at()].reference.path.clone();
    let reference = PropertyRef {
        beside: combines.iter().skip(1).map(path).collect(),
        ..PropertyRef::new(path(&combines[0]))
    };
    if let Some(known) = props.iter().position(|prop| prop.reference == reference) {
        return Some(PropIx(known as u16));
    }
    let prop = PlanProp {
        name: reference.to_string(),
        reference,
        ty: PlainType::List,
        list: false,
        whole: true,
        unsure: false,
        ordered: true,
        each: false,
        in_condition: false,
        by: Normal { kind: Kind::Seen, region: None },
        whole_for_some: false,
        feeds_list: false,
        gives_default: false,
        // P10: its parts are written, each by a row of its own.
        read_only: true,
        create_only: false,
        required: false,
        stored_as: StoredAs::default(),
        refers_to: vec![],
        reference_target: None,
        paired: false,
        told_by: None,
        tells_time: false,
        fans: false,
        fills: false,
        depends: None,
        policy: Policy::Latest,
        clears: true,
        parts: vec![],
        follows: None,
        combines,
        followed: false,
    };
    build.add(flow, ty, prop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::Timestamp;

    #[test]
    fn the_last_word_is_the_second_part_and_the_first_is_the_rest() {
        for (separator, text, first, last) in [
            (" ", json!("Kari Anne Nordmann"), json!("Kari Anne"), json!("Nordmann")),
            (" ", json!(" Kari  Nordmann "), json!("Kari"), json!("Nordmann")),
            (" ", json!("Kari"), json!("Kari"), Value::Null),
            (" ", Value::Null, Value::Null, Value::Null),
            (", ", json!("Nordmann, Kari Anne"), json!("Nordmann"), json!("Kari Anne")),
        ] {
            let part = |at| {
                let taken = Conversion::parse(&taken(at, separator)).unwrap();
                taken.apply(&text, Timestamp(0)).unwrap()
            };
            assert_eq!((part(0), part(1)), (first, last), "{text}");
        }
    }

    #[test]
    fn both_ways_each_part_has_a_row_and_one_way_they_have_one_together() {
        let side = PropertyRef { beside: vec!["last".into()], ..PropertyRef::new("first") };
        let both = PropertyPair::equal(side.clone(), PropertyRef::new("name"));
        let found = rows(&both).unwrap();
        let taken = |at: usize| Some(Conversion::parse(&taken(at, " ")).unwrap());
        let named = |row: &PropertyPair| (row.from.to_string(), row.back.clone());
        assert_eq!(
            found.iter().map(named).collect::<Vec<_>>(),
            [("first".into(), taken(0)), ("last".into(), taken(1))]
        );
        let one_way = PropertyPair { direction: Direction::Forward, ..both };
        let found = rows(&one_way).unwrap();
        assert_eq!((found.len(), &found[0].from), (1, &side));
        assert_eq!(found[0].conversion, Some(Conversion::joining(None, None)));
        // Told from the whole to its parts, and carried the other way.
        let split = Conversion::parse(&json!(["split", ", ", "_."])).unwrap();
        let away = PropertyPair {
            from: PropertyRef::new("name"),
            to: side,
            direction: Direction::Backward,
            conversion: Some(split),
            ..one_way
        };
        let joined = rows(&away).unwrap()[0].back.clone().unwrap();
        assert_eq!(joined.joined_with().as_deref(), Some(", "));
    }
}
