//! Writing reStructuredText, in the form of the known documents.
//!
//! Headings are underlined with as many characters as they have, tables are `list-table`s with one
//! cell a line, a table's end is followed by a blank line and a section by another.

use crate::document::Introduction;
use crate::draft::{Draft, DraftSection, one_line};
use crate::rows::split_paths;
use crate::statement::{MatchRow, StatementKind};
use crate::warning::columns;

/// Writes a draft as reStructuredText, with line feeds.
///
/// ```
/// use lockstep_document::{Draft, read, write_rst};
/// let draft = Draft { from_system: "Wix".into(), to_system: "Zendesk".into(), ..Draft::default() };
/// let text = write_rst(&draft);
/// assert_eq!(text, "=======================\nWix to Zendesk Dataflow\n=======================\n\n");
/// assert_eq!(Draft::from(&read(&text).0), draft);
/// ```
#[must_use]
pub fn write_rst(draft: &Draft) -> String {
    let mut out = String::new();
    let title = one_line(&draft.title_text());
    let adornment = line_of('=', &title);
    push_lines(&mut out, &[&adornment, &title, &adornment, ""]);
    if let Some(generated) = &draft.generated {
        push_lines(&mut out, &[&format!("Generated: {}", one_line(generated)), ""]);
    }
    push_introduction(&mut out, &draft.introduction);
    let sections: Vec<String> = draft.sections.iter().map(section).collect();
    out.push_str(&sections.join("\n"));
    out
}

fn push_introduction(out: &mut String, introduction: &Introduction) {
    let heading = one_line(&introduction.heading);
    if !heading.is_empty() {
        // The known documents underline `Introduction.` without its full stop.
        let adornment = line_of('-', heading.strip_suffix('.').unwrap_or(&heading));
        push_lines(out, &[&heading, &adornment, ""]);
    }
    for paragraph in &introduction.paragraphs {
        push_lines(out, &[paragraph, ""]);
    }
}

fn section(section: &DraftSection) -> String {
    let mut out = String::new();
    let heading = one_line(&section.heading_text());
    push_lines(&mut out, &[&heading, &line_of('-', &heading)]);
    for statement in &section.statements {
        for sentence in section.sentences(statement) {
            push_lines(&mut out, &[&one_line(&sentence)]);
        }
        push_lines(&mut out, &[""]);
        match statement {
            StatementKind::Match { rows } => {
                push_table(&mut out, section, statement, rows.iter().map(match_cells));
            }
            StatementKind::Properties { rows } => {
                let cells = rows.iter().map(|row| {
                    vec![
                        vec![whole_path(&row.from.to_string())],
                        vec![whole_path(&row.to.to_string())],
                        vec![row.type_cell.to_string()],
                    ]
                });
                push_table(&mut out, section, statement, cells);
            }
            _ => {}
        }
    }
    out
}

/// A row's cells, each of one or more lines.
type Cells = Vec<Vec<String>>;

fn push_table(
    out: &mut String,
    section: &DraftSection,
    statement: &StatementKind,
    rows: impl Iterator<Item = Cells>,
) {
    let header = section.table_header(statement);
    let header: Cells = header.into_iter().map(|cell| vec![cell]).collect();
    push_lines(out, &[".. list-table::", "   :header-rows: 1", ""]);
    for row in std::iter::once(header).chain(rows) {
        for (index, cell) in row.iter().enumerate() {
            let mut marker = if index == 0 { "   * - " } else { "     - " };
            for line in cell {
                push_lines(out, &[&format!("{marker}{}", one_line(line))]);
                marker = "       ";
            }
        }
    }
    push_lines(out, &[""]);
}

/// The two cells of a row: paths in one line where they are read back as the same, else both sides
/// as line blocks, so that each pair stands on lines that correspond.
fn match_cells(row: &MatchRow) -> Cells {
    let from: Vec<String> = row.pairs.iter().map(|p| p.from.to_string()).collect();
    let to: Vec<String> = row.pairs.iter().map(|p| p.to.to_string()).collect();
    let plain = |paths: &[String]| {
        let line = paths.join(", ");
        split_paths(&line) == paths && !is_bar(&line)
    };
    let cell = |paths: Vec<String>, plain: bool| {
        if plain {
            vec![paths.join(", ")]
        } else {
            paths.iter().map(|path| block_line(path)).collect()
        }
    };
    let plain = plain(&from) && plain(&to);
    vec![cell(from, plain), cell(to, plain)]
}

/// A path that begins like a line block has to stand in one.
fn whole_path(path: &str) -> String {
    if is_bar(path) { block_line(path) } else { path.to_string() }
}

fn is_bar(path: &str) -> bool {
    path.strip_prefix('|')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn block_line(path: &str) -> String {
    format!("| {path}").trim_end().to_string()
}

/// A line below a heading. Wide characters take two columns, and so does their line.
fn line_of(character: char, heading: &str) -> String {
    let length = heading.chars().count().max(columns(heading)).max(1);
    character.to_string().repeat(length)
}

fn push_lines(out: &mut String, lines: &[&str]) {
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
}
