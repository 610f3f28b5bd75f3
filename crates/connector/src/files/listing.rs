//! Reading a file in pages, and what a checkpoint of a file is (R1).
//!
//! A reading goes through the file once, from an open handle, so that a replacement of the file
//! meanwhile does not mix two states. Between two pages the state lives here, named by a token in
//! the checkpoint; the last page's checkpoint has the file's [`Stamp`] and the [`Fingerprints`] of
//! all rows. With these the next reading
//! - takes nothing from a file whose stamp is the same,
//! - parses only the rows that it does not know,
//! - tells the ids of records whose rows are not there any more.
//!
//! What a row says depends on the first row of a CSV file and on the settings as well: where those
//! have changed, all rows are read anew.
//!
//! Where rows can't be read, or the file changed under the reading, it can't be told what is gone:
//! then the vanished rows are remembered until it can.
//!
//! A process that begins anew in the middle of a listing lists everything again: seeing a record
//! twice does nothing (R1).

use std::collections::{HashSet, VecDeque};
use std::time::SystemTime;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Timestamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::csv::Header;
use super::encoding::Source;
use super::fingerprint::{Fingerprints, Known, Plain, fingerprint, unpack};
use super::own::{self, Own, Part, Reader};
use super::rows::Rows;
use super::sound::Utf8Instead;
use super::stamp::Stamp;
use super::survey::{Survey, repeated};
use super::table::{Opened, Table};
use super::take::{Extractor, IdReader, Unreadable};
use crate::numbers::Used;
use crate::{Checkpoint, Page, RecordFault, Trouble};

/// Maximum number of unreadable rows reported one by one; the rest is counted.
const FAULTS_TOLD: usize = 10;
/// Maximum number of changed rows held in memory.
const MOST_GATHERED: usize = 100_000;

/// Rows that are gone through at once where nobody takes their records.
const ROWS_AT_ONCE: usize = 10_000;

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
    /// Some rows could not be read: they are looked at, and told of, again each time until they are
    /// mended (R8).
    #[serde(default)]
    faulty: bool,
    /// Of a CSV file, the columns that were taken.
    #[serde(default)]
    columns: Vec<String>,
    /// How its cells became values: with another first row the same row says something else.
    #[serde(default)]
    layout: String,
    /// The largest number that was ever an id (R9).
    #[serde(default)]
    used: Option<Used>,
}

impl ReadToEnd {
    /// From a checkpoint, if it is of a reading that came to its end.
    pub(super) fn of(checkpoint: Option<&Checkpoint>) -> Option<ReadToEnd> {
        match serde_json::from_str(&checkpoint?.text) {
            Ok(Mark::Read(read)) => Some(read),
            _ => None,
        }
    }

    /// The largest number that was an id, as far as this reading and those before it knew.
    pub(super) fn used(&self) -> Option<Used> {
        self.used
    }

    /// R5, R8: a column that was taken and is not there any more has been renamed or lost; its
    /// values have not been cleared.
    pub(super) fn lost_column(
        &self,
        table: &Table,
        watch: &[PropertyRef],
        header: &Header,
    ) -> Option<&str> {
        let watched = |name: &str| columns_of(table, watch).any(|column| column == name);
        self.columns
            .iter()
            .map(String::as_str)
            .find(|name| watched(name) && header.column(name).is_none())
    }
}

/// Which properties are taken from the rows of a table, and by which settings, as a text that differs
/// when they do.
pub(super) fn watch_mark(table: &Table, watch: &[PropertyRef], part: Part<'_>) -> String {
    let mut text =
        format!("{}\n{}\n", table.id, table.modified.as_ref().map_or("", |path| path.as_str()));
    watch.iter().for_each(|property| text.push_str(&format!("{property}\n")));
    table.id_rest.iter().for_each(|id| text.push_str(&format!("{id}\n")));
    // R7: among lists a single value is read in another way, but where elements are records: there
    // it is one of them, whatever others hold.
    let lists = watch.iter().filter(|property| part.is_none() && table.shape.is_list(property));
    lists.for_each(|property| text.push_str(&format!("list {property}\n")));
    if table.decimal_comma {
        // Cells are read in another way.
        text.push_str("decimal comma");
    }
    if let Some(mark) = &table.mark {
        text.push_str(&format!("{mark:?}"));
    }
    text.push_str(&format!("{:?} {:?}", table.encoding, table.separator));
    table.times.iter().for_each(|(of, time)| text.push_str(&format!("\n{of} {time}")));
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// How the cells of a CSV file become values, as a checkpoint has it; empty for JSON Lines.
fn layout_mark(table: &Table, header: Option<&Header>) -> String {
    header.map_or_else(String::new, |header| format!("{:016x}", table.layout(Some(header))))
}

/// The columns that are read of a CSV file besides the id.
fn columns_of<'a>(table: &'a Table, watch: &'a [PropertyRef]) -> impl Iterator<Item = &'a str> {
    let conditions =
        watch.iter().filter_map(|property| property.when.as_ref()).map(|having| &having.path);
    watch
        .iter()
        .map(|property| &property.path)
        .chain(conditions)
        .chain(&table.modified)
        .map(|path| path.as_str())
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
            Ok(Mark::Read(read)) if read.stamp == stamp && read.settled && !read.faulty => {
                Beginning::Nothing
            }
            Ok(Mark::Read(_)) => Known::from_bytes(&checkpoint.bytes)
                .map_or(Beginning::Everything, |known| Beginning::Changes(Box::new(known))),
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
    rows: Rows<Source>,
    /// What is told, where it was gathered before.
    ready: Option<VecDeque<ReadRecord>>,
    waiting_faults: Vec<RecordFault>,
    header: Option<Header>,
    pub survey: Survey,
    extractor: Extractor,
    ids: IdReader,
    known: Option<Box<Known>>,
    read: Fingerprints,
    /// How many rows do not tell whose they are: they have no id, or one that others have as well.
    nameless: usize,
    /// Up to which moment the rows that this process wrote are known to its checkpoint.
    pub own_until: u64,
    /// How many rows could not be read.
    faulty: usize,
    /// Ids that were told to be there more than once.
    told_repeated: HashSet<u64, Plain>,
    /// The columns that are taken.
    columns: Vec<String>,
}

/// A row that is not known.
struct News {
    line: u64,
    print: u64,
    /// Its place among the rows that were read.
    at: usize,
    record: Result<ReadRecord, Unreadable>,
}

/// A record whose id others have as well.
fn is_repeated(record: ReadRecord) -> Unreadable {
    let message = repeated(&record.id);
    Unreadable::of(Some(record.id), message)
}

/// The same, with the id that its row names.
fn with_id(ids: &mut IdReader, unreadable: Unreadable, row: &[u8]) -> Unreadable {
    let id = unreadable.id.or_else(|| ids.id(row).map(|(id, _)| id.into_owned()));
    Unreadable { id, ..unreadable }
}

impl Listing {
    /// Opens the file and stands before its first record. `own` are the rows that this process
    /// wrote: what the reader knows of them by the outcome of a write a reading of changes does not
    /// tell again.
    ///
    /// Before any of it is told, what makes the whole file doubtful has been looked for (R8): in a
    /// look through all of it, or, where only what changed is read, while that is gathered.
    pub(super) fn begin(
        table: &Table,
        watch: &[PropertyRef],
        (token, known, before): (String, Option<Box<Known>>, Option<&ReadToEnd>),
        (own, reader): (&Own, &Reader<'_>),
    ) -> Result<Listing, Trouble> {
        let opened = table.open()?;
        if let (Some(header), Some(before)) = (&opened.header, before)
            && let Some(name) = before.lost_column(table, watch, header)
        {
            return Err(Trouble::Malformed(format!(
                "{}: the column `{name}` is not there any more, so its values are not taken for cleared: nothing of the file is taken or \
                 written. Put the column back, or take `{name}` out of the flows (the first row has {})",
                table.place,
                header.names.join(", ")
            )));
        }
        let layout = layout_mark(table, opened.header.as_ref());
        let known = known.filter(|_| before.is_some_and(|before| before.layout == layout));
        let (opened, survey) =
            if known.is_none() { table.survey(opened)? } else { (opened, Survey::default()) };
        let of = (watch, reader.part);
        let mut listing = Listing::new(table, of, token, known, opened, survey);
        listing.own_until = own.moment();
        if listing.known.is_some() && !listing.gather(table, own, reader)? {
            // Too much has changed to be held in memory: the file is gone through twice instead.
            let Listing { token, rows, stamp, header, known, .. } = listing;
            let opened = Opened { rows, stamp, header, header_raw: vec![] };
            let (opened, survey) = table.survey(table.again(opened)?)?;
            let known = known.map(|mut known| {
                known.forget();
                known
            });
            listing = Listing::new(table, of, token, known, opened, survey);
            listing.own_until = own.moment();
        }
        Ok(listing)
    }

    fn new(
        table: &Table,
        (watch, part): (&[PropertyRef], Part<'_>),
        token: String,
        known: Option<Box<Known>>,
        opened: Opened,
        survey: Survey,
    ) -> Listing {
        let there = |header: &Header| {
            let columns = columns_of(table, watch).filter(|name| header.column(name).is_some());
            columns.map(str::to_string).collect()
        };
        Listing {
            survey,
            ready: None,
            waiting_faults: vec![],
            columns: opened.header.as_ref().map(there).unwrap_or_default(),
            header: opened.header.clone(),
            faulty: 0,
            told_repeated: HashSet::default(),
            token,
            page: 0,
            watch: watch_mark(table, watch, part),
            settled: opened.stamp.unsettled_for(SystemTime::now()).is_zero(),
            stamp: opened.stamp,
            extractor: table.extractor(watch, opened.header.as_ref()),
            ids: table.id_reader(opened.header.as_ref()),
            rows: opened.rows,
            known,
            read: Fingerprints::default(),
            nameless: 0,
            own_until: 0,
        }
    }

    /// The rows of the whole file that can't be read: the first ones, at most so many, and how many
    /// there are in all (R8).
    pub(super) fn damaged_rows(
        table: &Table,
        at_most: usize,
    ) -> Result<(Vec<RecordFault>, usize), Trouble> {
        let nobody = (&Own::default(), &Reader::new(None, &[]));
        let mut listing = Listing::begin(table, &[], (String::new(), None, None), nobody)?;
        let mut faults = Vec::new();
        loop {
            let page = listing.next_page(table, None, ROWS_AT_ONCE)?;
            faults.extend(page.faults);
            if !page.more {
                faults.truncate(at_most.min(listing.faulty));
                return Ok((faults, listing.faulty));
            }
        }
    }

    /// Reads all that is news at once; gives whether it is little enough for that.
    fn gather(&mut self, table: &Table, own: &Own, reader: &Reader<'_>) -> Result<bool, Trouble> {
        let encoding = self.rows.source().encoding();
        let width = self.header.as_ref().map(|header| (header.delimiter, header.names.len()));
        let mut news: Vec<News> = Vec::new();
        let mut doubts = Utf8Instead::of(encoding);
        while let Some(row) = self.rows.next().map_err(|error| table.trouble(&error))? {
            doubts.meet(&row);
            if row.is_blank()
                || self.header.as_ref().is_some_and(|header| header.is_empty_row(row.text))
            {
                continue;
            }
            let print = fingerprint(row.text);
            if let Some(id) = self.known.as_mut().and_then(|known| known.meet(print)) {
                self.nameless += usize::from(id == [0]);
                self.read.push_packed(print, id);
                continue;
            }
            if own.knows(reader, print, own::remembered(&mut self.known))
                && let Some((id, _)) = self.ids.id(row.text)
            {
                self.read.push(print, &id);
                continue;
            }
            table.is_text(&row, encoding)?;
            if let Some((delimiter, width)) = width {
                table.has_its_quotes(&row, delimiter, width)?;
            }
            table.is_not_cut(&row, width)?;
            if let Some((id, as_number)) = self.ids.id(row.text) {
                self.survey.ids.meet(&id, as_number);
            }
            let record = match self.extractor.extract(row.text, print) {
                Ok(record) => Ok(record),
                Err(unreadable) => Err(with_id(&mut self.ids, unreadable, row.text)),
            };
            let id = match &record {
                Ok(record) => record.id.as_str(),
                Err(unreadable) => unreadable.id.as_deref().unwrap_or_default(),
            };
            let at = self.read.len();
            self.read.push(print, id);
            news.push(News { line: row.line, print, at, record });
            if news.len() > MOST_GATHERED {
                return Ok(false);
            }
        }
        table.is_its_encoding(&doubts)?;
        if !news.is_empty() {
            self.survey.repeated_among(
                &self.read,
                news.iter().filter_map(|news| match &news.record {
                    Ok(record) => Some(&record.id),
                    Err(unreadable) => unreadable.id.as_ref(),
                }),
            );
        }
        let mut ready = VecDeque::with_capacity(news.len());
        let mut faults = Vec::new();
        for News { line, print, at, record } in news {
            match record {
                Ok(record) if !self.survey.is_repeated(&record.id) => ready.push_back(record),
                other => {
                    let wrong = other.map_or_else(|wrong| wrong, is_repeated);
                    self.read.doubt(at, !print);
                    faults.extend(self.fault(table, line, wrong));
                }
            }
        }
        (self.ready, self.waiting_faults) = (Some(ready), faults);
        Ok(true)
    }

    /// Takes note of a row that can't be read; gives what is told of it.
    fn fault(
        &mut self,
        table: &Table,
        line: u64,
        Unreadable { id, message, may_hold_others }: Unreadable,
    ) -> Option<RecordFault> {
        let id = id.unwrap_or_default();
        // R8: one of the rows that share an id may be that of a record which is missed.
        let doubtful = id.is_empty() || may_hold_others || self.survey.is_repeated(&id);
        self.nameless += usize::from(doubtful);
        if self.survey.is_repeated(&id) && !self.told_repeated.insert(xxh3_64(id.as_bytes())) {
            return None;
        }
        self.faulty += 1;
        let id = (!id.is_empty()).then_some(id);
        (self.faulty <= FAULTS_TOLD).then(|| RecordFault {
            part: false,
            place: format!("{}:{line}", table.place),
            message,
            id,
        })
    }

    /// The next page. `used` is the largest number that was ever an id of the record type.
    pub(super) fn next_page(
        &mut self,
        table: &Table,
        used: Option<Used>,
        page_size: usize,
    ) -> Result<Page, Trouble> {
        let mut faults = std::mem::take(&mut self.waiting_faults);
        if let Some(ready) = &mut self.ready {
            let records = ready.drain(..page_size.max(1).min(ready.len())).collect();
            return if ready.is_empty() {
                self.last_page(table, records, faults, used)
            } else {
                Ok(self.page_of(records, faults))
            };
        }
        let mut records = Vec::with_capacity(page_size.min(65_536));
        while records.len() < page_size.max(1) {
            let Some(row) = self.rows.next().map_err(|error| table.trouble(&error))? else {
                return self.last_page(table, records, faults, used);
            };
            if row.is_blank()
                || self.header.as_ref().is_some_and(|header| header.is_empty_row(row.text))
            {
                continue;
            }
            let print = fingerprint(row.text);
            if let Some(id) = self.known.as_mut().and_then(|known| known.meet(print)) {
                self.nameless += usize::from(id == [0]);
                self.read.push_packed(print, id);
                continue;
            }
            let line = row.line;
            let wrong = match self.extractor.extract(row.text, print) {
                Ok(record) if !self.survey.is_repeated(&record.id) => {
                    self.read.push(print, &record.id);
                    records.push(record);
                    continue;
                }
                Ok(record) => is_repeated(record),
                Err(unreadable) => with_id(&mut self.ids, unreadable, row.text),
            };
            // R8: by another fingerprint than its own the row is not known again, and so is told of
            // until it is mended.
            self.read.push(!print, wrong.id.as_deref().unwrap_or_default());
            faults.extend(self.fault(table, line, wrong));
        }
        Ok(self.page_of(records, faults))
    }

    fn page_of(&mut self, records: Vec<ReadRecord>, faults: Vec<RecordFault>) -> Page {
        self.page += 1;
        let mark =
            Mark::Reading { reading: self.token.clone(), page: self.page, byte: self.rows.bytes() };
        let checkpoint = Checkpoint { text: text_of(&mark), bytes: Vec::new() };
        Page {
            records,
            faults,
            gone: Vec::new(),
            below: vec![],
            checkpoint,
            more: true,
            everything: self.known.is_none(),
        }
    }

    fn last_page(
        &mut self,
        table: &Table,
        records: Vec<ReadRecord>,
        mut faults: Vec<RecordFault>,
        used: Option<Used>,
    ) -> Result<Page, Trouble> {
        let metadata =
            self.rows.source().file().metadata().map_err(|error| table.trouble(&error))?;
        let now = Stamp::of(&metadata);
        // Only the content counts here: that another file took the name changes the inode's own
        // time.
        let torn = (now.size, now.modified_ns) != (self.stamp.size, self.stamp.modified_ns);
        let whole = !torn && self.nameless == 0;
        let mut gone = Vec::new();
        let everything = self.known.is_none();
        if self.faulty > FAULTS_TOLD {
            let message = format!("{} more rows can't be read", self.faulty - FAULTS_TOLD);
            faults.push(RecordFault { part: false, place: table.place.clone(), message, id: None });
        }
        if let Some(known) = self.known.take() {
            let mut missing: Vec<(u64, &[u8])> =
                known.vanished().filter(|(_, id)| *id != [0]).collect();
            if !missing.is_empty() {
                let ids: HashSet<&[u8]> = missing.iter().map(|&(_, id)| id).collect();
                let still: HashSet<Vec<u8>> =
                    self.read.ids().filter(|id| ids.contains(id)).map(<[u8]>::to_vec).collect();
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
            faulty: self.faulty > 0,
            columns: std::mem::take(&mut self.columns),
            layout: layout_mark(table, self.header.as_ref()),
            used,
        };
        let checkpoint =
            Checkpoint { text: text_of(&Mark::Read(read)), bytes: self.read.to_bytes() };
        Ok(Page {
            records,
            faults,
            gone,
            below: vec![],
            checkpoint,
            more: false,
            everything: everything && whole,
        })
    }
}

fn text_of(mark: &Mark) -> String {
    serde_json::to_string(mark).unwrap_or_default()
}
