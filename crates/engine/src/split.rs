//! Taking an entity apart (L7): what each half holds when a person unlinks it is its own from then
//! on.
//!
//! A value that Lockstep brought into a record is nobody's claim there; the claim stands in the
//! record in which somebody put it in, and that may now be in the other half. Without a claim of
//! its own a half would fall back to older values, and what is created for it would lack what it
//! shows. So of the records that hold such a value one comes to claim it, as of the time at which
//! it was put in; the others carry that claim.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::value::{equal_as, is_empty, same};
use lockstep_model::{Claim, ClaimStamp, PropIx, RecordId, RecordState, Timestamp};

use crate::plan::{Bearing, Plan};
use crate::settle::{Candidate, Entity, candidates, settle_goes, shows};

/// Gives a half of an entity the claims that it lacks without the other half. `half` is left with
/// them; the numbers of the records that changed are returned. `unwritten` are the properties of
/// which a write has been decided on that is not known to be done: they still show what was there
/// before.
pub fn inherit(
    plan: &Plan,
    now: Timestamp,
    half: &mut [RecordState],
    other: &[RecordState],
    unwritten: &[(RecordId, PropIx)],
) -> Vec<RecordId> {
    let found = inheritance(plan, now, half, other, unwritten);
    let mut changed = hand_over(plan, half, found);
    changed.extend(lists_alone(plan, half));
    let settled = settle_goes(plan, now, &Entity::of(plan, half.iter().collect()), true);
    for (id, prop, goes) in settled.into_iter().filter(|(id, _, _)| changed.contains(id)) {
        let slot = half
            .iter_mut()
            .find(|record| record.id == id)
            .map(|record| &mut record.slots[prop.at()]);
        if let Some(claim) = slot.and_then(|slot| slot.claim.as_mut()) {
            claim.goes = goes;
        }
    }
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// By what a value came that is taken over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Claim(ClaimStamp),
    /// Lockstep wrote it, and it is not remembered by which claim.
    Forgotten {
        at: Timestamp,
        prop: PropIx,
    },
}

impl Origin {
    /// When the value counts as put in.
    fn at(self) -> Timestamp {
        match self {
            Origin::Claim(stamp) => stamp.at,
            Origin::Forgotten { at, .. } => at,
        }
    }
}

/// Which record of a half, and which of its properties.
type Held = (usize, PropIx);

/// What a half takes over.
#[derive(Default)]
struct Inheritance {
    /// By what came of the other half: who holds its value.
    held: BTreeMap<Origin, Vec<Held>>,
    /// The half's own claims of the same time.
    ties: BTreeMap<Origin, BTreeSet<ClaimStamp>>,
    /// Who shows the value as it was put in.
    exact: BTreeMap<Origin, Held>,
    /// Values of which no claim is known, with the claims that bear on them.
    left_over: Vec<(Origin, Held, Vec<ClaimStamp>)>,
    /// What is still to be given a value of the half's own, and carries a claim of the other half:
    /// of the same time, that would count as the later one.
    outdated: Vec<Held>,
}

impl Inheritance {
    /// A value of which no claim is known is the half's own, unless another of its records holds
    /// what bears on it: that was written later, and here it is still on its way or was not kept
    /// (R6).
    fn take_left_over(&mut self) {
        for (origin, at, claims) in std::mem::take(&mut self.left_over) {
            if !claims.iter().any(|stamp| self.held.contains_key(&Origin::Claim(*stamp))) {
                self.held.entry(origin).or_default().push(at);
                let tied = claims.into_iter().filter(|stamp| stamp.at == origin.at());
                self.ties.entry(origin).or_default().extend(tied);
            }
        }
    }
}

/// What the records of a half hold by claims of the other half.
fn inheritance(
    plan: &Plan,
    now: Timestamp,
    half: &[RecordState],
    other: &[RecordState],
    unwritten: &[(RecordId, PropIx)],
) -> Inheritance {
    let mut found = Inheritance::default();
    let whole = Entity::unconditional(plan, half.iter().chain(other).collect());
    let now_held = Entity::of(plan, half.iter().collect());
    for (at, record) in half.iter().enumerate() {
        for prop in (0..plan.ty(record.ty).props.len() as u16).map(PropIx) {
            if plan.prop(record.ty, prop).each {
                continue;
            }
            let waits = unwritten.contains(&(record.id, prop));
            let property = Property { plan, now, half, now_held: &now_held, record, prop, waits };
            property.add_to(&mut found, at, &whole);
        }
    }
    found.take_left_over();
    found
}

/// A property of a half.
struct Property<'a> {
    plan: &'a Plan,
    now: Timestamp,
    half: &'a [RecordState],
    /// The half, as its conditions hold now.
    now_held: &'a Entity<'a>,
    record: &'a RecordState,
    prop: PropIx,
    /// A write of it has been decided on that is not known to be done.
    waits: bool,
}

impl Property<'_> {
    fn is_mine(&self, id: RecordId) -> bool {
        self.half.iter().any(|record| record.id == id)
    }

    /// Whether it shows the value of a claim. P8: whether a reference is the one that was put in
    /// can't be told from its id.
    fn shows(&self, one: &Candidate<'_>) -> bool {
        !(self.waits && one.by.is_some_and(|by| by.reference))
            && shows(self.plan, self.now, self.record, self.prop, one)
    }

    /// Whether a claim of the half's own reaches it. L9: one that comes by a flow which does not
    /// hold now takes nothing's place.
    fn is_reached_by(&self, one: &Candidate<'_>) -> bool {
        let way = |by: &Bearing| (by.other, by.theirs) == (one.from, one.stamp.prop);
        let held = || self.now_held.bearings(self.plan, self.record.ty, self.prop).iter().any(way);
        self.is_mine(one.stamp.record) && (one.by.is_none() || held())
    }

    /// Adds what it holds by a claim of the other half.
    fn add_to(&self, inheritance: &mut Inheritance, at: usize, whole: &Entity<'_>) {
        let Property { plan, record, prop, .. } = *self;
        let all = candidates(plan, whole, record.ty, prop, Some(record.id));
        let found = all.iter().find(|one| self.is_reached_by(one) || self.shows(one));
        let Some(found) = found.filter(|found| !self.is_mine(found.stamp.record)) else {
            // What wins in the whole wins in this half too, where it is in it; and what is shown of
            // a claim that is still there is older than what the half has of its own.
            let as_before = all.first().is_some_and(|one| self.is_reached_by(one));
            let carries_theirs =
                record.slot(prop).carries.is_some_and(|stamp| !self.is_mine(stamp.record));
            if as_before && carries_theirs && !self.shows(&all[0]) {
                inheritance.outdated.push((at, prop));
            }
            let known = as_before || all.iter().any(|one| self.shows(one));
            let left = left_over(plan, record, prop).filter(|_| !known);
            let is_mine = |origin: &Origin| match origin {
                Origin::Claim(stamp) => self.is_mine(stamp.record),
                Origin::Forgotten { .. } => false,
            };
            if let Some(origin) = left.filter(|origin| !is_mine(origin)) {
                let claims = all.iter().map(|one| one.stamp).collect();
                inheritance.left_over.push((origin, (at, prop), claims));
            }
            return;
        };
        let origin = Origin::Claim(found.stamp);
        inheritance.held.entry(origin).or_default().push((at, prop));
        let tied = |one: &&Candidate<'_>| one.stamp.at == found.stamp.at;
        let mine = all.iter().filter(|one| self.is_mine(one.stamp.record)).filter(tied);
        inheritance.ties.entry(origin).or_default().extend(mine.map(|one| one.stamp));
        let described = plan.prop(record.ty, prop);
        let shown = record.slot(prop).value(described.whole);
        // R6: nor one of which nothing has shown yet that it kept the value.
        if record.slot(prop).before.is_none() && equal_as(described.ty, shown, &found.claim.value) {
            inheritance.exact.entry(origin).or_insert((at, prop));
        }
    }
}

/// Of the records that hold a value one comes to claim it; the others carry that claim. Gives those
/// that changed.
fn hand_over(plan: &Plan, half: &mut [RecordState], found: Inheritance) -> Vec<RecordId> {
    let Inheritance { held, ties, exact, outdated, .. } = found;
    let mut changed: Vec<RecordId> = Vec::new();
    for (at, prop) in outdated {
        let slot = &mut half[at].slots[prop.at()];
        (slot.carries, slot.given) = (None, None);
        changed.push(half[at].id);
    }
    // Whoever holds it as it was put in, before one whose system has made something else of it, or
    // may not have kept it.
    let heir = |origin: &Origin, holders: &[Held]| {
        let has_shown = |(at, prop): &&Held| half[*at].slot(*prop).before.is_none();
        let shown = holders.iter().find(has_shown);
        exact.get(origin).or(shown).copied().unwrap_or(holders[0])
    };
    let inherited: Vec<(Origin, Held, Vec<Held>)> = held
        .into_iter()
        .map(|(origin, holders)| (origin, heir(&origin, &holders), holders))
        .collect();
    // P1: a time that nobody tells does not become one that is told. What is as old steps back.
    let mut outdone: BTreeSet<ClaimStamp> = BTreeSet::new();
    for (origin, (heir, of), _) in inherited.iter().filter(|(origin, ..)| !origin.at().is_told()) {
        outdone.extend(ties.get(origin).into_iter().flatten());
        outdone.insert(ClaimStamp { at: origin.at(), record: half[*heir].id, prop: *of });
    }
    changed.extend(take_back(half, &outdone));
    for (origin, (heir, of), holders) in inherited {
        // It had come before the half's own claims of the same time, and still does.
        let is_tied = ties.get(&origin).is_some_and(|tied| !tied.is_empty());
        let at = origin.at().plus_ms(i64::from(is_tied && origin.at().is_told()));
        let whole = plan.prop(half[heir].ty, of).whole;
        let slot = &mut half[heir].slots[of.at()];
        slot.claim = Some(Claim { value: slot.value(whole).clone(), at, goes: vec![] });
        slot.carries = None;
        let inherited = ClaimStamp { at, record: half[heir].id, prop: of };
        for (at, prop) in holders {
            if (at, prop) != (heir, of) {
                half[at].slots[prop.at()].carries = Some(inherited);
            }
            changed.push(half[at].id);
        }
    }
    changed
}

/// Puts claims of which nobody tells the time, and what is carried of them, behind those that are as
/// old. Gives the records that changed.
fn take_back(half: &mut [RecordState], outdone: &BTreeSet<ClaimStamp>) -> Vec<RecordId> {
    let mut changed = Vec::new();
    for record in half {
        let id = record.id;
        for (at, slot) in record.slots.iter_mut().enumerate() {
            let prop = PropIx(at as u16);
            let own = |claim: &&mut Claim| {
                outdone.contains(&ClaimStamp { at: claim.at, record: id, prop })
            };
            let carried = slot.carries.as_mut().filter(|stamp| outdone.contains(stamp));
            let times = carried.map(|stamp| &mut stamp.at).into_iter();
            for at in times.chain(slot.claim.as_mut().filter(own).map(|claim| &mut claim.at)) {
                *at = at.plus_ms(-1);
                changed.push(id);
            }
        }
    }
    changed
}

/// P11: a list whose elements come and go holds what it shows, and has met no other. P3: what each
/// element stands for, where its system stores it in another form, stays known: the other half may
/// be linked again, or another record, that holds the same. Gives the records that changed.
fn lists_alone(plan: &Plan, half: &mut [RecordState]) -> Vec<RecordId> {
    let mut changed = Vec::new();
    for record in half.iter_mut().filter(|_| plan.has_each) {
        for (slot, prop) in record.slots.iter_mut().zip(&plan.ty(record.ty).props) {
            if !prop.each || !prop.paired || slot.carries.is_none() && slot.claim.is_none() {
                continue;
            }
            let value = slot.given.as_deref().unwrap_or(slot.value(true)).clone();
            let at = slot.claim.as_ref().map_or(Timestamp::UNTOLD, |claim| claim.at);
            (slot.claim, slot.carries) = (Some(Claim { value, at, goes: vec![] }), None);
            slot.displaced = None;
            changed.push(record.id);
        }
    }
    changed
}

/// The claim that a property was given and that has been displaced where it was made, though not
/// here yet: what is shown here is the last that is left of it.
fn left_over(plan: &Plan, record: &RecordState, prop: PropIx) -> Option<Origin> {
    let slot = record.slot(prop);
    if !plan.prop(record.ty, prop).paired {
        return None;
    }
    // What a creation brought as it was asked to is not remembered by its claim, nor what was
    // written before something that was not kept (R6). It is later than what the record holds of
    // its own, and no later than that creation, whatever was written since.
    let described = plan.prop(record.ty, prop);
    let shown = slot.value(described.whole);
    let own = slot.claim.as_ref();
    let is_written = || {
        let is_own = own.is_some_and(|own| same(described.terms(), &own.value, shown));
        record.written_at.is_some() && !is_own && !is_empty(shown)
    };
    let after = |own: &Claim| own.at.plus_ms(i64::from(own.at.is_told()));
    let at = || own.map_or(record.first_seen, after);
    let forgotten = || is_written().then(|| Origin::Forgotten { at: at(), prop });
    slot.carries.map(Origin::Claim).or_else(forgotten)
}
