//! A look through a whole file before any of it is believed (R8).
//!
//! Rows are handed on page by page, and what a page has told can't be taken back. So what makes all
//! of a file doubtful is looked for first: bytes that are no text of its encoding, a file that is
//! UTF-8 where another encoding is set, quotes that swallow rows, an end in the middle of a row,
//! ids that stand in several rows.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use super::encoding::{Encoding, likely};
use super::fingerprint::{Fingerprints, is_number, pack};
use super::ids;
use super::listing::Plain;
use super::rows::{Flaw, Row};
use super::table::{Opened, Table};
use crate::Trouble;

/// What is known of a file that is sound as a whole.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Hashes of ids that stand in several rows.
    repeated: HashSet<u64, Plain>,
    /// What its ids are like.
    pub ids: ids::Kind,
}

impl Survey {
    /// Finds those of these ids that stand in several of the rows that were read.
    pub(super) fn repeated_among<'a>(
        &mut self,
        read: &Fingerprints,
        ids: impl Iterator<Item = &'a String>,
    ) {
        let mut times: HashMap<Vec<u8>, (&str, u32)> = HashMap::new();
        for id in ids.filter(|id| !id.is_empty()) {
            let mut packed = Vec::with_capacity(17);
            pack(id, &mut packed);
            times.entry(packed).or_insert((id, 0));
        }
        let mut only_numbers = true;
        for packed in read.ids() {
            only_numbers &= is_number(packed);
            if let Some((_, times)) = times.get_mut(packed) {
                *times += 1;
            }
        }
        self.repeated.extend(
            times.values().filter(|(_, times)| *times > 1).map(|(id, _)| xxh3_64(id.as_bytes())),
        );
        if !only_numbers {
            self.ids = ids::Kind::default();
        }
    }

    /// Whether several rows have this id.
    pub(super) fn is_repeated(&self, id: &str) -> bool {
        !self.repeated.is_empty() && self.repeated.contains(&xxh3_64(id.as_bytes()))
    }
}

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

/// What is told of an id that several rows have.
pub(super) fn repeated(id: &str) -> String {
    format!(
        "the id {id} is there more than once: none of its rows is taken or written before each record has an id of its own"
    )
}

impl Table {
    /// Looks through an opened file; it stands before its first record again when this returns.
    ///
    /// # Errors
    /// [`Trouble::Malformed`] where nothing of the file is to be believed.
    pub(super) fn survey(&self, mut opened: Opened) -> Result<(Opened, Survey), Trouble> {
        let ids = self.id_reader(opened.header.as_ref());
        let encoding = opened.rows.source().encoding();
        let width = opened.header.as_ref().map(|header| (header.delimiter, header.names.len()));
        let mut survey = Survey::default();
        let mut seen: HashSet<u64, Plain> = HashSet::default();
        let mut doubts = Utf8Instead::of(encoding);
        let (mut named, mut nameless) = (false, 0_u64);
        while let Some(row) = opened.rows.next().map_err(|error| self.trouble(&error))? {
            self.is_text(&row, encoding)?;
            doubts.meet(&row);
            if row.is_blank() {
                continue;
            }
            if let Some((delimiter, width)) = width {
                self.has_its_quotes(&row, delimiter, width)?;
            }
            self.is_not_cut(&row, width)?;
            let Some((id, as_number)) = ids.id(row.text) else {
                nameless += u64::from(
                    !opened.header.as_ref().is_some_and(|header| header.is_empty_row(row.text)),
                );
                continue;
            };
            named = true;
            {
                survey.ids.meet(&id, as_number);
                let hash = xxh3_64(id.as_bytes());
                if !seen.insert(hash) {
                    survey.repeated.insert(hash);
                }
            }
        }
        self.is_its_encoding(&doubts)?;
        if nameless > 0 && !named {
            return Err(Trouble::Malformed(format!(
                "{}: no record has `{}`, which holds the ids: say which property it is with `id:` in the system's settings",
                self.place,
                self.key().map(ToString::to_string).collect::<Vec<_>>().join("`, `")
            )));
        }
        Ok((self.again(opened)?, survey))
    }

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
            _ => return Ok(()),
        };
        Err(Trouble::Malformed(format!(
            "{}:{first}: {what}: a quote is missing there, or one too many, or the file was cut. Nothing of it is taken or written before it \
             is put right",
            self.place
        )))
    }
}
