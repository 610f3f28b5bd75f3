//! What is known of a record after a write (R6): what its system answered, and what it showed when
//! it was read then.

use lockstep_connector::Answers;
use lockstep_engine::outcome::{leave_untold, read_back};
use lockstep_model::{Intent, ReadRecord, RecordState, Value};

use crate::sending::sender::Sender;
use crate::under_way::Underway;

impl Sender<'_> {
    /// R6: what is known of a record after a write: what it showed when it was read then, else what
    /// the answer told. What neither shows for certain is left untold.
    pub(crate) fn became(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        mut answer: ReadRecord,
        read: Option<ReadRecord>,
        sent: &[(usize, Value)],
        before: Option<&RecordState>,
    ) -> ReadRecord {
        let (plan, ty) = (&self.ledger.plan, intent.ty);
        let connector = &self.systems[self.ledger.system_of(ty)].connector;
        let worth = connector.answers(&plan.ty(ty).name.kind, before.is_none());
        let believed = match worth {
            Answers::Stored => return answer,
            Answers::Believed => true,
            Answers::Unsure => false,
        };
        let Some(read) = read else {
            let unsure = leave_untold(&mut answer, sent, !believed);
            if unsure && !plan.ty(ty).can.get {
                // Only a listing shows it.
                under_way.to_read.insert(ty);
            }
            return answer;
        };
        let (became, too_early) = read_back(plan, ty, answer, read, sent, before, believed);
        if too_early {
            under_way.too_early.insert((ty, became.id.clone()));
        }
        became
    }
}
