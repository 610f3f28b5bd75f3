//! What reading a document found amiss, and how a person is told.
//!
//! Reading never fails on what a person can still understand, so everything
//! amiss is a warning: what is wrong, what was understood all the same, and what would be right.
//! [`Warning::render`] makes plain text of it; the fields are there for other renderings.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use crate::span::Span;

/// Something amiss in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing it is, such as `document::underline-length`; see [`CODES`].
    pub code: &'static str,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What was understood all the same.
    pub understood: Option<String>,
    /// What would be right, or what to do.
    pub hint: Option<String>,
}

/// Every code with what it stands for.
pub const CODES: [(&str, &str); 22] = [
    ("document::no-title", "the document has no title `X to Y Dataflow`"),
    ("document::title", "the title does not say which systems the document is about"),
    ("document::no-sections", "the document states no flow"),
    ("document::underline-length", "a heading's line is not as long as its text"),
    ("document::underline-missing", "a heading has no line below it"),
    ("document::heading", "a heading does not say `System Type to System Type`"),
    ("document::heading-missing", "statements about other record types than the heading's"),
    ("document::system-unclear", "it is not said where a system's name ends and its type's begins"),
    ("document::repeated-section", "two sections state the same flow"),
    ("document::empty-section", "a section states nothing"),
    ("document::unknown-statement", "text that is none of the statements and has no effect"),
    (
        "document::other-direction",
        "a statement creates records in the direction opposite to its heading",
    ),
    ("document::name-mismatch", "a statement or table names another record type than its heading"),
    ("document::wording", "a statement differs from the fixed wording"),
    ("document::spacing", "spaces are doubled"),
    ("document::table-missing", "a statement that needs a table has none"),
    ("document::table-unexpected", "a table, or text in one, belongs to no statement"),
    ("document::table-header", "a table has no header row, or another one than expected"),
    ("document::table-row", "a row has too few or too many cells, or paths that do not pair up"),
    ("document::empty-path", "a cell that should hold a path is empty"),
    ("document::condition", "a condition on a path is incomplete, or there are several"),
    ("document::type", "a cell of the type column is not a type, or was put right"),
];

impl Warning {
    /// A warning without what was understood and without a hint.
    #[must_use]
    pub fn new(code: &'static str, span: Span, message: impl Into<String>) -> Warning {
        debug_assert!(CODES.iter().any(|(known, _)| *known == code), "{code}");
        Warning { code, span, message: message.into(), understood: None, hint: None }
    }

    /// Adds what was understood all the same.
    #[must_use]
    pub fn understood(mut self, text: impl Into<String>) -> Warning {
        self.understood = Some(text.into());
        self
    }

    /// Adds what would be right.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Warning {
        self.hint = Some(text.into());
        self
    }

    /// The warning as text: place, source line, carets below what is meant, message, hint.
    ///
    /// `file` is what to call the source, `source` the text that was read. Control characters of
    /// the source are shown as pictures, so that a document cannot steer a terminal.
    #[must_use]
    pub fn render(&self, file: &str, source: &str) -> String {
        let Span { start, end, line, column } = self.span;
        let mut text = format!(
            "{file}:{line}:{column}: warning: {} [{}]\n",
            visible(&self.message),
            self.code
        );
        let source_line = line_around(source, start);
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let (shown, from, to) = marked(&source_line, start, end);
        let carets = format!("{}{}", " ".repeat(from), "^".repeat((to - from).max(1)));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{margin} |");
        let _ = writeln!(text, "{}", format!("{number} | {shown}").trim_end());
        let _ = writeln!(text, "{margin} | {carets}");
        if let Some(understood) = &self.understood {
            let _ = writeln!(text, "{margin} = understood: {}", visible(understood));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{margin} = hint: {}", visible(hint));
        }
        text
    }
}

struct SourceLine<'a> {
    text: &'a str,
    start: usize,
}

fn line_around(source: &str, offset: usize) -> SourceLine<'_> {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    let ends = ['\n', '\r'];
    let start = source[..offset].rfind(ends).map_or(0, |at| at + 1);
    let end = source[offset..].find(ends).map_or(source.len(), |at| offset + at);
    SourceLine { text: &source[start..end], start }
}

/// Columns that a tab is shown as.
const TAB: &str = "    ";

/// The line as shown, with the columns from and to which the carets go.
fn marked(line: &SourceLine<'_>, start: usize, end: usize) -> (String, usize, usize) {
    let mut shown = String::new();
    let mut column = 0;
    let (mut from, mut to) = (None, None);
    for (at, c) in line.text.char_indices() {
        let at = line.start + at;
        if at >= start {
            from.get_or_insert(column);
        }
        if at >= end {
            to.get_or_insert(column);
        }
        let before = shown.len();
        push_visible(&mut shown, c);
        column += columns(&shown[before..]);
    }
    let from = from.unwrap_or(column);
    (shown, from, to.unwrap_or(column).max(from))
}

fn visible(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        push_visible(&mut shown, c);
    }
    shown
}

fn push_visible(shown: &mut String, c: char) {
    match c {
        '\t' => shown.push_str(TAB),
        '\u{feff}' => {}
        '\0'..='\u{1f}' => shown.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
        // Deletion, further control characters, and those that turn the direction of writing.
        '\u{7f}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => shown.push('\u{fffd}'),
        _ => shown.push(c),
    }
}

/// Columns that a text takes in a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}
