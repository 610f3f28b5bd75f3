//! Mirroring, as far as it is more than a decision (D1): what a deletion comes from that comes from
//! the lack of a record, and when it may be sent. Which records are extra is decided in
//! `lockstep_engine::extra`.

use std::collections::BTreeSet;

use lockstep_engine::extra::{Because, extra_by, mirrored, mirrors, source};
use lockstep_engine::settle::Entity;
use lockstep_model::flow::Extra;
use lockstep_model::why::Deleting;
use lockstep_model::{
    FlowIx, Intent, IntentKind, IntentState, NumberMap, RecordId, RecordState, Source, TypeIx,
};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::RecordName;
use crate::under_way::Underway;

impl Ledger {
    /// The name of the record that a write comes from; of the written record itself, where it comes
    /// from the lack of one.
    pub(crate) fn name_of_source(
        &self,
        intent: &Intent,
        known: &NumberMap<RecordId, RecordState>,
    ) -> RecordName {
        let Some(id) = intent.source.record().or(intent.record) else {
            return RecordName(String::new());
        };
        let name = known.get(&id).map(|one| RecordName::of(&self.plan, one.ty, &one.key));
        name.unwrap_or_else(|| RecordName(format!("record {id}")))
    }

    /// What the deletion of an extra record comes from, and by which flow; `None` where it is not
    /// extra any more.
    pub(crate) fn extra_from(&mut self, record: &RecordState) -> Result<Option<(Source, FlowIx)>> {
        let members = self.store.members(&[record.entity])?;
        let entity = Entity::of(&self.plan, members.iter().collect());
        let flow = extra_by(&self.plan, &entity, record);
        Ok(flow.map(|flow| (source(&self.plan, flow, &entity), flow)))
    }

    /// What a person has said of an extra record, as the journal tells it.
    pub(crate) fn said_of_extra(&mut self, record: &RecordState, accept: bool) -> Result<String> {
        let flow = self.extra_from(record)?.map(|(_, flow)| flow);
        let lacking = flow.and_then(|flow| mirrored(&self.plan, flow));
        let lacks = Deleting::Extra { record: None, lacking, besides: None }.into();
        let lacks = lockstep_wording::why(&lacks);
        Ok(self.signed(&match accept {
            true => format!("a person lets it be deleted, as {lacks}"),
            false => format!("a person keeps it, though {lacks}"),
        }))
    }

    /// L8, R8: what is known of a record type may not be all there is just now.
    pub(crate) fn is_in_doubt(&self, under_way: &Underway, ty: TypeIx) -> bool {
        under_way.paused.contains_key(&self.system_of(ty))
            || under_way.damages.hides_records(ty)
            || under_way.guards.stops(ty)
    }

    /// Extra records are not deleted while their source is in doubt, nor while something is still
    /// to be created there: it may be their counterpart (C2, L8).
    pub(crate) fn hold_extra_deletions(&mut self, under_way: &mut Underway) -> Result<()> {
        if !mirrors(&self.plan) {
            return Ok(());
        }
        let queued = self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
        let deletions: Vec<&Intent> = queued
            .iter()
            .filter(|intent| {
                intent.kind == IntentKind::Delete
                    && !intent.takes_back()
                    && self
                        .plan
                        .flows
                        .get(intent.flow.at())
                        .is_some_and(|flow| flow.extra != Extra::Ignore)
            })
            .collect();
        if deletions.is_empty() {
            return Ok(());
        }
        let mut under = self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?;
        under.extend(self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?);
        let creates = queued.iter().chain(&under).filter(|one| one.kind == IntentKind::Create);
        let created: BTreeSet<TypeIx> = creates.map(|intent| intent.ty).collect();
        let sources: Vec<RecordId> =
            deletions.iter().filter_map(|intent| intent.source.record()).collect();
        let known: NumberMap<RecordId, RecordState> =
            self.store.records(&sources)?.into_iter().map(|one| (one.id, one)).collect();
        for intent in deletions {
            let source = intent.source.record().and_then(|id| known.get(&id));
            if Because::of(&self.plan, intent, source) != Because::Extra {
                continue;
            }
            let from = self.plan.flows[intent.flow.at()].from;
            match created.contains(&from) || self.is_in_doubt(under_way, from) {
                true => under_way.held.insert(intent.id),
                false => under_way.held.remove(&intent.id),
            };
        }
        Ok(())
    }
}
