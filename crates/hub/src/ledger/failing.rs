//! G4: writes that fail and may succeed the next time. Each is tried again by itself, ever more
//! seldom, in this run or in those after it; a person is told of what goes on failing, and has to
//! say what is to become of it in the end. A system in which one write after the other fails is
//! left alone for the rest of the run. Nothing is retried without an end, and nothing is given up
//! without a word.

use lockstep_model::{
    Intent, IntentState, NumberMap, RecordId, RecordState, ReviewKind, Timestamp,
};
use lockstep_store::{Commit, ReviewKey};
use serde::Serialize;

use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

/// How long a write waits after each of its failures, in seconds: the first two within a run, the
/// others across runs.
const BACK_OFF_S: [i64; 7] = [1, 3, 60, 300, 900, 1_800, 3_600];

/// After so many failures a person is told, while it is still tried again.
pub(crate) const TOLD_AFTER: u32 = 3;

/// After so many it is given up until a person has it tried again: two hours after it was decided,
/// by the steps above.
const TRIES: u32 = 8;

/// Where the system says each time when to come back, it is not given up within this time.
const PATIENT_MS: i64 = 24 * 3_600_000;

/// However soon a system lets a write be tried again: not before this time.
pub(crate) const SHORTEST_WAIT_MS: i64 = 1_000;

/// However long a system asks to be left alone: it is asked again after this time.
pub(crate) const LONGEST_WAIT_MS: i64 = 24 * 3_600_000;

/// When the writes of so many records fail one after the other, with none done between them, it is
/// not the records.
pub(crate) const IN_A_ROW: usize = 5;

/// Maximum number reported one by one; all are counted.
const TOLD: usize = 200;

/// A write that failed and is tried again, or whose outcome is not known.
#[derive(Clone, Debug, Serialize)]
pub struct FailingWrite {
    #[serde(skip)]
    pub flow: String,
    pub source: RecordName,
    /// The record; its record type where it is to be created.
    pub target: String,
    pub kind: String,
    pub message: String,
    pub tries: u32,
    /// It is not tried, or asked after, before.
    pub not_before: Option<Timestamp>,
    /// Whether it was done is not known.
    pub unknown: bool,
}

impl Ledger {
    /// What a person was told of a write that failed is settled once it is done.
    pub(crate) fn fails_no_more(&self, intent: &Intent, commit: &mut Commit) {
        if intent.attempts >= TOLD_AFTER {
            let (record, ty) = (intent.subject(), intent.ty);
            commit.reviews_closed.push(ReviewKey {
                kind: ReviewKind::RejectedValue,
                about: record.into(),
                ty,
                prop: None,
            });
        }
    }

    /// The writes that failed and are tried again, and those of which nobody knows whether they
    /// were done.
    pub fn failing_writes(&mut self, limit: usize) -> lockstep_store::Result<Vec<FailingWrite>> {
        let now = self.clock.now();
        let fails = |intent: &Intent| match intent.state {
            IntentState::Queued => {
                intent.attempts > 0 || intent.not_before.is_some_and(|at| at > now)
            }
            IntentState::Sent | IntentState::Unknown => true,
            IntentState::Done | IntentState::Refused | IntentState::Dropped => false,
        };
        let failing: Vec<Intent> = self.store.tried(limit)?.into_iter().filter(fails).collect();
        let ids: Vec<RecordId> = failing
            .iter()
            .flat_map(|intent| [intent.source.record(), intent.record])
            .flatten()
            .collect();
        let known: NumberMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r)).collect();
        let name = |id: RecordId| known.get(&id).map(|r| RecordName::of(&self.plan, r.ty, &r.key));
        let one = |intent: &Intent| FailingWrite {
            flow: self.plan.flow_name(intent.flow),
            source: self.name_of_source(intent, &known),
            target: intent
                .record
                .and_then(name)
                .map_or_else(|| self.type_name(intent.ty), |name| name.0),
            kind: intent.kind.name().into(),
            message: intent.message.clone().unwrap_or_default(),
            tries: match intent.state {
                IntentState::Queued => intent.attempts,
                _ => intent.attempts + 1,
            },
            not_before: intent.not_before.filter(|at| *at > now),
            unknown: intent.state != IntentState::Queued,
        };
        Ok(failing.iter().map(one).collect())
    }

    /// Tells at the end of a run what fails, also where nothing was tried in it: until it is done,
    /// every run says so.
    pub(crate) fn tell_failing(&mut self, under_way: &mut Underway) -> Result<()> {
        if self.pretends {
            return Ok(());
        }
        let failing = self.failing_writes(usize::MAX >> 1)?;
        under_way.report.failing = failing.len() as u64;
        for one in failing.into_iter().take(TOLD) {
            under_way.report.event(|| Event::Failing {
                flow: one.flow,
                source: one.source,
                target: one.target,
                kind: one.kind,
                message: one.message,
                tries: one.tries,
                not_before: one.not_before,
                unknown: one.unknown,
            });
        }
        Ok(())
    }
}

/// What a write waits after so many failures.
pub(crate) fn back_off_ms(failures: u32) -> i64 {
    let at = (failures.max(1) as usize - 1).min(BACK_OFF_S.len() - 1);
    BACK_OFF_S[at] * 1_000
}

/// Whether a write that has failed so often is tried no more by itself.
pub(crate) fn is_given_up(
    failures: u32,
    decided_at: Timestamp,
    now: Timestamp,
    asked_to_come_back: bool,
) -> bool {
    failures >= TRIES && (!asked_to_come_back || now.0 - decided_at.0 >= PATIENT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_the_back_off_grows_and_ends_with_a_person() {
        let waits: Vec<i64> = (1..=TRIES).map(back_off_ms).collect();
        assert!(waits.windows(2).all(|two| two[0] <= two[1]), "{waits:?}");
        let decided = Timestamp(0);
        assert!(!is_given_up(TRIES - 1, decided, Timestamp(PATIENT_MS), false), "too few tries");
        assert!(is_given_up(TRIES, decided, Timestamp(1), false));
        assert!(
            !is_given_up(TRIES, decided, Timestamp(PATIENT_MS - 1), true),
            "the system says when to come back"
        );
        assert!(is_given_up(TRIES, decided, Timestamp(PATIENT_MS), true), "but not for ever");
    }
}
