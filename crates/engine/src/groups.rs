//! Groups of properties that move together (P1e): an address, a bank account.
//!
//! The latest claim of any property of a group is one of its record's whole group, as it is now. So
//! what a record claims of a group is one claim for each of its properties, all of the same time:
//! they win or lose together, whatever else is between the records.

use std::collections::BTreeMap;

use lockstep_model::flow::Flow;
use lockstep_model::value::is_empty;
use lockstep_model::{Change, Claim, ClaimStamp, PropIx, RecordId, RecordState, TypeIx};

use crate::plan::{Bearing, Plan};

/// The properties of each group, by record type and as rows name them: of one flow, both its ends.
#[derive(Default)]
pub(crate) struct Grouped<'f> {
    rows: BTreeMap<(usize, &'f str), [Side; 2]>,
}

/// The properties of a group on one side of its flow.
type Side = (TypeIx, Vec<PropIx>);

impl<'f> Grouped<'f> {
    /// A row of the flow at this place pairs these two.
    pub fn add(
        &mut self,
        at: usize,
        flow: &'f Flow,
        row: usize,
        (from, p): (TypeIx, PropIx),
        (to, q): (TypeIx, PropIx),
    ) {
        let Some(name) = flow.properties[row].group.as_deref() else { return };
        let ends = self.rows.entry((at, name)).or_insert_with(|| [(from, vec![]), (to, vec![])]);
        ends[0].1.push(p);
        ends[1].1.push(q);
    }

    /// The groups of each record type. Record types that are kept equal with these by way of others
    /// have them as well.
    pub fn by_type(
        self,
        bearings: &BTreeMap<TypeIx, Vec<Vec<Bearing>>>,
    ) -> BTreeMap<TypeIx, Vec<Vec<PropIx>>> {
        let mut groups: BTreeMap<TypeIx, Vec<Vec<PropIx>>> = BTreeMap::new();
        for (ty, props) in self.rows.into_values().flatten() {
            join(groups.entry(ty).or_default(), props);
        }
        // Each step reaches another record type or joins two groups, so it ends.
        loop {
            let mut reached: Vec<(TypeIx, Vec<PropIx>)> = Vec::new();
            for (mine, own) in bearings {
                for (theirs, known) in &groups {
                    for group in known.iter().filter(|_| theirs != mine) {
                        let from = |by: &Bearing| {
                            by.other == *theirs && !by.fills && group.contains(&by.theirs)
                        };
                        let props = own.iter().enumerate().filter(|(_, own)| own.iter().any(from));
                        let props: Vec<PropIx> = props.map(|(ix, _)| PropIx(ix as u16)).collect();
                        let has = groups.get(mine).is_some_and(|has| {
                            has.iter().any(|has| props.iter().all(|prop| has.contains(prop)))
                        });
                        if props.len() > 1 && !has {
                            reached.push((*mine, props));
                        }
                    }
                }
            }
            if reached.is_empty() {
                return groups;
            }
            for (ty, props) in reached {
                join(groups.entry(ty).or_default(), props);
            }
        }
    }
}

/// Adds a group; those that share a property with it become one with it.
fn join(groups: &mut Vec<Vec<PropIx>>, mut props: Vec<PropIx>) {
    let (shared, others) = std::mem::take(groups)
        .into_iter()
        .partition::<Vec<_>, _>(|group| group.iter().any(|prop| props.contains(prop)));
    *groups = others;
    props.extend(shared.into_iter().flatten());
    props.sort_unstable();
    props.dedup();
    groups.push(props);
    groups.sort_unstable();
}

/// What the records claim of their groups: for each property of a group of which anything is
/// claimed, what it holds now, at the time of the latest of these claims. `own` is what counts as
/// put into a property by itself.
pub(crate) fn claims<'c>(
    plan: &Plan,
    records: &[&'c RecordState],
    own: impl Fn(&'c RecordState, PropIx) -> Option<&'c Claim>,
) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for &record in records {
        for group in &plan.ty(record.ty).groups {
            let Some(latest) =
                group.iter().filter_map(|prop| own(record, *prop)).map(|claim| claim.at).max()
            else {
                continue;
            };
            for prop in group {
                let slot = record.slot(*prop);
                // What its system made of a value that it was given (P3) is still that value.
                let shown = slot.value(plan.prop(record.ty, *prop).whole);
                let value = slot.given.as_deref().unwrap_or(shown).clone();
                let goes = own(record, *prop).map(|claim| claim.goes.clone()).unwrap_or_default();
                found.push((record.id, *prop, Claim { value, at: latest, goes }));
            }
        }
    }
    found
}

/// Whether a value is only brought along by another property of its group, into which something was
/// put later.
pub fn moves_along(plan: &Plan, record: &RecordState, stamp: ClaimStamp) -> bool {
    plan.is_grouped(record.ty, stamp.prop)
        && record.slot(stamp.prop).claim.as_ref().is_none_or(|claim| claim.at != stamp.at)
}

/// Whether a record holds anything of the group of one of its properties: then an empty one is a
/// part of that, and no lack of a value (P2).
pub(crate) fn is_part_of_one(plan: &Plan, record: &RecordState, prop: PropIx) -> bool {
    let holds = |one: &PropIx| !is_empty(record.slot(*one).value(plan.prop(record.ty, *one).whole));
    plan.ty(record.ty).groups.iter().any(|group| group.contains(&prop) && group.iter().any(holds))
}

/// P1e: of a group either all that is due is written or nothing: `stopped` are properties of the
/// record that can't be given their values just now.
pub(crate) fn all_or_nothing(
    plan: &Plan,
    ty: TypeIx,
    stopped: &[PropIx],
    changes: &mut Vec<Change>,
) {
    let held = |prop: &PropIx| {
        plan.ty(ty)
            .groups
            .iter()
            .any(|group| group.contains(prop) && stopped.iter().any(|one| group.contains(one)))
    };
    changes.retain(|change| !held(&change.prop));
}
