//! The runs, in pages.

use lockstep_model::RunId;
use lockstep_store::{Result, RunRow};

use crate::ledger::Ledger;
use crate::look::RunLine;

impl RunLine {
    fn of(run: RunRow) -> RunLine {
        RunLine {
            run: run.id.0,
            started: run.started.to_string(),
            ended: run.ended.map(|at| at.to_string()),
            summary: run.summary,
        }
    }

    /// What a person did by it, where it was such a run.
    pub fn act(&self) -> Option<&str> {
        self.summary["act"]["what"].as_str()
    }

    /// The person, where that is known.
    pub fn by(&self) -> Option<&str> {
        self.summary["by"].as_str()
    }

    /// Whether it was an answer to what waited for a person.
    pub fn is_an_answer(&self) -> bool {
        self.act().is_some_and(|what| what.starts_with("review "))
    }

    /// How many writes it made.
    pub fn writes(&self) -> u64 {
        let systems = self.summary["systems"].as_array().into_iter().flatten();
        let counts = systems.flat_map(|system| {
            ["created", "updated", "deleted"].map(|of| system[of].as_u64().unwrap_or(0))
        });
        counts.sum()
    }
}

impl Ledger {
    /// The runs before this one, newest first; the latest where none is named.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn runs_before(&mut self, before: Option<i64>, limit: usize) -> Result<Vec<RunLine>> {
        let Some(before) = before else {
            return Ok(self.store.runs(limit)?.into_iter().map(RunLine::of).collect());
        };
        let mut found = Vec::new();
        let mut id = before.saturating_sub(1);
        // Runs are numbered one after the other.
        while id > 0 && found.len() < limit {
            found.extend(self.store.run(RunId(id))?.map(RunLine::of));
            id -= 1;
        }
        Ok(found)
    }

    /// One run.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn run_line(&mut self, run: i64) -> Result<Option<RunLine>> {
        Ok(self.store.run(RunId(run))?.map(RunLine::of))
    }
}
