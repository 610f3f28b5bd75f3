//! What the guards (G3) count in a run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::limits::{GuardKind, Limits};
use lockstep_model::{Intent, IntentId, IntentKind, PropIx, TypeIx};
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
    /// In words, with what to do.
    pub message: String,
}

/// How many values of a property are to be changed.
pub(crate) type Values = BTreeMap<(GuardKind, TypeIx, PropIx), u64>;

/// The guards of a run under way.
#[derive(Default)]
pub(crate) struct Guards {
    /// Writes that this run has decided, or found waiting, and that no person has let through.
    pub(crate) planned: HashMap<(usize, IntentKind), u64>,
    /// The same of values of single properties.
    pub(crate) values: Values,
    /// Up to these numbers, intents are let through.
    pub(crate) through: HashMap<(usize, GuardKind), IntentId>,
    /// The last intents that were not counted, as they are of a first run.
    pub(crate) first_runs: HashMap<(usize, GuardKind), IntentId>,
    /// A person has seen what this run writes: nothing of it is counted.
    pub approved: bool,
    /// Guards of writes that have tripped.
    pub(crate) tripped: BTreeSet<(usize, GuardKind)>,
    /// Record types whose last reading is not believed, and by which guard: nothing is written
    /// there.
    pub stopped: BTreeSet<(TypeIx, GuardKind)>,
    /// Record types that have been through a whole run.
    pub(crate) armed: Vec<bool>,
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
}

impl Guards {
    /// A person has said that the next listing of the record type is to be believed, whatever it
    /// lacks and shows.
    pub(crate) fn believes_all_of(&self, ty: TypeIx) -> bool {
        self.believed.contains(&(ty, GuardKind::Vanished))
    }
}

impl Guards {
    /// Whether a guard of single values counts those of this intent: of a first run only what is
    /// emptied, which none does by itself.
    pub(crate) fn counts_value(&self, guard: GuardKind, intent: &Intent) -> bool {
        guard == GuardKind::Clears || self.armed[intent.ty.at()]
    }
}
