//! L7: a person links and unlinks. What a person said stands over every rule: records that were
//! unlinked are kept apart from then on, in every match and every look-up, until a person links
//! them again.
//!
//! Both acts only change what stands for the same thing, and put the records onto the agenda. What
//! follows from that for values, and what is created for a half that lacks a counterpart now, the
//! next run decides like anything else.

pub use crate::acts::halves::Halves;
pub use crate::acts::join::Joined;

use crate::error::ActResult;
use crate::hub::Hub;

impl Hub {
    /// Links two records, and with them all that each of them is linked with, if L6 allows it.
    pub fn link(&mut self, a: &str, b: &str) -> ActResult<Joined> {
        let (a, b) = (self.ledger.find(a)?, self.ledger.find(b)?);
        let what = format!("link {} {}", self.ledger.name_of(&a), self.ledger.name_of(&b));
        self.act(&what, |hub, under_way| hub.ledger.join_by_hand(under_way, &a, &b))
    }

    /// Takes a record out of its entity; with a second record, takes the entity apart between the
    /// two.
    pub fn unlink(&mut self, a: &str, b: Option<&str>) -> ActResult<Halves> {
        let halves = self.ledger.halves(a, b)?;
        let what = format!("unlink {a} {}", b.unwrap_or_default());
        self.act(what.trim(), |hub, under_way| hub.ledger.split(under_way, halves))
    }
}
