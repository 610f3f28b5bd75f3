//! What keeps a call of the hub from being done.

use lockstep_model::{IntentId, Remedy};
use lockstep_store::StoreError;

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
    /// The same, and what a person can do.
    #[error("{message}")]
    Advised { message: String, remedies: Vec<Remedy> },
}

impl ActError {
    /// What a person can do about it.
    pub fn remedies(&self) -> &[Remedy] {
        match self {
            ActError::Advised { remedies, .. } => remedies,
            ActError::Hub(HubError::Store(error)) => error.remedies(),
            ActError::Look(_)
            | ActError::Hub(HubError::NoSystem(_) | HubError::IllegalStep { .. })
            | ActError::Refused(_) => &[],
        }
    }

    /// Refused, with what a person can do.
    pub(crate) fn advised(message: impl Into<String>, remedy: Remedy) -> Self {
        ActError::Advised { message: message.into(), remedies: vec![remedy] }
    }
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> Self {
        ActError::Hub(HubError::Store(error))
    }
}

/// The result of an act.
pub type ActResult<T> = std::result::Result<T, ActError>;

/// Why an explanation can't be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    #[error(
        "`{0}` is no record name: write it as system.RecordType/ID, for example wix.Contacts/42"
    )]
    NoName(String),
    #[error("no flow names the record type `{name}`; the flows name {known}")]
    NoType { name: String, known: String },
    #[error("{0} is not known: it has not been read, or is in no system")]
    NoRecord(String),
    #[error("no flow maps the property `{path}` of {ty}; mapped are {known}")]
    NoProperty { path: String, ty: String, known: String },
    #[error("{0}")]
    Store(String),
}

impl From<lockstep_store::StoreError> for LookError {
    fn from(error: lockstep_store::StoreError) -> Self {
        LookError::Store(error.to_string())
    }
}

/// What keeps a run from going on.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A flow names a system that the project does not have.
    #[error("the flows name the system `{0}`, which is not connected")]
    NoSystem(String),
    /// A write was to take a step that it can't take from where it stands: nothing of it is stored.
    #[error("write {intent} is left as it is: {why}; please report this")]
    IllegalStep { intent: IntentId, why: String },
}

/// The result of a hub's call.
pub type Result<T> = std::result::Result<T, HubError>;
