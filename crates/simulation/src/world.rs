//! One world: people work, the hub runs and dies, systems fail; then everything heals and must
//! settle.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use lockstep_connector::Connector;
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Hub, Progress, Report, RunOptions, Safeguards, System, Watcher};
use lockstep_model::{GuardKind, IntentState, Limit, Limits, ReviewKind, TypeIx};
use lockstep_store::SqliteStore;

use crate::checkers;
use crate::clock::SimulatedClock;
use crate::draw::{Drawn, Faults, Kind};
use crate::lines;
use crate::mortal::{Life, MortalStore};
use crate::random::Random;
use crate::system::SimulatedSystem;
use crate::truth::{Shared, Violation};

/// Makes the seed of a second stream out of a world's seed.
const MORE: u64 = 0x6c6f_636b_7374_6570;
/// That of a third one, for the forms of rows.
const FORMS: u64 = 0x666f_726d_7301_5eed;
/// That of a fourth one, for lists whose elements are records.
const LINES: u64 = 0x6c69_6e65_7301_5eed;
/// Another one, for the order of writes that are under way together.
const LANES: u64 = 0x6c61_6e65_7301_5eed;
/// The machine's and the systems' clocks are set back by up to this.
const SET_BACK_MS: i64 = 300_000;
/// Passes after everything has healed, so that no back-off is left: the longest is an hour (G4).
const BACK_OFF_MS: i64 = 4_500_000;

/// How a world is to go.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many things happen before everything heals.
    pub steps: usize,
    /// The hub forgets on every restart what it sent: a world that must fail.
    pub forgets: bool,
    /// People link, unlink and answer what waits for them.
    pub acts: bool,
    /// Which kinds of fault may be drawn beside those that every world may have.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Options { steps: 60, forgets: false, acts: true, faults: Faults::USUAL }
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
    seed: u64,
    random: Random,
    /// Chance for what the other stream does not ask for.
    pub(crate) more: Random,
    /// Chance for what the forms of rows ask for.
    forms: Random,
    /// Chance for what lists ask for whose elements are records.
    lines: Random,
    folder: tempfile::TempDir,
    options: Options,
    runs: usize,
    kills: usize,
    people: usize,
    /// How often the hub's clock has been set back.
    set_back: u32,
    companies: usize,
    /// How many new addresses there have been.
    pub(crate) addresses: usize,
}

impl World {
    /// The world of a seed, before anything happens.
    pub fn new(seed: u64, options: Options) -> World {
        let mut random = Random::new(seed);
        let mut more = Random::new(seed ^ MORE);
        let mut forms = Random::new(seed ^ FORMS);
        let mut drawn = Drawn::of([&mut random, &mut more, &mut forms], options.faults);
        let mut lines = Random::new(seed ^ LINES);
        drawn.add_lines(&mut lines, options.faults);
        let mut lanes = Random::new(seed ^ LANES);
        drawn.systems.iter_mut().for_each(|system| system.at_once = 1 + lanes.below(4));
        let (clock, truth) = (Arc::new(SimulatedClock::new()), Shared::default());
        let system =
            |n, both| Arc::new(SimulatedSystem::new(n, &drawn, clock.clone(), truth.clone(), both));
        let systems =
            (0..drawn.systems.len()).map(|n| system(n, [random.split(), more.split()])).collect();
        // Memory, where the machine has a folder in it: a world commits some thousand times.
        let memory = PathBuf::from("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder for the store");
        World {
            drawn,
            systems,
            truth,
            clock,
            seed,
            random,
            more,
            forms,
            lines,
            folder,
            options,
            runs: 0,
            kills: 0,
            people: 0,
            set_back: 0,
            companies: 0,
            addresses: 0,
        }
    }

    /// The same world, whose store outlives it; where it is becomes part of the story.
    pub fn keep_store(mut self) -> World {
        self.folder.disable_cleanup(true);
        self.truth
            .look()
            .tell("", format!("the store: {}", self.folder.path().join("lockstep.db").display()));
        self
    }

    /// Everything, from the first person to the last check.
    pub fn play(mut self) -> Outcome {
        if self.drawn.lines {
            self.truth.look().count("world with child records");
        }
        for _ in 0..self.drawn.people {
            self.new_person();
        }
        if self.drawn.companies {
            (0..3).for_each(|_| self.new_company());
            for system in self.systems.clone() {
                (0..self.drawn.people).for_each(|_| system.person_hires(&mut self.more));
            }
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
        let reviews = self
            .hub(Life::of(None))
            .and_then(|mut hub| Ok(hub.ledger.store().reviews(usize::MAX >> 1)?.len()))
            .unwrap_or(0);
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
        self.set_clocks_back();
        let (moves, hires, founds) =
            (self.more.per_mille(120), self.more.per_mille(150), self.more.per_mille(30));
        if moves
            && self.drawn.rotates
            && let Err(error) = self.change_address()
        {
            self.truth.look().broken("the hub fails", "", error.to_string());
        }
        if hires && self.drawn.companies {
            let at = self.more.below(self.systems.len());
            self.systems[at].clone().person_hires(&mut self.more);
        }
        if founds && self.drawn.companies {
            self.new_company();
        }
        if self.drawn.forms.sets && self.forms.per_mille(500) {
            let at = self.forms.below(self.systems.len());
            self.systems[at].clone().person_tags(&mut self.forms, true);
        }
        if self.drawn.lines && self.lines.per_mille(600) {
            let at = self.lines.below(self.systems.len());
            self.systems[at].clone().person_lines(&mut self.lines, true);
        }
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
            62..66 if self.options.acts && !self.drawn.facets => {
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
                // R4: a system calls, of something new or of something long known, and now and then
                // calls twice.
                let caller = self.random.below(self.systems.len());
                self.run_for(life, false, Some(caller));
                if self.random.per_mille(200) {
                    self.run_for(None, false, Some(caller));
                }
            }
        }
    }

    /// Clocks that are set back, each now and then.
    fn set_clocks_back(&mut self) {
        let (back, ms) = (self.more.per_mille(60), self.more.between(1_000, SET_BACK_MS));
        if back && self.set_back < self.drawn.set_back {
            self.set_back += 1;
            self.clock.set_back(ms);
            let mut truth = self.truth.look();
            truth.count("hub's clock set back");
            truth.tell("", format!("the hub's clock is set back by {ms} ms"));
        }
        for system in &self.systems {
            let (back, ms) = (self.more.per_mille(40), self.more.between(1_000, SET_BACK_MS));
            if back && system.drawn.steps_back {
                system.set_back(ms);
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
            if only
                .map_or_else(|| self.random.per_mille(450) || (nowhere && last), |only| at == only)
            {
                nowhere = false;
                let mail =
                    if self.random.per_mille(200) { mail.to_uppercase() } else { mail.clone() };
                let mut mails = vec![mail];
                if self.random.per_mille(300) {
                    // Where a third system gets only the first address, nothing tells who it is to
                    // one that knows the second.
                    let place = if self.systems.len() == 2 { self.random.below(2) } else { 1 };
                    mails.insert(place, format!("{who}x{at}@example.org"));
                }
                if !self.systems[at].drawn.mail_is_a_list {
                    mails.retain(|mail| !mail.ends_with("@example.org"));
                }
                self.systems[at].clone().person_adds(Kind::Person, &who, mails, &mut self.random);
            }
        }
    }

    /// A company is typed into some of the systems.
    fn new_company(&mut self) {
        self.companies += 1;
        let who = format!("c{}", self.companies);
        let first = self.more.below(self.systems.len());
        for at in 0..self.systems.len() {
            if at == first || self.more.per_mille(400) && !self.drawn.matchless {
                self.systems[at].clone().person_adds(Kind::Company, &who, vec![], &mut self.more);
            }
        }
    }

    /// The hub, as a process that has just been started.
    pub fn hub(&self, life: Arc<Life>) -> lockstep_hub::Result<Hub> {
        let connected: Vec<(String, Box<dyn Connector>)> =
            self.systems.iter().map(|s| (s.drawn.name.clone(), lines::connector(s))).collect();
        let schemas: Schemas =
            connected.iter().map(|(name, s)| (name.clone(), s.types().to_vec())).collect();
        let plan = Plan::compile(&self.drawn.flows(), &schemas)
            .expect("a world has only flows that can be");
        self.systems.iter().for_each(|system| system.called_by(life.clone()));
        let named = |(name, connector): (String, Box<dyn Connector>)| System {
            name,
            connector: connector.into(),
        };
        let systems = connected.into_iter().map(named).collect();
        let real = Box::new(SqliteStore::open(self.folder.path().join("lockstep.db"))?);
        let store = MortalStore::new(real, life, self.options.forgets);
        // Which of the writes under way comes first is a matter of chance; each run has its own.
        let mut lanes = Random::new(self.seed ^ LANES ^ ((self.runs as u64) << 32));
        let chance = Box::new(move |end| lanes.below(end));
        let hub = Hub::new(plan, systems, Box::new(store), self.clock.clone())?;
        let mut hub = hub.in_one_thread().carried_out_by(chance);
        let mut limits = Limits::default();
        for kind in [GuardKind::Creates, GuardKind::Updates, GuardKind::Deletes] {
            limits.set(kind, Limit::None);
        }
        let limits = self.systems.iter().map(|s| (s.drawn.name.clone(), limits)).collect();
        hub.ledger.set_safeguards(Safeguards { limits, ..Safeguards::default() });
        Ok(hub)
    }

    /// One run; `None` if it was killed.
    fn run(&mut self, steps: Option<i64>, full: bool) -> Option<Report> {
        self.run_for(steps, full, None)
    }

    /// After how many looks whoever watches a run wants it to end, if ever.
    fn looks_left(&self) -> Option<usize> {
        let from = self.drawn.stops.filter(|_| !self.truth.look().healed)?;
        let mut drawn = Random::new(from ^ (self.runs as u64) << 32);
        drawn.per_mille(300).then(|| drawn.below(40))
    }

    /// How a run is begun, for who follows the story.
    fn tell_begin(&self, steps: Option<i64>, caller: Option<usize>) {
        let called = caller
            .map_or(String::new(), |at| format!(", called by {}", self.systems[at].drawn.name));
        let killed = steps.map_or(String::new(), |n| format!(", to be killed after {n} steps"));
        self.truth.look().tell("", format!("run {}{called}{killed}", self.runs));
    }

    /// G3, C2: what is believed of a listing depends on how many records are known: the store counts
    /// those that are live, whatever became of its process.
    fn compare_counts(&self, hub: &mut Hub) -> lockstep_hub::Result<()> {
        let counted = hub.ledger.status()?.types;
        for (at, counted) in counted.into_iter().enumerate() {
            let live = hub.ledger.store().live_keys(TypeIx(at as u16), None, usize::MAX >> 1)?;
            if counted.records != live.len() as u64 {
                let message = format!(
                    "{} is said to have {} records, and has {}",
                    counted.name,
                    counted.records,
                    live.len()
                );
                self.truth.look().broken("counts", "", message);
            }
        }
        Ok(())
    }

    /// The records that the store has, by system and id.
    fn recorded(&self, hub: &mut Hub) -> lockstep_hub::Result<BTreeSet<(usize, String)>> {
        let mut recorded = BTreeSet::new();
        for at in 0..hub.ledger.plan_of_flows().types.len() {
            let system = &hub.ledger.plan_of_flows().types[at].name.system;
            let Some(number) = self.systems.iter().position(|s| s.drawn.name == *system) else {
                continue;
            };
            let keys = hub.ledger.store().live_keys(TypeIx(at as u16), None, usize::MAX >> 1)?;
            recorded.extend(keys.into_iter().map(|(key, _)| (number, key)));
        }
        Ok(recorded)
    }

    /// One run, of the system alone that has called, if one has.
    fn run_for(&mut self, steps: Option<i64>, full: bool, caller: Option<usize>) -> Option<Report> {
        self.runs += 1;
        let life = Life::of(steps);
        let looks_left = self.looks_left();
        let before = self.truth.look().disturbances;
        self.truth.look().run = self.runs;
        self.tell_begin(steps, caller);
        // G3: of a listing that stops its flows nothing is kept, so that what it showed is still to
        // be seen.
        let mut stopped = BTreeSet::new();
        let mut recorded = BTreeSet::new();
        let result = self.hub(life.clone()).and_then(|mut hub| {
            let only = caller.map(|at| {
                let plan = hub.ledger.plan_of_flows();
                let types = (0..plan.types.len() as u16).map(TypeIx);
                types.filter(|ty| plan.ty(*ty).name.system == self.systems[at].drawn.name).collect()
            });
            self.compare_counts(&mut hub)?;
            let watcher = Box::new(Stopper { looks_left });
            let report = hub.run(RunOptions { full, only, watcher, ..RunOptions::default() })?;
            if report.stopped {
                self.truth.look().tell("", "  it is ended at a step".into());
            }
            recorded = self.recorded(&mut hub)?;
            // Whoever is asked says yes to everything: what was asked for is verified nonetheless
            // (R3).
            for guard in hub.ledger.tripped_guards()? {
                if GuardKind::parse(&guard.guard).is_some_and(|kind| kind.writes().is_none()) {
                    stopped.insert(guard.system.clone());
                }
                if let Some(kind) = GuardKind::parse(&guard.guard) {
                    hub.ledger.release(&guard.system, kind)?;
                }
            }
            Ok(report)
        });
        for system in &self.systems {
            let keeps = !life.ended() && !stopped.contains(&system.drawn.name);
            system.no_longer_called(|id| keeps && recorded.contains(&(system.number, id.into())));
        }
        let mut truth = self.truth.look();
        if life.ended() {
            self.kills += 1;
            truth.tell("", "the hub is killed".into());
            // Of what failed in its last moment it may know nothing.
            let run = truth.run;
            truth
                .failed
                .values_mut()
                .filter(|failed| failed.run == run)
                .for_each(|failed| failed.times = 0);
            return None;
        }
        match result {
            Ok(report) => {
                let whole = caller.is_none() && truth.disturbances == before && report.outbox == 0;
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
        self.clock.pass(BACK_OFF_MS);
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
            if round > 1
                && last.as_ref().is_some_and(|report| report.writes() == 0 && report.outbox == 0)
            {
                break;
            }
        }
        if last.is_none_or(|report| report.writes() > 0 || report.outbox > 0) {
            self.truth.look().broken(
                "not settled",
                "",
                "twelve runs after everything has healed it still writes".into(),
            );
            return;
        }
        match self.hub(Life::of(None)) {
            Ok(mut hub) => {
                let found = checkers::all(self, &mut hub);
                let mut truth = self.truth.look();
                match found {
                    Ok(found) => {
                        for violation in found {
                            truth.broken(
                                violation.checker,
                                &violation.who.unwrap_or_default(),
                                violation.message,
                            );
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

/// Ends a run after so many looks; never, where nothing is said.
struct Stopper {
    looks_left: Option<usize>,
}

impl Watcher for Stopper {
    fn tell(&mut self, _: Progress) {}

    fn stops(&mut self) -> bool {
        match &mut self.looks_left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

/// Whether an intent is still to be carried out.
pub fn is_under_way(state: IntentState) -> bool {
    matches!(state, IntentState::Queued | IntentState::Sent | IntentState::Unknown)
}
