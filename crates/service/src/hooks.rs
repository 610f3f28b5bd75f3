//! Webhooks: systems call `/hooks/SYSTEM`, are answered at once, and what they hint at is read soon
//! after (R4). Any number of hints for one record is one reading of it; a call that is lost is made
//! good by the next reading on schedule.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lockstep_connector::{Call, Heard, Trouble};
use lockstep_hub::{Clock, System, SystemClock};
use lockstep_model::TypeName;

use crate::hints::hints;
use crate::http::{Bounds, serve};
use crate::owner::{HintSender, Message};

/// In bytes.
const MOST_BODY: usize = 1 << 20;
const MOST_AT_ONCE: usize = 64;
/// A call comes in whole, and its answer leaves, within this.
const PATIENCE: Duration = Duration::from_secs(5);
/// A system that could not be told where to call is told again after so many seconds.
const RETRY_S: u64 = 60;

/// The systems of a service, as its secrets are now.
pub type Systems = Arc<RwLock<Vec<System>>>;

#[derive(Clone)]
struct Calls {
    systems: Systems,
    queue: HintSender,
    tell: fn(&str),
}

/// The routes that systems call; what they hint at goes to the owner. `tell` prints what was
/// refused.
pub fn routes(systems: &Systems, queue: HintSender, tell: fn(&str)) -> Router {
    let state = Calls { systems: Arc::clone(systems), queue, tell };
    Router::new()
        .route("/hooks/{system}", get(heard).post(heard))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(axum::middleware::from_fn(in_time))
        .with_state(state)
}

async fn in_time(call: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(call)).await {
        Ok(answer) => answer,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

/// Listens for calls and nothing else. Gives the address.
///
/// # Errors
/// The address can't be listened on.
pub fn listen(
    address: SocketAddr,
    systems: &Systems,
    queue: HintSender,
    tell: fn(&str),
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    let at = listener.local_addr()?;
    let bounds = Bounds { at_once: MOST_AT_ONCE, keep_alive: false, patience: Some(PATIENCE) };
    serve(listener, routes(systems, queue, tell), bounds)?;
    Ok(at)
}

async fn heard(
    State(state): State<Calls>,
    Path(system): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let systems = state.systems.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(system) = systems.into_iter().find(|known| known.name == system) else {
        return (StatusCode::NOT_FOUND, String::new());
    };
    let text = |value: &axum::http::HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).trim().to_string()
    };
    let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let address = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let call = Call {
        method: method.to_string(),
        address,
        query,
        headers,
        body: body.to_vec(),
        at: SystemClock.now(),
    };
    // Proving a call may take a look at a file or a computation: not in the thread that accepts.
    let connector = Arc::clone(&system.connector);
    let heard = tokio::task::spawn_blocking(move || connector.hear(&call)).await;
    match heard {
        Ok(Heard::Hint(named)) => {
            // An owner that has ended takes nothing any more; the next start reads it all.
            let _ = state.queue.0.send(Message::Hints(hints(&system.name, named)));
            (StatusCode::OK, String::new())
        }
        Ok(Heard::Again) => (StatusCode::OK, String::new()),
        Ok(Heard::Challenge(text)) => (StatusCode::OK, text),
        Ok(Heard::Refused(why)) => {
            (state.tell)(&format!("! {}: a call was refused: {why}", system.name));
            (StatusCode::UNAUTHORIZED, String::new())
        }
        Ok(Heard::NotOffered) => (StatusCode::NOT_FOUND, String::new()),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    }
}

/// Tells the systems where to call when something of these record types changes; again before a
/// registration ends. It is left when the program ends: whoever calls then calls again, and the next
/// start finds it.
pub fn register(public: &str, systems: &[System], types: &[TypeName], tell: fn(&str)) {
    for system in systems {
        let system = system.clone();
        let of = types.iter().filter(|name| name.system == system.name);
        let kinds: Vec<String> = of.map(|name| name.kind.clone()).collect();
        let url = format!("{}/hooks/{}", public.trim_end_matches('/'), system.name);
        std::thread::spawn(move || {
            let mut told = false;
            let mut refused = String::new();
            loop {
                let wait = match system.connector.listen_at(&url, &kinds) {
                    Ok(again) => {
                        if !std::mem::replace(&mut told, true)
                            && system.connector.wants_an_address()
                        {
                            tell(&format!("{} has been told to call {url}", system.name));
                        }
                        let Some(seconds) = again else { return };
                        refused.clear();
                        seconds.max(1)
                    }
                    Err(trouble) => {
                        let why = trouble.to_string();
                        if why != refused {
                            let name = &system.name;
                            tell(&format!("! {name}: it could not be told where to call: {why}"));
                        }
                        refused = why;
                        // What a person has to set right is read with the next start.
                        if matches!(trouble, Trouble::Misconfigured(_)) {
                            return;
                        }
                        RETRY_S
                    }
                };
                std::thread::sleep(Duration::from_secs(wait));
            }
        });
    }
}
