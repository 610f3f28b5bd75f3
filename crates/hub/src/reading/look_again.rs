//! Records that were read in doubt are read again (P5a).

use std::collections::BTreeSet;

use lockstep_connector::Trouble;
use lockstep_engine::observe::Looks;
use lockstep_model::TypeIx;
use lockstep_store::Commit;

use crate::error::Result;
use crate::ledger::look_again::MARK;
use crate::reading::reader::Reader;
use crate::under_way::Underway;

impl Reader<'_> {
    /// Looks at what this run has noted, where waiting for it takes a moment only. Gives whether
    /// there was any.
    pub(crate) fn look_again_soon(
        &mut self,
        under_way: &mut Underway,
        types: &BTreeSet<TypeIx>,
    ) -> Result<bool> {
        let Some(due) = under_way.looks_again.take() else { return Ok(false) };
        let left = due.0 - self.ledger.clock.now().0;
        if left > 0 {
            self.ledger.clock.wait(std::time::Duration::from_millis(left.unsigned_abs()));
        }
        self.look_again(under_way, types)
    }

    /// Looks at the records whose delay is over. Gives whether there were any.
    pub(crate) fn look_again(
        &mut self,
        under_way: &mut Underway,
        types: &BTreeSet<TypeIx>,
    ) -> Result<bool> {
        let now = self.ledger.clock.now();
        let mut jobs: Vec<Vec<(TypeIx, String)>> = vec![vec![]; self.systems.len()];
        let mut commit = Commit::default();
        for (mark, due) in self.ledger.store.marks()? {
            let Some((ty, key)) = mark.strip_prefix(MARK).and_then(|name| name.split_once('/'))
            else {
                continue;
            };
            let Some(ty) = self
                .ledger
                .types()
                .find(|known| self.ledger.plan.ty(*known).name.to_string() == ty)
            else {
                // Its record type is in no flow any more.
                commit.marks.push((mark, None));
                continue;
            };
            let system = self.ledger.system_of(ty);
            let is_due = due.as_i64().is_none_or(|due| due <= now.0);
            if is_due
                && types.contains(&ty)
                && self.ledger.plan.ty(ty).can.get
                && !under_way.paused.contains_key(&system)
            {
                jobs[system].push((ty, key.to_string()));
            }
        }
        let any = jobs.iter().any(|jobs| !jobs.is_empty());
        if !any && commit.marks.is_empty() {
            return Ok(false);
        }
        under_way.asked = now;
        for (ty, key, found) in self.found(jobs) {
            match found {
                Ok(found) => {
                    if let Some(record) = found.filter(|record| record.id == key) {
                        under_way.looks = Looks::AgainAfterWrites;
                        let taken_in = self.take_in_named(under_way, ty, record, &mut commit);
                        under_way.looks = Looks::ForChanges;
                        taken_in?;
                    }
                    commit
                        .marks
                        .push((format!("{MARK}{}/{key}", self.ledger.plan.ty(ty).name), None));
                }
                // G4: looked at by the next run.
                Err(Trouble::Malformed(_) | Trouble::Busy { .. }) => {}
                Err(trouble) => {
                    let system = self.ledger.system_of(ty);
                    if !under_way.paused.contains_key(&system) {
                        self.pause(under_way, system, None, &trouble);
                    }
                }
            }
        }
        self.ledger.store.commit(commit)?;
        Ok(any)
    }
}
