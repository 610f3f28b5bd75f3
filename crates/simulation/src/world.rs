//! One world: people work, the hub runs and dies, systems fail; then everything heals and must settle.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use lockstep_connector::Connector;
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Hub, Report, RunOptions, Safeguards, System};
use lockstep_model::{GuardKind, IntentState, Limit, Limits, ReviewKind, TypeName};
use lockstep_store::SqliteStore;

use crate::checkers;
use crate::clock::SimulatedClock;
use crate::draw::Drawn;
use crate::mortal::{Life, MortalStore};
use crate::random::Random;
use crate::system::SimulatedSystem;
use crate::truth::{Shared, Violation};

/// How a world is to go.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many things happen before everything heals.
    pub steps: usize,
    /// The hub forgets on every restart what it sent: a world that must fail.
    pub forgets: bool,
    /// People link, unlink and answer what waits for them.
    pub acts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { steps: 60, forgets: false, acts: true }
    }
}

/// What came of a world.
#[derive(Debug, Default)]
pub struct Outcome {
    pub drawn: String,
    pub steps: usize,
    pub runs: usize,
    pub kills: usize,
    pub edits: u64,
    pub acts: u64,
    pub writes: usize,
    pub conflicts: u64,
    pub reviews: usize,
    pub faults: Vec<(&'static str, u64)>,
    pub violations: Vec<Violation>,
    /// What happened, with the person it was about.
    pub story: Vec<(String, String)>,
}

/// A world at work.
pub struct World {
    pub drawn: Drawn,
    pub systems: Vec<Arc<SimulatedSystem>>,
    pub truth: Shared,
    pub clock: Arc<SimulatedClock>,
    random: Random,
    folder: tempfile::TempDir,
    options: Options,
    runs: usize,
    kills: usize,
    people: usize,
}

impl World {
    /// The world of a seed, before anything happens.
    pub fn new(seed: u64, options: Options) -> World {
        let mut random = Random::new(seed);
        let drawn = Drawn::of(&mut random);
        let (clock, truth) = (Arc::new(SimulatedClock::new()), Shared::default());
        let system = |n, random| Arc::new(SimulatedSystem::new(n, &drawn, clock.clone(), truth.clone(), random));
        let systems = (0..drawn.systems.len()).map(|n| system(n, random.split())).collect();
        // Memory, where the machine has a folder in it: a world commits some thousand times.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder for the store");
        World { drawn, systems, truth, clock, random, folder, options, runs: 0, kills: 0, people: 0 }
    }

    /// The same world, whose store outlives it; where it is becomes part of the story.
    pub fn keep_store(mut self) -> World {
        self.folder.disable_cleanup(true);
        self.truth.look().tell("", format!("the store: {}", self.folder.path().join("lockstep.db").display()));
        self
    }

    /// Everything, from the first person to the last check.
    pub fn play(mut self) -> Outcome {
        for _ in 0..self.drawn.people {
            self.new_person();
        }
        for _ in 0..self.options.steps {
            self.step();
            if !self.truth.look().violations.is_empty() {
                break;
            }
        }
        if self.truth.look().violations.is_empty() {
            self.settle();
        }
        let reviews = self.hub(Life::of(None)).and_then(|mut hub| Ok(hub.store().reviews(usize::MAX >> 1)?.len())).unwrap_or(0);
        let truth = self.truth.look();
        Outcome {
            drawn: self.drawn.to_string(),
            steps: self.options.steps,
            runs: self.runs,
            kills: self.kills,
            edits: truth.people_edits,
            acts: truth.acts,
            writes: truth.deeds.len(),
            conflicts: truth.conflicts,
            reviews,
            faults: truth.faults.iter().map(|(kind, n)| (*kind, *n)).collect(),
            violations: truth.violations.clone(),
            story: truth.story.clone(),
        }
    }

    fn step(&mut self) {
        self.clock.pass(self.random.between(1, 90_000));
        match self.random.below(100) {
            0..45 => {
                let at = self.random.below(self.systems.len());
                self.systems[at].clone().person_edits(&mut self.random);
            }
            45..53 => self.new_person(),
            53..58 => {
                let at = self.random.below(self.systems.len());
                self.systems[at].clone().person_deletes(&mut self.random);
            }
            58..62 => self.clock.pass(self.random.between(3_600_000, 100_000_000)),
            62..66 if self.options.acts => {
                let mut random = self.random.split();
                self.act(&mut random);
            }
            _ => {
                let killed = self.random.per_mille(self.drawn.killed);
                let life = killed.then(|| self.random.between(3, 160));
                if self.random.per_mille(750) {
                    self.run(life, false);
                    return;
                }
                // R4: a system calls, of something new or of something long known, and now and then calls twice.
                let caller = self.random.below(self.systems.len());
                self.run_for(life, false, Some(caller));
                if self.random.per_mille(200) {
                    self.run_for(None, false, Some(caller));
                }
            }
        }
    }

    /// Somebody is typed into some of the systems, in one as `Somebody@…`.
    fn new_person(&mut self) {
        self.people += 1;
        let who = format!("p{}", self.people);
        let shared = self.drawn.sharers && self.people <= 2;
        if shared {
            self.truth.look().sharing.insert(who.clone());
        }
        let mail = if shared { "family@example.com".into() } else { format!("{who}@example.com") };
        let mut nowhere = true;
        let only = self.drawn.matchless.then(|| self.random.below(self.systems.len()));
        for at in 0..self.systems.len() {
            let last = at + 1 == self.systems.len();
            if only.map_or_else(|| self.random.per_mille(450) || (nowhere && last), |only| at == only) {
                nowhere = false;
                let mail = if self.random.per_mille(200) { mail.to_uppercase() } else { mail.clone() };
                let mut mails = vec![mail];
                if self.random.per_mille(300) {
                    // Where a third system gets only the first address, nothing tells who it is to one that knows the second.
                    let place = if self.systems.len() == 2 { self.random.below(2) } else { 1 };
                    mails.insert(place, format!("other.{who}.{at}@example.org"));
                }
                if !self.systems[at].drawn.mail_is_a_list {
                    mails.retain(|mail| !mail.starts_with("other."));
                }
                self.systems[at].clone().person_adds(&who, mails, &mut self.random);
            }
        }
    }

    /// The hub, as a process that has just been started.
    pub fn hub(&self, life: Arc<Life>) -> lockstep_hub::run::Result<Hub> {
        let schemas: Schemas = self.systems.iter().map(|s| (s.drawn.name.clone(), s.types().to_vec())).collect();
        let plan = Plan::compile(&self.drawn.flows(), &schemas).expect("a world has only flows that can be");
        let named = |s: &Arc<SimulatedSystem>| {
            s.called_by(life.clone());
            System { name: s.drawn.name.clone(), connector: s.clone() }
        };
        let systems = self.systems.iter().map(named).collect();
        let real = Box::new(SqliteStore::open(self.folder.path().join("lockstep.db"))?);
        let store = MortalStore::new(real, life, self.options.forgets);
        let mut hub = Hub::new(plan, systems, Box::new(store), self.clock.clone())?.in_one_thread();
        let mut limits = Limits::default();
        for kind in [GuardKind::Creates, GuardKind::Updates, GuardKind::Deletes] {
            limits.set(kind, Limit::None);
        }
        let limits = self.systems.iter().map(|s| (s.drawn.name.clone(), limits)).collect();
        hub.set_safeguards(Safeguards { limits, ..Safeguards::default() });
        Ok(hub)
    }

    /// One run; `None` if it was killed.
    fn run(&mut self, steps: Option<i64>, full: bool) -> Option<Report> {
        self.run_for(steps, full, None)
    }

    /// One run, of the system alone that has called, if one has.
    fn run_for(&mut self, steps: Option<i64>, full: bool, caller: Option<usize>) -> Option<Report> {
        self.runs += 1;
        let life = Life::of(steps);
        let before: u64 = self.truth.look().faults.values().sum();
        let called = caller.map_or(String::new(), |at| format!(", called by {}", self.systems[at].drawn.name));
        self.truth.look().tell(
            "",
            format!("run {}{called}{}", self.runs, steps.map_or(String::new(), |n| format!(", to be killed after {n} steps"))),
        );
        // G3: of a listing that stops its flows nothing is kept, so that what it showed is still to be seen.
        let mut stopped = BTreeSet::new();
        let result = self.hub(life.clone()).and_then(|mut hub| {
            let only = caller.map(|at| {
                let name = TypeName::parse(&format!("{}.Person", self.systems[at].drawn.name)).expect("a name of ours");
                hub.plan_of_flows().type_named(&name).into_iter().collect()
            });
            let report = hub.run(RunOptions { full, only, ..RunOptions::default() })?;
            // Whoever is asked says yes to everything: what was asked for is verified nonetheless (R3).
            for guard in hub.tripped_guards()? {
                if GuardKind::parse(guard.guard).is_some_and(|kind| kind.writes().is_none()) {
                    stopped.insert(guard.system.clone());
                }
                if let Some(kind) = GuardKind::parse(guard.guard) {
                    hub.release(&guard.system, kind)?;
                }
            }
            Ok(report)
        });
        for system in &self.systems {
            system.no_longer_called(!life.ended() && !stopped.contains(&system.drawn.name));
        }
        let mut truth = self.truth.look();
        if life.ended() {
            self.kills += 1;
            truth.tell("", "the hub is killed".into());
            return None;
        }
        match result {
            Ok(report) => {
                let whole = caller.is_none() && truth.faults.values().sum::<u64>() == before && report.outbox == 0;
                if whole {
                    truth.epoch += 1;
                }
                truth.tell("", format!("it ends with {} writes", report.writes()));
                Some(report)
            }
            Err(error) => {
                truth.broken("the hub fails", "", error.to_string());
                None
            }
        }
    }

    /// Everything heals: from here on it must come to rest, with everything as it should be.
    fn settle(&mut self) {
        self.truth.look().healed = true;
        let mut last = None;
        for round in 0..12 {
            self.clock.pass(120_000);
            if let Err(error) = self.answer_what_is_unknown() {
                self.truth.look().broken("the hub fails", "", error.to_string());
            }
            // What a system does not tell of is found by listing everything.
            last = self.run(None, round % 3 == 0);
            if !self.truth.look().violations.is_empty() {
                return;
            }
            if round > 1 && last.as_ref().is_some_and(|report| report.writes() == 0 && report.outbox == 0) {
                break;
            }
        }
        if last.is_none_or(|report| report.writes() > 0 || report.outbox > 0) {
            self.truth.look().broken("not settled", "", "twelve runs after everything has healed it still writes".into());
            return;
        }
        match self.hub(Life::of(None)) {
            Ok(mut hub) => {
                let found = checkers::all(self, &mut hub);
                let mut truth = self.truth.look();
                match found {
                    Ok(found) => {
                        for violation in found {
                            truth.broken(violation.checker, &violation.who.unwrap_or_default(), violation.message);
                        }
                    }
                    Err(error) => truth.broken("the store fails", "", error.to_string()),
                }
            }
            Err(error) => self.truth.look().broken("the hub fails", "", error.to_string()),
        }
    }
}

/// Whether somebody is asked about a record, so that it may rightly differ.
pub fn is_asked_about(kind: ReviewKind) -> bool {
    !matches!(kind, ReviewKind::AmbiguousMatch | ReviewKind::DisputedEntity)
}

/// Whether an intent is still to be carried out.
pub fn is_under_way(state: IntentState) -> bool {
    matches!(state, IntentState::Queued | IntentState::Sent | IntentState::Unknown)
}
