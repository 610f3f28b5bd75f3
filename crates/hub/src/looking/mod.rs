//! Looking at what is known: it asks no system and writes nothing.

pub mod entity;
pub mod explain;
pub mod figures;
mod fits;
pub(crate) mod followed;
pub(crate) mod lines;
pub mod look;
pub mod runs;
pub mod standing;
