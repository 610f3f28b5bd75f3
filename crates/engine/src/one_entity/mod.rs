//! Deciding on one entity: what is deleted, updated, created and asked about, and what of it was
//! decided before and is still open.

mod absent;
mod deletions;
mod extra;
mod facet_deletions;
mod flips;
mod intents;
mod promised;
mod situation;
mod state;
mod steps;
mod update;
mod wake;

pub(crate) use state::OneEntity;
