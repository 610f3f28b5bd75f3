//! Which system a name means: the project's own name for it, its title, or one of its aliases.
//!
//! Documents are free with names: `Powerofficego` is `poweroffice-go`, `Wix.com` is `wix`, and an
//! empty name is whatever `unnamed:` says.

use std::collections::BTreeMap;

/// The names of a project's systems.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    systems: Vec<SystemNames>,
    /// What a document leaves unnamed.
    unnamed: Option<String>,
    /// Names by which a document calls two systems, by the side of its headings.
    sides: Vec<(String, [String; 2])>,
}

/// A side of a document's heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadingSide {
    First,
    Second,
}

/// The names of one system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemNames {
    /// In the project: `wix`.
    pub name: String,
    /// As documents call it, if that is said.
    pub title: Option<String>,
    /// Other names.
    pub aliases: Vec<String>,
}

/// Why a name means no system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// An empty name, and nothing says what it stands for.
    Unnamed,
    Unknown,
    /// It fits these alike.
    Ambiguous(Vec<String>),
}

impl Names {
    /// The names of these systems.
    pub fn new(systems: Vec<SystemNames>) -> Self {
        Names { systems, unnamed: None, sides: vec![] }
    }

    /// The same with what one document says of its own: the system that it leaves unnamed, and
    /// names of its own.
    pub fn of_document(&self, unnamed: Option<&str>, own: &BTreeMap<String, String>) -> Names {
        let mut names = self.clone();
        names.unnamed = unnamed.map(String::from).or(names.unnamed);
        for (alias, name) in own {
            if let Some(system) = names.systems.iter_mut().find(|system| system.name == *name) {
                system.aliases.push(alias.clone());
            }
        }
        names
    }

    /// The same with a name that means one system on the first side of a heading and another on the
    /// second.
    pub(crate) fn with_sides(mut self, name: &str, systems: [String; 2]) -> Names {
        self.sides.push((name.into(), systems));
        self
    }

    /// The system that a name on this side of a heading means.
    pub(crate) fn resolve_side(
        &self,
        written: &str,
        side: HeadingSide,
    ) -> Result<&str, Unresolved> {
        let fits = |(name, _): &&(String, [String; 2])| squeezed(name) == squeezed(written);
        match self.sides.iter().find(fits) {
            Some((_, systems)) => Ok(&systems[side as usize]),
            None => self.resolve(written),
        }
    }

    /// The systems' names in the project.
    pub fn systems(&self) -> impl Iterator<Item = &str> {
        self.systems.iter().map(|system| system.name.as_str())
    }

    /// Whether the project has a system of exactly this name.
    pub fn has(&self, name: &str) -> bool {
        self.systems().any(|system| system == name)
    }

    /// How documents call a system.
    pub fn title<'a>(&'a self, name: &'a str) -> &'a str {
        let system = self.systems.iter().find(|system| system.name == name);
        system.and_then(|system| system.title.as_deref()).unwrap_or(name)
    }

    /// All names that mean a system, for near names.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.systems.iter().flat_map(|s| {
            std::iter::once(s.name.as_str())
                .chain(s.title.as_deref())
                .chain(s.aliases.iter().map(String::as_str))
        })
    }

    /// The system that a document's name means: exactly, else but for case, spaces and signs, else
    /// but for `.com` behind it.
    pub(crate) fn resolve(&self, written: &str) -> Result<&str, Unresolved> {
        if squeezed(written).is_empty() {
            let unnamed = self
                .unnamed
                .as_deref()
                .and_then(|name| self.systems().find(|system| *system == name));
            return unnamed.ok_or(Unresolved::Unnamed);
        }
        let exact = |name: &str| name == written;
        let loose = |name: &str| squeezed(name) == squeezed(written);
        let bare = |name: &str| squeezed(without_domain(name)) == squeezed(without_domain(written));
        for fits in [&exact as &dyn Fn(&str) -> bool, &loose, &bare] {
            let mut found = self.systems.iter().filter(|system| {
                fits(&system.name)
                    || system.title.as_deref().is_some_and(fits)
                    || system.aliases.iter().any(|alias| fits(alias))
            });
            match (found.next(), found.next()) {
                (Some(only), None) => return Ok(&only.name),
                (Some(first), Some(second)) => {
                    let others = found.map(|system| system.name.clone());
                    return Err(Unresolved::Ambiguous(
                        [first.name.clone(), second.name.clone()]
                            .into_iter()
                            .chain(others)
                            .collect(),
                    ));
                }
                (None, _) => {}
            }
        }
        Err(Unresolved::Unknown)
    }
}

/// Letters and digits in lower case: what is left of a name when spelling does not count.
pub(crate) fn squeezed(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `Wix.com` without its `.com`.
pub(crate) fn without_domain(name: &str) -> &str {
    let domains = [".com", ".io", ".net", ".org", ".no", ".se", ".dk", ".fi", ".eu"];
    let lower = name.to_lowercase();
    match domains.iter().find(|domain| lower.ends_with(*domain) && lower.len() == name.len()) {
        Some(domain) => &name[..name.len() - domain.len()],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let system = |name: &str, title: Option<&str>, aliases: &[&str]| SystemNames {
            name: name.into(),
            title: title.map(String::from),
            aliases: aliases.iter().map(|a| a.to_string()).collect(),
        };
        Names::new(vec![
            system("wix", None, &[]),
            system("poweroffice-go", Some("PowerOffice GO"), &[]),
            system("shop", Some("Store"), &[]),
            system("shop2", Some("Store"), &["Wix 2"]),
        ])
    }

    #[test]
    fn names_are_resolved_as_documents_write_them() {
        let names = names();
        for (written, system) in [
            ("wix", "wix"),
            ("Wix.com", "wix"),
            ("Powerofficego", "poweroffice-go"),
            ("PowerOffice  GO", "poweroffice-go"),
            ("wix-2", "shop2"),
        ] {
            assert_eq!(names.resolve(written), Ok(system), "{written}");
        }
        assert_eq!(
            names.resolve("Store"),
            Err(Unresolved::Ambiguous(vec!["shop".into(), "shop2".into()]))
        );
        assert_eq!(names.resolve("Zendesk"), Err(Unresolved::Unknown));
    }

    #[test]
    fn an_unnamed_system_is_what_is_said_of_the_document() {
        assert_eq!(names().resolve(" "), Err(Unresolved::Unnamed));
        assert_eq!(names().of_document(Some("wix"), &BTreeMap::new()).resolve(""), Ok("wix"));
        let own = BTreeMap::from([("Store".to_string(), "shop2".to_string())]);
        // An alias of the document's own does not make the title any clearer.
        assert!(names().of_document(None, &own).resolve("Store").is_err());
        let own = BTreeMap::from([("The shop".to_string(), "shop".to_string())]);
        assert_eq!(names().of_document(None, &own).resolve("the shop"), Ok("shop"));
    }
}
