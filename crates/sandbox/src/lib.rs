//! Systems of vendors, emulated over HTTP.
//!
//! SuperOffice, Wix, PowerOffice Go, CRMOffice, Zendesk and YouTrack, the six of the example
//! dataflow documents, and where they are named those of [`FURTHER`], each under a path prefix of
//! one local server, with what the vendors enforce: authentication, paging, filters, required and
//! derived properties, revisions and their conflicts, duplicates, refusals, error bodies, request
//! budgets. They are written from what the vendors document and share no code with the connectors,
//! so that each can prove the other wrong. Where the vendor's behaviour could not be verified, a
//! comment in the system's file says so ("unverified") and says what was chosen.
//!
//! ```
//! use lockstep_sandbox::{Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::default()).unwrap();
//! let address = sandbox.url("zendesk").unwrap(); // http://127.0.0.1:PORT/zendesk
//! let users = sandbox.records("zendesk", "users").unwrap();
//! assert!(users.len() > 10 && address.ends_with("/zendesk"));
//! ```
//!
//! Outside the vendors' address space, `/_sandbox/…` shows the requests made, counts the writes,
//! edits records as a person in that system would, and injects faults; [`Running`] has the same as
//! methods.

mod admin;
mod calls;
mod data;
mod faults;
mod http;
mod oauth;
mod rates;
mod server;
mod shared;
mod state;
mod systems;
mod tokens;
mod util;

pub use admin::AdminError;
pub use calls::LoggedCall;
pub use faults::setting::PRESETS;
pub use faults::{Fault, FaultKind, How, Rate, Setting, SettingError, Struck, What};
pub use shared::{LoggedRequest, WriteCount, Writes};
pub use systems::described::{
    Described, DescribedProperty, DescribedType, KEY as DESCRIBED_KEY, Kind,
};
pub use systems::{FURTHER, INVENTED, SYSTEMS};

use jiff::SignedDuration;
use serde_json::Value;
use shared::{Log, Shared, Slot, lock};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How a sandbox is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The systems to emulate; the six of the examples when empty and none is described.
    pub systems: Vec<String>,
    /// Systems to emulate from descriptions, besides those. They are empty at first.
    pub described: Vec<Described>,
    /// Start with the sample data, or empty.
    pub sample_data: bool,
    /// The same seed gives the same ids and the same sample data.
    pub seed: u64,
    /// Multiplies the vendors' request budgets; 0 turns them off.
    pub rate_scale: f64,
    /// How far Zendesk's incremental exports are behind (the vendor's: one minute).
    pub zendesk_incremental_lag: Duration,
    /// How far lists and queries are behind writes (read replicas, search indexes); reading by id
    /// never is.
    pub list_lag: Duration,
    /// How long a new Hub user takes to appear in YouTrack's own user list.
    pub youtrack_pairing_delay: Duration,
    /// Whether CRMOffice shows `createdAt` and `modifiedAt`.
    pub crmoffice_stamps: bool,
    /// How far a system's clock is off, in seconds (positive: ahead), by its name.
    pub clock_offsets: Vec<(String, i64)>,
    /// The log of requests keeps what was sent and answered too, and fewer requests for it: 64 MiB
    /// of bodies.
    pub keep_bodies: bool,
    /// What goes wrong from the start, by system; those that are not named behave.
    pub faults: Vec<(String, Setting)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            systems: Vec::new(),
            described: Vec::new(),
            sample_data: true,
            seed: 1,
            rate_scale: 100.0,
            zendesk_incremental_lag: Duration::ZERO,
            list_lag: Duration::ZERO,
            youtrack_pairing_delay: Duration::ZERO,
            crmoffice_stamps: false,
            clock_offsets: Vec::new(),
            keep_bodies: false,
            faults: Vec::new(),
        }
    }
}

impl Options {
    /// No records, otherwise the defaults.
    pub fn empty() -> Self {
        Self { sample_data: false, ..Self::default() }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Port taken, or no permission.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for any")]
    Listen { port: u16, source: std::io::Error },
    /// A system that is not emulated.
    #[error(
        "there is no system '{0}' in the sandbox; it has {known}", known = systems::SYSTEMS.into_iter().chain(systems::FURTHER).collect::<Vec<_>>().join(", ")
    )]
    UnknownSystem(String),
    /// A described system by the name of a vendor's that the sandbox has.
    #[error(
        "'{0}' is the name of a system that the sandbox knows; call the described one otherwise"
    )]
    TakenName(String),
    /// The runtime could not be made.
    #[error("cannot start the server's thread: {0}")]
    Runtime(std::io::Error),
}

/// Starts servers.
pub struct Sandbox;

impl Sandbox {
    /// Starts one server with the chosen systems on a thread of its own; it runs until
    /// [`Running::shutdown`] or until the value is dropped.
    pub fn start(options: Options) -> Result<Running, StartError> {
        let shared = Arc::new(world(&options)?);
        let listener = std::net::TcpListener::bind(("127.0.0.1", options.port))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|source| StartError::Listen { port: options.port, source })?;
        let address = listener.local_addr().map_err(StartError::Runtime)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let state = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                        return;
                    };
                    let app = axum::Router::new()
                        .fallback(server::handle)
                        .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
                        .with_state(state);
                    // No graceful end: a caller that hangs on purpose must not keep the sandbox
                    // alive.
                    tokio::select! {
                        _ = axum::serve(listener, app) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            })
            .map_err(StartError::Runtime)?;
        Ok(Running { address, shared, stop: Some(stop), thread: Some(thread) })
    }
}

fn world(options: &Options) -> Result<Shared, StartError> {
    let span =
        |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let settings = systems::Settings {
        seed: options.seed,
        list_lag: span(options.list_lag),
        zendesk_incremental_lag: span(options.zendesk_incremental_lag),
        youtrack_pairing_delay: span(options.youtrack_pairing_delay),
        crmoffice_stamps: options.crmoffice_stamps,
        rate_scale: options.rate_scale,
    };
    let described = |name: &str| options.described.iter().any(|system| system.name == name);
    if let Some(unknown) = options
        .systems
        .iter()
        .chain(options.clock_offsets.iter().map(|(system, _)| system))
        .chain(options.faults.iter().map(|(system, _)| system))
        .find(|name| !systems::all().any(|known| known == name.as_str()) && !described(name))
    {
        return Err(StartError::UnknownSystem(unknown.clone()));
    }
    let mut systems = Vec::new();
    for system in systems::all() {
        let named = !options.systems.is_empty()
            || !options.described.is_empty()
            || !SYSTEMS.contains(&system);
        if named && !options.systems.iter().any(|wanted| wanted == system) {
            continue;
        }
        let Some(mut emulator) = systems::build(system, settings) else {
            continue;
        };
        if options.sample_data {
            data::fill(system, emulator.as_mut(), options.seed);
        }
        systems.push((system, slot(options, system, emulator)));
    }
    for described in &options.described {
        // One of those that run only where they are named may be described where it is not.
        let runs = |(name, _): &(&str, _)| *name == described.name;
        if SYSTEMS.contains(&described.name.as_str()) || systems.iter().any(runs) {
            return Err(StartError::TakenName(described.name.clone()));
        }
        // Names live as long as the program, as those of the six do.
        let name: &'static str = Box::leak(described.name.clone().into_boxed_str());
        let emulator = Box::new(systems::described::System::new(described, settings.list_lag));
        systems.push((name, slot(options, name, emulator)));
    }
    Ok(Shared {
        systems,
        calls: calls::Calls::default(),
        log: Mutex::new(Log { with_bodies: options.keep_bodies, ..Log::default() }),
    })
}

fn slot(options: &Options, system: &str, emulator: Box<dyn systems::Emulator>) -> Mutex<Slot> {
    let offset = options
        .clock_offsets
        .iter()
        .find(|(name, _)| name == system)
        .map_or(0, |(_, seconds)| *seconds);
    Mutex::new(Slot {
        rates: rates::Rates::new(emulator.limits(), options.rate_scale),
        emulator,
        armed: Vec::new(),
        faults: faults::setting::Standing::new(system, faults_of(options, system)),
        past: faults::past::Past::default(),
        clock_offset: SignedDuration::from_secs(offset),
    })
}

fn faults_of(options: &Options, system: &str) -> Setting {
    options
        .faults
        .iter()
        .find(|(name, _)| name == system)
        .map(|(_, setting)| setting.clone())
        .unwrap_or_default()
}

/// A running sandbox. Dropping it stops the server.
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish()
    }
}

impl Running {
    /// `http://127.0.0.1:PORT`, where a page describes what is here.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port that was taken.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The names of the systems that run, described ones too.
    pub fn systems(&self) -> Vec<String> {
        self.shared.systems.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// A system's address, `http://127.0.0.1:PORT/zendesk`; `None` for a system that was not
    /// started.
    pub fn url(&self, system: &str) -> Option<String> {
        let known = self.shared.systems.iter().any(|(name, _)| *name == system);
        known.then(|| format!("http://{}/{system}", self.address))
    }

    /// The requests that the systems received, after the one numbered `since`, oldest first.
    pub fn requests(&self, since: u64) -> Vec<LoggedRequest> {
        admin::requests(&self.shared, since)
    }

    /// The number of the last request that came; 0 before the first.
    pub fn last_request(&self) -> u64 {
        lock(&self.shared.log).last
    }

    /// Successful writes per system and record type. A person's edits (those below) do not count.
    pub fn writes(&self) -> Writes {
        lock(&self.shared.log).writes.clone()
    }

    /// Successful writes of all systems together.
    pub fn total_writes(&self) -> u64 {
        self.writes().values().flat_map(|types| types.values()).map(|count| count.total()).sum()
    }

    /// All records of a collection, in the vendor's shape.
    pub fn records(&self, system: &str, collection: &str) -> Result<Vec<Value>, AdminError> {
        admin::records(&self.shared, system, collection)
    }

    /// One record by its id.
    pub fn record(&self, system: &str, collection: &str, id: &str) -> Result<Value, AdminError> {
        admin::record(&self.shared, system, collection, id)
    }

    /// Adds a record as a person in that system would; what the body leaves out gets its default.
    /// Returns the record.
    pub fn put(&self, system: &str, collection: &str, body: Value) -> Result<Value, AdminError> {
        admin::put(&self.shared, system, collection, body)
    }

    /// Edits a record as a person would: objects are merged, lists replaced, null clears. Returns
    /// the record.
    pub fn edit(
        &self,
        system: &str,
        collection: &str,
        id: &str,
        patch: &Value,
    ) -> Result<Value, AdminError> {
        admin::edit(&self.shared, system, collection, id, patch)
    }

    /// Deletes a record as a person would (softly where the system's user interface does).
    pub fn remove(&self, system: &str, collection: &str, id: &str) -> Result<(), AdminError> {
        admin::remove(&self.shared, system, collection, id)
    }

    /// Arms a fault; several are tried in the order in which they were armed.
    pub fn fault(&self, system: &str, fault: Fault) -> Result<(), AdminError> {
        admin::arm(&self.shared, system, fault)
    }

    /// Sets what goes wrong in a system from now on, in place of what was set before. Armed faults
    /// stay.
    pub fn set_faults(&self, system: &str, setting: Setting) -> Result<(), AdminError> {
        admin::set_faults(&self.shared, system, setting)
    }

    /// How often each kind of fault has struck a system.
    pub fn struck(&self, system: &str) -> Result<Struck, AdminError> {
        admin::struck(&self.shared, system)
    }

    /// Disarms all faults of a system, and sets it to behave.
    pub fn clear_faults(&self, system: &str) -> Result<(), AdminError> {
        admin::disarm(&self.shared, system)
    }

    /// All access tokens that a system handed out stop working.
    pub fn expire_tokens(&self, system: &str) -> Result<(), AdminError> {
        admin::expire_tokens(&self.shared, system)
    }

    /// A user takes back what was granted in a sign-in: access and refresh tokens stop working.
    /// Nothing for a system without sign-ins.
    pub fn revoke_tokens(&self, system: &str) -> Result<(), AdminError> {
        admin::with_oauth(&self.shared, system, crate::oauth::Server::revoke_all)
    }

    /// How long the access tokens of a system with sign-ins live from now on, in seconds.
    pub fn set_token_seconds(&self, system: &str, seconds: i64) -> Result<(), AdminError> {
        admin::with_oauth(&self.shared, system, |server| server.manner.seconds = seconds)
    }

    /// Where a system calls when somebody changes something in it, as a person sets it in the
    /// system's own pages. False where a system does not call, or is told where by a request of its
    /// own interface.
    pub fn call_at(&self, system: &str, url: &str) -> Result<bool, AdminError> {
        admin::call_at(&self.shared, system, url)
    }

    /// The calls that systems have made, oldest first.
    pub fn calls(&self) -> Vec<LoggedCall> {
        lock(&self.shared.calls).clone()
    }

    /// Sets how far a system's clock is off, in seconds (positive: ahead).
    pub fn set_clock_offset(&self, system: &str, seconds: i64) -> Result<(), AdminError> {
        admin::set_clock_offset(&self.shared, system, seconds)
    }

    /// Stops the server and waits for its thread.
    pub fn shutdown(mut self) {
        self.stop_now();
    }

    fn stop_now(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only if the server has ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_now();
    }
}

/// The fixed demo credentials of a system, as names for environment variables and values. They open
/// the sandbox and nothing else, so they are no secrets.
pub fn credentials(system: &str) -> Vec<(String, String)> {
    systems::credentials(system)
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The record types of a system by the names of the sandbox's collections; empty for an unknown
/// system.
pub fn collections(system: &str) -> Vec<String> {
    let settings = systems::Settings {
        seed: 0,
        list_lag: SignedDuration::ZERO,
        zendesk_incremental_lag: SignedDuration::ZERO,
        youtrack_pairing_delay: SignedDuration::ZERO,
        crmoffice_stamps: false,
        rate_scale: 1.0,
    };
    systems::build(system, settings)
        .map(|emulator| emulator.collections().iter().map(|name| (*name).to_owned()).collect())
        .unwrap_or_default()
}
