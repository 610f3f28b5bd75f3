//! R6: what was read back so soon after a write that it may be the state from before is looked at
//! once more when the system's delay is over. A list of changes would never show what the system
//! has not kept. Which records these are is kept in the store's marks.

use lockstep_model::{RecordState, Timestamp};
use lockstep_store::Commit;
use serde_json::json;

use crate::ledger::Ledger;
use crate::recover::MOMENT_MS;
use crate::under_way::Underway;

pub(crate) const MARK: &str = "look-again:";

impl Ledger {
    /// P5a: whether what was asked for at this time may show a record as it was before Lockstep's
    /// own write.
    pub(crate) fn is_just_written(&self, record: &RecordState, asked: Timestamp) -> bool {
        record.is_just_written(asked, self.plan.ty(record.ty).settles_ms)
    }

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
}
