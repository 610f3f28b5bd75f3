//! Putting together the entities that clear matches connect (L5, L6).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::why::Linking;
use lockstep_model::{EntityId, RecordId, TypeIx};

use super::links::{Linked, Links, Unsettled};
use crate::places::kept_apart;
use crate::plan::Plan;
use crate::slice::Slice;

/// L5, L6: joins what clear matches connect, unless that would put two records of a type into one
/// entity.
pub(crate) fn join(plan: &Plan, slice: &mut Slice, clear: Vec<Linked>, links: &mut Links) {
    for (root, group) in connected(slice, clear) {
        let entities: BTreeSet<EntityId> = group
            .iter()
            .flat_map(|l| [slice.records[&l.a].entity, slice.records[&l.b].entity])
            .collect();
        if let Some(why) = in_the_way(plan, slice, &entities) {
            for linked in group {
                for (me, other) in [(linked.a, linked.b), (linked.b, linked.a)] {
                    let (me, ty) = (&slice.records[&me], slice.records[&other].ty);
                    let unsettled = Unsettled::disputed(me, ty, vec![other], why.clone());
                    links.unsettled.push(unsettled);
                }
            }
            continue;
        }
        let others: Vec<EntityId> = entities.into_iter().filter(|entity| *entity != root).collect();
        links.merged.extend(others.iter().map(|gone| (*gone, root)));
        links
            .moved
            .extend(others.iter().flat_map(|gone| slice.members(*gone)).map(|id| (*id, root)));
        slice.merge(root, &others);
        links.made.extend(group);
    }
}

/// The connected components of entities by these links, each with the entity that stays: the one
/// with the older number, so that the outcome does not depend on the order.
fn connected(slice: &Slice, clear: Vec<Linked>) -> BTreeMap<EntityId, Vec<Linked>> {
    let mut parent: HashMap<EntityId, EntityId> = HashMap::new();
    fn find(parent: &mut HashMap<EntityId, EntityId>, x: EntityId) -> EntityId {
        let mut x = x;
        loop {
            let up = *parent.entry(x).or_insert(x);
            if up == x {
                return x;
            }
            let above = *parent.entry(up).or_insert(up);
            parent.insert(x, above);
            x = above;
        }
    }
    for linked in &clear {
        let (a, b) = (slice.records[&linked.a].entity, slice.records[&linked.b].entity);
        let (a, b) = (find(&mut parent, a), find(&mut parent, b));
        parent.insert(a.max(b), a.min(b));
    }
    let mut groups: BTreeMap<EntityId, Vec<Linked>> = BTreeMap::new();
    for linked in clear {
        let root = find(&mut parent, slice.records[&linked.a].entity);
        groups.entry(root).or_default().push(linked);
    }
    groups
}

/// Why these entities can't be made one.
fn in_the_way(plan: &Plan, slice: &Slice, entities: &BTreeSet<EntityId>) -> Option<Linking> {
    let mut types: HashMap<TypeIx, RecordId> = HashMap::new();
    let mut clash = None;
    for id in entities.iter().flat_map(|entity| slice.members(*entity)) {
        let record = &slice.records[id];
        if record.is_live()
            && !plan.ty(record.ty).merges_duplicates
            && types.insert(record.ty, *id).is_some()
        {
            clash = Some(record.ty);
        }
    }
    if let Some(ty) = clash {
        return Some(Linking::TwoOfAType { of: plan.ty(ty).name.to_string() });
    }
    let apart =
        entities.iter().any(|a| entities.iter().any(|b| a < b && kept_apart(slice, *a, *b)));
    apart.then_some(Linking::KeptApart)
}
