//! A record that is not there any more (D1, R3, R9).

use lockstep_model::{Presence, RecordId, RecordState, Timestamp};

use crate::deletes::passes_deletions;
use crate::keys::hashes;
use crate::plan::Plan;

/// R9: by what a record is known whose key belongs to another one now.
pub fn retired_key(state: &RecordState) -> String {
    format!("{}~{}", state.key, state.id)
}

/// D1, R3: a record that is not there any more. Its match keys go, its place in its entity stays.
/// `seen` is when it was last known to be there: when the previous reading of its record type
/// began.
pub fn mark_gone(
    plan: &Plan,
    state: &mut RecordState,
    seen: Option<Timestamp>,
) -> Vec<(u64, RecordId)> {
    let keys = hashes(plan, state).into_iter().map(|hash| (hash, state.id)).collect();
    leave(plan, state, seen);
    keys
}

pub(super) fn leave(plan: &Plan, state: &mut RecordState, seen: Option<Timestamp>) {
    let since = seen.unwrap_or(state.first_seen);
    state.presence =
        if passes_deletions(plan, state.ty) { Presence::Leaving { since } } else { Presence::Gone };
}
