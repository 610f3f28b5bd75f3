//! L1, G3: a record type of which no record shows a value that it is matched by. A key whose scope
//! hides e-mail addresses, or a match row that names the wrong property, would have everybody
//! created once more who is there already. Looked at when a record type is read for the first time,
//! as it is or as the flows ask for it: nothing is created in it or from it before it shows such a
//! value, or a person says that it has none.

use lockstep_engine::guard::identifying;
use lockstep_engine::plan::PlanCreate;
use lockstep_model::guarding::Guarding;
use lockstep_model::limits::Limit;
use lockstep_model::{Rule, TypeIx};
use lockstep_store::{Commit, TypeStatus};
use serde_json::json;

use crate::error::Result;
use crate::ledger::Ledger;
use crate::under_way::Underway;

/// So few records may lack a value by chance.
pub(crate) const FEW: u64 = 5;

impl Ledger {
    /// Stops the record types that show no match value, where a counterpart of theirs may be there
    /// already and would be created once more.
    pub(crate) fn ask_about_unidentified(&mut self, under_way: &mut Underway) -> Result<()> {
        let mut commit = Commit::default();
        for (ty, records) in std::mem::take(&mut under_way.unidentified) {
            let limit = self.limits(&self.plan.ty(ty).name.system).lost;
            match limit != Limit::None && self.may_be_created_twice(ty) {
                true => self.stop_unidentified(under_way, ty, records, &mut commit),
                false => self.close_lost(under_way, ty, &mut commit),
            }
        }
        match commit == Commit::default() {
            true => Ok(()),
            false => Ok(self.store.commit(commit)?),
        }
    }

    /// Whether records of a type it is matched with are there, and flows create between the two.
    fn may_be_created_twice(&self, ty: TypeIx) -> bool {
        let creates = |other: TypeIx| {
            self.plan.flows.iter().any(|flow| {
                flow.create != PlanCreate::Never
                    && [(ty, other), (other, ty)].contains(&(flow.from, flow.to))
            })
        };
        let mut sides = self.plan.ty(ty).match_sides.iter().filter(|side| !side.props.is_empty());
        sides.any(|side| self.status[side.other.at()].records > 0 && creates(side.other))
    }

    fn stop_unidentified(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        records: u64,
        commit: &mut Commit,
    ) {
        let name = self.plan.ty(ty).name.clone();
        let paths: Vec<String> = identifying(&self.plan, ty)
            .into_iter()
            .map(|prop| self.plan.prop(ty, prop).name.clone())
            .collect();
        let by = paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(" or ");
        let why = Guarding::Unidentified { of: name.to_string(), records, by: paths };
        // L8: before it has been read whole nothing is created in it or from it. The next run reads
        // everything again.
        let TypeStatus { records: known, fingerprint, .. } = self.status[ty.at()];
        self.status[ty.at()] = TypeStatus { records: known, fingerprint, ..TypeStatus::default() };
        commit.types.push((ty, self.status[ty.at()].clone()));
        let told = json!({"path": by, "lost": records, "known": records});
        self.open_lost(under_way, ty, (Rule::L1, why, told), commit);
    }
}
