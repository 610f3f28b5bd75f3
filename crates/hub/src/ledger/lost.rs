//! R5: a property that many records lose at once has been renamed, or a permission was withdrawn;
//! it has not been emptied by so many edits. The record type stays as it was before the reading,
//! nothing is written to it, and a person is asked.
//!
//! Records are taken in page by page, and it is known at the end of a reading only how many have
//! lost a property. So those that show one emptied are kept back until then, and the checkpoint
//! with them.

use std::collections::{BTreeMap, HashMap, HashSet};

use lockstep_engine::observe::{Reading, losses};
use lockstep_model::guarding::Guarding;
use lockstep_model::value::is_empty;
use lockstep_model::{
    About, GuardKind, PropIx, ReadRecord, RecordState, Review, ReviewKind, Rule, TypeIx, TypeName,
    Value,
};
use lockstep_store::{Commit, ReviewKey, TypeStatus};
use serde_json::json;

use crate::error::Result;
use crate::guards::{TrippedGuard, remedies};
use crate::ledger::Ledger;
use crate::under_way::Underway;

/// Number of records losing a property at once that is not believed, however large the record type is.
const MOST_LOST: u64 = 5_000;

/// What a reading has shown so far.
#[derive(Default)]
pub(crate) struct Losses {
    /// Records kept back.
    pub(crate) held: Vec<ReadRecord>,
    /// The records that tell that a property is empty, and those that do not tell of it any more,
    /// by hashes of their keys.
    pub(crate) emptied: BTreeMap<PropIx, HashSet<u64>>,
    pub(crate) untold: BTreeMap<PropIx, HashSet<u64>>,
}

/// A property that too many records have lost.
pub(crate) struct TooMany {
    prop: PropIx,
    lost: u64,
    held: u64,
}

impl Losses {
    /// Records wait for the end of the reading.
    pub(crate) fn holds(&self) -> bool {
        !self.held.is_empty()
    }
}

impl Ledger {
    /// Keeps back the records of a page that show a property emptied.
    pub(crate) fn keep_back(
        &self,
        reading: Reading,
        records: Vec<ReadRecord>,
        known: &HashMap<String, RecordState>,
        losses_so_far: &mut Losses,
    ) -> Vec<ReadRecord> {
        if known.is_empty() {
            return records;
        }
        let mut go_on = Vec::with_capacity(records.len());
        for read in records {
            let lost = known
                .get(&read.id)
                .map(|state| losses(&self.plan, reading, state, &read))
                .unwrap_or_default();
            let key = lockstep_model::matching::seed(&read.id);
            let mut emptied = false;
            for (prop, told) in lost {
                let by_prop =
                    if told { &mut losses_so_far.emptied } else { &mut losses_so_far.untold };
                by_prop.entry(prop).or_default().insert(key);
                emptied |= told;
            }
            if emptied { losses_so_far.held.push(read) } else { go_on.push(read) }
        }
        go_on
    }

    /// The records that were kept back.
    pub(crate) fn let_go(&self, losses: &mut Losses) -> Vec<ReadRecord> {
        std::mem::take(&mut losses.held)
    }

    fn untold_mark(&self, ty: TypeIx) -> String {
        format!("untold:{}", self.plan.ty(ty).name)
    }

    /// Whether some property has been lost by more records than a person would believe. `ends`: the
    /// reading has come to its end; before, only what is too much in any case is seen.
    /// `everything`: it was a listing of everything, in which records that have not told of a
    /// property for long are counted as well.
    pub(crate) fn lost_too_much(
        &mut self,
        under_way: &Underway,
        ty: TypeIx,
        losses: &Losses,
        ends: bool,
        everything: bool,
    ) -> Result<Option<TooMany>> {
        let limit = self.limits(&self.plan.ty(ty).name.system).lost;
        let records = self.status[ty.at()].records;
        if under_way.guards.believed.contains(&(ty, GuardKind::Lost))
            || limit.most(records).is_none()
        {
            return Ok(None);
        }
        let props: Vec<PropIx> =
            losses.emptied.keys().chain(losses.untold.keys()).copied().collect();
        let mut counts: BTreeMap<PropIx, u64> = BTreeMap::new();
        let usual = if everything { self.usually_untold(ty)? } else { BTreeMap::new() };
        for prop in props {
            let emptied = losses.emptied.get(&prop).map_or(0, HashSet::len) as u64;
            let untold = losses.untold.get(&prop).map_or(0, HashSet::len) as u64;
            let name = &self.plan.prop(ty, prop).name;
            let count = emptied + untold.saturating_sub(usual.get(name).copied().unwrap_or(0));
            if count > MOST_LOST {
                return Ok(Some(TooMany { prop, lost: count, held: records.max(count) }));
            }
            // Few of very many are not looked at closer: that would take longer than the reading.
            if ends && limit.most(0).is_none_or(|most| count > most) && count > records / 2_000 {
                counts.insert(prop, count);
            }
        }
        if counts.is_empty() {
            return Ok(None);
        }
        let held = self.holders(ty, &counts)?;
        let too_many = counts.into_iter().find_map(|(prop, lost)| {
            let held = held.get(&prop).copied().unwrap_or(0).max(lost);
            limit.most(held).is_some_and(|most| lost > most).then_some(TooMany { prop, lost, held })
        });
        Ok(too_many)
    }

    /// How many records hold each of these properties.
    fn holders(
        &mut self,
        ty: TypeIx,
        props: &BTreeMap<PropIx, u64>,
    ) -> Result<BTreeMap<PropIx, u64>> {
        let (mut held, mut after) = (BTreeMap::new(), None::<String>);
        loop {
            let page = self.store.live_keys(ty, after.as_deref(), 10_000)?;
            let Some((last, _)) = page.last() else { return Ok(held) };
            after = Some(last.clone());
            let ids: Vec<_> = page.iter().map(|(_, id)| *id).collect();
            for record in self.store.records(&ids)? {
                for prop in props.keys() {
                    if record.slot(*prop).shadow.as_ref().is_some_and(|value| !is_empty(value)) {
                        *held.entry(*prop).or_default() += 1;
                    }
                }
            }
        }
    }

    /// How many records did not tell of a property that they once held in the last listing of
    /// everything that was believed.
    fn usually_untold(&mut self, ty: TypeIx) -> Result<BTreeMap<String, u64>> {
        let name = self.untold_mark(ty);
        let mark = self.store.marks()?.into_iter().find(|(mark, _)| *mark == name);
        Ok(mark.and_then(|(_, value)| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    /// The record type stays as it was before the reading, and a person is asked.
    pub(crate) fn stop_lost(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        before: TypeStatus,
        too_many: &TooMany,
    ) -> Result<()> {
        let name = self.plan.ty(ty).name.clone();
        let path = self.plan.prop(ty, too_many.prop).name.clone();
        let TooMany { lost, held, .. } = *too_many;
        let (property, of) = (path.clone(), name.to_string());
        let why = Guarding::Lost { property, of, lost, held };
        self.status[ty.at()] = TypeStatus { records: self.status[ty.at()].records, ..before };
        let mut commit =
            Commit { types: vec![(ty, self.status[ty.at()].clone())], ..Commit::default() };
        let told = json!({"path": path, "lost": lost, "known": held});
        self.open_lost(under_way, ty, (Rule::R5, why, told), &mut commit);
        Ok(self.store.commit(commit)?)
    }

    /// The guard of lost values stops a record type, and a person is asked: by which rule, why,
    /// and `path`, `lost` and `known` of the review.
    pub(crate) fn open_lost(
        &self,
        under_way: &mut Underway,
        ty: TypeIx,
        (rule, why, mut told): (Rule, Guarding, Value),
        commit: &mut Commit,
    ) {
        let name = &self.plan.ty(ty).name;
        told["system"] = json!(name.system);
        told["guard"] = json!(GuardKind::Lost.name());
        told["type"] = json!(name.to_string());
        commit.reviews_opened.push(Review {
            kind: ReviewKind::Guard,
            about: About::Guard(GuardKind::Lost),
            ty,
            prop: None,
            rule,
            candidates: vec![],
            value: told,
            why: why.clone().into(),
            opened_at: self.clock.now(),
        });
        forget_lost(under_way, name);
        under_way.guards.stopped.insert((ty, GuardKind::Lost));
        under_way.report.guards.push(TrippedGuard {
            system: name.system.clone(),
            guard: GuardKind::Lost.name().into(),
            record_type: Some(name.to_string()),
            why: why.into(),
            remedies: remedies(&name.system, GuardKind::Lost, false),
        });
    }

    /// The guard of lost values stops a record type no more.
    pub(crate) fn close_lost(&self, under_way: &mut Underway, ty: TypeIx, commit: &mut Commit) {
        if under_way.guards.stopped.remove(&(ty, GuardKind::Lost)) {
            commit.reviews_closed.push(ReviewKey {
                kind: ReviewKind::Guard,
                about: About::Guard(GuardKind::Lost),
                ty,
                prop: None,
            });
            forget_lost(under_way, &self.plan.ty(ty).name);
        }
    }

    /// A reading lost nothing, or was believed: what stood against the record type is settled.
    pub(crate) fn losses_believed(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        losses: &Losses,
        everything: bool,
        commit: &mut Commit,
    ) -> Result<()> {
        if under_way.unidentified.contains_key(&ty) {
            return Ok(());
        }
        self.close_lost(under_way, ty, commit);
        let released = under_way.guards.believed.remove(&(ty, GuardKind::Lost));
        if released {
            commit.marks.push((self.release_type_mark(ty, GuardKind::Lost), None));
        }
        if !everything && !released {
            return Ok(());
        }
        let before = self.usually_untold(ty)?;
        let mut now: BTreeMap<String, u64> =
            if everything { BTreeMap::new() } else { before.clone() };
        for (prop, records) in &losses.untold {
            let count = records.len() as u64;
            let known = now.entry(self.plan.prop(ty, *prop).name.clone()).or_default();
            *known = count.max(*known);
        }
        if now != before {
            let mark = (!now.is_empty()).then(|| serde_json::to_value(&now).unwrap_or(Value::Null));
            commit.marks.push((self.untold_mark(ty), mark));
        }
        Ok(())
    }
}

/// The report tells no more of the guard of lost values of a record type.
fn forget_lost(under_way: &mut Underway, name: &TypeName) {
    let (name, guard) = (name.to_string(), GuardKind::Lost.name());
    under_way
        .report
        .guards
        .retain(|line| line.record_type.as_ref() != Some(&name) || line.guard != guard);
}
