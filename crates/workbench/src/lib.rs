//! What helps people to write flows: [`play`] plays the tests of flows in memory, [`advise`] looks
//! at the records of two record types and says by what they could be matched and which properties
//! hold the same, [`samples`] writes tests to begin with.
//!
//! It knows projects' files in their checked form, and uses the hub and the connectors as a run
//! does. Command lines and printing it leaves to the `lockstep` command.

pub mod advise;
mod conditions;
pub mod play;
pub mod samples;
