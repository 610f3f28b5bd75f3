//! Entries of the journal, and steps of intents.

use lockstep_model::change::IntentEvent;
use lockstep_model::{Change, Intent, NumberMap, RecordId, RecordState, Rule, RunId, Value};
use lockstep_store::{Commit, IntentUpdate, JournalEntry, JournalKind};

use crate::ledger::Ledger;
use crate::report::{Decided, PropertyChange, RecordName};
use crate::under_way::Underway;

impl Ledger {
    pub(crate) fn note(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        record: RecordId,
        other: Option<RecordId>,
        text: String,
        commit: &mut Commit,
    ) {
        let run = under_way.report.run;
        commit.journal.push(self.journal_line(run, kind, record, other, text));
    }

    pub(crate) fn journal_line(
        &self,
        run: RunId,
        kind: JournalKind,
        record: RecordId,
        other: Option<RecordId>,
        text: String,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run,
            kind,
            record,
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::D1),
            other,
            intent: None,
            text,
        }
    }

    pub(crate) fn entry(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        record: &RecordState,
        intent: &Intent,
        text: String,
        rule: Option<Rule>,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind,
            record: record.id,
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule,
            other: Some(intent.source).filter(|source| *source != RecordId::NONE),
            intent: Some(intent.id),
            text,
        }
    }

    /// A journal entry on what a person said.
    pub(crate) fn person(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        record: RecordId,
        other: Option<RecordId>,
        text: &str,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind,
            record,
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::L7),
            other,
            intent: None,
            text: text.into(),
        }
    }
}

/// A step of an intent. Whether it is legal is for the store to say, which knows the intent's
/// state.
pub(crate) fn step(
    intent: &Intent,
    event: IntentEvent,
    now: lockstep_model::Timestamp,
    message: Option<String>,
) -> IntentUpdate {
    let ends = matches!(event, IntentEvent::Confirm | IntentEvent::Drop);
    IntentUpdate {
        id: intent.id,
        event,
        record: intent.record,
        attempts: intent.attempts,
        not_before: None,
        message,
        done_at: ends.then_some(now),
    }
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
            why: (!change.reason.is_latest()).then(|| {
                let ty = known.get(&change.claim.record).map(|record| record.ty);
                let ty = ty
                    .or_else(|| plan.flows.get(intent.flow.at()).map(|flow| flow.from))
                    .unwrap_or(intent.ty);
                Decided { reason: change.reason, first: plan.ty(ty).name.to_string() }
            }),
            counterpart_of: change.counterpart_of.map(|c| match known.get(&c.of) {
                Some(record) => RecordName::of(plan, record.ty, &record.key),
                None => RecordName(format!("record {}", c.of)),
            }),
        })
        .collect()
}
