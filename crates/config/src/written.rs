//! The written form: what may stand in `lockstep.yaml` and in a flow file, as types.
//!
//! From these the JSON Schemas for editors are made, and the reader takes from them which keys it
//! knows, so that the two can't drift apart. The checked form is [`crate::Project`] and
//! `lockstep_model::Flow`; a value passes from the one to the other only by way of the reader,
//! which reports every problem.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value};

/// `lockstep.yaml`: the systems, their connectors and settings, the store, the flows and the
/// policies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectYaml {
    /// The systems to keep in step, by the names that flows call them.
    pub systems: BTreeMap<String, SystemYaml>,
    /// Commands that give the values of variables which neither the environment nor `.env` has:
    /// `{ WIX_API_KEY: { exec: [pass, show, wix] } }`.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretYaml>,
    /// Where links, shadows and the journal are kept: `sqlite:` and a file within the project
    /// folder.
    #[schemars(regex(pattern = r"^(sqlite|postgres|postgresql):"), extend("default" = "sqlite:lockstep.db"))]
    pub store: Option<String>,
    /// How long the journal is kept.
    pub journal: Option<JournalYaml>,
    /// Files of flows: names or patterns with `*` and `?`. `flows/*.yaml`, `flows/*.rst` and
    /// `flows/*.txt` if not said.
    pub flows: Option<Vec<FlowsYaml>>,
    /// What holds for flows that do not say otherwise.
    pub policies: Option<PoliciesYaml>,
    /// How much a run may write, and a listing may lack, before a person has looked (G3); for
    /// systems that do not say otherwise.
    pub limits: Option<LimitsYaml>,
    /// Whether the service waits for `lockstep approve` before the first run of a flow (G2).
    /// `approve` if not said.
    pub first_run: Option<FirstRun>,
    /// The country of telephone numbers that name none, as two letters: `NO`.
    #[schemars(regex(pattern = r"^([A-Z]{2}|\$\{.+\})$"))]
    pub region: Option<String>,
    /// Texts that stand for nothing and never match (L2), besides those that do anyway (`-`, `n/a`,
    /// `none`, `ukjent` …).
    #[serde(default)]
    pub placeholders: Vec<String>,
}

/// Where the value of a variable comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretYaml {
    /// A program and its arguments, each by itself: it is run in the project's folder, without a
    /// shell, and what it prints is the value.
    #[schemars(length(min = 1))]
    pub exec: Vec<String>,
}

/// A system: one account of an application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemYaml {
    /// What knows how to talk to it: a connector that is built in, or a file in `connectors/`.
    pub connector: String,
    /// The connector's settings. Secrets stand in `.env` and are named here: `${WIX_API_KEY}`.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// How documents call it: `SuperOffice`.
    pub title: Option<String>,
    /// Other names that documents have for it: `Wix.com`.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// How often the service reads it.
    pub schedule: Option<ScheduleYaml>,
    /// How often everything is listed, so that what was deleted is noticed where the system does
    /// not tell (R3). `24h` for such systems if not said.
    pub full_scan: Option<ScheduleYaml>,
    /// How much a run may write to it, and its listings may lack, before a person has looked (G3).
    pub limits: Option<LimitsYaml>,
    /// Requests it may be sent, where that is less than the connector says: `5` a second, or
    /// `300/minute`.
    pub rate: Option<RateYaml>,
    /// `ignore`: a property that is emptied in this system is not emptied in the others (P2).
    pub clears: Option<Clears>,
    /// Whose values hold at the first link where this system does not tell when they were put in:
    /// `loses` to any time that is told (if not said), or `wins` (P1).
    pub untold: Option<Untold>,
    /// The country of telephone numbers that name none, where it is not the project's.
    #[schemars(regex(pattern = r"^([A-Z]{2}|\$\{.+\})$"))]
    pub region: Option<String>,
    /// Lists whose elements are records of their own, as the record type `Orders[lines]`: by record
    /// type and list, with the property that tells an element from the others of its list:
    /// `{ Orders: { lines: { id: line_no } } }`.
    #[serde(default)]
    pub elements: BTreeMap<String, BTreeMap<String, ElementsYaml>>,
    /// References that the connector does not tell of, by record type and path:
    /// `{ Person: { CompanyId: Company } }`; those to another system of the project with its name
    /// before: `{ Person: { ManagerId: hr.Employees } }`.
    #[serde(default)]
    pub references: BTreeMap<String, BTreeMap<String, String>>,
}

/// How the elements of a list are records.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElementsYaml {
    /// The property that tells an element from the others of its list: `line_no`; or several that
    /// do so together: `[order_no, line_no]`.
    pub id: OneOrSeveralYaml,
}

/// A text, or a list of several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrSeveralYaml {
    One(String),
    Several(#[schemars(length(min = 1))] Vec<String>),
}

/// Limits (G3), each a count, a share of the records known, or whichever is more: `20`, `5%`,
/// `20 or 5%`; or `none`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsYaml {
    /// Records that a run may create in a system. `50 or 50%` if not said; not counted in the first
    /// run of a record type.
    pub creates: Option<LimitYaml>,
    /// Records that a run may update in a system. `25 or 50%` if not said; not counted in the first
    /// run of a record type.
    pub updates: Option<LimitYaml>,
    /// Records that a run may delete in a system. `5 or 5%` if not said.
    pub deletes: Option<LimitYaml>,
    /// Records that a listing may lack which were there before. `5 or 20%` if not said; one that
    /// lists none is believed with `none` only.
    pub vanished: Option<LimitYaml>,
    /// Of the records that held a property, how many may show it without a value at once (R5).
    /// `2 or 50%` if not said, and never more than 5000 at once unless it is `none`.
    pub lost: Option<LimitYaml>,
    /// Values of one property that a run may empty, of the records of its type. `5 or 10%` if not
    /// said.
    pub clears: Option<LimitYaml>,
    /// Values of one property that records are matched by, and that a run may overwrite. `5 or 10%`
    /// if not said; not counted in the first run of a record type.
    pub match_values: Option<LimitYaml>,
}

/// A count, or a text such as `5%` or `20 or 5%`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LimitYaml {
    Count(u64),
    Text(
        #[schemars(regex(
            pattern = r"^(none|[0-9]+|[0-9.]+ *%|[0-9]+ +or +[0-9.]+ *%|[0-9.]+ *% +or +[0-9]+|\$\{.+\})$"
        ))]
        String,
    ),
}

/// What the service does about the first run of a flow.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstRun {
    /// It waits until a person has seen the plan.
    Approve,
    /// It runs.
    Go,
}

/// Seconds, or a number with `s`, `m` or `h` behind it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DurationYaml {
    Seconds(u64),
    Text(#[schemars(regex(pattern = r"^([0-9]+ *[smh]?|\$\{.+\})$"))] String),
}

/// How often a system is read: one duration, or one for each record type.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ScheduleYaml {
    Every(DurationYaml),
    Each(ScheduleMapYaml),
}

/// How often a system is read, with record types that are read more or less often.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleMapYaml {
    /// For the record types that are not named under `types`.
    pub every: Option<DurationYaml>,
    /// By record type.
    #[serde(default)]
    pub types: BTreeMap<String, DurationYaml>,
}

/// Requests a second, or a text such as `300/minute`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RateYaml {
    PerSecond(f64),
    Text(#[schemars(regex(pattern = r"^([0-9.]+ */ *(second|minute|hour)|\$\{.+\})$"))] String),
}

/// The journal: what was read, decided and written, with every before-image (G7).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalYaml {
    /// `forever`, or a number of days: `90d`. What is older can't be explained nor taken back in
    /// full. `forever` if not said.
    #[schemars(regex(pattern = r"^(forever|[0-9]+ *d|\$\{.+\})$"))]
    pub keep: Option<String>,
}

/// Files of flows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FlowsYaml {
    /// A file or a pattern.
    Pattern(String),
    Document(FlowsFileYaml),
}

/// A dataflow document whose names need explaining.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowsFileYaml {
    /// The file, or a pattern.
    pub file: String,
    /// The system that the document leaves unnamed.
    pub unnamed: Option<String>,
    /// Names of systems in this document, and which systems they are: `{ Wix.com: wix }`. Two
    /// systems, `{ ERP: [erp_no, erp_se] }`, where the document is about two accounts of one
    /// product: the first is that of a heading's first side, the second that of the other.
    #[serde(default)]
    pub names: BTreeMap<String, NamedYaml>,
}

/// Which system a name in a document means.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NamedYaml {
    One(String),
    /// That of a heading's first side, and that of the other.
    Sides([String; 2]),
}

/// What holds for flows that do not say otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoliciesYaml {
    /// What happens to the others when a record is deleted (D1). `ignore` if not said.
    pub deletes: Option<Deletes>,
    /// What happens when several records of one type match (L6). `review` if not said.
    pub duplicates: Option<Duplicates>,
    /// Whose value wins where it is not simply the latest (P1): systems in order.
    pub prefer: Option<Vec<String>>,
    /// `ignore`: emptying a property is no edit (P2).
    pub clears: Option<Clears>,
}

/// A flow file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowFileYaml {
    /// What the flows' document says besides the flows.
    pub document: Option<DocumentYaml>,
    /// Value lists that rows of this file share, by the names that rows call them:
    /// `{ countries: { Norway: "NO", Denmark: DK } }`.
    #[serde(default)]
    pub maps: BTreeMap<String, MapYaml>,
    /// The flows, each from one record type to another.
    pub flows: Vec<FlowYaml>,
    /// What the flows are to do with a few records: `lockstep test` plays it in memory.
    #[serde(default)]
    pub tests: Vec<TestYaml>,
}

/// A test of flows: records, and what a run is to do with them. What is not expected must not
/// happen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestYaml {
    /// What it shows, in words: `a customer of the shop is linked by e-mail`.
    pub name: String,
    /// The records that are there, by record type and id. Record types that are not named are
    /// empty.
    #[serde(default)]
    pub given: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    /// What the first run does.
    pub expect: Option<ExpectYaml>,
    /// What happens afterwards, step by step: edits, and what a run does about them.
    #[serde(default)]
    pub then: Vec<TestStepYaml>,
}

/// A step of a test. One hour passes between two steps.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestStepYaml {
    /// What people change, by record type and id: properties with their new values, `null` to empty
    /// one. A new id is a new record.
    #[serde(default)]
    pub edit: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    /// The records that people delete, by record type.
    #[serde(default)]
    pub delete: BTreeMap<String, Vec<String>>,
    /// What a run does about it. Without it there is no run here; the next one sees this step too.
    pub expect: Option<ExpectYaml>,
}

/// What a run does, and nothing else. `expect: {}`: nothing at all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectYaml {
    /// Records that are created, whole, by record type. The id is one of your choosing, by which
    /// later steps know the record.
    #[serde(default)]
    pub creates: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    /// Records that are updated, by record type and id: the properties that change.
    #[serde(default)]
    pub updates: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    /// Records that Lockstep deletes, by record type.
    #[serde(default)]
    pub deletes: BTreeMap<String, Vec<String>>,
    /// Records that are found to match: `crm.People/1 = shop.Customers/c-1`. Those that are created
    /// are linked without saying so.
    #[serde(default)]
    pub links: Vec<String>,
    /// Records that wait for a person, by record type and id, and why.
    #[serde(default)]
    pub reviews: BTreeMap<String, BTreeMap<String, ReviewWord>>,
}

/// Why a record waits for a person.
#[derive(Debug, Deserialize, JsonSchema)]
pub enum ReviewWord {
    #[serde(rename = "ambiguous match")]
    AmbiguousMatch,
    #[serde(rename = "disputed entity")]
    DisputedEntity,
    #[serde(rename = "rejected value")]
    RejectedValue,
    #[serde(rename = "value not kept")]
    NotKept,
    #[serde(rename = "unconvertible value")]
    Unconvertible,
    #[serde(rename = "unknown outcome")]
    UnknownOutcome,
    #[serde(rename = "pending deletion")]
    PendingDelete,
    #[serde(rename = "tripped guard")]
    Guard,
    #[serde(rename = "flip-flop")]
    FlipFlop,
    #[serde(rename = "unsettled decision")]
    Unsettled,
    #[serde(rename = "another record")]
    AnotherRecord,
    #[serde(rename = "waiting reference")]
    WaitingReference,
    #[serde(rename = "incomplete record")]
    Incomplete,
}

/// What a dataflow document says besides its sections.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentYaml {
    /// `SuperOffice to Wix Dataflow`
    pub title: Option<String>,
    /// When it was made: `2023-09-05 08:36:29`.
    pub generated: Option<String>,
    /// The introduction's heading, where it is not `Introduction`.
    pub heading: Option<String>,
    /// The introduction.
    pub introduction: Option<String>,
    /// How the document calls the systems: `{ wix: Wix.com }`. An empty name leaves a system
    /// unnamed.
    #[serde(default)]
    pub systems: BTreeMap<String, String>,
}

/// One flow: a directed statement from one record type to another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowYaml {
    /// The record type it goes from: `superoffice.Person`.
    #[schemars(regex(pattern = TYPE_NAME))]
    pub from: String,
    /// The record type it goes to: `wix.Contacts`.
    #[schemars(regex(pattern = TYPE_NAME))]
    pub to: String,
    /// When a record is created in the target (C1). `never` if not said.
    pub create: Option<CreateYaml>,
    /// Which records of the source the flow is about, as an expression over their properties:
    /// `contact_type == "person"` (L11). The others are neither matched, created nor kept equal.
    pub only: Option<String>,
    /// The same for the records of the target.
    pub only_to: Option<String>,
    /// What happens to the counterpart of a linked record that `only` does not hold for any more
    /// (L11). `keep` if not said: it stays, and is not kept equal any more.
    pub ceases: Option<Ceases>,
    /// What happens to a record of the target that has no counterpart in the source (D1). `ignore`
    /// if not said: it stays.
    pub extra: Option<Extra>,
    /// By what two records are recognised as the same (L1): rows are alternatives.
    #[serde(default, rename = "match")]
    pub matches: Vec<MatchRowYaml>,
    /// The property pairs that are kept equal.
    #[serde(default)]
    pub properties: Vec<PropertyRowYaml>,
    /// `merge`: several records of one type that match are linked and kept equal (L6). `separate`:
    /// those that match each other and have no counterpart get one each.
    pub duplicates: Option<Duplicates>,
    /// The country of telephone numbers that name none, where it is not that of their systems (L2).
    #[schemars(regex(pattern = r"^([A-Z]{2}|\$\{.+\})$"))]
    pub region: Option<String>,
    /// Between elements of lists (`shop.Orders[lines]`): what tells one from the others of its
    /// list, on both sides: `line_no = pos`; a list of several that do so together:
    /// `[order_no = order, line_no = pos]`. Where it is not said here, it stands under `elements`
    /// of the systems.
    pub key: Option<OneOrSeveralYaml>,
    /// What happens to the others when a record is deleted (D1).
    pub deletes: Option<Deletes>,
    /// Creates though it synchronizes no property (C3).
    pub create_empty: Option<bool>,
    /// Whose value wins, for all rows that do not say otherwise (P1): systems in order.
    pub prefer: Option<Vec<String>>,
    /// Only what is edited in this system counts, for all rows that do not say otherwise (P1).
    pub only_from: Option<String>,
    /// `ignore`: emptying a property is no edit, for all rows that do not say otherwise (P2).
    pub clears: Option<Clears>,
    /// How the document calls a system in this section, where that is another name than elsewhere
    /// in it.
    #[serde(default)]
    pub called: BTreeMap<String, String>,
    /// How the document states the flow, where that is not what is written for `create`, `match`
    /// and `properties`.
    pub statements: Option<Vec<StatementYaml>>,
}

const TYPE_NAME: &str = r"^[^.]+\..+$";

/// When a flow creates a record in its target.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CreateYaml {
    Word(CreateWord),
    If(CreateIfYaml),
}

/// `always`: for every record that has no counterpart. `never`: what is there is linked, nothing is
/// created. `both`: for every record of either side that has none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CreateWord {
    Always,
    Never,
    Both,
}

/// A condition for creating.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateIfYaml {
    /// For those that are connected, by a reference either way, to a record of one of these types
    /// that has a counterpart in the target's system (C5).
    pub when_connected_to: Option<Vec<String>>,
    /// For those that satisfy a condition: in words, as the document has it.
    pub when: Option<String>,
    /// The same as an expression over the record's properties:
    /// `Category == "Customer" and not Retired`.
    pub filter: Option<String>,
}

/// Pairs of properties that must all agree.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MatchRowYaml {
    /// `Emails.Value = email`, or several pairs: `Number = number and Country.Code = country`.
    Row(#[schemars(regex(pattern = r"^.+=.+$"))] String),
    /// One pair each.
    Pairs(Vec<String>),
    Settings(MatchRowSettingsYaml),
}

/// A match row with settings of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchRowSettingsYaml {
    /// `telefon = tlf`
    #[serde(rename = "match")]
    #[schemars(regex(pattern = r"^.+=.+$"))]
    pub row: String,
    /// What the values are (L2). Seen from the values if not said.
    #[serde(rename = "as")]
    pub kind: Option<KindWord>,
    /// What the source's value becomes before it is compared, as a conversion:
    /// `["without-prefix", "SO-", "_."]`. For a row of one pair.
    #[serde(rename = "type")]
    pub ty: Option<Vec<Value>>,
}

/// What values are, for comparing them (R7).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KindWord {
    /// A text and nothing else.
    Text,
    /// A text, letter by letter.
    Exact,
    Email,
    Phone,
    Url,
    Number,
    Boolean,
    /// A day.
    Date,
    /// A point in time.
    Instant,
}

/// Two properties kept equal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PropertyRowYaml {
    /// `Name <-> name`: both ways. `Name -> name`, `Name <- name`: one way. The type, or the
    /// conversion, stands behind a colon: `Name <-> name : string`. A path may carry a condition:
    /// `phones.number (Dependant on having Mobile in phones.name)`. A property of what a record
    /// refers to is taken one way, `company > name -> company_name`, by one or more references.
    Row(#[schemars(regex(pattern = r"^.+(<->|->|<-).+$"))] String),
    Settings(PropertyRowSettingsYaml),
    Set(SetRowYaml),
    Group(RowGroupYaml),
    List(RowListYaml),
    /// `Name <-> name` with its type or conversion.
    Typed(#[schemars(extend("minProperties" = 1, "maxProperties" = 1))] BTreeMap<String, TypeYaml>),
}

/// A row with settings of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PropertyRowSettingsYaml {
    /// `Name <-> name`, `company > name -> company_name`, `first + last <-> name`,
    /// `count(orders) -> order_count`; also `sum`, `min`, `max` and `any` of a list
    #[schemars(regex(pattern = r"^.+(<->|->|<-).+$"))]
    pub row: String,
    /// The type of the target's property, or the conversion to it.
    #[serde(rename = "type")]
    pub ty: Option<TypeYaml>,
    /// The conversion from the target back to the source, where that does not follow from `type`.
    pub back: Option<TypeYaml>,
    /// Whose value wins (P1): systems in order.
    pub prefer: Option<Vec<String>>,
    /// Only what is edited in this system counts (P1).
    pub only_from: Option<String>,
    /// `ignore`: emptying the property is no edit (P2).
    pub clears: Option<Clears>,
    /// What the values are (R7). Seen from the values if not said.
    #[serde(rename = "as")]
    pub kind: Option<KindWord>,
    /// What each value of the first becomes in the second, and the other way round:
    /// `{ Norway: "NO", Denmark: DK }`, the name of one under `maps`, or a file of the project with
    /// two columns and a heading: `countries.csv`. Where several become one, the first is the way
    /// back.
    pub map: Option<MapYaml>,
    /// What becomes of a value that is not in the map. `review` if not said: a person is asked.
    #[serde(rename = "else")]
    pub other: Option<ElseWord>,
    /// What the target holds where the source has nothing. It is Lockstep's own: it is no edit, and
    /// does not come back.
    pub default: Option<Value>,
    /// By what the target's list is put in order: `by amount desc`, a path within its elements;
    /// `asc` or `desc` for single values. One way.
    pub order: Option<String>,
    /// `create`: the target is given the value when it is created, and never after. `always` if not
    /// said.
    pub on: Option<OnWord>,
    /// Which value wins whoever put it there and when: `true`, `false`, `min`, `max`, `longest`, or
    /// `{ any-of: [ … ] }`, the first that any has.
    pub wins: Option<WinsYaml>,
    /// `each`: two lists whose elements come and go one by one. What is put in or taken out on one
    /// side is put in or taken out on the other; edits of both sides at once merge. What the
    /// schemas call lists of references is kept so also where a row does not say it.
    pub list: Option<ListWord>,
}

/// How two lists are kept in step.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListWord {
    /// Element by element.
    Each,
}

/// Rows that move together: an address, a bank account (P1e). The latest edit of any of them
/// carries all of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowGroupYaml {
    /// What it is called, for messages: `address`.
    pub group: String,
    /// Its rows. All go the same way, and each property stands in one of them.
    pub rows: Vec<PropertyRowYaml>,
}

/// Two lists whose elements are kept in step one by one: added, changed and removed on either side.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowListYaml {
    /// The lists: `tasks <-> todo`.
    #[schemars(regex(pattern = r"^.+<->.+$"))]
    pub list: String,
    /// What tells an element from the others of its list: `task = title`; or a list of several that
    /// do so together.
    pub key: OneOrSeveralYaml,
    /// What is kept equal of an element besides its key. A list in it is one of its own.
    #[serde(default)]
    pub rows: Vec<PropertyRowYaml>,
}

/// A property of the target that is given a constant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRowYaml {
    /// The target's property.
    pub set: String,
    /// The constant.
    pub to: Value,
    /// `create`: when it is created, and never after. `always`: it is put back when somebody
    /// changes it. `create` if not said.
    pub on: Option<OnWord>,
}

/// A value list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MapYaml {
    Pairs(Map<String, Value>),
    /// The name of one, or a file.
    Named(String),
}

/// What becomes of a value that is not in the map.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ElseWord {
    /// A person is asked.
    Review,
    /// It stays as it is.
    Pass,
    /// Nothing comes of it.
    Empty,
}

/// When a row gives its value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnWord {
    Create,
    Always,
}

/// Which value wins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WinsYaml {
    Truth(bool),
    Word(WinsWord),
    AnyOf(AnyOfYaml),
}

/// Which value wins, in a word.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WinsWord {
    /// The smallest number, or the earliest time.
    Min,
    /// The largest number, or the latest time.
    Max,
    /// The text with the most characters.
    Longest,
}

/// The first of these values that any of the records has.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnyOfYaml {
    #[serde(rename = "any-of")]
    pub any_of: Vec<Value>,
}

/// `string`, `integer`, `float`, `decimal`, `boolean`, `list`, `N/A`, or a conversion as a nested
/// list in which `_.` is the value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TypeYaml {
    Name(String),
    Conversion(Vec<Value>),
    None(()),
}

/// What becomes of a value of which nobody tells when it was put in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Untold {
    Loses,
    Wins,
}

/// What happens to the others when a record is deleted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deletes {
    Ignore,
    Propagate,
    Review,
}

/// What happens to the counterpart of a linked record that the flow is not about any more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ceases {
    /// It stays, and is not kept equal any more.
    Keep,
    /// A person says whether it is deleted.
    Review,
    /// It is deleted.
    Delete,
}

/// What happens to a record of the target that has no counterpart in the source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Extra {
    /// It stays.
    Ignore,
    /// A person says whether it is deleted.
    Review,
    /// It is deleted, under the guards.
    Delete,
}

/// What happens when several records of one type match.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    Review,
    Merge,
    Separate,
}

/// Whether emptying a property is an edit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Clears {
    /// Emptying is an edit like any other.
    Edit,
    Ignore,
}

/// A statement of the flow's section.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StatementYaml {
    Word(StatementWord),
    Stated(StatedYaml),
}

/// A statement whose content is the flow's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementWord {
    /// Every A will be synchronized with a B.
    Every,
    /// Before any synchronization can take place, a link must be established.
    LinkOnly,
    /// If a matching B already exists it is merged with, if none is found it is created.
    MergeOrCreate,
    /// Only the line on merging.
    Merge,
    /// Only the line on creating.
    CreateUnmatched,
    /// The condition under `create`.
    Condition,
    /// The connections under `create`.
    Connected,
    /// The match table.
    Match,
    /// It will keep in sync, regardless of where it is edited.
    InSync,
    /// The property table.
    Properties,
}

/// A statement with content of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatedYaml {
    /// A condition, as the document has it.
    pub condition: Option<String>,
    /// The record types of a connection, as the document calls them.
    pub connected_to: Option<Vec<StatedTypeYaml>>,
    /// The system that they are synchronized into, as the document calls it.
    pub into: Option<String>,
    /// A match table of so many of the rows, after those of the tables above.
    #[serde(rename = "match")]
    pub matches: Option<usize>,
    /// A property table of so many of the rows, after those of the tables above.
    pub properties: Option<usize>,
    /// Text that is no statement.
    pub text: Option<String>,
}

/// A record type as the document calls it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatedTypeYaml {
    pub system: String,
    pub kind: String,
    pub facet: Option<String>,
}

/// The JSON Schema of `lockstep.yaml`.
pub fn project_schema() -> Schema {
    titled(schema_for!(ProjectYaml), "lockstep.yaml")
}

/// The JSON Schema of flow files.
pub fn flow_schema() -> Schema {
    titled(schema_for!(FlowFileYaml), "Lockstep flow file")
}

fn titled(mut schema: Schema, title: &str) -> Schema {
    schema.insert("title".into(), title.into());
    schema
}

/// The keys that a mapping of this type knows.
pub(crate) fn keys<T: JsonSchema>() -> Arc<[String]> {
    remembered::<T>(|schema| {
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.map(|known| known.keys().cloned().collect()).unwrap_or_default()
    })
}

/// The words that an enumeration of this type knows.
pub(crate) fn words<T: JsonSchema>() -> Arc<[String]> {
    remembered::<T>(|schema| {
        let text = |value: &Value| value.as_str().map(String::from);
        let texts = |list: Option<&Value>| {
            list.and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(text)
                .collect::<Vec<_>>()
        };
        let mut words = texts(schema.get("enum"));
        // Variants with a description of their own stand one by one.
        for one in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
            words.extend(one.get("const").and_then(text));
            words.extend(texts(one.get("enum")));
        }
        words
    })
}

/// A type's names, taken from its schema once: a file asks for them at every item.
fn remembered<T: JsonSchema>(names: impl Fn(&Schema) -> Vec<String>) -> Arc<[String]> {
    static KNOWN: Mutex<BTreeMap<&str, Arc<[String]>>> = Mutex::new(BTreeMap::new());
    // A panic elsewhere can't leave a half-made entry behind.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(std::any::type_name::<T>()).or_insert_with(|| names(&schema_for!(T)).into()).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_words_come_from_the_types() {
        assert_eq!(*keys::<StatedTypeYaml>(), ["facet", "kind", "system"]);
        assert_eq!(*words::<Deletes>(), ["ignore", "propagate", "review"]);
        assert_eq!(words::<Clears>().len(), 2);
        assert_eq!(words::<StatementWord>().len(), 10);
        assert!(keys::<FlowYaml>().contains(&"match".to_string()));
    }
}
