//! Rows that this process wrote: which readings need not tell them again.
//!
//! A file may be read as records and, by others, as the lists in them (`Orders[lines]`). A record's own
//! write tells its reading all that the row holds: it was made of the version that was read. Of a
//! list a reading knows what a row holds where it knows the row that it was made of, and where what
//! was written is its own, or is another property:
//!
//! ```text
//! row P, read ──▶ X, written by Orders ──▶ Y, written by Orders[lines]
//!                 known to Orders           known to Orders[lines], as P and X hold the same lines
//! ```

use std::collections::{HashMap, HashSet};

use lockstep_model::flow::PropertyRef;

use super::fingerprint::{Known, Plain};

/// Maximum number of rows held; more are read again.
const MOST_ROWS: usize = 1 << 20;
/// Maximum number of writes to a row that are followed back.
const MOST_STEPS: usize = 64;

/// Who reads or writes a part of records: the name of a record type of elements; `None` for the
/// records themselves.
pub(super) type Part<'a> = Option<&'a str>;

/// A row that was written: its fingerprint, and that of the row it was made of; `None` for a new
/// record's.
pub(super) type Written = (u64, Option<u64>);

/// The rows that this process wrote to a file.
#[derive(Default)]
pub(super) struct Own {
    rows: HashMap<u64, Row, Plain>,
    writers: Vec<Writer>,
    /// How many times rows were noted.
    moment: u64,
    /// Up to which moment each reader's checkpoint knows the rows.
    read: Vec<(Option<String>, u64)>,
}

struct Row {
    before: Option<u64>,
    writer: usize,
    moment: u64,
}

#[derive(PartialEq)]
struct Writer {
    part: Option<String>,
    /// The first steps of the paths that it may write.
    tops: Vec<String>,
}

fn tops(watch: &[PropertyRef]) -> Vec<String> {
    let tops: HashSet<&str> =
        watch.iter().filter_map(|property| property.path.steps().next()).collect();
    let mut tops: Vec<String> = tops.into_iter().map(String::from).collect();
    tops.sort_unstable();
    tops
}

impl Own {
    /// Takes note of rows that were written.
    pub(super) fn note(&mut self, part: Part<'_>, watch: &[PropertyRef], rows: Vec<Written>) {
        if rows.is_empty() {
            return;
        }
        if self.rows.len() + rows.len() > MOST_ROWS {
            self.rows.clear();
        }
        self.moment += 1;
        let writer = Writer { part: part.map(String::from), tops: tops(watch) };
        let known = self.writers.iter().position(|known| *known == writer);
        let writer = known.unwrap_or_else(|| {
            self.writers.push(writer);
            self.writers.len() - 1
        });
        let moment = self.moment;
        let rows = rows.into_iter().map(|(row, before)| (row, Row { before, writer, moment }));
        self.rows.extend(rows);
    }

    /// Whether a reader knows all that this row tells it. `remembers`: whether its checkpoint has a
    /// row.
    pub(super) fn knows(
        &self,
        reader: &Reader<'_>,
        row: u64,
        mut remembers: impl FnMut(u64) -> bool,
    ) -> bool {
        let Some(mut written) = self.rows.get(&row) else { return false };
        // What a reader's checkpoint had, and has not any more, somebody has brought back.
        let read = self.read.iter().find(|(known, _)| known.as_deref() == reader.part);
        if read.is_some_and(|(_, read)| written.moment <= *read) {
            return false;
        }
        if reader.part.is_none() {
            return self.writers[written.writer].part.is_none();
        }
        for _ in 0..MOST_STEPS {
            let writer = &self.writers[written.writer];
            let is_its_own = writer.part.as_deref() == reader.part;
            if !is_its_own && writer.tops.iter().any(|top| reader.tops.contains(top)) {
                return false;
            }
            let Some(before) = written.before else { return true };
            if remembers(before) {
                return true;
            }
            match self.rows.get(&before) {
                Some(earlier) => written = earlier,
                None => return false,
            }
        }
        false
    }

    /// How many times rows were noted so far.
    pub(super) fn moment(&self) -> u64 {
        self.moment
    }

    /// A reader's checkpoint knows what was noted up to this moment. What that of every reader knows
    /// is forgotten.
    pub(super) fn has_read(&mut self, part: Part<'_>, moment: u64) {
        match self.read.iter_mut().find(|(reader, _)| reader.as_deref() == part) {
            Some((_, read)) => *read = moment,
            None => self.read.push((part.map(String::from), moment)),
        }
        let all = self.read.iter().map(|(_, read)| *read).min().unwrap_or(0);
        self.rows.retain(|_, row| row.moment > all);
    }
}

/// Who reads.
pub(super) struct Reader<'a> {
    pub part: Part<'a>,
    tops: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(part: Part<'a>, watch: &[PropertyRef]) -> Self {
        Reader { part, tops: tops(watch) }
    }
}

/// What a reader's checkpoint remembers.
pub(super) fn remembered(known: &mut Option<Box<Known>>) -> impl FnMut(u64) -> bool {
    |row| known.as_mut().is_some_and(|known| known.remembers(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: Part<'static> = None;
    const LINES: Part<'static> = Some("Orders[lines]");
    const SERIALS: Part<'static> = Some("Orders[lines][serials]");
    const NOTES: Part<'static> = Some("Orders[notes]");

    fn watch(path: &str) -> [PropertyRef; 1] {
        [PropertyRef::new(path)]
    }

    /// Row 1 was read by all; 2 and 3 were made of it, one of the other.
    fn own(writes: [(Part<'_>, &str); 2]) -> Own {
        let mut own = Own::default();
        for (at, (part, path)) in writes.into_iter().enumerate() {
            let at = at as u64;
            own.note(part, &watch(path), vec![(at + 2, Some(at + 1))]);
        }
        own
    }

    fn knows(own: &Own, part: Part<'_>, path: &str, row: u64) -> bool {
        own.knows(&Reader::new(part, &watch(path)), row, |row| row == 1)
    }

    #[test]
    fn a_list_is_known_by_who_wrote_it_and_by_who_writes_beside_it() {
        let own = own([(ORDERS, "number"), (LINES, "lines")]);
        assert!(knows(&own, ORDERS, "number", 2) && knows(&own, LINES, "lines", 2));
        assert!(knows(&own, LINES, "lines", 3) && knows(&own, NOTES, "notes", 3));
        // The record has another version than the one that its reading was told.
        assert!(!knows(&own, ORDERS, "number", 3));
        // What is within an element may have gone with it.
        assert!(!knows(&own, SERIALS, "lines", 3));
    }

    #[test]
    fn a_list_is_not_known_that_was_read_by_nobody_or_written_with_its_record() {
        let written = own([(ORDERS, "lines.no"), (LINES, "lines")]);
        assert!(!knows(&written, LINES, "lines", 2) && !knows(&written, LINES, "lines", 3));
        let mut unread = Own::default();
        unread.note(LINES, &watch("lines"), vec![(8, Some(7))]);
        assert!(!knows(&unread, LINES, "lines", 8));
        unread.note(ORDERS, &watch("number"), vec![(9, None)]);
        assert!(knows(&unread, LINES, "lines", 9), "a new record's lists are empty");
    }

    #[test]
    fn r1_a_row_that_somebody_brings_back_is_no_write_of_this_process() {
        let mut own = own([(ORDERS, "number"), (LINES, "lines")]);
        own.has_read(LINES, 0);
        assert!(knows(&own, ORDERS, "number", 2));
        own.has_read(ORDERS, 1);
        assert!(!knows(&own, ORDERS, "number", 2), "who reads lines has not read it yet");
        assert!(knows(&own, LINES, "lines", 3), "and knows what it was made of");
    }

    #[test]
    fn what_every_reader_has_read_is_forgotten() {
        let mut own = own([(LINES, "lines"), (LINES, "lines")]);
        own.has_read(ORDERS, 0);
        own.has_read(LINES, own.moment());
        assert!(own.rows.contains_key(&2), "the orders have not been read since");
        own.has_read(ORDERS, 1);
        assert!(!own.rows.contains_key(&2) && own.rows.contains_key(&3));
        own.has_read(ORDERS, 2);
        assert!(own.rows.is_empty());
    }
}
