//! Asks what became of writes whose answers were lost (C2, P5).

use std::collections::BTreeSet;

use lockstep_connector::Trouble;
use lockstep_model::change::IntentEvent;
use lockstep_model::{
    Intent, IntentId, IntentKind, IntentState, NumberMap, ReadRecord, RecordId, RecordState,
};
use lockstep_store::Commit;

use crate::error::Result;
use crate::ledger::journal::step;
use crate::reading::reader::Reader;
use crate::recover::{ACCEPTED_MS, MOMENT_MS, UNDER_WAY_MS, is_due};
use crate::under_way::Underway;

/// So often a record is asked for again whose answer can't be understood.
const MISREAD: usize = 2;

impl Reader<'_> {
    /// C2: a write that may have been done, or will be: nothing is concluded before the system's
    /// delay is over. What only was accepted takes a minute where no delay is stated.
    pub(crate) fn not_known(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        message: String,
        accepted: bool,
        known: &mut NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.ledger.clock.now();
        let delay = self.delay_ms(intent, accepted);
        let mut update = step(intent, IntentEvent::LoseAnswer, now, Some(message))?;
        update.not_before = (delay > 0).then(|| now.plus_ms(delay));
        commit.intents_changed.push(update);
        under_way.unknown = true;
        if intent.kind == IntentKind::Create {
            under_way.left.insert(intent.id);
        } else if let Some(state) =
            intent.record.and_then(|id| known.get_mut(&id)).filter(|_| delay > 0)
        {
            // P5a: what is read of it meanwhile may be from before the write, or be what it did.
            state.written_at = Some(now);
            let state = state.clone();
            self.ledger.facets_not_known(&state, commit)?;
            commit.changed_records.push(state);
        }
        Ok(())
    }

    /// How long after it was sent a write may still not be seen though it was done.
    fn delay_ms(&self, intent: &Intent, accepted: bool) -> i64 {
        let ty = self.ledger.plan.ty(intent.ty);
        let said = match intent.kind {
            IntentKind::Create
                if self.systems[self.ledger.system_of(intent.ty)].connector.knows_own_writes() =>
            {
                ty.unknown_ms
            }
            IntentKind::Create => ty.unknown_ms.max(UNDER_WAY_MS),
            IntentKind::Update | IntentKind::Delete => ty.settles_ms,
        };
        if accepted && ty.settles_ms == 0 { said.max(ACCEPTED_MS) } else { said }
    }

    /// What a killed run had under way: nobody knows when it was sent.
    fn take_over_sent(&mut self) -> Result<()> {
        let sent = self.ledger.store.intents_in(IntentState::Sent, usize::MAX >> 1)?;
        if sent.is_empty() {
            return Ok(());
        }
        let now = self.ledger.clock.now();
        let mut commit = Commit::default();
        for intent in sent {
            let delay = self.delay_ms(&intent, false);
            let mut update = step(
                &intent,
                IntentEvent::LoseAnswer,
                now,
                Some("the process that sent it has ended".into()),
            )?;
            update.not_before = (delay > 0).then(|| now.plus_ms(delay));
            commit.intents_changed.push(update);
        }
        Ok(self.ledger.store.commit(commit)?)
    }

    /// Finds out what became of writes whose answer was lost, also of those that a killed run had
    /// under way.
    pub(crate) fn settle_unknown(&mut self, under_way: &mut Underway) -> Result<()> {
        self.take_over_sent()?;
        // All of them: one that is left would be decided on, and sent again, as if nothing were
        // known of it.
        let mut open = self.ledger.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.retain(|intent| !under_way.paused.contains_key(&self.ledger.system_of(intent.ty)));
        if open.is_empty() {
            return Ok(());
        }
        let now = self.ledger.clock.now();
        let left = open.iter().filter_map(|intent| intent.not_before).map(|at| at.0 - now.0);
        if let Some(ms) = left.filter(|ms| (1..=MOMENT_MS).contains(ms)).max() {
            self.ledger.clock.wait(std::time::Duration::from_millis(ms.unsigned_abs()));
        }
        let (creations, others): (Vec<Intent>, Vec<Intent>) =
            open.into_iter().partition(|i| i.kind == IntentKind::Create);
        for intent in others {
            if !under_way.paused.contains_key(&self.ledger.system_of(intent.ty)) {
                self.settle_one(under_way, intent)?;
            }
        }
        if creations.is_empty() {
            return Ok(());
        }
        // What is new in the target since: one of the new records may be the one that was created.
        self.read(under_way, &creations.iter().map(|i| i.ty).collect())?;
        let known = self.ledger.read_to_the_end(under_way, creations);
        self.ledger.find_created(under_way, known.clone(), false)?;
        // That it is not there is believed when its delay is over, and two lists say so: one that
        // is empty by mistake, or left it out, looks the same.
        let known: BTreeSet<IntentId> = known.iter().map(|intent| intent.id).collect();
        let now = self.ledger.clock.now();
        let mut left = self.ledger.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        left.retain(|intent| known.contains(&intent.id) && is_due(intent, now));
        if left.is_empty() {
            return Ok(());
        }
        self.read(under_way, &left.iter().map(|intent| intent.ty).collect())?;
        let left = self.ledger.read_to_the_end(under_way, left);
        self.ledger.find_created(under_way, left, true)
    }

    /// Finds out about an update or a deletion by its record. Nothing is made twice by sending it
    /// again.
    fn settle_one(&mut self, under_way: &mut Underway, intent: Intent) -> Result<()> {
        let now = self.ledger.clock.now();
        let mut again = Ok(None);
        if let Some(target) = self.ledger.store.records(intent.record.as_slice())?.pop() {
            under_way.asked = now;
            again = self.get_now(&intent, &target);
            // What can't be understood now may be the next moment; what is sent again unseen may be
            // written for nothing (P4).
            for _ in 0..MISREAD {
                if matches!(again, Err(Trouble::Malformed(_))) {
                    again = self.get_now(&intent, &target);
                }
            }
            // R3: nobody is gone by one look that shows nothing: a copy that is behind shows
            // nothing either.
            if matches!(again, Ok(None)) && target.is_live() {
                again = self.get_now(&intent, &target);
            }
        }
        let again = match again {
            Ok(again) => again,
            // G4: this one is found out about by the next run, or by a list that shows it; the
            // others are not kept from being read. It may have been done: sent again unseen, what
            // it did would be taken for somebody's edit when it is seen (P5).
            Err(Trouble::Malformed(_) | Trouble::Busy { .. }) => return Ok(()),
            // Nothing of the system is read before that is known.
            Err(trouble) => {
                self.pause(under_way, self.ledger.system_of(intent.ty), None, &trouble);
                return Ok(());
            }
        };
        self.ledger.settle_shown(under_way, &intent, again, now)?;
        Ok(())
    }

    /// What the intent's record shows now.
    fn get_now(
        &self,
        intent: &Intent,
        record: &RecordState,
    ) -> std::result::Result<Option<ReadRecord>, Trouble> {
        let ty = self.ledger.plan.ty(intent.ty);
        let connector = &self.systems[self.ledger.system_of(intent.ty)].connector;
        match connector.get(&ty.name.kind, &ty.watch(), &record.key)? {
            // What another record shows says nothing of this write.
            Some(other) if other.id != record.key => Err(Trouble::Malformed(format!(
                "asked for {}/{}, the system shows {}",
                ty.name, record.key, other.id
            ))),
            found => Ok(found),
        }
    }
}
