//! Writing a changed record over its old text, so that what did not change stays as it was written.
//!
//! A JSON value that is parsed and written again is the same value, but not always the same text:
//! `1.10`, a number of thirty digits, `\u00e5`, the spaces after commas. A file belongs to someone,
//! so only the parts that differ are written anew.

use lockstep_model::Value;

use super::members::Members;
use super::parts::{Part, parts, put_text};

/// The text of `after`, made from `text`, which is that of `before`.
pub(super) fn rewritten(text: &str, before: &Value, after: &Value, members: &Members) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    if splice(text, before, after, members, &mut out).is_none() {
        // The text is not what it was said to be; the value is right all the same.
        return members.text(after);
    }
    out
}

fn splice(
    text: &str,
    before: &Value,
    after: &Value,
    known: &Members,
    out: &mut String,
) -> Option<()> {
    match (before, after) {
        _ if unchanged(before, after) => out.push_str(text),
        (Value::Object(before), Value::Object(after)) => {
            let members = parts(text)?;
            let mut copied = 0;
            for member in &members {
                let name = member.name.as_deref()?;
                let (was, is) = (before.get(name)?, after.get(name)?);
                out.push_str(&text[copied..member.value.start]);
                splice(&text[member.value.clone()], was, is, known.below(name), out)?;
                copied = member.value.end;
            }
            // New members go where the last one ends, before the space and the brace that close the
            // object.
            for (name, value) in
                known.order(after.iter().filter(|(name, _)| !before.contains_key(*name)))
            {
                if copied == 0 {
                    copied = text.find('{')? + 1;
                    out.push_str(&text[..copied]);
                } else {
                    out.push_str(between(text, &members));
                }
                put_text(name, out);
                out.push_str(colon(text, &members));
                out.push_str(&known.below(name).text(value));
            }
            out.push_str(&text[copied..]);
        }
        (Value::Array(before), Value::Array(after)) => {
            let elements = parts(text)?;
            let mut left: Vec<Option<usize>> = (0..before.len()).map(Some).collect();
            out.push('[');
            for (at, is) in after.iter().enumerate() {
                if at > 0 {
                    out.push_str(between(text, &elements));
                }
                let same =
                    left.iter().position(|was| was.is_some_and(|was| unchanged(&before[was], is)));
                match same
                    .or_else(|| (at < before.len()).then_some(at))
                    .and_then(|was| left[was].take())
                {
                    Some(was) => splice(
                        &text[elements.get(was)?.value.clone()],
                        &before[was],
                        is,
                        known,
                        out,
                    )?,
                    None => out.push_str(&known.text(is)),
                }
            }
            out.push(']');
        }
        _ => out.push_str(&after.to_string()),
    }
    Some(())
}

/// Whether two values are the same but for how their numbers are written (R7).
fn unchanged(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => lockstep_model::decimal::same(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| unchanged(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| unchanged(a, b)))
        }
        _ => a == b,
    }
}

/// What stands between two parts: a comma, and spaces where the text has them.
fn between<'t>(text: &'t str, parts: &[Part<'_>]) -> &'t str {
    parts.windows(2).next().map_or(",", |pair| &text[pair[0].value.end..pair[1].start])
}

fn colon<'t>(text: &'t str, members: &[Part<'_>]) -> &'t str {
    members.first().map_or(":", |first| &text[first.name_end..first.value.start])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, after: &str, expected: &str) {
        let (before, after): (Value, Value) =
            (serde_json::from_str(text).unwrap(), serde_json::from_str(after).unwrap());
        let out = rewritten(text, &before, &after, &Members::default());
        assert_eq!(out, expected);
        assert!(unchanged(&serde_json::from_str::<Value>(&out).unwrap(), &after), "{out}");
    }

    #[test]
    fn what_did_not_change_stays_as_it_was_written() {
        check(
            r#"{ "id": 123456789012345678901234567890, "n": 1.10, "name": "\u00c5se", "a": {"b": 1e3, "c": "x"} }"#,
            r#"{"id": 123456789012345678901234567890, "n": 1.1, "name": "Åse", "a": {"b": 1000.0, "c": "y"}, "new": [1]}"#,
            r#"{ "id": 123456789012345678901234567890, "n": 1.10, "name": "\u00c5se", "a": {"b": 1e3, "c": "y"}, "new": [1] }"#,
        );
        check(
            r#"{"a":1,"b":"x,}"}"#,
            r#"{"a":null,"b":"x,}","c":{}}"#,
            r#"{"a":null,"b":"x,}","c":{}}"#,
        );
        check("{}", r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#);
        check("{ }", r#"{"a":1}"#, r#"{"a":1 }"#);
    }

    #[test]
    fn elements_of_a_list_are_kept_wherever_they_go() {
        check(
            r#"{"l":[{"v":1.0,"p":true},{"v":2.0}]}"#,
            r#"{"l":[{"v":2.0}]}"#,
            r#"{"l":[{"v":2.0}]}"#,
        );
        check(
            r#"{"l":[{"v":1.10,"k":"a"}, {"v":2}]}"#,
            r#"{"l":[{"v":1.1,"k":"b"},{"v":2},{"v":3}]}"#,
            r#"{"l":[{"v":1.10,"k":"b"}, {"v":2}, {"v":3}]}"#,
        );
        check(r#"{"l":[]}"#, r#"{"l":[1,2]}"#, r#"{"l":[1,2]}"#);
    }

    #[test]
    fn a_name_that_is_there_twice_is_written_once() {
        check(r#"{"a":1,"a":2,"b":3}"#, r#"{"a":2,"b":4}"#, r#"{"a":2,"b":4}"#);
    }
}
