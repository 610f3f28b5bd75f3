//! A created record is complete: what it is given, and what it lacks (C1, C4, F1).

use lockstep_model::change::Counterpart;
use lockstep_model::value::{as_stored, is_empty};
use lockstep_model::why::{Lacking, NotCreated, NotYet};
use lockstep_model::{
    Change, ClaimStamp, PropIx, Reason, RecordState, Rule, Situation, TypeIx, Value,
};

use super::creation::Creation;
use crate::conditions::not_about_made;
use crate::facets::made_along;
use crate::groups;
use crate::plan::{Plan, PlanFlow, PlanProp};
use crate::settle::{
    Awaited, Awaits, Candidate, Entity, Wanted, brought, candidates, created_list, default,
    filling, holds_word, waits_for, went_with_a_part,
};
use crate::slice::Slice;

/// C1: a created record is complete; every mapped property that has a value is in the first write.
/// It is made with all its facets (F1): with what the other facets of the source record give to
/// them.
pub(super) fn compose(
    plan: &Plan,
    slice: &Slice,
    flow: &PlanFlow,
    record: &RecordState,
    entity: &Entity<'_>,
) -> Creation {
    let target = plan.ty(flow.to);
    let others: Vec<(Entity<'_>, TypeIx)> = match target.facets.is_empty() {
        true => vec![],
        false => made_along(plan, slice, record, flow.to)
            .into_iter()
            .map(|(facet, ty)| {
                let members =
                    slice.members(facet.entity).iter().filter_map(|id| slice.records.get(id));
                (Entity::of(plan, members.collect()), ty)
            })
            .collect(),
    };
    let givers = Givers { plan, slice, entity, to: flow.to, others: &others };
    let mut made = Composed::default();
    let unmapped = target.required_unmapped.iter();
    made.lacking.extend(unmapped.map(|path| Lacking { property: path.to_string(), waits: None }));
    for (ix, prop) in target.props.iter().enumerate().filter(|(_, prop)| !prop.read_only) {
        let prop_ix = PropIx(ix as u16);
        if givers.each().any(|(_, ty)| plan.prop(ty, prop_ix).paired) {
            let given = givers.give(prop_ix, &mut made.defaults);
            made.add(plan, slice, prop_ix, prop, given);
        }
    }
    let Composed { mut changes, unconvertible, mut lacking, defaults, stopped } = made;
    let given: Vec<PropIx> = changes.iter().map(|change| change.prop).collect();
    groups::all_or_nothing(plan, flow.to, &stopped, &mut changes);
    // C4: what goes with the rest of its group is not given either.
    let left_out = given.iter().filter(|prop| changes.iter().all(|change| change.prop != **prop));
    lacking.extend(
        left_out
            .map(|prop| &target.props[prop.at()])
            .filter(|prop| prop.required)
            .map(|prop| Lacking { property: prop.name.clone(), waits: None }),
    );
    leave_out_unfulfilled(plan, flow.to, &mut changes);
    if !lacking.is_empty() {
        let why = NotYet::Lacks { of: target.name.to_string(), properties: lacking };
        return Creation::Hold { rule: Rule::C4, why: why.into(), reread: None };
    }
    // Nothing but defaults is nothing.
    let mut told = changes.iter().filter(|change| change.counterpart_of.is_none());
    if told.all(|change| defaults.contains(&change.prop)) && !flow.create_empty {
        return Creation::No {
            situation: Situation::Excluded,
            why: NotCreated::NothingToCreateFrom.into(),
        };
    }
    if let Some(why) = not_about_made(plan, flow, &changes) {
        return Creation::No { situation: Situation::Excluded, why };
    }
    Creation::Make { changes, unconvertible }
}

/// What gives a new record its values: the entity that it is made for, and those of the other
/// facets of its source, each with the record type that it gives to (F1).
struct Givers<'a> {
    plan: &'a Plan,
    slice: &'a Slice,
    entity: &'a Entity<'a>,
    to: TypeIx,
    others: &'a [(Entity<'a>, TypeIx)],
}

impl<'a> Givers<'a> {
    fn each(&self) -> impl Iterator<Item = (&'a Entity<'a>, TypeIx)> + use<'a> {
        let others = self.others.iter().map(|(entity, ty)| (entity, *ty));
        std::iter::once((self.entity, self.to)).chain(others)
    }

    /// The claim that gives a property its value. A value beats an empty one (P2): a counterpart is
    /// made for the first time here. Of a group one side's wins whole (P1e).
    fn best(&self, prop: PropIx) -> Option<(Candidate<'a>, &'a Entity<'a>, TypeIx)> {
        let plan = self.plan;
        self.each()
            .filter(|(_, ty)| plan.prop(*ty, prop).paired)
            .filter_map(|(entity, ty)| {
                let all = candidates(plan, entity, ty, prop, None);
                let best = all.into_iter().find(|candidate| {
                    !is_empty(&candidate.claim.value)
                        || groups::is_part_of_one(plan, candidate.record, candidate.stamp.prop)
                });
                if best.as_ref().is_some_and(|best| went_with_a_part(plan, entity, best)) {
                    return None;
                }
                Some((best.or_else(|| filling(plan, entity, ty, prop))?, entity, ty))
            })
            // Of what several facets give to one property, the latest.
            .reduce(|a, b| if b.0.stamp.at > a.0.stamp.at { b } else { a })
    }

    /// What a property is given, and whether it is a reference (P8); defaults are noted.
    fn give(&self, prop: PropIx, defaults: &mut Vec<PropIx>) -> (Wanted, bool) {
        let (plan, slice) = (self.plan, self.slice);
        match self.best(prop).map(|(best, entity, ty)| (best, best.by, entity, ty)) {
            Some((_, Some(by), entity, ty)) if plan.prop(ty, prop).each => {
                (created_list(plan, slice, entity, (ty, prop)), by.reference)
            }
            Some((best, Some(by), entity, ty)) => {
                (brought(plan, slice, entity, &best, by, (ty, prop), &Value::Null), by.reference)
            }
            Some((_, None, ..)) => (Wanted::Nothing, false),
            None => {
                let default = default(plan, slice, self.entity, (self.to, prop), true);
                defaults.extend(matches!(default, Wanted::Write { .. }).then_some(prop));
                (default, false)
            }
        }
    }
}

/// A new record that is being put together.
#[derive(Default)]
struct Composed {
    changes: Vec<Change>,
    unconvertible: Vec<(PropIx, Value, String)>,
    /// What it needs and is not given (C4).
    lacking: Vec<Lacking>,
    /// Which of the changes are nothing but defaults.
    defaults: Vec<PropIx>,
    /// What can't be given just now (P1e).
    stopped: Vec<PropIx>,
}

impl Composed {
    fn add(
        &mut self,
        plan: &Plan,
        slice: &Slice,
        prop_ix: PropIx,
        prop: &PlanProp,
        (wanted, reference): (Wanted, bool),
    ) {
        let (mut given, mut waits) = (false, None);
        match wanted {
            Wanted::Write { value, .. } if is_empty(&value) => {}
            Wanted::Write { value, claim, .. } => {
                let rule = if reference { Rule::P8 } else { Rule::C1 };
                self.push(prop_ix, as_stored(value, prop.stored_as), None, claim, rule);
                given = true;
            }
            // The id is filled in when the intent is sent, if the counterpart exists by then; else
            // the reference waits (P8).
            Wanted::Waits { reference: Awaited { event: Awaits::Counterpart(of), ty }, claim } => {
                self.push(prop_ix, Value::Null, Some(Counterpart { of, ty }), claim, Rule::P8);
                given = true;
            }
            Wanted::Waits { reference, claim } => {
                self.stopped.push(prop_ix);
                waits = Some(waits_for(plan, slice, None, reference, claim).1)
            }
            Wanted::Unconvertible { value, message, .. } => {
                self.stopped.push(prop_ix);
                self.unconvertible.push((prop_ix, value, message))
            }
            Wanted::Nothing | Wanted::Pick { .. } => {}
        }
        if prop.required && !given {
            let waits = waits.map(|waits| Box::new(waits.into()));
            self.lacking.push(Lacking { property: prop.name.clone(), waits });
        }
    }

    fn push(
        &mut self,
        prop: PropIx,
        value: Value,
        counterpart_of: Option<Counterpart>,
        claim: ClaimStamp,
        rule: Rule,
    ) {
        let (displaced, reason) = (Value::Null.into(), Reason::Latest);
        self.changes.push(Change { prop, value, displaced, counterpart_of, claim, rule, reason });
    }
}

/// Leaves out what would not be there in the new record: a property on a condition that another
/// value of it does not meet. A condition that nothing else decides is met by the system's
/// connector, for the first property that needs it.
fn leave_out_unfulfilled(plan: &Plan, ty: TypeIx, changes: &mut Vec<Change>) {
    let props = &plan.ty(ty).props;
    if changes.iter().all(|change| props[change.prop.at()].depends.is_none()) {
        return;
    }
    let mut words: Vec<(PropIx, String)> = Vec::new();
    let given: Vec<(PropIx, Value)> =
        changes.iter().map(|change| (change.prop, change.value.clone())).collect();
    changes.retain(|change| {
        let Some((marker, word)) = &props[change.prop.at()].depends else { return true };
        if let Some((_, value)) = given.iter().find(|(prop, _)| prop == marker) {
            return holds_word(value, word);
        }
        if let Some((_, known)) = words.iter().find(|(prop, _)| prop == marker) {
            return known == word;
        }
        let fulfilled = word.is_empty() || !props[marker.at()].read_only;
        if fulfilled {
            words.push((*marker, word.clone()));
        }
        fulfilled
    });
}
