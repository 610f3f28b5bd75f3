//! Listings, page by page: what they show is taken in.

use std::collections::{HashMap, HashSet};

use lockstep_connector::Page;
use lockstep_engine::guard::is_another_account;
use lockstep_engine::observe::{Observed, Reading, mark_gone, observe};
use lockstep_engine::{Plan, is_back};
use lockstep_model::matching::seed;
use lockstep_model::{ReadRecord, RecordId, RecordState, Timestamp, TypeIx};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::reading::reader::Reader;
use crate::reading::stream::Stream;
use crate::report::timed;
use crate::under_way::{Progress, Underway};

/// Pages of one record type that are taken in together.
struct Intake {
    ty: TypeIx,
    /// The reading ends with them.
    ends: bool,
    /// They belong to a listing of everything.
    everything: bool,
    /// A person has said that the listing is to be believed. R9: that says nothing of whose each
    /// record in it is.
    believed: bool,
    records: Vec<ReadRecord>,
    /// The keys of records that are told to be gone, and what ids begin with below which all that is
    /// there has been shown.
    told_gone: Vec<String>,
    below: Vec<String>,
    checkpoint: Option<(String, Vec<u8>)>,
    /// What is known of the records, by their keys.
    known: HashMap<String, RecordState>,
    /// Who is gone.
    gone: Vec<RecordState>,
    /// Of all that was missing it was found out whether it is gone.
    found_out: bool,
    commit: Commit,
}

impl Reader<'_> {
    /// Takes in the pending pages of one record type in one commit.
    pub(crate) fn pages(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        stream: &mut Stream,
        ends: bool,
    ) -> Result<()> {
        let pages = std::mem::take(&mut stream.pending);
        (stream.waiting, stream.begun) = (0, true);
        if stream.stopped {
            return Ok(());
        }
        let now = self.ledger.clock.now();
        let mut intake = self.gather(under_way, ty, stream, pages, ends);
        under_way.progress.tell(Progress::Read {
            ty: self.ledger.plan.ty(ty).name.to_string(),
            records: intake.records.len(),
        });
        let Intake { records, everything, .. } = &mut intake;
        self.decide_on_repeated(under_way, ty, records, *everything, &mut stream.faults);
        let mut below = self.no_longer_below(ty, &intake.below, &intake.records, &stream.faults)?;
        let (reindex, asked) = (stream.reindex, stream.asked.take().unwrap_or(now));
        stream.faulty |= self.leave_just_written(ty, asked, &mut below)? && !intake.everything;
        intake.told_gone.extend(below.into_iter().map(|(key, _)| key));
        self.load_known(under_way, &mut intake, reindex)?;
        let reading = Reading {
            looks: under_way.looks,
            ty,
            now,
            asked,
            untold: under_way.report.started,
            previous: self.ledger.status[ty.at()].read_from,
            first_id: RecordId(0),
            reindex,
        };
        if under_way.damages.known(ty) {
            stream.mended.extend(intake.records.iter().map(|record| seed(&record.id)));
        }
        let (everything, ends, believed) = (intake.everything, intake.ends, intake.believed);
        if everything && !believed {
            self.look_for_match_values(under_way, ty, stream, &intake.records, ends);
        }
        if self.has_lost_too_much(under_way, reading, stream, &mut intake)? {
            return Ok(());
        }
        let shown = (&mut intake.records, &mut intake.known);
        let settled =
            self.settle_shown_in(under_way, ty, &stream.unanswered, shown, reading.asked)?;
        stream.faulty |= !settled && !intake.everything;
        let told = intake.told_gone.iter().filter_map(|id| intake.known.get(id));
        intake.gone = told.filter(|known| known.is_live()).cloned().collect();
        if ends && !self.conclude_what_is_gone(under_way, stream, &mut intake, asked)? {
            return Ok(());
        }
        let Intake { records, known, gone, .. } = &mut intake;
        shown_all_the_same(&self.ledger.plan, gone, records, known, reading.previous);
        if let Some(observed) = self.observe(under_way, reading, stream, &mut intake)? {
            self.remember(under_way, observed, reading.previous, stream, intake)?;
        }
        Ok(())
    }

    /// Puts pages together, and counts what they show.
    fn gather(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        stream: &mut Stream,
        pages: Vec<Page>,
        ends: bool,
    ) -> Intake {
        let system = self.ledger.system_of(ty);
        let name = &self.systems[system].name;
        let tells_faults = self.systems[system].connector.tells_faults_each_time();
        let mut intake = Intake {
            ty,
            ends,
            everything: true,
            believed: under_way.guards.believes_all_of(ty),
            records: vec![],
            told_gone: vec![],
            below: vec![],
            checkpoint: None,
            known: HashMap::new(),
            gone: vec![],
            found_out: true,
            commit: Commit::default(),
        };
        for page in pages {
            under_way.report.system(name).read += page.records.len() as u64;
            for fault in &page.faults {
                self.ledger.tell_damage(under_way, system, &fault.place, &fault.message);
            }
            stream.list(&page);
            let lacks_some = page.faults.iter().any(|fault| !fault.part);
            stream.faulty |= lacks_some && !page.everything && !tells_faults;
            stream.faults.extend(page.faults);
            intake.everything &= page.everything;
            intake.records.extend(page.records);
            intake.told_gone.extend(page.gone);
            intake.below.extend(page.below);
            intake.checkpoint = Some((page.checkpoint.text, page.checkpoint.bytes));
        }
        intake
    }

    /// Loads what is known of the records that are shown, or told to be gone.
    fn load_known(
        &mut self,
        under_way: &mut Underway,
        intake: &mut Intake,
        reindex: bool,
    ) -> Result<()> {
        // The very first page of all: nothing is known, also of what is gone or was created.
        let status = &self.ledger.status[intake.ty.at()];
        let nothing_known =
            status.records == 0 && !status.complete && status.checkpoint.is_none() && !reindex;
        if nothing_known {
            return Ok(());
        }
        let shown = intake.records.iter().map(|read| read.id.as_str());
        let keys: Vec<&str> = shown.chain(intake.told_gone.iter().map(String::as_str)).collect();
        let found = timed(&mut under_way.report.shares.loading_ms, || {
            self.ledger.store.by_key(intake.ty, &keys)
        })?;
        intake.known = found.into_iter().map(|record| (record.key.clone(), record)).collect();
        Ok(())
    }

    /// R5: what seems to be emptied is taken in when it is known how much of it there is. Gives
    /// whether it is too much: then nothing more of the reading is taken in.
    fn has_lost_too_much(
        &mut self,
        under_way: &mut Underway,
        reading: Reading,
        stream: &mut Stream,
        intake: &mut Intake,
    ) -> Result<bool> {
        let (ty, everything) = (intake.ty, intake.everything);
        let records = std::mem::take(&mut intake.records);
        intake.records = self.ledger.keep_back(reading, records, &intake.known, &mut stream.losses);
        if let Some(too_many) =
            self.ledger.lost_too_much(under_way, ty, &stream.losses, intake.ends, everything)?
        {
            stream.stopped = true;
            self.ledger.stop_lost(under_way, ty, stream.before.clone(), &too_many)?;
            return Ok(true);
        }
        if intake.ends && stream.losses.holds() {
            let held = self.ledger.let_go(&mut stream.losses);
            let keys: Vec<&str> = held.iter().map(|record| record.id.as_str()).collect();
            let found = self.ledger.store.by_key(ty, &keys)?.into_iter();
            intake.known.extend(found.map(|record| (record.key.clone(), record)));
            intake.records.extend(held);
        }
        Ok(false)
    }

    /// R3: at the end of a reading it is known what is not there any more. Gives whether that is
    /// believed (G3).
    fn conclude_what_is_gone(
        &mut self,
        under_way: &mut Underway,
        stream: &mut Stream,
        intake: &mut Intake,
        asked: Timestamp,
    ) -> Result<bool> {
        let (ty, everything, commit) = (intake.ty, intake.everything, &mut intake.commit);
        let connector = &self.systems[self.ledger.system_of(ty)].connector;
        // Where a look by an id reads the same rows it says nothing more than they do.
        let strange =
            connector.tells_faults_each_time() && self.has_stranger(ty, &stream.faults)?;
        if strange {
            // R8: it may be who is said to be gone. R1: said again by the next reading.
            intake.gone.clear();
            stream.faulty = true;
        }
        let mut missing = match &stream.listed {
            Some(listed) if everything && !strange => self.missing(ty, listed)?,
            _ => vec![],
        };
        self.leave_just_written(ty, asked, &mut missing)?;
        let (lacking, had) = ((intake.gone.len() + missing.len()) as u64, stream.before.records);
        if !self.ledger.believes(under_way, ty, lacking, had) {
            self.ledger.stop_listing(under_way, ty, stream.before.clone(), lacking, had)?;
            return Ok(false);
        }
        let can = &self.ledger.plan.ty(ty).can;
        let (can_ask, tells_deletions) = (can.get, can.tells_deletions);
        if stream.listed.is_some() && everything || tells_deletions || intake.believed {
            self.ledger.listing_believed(under_way, ty, commit);
        }
        self.ledger.losses_believed(under_way, ty, &stream.losses, everything, commit)?;
        let connector = &self.systems[self.ledger.system_of(ty)].connector;
        let all = everything || connector.tells_faults_each_time();
        let (faults, mended) =
            (std::mem::take(&mut stream.faults), std::mem::take(&mut stream.mended));
        self.ledger.damages_found(under_way, ty, faults, all, &mended)?;
        // A list of what was deleted may name who is there again, or never went.
        let told = match can_ask && !connector.gone_is_certain() {
            true => std::mem::take(&mut intake.gone),
            false => vec![],
        };
        let told = told.into_iter().map(|record| (record.key, record.id));
        let missing = missing.into_iter().chain(told).collect();
        let (absent, found_out) = self.look_up(under_way, ty, missing, commit)?;
        intake.gone.extend(absent);
        intake.found_out = found_out && !strange;
        // R1: what could not be asked for is on that list again in the next run.
        stream.faulty |= !found_out && !everything;
        Ok(true)
    }

    /// Compares the records with what is known of them. Gives nothing where they are those of
    /// another account (R9): then nothing more of the reading is taken in.
    fn observe(
        &mut self,
        under_way: &mut Underway,
        mut reading: Reading,
        stream: &mut Stream,
        intake: &mut Intake,
    ) -> Result<Option<Observed>> {
        let ty = intake.ty;
        let (records, known) =
            (std::mem::take(&mut intake.records), std::mem::take(&mut intake.known));
        let is_fresh =
            |read: &&ReadRecord| known.get(&read.id).is_none_or(|known| !known.is_live());
        let fresh = records.iter().filter(is_fresh).count();
        if fresh > 0 {
            under_way.newest.insert(ty, reading.now);
        }
        // R9: by its creation time, each that is known may turn out to be another record.
        let numbers = if self.ledger.plan.ty(ty).created.is_some() { records.len() } else { fresh };
        if numbers > 0 {
            reading.first_id = self.ledger.store.take_record_ids(numbers)?;
        }
        let compared = known.values().filter(|known| known.is_live()).count() as u64;
        let read_ids: Vec<RecordId> = match under_way.doubted {
            // Not those that are kept back (R5).
            true => records
                .iter()
                .filter_map(|read| known.get(&read.id))
                .filter(|known| known.is_live())
                .map(|known| known.id)
                .collect(),
            false => vec![],
        };
        let believed = intake.believed;
        let observed = timed(&mut under_way.report.shares.observing_ms, || {
            observe(&self.ledger.plan, reading, records, known)
        });
        // D3: a listing of everything may show what it marks as deleted, which was looked up as
        // well.
        intake.gone.retain(|record| !observed.gone.contains(&record.id));
        let strangers =
            if believed { 0 } else { self.ledger.not_asked_about(under_way, &observed.doubts)? };
        let of = if intake.everything { compared } else { stream.before.records };
        if is_another_account(strangers, of) {
            stream.stopped = true;
            self.ledger.stop_strangers(under_way, ty, stream.before.clone(), strangers, of)?;
            return Ok(None);
        }
        self.ledger.close_doubts(under_way, &read_ids, &observed.doubts, &mut intake.commit)?;
        stream.faulty |= observed.unsettled && !intake.everything;
        Ok(Some(observed))
    }

    /// Records what was observed, who is gone, and where the reading stands (R1).
    fn remember(
        &mut self,
        under_way: &mut Underway,
        observed: Observed,
        previous: Option<Timestamp>,
        stream: &Stream,
        intake: Intake,
    ) -> Result<()> {
        let Intake { ty, ends, everything, mut checkpoint, gone, mut commit, .. } = intake;
        let gone_count = gone.len() as u64 + observed.gone.len() as u64;
        self.ledger.remember(under_way, ty, observed, &mut commit)?;
        let rank = self.ledger.plan.ty(ty).decide_rank;
        for mut record in gone {
            self.ledger.facets_gone(Some(record.id), &mut commit)?;
            commit.keys_removed.extend(mark_gone(&self.ledger.plan, &mut record, previous));
            commit.agenda_added.push(AgendaEntry::new(rank, record.id));
            self.ledger.tell_gone(under_way, &record, &mut commit);
            commit.changed_records.push(record);
        }
        self.ledger.wake_old_rivals(&commit.keys_removed.clone(), rank, &mut commit)?;
        let status = &mut self.ledger.status[ty.at()];
        // R1: what could not be read has not been passed by; the next run asks for it again, until
        // a listing of everything has come by.
        if ends && stream.faulty && stream.before.checkpoint.is_some() {
            checkpoint.clone_from(&stream.before.checkpoint);
        }
        // R1, R5: what is kept back is read again by who goes on if this run is killed.
        if !stream.losses.holds() {
            status.checkpoint = checkpoint;
        }
        status.fingerprint = self.ledger.plan.ty(ty).fingerprint;
        status.records += commit.new_records.len() as u64;
        status.records = status.records.saturating_sub(gone_count);
        if ends {
            status.complete = true;
            status.read_from = status.reading_since.take();
            under_way.read_to_the_end.insert(ty);
            let told = everything && stream.listed.is_some() && intake.found_out;
            under_way.listed.extend(told.then_some(ty));
        }
        commit.types.push((ty, status.clone()));
        // R8: what hides records is looked for again by the next run, which lists everything.
        let hidden = under_way.damages.hides_records(ty);
        if ends && (everything || hidden) {
            let whole = intake.found_out && !stream.resumed && !hidden;
            self.ledger.listed_whole(ty, whole, &mut commit);
        }
        timed(&mut under_way.report.shares.storing_ms, || self.ledger.store.commit(commit))?;
        Ok(())
    }

    /// The live records that a listing of everything did not show.
    fn missing(&mut self, ty: TypeIx, listed: &HashSet<u64>) -> Result<Vec<(String, RecordId)>> {
        let (mut missing, mut after) = (vec![], None::<String>);
        loop {
            let page = self.ledger.store.live_keys(ty, after.as_deref(), 10_000)?;
            let Some((last, _)) = page.last() else { return Ok(missing) };
            after = Some(last.clone());
            missing.extend(
                page.into_iter()
                    .filter(|(key, _)| !listed.contains(&lockstep_model::matching::seed(key))),
            );
        }
    }
}

/// R9: of those that are told to be gone, who is shown all the same is back, or their key is
/// another's by now.
fn shown_all_the_same(
    plan: &Plan,
    gone: &mut Vec<RecordState>,
    records: &[ReadRecord],
    known: &mut HashMap<String, RecordState>,
    previous: Option<Timestamp>,
) {
    if gone.is_empty() {
        return;
    }
    for read in records.iter().filter(|read| !read.deleted) {
        let Some(at) = gone.iter().position(|gone| gone.key == read.id) else { continue };
        if is_back(plan, &gone[at], read) {
            gone.remove(at);
        } else if let Some(known) = known.get_mut(&read.id) {
            mark_gone(plan, known, previous);
        }
    }
}
