//! What a person does through Lockstep: each act is a run of its own, so that the journal knows it
//! by a number, when it was, and what it was (`history --run N`). The acts themselves stand beside
//! this file: `links`, `answers`, `undo`, `audit`.

use std::collections::BTreeSet;

use lockstep_store::StoreError;
use serde_json::json;

use crate::explain::LookError;
use crate::run::{Hub, HubError, RunOptions, Underway};

/// Why an act was not carried out. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Hub(#[from] HubError),
    /// It would break a rule, or makes no sense here: says which, and what to do.
    #[error("{0}")]
    Refused(String),
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> Self {
        ActError::Hub(HubError::Store(error))
    }
}

/// The result of an act.
pub type ActResult<T> = std::result::Result<T, ActError>;

impl Hub {
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
