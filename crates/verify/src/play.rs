//! Plays trials: all of them through the same few runs.
//!
//! A round lets every trial do its steps up to its next run, then the hub runs once. So the number
//! of runs is that of the longest trial, not of all trials, and what is kept in memory is one list
//! of each record type at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::emulated::{Running, Setting};
use lockstep_hub::{Hub, Report, RunOptions};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, TypeIx, TypeName, Value};

use crate::Error;
use crate::exchanges::Exchanges;
use crate::hands::Hands;
use crate::trial::{Failure, Slot, Step, Trial, Verdict};

mod expect;
mod look;
mod steps;
mod watch;

/// Clocks that show seconds tell two edits apart after this.
const LATER: Duration = Duration::from_millis(1100);
/// So many runs in a row are disturbed before the systems behave again, and so many more are made
/// until nothing waits.
const RUNS_WITH_FAULTS: usize = 3;
const RUNS_TO_SETTLE: usize = 20;

/// Who is told of every record that a trial has added.
pub type Added<'a> = Box<dyn FnMut(&TypeName, &str) + 'a>;

/// Everything that is to play.
pub struct Player<'a> {
    pub hub: &'a mut Hub,
    pub hands: &'a Hands,
    pub sandbox: Option<Arc<Running>>,
    /// The paths that the trials look at, by record type.
    watch: BTreeMap<TypeName, Vec<PropertyRef>>,
    /// What the types hold now; emptied with every run and edit.
    seen: BTreeMap<TypeName, HashMap<String, ReadRecord>>,
    /// Single records as they are now; emptied likewise.
    looked_at: HashMap<(TypeName, String), Option<ReadRecord>>,
    /// Where each trial stands, and how far it is with a partner.
    at: Vec<(usize, u8)>,
    /// Which of them wait for the next run.
    waits: Vec<bool>,
    remembered: HashMap<(usize, Slot), Vec<Option<Value>>>,
    /// What goes wrong while the hub runs, where something is to.
    pub faults: Option<Setting>,
    /// Says that no more is to be begun.
    pub stop: Option<Arc<AtomicBool>>,
    /// Is told of every record that a trial has added, at once.
    pub added: Option<Added<'a>>,
    /// The last request before the run under way.
    before_run: u64,
    exchanges: Exchanges,
    edits: u64,
    /// Somebody has deleted something: the next run lists everything, as not every system tells of
    /// deletions (R3).
    full: bool,
    /// In which of the first runs each record type is read, where the hub begins with nothing.
    pub first_readings: BTreeMap<TypeName, usize>,
}

/// Why a trial stops for now.
enum Stop {
    Run,
    Later,
    Over(Verdict, Option<Failure>),
}

impl<'a> Player<'a> {
    /// Somebody to play these trials.
    pub fn new(
        hub: &'a mut Hub,
        hands: &'a Hands,
        sandbox: Option<Arc<Running>>,
        trials: &[Trial],
    ) -> Self {
        let mut watch: BTreeMap<TypeName, Vec<PropertyRef>> = BTreeMap::new();
        for trial in trials {
            watch::watched(&trial.script, &mut watch);
        }
        let (at, waits) = (vec![(0, 0); trials.len()], vec![false; trials.len()]);
        Player {
            hub,
            hands,
            sandbox,
            watch,
            seen: BTreeMap::new(),
            looked_at: HashMap::new(),
            at,
            waits,
            remembered: HashMap::new(),
            before_run: 0,
            exchanges: Exchanges::default(),
            edits: 0,
            full: false,
            first_readings: BTreeMap::new(),
            faults: None,
            stop: None,
            added: None,
        }
    }

    /// Plays them to the end. Gives the report of a last run that has nothing to do.
    pub fn play(&mut self, trials: &mut [Trial]) -> Result<Report, Error> {
        self.first_readings(trials)?;
        // L8: nothing is created before both sides have been read once.
        self.run()?;
        // A step takes a run, or a moment; one on a partner up to three. What has not come to its
        // end after that never does.
        let most = 4 * trials.iter().map(|trial| trial.script.len()).max().unwrap_or(0) + 8;
        for round in 0.. {
            if round == most {
                let why = format!("its steps did not come to an end in {most} runs");
                let left = trials.iter_mut().filter(|trial| trial.verdict.is_none());
                left.for_each(|trial| trial.verdict = Some(Verdict::NotTried(why.clone())));
                break;
            }
            if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                let left = trials.iter_mut().filter(|trial| trial.verdict.is_none());
                left.for_each(|trial| {
                    trial.verdict = Some(Verdict::NotTried("it was interrupted".into()))
                });
                return self.run();
            }
            let (mut runs, mut later) = (false, false);
            for (n, trial) in trials.iter_mut().enumerate() {
                if trial.verdict.is_some() {
                    continue;
                }
                if self.waits[n] {
                    runs = true;
                    continue;
                }
                match self.go_on(n, trial)? {
                    Stop::Run => (runs, self.waits[n]) = (true, true),
                    Stop::Later => later = true,
                    Stop::Over(verdict, failure) => self.over(n, trial, verdict, failure),
                }
            }
            match (later, runs) {
                // Those that wait for a run do so until nobody waits for time to pass.
                (true, _) => {
                    std::thread::sleep(LATER);
                    self.pass(trials, &Step::Later);
                }
                (false, true) => {
                    // An edit is later than all that was done before the run before it.
                    std::thread::sleep(Duration::from_millis(5));
                    self.run()?;
                    self.waits.fill(false);
                    self.pass(trials, &Step::Run);
                }
                (false, false) => break,
            }
        }
        // What trials left half done is settled first: only then there is nothing to do.
        self.run()?;
        self.run()
    }

    /// L8: the first runs of all read some of the record types only, for the trials that are about
    /// that.
    fn first_readings(&mut self, trials: &mut [Trial]) -> Result<(), Error> {
        let begins =
            |trial: &Trial| trial.script.iter().any(|step| matches!(step, Step::FirstReading(_)));
        let last = trials.iter().flat_map(|trial| &trial.script).filter_map(|step| match step {
            Step::FirstReading(n) => Some(*n),
            _ => None,
        });
        let Some(last) = last.max() else { return Ok(()) };
        for reading in 0..=last {
            for (n, trial) in trials
                .iter_mut()
                .enumerate()
                .filter(|(_, trial)| begins(trial) && trial.verdict.is_none())
            {
                match trial.script.get(self.at[n].0) {
                    Some(Step::FirstReading(_)) => {}
                    _ => match self.go_on(n, trial)? {
                        Stop::Over(verdict, failure) => self.over(n, trial, verdict, failure),
                        Stop::Run | Stop::Later => {}
                    },
                }
            }
            let plan = self.hub.ledger.plan_of_flows();
            let read = self.first_readings.iter().filter(|(_, at)| **at <= reading);
            let types: BTreeSet<TypeIx> = read.filter_map(|(ty, _)| plan.type_named(ty)).collect();
            self.seen.clear();
            self.looked_at.clear();
            self.hub.run(RunOptions { only: Some(types), ..RunOptions::default() })?;
            for (trial, at) in
                trials.iter_mut().zip(&mut self.at).filter(|(trial, _)| trial.verdict.is_none())
            {
                if let Some(Step::FirstReading(n)) = trial.script.get(at.0)
                    && *n == reading
                {
                    trial.told.push("A first run reads only what no flow leads to yet.".into());
                    at.0 += 1;
                }
            }
            // What there is to be seen now is seen before more is read.
            for (n, trial) in trials
                .iter_mut()
                .enumerate()
                .filter(|(_, trial)| begins(trial) && trial.verdict.is_none())
            {
                if !matches!(trial.script.get(self.at[n].0), Some(Step::FirstReading(_)))
                    && let Stop::Over(verdict, failure) = self.go_on(n, trial)?
                {
                    self.over(n, trial, verdict, failure);
                }
            }
        }
        Ok(())
    }

    fn over(&mut self, n: usize, trial: &mut Trial, verdict: Verdict, failure: Option<Failure>) {
        let verdict =
            if verdict == Verdict::Proved && trial.by_hand { Verdict::OnceLinked } else { verdict };
        (trial.verdict, trial.failure) = (Some(verdict), failure);
        trial.script = vec![];
        for slot in 0..trial.records.len() {
            self.remembered.remove(&(n, slot));
        }
    }

    /// Moves all trials that wait for this on.
    fn pass(&mut self, trials: &[Trial], waited_for: &Step) {
        for (trial, at) in trials.iter().zip(&mut self.at) {
            let here = trial.script.get(at.0);
            if trial.verdict.is_none()
                && here.is_some_and(|step| {
                    std::mem::discriminant(step) == std::mem::discriminant(waited_for)
                })
            {
                at.0 += 1;
            }
        }
    }

    fn run(&mut self) -> Result<Report, Error> {
        self.seen.clear();
        self.looked_at.clear();
        let full = std::mem::take(&mut self.full);
        let options = || RunOptions { full, ..RunOptions::default() };
        if let Some(sandbox) = &self.sandbox {
            self.before_run = sandbox.last_request();
        }
        let Some((faults, sandbox)) = self.faults.clone().zip(self.sandbox.clone()) else {
            let report = self.hub.run(options())?;
            return match report.guards.first() {
                Some(guard) => Err(Error::Guard(lockstep_wording::why(&guard.why))),
                None => Ok(report),
            };
        };
        // People are not disturbed: things go wrong while the hub runs. In the end all systems
        // behave, and what waits is done.
        for system in sandbox.systems() {
            sandbox
                .set_faults(&system, faults.clone())
                .map_err(|error| Error::Stage(error.to_string()))?;
        }
        for _ in 0..RUNS_WITH_FAULTS {
            let report = self.hub.run(options())?;
            if report.outbox == 0 && report.systems.iter().all(|system| system.paused.is_none()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        for system in sandbox.systems() {
            sandbox.clear_faults(&system).map_err(|error| Error::Stage(error.to_string()))?;
        }
        let mut report = self.hub.run(options())?;
        for _ in 0..RUNS_TO_SETTLE {
            if report.outbox == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
            report = self.hub.run(options())?;
        }
        Ok(report)
    }

    /// A trial's steps up to where it has to wait.
    fn go_on(&mut self, n: usize, trial: &mut Trial) -> Result<Stop, Error> {
        loop {
            let Some(step) = trial.script.get(self.at[n].0).cloned() else {
                return Ok(Stop::Over(Verdict::Proved, None));
            };
            let stop = match step {
                Step::Run => {
                    trial.told.push("A run.".into());
                    return Ok(Stop::Run);
                }
                // It goes on when that run has been.
                Step::FirstReading(_) => return Ok(Stop::Run),
                Step::Later => return Ok(Stop::Later),
                Step::Delete { slot } => self.delete(trial, slot),
                Step::Link { a, b } => self.link(trial, a, b),
                Step::Add { slot, ty, values } => self.add(n, trial, slot, &ty, &values),
                Step::AddAlike { slot, ty, values } => self.add(n, trial, slot, &ty, &values),
                Step::Edit { slot, values } => self.edit(n, trial, slot, &values),
                Step::Partner { of, slot, ty, values } => {
                    self.partner(n, trial, of, slot, &ty, &values)?
                }
                Step::Remember { slot } => {
                    let shown = self.record(trial, slot).map(|record| record.values);
                    self.remembered.insert((n, slot), shown.unwrap_or_default());
                    None
                }
                Step::Expect(expect) => self.expect(n, trial, &expect)?,
            };
            match stop {
                Some(stop) => return Ok(stop),
                None => self.at[n] = (self.at[n].0 + 1, 0),
            }
        }
    }
}

fn put(trial: &mut Trial, slot: Slot, ty: &TypeName, id: &str) {
    if trial.records.len() <= slot {
        trial.records.resize(slot + 1, None);
    }
    trial.records[slot] = Some((ty.clone(), id.to_string()));
}
