//! A look through a whole file before any of it is believed (R8).
//!
//! Rows are handed on page by page, and what a page has told can't be taken back. So what makes all of a file doubtful is looked for
//! first: bytes that are no text of its encoding, quotes that swallow rows, ids that stand in several rows.

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
    pub(super) fn repeated_among<'a>(&mut self, read: &Fingerprints, ids: impl Iterator<Item = &'a String>) {
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
        self.repeated.extend(times.values().filter(|(_, times)| *times > 1).map(|(id, _)| xxh3_64(id.as_bytes())));
        if !only_numbers {
            self.ids = ids::Kind::default();
        }
    }

    /// Whether several rows have this id.
    pub(super) fn is_repeated(&self, id: &str) -> bool {
        !self.repeated.is_empty() && self.repeated.contains(&xxh3_64(id.as_bytes()))
    }
}

/// What is told of an id that several rows have.
pub(super) fn repeated(id: &str) -> String {
    format!("the id {id} is there more than once: none of its rows is taken or written before each record has an id of its own")
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
        while let Some(row) = opened.rows.next().map_err(|error| self.trouble(&error))? {
            self.is_text(&row, encoding)?;
            if row.is_blank() {
                continue;
            }
            if let Some((delimiter, width)) = width {
                self.has_its_quotes(&row, delimiter, width)?;
            }
            if let Some((id, as_number)) = ids.id(row.text) {
                survey.ids.meet(&id, as_number);
                let hash = xxh3_64(id.as_bytes());
                if !seen.insert(hash) {
                    survey.repeated.insert(hash);
                }
            }
        }
        Ok((self.again(opened)?, survey))
    }

    /// R8: one message for a file in another encoding than it is said to be in.
    pub(super) fn is_text(&self, row: &Row<'_>, encoding: Encoding) -> Result<(), Trouble> {
        let has_zeros = row.raw.contains(&0);
        if !has_zeros && (encoding != Encoding::Utf8 || std::str::from_utf8(row.raw).is_ok()) {
            return Ok(());
        }
        let what = if has_zeros { "holds zero bytes, so it is no text".into() } else { format!("is not {}", encoding.name()) };
        let likely = likely(row.raw);
        Err(Trouble::Malformed(format!(
            "{}:{} {what}: nothing of the file is taken or written. If it is {likely}, say `encoding: {likely}` under the system's \
             `with`; else save it as UTF-8",
            self.place, row.line
        )))
    }

    /// R8: quotes that are missing, or too many, make several rows one. Which ones can't be told.
    pub(super) fn has_its_quotes(&self, row: &Row<'_>, delimiter: u8, width: usize) -> Result<(), Trouble> {
        let (first, last) = (row.line, row.last_line);
        let what = match row.flaw {
            Some(Flaw::Unclosed) => {
                format!("the file ends between quotes, which were opened in the row that begins in line {first}")
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
