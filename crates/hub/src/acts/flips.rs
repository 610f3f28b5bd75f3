//! P5: a person's answer to a property that keeps flipping: which side is right, or that the sides
//! may differ.
//!
//! Whatever the answer is, the property is released: it is counted anew, and stopped anew if it
//! keeps flipping. The value of the side that is right becomes that record's own edit of now, so it
//! is the latest one and goes everywhere. Where the sides may differ, each counts as holding what
//! the others would give it, until somebody edits one of them.

use lockstep_engine::confirm::made_of;
use lockstep_engine::flips::together;
use lockstep_engine::settle::{Entity, candidates};
use lockstep_model::detail::Act;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{
    Claim, ClaimStamp, PropIx, RecordId, RecordState, Remedy, Review, Rule, Timestamp, Value,
};
use lockstep_store::{Commit, JournalKind, ReviewKey};

use crate::error::{ActError, ActResult};
use crate::ledger::Ledger;
use crate::under_way::Underway;

/// Which side of a property that keeps flipping is right.
pub(crate) enum Side {
    /// The one that was put back again and again.
    PutBack,
    /// Of the others, the one that was edited last.
    Others,
    /// This record's.
    Of(RecordId),
    /// Each keeps what it holds.
    Each,
}

impl Ledger {
    /// Settles a flip-flop as a person says.
    pub(crate) fn settle_flips(
        &mut self,
        under_way: &mut Underway,
        review: &Review,
        side: Side,
    ) -> ActResult<String> {
        let now = self.clock.now();
        let gone = || ActError::Refused("its record is not known any more".into());
        let record =
            self.store.records(review.about.record().as_slice())?.pop().ok_or_else(gone)?;
        let prop = review.prop.ok_or_else(gone)?;
        let mut members = self.store.members(&[record.entity])?;
        let sides = self.sides(&members, &record, prop, &side, review);
        let told = self.release_sides(now, &mut members, &sides);
        let (id, path, value) = match (told, sides.right) {
            (Some(told), _) => told,
            (None, None) => {
                (record.id, self.plan.prop(record.ty, prop).name.clone(), review.value.clone())
            }
            (None, Some(_)) => {
                let message =
                    "the record that is to be right is not one of those that hold the property";
                return Err(ActError::advised(message, Remedy::LookAtReview));
            }
        };
        self.settle_claims(now, &mut members);
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        let done = match sides.right {
            Some(_) => Act::SideIsRight,
            None => Act::SidesMayDiffer,
        };
        let mut entry = self.person(under_way, JournalKind::Person, id, None, done);
        (entry.rule, entry.path, entry.after) = (Some(Rule::P5), Some(path.clone()), value.clone());
        commit.journal.push(entry);
        self.decide_on(members.iter(), &mut commit)?;
        let name = members
            .iter()
            .find(|member| member.id == id)
            .map(|member| self.name_of(member).to_string())
            .unwrap_or_default();
        commit.changed_records = members
            .into_iter()
            .filter(|member| sides.all.iter().any(|(id, _)| *id == member.id))
            .collect();
        self.store.commit(commit)?;
        let value = if is_empty(&value) { "nothing".to_string() } else { shown(&value) };
        Ok(match sides.right {
            Some(_) => format!("{name} {path} is right: the next run gives {value} to the others"),
            None => format!("each keeps what it holds in {path}, until somebody edits it"),
        })
    }

    /// The sides of a flip-flop, and which of them is right.
    fn sides(
        &self,
        members: &[RecordState],
        record: &RecordState,
        prop: PropIx,
        side: &Side,
        review: &Review,
    ) -> Sides {
        let entity = Entity::of(&self.plan, members.iter().collect());
        let mut all = together(&self.plan, &entity, record, prop);
        all.retain(|(id, _)| members.iter().any(|member| member.id == *id && member.is_live()));
        let right = match side {
            Side::PutBack => Some(record.id),
            Side::Of(id) => Some(*id),
            Side::Others => {
                let ranked = candidates(&self.plan, &entity, record.ty, prop, Some(record.id));
                let other =
                    ranked.iter().map(|claim| claim.stamp.record).find(|id| *id != record.id);
                other
                    .filter(|id| all.iter().any(|(member, _)| member == id))
                    .or_else(|| review.candidates.first().copied())
            }
            Side::Each => None,
        };
        let given = |(id, prop): &(RecordId, PropIx)| {
            let member = members.iter().find(|member| member.id == *id)?;
            let ranked = candidates(&self.plan, &entity, member.ty, *prop, Some(*id));
            ranked.first().filter(|best| best.by.is_some()).map(|best| best.stamp)
        };
        let given = all.iter().map(given).collect();
        Sides { all, given, right }
    }

    /// Each side is counted anew. The one that is right has an edit of its own of now; gives it with
    /// the property and its value. Where none is, each counts as holding what it would be given.
    fn release_sides(
        &self,
        now: Timestamp,
        members: &mut [RecordState],
        sides: &Sides,
    ) -> Option<(RecordId, String, Value)> {
        let mut told = None;
        for ((id, prop), given) in sides.all.iter().zip(&sides.given) {
            let carried = carried_by(members, *id, *prop);
            let Some(member) = members.iter_mut().find(|member| member.id == *id) else { continue };
            let described = self.plan.prop(member.ty, *prop);
            let slot = &mut member.slots[prop.at()];
            slot.flips = None;
            if sides.right.is_none() {
                slot.carries = given.or(slot.carries);
            } else if sides.right == Some(*id) {
                // What this side was given is right as it was put in elsewhere, not as this system
                // keeps it (P3).
                let value = carried.unwrap_or_else(|| slot.value(described.whole).clone());
                // P11: what it was to hold besides is taken out of the others as well.
                if let Some(claim) = slot.claim.as_ref().filter(|_| described.each) {
                    slot.displaced = Some(Box::new(claim.value.clone()));
                }
                let goes = slot.claim.take().map(|claim| claim.goes).unwrap_or_default();
                told = Some((*id, described.name.clone(), value.clone()));
                slot.claim = Some(Claim { value, at: now, goes });
                slot.carries = slot.carries.filter(|_| described.each);
            }
        }
        told
    }
}

/// The sides of a property that keeps flipping.
struct Sides {
    all: Vec<(RecordId, PropIx)>,
    /// What each would be given by another, in the same order.
    given: Vec<Option<ClaimStamp>>,
    /// The one that is right, if any is.
    right: Option<RecordId>,
}

/// What a side was given, as it was put in elsewhere, if it shows what its system made of it.
fn carried_by(members: &[RecordState], id: RecordId, prop: PropIx) -> Option<Value> {
    let slot_of = |id: RecordId, prop: PropIx| {
        members.iter().find(|member| member.id == id).map(|member| member.slot(prop))
    };
    let slot = slot_of(id, prop)?;
    let by = slot.carries?;
    let claim = slot_of(by.record, by.prop)?.claim.as_ref().filter(|claim| claim.at == by.at)?;
    made_of(&claim.value, slot.value(true)).then(|| claim.value.clone())
}
