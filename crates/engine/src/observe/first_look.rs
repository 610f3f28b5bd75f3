//! What the first look at a value tells that Lockstep has written (R6, P3).

use lockstep_model::decimal::Decimal;
use lockstep_model::value::Terms;
use lockstep_model::{ReadRecord, RecordState, Value};

use super::reading::Looks;
use crate::confirm::{is_kept, made_of};

/// What the first look at a value shows that Lockstep has written and nothing has shown since (R6).
pub(super) enum FirstLook {
    /// What the system made of it when it stored it (P3).
    StoredSo,
    NotKept,
    /// Somebody has edited it since.
    Edited,
}

pub(super) fn first_look(
    (terms, looks): (Terms, Looks),
    state: &RecordState,
    read: &ReadRecord,
    (sent, before, shown): (&Value, &Value, &Value),
) -> FirstLook {
    // Nothing but the value itself tells a system's own making from a person's edit.
    let untold = state.modified.is_none()
        || read.version.is_none() && read.modified.is_none_or(|at| state.modified == Some(at));
    match () {
        () if !is_kept(terms, sent, before, shown) => FirstLook::NotKept,
        // R6: where the answer told a time and this look tells a later one, somebody has been there
        // between the two; a form of what was sent is no edit all the same.
        () if looks == Looks::AfterWrites && !is_later(state, read)
            || looks != Looks::ForChanges && made_of(sent, shown)
            || at_same_time(state, read)
            || state.version.is_some() && state.version == read.version =>
        {
            FirstLook::StoredSo
        }
        () if untold && made_of(sent, shown) => FirstLook::StoredSo,
        // P3: whoever has edited something else of the record meanwhile has not taken the blanks
        // out, nor put this in capitals, nor rounded it.
        () if has_the_same_words(sent, shown) || is_rounded(sent, shown) => FirstLook::StoredSo,
        () => FirstLook::Edited,
    }
}

/// Whether a read names a later time of change than the answer to Lockstep's write did.
fn is_later(state: &RecordState, read: &ReadRecord) -> bool {
    state.modified.zip(read.modified).is_some_and(|(known, read)| known < read)
}

/// Whether a read names the very time of change that the answer to Lockstep's write named. Whole
/// seconds are too coarse to say so.
fn at_same_time(state: &RecordState, read: &ReadRecord) -> bool {
    let untold = state.version.is_none() || read.version.is_none();
    untold && read.modified.is_some_and(|at| state.modified == Some(at) && at.0 % 1000 != 0)
}

/// Whether two texts are the same but for blanks at their ends, for how many there are between
/// words, and for capitals.
fn has_the_same_words(sent: &Value, shown: &Value) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    match (sent, shown) {
        (Value::String(sent), Value::String(shown)) => words(sent) == words(shown),
        _ => false,
    }
}

/// Whether a number is the other one with fewer decimals.
fn is_rounded(sent: &Value, shown: &Value) -> bool {
    let decimals = |value: &Value| match value {
        Value::Number(number) => Decimal::of(number).map(|number| number.decimals()),
        Value::String(text) => Decimal::parse(text.trim()).map(|number| number.decimals()),
        _ => None,
    };
    let fewer = decimals(sent).zip(decimals(shown)).is_some_and(|(more, fewer)| fewer < more);
    fewer && made_of(sent, shown) && {
        let places = decimals(shown).unwrap_or_default();
        let number = |value: &Value| {
            value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).unwrap_or_default()
        };
        let (sent, shown): (f64, f64) = (number(sent), number(shown));
        (sent - shown).abs() <= 0.5 * 10_f64.powi(-(places as i32)) + f64::EPSILON * sent.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn p3_a_number_with_fewer_decimals_is_the_other_one_rounded() {
        for (sent, shown) in [
            (json!(56.26), json!(56)),
            (json!("56.26"), json!(56.3)),
            (json!(-0.5), json!("-1")),
            (json!(1234.5678), json!(1234.57)),
        ] {
            assert!(is_rounded(&sent, &shown), "{sent} {shown}");
        }
        for (sent, shown) in [
            (json!(56.26), json!(57)),
            (json!(56.26), json!(56.4)),
            (json!(56), json!(57)),
            (json!(1000), json!(1000)),
            (json!("56.26 kr"), json!(56)),
            (json!(56.26), json!(null)),
        ] {
            assert!(!is_rounded(&sent, &shown), "{sent} {shown}");
        }
    }
}
