//! P1d: a value that conversions split over several properties of another record type, a full name
//! over a first and a last name.
//!
//! The whole and its parts are one value. An edit of the whole goes to every part, each by its
//! conversion; an edit of a part makes the whole anew. Conversions of parts have no way back of
//! their own, as each shows a part only. So wholes are tried: the one that is there, with the part
//! replaced in its place, and the parts joined; the first counts from which the conversions take
//! exactly the parts that there are; and where a single part holds something, that. If there is
//! none, nothing is written and a person is asked.

use lockstep_model::value::{equal, is_empty};
use lockstep_model::{Conversion, PropIx, Timestamp, TypeIx, Value};

use crate::plan::{Part, Parts, PlanProp};

/// Whether conversions split a property over several of this record type.
pub(crate) fn are_in(prop: &PlanProp, other: TypeIx) -> bool {
    prop.parts.iter().any(|parts| parts.other == other)
}

/// The whole of these parts. `before` is what the whole is now, `held` what each part holds.
pub(crate) fn whole(
    parts: &Parts,
    before: &Value,
    held: impl Fn(PropIx) -> Value,
    now: Timestamp,
) -> Option<Value> {
    let values: Vec<Value> = parts.parts.iter().map(|part| held(part.prop)).collect();
    if values.iter().all(is_empty) {
        return Some(Value::Null);
    }
    let fits = |whole: &Value| {
        parts.parts.iter().zip(&values).all(|(part, value)| {
            take(&part.taken_by, whole, now).is_some_and(|taken| equal(&taken, value))
        })
    };
    if !is_empty(before) && fits(before) {
        return Some(before.clone());
    }
    let texts: Vec<String> = values.iter().map(text).collect();
    let mut tried: Vec<String> = Vec::new();
    if let Value::String(before) = before {
        // What changed is replaced in its place, from the front and from the back.
        let (mut first, mut last) = (before.clone(), before.clone());
        for (part, text_now) in parts.parts.iter().zip(&texts) {
            let taken =
                take(&part.taken_by, &Value::String(before.clone()), now).unwrap_or_default();
            let text_before = text(&taken);
            if !text_before.is_empty() && text_before != *text_now {
                first = first.replacen(&text_before, text_now, 1);
                last = last
                    .rsplitn(2, &text_before)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect::<Vec<_>>()
                    .join(text_now);
            }
        }
        tried.extend(
            [first, last].map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
        );
    }
    let filled: Vec<&str> =
        texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let turned: Vec<&str> = filled.iter().rev().copied().collect();
    for separator in separators(parts) {
        tried.extend([filled.join(&separator), turned.join(&separator), texts.join(&separator)]);
    }
    // Of a text that is divided the only part that there is is the whole, though the conversions
    // might take it for another part. Another conversion gives a form of the whole.
    let divided = parts.parts.iter().all(|part| !separators_of(part).is_empty());
    let is_lone = divided && filled.len() == 1;
    let lone = || filled.first().filter(|_| is_lone).map(|text| Value::from(*text));
    tried.into_iter().map(Value::String).find(fits).or_else(lone)
}

fn take(taken_by: &[Conversion], whole: &Value, now: Timestamp) -> Option<Value> {
    let mut value = whole.clone();
    for conversion in taken_by {
        value = conversion.apply(&value, now).ok()?;
    }
    Some(value)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_string(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What may stand between parts: a blank, and whatever the conversions divide at.
fn separators(parts: &Parts) -> Vec<String> {
    let mut found = vec![" ".to_string()];
    for separator in parts.parts.iter().flat_map(separators_of) {
        if !found.contains(&separator) {
            found.push(separator);
        }
    }
    found.push(String::new());
    found
}

/// What a part is divided from the others at; a blank, where its conversion says no other.
fn separators_of(part: &Part) -> Vec<String> {
    let mut found = Vec::new();
    part.taken_by.iter().for_each(|conversion| collect(&conversion.to_json(), &mut found));
    found
}

fn collect(list: &Value, found: &mut Vec<String>) {
    let Value::Array(elements) = list else { return };
    match &elements[..] {
        [Value::String(name), Value::String(separator), _] if name == "split" => {
            found.push(separator.clone());
        }
        [Value::String(name), _] if name == "split" => found.push(" ".into()),
        _ => {}
    }
    elements.iter().for_each(|element| collect(element, found));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn name(first: Value, last: Value) -> Parts {
        let part =
            |at, list| Part { prop: PropIx(at), taken_by: vec![Conversion::parse(&list).unwrap()] };
        Parts { other: TypeIx(1), parts: vec![part(0, first), part(1, last)] }
    }

    fn made(parts: &Parts, before: &str, held: [&str; 2]) -> Option<Value> {
        whole(parts, &json!(before), |prop| json!(held[prop.at()]), Timestamp(0))
    }

    #[test]
    fn p1d_the_whole_is_made_of_its_parts_and_keeps_what_is_in_none() {
        let parts =
            name(json!(["first", ["split", " ", "_."]]), json!(["last", ["split", " ", "_."]]));
        assert_eq!(
            made(&parts, "Kari Anne Nordmann", ["Karin", "Nordmann"]),
            Some(json!("Karin Anne Nordmann"))
        );
        assert_eq!(
            made(&parts, "Kari Anne Nordmann", ["Kari", "Berg"]),
            Some(json!("Kari Anne Berg"))
        );
        assert_eq!(
            made(&parts, "Berg Berg", ["Berg", "Dahl"]),
            Some(json!("Berg Dahl")),
            "the last of two that are alike"
        );
        assert_eq!(made(&parts, "", ["Kari", "Nordmann"]), Some(json!("Kari Nordmann")));
        assert_eq!(made(&parts, "Kari Nordmann", ["Ola", "Hansen"]), Some(json!("Ola Hansen")));
        assert_eq!(
            made(&parts, "Kari Nordmann", ["Kari", "Nordmann"]),
            Some(json!("Kari Nordmann"))
        );
        assert_eq!(
            made(&parts, "Kari Nordmann", ["Kari Anne", "Nordmann"]),
            None,
            "no whole has that as its first word"
        );
    }

    #[test]
    fn p1d_one_form_of_a_value_that_is_there_alone_is_no_part_of_a_text() {
        let forms = name(json!(["map", [["Norway", "NO"]], "_."]), json!(["multiply", 100, "_."]));
        assert_eq!(made(&forms, "", ["NO", ""]), None);
        let first = name(json!(["first", ["split", "_."]]), json!(["last", ["split", "_."]]));
        assert_eq!(made(&first, "", ["", "Berg"]), Some(json!("Berg")));
    }

    #[test]
    fn p1d_the_separator_is_that_of_the_conversions() {
        let parts =
            name(json!(["last", ["split", ", ", "_."]]), json!(["first", ["split", ", ", "_."]]));
        assert_eq!(made(&parts, "", ["Kari", "Nordmann"]), Some(json!("Nordmann, Kari")));
        assert_eq!(
            made(&parts, "Nordmann, Kari", ["Karin", "Nordmann"]),
            Some(json!("Nordmann, Karin"))
        );
    }
}
