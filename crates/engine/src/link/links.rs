//! What linking finds: the links made, and the matches that a person must decide.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::why::Linking;
use lockstep_model::{EntityId, RecordId, RecordState, ReviewKind, Rule, TypeIx};

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub a: RecordId,
    pub b: RecordId,
    /// The match rule that found it.
    pub rule: usize,
}

/// A match that a person must decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    pub record: RecordId,
    /// The record type that it matches in.
    pub ty: TypeIx,
    pub kind: ReviewKind,
    pub candidates: Vec<RecordId>,
    pub why: Linking,
    /// The question is asked of another record of the same type, for both (L6).
    pub asked_of: Option<RecordId>,
    /// The candidates are records of its own type.
    pub alike: bool,
}

impl Unsettled {
    /// Several records match; none is preferred.
    pub(super) fn ambiguous(
        record: &RecordState,
        ty: TypeIx,
        candidates: Vec<RecordId>,
        why: Linking,
    ) -> Self {
        let (kind, record) = (ReviewKind::AmbiguousMatch, record.id);
        Unsettled { record, ty, kind, candidates, why, asked_of: None, alike: false }
    }

    /// One matches, and a link is in the way.
    pub(super) fn disputed(
        record: &RecordState,
        ty: TypeIx,
        candidates: Vec<RecordId>,
        why: Linking,
    ) -> Self {
        let kind = ReviewKind::DisputedEntity;
        Unsettled { kind, ..Unsettled::ambiguous(record, ty, candidates, why) }
    }

    /// The rule that is in the way.
    pub fn rule(&self) -> Rule {
        Rule::L6
    }
}

/// What linking found.
#[derive(Debug, Default)]
pub struct Links {
    pub made: Vec<Linked>,
    pub unsettled: Vec<Unsettled>,
    /// Entities that went into others: (gone, into).
    pub merged: Vec<(EntityId, EntityId)>,
    /// The records that have come into another entity by that.
    pub moved: Vec<(RecordId, EntityId)>,
    /// Entities with members whose own matches have not been looked at: nothing can be decided for
    /// them before that (L6, L8).
    pub half_seen: BTreeSet<EntityId>,
}

/// For each record and record type, who matches it there, and by which rule.
pub(super) type Candidates = BTreeMap<(RecordId, TypeIx), BTreeMap<RecordId, usize>>;
