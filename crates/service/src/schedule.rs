//! When which record type is read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lockstep_model::{TypeIx, TypeName};

use crate::hints::Hint;

/// Where calls name more records of a type than these, one reading of what changed is less work.
const ONE_BY_ONE: usize = 20;

/// What is read in a run: whole record types, and single records.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Due {
    pub types: BTreeSet<TypeIx>,
    pub named: BTreeMap<TypeIx, BTreeSet<String>>,
}

impl Due {
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.named.is_empty()
    }
}

/// When each record type is due, and which records have been hinted at.
pub struct Schedule {
    types: Vec<(TypeName, Duration)>,
    due: Vec<Instant>,
    named: BTreeMap<TypeIx, BTreeSet<String>>,
}

impl Schedule {
    /// All record types of a plan, in its order, each with how often it is read. Everything is due
    /// at once.
    pub fn new(types: Vec<(TypeName, Duration)>, now: Instant) -> Self {
        let due = types.iter().map(|_| now).collect();
        Schedule { types, due, named: BTreeMap::new() }
    }

    /// The record types, in the order of the plan.
    pub(crate) fn names(&self) -> impl Iterator<Item = &TypeName> {
        self.types.iter().map(|(name, _)| name)
    }

    /// Takes what is due by now.
    pub(crate) fn take(&mut self, now: Instant) -> Due {
        let mut due = Due { types: BTreeSet::new(), named: std::mem::take(&mut self.named) };
        for (at, ((_, period), next)) in self.types.iter().zip(&mut self.due).enumerate() {
            if *next <= now {
                due.types.insert(TypeIx(at as u16));
                *next = now + *period;
            }
        }
        due
    }

    /// Puts back what was taken and not done: it is due again at that moment.
    pub(crate) fn put_back(&mut self, due: &Due, at: Instant) {
        for ty in due.types.iter().chain(due.named.keys()) {
            self.due[ty.at()] = self.due[ty.at()].min(at);
        }
    }

    /// Everything is due at that moment.
    pub(crate) fn all_due(&mut self, at: Instant) {
        self.due.fill(at);
    }

    /// When something is due next.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        match self.named.is_empty() {
            true => self.due.iter().min().copied(),
            false => Some(now),
        }
    }

    /// R4: the records that are named; where a call names none, or many are named, all that changed
    /// of their record type is due.
    pub(crate) fn hinted(&mut self, hints: BTreeSet<Hint>, now: Instant) {
        for hint in hints {
            for (at, (name, _)) in self.types.iter().enumerate() {
                let meant = name.system == hint.system
                    && hint.kind.as_ref().is_none_or(|kind| *kind == name.kind);
                if !meant {
                    continue;
                }
                match &hint.id {
                    Some(id) => {
                        self.named.entry(TypeIx(at as u16)).or_default().insert(id.clone());
                    }
                    None => self.due[at] = now,
                }
            }
        }
        let due = &mut self.due;
        self.named.retain(|ty, ids| {
            let few = ids.len() <= ONE_BY_ONE;
            if !few {
                due[ty.at()] = now;
            }
            few
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(kind: Option<&str>, id: Option<&str>) -> Hint {
        Hint { system: "crm".into(), kind: kind.map(Into::into), id: id.map(Into::into) }
    }

    fn schedule(now: Instant) -> Schedule {
        let every = |(system, kind)| (TypeName::new(system, kind), Duration::from_secs(60));
        Schedule::new(
            [("crm", "People"), ("crm", "Firms"), ("erp", "Customers")].map(every).into(),
            now,
        )
    }

    #[test]
    fn r4_what_is_named_is_read_by_itself_and_many_together() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        assert_eq!(schedule.take(now).types.len(), 3, "everything is due at first");
        assert!(schedule.take(now).is_empty());
        schedule.hinted([hint(Some("People"), Some("7"))].into(), now);
        assert_eq!(schedule.next(now), Some(now));
        let due = schedule.take(now);
        assert_eq!((due.types.len(), due.named[&TypeIx(0)].len()), (0, 1));
        let many = (0..30).map(|n| hint(Some("People"), Some(&n.to_string()))).collect();
        schedule.hinted(many, now);
        let due = schedule.take(now);
        assert_eq!((due.types, due.named.len()), ([TypeIx(0)].into(), 0));
    }

    #[test]
    fn r4_a_call_that_names_no_type_is_about_all_of_its_system() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.take(now);
        schedule.hinted([hint(None, None)].into(), now);
        assert_eq!(schedule.take(now).types, [TypeIx(0), TypeIx(1)].into());
    }

    #[test]
    fn what_was_not_done_is_due_again() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.take(now);
        schedule.hinted([hint(Some("Firms"), Some("1"))].into(), now);
        let due = schedule.take(now);
        schedule.put_back(&due, now);
        assert_eq!(schedule.take(now).types, [TypeIx(1)].into(), "the whole type, once more");
    }
}
