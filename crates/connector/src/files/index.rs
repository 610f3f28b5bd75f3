//! Where the records are in a file, for reading single ones.

use lockstep_model::ReadRecord;
use lockstep_model::flow::PropertyRef;
use xxhash_rust::xxh3::xxh3_64;

use super::csv;
use super::encoding::Source;
use super::fingerprint::fingerprint;
use super::rows::Rows;
use super::stamp::Stamp;
use super::survey::{Survey, repeated};
use super::table::Table;
use super::take::Extractor;
use crate::Trouble;

/// To look for one record costs about as much as to go through so many rows.
const ROWS_A_LOOK: usize = 64;

/// Where the records are in a file, for reading single ones.
pub(super) struct Index {
    pub stamp: Stamp,
    pub survey: Survey,
    /// Sorted: fingerprint of the id, where its row begins.
    pub rows: Vec<(u64, u64)>,
    /// The first row that does not tell its id.
    pub nameless: Option<u64>,
}

impl Index {
    /// The records with these ids, in this order, as their rows hold them now. Nothing where the
    /// file is another one than this is of.
    pub(super) fn records(
        &self,
        table: &Table,
        watch: &[PropertyRef],
        ids: &[&str],
    ) -> Result<Option<Vec<Option<ReadRecord>>>, Trouble> {
        let mut found: Vec<Option<ReadRecord>> = vec![None; ids.len()];
        // Where rows with these ids may begin, in the order of the file.
        let mut places: Vec<(u64, usize)> = Vec::with_capacity(ids.len());
        for (at, id) in ids.iter().enumerate() {
            if self.survey.is_repeated(id) {
                return Err(Trouble::Malformed(format!("{}: {}", table.place, repeated(id))));
            }
            let print = xxh3_64(id.as_bytes());
            let from = self.rows.partition_point(|&(row, _)| row < print);
            let rows = self.rows[from..].iter().take_while(|&&(row, _)| row == print);
            places.extend(rows.map(|&(_, offset)| (offset, at)));
        }
        places.sort_unstable();
        let all_at_once = ids.len() * ROWS_A_LOOK > self.rows.len();
        let mut open: Option<(Rows<Source>, u64, Extractor)> = None;
        for same in places.chunk_by(|(a, _), (b, _)| a == b) {
            let offset = same[0].0;
            if open.is_none() || !all_at_once {
                open = self.open_at(table, watch, (offset, all_at_once))?;
            }
            let Some((rows, begins, extractor)) = &mut open else { return Ok(None) };
            let trouble = |error: std::io::Error| table.trouble(&error);
            while *begins + rows.bytes() < offset && rows.next().map_err(trouble)?.is_some() {}
            let Some(row) = rows.next().map_err(trouble)? else { continue };
            let record = extractor.extract(row.text, fingerprint(row.text));
            let record = record.map_err(|unreadable| {
                Trouble::Malformed(format!(
                    "{}, record {}: {}",
                    table.place, ids[same[0].1], unreadable.message
                ))
            })?;
            for (_, at) in same.iter().filter(|(_, at)| record.id == ids[*at]) {
                found[*at] = Some(record.clone());
            }
        }
        if let (Some(line), Some(at)) = (self.nameless, found.iter().position(Option::is_none)) {
            // It may be the one that is asked for: to say that it is gone would be a guess.
            return Err(Trouble::Malformed(table.can_not_tell(line, ids[at])));
        }
        // D3: what is marked as deleted is not there.
        found.iter_mut().for_each(|record| drop(record.take_if(|record| record.deleted)));
        Ok(Some(found))
    }

    /// The rows from this offset on; where `(_, all_at_once)` they are read to the last one that is
    /// asked for. Gives where the first one begins; nothing where the file is another one.
    fn open_at(
        &self,
        table: &Table,
        watch: &[PropertyRef],
        (offset, all_at_once): (u64, bool),
    ) -> Result<Option<(Rows<Source>, u64, Extractor)>, Trouble> {
        let opened = table.open()?;
        if opened.stamp != self.stamp {
            return Ok(None);
        }
        let mut source = opened.rows.into_source();
        source.skip_to(offset).map_err(|error| table.trouble(&error))?;
        let mut rows = if all_at_once { Rows::lines(source) } else { Rows::few(source) };
        if let Some(header) = &opened.header {
            rows = rows.with_cells(header.delimiter);
        }
        Ok(Some((rows, offset, table.extractor(watch, opened.header.as_ref()))))
    }

    pub(super) fn of(table: &Table) -> Result<Index, Trouble> {
        let (mut opened, survey) = table.survey(table.open()?)?;
        let ids = table.id_reader(opened.header.as_ref());
        let (mut rows, mut nameless) = (Vec::new(), None);
        loop {
            let offset = opened.rows.bytes();
            let Some(row) = opened.rows.next().map_err(|error| table.trouble(&error))? else {
                break;
            };
            match ids.id(row.text) {
                Some((id, _)) => {
                    let may_hold_others = || {
                        opened.header.as_ref().is_some_and(|header| {
                            csv::split(row.text, header.delimiter).len() != header.names.len()
                                || csv::is_broken(row.text, header.delimiter)
                        })
                    };
                    if survey.is_repeated(&id) || may_hold_others() {
                        nameless = nameless.or(Some(row.line));
                    }
                    rows.push((xxh3_64(id.as_bytes()), offset));
                }
                None if row.is_blank()
                    || opened
                        .header
                        .as_ref()
                        .is_some_and(|header| header.is_empty_row(row.text)) => {}
                None => nameless = nameless.or(Some(row.line)),
            }
        }
        rows.sort_unstable();
        Ok(Index { stamp: opened.stamp, survey, rows, nameless })
    }
}
