//! The documents written back with their verdicts, and the results for other programs.
//!
//! HTML and Markdown show each verdict beside its line, with the trials folded away; the
//! reStructuredText form has them as comments and reads back with the same statements and rows.
//! JUnit is the form that build servers read: a test suite for each section, a case for each line.

use std::fmt::Write as _;

use lockstep_document::{Evidence, Note, Notes, SectionNotes, StatementNotes, escape};
use lockstep_document::{write_noted_html, write_noted_markdown, write_noted_rst, write_rst};

use crate::checklist::{Checklist, DocumentLines, Line, Tally};
use crate::text::{ONCE_LINKED, tallied};
use crate::trial::{Trial, Verdict};

/// One document with its verdicts, in three forms.
pub struct WrittenBack {
    pub html: String,
    pub markdown: String,
    pub rst: String,
}

/// Writes a document back.
pub fn document(list: &Checklist, document: &DocumentLines) -> WrittenBack {
    let notes = notes(list, document);
    let source = document.source.clone().unwrap_or_else(|| write_rst(&document.draft));
    WrittenBack {
        html: write_noted_html(&document.draft, &notes),
        markdown: write_noted_markdown(&document.draft, &notes),
        rst: write_noted_rst(&source, &notes),
    }
}

fn notes(list: &Checklist, document: &DocumentLines) -> Notes {
    let mut tally = Tally::default();
    for (_, _, line) in list.lines().filter(|(of, _, _)| of.name == document.name) {
        tally.count(&line.verdict);
        tally.trials += line.trials.iter().filter(|at| !list.trials[**at].told.is_empty()).count();
    }
    let section = |section: &crate::SectionLines| SectionNotes {
        statements: section
            .statements
            .iter()
            .map(|statement| StatementNotes {
                note: note(list, &statement.line),
                rows: statement.rows.iter().map(|row| note(list, row)).collect(),
            })
            .collect(),
        more: section
            .deletion
            .iter()
            .chain(std::iter::once(&section.idle))
            .map(|line| (line.text.clone(), note(list, line)))
            .collect(),
    };
    Notes {
        summary: tallied(list, &tally),
        sections: document.sections.iter().map(section).collect(),
    }
}

fn note(list: &Checklist, line: &Line) -> Note {
    let trials: Vec<&Trial> = line.trials.iter().map(|at| &list.trials[*at]).collect();
    let violated = trials
        .iter()
        .find(|trial| trial.verdict == Some(Verdict::Violated))
        .and_then(|trial| trial.failure.as_ref());
    let why = match (&line.verdict, violated) {
        (Verdict::NotTried(why) | Verdict::Impossible(why), _) => why.clone(),
        (Verdict::OnceLinked, _) => ONCE_LINKED.into(),
        (Verdict::Violated, Some(failure)) => {
            format!("expected: {}; found: {}", failure.expected, failure.found)
        }
        _ => String::new(),
    };
    let of = |trial: &&Trial| {
        let verdict = match &trial.verdict {
            Some(verdict @ (Verdict::NotTried(why) | Verdict::Impossible(why))) => {
                format!("{}, {why}", verdict.name())
            }
            Some(verdict) => verdict.name().to_string(),
            None => "under way".into(),
        };
        let mut steps = trial.told.clone();
        let mut verbatim = Vec::new();
        if let Some(failure) = &trial.failure {
            steps.push(format!("Expected: {}. Found: {}.", failure.expected, failure.found));
            verbatim.clone_from(&failure.exchanges);
        }
        Evidence { title: format!("{}: {verdict}", trial.name), steps, verbatim }
    };
    let alone = trials.len() == 1 && trials[0].told.is_empty();
    let evidence = if alone { vec![] } else { trials.iter().map(of).collect() };
    Note { mark: line.verdict.mark().into(), word: line.verdict.name().into(), why, evidence }
}

/// All results as JUnit XML.
pub fn junit(list: &Checklist) -> String {
    let tally = list.tally();
    let skipped = tally.not_tried + tally.impossible;
    let all = tally.proved + tally.once_linked + tally.violated + skipped;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"lockstep verify\" tests=\"{all}\" failures=\"{}\" skipped=\"{}\">",
        tally.violated, skipped
    );
    for document in &list.documents {
        for section in &document.sections {
            let of_section = list
                .lines()
                .filter(|(_, other, _)| std::ptr::eq(*other, section))
                .map(|(_, _, line)| line);
            let lines: Vec<&Line> = of_section.collect();
            let mut tally = Tally::default();
            lines.iter().for_each(|line| tally.count(&line.verdict));
            let name = escape(&format!("{}: {}", document.name, section.heading));
            let _ = writeln!(
                out,
                "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
                lines.len(),
                tally.violated,
                tally.not_tried + tally.impossible
            );
            for line in lines {
                case(&mut out, list, document, &name, line);
            }
            out.push_str("  </testsuite>\n");
        }
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, list: &Checklist, document: &DocumentLines, suite: &str, line: &Line) {
    let at = line.at.map(|at| format!(" line=\"{at}\"")).unwrap_or_default();
    let head = format!(
        "    <testcase classname=\"{suite}\" name=\"{}\" file=\"{}\"{at}",
        escape(&line.text),
        escape(&document.name)
    );
    match &line.verdict {
        Verdict::Proved => {
            let _ = writeln!(out, "{head}/>");
        }
        Verdict::OnceLinked => {
            let _ = writeln!(
                out,
                "{head}><system-out>{}: {ONCE_LINKED}</system-out></testcase>",
                line.verdict.name()
            );
        }
        Verdict::NotTried(why) => {
            let _ = writeln!(out, "{head}><skipped message=\"{}\"/></testcase>", escape(why));
        }
        Verdict::Impossible(why) => {
            let message = escape(&format!("{}: {why}", line.verdict.name()));
            let _ = writeln!(out, "{head}><skipped message=\"{message}\"/></testcase>");
        }
        Verdict::Violated => {
            let note = note(list, line);
            let trials = line.trials.iter().map(|at| &list.trials[*at]);
            let text: String = trials
                .filter(|trial| trial.verdict == Some(Verdict::Violated))
                .map(crate::text::failure)
                .collect();
            let message = escape(&note.why);
            let _ = writeln!(
                out,
                "{head}><failure message=\"{message}\">{}</failure></testcase>",
                escape(&text)
            );
        }
    }
}
