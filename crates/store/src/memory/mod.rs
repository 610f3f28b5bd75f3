//! The store in memory: for tests and simulated worlds, and to hold the boundary and its contract
//! against a second form.
//!
//! It is written to be read, not to be fast: everything is looked through, and a commit is tried on
//! a copy, so that nothing of it is kept if it fails. What is stored is numbered by the store's own
//! catalogue of names ([`catalogue`]), as the plan that is bound may be another later.

mod apply;
mod catalogue;
mod handle;
mod history;
mod looking_back;
mod numbering;
mod state;

pub use handle::MemoryStore;
