//! Which element of a list stands for its property (P9), where it need not be the first.
//!
//! A record that is found by the second of its e-mail addresses (L3) is kept equal by that one, or
//! the first would be written over an address that it never had to do with. And a value that a list
//! holds already, at whatever place, need not be written into it again.

use lockstep_model::matching::{Compared, meet};
use lockstep_model::{PropIx, RecordId, Timestamp, Value};

use crate::elements::elements;
use crate::plan::Plan;
use crate::settle::{Entity, carried_to};

/// Picks for records that have just been put together: `(record, property, element)`, where another
/// element than the first one is what the others hold.
pub fn at_linking(
    plan: &Plan,
    now: Timestamp,
    entity: &Entity<'_>,
) -> Vec<(RecordId, PropIx, Value)> {
    let mut picks = Vec::new();
    let records = &entity.records;
    for record in records.iter().filter(|record| record.is_live()) {
        for (ix, slot) in record.slots.iter().enumerate() {
            let prop = PropIx(ix as u16);
            // Mostly there is no list: every slot of what is linked comes by here.
            if !matches!(slot.shadow, Some(Value::Array(_))) {
                continue;
            }
            let described = plan.prop(record.ty, prop);
            let mine = elements(slot.shadow.as_ref(), described.whole);
            if mine.len() < 2 || slot.pick.is_some() || !described.paired {
                continue;
            }
            // Places are compared as a sum, so that two lists come to the same pair, whichever is
            // looked at first.
            let mut best: Option<(usize, usize, usize)> = None;
            for bearing in entity
                .bearings(plan, record.ty, prop)
                .iter()
                .filter(|bearing| !bearing.reference && !bearing.fills)
            {
                for other in records
                    .iter()
                    .filter(|other| other.ty == bearing.other && other.id != record.id)
                {
                    let theirs = other.slot(bearing.theirs);
                    let whole = plan.prop(other.ty, bearing.theirs).whole;
                    let held = match &theirs.pick {
                        Some(_) => vec![theirs.value(whole)],
                        None => elements(theirs.shadow.as_ref(), whole),
                    };
                    for (at, value) in held.into_iter().enumerate() {
                        let from = (other.ty, bearing.theirs);
                        let here = (record.ty, prop);
                        let Some(value) = carried_to(plan, now, entity, from, here, value) else {
                            continue;
                        };
                        let [theirs, ours] = bearing.terms.by;
                        let is_it = |element: &&Value| {
                            let (value, element) =
                                (Compared::by(&value, theirs), Compared::by(element, ours));
                            meet(value, element, &plan.placeholders)
                        };
                        let Some(place) = mine.iter().position(is_it) else { continue };
                        let tie = if record.id < other.id { place } else { at };
                        best = best.into_iter().chain([(place + at, tie, place)]).min();
                    }
                }
            }
            if let Some((_, _, place)) = best.filter(|(_, _, place)| *place > 0) {
                picks.push((record.id, prop, mine[place].clone()));
            }
        }
    }
    picks
}
