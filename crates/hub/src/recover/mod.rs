//! C2: finding out. A write whose answer was lost may have landed, and is never simply sent again;
//! a creation that the system refuses as a duplicate has found the record that is there.

pub(crate) mod adopt;
pub(crate) mod alike;
pub(crate) mod creations;
pub(crate) mod join;
pub(crate) mod twins;

use std::collections::HashMap;

use lockstep_engine::confirm;
use lockstep_model::change::IntentEvent;
use lockstep_model::{
    EntityId, Intent, IntentId, IntentKind, IntentState, NumberMap, ReadRecord, RecordId,
    RecordState, Timestamp,
};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::journal::step;
use crate::outcome::Before;
use crate::under_way::Underway;

/// What is put back until something else is known is not due before this time has passed.
pub(crate) const PATIENCE_MS: i64 = 65_000;

/// How long a creation whose answer was lost may still be under way at least, where the system is
/// asked over a network.
pub(crate) const UNDER_WAY_MS: i64 = 1_000;

/// How long what a system has only accepted may take, where it states no delay.
pub(crate) const ACCEPTED_MS: i64 = 60_000;

/// A run waits so long to find out; what takes longer is found out by a later one.
pub(crate) const MOMENT_MS: i64 = 5_000;

/// What is known of the answer to an earlier try whose outcome nobody knows, in words: none came, or
/// one that does not tell what was done.
pub(crate) fn unanswered(intent: &Intent) -> String {
    lockstep_wording::unanswered(intent.message.as_deref())
}

impl Ledger {
    /// C2, P5: settles updates and deletions of a record by what a list shows of it. Before that is
    /// done, nothing else is concluded from what it shows: a value that the write has brought there
    /// would be taken for somebody's edit. Gives whether all are settled.
    pub(crate) fn settle_listed(
        &mut self,
        under_way: &mut Underway,
        intents: Vec<Intent>,
        read: &ReadRecord,
        asked: Timestamp,
    ) -> Result<bool> {
        let mut settled = true;
        under_way.asked = asked;
        for intent in intents {
            settled &= self.settle_shown(under_way, &intent, Some(read.clone()), asked)?;
        }
        Ok(settled)
    }

    /// The updates and deletions of known records whose answer was lost, by record.
    pub(crate) fn unanswered(&mut self) -> Result<HashMap<RecordId, Vec<Intent>>> {
        let mut found: HashMap<RecordId, Vec<Intent>> = HashMap::new();
        for intent in self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)? {
            if let (Some(record), IntentKind::Update | IntentKind::Delete) =
                (intent.record, intent.kind)
            {
                found.entry(record).or_default().push(intent);
            }
        }
        Ok(found)
    }

    /// Those of these writes whose outcome is not known yet.
    pub(crate) fn still_unanswered(&mut self, intents: Vec<Intent>) -> Result<Vec<Intent>> {
        let mut left = Vec::with_capacity(intents.len());
        for intent in intents {
            left.extend(
                self.store.intent(intent.id)?.filter(|intent| intent.state == IntentState::Unknown),
            );
        }
        Ok(left)
    }

    /// Concludes from what a record showed that was asked for at `asked`, and takes it in. `None`
    /// if it was not there. Gives whether anything could be concluded.
    pub(crate) fn settle_shown(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        again: Option<ReadRecord>,
        asked: Timestamp,
    ) -> Result<bool> {
        let now = self.clock.now();
        let ids: Vec<RecordId> = intent.record.into_iter().chain(intent.source.record()).collect();
        let mut known: NumberMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r)).collect();
        let mut commit = Commit::default();
        if let Some(record) = intent.record.filter(|_| again.is_none()) {
            self.facets_gone(Some(record), &mut commit)?;
            match intent.kind {
                IntentKind::Delete if intent.takes_back() => {
                    self.creation_taken_back(under_way, intent, &mut known, &mut commit)?
                }
                IntentKind::Delete => self.deleted(under_way, intent, &mut known, &mut commit)?,
                _ => {
                    commit.intents_changed.push(step(
                        intent,
                        IntentEvent::Drop,
                        now,
                        Some("its record is not there any more".into()),
                    )?);
                    self.gone(under_way, intent, &mut known, &mut commit);
                }
            }
        } else if !self.recognise(under_way, intent, again.as_ref(), &mut commit)? {
            if !is_due(intent, asked) {
                return Ok(false);
            }
            // What speaks against it is decided from what the record shows now.
            let sent = self.sent(intent)?;
            self.put_off(
                under_way,
                intent,
                &format!("{}; it was not done", unanswered(intent)),
                None,
                &sent,
                &known,
                &mut commit,
            )?;
        }
        // What else the record shows is compared with what is recorded here, so this is recorded
        // first.
        self.read_again(under_way, intent, None, &mut commit)?;
        self.store.commit(commit)?;
        let mut commit = Commit::default();
        self.read_again(under_way, intent, again, &mut commit)?;
        self.store.commit(commit)?;
        Ok(true)
    }

    /// P5: an update that landed is Lockstep's own write and no edit, though nobody heard of it.
    /// Gives whether it was one.
    fn recognise(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        again: Option<&ReadRecord>,
        commit: &mut Commit,
    ) -> Result<bool> {
        let (Some(again), Some(id), IntentKind::Update) = (again, intent.record, intent.kind)
        else {
            return Ok(false);
        };
        let ids: Vec<RecordId> = [id].into_iter().chain(intent.source.record()).collect();
        let mut known: NumberMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|record| (record.id, record)).collect();
        let sent = self.sent(intent)?;
        let Some(mut state) = known.remove(&id).filter(|_| !again.deleted) else {
            return Ok(false);
        };
        let before = Before::of(&self.plan, &state, intent);
        let own = confirm::landed(&self.plan, &mut state, intent, &again.values, &sent);
        if own.is_empty() {
            return Ok(false);
        }
        if self.has_facets(intent.ty) {
            self.facets_landed(
                under_way.report.run,
                intent,
                &state,
                &again.values,
                (&sent, &own),
                commit,
            )?;
        }
        self.updated(under_way, intent, &before, state, &own, &known, commit)?;
        Ok(true)
    }

    /// P5: what a record shows while the answer to a write of it is lost is looked at when that is
    /// found out about. Whether there is such a write besides this one.
    pub(crate) fn is_being_written(&mut self, intent: &Intent) -> Result<bool> {
        let Some(record) = intent.record else { return Ok(false) };
        if self.has_unanswered(intent.entity, record, intent.id)? {
            return Ok(true);
        }
        if !self.has_facets(intent.ty) {
            return Ok(false);
        }
        // F3: or one by way of another of its facets.
        let Some(state) = self.store.records(&[record])?.pop() else { return Ok(false) };
        for facet in self.other_facets(&state)? {
            if self.has_unanswered(facet.entity, facet.id, intent.id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn has_unanswered(
        &mut self,
        entity: EntityId,
        record: RecordId,
        besides: IntentId,
    ) -> Result<bool> {
        let unanswered =
            |intent: &Intent| matches!(intent.state, IntentState::Sent | IntentState::Unknown);
        let open = self.store.open_intents(&[entity])?;
        Ok(open
            .iter()
            .any(|open| open.record == Some(record) && open.id != besides && unanswered(open)))
    }

    /// Takes in a record that was read by itself, and puts the intent's records back onto the
    /// agenda.
    pub(crate) fn read_again(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        again: Option<ReadRecord>,
        commit: &mut Commit,
    ) -> Result<()> {
        if let Some(record) = again {
            self.observe_one(under_way, intent.ty, record, commit)?;
        }
        let ids: Vec<RecordId> = intent.record.into_iter().chain(intent.source.record()).collect();
        for record in self.store.records(&ids)? {
            commit
                .agenda_added
                .push(AgendaEntry::new(self.plan.ty(record.ty).decide_rank, record.id));
        }
        Ok(())
    }
}

/// Whether the delay after which something can be concluded is over.
pub(crate) fn is_due(intent: &Intent, now: Timestamp) -> bool {
    intent.not_before.is_none_or(|at| at <= now)
}
