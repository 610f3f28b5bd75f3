//! What a run did, counted, and where its time went.

use std::collections::BTreeMap;
use std::time::Duration;

use lockstep_model::{Remedy, Why};
use serde::{Deserialize, Serialize};

/// A flow's part of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowCounts {
    pub flow: String,
    /// Records looked at in this run, by situation (L9).
    pub situations: BTreeMap<String, u64>,
    pub linked: u64,
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    /// Records that need a person.
    pub review: u64,
    /// Why records have no counterpart, with how many there are of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<WhyCount>,
    /// Rows that can't be kept, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows_not_kept: Vec<String>,
}

/// How many records have no counterpart for a reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhyCount {
    pub why: Why,
    pub records: u64,
}

/// A system's part of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SystemCounts {
    pub system: String,
    pub read: u64,
    pub edits: u64,
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    pub refused: u64,
    /// What was asked of it, where it is asked over a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// Why it was left alone, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// What a person can do about that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
    /// The trouble is that it could not be reached (exit status 3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreachable: bool,
}

/// The requests of a run to one system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    pub sent: u64,
    /// Refused by the system as too many.
    pub refused: u64,
    /// How long they were held back for the system's rate, all together.
    pub waited_ms: u64,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    pub waiting_for_systems_ms: u64,
    pub observing_ms: u64,
    pub loading_ms: u64,
    pub deciding_ms: u64,
    pub storing_ms: u64,
    pub delivering_ms: u64,
}

/// A record type that records are known of, and that no flow names any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unnamed {
    pub name: String,
    pub records: u64,
}

/// Adds the time that `work` takes to a share.
pub fn timed<T>(share: &mut u64, work: impl FnOnce() -> T) -> T {
    let began = std::time::Instant::now();
    let result = work();
    *share += millis(began.elapsed());
    result
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
