//! Reading: from the text to the document and what is amiss in it.
//!
//! The outline is made first (title, introduction, sections), because where a system's name ends
//! is only known from the title, the headings and the table headers together. Then each section is
//! read by `section`. Nothing here fails but text that is not UTF-8.

use crate::blocks::{Block, BlockKind, adornment, scan};
use crate::document::{Document, Generated, Introduction, Section, Title};
use crate::lines::{BYTE_ORDER_MARK, Line, span_of_line, split};
use crate::names::{common_words, splits_at_to};
use crate::notes::is_verdict;
use crate::section::{self, Outline, Piece, RawSection};
use crate::span::Span;
use crate::statement::StatementKind;
use crate::warning::{Warning, columns};
use crate::words::tidy;

/// The only way in which reading fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not UTF-8.
    #[error(
        "line {line}, column {column} (byte {offset}) is not UTF-8{}; save the document as UTF-8 and read it again",
        if *utf16 { ": the file looks like UTF-16" } else { "" }
    )]
    NotUtf8 {
        /// Offset of the first byte that is not part of UTF-8 text.
        offset: usize,
        /// Its line, from 1.
        line: usize,
        /// Its column in characters, from 1.
        column: usize,
        /// Whether the file begins like UTF-16.
        utf16: bool,
    },
}

/// Reads a document from bytes.
///
/// # Errors
/// [`ReadError::NotUtf8`] when the bytes are not UTF-8.
pub fn read_bytes(bytes: &[u8]) -> Result<(Document, Vec<Warning>), ReadError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(read(text)),
        Err(error) => {
            let offset = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..offset]);
            let lines = split(&before, 0);
            let (line, column) = match lines.last() {
                Some(last) if last.end == crate::LineEnd::None => {
                    (lines.len(), last.text.chars().count() + 1)
                }
                _ => (lines.len() + 1, 1),
            };
            Err(ReadError::NotUtf8 {
                offset,
                line,
                column,
                utf16: bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]),
            })
        }
    }
}

/// Reads a document. The warnings are in the order of their places.
#[must_use]
pub fn read(text: &str) -> (Document, Vec<Warning>) {
    let body = text.strip_prefix(BYTE_ORDER_MARK);
    let offset = text.len() - body.unwrap_or(text).len();
    let lines = split(body.unwrap_or(text), offset);
    let blocks = scan(&lines);
    let mut reader = Reader { lines: &lines, warnings: Vec::new() };
    let parts = reader.parts(&blocks);
    let (title, generated, introduction, sections) = reader.understand(&parts);
    let mut warnings = reader.warnings;
    warnings.sort_by_key(|warning| (warning.span.start, warning.span.end));
    let document = Document {
        byte_order_mark: body.is_some(),
        title,
        generated,
        introduction,
        sections,
        lines,
        blocks,
    };
    (document, warnings)
}

struct Reader<'a> {
    lines: &'a [Line],
    warnings: Vec<Warning>,
}

/// The document cut at its headings.
#[derive(Default)]
struct Parts {
    title: Option<usize>,
    introduction: Option<usize>,
    /// What stands before the first section, titles aside.
    front: Vec<Piece>,
    sections: Vec<RawSection>,
}

type Understood = (Option<Title>, Option<Generated>, Introduction, Vec<Section>);

impl Reader<'_> {
    fn parts(&mut self, blocks: &[Block]) -> Parts {
        let mut parts = Parts::default();
        for block in blocks {
            let piece = match block.kind {
                BlockKind::Blank => continue,
                BlockKind::Heading { text, .. } => {
                    if self.place_heading(&mut parts, block, text) {
                        continue;
                    }
                    let message = "this heading does not say `System Type to System Type`";
                    self.warnings.push(
                        Warning::new("document::heading", span_of_line(self.lines, text), message)
                            .understood("text without effect")
                            .hint("a section begins with a heading such as `Wix Contacts to Zendesk Users`"),
                    );
                    Piece::Other(block.first, block.last)
                }
                BlockKind::Paragraph if self.is_bare_title(&parts, block) => {
                    parts.title = Some(block.first);
                    self.warn_no_underline(block.first);
                    continue;
                }
                BlockKind::Paragraph => Piece::Prose(block.first, block.last),
                BlockKind::Table => Piece::Table(block.first, block.last),
                // A verdict of an earlier verification says nothing of what must hold.
                BlockKind::Other if is_verdict(&self.lines[block.first]) => continue,
                BlockKind::Other => Piece::Other(block.first, block.last),
            };
            match parts.sections.last_mut() {
                Some(section) => section.pieces.push(piece),
                None => parts.front.push(piece),
            }
        }
        parts
    }

    /// Finds the heading its place as title, introduction or section, if it has one.
    fn place_heading(&mut self, parts: &mut Parts, block: &Block, text: usize) -> bool {
        let BlockKind::Heading { overline, underline, .. } = block.kind else {
            return false;
        };
        let heading = tidy(&self.lines[text].text);
        let lower = heading.to_lowercase();
        let words: Vec<String> = heading.split(' ').map(String::from).collect();
        let first = parts.title.is_none() && parts.introduction.is_none();
        if first && parts.sections.is_empty() && (overline.is_some() || lower.ends_with("dataflow"))
        {
            parts.title = Some(text);
        } else if parts.sections.is_empty()
            && parts.introduction.is_none()
            && lower.trim_end_matches(['.', ':']) == "introduction"
        {
            parts.introduction = Some(text);
        } else if !splits_at_to(&words).is_empty() {
            parts.sections.push(RawSection { heading: text, pieces: Vec::new() });
        } else {
            return false;
        }
        self.check_lines(text, overline, underline);
        true
    }

    /// A first paragraph of one line that reads like a title whose lines were lost.
    fn is_bare_title(&self, parts: &Parts, block: &Block) -> bool {
        let line = tidy(&self.lines[block.first].text).to_lowercase();
        let padded = format!(" {line} ");
        block.first == block.last
            && parts.title.is_none()
            && parts.introduction.is_none()
            && parts.front.is_empty()
            && parts.sections.is_empty()
            && line.ends_with("dataflow")
            && padded.contains(" to ")
    }

    fn warn_no_underline(&mut self, text: usize) {
        let wide = "=".repeat(columns(self.lines[text].text.trim_end()));
        self.warnings.push(
            Warning::new(
                "document::underline-missing",
                span_of_line(self.lines, text),
                "this heading has no line below it",
            )
            .understood("a heading all the same")
            .hint(format!("put `{wide}` below it")),
        );
    }

    /// Warns where the lines above and below a heading are not as long as its text.
    fn check_lines(&mut self, text: usize, overline: Option<usize>, underline: Option<usize>) {
        let heading = self.lines[text].text.as_str();
        let character = |index: usize| adornment(&self.lines[index]).map(|(c, _)| c);
        let Some(below) = underline else {
            self.warn_no_underline(text);
            return;
        };
        if let Some(above) = overline.filter(|above| character(*above) != character(below)) {
            self.warnings.push(
                Warning::new(
                    "document::underline-length",
                    span_of_line(self.lines, above),
                    "the lines above and below this heading are of different characters",
                )
                .understood("a heading all the same")
                .hint("make both lines of `=`"),
            );
        }
        // The known documents underline `Introduction.` without its full stop.
        let introduction = heading.trim() == "Introduction.";
        let right = |length: usize| {
            [heading.trim_end(), heading.trim()]
                .iter()
                .flat_map(|text| [text.chars().count(), columns(text)])
                .any(|wanted| wanted == length || (introduction && length + 1 == wanted))
        };
        for index in overline.into_iter().chain([below]) {
            let Some((_, length)) = adornment(&self.lines[index]) else {
                continue;
            };
            if !right(length) {
                let wanted = heading.trim_end().chars().count();
                self.warnings.push(
                    Warning::new(
                        "document::underline-length",
                        span_of_line(self.lines, index),
                        format!(
                            "this line has {}, the heading has {}",
                            characters(length),
                            characters(wanted)
                        ),
                    )
                    .understood("the line of a heading all the same")
                    .hint(format!("make it {} long", characters(wanted))),
                );
            }
        }
    }

    fn understand(&mut self, parts: &Parts) -> Understood {
        let headings: Vec<Vec<String>> =
            parts.sections.iter().map(|section| self.line_words(section.heading)).collect();
        let title = parts.title.map(|line| self.title(line, &headings));
        let outline = outline(title.as_ref(), &headings);
        let mut generated = None;
        let mut front = Vec::new();
        for piece in &parts.front {
            match self.generated(piece) {
                Some(found) if generated.is_none() => generated = Some(found),
                _ => front.push(*piece),
            }
        }
        let mut reader = section::Reader::new(self.lines, &outline);
        let introduction = Introduction {
            heading: parts
                .introduction
                .map(|line| self.lines[line].text.trim().to_string())
                .unwrap_or_default(),
            paragraphs: reader.read_front(&front),
        };
        for section in &parts.sections {
            reader.read_section(section);
        }
        let (sections, warnings) = reader.finish();
        self.warnings.extend(warnings);
        self.check_whole(title.as_ref(), &sections);
        (title, generated, introduction, sections)
    }

    fn line_words(&self, line: usize) -> Vec<String> {
        let text = &self.lines[line].text;
        text.split_whitespace().map(String::from).collect()
    }

    /// `X to Y Dataflow`. Where `to` stands more than once, the headings decide.
    fn title(&mut self, line: usize, headings: &[Vec<String>]) -> Title {
        let words = self.line_words(line);
        let span = span_of_line(self.lines, line);
        let text = self.lines[line].text.trim_end().to_string();
        let systems = match words.split_last() {
            Some((last, systems)) if last.eq_ignore_ascii_case("dataflow") => systems,
            _ => &[],
        };
        let support = |at: usize| -> usize {
            let (from, to) = (&systems[..at], &systems[at + 1..]);
            headings
                .iter()
                .filter_map(|heading| {
                    let mut splits = splits_at_to(heading).into_iter();
                    let fits = |i: &usize| {
                        heading[..*i].starts_with(from) && heading[i + 1..].starts_with(to)
                    };
                    splits.find(fits)
                })
                .count()
        };
        // The first of the best supported splits.
        let best = splits_at_to(systems).into_iter().rev().max_by_key(|at| support(*at));
        let Some(at) = best else {
            self.warnings.push(
                Warning::new("document::title", span, "the title does not name two systems")
                    .understood("a title; the systems are taken from the sections")
                    .hint("a title reads `X to Y Dataflow`"),
            );
            return Title {
                text,
                from_system: String::new(),
                to_system: String::new(),
                understood: false,
                span,
            };
        };
        Title {
            text,
            from_system: systems[..at].join(" "),
            to_system: systems[at + 1..].join(" "),
            understood: true,
            span,
        }
    }

    fn generated(&self, piece: &Piece) -> Option<Generated> {
        let Piece::Prose(first, last) = *piece else {
            return None;
        };
        let text = self.lines[first].text.trim();
        let (label, time) = text.split_once(':')?;
        (first == last && label.trim().eq_ignore_ascii_case("generated")).then(|| Generated {
            text: time.trim().to_string(),
            span: span_of_line(self.lines, first),
        })
    }

    /// What can only be said of the document as a whole.
    fn check_whole(&mut self, title: Option<&Title>, sections: &[Section]) {
        let top = (0..self.lines.len())
            .find(|index| !self.lines[*index].is_blank())
            .map_or_else(Span::default, |index| span_of_line(self.lines, index));
        let top = Span { line: top.line.max(1), column: top.column.max(1), ..top };
        if title.is_none() {
            self.warnings.push(
                Warning::new("document::no-title", top, "the document has no title")
                    .understood("the systems are taken from the sections")
                    .hint("a title reads `X to Y Dataflow`, with a line of `=` above and below"),
            );
        }
        if sections.is_empty() {
            self.warnings.push(
                Warning::new("document::no-sections", top, "the document states no flow").hint(
                    "a section begins with a heading such as `Wix Contacts to Zendesk Users`",
                ),
            );
        }
        for (index, section) in sections.iter().enumerate() {
            let heading = &section.heading;
            let earlier = sections[..index]
                .iter()
                .find(|s| s.heading.from == heading.from && s.heading.to == heading.to);
            if let Some(earlier) = earlier {
                let message = format!(
                    "a section on the same flow stands in line {}",
                    earlier.heading.span.line
                );
                self.warnings.push(
                    Warning::new("document::repeated-section", heading.span, message)
                        .understood("both sections together state the flow")
                        .hint("make one section of the two"),
                );
            }
            let states =
                |s: &&crate::Statement| !matches!(s.kind, StatementKind::Unrecognised { .. });
            if !section.statements.iter().any(|s| states(&s)) {
                self.warnings.push(
                    Warning::new(
                        "document::empty-section",
                        heading.span,
                        "this section states nothing",
                    )
                    .understood("the flow links nothing, creates nothing and keeps nothing equal"),
                );
            }
        }
    }
}

/// What the whole document says of the systems' names.
fn outline(title: Option<&Title>, headings: &[Vec<String>]) -> Outline {
    let words = |text: &str| text.split_whitespace().map(String::from).collect();
    let known = title.filter(|title| title.understood);
    let sides: Vec<(&[String], &[String])> = headings
        .iter()
        .filter_map(|heading| {
            let at = *splits_at_to(heading).first()?;
            Some((&heading[..at], &heading[at + 1..]))
        })
        .collect();
    let from: Vec<&[String]> = sides.iter().map(|(from, _)| *from).collect();
    let to: Vec<&[String]> = sides.iter().map(|(_, to)| *to).collect();
    Outline {
        from_system: known.map(|title| words(&title.from_system)),
        to_system: known.map(|title| words(&title.to_system)),
        from_common: common_words(&from),
        to_common: common_words(&to),
    }
}

fn characters(count: usize) -> String {
    match count {
        1 => "1 character".to_string(),
        _ => format!("{count} characters"),
    }
}
