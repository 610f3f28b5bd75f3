//! Whether a read may be from before Lockstep's own write (P5a), and what it shows without a value
//! (R5).

use lockstep_model::value::is_empty;
use lockstep_model::{PropIx, ReadRecord, RecordState, Value};

use super::reading::Reading;
use crate::plan::Plan;

/// How a read stands to Lockstep's own last write to the record (P5a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Staleness {
    /// It is from after the write.
    Fresh,
    /// It may be from before: it is looked at again.
    Unsettled,
}

pub(super) fn staleness(
    plan: &Plan,
    reading: Reading,
    state: &RecordState,
    read: &ReadRecord,
) -> Staleness {
    if state.written_at.is_none() {
        return Staleness::Fresh;
    }
    // Where the answer to the write told nothing, the version that is known is the one from before
    // it.
    let told = state.slots.iter().all(|slot| slot.before.is_none());
    // And a listing that Lockstep's own deletion has not reached yet shows that one, too.
    if told && state.is_live() && state.version.is_some() && state.version == read.version {
        return Staleness::Fresh;
    }
    // What was asked for after the write, and after the delay that the system states, is from after
    // the write, whatever time it names: a spreadsheet's column, a clock that steps back.
    if !state.is_just_written(reading.asked, plan.ty(state.ty).settles_ms) {
        return Staleness::Fresh;
    }
    match (read.modified, state.modified) {
        (Some(read), Some(known)) if read > known => Staleness::Fresh,
        _ => Staleness::Unsettled,
    }
}

/// R5: the properties that a record held and that a read shows without a value, each with whether
/// the read tells that it is empty or does not tell of it at all.
pub fn losses(
    plan: &Plan,
    reading: Reading,
    state: &RecordState,
    read: &ReadRecord,
) -> Vec<(PropIx, bool)> {
    if read.deleted || !state.is_live() {
        return vec![];
    }
    let own_id = plan.ty(reading.ty).own_id;
    let lost = |(ix, value): (usize, &Option<Value>)| {
        let slot = &state.slots[ix];
        // No connector tells the id as a property: it is filled in when the record is taken in.
        if own_id == Some(PropIx(ix as u16)) {
            return None;
        }
        let told = match value {
            None => false,
            Some(value) if is_empty(value) => true,
            Some(_) => return None,
        };
        let held = slot.shadow.as_ref().is_some_and(|held| !is_empty(held));
        held.then_some((PropIx(ix as u16), told))
    };
    let lost: Vec<_> = read.values.iter().enumerate().filter_map(lost).collect();
    // What is from before Lockstep's own write, or is what the system made of it, is judged
    // elsewhere (P5a, R6).
    let own =
        state.written_at.is_some() && state.version.is_some() && state.version == read.version;
    match !lost.is_empty() && (own || staleness(plan, reading, state, read) != Staleness::Fresh) {
        true => vec![],
        false => lost,
    }
}

/// Whether a read shows something else than is known.
pub fn differs(state: &RecordState, read: &ReadRecord) -> bool {
    let shown = state.slots.iter().zip(&read.values);
    read.deleted == state.is_live()
        || shown.into_iter().any(|(slot, value)| value.is_some() && slot.shadow != *value)
}
