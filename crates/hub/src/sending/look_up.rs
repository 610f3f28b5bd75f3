//! L8, C2: a look before creating. Where a system can be asked for a value, it is asked by the
//! match keys of what is about to be created: a listing can have left out the record that is there.
//! A first run, which creates by the thousand and has just listed everything, does without; so does
//! a system whose records are at hand anyway.

use std::collections::HashSet;

use lockstep_connector::{Connector, Trouble, Write};
use lockstep_engine::keys::promised;
use lockstep_engine::plan::MatchProp;
use lockstep_model::flow::PropertyRef;
use lockstep_model::matching::{Compared, Placeholders, forms, meet};
use lockstep_model::value::effective;
use lockstep_model::{Intent, IntentId, IntentKind, ReadRecord, TypeIx, Value};

use crate::error::Result;
use crate::sending::sender::Sender;
use crate::under_way::Underway;

/// Where more creations than these wait for a record type, none is looked up.
const LOOKED_UP: u64 = 100;

/// So often it is asked for where the answer can't be understood, before it is created all the same.
const ASKED_AT_LEAST: u32 = 3;

/// By what a record is looked up before it is created.
pub(crate) struct LookUp {
    pub(crate) rules: Vec<Vec<MatchProp>>,
    /// Records that match and are known: the decision to create was made with them in view.
    pub(crate) known: HashSet<String>,
    pub(crate) placeholders: Placeholders,
}

impl LookUp {
    /// The record that is there already, if the system can tell and nobody knew of it. `tries` is
    /// how often the creation was tried before.
    pub(crate) fn find(
        &self,
        connector: &dyn Connector,
        (kind, watch): (&str, &[PropertyRef]),
        write: &Write,
        tries: u32,
    ) -> std::result::Result<Option<ReadRecord>, Trouble> {
        for rule in &self.rules {
            let sent = |one: &MatchProp| {
                write
                    .values
                    .iter()
                    .find(|value| value.prop == one.prop.at())
                    .map(|value| &value.value)
            };
            let Some(wanted) = rule.iter().map(sent).collect::<Option<Vec<&Value>>>() else {
                continue;
            };
            let first = effective(wanted[0], false);
            if forms(first, rule[0].by, &self.placeholders).is_empty() {
                continue;
            }
            let found = match connector.find(kind, watch, rule[0].prop.at(), first) {
                Ok(found) => found.unwrap_or_default(),
                // L8: nothing is created before it is known. A question that the system never
                // understands is none.
                Err(Trouble::Malformed(message)) if tries < ASKED_AT_LEAST => {
                    return Err(Trouble::Busy { retry_after_ms: None, message });
                }
                Err(Trouble::Malformed(_)) => continue,
                Err(trouble) => return Err(trouble),
            };
            // Some systems find what only looks like it.
            let fits = |record: &ReadRecord| {
                rule.iter().zip(&wanted).all(|(one, wanted)| {
                    let shown = record.values[one.prop.at()].as_ref().unwrap_or(&Value::Null);
                    let shown = if one.primary { effective(shown, false) } else { shown };
                    let of = |value| Compared { value, by: one.by, numeric: one.numeric };
                    meet(of(wanted), of(shown), &self.placeholders)
                })
            };
            let is_it = |record: &ReadRecord| {
                !record.deleted && !self.known.contains(&record.id) && fits(record)
            };
            if let Some(record) = found.into_iter().find(is_it) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

impl Sender<'_> {
    /// What each of these intents is looked up by; nothing where none is.
    pub(crate) fn look_ups(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        ty: TypeIx,
        intents: &[Intent],
    ) -> Result<Vec<Option<LookUp>>> {
        let creates = intents.iter().any(|intent| intent.kind == IntentKind::Create);
        if !creates
            || self.systems[system].connector.knows_own_writes()
            || under_way.great_loads.contains(&ty)
        {
            return Ok(vec![]);
        }
        if self.ledger.store.queued(ty, IntentKind::Create, IntentId(0))? > LOOKED_UP {
            // The last hundred of them are no others.
            under_way.great_loads.insert(ty);
            return Ok(vec![]);
        }
        intents.iter().map(|intent| self.look_up_by(intent)).collect()
    }

    fn look_up_by(&mut self, intent: &Intent) -> Result<Option<LookUp>> {
        if intent.kind != IntentKind::Create || intent.takes_back() {
            return Ok(None);
        }
        let from = self.ledger.plan.flows[intent.flow.at()].from;
        let sides =
            self.ledger.plan.ty(intent.ty).match_sides.iter().filter(|side| side.other == from);
        let rules: Vec<Vec<MatchProp>> = sides.map(|side| side.props.clone()).collect();
        let hashes = promised(&self.ledger.plan, intent.ty, &intent.changes);
        let ids: Vec<_> = self
            .ledger
            .store
            .by_hash(&hashes)?
            .into_iter()
            .filter_map(|(_, owner)| owner.record())
            .collect();
        let known = self
            .ledger
            .store
            .records(&ids)?
            .into_iter()
            .filter(|record| record.ty == intent.ty)
            .map(|record| record.key);
        Ok((!rules.is_empty()).then_some(LookUp {
            rules,
            known: known.collect(),
            placeholders: self.ledger.plan.placeholders.clone(),
        }))
    }
}
