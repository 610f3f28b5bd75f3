//! Loading the members of entities.

use std::collections::hash_map::Entry;

use lockstep_model::{EntityId, NumberMap, NumberSet, RecordId, RecordState};
use lockstep_store::{Result, Store};

/// Adds records and all members of their entities; gives the numbers that are new.
pub(super) fn with_members(
    store: &mut dyn Store,
    found: Vec<RecordState>,
    records: &mut NumberMap<RecordId, RecordState>,
    entities: &mut NumberSet<EntityId>,
) -> Result<Vec<RecordId>> {
    let mut fresh = Vec::with_capacity(found.len());
    let mut wanted = Vec::new();
    let mut take = |record: RecordState, fresh: &mut Vec<RecordId>| {
        if let Entry::Vacant(place) = records.entry(record.id) {
            fresh.push(record.id);
            place.insert(record);
        }
    };
    for record in found {
        if entities.insert(record.entity) {
            wanted.push(record.entity);
        }
        take(record, &mut fresh);
    }
    for record in store.members_except_founder(&wanted)? {
        take(record, &mut fresh);
    }
    // Most entities began with a record that is here already.
    let began: Vec<RecordId> = wanted
        .iter()
        .map(|entity| RecordId(entity.0))
        .filter(|id| !records.contains_key(id))
        .collect();
    if !began.is_empty() {
        for record in store.records(&began)? {
            // It may have gone to another entity since.
            if entities.contains(&record.entity)
                && let Entry::Vacant(place) = records.entry(record.id)
            {
                fresh.push(record.id);
                place.insert(record);
            }
        }
    }
    Ok(fresh)
}
