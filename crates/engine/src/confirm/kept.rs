//! Whether a system has kept what it was sent, in whatever form it stores it (R6, P3).

use lockstep_model::decimal::Decimal;
use lockstep_model::value::{Terms, equal, is_empty, same};
use lockstep_model::{Slot, Value};

/// R6: whether a system that shows this now has kept what it was sent, in whatever form (P3). What
/// shows as it did before the write, or nothing, was not kept, unless it is a form of what was sent
/// that the system gives every value. What was there before may be known as it was sent only, and
/// not as the system stored it.
pub(crate) fn is_kept(terms: Terms, sent: &Value, before: &Value, shown: &Value) -> bool {
    if is_empty(shown) && !is_empty(sent) {
        return false;
    }
    match same(terms, shown, before) || made_of(before, shown) {
        true => is_form_of(sent, shown) || made_of(sent, shown) && !is_form_of(before, shown),
        false => true,
    }
}

/// R6, P9: where the element that was to be replaced still stands in a list, and nothing in the list
/// is what was sent: the write was not kept. A system may show its lists in another order each time.
pub(crate) fn not_replaced(
    terms: Terms,
    sent: &Value,
    before: &Value,
    list: &[Value],
) -> Option<usize> {
    if is_empty(sent) || is_empty(before) {
        return None;
    }
    let is = |given: &Value, shown: &Value| same(terms, given, shown) || made_of(given, shown);
    let place = list.iter().position(|shown| is(before, shown))?;
    let mut sent_is = list.iter().enumerate().map(|(at, shown)| match at == place {
        true => same(terms, sent, shown) || is_kept(terms, sent, before, shown),
        false => is(sent, shown),
    });
    (!sent_is.any(|is| is)).then_some(place)
}

/// No system cuts a text to fewer letters: what is shorter is another value.
const SHORTEST_CUT: usize = 8;

/// The number that a value says, also in a text.
fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::of(number),
        Value::String(text) => Decimal::parse(text.trim()),
        _ => None,
    }
}

/// Whether a system may have made `shown` of the value that it was sent: trimmed, cut, in other
/// letters, reformatted, rounded.
pub fn made_of(sent: &Value, shown: &Value) -> bool {
    if let (Some(sent), Some(shown)) = (number(sent), number(shown))
        && (sent == shown || sent.rounds_to(&shown))
    {
        return true;
    }
    let (Value::String(sent), Value::String(shown)) = (sent, shown) else {
        return equal(sent, shown);
    };
    let letters = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let long_enough = shown.chars().count() >= SHORTEST_CUT;
    let (sent, shown) = (letters(sent), letters(shown));
    sent == shown || long_enough && !shown.is_empty() && sent.starts_with(&shown)
}

/// R6: what Lockstep gave a property that shows neither that nor a form of it, as when a system puts
/// “N/A” in place of a number that it does not like. That is how the system stores the value (P3),
/// and somebody ought to know.
pub fn stored_otherwise(terms: Terms, slot: &Slot, whole: bool) -> Option<&Value> {
    let (given, shown) = (slot.given.as_deref()?, slot.value(whole));
    let is_form = |given: &Value, shown: &Value| same(terms, given, shown) || made_of(given, shown);
    let all_forms = match (given, shown) {
        (Value::Array(given), Value::Array(shown)) => {
            given.len() == shown.len()
                && given.iter().all(|one| shown.iter().any(|shown| is_form(one, shown)))
        }
        (given, shown) => is_form(given, shown),
    };
    (!all_forms).then_some(given)
}

/// Whether a value is what a system that gives all values one form makes of another: without spare
/// blanks, in capitals or without any, a number rounded or otherwise written. What a system holds
/// still, and has cut or put in mixed letters, is no such form of what it was sent.
fn is_form_of(sent: &Value, shown: &Value) -> bool {
    if let (Some(sent), Some(shown)) = (number(sent), number(shown)) {
        return sent == shown || sent.rounds_to(&shown);
    }
    let (Value::String(sent), Value::String(shown)) = (sent, shown) else {
        return equal(sent, shown);
    };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (sent, shown) = (words(sent), words(shown));
    let has_one_case = shown == shown.to_lowercase() || shown == shown.to_uppercase();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let has_no_letters = |text: &str| !text.chars().any(char::is_alphabetic);
    sent == shown
        || has_one_case && sent.to_lowercase() == shown.to_lowercase()
        || has_no_letters(&sent) && has_no_letters(&shown) && digits(&sent) == digits(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_system_makes_of_a_value_is_recognised_and_another_value_is_not() {
        for (sent, shown) in [
            (json!(" Åse  Marie "), json!("Åse Marie")),
            (json!("Ingebjørg Kristiansen"), json!("Ingebjørg Kri")),
            (json!("Åse"), json!("ÅSE")),
            (json!("+4722000001"), json!("+47 22 00 00 01")),
            (json!(12.6), json!(13)),
            (json!("12.6"), json!("13")),
            (json!("9007199254740993.25"), json!("9007199254740993")),
            (json!("123456789012"), json!("1234567890")),
        ] {
            assert!(made_of(&sent, &shown), "{sent} as {shown}");
        }
        for (sent, shown) in [
            (json!("Berg"), json!("Bergh")),
            (json!("Annika"), json!("Ann")),
            (json!("Berg"), json!("")),
            (json!(12), json!(14)),
            (json!(12.6), json!(12.4)),
            (json!("9007199254740993"), json!("9007199254740992")),
        ] {
            assert!(!made_of(&sent, &shown), "{sent} as {shown}");
        }
    }

    #[test]
    fn r6_what_is_stored_otherwise_is_no_form_of_what_was_given() {
        let stored_otherwise = |given: Value, shown: Value| {
            let given = Some(Box::new(given));
            let slot = Slot { shadow: Some(shown), given, ..Slot::default() };
            let terms = Terms::of(lockstep_model::PlainType::String);
            super::stored_otherwise(terms, &slot, true).is_some()
        };
        for (given, shown) in [
            (json!("41234567"), json!("N/A")),
            (json!("41234567"), json!(0)),
            (json!(["a", "b"]), json!(["a"])),
            (json!(["a", "b"]), json!(["a", "c"])),
        ] {
            assert!(stored_otherwise(given.clone(), shown.clone()), "{given} as {shown}");
        }
        for (given, shown) in [
            (json!("Ingebjørg Kristiansen"), json!("Ingebjørg Kri")),
            (json!("+4722000001"), json!("+47 22 00 00 01")),
            (json!(["b", "A"]), json!(["a", "b"])),
        ] {
            assert!(!stored_otherwise(given.clone(), shown.clone()), "{given} as {shown}");
        }
    }

    #[test]
    fn r6_what_shows_as_before_was_not_kept_unless_it_is_the_systems_form_of_it() {
        let kept = |sent: Value, before: Value| {
            is_kept(Terms::of(lockstep_model::PlainType::String), &sent, &before, &before)
        };
        for (sent, before) in [
            (json!(12.6), json!(12.4)),
            (json!("Fjord Consulting AS"), json!("Fjord Consulting")),
            (json!("MacDonald"), json!("Macdonald")),
            (json!("Å. Berg"), json!("Å Berg")),
            (json!("+47 22 00 00 02"), json!("+47 22 00 00 01")),
            (json!("1"), json!("2")),
            (json!(""), json!("2")),
        ] {
            assert!(!kept(sent.clone(), before.clone()), "{sent} over {before}");
        }
        for (sent, before) in [
            (json!(" Åse  Berg"), json!("Åse Berg")),
            (json!("MacDonald"), json!("MACDONALD")),
            (json!("Ase@Example.com"), json!("ase@example.com")),
            (json!("+4722000001"), json!("+47 22 00 00 01")),
            (json!(12.45), json!(12)),
            (json!("12.50"), json!(12.5)),
        ] {
            assert!(kept(sent.clone(), before.clone()), "{sent} over {before}");
        }
    }
}
