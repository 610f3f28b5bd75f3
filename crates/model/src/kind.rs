//! Kinds: what a value is, for comparing and matching (R7, L2).
//!
//! A kind is told by the schema or by the flow (`as: phone`), or it is seen from the value itself.
//! A property's name is only a hint: it makes a value that could be a telephone number one, and
//! never turns anything else into it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::region::Region;

/// What a value is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Not told: seen from the values.
    #[default]
    Seen,
    /// Seen from the values, but the property's name speaks for an e-mail address.
    LikelyEmail,
    /// Seen from the values, but the property's name speaks for a telephone number.
    LikelyPhone,
    /// A text and nothing else.
    Text,
    /// A text that is compared letter by letter when matching.
    Exact,
    Email,
    Phone,
    Url,
    Number,
    Boolean,
    /// A day.
    Date,
    /// A point in time.
    Instant,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 12] = [
        Kind::Seen,
        Kind::LikelyEmail,
        Kind::LikelyPhone,
        Kind::Text,
        Kind::Exact,
        Kind::Email,
        Kind::Phone,
        Kind::Url,
        Kind::Number,
        Kind::Boolean,
        Kind::Date,
        Kind::Instant,
    ];

    /// The words for `as:` in a flow file and a manifest.
    pub const WORDS: [(&'static str, Kind); 9] = [
        ("text", Kind::Text),
        ("exact", Kind::Exact),
        ("email", Kind::Email),
        ("phone", Kind::Phone),
        ("url", Kind::Url),
        ("number", Kind::Number),
        ("boolean", Kind::Boolean),
        ("date", Kind::Date),
        ("instant", Kind::Instant),
    ];

    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::WORDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }

    /// Its word; nothing where it is not told.
    pub fn word(self) -> Option<&'static str> {
        Kind::WORDS.iter().find(|(_, kind)| *kind == self).map(|(name, _)| *name)
    }

    /// Whether somebody told it.
    pub fn is_told(self) -> bool {
        !matches!(self, Kind::Seen | Kind::LikelyEmail | Kind::LikelyPhone)
    }

    /// What a property's name speaks for.
    pub fn hinted_by(path: &str) -> Kind {
        let name = path.to_lowercase();
        let last = name.rsplit('.').next().unwrap_or(&name);
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        // `MailAddress` is where letters go.
        if has(&["email", "e-mail", "epost", "e-post", "säköposti", "netfang"]) || last == "mail"
        {
            Kind::LikelyEmail
        } else if has(&["phone", "mobile", "telefon", "mobil", "puhelin", "sími", "gsm"])
            || ["fax", "tel", "tlf", "telefax"].iter().any(|word| name.ends_with(word))
        {
            Kind::LikelyPhone
        } else {
            Kind::Seen
        }
    }

    /// The kind of two that are compared: what is told goes before what is likely, and that before
    /// nothing.
    pub fn with(self, other: Kind) -> Kind {
        let rank = |kind: Kind| match kind {
            Kind::Seen => 0,
            Kind::LikelyPhone => 1,
            Kind::LikelyEmail => 2,
            _ => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// An e-mail address in the form in which it is compared; `None` where the text is none, or several.
/// `text` is folded and has nothing invisible.
pub(crate) fn email(text: &str) -> Option<Cow<'_, str>> {
    let bare = match text.strip_suffix('>') {
        // "Åse Berg <ase@example.com>"
        Some(named) => {
            let (name, address) = named.rsplit_once('<')?;
            if name.contains(['@', '<']) && has_several_addresses(text, false) {
                return None;
            }
            address.trim()
        }
        None => text,
    };
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare).trim_end_matches('.');
    // One look at each byte: every record with an address comes by here.
    let (mut at, mut blank) = (0, false);
    for (place, byte) in bare.bytes().enumerate() {
        match byte {
            b'@' => at = place,
            b',' | b';' | b'<' | b'>' => return None,
            b' ' | b'\t' | b'\n' | b'\r' => blank = true,
            _ => {}
        }
    }
    if at == 0 || at + 1 == bare.len() {
        return None;
    }
    if blank {
        if has_several_addresses(bare, false) {
            return None;
        }
        return Some(Cow::Owned(bare.chars().filter(|c| !c.is_whitespace()).collect()));
    }
    Some(Cow::Borrowed(bare))
}

/// Whether a folded text holds more than one e-mail address: `a@example.com; b@example.com`, `åse
/// <a@example.com>, bo <b@example.com>`. `alone` asks that it is nothing but addresses and the names
/// of their owners, and no sentence with addresses in it.
pub(crate) fn has_several_addresses(text: &str, alone: bool) -> bool {
    if text.bytes().filter(|byte| *byte == b'@').count() < 2 {
        return false;
    }
    let is_address = |word: &str| {
        word.split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
    };
    let signs = ['<', '>', '(', ')', '[', ']', '"', '\'', '.', ':'];
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '|' | '<'));
    let words = words.map(|word| word.trim_matches(signs)).filter(|word| !word.is_empty());
    let words = words.map(|word| word.strip_prefix("mailto:").unwrap_or(word));
    let (mut first, mut several, mut others) = (None, false, false);
    for word in words {
        match is_address(word) {
            true => several |= *first.get_or_insert(word) != word,
            false => others = true,
        }
    }
    several && (!alone || !others || text.contains('<'))
}

/// Whether a folded text is an e-mail address beyond doubt.
pub(crate) fn is_email(text: &str) -> bool {
    let blank_inside = !text.contains('<') && text.contains(char::is_whitespace);
    !blank_inside
        && email(text).is_some_and(|address| {
            let (local, domain) = address.rsplit_once('@').unwrap_or_default();
            domain.contains('.')
                && !local.contains('@')
                && !address.contains(['/', '\\', '(', ')', '='])
        })
}

/// What a text tells of a telephone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phone {
    /// `+` and digits, where the country is told by the number; else the digits as they stand.
    pub digits: String,
    pub international: bool,
    /// There is something between the digits but blanks: `22-33`, `(22) 33`.
    pub grouped: bool,
    /// There are blanks between the digits.
    pub spaced: bool,
    /// There is a word before it.
    pub labelled: bool,
    /// What is dialled once somebody answers.
    pub extension: String,
}

/// How many digits a telephone number has at most (E.164), with the zeros dialled before it.
const MOST_DIGITS: usize = 18;

/// Reads a telephone number: `+47 22 33 44 55`, `(+47) 22 33 44 55`, `0047…`, `+47 (0) 22 …`,
/// `22 33 44 55 ext. 12`, `tel: 22 33 44 55`. `None` for what is none. `text` is folded and has
/// nothing invisible.
pub(crate) fn phone(text: &str) -> Option<Phone> {
    let start = text.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '＋' | '('))?;
    let label = text[..start].trim().trim_end_matches([':', '.']);
    let labels =
        ["", "tel", "tlf", "telefon", "phone", "mob", "mobil", "mobile", "fax", "t", "m", "p"];
    if !labels.contains(&label) {
        return None;
    }
    let mut number = text[start..].replace("(0)", "");
    let labelled = !label.is_empty();
    let mut extension = String::new();
    // An extension is dropped: what follows a sign or word for it.
    if let Some(at) = number.find(|c: char| c.is_alphabetic() || matches!(c, ';' | ',' | '#')) {
        let tail = number[at..].trim_start_matches([';', ',', '#', ' ']);
        let word: String = tail.chars().take_while(|c| c.is_alphabetic()).collect();
        let words = [
            "",
            "x",
            "ext",
            "extension",
            "linje",
            "intern",
            "int",
            "lokal",
            "anknytning",
            "ankn",
            "alanumero",
        ];
        if !words.contains(&word.as_str())
            || !tail[word.len()..].chars().all(|c| c.is_ascii_digit() || " .:=".contains(c))
        {
            return None;
        }
        extension = tail.chars().filter(char::is_ascii_digit).collect();
        number.truncate(at);
    }
    let number = number.trim();
    let is_plus = |c: char| matches!(c, '+' | '＋');
    let mut digits = String::with_capacity(number.len());
    let (mut plus, mut grouped, mut spaced) = (false, false, false);
    for c in number.chars() {
        match c {
            _ if c.is_ascii_digit() => digits.push(c),
            _ if is_plus(c) && digits.is_empty() && !plus => plus = true,
            ' ' | '\u{a0}' => spaced |= !digits.is_empty(),
            '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' => grouped = true,
            _ => return None,
        }
    }
    if digits.len() < 3 || digits.len() > MOST_DIGITS {
        return None;
    }
    let abroad =
        digits.strip_prefix("00").filter(|rest| !plus && rest.len() >= 7 && !rest.starts_with('0'));
    let international = plus || abroad.is_some();
    let digits = match (plus, abroad) {
        (true, _) => format!("+{digits}"),
        (false, Some(rest)) => format!("+{rest}"),
        (false, None) => digits,
    };
    Some(Phone { digits, international, grouped, spaced, labelled, extension })
}

impl Phone {
    /// The number as `+` and digits, where its country is told by it or by the region; else its
    /// digits.
    pub fn in_region(self, region: Option<Region>) -> String {
        match region {
            Some(region) if !self.international => region.international(&self.digits),
            _ => self.digits,
        }
    }

    /// Whether this is a telephone number beyond doubt, though nothing speaks for it but the value:
    /// it names its country.
    pub fn is_certain(&self) -> bool {
        self.international && (8..=MOST_DIGITS).contains(&self.digits.len())
    }

    /// Whether a value of which nothing else is known may be compared by its digits: nothing but
    /// digits and blanks, in such number that it is neither a count nor a card. A zero in front
    /// belongs to a code as well as to a number.
    pub fn is_plain(&self) -> bool {
        !self.international
            && !self.grouped
            && !self.labelled
            && self.extension.is_empty()
            && (7..=12).contains(&self.digits.len())
            && (self.spaced || !self.digits.starts_with('0'))
    }
}

/// An address of a page in the form in which it is compared: scheme and host folded, the scheme's
/// own port and a lone slash left out.
pub(crate) fn url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme.is_empty()
        || !scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    if host.is_empty() || host.contains(char::is_whitespace) {
        return None;
    }
    let host = host.to_lowercase();
    let port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => ":",
    };
    let host = host.strip_suffix(port).unwrap_or(&host);
    let path = if path == "/" { "" } else { path };
    Some(format!("{scheme}://{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l2_a_name_alone_tells_no_kind() {
        for path in [
            "EmailAddress",
            "info.emails.email",
            "loginEmail",
            "mail",
            "profile.email.email",
            "E-post",
            "epost",
        ] {
            assert_eq!(Kind::hinted_by(path), Kind::LikelyEmail, "{path}");
        }
        for path in
            ["MobilePhones.Value", "telefon", "tlf", "Mobil", "puhelin", "kontakt.tel", "Fax"]
        {
            assert_eq!(Kind::hinted_by(path), Kind::LikelyPhone, "{path}");
        }
        assert_eq!(Kind::hinted_by("MailAddress.City"), Kind::Seen);
        assert_eq!(Kind::hinted_by("hotel.name"), Kind::Seen);
        assert!(!Kind::LikelyPhone.is_told());
        assert_eq!(Kind::LikelyPhone.with(Kind::Text), Kind::Text);
        assert_eq!(Kind::Seen.with(Kind::LikelyEmail), Kind::LikelyEmail);
    }

    #[test]
    fn l2_telephone_numbers_in_all_their_forms() {
        let norway = Region::parse("NO");
        let forms = [
            "+47 22 33 44 55",
            "(+47) 22 33 44 55",
            "+47 (0) 22 33-44-55",
            "+47(0)22334455",
            "0047 22334455",
            "00 47 22 33 44 55",
            "+4722334455 x12",
            "+47 22334455 ext. 12",
            "22334455;ext=12",
            "22 33 44 55",
            "22.33.44.55",
            "4722334455",
            "tlf. 22 33 44 55",
            "tel:+4722334455",
        ];
        for form in forms {
            let number = phone(form).unwrap_or_else(|| panic!("{form}"));
            assert_eq!(number.in_region(norway), "+4722334455", "{form}");
        }
        assert_eq!(phone("22 33 44 55").unwrap().in_region(None), "22334455");
        assert_eq!(phone("08-123 456 78").unwrap().in_region(Region::parse("SE")), "+46812345678");
        assert_eq!(phone("(212) 555-0100").unwrap().in_region(Region::parse("US")), "+12125550100");
        for text in [
            "-",
            "12",
            "ring anna 22334455",
            "berg 7",
            "1-800-flowers",
            "22334455@example.com",
            "",
            "22334455 or 66",
        ] {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    #[test]
    fn l2_addresses_of_mail_in_all_their_forms() {
        for text in [
            "ase@example.com",
            "mailto:ase@example.com",
            "åse berg <ase@example.com>",
            "ase@example.com.",
            "ase @example.com",
        ] {
            assert_eq!(email(text).as_deref(), Some("ase@example.com"), "{text}");
            assert_eq!(is_email(text), text != "ase @example.com", "{text}");
        }
        for text in [
            "ase",
            "@example.com",
            "ase@",
            "a@example.com; b@example.com",
            "@handle",
            "åse <a@example.com>, bo <b@example.com>",
            "a@example.com, bo <b@example.com>",
            "a@example.com b@example.com",
        ] {
            assert_eq!(email(text), None, "{text}");
        }
        for text in [
            "a@example.com <a@example.com>",
            "\"berg, åse\" <a@example.com>",
            "info@home <a@example.com>",
        ] {
            assert_eq!(email(text).as_deref(), Some("a@example.com"), "{text}");
        }
        assert!(!is_email("ase@home"));
    }

    #[test]
    fn r7_addresses_of_pages_in_all_their_forms() {
        assert_eq!(url("HTTPS://Example.com:443/").as_deref(), Some("https://example.com"));
        assert_eq!(url("https://example.com/A?b=C").as_deref(), Some("https://example.com/A?b=C"));
        assert_ne!(url("https://example.com/a"), url("https://example.com/A"));
        assert_ne!(url("http://example.com"), url("https://example.com"));
        assert_eq!(url("example.com"), None);
    }
}
