//! What helps people to write flows: [`play`] plays the tests of flows in memory.
//!
//! It knows projects' files in their checked form, and uses the hub and the connectors as a run does. Command lines and printing it
//! leaves to the `lockstep` command.

pub mod play;
