//! Settling: what every property of an entity should hold (P0–P3), as a pure function of the claims
//! of its records.
//!
//! A property takes the latest claim among its own and those of the properties that bear on it in
//! the other records. Lockstep's own writes are no claims; so every settled state is a fixed point,
//! in whatever order things were read.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use lockstep_model::change::Counterpart;
use lockstep_model::flow::Policy;
use lockstep_model::value::{
    self, Terms, as_stored, coerce, effective, equal, equal_as, is_empty, like, same, successor,
};
use lockstep_model::{
    Change, Claim, ClaimStamp, Kind, PlainType, PropIx, Reason, RecordId, RecordState, Rule,
    Timestamp, TypeIx, Value,
};

use crate::conditions::suspended;
use crate::facets::went_with_a_part;
use crate::graph::{Apart, Bearings, apart};
use crate::groups;
use crate::keys::each_id;
use crate::parts;
use crate::pick::holding;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::slice::Slice;

/// A claim and the way it comes: from the property itself, or by what bears on it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub claim: &'a Claim,
    pub stamp: ClaimStamp,
    pub from: TypeIx,
    /// `None` for a claim of the property itself, in this record or in one that stood in its place
    /// and is gone.
    pub by: Option<&'a Bearing>,
    /// The record in which it was made.
    pub record: &'a RecordState,
    /// The place of the row that it comes by.
    row: usize,
}

/// What a property should be given.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// It holds what it should.
    Nothing,
    /// P9: one of its list's elements is what it should hold, and shall stand for it from now on.
    Pick { element: Value },
    Write {
        value: Value,
        counterpart_of: Option<Counterpart>,
        claim: ClaimStamp,
        rule: Rule,
        reason: Reason,
    },
    /// P8: the record that it should refer to has no counterpart here.
    Waits { reference: Counterpart, claim: ClaimStamp },
    /// The value can't be converted.
    Unconvertible { value: Value, claim: ClaimStamp, message: String },
}

/// The members of an entity as values travel between them.
pub struct Entity<'a> {
    pub records: Vec<&'a RecordState>,
    /// Pairs of record types that a condition keeps apart just now (L9, unqualified; L11), the
    /// lower one first.
    suspended: Vec<Apart>,
    /// What bears on what without those (P0); `None` where all flows hold.
    left: Option<&'a Bearings>,
    /// What counts as put into a property besides its own latest claim, or in its place, each as a
    /// claim of its record: what it was given by a claim that does not reach it any more (L9), what
    /// a value that wins shows (P1), what its group claims (P1e).
    inherited: Vec<(RecordId, PropIx, Claim)>,
}

impl<'a> Entity<'a> {
    /// These records, with the conditions that hold for them now.
    pub fn of(plan: &'a Plan, records: Vec<&'a RecordState>) -> Self {
        let suspended = suspended(plan, &records);
        let left = (!suspended.is_empty()).then(|| plan.without(&suspended));
        let mut entity = Entity { records, suspended, left, inherited: vec![] };
        entity.group(plan);
        if left.is_some() {
            let cut_off = inherited(plan, &entity);
            entity.inherited = cut_off;
            entity.group(plan);
        }
        if plan.by_value {
            let shown = shown_as_claims(plan, &entity);
            entity.inherited.extend(shown);
        }
        entity
    }

    /// These records as if all flows held for them.
    pub fn unconditional(plan: &'a Plan, records: Vec<&'a RecordState>) -> Self {
        let mut entity = Entity { records, suspended: vec![], left: None, inherited: vec![] };
        entity.group(plan);
        entity
    }

    /// P1e: what is claimed of a property of a group is claimed of all of it.
    fn group(&mut self, plan: &Plan) {
        if !plan.has_groups {
            return;
        }
        let mut all = groups::claims(plan, &self.records, |record, prop| self.claim(record, prop));
        all.extend(self.inherited.drain(..).filter(|(id, prop, _)| {
            let record = self.records.iter().find(|record| record.id == *id);
            record.is_none_or(|record| !plan.is_grouped(record.ty, *prop))
        }));
        self.inherited = all;
    }

    /// What counts as put into a property of a record: its own latest claim, or what it was given
    /// by one that does not reach it any more.
    fn claim<'e>(&'e self, record: &'e RecordState, prop: PropIx) -> Option<&'e Claim> {
        let inherited = self
            .inherited
            .iter()
            .find(|(id, of, _)| (*id, *of) == (record.id, prop))
            .map(|(_, _, claim)| claim);
        inherited.or(record.slot(prop).claim.as_ref())
    }

    /// Whether a condition keeps two record types apart.
    pub fn is_suspended(&self, a: TypeIx, b: TypeIx) -> bool {
        self.suspended.contains(&apart(a, b))
    }

    /// What bears on a property.
    pub fn bearings(&self, plan: &'a Plan, ty: TypeIx, prop: PropIx) -> &'a [Bearing] {
        let left = self.left.and_then(|left| left.get(&ty)).and_then(|own| own.get(prop.at()));
        left.unwrap_or(&plan.ty(ty).bearings[prop.at()])
    }
}

/// All claims that a property may take, the winner first. `me` is `None` for a record that does not
/// exist yet.
pub fn candidates<'a>(
    plan: &'a Plan,
    entity: &'a Entity<'a>,
    ty: TypeIx,
    prop: PropIx,
    me: Option<RecordId>,
) -> Vec<Candidate<'a>> {
    let described = plan.prop(ty, prop);
    let mut found = Vec::new();
    let mut consider =
        |record: &'a RecordState, theirs: PropIx, by: Option<&'a Bearing>, row: usize| {
            let Some(claim) = entity.claim(record, theirs) else { return };
            if let Policy::OnlyFrom(system) = &described.policy
                && plan.ty(record.ty).name.system != *system
            {
                return;
            }
            if let Some(bearing) = by {
                let goes = me.and_then(|_| claim.goes.iter().find(|(to, _)| *to == ty));
                // P1c: what only fills goes where it was said to at the first link.
                let open = bearing.open
                    && (!bearing.fills || goes.is_some())
                    && !(bearing.on_create && me.is_some());
                if !open
                    || goes.is_some_and(|(_, props)| !props.contains(&prop))
                    || (!bearing.clears && is_empty(&claim.value))
                {
                    return;
                }
            }
            let stamp = ClaimStamp { at: claim.at, record: record.id, prop: theirs };
            found.push(Candidate { claim, stamp, from: record.ty, by, record, row });
        };
    if let Some(own) = me.and_then(|me| entity.records.iter().find(|record| record.id == me)) {
        consider(own, prop, None, 0);
        // D1, L6: a record of the same type that is gone has left its place in the entity to this
        // one, with what was put in there.
        for record in entity
            .records
            .iter()
            .filter(|record| record.ty == ty && !record.is_live() && record.id != own.id)
        {
            consider(record, prop, None, 0);
        }
    }
    for (row, bearing) in entity.bearings(plan, ty, prop).iter().enumerate() {
        for record in &entity.records {
            if record.ty == bearing.other && Some(record.id) != me {
                consider(record, bearing.theirs, Some(bearing), row);
            }
        }
    }
    // P1c: what only fills counts where nothing else does.
    if found.iter().any(|one| !one.by.is_some_and(|by| by.fills)) {
        found.retain(|one| !one.by.is_some_and(|by| by.fills));
    }
    found.sort_by(|a, b| precedence(plan, entity, (ty, prop), a, b));
    found
}

/// P1c: the claims that may fill a property of a record that is created, where nothing that belongs
/// to it gives it a value.
pub fn filling<'a>(
    plan: &'a Plan,
    entity: &Entity<'a>,
    ty: TypeIx,
    prop: PropIx,
) -> Option<Candidate<'a>> {
    let fills =
        entity.bearings(plan, ty, prop).iter().enumerate().filter(|(_, bearing)| bearing.fills);
    let mut found: Vec<Candidate<'a>> = fills
        .flat_map(|(row, bearing)| {
            let records = entity
                .records
                .iter()
                .filter(|record| record.ty == bearing.other && record.is_live());
            records.filter_map(move |record| {
                let claim = record
                    .slot(bearing.theirs)
                    .claim
                    .as_ref()
                    .filter(|claim| !is_empty(&claim.value))?;
                let stamp = ClaimStamp { at: claim.at, record: record.id, prop: bearing.theirs };
                Some(Candidate { claim, stamp, from: record.ty, by: Some(bearing), record, row })
            })
        })
        .collect();
    found.sort_by(|a, b| precedence(plan, entity, (ty, prop), a, b));
    found.into_iter().next()
}

/// P1: the latest first. On a tie what comes by rows of one direction (P12), then the record type
/// that was named first, then the record with the lower id in its system, then the first row: so
/// that both sides of a tie agree, in whatever order they were read. A policy of preference goes
/// before time.
fn precedence(
    plan: &Plan,
    entity: &Entity<'_>,
    of: (TypeIx, PropIx),
    a: &Candidate<'_>,
    b: &Candidate<'_>,
) -> Ordering {
    // Numbers of one length are in their order, and `9` comes before `10`.
    let id = |candidate: &Candidate<'_>| (candidate.record.key.len(), candidate.record.key.clone());
    let both_ways = |candidate: &Candidate<'_>| !comes_one_way(plan, entity, of, candidate);
    let prop = plan.prop(of.0, of.1);
    preferred(plan, prop, a, b)
        .then_with(|| b.stamp.at.cmp(&a.stamp.at))
        .then_with(
            || if a.from == b.from { Ordering::Equal } else { both_ways(a).cmp(&both_ways(b)) },
        )
        .then_with(|| a.from.cmp(&b.from))
        .then_with(|| {
            if a.stamp.record == b.stamp.record { Ordering::Equal } else { id(a).cmp(&id(b)) }
        })
        .then_with(|| (a.row, a.stamp.prop).cmp(&(b.row, b.stamp.prop)))
}

/// P12: whether a claim comes from a property that takes nothing from this one.
fn comes_one_way(
    plan: &Plan,
    entity: &Entity<'_>,
    (ty, prop): (TypeIx, PropIx),
    candidate: &Candidate<'_>,
) -> bool {
    candidate.by.is_some_and(|by| {
        let back = entity.bearings(plan, candidate.from, by.theirs);
        !back.iter().any(|back| back.other == ty && back.theirs == prop && back.open)
    })
}

/// Which of two claims a policy prefers, whatever their times.
fn preferred(plan: &Plan, prop: &PlanProp, a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    match &prop.policy {
        Policy::Wins(wins) => wins.compare(&a.claim.value, &b.claim.value),
        _ => preference(plan, prop, a).cmp(&preference(plan, prop, b)),
    }
}

/// `wins`: what the records show of properties of which the value decides, each as a claim of its
/// record: it counts, whoever put it there.
fn shown_as_claims(plan: &Plan, entity: &Entity<'_>) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for (ix, prop) in plan.ty(record.ty).props.iter().enumerate() {
            let slot = record.slot(PropIx(ix as u16));
            if slot.claim.is_some()
                || !prop.paired
                || !matches!(prop.policy, Policy::Wins(_))
                || is_empty(slot.value(prop.whole))
            {
                continue;
            }
            let at = slot.carries.map_or(Timestamp::UNTOLD, |carried| carried.at);
            found.push((
                record.id,
                PropIx(ix as u16),
                Claim { value: slot.value(prop.whole).clone(), at, goes: vec![] },
            ));
        }
    }
    found
}

/// The place of a claim's system in `prefer`.
fn preference(plan: &Plan, prop: &PlanProp, candidate: &Candidate<'_>) -> usize {
    match &prop.policy {
        Policy::Prefer(systems) => {
            let system = &plan.ty(candidate.from).name.system;
            systems.iter().position(|s| s == system).unwrap_or(systems.len())
        }
        _ => 0,
    }
}

/// What decided for the first of these claims.
pub fn reason(
    plan: &Plan,
    entity: &Entity<'_>,
    of: (TypeIx, PropIx),
    all: &[Candidate<'_>],
) -> Reason {
    let prop = plan.prop(of.0, of.1);
    let [best, others @ ..] = all else { return Reason::Latest };
    if matches!(prop.policy, Policy::OnlyFrom(_)) {
        return Reason::Policy;
    }
    let rival = others.iter().find(|other| {
        other.stamp.record != best.stamp.record && !equal(&other.claim.value, &best.claim.value)
    });
    let Some(rival) = rival else { return Reason::Latest };
    if preferred(plan, prop, best, rival).is_lt() {
        return Reason::Policy;
    }
    // Who was there when its record was first read was not edited since.
    let first_read = |candidate: &Candidate<'_>| candidate.stamp.at <= candidate.record.first_seen;
    let one_way = |candidate| comes_one_way(plan, entity, of, candidate);
    match (best.stamp.at == rival.stamp.at, rival.stamp.at.is_told()) {
        (true, _) if one_way(best) && !one_way(rival) => Reason::OneWay,
        (true, true) => Reason::Tie,
        (true, false) => Reason::Untold,
        (false, false) if first_read(best) => Reason::Told,
        (false, _) => Reason::Latest,
    }
}

/// What a property of a member should be given.
pub fn wanted(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Wanted {
    let described = plan.prop(record.ty, prop);
    // P10; a policy may still let this record's claims travel.
    if !described.paired
        || described.read_only
        || described.create_only
        || !is_there(described, record)
    {
        return Wanted::Nothing;
    }
    let slot = record.slot(prop);
    let all = candidates(plan, entity, record.ty, prop, Some(record.id));
    let shown = slot.value(described.whole);
    let Some(best) = all.first() else {
        return match default(plan, slice, entity, (record.ty, prop), false) {
            // Once given and emptied again, it is declined (G7).
            Wanted::Write { claim, .. } if slot.carries == Some(claim) => Wanted::Nothing,
            default if is_empty(shown) => default,
            _ => Wanted::Nothing,
        };
    };
    let given_before =
        slot.carries.filter(|carried| carried.record != record.id && *carried != best.stamp);
    if given_before.is_some_and(|carried| {
        best.stamp.at <= carried.at && is_cut_off(plan, entity, record, prop, carried)
    }) {
        return Wanted::Nothing;
    }
    if best.stamp.record == record.id {
        // Where the flows have changed, what is shown may be what another claim gave that does not
        // win any more.
        let given_before = given_before.filter(|_| slice.reconsider);
        let lost_to_another = given_before.is_some() && entity.suspended.is_empty();
        let differs = !same(described.terms(), &best.claim.value, shown)
            && slot.given.as_deref() != Some(&best.claim.value);
        return match lost_to_another && differs && (!described.list || described.whole) {
            true => Wanted::Write {
                value: best.claim.value.clone(),
                counterpart_of: None,
                claim: best.stamp,
                rule: Rule::P1,
                reason: reason(plan, entity, (record.ty, prop), &all),
            },
            false => Wanted::Nothing,
        };
    }
    let in_parts = best.by.is_some_and(|by| parts::are_in(described, by.other));
    // Of a list of references more may be known now than when it was written (P8).
    let may_grow = described.whole && best.by.is_some_and(|by| by.reference);
    // What it was given stands, whatever its system made of it; unless the flows may ask for
    // another value now.
    if slot.carries == Some(best.stamp) && !in_parts && !may_grow && !slice.reconsider {
        return Wanted::Nothing;
    }
    if is_empty(shown) && went_with_a_part(plan, entity, best) {
        return Wanted::Nothing;
    }
    // A claim of emptiness on one that never was told asks for nothing.
    if is_empty(&best.claim.value)
        && is_empty(shown)
        && !in_parts
        && !best.by.is_some_and(|by| by.defaults)
    {
        return Wanted::Nothing;
    }
    let rule =
        if all.iter().any(|other| other.stamp.record == record.id && !is_empty(&other.claim.value))
            || !is_empty(shown)
        {
            Rule::P1
        } else {
            Rule::P2
        };
    let (translated, by) = match best.by {
        Some(by) => (brought(plan, slice, entity, best, by, (record.ty, prop), shown), Some(by)),
        // A place in a list is the other record's own.
        None if described.list && !described.whole => return Wanted::Nothing,
        None => {
            let value = best.claim.value.clone();
            (written(value, best.stamp, Rule::P1), None)
        }
    };
    let terms = by.map_or_else(|| described.terms(), |by| by.terms);
    let translated = match translated {
        Wanted::Write { .. }
            if let Some(value) =
                decided_element(slice, record, prop, &best.claim.value, best.stamp) =>
        {
            written(value, best.stamp, Rule::P1)
        }
        other => other,
    };
    match translated {
        Wanted::Write { value, .. } if same(terms, &value, shown) => Wanted::Nothing,
        // P3: it has been given this very value, and shows what the system made of it.
        Wanted::Write { ref value, .. }
            if slot.given.as_ref().is_some_and(|given| same(terms, value, given)) =>
        {
            Wanted::Nothing
        }
        Wanted::Write { value, .. }
            if described.stored_as.caseless && same_but_for_case(&value, shown) =>
        {
            Wanted::Nothing
        }
        Wanted::Write { .. }
            if by.is_some_and(|by| judged_equal(slice.now, by, &best.claim.value, shown)) =>
        {
            Wanted::Nothing
        }
        Wanted::Write { ref value, .. }
            if let Some(element) = in_list(described, terms, slot.shadow.as_ref(), value) =>
        {
            Wanted::Pick { element: element.clone() }
        }
        Wanted::Write { value, counterpart_of, claim, .. } => {
            let rule = if by.is_some_and(|by| by.reference) {
                Rule::P8
            } else if in_parts {
                Rule::P1d
            } else if groups::moves_along(plan, best.record, best.stamp) {
                Rule::P1e
            } else {
                rule
            };
            Wanted::Write {
                value,
                counterpart_of,
                claim,
                rule,
                reason: reason(plan, entity, (record.ty, prop), &all),
            }
        }
        other => other,
    }
}

/// P9: the element of a list that has been decided on for a single value and is not written yet.
/// What the list held before is known while an edit is decided on for the first time only.
fn decided_element(
    slice: &Slice,
    record: &RecordState,
    prop: PropIx,
    claimed: &Value,
    claim: ClaimStamp,
) -> Option<Value> {
    let list = claimed.as_array()?;
    let open = slice.intents_of(record.entity).filter(|intent| intent.record == Some(record.id));
    let decided = open
        .flat_map(|intent| &intent.changes)
        .find(|change| change.prop == prop && change.claim == claim)?;
    (list.contains(&decided.value) && !slice.displaced.contains_key(&(claim.record, claim.prop)))
        .then(|| decided.value.clone())
}

fn written(value: Value, claim: ClaimStamp, rule: Rule) -> Wanted {
    Wanted::Write { value, counterpart_of: None, claim, rule, reason: Reason::Latest }
}

/// What a property is given where nobody has put anything into any of those that bear on it: what a
/// conversion gives for nothing. It is Lockstep's own, and travels nowhere.
pub fn default(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    (ty, prop): (TypeIx, PropIx),
    creating: bool,
) -> Wanted {
    for by in entity
        .bearings(plan, ty, prop)
        .iter()
        .filter(|by| by.defaults && by.open && (creating || !by.on_create))
    {
        let Some(record) =
            entity.records.iter().find(|record| record.ty == by.other && record.is_live())
        else {
            continue;
        };
        let claim = Claim { value: Value::Null, at: Timestamp::UNTOLD, goes: vec![] };
        let stamp = ClaimStamp { at: claim.at, record: record.id, prop: by.theirs };
        let nothing =
            Candidate { claim: &claim, stamp, from: record.ty, by: Some(by), record, row: 0 };
        return translate(plan, slice, &nothing, by, plan.prop(ty, prop), &Value::Null);
    }
    Wanted::Nothing
}

/// What a claim brings to a property: its value in the property's terms, or the whole that a part
/// of it belongs to (P1d).
pub fn brought(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    best: &Candidate<'_>,
    by: &Bearing,
    (ty, prop): (TypeIx, PropIx),
    shown: &Value,
) -> Wanted {
    let described = plan.prop(ty, prop);
    let plain = || translate(plan, slice, best, by, described, shown);
    let Some(parts) = described.parts.iter().find(|parts| parts.other == by.other) else {
        return plain();
    };
    let held = |part: PropIx| held_by(plan, slice, entity, best.record, part);
    match parts::whole(parts, shown, held, slice.now) {
        Some(whole) => match coerce(&whole, described.ty) {
            Ok(value) => written(as_stored(value, described.stored_as), best.stamp, Rule::P1d),
            Err(message) => Wanted::Unconvertible { value: whole, claim: best.stamp, message },
        },
        // It is one of several forms of the same value, and leads back alone.
        None if by.judged_by.is_none() && by.conversion.is_ok() => plain(),
        None => Wanted::Unconvertible {
            value: best.claim.value.clone(),
            claim: best.stamp,
            message: format!(
                "no value of {} has {}",
                described.name,
                parts
                    .parts
                    .iter()
                    .map(|part| format!(
                        "{} as its {}",
                        lockstep_model::value::shown(&held(part.prop)),
                        plan.prop(by.other, part.prop).name
                    ))
                    .collect::<Vec<_>>()
                    .join(" and ")
            ),
        },
    }
}

/// What a property of a member should hold by the claims of now, whether it has been written yet or
/// not.
fn held_by(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Value {
    let described = plan.prop(record.ty, prop);
    let shown = record.slot(prop).value(described.whole);
    let all = candidates(plan, entity, record.ty, prop, Some(record.id));
    let given = all.first().and_then(|best| match best.by {
        None => Some(best.claim.value.clone()),
        Some(by) => match translate(plan, slice, best, by, described, shown) {
            Wanted::Write { value, .. } => Some(value),
            _ => None,
        },
    });
    given.unwrap_or_else(|| shown.clone())
}

/// P12: what a property would hold if it went by the values that reach it alone, where it holds
/// another that does not travel back.
pub fn drifted(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Option<Value> {
    let described = plan.prop(record.ty, prop);
    if described.create_only || described.read_only || !described.paired {
        return None;
    }
    let all = candidates(plan, entity, record.ty, prop, Some(record.id));
    let own = all.first().filter(|best| best.stamp.record == record.id)?;
    let shown = record.slot(prop).value(described.whole);
    let one_way = |one: &&Candidate<'_>| comes_one_way(plan, entity, (record.ty, prop), one);
    let (rival, by) = all.iter().find(one_way).and_then(|one| Some((one, one.by?)))?;
    if is_empty(&rival.claim.value) && !is_empty(&own.claim.value) && !by.clears {
        return None;
    }
    match translate(plan, slice, rival, by, described, shown) {
        Wanted::Write { value, .. } if same(by.terms, &value, shown) => None,
        Wanted::Write { .. } if judged_equal(slice.now, by, &rival.claim.value, shown) => None,
        Wanted::Write { value, .. } => Some(value),
        _ => None,
    }
}

/// L9: whether a claim that a property was given does not reach it any more: a flow does not hold
/// just now, or is gone. What it gave stays, until somebody puts in another: an older value does
/// not come back.
fn is_cut_off(
    plan: &Plan,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
    carried: ClaimStamp,
) -> bool {
    let Some(from) =
        entity.records.iter().find(|other| other.id == carried.record).map(|other| other.ty)
    else {
        return true;
    };
    !entity
        .bearings(plan, record.ty, prop)
        .iter()
        .any(|by| by.other == from && by.theirs == carried.prop)
}

/// L9: what the records were given by claims that do not reach them any more. A record shows such a
/// value until somebody puts in another; so it counts as put in there, when the claim was made, and
/// goes to those that the record is still kept equal with. Else they would differ for good, where a
/// flow stopped holding before all of them had been written.
fn inherited(plan: &Plan, entity: &Entity<'_>) -> Vec<(RecordId, PropIx, Claim)> {
    let mut found = Vec::new();
    for record in entity.records.iter().filter(|record| record.is_live()) {
        for (ix, slot) in record.slots.iter().enumerate() {
            let prop = PropIx(ix as u16);
            let Some(at) = left_by(plan, entity, record, prop) else { continue };
            let shown = slot.value(plan.prop(record.ty, prop).whole);
            let value = slot.given.as_deref().unwrap_or(shown).clone();
            // P1a: which of several properties of a record type it would go to was not settled; to
            // none of them.
            let others: BTreeSet<TypeIx> =
                entity.bearings(plan, record.ty, prop).iter().map(|by| by.other).collect();
            let several = others
                .into_iter()
                .filter(|other| group_of(plan, entity, record.ty, prop, *other).len() > 1);
            found.push((
                record.id,
                prop,
                Claim { value, at, goes: several.map(|other| (other, vec![])).collect() },
            ));
        }
    }
    found
}

/// When the claim was made by which a property was given what it shows, where that claim does not
/// reach it any more, and no later one takes its place now.
fn left_by(
    plan: &Plan,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Option<Timestamp> {
    let slot = record.slot(prop);
    let shown = slot.value(plan.prop(record.ty, prop).whole);
    let is_member = |id: RecordId| entity.records.iter().any(|other| other.id == id);
    // What only fills takes nothing's place (P1c).
    let is_later = |best: &Candidate<'_>, at: Timestamp| {
        best.stamp.at > at && !best.by.is_some_and(|by| by.fills)
    };
    let candidates = || candidates(plan, entity, record.ty, prop, Some(record.id));
    match slot.carries {
        Some(carried) => {
            let left = carried.record != record.id
                && is_member(carried.record)
                && is_cut_off(plan, entity, record, prop, carried);
            (left && !candidates().first().is_some_and(|best| is_later(best, carried.at)))
                .then_some(carried.at)
        }
        // What a creation brought is not remembered by its claim: it comes before whatever has a
        // time. One that shows here as this system keeps it (P3) reaches it still.
        None => {
            let written_at =
                record.written_at.filter(|_| slot.claim.is_none() && !is_empty(shown))?;
            let at = Timestamp::UNTOLD;
            let all = candidates();
            let later = all.first().is_some_and(|best| is_later(best, at));
            (!later && !all.iter().any(|one| shows(plan, written_at, record, prop, one)))
                .then_some(at)
        }
    }
}

/// Whether a property shows the value of a claim, as far as its system keeps it.
pub(crate) fn shows(
    plan: &Plan,
    now: Timestamp,
    record: &RecordState,
    prop: PropIx,
    candidate: &Candidate<'_>,
) -> bool {
    let slot = record.slot(prop);
    let described = plan.prop(record.ty, prop);
    let shown = slot.value(described.whole);
    let Some(by) = candidate.by else { return false };
    if slot.carries == Some(candidate.stamp) {
        return true;
    }
    if is_empty(&candidate.claim.value) || is_empty(shown) {
        return is_empty(&candidate.claim.value) == is_empty(shown);
    }
    // The id of a counterpart stands here under another id (P8). Where somebody has put in one, it
    // may be another's.
    if by.reference {
        return slot.claim.is_none() && slot.carries.is_none();
    }
    let (from, theirs): (TypeIx, PropIx) = (candidate.from, candidate.stamp.prop);
    let here = carried_to(
        plan,
        now,
        &Entity::unconditional(plan, vec![]),
        from,
        theirs,
        record.ty,
        prop,
        &candidate.claim.value,
        described,
    );
    here.is_some_and(|here| equal_as(described.ty, &here, shown) || same(by.terms, &here, shown))
}

/// Whether a record has a property that depends on a word elsewhere in it. Where the record does
/// not tell, it may have.
fn is_there(described: &PlanProp, record: &RecordState) -> bool {
    let Some((marker, word)) = &described.depends else { return true };
    record.slot(*marker).shadow.as_ref().is_none_or(|shown| holds_word(shown, word))
}

/// Whether a value is this word; no value is the empty one.
pub(crate) fn holds_word(value: &Value, word: &str) -> bool {
    match effective(value, false) {
        Value::String(text) => text.trim() == word,
        other if is_empty(other) => word.is_empty(),
        other => other.to_string().as_str() == word,
    }
}

/// The element of a property's list that holds a value already.
fn in_list<'a>(
    described: &PlanProp,
    terms: Terms,
    shadow: Option<&'a Value>,
    value: &Value,
) -> Option<&'a Value> {
    let list = shadow.filter(|shadow| shadow.is_array() && !is_empty(value))?;
    let is_it = |element: &Value| {
        same(terms, value, element)
            || (described.stored_as.caseless && same_but_for_case(value, element))
    };
    holding(Some(list), described.whole, is_it)
}

/// P3 for what a system tells apart by its letters only, not by their case.
fn same_but_for_case(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::String(a), Value::String(b)) if a.trim().to_lowercase() == b.trim().to_lowercase())
}

/// P3 where the way to here has lost something: the two are equal if what is here, carried there,
/// is what was claimed.
fn judged_equal(now: Timestamp, by: &Bearing, claimed: &Value, shown: &Value) -> bool {
    let Some(way) = &by.judged_by else { return false };
    let mut value = shown.clone();
    for conversion in way {
        match conversion.apply(&value, now) {
            Ok(converted) => value = converted,
            Err(_) => return false,
        }
    }
    equal(&value, claimed)
}

/// The claim in the target's terms. `shown` is what the target holds, by which an untyped
/// property's JSON type is told.
pub fn translate(
    plan: &Plan,
    slice: &Slice,
    best: &Candidate<'_>,
    by: &Bearing,
    target: &PlanProp,
    shown: &Value,
) -> Wanted {
    let claim = best.stamp;
    let mut value = best.claim.value.clone();
    if by.reference {
        return reference(plan, slice, best, by, target, shown);
    }
    let single_in_list = target.whole && shown.is_array() && !value.is_array();
    if is_empty(&value) && !by.defaults && !single_in_list {
        return written(Value::Null, claim, Rule::P1);
    }
    let failed =
        |message: String| Wanted::Unconvertible { value: best.claim.value.clone(), claim, message };
    match &by.conversion {
        Err(why) => return failed(why.clone()),
        Ok(conversions) => {
            for conversion in conversions {
                match conversion.apply(&value, slice.now) {
                    Ok(converted) => value = converted,
                    Err(error) => return failed(error.to_string()),
                }
            }
        }
    }
    let before = slice.displaced.get(&(claim.record, claim.prop));
    let value = match shaped(by, target, value, shown, before) {
        // A conversion has made a list of it.
        Value::Array(list) if single_in_list => Value::Array(list),
        // P9: a single value among those that the list holds.
        value if single_in_list => {
            let before = displaced_by(slice, by, claim, target);
            let first_link = slice
                .records
                .get(&claim.record)
                .is_some_and(|source| slice.joined.contains(&source.entity));
            into_list(by.terms, shown, value, before.as_ref(), first_link)
        }
        value => value,
    };
    // A type that is only assumed changes nothing: a number stays one (R7).
    let coerced = if target.unsure && !matches!(value, Value::Object(_)) {
        Ok(value)
    } else {
        coerce(&value, target.ty)
    };
    let value = match coerced {
        // R7: what differs only in form stays as it stands.
        Ok(value) if !is_empty(shown) && same(by.terms, &value, shown) => shown.clone(),
        Ok(value) => {
            // Where nothing stands yet, what was a number stays one (R7).
            let pattern = if is_empty(shown) && by.terms.by[1].kind == Kind::Number {
                &best.claim.value
            } else {
                shown
            };
            // A type that the row states is what is asked for, also where the target tells none.
            let stated = is_empty(shown)
                && by.conversion.as_ref().is_ok_and(|conversions| !conversions.is_empty());
            let loose = !stated
                && (target.unsure || matches!(target.ty, PlainType::Any | PlainType::Decimal));
            as_stored(if loose { like(value, pattern) } else { value }, target.stored_as)
        }
        Err(message) => return failed(message),
    };
    written(value, claim, Rule::P1)
}

/// P11: a whole list where the target holds lists, or may; else the one of its elements that the
/// target holds already, or the first.
///
/// Where an edit changed the very element that the target holds, it is the one that took its place
/// (`before` is what the edit displaced).
fn shaped(
    by: &Bearing,
    target: &PlanProp,
    value: Value,
    shown: &Value,
    before: Option<&Value>,
) -> Value {
    let Value::Array(list) = &value else { return value };
    let holds_single = !shown.is_array() && !is_empty(shown);
    if target.whole && !(target.unsure && holds_single) {
        return value;
    }
    if !holds_single {
        return effective(&value, false).clone();
    }
    let at = |list: &[Value]| list.iter().position(|element| same(by.terms, element, shown));
    if at(list).is_some() {
        return shown.clone();
    }
    let Some(before) = before.and_then(Value::as_array) else {
        return effective(&value, false).clone();
    };
    let changed = at(before).and_then(|place| successor(before, place, list));
    changed.unwrap_or(effective(&value, false)).clone()
}

/// P9 for a list that is written whole: the value takes the place of the one that its own edit
/// displaced; where none is its own yet, it is added. Other elements stay.
fn into_list(
    terms: Terms,
    shown: &Value,
    value: Value,
    before: Option<&Value>,
    first_link: bool,
) -> Value {
    let mut list = shown.as_array().cloned().unwrap_or_default();
    let element = Terms { ty: PlainType::Any, ..terms };
    let place = before
        .filter(|_| !first_link)
        .and_then(|before| list.iter().position(|held| same(element, before, held)));
    let there = list.iter().position(|held| same(element, &value, held));
    match (place, is_empty(&value)) {
        (Some(place), true) => drop(list.remove(place)),
        (None, true) => {}
        (_, false) if there.is_some() => {}
        (Some(place), false) => list[place] = value,
        (None, false) => list.push(value),
    }
    Value::Array(list)
}

/// P8: the ids of the counterparts, in the target's system, of the records that are referred to. A
/// list is translated one by one: what has no counterpart yet is left out, and written when it has
/// one; what only the target's system knows stays.
fn reference(
    plan: &Plan,
    slice: &Slice,
    best: &Candidate<'_>,
    by: &Bearing,
    target: &PlanProp,
    shown: &Value,
) -> Wanted {
    let claim = best.stamp;
    let source = plan.prop(by.other, by.theirs);
    let mut ids = Vec::new();
    each_id(Some(&best.claim.value), &mut |id| ids.push(id.to_string()));
    let as_list = target.whole && (best.claim.value.is_array() || shown.is_array());
    if !as_list {
        ids.truncate(1);
    }
    if ids.is_empty() && !as_list {
        return written(Value::Null, claim, Rule::P8);
    }
    let (mut found, mut waits) = (Vec::new(), None);
    for id in &ids {
        // It may be linked by any of its facets.
        let referred: Vec<&RecordState> =
            source.refers_to.iter().filter_map(|ty| slice.by_key(*ty, id)).collect();
        if referred.is_empty() {
            // Not read yet, or in no flow: nothing to wait for by number.
            let ty = target.refers_to.first().copied().unwrap_or(by.other);
            waits = waits.or(Some(Counterpart { of: RecordId(0), ty }));
            continue;
        }
        let counterpart = referred.iter().find_map(|referred| {
            let members =
                slice.members(referred.entity).iter().filter_map(|id| slice.records.get(id));
            members.filter(|r| r.is_live()).find(|r| target.refers_to.contains(&r.ty))
        });
        if let Some(record) = counterpart {
            match id_value(plan, target, &record.key, shown) {
                Ok(value) => found.push(value),
                Err(message) => {
                    return Wanted::Unconvertible {
                        value: Value::String(record.key.clone()),
                        claim,
                        message,
                    };
                }
            }
            continue;
        }
        // Of several facets the one that a flow gives a counterpart there.
        let meets = |a: TypeIx, b: TypeIx| plan.ty(a).partners.contains(&b);
        let pairs = || {
            referred
                .iter()
                .flat_map(|one| target.refers_to.iter().map(move |ty| (one.id, one.ty, *ty)))
        };
        let wanted = pairs().find(|(_, mine, ty)| meets(*mine, *ty)).or_else(|| pairs().next());
        waits = waits.or(Some(match wanted {
            Some((of, _, ty)) => Counterpart { of, ty },
            None => Counterpart { of: RecordId(0), ty: by.other },
        }));
    }
    if !as_list {
        return match (found.pop(), waits) {
            (Some(value), _) => written(value, claim, Rule::P8),
            (None, Some(reference)) => Wanted::Waits { reference, claim },
            (None, None) => Wanted::Nothing,
        };
    }
    // What the source can't say, because nothing there stands for it, is not taken away.
    for held in shown.as_array().into_iter().flatten() {
        let mut foreign = false;
        each_id(Some(held), &mut |id| {
            let record = target.refers_to.iter().find_map(|ty| slice.by_key(*ty, id));
            foreign = record.is_none_or(|record| {
                let members =
                    slice.members(record.entity).iter().filter_map(|id| slice.records.get(id));
                !members
                    .filter(|member| member.is_live())
                    .any(|member| source.refers_to.contains(&member.ty))
            });
        });
        if foreign {
            found.push(held.clone());
        }
    }
    match waits {
        Some(Counterpart { ty, .. }) if found.is_empty() => {
            Wanted::Waits { reference: Counterpart { of: RecordId(0), ty }, claim }
        }
        _ => written(Value::Array(found), claim, Rule::P8),
    }
}

/// P8: the id that a waiting reference holds, and what it waits for, in words.
pub fn waits_for(
    plan: &Plan,
    slice: &Slice,
    reference: Counterpart,
    claim: ClaimStamp,
) -> (Value, String) {
    let source = slice.records.get(&claim.record);
    let value = source
        .and_then(|source| source.slot(claim.prop).claim.as_ref())
        .map(|claim| claim.value.clone());
    let value = value.unwrap_or_default();
    let message = match slice.records.get(&reference.of) {
        Some(referred) => format!(
            "waits for {}/{}, which has no counterpart in {} yet",
            plan.ty(referred.ty).name,
            referred.key,
            plan.ty(reference.ty).name
        ),
        None => {
            let target = source
                .and_then(|source| plan.prop(source.ty, claim.prop).reference_target.as_ref());
            let id = value.as_str().map_or_else(|| value::shown(&value), str::to_string);
            let named = target.map_or_else(|| id.clone(), |target| format!("{target}/{id}"));
            format!("waits for {named}, which has not been read, or is in no flow")
        }
    };
    (value, message)
}

/// The id of a record as a reference to it has it: in the JSON type that the other system uses
/// (R7).
pub fn id_value(plan: &Plan, target: &PlanProp, key: &str, shown: &Value) -> Result<Value, String> {
    let text = Value::String(key.to_string());
    match target.ty {
        PlainType::Any | PlainType::List => {}
        PlainType::String if target.unsure => {}
        ty => return coerce(&text, ty),
    }
    let numeric = match effective(shown, false) {
        Value::Number(_) => Some(true),
        Value::String(text) if !text.trim().is_empty() => Some(false),
        _ => target.refers_to.iter().find_map(|ty| plan.ty(*ty).numeric_ids),
    };
    Ok(if numeric == Some(true) { like(text, &Value::from(0)) } else { text })
}

/// Where a claim goes, by record type.
pub type Goes = Vec<(TypeIx, Vec<PropIx>)>;

/// P1a: settles where fresh claims go, of several properties of a record type paired with theirs.
/// Compares with what the others held before this reading, so that the order of reading does not
/// matter. `joined` tells that the entity has just been put together. Gives for each record the
/// claims that change.
///
/// P1c: at the first link a claim of a block goes also where nothing is and nothing belongs that
/// has a value.
pub fn settle_goes(
    plan: &Plan,
    now: Timestamp,
    entity: &Entity<'_>,
    joined: bool,
) -> Vec<(RecordId, PropIx, Goes)> {
    let mut out = Vec::new();
    let records = &entity.records;
    // Where a flow does not hold, a way round may lead to several properties though the direct one
    // leads to one.
    let may_go = |prop: &PlanProp| prop.fans || prop.fills || entity.left.is_some();
    for record in records {
        for (ix, prop) in
            plan.ty(record.ty).props.iter().enumerate().filter(|(_, prop)| may_go(prop))
        {
            let slot = &record.slots[ix];
            let Some(claim) = &slot.claim else { continue };
            let fresh = slot.displaced.is_some();
            if !fresh && !joined {
                continue;
            }
            let prop_ix = PropIx(ix as u16);
            let mut goes = if fresh { vec![] } else { claim.goes.clone() };
            // Of several records of a type (L6) each says where it held what was displaced; which
            // one is looked at first does not matter.
            let mut others: Vec<&RecordState> =
                records.iter().copied().filter(|other| other.id != record.id).collect();
            others.sort_by_key(|other| other.ty);
            for likes in others.chunk_by(|a, b| a.ty == b.ty) {
                let other = likes[0];
                let group: Vec<PropIx> = group_of(plan, entity, record.ty, prop_ix, other.ty);
                // P1d: an edit of the whole goes to every part.
                if parts::are_in(prop, other.ty) || goes.iter().any(|(ty, _)| *ty == other.ty) {
                    continue;
                }
                // P1c: of two that belong together only the one that wins fills others.
                let wins = |theirs: &PropIx| {
                    let rival =
                        other.slot(*theirs).claim.as_ref().filter(|rival| !is_empty(&rival.value));
                    rival.is_none_or(|rival| {
                        (rival.at, record.ty, record.id) < (claim.at, other.ty, other.id)
                    })
                };
                let fills =
                    joined && prop.fills && !is_empty(&claim.value) && group.iter().all(wins);
                let filled = match fills {
                    true => filled_by(plan, entity, record, prop_ix, other),
                    false => vec![],
                };
                if group.len() < 2 {
                    if !filled.is_empty() {
                        goes.push((other.ty, group.into_iter().chain(filled).collect()));
                    }
                    continue;
                }
                // A claim older than the link went nowhere yet: it goes to those that hold its own
                // value already.
                let held = if fresh {
                    slot.displaced.as_deref().unwrap_or(&Value::Null)
                } else {
                    &claim.value
                };
                let chosen: Vec<PropIx> = group
                    .iter()
                    .copied()
                    .filter(|theirs| {
                        let described = plan.prop(other.ty, *theirs);
                        let in_their_terms = carried_to(
                            plan, now, entity, record.ty, prop_ix, other.ty, *theirs, held,
                            described,
                        );
                        // What was there when the two were linked was held before, whether it has
                        // been read in this run or long ago.
                        let held_before = |like: &&RecordState| {
                            let before = match &like.slot(*theirs).displaced {
                                Some(displaced) if !(joined && displaced.is_null()) => displaced,
                                _ => like.slot(*theirs).value(described.whole),
                            };
                            in_their_terms
                                .as_ref()
                                .is_some_and(|held| same(described.terms(), held, before))
                        };
                        likes.iter().any(held_before)
                    })
                    .collect();
                let chosen = if chosen.is_empty() { vec![group[0]] } else { chosen };
                goes.push((other.ty, chosen.into_iter().chain(filled).collect()));
            }
            goes.sort_by_key(|(ty, _)| *ty);
            if goes != claim.goes {
                out.push((record.id, prop_ix, goes));
            }
        }
    }
    out
}

/// The properties of `other` that are paired with this one, in the order of the rows.
fn group_of(
    plan: &Plan,
    entity: &Entity<'_>,
    ty: TypeIx,
    prop: PropIx,
    other: TypeIx,
) -> Vec<PropIx> {
    let of_it = |b: &&Bearing| b.other == other && b.other != ty && !b.fills;
    entity.bearings(plan, ty, prop).iter().filter(of_it).map(|b| b.theirs).collect()
}

/// P1c: the properties of another record that this one fills: they are empty, and so is all that
/// belongs to them in this record.
fn filled_by(
    plan: &Plan,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
    other: &RecordState,
) -> Vec<PropIx> {
    let shown = |of: &RecordState, prop: PropIx| {
        is_empty(of.slot(prop).value(plan.prop(of.ty, prop).whole))
    };
    let fills =
        entity.bearings(plan, record.ty, prop).iter().filter(|b| b.fills && b.other == other.ty);
    let empty = |theirs: &PropIx| {
        let belong = group_of(plan, entity, other.ty, *theirs, record.ty);
        shown(other, *theirs) && belong.into_iter().all(|mine| shown(record, mine))
    };
    fills.map(|b| b.theirs).filter(empty).collect()
}

/// A value of mine as it would stand in theirs.
#[allow(clippy::too_many_arguments)]
pub(crate) fn carried_to(
    plan: &Plan,
    now: Timestamp,
    entity: &Entity<'_>,
    ty: TypeIx,
    prop: PropIx,
    other: TypeIx,
    theirs: PropIx,
    value: &Value,
    described: &PlanProp,
) -> Option<Value> {
    let bearing =
        entity.bearings(plan, other, theirs).iter().find(|b| b.other == ty && b.theirs == prop)?;
    let mut value = value.clone();
    if is_empty(&value) {
        return Some(Value::Null);
    }
    for conversion in bearing.conversion.as_ref().ok()? {
        value = conversion.apply(&value, now).ok()?;
    }
    let value = if described.whole { value } else { effective(&value, false).clone() };
    let coerced =
        if described.unsure && value.is_array() { Ok(value) } else { coerce(&value, described.ty) };
    coerced.ok().map(|value| as_stored(value, described.stored_as))
}

/// The change that gives a property what it should hold.
pub fn change(
    plan: &Plan,
    slice: &Slice,
    record: &RecordState,
    prop: PropIx,
    wanted: Wanted,
) -> Option<Change> {
    match wanted {
        Wanted::Write { value, counterpart_of, claim, rule, reason } => {
            let displaced = displaced(plan, slice, record, prop, claim, &value);
            Some(Change {
                prop,
                value,
                displaced: displaced.into(),
                counterpart_of,
                claim,
                rule,
                reason,
            })
        }
        Wanted::Nothing
        | Wanted::Pick { .. }
        | Wanted::Waits { .. }
        | Wanted::Unconvertible { .. } => None,
    }
}

/// What a fresh edit displaced where it was made, in the target's terms.
fn displaced_by(
    slice: &Slice,
    by: &Bearing,
    claim: ClaimStamp,
    target: &PlanProp,
) -> Option<Value> {
    let mut before = slice.displaced.get(&(claim.record, claim.prop))?.clone();
    for conversion in by.conversion.as_ref().ok()? {
        before = conversion.apply(&before, slice.now).ok()?;
    }
    let single = effective(&before, false).clone();
    Some(as_stored(single, target.stored_as)).filter(|value| !is_empty(value))
}

/// P9: the element of a list whose place a value takes. At the first link none is its own yet, and
/// it is added; after that it is the one that the edit displaced where it was made, else the one
/// that stands for the property.
fn displaced(
    plan: &Plan,
    slice: &Slice,
    record: &RecordState,
    prop: PropIx,
    claim: ClaimStamp,
    value: &Value,
) -> Value {
    let described = plan.prop(record.ty, prop);
    let slot = record.slot(prop);
    let stands = || slot.value(described.whole).clone();
    let Some(Value::Array(list)) =
        slot.shadow.as_ref().filter(|_| described.list && !described.whole)
    else {
        return stands();
    };
    let elements = || list.iter().filter(|element| !is_empty(element));
    let untouched = slot.carries.is_none() && slot.given.is_none() && slot.pick.is_none();
    // What was decided so at the first link and has not been carried out is decided so again,
    // whatever became of the first try.
    let added_before = || {
        let open =
            slice.intents_of(record.entity).filter(|intent| intent.record == Some(record.id));
        open.flat_map(|intent| &intent.changes)
            .any(|change| change.prop == prop && value::is_added(&change.displaced))
    };
    // What stood there when its record was first seen has never been this property's: that the two
    // were linked a run ago, which may have died since, changes nothing about that.
    let since_first_seen =
        || slice.records.get(&claim.record).is_some_and(|source| claim.at <= source.first_seen);
    // A person has linked the two, or a row has come to pair them, since the value was put in:
    // nothing has been given to this property, and no edit asks for it now or did so before.
    let edited_now = || slice.displaced.contains_key(&(claim.record, claim.prop));
    let edited_before = || {
        let open =
            slice.intents_of(record.entity).filter(|intent| intent.record == Some(record.id));
        open.flat_map(|intent| &intent.changes)
            .any(|change| change.prop == prop && !value::is_added(&change.displaced))
    };
    let never_met = || !edited_now() && !edited_before();
    let joined = || {
        slice.joined.contains(&record.entity) || added_before() || since_first_seen() || never_met()
    };
    let first_link = untouched && !is_empty(value) && joined();
    if first_link && elements().next().is_some() {
        return value::adds();
    }
    let source = slice.records.get(&claim.record).map(|source| source.ty);
    let by = plan.ty(record.ty).bearings[prop.at()]
        .iter()
        .find(|by| Some(by.other) == source && by.theirs == claim.prop);
    let before = by.and_then(|by| Some((by, displaced_by(slice, by, claim, described)?)));
    let held =
        before.and_then(|(by, before)| elements().find(|element| same(by.terms, &before, element)));
    // What stands for the property by its own right, because it was picked or written, is what is
    // replaced.
    match held {
        Some(held) if slot.pick.is_none() && slot.carries.is_none() => held.clone(),
        _ => stands(),
    }
}
