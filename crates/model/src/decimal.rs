//! Numbers by value, to the last digit: `10.50`, `10.5` and `1.05e1` are one number (R7). No binary
//! fraction comes in between.

use std::cmp::Ordering;

use serde_json::Number;

/// A decimal number: its significant digits and the power of ten that the last of them stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    exponent: i64,
}

/// Numbers with more digits than this are written with an exponent.
const MOST_PLAIN_DIGITS: i64 = 400;

impl Decimal {
    /// Reads `42`, `-3.50`, `+1e3`, `.5`; nothing else. Zeros in front do not count.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let exponent = exponent.saturating_sub(fraction.len() as i64);
        let significant = all.trim_end_matches('0');
        let dropped = (all.len() - significant.len()) as i64;
        let digits = significant.trim_start_matches('0').to_string();
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        Some(Decimal { negative, digits, exponent: exponent.saturating_add(dropped) })
    }

    /// The number that a JSON number says.
    pub fn of(number: &Number) -> Option<Decimal> {
        Decimal::parse(number.as_str())
    }

    /// How many decimals it has.
    pub fn decimals(&self) -> i64 {
        (-self.exponent).max(0)
    }

    /// Whether the other one is the nearest to this one with fewer decimals; a half lies between two.
    pub fn rounds_to(&self, other: &Decimal) -> bool {
        let places = other.decimals();
        let dropped = (self.decimals() - places).max(0) as usize;
        if dropped == 0 {
            return false;
        }
        // All of it is dropped, and more: it is next to nothing.
        if dropped > self.digits.len() {
            return other.digits.is_empty();
        }
        let padded = format!("{:0>1$}", self.digits, dropped + 1);
        let (kept, rest) = padded.split_at(padded.len() - dropped);
        let sign = if self.negative { "-" } else { "" };
        let is = |digits: &str| {
            Decimal::parse(&format!("{sign}{digits}e-{places}")).as_ref() == Some(other)
        };
        let half = rest.as_bytes()[0].cmp(&b'5').then(rest.len().cmp(&1));
        half <= Ordering::Equal && is(kept) || half >= Ordering::Equal && is(&successor(kept))
    }

    /// Which of two is larger.
    pub fn compare(&self, other: &Decimal) -> Ordering {
        let sign = |decimal: &Decimal| match (decimal.digits.is_empty(), decimal.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let (mine, theirs) = (sign(self), sign(other));
        if mine != theirs || mine == 0 {
            return mine.cmp(&theirs);
        }
        // The power of ten of the first digit; on a tie the digits decide, in the order of a
        // dictionary.
        let magnitude =
            |decimal: &Decimal| decimal.exponent.saturating_add(decimal.digits.len() as i64);
        let order =
            magnitude(self).cmp(&magnitude(other)).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { order.reverse() } else { order }
    }

    /// Whether it has no fraction.
    pub fn is_whole(&self) -> bool {
        self.digits.is_empty() || self.exponent >= 0
    }
}

impl std::fmt::Display for Decimal {
    /// The shortest plain form: `1250`, `-0.5`. What would take hundreds of digits has an exponent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let length = self.digits.len() as i64;
        let point = length.saturating_add(self.exponent);
        if self.exponent.abs() > MOST_PLAIN_DIGITS {
            return write!(f, "{}e{}", self.digits, self.exponent);
        }
        if self.exponent >= 0 {
            return write!(f, "{}{}", self.digits, "0".repeat(self.exponent as usize));
        }
        if point > 0 {
            let (whole, fraction) = self.digits.split_at(point as usize);
            return write!(f, "{whole}.{fraction}");
        }
        write!(f, "0.{}{}", "0".repeat(point.unsigned_abs() as usize), self.digits)
    }
}

/// An exponent; one that does not fit is as large as can be.
fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let large = if text.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
    Some(text.parse::<i64>().unwrap_or(large).clamp(i64::MIN / 4, i64::MAX / 4))
}

/// The next whole number, in digits.
fn successor(digits: &str) -> String {
    match digits.trim_end_matches('9') {
        "" => format!("1{}", "0".repeat(digits.len())),
        head => {
            let (rest, last) = head.split_at(head.len() - 1);
            let next = last.bytes().map(|digit| char::from(digit + 1));
            let zeros = "0".repeat(digits.len() - head.len());
            rest.chars().chain(next).chain(zeros.chars()).collect()
        }
    }
}

/// Whether a text writes a number as JSON does: no zeros in front, no sign `+`, no bare point.
/// `0150` is a code, not a number.
pub fn is_plain_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match rest.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (rest, None),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(is_digits)
}

/// The JSON number that a text writes, digit by digit; `None` where it writes none.
pub fn number(text: &str) -> Option<Number> {
    let decimal = Decimal::parse(text)?;
    // As it stands, where JSON writes it so.
    let plain = is_plain_number(text) || text.bytes().any(|byte| matches!(byte, b'e' | b'E'));
    let as_it_stands = plain.then(|| text.parse::<Number>().ok()).flatten();
    as_it_stands.or_else(|| decimal.to_string().parse().ok())
}

/// A number as a text: as it stands, or in plain digits where it has an exponent, unless that would
/// take hundreds of them.
pub fn plain(number: &Number) -> String {
    let text = number.to_string();
    if !text.contains(['e', 'E']) {
        return text;
    }
    match Decimal::of(number).map(|decimal| decimal.to_string()) {
        Some(digits) if !digits.contains('e') => digits,
        _ => text,
    }
}

/// Two numbers by value.
pub fn same(a: &Number, b: &Number) -> bool {
    if a == b {
        return true;
    }
    // Most numbers are plain integers, of which each has one form.
    let is_integer = |number: &Number| number.as_str().bytes().all(|byte| byte.is_ascii_digit());
    if is_integer(a) && is_integer(b) {
        return false;
    }
    Decimal::of(a).is_some_and(|a| Decimal::of(b).is_some_and(|b| a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_numbers_are_equal_by_value_to_the_last_digit() {
        let equal = |a: &str, b: &str| {
            Decimal::parse(a) == Decimal::parse(b) && Decimal::parse(a).is_some()
        };
        for (a, b) in [
            ("10.50", "10.5"),
            ("1e2", "100"),
            ("100.0", "100"),
            ("-0", "0"),
            ("0.0", "0"),
            ("1234567890123456789012345", "1234567890123456789012345.000"),
            ("1.5E+3", "1500"),
            ("5e-3", "0.005"),
            ("007", "7"),
            (".5", "0.50"),
        ] {
            assert!(equal(a, b), "{a} and {b}");
        }
        for (a, b) in [
            ("1234567890123456789012345", "1234567890123456789012346"),
            ("9007199254740993", "9007199254740992"),
            ("0.1", "0.10000000000000000001"),
            ("1", "-1"),
            ("1e400", "1e401"),
        ] {
            assert!(!equal(a, b), "{a} and {b}");
        }
        for text in ["", "-", ".", "1e", "1.2.3", "0x10", "1,5", "inf", "1_000", " 1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_written_plainly() {
        for (text, plain) in [
            ("1.50e3", "1500"),
            ("-0.050", "-0.05"),
            ("0e5", "0"),
            ("12.340", "12.34"),
            ("1e500", "1e500"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), plain, "{text}");
        }
        assert_eq!(number("0012.50").unwrap().to_string(), "12.5");
        assert_eq!(number("12.50").unwrap().to_string(), "12.50");
        assert_eq!(number("0150").unwrap().to_string(), "150");
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let compare =
            |a: &str, b: &str| Decimal::parse(a).unwrap().compare(&Decimal::parse(b).unwrap());
        assert_eq!(compare("9", "10"), Ordering::Less);
        assert_eq!(compare("-9", "-10"), Ordering::Greater);
        assert_eq!(compare("0.1", "0.09"), Ordering::Greater);
        assert_eq!(compare("12.5", "12.50"), Ordering::Equal);
        assert_eq!(compare("0", "-1"), Ordering::Greater);
        assert_eq!(
            compare("1234567890123456789012346", "1234567890123456789012345"),
            Ordering::Greater
        );
    }

    #[test]
    fn p3_a_number_is_rounded_to_the_nearest_with_fewer_decimals() {
        let rounds = |from: &str, to: &str| {
            Decimal::parse(from).unwrap().rounds_to(&Decimal::parse(to).unwrap())
        };
        for (from, to) in [
            ("43.26", "43"),
            ("12.6", "13"),
            ("12.345", "12.35"),
            ("12.345", "12.34"),
            ("0.05", "0"),
            ("0.5", "1"),
            ("-0.5", "-1"),
            ("99.995", "100"),
            ("9007199254740993.25", "9007199254740993"),
            ("12E-70000", "0"),
        ] {
            assert!(rounds(from, to), "{from} to {to}");
        }
        for (from, to) in [
            ("43.26", "44"),
            ("12.6", "12"),
            ("12.6", "12.4"),
            ("0.51", "0"),
            ("43", "43"),
            ("43", "44"),
            ("-0.4", "-1"),
            ("12E-70000", "7"),
        ] {
            assert!(!rounds(from, to), "{from} to {to}");
        }
    }

    #[test]
    fn a_code_is_no_number() {
        assert!(is_plain_number("12.50") && is_plain_number("-0.5") && is_plain_number("0"));
        for text in ["0150", "+5", "1e3", "5.", ".5", "", "-", "1 000"] {
            assert!(!is_plain_number(text), "{text}");
        }
    }
}
