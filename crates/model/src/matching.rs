//! Match keys: values in the form in which they are compared for linking (L2), and the hash by
//! which they are looked up.
//!
//! Values are freed of what nobody sees, trimmed, brought to Unicode NFC, case-folded and brought
//! to NFC again (Unicode Standard, section 3.13, canonical caseless matching). Addresses, telephone
//! numbers, numbers and times have rules of their own ([`Kind`]). A hash of 64 bits only finds
//! candidates; the normalised values are compared again, because 64 bits can collide.

use std::borrow::Cow;
use std::collections::BTreeSet;

use caseless::Caseless;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use crate::decimal::{self, Decimal};
use crate::ids::TypeName;
use crate::kind::{Kind, email, has_several_addresses, is_email, phone, url};
use crate::region::Region;
use crate::time::Timestamp;
use crate::value::is_empty;

/// Changes when values come into another form than before: then records are indexed anew.
pub const FORM: u32 = 4;

/// By which rule a value is normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Normal {
    pub kind: Kind,
    /// The country of telephone numbers that name none.
    pub region: Option<Region>,
}

impl Normal {
    /// Of this kind, in no country.
    pub fn of(kind: Kind) -> Normal {
        Normal { kind, region: None }
    }
}

/// Texts that stand for nothing, in the form in which values are compared: they never match (L2).
///
/// `docs/equality.md` lists them; a test holds the two together.
#[rustfmt::skip]
pub const PLACEHOLDERS: &[&str] = &[
    "#n/a", "blank", "ei ole", "ei tiedossa", "empty", "finnes ikke", "har ikke", "har ingen", "ikke angitt", "ikke kjent",
    "ikke oppgitt", "ikkje kjend", "ingen", "ingen e-post", "ingen epost", "ingen mail", "inget", "intet", "kein", "keine", "mangler",
    "missing", "n.a", "n.a.", "n/a", "n/k", "na", "nan", "nil", "no email", "no phone", "none", "not applicable", "not available",
    "not known", "not provided", "not set", "nothing", "null", "okänd", "okänt", "puuttuu", "saknas", "tba", "tbd", "tuntematon",
    "ubekendt", "ukendt", "ukjend", "ukjent", "unbekannt", "undefined", "unknown", "unspecified", "xx", "xxx", "xxxx", "óþekkt",
];

/// They are looked up by halves.
const _: () = {
    let mut at = 1;
    while at < PLACEHOLDERS.len() {
        assert!(comes_before(PLACEHOLDERS[at - 1], PLACEHOLDERS[at]), "PLACEHOLDERS is not sorted");
        at += 1;
    }
};

/// Whether a text comes before another one, byte by byte: what `<` says of them, at compile time.
pub(crate) const fn comes_before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    a.len() < b.len()
}

/// No placeholder is longer, in bytes.
const LONGEST_PLACEHOLDER: usize = 24;

/// What a project adds to [`PLACEHOLDERS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholders {
    /// As they are written.
    written: BTreeSet<String>,
    folded: BTreeSet<String>,
    /// Their forms by each kind, where these are others; telephone numbers as of no country.
    forms: BTreeSet<(Kind, String)>,
}

impl Placeholders {
    /// These besides the usual ones, in whatever case and form they are written.
    pub fn with(more: impl IntoIterator<Item = impl AsRef<str>>) -> Placeholders {
        let mut placeholders = Placeholders::default();
        for text in more {
            let text = text.as_ref().trim();
            let Some(folded) = folded(text) else { continue };
            for kind in Kind::ALL {
                let form = form_of(text, &folded, Normal::of(kind));
                placeholders.forms.extend(form.map(|form| (kind, form)));
            }
            placeholders.written.insert(text.to_string());
            placeholders.folded.insert(folded.into_owned());
        }
        placeholders
    }

    /// What was added.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(String::as_str)
    }

    /// Whether a value with this form by its kind is one of those that were added, in another form.
    fn has_form(&self, form: &str, by: Normal) -> bool {
        if self.forms.is_empty() {
            return false;
        }
        let of_kind = (by.kind, String::new())..;
        let mut forms = self.forms.range(of_kind).take_while(|(kind, _)| *kind == by.kind);
        forms.any(|(_, added)| {
            // The value names its country, and what was added does not.
            let is_local = |region: &Region| {
                form.starts_with('+')
                    && added.bytes().all(|byte| byte.is_ascii_digit())
                    && region.international(added) == form
            };
            added == form || by.region.as_ref().is_some_and(is_local)
        })
    }

    /// Whether a folded text stands for nothing: one of the list, perhaps in brackets; nothing but
    /// signs; nothing but zeros.
    fn stands_for_nothing(&self, text: &str) -> bool {
        if !self.folded.is_empty() && self.folded.contains(text) {
            return true;
        }
        // Most values are longer, or addresses.
        if text.len() > LONGEST_PLACEHOLDER || text.len() > 3 && text.contains('@') {
            return false;
        }
        let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bare = match word(text.as_bytes().first()) && word(text.as_bytes().last()) {
            true => text,
            false => text.trim_matches([
                '(', ')', '[', ']', '<', '>', '{', '}', '"', '\'', '-', '*', '.', ' ',
            ]),
        };
        if PLACEHOLDERS.binary_search(&bare).is_ok() || PLACEHOLDERS.binary_search(&text).is_ok() {
            return true;
        }
        // `n / a`
        if bare.contains(" / ")
            && PLACEHOLDERS.binary_search(&bare.replace(" / ", "/").as_str()).is_ok()
        {
            return true;
        }
        let mut signs = true;
        let mut zeros = true;
        for c in text.chars() {
            let counts = c.is_alphanumeric();
            signs &= !counts;
            zeros &= !counts || c == '0';
            if !signs && !zeros {
                return false;
            }
        }
        signs || zeros
    }
}

/// Characters that nobody sees: zero width, soft hyphens, byte order marks, marks of direction,
/// control characters, fillers.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A text without what nobody sees, trimmed, each stretch of blanks one blank, in NFC and without
/// case; `None` where nothing is left.
fn folded(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let mut upper = false;
    let plain = text.bytes().all(|byte| {
        upper |= byte.is_ascii_uppercase();
        (0x20..0x7f).contains(&byte)
    });
    if plain {
        let text = match text.contains("  ") {
            true => Cow::Owned(single_spaced(text)),
            false => Cow::Borrowed(text),
        };
        let folded = if upper { Cow::Owned(text.to_ascii_lowercase()) } else { text };
        return (!folded.is_empty()).then_some(folded);
    }
    let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let folded: String = single_spaced(&seen).chars().nfc().default_case_fold().nfc().collect();
    (!folded.is_empty()).then_some(Cow::Owned(folded))
}

fn single_spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The normalised form of one value; `None` where it is empty or a placeholder, which never match
/// (L2).
pub fn normalise(value: &Value, by: Normal, placeholders: &Placeholders) -> Option<String> {
    let written;
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => {
            // By value: 42.0 is 42.
            written = Decimal::of(number)
                .map_or_else(|| number.to_string(), |decimal| decimal.to_string());
            &written
        }
        Value::Bool(truth) => return Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let folded = folded(text)?;
    if placeholders.stands_for_nothing(&folded) {
        return None;
    }
    match by.kind {
        Kind::Exact => return Some(text.to_string()),
        // Which of several addresses is meant can't be told.
        Kind::Email | Kind::LikelyEmail if has_several_addresses(&folded, false) => return None,
        Kind::LikelyPhone | Kind::Seen if has_several_addresses(&folded, true) => return None,
        _ => {}
    }
    match form_of(text, &folded, by) {
        Some(form) if placeholders.has_form(&form, by) => None,
        // A number cut short, or none at all: two of those say nothing.
        None if by.kind == Kind::Phone
            && folded.chars().filter(char::is_ascii_digit).count() < 3 =>
        {
            None
        }
        form => Some(form.unwrap_or_else(|| folded.into_owned())),
    }
}

/// The form of a text by its kind; `None` where it is none of that kind, and compared as a text.
fn form_of(text: &str, folded: &str, by: Normal) -> Option<String> {
    match by.kind {
        Kind::Exact | Kind::Text => None,
        // The local part is folded too: no system in use keeps two people apart by the case of
        // their address.
        Kind::Email => email(folded).map(Cow::into_owned),
        Kind::Phone => phone(folded).map(|number| number.in_region(by.region)),
        Kind::Url => url(text.trim()),
        Kind::Number => Decimal::parse(folded).map(|number| number.to_string()),
        Kind::Boolean => {
            crate::value::truth(&Value::String(folded.to_string())).map(|truth| truth.to_string())
        }
        Kind::Date => Timestamp::parse(text).map(|_| text.trim().chars().take(10).collect()),
        Kind::Instant => Timestamp::parse(text).map(|at| at.to_string()),
        Kind::LikelyEmail | Kind::LikelyPhone | Kind::Seen => seen(folded, by),
    }
}

/// The form by the kind that a value itself shows; `None` where it is a text like any other.
fn seen(folded: &str, by: Normal) -> Option<String> {
    if folded.contains('@') {
        let is_one = by.kind == Kind::LikelyEmail || is_email(folded);
        return is_one.then(|| email(folded).map(Cow::into_owned)).flatten();
    }
    let first = folded.chars().next()?;
    let begins =
        first.is_ascii_digit() || matches!(first, '+' | '(' | '＋') || by.kind == Kind::LikelyPhone;
    if !begins || !folded.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = phone(folded)?;
    let is_one = match by.kind {
        Kind::LikelyPhone => number.digits.len() >= 5,
        _ => number.is_certain() || number.is_plain(),
    };
    is_one.then(|| number.in_region(by.region))
}

/// All normalised forms of a property's value: a list has one for each element (L3).
pub fn forms(value: &Value, by: Normal, placeholders: &Placeholders) -> Vec<String> {
    let mut found: Vec<String> = match value {
        Value::Array(list) => {
            list.iter().filter_map(|element| normalise(element, by, placeholders)).collect()
        }
        single => normalise(single, by, placeholders).into_iter().collect(),
    };
    found.sort();
    found.dedup();
    found
}

/// All forms under which a property's value is looked up: those in which it is compared, and the
/// plain form of each number in it, or a number and a text that writes it would not meet (`12.5`
/// and "12.50"). Two texts that write one number share that form too; [`meet`] keeps them apart.
pub fn lookup_forms(value: &Value, by: Normal, placeholders: &Placeholders) -> Vec<String> {
    let mut found = forms(value, by, placeholders);
    let compared = found.len();
    let elements = match value {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    // A number in plain form is compared in the form of the text that writes it so.
    let is_plain = |element: &Value, form: &str| element.as_str().map(str::trim) == Some(form);
    let number = |element: &Value| {
        number_form(element, by, placeholders).filter(|form| !is_plain(element, form))
    };
    found.extend(elements.iter().filter_map(number));
    if found.len() > compared {
        found.sort();
        found.dedup();
    }
    found
}

/// The plain form of a number, or of a text that can be none but a number, where nothing tells what
/// it is.
fn number_form(value: &Value, by: Normal, placeholders: &Placeholders) -> Option<String> {
    if by.kind.is_told() {
        return None;
    }
    let decimal = match value {
        Value::Number(number) => Decimal::of(number)?,
        Value::String(text) => written_number(text.trim())?,
        _ => return None,
    };
    let form = decimal.to_string();
    let counts = !placeholders.stands_for_nothing(&form)
        && !placeholders.has_form(&form, Normal::of(Kind::Number));
    counts.then_some(form)
}

/// One side of a comparison of two values in a match.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    pub value: &'a Value,
    pub by: Normal,
    /// The property holds numbers, whatever JSON type they come in: decimals come as texts.
    pub numeric: bool,
}

impl<'a> Compared<'a> {
    /// A value of which only the kind is known.
    pub fn by(value: &'a Value, by: Normal) -> Compared<'a> {
        Compared { value, by, numeric: false }
    }
}

/// Whether two values, or elements of two lists, match: by a form in common (L2, L3), or as a number
/// and a text that writes it.
pub fn meet(a: Compared<'_>, b: Compared<'_>, placeholders: &Placeholders) -> bool {
    // The common case, without lists and numbers.
    if let (Value::String(mine), Value::String(theirs)) = (a.value, b.value)
        && !a.numeric
        && !b.numeric
    {
        let form = normalise(a.value, a.by, placeholders);
        return form.is_some()
            && (a.by == b.by && mine == theirs || form == normalise(b.value, b.by, placeholders));
    }
    if in_common(&forms(a.value, a.by, placeholders), &forms(b.value, b.by, placeholders)) {
        return true;
    }
    let ((said_a, all_a), (said_b, all_b)) = (numbers(a, placeholders), numbers(b, placeholders));
    in_common(&said_a, &all_b) || in_common(&all_a, &said_b)
}

/// The numbers of one side in plain form: those that are known to be some, and all that it has or
/// writes.
fn numbers(one: Compared<'_>, placeholders: &Placeholders) -> (Vec<String>, Vec<String>) {
    let elements = match one.value {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    let (mut said, mut all) = (Vec::new(), Vec::new());
    for element in elements {
        let Some(form) = number_form(element, one.by, placeholders) else { continue };
        if one.numeric || element.is_number() {
            said.push(form.clone());
        }
        all.push(form);
    }
    (said, all)
}

/// Whether two lists share an element.
pub fn in_common(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    match long.len() {
        0..=16 => short.iter().any(|form| long.contains(form)),
        _ => {
            let long: std::collections::HashSet<&String> = long.iter().collect();
            short.iter().any(|form| long.contains(form))
        }
    }
}

/// Whether two values are the same in form, though they are written differently: by the kind that
/// is told or that they show (R7). A value that stands for nothing is a value like any other here.
pub fn same_form(a: &Value, b: &Value, by_a: Normal, by_b: Normal) -> bool {
    let (Some(a), Some(b)) = (text_of(a), text_of(b)) else { return false };
    let kind = by_a.kind.with(by_b.kind);
    let fold = |text: &str| folded(text).map(Cow::into_owned);
    let (Some(x), Some(y)) = (fold(&a), fold(&b)) else { return false };
    match kind {
        Kind::Text | Kind::Exact | Kind::Number | Kind::Boolean | Kind::Date | Kind::Instant => {
            false
        }
        Kind::Email => email(&x).is_some_and(|x| email(&y).is_some_and(|y| x == y)),
        Kind::Url => url(a.trim()).is_some_and(|x| url(b.trim()).is_some_and(|y| x == y)),
        Kind::Phone => same_phone(&x, &y, by_a, by_b, |_, _| true),
        Kind::Seen | Kind::LikelyEmail | Kind::LikelyPhone => {
            if x.contains('@') || y.contains('@') {
                return is_email(&x) && is_email(&y) && email(&x) == email(&y);
            }
            if x.contains("://") {
                return x.starts_with("http")
                    && url(a.trim()).is_some_and(|x| url(b.trim()).is_some_and(|y| x == y));
            }
            let digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
            digit(&x)
                && digit(&y)
                && same_phone(&x, &y, by_a, by_b, |a, b| {
                    let long = a.digits.len() >= 5 && b.digits.len() >= 5;
                    kind == Kind::LikelyPhone && long
                        || a.is_certain() && (b.is_certain() || b.digits.len() >= 5)
                        || b.is_certain() && a.digits.len() >= 5
                        || a.is_plain() && b.is_plain()
                })
        }
    }
}

fn same_phone(
    a: &str,
    b: &str,
    by_a: Normal,
    by_b: Normal,
    may: impl Fn(&crate::kind::Phone, &crate::kind::Phone) -> bool,
) -> bool {
    let (Some(a), Some(b)) = (phone(a), phone(b)) else { return false };
    a.extension == b.extension
        && may(&a, &b)
        && a.in_region(by_a.region) == b.in_region(by_b.region)
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Whether a value says anything by which records could be matched.
pub fn identifies(value: &Value, placeholders: &Placeholders) -> bool {
    !is_empty(value) && !forms(value, Normal::of(Kind::Text), placeholders).is_empty()
}

/// A number that a text writes as JSON does, with an exponent or without: it can be none but a number
/// (`0150` is a code).
pub fn written_number(text: &str) -> Option<Decimal> {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    decimal::is_plain_number(mantissa).then(|| Decimal::parse(text)).flatten()
}

/// The values of match keys are mostly no longer.
const SHORT: usize = 116;

/// The hash of one match key: a rule's own seed and the normalised values in the rule's order.
pub fn key_hash(seed: u64, values: &[&str]) -> u64 {
    if let [value] = values
        && value.len() <= SHORT
    {
        // Nearly every key: without a buffer of its own.
        let mut bytes = [0; 12 + SHORT];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&(value.len() as u32).to_le_bytes());
        bytes[12..12 + value.len()].copy_from_slice(value.as_bytes());
        return xxh3_64(&bytes[..12 + value.len()]);
    }
    let mut bytes =
        Vec::with_capacity(8 + values.iter().map(|value| 4 + value.len()).sum::<usize>());
    bytes.extend_from_slice(&seed.to_le_bytes());
    for value in values {
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    xxh3_64(&bytes)
}

/// The seed of a rule: a hash of its text, so that it stays the same when flows are added or moved.
pub fn seed(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// The hash under which records are found that refer to this one.
pub fn reference_hash(ty: &TypeName, id: &str) -> u64 {
    key_hash(seed("reference"), &[&ty.system, &ty.kind, id])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(value: Value, kind: Kind) -> Option<String> {
        normalise(&value, Normal::of(kind), &Placeholders::default())
    }

    fn in_norway(value: Value, kind: Kind) -> Option<String> {
        normalise(&value, Normal { kind, region: Region::parse("NO") }, &Placeholders::default())
    }

    #[test]
    fn l1_a_key_has_one_hash_however_long_it_is() {
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 4 * SHORT] {
            let text = "å".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
            let mut bytes = 7u64.to_le_bytes().to_vec();
            bytes.extend((length as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
            assert_eq!(
                key_hash(7, &[&text]),
                xxh3_64(&bytes),
                "{length}: stores hold hashes of this form"
            );
        }
    }

    #[test]
    fn l2_match_values_are_compared_normalised() {
        assert_eq!(
            form(json!("  ÅSE@Example.NO "), Kind::Email).as_deref(),
            Some("åse@example.no")
        );
        // A with a ring above as two characters, and as one.
        assert_eq!(form(json!("A\u{30a}SE"), Kind::Text), form(json!("åse"), Kind::Text));
        assert_eq!(form(json!("Straße"), Kind::Text), form(json!("STRASSE"), Kind::Text));
        assert_eq!(form(json!("Åse  \n Berg"), Kind::Seen).as_deref(), Some("åse berg"));
        assert_eq!(form(json!(""), Kind::Text), None);
        assert_eq!(form(json!(null), Kind::Text), None);
        for number in [json!(42), json!(42.0), json!("42"), json!(4.2e1)] {
            assert_eq!(form(number, Kind::Seen).as_deref(), Some("42"));
        }
        assert_eq!(form(json!("0042"), Kind::Seen).as_deref(), Some("0042"));
        assert_eq!(form(json!("0042.50"), Kind::Number).as_deref(), Some("42.5"));
        assert_eq!(form(json!(" Ab "), Kind::Exact).as_deref(), Some(" Ab "));
    }

    #[test]
    fn l2_what_nobody_sees_is_dropped() {
        for c in [
            '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}',
            '\u{2060}', '\u{2066}', '\u{2069}', '\u{feff}', '\u{ad}', '\u{61c}', '\u{0}', '\u{1f}',
            '\u{7f}', '\u{180e}', '\u{fe0f}', '\u{3164}',
        ] {
            for text in [
                format!("{c}ase@example.com"),
                format!("ase@{c}example.com"),
                format!("ase@example.com{c}"),
            ] {
                assert_eq!(
                    form(json!(text), Kind::Seen).as_deref(),
                    Some("ase@example.com"),
                    "{text:?}"
                );
                assert_eq!(
                    form(json!(text), Kind::Email).as_deref(),
                    Some("ase@example.com"),
                    "{text:?}"
                );
            }
            assert_eq!(form(json!(c.to_string()), Kind::Seen), None, "{c:?} alone");
        }
        for blank in ['\u{a0}', '\u{202f}', '\u{2007}', '\u{2003}', '\u{3000}', '\t'] {
            assert_eq!(
                form(json!(format!("{blank}Åse{blank}Berg{blank}")), Kind::Seen).as_deref(),
                Some("åse berg"),
                "{blank:?}"
            );
        }
    }

    #[test]
    fn l2_placeholders_never_match() {
        assert!(PLACEHOLDERS.iter().all(|text| text.len() <= LONGEST_PLACEHOLDER));
        for text in [
            "-",
            "--",
            "—",
            ".",
            "...",
            "?",
            "*",
            "n/a",
            "N/A",
            "N / A",
            "(n / a)",
            "n.a.",
            "none",
            "None",
            "NULL",
            "null",
            "(none)",
            "<null>",
            "[ingen]",
            "Ukjent",
            "UKJENT ",
            "okänd",
            "0",
            "0000",
            "00000000",
            "+00 00 00 00",
            "000-000",
            "#N/A",
            "_",
            "xxx",
            "- n/a -",
        ] {
            for kind in [
                Kind::Seen,
                Kind::Text,
                Kind::Email,
                Kind::Phone,
                Kind::LikelyPhone,
                Kind::Exact,
                Kind::Number,
            ] {
                assert_eq!(form(json!(text), kind), None, "{text} as {kind:?}");
            }
        }
        assert_eq!(form(json!(0), Kind::Seen), None);
        for text in ["Nan Goldin", "10", "100", "0150", "-1", "x", "Ingen Olsen", "a-b", "nulls"] {
            assert!(form(json!(text), Kind::Seen).is_some(), "{text}");
        }
        let more = Placeholders::with(["Post@Example.com", "99999999", " "]);
        assert_eq!(more.added().count(), 2);
        assert_eq!(normalise(&json!("post@EXAMPLE.com"), Normal::of(Kind::Email), &more), None);
        assert_eq!(normalise(&json!(99_999_999), Normal::of(Kind::Phone), &more), None);
        assert!(normalise(&json!("98999999"), Normal::of(Kind::Phone), &more).is_some());
    }

    #[test]
    fn l2_the_document_lists_every_placeholder() {
        let document = include_str!("../../../docs/equality.md");
        for text in PLACEHOLDERS {
            assert!(
                document.contains(&format!("`{text}`")),
                "docs/equality.md does not list `{text}`"
            );
        }
    }

    #[test]
    fn l2_telephone_numbers_are_compared_by_their_digits() {
        for written in [
            "+47 22 33 44 55",
            "0047 22334455",
            "+47 (0) 22 33-44-55",
            "+4722334455 x12",
            "(+47) 22 33 44 55",
        ] {
            for kind in [Kind::Phone, Kind::LikelyPhone] {
                assert_eq!(form(json!(written), kind).as_deref(), Some("+4722334455"), "{written}");
            }
        }
        assert_eq!(form(json!("-"), Kind::Phone), None);
        assert_eq!(form(json!("ring 12"), Kind::Phone), None);
    }

    #[test]
    fn l2_a_number_without_a_country_is_one_of_the_region() {
        for written in [
            json!("22 33 44 55"),
            json!("22334455"),
            json!(22_334_455),
            json!("+47 22334455"),
            json!("4722334455"),
        ] {
            for kind in [Kind::Phone, Kind::LikelyPhone, Kind::Seen] {
                assert_eq!(
                    in_norway(written.clone(), kind).as_deref(),
                    Some("+4722334455"),
                    "{written} as {kind:?}"
                );
            }
        }
        assert_eq!(form(json!("22 33 44 55"), Kind::Phone).as_deref(), Some("22334455"));
    }

    #[test]
    fn l2_a_name_makes_no_telephone_number_of_a_text() {
        for text in ["berg 12345", "ask for anna 12345", "model 3310", "+ 47 elephants"] {
            assert_eq!(form(json!(text), Kind::LikelyPhone).as_deref(), Some(text));
        }
        // Nothing speaks for a number here: a code with a dash stays one.
        for text in ["12-3456-7", "123-456-7", "2024-0001", "0150", "0123456", "12345"] {
            assert_eq!(in_norway(json!(text), Kind::Seen).as_deref(), Some(text));
        }
    }

    #[test]
    fn l2_a_cell_with_several_addresses_matches_nothing() {
        let several = [
            "Kari <kari@example.com>, Per <per@example.com>",
            "Berg, Kari <kari@example.com>; Per <per@example.com>",
            "kari@example.com, Per <per@example.com>",
            "kari@example.com;per@example.com",
            "kari@example.com / per@example.com",
            "kari@example.com\nper@example.com",
        ];
        for kind in [Kind::Email, Kind::LikelyEmail, Kind::Seen] {
            for text in several {
                assert_eq!(form(json!(text), kind), None, "{text} as {kind:?}");
            }
            let two = json!(["Kari <kari@example.com>", "per@example.com"]);
            assert_eq!(
                forms(&two, Normal::of(kind), &Placeholders::default()),
                ["kari@example.com", "per@example.com"]
            );
            let once = form(json!("kari@example.com <kari@example.com>"), kind);
            assert_eq!(once.as_deref(), Some("kari@example.com"));
        }
        for text in several {
            assert!(form(json!(text), Kind::Text).is_some(), "{text}");
            let by = Normal::of(Kind::Email);
            assert!(!same_form(&json!(text), &json!("per@example.com"), by, by), "{text}");
        }
        let sentence = "from kari@example.com to per@example.com";
        assert_eq!(form(json!(sentence), Kind::Seen).as_deref(), Some(sentence));
    }

    #[test]
    fn l2_placeholders_of_a_project_count_in_every_form() {
        let region = Region::parse("NO");
        let added = Placeholders::with(["post@example.com", "99999999", "https://Example.com/A"]);
        for (text, kind) in [
            ("mailto:post@example.com", Kind::Email),
            ("Ola <Post@Example.com>", Kind::Seen),
            ("<post@example.com>", Kind::LikelyEmail),
            ("9999 9999", Kind::Phone),
            ("+47 99 99 99 99", Kind::Seen),
            ("0047 99999999", Kind::LikelyPhone),
            ("tlf. 99999999", Kind::Phone),
            ("https://example.com:443/A", Kind::Url),
            ("99999999.0", Kind::Number),
        ] {
            let by = Normal { kind, region };
            assert_eq!(normalise(&json!(text), by, &added), None, "{text}");
            assert!(normalise(&json!(text), by, &Placeholders::default()).is_some(), "{text}");
        }
        let abroad = Placeholders::with(["+47 99999999"]);
        let by = Normal { kind: Kind::Phone, region };
        assert_eq!(normalise(&json!("9999 9999"), by, &abroad), None);
        // Without a region these are two numbers, and a text is a text.
        let by = Normal::of(Kind::Phone);
        assert!(normalise(&json!("+47 99999999"), by, &added).is_some());
        assert!(normalise(&json!("9999 9999"), Normal::of(Kind::Text), &added).is_some());
        assert!(
            normalise(&json!("+46 99999999"), Normal { kind: Kind::Phone, region }, &added)
                .is_some()
        );
    }

    #[test]
    fn l2_a_number_matches_the_text_that_writes_it_by_value() {
        fn plain(value: &Value, numeric: bool) -> Compared<'_> {
            Compared { value, by: Normal::default(), numeric }
        }
        let none = Placeholders::default();
        let by = Normal::default();
        let found = |value: &Value| lookup_forms(value, by, &none);
        for (number, text) in [
            (json!(150), "150.0"),
            (json!(12.5), "12.50"),
            (json!(1000), "1e3"),
            (json!(-3), " -3.0 "),
            (json!(22000001), "22000001.0"),
            (json!([4, 7]), "7.0"),
        ] {
            let text = json!(text);
            assert!(meet(plain(&number, false), plain(&text, false), &none), "{number} {text}");
            assert!(meet(plain(&text, false), plain(&number, false), &none), "{text} {number}");
            assert!(in_common(&found(&number), &found(&text)), "{number} is found by {text}");
        }
        // Two texts are numbers only where one of them is known to be one.
        let (long, short) = (json!("7.00"), json!("7"));
        assert!(!meet(plain(&long, false), plain(&short, false), &none));
        assert!(meet(plain(&long, false), plain(&short, true), &none), "a decimal comes as a text");
        assert!(!meet(plain(&json!("007"), false), plain(&json!(7), false), &none), "a code");
        assert!(!meet(plain(&json!("7,0"), false), plain(&json!(7), false), &none));
        assert!(!meet(plain(&json!("0.00"), false), plain(&json!(0), false), &none), "nothing");
        let added = Placeholders::with(["99999999"]);
        let (nines, written) = (json!(99999999), json!("99999999.0"));
        assert!(!meet(plain(&nines, false), plain(&written, false), &added));
        assert_eq!(found(&json!("22000001")).len(), 1, "no second key for what is plain");
    }

    #[test]
    fn l3_a_list_matches_by_any_element() {
        assert_eq!(
            forms(
                &json!(["B@example.com", "", "a@example.com", "b@example.com", "-"]),
                Normal::of(Kind::Email),
                &Placeholders::default()
            ),
            ["a@example.com", "b@example.com"]
        );
    }

    #[test]
    fn values_can_not_run_together() {
        assert_ne!(key_hash(1, &["ab", "c"]), key_hash(1, &["a", "bc"]));
        assert_ne!(key_hash(1, &["a"]), key_hash(2, &["a"]));
    }
}
