//! What a person does through Lockstep: each act is a run of its own, so that the journal knows it
//! by a number, when it was, and what it was (`history --run N`). The acts themselves stand beside
//! this file: `links`, `answers`, `undo`, `audit`.

pub mod answers;
pub mod audit;
pub(crate) mod audited;
pub(crate) mod deletions;
pub(crate) mod flips;
pub(crate) mod forget;
pub(crate) mod goes;
pub(crate) mod halves;
pub(crate) mod identify;
pub(crate) mod join;
pub mod links;
pub mod reopen;
pub mod take_back;
pub mod undo;
pub(crate) mod verdicts;

use std::collections::BTreeSet;

use serde_json::json;

use crate::error::{ActError, ActResult};
use crate::hub::Hub;
use crate::under_way::{RunOptions, Underway};

impl Hub {
    /// Every flow may run as it is now (G2). Gives their names. It is a run of its own where it is
    /// known who says so: the list of runs tells who approved.
    pub fn approve(&mut self) -> ActResult<Vec<String>> {
        match self.ledger.person {
            None => Ok(self.ledger.approve()?),
            Some(_) => self.act("approve the flows", |hub, _| Ok(hub.ledger.approve()?)),
        }
    }

    /// Carries out an act as a run of its own; `what` is how it is remembered.
    pub(crate) fn act<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&mut Hub, &mut Underway<'_>) -> ActResult<T>,
    ) -> ActResult<T> {
        let mut done = None;
        self.within_run(
            RunOptions::default(),
            json!({"what": what}),
            |hub, under_way, _: &mut BTreeSet<_>| match work(hub, under_way) {
                Err(ActError::Hub(error)) => Err(error),
                other => {
                    done = Some(other);
                    Ok(())
                }
            },
        )?;
        done.unwrap_or_else(|| Err(ActError::Refused("the act did not come to an end".into())))
    }
}
