//! A file's text, and places in it: what every message points at.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file that was read, under the name by which messages call it: its path within the project
/// folder.
#[derive(PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub text: String,
    /// The byte at which each line begins; the first is 0.
    line_starts: Vec<usize>,
    /// Its lines are never shown: `.env`.
    pub secret: bool,
}

impl Source {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { name: name.into(), text, line_starts, secret: false }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let at = floor(&self.text, at);
        let line = self.line_starts.partition_point(|start| *start <= at);
        (line, self.text[self.line_starts[line - 1]..at].chars().count() + 1)
    }

    /// The line of a byte, from 1.
    pub fn line_at(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at.min(self.text.len()))
    }

    /// The byte at which a line begins and its text without the line end. Lines count from 1.
    pub(crate) fn line(&self, line: usize) -> (usize, &str) {
        let start = self.line_starts.get(line - 1).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        (start, self.text[start..end].trim_end_matches(['\n', '\r']))
    }
}

/// The nearest character boundary at or before a byte.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

// A source is behind many places: its whole text in each would drown what a Debug is for.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

/// A stretch of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub source: Arc<Source>,
    /// Byte offsets into the source.
    pub span: Range<usize>,
}

impl Place {
    /// Whether another place lies in this one.
    pub fn holds(&self, other: &Place) -> bool {
        self.source.name == other.source.name
            && self.span.start <= other.span.start
            && other.span.end <= self.span.end
    }

    /// The stretch of this source.
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Place { source: source.clone(), span }
    }

    /// The line it begins in, from 1.
    pub fn line(&self) -> usize {
        self.source.line_at(self.span.start)
    }

    /// The column it begins at, in characters from 1.
    pub fn column(&self) -> usize {
        self.source.line_and_column(self.span.start).1
    }

    /// The part of it where this text stands, else the whole.
    pub(crate) fn narrowed(&self, text: &str) -> Place {
        match self.text().find(text) {
            Some(at) => {
                Place::new(&self.source, self.span.start + at..self.span.start + at + text.len())
            }
            None => self.clone(),
        }
    }

    /// Itself, where this text stands in it, else the text where it follows in the source: a place
    /// that shows the first line of a block.
    pub(crate) fn with(&self, text: &str) -> Place {
        let start = floor(&self.source.text, self.span.start);
        match self.source.text[start..].find(text) {
            Some(at) if start + at + text.len() > self.span.end => {
                Place::new(&self.source, start + at..start + at + text.len())
            }
            _ => self.clone(),
        }
    }

    /// The part of it where this text stands by itself, not within a longer word.
    pub(crate) fn narrowed_to_word(&self, word: &str) -> Option<Place> {
        let text = self.text();
        let joins = |c: char| c.is_alphanumeric() || c == '_';
        let alone = |at: &usize| {
            !text[..*at].chars().next_back().is_some_and(joins)
                && !text[at + word.len()..].chars().next().is_some_and(joins)
        };
        let at = text.match_indices(word).map(|(at, _)| at).find(alone)?;
        Some(Place::new(&self.source, self.span.start + at..self.span.start + at + word.len()))
    }

    /// What is written there.
    pub fn text(&self) -> &str {
        let start = floor(&self.source.text, self.span.start);
        &self.source.text[start..floor(&self.source.text, self.span.end).max(start)]
    }
}

/// `flows/people.yaml:3`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source.name, self.line())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line(), self.column())
    }
}
