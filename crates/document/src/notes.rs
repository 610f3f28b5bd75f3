//! Notes on the lines of a document: what was found of each statement and row, for showing beside
//! it.
//!
//! A note is plain text with a mark; what it means is for whoever makes it. In HTML and Markdown it
//! stands beside its line, with its evidence folded away; in reStructuredText it is a comment, so
//! that the document stays a dataflow document with the same statements.

use std::collections::BTreeSet;

use crate::blocks::BlockKind;
use crate::document::Document;
use crate::lines::Line;
use crate::read::read;

/// What a comment with a verdict begins with.
const VERDICT: &str = ".. verified:";

/// What was found of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// One character: ✓, ✗ or –.
    pub mark: String,
    /// A word or two: `proved`.
    pub word: String,
    /// Why, where there is more to say.
    pub why: String,
    /// What it rests on; may be none.
    pub evidence: Vec<Evidence>,
}

/// One piece of evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What was tried and what came of it, in one line.
    pub title: String,
    /// How, step by step.
    pub steps: Vec<String>,
    /// What goes with it word for word: requests and answers.
    pub verbatim: Vec<String>,
}

/// The notes of a statement and of the rows of its table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementNotes {
    pub note: Note,
    pub rows: Vec<Note>,
}

/// The notes of a section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SectionNotes {
    /// One for each statement, in order.
    pub statements: Vec<StatementNotes>,
    /// Lines that no document has, with what was found of them.
    pub more: Vec<(String, Note)>,
}

/// The notes of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// All of it in one line.
    pub summary: String,
    /// One for each section, in order.
    pub sections: Vec<SectionNotes>,
}

impl Note {
    /// `proved`, or with the reason: `not tried: …`.
    #[must_use]
    pub fn text(&self) -> String {
        if self.why.is_empty() { self.word.clone() } else { format!("{}: {}", self.word, self.why) }
    }
}

/// The document's own text with notes as comments behind its statements. Everything else stays as
/// it is, byte for byte.
///
/// ```
/// use lockstep_document::{Note, Notes, SectionNotes, StatementNotes, read, write_noted_rst};
/// let source = "Wix Contacts to Zendesk Users\n-----------------------------\nEvery Wix Contacts will be synchronized with a Zendesk Users.\n";
/// let note = Note { word: "proved".into(), ..Note::default() };
/// let statement = StatementNotes { note, rows: vec![] };
/// let notes = Notes { sections: vec![SectionNotes { statements: vec![statement], more: vec![] }], ..Notes::default() };
/// let noted = write_noted_rst(source, &notes);
/// assert!(noted.ends_with("\n\n.. verified: proved\n"));
/// assert_eq!(read(&noted).0.sections[0].statements[0].kind, read(source).0.sections[0].statements[0].kind);
/// ```
#[must_use]
pub fn write_noted_rst(source: &str, notes: &Notes) -> String {
    let (document, _) = read(source);
    // What stands behind which line, by the line's index.
    let mut behind: Vec<(usize, Vec<String>)> = Vec::new();
    for (section, noted) in document.sections.iter().zip(&notes.sections) {
        let mut last = None;
        for (statement, noted) in section.statements.iter().zip(&noted.statements) {
            let rows = statement.rows.iter().map(|row| last_line(&document, row.span.end)).max();
            let at = rows.unwrap_or_else(|| last_line(&document, statement.span.end));
            let at = end_of_statement(
                &document,
                at,
                matches!(
                    statement.kind,
                    crate::StatementKind::Match { .. } | crate::StatementKind::Properties { .. }
                ),
            );
            let mut lines = vec![format!("{VERDICT} {}", one_line(&noted.note.text()))];
            let texts = crate::rows::row_texts(&statement.kind);
            lines.extend(
                texts.iter().zip(&noted.rows).map(|(text, note)| {
                    format!("   {}: {}", one_line(text), one_line(&note.text()))
                }),
            );
            behind.push((at, lines));
            last = Some(at);
        }
        let more = noted
            .more
            .iter()
            .map(|(text, note)| format!("{VERDICT} {} {}", one_line(text), one_line(&note.text())));
        let more: Vec<String> = more.collect();
        if let (Some(last), false) = (last, more.is_empty()) {
            behind.push((last, more));
        }
    }
    let stale = stale(&document);
    let mut out = String::new();
    if document.byte_order_mark {
        out.push(crate::lines::BYTE_ORDER_MARK);
    }
    for (index, line) in document.lines().iter().enumerate() {
        if stale.contains(&index) {
            continue;
        }
        out.push_str(&line.text);
        out.push_str(line.end.as_str());
        for (_, lines) in behind.iter().filter(|(at, _)| *at == index) {
            let end = if line.end.as_str().is_empty() { "\n" } else { line.end.as_str() };
            if line.end.as_str().is_empty() {
                out.push_str(end);
            }
            out.push_str(end);
            for line in lines {
                out.push_str(line);
                out.push_str(end);
            }
        }
    }
    out
}

/// Whether a verdict of [`write_noted_rst`] begins with this line.
pub(crate) fn is_verdict(line: &Line) -> bool {
    line.text.starts_with(VERDICT)
}

/// The lines of an earlier verification's verdicts, each with the blank line before it.
fn stale(document: &Document) -> BTreeSet<usize> {
    let lines = document.lines();
    let mut stale = BTreeSet::new();
    for block in document
        .blocks()
        .iter()
        .filter(|block| block.kind == BlockKind::Other && is_verdict(&lines[block.first]))
    {
        stale.extend(block.first..=block.last);
        if block.first > 0 && lines[block.first - 1].is_blank() {
            stale.insert(block.first - 1);
        }
    }
    stale
}

/// The index of the line in which this byte stands.
fn last_line(document: &Document, end: usize) -> usize {
    let mut at = usize::from(document.byte_order_mark) * crate::lines::BYTE_ORDER_MARK.len_utf8();
    for (index, line) in document.lines().iter().enumerate() {
        at += line.text.len() + line.end.as_str().len();
        if end <= at {
            return index;
        }
    }
    document.lines().len().saturating_sub(1)
}

/// The last line of the block in which a statement ends; of its table, where it has one and no rows
/// tell.
fn end_of_statement(document: &Document, line: usize, has_table: bool) -> usize {
    let blocks = document.blocks();
    let Some(at) = blocks.iter().position(|block| (block.first..=block.last).contains(&line))
    else {
        return line;
    };
    let next = blocks[at + 1..].iter().find(|block| block.kind != BlockKind::Blank);
    match next {
        Some(table)
            if has_table
                && blocks[at].kind != BlockKind::Table
                && table.kind == BlockKind::Table =>
        {
            table.last
        }
        _ => blocks[at].last,
    }
}

fn one_line(text: &str) -> String {
    crate::draft::one_line(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
