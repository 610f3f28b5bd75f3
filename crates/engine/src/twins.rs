//! C2: what a store that was restored from a backup does not know. Records that it had created
//! after the backup look new to it, and so may those that they were made from. Where match values
//! find them they are linked; records without any would be created once more, in both directions.
//! So of two records that nothing identifies, that are both new since the last run, and that hold
//! the same, a person is asked whether they are one: also where it was two people who entered the
//! same.

use std::collections::{BTreeMap, HashSet};

use lockstep_model::{Intent, RecordId, RecordState, Timestamp, TypeIx};

use crate::identity::{has_match_values, look_alike};
use crate::plan::{Plan, PlanCreate};
use crate::recover::holds_all;

/// More pairs than this are not compared in one run: a load of that size is no backup's gap.
const MOST_PAIRS: usize = 1_000_000;

/// New records without a match value, by record type.
pub type Nameless = BTreeMap<TypeIx, Vec<RecordState>>;

/// Records that a person keeps apart (L7), the lower number first.
pub type Apart = HashSet<(RecordId, RecordId)>;

/// Of these records, which wait to be decided on, those that are new since `started`, in no entity,
/// and without a match value; of types that had been read to the end before this run.
pub fn nameless(
    plan: &Plan,
    waiting: Vec<RecordState>,
    started: Timestamp,
    first_read: impl Fn(TypeIx) -> bool,
) -> Nameless {
    let mut found = Nameless::new();
    for record in waiting {
        let is_new = record.first_seen >= started && !first_read(record.ty);
        let alone =
            record.entity.0 == record.id.0 && record.written_at.is_none() && record.is_live();
        if is_new && alone && !has_match_values(plan, &record) {
            found.entry(record.ty).or_default().push(record);
        }
    }
    found
}

/// The records that may be the two ends of a creation that the store has forgotten: each with those
/// of another type that hold the same.
pub fn twins<'a>(
    plan: &Plan,
    now: Timestamp,
    new: &'a Nameless,
    apart: &Apart,
) -> Vec<(&'a RecordState, TypeIx, Vec<&'a RecordState>)> {
    let (mut compared, mut found) = (0, Vec::new());
    for flow in plan.flows.iter().filter(|flow| flow.create != PlanCreate::Never) {
        let (Some(sources), Some(targets)) = (new.get(&flow.from), new.get(&flow.to)) else {
            continue;
        };
        compared += sources.len() * targets.len();
        if flow.from == flow.to || compared > MOST_PAIRS {
            continue;
        }
        for source in sources {
            let alike: Vec<&RecordState> = targets
                .iter()
                .filter(|target| !are_apart(apart, source.id, target.id))
                .filter(|target| look_alike(plan, now, source, target))
                .collect();
            if !alike.is_empty() {
                found.push((source, flow.to, alike));
            }
        }
    }
    found
}

/// The new records that a creation may have made which an earlier run has left in the queue, as it
/// was sent after the backup: they hold all that it would send.
pub fn may_have_made(
    plan: &Plan,
    intent: &Intent,
    source: &RecordState,
    new: &Nameless,
    apart: &Apart,
) -> Vec<RecordState> {
    let new = new.get(&intent.ty).into_iter().flatten();
    new.filter(|record| !are_apart(apart, source.id, record.id))
        .filter(|record| holds_all(plan, record, intent))
        .cloned()
        .collect()
}

/// Whether what a creation between these types made would be created anew where it came from.
pub fn goes_back(plan: &Plan, from: TypeIx, to: TypeIx) -> bool {
    let mut back = plan.flows.iter().filter(|flow| flow.from == to && flow.to == from);
    back.any(|flow| flow.create != PlanCreate::Never)
}

fn are_apart(apart: &Apart, a: RecordId, b: RecordId) -> bool {
    apart.contains(&(a.min(b), a.max(b)))
}
