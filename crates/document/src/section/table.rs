//! The tables of a section: which statement each belongs to, and whether its header fits.
//!
//! A table belongs to the statement above it. Where that is missing or not understood, the table's
//! own header tells what it is. What the rows say is read in `rows`.

use super::{Current, Piece, Reader, raw_text};
use crate::document::RowSpan;
use crate::lines::span_of_line;
use crate::names::squeezed;
use crate::rows::{Header, header, match_rows, property_rows};
use crate::statement::StatementKind;
use crate::tables::{self, Table};
use crate::warning::Warning;
use crate::wording;
use crate::words::tidy;

impl Reader<'_> {
    pub(super) fn warn_missing_table(&mut self) {
        let Some(index) = self.current.awaiting.take() else {
            return;
        };
        let Some(statement) = self.sections.last().and_then(|s| s.statements.get(index)) else {
            return;
        };
        self.warnings.push(
            Warning::new("document::table-missing", statement.span, "no table follows this")
                .understood("a table without rows")
                .hint("put a `.. list-table::` below it"),
        );
    }

    pub(super) fn read_table(&mut self, first: usize, last: usize) {
        let table = tables::parse(self.lines, first, last);
        let text = raw_text(self.lines, Piece::Table(first, last));
        if self.sections.is_empty() {
            self.front.push((text, table.span));
            return;
        }
        for index in &table.stray {
            self.warnings.push(
                Warning::new(
                    "document::table-unexpected",
                    span_of_line(self.lines, *index),
                    "this line of the table belongs to no row",
                )
                .understood("text without effect")
                .hint("a row begins with `   * -`, each further cell with `     -`"),
            );
        }
        let header = header(&table);
        let awaiting = self.current.awaiting.and_then(|index| {
            let statement = self.sections.last()?.statements.get(index)?;
            let is_match = matches!(statement.kind, StatementKind::Match { .. });
            // A table with a type column is no match table.
            let fits = !(is_match && header.as_ref().is_some_and(|h| h.has_types));
            fits.then_some((index, is_match))
        });
        let (index, is_match) = match (awaiting, &header) {
            (Some(found), _) => {
                self.current.awaiting = None;
                found
            }
            (None, Some(header)) => {
                self.warn_missing_table();
                self.infer_statement(&table, header.has_types)
            }
            (None, None) => {
                self.warnings.push(
                    Warning::new(
                        "document::table-unexpected",
                        table.span,
                        "this table belongs to no statement",
                    )
                    .understood("text without effect"),
                );
                self.push_unrecognised(text, table.span);
                return;
            }
        };
        self.check_header(&table, header.as_ref());
        let swapped = header.as_ref().is_some_and(|h| {
            let names = &self.current.names;
            h.from == names.to && h.to == names.from && names.from != names.to
        });
        let skip = usize::from(header.is_some());
        let rows = &table.rows[skip.min(table.rows.len())..];
        let kind = if is_match {
            let rows = match_rows(rows, swapped, &mut self.warnings);
            StatementKind::Match { rows }
        } else {
            let columns = header.as_ref().map_or(3, |h| h.columns);
            let rows = property_rows(rows, swapped, columns, &mut self.warnings);
            StatementKind::Properties { rows }
        };
        let spans = rows.iter().map(|row| RowSpan {
            span: row.span,
            cells: row.cells.iter().map(|cell| cell.span).collect(),
        });
        if let Some(section) = self.sections.last_mut() {
            section.span = section.span.to(table.span);
            if let Some(statement) = section.statements.get_mut(index) {
                statement.kind = kind;
                statement.rows = spans.collect();
            }
        }
    }

    /// The sentence above a table is missing or unreadable; the table tells what it was.
    fn infer_statement(&mut self, table: &Table, has_types: bool) -> (usize, bool) {
        let (kind, name) = if has_types {
            (StatementKind::Properties { rows: Vec::new() }, "synchronized properties")
        } else {
            (StatementKind::Match { rows: Vec::new() }, "property combinations that match")
        };
        let Current { from, to, .. } = &self.current;
        let sentence = wording::sentences(&kind, from, to).join(" ");
        self.warnings.push(
            Warning::new(
                "document::table-unexpected",
                table.rows.first().map_or(table.span, |row| row.span),
                "no statement stands above this table",
            )
            .understood(format!("a table of {name}"))
            .hint(format!("put above it: {sentence}")),
        );
        self.push(kind, table.span);
        let count = self.sections.last().map_or(0, |s| s.statements.len());
        (count.saturating_sub(1), !has_types)
    }

    fn check_header(&mut self, table: &Table, header: Option<&Header>) {
        let Some(first) = table.rows.first() else {
            return;
        };
        let Current { from, to, names, .. } = &self.current;
        let wanted = format!("`{from} Property` and `{to} Property`");
        let warning = match header {
            None => Warning::new(
                "document::table-header",
                first.span,
                "the first row of this table is no header",
            )
            .understood("a table without a header: the row counts as any other")
            .hint(format!("the header has the cells {wanted}")),
            Some(h)
                if squeezed(&h.from) == squeezed(&names.from)
                    && squeezed(&h.to) == squeezed(&names.to) =>
            {
                return;
            }
            Some(h) if h.from == names.to && h.to == names.from => Warning::new(
                "document::table-header",
                first.span,
                "the columns stand in the opposite order of the heading",
            )
            .understood("the columns as the header names them")
            .hint(format!("the header has the cells {wanted}")),
            Some(_) => Warning::new(
                "document::table-header",
                first.span,
                "the header names other types than the section",
            )
            .understood(format!("columns for {} and {}", tidy(from), tidy(to)))
            .hint(format!("the header has the cells {wanted}")),
        };
        self.warnings.push(warning);
    }
}
