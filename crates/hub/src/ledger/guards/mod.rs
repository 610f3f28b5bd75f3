//! Guards: what keeps a run from writing more than a person would believe (G3), and a flow from its
//! first run before a person has seen the plan (G2).
//!
//! Writes are counted per system and kind as they are decided, before the first of them is sent.
//! Over a limit nothing is sent, what was decided waits in the outbox, and a review names the
//! guard; it stays tripped, also for later runs, until a person releases it, discards what waits,
//! or nothing waits any more. The counting of creations and updates begins once both record types
//! have been through a whole run: a first run legitimately writes much, and has a plan to be looked
//! at. Deletions are counted always.
//!
//! Two kinds of change do more harm than their number of writes tells, and are counted for each
//! property: values that are emptied (a key whose scope no longer shows telephone numbers empties
//! all of them elsewhere), counted always, and values by which records are matched, overwritten by
//! others.
//!
//! What was released, approved and armed is remembered in the store's marks: `release:SYSTEM:KIND`
//! the number of the last intent that is let through, `release:vanished:TYPE` and
//! `release:lost:TYPE` that the next reading is believed, `armed:TYPE` and `approved:FLOW` the
//! fingerprint of what was armed and approved, `full:TYPE` when it was last listed whole.

pub(crate) mod answers;
pub(crate) mod listings;
pub(crate) mod writes;

use std::collections::BTreeMap;

use lockstep_engine::guard::{Values, values_changed};
use lockstep_model::limits::GuardKind;
use lockstep_model::{
    FlowIx, Intent, IntentId, IntentKind, IntentState, RecordId, Review, ReviewKind, Timestamp,
    TypeIx, Value,
};
use lockstep_store::Commit;
use serde_json::json;

use crate::error::Result;
use crate::guards::{FULL_SCAN_MS, Guards};
use crate::ledger::Ledger;
use crate::under_way::Underway;

impl Ledger {
    pub(crate) fn release_mark(&self, system: usize, guard: GuardKind) -> String {
        format!("release:{}:{}", self.names[system], guard.name())
    }

    /// The mark by which a person lets the next reading of a record type pass a guard.
    pub(crate) fn release_type_mark(&self, ty: TypeIx, kind: GuardKind) -> String {
        self.type_mark(&format!("release:{}", kind.name()), ty)
    }

    pub(crate) fn type_mark(&self, what: &str, ty: TypeIx) -> String {
        format!("{what}:{}", self.plan.ty(ty).name)
    }

    /// The guards as earlier runs and persons have left them. `full` asks for everything to be
    /// listed.
    pub(crate) fn guards(&mut self, now: Timestamp, full: bool) -> Result<Guards> {
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let mut guards = Guards { known: vec![0; self.names.len()], ..Guards::default() };
        for ty in self.types() {
            let fingerprint = format!("{:x}", self.plan.ty(ty).fingerprint);
            guards
                .tally
                .armed
                .push(marks.get(&self.type_mark("armed", ty)) == Some(&json!(fingerprint)));
            guards.known[self.system_of(ty)] += self.status[ty.at()].records;
            for kind in [GuardKind::Vanished, GuardKind::Lost] {
                if marks.contains_key(&self.release_type_mark(ty, kind)) {
                    guards.believed.insert((ty, kind));
                }
            }
            let (can, name) = (self.plan.ty(ty).can, self.plan.ty(ty).name.to_string());
            let usual = (can.since && !can.tells_deletions).then_some(FULL_SCAN_MS);
            let every = self.safeguards.full_scans_ms.get(&name).copied().or(usual);
            let last = marks.get(&self.type_mark("full", ty));
            let at = last.and_then(|last| last["at"].as_i64());
            let owed = last.is_some_and(|last| last["owed"] == true);
            let is_due = every.is_some_and(|every| at.is_none_or(|at| now.0 - at >= every));
            if full || owed || is_due {
                guards.full.insert(ty);
            }
        }
        for system in 0..self.names.len() {
            for guard in GuardKind::ALL.into_iter().filter(|guard| guard.writes().is_some()) {
                if let Some(id) =
                    marks.get(&self.release_mark(system, guard)).and_then(Value::as_i64)
                {
                    guards.tally.through.insert((system, guard), IntentId(id));
                }
            }
        }
        if self
            .store
            .intent_counts()?
            .iter()
            .any(|(state, n)| *state == IntentState::Queued && *n > 0)
        {
            for system in 0..self.names.len() {
                for kind in [IntentKind::Create, IntentKind::Update, IntentKind::Delete] {
                    let waiting = self.waiting(&guards, system, kind)?;
                    guards.tally.planned.insert((system, kind), waiting);
                }
            }
            guards.tally.values = self.values_waiting(&guards)?;
        }
        for review in self.open_guard_reviews()? {
            match review.about.guard() {
                Some(kind) if kind.writes().is_none() => {
                    guards.stopped.insert((review.ty, kind));
                }
                Some(kind) => {
                    guards.tripped.insert((self.system_of(review.ty), kind));
                }
                None => {}
            }
        }
        Ok(guards)
    }

    pub(crate) fn open_guard_reviews(&mut self) -> Result<Vec<Review>> {
        if !self.store.review_counts()?.iter().any(|(kind, n)| *kind == ReviewKind::Guard && *n > 0)
        {
            return Ok(vec![]);
        }
        let mut reviews = self.store.reviews(usize::MAX >> 1)?;
        reviews.retain(|review| review.kind == ReviewKind::Guard);
        Ok(reviews)
    }

    /// How many writes of a kind wait for a system and have not been let through.
    pub(crate) fn waiting(
        &mut self,
        guards: &Guards,
        system: usize,
        kind: IntentKind,
    ) -> Result<u64> {
        let after = guards
            .tally
            .through
            .get(&(system, GuardKind::of(kind)))
            .copied()
            .unwrap_or(IntentId(0));
        let mut waiting = 0;
        let counts = |ty: TypeIx| kind == IntentKind::Delete || guards.tally.armed[ty.at()];
        let types: Vec<TypeIx> =
            self.types().filter(|ty| self.system_of(*ty) == system && counts(*ty)).collect();
        for ty in types {
            waiting += self.store.queued(ty, kind, after)?;
        }
        Ok(waiting)
    }

    /// How many values of each property wait to be changed and have not been let through.
    pub(crate) fn values_waiting(&mut self, guards: &Guards) -> Result<Values> {
        let mut updates = 0;
        for ty in self.types() {
            updates += self.store.queued(ty, IntentKind::Update, IntentId(0))?;
        }
        let mut values = Values::new();
        if updates > 0 {
            for intent in self.store.intents_in(IntentState::Queued, usize::MAX >> 1)? {
                let system = self.system_of(intent.ty);
                for (guard, prop) in values_changed(&self.plan, &intent) {
                    if guards.tally.counts_value(guard, &intent)
                        && guards.tally.is_held_back(system, guard, &intent)
                    {
                        *values.entry((guard, intent.ty, prop)).or_default() += 1;
                    }
                }
            }
        }
        Ok(values)
    }

    /// Counts what has just been decided.
    pub(crate) fn count_for_guards(
        &self,
        under_way: &mut Underway,
        new: &[Intent],
        dropped: &[&Intent],
        type_of: impl Fn(RecordId) -> Option<TypeIx>,
    ) {
        let Guards { approved, tally, .. } = &mut under_way.guards;
        match *approved {
            true => tally.let_through(&self.system_of, new),
            false => tally.count(&self.plan, &self.system_of, new, dropped, type_of),
        }
    }

    /// Flows that are not approved as they are: their marks, fingerprints and names.
    pub(crate) fn approval(&mut self) -> Result<Vec<(String, Value, String)>> {
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let flows = (0..self.plan.flows.len() as u16).map(FlowIx).map(|flow| {
            let name = self.plan.flow_name(flow);
            (
                format!("approved:{name}"),
                json!(format!("{:x}", self.plan.flows[flow.at()].fingerprint)),
                name,
            )
        });
        Ok(flows.filter(|(mark, fingerprint, _)| marks.get(mark) != Some(fingerprint)).collect())
    }

    /// G2: the flows that have not run as they are now, and that no person has approved.
    pub fn unapproved(&mut self) -> Result<Vec<String>> {
        Ok(self.approval()?.into_iter().map(|(_, _, name)| name).collect())
    }

    /// G2: a person has seen the plan, and lets every flow run as it is now. Gives those that had
    /// not been approved.
    pub fn approve(&mut self) -> Result<Vec<String>> {
        let flows = self.approval()?;
        let marks = flows
            .iter()
            .map(|(mark, fingerprint, _)| (mark.clone(), Some(fingerprint.clone())))
            .collect();
        self.store.commit(Commit { marks, durable: true, ..Commit::default() })?;
        Ok(flows.into_iter().map(|(_, _, name)| name).collect())
    }
}
