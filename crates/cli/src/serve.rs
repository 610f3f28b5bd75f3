//! The service: every record type on its schedule, calls from systems, what commands ask for, and the
//! console, until it is stopped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use lockstep_console::{Guest, Running, Settings, StartError};
use lockstep_hub::undo::TakingBack;
use lockstep_hub::{Hub, Report, RunOptions, System};
use lockstep_model::TypeName;
use lockstep_service::{
    Flows, Heartbeat, Owner, Project, Purpose, Queue, Refusal, Schedule, Systems, TakeBack, Told,
    notify, socket,
};

use crate::api;
use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::project::{self, Opened};
use crate::signals;
use crate::work::{as_json, narrate, when_quiet};

/// A system is read this often where the project does not say, in seconds.
const SCHEDULE_S: u64 = 60;

/// The port of the console where nobody says another one.
const PORT: u16 = 4780;

/// Where the service listens.
#[derive(Default)]
pub struct Listening {
    /// The console, the API, health and webhooks.
    pub listen: Option<SocketAddr>,
    /// Webhooks and nothing else.
    pub webhooks: Option<SocketAddr>,
    /// The address under which it is reached from outside.
    pub public_url: Option<String>,
    /// Who is signed in by a link.
    pub guest: Option<Guest>,
}

/// The project that a service works on.
struct AtWork {
    dir: PathBuf,
    opened: Arc<Opened>,
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
        // Who looks at the project goes on with what it was opened with: looking needs no secrets.
        let mut opened = Opened::clone(&self.opened);
        for system in &mut opened.project.systems {
            let found = now.project.system(&system.name);
            if let Some(found) = found.filter(|found| found.connector == system.connector) {
                system.with = found.with.clone();
            }
        }
        let systems = opened.connect(&plan)?;
        self.opened = Arc::new(opened);
        self.put(systems);
        Ok(())
    }
}

/// The project as the console looks at it.
struct LookedAt(Arc<Opened>);

impl lockstep_console::Project for LookedAt {
    fn look(&self) -> std::result::Result<Hub, Refusal> {
        if !self.0.store_path().map_err(refused)?.exists() {
            return Err(Refusal::Person(
                "nothing is stored yet: the first run has not begun".into(),
            ));
        }
        self.0.hub_for_looking().map_err(refused)
    }

    fn plan(&self) -> std::result::Result<Report, Refusal> {
        let mut hub = self.0.hub_for_reading().map_err(refused)?;
        Ok(hub.plan(RunOptions::default())?)
    }

    fn plan_back(&self, what: &TakeBack) -> std::result::Result<TakingBack, Refusal> {
        let mut hub = self.0.hub_for_undo(false).map_err(refused)?;
        lockstep_service::plan_to_take_back(&mut hub, what)
    }

    fn flows(&self) -> Flows {
        // The flows that are opened have been compiled once already.
        Flows(self.0.plan().map(|plan| plan.fingerprint_of_flows()).unwrap_or_default())
    }
}

fn refused(failure: Failure) -> Refusal {
    match failure.status {
        1 => Refusal::Person(failure.message.into()),
        _ => Refusal::Wrong(failure.message.into()),
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
        hub.map_err(refused)
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
            self.opened = Arc::new(opened);
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
pub fn run(dir: &Path, approve: bool, at: Listening, format: Format) -> Result<Exit> {
    let opened = Arc::new(project::open(dir)?);
    let periods = periods(&opened)?;
    let mut tell = |told: Told<'_>| match told {
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
    };
    let served = |running: &Running| {
        note!("The console is at {}", running.url());
        Ok(())
    };
    let ending = "ending: what is under way comes to its end; once more ends it at once";
    serve(dir, opened, periods.clone(), (approve, ending), at, &served, &mut tell)
}

/// Works and serves until it is stopped. `served` says where the console is.
pub fn serve(
    dir: &Path,
    opened: Arc<Opened>,
    periods: Vec<(TypeName, Duration)>,
    (approve, ending): (bool, &'static str),
    at: Listening,
    served: &dyn Fn(&Running) -> Result<()>,
    tell_of: &mut dyn FnMut(Told<'_>),
) -> Result<Exit> {
    let systems = opened.connect(&opened.plan()?)?;
    let store = opened.store_path()?;
    if lockstep_service::Client::of(&store).is_some() {
        return Err(Failure::person(format!(
            "a service is at work on {} already: stop it first, or leave this one",
            store.display()
        )));
    }
    let schedule = Schedule::new(periods.clone(), Instant::now());
    let called = Systems::new(RwLock::new(systems.clone()));
    let looked_at = LookedAt(Arc::clone(&opened));
    let dir = dir.to_path_buf();
    let at_work = AtWork { dir, opened, systems: systems.clone(), called: Systems::clone(&called) };
    let mut owner = Owner::new(at_work, schedule, approve);
    let queue = owner.queue();
    let socket = socket::open(&store, queue.clone());
    if let Err(error) = &socket {
        // Commands wait for the store then, as they do where no service is at work.
        eprintln!("! commands can't ask this service, and wait for the store instead: {error}");
    }
    served(&console(&store, &called, looked_at, &queue, &at)?)?;
    let types: Vec<TypeName> = periods.iter().map(|(name, _)| name.clone()).collect();
    listen_for_calls((&systems, &called), &types, &queue, &at)?;
    let stop = Arc::new(AtomicBool::new(false));
    signals::heed(Arc::clone(&stop), owner.queue(), ending);
    let heart = Heartbeat::start();
    let ends = || {
        heart.beat();
        stop.load(Ordering::Relaxed)
    };
    owner.work(&ends, tell_of).map_err(project::refusal)?;
    Ok(Exit::Done)
}

/// Serves the console, at the usual port or any other where that one is taken.
fn console(
    store: &Path,
    called: &Systems,
    looked_at: LookedAt,
    queue: &Queue,
    at: &Listening,
) -> Result<Running> {
    let project: Arc<dyn lockstep_console::Project> = Arc::new(looked_at);
    let start = |listen: SocketAddr| {
        let settings = Settings {
            listen,
            store: store.to_path_buf(),
            public_url: at.public_url.clone(),
            guest: at.guest.clone(),
        };
        let hooks = lockstep_service::routes(called, queue.sender(), tell);
        let (project, api) = (Arc::clone(&project), api::endpoints());
        lockstep_console::start(settings, project, queue.clone(), api, hooks)
    };
    let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let started = match at.listen {
        Some(listen) => start(listen),
        None => match start(here(PORT)) {
            Err(StartError::Listen { .. }) => start(here(0)),
            started => started,
        },
    };
    started.map_err(|error| match error {
        StartError::NoUsers(_) => {
            Failure::usage(format!("{error}; `lockstep user add NAME --role admin` adds one"))
        }
        StartError::Listen { .. } => Failure::usage(format!("{error} with --listen")),
        StartError::Accounts(_) => Failure::person(error.to_string()),
    })
}

/// Listens for webhooks, where they come to an address of their own, and has systems told where to
/// call.
fn listen_for_calls(
    (systems, called): (&[System], &Systems),
    types: &[TypeName],
    queue: &Queue,
    at: &Listening,
) -> Result<()> {
    if let Some(address) = at.webhooks {
        let listening = lockstep_service::listen(address, called, queue.sender(), tell);
        let at = listening.map_err(|error| {
            Failure::usage(format!(
                "{address} can't be listened on ({error}): give another one with --webhooks"
            ))
        })?;
        note!("Systems call http://{at}/hooks/SYSTEM");
        for system in systems {
            if let Some(why) = system.connector.makes_no_calls() {
                note!("{} makes no calls, and is read on schedule: {why}", system.name);
            }
        }
    }
    if let Some(public) = &at.public_url {
        lockstep_service::register(public, systems, types, tell);
    }
    Ok(())
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
