//! Connectors: what knows how to talk to a kind of system. They read and write; they know no flows
//! and no other systems.
//!
//! [`Connector`] is the boundary that the hub works against. Behind it stand the manifest
//! interpreter for JSON over HTTP ([`rest`]) with the built-in manifests,
//! folders of files ([`files`]), tables of databases ([`sql`]) and address books ([`carddav`]).
//!
//! All calls block: the hub gives every system threads of its own, as many as
//! [`Connector::at_once`] allows, and a simulation drives the same trait without any.

mod addresses;
mod bounded;
pub mod carddav;
pub mod catalogue;
mod coding;
pub mod conformance;
pub mod contract;
pub mod down;
pub mod elements;
pub mod files;
mod http;
mod key;
pub mod keyring;
mod mark;
pub mod memory;
mod modified;
mod numbers;
mod private;
pub mod rest;
mod setting;
mod side_by_side;
pub mod sql;
pub mod vault;
pub mod vocabulary;

pub use self::side_by_side::side_by_side;
use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Remedy, Seldom, Timestamp, TypeSchema, Value};

/// How far a record type has been read. Opaque to all but the connector that made it; kept by the
/// store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// What a person may read: a time, a page token, a file's size.
    pub text: String,
    /// What does not fit there (fingerprints of lines).
    pub bytes: Vec<u8>,
}

/// A request for the next page of a record type.
#[derive(Clone, Copy, Debug)]
pub struct ReadRequest<'a> {
    /// The record type's name in the system: `Contacts`.
    pub kind: &'a str,
    /// The properties wanted, in the order in which [`ReadRecord::values`] gives them.
    pub watch: &'a [PropertyRef],
    /// As the last page gave it; `None` to begin with a complete listing.
    pub checkpoint: Option<&'a Checkpoint>,
    /// About how many records a page should have, where the system lets itself be asked.
    pub page_size: usize,
}

/// A page of records.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub records: Vec<ReadRecord>,
    /// Records that could not be read (no id, wrong shape): said once, the others go on.
    pub faults: Vec<RecordFault>,
    /// Ids that the system tells are deleted, or that a changed file does not hold any more.
    pub gone: Vec<String>,
    /// Beginnings of ids: a record whose id begins with one of these and that is not on this page
    /// is not there any more.
    pub below: Vec<String>,
    /// Where to go on, whether there is more now or at the next run.
    pub checkpoint: Checkpoint,
    /// There is more to read now.
    pub more: bool,
    /// This page belongs to a listing of everything, not of what changed: when it ends, a record
    /// that it did not show is not there.
    pub everything: bool,
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFault {
    /// Where: file and line, or request and position.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
    /// The record that it is, where that can be told: it is left alone (R8). Where it can't, it may
    /// be any, also one that nobody knows.
    pub id: Option<String>,
    /// Only a part of the record was not taken in: the rest of it is read and written (R5).
    pub part: bool,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub action: Action,
    pub values: Vec<WriteValue>,
    /// The same for every try of the same intent: an idempotency key, where the system takes one.
    pub token: String,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    /// P6: `version` is what the write was decided on; the connector sees to it that a newer state
    /// is not overwritten.
    Update {
        id: String,
        version: Option<String>,
    },
    Delete {
        id: String,
        version: Option<String>,
    },
    /// D2: a record that was deleted is to be there again, as it was. Where its system has it no
    /// more the outcome is `Gone`. No values are sent, and the answer need not tell any.
    Restore {
        id: String,
    },
}

/// One property of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteValue {
    /// Index into the watched properties given with the call.
    pub prop: usize,
    /// In the system's own type; `Null` empties the property. Where the path leads through a list
    /// this is one element's value, unless it is itself a list, which then is the whole.
    pub value: Value,
    /// P9: the value it takes the place of: the element of a list to replace.
    pub displaced: Seldom,
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done. The record as the system now shows it: id, version and modified time where it tells
    /// them, and the values that its answer held (`None` for the others).
    Done(ReadRecord),
    /// P6: the record changed since the version that the write was decided on. Nothing was written.
    Conflict { message: String },
    /// C2: refused as a duplicate of a record that is there, named where the system names it.
    Duplicate { id: Option<String>, message: String },
    /// G4: refused for good; the property that is to blame where the system names it (index into
    /// the watched properties).
    Rejected { prop: Option<usize>, message: String },
    /// The record is not there any more.
    Gone { message: String },
    /// Certainly not done; to be retried after this many milliseconds.
    Later { retry_after_ms: Option<u64>, message: String },
    /// It may have been done: the answer was lost (C2).
    Unknown { message: String },
    /// It was taken in and will be done later; nothing shows it yet (C2): HTTP 202.
    Accepted { message: String },
    /// Surely not done, and nothing else will be until something about the connection changes.
    Stopped(Trouble),
}

/// What the answers to a system's writes are worth (R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// They show the record as it is stored: whatever they show is what became of the write.
    Stored,
    /// They are believed where they show what was written; where they do not, the record is read
    /// once.
    Believed,
    /// They may repeat what was sent: the record is read after each write.
    Unsure,
}

/// Why a system can't be worked with now. Each says what to do; none holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The key is wrong, expired or lacks a permission.
    #[error("{0}")]
    Unauthorized(String),
    /// No answer: wrong host, no network, the system is down.
    #[error("{0}")]
    Unreachable(String),
    /// The system asks to come back later.
    #[error("{message}")]
    Busy { retry_after_ms: Option<u64>, message: String },
    /// An answer that can't be understood, or that is about this one record only: what was asked,
    /// what was expected, what came. It says nothing of other records.
    #[error("{0}")]
    Malformed(String),
    /// The project's settings or the manifest are wrong.
    #[error("{0}")]
    Misconfigured(String),
    /// The tokens of an earlier sign-in are gone, or can't be opened.
    #[error("{0}")]
    SignedOut(String),
}

impl Trouble {
    /// What a person can do about it, beside what the message says; `system` has it.
    pub fn remedies(&self, system: &str) -> Vec<Remedy> {
        match self {
            Trouble::Unauthorized(_) | Trouble::SignedOut(_) => {
                vec![Remedy::Connect { system: system.to_string() }]
            }
            Trouble::Unreachable(_)
            | Trouble::Busy { .. }
            | Trouble::Malformed(_)
            | Trouble::Misconfigured(_) => vec![],
        }
    }
}

/// A call from a system: a webhook.
#[derive(Clone, Debug)]
pub struct Call {
    /// `POST`.
    pub method: String,
    /// The path with the query, as they came.
    pub address: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

impl Call {
    /// What a header says, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }
}

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The record type.
    pub kind: String,
    /// The record, where the call names it; what changed of the record type, where it does not.
    pub id: Option<String>,
}

/// What a call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Read this now; all of the system's, if nothing is named.
    Hint(Vec<Named>),
    /// A trial: this text is wanted back.
    Challenge(String),
    /// It came before; nothing is to be done.
    Again,
    /// It does not prove where it comes from, or can't be understood.
    Refused(String),
    /// The system does not call.
    NotOffered,
}

/// What came of a question that only a real account settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The question, as a statement.
    pub what: String,
    pub expected: String,
    pub came: String,
    /// Whether the statement holds; `None` where it could not be asked.
    pub holds: Option<bool>,
}

/// A request whose answer a conformance run looks at more closely than a reading shows it.
#[derive(Clone, Copy, Debug)]
pub enum Probe<'a> {
    /// The first page of the list.
    List { page_size: usize },
    /// The page before the one that the manifest calls the first.
    BeforeFirst,
    /// The first page of what changed since then.
    Changes { since: Timestamp },
    /// The look-up by this watched property.
    Find { path: &'a str, value: &'a Value },
}

/// What the answer to a probe shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// Ids of the records in the answer, as far as they have any.
    pub ids: Vec<String>,
    /// How many records there are in it.
    pub shown: usize,
    /// How many were asked for.
    pub limit: usize,
    /// Where the answer tells how many there are in all, and how many it tells.
    pub totals: Vec<(String, u64)>,
    /// Where the answer says that there are more.
    pub more: Vec<String>,
    /// Where the manifest looks for the total, if the answer has none there.
    pub without_total: Option<String>,
    /// Places that the manifest names and that no record in the answer has.
    pub absent: Vec<Absent>,
}

/// A place that no record has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The property's path, or the word of the record type (`version`).
    pub path: String,
    pub is_property: bool,
    /// Where the manifest looks for it.
    pub at: String,
    /// A place of a similar name that the records have.
    pub like: Option<String>,
    /// What the records have.
    pub names: Vec<String>,
}

/// How much was asked of a system since it was connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that left.
    pub sent: u64,
    /// Of these, refused as too many.
    pub refused: u64,
    /// How long requests were held back, all together, in milliseconds.
    pub waited_ms: u64,
}

/// A kind of system, connected: one account.
pub trait Connector: Send + Sync {
    /// The record types it has, with their properties and what can be done.
    fn types(&self) -> &[TypeSchema];

    /// Tries the connection without changing anything; gives a line for the person (account, host).
    fn test(&self) -> Result<String, Trouble>;

    /// The account's own id, by which records of another account with the same ids are told from
    /// these (R9). `None` where the system does not tell.
    fn account(&self) -> Result<Option<String>, Trouble> {
        Ok(None)
    }

    /// The next page. Pages come in whatever order the system has; a record may come twice.
    ///
    /// The checkpoint that a page gives is taken *before* what it lists, so that nothing falls
    /// between two readings (R1).
    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble>;

    /// One record by its id; `None` if it is not there (or deleted).
    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble>;

    /// Several records by their ids, in this order.
    fn get_many(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        ids: &[&str],
    ) -> Result<Vec<Option<ReadRecord>>, Trouble> {
        ids.iter().map(|id| self.get(kind, watch, id)).collect()
    }

    /// The records that hold this value at this watched property. `Ok(None)` where the system can't
    /// be asked so.
    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble>;

    /// Carries out writes of one record type in this order and gives one outcome for each. Never
    /// more than [`Connector::batch`] at once.
    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome>;

    /// As [`Connector::write`], of records of which the hub knows more than this: its next reading
    /// is to show them with their new version. `part` names what is written of them: a record type
    /// of elements.
    fn write_part(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        writes: &[Write],
        part: &str,
    ) -> Vec<Outcome> {
        let _ = part;
        self.write(kind, watch, writes)
    }

    /// As [`Connector::read`], of what `part` names of each record: of its versions nothing is
    /// wanted.
    fn read_part(&self, request: ReadRequest<'_>, part: &str) -> Result<Page, Trouble> {
        let _ = part;
        self.read(request)
    }

    /// What the answers to writes of a record type are worth. `creates`: to its creations, else to
    /// its updates.
    fn answers(&self, kind: &str, creates: bool) -> Answers {
        let _ = (kind, creates);
        Answers::Believed
    }

    /// A reading right after writes of this process costs next to nothing and gives none of them
    /// back, since the connector still knows what it wrote. A run then ends with such a reading, so
    /// that the next one has nothing to read.
    fn knows_own_writes(&self) -> bool {
        false
    }

    /// It stands for a system that could not be asked for its record types ([`down`]).
    fn is_down(&self) -> bool {
        false
    }

    /// Its record types fail one by one: that one can't be read says nothing of the others, which
    /// are worked with (R8). A folder of files.
    fn types_fail_alone(&self) -> bool {
        false
    }

    /// An id in [`Page::gone`] is of a record that is not there: it need not be looked up before it
    /// counts as deleted (R3).
    fn gone_is_certain(&self) -> bool {
        true
    }

    /// A record has nothing that it does not show: a list that it leaves out is empty, and can be
    /// written whole (R5).
    fn shows_all_there_is(&self) -> bool {
        false
    }

    /// Each reading tells of all that can't be read, also where nothing changed: what one does not
    /// tell of has been mended (R8).
    fn tells_faults_each_time(&self) -> bool {
        false
    }

    /// Takes a call from the system. Asks nothing of it: the caller is waiting.
    fn hear(&self, call: &Call) -> Heard {
        let _ = call;
        Heard::NotOffered
    }

    /// Tells the system to call this address when something of these record types changes, where it
    /// wants to be told. Gives after how many seconds it is to be told again; nothing if it need
    /// not.
    ///
    /// # Errors
    /// The system refuses, or its calls could not be told from forged ones.
    fn listen_at(&self, url: &str, kinds: &[String]) -> Result<Option<u64>, Trouble> {
        let _ = (url, kinds);
        Ok(None)
    }

    /// Why the system never calls; nothing where it does, or where that is not known.
    fn makes_no_calls(&self) -> Option<&str> {
        None
    }

    /// Whether the system is told where to call, and not a person in its own settings.
    fn wants_an_address(&self) -> bool {
        false
    }

    /// How fast it is asked at most, in words; nothing where that is not limited.
    fn pace(&self) -> Option<String> {
        None
    }

    /// Asks what no document settles: requests that read, each with what was expected and what
    /// came.
    fn to_settle(&self) -> Vec<Settled> {
        vec![]
    }

    /// Shows an answer more closely than a reading does. `None` where there is no such request.
    fn probe(&self, kind: &str, probe: Probe<'_>) -> Result<Option<Probed>, Trouble> {
        let _ = (kind, probe);
        Ok(None)
    }

    /// A checkpoint with which a reading asks for what changed since this time; `None` where
    /// readings do not go by times.
    fn changes_since(&self, kind: &str, since: Timestamp) -> Option<Checkpoint> {
        let _ = (kind, since);
        None
    }

    /// What was asked of it so far; nothing where no requests are made.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// How many requests may be under way at one time: that many threads call `get`, `find` and
    /// `write`. 1: one call after the other.
    fn at_once(&self) -> usize {
        1
    }

    /// How many writes in one call pay off. 1 for most systems; many where a file is replaced
    /// whole.
    fn batch(&self, kind: &str) -> usize {
        let _ = kind;
        1
    }
}
