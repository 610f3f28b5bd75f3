//! One set of words for what record types and properties of all systems mean: `person.email`,
//! `organization.address[delivery].city`. Manifests say `means:` in these words, and are held
//! against them when they are read. Nothing that a run does depends on it.
//!
//! The words are in `vocabulary.yaml`, the page about them is `docs/vocabulary.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use lockstep_model::near::near;
use serde::Deserialize;

/// The words, by kind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// What tells several values of one property apart: which telephone, which address.
    roles: BTreeMap<String, RoleSet>,
    /// What a record can be, and what parts it can have.
    types: BTreeMap<String, TypeTerm>,
    properties: BTreeMap<String, PropertyTerm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleSet {
    what: String,
    words: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeTerm {
    /// What it is a kind of: it has the properties of that, too.
    is: Option<String>,
    what: String,
    /// The term of schema.org that means the same.
    iri: Option<String>,
}

/// A property.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyTerm {
    /// The type that has it.
    of: String,
    /// One of [`PLAIN`], or a type: a reference to such a record, or a part of this one.
    #[serde(rename = "type")]
    pub ty: String,
    roles: Option<String>,
    what: String,
    iri: Option<String>,
}

/// The types of properties that are no references, each with what it is.
const PLAIN: [(&str, &str); 9] = [
    ("text", "any text, or a word of the system"),
    ("email", "an e-mail address"),
    ("phone", "a telephone number"),
    ("url", "a web address"),
    ("number", "a number"),
    ("money", "an amount of money"),
    ("boolean", "yes or no"),
    ("date", "a day, or a moment on it"),
    ("time", "a moment"),
];
/// A length of time, in minutes.
const DURATION: &str = "duration";
/// What a postal address is written with: a part of a record and no record.
const PART: &str = "address";

/// The vocabulary.
pub fn vocabulary() -> &'static Vocabulary {
    static WORDS: LazyLock<Vocabulary> = LazyLock::new(|| {
        // The file is a part of the program; a test reads it.
        serde_saphyr::from_str(include_str!("../vocabulary.yaml")).unwrap_or_default()
    });
    &WORDS
}

impl Vocabulary {
    /// Whether a record type can mean this.
    ///
    /// # Errors
    /// Why not, with near words.
    pub fn record_type(&self, word: &str) -> Result<(), String> {
        if self.types.contains_key(word) && word != PART {
            return Ok(());
        }
        let words = self.types.keys().map(String::as_str).filter(|known| *known != PART);
        Err(format!("`{word}` is no record type of the vocabulary{}", meant(word, words)))
    }

    /// What a property means, by its path from a record type: `person.worksFor.name`.
    ///
    /// # Errors
    /// Which step leads nowhere, with near words.
    pub fn property(&self, path: &str) -> Result<&PropertyTerm, String> {
        let mut steps = path.split('.');
        let first = steps.next().unwrap_or_default();
        self.record_type(first)?;
        let mut holder = first;
        let mut last = None;
        for step in steps {
            let (name, role) = match step.split_once('[') {
                Some((name, rest)) => (name, Some(rest.strip_suffix(']').unwrap_or(rest))),
                None => (step, None),
            };
            if !self.types.contains_key(holder) {
                return Err(format!(
                    "`{path}`: `{name}` is a part of a {holder}, which has no parts"
                ));
            }
            let found = self.properties.get(name);
            let Some(term) = found.filter(|term| self.is_a(holder, &term.of)) else {
                let words = self.of(holder).map(|(name, _)| name);
                return Err(format!(
                    "`{path}`: the vocabulary has no `{name}` of {holder}{}",
                    meant(name, words)
                ));
            };
            if let Some(role) = role {
                self.role(path, name, term, role)?;
            }
            holder = &term.ty;
            last = Some(term);
        }
        last.ok_or_else(|| format!("`{path}` is a record type: say which property of it is meant"))
    }

    fn role(&self, path: &str, name: &str, term: &PropertyTerm, role: &str) -> Result<(), String> {
        let Some(set) = term.roles.as_ref().and_then(|set| self.roles.get(set)) else {
            return Err(format!("`{path}`: `{name}` has no roles"));
        };
        if set.words.contains_key(role) {
            return Ok(());
        }
        let words = set.words.keys().map(String::as_str);
        Err(format!("`{path}`: `{role}` is no role of `{name}`{}", meant(role, words)))
    }

    /// Whether a type is a kind of another one, or the same.
    pub fn is_a(&self, kind: &str, other: &str) -> bool {
        let mut at = Some(kind);
        while let Some(word) = at {
            if word == other {
                return true;
            }
            at = self.types.get(word).and_then(|term| term.is.as_deref());
        }
        false
    }

    /// Whether a property of this type leads to another record.
    pub fn refers(&self, term: &PropertyTerm) -> bool {
        self.types.contains_key(&term.ty) && term.ty != PART
    }

    /// Its properties, those of what it is a kind of included.
    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a PropertyTerm)> {
        self.properties
            .iter()
            .filter(move |(_, term)| self.is_a(kind, &term.of))
            .map(|(name, term)| (name.as_str(), term))
    }

    /// The page about it, in Markdown.
    pub fn page(&self) -> String {
        let mut out = String::from(PAGE_HEAD);
        let iri = |iri: &Option<String>| {
            iri.as_ref().map_or(String::new(), |iri| {
                format!("[{}]({iri})", iri.rsplit('/').next().unwrap_or(iri))
            })
        };
        out.push_str("\n## Record types\n\n| term | is a | what it is | schema.org |\n| --- | --- | --- | --- |\n");
        for (name, term) in &self.types {
            let is = term.is.as_ref().map_or(String::new(), |is| format!("`{is}`"));
            let _ = writeln!(out, "| `{name}` | {is} | {} | {} |", term.what, iri(&term.iri));
        }
        out.push_str(
            "\n`address` is a part of a record; no record type means it.\n\n## Properties\n",
        );
        for kind in self.types.keys() {
            let own = || self.properties.iter().filter(|(_, term)| term.of == *kind);
            if own().next().is_none() {
                continue;
            }
            let _ = writeln!(
                out,
                "\n### Of `{kind}`\n\n| term | type | what it is | schema.org |\n| --- | --- | --- | --- |"
            );
            for (name, term) in own() {
                let roles = term.roles.as_ref().map_or(String::new(), |set| format!("[{set}]"));
                let _ = writeln!(
                    out,
                    "| `{name}{roles}` | {} | {} | {} |",
                    term.ty,
                    term.what,
                    iri(&term.iri)
                );
            }
        }
        out.push_str("\n## Roles\n");
        for (name, set) in &self.roles {
            let _ =
                writeln!(out, "\n### {name}: {}\n\n| role | what it is |\n| --- | --- |", set.what);
            for (word, what) in &set.words {
                let _ = writeln!(out, "| `{word}` | {what} |");
            }
        }
        out.push_str("\n## Types\n\n| type | what it is |\n| --- | --- |\n");
        for (name, what) in PLAIN {
            let _ = writeln!(out, "| {name} | {what} |");
        }
        let _ = writeln!(out, "| {DURATION} | a length of time, in minutes |");
        out.push_str("| any other | a record of that type, or a part of that form |\n");
        out
    }
}

const PAGE_HEAD: &str = "# The vocabulary

What record types and properties of systems mean, in one set of words. A manifest says it with `means:` on a record type and on its properties
([Connectors](connectors.md)); all built-in manifests do. It is said for people and for tools that propose which properties belong together. **Nothing
that a run does depends on it.**

A record type means one of the [record types](#record-types). A property means a path that begins with what its record type means: `person.email`. A property with roles
may say which one it is: `organization.telephone[mobile]`. A reference, and an address, lead on: `person.worksFor.name`, `organization.address[delivery].city`. What is
a kind of something else has the properties of that, too. Most properties are `thing`'s.

Words that are not here are refused where a manifest is checked, and near ones offered.
The names are those of schema.org where it has one that fits; the last column is the term there that means the same, or nearly so.
This page is made of `crates/connector/vocabulary.yaml`.
";

/// What was probably meant.
fn meant<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    match near(word, words).first() {
        Some(name) => format!(": is `{name}` meant?"),
        None => "; docs/vocabulary.md has all words".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_somewhere() {
        let words: Vocabulary = serde_saphyr::from_str(include_str!("../vocabulary.yaml")).unwrap();
        for (name, term) in &words.types {
            let is = term.is.as_ref().is_none_or(|is| words.types.contains_key(is));
            assert!(is, "{name}");
        }
        for (name, term) in &words.properties {
            assert!(words.types.contains_key(&term.of), "{name} of {}", term.of);
            let plain = PLAIN.iter().any(|(plain, _)| *plain == term.ty) || term.ty == DURATION;
            assert!(plain || words.types.contains_key(&term.ty), "{name}: {}", term.ty);
            assert!(term.roles.as_ref().is_none_or(|set| words.roles.contains_key(set)), "{name}");
        }
        let iris = words.types.values().map(|term| &term.iri);
        for iri in iris.chain(words.properties.values().map(|term| &term.iri)).flatten() {
            assert!(iri.starts_with("https://schema.org/"), "{iri}");
        }
    }

    #[test]
    fn a_path_leads_through_references_parts_and_roles() {
        let words = vocabulary();
        for path in [
            "person.email",
            "customer.telephone[mobile]",
            "organization.address[delivery].city",
            "employee.worksFor.name",
        ] {
            assert!(words.property(path).is_ok(), "{path}: {:?}", words.property(path).err());
        }
        for (path, told) in [
            ("persn.email", "is `person` meant?"),
            ("person.emial", "is `email` meant?"),
            ("person.telephone[mobil]", "is `mobile` meant?"),
            ("person.name[mobile]", "`name` has no roles"),
            ("person.revenu", "is `revenue` meant?"),
            ("person.email.city", "has no parts"),
            ("person", "say which property"),
            ("address.city", "no record type"),
            ("ticket.sku", "docs/vocabulary.md"),
        ] {
            let why = words.property(path).err().unwrap_or_default();
            assert!(why.contains(told), "{path}: {why}");
        }
    }
}
