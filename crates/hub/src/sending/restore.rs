//! D2: a record that was deleted after one that is back is brought back by its system, where that
//! can, instead of being made anew.

use lockstep_connector::{Action, Connector, Outcome, Trouble, Write};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{Intent, IntentKind, Presence, ReadRecord, RecordState, TypeIx};

use crate::error::Result;
use crate::sending::look::look;
use crate::sending::sender::Sender;

impl Sender<'_> {
    /// D2: for each intent the id of the record that was deleted after the one that is back, where
    /// its system can bring it back, too.
    pub(crate) fn restores(
        &mut self,
        ty: TypeIx,
        intents: &[Intent],
    ) -> Result<Vec<Option<String>>> {
        let can = self.ledger.plan.ty(ty).can;
        let creates = |intent: &Intent| intent.kind == IntentKind::Create && !intent.takes_back();
        if !can.restore || !can.get || !intents.iter().any(creates) {
            return Ok(vec![]);
        }
        let mut found = Vec::with_capacity(intents.len());
        for intent in intents {
            let source = match creates(intent) {
                true => self.ledger.store.records(intent.source.record().as_slice())?.pop(),
                false => None,
            };
            let members = match source {
                Some(source) => self.ledger.store.members(&[source.entity])?,
                None => vec![],
            };
            let deleted =
                |member: &&RecordState| member.ty == ty && member.presence == Presence::Replaceable;
            found.push(members.iter().find(deleted).map(|member| member.key.clone()));
        }
        Ok(found)
    }
}

/// What a try says that has asked its system to restore a record, and can't tell yet whether that
/// was done. The next try knows by it that a record that can't be restored may have been.
const ASKED: &str = "its system was asked to restore it: ";

/// What became of bringing back the deleted record in whose place one is to be made.
pub(crate) enum Restored {
    /// The creation is dealt with, so or so; with the record where it is there.
    Instead(Outcome, Option<Box<ReadRecord>>),
    /// Its system has it no more, or does not restore it, for this reason: then one is made.
    Not(String),
}

/// D2: brings back a deleted record.
pub(crate) fn restore(
    connector: &dyn Connector,
    (kind, watch): (&str, &[PropertyRef]),
    id: &str,
    intent: &Intent,
    token: &str,
) -> Restored {
    let later = |message: String| {
        Restored::Instead(
            Outcome::Later { retry_after_ms: None, message: format!("{ASKED}{message}") },
            None,
        )
    };
    let asked_before = intent.message.as_deref().is_some_and(|message| message.contains(ASKED));
    // That it was asked for is not forgotten by a try that got no further.
    let as_it_came = |outcome: Outcome| match outcome {
        Outcome::Later { message, .. } if asked_before => later(message),
        outcome => Restored::Instead(outcome, None),
    };
    // Somebody may have done it; so may an earlier try.
    match there(connector, (kind, watch), id, "it is in its system again") {
        Ok(Some(found)) => return found,
        Ok(None) => {}
        Err(outcome) => return as_it_came(outcome),
    }
    let write =
        Write { action: Action::Restore { id: id.into() }, values: vec![], token: token.into() };
    match connector.write(kind, watch, &[write]).pop() {
        Some(Outcome::Done(_)) => {
            match there(connector, (kind, watch), id, "it was deleted, and is restored (D2)") {
                Ok(Some(found)) => found,
                Ok(None) => later("it is not shown yet".into()),
                Err(outcome) => Restored::Instead(outcome, None),
            }
        }
        Some(outcome @ (Outcome::Later { .. } | Outcome::Stopped(_))) => as_it_came(outcome),
        // Restoring it once more does no harm.
        Some(Outcome::Unknown { message } | Outcome::Accepted { message }) => later(message),
        Some(Outcome::Gone { message }) if asked_before => later(message),
        Some(
            Outcome::Gone { message }
            | Outcome::Rejected { message, .. }
            | Outcome::Duplicate { message, .. }
            | Outcome::Conflict { message },
        ) => Restored::Not(message),
        None => Restored::Not("the connector gave no outcome".into()),
    }
}

/// The record, where it is there.
fn there(
    connector: &dyn Connector,
    (kind, watch): (&str, &[PropertyRef]),
    id: &str,
    message: &str,
) -> std::result::Result<Option<Restored>, Outcome> {
    match look(connector, kind, watch, id) {
        Ok(found) => Ok(found.map(|record| {
            let outcome = Outcome::Duplicate { id: Some(id.into()), message: message.into() };
            Restored::Instead(outcome, Some(Box::new(record)))
        })),
        Err(Trouble::Busy { retry_after_ms, message }) => {
            Err(Outcome::Later { retry_after_ms, message })
        }
        Err(Trouble::Malformed(message)) => Err(Outcome::Later { retry_after_ms: None, message }),
        Err(trouble) => Err(Outcome::Stopped(trouble)),
    }
}
