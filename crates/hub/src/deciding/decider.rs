//! The decider, and what it needs.

use crate::ledger::Ledger;

/// Has the engine decide, and the ledger remember what it decided. It needs no system.
pub(crate) struct Decider<'a> {
    pub ledger: &'a mut Ledger,
}
