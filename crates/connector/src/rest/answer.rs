//! What came of a request: an answer, or why there is none.

use lockstep_model::Timestamp;
use serde_json::Value;
use ureq::http::HeaderMap;

use super::link::origin;
use super::value::{HEADERS, at};
use super::written::ErrorRule;
use crate::Trouble;

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// The server's clock, RFC 9110 `Date`.
    pub date: Option<Timestamp>,
    /// The whole address that was asked, without keys.
    pub url: String,
    /// The address of the next page, RFC 8288 `Link` with `rel="next"`, as it was written.
    pub link: Option<String>,
    pub retry_after_ms: Option<u64>,
    /// The version of what is shown, RFC 9110 `ETag`.
    pub etag: Option<String>,
    pub headers: HeaderMap,
    /// What answers to this request mean, before what the manifest says of all.
    pub rules: Vec<ErrorRule>,
}

impl Answer {
    /// What is at a place of the answer: in its body, or in a header (`$headers.X-Total-Count`).
    pub fn at(&self, place: &str) -> Option<Value> {
        match place.strip_prefix(HEADERS) {
            Some(name) => Some(Value::String(
                String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned(),
            )),
            None => at(&self.body, place).cloned(),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum NoAnswer {
    /// The request did not reach the system.
    NotSent(Trouble),
    /// It may have, and the answer was lost or can't be understood.
    Lost(Trouble),
}

impl NoAnswer {
    /// As trouble with the connection.
    pub fn trouble(self) -> Trouble {
        match self {
            NoAnswer::NotSent(trouble) | NoAnswer::Lost(trouble) => trouble,
        }
    }
}

/// Why there is no answer: surely nothing was sent, or the request may have arrived.
pub fn no_answer(named: &str, address: &str, error: &ureq::Error) -> NoAnswer {
    use ureq::Error as E;
    let host = origin(address);
    let unreachable =
        |what: &str| NoAnswer::NotSent(Trouble::Unreachable(format!("{host} {what}")));
    match error {
        E::HostNotFound => unreachable("is not found: is the address right, is there a network?"),
        E::ConnectionFailed => unreachable("does not answer: is it running, is the port right?"),
        E::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            unreachable("refuses connections: is it running, is the port right?")
        }
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            unreachable("does not answer in time")
        }
        E::Tls(_) | E::Rustls(_) => unreachable(&format!(
            "can't be trusted ({error}): is the address right, is its certificate valid?"
        )),
        _ => NoAnswer::Lost(Trouble::Unreachable(format!("{named}: no answer ({error})"))),
    }
}
