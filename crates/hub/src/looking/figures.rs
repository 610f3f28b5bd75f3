//! How a project fares, in figures that cost little to find however much is stored.

use lockstep_model::{IntentState, ReviewKind, Timestamp, TypeName};

use crate::damages::TroubleLine;
use crate::error::Result;
use crate::guards::TrippedGuard;
use crate::ledger::Ledger;
use crate::ledger::totals::Totals;

/// The figures of a project.
#[derive(Clone, Debug)]
pub struct Figures {
    pub records: Vec<(TypeName, u64)>,
    /// Open writes by state.
    pub outbox: Vec<(IntentState, u64)>,
    /// What waits for a person, by kind.
    pub reviews: Vec<(ReviewKind, u64)>,
    pub systems: Vec<String>,
    /// Systems that are left alone.
    pub troubles: Vec<TroubleLine>,
    /// What waits for a person before anything is written (G3).
    pub guards: Vec<TrippedGuard>,
    pub totals: Totals,
    /// When the last run that came to its end began and ended.
    pub last_run: Option<(Timestamp, Timestamp)>,
}

/// Among so many latest runs one is looked for that has ended.
const LATEST_RUNS: usize = 50;

impl Ledger {
    /// How the project fares.
    pub fn figures(&mut self) -> Result<Figures> {
        let types = self.plan.types.iter().zip(&self.status);
        let records = types.map(|(ty, status)| (ty.name.clone(), status.records)).collect();
        let mut reviews = self.store.review_counts()?;
        reviews.retain(|(kind, _)| kind.needs_a_person());
        let runs = self.store.runs(LATEST_RUNS)?;
        Ok(Figures {
            records,
            outbox: self.store.intent_counts()?,
            reviews,
            systems: self.names.clone(),
            troubles: self.what_is_damaged()?.1,
            guards: self.tripped_guards()?,
            totals: self.totals()?,
            last_run: runs.iter().find_map(|run| Some((run.started, run.ended?))),
        })
    }
}
