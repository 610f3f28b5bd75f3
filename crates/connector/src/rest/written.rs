//! The manifest language as it is written: a closed vocabulary, unknown words are errors.
//! `schemas/manifest.schema.json` is made from it.

mod auth;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub use self::auth::{Algorithm, Auth, Jwt, KeyEncoding, Sends, SignIn, Signed, Token};

/// The JSON Schema of a manifest, for editors.
pub fn manifest_schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Manifest);
    schema.insert("title".into(), "Lockstep connector manifest".into());
    schema
}

/// A system with a JSON-over-HTTP interface. Texts may be templates:
/// `{{ base_url }}/users/{{ id }}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// What the system is called.
    pub title: String,
    /// What a project gives under `with:`.
    pub settings: BTreeMap<String, SettingYaml>,
    /// The address that every request begins with.
    pub base: String,
    #[serde(default)]
    pub auth: Auth,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Other interfaces of the same account, by name: an older version at another address, with a
    /// key or token of its own.
    #[serde(default)]
    pub apis: BTreeMap<String, Api>,
    pub rate: Rate,
    /// An account that is moved to another host, and where its system tells that.
    pub moved: Option<Moved>,
    /// A request that needs the key and changes nothing, for `lockstep connect`.
    pub test: String,
    /// Why it may not work: `lockstep check` says it of every project that uses it.
    pub experimental: Option<String>,
    /// What a person is told of the account when the connection is tried (`lockstep connect`,
    /// `lockstep connector test`).
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// What no document settles and a real account would: `lockstep connector test` asks each,
    /// which changes nothing.
    #[serde(default)]
    pub to_settle: Vec<Question>,
    /// Asks for the id of the account that the key belongs to. Records known of another account are
    /// not taken for this one's (R9).
    pub account: Option<AccountYaml>,
    /// What answers mean, the first that fits. What none fits: 2xx done, 404 and 410 gone, 408, 429
    /// and 503 later, other 4xx rejected.
    #[serde(default)]
    pub errors: Vec<ErrorRule>,
    /// How the system calls when something changed.
    pub webhook: Option<Webhook>,
    /// Why it makes no calls: `lockstep check` and `lockstep run --webhooks` say it of every project
    /// that uses it.
    pub no_webhook: Option<String>,
    pub types: BTreeMap<String, TypeYaml>,
    /// Every property says its type, where it is no text.
    #[serde(skip)]
    pub complete: bool,
}

/// How an account is found that is not at `base` any more. Its new host belongs to the same domain
/// as the one before.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Moved {
    /// The status with which the wrong host answers.
    pub status: u16,
    /// The whole address that is asked then, without a key.
    pub url: String,
    /// The new `base`: a template that sees the answer as `{{ answer }}`.
    pub base: String,
    /// Where the answer says, by being true, that the account can be worked with …
    pub running: Option<String>,
    /// … and where it says how it is.
    pub state: Option<String>,
}

/// Something that differs from account to account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Notice {
    pub request: RequestYaml,
    /// Where the answer tells it.
    pub at: String,
    /// What a person is told, by what stands there; `otherwise` for everything else, an answer
    /// without it among them.
    pub says: BTreeMap<String, String>,
}

/// A request that reads, and the answer that the manifest counts on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Question {
    /// What is to be settled, as a statement: "a person shows its telephones without `$entities`".
    pub what: String,
    pub request: RequestYaml,
    /// `{{ id }}` in the request is that of the first listed record of this type.
    pub of: Option<String>,
    /// The expected status, or one of these; 200 if not said.
    #[serde(default)]
    pub status: Vec<u16>,
    /// A place that the answer is expected to have …
    pub at: Option<String>,
    /// … and, if said, what is expected there, or one of these.
    #[serde(default)]
    pub is: Vec<Value>,
}

/// Where a system tells whose account it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccountYaml {
    pub request: RequestYaml,
    /// Where the account's id is in the answer.
    pub at: String,
}

/// A call from the system that something changed: a hint to read now (R4). What it says of a record
/// is not taken over.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Webhook {
    /// How a call proves that the system made it. A call that does not is refused.
    pub signature: Option<Signature>,
    /// The other way to prove it: the whole body is a JSON web token, and its claims are what the
    /// call says.
    pub jwt: Option<WebToken>,
    /// A weaker way: the call repeats a secret as it is, in a header or in its body.
    pub repeats: Option<Repeated>,
    /// Where a trial call has the text that it wants back: in its query …
    pub challenge_query: Option<String>,
    /// … or in its body.
    pub challenge_at: Option<String>,
    /// Trial calls that want no text back: they are answered, prove nothing and do nothing.
    #[serde(default)]
    pub trial: Vec<Trial>,
    /// Texts that hold JSON, opened one in the other: the place of the first in the call, of the
    /// second in what that holds.
    #[serde(default)]
    pub open: Vec<String>,
    /// Where the list of events is in the body; the body is one event if not said.
    pub events: Option<String>,
    /// Where the word is in an event that tells what it is about, or in which header of the call:
    /// `$headers.X-Shopify-Topic`; or a template that makes it, of `{{ event }}` …
    pub word: Option<String>,
    /// … and with what such words begin, by record type. Without them, each call is about all
    /// record types.
    #[serde(default)]
    pub types: BTreeMap<String, Begins>,
    /// Where the record's id is in an event, or a list of ids, or in which header of the call; or a
    /// template that makes it, of `{{ event }}` and `{{ word }}`. Then this one record is read, by
    /// the record type's `get`, and not all that changed.
    pub id: Option<String>,
    /// Where a system is told once for each kind of event: a registration is made for each of these
    /// texts, `{{ topic }}`, of the record types that flows use.
    #[serde(default)]
    pub topics: BTreeMap<String, Vec<String>>,
    /// Tells the system where to call, when `lockstep run` begins: `{{ url }}`. A refusal because
    /// it knows already does no harm.
    pub register: Option<RequestYaml>,
    /// Where the registration's id is in the answer to that; `{{ hook }}` from then on.
    pub register_id: Option<String>,
    /// Where to look first whether the system knows the address already: a program that starts anew
    /// is not registered once more.
    pub registered: Option<Registered>,
    /// The shared secret of a registration, where the system makes one: calls are checked with it,
    /// or with the signature's own.
    pub secret: Option<GetYaml>,
    /// A registration ends after a time: it is renewed each so many seconds …
    pub renew_s: Option<u64>,
    /// … by this, or by `register` if nothing is said. Where the system does not know it any more,
    /// it is registered anew.
    pub renew: Option<RequestYaml>,
    /// For how many seconds a registration is asked for: `{{ ends }}` in its requests is when that
    /// is over.
    pub lives_s: Option<u64>,
}

/// With what the words of a record type's events begin.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Begins {
    One(String),
    Several(Vec<String>),
}

impl Begins {
    pub fn all(&self) -> &[String] {
        match self {
            Begins::One(one) => std::slice::from_ref(one),
            Begins::Several(all) => all,
        }
    }
}

/// A call by which a system only tries whether somebody answers.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// It has no body.
    Empty,
    /// Its body is an HTML form, where events are JSON.
    Form,
}

/// The registrations that a system has.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Registered {
    pub request: RequestYaml,
    /// Where they are in the answer; the answer itself if not said.
    pub items: Option<String>,
    /// Where a registration has the address that is called.
    pub url: String,
    /// Where it has its topic, or a template that makes it, of `{{ registration }}`. Without it the
    /// request is made for each topic, `{{ topic }}`.
    pub topic: Option<String>,
    /// Where it has its id.
    pub id: String,
}

/// A JSON web token signed with RSA and SHA-256 (`RS256`; RFC 7515, RFC 7518). No other algorithm
/// is taken, whatever the token says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebToken {
    /// The public key, as PEM: `{{ webhook_key }}`.
    pub key: String,
    /// A call that does not say until when it is good (`exp`) is not older (`iat`), in seconds;
    /// five minutes if not said.
    pub max_age_s: Option<i64>,
}

/// A secret that the system was told when it was told where to call, and that each call repeats.
/// Whoever has seen one call can make others: a `signature` is better where the system has one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Repeated {
    /// The header that has it …
    pub header: Option<String>,
    /// … or where it is in each event, or in the body.
    pub at: Option<String>,
    /// The secret: `{{ webhook_secret }}`.
    pub secret: String,
}

/// An HMAC in a header, or in the body beside what it signs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signature {
    /// The header that has it …
    pub header: Option<String>,
    /// … or the name that it has in the body, a JSON object.
    pub at: Option<String>,
    /// The part of that object that is signed, by its name and as it is written, and that events are
    /// read from; the whole body if not said.
    pub of: Option<String>,
    /// The shared secret: `{{ webhook_secret }}`.
    pub secret: String,
    #[serde(default)]
    pub hash: Hash,
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before the signature in the header: `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// The header with the time of the call, in seconds or milliseconds since 1970 or as a date. It
    /// is signed before the body.
    pub timestamp: Option<String>,
    /// What stands between the two.
    #[serde(default)]
    pub between: String,
    /// What is signed after the body: the address that is called, `{{ callback_url }}`.
    #[serde(default)]
    pub after: String,
    /// A header whose text is signed as it is, `nonce` in `signs`.
    pub nonce: Option<String>,
    /// What is signed, in this order, where that is not the time and the body. `between` stands
    /// between each two of them.
    #[serde(default)]
    pub signs: Vec<Part>,
    /// The address that is signed, `{{ callback_url }}`; the one that the system was told at
    /// `register` if not said, else the one by which the call came.
    pub address: Option<String>,
    /// A call is not older, in seconds; five minutes if not said.
    pub max_age_s: Option<i64>,
}

/// A part of a call that is signed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Method,
    /// The whole address, with its query.
    Address,
    Timestamp,
    Nonce,
    /// The body, or the part of it that `of` names.
    Body,
}

/// What an HMAC is made with.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    #[default]
    Sha256,
    Sha512,
    /// For systems that know nothing better.
    Sha1,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    #[default]
    Hex,
    Base64,
}

/// Another interface of the same account. A record type that is reached by it says `api: NAME`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Api {
    pub base: String,
    #[serde(default)]
    pub auth: Auth,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// A setting. Its default may be a template over the other settings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SettingYaml {
    pub what: String,
    pub default: Option<String>,
    /// It is not needed where this other setting is given.
    pub unless: Option<String>,
    /// Why it is better not given any more: `lockstep check` says it where it is.
    pub outdated: Option<String>,
    #[serde(default)]
    pub secret: bool,
}

/// How many requests a system takes, all record types together. What is not said is not limited.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rate {
    pub per_second: Option<f64>,
    /// In any sixty seconds.
    pub per_minute: Option<u32>,
    /// In any 24 hours, counted from the start of the program.
    pub per_day: Option<u32>,
    /// Under way at one time; 4 if not said.
    pub at_once: Option<usize>,
    /// Budgets of their own that some lists, look-ups and writes have, by names that these give as
    /// `budget`. A project that gives a rate of its own, above the manifest's, raises those by the
    /// minute accordingly; one by the second stays.
    pub budgets: BTreeMap<String, BudgetYaml>,
    /// The header that tells how many requests remain …
    pub remaining: Option<String>,
    /// … and the one that tells when they are renewed: seconds from now, a Unix time, or a date. At
    /// 0 remaining nothing is sent before.
    pub resets: Option<String>,
}

/// A budget: so many requests in any sixty seconds, or in any second (`{ per-second: 4 }`).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BudgetYaml {
    PerMinute(u32),
    PerSecond(PerSecond),
}

/// A budget by the second.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PerSecond {
    pub per_second: u32,
}

/// What an answer means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ErrorRule {
    pub status: Option<u16>,
    /// Only where the body has this path …
    pub at: Option<String>,
    /// … and, if said, it is this, or one of these.
    #[serde(default)]
    pub is: Vec<Value>,
    /// … and, if said, one of these words is in the text there, in whatever case.
    #[serde(default)]
    pub has: Vec<String>,
    pub means: Meaning,
    /// Where the id of the record is that is there already.
    pub id: Option<String>,
    /// Where the property is named that is refused: in a text, or as a key of an object.
    #[serde(default)]
    pub property: Vec<String>,
    /// The property that is refused, where the answer does not name it in a way that can be read.
    pub blames: Option<String>,
    /// Where the system's own words are.
    #[serde(default)]
    pub message: Vec<String>,
    /// What it means to a person, told after the system's own words.
    pub says: Option<String>,
}

/// The meanings that a hub can act on.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    Duplicate,
    Conflict,
    Gone,
    Rejected,
    /// Surely not done, and taken later.
    Later,
    /// A write may have been done or not: what became of it is found out before it is sent again
    /// (C2). A reading is tried later.
    Unknown,
    Unauthorized,
}

/// A record type.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TypeYaml {
    pub note: Option<String>,
    /// What a record of it is, in the words of `docs/vocabulary.md`: `person`. Nothing that a run
    /// does depends on it.
    pub means: Option<String>,
    /// Which of the manifest's `apis` it is reached by, if not by `base`.
    pub api: Option<String>,
    /// Where its id is in a record.
    pub id: String,
    /// Where the id of the record is that it belongs to, where requests about it name both: its id
    /// is then `PARENT/ID`, requests have the two as `{{ parent }}` and `{{ id }}`, and `$parent`
    /// in a record is where the parent's id is. For lists that show all of them.
    pub parent: Option<String>,
    /// Where its version is, if it has any (P6). `$etag` is the answer's `ETag` header.
    pub version: Option<String>,
    /// Where the time of its last change is: as RFC 3339 or RFC 2822 has it, `/Date(…)/`, or a
    /// number since 1970. Another form is an error.
    pub modified: Option<String>,
    /// The property that says when it was created: it tells one record from another that was given
    /// the same id (R9).
    pub created: Option<String>,
    /// The form of that time where it is another one, as for `strptime`: `%d.%m.%Y %H:%M`. Without
    /// an offset it is UTC.
    pub modified_form: Option<String>,
    /// Present, and it is this: the record is deleted.
    pub deleted: Option<Mark>,
    /// A property that is left out is empty (R5).
    #[serde(default)]
    pub absent_is_empty: bool,
    /// How long a read may lag behind a write, in milliseconds (P5a); 0 where it never does. If
    /// nothing is said reads count as never lagging, and a creation of which no answer came is not
    /// sent again within a minute (C2).
    pub settles_ms: Option<i64>,
    /// By path, as documents write them.
    pub properties: BTreeMap<String, PropertyYaml>,
    /// Everything there is.
    pub list: ListYaml,
    /// What changed since a time; without it, everything is listed each time.
    pub changes: Option<ListYaml>,
    /// What was deleted since a time, where a request of its own tells it: where the id is in what
    /// is listed. Asked after `changes`.
    pub gone: Option<GoneYaml>,
    pub get: Option<GetYaml>,
    /// What answers to this record type's requests mean; looked at after the request's own rules
    /// and before the manifest's.
    #[serde(default)]
    pub errors: Vec<ErrorRule>,
    /// A look-up, by property.
    #[serde(default)]
    pub find: BTreeMap<String, FindYaml>,
    pub create: Option<WriteYaml>,
    pub update: Option<WriteYaml>,
    pub delete: Option<RequestYaml>,
    /// Brings a deleted record back by its id (D2).
    pub restore: Option<RequestYaml>,
}

/// A list of ids of deleted records.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GoneYaml {
    pub request: RequestYaml,
    /// Where the list is in the answer; the answer itself if not said.
    pub items: Option<String>,
    pub paging: Paging,
    /// Where the id is in what is listed; what is listed is the id itself, if nothing is said.
    pub id: Option<String>,
}

/// What a deleted record looks like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mark {
    /// Where it says so …
    pub at: String,
    /// … by being one of these …
    #[serde(default)]
    pub is: Vec<Value>,
    /// … or by being there and none of these.
    #[serde(default)]
    pub is_not: Vec<Value>,
    /// `changes` shows deleted records; without it, deletions are found by a full listing (R3).
    #[serde(default)]
    pub told_by_changes: bool,
}

/// What values are, for comparing them.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum KindWord {
    Text,
    Exact,
    Email,
    Phone,
    Url,
    Number,
    Boolean,
    Date,
    Instant,
}

/// A property.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PropertyYaml {
    /// What it is, in the words of `docs/vocabulary.md`, from what the record type means:
    /// `person.email`, `organization.address[delivery].city`.
    pub means: Option<String>,
    /// What it holds. Where nothing is said: mostly texts, and whatever else it shows.
    #[serde(rename = "type")]
    pub ty: Option<TypeWord>,
    /// What its values are, for comparing them: `email`, `phone`. Seen from the values if not said.
    #[serde(rename = "as")]
    pub kind: Option<KindWord>,
    /// Where it is in the system's record, if not at its own path.
    pub at: Option<String>,
    /// The property that says when this one was put in, where it has a time of its own; else the
    /// record's `modified` counts (P1).
    pub modified: Option<String>,
    /// It is a list.
    pub list: bool,
    /// The order of its list counts; else a list is a set. Where `primary` marks an element, the
    /// marked one always comes first.
    pub ordered: bool,
    /// The child that is the value of an element, or of an object.
    pub value: Option<String>,
    /// The child that marks the primary element; the first one is it where nothing is said.
    pub primary: Option<String>,
    /// What a new element, or the object, has besides its value:
    /// `{ __type: Pointer, className: Company }`.
    pub element: Option<Value>,
    /// Children of an element that the system makes of its value: dropped from an element whose
    /// value changes.
    pub made_of_value: Vec<String>,
    /// Values that mean that there is none: 0 for an id.
    pub none: Vec<Value>,
    pub derived_from: Option<String>,
    pub read_only: bool,
    pub create_only: bool,
    pub required: bool,
    /// It holds the id of a record of this type.
    pub reference: Option<String>,
    /// It holds not the id of that record, but what this property of it holds: a user's login. It
    /// is looked up by the record type's `find`, and written as `get` shows it.
    pub reference_by: Option<String>,
    pub max_chars: Option<usize>,
    pub trimmed: bool,
    /// Values that differ in case only are the same to it.
    pub caseless: bool,
    pub note: Option<String>,
    /// It takes requests of its own to change it.
    pub update_via: Vec<StepYaml>,
    /// It takes requests of its own to empty it, as an update with nothing in it does nothing.
    pub emptied_via: Vec<StepYaml>,
}

/// The types of properties.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TypeWord {
    String,
    Integer,
    Float,
    Decimal,
    Boolean,
    List,
    Datetime,
    Date,
    Minutes,
    Any,
}

/// A request.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestYaml {
    /// `GET` if not said.
    pub method: Option<String>,
    /// Below the address of the system. Everything in it that is not known beforehand goes through
    /// `| url`.
    pub path: String,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
    /// How the body is written.
    #[serde(default)]
    pub encoding: BodyEncoding,
    /// What answers to this request mean; looked at before the manifest's own `errors`.
    #[serde(default)]
    pub errors: Vec<ErrorRule>,
    /// Which of the manifest's `apis` it goes to; the record type's own if not said.
    pub api: Option<String>,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum BodyEncoding {
    #[default]
    Json,
    /// As an HTML form: `address[city]=Moss&lines[0][sku]=1`.
    Form,
}

/// A request that lists records, page by page.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListYaml {
    pub request: RequestYaml,
    /// Which of the rate's `budgets` its requests are counted against, besides the others: it is
    /// waited for, however long a listing takes.
    pub budget: Option<String>,
    /// Where the records are in the answer; the answer itself if not said.
    pub items: Option<String>,
    pub paging: Paging,
    /// What is listed are ids; each record is then read by itself. Where the id is in a row.
    pub each_id: Option<String>,
    /// For `changes`: so many seconds before the last reading are read again. Never fewer than the
    /// times of change can't tell apart, plus `settles-ms`: three seconds where nothing is said.
    #[serde(default)]
    pub overlap_s: i64,
    /// For `changes`: the list is sorted by the time of change, the latest first; it is left where
    /// a record is older than what is asked for.
    #[serde(default)]
    pub stops_at_since: bool,
    /// It is listed for each of these: `{{ parent }}` is the id of one. A record's id is then
    /// `PARENT/ID`; requests have both apart, as `{{ parent }}` and `{{ id }}`, and `$parent` in a
    /// record is where the parent's id is.
    pub parents: Option<ParentsYaml>,
}

/// The records through which others are read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ParentsYaml {
    pub request: RequestYaml,
    /// Where the parents are in the answer; the answer itself if not said.
    pub items: Option<String>,
    pub paging: Paging,
    /// Where a parent's id is.
    pub id: String,
    /// The records through which these are listed in their turn: their ids stand before the
    /// parents', and in requests `{{ parents[0] }}` is the outermost one's.
    pub parents: Option<Box<ParentsYaml>>,
}

impl ParentsYaml {
    /// How many records each of what is listed stands in.
    pub fn depth(&self) -> usize {
        1 + self.parents.as_ref().map_or(0, |of| of.depth())
    }

    /// These, and those through which they are listed, to the outermost.
    pub fn all(&self) -> impl Iterator<Item = &ParentsYaml> {
        std::iter::successors(Some(self), |parents| parents.parents.as_deref())
    }
}

/// How a list goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Paging {
    /// One answer has it all.
    None,
    /// `{{ offset }}` and `{{ limit }}`, until a page is empty; or, where `total` tells how many
    /// there are, until all have been shown. A listing that ends with fewer records than its
    /// `total` is not complete.
    ///
    /// `total`, `at`, `more` and `end` may be in a header: `$headers.X-Total-Count`.
    Offset { limit: usize, total: Option<String> },
    /// `{{ page }}` and `{{ limit }}`, as with `offset`. `first` is the number of the first page;
    /// where it is not said it is 1, or 0 where page 0 has other records. `unpaged`: it may be that
    /// the system does not page at all, so that a page with more records than were asked for, or
    /// fewer and the same ones again, is the whole list.
    Page {
        limit: usize,
        total: Option<String>,
        first: Option<usize>,
        #[serde(default)]
        unpaged: bool,
    },
    /// `{{ cursor }}`, from where the answer has it, until it has none, `more` is not true, or
    /// `end` is true.
    Cursor {
        limit: usize,
        at: String,
        more: Option<String>,
        end: Option<String>,
        total: Option<String>,
    },
    /// The address of the next page is in the answer; ends as with `cursor`.
    Next {
        limit: usize,
        at: String,
        more: Option<String>,
        end: Option<String>,
        total: Option<String>,
    },
    /// The address of the next page is in the answer's `Link` header (RFC 8288).
    Link { limit: usize },
}

/// A request for one record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GetYaml {
    pub request: RequestYaml,
    /// Where the record, or the list of records, is in the answer.
    pub item: Option<String>,
}

/// A look-up: a request for the records that hold a value, `{{ value }}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FindYaml {
    pub request: RequestYaml,
    /// Where the record, or the list of records, is in the answer.
    pub item: Option<String>,
    /// How it goes on where more is found than one answer shows. If nothing is said and the answer
    /// tells of more as those to `list` do, an address of a next page is followed; of anything else
    /// nothing is concluded (C2).
    pub paging: Option<Paging>,
    /// Which of the rate's `budgets` its requests are counted against, besides the others.
    pub budget: Option<String>,
}

/// How a record is created or updated.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WriteYaml {
    pub request: RequestYaml,
    #[serde(default)]
    pub style: Style,
    /// The body's key that holds the record.
    pub wrap: Option<String>,
    /// Besides the record, in the body.
    #[serde(default)]
    pub beside: BTreeMap<String, Value>,
    /// In the record where it does not say it itself; a template that gives nothing adds nothing.
    #[serde(default)]
    pub defaults: BTreeMap<String, Value>,
    /// A request for a blank record to begin with, which is asked for once a minute.
    pub from: Option<String>,
    /// The record is read just before: for its version, for lists (P9), and so that nobody's edit
    /// is overwritten (P6).
    #[serde(default)]
    pub read_before: bool,
    /// So many steps of a path are sent whole, as they stand with the change; only the change
    /// itself if not said.
    pub whole: Option<usize>,
    /// Where the record is in the answer; not told if `none`.
    pub item: Option<String>,
    /// For `create`: where the new record's id is in the answer, if it does not show the record:
    /// `insertedId`, or `$headers.Location`, of which the last step is the id.
    pub id_at: Option<String>,
    /// For `create`: requests that complete the record, in this order, with `{{ id }}`,
    /// `{{ record }}` and `{{ last }}`. If one is refused the record is deleted again, where the
    /// record type has `delete`.
    #[serde(default)]
    pub then: Vec<StepYaml>,
    /// `true`: the answer does not show the record as it is stored, so it is read again. `false`:
    /// it does, and is believed; only where it does not show what was sent the record is read once.
    /// If nothing is said the answer may repeat what was sent, and the record is read after each
    /// write, where there is a `get`.
    pub read_after: Option<bool>,
    /// For `create`: sent twice it makes one record (a PUT under a key of ours, an idempotency
    /// key). A lost answer is then asked for again at once.
    #[serde(default)]
    pub upsert: bool,
    /// For `create`: the system wants so many milliseconds between two of these requests. A project
    /// that gives a rate of its own, above the manifest's, shortens it accordingly.
    pub pause_ms: Option<u64>,
    /// Which of the rate's `budgets` these requests are counted against, besides the others: it is
    /// waited for.
    pub budget: Option<String>,
    /// Several at once, where the system has a request for it.
    pub bulk: Option<BulkYaml>,
}

/// A request that writes several records of a type. For `update` it is used only without
/// `read-before`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BulkYaml {
    pub request: RequestYaml,
    /// So many at most.
    pub most: usize,
    /// The body's key that holds the list; the list is the body if not said.
    pub wrap: Option<String>,
    /// Where the results are in the answer, one for each record in the same order; the answer
    /// itself if not said.
    pub results: Option<String>,
    /// Where the record is in a result; the result itself if not said.
    pub item: Option<String>,
    /// Where a result has its error, if it has one, in words.
    pub error: Option<String>,
}

/// How changes are written down.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// A part of the record, as JSON.
    #[default]
    Part,
    /// The whole record, as it stands with the changes.
    Whole,
    /// RFC 6902.
    JsonPatch,
}

/// One of several requests; what it answers is `{{ last }}` for the next.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StepYaml {
    pub request: RequestYaml,
    /// Left out where this gives something.
    pub unless: Option<String>,
    /// The answer is a list: the element that holds the value to be written is `{{ picked }}` from
    /// here on.
    pub pick: Option<PickYaml>,
}

/// Which element of a list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PickYaml {
    /// Where the list is in the answer.
    pub from: String,
    /// The child of an element that holds the value; texts that differ in case are the same.
    pub at: String,
}
