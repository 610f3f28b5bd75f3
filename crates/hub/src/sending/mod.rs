//! Delivering the outbox: each system in threads of its own (`lanes`), what others refer to first.
//!
//! An intent is durable before it is sent (C2), and marked as sent before the request leaves; what
//! the system answers is recorded with the record's new state in one commit (G5). A system that is
//! down pauses alone; one bad record never stops the others (G4).

pub(crate) mod answers;
pub(crate) mod batch;
pub(crate) mod became;
pub(crate) mod carry;
pub(crate) mod done;
pub(crate) mod lanes;
pub(crate) mod look;
pub(crate) mod look_up;
pub(crate) mod promise;
pub(crate) mod restore;
pub(crate) mod sender;
pub(crate) mod traffic;

use std::collections::BTreeMap;

use lockstep_connector::Trouble;

use crate::error::Result;
use crate::recover::PATIENCE_MS;
use crate::report::timed;
use crate::sending::carry::Carried;
use crate::sending::lanes::{Answered, Closing, Desk, Line};
use crate::sending::sender::Sender;
use crate::sending::traffic::Traffic;
use crate::under_way::Underway;

/// Batch size for recording answers.
const ANSWERS: usize = 10_000;

/// A run waits this long for a single write that is to be tried again, and no longer than this for
/// all of them together: everything else waits with it (G4). The rest is for the next run.
const WAIT_FOR_ONE_MS: i64 = 10_000;

const WAIT_IN_ALL_MS: i64 = 30_000;

impl Sender<'_> {
    /// Sends what is due, until nothing is or every system with something due is paused. Gives
    /// whether anything was sent.
    pub(crate) fn deliver(&mut self, under_way: &mut Underway) -> Result<bool> {
        under_way.asked = self.ledger.clock.now();
        under_way.great_loads.clear();
        if !self.ledger.may_write(under_way)? {
            return Ok(false);
        }
        self.ledger.hold_extra_deletions(under_way)?;
        let connectors: Vec<_> =
            self.systems.iter().map(|system| system.connector.clone()).collect();
        let desks: Vec<Desk> = connectors.iter().map(|_| Desk::default()).collect();
        std::thread::scope(|scope| -> Result<bool> {
            let _closing = Closing(&desks);
            let mut traffic = Traffic::new(scope, &connectors, &desks);
            loop {
                for system in 0..connectors.len() {
                    self.promise_what_is_due(under_way, system, &mut traffic)?;
                }
                if traffic.lines.iter().all(Line::is_idle) {
                    if under_way.stops() || !self.wait_until_due(under_way)? {
                        return Ok(traffic.sent_any);
                    }
                    continue;
                }
                for (system, parcels) in self.next_answers(under_way, &mut traffic)? {
                    self.take_all(under_way, system, parcels, &mut traffic)?;
                }
            }
        })
    }

    /// Hands to a system what may be under way now.
    fn promise_what_is_due(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        traffic: &mut Traffic<'_, '_>,
    ) -> Result<()> {
        while !under_way.stops()
            && let Some((flush, job)) =
                self.promise(under_way, system, &mut traffic.lines[system])?
        {
            traffic.sent_any = true;
            let jobs = traffic.parts(system, job);
            if self.systems.one_thread {
                flush()?;
                traffic.here.jobs.extend(jobs.into_iter().map(|job| (system, job)));
            } else {
                traffic.desks[system].put(flush, jobs);
                traffic.begin_threads(system);
            }
        }
        if let Some(why) = under_way.paused.get(&system) {
            let trouble = Trouble::Busy { retry_after_ms: None, message: why.clone() };
            traffic.stop(system, trouble);
        }
        Ok(())
    }

    /// Something may be due in a moment: a system that asked to come back. Gives whether that was
    /// waited for.
    fn wait_until_due(&mut self, under_way: &mut Underway) -> Result<bool> {
        let now = self.ledger.clock.now();
        let Some(due) = self.next_due(under_way)? else { return Ok(false) };
        let wait = (due.0 - now.0).max(1);
        if wait > WAIT_FOR_ONE_MS || under_way.waited_ms + wait > WAIT_IN_ALL_MS {
            return Ok(false);
        }
        under_way.waited_ms += wait;
        self.ledger.clock.wait(std::time::Duration::from_millis(wait.unsigned_abs()));
        Ok(true)
    }

    /// Waits for answers. What has come meanwhile is recorded with the first, in one commit.
    fn next_answers(
        &mut self,
        under_way: &mut Underway,
        traffic: &mut Traffic<'_, '_>,
    ) -> Result<BTreeMap<usize, Vec<Carried>>> {
        let mut came: BTreeMap<usize, Vec<Carried>> = BTreeMap::new();
        let mut take = |answered: Answered| -> Result<()> {
            let carried =
                answered.carried.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            came.entry(answered.system).or_default().extend(carried);
            Ok(())
        };
        if self.systems.one_thread {
            let chance = self.chance.as_deref_mut();
            let carried = traffic.here.carry_some(traffic.connectors, chance);
            carried.into_iter().try_for_each(&mut take)?;
        } else {
            let mut first = traffic.answers.try_recv().ok();
            if first.is_none() {
                let shares = &mut under_way.report.shares;
                timed(&mut shares.storing_ms, || self.ledger.store.idle_work())?;
                first = timed(&mut shares.delivering_ms, || traffic.answers.recv().ok());
            }
            first.into_iter().chain(traffic.answers.try_iter()).try_for_each(&mut take)?;
        }
        Ok(came)
    }

    /// Takes in what one system has answered.
    fn take_all(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        mut parcels: Vec<Carried>,
        traffic: &mut Traffic<'_, '_>,
    ) -> Result<()> {
        let line = &mut traffic.lines[system];
        parcels.iter().for_each(|(parcel, _, _)| line.end(parcel.intent.id));
        while !parcels.is_empty() {
            let rest = parcels.split_off(parcels.len().min(ANSWERS));
            self.take_answers(under_way, system, parcels)?;
            parcels = rest;
        }
        // Only a record type of it may be in trouble (R8): the others are worked with.
        if traffic.lines[system].is_idle() && !under_way.paused.contains_key(&system) {
            traffic.go_on(system);
        }
        Ok(())
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
