//! What can be asked of who has the hub, and what is answered. Both travel as JSON between two
//! processes of the same version; no other program reads them.

use lockstep_hub::answers::{Again, Answer, Answered};
use lockstep_hub::audit::Audit;
use lockstep_hub::links::{Halves, Joined};
use lockstep_hub::report::RecordName;
use lockstep_hub::take_back::TakenBack;
use lockstep_hub::undo::{PutBackAs, Which};
use lockstep_hub::{ActError, HubError, Report};
use lockstep_model::{GuardKind, Remedy, RunId, Value};
use lockstep_store::StoreError;
use serde::{Deserialize, Serialize};

/// The flows by which whoever asks decides: those of who carries it out must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flows(pub u64);

/// What of all that is to be written is written; all of it where nothing is said. Flows by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub flows: Option<Vec<String>>,
    pub systems: Option<Vec<String>>,
    pub first: Option<usize>,
}

/// What is to be taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TakeBack {
    Undo {
        which: Which,
        force: bool,
        put_back: PutBackAs,
    },
    Redo {
        run: Option<RunId>,
        force: bool,
    },
    /// Unlinks these, and puts back what they were given.
    Unlink {
        a: String,
        b: Option<String>,
    },
}

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// One run.
    Sync {
        flows: Flows,
        full: bool,
        every_event: bool,
        limits: Limits,
    },
    /// Every flow may run as it is (G2).
    Approve {
        flows: Flows,
    },
    /// Lets through what a guard holds back, or gives it up (G3).
    Release {
        system: String,
        guard: String,
        discard: bool,
    },
    /// One answer to several reviews.
    Answer {
        numbers: Vec<i64>,
        answer: Answer,
    },
    Link {
        a: String,
        b: String,
    },
    Unlink {
        a: String,
        b: Option<String>,
    },
    /// Takes back the answers of a run: what they were about is asked anew.
    Reopen(RunId),
    /// Tries again what was refused.
    Retry(Again),
    /// Takes back what a person was shown: a plan as JSON. Where it would be another plan by now,
    /// nothing is done.
    TakeBack {
        what: TakeBack,
        shown: Value,
    },
    Audit {
        sample: Option<usize>,
        repair: bool,
    },
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    Report(Box<Report>),
    /// The names of the flows.
    Approved(Vec<String>),
    Released,
    Answered(Vec<Answered>),
    Linked(Joined),
    Unlinked(Halves),
    /// The records that are decided on anew.
    Reopened(Vec<RecordName>),
    TakenBack {
        halves: Option<Halves>,
        taken: Box<TakenBack>,
    },
    Audited(Audit),
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// It makes no sense as it was asked, or the project does not allow it.
    #[error("{}", .0.message)]
    Wrong(Why),
    /// Somebody must do something first: a store that is in use, unwritable or damaged.
    #[error("{}", .0.message)]
    Person(Why),
}

/// Why, and what a person can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    pub message: String,
    #[serde(default)]
    pub remedies: Vec<Remedy>,
}

impl<T: Into<String>> From<T> for Why {
    fn from(message: T) -> Self {
        Why { message: message.into(), remedies: vec![] }
    }
}

impl From<ActError> for Refusal {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Hub(error) => error.into(),
            ActError::Look(_) | ActError::Refused(_) | ActError::Advised { .. } => {
                let message = error.to_string();
                Refusal::Wrong(Why { message, remedies: error.remedies().to_vec() })
            }
        }
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Store(error) => error.into(),
            HubError::NoSystem(_) => Refusal::Wrong(error.to_string().into()),
            HubError::IllegalStep { .. } => Refusal::Person(error.to_string().into()),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let why = Why { message: error.to_string(), remedies: error.remedies().to_vec() };
        match error {
            StoreError::Newer { .. } => Refusal::Wrong(why),
            StoreError::Locked { .. }
            | StoreError::LostLease { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Forbidden { .. }
            | StoreError::Empty { .. }
            | StoreError::Older { .. }
            | StoreError::Damaged { .. } => Refusal::Person(why),
        }
    }
}

/// The guard of this name.
pub(crate) fn guard_named(name: &str) -> Result<GuardKind, Refusal> {
    GuardKind::parse(name)
        .ok_or_else(|| Refusal::Wrong(format!("there is no guard `{name}`").into()))
}
