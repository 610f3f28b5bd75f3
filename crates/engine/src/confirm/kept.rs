//! Whether a system has kept what it was sent, in whatever form it stores it (R6, P3).

use lockstep_model::Value;
use lockstep_model::value::{Terms, equal, is_empty, same};

/// R6: whether a system that shows this now has kept what it was sent, in whatever form (P3). What
/// shows as it did before the write, or nothing, was not kept, unless it is what the system makes
/// of such a value. What was there before may be known as it was sent only, and not as the system
/// stored it.
pub(crate) fn is_kept(terms: Terms, sent: &Value, before: &Value, shown: &Value) -> bool {
    let lost = is_empty(shown) && !is_empty(sent);
    !(lost || same(terms, shown, before) || made_of(before, shown)) || made_of(sent, shown)
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
    (!list.iter().any(|shown| is(sent, shown))).then_some(place)
}

/// No system cuts a text to fewer letters: what is shorter is another value.
const SHORTEST_CUT: usize = 8;

/// Whether a system may have made `shown` of the value that it was sent: trimmed, cut, in other
/// letters, reformatted, rounded.
pub fn made_of(sent: &Value, shown: &Value) -> bool {
    let number =
        |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse::<f64>().ok());
    if let (Some(sent), Some(shown)) = (number(sent), number(shown))
        && (sent - shown).abs() <= 0.5
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
        ] {
            assert!(made_of(&sent, &shown), "{sent} as {shown}");
        }
        for (sent, shown) in [
            (json!("Berg"), json!("Bergh")),
            (json!("Annika"), json!("Ann")),
            (json!("Berg"), json!("")),
            (json!(12), json!(14)),
        ] {
            assert!(!made_of(&sent, &shown), "{sent} as {shown}");
        }
    }
}
