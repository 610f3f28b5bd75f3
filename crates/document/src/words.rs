//! Prose as words, each with its place in the source.
//!
//! The sentences of a dataflow document are recognised word by word, so that doubled spaces and
//! wrapped lines make no difference; what a span covers is found again through the words.

use crate::lines::{Line, span_between};
use crate::span::Span;

/// A run of characters without white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    /// Byte offsets in the source.
    pub start: usize,
    pub end: usize,
    /// Whether it is the first of its line.
    pub starts_line: bool,
    /// The white space in front of it on its own line.
    pub gap: String,
}

/// The words of the lines `first..=last`.
pub(crate) fn words_of(lines: &[Line], first: usize, last: usize) -> Vec<Word> {
    let mut words = Vec::new();
    for line in lines.iter().take(last + 1).skip(first) {
        words_of_text(&line.text, line.start, &mut words);
    }
    words
}

/// Adds the words of one line that begins at byte `offset` of the source.
pub(crate) fn words_of_text(text: &str, offset: usize, words: &mut Vec<Word>) {
    let mut begin: Option<usize> = None;
    let mut gap_from = 0;
    let mut first = true;
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    for (at, c) in ends {
        match (begin, c.is_whitespace()) {
            (None, false) => begin = Some(at),
            (Some(from), true) => {
                words.push(Word {
                    text: text[from..at].to_string(),
                    start: offset + from,
                    end: offset + at,
                    starts_line: first,
                    gap: text[gap_from..from].to_string(),
                });
                first = false;
                gap_from = at;
                begin = None;
            }
            _ => {}
        }
    }
}

/// The words as one line: a single space where a line ended, white space within a line as it was.
pub(crate) fn join(words: &[Word]) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            text.push_str(if word.starts_line { " " } else { &word.gap });
        }
        text.push_str(&word.text);
    }
    text
}

/// The words with single spaces between them.
pub(crate) fn single_spaced(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
    texts.join(" ")
}

/// A text with single spaces between its words and none around them.
pub(crate) fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words as they stand in the source, line by line, without the lines' indentation.
pub(crate) fn as_lines(words: &[Word]) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            text.push_str(if word.starts_line { "\n" } else { &word.gap });
        }
        text.push_str(&word.text);
    }
    text
}

/// Where the words stand.
pub(crate) fn span_of(lines: &[Line], words: &[Word]) -> Span {
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => span_between(lines, first.start, last.end),
        _ => Span::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::split;

    #[test]
    fn words_know_their_gaps_and_places() {
        let lines = split("  Every  Ø\nis so\n", 0);
        let words = words_of(&lines, 0, 1);
        let texts: Vec<_> = words.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(texts, ["Every", "Ø", "is", "so"]);
        assert_eq!(join(&words), "Every  Ø is so");
        assert_eq!(as_lines(&words), "Every  Ø\nis so");
        assert_eq!(single_spaced(&words), "Every Ø is so");
        let span = span_of(&lines, &words[1..2]);
        assert_eq!((span.line, span.column, span.len()), (1, 10, 2));
    }
}
