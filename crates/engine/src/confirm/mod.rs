//! Confirming: what is known of a record once its system has answered a write.
//!
//! What the answer shows is no claim, whatever it differs in from what was sent (P3, P5): where the
//! system made something else of a value, the property *carries* the claim it was given, so that it
//! is not written again.

mod answer;
mod elements;
mod kept;
mod unanswered;

pub use answer::{created, shows_an_edit, written};
pub(crate) use kept::{is_kept, not_replaced};
pub use kept::{made_of, stored_otherwise};
pub use unanswered::{found_again, landed};
