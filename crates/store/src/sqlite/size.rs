//! How large a store is, for who watches over it.

use std::path::Path;

use super::fault::Fault;
use super::handle::SqliteStore;
use super::lock::beside;
use super::statements as sql;
use crate::Result;

/// How large a store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Links: one less than there are records, for each entity.
    pub links: u64,
    /// From the first entry of the journal that is kept to the last.
    pub journal: u64,
    /// The file and its log, in bytes.
    pub bytes: u64,
}

impl SqliteStore {
    /// How large this store is. Goes through the index of links: for once a minute, not for each
    /// look.
    pub fn size(&mut self) -> Result<Size> {
        let of = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let bytes = of(&self.path) + of(&beside(&self.path, "-wal"));
        self.reading(|database| {
            let number = |sql: sql::Sql| -> std::result::Result<u64, Fault> {
                let found: i64 = sql.prepare(&database.conn)?.query_row([], |row| row.get(0))?;
                Ok(found.unsigned_abs())
            };
            Ok(Size {
                links: number(sql::COUNT_LINKS)?,
                journal: number(sql::JOURNAL_SPAN)?,
                bytes,
            })
        })
    }
}
