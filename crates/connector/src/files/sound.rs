//! What makes a single row doubtful, and all of its file with it (R8): bytes that are no text of its
//! encoding, quotes that swallow rows, an end in the middle of a row.

use super::encoding::{Encoding, likely};
use super::rows::{Flaw, Row};
use super::table::Table;
use crate::Trouble;

/// Whether a file in an encoding of one byte a character is UTF-8 instead. All of its other
/// characters have to look like it: a name that was once written wrong may well be in a file that
/// is right.
pub(super) struct Utf8Instead {
    encoding: Encoding,
    /// The first line that looks like UTF-8.
    first: Option<u64>,
    /// Some line can't be UTF-8.
    refuted: bool,
}

impl Utf8Instead {
    pub(super) fn of(encoding: Encoding) -> Utf8Instead {
        let has_one_byte = matches!(encoding, Encoding::Latin1 | Encoding::SingleByte(_));
        Utf8Instead { encoding, first: None, refuted: !has_one_byte }
    }

    /// Takes note of a row, which has been decoded.
    pub(super) fn meet(&mut self, row: &Row<'_>) {
        if self.refuted || row.raw.is_ascii() {
            return;
        }
        let bytes = self.encoding.encode(row.raw);
        self.refuted = !bytes.is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok());
        self.first = self.first.or(Some(row.line));
    }
}

impl Table {
    /// What is told of a record that is missed while a row does not tell whose it is.
    pub(super) fn can_not_tell(&self, line: u64, id: &str) -> String {
        format!(
            "{}:{line} can't be read, so whether it is the record {id} can't be told: correct the line",
            self.place
        )
    }

    /// R8: a last row that lacks cells, or is no JSON, and has no line end either: the file was
    /// cut, and the rows behind it are not gone.
    pub(super) fn is_not_cut(
        &self,
        row: &Row<'_>,
        width: Option<(u8, usize)>,
    ) -> Result<(), Trouble> {
        if !row.ending().is_empty() {
            return Ok(());
        }
        let is_whole = match width {
            Some((delimiter, width)) => super::csv::split(row.text, delimiter).len() >= width,
            None => serde_json::from_slice::<serde::de::IgnoredAny>(row.text).is_ok(),
        };
        if is_whole {
            return Ok(());
        }
        Err(Trouble::Malformed(format!(
            "{}:{} ends in the middle of a row: the file was cut, or is still being written. Nothing of it is taken or written, and what \
             is not in it does not count as deleted, before it is whole",
            self.place, row.line
        )))
    }

    /// R7, R8: a file that is UTF-8 throughout, though another encoding is set.
    pub(super) fn is_its_encoding(&self, doubts: &Utf8Instead) -> Result<(), Trouble> {
        match doubts.first {
            Some(line) if !doubts.refuted => Err(Trouble::Malformed(format!(
                "{}:{line} is UTF-8, and `encoding: {}` is set: `å` would become `Ã¥`. Nothing of the file is taken or written. Leave \
                 `encoding` out of the system's `with`, or save the file in the encoding that it names",
                self.place,
                doubts.encoding.name()
            ))),
            _ => Ok(()),
        }
    }

    /// R8: one message for a file in another encoding than it is said to be in.
    pub(super) fn is_text(&self, row: &Row<'_>, encoding: Encoding) -> Result<(), Trouble> {
        let has_zeros = row.raw.contains(&0);
        if !has_zeros && (encoding != Encoding::Utf8 || std::str::from_utf8(row.raw).is_ok()) {
            return Ok(());
        }
        let what = if has_zeros {
            "holds zero bytes, so it is no text".into()
        } else {
            format!("is not {}", encoding.name())
        };
        let likely = likely(row.raw);
        Err(Trouble::Malformed(format!(
            "{}:{} {what}: nothing of the file is taken or written. If it is {likely}, say `encoding: {likely}` under the system's \
             `with`; else save it as UTF-8",
            self.place, row.line
        )))
    }

    /// R8: quotes that are missing, or too many, make several rows one. Which ones can't be told.
    pub(super) fn has_its_quotes(
        &self,
        row: &Row<'_>,
        delimiter: u8,
        width: usize,
    ) -> Result<(), Trouble> {
        let (first, last) = (row.line, row.last_line);
        let what = match row.flaw {
            Some(Flaw::Unclosed) => {
                format!(
                    "the file ends between quotes, which were opened in the row that begins in line {first}"
                )
            }
            Some(Flaw::AfterQuote) if last > first => {
                format!("something follows the quotes that end a cell in lines {first} to {last}")
            }
            None if last > first && super::csv::split(row.text, delimiter).len() != width => {
                format!(
                    "the row of lines {first} to {last} has {} cells and the first row {width}",
                    super::csv::split(row.text, delimiter).len()
                )
            }
            None if last > first && super::csv::reads_as_rows(row.text, delimiter, width) => {
                format!(
                    "each of the lines {first} to {last} reads as a row of its own, and quotes make them one"
                )
            }
            _ => return Ok(()),
        };
        Err(Trouble::Malformed(format!(
            "{}:{first}: {what}: a quote is missing there, or one too many, or the file was cut. Nothing of it is taken or written before it \
             is put right",
            self.place
        )))
    }
}
