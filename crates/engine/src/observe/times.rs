//! When a value counts as put in (P1, P1b).

use lockstep_model::{ReadRecord, Slot, Timestamp};

use super::reading::Reading;
use crate::plan::{Plan, PlanProp};

/// P1: when what a record holds counts as put in, of which nothing was known before. What no system
/// tells is later than nothing, unless the project says that it wins.
pub(super) fn first_told(plan: &Plan, reading: Reading, modified: Option<Timestamp>) -> Timestamp {
    let untold = if plan.ty(reading.ty).untold_wins { reading.untold } else { Timestamp::UNTOLD };
    modified.map_or(untold, |at| at.min(reading.now).max(Timestamp(1)))
}

/// P1: when the system says that a property was put in: by a time of its own, if it has one, else
/// by the record's. One that is empty, or no time, tells nothing.
pub(super) fn told(prop: &PlanProp, read: &ReadRecord, held: &[Slot]) -> Option<Timestamp> {
    let Some(by) = prop.told_by else { return read.modified };
    let time = read.values[by.at()].as_ref().or_else(|| held.get(by.at())?.shadow.as_ref())?;
    Timestamp::read(time).ok().flatten().map(|reported| reported.at)
}

/// P1b: an edit happened between the previous read of its record and this one, by Lockstep's own
/// clock.
pub(super) fn edited_at(reading: Reading, modified: Option<Timestamp>) -> Timestamp {
    let at = modified.unwrap_or(reading.untold).min(reading.now);
    reading.previous.map_or(at, |previous| at.max(previous.min(reading.now)))
}
