//! Which record a creation made whose answer was lost (C2).

use std::collections::HashSet;

use lockstep_engine::recover::{self, Candidates, Conclusion};
use lockstep_model::{Intent, IntentId, ReadRecord, RecordId, RecordState, Value};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::under_way::Underway;

/// What a creation has found instead of making it.
pub(crate) enum Found {
    /// The system names what it has, if it does; with what that shows, where it was read.
    Named(Option<String>, Option<ReadRecord>),
    /// R9: the system answered with a record that it had, and may have written what was sent over
    /// what that held.
    Overwritten(ReadRecord, Vec<(usize, Value)>),
}

impl Ledger {
    /// Creations of record types that were read to their end. A system that could not be read, or
    /// was not read any more when the run was ended, says nothing about what it does not hold; nor
    /// does one that had records and lists none all of a sudden, or whose list is not believed (G3).
    pub(crate) fn read_to_the_end(
        &self,
        under_way: &Underway,
        mut creations: Vec<Intent>,
    ) -> Vec<Intent> {
        creations.retain(|intent| {
            let status = &self.status[intent.ty.at()];
            let paused = under_way.paused.contains_key(&self.system_of(intent.ty));
            let vanished = under_way.listed_none.contains(&intent.ty) && status.records > 0;
            let believed = !vanished
                && !under_way.guards.stops(intent.ty)
                && !under_way.damages.stops(intent.ty);
            !paused && believed && under_way.read_to_the_end.contains(&intent.ty)
        });
        creations
    }

    /// Looks for the records that unanswered creations may have made: those that were linked by a
    /// match key meanwhile, and new ones that are in no entity yet and hold all that was sent. New
    /// ones are on the agenda, as nothing has been decided since they were read. What is not found
    /// stays open, unless this is the last look.
    pub(crate) fn find_created(
        &mut self,
        under_way: &mut Underway,
        creations: Vec<Intent>,
        last: bool,
    ) -> Result<()> {
        if creations.is_empty() {
            return Ok(());
        }
        let agenda: Vec<RecordId> =
            self.store.agenda(usize::MAX >> 1)?.into_iter().map(|entry| entry.record).collect();
        let fresh = recover::may_be_made(self.store.records(&agenda)?, &creations);
        let apart = self.kept_apart(&creations, &fresh)?;
        let candidates = Candidates::new(fresh, apart);
        let mut doubted = HashSet::new();
        if last && under_way.doubted {
            for intent in &creations {
                if self.is_shown_in_doubt(intent)? {
                    doubted.insert(intent.id);
                }
            }
        }
        for conclusion in recover::find(&self.plan, &candidates, creations, last, &doubted) {
            match conclusion {
                Conclusion::Alike(intents, found) => {
                    self.settle_alike(under_way, intents, found, &candidates, last)?
                }
                Conclusion::Unclear(intent, found) => self.ask_which(under_way, intent, found)?,
            }
        }
        Ok(())
    }

    /// L7: of which new records a person has said that they are not whom a creation was meant for.
    fn kept_apart(
        &mut self,
        creations: &[Intent],
        fresh: &[RecordState],
    ) -> Result<HashSet<(IntentId, RecordId)>> {
        let mut found = HashSet::new();
        let apart = self.store.apart(&fresh.iter().map(|record| record.id).collect::<Vec<_>>())?;
        for intent in creations.iter().filter(|_| !apart.is_empty()) {
            let Some(source) = self.store.records(intent.source.record().as_slice())?.pop() else {
                continue;
            };
            let members: Vec<RecordId> =
                self.store.members(&[source.entity])?.iter().map(|member| member.id).collect();
            let both = apart.iter().flat_map(|(a, b)| [(a, b), (b, a)]);
            found.extend(both.filter(|(a, _)| members.contains(a)).map(|(_, b)| (intent.id, *b)));
        }
        Ok(found)
    }
}
