//! The plan of flows: compiled once from all flows of a project and the schemas of its systems.
//!
//! It settles which written paths are one property, what bears on what (P0) and by which
//! conversions, by which match rules records find each other, what must be created before what, and
//! which rows can't be kept and why.

mod matching;
mod property;
mod types;
mod whole;

pub use matching::{MatchProp, MatchRule, MatchSide};
pub(crate) use property::matching_kind;
pub use property::{Bearing, Follows, Part, Parts, PlanProp, convertible};
pub use types::{Condition, PlanCreate, PlanFlow, PlanType, Schemas};
pub use whole::{BlockedRow, Plan, PlanError};
