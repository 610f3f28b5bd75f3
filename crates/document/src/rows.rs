//! The rows of the two kinds of tables, as values.

use crate::cells::{PathCell, TypeCell};
use crate::span::Span;
use crate::statement::{MatchPair, MatchRow, PropertyRow, StatementKind};
use crate::tables::{Cell, Row, Table};
use crate::warning::Warning;

/// The rows of a statement's table, each as one line: `a – b "string"`, `a = b and c = d`.
pub(crate) fn row_texts(kind: &StatementKind) -> Vec<String> {
    match kind {
        StatementKind::Match { rows } => rows.iter().map(MatchRow::text).collect(),
        StatementKind::Properties { rows } => rows.iter().map(PropertyRow::text).collect(),
        _ => Vec::new(),
    }
}

impl MatchRow {
    /// The row as one line: `Emails.Value = email`, several pairs joined by `and`.
    #[must_use]
    pub fn text(&self) -> String {
        let pairs: Vec<String> =
            self.pairs.iter().map(|pair| format!("{} = {}", pair.from, pair.to)).collect();
        pairs.join(" and ")
    }
}

impl PropertyRow {
    /// The row as one line: `Name – name "string"`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} – {} {}", self.from, self.to, self.type_cell).trim().to_string()
    }
}

/// What a table's first row says, where it is a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The types of the first two columns, as words.
    pub from: Vec<String>,
    pub to: Vec<String>,
    /// Whether a third column is headed `… Data Type`.
    pub has_types: bool,
    pub columns: usize,
}

/// The header of a table: the first row, if its first two cells end in `Property`.
pub(crate) fn header(table: &Table) -> Option<Header> {
    let cells = &table.rows.first()?.cells;
    let side = |index: usize| {
        let words = cells.get(index)?.words();
        let (last, name) = words.split_last()?;
        last.eq_ignore_ascii_case("property").then(|| name.to_vec())
    };
    Some(Header { from: side(0)?, to: side(1)?, has_types: cells.len() > 2, columns: cells.len() })
}

/// The rows of a match table.
pub(crate) fn match_rows(
    rows: &[Row],
    swapped: bool,
    warnings: &mut Vec<Warning>,
) -> Vec<MatchRow> {
    let read = |row: &Row| {
        check_count(row, 2, 2, warnings);
        let [left, right] = sides(row, swapped).map(paths_of);
        let paired = left.len() == right.len();
        if !paired {
            warnings.push(
                Warning::new(
                    "document::table-row",
                    row.span,
                    format!(
                        "{} on the left do not pair up with {} on the right",
                        counted(left.len()),
                        counted(right.len())
                    ),
                )
                .understood("one pair of the cells' whole texts, which no record has")
                .hint("write as many paths on both sides, separated by `, `"),
            );
        }
        let (left, right) = if paired {
            (left, right)
        } else {
            let whole = |cell: Option<&Cell>| vec![cell.map(Cell::text).unwrap_or_default()];
            let [left, right] = sides(row, swapped).map(whole);
            (left, right)
        };
        let pairs: Vec<MatchPair> = left
            .iter()
            .zip(&right)
            .map(|(from, to)| MatchPair {
                from: path(from, row.span, warnings),
                to: path(to, row.span, warnings),
            })
            .collect();
        MatchRow { pairs }
    };
    rows.iter().map(read).collect()
}

/// The rows of a property table. `columns` is how many the header has.
pub(crate) fn property_rows(
    rows: &[Row],
    swapped: bool,
    columns: usize,
    warnings: &mut Vec<Warning>,
) -> Vec<PropertyRow> {
    let read = |row: &Row| {
        check_count(row, columns.clamp(2, 3), 3, warnings);
        let [from, to] = sides(row, swapped).map(|cell| cell.map(single_path).unwrap_or_default());
        let span_of = |index: usize| row.cells.get(index).map_or(row.span, |c| c.span);
        let type_text = row.cells.get(2).map(Cell::text).unwrap_or_default();
        PropertyRow {
            from: path(&from, span_of(usize::from(swapped)), warnings),
            to: path(&to, span_of(usize::from(!swapped)), warnings),
            type_cell: type_cell(&type_text, span_of(2), warnings),
        }
    };
    rows.iter().map(read).collect()
}

/// The cells with A's and B's property.
fn sides(row: &Row, swapped: bool) -> [Option<&Cell>; 2] {
    let (first, second) = (row.cells.first(), row.cells.get(1));
    if swapped { [second, first] } else { [first, second] }
}

fn check_count(row: &Row, least: usize, most: usize, warnings: &mut Vec<Warning>) {
    let count = row.cells.len();
    if (least..=most).contains(&count) {
        return;
    }
    let what =
        if count < least { "missing cells are empty" } else { "what is too much has no effect" };
    let cells = if count == 1 { "cell" } else { "cells" };
    warnings.push(
        Warning::new(
            "document::table-row",
            row.span,
            format!("this row has {count} {cells}, not {most}"),
        )
        .understood(what)
        .hint("each cell stands on a line of its own that begins with `-`"),
    );
}

fn counted(paths: usize) -> String {
    match paths {
        1 => "1 path".to_string(),
        _ => format!("{paths} paths"),
    }
}

fn path(text: &str, span: Span, warnings: &mut Vec<Warning>) -> PathCell {
    let cell = PathCell::parse(text);
    if cell.path.is_empty() {
        warnings.push(
            Warning::new("document::empty-path", span, "a path is empty")
                .understood("a pair that never matches and keeps nothing equal")
                .hint("name a property, or take the row away"),
        );
    }
    let incomplete = |c: &crate::PathCondition| c.value.is_empty() || c.path.is_empty();
    if cell.conditions.iter().any(incomplete) {
        warnings.push(
            Warning::new(
                "document::condition",
                span,
                "a condition does not say which value, or in which path",
            )
            .understood("a condition that has to be completed in the flow file")
            .hint("a condition reads `(Dependant on having VALUE in PATH)`"),
        );
    }
    if cell.conditions.len() > 1 {
        warnings.push(
            Warning::new("document::condition", span, "several conditions on one path")
                .understood("alternatives: one of them has to hold"),
        );
    }
    cell
}

fn type_cell(text: &str, span: Span, warnings: &mut Vec<Warning>) -> TypeCell {
    let cell = TypeCell::parse(text);
    let written = cell.to_string();
    let put_right = |message: &str| {
        Warning::new("document::type", span, message)
            .understood(written.clone())
            .hint(format!("write `{written}`"))
    };
    match &cell {
        TypeCell::Conversion { repaired: true, .. } => {
            warnings.push(put_right("this conversion lacks opening brackets"));
        }
        TypeCell::Plain(_) if !text.trim().starts_with('"') => {
            warnings.push(put_right("a type stands in double quotation marks"));
        }
        TypeCell::Unreadable(_) => warnings.push(
            Warning::new("document::type", span, "this is neither a type nor a conversion")
                .understood("no type is known")
                .hint("a type reads `\"string\"`, a conversion is a JSON list such as `[\"lower\",\"_.\"]`"),
        ),
        TypeCell::Empty | TypeCell::NotApplicable | TypeCell::Plain(_) | TypeCell::Conversion { .. } => {}
    }
    cell
}

/// The paths in a cell of a match table.
fn paths_of(cell: Option<&Cell>) -> Vec<String> {
    let Some(cell) = cell else {
        return vec![String::new()];
    };
    line_block(&cell.lines).unwrap_or_else(|| split_paths(&cell.text()))
}

/// The path in a cell of a property table; a line block of one line holds it as it stands.
fn single_path(cell: &Cell) -> String {
    match line_block(&cell.lines) {
        Some(lines) => lines.join(" "),
        None => cell.text(),
    }
}

/// The lines of a reStructuredText line block (`| text`).
fn line_block(lines: &[String]) -> Option<Vec<String>> {
    let bar = |line: &str| -> Option<String> {
        let rest = line.trim().strip_prefix('|')?;
        (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim().to_string())
    };
    let first = bar(lines.first()?)?;
    let mut paths = vec![first];
    for line in &lines[1..] {
        match (bar(line), paths.last_mut()) {
            (Some(path), _) => paths.push(path),
            (None, Some(last)) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            (None, None) => {}
        }
    }
    Some(paths)
}

/// Splits at `, ` and ` and ` outside brackets, if paths without spaces come of it.
pub(crate) fn split_paths(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let separator = [", ", " and "].into_iter().find(|s| rest.starts_with(s));
        if let Some(separator) = separator.filter(|_| depth == 0) {
            parts.push(String::new());
            rest = &rest[separator.len()..];
            continue;
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    let is_path = |part: &String| {
        let path = PathCell::parse(part).path;
        !path.is_empty() && !path.contains(char::is_whitespace)
    };
    if parts.iter().all(is_path) {
        parts.iter().map(|part| part.trim().to_string()).collect()
    } else {
        vec![text.to_string()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_paths_in_a_cell() {
        assert_eq!(split_paths("name.first, name.last"), ["name.first", "name.last"]);
        assert_eq!(split_paths("a and b"), ["a", "b"]);
        assert_eq!(
            split_paths("a (Dependant on having x and y in t), b"),
            ["a (Dependant on having x and y in t)", "b"]
        );
        assert_eq!(split_paths("Terms of sale and return"), ["Terms of sale and return"]);
        assert_eq!(split_paths(""), [""]);
        let block = ["| a, b".to_string(), "| c".to_string()];
        assert_eq!(line_block(&block).unwrap(), ["a, b", "c"]);
        assert_eq!(line_block(&["|a".to_string()]), None);
    }
}
