//! The rows and cells of a `list-table`.
//!
//! Rows begin with `* -`, further cells with `-`; a cell goes on over lines that are indented
//! deeper. Indentation is read generously. What the cells mean is decided in `section`.

use crate::blocks::row_marker;
use crate::lines::{Line, span_between, span_of_lines};
use crate::span::Span;

#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub rows: Vec<Row>,
    /// Lines that belong to no row and are no option, by index.
    pub stray: Vec<usize>,
    /// Whether the directive stands above the rows.
    pub directive: bool,
    pub span: Span,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub cells: Vec<Cell>,
    pub span: Span,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    /// The lines of the cell.
    pub lines: Vec<String>,
    pub span: Span,
}

impl Cell {
    /// The text in one line.
    pub fn text(&self) -> String {
        let trimmed: Vec<&str> = self.lines.iter().map(|l| l.trim()).collect();
        trimmed.join(" ").trim().to_string()
    }

    /// The words of the text.
    pub fn words(&self) -> Vec<String> {
        let text = self.text();
        text.split_whitespace().map(String::from).collect()
    }
}

pub(crate) fn parse(lines: &[Line], first: usize, last: usize) -> Table {
    let mut table = Table {
        directive: lines[first].text.starts_with(".."),
        span: span_of_lines(lines, first, last),
        ..Table::default()
    };
    // Column of the cells' dashes in the current row.
    let mut dash = 0;
    for index in first + usize::from(table.directive)..=last {
        let line = &lines[index];
        if line.is_blank() {
            continue;
        }
        let in_row = !table.rows.is_empty();
        if let Some(after) = row_marker(&line.text).filter(|_| !in_row || line.indent() < dash + 2)
        {
            dash = line.text[..after].chars().count() - 1;
            table.rows.push(Row::default());
            add_cell(&mut table.rows, lines, index, after);
        } else if let Some(after) = cell_marker(line).filter(|_| in_row && line.indent() < dash + 2)
        {
            add_cell(&mut table.rows, lines, index, after);
        } else if let Some(cell) = table.rows.last_mut().and_then(|r| r.cells.last_mut()) {
            cell.lines.push(line.text.trim().to_string());
            cell.span = cell.span.to(crate::lines::span_of_line(lines, index));
        } else if !line.text.trim().starts_with(':') {
            table.stray.push(index);
        }
    }
    for row in &mut table.rows {
        if let (Some(first), Some(last)) = (row.cells.first(), row.cells.last()) {
            row.span = first.span.to(last.span);
        }
    }
    table
}

/// The text after a cell's dash, as a byte offset into the line.
fn cell_marker(line: &Line) -> Option<usize> {
    let after = line.text.trim_start().strip_prefix('-')?;
    let cell = after.is_empty() || after.starts_with(char::is_whitespace);
    cell.then(|| line.text.len() - after.len())
}

fn add_cell(rows: &mut [Row], lines: &[Line], index: usize, after: usize) {
    let line = &lines[index];
    let rest = &line.text[after..];
    // One space belongs to the marker; the rest is the cell's.
    let text = rest.strip_prefix(char::is_whitespace).unwrap_or(rest);
    let trimmed = text.trim();
    let start = line.start + line.text.len() - text.len() + (text.len() - text.trim_start().len());
    let start = if trimmed.is_empty() { line.start + line.text.len() - text.len() } else { start };
    if let Some(row) = rows.last_mut() {
        row.cells.push(Cell {
            lines: vec![text.trim_end().to_string()],
            span: span_between(lines, start, start + trimmed.len()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::split;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let lines = split(text, 0);
        let table = parse(&lines, 0, lines.len() - 1);
        let texts = |row: &Row| row.cells.iter().map(Cell::text).collect();
        table.rows.iter().map(texts).collect()
    }

    #[test]
    fn cells_may_be_empty_wrapped_and_askew() {
        let text = ".. list-table::\n   :header-rows: 1\n\n   * - A\n     -  B\n   * -\n     - \n  *  - c\n       c\n    - | d\n      | - e\n";
        assert_eq!(rows(text), [vec!["A", "B"], vec!["", ""], vec!["c c", "| d | - e"]]);
    }

    #[test]
    fn cells_know_their_places() {
        let lines = split("   * - å\n     -  Users Property\n     - \n", 0);
        let table = parse(&lines, 0, 2);
        let spans: Vec<_> = table.rows[0].cells.iter().map(|c| c.span).collect();
        assert_eq!((spans[0].column, spans[0].len()), (8, 2));
        assert_eq!((spans[1].line, spans[1].column, spans[1].len()), (2, 9, 14));
        assert!(spans[2].is_empty());
    }
}
