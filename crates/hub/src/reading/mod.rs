//! Reading: pages from all systems at once, each system in a thread of its own; the store takes
//! them in as they come.
//!
//! R1: checkpoint and shadows move in one transaction. The commit of a page holds both, so a run
//! that is killed between two pages goes on with the second.

pub(crate) mod accounts;
pub(crate) mod fresh;
pub(crate) mod listed;
pub(crate) mod listing;
pub(crate) mod look_again;
pub(crate) mod match_values;
pub(crate) mod named;
pub(crate) mod pages;
pub(crate) mod reader;
pub(crate) mod repeated;
pub(crate) mod stream;
pub(crate) mod unanswered;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::mpsc::sync_channel;

use lockstep_connector::{Checkpoint, Trouble};
use lockstep_engine::observe::Looks;
use lockstep_model::TypeIx;

use crate::error::Result;
use crate::ledger::lost::Losses;
use crate::reading::listed::Unanswered;
use crate::reading::listing::{BULK, Lister, ReaderMessage};
use crate::reading::reader::Reader;
use crate::reading::stream::Stream;
use crate::report::{Event, millis};
use crate::under_way::Underway;

/// The record types that a system lists, and where each goes on.
type Jobs = Vec<(TypeIx, Option<Checkpoint>)>;

impl Reader<'_> {
    /// Reads these record types to their present end.
    pub(crate) fn read(
        &mut self,
        under_way: &mut Underway,
        types: &BTreeSet<TypeIx>,
    ) -> Result<()> {
        under_way.read_to_the_end.retain(|ty| !types.contains(ty));
        if under_way.stops() {
            return Ok(());
        }
        let (jobs, mut streams) = self.begin(under_way, types)?;
        let lister = Lister::new(self.ledger, streams.keys().copied());
        self.list(under_way, jobs, &lister, &mut streams)?;
        // What could not be begun goes on where it was.
        for (ty, stream) in streams.into_iter().filter(|(_, stream)| !stream.begun) {
            let status = &mut self.ledger.status[ty.at()];
            (status.checkpoint, status.reading_since) =
                (stream.before.checkpoint, stream.before.reading_since);
        }
        Ok(())
    }

    /// What is asked of each system, and where the reading of each record type stands.
    fn begin(
        &mut self,
        under_way: &mut Underway,
        types: &BTreeSet<TypeIx>,
    ) -> Result<(Vec<Jobs>, HashMap<TypeIx, Stream>)> {
        let mut jobs: Vec<Jobs> = vec![vec![]; self.systems.len()];
        let mut streams: HashMap<TypeIx, Stream> = HashMap::new();
        let unanswered = self.ledger.unanswered()?;
        for &ty in types {
            let system = self.ledger.system_of(ty);
            if under_way.paused.contains_key(&system) {
                continue;
            }
            under_way.damages.asked.insert(system);
            let unanswered = Unanswered {
                of_it: unanswered
                    .clone()
                    .into_iter()
                    .filter(|(_, intents)| intents[0].ty == ty)
                    .collect(),
                beside: self.ledger.unanswered_beside(ty, &unanswered)?,
            };
            let stream = self.begin_type(under_way, ty, unanswered);
            let checkpoint = self.ledger.status[ty.at()].checkpoint.clone();
            let checkpoint = checkpoint.map(|(text, bytes)| Checkpoint { text, bytes });
            streams.insert(ty, stream);
            jobs[system].push((ty, checkpoint));
        }
        Ok((jobs, streams))
    }

    fn begin_type(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        unanswered: Unanswered,
    ) -> Stream {
        let status = &mut self.ledger.status[ty.at()];
        let before = status.clone();
        let reindex = status.checkpoint.is_some()
            && status.fingerprint != self.ledger.plan.ty(ty).fingerprint;
        if reindex {
            // Other properties are watched now: what is stored does not tell them, so everything is
            // read again.
            status.checkpoint = None;
            status.reading_since = None;
        }
        // A listing that a killed run left half read says nothing about what is absent.
        let resumed = status.reading_since.is_some();
        if !resumed {
            status.reading_since = Some(self.ledger.clock.now());
            // R3: in place of what changed, everything is listed.
            if under_way.guards.full.remove(&ty) && status.complete {
                status.checkpoint = None;
            }
        }
        Stream {
            listed: (status.complete && !resumed).then(HashSet::new),
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
            shown: 0,
            identified: false,
            stopped: false,
            unanswered,
            before,
            listing: Some(0),
        }
    }

    /// Has the systems list what they are asked for, each in a thread of its own, and takes in what
    /// they show.
    fn list(
        &mut self,
        under_way: &mut Underway,
        jobs: Vec<Jobs>,
        lister: &Lister,
        streams: &mut HashMap<TypeIx, Stream>,
    ) -> Result<()> {
        let connectors: Vec<_> =
            self.systems.iter().map(|system| system.connector.clone()).collect();
        let jobs = jobs.into_iter().enumerate().filter(|(_, jobs)| !jobs.is_empty());
        if self.systems.one_thread {
            let mut told = VecDeque::new();
            for (system, jobs) in jobs {
                lister.list(system, connectors[system].as_ref(), jobs, &mut |one| {
                    told.push_back(one);
                    true
                });
            }
            return self.take_in(under_way, &mut || told.pop_front(), streams);
        }
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel::<ReaderMessage>(3);
            for (system, jobs) in jobs {
                let (send, connector) = (send.clone(), connectors[system].clone());
                scope.spawn(move || {
                    lister
                        .list(system, connector.as_ref(), jobs, &mut |told| send.send(told).is_ok())
                });
            }
            drop(send);
            self.take_in(under_way, &mut || receive.recv().ok(), streams)
        })
    }

    fn take_in(
        &mut self,
        under_way: &mut Underway,
        receive: &mut dyn FnMut() -> Option<ReaderMessage>,
        streams: &mut HashMap<TypeIx, Stream>,
    ) -> Result<()> {
        loop {
            // As if the run were killed here: the next one goes on after the last page.
            if under_way.stops() {
                return Ok(());
            }
            let began = std::time::Instant::now();
            let Some(told) = receive() else { return Ok(()) };
            under_way.report.shares.waiting_for_systems_ms += millis(began.elapsed());
            match told {
                ReaderMessage::Trouble { system, ty: of, trouble } => {
                    // What came before the trouble is kept: the next reading goes on after it.
                    let mine = |(ty, stream): (&TypeIx, &mut Stream)| {
                        (self.ledger.system_of(*ty) == system && !stream.pending.is_empty())
                            .then_some(*ty)
                    };
                    let mut begun: Vec<TypeIx> = streams.iter_mut().filter_map(mine).collect();
                    begun.sort_unstable();
                    for ty in begun {
                        self.pages(under_way, ty, streams.get_mut(&ty).expect("just seen"), false)?;
                    }
                    self.pause(under_way, system, Some(of), &trouble);
                }
                ReaderMessage::Page { ty, page, asked } => {
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
                    if ends || self.ledger.status[ty.at()].complete || stream.waiting >= BULK {
                        self.pages(under_way, ty, stream, ends)?;
                    }
                }
            }
        }
    }

    /// Leaves a system alone for the rest of the run, and says why. Its checkpoint stays; others go
    /// on (G4). Where the trouble is that of a record type alone, `ty`, only that one is left alone
    /// (R8).
    pub(crate) fn pause(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        ty: Option<TypeIx>,
        trouble: &Trouble,
    ) {
        let name = self.systems[system].name.clone();
        let alone = matches!(trouble, Trouble::Malformed(_))
            || self.systems[system].connector.types_fail_alone();
        if alone {
            let unreachable = matches!(trouble, Trouble::Unreachable(_) | Trouble::Busy { .. });
            under_way.report.system(&name).unreachable |= unreachable;
            match ty {
                Some(ty) => self.ledger.stop_type(under_way, ty, trouble.to_string()),
                None => self.ledger.tell_damage(under_way, system, &name, &trouble.to_string()),
            }
            return;
        }
        let counts = under_way.report.system(&name);
        counts.unreachable = matches!(trouble, Trouble::Unreachable(_) | Trouble::Busy { .. });
        counts.paused = Some(trouble.to_string());
        counts.remedies = trouble.remedies(&name);
        under_way.paused.insert(system, trouble.to_string());
        under_way.report.event(|| Event::Paused {
            message: trouble.to_string(),
            remedies: trouble.remedies(&name),
            system: name,
        });
    }

    /// R6: lists what was written where records can't be read one by one, and the answers did not
    /// tell what became of the writes.
    pub(crate) fn read_back(&mut self, under_way: &mut Underway) -> Result<()> {
        let mut types = std::mem::take(&mut under_way.to_read);
        types.retain(|ty| !under_way.paused.contains_key(&self.ledger.system_of(*ty)));
        under_way.looks = Looks::AfterWrites;
        let read = self.read(under_way, &types);
        under_way.looks = Looks::ForChanges;
        read
    }

    /// Moves the checkpoints of what was written past the run's own writes, where that costs next
    /// to nothing: the next run then has nothing to read.
    pub(crate) fn pass_own_writes(&mut self, under_way: &mut Underway) -> Result<()> {
        let written = std::mem::take(&mut under_way.written);
        let cheap = |ty: &TypeIx| {
            self.systems[self.ledger.system_of(*ty)].connector.knows_own_writes()
                && !self.ledger.pretends
        };
        let mut types: BTreeSet<TypeIx> = written.into_iter().filter(cheap).collect();
        types.retain(|ty| !under_way.damages.stops(*ty));
        self.read(under_way, &types)
    }
}
