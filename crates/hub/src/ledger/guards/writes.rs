//! G3 on the way out: whether the writes of a run may be sent.

use std::collections::BTreeSet;

use lockstep_engine::guard::{Known, Values};
use lockstep_model::guarding::{Guarding, ValuesOf};
use lockstep_model::limits::{GuardKind, Limits};
use lockstep_model::{
    About, FlowIx, Intent, IntentKind, IntentState, PropIx, Review, ReviewKind, Rule, TypeIx, Why,
};
use lockstep_store::{Commit, ReviewKey};
use serde_json::json;

use crate::error::Result;
use crate::guards::{TrippedGuard, remedies};
use crate::ledger::Ledger;
use crate::under_way::Underway;

impl Ledger {
    /// G3: whether anything may be written now. Where a guard has tripped, nothing may, and the
    /// report and a review say so. A plan goes on, to show what would be written.
    pub(crate) fn may_write(&mut self, under_way: &mut Underway) -> Result<bool> {
        if self.pretends && under_way.report.guards.iter().any(|line| line.record_type.is_none()) {
            return Ok(true);
        }
        let fresh = self.over_limits(under_way);
        let all: BTreeSet<_> = under_way.guards.tripped.union(&fresh).copied().collect();
        under_way.report.guards.retain(|line| line.record_type.is_some());
        let mut commit = Commit::default();
        for (system, guard) in all {
            let Some(kind) = guard.writes() else { continue };
            let values = match guard.is_of_a_property() {
                true => {
                    let mut values = self.values_waiting(&under_way.guards)?;
                    values.retain(|(of, ty, _), _| *of == guard && self.system_of(*ty) == system);
                    Some(values)
                }
                false => None,
            };
            let waiting = match &values {
                Some(values) => values.values().copied().max().unwrap_or(0),
                None => self.waiting(&under_way.guards, system, kind)?,
            };
            if waiting > 0 {
                under_way.guards.tripped.insert((system, guard));
                self.tell_tripped(under_way, system, guard, (waiting, values), &mut commit);
            } else if under_way.guards.tripped.remove(&(system, guard)) {
                // Nothing waits any more: what was to be written has been decided otherwise.
                commit.reviews_closed.push(ReviewKey {
                    kind: ReviewKind::Guard,
                    about: About::Guard(guard),
                    ty: self.type_for(system),
                    prop: None,
                });
            }
        }
        if commit != Commit::default() {
            self.store.commit(commit)?;
        }
        Ok(under_way.guards.tripped.is_empty() || self.pretends)
    }

    /// The guards whose limit is exceeded by what is to be written.
    fn over_limits(&self, under_way: &Underway) -> BTreeSet<(usize, GuardKind)> {
        let limits: Vec<Limits> = self.names.iter().map(|name| self.limits(name)).collect();
        let records_of: Vec<u64> = self.status.iter().map(|status| status.records).collect();
        under_way.guards.tally.over(&Known {
            limits: &limits,
            records: &under_way.guards.known,
            records_of: &records_of,
            system_of: &self.system_of,
        })
    }

    /// The report and a review say what a guard holds back.
    fn tell_tripped(
        &self,
        under_way: &mut Underway,
        system: usize,
        guard: GuardKind,
        (waiting, values): (u64, Option<Values>),
        commit: &mut Commit,
    ) {
        let name = self.names[system].clone();
        let limit = self.limits(&name).of(guard);
        let known = under_way.guards.known[system];
        let (system_name, limit_text) = (name.clone(), limit.to_string());
        let why: Why = match &values {
            // D1: few enough, and most of what there is.
            None if guard == GuardKind::Deletes
                && limit.most(known).is_none_or(|most| waiting <= most) =>
            {
                Guarding::FirstMirroring { guard, system: system_name, waiting }
            }
            None => {
                let (system, limit) = (system_name, limit_text);
                Guarding::Writes { guard, system, waiting, known, limit }
            }
            Some(values) => {
                Guarding::Values { guard, counted: self.counted(values), limit: limit_text }
            }
        }
        .into();
        commit.reviews_opened.push(Review {
            kind: ReviewKind::Guard,
            about: About::Guard(guard),
            ty: self.type_for(system),
            prop: None,
            rule: Rule::G3,
            candidates: vec![],
            value: json!({"system": name, "guard": guard.name(), "waiting": waiting, "known": known, "limit": limit.to_string()}),
            why: why.clone(),
            opened_at: self.clock.now(),
        });
        under_way.report.guards.push(TrippedGuard {
            remedies: remedies(&name, guard, false),
            system: name,
            guard: guard.name().into(),
            record_type: None,
            why,
        });
    }

    /// The values that a guard has counted, by the names of their properties.
    fn counted(&self, values: &Values) -> Vec<ValuesOf> {
        let one = |(&(_, ty, prop), count): (&(GuardKind, TypeIx, PropIx), &u64)| ValuesOf {
            property: self.plan.prop(ty, prop).name.clone(),
            of: self.plan.ty(ty).name.to_string(),
            count: *count,
            known: self.status[ty.at()].records,
        };
        values.iter().map(one).collect()
    }

    /// A run has come to its end: what it read whole is armed from now on, and its flows have had
    /// their first run.
    pub(crate) fn arm(&mut self, under_way: &Underway) -> Result<()> {
        let mut marks = Vec::new();
        let not_whole = self.not_whole(under_way)?;
        let ended = |ty: &TypeIx| {
            let whole = self.status[ty.at()].complete && !not_whole.contains(ty);
            whole && !under_way.guards.tally.armed[ty.at()] && !under_way.renamed.contains(ty)
        };
        let armed: BTreeSet<TypeIx> = self.types().filter(ended).collect();
        for ty in armed.iter().copied() {
            marks.push((
                self.type_mark("armed", ty),
                Some(json!(format!("{:x}", self.plan.ty(ty).fingerprint))),
            ));
        }
        // What a first run leaves over is not counted by the next one either, whichever run has
        // decided on it: one that was killed told nobody.
        let mut left_over = under_way.guards.tally.first_runs.clone();
        let queued = match armed.is_empty() {
            true => vec![],
            false => self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?,
        };
        let counts =
            |intent: &&Intent| intent.kind != IntentKind::Delete && armed.contains(&intent.ty);
        for intent in queued.iter().filter(counts) {
            let guard = (self.system_of(intent.ty), GuardKind::of(intent.kind));
            let last = left_over.entry(guard).or_insert(intent.id);
            *last = (*last).max(intent.id);
        }
        for ((system, guard), id) in &left_over {
            if !under_way.guards.tripped.contains(&(*system, *guard)) {
                marks.push((self.release_mark(*system, *guard), Some(json!(id.0))));
            }
        }
        let complete = |ty: TypeIx| self.status[ty.at()].complete && !not_whole.contains(&ty);
        let ran: BTreeSet<String> = (0..self.plan.flows.len() as u16)
            .map(FlowIx)
            .filter(|flow| {
                complete(self.plan.flows[flow.at()].from) && complete(self.plan.flows[flow.at()].to)
            })
            .map(|flow| self.plan.flow_name(flow))
            .collect();
        let approved = self.approval()?.into_iter().filter(|(_, _, name)| ran.contains(name));
        marks.extend(approved.map(|(mark, fingerprint, _)| (mark, Some(fingerprint))));
        if marks.is_empty() {
            return Ok(());
        }
        Ok(self.store.commit(Commit { marks, ..Commit::default() })?)
    }
}
