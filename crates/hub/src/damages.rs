//! What could not be read (R8), and what is to be concluded from that.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use lockstep_connector::RecordFault;
use lockstep_model::{Remedy, TypeIx};
use lockstep_store::IntentUpdate;
use serde::{Deserialize, Serialize};

/// Maximum number of damages reported one by one for a record type.
pub(crate) const MOST_TOLD: usize = 20;

/// What is damaged in a record type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Damage {
    /// When a run first met with it, in milliseconds since 1970.
    pub(crate) since: i64,
    /// The whole record type can't be read: it is neither read nor written.
    pub(crate) stops: bool,
    /// Some record can't be read that nobody knows: it may be the counterpart of any.
    pub(crate) stranger: bool,
    pub(crate) faults: Vec<Fault>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) place: String,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The record itself was read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) part: bool,
}

impl From<RecordFault> for Fault {
    fn from(fault: RecordFault) -> Fault {
        Fault { place: fault.place, message: fault.message, id: fault.id, part: fault.part }
    }
}

/// The damages as a run under way knows them.
#[derive(Default)]
pub(crate) struct Damages {
    pub(crate) types: BTreeMap<TypeIx, Damage>,
    /// What this run has told.
    pub(crate) told: HashSet<(String, String)>,
    /// Systems that were asked for something.
    pub asked: BTreeSet<usize>,
    /// Writes that wait for their record to be mended, as they are to stand for the next run.
    pub waiting: Vec<IntentUpdate>,
}

impl Damages {
    /// Something of the record type could not be read.
    pub fn known(&self, ty: TypeIx) -> bool {
        self.types.contains_key(&ty)
    }

    /// Nothing is read of the record type, and nothing written to it.
    pub fn stops(&self, ty: TypeIx) -> bool {
        self.types.get(&ty).is_some_and(|damage| damage.stops)
    }

    /// L8: what has been read of a record type is not all there is: nothing is created there that
    /// could be there.
    pub fn hides_records(&self, ty: TypeIx) -> bool {
        self.types.get(&ty).is_some_and(|damage| damage.stops || damage.stranger)
    }

    /// The record is left alone.
    pub fn leaves_alone(&self, ty: TypeIx, key: &str) -> bool {
        self.types.get(&ty).is_some_and(|damage| {
            damage.faults.iter().any(|fault| !fault.part && fault.id.as_deref() == Some(key))
        })
    }
}

/// What can't be read of a record type, for `status`.
#[derive(Clone, Debug, Serialize)]
pub struct DamageLine {
    pub record_type: String,
    pub since: String,
    /// Nothing is read of the record type, and nothing written to it.
    pub stops: bool,
    pub place: String,
    pub message: String,
}

/// Why a system could not be worked with, for `status`.
#[derive(Clone, Debug, Serialize)]
pub struct TroubleLine {
    pub system: String,
    pub since: String,
    pub message: String,
    /// What a person can do about it.
    pub remedies: Vec<Remedy>,
}
