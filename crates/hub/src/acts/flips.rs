//! P5: a person's answer to a property that keeps flipping: which side is right, or that the sides
//! may differ.
//!
//! Whatever the answer is, the property is released: it is counted anew, and stopped anew if it
//! keeps flipping. The value of the side that is right becomes that record's own edit of now, so it
//! is the latest one and goes everywhere. Where the sides may differ, each counts as holding what
//! the others would give it, until somebody edits one of them.

use lockstep_engine::confirm::made_of;
use lockstep_engine::flips::together;
use lockstep_engine::settle::{Entity, candidates, settle_goes};
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{Claim, PropIx, RecordId, RecordState, Review, Rule};
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
        let record = self.store.records(&[review.record])?.pop().ok_or_else(gone)?;
        let prop = review.prop.ok_or_else(gone)?;
        let mut members = self.store.members(&[record.entity])?;
        let (all, stamps, right) = {
            let records: Vec<&RecordState> = members.iter().collect();
            let entity = Entity::of(&self.plan, records);
            let mut all = together(&self.plan, &entity, &record, prop);
            all.retain(|(id, _)| members.iter().any(|member| member.id == *id && member.is_live()));
            let ranked = candidates(&self.plan, &entity, record.ty, prop, Some(record.id));
            let right = match side {
                Side::PutBack => Some(record.id),
                Side::Of(id) => Some(id),
                Side::Others => {
                    let other =
                        ranked.iter().map(|claim| claim.stamp.record).find(|id| *id != record.id);
                    other
                        .filter(|id| all.iter().any(|(member, _)| member == id))
                        .or_else(|| review.candidates.first().copied())
                }
                Side::Each => None,
            };
            let stamp = |(id, prop): &(RecordId, PropIx)| {
                let member = members.iter().find(|member| member.id == *id)?;
                let ranked = candidates(&self.plan, &entity, member.ty, *prop, Some(*id));
                ranked.first().filter(|best| best.by.is_some()).map(|best| best.stamp)
            };
            let stamps: Vec<_> = all.iter().map(stamp).collect();
            (all, stamps, right)
        };
        let mut commit = Commit {
            durable: true,
            reviews_closed: vec![ReviewKey::of(review)],
            ..Commit::default()
        };
        let mut told = None;
        for ((id, prop), stamp) in all.iter().zip(stamps) {
            let slot_of = |id: RecordId, prop: PropIx| {
                members.iter().find(|m| m.id == id).map(|member| member.slot(prop))
            };
            let carries = slot_of(*id, *prop).and_then(|slot| slot.carries);
            let claim = carries.and_then(|by| {
                slot_of(by.record, by.prop)?.claim.as_ref().filter(|claim| claim.at == by.at)
            });
            let shown_here = slot_of(*id, *prop).map(|slot| slot.value(true));
            let carried =
                claim.filter(|claim| shown_here.is_some_and(|here| made_of(&claim.value, here)));
            let carried = carried.map(|claim| claim.value.clone());
            let Some(member) = members.iter_mut().find(|member| member.id == *id) else { continue };
            let described = self.plan.prop(member.ty, *prop);
            let slot = &mut member.slots[prop.at()];
            slot.flips = None;
            if right.is_none() {
                slot.carries = stamp.or(slot.carries);
            } else if right == Some(*id) {
                // What this side was given is right as it was put in elsewhere, not as this system
                // keeps it (P3).
                let value = carried.unwrap_or_else(|| slot.value(described.whole).clone());
                let goes = slot.claim.take().map(|claim| claim.goes).unwrap_or_default();
                told = Some((*id, described.name.clone(), value.clone()));
                slot.claim = Some(Claim { value, at: now, goes });
                slot.carries = None;
            }
        }
        let (id, path, value) = match (told, right) {
            (Some(told), _) => told,
            (None, None) => {
                (record.id, self.plan.prop(record.ty, prop).name.clone(), review.value.clone())
            }
            (None, Some(_)) => {
                let message = "the record that is to be right is not one of those that hold the property; `lockstep review show N` has them";
                return Err(ActError::Refused(message.into()));
            }
        };
        let settled =
            settle_goes(&self.plan, now, &Entity::of(&self.plan, members.iter().collect()), true);
        for (id, prop, goes) in settled {
            let slot = members
                .iter_mut()
                .find(|member| member.id == id)
                .map(|member| &mut member.slots[prop.at()]);
            if let Some(claim) = slot.and_then(|slot| slot.claim.as_mut()) {
                claim.goes = goes;
            }
        }
        let text = match right {
            Some(_) => "a person says that this side of the flip-flop is right",
            None => "a person lets the sides of the flip-flop differ",
        };
        let mut entry = self.person(under_way, JournalKind::Person, id, None, text);
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
            .filter(|member| all.iter().any(|(id, _)| *id == member.id))
            .collect();
        self.store.commit(commit)?;
        let value = if is_empty(&value) { "nothing".to_string() } else { shown(&value) };
        Ok(match right {
            Some(_) => format!("{name} {path} is right: the next run gives {value} to the others"),
            None => format!("each keeps what it holds in {path}, until somebody edits it"),
        })
    }
}
