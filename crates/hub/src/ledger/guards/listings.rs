//! G3 on the way in: whether a listing that lacks many records is believed.

use lockstep_engine::guard::is_believable;
use lockstep_model::guarding::Guarding;
use lockstep_model::limits::GuardKind;
use lockstep_model::{About, Review, ReviewKind, Rule, TypeIx, Why};
use lockstep_store::{Commit, ReviewKey, TypeStatus};
use serde_json::json;

use crate::error::Result;
use crate::guards::{TrippedGuard, remedies};
use crate::ledger::Ledger;
use crate::under_way::Underway;

impl Ledger {
    /// G3: whether a listing that lacks so many records is to be believed. `known` is how many
    /// there were.
    pub(crate) fn believes(
        &self,
        under_way: &Underway,
        ty: TypeIx,
        lacking: u64,
        known: u64,
    ) -> bool {
        if lacking == 0 || under_way.guards.believed.contains(&(ty, GuardKind::Vanished)) {
            return true;
        }
        let limit = self.limits(&self.plan.ty(ty).name.system).vanished;
        is_believable(limit, lacking, known)
    }

    /// A listing is not believed: the record type stays as it was before the reading, and the next
    /// reading begins there too.
    pub(crate) fn stop_listing(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        before: TypeStatus,
        lacking: u64,
        known: u64,
    ) -> Result<()> {
        let name = self.plan.ty(ty).name.clone();
        let lists = known.saturating_sub(lacking);
        let why: Why = Guarding::Listing { of: name.to_string(), known, lists }.into();
        self.status[ty.at()] = TypeStatus { records: self.status[ty.at()].records, ..before };
        let review = Review {
            kind: ReviewKind::Guard,
            about: About::Guard(GuardKind::Vanished),
            ty,
            prop: None,
            rule: Rule::G3,
            candidates: vec![],
            value: json!({"system": name.system, "guard": "vanished", "type": name.to_string(), "lacking": lacking, "known": known}),
            why: why.clone(),
            opened_at: self.clock.now(),
        };
        under_way.guards.stopped.insert((ty, GuardKind::Vanished));
        under_way.report.guards.retain(|line| {
            line.record_type.as_ref() != Some(&name.to_string()) || line.guard != "vanished"
        });
        under_way.report.guards.push(TrippedGuard {
            system: name.system.clone(),
            guard: GuardKind::Vanished.name().into(),
            record_type: Some(name.to_string()),
            why,
            remedies: remedies(&name.system, GuardKind::Vanished, false),
        });
        let mut commit = Commit {
            types: vec![(ty, self.status[ty.at()].clone())],
            reviews_opened: vec![review],
            ..Commit::default()
        };
        self.listed_whole(ty, false, &mut commit);
        Ok(self.store.commit(commit)?)
    }

    /// A listing was believed: what stood against the record type is settled.
    pub(crate) fn listing_believed(
        &self,
        under_way: &mut Underway,
        ty: TypeIx,
        commit: &mut Commit,
    ) {
        if under_way.guards.stopped.remove(&(ty, GuardKind::Vanished)) {
            let about = About::Guard(GuardKind::Vanished);
            commit.reviews_closed.push(ReviewKey {
                kind: ReviewKind::Guard,
                about,
                ty,
                prop: None,
            });
        }
        if under_way.guards.believed.remove(&(ty, GuardKind::Vanished)) {
            commit.marks.push((self.release_type_mark(ty, GuardKind::Vanished), None));
        }
    }

    /// Remembers that everything of a record type has been listed, or that it is still owed: a
    /// listing that a killed run had begun says nothing about what is absent, nor does one that is
    /// not believed, or a record that could not be looked up.
    pub(crate) fn listed_whole(&self, ty: TypeIx, whole: bool, commit: &mut Commit) {
        let mark = if whole { json!({"at": self.clock.now().0}) } else { json!({"owed": true}) };
        commit.marks.push((self.type_mark("full", ty), Some(mark)));
    }
}
