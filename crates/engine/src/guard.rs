//! G3: what is to be written, counted against the limits; and how much of a listing is believed.
//!
//! Writes are counted per system and kind as they are decided, before the first of them is sent.
//! Two kinds of change do more harm than their number of writes tells, and are counted for each
//! property: values that are emptied, and values by which records are matched, overwritten by
//! others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::flow::Extra;
use lockstep_model::limits::{GuardKind, Limit, Limits};
use lockstep_model::value::{equal, is_empty};
use lockstep_model::{Change, Intent, IntentId, IntentKind, PropIx, RecordId, TypeIx, Value};

use crate::plan::Plan;

/// How many values of a property are to be changed.
pub type Values = BTreeMap<(GuardKind, TypeIx, PropIx), u64>;

/// What has been decided and not been let through, counted. Systems are told by their places.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Writes, by system and kind.
    pub planned: HashMap<(usize, IntentKind), u64>,
    /// Values of single properties.
    pub values: Values,
    /// Up to these numbers, intents are let through by a person.
    pub through: HashMap<(usize, GuardKind), IntentId>,
    /// The last intents that were not counted, as they are of a first run.
    pub first_runs: HashMap<(usize, GuardKind), IntentId>,
    /// Record types that have been through a whole run.
    pub armed: Vec<bool>,
    /// Of record types that have not, how many extra records are to be deleted (D1).
    pub mirrored: BTreeMap<TypeIx, u64>,
}

/// What is known, and what the limits are.
pub struct Known<'a> {
    /// The limits of each system.
    pub limits: &'a [Limits],
    /// How many records each system has.
    pub records: &'a [u64],
    /// How many records there are of each record type.
    pub records_of: &'a [u64],
    /// The system of each record type.
    pub system_of: &'a [usize],
}

impl Tally {
    /// Whether a guard of single values counts those of this intent: of a first run only what is
    /// emptied, which none does by itself.
    pub fn counts_value(&self, guard: GuardKind, intent: &Intent) -> bool {
        guard == GuardKind::Clears || self.armed[intent.ty.at()]
    }

    /// Whether a person has not let an intent through.
    pub fn is_held_back(&self, system: usize, guard: GuardKind, intent: &Intent) -> bool {
        self.through.get(&(system, guard)).is_none_or(|through| intent.id > *through)
    }

    /// Counts what has just been decided. `type_of` gives the record types of sources.
    pub fn count(
        &mut self,
        plan: &Plan,
        system_of: &[usize],
        new: &[Intent],
        dropped: &[&Intent],
        type_of: impl Fn(RecordId) -> Option<TypeIx>,
    ) {
        for intent in new {
            let system = system_of[intent.ty.at()];
            for (guard, prop) in values_changed(plan, intent) {
                if self.counts_value(guard, intent) {
                    *self.values.entry((guard, intent.ty, prop)).or_default() += 1;
                } else {
                    self.first_runs.insert((system, guard), intent.id);
                }
            }
            if self.counts(intent, &type_of) {
                *self.planned.entry((system, intent.kind)).or_default() += 1;
            } else {
                self.first_runs.insert((system, GuardKind::of(intent.kind)), intent.id);
            }
            if self.is_first_mirroring(plan, intent) {
                *self.mirrored.entry(intent.ty).or_default() += 1;
            }
        }
        for intent in dropped {
            let system = system_of[intent.ty.at()];
            for (guard, prop) in values_changed(plan, intent) {
                let counted =
                    self.counts_value(guard, intent) && self.is_held_back(system, guard, intent);
                if let Some(count) =
                    self.values.get_mut(&(guard, intent.ty, prop)).filter(|_| counted)
                {
                    *count = count.saturating_sub(1);
                }
            }
            let counted = self.counts(intent, &type_of)
                && self.is_held_back(system, GuardKind::of(intent.kind), intent);
            if let Some(planned) = self.planned.get_mut(&(system, intent.kind)).filter(|_| counted)
            {
                *planned = planned.saturating_sub(1);
            }
            if self.is_first_mirroring(plan, intent)
                && let Some(count) = self.mirrored.get_mut(&intent.ty)
            {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// D1: whether an intent deletes what the first run of a flow finds to be extra: nothing that
    /// was deleted elsewhere can be the reason yet.
    fn is_first_mirroring(&self, plan: &Plan, intent: &Intent) -> bool {
        let mirrors =
            || plan.flows.get(intent.flow.at()).is_some_and(|flow| flow.extra == Extra::Delete);
        intent.kind == IntentKind::Delete && !self.armed[intent.ty.at()] && mirrors()
    }

    /// Creations and updates count once both record types have been through a whole run: a first
    /// run legitimately writes much. Deletions count always.
    fn counts(&self, intent: &Intent, type_of: impl Fn(RecordId) -> Option<TypeIx>) -> bool {
        let armed = |ty: TypeIx| self.armed[ty.at()];
        intent.kind == IntentKind::Delete
            || armed(intent.ty) && intent.source.record().and_then(type_of).is_none_or(armed)
    }

    /// A person has seen what is written: nothing of it is counted, by this run or the next.
    pub fn let_through(&mut self, system_of: &[usize], new: &[Intent]) {
        for intent in new {
            let counts = |guard: &GuardKind| guard.writes() == Some(intent.kind);
            for guard in GuardKind::ALL.into_iter().filter(counts) {
                self.first_runs.insert((system_of[intent.ty.at()], guard), intent.id);
            }
        }
    }

    /// The guards whose limit is exceeded, by system.
    pub fn over(&self, known: &Known<'_>) -> BTreeSet<(usize, GuardKind)> {
        let mut over = BTreeSet::new();
        for ((system, kind), planned) in &self.planned {
            let guard = GuardKind::of(*kind);
            let most = known.limits[*system].of(guard).most(known.records[*system]);
            if most.is_some_and(|most| *planned > most) {
                over.insert((*system, guard));
            }
        }
        for (ty, count) in &self.mirrored {
            let system = known.system_of[ty.at()];
            let is_limited = known.limits[system].of(GuardKind::Deletes) != Limit::None;
            if is_limited && *count * 2 > known.records_of[ty.at()] {
                over.insert((system, GuardKind::Deletes));
            }
        }
        for ((guard, ty, _), count) in &self.values {
            let system = known.system_of[ty.at()];
            let most = known.limits[system].of(*guard).most(known.records_of[ty.at()]);
            if most.is_some_and(|most| *count > most) {
                over.insert((system, *guard));
            }
        }
        over
    }
}

/// Which guards of single values count the changes of an intent.
pub fn values_changed(plan: &Plan, intent: &Intent) -> impl Iterator<Item = (GuardKind, PropIx)> {
    let ty = plan.ty(intent.ty);
    let matched = move |prop: PropIx| {
        ty.match_sides.iter().any(|side| side.props.iter().any(|one| one.prop == prop))
    };
    let guard = move |change: &Change| {
        let before: &Value = &change.displaced;
        match () {
            _ if is_empty(before) || change.counterpart_of.is_some() => None,
            _ if is_empty(&change.value) => Some((GuardKind::Clears, change.prop)),
            _ if matched(change.prop) && !equal(before, &change.value) => {
                Some((GuardKind::MatchValues, change.prop))
            }
            _ => None,
        }
    };
    let updates = intent.kind == IntentKind::Update;
    intent.changes.iter().filter(move |_| updates).filter_map(guard)
}

/// L1: the properties by whose values records of a type are matched.
pub fn identifying(plan: &Plan, ty: TypeIx) -> BTreeSet<PropIx> {
    let sides = plan.ty(ty).match_sides.iter();
    sides.flat_map(|side| side.props.iter().map(|one| one.prop)).collect()
}

/// Whether a listing that lacks so many of the records that were known is believed.
pub fn is_believable(limit: Limit, lacking: u64, known: u64) -> bool {
    limit.most(known).is_none_or(|most| lacking <= most && lacking < known)
}

/// R9: whether so many records that show nothing of what identified them, of so many that are
/// known, make it another account.
pub fn is_another_account(strangers: u64, of: u64) -> bool {
    strangers >= 2 && strangers * 2 > of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_a_listing_without_any_record_is_not_believed_however_few_there_were() {
        let limit = Limit::or(5, 10.0);
        assert!(is_believable(limit, 0, 3) && is_believable(limit, 2, 3));
        assert!(!is_believable(limit, 3, 3), "all of them are gone");
        assert!(is_believable(limit, 10, 100) && !is_believable(limit, 11, 100));
        assert!(is_believable(Limit::None, 100, 100));
    }

    #[test]
    fn r9_one_stranger_makes_no_other_account_nor_do_half_of_them() {
        assert!(!is_another_account(1, 1));
        assert!(!is_another_account(2, 4));
        assert!(is_another_account(2, 3));
    }
}
