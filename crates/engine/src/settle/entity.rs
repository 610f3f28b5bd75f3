//! An entity: the members that values travel between, and what counts as put into them.

use lockstep_model::{Claim, PropIx, RecordId, RecordState, TypeIx};

use crate::graph::{Apart, Bearings, apart};
use crate::groups;
use crate::plan::{Bearing, Plan};

/// The members of an entity as values travel between them.
pub struct Entity<'a> {
    pub records: Vec<&'a RecordState>,
    /// Pairs of record types that a condition keeps apart just now (L9, unqualified; L11), the
    /// lower one first.
    pub(super) suspended: Vec<Apart>,
    /// What bears on what without those (P0); `None` where all flows hold.
    pub(super) left: Option<&'a Bearings>,
    /// What counts as put into a property besides its own latest claim, or in its place, each as a
    /// claim of its record: what it was given by a claim that does not reach it any more (L9), what
    /// a value that wins shows (P1), what its group claims (P1e).
    pub(super) inherited: Vec<(RecordId, PropIx, Claim)>,
}

impl<'a> Entity<'a> {
    /// These records as if all flows held for them.
    pub fn unconditional(plan: &'a Plan, records: Vec<&'a RecordState>) -> Self {
        let mut entity = Entity { records, suspended: vec![], left: None, inherited: vec![] };
        entity.group(plan);
        entity
    }

    /// P1e: what is claimed of a property of a group is claimed of all of it.
    pub(super) fn group(&mut self, plan: &Plan) {
        if !plan.has_groups {
            return;
        }
        let mut all = groups::claims(plan, &self.records, |record, prop| self.claim(record, prop));
        all.extend(self.inherited.drain(..).filter(|(id, prop, _)| {
            let record = self.records.iter().find(|record| record.id == *id);
            record.is_none_or(|record| !plan.is_grouped(record.ty, *prop))
        }));
        self.inherited = all;
    }

    /// What counts as put into a property of a record: its own latest claim, or what it was given
    /// by one that does not reach it any more.
    pub(super) fn claim<'e>(&'e self, record: &'e RecordState, prop: PropIx) -> Option<&'e Claim> {
        let inherited = self
            .inherited
            .iter()
            .find(|(id, of, _)| (*id, *of) == (record.id, prop))
            .map(|(_, _, claim)| claim);
        inherited.or(record.slot(prop).claim.as_ref())
    }

    /// Whether a value comes this way to a record of `ty`: what rows give only on creation, where
    /// each record that it would pass is created as well.
    pub(super) fn is_given(&self, by: &Bearing, ty: TypeIx, creating: bool) -> bool {
        let is_there =
            |at: &TypeIx| self.records.iter().any(|record| record.ty == *at && record.is_live());
        by.on_create.is_empty()
            || creating && !by.on_create.iter().any(|at| *at != ty && is_there(at))
    }

    /// Whether a condition keeps two record types apart.
    pub fn is_suspended(&self, a: TypeIx, b: TypeIx) -> bool {
        self.suspended.contains(&apart(a, b))
    }

    /// Whether a condition keeps a record type apart from any other.
    pub(super) fn keeps_apart(&self, ty: TypeIx) -> bool {
        self.suspended.iter().any(|(a, b)| *a == ty || *b == ty)
    }

    /// What bears on a property.
    pub fn bearings(&self, plan: &'a Plan, ty: TypeIx, prop: PropIx) -> &'a [Bearing] {
        let left = self.left.and_then(|left| left.get(&ty)).and_then(|own| own.get(prop.at()));
        left.unwrap_or(&plan.ty(ty).bearings[prop.at()])
    }
}
