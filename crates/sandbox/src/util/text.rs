//! E-mail and phone checks of the plain kind that the vendors make.

/// Whether a vendor's form check would let this pass as an e-mail address: one `@`, no blanks, a
/// dotted domain.
pub fn looks_like_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c == ',' || c == ';')
        && !domain.contains('@')
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

/// What an address is compared by.
pub fn email_key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Digits of a phone number, with the leading `+` where there is one.
pub fn strip_phone(text: &str) -> String {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if text.starts_with('+') { format!("+{digits}") } else { digits }
}

const CALLING_CODES: &[(&str, &str)] = &[
    ("NO", "47"),
    ("SE", "46"),
    ("DK", "45"),
    ("FI", "358"),
    ("IS", "354"),
    ("DE", "49"),
    ("GB", "44"),
    ("NL", "31"),
    ("US", "1"),
];

/// The calling code of a two-letter country code, for those that the sample data uses.
pub fn calling_code(country: &str) -> Option<&'static str> {
    CALLING_CODES
        .iter()
        .find(|(code, _)| code.eq_ignore_ascii_case(country))
        .map(|(_, calling)| *calling)
}

/// The E.164 form, where the number says its country or `country` does.
pub fn e164(phone: &str, country: Option<&str>) -> Option<String> {
    let stripped = strip_phone(phone);
    let digits = stripped.trim_start_matches('+');
    if digits.is_empty() {
        return None;
    }
    if stripped.starts_with('+') {
        return Some(stripped);
    }
    if let Some(international) = digits.strip_prefix("00") {
        return Some(format!("+{international}"));
    }
    let code = calling_code(country?)?;
    Some(format!("+{code}{}", digits.trim_start_matches('0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers() {
        assert!(looks_like_email("ada@example.no"));
        for bad in ["ada", "ada@", "@example.no", "a b@example.no", "ada@example", "a@b@example.no"]
        {
            assert!(!looks_like_email(bad), "{bad}");
        }
        assert_eq!(strip_phone("+47 22 33-44"), "+47223344");
        assert_eq!(e164("22 00 00 00", Some("NO")).as_deref(), Some("+4722000000"));
        assert_eq!(e164("070-123", Some("SE")).as_deref(), Some("+4670123"));
        assert_eq!(e164("0047 22", None).as_deref(), Some("+4722"));
        assert_eq!(e164("22 00 00 00", None), None);
    }
}
