//! Reading the body of a section: which statements stand there, and what they are about.
//!
//! A section's sentences are expected to name the types of its heading. Where they name others,
//! what they *say* counts and not what they stand below, because acting on the wrong types would
//! write to the wrong records:
//!
//! - one of two names differs: a slip, taken as the heading's type, with a warning;
//! - both differ: the statements are a section of their own whose heading was lost;
//! - the two are swapped in a sentence that creates: not understood, and without effect.

mod opening;
mod table;

use std::ops::Range;

use crate::blocks::adornment;
use crate::document::{Section, Statement};
use crate::lines::{Line, span_of_line, span_of_lines};
use crate::names::{TypeName, squeezed};
use crate::setting::{Setting, named_types};
use crate::span::Span;
use crate::statement::StatementKind;
use crate::warning::Warning;
use crate::wording::{
    self, Found, Names, Sentence, Slot, begins_sentence, sentence_at, slot_words,
};
use crate::words::{Word, as_lines, join, single_spaced, span_of, tidy, words_of};

/// What the whole document says about the systems' names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outline {
    /// The title's systems, where there is a title that says them.
    pub from_system: Option<Vec<String>>,
    pub to_system: Option<Vec<String>>,
    /// First words that all headings have in common.
    pub from_common: Vec<String>,
    pub to_common: Vec<String>,
}

/// Lines (first and last) that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    Prose(usize, usize),
    Table(usize, usize),
    Other(usize, usize),
}

#[derive(Debug, Clone)]
pub(crate) struct RawSection {
    /// The line with the heading's text.
    pub heading: usize,
    pub pieces: Vec<Piece>,
}

/// The lines of a piece as they stand, line ends and trailing spaces aside.
pub(crate) fn raw_text(lines: &[Line], piece: Piece) -> String {
    let (Piece::Prose(first, last) | Piece::Table(first, last) | Piece::Other(first, last)) = piece;
    let texts: Vec<&str> = lines[first..=last].iter().map(|line| line.text.trim_end()).collect();
    texts.join("\n")
}

pub(crate) struct Reader<'a> {
    pub(crate) lines: &'a [Line],
    outline: &'a Outline,
    pub(crate) warnings: Vec<Warning>,
    sections: Vec<Section>,
    current: Current,
    /// Text before the first section.
    front: Vec<(String, Span)>,
}

/// What the sentences of the section being read are about.
#[derive(Debug, Clone, Default)]
struct Current {
    names: Names,
    /// The names as sentences have them.
    from: String,
    to: String,
    /// The statement whose table has yet to come.
    awaiting: Option<usize>,
}

impl<'a> Reader<'a> {
    pub fn new(lines: &'a [Line], outline: &'a Outline) -> Reader<'a> {
        Reader {
            lines,
            outline,
            warnings: Vec::new(),
            sections: Vec::new(),
            current: Current::default(),
            front: Vec::new(),
        }
    }

    /// The sections and warnings.
    pub fn finish(mut self) -> (Vec<Section>, Vec<Warning>) {
        self.close();
        self.sections.iter_mut().for_each(name_as_said);
        self.sections.iter_mut().for_each(condition_as_said);
        (self.sections, self.warnings)
    }

    /// Reads what stands before the first section; gives the paragraphs that are no statements.
    pub fn read_front(&mut self, pieces: &[Piece]) -> Vec<String> {
        self.read_pieces(pieces);
        self.front.iter().map(|(text, _)| text.clone()).collect()
    }

    fn read_pieces(&mut self, pieces: &[Piece]) {
        for (index, piece) in pieces.iter().enumerate() {
            match *piece {
                Piece::Prose(first, last) => self.read_prose(first, last, &pieces[index..]),
                Piece::Table(first, last) => self.read_table(first, last),
                Piece::Other(first, last) => self.read_other(first, last),
            }
        }
    }

    fn read_other(&mut self, first: usize, last: usize) {
        let line = &self.lines[first];
        if first == last && adornment(line).is_some() {
            return;
        }
        let span = span_of_lines(self.lines, first, last);
        let directive = line.text.starts_with("..") && line.text.contains("::");
        if directive && !self.sections.is_empty() {
            self.warnings.push(
                Warning::new(
                    "document::unknown-statement",
                    span_of_line(self.lines, first),
                    "dataflow documents have no such directive",
                )
                .understood("text without effect")
                .hint("the tables of a section are written as `.. list-table::`"),
            );
        }
        let text = raw_text(self.lines, Piece::Other(first, last));
        self.push_unrecognised(text, span);
    }

    fn read_prose(&mut self, first: usize, last: usize, ahead: &[Piece]) {
        if !self.sections.is_empty() && self.read_settings(first, last) {
            return;
        }
        let words = words_of(self.lines, first, last);
        let mut unknown = 0..0;
        let mut at = 0;
        let mut after_sentence = true;
        while at < words.len() {
            let found = (after_sentence || begins_sentence(&words, at))
                .then(|| sentence_at(&words, at, &self.current.names))
                .flatten()
                .filter(|found| !self.sections.is_empty() || names_both(found, &words));
            after_sentence = found.is_some();
            let Some(found) = found else {
                unknown.end = at + 1;
                at += 1;
                continue;
            };
            let end = found.end.max(at + 1);
            self.read_sentence(&words, at..end, unknown, &found, ahead);
            at = end;
            unknown = at..at;
        }
        if unknown.len() == words.len() {
            let span = span_of(self.lines, &words);
            let text = raw_text(self.lines, Piece::Prose(first, last));
            self.unknown(&words, text, span);
        } else {
            self.unknown_words(&words[unknown]);
        }
    }

    /// Whether a paragraph is nothing but settings, which then are read. A sentence may be wrapped.
    fn read_settings(&mut self, first: usize, last: usize) -> bool {
        let mut sentences: Vec<(usize, usize, String)> = Vec::new();
        for index in first..=last {
            let text = self.lines[index].text.trim();
            match sentences.last_mut() {
                _ if Setting::begins(text) => sentences.push((index, index, text.to_string())),
                Some((_, end, sentence)) => {
                    *end = index;
                    sentence.push(' ');
                    sentence.push_str(text);
                }
                None => return false,
            }
        }
        let read = |(first, last, text): &(usize, usize, String)| {
            Some((*first, *last, Setting::parse(text)?))
        };
        let Some(settings) = sentences.iter().map(read).collect::<Option<Vec<_>>>() else {
            return false;
        };
        for (first, last, setting) in settings {
            let span = span_of_lines(self.lines, first, last);
            self.push(StatementKind::Setting(setting), span);
        }
        true
    }

    /// Text that is no statement: before the first section it belongs to the introduction.
    fn unknown_words(&mut self, words: &[Word]) {
        if !words.is_empty() {
            let span = span_of(self.lines, words);
            self.unknown(words, as_lines(words), span);
        }
    }

    fn unknown(&mut self, words: &[Word], text: String, span: Span) {
        if !self.sections.is_empty() {
            let warning =
                Warning::new("document::unknown-statement", span, "this is none of the statements")
                    .understood("text without effect");
            let (from, to) = (&self.current.from, &self.current.to);
            let near = wording::nearest(words).map(|sentence| {
                let filled = wording::fill(sentence, from, to, "…", "…");
                match sentence {
                    Sentence::Condition => format!("When …, {filled}"),
                    _ => filled,
                }
            });
            let warning = match near {
                Some(near) => warning.hint(format!("it comes near to: {near}")),
                None => warning.hint(
                    "notes stand in the introduction; the wording of the statements is fixed",
                ),
            };
            self.warnings.push(warning);
        }
        self.push_unrecognised(text, span);
    }

    fn push_unrecognised(&mut self, text: String, span: Span) {
        if self.sections.is_empty() {
            self.front.push((text, span));
        } else {
            self.push(StatementKind::Unrecognised { text }, span);
        }
    }

    pub(crate) fn push(&mut self, kind: StatementKind, span: Span) {
        if let Some(section) = self.sections.last_mut() {
            section.span = section.span.to(span);
            section.statements.push(Statement { kind, span, rows: Vec::new() });
        }
    }

    fn read_sentence(
        &mut self,
        words: &[Word],
        range: Range<usize>,
        unknown: Range<usize>,
        found: &Found,
        ahead: &[Piece],
    ) {
        let span = span_of(self.lines, &words[range.clone()]);
        let slot = |slot: Slot| found.slot(slot).map(|range| slot_words(words, range));
        let (from, to) = (slot(Slot::From), slot(Slot::To));
        let names = &self.current.names;
        let other = |found: &Option<Vec<String>>, expected: &[String]| {
            found.as_ref().is_some_and(|found| squeezed(found) != squeezed(expected))
        };
        let mut named_otherwise = false;
        if !found.as_expected {
            let (from_other, to_other) = (other(&from, &names.from), other(&to, &names.to));
            let swapped = !other(&from, &names.to) && !other(&to, &names.from);
            if let (Some(from), Some(to), true, false) =
                (&from, &to, from_other && to_other, swapped)
            {
                let between = unknown.len();
                self.open_without_heading(words, unknown, (from, to), span, ahead);
                // Read it again, now that its names are known.
                let again = sentence_at(words, range.start, &self.current.names);
                if let Some(again) = again.filter(|again| again.as_expected) {
                    self.read_sentence(words, range, between..between, &again, ahead);
                }
                return;
            }
            named_otherwise = from_other || to_other;
            self.unknown_words(&words[unknown.clone()]);
            let reversed = to_other && swapped && creates(found.sentence);
            if reversed {
                self.warn_other_direction(span);
                self.push_unrecognised(as_lines(&words[range]), span);
                return;
            }
            if named_otherwise && !swapped {
                self.warn_name(span, &single_spaced(&words[range.clone()]));
            }
        } else {
            self.unknown_words(&words[unknown]);
        }
        if !named_otherwise {
            self.check_wording(words, range.clone(), found, span);
        }
        self.push_sentence(words, found, span);
    }

    fn warn_other_direction(&mut self, span: Span) {
        let Current { from, to, .. } = &self.current;
        let message = format!("this is about {to} to {from}, the heading about {from} to {to}");
        self.warnings.push(
            Warning::new("document::other-direction", span, tidy(&message))
                .understood("text without effect: nothing is created by a guess")
                .hint("give the other direction a section of its own"),
        );
    }

    fn warn_name(&mut self, span: Span, text: &str) {
        let Current { from, to, .. } = &self.current;
        let message = format!("`{text}` is about other types than its section");
        self.warnings.push(
            Warning::new("document::name-mismatch", span, message)
                .understood(format!("about {} and {}", tidy(from), tidy(to)))
                .hint("name the types of the heading"),
        );
    }

    fn check_wording(&mut self, words: &[Word], range: Range<usize>, found: &Found, span: Span) {
        // The first name of the list keeps the space of a system without a name.
        let list = found.slot(Slot::Connected).map(|range| {
            let first = words.get(range.start).filter(|w| !w.starts_line);
            let extra = first.map_or("", |w| w.gap.get(1..).unwrap_or_default());
            format!("{extra}{}", join(&words[range]))
        });
        let Current { from, to, .. } = &self.current;
        let filled = wording::fill(
            found.sentence,
            from,
            to,
            &list.unwrap_or_default(),
            &slot_words(words, found.slot(Slot::System).unwrap_or(0..0)).join(" "),
        );
        let start = found.condition.end.max(range.start);
        let actual = join(&words[start..range.end]);
        // `an` before a vowel is what a person would write.
        let plain = |text: &str| {
            let text = tidy(text).replace(" an ", " a ").replace("An ", "A ");
            text.trim_end_matches(['.', ':', ' ']).to_string()
        };
        if plain(&actual) == plain(&filled) {
            self.check_spacing(&filled, &actual, span);
        } else {
            self.warnings.push(
                Warning::new("document::wording", span, "this differs from the fixed wording")
                    .understood(format!("`{filled}`"))
                    .hint("use the fixed wording, so that every reader understands the same"),
            );
        }
    }

    fn check_spacing(&mut self, wanted: &str, actual: &str, span: Span) {
        let spaces = |text: &str| text.chars().filter(|c| c.is_whitespace()).count();
        if tidy(wanted) == tidy(actual) && spaces(actual) > spaces(wanted) {
            self.warnings.push(
                Warning::new("document::spacing", span, "spaces are doubled")
                    .understood("as if they were single")
                    .hint("only a system without a name leaves a second space"),
            );
        }
    }

    fn push_sentence(&mut self, words: &[Word], found: &Found, span: Span) {
        let merge = |merges, creates| StatementKind::MergeOrCreate { merges, creates };
        let kind = match found.sentence {
            Sentence::Every => StatementKind::EveryCreates,
            Sentence::Condition => {
                let condition = join(&words[found.condition.clone()]);
                let condition = condition.trim_end_matches(',').trim_end().to_string();
                StatementKind::ConditionCreates { condition }
            }
            Sentence::LinkOnly => StatementKind::LinkOnly,
            Sentence::Connected => StatementKind::CreateIfConnected {
                connected: self.connected(words, found),
                system: slot_words(words, found.slot(Slot::System).unwrap_or(0..0)).join(" "),
            },
            Sentence::Merges => merge(true, false),
            Sentence::Creates => {
                if self.completes_pair(span) {
                    return;
                }
                merge(false, true)
            }
            Sentence::Match => StatementKind::Match { rows: Vec::new() },
            Sentence::KeepInSync => StatementKind::KeepInSync,
            Sentence::Properties => StatementKind::Properties { rows: Vec::new() },
        };
        let awaits = matches!(found.sentence, Sentence::Match | Sentence::Properties);
        if awaits {
            self.warn_missing_table();
        }
        self.push(kind, span);
        if awaits {
            let count = self.sections.last().map_or(0, |s| s.statements.len());
            self.current.awaiting = count.checked_sub(1);
        }
    }

    /// `If no matching …` right after `If a matching …`: the two are one statement.
    fn completes_pair(&mut self, span: Span) -> bool {
        let Some(section) = self.sections.last_mut() else {
            return false;
        };
        let last = section.statements.last_mut();
        let Some(last) = last.filter(|last| {
            let first_half = StatementKind::MergeOrCreate { merges: true, creates: false };
            last.kind == first_half
        }) else {
            return false;
        };
        last.kind = StatementKind::MergeOrCreate { merges: true, creates: true };
        last.span = last.span.to(span);
        section.span = section.span.to(span);
        true
    }

    /// `SuperOffice Sale, Quote, or Quoteline`: the system may be said once.
    fn connected(&self, words: &[Word], found: &Found) -> Vec<TypeName> {
        let range = found.slot(Slot::Connected).unwrap_or(0..0);
        let unnamed =
            words.get(range.start).is_some_and(|w| !w.starts_line && w.gap.chars().count() > 1);
        let list = single_spaced(&words[range]);
        let heading = self.sections.last().map(|s| &s.heading);
        let (from, to) =
            heading.map_or(("", ""), |h| (h.from.system.as_str(), h.to.system.as_str()));
        let mut system = from;
        let mut names = Vec::new();
        for (index, item) in list_items(&list).into_iter().enumerate() {
            let article = ["a ", "an "].iter().find_map(|a| item.strip_prefix(a));
            let article = article.filter(|rest| index > 0 && !rest.starts_with('('));
            let item = article.unwrap_or(item);
            let within = |system: &'_ str| {
                let kind = item.strip_prefix(system)?.strip_prefix(' ')?;
                (!system.is_empty() && !kind.starts_with('(')).then_some(kind)
            };
            // The other system's types are hardly meant, and never after the space of an unnamed
            // one.
            let begins_name = if index == 0 { !unnamed } else { article.is_some() };
            let kind = match (within(from), within(to).filter(|_| begins_name)) {
                (Some(kind), _) => {
                    system = from;
                    kind
                }
                (None, Some(kind)) => {
                    system = to;
                    kind
                }
                (None, None) => item,
            };
            names.push(TypeName::new(system, kind));
        }
        names
    }
}

/// A section may say which record types its heading names: where a system's name ends is not to be
/// seen there.
fn name_as_said(section: &mut Section) {
    let named = section.statements.iter().find_map(|statement| match &statement.kind {
        StatementKind::Setting(setting) => named_types(setting),
        _ => None,
    });
    let Some((from, to)) = named else { return };
    let before = std::mem::replace(&mut section.heading.from, from.clone());
    section.heading.to = to.clone();
    for statement in &mut section.statements {
        let StatementKind::CreateIfConnected { connected, system } = &mut statement.kind else {
            continue;
        };
        *system = to.system.clone();
        for name in connected.iter_mut().filter(|name| name.system == before.system) {
            let whole = name.to_string();
            let kind = whole
                .strip_prefix(&format!("{} ", from.system))
                .map_or_else(|| name.within_system(), str::to_string);
            *name = TypeName::new(&from.system, &kind);
        }
    }
}

/// Likewise the condition, where the sentence can't hold it as it is.
fn condition_as_said(section: &mut Section) {
    let said = section.statements.iter().find_map(|statement| match &statement.kind {
        StatementKind::Setting(setting) if setting.key == "condition" => {
            setting.value.as_str().map(String::from)
        }
        _ => None,
    });
    let Some(said) = said else { return };
    for statement in &mut section.statements {
        if let StatementKind::ConditionCreates { condition } = &mut statement.kind {
            condition.clone_from(&said);
        }
    }
}

/// Whether the sentence makes records of B, so that it matters which of the types B is.
fn creates(sentence: Sentence) -> bool {
    match sentence {
        Sentence::Every
        | Sentence::Condition
        | Sentence::Connected
        | Sentence::Merges
        | Sentence::Creates => true,
        Sentence::LinkOnly | Sentence::Match | Sentence::KeepInSync | Sentence::Properties => false,
    }
}

/// Whether a sentence names two types, so that it can be understood without a heading.
fn names_both(found: &Found, words: &[Word]) -> bool {
    [Slot::From, Slot::To].into_iter().all(|slot| {
        let range = found.slot(slot).unwrap_or(0..0);
        !slot_words(words, range).is_empty()
    })
}

/// The items of `X, Y, or Z`; commas in brackets do not count.
fn list_items(list: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, c) in list.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = list[start..].trim();
    match last.split_once(" or ").filter(|_| !last.starts_with("or ")) {
        Some((before, after)) => items.extend([before, after]),
        None => items.push(last),
    }
    items
        .into_iter()
        .map(|item| item.trim())
        .map(|item| item.strip_prefix("or ").unwrap_or(item).trim())
        .filter(|item| !item.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_with_or() {
        assert_eq!(list_items("S Sale"), ["S Sale"]);
        assert_eq!(list_items("S Sale, or Quote"), ["S Sale", "Quote"]);
        assert_eq!(
            list_items("S Sale (a, b), Quote, or a S Order"),
            ["S Sale (a, b)", "Quote", "a S Order"]
        );
        assert_eq!(list_items("Sale or Quote"), ["Sale", "Quote"]);
    }
}
