//! Where something stands in a document.
//!
//! Every statement, heading, cell and warning says where it stands, so that a message can point at
//! the offending text in the file as the user's editor shows it.

use std::fmt;

/// A stretch of the source text.
///
/// `start` and `end` are byte offsets into the source as it was given, byte order mark included.
/// `line` and `column` are those of `start`, counted from 1; a column is a character (the byte
/// order mark is none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset after the last byte.
    pub end: usize,
    /// Line of `start`, from 1.
    pub line: usize,
    /// Column of `start` in characters, from 1.
    pub column: usize,
}

impl Span {
    /// The stretch from the beginning of `self` to the end of `other`.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { end: self.end.max(other.end), ..self }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the stretch holds nothing, as that of an empty cell does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
