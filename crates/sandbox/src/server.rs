//! The HTTP side: one listener for all systems, on a runtime thread of its own.
//!
//! Every request goes through the same steps: find the system by its prefix, see which faults
//! strike it, count it against the budgets, ask the emulator, note what it did. The emulators know
//! none of this.

use crate::admin;
use crate::faults::setting::lag;
use crate::faults::{self, FaultKind, What, rewrite};
use crate::http::{Reply, Request, pairs, percent_decode};
use crate::rates::Standing;
use crate::shared::{Shared, Slot};
use crate::systems::Emulator;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What becomes of a request.
enum Outcome {
    /// After so long.
    Answer(Reply, Duration),
    Drop(Duration),
    Hang,
}

/// The one handler.
pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    // Unwinding ends the task of a connection, and with it the socket, without a panic message: the
    // caller sees the connection closed before an answer, which is what a lost answer looks like.
    let drop_connection = || std::panic::resume_unwind(Box::new("connection dropped on purpose"));
    match serve(&shared, &method, &uri, &headers, body) {
        Outcome::Answer(reply, after) => {
            wait(after).await;
            response(reply)
        }
        Outcome::Drop(after) => {
            wait(after).await;
            drop_connection()
        }
        Outcome::Hang => {
            wait(Duration::from_secs(3600)).await;
            drop_connection()
        }
    }
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn serve(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Outcome {
    let mut segments: VecDeque<String> =
        uri.path().split('/').filter(|segment| !segment.is_empty()).map(percent_decode).collect();
    let host =
        headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1").to_owned();
    let first = segments.pop_front();
    let mut request = Request {
        method: method.as_str().to_owned(),
        segments: segments.into(),
        query: pairs(uri.query().unwrap_or_default()),
        headers: headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect(),
        body: body.to_vec(),
        base: format!("http://{host}"),
    };
    let at_once = |reply| Outcome::Answer(reply, Duration::ZERO);
    let system = match first.as_deref() {
        None => return at_once(admin::index(shared, &request.base)),
        Some("_sandbox") => return at_once(admin::answer(shared, &request)),
        Some(name) => name.to_owned(),
    };
    request.base = format!("http://{host}/{system}");
    let Some(mut slot) = shared.slot(&system) else {
        return at_once(Reply::text(
            404,
            "text/plain; charset=utf-8",
            format!("no system '{system}' here; see http://{host}/\n"),
        ));
    };
    let path = uri.path_and_query().map_or(uri.path(), |both| both.as_str());
    let mut faults: Vec<What> =
        faults::strike(&mut slot.armed, &request, uri.path()).into_iter().collect();
    faults.extend(slot.faults.draw(&request, uri.path()));
    let nothing = Reply::empty(0);
    // What keeps the request from being carried out comes before all else.
    for fault in &faults {
        let kind = fault.kind;
        let reply = match kind {
            FaultKind::Status => Some(faulty(slot.emulator.as_ref(), fault)),
            FaultKind::Unauthorized => Some(slot.emulator.unauthorized()),
            FaultKind::Down | FaultKind::Hang => None,
            _ => continue,
        };
        slot.faults.count(kind);
        shared.note(&system, &request, path, reply.as_ref(), &nothing, Some(kind));
        return match reply {
            Some(reply) => at_once(reply),
            None if kind == FaultKind::Down => Outcome::Drop(Duration::ZERO),
            None => Outcome::Hang,
        };
    }
    let mut struck: Vec<FaultKind> = Vec::new();
    let reply = carry_out(&mut slot, &mut request, &faults, &mut struck);
    let slow = faults.iter().filter(|fault| fault.kind == FaultKind::Slow);
    let after = slow
        .map(|fault| Duration::from_millis(fault.delay_ms.unwrap_or(500)))
        .max()
        .unwrap_or_default();
    let has = |kind| faults.iter().any(|fault| fault.kind == kind);
    struck.extend([FaultKind::Slow, FaultKind::LostAnswer].into_iter().filter(|kind| has(*kind)));
    let cut = has(FaultKind::BrokenJson) && !has(FaultKind::LostAnswer);
    struck.extend(cut.then_some(FaultKind::BrokenJson));
    for kind in &struck {
        slot.faults.count(*kind);
    }
    // The log has room for one: the one that the caller notices most.
    let told = struck.last().copied();
    if has(FaultKind::LostAnswer) {
        shared.note(&system, &request, path, None, &reply, told);
        return Outcome::Drop(after);
    }
    let mut shown = reply.clone();
    if cut {
        // Half of a body that is an object or an array never parses.
        shown.body.truncate(reply.body.len() / 2);
        if shown.body.is_empty() {
            shown.body = b"{\"".to_vec();
        }
    }
    shared.note(&system, &request, path, Some(&shown), &reply, told);
    Outcome::Answer(shown, after)
}

/// Asks the emulator, or what it was like before, or one like it that has no records; notes what
/// made a difference.
fn carry_out(
    slot: &mut Slot,
    request: &mut Request,
    faults: &[What],
    struck: &mut Vec<FaultKind>,
) -> Reply {
    let reads = request.reads();
    if !reads {
        for fault in faults.iter().filter(|fault| fault.kind == FaultKind::Rewrite) {
            if let Some(body) = rewrite::rewritten(&request.body, fault) {
                request.body = body;
                struck.push(FaultKind::Rewrite);
            }
        }
        slot.about_to_write();
    }
    let reply = answer(slot, request);
    if !reads || !matches!(reply.status, 200 | 404) {
        return reply;
    }
    let now = slot.now();
    let other = |mut emulator: Box<dyn Emulator>| {
        Some(emulator.answer(request, now)).filter(|other| other.body != reply.body)
    };
    for fault in faults {
        let seen = match fault.kind {
            FaultKind::EmptyList if slot.emulator.lists(request) => {
                let mut emptied = slot.emulator.copy();
                emptied.tables().into_iter().for_each(|table| table.clear());
                // Without its records a look-up by id is refused, and that is another fault.
                other(emptied).filter(|other| other.status == 200)
            }
            FaultKind::StaleRead => slot
                .past
                .within(lag(fault), Instant::now())
                .and_then(|before| other(before.copy()))
                // A token that was handed out since is no matter of records.
                .filter(|other| other.status != 401),
            _ => None,
        };
        if let Some(seen) = seen {
            struck.push(fault.kind);
            return seen;
        }
    }
    reply
}

fn answer(slot: &mut Slot, request: &Request) -> Reply {
    match slot.rates.take(request, Instant::now()) {
        Standing::Over { retry_after } => slot.emulator.throttled(retry_after),
        Standing::Free => {
            let now = slot.now();
            slot.emulator.answer(request, now)
        }
        Standing::Within { limit, remaining, resets_in } => {
            let now = slot.now();
            let reply = slot.emulator.answer(request, now);
            slot.emulator.rate_headers(reply, limit, remaining, resets_in)
        }
    }
}

fn faulty(emulator: &dyn Emulator, fault: &What) -> Reply {
    let status = fault.status.unwrap_or(503);
    let mut reply = match status {
        429 => emulator.throttled(fault.retry_after.unwrap_or(1)),
        401 => emulator.unauthorized(),
        // What stands in front of a service that is down mostly answers with a page, not with JSON.
        status => Reply::text(
            status,
            "text/html; charset=utf-8",
            format!("<html><body><h1>{status}</h1>The service is not available.</body></html>"),
        ),
    };
    reply.status = status;
    match fault.retry_after {
        Some(seconds) => reply.header("retry-after", seconds.to_string()),
        None => reply,
    }
}

fn response(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = axum::http::StatusCode::from_u16(reply.status)
        .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = axum::http::HeaderValue::from_bytes(value.as_bytes()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
