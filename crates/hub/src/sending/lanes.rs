//! Requests of one system side by side: as many as its connector allows are under way at one time.
//! Its threads take jobs from a queue and hand the answers back in the order in which they come.
//! Nothing is sent before the store has on the disk that it is on its way (C2).
//!
//! What may be under way together is said by [`Line`]: writes of one record type and rank, either
//! of records that are there or of new ones; never two of one record, nor one that needs a value
//! which another one is about to give up.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use lockstep_connector::{Connector, Trouble};
use lockstep_engine::Plan;
use lockstep_engine::keys::promised;
use lockstep_model::matching::seed;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{Change, Intent, IntentId, IntentKind, PropIx, RecordId, TypeIx, Value};
use lockstep_store::Flush;

use crate::sending::carry::{Carried, Job, carry_out};

/// Writes promised at a time at least.
const PROMISED: usize = 8;

/// Threads of one system at most, whatever its connector allows.
const MOST_AT_ONCE: usize = 64;

/// What came of a job.
pub(crate) struct Answered {
    pub(crate) system: usize,
    pub(crate) carried: std::thread::Result<lockstep_store::Result<Vec<Carried>>>,
}

/// What may be under way together: record type, rank, and whether it creates.
pub(crate) type Phase = (TypeIx, u16, bool);

/// The writes of one system that are promised and not answered.
pub(crate) struct Line {
    /// How many requests may be under way at one time.
    pub(crate) at_once: usize,
    pub(crate) phase: Option<Phase>,
    pub(crate) under_way: HashMap<IntentId, Needs>,
    pub(crate) records: HashSet<RecordId>,
    /// Match keys of records that are being created.
    pub(crate) keys: HashMap<u64, usize>,
    /// Values that updates are about to replace.
    pub(crate) freed: HashMap<u64, usize>,
    /// More is promised once no more than this many are under way.
    pub(crate) ahead: usize,
}

/// What a write has to itself while it is under way.
#[derive(Default)]
pub(crate) struct Needs {
    pub(crate) record: Option<RecordId>,
    pub(crate) keys: Vec<u64>,
    pub(crate) frees: Vec<u64>,
    pub(crate) takes: Vec<u64>,
}

impl Needs {
    pub(crate) fn of(plan: &Plan, intent: &Intent) -> Needs {
        let mut needs = Needs { record: intent.record, ..Needs::default() };
        match intent.kind {
            IntentKind::Create => {
                needs.keys = promised(plan, intent.ty, &intent.changes);
                let identifies = |change: &&Change| change.value.as_str().is_some_and(identifies);
                needs.keys.extend(
                    intent.changes.iter().filter(identifies).map(|c| hash(c.prop, &c.value)),
                );
            }
            IntentKind::Delete => {}
            IntentKind::Update => {
                let tells = |value: &Value| !is_empty(value) && !value.is_boolean();
                for change in &intent.changes {
                    needs.frees.extend(
                        tells(&change.displaced).then(|| hash(change.prop, &change.displaced)),
                    );
                    needs
                        .takes
                        .extend(tells(&change.value).then(|| hash(change.prop, &change.value)));
                }
            }
        }
        needs
    }
}

impl Line {
    pub(crate) fn new(at_once: usize) -> Line {
        Line {
            at_once,
            phase: None,
            under_way: HashMap::new(),
            records: HashSet::new(),
            keys: HashMap::new(),
            freed: HashMap::new(),
            ahead: 0,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Whether nothing more is promised before an answer comes.
    pub(crate) fn is_full(&self) -> bool {
        !self.is_idle() && (self.at_once == 1 || self.under_way.len() > self.ahead)
    }

    /// Whether writes of this phase may join those under way.
    pub(crate) fn takes(&self, phase: Phase) -> bool {
        self.is_idle() || self.phase == Some(phase)
    }

    /// How many writes to promise now, where one request takes `batch` of them.
    pub(crate) fn room(&mut self, batch: usize, most: usize) -> usize {
        if self.at_once == 1 {
            return batch.clamp(PROMISED, most);
        }
        self.ahead = (self.at_once * batch).clamp(PROMISED, most);
        (2 * self.ahead).saturating_sub(self.under_way.len())
    }

    /// Whether a write has to wait for one that is under way.
    pub(crate) fn must_wait(&self, needs: &Needs) -> bool {
        needs.record.is_some_and(|record| self.records.contains(&record))
            || needs.keys.iter().any(|key| self.keys.contains_key(key))
            || needs.takes.iter().any(|value| self.freed.contains_key(value))
    }

    /// Takes those of these writes that may be under way with the others, and notes that they are;
    /// what is left waits. One that gives a value up goes before the one that takes it, where no
    /// others hold it or want it.
    pub(crate) fn take(&mut self, plan: &Plan, phase: Phase, intents: &mut Vec<Intent>) {
        let needs: Vec<Needs> = intents.iter().map(|intent| Needs::of(plan, intent)).collect();
        let count = |of: fn(&Needs) -> &[u64]| {
            let mut counts: HashMap<u64, (usize, usize)> = HashMap::new();
            for (at, needs) in needs.iter().enumerate() {
                for hash in of(needs) {
                    let entry = counts.entry(*hash).or_insert((0, at));
                    *entry = (entry.0 + 1, at);
                }
            }
            counts
        };
        let (frees, takes) = (count(|needs| &needs.frees), count(|needs| &needs.takes));
        let only = |counts: &HashMap<u64, (usize, usize)>, hash: &u64| {
            counts.get(hash).filter(|(n, _)| *n == 1).map(|(_, at)| *at)
        };
        let waits_for_another = |at: usize, needs: &Needs| {
            let wanted = needs.takes.iter().filter(|hash| only(&takes, hash).is_some());
            wanted.filter_map(|hash| only(&frees, hash)).any(|other| other != at)
        };
        let waits: Vec<bool> =
            needs.iter().enumerate().map(|(at, needs)| waits_for_another(at, needs)).collect();
        // Those that wait for each other in a circle have to begin somewhere.
        let circle = self.is_idle() && waits.iter().all(|waits| *waits);
        let mut all = needs.into_iter().zip(waits).enumerate();
        intents.retain(|intent| {
            let Some((at, (needs, waits))) = all.next() else { return false };
            let goes = (!waits || circle && at == 0) && !self.must_wait(&needs);
            if goes {
                self.begin(phase, intent.id, needs);
            }
            goes
        });
    }

    pub(crate) fn begin(&mut self, phase: Phase, intent: IntentId, needs: Needs) {
        self.phase = Some(phase);
        self.records.extend(needs.record);
        needs.keys.iter().for_each(|key| *self.keys.entry(*key).or_default() += 1);
        needs.frees.iter().for_each(|value| *self.freed.entry(*value).or_default() += 1);
        self.under_way.insert(intent, needs);
    }

    /// It is answered, or was not sent after all.
    pub(crate) fn end(&mut self, intent: IntentId) {
        let Some(needs) = self.under_way.remove(&intent) else { return };
        if let Some(record) = needs.record {
            self.records.remove(&record);
        }
        let less = |counts: &mut HashMap<u64, usize>, hash: &u64| {
            if let Some(count) = counts.get_mut(hash) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(hash);
                }
            }
        };
        needs.keys.iter().for_each(|key| less(&mut self.keys, key));
        needs.frees.iter().for_each(|value| less(&mut self.freed, value));
    }
}

/// Where the threads of one system find their work.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) state: Mutex<State>,
    pub(crate) changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    /// Jobs that are not on the disk yet.
    promised: VecDeque<(Flush, Vec<Job>)>,
    jobs: VecDeque<Job>,
    active: usize,
    /// The system is in trouble: what waits here is not sent.
    stopped: Option<Trouble>,
    closed: bool,
}

pub(crate) enum Task {
    Flush(Flush, Vec<Job>),
    Carry(Job, Option<Trouble>),
}

impl Desk {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, flush: Flush, jobs: Vec<Job>) {
        self.state().promised.push_back((flush, jobs));
        self.changed.notify_all();
    }

    /// Sends no more of what waits here: it comes back as stopped by this trouble.
    pub(crate) fn stop(&self, trouble: Trouble) {
        self.state().stopped.get_or_insert(trouble);
    }

    /// Sends again.
    pub(crate) fn go_on(&self) {
        self.state().stopped = None;
    }

    /// Has the threads end; what waits here is not sent.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    pub(crate) fn next(&self, at_once: usize) -> Option<Task> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some((flush, jobs)) = state.promised.pop_front() {
                return Some(Task::Flush(flush, jobs));
            }
            if state.active < at_once
                && let Some(job) = state.jobs.pop_front()
            {
                state.active += 1;
                return Some(Task::Carry(job, state.stopped.clone()));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many threads a system needs: one more flushes while the others send.
    pub(crate) fn threads(at_once: usize) -> usize {
        if at_once == 1 { 1 } else { at_once + 1 }
    }

    /// What each of the threads does until the desk is closed.
    pub(crate) fn work(
        &self,
        system: usize,
        connector: &dyn Connector,
        at_once: usize,
        answers: &Sender<Answered>,
    ) {
        while let Some(task) = self.next(at_once) {
            let carried = match task {
                Task::Flush(flush, jobs) => match flush() {
                    Ok(()) => {
                        self.state().jobs.extend(jobs);
                        self.changed.notify_all();
                        continue;
                    }
                    Err(error) => Ok(Err(error)),
                },
                Task::Carry(job, stopped) => {
                    let carried =
                        catch_unwind(AssertUnwindSafe(|| carry_out(connector, job, stopped)));
                    let mut state = self.state();
                    state.active -= 1;
                    if let Ok((_, Some(trouble))) = &carried {
                        state.stopped.get_or_insert(trouble.clone());
                    }
                    drop(state);
                    self.changed.notify_one();
                    carried.map(|(carried, _)| Ok(carried))
                }
            };
            if answers.send(Answered { system, carried }).is_err() {
                return;
            }
        }
    }
}

/// Closes all desks when the work ends, however it ends.
pub(crate) struct Closing<'a>(pub(crate) &'a [Desk]);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(Desk::close);
    }
}

/// How many requests of a connector may be under way at one time.
pub(crate) fn at_once(connector: &dyn Connector) -> usize {
    connector.at_once().clamp(1, MOST_AT_ONCE)
}

fn hash(prop: PropIx, value: &Value) -> u64 {
    seed(&format!("{}:{}", prop.0, shown(value).trim().to_lowercase()))
}

/// Whether a text may be what a system tells its records apart by: an e-mail address, a phone
/// number, an organisation's number. Two records with the same one are not created side by side: a
/// system that takes the second for the first would show the values of either to both.
fn identifies(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_number = || text.bytes().all(|b| b.is_ascii_digit() || b" +()-./".contains(&b));
    let is_date = || text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    text.contains('@') || digits >= 6 && is_number() && !is_date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_written_once_at_a_time_and_a_value_is_taken_when_it_is_free() {
        let mut line = Line::new(4);
        let phase = (TypeIx(0), 0, false);
        let needs = |record: i64, frees: &[u64], takes: &[u64]| Needs {
            record: Some(RecordId(record)),
            frees: frees.to_vec(),
            takes: takes.to_vec(),
            ..Needs::default()
        };
        assert!(line.takes(phase) && line.room(1, 100) == 16);
        line.begin(phase, IntentId(1), needs(1, &[7], &[8]));
        line.begin(phase, IntentId(2), needs(2, &[7], &[9]));
        assert!(line.must_wait(&needs(1, &[], &[])), "two writes of one record");
        assert!(line.must_wait(&needs(3, &[], &[7])), "the value is still held");
        assert!(!line.must_wait(&needs(3, &[7], &[8])));
        assert!(!line.takes((TypeIx(0), 0, true)), "creations come after updates");
        line.end(IntentId(1));
        assert!(!line.must_wait(&needs(1, &[], &[])));
        assert!(line.must_wait(&needs(3, &[], &[7])));
        line.end(IntentId(2));
        assert!(
            identifies("kari@example.com")
                && identifies("+47 22 00 00 01")
                && identifies("987654321")
        );
        assert!(
            !identifies("Oslo")
                && !identifies("0150")
                && !identifies("2026-11-29")
                && !identifies("2026-11-29T12:00:00Z")
        );
        assert!(line.is_idle() && !line.must_wait(&needs(3, &[], &[7])));
        assert!(line.takes((TypeIx(0), 0, true)));
    }
}
