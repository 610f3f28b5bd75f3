//! Delivering the outbox: each system in threads of its own (`lanes`), what others refer to first.
//!
//! An intent is durable before it is sent (C2), and marked as sent before the request leaves; what
//! the system answers is recorded with the record's new state in one commit (G5). A system that is
//! down pauses alone; one bad record never stops the others (G4).

pub(crate) mod answers;
pub(crate) mod carry;
pub(crate) mod lanes;
pub(crate) mod look_up;
pub(crate) mod promise;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::channel;

use lockstep_connector::{Connector, Trouble};

use crate::error::Result;
use crate::hub::Chance;
use crate::ledger::Ledger;
use crate::reading::Reader;
use crate::recover::PATIENCE_MS;
use crate::report::timed;
use crate::sending::carry::{Carried, Job, carry_out};
use crate::sending::lanes::{Answered, Closing, Desk, Line};
use crate::systems::Systems;
use crate::under_way::Underway;

/// Carries out what was decided, and has the ledger remember what became of it.
pub(crate) struct Sender<'a> {
    pub ledger: &'a mut Ledger,
    pub systems: &'a Systems,
    /// In one thread: which of the writes under way is carried out next.
    pub chance: Option<&'a mut Chance>,
}

impl Sender<'_> {
    pub(crate) fn reader(&mut self) -> Reader<'_> {
        Reader { ledger: self.ledger, systems: self.systems }
    }
}

/// So many answers are recorded together.
const ANSWERS: usize = 10_000;

/// A run waits this long for a single write that is to be tried again, and no longer than this for
/// all of them together: everything else waits with it (G4). The rest is for the next run.
const WAIT_FOR_ONE_MS: i64 = 10_000;

const WAIT_IN_ALL_MS: i64 = 30_000;

/// The jobs of all systems where they are carried out in the hub's own thread.
#[derive(Default)]
struct Here {
    jobs: VecDeque<(usize, Job)>,
    stopped: BTreeMap<usize, Trouble>,
}

impl Here {
    /// Carries out the next job; by chance several ones, and others than the first.
    fn carry_some(
        &mut self,
        connectors: &[Arc<dyn Connector>],
        chance: Option<&mut Chance>,
    ) -> Vec<Answered> {
        let (mut answered, mut chance) = (Vec::new(), chance);
        let mut draw = |end: usize| chance.as_mut().map_or(0, |chance| chance(end));
        for _ in 0..=draw(self.jobs.len()) {
            let Some((system, job)) = self.jobs.remove(draw(self.jobs.len())) else { break };
            let (carried, stopped) =
                carry_out(connectors[system].as_ref(), job, self.stopped.get(&system).cloned());
            if let Some(trouble) = stopped {
                self.stopped.entry(system).or_insert(trouble);
            }
            answered.push(Answered { system, carried: Ok(Ok(carried)) });
        }
        answered
    }
}

impl Sender<'_> {
    /// Sends what is due, until nothing is or every system with something due is paused. Gives
    /// whether anything was sent.
    pub(crate) fn deliver(&mut self, under_way: &mut Underway) -> Result<bool> {
        under_way.asked = self.ledger.clock.now();
        under_way.great_loads.clear();
        if !self.ledger.may_write(under_way)? {
            return Ok(false);
        }
        let connectors: Vec<_> =
            self.systems.iter().map(|system| system.connector.clone()).collect();
        let mut lines: Vec<Line> = connectors
            .iter()
            .map(|connector| Line::new(lanes::at_once(connector.as_ref())))
            .collect();
        let desks: Vec<Desk> = connectors.iter().map(|_| Desk::default()).collect();
        let mut sent_any = false;
        std::thread::scope(|scope| -> Result<()> {
            let _closing = Closing(&desks);
            let (answer, answers) = channel::<Answered>();
            let mut has_threads = vec![false; connectors.len()];
            let mut here = Here::default();
            loop {
                for (system, connector) in connectors.iter().enumerate() {
                    while !under_way.stops()
                        && let Some((flush, job)) =
                            self.promise(under_way, system, &mut lines[system])?
                    {
                        sent_any = true;
                        let at_once = lines[system].at_once;
                        let jobs = if at_once == 1 {
                            vec![job]
                        } else {
                            let size = connector.batch(&job.kind).max(1);
                            job.split(size)
                        };
                        if self.systems.one_thread {
                            flush()?;
                            here.jobs.extend(jobs.into_iter().map(|job| (system, job)));
                            continue;
                        }
                        desks[system].put(flush, jobs);
                        if !std::mem::replace(&mut has_threads[system], true) {
                            for _ in 0..Desk::threads(at_once) {
                                let (desk, answer, connector) =
                                    (&desks[system], answer.clone(), connector.clone());
                                scope.spawn(move || {
                                    desk.work(system, connector.as_ref(), at_once, &answer)
                                });
                            }
                        }
                    }
                    if let Some(why) = under_way.paused.get(&system) {
                        let trouble = Trouble::Busy { retry_after_ms: None, message: why.clone() };
                        desks[system].stop(trouble.clone());
                        here.stopped.entry(system).or_insert(trouble);
                    }
                }
                if lines.iter().all(Line::is_idle) {
                    if under_way.stops() {
                        return Ok(());
                    }
                    // Something may be due in a moment: a system that asked to come back.
                    let now = self.ledger.clock.now();
                    let Some(due) = self.next_due(under_way)? else { return Ok(()) };
                    let wait = (due.0 - now.0).max(1);
                    if wait > WAIT_FOR_ONE_MS || under_way.waited_ms + wait > WAIT_IN_ALL_MS {
                        return Ok(());
                    }
                    under_way.waited_ms += wait;
                    self.ledger.clock.wait(std::time::Duration::from_millis(wait.unsigned_abs()));
                    continue;
                }
                let mut came: BTreeMap<usize, Vec<Carried>> = BTreeMap::new();
                let mut take = |answered: Answered| -> Result<()> {
                    let carried = answered
                        .carried
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                    came.entry(answered.system).or_default().extend(carried);
                    Ok(())
                };
                if self.systems.one_thread {
                    here.carry_some(&connectors, self.chance.as_deref_mut())
                        .into_iter()
                        .try_for_each(&mut take)?;
                } else {
                    let mut first = answers.try_recv().ok();
                    if first.is_none() {
                        timed(&mut under_way.report.shares.storing_ms, || {
                            self.ledger.store.meanwhile()
                        })?;
                        first = timed(&mut under_way.report.shares.delivering_ms, || {
                            answers.recv().ok()
                        });
                    }
                    // What has come meanwhile is recorded with it, in one commit.
                    first.into_iter().chain(answers.try_iter()).try_for_each(&mut take)?;
                }
                for (system, mut parcels) in came {
                    parcels.iter().for_each(|(parcel, _, _)| lines[system].end(parcel.intent.id));
                    while !parcels.is_empty() {
                        let rest = parcels.split_off(parcels.len().min(ANSWERS));
                        self.take_answers(under_way, system, parcels)?;
                        parcels = rest;
                    }
                    // Only a record type of it may be in trouble (R8): the others are worked with.
                    if lines[system].is_idle() && !under_way.paused.contains_key(&system) {
                        desks[system].go_on();
                        here.stopped.remove(&system);
                    }
                }
            }
        })?;
        Ok(sent_any)
    }

    /// When the next queued intent of a system that is not paused is due, where none is due now.
    fn next_due(&mut self, under_way: &Underway) -> Result<Option<lockstep_model::Timestamp>> {
        let far = self.ledger.clock.now().plus_ms(PATIENCE_MS);
        let mut next = None;
        for system in
            (0..self.systems.len()).filter(|system| !under_way.paused.contains_key(system))
        {
            let types = self.types_of(under_way, system);
            for intent in self.ledger.may_be_sent(under_way, far, &types, 100)? {
                next = match (next, intent.not_before) {
                    (None, due) => due,
                    (Some(known), Some(due)) => Some(due.min(known)),
                    (known, None) => known,
                };
            }
        }
        Ok(next)
    }
}
