//! Who has a place in an entity, and which entities a person keeps apart (L4, L6, L7).

use lockstep_model::{EntityId, RecordId, RecordState, TypeIx};

use crate::plan::Plan;
use crate::slice::Slice;

/// Whether the record's entity has another live record of this type already, where it may have only
/// one.
pub fn occupied(plan: &Plan, slice: &Slice, record: &RecordState, ty: TypeIx) -> bool {
    // A record does not stand in its own way: of its own type it may have duplicates (L6).
    let another = |holder: RecordId| holder != record.id;
    !plan.ty(ty).merges_duplicates && holder(slice, record.entity, ty).is_some_and(another)
}

/// The live record of this type that an entity has.
pub fn holder(slice: &Slice, entity: EntityId, ty: TypeIx) -> Option<RecordId> {
    slice
        .members(entity)
        .iter()
        .copied()
        .find(|id| slice.records.get(id).is_some_and(|r| r.ty == ty && r.is_live()))
}

/// Whether the entity has, or had, a record of this type: then no counterpart is made there, or it
/// was made before.
pub fn holder_or_gone(slice: &Slice, entity: EntityId, ty: TypeIx) -> bool {
    slice
        .members(entity)
        .iter()
        .any(|id| slice.records.get(id).is_some_and(|record| record.ty == ty))
}

/// L7: what a person unlinked is not linked again by a rule.
pub fn kept_apart(slice: &Slice, a: EntityId, b: EntityId) -> bool {
    !slice.apart.is_empty()
        && slice
            .members(a)
            .iter()
            .any(|x| slice.members(b).iter().any(|y| slice.apart.contains(&(*x, *y))))
}
