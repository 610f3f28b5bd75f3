//! Where the claims of an entity go that a person has changed (P1a).

use lockstep_engine::settle::{Entity, settle_goes};
use lockstep_model::{RecordState, Timestamp};

use crate::ledger::Ledger;

impl Ledger {
    /// Settles anew where the claims of these records go, which are one entity from now on.
    pub(crate) fn settle_claims(&self, now: Timestamp, members: &mut [RecordState]) {
        let entity = Entity::of(&self.plan, members.iter().collect());
        for (id, prop, goes) in settle_goes(&self.plan, now, &entity, true) {
            let member = members.iter_mut().find(|member| member.id == id);
            let slot = member.map(|member| &mut member.slots[prop.at()]);
            if let Some(claim) = slot.and_then(|slot| slot.claim.as_mut()) {
                claim.goes = goes;
            }
        }
    }
}
