//! What all runs have done together, kept by name (the mark `totals`) so that nobody has to go
//! through the runs for it. A run that was killed is not in it.

use std::collections::BTreeMap;

use lockstep_store::Commit;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::Report;

const MARK: &str = "totals";

/// What all runs have done since the store was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    pub runs: u64,
    /// Of these, those that were ended at a step, as somebody wanted.
    pub stopped: u64,
    /// Of these, those that gave up before nothing was left to do (G8).
    pub unfinished: u64,
    pub run_ms: u64,
    pub systems: BTreeMap<String, SystemTotals>,
}

/// What all runs have done with one system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemTotals {
    pub read: u64,
    pub edits: u64,
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    pub refused: u64,
    pub requests: u64,
    /// Of the requests, those that the system refused as too many.
    pub too_many: u64,
    /// How long requests were held back for the system's rate.
    pub waited_ms: u64,
}

impl Totals {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.stopped += u64::from(report.stopped);
        self.unfinished += u64::from(report.unfinished.is_some());
        self.run_ms += (report.ended.0 - report.started.0).max(0).unsigned_abs();
        for of in &report.systems {
            let total = self.systems.entry(of.system.clone()).or_default();
            let requests = of.requests.unwrap_or_default();
            for (all, more) in [
                (&mut total.read, of.read),
                (&mut total.edits, of.edits),
                (&mut total.created, of.created),
                (&mut total.updated, of.updated),
                (&mut total.deleted, of.deleted),
                (&mut total.refused, of.refused),
                (&mut total.requests, requests.sent),
                (&mut total.too_many, requests.refused),
                (&mut total.waited_ms, requests.waited_ms),
            ] {
                *all += more;
            }
        }
    }
}

impl Ledger {
    /// What all runs have done.
    pub fn totals(&mut self) -> Result<Totals> {
        let mark = self.store.marks()?.into_iter().find(|(name, _)| name == MARK);
        // A form of a later version that this one can't read begins anew.
        Ok(mark.and_then(|(_, value)| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    /// Adds a run that has ended.
    pub(crate) fn add_to_totals(&mut self, report: &Report) -> Result<()> {
        let mut totals = self.totals()?;
        totals.add(report);
        let mark = serde_json::to_value(totals).ok();
        Ok(self.store.commit(Commit { marks: vec![(MARK.into(), mark)], ..Commit::default() })?)
    }
}
