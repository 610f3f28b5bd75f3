//! A write was refused, or put off (G4).

use lockstep_model::change::IntentEvent;
use lockstep_model::why::Sending;
use lockstep_model::{
    Detail, Intent, NumberMap, RecordId, RecordState, Review, ReviewKind, Rule, Value, Why,
};
use lockstep_store::{AgendaEntry, Commit, JournalKind};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::failing::{
    LONGEST_WAIT_MS, SHORTEST_WAIT_MS, TOLD_AFTER, back_off_ms, is_given_up,
};
use crate::ledger::journal::step;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

impl Ledger {
    /// G4: where the target names the property that it refuses, the rest is written without it;
    /// else the whole write waits.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn rejected(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        prop: Option<usize>,
        sent: &[(usize, Value)],
        message: &str,
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        if intent.takes_back() {
            return self.not_taken_back(under_way, intent, message, known, commit);
        }
        under_way.reviews = true;
        let change =
            prop.and_then(|prop| intent.changes.iter().find(|change| change.prop.at() == prop));
        let record = known.get(&intent.subject());
        self.tell_refused(under_way, intent, record, message);
        let value = match change {
            // Decided again, without what was refused. A reference is remembered as the id it was
            // sent as.
            Some(change) => {
                let sent = sent.iter().find(|(prop, _)| *prop == change.prop.at());
                sent.map_or_else(|| change.value.clone(), |(_, value)| value.clone())
            }
            None => Value::Null,
        };
        let event = match change {
            Some(_) => IntentEvent::Drop,
            None => IntentEvent::Refuse,
        };
        let now = self.clock.now();
        commit.intents_changed.push(step(intent, event, now, Some(message.to_string()))?);
        commit.reviews_opened.push(Review {
            kind: ReviewKind::RejectedValue,
            about: intent.subject().into(),
            ty: intent.ty,
            prop: change.map(|change| change.prop),
            rule: Rule::G4,
            candidates: vec![],
            value,
            why: Why::said(message),
            opened_at: now,
        });
        let Some(record) = record else { return Ok(()) };
        if change.is_some() {
            commit
                .agenda_added
                .push(AgendaEntry::new(self.plan.ty(record.ty).decide_rank, record.id));
        }
        let (kind, rule) = (JournalKind::Refused, Some(Rule::G4));
        let mut entry = self.entry(under_way, kind, record, intent, Detail::said(message), rule);
        entry.path = change.map(|change| self.plan.prop(intent.ty, change.prop).name.clone());
        commit.journal.push(entry);
        Ok(())
    }

    fn tell_refused(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        record: Option<&RecordState>,
        message: &str,
    ) {
        under_way.report.system(&self.plan.ty(intent.ty).name.system).refused += 1;
        under_way.report.flow(intent.flow).review += 1;
        under_way.report.event(|| Event::Refused {
            flow: self.plan.flow_name(intent.flow),
            record: record.map_or_else(|| RecordName(String::new()), |record| self.name_of(record)),
            message: message.to_string(),
        });
    }

    /// A write that surely was not done, and may be the next time.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn put_off(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        message: &str,
        retry_after_ms: Option<u64>,
        sent: &[(usize, Value)],
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.clock.now();
        let failures = intent.attempts + 1;
        if is_given_up(failures, intent.decided_at, now, retry_after_ms.is_some()) {
            let text = format!("tried {failures} times since {}: {message}", intent.decided_at);
            return self.rejected(under_way, intent, None, sent, &text, known, commit);
        }
        let mut update = step(intent, IntentEvent::PutBack, now, Some(message.to_string()))?;
        let asked = retry_after_ms
            .map(|ms| i64::try_from(ms).unwrap_or(LONGEST_WAIT_MS).min(LONGEST_WAIT_MS));
        // What a system asks for is the least: after some tries it is left alone as long as any.
        let least = if failures < TOLD_AFTER { SHORTEST_WAIT_MS } else { back_off_ms(failures) };
        let wait = asked.map_or_else(|| back_off_ms(failures), |asked| asked.max(least));
        let again = now.plus_ms(wait);
        (update.attempts, update.not_before) = (failures, Some(again));
        commit.intents_changed.push(update);
        if failures >= TOLD_AFTER && !intent.takes_back() {
            under_way.reviews = true;
            commit.reviews_opened.push(Review {
                kind: ReviewKind::RejectedValue,
                about: intent.subject().into(),
                ty: intent.ty,
                prop: None,
                rule: Rule::G4,
                candidates: vec![],
                value: Value::Null,
                why: Sending::KeepsFailing {
                    times: failures.into(),
                    since: intent.decided_at,
                    not_before: again,
                    because: message.to_string(),
                }
                .into(),
                opened_at: now,
            });
        }
        Ok(())
    }
}
