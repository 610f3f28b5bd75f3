//! R6: what was read back so soon after a write that it may be the state from before is looked at
//! once more when the system's delay is over. A list of changes would never show what the system
//! has not kept. Which records these are is kept in the store's marks.

use std::collections::BTreeSet;

use lockstep_connector::Trouble;
use lockstep_model::{Timestamp, TypeIx};
use lockstep_store::Commit;
use serde_json::json;

use crate::run::{Hub, Result, Underway};
use crate::settle_unknown::MOMENT_MS;

const MARK: &str = "look-again:";

impl Hub {
    /// Notes what was read back too early; `now` is when it was written.
    pub(crate) fn to_be_looked_at_again(
        &self,
        under_way: &mut Underway,
        now: Timestamp,
        commit: &mut Commit,
    ) {
        for (ty, key) in std::mem::take(&mut under_way.too_early) {
            let due = now.plus_ms(self.plan.ty(ty).settles_ms);
            if due.0 - now.0 <= MOMENT_MS {
                under_way.looks_again = under_way.looks_again.max(Some(due));
            }
            commit
                .marks
                .push((format!("{MARK}{}/{key}", self.plan.ty(ty).name), Some(json!(due.0))));
        }
    }

    /// Looks at what this run has noted, where waiting for it takes a moment only. Gives whether
    /// there was any.
    pub(crate) fn look_again_soon(
        &mut self,
        under_way: &mut Underway,
        types: &BTreeSet<TypeIx>,
    ) -> Result<bool> {
        let Some(due) = under_way.looks_again.take() else { return Ok(false) };
        let left = due.0 - self.clock.now().0;
        if left > 0 {
            self.clock.wait(std::time::Duration::from_millis(left.unsigned_abs()));
        }
        self.look_again(under_way, types)
    }

    /// Looks at the records whose delay is over. Gives whether there were any.
    pub(crate) fn look_again(
        &mut self,
        under_way: &mut Underway,
        types: &BTreeSet<TypeIx>,
    ) -> Result<bool> {
        let now = self.clock.now();
        let mut jobs: Vec<Vec<(TypeIx, String)>> = vec![vec![]; self.systems.len()];
        let mut commit = Commit::default();
        for (mark, due) in self.store.marks()? {
            let Some((ty, key)) = mark.strip_prefix(MARK).and_then(|name| name.split_once('/'))
            else {
                continue;
            };
            let Some(ty) = self.types().find(|known| self.plan.ty(*known).name.to_string() == ty)
            else {
                // Its record type is in no flow any more.
                commit.marks.push((mark, None));
                continue;
            };
            let system = self.system_of(ty);
            let is_due = due.as_i64().is_none_or(|due| due <= now.0);
            if is_due
                && types.contains(&ty)
                && self.plan.ty(ty).can.get
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
                        self.take_in_named(under_way, ty, record, &mut commit)?;
                    }
                    commit.marks.push((format!("{MARK}{}/{key}", self.plan.ty(ty).name), None));
                }
                // G4: looked at by the next run.
                Err(Trouble::Malformed(_) | Trouble::Busy { .. }) => {}
                Err(trouble) => {
                    let system = self.system_of(ty);
                    if !under_way.paused.contains_key(&system) {
                        self.pause(under_way, system, None, &trouble);
                    }
                }
            }
        }
        self.store.commit(commit)?;
        Ok(any)
    }
}
