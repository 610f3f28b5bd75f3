//! Loading the slice that a decision looks at.

use std::collections::HashMap;

use lockstep_engine::keys::{each_id, lookup_hashes};
use lockstep_engine::plan::MatchProp;
use lockstep_engine::slice::ReadThrough;
use lockstep_engine::{Plan, Slice};
use lockstep_model::matching::reference_hash;
use lockstep_model::{
    EntityId, Intent, IntentId, IntentState, KeyOwner, NumberMap, NumberSet, RecordId, RecordState,
    RunId, Timestamp, TypeIx,
};
use lockstep_store::{Result, Store};

use crate::deciding::elements::elements;
use crate::deciding::members::with_members;

/// L10: what the records that match rows refer to are linked with.
#[derive(Default)]
struct Links {
    entities: HashMap<(TypeIx, String), EntityId>,
    members: HashMap<(EntityId, TypeIx), Vec<String>>,
}

impl Links {
    /// Loads what the match rows of these records refer to.
    fn of(
        plan: &Plan,
        store: &mut dyn Store,
        of: &[RecordId],
        records: &mut NumberMap<RecordId, RecordState>,
        entities: &mut NumberSet<EntityId>,
    ) -> Result<Links> {
        let mut wanted: HashMap<TypeIx, Vec<String>> = HashMap::new();
        for record in of.iter().map(|id| &records[id]) {
            for one in plan
                .ty(record.ty)
                .match_sides
                .iter()
                .flat_map(|side| &side.props)
                .filter(|one| one.reference)
            {
                each_id(record.slot(one.prop).shadow.as_ref(), &mut |id| {
                    for ty in &plan.prop(record.ty, one.prop).refers_to {
                        wanted.entry(*ty).or_default().push(id.to_string());
                    }
                });
            }
        }
        for (ty, mut keys) in wanted {
            keys.sort_unstable();
            keys.dedup();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let found = store.by_key(ty, &keys)?;
            with_members(store, found, records, entities)?;
        }
        let mut links = Links::default();
        for record in records.values().filter(|record| record.is_live()) {
            links.entities.insert((record.ty, record.key.clone()), record.entity);
            links.members.entry((record.entity, record.ty)).or_default().push(record.key.clone());
        }
        Ok(links)
    }

    /// The ids, in a record type, of what is linked with what a property of a record refers to.
    fn counterparts(
        &self,
        plan: &Plan,
        record: &RecordState,
        one: MatchProp,
        ty: TypeIx,
    ) -> Vec<String> {
        let mut found = Vec::new();
        each_id(record.slot(one.prop).shadow.as_ref(), &mut |id| {
            for of in &plan.prop(record.ty, one.prop).refers_to {
                let entity = self.entities.get(&(*of, id.to_string()));
                found.extend(
                    entity
                        .and_then(|entity| self.members.get(&(*entity, ty)))
                        .into_iter()
                        .flatten()
                        .cloned(),
                );
            }
        });
        found
    }
}

/// What is to be found under the hashes that were looked up.
#[derive(Default)]
struct Keys {
    by_hash: NumberMap<u64, Vec<RecordId>>,
    /// The creations whose records will be (C2).
    promises: Vec<(u64, IntentId)>,
}

/// Everything that a decision on `focus` may look at: the records with their entities, their match
/// candidates with theirs, and what they refer to and are referred to by. `reviews` tells that
/// there are reviews at all: a first run does not ask for any, a million times.
#[allow(clippy::too_many_arguments)]
pub fn slice(
    plan: &Plan,
    store: &mut dyn Store,
    focus: Vec<RecordId>,
    through: Vec<ReadThrough>,
    reviews: bool,
    now: Timestamp,
    run: RunId,
) -> Result<Slice> {
    let mut records: NumberMap<RecordId, RecordState> = NumberMap::default();
    records.reserve(focus.len() * 2);
    let mut keys = Keys::default();
    let mut entities: NumberSet<EntityId> = NumberSet::default();

    let first = store.records(&focus)?;
    let mut fresh = with_members(store, first, &mut records, &mut entities)?;
    if plan.has_facets {
        fresh.extend(facets(plan, store, &mut records, &mut entities)?);
    }
    candidates(plan, store, fresh, &mut keys, &mut records, &mut entities)?;
    if plan.has_facets {
        facets(plan, store, &mut records, &mut entities)?;
    }
    if plan.has_references() {
        neighbours(plan, store, &mut keys, &mut records, &mut entities)?;
    }
    let elements = elements(plan, store, &mut records, &mut entities)?;
    let waiting = if plan.decides_in_turn() {
        NumberMap::default()
    } else {
        waiting(store, &focus, &records)?
    };
    let ids: Vec<RecordId> = records.keys().copied().collect();
    let entities: Vec<EntityId> = entities.into_iter().collect();
    let mut slice = Slice::new(now, run, focus, records, through);
    if plan.has_references() || plan.has_facets {
        slice.index_keys(plan);
    }
    slice.by_hash = keys.by_hash;
    slice.by_hash.values_mut().for_each(|ids| ids.sort_unstable());
    slice.elements = elements;
    slice.waiting = waiting;
    slice.apart = store.apart(&ids)?.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]).collect();
    for intent in store.open_intents(&entities)? {
        // An entity may have become part of another since the intent was decided.
        let known = [intent.source.record(), intent.record]
            .into_iter()
            .flatten()
            .find_map(|id| slice.records.get(&id));
        let entity = known.map_or(intent.entity, |known| known.entity);
        slice.intents.entry(entity).or_default().push(intent);
    }
    if plan.types.iter().any(|ty| ty.contested) {
        slice.promised = promised(store, keys.promises)?;
    }
    if reviews {
        slice.reviews = store.open_reviews(&ids)?;
    }
    Ok(slice)
}

/// Loads match candidates, twice: those of what is in focus, and the candidates' own, since a match
/// must be clear from both sides.
fn candidates(
    plan: &Plan,
    store: &mut dyn Store,
    mut fresh: Vec<RecordId>,
    keys: &mut Keys,
    records: &mut NumberMap<RecordId, RecordState>,
    entities: &mut NumberSet<EntityId>,
) -> Result<()> {
    for _ in 0..2 {
        let mut hashes = Vec::new();
        let links = match plan.matches_by_references() {
            true => Links::of(plan, store, &fresh, records, entities)?,
            false => Links::default(),
        };
        let by_links = |record: &RecordState, one: MatchProp, ty: TypeIx| {
            links.counterparts(plan, record, one, ty)
        };
        for id in &fresh {
            let record = &records[id];
            for side in &plan.ty(record.ty).match_sides {
                // A record is its own founder, and may have duplicates all the same (L6).
                let linked =
                    side.other != record.ty && founded_by(records, record.entity, side.other);
                if record.is_live() && (!linked || plan.ty(side.other).merges_duplicates) {
                    lookup_hashes(plan, side, record, &by_links, &mut hashes);
                }
            }
        }
        fresh = by_hashes(store, hashes, keys, records, entities)?;
        if fresh.is_empty() {
            break;
        }
    }
    Ok(())
}

/// The entities for which creations are open, by the match keys that they promise.
fn promised(
    store: &mut dyn Store,
    mut promises: Vec<(u64, IntentId)>,
) -> Result<NumberMap<u64, Vec<EntityId>>> {
    let mut promised: NumberMap<u64, Vec<EntityId>> = NumberMap::default();
    let open = |intent: &Intent| {
        matches!(intent.state, IntentState::Queued | IntentState::Sent | IntentState::Unknown)
    };
    promises.sort_unstable();
    promises.dedup();
    for (hash, intent) in promises {
        if let Some(intent) = store.intent(intent)?.filter(open) {
            promised.entry(hash).or_default().push(intent.entity);
        }
    }
    Ok(promised)
}

/// The records beside the focus that are to be decided on too, with their ranks. What is held waits.
fn waiting(
    store: &mut dyn Store,
    focus: &[RecordId],
    records: &NumberMap<RecordId, RecordState>,
) -> Result<NumberMap<RecordId, u16>> {
    let focus: NumberSet<RecordId> = focus.iter().copied().collect();
    let others: Vec<RecordId> = records.keys().copied().filter(|id| !focus.contains(id)).collect();
    let waiting = store.on_agenda(&others)?.into_iter().filter(|entry| !entry.held);
    Ok(waiting.map(|entry| (entry.record, entry.rank)).collect())
}

/// Whether the entity's founder is of this type. A cheap test that spares most look-ups of records
/// that are linked already; what it misses is looked up for nothing and left out by the core.
fn founded_by(records: &NumberMap<RecordId, RecordState>, entity: EntityId, ty: TypeIx) -> bool {
    records
        .get(&RecordId(entity.0))
        .is_some_and(|founder| founder.ty == ty && founder.entity == entity && founder.is_live())
}

fn by_hashes(
    store: &mut dyn Store,
    mut hashes: Vec<u64>,
    keys: &mut Keys,
    records: &mut NumberMap<RecordId, RecordState>,
    entities: &mut NumberSet<EntityId>,
) -> Result<Vec<RecordId>> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes.retain(|hash| !keys.by_hash.contains_key(hash));
    if hashes.is_empty() {
        return Ok(vec![]);
    }
    let mut ids = Vec::new();
    for (hash, owner) in store.by_hash(&hashes)? {
        match owner {
            KeyOwner::Record(id) => {
                keys.by_hash.entry(hash).or_default().push(id);
                ids.extend((!records.contains_key(&id)).then_some(id));
            }
            KeyOwner::Promise(intent) => keys.promises.push((hash, intent)),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let found = store.records(&ids)?;
    with_members(store, found, records, entities)
}

/// The other facets of all records (F1), with the members of their entities; gives the numbers that
/// are new.
fn facets(
    plan: &Plan,
    store: &mut dyn Store,
    records: &mut NumberMap<RecordId, RecordState>,
    entities: &mut NumberSet<EntityId>,
) -> Result<Vec<RecordId>> {
    let mut wanted: HashMap<TypeIx, Vec<String>> = HashMap::new();
    for record in records.values() {
        for facet in &plan.ty(record.ty).facets {
            wanted.entry(*facet).or_default().push(record.key.clone());
        }
    }
    let mut fresh = Vec::new();
    for (ty, mut keys) in wanted {
        keys.sort_unstable();
        keys.dedup();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found = store.by_key(ty, &keys)?;
        fresh.extend(with_members(store, found, records, entities)?);
    }
    Ok(fresh)
}

/// What the records refer to, and what refers to those on whose connections a creation depends.
fn neighbours(
    plan: &Plan,
    store: &mut dyn Store,
    keys: &mut Keys,
    records: &mut NumberMap<RecordId, RecordState>,
    entities: &mut NumberSet<EntityId>,
) -> Result<()> {
    let mut outgoing: HashMap<TypeIx, Vec<String>> = HashMap::new();
    let mut incoming = Vec::new();
    for record in records.values() {
        for (prop, slot) in plan.ty(record.ty).props.iter().zip(&record.slots) {
            each_id(slot.shadow.as_ref(), &mut |id| {
                for ty in &prop.refers_to {
                    outgoing.entry(*ty).or_default().push(id.to_string());
                }
            });
            // P11: what was taken out of a list is taken out where it is known by another id.
            each_id(slot.displaced.as_deref().filter(|_| prop.each), &mut |id| {
                for ty in &prop.refers_to {
                    outgoing.entry(*ty).or_default().push(id.to_string());
                }
            });
            // The claim may name another record than the shadow: that is what is to be translated.
            each_id(slot.claim.as_ref().map(|claim| &claim.value), &mut |id| {
                for ty in &prop.refers_to {
                    outgoing.entry(*ty).or_default().push(id.to_string());
                }
            });
        }
        if is_connected_type(plan, record.ty) {
            incoming.push(reference_hash(&plan.ty(record.ty).name, &record.key));
        }
    }
    for (ty, mut keys) in outgoing {
        keys.sort_unstable();
        keys.dedup();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found = store.by_key(ty, &keys)?;
        with_members(store, found, records, entities)?;
    }
    by_hashes(store, incoming, keys, records, entities)?;
    Ok(())
}

/// Whether records of this type are created, or let others be created, by what they are connected
/// to (C5).
fn is_connected_type(plan: &Plan, ty: TypeIx) -> bool {
    use lockstep_engine::plan::PlanCreate::ConnectedTo;
    plan.flows.iter().any(
        |flow| matches!(&flow.create, ConnectedTo(types) if flow.from == ty || types.contains(&ty)),
    )
}
