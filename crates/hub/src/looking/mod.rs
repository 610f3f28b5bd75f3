//! Looking at what is known: it asks no system and writes nothing.

pub mod explain;
pub mod figures;
pub(crate) mod followed;
pub(crate) mod lines;
pub mod look;
