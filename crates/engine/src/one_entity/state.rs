//! What a decision on one entity looks at, and what it adds to the decision on the batch.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::{
    EntityId, NumberMap, NumberSet, PropIx, RecordId, RecordState, Review, TypeIx, Value,
};

use crate::decision::Decision;
use crate::link::Links;
use crate::plan::Plan;
use crate::slice::Slice;

/// The decision on one entity, and what it adds to the batch's.
pub(crate) struct OneEntity<'a> {
    pub plan: &'a Plan,
    pub slice: &'a Slice,
    pub links: &'a Links,
    /// Under which hashes the records will be found that this decision has created, with the
    /// entity.
    pub promised: &'a mut NumberMap<u64, EntityId>,
    /// Whom each record has just been linked with.
    pub linked_with: &'a NumberMap<RecordId, Vec<RecordId>>,
    /// The first match of a record in a record type that is not settled, by its place.
    pub unsettled: &'a BTreeMap<(RecordId, TypeIx), usize>,
    pub focus: &'a NumberSet<RecordId>,
    /// The creations of this batch in collections with facets (F2).
    pub creating: &'a mut BTreeSet<(EntityId, TypeIx)>,
    pub out: &'a mut Decision,
    pub reviews: &'a mut Vec<Review>,
    pub picks: &'a mut Vec<(RecordId, PropIx, Value)>,
    pub calmed: &'a mut Vec<(RecordId, PropIx)>,
}

impl OneEntity<'_> {
    /// R9: whether a person must say first whose record it is; nothing is written to it, deleted or
    /// created from it until then.
    pub(super) fn is_doubted(&self, record: &RecordState) -> bool {
        self.slice.is_doubted(record.id)
    }
}
