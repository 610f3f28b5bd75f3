//! Lists whose elements come and go one by one (P11, P8).
//!
//! What such a list should hold stands in its own slot, as its claim: it is settled when an edit is
//! first decided on, and kept with it, as P1a keeps where a claim goes. So an element that was put
//! in or taken out on one side is put in or taken out of what the others should hold, once; what
//! else stands there is nobody's business.
//!
//! ```text
//!              a.tags                       b.labels
//!  displaced   vip, new                     ─           what the edit of a displaced
//!  shown       vip, oslo                    vip, new, own
//!  ──────────  −new +oslo
//!  claim       vip, oslo                    vip, own, oslo      what it should hold
//! ```
//!
//! Where both lists take from each other, what the one should hold the other should hold as well;
//! an element is missing only where it was taken out, and then it is taken out of both. So a list
//! that has missed an edit is put right. Where a list only takes (P12), it takes all when the two
//! first meet, and after that what comes and goes.

use lockstep_model::value::is_empty;
use lockstep_model::{
    Claim, ClaimStamp, PropIx, RecordId, RecordState, Slot, Timestamp, TypeIx, Value,
};

use super::element::{Element, Way};
use super::entity::Entity;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::sets::{Likeness, elements};
use crate::slice::Slice;

/// Settles what the lists of an entity should hold whose elements come and go one by one. `joined`
/// tells that the entity has just been put together: then the lists take all of each other (P2).
/// Gives the slots that change.
pub fn settle_each(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    joined: bool,
) -> Vec<(RecordId, PropIx, Slot)> {
    let mut settling = Settling { plan, slice, entity, joined, lists: lists(plan, slice, entity) };
    if settling.lists.is_empty() {
        return vec![];
    }
    settling.take_out();
    settling.put_in();
    settling.wait_for_the_absent();
    settling.lists.into_iter().filter_map(|list| list.settled(entity)).collect()
}

/// A list of a record, on which is decided.
struct List<'a> {
    record: &'a RecordState,
    prop: PropIx,
    likeness: Likeness,
    /// What it should hold.
    desired: Vec<Value>,
    /// What it shows, each element as it was put in or given.
    stands: Vec<Value>,
    /// What an edit displaced that has not been carried on to all others.
    displaced: Option<Vec<Value>>,
    /// The latest time of what is put in or taken out.
    at: Timestamp,
    /// P12: it takes from lists that take nothing from it, and has met them.
    met: Option<ClaimStamp>,
    /// Its elements that wait on the way to others.
    waiting: Vec<Value>,
    /// Some list that only takes has not taken from this one yet.
    unmet: bool,
}

/// All lists of this kind that the live records of an entity have.
fn lists<'a>(plan: &Plan, slice: &Slice, entity: &Entity<'a>) -> Vec<List<'a>> {
    let mut found = Vec::new();
    for record in entity.records.iter().copied().filter(|record| record.is_live()) {
        let props = plan.ty(record.ty).props.iter().enumerate();
        for (ix, described) in props.filter(|(_, prop)| prop.each && prop.paired) {
            let (prop, slot) = (PropIx(ix as u16), &record.slots[ix]);
            let stands = stands(slot);
            let claimed = slot.claim.as_ref().filter(|_| {
                // Where the flows have changed, a claim may be of a time when the list was a value
                // like any other, and long replaced.
                !slice.reconsider || is_being_written(slice, record, prop)
            });
            found.push(List {
                record,
                prop,
                likeness: Likeness::within(described),
                desired: claimed
                    .map_or_else(|| stands.clone(), |claim| elements(Some(&claim.value))),
                displaced: slot.displaced.as_deref().map(|value| elements(Some(value))),
                at: slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at),
                met: slot.carries,
                waiting: vec![],
                unmet: false,
                stands,
            });
        }
    }
    found
}

/// What a list shows, each element as it was put in or given (P3).
pub(super) fn stands(slot: &Slot) -> Vec<Value> {
    elements(slot.given.as_deref().or(slot.shadow.as_ref()))
}

fn is_being_written(slice: &Slice, record: &RecordState, prop: PropIx) -> bool {
    let mine = |id: &Option<RecordId>| *id == Some(record.id);
    let open = slice.intents_of(record.entity).filter(|intent| mine(&intent.record));
    open.flat_map(|intent| &intent.changes).any(|change| change.prop == prop)
}

impl List<'_> {
    fn of(&self) -> (TypeIx, PropIx) {
        (self.record.ty, self.prop)
    }

    fn slot(&self) -> &Slot {
        self.record.slot(self.prop)
    }

    /// The slot with what was settled, where that changes it.
    fn settled(self, entity: &Entity<'_>) -> Option<(RecordId, PropIx, Slot)> {
        let before = self.slot();
        let mut slot = before.clone();
        let known = before.claim.as_ref().map(|claim| elements(Some(&claim.value)));
        if known.as_ref().unwrap_or(&self.stands) != &self.desired {
            let value = Value::Array(self.desired.clone());
            slot.claim = Some(Claim { value, at: self.at, goes: vec![] });
        }
        slot.carries = self.met;
        slot.displaced = self.left_to_carry(entity).map(|list| Box::new(Value::Array(list)));
        (slot != *before).then_some((self.record.id, self.prop, slot))
    }

    /// What the list is compared with the next time, where something of it is still to be carried
    /// on: an element that waits (P8), or all, where a condition keeps records apart (L9).
    fn left_to_carry(&self, entity: &Entity<'_>) -> Option<Vec<Value>> {
        if self.displaced.is_some() && entity.keeps_apart(self.record.ty) {
            return self.displaced.clone();
        }
        let carried = match &self.displaced {
            Some(displaced) => displaced.as_slice(),
            None if self.unmet => &[],
            None => return None,
        };
        let waits = |one: &&Value| {
            self.likeness.is_in(&self.waiting, one) && !self.likeness.is_in(carried, one)
        };
        let (waiting, carried): (Vec<&Value>, Vec<&Value>) = self.stands.iter().partition(waits);
        (!waiting.is_empty()).then(|| carried.into_iter().cloned().collect())
    }
}

/// The lists of an entity that are being settled.
struct Settling<'a> {
    plan: &'a Plan,
    slice: &'a Slice,
    entity: &'a Entity<'a>,
    joined: bool,
    lists: Vec<List<'a>>,
}

/// What one list brings to another.
struct Brings {
    elements: Vec<Value>,
    at: Timestamp,
    /// The list it comes from; `None` where it comes from a property of another kind.
    from: Option<usize>,
    stamp: ClaimStamp,
}

impl<'a> Settling<'a> {
    /// Who brings elements to a list, and by which way.
    fn sources(&self, to: usize) -> Vec<(&'a RecordState, &'a Bearing)> {
        let list = &self.lists[to];
        let (ty, prop) = list.of();
        let open = |by: &&Bearing| by.open && !by.fills && !by.on_create;
        let mut found = Vec::new();
        for by in self.entity.bearings(self.plan, ty, prop).iter().filter(open) {
            let others = self.entity.records.iter().copied().filter(|other| {
                other.ty == by.other && other.id != list.record.id && other.is_live()
            });
            found.extend(others.map(|other| (other, by)));
        }
        found
    }

    fn way(&self, to: usize, by: &'a Bearing) -> Way<'a> {
        let list = &self.lists[to];
        let target = self.plan.prop(list.record.ty, list.prop);
        let shown = list.record.slot(list.prop).value(true);
        Way { plan: self.plan, slice: self.slice, by, target, shown }
    }

    fn list_of(&self, record: &RecordState, prop: PropIx) -> Option<usize> {
        self.lists.iter().position(|list| list.record.id == record.id && list.prop == prop)
    }

    /// Takes out of each list what has been taken out of another.
    fn take_out(&mut self) {
        for to in 0..self.lists.len() {
            for (other, by) in self.sources(to) {
                let way = self.way(to, by);
                let (gone, still, at) = match self.list_of(other, by.theirs).filter(|_| by.each) {
                    Some(from) => {
                        let from = &self.lists[from];
                        let Some(displaced) = &from.displaced else { continue };
                        let gone = from.likeness.missing(displaced, &from.stands);
                        let was = |list: Vec<&Value>| -> Vec<Value> {
                            list.into_iter().flat_map(|one| way.was(one)).collect()
                        };
                        if gone.is_empty() {
                            continue;
                        }
                        (was(gone), was(from.stands.iter().collect()), from.at)
                    }
                    None => {
                        let slot = other.slot(by.theirs);
                        let Some(displaced) = &slot.displaced else { continue };
                        let whole = self.plan.prop(by.other, by.theirs).whole;
                        let at = slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at);
                        (way.whole(displaced), way.whole(slot.value(whole)), at)
                    }
                };
                if !by.clears && still.is_empty() {
                    continue;
                }
                let arriving = Likeness::arriving(by, way.target);
                let list = &mut self.lists[to];
                for one in arriving.missing(&gone, &still) {
                    if arriving.take_out(&mut list.desired, one) {
                        list.at = list.at.max(at);
                    }
                }
                self.take_out_by_way_back(to, other, by);
            }
        }
    }

    /// What is known only by what it would be at its source: the way there has lost something.
    fn take_out_by_way_back(&mut self, to: usize, other: &RecordState, by: &'a Bearing) {
        let Some(from) = self.list_of(other, by.theirs).filter(|_| by.each) else { return };
        let Some(back) = self.back(to, by) else { return };
        let (source, way) = (&self.lists[from], self.way(from, back));
        let Some(displaced) = &source.displaced else { return };
        let gone: Vec<Value> =
            source.likeness.missing(displaced, &source.stands).into_iter().cloned().collect();
        let goes = |held: &Value| {
            let was = way.was(held);
            !was.is_empty()
                && was.iter().all(|one| {
                    source.likeness.is_in(&gone, one) && !source.likeness.is_in(&source.stands, one)
                })
        };
        let left = self.lists[to].desired.iter().filter(|held| !goes(held)).cloned().collect();
        self.lists[to].desired = left;
    }

    /// Puts into each list what others have. Each round reaches further, so it ends.
    fn put_in(&mut self) {
        for _ in 0..=self.lists.len() {
            let mut added = false;
            for to in 0..self.lists.len() {
                for (other, by) in self.sources(to) {
                    added |= self.put_into(to, other, by);
                }
            }
            if !added {
                return;
            }
        }
    }

    fn put_into(&mut self, to: usize, other: &'a RecordState, by: &'a Bearing) -> bool {
        let way = self.way(to, by);
        let brings = self.brought(to, other, by);
        let back = self.back(to, by);
        let one_way = back.is_none();
        let arriving = Likeness::arriving(by, way.target);
        let mut added = false;
        for element in brings.elements {
            let became = match way.translate(&element) {
                Element::Becomes(became) => became,
                Element::Waits(_) | Element::Fails(_) => {
                    if let Some(from) = brings.from.filter(|_| one_way) {
                        self.lists[from].waiting.push(element);
                    }
                    continue;
                }
            };
            for one in became {
                let list = &self.lists[to];
                // Where a way loses something, an element may stand for another one already.
                let stands_there = || {
                    let (Some(back), Some(from)) = (back, brings.from) else { return false };
                    let source = &self.lists[from];
                    let back = self.way(from, back);
                    list.desired.iter().any(|held| match back.translate(held) {
                        Element::Becomes(held) => source.likeness.is_in(&held, &element),
                        _ => false,
                    })
                };
                if arriving.is_in(&list.desired, &one) || stands_there() {
                    continue;
                }
                let list = &mut self.lists[to];
                list.desired.push(one);
                list.at = list.at.max(brings.at);
                added = true;
            }
        }
        if let Some(from) = brings.from.filter(|_| one_way) {
            self.lists[from].unmet |= self.joined || self.lists[to].slot().carries.is_none();
            self.lists[to].met.get_or_insert(brings.stamp);
        }
        added
    }

    /// What a record brings to a list: all that it should hold where the two take from each other
    /// or meet for the first time, else what has come to it.
    fn brought(&self, to: usize, other: &RecordState, by: &Bearing) -> Brings {
        let slot = other.slot(by.theirs);
        let at = slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at);
        let stamp = ClaimStamp { at, record: other.id, prop: by.theirs };
        let from = self.list_of(other, by.theirs).filter(|_| by.each);
        let Some(list) = from.map(|from| &self.lists[from]) else {
            let whole = self.plan.prop(by.other, by.theirs).whole;
            let comes = self.joined || self.slice.reconsider || slot.displaced.is_some();
            let elements = if comes { vec![slot.value(whole).clone()] } else { vec![] };
            return Brings { elements, at, from, stamp };
        };
        let first = || self.joined || self.lists[to].slot().carries.is_none();
        let elements = if self.back(to, by).is_some() || first() {
            list.desired.clone()
        } else {
            let displaced = list.displaced.as_deref();
            displaced.map_or(vec![], |displaced| {
                list.likeness.missing(&list.stands, displaced).into_iter().cloned().collect()
            })
        };
        Brings { elements, at: list.at, from, stamp }
    }

    /// By what the list takes from this one, if it does.
    fn back(&self, to: usize, by: &Bearing) -> Option<&'a Bearing> {
        let (ty, prop) = self.lists[to].of();
        let back = self.entity.bearings(self.plan, by.other, by.theirs).iter();
        back.into_iter().find(|back| {
            back.open && back.each && !back.on_create && (back.other, back.theirs) == (ty, prop)
        })
    }

    /// P8: what waits on the way to a record that is still to be made.
    fn wait_for_the_absent(&mut self) {
        for from in 0..self.lists.len() {
            let (ty, prop) = self.lists[from].of();
            for other in &self.plan.ty(ty).partners {
                let is_there = |record: &&'a RecordState| record.ty == *other && record.is_live();
                if self.entity.records.iter().any(is_there) {
                    continue;
                }
                let props = self.plan.ty(*other).bearings.iter().enumerate();
                for (ix, bearings) in props {
                    let target = self.plan.prop(*other, PropIx(ix as u16));
                    let from_here = |by: &&Bearing| {
                        by.each && by.open && by.reference && (by.other, by.theirs) == (ty, prop)
                    };
                    for by in bearings.iter().filter(from_here) {
                        self.wait_on(from, by, target);
                    }
                }
            }
        }
    }

    fn wait_on(&mut self, from: usize, by: &Bearing, target: &PlanProp) {
        let way = Way { plan: self.plan, slice: self.slice, by, target, shown: &Value::Null };
        let list = &mut self.lists[from];
        let waits = |one: &&Value| matches!(way.translate(one), Element::Waits(_));
        list.waiting.extend(list.stands.iter().filter(waits).cloned());
        list.unmet = true;
    }
}

impl Way<'_> {
    /// The elements that a value becomes which is converted as a whole.
    fn whole(&self, value: &Value) -> Vec<Value> {
        if is_empty(value) { vec![] } else { self.was(value) }
    }
}
