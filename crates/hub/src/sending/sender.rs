//! The sender, and what it needs.

use crate::ledger::Ledger;
use crate::reading::reader::Reader;
use crate::systems::{Chance, Systems};

/// Carries out what was decided, and has the ledger remember what became of it.
pub(crate) struct Sender<'a> {
    pub ledger: &'a mut Ledger,
    pub systems: &'a Systems,
    /// In one thread: which of the writes under way is carried out next.
    pub chance: Option<&'a mut Chance>,
}

impl Sender<'_> {
    pub(crate) fn reader(&mut self) -> Reader<'_> {
        Reader { ledger: self.ledger, systems: self.systems }
    }
}
