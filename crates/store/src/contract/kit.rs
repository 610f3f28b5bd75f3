//! What the checks have in common.

use lockstep_model::{Intent, RecordState};

use crate::{Commit, Leased};

pub(super) fn commit_records(store: &mut Leased, records: Vec<RecordState>) {
    store.commit(Commit { new_records: records, ..Commit::default() }).unwrap();
}

pub(super) fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

pub(super) fn numbers(records: Vec<RecordState>) -> Vec<i64> {
    sorted(records.into_iter().map(|record| record.id.0).collect())
}

pub(super) fn ids(intents: Vec<Intent>) -> Vec<i64> {
    intents.into_iter().map(|intent| intent.id.0).collect()
}
