//! Flows that have changed: everything is decided on anew (P1).

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::plan::{PlanCreate, PlanFlow};
use lockstep_model::flow::Extra;
use lockstep_model::{IntentState, Timestamp, TypeIx, Value};
use lockstep_store::{AgendaEntry, Commit};
use serde_json::json;

use crate::deciding::decider::Decider;
use crate::error::Result;
use crate::under_way::Underway;

/// The mark that tells by which flows was decided last.
const FLOWS: &str = "flows";

/// The mark that the flows have changed, and not everything has been decided on by them yet.
const RECONSIDER: &str = "flows:reconsider";

/// Records put onto the agenda together.
const AT_ONCE: usize = 10_000;

impl Decider<'_> {
    /// P1: what was decided and what waits to be sent followed the flows as they were then. Where
    /// they are others now, every record is decided on anew: a changed conversion or policy holds
    /// for what is linked already, and what is not asked for any more is not sent.
    pub(crate) fn follow_flows(&mut self, under_way: &mut Underway) -> Result<()> {
        let now = json!(format!("{:x}", self.ledger.plan.fingerprint_of_flows()));
        let marks: BTreeMap<String, Value> = self.ledger.store.marks()?.into_iter().collect();
        under_way.reconsider = marks.contains_key(RECONSIDER);
        if marks.get(FLOWS) == Some(&now) {
            return Ok(());
        }
        let first = !marks.contains_key(FLOWS);
        let mut mark = Commit { marks: vec![(FLOWS.into(), Some(now))], ..Commit::default() };
        let mut waiting = self.ledger.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
        waiting.extend(self.ledger.store.intents_in(IntentState::Refused, usize::MAX >> 1)?);
        let mut ids: Vec<_> = waiting
            .iter()
            .flat_map(|intent| [intent.source.record(), intent.record])
            .flatten()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let records = self.ledger.store.records(&ids)?;
        mark.agenda_added = records
            .iter()
            .map(|record| AgendaEntry::new(self.ledger.plan.ty(record.ty).decide_rank, record.id))
            .collect();
        if !first {
            for ty in (0..self.ledger.plan.types.len() as u16).map(TypeIx) {
                let rank = self.ledger.plan.ty(ty).decide_rank;
                let mut after: Option<String> = None;
                loop {
                    let page = self.ledger.store.live_keys(ty, after.as_deref(), AT_ONCE)?;
                    let Some((last, _)) = page.last() else { break };
                    after = Some(last.clone());
                    let agenda_added =
                        page.iter().map(|(_, id)| AgendaEntry::new(rank, *id)).collect();
                    self.ledger.store.commit(Commit { agenda_added, ..Commit::default() })?;
                }
            }
            mark.marks.push((RECONSIDER.into(), Some(json!(true))));
            under_way.reconsider = true;
        }
        Ok(self.ledger.store.commit(mark)?)
    }

    /// Everything has been decided on by the flows as they are now.
    pub(crate) fn flows_followed(&mut self, under_way: &mut Underway) -> Result<()> {
        // What is left on the agenda is to be decided on anew by the next run, too.
        if !under_way.part.is_whole()
            && self.ledger.store.agenda(1)?.first().is_some_and(|entry| !entry.held)
        {
            return Ok(());
        }
        if std::mem::take(&mut under_way.reconsider) {
            self.ledger
                .store
                .commit(Commit { marks: vec![(RECONSIDER.into(), None)], ..Commit::default() })?;
        }
        Ok(())
    }

    /// L8: the record types in which something may be created for records that are newer than what
    /// has been read of them. Read again before deciding, which spares deciding twice.
    pub(crate) fn behind(&self, under_way: &Underway) -> BTreeSet<TypeIx> {
        let older = |ty: TypeIx, seen: Timestamp| {
            self.ledger.status[ty.at()].read_from.is_some_and(|from| from < seen)
        };
        // A row of the flow the other way round is a row of this one, too.
        let matches = |flow: &PlanFlow| {
            self.ledger.plan.ty(flow.from).match_sides.iter().any(|side| side.other == flow.to)
        };
        let creates = |flow: &&PlanFlow| flow.create != PlanCreate::Never && matches(flow);
        let flows = self.ledger.plan.flows.iter().filter(creates);
        let behind = flows
            .filter(|flow| {
                under_way.newest.get(&flow.from).is_some_and(|seen| older(flow.to, *seen))
            })
            .map(|flow| flow.to);
        // D1: what is new in the target may be extra.
        let mirrors = |flow: &&PlanFlow| flow.extra != Extra::Ignore && matches(flow);
        let mirrored = self.ledger.plan.flows.iter().filter(mirrors).filter(|flow| {
            under_way.newest.get(&flow.to).is_some_and(|seen| older(flow.from, *seen))
        });
        behind
            .chain(mirrored.map(|flow| flow.from))
            .filter(|ty| {
                !under_way.paused.contains_key(&self.ledger.system_of(*ty))
                    && !under_way.damages.stops(*ty)
            })
            .collect()
    }
}
