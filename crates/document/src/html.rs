//! Writing HTML: one page that needs nothing else, for the screen, the phone and paper.
//!
//! Each statement and each row of a table has a box to tick, because the page is a checklist. There
//! is no script in it, and everything that comes from the document is escaped.

use crate::cells::{PathCell, TypeCell};
use crate::draft::{Draft, DraftSection};
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

/// Writes a draft as a complete HTML page.
#[must_use]
pub fn write_html(draft: &Draft) -> String {
    let title = escaped(draft.title_text().trim());
    let mut body = format!("<h1>{title}</h1>\n");
    if let Some(generated) = &draft.generated {
        body.push_str(&format!("<p class=\"quiet\">Generated: {}</p>\n", escaped(generated)));
    }
    let introduction = &draft.introduction;
    if !introduction.heading.is_empty() {
        body.push_str(&format!("<h2>{}</h2>\n", escaped(&introduction.heading)));
    }
    for paragraph in &introduction.paragraphs {
        body.push_str(&format!("<p>{}</p>\n", escaped(paragraph)));
    }
    body.push_str(&contents(&draft.sections));
    for (index, section) in draft.sections.iter().enumerate() {
        push_section(&mut body, section, index + 1);
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
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
            let text = escaped(&section.heading_text());
            format!("<li><a href=\"#section-{}\">{text}</a></li>\n", index + 1)
        })
        .collect();
    format!("<nav aria-label=\"Sections\">\n<ol>\n{items}</ol>\n</nav>\n")
}

fn push_section(body: &mut String, section: &DraftSection, number: usize) {
    let heading = escaped(&section.heading_text());
    body.push_str(&format!("<section id=\"section-{number}\">\n<h2>{heading}</h2>\n"));
    for statement in &section.statements {
        if let StatementKind::Unrecognised { text } = statement {
            body.push_str(&format!("<pre>{}</pre>\n", escaped(text)));
            continue;
        }
        for sentence in section.sentences(statement) {
            body.push_str(&format!("<p class=\"statement\">{}</p>\n", escaped(&sentence)));
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
            StatementKind::Properties { rows } => {
                rows.iter().map(|row| vec![paths([&row.from]), paths([&row.to]), type_text(&row.type_cell)]).collect()
            }
            _ => continue,
        };
        push_table(body, &section.table_header(statement), &rows);
    }
    body.push_str("</section>\n");
}

fn push_table(body: &mut String, header: &[String], rows: &[Vec<String>]) {
    let head: String = header.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escaped(cell.trim()))).collect();
    body.push_str(&format!(
        "<div class=\"table\">\n<table>\n<thead>\n<tr><th class=\"box\" scope=\"col\" aria-label=\"Done\"></th>{head}</tr>\n</thead>\n<tbody>\n"
    ));
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        body.push_str(&format!("<tr><td class=\"box\"></td>{cells}</tr>\n"));
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
            match (escaped(&cell.path), condition.is_empty()) {
                (path, true) => path,
                (path, false) => {
                    format!("{path} <span class=\"quiet\">{}</span>", escaped(condition))
                }
            }
        })
        .collect();
    lines.join("<br>")
}

fn type_text(cell: &TypeCell) -> String {
    escaped(&cell.to_string())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            // HTML has no control characters.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
