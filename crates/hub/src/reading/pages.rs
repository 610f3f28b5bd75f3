//! Listings, page by page.

use std::collections::{HashMap, HashSet};

use lockstep_connector::{Checkpoint, Connector, Page, ReadRequest, RecordFault, Trouble};
use lockstep_engine::observe::{Reading, mark_gone, observe};
use lockstep_engine::{Plan, is_back};
use lockstep_model::{ReadRecord, RecordId, RecordState, Timestamp, TypeIx};
use lockstep_store::{Commit, TypeStatus};

use crate::clock::Clock;
use crate::error::Result;
use crate::ledger::accounts::is_another_account;
use crate::ledger::lost::Losses;
use crate::reading::Reader;
use crate::reading::listed::Unanswered;
use crate::report::timed;
use crate::under_way::{Progress, Underway};

/// Records of so many pages are taken in together while a record type is read for the first time.
pub(crate) const BULK: usize = 20_000;

/// About how many records a page should have in service.
pub(crate) const PAGE: usize = 1_000;

/// A listing that has not more pages than this is believed to be one listing; beyond, the system
/// turns in circles.
const MOST_PAGES: usize = 1_000_000;

/// What a system's thread sends.
pub(crate) enum Told {
    /// With the time at which it was asked for.
    Page {
        ty: TypeIx,
        page: Page,
        asked: Timestamp,
    },
    Trouble {
        system: usize,
        ty: TypeIx,
        trouble: Trouble,
    },
}

/// Takes what a system's thread sends; gives whether anybody listens.
pub(crate) type Tell<'a> = dyn FnMut(Told) -> bool + 'a;

/// Where the reading of a record type stands.
pub(crate) struct Stream {
    /// What a listing of everything has shown so far; `None` where nothing can be told from it
    /// about what is absent.
    pub(crate) listed: Option<HashSet<u64>>,
    pub(crate) pending: Vec<Page>,
    /// When the first of the pending pages was asked for.
    pub(crate) asked: Option<Timestamp>,
    pub(crate) waiting: usize,
    pub(crate) reindex: bool,
    /// Records in all pages so far, where they are a listing of everything.
    pub(crate) listing: Option<usize>,
    /// It goes on with what a killed run began.
    pub(crate) resumed: bool,
    /// Something of it is recorded.
    pub(crate) begun: bool,
    /// Some record of a list of changes could not be read, or not be told from what it was before
    /// Lockstep's own write (P5a).
    pub(crate) faulty: bool,
    /// What could not be read (R8), and the keys of what could.
    pub(crate) faults: Vec<RecordFault>,
    pub(crate) mended: HashSet<u64>,
    /// What has lost the value of a property (R5).
    pub(crate) losses: Losses,
    /// It is not believed: what still comes of it is left (R5, R9).
    pub(crate) stopped: bool,
    pub(crate) unanswered: Unanswered,
    /// As it was before this reading.
    pub(crate) before: TypeStatus,
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
        let reindex = stream.reindex;
        let listed = &mut stream.listed;
        let now = self.ledger.clock.now();
        let system = self.ledger.plan.ty(ty).name.system.clone();
        let mut commit = Commit::default();
        let (mut records, mut gone, mut below, mut everything) = (vec![], vec![], vec![], true);
        let mut checkpoint = None;
        for page in pages {
            under_way.report.system(&system).read += page.records.len() as u64;
            let faulty = !page.faults.is_empty();
            for fault in &page.faults {
                self.ledger.tell_damage(
                    under_way,
                    self.ledger.system_of(ty),
                    &fault.place,
                    &fault.message,
                );
            }
            // What can't be read is there all the same.
            if let Some(listed) = listed {
                listed.extend(
                    page.faults
                        .iter()
                        .filter_map(|fault| fault.id.as_deref())
                        .map(lockstep_model::matching::seed),
                );
            }
            stream.faults.extend(page.faults);
            stream.faulty |= faulty
                && !page.everything
                && !self.systems[self.ledger.system_of(ty)].connector.tells_faults_each_time();
            everything &= page.everything;
            if !page.everything {
                *listed = None;
            }
            if let Some(listed) = listed {
                listed.extend(
                    page.records
                        .iter()
                        .filter(|r| !r.deleted)
                        .map(|r| lockstep_model::matching::seed(&r.id)),
                );
            }
            records.extend(page.records);
            gone.extend(page.gone);
            below.extend(page.below);
            checkpoint = Some((page.checkpoint.text, page.checkpoint.bytes));
        }
        under_way.progress.tell(Progress::Read {
            ty: self.ledger.plan.ty(ty).name.to_string(),
            records: records.len(),
        });
        self.decide_on_repeated(under_way, ty, &mut records, everything, &mut stream.faults);
        gone.extend(self.no_longer_below(ty, &below, &records, &stream.faults)?);
        let keys: Vec<&str> =
            records.iter().map(|r| r.id.as_str()).chain(gone.iter().map(String::as_str)).collect();
        // The very first page of all: nothing is known, also of what is gone or was created.
        let status = &self.ledger.status[ty.at()];
        let nothing_known =
            status.records == 0 && !status.complete && status.checkpoint.is_none() && !reindex;
        let mut known: HashMap<String, RecordState> = if nothing_known {
            HashMap::new()
        } else {
            let found = timed(&mut under_way.report.shares.loading_ms, || {
                self.ledger.store.by_key(ty, &keys)
            })?;
            found.into_iter().map(|record| (record.key.clone(), record)).collect()
        };
        // R9: that a person believes a list, or the account, says nothing of whose each record in
        // it is.
        let believed = under_way.guards.believes_all_of(ty);
        let asked = stream.asked.take().unwrap_or(now);
        let mut reading = Reading {
            after_writes: under_way.reading_back,
            ty,
            now,
            asked,
            untold: under_way.report.started,
            previous: self.ledger.status[ty.at()].read_from,
            first_id: RecordId(0),
            reindex,
        };
        if under_way.damages.known(ty) {
            stream
                .mended
                .extend(records.iter().map(|record| lockstep_model::matching::seed(&record.id)));
        }
        // R5: what seems to be emptied is taken in when it is known how much of it there is.
        records = self.ledger.keep_back(reading, records, &known, &mut stream.losses);
        if let Some(too_many) =
            self.ledger.lost_too_much(under_way, ty, &stream.losses, ends, everything)?
        {
            stream.stopped = true;
            return self.ledger.stop_lost(under_way, ty, stream.before.clone(), &too_many);
        }
        if ends && stream.losses.holds() {
            let held = self.ledger.let_go(&mut stream.losses);
            let keys: Vec<&str> = held.iter().map(|record| record.id.as_str()).collect();
            known.extend(
                self.ledger
                    .store
                    .by_key(ty, &keys)?
                    .into_iter()
                    .map(|record| (record.key.clone(), record)),
            );
            records.extend(held);
        }
        let settled = self.settle_shown_in(
            under_way,
            ty,
            &stream.unanswered,
            (&mut records, &mut known),
            asked,
        )?;
        stream.faulty |= !settled && !everything;
        let mut gone: Vec<RecordState> =
            gone.iter().filter_map(|id| known.get(id)).filter(|r| r.is_live()).cloned().collect();
        let mut found_out = true;
        if ends {
            let missing = match listed {
                Some(listed) if everything => self.missing(ty, listed)?,
                _ => vec![],
            };
            let (lacking, had) = ((gone.len() + missing.len()) as u64, stream.before.records);
            if !self.ledger.believes(under_way, ty, lacking, had) {
                return self.ledger.stop_listing(
                    under_way,
                    ty,
                    stream.before.clone(),
                    lacking,
                    had,
                );
            }
            if listed.is_some() && everything
                || self.ledger.plan.ty(ty).can.tells_deletions
                || believed
            {
                self.ledger.listing_believed(under_way, ty, &mut commit);
            }
            self.ledger.losses_believed(under_way, ty, &stream.losses, everything, &mut commit)?;
            let all = everything
                || self.systems[self.ledger.system_of(ty)].connector.tells_faults_each_time();
            let (faults, mended) =
                (std::mem::take(&mut stream.faults), std::mem::take(&mut stream.mended));
            self.ledger.damages_found(under_way, ty, faults, all, &mended)?;
            // R3: a list of what was deleted may name who is there again, or never went.
            let can_ask = self.ledger.plan.ty(ty).can.get;
            let told = match can_ask
                && !self.systems[self.ledger.system_of(ty)].connector.gone_is_certain()
            {
                true => std::mem::take(&mut gone),
                false => vec![],
            };
            let missing = missing
                .into_iter()
                .chain(told.into_iter().map(|record| (record.key, record.id)))
                .collect();
            let (absent, all_found_out) = self.look_up(under_way, ty, missing, &mut commit)?;
            gone.extend(absent);
            found_out = all_found_out;
            // R1: what could not be asked for is on that list again in the next run.
            stream.faulty |= !all_found_out && !everything;
        }
        let previous = reading.previous;
        shown_all_the_same(&self.ledger.plan, &mut gone, &records, &mut known, previous);
        let fresh = records
            .iter()
            .filter(|r| known.get(&r.id).is_none_or(|known| !known.is_live()))
            .count();
        if fresh > 0 {
            under_way.newest.insert(ty, now);
        }
        // R9: by its creation time, each that is known may turn out to be another record.
        let numbers = if self.ledger.plan.ty(ty).created.is_some() { records.len() } else { fresh };
        let first_id =
            if numbers > 0 { self.ledger.store.take_record_ids(numbers)? } else { RecordId(0) };
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
        reading.first_id = first_id;
        let observed = timed(&mut under_way.report.shares.observing_ms, || {
            observe(&self.ledger.plan, reading, records, known)
        });
        // D3: a listing of everything may show what it marks as deleted, which was looked up as
        // well.
        gone.retain(|record| !observed.gone.contains(&record.id));
        let strangers =
            if believed { 0 } else { self.ledger.not_asked_about(under_way, &observed.doubts)? };
        let of = if everything { compared } else { stream.before.records };
        if is_another_account(strangers, of) {
            stream.stopped = true;
            return self.ledger.stop_strangers(under_way, ty, stream.before.clone(), strangers, of);
        }
        self.ledger.close_doubts(under_way, &read_ids, &observed.doubts, &mut commit)?;
        stream.faulty |= observed.unsettled && !everything;
        let gone_count = gone.len() as u64 + observed.gone.len() as u64;
        self.ledger.remember(under_way, ty, observed, &mut commit)?;
        for mut record in gone {
            self.ledger.facets_gone(Some(record.id), &mut commit)?;
            commit.keys_removed.extend(mark_gone(&self.ledger.plan, &mut record, previous));
            commit.agenda_added.push((self.ledger.plan.ty(ty).decide_rank, record.id));
            self.ledger.tell_gone(under_way, &record, &mut commit);
            commit.changed_records.push(record);
        }
        let rank = self.ledger.plan.ty(ty).decide_rank;
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
        }
        commit.types.push((ty, status.clone()));
        // R8: what hides records is looked for again by the next run, which lists everything.
        let hidden = under_way.damages.hides_records(ty);
        if ends && (everything || hidden) {
            self.ledger.listed_whole(ty, found_out && !stream.resumed && !hidden, &mut commit);
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

/// All pages of a record type, to its present end.
pub(crate) fn pages<'a>(
    (connector, clock): (&dyn Connector, &dyn Clock),
    ty: TypeIx,
    mut checkpoint: Option<Checkpoint>,
    request: impl Fn(Option<&'a Checkpoint>) -> ReadRequest<'a>,
    tell: &mut Tell<'_>,
) -> std::result::Result<(), Trouble> {
    let began = checkpoint.clone();
    let mut listed = 0;
    for _ in 0..MOST_PAGES {
        let base = request(None);
        let asked = clock.now();
        let mut page = connector.read(ReadRequest { checkpoint: checkpoint.as_ref(), ..base })?;
        listed += page.records.len();
        // R3: that there is nothing at all is asked twice before it is believed: records that such
        // a list has missed would not be among the changes since, and would stay unseen until the
        // next full scan.
        if listed == 0 && page.everything && !page.more {
            let base = request(None);
            page = connector.read(ReadRequest { checkpoint: began.as_ref(), ..base })?;
        }
        checkpoint = Some(page.checkpoint.clone());
        let more = page.more;
        if !tell(Told::Page { ty, page, asked }) || !more {
            return Ok(());
        }
    }
    Err(Trouble::Malformed(format!("{} gives pages without end", base_kind(&request))))
}

fn base_kind<'a>(request: &impl Fn(Option<&'a Checkpoint>) -> ReadRequest<'a>) -> String {
    request(None).kind.to_string()
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
