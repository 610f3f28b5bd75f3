//! Loading the elements of records that may be deleted (D1).

use lockstep_connector::elements::{ids_begin, stand_in};
use lockstep_engine::Plan;
use lockstep_model::{EntityId, NumberMap, NumberSet, Presence, RecordId, RecordState, TypeIx};
use lockstep_store::{Result, Store};

use crate::deciding::members::with_members;

/// Page size when the elements of a record are loaded.
const ELEMENTS_AT_ONCE: usize = 64;

/// D1: the elements of records that may be deleted as another of their entity was, with the members
/// of their entities: who is edited does not go with the record that it stands in.
pub(super) fn elements(
    plan: &Plan,
    store: &mut dyn Store,
    records: &mut NumberMap<RecordId, RecordState>,
    entities: &mut NumberSet<EntityId>,
) -> Result<NumberMap<RecordId, Vec<RecordId>>> {
    let mut found: NumberMap<RecordId, Vec<RecordId>> = NumberMap::default();
    let leaving: NumberSet<EntityId> = records
        .values()
        .filter(|record| matches!(record.presence, Presence::Leaving { .. }))
        .map(|record| record.entity)
        .collect();
    if leaving.is_empty() {
        return Ok(found);
    }
    let parents: Vec<(RecordId, TypeIx, String)> = records
        .values()
        .filter(|record| record.is_live() && leaving.contains(&record.entity))
        .map(|record| (record.id, record.ty, record.key.clone()))
        .collect();
    for (parent, ty, key) in parents {
        let name = &plan.ty(ty).name;
        let begin = ids_begin(&name.kind, &key);
        for (at, of) in plan.types.iter().enumerate() {
            if of.name.system != name.system || !stand_in(&of.name.kind, &name.kind) {
                continue;
            }
            let ids = live_below(store, TypeIx(at as u16), &begin)?;
            let elements = store.records(&ids)?;
            with_members(store, elements, records, entities)?;
            found.entry(parent).or_default().extend(ids);
        }
    }
    Ok(found)
}

/// The live records of a type whose ids begin so.
fn live_below(store: &mut dyn Store, ty: TypeIx, begin: &str) -> Result<Vec<RecordId>> {
    let (mut after, mut ids) = (begin.to_string(), Vec::new());
    loop {
        let page = store.live_keys(ty, Some(&after), ELEMENTS_AT_ONCE)?;
        let known = ids.len();
        ids.extend(page.iter().take_while(|(key, _)| key.starts_with(begin)).map(|(_, id)| *id));
        match page.last() {
            Some((last, _)) if ids.len() - known == ELEMENTS_AT_ONCE => after.clone_from(last),
            _ => return Ok(ids),
        }
    }
}
