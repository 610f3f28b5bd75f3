//! Carrying out a plan of `undo`: the writes are intents like others, durable before they are sent
//! (C2), sent with the version that the plan was made on (P6), and told by the journal. What a
//! system refuses is told at once; nothing waits in review for it, since nothing asks for it any
//! more.

use std::collections::HashMap;

use lockstep_model::{
    Change, EntityId, Intent, IntentId, IntentKind, IntentState, RecordId, RecordState, RunId,
    Value,
};
use lockstep_store::Commit;
use serde::{Deserialize, Serialize};

use crate::acts::halves::Halves;
use crate::acts::undo::taking::{NotBack, TakingBack};
use crate::error::{ActError, ActResult, Result};
use crate::hub::Hub;
use crate::report::{RecordName, Report};
use crate::under_way::{RunOptions, Underway};

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakenBack {
    pub run: RunId,
    pub records: usize,
    /// What was to be done and was not, with what the system said.
    pub not: Vec<NotBack>,
    pub report: Report,
}

impl Hub {
    /// Carries a plan out, as a run of its own. `redo` says that what is taken back is an undo.
    pub fn take_back(&mut self, taking: TakingBack, redo: bool) -> ActResult<TakenBack> {
        let mut act = serde_json::json!({"what": format!("{} {}", if redo { "redo" } else { "undo" }, taking.what)});
        match (redo, taking.run) {
            (true, Some(run)) => act["redo"] = run.0.into(),
            (true, None) => {}
            (false, _) => act["undo"] = true.into(),
        }
        self.carry_back(taking, act, |_, _| Ok(()))
    }

    /// Unlinks, and carries out a plan of [`Hub::plan_unlink`].
    pub fn unlink_and_restore(
        &mut self,
        a: &str,
        b: Option<&str>,
        taking: TakingBack,
    ) -> ActResult<(Halves, TakenBack)> {
        let halves = self.ledger.halves(a, b)?;
        let act = serde_json::json!({"what": format!("unlink --restore {a} {}", b.unwrap_or_default()).trim_end()});
        let mut split = None;
        let taken = self.carry_back(taking, act, |hub, under_way| {
            match hub.ledger.split(under_way, halves) {
                Ok(halves) => {
                    split = Some(halves);
                    Ok(())
                }
                Err(ActError::Hub(error)) => Err(error),
                // Nothing else can go wrong with halves that were found.
                Err(_) => Ok(()),
            }
        })?;
        let split = split.ok_or_else(|| ActError::Refused(format!("{a} could not be unlinked")))?;
        Ok((split, taken))
    }

    /// The same after something else that belongs to it.
    pub(crate) fn carry_back(
        &mut self,
        taking: TakingBack,
        act: Value,
        first: impl FnOnce(&mut Hub, &mut Underway<'_>) -> Result<()>,
    ) -> ActResult<TakenBack> {
        let mut ids = vec![];
        let records = taking.records.len();
        let report = self.within_run(RunOptions::default(), act, |hub, under_way, types| {
            first(hub, under_way)?;
            for (ty, read) in taking.edited {
                let mut commit = Commit::default();
                hub.ledger.observe_one(under_way, ty, read, &mut commit)?;
                hub.ledger.store.commit(commit)?;
            }
            under_way.guards.approved = true;
            let (plain, referring) = by_reference(taking.intents);
            let plain = hub.on_present_versions(plain)?;
            ids = hub.promise_back(under_way, plain)?;
            hub.sender().deliver(under_way)?;
            if std::mem::take(&mut under_way.unknown) {
                hub.reader().settle_unknown(under_way)?;
            }
            if !taking.anew.is_empty() {
                // One may be created from another that is itself still to be created: rounds, as in
                // any run.
                hub.forget_deletions(&taking.anew)?;
                hub.rounds(under_way, types)?;
            }
            // What is referred to is there now (P8); what refers to it has been written to since
            // the plan was made.
            let referring = hub.on_present_versions(referring)?;
            ids.extend(hub.promise_back(under_way, referring)?);
            hub.sender().deliver(under_way)?;
            Ok(())
        })?;
        let mut not = Vec::new();
        for id in ids {
            let Some(intent) =
                self.ledger.store.intent(id)?.filter(|intent| intent.state != IntentState::Done)
            else {
                continue;
            };
            let record = intent
                .record
                .map(|id| self.ledger.store.records(&[id]))
                .transpose()?
                .and_then(|mut found| found.pop());
            let record = record
                .map_or_else(|| RecordName(String::new()), |record| self.ledger.name_of(&record));
            let said = intent.message.unwrap_or_else(|| "its system did not answer".into());
            let why = match intent.state {
                IntentState::Queued | IntentState::Sent | IntentState::Unknown => {
                    format!("{said}; the next run goes on with it")
                }
                _ => said,
            };
            not.push(NotBack::new(record, None, why));
        }
        Ok(TakenBack { run: report.run, records: records.saturating_sub(not.len()), not, report })
    }

    fn on_present_versions(&mut self, mut intents: Vec<Intent>) -> Result<Vec<Intent>> {
        let ids: Vec<RecordId> =
            intents.iter().filter_map(|intent| intent.source.record()).collect();
        let versions: HashMap<RecordId, _> =
            self.ledger.store.records(&ids)?.into_iter().map(|r| (r.id, r.version)).collect();
        for intent in &mut intents {
            intent.base_version =
                intent.source.record().and_then(|id| versions.get(&id).cloned().flatten()).into();
        }
        Ok(intents)
    }

    fn promise_back(
        &mut self,
        under_way: &Underway,
        intents: Vec<Intent>,
    ) -> Result<Vec<IntentId>> {
        if intents.is_empty() {
            return Ok(vec![]);
        }
        let now = self.ledger.clock.now();
        let first = self.ledger.store.take_intent_ids(intents.len())?;
        let mut commit = Commit { durable: true, ..Commit::default() };
        for (n, mut intent) in intents.into_iter().enumerate() {
            intent.id = IntentId(first.0 + n as i64);
            intent.run = under_way.report.run;
            // The edit is made now, not when the plan was looked at.
            let source = intent.source;
            for change in intent.changes.iter_mut().filter(|change| source.is(change.claim.record))
            {
                change.claim.at = now;
            }
            // It may have been linked otherwise since the plan was made, in this very run.
            if let Some(record) =
                self.ledger.store.records(intent.source.record().as_slice())?.pop()
            {
                intent.entity = record.entity;
            }
            commit.intents_new.push(intent);
        }
        let ids = commit.intents_new.iter().map(|intent| intent.id).collect();
        // A person has seen the plan: no guard asks once more (G3).
        let intents = std::mem::take(&mut commit.intents_new);
        self.ledger.let_through(&intents, &mut commit)?;
        commit.intents_new = intents;
        self.ledger.store.commit(commit)?;
        Ok(ids)
    }

    /// Takes records that an undo deleted out of their entities, so that their places are free.
    fn forget_deletions(&mut self, gone: &[RecordState]) -> Result<()> {
        for record in gone {
            let mut commit = Commit::default();
            let members = self.ledger.store.members(&[record.entity])?;
            let others: Vec<&RecordState> =
                members.iter().filter(|member| member.id != record.id).collect();
            let Some(own) = others.iter().map(|member| member.id.0).min().map(EntityId) else {
                continue;
            };
            commit.relinked.push((record.id, EntityId(record.id.0)));
            commit.relinked.extend(
                others.iter().filter(|member| member.entity != own).map(|member| (member.id, own)),
            );
            for intent in self
                .ledger
                .store
                .open_intents(&[record.entity])?
                .into_iter()
                .filter(|intent| intent.entity != own)
            {
                commit.intents_moved.push((intent.id, own));
            }
            self.ledger.decide_on(others.into_iter(), &mut commit)?;
            self.ledger.store.commit(commit)?;
        }
        Ok(())
    }
}

/// Parts intents into those that can be sent at once, and those that put back references to records
/// which are still to be created anew.
fn by_reference(intents: Vec<Intent>) -> (Vec<Intent>, Vec<Intent>) {
    let (mut plain, mut referring) = (vec![], vec![]);
    for mut intent in intents {
        let (later, now): (Vec<Change>, Vec<Change>) = std::mem::take(&mut intent.changes)
            .into_iter()
            .partition(|change| change.counterpart_of.is_some());
        if !later.is_empty() {
            referring.push(Intent { changes: later, ..intent.clone() });
        }
        if !now.is_empty() || intent.kind == IntentKind::Delete {
            plain.push(Intent { changes: now, ..intent });
        }
    }
    (plain, referring)
}
