//! G8: records whose decisions call for each other: counted, stopped, and asked about.

use lockstep_engine::Slice;
use lockstep_model::why::WhichRecord;
use lockstep_model::{NumberMap, RecordId, RecordState, Review, ReviewKind, Rule, Value};
use lockstep_store::{Commit, ReviewKey};

use crate::deciding::decider::Decider;
use crate::remedies::of_review;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

/// Decisions that a run may take about one record before it counts as going round, once it has
/// taken many more than there are records.
const TURNS: u32 = 20;

/// G8: counts how often records are decided on, so that a run comes to its end whatever the flows
/// say.
///
/// Only what exceeds a budget that no settling project comes near is counted by record: the usual
/// run pays for one addition a batch.
pub(crate) struct Turns {
    decided: u64,
    budget: u64,
    times: NumberMap<RecordId, u32>,
}

impl Turns {
    pub(crate) fn new(records: u64) -> Self {
        Turns { decided: 0, budget: 10 * records + 1_000, times: NumberMap::default() }
    }

    /// Counts a batch. Gives the records in it that have just used up their turns.
    pub(crate) fn count(
        &mut self,
        batch: impl ExactSizeIterator<Item = RecordId>,
    ) -> Vec<RecordId> {
        self.decided += batch.len() as u64;
        if self.decided <= self.budget {
            return vec![];
        }
        let times = &mut self.times;
        let mut turn = |id: &RecordId| {
            let times = times.entry(*id).or_default();
            *times += 1;
            *times == TURNS
        };
        batch.filter(|id| turn(id)).collect()
    }

    /// Some records that are decided on often.
    fn often(&self) -> Vec<RecordId> {
        let often = self.times.iter().filter(|(_, times)| **times > TURNS / 2);
        let mut often: Vec<RecordId> = often.map(|(id, _)| *id).collect();
        often.sort_unstable();
        often.truncate(11);
        often
    }

    fn used_up(&self, id: RecordId) -> bool {
        self.times.get(&id).is_some_and(|times| *times >= TURNS)
    }
}

impl Decider<'_> {
    /// G8: takes records off the agenda that decisions keep putting back, and asks a person about
    /// them: each run comes to an end.
    pub(crate) fn stop_circling(
        &self,
        under_way: &mut Underway,
        turns: &Turns,
        circling: &[RecordId],
        slice: &Slice,
        commit: &mut Commit,
    ) {
        if turns.times.is_empty() {
            return;
        }
        commit.agenda_added.retain(|entry| entry.held || !turns.used_up(entry.record));
        if circling.is_empty() {
            return;
        }
        let often = turns.often();
        for record in circling.iter().filter_map(|id| slice.records.get(id)) {
            let review = self.question_about(record, &often, slice);
            under_way.reviews = true;
            let plan = &self.ledger.plan;
            let remedies = of_review(plan, &review, |id| slice.records.get(&id));
            let name = RecordName::of(plan, record.ty, &record.key);
            under_way.report.event(|| Event::asked(String::new(), name, &review, remedies));
            commit.reviews_closed.retain(|key| *key != ReviewKey::of(&review));
            commit.reviews_opened.push(review);
        }
    }

    /// What a person is asked about a record that was decided on so often, and `often` others.
    fn question_about(&self, record: &RecordState, often: &[RecordId], slice: &Slice) -> Review {
        let plan = &self.ledger.plan;
        let others: Vec<RecordId> =
            often.iter().copied().filter(|id| *id != record.id).take(10).collect();
        let names: Vec<String> = others
            .iter()
            .filter_map(|id| slice.records.get(id))
            .map(|other| RecordName::of(plan, other.ty, &other.key).0)
            .collect();
        let flows = (0..plan.flows.len() as u16).map(lockstep_model::FlowIx);
        let touches = |flow: &lockstep_model::FlowIx| {
            let flow = &plan.flows[flow.at()];
            flow.from == record.ty || flow.to == record.ty
        };
        let flows = flows.filter(touches).map(|flow| plan.flow_name(flow)).collect();
        Review {
            kind: ReviewKind::Unsettled,
            about: record.id.into(),
            ty: record.ty,
            prop: None,
            rule: Rule::G8,
            candidates: others,
            value: Value::Null,
            why: WhichRecord::Circles { with: names, flows }.into(),
            opened_at: slice.now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_what_is_decided_on_without_end_is_stopped_and_what_is_decided_on_often_is_not() {
        // A project of a thousand records in which each is decided on ten times.
        let mut turns = Turns::new(1_000);
        for _ in 0..10 {
            assert!(turns.count((0..1_000_i32).map(|n| RecordId(n.into()))).is_empty());
        }
        assert!(turns.times.is_empty(), "nothing is counted by record in a run that settles");
        // Two records that call for each other, in a store of two.
        let mut turns = Turns::new(2);
        let mut decisions = 0;
        let stopped = loop {
            decisions += 2;
            let circling = turns.count([RecordId(1), RecordId(2)].into_iter());
            if !circling.is_empty() {
                break circling;
            }
            assert!(decisions < 2_000);
        };
        assert_eq!(stopped, [RecordId(1), RecordId(2)]);
        assert!(turns.used_up(RecordId(1)) && !turns.used_up(RecordId(3)));
    }
}
