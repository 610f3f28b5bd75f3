//! The statements of a section, as values.
//!
//! One variant per statement of `docs/documents.md`. These are plain values without places in a
//! source, so that reading a document and composing one from flows give the same type; where a
//! statement stands is kept beside it, in [`crate::Statement`].

use crate::cells::{PathCell, TypeCell};
use crate::names::TypeName;
use crate::setting::Setting;
use crate::wording;

/// What a statement says. A and B are the record types of its section's heading.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `Every A will be synchronized with a B.` Create a B for every A that has none.
    EveryCreates,
    /// `CONDITION, it will be synchronized with a B.` The same, for the As that satisfy it.
    ConditionCreates {
        /// Whatever stands before `, it`; mostly `When …`.
        condition: String,
    },
    /// `Before any synchronization can take place, a link between a A and a B must be
    /// established.` Never create, unless another statement says so.
    LinkOnly,
    /// `A new B will be created from a A if it is connected to a C that is synchronized into S.`
    CreateIfConnected {
        /// The Cs; any of them will do.
        connected: Vec<TypeName>,
        /// S, the system into which C is synchronized; may be empty.
        system: String,
    },
    /// `If a matching B already exists, the A will be merged with the existing one.` and
    /// `If no matching B is found, a new B will be created.` Mostly both.
    MergeOrCreate {
        /// Whether the first line is there.
        merges: bool,
        /// Whether the second line is there.
        creates: bool,
    },
    /// `A A will merge with a B if one of the following property combinations match:`
    Match {
        /// Alternatives (L1).
        rows: Vec<MatchRow>,
    },
    /// `Once a link … is established, it will keep in sync between the two systems, regardless of
    /// where it is edited.`
    KeepInSync,
    /// `The following properties are synchronized between a A and a B:`
    Properties {
        /// The property pairs; may be none.
        rows: Vec<PropertyRow>,
    },
    /// What a flow file says and no other statement can, in a sentence of a fixed form below the
    /// tables.
    Setting(Setting),
    /// Text that is none of the above, as it stands. It has no effect.
    Unrecognised {
        /// The text, line by line, separated by line feeds.
        text: String,
    },
}

/// One row of a match table: all of its pairs must be equal (L1).
///
/// A row of several pairs is written with several paths in each cell, separated by `, ` or ` and `,
/// or as a line block (`| path` on a line of its own for each). They pair up in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchRow {
    /// At least one.
    pub pairs: Vec<MatchPair>,
}

/// Two properties that must be equal for records to match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchPair {
    /// A's property.
    pub from: PathCell,
    /// B's property.
    pub to: PathCell,
}

/// One row of a property table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PropertyRow {
    /// A's property.
    pub from: PathCell,
    /// B's property.
    pub to: PathCell,
    /// The type of B's property, or the conversion to it.
    pub type_cell: TypeCell,
}

impl MatchRow {
    /// A row of one pair.
    #[must_use]
    pub fn single(from: PathCell, to: PathCell) -> MatchRow {
        MatchRow { pairs: vec![MatchPair { from, to }] }
    }
}

impl StatementKind {
    /// The statement's sentences in the fixed wording, one a line, for the types of its section.
    /// A table below them is not part of it.
    ///
    /// ```
    /// use lockstep_document::{StatementKind, TypeName};
    /// let (from, to) = (TypeName::new("Wix", "Contacts"), TypeName::new("Zendesk", "Users"));
    /// assert_eq!(
    ///     StatementKind::EveryCreates.sentences(&from, &to),
    ///     ["Every Wix Contacts will be synchronized with a Zendesk Users."]
    /// );
    /// ```
    #[must_use]
    pub fn sentences(&self, from: &TypeName, to: &TypeName) -> Vec<String> {
        wording::sentences(self, &from.to_string(), &to.to_string())
    }

    /// Whether it makes records of B.
    #[must_use]
    pub fn creates(&self) -> bool {
        match self {
            StatementKind::EveryCreates
            | StatementKind::ConditionCreates { .. }
            | StatementKind::CreateIfConnected { .. } => true,
            StatementKind::MergeOrCreate { creates, .. } => *creates,
            StatementKind::LinkOnly
            | StatementKind::Match { .. }
            | StatementKind::KeepInSync
            | StatementKind::Properties { .. }
            | StatementKind::Setting(_)
            | StatementKind::Unrecognised { .. } => false,
        }
    }
}
