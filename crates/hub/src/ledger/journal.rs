//! Entries of the journal, and steps of intents.

use lockstep_model::change::{IllegalStep, IntentEvent};
use lockstep_model::{
    About, Change, Detail, Intent, NumberMap, RecordId, RecordState, Rule, RunId, Value,
};
use lockstep_store::{Commit, IntentUpdate, JournalEntry, JournalKind};

use crate::error::{HubError, Result};
use crate::ledger::Ledger;
use crate::of_flow::by_flow;
use crate::report::{Decided, PropertyChange, RecordName};
use crate::under_way::Underway;

impl Ledger {
    pub(crate) fn note(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        record: RecordId,
        other: Option<RecordId>,
        detail: impl Into<Detail>,
        commit: &mut Commit,
    ) {
        let run = under_way.report.run;
        commit.journal.push(self.journal_line(run, kind, record, other, detail));
    }

    pub(crate) fn journal_line(
        &self,
        run: RunId,
        kind: JournalKind,
        record: RecordId,
        other: Option<RecordId>,
        detail: impl Into<Detail>,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run,
            kind,
            about: record.into(),
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::D1),
            other,
            intent: None,
            detail: detail.into(),
        }
    }

    pub(crate) fn entry(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        record: &RecordState,
        intent: &Intent,
        detail: impl Into<Detail>,
        rule: Option<Rule>,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind,
            about: record.id.into(),
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule,
            other: intent.source.record(),
            intent: Some(intent.id),
            detail: detail.into(),
        }
    }

    /// A journal entry on what a person said.
    pub(crate) fn person(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        about: impl Into<About>,
        other: Option<RecordId>,
        detail: impl Into<Detail>,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind,
            about: about.into(),
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::L7),
            other,
            intent: None,
            detail: self.signed(detail),
        }
    }

    /// What a person did, with the person's name where it is known.
    pub(crate) fn signed(&self, detail: impl Into<Detail>) -> Detail {
        match (detail.into(), &self.person) {
            (Detail::Person(act), Some(person)) => Detail::By { person: person.clone(), act },
            (detail, _) => detail,
        }
    }
}

/// A step of an intent. An error where the intent can't take it, so that no commit is built with it;
/// the store checks again what it knows of the intent.
pub(crate) fn step(
    intent: &Intent,
    event: IntentEvent,
    now: lockstep_model::Timestamp,
    message: Option<String>,
) -> Result<IntentUpdate> {
    let illegal =
        |step: IllegalStep| HubError::IllegalStep { intent: intent.id, why: step.to_string() };
    intent.state.next(event).map_err(illegal)?;
    let ends = matches!(event, IntentEvent::Confirm | IntentEvent::Drop);
    Ok(IntentUpdate {
        id: intent.id,
        event,
        record: intent.record,
        attempts: intent.attempts,
        not_before: None,
        message,
        done_at: ends.then_some(now),
    })
}

/// What decided for a change, where it was not that it is the latest.
fn decided(
    plan: &lockstep_engine::Plan,
    intent: &Intent,
    change: &Change,
    known: &NumberMap<RecordId, RecordState>,
) -> Option<Decided> {
    let flow = by_flow(plan, (intent.ty, change), known);
    if change.reason.is_latest() && flow.is_none() {
        return None;
    }
    let ty = known.get(&change.claim.record).map(|record| record.ty);
    let ty =
        ty.or_else(|| plan.flows.get(intent.flow.at()).map(|flow| flow.from)).unwrap_or(intent.ty);
    Some(Decided { reason: change.reason, first: plan.ty(ty).name.to_string(), flow })
}

/// How an intent's changes are shown.
pub(crate) fn property_changes(
    plan: &lockstep_engine::Plan,
    intent: &Intent,
    known: &NumberMap<RecordId, RecordState>,
    done: impl Fn(&Change) -> bool,
) -> Vec<PropertyChange> {
    intent
        .changes
        .iter()
        .filter(|change| done(change))
        .map(|change| PropertyChange {
            path: plan.prop(intent.ty, change.prop).name.clone(),
            before: change.displaced.clone().into(),
            after: change.value.clone(),
            rule: change.rule.to_string(),
            why: decided(plan, intent, change, known),
            counterpart_of: change.counterpart_of.map(|c| match known.get(&c.of) {
                Some(record) => RecordName::of(plan, record.ty, &record.key),
                None => RecordName(format!("record {}", c.of)),
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use lockstep_model::{
        BaseVersion, EntityId, FlowIx, IntentId, IntentKind, IntentState, Timestamp, TypeIx,
    };

    use super::*;

    #[test]
    fn a_step_that_is_not_legal_builds_no_commit() {
        let intent = Intent {
            id: IntentId(7),
            run: RunId(1),
            kind: IntentKind::Update,
            rank: 0,
            ty: TypeIx(0),
            record: Some(RecordId(1)),
            entity: EntityId(1),
            source: RecordId(2).into(),
            flow: FlowIx(0),
            base_version: BaseVersion::Unknown,
            changes: vec![],
            state: IntentState::Done,
            attempts: 0,
            not_before: None,
            message: None,
            decided_at: Timestamp(0),
            done_at: None,
        };
        let refused = step(&intent, IntentEvent::Send, Timestamp(1), None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "write 7 is left as it is: an intent that is Done can't take the step Send; please report this"
        );
        let queued = Intent { state: IntentState::Queued, ..intent };
        let sent = step(&queued, IntentEvent::Send, Timestamp(1), None).unwrap();
        assert_eq!((sent.id, sent.event, sent.done_at), (queued.id, IntentEvent::Send, None));
        let sent = Intent { state: IntentState::Sent, ..queued };
        let done = step(&sent, IntentEvent::Confirm, Timestamp(1), None).unwrap();
        assert_eq!(done.done_at, Some(Timestamp(1)));
    }
}
