//! Where the records are in a file, for reading single ones.

use lockstep_model::ReadRecord;
use lockstep_model::flow::PropertyRef;
use xxhash_rust::xxh3::xxh3_64;

use super::csv;
use super::fingerprint::fingerprint;
use super::rows::Rows;
use super::stamp::Stamp;
use super::survey::{Survey, repeated};
use super::table::Table;
use crate::Trouble;

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
    /// The record with this id, as its row holds it now.
    pub(super) fn record(
        &self,
        table: &Table,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        let index = self;
        let trouble = |error: std::io::Error| table.trouble(&error);
        if index.survey.is_repeated(id) {
            return Err(Trouble::Malformed(format!("{}: {}", table.place, repeated(id))));
        }
        let print = xxh3_64(id.as_bytes());
        let from = index.rows.partition_point(|&(row, _)| row < print);
        for &(_, offset) in index.rows[from..].iter().take_while(|&&(row, _)| row == print) {
            let opened = table.open()?;
            let mut source = opened.rows.into_source();
            source.skip_to(offset).map_err(trouble)?;
            let mut rows = Rows::lines(source);
            if let Some(header) = &opened.header {
                rows = rows.with_cells(header.delimiter);
            }
            let Some(row) = rows.next().map_err(trouble)? else { continue };
            match table
                .extractor(watch, opened.header.as_ref())
                .extract(row.text, fingerprint(row.text))
            {
                // D3: what is marked as deleted is not there.
                Ok(record) if record.id == id => {
                    return Ok(Some(record).filter(|record| !record.deleted));
                }
                Ok(_) => {}
                Err(unreadable) => {
                    return Err(Trouble::Malformed(format!(
                        "{}, record {id}: {}",
                        table.place, unreadable.message
                    )));
                }
            }
        }
        match index.nameless {
            // It may be the one that is asked for: to say that it is gone would be a guess.
            Some(line) => Err(Trouble::Malformed(table.can_not_tell(line, id))),
            None => Ok(None),
        }
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
