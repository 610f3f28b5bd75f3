//! The drift audit: linked records are read again, by their ids, and compared with what the store
//! believes and with each other.
//!
//! Two things can be wrong. A record shows something else than Lockstep knows (its system did not
//! tell of a change, or a reading was missed); or two linked records are not equal where a flow
//! pairs them (P3). Either is an alarm: in a project that is in order an audit finds neither. What a
//! system has made of a value is listed where it is no form of what was written (R6), and is no
//! alarm. An audit writes nothing. With `repair`, what was read is taken in as by any other reading, and the next
//! run settles it.

pub use crate::acts::audited::{Audit, AuditedProperty, Difference, DifferenceKind};

use std::collections::{BTreeMap, HashMap};

use lockstep_engine::Slice;
use lockstep_engine::confirm;
use lockstep_engine::observe::mark_gone;
use lockstep_engine::settle::{Entity, Wanted, wanted};
use lockstep_model::{
    EntityId, Intent, PropIx, ReadRecord, RecordId, RecordState, Rule, RunId, TypeIx,
};
use lockstep_store::{AgendaEntry, Commit, JournalEntry, JournalKind};

use crate::acts::audited::{AT_ONCE, Repairs, is_in_review, is_not_kept, spread};
use crate::error::{ActResult, Result};
use crate::hub::Hub;
use crate::ledger::Ledger;
use crate::reading::fresh::as_shown;
use crate::under_way::RunOptions;

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
        let all = self.ledger.all_linked()?;
        audit.entities = all.len();
        let chosen = spread(all, sample, self.ledger.clock.now().0);
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

    fn compare(
        &mut self,
        entities: &[EntityId],
        reads: bool,
        audit: &mut Audit,
        repairs: &mut Repairs,
    ) -> Result<()> {
        let members = self.ledger.store.members(entities)?;
        let live: Vec<RecordState> = members.into_iter().filter(RecordState::is_live).collect();
        let asked = self.ledger.clock.now();
        let fresh = if reads { self.reader().fresh(&live) } else { HashMap::new() };
        let focus: Vec<RecordId> = live.iter().map(|record| record.id).collect();
        let (through, now) = (self.decider().through(), self.ledger.clock.now());
        let mut slice = crate::deciding::load::slice(
            &self.ledger.plan,
            &mut *self.ledger.store,
            focus,
            through,
            true,
            now,
            RunId(0),
        )?;
        let mut unsure: Vec<EntityId> = Vec::new();
        let mut drifting: Vec<RecordId> = Vec::new();
        for record in &live {
            match fresh.get(&record.id) {
                Some(Ok(Some(read))) => {
                    audit.records_read += 1;
                    let shown = as_shown(record, read);
                    if self.ledger.drifted(record, &shown, &live, &slice.reviews, audit) {
                        repairs.read.push((record.ty, read.clone()));
                        drifting.push(record.id);
                    }
                    slice.records.insert(record.id, shown);
                }
                // P5a: it may not be shown yet.
                Some(Ok(None)) if self.ledger.is_just_written(record, asked) => {
                    audit.records_read += 1;
                    unsure.push(record.entity);
                }
                Some(Ok(None)) => {
                    audit.records_read += 1;
                    audit.gone.push(self.ledger.name_of(record));
                    repairs.gone.push(record.id);
                    unsure.push(record.entity);
                }
                Some(Err(trouble)) => {
                    audit.unread.push((self.ledger.name_of(record), trouble.to_string()));
                    unsure.push(record.entity);
                }
                None => {}
            }
        }
        for id in entities.iter().filter(|id| !unsure.contains(id)) {
            self.ledger.compare_members(&slice, *id, audit, repairs);
        }
        for record in live.iter().filter(|record| !drifting.contains(&record.id)) {
            let shown = slice.records.get(&record.id).unwrap_or(record);
            self.ledger.stored_otherwise(&slice, shown, audit)?;
        }
        Ok(())
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
                    hub.ledger.observe_one(under_way, ty, read, &mut commit)?;
                    hub.ledger.store.commit(commit)?;
                }
            }
            let mut commit = Commit::default();
            for mut record in
                hub.ledger.store.records(&repairs.gone)?.into_iter().filter(RecordState::is_live)
            {
                if commit.changed_records.iter().any(|told| told.id == record.id && !told.is_live())
                {
                    continue;
                }
                hub.ledger.facets_gone(Some(record.id), &mut commit)?;
                let seen = hub.ledger.status[record.ty.at()].read_from;
                commit.keys_removed.extend(mark_gone(&hub.ledger.plan, &mut record, seen));
                commit
                    .agenda_added
                    .push(AgendaEntry::new(hub.ledger.plan.ty(record.ty).decide_rank, record.id));
                hub.ledger.tell_gone(under_way, &record, &mut commit);
                let status = &mut hub.ledger.status[record.ty.at()];
                status.records = status.records.saturating_sub(1);
                commit.changed_records.push(record);
            }
            let unequal = hub.ledger.store.records(&repairs.unequal)?;
            hub.ledger.decide_on(unequal.iter(), &mut commit)?;
            Ok(hub.ledger.store.commit(commit)?)
        })?;
        Ok(())
    }
}

impl Ledger {
    /// Notes what does not hold in an entity what it should.
    fn compare_members(
        &self,
        slice: &Slice,
        id: EntityId,
        audit: &mut Audit,
        repairs: &mut Repairs,
    ) {
        let members = slice.members(id).iter().filter_map(|id| slice.records.get(id));
        let entity = Entity::of(&self.plan, members.collect());
        for record in entity.records.iter().filter(|record| record.is_live()) {
            for prop in (0..record.slots.len() as u16).map(PropIx) {
                self.compare_property(slice, id, &entity, (record, prop), audit, repairs);
            }
        }
    }

    /// R6: notes what a system shows in place of what it was given, where it is no form of that.
    fn stored_otherwise(
        &mut self,
        slice: &Slice,
        record: &RecordState,
        audit: &mut Audit,
    ) -> Result<()> {
        for ix in 0..record.slots.len() {
            let (prop, slot) = (&self.plan.ty(record.ty).props[ix], &record.slots[ix]);
            let Some(given) = confirm::stored_otherwise(prop.terms(), slot, prop.whole) else {
                continue;
            };
            let (shows, expected, name) =
                (slot.value(prop.whole).clone(), given.clone(), prop.name.clone());
            let at = PropIx(ix as u16);
            if slice.reviews.iter().any(|review| is_not_kept(review, record, at))
                || self.was_put_back(record.id, &name)?
            {
                continue;
            }
            let giver = slot.carries.and_then(|stamp| slice.records.get(&stamp.record));
            let from = giver.map_or(record.ty, |giver| giver.ty);
            let kind = DifferenceKind::StoredOtherwise;
            let difference = Difference { record: self.name_of(record), kind, shows, expected };
            let flow = self.flow_name_between(from, record.ty);
            audit.add(flow, self.property_name(record.ty, at), difference);
        }
        Ok(())
    }

    /// G7: whether the last write to a property put back what stood there before. Then it is on
    /// purpose that the property does not hold what it was given.
    fn was_put_back(&mut self, record: RecordId, path: &str) -> Result<bool> {
        let written = |entry: &&JournalEntry| {
            entry.kind == JournalKind::Written && entry.path.as_deref() == Some(path)
        };
        let noted = self.store.journal(&[record], usize::MAX)?;
        Ok(noted.iter().rfind(written).is_some_and(|last| last.rule == Some(Rule::G7)))
    }

    /// Notes a property that does not hold what it should.
    fn compare_property(
        &self,
        slice: &Slice,
        id: EntityId,
        entity: &Entity<'_>,
        (record, prop): (&RecordState, PropIx),
        audit: &mut Audit,
        repairs: &mut Repairs,
    ) {
        let Wanted::Write { value, claim, .. } = wanted(&self.plan, slice, entity, record, prop)
        else {
            return;
        };
        if is_in_review(&slice.reviews, entity, record, prop) {
            audit.in_review += 1;
            return;
        }
        let waits = |intent: &&Intent| {
            intent.record == Some(record.id)
                && intent.changes.iter().any(|change| change.prop == prop)
        };
        if slice.intents_of(id).any(|intent| waits(&intent)) {
            audit.waiting += 1;
            return;
        }
        let lost = slice.reviews.iter().any(|review| is_not_kept(review, record, prop));
        let from = slice.records.get(&claim.record).map_or(record.ty, |from| from.ty);
        let difference = Difference {
            record: self.name_of(record),
            kind: if lost { DifferenceKind::NotKept } else { DifferenceKind::Unequal },
            shows: record.slot(prop).value(self.plan.prop(record.ty, prop).whole).clone(),
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
