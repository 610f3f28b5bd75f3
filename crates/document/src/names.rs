//! Names of systems and record types as documents write them.
//!
//! A document says `SuperOffice Person`: a system and a record type with nothing but a space
//! between them, and both may be of several words (`PowerOffice GO Customers person`), or the
//! system may have no name at all (`" Users"`, with the space still there). Where the system ends
//! is not written, so it is inferred from what the rest of the document says (see
//! [`split_system`]); `docs/documents.md` states the form.

use std::fmt;

use crate::words::tidy;

/// The name of a record type: its system, its kind, and a facet where one record can stand for
/// two things (`Wave Customer (human data)`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct TypeName {
    /// The system's name; empty where the document leaves the system unnamed.
    pub system: String,
    /// The record type's name within the system.
    pub kind: String,
    /// What stands in brackets behind the name.
    pub facet: Option<String>,
}

impl TypeName {
    /// A name of a system and a kind. A facet may stand behind the kind, in brackets.
    ///
    /// ```
    /// use lockstep_document::TypeName;
    /// let name = TypeName::new("Wave", "Customer (human data)");
    /// assert_eq!(name.kind, "Customer");
    /// assert_eq!(name.facet.as_deref(), Some("human data"));
    /// assert_eq!(name.to_string(), "Wave Customer (human data)");
    /// ```
    #[must_use]
    pub fn new(system: &str, kind: &str) -> TypeName {
        let kind = tidy(kind);
        let (kind, facet) = match facet_of(&kind) {
            Some((kind, facet)) => (kind.to_string(), Some(facet.to_string())),
            None => (kind, None),
        };
        TypeName { system: tidy(system), kind, facet }
    }

    /// Kind and facet, without the system: `Customer (human data)`.
    #[must_use]
    pub fn within_system(&self) -> String {
        match &self.facet {
            Some(facet) => format!("{} ({facet})", self.kind),
            None => self.kind.clone(),
        }
    }
}

/// As documents write it: the system, one space, the kind. An unnamed system leaves the space.
impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.system, self.within_system())
    }
}

/// `Customer (human data)` into `Customer` and `human data`. Brackets may nest.
fn facet_of(kind: &str) -> Option<(&str, &str)> {
    let inner = kind.strip_suffix(')')?;
    let mut depth = 1;
    let open = inner.char_indices().rev().find_map(|(at, c)| {
        match c {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    let facet = inner[open + 1..].trim();
    let kind = kind[..open].strip_suffix(' ')?.trim_end();
    (!facet.is_empty() && !kind.is_empty()).then_some((kind, facet))
}

/// What a document says about the name of one side's system.
#[derive(Debug, Clone, Default)]
pub(crate) struct SystemEvidence {
    /// The system named by the header `<System> Data Type`, or after `synchronized into`.
    pub named: Option<Vec<String>>,
    /// The system as the title has it; `Some` of nothing when the title leaves it unnamed.
    pub title: Option<Vec<String>>,
    /// The first words that all headings of the document have in common on this side.
    pub common: Vec<String>,
    /// Whether the name begins with a space of its own, as that of an unnamed system does.
    pub leading_space: bool,
}

/// How sure the split is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    Stated,
    Guessed,
}

/// Splits `System Type` into system and type.
///
/// In order: the name in the header of the type column, the title's name, the extra space that an
/// unnamed system leaves, the title's name but for case and spaces (`Powerofficego` for
/// `PowerOffice GO`); after these it is a guess.
pub(crate) fn split_system(words: &[String], evidence: &SystemEvidence) -> (TypeName, Certainty) {
    let at = |count: usize| {
        TypeName::new(&words[..count].join(" "), &words[count.min(words.len())..].join(" "))
    };
    for stated in [&evidence.named, &evidence.title].into_iter().flatten() {
        if !stated.is_empty() && words.starts_with(stated) {
            return (at(stated.len()), Certainty::Stated);
        }
    }
    if evidence.leading_space || evidence.title.as_ref().is_some_and(Vec::is_empty) {
        return (at(0), Certainty::Stated);
    }
    for stated in [&evidence.named, &evidence.title].into_iter().flatten() {
        if let Some(count) = loose_prefix(words, stated) {
            return (at(count), Certainty::Stated);
        }
    }
    if let (1, Some(title)) = (words.len(), &evidence.title) {
        return (TypeName::new(&title.join(" "), &words.join(" ")), Certainty::Guessed);
    }
    let common = evidence.common.len();
    if common > 0 && common < words.len() {
        return (at(common), Certainty::Guessed);
    }
    (at(usize::from(words.len() > 1)), Certainty::Guessed)
}

/// How many of the words spell `name`, case and spaces aside.
fn loose_prefix(words: &[String], name: &[String]) -> Option<usize> {
    let wanted = squeezed(name);
    if wanted.is_empty() {
        return None;
    }
    (1..=words.len()).find(|count| squeezed(&words[..*count]) == wanted)
}

/// The words in lower case with nothing between them.
pub(crate) fn squeezed(words: &[String]) -> String {
    words.concat().to_lowercase()
}

/// The words that all names begin with, at least one word of each left over for the kind.
pub(crate) fn common_words(names: &[&[String]]) -> Vec<String> {
    let Some((first, others)) = names.split_first() else {
        return Vec::new();
    };
    if others.iter().all(|other| other == first) {
        return Vec::new();
    }
    let shortest = names.iter().map(|n| n.len()).min().unwrap_or(0);
    let mut count = 0;
    while count + 1 < shortest && others.iter().all(|o| o[count] == first[count]) {
        count += 1;
    }
    first[..count].to_vec()
}

/// The ways to read words as `<one> to <other>`: positions of a `to`.
pub(crate) fn splits_at_to(words: &[String]) -> Vec<usize> {
    let exact: Vec<usize> = positions(words, |w| w == "to");
    if exact.is_empty() { positions(words, |w| w.eq_ignore_ascii_case("to")) } else { exact }
}

fn positions(words: &[String], wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    // A line of nothing but `to` is nobody's heading.
    (0..words.len()).filter(|i| wanted(&words[*i])).take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    fn check(name: &str, evidence: &SystemEvidence, expect: (&str, &str, Certainty)) {
        let (got, sure) = split_system(&words(name), evidence);
        assert_eq!((got.system.as_str(), got.within_system().as_str(), sure), expect);
    }

    #[test]
    fn facets_stand_in_brackets() {
        assert_eq!(facet_of("Customer (human data)"), Some(("Customer", "human data")));
        assert_eq!(facet_of("A (b) (c (d))"), Some(("A (b)", "c (d)")));
        assert_eq!(facet_of("A ()"), None);
        assert_eq!(facet_of("(a)"), None);
        assert_eq!(facet_of("A b)"), None);
        assert_eq!(facet_of("call(x)"), None);
    }

    #[test]
    fn an_unnamed_system_leaves_its_space() {
        assert_eq!(TypeName::new("", "Users").to_string(), " Users");
    }

    #[test]
    fn the_system_is_split_off_by_what_the_document_says() {
        use Certainty::{Guessed, Stated};
        let titled =
            |title: &str| SystemEvidence { title: Some(words(title)), ..SystemEvidence::default() };
        check(
            "PowerOffice GO Customers person",
            &titled("PowerOffice GO"),
            ("PowerOffice GO", "Customers person", Stated),
        );
        check(
            "Powerofficego Customers",
            &titled("PowerOffice GO"),
            ("Powerofficego", "Customers", Stated),
        );
        check("Users", &titled(""), ("", "Users", Stated));
        check("Users", &titled("Zendesk"), ("Zendesk", "Users", Guessed));
        let header = SystemEvidence {
            named: Some(words("Exact Online")),
            title: Some(words("Exact")),
            ..SystemEvidence::default()
        };
        check("Exact Online Items", &header, ("Exact Online", "Items", Stated));
        let spaced = SystemEvidence { leading_space: true, ..titled("Wix") };
        check("Users", &spaced, ("", "Users", Stated));
        check("Wix Users", &spaced, ("Wix", "Users", Stated));
        let nothing = SystemEvidence::default();
        check("Wix Contacts", &nothing, ("Wix", "Contacts", Guessed));
        let common =
            SystemEvidence { common: words("Business Central"), ..SystemEvidence::default() };
        check("Business Central Items", &common, ("Business Central", "Items", Guessed));
    }

    #[test]
    fn common_words_leave_one_for_the_kind() {
        let (a, b) = (words("Business Central Items"), words("Business Central"));
        assert_eq!(common_words(&[&a, &b]), ["Business"]);
        assert!(common_words(&[&a, &a]).is_empty());
    }
}
