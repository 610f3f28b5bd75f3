//! Writing Markdown, with pipe tables as GitHub has them.
//!
//! Everything that a name or path might hold is escaped, so that it reads as it stands. Conversions
//! stand in code spans.

use crate::cells::TypeCell;
use crate::draft::{Draft, DraftSection, one_line};
use crate::html::escape;
use crate::notes::{Note, Notes, SectionNotes};
use crate::rows::split_paths;
use crate::statement::StatementKind;

/// Writes a draft as Markdown.
#[must_use]
pub fn write_markdown(draft: &Draft) -> String {
    page(draft, None)
}

/// Writes a draft as Markdown with notes beside its statements and rows, their evidence folded away
/// where the reader's program folds.
#[must_use]
pub fn write_noted_markdown(draft: &Draft, notes: &Notes) -> String {
    page(draft, Some(notes))
}

fn page(draft: &Draft, notes: Option<&Notes>) -> String {
    let mut blocks = vec![format!("# {}", escaped(&draft.title_text()))];
    if let Some(generated) = &draft.generated {
        blocks.push(format!("Generated: {}", escaped(generated)));
    }
    let introduction = &draft.introduction;
    if !introduction.heading.is_empty() {
        blocks.push(format!("## {}", escaped(&introduction.heading)));
    }
    blocks.extend(introduction.paragraphs.iter().map(|text| paragraph(text)));
    if let Some(notes) = notes {
        blocks.push(format!("**{}**", escaped(&notes.summary)));
    }
    for (at, section) in draft.sections.iter().enumerate() {
        push_section(&mut blocks, section, notes.and_then(|notes| notes.sections.get(at)));
    }
    let mut out = blocks.join("\n\n");
    out.push('\n');
    out
}

fn push_section(blocks: &mut Vec<String>, section: &DraftSection, notes: Option<&SectionNotes>) {
    blocks.push(format!("## {}", escaped(&section.heading_text())));
    for (at, statement) in section.statements.iter().enumerate() {
        let noted = notes.and_then(|notes| notes.statements.get(at));
        if let StatementKind::Unrecognised { text } = statement {
            blocks.push(fenced(text));
            blocks.extend(noted.map(|noted| marked(&noted.note)));
            continue;
        }
        let sentences = paragraph(&section.sentences(statement).join("\n"));
        match noted {
            None => blocks.push(sentences),
            Some(noted) => {
                blocks.push(format!("{} {sentences}", noted.note.mark));
                blocks.extend(said(&noted.note));
            }
        }
        let mut rows: Vec<Vec<String>> = match statement {
            StatementKind::Match { rows } => rows
                .iter()
                .map(|row| {
                    let from: Vec<String> = row.pairs.iter().map(|p| p.from.to_string()).collect();
                    let to: Vec<String> = row.pairs.iter().map(|p| p.to.to_string()).collect();
                    vec![paths(&from), paths(&to)]
                })
                .collect(),
            StatementKind::Properties { rows } => rows
                .iter()
                .map(|row| {
                    vec![
                        escaped(&row.from.to_string()),
                        escaped(&row.to.to_string()),
                        type_text(&row.type_cell),
                    ]
                })
                .collect(),
            _ => continue,
        };
        let header = section.table_header(statement);
        let mut header: Vec<String> = header.iter().map(|cell| escaped(cell)).collect();
        if let Some(noted) = noted {
            header.insert(0, "Verdict".into());
            rows.iter_mut().zip(&noted.rows).for_each(|(row, note)| row.insert(0, marked(note)));
        }
        let rule = vec!["---".to_string(); header.len()];
        let lines: Vec<String> =
            [header, rule].iter().chain(&rows).map(|r| table_line(r)).collect();
        blocks.push(lines.join("\n"));
        for (text, note) in
            crate::rows::row_texts(statement).iter().zip(noted.iter().flat_map(|noted| &noted.rows))
        {
            blocks.extend(folded(text, note));
        }
    }
    for (text, note) in notes.iter().flat_map(|notes| &notes.more) {
        blocks.push(format!("{} {}", note.mark, paragraph(text)));
        blocks.extend(said(note));
    }
}

/// A note in a cell: `✗ violated: …`.
fn marked(note: &Note) -> String {
    format!("{} {}", note.mark, escaped(&note.text()))
}

/// What there is to say below a line.
fn said(note: &Note) -> Vec<String> {
    let why = (!note.why.is_empty()).then(|| format!("*{}*", escaped(&note.text())));
    why.into_iter().chain(folded("Evidence", note)).collect()
}

/// The evidence, in HTML that programs which show Markdown fold.
fn folded(title: &str, note: &Note) -> Option<String> {
    if note.evidence.is_empty() {
        return None;
    }
    let html = |text: &str| escape(&one_line(text));
    let mut out = format!("<details><summary>{}</summary>\n", html(title));
    for piece in &note.evidence {
        let steps: String =
            piece.steps.iter().map(|step| format!("<li>{}</li>", html(step))).collect();
        out.push_str(&format!("<p>{}</p><ol>{steps}</ol>\n", html(&piece.title)));
        for text in &piece.verbatim {
            out.push_str(&format!("<p><code>{}</code></p>\n", html(text)));
        }
    }
    out.push_str("</details>");
    Some(out)
}

fn table_line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn type_text(cell: &TypeCell) -> String {
    match cell {
        TypeCell::Conversion { .. } => code(&cell.to_string()),
        _ => escaped(&cell.to_string()),
    }
}

/// Several paths in one cell; on lines of their own where a comma would not tell them apart.
fn paths(paths: &[String]) -> String {
    let line = paths.join(", ");
    if split_paths(&line) == paths {
        return escaped(&line);
    }
    let lines: Vec<String> = paths.iter().map(|path| escaped(path)).collect();
    lines.join("<br>")
}

/// A code span for a table: only bars need a backslash there.
fn code(text: &str) -> String {
    let marks = "`".repeat(longest_run(text, '`') + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{marks}{space}{}{space}{marks}", text.replace('|', "\\|"))
}

fn fenced(text: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A paragraph keeps its lines, but for what would make something else of it.
fn paragraph(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line_start(&escaped(line.trim())))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// A line that begins like a list, a quotation or a heading's underline must not become one.
fn line_start(line: &str) -> String {
    if line.starts_with(['-', '+', '=']) {
        return format!("\\{line}");
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    if digits > 0 && line[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &line[..digits], &line[digits..]);
    }
    line.to_string()
}

/// Text that reads as it stands, in a paragraph as well as in a table.
fn escaped(text: &str) -> String {
    let text = one_line(text);
    let characters: Vec<char> = text.trim().chars().collect();
    let word = |at: Option<usize>| {
        at.and_then(|at| characters.get(at)).is_some_and(|c| c.is_alphanumeric())
    };
    let mut out = String::new();
    for (at, c) in characters.iter().enumerate() {
        let special = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '$' => true,
            // Within a word an underscore is only that.
            '_' => !(word(at.checked_sub(1)) && word(Some(at + 1))),
            '&' => word(Some(at + 1)) || characters.get(at + 1) == Some(&'#'),
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(*c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_markdown_would_take_for_markup_is_escaped() {
        assert_eq!(escaped("a|b"), "a\\|b");
        assert_eq!(escaped("first_name _x *y*"), "first_name \\_x \\*y\\*");
        assert_eq!(escaped("C# & D &amp; <b>"), "C\\# & D \\&amp; \\<b\\>");
        assert_eq!(escaped(" a\nb "), "a b");
        assert_eq!(paragraph("1. one\n- two\n\n= three"), "1\\. one\n\\- two\n\\= three");
    }

    #[test]
    fn several_paths_stay_apart() {
        let joined =
            |list: &[&str]| paths(&list.iter().map(|p| (*p).to_string()).collect::<Vec<_>>());
        assert_eq!(joined(&["name", "zip"]), "name, zip");
        assert_eq!(joined(&["a, b", "c"]), "a, b<br>c");
    }

    #[test]
    fn code_spans_hold_backticks_and_bars() {
        assert_eq!(code("[\"a|b\"]"), "`[\"a\\|b\"]`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(fenced("x\n```\ny"), "````text\nx\n```\ny\n````");
    }
}
