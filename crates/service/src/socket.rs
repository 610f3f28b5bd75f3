//! The way by which commands find a service that is at work: a file beside the store that says
//! where it listens, on this machine only, and what to show as proof. Who can't read the file can't
//! ask.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use crate::http::{Bounds, serve};
use crate::owner::Queue;
use crate::request::{Refusal, Reply, Request};

/// In bytes: a plan that a person was shown comes back whole.
const MOST_BODY: usize = 256 << 20;
const MOST_AT_ONCE: usize = 64;

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sign {
    /// Of the program: another one does not understand what is said.
    pub version: String,
    pub url: String,
    pub token: String,
}

/// This program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the file of a store is.
pub(crate) fn place(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_os_string();
    name.push(".service");
    store.with_file_name(name)
}

/// An open socket; it is closed when this is dropped.
pub struct Socket {
    place: PathBuf,
    token: String,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another service may have opened its own by now.
        let mine = read(&self.place).is_some_and(|sign| sign.token == self.token);
        if mine {
            let _ = std::fs::remove_file(&self.place);
        }
    }
}

pub(crate) fn read(place: &Path) -> Option<Sign> {
    serde_json::from_slice(&std::fs::read(place).ok()?).ok()
}

#[derive(Clone)]
struct Asked {
    queue: Queue,
    token: Arc<String>,
}

/// Opens the socket of a store: commands ask by it what this owner does.
///
/// # Errors
/// This machine does not let it listen, or the file can't be written.
pub fn open(store: &Path, queue: Queue) -> std::io::Result<Socket> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut random = [0; 32];
    let unheard = |_| std::io::Error::other("this machine gives no random numbers");
    ring::rand::SystemRandom::new().fill(&mut random).map_err(unheard)?;
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let state = Asked { queue, token: Arc::new(token.clone()) };
    let router = Router::new()
        .route("/", get(shown))
        .route("/requests", post(asked))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(state);
    serve(listener, router, Bounds { at_once: MOST_AT_ONCE, keep_alive: false, patience: None })?;
    let sign = Sign { version: VERSION.into(), url, token: token.clone() };
    let place = place(store);
    // Whole or not at all, and for its owner alone: a temporary file is made so.
    let folder = place.parent().filter(|path| !path.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(&serde_json::to_vec(&sign)?)?;
    file.persist(&place)?;
    Ok(Socket { place, token })
}

/// What proves to a command that it has come to the service of its file, and not to whoever listens
/// there since. The token itself is not shown.
pub(crate) fn proof(token: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn shown(State(state): State<Asked>) -> String {
    proof(&state.token)
}

async fn asked(
    State(state): State<Asked>,
    headers: HeaderMap,
    Json(request): Json<Request>,
) -> (StatusCode, Json<Result<Reply, Refusal>>) {
    let shown = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let wanted = format!("Bearer {}", state.token);
    // In a time that tells nothing of where they differ: both are hashed first.
    let hash = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes);
    let is_it = |shown: &[u8]| hash(shown).as_ref() == hash(wanted.as_bytes()).as_ref();
    if !shown.is_some_and(is_it) {
        let refusal = Refusal::Wrong("who asks does not show what the service wants".into());
        return (StatusCode::UNAUTHORIZED, Json(Err(refusal)));
    }
    match state.queue.ask(request, None).await {
        Ok(answer) => (StatusCode::OK, Json(answer)),
        Err(_) => {
            let ends = Refusal::Person("the service is ending: ask again in a moment".into());
            (StatusCode::SERVICE_UNAVAILABLE, Json(Err(ends)))
        }
    }
}
