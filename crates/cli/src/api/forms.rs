//! The forms of the HTTP API that no command prints.

use lockstep_console::accounts::{Accounts, Role, Scope};
use lockstep_console::words;
use lockstep_hub::standing::{Side, State};
use lockstep_model::{Value, Why};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire;

/// A record with a few words by which a person knows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Named {
    pub record: String,
    pub label: String,
}

impl From<(lockstep_hub::report::RecordName, String)> for Named {
    fn from((record, label): (lockstep_hub::report::RecordName, String)) -> Self {
        Named { record: record.0, label }
    }
}

/// The flows, with how their records stand.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Flows {
    /// When the numbers were found; they are found anew after each run and act.
    pub at: Option<String>,
    /// The latest run that had begun by then.
    pub run: Option<i64>,
    pub sides: Vec<FlowSide>,
}

/// One side of a flow: the records of its source.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FlowSide {
    pub flow: String,
    pub from: String,
    pub to: String,
    /// Linked, and nothing is to be done.
    pub in_step: u64,
    /// Something comes by itself, or a person is asked.
    pub waiting: u64,
    /// Without a counterpart by the flow, or not kept equal (L9).
    pub excluded: u64,
    /// A system refuses what it is to be given, or does not keep it.
    pub failing: u64,
    pub reasons: Vec<ReasonCount>,
}

/// How many records stand so for a reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReasonCount {
    pub state: String,
    /// The word by which the reason is known; nothing where the state says it.
    pub reason: Option<String>,
    pub text: Option<String>,
    pub records: u64,
}

impl From<&Side> for FlowSide {
    fn from(side: &Side) -> Self {
        let reason = |alike: &lockstep_hub::standing::Alike| ReasonCount {
            state: alike.state.name().into(),
            reason: alike.why.as_ref().map(Why::name),
            text: alike.why.as_ref().map(lockstep_wording::why),
            records: alike.records.len() as u64,
        };
        FlowSide {
            flow: side.flow.clone(),
            from: side.from.clone(),
            to: side.to.clone(),
            in_step: side.count(State::InStep),
            waiting: side.count(State::Waiting),
            excluded: side.count(State::Excluded),
            failing: side.count(State::Failing),
            reasons: side.alike.iter().map(reason).collect(),
        }
    }
}

/// Records of one side of a flow, by how they stand.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlowRecords {
    pub records: Vec<FlowRecord>,
    /// Give it as `after` for those that follow.
    pub next: Option<i64>,
}

/// A record, and why it stands so.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlowRecord {
    pub record: String,
    pub label: String,
    pub reason: Option<String>,
    pub text: Option<String>,
}

/// What waits for a person.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReviewPage {
    pub reviews: wire::Reviews,
    /// Give it as `after` for those that follow.
    pub next: Option<i64>,
}

/// An answer to reviews.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenAnswer {
    /// The numbers of the reviews.
    pub numbers: Vec<i64>,
    /// `accept`, `reject`, `separate` or `link`.
    pub answer: String,
    /// For `link`: the record.
    pub record: Option<String>,
}

/// Linked records.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityPage {
    pub entities: Vec<EntityLine>,
    /// Give it as `after` for those that follow.
    pub next: Option<i64>,
}

/// Records that are linked with each other.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityLine {
    pub entity: i64,
    pub records: Vec<Named>,
}

/// Records that were found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    pub records: Vec<Named>,
    /// Not all records have been looked through. Give it as `after` to go on.
    pub next: Option<String>,
}

/// The records of all systems that are one, side by side.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Entity {
    pub columns: Vec<EntityColumn>,
    pub rows: Vec<EntityRow>,
}

/// A record of an entity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityColumn {
    pub record: String,
    pub label: String,
    /// It is in its system.
    pub live: bool,
    pub modified: Option<String>,
    /// When Lockstep last wrote to it.
    pub written: Option<String>,
    pub explained: wire::Explanation,
}

/// Properties that bear on each other.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityRow {
    /// In the order of the columns.
    pub cells: Vec<Option<EntityCell>>,
    pub differs: bool,
}

/// A property of a record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntityCell {
    pub path: String,
    pub value: Value,
    /// When somebody put a value in here.
    pub claimed: Option<String>,
    /// Why it is so.
    pub sentences: Vec<String>,
}

impl From<lockstep_hub::entity::EntityShown> for Entity {
    fn from(from: lockstep_hub::entity::EntityShown) -> Self {
        let text = |at: Option<lockstep_model::Timestamp>| at.map(|at| at.to_string());
        let column = |column: lockstep_hub::entity::Column| EntityColumn {
            record: column.record.0,
            label: column.label,
            live: column.live,
            modified: text(column.modified),
            written: text(column.written),
            explained: column.explained.into(),
        };
        let cell = |cell: lockstep_hub::entity::Cell| {
            let said = |fact| lockstep_wording::fact(&cell.path, &cell.value, fact);
            let sentences = cell.facts.iter().map(said).collect();
            EntityCell {
                sentences,
                path: cell.path,
                value: cell.value,
                claimed: text(cell.claimed),
            }
        };
        let row = |row: lockstep_hub::entity::Row| EntityRow {
            cells: row.cells.into_iter().map(|of| of.map(cell)).collect(),
            differs: row.differs,
        };
        Entity {
            columns: from.columns.into_iter().map(column).collect(),
            rows: from.rows.into_iter().map(row).collect(),
        }
    }
}

/// A part of the journal, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryPage {
    pub lines: wire::History,
    /// There is more than is shown: ask for a run, a record, or a later time.
    pub cut_off: bool,
}

/// The runs, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunPage {
    pub runs: Vec<wire::Run>,
    /// Give it as `before` for those that came before.
    pub next: Option<i64>,
}

/// What taking back a run would do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TakingBack {
    /// Send it along to have this done and nothing else.
    pub shown: String,
    pub plans: Vec<wire::Taking>,
    /// For an answer to reviews: the records that it linked or kept apart.
    pub pairs: Vec<AnsweredPair>,
}

/// Two records that an answer linked or kept apart.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnsweredPair {
    pub a: String,
    pub b: String,
    pub linked: bool,
}

/// What was shown of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenShown {
    pub shown: String,
}

/// Nothing is to be said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// It is done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {
    pub done: bool,
}

/// A run that is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GivenRun {
    /// List everything, also where a system tells what changed.
    pub full: bool,
    /// Only these flows.
    pub flows: Option<Vec<String>>,
    /// Write into these systems only.
    pub systems: Option<Vec<String>>,
    /// Write so many records, and leave the rest for later.
    pub first: Option<usize>,
}

/// A guard that is answered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenGuard {
    pub system: String,
    pub guard: String,
    /// What it holds back is given up.
    #[serde(default)]
    pub discard: bool,
}

/// Two records.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenPair {
    pub a: String,
    pub b: String,
}

/// A record, and the one that it is to be taken apart from; from all where none is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenUnlink {
    pub a: String,
    pub b: Option<String>,
}

/// What is to be tried again: a record by its name; everything where none is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenRetry {
    pub record: Option<String>,
}

/// Who may sign in, and which tokens there are.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountList {
    pub users: Vec<UserLine>,
    pub tokens: Vec<TokenLine>,
}

/// A user.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UserLine {
    pub name: String,
    pub role: String,
}

/// A token.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenLine {
    pub name: String,
    pub scopes: Vec<String>,
    pub ends: String,
}

impl From<Accounts> for AccountList {
    fn from(from: Accounts) -> Self {
        let role = |role: Role| role.name().to_string();
        let scopes =
            |scopes: &[Scope]| scopes.iter().map(|scope| scope.name().to_string()).collect();
        let users = from.users.iter();
        let tokens = from.tokens.iter();
        AccountList {
            users: users
                .map(|user| UserLine { name: user.name.clone(), role: role(user.role) })
                .collect(),
            tokens: tokens
                .map(|token| TokenLine {
                    name: token.name.clone(),
                    scopes: scopes(&token.scopes),
                    ends: words::time(token.ends),
                })
                .collect(),
        }
    }
}
