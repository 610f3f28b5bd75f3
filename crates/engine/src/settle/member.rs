//! What a property of a member should be given: whether the winner of its claims asks for a write
//! (P1–P3, P9, P10).

use lockstep_model::flow::Policy;
use lockstep_model::value::{Terms, effective, is_empty, same};
use lockstep_model::{ClaimStamp, PropIx, Reason, RecordState, Rule, Slot, Value};

use super::brought::{brought, default, given_default};
use super::candidates::{Candidate, candidates, reason, went_with_a_part};
use super::cut_off::{is_cut_off, lost_at_first_link};
use super::each_wanted::wanted_list;
use super::entity::Entity;
use super::outcome::{Wanted, written};
use super::translate::judged_equal;
use crate::elements::holding;
use crate::plan::{Plan, PlanProp};
use crate::sets::same_but_for_case;
use crate::slice::Slice;
use crate::{groups, parts};

/// What is told of a record that would have to be moved.
const SETTLED_ONCE: &str = "what the record belongs to is settled when it is made, so it stays where it is: move it there by hand, or put it back on the other side";

/// What a property of a member should be given.
pub fn wanted(
    plan: &Plan,
    slice: &Slice,
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> Wanted {
    let described = plan.prop(record.ty, prop);
    let stays = is_settled_once(described) && is_there(described, record);
    if !is_given(described, record) && !stays {
        return Wanted::Nothing;
    }
    if described.each && !stays {
        return wanted_list(plan, slice, entity, record, prop).wanted;
    }
    let slot = record.slot(prop);
    let shown = slot.value(described.whole);
    let all = candidates(plan, entity, record.ty, prop, Some(record.id));
    let target = Target { plan, slice, entity, record, prop, described, slot, shown, all: &all };
    if stays {
        return target.stays();
    }
    let Some(best) = all.first() else { return target.unclaimed() };
    let given_before =
        slot.carries.filter(|carried| carried.record != record.id && *carried != best.stamp);
    if given_before.is_some_and(|carried| {
        best.stamp.at <= carried.at && is_cut_off(plan, entity, record, prop, carried)
    }) {
        return Wanted::Nothing;
    }
    if best.stamp.record == record.id {
        return target.own_claim(best);
    }
    if target.has_what_it_should(best) {
        return Wanted::Nothing;
    }
    // A place in a list is the other record's own.
    if best.by.is_none() && described.list && !described.whole {
        return Wanted::Nothing;
    }
    target.compared(best, target.brought_by(best))
}

/// Whether a property of a record is given anything at all (P10). A policy may still let its own
/// claims travel.
pub fn is_given(described: &PlanProp, record: &RecordState) -> bool {
    described.paired
        && !described.read_only
        && !described.create_only
        && is_there(described, record)
}

/// Whether a property says what the record belongs to, once and for all: the order that a line
/// stands in.
fn is_settled_once(described: &PlanProp) -> bool {
    !described.read_only
        && described.create_only
        && described.required
        && described.paired
        && described.reference_target.is_some()
}

/// A property of a member, with the claims that it may take.
struct Target<'a> {
    plan: &'a Plan,
    slice: &'a Slice,
    entity: &'a Entity<'a>,
    record: &'a RecordState,
    prop: PropIx,
    described: &'a PlanProp,
    slot: &'a Slot,
    shown: &'a Value,
    /// The winner first.
    all: &'a [Candidate<'a>],
}

impl Target<'_> {
    /// P8: it stays what it was made as. What is to be another than that is told: it takes a person
    /// to move the record.
    fn stays(&self) -> Wanted {
        let is_another = |best: &&Candidate<'_>| {
            best.stamp.record != self.record.id
                && best.stands
                && best.by.is_some_and(|by| by.reference)
                && !is_empty(&best.claim.value)
                && self.slot.carries != Some(best.stamp)
        };
        let Some(best) = self.all.first().filter(is_another) else { return Wanted::Nothing };
        match self.compared(best, self.brought_by(best)) {
            Wanted::Write { value, claim, .. } => {
                Wanted::Unconvertible { value, claim, message: SETTLED_ONCE.into() }
            }
            _ => Wanted::Nothing,
        }
    }

    /// The record's own claim wins. Where a policy has come that lets it win over the one to which
    /// it lost at the first link, it is written (P1).
    fn own_claim(&self, best: &Candidate<'_>) -> Wanted {
        let described = self.described;
        let others = self.slot.carries.filter(|carried| carried.record != self.record.id);
        let asks = self.slice.reconsider
            && self.entity.suspended.is_empty()
            && described.policy != Policy::Latest
            && (!described.list || described.whole)
            && others.is_some_and(|carried| {
                lost_at_first_link(self.entity, self.record, best.claim, carried)
            });
        let differs = !same(described.terms(), &best.claim.value, self.shown)
            && self.slot.given.as_deref() != Some(&best.claim.value);
        match asks && differs {
            true => Wanted::Write {
                value: best.claim.value.clone(),
                counterpart_of: None,
                claim: best.stamp,
                rule: Rule::P1,
                reason: self.reason(),
            },
            false => Wanted::Nothing,
        }
    }

    /// Nobody has put in anything: it may get a default. One that was given before is replaced where
    /// the flows ask for another now (P1).
    fn unclaimed(&self) -> Wanted {
        let (slot, of) = (self.slot, (self.record.ty, self.prop));
        let outdated = |value: &Value| {
            let held = slot.given.as_deref().unwrap_or(self.shown);
            self.slice.reconsider
                && given_default(self.entity, slot)
                && !same(self.described.terms(), value, held)
        };
        match default(self.plan, self.slice, self.entity, of, false) {
            default if is_empty(self.shown) => match default {
                // Once given and emptied again, it is declined (G7).
                Wanted::Write { claim, .. } if slot.carries == Some(claim) => Wanted::Nothing,
                default => default,
            },
            Wanted::Write { ref value, .. } if !outdated(value) => Wanted::Nothing,
            default @ Wanted::Write { .. } => default,
            _ => Wanted::Nothing,
        }
    }

    /// Whether nothing is to be given, whatever the winner's value would become here.
    fn has_what_it_should(&self, best: &Candidate<'_>) -> bool {
        let (slot, shown) = (self.slot, self.shown);
        let in_parts = self.is_in_parts(best);
        // Of a list of references more may be known now than when it was written (P8).
        let may_grow = self.described.whole && best.by.is_some_and(|by| by.reference);
        // What it was given stands, whatever its system made of it; unless the flows may ask for
        // another value now.
        if slot.carries == Some(best.stamp)
            && !in_parts
            && !may_grow
            && !self.slice.reconsider
            && !self.is_back(best)
        {
            return true;
        }
        if is_empty(shown) && went_with_a_part(self.plan, self.entity, best) {
            return true;
        }
        // A claim of emptiness on one that never was told asks for nothing.
        is_empty(&best.claim.value)
            && is_empty(shown)
            && !in_parts
            && !best.by.is_some_and(|by| by.defaults)
    }

    /// D2: it was emptied when the winner's record was deleted, as a part of what stands for
    /// something else still (F3), and that record is back.
    fn is_back(&self, best: &Candidate<'_>) -> bool {
        let slot = self.slot;
        let was_emptied = slot.given.is_none() && slot.before.is_none() && is_empty(self.shown);
        let is_part = !self.plan.ty(self.record.ty).facets.is_empty();
        is_part && best.stands && was_emptied && !is_empty(&best.claim.value)
    }

    /// P1d: what the winner holds is a part of this property's value.
    fn is_in_parts(&self, best: &Candidate<'_>) -> bool {
        best.by.is_some_and(|by| parts::are_in(self.described, by.other))
    }

    /// The winner's value, as it would stand here.
    fn brought_by(&self, best: &Candidate<'_>) -> Wanted {
        let (record, prop) = (self.record, self.prop);
        let brought = match best.by {
            Some(by) => {
                let of = (record.ty, prop);
                brought(self.plan, self.slice, self.entity, best, by, of, self.shown)
            }
            None => written(best.claim.value.clone(), best.stamp, Rule::P1),
        };
        match brought {
            Wanted::Write { .. }
                if let Some(value) =
                    decided_element(self.slice, record, prop, &best.claim.value, best.stamp) =>
            {
                written(value, best.stamp, Rule::P1)
            }
            other => other,
        }
    }

    /// P3: what stands here already, in whatever form, is not written again.
    fn compared(&self, best: &Candidate<'_>, brought: Wanted) -> Wanted {
        let (described, slot, shown, by) = (self.described, self.slot, self.shown, best.by);
        let terms = by.map_or_else(|| described.terms(), |by| by.terms);
        match brought {
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
            // P1d: of a whole, that it shows one of its parts says nothing of the others.
            Wanted::Write { .. }
                if !self.is_in_parts(best)
                    && by.is_some_and(|by| {
                        judged_equal(self.slice.now, by, &best.claim.value, shown)
                    }) =>
            {
                Wanted::Nothing
            }
            Wanted::Write { ref value, .. }
                if let Some(element) = in_list(described, terms, slot.shadow.as_ref(), value) =>
            {
                Wanted::Pick { element: element.clone() }
            }
            Wanted::Write { value, counterpart_of, claim, .. } => Wanted::Write {
                value,
                counterpart_of,
                claim,
                rule: self.rule(best),
                reason: self.reason(),
            },
            other => other,
        }
    }

    /// The rule by which the winner's value is written.
    fn rule(&self, best: &Candidate<'_>) -> Rule {
        let own_value = |other: &Candidate<'_>| {
            other.stamp.record == self.record.id && !is_empty(&other.claim.value)
        };
        if best.by.is_some_and(|by| by.reference) {
            Rule::P8
        } else if self.is_in_parts(best) {
            Rule::P1d
        } else if groups::moves_along(self.plan, best.record, best.stamp) {
            Rule::P1e
        } else if self.all.iter().any(own_value) || !is_empty(self.shown) {
            Rule::P1
        } else {
            Rule::P2
        }
    }

    fn reason(&self) -> Reason {
        reason(self.plan, self.entity, (self.record.ty, self.prop), self.all)
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
