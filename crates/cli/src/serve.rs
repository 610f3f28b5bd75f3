//! The service: every record type on its schedule, calls from systems, and what commands ask for,
//! until it is stopped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use lockstep_hub::{Hub, Report, System};
use lockstep_model::TypeName;
use lockstep_service::{
    Heartbeat, Owner, Project, Purpose, Refusal, Schedule, Systems, Told, notify, socket,
};

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::project::{self, Opened};
use crate::signals;
use crate::work::{as_json, narrate, when_quiet};

/// A system is read this often where the project does not say, in seconds.
const SCHEDULE_S: u64 = 60;

/// Where systems call, if they do.
pub struct Calls {
    pub listen: Option<SocketAddr>,
    /// The address under which the listener is reached from outside.
    pub public: Option<String>,
}

/// The project that a service works on.
struct AtWork {
    dir: PathBuf,
    opened: Opened,
    systems: Vec<System>,
    /// The same, for those who call.
    called: Systems,
}

impl AtWork {
    fn put(&mut self, systems: Vec<System>) {
        self.called.write().unwrap_or_else(PoisonError::into_inner).clone_from(&systems);
        self.systems = systems;
    }

    /// Takes the settings of systems, and with them the secrets, from the project as it is now. Its
    /// flows stay as they were.
    fn take_settings(&mut self) -> Result<()> {
        let now = project::open(&self.dir)?;
        let plan = self.opened.plan()?;
        if now.plan()?.fingerprint_of_flows() != plan.fingerprint_of_flows() {
            note!("the flows have been changed: they are taken up by the next start");
        }
        let before = self.opened.project.systems.clone();
        for system in &mut self.opened.project.systems {
            let found = now.project.system(&system.name);
            if let Some(found) = found.filter(|found| found.connector == system.connector) {
                system.with = found.with.clone();
            }
        }
        match self.opened.connect(&plan) {
            Ok(systems) => self.put(systems),
            Err(failure) => {
                self.opened.project.systems = before;
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Project for AtWork {
    fn hub(&mut self, purpose: Purpose) -> std::result::Result<Hub, Refusal> {
        let hub = match purpose {
            Purpose::Work => {
                self.opened.plan().and_then(|plan| self.opened.hub_over(plan, self.systems.clone()))
            }
            Purpose::TakeBack => self.opened.hub_for_undo(true),
        };
        hub.map_err(|failure| match failure.status {
            1 => Refusal::Person(failure.message.into()),
            _ => Refusal::Wrong(failure.message.into()),
        })
    }

    /// A system that could not be asked for its record types when the service began may answer by
    /// now; then the project is looked at anew.
    fn look_again(&mut self, types: &[TypeName]) {
        let down =
            |systems: &[System]| systems.iter().filter(|system| system.connector.is_down()).count();
        if down(&self.systems) == 0 {
            return;
        }
        let Ok(opened) = project::open(&self.dir) else { return };
        let Ok(plan) = opened.plan() else { return };
        let Ok(again) = opened.connect(&plan) else { return };
        // Flows that were edited meanwhile come with the next start, as always.
        let same = plan.types.iter().map(|ty| &ty.name).eq(types);
        if same && down(&again) < down(&self.systems) {
            self.opened = opened;
            self.put(again);
        }
    }

    fn first_run_waits(&self) -> bool {
        self.opened.project.first_run_waits
    }

    fn renew(&mut self) {
        match self.take_settings() {
            Ok(()) => note!("secrets and settings of systems were read anew"),
            Err(failure) => {
                eprintln!("! secrets stay as they were: {}", failure.message);
            }
        }
    }
}

/// How often each record type is read.
fn periods(opened: &Opened) -> Result<Vec<(TypeName, Duration)>> {
    let period = |name: &TypeName| {
        let schedule =
            opened.project.system(&name.system).map(|s| s.schedule.clone()).unwrap_or_default();
        let of_type = schedule.types.get(&name.kind).copied();
        let seconds = of_type.or(schedule.every_seconds).unwrap_or(SCHEDULE_S);
        Duration::from_secs(seconds.max(1))
    };
    let plan = opened.plan()?;
    Ok(plan.types.iter().map(|ty| (ty.name.clone(), period(&ty.name))).collect())
}

/// Every record type on its schedule, until it is stopped.
pub fn run(dir: &Path, approve: bool, calls: &Calls, format: Format) -> Result<Exit> {
    let opened = project::open(dir)?;
    let systems = opened.connect(&opened.plan()?)?;
    let store = opened.store_path()?;
    if lockstep_service::Client::of(&store).is_some() {
        return Err(Failure::person(format!(
            "a service is at work on {} already: stop it first, or leave this one",
            store.display()
        )));
    }
    let periods = periods(&opened)?;
    let schedule = Schedule::new(periods.clone(), Instant::now());
    let called = Systems::new(RwLock::new(systems.clone()));
    let dir = dir.to_path_buf();
    let at_work = AtWork { dir, opened, systems: systems.clone(), called: Systems::clone(&called) };
    let mut owner = Owner::new(at_work, schedule, approve);
    let socket = socket::open(&store, owner.queue());
    if let Err(error) = &socket {
        // Commands wait for the store then, as they do where no service is at work.
        eprintln!("! commands can't ask this service, and wait for the store instead: {error}");
    }
    if let Some(address) = calls.listen {
        let listening = lockstep_service::listen(address, &called, owner.queue().sender(), tell);
        let at = listening.map_err(|error| {
            Failure::usage(format!(
                "{address} can't be listened on ({error}): give another one with --webhooks"
            ))
        })?;
        note!("Systems call http://{at}/hooks/SYSTEM");
        for system in &systems {
            if let Some(why) = system.connector.makes_no_calls() {
                note!("{} makes no calls, and is read on schedule: {why}", system.name);
            }
        }
        if let Some(public) = &calls.public {
            let types: Vec<TypeName> = periods.iter().map(|(name, _)| name.clone()).collect();
            lockstep_service::register(public, &systems, &types, tell);
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    signals::heed(Arc::clone(&stop), owner.queue());
    let heart = Heartbeat::start();
    let ends = || {
        heart.beat();
        stop.load(Ordering::Relaxed)
    };
    let worked = owner.work(&ends, &mut |told| match told {
        Told::Begins => {
            notify("READY=1\nSTATUS=at work");
            for (name, period) in &periods {
                note!("{name} is read every {} s", period.as_secs());
            }
        }
        Told::Report(report) => tell_run(report, format),
        Told::Trouble(trouble) => eprintln!("! {trouble}"),
        Told::Waits(flows) => {
            notify("READY=1\nSTATUS=waits for flows to be approved (G2)");
            tell_waits(flows);
        }
    });
    worked.map_err(project::refusal)?;
    Ok(Exit::Done)
}

fn tell(text: &str) {
    eprintln!("{text}");
}

fn tell_run(report: &Report, format: Format) {
    if format == Format::Json {
        match as_json(report) {
            Ok(line) => emit!("{line}"),
            Err(failure) => eprintln!("! {}", failure.message),
        }
        let _ = std::io::Write::flush(&mut std::io::stdout());
        return;
    }
    narrate(report);
    when_quiet(report);
}

/// G2: while flows wait the store is free, for `lockstep plan` and `lockstep approve`.
fn tell_waits(flows: &[String]) {
    for flow in flows {
        eprintln!("waiting  {flow}: it has not run as it is now (G2)");
    }
    eprintln!(
        "Look at `lockstep plan`, then say `lockstep approve`; or start with `lockstep run --approve`."
    );
}
