//! A look through a whole file before any of it is believed (R8).
//!
//! Rows are handed on page by page, and what a page has told can't be taken back. So what makes all
//! of a file doubtful is looked for first: bytes that are no text of its encoding, a file that is
//! UTF-8 where another encoding is set, quotes that swallow rows, an end in the middle of a row,
//! ids that stand in several rows.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use super::fingerprint::{Fingerprints, Plain, is_number, pack};
use super::ids;
use super::sound::Utf8Instead;
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
}
