//! The plan's record types, as they are found on disk.

use lockstep_model::Timestamp;
use rusqlite::OptionalExtension;

use super::bound::{Bound, KnownType};
use super::database::Database;
use super::fault::Fallible;
use super::statements;
use crate::{BoundType, TypeStatus};

impl Database {
    pub(super) fn bind(&mut self, types: &[BoundType]) -> Fallible<Vec<TypeStatus>> {
        let mut known = Vec::with_capacity(types.len());
        let mut status = Vec::with_capacity(types.len());
        for ty in types {
            let name = ty.name.to_string();
            let found = statements::TYPE_BY_NAME
                .prepare(&self.conn)?
                .query_row([&name], stored_type)
                .optional()?;
            let (row, stored) = match found {
                Some(found) => found,
                None => {
                    let row = match self.read_only {
                        true => 0,
                        false => statements::NEW_TYPE
                            .prepare(&self.conn)?
                            .insert((&name, ty.fingerprint as i64))?,
                    };
                    (row, TypeStatus { fingerprint: ty.fingerprint, ..TypeStatus::default() })
                }
            };
            known.push(KnownType::new(row, ty));
            status.push(stored);
        }
        self.bound = Bound::new(known);
        Ok(status)
    }
}

fn stored_type(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, TypeStatus)> {
    let text: Option<String> = row.get(1)?;
    let bytes: Option<Vec<u8>> = row.get(2)?;
    let status = TypeStatus {
        checkpoint: text.map(|text| (text, bytes.unwrap_or_default())),
        complete: row.get(3)?,
        read_from: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        reading_since: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        fingerprint: row.get::<_, i64>(6)? as u64,
        records: row.get::<_, Option<i64>>(7)?.unwrap_or(0) as u64,
    };
    Ok((row.get(0)?, status))
}
