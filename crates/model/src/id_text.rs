//! Ids as texts: a system's number 1000 is one id, whether it is written 1000, 1000.0 or 1e3 (R7).

use serde_json::{Number, Value};

/// A whole number of more digits than this is left as it is written: nobody counts that far, and
/// `1e999999999` must not fill the memory.
const MOST_DIGITS: i64 = 400;

/// An id as text, if the value can be one.
pub fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number_text(number)),
        _ => None,
    }
}

/// A number as the text of an id: every digit of a whole number, and nothing of how it happens to
/// be written.
pub fn number_text(number: &Number) -> String {
    let written = number.to_string();
    if written.bytes().all(|byte| byte.is_ascii_digit()) {
        return written;
    }
    whole(&written).unwrap_or(written)
}

/// The digits of a number in JSON's notation, if it is whole.
fn whole(written: &str) -> Option<String> {
    let (sign, written) = written.strip_prefix('-').map_or(("", written), |rest| ("-", rest));
    let (mantissa, exponent) = match written.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (written, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = i64::try_from(before.len()).ok()?.checked_add(exponent)?;
    if places.unsigned_abs() > MOST_DIGITS.unsigned_abs() {
        return None;
    }
    let places = usize::try_from(places).unwrap_or(0);
    let rest = digits.get(places..).unwrap_or("");
    if rest.bytes().any(|byte| byte != b'0')
        || exponent < 0 && places == 0 && digits.bytes().any(|byte| byte != b'0')
    {
        return None;
    }
    let mut text = digits[..places.min(digits.len())].to_string();
    text.extend(std::iter::repeat_n('0', places.saturating_sub(digits.len())));
    let text = text.trim_start_matches('0');
    Some(if text.is_empty() { "0".into() } else { format!("{sign}{text}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn r7_an_id_is_one_however_its_number_is_written() {
        for (written, id) in [
            ("1000", "1000"),
            ("1000.0", "1000"),
            ("1e3", "1000"),
            ("1.0E+3", "1000"),
            ("10.5e1", "105"),
            ("-7.00", "-7"),
            ("0.0", "0"),
            ("-0", "0"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(whole(written).as_deref(), Some(id), "{written}");
        }
        for written in ["10.5", "1e-3", "0.001", "1e999999999"] {
            assert_eq!(whole(written), None, "{written}");
        }
        assert_eq!(id_text(&json!(12)).as_deref(), Some("12"));
        assert_eq!(id_text(&json!(" ")), None);
        assert_eq!(id_text(&json!("1e3")).as_deref(), Some("1e3"), "a text is what it says");
    }
}
