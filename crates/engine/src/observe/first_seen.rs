//! A record that is read for the first time, or as another facet (F1).

use lockstep_model::value::{effective, is_empty};
use lockstep_model::{
    Claim, EntityId, Presence, ReadRecord, RecordId, RecordState, Slot, Timestamp, TypeIx, Value,
};

use super::reading::{Looks, Reading};
use super::times::{first_told, told};
use crate::plan::Plan;

pub(super) fn first_seen(
    plan: &Plan,
    reading: Reading,
    id: RecordId,
    read: ReadRecord,
) -> RecordState {
    let of_record = first_told(plan, reading, read.modified);
    let props = &plan.ty(reading.ty).props;
    let times: Vec<(usize, Timestamp)> = props
        .iter()
        .enumerate()
        .filter(|(_, prop)| prop.told_by.is_some())
        .map(|(at, prop)| (at, first_told(plan, reading, told(prop, &read, &[]))))
        .collect();
    // Of what belongs to other records nothing is read.
    let values = read.values.into_iter().chain(std::iter::repeat(None));
    let slots = values
        .zip(props)
        .enumerate()
        .map(|(ix, (value, prop))| {
            let at = times.iter().find(|(at, _)| *at == ix).map_or(of_record, |(_, own)| *own);
            let claim = value
                .as_ref()
                .filter(|_| prop.paired)
                .map(|v| effective(v, prop.whole))
                .filter(|v| !is_empty(v));
            let claim = claim.map(|value| Claim { value: value.clone(), at, goes: vec![] });
            let displaced =
                (claim.is_some() && prop.fans && !prop.each).then(|| Box::new(Value::Null));
            Slot { shadow: value, claim, displaced, ..Slot::default() }
        })
        .collect();
    RecordState {
        id,
        ty: reading.ty,
        key: read.id,
        entity: EntityId(id.0),
        version: read.version,
        modified: read.modified,
        first_seen: reading.now,
        presence: Presence::Live,
        written_at: None,
        slots,
    }
}

/// F1: another facet of a record that has been read as one facet only, as if it had been read at
/// the same time.
pub fn read_as(plan: &Plan, record: &RecordState, ty: TypeIx, id: RecordId) -> RecordState {
    let reading = Reading {
        ty,
        now: record.first_seen,
        asked: record.first_seen,
        untold: record.first_seen,
        previous: None,
        first_id: id,
        looks: Looks::ForChanges,
        reindex: false,
    };
    let read = ReadRecord {
        id: record.key.clone(),
        version: record.version.clone(),
        modified: record.modified,
        deleted: false,
        values: record.slots.iter().map(|slot| slot.shadow.clone()).collect(),
    };
    RecordState { presence: record.presence, ..first_seen(plan, reading, id, read) }
}
