//! The decisions. From what was read and what the store knows, the engine computes what is to be
//! remembered and what is to be written; it does nothing else.
//!
//! ```text
//! flows ──▶ Plan::compile                              what bears on what, who can meet whom, what comes first
//! pages + known records ──▶ observe::observe           R1, R2, R5, P1, P1b, P5, P5a: what is an edit
//! slice of the store ──▶ decide::decide ──▶ Decision   link::link (L1–L7), create::create (L8, C1–C5), settle::settle (P0–P3),
//!                                                      deletes::departures (D1), extra::standing (D1: mirroring)
//!                                                      flips::flipping (P5: what is written no more)
//! answers of systems ──▶ confirm::confirm              P3, P5: what an answer shows is no claim
//!                        outcome::creation             C2, R9: whether a record was made, or found; R6: what is known then
//! new records ──▶ recover::find                          C2: which of them a creation made whose answer was lost
//!                        adopt::adoption                 L8, C2, R9: what becomes of a creation that found a record
//!                        recover::settle                 C2: what is concluded of creations that look alike; twins::twins
//! new intents ──▶ guard::Tally                           G3: what is over a limit
//! writes of before ──▶ undo::put_back                    G7: what is put back, and what follows
//! ```
//!
//! There is no clock, no randomness, no I/O and no way to fail here: times and fresh numbers are
//! arguments, a value that can't be converted is a review. The same input gives the same decision,
//! in whatever order records come.

pub mod adopt;
pub mod bears;
pub mod by_hand;
mod compile;
pub mod conditions;
pub mod confirm;
pub mod create;
pub mod decide;
pub mod decision;
pub mod deletes;
mod elements;
pub mod extra;
pub mod facets;
pub mod flips;
pub mod follow;
mod graph;
pub mod groups;
pub mod guard;
mod identity;
pub mod keys;
pub mod link;
pub mod observe;
mod one_entity;
pub mod outcome;
mod pair;
mod parts;
pub mod pick;
mod places;
pub mod plan;
mod policies;
pub mod recover;
mod sets;
pub mod settle;
pub mod slice;
pub mod split;
pub mod twins;
pub mod undo;

pub use decide::decide;
pub use decision::Decision;
pub use identity::{is_back, shown_under};
pub use observe::{Observed, Trust, observe};
pub use plan::{Plan, PlanError};
pub use slice::Slice;
