//! Dataflow documents: reading them without losing a byte, knowing what they state, and writing
//! them as reStructuredText, Markdown or HTML.
//!
//! A dataflow document says in plain sentences which records of two systems are linked, which are
//! created, and which properties are kept equal (`docs/documents.md`). Reading gives two things at
//! once: the lines as they stand, so that [`Document::to_source`] is the input byte for byte, and
//! the [`Section`]s with their typed [`Statement`]s. Reading never fails on what a person can still
//! understand; what is amiss comes beside the document as [`Warning`]s. The one failure is text
//! that is not UTF-8 ([`ReadError`]).
//!
//! A [`Draft`] is a document to be written: composed from flows, or taken from a document that was
//! read.
//!
//! What this crate does not know: flows and their names for systems and record types (`contacts`
//! of a document may be `wix.Contacts` of a project), what a conversion does, and files.
//!
//! ```
//! use lockstep_document::{Draft, StatementKind, read, write_markdown, write_rst};
//!
//! let source = "\
//! =======================
//! Wix to Zendesk Dataflow
//! =======================
//!
//! Wix Contacts to Zendesk Users
//! -----------------------------
//! Every Wix Contacts will be synchronized with a Zendesk Users.
//!
//! A Wix Contacts will merge with a Zendesk Users if one of the following property combinations match:
//!
//! .. list-table::
//!    :header-rows: 1
//!
//!    * - Wix Contacts Property
//!      - Zendesk Users Property
//!    * - info.emails
//!      - email
//!
//! ";
//! let (document, warnings) = read(source);
//! assert!(warnings.is_empty());
//! assert_eq!(document.to_source(), source);
//!
//! let section = &document.sections[0];
//! assert_eq!(section.heading.from.system, "Wix");
//! assert_eq!(section.heading.to.kind, "Users");
//! assert_eq!(section.statements[0].kind, StatementKind::EveryCreates);
//! let StatementKind::Match { rows } = &section.statements[1].kind else { panic!() };
//! assert_eq!(rows[0].pairs[0].from.path, "info.emails");
//! assert_eq!(section.statements[1].rows[0].span.line, 16);
//!
//! let draft = Draft::from(&document);
//! assert_eq!(write_rst(&draft), source);
//! assert!(write_markdown(&draft).contains("| info.emails | email |"));
//! ```

mod blocks;
mod cells;
mod document;
mod draft;
mod html;
mod lines;
mod markdown;
mod names;
mod notes;
mod read;
mod rows;
mod rst;
mod section;
mod setting;
mod span;
mod statement;
mod tables;
mod warning;
mod wording;
mod words;

pub use blocks::{Block, BlockKind};
pub use cells::{PathCell, PathCondition, TypeCell};
pub use document::{
    Document, Generated, Heading, Introduction, RowSpan, Section, Statement, Title,
};
pub use draft::{Draft, DraftSection, default_introduction};
pub use html::{escape, write_html, write_noted_html};
pub use lines::{Line, LineEnd};
pub use markdown::{write_markdown, write_noted_markdown};
pub use names::TypeName;
pub use notes::{Evidence, Note, Notes, SectionNotes, StatementNotes, write_noted_rst};
pub use read::{ReadError, read, read_bytes};
pub use rst::write_rst;
pub use setting::{Setting, SettingRow};
pub use span::Span;
pub use statement::{MatchPair, MatchRow, PropertyRow, StatementKind};
pub use warning::{CODES, Warning};
