//! Deciding: from a slice of the store, what is to be remembered and what is to be written.
//!
//! First everything in focus is linked, then each entity is settled by itself: where fresh claims
//! go, what each record lacks of what it should hold, which counterparts are to be made. What was
//! decided before and is still open is compared with what is decided now: the same decision is left
//! alone, another one takes its place.

mod claims;
mod reviews;
mod steps;

pub use steps::decide;
