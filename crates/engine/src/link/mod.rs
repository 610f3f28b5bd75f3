//! Linking: which records stand for the same thing (L1–L7).
//!
//! Candidates come from match keys. A match is *clear* if it is the only one on both sides and
//! would not put two records of a type into one entity; clear matches are linked, all others go to
//! review with the candidates side by side. Nothing depends on the order in which records are
//! looked at: if several fit, none is preferred (L6).

mod alike;
mod candidates;
mod clear;
mod facets;
mod join;
mod links;
mod steps;

pub use links::{Linked, Links, Unsettled};
pub use steps::link;
