//! Values that every part of Lockstep shares: names and numbers of things, paths, values and their
//! plain types, conversions, schemas, flows, the state of records, what is to be written and what
//! came of it.
//!
//! Nothing here does I/O, reads a clock or draws a random number; nothing here knows YAML,
//! reStructuredText, SQL or HTTP. The words are those of `docs/glossary.md`.

pub mod blocks;
pub mod change;
pub mod conversion;
pub mod decimal;
pub mod detail;
pub mod fact;
pub mod filter;
pub mod flow;
pub mod guarding;
pub mod id_text;
pub mod ids;
pub mod kind;
pub mod limits;
pub mod matching;
pub mod near;
pub mod numbers;
pub mod path;
pub mod record;
pub mod region;
pub mod remedy;
pub mod rule;
pub mod schema;
pub mod seldom;
pub mod time;
pub mod value;
pub mod visible;
pub mod why;
mod wins;

pub use change::{
    About, BaseVersion, Change, Intent, IntentKind, IntentState, Reason, Review, ReviewKind, Source,
};
pub use conversion::{Conversion, ConversionError, Reverse};
pub use detail::Detail;
pub use flow::{Create, Direction, Flow, MatchRow, Policy, PropertyPair};
pub use ids::{EntityId, FlowIx, IntentId, KeyOwner, PropIx, RecordId, RunId, TypeIx, TypeName};
pub use kind::Kind;
pub use limits::{GuardKind, Limit, Limits};
pub use numbers::{NumberMap, NumberSet};
pub use path::Path;
pub use record::{Claim, ClaimStamp, Flips, Presence, ReadRecord, RecordState, Slot};
pub use region::Region;
pub use remedy::{AnswerKind, Effect, Remedy};
pub use rule::{Rule, Situation};
pub use schema::{Capabilities, PlainType, PropertySchema, TypeSchema};
pub use seldom::Seldom;
pub use time::{Reported, Timestamp, UnknownTime};
pub use why::Why;

/// A JSON value: what every property holds.
pub use serde_json::Value;
