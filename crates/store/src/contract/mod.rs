//! What every store must do, as a suite: [`check`] and [`check_reopened`] are run for each store
//! there is.
//!
//! The properties are those that [`Store`](crate::Store) promises. A store is asked only through
//! its trait, so that the suite says nothing of how it keeps things. Every check begins with a
//! fresh store and panics with what is not as it should be.

mod commits;
mod copies;
mod intents;
mod kit;
mod looking_back;
mod plans;
mod records;
mod reopened;
mod samples;
mod suite;

pub use reopened::check_reopened;
pub use samples::plan;
pub use suite::check;
