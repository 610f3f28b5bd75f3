//! Records that a listing shows twice, or lacks.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_connector::{RecordFault, Trouble, side_by_side};
use lockstep_model::{NumberMap, ReadRecord, RecordId, RecordState, TypeIx};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::reading::reader::Reader;
use crate::sending::lanes;
use crate::under_way::Underway;

impl Reader<'_> {
    /// R1, R8: a record that pages show several times with different values is the one with the
    /// latest time of change; where the times do not tell, it is what it shows by itself. A listing
    /// of everything that shows several for good is not believed about it.
    pub(crate) fn decide_on_repeated(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        records: &mut Vec<ReadRecord>,
        everything: bool,
        faults: &mut Vec<RecordFault>,
    ) {
        let mut kept: NumberMap<u64, usize> = NumberMap::default();
        kept.reserve(records.len());
        let mut left_out: BTreeSet<usize> = BTreeSet::new();
        let mut unclear: BTreeMap<String, usize> = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            let Some(first) = kept.insert(lockstep_model::matching::seed(&record.id), at) else {
                continue;
            };
            let before = &records[first];
            if before.id != record.id {
                continue;
            }
            match (before.modified, record.modified) {
                (Some(earlier), Some(later)) if earlier > later => {
                    left_out.insert(at);
                    kept.insert(lockstep_model::matching::seed(&record.id), first);
                }
                (Some(earlier), Some(later)) if earlier < later => drop(left_out.insert(first)),
                _ => {
                    left_out.insert(first);
                    if before != record || unclear.contains_key(&record.id) {
                        unclear.insert(record.id.clone(), at);
                    }
                }
            }
        }
        if left_out.is_empty() {
            return;
        }
        let described = self.ledger.plan.ty(ty);
        let (name, watch, can_get) = (described.name.clone(), described.watch(), described.can.get);
        let system = self.ledger.system_of(ty);
        let connector = self.systems[system].connector.clone();
        for (id, at) in unclear {
            let asked = can_get.then(|| connector.get(&name.kind, &watch, &id));
            let why = match asked {
                Some(Ok(Some(record))) => {
                    records[at] = record;
                    continue;
                }
                Some(Ok(None)) => String::new(),
                Some(Err(trouble)) => format!(" ({trouble})"),
                // Changes come in the order in which they were made.
                None if !everything => continue,
                None => String::new(),
            };
            let message = format!(
                "it is listed more than once, with different values, and nothing tells which are its own{why}: none of them are taken"
            );
            left_out.insert(at);
            let place = format!("{name}/{id}");
            self.ledger.tell_damage(under_way, system, &place, &message);
            faults.push(RecordFault { part: false, place, message, id: Some(id) });
        }
        let mut at = 0;
        records.retain(|_| {
            at += 1;
            !left_out.contains(&(at - 1))
        });
    }

    /// R3: a record missing from a listing of everything is looked up by its id before it counts as
    /// deleted. Gives those that are not there, and whether all could be asked for: an error is no
    /// absence.
    pub(crate) fn look_up(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        missing: Vec<(String, RecordId)>,
        commit: &mut Commit,
    ) -> Result<(Vec<RecordState>, bool)> {
        let name = self.ledger.plan.ty(ty).name.clone();
        let connector = self.systems[self.ledger.system_of(ty)].connector.clone();
        let watch = self.ledger.plan.ty(ty).watch();
        let (mut gone, mut merged, mut all) = (vec![], vec![], true);
        let at_once = if self.systems.one_thread { 1 } else { lanes::at_once(connector.as_ref()) };
        let ask = |(key, _): &(String, RecordId)| connector.get(&name.kind, &watch, key);
        // G4: what is wrong with one record is no reason not to ask for the others.
        let stops = |found: &std::result::Result<_, Trouble>| {
            found.as_ref().is_err_and(|trouble| !matches!(trouble, Trouble::Malformed(_)))
        };
        let found = side_by_side(at_once, &missing, ask, stops);
        for ((key, id), found) in missing.into_iter().zip(found) {
            let Some(found) = found else {
                // Its system was in trouble before it could be asked for.
                all = false;
                continue;
            };
            match found {
                Ok(None) => gone.push(id),
                Ok(Some(record)) if record.deleted => gone.push(id),
                // The id leads to another record now: that is a merge, and no deletion.
                Ok(Some(record)) if record.id != key => merged.push((id, record.id)),
                // It is there: the listing missed it, as listings do that shift while they are
                // read.
                Ok(Some(_)) => {}
                Err(trouble) => {
                    let message =
                        format!("whether {name}/{key} is deleted can't be told: {trouble}");
                    self.ledger.tell_damage(
                        under_way,
                        self.ledger.system_of(ty),
                        &name.to_string(),
                        &message,
                    );
                    all = false;
                }
            }
        }
        let ids: Vec<RecordId> = merged.iter().map(|(id, _)| *id).collect();
        for mut record in self.ledger.store.records(&ids)? {
            let Some((_, into)) = merged.iter().find(|(id, _)| *id == record.id) else { continue };
            self.ledger.merged(under_way, &mut record, into, commit)?;
            let status = &mut self.ledger.status[ty.at()];
            status.records = status.records.saturating_sub(1);
            commit
                .agenda_added
                .push(AgendaEntry::new(self.ledger.plan.ty(ty).decide_rank, record.id));
            commit.changed_records.push(record);
        }
        Ok((self.ledger.store.records(&gone)?, all))
    }
}
