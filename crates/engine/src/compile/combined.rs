//! Rows about several properties that make one value together: `first + last <-> name`.
//!
//! ```text
//! first + last -> name     the two together become a property of the record, which is read only
//! first + last <-> name    name ↔ first and name ↔ last, each a part of it (P1d)
//! ```

use lockstep_model::flow::{Direction, PropertyPair, PropertyRef};
use lockstep_model::matching::Normal;
use lockstep_model::schema::StoredAs;
use lockstep_model::{Conversion, Flow, Kind, PlainType, Policy, PropIx, TypeIx};
use serde_json::{Value, json};

use super::build::Build;
use crate::plan::PlanProp;

/// The rows that a row with a combined side stands for; itself, where it has none.
pub(super) fn rows(pair: &PropertyPair) -> Vec<PropertyPair> {
    let first = pair.from.is_combined();
    let side = if first { &pair.from } else { &pair.to };
    let reads_it = if first { Direction::Forward } else { Direction::Backward };
    if !side.is_combined() {
        return vec![pair.clone()];
    }
    // From the parts to the whole, and from the whole to the parts.
    let (joins, splits) = match first {
        true => (&pair.conversion, &pair.back),
        false => (&pair.back, &pair.conversion),
    };
    if pair.direction == reads_it {
        let joins = joins.clone().or_else(|| parsed(json!(["join", " ", "_."])));
        let (conversion, back) = if first { (joins, None) } else { (None, joins) };
        return vec![PropertyPair { conversion, back, ..pair.clone() }];
    }
    let parts: Vec<PropertyRef> = side.parts().collect();
    let count = parts.len();
    let row = |(at, part): (usize, PropertyRef)| {
        let taken = parsed(match splits {
            Some(splits) => json!(["first", ["slice", at, at + 1, splits.to_json()]]),
            None => taken(at, count, &separator(joins.as_ref())),
        });
        match first {
            true => PropertyPair { from: part, conversion: None, back: taken, ..pair.clone() },
            false => PropertyPair { to: part, conversion: taken, back: None, ..pair.clone() },
        }
    };
    parts.into_iter().enumerate().map(row).collect()
}

fn parsed(list: Value) -> Option<Conversion> {
    Conversion::parse(&list).ok()
}

/// What stands between the parts.
fn separator(joins: Option<&Conversion>) -> String {
    let list = joins.map(Conversion::to_json);
    match list.as_ref().and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::String(name), Value::String(separator), _]) if name == "join" => {
            separator.clone()
        }
        _ => " ".to_string(),
    }
}

/// One of so many parts of a text: the last ones are one word each, the first one is the rest.
fn taken(at: usize, count: usize, separator: &str) -> Value {
    let words = json!(["split", separator, "_."]);
    let from_end = |at: usize| at as i64 - count as i64;
    match at {
        0 => json!(["join", separator, ["slice", 0, from_end(1), words]]),
        at if at + 1 == count => json!(["last", words]),
        at => json!(["first", ["slice", from_end(at), from_end(at + 1), words]]),
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
    fn the_last_parts_are_one_word_each_and_the_first_is_the_rest() {
        let parts = |count: usize, text: &str| -> Vec<Value> {
            let part = |at| parsed(taken(at, count, " ")).unwrap();
            (0..count).map(|at| part(at).apply(&json!(text), Timestamp(0)).unwrap()).collect()
        };
        assert_eq!(parts(2, "Kari Anne Nordmann"), [json!("Kari Anne"), json!("Nordmann")]);
        assert_eq!(
            parts(3, "Kari Anne Lie Berg"),
            [json!("Kari Anne"), json!("Lie"), json!("Berg")]
        );
        assert_eq!(parts(2, "Åse")[1], json!("Åse"));
    }

    #[test]
    fn both_ways_each_part_has_a_row_and_one_way_they_have_one_together() {
        let side = PropertyRef { beside: vec!["last".into()], ..PropertyRef::new("first") };
        let both = PropertyPair::equal(side.clone(), PropertyRef::new("name"));
        let found = rows(&both);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|row| row.back.is_some() && row.conversion.is_none()));
        let one_way = PropertyPair { direction: Direction::Forward, ..both };
        let found = rows(&one_way);
        assert_eq!((found.len(), &found[0].from), (1, &side));
        assert!(found[0].conversion.is_some());
    }
}
