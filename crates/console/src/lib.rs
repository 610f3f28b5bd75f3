//! Lockstep's console: who may, the pages, and the frame of the HTTP API.
//!
//! ```text
//! browser, program ─▶ one listener ─▶ access: who is it, may they? ─▶ a route of the table
//!                                                                      ├─ looks: a hub that only reads
//!                                                                      └─ acts: a request to the owner
//! ```
//!
//! Every route stands in one table ([`Route`]) with the role that it needs; nothing answers without
//! being in it. Looking opens what is stored for reading, many at a time; acting asks the owner of
//! the hub (`lockstep_service`) as the command line does, with the name of the person.

pub mod access;
pub mod accounts;
pub mod api;
mod frame;
mod numbers;
mod pages;
mod problem;
mod sessions;
mod sign_in;
mod slow;
pub mod take_back;
pub mod words;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use lockstep_hub::undo::TakingBack;
use lockstep_hub::{Hub, Report};
use lockstep_service::http::{Bounds, serve};
use lockstep_service::{Flows, Queue, Refusal, TakeBack};

use accounts::AccountError;
pub use frame::{Answer, Given, Method, Route, View};
pub use problem::Problem;

/// Maximum number of connections at one time; of more, the one that came first is dropped.
const AT_ONCE: usize = 512;

/// The project that is looked at.
pub trait Project: Send + Sync + 'static {
    /// A hub that only reads what is stored; no system is asked.
    ///
    /// # Errors
    /// There is no store yet, or it can't be read.
    fn look(&self) -> Result<Hub, Refusal>;

    /// What a run would do (G1). Asks the systems.
    ///
    /// # Errors
    /// The store or the systems can't be had.
    fn plan(&self) -> Result<Report, Refusal>;

    /// What would be taken back.
    ///
    /// # Errors
    /// It makes no sense as it was asked, or the store can't be read.
    fn plan_back(&self, what: &TakeBack) -> Result<TakingBack, Refusal>;

    /// The flows by which the project decides.
    fn flows(&self) -> Flows;
}

/// How the console is served.
pub struct Settings {
    pub listen: SocketAddr,
    /// Accounts are kept beside it.
    pub store: PathBuf,
    /// The address under which the listener is reached from outside, if it is.
    pub public_url: Option<String>,
    /// Somebody who is signed in by a link, for as long as this process lives.
    pub guest: Option<Guest>,
}

/// A user of this process alone, who is signed in by a link.
#[derive(Clone)]
pub struct Guest {
    pub user: accounts::User,
    key: String,
}

impl Guest {
    /// A guest of this name who may do everything.
    ///
    /// # Errors
    /// This machine gives no random numbers.
    pub fn new(name: &str) -> Result<Guest, AccountError> {
        let mut accounts = accounts::Accounts::default();
        accounts.add_user(name, accounts::Role::Admin, &accounts::random()?)?;
        let key = accounts::random()?;
        match accounts.users.pop() {
            Some(user) => Ok(Guest { user, key }),
            None => Err(AccountError::NoRandom),
        }
    }
}

/// Why the console can't be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "there are no users, and {0} can be reached from other machines: add a user first, or listen on 127.0.0.1"
    )]
    NoUsers(SocketAddr),
    #[error("{address} can't be listened on ({error}): give another address")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Accounts(#[from] AccountError),
}

/// A console that is served until the process ends.
#[derive(Clone, Debug)]
pub struct Running {
    pub at: SocketAddr,
    key: Option<String>,
}

impl Running {
    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The link by which the guest is signed in.
    pub fn guest_link(&self) -> Option<String> {
        Some(format!("{}/sign-in?key={}", self.url(), self.key.as_ref()?))
    }
}

/// All routes: those of the pages, those that need no sign-in, and these of the API.
pub fn routes(api: Vec<api::Endpoint>) -> Vec<Route> {
    let mut all = pages::routes();
    all.extend(sign_in::routes());
    all.extend(api::routes(api));
    all
}

/// Serves console, API, health and these hooks.
///
/// # Errors
/// The address can't be listened on, or may not be while there are no users.
pub fn start(
    settings: Settings,
    project: Arc<dyn Project>,
    queue: Queue,
    api: Vec<api::Endpoint>,
    hooks: Router,
) -> Result<Running, StartError> {
    let accounts = accounts::read(&settings.store)?;
    if !settings.listen.ip().is_loopback() && accounts.users.is_empty() {
        return Err(StartError::NoUsers(settings.listen));
    }
    let address = settings.listen;
    let failed = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(settings.listen).map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let key = settings.guest.as_ref().map(|guest| guest.key.clone());
    let shared = Arc::new(frame::Shared::new(settings, at, project, queue));
    numbers::keep(&shared);
    let router = frame::router(&shared, routes(api), hooks);
    let bounds = Bounds { at_once: AT_ONCE, keep_alive: true, patience: None };
    serve(listener, router, bounds).map_err(failed)?;
    Ok(Running { at, key })
}
