//! Settling: what every property of an entity should hold (P0–P3), as a pure function of the claims
//! of its records.
//!
//! A property takes the latest claim among its own and those of the properties that bear on it in
//! the other records. Lockstep's own writes are no claims; so every settled state is a fixed point,
//! in whatever order things were read.
//!
//! ```text
//! records ─▶ entity, under_conditions (L9) ─▶ candidates, the winner first
//!                 ─▶ brought, translate, reference ─▶ member: write or not ─▶ change
//! ```

mod brought;
mod candidates;
mod change;
mod cut_off;
mod each;
mod each_list;
mod each_wanted;
mod element;
mod entity;
mod goes;
mod member;
mod outcome;
mod reference;
mod translate;
mod under_conditions;

pub use brought::{brought, default, drifted};
pub(crate) use candidates::went_with_a_part;
pub use candidates::{Candidate, candidates, filling, reason};
pub use change::change;
pub(crate) use cut_off::{displaced_claims, shows};
pub use each::settle_each;
pub use each_wanted::{created_list, wanted_list};
pub use entity::Entity;
pub use goes::{Goes, settle_goes};
pub(crate) use member::holds_word;
pub use member::{is_given, wanted};
pub use outcome::{Awaited, Awaits, Wanted};
pub use reference::{id_value, waits_for};
pub(crate) use translate::carried_to;
pub use translate::translate;
