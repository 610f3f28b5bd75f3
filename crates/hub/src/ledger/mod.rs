//! The ledger: what is known of all records, and how what happens to them is remembered. It asks no
//! system anything.

pub(crate) mod accounts;
pub(crate) mod agenda;
pub(crate) mod damages;
pub(crate) mod deletes;
pub(crate) mod doubts;
pub(crate) mod extra;
pub(crate) mod facets;
pub mod failing;
pub(crate) mod follow;
pub(crate) mod guards;
pub(crate) mod journal;
pub(crate) mod look_again;
pub(crate) mod lost;
pub(crate) mod names;
pub(crate) mod observed;
pub(crate) mod part;
pub(crate) mod renames;
pub(crate) mod totals;
pub(crate) mod unidentified;
pub(crate) mod waiting;

use std::sync::Arc;

use lockstep_engine::Plan;
use lockstep_model::limits::Limits;
use lockstep_model::{IntentState, RunId, Timestamp, TypeIx};
use lockstep_store::{BoundType, Commit, Leased, Store, TypeStatus};

use crate::clock::{Clock, SteadyClock};
use crate::error::{HubError, Result};
use crate::guards::Safeguards;

/// What is known of all records: the plan of flows, the store, the clock, and what has been read.
pub struct Ledger {
    pub(crate) plan: Plan,
    pub(crate) store: Leased,
    pub(crate) clock: Arc<dyn Clock>,
    /// What has been read of each record type, by its number.
    pub(crate) status: Vec<TypeStatus>,
    /// The names of the systems, and the system of each record type.
    pub(crate) names: Vec<String>,
    pub(crate) system_of: Vec<usize>,
    /// Names this store: part of the idempotency keys that it gives out.
    pub(crate) identity: String,
    /// Whether this process has asked the systems for their accounts (R9).
    pub(crate) accounts_checked: bool,
    pub(crate) safeguards: Safeguards,
    /// Who acts, where that is known: the journal names the person.
    pub(crate) person: Option<String>,
    /// It is a plan: nothing is written, and no failure is one (G1).
    pub(crate) pretends: bool,
    /// How long the journal is kept, in milliseconds; for ever where nothing is said.
    pub(crate) journal_ms: Option<i64>,
}

impl Ledger {
    /// What a store knows, by a plan of flows between these systems.
    pub fn new(
        plan: Plan,
        names: Vec<String>,
        store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Ledger> {
        let mut store = Leased::new(store);
        let all = || (0..plan.types.len() as u16).map(TypeIx);
        let bound: Vec<BoundType> = all()
            .zip(plan.flows_between())
            .map(|(ix, flows)| {
                let ty = plan.ty(ix);
                BoundType {
                    name: ty.name.clone(),
                    properties: ty.props.iter().map(|prop| prop.name.clone()).collect(),
                    fingerprint: ty.fingerprint,
                    flows,
                }
            })
            .collect();
        let status = store.bind(&bound)?;
        let mut system_of = Vec::new();
        for ty in &plan.types {
            let at = names.iter().position(|name| *name == ty.name.system);
            system_of.push(at.ok_or_else(|| HubError::NoSystem(ty.name.system.clone()))?);
        }
        // No time that was recorded lies ahead: a clock that was set back goes on from there.
        let runs = store.runs(1)?;
        // C2: of a run that was killed, what it had sent is the latest that is known.
        let mut sent = store.intents_in(IntentState::Sent, usize::MAX >> 1)?;
        sent.extend(store.intents_in(IntentState::Unknown, usize::MAX >> 1)?);
        let recorded = runs.iter().map(|run| run.ended.unwrap_or(run.started));
        let recorded = recorded
            .chain(status.iter().filter_map(|s| s.read_from))
            .chain(sent.iter().map(|intent| intent.decided_at));
        let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new(clock, recorded.max()));
        let identity = store.identity()?;
        Ok(Ledger {
            plan,
            store,
            clock,
            status,
            names,
            system_of,
            identity,
            accounts_checked: false,
            safeguards: Safeguards::default(),
            person: None,
            pretends: false,
            journal_ms: None,
        })
    }

    /// The same, with another store in the place of its own, for a plan (G1).
    pub(crate) fn pretending(&mut self, store: Box<dyn Store>) -> Ledger {
        Ledger {
            plan: std::mem::take(&mut self.plan),
            store: Leased::new(store),
            clock: self.clock.clone(),
            status: self.status.clone(),
            names: self.names.clone(),
            system_of: self.system_of.clone(),
            identity: self.identity.clone(),
            accounts_checked: self.accounts_checked,
            safeguards: self.safeguards.clone(),
            person: None,
            pretends: true,
            journal_ms: None,
        }
    }

    /// Sets the limits and how often everything is listed.
    pub fn set_safeguards(&mut self, safeguards: Safeguards) {
        self.safeguards = safeguards;
    }

    /// Names the person who acts from now on; the journal tells it.
    pub fn set_person(&mut self, name: Option<String>) {
        self.person = name;
    }

    pub(crate) fn limits(&self, system: &str) -> Limits {
        self.safeguards.limits.get(system).copied().unwrap_or_default()
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = TypeIx> + use<> {
        (0..self.plan.types.len() as u16).map(TypeIx)
    }

    /// A review belongs to a record type: for a system's guard, the first one it has.
    pub(crate) fn type_for(&self, system: usize) -> TypeIx {
        self.types().find(|ty| self.system_of(*ty) == system).unwrap_or(TypeIx(0))
    }

    /// The plan of flows.
    pub fn plan_of_flows(&self) -> &Plan {
        &self.plan
    }

    /// Keeps the journal for so many days only. What is older is forgotten at the end of each run.
    pub fn keep_journal_for(&mut self, days: Option<u32>) {
        self.journal_ms = days.map(|days| i64::from(days) * 86_400_000);
    }

    /// The first and the last run that can have anything of the time since.
    pub(crate) fn runs_since(&mut self, since: Timestamp) -> Result<Option<(RunId, RunId)>> {
        let Some(last) = self.store.runs(1)?.first().map(|run| run.id) else { return Ok(None) };
        // One that began before may have been under way.
        let first = self.store.run_from(since)?.map_or(last, |first| RunId(first.0 - 1));
        Ok(Some((first, last)))
    }

    pub(crate) fn forget_old(&mut self, now: Timestamp) -> Result<()> {
        let Some(ms) = self.journal_ms else { return Ok(()) };
        if let Some(first) = self.store.run_from(now.plus_ms(-ms))? {
            self.store.prune_journal(first)?;
        }
        Ok(())
    }

    /// The store, for looking.
    pub fn store(&mut self) -> &mut dyn Store {
        &mut *self.store
    }

    pub(crate) fn system_of(&self, ty: TypeIx) -> usize {
        self.system_of[ty.at()]
    }

    /// Records a commit of the caller's, for `link`, `unlink` and their like.
    pub fn commit(&mut self, commit: Commit) -> Result<()> {
        Ok(self.store.commit(commit)?)
    }
}
