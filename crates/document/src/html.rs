//! Writing HTML: one page that needs nothing else, for the screen, the phone and paper.
//!
//! Each statement and each row of a table has a box to tick, because the page is a checklist. There
//! is no script in it, and everything that comes from the document is escaped.

use crate::cells::{PathCell, TypeCell};
use crate::draft::{Draft, DraftSection};
use crate::notes::{Note, Notes, SectionNotes};
use crate::statement::StatementKind;

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #c8ccd2; --soft: #f2f4f6; --quiet: #5a6472; }
@media (prefers-color-scheme: dark) { :root { --line: #444b55; --soft: #22272e; --quiet: #9aa5b1; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
nav ol { padding-left: 1.5rem; }
.quiet { color: var(--quiet); }
.statement { padding-left: 1.6em; text-indent: -1.6em; }
.statement::before { content: \"\\2610\"; display: inline-block; width: 1.6em; text-indent: 0; }
.table { overflow-x: auto; }
table { border-collapse: collapse; min-width: 60%; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: var(--soft); }
th.box, td.box { width: 2rem; text-align: center; }
td.box::before { content: \"\\2610\"; }
td { font-family: ui-monospace, monospace; font-size: .9rem; }
pre { white-space: pre-wrap; background: var(--soft); padding: .6rem; }
@media (max-width: 40rem) { table { min-width: 100%; } th, td { padding: .3rem; } }
@media print { :root { color-scheme: light; } body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
h2 { break-after: avoid; } tr, .statement { break-inside: avoid; } .table { overflow: visible; } }
";

/// Notes beside the lines, and tables that become cards on a phone.
const NOTED_STYLE: &str = "\
:root { --good: #1a7f37; --bad: #b42318; --open: #6b5900; }
@media (prefers-color-scheme: dark) { :root { --good: #57c27b; --bad: #ff8a7a; --open: #d9bc4a; } }
.statement::before, td.box::before { content: none; }
.statement { padding-left: 1.6em; margin-top: .6rem; }
.table { margin-top: .4rem; } tr.evidence td { padding-top: 0; padding-bottom: 0; border-top: 0; }
.mark { font-weight: 700; }
.statement > .mark { display: inline-block; width: 1.6em; text-indent: 0; }
.proved > .mark, .proved.mark { color: var(--good); } .violated > .mark, .violated.mark, .violated .why { color: var(--bad); }
.not-tried > .mark, .not-tried.mark, .proved-once-linked-by-hand > .mark, .proved-once-linked-by-hand.mark { color: var(--open); }
.why { display: block; text-indent: 0; font: .85rem/1.4 system-ui, sans-serif; color: var(--quiet); }
.summary { font-size: 1.1rem; font-weight: 600; }
details { text-indent: 0; margin: .2rem 0 .4rem 1.6em; font: .85rem/1.45 system-ui, sans-serif; }
td > details { margin-left: 0; }
summary { cursor: pointer; color: var(--quiet); }
details h3 { font-size: .9rem; margin: .7rem 0 .2rem; }
details ol { margin: .2rem 0; padding-left: 1.4rem; overflow-wrap: anywhere; }
details pre { font-size: .75rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
.table thead { display: none; } table, tbody, tr, td { display: block; width: 100%; } tr { border: 1px solid var(--line); margin: .5rem 0; }
td, td.box { border: 0; text-align: left; width: 100%; } td[data-label]::before { content: attr(data-label); display: block;
font: .75rem/1.3 system-ui, sans-serif; color: var(--quiet); } td.box { float: right; width: auto; }
tr.evidence { margin-top: calc(-.5rem - 1px); border-top: 0; } details { margin-left: 0; } }
@media print { details:not([open]) { display: none; } details[open] pre { max-height: none; } }
";

/// Writes a draft as a complete HTML page.
#[must_use]
pub fn write_html(draft: &Draft) -> String {
    page(draft, None)
}

/// Writes a draft as a complete HTML page with notes beside its statements and rows, their evidence
/// a click away.
#[must_use]
pub fn write_noted_html(draft: &Draft, notes: &Notes) -> String {
    page(draft, Some(notes))
}

fn page(draft: &Draft, notes: Option<&Notes>) -> String {
    let title = escape(draft.title_text().trim());
    let mut body = format!("<h1>{title}</h1>\n");
    if let Some(generated) = &draft.generated {
        body.push_str(&format!("<p class=\"quiet\">Generated: {}</p>\n", escape(generated)));
    }
    let introduction = &draft.introduction;
    if !introduction.heading.is_empty() {
        body.push_str(&format!("<h2>{}</h2>\n", escape(&introduction.heading)));
    }
    for paragraph in &introduction.paragraphs {
        body.push_str(&format!("<p>{}</p>\n", escape(paragraph)));
    }
    if let Some(notes) = notes {
        body.push_str(&format!("<p class=\"summary\">{}</p>\n", escape(&notes.summary)));
    }
    body.push_str(&contents(&draft.sections));
    for (index, section) in draft.sections.iter().enumerate() {
        push_section(
            &mut body,
            section,
            notes.and_then(|notes| notes.sections.get(index)),
            index + 1,
        );
    }
    let more = if notes.is_some() { NOTED_STYLE } else { "" };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{more}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n"
    )
}

fn contents(sections: &[DraftSection]) -> String {
    if sections.len() < 2 {
        return String::new();
    }
    let items: String = sections
        .iter()
        .enumerate()
        .map(|(index, section)| {
            let text = escape(&section.heading_text());
            format!("<li><a href=\"#section-{}\">{text}</a></li>\n", index + 1)
        })
        .collect();
    format!("<nav aria-label=\"Sections\">\n<ol>\n{items}</ol>\n</nav>\n")
}

fn push_section(
    body: &mut String,
    section: &DraftSection,
    notes: Option<&SectionNotes>,
    number: usize,
) {
    let heading = escape(&section.heading_text());
    body.push_str(&format!("<section id=\"section-{number}\">\n<h2>{heading}</h2>\n"));
    for (at, statement) in section.statements.iter().enumerate() {
        let noted = notes.and_then(|notes| notes.statements.get(at));
        if let StatementKind::Unrecognised { text } = statement {
            body.push_str(&format!("<pre>{}</pre>\n", escape(text)));
            if let Some(noted) = noted {
                push_noted(body, "(text that is no statement)", &noted.note);
            }
            continue;
        }
        let sentences = section.sentences(statement);
        match noted {
            Some(noted) => push_noted(body, &sentences.join(" "), &noted.note),
            None => {
                for sentence in sentences {
                    body.push_str(&format!("<p class=\"statement\">{}</p>\n", escape(&sentence)));
                }
            }
        }
        let rows: Vec<Vec<String>> = match statement {
            StatementKind::Match { rows } => rows
                .iter()
                .map(|row| {
                    let from = row.pairs.iter().map(|pair| &pair.from);
                    let to = row.pairs.iter().map(|pair| &pair.to);
                    vec![paths(from), paths(to)]
                })
                .collect(),
            StatementKind::Properties { rows } => rows
                .iter()
                .map(|row| vec![paths([&row.from]), paths([&row.to]), type_text(&row.type_cell)])
                .collect(),
            _ => continue,
        };
        push_table(
            body,
            &section.table_header(statement),
            &rows,
            noted.map(|noted| noted.rows.as_slice()),
        );
    }
    for (text, note) in notes.iter().flat_map(|notes| &notes.more) {
        push_noted(body, text, note);
    }
    body.push_str("</section>\n");
}

/// A line with its note, and the evidence below it.
fn push_noted(body: &mut String, text: &str, note: &Note) {
    body.push_str(&format!(
        "<div class=\"statement {}\">{}{}{}</div>\n{}",
        class(note),
        mark(note),
        escape(text),
        why(note),
        evidence(note)
    ));
}

fn class(note: &Note) -> String {
    escape(&note.word.replace(' ', "-"))
}

fn mark(note: &Note) -> String {
    format!(
        "<span class=\"mark {}\" title=\"{}\">{}</span>",
        class(note),
        escape(&note.word),
        escape(&note.mark)
    )
}

fn why(note: &Note) -> String {
    match note.why.is_empty() {
        true => String::new(),
        false => format!("<span class=\"why\">{}</span>", escape(&note.text())),
    }
}

fn evidence(note: &Note) -> String {
    if note.evidence.is_empty() {
        return String::new();
    }
    let open = if note.word == "violated" { " open" } else { "" };
    let mut out = format!("<details{open}><summary>{}</summary>\n", count(note.evidence.len()));
    for piece in &note.evidence {
        out.push_str(&format!("<h3>{}</h3>\n", escape(&piece.title)));
        if !piece.steps.is_empty() {
            let steps: String =
                piece.steps.iter().map(|step| format!("<li>{}</li>", escape(step))).collect();
            out.push_str(&format!("<ol>{steps}</ol>\n"));
        }
        if !piece.verbatim.is_empty() {
            out.push_str(&format!("<pre>{}</pre>\n", escape(&piece.verbatim.join("\n\n"))));
        }
    }
    out.push_str("</details>\n");
    out
}

fn count(pieces: usize) -> String {
    if pieces == 1 { "1 trial".into() } else { format!("{pieces} trials") }
}

fn push_table(body: &mut String, header: &[String], rows: &[Vec<String>], notes: Option<&[Note]>) {
    let head: String = header
        .iter()
        .map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell.trim())))
        .collect();
    body.push_str(&format!(
        "<div class=\"table\">\n<table>\n<thead>\n<tr><th class=\"box\" scope=\"col\" aria-label=\"Done\"></th>{head}</tr>\n</thead>\n<tbody>\n"
    ));
    for (at, row) in rows.iter().enumerate() {
        let Some(note) = notes.and_then(|notes| notes.get(at)) else {
            let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            body.push_str(&format!("<tr><td class=\"box\"></td>{cells}</tr>\n"));
            continue;
        };
        let labelled = header.iter().zip(row).map(|(label, cell)| {
            format!("<td data-label=\"{}\">{cell}</td>", escape(label.trim()))
        });
        let cells: String = labelled.collect();
        body.push_str(&format!(
            "<tr class=\"{}\"><td class=\"box\">{}</td>{cells}</tr>\n",
            class(note),
            mark(note)
        ));
        let more = format!("{}{}", why(note), evidence(note));
        if !more.is_empty() {
            body.push_str(&format!(
                "<tr class=\"evidence {}\"><td colspan=\"{}\">{more}</td></tr>\n",
                class(note),
                header.len() + 1
            ));
        }
    }
    body.push_str("</tbody>\n</table>\n</div>\n");
}

/// Paths one below the other, each with its conditions.
fn paths<'a>(cells: impl IntoIterator<Item = &'a PathCell>) -> String {
    let lines: Vec<String> = cells
        .into_iter()
        .map(|cell| {
            let text = cell.to_string();
            let condition = text[cell.path.len()..].trim();
            match (escape(&cell.path), condition.is_empty()) {
                (path, true) => path,
                (path, false) => {
                    format!("{path} <span class=\"quiet\">{}</span>", escape(condition))
                }
            }
        })
        .collect();
    lines.join("<br>")
}

fn type_text(cell: &TypeCell) -> String {
    escape(&cell.to_string())
}

/// Whether a character does something to a page, or hides, instead of being shown: control
/// characters, marks and overrides of writing direction, and what XML does not have.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// A text as it stands in HTML or XML, also within a quoted attribute. Characters that neither has,
/// that hide or that turn the direction of writing are shown by their numbers (G9).
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g9_what_hides_or_turns_writing_around_is_shown_by_its_number() {
        assert_eq!(
            escape("Åse\u{1b}[2J\u{202e}greB <b>\u{200b}\n"),
            "Åse\\u{1b}[2J\\u{202e}greB &lt;b&gt;\\u{200b}\n"
        );
        // Words of some languages and composed emoji need these.
        assert_eq!(escape("a\u{200d}b\u{200c}c"), "a\u{200d}b\u{200c}c");
    }
}
