//! Rows of a file: lines of JSON Lines, or records of a CSV file, which may run over several lines.
//!
//! A row is given with its raw bytes, so that a file can be copied with every untouched row as it was: line ends, blank
//! lines and a byte order mark included.

use std::io::{self, BufRead, BufReader, Read};

use super::csv::Cell;

/// Longer rows are no rows: most likely the file is something else than its name says.
const LONGEST_ROW_BYTES: usize = 64 << 20;
/// Small enough to stay in a core's own cache between the kernel's copy and the parser.
const BUFFER_BYTES: usize = 256 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads a file row by row, with bounded memory.
pub(super) struct Rows<R> {
    reader: BufReader<R>,
    /// The character between the cells of a CSV file; `None` for JSON Lines.
    cells: Option<u8>,
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
}

impl Row<'_> {
    /// Whether there is nothing on it.
    pub(super) fn is_blank(&self) -> bool {
        self.text.first().is_none_or(u8::is_ascii_whitespace) && self.text.iter().all(u8::is_ascii_whitespace)
    }

    /// Its line end: `\n`, `\r\n`, or nothing at the end of a file.
    pub(super) fn ending(&self) -> &[u8] {
        let length = if self.raw.ends_with(b"\r\n") { 2 } else { usize::from(self.raw.ends_with(b"\n")) };
        &self.raw[self.raw.len() - length..]
    }

    /// What stands before the text: a byte order mark or nothing.
    pub(super) fn mark(&self) -> &[u8] {
        &self.raw[..self.raw.len() - self.text.len() - self.ending().len()]
    }
}

impl<R: Read> Rows<R> {
    /// Rows that are lines.
    pub(super) fn lines(source: R) -> Self {
        Rows { reader: BufReader::with_capacity(BUFFER_BYTES, source), cells: None, row: Vec::new(), lines: 0, bytes: 0 }
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

    /// How many bytes the rows given so far have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next row; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        self.row.clear();
        let line = self.lines + 1;
        let mut cell = Cell::default();
        loop {
            let from = self.row.len();
            let limit = (LONGEST_ROW_BYTES - from) as u64;
            let got = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.row)?;
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
            match self.cells {
                Some(delimiter) => {
                    cell = self.row[from..].iter().fold(cell, |cell, &byte| cell.after(byte, delimiter));
                    if cell != Cell::Quoted {
                        break;
                    }
                }
                None => break,
            }
        }
        if self.row.is_empty() {
            return Ok(None);
        }
        self.bytes += self.row.len() as u64;
        let raw = &self.row[..];
        let mut text = match raw.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None => raw,
        };
        if line == 1 {
            text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        }
        Ok(Some(Row { text, raw, line }))
    }
}
