//! Reading a file in pages, and what a checkpoint of a file is (R1).
//!
//! A reading goes through the file once, from an open handle, so that a replacement of the file meanwhile does not mix two
//! states. Between two pages the state lives here, named by a token in the checkpoint; the last page's checkpoint has the file's
//! [`Stamp`] and the [`Fingerprints`] of all rows. With these the next reading
//! - takes nothing from a file whose stamp is the same,
//! - parses only the rows that it does not know,
//! - tells the ids of records whose rows are not there any more.
//!
//! Where rows can't be read, or the file changed under the reading, it can't be told what is gone: then the
//! vanished rows are remembered until it can.
//!
//! A process that begins anew in the middle of a listing lists everything again: seeing a record twice does nothing (R1).

use std::collections::HashSet;
use std::fs::File;
use std::time::SystemTime;

use lockstep_model::Timestamp;
use lockstep_model::flow::PropertyRef;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::fingerprint::{Fingerprints, Known, fingerprint, unpack};
use super::rows::Rows;
use super::stamp::Stamp;
use super::table::Table;
use super::take::{Extractor, IdReader};
use crate::{Checkpoint, Page, RecordFault, Trouble};

/// What a checkpoint's text holds, as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Mark {
    /// In the middle of a listing.
    Reading { reading: String, page: u64, byte: u64 },
    /// The file was read to its end.
    Read(ReadToEnd),
}

/// The state of the file that was read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReadToEnd {
    rows: usize,
    /// For people.
    modified: String,
    stamp: Stamp,
    /// A change of the file right after the stamp was taken would show in the stamp.
    settled: bool,
    /// The file changed under a complete listing: the next one has to be complete too.
    again: bool,
    /// Which properties were taken: with others, every row has something new to tell.
    watch: String,
}

/// Which properties are taken from the rows of a table, as a text that differs when they do.
pub(super) fn watch_mark(table: &Table, watch: &[PropertyRef]) -> String {
    let mut text = format!("{}\n{}\n", table.id, table.modified.as_ref().map_or("", |path| path.as_str()));
    watch.iter().for_each(|property| text.push_str(&format!("{property}\n")));
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// Where to begin, by what a checkpoint says.
pub(super) enum Beginning {
    /// The listing with this token goes on with this page.
    GoOn {
        token: String,
        page: u64,
    },
    /// Nothing has changed.
    Nothing,
    /// Only what is not known.
    Changes(Box<Known>),
    Everything,
}

impl Beginning {
    /// What to do for this checkpoint when the file's stamp is `stamp`.
    pub(super) fn of(checkpoint: Option<&Checkpoint>, stamp: Stamp, watch: &str) -> Beginning {
        let Some(checkpoint) = checkpoint else { return Beginning::Everything };
        match serde_json::from_str(&checkpoint.text) {
            Ok(Mark::Reading { reading, page, .. }) => Beginning::GoOn { token: reading, page },
            Ok(Mark::Read(read)) if read.watch != watch || read.again => Beginning::Everything,
            Ok(Mark::Read(read)) if read.stamp == stamp && read.settled => Beginning::Nothing,
            Ok(Mark::Read(_)) => {
                Known::from_bytes(&checkpoint.bytes).map_or(Beginning::Everything, |known| Beginning::Changes(Box::new(known)))
            }
            Err(_) => Beginning::Everything,
        }
    }
}

/// A listing under way.
pub(super) struct Listing {
    pub token: String,
    /// The number of the page that comes next.
    pub page: u64,
    pub watch: String,
    pub stamp: Stamp,
    settled: bool,
    rows: Rows<File>,
    extractor: Extractor,
    ids: IdReader,
    known: Option<Box<Known>>,
    read: Fingerprints,
    /// Fingerprints of the ids of the rows that were parsed.
    parsed: HashSet<u64, Plain>,
    /// How many rows do not tell whose they are.
    nameless: usize,
}

impl Listing {
    /// Opens the file and stands before its first record.
    pub(super) fn begin(
        table: &Table,
        watch: &[PropertyRef],
        token: String,
        known: Option<Box<Known>>,
    ) -> Result<Listing, Trouble> {
        let opened = table.open()?;
        Ok(Listing {
            token,
            page: 0,
            watch: watch_mark(table, watch),
            settled: opened.stamp.unsettled_for(SystemTime::now()).is_zero(),
            stamp: opened.stamp,
            extractor: table.extractor(watch, opened.header.as_ref()),
            ids: table.id_reader(opened.header.as_ref()),
            rows: opened.rows,
            known,
            read: Fingerprints::default(),
            parsed: HashSet::default(),
            nameless: 0,
        })
    }

    /// The next page. `own` are the fingerprints of rows that this process wrote: the hub was told what they hold with
    /// the outcome of its write, so a reading of changes does not tell it again.
    pub(super) fn next_page(&mut self, table: &Table, own: &HashSet<u64, Plain>, page_size: usize) -> Result<Page, Trouble> {
        let mut records = Vec::with_capacity(page_size.min(65_536));
        let mut faults = Vec::new();
        while records.len() < page_size.max(1) {
            let Some(row) = self.rows.next().map_err(|error| table.trouble(&error))? else {
                return self.last_page(table, records, faults);
            };
            if row.is_blank() {
                continue;
            }
            let print = fingerprint(row.text);
            if let Some(known) = &mut self.known {
                if let Some(id) = known.meet(print) {
                    self.nameless += usize::from(id == [0]);
                    self.read.push_packed(print, id);
                    continue;
                }
                if own.contains(&print)
                    && let Some((id, _)) = self.ids.id(row.text)
                {
                    self.read.push(print, &id);
                    continue;
                }
            }
            let fault = |message: String| RecordFault { place: format!("{}:{}", table.place, row.line), message };
            match self.extractor.extract(row.text, print) {
                Ok(record) => {
                    self.read.push(print, &record.id);
                    if self.parsed.insert(xxh3_64(record.id.as_bytes())) {
                        records.push(record);
                    } else {
                        faults.push(fault(repeated(&record.id)));
                    }
                }
                Err(unreadable) => {
                    let id = unreadable.id.or_else(|| self.ids.id(row.text).map(|(id, _)| id.into_owned())).unwrap_or_default();
                    self.nameless += usize::from(id.is_empty());
                    self.read.push(print, &id);
                    faults.push(fault(unreadable.message));
                }
            }
        }
        self.page += 1;
        let mark = Mark::Reading { reading: self.token.clone(), page: self.page, byte: self.rows.bytes() };
        let checkpoint = Checkpoint { text: text_of(&mark), bytes: Vec::new() };
        Ok(Page { records, faults, gone: Vec::new(), checkpoint, more: true, everything: self.known.is_none() })
    }

    fn last_page(
        &mut self,
        table: &Table,
        records: Vec<lockstep_model::ReadRecord>,
        mut faults: Vec<RecordFault>,
    ) -> Result<Page, Trouble> {
        let metadata = self.rows.source().metadata().map_err(|error| table.trouble(&error))?;
        let now = Stamp::of(&metadata);
        // Only the content counts here: that another file took the name changes the inode's own time.
        let torn = (now.size, now.modified_ns) != (self.stamp.size, self.stamp.modified_ns);
        let whole = !torn && self.nameless == 0;
        let mut gone = Vec::new();
        let everything = self.known.is_none();
        if let Some(known) = self.known.take() {
            faults.extend(
                self.repeated_ids(&known)
                    .into_iter()
                    .map(|id| RecordFault { place: table.place.clone(), message: repeated(&id) }),
            );
            let mut missing: Vec<(u64, &[u8])> = known.vanished().filter(|(_, id)| *id != [0]).collect();
            if !missing.is_empty() {
                let ids: HashSet<&[u8]> = missing.iter().map(|&(_, id)| id).collect();
                let still: HashSet<Vec<u8>> = self.read.ids().filter(|id| ids.contains(id)).map(<[u8]>::to_vec).collect();
                missing.retain(|(_, id)| !still.contains(*id));
            }
            for (row, id) in missing {
                if whole {
                    gone.push(unpack(id));
                } else {
                    self.read.push_packed(row, id);
                }
            }
            gone.sort();
            gone.dedup();
        }
        let read = ReadToEnd {
            rows: self.read.len(),
            modified: Timestamp(self.stamp.modified_ns / 1_000_000).to_string(),
            stamp: self.stamp,
            settled: self.settled && !torn,
            again: torn && everything,
            watch: self.watch.clone(),
        };
        let checkpoint = Checkpoint { text: text_of(&Mark::Read(read)), bytes: self.read.to_bytes() };
        Ok(Page { records, faults, gone, checkpoint, more: false, everything: everything && whole })
    }

    /// Ids of new rows that another, unchanged row has as well.
    fn repeated_ids(&self, known: &Known) -> Vec<String> {
        let before: HashSet<u64, Plain> = known.vanished().map(|(_, id)| xxh3_64(unpack(id).as_bytes())).collect();
        let fresh: HashSet<u64, Plain> = self.parsed.difference(&before).copied().collect();
        if fresh.is_empty() {
            return Vec::new();
        }
        let (mut once, mut twice) = (HashSet::new(), Vec::new());
        for id in self.read.ids().map(unpack) {
            if fresh.contains(&xxh3_64(id.as_bytes())) && !once.insert(id.clone()) {
                twice.push(id);
            }
        }
        twice
    }
}

fn repeated(id: &str) -> String {
    format!("the id {id} is there more than once: give each record an id of its own; only the first counts")
}

fn text_of(mark: &Mark) -> String {
    serde_json::to_string(mark).unwrap_or_default()
}

/// Hashes what is a fingerprint already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plain(u64);

impl std::hash::BuildHasher for Plain {
    type Hasher = Plain;

    fn build_hasher(&self) -> Plain {
        Plain(0)
    }
}

impl std::hash::Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= xxh3_64(bytes);
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}
