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
                true => self.ledger.store.records(&[intent.source])?.pop(),
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

/// D2: brings back the deleted record in whose place one is to be made. Nothing where its system
/// has it no more: then one is made.
pub(crate) fn restore(
    connector: &dyn Connector,
    (kind, watch): (&str, &[PropertyRef]),
    id: &str,
    intent: &Intent,
    token: &str,
) -> Option<(Outcome, Option<ReadRecord>)> {
    let failed = |trouble: Trouble| match trouble {
        Trouble::Busy { retry_after_ms, message } => Outcome::Later { retry_after_ms, message },
        Trouble::Malformed(message) => Outcome::Later { retry_after_ms: None, message },
        trouble => Outcome::Stopped(trouble),
    };
    let there = |message: &str| match look(connector, kind, watch, id) {
        Ok(Some(record)) => {
            let outcome = Outcome::Duplicate { id: Some(id.into()), message: message.into() };
            Some((outcome, Some(record)))
        }
        Ok(None) => None,
        Err(trouble) => Some((failed(trouble), None)),
    };
    // Somebody may have done it; so may an earlier try.
    if let Some(found) = there("it is in its system again") {
        return Some(found);
    }
    let write =
        Write { action: Action::Restore { id: id.into() }, values: vec![], token: token.into() };
    let outcome = connector.write(kind, watch, &[write]).pop();
    match outcome {
        Some(Outcome::Done(_)) => there("it was deleted, and is restored (D2)").or_else(|| {
            let message = format!("{kind}/{id} was restored, and is not shown yet");
            Some((Outcome::Later { retry_after_ms: None, message }, None))
        }),
        Some(outcome @ (Outcome::Later { .. } | Outcome::Stopped(_))) => Some((outcome, None)),
        // Restoring it once more does no harm.
        Some(Outcome::Unknown { message } | Outcome::Accepted { message }) => {
            Some((Outcome::Later { retry_after_ms: None, message }, None))
        }
        // An earlier try may have restored it, though it is not shown yet.
        Some(Outcome::Gone { message }) if intent.attempts > 0 => {
            Some((Outcome::Later { retry_after_ms: None, message }, None))
        }
        _ => None,
    }
}
