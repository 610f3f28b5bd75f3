//! A document as it was read: its lines, its blocks, and what they say.

use crate::blocks::Block;
use crate::lines::{BYTE_ORDER_MARK, Line};
use crate::names::TypeName;
use crate::span::Span;
use crate::statement::StatementKind;

/// A dataflow document that was read.
///
/// It keeps every byte of its source ([`Document::to_source`]) beside what was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub(crate) byte_order_mark: bool,
    pub(crate) lines: Vec<Line>,
    pub(crate) blocks: Vec<Block>,
    /// The title, if there is one.
    pub title: Option<Title>,
    /// The `Generated:` line, if there is one.
    pub generated: Option<Generated>,
    /// The text between title and first section.
    pub introduction: Introduction,
    /// The sections in the order in which they stand.
    pub sections: Vec<Section>,
}

/// `X to Y Dataflow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// The text as it stands.
    pub text: String,
    /// The first system; may be empty.
    pub from_system: String,
    /// The second system; may be empty.
    pub to_system: String,
    /// Whether the text has the form `X to Y Dataflow`.
    pub understood: bool,
    /// Where the text stands.
    pub span: Span,
}

/// The line that says when a document was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// What stands after `Generated:`, for instance `2023-09-05 08:36:29`.
    pub text: String,
    /// Where the line stands.
    pub span: Span,
}

/// What a document says about itself before its sections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Introduction {
    /// The heading; empty where there is none.
    pub heading: String,
    /// The paragraphs as they stand, their lines separated by line feeds.
    pub paragraphs: Vec<String>,
}

/// One titled part of a document; it states one flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its heading.
    pub heading: Heading,
    /// Its statements in the order in which they stand.
    pub statements: Vec<Statement>,
    /// From the heading to the last statement.
    pub span: Span,
}

/// `<System A> <Type A> to <System B> <Type B>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The text as it stands; composed where the heading was lost.
    pub text: String,
    /// A.
    pub from: TypeName,
    /// B.
    pub to: TypeName,
    /// Where the text stands.
    pub span: Span,
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// Where its sentences stand, without a table.
    pub span: Span,
    /// Where the rows of its table stand: one for each row of `kind`, in order.
    pub rows: Vec<RowSpan>,
}

/// Where a table's row and its cells stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowSpan {
    /// The whole row.
    pub span: Span,
    /// Its cells from left to right, as many as there are.
    pub cells: Vec<Span>,
}

impl Document {
    /// The source, byte for byte.
    ///
    /// ```
    /// let source = "\u{feff}X to Y Dataflow\r\n===\r\n  odd \n";
    /// let (document, _) = lockstep_document::read(source);
    /// assert_eq!(document.to_source(), source);
    /// ```
    #[must_use]
    pub fn to_source(&self) -> String {
        let mut source = String::new();
        if self.byte_order_mark {
            source.push(BYTE_ORDER_MARK);
        }
        for block in &self.blocks {
            for line in &self.lines[block.first..=block.last] {
                source.push_str(&line.text);
                source.push_str(line.end.as_str());
            }
        }
        source
    }

    /// The lines of the source.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The blocks that the lines form; each line belongs to exactly one.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}
