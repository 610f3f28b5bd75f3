//! Values: what counts as empty, what counts as equal, and a value in a target's plain type.
//!
//! Equality is judged in the target's own terms (P3): the text "42" and the number 42 are the same
//! to a property that holds numbers, two times are the same if they are the same instant.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::decimal::{self, Decimal};
use crate::kind::Kind;
use crate::matching::{Normal, same_form, written_number};
use crate::schema::{PlainType, StoredAs};
use crate::time::Timestamp;
use crate::visible::{visible, visible_json};

static NULL: Value = Value::Null;

/// Nothing there: null, an empty or blank text, an empty list or object.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => is_blank(text),
        Value::Array(list) => list.iter().all(is_empty),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Asked of every value many times in a run, so one look at the first letter mostly tells.
fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// The value that counts: of a list, its first element, unless the whole list is meant.
pub fn effective(value: &Value, whole: bool) -> &Value {
    match value {
        Value::Array(list) if !whole => list.iter().find(|v| !is_empty(v)).unwrap_or(&NULL),
        other => other,
    }
}

/// Two empties are equal; numbers by value, to the last digit; lists as sets (P11); the rest as
/// JSON.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(x), Value::String(y)) => x == y || is_blank(x) && is_blank(y),
        _ if is_empty(a) && is_empty(b) => true,
        (Value::Number(x), Value::Number(y)) => decimal::same(x, y),
        (Value::Array(x), Value::Array(y)) => same_elements(x, y, &equal),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(name, value)| y.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => a == b,
    }
}

/// P9: of a list that has changed, the element that took the place of the one at `place` in
/// `before`: the one that stands there now, if it is new to the list, else the first that is.
/// `None` where the list has become shorter: it was taken out.
pub fn successor<'a>(before: &[Value], place: usize, now: &'a [Value]) -> Option<&'a Value> {
    let is_new =
        |element: &&Value| !is_empty(element) && !before.iter().any(|held| equal(held, element));
    if now.len() < before.len() {
        return None;
    }
    now.get(place).filter(is_new).or_else(|| now.iter().find(is_new))
}

/// [`equal`] for a list whose order counts: element by element (P11).
pub fn equal_in_order(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal_in_order(x, y))
        }
        _ => equal(a, b),
    }
}

/// P11: whether two lists hold the same, in whatever order and however often. Elements that are
/// empty do not count.
fn same_elements(a: &[Value], b: &[Value], same: &dyn Fn(&Value, &Value) -> bool) -> bool {
    if a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same(x, y)) {
        return true;
    }
    // Long lists are mostly of texts, of which one look each is enough.
    if a.len().saturating_mul(b.len()) > 4096
        && let (Some(x), Some(y)) = (texts(a), texts(b))
        && x == y
    {
        return true;
    }
    let within = |some: &[Value], all: &[Value]| {
        some.iter()
            .filter(|value| !is_empty(value))
            .all(|value| all.iter().any(|other| same(value, other)))
    };
    within(a, b) && within(b, a)
}

fn texts(list: &[Value]) -> Option<BTreeSet<&str>> {
    list.iter().filter(|value| !is_empty(value)).map(Value::as_str).collect()
}

/// How two values are compared: in the terms of a type, by what each of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub ty: PlainType,
    /// By which rule each of the two is read: what it is, and the country of telephone numbers that
    /// name none.
    pub by: [Normal; 2],
    /// The order of a list counts.
    pub ordered: bool,
}

impl Terms {
    /// Those of a type, where nothing else is known.
    pub fn of(ty: PlainType) -> Terms {
        Terms { ty, by: [Normal::default(); 2], ordered: false }
    }
}

/// Equal as a property of this type would hold them: also across the JSON types and the forms in
/// which systems write the same thing.
pub fn equal_as(ty: PlainType, a: &Value, b: &Value) -> bool {
    same(Terms::of(ty), a, b)
}

/// R7, P3: whether two values are the same, however they are written: numbers by value, times as
/// instants, addresses and telephone numbers by their own rules. The kind is the one that is told,
/// else what the values show.
pub fn same(terms: Terms, a: &Value, b: &Value) -> bool {
    let plainly = if terms.ordered { equal_in_order(a, b) } else { equal(a, b) };
    if plainly {
        return true;
    }
    match (a, b) {
        (Value::Array(x), Value::Array(y)) => {
            let element = Terms { ty: PlainType::Any, ..terms };
            if terms.ordered {
                x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(element, x, y))
            } else {
                same_elements(x, y, &|x, y| same(element, x, y))
            }
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        _ if is_empty(a) || is_empty(b) => false,
        _ => same_single(terms, a, b),
    }
}

fn same_single(terms: Terms, a: &Value, b: &Value) -> bool {
    let kind = terms.by[0].kind.with(terms.by[1].kind);
    if matches!(kind, Kind::Text | Kind::Exact) {
        return says_the_same(a, b);
    }
    let told = match (kind, terms.ty) {
        (Kind::Number, _) => Some(Kind::Number),
        (Kind::Instant, _) => Some(Kind::Instant),
        (Kind::Date, _) => Some(Kind::Date),
        (Kind::Boolean, _) => Some(Kind::Boolean),
        (Kind::Email | Kind::Phone | Kind::Url, _) => None,
        (_, PlainType::Integer | PlainType::Float | PlainType::Decimal | PlainType::Minutes) => {
            Some(Kind::Number)
        }
        (_, PlainType::Datetime) => Some(Kind::Instant),
        (_, PlainType::Date) => Some(Kind::Date),
        (_, PlainType::Boolean) => Some(Kind::Boolean),
        (_, PlainType::String | PlainType::List | PlainType::Any) => None,
    };
    match told {
        Some(Kind::Number) => match (number_of(a), number_of(b)) {
            (Some(x), Some(y)) => x == y,
            _ => says_the_same(a, b),
        },
        Some(Kind::Boolean) => match (truth(a), truth(b)) {
            (Some(x), Some(y)) => x == y,
            _ => says_the_same(a, b),
        },
        Some(Kind::Instant | Kind::Date) => {
            match (a.as_str().and_then(Timestamp::parse), b.as_str().and_then(Timestamp::parse)) {
                (Some(x), Some(y)) => x == y,
                _ => says_the_same(a, b),
            }
        }
        _ => {
            says_the_same(a, b)
                || match (a.as_str(), b.as_str()) {
                    (Some(x), Some(y)) => same_moment(x.trim(), y.trim()) || same_letters(x, y),
                    _ => false,
                }
                || same_form(a, b, terms.by[0], terms.by[1])
        }
    }
}

/// A number or truth value and the text that writes it. A code with zeros in front is no number.
fn says_the_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(text), Value::Number(number))
        | (Value::Number(number), Value::String(text)) => {
            let text = text.trim();
            text == number.as_str()
                || written_number(text).is_some_and(|written| {
                    Decimal::of(number).is_some_and(|number| number == written)
                })
        }
        (Value::String(text), Value::Bool(truth)) | (Value::Bool(truth), Value::String(text)) => {
            text.trim().eq_ignore_ascii_case(if *truth { "true" } else { "false" })
        }
        _ => false,
    }
}

fn number_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::of(number),
        Value::String(text) => Decimal::parse(text.trim()),
        Value::Bool(truth) => Decimal::parse(if *truth { "1" } else { "0" }),
        _ => None,
    }
}

/// The truth that a value says: `true`, 1, “yes”.
pub fn truth(value: &Value) -> Option<bool> {
    coerce(value, PlainType::Boolean).ok()?.as_bool()
}

/// Two texts that write the same instant, or the same time of a clock. A time without a zone is no
/// instant.
fn same_moment(a: &str, b: &str) -> bool {
    let may_be = |text: &str| {
        text.len() >= 16 && text.as_bytes()[4] == b'-' && text.as_bytes()[0].is_ascii_digit()
    };
    if !may_be(a) || !may_be(b) {
        return false;
    }
    match (a.parse::<jiff::Timestamp>(), b.parse::<jiff::Timestamp>()) {
        (Ok(x), Ok(y)) => x == y,
        (Err(_), Err(_)) => {
            let civil = |text: &str| text.parse::<jiff::civil::DateTime>().ok();
            civil(a).is_some_and(|x| civil(b) == Some(x))
        }
        _ => false,
    }
}

/// Two texts of the same letters: Unicode has several ways to write one, and so have line ends.
fn same_letters(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() && !a.contains('\r') && !b.contains('\r') {
        return false;
    }
    fn letters(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars().nfc().filter(|c| *c != '\r')
    }
    letters(a).eq(letters(b))
}

/// The value as this plain type; `Err` says what is in the way.
pub fn coerce(value: &Value, ty: PlainType) -> Result<Value, String> {
    if matches!(value, Value::Null) {
        return Ok(Value::Null);
    }
    let fails = || Err(format!("{} is no {}", shown(value), ty.name()));
    match ty {
        PlainType::Any => Ok(value.clone()),
        PlainType::String => match value {
            Value::String(_) => Ok(value.clone()),
            // Whoever reads the text knows numbers by their digits.
            Value::Number(number) => Ok(Value::String(decimal::plain(number))),
            Value::Bool(_) => Ok(Value::String(value.to_string())),
            Value::Array(list) if list.len() <= 1 => {
                list.first().map_or(Ok(Value::Null), |only| coerce(only, ty))
            }
            _ => fails(),
        },
        PlainType::Integer | PlainType::Minutes => match value {
            Value::Number(number) if number.as_str().bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(value.clone())
            }
            Value::Number(number) => whole(number.as_str()).map_or_else(fails, Ok),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) => whole(text.trim()).map_or_else(fails, Ok),
            Value::Bool(b) => Ok(Value::from(i64::from(*b))),
            _ => fails(),
        },
        PlainType::Float => match value {
            Value::Number(_) => Ok(value.clone()),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) => {
                decimal::number(text.trim()).map_or_else(fails, |number| Ok(Value::Number(number)))
            }
            _ => fails(),
        },
        // Decimals travel as text, so that no binary fraction rounds them.
        PlainType::Decimal => match value {
            Value::Number(n) => Ok(Value::String(plainly(n))),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) if Decimal::parse(text.trim()).is_some() => {
                Ok(Value::String(text.trim().to_string()))
            }
            _ => fails(),
        },
        PlainType::Boolean => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::Number(n) if n.as_i64() == Some(0) => Ok(Value::Bool(false)),
            Value::Number(n) if n.as_i64() == Some(1) => Ok(Value::Bool(true)),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Ok(Value::Bool(true)),
                "false" | "0" | "no" => Ok(Value::Bool(false)),
                "" => Ok(Value::Null),
                _ => fails(),
            },
            _ => fails(),
        },
        PlainType::List => match value {
            Value::Array(_) => Ok(value.clone()),
            other => Ok(Value::Array(vec![other.clone()])),
        },
        PlainType::Datetime => match value {
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) if Timestamp::parse(text).is_some() => Ok(value.clone()),
            _ => fails(),
        },
        PlainType::Date => match value {
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) if Timestamp::parse(text).is_some() => {
                Ok(Value::String(text.trim().chars().take(10).collect()))
            }
            _ => fails(),
        },
    }
}

/// The whole number that a text writes, digit by digit.
fn whole(text: &str) -> Option<Value> {
    // What needs hundreds of digits is no count of anything.
    let number = Decimal::parse(text).filter(Decimal::is_whole)?.to_string();
    number.parse().ok().filter(|_| !number.contains('e')).map(Value::Number)
}

/// A JSON number as text, without an exponent.
fn plainly(number: &serde_json::Number) -> String {
    let text = number.as_str();
    match text.contains(['e', 'E']) {
        true => Decimal::of(number).map_or_else(|| text.to_string(), |number| number.to_string()),
        false => text.to_string(),
    }
}

/// A value in the JSON type of one that stands in its place: a number stays a number, a text a text
/// (R7).
pub fn like(value: Value, shown: &Value) -> Value {
    match (&value, shown) {
        (Value::String(text), Value::Number(_)) if decimal::is_plain_number(text.trim()) => {
            text.trim().parse().map_or(value, Value::Number)
        }
        (Value::String(text), Value::Bool(_)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => value,
        },
        (Value::Number(number), Value::String(_)) => Value::String(plainly(number)),
        (Value::Bool(truth), Value::String(_)) => Value::String(truth.to_string()),
        _ => value,
    }
}

/// P9: what a change displaces that takes nobody's place: the value is added to the list.
pub fn adds() -> Value {
    Value::Array(vec![])
}

/// Whether a change that displaces this adds its value to the list.
pub fn is_added(displaced: &Value) -> bool {
    displaced.as_array().is_some_and(Vec::is_empty)
}

/// What the system will make of the value when it stores it, as far as that is known beforehand
/// (P3).
pub fn as_stored(value: Value, how: StoredAs) -> Value {
    let Value::String(mut text) = value else {
        return value;
    };
    if how.trimmed {
        text = text.trim().to_string();
    }
    if how.upper {
        text = text.to_uppercase();
    }
    if how.lower {
        text = text.to_lowercase();
    }
    if let Some(max) = how.max_chars
        && let Some((cut, _)) = text.char_indices().nth(max)
    {
        text.truncate(cut);
    }
    Value::String(text)
}

/// A value for expressions that count: numbers as machines hold them. `serde_json` hands its
/// numbers on as texts of its own.
pub struct Counted<'a>(pub &'a Value);

impl serde::Serialize for Counted<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Number(number) => {
                match (number.as_i64(), number.as_u64(), number.as_i128(), number.as_f64()) {
                    (Some(n), ..) => serializer.serialize_i64(n),
                    (_, Some(n), ..) => serializer.serialize_u64(n),
                    (_, _, Some(n), _) => serializer.serialize_i128(n),
                    (.., Some(n)) => serializer.serialize_f64(n),
                    _ => serializer.serialize_str(number.as_str()),
                }
            }
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(list) => serializer.collect_seq(list.iter().map(Counted)),
            Value::Object(map) => {
                serializer.collect_map(map.iter().map(|(name, value)| (name, Counted(value))))
            }
        }
    }
}

/// A value for templates that write it out: a number that a machine would round stands there as its
/// digits.
pub struct Written<'a>(pub &'a Value);

impl serde::Serialize for Written<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => {
                let rounded = number.as_f64().and_then(serde_json::Number::from_f64);
                let kept = number.as_i128().is_some()
                    || rounded.is_some_and(|rounded| decimal::same(number, &rounded));
                if kept {
                    Counted(self.0).serialize(serializer)
                } else {
                    serializer.serialize_str(number.as_str())
                }
            }
            Value::Array(list) => serializer.collect_seq(list.iter().map(Written)),
            Value::Object(map) => {
                serializer.collect_map(map.iter().map(|(name, value)| (name, Written(value))))
            }
            plain => Counted(plain).serialize(serializer),
        }
    }
}

/// A value as it is shown to a person: texts without quotes, long ones shortened.
pub fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".into(),
        Value::String(text) => format!("“{}”", visible(text)),
        other => visible_json(&other.to_string()).into_owned(),
    };
    match text.char_indices().nth(80) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empties_are_equal_and_zero_is_not_empty() {
        assert!(equal(&json!(null), &json!("  ")));
        assert!(equal(&json!([]), &json!("")));
        assert!(!is_empty(&json!(0)));
        assert!(!is_empty(&json!(false)));
    }

    #[test]
    fn equality_is_judged_in_the_targets_terms() {
        // P3
        assert!(equal_as(PlainType::Integer, &json!("42"), &json!(42)));
        assert!(equal_as(
            PlainType::Datetime,
            &json!("2024-01-15T11:00:00+01:00"),
            &json!("2024-01-15T10:00:00Z")
        ));
        assert!(!equal_as(PlainType::String, &json!("042"), &json!(42)));
        assert!(equal(&json!(1.0), &json!(1)));
    }

    fn number(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn r7_numbers_are_equal_by_value_and_keep_every_digit() {
        let long = "1234567890123456789012345";
        assert_eq!(number(long).to_string(), long);
        assert!(!equal(&number(long), &number("1234567890123456789012346")));
        assert!(equal(&number("10.50"), &number("10.5")));
        assert!(equal(&number("1e2"), &number("100")));
        assert!(!equal(&number("9007199254740993"), &number("9007199254740992")));
        for ty in [PlainType::Any, PlainType::String, PlainType::Decimal, PlainType::Float] {
            assert!(equal_as(ty, &json!("12.50"), &json!(12.5)), "{ty:?}");
            assert!(equal_as(ty, &json!(100.0), &json!("100")), "{ty:?}");
            assert!(equal_as(ty, &json!(" 7 "), &json!(7)), "{ty:?}");
        }
        // Two texts are two texts, unless a number is what they are to be: 1.10 may be the tenth
        // version.
        assert!(!equal_as(PlainType::Any, &json!("1.10"), &json!("1.1")));
        assert!(equal_as(PlainType::Decimal, &json!("0.10"), &json!("0.1")));
        assert!(!equal_as(PlainType::Any, &json!("0150"), &json!(150)));
        assert!(equal_as(PlainType::Integer, &json!("0150"), &json!(150)));
        assert_eq!(coerce(&json!(long), PlainType::Integer), Ok(number(long)));
        assert_eq!(coerce(&number("1e3"), PlainType::Integer).unwrap().to_string(), "1000");
        assert_eq!(
            coerce(&json!("123456789.123456789"), PlainType::Float).unwrap().to_string(),
            "123456789.123456789"
        );
        assert!(coerce(&json!("1e999999999"), PlainType::Integer).is_err());
    }

    #[test]
    fn p11_lists_are_compared_as_sets() {
        assert!(equal(&json!(["a", "b", "c"]), &json!(["c", "a", "b"])));
        assert!(equal(&json!(["a", "a", "b"]), &json!(["b", "a"])));
        assert!(equal(&json!([{"x": 1.0}, {"x": 2}]), &json!([{"x": 2}, {"x": 1}])));
        assert!(!equal(&json!(["a", "b"]), &json!(["a", "c"])));
        assert!(!equal(&json!(["a"]), &json!(["a", "b"])));
        assert!(!equal_in_order(&json!(["a", "b"]), &json!(["b", "a"])));
        assert!(same(Terms::of(PlainType::List), &json!(["1", "b"]), &json!(["b", 1])));
        assert!(!same(
            Terms { ordered: true, ..Terms::of(PlainType::List) },
            &json!(["a", "b"]),
            &json!(["b", "a"])
        ));
        let many = |from: usize| {
            Value::Array(
                (0..500).map(|n| Value::from(format!("tag {}", (n + from) % 500))).collect(),
            )
        };
        assert!(equal(&many(0), &many(77)));
    }

    #[test]
    fn r7_what_differs_only_in_form_is_equal_without_a_schema() {
        for (a, b) in [
            (json!("2024-01-15T10:00:00Z"), json!("2024-01-15T10:00:00+00:00")),
            (json!("2024-01-15T10:00:00Z"), json!("2024-01-15T11:00:00.000+01:00")),
            (json!("2024-01-15 10:00:00"), json!("2024-01-15T10:00:00")),
            (json!("TRUE"), json!(true)),
            (json!("ASE@Example.com"), json!("ase@example.com")),
            (json!("+47 22 00 00 01"), json!("+4722000001")),
            (json!("(+47) 22 00 00 01"), json!("0047 22000001")),
            (json!("22 00 00 01"), json!("22000001")),
            (json!("22 00 00 01"), json!(22_000_001)),
            (json!("https://Example.com/"), json!("https://example.com")),
            (json!("A\u{30a}se"), json!("Åse")),
            (json!("a\r\nb"), json!("a\nb")),
        ] {
            assert!(equal_as(PlainType::Any, &a, &b), "{a} and {b}");
            assert!(equal_as(PlainType::String, &b, &a), "{b} and {a}");
        }
        for (a, b) in [
            (json!("2024-01-15T10:00:00Z"), json!("2024-01-15T10:00:00")),
            (json!("Åse"), json!("åse")),
            (json!("Åse "), json!("Åse")),
            (json!("12-3456-7"), json!("123-456-7")),
            (json!("+47 22 00 00 01"), json!("+46 22 00 00 01")),
            (json!("22000001 ext. 1"), json!("22000001 ext. 2")),
            (json!("ase@example.com"), json!("åse@example.com")),
            (json!("https://example.com/a"), json!("https://example.com/A")),
            (json!(true), json!(1)),
            (json!("007"), json!("7")),
        ] {
            assert!(!equal_as(PlainType::Any, &a, &b), "{a} and {b}");
        }
        let norway = Normal { kind: Kind::Seen, region: crate::region::Region::parse("NO") };
        let terms = Terms { by: [norway; 2], ..Terms::of(PlainType::Any) };
        assert!(same(terms, &json!("+47 22 00 00 01"), &json!("22 00 00 01")));
        assert!(!same(Terms::of(PlainType::Any), &json!("+47 22 00 00 01"), &json!("22 00 00 01")));
        let text = Terms { by: [Normal::of(Kind::Text); 2], ..Terms::of(PlainType::Any) };
        assert!(!same(text, &json!("22 00 00 01"), &json!("22000001")));
        assert!(same(Terms::of(PlainType::Boolean), &json!("yes"), &json!(1)));
    }

    #[test]
    fn r7_a_value_takes_the_json_type_of_the_one_in_its_place() {
        assert_eq!(like(json!("42"), &json!(7)), json!(42));
        assert_eq!(like(json!("12.50"), &json!(7)).to_string(), "12.50");
        assert_eq!(like(json!("0150"), &json!(7)), json!("0150"));
        assert_eq!(like(json!(42), &json!("x")), json!("42"));
        assert_eq!(like(json!("true"), &json!(false)), json!(true));
        assert_eq!(like(json!("42"), &json!(null)), json!("42"));
    }

    #[test]
    fn a_value_that_a_type_cannot_hold_says_so() {
        assert_eq!(coerce(&json!(7), PlainType::String), Ok(json!("7")));
        for (written, plain) in
            [("1e-7", "0.0000001"), ("-1.5E+3", "-1500"), ("12.50", "12.50"), ("1e+500", "1e+500")]
        {
            let text = coerce(&serde_json::from_str(written).unwrap(), PlainType::String);
            assert_eq!(text, Ok(json!(plain)), "{written}");
        }
        assert_eq!(coerce(&json!(" 7 "), PlainType::Integer), Ok(json!(7)));
        assert_eq!(
            coerce(&json!("seven"), PlainType::Integer),
            Err("“seven” is no integer".into())
        );
        assert_eq!(coerce(&json!("12.50"), PlainType::Decimal), Ok(json!("12.50")));
        assert!(coerce(&json!(90), PlainType::Datetime).is_err());
    }

    #[test]
    fn stored_form_is_cut_by_characters() {
        let how = StoredAs { upper: true, max_chars: Some(2), ..StoredAs::default() };
        assert_eq!(as_stored(json!("åse"), how), json!("ÅS"));
    }
}
