//! What a verification takes, what it gives, and why it can fail.

use lockstep_config::Problem;
use lockstep_hub::HubError;

use crate::checklist::Checklist;

/// A document, or a file of flows: its name and its text.
#[derive(Clone, Debug)]
pub struct Written {
    pub name: String,
    pub text: String,
}

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The emulated systems or the store could not be set up.
    #[error("{0}")]
    Stage(String),
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A guard of the project stopped a run (G3).
    #[error("a guard of the project has stopped the trials: {0}")]
    Guard(String),
}

impl From<lockstep_store::StoreError> for Error {
    fn from(error: lockstep_store::StoreError) -> Self {
        Error::Hub(HubError::Store(error))
    }
}

/// What came of a verification.
#[derive(Debug)]
pub struct Outcome {
    pub checklist: Checklist,
    /// What was amiss in reading the documents.
    pub problems: Vec<Problem>,
    /// What was taken for granted, in words.
    pub notes: Vec<String>,
}
