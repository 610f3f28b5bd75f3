//! The connected systems.

use std::sync::Arc;

use lockstep_connector::Connector;

/// Gives a number below the one given.
pub type Chance = dyn FnMut(usize) -> usize + Send + Sync;

/// The connected systems, and how they are talked to.
pub(crate) struct Systems {
    pub all: Vec<System>,
    /// One after the other, in the caller's thread.
    pub one_thread: bool,
}

impl std::ops::Deref for Systems {
    type Target = [System];

    fn deref(&self) -> &[System] {
        &self.all
    }
}

/// A connected system.
#[derive(Clone)]
pub struct System {
    pub name: String,
    pub connector: Arc<dyn Connector>,
}
