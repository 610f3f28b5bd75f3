//! Reading: pages from all systems at once, each system in a thread of its own; the store takes
//! them in as they come.
//!
//! R1: checkpoint and shadows move in one transaction. The commit of a page holds both, so a run
//! that is killed between two pages goes on with the second.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::mpsc::sync_channel;

use lockstep_connector::{
    Checkpoint, Connector, Page, ReadRequest, RecordFault, Trouble, side_by_side,
};
use lockstep_engine::keys::each_id;
use lockstep_engine::observe::{Reading, mark_gone, observe};
use lockstep_engine::{Observed, Plan, is_back};
use lockstep_model::{Intent, NumberMap, ReadRecord, RecordId, RecordState, Timestamp, TypeIx};
use lockstep_store::{Commit, JournalEntry, JournalKind, TypeStatus};

use crate::clock::Clock;
use crate::deliver::Lost;
use crate::identity::is_another_account;
use crate::lanes;
use crate::lost::Losses;
use crate::report::{Event, RecordName, millis, timed};
use crate::run::{Hub, Progress, Result, Underway};

/// Records of so many pages are taken in together while a record type is read for the first time.
const BULK: usize = 20_000;
/// About how many records a page should have in service.
const PAGE: usize = 1_000;
/// So many keys of known records are looked through first, and at most: mostly a record has few
/// elements.
const FIRST_KEYS: usize = 8;
const MOST_KEYS: usize = 1_024;
/// A listing that has not more pages than this is believed to be one listing; beyond, the system
/// turns in circles.
const MOST_PAGES: usize = 1_000_000;

/// What a system's thread sends.
enum Told {
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
type Tell<'a> = dyn FnMut(Told) -> bool + 'a;

/// Where the reading of a record type stands.
struct Stream {
    /// What a listing of everything has shown so far; `None` where nothing can be told from it
    /// about what is absent.
    listed: Option<HashSet<u64>>,
    pending: Vec<Page>,
    /// When the first of the pending pages was asked for.
    asked: Option<Timestamp>,
    waiting: usize,
    reindex: bool,
    /// Records in all pages so far, where they are a listing of everything.
    listing: Option<usize>,
    /// It goes on with what a killed run began.
    resumed: bool,
    /// Something of it is recorded.
    begun: bool,
    /// Some record of a list of changes could not be read, or not be told from what it was before
    /// Lockstep's own write (P5a).
    faulty: bool,
    /// What could not be read (R8), and the keys of what could.
    faults: Vec<RecordFault>,
    mended: HashSet<u64>,
    /// What has lost the value of a property (R5).
    losses: Losses,
    /// It is not believed: what still comes of it is left (R5, R9).
    stopped: bool,
    unanswered: Unanswered,
    /// As it was before this reading.
    before: TypeStatus,
}

/// The writes whose answer was lost before a reading began.
struct Unanswered {
    /// Of the records that are read.
    of_it: HashMap<RecordId, Vec<Intent>>,
    /// Through other facets of these records, by key (F1).
    beside: HashMap<String, Vec<Intent>>,
}

impl Hub {
    /// Reads these record types to their present end.
    pub(crate) fn read(
        &mut self,
        under_way: &mut Underway,
        types: &BTreeSet<TypeIx>,
    ) -> Result<()> {
        let mut jobs: Vec<Vec<(TypeIx, Option<Checkpoint>)>> = vec![vec![]; self.systems.len()];
        let mut streams: HashMap<TypeIx, Stream> = HashMap::new();
        let unanswered = self.unanswered()?;
        for &ty in types {
            let system = self.system_of(ty);
            if under_way.paused.contains_key(&system) {
                continue;
            }
            under_way.damages.asked.insert(system);
            let status = &mut self.status[ty.at()];
            let before = status.clone();
            let reindex =
                status.checkpoint.is_some() && status.fingerprint != self.plan.ty(ty).fingerprint;
            if reindex {
                // Other properties are watched now: what is stored does not tell them, so
                // everything is read again.
                status.checkpoint = None;
                status.reading_since = None;
            }
            // A listing that a killed run left half read says nothing about what is absent.
            let resumed = status.reading_since.is_some();
            if !resumed {
                status.reading_since = Some(self.clock.now());
                // R3: in place of what changed, everything is listed.
                if under_way.guards.full.remove(&ty) && status.complete {
                    status.checkpoint = None;
                }
            }
            let checkpoint =
                status.checkpoint.clone().map(|(text, bytes)| Checkpoint { text, bytes });
            let listed = (status.complete && !resumed).then(HashSet::new);
            let unanswered = Unanswered {
                of_it: unanswered
                    .clone()
                    .into_iter()
                    .filter(|(_, intents)| intents[0].ty == ty)
                    .collect(),
                beside: self.unanswered_beside(ty, &unanswered)?,
            };
            streams.insert(
                ty,
                Stream {
                    listed,
                    pending: vec![],
                    asked: None,
                    waiting: 0,
                    reindex,
                    resumed,
                    begun: false,
                    faulty: false,
                    faults: vec![],
                    mended: HashSet::new(),
                    losses: Losses::default(),
                    stopped: false,
                    unanswered,
                    before,
                    listing: Some(0),
                },
            );
            jobs[system].push((ty, checkpoint));
        }
        let connectors: Vec<_> =
            self.systems.iter().map(|system| system.connector.clone()).collect();
        let watches: HashMap<TypeIx, _> =
            streams.keys().map(|ty| (*ty, self.plan.ty(*ty).watch())).collect();
        let kinds: HashMap<TypeIx, String> =
            streams.keys().map(|ty| (*ty, self.plan.ty(*ty).name.kind.clone())).collect();
        let sizes: HashMap<TypeIx, usize> = streams
            .keys()
            .map(|ty| (*ty, if self.status[ty.at()].complete { PAGE } else { BULK }))
            .collect();

        let own_clock = self.clock.clone();
        let (watches, kinds, sizes, clock) = (&watches, &kinds, &sizes, own_clock.as_ref());
        let list = move |system: usize,
                         connector: &dyn Connector,
                         jobs: Vec<(TypeIx, Option<Checkpoint>)>,
                         tell: &mut Tell<'_>| {
            for (ty, checkpoint) in jobs {
                let request = |checkpoint| ReadRequest {
                    kind: &kinds[&ty],
                    watch: &watches[&ty],
                    checkpoint,
                    page_size: sizes[&ty],
                };
                if let Err(trouble) = pages((connector, clock), ty, checkpoint, request, tell) {
                    let stops =
                        !matches!(trouble, Trouble::Malformed(_)) && !connector.types_fail_alone();
                    // Nobody listens any more only where the run itself has failed.
                    if !tell(Told::Trouble { system, ty, trouble }) || stops {
                        return;
                    }
                }
            }
        };
        let jobs = jobs.into_iter().enumerate().filter(|(_, jobs)| !jobs.is_empty());
        if self.one_thread {
            let mut told = VecDeque::new();
            for (system, jobs) in jobs {
                list(system, connectors[system].as_ref(), jobs, &mut |one| {
                    told.push_back(one);
                    true
                });
            }
            self.take_in(under_way, &mut || told.pop_front(), &mut streams)?;
        } else {
            std::thread::scope(|scope| {
                let (send, receive) = sync_channel::<Told>(3);
                for (system, jobs) in jobs {
                    let (send, connector) = (send.clone(), connectors[system].clone());
                    scope.spawn(move || {
                        list(system, connector.as_ref(), jobs, &mut |told| send.send(told).is_ok())
                    });
                }
                drop(send);
                self.take_in(under_way, &mut || receive.recv().ok(), &mut streams)
            })?;
        }
        // What could not be begun goes on where it was.
        for (ty, stream) in streams.into_iter().filter(|(_, stream)| !stream.begun) {
            let status = &mut self.status[ty.at()];
            (status.checkpoint, status.reading_since) =
                (stream.before.checkpoint, stream.before.reading_since);
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        under_way: &mut Underway,
        receive: &mut dyn FnMut() -> Option<Told>,
        streams: &mut HashMap<TypeIx, Stream>,
    ) -> Result<()> {
        loop {
            let began = std::time::Instant::now();
            let Some(told) = receive() else { return Ok(()) };
            under_way.report.shares.waiting_for_systems_ms += millis(began.elapsed());
            match told {
                Told::Trouble { system, ty: of, trouble } => {
                    // What came before the trouble is kept: the next reading goes on after it.
                    let mine = |(ty, stream): (&TypeIx, &mut Stream)| {
                        (self.system_of(*ty) == system && !stream.pending.is_empty()).then_some(*ty)
                    };
                    let mut begun: Vec<TypeIx> = streams.iter_mut().filter_map(mine).collect();
                    begun.sort_unstable();
                    for ty in begun {
                        self.pages(under_way, ty, streams.get_mut(&ty).expect("just seen"), false)?;
                    }
                    self.pause(under_way, system, Some(of), &trouble);
                }
                Told::Page { ty, page, asked } => {
                    let stream = streams.get_mut(&ty).expect("only what was asked for is told");
                    stream.asked.get_or_insert(asked);
                    let ends = !page.more;
                    stream.listing =
                        stream.listing.filter(|_| page.everything).map(|n| n + page.records.len());
                    if ends && stream.listing == Some(0) {
                        under_way.listed_none.insert(ty);
                    } else if ends {
                        under_way.listed_none.remove(&ty);
                    }
                    // Pages without a record take memory as well.
                    stream.waiting += 1 + page.records.len() + page.faults.len() + page.gone.len();
                    stream.pending.push(page);
                    // Small pages of a first reading are taken in together; the last one always at
                    // once.
                    if ends || self.status[ty.at()].complete || stream.waiting >= BULK {
                        self.pages(under_way, ty, stream, ends)?;
                    }
                }
            }
        }
    }

    /// R3: the records that are known below one of these beginnings of ids and are not shown. Of
    /// what can't be read nothing is concluded.
    fn no_longer_below(
        &mut self,
        ty: TypeIx,
        below: &[String],
        records: &[ReadRecord],
        faults: &[RecordFault],
    ) -> Result<Vec<String>> {
        if below.is_empty() || faults.iter().any(|fault| fault.id.is_none()) {
            return Ok(vec![]);
        }
        let faulty = faults.iter().filter_map(|fault| fault.id.as_deref());
        let shown: HashSet<&str> =
            records.iter().map(|record| record.id.as_str()).chain(faulty).collect();
        // Of elements within elements several beginnings hold.
        let mut gone = BTreeSet::new();
        for beginning in below {
            let (mut after, mut many) = (beginning.clone(), FIRST_KEYS);
            loop {
                let known = self.store.live_keys(ty, Some(&after), many)?;
                let of_it = known
                    .iter()
                    .map(|(key, _)| key)
                    .take_while(|key| key.starts_with(beginning.as_str()));
                gone.extend(of_it.filter(|key| !shown.contains(key.as_str())).cloned());
                match known
                    .last()
                    .filter(|(last, _)| known.len() == many && last.starts_with(beginning.as_str()))
                {
                    Some((last, _)) => after.clone_from(last),
                    None => break,
                }
                many = (many * 8).min(MOST_KEYS);
            }
        }
        Ok(gone.into_iter().collect())
    }

    /// Takes in the pending pages of one record type in one commit.
    fn pages(
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
        let now = self.clock.now();
        let system = self.plan.ty(ty).name.system.clone();
        let mut commit = Commit::default();
        let (mut records, mut gone, mut below, mut everything) = (vec![], vec![], vec![], true);
        let mut checkpoint = None;
        for page in pages {
            under_way.report.system(&system).read += page.records.len() as u64;
            let faulty = !page.faults.is_empty();
            for fault in &page.faults {
                self.tell_damage(under_way, self.system_of(ty), &fault.place, &fault.message);
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
                && !self.systems[self.system_of(ty)].connector.tells_faults_each_time();
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
        under_way
            .progress
            .tell(Progress::Read { ty: self.plan.ty(ty).name.to_string(), records: records.len() });
        self.decide_on_repeated(under_way, ty, &mut records, everything, &mut stream.faults);
        gone.extend(self.no_longer_below(ty, &below, &records, &stream.faults)?);
        let keys: Vec<&str> =
            records.iter().map(|r| r.id.as_str()).chain(gone.iter().map(String::as_str)).collect();
        // The very first page of all: nothing is known, also of what is gone or was created.
        let status = &self.status[ty.at()];
        let nothing_known =
            status.records == 0 && !status.complete && status.checkpoint.is_none() && !reindex;
        let mut known: HashMap<String, RecordState> = if nothing_known {
            HashMap::new()
        } else {
            let found =
                timed(&mut under_way.report.shares.loading_ms, || self.store.by_key(ty, &keys))?;
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
            previous: self.status[ty.at()].read_from,
            first_id: RecordId(0),
            reindex,
        };
        if under_way.damages.known(ty) {
            stream
                .mended
                .extend(records.iter().map(|record| lockstep_model::matching::seed(&record.id)));
        }
        // R5: what seems to be emptied is taken in when it is known how much of it there is.
        records = self.keep_back(reading, records, &known, &mut stream.losses);
        if let Some(too_many) =
            self.lost_too_much(under_way, ty, &stream.losses, ends, everything)?
        {
            stream.stopped = true;
            return self.stop_lost(under_way, ty, stream.before.clone(), &too_many);
        }
        if ends && stream.losses.holds() {
            let held = self.let_go(&mut stream.losses);
            let keys: Vec<&str> = held.iter().map(|record| record.id.as_str()).collect();
            known.extend(
                self.store
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
            if !self.believes(under_way, ty, lacking, had) {
                return self.stop_listing(under_way, ty, stream.before.clone(), lacking, had);
            }
            if listed.is_some() && everything || self.plan.ty(ty).can.tells_deletions || believed {
                self.listing_believed(under_way, ty, &mut commit);
            }
            self.losses_believed(under_way, ty, &stream.losses, everything, &mut commit)?;
            let all =
                everything || self.systems[self.system_of(ty)].connector.tells_faults_each_time();
            let (faults, mended) =
                (std::mem::take(&mut stream.faults), std::mem::take(&mut stream.mended));
            self.damages_found(under_way, ty, faults, all, &mended)?;
            // R3: a list of what was deleted may name who is there again, or never went.
            let can_ask = self.plan.ty(ty).can.get;
            let told =
                match can_ask && !self.systems[self.system_of(ty)].connector.gone_is_certain() {
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
        shown_all_the_same(&self.plan, &mut gone, &records, &mut known, previous);
        let fresh = records
            .iter()
            .filter(|r| known.get(&r.id).is_none_or(|known| !known.is_live()))
            .count();
        if fresh > 0 {
            under_way.newest.insert(ty, now);
        }
        // R9: by its creation time, each that is known may turn out to be another record.
        let numbers = if self.plan.ty(ty).created.is_some() { records.len() } else { fresh };
        let first_id = if numbers > 0 { self.store.take_record_ids(numbers)? } else { RecordId(0) };
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
            observe(&self.plan, reading, records, known)
        });
        // D3: a listing of everything may show what it marks as deleted, which was looked up as
        // well.
        gone.retain(|record| !observed.gone.contains(&record.id));
        let strangers =
            if believed { 0 } else { self.not_asked_about(under_way, &observed.doubts)? };
        let of = if everything { compared } else { stream.before.records };
        if is_another_account(strangers, of) {
            stream.stopped = true;
            return self.stop_strangers(under_way, ty, stream.before.clone(), strangers, of);
        }
        self.close_doubts(under_way, &read_ids, &observed.doubts, &mut commit)?;
        stream.faulty |= observed.unsettled && !everything;
        let gone_count = gone.len() as u64 + observed.gone.len() as u64;
        self.remember(under_way, ty, observed, &mut commit)?;
        for mut record in gone {
            self.facets_gone(Some(record.id), &mut commit)?;
            commit.keys_removed.extend(mark_gone(&self.plan, &mut record, previous));
            commit.agenda_added.push((self.plan.ty(ty).decide_rank, record.id));
            self.tell_gone(under_way, &record, &mut commit);
            commit.changed_records.push(record);
        }
        let rank = self.plan.ty(ty).decide_rank;
        self.wake_old_rivals(&commit.keys_removed.clone(), rank, &mut commit)?;
        let status = &mut self.status[ty.at()];
        // R1: what could not be read has not been passed by; the next run asks for it again, until
        // a listing of everything has come by.
        if ends && stream.faulty && stream.before.checkpoint.is_some() {
            checkpoint.clone_from(&stream.before.checkpoint);
        }
        // R1, R5: what is kept back is read again by who goes on if this run is killed.
        if !stream.losses.holds() {
            status.checkpoint = checkpoint;
        }
        status.fingerprint = self.plan.ty(ty).fingerprint;
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
            self.listed_whole(ty, found_out && !stream.resumed && !hidden, &mut commit);
        }
        timed(&mut under_way.report.shares.storing_ms, || self.store.commit(commit))?;
        Ok(())
    }

    /// C2, P5: what a page shows of records whose writes were not answered is what these did, if
    /// anything, before it is somebody's edit. What could be concluded is left among `records`, and
    /// `known` is as it is then. Gives whether all of it could.
    fn settle_shown_in(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        unanswered: &Unanswered,
        (records, known): (&mut Vec<ReadRecord>, &mut HashMap<String, RecordState>),
        asked: Timestamp,
    ) -> Result<bool> {
        let (mut found_out_about, mut settled) = (Vec::new(), true);
        for (intents, read) in take_unanswered(records, known, &unanswered.of_it) {
            match self.still_unanswered(intents)? {
                // F1: what it was read as another facet has told.
                intents if intents.is_empty() => found_out_about.push(read),
                intents => settled &= self.settle_listed(under_way, intents, &read, asked)?,
            }
        }
        // F1: a write through another facet is found out about first, too.
        for read in records
            .extract_if(.., |read| unanswered.beside.contains_key(&read.id))
            .collect::<Vec<_>>()
        {
            let intents = self.still_unanswered(unanswered.beside[&read.id].clone())?;
            match intents.is_empty() || self.settle_listed(under_way, intents, &read, asked)? {
                true => found_out_about.push(read),
                false => settled = false,
            }
        }
        if !found_out_about.is_empty() {
            let keys: Vec<&str> = found_out_about.iter().map(|read| read.id.as_str()).collect();
            known.extend(
                self.store
                    .by_key(ty, &keys)?
                    .into_iter()
                    .map(|record| (record.key.clone(), record)),
            );
            records.extend(found_out_about);
        }
        Ok(settled)
    }

    /// Puts what was observed into a commit.
    pub(crate) fn remember(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        mut observed: Observed,
        commit: &mut Commit,
    ) -> Result<()> {
        self.facets_made_before(ty, &mut observed.new)?;
        let (now, run) = (self.clock.now(), under_way.report.run);
        let rank = self.plan.ty(ty).decide_rank;
        let system = self.plan.ty(ty).name.system.clone();
        let states: HashMap<RecordId, &RecordState> = if observed.edits.is_empty() {
            HashMap::new()
        } else {
            observed.changed.iter().map(|s| (s.id, s)).collect()
        };
        under_way.report.system(&system).edits += observed.edits.len() as u64;
        for edit in &observed.edits {
            let path = self.plan.prop(ty, edit.prop).name.clone();
            commit.journal.push(JournalEntry {
                at: edit.at,
                run,
                kind: JournalKind::Edit,
                record: edit.record,
                path: Some(path.clone()),
                before: edit.before.clone(),
                after: edit.after.clone(),
                rule: None,
                other: None,
                intent: None,
                text: format!("read in {system} at {now}"),
            });
            if let Some(state) = states.get(&edit.record) {
                let record = RecordName::of(&self.plan, ty, &state.key);
                under_way.report.event(|| Event::Edited {
                    record,
                    path,
                    before: edit.before.clone(),
                    after: edit.after.clone(),
                });
            }
        }
        for lost in &observed.not_kept {
            if let Some(state) = observed.changed.iter().find(|state| state.id == lost.record) {
                let lost = Lost {
                    state,
                    prop: lost.prop,
                    value: lost.sent.clone(),
                    shown: lost.shown.clone(),
                };
                self.tell_not_kept(under_way, None, lost, commit);
            }
        }
        self.tell_back(under_way, ty, &observed.back, commit)?;
        self.wake_referred(ty, &observed, commit)?;
        self.tell_retired(under_way, ty, &observed, commit)?;
        for (id, key) in &observed.retired {
            self.facets_retired(ty, key.strip_suffix(&format!("~{id}")).unwrap_or(key), commit)?;
        }
        for id in &observed.gone {
            if observed.retired.iter().all(|(retired, _)| retired != id) {
                self.facets_gone(Some(*id), commit)?;
            }
            if let Some(state) = observed.changed.iter().find(|s| s.id == *id) {
                self.tell_gone(under_way, state, commit);
            }
        }
        commit.agenda_added.extend(observed.touched.into_iter().map(|id| (rank, id)));
        commit.keys_added.extend(observed.keys_added);
        commit.keys_removed.extend(observed.keys_removed);
        match commit.new_records.is_empty() {
            true => commit.new_records = observed.new,
            false => commit.new_records.extend(observed.new),
        }
        commit.changed_records.extend(observed.changed);
        commit.rekeyed.extend(observed.retired);
        Ok(())
    }

    /// C5: what a moved reference leads to, and what it led to before, may qualify otherwise now.
    fn wake_referred(
        &mut self,
        ty: TypeIx,
        observed: &Observed,
        commit: &mut Commit,
    ) -> Result<()> {
        let moved = observed
            .edits
            .iter()
            .filter(|edit| !self.plan.prop(ty, edit.prop).refers_to.is_empty());
        let mut ids: BTreeMap<TypeIx, BTreeSet<String>> = BTreeMap::new();
        for edit in moved {
            for to in &self.plan.prop(ty, edit.prop).refers_to {
                for value in [&edit.before, &edit.after] {
                    each_id(Some(value), &mut |id| {
                        ids.entry(*to).or_default().insert(id.to_string());
                    });
                }
            }
        }
        self.wake_by_key(ids, commit)
    }

    /// Has records decided on that are named by their ids.
    pub(crate) fn wake_by_key(
        &mut self,
        ids: BTreeMap<TypeIx, BTreeSet<String>>,
        commit: &mut Commit,
    ) -> Result<()> {
        for (ty, keys) in ids {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let rank = self.plan.ty(ty).decide_rank;
            commit
                .agenda_added
                .extend(self.store.by_key(ty, &keys)?.iter().map(|record| (rank, record.id)));
        }
        Ok(())
    }

    /// Who shared a match key with a record that has lost it may be settled now.
    pub(crate) fn wake_old_rivals(
        &mut self,
        removed: &[(u64, RecordId)],
        rank: u16,
        commit: &mut Commit,
    ) -> Result<()> {
        if removed.is_empty() {
            return Ok(());
        }
        let mut hashes: Vec<u64> = removed.iter().map(|(hash, _)| *hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let rivals = self.store.by_hash(&hashes)?;
        commit.agenda_added.extend(rivals.into_iter().map(|(_, id)| (rank, id)));
        Ok(())
    }

    /// R1, R8: a record that pages show several times with different values is the one with the
    /// latest time of change; where the times do not tell, it is what it shows by itself. A listing
    /// of everything that shows several for good is not believed about it.
    fn decide_on_repeated(
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
        let name = self.plan.ty(ty).name.clone();
        let system = self.system_of(ty);
        let connector = self.systems[system].connector.clone();
        let watch = self.plan.ty(ty).watch();
        for (id, at) in unclear {
            let asked = self.plan.ty(ty).can.get.then(|| connector.get(&name.kind, &watch, &id));
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
            self.tell_damage(under_way, system, &format!("{name}/{id}"), &message);
            faults.push(RecordFault { place: format!("{name}/{id}"), message, id: Some(id) });
        }
        let mut at = 0;
        records.retain(|_| {
            at += 1;
            !left_out.contains(&(at - 1))
        });
    }

    /// The live records that a listing of everything did not show.
    fn missing(&mut self, ty: TypeIx, listed: &HashSet<u64>) -> Result<Vec<(String, RecordId)>> {
        let (mut missing, mut after) = (vec![], None::<String>);
        loop {
            let page = self.store.live_keys(ty, after.as_deref(), 10_000)?;
            let Some((last, _)) = page.last() else { return Ok(missing) };
            after = Some(last.clone());
            missing.extend(
                page.into_iter()
                    .filter(|(key, _)| !listed.contains(&lockstep_model::matching::seed(key))),
            );
        }
    }

    /// R3: a record missing from a listing of everything is looked up by its id before it counts as
    /// deleted. Gives those that are not there, and whether all could be asked for: an error is no
    /// absence.
    fn look_up(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        missing: Vec<(String, RecordId)>,
        commit: &mut Commit,
    ) -> Result<(Vec<RecordState>, bool)> {
        let name = self.plan.ty(ty).name.clone();
        let connector = self.systems[self.system_of(ty)].connector.clone();
        let watch = self.plan.ty(ty).watch();
        let (mut gone, mut merged, mut all) = (vec![], vec![], true);
        let at_once = if self.one_thread { 1 } else { lanes::at_once(connector.as_ref()) };
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
                    self.tell_damage(under_way, self.system_of(ty), &name.to_string(), &message);
                    all = false;
                }
            }
        }
        let ids: Vec<RecordId> = merged.iter().map(|(id, _)| *id).collect();
        for mut record in self.store.records(&ids)? {
            let Some((_, into)) = merged.iter().find(|(id, _)| *id == record.id) else { continue };
            self.merged(under_way, &mut record, into, commit)?;
            let status = &mut self.status[ty.at()];
            status.records = status.records.saturating_sub(1);
            commit.agenda_added.push((self.plan.ty(ty).decide_rank, record.id));
            commit.changed_records.push(record);
        }
        Ok((self.store.records(&gone)?, all))
    }
}

/// All pages of a record type, to its present end.
fn pages<'a>(
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

/// Takes the records out whose own writes have no answer yet, with these writes.
fn take_unanswered(
    records: &mut Vec<ReadRecord>,
    known: &HashMap<String, RecordState>,
    unanswered: &HashMap<RecordId, Vec<Intent>>,
) -> Vec<(Vec<Intent>, ReadRecord)> {
    if unanswered.is_empty() {
        return vec![];
    }
    let mut taken = Vec::new();
    records.retain(|read| {
        let intents = known.get(&read.id).and_then(|state| unanswered.get(&state.id));
        taken.extend(intents.map(|intents| (intents.clone(), read.clone())));
        intents.is_none()
    });
    taken
}
