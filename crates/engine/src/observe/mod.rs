//! Observing: what in a page of records is an edit, and what is not.
//!
//! Each record is judged by itself, against its own shadow; what an edit means for other records is
//! decided later, with the whole entity at hand. So pages can come in any order, overlap, and come
//! twice.

mod each;
mod first_look;
mod first_seen;
mod gone;
mod page;
mod reading;
mod stale;
mod times;
mod update;

pub use first_seen::read_as;
pub use gone::{mark_gone, retired_key};
pub use page::{observe, observe_as};
pub use reading::{Doubt, Edit, Looks, NotKept, Observed, Reading, Trust};
pub use stale::{differs, losses};
