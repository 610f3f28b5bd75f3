//! What the guards (G3) count in a run.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::guard::Tally;
use lockstep_model::limits::{GuardKind, Limits};
use lockstep_model::{Remedy, Review, ReviewKind, TypeIx, Why};
use serde::{Deserialize, Serialize};

/// Where a system does not tell of deletions, everything is listed this often unless the project
/// says otherwise (R3).
pub const FULL_SCAN_MS: i64 = 24 * 3_600_000;

/// What a project sets of guards.
#[derive(Clone, Debug, Default)]
pub struct Safeguards {
    /// By system; the defaults for those that are not named.
    pub limits: BTreeMap<String, Limits>,
    /// By record type, `system.Type`: how often everything is listed, in milliseconds.
    pub full_scans_ms: BTreeMap<String, i64>,
}

/// A guard that has tripped, or would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrippedGuard {
    pub system: String,
    /// `creates`, `updates`, `deletes`, `vanished`, `lost`, `clears`, `match_values`
    pub guard: String,
    /// The record type, for a listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_type: Option<String>,
    /// What it has counted, or seen.
    pub why: Why,
    /// What a person can do.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
}

/// What a person can do about a guard that has tripped; `of_account`: it says that a system is
/// another account (R9).
pub(crate) fn remedies(system: &str, guard: GuardKind, of_account: bool) -> Vec<Remedy> {
    let system = system.to_string();
    match guard {
        _ if of_account => vec![Remedy::SameAccount { system }],
        GuardKind::Vanished => vec![Remedy::Believe { system, guard: None }],
        GuardKind::Lost => {
            vec![Remedy::Believe { system, guard: Some(guard.name().into()) }]
        }
        GuardKind::Creates
        | GuardKind::Updates
        | GuardKind::Deletes
        | GuardKind::Clears
        | GuardKind::MatchValues => {
            let guard = guard.name().to_string();
            vec![Remedy::LookAtPlan, Remedy::LetThrough { system, guard }]
        }
    }
}

/// What a person can do about what a review asks: of a guard it can be told from that alone.
pub(crate) fn remedies_of(review: &Review, system: &str) -> Vec<Remedy> {
    let guard = review.about.guard().filter(|_| review.kind == ReviewKind::Guard);
    guard.map_or_else(Vec::new, |guard| remedies(system, guard, review.value["guard"] == "account"))
}

/// The guards of a run under way.
#[derive(Default)]
pub(crate) struct Guards {
    /// What this run has decided, or found waiting, and no person has let through.
    pub(crate) tally: Tally,
    /// A person has seen what this run writes: nothing of it is counted.
    pub approved: bool,
    /// Guards of writes that have tripped.
    pub(crate) tripped: BTreeSet<(usize, GuardKind)>,
    /// Record types whose last reading is not believed, and by which guard: nothing is written
    /// there.
    pub stopped: BTreeSet<(TypeIx, GuardKind)>,
    /// How many records of a system were known when the run began.
    pub(crate) known: Vec<u64>,
    /// Record types of which everything is to be listed in this run (R3).
    pub full: BTreeSet<TypeIx>,
    /// Record types whose next reading is believed whatever a guard says.
    pub believed: BTreeSet<(TypeIx, GuardKind)>,
}

impl Guards {
    /// Nothing is written to the record type.
    pub(crate) fn stops(&self, ty: TypeIx) -> bool {
        self.stopped.iter().any(|(stopped, _)| *stopped == ty)
    }

    /// A person has said that the next listing of the record type is to be believed, whatever it
    /// lacks and shows.
    pub(crate) fn believes_all_of(&self, ty: TypeIx) -> bool {
        self.believed.contains(&(ty, GuardKind::Vanished))
    }
}
