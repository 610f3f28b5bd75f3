//! What a list is given whose elements come and go one by one (P11, P8): what it should hold has
//! been settled before; here it is compared with what it shows, and what waits is told.

use lockstep_model::{ClaimStamp, PropIx, RecordState, ReviewKind, Rule, Timestamp, TypeIx, Value};

use super::each_list::stands;
use super::element::{Element, Way};
use super::entity::Entity;
use super::outcome::{Awaited, Wanted, written};
use crate::create::refused;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::sets::{Likeness, elements};
use crate::slice::Slice;

/// What becomes of a list.
pub struct WantedList {
    pub wanted: Wanted,
    /// P8: the elements whose counterparts do not exist yet, with what each waits for.
    pub waits: Vec<(Value, Awaited)>,
    /// The elements that can't be converted, and why.
    pub failing: Vec<(Value, String)>,
    /// The latest claim of those that the elements come from.
    pub claim: Option<ClaimStamp>,
    /// R6: it lacks elements still that its system was sent and has not kept.
    pub not_kept: bool,
}

impl WantedList {
    /// What all lists bring that bear on this one.
    fn brought(
        plan: &Plan,
        slice: &Slice,
        entity: &Entity<'_>,
        (ty, prop): (TypeIx, PropIx),
        me: Option<&RecordState>,
    ) -> (Self, Vec<Value>) {
        let target = plan.prop(ty, prop);
        let likeness = Likeness::within(target);
        let mut list = WantedList {
            wanted: Wanted::Nothing,
            waits: vec![],
            failing: vec![],
            claim: None,
            not_kept: false,
        };
        let mut brought = Vec::new();
        let open =
            |by: &&Bearing| by.open && !by.fills && (me.is_none() || by.on_create.is_empty());
        for by in entity.bearings(plan, ty, prop).iter().filter(open) {
            let others = entity.records.iter().filter(|other| {
                other.ty == by.other && other.is_live() && me.is_none_or(|me| me.id != other.id)
            });
            for other in others {
                let slot = other.slot(by.theirs);
                let at = slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at);
                let stamp = ClaimStamp { at, record: other.id, prop: by.theirs };
                let later = |known: &ClaimStamp| known.at >= stamp.at;
                list.claim = list.claim.filter(later).or(Some(stamp));
                let shown = me.map_or(&Value::Null, |me| me.slot(prop).value(true));
                let way = Way { plan, slice, by, target, shown };
                let held = match &slot.claim {
                    Some(claim) => elements(Some(&claim.value)),
                    None => stands(slot),
                };
                let values = if by.each { held } else { vec![Value::Array(held)] };
                for element in values {
                    match way.translate(&element) {
                        Element::Becomes(became) => became.into_iter().for_each(|one| {
                            likeness.add(&mut brought, one);
                        }),
                        Element::Waits(awaited) if way.may_come(awaited) => {
                            list.waits.push((element, awaited))
                        }
                        Element::Waits(_) => {}
                        Element::Fails(why) => list.failing.push((element, why)),
                    }
                }
            }
        }
        (list, brought)
    }
}

/// What a list of a record is given.
pub fn wanted_list(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> WantedList {
    let target = plan.prop(record.ty, prop);
    let of = (record.ty, prop);
    let (mut list, brought) = WantedList::brought(plan, slice, entity, of, Some(record));
    let slot = record.slot(prop);
    let (likeness, stands) = (Likeness::within(target), stands(slot));
    let not_kept = refused(&slice.reviews, record, record.ty, prop)
        .filter(|review| review.kind == ReviewKind::NotKept)
        .map_or(vec![], |review| elements(Some(&review.value)));
    let mut lacking = likeness.missing(&not_kept, &stands).into_iter();
    list.not_kept = lacking.any(|one| likeness.is_in(&brought, one));
    let Some(claim) = slot.claim.as_ref() else { return list };
    let desired = elements(Some(&claim.value));
    if likeness.same_set(&desired, &stands) {
        return list;
    }
    // What stands there keeps its place.
    let gone = likeness.missing(&stands, &desired);
    let mut value: Vec<Value> = stands.iter().filter(|one| !gone.contains(one)).cloned().collect();
    value.extend(likeness.missing(&desired, &stands).into_iter().cloned());
    let own = ClaimStamp { at: claim.at, record: record.id, prop };
    list.wanted = write(target, value, list.claim.unwrap_or(own));
    list
}

/// What a list of a record is given that is about to be created.
pub fn created_list(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    (ty, prop): (TypeIx, PropIx),
) -> Wanted {
    let (list, brought) = WantedList::brought(plan, slice, entity, (ty, prop), None);
    let Some(claim) = list.claim else { return Wanted::Nothing };
    if !brought.is_empty() {
        return write(plan.prop(ty, prop), brought, claim);
    }
    match (list.waits.first(), list.failing.into_iter().next()) {
        (Some((_, waits)), _) => Wanted::Waits { reference: waits.of_a_list(), claim },
        (None, Some((value, message))) => Wanted::Unconvertible { value, claim, message },
        (None, None) => Wanted::Nothing,
    }
}

fn write(target: &PlanProp, list: Vec<Value>, claim: ClaimStamp) -> Wanted {
    match target.reference_target.is_some() {
        true => written(Value::Array(list), claim, Rule::P8),
        false if list.is_empty() => written(Value::Null, claim, Rule::P11),
        false => written(Value::Array(list), claim, Rule::P11),
    }
}
