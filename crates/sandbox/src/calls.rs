//! Calls that emulated systems make when a person changes something in them (webhooks). Which calls
//! those are, and how they are signed, is the emulators' matter; here they are sent, each once, and
//! noted. What comes over a vendor's own interface raises no call here, and a call that is not
//! taken is not made again: vendors try again later, which nobody should have to rely on.

use crate::http::Act;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// What a person did to a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changed<'a> {
    pub collection: &'static str,
    pub id: &'a str,
    pub act: Act,
    /// What an update was made of.
    pub patch: Option<&'a Value>,
}

/// A call to make.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub url: String,
    pub headers: Vec<(Cow<'static, str>, String)>,
    pub body: String,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedCall {
    pub system: String,
    pub url: String,
    /// 0 when nobody answered.
    pub status: u16,
}

/// The calls made so far.
pub(crate) type Calls = Arc<Mutex<Vec<LoggedCall>>>;

/// Makes calls, in a thread of their own: whoever changes a record does not wait for those who are
/// told.
pub(crate) fn send(log: &Calls, system: &str, calls: Vec<Call>) {
    let (log, system) = (Arc::clone(log), system.to_owned());
    if !calls.is_empty() {
        std::thread::spawn(move || {
            for call in calls {
                let status = ask(&call).map_or(0, |(status, _)| status);
                log.lock().unwrap_or_else(PoisonError::into_inner).push(LoggedCall {
                    system: system.clone(),
                    url: call.url,
                    status,
                });
            }
        });
    }
}

/// Makes one call and gives the status and the body of its answer. HTTP without encryption only:
/// whoever is called is on this machine.
pub(crate) fn ask(call: &Call) -> Option<(u16, String)> {
    let rest = call.url.strip_prefix("http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream =
        TcpStream::connect_timeout(&host.to_socket_addrs().ok()?.next()?, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let headers: String =
        call.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = call.body.len();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{}", call.body).as_bytes()).ok()?;
    let mut answer = String::new();
    // A status line and a short body are all that counts; some end without closing properly.
    let _ = stream.take(4096).read_to_string(&mut answer);
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Some((status, body.to_owned()))
}
