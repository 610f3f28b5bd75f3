//! Match keys: values in the form in which they are compared for linking (L2), and the hash by which they are looked up.
//!
//! Values are trimmed, brought to Unicode NFC, case-folded and brought to NFC again (Unicode Standard, section 3.13, canonical
//! caseless matching). E-mail addresses and telephone numbers have rules of their own. A hash of 64 bits only finds candidates; the
//! normalised values are compared again, because 64 bits can collide.

use caseless::Caseless;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use crate::ids::TypeName;
use crate::value::is_empty;

/// By which rule a value is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchKind {
    Text,
    Email,
    Phone,
}

impl MatchKind {
    /// The kind that a property's name tells: `info.emails.email` is an e-mail address, `MobilePhones.Value` a telephone number.
    pub fn of_path(path: &str) -> Self {
        let name = path.to_lowercase();
        let last = name.rsplit('.').next().unwrap_or(&name);
        // `MailAddress` is where letters go.
        if name.contains("email") || name.contains("e-mail") || last == "mail" {
            MatchKind::Email
        } else if name.contains("phone") || name.contains("mobile") || name.ends_with("fax") {
            MatchKind::Phone
        } else {
            MatchKind::Text
        }
    }
}

/// The normalised form of one value; `None` where it is empty, which never matches (L2).
pub fn normalise(value: &Value, kind: MatchKind) -> Option<String> {
    if is_empty(value) {
        return None;
    }
    let written;
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Number(_) | Value::Bool(_) => {
            written = value.to_string();
            &written
        }
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let folded = if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().nfc().default_case_fold().nfc().collect() };
    let normal = match kind {
        MatchKind::Text => folded,
        // The local part is folded too: no system in use keeps two people apart by the case of their address.
        MatchKind::Email => {
            let bare = folded.strip_prefix("mailto:").unwrap_or(&folded).trim_end_matches('.');
            let cut = (bare.len() < folded.len()).then(|| bare.to_string());
            cut.unwrap_or(folded)
        }
        MatchKind::Phone => phone(&folded)?,
    };
    (!normal.is_empty()).then_some(normal)
}

/// A telephone number as `+` and digits where its country is told, else as bare digits. Extensions are dropped.
fn phone(text: &str) -> Option<String> {
    let text = text.split(['x', ';', ',']).next().unwrap_or(text);
    // "+47 (0) 22 …": the trunk prefix in brackets is not dialled from abroad.
    let text = text.replace("(0)", "");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 3 {
        return None;
    }
    let abroad = text.trim_start().starts_with('+');
    Some(match digits.strip_prefix("00") {
        Some(rest) if !abroad => format!("+{rest}"),
        _ if abroad => format!("+{digits}"),
        _ => digits,
    })
}

/// All normalised forms of a property's value: a list has one for each element (L3).
pub fn forms(value: &Value, kind: MatchKind) -> Vec<String> {
    let mut found: Vec<String> = match value {
        Value::Array(list) => list.iter().filter_map(|element| normalise(element, kind)).collect(),
        single => normalise(single, kind).into_iter().collect(),
    };
    found.sort();
    found.dedup();
    found
}

/// The hash of one match key: a rule's own seed and the normalised values in the rule's order.
pub fn key_hash(seed: u64, values: &[&str]) -> u64 {
    let mut bytes = Vec::with_capacity(8 + values.iter().map(|value| 4 + value.len()).sum::<usize>());
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

    #[test]
    fn match_values_are_compared_normalised() {
        // L2
        assert_eq!(normalise(&json!("  ÅSE@Example.NO "), MatchKind::Email).as_deref(), Some("åse@example.no"));
        // A with a ring above as two characters, and as one.
        assert_eq!(normalise(&json!("A\u{30a}SE"), MatchKind::Text), normalise(&json!("åse"), MatchKind::Text));
        assert_eq!(normalise(&json!("Straße"), MatchKind::Text), normalise(&json!("STRASSE"), MatchKind::Text));
        assert_eq!(normalise(&json!(""), MatchKind::Text), None);
        assert_eq!(normalise(&json!(null), MatchKind::Text), None);
        assert_eq!(normalise(&json!(42), MatchKind::Text).as_deref(), Some("42"));
    }

    #[test]
    fn telephone_numbers_are_compared_by_their_digits() {
        // L2
        for written in ["+47 22 33 44 55", "0047 22334455", "+47 (0) 22 33-44-55", "+4722334455 x12"] {
            assert_eq!(normalise(&json!(written), MatchKind::Phone).as_deref(), Some("+4722334455"), "{written}");
        }
        assert_eq!(normalise(&json!("-"), MatchKind::Phone), None);
    }

    #[test]
    fn a_propertys_name_tells_by_which_rule_it_matches() {
        for path in ["EmailAddress", "info.emails.email", "Emails.Value", "loginEmail", "mail", "profile.email.email"] {
            assert_eq!(MatchKind::of_path(path), MatchKind::Email, "{path}");
        }
        assert_eq!(MatchKind::of_path("MailAddress.City"), MatchKind::Text);
        assert_eq!(MatchKind::of_path("MobilePhones.Value"), MatchKind::Phone);
    }

    #[test]
    fn a_list_matches_by_any_element() {
        // L3
        assert_eq!(
            forms(&json!(["B@example.com", "", "a@example.com", "b@example.com"]), MatchKind::Email),
            ["a@example.com", "b@example.com"]
        );
    }

    #[test]
    fn values_can_not_run_together() {
        assert_ne!(key_hash(1, &["ab", "c"]), key_hash(1, &["a", "bc"]));
        assert_ne!(key_hash(1, &["a"]), key_hash(2, &["a"]));
    }
}
