//! Records that are created anew or deleted again (G7).

use std::collections::BTreeSet;

use lockstep_engine::keys::each_id;
use lockstep_model::change::Counterpart;
use lockstep_model::value::{same, shown};
use lockstep_model::{Intent, IntentKind, RecordState, Remedy, Value};
use lockstep_store::JournalKind;

use crate::acts::undo::taking::{Back, NotBack, RecordBack, TakingBack};
use crate::error::Result;
use crate::ledger::Ledger;

impl Ledger {
    /// What was deleted by an undo is created anew by the flows, once its entity does not remember
    /// it as deleted any more.
    pub(crate) fn create_anew(
        &mut self,
        record: &RecordState,
        taking: &mut TakingBack,
    ) -> Result<()> {
        let others = self.store.members(&[record.entity])?;
        let name = self.name_of(record);
        if !others.iter().any(|other| other.is_live()) {
            let why = "it was deleted, and nothing is left that it could be created from";
            taking.not.push(NotBack::new(name, None, why));
            return Ok(());
        }
        if others.iter().any(|other| other.is_live() && other.ty == record.ty) {
            taking.as_before += 1;
            return Ok(());
        }
        let label = self.label(record);
        taking.records.push(RecordBack {
            record: name,
            label,
            act: Back::CreateAnew,
            properties: vec![],
        });
        taking.anew.push(record.clone());
        Ok(())
    }

    /// P8: a reference to a record that is created anew leads to the new one, whose id is known
    /// once it is there.
    pub(crate) fn refer_anew(&mut self, taking: &mut TakingBack) -> Result<()> {
        for gone in &taking.anew {
            let members = self.store.members(&[gone.entity])?;
            let Some(of) = members.iter().find(|member| member.is_live()).map(|member| member.id)
            else {
                continue;
            };
            for intent in &mut taking.intents {
                for change in &mut intent.changes {
                    let described = &self.plan.ty(intent.ty).props[change.prop.at()];
                    let mut refers = false;
                    each_id(Some(&change.value), &mut |id| refers |= id == gone.key);
                    if refers && described.refers_to.contains(&gone.ty) {
                        (change.value, change.counterpart_of) =
                            (Value::Null, Some(Counterpart { of, ty: gone.ty }));
                    }
                }
            }
        }
        Ok(())
    }

    /// The properties of a record that Lockstep created which somebody has edited since; `None`
    /// where the journal does not reach back.
    pub(crate) fn edits_since(
        &mut self,
        record: &RecordState,
        created: &Intent,
    ) -> Result<Option<BTreeSet<String>>> {
        if !record.slots.iter().any(|slot| slot.claim.is_some()) {
            return Ok(None);
        }
        let journal = self.store.journal(&[record.id], usize::MAX >> 1)?;
        if !journal.iter().any(|entry| entry.intent == Some(created.id)) {
            return Ok(None);
        }
        let edits = journal.into_iter().filter(|entry| entry.kind == JournalKind::Edit);
        Ok(Some(edits.filter_map(|entry| entry.path).collect()))
    }

    pub(crate) fn delete_again(
        &self,
        record: &RecordState,
        shown_now: &RecordState,
        created: &Intent,
        edits: Option<&BTreeSet<String>>,
        force: bool,
        taking: &mut TakingBack,
    ) {
        let ty = self.plan.ty(record.ty);
        let not = |path, why| NotBack::new(self.name_of(record), path, why);
        if !ty.can.delete {
            let why = format!(
                "Lockstep created it, and {} can't be deleted through the API: delete it there by hand",
                ty.name
            );
            taking.not.push(not(None, why));
            return;
        }
        // What Lockstep wrote is no claim: one that is there was made by somebody, or by the system
        // itself when it made the record (C6): of such a one no edit is told. One without a time is
        // of a property that was not kept equal when the record was made.
        let edited = ty.props.iter().enumerate().find(|(ix, prop)| {
            let (known, now) = (&record.slots[*ix], &shown_now.slots[*ix]);
            let by_somebody = || edits.is_none_or(|edits| edits.contains(&prop.name));
            known.claim.as_ref().is_some_and(|claim| claim.at.is_told()) && by_somebody()
                || !same(prop.terms(), known.value(prop.whole), now.value(prop.whole))
        });
        if let Some((ix, prop)) = edited.filter(|_| !force) {
            let holds = shown(shown_now.slots[ix].value(prop.whole));
            let why = format!(
                "Lockstep created it, and somebody has edited it since: it holds {holds} now"
            );
            let edited = not(Some(prop.name.clone()), why);
            taking.not.push(NotBack { remedies: vec![Remedy::UndoEdited], ..edited });
            return;
        }
        let label = self.label(record);
        taking.records.push(RecordBack {
            record: self.name_of(record),
            label,
            act: Back::Delete,
            properties: vec![],
        });
        let intent =
            self.taking_intent(record, shown_now, IntentKind::Delete, created.flow, vec![]);
        // What refers to others is deleted before them, and all of it after everything else.
        taking.intents.push(Intent { rank: 0x3fff - ty.send_rank.min(0x1fff), ..intent });
    }
}
