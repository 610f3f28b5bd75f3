//! The drift audit: linked records are read again, by their ids, and compared with what the store
//! believes and with each other.
//!
//! Two things can be wrong. A record shows something else than Lockstep knows (its system did not
//! tell of a change, or a reading was missed); or two linked records are not equal where a flow
//! pairs them (P3). Either is an alarm: in a project that is in order an audit finds nothing. It
//! writes nothing. With `repair`, what was read is taken in as by any other reading, and the next
//! run settles it.

use std::collections::{BTreeMap, HashMap};

use lockstep_engine::observe::mark_gone;
use lockstep_engine::settle::{Entity, Wanted, wanted};
use lockstep_model::value::same;
use lockstep_model::{
    EntityId, Intent, PropIx, ReadRecord, RecordId, RecordState, Review, ReviewKind, RunId, TypeIx,
    Value,
};
use lockstep_store::Commit;
use serde::Serialize;

use crate::acts::ActResult;
use crate::fresh::as_shown;
use crate::report::RecordName;
use crate::run::{Hub, Result, RunOptions};

/// Entities that are read and compared together.
const AT_ONCE: usize = 200;
/// So many differences are kept for showing, of each property of a flow; all are counted.
const SHOWN: usize = 20;

/// What an audit found.
#[derive(Clone, Debug, Default, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
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
    /// Some of them.
    pub examples: Vec<Difference>,
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    pub record: RecordName,
    pub kind: DifferenceKind,
    /// What the system shows.
    pub shows: Value,
    /// What Lockstep takes it to show, or what it should hold.
    pub expected: Value,
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    Drifted,
    Unequal,
    NotKept,
}

impl Audit {
    /// Something differs.
    pub fn alarms(&self) -> bool {
        !self.properties.is_empty() || !self.gone.is_empty()
    }

    fn add(&mut self, flow: String, property: String, difference: Difference) {
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
                examples: vec![],
            });
            self.properties.len() - 1
        });
        let known = &mut self.properties[at];
        match difference.kind {
            DifferenceKind::Drifted => known.drifted += 1,
            DifferenceKind::Unequal => known.unequal += 1,
            DifferenceKind::NotKept => known.not_kept += 1,
        }
        if known.examples.len() < SHOWN {
            known.examples.push(difference);
        }
    }
}

/// What is to be taken in if the audit repairs.
#[derive(Default)]
struct Repairs {
    read: Vec<(TypeIx, ReadRecord)>,
    gone: Vec<RecordId>,
    unequal: Vec<RecordId>,
}

impl Hub {
    /// Audits all linked records, or about so many entities spread evenly over all. With `repair`
    /// what differs is taken in.
    pub fn audit(&mut self, sample: Option<usize>, repair: bool) -> ActResult<Audit> {
        self.audit_of(sample, repair, true)
    }

    /// Compares linked records as they are stored, without asking any system: whether each holds
    /// what it should by the latest claims.
    pub fn audit_stored(&mut self, sample: Option<usize>) -> ActResult<Audit> {
        self.audit_of(sample, false, false)
    }

    fn audit_of(&mut self, sample: Option<usize>, repair: bool, reads: bool) -> ActResult<Audit> {
        let mut audit = Audit::default();
        let all = self.all_linked()?;
        audit.entities = all.len();
        let chosen = spread(all, sample, self.clock.now().0);
        audit.audited = chosen.len();
        let mut repairs = Repairs::default();
        for some in chosen.chunks(AT_ONCE) {
            self.compare(some, reads, &mut audit, &mut repairs)?;
        }
        audit.properties.sort_by(|a, b| (&a.flow, &a.property).cmp(&(&b.flow, &b.property)));
        if repair && audit.alarms() {
            self.take_in_audited(repairs)?;
            audit.repaired = true;
        }
        Ok(audit)
    }

    fn all_linked(&mut self) -> Result<Vec<EntityId>> {
        let mut all: Vec<EntityId> = Vec::new();
        loop {
            let page = self.store.linked_entities(all.last().copied(), 10_000)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    fn compare(
        &mut self,
        entities: &[EntityId],
        reads: bool,
        audit: &mut Audit,
        repairs: &mut Repairs,
    ) -> Result<()> {
        let members = self.store.members(entities)?;
        let live: Vec<RecordState> = members.into_iter().filter(RecordState::is_live).collect();
        let fresh = if reads { self.fresh(&live) } else { HashMap::new() };
        let focus: Vec<RecordId> = live.iter().map(|record| record.id).collect();
        let (through, now) = (self.through(), self.clock.now());
        let mut slice = crate::load::slice(
            &self.plan,
            self.store.as_mut(),
            focus,
            through,
            true,
            now,
            RunId(0),
        )?;
        let mut unsure: Vec<EntityId> = Vec::new();
        for record in &live {
            match fresh.get(&record.id) {
                Some(Ok(Some(read))) => {
                    audit.records_read += 1;
                    let shown = as_shown(record, read);
                    if self.drifted(record, &shown, &live, &slice.reviews, audit) {
                        repairs.read.push((record.ty, read.clone()));
                    }
                    slice.records.insert(record.id, shown);
                }
                Some(Ok(None)) => {
                    audit.records_read += 1;
                    audit.gone.push(self.name_of(record));
                    repairs.gone.push(record.id);
                    unsure.push(record.entity);
                }
                Some(Err(trouble)) => {
                    audit.unread.push((self.name_of(record), trouble.to_string()));
                    unsure.push(record.entity);
                }
                None => {}
            }
        }
        for id in entities.iter().filter(|id| !unsure.contains(id)) {
            let records: Vec<&RecordState> =
                slice.members(*id).iter().filter_map(|id| slice.records.get(id)).collect();
            let entity = Entity::of(&self.plan, records);
            for record in entity.records.iter().filter(|record| record.is_live()) {
                for prop in (0..record.slots.len() as u16).map(PropIx) {
                    let Wanted::Write { value, claim, .. } =
                        wanted(&self.plan, &slice, &entity, record, prop)
                    else {
                        continue;
                    };
                    let described = self.plan.prop(record.ty, prop);
                    let from = slice.records.get(&claim.record).map_or(record.ty, |from| from.ty);
                    if is_in_review(&slice.reviews, &entity, record, prop) {
                        audit.in_review += 1;
                        continue;
                    }
                    let waits = |intent: &&Intent| {
                        intent.record == Some(record.id)
                            && intent.changes.iter().any(|change| change.prop == prop)
                    };
                    if slice.intents_of(*id).any(|intent| waits(&intent)) {
                        audit.waiting += 1;
                        continue;
                    }
                    let lost = slice.reviews.iter().any(|review| is_not_kept(review, record, prop));
                    let difference = Difference {
                        record: self.name_of(record),
                        kind: if lost { DifferenceKind::NotKept } else { DifferenceKind::Unequal },
                        shows: record.slot(prop).value(described.whole).clone(),
                        expected: value,
                    };
                    audit.add(
                        self.flow_name_between(from, record.ty),
                        self.property_name(record.ty, prop),
                        difference,
                    );
                    if !lost {
                        repairs.unequal.push(record.id);
                    }
                }
            }
        }
        Ok(())
    }

    /// Where a record shows something else than the store believes. Gives whether it does anywhere.
    fn drifted(
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

    fn property_name(&self, ty: TypeIx, prop: PropIx) -> String {
        format!("{} {}", self.plan.ty(ty).name, self.plan.prop(ty, prop).name)
    }

    /// The flow between two record types, or the first that touches the second (a value can come
    /// over several).
    fn flow_name_between(&self, from: TypeIx, to: TypeIx) -> String {
        let ends = |flow: &lockstep_engine::plan::PlanFlow| {
            [(flow.from, flow.to), (flow.to, flow.from)].contains(&(from, to))
        };
        let at = self.plan.flows.iter().position(ends);
        let at =
            at.or_else(|| self.plan.flows.iter().position(|flow| flow.from == to || flow.to == to));
        at.map_or_else(String::new, |at| self.plan.flow_name(lockstep_model::FlowIx(at as u16)))
    }

    /// Takes in what an audit read, as any other reading.
    fn take_in_audited(&mut self, repairs: Repairs) -> Result<()> {
        let act = serde_json::json!({"what": "audit --repair"});
        self.within_run(RunOptions::default(), act, |hub, under_way, _| {
            let mut by_type: BTreeMap<TypeIx, HashMap<String, ReadRecord>> = BTreeMap::new();
            for (ty, read) in repairs.read {
                by_type.entry(ty).or_default().insert(read.id.clone(), read);
            }
            for (ty, reads) in by_type {
                for read in reads.into_values() {
                    let mut commit = Commit::default();
                    hub.observe_one(under_way, ty, read, &mut commit)?;
                    hub.store.commit(commit)?;
                }
            }
            let mut commit = Commit::default();
            for mut record in
                hub.store.records(&repairs.gone)?.into_iter().filter(RecordState::is_live)
            {
                if commit.changed_records.iter().any(|told| told.id == record.id && !told.is_live())
                {
                    continue;
                }
                hub.facets_gone(Some(record.id), &mut commit)?;
                let seen = hub.status[record.ty.at()].read_from;
                commit.keys_removed.extend(mark_gone(&hub.plan, &mut record, seen));
                commit.agenda_added.push((hub.plan.ty(record.ty).decide_rank, record.id));
                hub.tell_gone(under_way, &record, &mut commit);
                let status = &mut hub.status[record.ty.at()];
                status.records = status.records.saturating_sub(1);
                commit.changed_records.push(record);
            }
            let unequal = hub.store.records(&repairs.unequal)?;
            hub.decide_on(unequal.iter(), &mut commit)?;
            Ok(hub.store.commit(commit)?)
        })?;
        Ok(())
    }
}

/// Whether a property of a record, or the record as a whole, was refused and waits for a person.
fn is_in_review(
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
        .any(|review| entity.records.iter().any(|member| member.id == review.record))
}

/// R6: whether what was written to a property was acknowledged and not kept.
fn is_not_kept(review: &Review, record: &RecordState, prop: PropIx) -> bool {
    review.kind == ReviewKind::NotKept && review.record == record.id && review.prop == Some(prop)
}

/// About so many of them, spread evenly; which ones turns with `turn`, so that another audit looks
/// at others.
fn spread(all: Vec<EntityId>, sample: Option<usize>, turn: i64) -> Vec<EntityId> {
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
