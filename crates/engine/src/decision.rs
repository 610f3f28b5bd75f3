//! What comes of deciding on a slice: what is to be remembered, what is to be written, and what is
//! told of it.

use std::collections::BTreeSet;

use lockstep_model::{
    EntityId, FlowIx, Intent, IntentId, RecordId, RecordState, Review, Rule, Situation, TypeIx, Why,
};

use crate::deletes::Departure;
use crate::link::Linked;

/// What was found for a record by a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub flow: FlowIx,
    pub record: RecordId,
    pub situation: Situation,
    /// Why, where the situation does not say it.
    pub why: Option<Why>,
}

/// A record for which nothing is created yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub flow: FlowIx,
    pub record: RecordId,
    pub rule: Rule,
    pub why: Why,
}

impl Held {
    /// What it waits for is decided by the next reading or the next answer; nobody need be told.
    pub fn comes_by_itself(&self) -> bool {
        matches!(self.rule, Rule::L8 | Rule::C2)
    }
}

/// The outcome of deciding on a slice.
#[derive(Debug, Default)]
pub struct Decision {
    /// Records whose state changed (claims settled); whole.
    pub changed: Vec<RecordState>,
    /// Records of which only the entity changed.
    pub relinked: Vec<(RecordId, EntityId)>,
    pub linked: Vec<Linked>,
    /// Entities that went into others: (gone, into).
    pub merged: Vec<(EntityId, EntityId)>,
    /// New intents; their numbers are still to be given.
    pub intents: Vec<Intent>,
    /// Under which hashes the records will be found that new creations make, with the place of the
    /// intent (C2).
    pub promised: Vec<(u64, usize)>,
    /// Creations whose answer was lost, with the record that each has made after all (C2).
    pub confirmed: Vec<(IntentId, RecordId)>,
    /// Open intents that are not needed any more.
    pub dropped: Vec<IntentId>,
    /// Open intents whose entity has become part of another.
    pub moved: Vec<(IntentId, EntityId)>,
    pub reviews_opened: Vec<Review>,
    pub reviews_closed: Vec<Review>,
    pub findings: Vec<Finding>,
    pub held: Vec<Held>,
    /// Creations that have been tried and that are held now, with the records that they are made
    /// from: they keep what is known of their tries (G4), and are not sent before they are decided
    /// on again.
    pub held_back: Vec<(IntentId, Option<RecordId>)>,
    /// Records without a counterpart that wait to be deleted, or asked about: each run decides on
    /// them again (D1).
    pub extra_held: BTreeSet<RecordId>,
    /// Record types that must be read again before what is held can be decided (L8).
    pub reread: BTreeSet<TypeIx>,
    /// Records to decide on anew: what they are connected to has changed (C5).
    pub agenda: BTreeSet<RecordId>,
    /// Hashes under which records are found that refer to what has been linked (P8).
    pub wake: BTreeSet<u64>,
    /// Records that came to hold another value of what they refer to, with the hashes by which they
    /// were found before.
    pub followed: Vec<(RecordId, Vec<u64>)>,
    /// Records that were kept though a flow passes deletions on (D1).
    pub kept: Vec<Departure>,
    /// Deleted records about which nothing is left to do (D1); they are among `changed`.
    pub settled: Vec<RecordId>,
    /// Records that waited to be decided on and have been, with those in focus; and the ranks that
    /// they waited with.
    pub along: Vec<(u16, RecordId)>,
}

/// What refers to others is deleted before them, and all of it after everything else.
pub fn delete_rank(send_rank: u16) -> u16 {
    0x3fff - send_rank.min(0x1fff)
}
