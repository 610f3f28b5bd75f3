//! Looking at records as their systems show them now, without taking anything in: what undoing and
//! auditing compare with.

use std::collections::HashMap;

use lockstep_connector::Trouble;
use lockstep_model::{ReadRecord, RecordId, RecordState};

use crate::reading::reader::Reader;

/// How a record is found now: as read, `None` if it is not there any more.
pub(crate) type Found = std::result::Result<Option<ReadRecord>, Trouble>;

impl Reader<'_> {
    /// Reads these records by their ids, each system in a thread of its own. Once a system can't be
    /// reached, no more is asked of it.
    pub(crate) fn fresh(&self, records: &[RecordState]) -> HashMap<RecordId, Found> {
        let mut by_system: Vec<Vec<&RecordState>> = vec![vec![]; self.systems.len()];
        for record in records {
            by_system[self.ledger.system_of(record.ty)].push(record);
        }
        let watches: Vec<_> = self.ledger.plan.types.iter().map(|ty| ty.watch()).collect();
        let mut found = HashMap::with_capacity(records.len());
        std::thread::scope(|scope| {
            let mut readers = Vec::new();
            for (system, records) in
                by_system.into_iter().enumerate().filter(|(_, records)| !records.is_empty())
            {
                let connector = self.systems[system].connector.clone();
                let (plan, watches) = (&self.ledger.plan, &watches);
                readers.push(scope.spawn(move || {
                    let mut trouble: Option<Trouble> = None;
                    let mut found: Vec<(RecordId, Found)> = Vec::with_capacity(records.len());
                    for record in records {
                        let one = match &trouble {
                            Some(trouble) => Err(trouble.clone()),
                            None => connector.get(
                                &plan.ty(record.ty).name.kind,
                                &watches[record.ty.at()],
                                &record.key,
                            ),
                        };
                        if let Err(now) = &one
                            && !matches!(now, Trouble::Malformed(_))
                        {
                            trouble = Some(now.clone());
                        }
                        found.push((record.id, one.map(|read| read.filter(|read| !read.deleted))));
                    }
                    found
                }));
            }
            for reader in readers {
                found
                    .extend(reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
        });
        found
    }
}

/// What a record shows that is not asked for: nothing beyond what is known of it.
pub(crate) fn nothing_told(record: &RecordState) -> ReadRecord {
    ReadRecord {
        id: record.key.clone(),
        version: None,
        modified: None,
        deleted: false,
        values: vec![None; record.slots.len()],
    }
}

/// The record with the values that it shows now.
pub(crate) fn as_shown(record: &RecordState, read: &ReadRecord) -> RecordState {
    let mut shown = record.clone();
    for (slot, value) in shown.slots.iter_mut().zip(&read.values) {
        // R5: what the record does not tell stays as it was.
        if let Some(value) = value {
            slot.show(value.clone());
        }
    }
    if read.version.is_some() {
        shown.version = read.version.clone();
    }
    shown
}
