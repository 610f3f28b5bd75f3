//! What a connector says of its record types: properties with their types, references and marks,
//! and what can be done.
//!
//! A schema also settles which written paths mean the same property. `profile.email` (an object
//! whose value is its `email`) and `profile.email.email` are one; `primaryInfo.email`, which the
//! system derives from the primary element of `info.emails`, and `info.emails` are one.
//! [`TypeSchema::resolve`] gives the path that all of them stand for.

use serde::{Deserialize, Serialize};

use crate::ids::TypeName;
use crate::kind::Kind;
use crate::matching::Placeholders;
use crate::path::Path;
use crate::region::Region;

/// The plain type of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlainType {
    String,
    Integer,
    Float,
    Decimal,
    Boolean,
    /// A whole list, compared and written as one value.
    List,
    /// A time, RFC 3339.
    Datetime,
    /// A day, `2024-01-31`.
    Date,
    /// A number of minutes: no point in time, so never paired with one as it stands.
    Minutes,
    /// An object or something not described further.
    Any,
}

impl PlainType {
    /// Its name in schemas and messages.
    pub fn name(self) -> &'static str {
        match self {
            PlainType::String => "string",
            PlainType::Integer => "integer",
            PlainType::Float => "float",
            PlainType::Decimal => "decimal",
            PlainType::Boolean => "boolean",
            PlainType::List => "list",
            PlainType::Datetime => "datetime",
            PlainType::Date => "date",
            PlainType::Minutes => "minutes",
            PlainType::Any => "any",
        }
    }
}

/// How a system changes a text when it stores it, where that is known beforehand (P3: equality is
/// judged in these terms).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoredAs {
    /// White space around it is dropped.
    pub trimmed: bool,
    /// Kept in upper case.
    pub upper: bool,
    /// Kept in lower case.
    pub lower: bool,
    /// Kept as written, but two values that differ in case only are the same to it: an e-mail
    /// address.
    pub caseless: bool,
    /// Cut to so many characters.
    pub max_chars: Option<usize>,
}

/// One property of a record type.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertySchema {
    pub path: Path,
    pub ty: PlainType,
    /// The way to it leads through a list, or it is one.
    pub list: bool,
    /// For a list or an object: the child that is its value (`info.emails` has `email`).
    pub value: Option<String>,
    /// The system derives it from this path; writing there is what changes it (P10).
    pub derived_from: Option<Path>,
    /// Read, never written (P10).
    pub read_only: bool,
    /// Written when a record is created, never after.
    pub create_only: bool,
    /// A record can't be created without it (C4).
    pub required: bool,
    /// It holds the id of a record of this record type (P8, C5).
    pub reference: Option<String>,
    /// The system that has that record type, where it is another one of the project.
    pub reference_system: Option<String>,
    /// What the system makes of a value (P3).
    pub stored_as: StoredAs,
    /// What its values are, for comparing them (R7): an e-mail address, a telephone number.
    pub kind: Kind,
    /// For a list: its order counts (P11). The first element is not just any.
    pub ordered: bool,
    /// The type is assumed: nobody told it, and the property may hold something else, such as a
    /// list.
    pub assumed: bool,
    /// What the values are, where that is more, or less, than `ty` says: of a type that is left open
    /// what the records hold that were looked at; `Any` where nothing is known of the values.
    pub holds: Option<PlainType>,
    /// The property of the record that says when this one was put in, where it has a time of its
    /// own (P1).
    pub modified: Option<Path>,
    /// What a reader should know about it; shown by `check`.
    pub note: Option<String>,
}

impl PropertySchema {
    /// The record type that it refers to, as a property of this system (P8).
    pub fn refers_to(&self, system: &str) -> Option<TypeName> {
        let system = self.reference_system.as_deref().unwrap_or(system);
        self.reference.as_ref().map(|kind| TypeName::new(system, kind))
    }

    /// Whether its value, a child of the list or object that it is, has this path.
    fn has_value_at(&self, path: &Path) -> bool {
        let child =
            path.as_str().strip_prefix(self.path.as_str()).and_then(|rest| rest.strip_prefix('.'));
        child.is_some() && child == self.value.as_deref()
    }

    /// A writable property of this type.
    pub fn new(path: impl Into<Path>, ty: PlainType) -> Self {
        PropertySchema {
            path: path.into(),
            ty,
            list: false,
            value: None,
            derived_from: None,
            read_only: false,
            create_only: false,
            required: false,
            reference: None,
            reference_system: None,
            stored_as: StoredAs::default(),
            kind: Kind::Seen,
            ordered: false,
            assumed: false,
            holds: None,
            modified: None,
            note: None,
        }
    }
}

/// What a connector can do with a record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub create: bool,
    pub update: bool,
    pub delete: bool,
    /// Brings a deleted record back (D2).
    pub restore: bool,
    /// Reads what changed since a checkpoint, instead of everything.
    pub since: bool,
    /// Looks records up by a property's value.
    pub find: bool,
    /// Reads one record by its id.
    pub get: bool,
    /// Tells of deletions in what it reads.
    pub tells_deletions: bool,
}

/// Where a record type's properties are known from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownFrom {
    /// They are declared: by a manifest, a database, a standard.
    #[default]
    Declaration,
    /// The header of a file: it has these columns and no others.
    Header,
    /// Some of the records: what they lack may stand in others.
    Sample,
}

/// A record type as its connector describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeSchema {
    /// Its name in the system: `Contacts`.
    pub kind: String,
    pub properties: Vec<PropertySchema>,
    pub known_from: KnownFrom,
    /// Names that have a dot in them, as the paths that they read like: no path leads to them.
    pub dotted: Vec<Path>,
    /// Paths that are not listed are allowed (a folder of files has no schema).
    pub open: bool,
    pub can: Capabilities,
    /// A property that is left out of a record is empty, not untold (R5).
    pub absent_is_empty: bool,
    /// How long after a write a read may still show what was before, in milliseconds (P5a).
    pub settles_ms: i64,
    /// The property that says when a record was created: it tells one record from another of the
    /// same key (R9).
    pub created: Option<Path>,
    /// The properties that its id is made of, where these are several; else empty. No property
    /// refers to such a record.
    pub key: Vec<Path>,
    /// The property that says that a record counts as deleted, where that is a mark and nothing
    /// else (D3).
    pub mark: Option<Path>,
    /// Its records tell when they were last changed (P1).
    pub tells_times: bool,
    /// `untold: wins`: what its records hold at the first link counts as put in when the run began,
    /// where they tell no time (P1).
    pub untold_wins: bool,
    /// How long nothing is concluded from not finding what a write of unknown outcome would have
    /// made, in milliseconds (C2): the stated delay, or a minute where a system with answers that
    /// can be lost states none.
    pub unknown_ms: i64,
    /// Ids of its records are JSON numbers, and so are references to them (R7); nothing where
    /// nobody knows.
    pub numeric_ids: Option<bool>,
    /// The country of telephone numbers that name none (L2).
    pub region: Option<Region>,
    /// What stands for nothing besides the usual words (L2).
    pub placeholders: Placeholders,
    /// What a reader should know about it; shown by `check`.
    pub note: Option<String>,
}

/// How a row names the record's own id (C6).
pub const OWN_ID: &str = "$id";

impl TypeSchema {
    /// A record type of which nothing is known: every path is allowed and everything can be done.
    pub fn open(kind: impl Into<String>) -> Self {
        TypeSchema {
            kind: kind.into(),
            properties: Vec::new(),
            known_from: KnownFrom::Declaration,
            dotted: Vec::new(),
            open: true,
            can: Capabilities {
                create: true,
                update: true,
                delete: true,
                restore: false,
                since: true,
                find: false,
                get: true,
                tells_deletions: false,
            },
            absent_is_empty: false,
            settles_ms: 0,
            created: None,
            key: Vec::new(),
            mark: None,
            tells_times: true,
            untold_wins: false,
            unknown_ms: 0,
            numeric_ids: None,
            region: None,
            placeholders: Placeholders::default(),
            note: None,
        }
    }

    /// The property at exactly this path.
    pub fn property(&self, path: &Path) -> Option<&PropertySchema> {
        self.properties.iter().find(|property| property.path == *path)
    }

    /// Whether a path is known to be a property of the record itself, and not of the elements of a
    /// list.
    pub fn is_on_the_record(&self, path: &Path) -> bool {
        let in_list = self
            .properties
            .iter()
            .any(|p| p.list && (p.path == *path || p.path.is_parent_of(path)));
        let known = self.resolve(path).is_some_and(|resolved| self.describe(&resolved).is_some());
        known && !in_list
    }

    /// The path that this one stands for: a derived property's source, a list's or object's value.
    ///
    /// `None` where the record type has no such property. An open record type has every path.
    pub fn resolve(&self, path: &Path) -> Option<Path> {
        if path.as_str() == OWN_ID {
            return Some(path.clone());
        }
        let mut path = path.clone();
        // A derived property may name a list, whose value is a child: two steps, and a bound
        // against a schema that circles.
        for _ in 0..4 {
            match self.property(&path) {
                Some(PropertySchema { derived_from: Some(source), .. }) => path = source.clone(),
                Some(PropertySchema { value: Some(child), .. }) => path = path.child(child),
                Some(_) => return Some(path),
                None => {
                    let value_of_parent = self.properties.iter().any(|p| p.has_value_at(&path));
                    return (value_of_parent || self.open).then_some(path);
                }
            }
        }
        None
    }

    /// Whether a path was seen where the properties are known from a header or a sample: itself,
    /// what is above or below it, or a value.
    ///
    /// A record type whose properties are declared, or of which nothing was seen, has seen every
    /// path.
    pub fn has_seen(&self, path: &Path) -> bool {
        let known = |p: &PropertySchema| p.path == *path || path.is_parent_of(&p.path);
        self.known_from == KnownFrom::Declaration
            || self.properties.is_empty()
            || self.properties.iter().any(known)
            || self.describe(path).is_some()
    }

    /// What the schema says of a resolved path: its own entry, or that of the list or object whose
    /// value it is.
    pub fn describe(&self, resolved: &Path) -> Option<&PropertySchema> {
        self.property(resolved)
            .or_else(|| self.properties.iter().find(|p| p.has_value_at(resolved)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_mean_the_same_property_resolve_to_one() {
        let mut emails = PropertySchema::new("info.emails", PlainType::String);
        (emails.list, emails.value) = (true, Some("email".into()));
        let mut primary = PropertySchema::new("primaryInfo.email", PlainType::String);
        primary.derived_from = Some("info.emails".into());
        let contacts = TypeSchema {
            properties: vec![emails, primary],
            open: false,
            ..TypeSchema::open("Contacts")
        };
        for path in ["info.emails", "info.emails.email", "primaryInfo.email"] {
            assert_eq!(contacts.resolve(&path.into()), Some("info.emails.email".into()), "{path}");
        }
        assert_eq!(contacts.resolve(&"info.fax".into()), None);
        assert!(contacts.describe(&"info.emails.email".into()).unwrap().list);
    }
}
