//! From lines to blocks: headings, paragraphs, tables, and what stands between them.
//!
//! The blocks are a partition of the lines: each line belongs to exactly one, in order. The rules
//! are those of reStructuredText for the little of it that dataflow documents use, read
//! generously: an underline may have any length and any adornment character, a blank line may be
//! missing, a table's directive may have been lost. What the blocks say is decided in `read`.

use crate::lines::Line;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Blank lines.
    Blank,
    /// A heading; the numbers are line indices from 0.
    Heading {
        /// The adornment above the text, as titles have it.
        overline: Option<usize>,
        /// The line with the text.
        text: usize,
        /// The adornment below the text.
        underline: Option<usize>,
    },
    /// Lines of prose.
    Paragraph,
    /// A `list-table`, with or without its directive.
    Table,
    /// A directive or comment that dataflow documents do not use, or a transition.
    Other,
}

/// A run of lines that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Index of its first line, from 0.
    pub first: usize,
    /// Index of its last line.
    pub last: usize,
}

/// The adornment character of a line that holds nothing else, and how many of them there are.
pub(crate) fn adornment(line: &Line) -> Option<(char, usize)> {
    let text = line.text.trim_end();
    let first = text.chars().next()?;
    let same = first.is_ascii_punctuation() && text.chars().all(|c| c == first);
    // These two mean something else in reStructuredText: an empty comment, a literal block.
    (same && text != ".." && text != "::").then_some((first, text.len()))
}

/// Cuts the lines into blocks.
pub(crate) fn scan(lines: &[Line]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut first = 0;
    let mut seen_heading = false;
    while first < lines.len() {
        let (kind, last) = block_at(lines, first, seen_heading);
        seen_heading |= matches!(kind, BlockKind::Heading { .. });
        blocks.push(Block { kind, first, last });
        first = last + 1;
    }
    blocks
}

fn block_at(lines: &[Line], at: usize, seen_heading: bool) -> (BlockKind, usize) {
    let line = &lines[at];
    if line.is_blank() {
        let run = lines[at..].iter().take_while(|l| l.is_blank()).count();
        return (BlockKind::Blank, at + run - 1);
    }
    if let Some((kind, last)) = heading_at(lines, at, seen_heading) {
        return (kind, last);
    }
    if adornment(line).is_some() {
        return (BlockKind::Other, at);
    }
    if is_explicit_markup(line) {
        let kind = if is_list_table(line) { BlockKind::Table } else { BlockKind::Other };
        return (kind, end_of_indented(lines, at));
    }
    if is_table_line(line) {
        return (BlockKind::Table, end_of_indented(lines, at));
    }
    let mut last = at;
    while last + 1 < lines.len() && !ends_paragraph(lines, last + 1) {
        last += 1;
    }
    (BlockKind::Paragraph, last)
}

fn heading_at(lines: &[Line], at: usize, seen_heading: bool) -> Option<(BlockKind, usize)> {
    let is_text = |i: usize| {
        lines.get(i).is_some_and(|l| {
            !l.is_blank() && adornment(l).is_none() && !is_explicit_markup(l) && !is_table_line(l)
        })
    };
    let adorned = |i: usize| lines.get(i).and_then(adornment);
    if let Some((_, above)) = adorned(at) {
        if !is_text(at + 1) {
            return None;
        }
        if adorned(at + 2).is_some() {
            let kind =
                BlockKind::Heading { overline: Some(at), text: at + 1, underline: Some(at + 2) };
            return Some((kind, at + 2));
        }
        // The line below a title was lost; elsewhere such a line is a transition.
        let alone = lines.get(at + 2).is_none_or(Line::is_blank);
        let title = !seen_heading && above >= 4 && alone;
        return title.then_some((
            BlockKind::Heading { overline: Some(at), text: at + 1, underline: None },
            at + 1,
        ));
    }
    let (_, below) = adorned(at + 1)?;
    (is_text(at) && (below > 1 || looks_like_heading(&lines[at].text))).then_some((
        BlockKind::Heading { overline: None, text: at, underline: Some(at + 1) },
        at + 1,
    ))
}

/// Whether a text is one of the headings that these documents have.
fn looks_like_heading(text: &str) -> bool {
    let text = text.trim_end();
    let lower = text.to_lowercase();
    text.contains(" to ") || lower.starts_with("introduction") || lower.ends_with("dataflow")
}

fn ends_paragraph(lines: &[Line], at: usize) -> bool {
    let line = &lines[at];
    // A heading directly below a paragraph: the blank line between them was lost.
    let heading = matches!(heading_at(lines, at, true), Some((BlockKind::Heading { .. }, _)));
    line.is_blank() || is_explicit_markup(line) || is_table_line(line) || heading
}

fn is_explicit_markup(line: &Line) -> bool {
    line.text
        .strip_prefix("..")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn is_list_table(line: &Line) -> bool {
    let name = line.text.trim_start_matches('.').trim();
    name.get(..10).is_some_and(|n| n.eq_ignore_ascii_case("list-table"))
}

/// A row of a list table, or the option above the rows, standing where its directive was lost.
fn is_table_line(line: &Line) -> bool {
    line.indent() > 0
        && (row_marker(&line.text).is_some() || line.text.trim().starts_with(":header-rows:"))
}

/// The text after a row's `* -`, as a byte offset into the line.
pub(crate) fn row_marker(text: &str) -> Option<usize> {
    let rest = text.trim_start().strip_prefix('*')?;
    let cell = rest.trim_start();
    cell.strip_prefix('-')
        .filter(|after| after.is_empty() || after.starts_with(char::is_whitespace))
        .map(|after| text.len() - after.len())
}

/// A directive owns the indented lines below it, and blank lines between those.
fn end_of_indented(lines: &[Line], at: usize) -> usize {
    let mut last = at;
    for (index, line) in lines.iter().enumerate().skip(at + 1) {
        if line.is_blank() {
            continue;
        }
        let row_at_margin = line.text.starts_with('*') && row_marker(&line.text).is_some();
        if line.indent() == 0 && !row_at_margin {
            break;
        }
        // An indented heading (a type of a system without a name) ends the table above it.
        if matches!(heading_at(lines, index, true), Some((BlockKind::Heading { .. }, _))) {
            break;
        }
        last = index;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::split;

    fn kinds(text: &str) -> Vec<(&'static str, usize, usize)> {
        scan(&split(text, 0))
            .iter()
            .map(|b| {
                let name = match b.kind {
                    BlockKind::Blank => "blank",
                    BlockKind::Heading { .. } => "heading",
                    BlockKind::Paragraph => "paragraph",
                    BlockKind::Table => "table",
                    BlockKind::Other => "other",
                };
                (name, b.first, b.last)
            })
            .collect()
    }

    #[test]
    fn headings_of_any_adornment_and_length() {
        assert_eq!(kinds("==\nA to B Dataflow\n=="), [("heading", 0, 2)]);
        assert_eq!(kinds("A B to C D\n~~~\nText"), [("heading", 0, 1), ("paragraph", 2, 2)]);
        assert_eq!(
            kinds("One.\nA B to C D\n----------\n"),
            [("paragraph", 0, 0), ("heading", 1, 2)]
        );
        assert_eq!(
            kinds("A\n\n----\n\nB"),
            [
                ("paragraph", 0, 0),
                ("blank", 1, 1),
                ("other", 2, 2),
                ("blank", 3, 3),
                ("paragraph", 4, 4)
            ]
        );
    }

    #[test]
    fn tables_end_where_the_margin_is_reached() {
        assert_eq!(
            kinds("T:\n.. list-table::\n   :header-rows: 1\n\n   * - a\n     - b\n\n\nNext"),
            [("paragraph", 0, 0), ("table", 1, 5), ("blank", 6, 7), ("paragraph", 8, 8)]
        );
        assert_eq!(kinds("   * - a\n     - b"), [("table", 0, 1)]);
    }
}
