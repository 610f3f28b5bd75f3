//! Flows in their checked form: what `config` makes of YAML and documents and the plan of flows is
//! compiled from.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::conversion::Conversion;
use crate::ids::TypeName;
use crate::kind::Kind;
use crate::path::Path;
use crate::region::Region;

pub use crate::wins::Wins;

/// A property as a row names it: a path, and perhaps the condition under which it is this property.
///
/// `phone_numbers.number (Dependant on having Mobile in phone_numbers.name)` is the number of the
/// element, or of the record, whose other path holds `Mobile`. `company > name` is the `name` of the
/// record that `company` refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PropertyRef {
    /// The references that lead to the record that has the property; empty: the record itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Path>,
    pub path: Path,
    /// The properties that make one value together with it, in order: `first + last`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Path>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Having>,
}

/// The condition of a [`PropertyRef`]: `path` holds `value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Having {
    pub path: Path,
    pub value: String,
}

impl PropertyRef {
    /// A property of the record itself, without a condition.
    pub fn new(path: impl Into<Path>) -> Self {
        PropertyRef { via: vec![], path: path.into(), beside: vec![], when: None }
    }

    /// Reads what [`fmt::Display`] writes of a property of the record itself: how the store names
    /// it.
    pub fn named(text: &str) -> Self {
        let parts = || {
            let (path, rest) = text.split_once(" (Dependant on having ")?;
            let (value, having) = rest.strip_suffix(')')?.rsplit_once(" in ")?;
            let when = Some(Having { path: having.into(), value: value.into() });
            Some(PropertyRef { when, ..PropertyRef::new(path) })
        };
        parts().unwrap_or_else(|| PropertyRef::new(text))
    }

    /// Whether it is a property of another record, to which references lead.
    pub fn is_followed(&self) -> bool {
        !self.via.is_empty()
    }

    /// Whether it stands for several properties of the record together.
    pub fn is_combined(&self) -> bool {
        !self.beside.is_empty()
    }

    /// The properties that it stands for: one, if it is not combined.
    pub fn parts(&self) -> impl Iterator<Item = PropertyRef> {
        std::iter::once(PropertyRef { beside: vec![], ..self.clone() })
            .chain(self.beside.iter().map(|path| PropertyRef::new(path.clone())))
    }

    /// The property as the record has it that the first reference leads to.
    pub fn after_first_reference(&self) -> PropertyRef {
        PropertyRef { via: self.via.iter().skip(1).cloned().collect(), ..self.clone() }
    }
}

impl fmt::Display for PropertyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for reference in &self.via {
            write!(f, "{reference} > ")?;
        }
        match &self.when {
            None => {
                write!(f, "{}", self.path)?;
                self.beside.iter().try_for_each(|path| write!(f, " + {path}"))
            }
            Some(having) => {
                write!(f, "{} (Dependant on having {} in {})", self.path, having.value, having.path)
            }
        }
    }
}

/// When a flow creates a record in its target (C1).
#[derive(Clone, Debug, PartialEq)]
pub enum Create {
    Never,
    /// For every record that has no counterpart.
    Always,
    /// For those that satisfy the condition. Without a filter nothing is created, and the run says
    /// so.
    When {
        condition: String,
        filter: Option<Filter>,
    },
    /// For those that a record of one of these record types refers to, or that refer to one, where
    /// that record has (or is about to get) a counterpart in the target's system (C5).
    ConnectedTo(Vec<TypeName>),
}

/// An executable condition: an expression over the properties of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub expression: String,
    /// The paths that it reads.
    pub reads: Vec<Path>,
}

/// What happens to the others when a record is deleted (D1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletes {
    /// The link ends, the other records stay.
    #[default]
    Ignore,
    Propagate,
    Review,
}

/// What happens to the counterpart of a linked record that its flow is not about any more (L11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ceases {
    /// It stays, and is not kept equal any more.
    #[default]
    Keep,
    /// A person says whether it is deleted.
    Review,
    /// It is deleted.
    Delete,
}

/// What happens to a record of the target that has no counterpart in the source (D1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extra {
    /// It stays.
    #[default]
    Ignore,
    /// A person says whether it is deleted.
    Review,
    /// It is deleted, under the guards.
    Delete,
}

/// Which way a property pair carries values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Both,
    /// From the flow's source to its target only.
    Forward,
    /// From the flow's target to its source only.
    Backward,
}

impl Direction {
    /// Whether values go from the source to the target, and whether they go back.
    pub fn ways(self) -> (bool, bool) {
        (self != Direction::Backward, self != Direction::Forward)
    }
}

/// Whose claim wins (P1), where it is not simply the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    #[default]
    Latest,
    /// Systems in order: the first that has a claim wins.
    Prefer(Vec<String>),
    /// Only this system's claims count.
    OnlyFrom(String),
    /// Not the time decides, but the value: what any of the records shows counts, whoever put it
    /// there and when.
    Wins(Wins),
}

/// A row of the property table: two properties kept equal.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyPair {
    pub from: PropertyRef,
    pub to: PropertyRef,
    pub direction: Direction,
    /// The type column: the type of the target's property, or how its value is made from the
    /// source's.
    pub conversion: Option<Conversion>,
    /// `back`: how the source's value is made from the target's, where that does not follow from
    /// the conversion.
    pub back: Option<Conversion>,
    pub policy: Policy,
    /// Emptying is an edit like any other (P2); `clears: ignore` turns that off.
    pub clears: bool,
    /// `as: phone`: what the values are, for comparing them (R7).
    pub kind: Kind,
    /// `on: create`: the target is given it when it is created, and never after.
    pub on_create: bool,
    /// The group of rows of this flow that it moves together with (P1e): an address.
    pub group: Option<String>,
    /// `list: each`: two lists of which the elements come and go one by one (P11).
    pub each: bool,
}

impl PropertyPair {
    /// A row that says nothing but that the two are kept equal: both ways, as they are, the latest
    /// edit winning.
    pub fn equal(from: PropertyRef, to: PropertyRef) -> Self {
        PropertyPair {
            from,
            to,
            direction: Direction::Both,
            conversion: None,
            back: None,
            policy: Policy::Latest,
            clears: true,
            kind: Kind::Seen,
            on_create: false,
            group: None,
            each: false,
        }
    }
}

/// A row of the match table: all its pairs must agree (L1).
#[derive(Clone, Debug, PartialEq)]
pub struct MatchRow {
    pub pairs: Vec<(PropertyRef, PropertyRef)>,
    /// `as: phone`: what the values are, for comparing them (L2).
    pub kind: Kind,
    /// What the value of the source becomes before it is compared; of a row of one pair.
    pub conversion: Option<Conversion>,
}

impl MatchRow {
    /// A row of one pair.
    pub fn single(from: PropertyRef, to: PropertyRef) -> Self {
        MatchRow { pairs: vec![(from, to)], kind: Kind::Seen, conversion: None }
    }
}

/// One flow: a directed statement from one record type to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub from: TypeName,
    pub to: TypeName,
    pub create: Create,
    /// L11: which records of the source the flow is about; `None`: all. The others are neither
    /// matched, created nor kept equal.
    pub only: Option<Filter>,
    /// L11: the same for the records of the target.
    pub only_to: Option<Filter>,
    /// L11: what becomes of the counterpart of a linked record that `only` does not hold for any
    /// more.
    pub ceases: Ceases,
    /// D1: what becomes of a record of the target that has no counterpart in the source.
    pub extra: Extra,
    /// Alternatives (L1).
    pub matches: Vec<MatchRow>,
    pub properties: Vec<PropertyPair>,
    pub deletes: Deletes,
    /// `duplicates: merge`: an entity may hold several records of these types (L6).
    pub merge_duplicates: bool,
    /// `duplicates: separate`: records of one type that match each other and have no counterpart
    /// get one each (L6).
    pub separate_duplicates: bool,
    /// The country of telephone numbers that name none, where it is not that of their systems (L2).
    pub region: Option<Region>,
    /// Creates though it synchronizes no property (C3).
    pub create_empty: bool,
    /// Between elements of lists: what tells one from the others of its list, in the source and in
    /// the target; several pairs where it takes them together. Empty where it is not said here.
    pub key: Vec<[Path; 2]>,
    /// Where it is written, for messages: `flows/people.yaml:3`.
    pub place: String,
}

impl Flow {
    /// A flow that says nothing yet: it links, creates, deletes and keeps equal nothing.
    pub fn between(from: TypeName, to: TypeName) -> Self {
        let place = format!("{from} to {to}");
        let (create, deletes, matches, properties) =
            (Create::Never, Deletes::Ignore, vec![], vec![]);
        Flow {
            from,
            to,
            create,
            only: None,
            only_to: None,
            ceases: Ceases::Keep,
            extra: Extra::Ignore,
            matches,
            properties,
            deletes,
            merge_duplicates: false,
            separate_duplicates: false,
            region: None,
            create_empty: false,
            key: vec![],
            place,
        }
    }

    /// Whether a row between a record type and itself compares each record with itself alone: by
    /// its own id.
    pub fn compares_with_itself(&self, row: &MatchRow) -> bool {
        let own_id =
            |(a, b): &(PropertyRef, PropertyRef)| a == b && is_own_id(&a.path, &self.from.kind);
        self.from == self.to && row.pairs.iter().any(own_id)
    }

    /// Whether it is between a record type and itself, and every record satisfies it with itself:
    /// it links, creates and writes nothing.
    pub fn is_vacuous(&self) -> bool {
        self.from == self.to && self.matches.iter().all(|row| self.compares_with_itself(row))
    }

    /// `superoffice.Person to wix.Contacts`
    pub fn name(&self) -> String {
        format!("{} to {}", self.from, self.to)
    }

    /// What the flow says, in one number: a flow that says something else has another (G2).
    pub fn fingerprint(&self) -> u64 {
        let mut text = format!(
            "{} {:?} {} {}\n",
            self.name(),
            self.deletes,
            self.merge_duplicates,
            self.create_empty
        );
        // Nothing is added where nothing is said, so that flows from before these settings keep
        // their number.
        for (word, filter) in [("only", &self.only), ("only_to", &self.only_to)] {
            if let Some(filter) = filter {
                text.push_str(&format!("{word} {:?} ", filter.expression));
            }
        }
        if self.ceases != Ceases::Keep {
            text.push_str(&format!("{:?} ", self.ceases));
        }
        if self.extra != Extra::Ignore {
            text.push_str(&format!("extra {:?} ", self.extra));
        }
        match &self.create {
            Create::Never => text.push_str("never"),
            Create::Always => text.push_str("always"),
            Create::When { condition, filter } => {
                text.push_str(&format!(
                    "when {condition:?} {:?}",
                    filter.as_ref().map(|filter| &filter.expression)
                ));
            }
            Create::ConnectedTo(types) => {
                types.iter().for_each(|ty| text.push_str(&format!("connected {ty} ")))
            }
        }
        for row in &self.matches {
            text.push('\n');
            row.pairs.iter().for_each(|(a, b)| text.push_str(&format!("{a} = {b} & ")));
            text.push_str(row.kind.word().unwrap_or_default());
            if let Some(by) = &row.conversion {
                text.push_str(&format!(" by {by:?}"));
            }
        }
        for pair in &self.properties {
            let by = &pair.conversion;
            let (from, to, direction, policy, clears) =
                (&pair.from, &pair.to, pair.direction, &pair.policy, pair.clears);
            text.push_str(&format!("\n{from} {direction:?} {to} {by:?} {policy:?} {clears}"));
            text.push_str(pair.kind.word().unwrap_or_default());
            if pair.on_create {
                text.push_str(" on create");
            }
            if let Some(group) = &pair.group {
                text.push_str(&format!(" group {group:?}"));
            }
            if pair.each {
                text.push_str(" each");
            }
        }
        // Appended only where it is said, so that flows that do not say it are what they were.
        if self.separate_duplicates {
            text.push_str("\nseparate");
        }
        if let Some(region) = self.region {
            text.push_str(&format!("\nregion {region}"));
        }
        for [from, to] in &self.key {
            text.push_str(&format!("\nkey {from} {to}"));
        }
        crate::matching::seed(&text)
    }
}

/// Whether a path names the id of a record itself: `id`, `contactId` of Contacts.
fn is_own_id(path: &Path, kind: &str) -> bool {
    let letters = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let (path, kind) = (letters(path.as_str()), letters(kind));
    let singular = kind.strip_suffix('s').unwrap_or(&kind);
    matches!(path.as_str(), "id" | "guid" | "uuid" | "systemid" | "recordid")
        || path.strip_suffix("id").is_some_and(|head| head == kind || head == singular)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_between_a_record_type_and_itself_says_nothing_by_ids() {
        let row = |a: &str, b: &str| MatchRow::single(PropertyRef::new(a), PropertyRef::new(b));
        let flow = |rows: Vec<MatchRow>| {
            let contacts = TypeName::new("erp", "Contacts");
            Flow { matches: rows, ..Flow::between(contacts.clone(), contacts) }
        };
        assert!(flow(vec![]).is_vacuous());
        assert!(flow(vec![row("id", "id"), row("contactId", "contactId")]).is_vacuous());
        assert!(!flow(vec![row("id", "id"), row("email", "email")]).is_vacuous());
        assert!(!flow(vec![row("id", "parent_id")]).is_vacuous());
        let other = Flow { to: TypeName::new("crm", "Contacts"), ..flow(vec![row("id", "id")]) };
        assert!(!other.is_vacuous());
    }
}
