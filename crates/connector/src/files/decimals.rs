//! Numbers with a decimal comma, in a CSV file whose settings say `decimal: ","`: read as other
//! systems write them, written as the file does.
//!
//! What a cell says depends on that cell alone. If other cells of the column counted, one edit
//! could change what records say that nobody has touched (P4, R8).

use lockstep_model::Value;
use lockstep_model::decimal::{is_plain_number, plain};

/// `1.234,50`, `1 234,50` and `1234,50` as `1234.50`. `None` for a cell without a decimal comma.
pub(super) fn read(cell: &str) -> Option<String> {
    let cell = cell.trim();
    let (sign, number) = cell.strip_prefix('-').map_or(("", cell), |number| ("-", number));
    let (whole, fraction) = number.split_once(',')?;
    if !is_digits(fraction) {
        return None;
    }
    let whole = ungrouped(whole)?;
    Some(format!("{sign}{whole}.{fraction}"))
}

/// A value as a cell of the file has it; `None` where it is written as it is.
pub(super) fn written(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => match plain(number) {
            text if text.contains('e') || text.contains('E') => None,
            text => Some(text.replacen('.', ",", 1)),
        },
        // Numbers come as texts, as cells are texts.
        Value::String(text) if text.contains('.') && is_plain_number(text) => {
            Some(text.replacen('.', ",", 1))
        }
        Value::Array(list) if list.len() == 1 => written(&list[0]),
        _ => None,
    }
}

fn is_digits(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of a whole number that may be grouped by three; one sign separates all the groups.
fn ungrouped(whole: &str) -> Option<String> {
    let is_separator = |c: &char| matches!(c, '.' | ' ' | '\u{a0}' | '\u{202f}');
    let Some(separator) = whole.chars().find(is_separator) else {
        return is_digits(whole).then(|| whole.to_string());
    };
    let mut groups = whole.split(separator);
    let mut digits =
        groups.next().filter(|first| is_digits(first) && first.len() <= 3)?.to_string();
    for group in groups {
        digits.push_str(Some(group).filter(|group| is_digits(group) && group.len() == 3)?);
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::decimal::Decimal;

    #[test]
    fn a_cell_is_a_number_by_its_decimal_comma() {
        for (cell, number) in [
            ("12,50", Some("12.50")),
            (" 12,5 ", Some("12.5")),
            ("-0,5", Some("-0.5")),
            ("-1.234,50", Some("-1234.50")),
            ("1 234 567,8", Some("1234567.8")),
            ("1\u{a0}234,5", Some("1234.5")),
            ("1.234", None),
            ("1 234", None),
            ("12", None),
            ("ca. 5,50", None),
            ("1,2,3", None),
            ("12.34,5", None),
            ("1.234 567,8", None),
            (",5", None),
            ("5,", None),
            ("1e3,5", None),
            ("", None),
        ] {
            assert_eq!(read(cell).as_deref(), number, "{cell}");
        }
    }

    #[test]
    fn a_number_is_written_with_a_comma_and_read_back_as_it_was() {
        let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (value, cell) in [
            (number("12.50"), "12,50"),
            (number("-0.5"), "-0,5"),
            (number("1e-7"), "0,0000001"),
            (number("-1.5E-3"), "-0,0015"),
            (number("1e+3"), "1000"),
            (number("1.5e21"), "1500000000000000000000"),
            (number("12"), "12"),
            (Value::from("12.5"), "12,5"),
            (serde_json::json!(["12.5"]), "12,5"),
        ] {
            let found = written(&value);
            assert_eq!(found.as_deref(), Some(cell), "{value}");
            let back = read(cell).unwrap_or_else(|| cell.to_string());
            let value = value.get(0).unwrap_or(&value);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
            assert_eq!(Decimal::parse(&back), Decimal::parse(&text), "{value}");
        }
        for text in ["1.2.3", "v1.2", "09.30", "1e-7", "12", ""] {
            assert_eq!(written(&text.into()), None, "{text}");
        }
        assert_eq!(written(&number("1e500")), None);
    }
}
