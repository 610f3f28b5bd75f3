//! R4: what a call from a system named is read by itself, record by record: that is one request
//! where reading what changed may be many. What it shows is compared and decided on as if a listing
//! had shown it; the checkpoint stays where it was, so the next reading on schedule sees the record
//! once more, and whatever a lost call would have named.

use std::collections::{BTreeSet, HashMap};

use lockstep_connector::{Connector, Trouble, side_by_side};
use lockstep_engine::observe::mark_gone;
use lockstep_model::{ReadRecord, RecordState, TypeIx};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::reading::reader::Reader;
use crate::sending::lanes;
use crate::under_way::Underway;

/// A record as it was found: `None` if it is not there.
type Found = std::result::Result<Option<ReadRecord>, Trouble>;

impl Reader<'_> {
    /// Reads what was named. What can't be read so is read with all that changed of its record
    /// type: that is added to `types`.
    pub(crate) fn read_named(
        &mut self,
        under_way: &mut Underway,
        types: &mut BTreeSet<TypeIx>,
    ) -> Result<()> {
        let named = std::mem::take(&mut under_way.named);
        let mut jobs: Vec<Vec<(TypeIx, String)>> = vec![vec![]; self.systems.len()];
        for (ty, keys) in named {
            let system = self.ledger.system_of(ty);
            if types.contains(&ty) || under_way.paused.contains_key(&system) {
                continue;
            }
            let status = &self.ledger.status[ty.at()];
            let as_planned = status.fingerprint == self.ledger.plan.ty(ty).fingerprint;
            if self.ledger.plan.ty(ty).can.get
                && status.complete
                && status.reading_since.is_none()
                && as_planned
            {
                jobs[system].extend(keys.into_iter().map(|key| (ty, key)));
            } else {
                types.insert(ty);
            }
        }
        if jobs.iter().all(Vec::is_empty) {
            return Ok(());
        }
        under_way.asked = self.ledger.clock.now();
        let mut commit = Commit::default();
        let kinds: Vec<BTreeSet<TypeIx>> =
            jobs.iter().map(|jobs| jobs.iter().map(|(ty, _)| *ty).collect()).collect();
        for (ty, key, found) in self.found(jobs) {
            match found {
                Ok(Some(record)) if record.id == key => {
                    // Where nothing can be concluded yet, a list shows it later.
                    if !self.take_in_named(under_way, ty, record, &mut commit)? {
                        types.insert(ty);
                    }
                }
                Ok(None) => self.named_is_gone(under_way, ty, &key, types, &mut commit)?,
                // It leads to another record now: a merge, which a listing shows whole.
                Ok(Some(_)) => drop(types.insert(ty)),
                // G4: one record that can't be had holds no other. A list shows it, or says what is
                // wrong with the system.
                Err(Trouble::Malformed(_) | Trouble::Busy { .. }) => {
                    types.extend(&kinds[self.ledger.system_of(ty)])
                }
                Err(trouble) => {
                    let system = self.ledger.system_of(ty);
                    if !under_way.paused.contains_key(&system) {
                        self.pause(under_way, system, None, &trouble);
                    }
                }
            }
        }
        Ok(self.ledger.store.commit(commit)?)
    }

    /// Each system in threads of its own. Once a system can't be reached, no more is asked of it.
    pub(crate) fn found(&self, jobs: Vec<Vec<(TypeIx, String)>>) -> Vec<(TypeIx, String, Found)> {
        let watches: HashMap<TypeIx, _> =
            jobs.iter().flatten().map(|(ty, _)| (*ty, self.ledger.plan.ty(*ty).watch())).collect();
        let (systems, plan) = (&self.systems, &self.ledger.plan);
        let one_thread = self.systems.one_thread;
        let at_once =
            |connector: &dyn Connector| if one_thread { 1 } else { lanes::at_once(connector) };
        let ask = |system: usize, jobs: Vec<(TypeIx, String)>| {
            let connector = systems[system].connector.as_ref();
            let one = |(ty, key): &(TypeIx, String)| {
                let read = connector.get(&plan.ty(*ty).name.kind, &watches[ty], key);
                read.map(|read| read.filter(|read| !read.deleted))
            };
            let stops = |found: &Found| matches!(found, Err(trouble) if !matches!(trouble, Trouble::Malformed(_)));
            let found = side_by_side(at_once(connector), &jobs, one, stops);
            let asked = jobs
                .into_iter()
                .zip(found)
                .filter_map(|((ty, key), found)| Some((ty, key, found?)));
            asked.collect::<Vec<_>>()
        };
        let jobs: Vec<_> =
            jobs.into_iter().enumerate().filter(|(_, jobs)| !jobs.is_empty()).collect();
        if self.systems.one_thread || jobs.len() == 1 {
            return jobs.into_iter().flat_map(|(system, jobs)| ask(system, jobs)).collect();
        }
        std::thread::scope(|scope| {
            let ask = &ask;
            let readers: Vec<_> = jobs
                .into_iter()
                .map(|(system, jobs)| scope.spawn(move || ask(system, jobs)))
                .collect();
            readers
                .into_iter()
                .flat_map(|reader| {
                    reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        })
    }

    /// Gives whether anything can be concluded from it: nothing can while a write of it may still
    /// come to be seen.
    pub(crate) fn take_in_named(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        record: ReadRecord,
        commit: &mut Commit,
    ) -> Result<bool> {
        let system = self.ledger.plan.ty(ty).name.system.clone();
        under_way.report.system(&system).read += 1;
        let known = self.ledger.store.by_key(ty, &[&record.id])?.pop();
        if let Some(known) = known
            && let Some(intents) = self.ledger.unanswered()?.remove(&known.id)
        {
            let asked = under_way.asked;
            return self.ledger.settle_listed(under_way, intents, &record, asked);
        }
        let before = commit.new_records.len();
        self.ledger.observe_one(under_way, ty, record, commit)?;
        if commit.new_records.len() > before {
            under_way.newest.insert(ty, self.ledger.clock.now());
        }
        commit.types.push((ty, self.ledger.status[ty.at()].clone()));
        Ok(true)
    }

    /// R3: it was looked up by its id and is not there. Where the system tells what is deleted it
    /// is asked for that instead, as one look may come to a copy that is behind.
    fn named_is_gone(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        key: &str,
        types: &mut BTreeSet<TypeIx>,
        commit: &mut Commit,
    ) -> Result<()> {
        if self.ledger.plan.ty(ty).can.tells_deletions {
            types.insert(ty);
            return Ok(());
        }
        let known = self.ledger.store.by_key(ty, &[key])?.into_iter().find(RecordState::is_live);
        let Some(mut record) = known else { return Ok(()) };
        // P5a: a list shows it later, or not.
        if record.is_just_written(under_way.asked, self.ledger.plan.ty(ty).settles_ms) {
            return Ok(());
        }
        // G3: more of them than are believed are left to the next listing, which says so.
        let gone = commit
            .changed_records
            .iter()
            .filter(|other| other.ty == ty && !other.is_live())
            .count() as u64;
        if !self.ledger.believes(under_way, ty, gone + 1, self.ledger.status[ty.at()].records) {
            return Ok(());
        }
        if commit.changed_records.iter().any(|told| told.id == record.id && !told.is_live()) {
            return Ok(());
        }
        self.ledger.facets_gone(Some(record.id), commit)?;
        commit.keys_removed.extend(mark_gone(
            &self.ledger.plan,
            &mut record,
            self.ledger.status[ty.at()].read_from,
        ));
        let rank = self.ledger.plan.ty(ty).decide_rank;
        commit.agenda_added.push(AgendaEntry::new(rank, record.id));
        self.ledger.tell_gone(under_way, &record, commit);
        self.ledger.wake_old_rivals(&commit.keys_removed.clone(), rank, commit)?;
        commit.changed_records.push(record);
        let status = &mut self.ledger.status[ty.at()];
        status.records = status.records.saturating_sub(1);
        commit.types.push((ty, status.clone()));
        Ok(())
    }
}
