//! Where a section begins, and what its heading names.
//!
//! A heading is split where the section's statements and the title say that one type ends and the
//! other begins. A section may also begin without a heading, where statements name other types
//! than those above them.

use std::ops::Range;

use super::{Current, Piece, RawSection, Reader, raw_text};
use crate::document::{Heading, Section};
use crate::lines::{span_of_line, span_of_lines};
use crate::names::{Certainty, SystemEvidence, TypeName, split_system, splits_at_to, squeezed};
use crate::span::Span;
use crate::statement::StatementKind;
use crate::tables;
use crate::warning::Warning;
use crate::wording::{Found, Names, begins_sentence, sentence_at};
use crate::words::{Word, single_spaced, span_of, tidy, words_of};

impl Reader<'_> {
    pub fn read_section(&mut self, raw: &RawSection) {
        let words = words_of(self.lines, raw.heading, raw.heading);
        let texts: Vec<String> = words.iter().map(|w| w.text.clone()).collect();
        let support = |at: &usize| self.support(&raw.pieces, &texts[..*at], &texts[at + 1..]);
        let splits = splits_at_to(&texts);
        let span = span_of_line(self.lines, raw.heading);
        let at = match splits.as_slice() {
            [] => return,
            [only] => *only,
            // The first of the best supported.
            several => several.iter().copied().rev().max_by_key(support).unwrap_or_default(),
        };
        if self.is_note(&raw.pieces, &texts[..at]) {
            self.read_note(raw, span);
            return;
        }
        let line = &self.lines[raw.heading].text;
        let spaces = [
            line.starts_with(char::is_whitespace),
            words.get(at + 1).is_some_and(|w| w.gap.chars().count() > 1)
                || (at + 1 == words.len() && line.ends_with("  ")),
        ];
        self.open(line.trim_end(), (&texts[..at], &texts[at + 1..]), spaces, span, &raw.pieces);
        let canonical = format!("{} to {}", self.current.from, self.current.to);
        self.check_spacing(&canonical, line.trim_end(), span);
        self.read_pieces(&raw.pieces);
    }

    /// How much of the section speaks of these two types.
    fn support(&self, pieces: &[Piece], from: &[String], to: &[String]) -> usize {
        let names = Names { from: from.to_vec(), to: to.to_vec(), to_system: Vec::new() };
        let header = |side: &[String], cell: Option<&tables::Cell>| {
            cell.is_some_and(|c| c.words().strip_suffix(&["Property".to_string()]) == Some(side))
        };
        pieces
            .iter()
            .map(|piece| match *piece {
                Piece::Prose(first, last) => {
                    let words = words_of(self.lines, first, last);
                    sentences_in(&words, &names).filter(|f| f.as_expected).count()
                }
                Piece::Table(first, last) => {
                    let table = tables::parse(self.lines, first, last);
                    let cells = table.rows.first().map(|r| r.cells.as_slice());
                    let cells = cells.unwrap_or_default();
                    usize::from(header(from, cells.first()) && header(to, cells.get(1)))
                }
                Piece::Other(..) => 0,
            })
            .sum()
    }

    /// A heading that has a `to` in it but is not about record types (`How to read this page`).
    fn is_note(&self, pieces: &[Piece], from: &[String]) -> bool {
        let Some(system) = self.outline.from_system.as_ref().filter(|s| !s.is_empty()) else {
            return false;
        };
        let named = (1..=from.len()).any(|n| squeezed(&from[..n]) == squeezed(system));
        let states = || {
            pieces.iter().any(|piece| match *piece {
                Piece::Prose(first, last) => {
                    let words = words_of(self.lines, first, last);
                    sentences_in(&words, &Names::default()).next().is_some()
                }
                Piece::Table(..) => true,
                Piece::Other(..) => false,
            })
        };
        !named && !states()
    }

    fn read_note(&mut self, raw: &RawSection, span: Span) {
        self.warnings.push(
            Warning::new(
                "document::heading",
                span,
                "this heading names no system of the title, and no statement follows it",
            )
            .understood("text without effect")
            .hint("a section begins with a heading such as `Wix Contacts to Zendesk Users`"),
        );
        let text = self.lines[raw.heading].text.trim().to_string();
        let line = "-".repeat(crate::warning::columns(&text).max(1));
        self.push_unrecognised(format!("{text}\n{line}"), span);
        for piece in &raw.pieces {
            let text = raw_text(self.lines, *piece);
            let (Piece::Prose(first, last) | Piece::Table(first, last) | Piece::Other(first, last)) =
                *piece;
            self.push_unrecognised(text, span_of_lines(self.lines, first, last));
        }
    }

    /// Opens a section. `spaces` says on which sides a name begins with a space of its own.
    fn open(
        &mut self,
        text: &str,
        (from, to): (&[String], &[String]),
        spaces: [bool; 2],
        span: Span,
        pieces: &[Piece],
    ) {
        self.close();
        let named = self.named_system(pieces, to);
        let from_evidence = SystemEvidence {
            named: None,
            title: self.outline.from_system.clone(),
            common: self.outline.from_common.clone(),
            leading_space: spaces[0],
        };
        let to_evidence = SystemEvidence {
            leading_space: spaces[1] || named.as_ref().is_some_and(Vec::is_empty),
            named,
            title: self.outline.to_system.clone(),
            common: self.outline.to_common.clone(),
        };
        let (from_name, from_sure) = split_system(from, &from_evidence);
        let (to_name, to_sure) = split_system(to, &to_evidence);
        let sides = [(from, &from_name, from_sure), (to, &to_name, to_sure)];
        for (words, name, sure) in sides {
            if sure == Certainty::Guessed && self.outline.from_system.is_some() {
                let words = words.join(" ");
                let message = format!("`{words}` begins with no system that the title names");
                self.warnings.push(
                    Warning::new("document::system-unclear", span, message)
                        .understood(format!(
                            "system `{}`, record type `{}`",
                            name.system,
                            name.within_system()
                        ))
                        .hint("begin the name with a system as the title has it"),
                );
            }
        }
        self.current = Current {
            names: Names {
                from: from.to_vec(),
                to: to.to_vec(),
                to_system: to_name.system.split_whitespace().map(String::from).collect(),
            },
            from: as_written(&from_name, from),
            to: as_written(&to_name, to),
            awaiting: None,
        };
        self.sections.push(Section {
            heading: Heading { text: text.to_string(), from: from_name, to: to_name, span },
            statements: Vec::new(),
            span,
        });
    }

    /// Opens a section for statements about other types than those of the heading above them.
    pub(super) fn open_without_heading(
        &mut self,
        words: &[Word],
        unknown: Range<usize>,
        (from, to): (&[String], &[String]),
        span: Span,
        ahead: &[Piece],
    ) {
        let composed = format!("{} to {}", from.join(" "), to.join(" "));
        let before = &words[unknown];
        // The heading's text may still stand there, without the line that makes it a heading.
        let heading = if single_spaced(before) == composed {
            Some(span_of(self.lines, before))
        } else {
            self.unknown_words(before);
            self.take_last_text(&composed)
        };
        let warning = match heading {
            Some(span) => Warning::new(
                "document::underline-missing",
                span,
                "this heading has no line below it",
            )
            .understood("a heading all the same")
            .hint(format!("put `{}` below it", "-".repeat(composed.chars().count()))),
            None => Warning::new(
                "document::heading-missing",
                span,
                "this and what follows is about other types than the heading above",
            )
            .understood("a section of its own")
            .hint(format!("put the heading `{composed}` above")),
        };
        self.warnings.push(warning);
        let empty_name = |system: &Option<Vec<String>>| system.as_ref().is_some_and(Vec::is_empty);
        let spaces = [empty_name(&self.outline.from_system), empty_name(&self.outline.to_system)];
        let heading_span = heading.unwrap_or(span);
        self.open(&composed, (from, to), spaces, heading_span, ahead);
    }

    /// Takes back the text read last, if it is this one.
    fn take_last_text(&mut self, wanted: &str) -> Option<Span> {
        let span = match self.sections.last_mut() {
            None => {
                let (text, span) = self.front.last()?;
                let span = (tidy(text) == wanted).then_some(*span)?;
                self.front.pop();
                span
            }
            Some(section) => {
                let last = section.statements.last()?;
                let StatementKind::Unrecognised { text } = &last.kind else {
                    return None;
                };
                let span = (tidy(text) == wanted).then_some(last.span)?;
                section.statements.pop();
                span
            }
        };
        self.warnings.retain(|w| w.span != span || w.code != "document::unknown-statement");
        Some(span)
    }

    /// The system in the header of the type column of the section's property table.
    fn named_system(&self, pieces: &[Piece], to: &[String]) -> Option<Vec<String>> {
        // The section's own tables come soon.
        pieces.iter().take(24).find_map(|piece| {
            let Piece::Table(first, last) = *piece else {
                return None;
            };
            let table = tables::parse(self.lines, first, last);
            let cells = &table.rows.first()?.cells;
            let property = cells.get(1)?.words();
            let words = cells.get(2)?.words();
            let data_type = ["Data".to_string(), "Type".to_string()];
            let system = words.strip_suffix(&data_type)?;
            property.starts_with(to).then(|| system.to_vec())
        })
    }

    pub(super) fn close(&mut self) {
        self.warn_missing_table();
        self.current = Current::default();
    }
}

/// The name as sentences have it: with the extra space of a system without a name, if that is all
/// that differs from what the heading says.
fn as_written(name: &TypeName, words: &[String]) -> String {
    let (name, words) = (name.to_string(), words.join(" "));
    if tidy(&name) == words { name } else { words }
}

fn sentences_in<'a>(words: &'a [Word], names: &'a Names) -> impl Iterator<Item = Found> + 'a {
    (0..words.len())
        .filter(|at| begins_sentence(words, *at))
        .filter_map(|at| sentence_at(words, at, names))
}
