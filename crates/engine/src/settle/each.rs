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
//! A list takes all that another should hold when the two first meet, and after that what comes and
//! goes there. So what a person has taken back (G7), or taken out of a list that only takes (P12),
//! does not come again. That it has met others, the claim tells that it carries.

use lockstep_model::value::is_empty;
use lockstep_model::{ClaimStamp, PropIx, RecordId, RecordState, Slot, Timestamp, Value};

use super::each_list::{List, lists};
use super::element::{Element, Way};
use super::entity::Entity;
use crate::create::refused;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::sets::Likeness;
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
    settling.tell_outdated();
    settling.take_out();
    settling.put_in();
    settling.wait_for_the_absent();
    settling.lists.into_iter().filter_map(|list| list.settled(entity)).collect()
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
        let open = |by: &&Bearing| by.open && !by.fills && by.on_create.is_empty();
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

    /// C2: tells which lists were made with what has been edited since: their creation was under way
    /// meanwhile.
    fn tell_outdated(&mut self) {
        for to in 0..self.lists.len() {
            let list = &self.lists[to];
            let Some(made_with) = list.made_with() else { continue };
            // R6: what its system has not kept is not given again.
            if refused(&self.slice.reviews, list.record, list.record.ty, list.prop).is_some() {
                continue;
            }
            let later = |(other, by): &(&RecordState, &Bearing)| {
                other.slot(by.theirs).claim.as_ref().is_some_and(|claim| claim.at > made_with.at)
            };
            let sources = self.sources(to);
            self.lists[to].outdated = !sources.is_empty();
            // P2: what is emptied where that is no edit keeps its elements here.
            let keeps = |(other, by): &(&RecordState, &Bearing)| {
                let whole = self.plan.prop(other.ty, by.theirs).whole;
                !by.clears && is_empty(other.slot(by.theirs).value(whole))
            };
            if self.is_still_there(&sources, made_with)
                && sources.iter().any(later)
                && !sources.iter().any(keeps)
            {
                self.lists[to].desired.clear();
            }
        }
    }

    /// D1: what a list has of a record that is gone stays, unless one of those it takes from has got
    /// all of that, too, and shows what has become of it.
    fn is_still_there(&self, sources: &[(&RecordState, &Bearing)], made_with: ClaimStamp) -> bool {
        let is_it = |record: &&RecordState| record.id == made_with.record;
        let Some(made_of) = self.entity.records.iter().copied().find(is_it) else { return false };
        let has_got = |(other, by): &(&RecordState, &Bearing)| {
            let bearings = self.entity.bearings(self.plan, other.ty, by.theirs);
            let from = (made_of.ty, made_with.prop);
            bearings.iter().any(|by| by.open && by.each && (by.other, by.theirs) == from)
        };
        made_of.is_live() || !self.joined && sources.iter().any(has_got)
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
        let first = self.meet(to, back);
        let arriving = Likeness::arriving(by, way.target);
        let mut added = false;
        for element in brings.elements {
            let became = match way.translate(&element) {
                Element::Becomes(became) => became,
                Element::Waits(_) | Element::Fails(_) => {
                    brings.from.into_iter().for_each(|from| {
                        self.lists[from].waiting.push(element.clone());
                    });
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
        if let Some(from) = brings.from {
            self.lists[from].unmet |= first;
            // A list that has not been read yet, as its row is new, has met nobody.
            if self.lists[to].is_read() && self.lists[from].is_read() {
                self.lists[to].met.get_or_insert(brings.stamp);
            }
        }
        added
    }

    /// Whether a list meets others only now; or anew, where the flows have changed and it was kept
    /// as one value before.
    fn meet(&self, to: usize, back: Option<&Bearing>) -> bool {
        let list = &self.lists[to];
        let anew = self.slice.reconsider && back.is_some() && list.was_one_value();
        self.joined || anew || list.outdated || list.slot().carries.is_none()
    }

    /// What a record brings to a list: all that it should hold where the two meet, else what has
    /// come to it.
    fn brought(&self, to: usize, other: &RecordState, by: &Bearing) -> Brings {
        let slot = other.slot(by.theirs);
        let at = slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at);
        let stamp = ClaimStamp { at, record: other.id, prop: by.theirs };
        let from = self.list_of(other, by.theirs).filter(|_| by.each);
        let Some(list) = from.map(|from| &self.lists[from]) else {
            let whole = self.plan.prop(by.other, by.theirs).whole;
            let comes = self.joined
                || self.slice.reconsider
                || self.lists[to].outdated
                || slot.displaced.is_some();
            let elements = if comes { vec![slot.value(whole).clone()] } else { vec![] };
            return Brings { elements, at, from, stamp };
        };
        let elements = if self.meet(to, self.back(to, by)) {
            list.desired.clone()
        } else {
            // What has just been taken out of it is brought no more: where a condition keeps records
            // apart, what came is compared anew each time (L9).
            let is_left = |one: &&Value| list.likeness.is_in(&list.desired, one);
            let displaced = list.displaced.as_deref();
            displaced.map_or(vec![], |displaced| {
                let come = list.likeness.missing(&list.stands, displaced).into_iter();
                come.filter(is_left).cloned().collect()
            })
        };
        Brings { elements, at: list.at, from, stamp }
    }

    /// By what the list takes from this one, if it does.
    fn back(&self, to: usize, by: &Bearing) -> Option<&'a Bearing> {
        let (ty, prop) = self.lists[to].of();
        let back = self.entity.bearings(self.plan, by.other, by.theirs).iter();
        back.into_iter().find(|back| {
            back.open
                && back.each
                && back.on_create.is_empty()
                && (back.other, back.theirs) == (ty, prop)
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
