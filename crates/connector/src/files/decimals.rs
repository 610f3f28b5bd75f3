//! Numbers with a decimal comma, in a CSV file whose settings say `decimal: ","`: read as other
//! systems write them, written as the file does.
//!
//! A cell is a text, and a comma between digits does not make it a number. So a column with any
//! other text among the records that were looked at is left as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::csv::{self, Header};

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Column {
    /// Nothing, or whole numbers, as far as was seen.
    #[default]
    Whole,
    /// Numbers, some with a decimal comma: then `1.234` is a thousand and more.
    Decimal,
    /// Something else among them.
    Text,
}

/// The columns of a file, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Decimals(BTreeMap<String, Column>);

impl Decimals {
    /// Takes in a row.
    pub(super) fn learn(&mut self, header: &Header, row: &[u8]) {
        for (name, cell) in header.names.iter().zip(csv::split(row, header.delimiter)) {
            let text = csv::text_of(cell);
            let seen = match text.trim() {
                "" => continue,
                text if plain(text, true).is_some() && text.contains(',') => Column::Decimal,
                text if text
                    .strip_prefix('-')
                    .unwrap_or(text)
                    .bytes()
                    .all(|byte| byte.is_ascii_digit()) =>
                {
                    Column::Whole
                }
                // What could be a thousand is one only beside others with a comma.
                text if plain(text, true).is_some() => Column::Whole,
                _ => Column::Text,
            };
            let column = self.0.entry(name.clone()).or_default();
            if *column != Column::Text && seen != Column::Whole {
                *column = seen;
            }
        }
    }

    pub(super) fn column(&self, name: &str) -> Column {
        self.0.get(name).copied().unwrap_or_default()
    }
}

impl Column {
    /// What a cell's text says.
    pub(super) fn read(self, text: String) -> String {
        match self {
            Column::Text => text,
            _ => plain(text.trim(), self == Column::Decimal).unwrap_or(text),
        }
    }

    /// A text as the file writes it.
    pub(super) fn written(self, text: &str) -> Cow<'_, str> {
        let number = text.strip_prefix('-').unwrap_or(text);
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        match number.split_once('.') {
            Some((whole, fraction))
                if self != Column::Text && digits(whole) && digits(fraction) =>
            {
                Cow::Owned(text.replacen('.', ",", 1))
            }
            _ => Cow::Borrowed(text),
        }
    }
}

/// `1.234,50`, `1 234,50` and `1234,50` as `1234.50`. With `grouped` also `1.234` as `1234`. `None`
/// for what is no such number.
fn plain(text: &str, grouped: bool) -> Option<String> {
    let (sign, number) = text.strip_prefix('-').map_or(("", text), |number| ("-", number));
    let (whole, fraction) =
        number.split_once(',').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.is_some_and(|fraction| !digits(fraction)) || fraction.is_none() && !grouped {
        return None;
    }
    let between = whole.chars().find(|c| matches!(c, '.' | ' ' | '\u{a0}' | '\u{202f}'));
    let Some(between) = between else {
        return fraction
            .filter(|_| digits(whole))
            .map(|fraction| format!("{sign}{whole}.{fraction}"));
    };
    let mut parts = whole.split(between);
    let first = parts.next().filter(|first| digits(first) && first.len() <= 3)?;
    let mut joined = format!("{sign}{first}");
    for part in parts {
        joined.push_str(Some(part).filter(|part| digits(part) && part.len() == 3)?);
    }
    Some(match fraction {
        Some(fraction) => format!("{joined}.{fraction}"),
        None => joined,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_comma_is_read_and_written_where_a_column_holds_numbers() {
        for (cell, number) in [
            ("12,50", "12.50"),
            ("-0,5", "-0.5"),
            ("1.234,50", "1234.50"),
            ("1 234 567,8", "1234567.8"),
            ("1\u{a0}234,5", "1234.5"),
            ("1.234", "1234"),
            ("1.23", "1.23"),
            ("12", "12"),
            ("ca. 5,50", "ca. 5,50"),
            ("1,2,3", "1,2,3"),
            ("12.34,5", "12.34,5"),
        ] {
            assert_eq!(Column::Decimal.read(cell.into()), number, "{cell}");
            assert_eq!(Column::Text.read(cell.into()), cell);
        }
        assert_eq!(Column::Whole.read("1.234".into()), "1.234");
        assert_eq!(Column::Whole.read("12,5".into()), "12.5");
        for (text, cell) in [
            ("12.5", "12,5"),
            ("-12.50", "-12,50"),
            ("12", "12"),
            ("1.2.3", "1.2.3"),
            ("v1.2", "v1.2"),
            ("", ""),
        ] {
            assert_eq!(Column::Whole.written(text), cell);
            assert_eq!(Column::Text.written(text), text);
        }
    }

    #[test]
    fn a_column_with_another_text_in_it_is_left_as_it_is() {
        let header = Header::parse(b"id;sum;version;phone;note;rate");
        let mut decimals = Decimals::default();
        for row in ["1;12,50;1,2;22 00 00 01;;7", "2;13;1,2b;22000001;;8", "3;1.234;2,0;;;"] {
            decimals.learn(&header, row.as_bytes());
        }
        let kinds =
            ["id", "sum", "version", "phone", "note", "rate"].map(|name| decimals.column(name));
        assert_eq!(
            kinds,
            [
                Column::Whole,
                Column::Decimal,
                Column::Text,
                Column::Text,
                Column::Whole,
                Column::Whole
            ]
        );
    }
}
