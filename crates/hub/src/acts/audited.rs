//! What an audit found.

use lockstep_engine::settle::Entity;
use lockstep_model::value::same;
use lockstep_model::{
    EntityId, PropIx, ReadRecord, RecordId, RecordState, Review, ReviewKind, TypeIx, Value,
};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::RecordName;

/// Entities that are read and compared together.
pub(crate) const AT_ONCE: usize = 200;

/// Maximum number of differences kept for display for each property of a flow; all are counted.
const SHOWN: usize = 20;

/// What an audit found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Audit {
    /// Entities of more than one record that there are, and that were looked at.
    pub entities: usize,
    pub audited: usize,
    pub records_read: usize,
    /// What differs, by flow and property.
    pub properties: Vec<AuditedProperty>,
    /// Properties that differ because a person's answer is waited for, and because a write that was
    /// decided is still to be sent: known, and no alarm.
    pub in_review: u64,
    pub waiting: u64,
    /// Linked records that are not in their system any more, though Lockstep takes them to be.
    pub gone: Vec<RecordName>,
    /// Records that could not be read, and why.
    pub unread: Vec<(RecordName, String)>,
    /// What differs was put onto the agenda; the next run settles it.
    pub repaired: bool,
}

/// A property of a flow in which records differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditedProperty {
    pub flow: String,
    /// With its record type: `wix.Contacts info.company`.
    pub property: String,
    /// Records that show something else than Lockstep knows.
    pub drifted: u64,
    /// Records that do not hold what they should by the latest claims.
    pub unequal: u64,
    /// Records whose system acknowledged what was written there and does not hold it (R6).
    pub not_kept: u64,
    /// Records that show neither what Lockstep wrote nor a form of it (R6): known, and no alarm.
    pub stored_otherwise: u64,
    /// Some of them.
    pub examples: Vec<Difference>,
}

/// One difference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Difference {
    pub record: RecordName,
    pub kind: DifferenceKind,
    /// What the system shows.
    pub shows: Value,
    /// What Lockstep takes it to show, or what it should hold.
    pub expected: Value,
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    Drifted,
    Unequal,
    NotKept,
    StoredOtherwise,
}

impl Audit {
    /// Something differs.
    pub fn alarms(&self) -> bool {
        self.properties.iter().any(AuditedProperty::alarms) || !self.gone.is_empty()
    }

    pub(crate) fn add(&mut self, flow: String, property: String, difference: Difference) {
        let at = self
            .properties
            .iter()
            .position(|known| known.flow == flow && known.property == property);
        let at = at.unwrap_or_else(|| {
            self.properties.push(AuditedProperty {
                flow,
                property,
                drifted: 0,
                unequal: 0,
                not_kept: 0,
                stored_otherwise: 0,
                examples: vec![],
            });
            self.properties.len() - 1
        });
        let known = &mut self.properties[at];
        match difference.kind {
            DifferenceKind::Drifted => known.drifted += 1,
            DifferenceKind::Unequal => known.unequal += 1,
            DifferenceKind::NotKept => known.not_kept += 1,
            DifferenceKind::StoredOtherwise => known.stored_otherwise += 1,
        }
        if known.examples.len() < SHOWN {
            known.examples.push(difference);
        }
    }
}

impl AuditedProperty {
    fn alarms(&self) -> bool {
        self.drifted + self.unequal + self.not_kept > 0
    }
}

/// What is to be taken in if the audit repairs.
#[derive(Default)]
pub(crate) struct Repairs {
    pub(crate) read: Vec<(TypeIx, ReadRecord)>,
    pub(crate) gone: Vec<RecordId>,
    pub(crate) unequal: Vec<RecordId>,
}

impl Ledger {
    pub(crate) fn all_linked(&mut self) -> Result<Vec<EntityId>> {
        let mut all: Vec<EntityId> = Vec::new();
        loop {
            let page = self.store.linked_entities(all.last().copied(), 10_000)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Where a record shows something else than the store believes. Gives whether it does anywhere.
    pub(crate) fn drifted(
        &self,
        known: &RecordState,
        shown: &RecordState,
        live: &[RecordState],
        reviews: &[Review],
        audit: &mut Audit,
    ) -> bool {
        let mut drifts = false;
        for (ix, prop) in
            self.plan.ty(known.ty).props.iter().enumerate().filter(|(_, prop)| prop.paired)
        {
            let (believed, shows) =
                (known.slots[ix].value(prop.whole), shown.slots[ix].value(prop.whole));
            // R6: what is known as not kept waits for a person already.
            let lost =
                || reviews.iter().any(|review| is_not_kept(review, known, PropIx(ix as u16)));
            // P5a: within the system's delay what is read may be from before the write.
            let older = || {
                let settled =
                    known.written_at.map(|at| at.plus_ms(self.plan.ty(known.ty).settles_ms));
                settled.is_some_and(|settled| self.clock.now() < settled)
                    && known.slots[ix]
                        .before
                        .as_deref()
                        .is_some_and(|before| same(prop.terms(), before, shows))
            };
            if same(prop.terms(), believed, shows) || lost() || older() {
                continue;
            }
            drifts = true;
            let partner = self.plan.ty(known.ty).bearings[ix].iter().map(|bearing| bearing.other);
            let partner = partner
                .into_iter()
                .find(|ty| live.iter().any(|r| r.entity == known.entity && r.ty == *ty));
            let flow = self.flow_name_between(partner.unwrap_or(known.ty), known.ty);
            let difference = Difference {
                record: self.name_of(known),
                kind: DifferenceKind::Drifted,
                shows: shows.clone(),
                expected: believed.clone(),
            };
            audit.add(flow, self.property_name(known.ty, PropIx(ix as u16)), difference);
        }
        drifts
    }
}

/// Whether a property of a record, or the record as a whole, was refused and waits for a person.
pub(crate) fn is_in_review(
    reviews: &[Review],
    entity: &Entity<'_>,
    record: &RecordState,
    prop: PropIx,
) -> bool {
    let about = |review: &&Review| {
        matches!(
            review.kind,
            ReviewKind::RejectedValue | ReviewKind::Unconvertible | ReviewKind::FlipFlop
        ) && review.ty == record.ty
            && review.prop.is_none_or(|p| p == prop)
    };
    reviews
        .iter()
        .filter(about)
        .any(|review| entity.records.iter().any(|member| review.about.is(member.id)))
}

/// R6: whether what was written to a property was acknowledged and not kept.
pub(crate) fn is_not_kept(review: &Review, record: &RecordState, prop: PropIx) -> bool {
    review.kind == ReviewKind::NotKept && review.about.is(record.id) && review.prop == Some(prop)
}

/// About so many of them, spread evenly; which ones turns with `turn`, so that another audit looks
/// at others.
pub(crate) fn spread(all: Vec<EntityId>, sample: Option<usize>, turn: i64) -> Vec<EntityId> {
    match sample {
        Some(n) if n > 0 && n < all.len() => {
            let turn = usize::try_from(turn.unsigned_abs()).unwrap_or(0) % all.len();
            let place = |k: usize| (k * all.len() / n + turn) % all.len();
            let mut places: Vec<usize> = (0..n).map(place).collect();
            places.sort_unstable();
            places.into_iter().map(|at| all[at]).collect()
        }
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all_and_has_each_once() {
        let all: Vec<EntityId> = (1..=10).map(EntityId).collect();
        let sample = spread(all.clone(), Some(3), 1);
        assert_eq!(sample, [EntityId(2), EntityId(5), EntityId(8)]);
        assert_eq!(spread(all.clone(), Some(99), 4), all);
        assert_eq!(spread(all.clone(), None, 4), all);
    }
}
