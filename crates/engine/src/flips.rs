//! P5: a property that keeps flipping is stopped and goes to review.
//!
//! What two records hold is a pure function of what was put into them, so Lockstep alone goes round
//! in no circle. It takes somebody who edits a property back each time that Lockstep has written
//! it: a system's own automation, another hub between the same systems, two people who do not know
//! of each other. From the values alone an automation can't be told from a person; what gives it
//! away is that it answers at once, with the same value again and again. So each property keeps,
//! beside its claim, how many of its last edits came right after a write of Lockstep's. That is
//! counted when an edit is seen over such a write, which is rare; a record that does not change
//! costs nothing, and nothing is looked up.
//!
//! What keeps flipping is written no more, in no record of the entity, until a person says which
//! side is right, or all come to hold the same. What was put in meanwhile is remembered as ever.

use lockstep_model::value::equal;
use lockstep_model::{Flips, PropIx, RecordId, RecordState, Slot, Timestamp, Value};

use crate::plan::Plan;
use crate::settle::Entity;

/// That often in a row the same value is put back before it is stopped.
pub const SAME_VALUE: u32 = 3;
/// That often in a row any value is put over what was written, before it is stopped.
pub const ANY_VALUE: u32 = 8;
/// What is edited within this time after a write was edited at once, however often the record is
/// read.
const AT_ONCE_MS: i64 = 60 * 60 * 1000;

/// Whether these are so many that nothing more is written.
pub fn keeps_flipping(slot: &Slot) -> bool {
    slot.flips.as_ref().is_some_and(|flips| flips.times >= SAME_VALUE || flips.rounds >= ANY_VALUE)
}

/// The count after an edit has put `new` into a property. `now` is when it was seen, `previous`
/// when the record type was read before that.
pub fn after_edit(
    slot: &mut Slot,
    written_at: Option<Timestamp>,
    previous: Option<Timestamp>,
    now: Timestamp,
    new: &Value,
) -> Option<Box<Flips>> {
    let before = slot.flips.take();
    // What waits for a person waits for a person.
    if before.as_ref().is_some_and(|flips| flips.times >= SAME_VALUE || flips.rounds >= ANY_VALUE) {
        return before;
    }
    let at_once = |written: Timestamp| {
        previous.is_none_or(|previous| previous <= written) || now < written.plus_ms(AT_ONCE_MS)
    };
    // What Lockstep wrote is what is carried; over a value of somebody else's an edit is just an
    // edit.
    if slot.carries.is_none() || !written_at.is_some_and(at_once) {
        return None;
    }
    let mut flips =
        before.unwrap_or_else(|| Box::new(Flips { to: Value::Null, times: 0, rounds: 0 }));
    flips.times = if equal(&flips.to, new) { flips.times + 1 } else { 1 };
    flips.rounds += 1;
    flips.to = new.clone();
    Some(flips)
}

/// The properties that are kept equal with this one in an entity, itself among them; by record and
/// place, in order.
pub fn together<'a>(
    plan: &'a Plan,
    entity: &Entity<'a>,
    record: &RecordState,
    prop: PropIx,
) -> Vec<(RecordId, PropIx)> {
    let bearings = entity.bearings(plan, record.ty, prop);
    let theirs = entity.records.iter().filter(|other| other.id != record.id).flat_map(|other| {
        bearings
            .iter()
            .filter(|bearing| bearing.other == other.ty && !bearing.fills)
            .map(|bearing| (other.id, bearing.theirs))
    });
    let mut all: Vec<(RecordId, PropIx)> = theirs.chain([(record.id, prop)]).collect();
    all.sort_unstable();
    all
}

/// The one of those that keeps flipping; of several the first.
pub fn flipping<'a>(
    plan: &'a Plan,
    entity: &Entity<'a>,
    record: &RecordState,
    prop: PropIx,
) -> Option<(&'a RecordState, PropIx)> {
    let any = |record: &&&RecordState| record.slots.iter().any(|slot| slot.flips.is_some());
    entity.records.iter().find(any)?;
    together(plan, entity, record, prop).into_iter().find_map(|(id, prop)| {
        let record = entity.records.iter().find(|record| record.id == id)?;
        keeps_flipping(record.slot(prop)).then_some((*record, prop))
    })
}
