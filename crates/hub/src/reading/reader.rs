//! The reader, and what it needs.

use crate::ledger::Ledger;
use crate::systems::Systems;

/// Asks the systems, and has the ledger take in what they show.
pub(crate) struct Reader<'a> {
    pub ledger: &'a mut Ledger,
    pub systems: &'a Systems,
}
