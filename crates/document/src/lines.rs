//! The lines of a document, with every byte kept.
//!
//! A document is cut at its line ends and nowhere else, and each line remembers how it ended, so
//! that putting the lines together again gives the input: reading loses nothing.
//! What the lines mean is decided in `blocks`.

use crate::span::Span;

/// The byte order mark some editors put in front of a text.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineEnd {
    /// Line feed.
    Lf,
    /// Carriage return and line feed.
    CrLf,
    /// A carriage return alone.
    Cr,
    /// The text ended here; only the last line can.
    None,
}

impl LineEnd {
    /// The bytes of the line end.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LineEnd::Lf => "\n",
            LineEnd::CrLf => "\r\n",
            LineEnd::Cr => "\r",
            LineEnd::None => "",
        }
    }
}

/// One line of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line without its end; trailing spaces are kept.
    pub text: String,
    /// How it ended.
    pub end: LineEnd,
    /// Byte offset of the line in the source.
    pub start: usize,
}

impl Line {
    /// Whether the line holds nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }

    /// Number of white space characters in front (a tab counts as one).
    pub(crate) fn indent(&self) -> usize {
        self.text.chars().take_while(|c| c.is_whitespace()).count()
    }
}

/// Cuts a text into lines. `offset` is where the text begins in the source.
pub(crate) fn split(text: &str, offset: usize) -> Vec<Line> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'\n' => LineEnd::Lf,
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => LineEnd::CrLf,
            b'\r' => LineEnd::Cr,
            _ => {
                at += 1;
                continue;
            }
        };
        lines.push(Line { text: text[start..at].to_string(), end, start: offset + start });
        at += end.as_str().len();
        start = at;
    }
    if start < bytes.len() {
        lines.push(Line {
            text: text[start..].to_string(),
            end: LineEnd::None,
            start: offset + start,
        });
    }
    lines
}

/// The span from byte `start` to byte `end` of the source; both must lie on character boundaries.
pub(crate) fn span_between(lines: &[Line], start: usize, end: usize) -> Span {
    let index = lines.partition_point(|line| line.start <= start).saturating_sub(1);
    let (line, column) = match lines.get(index) {
        None => (1, 1),
        Some(line) => {
            let within = start.saturating_sub(line.start).min(line.text.len());
            (index + 1, line.text[..within].chars().count() + 1)
        }
    };
    Span { start, end: end.max(start), line, column }
}

/// The span of a line's visible text, without white space at its ends. A blank line gives an empty
/// span at its beginning.
pub(crate) fn span_of_line(lines: &[Line], index: usize) -> Span {
    let Some(line) = lines.get(index) else {
        return Span { line: 1, column: 1, ..Span::default() };
    };
    let trimmed = line.text.trim();
    let lead = if trimmed.is_empty() { 0 } else { line.text.len() - line.text.trim_start().len() };
    let start = line.start + lead;
    span_between(lines, start, start + trimmed.len())
}

/// The span of the visible text of several lines.
pub(crate) fn span_of_lines(lines: &[Line], first: usize, last: usize) -> Span {
    span_of_line(lines, first).to(span_of_line(lines, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(&str, LineEnd)]) {
        let lines = split(text, 0);
        let got: Vec<_> = lines.iter().map(|l| (l.text.as_str(), l.end)).collect();
        assert_eq!(got, expect);
        let again: String = lines.iter().flat_map(|l| [l.text.as_str(), l.end.as_str()]).collect();
        assert_eq!(again, text);
    }

    #[test]
    fn every_kind_of_line_end_is_kept() {
        check("", &[]);
        check("a", &[("a", LineEnd::None)]);
        check("a\n", &[("a", LineEnd::Lf)]);
        check("\n\n", &[("", LineEnd::Lf), ("", LineEnd::Lf)]);
        check(
            "a \r\nb\rc\r\r\n",
            &[("a ", LineEnd::CrLf), ("b", LineEnd::Cr), ("c", LineEnd::Cr), ("", LineEnd::CrLf)],
        );
    }

    #[test]
    fn columns_count_characters() {
        let lines = split("først\n  Ålesund\n", 0);
        let span = span_of_line(&lines, 1);
        assert_eq!((span.line, span.column), (2, 3));
        let after_o = span_between(&lines, 3, 6);
        assert_eq!((after_o.line, after_o.column), (1, 3));
    }
}
