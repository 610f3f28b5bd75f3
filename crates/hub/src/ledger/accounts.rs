//! Another account than the one that was read before (R9): its records are not taken in.

use lockstep_model::guarding::Guarding;
use lockstep_model::{About, GuardKind, Review, ReviewKind, Rule, TypeIx, Value, Why};
use lockstep_store::{Commit, TypeStatus};
use serde_json::json;

use crate::error::Result;
use crate::guards::{TrippedGuard, remedies};
use crate::ledger::Ledger;
use crate::under_way::Underway;

/// Maximum number of values quoted in a question; more would hide it.
pub(crate) const NAMED: usize = 4;

impl Ledger {
    /// R9: most records that are known show nothing of what identified them. The record type stays
    /// as it was before the reading.
    pub(crate) fn stop_strangers(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        before: TypeStatus,
        strangers: u64,
        known: u64,
    ) -> Result<()> {
        let name = self.plan.ty(ty).name.clone();
        let (of, system) = (name.to_string(), name.system.clone());
        let why = Guarding::Strangers { of, system, strangers, known };
        self.status[ty.at()] = TypeStatus { records: self.status[ty.at()].records, ..before };
        let mut commit =
            Commit { types: vec![(ty, self.status[ty.at()].clone())], ..Commit::default() };
        self.listed_whole(ty, false, &mut commit);
        let value = json!({"system": name.system, "guard": "account", "type": name.to_string(), "strangers": strangers, "known": known});
        self.ask_about_account(under_way, ty, value, why, &mut commit);
        Ok(self.store.commit(commit)?)
    }

    pub(crate) fn ask_about_account(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        value: Value,
        why: Guarding,
        commit: &mut Commit,
    ) {
        let name = self.plan.ty(ty).name.clone();
        let why = Why::from(why);
        let message = lockstep_wording::why(&why);
        commit.reviews_opened.push(Review {
            kind: ReviewKind::Guard,
            about: About::Guard(GuardKind::Vanished),
            ty,
            prop: None,
            rule: Rule::R9,
            candidates: vec![],
            value,
            why: why.clone(),
            opened_at: self.clock.now(),
        });
        under_way.guards.stopped.insert((ty, GuardKind::Vanished));
        under_way.report.guards.retain(|line| line.record_type.as_ref() != Some(&name.to_string()));
        under_way.report.guards.push(TrippedGuard {
            system: name.system.clone(),
            guard: GuardKind::Vanished.name().into(),
            record_type: Some(name.to_string()),
            why,
            remedies: remedies(&name.system, GuardKind::Vanished, true),
        });
        // What else the system has belongs to the same account.
        let system = self.system_of(ty);
        under_way.report.system(&name.system).paused = Some(message.clone());
        under_way.paused.insert(system, message);
    }
}

pub(crate) fn account_mark(system: &str) -> String {
    format!("account:{system}")
}

pub(crate) fn strange_mark(system: &str) -> String {
    format!("strange-account:{system}")
}
