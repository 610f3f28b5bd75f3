//! L1: whether the first reading of a record type shows any value that its records are matched by.

use lockstep_engine::guard::identifying;
use lockstep_model::value::is_empty;
use lockstep_model::{GuardKind, ReadRecord, TypeIx};

use crate::ledger::unidentified::FEW;
use crate::reading::reader::Reader;
use crate::reading::stream::Stream;
use crate::under_way::Underway;

impl Reader<'_> {
    /// Looks at pages of a listing of everything, the last ones where it `ends` with them. Notes
    /// record types that show none.
    pub(crate) fn look_for_match_values(
        &self,
        under_way: &mut Underway,
        ty: TypeIx,
        stream: &mut Stream,
        records: &[ReadRecord],
        ends: bool,
    ) {
        stream.shown += records.len() as u64;
        stream.identified |= stream.before.complete && !stream.reindex
            || stream.resumed
            || under_way.guards.believed.contains(&(ty, GuardKind::Lost));
        if stream.identified {
            return;
        }
        let props = identifying(&self.ledger.plan, ty);
        let shows = |read: &ReadRecord| {
            props.iter().any(|prop| read.values[prop.at()].as_ref().is_some_and(|v| !is_empty(v)))
        };
        stream.identified = props.is_empty() || records.iter().any(shows);
        if ends && !stream.identified && stream.shown >= FEW {
            under_way.unidentified.insert(ty, stream.shown);
        }
    }
}
