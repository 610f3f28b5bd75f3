//! Rows of a file: lines of JSON Lines, or records of a CSV file, which may run over several lines.
//!
//! A row is given with its raw bytes, so that a file can be copied with every untouched row as it
//! was: line ends, blank lines and a byte order mark included. Lines end with `\n` or `\r\n`, or
//! all of them with `\r` alone, as old Macintosh programs write them: a file whose beginning has
//! `\r` and no `\n` is such a one.

use std::io::{self, BufRead, BufReader, Read};

use super::csv::Cell;

/// Longer rows are no rows: most likely the file is something else than its name says.
const LONGEST_ROW_BYTES: usize = 64 << 20;
/// Small enough to stay in a core's own cache between the kernel's copy and the parser.
const BUFFER_BYTES: usize = 256 << 10;
/// Where a single row is read.
const FEW_BYTES: usize = 32 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads a file row by row, with bounded memory.
pub(super) struct Rows<R> {
    reader: BufReader<R>,
    /// The character between the cells of a CSV file; `None` for JSON Lines.
    cells: Option<u8>,
    /// The byte that ends a line; found out with the first row.
    line_end: Option<u8>,
    row: Vec<u8>,
    /// Lines and bytes read so far.
    lines: u64,
    bytes: u64,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// The row without its line end, and without a byte order mark.
    pub text: &'a [u8],
    /// All of its bytes.
    pub raw: &'a [u8],
    /// The number of its first line, from 1.
    pub line: u64,
    /// The number of its last line.
    pub last_line: u64,
    pub flaw: Option<Flaw>,
}

/// What is wrong with the quotes of a row of CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The file ends between quotes.
    Unclosed,
    /// Something follows the quote that ends a cell.
    AfterQuote,
}

impl Row<'_> {
    /// Whether there is nothing on it.
    pub(super) fn is_blank(&self) -> bool {
        self.text.first().is_none_or(u8::is_ascii_whitespace)
            && self.text.iter().all(u8::is_ascii_whitespace)
    }

    /// Its line end: `\n`, `\r\n`, `\r`, or nothing at the end of a file.
    pub(super) fn ending(&self) -> &[u8] {
        ending_of(self.raw)
    }

    /// What stands before the text: a byte order mark or nothing.
    pub(super) fn mark(&self) -> &[u8] {
        &self.raw[..self.raw.len() - self.text.len() - self.ending().len()]
    }
}

/// The line end of a row's bytes.
pub(super) fn ending_of(raw: &[u8]) -> &[u8] {
    let length = match raw {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n' | b'\r'] => 1,
        _ => 0,
    };
    &raw[raw.len() - length..]
}

impl<R: Read> Rows<R> {
    /// Rows that are lines.
    pub(super) fn lines(source: R) -> Self {
        Self::buffered(source, BUFFER_BYTES)
    }

    fn buffered(source: R, bytes: usize) -> Self {
        let reader = BufReader::with_capacity(bytes, source);
        Rows { reader, cells: None, line_end: None, row: Vec::new(), lines: 0, bytes: 0 }
    }

    /// Rows that are lines, of which few are wanted.
    pub(super) fn few(source: R) -> Self {
        Self::buffered(source, FEW_BYTES)
    }

    /// From now on rows are CSV records with this character between the cells.
    pub(super) fn with_cells(mut self, delimiter: u8) -> Self {
        self.cells = Some(delimiter);
        self
    }

    /// What the rows are read from.
    pub(super) fn source(&self) -> &R {
        self.reader.get_ref()
    }

    /// What the rows were read from.
    pub(super) fn into_source(self) -> R {
        self.reader.into_inner()
    }

    /// How many bytes the rows given so far have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next row; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        let Some(delimiter) = self.cells else { return self.next_until(|_, _| true) };
        let (mut cell, mut strays) = (Cell::default(), false);
        let mut ends = |line: &[u8], _: bool| {
            for &byte in line {
                strays |= cell.is_left_by(byte, delimiter);
                cell = cell.after(byte, delimiter);
            }
            cell != Cell::Quoted
        };
        let ended = self.next_until(&mut ends)?;
        let flaw = match cell {
            Cell::Quoted => Some(Flaw::Unclosed),
            _ => strays.then_some(Flaw::AfterQuote),
        };
        Ok(ended.map(|row| Row { flaw, ..row }))
    }

    /// The first row of a CSV file, before it is known what separates its cells: it goes on while
    /// quotes are open.
    pub(super) fn header(&mut self) -> io::Result<Option<Row<'_>>> {
        let mut open = false;
        let row = self.next_until(|line, _| {
            open ^= line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            !open
        })?;
        Ok(row.map(|row| Row { flaw: open.then_some(Flaw::Unclosed), ..row }))
    }

    /// Adds lines until `ends` says of one that it is the last.
    fn next_until(
        &mut self,
        mut ends: impl FnMut(&[u8], bool) -> bool,
    ) -> io::Result<Option<Row<'_>>> {
        self.row.clear();
        let line = self.lines + 1;
        let line_end = match self.line_end {
            Some(known) => known,
            None => {
                let start = self.reader.fill_buf()?;
                let only_cr = !start.contains(&b'\n') && start.contains(&b'\r');
                *self.line_end.insert(if only_cr { b'\r' } else { b'\n' })
            }
        };
        loop {
            let from = self.row.len();
            let limit = (LONGEST_ROW_BYTES - from) as u64;
            let got = self.reader.by_ref().take(limit).read_until(line_end, &mut self.row)?;
            if got == 0 {
                break;
            }
            if self.row.len() >= LONGEST_ROW_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("line {line} is longer than {} MiB", LONGEST_ROW_BYTES >> 20),
                ));
            }
            self.lines += 1;
            if ends(&self.row[from..], from == 0) {
                break;
            }
        }
        if self.row.is_empty() {
            return Ok(None);
        }
        self.bytes += self.row.len() as u64;
        let raw = &self.row[..];
        let mut text = &raw[..raw.len()
            - if line_end == b'\r' { usize::from(raw.ends_with(b"\r")) } else { lf(raw) }];
        if line == 1 {
            text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        }
        Ok(Some(Row { text, raw, line, last_line: self.lines, flaw: None }))
    }
}

/// The length of a line end with `\n`.
fn lf(raw: &[u8]) -> usize {
    match raw {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, cells: Option<u8>) -> Vec<(String, u64, Option<Flaw>)> {
        let mut rows = Rows::lines(text.as_bytes());
        if let Some(delimiter) = cells {
            rows = rows.with_cells(delimiter);
        }
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            found.push((String::from_utf8(row.text.to_vec()).unwrap(), row.line, row.flaw));
        }
        found
    }

    #[test]
    fn a_file_whose_lines_end_with_cr_alone_has_lines() {
        assert_eq!(all("a\rb\r", None), [("a".into(), 1, None), ("b".into(), 2, None)]);
        assert_eq!(all("a\r\nb\rc\n", None), [("a".into(), 1, None), ("b\rc".into(), 2, None)]);
    }

    #[test]
    fn r8_quotes_that_do_not_end_or_end_too_early_are_seen() {
        let flaws = |text| {
            all(text, Some(b','))
                .into_iter()
                .map(|(_, line, flaw)| (line, flaw))
                .collect::<Vec<_>>()
        };
        assert_eq!(flaws("1,\"a\nb\",c\n2,d\n"), [(1, None), (3, None)]);
        assert_eq!(flaws("1,a\n2,\"b\n3,c\n"), [(1, None), (2, Some(Flaw::Unclosed))]);
        assert_eq!(flaws("1,\"a\n2,\"b\n3,c\n"), [(1, Some(Flaw::AfterQuote)), (3, None)]);
        assert_eq!(flaws("1,\"a\" ,5\" pipe\n"), [(1, None)]);
    }
}
